"""When to believe a network of chains: confusion, abstention, gaps of what it got wrong.

A task for `benchmarks.experiments.learning`, as in `learning_1d`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from benchmarks.experiments.learning_1d import chains_settings, made, test_recipe, trained
from topophys.datasets import open_dataset

#: Limits of the confidence between which answers are counted, and of the gap.
CONFIDENCES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)
GAPS = (0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, np.inf)
LARGEST = 3


def reliability(seed, quick):
    """Confusion, what abstention buys, and where the wrong ones lie: gaps from the hoppings."""
    run = trained(seed, quick)
    with open_dataset(made(test_recipe(quick))) as data:
        label, real, gap = [], [], []
        for split in ("test", "beyond2", "beyond3"):
            part = data.split(split)
            (y,) = part.read("label")
            chains = part.hamiltonians()
            answer = run.predict(chains)
            label.append(y)
            real.append(answer.real)
            gap.append(_gaps(chains))
    label, real, gap = map(np.concatenate, (label, real, gap))
    value = np.rint(real).astype(int)
    wrong, confidence = value != label, 1.0 - 2.0 * np.abs(real - value)
    return [
        *_confusion(label, value),
        *_abstention(wrong, confidence, run.predict(chains[:1]).threshold),
        *_between("confidence", CONFIDENCES, confidence, wrong),
        *_between("gap", GAPS, gap, wrong),
    ]


def _confusion(label, value):
    """Counts, the same rows for every seed."""
    rows, near = [], 0
    for c in range(-LARGEST, LARGEST + 1):
        for named in (c - 1, c, c + 1):
            count = int(((label == c) & (value == named)).sum())
            near += count
            rows.append({"row": f"confusion: {c:+d} named {named:+d}", "value": count})
    return [*rows, {"row": "confusion: two or more off", "value": len(label) - near}]


def _abstention(wrong, confidence, calibrated):
    """What is answered, and how much of it is wrong, for several thresholds."""
    rows = []
    thresholds = {f"{t:g}": t for t in (0.0, 0.2, 0.5, 0.8, 0.9)}
    for text, threshold in {**thresholds, "the calibrated threshold": calibrated}.items():
        kept = confidence >= threshold
        name = f"abstention below {text}"
        rows.append({"row": f"{name}: answered", "value": float(kept.mean())})
        rows.append(_wrong(f"{name}: wrong of these", wrong[kept]))
    return rows


def _between(what, edges, values, wrong):
    """Share of wrong answers where a quantity lies between two limits; the last one is included."""
    rows = []
    for low, high in pairwise(edges):
        last = high == edges[-1]
        here = (values >= low) & ((values < high) | last)
        name = f"{what} {low:g} to {high:g}" if np.isfinite(high) else f"{what} over {low:g}"
        rows.append(_wrong(f"{name}: wrong", wrong[here]))
    return rows


def _wrong(text, wrong):
    """Row about errors; without a value where nothing was asked."""
    share = float(wrong.mean()) if len(wrong) else None
    return {"row": text, "value": share, "n": len(wrong), "count": int(wrong.sum())}


def _gaps(chains):
    """Smallest gap 2 sigma_min(D) on 256 points, in parts."""
    parts = [chains[i : i + 2000].block_on_grid(256) for i in range(0, len(chains), 2000)]
    return np.concatenate(
        [2.0 * np.linalg.svd(p, compute_uv=False)[..., -1].min(axis=1) for p in parts]
    )


def _settings(quick):
    return {
        "version": 2,  # the same rows for every seed, bins of confidence
        "network": chains_settings(quick),
        "confidences": CONFIDENCES,
        "gaps": GAPS[:-1],
    }


reliability.settings = _settings
TASKS = {"reliability": reliability}
