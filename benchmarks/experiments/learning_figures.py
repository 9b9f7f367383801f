"""Pictures of docs/results.md from the stored results: confusion, reliability, gaps, noise."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from benchmarks.experiments.learning_table import interval, merged
from topophys._statistics import wilson_interval
from topophys.plots import new_figure, plot_confusion, save_figure, style
from topophys.plots._style import PALETTE

FOLDER = Path(__file__).parents[2] / "docs" / "figures"
DPI = 110
GREY = "#666666"


def write(found, folder=FOLDER):
    """Draw what the results allow; pictures of other tasks stay as they are."""
    drawn = {}
    if "reliability" in found:
        rows = merged(found["reliability"])
        drawn["learning_confusion"] = confusion(rows)
        drawn["learning_reliability"] = reliability(rows)
        drawn["learning_gaps"] = gaps(rows)
    if "noise" in found:
        drawn["learning_noise"] = noise(merged(found["noise"]))
    for name, figure in drawn.items():
        save_figure(figure, folder / name, ["png"], dpi=DPI)
    return sorted(drawn)


def confusion(rows):
    """Counts of all seeds together."""
    true, named = [], []
    for text, of_seeds in rows.items():
        if match := re.fullmatch(r"confusion: ([+-]\d+) named ([+-]\d+)", text):
            count = sum(row["value"] for row in of_seeds)
            true += [int(match[1])] * count
            named += [int(match[2])] * count
    return plot_confusion(true, named, trained=[-1, 0, 1])


def _counts(rows, what):
    """Limits, numbers of errors and of samples, of all seeds together."""
    limits, wrong, total = [], [], []
    for text, of_seeds in rows.items():
        if match := re.fullmatch(rf"{what} ([\d.]+) to ([\d.]+): wrong", text):
            limits.append((float(match[1]), float(match[2])))
        elif match := re.fullmatch(rf"{what} over ([\d.]+): wrong", text):
            limits.append((float(match[1]), np.inf))
        else:
            continue
        wrong.append(sum(row["count"] for row in of_seeds))
        total.append(sum(row["n"] for row in of_seeds))
    return limits, np.array(wrong), np.array(total)


def reliability(rows):
    """Share of right answers against confidence, and how many answers there are of each."""
    limits, wrong, total = _counts(rows, "confidence")
    middle = np.array([(low + high) / 2 for low, high in limits])
    width = np.array([high - low for low, high in limits])
    question = total > 0
    share = 1.0 - wrong[question] / total[question]
    kept = zip(total[question].tolist(), wrong[question].tolist(), strict=True)
    bounds = np.array([wilson_interval(n - w, n) for n, w in kept])
    with style():
        figure = new_figure(4.6, 3.9)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1.0))
        above.errorbar(
            middle[question], share, yerr=np.abs(bounds.T - share), xerr=width[question] / 2,
            fmt="o", color=PALETTE["blue"], markersize=4, linewidth=1.0,
        )  # fmt: skip
        above.plot([0.0, 1.0], [0.5, 1.0], color=GREY, linestyle="--", linewidth=0.9)
        above.annotate("(1 + confidence) / 2", (0.46, 0.66), fontsize=7.5, color=GREY)
        above.set_ylabel("share of right answers")
        above.set_ylim(0.0, 1.03)
        below.bar(middle, total, width=0.92 * width, color=PALETTE["blue"])
        below.set_yscale("log")
        below.set_ylim(1.0, 3.0 * total.max())
        below.set_ylabel("answers")
        below.set_xlabel("confidence (1 on an integer, 0 half way between two)")
        below.set_xlim(0.0, 1.0)
    return figure


def gaps(rows):
    """Where the wrong ones lie: numbers and shares by gap."""
    limits, wrong, total = _counts(rows, "gap")
    names = [
        f"{low:g} to\n{high:g}" if np.isfinite(high) else f"over\n{low:g}" for low, high in limits
    ]
    place = np.arange(len(limits))
    with style():
        figure = new_figure(5.4, 2.9)
        axes = figure.subplots()
        axes.bar(place, wrong, width=0.75, color=PALETTE["red"])
        for i, (w, n) in enumerate(zip(wrong.tolist(), total.tolist(), strict=True)):
            axes.annotate(
                f"{w:,}\nof {n:,}", (i, w), xytext=(0, 3), textcoords="offset points",
                ha="center", fontsize=7, linespacing=1.1,
            )  # fmt: skip
        axes.set_ylim(0.0, max(1, wrong.max()) * 1.25)
        axes.set_xticks(place, names)
        axes.set_xlabel("gap, in units of the root-mean-square energy")
        axes.set_ylabel("wrong answers")
    return figure


def noise(rows):
    """Accuracy against the strength of the noise, beside the formula's."""
    strength, mean, half, formula = [], [], [], []
    for text, of_seeds in rows.items():
        if match := re.fullmatch(r"1D noise ([\d.]+) on D", text):
            strength.append(float(match[1]))
            centre, spread = interval([row["value"] for row in of_seeds])
            mean.append(centre)
            half.append(0.0 if np.isnan(spread) else spread)
            formula.append(interval([row["formula"] for row in of_seeds])[0])
    seeds = len(next(iter(rows.values())))
    with style():
        figure = new_figure(4.6, 3.1)
        axes = figure.subplots()
        axes.errorbar(
            strength, mean, yerr=half, fmt="o-", color=PALETTE["blue"], markersize=4,
            linewidth=1.2, label=f"network, {seeds} seed{'s' if seeds > 1 else ''}",
        )  # fmt: skip
        axes.plot(
            strength, formula, "s--", color=PALETTE["orange"], markersize=3.5, linewidth=1.1,
            label="sampled formula",
        )  # fmt: skip
        axes.axhline(1 / 3, color=GREY, linewidth=0.8, linestyle=":")
        axes.annotate("one of three", (0.0, 1 / 3 + 0.012), fontsize=7.5, color=GREY)
        axes.set_xlabel("noise on the entries of D / their root mean square")
        axes.set_ylabel("right, of 3 classes")
        axes.set_ylim(0.25, 1.03)
        axes.legend(frameon=False)
    return figure
