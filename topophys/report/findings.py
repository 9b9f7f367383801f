"""What was found, as sentences made from the measured values, and what speaks against it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from topophys._statistics import wilson_interval
from topophys.datasets.tasks import get_task
from topophys.errors import InputError

__all__ = ["Finding", "find_caveats", "find_findings", "words"]


class Finding(NamedTuple):
    """A question about a run, and the measured answer."""

    question: str
    answer: str


def find_findings(summary: dict[str, Any]) -> list[Finding]:
    """Summarise the main results in sentences, from the numbers of a summary alone.

    Parameters
    ----------
    summary : dict
        Content of summary.json.

    Returns
    -------
    list of Finding
        What it was trained on; what it is right on that it was never shown; what the layers hold;
        what the network uses; what it does not use; how sure this is. Questions that were not
        measured are left out.

    Examples
    --------
    >>> found = find_findings({"training": {
    ...     "provenance": {"train_samples": 3000, "classes_seen": [-1, 0, 1]},
    ...     "settings": {}, "parameters": 11505}})
    >>> found[0].answer[:57]
    '3,000 random Hamiltonians with proven winding numbers -1,'
    """
    parts = {
        "Trained on": _trained(summary["training"]),
        "Accuracy on unseen data": _right(summary),
        "Encoded in the layers": _held(summary.get("probes") or {}),
        "Used by the network": _used(summary, wanted=True),
        "Not used by the network": _used(summary, wanted=False),
        "Uncertainty": _sure(summary),
    }
    return [Finding(question, answer) for question, answer in parts.items() if answer]


def _invariant(training: dict[str, Any]) -> str:
    kind = str(training["provenance"].get("kind", "winding"))
    try:
        return get_task(kind).quantity
    except InputError:  # registered where the network was trained, not here
        return f"invariant ({kind})"


def _trained(training: dict[str, Any]) -> str:
    notes = training["provenance"]
    classes = ", ".join(map(str, notes["classes_seen"]))
    message = (
        "In addition the exact local contributions were part of the loss, so that what its layers"
        " encode was supervised."
        if training["settings"].get("local_supervision", 0)
        else "These integers were its only training signal."
    )
    return (
        f"{notes['train_samples']:,} random Hamiltonians with proven {_invariant(training)}s"
        f" {classes}. {message} The network has {training['parameters']:,} parameters."
    )


def _share(row: dict[str, Any]) -> str:
    return (
        f"{row['correct']:,} of {row['total']:,} ({_interval(row['correct'], row['total'])},"
        f" formula {row['formula_correct']:,}{_better(row, ', {name} {right:,}')})"
    )


def _interval(right: int, cases: int) -> str:
    """Wilson's interval in per cent, with as many digits as keep an end from looking exact."""
    ends = wilson_interval(right, cases)
    for digits in range(1, 6):
        low, high = (f"{100 * end:.{digits}f}" for end in ends)
        if low != high and (float(high) < 100.0 or right == cases):
            break
    return f"{low} to {high} %"


def _cut(share: float) -> str:
    """Three decimals, cut and not rounded: 1.000 stands for no exception."""
    return f"{math.floor(1000.0 * share + 1e-9) / 1000.0:.3f}"


def _r2(value: float) -> str:
    """Three decimals, and no sign of a zero."""
    return f"{round(value, 3) + 0.0:.3f}"


def _right(summary: dict[str, Any]) -> str:
    rows = [r for r in summary.get("accuracy") or [] if r["invariant"] == "all"]
    if not rows:
        return ""
    seen = set(summary["training"]["provenance"]["classes_seen"])
    classes = {
        split: sorted(int(c) for c in part.get("classes", {}))
        for data in summary.get("datasets") or []
        if data["name"] == summary["training"]["provenance"].get("dataset", data["name"])
        for split, part in data["splits"].items()
    }
    sentences = []
    for row in rows:
        new = [c for c in classes.get(row["split"], []) if c not in seen]
        if new and len(new) == len(classes[row["split"]]):
            listed = ", ".join(f"{c:+d}" for c in new)
            sentences.append(
                f"Integers that do not occur in training ({listed}; split {row['split']}):"
                f" {_share(row)}."
            )
    for name, text in (("test", "New Hamiltonians of the classes shown"),):
        sentences += [f"{text}: {_share(row)}." for row in rows if row["split"] == name]
    worst = min(rows, key=lambda r: r["correct"] / r["total"])
    if worst["correct"] < worst["total"]:
        sentences.append(f"Weakest split, {worst['split']}: {_share(worst)}.")
    return " ".join(sentences)


def _main_rows(probes: dict[str, Any], measure: str) -> Iterator[tuple[dict[str, Any], Rows]]:
    """Rows of the trained network by one measure on the split of the report, with the controls."""
    home = probes.get("split")
    rows = [
        r
        for r in probes.get("results", [])
        if r.get("measure", "raw") == measure and (home is None or r.get("split", home) == home)
    ]
    for row in rows:
        if row["source"] == "trained":
            yield row, [r for r in rows if r["layer"] == row["layer"] and r is not row]


def _held(probes: dict[str, Any]) -> str:
    sentences = []
    for measure in ("raw", "modulo exact"):
        for row, others in _main_rows(probes, measure):
            beside = {r["source"]: r["r2"] for r in others if r["target"] == row["target"]}
            control = [r for r in others if r["source"] == "control"]
            parts = [f"untrained {_r2(beside['untrained'])}"] if "untrained" in beside else []
            parts += [f"control, {r['target']}: {_r2(r['r2'])}" for r in control]
            up_to = " up to differences that cancel in the sum" if measure != "raw" else ""
            verdict = _verdict(row, beside.get("untrained"), [r["r2"] for r in control])
            sentences.append(
                f"{_short(row['layer'])} holds {row['target']}{up_to}: R² {_r2(row['r2'])}"
                f" ({'; '.join(parts) or 'no controls'}){verdict}."
                if row["r2"] > HOLDS
                else f"{_short(row['layer'])} does not hold {row['target']}{up_to}: R²"
                f" {_r2(row['r2'])}."
            )
    return " ".join(sentences)


#: What a causal test does to a layer.
CHANGES: Final = {
    "steer": "With {} changed as if the angle were another one",
    "swap": "With part of {} taken from another Hamiltonian",
}
#: R2 from which a layer is said to hold a quantity.
HOLDS: Final = 0.5


def _verdict(row: dict[str, Any], untrained: float | None, controls: list[float]) -> str:
    if untrained is not None and untrained > 0.5 * row["r2"]:
        return ", which the architecture gives even without training"
    if any(value > 0.5 * row["r2"] for value in controls):
        return ", and the control as well, so that this alone shows nothing"
    return ", put there by training" if untrained is not None else ""


def _used(summary: dict[str, Any], *, wanted: bool) -> str:
    """Say what changes the answer as exact physics predicts, or what changes nothing."""
    sentences = []
    for row, others in _main_rows(summary.get("probes") or {}, "used part"):
        sentences += [
            f"The part of {_short(r['layer'])} on which the output depends"
            f" {'holds' if wanted else 'does not hold'} {r['target']}: R² {_r2(r['r2'])}."
            for r in [row, *(o for o in others if o["source"] == "control")]
            if (r["r2"] > HOLDS) == wanted
        ]
    rows = [r for r in (summary.get("causal") or {}).get("results", []) if r["cases"]]
    alone = next((r for r in rows if r["test"] == "erase" and r["what"] == "nothing"), None)
    for r in rows:
        # erasure of several quantities at once and of random directions is in the table
        if (
            alone is None
            or r["test"] != "erase"
            or r is alone
            or "random" in r["what"]
            or r["what"].count(",") > 1
        ):
            continue
        harms = alone["share"] - r["share"] > MISSES
        if harms == wanted:
            sentences.append(
                f"Without {r['what']} in {_short(r['layer'])} {_cut(r['share'])} of the answers are"
                f" right ({_cut(alone['share'])} with it)."
            )
    if wanted:
        changed: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for r in rows:
            if r["test"] in CHANGES and r["moved"]:
                changed.setdefault((r["test"], _short(r["layer"])), []).append(r)
        for (test, layer), found in changed.items():
            low, high = (_cut(pick(r["share"] for r in found)) for pick in (min, max))
            cases = sum(r["cases"] for r in found)
            sentences.append(
                f"{CHANGES[test].format(layer)}, the answer becomes the integer that exact physics"
                f" predicts in {low if low == high else f'{low} to {high}'} of {cases:,} cases."
            )
    return " ".join(sentences)


def _sure(summary: dict[str, Any]) -> str:
    probes = summary.get("probes") or {}
    runs = probes.get("n_runs", 1)
    one = "One training: another seed may differ." if runs == 1 else f"{runs} trainings."
    parts = [one]
    if "n_hamiltonians" in probes:
        parts.append(
            f"Layers were read on {probes['n_hamiltonians']:,} Hamiltonians, with"
            f" {probes.get('n_untrained', 0)} untrained networks as controls."
        )
    parts.append("Intervals are 95 %.")
    parts += [note for note in summary.get("notes") or [] if "checked independently" in note]
    return " ".join(parts) if summary.get("accuracy") or probes else ""


# -------- What a reader must not overlook: results that speak against the network, or limit a claim

#: Shares and R2 beyond which something is worth a sentence.
LEAKS: Final = 0.05
DROPS: Final = 0.05
MISSES: Final = 0.05

Rows = list[dict[str, Any]]


def find_caveats(summary: dict[str, Any]) -> list[str]:
    """Describe negative results in sentences, from the numbers of a summary alone.

    Parameters
    ----------
    summary : dict
        Content of summary.json.

    Returns
    -------
    list of str
        One sentence for each; empty if nothing was found.

    Examples
    --------
    >>> row = {"split": "beyond", "invariant": "all", "total": 100, "correct": 90,
    ...        "formula_correct": 100, "grid": [32]}
    >>> find_caveats({"accuracy": [row]})
    ['On `beyond` the network is wrong in 10 of 100 cases, where the formula is wrong in 0.']
    """
    found = summary.get("probes") or {}
    # runs probed by earlier releases have one measure and one split
    default = {"measure": "raw", "split": found.get("split", "")}
    probes = [default | row for row in found.get("results", [])]
    causal = (summary.get("causal") or {}).get("results", [])
    rows = (summary.get("audit") or {}).get("rows", [])
    return [
        *_accuracy(summary.get("accuracy") or []),
        *_probes(probes),
        *_causal(causal),
        *_audit(rows),
    ]


def _accuracy(rows: Rows) -> Iterator[str]:
    for row in rows:
        strongest = max(row["formula_correct"], *(row.get("formulas") or {"": 0}).values())
        if row["invariant"] == "all" and strongest > row["correct"]:
            yield (
                f"On `{row['split']}` the network is wrong in {row['total'] - row['correct']} of"
                f" {row['total']} cases, where the formula is wrong in"
                f" {row['total'] - row['formula_correct']}{_better(row, ' and {name} in {wrong}')}."
            )


def _better(row: Mapping[str, Any], words: str) -> str:
    """Name the best of the other formulas, if it is better than the usual one."""
    others = row.get("formulas") or {}
    name = max(others, key=lambda one: int(others[one]), default="")
    if not name or others[name] <= row["formula_correct"]:
        return ""
    return words.format(name=name, right=others[name], wrong=row["total"] - others[name])


def _probes(rows: Rows) -> Iterator[str]:
    best = {(r["layer"], r["measure"], r["split"]): r for r in rows if r["source"] == "trained"}
    # one finding is one sentence, on however many splits and by whatever measure it was met
    met: dict[tuple[str, str, str], list[tuple[str, str, dict[str, Any]]]] = {}
    for row in rows:
        mine = best.get((row["layer"], row["measure"], row["split"]))
        if mine is None or row["measure"] in ("circular", "segmented", "best channel"):
            continue
        name = f"{_short(row['layer'])} ({row['measure']})"
        if row["source"] in ("control", "scrambled") and row["r2"] > LEAKS:
            text = (
                f"{name} also encodes a quantity that no invariant depends on, {row['target']}:"
                f" R2 {row['r2']:.3f}; a high score of a probe alone is not evidence of learning."
            )
        elif row["source"] == "untrained" and row["r2"] > 0.5 * mine["r2"] > 0.0:
            text = (
                f"{name}: untrained networks reach R2 {row['r2']:.3f} for {row['target']} where the"
                f" trained one has {mine['r2']:.3f}; most of it is due to the architecture."
            )
        else:
            continue
        met.setdefault((name, row["target"], row["source"]), []).append((row["split"], text, row))
    for found in met.values():
        yield found[0][1] + _elsewhere([(split, row["r2"]) for split, _, row in found])
    yield from _drops(rows, best)


def _elsewhere(found: list[tuple[str, float]]) -> str:
    """Add where else, and between which values."""
    if len(found) == 1:
        return ""
    values = [value for _, value in found]
    others = ", ".join(f"`{split}`" for split, _ in found[1:])
    return f" The same on {others} (R2 {min(values):.3f} to {max(values):.3f})."


def _drops(rows: Rows, best: dict[tuple[str, str, str], dict[str, Any]]) -> Iterator[str]:
    at_home = {key[0]: r["r2"] for key, r in best.items() if key[1] == "raw"}
    first = {r["layer"]: r["split"] for r in reversed(rows) if r["source"] == "raw input"}
    for layer, split in first.items():
        if (layer, "raw", split) in best:
            at_home[layer] = best[layer, "raw", split]["r2"]
    for (layer, measure, split), row in best.items():
        if measure == "raw" and row["r2"] < at_home[layer] - DROPS:
            yield (
                f"{_short(layer)}: the probe for {row['target']} drops from R2"
                f" {at_home[layer]:.3f} to {row['r2']:.3f} on `{split}`."
            )


def _causal(rows: Rows) -> Iterator[str]:
    shares = {(r["test"], r["layer"], r["what"]): r["share"] for r in rows if r["cases"]}
    alone = shares.get(("erase", "h1_features", "nothing"))
    erased = shares.get(("erase", "h1_features", "cos alpha, sin alpha"))
    both = shares.get(("erase", "h1_features", "cos alpha, sin alpha, entries of D"))
    if alone is not None and erased is not None and both is not None and erased > both + MISSES:
        yield (
            f"With the angle erased from h1 the network still predicts {erased:.3f} of the integers"
            f" (without the entries of D as well: {both:.3f}): it does not use the angle alone."
        )
    for row in rows:
        if row["test"] != "erase" and row["cases"] and row["share"] < 1.0 - MISSES:
            yield (
                f"{row['test'].capitalize()} of {row['what']} ({_short(row['layer'])}): the"
                f" network agrees with the prediction in {row['share']:.3f} of {row['cases']} cases"
                " only."
            )


def _audit(rows: Rows) -> Iterator[str]:
    for row in rows:
        name = f"Under {row['operation']}, {row['quantity'].replace('_features', '')}"
        if row["broken"]:
            yield f"{name} changes to another integer in {row['broken']:.4f} of the cases."
        elif row["quantity"] != "output" and row["deviation"] > MISSES:
            yield (
                f"{name} is not {row['expectation']} as it should be: it deviates by"
                f" {row['deviation']:.2f} of its spread."
            )


def _short(layer: str) -> str:
    return layer.removesuffix("_features")


# ------------------------------------------------------------------------ Terms, for their list

WORDS: Final = {
    "formula": "the sampled invariant of exactly the points that are the input of the network",
    "split": "a part of the data: val chose the epoch; beyond has integers that do not occur in"
    " training; near_critical has small gaps; finer_grid and coarser_grid other numbers of momenta;"
    " other_family another distribution; gauge is test in another basis and with another origin of"
    " k; noisy has noise on the input",
    "probe, R²": "a linear map from a layer to an exact quantity, fitted on other Hamiltonians than"
    " those it is judged on; R² is 1 for exact predictions, 0 for those of the mean",
    "h1, h2, h3": "layers of the network on momenta, on links between neighbours, on plaquettes",
    "alpha, dalpha": "winding angle arg det D(k), and its change from one momentum to the next",
    "perm D": "the permanent of D: a quantity like the determinant that no invariant depends on",
    "untrained": "the same network with random weights",
    "shuffled, raw input": "controls: targets in wrong order; the input in place of the layer",
    "scrambled": "control: the target computed from hoppings in wrong order",
    "modulo exact": "after removal of terms that sum to zero over the Brillouin zone, which the"
    " invariant does not determine",
    "used part": "the directions of the layer on which the output depends",
    "read-out": "the density that the network sums, without any fit",
    "window": "the quantity summed over this many neighbours",
    "erase": "a quantity is removed from a layer, and the accuracy is measured",
    "steer": "a layer is changed as if the angle were another one",
    "swap": "part of the Brillouin zone is taken from another Hamiltonian",
    "miss": "deviation from the exact symmetry, in units of the spread of the quantity",
    "regression and auxiliary loss": "distance of the real-valued output from the integer; a cross"
    " entropy over the classes shown, added with a small weight",
    "proven gap": "a lower bound of the energy gap, in units of the rms band energy",
}


def words(summary: dict[str, Any]) -> dict[str, str]:
    """Terms of the page and what they mean."""
    del summary
    return dict(WORDS)
