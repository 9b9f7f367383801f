"""A trained network: its folder and its predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from torch import nn

from topophys._io import is_file, read_json, seal_holds
from topophys._optional import NotebookText
from topophys.datasets._messages import first_problem, printable
from topophys.datasets.tasks import Sampling, get_task, task_names
from topophys.errors import CheckpointError, InputError
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.non_hermitian import NonHermitianHamiltonian
from topophys.invariants.results import Certificate, signed
from topophys.learn._proven_answers import ProvenAnswers
from topophys.learn.adapters import OutputAdapter, inner_module
from topophys.learn.checkpoint import check_file_header, load_encoder
from topophys.learn.config import FitConfig
from topophys.learn.inputs import (
    certify_hamiltonian,
    read_input,
)

__all__ = [
    "CARD",
    "FORMAT",
    "LEAST_CONFIDENCE",
    "VERSION",
    "Prediction",
    "Run",
    "batches",
    "calibrated_threshold",
    "encoder_settings",
    "load_run",
    "names_integer",
    "placement",
    "predict_invariants",
    "read_run_file",
]


# ---- Inference


def batches(n: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size` that cover range(n)."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def placement(encoder: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Where a network computes, and in which precision."""
    first = next(encoder.parameters(), torch.empty(0))
    return first.device, first.dtype


def encoder_settings(encoder: nn.Module) -> dict[str, Any]:
    """Keyword arguments that make the same network again; empty if it has none."""
    return cast("dict[str, Any]", getattr(inner_module(encoder), "settings", {}))


@torch.inference_mode()
def predict_invariants(
    encoder: nn.Module,
    x: NDArray[np.float32],
    *,
    device: str | torch.device = "cpu",
    batch_size: int = 512,
) -> NDArray[np.float64]:
    """Real-valued invariants that a network gives to an array of inputs."""
    # x of (S, N, channels) or (S, Nx, Ny, channels) -> (S,)
    encoder.eval().to(device)
    _, dtype = placement(encoder)
    out = np.empty(len(x))
    for part in batches(len(x), batch_size):
        chunk = torch.from_numpy(np.ascontiguousarray(x[part])).to(device, dtype)
        try:
            answer = encoder(chunk)
        except RuntimeError as error:  # of a network of the user that reads one grid
            raise InputError(
                f"Argument `x` must have a shape that the network reads, but has {x.shape}"
                f" ({' '.join(str(error).split()):.200})."
            ) from error
        out[part] = answer["invariant"].double().cpu().numpy()
    return out


# ---- Predictions and abstention

#: Confidence below which a network abstains at least: a quarter away from the integer.
LEAST_CONFIDENCE: Final = 0.5
#: Share of errors among accepted answers that calibration allows.
ALLOWED_ERRORS: Final = 1e-3


@dataclass(frozen=True, eq=False)
class Prediction(ProvenAnswers):
    """Predicted invariants of a batch of Hamiltonians.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        Nearest integer. Where the network gives no finite number, or one beyond 2^53, it abstains,
        and the element is masked (`numpy.ma`) unless it is proven.
    real : float64 ndarray of shape (...)
        Prediction before rounding.
    threshold : float
        Confidence below which the network abstains.
    certificate : Certificate, optional
        Proof that was asked for; where it holds, `value` is what is proven.
    quantity : str
        What the integers are.

    Examples
    --------
    >>> answer = Prediction(np.array([1, 0]), np.array([1.0, 0.25]), threshold=0.6)
    >>> answer.confidence, answer.sure(0.6), answer.abstains
    (array([1. , 0.5]), array([ True, False]), array([False,  True]))
    """

    value: Int[np.ndarray, "..."]
    real: Float[np.ndarray, "..."]
    threshold: float = LEAST_CONFIDENCE
    certificate: Certificate | None = None
    quantity: str = ""

    def __repr__(self) -> str:
        total, silent = self.value.size, int(self.abstains.sum())
        values, counts = np.unique(self.value[~self.abstains], return_counts=True)
        pairs = [
            f"{signed(int(v), self.quantity)}: {c}" for v, c in zip(values, counts, strict=True)
        ]
        lines = [f"Prediction for {total} Hamiltonian{'s' * (total != 1)}: {silent} abstained from"]
        lines.append(f"  value            {', '.join(pairs) or 'none'}")
        if total:
            lines.append(f"  confidence       {np.median(self.confidence):.3f} (median)")
        lines.append(f"  asked for        {self.threshold:.3f}")
        return "\n".join([*lines, *self._proof_lines()])

    @property
    def proposed(self) -> Int[np.ndarray, "..."]:
        """What the network says, whatever is proven."""
        return nearest_integers(self.real)

    @property
    def distance(self) -> Float[np.ndarray, "..."]:
        """Distance to the nearest integer, at most 1/2."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(self.real - self.proposed))

    @property
    def confidence(self) -> Float[np.ndarray, "..."]:
        """That `value` is right: 1 where it is proven, else that of the network."""
        return np.asarray(np.where(self.certified, 1.0, self.network_confidence))

    @property
    def network_confidence(self) -> Float[np.ndarray, "..."]:
        """That of the network in what it proposes: 1 on an integer, 0 half way between two."""
        return np.asarray(1.0 - 2.0 * self.distance)

    @property
    def abstains(self) -> Bool[np.ndarray, "..."]:
        """Where the prediction is too far from an integer to be accepted, and nothing is proven."""
        # a threshold may be above 1, so that nothing but a proof is accepted
        return np.asarray(~self.sure(self.threshold) & ~self.certified)

    def sure(self, threshold: float = LEAST_CONFIDENCE) -> Bool[np.ndarray, "..."]:
        """Where the confidence is at least `threshold`.

        Parameters
        ----------
        threshold : float, optional
            Smallest confidence to accept.

        Returns
        -------
        bool ndarray of shape (...)
            False where the network should rather abstain.
        """
        return np.asarray(self.confidence >= threshold)


#: Largest integer that is named: beyond, float64 numbers are no longer integers apart.
LARGEST: Final = 2.0**53


def nearest_integers(real: ArrayLike) -> NDArray[np.int64]:
    """Nearest integers; 0, from which every network abstains, where there is none."""
    # real of (...) -> (...)
    values = np.asarray(real, np.float64)
    return np.asarray(np.rint(np.where(names_integer(values), values, 0.0)).astype(np.int64))


def names_integer(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a number is finite and its nearest integer is exact."""
    return np.asarray(np.isfinite(values) & (np.abs(values) <= LARGEST))


def calibrated_threshold(real: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """Smallest confidence at which at most one in a thousand accepted predictions is wrong.

    With the confidences c_s, the answers r_s and the labels l_s, it is the smallest t >= 1/2 with
    #{s : c_s >= t, r_s != l_s} <= #{s : c_s >= t} / 1000, put in the middle between the last
    confidence that is accepted and the first that is not.
    """
    # real of (S,), label of (S,)
    nearest = np.rint(real)
    confidence = 1.0 - 2.0 * np.abs(real - nearest)
    # predictions below the least confidence are refused whatever the threshold
    kept = confidence >= LEAST_CONFIDENCE
    # the share of errors is not monotone in the threshold: every threshold counts for itself
    level, group = np.unique(-confidence[kept], return_inverse=True)
    wrong = np.bincount(group, (nearest != label)[kept], len(level)).cumsum()
    accepted = np.bincount(group, minlength=len(level)).cumsum()
    allowed = np.flatnonzero(wrong <= ALLOWED_ERRORS * accepted)
    if not len(allowed):
        return 1.0 + float(np.finfo(np.float64).eps)
    last = allowed[-1]
    if last == len(level) - 1:
        return LEAST_CONFIDENCE
    # between the last that is accepted and the first that is not
    least, next_one = -level[last], -level[last + 1]
    middle = 0.5 * (least + next_one)
    return float(middle if middle > next_one else least)


# ---- run.json

#: File written at the end of a training, its format and version.
CARD: Final = "run.json"
FORMAT: Final = "topophys-run"
VERSION: Final = 2
#: Runs of the first version are read; nothing in them names the digests of their files.
READABLE: Final = (1, 2)
Text = Annotated[str, Field(max_length=10_000)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Number = Annotated[float, Field(ge=-1e300, le=1e300)]


class _Entries(BaseModel):
    # later releases may add entries; none may be of another type
    model_config = ConfigDict(strict=True, extra="allow")


class _Record(_Entries):
    """What run.json holds of an epoch."""

    epoch: Count
    loss: Number
    val_loss: Number
    val_accuracy: Annotated[float, Field(ge=0.0, le=1.0)]
    regression_loss: Number | None = None
    auxiliary_loss: Number | None = None
    lr: Number | None = None
    seconds: Number | None = None


class _Provenance(_Entries):
    """What run.json holds of the data; runs of version 0.1 lack what has a default."""

    dataset_path: Annotated[str, Field(max_length=10_000, pattern=r"\A[^\x00]*\z")] | None
    flattened_input: bool
    classes_seen: Annotated[
        list[Annotated[int, Field(gt=-(2**53), lt=2**53)]], Field(min_length=1, max_length=1000)
    ]
    train_samples: Count
    val_samples: Count = 0
    kind: Text = "winding"
    dataset: Text = ""
    dataset_manifest: Text | None = None
    dataset_digest: Text | None = None
    input_shape: Annotated[
        list[Annotated[int, Field(gt=0, lt=2**31)]], Field(min_length=2, max_length=4)
    ] = [1, 1]
    n_occupied: Annotated[int, Field(gt=0, lt=2**31)] = 1
    # beyond 1 nothing but a proof is accepted
    abstain_below: Annotated[float, Field(ge=0.0, le=2.0)] = LEAST_CONFIDENCE
    supervision: Text = "labels only"
    torch: Text = ""
    numpy: Text = ""
    python: Text = ""

    @field_validator("kind")
    @classmethod
    def _readable(cls, kind: str) -> str:
        if kind not in task_names():
            raise ValueError(f"must be one of {', '.join(task_names())}")
        return kind


class _Card(_Entries):
    """What run.json holds."""

    history: Annotated[list[_Record], Field(min_length=1)]
    provenance: _Provenance


def read_run_file(
    folder: Path,
) -> tuple[FitConfig, list[dict[str, Any]], dict[str, Any], dict[str, str] | None]:
    """Read settings, history, provenance and digests of the files of the run in a folder."""
    card = folder / CARD
    if not is_file(card):
        raise CheckpointError(
            f"Run `{folder}` is not a folder with a finished training (no {CARD}); give one that"
            " `topophys train` made."
        )
    content = _read_card(card)
    try:
        _Card.model_validate(content)
        config = FitConfig.from_mapping(dict(content["config"]), str(card))
    except ValidationError as error:
        reason = first_problem(error)
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {printable(str(error)):.400}"
    else:
        files = _file_digests(content, folder)
        return config, list(content["history"]), dict(content["provenance"]), files
    raise CheckpointError(f"Run `{folder}` has a damaged {CARD} ({reason}); train again.")


def _file_digests(content: dict[str, Any], folder: Path) -> dict[str, str] | None:
    """Digests of the files of a run; None where it is of the first version."""
    if content["version"] == 1:
        return None
    files = content.get("files")
    if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
        raise CheckpointError(f"Run `{folder}` has a {CARD} without digests; train again.")
    return files


def _read_card(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"Run `{path}` cannot be read ({error}); train again.") from None
    old = isinstance(content, dict) and content.get("version") == READABLE[0]
    version = READABLE[0] if old else VERSION
    known = check_file_header(content, f"Run `{path}`", name=FORMAT, version=version)
    if not old and not seal_holds(known):
        raise CheckpointError(
            f"Run `{path}` is not what was written (digest differs): it was altered; restore it or"
            " train again."
        )
    return known


# ---- Runs


@dataclass(frozen=True, eq=False)
class Run(NotebookText):
    """A trained network with its settings and history.

    Attributes
    ----------
    path : Path
        Folder of the run.
    encoder : torch.nn.Module
        The network at its best epoch, on the CPU.
    config : FitConfig
        Settings of the training.
    history : list of dict
        One record per epoch: epoch, loss, regression_loss, auxiliary_loss, val_loss,
        val_accuracy, lr, seconds.
    provenance : dict
        Kind, file and digests of the data, whether inputs are flattened, classes of the training
        split, supervision, confidence below which to abstain, versions.
    digests : dict of str to str, or None
        SHA-256 of the files with weights, by name, as the training wrote them; None for runs of
        version 0.1, in which nothing ties the weights to the history.
    """

    path: Path
    encoder: nn.Module
    config: FitConfig
    history: list[dict[str, Any]]
    provenance: dict[str, Any]
    digests: dict[str, str] | None = None

    def __repr__(self) -> str:
        size = sum(p.numel() for p in self.encoder.parameters())
        best = self.best_epoch
        classes = ", ".join(map(str, self.provenance["classes_seen"]))
        lines = [
            f"Run `{self.path}` ({self.kind}): {type(self.encoder).__name__}, {size:,} weights",
            f"  trained on       {self.provenance['train_samples']:,} samples of classes {classes}",
            f"  epochs           {len(self.history)}, best {best['epoch'] + 1}",
            f"  validation       {best['val_accuracy']:.4f} right",
        ]
        if self.digests is None:
            lines.append("  not checked      weights against history (a run of version 0.1)")
        return "\n".join(lines)

    @property
    def kind(self) -> str:
        """Kind of data set that the network reads."""
        return str(self.provenance.get("kind", "winding"))

    @property
    def best_epoch(self) -> dict[str, Any]:
        """Record of the epoch whose weights are kept."""
        return max(self.history, key=lambda r: (r["val_accuracy"], -r["val_loss"]))

    def predict(
        self,
        H: FourierHamiltonian | NonHermitianHamiltonian | ArrayLike | str | Path,
        *,
        k_points: int | tuple[int, ...] | None = None,
        refine: int = 1,
        sublattice: Sequence[int] | None = None,
        threshold: float | None = None,
        certify: bool = False,
    ) -> Prediction:
        """Predict the invariant of Hamiltonians.

        Parameters
        ----------
        H : FourierHamiltonian, array-like, or path of a file
            For a network of chains: chains with a chiral block, or their blocks of shape
            (..., N, n, n) on the grid of `topophys.k_grid`. In two dimensions: Hamiltonians with
            two bands, their d-vectors (..., Nx, Ny, 3) or Bloch matrices (..., Nx, Ny, 2, 2).
            For networks of other tasks: Hamiltonians of the kind of their data set, in its basis,
            or the matrices that its field `x` holds, on the grid; non-Hermitian chains with
            energies measured from the point gap.
            Files hold such an array (.npy) or hoppings of Wannier90. The scale does not matter,
            unless the network was trained on inputs that were not flattened.
        k_points : int or tuple of int, optional
            Number of k points to sample a Hamiltonian on; that of the training by default.
        refine : int, optional
            How many points replace one before the network reads them, by trigonometric
            interpolation of blocks or d-vectors: exact for N points where hoppings reach over
            less than N/2 cells and nothing was flattened, a guess for other samples.
        sublattice : sequence of int, optional
            Orbitals of the first sublattice of a chain that is not a `ChiralHamiltonian`; found by
            itself where the orbitals are connected.
        threshold : float, optional
            Confidence below which to abstain; by default the one calibrated in training.
        certify : bool, optional
            Prove the invariants too; `H` must have hoppings. The network proposes, the
            certificate disposes: where there is a proof, the value is the proven one.

        Returns
        -------
        Prediction
            Integers with the real-valued predictions, of shape (...).

        Raises
        ------
        KindError
            If `H` is a Hamiltonian of another class than the network reads.
        ShapeError, InputError
            If arrays do not have the size the network was trained on, or are not finite.
        GaplessError
            If the gap closes at one of the k points.
        """
        given = read_input(H) if isinstance(H, str | Path) else H
        if sublattice is not None and get_task(self.kind).invariant != "winding":
            raise InputError(
                f"Argument `sublattice` must be None for a network of kind {self.kind!r}, but is"
                f" {list(sublattice)}; it is for chains."
            )
        x, batch = self.prepare_input(
            given, k_points=k_points, refine=refine, sublattice=sublattice
        )
        real = predict_invariants(self.encoder, x).reshape(batch)
        limit = self.provenance.get("abstain_below", LEAST_CONFIDENCE)
        value, unknown, proof = nearest_integers(real), ~names_integer(real), None
        if certify:
            filled = self._input_settings().get("n_occupied")
            proof = certify_hamiltonian(given, self.kind, sublattice, filled)
            value = np.where(proof.certified, np.ma.getdata(proof.value), value)
            unknown &= ~proof.certified
        if unknown.any():
            value = np.ma.masked_array(value, unknown)
        return Prediction(
            value=value,
            real=real,
            threshold=float(limit if threshold is None else threshold),
            certificate=proof,
            quantity=get_task(self.kind).quantity,
        )

    def prepare_input(
        self,
        H: Any,
        *,
        k_points: int | tuple[int, ...] | None = None,
        refine: int = 1,
        sublattice: Sequence[int] | None = None,
    ) -> tuple[NDArray[np.float32], tuple[int, ...]]:
        """Convert Hamiltonians to the input of the network.

        Parameters
        ----------
        H : FourierHamiltonian or array-like
            As for `predict`, but not a file.
        k_points, refine, sublattice : optional
            As for `predict`.

        Returns
        -------
        x : float32 ndarray of shape (B, *grid, channels)
            Input of the network.
        batch : tuple of int
            Batch axes of `H`, with B elements.

        Raises
        ------
        KindError, ShapeError, InputError, GaplessError
            As `predict`.
        """
        settings = self._input_settings()
        points = settings["k_points" if "k_points" in settings else "k_grid"]
        if k_points is not None:
            points = k_points
        task = get_task(self.kind)
        sampling = Sampling(
            grid=(points,) * task.dim if isinstance(points, int) else tuple(points),
            channels=settings["input_dim"],
            n_occupied=settings.get("n_occupied", 1),
            refine=refine,
            sublattice=sublattice,
        )
        samples, flat = task.samples(H, sampling)
        entries = 1 if samples.shape[-1] == sampling.channels else 2
        grid = samples.shape[-entries - task.dim : -entries]
        batch = samples.shape[: -entries - task.dim]
        values = flat
        if not self.provenance["flattened_input"]:
            values = samples
            if settings.get("flatten", True):
                # single precision holds no numbers beyond 1e38; the network divides by the scale
                axes = tuple(range(len(batch), samples.ndim))
                values = samples / np.abs(samples).max(axis=axes, keepdims=True)
        shape = (math.prod(batch), *grid, sampling.channels)
        x = np.ascontiguousarray(values).view(np.float64).reshape(shape)
        return x.astype(np.float32), batch

    def _input_settings(self) -> dict[str, Any]:
        """Grid, channels and filling of the inputs; of the data for networks that do not say."""
        known = encoder_settings(self.encoder)
        if "input_shape" not in self.provenance:
            return known
        *grid, channels = self.provenance["input_shape"]
        points = {"k_points": grid[0]} if len(grid) == 1 else {"k_grid": tuple(grid)}
        own = "input_dim" in known and not isinstance(self.encoder, OutputAdapter)
        derived = {"input_dim": channels, "n_occupied": self.provenance.get("n_occupied", 1)}
        # whether a network of a user needs inputs scaled to order 1 is not known: keep the scale
        return {**derived, **points, "flatten": False, **(known if own else {})}


def load_run(path: str | Path, *, model: nn.Module | None = None) -> Run:
    """Read a run folder written by `fit`.

    Parameters
    ----------
    path : str or Path
        The folder.
    model : torch.nn.Module, optional
        For a run of a network of your own whose class is not registered: a network of the same
        architecture. The run holds a copy of it with the saved weights.

    Returns
    -------
    Run
        With the network of the best epoch.

    Raises
    ------
    CheckpointError
        If the folder is missing, incomplete, foreign or altered.

    Examples
    --------
    >>> load_run("nowhere")
    Traceback (most recent call last):
    ...
    topophys.errors.CheckpointError: Run `nowhere` is not a folder with a finished training ...
    """
    folder = Path(path)
    config, history, provenance, digests = read_run_file(folder)
    encoder = load_encoder(folder, "best", model=model, digests=digests)
    return Run(folder, encoder, config, history, provenance, digests)
