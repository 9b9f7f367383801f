"""Certified gaps and Chern numbers of any number of bands, from blocks of H on cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.invariants._limits import INTEGRAL, Limits
from topophys.invariants._scale import divide_out, times_power
from topophys.invariants.certificate import Evidence
from topophys.kernels import status as st
from topophys.kernels.cells import SLACK
from topophys.kernels.certify_bands import certify_bundles
from topophys.kernels.certify_gap import certify_gaps

#: Cells of the starting grid in each direction.
START: Final = 8
#: Entries of the table of phases: cells down to 1/64 of a starting cell find theirs in it.
TABLE: Final = START << 7


@dataclass(frozen=True, eq=False)
class _Half:
    """Hamiltonians by the hoppings of one half space, with the bounds the kernels need."""

    vectors: NDArray[np.int64]
    onsite: NDArray[np.complex128]
    hops: NDArray[np.complex128]
    second: NDArray[np.float64]  # of sum |H_R| (|R_1| + |R_2|)^2, for Taylor series
    bend: NDArray[np.float64]  # of sum |H_R| (R_1^2 + R_2^2), for interpolation between corners
    slack: NDArray[np.float64]
    exponent: NDArray[np.int64]


def bundle_evidence(H: FourierLike, filled: int, limits: Limits) -> Evidence:
    """Prove the Chern number of the lowest `filled` bands.

    Parameters
    ----------
    H : FourierLike
        Hamiltonians in two dimensions.
    filled : int
        Number of occupied bands.
    limits : Limits
        How far to go.

    Returns
    -------
    Evidence
        One row for each Hamiltonian.
    """
    half = _half_space(H)
    size = len(half.onsite)
    flux, evaluations = np.zeros(size), np.zeros(size, np.int64)
    evidence, status = np.zeros((size, 4)), np.zeros(size, np.uint8)
    certify_bundles(
        half.onsite, half.hops, half.vectors, _table(), filled, half.bend, half.slack, START,
        limits.max_depth, limits.max_evaluations, times_power(limits.min_gap, -half.exponent),
        flux, evidence, evaluations, status,
    )  # fmt: skip
    turns = flux / (2.0 * np.pi)
    whole = np.rint(turns)
    # the fluxes are proven to add up to a multiple of 2 pi: this only guards the arithmetic
    proven = (status == st.OK) & (np.abs(turns - whole) < INTEGRAL)
    return _evidence(proven, whole.astype(np.int64), evidence, evaluations, half.exponent, status)


def gap_evidence(H: FourierLike, filled: int, limits: Limits) -> Evidence:
    """Prove that the lowest `filled` bands are apart from the others; the value is their number.

    Parameters
    ----------
    H : FourierLike
        Hamiltonians in any dimension.
    filled : int
        Number of occupied bands.
    limits : Limits
        How far to go.

    Returns
    -------
    Evidence
        One row for each Hamiltonian.
    """
    half = _half_space(H)
    size, dim = len(half.onsite), half.vectors.shape[1]
    evaluations, status = np.zeros(size, np.int64), np.zeros(size, np.uint8)
    evidence = np.zeros((size, 2 + dim))
    certify_gaps(
        half.onsite, half.hops, half.vectors, _table(), filled, half.second, half.slack, START,
        limits.max_depth, limits.max_evaluations, times_power(limits.min_gap, -half.exponent),
        evidence, evaluations, status,
    )  # fmt: skip
    value = np.full(size, filled, np.int64)
    return _evidence(status == st.OK, value, evidence, evaluations, half.exponent, status)


def _evidence(
    proven: NDArray[np.bool_],
    value: NDArray[np.int64],
    evidence: NDArray[np.float64],
    evaluations: NDArray[np.int64],
    exponent: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> Evidence:
    return Evidence(
        proven=proven,
        value=value,
        gap_lower=times_power(evidence[:, 0], exponent),
        gap_upper=times_power(evidence[:, 1], exponent),
        k_at_gap_upper=(2.0 * np.pi * evidence[:, 2:] + np.pi) % (2.0 * np.pi) - np.pi,
        evaluations=evaluations,
        status=np.where(~proven & (status == st.OK), st.ROUNDING, status).astype(np.uint8),
    )


def _table() -> NDArray[np.complex128]:
    return np.asarray(np.exp(2j * np.pi * np.arange(TABLE) / TABLE))


def _half_space(H: FourierLike) -> _Half:
    vectors, amplitudes = H.vectors, H.amplitudes
    n, n_dim = amplitudes.shape[-1], vectors.shape[1]
    flat, exponent = divide_out(amplitudes.reshape(math.prod(amplitudes.shape[:-3]), -1, n, n))
    rows = [tuple(v) for v in vectors.tolist()]
    origin = (0,) * n_dim
    half = [m for m, v in enumerate(rows) if v > origin]
    hops = np.ascontiguousarray(flat[:, half])
    onsite = flat[:, rows.index(origin)] if origin in rows else np.zeros((len(flat), n, n), complex)
    operator = np.linalg.norm(hops, ord=2, axis=(-2, -1))
    reach = np.abs(vectors[half]).sum(-1)
    size = np.linalg.norm(onsite, axis=(-2, -1)) + 2.0 * (
        np.linalg.norm(hops, axis=(-2, -1)) * (1 + reach)
    ).sum(-1)
    return _Half(
        vectors=vectors[half],
        onsite=np.ascontiguousarray(onsite),
        hops=hops,
        second=2.0 * (operator * reach**2).sum(-1) * (1.0 + 1e-12),
        bend=2.0 * (operator * (vectors[half] ** 2).sum(-1)).sum(-1) * (1.0 + 1e-12),
        slack=SLACK * (len(rows) + n) * size,
        exponent=exponent,
    )
