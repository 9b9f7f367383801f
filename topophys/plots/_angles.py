"""Angles: wrapping, lines that break at the branch cut, decoding from features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import InputError, ShapeError

__all__ = ["broken_line", "decode_angle", "wrap"]

#: What the figure says about the origin of the linear map.
FITTED_HERE = (
    "Linear map H1 → (cos α, sin α) fitted on the {points} points shown ({free} weights each)"
)
FITTED_ELSEWHERE = "Linear map H1 → (cos α, sin α) fitted on other Hamiltonians"
GIVEN_MAP = "Map H1 → α fitted elsewhere"


def wrap(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring angles into (-pi, pi], with those inside untouched.

    Parameters
    ----------
    angle : float64 ndarray
        Angles in radians.

    Returns
    -------
    float64 ndarray
        The same angles up to multiples of 2 pi.
    """
    turned = np.pi - np.mod(np.pi - angle, 2.0 * np.pi)
    return np.where((angle > -np.pi) & (angle <= np.pi), angle, turned)


def broken_line(
    k: NDArray[np.float64], alpha: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Line through angles that leaves at +-pi and comes back on the other side.

    Between neighbours the line takes the shorter way around; the last point is joined to the
    first, one period later.

    Parameters
    ----------
    k : float64 ndarray of shape (N,)
        Momenta in radians.
    alpha : float64 ndarray of shape (N,)
        Angles in radians.

    Returns
    -------
    k, alpha : float64 ndarray of shape (M,)
        Points of the line, with NaN where it breaks.
    """
    inside = wrap(alpha)
    where = np.append(k, k[0] + 2.0 * np.pi)
    closed = np.append(inside, inside[0])
    goal = closed[:-1] + wrap(np.diff(closed))  # next angle without the branch cut
    x, y = [where[0]], [closed[0]]
    for j in np.arange(len(k)):
        if abs(goal[j]) > np.pi and goal[j] != closed[j]:
            edge = np.copysign(np.pi, goal[j])
            share = (edge - closed[j]) / (goal[j] - closed[j])
            at = where[j] + share * (where[j + 1] - where[j])
            x += [at, at, at]
            y += [edge, np.nan, -edge]
        x.append(where[j + 1])
        y.append(closed[j + 1])
    return np.array(x), np.array(y)


def decode_angle(
    features: ArrayLike | None,
    alpha: NDArray[np.float64],
    decoder: Callable[..., Any] | tuple[Any, Any] | None,
) -> tuple[NDArray[np.float64] | None, str]:
    """Angle read off features, and a line that says how.

    Parameters
    ----------
    features : array-like of shape (B, N, C) or (B, N), or None
        Activations, or angles.
    alpha : float64 ndarray of shape (B, N)
        Exact angles.
    decoder : callable, (weights, bias) or None
        Map fitted elsewhere.

    Returns
    -------
    angle : float64 ndarray of shape (B, N) or None
        Decoded angle in radians.
    note : str
        Where the map was fitted; empty for angles.

    Raises
    ------
    ShapeError, InputError
        If shapes do not match.
    """
    if features is None:
        return None, ""
    h1 = _checks.as_real(features, "h1_features", "(...)")
    if h1.shape == alpha.shape or h1.shape == alpha.shape[1:]:
        if decoder is not None:
            raise InputError(
                "Argument `decoder` must be left out where `h1_features` is an angle already."
            )
        return wrap(h1.reshape(alpha.shape)), ""
    if h1.ndim == 2 and len(alpha) == 1:
        h1 = h1[None]
    if h1.ndim != 3 or h1.shape[:2] != alpha.shape:
        raise ShapeError(
            "Argument `h1_features` must have shape (B, N, C) or (B, N) with"
            f" (B, N) = {alpha.shape}, but has {h1.shape}."
        )
    if callable(decoder):
        return _from_callable(decoder, h1), GIVEN_MAP
    if decoder is not None:
        return _from_components(_apply(h1, *_pair(decoder, h1.shape[-1]))), FITTED_ELSEWHERE
    weights, bias = _fit(h1, alpha)
    note = FITTED_HERE.format(points=alpha.size, free=h1.shape[-1] + 1)
    return _from_components(_apply(h1, weights, bias)), note


def _fit(
    h1: NDArray[np.float64], alpha: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = h1.reshape(-1, h1.shape[-1])
    design = np.column_stack([rows, np.ones(len(rows))])
    target = np.column_stack([np.cos(alpha.ravel()), np.sin(alpha.ravel())])
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    return solution[:-1], solution[-1]


def _apply(
    h1: NDArray[np.float64], weights: NDArray[np.float64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(h1 @ weights + bias)


def _from_components(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.arctan2(parts[..., 1], parts[..., 0]))


def _pair(decoder: Any, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not isinstance(decoder, tuple | list) or len(decoder) != 2:
        raise InputError("Argument `decoder` must be a function or a pair (weights, bias).")
    weights = _checks.as_real(decoder[0], "decoder[0]", "(..., C, 2)")
    bias = _checks.as_real(decoder[1], "decoder[1]", "(..., 2)")
    if weights.shape != (channels, 2) or bias.shape != (2,):
        raise ShapeError(
            f"Argument `decoder` must have weights of shape ({channels}, 2) and bias of shape (2,),"
            f" but they have {weights.shape} and {bias.shape}."
        )
    return weights, bias


def _from_callable(decoder: Callable[..., Any], h1: NDArray[np.float64]) -> NDArray[np.float64]:
    found = _checks.as_real(decoder(h1), "decoder(h1_features)", "(...)")
    if found.shape == h1.shape[:2]:
        return wrap(found)
    if found.shape != (*h1.shape[:2], 2):
        raise ShapeError(
            f"Argument `decoder` must return shape {(*h1.shape[:2], 2)} or {h1.shape[:2]}, but"
            f" returned {found.shape}."
        )
    return _from_components(found)
