"""Certified Chern numbers of two bands, by the degree of the d-vector."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.invariants._limits import Limits
from topophys.invariants._scale import demand, proven_gap
from topophys.invariants._series import RealSeries, real_series
from topophys.invariants.certificate import Evidence
from topophys.invariants.evidence import CellTree, DegreeEvidence
from topophys.kernels import status as st
from topophys.kernels.certify_two_band import certify_degrees
from topophys.kernels.rounding import UP, upper_bound

#: Axes tried one after the other; the next one only where an edge of the triangulation hits one.
AXES: Final = ((0.36, 0.48, 0.8), (0.8, -0.52, 0.3), (-0.19, 0.65, -0.74))
#: Cells of the starting grid along an edge, for each harmonic that matters.
CELLS: Final = 16
#: Up to this range the starting grid follows the range; beyond it the weights of the harmonics.
NEAR: Final = 8
#: Largest starting grid along an edge: finer cells come from division.
LARGEST_START: Final = 1024
#: Longer hoppings count as rounding if they are smaller than this share of all.
NEGLIGIBLE: Final = 2.0**-53

_NO_LEAVES: Final = np.empty((0, 3), np.int64)


@dataclass(eq=False)
class _Found:
    """Rows of the answer, filled group by group."""

    degree: NDArray[np.int64]
    evidence: NDArray[np.float64]
    evaluations: NDArray[np.int64]
    status: NDArray[np.uint8]
    #: What each proof rests on, where that is asked for.
    kept: list[DegreeEvidence | None] | None


def two_band_evidence(H: FourierLike, limits: Limits, *, evidence: bool = False) -> Evidence:
    """Prove the Chern number of the lower of two bands.

    Parameters
    ----------
    H : FourierLike
        Two-band Hamiltonians in two dimensions.
    limits : Limits
        How far to go.
    evidence : bool, optional
        Keep the cells of each proof, all of whose harmonics are then part of it.

    Returns
    -------
    Evidence
        One row for each Hamiltonian.
    """
    series = real_series(H)
    size = len(series.coefficients)
    found = _Found(
        np.zeros(size, np.int64), np.zeros((size, 4)), np.zeros(size, np.int64),
        np.full(size, st.AMBIGUOUS, np.uint8), [None] * size if evidence else None,
    )  # fmt: skip
    found.evidence[:, 1] = np.inf
    reach, norm = np.abs(series.vectors).max(1, initial=0), _norms(series)
    if reach.max(initial=0) > NEAR:
        series, norm = _without_negligible(series, reach, norm)
    error = series.error.copy()
    lost = ~np.isfinite(error)
    starts, enough = _starts(reach, norm, limits.max_evaluations)
    near = np.flatnonzero(~enough & ~lost)
    if len(near) and not evidence:
        error[near] = _prove_near(series, reach, norm, near, limits, found)
    left = (found.status != st.OK) & ~lost
    for start in np.unique(starts[left]):
        _prove(series, norm, np.flatnonzero((starts == start) & left), int(start), limits, found)
    found.status[lost] = st.ROUNDING
    # a gap that was met and is not below what the user asked for: the error is in the way
    met = found.evidence[:, 1] + np.where(lost, 0.0, 2.0 * error)
    if error.any():
        small = (found.status == st.SMALL_GAP) & (error > 0.0)
        found.status[small & (met >= upper_bound(limits.min_gap, -series.exponent))] = st.ROUNDING
    proven = found.status == st.OK
    return Evidence(
        proven=proven,
        value=found.degree,
        gap_lower=proven_gap(found.evidence[:, 0], error, series.exponent),
        gap_upper=upper_bound(met, series.exponent),
        k_at_gap_upper=(2.0 * np.pi * found.evidence[:, 2:] + np.pi) % (2.0 * np.pi) - np.pi,
        evaluations=found.evaluations,
        status=found.status,
        evidence=() if found.kept is None else tuple(found.kept),
    )


def _norms(series: RealSeries) -> NDArray[np.float64]:
    """Largest |d| of each harmonic, (B, M)."""
    parts = series.coefficients[:, 1:]
    return np.asarray(np.sqrt(np.einsum("bmij,bmij->bm", parts, parts)) * UP)


def _without_negligible(
    series: RealSeries, reach: NDArray[np.int64], norm: NDArray[np.float64]
) -> tuple[RealSeries, NDArray[np.float64]]:
    """Move long hoppings that are as small as rounding into the error."""
    size = np.abs(series.coefficients[:, 0]).sum((1, 2)) + norm.sum(1)
    drop = (reach > NEAR) & (norm * len(reach) <= NEGLIGIBLE * size[:, None])
    if not drop.any():
        return series, norm
    return _without(series, norm, drop)


def _without(
    series: RealSeries, norm: NDArray[np.float64], drop: NDArray[np.bool_]
) -> tuple[RealSeries, NDArray[np.float64]]:
    """Set the harmonics in `drop` (B, M) to zero; what they can do goes into the error."""
    moved = UP * np.where(drop, norm, 0.0).sum(1)
    coefficients = series.coefficients.copy()
    coefficients[:, 1:][drop] = 0.0
    return (
        series._replace(coefficients=coefficients, error=series.error + moved),
        np.where(drop, 0.0, norm),
    )


def _starts(
    reach: NDArray[np.int64], norm: NDArray[np.float64], max_evaluations: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Cells along an edge of the starting grid of each Hamiltonian, and where that is enough.

    Powers of two; not enough where a grid for the harmonics of this Hamiltonian is larger than
    what may be looked at.
    """
    far = np.where(norm > 0.0, reach, 0).max(1, initial=1)
    if far.max(initial=1) <= NEAR:
        return CELLS << np.ceil(np.log2(far)).astype(np.int64), np.ones(len(far), np.bool_)
    # the curvature of the mean harmonic; the long ones that are small are left to division
    squares = (norm * np.square(reach.astype(np.float64))).sum(1)
    mean = np.sqrt(squares / np.maximum(norm.sum(1), 1e-300)).clip(1.0, far)
    start = CELLS << np.ceil(np.log2(np.where(far <= NEAR, far, mean))).astype(np.int64)
    most = LARGEST_START
    while most > CELLS and 2 * most * most > max_evaluations:
        most //= 2
    enough = (far <= NEAR) | (start <= most)
    return np.where(enough, start, most), enough


def _prove_near(
    series: RealSeries,
    reach: NDArray[np.int64],
    norm: NDArray[np.float64],
    rows: NDArray[np.intp],
    limits: Limits,
    found: _Found,
) -> NDArray[np.float64]:
    """Prove rows without their long hoppings, whose norms are then part of the error.

    Half of the evaluations may go into that. Returns the errors of the rows.
    """
    drop = np.zeros(norm.shape, np.bool_)
    drop[rows] = reach > NEAR
    short, norm = _without(series, norm, drop)
    starts, _ = _starts(reach, norm, limits.max_evaluations)
    half = replace(limits, max_evaluations=max(1, limits.max_evaluations // 2))
    for start in np.unique(starts[rows]):
        _prove(short, norm, rows[starts[rows] == start], int(start), half, found)
    proven = found.status[rows] == st.OK
    found.evidence[rows[~proven], 1] = np.inf
    return np.where(proven, short.error[rows], series.error[rows])


def _prove(
    series: RealSeries,
    norm: NDArray[np.float64],
    rows: NDArray[np.intp],
    start: int,
    limits: Limits,
    found: _Found,
) -> None:
    """Run the kernel on the rows that share a starting grid, with one axis after the other."""
    before = found.evaluations[rows]
    budget = limits.max_evaluations - int(before.max(initial=0))
    if start * start > budget:
        found.status[rows] = st.BUDGET
        return
    used = (norm[rows] > 0.0).any(0)
    vectors = series.vectors[used]
    keep = np.concatenate([[True], used])
    need = demand(limits.min_gap, series.exponent[rows], series.error[rows])
    n_table = start << min(limits.max_depth, 5)
    table = _phases(n_table)
    todo, place = rows, np.arange(len(rows))
    for axis in AXES:
        c, turn = series.coefficients[todo], _rotation(axis)
        c = c if used.all() else c[:, keep]
        # written out: the order of a matrix product may depend on the size of the batch
        turned = c[..., :1] * turn[0] + c[..., 1:2] * turn[1] + c[..., 2:] * turn[2]
        degree, status = np.zeros(len(todo), np.int64), np.zeros(len(todo), np.uint8)
        evidence, evaluations = np.zeros((len(todo), 4)), np.zeros(len(todo), np.int64)
        certify_degrees(
            turned.reshape(*turned.shape[:2], 6), vectors, table, start, limits.max_depth,
            budget, need[place], degree, evidence, evaluations, status, _NO_LEAVES,
        )  # fmt: skip
        if found.kept is not None:
            for i in np.flatnonzero(status == st.OK):
                found.kept[todo[i]] = _leaves(
                    turned[i : i + 1], vectors, table, start, limits.max_depth, int(evaluations[i]),
                    need[place[i] : place[i] + 1],
                )  # fmt: skip
        found.degree[todo], found.status[todo] = degree, status
        found.evidence[todo], found.evaluations[todo] = evidence, before[place] + evaluations
        left = status == st.AMBIGUOUS
        todo, place = todo[left], place[left]
        if not len(todo):
            break


def _leaves(
    turned: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    start: int,
    max_depth: int,
    evaluations: int,
    need: NDArray[np.float64],
) -> DegreeEvidence:
    """Repeat one proof and keep its cells: as many as it took evaluations."""
    leaves = np.empty((evaluations, 3), np.int64)
    certify_degrees(
        turned.reshape(1, -1, 6), vectors, table, start, max_depth, evaluations, need,
        np.zeros(1, np.int64), np.zeros((1, 4)), np.zeros(1, np.int64), np.zeros(1, np.uint8),
        leaves,
    )  # fmt: skip
    tree, _ = CellTree.of_cells((start, start), max_depth, leaves[:, :2], leaves[:, 2])
    return DegreeEvidence(tree)


@lru_cache(maxsize=8)
def _phases(n_table: int) -> NDArray[np.float64]:
    """Cosines and sines of the lattice of corners, (n_table, 2)."""
    turns = 2.0 * np.pi * np.arange(n_table) / n_table
    return np.stack([np.cos(turns), np.sin(turns)], axis=-1)


@lru_cache(maxsize=8)
def _rotation(axis: tuple[float, float, float]) -> NDArray[np.float64]:
    """Orthogonal matrix of determinant 1 with `axis` as last column: d @ matrix turns it to z.

    Its entries are rounded, so that it stretches d by up to 8 units of 2^-53, as the products with
    it do: part of the slack.
    """
    z = np.array(axis) / np.linalg.norm(axis)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=-1)
