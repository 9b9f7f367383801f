"""Six invariants of the tenfold way, proven along a parameter.

Majorana numbers of Kitaev's chain, Z2 and mirror Chern numbers of the Bernevig-Hughes-Zhang model,
winding and second Chern numbers of Dirac models, windings around complex energies. All are proven;
dotted lines are textbook transitions.
"""

from pathlib import Path

import numpy as np
from curves import drawn

import topophys as tp
from topophys.plots import Figure, save_figure


def steps() -> list:
    """Title, parameter, its values, proven integers and textbook transitions of each panel."""
    mu, m = np.linspace(-3.9, 3.9, 40), np.linspace(-1.9, 9.9, 24)
    kitaev = tp.majorana_number(tp.models.kitaev_chain_bdg(mu, 1.0, 0.7), particle_hole="nambu")
    z2 = tp.z2_invariant(tp.models.bhz(m), n_occupied=2, method="flux", time_reversal="up first")
    mirror = tp.mirror_chern(tp.models.bhz(m), mirror=np.diag([1j, 1j, -1j, -1j]))
    m3, m4 = np.linspace(-3.9, 3.9, 14), np.array([-5.0, -3.5, -2.8, -1.2, 1.2, 2.8, 3.5, 5.0])
    solid = tp.winding_3d(tp.models.chiral_dirac_3d(m3), chiral="blocks")
    four = tp.second_chern(tp.models.dirac_4d(m4), gammas="dirac")
    return [
        ("D, 1D: Majorana number", "mu", mu, kitaev.value, [-2, 2]),
        ("AII, 2D: Z2", "m", m, z2.value, [0, 4, 8]),
        ("mirror Chern number", "m", m, mirror.value, [0, 4, 8]),
        ("AIII, 3D: winding number", "m", m3, solid.value, [-3, -1, 1, 3]),
        ("A, 4D: second Chern number", "m", m4, four.value, [-4, -2, 0, 2, 4]),
    ]


def picture() -> Figure:
    panel = (figure := drawn(steps())).axes[5]
    x, y = np.linspace(-1.6, 1.6, 60), np.linspace(-1.2, 1.2, 46)
    proof = tp.point_gap_winding(tp.models.hatano_nelson(1.0, 0.3), x + 1j * y[:, None])
    panel.pcolormesh(x, y, np.ma.filled(proof.value.astype(float), np.nan), cmap="Blues")
    loop = np.exp(1j * (k := tp.k_grid(200)[:, 0])) + 0.3 * np.exp(-1j * k)
    panel.plot(loop.real, loop.imag, "k", lw=1)
    panel.set(title="point gap: winding around E", xlabel="Re E", ylabel="Im E")
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
