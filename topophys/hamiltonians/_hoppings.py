"""Stacking, completing and summing Fourier coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import _checks
from topophys.errors import HermiticityError, InputError, ShapeError
from topophys.kernels.rounding import SMALLEST

TOLERANCE: Final = 1e-10  # of the largest entry; text files of hoppings carry 6 to 12 digits


def _vector(key: Any, name: str) -> tuple[int, ...]:
    entries = key if isinstance(key, tuple) else (key,)
    integral = all(
        isinstance(x, int | np.integer) and not isinstance(x, bool | np.bool_) for x in entries
    )
    if not entries or not integral:
        raise InputError(
            f"Argument `{name}` must have tuples of integers as keys, such as (1, 0), but has"
            f" {_checks.short(key)}."
        )
    return tuple(int(x) for x in entries)


def _common_shape(shapes: list[tuple[int, ...]]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def stack(
    mapping: object, name: str, shape: str, tail: int
) -> tuple[NDArray[np.int64], NDArray[np.complex128], NDArray[np.bool_]]:
    """Vectors closed under R -> -R, coefficients with zeros where none was given, and which were.

    Parameters
    ----------
    mapping : mapping of tuple of int to array-like
        Coefficients by lattice vector.
    name, shape : str
        Name of the argument and wanted shape of each coefficient, for messages.
    tail : int
        Number of trailing axes of a coefficient.

    Returns
    -------
    vectors : int64 ndarray of shape (M, dim)
    coefficients : complex128 ndarray of shape (..., M, *coefficient)
    given : bool ndarray of shape (M,)
    """
    if not isinstance(mapping, Mapping) or not mapping:
        raise InputError(
            f"Argument `{name}` must be a mapping of lattice vectors to arrays with at least one"
            f" entry, but is {_checks.short(mapping)}."
        )
    arrays = {
        _vector(key, name): _checks.as_complex(value, f"{name}[{key}]", shape)
        for key, value in mapping.items()
    }
    dims = {len(key) for key in arrays}
    if len(dims) > 1 or len(arrays) != len(mapping):
        raise InputError(
            f"Argument `{name}` must have distinct lattice vectors of one dimension as keys, but"
            f" has {sorted(arrays)[:6]}."
        )
    keys = sorted(set(arrays) | {tuple(-x for x in key) for key in arrays})
    tails = {a.shape[a.ndim - tail :] for a in arrays.values()}
    common = _common_shape([a.shape for a in arrays.values()])
    if common is None or len(tails) > 1:
        shapes = sorted({a.shape for a in arrays.values()})
        raise ShapeError(
            f"Argument `{name}` must have coefficients of one shape {shape}, but has {shapes[:4]}."
        )
    batch = common[: len(common) - tail]
    out = np.zeros((*batch, len(keys), *common[len(common) - tail :]), dtype=np.complex128)
    slots = np.moveaxis(out, len(batch), 0)
    for m, key in enumerate(keys):
        if key in arrays:
            slots[m] = arrays[key]
    return np.array(keys, dtype=np.int64), out, np.array([key in arrays for key in keys])


def complete(
    vectors: NDArray[np.int64],
    coefficients: NDArray[np.complex128],
    adjoint: NDArray[np.complex128],
    given: NDArray[np.bool_],
    name: str,
    *,
    tail: int,
    average: bool,
) -> NDArray[np.complex128]:
    """Fill in the coefficient of -R from that of R, or check it where both are given.

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Sorted and closed under R -> -R, so that reversal maps R to -R.
    coefficients, adjoint : complex128 ndarray of shape (..., M, ...)
        Coefficients, and the adjoint of each (conjugate transpose or conjugate).
    given : bool ndarray of shape (M,)
        Which coefficients were given.
    name : str
        Name of the argument, for the message.
    tail : int
        Number of trailing axes of a coefficient.
    average : bool
        Take the Hermitian part where both are given, instead of raising.

    Returns
    -------
    complex128 ndarray of shape (..., M, ...)
        With ``coefficient(-R) == adjoint(coefficient(R))`` exactly.
    """
    axis = coefficients.ndim - tail - 1
    mirrored = np.flip(adjoint, axis=axis)
    both = given & given[::-1]
    shape = [1] * coefficients.ndim
    shape[axis] = len(vectors)
    pick_both, pick_given = both.reshape(shape), given.reshape(shape)
    if both.any() and not average:
        own = tuple(range(axis, coefficients.ndim))
        off = np.abs(np.where(pick_both, coefficients - mirrored, 0.0)).max(own, initial=0.0)
        scale = np.abs(coefficients).max(own, initial=0.0)
        bad = off > TOLERANCE * scale
        if bad.any():
            worst = np.argmax(np.where(bad, off, 0.0))
            raise HermiticityError(
                f"Argument `{name}` must satisfy {name}(-R) = {name}(R)^dagger, but it is violated"
                f" by {off.flat[worst]:.3g} (largest entry {scale.flat[worst]:.3g}); give R only,"
                " or pass hermitian='average'."
            )
    # what agrees is left alone: half of the smallest float64 is zero
    mean = np.where(coefficients == mirrored, coefficients, 0.5 * coefficients + 0.5 * mirrored)
    return np.where(pick_both, mean, np.where(pick_given, coefficients, mirrored))


def error_of_mean(
    coefficients: NDArray[np.complex128],
    adjoint: NDArray[np.complex128],
    given: NDArray[np.bool_],
    *,
    tail: int,
) -> NDArray[np.float64] | None:
    """Bound of what the means in `complete` round beyond the last digit; None for nothing.

    Digits of denormal numbers are cut off; the rounding of other means is as that of any sum, and
    part of the slack of every proof.

    Parameters
    ----------
    coefficients, adjoint, given, tail
        As for `complete`.

    Returns
    -------
    float64 ndarray of shape (...) or None
        In operator norm, for each element of the batch.
    """
    both = given & given[::-1]
    if not both.any():
        return None
    axis = coefficients.ndim - tail - 1
    own = tuple(range(axis, coefficients.ndim))
    differ = coefficients != np.flip(adjoint, axis=axis)
    if not differ.any():
        return None
    shape = [1] * coefficients.ndim
    shape[axis] = len(both)
    small = (np.abs(coefficients) < 2.0**-900) & differ & both.reshape(shape)
    if not small.any():
        return None
    return np.asarray(2.0 * SMALLEST * small.sum(own))


def fourier_sum(
    vectors: NDArray[np.int64],
    coefficients: NDArray[np.complex128],
    k: NDArray[np.float64],
    tail: int,
) -> NDArray[np.complex128]:
    """Sum of coefficients times exp(i k.R) at every k.

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, dim)
    coefficients : complex128 ndarray of shape (*batch, M, *coefficient)
    k : float64 ndarray of shape (*points, dim)
    tail : int
        Number of trailing axes of a coefficient.

    Returns
    -------
    complex128 ndarray of shape (*batch, *points, *coefficient)
    """
    split = coefficients.ndim - tail
    batch, entries = coefficients.shape[: split - 1], coefficients.shape[split:]
    points = k.shape[:-1]
    phases = np.exp(1j * (k.reshape(-1, k.shape[-1]) @ vectors.T))
    flat = coefficients.reshape(*batch, len(vectors), -1)
    total: NDArray[np.complex128] = (phases @ flat).reshape(*batch, *points, *entries)
    return total
