"""What hidden layers hold and what networks use of it: five trainings, with every control.

Run with `python -m benchmarks.experiments.interpretation FOLDER`. Data and trainings are kept in
FOLDER, and each measurement as a line of its results.jsonl, so that a run can be stopped and taken
up again. The tables of docs/results/interpretation.md are written again from whatever is there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from benchmarks import harness
from benchmarks.experiments import second_way
from benchmarks.pages import ROOT
from topophys.datasets import Recipe, generate, open_dataset
from topophys.interpret import CausalReport, audit, causal_tests, probe
from topophys.learn import FitConfig, fit, load_run
from topophys.report import measure_accuracy, recipe_path

PAGE = ROOT / "docs" / "results" / "interpretation.md"
RECIPES = {"winding": "winding-1d", "chern": "chern-2d"}
#: Planes are learnt on a coarse grid, where a step costs little, and looked at on a finer one.
PLANES = {"train": (8, 8, 40_000), "val": (8, 8, 1500), "test": (16, 16, 3000),
          "beyond": (16, 16, 1000)}  # fmt: skip
PLANE_SETTINGS = {
    "epochs": 6, "batch_size": 256, "learning_rate": 1e-2,
    "encoder": {"hidden_dims": [16, 24, 32], "output_features": 16, "rotation_invariant": False},
}  # fmt: skip
#: Layers that are told what to hold learn for longer: the label is the smaller part of the task.
SUPERVISED_SETTINGS = PLANE_SETTINGS | {"epochs": 12, "local_supervision": 4.0}
#: Hamiltonians to look at; a plane has as many plaquettes as many chains have links.
N = {"winding": 1000, "chern": 300}
#: Claim of the issue: (title, kind, layer, measure, source, sense, bar).
BARS = (
    ("h1, cos and sin of alpha", "winding", "h1_features", "raw", "trained", ">=", 0.95),
    ("h1, control: phase of perm D, whole layer", "winding", "h1_features", "raw", "control",
     "<=", 0.05),
    ("h1, cos and sin of alpha, used part", "winding", "h1_features", "used part", "trained",
     ">=", 0.95),
    ("h1, control: phase of perm D, used part", "winding", "h1_features", "used part", "control",
     "<=", 0.05),
    ("h2, dalpha modulo exact differences", "winding", "h2_features", "modulo exact", "trained",
     ">=", 0.95),
    ("h2, dalpha raw", "winding", "h2_features", "raw", "trained", ">=", 0.85),
    ("h2, dalpha, untrained", "winding", "h2_features", "raw", "untrained", "<=", 0.05),
    ("h3, F modulo curls", "chern", "h3_features", "modulo exact", "trained", ">=", 0.9),
    ("h3, F raw", "chern", "h3_features", "raw", "trained", ">=", 0.75),
    ("h3, F, untrained", "chern", "h3_features", "raw", "untrained", "<=", 0.05),
    ("h3, F raw, supervised locally", "supervised", "h3_features", "raw", "trained", ">=", 0.99),
)  # fmt: skip


def recipe(kind):
    """Recipe of the data: that of the demo for chains, with other grids for planes."""
    given = Recipe.from_toml(recipe_path(RECIPES[kind]))
    if kind == "winding":
        return given
    splits = [
        spec.model_copy(update={"grid": PLANES[spec.name][:2], "size": PLANES[spec.name][2]})
        for spec in given.split
        if spec.name in PLANES
    ]
    changed = given.model_copy(update={"name": "chern-2d-coarse", "split": tuple(splits)})
    return Recipe.from_text(changed.to_toml(), source="chern-2d-coarse")


def settings(kind, seed, supervised):
    """Settings of a training."""
    if kind == "winding":
        given = FitConfig.from_toml(recipe_path(RECIPES[kind], "training.toml"))
    else:
        given = FitConfig.from_mapping(SUPERVISED_SETTINGS if supervised else PLANE_SETTINGS)
    return given.model_copy(update={"seed": seed})


def depends_on(kind, claim, seed):
    """All that a measurement depends on; change the version with the code."""
    data = "winding" if kind == "winding" else "chern"
    training = settings(data, seed, kind == "supervised").model_dump(mode="json")
    sizes = {"hamiltonians": N[data]} if claim in ("probe", "causal", "second") else {}
    known = {"kind": kind, "claim": claim, "seed": seed, "data": recipe(data).digest}
    return {"version": 1, **known, "training": training, **sizes}


def study(folder):
    return harness.Study(folder / "results.jsonl")


def trained(folder, dataset, kind, seed, *, supervised=False):
    """Run of one seed."""
    path = folder / f"{'supervised' if supervised else kind}-run-{seed}"
    if not (path / "run.json").is_file():
        fit(settings(kind, seed, supervised), dataset, path)
    return load_run(path)


def measure(folder, kind, seeds, *, supervised=False):
    """Everything for one kind of data, claim by claim and seed by seed."""
    data = folder / f"{recipe(kind).name}.h5"
    if not data.is_file():
        generate(recipe(kind), data)
    title = "supervised" if supervised else kind
    with open_dataset(data) as dataset:
        size = min(N[kind], len(dataset.split("test")))
        for seed in seeds:
            run = trained(folder, dataset, kind, seed, supervised=supervised)
            claims = {
                "accuracy": lambda run=run: [r.__dict__ for r in measure_accuracy(run, dataset)],
                "probe": lambda run=run: probe(run, dataset, n_hamiltonians=size).to_dict(),
                "causal": lambda run=run: causal_tests(run, dataset, n_hamiltonians=size).to_dict(),
                "audit": lambda run=run: audit(run, dataset).to_dict(),
            }
            if kind == "winding":
                claims["second"] = lambda run=run: second_way.measure(run, dataset, size)
            for claim, make in claims.items():
                given = depends_on(title, claim, seed)
                if study(folder).get(given) is None:
                    study(folder).put(given, {"found": make()})


def found(folder, kind, claim):
    """Contents by seed."""
    results = {
        given["seed"]: result["found"]
        for given, result in study(folder).entries()
        if given == depends_on(kind, claim, given["seed"])
    }
    return dict(sorted(results.items()))


def interval(values):
    """Mean and half width of Student's 95 % interval."""
    values = np.asarray(values)
    if len(values) < 2:
        return float(values.mean()), float("nan")
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(half)


def shown(mean, half):
    """Mean with its interval, where there is one."""
    return f"{mean:.4f}" if np.isnan(half) else f"{mean:.4f} ± {half:.4f}"


def probe_scores(folder, kind):
    """Rows of all seeds together, by (layer, target, measure, split, source)."""
    rows = {}
    for report in found(folder, kind, "probe").values():
        for row in report["results"]:
            key = tuple(row[k] for k in ("layer", "target", "measure", "split", "source"))
            rows.setdefault(key, []).append(row)
    means = {}
    for key, several in rows.items():
        values = [row["r2"] for row in several]
        if key[-1] in ("untrained", "raw input", "exact forms"):
            # the same for every seed of the training; the interval is over initialisations
            first = several[0]
            means[key] = (first["r2"], 0.5 * (first["high"] - first["low"]), values)
        else:
            means[key] = (*interval(values), values)
    return means


def bars(folder):
    """Table of the claims."""
    lines = [
        "| claim | bar | R2, mean ± 95 % | smallest ... largest | seeds | met |",
        "|---|---|---|---|---:|---|",
    ]
    for title, kind, layer, how, source, sense, bar in BARS:
        rows = probe_scores(folder, kind)
        hit = [v for k, v in rows.items()
               if (k[0], k[2], k[3], k[4]) == (layer, how, "test", source)]  # fmt: skip
        if not hit:
            lines.append(f"| {title} | {sense} {bar} | not measured | | | |")
            continue
        mean, half, values = hit[0]
        met = mean >= bar if sense == ">=" else mean <= bar
        lines.append(
            f"| {title} | {sense} {bar} | {shown(mean, half)} | {min(values):.4f} ... "
            f"{max(values):.4f} | {len(values)} | {'yes' if met else 'no'} |"
        )
    for kind, part in (("winding", "links of an interval"), ("chern", "plaquettes of a rectangle")):
        reports = [CausalReport.from_dict(c) for c in found(folder, kind, "causal").values()]
        if reports:
            rows = [report.find("swap", part) for report in reports]
            mean, half = interval([row.share for row in rows])
            worst, best = (f(row.share for row in rows) for f in (min, max))
            lines.append(
                f"| swap of {part}: integer as predicted | >= 0.95 | {shown(mean, half)} |"
                f" {worst:.4f} ... {best:.4f} | {len(rows)} | {'yes' if mean >= 0.95 else 'no'} |"
            )
    return lines


def probe_table(folder, kind):
    """Ladder of one kind of data."""
    lines = [
        "| layer | quantity | measure | split | source | R2, mean ± 95 % |",
        "|---|---|---|---|---|---:|",
    ]
    for key, (mean, half, _) in probe_scores(folder, kind).items():
        cells = " | ".join(text.replace("|", "\\|") for text in key).replace("_features", "")
        lines.append(f"| {cells} | {shown(mean, half)} |")
    return lines


def causal_table(folder, kind):
    """Share of predicted integers, a column for each seed."""
    reports = found(folder, kind, "causal")
    seeds = " | ".join(f"seed {seed}" for seed in reports)
    lines = [f"| test | what | predicted | {seeds} |", "|---|---|---|" + "---:|" * len(reports)]
    first = next(iter(reports.values()), {"results": []})
    for i, row in enumerate(first["results"]):
        shares = [f"{report['results'][i]['share']:.4f}" for report in reports.values()]
        layer = row["layer"].removesuffix("_features")
        lines.append(
            f"| {row['test']} {layer} | {row['what']} | {row['predicted']} | {' | '.join(shares)} |"
        )
    return lines


def audit_table(folder, kind):
    """Largest miss of all seeds."""
    reports = found(folder, kind, "audit")
    lines = [
        "| operation | quantity | expectation | largest miss | integers changed |",
        "|---|---|---|---:|---:|",
    ]
    first = next(iter(reports.values()), {"rows": []})
    for i, row in enumerate(first["rows"]):
        miss = max(report["rows"][i]["deviation"] for report in reports.values())
        broken = [report["rows"][i]["broken"] for report in reports.values()]
        worst = "" if row["broken"] is None else f"{max(broken):.4f}"
        lines.append(
            f"| {row['operation']} | {row['quantity'].replace('_features', '')} |"
            f" {row['expectation']} | {miss:.1e} | {worst} |"
        )
    return lines


def accuracy_table(folder, kind):
    """Accuracy on every split, a column for each seed."""
    reports = found(folder, kind, "accuracy")
    seeds = " | ".join(f"seed {seed}" for seed in reports)
    lines = [f"| split | Hamiltonians | {seeds} |", "|---|---:|" + "---:|" * len(reports)]
    first = next(iter(reports.values()), [])
    for i, row in enumerate(first):
        if row["invariant"] == "all":
            shares = [f"{r[i]['correct'] / r[i]['total']:.5f}" for r in reports.values()]
            lines.append(f"| {row['split']} | {row['total']} | {' | '.join(shares)} |")
    return lines


def write(folder):
    """Put the tables between the markers of the page."""
    text = PAGE.read_text(encoding="utf-8")
    parts = {"bars": bars(folder)}
    for kind in (*RECIPES, "supervised"):
        if found(folder, kind, "probe"):
            parts |= {
                f"{kind} accuracy": accuracy_table(folder, kind),
                f"{kind} probes": probe_table(folder, kind),
                f"{kind} causal": causal_table(folder, kind),
                f"{kind} audit": audit_table(folder, kind),
            }
    if second := found(folder, "winding", "second"):
        parts["second way"] = second_way.table(second)
    parts["machine"] = [harness.machine()]
    for name, lines in parts.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        if start not in text:
            print(f"no place for `{name}` on {PAGE.name}")
            continue
        before, rest = text.split(start, 1)
        text = before + start + "\n".join(lines) + "\n" + end + rest.split(end, 1)[1]
    PAGE.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where data, trainings and results are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--kinds", nargs="*", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--supervised", action="store_true", help="planes, with local supervision")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for kind in given.kinds:
        measure(given.folder, kind, given.seeds)
    if given.supervised:
        measure(given.folder, "chern", given.seeds, supervised=True)
    write(given.folder)


if __name__ == "__main__":
    main()
