"""Make pictures of the pages of theory: samples without a zone, and gaps that close.

python docs/figures/make_theory_samples.py
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style
from topophys.plots._style import FAINT, PALETTE, tidy

HERE = Path(__file__).parent
BLUE, ORANGE = PALETTE["blue"], PALETTE["orange"]


def displacements() -> Figure:
    """How far each orbital of an open, disordered chain moves when the chain is flattened."""
    n = 60
    cells = np.arange(n)
    with style():
        figure = new_figure(5.8, 2.9)
        ax = figure.subplots()
        for outer, nu, colour in ((2.0, 1, BLUE), (0.5, 0, ORANGE)):
            bonds = np.random.default_rng(3).uniform(0.7, 1.3, (2, n))
            block = np.diag(bonds[0]) + np.diag(outer * bonds[1, :-1], 1)
            found = tp.real_space_winding(block, cells)
            assert int(found) == nu
            left, _, right = np.linalg.svd(block)
            moved = cells - np.abs(left @ right).T ** 2 @ cells
            assert abs(moved.sum()) < 1e-9
            middle = moved[n // 4 : 3 * n // 4].mean()
            assert abs(middle - nu) < 0.1
            ax.plot(
                cells, moved, ".-", color=colour, label=f"mean of the middle: {abs(middle):.2f}"
            )
        ax.axvspan(n // 4, 3 * n // 4, color=FAINT, alpha=0.15, linewidth=0)
        ax.set(xlabel="cell", ylabel="cells to the left", ylim=(-1.2, 2.2), xlim=(-1, n))
        ax.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        tidy(ax, grid="y")
    return figure


def two_gaps() -> Figure:
    """Spin Chern numbers hold while the gap of energies and that of spins are open."""
    s_z = np.kron(np.diag([1, -1]), np.eye(2))
    mass = np.linspace(0.0, 1.0, 41)
    h = tp.models.kane_mele(0.1, lambda_v=mass, lambda_r=0.1)
    found = tp.spin_chern(h.on_grid((96, 96)), s_z, n_occupied=2)
    assert [abs(found.value[0]), found.value[-1]] == [1, 0]
    with style():
        figure = new_figure(5.4, 2.9)
        ax = figure.subplots()
        ax.plot(mass, found.gap_upper, color=BLUE, label="gap of energies (hopping)")
        ax.plot(mass, found.spin_gap, color=ORANGE, label="gap of spins")
        for value in (1, 0):
            where = mass[np.abs(found.value) == value]
            ax.axvspan(where[0], where[-1], color=BLUE if value else FAINT, alpha=0.12, linewidth=0)
            ax.text(where.mean(), 1.4, f"$|C_s| = {value}$", ha="center")
        ax.set(xlabel="staggered energy $\\lambda_v$ (hopping)", xlim=(0, 1), ylim=(0, None))
        ax.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        tidy(ax, grid="y")
    return figure


PICTURES = {"theory_displacements": displacements, "theory_two_gaps": two_gaps}

if __name__ == "__main__":
    for name, make in PICTURES.items():
        save_figure(make(), HERE / name, ["png"], dpi=110)
