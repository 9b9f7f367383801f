"""Ways to ask whether features hold a target; each gives held-out predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from topophys._random import keyed_generator
from topophys.interpret.explained import bootstrap_interval, r_squared
from topophys.interpret.gram import gram_sums
from topophys.interpret.ridge import fit_ridge, fold_of_each, held_out_predictions

__all__ = ["Held", "circular", "modulo_exact", "single_channel", "whole_layer"]

Array: TypeAlias = NDArray[np.float64]
#: Pieces of the segmented regression.
PIECES = 8


@dataclass(frozen=True, eq=False)
class Held:
    """Held-out predictions beside what they should be.

    Attributes
    ----------
    predicted, target : float64 ndarray of shape (S, P, T)
        Predictions and exact values.
    baseline : float64 ndarray of shape (S, P, T) or None
        Predictions to compare with; None for the mean.
    """

    predicted: Array
    target: Array
    baseline: Array | None = None

    def r2(self) -> float:
        """Share of the variance that is explained beyond the baseline.

        Returns
        -------
        float
            As `r_squared`.
        """
        return r_squared(self.predicted, self.target, baseline=self.baseline)

    def interval(self, seed: int) -> tuple[float, float]:
        """95 % bootstrap interval over Hamiltonians.

        Parameters
        ----------
        seed : int
            Seed of the resamples.

        Returns
        -------
        tuple of float
            Lower and upper end.
        """
        rng = keyed_generator(seed, 2)
        return bootstrap_interval(self.predicted, self.target, rng, baseline=self.baseline)


def whole_layer(
    features: Float[np.ndarray, "samples k c"], target: Float[np.ndarray, "samples k t"], folds: int
) -> Held:
    """Ridge regression on all channels.

    Parameters
    ----------
    features : float64 ndarray of shape (S, P, C)
        Activations at P places.
    target : float64 ndarray of shape (S, P, T)
        Exact values.
    folds : int
        Folds of whole Hamiltonians.

    Returns
    -------
    Held
        Held-out predictions.
    """
    return Held(held_out_predictions(features, target, folds=folds), target)


def circular(
    features: Float[np.ndarray, "samples k c"], angle: Float[np.ndarray, "samples k"], folds: int
) -> Held:
    r"""Regression of an angle: ridge for its cosine and sine, then the direction they point in.

    .. math:: R^2 = 1 - \sum (1 - \cos(\alpha - \hat\alpha)) / \sum (1 - |\bar u|^2) / 2

    with :math:`\bar u` the mean of :math:`u = (\cos\alpha, \sin\alpha)`: the usual R^2 of u, since
    :math:`|u - \hat u|^2 = 2 (1 - \cos(\alpha - \hat\alpha))`.

    Parameters
    ----------
    features : float64 ndarray of shape (S, P, C)
        Activations.
    angle : float64 ndarray of shape (S, P)
        Angles in radians.
    folds : int
        Folds of whole Hamiltonians.

    Returns
    -------
    Held
        Unit vectors.

    References
    ----------
    .. [1] N. I. Fisher, *Statistical Analysis of Circular Data*, Cambridge University Press
       (1993).
    """
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    found = held_out_predictions(features, unit, folds=folds)
    size = np.linalg.norm(found, axis=-1, keepdims=True)
    return Held(found / np.where(size > 0.0, size, 1.0), unit)


def modulo_exact(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    exact: Float[np.ndarray, "samples k f"],
    folds: int,
) -> Held:
    r"""Regression up to terms whose sum over the zone is zero.

    .. math:: y \approx h W + e V, \qquad
        R^2 = 1 - \frac{\sum (y - h W - e V)^2}{\sum (y - e V_0)^2}

    where e are exact forms and :math:`V_0` the best that these can do alone. The score is what
    the layer explains of that part of the target which exact forms do not explain by themselves:
    features without the target score 0, also where exact forms follow the target closely.

    Parameters
    ----------
    features : float64 ndarray of shape (S, P, C)
        Activations h.
    target : float64 ndarray of shape (S, P, T)
        Exact density y.
    exact : float64 ndarray of shape (S, P, F)
        Exact forms, such as `difference_features`.
    folds : int
        Folds of whole Hamiltonians.

    Returns
    -------
    Held
        Predictions with h and e, beside those with e alone.
    """
    alone = held_out_predictions(exact, target, folds=folds)
    both = np.concatenate([features, exact], axis=-1)
    return Held(held_out_predictions(both, target, folds=folds), target, alone)


def single_channel(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    folds: int,
    *,
    segmented: bool = False,
) -> Held:
    """Regression on one channel for each target, picked on the training part of each fold.

    Parameters
    ----------
    features : float64 ndarray of shape (S, P, C)
        Activations.
    target : float64 ndarray of shape (S, P, T)
        Exact values.
    folds : int
        Folds of whole Hamiltonians, at least 4.
    segmented : bool, optional
        Continuous piecewise-linear function of the channel, with breaks at its quantiles in the
        training part, instead of a straight line. A channel that *is* the target up to scale
        gains nothing from it.

    Returns
    -------
    Held
        Held-out predictions.

    References
    ----------
    .. [1] V. M. R. Muggeo, Stat. Med. 22, 3055 (2003), on regressions with breaks.
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
            breaks = np.quantile(train, np.arange(1, PIECES) / PIECES) if segmented else ()
            fit = fit_ridge(_hinges(train, breaks), wanted, folds=folds - 1)
            out[outside, :, t] = fit(_hinges(test, breaks))[..., 0]
    return Held(out, target)


def _hinges(x: Array, breaks: Array | tuple[()]) -> Array:
    return np.stack([x, *(np.maximum(x - b, 0.0) for b in breaks)], axis=-1)
