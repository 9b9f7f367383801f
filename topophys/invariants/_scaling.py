"""Scaling by powers of two into the range of the proofs, and real Fourier series."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int, Shaped
from numpy.typing import NDArray

from topophys._typing import FourierLike, is_two_band_like
from topophys.kernels.rounding import SMALLEST, lower_bound, upper_bound

__all__ = [
    "RealSeries",
    "demand",
    "divide_out",
    "error_of",
    "proven_gap",
    "real_series",
    "scaled",
    "times_power",
]


# -------------- Powers of two that bring Hamiltonians of any size into the range the proofs work in


def divide_out(
    amplitudes: Complex[np.ndarray, "B M *entry"],
) -> tuple[Complex[np.ndarray, "B M *entry"], Int[np.ndarray, " B"]]:
    """Divide each Hamiltonian by the power of two above its largest entry: no rounding.

    Proofs then neither over- nor underflow, and an invariant cannot depend on the unit of energy.
    Only entries 2^-1022 times smaller than the largest lose digits: far below any slack.

    Shapes: `amplitudes` (B, M, ...); returns `scaled` (B, M, ...), `exponent` (B,).
    """
    parts = np.ascontiguousarray(amplitudes)[..., None].view(np.float64)
    axes = tuple(range(1, parts.ndim))
    _, exponent = np.frexp(np.abs(parts).max(axes, initial=0.0))
    scaled = np.ldexp(parts, -exponent.reshape(-1, *(1,) * len(axes)))
    return scaled.view(np.complex128)[..., 0], exponent.astype(np.int64)


def scaled(
    H: FourierLike,
) -> tuple[NDArray[np.complex128], NDArray[np.int64], NDArray[np.float64]]:
    """Hoppings of the flattened batch, divided by powers of two, and the error of their making.

    Shapes: returns `amplitudes` (B, M, n, n), `exponent` (B,), `error` (B,).
    """
    amplitudes = H.amplitudes
    flat = amplitudes.reshape(math.prod(H.batch_shape), *amplitudes.shape[-3:])
    lost = np.asarray(~np.isfinite(flat).all((1, 2, 3)))
    if lost.any():
        flat = np.where(lost[:, None, None, None], 0.0, flat)
    flat, exponent = divide_out(flat)
    return flat, exponent, np.where(lost, np.inf, error_of(H, exponent))


def error_of(H: object, exponent: Int[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
    """Divide `amplitude_error` of the flattened batch by the powers of two of `divide_out`.

    Shapes: `exponent` (B,); returns (B,).
    """
    error = np.asarray(getattr(H, "amplitude_error", 0.0), dtype=np.float64)
    if not error.any():
        return np.zeros(exponent.shape)
    return upper_bound(np.broadcast_to(error.ravel(), exponent.shape), -exponent)


def demand(
    min_gap: float, exponent: Int[np.ndarray, " B"], error: Float[np.ndarray, " B"]
) -> Float[np.ndarray, " B"]:
    """Gap to be proven of scaled Hamiltonians whose hoppings are off by up to `error`.

    Eigenvalues move by no more than `error` each (Weyl), so that a gap above twice the error stays
    open on the way to the exact Hamiltonian: its invariant is the same, its gap at least the
    proven one less twice the error.

    Shapes: `exponent` (B,), `error` (B,); returns (B,).
    """
    if min_gap == 0.0 and not error.any():
        return np.zeros(exponent.shape)
    asked = upper_bound(min_gap, -exponent)
    return np.where(error > 0.0, (asked + 2.0 * error) * (1.0 + 1e-14), asked)


def proven_gap(
    gap: Float[np.ndarray, " B"], error: Float[np.ndarray, " B"], exponent: Int[np.ndarray, " B"]
) -> Float[np.ndarray, " B"]:
    """Gap of the exact Hamiltonians from that proven of the scaled ones, rounded down.

    Shapes: `gap` (B,), `error` (B,), `exponent` (B,); returns (B,).
    """
    if not error.any():
        return lower_bound(gap, exponent)
    left = np.where(error > 0.0, np.nextafter(gap - 2.0 * error, 0.0), gap)
    return lower_bound(left, exponent)


def times_power(
    value: Shaped[np.ndarray, "B ..."] | float, exponent: Int[np.ndarray, " B"]
) -> NDArray[Any]:
    """Multiply by powers of two; what leaves the range of float64 becomes infinite or zero.

    Shapes: `value` (B, ...), `exponent` (B,); returns (B, ...).
    """
    v = np.asarray(value)
    power = exponent.reshape(-1, *(1,) * max(0, v.ndim - 1))
    with np.errstate(over="ignore", under="ignore"):
        if np.iscomplexobj(v):
            parts = np.ascontiguousarray(v)[..., None].view(np.float64)
            return np.asarray(np.ldexp(parts, power[..., None])).view(np.complex128)[..., 0]
        return np.asarray(np.ldexp(v, power))


# ---------------------------------------------------------------- Real Fourier series of d-vectors

#: Power of two that takes hoppings of any unit away from where float64 has few digits.
_LIFT: Final = 200


class RealSeries(NamedTuple):
    """d = 2^exponent (mean + sum_R even_R cos k.R + odd_R sin k.R) for a batch.

    Attributes
    ----------
    vectors : int64 ndarray of shape (M, 2)
        Lattice vectors of one half space.
    coefficients : float64 ndarray of shape (B, M + 1, 2, 3)
        Row 0 the mean and zeros, then even and odd part of each vector, up to about 1 in size.
    exponent : int64 ndarray of shape (B,)
        Powers of two taken out.
    error : float64 ndarray of shape (B,)
        Largest distance of d from what is meant, in the unit of the coefficients; infinite where
        the Hamiltonian left the range of float64 when it was formed.
    """

    vectors: NDArray[np.int64]
    coefficients: NDArray[np.float64]
    exponent: NDArray[np.int64]
    error: NDArray[np.float64]


def real_series(H: FourierLike) -> RealSeries:
    """Write d as a real Fourier series."""
    if is_two_band_like(H):
        vectors, d = H.d_vectors, H.d_amplitudes
        d, exponent = divide_out(d.reshape(math.prod(d.shape[:-2]), *d.shape[-2:]))
        error = error_of(H, exponent)
    else:
        vectors = H.vectors
        d, exponent, error = _from_matrices(H)
    rows = [tuple(v) for v in vectors.tolist()]
    half = [m for m, v in enumerate(rows) if v > (0, 0)]
    coefficients = np.zeros((len(d), len(half) + 1, 2, 3))
    if (0, 0) in rows:
        coefficients[:, 0, 0] = d[:, rows.index((0, 0))].real
    coefficients[:, 1:, 0] = 2.0 * d[:, half].real
    coefficients[:, 1:, 1] = -2.0 * d[:, half].imag
    return RealSeries(vectors[half], coefficients, exponent, error)


def _from_matrices(
    H: FourierLike,
) -> tuple[NDArray[np.complex128], NDArray[np.int64], NDArray[np.float64]]:
    """Return d (B, M, 3) of hoppings, its exponent and its error.

    Each part of d is one sum or difference of two halves: right to the last bit, whatever is large
    in d0, unless a half is denormal.
    """
    h = H.amplitudes.reshape(math.prod(H.batch_shape), *H.amplitudes.shape[-3:])
    lost = np.asarray(~np.isfinite(h).all((1, 2, 3)))
    if lost.any():
        h = np.where(lost[:, None, None, None], 0.0, h)
    tiny = np.abs(h.view(np.float64)).max((1, 2, 3), initial=0.0) < 2.0**-700
    lift = np.where(tiny, _LIFT, 0)
    if tiny.any():
        h = h * np.ldexp(1.0, lift)[:, None, None, None]
    a, b, c, d = 0.5 * h[..., 0, 0], 0.5 * h[..., 0, 1], 0.5 * h[..., 1, 0], 0.5 * h[..., 1, 1]
    y = b - c
    made = np.stack([b + c, -y.imag + 1j * y.real, a - d], axis=-1)
    made, exponent = divide_out(made)
    error = error_of(H, exponent - lift)
    # each of the 6 M real parts may lose half of the smallest float64 where a half is denormal
    cut = exponent < -900
    if cut.any():
        rounded = upper_bound(6.0 * h.shape[1] * SMALLEST, -exponent)
        error = np.where(cut, error + rounded, error)
    return made, exponent - lift, np.where(lost, np.inf, error)
