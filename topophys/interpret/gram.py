"""Sums of products from which linear regressions are solved, for any union of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

__all__ = ["GramSums", "gram_sums", "solve_ridge", "squared_errors"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GramSums:
    """Sums over the places of some Hamiltonians; those of two parts add.

    Attributes
    ----------
    count : int
        Number of places.
    x, y : float64 ndarray of shape (C,), (T,)
        Sums of features, counted from the origin, and of targets.
    xx, xy : float64 ndarray of shape (C, C), (C, T)
        Sums of products.
    yy : float64 ndarray of shape (T,)
        Sums of squares of the targets.
    origin : float64 ndarray of shape (C,)
        Where features are counted from.
    """

    count: int
    x: Array
    y: Array
    xx: Array
    xy: Array
    yy: Array
    origin: Array

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
        """Keep the sums of some features only.

        Parameters
        ----------
        kept : int64 ndarray of shape (K,)
            Which features.

        Returns
        -------
        GramSums
            Of the same places.
        """
        xx, origin = self.xx[np.ix_(kept, kept)], self.origin[kept]
        return GramSums(self.count, self.x[kept], self.y, xx, self.xy[kept], self.yy, origin)

    def centred(self) -> tuple[Array, Array]:
        """Covariances of features with features and with targets.

        Returns
        -------
        float64 ndarray of shape (C, C), (C, T)
            Means of products about the means.
        """
        x, y = self.x / self.count, self.y / self.count
        return self.xx / self.count - np.outer(x, x), self.xy / self.count - np.outer(x, y)

    def target_variances(self) -> Array:
        """Variance of each target.

        Returns
        -------
        float64 ndarray of shape (T,)
            Mean squares about the means.
        """
        return np.asarray(self.yy / self.count - (self.y / self.count) ** 2)

    def channel_scores(self) -> Array:
        """Share of the variance of the targets that each feature explains alone.

        Returns
        -------
        float64 ndarray of shape (C,)
            Squared correlation, weighted by the variances of the targets; 0 for constants.
        """
        xx, xy = self.centred()
        own = np.diag(xx)
        explained = np.divide((xy**2).sum(1), own, out=np.zeros_like(own), where=own > 0.0)
        return np.asarray(explained / self.target_variances().sum())


def gram_sums(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    origin: Array,
) -> GramSums:
    """Add up products over all places of some Hamiltonians, by matrix products.

    Parameters
    ----------
    features : float64 ndarray of shape (S, N, C)
        Activations.
    target : float64 ndarray of shape (S, N, T)
        Exact quantities at the same places.
    origin : float64 ndarray of shape (C,)
        Where to count features from; near their mean, so that little cancels later.

    Returns
    -------
    GramSums
        The sums.
    """
    x = (features - origin).reshape(-1, features.shape[-1])
    y = target.reshape(-1, target.shape[-1])
    return GramSums(
        len(x), x.sum(0), y.sum(0), x.T @ x, x.T @ y, np.einsum("pt,pt->t", y, y), origin
    )


def solve_ridge(sums: GramSums, penalties: Sequence[float]) -> list[tuple[Array, Array]]:
    r"""Ridge regression on standardised features, for several penalties at once.

    .. math:: w = (Z^\top Z + \lambda)^{-1} Z^\top y, \qquad Z = (X - \bar X) / \sigma

    Parameters
    ----------
    sums : GramSums
        Sums of the training part.
    penalties : sequence of float
        Values of lambda.

    Returns
    -------
    list of (float64 ndarray of shape (C, T), float64 ndarray of shape (T,))
        Weights and offsets in the units of the features, for each penalty.

    References
    ----------
    .. [1] A. E. Hoerl, R. W. Kennard, Technometrics 12, 55 (1970).
    """
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
    """Sum of squared errors of an affine map on a part, from its sums alone.

    Parameters
    ----------
    sums : GramSums
        Sums of the part.
    weights, bias : float64 ndarray of shape (C, T), (T,)
        The map.

    Returns
    -------
    float64 ndarray of shape (T,)
        Sums of squares.
    """
    rest = bias + sums.origin @ weights  # offset as seen from the origin
    return np.asarray(
        sums.yy
        + np.einsum("ct,cd,dt->t", weights, sums.xx, weights)
        + sums.count * rest**2
        - 2.0 * np.einsum("ct,ct->t", weights, sums.xy)
        - 2.0 * rest * sums.y
        + 2.0 * rest * (sums.x @ weights)
    )
