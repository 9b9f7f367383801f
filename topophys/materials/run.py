"""A trained classifier in its folder: weights as safetensors, settings as JSON."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save

from topophys._io import (
    complete_file,
    open_regular,
    read_bytes,
    read_json,
    seal_holds,
    sealed,
    write_json,
)
from topophys._optional import NotebookText, table_of_rows
from topophys.errors import CheckpointError, OutputError
from topophys.learn.checkpoint import DAMAGE, filled_network, wanted_weights
from topophys.learn.distributed import limited_threads
from topophys.learn.training_log import TRACES, RunLock
from topophys.materials.classifier import EnhancedMultiModalMaterialClassifier
from topophys.materials.crystal import Crystal
from topophys.materials.data import MODALITIES, UNKNOWN, MaterialData, as_listed, structure_data
from topophys.materials.features import list_features, scalar_features

__all__ = [
    "MaterialPrediction",
    "MaterialRun",
    "Scaler",
    "load_material_run",
    "report",
    "save_material_run",
]


# ---- Runs

FORMAT: Final = "topophys-materials-run"
#: Grows when its content changes; the first named neither the file of its weights nor itself.
VERSION: Final = 2
READABLE: Final = (1, 2)
#: File that makes a folder a run, and the two names of its weights: new ones never replace those
#: that it names.
CARD: Final = "run.json"
WEIGHTS: Final = ("classifier.safetensors", "classifier-2.safetensors")
#: Bytes of the header of a file of weights.
HEADER: Final = 1 << 24
#: Output of the network for each kind of class.
HEADS: Final = {"topology": "combined_logits", "magnetism": "magnetism_logits_aux"}


@dataclass(frozen=True, eq=False)
class Scaler:
    """Shift and scale of scalar features, and where they are cut off."""

    mean: list[float]  # of each column, over the training set
    spread: list[float]  # of each column, over the training set

    @classmethod
    def of(cls, x: NDArray[np.float64]) -> Scaler:
        """Measure a training set."""
        # x of (S, c)
        return cls(x.mean(0).tolist(), np.maximum(x.std(0), 0.05).tolist())

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scaled features, between -5 and 5."""
        scaled = (x - np.array(self.mean)) / np.array(self.spread)
        return np.asarray(np.clip(scaled, -5.0, 5.0))


@dataclass(frozen=True)
class MaterialPrediction(NotebookText):
    """Predicted classes of one structure.

    Attributes
    ----------
    sample_id : str
        Name of the structure.
    topology, magnetism : dict of str to float
        Probability of each class; empty if the network was not trained on it.
    present : tuple of str
        Modalities that the structure had; learned tokens stood in for the others.
    seconds : float
        Time for features and network.
    notes : tuple of str
        What was decided where the file of the structure left a choice.
    """

    sample_id: str
    topology: dict[str, float]
    magnetism: dict[str, float]
    present: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    def to_pandas(self) -> Any:
        """Probability of each class of both tasks, as a table; needs the extra `pandas`."""
        return table_of_rows(
            {"material": self.sample_id, "task": task, "class": name, "probability": p}
            for task, classes in (("topology", self.topology), ("magnetism", self.magnetism))
            for name, p in classes.items()
        )

    def __repr__(self) -> str:
        missing = [name for name in MODALITIES if name not in self.present]
        lines = [f"{self.sample_id}"]
        for title, classes in (("topology", self.topology), ("magnetism", self.magnetism)):
            ranked = sorted(classes.items(), key=lambda pair: -pair[1])
            lines += [f"  {title:10s} {p:6.3f}  {name}" for name, p in ranked]
        lines.append(f"  present    {', '.join(self.present)}")
        lines.append(f"  missing    {', '.join(missing) or 'none'}")
        lines.append(f"  seconds    {self.seconds:.3f}")
        lines += [f"  note       {note}" for note in self.notes]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class MaterialRun:
    """A trained classifier.

    Attributes
    ----------
    net : EnhancedMultiModalMaterialClassifier
        The network.
    kind : str
        "toys" or "lists": what it learned from, which decides the scalars.
    classes : dict of str to list of str
        Names of the classes, "topology" and "magnetism"; empty where there were no labels.
    scaler : Scaler
        Of the scalars.
    card : dict
        Scores and provenance.
    """

    net: EnhancedMultiModalMaterialClassifier
    kind: str
    classes: dict[str, list[str]]
    scaler: Scaler
    card: dict[str, Any] = field(default_factory=dict)

    def describe(self, crystal: Crystal) -> MaterialData:
        """Features of one structure, scaled as in training.

        Parameters
        ----------
        crystal : Crystal
            Structure.

        Returns
        -------
        MaterialData
            One material with the modalities that follow from a structure.
        """
        if self.kind == "toys":
            raw = scalar_features(crystal)[0][None].astype(np.float64)
        else:
            raw = list_features([as_listed(crystal)])
        unknown = np.array([UNKNOWN])
        return structure_data([crystal.sample_id], self.scaler(raw), [crystal], unknown)

    def predict(self, crystal: Crystal) -> MaterialPrediction:
        """Class probabilities of one structure.

        Parameters
        ----------
        crystal : Crystal
            Structure.

        Returns
        -------
        MaterialPrediction
            Probabilities, and which modalities they rest on.
        """
        start = time.perf_counter()
        data = self.describe(crystal)
        with torch.no_grad(), limited_threads(1):
            out = self.net.eval()(data.all())
        shown = out["present"][0].tolist()
        chances = {
            name: dict(
                zip(
                    self.classes[name],
                    torch.softmax(out[logits][0].double(), -1).tolist(),
                    strict=bool(self.classes[name]),
                )
            )
            for name, logits in HEADS.items()
        }
        present = tuple(name for name, there in zip(MODALITIES, shown, strict=True) if there)
        seconds = time.perf_counter() - start
        return MaterialPrediction(
            crystal.sample_id, **chances, present=present, seconds=seconds, notes=crystal.notes
        )


@contextmanager
def run_folder(folder: str | Path, *, force: bool = False) -> Iterator[Callable[[], None]]:
    """Hold the right to write a classifier into a folder; gives the check that it is still held.

    Raises `OutputError` where another training holds it, or where files of another kind lie under
    names that a run needs.
    """
    held = RunLock.acquire(folder)
    try:
        if not force:
            _refuse_foreign(Path(folder))
        yield held.check
    finally:
        held.release()


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder with a training of another kind, or with files of something else."""
    found = _card_of(folder)
    ours = set(WEIGHTS) | {CARD} if found is not None else set[str]()
    for name in (CARD, *WEIGHTS, *TRACES):
        path = folder / name
        if name in ours or not (path.exists() or path.is_symlink()):
            continue
        if name in WEIGHTS and _is_tagged(path):  # of a training that was killed
            continue
        raise OutputError(
            f"Folder `{folder}` holds a file `{name}` that is not of a classifier of materials;"
            " choose another one, or replace it with --force."
        )


def _card_of(folder: Path) -> dict[str, Any] | None:
    """Content of run.json, if it is one of a classifier of materials."""
    try:
        card = read_json(folder / CARD)
    except (OSError, ValueError):
        return None
    return card if isinstance(card, dict) and card.get("format") == FORMAT else None


def _is_tagged(path: Path) -> bool:
    """Whether a file of weights says that it is of a classifier of materials."""
    try:
        with open_regular(path) as stream:
            length = int.from_bytes(stream.read(8), "little")
            return FORMAT.encode() in stream.read(min(length, HEADER))
    except OSError:
        return False


def save_material_run(folder: str | Path, run: MaterialRun, *, force: bool = False) -> Path:
    """Write a classifier: its weights and `run.json`, which names them.

    A kill at any moment leaves the earlier classifier of the folder, or the new one.

    Parameters
    ----------
    folder : str or Path
        Folder; made where needed. An earlier classifier in it is replaced.
    run : MaterialRun
        What to write.
    force : bool, optional
        Also replace files of other kinds.

    Returns
    -------
    Path
        The JSON file.

    Raises
    ------
    OutputError
        If the folder cannot be written, another training holds it, or files of another kind have
        the names of a run.
    """
    with run_folder(folder, force=force) as check:
        return write_run(Path(folder), run, check)


def write_run(folder: Path, run: MaterialRun, check: Callable[[], object]) -> Path:
    """Write weights, then run.json, into a folder that `run_folder` gave."""
    earlier = (_card_of(folder) or {}).get("file", WEIGHTS[0])
    name = WEIGHTS[1] if earlier == WEIGHTS[0] and (folder / WEIGHTS[0]).exists() else WEIGHTS[0]
    tensors = {k: v.contiguous() for k, v in run.net.state_dict().items()}
    content = save(tensors, metadata={"format": FORMAT})
    with complete_file(folder / name, check=check) as partial:
        partial.write_bytes(content)
    path = write_json(
        folder / CARD,
        sealed({
            "format": FORMAT, "version": VERSION, "settings": run.net.settings, "kind": run.kind,
            "classes": run.classes, "mean": run.scaler.mean, "spread": run.scaler.spread,
            "card": run.card, "file": name, "weights": hashlib.sha256(content).hexdigest(),
        }),
        check=check,
    )  # fmt: skip
    for other in set(WEIGHTS) - {name}:
        (folder / other).unlink(missing_ok=True)
    return path


def load_material_run(folder: str | Path) -> MaterialRun:
    """Read what `save_material_run` wrote.

    Parameters
    ----------
    folder : str or Path
        The folder.

    Returns
    -------
    MaterialRun
        In evaluation mode.

    Raises
    ------
    CheckpointError
        If a file is missing, altered, foreign, larger than its settings say, or of another
        version.

    Examples
    --------
    >>> load_material_run("nowhere")
    Traceback (most recent call last):
    ...
    topophys.errors.CheckpointError: Run `nowhere` must be a folder that `topophys materials ...
    """
    folder = Path(folder)
    try:
        card = read_json(folder / CARD)
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from None
    if (
        not isinstance(card, dict)
        or card.get("format") != FORMAT
        or card.get("version") not in READABLE
    ):
        raise CheckpointError(
            f"Run `{folder}` must be a classifier of materials, version {VERSION}, but is not."
        )
    first = card["version"] == READABLE[0]
    name, digest = (WEIGHTS[0], "sha256") if first else (card.get("file"), "weights")
    if not first and not (seal_holds(card) and name in WEIGHTS):
        raise CheckpointError(
            f"Run `{folder}`: {CARD} is not what was written (digest differs); train again."
        )
    try:
        net = filled_network(
            _network, card["settings"], load(_weights(folder / str(name), card, card.get(digest)))
        )
        return _checked_run(cast("EnhancedMultiModalMaterialClassifier", net.eval()), card)
    except OSError as error:
        raise _unreadable(folder, error) from None
    except DAMAGE as error:
        reason = " ".join(str(error).split()).rstrip(".")[:200]
        raise CheckpointError(f"Run `{folder}` does not fit its settings: {reason}.") from None


def _unreadable(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"Run `{folder}` must be a folder that `topophys materials train` made, but cannot be"
        f" read ({error})."
    )


def _network(settings: Any) -> EnhancedMultiModalMaterialClassifier:
    return EnhancedMultiModalMaterialClassifier(**settings)


def _weights(path: Path, card: dict[str, Any], digest: Any) -> bytes:
    """Content of a file of weights, which has no more bytes than its network needs."""
    wanted = wanted_weights(_network, card["settings"])
    content = read_bytes(path, most=HEADER + 8 * sum(t.numel() for t in wanted.values()))
    if hashlib.sha256(content).hexdigest() != digest:
        raise CheckpointError(
            f"the weights are not those that {CARD} describes (digest differs); train again"
        )
    return content


def _checked_run(net: EnhancedMultiModalMaterialClassifier, card: dict[str, Any]) -> MaterialRun:
    """Run with the scaler and the names of classes that its network asks for, or an error."""
    scaler = Scaler([float(x) for x in card["mean"]], [float(x) for x in card["spread"]])
    lengths = {len(scaler.mean), len(scaler.spread)}
    if lengths != {net.settings["scalar_feature_dim"]}:
        raise CheckpointError(f"there are scales for {sorted(lengths)} scalars")
    classes = {name: [str(c) for c in card["classes"][name]] for name in HEADS}
    for name, known in classes.items():
        if len(known) not in {0, net.settings[f"num_{name}_classes"]}:
            raise CheckpointError(f"there are names for {len(known)} classes of {name}")
    if card["kind"] not in {"toys", "lists"}:
        raise CheckpointError(f"its kind is {card['kind']!r:.40}")
    return MaterialRun(net, card["kind"], classes, scaler, dict(card["card"]))


# ---- Text report


def report(run: MaterialRun) -> str:
    """Scores of a run on its test set, class by class.

    Parameters
    ----------
    run : MaterialRun
        The run.

    Returns
    -------
    str
        Lines of text.
    """
    lines = [f"classifier of materials, trained on {run.kind}: {run.card.get('data', 'unknown')}"]
    used = [name for name, on in zip(run.net.encoders.keys(), run.net.enabled, strict=True) if on]
    lines.append(f"  modalities {', '.join(used)}")
    kind = run.net.settings["topological_ml_model_type"]
    lines.append(f"  branch     {kind if run.net.branch is not None else 'none'}")
    lines.append(f"  parameters {sum(p.numel() for p in run.net.parameters())}")
    failed = run.card.get("failed", [])
    if failed:
        lines.append(f"  left out   {len(failed)} lines of the lists, the first: {failed[0]}")
    for head, found in run.card.get("test", {}).items():
        lines.append(
            f"  {head}: accuracy {found['accuracy']:.4f}, macro F1 {found['macro_f1']:.4f}"
        )
        for name, recall, count in zip(
            run.classes[head], found["recall"], found["count"], strict=True
        ):
            lines.append(f"    recall {recall:.4f} of {count:6d}  {name}")
    return "\n".join(lines)
