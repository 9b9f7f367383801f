"""Chains: what a network that learnt the winding numbers -1, 0, 1 makes of others.

Each task is a function `task(seed, quick) -> rows`; a row is a dict with "row" (what was asked),
"value", and where it makes sense "formula" (the sampled invariant of the same points), "n"
(samples) and "bar" (what is wanted). `benchmarks.experiments.learning` runs them.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np

import topophys as tp
from topophys.datasets import Recipe, generate, open_dataset
from topophys.datasets.families import blocks_from_channels
from topophys.learn import EncoderConfig, FitConfig, fit
from topophys.learn.run import predict_invariants

WORK = Path(os.environ.get("TOPOPHYS_BENCHMARKS", "runs/benchmarks"))
SEEN = [-1, 0, 1]
GRIDS = (24, 48, 64, 128)
#: Standard deviation of the noise on the entries of D, in units of their root mean square.
NOISE = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
BARS = {
    "test": 0.9999, "beyond2": 0.9995, "beyond3": 0.998, "beyond4": 0.99, "range3": 0.99,
    **{f"grid{n}": 0.998 for n in GRIDS},
}  # fmt: skip
NAMES = {
    "test": "1D test, 32 points, gap at least 0.05",
    "test_gap01": "1D test, gap at least 0.1",
    "beyond2": "1D beyond, size 2",
    "beyond3": "1D beyond, size 3",
    "beyond4": "1D beyond, size 4",
    "range3": "1D other family: hopping range 3, 64 points",
    **{f"grid{n}": f"1D other grid, {n} points" for n in GRIDS},
}
#: The cross entropy has a weight of 1: it keeps weighting the few with a tight gap when the
#: distance of the others from their integers is small already.
MAIN = FitConfig(
    epochs=5,
    batch_size=256,
    learning_rate=1e-2,
    auxiliary_weight=1.0,
    encoder=EncoderConfig(hidden_dims=(24, 24, 48), keep_input=True, link_layers=2),
)


def recipe(name, seed, splits, *, gap=0.05, orbitals=2, flatten=True):
    """Chains of hopping range 2 on 32 points."""
    return Recipe.from_dict(
        {
            "name": name,
            "seed": seed,
            "hamiltonian": {
                "family": "aiii_chains",
                "n_orbitals": orbitals,
                "hopping_range": 2,
            },
            "label": {"invariant": "winding", "min_gap": gap},
            "input": {"grid": [32], "flatten_bands": flatten},
            "split": [{"classes": SEEN, **split} for split in splits],
        }
    )


def made(wanted):
    """Path of the data of a recipe, generated unless they are there."""
    path = WORK / f"{wanted.name}-{wanted.digest[:12]}.h5"
    if not path.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        generate(wanted, path, workers=1, progress=False)
    return path


def training_recipe(seed, quick, **changes):
    size = 30_000 if quick else 300_000
    splits = [{"name": "train", "size": size}, {"name": "val", "size": 2000 if quick else 10_000}]
    return recipe(f"bench-1d-{seed}", 1000 + seed, splits, **changes)


def test_recipe(quick):
    """The same chains for all seeds; only those of winding number 4 are rare."""
    sizes = (4000, 1000, 500, 100) if quick else (60_000, 20_000, 10_000, 2000)
    splits = [{"name": "test", "size": sizes[0]}]
    splits += [
        {"name": f"beyond{n}", "size": size, "classes": [-n, n]}
        for n, size in zip((2, 3, 4), sizes[1:], strict=True)
    ]
    splits += [{"name": f"grid{n}", "size": sizes[1], "grid": [n]} for n in GRIDS]
    splits += [{"name": "range3", "size": sizes[1], "grid": [64], "hopping_range": 3}]
    return recipe("bench-1d-test", 777, splits)


def easy_recipe(quick):
    splits = [{"name": "test_gap01", "size": 4000 if quick else 60_000}]
    return recipe("bench-1d-test-gap01", 778, splits, gap=0.1)


def _widths(config):
    """What tells the folders of different networks apart."""
    widths = "x".join(map(str, config.encoder.hidden_dims))
    return f"{widths}-{config.auxiliary_weight:g}-{config.epochs}"


def trained(seed, quick):
    """The network of one seed; training continues where it was interrupted."""
    config = MAIN.model_copy(update={"seed": seed} | ({"epochs": 6} if quick else {}))
    folder = WORK / f"run-1d-{'quick' if quick else 'full'}-{_widths(MAIN)}-{seed}"
    with open_dataset(made(training_recipe(seed, quick))) as data:
        return fit(config, data, folder, resume=True, progress=False)


@cache
def formula(path, split):
    """Sampled winding numbers of the points that the network sees."""
    with open_dataset(path) as data:
        (x,) = data.split(split).read("x")
    parts = np.array_split(x, max(1, len(x) // 5000))
    return np.concatenate(
        [
            np.ma.filled(tp.winding_number(blocks_from_channels(part), on_unresolved="mask"))
            for part in parts
        ]
    )


def measured(encoder, path, names=None):
    """One row for each split."""
    rows = []
    with open_dataset(path) as data:
        for split in names or data.splits:
            x, label = data.split(split).read("x", "label")
            right = np.rint(predict_invariants(encoder, x)) == label
            beside = formula(path, split) == label
            rows.append(
                {
                    "row": NAMES.get(split, split),
                    "value": float(right.mean()),
                    "formula": float(beside.mean()),
                    "n": len(label),
                    "bar": BARS.get(split),
                    # discordant pairs, for McNemar's test
                    "network_only": int((right & ~beside).sum()),
                    "formula_only": int((~right & beside).sum()),
                }
            )
    return rows


def chains(seed, quick):
    """Test, invariants beyond the training, other grids, another family."""
    run = trained(seed, quick)
    rows = measured(run.encoder, made(test_recipe(quick)))
    rows += measured(run.encoder, made(easy_recipe(quick)))
    return rows


def _by_eigenphases(x):
    """Winding numbers where each eigenphase of the steps D(k)^dagger D(k') goes the shorter way."""
    d_k = blocks_from_channels(x).astype(np.complex128)
    step = np.conj(np.swapaxes(d_k, -1, -2)) @ np.roll(d_k, -1, axis=1)
    half, det = 0.5 * np.trace(step, axis1=-2, axis2=-1), np.linalg.det(step)
    root = np.sqrt(half * half - det)
    turns = np.angle(half + root) + np.angle(half - root)
    return np.rint(turns.sum(axis=1) / (2.0 * np.pi)).astype(int)


def eigenphases(_, quick):
    """What else the points hold: beside the phase of the determinant, those of the eigenvalues."""
    path, rows = made(test_recipe(quick)), []
    with open_dataset(path) as data:
        for split in data.splits:
            x, label = data.split(split).read("x", "label")
            parts = np.array_split(x, max(1, len(x) // 5000))
            right = np.concatenate([_by_eigenphases(part) for part in parts]) == label
            row = {"row": NAMES[split], "value": float(right.mean()), "n": len(label)}
            rows.append(row | {"formula": float((formula(path, split) == label).mean())})
    return rows


#: Blocks of 4 x 4 have a determinant of fourth degree, which gates on single points do not find;
#: products of neighbours lead there: Im tr D(k)^dagger D(k') is of second degree.
N4 = EncoderConfig(hidden_dims=(48, 32, 96), keep_input=True, link_layers=2)


def _n4_recipe(seed, quick):
    size = 12_000 if quick else 60_000
    splits = [{"name": "train", "size": size}, {"name": "val", "size": 2000},
              {"name": "test", "size": 2000 if quick else 10_000}]  # fmt: skip
    return recipe(f"bench-1d-n4-{seed}", 2000 + seed, splits, orbitals=4)


def eight_bands(seed, quick):
    """Blocks of 4 x 4: as they are, and interpolated."""
    config = MAIN.model_copy(update={"seed": seed, "encoder": N4})
    folder = WORK / f"run-1d-n4-{'quick' if quick else 'full'}-{_widths(config)}-{seed}"
    path = made(_n4_recipe(seed, quick))
    with open_dataset(path) as data:
        run = fit(config, data, folder, resume=True, progress=False)
    row = measured(run.encoder, path, ["test"])[0]
    finer = refined(run, path, "test", 32)
    return [row | {"row": "1D eight bands, retrained: test", "bar": 0.98},
            finer | {"row": "1D eight bands, retrained: test, two for each point"}]  # fmt: skip


def refined(run, path, split, points, part=5000):
    """Row of a split whose blocks are interpolated between the points that are given."""
    right = beside = n = 0
    with open_dataset(path) as data:
        rows = data.split(split)
        for start in range(0, len(rows), part):
            pick = slice(start, start + part)
            (label,) = rows.read("label", index=pick)
            blocks = rows.hamiltonians(pick).block_on_grid(points)
            right += int((run.predict(blocks, refine=2).value == label).sum())
            x = run.prepare_input(blocks, refine=2)[0]
            found = np.ma.filled(tp.winding_number(blocks_from_channels(x), on_unresolved="mask"))
            beside += int((found == label).sum())
            n += len(label)
    return {"value": right / n, "formula": beside / n, "n": n}


def chains_refined(seed, quick):
    """The rows of `chains` on few points, with a point put between every two by interpolation.

    Blocks of hopping range 2 are known everywhere from five points, before they are flattened. The
    network is the one of `chains`: it never saw an interpolated block.
    """
    run, path, rows = trained(seed, quick), made(test_recipe(quick)), []
    points = {"test": 32, "grid24": 24, "beyond2": 32, "beyond3": 32, "beyond4": 32}
    for split, n in points.items():
        row = refined(run, path, split, n)
        rows.append({"row": f"{NAMES[split]}: two for each point", "bar": BARS[split]} | row)
    return rows


def noise(seed, quick):
    """Noise on the entries of D; the label is that of the clean chain."""
    run, rng = trained(seed, quick), np.random.default_rng(seed)
    with open_dataset(made(test_recipe(quick))) as data:
        split = data.split("test")
        pick = slice(0, 2000 if quick else 20_000)
        clean = split.hamiltonians(pick).block_on_grid(32)
        (label,) = split.read("label", index=pick)
    size = np.sqrt((np.abs(clean) ** 2).mean(axis=(1, 2, 3), keepdims=True))
    rows = []
    for width in NOISE:
        draw = rng.standard_normal((2, *clean.shape))
        noisy = clean + width * size * (draw[0] + 1j * draw[1]) / np.sqrt(2.0)
        beside = np.ma.filled(tp.winding_number(noisy, on_unresolved="mask")) == label
        rows.append(
            {
                "row": f"1D noise {width:g} on D",
                "value": float((run.predict(noisy).value == label).mean()),
                "formula": float(beside.mean()),
                "n": len(label),
                "bar": float(beside.mean()) - 0.005,
            }
        )
    return rows


def chains_settings(quick):
    """What the network of `trained` hangs on; change `version` with the code."""
    return {
        "version": 1,
        "config": MAIN.model_dump(mode="json", exclude_defaults=True),
        "train": training_recipe(0, quick).digest,
        "test": [test_recipe(quick).digest, easy_recipe(quick).digest],
    }


chains.settings = chains_settings
eight_bands.settings = lambda quick: {
    "version": 3,  # products of neighbours
    "config": MAIN.model_dump(mode="json", exclude_defaults=True),
    "network": N4.model_dump(mode="json", exclude_defaults=True),
    "data": _n4_recipe(0, quick).digest,
}
chains_refined.settings = lambda quick: {**chains_settings(quick), "refine": 2}
noise.settings = lambda quick: {**chains_settings(quick), "noise": NOISE}
eigenphases.settings = lambda quick: {"version": 1, "test": test_recipe(quick).digest}
TASKS = {
    "chains": chains, "chains_refined": chains_refined, "eigenphases": eigenphases,
    "eight_bands": eight_bands, "noise": noise,
}  # fmt: skip
#: The test is the same for all seeds.
ONCE = ("eigenphases",)
