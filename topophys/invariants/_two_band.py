"""Certified Chern numbers of two bands, by the degree of the d-vector."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike, TwoBandLike
from topophys.invariants._limits import Limits
from topophys.invariants._scale import divide_out, times_power
from topophys.invariants.certificate import Evidence
from topophys.kernels import status as st
from topophys.kernels.certify_two_band import certify_degrees
from topophys.kernels.degree import AMBIGUOUS

PAULI: Final = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
#: Axes tried one after the other; the next one only where an edge of the triangulation hits one.
AXES: Final = ((0.36, 0.48, 0.8), (0.8, -0.52, 0.3), (-0.19, 0.65, -0.74))


def two_band_evidence(H: FourierLike, limits: Limits) -> Evidence:
    """Prove the Chern number of the lower of two bands.

    Parameters
    ----------
    H : FourierLike
        Two-band Hamiltonians in two dimensions.
    limits : Limits
        How far to go.

    Returns
    -------
    Evidence
        One row for each Hamiltonian.
    """
    vectors, coefficients, exponent = _real_form(H)
    least = times_power(limits.min_gap, -exponent)
    reach = int(np.abs(vectors).max(initial=1))
    n_start = 8 << (reach - 1).bit_length()
    n_table = n_start << min(limits.max_depth + 1, 6)
    turns = 2.0 * np.pi * np.arange(n_table) / n_table
    table = np.stack([np.cos(turns), np.sin(turns)], axis=-1)

    size = len(coefficients)
    degree, evaluations = np.zeros(size, np.int64), np.zeros(size, np.int64)
    evidence, status = np.zeros((size, 4)), np.full(size, AMBIGUOUS, np.uint8)
    for axis in AXES:
        todo = status == AMBIGUOUS
        if not todo.any():
            break
        turn = _rotation(axis)
        parts = [degree[todo], evidence[todo], evaluations[todo], status[todo]]
        turned = coefficients[todo] @ turn
        certify_degrees(
            turned.reshape(*turned.shape[:2], 6), vectors, table, n_start, limits.max_depth,
            limits.max_evaluations, least[todo], *parts,
        )  # fmt: skip
        degree[todo], evidence[todo], evaluations[todo], status[todo] = parts
    return Evidence(
        proven=status == st.OK,
        value=degree,
        gap_bound=times_power(evidence[:, 0], exponent),
        gap_seen=times_power(evidence[:, 1], exponent),
        k_seen=(2.0 * np.pi * evidence[:, 2:] + np.pi) % (2.0 * np.pi) - np.pi,
        evaluations=evaluations,
    )


def _real_form(
    H: FourierLike,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Vectors (M, 2) of one half space, coefficients (B, M + 1, 2, 3), and exponents of two.

    2^exponent times d is the mean (row 0) + sum over the vectors of even cos k.R + odd sin k.R.
    """
    if isinstance(H, TwoBandLike):
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


def _rotation(axis: tuple[float, float, float]) -> NDArray[np.float64]:
    """Orthogonal matrix of determinant 1 with `axis` as last column: d @ matrix turns it to z."""
    z = np.array(axis) / np.linalg.norm(axis)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=-1)
