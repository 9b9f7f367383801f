"""Touchings of two bands: found by Newton's method, and proven to be the only ones in a box."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike
from topophys.invariants._census import cells_inside
from topophys.invariants._cocycle import one_thread
from topophys.invariants._folding import expand
from topophys.invariants._scaling import divide_out, error_of
from topophys.invariants._slices import bloch_at
from topophys.invariants._subdivision import Box
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import UP, slack_of

__all__ = ["apart_from_others", "newton", "only_touching"]

Real = NDArray[np.float64]
Array = NDArray[np.complex128]

#: Steps of Newton's method.
STEPS: Final = 30
#: Steps more in extended precision.
POLISH: Final = 4
#: Momenta of a box, those with the smallest gaps, from which touchings are looked for.
STARTS: Final = 4
#: How often a box is divided to find out where in it touchings can be.
DEEPER: Final = 6
#: How often that is done again in what is left.
NARROWER: Final = 4
#: Half edges of the neighbourhood of a touching in which it is shown to exist.
NEIGHBOURHOOD: Final = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4)


def newton(
    h: FourierLike, filled: int, centre: NDArray[np.float64], half: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a touching within a box, or NaN; not proven."""
    line = np.linspace(-0.8, 0.8, 5)
    grid = centre + half * np.stack(np.meshgrid(line, line, line, indexing="ij"), -1).reshape(-1, 3)
    # a touching is where the gap is below rounding, in any unit of energy
    (hops,), _ = divide_out(h.amplitudes[None])
    energy = eigenvalues(bloch_at(h.vectors, hops, grid))
    size = float(np.linalg.norm(hops, axis=(-2, -1)).sum())
    for start in np.argsort(energy[:, filled] - energy[:, filled - 1])[:STARTS]:
        k = _descend(h.vectors.astype(np.float64), hops, filled, grid[start], half, size)
        if (np.abs(k - centre) <= half).all():
            k = _polished(h, filled, k)
            return np.asarray((k + np.pi) % (2.0 * np.pi) - np.pi)
    return np.full(3, np.nan)


def _descend(vectors: Real, hops: Array, filled: int, k: Real, half: Real, size: float) -> Real:
    """Newton's method from one momentum; NaN where the gap stays open."""
    for _ in range(STEPS):
        phase = np.exp(1j * (vectors @ k))
        energy, states = np.linalg.eigh(np.tensordot(phase, hops, axes=1))
        if energy[filled] - energy[filled - 1] < 1e-13 * size:
            return k
        pair = states[:, filled - 1 : filled + 1]
        slopes = [
            pair.conj().T @ np.tensordot(1j * vectors[:, j] * phase, hops, axes=1) @ pair
            for j in range(3)
        ]
        parts = np.array([
            [s[0, 1].real, -s[0, 1].imag, 0.5 * (s[0, 0] - s[1, 1]).real] for s in slopes
        ]).T  # fmt: skip
        d = np.array([0.0, 0.0, 0.5 * (energy[filled - 1] - energy[filled])])
        step = np.linalg.lstsq(parts, -d, rcond=1e-10)[0]
        k = k + step * min(1.0, 0.5 * half.min() / max(float(np.linalg.norm(step)), 1e-300))
    return np.full(3, np.nan)


def _polished(h: FourierLike, filled: int, k: Real) -> Real:
    """Newton's method continued in extended precision, as far as momenta of float64 go."""
    test = _Krawczyk(h, filled, k)
    for _ in range(POLISH):
        closer = k - test.step[:3]
        if not np.isfinite(closer).all():
            break
        better = _Krawczyk(h, filled, closer)
        if not np.abs(better.step[:3]).max() < np.abs(test.step[:3]).max():
            break
        k, test = closer, better
    return k


def only_touching(
    h: FourierLike, filled: int, centre: Real, half: Real, position: Real
) -> tuple[bool, float]:
    """Whether a box holds exactly one touching, proven; and how far it is from `position` at most.

    The distance is in the largest component, and infinite where no touching is proven near it.
    """
    if not np.isfinite(position).all():
        return False, np.inf
    # the same momentum, within the box
    k = position + 2.0 * np.pi * np.round((centre - position) / (2.0 * np.pi))
    test = _Krawczyk(h, filled, k)
    distance = min((test.distance(size) for size in NEIGHBOURHOOD), default=np.inf)
    if not distance < np.inf:
        return False, np.inf
    if not (np.abs(centre - k) + distance <= half).all():  # it may lie in the next box
        return False, distance
    if test.injective(half + np.abs(centre - k)):
        return True, distance
    # where touchings can be at all within the box, and again within what is left of it
    (hops,), exponent = divide_out(h.amplitudes[None])
    error = float(error_of(h, exponent)[0])
    for _ in range(NARROWER):
        found = _narrowed(h, hops, error, filled, centre, half)
        if found is None:
            break
        centre, half = found
        if test.injective((half + np.abs(centre - k)) * (1.0 + 1e-9)):
            return True, distance
    return False, distance


def _narrowed(
    h: FourierLike, hops: Array, error: float, filled: int, centre: Real, half: Real
) -> tuple[Real, Real] | None:
    """Smaller box that holds all touchings of a box; None where none is found, or none is left."""
    box = Box(centre, half, 1, DEEPER)
    with one_thread():
        poly = expand(h.vectors, hops, error, box)
        if poly is None:
            return None
        cells, at, _, _ = cells_inside(poly, box, filled, np.zeros((1, 3), np.int64), 0)
    if not len(cells):
        return None
    low, high = cells.min(0), cells.max(0) + (1 << (DEEPER - at))
    first, last = (half * (2.0 * end / (1 << DEEPER) - 1.0) for end in (low, high))
    # rounding of momenta is far below a millionth of a box
    smaller = 0.5 * (last - first) + 1e-6 * half
    if not (smaller < 0.9 * half).any():
        return None
    return centre + 0.5 * (first + last), smaller


def apart_from_others(h: FourierLike, filled: int, centre: Real, half: Real) -> bool:
    """Whether bands n and n + 1 are proven not to touch bands n - 1 and n + 2 in a box."""
    others = [m for m in (filled - 1, filled + 1) if 0 < m < h.n_bands]
    if not others:
        return True
    (hops,), exponent = divide_out(h.amplitudes[None])
    box = Box(centre, half, 1, DEEPER)
    whole = np.zeros((1, 3), np.int64)
    with one_thread():
        poly = expand(h.vectors, hops, float(error_of(h, exponent)[0]), box)
        if poly is None:
            return False
        return not any(len(cells_inside(poly, box, m, whole, 0)[0]) for m in others)


class _Krawczyk:
    r"""Interval argument for the four equations S(k, E) = 0 in four unknowns.

    Near bands n, n + 1 and far ones F, in the eigenbasis of k0: they touch at energy E where
    S = N - E - C^dagger (F - E)^-1 C vanishes. With Z = (1; -(F - E)^-1 C), exactly,

        dS/dk_i = Z^dagger (dH/dk_i) Z,     dS/dE = -Z^dagger Z.

    If the Jacobian J of the four components stays so near to that at k0 that |A J - 1| < 1 for one
    matrix A, the map is injective on a box: there is at most one touching (R. Krawczyk, Computing
    4, 187 (1969)).
    """

    def __init__(self, h: FourierLike, filled: int, k: Real) -> None:
        (hops,), exponent = divide_out(h.amplitudes[None])
        self.vectors = np.abs(h.vectors).astype(np.float64)
        vectors, n = h.vectors.astype(np.float64), h.n_bands
        self.norms = np.linalg.norm(hops, axis=(-2, -1)) * UP
        steps = np.abs(h.vectors).sum(1)
        phase = np.exp(1j * (vectors @ k))
        here = np.tensordot(phase, hops, axes=1)
        energy, v = np.linalg.eigh(0.5 * (here + here.conj().T))

        def turned(weight: Real, factor: complex) -> Array:
            part = v.conj().T @ np.tensordot(factor * weight * phase, hops, axes=1) @ v
            return np.asarray(0.5 * (part + part.conj().T))

        first = [turned(vectors[:, i], 1j) for i in range(3)]
        second = {
            (i, j): turned(vectors[:, i] * vectors[:, j], -1.0)
            for i, j in itertools.combinations_with_replacement(range(3), 2)
        }
        departure = float(np.linalg.norm(v.conj().T @ v - np.eye(n))) * UP
        # sums, their momenta, and two derivatives of them
        reach = steps * (1 + steps)
        size = float((self.norms * (1.0 + reach)).sum())
        moved = 16.0 * 2.0**-53 * float(np.abs(k).max() + np.pi) * size
        off = float(error_of(h, exponent)[0]) * float((1.0 + reach).sum())
        self.slack = float(slack_of(self.norms, reach, n, moved + off)) + 4.0 * departure * size
        lo, hi = filled - 1, filled + 1
        near, far = slice(lo, hi), np.r_[0:lo, hi:n]
        self.middle = 0.5 * float(energy[lo] + energy[filled])
        self.half_gap = 0.5 * float(energy[filled] - energy[lo])
        self.apart = float(np.abs(energy[far] - self.middle).min(initial=np.inf))

        def sizes(m: Array) -> list[float]:
            blocks = (m, m[near, near], m[far, near], m[far[:, None], far])
            return [float(np.linalg.norm(b, 2)) * UP if b.size else 0.0 for b in blocks]

        #: norms of all, N, C and F, of the first (3, 4) and second (3, 3, 4) derivatives
        self.first = np.array([sizes(m) for m in first])
        self.second = np.array([
            [sizes(second[min(i, j), max(i, j)]) for j in range(3)] for i in range(3)
        ])  # fmt: skip
        jacobian = np.column_stack([*(_components(m[near, near]) for m in first), [-1, 0, 0, 0]])
        self.inverse = np.full((4, 4), np.inf)
        self.identity = np.inf
        if np.linalg.cond(jacobian) < 1e12:
            self.inverse = np.linalg.inv(jacobian)
            self.identity = float(np.abs(self.inverse @ jacobian - np.eye(4)).sum()) * UP
        self.rows = np.linalg.norm(self.inverse, axis=1) * UP
        # the same momentum in another zone, in which positions are given
        self.shift = 8.0 * 2.0**-53 * float(np.abs(k).max() + np.pi)
        self.step, self.rest = np.full(4, np.inf), np.inf
        if np.isfinite(self.inverse).all():
            residual, self.rest = self._residual(h, hops, float(error_of(h, exponent)[0]), k, v, lo)
            self.step = self.inverse @ residual

    def _residual(
        self, h: FourierLike, hops: Array, error: float, k: Real, v: Array, lo: int
    ) -> tuple[Real, float]:
        """S(k0, E) at the middle of the two energies, its components (4,), and how far it is off.

        In extended precision where the machine has it: a sum of many hoppings in float64 would be
        off by more than positions are asked for, times the inverse slopes.
        """
        unit = float(np.finfo(np.longdouble).eps)
        vectors, n = h.vectors.astype(np.longdouble), h.n_bands
        phase = np.exp(1j * (vectors @ k.astype(np.longdouble)))
        here = np.tensordot(phase, hops.astype(np.clongdouble), axes=1)
        here = 0.5 * (here + here.conj().T) - self.middle * np.eye(n)
        wide = v.astype(np.clongdouble)
        departure = float(np.linalg.norm((wide.conj().T @ wide - np.eye(n)).astype(complex))) * UP
        departure += 2.0 * n * n * unit
        both = (wide.conj().T @ (here @ wide[:, lo : lo + 2])).astype(np.complex128)
        near, far = both[lo : lo + 2], np.delete(both, [lo, lo + 1], axis=0)
        size = float(np.linalg.norm(here.astype(np.complex128))) * UP
        # phases, products and sums; the two products with eigenvectors; hoppings as they are given
        steps = np.abs(h.vectors).sum(1)
        off = len(steps) + 32.0 + 8.0 * float(np.abs(k).max()) * steps
        off = unit * float(self.norms @ off) + unit * (4.0 * n + 32.0) * float(n) ** 0.5 * size
        off = (off + error * len(steps)) * UP
        coupling = float(np.linalg.norm(far)) * UP + off
        apart = self.apart - self.slack
        if not (apart > 0.0 and departure < 0.1):
            return _components(near), np.inf
        # of an exactly unitary basis next to v, and the far bands by a Schur complement
        rest = off + 3.0 * departure * (float(np.linalg.norm(near)) + coupling)
        rest += 3.0 * departure**2 * size + (1.2 * coupling + 2.0 * departure * size) ** 2 / apart
        # rounding of `both` to float64
        return _components(near), (rest + 2.0**-52 * float(np.linalg.norm(near))) * UP

    def _contraction(self, reach: Real) -> tuple[Real, Real]:
        """Scales (4,) of k and E, and the norm of each row of A J - 1 in these scales.

        Where far bands come too near, the norms are infinite.
        """
        r = self.vectors @ reach
        third = float((self.norms * r**3).sum()) / 6.0
        rest = 0.5 * (self.norms * r**2) @ self.vectors
        moved = reach @ self.first + 0.5 * np.einsum("i,j,ijb->b", reach, reach, self.second)
        moved = (moved + third + self.slack) * UP
        width = (self.half_gap + moved[0]) * UP
        distance = self.apart - width - float(moved[0])
        if not distance > 0.0 or not np.isfinite(self.rows).all():
            return np.append(reach, width), np.full(4, np.inf)
        y = moved[2] / distance * UP if np.isfinite(self.apart) else 0.0
        change = np.einsum("j,ijb->ib", reach, self.second) + rest[:, None] + self.slack
        c, f = self.first[:, 2] + change[:, 2], self.first[:, 3] + change[:, 3]
        columns = np.append(change[:, 1] + 2.0 * y * c + y**2 * f, y**2 + self.slack) * UP
        scale = np.append(reach, width)
        norms = (self.rows * float(columns @ scale) + self.identity * float(scale.max())) / scale
        return scale, norms * UP

    def injective(self, reach: Real) -> bool:
        """Whether at most one touching is within `reach` (3,) of k0."""
        return bool((self._contraction(reach)[1] < 1.0).all())

    def distance(self, size: float) -> float:
        """How far from k0 a touching is at most; infinite where none is proven within `size`."""
        scale, norms = self._contraction(np.full(3, size))
        worst = float(norms.max())
        if not worst < 1.0:
            return np.inf
        step = (np.abs(self.step) * (1.0 + 1e-12) + self.rows * self.rest) * UP / scale
        if not float(step.max()) + worst < 1.0:
            return np.inf
        return (size * float(step.max()) / (1.0 - worst) + self.shift) * UP


def _components(m: Array) -> Real:
    """Coefficients (4,) of 1 and the Pauli matrices; at most the operator norm in length."""
    return np.array([
        0.5 * (m[0, 0] + m[1, 1]).real, m[0, 1].real, -m[0, 1].imag, 0.5 * (m[0, 0] - m[1, 1]).real
    ])  # fmt: skip
