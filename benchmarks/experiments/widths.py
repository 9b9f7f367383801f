"""Accuracy against CPU time for widths of the encoders: which defaults lie on the frontier.

    python -m benchmarks.experiments.widths run 0 1 2   # some minutes a seed
    python -m benchmarks.experiments.widths write       # docs/results/widths.md

All networks learn from the same number of samples; results are kept in
benchmarks/results/widths.jsonl.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import torch

from benchmarks import harness
from benchmarks.experiments import fair
from benchmarks.pages import ROOT, filled, put
from topophys.datasets import open_dataset
from topophys.learn import TopologicalMLEncoder
from topophys.learn.trainer import TrainingLoop, shuffled_batches

PAGE = ROOT / "docs" / "results" / "widths.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "widths.jsonl")
SEEDS = (0, 1, 2)
SETTINGS = {"version": 1, "samples": 100_000, "batch": 256, "rate": 1e-2}
#: Widths, features, and whether links read the blocks; the wide ones learn at smaller rates.
WIDTHS = (
    ((8, 8, 12), 16, False),
    ((16, 16, 32), 16, False),
    ((24, 16, 32), 16, False),
    ((24, 16, 32), 16, True),
    ((32, 32, 64), 16, False),
    ((32, 32, 64), 16, True),
    ((64, 128, 256), 128, False),
)
#: Rates of widths that differ from that of the settings.
RATES = {(64, 128, 256): 3e-3}
NAMES = {
    ((24, 16, 32), 16, False): "`EncoderConfig()`, `TopologicalMLEncoder()`",
    ((32, 32, 64), 16, False): "recipe `winding-1d`",
}


def train(widths, features, keep, seed, lessons):
    """A trained network and the CPU microseconds of one sample of training and of inference."""
    torch.manual_seed(seed)
    encoder = TopologicalMLEncoder(8, 32, widths, output_features=features, keep_input=keep)
    network, order = fair.Whole(encoder), torch.Generator().manual_seed(seed)
    x, label = lessons
    steps = SETTINGS["samples"] // SETTINGS["batch"]

    def rows():
        while True:
            yield from shuffled_batches(len(x), SETTINGS["batch"], order)

    def losses(pick):
        loss = fair.loss_of(network, x[pick], label[pick])
        yield loss, {"total_loss": loss}

    stream = rows()
    loop = TrainingLoop(
        network.parameters(),
        lambda _epoch, _skip: (next(stream) for _ in range(steps)),
        losses,
        steps=steps,
        learning_rate=RATES.get(widths, SETTINGS["rate"]),
        weight_decay=1e-5,
    )
    start = time.process_time()
    loop.run_epoch()
    spent = time.process_time() - start
    asked = []
    with torch.inference_mode():
        for part in x[:10_240].split(512):
            start = time.process_time()
            network(part)
            asked.append((time.process_time() - start) / len(part))
    return network, 1e6 * spent / (steps * SETTINGS["batch"]), 1e6 * median(asked)


def run(seeds):
    torch.set_num_threads(1)
    with open_dataset(fair.data_file()) as dataset:
        lessons = fair.read(dataset, "train")
        tests = {s: fair.read(dataset, s) for s in fair.test_splits(dataset)}
    for seed in seeds:
        for widths, features, keep in WIDTHS:
            given = {"widths": widths, "features": features, "keep_input": keep, "seed": seed,
                     "own_rate": RATES.get(widths), **SETTINGS}  # fmt: skip
            if STUDY.get(given) is not None:
                continue
            network, forth, back = train(widths, features, keep, seed, lessons)
            found = {s: fair.right(network, *test) for s, test in tests.items()}
            STUDY.put(given, {
                "training": forth,
                "inference": back,
                "weights": sum(p.numel() for p in network.parameters()),
                "n": {s: len(r) for s, r in found.items()},
                "right": {s: fair.packed(r) for s, r in found.items()},
            })  # fmt: skip
            mean = np.mean([r.mean() for r in found.values()])
            print(seed, widths, keep, round(mean, 4), round(forth, 1), round(back, 1), flush=True)


def collected():
    """Means over splits by seed, costs and weights, in the order of the widths."""
    groups = {}
    for given, result in STUDY.entries():
        if given["version"] == SETTINGS["version"]:
            key = (tuple(given["widths"]), given["features"], given["keep_input"])
            groups.setdefault(key, []).append(result)
    return {key: groups[key] for key in WIDTHS if key in groups}


def by_split(results):
    """Right answers (seeds, samples) of each split."""
    return {
        s: np.stack([fair.unpacked(r["right"][s], r["n"][s]) for r in results])
        for s in results[0]["right"]
    }


def interval_of_means(splits, rng, draws=400):
    """Mean over splits, with 95 % by drawing seeds and samples anew, each as a whole."""
    found = []
    for _ in range(draws):
        seeds = rng.integers(0, len(next(iter(splits.values()))), len(next(iter(splits.values()))))
        found.append(
            np.mean([
                r[seeds][:, rng.integers(0, r.shape[1], r.shape[1])].mean()
                for r in splits.values()
            ])
        )  # fmt: skip
    low, high = np.quantile(found, (0.025, 0.975))
    return np.mean([r.mean() for r in splits.values()]), low, high


def on_frontier(points):
    """Points (cost, accuracy) that no cheaper one equals."""
    return [not any(c < cost and a >= accuracy for c, a in points) for cost, accuracy in points]


def table():
    rng = np.random.default_rng(0)
    rows = {key: (interval_of_means(by_split(r), rng), r) for key, r in collected().items()}
    points = [
        (np.mean([x["training"] for x in results]), mean) for (mean, _, _), results in rows.values()
    ]
    head = ["widths", "features", "links read the blocks", "used by", "weights",
            "training, us a sample", "inference, us a sample", "accuracy, mean of 16 splits",
            "seeds", "on the frontier"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|---:|---|---|" + "---:|" * 5 + "---|"]
    best = on_frontier(points)
    for (key, ((mean, low, high), results)), good in zip(rows.items(), best, strict=True):
        widths, features, keep = key
        forth, back = (np.mean([r[k] for r in results]) for k in ("training", "inference"))
        lines.append(
            f"| {widths} | {features} | {'yes' if keep else 'no'} | {NAMES.get(key, '')} |"
            f" {results[0]['weights']:,} | {forth:.0f} | {back:.1f} | {mean:.4f} ({low:.4f} to"
            f" {high:.4f}) | {len(results)} | {'yes' if good else 'no'} |"
        )
    return "\n".join(lines)


def write():
    put(PAGE, "widths", filled("python -m benchmarks.experiments.widths run 0 1 2", table(),
                               harness.machine()))  # fmt: skip


if __name__ == "__main__":
    harness.run_command(__doc__, run=lambda *seeds: run(seeds or SEEDS), write=write)
