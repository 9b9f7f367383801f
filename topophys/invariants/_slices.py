"""Bloch sums at given momenta, and Hamiltonians of one dimension less."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, is_fourier_like
from topophys._validation import Bands
from topophys.errors import InputError, KindError
from topophys.grids import k_grid
from topophys.hamiltonians.fourier import fourier_sum
from topophys.invariants._scaling import scaled, times_power
from topophys.kernels.rounding import SMALLEST, UNIT, UP, upper_bound

__all__ = ["PHASE_ERROR", "Slice", "bloch_at", "phases_of", "phases_of_halves", "slice_at"]


# ------ Phases e^(i k R) of given momenta, wrong by a few units in the last place for every k and R

#: Largest error of a phase: of the reduced angle (below 3 units), of cosine and sine (1 each).
PHASE_ERROR: Final = 8 * UNIT

#: Largest |k R| that is reduced in float64; pi / 2 is then a sum of two parts of 33 bits, whose
#: products with up to 20 bits are exact, and a third.
_SMALL: Final = 2.0**20
_HALF_PI: Final = (
    float.fromhex("0x1.921fb544p+0"),
    float.fromhex("0x1.0b4611a6p-34"),
    float.fromhex("0x1.3198a2e037073p-69"),
)
_SPLIT: Final = 2.0**27 + 1.0


def phases_of(k: NDArray[np.float64], orders: NDArray[np.int64]) -> NDArray[np.complex128]:
    """e^(i k R) of shape (K, U) for momenta k (K,), exact numbers, and integers R (U,)."""
    r = orders.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        product = np.multiply.outer(k, r)
        rest = _product_error(k[:, None], r[None, :], product)
        quarter = np.rint(product * (2.0 / np.pi))
        angle = product - quarter * _HALF_PI[0]
        angle = angle - quarter * _HALF_PI[1]
        angle = angle + (rest - quarter * _HALF_PI[2])
    far = ~(np.abs(product) < _SMALL)
    quarter[far], angle[far] = 0.0, 0.0
    for i, j in np.argwhere(far):
        quarter[i, j], angle[i, j] = _reduce(float(k[i]), int(orders[j]))
    return _rotated(np.cos(angle), np.sin(angle), quarter.astype(np.int64))


def phases_of_halves(halves: ArrayLike, orders: NDArray[np.int64]) -> NDArray[np.complex128]:
    """e^(i pi h R) of shape (K, U) for integers h (K,): signs without rounding."""
    odd = np.multiply.outer(np.asarray(halves, np.int64) & 1, orders & 1)
    return np.asarray(1.0 - 2.0 * odd, dtype=np.complex128)


def _product_error(
    a: NDArray[np.float64], b: NDArray[np.float64], product: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a b - product without rounding (T. J. Dekker, Numer. Math. 18, 224 (1971))."""
    high_a, high_b = _SPLIT * a - (_SPLIT * a - a), _SPLIT * b - (_SPLIT * b - b)
    low_a, low_b = a - high_a, b - high_b
    rest = high_a * high_b - product + high_a * low_b + low_a * high_b + low_a * low_b
    return np.asarray(rest)


def _rotated(
    c: NDArray[np.float64], s: NDArray[np.float64], quarter: NDArray[np.int64]
) -> NDArray[np.complex128]:
    """(c + i s) i^quarter."""
    turn = quarter & 3
    re = np.choose(turn, [c, -s, -c, s])
    im = np.choose(turn, [s, c, -s, -c])
    return np.asarray(re + 1j * im)


@cache
def _half_pi(bits: int) -> int:
    """Return pi / 2 in units of 2^-bits, by Machin's formula."""
    guard = bits + 32

    def arctan_of_inverse(n: int) -> int:
        total = term = (1 << guard) // n
        i = 1
        while term:
            term //= -n * n
            i += 2
            total += term // i
        return total

    return (8 * arctan_of_inverse(5) - 2 * arctan_of_inverse(239)) >> 32


def _reduce(k: float, order: int) -> tuple[int, float]:
    """Quarter turns, modulo four, and the rest of the angle k * order, to one rounding."""
    top, bottom = k.as_integer_ratio()
    top *= order
    bits = 256 + 64 * (max(0, top.bit_length() - bottom.bit_length()) // 64 + 1)
    half_pi = _half_pi(bits)
    scaled = (top << bits) // bottom
    quarter = (2 * scaled + half_pi) // (2 * half_pi)
    return quarter % 4, (scaled - quarter * half_pi) / (1 << bits)


# ------------------------------ Bloch sums, and Hamiltonians of one dimension less at fixed momenta


@dataclass(frozen=True, eq=False)
class Slice:
    """Hamiltonians in Fourier form at fixed values of one momentum.

    Attributes
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors of the remaining directions.
    amplitudes : complex128 ndarray of shape (*batch, M, n, n)
        Their hoppings.
    n_occupied : int
        Number of occupied bands.
    amplitude_error : float64 ndarray of shape (*batch,), optional
        Upper bound, in operator norm and over all momenta, of what was rounded when the hoppings
        were formed; zeros where not given.
    directions : tuple of int
        Which primitive vectors the remaining directions are along.
    where : str
        Which momenta are fixed, in words.
    unit : str
        Unit of energy of the whole Hamiltonian, "" where it is not known.
    notes : tuple of str
        What is to be known about where the Hamiltonian comes from.
    """

    vectors: Int[np.ndarray, "M dim"]
    amplitudes: Complex[np.ndarray, "*batch M n n"]
    n_occupied: int
    amplitude_error: Float[np.ndarray, "*batch"] | None = None
    directions: tuple[int, ...] = (0, 1, 2)
    where: str = ""
    unit: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.amplitude_error is None:
            object.__setattr__(self, "amplitude_error", np.zeros(self.batch_shape))

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes."""
        return tuple(self.amplitudes.shape[:-3])

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return int(self.amplitudes.shape[-1])

    def on_grid(self, grid: int | tuple[int, ...]) -> Complex[np.ndarray, "..."]:
        """Bloch matrices on the uniform grid of `topophys.k_grid`.

        Shapes: returns (*batch, *grid, n, n).
        """
        return bloch_at(self.vectors, self.amplitudes, k_grid(grid, self.vectors.shape[1]))


def slice_at(
    H: FourierLike,
    axis: int,
    k: ArrayLike,
    *,
    halves: bool = False,
    n_occupied: int | None = None,
) -> Slice:
    r"""Fix one component of the momentum.

    .. math:: H_k(\kappa) = \sum_\rho \Big( \sum_{R_\perp = \rho} H_R \, e^{i k R_{axis}} \Big)
        e^{i \kappa \cdot \rho}

    The slice is that at exactly the given float64; what is rounded on the way is bounded by
    `Slice.amplitude_error`.

    Shapes: `k` (...).
    """
    momenta = np.asarray(_validation.as_real(k, "k", "(...)"))
    dim = H.vectors.shape[1]
    if not 0 <= _validation.integer(axis, "axis") < dim or dim < 2:
        raise InputError(
            f"Argument `axis` must be from 0 to {dim - 1} for a {dim}D Hamiltonian, but is {axis}."
        )
    rest = [(axis + 1 + i) % dim for i in range(dim - 1)] if dim == 3 else (
        [i for i in range(dim) if i != axis])  # fmt: skip
    vectors, slot = np.unique(H.vectors[:, rest], axis=0, return_inverse=True)
    n, batch = H.n_bands, H.batch_shape
    flat, exponent, error = scaled(H)
    flat = flat.reshape(-1, len(H.vectors), n * n)
    orders, which = np.unique(H.vectors[:, axis], return_inverse=True)
    phases = phases_of_halves(momenta.ravel(), orders) if halves else (
        phases_of(momenta.ravel(), orders))  # fmt: skip
    member = (slot.reshape(-1) == np.arange(len(vectors))[:, None]).astype(np.float64)
    # one matrix (momentum, new vector) x (old vector) does all sums at once
    gather = (phases[:, which.reshape(-1)][:, None, :] * member).reshape(-1, len(H.vectors))
    shape = (*batch, *momenta.shape)
    made = (gather @ flat).reshape(len(flat), momenta.size, len(vectors), n, n)
    error = error + _sum_error(flat, int(member.sum(1).max(initial=0.0)), exact=halves)
    amplitudes, error = _in_units(made, error, exponent)
    return Slice(
        vectors,
        amplitudes.reshape(*shape, len(vectors), n, n),
        H.n_occupied if n_occupied is None else n_occupied,
        np.broadcast_to(error[:, None], made.shape[:2]).reshape(shape).copy(),
        tuple(getattr(H, "directions", (0, 1, 2))[i] for i in rest),
        _fixed(dim, axis, momenta, halves=halves),
        getattr(H, "unit", ""),
        tuple(getattr(H, "notes", ())),
    )


def _fixed(dim: int, axis: int, momenta: NDArray[np.float64], *, halves: bool) -> str:
    """Say which momenta of a Hamiltonian are fixed."""
    values = momenta.ravel()[:4].tolist()
    names = ["0" if not x % 2 else "pi" for x in values] if halves else [f"{x:.6g}" for x in values]
    more = ", ..." if momenta.size > len(names) else ""
    what = "planes" if dim == 3 else "lines"
    return f"{what} k{axis + 1} = {', '.join(names)}{more} of a {dim}D Hamiltonian"


def filling(bands: Bands | None, n_occupied: int | None, H: FourierLike) -> int | None:
    """Count bands below a gap that slices may take as filled, so that none needs a filling."""
    if bands is None:
        return n_occupied
    low, high = _validation.band_group(bands, n_occupied, H.n_bands)
    return high if high < H.n_bands else low


def _sum_error(flat: NDArray[np.complex128], n_terms: int, *, exact: bool) -> NDArray[np.float64]:
    """Bound (B,) of what sums of n_terms products of a phase and a hopping (B, M, n^2) round.

    A sum of 2 n_terms real products rounds to 2 n_terms units of the sum of their sizes, in any
    order; the Frobenius norms of all new hoppings together bound the operator norm for every k.
    """
    if exact and n_terms == 1:
        return np.zeros(len(flat))
    unit = (0.0 if exact else PHASE_ERROR) + 4 * UNIT * (n_terms + 2)
    return np.asarray(UP * unit * np.linalg.norm(flat, axis=-1).sum(-1))


def _in_units(
    made: NDArray[np.complex128], error: NDArray[np.float64], exponent: NDArray[np.int64]
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Hoppings (B, K, M, n, n) and error (B,) times 2^exponent.

    Where a sum leaves the range of float64, the hoppings are zeros and the error is infinite:
    nothing can be proven. Where it is denormal, what is cut off goes into the error.
    """
    moved = times_power(made, exponent)
    lost = ~np.isfinite(moved).all((1, 2, 3, 4))
    moved[lost] = 0.0
    bound = upper_bound(error, exponent)
    # each of the 2 M n^2 real parts may lose half of the smallest float64
    cut = exponent < -900
    bound = np.where(cut, bound + float(np.prod(made.shape[2:])) * SMALLEST, bound)
    return moved, np.where(lost, np.inf, bound)


def bloch_at(
    vectors: NDArray[np.int64], amplitudes: NDArray[np.complex128], k: Float[np.ndarray, "... dim"]
) -> NDArray[np.complex128]:
    """Hermitian part of the sum of H_R exp(i k.R).

    Shapes: `vectors` (M, dim), `amplitudes` (*batch, M, n, n), `k` (..., dim); returns (*batch,
    ..., n, n).
    """
    h = fourier_sum(vectors, amplitudes, k, tail=2)
    hermitian: NDArray[np.complex128] = 0.5 * (h + h.conj().swapaxes(-1, -2))
    return hermitian


def rows_of(H: FourierLike) -> NDArray[np.complex128]:
    """Hoppings of the flattened batch.

    Shapes: returns (B, M, n, n).
    """
    return H.amplitudes.reshape(math.prod(H.batch_shape), *H.amplitudes.shape[-3:])


def require_dimension(H: object, dim: int) -> FourierLike:
    """Return `H` if it is a Hamiltonian in Fourier form of a given dimension."""
    if not is_fourier_like(H) or H.vectors.shape[1] != dim:
        raise KindError(
            f"Argument `H` must be a {dim}-dimensional Hamiltonian in Fourier form, but is"
            f" {_validation.short(H)}."
        )
    return H
