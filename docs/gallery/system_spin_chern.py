"""Spin Chern numbers: with a spin that is nearly conserved.

Half of the occupied states, those of higher projected spin, have a Chern number as long as the
gap of the projected spin is open. Left: that gap for three Rashba couplings in Kane and Mele's
model, sampled over the zone. Right: the number, proven where that coupling is 0.02.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, integers, panels, save_figure

import topophys as tp

SPIN = np.diag([1.0, 1.0, -1.0, -1.0])


def picture() -> Figure:
    v = np.linspace(0.05, 9.95, 23)
    figure, (left, right) = panels("Spin Chern number")
    for rashba in (0.2, 0.8, 1.4):
        h = tp.models.kane_mele(1.0, np.linspace(0.0, 4.0, 17), rashba)
        found = tp.spin_chern(h, SPIN, n_occupied=2, grid=24)
        left.plot(np.linspace(0.0, 4.0, 17), found.spin_gap, label=f"Rashba {rashba}")
    left.set(xlabel="staggered potential", ylabel="smallest spin gap met", ylim=(0.0, 2.05))
    left.legend()
    proof = tp.spin_chern(tp.models.kane_mele(1.0, v, 0.02), SPIN, n_occupied=2)
    assert (proof.status == "certified").all()
    integers(right, v, proof.value, "staggered potential", "spin Chern number", [27.0**0.5])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
