"""The picture of the home page: a loop around the origin that eight momenta do not see.

python docs/figures/make_home.py
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style
from topophys.plots._style import PALETTE

POINTS = 8
CHAIN = {0: 0.6, 1: 0.3, 2: 0.4, 3: -0.7}  # D(k), a chain with one orbital on each sublattice


def picture() -> Figure:
    """The loop of D(k), the polygon through the samples, and both integers."""
    chain = tp.ChiralHamiltonian({n: [[value]] for n, value in CHAIN.items()})
    proof = tp.certify_winding(chain)
    sampled = int(tp.winding_number(chain, grid=POINTS))
    assert sampled != int(proof)
    k = np.linspace(0, 2 * np.pi, 721)
    loop = chain.block(k[:, None])[:, 0, 0]
    points = chain.block_on_grid(POINTS)[:, 0, 0]
    closed = np.append(points, points[0])
    with style(font__size=9):
        axes = (figure := new_figure(5.8, 3.0)).subplots(1, 2, sharex=True, sharey=True)
        for ax in axes:
            ax.plot(loop.real, loop.imag, color="0.75", lw=1.0, zorder=1)
            ax.plot(0, 0, "+", color="black", ms=11, mew=1.8, zorder=5)
            ax.text(0.09, -0.06, "D = 0:\ngap closes", va="top", ha="left", fontsize=7)
            ax.set(xlabel=r"Re $D(k)$", aspect="equal", xlim=(-0.75, 1.55))
        axes[0].plot(closed.real, closed.imag, "o-", color=PALETTE["orange"], ms=5, lw=1.4)
        axes[1].plot(loop.real, loop.imag, color=PALETTE["blue"], lw=2.2)
        axes[0].set(ylabel=r"Im $D(k)$", title=f"{POINTS} momenta: winding number {sampled}")
        axes[1].set(title=f"every momentum, proven: {int(proof)}")
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_name("home"), ["png"], dpi=160)
