"""Topology without a zone.

A finite piece of a Chern insulator, with strong disorder in its right half, has no momentum. The
local Chern marker finds the integer in the interior all the same; edges carry the opposite, and
the sum over the piece is 0.
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style


def picture(N: int = 18) -> Figure:
    hop = tp.models.qwz(-1.0).hoppings
    step = {0: np.eye(N), 1: np.eye(N, k=1), -1: np.eye(N, k=-1)}
    h = sum(np.kron(np.kron(step[x], step[y]), hop[x, y]) for x, y in hop)
    cells = np.stack(np.meshgrid(np.arange(N), np.arange(N), indexing="ij"), -1).reshape(-1, 2)
    noise = np.random.default_rng(1).uniform(-1.0, 1.0, N * N) * (cells[:, 0] >= N // 2)
    h = h + np.kron(np.diag(noise), np.eye(2))
    found = tp.local_chern_marker(h, np.repeat(cells, 2, axis=0), area=0.5)
    assert abs(found.marker.sum()) < 1e-6
    assert abs(found.bulk(0.4) - 1.0) < 0.1
    local = found.marker.reshape(N, N, 2).mean(-1)
    with style():
        ax = (figure := new_figure(4.4, 3.4)).subplots()
        image = ax.pcolormesh(local.T, cmap="RdBu_r", vmin=-2.0, vmax=2.0, rasterized=True)
        ax.axvline(N / 2, color="black", linestyle=":")
        ax.set(aspect=1, xticks=range(0, 19, 6), xlabel="cell along x", ylabel="cell along y")
        ax.set_title(f"mean of the interior: {float(found.bulk(0.4)):.2f}")
        figure.colorbar(image, ax=ax, label="local Chern marker", extend="both")
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=110)
