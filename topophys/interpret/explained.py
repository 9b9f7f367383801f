"""Explained variance, and how far it would move with other Hamiltonians."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from topophys.errors import InputError

__all__ = ["bootstrap_interval", "r_squared"]


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
    left = ((target - predicted) ** 2).sum()
    start = target.mean(axis=(0, 1)) if baseline is None else baseline
    spread = ((target - start) ** 2).sum()
    if spread == 0.0:
        raise InputError("Argument `target` must vary, but all its entries are equal.")
    return float(1.0 - left / spread)


def bootstrap_interval(
    predicted: Float[np.ndarray, "samples k t"],
    target: Float[np.ndarray, "samples k t"],
    rng: np.random.Generator,
    *,
    draws: int = 1000,
    baseline: Float[np.ndarray, "samples k t"] | None = None,
) -> tuple[float, float]:
    """95 % interval of `r_squared` when other Hamiltonians had been drawn.

    Parameters
    ----------
    predicted, target : float64 ndarray of shape (S, N, T)
        Held-out predictions and exact values.
    rng : numpy.random.Generator
        Source of the resamples.
    draws : int, optional
        Number of resamples of whole Hamiltonians.
    baseline : float64 ndarray of shape (S, N, T), optional
        As for `r_squared`.

    Returns
    -------
    tuple of float
        2.5 % and 97.5 % quantile.

    References
    ----------
    .. [1] B. Efron, Ann. Stat. 7, 1 (1979).

    Examples
    --------
    >>> y = np.arange(40.0).reshape(10, 4, 1)
    >>> low, high = bootstrap_interval(y + 0.1, y, np.random.default_rng(0))
    >>> 0.99 < low <= high < 1.0
    True
    """
    left = ((target - predicted) ** 2).sum((1, 2))
    start = target.mean(axis=(0, 1)) if baseline is None else baseline
    spread = ((target - start) ** 2).sum((1, 2))
    pick = rng.integers(len(target), size=(draws, len(target)))
    values = 1.0 - left[pick].sum(1) / spread[pick].sum(1)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
