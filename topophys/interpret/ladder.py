"""All questions put to one layer, from the plain probe to its controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from topophys._random import keyed_generator
from topophys.interpret.exact_forms import curl_features, difference_features, window_sums
from topophys.interpret.measures import (
    Held,
    circular,
    modulo_exact,
    single_channel,
    whole_layer,
)
from topophys.interpret.report import ProbeResult
from topophys.interpret.ridge import fit_ridge
from topophys.interpret.samples import Layer, Samples
from topophys.interpret.subjects import Subject
from topophys.interpret.targets import TARGETS

__all__ = ["Ladder", "others_of"]

Array: TypeAlias = NDArray[np.float64]
Job: TypeAlias = Callable[[], list[ProbeResult]]


@dataclass(frozen=True, eq=False)
class Ladder:
    """Questions about the layers of trained and untrained networks.

    Attributes
    ----------
    samples : Samples
        Hamiltonians to probe on.
    elsewhere : sequence of Samples
        Those of other splits.
    trained, untrained : sequence of Subject
        The networks.
    folds, seed : int
        Of the cross-validation and of the bootstrap.
    """

    samples: Samples
    elsewhere: Sequence[Samples]
    trained: Sequence[Subject]
    untrained: Sequence[Subject]
    folds: int
    seed: int

    def jobs(self, layer: Layer) -> list[Job]:
        """Split the work on one layer into pieces.

        Parameters
        ----------
        layer : Layer
            The layer.

        Returns
        -------
        list of callable
            Each gives some rows of the report.
        """
        rungs = [self._plain, self._elsewhere, self._channels]
        if not layer.last:
            rungs += [self._circular, self._used]
        else:
            rungs += [self._read_out, self._modulo, self._windows]
        return [lambda rung=rung: list(rung(layer)) for rung in rungs]  # type: ignore[misc]  # bound now

    # ---- rungs

    def _plain(self, layer: Layer) -> Iterator[ProbeResult]:
        grid = self._grid(layer)
        target = self._target(layer)
        other = others_of(len(self.samples.x), self.seed)
        probed = self._each(self.trained, layer)
        yield self._row(layer, "trained", [self._whole(f, target) for f in probed])
        random = self._each(self.untrained, layer)
        yield self._row(layer, "untrained", [self._whole(f, target) for f in random])
        yield self._row(layer, "shuffled", [self._whole(f, target[other]) for f in probed])
        raw = _flat(self.samples.raw_input(layer, grid))
        yield self._row(layer, "raw input", [self._whole(raw, target)])
        for source, name in (("control", layer.control), ("scrambled", layer.scrambled)):
            if name is not None:
                control = _flat(self.samples.exact(name, grid))
                found = [self._whole(f, control) for f in probed]
                yield self._row(layer, source, found, target=name)

    def _elsewhere(self, layer: Layer) -> Iterator[ProbeResult]:
        target = self._target(layer)
        for source, subjects in self._both():
            fits = [fit_ridge(f, target, folds=self.folds) for f in self._each(subjects, layer)]
            for samples in self.elsewhere:
                wanted = _flat(samples.exact(layer.target, self._grid(layer, samples)))
                hidden = [_flat(s.hidden(samples, layer.name)) for s in subjects]
                held = [Held(fit(h), wanted) for fit, h in zip(fits, hidden, strict=True)]
                yield self._row(layer, source, held, split=samples.split)

    def _channels(self, layer: Layer) -> Iterator[ProbeResult]:
        target = self._target(layer)
        for measure, segmented in (("best channel", False), ("segmented", True)):
            for source, subjects in self._both():
                held = [
                    single_channel(f, target, self.folds, segmented=segmented)
                    for f in self._each(subjects, layer)
                ]
                yield self._row(layer, source, held, measure)

    def _circular(self, layer: Layer) -> Iterator[ProbeResult]:
        for source, name in (("trained", layer.target), ("untrained", layer.target),
                             ("control", layer.control)):  # fmt: skip
            vector = _flat(self.samples.exact(name, self._grid(layer)))
            angle = np.arctan2(vector[..., 1], vector[..., 0])
            subjects = self.untrained if source == "untrained" else self.trained
            held = [circular(f, angle, self.folds) for f in self._each(subjects, layer)]
            yield self._row(layer, source, held, "circular", target=name)

    def _used(self, layer: Layer) -> Iterator[ProbeResult]:
        target = self._target(layer)
        r = target.shape[-1]
        parts = {
            source: [s.used(self.samples, layer.name, r) for s in subjects]
            for source, subjects in self._both()
        }
        if any(p is None for found in parts.values() for p in found):
            return
        control = _flat(self.samples.exact(layer.control, self._grid(layer)))
        for source, of, wanted, name in (
            ("trained", "trained", target, layer.target),
            ("untrained", "untrained", target, layer.target),
            ("control", "trained", control, layer.control),
        ):
            held = [self._whole(_flat(p), wanted) for p in parts[of] if p is not None]
            yield self._row(layer, source, held, "used part", target=name)

    def _read_out(self, layer: Layer) -> Iterator[ProbeResult]:
        # nothing is fitted: 2 pi times what each place adds to the invariant, beside the density
        target = self._target(layer)
        for source, subjects in self._both():
            found = [2.0 * np.pi * _flat(s.density(self.samples, layer.name)) for s in subjects]
            yield self._row(layer, source, [Held(f, target) for f in found], "read-out")

    def _modulo(self, layer: Layer) -> Iterator[ProbeResult]:
        target, grid = self._target(layer), self._grid(layer)
        x = self.samples.local_input(grid)
        forms = _flat(difference_features(x) if len(grid) == 1 else curl_features(x))
        yield self._row(layer, "exact forms", [self._whole(forms, target)])
        control = _flat(self.samples.exact(layer.control, grid))
        for source, subjects, wanted, name in (
            ("trained", self.trained, target, layer.target),
            ("untrained", self.untrained, target, layer.target),
            ("control", self.trained, control, layer.control),
        ):
            held = [modulo_exact(f, wanted, forms, self.folds) for f in self._each(subjects, layer)]
            yield self._row(layer, source, held, "modulo exact", target=name)

    def _windows(self, layer: Layer) -> Iterator[ProbeResult]:
        grid = self._grid(layer)
        target = self.samples.exact(layer.target, grid)
        width = 2
        while all(n % width == 0 for n in grid):
            wanted = _flat(window_sums(target, width))
            for source, subjects in self._both():
                held = [
                    self._whole(
                        _flat(window_sums(s.hidden(self.samples, layer.name), width)), wanted
                    )
                    for s in subjects
                ]
                yield self._row(layer, source, held, f"window {width}")
            width *= 2

    # ---- pieces

    def _both(self) -> list[tuple[str, Sequence[Subject]]]:
        return [("trained", self.trained), ("untrained", self.untrained)]

    def _each(self, subjects: Sequence[Subject], layer: Layer) -> list[Array]:
        return [_flat(s.hidden(self.samples, layer.name)) for s in subjects]

    def _grid(self, layer: Layer, samples: Samples | None = None) -> tuple[int, ...]:
        chosen = self.samples if samples is None else samples
        return self.trained[0].hidden(chosen, layer.name).shape[1:-1]

    def _target(self, layer: Layer) -> Array:
        return _flat(self.samples.exact(layer.target, self._grid(layer)))

    def _whole(self, features: Array, target: Array) -> Held:
        return whole_layer(features, target, self.folds)

    def _row(
        self,
        layer: Layer,
        source: str,
        held: Sequence[Held],
        measure: str = "raw",
        *,
        target: str | None = None,
        split: str | None = None,
    ) -> ProbeResult:
        values = np.array([h.r2() for h in held])
        low, high = held[0].interval(self.seed) if len(held) == 1 else _student(values)
        mean = float(values.mean())
        return ProbeResult(
            layer.name,
            TARGETS[target or layer.target].text,
            source,
            mean,
            min(low, mean),
            max(high, mean),
            measure,
            split or self.samples.split,
            len(held),
        )


def _student(values: Array) -> tuple[float, float]:
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(min(values.mean() + half, 1.0))


def _flat(value: Array) -> Array:
    """Places in one axis: (S, *places, C) to (S, P, C)."""
    return value.reshape(len(value), -1, value.shape[-1])


def others_of(n: int, seed: int) -> NDArray[np.int64]:
    """Permutation that leaves nothing in its place: one cycle through all in random order.

    Parameters
    ----------
    n, seed : int
        Length, and seed of the order.

    Returns
    -------
    int64 ndarray of shape (n,)
        The permutation.

    Examples
    --------
    >>> bool((others_of(5, 0) != np.arange(5)).all())
    True
    """
    order = keyed_generator(seed, 1).permutation(n)
    other = np.empty_like(order)
    other[order] = np.roll(order, 1)
    return other
