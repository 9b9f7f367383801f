"""Figures of the results of materials: reliability, and confusion beside the ceiling.

    python -m benchmarks.experiments.materials_figures

Held-out probabilities of the first seed, as in the tables; what is missing is trained.
"""

from __future__ import annotations

import numpy as np

from benchmarks.experiments.materials_trees import (
    VIEWS,
    both_lists,
    calibrated,
    fold_of,
    has_cell,
    kept_logits,
    labels,
)
from benchmarks.pages import ROOT
from topophys.plots import save_figure
from topophys.plots.materials import plot_class_confusion, plot_reliability

FIGURES = ROOT / "docs" / "figures"
CLASSES = ("trivial", "semimetal", "TCI", "TI")


def counts(truth, found):
    table = np.zeros((4, 4), np.int64)
    np.add.at(table, (truth, found), 1)
    return table


def main():
    y, fold = labels(), fold_of(0, "system")
    p = calibrated(kept_logits(0, "system", VIEWS[1]), y, fold)
    known = has_cell()
    cell = calibrated(kept_logits(0, "system", VIEWS[2])[known], y[known], fold[known])
    place, theirs = both_lists()
    agreement = float((theirs == y[place]).mean())
    figure = plot_reliability(p, y, ceiling=agreement)
    save_figure(figure, FIGURES / "materials_reliability", ["png"], dpi=110)
    tables = {
        "formula and space group": counts(y, p.argmax(1)),
        "structure": counts(y[known], cell.argmax(1)),
        "ceiling: a second list": counts(y[place], theirs),
    }
    figure = plot_class_confusion(tables, CLASSES)
    save_figure(figure, FIGURES / "materials_confusion", ["png"], dpi=110)


if __name__ == "__main__":
    main()
