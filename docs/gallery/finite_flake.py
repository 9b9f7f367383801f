"""Local Chern marker of a disordered flake.

A finite piece of a Chern insulator, disordered in its right half, has no crystal momentum. The
local Chern marker nevertheless equals the integer in the interior. The edges have large values of
opposite sign, outside the colour scale, so that the sum over the piece is 0.
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style
from topophys.plots._style import PALETTE


def picture(N: int = 24) -> Figure:
    hop = tp.models.qwz(-1.0).hoppings
    step = {0: np.eye(N), 1: np.eye(N, k=1), -1: np.eye(N, k=-1)}
    h = sum(np.kron(np.kron(step[x], step[y]), hop[x, y]) for x, y in hop)
    cells = np.stack(np.meshgrid(np.arange(N), np.arange(N), indexing="ij"), -1).reshape(-1, 2)
    noise = np.random.default_rng(1).uniform(-1.5, 1.5, N * N) * (cells[:, 0] >= N // 2)
    found = tp.local_chern_marker(
        h + np.kron(np.diag(noise), np.eye(2)), np.repeat(cells, 2, axis=0), area=0.5,
        n_occupied=N * N,
    )  # fmt: skip
    assert abs(found.marker.sum()) < 1e-6
    local = found.marker.reshape(N, N, 2).mean(-1)
    with style():
        figure = new_figure(6.6, 3.1)
        ax, cut = figure.subplots(1, 2)
        image = ax.pcolormesh(local.T, cmap="RdBu_r", vmin=-1.6, vmax=1.6, rasterized=True)
        ax.axvline(N / 2, color="black", linestyle=":")
        ax.set(aspect=1, xlabel="cell along x", ylabel="cell along y", title="clean | disordered")
        figure.colorbar(image, ax=ax, label="local Chern marker", extend="both")
        cut.axhline(1.0, color="0.6", linestyle="--", label="Chern number 1")
        cut.plot(local[:, N // 2], "o-", markersize=3, color=PALETTE["blue"], label="middle row")
        cut.set(ylim=(-3, 2), xlabel="cell along x", ylabel="local Chern marker")
        cut.set_title(f"mean of the interior: {float(found.bulk(0.4)):.2f}")
        cut.legend(loc="lower center")
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
