"""A trained classifier in its folder: weights as safetensors, settings as JSON."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save

from topophys._io import complete_file, make_folder, read_json, sha256, write_json
from topophys.errors import CheckpointError
from topophys.learn.checkpoint import DAMAGE, filled_network
from topophys.learn.distributed import limited_threads
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
VERSION: Final = 1
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
class MaterialPrediction:
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


def save_material_run(folder: str | Path, run: MaterialRun) -> Path:
    """Write `classifier.safetensors` and `run.json`.

    Parameters
    ----------
    folder : str or Path
        Folder; made where needed.
    run : MaterialRun
        What to write.

    Returns
    -------
    Path
        The JSON file.
    """
    target = make_folder(folder)
    weights = target / "classifier.safetensors"
    with complete_file(weights) as partial:
        partial.write_bytes(save({k: v.contiguous() for k, v in run.net.state_dict().items()}))
    return write_json(
        target / "run.json",
        {
            "format": FORMAT, "version": VERSION, "settings": run.net.settings, "kind": run.kind,
            "classes": run.classes, "mean": run.scaler.mean, "spread": run.scaler.spread,
            "card": run.card, "sha256": sha256(weights),
        },
    )  # fmt: skip


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
        If a file is missing, altered, foreign or of another version.

    Examples
    --------
    >>> load_material_run("nowhere")
    Traceback (most recent call last):
    ...
    topophys.errors.CheckpointError: Run `nowhere` must be a folder that `topophys materials ...
    """
    folder = Path(folder)
    try:
        card = read_json(folder / "run.json")
        content = (folder / "classifier.safetensors").read_bytes()
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"Run `{folder}` must be a folder that `topophys materials train` made, but cannot be"
            f" read ({error})."
        ) from None
    if not isinstance(card, dict) or card.get("format") != FORMAT or card.get("version") != VERSION:
        raise CheckpointError(
            f"Run `{folder}` must be a classifier of materials, version {VERSION}, but is not."
        )
    if hashlib.sha256(content).hexdigest() != card.get("sha256"):
        raise CheckpointError(
            f"Run `{folder}`: the weights are not those that run.json describes (digest differs);"
            " train again."
        )
    try:
        net = filled_network(
            lambda settings: EnhancedMultiModalMaterialClassifier(**settings),
            card["settings"],
            load(content),
        )
        return _checked_run(cast("EnhancedMultiModalMaterialClassifier", net.eval()), card)
    except DAMAGE as error:
        reason = " ".join(str(error).split()).rstrip(".")[:200]
        raise CheckpointError(f"Run `{folder}` does not fit its settings: {reason}.") from None


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
