"""Training of the classifier, from toy materials or lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topophys._progress import track
from topophys._random import keyed_generator
from topophys.errors import InputError
from topophys.learn.distributed import limited_threads
from topophys.learn.trainer import TrainingLoop, shuffled_batches
from topophys.materials.calibration import confusion_scores
from topophys.materials.classifier import EnhancedMultiModalMaterialClassifier
from topophys.materials.crystal import Crystal
from topophys.materials.data import (
    UNKNOWN,
    LabelledStructure,
    MaterialBatch,
    MaterialData,
    match_structures,
    structure_data,
)
from topophys.materials.features import list_features
from topophys.materials.lists import ListedMaterial, MaterialList, read_class_lists
from topophys.materials.run import MaterialRun, Scaler, run_folder, write_run
from topophys.materials.synthetic.dataset import load_toys, toy_data

__all__ = [
    "LIST_OPTIONS",
    "History",
    "TrainOptions",
    "fit_lists",
    "fit_toys",
    "group_split",
    "groups_of",
    "predict_logits",
    "scores",
    "train_classifier",
]


# ---- Training loop

#: Largest norm of the gradient of a step.
GRADIENT_CLIP: Final = 1.0


@dataclass(frozen=True)
class TrainOptions:
    """Settings of a training.

    Attributes
    ----------
    epochs, batch_size : int
        Passes over the data, and materials per step.
    learning_rate, weight_decay : float
        Peak of the one-cycle schedule, and decay, of AdamW.
    seed : int
        Of the weights and of the order of the materials.
    threads : int
        Of torch on the CPU.
    """

    epochs: int = 10
    batch_size: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    seed: int = 0
    threads: int = 1


@dataclass
class History:
    """Losses and time of a training.

    Attributes
    ----------
    losses : list of dict
        Mean of each term of the loss, by epoch.
    seconds : float
        Time spent in training steps.
    samples : int
        Materials that went through training steps.
    """

    losses: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    samples: int = 0


def train_classifier(
    net: EnhancedMultiModalMaterialClassifier,
    data: MaterialData,
    options: TrainOptions,
    *,
    on_epoch_end: Callable[[int, dict[str, float]], None] | None = None,
) -> History:
    """Train a network in place.

    Parameters
    ----------
    net : EnhancedMultiModalMaterialClassifier
        The network.
    data : MaterialData
        Training set.
    options : TrainOptions
        Settings.
    on_epoch_end : callable, optional
        Called with (epoch, mean losses) after each epoch.

    Returns
    -------
    History
        Losses and time.

    Raises
    ------
    InputError
        If there is nothing to learn from, or the loss is not finite; the message names the
        materials of that step.
    """
    if not len(data):
        raise InputError("Argument `data` must have at least one material, but is empty.")
    order = torch.Generator().manual_seed(options.seed)
    size = min(options.batch_size, len(data))
    per_epoch = len(data) // size

    def batches(_epoch: int, _skip: int) -> Iterator[MaterialBatch]:
        return (data.batch(rows) for rows in shuffled_batches(len(data), size, order))

    def losses(batch: MaterialBatch) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        targets = {"topology": batch.topology, "magnetism": batch.magnetism}
        terms = net.compute_enhanced_loss(net(batch), targets)
        yield terms["total_loss"], terms

    loop = TrainingLoop(
        net.parameters(),
        batches,
        losses,
        steps=max(4, options.epochs * per_epoch),
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        clip=GRADIENT_CLIP,
        warm_up=0.3,
        describe=lambda batch: f"the samples {', '.join(batch.ids[:5])}, ...",
    )
    history = History()
    with limited_threads(options.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        for epoch in range(options.epochs):
            net.train()
            start = time.perf_counter()
            history.losses.append(loop.run_epoch())
            history.seconds += time.perf_counter() - start
            history.samples += per_epoch * size
            if on_epoch_end is not None:
                on_epoch_end(epoch, history.losses[-1])
    net.eval()
    return history


def predict_logits(
    net: EnhancedMultiModalMaterialClassifier, data: MaterialData, *, batch_size: int = 512
) -> dict[str, NDArray[np.float32]]:
    """Class scores of every material.

    Parameters
    ----------
    net : EnhancedMultiModalMaterialClassifier
        The network.
    data : MaterialData
        Materials.
    batch_size : int, optional
        How many at a time.

    Returns
    -------
    dict of str to float32 ndarray
        Every output with "logits" in its name, (S, classes).
    """
    net.eval()
    parts: list[dict[str, Any]] = []
    with torch.no_grad():
        for first in range(0, len(data), batch_size):
            index = torch.arange(first, min(first + batch_size, len(data)))
            parts.append(net(data.batch(index)))
    names = [name for name in parts[0] if "logits" in name]
    return {name: torch.cat([p[name] for p in parts]).numpy() for name in names}


def scores(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, Any]:
    """Accuracy, macro F1 and recall of each class among the known labels."""
    # logits of (S, C), labels of (S,)
    known = labels != UNKNOWN
    return confusion_scores(logits[known].argmax(1), labels[known], logits.shape[1])


# ---- Training from files

#: Share of modalities replaced by their tokens in training, so that the network can do without.
MODALITY_DROPOUT: Final = 0.1
#: Settings of a training on lists, as the results page has them.
LIST_OPTIONS: Final = TrainOptions(epochs=9, batch_size=256, learning_rate=2e-3, weight_decay=5e-2)


def groups_of(materials: list[ListedMaterial]) -> NDArray[np.int64]:
    """Give each material the number of its chemical system.

    Parameters
    ----------
    materials : list of ListedMaterial
        Materials.

    Returns
    -------
    int64 ndarray of shape (S,)
        Equal for materials of the same elements.
    """
    systems = {s: i for i, s in enumerate(sorted({m.system for m in materials}))}
    return np.array([systems[m.system] for m in materials])


def group_split(
    groups: NDArray[np.int64], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split materials so that no chemical system is on both sides.

    Parameters
    ----------
    groups : int64 ndarray of shape (S,)
        Group of each material.
    share : float
        Share of the groups in the second part.
    seed : int
        Of the choice.

    Returns
    -------
    int64 ndarray, int64 ndarray
        Rows of the two parts.
    """
    names = np.unique(groups)
    chosen = keyed_generator(seed, 0).permutation(names)[: max(1, round(share * len(names)))]
    second = np.isin(groups, chosen)
    return np.flatnonzero(~second), np.flatnonzero(second)


def fit_toys(
    path: str | Path,
    output: str | Path,
    options: TrainOptions,
    *,
    progress: bool = True,
    force: bool = False,
) -> MaterialRun:
    """Train on toy materials; the last fifth tests.

    Parameters
    ----------
    path : str or Path
        File that `generate_toys` made.
    output : str or Path
        Folder to make; an earlier classifier in it is replaced.
    options : TrainOptions
        Settings.
    progress : bool, optional
        Show a bar.
    force : bool, optional
        Also replace files of other kinds.

    Returns
    -------
    MaterialRun
        The run, which is also in the folder.

    Raises
    ------
    OutputError
        If the folder cannot be written, holds files of another kind under the names of a run, or
        another training writes into it.
    """
    arrays, card = load_toys(path)
    n = len(arrays["topology"])
    if n < 10:
        raise InputError(f"Data file `{path}` must have at least 10 materials, but has {n}.")
    cut = n - n // 5
    scaler = Scaler.of(arrays["scalars"][:cut].astype(np.float64))
    arrays["scalars"] = scaler(arrays["scalars"].astype(np.float64)).astype(np.float32)
    train, test = (toy_data(arrays, rows) for rows in (np.arange(cut), np.arange(cut, n)))
    classes = {"topology": card["topology"], "magnetism": card["magnetism"]}
    with run_folder(output, force=force) as check:
        torch.manual_seed(options.seed)
        net = toy_network(arrays, modality_dropout=MODALITY_DROPOUT)
        _train(net, train, options, progress)
        logits = predict_logits(net, test)
        found = {
            "topology": scores(logits["combined_logits"], test.topology),
            "magnetism": scores(logits["magnetism_logits_aux"], test.magnetism),
        }
        run = MaterialRun(net, "toys", classes, scaler, {"data": str(path), "test": found})
        write_run(Path(output), run, check)
    return run


def toy_network(
    arrays: Mapping[str, NDArray[Any]], **settings: Any
) -> EnhancedMultiModalMaterialClassifier:
    """Make the network for toy materials: layers and solids differ in how long their inputs are."""
    return EnhancedMultiModalMaterialClassifier(
        kspace_node_feature_dim=arrays["kspace"].shape[-1],
        decomposition_feature_dim=arrays["decomposition"].shape[-1],
        **settings,
    )


def fit_lists(
    folder: str | Path,
    output: str | Path,
    options: TrainOptions,
    *,
    structures: Mapping[str, Crystal] | None = None,
    progress: bool = True,
    force: bool = False,
) -> MaterialRun:
    """Train on lists of formulas, space groups and classes; a tenth of the systems tests.

    Parameters
    ----------
    folder : str or Path
        Lists, as for `read_class_lists`.
    output : str or Path
        Folder to make; an earlier classifier in it is replaced.
    options : TrainOptions
        Settings.
    structures : mapping of str to Crystal, optional
        Structures; those whose formula and space group are in the lists lend it their structure.
    progress : bool, optional
        Show a bar.
    force : bool, optional
        Also replace files of other kinds.

    Returns
    -------
    MaterialRun
        The run, which is also in the folder.

    Raises
    ------
    OutputError
        As `fit_toys`.
    """
    lists = read_class_lists(folder)
    matched: list[LabelledStructure] = []
    counts: dict[str, int] = {}
    if structures:
        matched, counts = match_structures(structures, lists)
    train_rows, test_rows = group_split(groups_of(lists.materials), 0.1, options.seed)
    raw = list_features(lists.materials)
    scaler = Scaler.of(raw[train_rows])
    train, test = (list_data(lists, scaler(raw), rows, matched) for rows in (train_rows, test_rows))
    with run_folder(output, force=force) as check:
        torch.manual_seed(options.seed)
        net = list_network(raw.shape[1], len(lists.classes), with_structures=bool(matched))
        _train(net, train, options, progress)
        found = scores(predict_logits(net, test)["combined_logits"], test.topology)
        card: dict[str, Any] = {
            "data": str(folder), "test": {"topology": found}, "structures": counts,
            "ambiguous": lists.ambiguous, "failed": lists.failed,
        }  # fmt: skip
        classes = {"topology": list(lists.classes), "magnetism": []}
        run = MaterialRun(net, "lists", classes, scaler, card)
        write_run(Path(output), run, check)
    return run


def list_network(
    n_scalars: int, n_classes: int, *, with_structures: bool, branch: str | None = "1d_a3"
) -> EnhancedMultiModalMaterialClassifier:
    """Make the network for lists: a wide encoder of scalars."""
    return EnhancedMultiModalMaterialClassifier(
        scalar_feature_dim=n_scalars,
        num_topology_classes=n_classes,
        use_topological_ml=branch is not None,
        topological_ml_model_type=branch or "1d_a3",
        modalities=("crystal", "asph", "scalar") if with_structures else ("scalar",),
        scalar_hidden_dim=256,
        scalar_layers=3,
        latent_dim=128,
        fusion_layers=0,
        dropout=0.3,
    )


def list_data(
    lists: MaterialList,
    scalars: NDArray[np.float64],
    rows: NDArray[np.int64],
    matched: list[LabelledStructure],
) -> MaterialData:
    """Turn some materials of the lists into tensors, with the structures there are."""
    # scalars of (S, c)
    crystals = {one.entry: one.crystal for one in matched}
    chosen = [lists.materials[row] for row in rows.tolist()]
    return structure_data(
        [one.sample_id for one in chosen],
        scalars[rows],
        [crystals.get(one) for one in chosen],
        np.array([one.label for one in chosen]),
    )


def _train(
    net: EnhancedMultiModalMaterialClassifier,
    data: MaterialData,
    options: TrainOptions,
    progress: bool,
) -> None:
    net.balance(torch.as_tensor(data.topology), torch.as_tensor(data.magnetism))
    with track(options.epochs, "train", progress) as advance:
        train_classifier(net, data, options, on_epoch_end=lambda _epoch, _losses: advance(1))
