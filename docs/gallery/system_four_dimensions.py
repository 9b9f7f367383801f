"""A Dirac model in four dimensions: the second Chern number (class A).

Its boundary is three-dimensional and carries Weyl points, one on each side for a second Chern
number of size 1: levels along one line through it. Right: the proven number.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, cut, integers, levels, panels, save_figure

import topophys as tp


def picture() -> Figure:
    half, k = np.array([0.6, 1.0, 1.4, 2.7, 3.0, 3.4, 4.6, 5.0]), np.linspace(-np.pi, np.pi, 81)
    m = np.concatenate([-half[::-1], half])
    figure, (left, right) = panels("Four dimensions")
    h = tp.models.dirac_4d(-3.0)
    levels(left, k, (cut(h, 12, x, 0.0, 0.0) for x in k), "boundary momentum", 2.5)
    proof = tp.second_chern(tp.models.dirac_4d(m), gammas="dirac")
    integers(right, m, proof.value, "mass", "second Chern number", [-4, -2, 0, 2, 4])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
