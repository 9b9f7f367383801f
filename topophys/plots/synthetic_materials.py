"""Toy materials: where their atoms are, their bands and their proven classes."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from topophys import _validation
from topophys.errors import InputError
from topophys.kernels.rounding import at_least
from topophys.materials.elements import SYMBOLS
from topophys.materials.synthetic import ORDERS
from topophys.materials.synthetic.features import CORNERS, SOLID_CORNERS, SOLID_STEPS, STEPS
from topophys.materials.synthetic.labels import CLASSES
from topophys.plots._panels import new_figure
from topophys.plots._style import FAINT, INK, PALETTE, style, tidy

__all__ = ["plot_toy_materials"]

SPIN: Final = {1: PALETTE["orange"], 0: INK, -1: PALETTE["blue"]}
WINDOW: Final = 5.0  # half width of the picture of atoms, in the unit of length of the lattice
ARROW: Final = 0.7  # half length of a moment
NAMES: Final = ("X", "Γ", "M", "Y", "Γ", "M'")
SOLID_NAMES: Final = ("Γ", "X", "S", "Y", "T", "R", "U", "Z", "Γ")
#: From where atoms are seen, as (x, y) of the page for each direction: layers from the top, solids
#: from the side.
TOP: Final = np.array([(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
SIDE: Final = np.array([(1.0, 0.0), (0.38, 0.28), (0.0, 1.0)])


def plot_toy_materials(arrays: dict[str, NDArray[Any]], rows: list[int]) -> Figure:
    r"""Draw structure and bands of toy materials, one column each.

    .. math:: E_n(k) - E_F, \qquad n = 1, \dots, 4

    Above: atoms of a few cells from the top, ligands small, moments as arrows. Below: the four
    bands along the path of the data set, coloured by spin where it is not an even mixture.

    References
    ----------
    .. [1] C. L. Kane, E. J. Mele, Phys. Rev. Lett. 95, 226801 (2005).
    """
    size = len(arrays["topology"])
    chosen = [_validation.integer(row, "rows") for row in rows]
    if not chosen or min(chosen) < 0 or max(chosen) >= size:
        raise InputError(f"Argument `rows` must hold numbers from 0 to {size - 1}, but is {rows}.")
    with style():
        figure = new_figure(2.3 * len(chosen), 4.6)
        axes = np.atleast_2d(figure.subplots(2, len(chosen), squeeze=False))
        for column, row in enumerate(chosen):
            one = {name: array[row] for name, array in arrays.items()}
            _draw_atoms(axes[0, column], one)
            _draw_bands(axes[1, column], one)
            if column == 0:
                axes[1, 0].set_ylabel("energy from the Fermi level")
    return figure


def _draw_atoms(panel: Axes, one: dict[str, Any]) -> None:
    there = one["numbers"] > 0
    lattice = one["lattice"] @ (SIDE if _solid(one) else TOP)
    numbers, spots = one["numbers"][there], (one["fractional"] @ lattice)[there]
    kinds = list(dict.fromkeys(numbers.tolist()))
    corner = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) @ lattice[:2]
    if _solid(one):
        lifted = corner + lattice[2]
        corner = np.concatenate([corner, lifted, lifted[[1]], corner[[1, 2]], lifted[[2, 3]],
                                 corner[[3]]])  # fmt: skip
    middle = 0.5 * (corner.min(0) + corner.max(0))
    # arrows of moments are drawn in ink, and must be seen on every atom
    colours = [colour for name, colour in PALETTE.items() if name != "black"]
    cells = [(0, 1)] * 3 if _solid(one) else [range(-1, 3), range(-1, 3), (0,)]
    for i in cells[0]:
        for j, k in product(*cells[1:]):
            shift = np.array([i, j, k]) @ lattice
            for atom, (z, spot) in enumerate(zip(numbers.tolist(), spots, strict=True)):
                if _solid(one) and (one["fractional"][there][atom] + (i, j, k)).max() > 1.0:
                    continue
                x, y = (spot + shift)[:2]
                ligand = atom >= 2
                panel.plot(
                    x, y, "o", markersize=3.5 if ligand else 8.0, zorder=3 if ligand else 2,
                    color=colours[kinds.index(z) % len(colours)], markeredgecolor=INK,
                    markeredgewidth=0.4,
                )  # fmt: skip
                # an arrow is not cut at the border of the panel: it would run over the title
                inside = abs(x - middle[0]) < WINDOW and abs(y - middle[1]) < WINDOW - ARROW
                if inside and not ligand and one["moments"][atom] != 0.0:
                    up = float(np.sign(one["moments"][atom]))
                    panel.annotate(
                        "", (x, y + ARROW * up), xytext=(x, y - ARROW * up), zorder=4,
                        arrowprops={"arrowstyle": "->", "color": INK, "lw": 0.9},
                        annotation_clip=True,
                    )  # fmt: skip
    panel.plot(*corner.T, color=FAINT, linewidth=1.0, zorder=1)
    panel.set_xlim(middle[0] - WINDOW, middle[0] + WINDOW)
    panel.set_ylim(middle[1] - WINDOW, middle[1] + WINDOW)
    panel.set_aspect("equal")
    panel.set_xticks([])
    panel.set_yticks([])
    formula = " ".join(SYMBOLS[z] for z in numbers.tolist())
    order = ORDERS[int(one["magnetism"])]
    panel.set_title(f"{formula}\n{CLASSES[int(one['topology'])]}, {order}")


def _draw_bands(panel: Axes, one: dict[str, Any]) -> None:
    solid = _solid(one)
    first = 6 if solid else 4
    energy, spin = (one["kspace"][:, first + 4 * n : first + 4 * n + 4] for n in (0, 1))
    along = np.arange(len(energy))
    for sign, colour in SPIN.items():
        mark = np.abs(spin - sign) < 0.5
        k = np.broadcast_to(along[:, None], energy.shape)
        panel.plot(k[mark], energy[mark], "o", markersize=2.4, color=colour, zorder=3)
    panel.axhline(0.0, color=FAINT, linewidth=0.9, zorder=1)
    if solid:
        panel.set_xticks(SOLID_STEPS * np.arange(len(SOLID_CORNERS)), SOLID_NAMES)
    else:
        panel.set_xticks(STEPS * np.arange(len(CORNERS)), NAMES)
    panel.set_ylim(-4.0, 4.0)
    gap = f"gap ≥ {at_least(one['gap_bound'], 2)} (proven)"
    touch = "bands touch\n(proven)"
    if solid:
        planes = one["chern"].sum(1).tolist()
        touch = f"bands touch: C = {planes[0]} and {planes[1]}\nat $k_z$ = 0 and π (proven)"
    shown = {
        0: f"{_invariants(one)}\n{gap}",
        1: f"bands overlap\nby {at_least(one['overlap'], 2)} at least (proven)",
        2: touch,
    }
    panel.set_title(shown[int(one["evidence"])])
    tidy(panel)


def _solid(one: dict[str, Any]) -> bool:
    """Whether it is a material in three dimensions."""
    return "bond" in one


def _invariants(one: dict[str, Any]) -> str:
    if not _solid(one):
        up, down = (int(c) for c in one["chern"])
        return f"C↑ = {up}, C↓ = {down}"
    strong, *weak = one["z2"].tolist()
    if strong >= 0:
        return f"Z2 = ({strong}; {''.join(map(str, weak))})"
    mirror = one["chern"].tolist()
    return f"C of mirror ± = {mirror[0]}, {mirror[1]}"
