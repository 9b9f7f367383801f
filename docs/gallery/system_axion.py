"""An axion insulator: a quantised angle without time reversal.

A field on the spins of a strong topological insulator breaks time reversal and opens gaps in the
surface states of a slab (left). Inversion still quantises the axion angle, which is proven (right).
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from boundary import Figure, cut, integers, levels, panels, save_figure

import topophys as tp

SWAP = np.kron(np.eye(2), [[0, 1], [1, 0]])
FIELD = tp.FourierHamiltonian({(0, 0, 0): 0.3 * np.diag([1.0, 1.0, -1.0, -1.0])})


def picture() -> Figure:
    dt = np.array([-5.0, -4.6, -3.4, -2.6, -1.4, -0.6, 0.6, 1.0, 1.4, 2.6])
    corners = np.pi * np.array([[0, 0], [1, 0], [1, 1], [0, 0]])
    path = np.concatenate([np.linspace(*ends, 30) for ends in pairwise(corners)])
    figure, (left, right) = panels("Axion insulator")
    h = tp.models.fu_kane_mele(0.6, 0.25) + FIELD
    levels(left, np.arange(len(path)), (cut(h, 8, *k) for k in path), "surface momentum", 1.6)
    left.set_xticks([0, 30, 60, 89], ["(0, 0)", "(π, 0)", "(π, π)", "(0, 0)"])
    proof = tp.axion_angle(tp.models.fu_kane_mele(dt) + FIELD, inversion=SWAP, n_occupied=2)
    integers(right, dt, proof.value, "change of one bond", "axion angle / π", [-4, -2, 0, 2])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
