"""Loops of the determinant.

The winding number of a chiral chain counts the turns of $\\det D(k)$ around the origin while $k$
runs through the Brillouin zone. Colour is $k$. If the loop passes through the origin, the gap
closes, and the integer may change.
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, plot_det_loop, save_figure


def picture() -> Figure:
    rows = [[0, 0, 1, 0.6, 0.2], [0, 0.2j, 0.4 + 0.15j, 1, 0.3], [0, 0.3, 0.5, 1 - 0.2j, 1.4],
            [0.4, 1.2, -0.5, 0.3j, 0]]  # fmt: skip
    chains = tp.ChiralHamiltonian.from_array(-2, np.array(rows)[..., None, None])
    proof = tp.certify_winding(chains)
    assert proof.value.tolist() == [0, 1, 2, -1]
    figure = new_figure(7.2, 6.0)
    plot_det_loop(chains, nu=proof, ax=figure.subplots(2, 2).ravel())
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=110)
