"""Real Fourier series of d-vectors."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike, is_two_band_like
from topophys.invariants._scale import divide_out

__all__ = ["real_series"]

PAULI: Final = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def real_series(
    H: FourierLike,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Write d as a real Fourier series: d = 2^exponent (mean + sum even cos k.R + odd sin k.R).

    Parameters
    ----------
    H : FourierLike
        Two-band Hamiltonians in two dimensions.

    Returns
    -------
    vectors : int64 ndarray of shape (M, 2)
        Lattice vectors of one half space.
    coefficients : float64 ndarray of shape (B, M + 1, 2, 3)
        Row 0 the mean and zeros, then even and odd part of each vector, up to about 1 in size.
    exponent : int64 ndarray of shape (B,)
        Powers of two taken out.
    """
    if is_two_band_like(H):
        vectors, d = H.d_vectors, H.d_amplitudes
    else:
        vectors = H.vectors
        d = 0.5 * np.einsum("iab,...mba->...mi", PAULI, H.amplitudes)
    d, exponent = divide_out(d.reshape(math.prod(d.shape[:-2]), *d.shape[-2:]))
    rows = [tuple(v) for v in vectors.tolist()]
    half = [m for m, v in enumerate(rows) if v > (0, 0)]
    coefficients = np.zeros((len(d), len(half) + 1, 2, 3))
    if (0, 0) in rows:
        coefficients[:, 0, 0] = d[:, rows.index((0, 0))].real
    coefficients[:, 1:, 0] = 2.0 * d[:, half].real
    coefficients[:, 1:, 1] = -2.0 * d[:, half].imag
    return vectors[half], coefficients, exponent
