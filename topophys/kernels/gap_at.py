"""Gap 2 sigma_min of 2 x 2 blocks at given momenta, good to the last digits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topophys.kernels._jit import kernel


@kernel
def gaps_at(
    blocks: NDArray[np.complex128],
    lowest: int,
    k: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill out (B,) with 2 sigma_min of sum_s D_s e^(i(lowest + s)k) for blocks (B, S, 2, 2).

    sigma_max +- sigma_min are the Frobenius norms of D +- e^(i arg det) cof(D)^*, over sqrt 2, and
    their product is |det|: no difference of nearly equal numbers is taken.
    """
    for b in range(blocks.shape[0]):
        z = complex(math.cos(k[b]), math.sin(k[b]))
        phase = complex(math.cos(lowest * k[b]), math.sin(lowest * k[b]))
        p, q, r, s = 0.0j, 0.0j, 0.0j, 0.0j
        for m in range(blocks.shape[1]):
            p += blocks[b, m, 0, 0] * phase
            q += blocks[b, m, 0, 1] * phase
            r += blocks[b, m, 1, 0] * phase
            s += blocks[b, m, 1, 1] * phase
            phase *= z
        det = p * s - q * r
        size = abs(det)
        turn = det / size if size > 0.0 else 1.0 + 0.0j
        total, spread = 0.0, 0.0
        for sign in (1.0, -1.0):
            first, second = p + sign * turn * np.conj(s), q - sign * turn * np.conj(r)
            norm = first.real**2 + first.imag**2 + second.real**2 + second.imag**2
            total, spread = spread, math.sqrt(norm)
        out[b] = 4.0 * size / (total + spread) if total + spread > 0.0 else 0.0
