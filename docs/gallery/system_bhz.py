"""Quantum spin Hall effect: the model of Bernevig, Hughes and Zhang (class AII).

With inversion broken and a Rashba field the spin is not conserved. Each edge of a strip has one
pair of modes, which cross where time reversal demands it. Right: proven Z2 invariants.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, cut, integers, levels, panels, save_figure

import topophys as tp


def picture() -> Figure:
    m, k = np.linspace(-1.9, 9.9, 60), np.linspace(-np.pi, np.pi, 121)
    figure, (left, right) = panels("BHZ model with Rashba coupling")
    h = tp.models.bhz(1.6, rashba=0.5, delta=0.2)
    levels(left, k, (cut(h, 20, x) for x in k), "momentum along the edge", 1.6)
    options = {"n_occupied": 2, "method": "flux", "time_reversal": "up first"}
    proof = tp.z2_invariant(tp.models.bhz(m, rashba=0.5), **options)
    assert int(tp.z2_invariant(h, **options)) == 1
    integers(right, m, proof.value, "mass", "Z2 invariant", [0, 4, 8])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
