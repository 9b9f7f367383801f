"""Training."""

from __future__ import annotations

import inspect
import platform
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from topophys._io import write_json, write_text
from topophys._progress import track
from topophys.learn.checkpoint import STATE, load_encoder, load_state, save_encoder, save_state
from topophys.learn.config import FitConfig
from topophys.learn.data import Batch, Lessons, Taught, prepare_lessons
from topophys.learn.distributed import Team, limited_threads, resolve_device, team
from topophys.learn.encoders.registry import ENCODERS, build_encoder, encoder_name
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
from topophys.learn.training_log import SETTINGS, Diary

__all__ = ["fit"]


def fit(
    config: FitConfig,
    data: Taught,
    path: str | Path,
    *,
    device: str = "cpu",
    progress: bool = True,
    resume: bool = False,
    tensorboard: bool = False,
) -> Run:
    """Train a network on the labels of a data set and keep its best epoch.

    One seed fixes the weights and the order of the samples: equal settings, data and machine give
    equal networks, also if the training was killed and went on in between. The global random
    state of torch is left alone. Started by `torchrun`, several processes share each batch.

    Parameters
    ----------
    config : FitConfig
        Settings.
    data : Dataset or Recipe
        A data set of a kind that a network reads; or a recipe, whose training split is drawn
        while training continues, with new samples in every epoch.
    path : str or Path
        Folder to make. It receives training.toml, log.jsonl (a line per epoch), best and last
        weights (safetensors with a JSON card each), and once training has ended run.json and a
        model card, README.md.
    device : str, optional
        Where torch computes.
    progress : bool, optional
        Show progress.
    resume : bool, optional
        Go on from the state in the folder, if there is one. A finished run is returned as it is.
    tensorboard : bool, optional
        Write records for TensorBoard too, which must be installed.

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
    CheckpointError
        If the state to continue from is damaged, or of other settings or data.
    InputError
        If torch cannot use the device, or the loss does not stay finite.

    Examples
    --------
    >>> import tempfile
    >>> from topophys.datasets import Recipe
    >>> splits = [{"name": s, "size": 30, "classes": [-1, 0, 1]} for s in ("train", "val")]
    >>> recipe = Recipe.from_dict({
    ...     "name": "small", "seed": 1,
    ...     "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
    ...     "label": {"invariant": "winding", "min_gap": 0.1},
    ...     "input": {"grid": [32]}, "split": splits,
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = fit(FitConfig(epochs=2), recipe, folder + "/run", progress=False)
    >>> len(run.history), run.provenance["classes_seen"]
    (2, [-1, 0, 1])
    """
    place = resolve_device(device)
    lessons = prepare_lessons(config, data)
    with team(place) as together, limited_threads(config.threads):
        trainer = Trainer(config, _network(config, lessons, place), lessons.train, place, together)
        diary = Diary(Path(path), config, lessons.provenance, together, tensorboard=tensorboard)
        if diary.open(resume=resume):
            if diary.begun:
                diary.recall(load_state(diary.folder, trainer))
            _train(trainer, lessons.val, diary, progress=progress)
            if together.leads:
                _finish(trainer, diary, lessons)
        together.wait()
    return load_run(path)


def _network(config: FitConfig, lessons: Lessons, place: torch.device) -> nn.Module:
    known = inspect.signature(ENCODERS[encoder_name(lessons.kind)]).parameters
    settings = config.encoder.arguments(known)
    if "n_occupied" in known:
        settings["n_occupied"] = lessons.n_occupied
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return build_encoder(lessons.kind, lessons.shape, settings).to(place)


def _train(trainer: Trainer, val: Batch, diary: Diary, *, progress: bool) -> None:
    config, together = trainer.config, trainer.team

    def save() -> None:
        if together.leads:
            save_state(diary.folder, trainer, diary.notes())

    per_epoch = trainer.steps_per_epoch * trainer.size
    done = trainer.position.epoch * per_epoch + trainer.position.step * trainer.size
    with track(
        config.epochs * per_epoch - done, "training", progress and together.leads
    ) as advance:
        while trainer.position.epoch < config.epochs and not diary.out_of_patience:
            epoch, started = trainer.position.epoch, time.perf_counter()
            record = {"epoch": epoch, **trainer.epoch(advance, save)}
            record |= _validate(trainer, val, together)
            record |= {"lr": trainer.rate, "seconds": time.perf_counter() - started}
            if diary.enter(record) and together.leads:
                save_encoder(diary.folder, "best", trainer.encoder)
            save()


def _finish(trainer: Trainer, diary: Diary, lessons: Lessons) -> None:
    folder = diary.folder
    save_encoder(folder, "last", trainer.encoder)
    weight = trainer.config.local_supervision
    answers = predict_invariants(load_encoder(folder, "best"), lessons.val.x.numpy())
    versions = {
        "device": str(trainer.device),
        "processes": trainer.team.size,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    content = {
        "format": FORMAT,
        "version": VERSION,
        "config": trainer.config.model_dump(mode="json"),
        "history": diary.history,
        "provenance": {
            **lessons.provenance,
            "val_samples": len(lessons.val),
            "abstain_below": calibrated_threshold(answers, lessons.val.label.numpy()),
            "supervision": f"labels and exact local contributions, weight {weight:g}"
            if weight
            else "labels only",
            **versions,
        },
    }
    write_text(folder / SETTINGS, trainer.config.to_toml())
    write_json(folder / CARD, content)
    write_card(load_run(folder))
    (folder / STATE).unlink(missing_ok=True)


def _validate(trainer: Trainer, val: Batch, together: Team) -> dict[str, float]:
    found = [0.0, 0.0]
    if together.leads:
        predicted = predict_invariants(trainer.encoder, val.x.numpy(), device=trainer.device)
        found = _score(predicted, val.label.numpy())
    loss, accuracy = together.told(found)
    return {"val_loss": loss, "val_accuracy": accuracy}


def _score(predicted: np.ndarray, label: np.ndarray) -> list[float]:
    distance = np.abs(predicted - label)
    quadratic = np.minimum(distance, HUBER_WIDTH)
    loss = (quadratic * (distance - 0.5 * quadratic)).mean()
    return [float(loss), float((np.rint(predicted) == label).mean())]
