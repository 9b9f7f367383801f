"""Interpolation before flattening on a coarse grid.

Chains are sampled at eight points. The formula wraps each phase step to $(-\\pi, \\pi]$ and is
wrong if $\\det D$ turns by more than half a turn between two points. The network interpolates the
samples before it flattens them, which is exact, since the hoppings are short. The formula on
interpolated samples is as good: the improvement is due to the short range, not to learning.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from curves import curves
from small_runs import coarse_chains

import topophys as tp
from topophys.plots import Figure, save_figure


def picture() -> Figure:
    run, data = coarse_chains()
    test = data.split("test")
    gap, label = test.read("gap_bound", "label")
    exact = test.hamiltonians()
    names = ("formula on 8 points", "network on 8 points", "formula on 48 points")
    few, many = (tp.winding_number(exact, grid=n, on_unresolved="mask") for n in (8, 48))
    values = (np.ma.filled(few), run.predict(exact, k_points=8).value, np.ma.filled(many))
    answers = dict(zip(names, values, strict=True))
    wrong = {name: value != label for name, value in answers.items()}
    assert wrong["network on 8 points"].sum() < 0.3 * wrong["formula on 8 points"].sum()
    between, shares = list(pairwise((0.01, 0.03, 0.1, 0.3, 1.0))), {}
    for name, bad in wrong.items():
        shares[name] = [100 * bad[(gap >= a) & (gap < b)].mean() for a, b in between]
    names = [f"{a:g} to {b:g}" for a, b in between]
    return curves(names, shares, "proven gap (rms band energy)", "wrong (%)")


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=120)
