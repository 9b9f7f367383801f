"""A strong topological insulator: the diamond lattice of Fu, Kane and Mele.

Levels of a slab of eight cells along a path through the invariant momenta of its surface: states
on both surfaces cross the gap an odd number of times. Right: the strong index, proven on planes by
parities.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from boundary import Figure, cut, integers, levels, panels, save_figure

import topophys as tp

SWAP = np.kron(np.eye(2), [[0, 1], [1, 0]])


def picture() -> Figure:
    dt = np.array([-5.0, -4.4, -3.6, -2.4, -1.6, -0.4, 0.4, 1.2, 1.8, 2.4])
    corners = np.pi * np.array([[0, 0], [1, 0], [1, 1], [0, 0]])
    path = np.concatenate([np.linspace(*ends, 30) for ends in pairwise(corners)])
    figure, (left, right) = panels("Strong topological insulator")
    h = tp.models.fu_kane_mele(0.6, 0.25)
    levels(left, np.arange(len(path)), (cut(h, 8, *k) for k in path), "surface momentum", 1.6)
    left.set_xticks([0, 30, 60, 89], ["(0, 0)", "(π, 0)", "(π, π)", "(0, 0)"])
    options = {"n_occupied": 2, "method": "parity", "inversion": SWAP, "time_reversal": "up first"}
    strong = [tp.z2_indices_3d(tp.models.fu_kane_mele(x), **options).strong for x in dt]
    integers(right, dt, np.ma.stack(strong), "change of one bond", "strong index", [-4, -2, 0, 2])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
