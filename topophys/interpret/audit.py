"""Symmetries act on the input: layers and output beside what exact physics says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys._progress import track
from topophys.datasets import Dataset
from topophys.interpret.activations import activations
from topophys.interpret.ridge import RidgeFit, fit_ridge
from topophys.interpret.rows import RowReport
from topophys.interpret.samples import LAYERS, Layer, Samples, draw_samples
from topophys.interpret.symmetries import SYMMETRIES, Symmetry, channels_of, fields_of
from topophys.learn import Run
from topophys.learn.evaluate import placement, predict_invariants

__all__ = ["AuditReport", "AuditRow", "audit"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class AuditRow:
    """How far one quantity misses what a symmetry demands.

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
class AuditReport(RowReport):
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
    operations = SYMMETRIES[dataset.kind]
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
