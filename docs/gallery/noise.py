"""Noise on the samples.

Gaussian noise is added to every entry of $D(k)$, independently at every point; the label is that of
the chain without noise. Network and formula read the same noisy samples and have nearly the same
accuracy: such noise can add turns around the origin, which no method can detect with certainty.
Filtering the harmonics of samples that are not flattened, before either, removes most of the noise.
"""

from pathlib import Path

import numpy as np
from curves import curves
from small_runs import chains

import topophys as tp
from topophys.plots import Figure, save_figure

LEVELS = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8])


def picture() -> Figure:
    run, data = chains()
    test = data.split("test")
    (label,), blocks = test.read("label"), test.hamiltonians().block_on_grid(32)
    size = np.sqrt((np.abs(blocks) ** 2).mean((1, 2, 3), keepdims=True))
    rng = np.random.default_rng(0)
    right = {"network": [], "formula": []}
    for level in LEVELS:
        noise = level * size * rng.standard_normal((2, *blocks.shape))
        noisy = blocks + (noise[0] + 1j * noise[1]) / np.sqrt(2)
        right["network"].append(100 * (run.predict(noisy).value == label).mean())
        sampled = np.ma.filled(tp.winding_number(noisy, on_unresolved="mask"))
        right["formula"].append(100 * (sampled == label).mean())
    assert right["network"][0] > 99.0
    figure = curves(LEVELS, right, "noise on each entry of $D$ (its rms)", "right answers (%)")
    ax = figure.axes[0]
    for y in right.values():  # 95 % of the 1500 chains
        half = 1.96 * np.sqrt(np.array(y) * (100 - np.array(y)) / len(label))
        ax.fill_between(LEVELS, y - half, y + half, color="0.8", zorder=0)
    ax.axhline(100 / 3, color="0.4", linestyle=":", linewidth=1)
    ax.text(0.02, 35, "guessing", fontsize=8)
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
