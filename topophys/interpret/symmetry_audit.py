"""Symmetry audit: operations on the input, layers and output against exact physics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys._progress import track
from topophys.datasets import Dataset
from topophys.datasets.families import blocks_from_channels, channels, unitaries
from topophys.datasets.tasks import get_task
from topophys.interpret.hooks import activations
from topophys.interpret.probed_network import LAYERS, Layer, Samples, draw_samples
from topophys.interpret.regression import RidgeFit, fit_ridge
from topophys.interpret.reports import TableReport
from topophys.learn import Run
from topophys.learn.run import placement, predict_invariants

__all__ = [
    "CHAIN_SYMMETRIES",
    "PLANE_SYMMETRIES",
    "AuditReport",
    "AuditRow",
    "Symmetry",
    "audit",
    "channels_of",
    "fields_of",
]


# ---- Symmetry operations

Array: TypeAlias = NDArray[np.float64]
Follow: TypeAlias = Callable[[Array], Array]
Act: TypeAlias = Callable[[Any, np.random.Generator], tuple[Any, Mapping[str, Follow]]]


@dataclass(frozen=True, eq=False)
class Symmetry:
    """An operation and its consequences."""

    name: str  # for the table
    #: from blocks (S, N, n, n) or d-vectors (S, Nx, Ny, 3) and a generator to the changed
    #: ones, and by target the map that its values must follow
    act: Act
    sign: int  # 1 where the invariant stays, -1 where it changes sign
    words: Mapping[str, str]  # expectation by target, and under "whole" that of layers
    #: by layer, what all its channels must follow, whatever they are
    whole: Mapping[str, Follow] = field(default_factory=dict)


def fields_of(x: Array) -> Any:
    """Blocks or d-vectors from the channels of a data set."""
    # x of (S, N, 2 n^2) or (S, Nx, Ny, 3) -> (S, N, n, n) or (S, Nx, Ny, 3)
    return x if x.ndim == 4 else blocks_from_channels(x)


def channels_of(fields: Any) -> Array:
    """Channels of a data set from blocks or d-vectors: the inverse of `fields_of`."""
    # fields of (S, N, n, n) or (S, Nx, Ny, 3) -> (S, N, 2 n^2) or (S, Nx, Ny, 3)
    return channels(fields) if np.iscomplexobj(fields) else np.asarray(fields)


# ---- predicted effect on targets


def _same(value: Array) -> Array:
    return value


def _minus(value: Array) -> Array:
    return -value


def _rotated(angle: Array) -> Follow:
    """Rotation of (cos, sin) by an angle of shape (S, N or 1)."""

    def follow(value: Array) -> Array:
        c, s = np.cos(angle), np.sin(angle)
        x, y = value[..., 0], value[..., 1]
        return np.stack([c * x - s * y, s * x + c * y], axis=-1)

    return follow


def _conjugate(value: Array) -> Array:
    return value * [1.0, -1.0]


def _points_reversed(value: Array) -> Array:
    for axis in range(1, value.ndim - 1):
        value = np.roll(np.flip(value, axis), 1, axis)  # k_j -> k_(N-j): the first stays
    return value


def _cells_reversed(value: Array) -> Array:
    for axis in range(1, value.ndim - 1):
        value = np.flip(value, axis)  # the link j -> j+1 becomes N-1-j
    return value


# ---- chains


def _basis(d: Any, rng: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    left, right = (unitaries(len(d), d.shape[-1], rng)[:, None] for _ in range(2))
    phase = np.angle(np.linalg.det(left) * np.linalg.det(right))
    return left @ d @ right, {"cos_sin_alpha": _rotated(phase), "dalpha": _same}


def _gauge(d: Any, rng: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    k = 2.0 * np.pi * np.arange(d.shape[1]) / d.shape[1]
    size, start = rng.uniform(0.1, 0.5, (len(d), 1)), rng.uniform(0.0, 2.0 * np.pi, (len(d), 1))
    phi = size * np.sin(k + start)
    phase = d.shape[-1] * phi
    step = (np.roll(phase, -1, axis=1) - phase)[..., None]
    changed = np.exp(1j * phi)[..., None, None] * d
    return changed, {"cos_sin_alpha": _rotated(phase), "dalpha": lambda value: value + step}


def _scale(d: Any, rng: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    points = d.shape[: 2 if np.iscomplexobj(d) else 3]
    factor = np.exp(rng.uniform(-1.0, 1.0, points))
    same = dict.fromkeys(("cos_sin_alpha", "dalpha", "flux"), _same)
    return factor.reshape(points + (1,) * (d.ndim - len(points))) * d, same


SHIFT: Final = 5


def _rolled(value: Any) -> Any:
    axes = range(1, 2 if np.iscomplexobj(value) else value.ndim - 1)
    for axis in axes:
        value = np.roll(value, SHIFT, axis)
    return value


def _origin(d: Any, _: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    return _rolled(d), dict.fromkeys(("cos_sin_alpha", "dalpha", "flux"), _rolled)


def _reverse_chain(d: Any, _: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    changed = np.roll(np.flip(d, 1), 1, 1)
    return changed, {
        "cos_sin_alpha": _points_reversed,
        "dalpha": lambda value: -_cells_reversed(value),
    }


def _dagger(d: Any, _: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    return d.conj().swapaxes(-1, -2), {"cos_sin_alpha": _conjugate, "dalpha": _minus}


# ---- two bands


def _rotation(d: Any, rng: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    q, r = np.linalg.qr(rng.standard_normal((len(d), 1, 3, 3)))
    q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    q[..., 0] *= np.sign(np.linalg.det(q))[..., None]
    rotated = np.einsum("suab,sxyb->sxya", q, d)
    return rotated, {"flux": _same}


def _reverse_plane(d: Any, _: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    return _points_reversed(d), {"flux": _cells_reversed}


def _exchange(d: Any, _: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    return d.swapaxes(1, 2), {"flux": lambda value: -value.swapaxes(1, 2)}


def _other_band(d: Any, _: np.random.Generator) -> tuple[Any, Mapping[str, Follow]]:
    return -d, {"flux": _minus}


_ALL: Final = ("h1_features", "h2_features", "h3_features")
_SHIFTED: Final = dict.fromkeys(_ALL, _rolled)
_FIXED: Final = dict.fromkeys(_ALL, _same)
_INVARIANT: Final = {"cos_sin_alpha": "invariant", "dalpha": "invariant", "flux": "invariant"}
#: Operations on chains.
CHAIN_SYMMETRIES: Final = (
    Symmetry(
        "D -> W D X, unitary",
        _basis,
        1,
        {"cos_sin_alpha": "turned", "dalpha": "invariant", "whole": "invariant"},
        {"h2_features": _same},
    ),
    Symmetry(
        "origin of k",
        _origin,
        1,
        dict.fromkeys(("cos_sin_alpha", "dalpha", "whole"), "equivariant"),
        _SHIFTED,
    ),
    Symmetry(
        "k -> -k",
        _reverse_chain,
        -1,
        {"cos_sin_alpha": "equivariant", "dalpha": "odd", "whole": "equivariant"},
        {"h1_features": _points_reversed},
    ),
    Symmetry("D -> D^dagger", _dagger, -1, {"cos_sin_alpha": "mirrored", "dalpha": "odd"}),
    Symmetry("D -> r(k) D, r > 0", _scale, 1, _INVARIANT | {"whole": "invariant"}, _FIXED),
    Symmetry(
        "D -> exp(i phi(k)) D",
        _gauge,
        1,
        {"cos_sin_alpha": "turned", "dalpha": "plus exact difference"},
    ),
)
#: Operations on two bands in two dimensions.
PLANE_SYMMETRIES: Final = (
    Symmetry(
        "rotation of d",
        _rotation,
        1,
        {"flux": "invariant", "whole": "invariant"},
        {"h3_features": _same},
    ),
    Symmetry("origin of k", _origin, 1, {"flux": "equivariant", "whole": "equivariant"}, _SHIFTED),
    Symmetry("k -> -k", _reverse_plane, 1, {"flux": "equivariant"}),
    Symmetry("kx <-> ky", _exchange, -1, {"flux": "odd"}),
    Symmetry("d -> -d", _other_band, -1, {"flux": "odd"}),
    Symmetry("d -> r(k) d, r > 0", _scale, 1, _INVARIANT | {"whole": "invariant"}, _FIXED),
)


# ---- Audit


@dataclass(frozen=True)
class AuditRow:
    """Deviation of one quantity from the value that a symmetry requires.

    Attributes
    ----------
    operation : str
        What was done to the input.
    quantity : str
        A layer as a whole, "... read as" an exact quantity, or "output".
    expectation : str
        What exact physics says of it.
    deviation : float
        Root mean square of the miss, in units of the spread of the quantity; 0 is exact.
    broken : float or None
        For the output: share of Hamiltonians whose integer is not the expected one.

    Examples
    --------
    >>> AuditRow("k -> -k", "output", "odd", 0.01, 0.0).deviation
    0.01
    """

    operation: str
    quantity: str
    expectation: str
    deviation: float
    broken: float | None = None


@dataclass(frozen=True)
class AuditReport(TableReport):
    """Symmetry audit of one network.

    Attributes
    ----------
    split : str
        Split of the Hamiltonians.
    n_hamiltonians, seed : int
        How many, and the seed of their choice and of random operations.
    rows : tuple of AuditRow
        Grouped by operation.
    """

    rows_name, row_type = "rows", AuditRow

    split: str
    n_hamiltonians: int
    seed: int
    rows: tuple[AuditRow, ...]

    def find(self, operation: str, quantity: str) -> AuditRow:
        """One row.

        Parameters
        ----------
        operation, quantity : str
            As in `AuditRow`.

        Returns
        -------
        AuditRow
            The first that fits.

        Raises
        ------
        KeyError
            If there is no such row.
        """
        found: AuditRow = self._first(operation=operation, quantity=quantity)
        return found

    def __repr__(self) -> str:
        header = (
            f"Symmetry audit on {self.n_hamiltonians} Hamiltonians of `{self.split}`: miss of the"
            " expectation, in units of the spread"
        )
        texts = self._columns("operation", "quantity", "expectation")
        lines = [f"  {texts[0]}{'deviation':>12}   integers changed"]
        for text, r in zip(texts[1:], self.rows, strict=True):
            broken = "" if r.broken is None else f"   {r.broken:.4f}"
            lines.append(f"  {text}{r.deviation:>12.2e}{broken}")
        return "\n".join([header, *lines])


def audit(
    run: Run,
    dataset: Dataset,
    *,
    split: str = "test",
    n_hamiltonians: int = 300,
    seed: int = 0,
    progress: bool = True,
) -> AuditReport:
    r"""Act with symmetries on inputs and compare layers and output with exact physics.

    Chains: :math:`D \to W D X` with constant unitaries, another origin of k, :math:`k \to -k`,
    :math:`D \to D^\dagger`, another scale at each k, and the gauge :math:`D \to e^{i\phi(k)} D`
    with a periodic phase. Two-band Hamiltonians: a rotation of d, another origin,
    :math:`k \to -k`, :math:`k_x \leftrightarrow k_y`, :math:`d \to -d`, another scale. A layer as a
    whole is compared where it must follow whatever its channels are; what is read from it by a
    linear map (fitted on the Hamiltonians as they are) everywhere.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of winding or Chern numbers.
    split : str, optional
        Split to take Hamiltonians from.
    n_hamiltonians : int, optional
        How many.
    seed : int, optional
        Seed of the choice and of random operations.
    progress : bool, optional
        Show progress.

    Returns
    -------
    AuditReport
        A row for each operation, layer and the output.

    Raises
    ------
    InputError
        If the data set is of another kind, lacks the split, or has too few Hamiltonians.
    """
    samples = draw_samples(dataset, split, n_hamiltonians, seed)
    look = _Look(run.encoder, samples, LAYERS[dataset.kind])
    rows: list[AuditRow] = []
    operations = get_task(dataset.kind).symmetries()
    with track(len(operations), "symmetry audit", progress) as advance:
        for number, symmetry in enumerate(operations):
            rows += look.rows(symmetry, np.random.default_rng([seed, number]))
            advance(1)
    return AuditReport(split, len(samples.x), seed, tuple(rows))


class _Look:
    """A network on some Hamiltonians before and after an operation."""

    def __init__(self, encoder: Any, samples: Samples, layers: tuple[Layer, ...]) -> None:
        self.encoder, self.layers = encoder, layers
        self.fields = fields_of(samples.x.astype(np.float64))
        self.hidden = activations(encoder, samples.x)
        self.output = self._named(samples.x)
        self.readers: dict[str, RidgeFit] = {}
        for layer in layers:
            grid = self.hidden[layer.name].shape[1:-1]
            target = samples.exact(layer.target, grid)
            flat = [a.reshape(len(a), -1, a.shape[-1]) for a in (self.hidden[layer.name], target)]
            self.readers[layer.name] = fit_ridge(flat[0], flat[1])

    def rows(self, symmetry: Symmetry, rng: np.random.Generator) -> list[AuditRow]:
        """Compare everything with what the operation demands."""
        changed, follow = symmetry.act(self.fields, rng)
        x = channels_of(changed).astype(np.float32)
        after = activations(self.encoder, x)
        found = []
        for layer in self.layers:
            before = self.hidden[layer.name]
            refined = before.shape[1] != self.fields.shape[1]
            whole = symmetry.whole.get(layer.name)
            if whole is not None and not refined:
                miss = _relative(after[layer.name], whole(before), before)
                found.append(AuditRow(symmetry.name, layer.name, symmetry.words["whole"], miss))
            if layer.target in follow and not refined:
                read = self.readers[layer.name]
                wanted = follow[layer.target](read(before))
                miss = _relative(read(after[layer.name]), wanted, read(before))
                name = f"{layer.name} read as {layer.target}"
                found.append(AuditRow(symmetry.name, name, symmetry.words[layer.target], miss))
        named, wanted = self._named(x), symmetry.sign * self.output
        broken = float((np.rint(named) != np.rint(wanted)).mean())
        word = "invariant" if symmetry.sign == 1 else "odd"
        miss = _relative(named, wanted, self.output)
        return [*found, AuditRow(symmetry.name, "output", word, miss, broken)]

    def _named(self, x: NDArray[np.float32]) -> Array:
        device, _ = placement(self.encoder)
        return predict_invariants(self.encoder, x, device=device)


def _relative(value: Array, wanted: Array, before: Array) -> float:
    axes = tuple(range(before.ndim - 1)) if before.ndim > 1 else None
    spread = ((before - before.mean(axis=axes)) ** 2).sum()
    return float(np.sqrt(((value - wanted) ** 2).sum() / spread)) if spread > 0.0 else float("nan")
