"""Six invariants of the tenfold way, proven along a parameter.

Majorana numbers of Kitaev's chain, Z2 and mirror Chern numbers of the Bernevig-Hughes-Zhang model,
winding and second Chern numbers of Dirac models, windings around complex energies. All are proven.
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure


def steps() -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    """Title, name of the parameter, its values and the proven integers of each panel."""
    mu, m = np.linspace(-3.9, 3.9, 40), np.linspace(-1.9, 9.9, 24)
    kitaev = tp.majorana_number(tp.models.kitaev_chain_bdg(mu, 1.0, 0.7), particle_hole="nambu")
    z2 = tp.z2_invariant(tp.models.bhz(m), n_occupied=2, method="flux", time_reversal="up first")
    mirror = tp.mirror_chern(tp.models.bhz(m), mirror=np.diag([1j, 1j, -1j, -1j]))
    m3, m4 = np.linspace(-3.9, 3.9, 14), np.array([-5.0, -3.5, -2.8, -1.2, 1.2, 2.8, 3.5, 5.0])
    solid = tp.winding_3d(tp.models.chiral_dirac_3d(m3), chiral="blocks")
    four = tp.second_chern(tp.models.dirac_4d(m4), gammas="dirac")
    return [
        ("D, 1D: Majorana number", "mu", mu, kitaev.value),
        ("AII, 2D: Z2", "m", m, z2.value),
        ("mirror Chern number", "m", m, mirror.value),
        ("AIII, 3D: winding number", "m", m3, solid.value),
        ("A, 4D: second Chern number", "m", m4, four.value),
    ]


def picture() -> Figure:
    figure = new_figure(9.0, 4.6)
    panels = figure.subplots(2, 3).ravel()
    for panel, (title, name, x, value) in zip(panels, steps(), strict=False):
        panel.plot(x, np.ma.filled(value.astype(float), np.nan), "o", ms=3)
        panel.set(title=title, xlabel=name)
        assert not np.ma.is_masked(value)
    x, y = np.linspace(-1.6, 1.6, 60), np.linspace(-1.2, 1.2, 46)
    proof = tp.point_gap_winding(tp.models.hatano_nelson(1.0, 0.3), x + 1j * y[:, None])
    panels[5].pcolormesh(x, y, np.ma.filled(proof.value.astype(float), np.nan), cmap="Blues")
    loop = np.exp(1j * (k := tp.k_grid(200)[:, 0])) + 0.3 * np.exp(-1j * k)
    panels[5].plot(loop.real, loop.imag, "k", lw=1)
    panels[5].set(title="point gap: winding around E", xlabel="Re E", ylabel="Im E")
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
