"""Non-Hermitian chains: a winding number without bands (point gap).

Left: energies of the Hatano-Nelson chain, on a ring (black) and between open ends (orange), where
all states move to one end; blue is the proven winding number 1. Right: the non-Hermitian chain of
Su, Schrieffer and Heeger.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, integers, panels, save_figure

import topophys as tp


def picture() -> Figure:
    x, y = np.linspace(-1.6, 1.6, 60), np.linspace(-1.2, 1.2, 46)
    chain = tp.models.hatano_nelson(1.0, 0.3)
    proof = tp.point_gap_winding(chain, x + 1j * y[:, None])
    figure, (left, right) = panels("Point gaps")
    left.pcolormesh(x, y, np.ma.filled(proof.value.astype(float), np.nan), cmap="Blues", vmax=2)
    loop = np.exp(1j * (k := tp.k_grid(200)[:, 0])) + 0.3 * np.exp(-1j * k)
    open_ends = np.linalg.eigvals(np.eye(40, k=1) + 0.3 * np.eye(40, k=-1))
    left.plot(loop.real, loop.imag, "k", lw=1)
    left.plot(open_ends.real, open_ends.imag, ".", ms=3, c="tab:orange")
    left.set(xlabel="Re E", ylabel="Im E")
    t1 = np.linspace(-2.05, 2.05, 42)
    winding = tp.point_gap_winding(tp.models.non_hermitian_ssh(t1, 1.0, 0.8)).value
    integers(right, t1, winding, "hopping in the cell", "winding number", [-1.4, -0.6, 0.6, 1.4])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
