"""Training."""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from topophys._files import make_folder, write_json
from topophys._progress import Advance, track
from topophys.datasets import Dataset
from topophys.errors import OutputError, RecipeError
from topophys.learn.checkpoint import save_encoder
from topophys.learn.config import FitConfig
from topophys.learn.device import limited_threads, resolve_device
from topophys.learn.encoder import TopologicalMLEncoder
from topophys.learn.evaluate import predict_invariants
from topophys.learn.losses import HUBER_WIDTH
from topophys.learn.run import CARD, FORMAT, VERSION, Run, load_run
from topophys.learn.trainer import Samples, Trainer

__all__ = ["fit"]


def fit(
    config: FitConfig,
    dataset: Dataset,
    path: str | Path,
    *,
    device: str = "cpu",
    progress: bool = True,
) -> Run:
    """Train a network on the labels of a data set and keep its best epoch.

    One seed fixes the weights and the order of the samples: equal settings, data and machine give
    equal networks. The global random state of torch is left alone. The
    training split is held in memory.

    Parameters
    ----------
    config : FitConfig
        Settings.
    dataset : Dataset
        A data set of winding numbers.
    path : str or Path
        Folder to make. It receives log.jsonl (a line per epoch), best and last weights
        (safetensors with a JSON card each), and run.json once training has ended.
    device : str, optional
        Where torch computes.
    progress : bool, optional
        Show progress.

    Returns
    -------
    Run
        The network of the epoch with the best accuracy on `config.val_split`; of equals, the one
        with the smallest loss there.

    Raises
    ------
    RecipeError
        If the data set is of another kind, lacks a split that the settings name, or has labels
        that are not among the classes of the network.
    OutputError
        If the folder cannot be written or holds a training already.
    InputError
        If torch cannot use the device, or the loss does not stay finite.

    Examples
    --------
    >>> import tempfile
    >>> from topophys.datasets import Recipe, generate, open_dataset
    >>> splits = [{"name": s, "size": 30, "classes": [-1, 0, 1]} for s in ("train", "val")]
    >>> recipe = Recipe.from_dict({
    ...     "name": "small", "seed": 1,
    ...     "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
    ...     "label": {"invariant": "winding", "min_gap": 0.1},
    ...     "input": {"grid": [32]}, "split": splits,
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = generate(recipe, folder + "/small.h5", progress=False)
    ...     with open_dataset(folder + "/small.h5") as dataset:
    ...         run = fit(FitConfig(epochs=2), dataset, folder + "/run", progress=False)
    >>> len(run.history), run.provenance["classes_seen"]
    (2, [-1, 0, 1])
    """
    place = resolve_device(device)
    _check(config, dataset)
    folder = _fresh_folder(path)
    train, val = (_load(dataset, name) for name in (config.train_split, config.val_split))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        encoder = TopologicalMLEncoder(
            input_dim=int(train.x.shape[-1]),
            k_points=int(train.x.shape[-2]),
            **config.encoder.model_dump(),
        ).to(place)
    trainer = Trainer(config, encoder, train, place)
    steps = config.epochs * trainer.steps_per_epoch
    with (
        limited_threads(config.threads),
        track(steps * trainer.size, "training", progress) as advance,
    ):
        history = _epochs(folder, trainer, val, advance)
    write_json(
        folder / CARD,
        {
            "format": FORMAT,
            "version": VERSION,
            "config": config.model_dump(mode="json"),
            "history": history,
            "provenance": _provenance(dataset, train, place),
        },
    )
    return load_run(folder)


def _epochs(folder: Path, trainer: Trainer, val: Samples, advance: Advance) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = []
    best = (-1.0, 0.0)
    for epoch in range(trainer.config.epochs):
        started = time.perf_counter()
        record = {"epoch": epoch, **trainer.epoch(advance)}
        record |= _validate(trainer.encoder, val, trainer.device)
        record |= {"lr": trainer.rate, "seconds": time.perf_counter() - started}
        history.append(record)
        _append(folder / "log.jsonl", record)
        score = (record["val_accuracy"], -record["val_loss"])
        if score > best:
            best = score
            save_encoder(folder, "best", trainer.encoder)
    save_encoder(folder, "last", trainer.encoder)
    return history


def _fresh_folder(path: str | Path) -> Path:
    folder = make_folder(path)
    for name in ("log.jsonl", CARD, "best.json", "last.json"):
        if (folder / name).exists():
            raise OutputError(
                f"Folder `{folder}` already holds a training ({name}); choose another one."
            )
    return folder


def _append(path: Path, record: dict[str, Any]) -> None:
    # a log grows while training runs, so that it can be watched; every line is complete
    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
    except OSError as error:
        raise OutputError(
            f"Output `{path}` cannot be written: {error.strerror or error}; choose another place."
        ) from None


def _check(config: FitConfig, dataset: Dataset) -> None:
    """Refuse what cannot be trained on, before anything is read or written."""
    if dataset.kind != "winding":
        raise RecipeError(
            "Argument `dataset` must hold chiral chains labelled by their winding number, but is a"
            f" data set of kind {dataset.kind!r}."
        )
    for split in (config.train_split, config.val_split):
        if split not in dataset.splits:
            raise RecipeError(
                f"Training settings name the split `{split}`, but the data set has"
                f" {', '.join(dataset.splits)}."
            )
    largest = max(map(abs, dataset.split(config.train_split).classes))
    if 2 * largest + 1 > config.encoder.num_classes:
        raise RecipeError(
            f"Training settings: `encoder.num_classes` must be at least {2 * largest + 1} for"
            f" labels up to {largest} in size, but is {config.encoder.num_classes}."
        )


def _load(dataset: Dataset, split: str) -> Samples:
    x, label = dataset.split(split).read("x", "label")
    return Samples(torch.from_numpy(x), torch.from_numpy(label.astype(np.int64)))


def _validate(
    encoder: TopologicalMLEncoder, val: Samples, device: torch.device
) -> dict[str, float]:
    predicted = predict_invariants(encoder, val.x.numpy(), device=device)
    label = val.label.numpy()
    distance = np.abs(predicted - label)
    quadratic = np.minimum(distance, HUBER_WIDTH)
    return {
        "val_loss": float((quadratic * (distance - 0.5 * quadratic)).mean()),
        "val_accuracy": float((np.rint(predicted) == label).mean()),
    }


def _provenance(dataset: Dataset, train: Samples, device: torch.device) -> dict[str, Any]:
    return {
        "dataset": dataset.recipe.name,
        "dataset_path": str(dataset.path.resolve()),
        "dataset_digest": dataset.recipe.digest,
        "flattened_input": dataset.recipe.input.flatten,
        "classes_seen": sorted({int(c) for c in train.label}),
        "train_samples": len(train),
        "device": str(device),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
