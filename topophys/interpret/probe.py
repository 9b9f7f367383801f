"""Linear probes of the hidden layers for the winding angle and its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from topophys import _checks
from topophys._progress import track
from topophys._random import keyed_generator
from topophys.datasets import Dataset
from topophys.errors import InputError
from topophys.interpret.activations import activations
from topophys.interpret.explained import bootstrap_interval, r_squared
from topophys.interpret.report import ProbeReport, ProbeResult
from topophys.interpret.ridge import held_out_predictions
from topophys.learn import Run
from topophys.learn.evaluate import encoder_settings

__all__ = ["probe"]

Array: TypeAlias = NDArray[np.float64]
#: Layer, and what it is held to contain.
TARGETS: Final[Mapping[str, str]] = {
    "h1_features": "cos alpha, sin alpha",
    "h2_features": "dalpha",
}


def probe(
    run: Run,
    dataset: Dataset,
    *,
    split: str = "test",
    n_hamiltonians: int = 1000,
    n_untrained: int = 5,
    folds: int = 5,
    seed: int = 0,
    progress: bool = True,
) -> ProbeReport:
    r"""Linear probes of h1 and h2 against the exact winding angle and its steps.

    Targets are :math:`(\cos\alpha_j, \sin\alpha_j)` at the k points for h1, and
    :math:`\Delta\alpha_j` on the links for h2. The same probe is put to four sources: the trained
    network, networks with the same architecture and random weights, the trained network with the
    targets of other Hamiltonians, and the network's input itself (for h2 that of both ends of a
    link).

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of winding numbers.
    split : str, optional
        Split to take Hamiltonians from; one that training did not see.
    n_hamiltonians : int, optional
        How many Hamiltonians, drawn at random.
    n_untrained : int, optional
        How many random initialisations.
    folds : int, optional
        Folds of the outer cross-validation.
    seed : int, optional
        Seed of the subset, the shuffle, the bootstrap and the untrained networks.
    progress : bool, optional
        Show progress.

    Returns
    -------
    ProbeReport
        Held-out R^2 of every layer and source.

    Raises
    ------
    InputError
        If the data set is of another kind, lacks the split, or has too few Hamiltonians, or a
        number is too small.

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
    _checks.positive_int(n_untrained, "n_untrained")
    if _checks.positive_int(folds, "folds", minimum=2) > n_hamiltonians:
        raise InputError(
            f"Argument `folds` must be at most `n_hamiltonians` = {n_hamiltonians}, but is {folds}."
        )
    x, alpha, dalpha = _subset(dataset, split, n_hamiltonians, seed)
    targets = {
        "h1_features": np.stack([np.cos(alpha), np.sin(alpha)], axis=-1),
        "h2_features": dalpha[..., None],
    }
    raw = {
        "h1_features": x.astype(np.float64),
        "h2_features": np.concatenate([x, np.roll(x, -1, axis=1)], axis=-1).astype(np.float64),
    }
    trained = activations(run.encoder, x)
    untrained = [activations(_untrained(run.encoder, seed + 1 + i), x) for i in range(n_untrained)]
    other = _others(len(x), seed)
    results: list[ProbeResult] = []
    with track(len(TARGETS) * (n_untrained + 3), "probing", progress) as advance:
        for layer, name in TARGETS.items():
            score = _Scorer(layer, name, folds, seed, advance)
            target = targets[layer]
            results += [
                score.one("trained", trained[layer], target),
                score.many("untrained", [hidden[layer] for hidden in untrained], target),
                score.one("shuffled", trained[layer], target[other]),
                score.one("raw input", raw[layer], target),
            ]
    return ProbeReport(split, len(x), n_untrained, folds, seed, tuple(results))


class _Scorer:
    """Puts one probe to different features."""

    def __init__(
        self, layer: str, target: str, folds: int, seed: int, advance: Callable[[int], object]
    ) -> None:
        self.layer, self.target, self.folds, self.seed = layer, target, folds, seed
        self.advance = advance

    def one(self, source: str, features: Array, target: Array) -> ProbeResult:
        predicted = self._predict(features, target)
        low, high = bootstrap_interval(predicted, target, keyed_generator(self.seed, 2))
        return self._result(source, r_squared(predicted, target), low, high)

    def many(self, source: str, features: list[Array], target: Array) -> ProbeResult:
        values = [r_squared(self._predict(f, target), target) for f in features]
        return self._result(source, float(np.mean(values)), min(values), max(values))

    def _predict(self, features: Array, target: Array) -> Array:
        predicted = held_out_predictions(features, target, folds=self.folds)
        self.advance(1)
        return predicted

    def _result(self, source: str, r2: float, low: float, high: float) -> ProbeResult:
        return ProbeResult(self.layer, self.target, source, r2, low, high)


def _subset(
    dataset: Dataset, split: str, n_hamiltonians: int, seed: int
) -> tuple[NDArray[np.float32], Array, Array]:
    if dataset.kind != "winding" or split not in dataset.splits:
        raise InputError(
            f"Argument `dataset` must hold winding numbers and a split `{split}`, but is of kind"
            f" {dataset.kind!r} with splits {', '.join(dataset.splits)}."
        )
    chosen = dataset.split(split)
    wanted = _checks.positive_int(n_hamiltonians, "n_hamiltonians", minimum=20)
    if len(chosen) < wanted:
        raise InputError(
            f"Argument `n_hamiltonians` must be at most {len(chosen)}, the size of split `{split}`,"
            f" but is {wanted}."
        )
    pick = np.sort(keyed_generator(seed, 0).choice(len(chosen), wanted, replace=False))
    x, alpha, dalpha = chosen.read("x", "alpha", "dalpha", index=pick)
    return x, alpha, dalpha


def _others(n: int, seed: int) -> NDArray[np.int64]:
    """Permutation that leaves nothing in its place: one cycle through all in random order."""
    order = keyed_generator(seed, 1).permutation(n)
    other = np.empty_like(order)
    other[order] = np.roll(order, 1)
    return other


def _untrained(encoder: nn.Module, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return type(encoder)(**encoder_settings(encoder))
