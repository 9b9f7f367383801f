"""Certified Chern numbers of two bands, by the degree of the d-vector."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.invariants._limits import Limits
from topophys.invariants._scale import times_power
from topophys.invariants._series import real_series
from topophys.invariants.certificate import Evidence
from topophys.kernels import status as st
from topophys.kernels.certify_two_band import certify_degrees
from topophys.kernels.degree import AMBIGUOUS

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
    vectors, coefficients, exponent = real_series(H)
    least = times_power(limits.min_gap, -exponent)
    reach = int(np.abs(vectors).max(initial=1))
    n_start = 16 << (reach - 1).bit_length()
    n_table = n_start << min(limits.max_depth, 5)
    turns = 2.0 * np.pi * np.arange(n_table) / n_table
    table = np.stack([np.cos(turns), np.sin(turns)], axis=-1)

    size = len(coefficients)
    degree, evaluations = np.zeros(size, np.int64), np.zeros(size, np.int64)
    evidence, status = np.zeros((size, 4)), np.full(size, AMBIGUOUS, np.uint8)
    todo = np.arange(size)
    for axis in AXES:
        c, turn = coefficients[todo], _rotation(axis)
        # written out: the order of a matrix product may depend on the size of the batch
        turned = c[..., :1] * turn[0] + c[..., 1:2] * turn[1] + c[..., 2:] * turn[2]
        parts = degree[todo], evidence[todo], evaluations[todo], status[todo]
        certify_degrees(
            turned.reshape(*turned.shape[:2], 6), vectors, table, n_start, limits.max_depth,
            limits.max_evaluations, least[todo], *parts,
        )  # fmt: skip
        degree[todo], evidence[todo], evaluations[todo], status[todo] = parts
        todo = np.flatnonzero(status == AMBIGUOUS)
        if not len(todo):
            break
    return Evidence(
        proven=status == st.OK,
        value=degree,
        gap_lower=times_power(evidence[:, 0], exponent),
        gap_upper=times_power(evidence[:, 1], exponent),
        k_at_gap_upper=(2.0 * np.pi * evidence[:, 2:] + np.pi) % (2.0 * np.pi) - np.pi,
        evaluations=evaluations,
        status=status,
    )


def _rotation(axis: tuple[float, float, float]) -> NDArray[np.float64]:
    """Orthogonal matrix of determinant 1 with `axis` as last column: d @ matrix turns it to z."""
    z = np.array(axis) / np.linalg.norm(axis)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=-1)
