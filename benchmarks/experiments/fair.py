"""Networks of equal budget and the strongest formulas, on hard splits of chains without gap filter.

    python -m benchmarks.experiments.fair data            # datasets/winding-1d-hard, a minute
    python -m benchmarks.experiments.fair tune            # learning rates, by the validation split
    python -m benchmarks.experiments.fair train 0 1 2     # seeds
    python -m benchmarks.experiments.fair formulas        # and the hybrid network of the package
    python -m benchmarks.experiments.fair write           # docs/results/fair-tables.md, its figure

Each network may use the same CPU seconds of one thread; the number of its steps follows from the
time of one step. Right answers of every network are kept sample by sample in
benchmarks/results/fair.jsonl, so that intervals can be over samples and seeds together.
"""

from __future__ import annotations

import math
import time
from itertools import islice

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from benchmarks import harness
from benchmarks.experiments.curriculum import WORK
from benchmarks.pages import ROOT, filled, put
from topophys.datasets import Recipe, generate, open_dataset
from topophys.datasets.families import blocks_from_channels
from topophys.learn import TopologicalMLEncoder, compute_topological_loss, load_pretrained
from topophys.learn.encoders.baselines import ConvolutionBaseline
from topophys.learn.layers import flatten_channels
from topophys.learn.trainer import TrainingLoop, shuffled_batches
from topophys.report import recipe_path
from topophys.tasks import get_task

mpl.use("Agg")
PAGE = ROOT / "docs" / "results" / "fair-tables.md"
FIGURE = ROOT / "docs" / "figures" / "learning_curves.png"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "fair.jsonl")
NAME = "winding-1d-hard"
SEEDS = (0, 1, 2)
#: Seconds of CPU time of one thread for each training, batch size; learning rates to choose from.
BUDGET = {"version": 1, "seconds": 25.0, "tuning": 5.0, "batch": 256}
RATES = (2e-3, 5e-3, 1e-2)
#: Times at which the validation split is looked at, in shares of all steps.
LOOKS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


# --------------------------------------------------------------------------------- Networks


class PeriodicResNet(nn.Module):
    """Residual circular convolutions, summed over the zone to one real number."""

    def __init__(self, width=32, blocks=3):
        super().__init__()
        self.enter = nn.Conv1d(8, width, 3, padding=1, padding_mode="circular")
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                nn.Conv1d(width, width, 3, padding=1, padding_mode="circular") for _ in range(2)
            )
            for _ in range(blocks)
        )
        self.leave = nn.Conv1d(width, 1, 1)
        with torch.no_grad():
            self.leave.weight /= 32.0

    def forward(self, x):
        h = self.enter(flatten_channels(x).transpose(1, 2))
        for first, second in self.blocks:
            h = h + second(nn.functional.gelu(first(nn.functional.gelu(h))))
        return self.leave(nn.functional.gelu(h)).sum((1, 2))


class RelativeTransformer(nn.Module):
    """Attention over the zone with learned biases of the distance, and a sum at the end.

    A point enters with its neighbour: without it, one layer of attention would have to find it.
    """

    def __init__(self, width=32, heads=4, layers=2, harmonics=8):
        super().__init__()
        self.heads, self.harmonics = heads, harmonics
        self.enter = nn.Linear(16, width)
        self.layers = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm": nn.LayerNorm(width),
                    "qkv": nn.Linear(width, 3 * width),
                    "out": nn.Linear(width, width),
                    "bias": nn.Linear(2 * harmonics, heads, bias=False),
                    "norm2": nn.LayerNorm(width),
                    "up": nn.Linear(width, 2 * width),
                    "down": nn.Linear(2 * width, width),
                }
            )
            for _ in range(layers)
        )
        self.leave = nn.Linear(width, 1)
        with torch.no_grad():
            self.leave.weight /= 32.0

    def forward(self, x):
        x = flatten_channels(x)
        batch, n, _ = x.shape
        h = self.enter(torch.cat([x, x.roll(-1, 1)], -1))
        apart = (torch.arange(n)[:, None] - torch.arange(n)) * (2.0 * math.pi / n)
        m = torch.arange(1, self.harmonics + 1)
        wave = torch.cat([(apart[..., None] * m).cos(), (apart[..., None] * m).sin()], -1)
        for layer in self.layers:
            q, k, v = layer["qkv"](layer["norm"](h)).chunk(3, -1)
            q, k, v = (t.reshape(batch, n, self.heads, -1).transpose(1, 2) for t in (q, k, v))
            bias = layer["bias"](wave).permute(2, 0, 1)
            mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
            h = h + layer["out"](mixed.transpose(1, 2).reshape(batch, n, -1))
            h = h + layer["down"](nn.functional.gelu(layer["up"](layer["norm2"](h))))
        return self.leave(h).sum((1, 2))


class WiredDeterminant(nn.Module):
    """Odd learned function of the steps of the phase of det D, summed: 65 weights."""

    def __init__(self, hidden=16):
        super().__init__()
        self.step = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, x):
        a, b, c, d = torch.view_as_complex(x.reshape(*x.shape[:2], 4, 2)).unbind(-1)
        det = a * d - b * c
        det = det / det.abs().clamp_min(1e-12)
        step = det.roll(-1, 1) * det.conj()
        there = torch.view_as_real(step)
        back = there * torch.tensor([1.0, -1.0])
        return (self.step(there) - self.step(back)).sum((1, 2))


class Whole(nn.Module):
    """A network of the package, asked for the real number only."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)["invariant"]


NETWORKS = {
    "gated encoder (shipped)": lambda: Whole(TopologicalMLEncoder(8, 32, (32, 32, 64))),
    "periodic ResNet, sum head": PeriodicResNet,
    "transformer, relative positions": RelativeTransformer,
    "CNN with zero padding, class head": lambda: Whole(ConvolutionBaseline(8, 32, (64, 64, 64))),
    "wired determinant": WiredDeterminant,
}


def loss_of(network, x, label):
    if isinstance(network, Whole):
        return compute_topological_loss(network.network(x), label, 0.1)["total_loss"]
    return nn.functional.huber_loss(network(x), label.to(x))


# --------------------------------------------------------------------------------- Training


def data_file():
    recipe = Recipe.from_toml(recipe_path(NAME, "recipe.toml"))
    path = WORK / f"{NAME}-{recipe.digest[:12]}.h5"
    if not path.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        generate(recipe, path, workers=1, progress=False)
    return path


def read(dataset, split):
    x, label = dataset.split(split).read("x", "label")
    return torch.from_numpy(np.asarray(x)), torch.from_numpy(np.asarray(label, np.int64))


@torch.no_grad()
def right(network, x, label):
    network.eval()
    found = torch.cat([network(part) for part in x.split(512)])
    network.train()
    return (found.round().long() == label).numpy()


def seconds_per_step(network, x, label):
    """CPU time of one step, forth and back, at best of several."""
    times, weights = [], list(network.parameters())
    for _ in range(6):
        start = time.process_time()
        loss = loss_of(network, x[: BUDGET["batch"]], label[: BUDGET["batch"]])
        # the width of the class scores is in the loss of some networks only
        torch.autograd.grad(loss, weights, allow_unused=True)
        times.append(time.process_time() - start)
    return 1.15 * min(times)  # the optimiser, and drawing the batch


def train(name, seed, rate, seconds, lessons, val):
    """Train one network for a budget; return it and its learning curve."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = NETWORKS[name]()
    x, label = lessons
    steps = max(20, int(seconds / seconds_per_step(network, x, label)))
    order = torch.Generator().manual_seed(seed)
    per_epoch = len(x) // BUDGET["batch"]
    stops = [round(share * steps) for share in LOOKS]

    def rows():
        while True:
            yield from shuffled_batches(len(x), BUDGET["batch"], order)

    stream, curve, used = rows(), [], 0.0
    lengths = [b - a for a, b in zip([0, *stops], stops, strict=False)]

    def losses(pick):
        loss = loss_of(network, x[pick], label[pick])
        yield loss, {"total_loss": loss}

    loop = TrainingLoop(
        network.parameters(),
        lambda epoch, _skip: islice(stream, lengths[epoch]),
        losses,
        steps=steps,
        learning_rate=rate,
        weight_decay=1e-5,
    )
    for stop in stops:
        start = time.process_time()
        loop.run_epoch()
        used += time.process_time() - start
        share = float(right(network, *val).mean())
        curve.append({"samples": stop * BUDGET["batch"], "seconds": used, "accuracy": share})
    return network, curve, steps / per_epoch


def tuned(name):
    """Learning rate with the best validation accuracy in the short trainings."""
    found = {
        given["rate"]: result["accuracy"]
        for given, result in STUDY.entries()
        if given["what"] == "tuning" and given["network"] == name and given["budget"] == BUDGET
    }
    return max(found, key=found.get)


def tune():
    with open_dataset(data_file()) as dataset:
        lessons, val = read(dataset, "train"), read(dataset, "val")
    for name in NETWORKS:
        for rate in RATES:
            given = {"what": "tuning", "network": name, "rate": rate, "budget": BUDGET}
            if STUDY.get(given) is None:
                _, curve, _ = train(name, 1000, rate, BUDGET["tuning"], lessons, val)
                STUDY.put(given, {"accuracy": curve[-1]["accuracy"]})
                print(name, rate, curve[-1]["accuracy"], flush=True)


def packed(bits):
    return np.packbits(bits).tobytes().hex()


def unpacked(text, n):
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))[:n].astype(bool)


def test_splits(dataset):
    return [s for s in dataset.splits if s not in ("train", "val")]


def train_all(seeds):
    with open_dataset(data_file()) as dataset:
        lessons, val = read(dataset, "train"), read(dataset, "val")
        tests = {s: read(dataset, s) for s in test_splits(dataset)}
    for seed in seeds:
        for name in NETWORKS:
            given = {"what": "training", "network": name, "seed": seed, "budget": BUDGET}
            if STUDY.get(given) is not None:
                continue
            rate = tuned(name)
            network, curve, epochs = train(name, seed, rate, BUDGET["seconds"], lessons, val)
            STUDY.put(given, {
                "rate": rate,
                "epochs": epochs,
                "weights": sum(p.numel() for p in network.parameters()),
                "curve": curve,
                "right": {s: packed(right(network, *t)) for s, t in tests.items()},
            })  # fmt: skip
            print(name, seed, curve[-1], flush=True)


def formulas():
    """Formulas, and the hybrid network that comes with the package, on the same samples."""
    network = load_pretrained("winding-1d")
    with open_dataset(data_file()) as dataset:
        for split in test_splits(dataset):
            x, label = dataset.split(split).read("x", "label")
            reach = int(np.abs(dataset.split(split).vectors).max())
            found = {"determinants": get_task("winding").sampled_invariants(x)}
            found |= get_task("winding").sampled_formulas(x, reach)
            blocks = blocks_from_channels(x)
            found["flip network, pre-trained"] = network.predict(blocks, reconstruct=False).value
            found["hybrid, pre-trained"] = network.predict(blocks).value
            STUDY.put(
                {"what": "formulas", "split": split, "version": BUDGET["version"]},
                {
                    "n": len(label),
                    "right": {
                        name: packed(np.ma.filled(value, 10**6) == label)
                        for name, value in found.items()
                    },
                },
            )
            print(split, flush=True)


# --------------------------------------------------------------------------------- The page


def collected():
    """Right answers (seeds, samples) by method and split, and the rows of the trainings."""
    table, sizes, trainings = {}, {}, {}
    for given, result in STUDY.entries():
        if given["what"] == "formulas" and given["version"] == BUDGET["version"]:
            sizes[given["split"]] = result["n"]
            for name, text in result["right"].items():
                table.setdefault(name, {})[given["split"]] = [unpacked(text, result["n"])]
    for given, result in STUDY.entries():
        if given["what"] == "training" and given["budget"] == BUDGET:
            trainings.setdefault(given["network"], []).append(result)
            for split, text in result["right"].items():
                rows = table.setdefault(given["network"], {}).setdefault(split, [])
                rows.append(unpacked(text, sizes[split]))
    return {m: {s: np.stack(r) for s, r in of.items()} for m, of in table.items()}, trainings


def interval(right_ones, rng, draws=400):
    """Mean and 95 % interval by drawing seeds and samples anew, each as a whole."""
    seeds, n = right_ones.shape
    means = []
    for _ in range(draws):
        chosen = right_ones[rng.integers(0, seeds, seeds)]
        means.append(chosen[:, rng.integers(0, n, n)].mean())
    low, high = np.quantile(means, (0.025, 0.975))
    return right_ones.mean(), low, high


def accuracy_table(table):
    methods = list(table)
    splits = list(next(iter(table.values())))
    rng = np.random.default_rng(0)
    lines = ["| split | " + " | ".join(methods) + " |", "|---" + "|---:" * len(methods) + "|"]
    for split in splits:
        shown = [interval(table[m][split], rng) for m in methods]
        best = max(mean for mean, _, _ in shown)
        cells = [f"**{mean:.3f}**" if mean == best else f"{mean:.3f}" for mean, _, _ in shown]
        half = max(max(mean - low, high - mean) for mean, low, high in shown)
        lines.append(f"| {split} (± {half:.3f}) | " + " | ".join(cells) + " |")
    means = [np.mean([table[m][s].mean() for s in splits]) for m in methods]
    lines.append("| mean | " + " | ".join(f"{m:.4f}" for m in means) + " |")
    return "\n".join(lines)


def difference_table(table):
    """Each network minus the best formula on the mean over splits, paired by sample."""
    rng = np.random.default_rng(1)
    names = ["determinants", "eigenphases", "FFT", "low-pass"]
    splits = list(table["FFT"])
    lines = [
        "| network | minus FFT and determinants, mean of splits | 95 % | above the best formula |",
        "|---|---:|---:|---:|",
    ]
    for method in table:
        if method in names:
            continue
        draws = []
        for _ in range(400):
            parts, count = [], len(table[method][splits[0]])
            # a seed is one network, which is asked about every split
            seeds = rng.integers(0, count, count)
            for split in splits:
                own, other = table[method][split], table["FFT"][split][0]
                rows = rng.integers(0, own.shape[1], own.shape[1])
                parts.append(own[seeds][:, rows].mean() - other[rows].mean())
            draws.append(np.mean(parts))
        mean = np.mean([table[method][s].mean() - table["FFT"][s].mean() for s in splits])
        low, high = np.quantile(draws, (0.025, 0.975))
        above = sum(
            table[method][s].mean() > max(table[n][s].mean() for n in names) for s in splits
        )
        lines.append(
            f"| {method} | {mean:+.4f} | {low:+.4f} to {high:+.4f} | {above} of {len(splits)} |"
        )
    return "\n".join(lines)


def training_table(trainings):
    lines = [
        "| network | weights | learning rate | epochs | seeds | validation accuracy |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, rows in trainings.items():
        last = [row["curve"][-1]["accuracy"] for row in rows]
        lines.append(
            f"| {name} | {rows[0]['weights']:,} | {rows[0]['rate']:g} | {rows[0]['epochs']:.1f}"
            f" | {len(rows)} | {np.mean(last):.4f} ({min(last):.4f} to {max(last):.4f}) |"
        )
    return "\n".join(lines)


def draw(trainings):
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.4), layout="constrained", sharey=True)
    colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000"]
    for (name, rows), color in zip(trainings.items(), colors, strict=True):
        for axis, key in zip(axes, ("samples", "seconds"), strict=True):
            for i, row in enumerate(rows):
                at = [point[key] for point in row["curve"]]
                wrong = [1.0 - point["accuracy"] for point in row["curve"]]
                axis.plot(at, wrong, color=color, lw=1.2, label=name if i == 0 else None)
    for axis, text in zip(axes, ("samples seen", "CPU seconds"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel=text)
    axes[0].set_ylabel("wrong on the validation split")
    axes[1].legend(fontsize=7, frameon=False)
    figure.savefig(FIGURE, dpi=150)
    plt.close(figure)


def write():
    table, trainings = collected()
    place = harness.machine()
    put(PAGE, "accuracy", filled("python -m benchmarks.experiments.fair train 0 1 2",
                                 accuracy_table(table), place))  # fmt: skip
    put(PAGE, "differences", difference_table(table))
    put(PAGE, "trainings", training_table(trainings))
    draw(trainings)


if __name__ == "__main__":
    harness.run_command(
        __doc__,
        data=lambda: print(data_file()),
        tune=tune,
        train=lambda *seeds: train_all(seeds or SEEDS),
        formulas=formulas,
        write=write,
    )
