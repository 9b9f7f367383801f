"""Cells of momentum space: bounds of the gap and of the occupied space, from their centres."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.invariants._scaling import divide_out, error_of
from topophys.kernels.chern_multiband import (
    UP,
    block_norms,
    complete_terms,
    corner_blocks,
    mixing_norms,
    rotate,
    taylor_sums,
    term_count,
    turn_bounds,
)
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import slack_of
from topophys.kernels.small_linalg import LARGEST, extremes_of_two, small_eigh, small_extremes

__all__ = [
    "HERMITIAN",
    "CellBounds",
    "Hoppings",
    "Phases",
    "bound_cells",
    "eigh_batch",
    "frames_at",
]


# ------------------------------------ Eigenvalues and eigenvectors of batches of Hermitian matrices

#: Allowed deviation of given matrices from Hermitian ones, relative to the largest entry.
HERMITIAN: Final = 1e-9


def eigh_batch(
    h: Complex[np.ndarray, "*batch n n"],
) -> tuple[Float[np.ndarray, "*batch n"], Complex[np.ndarray, "*batch n n"]]:
    """Diagonalise: by rotations of many matrices side by side up to eight bands, else by LAPACK.

    Shapes: `h` (..., n, n); returns `energy` (..., n), `states` (..., n, n).
    """
    n = h.shape[-1]
    if n > LARGEST:
        energy, states = np.linalg.eigh(h)
        return energy, states
    size = math.prod(h.shape[:-2])
    energy, states = np.empty((size, n)), np.empty((size, n, n), np.complex128)
    small_eigh(np.ascontiguousarray(h).reshape(size, n, n), energy, states)
    return energy.reshape(h.shape[:-1]), states.reshape(h.shape)


# --------- Cells of momentum space: bounds of the gap and of the occupied space, from their centres

Int: TypeAlias = NDArray[np.int64]
Real: TypeAlias = NDArray[np.float64]
Array: TypeAlias = NDArray[np.complex128]
#: e^(i k.R) at points of a lattice, of shape (points, M), from points (points, dim).
Phases: TypeAlias = Callable[[Int], Array]
#: Bytes of the Taylor coefficients of cells treated together.
CHUNK_BYTES: Final = 6 << 20
#: Cells that share sums over planes, at least.
SHARED: Final = 32
#: Slack, relative to the size of third-order terms: their own rounding.
ROUND: Final = 1e-9
#: Steps towards the nearest point of a hull.
GILBERT: Final = 12
#: Hoppings from which on sums in three dimensions are done plane by plane.
PLANES: Final = 32


def _operator_norms(hops: Array, frobenius: Real) -> Real:
    """Bounds of operator norms (...) of matrices (..., n, n), not above those of Frobenius norms.

    For few bands they are roots of the largest eigenvalues of X^dagger X, of which rounding takes
    less than 8 n (n + 4) units; not where squares of squares may underflow.
    """
    n = hops.shape[-1]
    if n > LARGEST or not hops.size:
        return np.asarray(np.minimum(np.linalg.norm(hops, ord=2, axis=(-2, -1)) * UP, frobenius))
    square = np.ascontiguousarray(hops.conj().swapaxes(-1, -2) @ hops).reshape(-1, n, n)
    top = _extremes(square)[1].reshape(frobenius.shape)
    size = np.where(frobenius > 1e-70, np.sqrt(np.maximum(top, 0.0)) * UP, frobenius)
    return np.asarray(np.minimum(size, frobenius))


@dataclass(frozen=True, eq=False)
class Hoppings:
    """Hamiltonians by the hoppings of one half space, divided by a power of two.

    Attributes
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors of the half space that matter.
    onsite : complex128 ndarray of shape (B, n, n)
        H_0.
    hops : complex128 ndarray of shape (B, M, n n)
        H_R.
    norms : float64 ndarray of shape (B, M)
        Bounds of their operator norms.
    size : float64 ndarray of shape (B,)
        Bound of the operator norm of H(k) at every k.
    slack : float64 ndarray of shape (B,)
        What rounding can do to any block of H(k), in operator norm: noise and error.
    noise, error : float64 ndarray of shape (B,)
        The part of this proof, and that of the making of the hoppings.
    exponent : int64 ndarray of shape (B,)
        Exponents of the powers of two.
    filled : int
        Number of occupied bands.
    about_zero : bool
        Whether levels count by their sign: gaps are then twice the distance from 0, the smaller
        one of the two sides, and negative where 0 does not lie between the bands.
    """

    vectors: Int
    onsite: Array
    hops: Array
    norms: Real
    size: Real
    slack: Real
    noise: Real
    error: Real
    exponent: Int
    filled: int
    about_zero: ClassVar[bool] = False

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return int(self.onsite.shape[-1])

    @property
    def rank(self) -> int:
        """Largest rank of the block that mixes occupied and empty states."""
        return min(self.filled, self.n_bands - self.filled)

    def __len__(self) -> int:
        return len(self.onsite)

    @classmethod
    def of(cls, H: FourierLike, filled: int, shift: float = 0.0) -> Hoppings:
        """Scale, halve, and leave out what is below rounding, with its size in the slack.

        Where momenta are rounded by up to `shift` in each component, that goes into the slack too.
        """
        n, dim = H.n_bands, H.vectors.shape[1]
        flat, exponent = divide_out(
            H.amplitudes.reshape(math.prod(H.batch_shape), len(H.vectors), n, n)
        )
        rows = [tuple(v) for v in H.vectors.tolist()]
        origin = (0,) * dim
        half = [m for m, v in enumerate(rows) if v > origin]
        vectors, hops = H.vectors[half].astype(np.int64), flat[:, half]
        onsite = (
            flat[:, rows.index(origin)] if origin in rows else np.zeros((len(flat), n, n), complex)
        )
        frobenius = np.linalg.norm(hops, axis=(-2, -1)) * UP
        central = np.linalg.norm(onsite, axis=(-2, -1)) * UP
        reach = np.abs(vectors).sum(-1)
        error = error_of(H, exponent)
        noise = slack_of(
            np.concatenate([central[:, None], frobenius, frobenius], axis=1),
            np.concatenate([[0], reach, reach]), n, 2.0 * shift * UP * (frobenius * reach).sum(-1),
        )  # fmt: skip
        slack = noise + UP * error
        # a vector is left out if, in every Hamiltonian, all that are left out stay below the slack
        order = np.argsort((frobenius / slack.clip(1e-300)[:, None]).max(0, initial=0.0))
        total = 2.0 * np.cumsum(frobenius[:, order], axis=1)
        drop = (total <= slack[:, None]).all(0)
        kept = np.sort(order[~drop])
        dropped = total[:, drop].max(1, initial=0.0) * UP
        hops, frobenius = np.ascontiguousarray(hops[:, kept]), frobenius[:, kept]
        return cls(
            vectors=vectors[kept],
            onsite=np.ascontiguousarray(onsite),
            hops=hops.reshape(len(flat), len(kept), n * n),
            norms=_operator_norms(hops, frobenius),
            size=(central + 2.0 * frobenius.sum(-1)) * UP,
            slack=slack + dropped,
            noise=noise + dropped,
            error=error,
            exponent=exponent,
            filled=filled,
        )

    def take(self, rows: Int) -> Hoppings:
        """Return some of the Hamiltonians."""
        return Hoppings(
            self.vectors, self.onsite[rows], self.hops[rows], self.norms[rows], self.size[rows],
            self.slack[rows], self.noise[rows], self.error[rows], self.exponent[rows], self.filled,
        )  # fmt: skip

    def at(self, owner: Int, points: Int, phases: Phases) -> Array:
        """H (m, n, n) at points of a lattice, sorted by owner."""
        none = np.empty((len(self.vectors), 1))
        return _sums(self, owner, phases(points), none, np.ones(len(points)), 1)[:, 0]

    def expansions(
        self, owner: Int, points: Int, phases: Phases, half: Real, size: Real, fine: int
    ) -> Iterator[tuple[Int, NDArray[np.complex128], Real]]:
        """Taylor coefficients at centres of cells, in pieces that fit into the cache.

        Yields rows of a piece, coefficients, and what the third order and the slack leave open.
        Rows come Hamiltonian by Hamiltonian.
        """
        axes = len(half)
        reach = np.ascontiguousarray(self.vectors @ half.T)
        third = self.third(reach)
        step = max(1, CHUNK_BYTES // (16 * self.n_bands**2 * term_count(axes)))
        planes = fine > 0 and axes == 3 and len(self.vectors) >= PLANES
        order = np.argsort(owner, kind="stable")
        if planes:
            # sums over planes are shared by neighbours: of many bands a few cells fill the cache
            step = max(step, SHARED)
            order = np.lexsort((*points.T, size, owner))
        for lo in range(0, len(order), step):
            rows = order[lo : lo + step]
            if planes:
                terms = _plane_sums(self, owner[rows], points[rows], size[rows], half, fine)
            else:
                terms = _sums(
                    self, owner[rows], phases(points[rows]), reach, size[rows], term_count(axes)
                )
            yield rows, terms, third[owner[rows]] * size[rows] ** 3 + self.slack[owner[rows]]

    def third(self, reach: Real) -> Real:
        """Bound (B,) of the third-order remainder on a cell with R.r = reach (M, A).

        The sum of |H_R| |R.q|^3 is convex in q, hence largest at a corner of the cell.
        """
        sides = [s for s in itertools.product((1.0, -1.0), repeat=reach.shape[1]) if s[0] > 0.0]
        cubes = [np.abs(reach @ np.array(s)) ** 3 for s in sides]
        sums = [(self.norms * cube).sum(-1) for cube in cubes]
        return np.asarray(np.max(sums, axis=0) / 3.0 * (1.0 + ROUND))


@dataclass(frozen=True, eq=False)
class CellBounds:
    """What holds on each of some cells.

    Attributes
    ----------
    gap : float64 ndarray of shape (m,)
        Lower bound of the direct gap; not above the wanted one where that is not proven.
    seen : float64 ndarray of shape (m,)
        Gap at the centre.
    good : int64 ndarray of shape (g,)
        Cells with the wanted gap.
    frobenius, operator, departure : float64 ndarray of shape (g,)
        Of those: bounds of the map T from the occupied space of the centre, and of how far the
        basis is from unitary.
    states : complex128 ndarray of shape (g, n, n)
        Their bases.
    """

    gap: Real
    seen: Real
    good: Int
    frobenius: Real
    operator: Real
    departure: Real
    states: Array


#: Which derivatives along (y, z) are needed with each order along x, of (0, 0), (0, 1), (0, 2),
#: (1, 0), (1, 1), (2, 0).
NEEDED: Final = ((0, slice(0, 6)), (1, slice(0, 2)), (1, slice(3, 4)), (2, slice(0, 1)))
#: Where these are among 1; x, y, z; xx, xy, xz, yy, yz, zz.
PLACES: Final = np.array([0, 3, 9, 2, 8, 7, 1, 6, 5, 4])
#: Rows of cells whose sums are kept at once, and cells of a row done at once.
ROWS: Final = 8
ALONG: Final = 32


def _plane_sums(ham: Hoppings, owner: Int, points: Int, size: Real, half: Real, fine: int) -> Array:
    """Taylor coefficients (m, 10, n, n) at points of a lattice in three dimensions.

    The sum over R_z is done once for neighbours in a plane, the sum over R_y once for neighbours
    in a row: points are best sorted by owner, size, z and y. All sums are products of matrices.
    """
    flat = ham.n_bands**2
    order = np.lexsort((ham.vectors[:, 1], ham.vectors[:, 0]))
    vectors = ham.vectors[order]
    # vectors (R_x, R_y, .) between two of `pairs`, pairs (R_x, .) between two of `columns`
    pairs = _starts(vectors[:, :2])
    columns = np.searchsorted(pairs, _starts(vectors[:, :1]))
    second, first = vectors[pairs[:-1], 1], vectors[pairs[columns[:-1]], 0]
    # memory is taken once: to take it for every row costs as much as the sums
    plane = np.empty((len(pairs) - 1, 3, flat), np.complex128)
    sums = np.empty((len(first), ROWS, 6, flat), np.complex128)
    cells = np.empty((ALONG, 10, flat), np.complex128)
    out = np.empty((len(owner), 10, ham.n_bands, ham.n_bands), np.complex128)
    edges, hops, last = np.diagonal(half), ham.hops[:0], -1
    depth = np.frexp(size)[1]
    for lo, hi in itertools.pairwise(_starts(np.column_stack([owner, depth, points[:, 2]]))):
        if owner[lo] != last:
            last = int(owner[lo])
            hops = ham.hops[last]
            if not (order == np.arange(len(order))).all():
                hops = hops[order]
        reach = edges * size[lo]
        wave = _waves(points[lo : lo + 1, 2], vectors[:, 2], reach[2], fine)[0]
        for pair, (a, b) in enumerate(itertools.pairwise(pairs)):
            np.matmul(wave[:, a:b], hops[a:b], out=plane[pair])
        rows = lo + _starts(points[lo:hi, 1:2])
        for some in range(0, len(rows) - 1, ROWS):
            ends = rows[some : some + ROWS + 1]
            _row_sums(plane, columns, _waves(points[ends[:-1], 1], second, reach[1], fine), sums)
            for row, (begin, end) in enumerate(itertools.pairwise(ends)):
                for c in range(begin, end, ALONG):
                    stop = min(c + ALONG, end)
                    wave = _waves(points[c:stop, 0], first, reach[0], fine)
                    place = 0
                    for x, needed in NEEDED:
                        few = sums[:, row, needed].reshape(len(sums), -1)
                        count = few.shape[1] // flat
                        into = cells[: stop - c, place : place + count]
                        into[:] = (wave[:, x] @ few).reshape(into.shape)
                        place += count
                    complete_terms(cells, PLACES, ham.onsite[last], out[c:stop])
    return out


def _row_sums(plane: Array, columns: Int, wave: Array, sums: Array) -> None:
    """Fill sums (X, ROWS, 6, n n) over R_y of plane (P, 3, n n), with factors wave (rows, 3, P)."""
    rows, flat = len(wave), plane.shape[2]
    for x, (a, b) in enumerate(itertools.pairwise(columns)):
        for y, into in ((0, slice(0, 3)), (1, slice(3, 5)), (2, slice(5, 6))):
            few = plane[a:b, : 3 - y].reshape(b - a, -1)
            sums[x, :rows, into] = (wave[:, y, a:b] @ few).reshape(rows, 3 - y, flat)


def _starts(rows: Int) -> Int:
    """Where a row (m, D) of integers differs from the one before, and m."""
    other = (rows[1:] != rows[:-1]).any(1)
    return np.concatenate([[0], 1 + np.flatnonzero(other), [len(rows)]])


def _waves(points: Int, steps: Int, reach: float, fine: int) -> Array:
    """(i R r)^o e^(2 pi i p R / fine) (P, 3, M) for o = 0, 1, 2 and steps R (M,) along an axis."""
    angle = (2.0 * np.pi / fine) * ((points[:, None] % fine) * (steps % fine) % fine)
    out = np.empty((len(points), 3, len(steps)), np.complex128)
    out[:, 0].real, out[:, 0].imag = np.cos(angle), np.sin(angle)
    out[:, 1] = 1j * (steps * reach) * out[:, 0]
    out[:, 2] = 1j * (steps * reach) * out[:, 1]
    return out


def _sums(ham: Hoppings, owner: Int, phases: Array, reach: Real, size: Real, terms: int) -> Array:
    """Taylor coefficients (m, T, n, n) at points sorted by owner."""
    n = ham.n_bands
    out = np.empty((len(owner), terms, n, n), np.complex128)
    begin = np.flatnonzero(np.diff(owner, prepend=-1))
    present, first = owner[begin], np.append(begin, len(owner))
    onsite, hops = ham.onsite, ham.hops
    if len(present) < len(ham):
        onsite, hops = onsite[present], hops[present]
    taylor_sums(phases, first, reach, size, onsite, hops, out)
    return out


def frames_at(ham: Hoppings, owner: Int, points: Int, phases: Phases) -> tuple[Real, Array]:
    """Energies (m, n) and eigenvectors (m, n, n) at points, in any order of owners."""
    n = ham.n_bands
    order = np.argsort(owner, kind="stable")
    energy, states = np.empty((len(owner), n)), np.empty((len(owner), n, n), np.complex128)
    step = max(1, CHUNK_BYTES // (16 * n * n))
    for lo in range(0, len(order), step):
        part = order[lo : lo + step]
        energy[part], states[part] = eigh_batch(ham.at(owner[part], points[part], phases))
    return energy, states


def bound_cells(
    ham: Hoppings,
    owner: Int,
    points: Int,
    phases: Phases,
    half: Real,
    size: Real,
    least: Real,
    *,
    frames: bool,
    fine: int = 0,
    aimed: bool = False,
) -> CellBounds:
    """Bound the gap on cells; `aimed`: by the basis in which corners are apart, not the eigenbasis.

    Shapes: `owner` (m,), `points` (m, dim), `half` (A, dim), `size` (m,), `least` (m,).
    """
    parts: list[CellBounds] = []
    good: list[Int] = []
    gap, seen = np.zeros(len(owner)), np.zeros(len(owner))
    for rows, terms, rest in ham.expansions(owner, points, phases, half, size, fine):
        part = _bound_chunk(ham, owner[rows], terms, rest, least[rows], len(half), frames, aimed)
        gap[rows], seen[rows] = part.gap, part.seen
        good.append(rows[part.good])
        parts.append(part)
    if len(parts) == 1:
        p = parts[0]
        return CellBounds(gap, seen, good[0], p.frobenius, p.operator, p.departure, p.states)
    return CellBounds(
        gap, seen, np.concatenate(good),
        *(np.concatenate([getattr(p, name) for p in parts])
          for name in ("frobenius", "operator", "departure", "states")),
    )  # fmt: skip


def _bound_chunk(
    ham: Hoppings,
    owner: Int,
    terms: Array,
    rest: Real,
    least: Real,
    axes: int,
    frames: bool,
    aimed: bool,
) -> CellBounds:
    """`bound_cells` for cells with these Taylor coefficients, remainders included in `rest`."""
    n, filled = ham.n_bands, ham.filled
    energy, states = eigh_batch(terms[:, 0])
    zero = ham.about_zero
    seen = _apart(energy[:, filled], energy[:, filled - 1], zero)
    if aimed:
        states, most = _aim(terms, energy, states, filled, axes)
        gap = np.minimum(seen, most)
    else:
        gap = seen if n <= LARGEST or zero else _first_look(terms, states, seen, filled, axes)
    gap = gap - 2.0 * rest
    rows = np.flatnonzero((gap > 0.0) & (gap >= least))
    if len(rows) < len(owner):
        terms, states, rest = terms[rows], states[rows], rest[rows]
    departure = _turn(states, terms)
    # a basis of length 1 + departure misjudges a block by twice that times the norm of H
    rest = rest + 2.1 * departure * ham.size[owner[rows]]
    proven = _corner_gap(terms, rest, least[rows], filled, axes, zero)
    gap[rows] = proven
    keep = np.flatnonzero((proven > 0.0) & (proven >= least[rows]))
    good = rows[keep]
    if not frames:
        none = np.empty(0)
        return CellBounds(gap, seen, good, none, none, none, np.empty((0, n, n), np.complex128))
    bound_f, bound_o = np.empty(len(keep)), np.empty(len(keep))
    mixing_norms(terms, keep, axes, filled, bound_f, bound_o)
    root = math.sqrt(min(filled, n - filled))
    bound_f, bound_o = bound_f + root * rest[keep], bound_o + rest[keep]
    turn_f, turn_o = turn_bounds(proven[keep], bound_f, bound_o)
    return CellBounds(gap, seen, good, turn_f, turn_o, departure[keep], states[keep])


def _first_look(terms: Array, states: Array, seen: Real, filled: int, axes: int) -> Real:
    """Upper bound of what `_corner_gap` can find: expectation values of two states at corners."""
    pair = states[:, None, :, filled - 1 : filled + 1]
    moved = (pair.conj() * (terms[:, 1:] @ pair)).sum(-2).real
    drift = np.asarray(moved[..., 1] - moved[..., 0])
    return np.asarray(seen + (drift @ _weights(axes).T).min(1))


def _weights(axes: int) -> Real:
    """Weights (2^A, T - 1) of the derivatives at corners, as in `corner_blocks`."""
    sides = list(itertools.product((1.0, -1.0), repeat=axes))
    weight = np.empty((len(sides), term_count(axes) - 1))
    weight[:, :axes] = sides
    place = axes
    for i in range(axes):
        weight[:, place] = 0.25
        for j in range(i + 1, axes):
            weight[:, place + j - i] = [s[i] * s[j] for s in sides]
        place += axes - i
    return weight


def _aim(terms: Array, energy: Real, states: Array, filled: int, axes: int) -> tuple[Array, Real]:
    """Turn the two states at the gap to where the corners of the cell agree best.

    Between the two, H is a real vector d at each corner. Along a unit vector u they are apart by
    twice the smallest u.d: most along the point of the convex hull that is nearest to 0. Where the
    gap is small all over the cell, that is far from the d of the centre. Any basis proves what it
    proves. Returns the bases, and what can be found with them at most.
    """
    pair = np.ascontiguousarray(states[:, :, filled - 1 : filled + 1])
    inner = pair.conj().swapaxes(-1, -2)[:, None] @ (terms[:, 1:] @ pair[:, None])
    d = np.stack([
        inner[..., 0, 1].real, -inner[..., 0, 1].imag,
        0.5 * (inner[..., 1, 1] - inner[..., 0, 0]).real,
    ], -1)  # fmt: skip
    ends = _weights(axes) @ d
    ends[..., 2] += 0.5 * (energy[:, filled] - energy[:, filled - 1])[:, None]
    best = np.zeros((len(terms), 3))
    best[:, 2] = 1.0
    margin = ends[..., 2].min(1)
    # the nearest point by steps to the corner that is furthest back (Gilbert)
    u = ends.mean(1)
    for _ in range(GILBERT):
        along = np.einsum("mci,mi->mc", ends, u)
        length = np.sqrt((u * u).sum(1)).clip(1e-300)
        least = along.min(1) / length
        better = (least > margin) & (u[:, 2] > -0.9 * length)
        margin[better] = least[better]
        best[better] = u[better] / length[better, None]
        step = ends[range(len(u)), along.argmin(1)] - u
        share = -(u * step).sum(1) / (step * step).sum(1).clip(1e-300)
        u = u + share.clip(0.0, 1.0)[:, None] * step
    side, up = best[:, 0] - 1j * best[:, 1], 1.0 + best[:, 2]
    turn = np.empty((len(terms), 2, 2), np.complex128)
    turn[:, 0, 0], turn[:, 1, 0] = up, -side.conj()
    turn[:, 0, 1], turn[:, 1, 1] = side, up
    turn /= np.sqrt(2.0 * up)[:, None, None]
    states = states.copy()
    states[:, :, filled - 1 : filled + 1] = pair @ turn
    return states, np.asarray(2.0 * margin)


def _turn(states: Array, terms: Array) -> Real:
    """Bring terms (m, T, n, n) into the bases, in place; how far these are from unitary."""
    n = states.shape[-1]
    if n <= LARGEST:
        departure = np.empty(len(states))
        rotate(np.ascontiguousarray(states), terms, departure)
        return departure
    adjoint = np.ascontiguousarray(states.conj().swapaxes(-1, -2))
    for t in range(terms.shape[1]):
        terms[:, t] = adjoint @ (terms[:, t] @ states)
    gram = adjoint @ states
    gram[:, range(n), range(n)] -= 1.0
    return np.asarray(np.linalg.norm(gram, axis=(1, 2)) * UP)


def _apart(low: Real, high: Real, about_zero: bool) -> Real:
    """Distance of the lowest empty level from the highest occupied one, or both from zero."""
    return np.asarray(2.0 * np.minimum(low, -high) if about_zero else low - high)


def _corner_gap(
    terms: Array, rest: Real, least: Real, filled: int, axes: int, about_zero: bool
) -> Real:
    """Proven gap on cells, or some number not above `least` or 0 where that is not reached."""
    n, best = terms.shape[-1], np.full(len(terms), np.inf)
    curve = _curvature(terms, axes, filled)
    if about_zero:  # each side loses what its own block loses: at most both together
        curve = 2.0 * curve
    if n <= LARGEST:
        found = _small_corner_gap(terms, filled, axes, about_zero)
        return np.asarray(found - curve - 2.0 * rest)

    def proven(cells: Int) -> Real:
        """By the corners so far; a cell is given up by the same number that is returned for it."""
        return np.asarray(best[cells] - curve[cells] - 2.0 * rest[cells])

    live = np.arange(len(terms))
    for corner in range(1 << axes):
        if not len(live):
            break
        occupied = np.empty((len(live), filled, filled), np.complex128)
        empty = np.empty((len(live), n - filled, n - filled), np.complex128)
        corner_blocks(terms, live, corner, axes, filled, occupied, empty)
        apart = _apart(_extremes(empty)[0], _extremes(occupied)[1], about_zero)
        best[live] = np.minimum(best[live], apart)
        bound = proven(live)
        live = live[(bound > 0.0) & (bound >= least[live])]
    return proven(np.arange(len(terms)))


def _small_corner_gap(terms: Array, filled: int, axes: int, about_zero: bool) -> Real:
    """Smallest distance of the blocks at all corners; for few bands all of them at once."""
    size, n, rows = len(terms), terms.shape[-1], np.arange(len(terms))
    occupied = np.empty((1 << axes, size, filled, filled), np.complex128)
    empty = np.empty((1 << axes, size, n - filled, n - filled), np.complex128)
    for corner in range(1 << axes):
        corner_blocks(terms, rows, corner, axes, filled, occupied[corner], empty[corner])
    low = _extremes(empty.reshape(-1, n - filled, n - filled))[0]
    high = _extremes(occupied.reshape(-1, filled, filled))[1]
    return np.asarray(_apart(low, high, about_zero).reshape(1 << axes, size).min(0))


def _curvature(terms: Array, axes: int, filled: int) -> Real:
    """1/4 sum_i (|Q_ii^A| + |Q_ii^K|) for each cell."""
    curve = np.zeros(len(terms))
    if terms.shape[-1] <= LARGEST:
        block_norms(terms, axes, filled, curve)
        return curve
    place = 1 + axes
    for i in range(axes):
        for block in (slice(None, filled), slice(filled, None)):
            curve += 0.25 * _hermitian_norm(terms[:, place, block, block])
        place += axes - i
    return curve


def _hermitian_norm(x: Array) -> Real:
    """Upper bound (tr X^8)^(1/8) of the operator norm of Hermitian matrices (m, p, p)."""
    size = np.linalg.norm(x, axis=(1, 2))
    power = x / size.clip(1e-150)[:, None, None]
    power = power @ power
    power = power @ power
    return np.asarray(size * np.linalg.norm(power, axis=(1, 2)) ** 0.25 * UP)


def _extremes(blocks: Array) -> tuple[Real, Real]:
    """Smallest and largest eigenvalue of Hermitian matrices (m, p, p)."""
    if blocks.shape[-1] > LARGEST:
        values = eigenvalues(blocks)
        return np.asarray(values[:, 0]), np.asarray(values[:, -1])
    low, high = np.empty(len(blocks)), np.empty(len(blocks))
    (extremes_of_two if blocks.shape[-1] <= 2 else small_extremes)(blocks, low, high)
    return low, high
