"""Training of a network: `fit`."""

from __future__ import annotations

import inspect
import platform
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn

from topophys._io import named_folder, sealed, write_json, write_text
from topophys._progress import track
from topophys._validation import short
from topophys.errors import InputError, OutputError
from topophys.learn.adapters import adapted
from topophys.learn.checkpoint import (
    STATE,
    load_encoder,
    load_state,
    plain_weights,
    save_encoder,
    save_state,
)
from topophys.learn.config import FitConfig
from topophys.learn.data import Batch, DataSource, TrainingData, prepare_training_data
from topophys.learn.distributed import (
    ProcessGroup,
    join_processes,
    limited_threads,
    resolve_device,
)
from topophys.learn.encoders.registry import build_encoder, encoder_class
from topophys.learn.losses import HUBER_WIDTH
from topophys.learn.model_card import write_card
from topophys.learn.run import (
    CARD,
    FORMAT,
    VERSION,
    Run,
    calibrated_threshold,
    load_run,
    predict_invariants,
)
from topophys.learn.trainer import Trainer
from topophys.learn.training_log import LOCK, SETTINGS, TrainingLog

__all__ = ["Callback", "fit"]


@runtime_checkable
class Callback(Protocol):
    """Called by `fit` on the main process after each epoch.

    Examples
    --------
    >>> class Losses:
    ...     def __init__(self):
    ...         self.values = []
    ...     def on_epoch_end(self, epoch, metrics):
    ...         self.values.append(metrics["loss"])
    >>> isinstance(Losses(), Callback)
    True
    """

    def on_epoch_end(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Receive the metrics of an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0.
        metrics : mapping of str to float
            A line of log.jsonl: epoch, loss and its terms, val_loss, val_accuracy, lr, seconds.
        """
        ...


def fit(
    config: FitConfig,
    data: DataSource,
    path: str | Path | None = None,
    *,
    model: nn.Module | None = None,
    callbacks: Sequence[Callback] = (),
    device: str = "cpu",
    progress: bool = True,
    resume: bool = False,
    tensorboard: bool = False,
) -> Run:
    """Train a network on the labels of a data set and keep its best epoch.

    The seed determines the weights and the order of the samples: equal settings, data and machine
    give equal networks, also if the training was interrupted and resumed. The global random state
    of torch is left alone. Processes started by `torchrun` share each batch.

    Parameters
    ----------
    config : FitConfig
        Settings.
    data : Dataset or Recipe
        A data set of a kind that a network reads; or a recipe, whose training split is generated
        during training, with new samples in every epoch.
    path : str or Path, optional
        Folder to create. It receives training.toml, log.jsonl (a line per epoch), best and last
        weights (safetensors with a JSON file each), and at the end run.json and a model card,
        README.md. By default a temporary folder, which is removed with the returned run.
    model : torch.nn.Module, optional
        A network of your own, trained in place: it maps inputs of shape (B, N, channels) or
        (B, Nx, Ny, channels) to the output of `TopologicalMLEncoder`, to class scores
        (B, num_classes) or to an invariant (B,). By default the network that `config.encoder`
        describes. To load such a run, give `load_run` a model too, or register the class by
        `register_encoder`.
    callbacks : sequence of Callback, optional
        Objects whose `on_epoch_end(epoch, metrics)` is called after each epoch.
    device : str, optional
        Where torch computes.
    progress : bool, optional
        Show progress.
    resume : bool, optional
        Continue from the state in the folder, if there is one. A finished run is returned as it
        is.
    tensorboard : bool, optional
        Write records for TensorBoard too, which must be installed.

    Returns
    -------
    Run
        The network of the epoch with the best accuracy on `config.val_split`; among equals, the
        one with the smallest loss there.

    Raises
    ------
    RecipeError
        If the data set is of another kind, lacks a split that the settings name, or has labels
        that are not among the classes of the network.
    OutputError
        If the folder cannot be written or holds a training already.
    CheckpointError
        If the state to resume from is damaged, or of other settings or data.
    InputError
        If torch cannot use the device, the loss becomes non-finite, `model` returns something
        else, a callback has no `on_epoch_end`, or `path` is missing where it is needed.

    Examples
    --------
    >>> from topophys.datasets import Recipe
    >>> splits = [{"name": s, "size": 30, "classes": [-1, 0, 1]} for s in ("train", "val")]
    >>> recipe = Recipe.from_dict({
    ...     "name": "small", "seed": 1,
    ...     "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
    ...     "label": {"invariant": "winding", "min_gap": 0.1},
    ...     "input": {"grid": [32]}, "split": splits,
    ... })
    >>> run = fit(FitConfig(epochs=2), recipe, progress=False)
    >>> len(run.history), run.provenance["classes_seen"]
    (2, [-1, 0, 1])
    """
    place = resolve_device(device)
    if not isinstance(config, FitConfig):
        raise InputError(
            f"Argument `config` must be a FitConfig, but is {short(config)}; settings by name go"
            " through `FitConfig.from_mapping`, and a network of your own is the argument `model`."
        )
    _check_callbacks(callbacks)
    training_data = prepare_training_data(config, data, need_encoder=model is None)
    with join_processes(place) as group, limited_threads(config.threads):
        folder = _folder(path, group, resume=resume)
        log = TrainingLog(folder, config, training_data.provenance, group, tensorboard=tensorboard)
        encoder = _network(config, training_data, group.device, model)
        trainer = Trainer(
            config,
            encoder,
            training_data.train,
            group.device,
            group,
            unused_parameters=model is not None,
        )
        try:
            if log.open(resume=resume):
                if log.resuming:
                    log.restore(*load_state(log.folder, trainer), encoder)
                _train(trainer, training_data.val, log, callbacks, progress=progress)
                if group.is_main_process:
                    _finish(trainer, log, training_data, model)
            elif group.is_main_process:
                _tidy(log, model)
        finally:
            log.close()
        group.barrier()
    run = load_run(folder, model=model)
    if path is None:
        weakref.finalize(run, shutil.rmtree, folder, ignore_errors=True)
    return run


def _check_callbacks(callbacks: Sequence[Any]) -> None:
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise InputError(
                "Argument `callbacks` must hold objects with a method"
                f" on_epoch_end(epoch, metrics), but has a {type(callback).__name__}."
            )


def _folder(path: str | Path | None, group: ProcessGroup, *, resume: bool) -> Path:
    if path is not None:
        return named_folder(path)
    if resume or group.size > 1:
        raise InputError(
            "Argument `path` must be given to resume a training and where several processes train."
        )
    return Path(tempfile.mkdtemp(prefix="topophys-run-"))


def _network(
    config: FitConfig, data: TrainingData, place: torch.device, model: nn.Module | None
) -> nn.Module:
    if model is None:
        name = config.encoder.name
        _, cls = encoder_class(data.kind, name)
        known = inspect.signature(cls).parameters
        settings = config.encoder.arguments(known)
        if "n_occupied" in known:
            settings["n_occupied"] = data.n_occupied
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = build_encoder(data.kind, data.shape, settings, name=name).to(place)
        if name is None:
            return network
        return adapted(network, data.val.x[:2].to(place), config.encoder.num_classes)
    largest = max(map(abs, data.provenance["classes_seen"]))
    return adapted(model.to(place), data.val.x[:2].to(place), 2 * largest + 1, own=True)


def _train(
    trainer: Trainer,
    val: Batch,
    log: TrainingLog,
    callbacks: Sequence[Callback] = (),
    *,
    progress: bool,
) -> None:
    config, group = trainer.config, trainer.group

    def save() -> None:
        if group.is_main_process:
            save_state(log.folder, trainer, log.state(), best=log.best_weights, check=log.check)

    per_epoch = trainer.steps_per_epoch * trainer.size
    done = trainer.position.epoch * per_epoch + trainer.position.step * trainer.size
    with track(
        config.epochs * per_epoch - done, "training", progress and group.is_main_process
    ) as advance:
        while trainer.position.epoch < config.epochs and not log.should_stop:
            epoch, started = trainer.position.epoch, time.perf_counter()
            record = {"epoch": epoch, **trainer.epoch(advance, save)}
            record |= _validate(trainer, val, group)
            record |= {"lr": trainer.rate, "seconds": time.perf_counter() - started}
            if log.log_epoch(record):
                log.keep_best(plain_weights(trainer.encoder), trainer.encoder)
            save()
            if group.is_main_process:
                for callback in callbacks:
                    callback.on_epoch_end(epoch, dict(record))


def _finish(
    trainer: Trainer, log: TrainingLog, training_data: TrainingData, model: nn.Module | None
) -> None:
    folder = log.folder
    files = save_encoder(folder, "last", trainer.encoder, check=log.check) | log.best_files
    weight = trainer.config.local_supervision
    best = load_encoder(folder, "best", model=model, digests=files)
    answers = predict_invariants(best, training_data.val.x.numpy())
    versions: dict[str, Any] = {
        "device": str(trainer.device),
        "processes": trainer.group.size,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    content = {
        "format": FORMAT,
        "version": VERSION,
        "files": files,
        "config": trainer.config.model_dump(mode="json"),
        "history": log.history,
        "provenance": {
            **training_data.provenance,
            "val_samples": len(training_data.val),
            "abstain_below": calibrated_threshold(answers, training_data.val.label.numpy()),
            "supervision": f"labels and exact local contributions, weight {weight:g}"
            if weight
            else "labels only",
            **versions,
        },
    }
    write_text(folder / SETTINGS, trainer.config.to_toml(), check=log.check)
    write_json(folder / CARD, sealed(content), check=log.check)
    _conclude(folder, model)


def _conclude(folder: Path, model: nn.Module | None) -> None:
    """Write the card of a run that is there, and remove what only resuming needs; in this order."""
    write_card(load_run(folder, model=model))
    (folder / STATE).unlink(missing_ok=True)


def _tidy(log: TrainingLog, model: nn.Module | None) -> None:
    """Do what a training that was killed after its last epoch had left to do."""
    if any((log.folder / name).exists() for name in (STATE, LOCK)):
        # another process may be doing it, or the folder is read-only: the run is complete without
        with suppress(OutputError), log.locked():
            _conclude(log.folder, model)


def _validate(trainer: Trainer, val: Batch, group: ProcessGroup) -> dict[str, float]:
    found = [0.0, 0.0]
    if group.is_main_process:
        predicted = predict_invariants(trainer.encoder, val.x.numpy(), device=trainer.device)
        found = _score(predicted, val.label.numpy())
    loss, accuracy = group.broadcast(found)
    return {"val_loss": loss, "val_accuracy": accuracy}


def _score(predicted: np.ndarray, label: np.ndarray) -> list[float]:
    distance = np.abs(predicted - label)
    quadratic = np.minimum(distance, HUBER_WIDTH)
    loss = (quadratic * (distance - 0.5 * quadratic)).mean()
    return [float(loss), float((np.rint(predicted) == label).mean())]
