"""Weyl charges of many bands: H as a polynomial in a box, and far bands folded away with proof."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.invariants._cells import Array, Hoppings, Int, Phases, Real
from topophys.invariants._cocycle import Cocycle, one_thread, statuses, surface_edges
from topophys.invariants._limits import Limits
from topophys.invariants._scaling import error_of
from topophys.invariants._subdivision import Box, Cover, cover
from topophys.invariants.results import Evidence
from topophys.kernels.chern_multiband import term_count
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import UNIT, UP, lower_bound, slack_of, upper_bound

__all__ = ["MANY", "Folded", "expand", "fit", "fold", "fold_charges"]

#: Bands from which on folding is faster than cells of the whole Hamiltonian.
MANY: Final = 9
#: Smallest and largest degree of the polynomial, and its error wanted relative to the size of H.
DEGREES: Final = (3, 8)
PRECISE: Final = 1e-7
#: Degree of the energy that is subtracted.
DEGREE_MU: Final = 3
#: Momenta on the surface at which the middle of the gap is looked up, and how often again.
SAMPLES: Final = 64
REFITS: Final = 6
#: Cells of one attempt: where these do not suffice all bands are the better way.
CELLS: Final = 6000
#: How far from the worst points, in half edges.
NEARBY: Final = 0.2
#: Largest change of the far bands within the box, relative to their distance from the gap.
FAR: Final = 0.3


@dataclass(frozen=True, eq=False)
class Polynomial:
    """H(centre + u half) = sum_a u^a T_a + error for u in [-1, 1]^3.

    Attributes
    ----------
    powers : int64 ndarray of shape (A, 3)
        Exponents a, (0, 0, 0) first.
    terms : complex128 ndarray of shape (A, n, n)
        Hermitian T_a in the eigenbasis of the centre.
    truncated, rounding : float
        Bounds of the error in operator norm: by the terms left out, and by rounding.
    exponent : int
        Energies are divided by 2 to this power.
    """

    powers: Int
    terms: Array
    truncated: float
    rounding: float
    exponent: int

    @property
    def error(self) -> float:
        """Both parts of the error."""
        return self.truncated + self.rounding

    def at(self, u: Real) -> Array:
        """H at points u (m, 3)."""
        n = self.terms.shape[-1]
        found = monomials(u, self.powers) @ self.terms.reshape(len(self.powers), -1).view(float)
        return np.asarray(found.view(np.complex128).reshape(len(u), n, n))


def powers_up_to(degree: int) -> Int:
    """Exponents (A, 3) of all monomials, by degree."""
    every = itertools.product(range(degree + 1), repeat=3)
    return np.array(sorted((a for a in every if sum(a) <= degree), key=lambda a: (sum(a), a)))


def monomials(u: Real, powers: Int, order: tuple[int, ...] = ()) -> Real:
    """Monomials (m, A) at points u (m, 3), differentiated along the axes of `order`."""
    left, out = powers.copy(), np.ones((len(u), len(powers)))
    factor = np.ones(len(powers))
    for axis in order:
        factor *= left[:, axis]
        left[:, axis] = np.maximum(left[:, axis] - 1, 0)
    for axis in range(3):
        table = u[:, axis, None] ** np.arange(powers.max() + 1)
        out *= table[:, left[:, axis]]
    return np.asarray(out * factor)


def expand(
    every: Int, amplitudes: Array, off: float, box: Box, precise: float = PRECISE
) -> Polynomial | None:
    """H around the centre of a box, or None where the box is too large or its unit extreme.

    Shapes: `every` (M, 3), `amplitudes` (M, n, n), which are off by up to `off`. The degree is the
    least one with an error of `precise`, relative to the size of H.
    """
    n, rows = amplitudes.shape[-1], [tuple(v) for v in every.tolist()]
    half = [m for m, v in enumerate(rows) if v > (0, 0, 0)]
    vectors, hops = every[half].astype(np.float64), amplitudes[half]
    onsite = amplitudes[rows.index((0, 0, 0))] if (0, 0, 0) in rows else np.zeros((n, n), complex)
    largest = max(float(max(x.max(initial=0.0), -x.min(initial=0.0))) for x in _parts(hops, onsite))
    exponent = int(np.frexp(largest)[1])
    if not (np.isfinite(largest) and abs(exponent) < 300 and half):
        return None
    parts = hops.view(float).reshape(len(half), -1)
    central = float(np.linalg.norm(onsite)) * UP
    norms = np.sqrt(np.einsum("mi,mi->m", parts, parts)) * UP
    reach = np.abs(vectors) @ box.width
    # sum over R of |H_R| times what is left of the exponential series
    growth = np.exp(reach)

    def left_out(degree: int) -> float:
        series = np.exp(np.minimum(reach, 700.0)) * reach ** (degree + 1)
        return float(2.0 * (norms * series).sum() / math.factorial(degree + 1) * UP)

    size = central + 2.0 * float(norms.sum())
    least, most = DEGREES
    degree = next((p for p in range(least, most + 1) if left_out(p) <= precise * size), most)
    truncated = left_out(degree)
    if not truncated < 1e-2 * size:
        return None
    powers = powers_up_to(degree)
    phased = (np.exp(1j * (vectors @ box.centre))[:, None, None] * hops).reshape(len(half), -1)
    x = vectors * box.width
    weight = monomials(x, powers) / np.array(
        [math.prod(math.factorial(int(j)) for j in a) for a in powers]
    )
    terms = (weight.T @ phased.view(float)).view(np.complex128).reshape(-1, n, n)
    terms *= (1j ** (powers.sum(1) % 4))[:, None, None]
    terms += terms.conj().swapaxes(-1, -2)
    terms[0] += onsite
    energy, states = np.linalg.eigh(terms[0])
    terms = states.conj().T @ terms @ states
    terms = 0.5 * (terms + terms.conj().swapaxes(-1, -2))
    terms[0] = np.diag(energy)
    weighted = np.append(2.0 * norms * growth * (1.0 + reach + reach**2), central)
    moved = 2.0 * box.rounding * float((norms * np.abs(vectors).sum(1)).sum())
    rounding = 4.0 * float(
        slack_of(weighted, np.zeros(len(weighted), np.int64), n + len(powers), moved)
    )
    scale = math.ldexp(1.0, -exponent)
    return Polynomial(
        powers, terms * scale, truncated * scale, (rounding + off) * scale * UP, exponent
    )


def _parts(*matrices: Array) -> list[Real]:
    """Real and imaginary parts."""
    return [np.ascontiguousarray(m).view(float) for m in matrices]


@dataclass(frozen=True, eq=False)
class Folded(Hoppings):
    """Schur complement S(u) of the near bands as a polynomial on a box, in place of H.

    Attributes
    ----------
    box : Box
        Where it holds.
    powers : int64 ndarray of shape (A, 3)
        Exponents.
    terms : complex128 ndarray of shape (A, m, m)
        Coefficients in u.
    truncated : float
        Bound of |S - polynomial|.
    tail : float64 ndarray of shape (A,)
        Bounds of the coefficients of the Taylor series in steps from any point of the box.
    mixing, far : float
        Bounds of |F^-1 C| and |F^-1| on the box.
    below : int
        Bands below those that are kept.
    """

    box: Box
    powers: Int
    terms: Array
    truncated: float
    tail: Real
    mixing: float
    far: float
    below: int
    about_zero: ClassVar[bool] = True

    def gap_of_all(self, gap: float) -> float:
        """Gap of H where that of S, twice its distance from zero, is proven; both scaled."""
        return 2.0 / ((1.0 + self.mixing**2) / (0.5 * gap) + self.far) / UP

    def _points(self, points: Int) -> Real:
        return np.asarray((points - self.box.fine) / self.box.fine)

    def at(self, owner: Int, points: Int, phases: Phases) -> Array:  # noqa: ARG002
        """S (m, n, n) at points in units of half of the smallest edge."""
        return self._sums(self._points(points), [()], np.ones((len(points), 1)))[:, 0]

    def _sums(self, u: Real, orders: list[tuple[int, ...]], scale: Real) -> Array:
        n = self.terms.shape[-1]
        weight = np.stack([monomials(u, self.powers, o) for o in orders], 1) * scale[..., None]
        flat = self.terms.reshape(len(self.powers), -1).view(float)
        found = (weight @ flat).view(np.complex128)
        return np.asarray(found.reshape(len(u), len(orders), n, n))

    def expansions(
        self,
        owner: Int,
        points: Int,
        phases: Phases,  # noqa: ARG002
        half: Real,
        size: Real,
        fine: int,  # noqa: ARG002
    ) -> Iterator[tuple[Int, NDArray[np.complex128], Real]]:
        """Taylor coefficients of S at centres of cells along axes of the box, all at once."""
        axes = np.abs(half).argmax(1).tolist()
        edge = half[range(len(axes)), axes] / self.box.width[axes]
        orders: list[tuple[int, ...]] = [(), *((a,) for a in axes)]
        orders += list(itertools.combinations_with_replacement(axes, 2))
        factors = [
            1.0,
            *edge,
            *(x * y for x, y in itertools.combinations_with_replacement(edge, 2)),
        ]
        order = np.array([len(o) for o in orders])
        terms = self._sums(self._points(points), orders, np.array(factors) * size[:, None] ** order)
        assert terms.shape[1] == term_count(len(axes))
        along = [a for a in range(3) if a not in axes]
        high = (self.powers.sum(1) > 2) & (self.powers[:, along] == 0).all(1)
        reach = np.prod(edge ** self.powers[high][:, axes], axis=1)
        third = (self.tail[high] * reach) @ size ** self.powers[high].sum(1)[:, None]
        rest = third * UP + self.truncated + self.slack[0]
        yield np.arange(len(owner)), terms, rest


def fold(H: Polynomial, mu: Real, filled: int, box: Box) -> Folded | None:
    """Schur complement of H - mu on the bands near zero, or None where there is no gap to use.

    mu (A,) are coefficients of a real polynomial.
    """
    powers, terms = H.powers, H.terms.copy()
    n, degree = terms.shape[-1], powers.sum(1)
    terms[:, range(n), range(n)] -= mu[:, None]
    lo, hi = _near(terms, terms[0].diagonal().real, filled, H.error)
    m, far = hi - lo, np.r_[0:lo, hi:n]
    d = 1.0 / np.sqrt(np.abs(terms[0, far, far].real))
    inner = np.ascontiguousarray(terms[:, lo : lo + m, lo : lo + m])
    g = np.ascontiguousarray(terms[:, far[:, None], far] * d[:, None] * d)
    c = np.ascontiguousarray(terms[:, far, lo : lo + m] * d[:, None])
    # the basis is that of the centre
    c[0], g[0] = 0.0, np.diag(np.sign(terms[0, far, far].real))
    y, s = _series(powers, inner, c, g)
    # on the box: |D rho| with rho = C - F Y, and what the polynomial S leaves out
    widest = float(d.max(initial=0.0))
    x = float(_moved(g[1:]) + H.error * widest**2) * UP if len(far) else 0.0
    if not x < 1.0:
        return None
    size_g, size_c, size_y = (np.linalg.norm(part, axis=(1, 2)) * UP for part in (g, c, y))
    y_all, c_all = float(size_y.sum()), float(size_c.sum())
    z = 1.0 + (widest * y_all) ** 2
    # sums of products in float64: each is off by its number of terms, in Frobenius norm
    unit = 8.0 * UNIT * (len(far) + 2 * len(powers) + 8)
    rho = _dropped(degree, size_g, size_y) + unit * (c_all + float(size_g.sum()) * y_all)
    miss = rho + widest * math.sqrt(z) * H.error
    truncated = _dropped(degree, size_c, size_y) + y_all * rho + miss * miss / (1.0 - x)
    truncated += z * H.error
    truncated += unit * (float(np.linalg.norm(inner, axis=(1, 2)).sum()) + c_all * y_all)
    norms = np.linalg.norm(s, axis=(1, 2)) * UP
    # the charge is that of the polynomial S: only its own evaluation is rounding
    size = float((norms * (degree + 1) ** 2).sum()) * UP
    noise = np.array([8.0 * UNIT * (m**1.5 + 2 * len(powers) + 8) * size])
    return Folded(
        vectors=np.empty((0, 3), np.int64),
        onsite=np.empty((1, m, m), np.complex128),
        hops=np.empty((1, 0, m * m), np.complex128),
        norms=np.empty((1, 0)),
        size=np.array([size]),
        slack=noise,
        noise=noise,
        error=np.zeros(1),
        exponent=np.zeros(1, np.int64),
        filled=filled - lo,
        box=box,
        powers=powers,
        terms=s,
        truncated=truncated * UP,
        tail=_binomials(powers) @ norms * UP,
        mixing=widest * (y_all + miss / (1.0 - x)) * UP,
        far=widest**2 / (1.0 - x) * UP,
        below=lo,
    )


def _series(powers: Int, inner: Array, c: Array, g: Array) -> tuple[Array, Array]:
    """Coefficients of Y with G Y = C, and of S = N - C^dag Y, both up to the degree of `powers`."""
    degree, most = powers.sum(1), int(powers.sum(1).max())
    number = {tuple(a): i for i, a in enumerate(powers.tolist())}
    i, j = np.nonzero((degree[:, None] > 0) & (degree > 0) & (degree[:, None] + degree <= most))
    product = np.array([number[tuple(a)] for a in (powers[i] + powers[j]).tolist()])
    y, s, sign = np.zeros_like(c), inner.copy(), g[0].diagonal().real
    for k in range(len(powers)):
        a, b = i[product == k], j[product == k]
        y[k] = sign[:, None] * (c[k] - (g[a] @ y[b]).sum(0))
        s[k] -= (c[a].conj().swapaxes(-1, -2) @ y[b]).sum(0)
    return y, 0.5 * (s + s.conj().swapaxes(-1, -2))


def _dropped(degree: Int, one: Real, two: Real) -> float:
    """Sum of products of norms whose degrees together are beyond the largest one."""
    a, b = np.bincount(degree, weights=one), np.bincount(degree, weights=two)
    a[0] = 0.0
    return float(sum(a[j] * b[len(a) - j :].sum() for j in range(1, len(a)))) * UP


def _binomials(powers: Int) -> Real:
    """Coefficients (A, A) of v^b in (u + v)^a for |u_i| <= 1, by rows b and columns a."""
    most = int(powers.max())
    table = np.array([[math.comb(a, b) for a in range(most + 1)] for b in range(most + 1)], float)
    return np.asarray(table[powers[:, None], powers[None]].prod(-1))


def _moved(g: Array) -> float:
    """Sum of bounds of operator norms of Hermitian matrices (A, p, p)."""
    square = g[:9] @ g[:9]
    square = square @ square
    sharp = np.linalg.norm(square, axis=(1, 2)) ** 0.25 * UP
    return float(sharp.sum() + np.linalg.norm(g[9:], axis=(1, 2)).sum()) * UP


def _near(terms: Array, energy: Real, filled: int, error: float) -> tuple[int, int]:
    """First and last (excluded) band that is kept: all others stay away from zero on the box."""
    n = len(energy)
    lo, hi = filled - 1, filled + 1
    kept = [(lo, hi)]
    while (lo, hi) != (0, n):
        if lo == 0 or (hi < n and abs(energy[hi]) < abs(energy[lo - 1])):
            hi += 1
        else:
            lo -= 1
        kept.append((lo, hi))

    def enough(count: int) -> bool:
        lo, hi = kept[count]
        if (lo, hi) == (0, n):
            return True
        if not ((energy[:lo] < 0.0).all() and (energy[hi:] > 0.0).all()):
            return False
        far = np.r_[0:lo, hi:n]
        d = 1.0 / np.sqrt(np.abs(energy[far]))
        moved = _moved(terms[1:, far[:, None], far] * d[:, None] * d)
        return moved + error * float((d * d).max()) < FAR

    # fewer far bands move less: the first that is enough by bisection
    low, high = 0, len(kept) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return kept[low]


def fit(H: Polynomial, u: Real, energy: Real, filled: int) -> Real:
    """Coefficients (A,) of a polynomial in the middle of the gap, best where that is small."""
    low = H.powers.sum(1) <= DEGREE_MU
    gap = energy[:, filled] - energy[:, filled - 1]
    weight = 1.0 / np.maximum(gap, 1e-12 * (energy[0, -1] - energy[0, 0]))
    middle = 0.5 * (energy[:, filled] + energy[:, filled - 1])
    matrix = monomials(u, H.powers[low])
    out = np.zeros(len(H.powers))
    out[low] = np.linalg.lstsq(matrix * weight[:, None], middle * weight, rcond=None)[0]
    return out


def _on_surface(u: Real) -> Real:
    """Points moved to the surface of the cube, each to its nearest face."""
    u = np.clip(u, -1.0, 1.0)
    axis = np.abs(u).argmax(1)
    rows = np.arange(len(u))
    u[rows, axis] = np.where(u[rows, axis] < 0.0, -1.0, 1.0)
    return u


def fold_charges(
    H: FourierLike, filled: int, box: Box, limits: Limits
) -> list[tuple[Evidence | None, int]]:
    """Prove the charge of each Hamiltonian by few of its bands; None where that does not work.

    With each, the evaluations that were spent.
    """
    n, vectors = H.n_bands, H.vectors
    amplitudes = H.amplitudes.reshape(-1, len(vectors), n, n)
    off = error_of(H, np.zeros(len(amplitudes), np.int64))
    with one_thread():
        return [
            _fold_charge(vectors, a, float(e), filled, box, limits)
            for a, e in zip(amplitudes, off, strict=True)
        ]


def _fold_charge(
    vectors: Int, amplitudes: Array, off: float, n: int, box: Box, limits: Limits
) -> tuple[Evidence | None, int]:
    """`fold_charges` of one Hamiltonian with n bands filled."""
    poly = expand(vectors, amplitudes, off, box)
    if poly is None or limits.max_evaluations < 2 * SAMPLES:
        return None, 0
    rng = np.random.default_rng(0)
    u, spent = _on_surface(rng.uniform(-1.0, 1.0, (SAMPLES, 3))), 0
    energy = eigenvalues(poly.at(u)).astype(np.float64)
    for _ in range(REFITS):
        ham = fold(poly, fit(poly, u, energy, n), n, box)
        left = min(CELLS, limits.max_evaluations - spent - len(u))
        if ham is None or left <= 0 or not (energy[:, n] - energy[:, n - 1]).min() > 0.0:
            return None, spent + len(u)
        walk, value = _charge(ham, box, left)
        spent += int(walk.evaluations[0])
        # where the fitted energy is nearest to a band the gap is small, or the fit is bad
        k = (walk.k_at_gap_upper[0] - box.centre + np.pi) % (2.0 * np.pi) - np.pi
        more = _on_surface((k / box.width)[None])
        if walk.reason[0] == "budget":
            return None, spent + len(u)
        if walk.reason[0] != "":
            smallest = np.argsort(energy[:, n] - energy[:, n - 1])[:3]
            around = np.repeat(np.concatenate([more, u[smallest]]), 6, 0)
            more = np.concatenate([
                more, _on_surface(around + NEARBY * rng.standard_normal(around.shape))
            ])  # fmt: skip
        u = np.concatenate([u, more])
        energy = np.concatenate([energy, eigenvalues(poly.at(more))]).astype(np.float64)
        if walk.reason[0] == "":
            proof = _evidence(ham, poly, walk, value, box, u, energy, spent, limits.min_gap)
            return proof, spent + len(u)
    return None, spent + len(u)


def _charge(ham: Folded, box: Box, most: int) -> tuple[Cover, Int]:
    """Walk over the surface, and the charge where its reason is empty."""
    walk = cover(ham, box, np.zeros(1), most, 0.0, frames=True)
    if walk.reason[0] != "":
        return walk, np.zeros(1, np.int64)
    cocycle = Cocycle(walk)
    surface_edges(cocycle)
    return walk, cocycle.integers(np.full(3, box.fine + 1))


def _evidence(
    ham: Folded,
    poly: Polynomial,
    walk: Cover,
    value: Int,
    box: Box,
    u: Real,
    energy: Real,
    spent: int,
    min_gap: float,
) -> Evidence | None:
    """Gaps of H from those of S; None where the gap that is asked for is not proven."""
    proven = float(lower_bound(ham.gap_of_all(float(walk.gap_lower[0])), poly.exponent))
    if not (proven > 0.0 and proven >= min_gap):
        return None
    filled = ham.filled + ham.below
    gap = energy[:, filled] - energy[:, filled - 1]
    best = int(gap.argmin())
    met = float(upper_bound(float(gap[best]) + 2.0 * poly.error, poly.exponent))
    where = box.centre + u[best] * box.width
    return Evidence(
        proven=np.array([True]),
        value=value,
        gap_lower=np.array([proven]),
        gap_upper=np.array([met]),
        k_at_gap_upper=((where + np.pi) % (2.0 * np.pi) - np.pi)[None],
        evaluations=np.array([spent + len(u)]),
        status=statuses(walk.reason),
    )
