"""Any number of bands through loops of links: random links, and Hamiltonians with four bands.

Tasks for `benchmarks.experiments.learning`: functions of (seed, quick) that return rows.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

import topophys as tp
from benchmarks.experiments.curriculum import WORK, row
from topophys.datasets import Recipe, generate, open_dataset
from topophys.invariants.chern import chern_number_of_links
from topophys.learn import TopologicalMLEncoderLoops, compute_topological_loss
from topophys.learn.trainer import TrainingLoop, shuffled_batches

#: Numbers of filled bands.
FILLED = (2, 4, 6, 8)
#: Powers of the loops: the error of 25 loops with N eigenphases is (25 N / (2 pi^2 M))^(1/2).
HARMONICS = 1024


def _link_waves(encoder, n, n_bands, seed):
    """Pooled characters of random links, and their two integers."""
    rng, waves, labels = np.random.default_rng([seed, n_bands]), [], []
    while sum(map(len, waves)) < n:
        links = tp.ensembles.random_links(250, n_occupied=n_bands, rng=rng)
        flat = links.reshape(250, 5, 5, -1).astype(np.complex64).view(np.float32)
        waves.append(encoder.pooled(torch.from_numpy(flat)))
        labels.append(
            [chern_number_of_links(links, branch=b) for b in ("eigenphases", "determinant")]
        )
    return torch.cat(waves), torch.from_numpy(np.concatenate(labels, axis=1))


def _learn_linear(encoder, waves, label, seed, *, epochs=30, batch=128, rate=3e-3):
    order = torch.Generator().manual_seed(seed)

    def losses(rows):
        terms = compute_topological_loss(encoder.read(waves[rows]), label[rows], 0.0)
        yield terms["total_loss"], terms

    loop = TrainingLoop(
        encoder.parameters(),
        lambda _epoch, _skip: shuffled_batches(len(waves), batch, order),
        losses,
        steps=epochs * (len(waves) // batch),
        learning_rate=rate,
        weight_decay=0.0,
        warm_up=0.1,
        optimizer=torch.optim.Adam,
    )
    for _ in range(epochs):
        loop.run_epoch()


def random_links(seed, quick):
    """Haar-random links on 5 x 5 points: sum of eigenphases, and lattice Chern number."""
    torch.set_num_threads(1)
    rows, networks, tests = [], {}, {}
    for n_bands in (2, 4) if quick else FILLED:
        start = time.process_time()
        harmonics = 512 if quick else HARMONICS
        settings = {
            "input_dim": 4 * n_bands**2, "k_grid": (5, 5), "input_kind": "links",
            "harmonics": harmonics, "num_classes": 41,
        }  # fmt: skip
        torch.manual_seed(seed)
        reader = TopologicalMLEncoderLoops(**settings)
        waves, labels = _link_waves(reader, 3000 if quick else 12_000, n_bands, 40 + seed)
        tests[n_bands] = _link_waves(reader, 1000 if quick else 3000, n_bands, 6)
        for kind, which in (("sum of eigenphases", 0), ("lattice Chern number", 1)):
            torch.manual_seed(seed)
            network = networks[n_bands, which] = TopologicalMLEncoderLoops(**settings)
            _learn_linear(network, waves, labels[which], seed, epochs=60 if quick else 30)
            right = _right(network, *tests[n_bands], which)
            text = f"random links, {n_bands} filled bands, {kind}"
            rows.append({"row": text, "value": right, "n": len(tests[n_bands][0]), "bar": 0.99})
        spent = time.process_time() - start
        rows.append({"row": f"random links, {n_bands} filled bands, seconds", "value": spent})
    for n_bands, test in tests.items():
        if n_bands != 2:
            rows.append(
                {
                    "row": f"random links, {n_bands} bands by the network of 2, sum of eigenphases",
                    "value": _right(networks[2, 0], *test, 0),
                    "n": len(test[0]),
                }
            )
    return rows


@torch.no_grad()
def _right(network, waves, labels, which):
    found = network.read(waves)["invariant"].round().long()
    return float((found == labels[which]).double().mean())


def _bands():
    """Path of the data set of four-band Hamiltonians; making it takes minutes."""
    wanted = Recipe.from_toml(Path(__file__).parents[2] / "datasets/chern-2d-multiband/recipe.toml")
    path = WORK / f"{wanted.name}-{wanted.digest[:12]}.h5"
    if not path.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        generate(wanted, path, workers=1, progress=False)
    return path


def _wave_split(network, data, split):
    """Pooled characters, certified Chern numbers, and sampled ones of the same points."""
    x, label = data.split(split).read("x", "label")
    size = data.recipe.hamiltonian.n_bands
    h_k = x.astype(np.float64).view(np.complex128).reshape(*x.shape[:3], size, size)
    waves = torch.cat([network.pooled(part) for part in torch.from_numpy(x).split(50)])
    filled, origin = data.recipe.hamiltonian.filled, np.zeros((size, 2))
    found = tp.chern_number(h_k, n_occupied=filled, positions=origin, on_unresolved="mask")
    return waves, label, np.ma.filled(found)


def four_bands(seed, quick):
    """Two of four bands filled, 12 x 12 points: test, another basis, and beyond the training."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = TopologicalMLEncoderLoops(32, harmonics=32, num_classes=9)
    rows, names = [], {"test": "test", "gauge": "another basis", "beyond": "beyond, size 2"}
    with open_dataset(_bands()) as data:
        waves, label, _ = _wave_split(network, data, "train")
        if quick:
            waves, label = waves[:200], label[:200]
        _learn_linear(
            network, waves, torch.from_numpy(label), seed, epochs=600 if quick else 400, batch=50
        )
        for split, text in names.items():
            waves, label, beside = _wave_split(network, data, split)
            with torch.no_grad():
                found = network.read(waves)["invariant"].round().long().numpy()
            rows.append(row(f"2D four bands, {text}, 12 x 12", found, label, beside=beside))
    return rows


random_links.settings = lambda _: {"version": 1, "filled": FILLED, "harmonics": HARMONICS}
four_bands.settings = lambda _: {"version": 1}
TASKS = {"random_links": random_links, "four_bands": four_bands}
