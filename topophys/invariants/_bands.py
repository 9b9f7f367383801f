"""Certified gaps and Chern numbers of any number of bands, from cells and edges."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any, Final

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from topophys._typing import FourierLike
from topophys.invariants._cells import Hoppings
from topophys.invariants._cocycle import Cocycle, surface_edges, zone_edges
from topophys.invariants._domains import Box, Zone
from topophys.invariants._limits import Limits
from topophys.invariants._walk import Cover, cover
from topophys.invariants.certificate import Evidence
from topophys.invariants.evidence import BandEvidence, CellTree, ProofEvidence, SurfaceEvidence
from topophys.kernels import status as st
from topophys.kernels.rounding import lower_bound, upper_bound

__all__ = ["charge_evidence", "chern_evidence", "gap_evidence", "one_thread", "statuses"]

#: Starting cells of the Brillouin zone in each direction.
START: Final = 8
#: Hamiltonians treated together, and bytes that the bases of their cells may take.
GROUP, GROUP_BYTES = 256, 64 << 20
#: Bytes that bases may take where every Hamiltonian of a group uses up its evaluations.
MOST_BYTES: Final = 4 << 30

_CODES: Final = {
    "": st.OK,
    "budget": st.BUDGET,
    "depth": st.DEPTH,
    "rounding": st.ROUNDING,
    "closed gap": st.CLOSED_GAP,
    "small gap": st.SMALL_GAP,
}


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Context in which LAPACK uses one thread: for small matrices more would wait for each other.

    To look for the libraries takes longer than many a proof, so it is done once.
    """
    limited: AbstractContextManager[object] = _controller().limit(limits=1)
    return limited


def statuses(reason: Shaped[np.ndarray, " B"]) -> NDArray[np.uint8]:
    """Status codes (B,) of reasons in words."""
    out = np.zeros(len(reason), np.uint8)
    for word, code in _CODES.items():
        out[reason == word] = code
    return out


def gap_evidence(H: FourierLike, filled: int, limits: Limits, *, evidence: bool) -> Evidence:
    """Prove that the lowest `filled` bands are apart from the others; the value is their number."""
    dim = H.vectors.shape[1]

    def prove(ham: Hoppings, least: NDArray[np.float64]) -> tuple[Cover, NDArray[np.int64]]:
        zone = Zone((START,) * dim, START, limits.max_depth)
        walk = cover(
            ham, zone, least, limits.max_evaluations, limits.tightness, frames=evidence
        )  # fmt: skip
        return walk, np.full(len(ham), filled, np.int64)

    return _in_groups(H, filled, limits, prove, evidence=evidence)


def chern_evidence(H: FourierLike, filled: int, limits: Limits, *, evidence: bool) -> Evidence:
    """Prove the Chern number of the lowest `filled` bands."""

    def prove(ham: Hoppings, least: NDArray[np.float64]) -> tuple[Cover, NDArray[np.int64]]:
        zone = Zone((START, START), START, limits.max_depth)
        walk = cover(ham, zone, least, limits.max_evaluations, limits.tightness, frames=True)
        if not len(walk.leaves.owner):
            return walk, np.zeros(len(ham), np.int64)
        cocycle = Cocycle(walk)
        zone_edges(cocycle)
        return walk, cocycle.integers(np.array([zone.fine, zone.fine]))

    return _in_groups(H, filled, limits, prove, evidence=evidence)


def charge_evidence(
    H: FourierLike,
    filled: int,
    box: Box,
    limits: Limits,
    *,
    evidence: bool,
) -> Evidence:
    """Prove the flux of the lowest `filled` bands out of a box, over 2 pi."""

    def prove(ham: Hoppings, least: NDArray[np.float64]) -> tuple[Cover, NDArray[np.int64]]:
        walk = cover(ham, box, least, limits.max_evaluations, limits.tightness, frames=True)
        if not len(walk.leaves.owner):
            return walk, np.zeros(len(ham), np.int64)
        cocycle = Cocycle(walk)
        surface_edges(cocycle)
        return walk, cocycle.integers(np.full(3, box.fine + 1))

    return _in_groups(H, filled, limits, prove, evidence=evidence, shift=box.rounding)


def _in_groups(
    H: FourierLike,
    filled: int,
    limits: Limits,
    prove: Any,
    *,
    evidence: bool,
    shift: float = 0.0,
) -> Evidence:
    """Apply `prove` to groups of Hamiltonians that fit into memory together.

    Momenta may be rounded by up to `shift` in each component.
    """
    ham = Hoppings.of(H, filled, shift)
    size, dim = len(ham), H.vectors.shape[1]
    least = upper_bound(limits.min_gap, -ham.exponent)
    basis = 16 * ham.n_bands**2
    group = min(GROUP, GROUP_BYTES // (400 * basis), MOST_BYTES // (basis * limits.max_evaluations))
    group = max(1, group)
    found = Evidence(
        proven=np.zeros(size, np.bool_),
        value=np.zeros(size, np.int64),
        gap_lower=np.zeros(size),
        gap_upper=np.zeros(size),
        k_at_gap_upper=np.zeros((size, dim)),
        evaluations=np.zeros(size, np.int64),
        status=np.zeros(size, np.uint8),
    )
    kept: list[ProofEvidence | None] = []
    with one_thread():
        for lo in range(0, size, group):
            rows = np.arange(lo, min(lo + group, size))
            walk, value = prove(ham.take(rows) if group < size else ham, least[rows])
            found.proven[rows] = walk.reason == ""
            found.value[rows] = value
            found.status[rows] = statuses(walk.reason)
            found.gap_lower[rows] = lower_bound(walk.gap_lower, walk.ham.exponent)
            found.gap_upper[rows] = upper_bound(walk.gap_met, walk.ham.exponent)
            found.k_at_gap_upper[rows] = walk.k_at_gap_upper
            found.evaluations[rows] = walk.evaluations
            if evidence:
                kept += band_evidence(walk)
    return Evidence(**(vars(found) | {"evidence": tuple(kept)}))


def band_evidence(walk: Cover) -> list[ProofEvidence | None]:
    """Tree and bases for each Hamiltonian; None where it is not proven."""
    out: list[ProofEvidence | None] = []
    leaves, domain = walk.leaves, walk.domain
    for b, reason in enumerate(walk.reason):
        if reason != "":
            out.append(None)
            continue
        mine, pieces = leaves.take(leaves.owner == b), []
        for i, patch in enumerate(domain.patches):
            here = mine.take(mine.patch == i)
            tree, order = CellTree.of_cells(
                patch.start, domain.max_depth, here.corner, here.depth
            )  # fmt: skip
            pieces.append(BandEvidence(tree, here.states[order].astype(np.complex64)))
        if isinstance(domain, Box):
            out.append(SurfaceEvidence(domain.centre, domain.width, tuple(pieces)))
        else:
            out.append(pieces[0])
    return out
