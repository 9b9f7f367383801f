"""Figures of materials: toy materials, reliability, confusion, maps, explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from topophys._statistics import wilson_interval
from topophys.errors import InputError, ShapeError
from topophys.plots._panels import integer_array, new_figure
from topophys.plots._style import FAINT, INK, PALETTE, style, tidy

if TYPE_CHECKING:
    from topophys.materials.explanation import ElementContributions, Explanation
    from topophys.materials.model import MaterialsModel


from itertools import product
from typing import Any

from matplotlib.axes import Axes
from numpy.typing import NDArray

from topophys import _validation
from topophys.kernels.rounding import at_least
from topophys.materials.elements import SYMBOLS
from topophys.materials.synthetic import ORDERS
from topophys.materials.synthetic.features import CORNERS, SOLID_CORNERS, SOLID_STEPS, STEPS
from topophys.materials.synthetic.labels import CLASSES

__all__ = [
    "plot_class_confusion",
    "plot_element_contributions",
    "plot_explanation",
    "plot_materials_map",
    "plot_reliability",
    "plot_toy_materials",
]


COLOURS: Final = tuple(PALETTE[name] for name in ("blue", "orange", "green", "purple", "red"))


def plot_reliability(
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    bins: int = 10,
    ceiling: float | None = None,
) -> Figure:
    r"""Draw how often the most probable class is correct against its probability.

    .. math:: \text{accuracy}(b) = \frac{|\{i \in b : \hat y_i = y_i\}|}{|b|}

    Parameters
    ----------
    probabilities : array-like of float of shape (S, C)
        Of held-out samples.
    labels : array-like of int of shape (S,)
        Classes from 0 to C - 1.
    bins : int, optional
        Of the largest probability, equally wide.
    ceiling : float, optional
        Agreement of the labels with another list, between 0 and 1: a line that bounds the overall
        accuracy, which is in the title.

    Returns
    -------
    Figure
        Accuracy with 95 % intervals of Wilson above, numbers of samples below.

    Raises
    ------
    ShapeError, InputError
        If the arrays do not fit each other.
    """
    p, y = np.asarray(probabilities, float), integer_array(labels, "labels")
    if p.ndim != 2 or y.shape != p.shape[:1] or not len(p):
        raise ShapeError(
            "Arguments `probabilities` and `labels` must have shapes (S, C) and (S,), but have"
            f" {p.shape} and {y.shape}."
        )
    if y.min() < 0 or y.max() >= p.shape[1]:
        raise InputError(f"Argument `labels` must be from 0 to {p.shape[1] - 1}, but is not.")
    if ceiling is not None and not 0.0 <= ceiling <= 1.0:
        raise InputError(f"Argument `ceiling` must be between 0 and 1, but is {ceiling!r:.40}.")
    confidence, right = p.max(1), p.argmax(1) == y
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    full = [b for b in range(bins) if (which == b).any()]
    middle = np.array([confidence[which == b].mean() for b in full])
    share = np.array([right[which == b].mean() for b in full])
    ends = np.array(
        [wilson_interval(int(right[which == b].sum()), int((which == b).sum())) for b in full]
    )
    error = sum(
        abs(m - s) * (which == b).mean() for m, s, b in zip(middle, share, full, strict=True)
    )
    with style():
        figure = new_figure(4.2, 4.4)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot([0, 1], [0, 1], color=FAINT, zorder=0)
        reach = np.abs(ends.T - share)
        above.errorbar(middle, share, yerr=reach, fmt="o", color=COLOURS[0], ms=4, capsize=2)
        above.set(ylabel="fraction correct", xlim=(0, 1), ylim=(0, 1))
        title = f"calibration error {error:.3f}; {len(p)} materials"
        if ceiling is not None:
            above.axhline(ceiling, color=FAINT, ls="--", zorder=0)
            above.text(0.02, ceiling - 0.01, f"agreement of two lists {ceiling:.3f}",
                       fontsize=7, va="top")  # fmt: skip
            title = f"accuracy {right.mean():.3f}, {title}"
        above.set_title(title, fontsize=9 if ceiling is None else 8)
        below.bar((np.array(full) + 0.5) / bins, [(which == b).sum() for b in full],
                  width=0.9 / bins, color=COLOURS[0])  # fmt: skip
        below.set(xlabel="probability of the most probable class", ylabel="materials")
        for panel in (above, below):
            tidy(panel)
    return figure


def plot_class_confusion(tables: Mapping[str, ArrayLike], classes: Sequence[str]) -> Figure:
    """Draw confusion matrices side by side: a classifier, and the ceiling by label noise.

    Parameters
    ----------
    tables : mapping of str to array-like of int of shape (C, C)
        Title and counts; rows are true classes.
    classes : sequence of str
        Names.

    Returns
    -------
    Figure
        Shares of each row, with the accuracy under the title.

    Raises
    ------
    ShapeError
        If a table does not fit the classes.
    """
    n = len(classes)
    counts = {title: integer_array(table, "tables") for title, table in tables.items()}
    if not counts or any(table.shape != (n, n) for table in counts.values()):
        raise ShapeError(f"Argument `tables` must hold matrices of shape {(n, n)}, but does not.")
    with style():
        figure = new_figure(1.0 + 3.4 * len(counts), 3.8)
        for i, (title, table) in enumerate(counts.items()):
            panel = figure.add_subplot(1, len(counts), i + 1)
            share = table / np.maximum(table.sum(1, keepdims=True), 1)
            panel.imshow(share, cmap="Blues", vmin=0, vmax=1)
            for r in range(n):
                for c in range(n):
                    colour = "white" if share[r, c] > 0.55 else INK
                    text = f"{100 * share[r, c]:.0f} %\n{table[r, c]}"
                    panel.text(c, r, text, ha="center", va="center", color=colour, fontsize=7)
            panel.set_title(
                f"{title}\naccuracy {np.trace(table) / max(table.sum(), 1):.3f}", fontsize=8
            )
            panel.set_xticks(range(n), classes, rotation=30, ha="right", fontsize=7)
            panel.set_yticks(range(n), classes if i == 0 else [""] * n, fontsize=7)
            panel.tick_params(length=0)
            for spine in panel.spines.values():
                spine.set_visible(False)
    return figure


def plot_materials_map(
    model: MaterialsModel,
    highlight: Sequence[str] = (),
    *,
    task: str | None = None,
    most: int = 4000,
) -> Figure:
    r"""Draw the training materials in two dimensions, coloured by class.

    The two leading principal components of the properties and statistics of the elements of each
    formula, standardised: :math:`X = U S V^T`, coordinates :math:`X V_{1,2}`. No label enters.

    Parameters
    ----------
    model : MaterialsModel
        Trained.
    highlight : sequence of str, optional
        Materials to name, as `describe` reads them.
    task : str, optional
        Name of the task; the first by default.
    most : int, optional
        Materials to draw, evenly spaced in the order of training.

    Returns
    -------
    Figure
        One point for each material with a label.
    """
    from topophys.materials.description import describe  # noqa: PLC0415  # plots load without it
    from topophys.materials.features import list_features  # noqa: PLC0415
    from topophys.materials.lists import ListedMaterial  # noqa: PLC0415

    chosen = model._task(task)
    labelled = np.flatnonzero(chosen.labels >= 0)
    rows = labelled[:: max(1, -(-len(labelled) // most))]
    named = [describe(one) for one in highlight]
    drawn = [model._materials[i] for i in rows.tolist()] + named
    x = list_features(
        [ListedMaterial(m.formula, m.composition, m.space_group or 1, 0) for m in drawn],
        ("statistics", "properties"),
    )
    known = x[: len(rows)]
    spread = known.std(0)
    scaled = (x - known.mean(0))[:, spread > 0] / spread[spread > 0]
    _, _, axes = np.linalg.svd(scaled[: len(rows)], full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2][np.arange(2), np.abs(axes[:2]).argmax(1)])[:, None]
    place = scaled @ axes.T
    labels = chosen.labels[rows]
    with style():
        figure = new_figure(6.0, 5.0)
        panel = figure.subplots()
        for c, name in enumerate(chosen.classes):
            mine = place[: len(rows)][labels == c]
            panel.scatter(mine[:, 0], mine[:, 1], s=4, color=COLOURS[c % len(COLOURS)], alpha=0.5,
                          linewidths=0, label=f"{name} ({(labels == c).sum()})")  # fmt: skip
        for i, (one, (a, b)) in enumerate(zip(named, place[len(rows) :], strict=True)):
            panel.plot([a], [b], "o", ms=7, mfc="none", mec=INK, mew=1.2)
            offset, side = ((7, 4), "left") if i % 2 == 0 else ((-7, 4), "right")
            panel.annotate(
                one.name, (a, b), offset, textcoords="offset points", ha=side, fontsize=8
            )
        panel.set(xlabel="first principal component", ylabel="second principal component")
        panel.legend(fontsize=7, loc="lower left", markerscale=2.5)
        tidy(panel)
    return figure


def plot_explanation(explanations: Sequence[Explanation]) -> Figure:
    r"""Draw Shapley values of answers as bars, one panel for each.

    .. math:: \text{score} = \text{baseline} + \sum_i \phi_i

    Parameters
    ----------
    explanations : sequence of Explanation
        What `explain` returned.

    Returns
    -------
    Figure
        Bars to the right raise the score of the class, bars to the left lower it.
    """
    if not explanations:
        raise InputError("Argument `explanations` must hold at least one, but is empty.")
    kinds = list(dict.fromkeys(kind for one in explanations for kind in one.contributions))
    with style():
        figure = new_figure(2.2 + 2.4 * len(explanations), 0.8 + 0.32 * len(kinds))
        panels = figure.subplots(1, len(explanations), sharex=True, squeeze=False)[0]
        for i, (panel, one) in enumerate(zip(panels, explanations, strict=True)):
            values = [one.contributions.get(kind, 0.0) for kind in kinds]
            colours = [PALETTE["green" if v > 0 else "red"] for v in values]
            panel.barh(range(len(kinds)), values, color=colours)
            panel.axvline(0.0, color=INK, lw=0.8)
            panel.set_yticks(range(len(kinds)), kinds if i == 0 else [""] * len(kinds))
            panel.invert_yaxis()
            panel.set_title(f"{one.material.name}\n{one.label}", fontsize=8)
            panel.set_xlabel("for the class")
            tidy(panel)
    return figure


def plot_element_contributions(found: ElementContributions) -> Figure:
    r"""Draw contributions of elements to a class as a periodic table.

    .. math:: \log \frac{p}{1 - p} = \sum_E f_E \tau_E

    Parameters
    ----------
    found : ElementContributions
        What `element_contributions` returned.

    Returns
    -------
    Figure
        Green elements speak for the class, red ones against it; white ones are not in the list.
    """
    from topophys.materials.elements import SYMBOLS, element_features  # noqa: PLC0415

    most = max(abs(value) for value in found.values.values())
    colours = LinearSegmentedColormap.from_list("", [PALETTE["red"], "white", PALETTE["green"]])
    with style():
        figure = new_figure(7.6, 4.0)
        panel = figure.subplots()
        for z, symbol in enumerate(SYMBOLS[:104]):
            if z == 0:
                continue
            period, group = (float(n) for n in element_features(z)[:2])
            for first, row in ((57, 8.4), (89, 9.4)):
                if first <= z < first + 15:
                    period, group = row, z - first + 3.0
            value = found.values.get(symbol)
            colour = "white" if value is None else colours(0.5 + 0.5 * value / most)
            panel.add_patch(
                Rectangle((group, period), 0.94, 0.94, facecolor=colour, edgecolor=FAINT, lw=0.5)
            )
            panel.text(group + 0.47, period + 0.36, symbol, ha="center", va="center", fontsize=7)
            if value is not None:
                panel.text(group + 0.47, period + 0.75, f"{value:+.1f}", ha="center", va="center",
                           fontsize=4.5)  # fmt: skip
        panel.set(xlim=(0.9, 19.1), ylim=(10.5, 0.9), xticks=[], yticks=[], aspect="equal")
        panel.set_title(
            f"for {found.label}, in log-odds; right about {found.held_out_accuracy:.3f} of the"
            f" materials of unseen groups (majority {found.majority:.3f})", fontsize=8,
        )  # fmt: skip
        for side in panel.spines.values():
            side.set_visible(False)
    return figure


# ---- Toy materials

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
