"""Linear regression from sums over whole Hamiltonians, cross-validated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from topophys import _statistics
from topophys._random import keyed_generator
from topophys.errors import InputError, ShapeError

__all__ = [
    "GramSums",
    "LinearDecoder",
    "RidgeFit",
    "bootstrap_interval",
    "fit_decoder",
    "fit_ridge",
    "fold_of_each",
    "gram_sums",
    "held_out_predictions",
    "r_squared",
    "solve_ridge",
    "squared_errors",
]


# ---- Gram matrices

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GramSums:
    """Sums over the places of some Hamiltonians; those of two parts add."""

    count: int  # number of places
    x: Array  # (C,), sums of features, counted from the origin, and of targets
    y: Array  # (T,), sums of features, counted from the origin, and of targets
    xx: Array  # (C, C), sums of products
    xy: Array  # (C, T), sums of products
    yy: Array  # (T,), sums of squares of the targets
    origin: Array  # (C,), where features are counted from

    def __add__(self, other: GramSums) -> GramSums:
        return GramSums(
            self.count + other.count,
            self.x + other.x,
            self.y + other.y,
            self.xx + other.xx,
            self.xy + other.xy,
            self.yy + other.yy,
            self.origin,
        )

    def columns(self, kept: NDArray[np.int64]) -> GramSums:
        """Keep the sums of some features only."""
        # kept of (K,)
        xx, origin = self.xx[np.ix_(kept, kept)], self.origin[kept]
        return GramSums(self.count, self.x[kept], self.y, xx, self.xy[kept], self.yy, origin)

    def centred(self) -> tuple[Array, Array]:
        """Covariances of features with features and with targets."""
        # -> (C, C), (C, T)
        x, y = self.x / self.count, self.y / self.count
        return self.xx / self.count - np.outer(x, x), self.xy / self.count - np.outer(x, y)

    def target_variances(self) -> Array:
        """Variance of each target."""
        # -> (T,)
        return np.asarray(self.yy / self.count - (self.y / self.count) ** 2)

    def channel_scores(self) -> Array:
        """Share of the variance of the targets that each feature explains alone."""
        # -> (C,)
        xx, xy = self.centred()
        own = np.diag(xx)
        explained = np.divide((xy**2).sum(1), own, out=np.zeros_like(own), where=own > 0.0)
        return np.asarray(explained / self.target_variances().sum())


def gram_sums(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    origin: Array,
) -> GramSums:
    """Add up products over all places of some Hamiltonians, by matrix products."""
    # origin of (C,)
    x = (features - origin).reshape(-1, features.shape[-1])
    y = target.reshape(-1, target.shape[-1])
    return GramSums(
        len(x), x.sum(0), y.sum(0), x.T @ x, x.T @ y, np.einsum("pt,pt->t", y, y), origin
    )


def solve_ridge(sums: GramSums, penalties: Sequence[float]) -> list[tuple[Array, Array]]:
    r"""Ridge regression on standardised features, for several penalties at once.

    .. math:: w = (Z^\top Z + \lambda)^{-1} Z^\top y, \qquad Z = (X - \bar X) / \sigma

    Ref.: A. E. Hoerl, R. W. Kennard, Technometrics 12, 55 (1970).
    """
    # -> weights (C, T) and offsets (T,) for each penalty
    xx, xy = sums.centred()
    own = np.diag(xx)
    alive = own > 1e-14 * (own + (sums.x / sums.count) ** 2)  # else constant but for rounding
    scale = np.where(alive, 1.0 / np.sqrt(np.where(alive, own, 1.0)), 0.0)
    values, vectors = np.linalg.eigh(sums.count * scale[:, None] * xx * scale)
    values = np.maximum(values, 0.0)
    projected = vectors.T @ (sums.count * scale[:, None] * xy)
    found = []
    for penalty in penalties:
        weights = scale[:, None] * (vectors @ (projected / (values + penalty)[:, None]))
        mean = sums.x / sums.count + sums.origin
        found.append((weights, np.asarray(sums.y / sums.count - mean @ weights)))
    return found


def squared_errors(sums: GramSums, weights: Array, bias: Array) -> Array:
    """Sum of squared errors of an affine map on a part, from its sums alone."""
    # weights, bias of (C, T), (T,) -> (T,)
    rest = bias + sums.origin @ weights  # offset relative to the origin
    return np.asarray(
        sums.yy
        + np.einsum("ct,cd,dt->t", weights, sums.xx, weights)
        + sums.count * rest**2
        - 2.0 * np.einsum("ct,ct->t", weights, sums.xy)
        - 2.0 * rest * sums.y
        + 2.0 * rest * (sums.x @ weights)
    )


# ---- Scores


def r_squared(
    predicted: Float[np.ndarray, "samples k t"],
    target: Float[np.ndarray, "samples k t"],
    *,
    baseline: Float[np.ndarray, "samples k t"] | None = None,
) -> float:
    r"""Share of the variance of the targets that the predictions explain.

    .. math:: R^2 = 1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2

    Parameters
    ----------
    predicted, target : float64 ndarray of shape (S, N, T)
        Held-out predictions and exact values; sums run over all entries, the mean over all but T.
    baseline : float64 ndarray of shape (S, N, T), optional
        Predictions to compare with instead of the mean.

    Returns
    -------
    float
        1 for perfect predictions, 0 for those of the baseline, negative for worse.

    Raises
    ------
    InputError
        If the targets do not vary.

    Examples
    --------
    >>> y = np.arange(6.0).reshape(3, 2, 1)
    >>> r_squared(y, y), r_squared(np.full_like(y, 2.5), y)
    (1.0, 0.0)
    """
    start = target.mean(axis=(0, 1)) if baseline is None else baseline
    score = _statistics.r_squared(predicted, target, start)
    if score is None:
        raise InputError("Argument `target` must vary, but all its entries are equal.")
    return score


def bootstrap_interval(
    predicted: Float[np.ndarray, "samples k t"],
    target: Float[np.ndarray, "samples k t"],
    rng: np.random.Generator,
    *,
    draws: int = 1000,
    baseline: Float[np.ndarray, "samples k t"] | None = None,
) -> tuple[float, float]:
    """95 % interval of `r_squared` when other Hamiltonians had been drawn.

    Ref.: B. Efron, Ann. Stat. 7, 1 (1979).
    """
    left = ((target - predicted) ** 2).sum((1, 2))
    start = target.mean(axis=(0, 1)) if baseline is None else baseline
    spread = ((target - start) ** 2).sum((1, 2))
    pick = rng.integers(len(target), size=(draws, len(target)))
    values = 1.0 - left[pick].sum(1) / spread[pick].sum(1)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


# ---- Ridge regression

PENALTIES: Final = (1e-4, 1e-1, 1e2)  # per standardised feature, on sums of tens of thousands


@dataclass(frozen=True, eq=False)
class LinearDecoder:
    """Affine map from the channels of a layer to a few numbers.

    Attributes
    ----------
    weights : float64 ndarray of shape (C, T)
        One column for each number.
    bias : float64 ndarray of shape (T,)
        Offsets.
    """

    weights: Float[np.ndarray, "c t"]
    bias: Float[np.ndarray, " t"]

    def __call__(self, features: Float[np.ndarray, "... c"]) -> Float[np.ndarray, "... t"]:
        """Apply the map.

        Shapes: `features` (..., C); returns (..., T).
        """
        if features.shape[-1:] != self.weights.shape[:1]:
            raise ShapeError(
                f"Argument `features` must have {len(self.weights)} channels, but has shape"
                f" {features.shape}."
            )
        return np.asarray(features @ self.weights + self.bias)


@dataclass(frozen=True, eq=False)
class RidgeFit(LinearDecoder):
    """Affine map found by ridge regression."""

    penalty: float  # the penalty that cross-validation chose


def fold_of_each(n_samples: int, folds: int) -> Int[np.ndarray, " samples"]:
    """Fold of each Hamiltonian: random, of equal size, the same in every call."""
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
    r"""Predict each Hamiltonian's targets from a ridge regression fitted on the others.

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
    """Ridge regression on all samples, to be tried on others."""
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


# ---- Linear decoder


def fit_decoder(
    features: Float[np.ndarray, "samples k c"], target: Float[np.ndarray, "samples k t"]
) -> LinearDecoder:
    """Least-squares map from activations to exact quantities.

    Fit it on other Hamiltonians than those shown.

    Parameters
    ----------
    features : float64 ndarray of shape (S, N, C)
        Activations.
    target : float64 ndarray of shape (S, N, T)
        Exact quantities at the same places, for example cos and sin of the winding angle.

    Returns
    -------
    LinearDecoder
        The map, with a small ridge penalty.

    Raises
    ------
    ShapeError
        If the places of features and targets are not the same.

    References
    ----------
    .. [1] A. E. Hoerl, R. W. Kennard, Technometrics 12, 55 (1970).

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((20, 8, 3))
    >>> decoder = fit_decoder(x, x[..., :1] + 1.0)
    >>> bool(np.allclose(decoder(x), x[..., :1] + 1.0, atol=1e-4))
    True
    """
    if features.shape[:-1] != target.shape[:-1]:
        raise ShapeError(
            f"Argument `target` must have shape (S, N, T) with (S, N) = {features.shape[:-1]} as"
            f" `features` has, but has {target.shape}."
        )
    rows = features.reshape(-1, features.shape[-1])
    model = Ridge(alpha=1e-4).fit(rows, target.reshape(len(rows), -1))
    weights = np.asarray(model.coef_).reshape(-1, rows.shape[1]).T
    return LinearDecoder(np.ascontiguousarray(weights), np.atleast_1d(model.intercept_))
