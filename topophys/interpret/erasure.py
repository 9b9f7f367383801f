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
    """Affine map that takes some directions of a layer to their mean."""

    mean: Float[np.ndarray, " c"]  # mean of the activations
    matrix: Float[np.ndarray, "c c"]  # projection onto what is removed
    rank: int  # how many directions are removed

    def __call__(self, features: Float[np.ndarray, "... c"]) -> Float[np.ndarray, "... c"]:
        """Erase."""
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

    Ref.: N. Belrose, D. Schneider-Joseph, S. Ravfogel, R. Cotterell, E. Raff, S. Biderman, Proc.
    NeurIPS (2023).
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
