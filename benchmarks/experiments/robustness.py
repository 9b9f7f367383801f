"""Balls of chains on which networks are proven right, and what attacks find in and beyond them.

    python -m benchmarks.experiments.robustness train 0 1 2   # a minute for each seed
    python -m benchmarks.experiments.robustness measure       # all seeds that are there
    python -m benchmarks.experiments.robustness write         # docs/results/robustness.md

Weights go to runs/robustness; results are kept in benchmarks/results/robustness.jsonl.
"""

from __future__ import annotations

import math
import time
from statistics import NormalDist

import numpy as np
import torch

import topophys as tp
from benchmarks import harness
from benchmarks.experiments import fair
from benchmarks.experiments.learning_table import interval
from benchmarks.pages import ROOT, filled, put
from topophys.datasets import open_dataset
from topophys.learn import TopologicalMLEncoder, attack_chains, certify_robustness

PAGE = ROOT / "docs" / "results" / "robustness.md"
RUNS = ROOT / "runs" / "robustness"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "robustness.jsonl")
SEEDS = (0, 1, 2)
#: What a measurement depends on: seconds of training, chains and their seed, points, radii.
SETTINGS = {
    "version": 1,
    "seconds": 25.0,
    "rate": 1e-2,
    "chains": 500,
    "draw": 20261130,
    "grid": 32,
    "radii": [0.0, 1e-3, 3e-3, 1e-2, 3e-2],
    "attacked": 50,
    "steps": 20,
}
#: Populations: smallest proven gap of the chains.
GAPS = (0.0, 0.1)


def train(seed):
    with open_dataset(fair.data_file()) as dataset:
        lessons, val = fair.read(dataset, "train"), fair.read(dataset, "val")
    whole, curve, _ = fair.train(
        "gated encoder (shipped)", seed, SETTINGS["rate"], SETTINGS["seconds"], lessons, val
    )
    RUNS.mkdir(parents=True, exist_ok=True)
    torch.save(whole.network.state_dict(), RUNS / f"{seed}.pt")
    print(seed, curve[-1], flush=True)


def load(seed):
    encoder = TopologicalMLEncoder(8, 32, (32, 32, 64))
    encoder.load_state_dict(torch.load(RUNS / f"{seed}.pt"))
    return encoder


def measure():
    torch.set_num_threads(1)
    for seed in SEEDS:
        if not (RUNS / f"{seed}.pt").is_file():
            continue
        encoder = load(seed)
        for gap in GAPS:
            given = {"seed": seed, "gap": gap, **SETTINGS}
            if STUDY.get(given) is not None:
                continue
            chains = tp.ensembles.aiii_chains(
                SETTINGS["chains"], min_gap=gap or None, rng=SETTINGS["draw"]
            )
            start = time.process_time()
            found = certify_robustness(encoder, chains, grid=SETTINGS["grid"])
            seconds = time.process_time() - start
            some = slice(0, SETTINGS["attacked"])
            part, value = chains[some], found.value[some]
            inside = attack_chains(
                encoder, part, found.radius[some], grid=SETTINGS["grid"], steps=SETTINGS["steps"]
            )
            label = np.ma.getdata(found.certificate.value)
            rows = []
            for radius in SETTINGS["radii"]:
                attacked = attack_chains(
                    encoder, part, radius, grid=SETTINGS["grid"], steps=SETTINGS["steps"]
                )
                constant = found.label_radius >= radius
                rows.append({
                    "radius": radius,
                    "label": float(constant.mean()),
                    "certified": found.accuracy_at(radius),
                    # among chains whose label cannot change, right also after the attack
                    "attacked": float((constant[some] & (attacked == label[some])).mean()),
                })  # fmt: skip
            STUDY.put(given, {
                "rows": rows,
                "median_radius": float(np.median(found.radius)),
                "median_label_radius": float(np.median(found.label_radius)),
                "changed_inside": int((inside != value).sum()),
                "attacked": len(value),
                "seconds": seconds,
            })  # fmt: skip
            print(seed, gap, rows, int((inside != value).sum()), flush=True)


def over_samples_and_seeds(shares):
    """95 % interval of a mean share of seeds that share their chains.

    The variance of the chains does not shrink with the number of seeds; Agresti and Coull's counts
    keep it from vanishing where all are right.
    """
    n = SETTINGS["chains"] + 4
    inner = [(s * SETTINGS["chains"] + 2) / n for s in shares]
    chains = NormalDist().inv_cdf(0.975) * math.sqrt(np.mean([p * (1 - p) for p in inner]) / n)
    mean, seeds = interval(shares)
    half = math.hypot(chains, 0.0 if math.isnan(seeds) else seeds)
    return max(0.0, mean - half), min(1.0, mean + half)


def write():
    head = ["gap of the chains", "radius", "label proven constant", "certified accuracy (95 %)",
            "right after the attack, label constant", "seeds"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    changed = attacked = 0
    medians = []
    for gap in GAPS:
        results = [STUDY.get({"seed": s, "gap": gap, **SETTINGS}) for s in SEEDS]
        results = [r for r in results if r is not None]
        changed += sum(r["changed_inside"] for r in results)
        attacked += sum(r["attacked"] for r in results)
        name = f"at least {gap}" if gap else "any"
        for i, radius in enumerate(SETTINGS["radii"]):
            rows = [r["rows"][i] for r in results]
            label, certified, right = (
                np.mean([row[key] for row in rows]) for key in ("label", "certified", "attacked")
            )
            low, high = over_samples_and_seeds([row["certified"] for row in rows])
            lines.append(
                f"| {name} | {radius:g} | {label:.3f} | {certified:.3f} ({low:.3f} to {high:.3f})"
                f" | {right:.3f} | {len(rows)} |"
            )
        medians.append(
            f"{name}: {np.mean([r['median_radius'] for r in results]):.4f} for network and label,"
            f" {np.mean([r['median_label_radius'] for r in results]):.4f} for the label alone"
        )
    seconds = np.mean([r["seconds"] for r in results]) / SETTINGS["chains"]
    put(PAGE, "radii", filled("python -m benchmarks.experiments.robustness measure",
                              "\n".join(lines), harness.machine()))  # fmt: skip
    put(PAGE, "attack", f"Of {attacked:,} attacks inside the certified radius {changed} changed the"
        f" integer. Median radii, by gap: {'; '.join(medians)}. One chain takes"
        f" {1e3 * seconds:.1f} ms.")  # fmt: skip


if __name__ == "__main__":
    harness.run_command(
        __doc__,
        train=lambda *seeds: [train(seed) for seed in seeds or SEEDS],
        measure=measure,
        write=write,
    )
