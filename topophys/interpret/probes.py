"""Linear probes of hidden layers for exact local physics, with every control."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import t as student
from torch import nn

from topophys import _validation
from topophys._progress import track
from topophys._random import keyed_generator
from topophys.datasets import Dataset
from topophys.errors import InputError
from topophys.interpret.probed_network import (
    LAYERS,
    Layer,
    ProbedNetwork,
    Samples,
    draw_samples,
    reads_from_sum,
    untrained_like,
)
from topophys.interpret.regression import (
    bootstrap_interval,
    fit_ridge,
    fold_of_each,
    gram_sums,
    held_out_predictions,
    r_squared,
)
from topophys.interpret.reports import ProbeReport, ProbeResult
from topophys.interpret.targets import TARGETS, curl_features, difference_features, window_sums
from topophys.learn import Run
from topophys.learn.run import encoder_settings, placement

__all__ = [
    "HeldOut",
    "ProbeSuite",
    "circular",
    "derangement",
    "modulo_exact",
    "probe",
    "single_channel",
    "whole_layer",
]


# ---- Probe types

Array: TypeAlias = NDArray[np.float64]
#: Number of segments of the piecewise-linear regression.
SEGMENTS = 8


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out predictions and their targets."""

    predicted: Array  # (S, P, T), predictions and exact values
    target: Array  # (S, P, T), predictions and exact values
    baseline: Array | None = None  # (S, P, T), predictions to compare with

    def r2(self) -> float:
        """Share of the variance that is explained beyond the baseline."""
        return r_squared(self.predicted, self.target, baseline=self.baseline)

    def interval(self, seed: int) -> tuple[float, float]:
        """95 % bootstrap interval over Hamiltonians."""
        rng = keyed_generator(seed, 2)
        return bootstrap_interval(self.predicted, self.target, rng, baseline=self.baseline)


def whole_layer(
    features: Float[np.ndarray, "samples k c"], target: Float[np.ndarray, "samples k t"], folds: int
) -> HeldOut:
    """Ridge regression on all channels."""
    return HeldOut(held_out_predictions(features, target, folds=folds), target)


def circular(
    features: Float[np.ndarray, "samples k c"], angle: Float[np.ndarray, "samples k"], folds: int
) -> HeldOut:
    r"""Regression of an angle: ridge for its cosine and sine, then the direction they point in.

    .. math:: R^2 = 1 - \sum (1 - \cos(\alpha - \hat\alpha)) / \sum (1 - |\bar u|^2) / 2

    with :math:`\bar u` the mean of :math:`u = (\cos\alpha, \sin\alpha)`: the usual R^2 of u, since
    :math:`|u - \hat u|^2 = 2 (1 - \cos(\alpha - \hat\alpha))`.

    Ref.: N. I. Fisher, *Statistical Analysis of Circular Data*, Cambridge University Press (1993).
    """
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    found = held_out_predictions(features, unit, folds=folds)
    size = np.linalg.norm(found, axis=-1, keepdims=True)
    return HeldOut(found / np.where(size > 0.0, size, 1.0), unit)


def modulo_exact(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    exact: Float[np.ndarray, "samples k f"],
    folds: int,
) -> HeldOut:
    r"""Regression up to terms whose sum over the zone is zero.

    .. math:: y \approx h W + e V, \qquad
        R^2 = 1 - \frac{\sum (y - h W - e V)^2}{\sum (y - e V_0)^2}

    where e are exact forms and :math:`V_0` the best that these can do alone. The score is what
    the layer explains of that part of the target which exact forms do not explain by themselves:
    features without the target score 0, also where exact forms follow the target closely.
    """
    alone = held_out_predictions(exact, target, folds=folds)
    both = np.concatenate([features, exact], axis=-1)
    return HeldOut(held_out_predictions(both, target, folds=folds), target, alone)


def single_channel(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    folds: int,
    *,
    segmented: bool = False,
) -> HeldOut:
    """Regression on one channel for each target, picked on the training part of each fold.

    Ref.: V. M. R. Muggeo, Stat. Med. 22, 3055 (2003), on regressions with breaks.
    """
    fold = fold_of_each(len(features), folds)
    out = np.empty_like(target)
    for i in range(folds):
        inside, outside = fold != i, fold == i
        for t in range(target.shape[-1]):
            wanted = target[inside][..., t : t + 1]
            origin = features[0].mean(0)
            best = int(np.argmax(gram_sums(features[inside], wanted, origin).channel_scores()))
            train, test = features[inside][..., best], features[outside][..., best]
            breaks = np.quantile(train, np.arange(1, SEGMENTS) / SEGMENTS) if segmented else ()
            fit = fit_ridge(_hinges(train, breaks), wanted, folds=folds - 1)
            out[outside, :, t] = fit(_hinges(test, breaks))[..., 0]
    return HeldOut(out, target)


def _hinges(x: Array, breaks: Array | tuple[()]) -> Array:
    return np.stack([x, *(np.maximum(x - b, 0.0) for b in breaks)], axis=-1)


# ---- Probe suite

Job: TypeAlias = Callable[[], list[ProbeResult]]


@dataclass(frozen=True, eq=False)
class ProbeSuite:
    """Questions about the layers of trained and untrained networks."""

    samples: Samples  # hamiltonians to probe on
    other_splits: Sequence[Samples]  # those of other splits
    trained: Sequence[ProbedNetwork]  # the networks
    untrained: Sequence[ProbedNetwork]  # the networks
    folds: int  # of the cross-validation and of the bootstrap
    seed: int  # of the cross-validation and of the bootstrap

    def jobs(self, layer: Layer) -> list[Job]:
        """Split the work on one layer into pieces."""
        probes = [self._plain, self._other_splits, self._channels]
        # what is read off, and what it depends on, is known of networks that add up places
        summed = all(reads_from_sum(s.encoder) for s in self.trained)
        if not layer.last:
            probes += [self._circular, *([self._active] if summed else [])]
        else:
            probes += [*([self._read_out] if summed else []), self._modulo, self._windows]
        return [lambda probe=probe: list(probe(layer)) for probe in probes]  # type: ignore[misc]  # bound now

    # ---- probes

    def _plain(self, layer: Layer) -> Iterator[ProbeResult]:
        grid = self._grid(layer)
        target = self._target(layer)
        others = derangement(len(self.samples.x), self.seed)
        probed = self._each(self.trained, layer)
        yield self._row(layer, "trained", [self._whole(f, target) for f in probed])
        random = self._each(self.untrained, layer)
        yield self._row(layer, "untrained", [self._whole(f, target) for f in random])
        yield self._row(layer, "shuffled", [self._whole(f, target[others]) for f in probed])
        raw = _flat(self.samples.raw_input(layer, grid))
        yield self._row(layer, "raw input", [self._whole(raw, target)])
        for source, name in (("control", layer.control), ("scrambled", layer.scrambled)):
            if name is not None:
                control = _flat(self.samples.exact(name, grid))
                found = [self._whole(f, control) for f in probed]
                yield self._row(layer, source, found, target=name)

    def _other_splits(self, layer: Layer) -> Iterator[ProbeResult]:
        target = self._target(layer)
        for source, networks in self._both():
            fits = [fit_ridge(f, target, folds=self.folds) for f in self._each(networks, layer)]
            for samples in self.other_splits:
                wanted = _flat(samples.exact(layer.target, self._grid(layer, samples)))
                hidden = [_flat(s.hidden(samples, layer.name)) for s in networks]
                held = [HeldOut(fit(h), wanted) for fit, h in zip(fits, hidden, strict=True)]
                yield self._row(layer, source, held, split=samples.split)

    def _channels(self, layer: Layer) -> Iterator[ProbeResult]:
        target = self._target(layer)
        for measure, segmented in (("best channel", False), ("segmented", True)):
            for source, networks in self._both():
                held = [
                    single_channel(f, target, self.folds, segmented=segmented)
                    for f in self._each(networks, layer)
                ]
                yield self._row(layer, source, held, measure)

    def _circular(self, layer: Layer) -> Iterator[ProbeResult]:
        for source, name in (("trained", layer.target), ("untrained", layer.target),
                             ("control", layer.control)):  # fmt: skip
            vector = _flat(self.samples.exact(name, self._grid(layer)))
            angle = np.arctan2(vector[..., 1], vector[..., 0])
            networks = self.untrained if source == "untrained" else self.trained
            held = [circular(f, angle, self.folds) for f in self._each(networks, layer)]
            yield self._row(layer, source, held, "circular", target=name)

    def _active(self, layer: Layer) -> Iterator[ProbeResult]:
        target = self._target(layer)
        r = target.shape[-1]
        parts = {
            source: [s.active_part(self.samples, layer.name, r) for s in networks]
            for source, networks in self._both()
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
        for source, networks in self._both():
            found = [2.0 * np.pi * _flat(s.density(self.samples, layer.name)) for s in networks]
            yield self._row(layer, source, [HeldOut(f, target) for f in found], "read-out")

    def _modulo(self, layer: Layer) -> Iterator[ProbeResult]:
        target, grid = self._target(layer), self._grid(layer)
        x = self.samples.local_input(grid)
        forms = _flat(difference_features(x) if len(grid) == 1 else curl_features(x))
        yield self._row(layer, "exact forms", [self._whole(forms, target)])
        control = _flat(self.samples.exact(layer.control, grid))
        for source, networks, wanted, name in (
            ("trained", self.trained, target, layer.target),
            ("untrained", self.untrained, target, layer.target),
            ("control", self.trained, control, layer.control),
        ):
            held = [modulo_exact(f, wanted, forms, self.folds) for f in self._each(networks, layer)]
            yield self._row(layer, source, held, "modulo exact", target=name)

    def _windows(self, layer: Layer) -> Iterator[ProbeResult]:
        grid = self._grid(layer)
        target = self.samples.exact(layer.target, grid)
        width = 2
        while all(n % width == 0 for n in grid):
            wanted = _flat(window_sums(target, width))
            for source, networks in self._both():
                held = [
                    self._whole(
                        _flat(window_sums(s.hidden(self.samples, layer.name), width)), wanted
                    )
                    for s in networks
                ]
                yield self._row(layer, source, held, f"window {width}")
            width *= 2

    # ---- helpers

    def _both(self) -> list[tuple[str, Sequence[ProbedNetwork]]]:
        return [("trained", self.trained), ("untrained", self.untrained)]

    def _each(self, networks: Sequence[ProbedNetwork], layer: Layer) -> list[Array]:
        return [_flat(s.hidden(self.samples, layer.name)) for s in networks]

    def _grid(self, layer: Layer, samples: Samples | None = None) -> tuple[int, ...]:
        chosen = self.samples if samples is None else samples
        return self.trained[0].hidden(chosen, layer.name).shape[1:-1]

    def _target(self, layer: Layer) -> Array:
        return _flat(self.samples.exact(layer.target, self._grid(layer)))

    def _whole(self, features: Array, target: Array) -> HeldOut:
        return whole_layer(features, target, self.folds)

    def _row(
        self,
        layer: Layer,
        source: str,
        held: Sequence[HeldOut],
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


def derangement(n: int, seed: int) -> NDArray[np.int64]:
    """Random cyclic permutation, which has no fixed point."""
    # -> (n,)
    order = keyed_generator(seed, 1).permutation(n)
    other = np.empty_like(order)
    other[order] = np.roll(order, 1)
    return other


# ---- Entry point


def probe(
    run: Run | Sequence[Run],
    dataset: Dataset,
    *,
    split: str = "test",
    others: Sequence[str] | None = None,
    n_hamiltonians: int = 1000,
    n_untrained: int = 5,
    folds: int = 5,
    seed: int = 0,
    progress: bool = True,
) -> ProbeReport:
    r"""Linear probes of the local layers against exact local physics.

    Targets are :math:`(\cos\alpha_j, \sin\alpha_j)` at the k points for h1 and
    :math:`\Delta\alpha_j` on the links for h2 of chains, and the Berry flux F through the
    plaquettes for h3 of two-band Hamiltonians, all from the stored hoppings in double precision.
    The same probes are fitted to every control that could explain a high score: networks of the
    same architecture with random weights, the targets of other Hamiltonians, the input itself, and
    control quantities on which no invariant depends. Probes fitted on `split` are evaluated without
    refitting on the other splits. Densities are probed as they are, modulo exact forms, and summed
    over windows.

    Parameters
    ----------
    run : Run, or sequence of Run
        A trained network; or several that differ in the seed of the training, for intervals over
        trainings.
    dataset : Dataset
        Data set of winding or Chern numbers.
    split : str, optional
        Split to take Hamiltonians from; one that training did not see.
    others : sequence of str, optional
        Splits to try the fitted probes on; by default all that training did not see.
    n_hamiltonians : int, optional
        How many Hamiltonians, drawn at random; of the other splits at most as many.
    n_untrained : int, optional
        How many random initialisations.
    folds : int, optional
        Folds of the outer cross-validation, at least 4.
    seed : int, optional
        Seed of the subset, the shuffle, the bootstrap and the untrained networks.
    progress : bool, optional
        Show progress.

    Returns
    -------
    ProbeReport
        Held-out R^2 of every layer, measure and source.

    Raises
    ------
    InputError
        If the data set is of another kind, lacks a split, or has too few Hamiltonians, if a
        number is too small, or runs have different networks.

    References
    ----------
    .. [1] G. Alain, Y. Bengio, Proc. ICLR workshop (2017).
    .. [2] J. Hewitt, P. Liang, Proc. EMNLP, 2733 (2019), on control tasks.

    Examples
    --------
    >>> import tempfile
    >>> from topophys.datasets import Recipe, generate, open_dataset
    >>> from topophys.learn import FitConfig, fit
    >>> splits = [{"name": s, "size": 30, "classes": [-1, 0, 1]} for s in ("train", "val", "test")]
    >>> recipe = Recipe.from_dict({
    ...     "name": "small", "seed": 1,
    ...     "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
    ...     "label": {"invariant": "winding", "min_gap": 0.1},
    ...     "input": {"grid": [32]}, "split": splits,
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = generate(recipe, folder + "/small.h5", progress=False)
    ...     with open_dataset(folder + "/small.h5") as dataset:
    ...         run = fit(FitConfig(epochs=1), dataset, folder + "/run", progress=False)
    ...         report = probe(run, dataset, n_hamiltonians=30, n_untrained=1, progress=False)
    >>> report.r2("h1_features", "trained") > report.r2("h1_features", "shuffled")
    True
    """
    runs = _alike(run)
    _validation.positive_int(n_untrained, "n_untrained")
    if _validation.positive_int(folds, "folds", minimum=4) > n_hamiltonians:
        raise InputError(
            f"Argument `folds` must be at most `n_hamiltonians` = {n_hamiltonians}, but is {folds}."
        )
    samples = draw_samples(dataset, split, n_hamiltonians, seed)
    other_splits = _other_splits(runs[0], dataset, split, others, n_hamiltonians, seed)
    first = runs[0].encoder
    _require_layers(first, samples.x[:1], [layer.name for layer in LAYERS[dataset.kind]])
    suite = ProbeSuite(
        samples,
        other_splits,
        trained=[ProbedNetwork(r.encoder) for r in runs],
        untrained=[ProbedNetwork(untrained_like(first, seed + 1 + i)) for i in range(n_untrained)],
        folds=folds,
        seed=seed,
    )
    jobs = [job for layer in LAYERS[dataset.kind] for job in suite.jobs(layer)]
    results: list[ProbeResult] = []
    with track(len(jobs), "probing", progress) as advance:
        for job in jobs:
            results += job()
            advance(1)
    return ProbeReport(
        split, len(samples.x), n_untrained, folds, seed, tuple(results), n_runs=len(runs)
    )


def _require_layers(encoder: nn.Module, x: NDArray[np.float32], names: Sequence[str]) -> None:
    """Refuse networks whose output does not name the layers that are probed."""
    _, dtype = placement(encoder)
    with torch.no_grad():
        given = encoder.eval()(torch.from_numpy(x).to(next(encoder.parameters()).device, dtype))
    missing = [name for name in names if name not in given["local_features"]]
    if missing:
        raise InputError(
            "Argument `run` must be of a network whose output has `local_features` with"
            f" {', '.join(names)}, but {', '.join(missing)} are missing; `activations` and"
            " `exact_targets` compare layers of any module."
        )


def _alike(run: Run | Sequence[Run]) -> list[Run]:
    if isinstance(run, nn.Module):
        raise InputError(
            "Argument `run` must be a run that `fit` or `load_run` returned, but is a module;"
            " `activations` and `exact_targets` compare layers of any module."
        )
    runs = [run] if isinstance(run, Run) else list(run)
    if not runs:
        raise InputError("Argument `run` must be a run or several, but is empty.")
    kinds = {(type(r.encoder).__name__, str(encoder_settings(r.encoder))) for r in runs}
    if len(kinds) > 1:
        raise InputError(
            "Argument `run` must hold runs of one architecture, but has"
            f" {len(kinds)} different ones; probe them one by one."
        )
    return runs


def _other_splits(
    run: Run, dataset: Dataset, split: str, others: Sequence[str] | None, n: int, seed: int
) -> list[Samples]:
    excluded = {run.config.train_split, run.config.val_split, split}
    names = [s for s in dataset.splits if s not in excluded] if others is None else list(others)
    sizes = {name: len(dataset.split(name)) for name in names}
    few = [name for name, size in sizes.items() if size < 20]
    if few and others is not None:
        raise InputError(
            f"Argument `others` must name splits of at least 20 Hamiltonians, but `{few[0]}` has"
            f" {sizes[few[0]]}."
        )
    return [
        draw_samples(dataset, name, min(n, size), seed)
        for name, size in sizes.items()
        if size >= 20
    ]
