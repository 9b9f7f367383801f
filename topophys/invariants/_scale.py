"""Powers of two that bring Hamiltonians of any size into the range the proofs work in."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float, Int

from topophys.kernels.rounding import upper_bound

__all__ = ["divide_out", "error_of", "times_power"]


def divide_out(
    amplitudes: Complex[np.ndarray, "B M *entry"],
) -> tuple[Complex[np.ndarray, "B M *entry"], Int[np.ndarray, " B"]]:
    """Divide each Hamiltonian by the power of two above its largest entry: no rounding.

    Proofs then neither over- nor underflow, and an invariant cannot depend on the unit of energy.

    Parameters
    ----------
    amplitudes : complex128 ndarray of shape (B, M, ...)
        Fourier coefficients.

    Returns
    -------
    scaled : complex128 ndarray of shape (B, M, ...)
        Coefficients with real and imaginary parts up to 1.
    exponent : int64 ndarray of shape (B,)
        Exponents of two, 0 where all coefficients vanish.
    """
    parts = np.ascontiguousarray(amplitudes)[..., None].view(np.float64)
    axes = tuple(range(1, parts.ndim))
    _, exponent = np.frexp(np.abs(parts).max(axes, initial=0.0))
    scaled = np.ldexp(parts, -exponent.reshape(-1, *(1,) * len(axes)))
    return scaled.view(np.complex128)[..., 0], exponent.astype(np.int64)


def error_of(H: object, exponent: Int[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
    """Divide `amplitude_error` of the flattened batch by the powers of two of `divide_out`.

    Parameters
    ----------
    H : object
        Hamiltonians; zeros where they have no such attribute.
    exponent : int64 ndarray of shape (B,)
        Exponents of two.

    Returns
    -------
    float64 ndarray of shape (B,)
        Rounded up.
    """
    error = np.asarray(getattr(H, "amplitude_error", 0.0), dtype=np.float64)
    return upper_bound(np.broadcast_to(error.ravel(), exponent.shape), -exponent)


def times_power(
    value: Float[np.ndarray, " B"] | float, exponent: Int[np.ndarray, " B"]
) -> Float[np.ndarray, " B"]:
    """Multiply by powers of two; what leaves the range of float64 becomes infinite or zero.

    Parameters
    ----------
    value : float64 ndarray of shape (B,) or float
        Numbers.
    exponent : int64 ndarray of shape (B,)
        Exponents of two.

    Returns
    -------
    float64 ndarray of shape (B,)
        ``value * 2**exponent``.
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(value, exponent))
