"""Cross-validated linear regression, split by Hamiltonian."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from topophys.errors import InputError

__all__ = ["bootstrap_interval", "held_out_predictions", "r_squared"]

PENALTIES: Final = (1e-4, 1e-1, 1e2)  # per standardised feature, on sums of tens of thousands
INNER_FOLDS: Final = 3


def held_out_predictions(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    *,
    folds: int = 5,
) -> Float[np.ndarray, "samples k t"]:
    """Predict each Hamiltonian's targets from a ridge regression that never saw it.

    Nested: the penalty is chosen by an inner cross-validation on the training part alone. Folds
    are made of whole Hamiltonians, since neighbouring k points of one are alike.

    Parameters
    ----------
    features : float64 ndarray of shape (S, N, C)
        Activations at the places of one layer.
    target : float64 ndarray of shape (S, N, T)
        Exact quantities at the same places.
    folds : int, optional
        Number of outer folds.

    Returns
    -------
    float64 ndarray of shape (S, N, T)
        Held-out predictions.

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
    n_samples, n_k, n_target = target.shape
    group: Int[np.ndarray, " rows"] = np.repeat(np.arange(n_samples), n_k)
    rows = features.reshape(n_samples * n_k, -1)
    wanted = target.reshape(n_samples * n_k, n_target)
    out = np.empty_like(wanted)
    # the matrices have a few dozen columns: more threads only wait for each other
    with threadpool_limits(1):
        for train, test in GroupKFold(folds).split(rows, groups=group):
            search = GridSearchCV(
                make_pipeline(StandardScaler(), Ridge()),
                {"ridge__alpha": PENALTIES},
                cv=GroupKFold(INNER_FOLDS),
            )
            search.fit(rows[train], wanted[train], groups=group[train])
            out[test] = search.predict(rows[test]).reshape(-1, n_target)
    return out.reshape(target.shape)


def r_squared(
    predicted: Float[np.ndarray, "samples k t"], target: Float[np.ndarray, "samples k t"]
) -> float:
    r"""Share of the variance of the targets that the predictions explain.

    .. math:: R^2 = 1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2

    Parameters
    ----------
    predicted, target : float64 ndarray of shape (S, N, T)
        Held-out predictions and exact values; sums run over all entries, the mean over all but T.

    Returns
    -------
    float
        1 for perfect predictions, 0 for the mean, negative for worse.

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
    spread = ((target - target.mean(axis=(0, 1))) ** 2).sum()
    if spread == 0.0:
        raise InputError("Argument `target` must vary, but all its entries are equal.")
    return float(1.0 - left / spread)


def bootstrap_interval(
    predicted: Float[np.ndarray, "samples k t"],
    target: Float[np.ndarray, "samples k t"],
    rng: np.random.Generator,
    *,
    draws: int = 1000,
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
    spread = ((target - target.mean(axis=(0, 1))) ** 2).sum((1, 2))
    pick = rng.integers(len(target), size=(draws, len(target)))
    values = 1.0 - left[pick].sum(1) / spread[pick].sum(1)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
