"""Cross-validated linear regression from sums over whole Hamiltonians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from topophys._random import keyed_generator
from topophys.errors import InputError, ShapeError
from topophys.interpret.gram import GramSums, gram_sums, solve_ridge, squared_errors

__all__ = ["RidgeFit", "fit_ridge", "fold_of_each", "held_out_predictions"]

PENALTIES: Final = (1e-4, 1e-1, 1e2)  # per standardised feature, on sums of tens of thousands


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """Affine map found by ridge regression.

    Attributes
    ----------
    weights : float64 ndarray of shape (C, T)
        One column for each target.
    bias : float64 ndarray of shape (T,)
        Offsets.
    penalty : float
        The penalty that cross-validation chose.
    """

    weights: Float[np.ndarray, "c t"]
    bias: Float[np.ndarray, " t"]
    penalty: float

    def __call__(self, features: Float[np.ndarray, "... c"]) -> Float[np.ndarray, "... t"]:
        """Predict.

        Parameters
        ----------
        features : float64 ndarray of shape (..., C)
            Activations.

        Returns
        -------
        float64 ndarray of shape (..., T)
            Predictions.
        """
        return np.asarray(features @ self.weights + self.bias)


def fold_of_each(n_samples: int, folds: int) -> Int[np.ndarray, " samples"]:
    """Fold of each Hamiltonian: random, of equal size, the same in every call.

    Parameters
    ----------
    n_samples, folds : int
        Number of Hamiltonians and of folds.

    Returns
    -------
    int64 ndarray of shape (S,)
        Numbers from 0 to folds - 1.

    Raises
    ------
    InputError
        If there are fewer Hamiltonians than folds, or fewer than two folds.
    """
    if not 2 <= folds <= n_samples:
        raise InputError(
            f"Argument `folds` must be from 2 to the number of Hamiltonians, {n_samples}, but is"
            f" {folds}."
        )
    return keyed_generator(0, n_samples).permutation(np.arange(n_samples) % folds)


def held_out_predictions(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    *,
    folds: int = 5,
    select: Callable[[GramSums], NDArray[np.int64]] | None = None,
) -> Float[np.ndarray, "samples k t"]:
    r"""Predict each Hamiltonian's targets from a ridge regression that never saw it.

    .. math:: \hat y = X (X^\top X + \lambda)^{-1} X^\top y

    Nested: the penalty is chosen by an inner cross-validation on the training part alone. Folds
    are made of whole Hamiltonians, since neighbouring k points of one are alike. The samples are
    read once, into one Gram matrix for each fold; everything else is done on sums of these.

    Parameters
    ----------
    features : float64 ndarray of shape (S, N, C)
        Activations at the places of one layer.
    target : float64 ndarray of shape (S, N, T)
        Exact quantities at the same places.
    folds : int, optional
        Number of folds, at least 3; the inner folds are those that remain.
    select : callable, optional
        From the sums of a training part to the columns of features to use; all by default.

    Returns
    -------
    float64 ndarray of shape (S, N, T)
        Held-out predictions.

    Raises
    ------
    ShapeError
        If features and targets are not at the same places.
    InputError
        If there are fewer than three folds, or fewer Hamiltonians than folds.

    References
    ----------
    .. [1] A. E. Hoerl, R. W. Kennard, Technometrics 12, 55 (1970).
    .. [2] G. Alain, Y. Bengio, Proc. ICLR workshop (2017), on linear probes.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((50, 8, 3))
    >>> y = x @ np.array([[1.0], [2.0], [0.0]])
    >>> bool(np.abs(held_out_predictions(x, y) - y).max() < 1e-3)
    True
    """
    out = np.empty_like(target)
    # the matrices have a few dozen columns: more threads only wait for each other
    with threadpool_limits(1):
        fold, parts = _parts(features, target, folds)
        for i in range(folds):
            others = parts[:i] + parts[i + 1 :]
            kept = np.arange(features.shape[-1]) if select is None else select(_total(others))
            found = _fit([part.columns(kept) for part in others])
            out[fold == i] = found(features[fold == i][..., kept])
    return out


def fit_ridge(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    *,
    folds: int = 5,
) -> RidgeFit:
    """Ridge regression on all samples, to be tried on others.

    Parameters
    ----------
    features : float64 ndarray of shape (S, N, C)
        Activations.
    target : float64 ndarray of shape (S, N, T)
        Exact quantities at the same places.
    folds : int, optional
        Folds of the cross-validation that chooses the penalty, made of whole Hamiltonians.

    Returns
    -------
    RidgeFit
        The map.

    Raises
    ------
    ShapeError, InputError
        As `held_out_predictions`.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((20, 8, 3))
    >>> fit = fit_ridge(x, 2.0 * x[..., :1] - 1.0)
    >>> bool(np.allclose(fit.weights[:, 0], [2.0, 0.0, 0.0], atol=1e-4))
    True
    """
    with threadpool_limits(1):
        _, parts = _parts(features, target, folds)
        return _fit(parts)


def _parts(
    features: NDArray[np.float64], target: NDArray[np.float64], folds: int
) -> tuple[NDArray[np.int64], list[GramSums]]:
    if features.shape[:2] != target.shape[:2]:
        raise ShapeError(
            f"Argument `target` must have shape (S, N, T) with (S, N) = {features.shape[:2]} as"
            f" `features` has, but has {target.shape}."
        )
    if folds < 3:
        raise InputError(f"Argument `folds` must be at least 3, but is {folds}.")
    fold = fold_of_each(len(features), folds)
    origin = features[0].mean(0)
    return fold, [gram_sums(features[fold == i], target[fold == i], origin) for i in range(folds)]


def _total(parts: list[GramSums]) -> GramSums:
    # never by subtraction: what is left out must not leave even its rounding errors behind
    return sum(parts[1:], parts[0])


def _fit(parts: list[GramSums]) -> RidgeFit:
    """Choose the penalty by leaving out each part in turn; then fit the whole."""
    whole = _total(parts)
    spread = np.maximum(whole.target_variances(), np.finfo(float).tiny)
    losses = np.zeros(len(PENALTIES))
    for left_out, part in enumerate(parts):
        rest = _total(parts[:left_out] + parts[left_out + 1 :])
        for i, (weights, bias) in enumerate(solve_ridge(rest, PENALTIES)):
            losses[i] += (squared_errors(part, weights, bias) / spread).sum()
    best = int(np.argmin(losses))
    weights, bias = solve_ridge(whole, PENALTIES[best : best + 1])[0]
    return RidgeFit(weights, bias, PENALTIES[best])
