"""Real Fourier series of d-vectors."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike, is_two_band_like
from topophys.invariants._scale import divide_out, error_of
from topophys.kernels.rounding import SMALLEST, upper_bound

__all__ = ["RealSeries", "real_series"]

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
    """Write d as a real Fourier series.

    Parameters
    ----------
    H : FourierLike
        Two-band Hamiltonians in two dimensions.

    Returns
    -------
    RealSeries
        Coefficients and what was rounded on the way to them.
    """
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
