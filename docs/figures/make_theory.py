"""Make the pictures of the pages of theory: one step of each proof, drawn from real numbers.

python docs/figures/make_theory.py
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.patches import Polygon, Rectangle
from scipy.spatial import ConvexHull

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style
from topophys.plots._style import PALETTE

HERE = Path(__file__).parent
BLUE, ORANGE, RED = PALETTE["blue"], PALETTE["orange"], PALETTE["red"]


def intervals() -> Figure:
    """Convex sets around the chords of a loop: those in red still hold the origin."""
    f = np.array([0.25, 0.2j, 0.45 + 0.2j, 1.0, 0.4])
    order = np.arange(-2, 3)
    m2 = (order**2 * np.abs(f)).sum()

    def g(k):
        return np.exp(1j * np.multiply.outer(k, order)) @ f

    with style():
        figure = new_figure(7.2, 3.5)
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for ax, n in zip(panels, (12, 24), strict=True):
            k = np.linspace(-np.pi, np.pi, n + 1)
            reach = m2 * (2 * np.pi / n) ** 2 / 8
            circle = reach * np.exp(1j * np.linspace(0, 2 * np.pi, 60))
            failed = 0
            for a, b in pairwise(g(k)):
                t = np.clip(-(a * (b - a).conjugate()).real / abs(b - a) ** 2, 0, 1)
                bad = abs(a + t * (b - a)) <= reach
                failed += bad
                cloud = np.concatenate([a + circle, b + circle])
                points = np.stack([cloud.real, cloud.imag], -1)
                hull = points[ConvexHull(points).vertices]
                ax.add_patch(Polygon(hull, color=RED if bad else BLUE, alpha=0.3, lw=0))
            fine = g(np.linspace(-np.pi, np.pi, 400))
            ax.plot(fine.real, fine.imag, color="black", linewidth=1.0)
            ax.plot(g(k).real, g(k).imag, ".", color="black")
            ax.plot(0, 0, "o", mfc="white", mec="black")
            ax.set(aspect=1, xlabel="Re $g$", title=f"{n} intervals, {failed} to be halved")
        panels[0].set_ylabel("Im $g$")
    return figure


def slivers() -> Figure:
    """A cell beside four finer ones: its triangles, and the sliver of the hanging vertex."""
    with style():
        figure = new_figure(5.6, 2.9)
        ax = figure.subplots()
        ax.add_patch(Rectangle((0, 0), 1, 1, fill=False))
        for x in (1.0, 1.5):
            for y in (0.0, 0.5):
                ax.add_patch(Rectangle((x, y), 0.5, 0.5, fill=False))
        ax.add_patch(Polygon([(0, 0), (1, 0), (1, 1)], color=BLUE, alpha=0.25, lw=0))
        ax.add_patch(Polygon([(0, 0), (1, 1), (0, 1)], color=BLUE, alpha=0.12, lw=0))
        # drawn apart: in the Brillouin zone the sliver has no area
        ax.add_patch(Polygon([(1.0, 0), (1.06, 0.5), (1.0, 1)], color=ORANGE, alpha=0.8, lw=0))
        for point, name, side in (((1, 0), "q", -1), ((1.06, 0.5), "m", 1), ((1, 1), "p", 1)):
            ax.plot(*point, "o", color="black", markersize=4)
            shift = (8, 2) if name == "m" else (0, 8 * side - 3 * (side < 0))
            ax.annotate(f"${name}$", point, xytext=shift, textcoords="offset points",
                        ha="center", va="bottom" if side > 0 else "top")  # fmt: skip
        ax.text(0.45, 0.2, "two triangles\nof the leaf", ha="center")
        line = {"arrowstyle": "-", "linewidth": 0.7}
        name, end = "sliver $(q, m, p)$", (1.16, 0.72)
        ax.annotate(name, (1.03, 0.62), xytext=end, backgroundcolor="white", arrowprops=line)
        ax.set(aspect=1, xlim=(-0.05, 2.05), ylim=(-0.15, 1.15))
        ax.axis("off")
    return figure


def blocks() -> Figure:
    """Levels across a cell beside what the diagonal blocks and the plain norm allow."""
    h = tp.models.qwz(-1.8)
    k0, width = np.array([0.0, 0.0]), 0.4
    _, basis = np.linalg.eigh(h.bloch(k0))
    low, high = basis[:, :1], basis[:, 1:]
    q = np.linspace(-width, width, 201)
    k = k0 + np.stack([q, np.zeros_like(q)], -1)
    matrix = h.bloch(k)
    level = np.linalg.eigvalsh(matrix)
    occupied = (low.conj().T @ matrix @ low)[:, 0, 0].real
    empty = (high.conj().T @ matrix @ high)[:, 0, 0].real
    drift = np.linalg.norm(matrix - h.bloch(k0), ord=2, axis=(1, 2))
    middle = level[100]
    with style():
        figure = new_figure(5.4, 3.0)
        ax = figure.subplots()
        ax.fill_between(q, middle[0] + drift, middle[1] - drift, where=drift < 0.2, color=ORANGE,
                        alpha=0.35, lw=0, label="gap by $\\|H(k) - H(k_0)\\|$")  # fmt: skip
        ax.fill_between(q, occupied, empty, color=BLUE, alpha=0.2, lw=0, label="gap by blocks")
        ax.plot(q, level, color="black")
        ax.plot([], [], color="black", label="levels")
        ax.set(xlabel="$k_x - k_0$ (rad)", ylabel="energy (hopping)", xlim=q[[0, -1]])
        ax.legend(loc="upper center", ncols=3, bbox_to_anchor=(0.5, 1.17))
    assert (occupied < empty).all()
    assert (level[:, 0] <= occupied + 1e-12).all()
    return figure


PICTURES = {"theory_intervals": intervals, "theory_slivers": slivers, "theory_blocks": blocks}

if __name__ == "__main__":
    for name, make in PICTURES.items():
        save_figure(make(), HERE / name, ["png"], dpi=110)
