"""Certified gaps of many bands: cells in batches, from LAPACK and products of matrices."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.invariants._cell_bounds import cell_bounds
from topophys.invariants._limits import Limits
from topophys.invariants._scale import divide_out, times_power
from topophys.invariants.certificate import Evidence
from topophys.kernels import status as st

__all__ = ["MANY_BANDS", "cover_evidence"]

#: From this number of bands on a cell costs so much that the sharper bounds pay.
MANY_BANDS: Final = 9
#: Cells of the starting grid in each direction.
START: Final = 8
#: Cells looked at together.
CHUNK: Final = 64


def cover_evidence(H: FourierLike, filled: int, limits: Limits) -> Evidence:
    """Prove that the lowest `filled` bands are apart from the others; the value is their number.

    Parameters
    ----------
    H : FourierLike
        Hamiltonians in one to three dimensions.
    filled : int
        Number of occupied bands.
    limits : Limits
        How far to go.

    Returns
    -------
    Evidence
        One row for each Hamiltonian.
    """
    vectors, amplitudes = H.vectors, H.amplitudes
    n, n_dim = amplitudes.shape[-1], vectors.shape[1]
    flat, exponent = divide_out(amplitudes.reshape(-1, len(vectors), n, n))
    size = len(flat)
    least = times_power(limits.min_gap, -exponent)
    found = Evidence(
        proven=np.zeros(size, np.bool_),
        value=np.full(size, filled, np.int64),
        gap_lower=np.zeros(size),
        gap_upper=np.full(size, np.inf),
        k_at_gap_upper=np.zeros((size, n_dim)),
        evaluations=np.zeros(size, np.int64),
        status=np.full(size, st.BUDGET, np.uint8),
    )
    for b in range(size):
        _cover(vectors, flat[b], filled, limits, float(least[b]), found, b)
    found.gap_lower[:] = times_power(found.gap_lower, exponent)
    found.gap_upper[:] = times_power(found.gap_upper, exponent)
    return found


def _cover(
    vectors: NDArray[np.int64],
    amplitudes: NDArray[np.complex128],
    filled: int,
    limits: Limits,
    least: float,
    found: Evidence,
    b: int,
) -> None:
    """Divide the cells of one Hamiltonian; fills row b."""
    n_dim = vectors.shape[1]
    line = np.arange(START, dtype=np.int64)
    cells = np.stack(np.meshgrid(*[line] * n_dim, indexing="ij"), -1).reshape(-1, n_dim)
    children = np.stack(np.meshgrid(*[[0, 1]] * n_dim, indexing="ij"), -1).reshape(-1, n_dim)
    # one stack for each depth; the last of a stack are the least promising
    waiting: list[NDArray[np.int64]] = [cells]
    bound = np.inf
    while waiting:
        if not len(waiting[-1]):
            waiting.pop()
            continue
        # the deepest first: where the gap is closed that shows after few cells
        depth, chunk = len(waiting) - 1, waiting[-1][-CHUNK:]
        waiting[-1] = waiting[-1][: -len(chunk)]
        if found.evaluations[b] + len(chunk) > limits.max_evaluations:
            return
        edge = 2.0 * np.pi / (START << depth)
        centre = np.asarray(-np.pi + edge * (chunk + 0.5), dtype=np.float64)
        proven, _, seen = cell_bounds(
            vectors, amplitudes, filled, centre, 0.5 * edge * np.eye(n_dim)
        )
        found.evaluations[b] += len(chunk)
        if seen.min() < found.gap_upper[b]:
            found.gap_upper[b] = seen.min()
            found.k_at_gap_upper[b] = centre[seen.argmin()]
        good = (proven > 0.0) & (proven >= least)
        bound = min(bound, float(proven[good].min(initial=np.inf)))
        rest = chunk[~good][np.argsort(-proven[~good])]
        if len(rest) and (depth == limits.max_depth or seen.min() < least):
            found.status[b] = st.SMALL_GAP if seen.min() < least else st.DEPTH
            return
        if len(rest):
            below = (2 * rest[:, None] + children).reshape(-1, n_dim)
            if depth + 1 == len(waiting):
                waiting.append(below)
            else:
                waiting[depth + 1] = np.concatenate([waiting[depth + 1], below])
    found.proven[b], found.gap_lower[b], found.status[b] = True, bound, st.OK
