"""What matters in a network of chains: ablations, baselines, time.

Tasks of `benchmarks.experiments.learning`, as in `learning_1d`. Ablations and baselines learn from
the same 100,000 chains, in the same harness, for the same number of epochs.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import torch
from torch import nn

import topophys as tp
from benchmarks.experiments.learning_1d import (
    SEEN,
    made,
    recipe,
    test_recipe,
    trained,
    training_recipe,
)
from topophys.datasets import open_dataset
from topophys.learn import (
    FeatureHamiltonian,
    FitConfig,
    TopologicalMLEncoder,
    compute_topological_loss,
)
from topophys.learn.data import Batch, InMemoryLoader
from topophys.learn.encoders import (
    ConvolutionBaseline,
    LogisticBaseline,
    PerceptronBaseline,
    SampledFormula,
)
from topophys.learn.encoders.baselines import ClassHead
from topophys.learn.layers import flatten_channels
from topophys.learn.run import predict_invariants
from topophys.learn.trainer import Trainer

DIMS = {"hidden_dims": (24, 16, 32), "output_features": 16}
SMALL = FitConfig(epochs=4, batch_size=256, learning_rate=1e-2)
CLASSIFIER = SMALL.model_copy(update={"auxiliary_weight": 1.0, "learning_rate": 3e-3})
#: Splits that ablations and baselines are asked about, in this order.
ASKED = ("test", "beyond2", "grid64")


def _unseen(_):
    pass


class Altered(TopologicalMLEncoder):
    """An encoder with one thing changed: "zero padding", "average" or "class head"."""

    def __init__(self, change, **settings):
        super().__init__(**settings)
        self.change = change
        if change == "class head":
            self.classes = ClassHead(settings["output_features"], 3)

    def forward(self, x):
        x = flatten_channels(x) if self.settings["flatten"] else x
        h1 = self.point(x)
        ahead = h1.roll(-1, dims=1)
        if self.change == "zero padding":
            ahead = torch.cat([h1[:, 1:], torch.zeros_like(h1[:, :1])], dim=1)
        h2 = nn.functional.gelu(self.density(self.link(torch.cat([h1, ahead], dim=-1))))
        pooled = h2.mean(dim=1) if self.change == "average" else h2.sum(dim=1)
        features = self.project(pooled)
        if self.change == "class head":
            return self.classes(features)
        invariant, logits = self.head(features)
        return {"invariant": invariant, "topological_logits": logits}


class Conv1dEncoder(nn.Module):
    """The same network as one would first write it: channels first, `nn.Conv1d` everywhere.

    Its polar factors are `flatten`'s: those of the package, or by a singular value decomposition.
    """

    def __init__(self, flatten, n_in=8, n_h1=24, n_h2=16, n_link=32, n_out=16):
        super().__init__()
        self.flatten = flatten
        self.left, self.right = (nn.Conv1d(n_in, n_h1, 1) for _ in range(2))
        self.link_left, self.link_right = (
            nn.Conv1d(n_h1, n_link, 2, padding=1, padding_mode="circular") for _ in range(2)
        )
        self.density = nn.Conv1d(n_link, n_h2, 1)
        self.project = nn.Linear(n_h2, n_out)
        self.read = nn.Linear(n_out, 1)

    def forward(self, x):
        x = self.flatten(x).transpose(1, 2)
        h1 = self.left(x) * self.right(x)
        link = (self.link_left(h1) * self.link_right(h1))[:, :, 1:]
        h2 = nn.functional.gelu(self.density(link))
        return self.read(self.project(h2.sum(dim=-1))).squeeze(-1)


def _flatten_by_svd(x):
    d_k = torch.view_as_complex(x.reshape(*x.shape[:-1], 2, 2, 2))
    left, _, right = torch.linalg.svd(d_k)
    return torch.view_as_real(left @ right).reshape(x.shape)


def _raw_recipe(seed, quick):
    """Chains that are not flattened: training, and the splits that are asked about."""
    n, m = (10_000, 2000) if quick else (100_000, 10_000)
    splits = [
        {"name": "train", "size": n},
        {"name": "test", "size": m},
        {"name": "beyond2", "size": m // 2, "classes": [-2, 2]},
        {"name": "grid64", "size": m // 2, "grid": [64]},
    ]
    return recipe(f"bench-1d-raw-{seed}", 3000 + seed, splits, flatten=False)


def _learn(network, path, config, seed):
    with open_dataset(path) as data:
        x, label = (torch.from_numpy(a) for a in data.split("train").read("x", "label"))
    config = config.model_copy(update={"seed": seed})
    trainer = Trainer(config, network, InMemoryLoader(Batch(x, label), seed), torch.device("cpu"))
    for _ in range(config.epochs):
        trainer.epoch(_unseen)
    return network


def _asked(network, path, name, *, grids=True):
    rows = []
    with open_dataset(path) as data:
        for split in ASKED:
            x, label = data.split(split).read("x", "label")
            row = {"row": f"{name}: {split}", "n": len(label), "value": None}
            if grids or split != "grid64":
                row["value"] = float((np.rint(predict_invariants(network, x)) == label).mean())
            rows.append(row)
    return rows


def ablations(seed, quick):
    """One thing changed at a time; raw blocks in, so that flattening can be left out."""
    path, rows = made(_raw_recipe(seed, quick)), []
    torch.set_num_threads(1)
    cases = {
        "full": lambda: TopologicalMLEncoder(**DIMS),
        "without flattening": lambda: TopologicalMLEncoder(**DIMS, flatten=False),
        "zero padding": lambda: Altered("zero padding", **DIMS),
        "average instead of sum": lambda: Altered("average", **DIMS),
        "without gates": lambda: TopologicalMLEncoder(**DIMS, gated=False),
        "class head": lambda: Altered("class head", **DIMS),
    }
    for name, build in cases.items():
        torch.manual_seed(seed)
        config = SMALL if name != "class head" else SMALL.model_copy(update={"auxiliary_weight": 1})
        rows += _asked(_learn(build(), path, config, seed), path, name)
    return rows


def baselines(seed, quick):
    """Others in the same harness, with the flattening of the encoder in front."""
    path, rows = made(_raw_recipe(seed, quick)), []
    torch.set_num_threads(1)
    cases = {
        "seed-style CNN": lambda: ConvolutionBaseline(hidden_dims=(32, 64)),
        "seed-style CNN, raw": lambda: ConvolutionBaseline(hidden_dims=(32, 64), flatten=False),
        "perceptron": lambda: PerceptronBaseline(hidden_dims=(256, 256)),
        "logistic regression": LogisticBaseline,
    }
    for name, build in cases.items():
        torch.manual_seed(seed)
        network = _learn(build(), path, CLASSIFIER, seed)
        rows += _asked(network, path, name, grids="CNN" in name)
    return rows + _asked(SampledFormula(), path, "sampled formula")


def _cpu(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def _to_099(seed, quick):
    """CPU seconds and samples until 0.99 of the validation split are named right."""
    with open_dataset(made(training_recipe(seed, quick))) as data:
        x, label = (torch.from_numpy(a) for a in data.split("train").read("x", "label"))
        val_x, val = data.split("val").read("x", "label", index=slice(0, 2000))
    torch.manual_seed(seed)
    network = TopologicalMLEncoder(**DIMS)
    config = FitConfig(epochs=1, batch_size=256, learning_rate=2e-2, seed=seed)
    config = config.model_copy(update={"checkpoint_steps": 40})
    size = min(len(x), 60_000)
    source = InMemoryLoader(Batch(x[:size], label[:size]), seed)
    trainer = Trainer(config, network, source, torch.device("cpu"))
    spent, start, reached = 0.0, time.process_time(), None

    def look():
        nonlocal spent, start, reached
        spent += time.process_time() - start
        right = (np.rint(predict_invariants(network, val_x)) == val).mean()
        if right >= 0.99 and reached is None:
            reached = (spent, trainer.position.step * trainer.size)
        network.train()
        start = time.process_time()

    trainer.epoch(_unseen, look)
    return reached or (float("nan"), float("nan"))


def steps(seed, quick):
    """Training beside `nn.Conv1d`; CPU time on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, label = torch.randn(256, 32, 8), torch.randint(-1, 2, (256,))
    ours = TopologicalMLEncoder(**DIMS)
    # the first one differs from ours by its convolutions alone
    theirs, slow = Conv1dEncoder(flatten_channels), Conv1dEncoder(_flatten_by_svd)

    def step(network, optimizer):
        out = network(x)
        loss = (
            nn.functional.smooth_l1_loss(out, label.float())
            if isinstance(out, torch.Tensor)
            else compute_topological_loss(out, label)["total_loss"]
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    optimizers = [
        torch.optim.AdamW(network.parameters(), fused=True) for network in (ours, theirs, slow)
    ]
    times = [
        [_cpu(lambda n=n, o=o: [step(n, o) for _ in range(4)]) / 4 / 256 for n, o in zip(
            (ours, theirs, slow), optimizers, strict=True)]
        for _ in range(5 if quick else 25)
    ][2:]  # fmt: skip
    return [
        {"row": "training, microseconds per sample", "value": 1e6 * median(t[0] for t in times)},
        {"row": "the same with nn.Conv1d and the same polar factors",
         "value": 1e6 * median(t[1] for t in times)},
        {"row": "times faster than that", "value": median(t[1] / t[0] for t in times)},
        {"row": "with nn.Conv1d, polar factors by singular values",
         "value": 1e6 * median(t[2] for t in times)},
    ]  # fmt: skip


def speed(seed, quick):
    """Time to learn, inference, one prediction; CPU time on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    ours = TopologicalMLEncoder(**DIMS)
    many = np.random.default_rng(0).standard_normal((20_000, 32, 8)).astype(np.float32)
    inference = median(_cpu(lambda: predict_invariants(ours, many)) for _ in range(5))
    run = trained(seed, quick)
    one = tp.ensembles.aiii_chains(1, rng=0)[0].block_on_grid(32)
    chain = tp.models.ssh(1.0, 2.0)
    run.predict(one)
    single = median(_cpu(lambda: run.predict(one)) for _ in range(201))
    named = median(_cpu(lambda: run.predict(chain)) for _ in range(201))
    seconds, samples = _to_099(seed, quick)
    wide, rows = torch.randn(512, 32, 8), torch.randn(512, 128)
    encoder, make = (
        TopologicalMLEncoder(8, 32, (64, 128, 256), output_features=128),
        FeatureHamiltonian(128),
    )
    with torch.inference_mode():
        shares = [
            _cpu(lambda: [make(rows) for _ in range(5)]) / 5 / _cpu(lambda: encoder(wide))
            for _ in range(16)
        ]
    return [
        {"row": "CPU seconds to 0.99", "value": seconds},
        {"row": "samples to 0.99", "value": samples},
        {"row": "inference, chains per second", "value": len(many) / inference, "bar": 1e5},
        {"row": "one array, milliseconds", "value": 1e3 * single, "bar": 1.0,
         "lower_is_better": True},
        {"row": "features to Hamiltonians: share of an encoder of widths (64, 128, 256)",
         "value": median(shares), "bar": 0.05, "lower_is_better": True},
        {"row": "one SSH chain, milliseconds", "value": 1e3 * named, "bar": 1.0,
         "lower_is_better": True},
    ]  # fmt: skip


def _settings(quick):
    return {
        "version": 1,
        "dims": DIMS,
        "config": SMALL.model_dump(mode="json", exclude_defaults=True),
        "classifier": CLASSIFIER.model_dump(mode="json", exclude_defaults=True),
        "data": [_raw_recipe(0, quick).digest, test_recipe(quick).digest, SEEN],
    }


for _task in (ablations, baselines, speed):
    _task.settings = _settings
steps.settings = lambda quick: _settings(quick) | {"version": 2}
TASKS = {
    "ablations": ablations,
    "baselines": baselines,
    "steps": steps,
    "speed": speed,
}
#: Tasks that say nothing new with other seeds.
ONCE = ("steps", "speed")
