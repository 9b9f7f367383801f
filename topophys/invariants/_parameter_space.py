"""Families of Hamiltonians over a box of parameters, and its division into proven boxes."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys._typing import FourierLike, is_block_like, is_fourier_like
from topophys._validation import short
from topophys.errors import InputError, KindError, ShapeError
from topophys.invariants._cells import Hoppings, Int, Real, bound_cells
from topophys.invariants._cocycle import one_thread
from topophys.invariants._parameter_cells import (
    Moving,
    first_order_pays,
    hermitian_norm,
    spare,
    widths,
)
from topophys.invariants._scaling import divide_out, times_power
from topophys.invariants._slices import Slice
from topophys.invariants._subdivision import Zone, divide
from topophys.kernels.rounding import SMALLEST, UNIT, UP, lower_bound, upper_bound

__all__ = [
    "Dependence",
    "Expansion",
    "Family",
    "Given",
    "Tree",
    "Walk",
    "aligned",
    "alike",
    "components",
    "value_of",
    "walk",
]

Array = NDArray[np.complex128]


# ----------------------------------------- Families of Hamiltonians, and how far they can change

#: Rounding of a function of parameters and of its expansion, relative to the size of its hoppings.
NOISE: Final = 2.0**-46
#: Points at which a dependence is compared with the function before the walk.
CHECKED: Final = 8
#: Boxes, the largest, at the centres of which a declared dependence is compared in the walk.
COMPARED: Final = 5000
#: How far the function may be from its expansion, in units of the rounding of both.
AWAY: Final = 4.0
#: Largest degree of a declared dependence.
LARGEST_DEGREE: Final = 16


@dataclass(frozen=True)
class Dependence:
    """How hoppings depend on one parameter: a polynomial, or one in its cosine and sine."""

    trigonometric: bool
    degree: int

    @classmethod
    def of(cls, given: object, name: str) -> Dependence:
        """Read "affine", "trigonometric" or a pair such as ("polynomial", 2)."""
        words = {"affine": ("polynomial", 1), "trigonometric": ("trigonometric", 1)}
        pair = words.get(given) if isinstance(given, str) else given
        good = (
            isinstance(pair, tuple)
            and len(pair) == 2
            and pair[0] in ("polynomial", "trigonometric")
            and isinstance(pair[1], int)
            and 1 <= pair[1] <= LARGEST_DEGREE
        )
        if not good:
            raise InputError(
                f"Argument `dependence` must say 'affine', 'trigonometric', ('polynomial', degree)"
                f" or ('trigonometric', degree) of `{name}`, but says {short(given)}."
            )
        assert isinstance(pair, tuple)
        return cls(pair[0] == "trigonometric", int(pair[1]))

    def nodes(self, low: float, high: float) -> Real:
        """Values that determine the coefficients."""
        if self.trigonometric:
            return low + 2.0 * np.pi * np.arange(2 * self.degree + 1) / (2 * self.degree + 1)
        middle, half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
        return middle - half * np.cos(np.pi * np.arange(self.degree + 1) / self.degree)

    def functions(self, x: Real, low: float, high: float, order: int) -> Real:
        """Basis functions (..., A), or their first derivatives, at values x (...).

        Powers of the value scaled to [-1, 1], or 1, cos x, sin x, cos 2x, ... Derivatives are by
        the scaled value, or by x.
        """
        if self.trigonometric:
            columns = [np.ones_like(x) if order == 0 else np.zeros_like(x)]
            for n in range(1, self.degree + 1):
                c, s = np.cos(n * x), np.sin(n * x)
                columns += [c, s] if order == 0 else [-n * s, n * c]
            return np.stack(columns, -1)
        u = (x - (0.5 * low + 0.5 * high)) / (0.5 * high - 0.5 * low)
        powers = [u**a for a in range(self.degree + 1)]
        if order:
            powers = [np.zeros_like(x), *(a * powers[a - 1] for a in range(1, len(powers)))]
        return np.stack(powers, -1)

    def unit(self, low: float, high: float) -> float:
        """Change of the value for which the argument of the basis functions changes by 1."""
        return 1.0 if self.trigonometric else 0.5 * high - 0.5 * low

    def largest(self, order: int) -> Real:
        """Upper bounds (A,) of the basis functions, or of derivatives, on the whole domain."""
        if self.trigonometric:
            n = np.repeat(np.arange(1, self.degree + 1), 2).astype(np.float64)
            return np.concatenate([[1.0 if order == 0 else 0.0], n**order])
        falling = [float(np.prod([a - i for i in range(order)])) for a in range(self.degree + 1)]
        # the middle is rounded: the scaled value exceeds 1 by a few 1e-7 at most
        return np.array(falling) * (1.0 + 1e-5)


@dataclass(frozen=True, eq=False)
class Expansion:
    """A family whose dependence on each parameter is known: it is expanded once.

    Attributes
    ----------
    low, high : float64 ndarray of shape (P,)
        The box of parameters.
    dependence : tuple of Dependence
        One for each parameter.
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors.
    coefficients : complex128 ndarray of shape (A, M, n, n)
        Hoppings of each product of basis functions, in C order, in units of 2^exponent.
    noise : float
        Bound of rounding, in operator norm and the same unit.
    digest : str
        Of the hoppings from which it follows.
    exponent : int
        Of the power of two that was divided out: the largest hopping is about 1.
    declared : callable or None
        The function, where its dependence was declared by others and is compared in the walk.
    """

    low: Real
    high: Real
    dependence: tuple[Dependence, ...]
    vectors: Int
    coefficients: Array
    n_occupied: int | None
    noise: float
    digest: str = ""
    exponent: int = 0
    names: tuple[str, ...] = ()
    declared: Callable[..., FourierLike] | None = None

    @classmethod
    def of(
        cls,
        function: Callable[..., FourierLike],
        names: Sequence[str],
        low: Real,
        high: Real,
        dependence: tuple[Dependence, ...],
        *,
        declared: bool = False,
    ) -> Expansion:
        """Expand a function, and compare it with its expansion at some points."""
        nodes = [d.nodes(*ends) for d, *ends in zip(dependence, low, high, strict=True)]
        values = [
            value_of(function, names, np.array(p)) for p in itertools.product(*nodes)
        ]  # fmt: skip
        vectors, stack = aligned(values)
        errors = [float(getattr(v, "amplitude_error", None) or 0.0) for v in values]
        digest = _digest(vectors, stack, np.array(errors))
        (stack,), (exponent,) = divide_out(stack[None])
        shape = tuple(len(x) for x in nodes)
        tensor = stack.reshape(*shape, *stack.shape[1:])
        condition = 1.0
        for axis, (d, x) in enumerate(zip(dependence, nodes, strict=True)):
            matrix = d.functions(x, float(low[axis]), float(high[axis]), 0)
            inverse = np.linalg.inv(matrix)
            condition *= float(np.abs(inverse).sum(1).max())
            tensor = np.moveaxis(np.tensordot(inverse, tensor, axes=(1, axis)), 0, axis)
        coefficients = tensor.reshape(-1, *stack.shape[1:])
        size = float(np.linalg.norm(stack, axis=(-2, -1)).sum(1).max())
        # denormal hoppings lose digits as they are formed
        error = max(errors)
        error += 8.0 * stack[0].size * SMALLEST
        # an angle n x is wrong by its own rounding
        turns = [
            d.degree * max(abs(a), abs(b)) * d.trigonometric
            for d, a, b in zip(dependence, low.tolist(), high.tolist(), strict=True)
        ]
        noise = (NOISE + 8 * UNIT * sum(turns)) * size + float(upper_bound(error, -exponent))
        found = cls(
            low, high, dependence, vectors, coefficients, values[0].n_occupied,
            noise * condition * len(stack), digest, int(exponent), tuple(names),
            function if declared else None,
        )  # fmt: skip
        share = np.random.default_rng(7).uniform(0.05, 0.95, (CHECKED, len(low)))
        found.compare((1.0 - share) * low + share * high, function)
        return found

    def compare(self, points: Real, function: Callable[..., FourierLike] | None = None) -> None:
        """Refuse a function that does not depend on its parameters as declared, at points."""
        function = self.declared if function is None else function
        if function is None:
            return
        for p in points:
            given = value_of(function, self.names, p)
            vectors, (amplitudes,) = aligned([given])
            amplitudes = times_power(amplitudes[None], np.array([-self.exponent]))[0]
            _, both = aligned([Slice(vectors, amplitudes, 1), self.at(p[None])])
            away = float(np.linalg.norm(both[0] - both[1], axis=(-2, -1)).sum())
            if not away <= AWAY * self.noise:
                words = ", ".join(f"{n} = {x:.6g}" for n, x in zip(self.names, p, strict=True))
                raise InputError(
                    "Argument `family` must depend on its parameters as `dependence` says, but at"
                    f" {words} its hoppings differ by {np.ldexp(away, self.exponent):.3g} from what"
                    " follows from others."
                )

    def _basis(self, points: Real, derivative: int | None = None) -> Real:
        """Products of basis functions (B, A) at points (B, P), one factor differentiated."""
        factors = [
            d.functions(points[:, j], float(self.low[j]), float(self.high[j]), int(j == derivative))
            for j, d in enumerate(self.dependence)
        ]
        return _outer(factors)

    def at(self, points: Real) -> Slice:
        """Hamiltonians at points (B, P), in units of 2^exponent.

        The error covers what `compare` lets pass, and the rounding of the sum.
        """
        amplitudes = np.tensordot(self._basis(points), self.coefficients, axes=1)
        error = np.full(len(points), (AWAY + 1.0) * self.noise)
        return Slice(self.vectors, amplitudes, self.n_occupied or 1, error)

    def change(self, points: Real, half: Real) -> Real:
        """Bound (B, P) of the change on boxes by axis, in units of 2^exponent.

        By first derivatives at the centre, and second ones on the whole domain.
        """
        unit = [d.unit(*e) for d, *e in zip(self.dependence, self.low, self.high, strict=True)]
        out, half = np.empty(half.shape), half / unit * UP
        second = self._second
        for j in range(half.shape[1]):
            slope = np.tensordot(self._basis(points, j), self.coefficients, axes=1)
            first = hermitian_norm(self.vectors, slope)
            out[:, j] = half[:, j] * (first + 0.5 * half @ second[j])
        return np.asarray(out * UP)

    def first_order(self, points: Real, half: Real) -> tuple[Array, Real]:
        """Change (B, P, M, n, n) of hoppings over half a box by axis, and what it leaves out (B,).

        In units of 2^exponent; what is left out is a bound over k of the traceless part.
        """
        unit = [d.unit(*e) for d, *e in zip(self.dependence, self.low, self.high, strict=True)]
        half = half / unit * UP
        slopes = [
            np.tensordot(self._basis(points, j), self.coefficients, axes=1)
            for j in range(half.shape[1])
        ]
        change = np.asarray(np.stack(slopes, 1) * half[..., None, None, None], np.complex128)
        return change, 0.5 * np.einsum("bi,ij,bj->b", half, self._second, half) * UP

    def linear(self, filled: int) -> bool:
        """Whether the change is worth knowing to first order, by the gap at some points."""
        share = np.random.default_rng(5).uniform(0.05, 0.95, (CHECKED, len(self.low)))
        points = (1.0 - share) * self.low + share * self.high
        half = np.broadcast_to(1e-3 * (self.high - self.low), points.shape)
        slopes, norms = self.first_order(points, half)[0], self.change(points, half)
        return first_order_pays(self.vectors, self.at(points).amplitudes, slopes, norms, filled)

    @property
    def _second(self) -> Real:
        """Bounds (P, P) of second derivatives anywhere."""
        sizes = hermitian_norm(self.vectors, self.coefficients)
        n = len(self.dependence)
        out = np.empty((n, n))
        for i, j in itertools.product(range(n), repeat=2):
            factors = [
                d.largest(int(q == i) + int(q == j))[None] for q, d in enumerate(self.dependence)
            ]
            out[i, j] = float((_outer(factors)[0] * sizes).sum()) * UP
        return out

    def violation(self, u: Array, error: float) -> float:
        """Bound of |H(k, p) - U H(-k, p)* U^dagger| over all k and p, U off by up to `error`."""
        bent = self.coefficients - u @ self.coefficients.conj() @ u.conj().T
        sizes = np.linalg.norm(bent, ord=2, axis=(-2, -1)).sum(1)
        sizes += 2.0 * error * np.linalg.norm(self.coefficients, axis=(-2, -1)).sum(1)
        factors = [d.largest(0)[None] for d in self.dependence]
        off = float((_outer(factors)[0] * sizes).sum()) * UP + 2.0 * (AWAY + 1.0) * self.noise
        return float(upper_bound(off, self.exponent))


def _outer(factors: list[Real]) -> Real:
    """Products (B, A) of one column of each factor (B, A_j), the last running fastest."""
    return reduce(lambda a, b: (a[:, :, None] * b[:, None]).reshape(len(a), -1), factors)


@dataclass(frozen=True, eq=False)
class Given:
    """A family of which Lipschitz constants of H(k, p) in each parameter are given."""

    function: Callable[..., FourierLike]
    names: tuple[str, ...]
    low: Real
    high: Real
    constants: Real
    n_occupied: int | None = None
    exponent: int = 0

    def compare(self, points: Real) -> None:
        """Nothing to compare with."""

    def at(self, points: Real) -> Slice:
        """Hamiltonians at points (B, P)."""
        values = [value_of(self.function, self.names, p) for p in points]
        vectors, stack = aligned(values)
        error = np.array([float(getattr(v, "amplitude_error", None) or 0.0) for v in values])
        scaled, exponent = divide_out(stack)
        size = np.linalg.norm(scaled, axis=(-2, -1)).sum(1)
        error = (error + upper_bound(NOISE * size, exponent)) * UP
        # no Hamiltonian of the family is asked for its filling here
        return Slice(vectors, stack, 1, error)

    def change(self, points: Real, half: Real) -> Real:
        """Constants times half widths, by axis, also where the product is denormal."""
        product = np.broadcast_to(half * self.constants * UP, points.shape)
        return np.where(self.constants > 0.0, product + SMALLEST, 0.0)

    @property
    def digest(self) -> str:
        """Digest of the constants; `digest_at` has what the function returns."""
        return _digest(self.constants)

    def digest_at(self, points: Real) -> str:
        """Digest of the Hamiltonians at points (B, P)."""
        values = [value_of(self.function, self.names, p) for p in points]
        return _digest(*(
            a for v in values for a in (
                v.vectors, np.asarray(v.amplitudes),
                np.asarray(float(getattr(v, "amplitude_error", None) or 0.0)),
            )
        ))  # fmt: skip


#: Hamiltonians over a box of parameters, with a bound of how much they change.
Family: TypeAlias = Expansion | Given


def _digest(*arrays: NDArray[Any]) -> str:
    """Digest of arrays to the last bit; zeros of either sign are one."""
    found = hashlib.sha256()
    for a in arrays:
        found.update(f"{a.dtype.kind}{a.shape}".encode())
        found.update(np.ascontiguousarray(a + a.dtype.type(0)).tobytes())
    return found.hexdigest()


def alike(
    function: Callable[..., FourierLike],
    names: Sequence[str],
    first: FourierLike,
    n_occupied: int | None,
) -> Callable[..., FourierLike]:
    """Return the function, refusing values that differ from the first in what one proof is about.

    That are the numbers of bands and dimensions, being a chiral chain or not, and the filling
    where it is not given.
    """
    chain = is_block_like(first)
    shape = (int(first.n_bands), int(first.vectors.shape[1]))
    filled = int(first.n_occupied) if n_occupied is None else None

    def checked(**parameters: float) -> FourierLike:
        h = value_of(function, names, np.array([parameters[n] for n in names]))
        words = ", ".join(f"{n} = {parameters[n]:.6g}" for n in names)
        if (int(h.n_bands), int(h.vectors.shape[1])) != shape:
            raise ShapeError(
                f"Argument `family` must have {shape[0]} bands in {shape[1]}D everywhere, but at"
                f" {words} has {h.n_bands} in {h.vectors.shape[1]}D."
            )
        if is_block_like(h) != chain:
            raise KindError(
                "Argument `family` must return chiral chains everywhere or nowhere, but at"
                f" {words} returns {short(h)}."
            )
        if filled is not None and int(h.n_occupied) != filled:
            raise InputError(
                "Argument `n_occupied` must be given, since the filling varies over the family:"
                f" {filled} bands in the middle, {h.n_occupied} at {words}."
            )
        return h

    return checked


def value_of(
    function: Callable[..., FourierLike], names: Sequence[str], point: Real
) -> FourierLike:
    """One Hamiltonian of a family, checked."""
    found = function(**{n: float(x) for n, x in zip(names, point, strict=True)})
    if not is_fourier_like(found):
        raise KindError(
            "Argument `family` must return a Hamiltonian in Fourier form, but returned"
            f" {short(found)}."
        )
    if found.batch_shape != ():
        raise ShapeError(
            "Argument `family` must return one Hamiltonian for one value of each parameter, but"
            f" returned a batch of shape {found.batch_shape}."
        )
    return found


def aligned(values: Sequence[Any]) -> tuple[Int, Array]:
    """All lattice vectors of some Hamiltonians, and hoppings (B, M, n, n) with zeros for others."""
    sizes = {(int(v.n_bands), int(v.vectors.shape[1])) for v in values}
    if len(sizes) > 1:
        raise ShapeError(
            "Argument `family` must have one number of bands and one dimension, but has"
            f" {', '.join(f'{n} bands in {d}D' for n, d in sorted(sizes))}."
        )
    vectors = np.unique(np.concatenate([v.vectors for v in values]), axis=0)
    place = {tuple(v): m for m, v in enumerate(vectors.tolist())}
    n = next(iter(sizes))[0]
    out = np.zeros((len(values), len(vectors), n, n), np.complex128)
    for row, v in zip(out, values, strict=True):
        amplitudes = np.asarray(v.amplitudes).reshape(len(v.vectors), n, n)
        row[[place[tuple(x)] for x in v.vectors.tolist()]] = amplitudes
    return vectors.astype(np.int64), out


# ------------------------------------- Division of a box of parameters into boxes that are proven

#: Bits of the lattice of parameters along each axis.
BITS: Final = 48
#: How often a box may be halved along one axis.
DEEPEST: Final = BITS - 2
#: Starting cells of the Brillouin zone along an axis, and how often they may be divided.
START: Final = 8
CELL_DEPTH: Final = 20
#: A cell whose box is too large for it is left to smaller boxes: where the change over the box
#: takes this share of the gap at the centre.
SHARE: Final = 0.8
#: Boxes treated together, and bytes of their hoppings.
BOXES: Final = 2048
BYTES: Final = 64 << 20


@dataclass(eq=False)
class Tree:
    """Boxes of parameters by halving, the root first.

    Attributes
    ----------
    place, level : int64 ndarray of shape (T, P)
        Lowest corners in units of 2^-BITS of the root, and how often each axis was halved.
    axis : int64 ndarray of shape (T,)
        Along which a box is halved; -1 where it is a leaf.
    child : int64 ndarray of shape (T,)
        Row of its lower half; the upper half comes next.
    gap : float64 ndarray of shape (T,)
        Proven gap on a leaf; 0 where it is not proven.
    met : float64 ndarray of shape (T,)
        Smallest gap evaluated at the centre of a leaf; infinite if there was none.
    """

    place: Int
    level: Int
    axis: Int
    child: Int
    gap: Real
    met: Real

    @classmethod
    def root(cls, n_parameters: int) -> Tree:
        """Return the whole box, nothing proven."""
        corner = np.zeros((1, n_parameters), np.int64)
        return cls(
            corner, corner.copy(), np.full(1, -1), np.full(1, -1), np.zeros(1), np.full(1, np.inf)
        )

    @property
    def leaves(self) -> Int:
        """Rows that are not halved."""
        return np.flatnonzero(self.axis < 0)

    def volume(self, rows: Int) -> Real:
        """Shares (m,) of the root."""
        return np.asarray(np.ldexp(1.0, -self.level[rows].sum(1)))

    def bounds(self, rows: Int, low: Real, high: Real) -> tuple[Real, Real]:
        """Lower and upper ends (m, P); shared sides have equal bits."""
        place = self.place[rows]
        top = place + (np.int64(1) << (BITS - self.level[rows]))
        return tuple(
            np.where(
                x == 1 << BITS, high, low + (high - low) * np.ldexp(x.astype(np.float64), -BITS)
            )
            for x in (place, top)
        )  # type: ignore[return-value]

    def halve(self, rows: Int, axis: Int) -> Int:
        """Halve leaves; returns the rows (m, 2) of both halves."""
        first = len(self.axis) + 2 * np.arange(len(rows))
        level = self.level[rows].copy()
        level[np.arange(len(rows)), axis] += 1
        place = np.repeat(self.place[rows], 2, axis=0)
        step = np.int64(1) << (BITS - level[np.arange(len(rows)), axis])
        place[1::2][np.arange(len(rows)), axis] += step
        self.axis[rows], self.child[rows] = axis, first
        self.place = np.concatenate([self.place, place])
        self.level = np.concatenate([self.level, np.repeat(level, 2, axis=0)])
        self.axis = np.concatenate([self.axis, np.full(2 * len(rows), -1)])
        self.child = np.concatenate([self.child, np.full(2 * len(rows), -1)])
        self.gap = np.concatenate([self.gap, np.zeros(2 * len(rows))])
        self.met = np.concatenate([self.met, np.full(2 * len(rows), np.inf)])
        return np.stack([first, first + 1], 1)

    def locate(self, points: Int) -> Int:
        """Leaf (m,) of lattice points (m, P) within the root; a box holds its lower sides."""
        row = np.zeros(len(points), np.int64)
        while True:
            inner = np.flatnonzero(self.axis[row] >= 0)
            if not len(inner):
                return row
            at, axis = row[inner], self.axis[row[inner]]
            half = np.int64(1) << (BITS - 1 - self.level[at, axis])
            upper = points[inner, axis] >= self.place[at, axis] + half
            row[inner] = self.child[at] + upper


def components(tree: Tree, rows: Int) -> Int:
    """Label (m,) leaves by the connected part that they belong to.

    Each looks at one leaf across the centre of each side: parts that touch elsewhere only may stay
    apart, which costs another integer and no more.
    """
    n_axes = tree.place.shape[1]
    number = np.full(len(tree.axis), -1, np.int64)
    number[rows] = np.arange(len(rows))
    size = np.int64(1) << (BITS - tree.level[rows])
    pairs = []
    for axis in range(n_axes):
        for side in (-1, 1):
            point = tree.place[rows] + size // 2
            point[:, axis] = tree.place[rows, axis] + (size[:, axis] if side > 0 else -1)
            inside = (point[:, axis] >= 0) & (point[:, axis] < 1 << BITS)
            here = np.flatnonzero(inside)
            there = number[tree.locate(point[here])]
            pairs.append(np.stack([here, there], 1)[there >= 0])
    edges = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    label = np.arange(len(rows))
    while True:
        low = np.minimum(label[edges[:, 0]], label[edges[:, 1]])
        new = label.copy()
        np.minimum.at(new, label[edges[:, 0]], low)
        np.minimum.at(new, label[edges[:, 1]], low)
        new = new[new]
        while (new[new] != new).any():
            new = new[new]
        new = new[label]
        if (new == label).all():
            return np.unique(label, return_inverse=True)[1].reshape(-1)
        label = new


@dataclass(eq=False)
class _Pending:
    """Cells of the Brillouin zone that boxes have still to prove."""

    box: Int
    depth: Int
    corner: Int

    def take(self, rows: Any) -> _Pending:
        return _Pending(self.box[rows], self.depth[rows], self.corner[rows])

    @staticmethod
    def join(parts: list[_Pending]) -> _Pending:
        return _Pending(
            *(np.concatenate(c) for c in zip(*(vars(p).values() for p in parts), strict=True))
        )


@dataclass(eq=False)
class Walk:
    """Outcome of a walk: the tree, and what was met.

    Attributes
    ----------
    evaluations : int
        Eigenproblems solved.
    gap_met : float
        Smallest gap met.
    k_met, p_met : float64 ndarray
        Where; NaN where nothing was evaluated.
    reason : str
        Why it ended early: "budget" or "depth"; "" where the share was reached.
    compared : int
        Boxes at which the family was, or could have been, compared with its function.
    """

    tree: Tree
    evaluations: int = 0
    gap_met: float = np.inf
    k_met: Real = field(default_factory=lambda: np.empty(0))
    p_met: Real = field(default_factory=lambda: np.empty(0))
    reason: str = ""
    compared: int = 0


def walk(
    family: Family,
    filled: int,
    tree: Tree,
    *,
    share: float,
    min_gap: float,
    max_depth: int,
    max_evaluations: int,
    extra: float = 0.0,
) -> Walk:
    """Divide a box of parameters until the gap is proven on a share of it, largest boxes first.

    A cell that is proven for a box is proven for all boxes within: these inherit only the cells
    that are not. Levels may be off by up to `extra`, in the unit of the family as is `min_gap`.
    """
    out = Walk(tree)
    front = tree.leaves[tree.gap[tree.leaves] == 0.0]
    dim = family.at(0.5 * (family.low + family.high)[None]).vectors.shape[1]
    out.k_met, out.p_met = np.full(dim, np.nan), np.full(len(family.low), np.nan)
    zone = Zone((START,) * dim, START, CELL_DEPTH)
    start = np.indices(zone.start, dtype=np.int64).reshape(dim, -1).T << CELL_DEPTH
    pending = _Pending(
        np.repeat(front, len(start)), np.zeros(len(front) * len(start), np.int64),
        np.tile(start, (len(front), 1)),
    )  # fmt: skip
    # the smallest gap of cells that were proven for this box or for one that holds it
    floors = np.full(len(tree.axis), np.inf)  # beyond the wanted one
    linear = isinstance(family, Expansion) and family.linear(filled)
    unproven = float(tree.volume(front).sum())
    with one_thread():
        while len(front) and unproven > 1.0 - share:
            front = front[np.argsort(-tree.volume(front), kind="stable")]
            volume = tree.volume(front)
            now = front[volume == volume[0]][:BOXES]
            mine = np.isin(pending.box, now)
            cells = pending.take(mine)
            if out.evaluations + len(cells.box) > max_evaluations:
                out.reason = "budget"
                break
            rest, by_axis, worst = _prove(
                family, filled, out, now, cells, zone, floors, min_gap, extra, linear
            )  # fmt: skip
            left = np.isin(now, rest.box)
            # 0, which is no proof, where a gap is too small for any float64
            beyond = floors[now[~left]]
            tree.gap[now[~left]] = np.maximum(np.nextafter(min_gap + beyond, 0.0), min_gap)
            unproven -= float(tree.volume(now[~left][tree.gap[now[~left]] > 0.0]).sum())
            # the gap of no part of a box exceeds that at its centre by more than twice the change
            small = tree.met[now] + 2.0 * by_axis.sum(1) * UP < min_gap + 2.0 * extra
            deep = tree.level[now].max(1) >= max_depth
            go = left & ~deep & ~small
            if (left & small).any():
                out.reason = "symmetry" if extra > 0.5 * min_gap else "small gap"
            out.reason = "depth" if (left & deep).any() else out.reason
            halves, floors = _split(
                tree, floors, now[go], by_axis[go], worst[go], max_depth,
                not linear,
            )  # fmt: skip
            parts = [pending.take(~mine), *_inherit(rest, now[go], halves)]
            front = np.concatenate([front[len(now) :], halves[halves >= 0]])
            pending = _Pending.join(parts)
    if unproven <= 1.0 - share:
        out.reason = ""
    return out


def _inherit(rest: _Pending, rows: Int, halves: Int) -> list[_Pending]:
    """Give the cells that are left of boxes to each of their up to four parts."""
    index = np.full(int(max(rest.box.max(initial=0), rows.max(initial=0))) + 1, -1)
    index[rows] = np.arange(len(rows))
    on = rest.take(index[rest.box] >= 0)
    parts = []
    for part in halves.T:
        box = part[index[on.box]]
        there = box >= 0
        parts.append(_Pending(box[there], on.depth[there], on.corner[there]))
    return parts


def _split(
    tree: Tree, floors: Real, rows: Int, by_axis: Real, worst: Real, max_depth: int, twice: bool
) -> tuple[Int, Real]:
    """Halve boxes, and at once their halves where these cannot be proven.

    The gap at the centre of a half exceeds that of the box by at most the change on the way; it
    has to exceed twice the change on the half where `twice`: the change is not known to first
    order. Returns rows (m, 4), -1 where there are two only.
    """
    every = np.arange(len(rows))
    free = np.where(tree.level[rows] >= DEEPEST, -1.0, by_axis)
    axis = np.argmax(free, axis=1)
    others = by_axis.sum(1) - by_axis[every, axis]
    again = (
        twice & (worst <= 2.0 * others) & (tree.level[rows].max(1) + 1 < min(max_depth, DEEPEST))
    )
    floors = np.concatenate([floors, np.repeat(floors[rows], 2)])
    out = np.full((len(rows), 4), -1)
    out[:, :2] = tree.halve(rows, axis)
    free[every, axis] *= 0.5
    both = out[again, :2].ravel()
    floors = np.concatenate([floors, np.repeat(floors[both], 2)])
    next_axis = np.repeat(np.argmax(free[again], axis=1), 2)
    out[again] = tree.halve(both, next_axis).reshape(-1, 4)
    return out, floors


def _prove(
    family: Family,
    filled: int,
    out: Walk,
    rows: Int,
    cells: _Pending,
    zone: Zone,
    floors: Real,
    min_gap: float,
    extra: float,
    linear: bool,
) -> tuple[_Pending, Real, Real]:
    """Prove cells of boxes; returns those that are left, change by axis, and gaps met there."""
    tree = out.tree
    low, high = tree.bounds(rows, family.low, family.high)
    centre = 0.5 * (low + high)
    # rounded up: every point of the box is within, whatever was rounded
    half = np.maximum(high - centre, centre - low) * (1.0 + 1e-12) + 2.0**-52 * np.abs(centre)
    family.compare(centre[: max(0, COMPARED - out.compared)])
    out.compared += len(centre)
    by_axis = family.change(centre, half)
    ham = Hoppings.of(family.at(centre), filled)
    power = ham.exponent + family.exponent
    wanted = upper_bound(min_gap, -power)
    change = upper_bound(by_axis.sum(1), -ham.exponent) + upper_bound(extra, -power)
    by_axis = upper_bound(by_axis, family.exponent)
    if linear and isinstance(family, Expansion):  # parameters are axes of the cells
        ham = Moving.around(ham, zone, family.vectors, *family.first_order(centre, half))
        change = upper_bound(extra, -power)
    least = np.nextafter(2.0 * change * UP + wanted, np.inf)
    where = np.full(int(rows.max()) + 1, -1)
    where[rows] = np.arange(len(rows))
    owner, depth, corner = where[cells.box], cells.depth, cells.corner
    best, worst = np.full(len(rows), np.inf), np.full(len(rows), np.inf)
    left: list[_Pending] = []
    while len(owner):
        points = 2 * corner + (np.int64(1) << (CELL_DEPTH - depth))[:, None]
        found = bound_cells(
            ham, owner, points, lambda p: zone.phases(ham.vectors, p), widths(ham, zone),
            np.ldexp(1.0, -depth), least[owner], frames=False, fine=2 * zone.fine,
        )  # fmt: skip
        out.evaluations += len(owner)
        seen = upper_bound(found.seen + 2.0 * ham.slack[owner], power[owner])
        np.minimum.at(tree.met, rows[owner], seen)
        met = int(np.argmin(seen))
        if seen[met] < out.gap_met:
            out.gap_met, out.p_met = float(seen[met]), centre[owner[met]]
            out.k_met = zone.momenta(points[met : met + 1])[0]
        np.minimum.at(best, owner[found.good], found.gap[found.good] - least[owner[found.good]])
        bad = np.ones(len(owner), np.bool_)
        bad[found.good] = False
        stay = bad & (depth == CELL_DEPTH)
        on = np.flatnonzero(bad & ~stay)
        stay[on] = spare(ham, zone, owner[on], points[on], found.seen[on], least) <= (
            (1.0 - SHARE) * (found.seen[on] - wanted[owner[on]])
        )
        np.minimum.at(worst, owner[stay], seen[stay])
        left.append(_Pending(rows[owner[stay]], depth[stay], corner[stay]))
        on = bad & ~stay
        corner = divide(zone, depth[on], corner[on])
        owner, depth = (
            np.repeat(owner[on], 1 << corner.shape[1]),
            np.repeat(depth[on] + 1, 1 << corner.shape[1]),
        )
    beyond = np.where(np.isfinite(best), lower_bound(best * (1.0 - 1e-12), power), np.inf)
    floors[rows] = np.minimum(floors[rows], beyond)
    return (_Pending.join(left) if left else cells.take(slice(0, 0))), by_axis, worst
