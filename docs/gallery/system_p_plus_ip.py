"""A p + ip superconductor: chiral Majorana modes (class D in the plane).

Levels of a strip of 24 cells with a proven Chern number of size 1: one mode on each edge, in
opposite directions. Right: the Chern number against the chemical potential.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, cut, integers, levels, panels, save_figure

import topophys as tp


def picture() -> Figure:
    mu, k = np.linspace(-5.9, 5.9, 60), np.linspace(-np.pi, np.pi, 121)
    figure, (left, right) = panels("p + ip superconductor")
    h = tp.models.p_plus_ip(-2.0)
    levels(left, k, (cut(h, 24, x) for x in k), "momentum along the edge", 2.5)
    proof = tp.certify_chern(tp.models.p_plus_ip(mu))
    integers(right, mu, proof.value, "chemical potential", "Chern number", [-4, 0, 4])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
