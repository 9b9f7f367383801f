"""Graphene with spin-orbit coupling: the model of Kane and Mele (class AII).

Left: a strip with Rashba coupling, one pair of modes on each edge. Right: the proven Z2 invariant
over staggered potential and Rashba coupling; both close the gap in the end.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, cut, levels, panels, save_figure

import topophys as tp


def picture() -> Figure:
    k = np.linspace(0.0, 2.0 * np.pi, 121)
    figure, (left, right) = panels("Kane-Mele model with Rashba coupling")
    options = {"n_occupied": 2, "method": "flux", "time_reversal": "up first"}
    h = tp.models.kane_mele(0.1, 0.1, 0.08)
    assert int(tp.z2_invariant(h, **options)) == 1
    levels(left, k, (cut(h, 20, x) for x in k), "momentum along the edge", 0.8)
    v, r = np.linspace(0.0, 8.0, 25)[:, None] + 0.03, np.linspace(0.0, 5.0, 21) + 0.02
    proof = tp.z2_invariant(tp.models.kane_mele(1.0, v, r), **options)
    value = np.ma.filled(proof.value.astype(float), np.nan)
    right.pcolormesh(r, v[:, 0], value, cmap="Blues", vmax=1.5)
    right.plot([0.0, 2.0 * 3.0**0.5], [3.0 * 3.0**0.5, 0.0], "o", c="tab:orange", ms=5)
    right.set(xlabel="Rashba coupling", ylabel="staggered potential")
    right.set_title("blue: Z2 = 1; dots: known ends", fontsize=9)
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
