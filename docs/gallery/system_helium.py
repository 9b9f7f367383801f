"""Superfluid helium-3 B: Majorana cones on its surface (class DIII in three dimensions).

Levels of a slab of 16 cells: one cone on each surface where the proven winding number is 1. Right:
the number against the chemical potential; where it is -2, two cones of one sense are left.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, cut, integers, levels, panels, save_figure

import topophys as tp


def picture() -> Figure:
    mu, k = np.linspace(-0.9, 12.9, 14), np.linspace(-0.6 * np.pi, 0.6 * np.pi, 81)
    figure, (left, right) = panels("Helium-3 B")
    h = tp.models.helium_3_b(2.0)
    levels(left, k, (cut(h, 16, x, 0.0) for x in k), "surface momentum", 2.5)
    chiral = np.kron([[0, -1j], [1j, 0]], np.eye(2))
    proof = tp.winding_3d(tp.models.helium_3_b(mu), chiral=chiral)
    integers(right, mu, proof.value, "chemical potential", "winding number", [0, 4, 8, 12])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
