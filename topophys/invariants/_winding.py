"""Certified winding numbers of chiral chains, by the Fourier series of det D(k)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import BlockLike
from topophys.errors import InputError
from topophys.invariants._limits import Limits
from topophys.invariants._scaling import demand, divide_out, error_of, proven_gap
from topophys.invariants._slices import phases_of
from topophys.invariants.evidence import CellTree, WindingEvidence
from topophys.invariants.results import Evidence
from topophys.kernels import status as st
from topophys.kernels.rounding import SLACK, UNIT, UP, upper_bound
from topophys.kernels.trig_series import trig_table, whole_passes
from topophys.kernels.winding_certified import NOTHING, certify_series, certify_windings, gaps_at

__all__ = ["winding_evidence"]

#: Up to this many coefficients a chain is taken as it is.
SHORT: Final = 17
#: Up to this degree of det D the phases of all first nodes are kept in a table.
TABLE: Final = 256
#: Largest degree of det D for blocks of three or more orbitals: its coefficients come from as many
#: determinants, each added to all of them.
DEGREE: Final = 1 << 15
#: A coefficient smaller than this share of all counts as rounding.
NEGLIGIBLE: Final = 2.0**-53
#: Most coefficients of blocks of two orbitals of which all products are formed.
PAIRS: Final = 20_000
#: Gap of hoppings up to 1 from which on it is not called closed.
CLOSED: Final = 2.0**-26
#: Most first intervals: finer ones come from division.
MOST_NODES: Final = 1 << 20


@dataclass(eq=False)
class _Found:
    """Rows of the answer, filled group by group."""

    turns: NDArray[np.int64]
    evidence: NDArray[np.float64]
    evaluations: NDArray[np.int64]
    status: NDArray[np.uint8]
    #: What each proof rests on, where that is asked for.
    kept: list[WindingEvidence | None] = field(default_factory=list)

    @classmethod
    def of(cls, size: int) -> _Found:
        """Rows for `size` chains, not yet evaluated."""
        found = cls(
            np.zeros(size, np.int64), np.zeros((size, 3)), np.zeros(size, np.int64),
            np.full(size, st.BUDGET, np.uint8),
        )  # fmt: skip
        found.evidence[:, 1] = np.inf
        return found

    def row(self, b: int) -> _Found:
        """Return views of one row."""
        cut = slice(b, b + 1)
        return _Found(self.turns[cut], self.evidence[cut], self.evaluations[cut], self.status[cut])


def winding_evidence(H: BlockLike, limits: Limits, *, evidence: bool = False) -> Evidence:
    """Prove the winding number of det D(k)."""
    amplitudes = H.block_amplitudes
    size, (n_shift, n, _) = math.prod(amplitudes.shape[:-3]), amplitudes.shape[-3:]
    blocks, exponent = divide_out(amplitudes.reshape(size, n_shift, n, n))
    lowest, error = H.block_range[0], error_of(H, exponent)
    found = _Found.of(len(blocks))
    if n_shift <= SHORT:
        lost = ~np.isfinite(error)
        need = demand(limits.min_gap, exponent, error)
        _prove(blocks, lowest, need, limits, found)
        if evidence:
            found.kept = [
                _repeated(blocks[b : b + 1], need[b : b + 1], limits, found.row(b))
                for b in range(size)
            ]
    else:
        error = error.copy()
        _prove_long(blocks, lowest, exponent, error, limits, found, evidence=evidence)
        lost = ~np.isfinite(error)
    found.status[lost] = st.ROUNDING
    k = found.evidence[:, 2]
    seen = _gap_at(blocks, k) if n > 1 else found.evidence[:, 1]
    seen = np.where(np.isfinite(found.evidence[:, 1]), seen, np.inf)
    # det D may be zero to rounding where the gap is not
    found.status[(found.status == st.CLOSED_GAP) & (seen > CLOSED)] = st.ROUNDING
    met = seen + np.where(lost, 0.0, 2.0 * error)
    # a gap that was met and is not below what the user asked for: the error is in the way
    if error.any():
        small = (found.status == st.SMALL_GAP) & (error > 0.0)
        found.status[small & (met >= upper_bound(limits.min_gap, -exponent))] = st.ROUNDING
    return Evidence(
        proven=found.status == st.OK,
        value=found.turns,
        gap_lower=proven_gap(found.evidence[:, 0], error, exponent),
        gap_upper=upper_bound(met, exponent),
        k_at_gap_upper=k[:, None],
        evaluations=found.evaluations,
        status=found.status,
        evidence=tuple(found.kept) if evidence else (),
    )


def _prove(
    blocks: NDArray[np.complex128],
    lowest: int,
    need: NDArray[np.float64],
    limits: Limits,
    found: _Found,
    depths: NDArray[np.int8] | None = None,
) -> None:
    """Prove chains (B, S, n, n) with all harmonics of det D."""
    n_shift, n = blocks.shape[1], blocks.shape[2]
    degree = n * (n_shift - 1)
    n_node = 4 * (degree // 2) + 8
    if n_node > limits.max_evaluations:
        return
    highest = max((degree + 1) // 2, n_shift - 1)
    certify_windings(
        blocks, lowest, _roots(degree + 1), _table(highest, n_node), whole_passes(2 * highest),
        need, limits.max_depth, limits.max_evaluations, found.turns, found.evidence,
        found.evaluations, found.status, np.empty(0, np.int8) if depths is None else depths,
    )  # fmt: skip


def _repeated(
    blocks: NDArray[np.complex128], need: NDArray[np.float64], limits: Limits, row: _Found
) -> WindingEvidence | None:
    """Repeat one proof and keep its intervals: as many as it took evaluations."""
    if row.status[0] != st.OK:
        return None
    depths = np.empty(int(row.evaluations[0]), np.int8)
    _prove(blocks, 0, need, limits, _Found.of(1), depths)
    return _rolled(4 * (blocks.shape[2] * (blocks.shape[1] - 1) // 2) + 8, depths)


def _rolled(n_node: int, depths: NDArray[np.int8]) -> WindingEvidence:
    """Evidence of intervals in order from k = -pi, which start at k = 0 there."""
    ends = np.cumsum(np.ldexp(1.0, -depths.astype(np.int64)))
    half = int(np.searchsorted(ends, n_node // 2)) + 1
    return WindingEvidence(CellTree.of_depths(n_node, np.roll(depths, -half)))


@lru_cache(maxsize=8)
def _roots(count: int) -> NDArray[np.complex128]:
    return np.asarray(np.exp(2j * np.pi * np.arange(count) / count))


@lru_cache(maxsize=8)
def _table(highest: int, n_node: int) -> NDArray[np.float64]:
    """Table of cosines and sines at the nodes of the first intervals; no rows where it is large."""
    if highest > TABLE:
        return np.empty((0, n_node))
    return trig_table(highest, np.arange(n_node) - n_node // 2, n_node)


def _prove_long(
    blocks: NDArray[np.complex128],
    lowest: int,
    exponent: NDArray[np.int64],
    error: NDArray[np.float64],
    limits: Limits,
    found: _Found,
    *,
    evidence: bool,
) -> None:
    """Prove chains with many coefficients one by one; what is left out goes into `error`.

    Coefficients at both ends that are zero or as small as rounding are left out. Where a grid for
    the rest is larger than what may be evaluated, half of the evaluations go into the stretch that
    has nearly everything, with the norm of the others as error.
    """
    found.kept = [None] * len(blocks)
    for b in range(len(blocks)):
        if not np.isfinite(error[b]):
            continue
        row, left = found.row(b), limits
        norm = np.sqrt(np.square(np.abs(blocks[b])).sum((1, 2))) * UP
        if not norm.any():
            _prove(blocks[b : b + 1, :1], lowest, np.zeros(1), limits, row)
            continue
        first, last = _stretch(norm)
        error[b] += UP * (norm[:first].sum() + norm[last:].sum())
        one = _Long(blocks[b, first:last], lowest + first, norm[first:last])
        if one.nodes() > limits.max_evaluations // 2 and not evidence:
            short, rest = one.shortened()
            rest += float(error[b])
            if rest < short.norm.sum():
                half = replace(limits, max_evaluations=max(1, limits.max_evaluations // 2))
                need = demand(limits.min_gap, exponent[b : b + 1], np.array([rest]))
                short.prove(need, half, row)
                if row.status[0] == st.OK:
                    error[b] = rest
                    continue
                row.evidence[0, 1], row.status[0] = np.inf, st.BUDGET
                used = int(row.evaluations[0])
                left = replace(limits, max_evaluations=max(1, limits.max_evaluations - used))
        need = demand(limits.min_gap, exponent[b : b + 1], error[b : b + 1])
        found.kept[b] = one.prove(need, left, row, evidence=evidence)


def _stretch(norm: NDArray[np.float64]) -> tuple[int, int]:
    """First and last coefficient, exclusive, once negligible ones at both ends are left out."""
    allowed = 0.5 * NEGLIGIBLE * norm.sum()
    first = int(np.searchsorted(np.cumsum(norm), allowed, side="right"))
    last = len(norm) - int(np.searchsorted(np.cumsum(norm[::-1]), allowed, side="right"))
    return first, last


@dataclass(eq=False)
class _Long:
    """One chain with coefficients D_s (S, n, n), their norms (S,), the first of order `lowest`."""

    blocks: NDArray[np.complex128]
    lowest: int
    norm: NDArray[np.float64]

    @property
    def degree(self) -> int:
        """Degree of det sum_s D_s z^s."""
        return int(self.blocks.shape[1] * (len(self.blocks) - 1))

    def nodes(self) -> int:
        """First intervals that the harmonics of D ask for, by their mean curvature."""
        if len(self.norm) <= SHORT:
            return 4 * (self.degree // 2) + 8
        s = np.arange(len(self.norm))
        n, total = self.blocks.shape[1], self.norm.sum()
        middle = (s * self.norm).sum() / total
        spread = math.sqrt((np.square(s - middle) * self.norm).sum() / total)
        most = 4 * (self.degree // 2) + 8
        return int(min(most, max(16, 1 << math.ceil(math.log2(1.0 + 4.0 * n * spread)))))

    def shortened(self) -> tuple[_Long, float]:
        """Stretch of `SHORT` coefficients that has most of the norm, and the norm of the others."""
        if len(self.norm) <= SHORT:
            return self, 0.0
        sums = np.convolve(self.norm, np.ones(SHORT), "valid")
        first = int(sums.argmax())
        cut = slice(first, first + SHORT)
        rest = UP * (self.norm[:first].sum() + self.norm[first + SHORT :].sum())
        return _Long(self.blocks[cut], self.lowest + first, self.norm[cut]), float(rest)

    def prove(
        self, need: NDArray[np.float64], limits: Limits, row: _Found, *, evidence: bool = False
    ) -> WindingEvidence | None:
        """Fill the row of the answer, adding to the evaluations in it."""
        kept = None
        before = row.evaluations.copy()
        row.evaluations[:] = 0
        n = self.blocks.shape[1]
        if self.degree <= TABLE or n > 2:
            if self.degree > DEGREE:
                raise InputError(
                    "Argument `H` must have a block of N orbitals and a range of hoppings whose"
                    f" product is at most {DEGREE} for N > 2, but it is {self.degree}."
                )
            blocks = np.ascontiguousarray(self.blocks)[None]
            _prove(blocks, self.lowest, need, limits, row)
            kept = _repeated(blocks, need, limits, row) if evidence else None
        else:
            kept = self._prove_series(float(need[0]), limits, row, evidence=evidence)
        row.evaluations[:] += before
        return kept

    def _prove_series(
        self, need: float, limits: Limits, row: _Found, *, evidence: bool
    ) -> WindingEvidence | None:
        """As `_prove` for one or two orbitals, with the harmonics that are there."""
        kept = np.flatnonzero(self.norm)
        n = self.blocks.shape[1]
        if len(kept) > min(limits.max_evaluations, PAIRS if n > 1 else limits.max_evaluations):
            return None
        f, size, orders = _determinant(self.blocks, self.norm, kept)
        g, g_size, lags = _norm_series(self.blocks, self.norm, kept if n > 1 else kept[:0])
        weight = np.abs(f)
        shift = round(float((orders * weight).sum() / weight.sum())) if weight.any() else 0
        m = (orders - shift).astype(np.float64)
        rounding = SLACK * len(kept)
        second = UP * (np.square(m) * (weight + rounding * size)).sum()
        slack = UP * rounding * ((1.0 + np.abs(m)) * (weight + 2.0 * size)).sum() + NOTHING
        far = lags.astype(np.float64)
        g_second = UP * (2.0 * np.square(far) * (np.abs(g) + rounding * n * n * g_size)).sum()
        g_slack = UP * 4.0 * rounding * n * n * g_size.sum()
        n_node = max(16, min(self.nodes(), MOST_NODES))
        n_node = 1 << (n_node - 1).bit_length()
        while n_node > 16 and n_node > limits.max_evaluations // 2:
            n_node //= 2
        positive, terms = _terms(orders - shift, f, lags, g)
        depth = min(limits.max_depth, 60 - n_node.bit_length())
        bounds, depths = np.array([second, slack, g_second, g_slack]), np.empty(0, np.int8)
        turns, row.evaluations[0], row.status[0] = certify_series(
            terms, positive, n, bounds, n_node, need, depth, limits.max_evaluations,
            row.evidence[0], depths,
        )  # fmt: skip
        row.turns[0] = turns + n * self.lowest + shift
        if not evidence or row.status[0] != st.OK:
            return None
        depths = np.empty(int(row.evaluations[0]), np.int8)
        certify_series(
            terms, positive, n, bounds, n_node, need, depth, limits.max_evaluations, np.empty(3),
            depths,
        )  # fmt: skip
        return _rolled(n_node, depths)


def _determinant(
    blocks: NDArray[np.complex128], norm: NDArray[np.float64], kept: NDArray[np.intp]
) -> tuple[NDArray[np.complex128], NDArray[np.float64], NDArray[np.int64]]:
    """Coefficients of det sum_s D_s z^s that are there, sizes of what was added, and their orders.

    A sum of at most P products, P the number of coefficients that are there, rounds to a few P
    units of its size.
    """
    if blocks.shape[1] == 1:
        return blocks[kept, 0, 0], np.zeros(len(kept)), kept.astype(np.int64)
    f = np.zeros(2 * len(blocks) - 1, np.complex128)
    size = np.zeros(len(f))
    a, b, c, d = blocks[:, 0, 0], blocks[:, 0, 1], blocks[:, 1, 0], blocks[:, 1, 1]
    for s in kept:  # the sums s + t of one s are distinct
        f[s + kept] += a[s] * d[kept] - b[s] * c[kept]
        size[s + kept] += norm[s] * norm[kept]
    there = np.flatnonzero(size)
    return f[there], size[there], there.astype(np.int64)


def _norm_series(
    blocks: NDArray[np.complex128], norm: NDArray[np.float64], kept: NDArray[np.intp]
) -> tuple[NDArray[np.complex128], NDArray[np.float64], NDArray[np.int64]]:
    """Coefficients g_m = sum_s <D_s, D_(s+m)>, m >= 0, their sizes and orders m."""
    g, size = np.zeros(len(blocks), np.complex128), np.zeros(len(blocks))
    flat = blocks.reshape(len(blocks), -1)
    for i, s in enumerate(kept):
        later = kept[i:]
        g[later - s] += flat[later] @ flat[s].conj()
        size[later - s] += norm[s] * norm[later]
    there = np.flatnonzero(size)
    return g[there], size[there], there.astype(np.int64)


def _terms(
    orders: NDArray[np.int64],
    f: NDArray[np.complex128],
    lags: NDArray[np.int64],
    g: NDArray[np.complex128],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Positive orders (P,) of either series, and their terms (3, 1 + 2 P) as in `complex_terms`."""
    positive = np.union1d(np.abs(orders), lags)
    positive = positive[positive > 0]
    if not len(positive):  # a constant: any order will do
        positive = np.ones(1, np.int64)
    terms = np.zeros((3, 1 + 2 * len(positive)))
    sign = np.where(orders >= 0, 1.0, -1.0)
    column = 2 * np.searchsorted(positive, np.abs(orders)) + 1
    mean = orders == 0
    terms[0, 0], terms[1, 0] = f[mean].real.sum(), f[mean].imag.sum()
    for side in (orders > 0, orders < 0):
        at, z, turn = column[side], f[side], sign[side]
        terms[0, at] += z.real
        terms[0, at + 1] -= turn * z.imag
        terms[1, at] += z.imag
        terms[1, at + 1] += turn * z.real
    terms[2, 0] = g[lags == 0].real.sum()
    later = lags > 0
    at = 2 * np.searchsorted(positive, lags[later]) + 1
    terms[2, at], terms[2, at + 1] = 2.0 * g[later].real, -2.0 * g[later].imag
    return positive, terms


def _gap_at(blocks: NDArray[np.complex128], k: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gap 2 sigma_min(D(k)) of chains with entries up to 1, each at its own momentum, rounded up.

    The middle harmonic is factored out: phases are then wrong by 2 S units of 2^-53, sums of S
    coefficients by S, singular values by a few n, each of at most n sqrt(2).
    """
    n_shift, n = blocks.shape[1], blocks.shape[2]
    lowest = -(n_shift // 2)
    if n == 2 and n_shift <= SHORT:
        gap = np.empty(len(k))
        gaps_at(blocks, lowest, k, gap)
    else:
        orders = np.flatnonzero(blocks.any((0, 2, 3)))
        blocks, n_shift = blocks[:, orders], len(orders)
        phases = phases_of(k, orders)
        d_k = np.einsum("bs,bsij->bij", phases, blocks)
        gap = np.asarray(2.0 * np.linalg.svd(d_k, compute_uv=False)[:, -1])
    blank = ~blocks.any((1, 2, 3)) if gap.size and gap.min() == 0.0 else np.zeros(len(k), bool)
    rounding = 16.0 * UNIT * (n_shift + n) * n_shift * n * math.sqrt(2.0)
    return np.where(blank, 0.0, gap + rounding)
