"""Training."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from torch import Tensor

from topophys._files import make_folder, write_json
from topophys._progress import track
from topophys.datasets import Dataset
from topophys.errors import OutputError, RecipeError
from topophys.learn.checkpoint import save_encoder
from topophys.learn.config import FitConfig
from topophys.learn.device import resolve_device
from topophys.learn.encoder import TopologicalMLEncoder
from topophys.learn.evaluate import predict_invariants
from topophys.learn.losses import HUBER_WIDTH, compute_topological_loss
from topophys.learn.run import Run, load_run

__all__ = ["fit"]

#: Share of the steps in which the learning rate rises.
WARM_UP: Final = 0.2


class Advance(Protocol):
    """Callable that moves a progress display on."""

    def __call__(self, n: int) -> None:
        """Report `n` more units of work."""


@dataclass
class _Samples:
    x: Tensor
    label: Tensor

    def __len__(self) -> int:
        return len(self.label)


def fit(
    config: FitConfig,
    dataset: Dataset,
    path: str | Path,
    *,
    device: str = "cpu",
    progress: bool = True,
) -> Run:
    """Train a network on the labels of a data set and keep its best epoch.

    One seed fixes the weights and the order of the samples: equal settings, data, machine and
    number of threads give equal networks. The training split is held in memory.

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
        The network of the epoch with the best accuracy on `config.val_split`.

    Raises
    ------
    RecipeError
        If the data set is of another kind or lacks a split that the settings name.
    OutputError
        If the folder cannot be written or holds a training already.
    """
    place = resolve_device(device)
    train, val = (_load(dataset, name) for name in (config.train_split, config.val_split))
    folder = _fresh_folder(path)
    torch.manual_seed(config.seed)
    encoder = _encoder_for(config, train).to(place)
    history: list[dict[str, Any]] = []
    best = (-1.0, 0.0)
    trainer = _Trainer(config, encoder, train, place)
    steps = config.epochs * trainer.steps_per_epoch
    with track(steps * trainer.size, "training", progress) as advance:
        for epoch in range(config.epochs):
            started = time.perf_counter()
            losses = trainer.epoch(advance)
            record = {"epoch": epoch, **losses, **_validate(encoder, val, place)}
            record |= {"lr": trainer.rate, "seconds": time.perf_counter() - started}
            history.append(record)
            _append(folder / "log.jsonl", record)
            score = (record["val_accuracy"], -record["val_loss"])
            if score > best:
                best = score
                save_encoder(folder, "best", encoder)
        save_encoder(folder, "last", encoder)
    write_json(
        folder / "run.json",
        {
            "config": config.model_dump(mode="json"),
            "history": history,
            "provenance": _provenance(dataset, train, place),
        },
    )
    return load_run(folder)


def _fresh_folder(path: str | Path) -> Path:
    folder = make_folder(path)
    if (folder / "log.jsonl").exists():
        raise OutputError(f"Folder `{folder}` already holds a training; choose another one.")
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


class _Trainer:
    """Optimizer, schedule and order of the samples."""

    def __init__(
        self,
        config: FitConfig,
        encoder: TopologicalMLEncoder,
        train: _Samples,
        device: torch.device,
    ) -> None:
        self.config, self.encoder, self.device = config, encoder, device
        self.samples = train
        self.order = torch.Generator().manual_seed(config.seed)
        self.size = min(config.batch_size, len(train))
        self.steps_per_epoch = len(train) // self.size  # the rest of an epoch is left out
        self.optimizer = torch.optim.AdamW(
            encoder.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            config.learning_rate,
            total_steps=config.epochs * self.steps_per_epoch,
            pct_start=WARM_UP,
        )

    @property
    def rate(self) -> float:
        """Learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def epoch(self, advance: Advance) -> dict[str, float]:
        """One pass over the training split; mean of each term of the loss."""
        self.encoder.train()
        totals: dict[str, float] = {}
        order = torch.randperm(len(self.samples), generator=self.order)
        for step in range(self.steps_per_epoch):
            pick = order[step * self.size : (step + 1) * self.size]
            x = self.samples.x[pick].to(self.device)
            label = self.samples.label[pick].to(self.device)
            losses = compute_topological_loss(
                self.encoder(x), label, self.config.auxiliary_weight
            )
            self.optimizer.zero_grad()
            losses["total_loss"].backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), self.config.gradient_clip)
            self.optimizer.step()
            self.schedule.step()
            for name, value in losses.items():
                totals[name] = totals.get(name, 0.0) + float(value.detach())
            advance(self.size)
        means = {name: value / self.steps_per_epoch for name, value in totals.items()}
        return {"loss": means.pop("total_loss"), **means}


def _load(dataset: Dataset, split: str) -> _Samples:
    if dataset.kind != "winding":
        raise RecipeError(
            "Argument `dataset` must hold chiral chains labelled by their winding number, but is a"
            f" data set of kind {dataset.kind!r}."
        )
    if split not in dataset.splits:
        raise RecipeError(
            f"Training settings name the split `{split}`, but the data set has"
            f" {', '.join(dataset.splits)}."
        )
    x, label = dataset.split(split).read("x", "label")
    return _Samples(torch.from_numpy(x), torch.from_numpy(label.astype(np.int64)))


def _encoder_for(config: FitConfig, train: _Samples) -> TopologicalMLEncoder:
    largest = int(train.label.abs().max())
    if 2 * largest + 1 > config.encoder.num_classes:
        raise RecipeError(
            f"Training settings: `encoder.num_classes` must be at least {2 * largest + 1} for labels"
            f" up to {largest} in size, but is {config.encoder.num_classes}."
        )
    return TopologicalMLEncoder(
        input_dim=int(train.x.shape[-1]),
        k_points=int(train.x.shape[-2]),
        **config.encoder.model_dump(),
    )


def _validate(
    encoder: TopologicalMLEncoder, val: _Samples, device: torch.device
) -> dict[str, float]:
    predicted = predict_invariants(encoder, val.x.numpy(), device=device)
    label = val.label.numpy()
    distance = np.abs(predicted - label)
    quadratic = np.minimum(distance, HUBER_WIDTH)
    return {
        "val_loss": float((quadratic * (distance - 0.5 * quadratic)).mean()),
        "val_accuracy": float((np.rint(predicted) == label).mean()),
    }


def _provenance(dataset: Dataset, train: _Samples, device: torch.device) -> dict[str, Any]:
    return {
        "dataset": dataset.recipe.name,
        "dataset_path": str(dataset.path.resolve()),
        "dataset_digest": dataset.recipe.digest,
        "classes_seen": sorted({int(c) for c in train.label}),
        "train_samples": len(train),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
