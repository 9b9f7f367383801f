"""Bloch Hamiltonians in Fourier form, one or a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import HermiticityError, InputError, KindError, ShapeError
from topophys.grids import grid_of
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import SMALLEST, UNIT, UP

__all__ = ["FourierHamiltonian"]


# -------------------------------------------- Stacking, completing and summing Fourier coefficients

TOLERANCE: Final = 1e-10  # of the largest entry; text files of hoppings carry 6 to 12 digits


def _vector(key: Any, name: str) -> tuple[int, ...]:
    entries = key if isinstance(key, tuple) else (key,)
    integral = all(
        isinstance(x, int | np.integer) and not isinstance(x, bool | np.bool_) for x in entries
    )
    if not entries or not integral:
        raise InputError(
            f"Argument `{name}` must have tuples of integers as keys, such as (1, 0), but has"
            f" {_validation.short(key)}."
        )
    return tuple(int(x) for x in entries)


def _common_shape(shapes: list[tuple[int, ...]]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def stack(
    mapping: object, name: str, shape: str, tail: int
) -> tuple[NDArray[np.int64], NDArray[np.complex128], NDArray[np.bool_]]:
    """Vectors closed under R -> -R, coefficients with zeros where none was given, and which were.

    Shapes: returns `vectors` (M, dim), `coefficients` (..., M, *coefficient), `given` (M,).
    """
    if not isinstance(mapping, Mapping) or not mapping:
        raise InputError(
            f"Argument `{name}` must be a mapping of lattice vectors to arrays with at least one"
            f" entry, but is {_validation.short(mapping)}."
        )
    arrays = {
        _vector(key, name): _validation.as_complex(value, f"{name}[{key}]", shape)
        for key, value in mapping.items()
    }
    dims = {len(key) for key in arrays}
    if len(dims) > 1 or len(arrays) != len(mapping):
        raise InputError(
            f"Argument `{name}` must have distinct lattice vectors of one dimension as keys, but"
            f" has {sorted(arrays)[:6]}."
        )
    keys = sorted(set(arrays) | {tuple(-x for x in key) for key in arrays})
    tails = {a.shape[a.ndim - tail :] for a in arrays.values()}
    common = _common_shape([a.shape for a in arrays.values()])
    if common is None or len(tails) > 1:
        shapes = sorted({a.shape for a in arrays.values()})
        raise ShapeError(
            f"Argument `{name}` must have coefficients of one shape {shape}, but has {shapes[:4]}."
        )
    batch = common[: len(common) - tail]
    out = np.zeros((*batch, len(keys), *common[len(common) - tail :]), dtype=np.complex128)
    slots = np.moveaxis(out, len(batch), 0)
    for m, key in enumerate(keys):
        if key in arrays:
            slots[m] = arrays[key]
    return np.array(keys, dtype=np.int64), out, np.array([key in arrays for key in keys])


#: Bytes of coefficients that are looked at together with their partners.
AT_ONCE: Final = 1 << 18
#: Takes coefficients (..., *coefficient) of R to those that -R must have.
Adjoint: TypeAlias = Callable[[NDArray[np.complex128]], NDArray[np.complex128]]


def dagger(matrices: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Conjugate transpose of matrices (..., n, n)."""
    return np.conj(np.swapaxes(matrices, -1, -2))


def complete(
    coefficients: NDArray[np.complex128],
    adjoint: Adjoint,
    given: NDArray[np.bool_],
    name: str,
    *,
    tail: int,
    average: bool,
) -> NDArray[np.complex128]:
    """Fill in the coefficient of -R from that of R, or check it where both are given.

    Shapes: `coefficients` (..., M, ...), `given` (M,); returns (..., M, ...).
    """
    axis = coefficients.ndim - tail - 1
    both = given & given[::-1]
    if both.any() and not average:
        _require_conjugates(coefficients, adjoint, both, name, tail)
    out = np.empty_like(coefficients)
    made = np.moveaxis(out, axis, 0)
    for some, own, mirrored in _with_partners(coefficients, adjoint, tail):
        shape = (-1, *(1,) * (own.ndim - 1))
        # what agrees is left alone: half of the smallest float64 is zero
        mean = np.where(own == mirrored, own, 0.5 * own + 0.5 * mirrored)
        alone = np.where(given[some].reshape(shape), own, mirrored)
        made[some] = np.where(both[some].reshape(shape), mean, alone)
    return out


def _with_partners(
    coefficients: NDArray[np.complex128], adjoint: Adjoint, tail: int
) -> Iterator[tuple[slice, NDArray[np.complex128], NDArray[np.complex128]]]:
    """Coefficients of some lattice vectors at a time, and what those of -R say they should be.

    Files have hundreds of large matrices, and memory for a few only is to be taken here.

    Shapes: `coefficients` (..., M, *coefficient); yields (m, ..., *coefficient) twice.
    """
    slots = np.moveaxis(coefficients, coefficients.ndim - tail - 1, 0)
    many = len(slots)
    step = max(1, AT_ONCE * many // max(1, coefficients.nbytes))
    for lo in range(0, many, step):
        hi = min(lo + step, many)
        yield slice(lo, hi), slots[lo:hi], adjoint(slots[many - hi : many - lo][::-1])


def _require_conjugates(
    coefficients: NDArray[np.complex128],
    adjoint: Adjoint,
    both: NDArray[np.bool_],
    name: str,
    tail: int,
) -> None:
    """Refuse coefficients of R and -R that contradict each other.

    Shapes: `coefficients` (..., M, ...), `both` (M,).
    """
    axis = coefficients.ndim - tail - 1
    entries = (0, *range(coefficients.ndim - tail, coefficients.ndim))
    off = np.zeros(coefficients.shape[:axis])
    scale = np.zeros(coefficients.shape[:axis])
    for some, own, mirrored in _with_partners(coefficients, adjoint, tail):
        pick = both[some].reshape(-1, *(1,) * (own.ndim - 1))
        apart = np.abs(np.where(pick, own - mirrored, 0.0)).max(entries, initial=0.0)
        off = np.maximum(off, apart)
        scale = np.maximum(scale, np.abs(own).max(entries, initial=0.0))
    bad = off > TOLERANCE * scale
    if bad.any():
        worst = np.argmax(np.where(bad, off, 0.0))
        raise HermiticityError(
            f"Argument `{name}` must satisfy {name}(-R) = {name}(R)^dagger, but it is violated"
            f" by {off.flat[worst]:.3g} (largest entry {scale.flat[worst]:.3g}); give R only,"
            " or pass hermitian='average'."
        )


def error_of_mean(
    coefficients: NDArray[np.complex128],
    adjoint: Adjoint,
    given: NDArray[np.bool_],
    *,
    tail: int,
) -> NDArray[np.float64] | None:
    """Bound of what the means in `complete` round beyond the last digit; None for nothing.

    Digits of denormal numbers are cut off; the rounding of other means is as that of any sum, and
    part of the slack of every proof.

    Shapes: returns (...).
    """
    both = given & given[::-1]
    if not both.any():
        return None
    entries = (0, *range(coefficients.ndim - tail, coefficients.ndim))
    count = np.zeros(coefficients.shape[: coefficients.ndim - tail - 1], np.int64)
    for some, own, mirrored in _with_partners(coefficients, adjoint, tail):
        differ = own != mirrored
        if differ.any():
            pick = both[some].reshape(-1, *(1,) * (own.ndim - 1))
            count = count + ((np.abs(own) < 2.0**-900) & differ & pick).sum(entries)
    return np.asarray(2.0 * SMALLEST * count) if count.any() else None


def fourier_sum(
    vectors: NDArray[np.int64],
    coefficients: NDArray[np.complex128],
    k: NDArray[np.float64],
    tail: int,
) -> NDArray[np.complex128]:
    """Sum of coefficients times exp(i k.R) at every k.

    Shapes: `vectors` (M, dim), `coefficients` (*batch, M, *coefficient), `k` (*points, dim);
    returns (*batch, *points, *coefficient).
    """
    split = coefficients.ndim - tail
    batch, entries = coefficients.shape[: split - 1], coefficients.shape[split:]
    points = k.shape[:-1]
    phases = np.exp(1j * (k.reshape(-1, k.shape[-1]) @ vectors.T))
    flat = coefficients.reshape(*batch, len(vectors), math.prod(entries))
    total: NDArray[np.complex128] = (phases @ flat).reshape(*batch, *points, *entries)
    return total


def aligned(
    vectors: tuple[NDArray[np.int64], NDArray[np.int64]],
    parts: tuple[NDArray[np.complex128], NDArray[np.complex128]],
    tail: int = 2,
) -> tuple[NDArray[np.int64], tuple[NDArray[np.complex128], NDArray[np.complex128]]]:
    """Coefficients on the union of two sets of vectors, which are sorted, with zeros filled in."""
    union = np.unique(np.concatenate(vectors), axis=0)
    place = {tuple(v): m for m, v in enumerate(union.tolist())}
    filled = []
    for own, part in zip(vectors, parts, strict=True):
        split = part.ndim - tail
        out = np.zeros((*part.shape[: split - 1], len(union), *part.shape[split:]), np.complex128)
        rows = [place[tuple(v)] for v in own.tolist()]
        np.moveaxis(out, split - 1, 0)[rows] = np.moveaxis(part, split - 1, 0)
        filled.append(out)
    return union, (filled[0], filled[1])


def added(
    parts: tuple[NDArray[np.complex128], NDArray[np.complex128]], tail: int
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Sum of coefficients of the same vectors, and a bound of what it rounds.

    What one addition rounds is a float64 itself (T. J. Dekker, Numer. Math. 18, 224 (1971)), so
    that sums without rounding carry no error.

    Shapes: `parts` (*batch, M, *coefficient); returns (*batch, M, *coefficient), (*batch).
    """
    a, b = np.broadcast_arrays(*parts)
    with np.errstate(over="ignore", invalid="ignore"):
        total = a + b
        off = np.zeros(total.shape)
        for x, y, s in ((a.real, b.real, total.real), (a.imag, b.imag, total.imag)):
            kept = s - x
            off += np.abs((x - (s - kept)) + (y - kept))
    return total, _summed(off, tail)


def multiplied(
    coefficients: NDArray[np.complex128], factor: NDArray[np.float64], tail: int
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Coefficients times real numbers, and a bound of what that rounds; 0 for powers of two.

    Shapes: `coefficients` (*batch, M, *coefficient); returns (*batch, M, *coefficient), (*batch).
    """
    by = factor.reshape(*factor.shape, *(1,) * (tail + 1))
    made = coefficients * by
    powers = np.isin(np.abs(np.frexp(by)[0]), (0.0, 0.5))
    off = np.zeros(made.shape)
    for x, given in (
        (np.abs(made.real), coefficients.real),
        (np.abs(made.imag), coefficients.imag),
    ):
        # half of the last digit, or of the smallest float64; nothing where only an exponent moves
        small = x < 2.0**-1000
        exact = (
            (by == 0.0) | (given == 0.0) | (np.abs(by) == 1.0) | (powers & ~small & np.isfinite(x))
        )
        off += np.where(exact, 0.0, UNIT * UP * x + np.where(small, SMALLEST, 0.0))
    return made, _summed(off, tail)


def _summed(off: NDArray[np.float64], tail: int) -> NDArray[np.float64]:
    """Sum of errors (*batch, M, *coefficient) of entries: above every norm of all of them."""
    return np.asarray(UP * off.sum(tuple(range(-tail - 1, 0))))


# ----------------------------------------------- Bloch Hamiltonians in Fourier form, one or a batch

H = TypeVar("H", bound="FourierHamiltonian")


def _real_factor(factor: object) -> NDArray[np.float64] | None:
    """Real numbers to multiply Hamiltonians with; None for what is no number at all."""
    if isinstance(factor, FourierHamiltonian | str | bytes) or factor is None:
        return None
    try:
        given = np.asarray(factor)
    except ValueError:
        return None
    if given.dtype.kind == "c":
        raise InputError(
            "A factor of a Hamiltonian must be real, but is complex: the product would not be"
            " Hermitian."
        )
    if given.dtype.kind not in "iuf":
        return None
    by = given.astype(np.float64)
    _validation.require_finite(by, "factor")
    return by


def primitive(lattice: ArrayLike, dim: int) -> NDArray[np.float64]:
    """Check primitive vectors, rows (dim, d)."""
    rows = _validation.as_real(lattice, "lattice", f"(..., {dim}, d)")
    if rows.ndim != 2 or rows.shape[1] < dim:
        raise ShapeError(
            f"Argument `lattice` must have {dim} primitive vectors as rows, of {dim} or more"
            f" components, but has shape {rows.shape}."
        )
    lengths = np.linalg.norm(rows, axis=1)
    volume = np.sqrt(max(np.linalg.det(rows @ rows.T), 0.0))
    if not volume > 1e-9 * np.prod(lengths):
        raise InputError(
            "Argument `lattice` must have independent primitive vectors, but they span a volume of"
            f" {volume:.3g}."
        )
    return rows


def primitive_vectors(H: object) -> NDArray[np.float64] | None:
    """Primitive vectors (dim, d) of the directions that a Hamiltonian has momenta for.

    Shapes: returns (dim, d).
    """
    lattice: NDArray[np.float64] | None = getattr(H, "lattice", None)
    directions: tuple[int, ...] | None = getattr(H, "directions", None)
    if lattice is None or directions is None:
        return lattice
    return np.asarray(lattice[list(directions)])


class FourierHamiltonian:
    r"""Hamiltonian given by hoppings on a lattice, one or a batch of them.

    .. math:: H(k) = \sum_R H_R \, e^{i k \cdot R}, \qquad H_{-R} = H_R^\dagger

    Parameters
    ----------
    hoppings : mapping of tuple of int to array-like of shape (..., n, n)
        Hopping matrix of each lattice vector R. A missing -R is filled in with the conjugate
        transpose. Leading axes are batch axes and are broadcast against each other.
    n_occupied : int, optional
        Number of occupied bands. Two bands leave no choice but one; of more, questions about
        occupied bands must be given (`FillingError`).
    hermitian : {"check", "average"}, optional
        Where R and -R are both given: raise unless they are conjugate transposes of each other
        (to 1e-10 of the largest entry), or take the Hermitian part.

    lattice : array-like of shape (dim, d), optional
        Primitive vectors as rows, in a space of d >= dim dimensions and any unit of length.
    positions : array-like of shape (n, dim), optional
        Positions of the orbitals in units of the primitive vectors. They enter Zak phases, Wannier
        centres, Berry curvature and pictures, never the hoppings: H(k) is periodic, as written
        above.

    Raises
    ------
    ShapeError, InputError
        If a hopping is not a square matrix of finite numbers, or a key not a tuple of integers; if
        the primitive vectors are not independent.
    HermiticityError
        If the hoppings contradict H(-R) = H(R)^dagger.

    References
    ----------
    .. [1] C. M. Goringe, D. R. Bowler, E. Hernandez, Rep. Prog. Phys. 60, 1447 (1997).

    Examples
    --------
    >>> chain = FourierHamiltonian({(0,): [[0, 1], [1, 0]], (1,): [[0, 0], [0.5, 0]]})
    >>> chain
    FourierHamiltonian: 1D, 2 bands (1 occupied), 3 lattice vectors
    >>> chain.bloch([0.0]).real
    array([[0. , 1.5],
           [1.5, 0. ]])

    Hamiltonians of one system can be added and multiplied with real numbers:

    >>> (2 * chain - chain).bands([0.0]).round(12)
    array([-1.5,  1.5])
    """

    _error: NDArray[np.float64] | None
    #: Primitive vectors as rows, and reduced positions of orbitals; None where not known.
    lattice: NDArray[np.float64] | None = None
    positions: NDArray[np.float64] | None = None
    #: Unit of energies; "" for that of the hoppings.
    unit: str = ""

    def __init__(
        self,
        hoppings: Mapping[Any, ArrayLike],
        *,
        n_occupied: int | None = None,
        hermitian: Literal["check", "average"] = "check",
        lattice: ArrayLike | None = None,
        positions: ArrayLike | None = None,
    ) -> None:
        _validation.one_of(hermitian, "hermitian", ("check", "average"))
        self._vectors, raw, given = stack(hoppings, "hoppings", "(..., n, n)", tail=2)
        self._amplitudes = complete(
            raw, dagger, given, "hoppings", tail=2, average=hermitian == "average"
        )
        self._error = error_of_mean(raw, dagger, given, tail=2)
        self._n_occupied = n_occupied
        if n_occupied is not None:
            _validation.occupied(n_occupied, self.n_bands)  # now, not at first use
        self._place(lattice, positions)

    def _place(self, lattice: ArrayLike | None, positions: ArrayLike | None) -> None:
        """Take over a lattice and positions after checks; None leaves what there is."""
        if lattice is not None:
            self.lattice = primitive(lattice, self.dim)
        if positions is not None:
            at = _validation.as_real(positions, "positions", f"(..., {self.n_bands}, {self.dim})")
            if at.ndim != 2:
                raise ShapeError(
                    f"Argument `positions` must have shape ({self.n_bands}, {self.dim}), but has"
                    f" {at.shape}."
                )
            self.positions = at

    def with_geometry(
        self: H, *, lattice: ArrayLike | None = None, positions: ArrayLike | None = None
    ) -> H:
        """Return the same Hamiltonian with another lattice, other positions, or both.

        Parameters
        ----------
        lattice : array-like of shape (dim, d), optional
            Primitive vectors as rows; those of this Hamiltonian where not given.
        positions : array-like of shape (n, dim), optional
            Positions of the orbitals in units of the primitive vectors; likewise.

        Returns
        -------
        FourierHamiltonian
            Of the same kind.

        Raises
        ------
        ShapeError, InputError
            As for the constructor.

        Examples
        --------
        >>> import topophys as tp
        >>> square = tp.models.qwz(-1.0).with_geometry(lattice=2.5 * np.eye(2))
        >>> square.lattice.tolist()
        [[2.5, 0.0], [0.0, 2.5]]
        """
        placed = self._select(())
        placed._place(lattice, positions)
        return placed

    @property
    def vectors(self) -> Int[np.ndarray, "M dim"]:
        """Lattice vectors R with a hopping, closed under R -> -R."""
        return self._vectors

    @property
    def amplitudes(self) -> Complex[np.ndarray, "*batch M n n"]:
        """Hopping matrices H_R in the order of `vectors`."""
        return self._amplitudes

    @property
    def hoppings(self) -> Mapping[tuple[int, ...], NDArray[np.complex128]]:
        """Hopping matrices by lattice vector, read-only."""
        keys = [tuple(int(x) for x in vector) for vector in self.vectors]
        return MappingProxyType({key: self.amplitudes[..., m, :, :] for m, key in enumerate(keys)})

    @property
    def dim(self) -> int:
        """Dimension of k space."""
        return int(self.vectors.shape[1])

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return int(self.amplitudes.shape[-1])

    @property
    def n_occupied(self) -> int:
        """Number of occupied bands; an error where more than two bands name none."""
        if self.n_bands == 1 and self._n_occupied is None:
            return 0
        return _validation.occupied(self._n_occupied, self.n_bands)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes; () for a single Hamiltonian."""
        return tuple(self.amplitudes.shape[:-3])

    @property
    def amplitude_error(self) -> Float[np.ndarray, "*batch"]:
        r"""Upper bound of what was rounded when this object was formed, in operator norm.

        .. math:: \sup_k \| H_{exact}(k) - H(k) \|

        Zero for hoppings as they are given. Proofs add it to their slack.
        """
        if self._error is None:
            return np.zeros(self.batch_shape)
        return self._error

    def bloch(self, k: ArrayLike) -> Complex[np.ndarray, "..."]:
        r"""Bloch matrix at given momenta.

        Parameters
        ----------
        k : array-like of shape (..., dim)
            Dimensionless momenta, in radians.

        Returns
        -------
        complex128 ndarray of shape (*batch, ..., n, n)
            :math:`H(k)`, in the units of the hoppings.

        Raises
        ------
        ShapeError
            If the last axis of `k` is not `dim`.
        """
        return fourier_sum(self.vectors, self.amplitudes, self._momenta(k), tail=2)

    def on_grid(self, grid: int | tuple[int, ...]) -> Complex[np.ndarray, "..."]:
        """Bloch matrices on the uniform grid of `topophys.k_grid`.

        Parameters
        ----------
        grid : int or tuple of int
            Number of k points in each direction; one number serves all directions.

        Returns
        -------
        complex128 ndarray of shape (*batch, *grid, n, n)
            Bloch matrices, in the units of the hoppings.

        Raises
        ------
        InputError
            If `grid` is neither one positive integer nor `dim` of them.
        """
        return self.bloch(grid_of(self.dim, grid))

    def bands(self, k: ArrayLike) -> Float[np.ndarray, "..."]:
        r"""Energies at given momenta.

        Parameters
        ----------
        k : array-like of shape (..., dim)
            Dimensionless momenta, in radians.

        Returns
        -------
        float64 ndarray of shape (*batch, ..., n)
            Eigenvalues of :math:`H(k)` in ascending order, in the units of the hoppings.

        Raises
        ------
        ShapeError
            If the last axis of `k` is not `dim`.
        """
        return np.asarray(eigenvalues(self.bloch(k)))

    # NumPy leaves products of its numbers and arrays with a Hamiltonian to the methods below
    __array_ufunc__ = None

    def __add__(self, other: object) -> FourierHamiltonian:
        if isinstance(other, int) and other == 0:  # the start of `sum`
            return self
        if not isinstance(other, FourierHamiltonian):
            return NotImplemented
        batch = self._require_alike(other)
        if type(self) is type(other):
            return self._plus(other, batch)
        return FourierHamiltonian._plus(self, other, batch)

    def __radd__(self, other: object) -> FourierHamiltonian:
        return self + other

    def __sub__(self, other: object) -> FourierHamiltonian:
        return self + (-other) if isinstance(other, FourierHamiltonian) else NotImplemented

    def __neg__(self: H) -> H:
        return self * -1.0

    def __mul__(self: H, factor: object) -> H:
        by = _real_factor(factor)
        if by is None:
            return NotImplemented
        batch = _common_shape([self.batch_shape, by.shape])
        if batch is None:
            raise ShapeError(
                "A factor of a Hamiltonian must have axes that go with its batch axes"
                f" {self.batch_shape}, but has {by.shape}."
            )
        with np.errstate(over="ignore", under="ignore"):
            made, rounded = self._times(by)
            return made._with_error(UP * (np.abs(by) * self.amplitude_error + rounded), batch)

    __rmul__ = __mul__

    def _times(self: H, factor: NDArray[np.float64]) -> tuple[H, NDArray[np.float64]]:
        """Multiply by real numbers; return a Hamiltonian of the same kind, and what that rounds."""
        made = self._blank()
        made._vectors = self._vectors
        made._amplitudes, rounded = multiplied(self._amplitudes, factor, tail=2)
        return made, rounded

    def _with_error(self: H, error: ArrayLike, batch: tuple[int, ...]) -> H:
        if not np.isfinite(error).all():
            raise InputError("Sums and products must have finite hoppings, but leave float64.")
        self._error = np.broadcast_to(error, batch).copy() if np.any(error) else None
        return self

    def _require_alike(self, other: FourierHamiltonian) -> tuple[int, ...]:
        """Batch axes of a sum, or an error where the two are no Hamiltonians of one system."""
        fillings = _validation.named_filling(self), _validation.named_filling(other)
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in ("dim", "n_bands")}
        if None not in fillings:  # what names none takes that of the other
            pairs["n_occupied"] = fillings
        for name, (mine, theirs) in pairs.items():
            if mine != theirs:
                raise InputError(
                    f"Hamiltonians in a sum must have the same `{name}`, but have {mine} and"
                    f" {theirs}."
                )
        for name in ("lattice", "positions"):
            mine, theirs = getattr(self, name), getattr(other, name)
            both = mine is not None and theirs is not None
            if both and not np.array_equal(np.asarray(mine), np.asarray(theirs)):
                raise InputError(
                    f"Hamiltonians in a sum must have the same `{name}`, but differ in it."
                )
        batch = _common_shape([self.batch_shape, other.batch_shape])
        if batch is None:
            raise ShapeError(
                "Hamiltonians in a sum must have batch axes that go together, but have"
                f" {self.batch_shape} and {other.batch_shape}."
            )
        return batch

    def _plus(self, other: Any, batch: tuple[int, ...]) -> FourierHamiltonian:
        """Add Hamiltonians of one system; overridden where a kind of its own is kept."""
        total = FourierHamiltonian.__new__(FourierHamiltonian)
        vectors, coefficients = aligned(
            (self.vectors, other.vectors), (self.amplitudes, other.amplitudes)
        )
        total._vectors = vectors
        total._amplitudes, rounded = added(coefficients, tail=2)
        return total._of_sum((self, other), batch, rounded + self._formed() + other._formed())

    def _formed(self) -> NDArray[np.float64]:
        """Bound what the making of `amplitudes` rounds where it is done on demand."""
        return np.zeros(())

    def _of_sum(
        self: H,
        parts: tuple[FourierHamiltonian, FourierHamiltonian],
        batch: tuple[int, ...],
        rounded: NDArray[np.float64] | np.float64,
    ) -> H:
        one, two = parts
        self._n_occupied = one._n_occupied if one._n_occupied is not None else two._n_occupied
        self.unit = one.unit or two.unit
        for part in (two, one):
            known = primitive_vectors(part)
            self.lattice = self.lattice if known is None else known
            self.positions = self.positions if part.positions is None else part.positions
        return self._with_error(UP * (one.amplitude_error + two.amplitude_error + rounded), batch)

    def _momenta(self, k: ArrayLike) -> NDArray[np.float64]:
        return _validation.as_real(k, "k", f"(..., {self.dim})")

    def _select(self: H, index: tuple[Any, ...]) -> H:
        """Return the same kind of Hamiltonian with `index` applied to the batch axes."""
        chosen = self._blank()
        chosen._vectors = self._vectors
        chosen._amplitudes = self._amplitudes[(*index, *(slice(None),) * 3)]
        return chosen._with_error_of(self, index)

    def _blank(self: H) -> H:
        fresh = type(self).__new__(type(self))
        vars(fresh).update(vars(self))  # also what a file said of lattice and filling
        fresh._error = None
        return fresh

    def _with_error_of(self: H, whole: H, index: tuple[Any, ...]) -> H:
        """Take over the part of `amplitude_error` that belongs to `index` of the whole batch."""
        if whole._error is not None:
            self._error = np.asarray(whole._error[index])
        return self

    def __len__(self) -> int:
        if not self.batch_shape:
            raise KindError("A single Hamiltonian has no length; only a batch has one.")
        return self.batch_shape[0]

    def __getitem__(self: H, index: Any) -> H:
        if not self.batch_shape:
            raise KindError("A single Hamiltonian cannot be indexed; only a batch can.")
        np.empty(self.batch_shape, dtype=np.uint8)[index]  # raises what NumPy raises
        return self._select(index if isinstance(index, tuple) else (index,))

    def __iter__(self: H) -> Iterator[H]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        many = " x ".join(map(str, self.batch_shape)) + " of " if self.batch_shape else ""
        return (
            f"{type(self).__name__}: {many}{self.dim}D, {self.n_bands} bands"
            f" ({_validation.filling_text(self)}), {len(self.vectors)} lattice vectors"
        )


# before Python 3.12 `isinstance` asks every property, and one that raises counts as none
FourierLike.register(FourierHamiltonian)
