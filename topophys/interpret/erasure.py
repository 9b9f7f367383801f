"""Removing what a linear map can read from a layer, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from topophys import _validation
from topophys.errors import ShapeError

__all__ = ["Eraser", "encoding_directions", "fit_eraser", "random_eraser"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Eraser:
    """Affine map that takes some directions of a layer to their mean.

    Attributes
    ----------
    mean : float64 ndarray of shape (C,)
        Mean of the activations.
    matrix : float64 ndarray of shape (C, C)
        Projection onto what is removed.
    rank : int
        How many directions are removed.
    """

    mean: Float[np.ndarray, " c"]
    matrix: Float[np.ndarray, "c c"]
    rank: int

    def __call__(self, features: Float[np.ndarray, "... c"]) -> Float[np.ndarray, "... c"]:
        """Erase.

        Parameters
        ----------
        features : float64 ndarray of shape (..., C)
            Activations.

        Returns
        -------
        float64 ndarray of shape (..., C)
            What is left.
        """
        return np.asarray(features - (features - self.mean) @ self.matrix.T)


def fit_eraser(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    *,
    method: Literal["leace", "projection"] = "leace",
) -> Eraser:
    r"""Eraser after which no linear map reads the target from the layer.

    .. math:: r(h) = h - W^+ P \, W (h - \bar h), \qquad W = \Sigma_{hh}^{-1/2}

    with P the orthogonal projection onto the columns of :math:`W \Sigma_{hy}`. Of all affine maps
    that leave no covariance with the target it changes the layer least.

    Parameters
    ----------
    features : float64 ndarray of shape (S, N, C)
        Activations.
    target : float64 ndarray of shape (S, N, T)
        What is to be removed.
    method : {"leace", "projection"}, optional
        The map above, or the orthogonal projection along the columns of :math:`\Sigma_{hy}`, which
        removes the covariance too, but changes the layer more.

    Returns
    -------
    Eraser
        The map.

    Raises
    ------
    ShapeError
        If features and targets are not at the same places.
    InputError
        If the method is unknown.

    References
    ----------
    .. [1] N. Belrose, D. Schneider-Joseph, S. Ravfogel, R. Cotterell, E. Raff, S. Biderman, Proc.
       NeurIPS (2023).

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((50, 8, 4))
    >>> eraser = fit_eraser(x, x[..., :1])
    >>> left = eraser(x)
    >>> bool(left[..., 0].std() < 1e-9), bool(np.allclose(left[..., 1:].std(), 1, atol=0.1))
    (True, True)
    """
    _validation.one_of(method, "method", ("leace", "projection"))
    rows, wanted = _rows(features, target)
    mean = rows.mean(0)
    centred, goal = rows - mean, wanted - wanted.mean(0)
    whiten, unwhiten = _roots(centred)
    if method == "projection":
        whiten = unwhiten = np.eye(rows.shape[1])
    cross = whiten @ (centred.T @ goal) / len(rows)
    left, sizes, _ = np.linalg.svd(cross, full_matrices=False)
    basis = left[:, sizes > 1e-10 * max(sizes[0], np.finfo(float).tiny)]
    return Eraser(mean, unwhiten @ basis @ basis.T @ whiten, basis.shape[1])


def random_eraser(
    features: Float[np.ndarray, "samples k c"], rank: int, rng: np.random.Generator
) -> Eraser:
    """Eraser of random directions, matched to one of a target.

    It removes as many directions and the same share of the variance, counted in units of that of
    each direction: random in the coordinates in which the layer has covariance 1.

    Parameters
    ----------
    features : float64 ndarray of shape (S, N, C)
        Activations.
    rank : int
        How many directions.
    rng : numpy.random.Generator
        Source of the directions.

    Returns
    -------
    Eraser
        The map.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((50, 8, 4))
    >>> random_eraser(x, 2, np.random.default_rng(1)).rank
    2
    """
    rows = features.reshape(-1, features.shape[-1])
    mean = rows.mean(0)
    whiten, unwhiten = _roots(rows - mean)
    basis = np.linalg.qr(rng.standard_normal((rows.shape[1], rank)))[0]
    return Eraser(mean, unwhiten @ basis @ basis.T @ whiten, rank)


def encoding_directions(
    features: Float[np.ndarray, "samples k c"], target: Float[np.ndarray, "samples k t"]
) -> Float[np.ndarray, "t c"]:
    r"""Directions along which a layer moves when the target does.

    .. math:: B = \Sigma_{yy}^{-1} \Sigma_{yh}

    the regression of the layer on the target. Adding :math:`(y' - y) B` changes what is held of y
    into what would be held of y', and leaves alone all that is uncorrelated with y.

    Parameters
    ----------
    features : float64 ndarray of shape (S, N, C)
        Activations.
    target : float64 ndarray of shape (S, N, T)
        Exact quantities at the same places.

    Returns
    -------
    float64 ndarray of shape (T, C)
        Change of the layer by unit change of each target.

    Raises
    ------
    ShapeError
        If features and targets are not at the same places.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((50, 8, 1))
    >>> np.round(encoding_directions(np.concatenate([2 * y, -y], axis=-1), y), 9)
    array([[ 2., -1.]])
    """
    rows, wanted = _rows(features, target)
    goal = wanted - wanted.mean(0)
    return np.asarray(np.linalg.lstsq(goal, rows - rows.mean(0), rcond=None)[0])


def _rows(features: Array, target: Array) -> tuple[Array, Array]:
    if features.shape[:-1] != target.shape[:-1]:
        raise ShapeError(
            f"Argument `target` must have the places {features.shape[:-1]} of `features`, but has"
            f" {target.shape[:-1]}."
        )
    return features.reshape(-1, features.shape[-1]), target.reshape(-1, target.shape[-1])


def _roots(centred: Array) -> tuple[Array, Array]:
    """Roots of the covariance and of its inverse; both zero where nothing varies."""
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    alive = values > 1e-10 * values[-1]
    root = np.sqrt(np.where(alive, values, 1.0))
    return (vectors * (alive / root)) @ vectors.T, (vectors * (alive * root)) @ vectors.T
