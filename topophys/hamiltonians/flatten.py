"""Spectral flattening of bands, and Hamiltonians of short range from flattened samples."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import GaplessError, InputError, ShapeError
from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.kernels import status as st
from topophys.kernels.chain_fields import SINGULAR, polar_factors
from topophys.kernels.lapack import eigenvalues

__all__ = [
    "Unflattened",
    "flatten_block",
    "flatten_d",
    "traceless_basis",
    "unflatten_bands",
    "unflatten_block",
]


Model = TypeVar("Model", bound=FourierHamiltonian)

#: Largest misfit that counts as none: single precision leaves 1e-7.
TOLERANCE: Final = 3e-6
#: Misfit of any other Hamiltonian, in units of the tolerance, where one is called unique.
APART: Final = 30.0
#: Smallest singular value, or gap, in units of the root-mean-square energy, that counts as found.
LEAST: Final = 1e-5
#: Largest entry that violates the equations, as a share of that.
CLOSE: Final = 1e-2
#: Share of its largest eigenvalue that is added to a singular matrix of normal equations.
REGULARISATION: Final = 1e-13


@dataclass(frozen=True, eq=False)
class Unflattened(Generic[Model]):
    """Hamiltonians found for a batch of flattened samples.

    Attributes
    ----------
    hamiltonian : ChiralHamiltonian or FourierHamiltonian
        Batch of shape (B,), each in units of its own root-mean-square band energy. Only where
        `found` do its flattened bands go through the samples; elsewhere it is the best of the
        largest range that was tried.
    found : bool ndarray of shape (B,)
        Where a Hamiltonian of short range has these flattened bands.
    hopping_range : int64 ndarray of shape (B,)
        Smallest range that was found; the largest that was tried elsewhere.
    unique : bool ndarray of shape (B,)
        Where there is no other one of that range but for a factor. Decoupled orbitals have a
        factor each, and flattened bands that do not change with k say nothing about energies.
    misfit : float64 ndarray of shape (B,)
        Root mean square of what does not fit, as a share of the root-mean-square energy.

    Examples
    --------
    >>> u_k = np.exp(1j * k_grid(8)[:, 0])[None, :, None, None]
    >>> found = unflatten_block(u_k)
    >>> found.hopping_range, found.hamiltonian.block_range
    (array([1]), (-1, 1))
    """

    hamiltonian: Model
    found: Bool[np.ndarray, " batch"]
    hopping_range: Int[np.ndarray, " batch"]
    unique: Bool[np.ndarray, " batch"]
    misfit: Float[np.ndarray, " batch"]

    def __repr__(self) -> str:
        ranges = np.unique(self.hopping_range[self.found]).tolist()
        return (
            f"Unflattened: {int(self.found.sum())} of {len(self.found)} found,"
            f" {int((self.found & self.unique).sum())} unique, ranges"
            f" {', '.join(map(str, ranges)) or 'none'}"
        )


# ------------------------------------------------------------------------- Real Fourier functions


def _half(reach: int, dim: int) -> list[tuple[int, ...]]:
    """Lattice vectors with components up to `reach` in size, one of R and -R, 0 first."""
    steps = range(-reach, reach + 1)
    vectors = [v for v in itertools.product(steps, repeat=dim) if v >= (0,) * dim]
    return sorted(vectors, key=lambda v: (max(map(abs, v)), v))


def _functions(half: list[tuple[int, ...]], k: NDArray[np.float64]) -> NDArray[np.float64]:
    """Functions 1, cos k.R, sin k.R: (K, L) from momenta (K, dim)."""
    phase = k @ np.array(half[1:], np.float64).reshape(-1, k.shape[-1]).T
    waves = np.stack([np.cos(phase), np.sin(phase)], -1).reshape(len(k), -1)
    return np.concatenate([np.ones((len(k), 1)), math.sqrt(2.0) * waves], -1)


def _solve(
    metric: NDArray[np.float64],
    overlap: NDArray[np.float64],
    functions: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    r"""Coefficients that violate the constraints least, their misfit, and that of all others.

    Minimises :math:`\sum_k f_l f_m M_{ab}(k) x_{la} x_{mb}` at a given overlap with the flattened
    bands. Shapes: `metric` (B, K, S, S), `overlap` (B, K, S), `functions` (K, L); returns
    (B, L, S), (B,) and (B,).
    """
    batch, points, size = overlap.shape
    length = functions.shape[1]
    # K x (L S) and its square, function by function: einsum would hold (B, K, L, L, S, S)
    products = (functions[:, :, None] * functions[:, None, :]).reshape(points, -1) / points
    normal = np.tensordot(metric, products, axes=(1, 0))  # (B, S, S, L L)
    normal = normal.reshape(batch, size, size, length, length).transpose(0, 3, 1, 4, 2)
    normal = normal.reshape(batch, length * size, length * size)
    target = np.einsum("bks,kl->bls", overlap, functions).reshape(batch, -1) / points
    scale = np.einsum("bii->b", normal)
    small = REGULARISATION * np.maximum(scale, np.finfo(np.float64).tiny)
    damped = normal + small[:, None, None] * np.eye(length * size)
    found = np.linalg.solve(damped, target[..., None])[..., 0]
    found /= np.linalg.norm(found, axis=-1, keepdims=True)
    left_over = np.einsum("bi,bij,bj->b", found, normal, found)
    others = eigenvalues(normal)[:, 1]
    misfit, apart = (np.sqrt(np.maximum(x, 0.0)) for x in (left_over, others))
    return found.reshape(batch, length, size), misfit, apart


def _check_tolerance(tolerance: float) -> None:
    if not 0.0 < tolerance < 1.0:
        raise InputError(
            f"Argument `tolerance` must be a number between 0 and 1, but is {tolerance!r}."
        )


def _hoppings(
    coefficients: NDArray[np.float64], basis: NDArray[np.complex128], half: list[tuple[int, ...]]
) -> dict[tuple[int, ...], NDArray[np.complex128]]:
    """Hoppings of R and -R from coefficients (B, L, S) of 1, cos, sin and matrices (S, n, n)."""
    matrices = np.einsum("bls,sij->blij", coefficients, basis)
    found = {half[0]: matrices[:, 0]}
    for m, vector in enumerate(half[1:]):
        cosine, sine = matrices[:, 1 + 2 * m], matrices[:, 2 + 2 * m]
        found[vector] = (cosine - 1j * sine) / math.sqrt(2.0)
        found[tuple(-c for c in vector)] = (cosine + 1j * sine) / math.sqrt(2.0)
    return found


def _ranges(
    name: str,
    hopping_range: int | None,
    max_range: int | None,
    points: tuple[int, ...],
    equations: int,
    per_function: int,
) -> list[int]:
    """Ranges to try: those whose coefficients are fewer than the constraints."""
    # waves beyond half the number of points look like shorter ones
    longest = (min(points) - 1) // 2
    if max_range is not None:
        longest = min(longest, _validation.positive_int(max_range, "max_range"))
    sizes = {r: per_function * (2 * r + 1) ** len(points) for r in range(longest + 1)}
    ranges = [r for r, size in sizes.items() if size < equations]
    if not ranges:
        raise InputError(
            f"Argument `{name}` must have more k points than {' x '.join(map(str, points))}, which"
            " determine no hoppings."
        )
    if hopping_range is None:
        return ranges
    asked = _validation.positive_int(hopping_range, "hopping_range", minimum=0)
    if asked not in ranges:
        raise InputError(
            f"Argument `hopping_range` must be at most {ranges[-1]} for"
            f" {' x '.join(map(str, points))} points, which leave longer hoppings undetermined, but"
            f" is {asked}."
        )
    return [asked]


# -------------------------------------------------------------------------------- Chiral chains


def unflatten_block(
    u_k: ArrayLike,
    *,
    hopping_range: int | None = None,
    max_range: int | None = None,
    tolerance: float = TOLERANCE,
) -> Unflattened[ChiralHamiltonian]:
    r"""Chains of short range from samples of their flattened blocks.

    .. math:: U_j = D(k_j) \left( D^\dagger D \right)^{-1/2}, \qquad
        D(k) = \sum_{|m| \le r} D_m e^{imk}, \qquad
        U_j^\dagger D(k_j) = D(k_j)^\dagger U_j \quad \text{for all } j

    The last equations are linear in the hoppings: N n^2 real ones for 2 n^2 (2 r + 1) real
    numbers. On N > 2 (2 r + 1) points they determine a generic chain up to a positive factor, so
    that nothing was lost by flattening but the scale of the energy. The smallest range for which
    they can be solved is taken.

    Parameters
    ----------
    u_k : array-like of shape (B, N, n, n)
        Flattened blocks (unitary) on the grid of `topophys.k_grid`.
    hopping_range : int, optional
        Range r, if it is known; all that N points determine are tried otherwise.
    max_range : int, optional
        Largest range to try.
    tolerance : float, optional
        Largest misfit that counts as none.

    Returns
    -------
    Unflattened
        Chains with their misfit.

    Raises
    ------
    ShapeError
        If `u_k` has other axes.
    InputError
        If a block is not unitary, or N points do not determine chains of that range.

    References
    ----------
    .. [1] N. J. Higham, *Functions of Matrices*, SIAM (2008), chap. 8.
    .. [2] G. H. Golub, C. F. Van Loan, *Matrix Computations*, Johns Hopkins (2013), chap. 5.

    Examples
    --------
    >>> from topophys.ensembles import aiii_chains
    >>> from topophys.hamiltonians.flatten import flatten_block
    >>> chains = aiii_chains(5, hopping_range=2, rng=1)
    >>> found = unflatten_block(flatten_block(chains.block_on_grid(12)))
    >>> found
    Unflattened: 5 of 5 found, 5 unique, ranges 2
    >>> error = found.hamiltonian.block_on_grid(64) - chains.block_on_grid(64)
    >>> bool(abs(error).max() < 1e-6)
    True
    """
    values = _validation.as_complex(u_k, "u_k", "(B, N, n, n)")
    _check_tolerance(tolerance)
    if values.ndim != 4 or values.shape[-1] != values.shape[-2] or not values.size:
        raise ShapeError(f"Argument `u_k` must have shape (B, N, n, n), but has {values.shape}.")
    batch, points, n = values.shape[:3]
    largest = np.abs(values).max(initial=0.0)
    # squares of larger entries may leave the range of numbers
    off = largest
    if largest < 2.0:
        product = np.conj(np.swapaxes(values, -1, -2)) @ values
        off = np.abs(product - np.eye(n)).max(initial=0.0)
    if off > 1e-3:
        raise InputError(
            f"Argument `u_k` must hold unitary blocks, but violates U^dagger U = 1 by {off:.3g};"
            " flatten them first."
        )
    entries = np.eye(n * n).reshape(n * n, n, n)
    basis = np.concatenate([entries, 1j * entries]).astype(np.complex128)
    moved = np.einsum("bkji,sjl->bksil", np.conj(values), basis)  # U^dagger Z
    skew = 0.5 * (moved - np.conj(np.swapaxes(moved, -1, -2)))
    flat = np.ascontiguousarray(skew).reshape(batch, points, 2 * n * n, n * n).view(np.float64)
    metric = flat @ np.swapaxes(flat, -1, -2)
    overlap = np.einsum("bksii->bks", moved).real
    ranges = _ranges("u_k", hopping_range, max_range, (points,), points * n * n, 2 * n * n)
    hoppings, misfit, unique, reach = _search(metric, overlap, basis, ranges, (points,), tolerance)
    chains = _chain(hoppings, n)
    modulus = np.conj(np.swapaxes(values, -1, -2)) @ chains.block_on_grid(points)
    skew = np.abs(modulus - np.conj(np.swapaxes(modulus, -1, -2))).max((-3, -2, -1))
    modulus = 0.5 * (modulus + np.conj(np.swapaxes(modulus, -1, -2)))
    # the equations let U^dagger D be any Hermitian matrix: U is the polar factor if it is positive
    smallest = eigenvalues(modulus)[..., 0].min(-1)
    # where the smallest singular value is of the size of the misfit, the polar factor is arbitrary:
    # a block of short range beside an empty one fits the equations, but not the samples
    positive = (smallest > LEAST) & (skew < CLOSE * smallest)
    return Unflattened(chains, positive & (misfit <= tolerance), reach, unique, misfit)


def _chain(hoppings: dict[tuple[int, ...], NDArray[np.complex128]], n: int) -> ChiralHamiltonian:
    orders = sorted(hoppings)
    block = np.stack([hoppings[m] for m in orders], axis=1)
    block *= math.sqrt(n)
    return ChiralHamiltonian.from_array(orders[0][0], block)


# ---------------------------------------------------------------------------------- Many bands


def unflatten_bands(
    h_k: ArrayLike,
    n_occupied: int,
    *,
    hopping_range: int | None = None,
    max_range: int | None = None,
    tolerance: float = TOLERANCE,
) -> Unflattened[FourierHamiltonian]:
    r"""Hamiltonians of short range from samples of their flattened bands.

    .. math:: \left( 1 - P_j \right) H(k_j) P_j = 0, \qquad
        H(k) = \sum_{|R_i| \le r} H_R e^{i k \cdot R}, \qquad \mathrm{tr}\, H_R = 0

    with the projector P on the occupied bands. The equations are linear in the hoppings:
    2 s (n - s) real ones at each point for (n^2 - 1)(2 r + 1)^dim real numbers. Where there are
    more equations than numbers they determine a generic Hamiltonian up to a positive factor and
    its trace, which no topological invariant depends on.

    Parameters
    ----------
    h_k : array-like of shape (B, Nx, ..., n, n)
        Flattened Bloch matrices, or any with the same occupied bands, on the grid of
        `topophys.k_grid`, in one to three dimensions.
    n_occupied : int
        Number s of occupied bands.
    hopping_range : int, optional
        Largest component r of a lattice vector, if it is known.
    max_range : int, optional
        Largest range to try.
    tolerance : float, optional
        Largest misfit that counts as none.

    Returns
    -------
    Unflattened
        Traceless Hamiltonians with their misfit.

    Raises
    ------
    ShapeError
        If `h_k` has other axes.
    InputError
        If `n_occupied` is impossible, or the grid does not determine hoppings of that range.

    References
    ----------
    .. [1] N. J. Higham, *Functions of Matrices*, SIAM (2008), chap. 8.
    .. [2] G. H. Golub, C. F. Van Loan, *Matrix Computations*, Johns Hopkins (2013), chap. 5.

    Examples
    --------
    >>> from topophys.ensembles import class_a
    >>> bands = class_a(3, n_bands=4, rng=1)
    >>> h_k = bands.on_grid(8)
    >>> energy, states = np.linalg.eigh(h_k)
    >>> occupied = states[..., :2]
    >>> flat = np.eye(4) - 2 * occupied @ np.conj(np.swapaxes(occupied, -1, -2))
    >>> found = unflatten_bands(flat, 2)
    >>> found
    Unflattened: 3 of 3 found, 3 unique, ranges 1
    >>> bool(abs(found.hamiltonian.on_grid(20) - bands.on_grid(20)).max() < 1e-6)
    True
    """
    values = _validation.as_complex(h_k, "h_k", "(B, Nx, ..., n, n)")
    _check_tolerance(tolerance)
    dim = values.ndim - 3
    n = values.shape[-1]
    if not 1 <= dim <= 3 or values.shape[-2] != n or not values.size:
        raise ShapeError(
            f"Argument `h_k` must have shape (B, Nx, ..., n, n), but has {values.shape}."
        )
    if not 0 < _validation.positive_int(n_occupied, "n_occupied") < n:
        raise InputError(
            f"Argument `n_occupied` must lie between 1 and {n - 1} for {n} bands, but is"
            f" {n_occupied}."
        )
    points = tuple(values.shape[1:-2])
    rows = values.reshape(len(values), -1, n, n)
    size = _validation.require_hermitian(rows, "h_k", 1e-5, batch_ndim=1)
    energy, states = np.linalg.eigh(rows)
    distance = energy[..., n_occupied] - energy[..., n_occupied - 1]
    clear = (distance > LEAST * size[:, None]).all(-1)
    filled, empty = states[..., :n_occupied], states[..., n_occupied:]
    basis = traceless_basis(n)
    left = np.conj(np.swapaxes(empty, -1, -2))[:, :, None]
    mixed = left @ basis @ filled[:, :, None]  # (B, K, S, n - s, s)
    flat = np.ascontiguousarray(mixed).reshape(*mixed.shape[:3], -1).view(np.float64)
    metric = flat @ np.swapaxes(flat, -1, -2)
    signed = empty @ np.conj(np.swapaxes(empty, -1, -2))
    signed -= filled @ np.conj(np.swapaxes(filled, -1, -2))
    overlap = np.einsum("bkij,sji->bks", signed, basis).real
    equations = 2 * n_occupied * (n - n_occupied) * math.prod(points)
    ranges = _ranges("h_k", hopping_range, max_range, points, equations, n * n - 1)
    hoppings, misfit, unique, reach = _search(metric, overlap, basis, ranges, points, tolerance)
    bands = _bands(hoppings, n, n_occupied)
    rows = bands.on_grid(points).reshape(rows.shape)
    below = np.conj(np.swapaxes(filled, -1, -2)) @ rows @ filled
    above = left[:, :, 0] @ rows @ empty
    # the equations keep filled and empty states apart, but do not say which of them are lower, and
    # hold for states without energy too
    gap = (eigenvalues(above)[..., 0] - eigenvalues(below)[..., -1]).min(-1)
    mixing = np.abs(left[:, :, 0] @ rows @ filled).max((-3, -2, -1))
    ordered = (gap > LEAST) & (mixing < CLOSE * gap) & clear
    return Unflattened(bands, ordered & (misfit <= tolerance), reach, unique, misfit)


def _bands(
    hoppings: dict[tuple[int, ...], NDArray[np.complex128]], n: int, filled: int
) -> FourierHamiltonian:
    scale = math.sqrt(n)
    return FourierHamiltonian({r: scale * h for r, h in hoppings.items()}, n_occupied=filled)


def traceless_basis(n: int) -> NDArray[np.complex128]:
    """Orthonormal basis of traceless Hermitian matrices, shape (n^2 - 1, n, n)."""
    basis = []
    for a in range(n):
        for b in range(a):
            for phase in (1.0, 1j):
                matrix = np.zeros((n, n), np.complex128)
                matrix[a, b], matrix[b, a] = phase, np.conj(phase)
                basis.append(matrix / math.sqrt(2.0))
    for a in range(1, n):
        diagonal = np.zeros(n)
        diagonal[:a], diagonal[a] = 1.0, -a
        basis.append(np.diag(diagonal / np.linalg.norm(diagonal)).astype(np.complex128))
    return np.array(basis, np.complex128).reshape(n * n - 1, n, n)


# ------------------------------------------------------------------------------------- The search


def _search(
    metric: NDArray[np.float64],
    overlap: NDArray[np.float64],
    basis: NDArray[np.complex128],
    ranges: list[int],
    points: tuple[int, ...],
    tolerance: float,
) -> tuple[
    dict[tuple[int, ...], NDArray[np.complex128]],
    NDArray[np.float64],
    NDArray[np.bool_],
    NDArray[np.int64],
]:
    """Hoppings of the smallest range that fits, misfit, whether unique, range, for each."""
    dim, batch = len(points), len(overlap)
    k = k_grid(points).reshape(-1, dim)
    half = _half(ranges[-1], dim)
    total = np.zeros((batch, 2 * len(half) - 1, len(basis)))
    misfit, reach = np.full(batch, np.inf), np.full(batch, ranges[-1])
    unique = np.zeros(batch, bool)
    left = np.arange(batch)
    for r in ranges:
        if not len(left):
            break
        found, misses, others = _solve(metric[left], overlap[left], _functions(_half(r, dim), k))
        take = (misses <= tolerance) | (r == ranges[-1])
        rows = left[take]
        total[rows, : found.shape[1]] = found[take]
        misfit[rows], reach[rows] = misses[take], r
        unique[rows] = others[take] > APART * tolerance
        left = left[~take]
    return _hoppings(total, basis, half), misfit, unique, reach


# ---- Flattening


def flatten_block(d_k: ArrayLike) -> Complex[np.ndarray, "... n n"]:
    r"""Polar factor of the chiral block.

    .. math:: D \mapsto D (D^\dagger D)^{-1/2}

    Parameters
    ----------
    d_k : array-like of shape (..., n, n)
        Blocks, for example on a grid.

    Returns
    -------
    complex128 ndarray of shape (..., n, n)
        Unitary blocks with the same winding number.

    Raises
    ------
    GaplessError
        If a block is singular to working precision.

    References
    ----------
    .. [1] N. J. Higham, *Functions of Matrices*, SIAM (2008), chap. 8.

    Examples
    --------
    >>> flatten_block([[[3.0, 0.0], [0.0, -0.5j]]]).round(12)
    array([[[1.+0.j, 0.+0.j],
            [0.+0.j, 0.-1.j]]])
    """
    blocks = _validation.as_complex(d_k, "d_k", "(..., n, n)")
    n = blocks.shape[-1]
    if n > 2:
        left, sigma, right = np.linalg.svd(blocks)
        _refuse(sigma[..., -1] <= SINGULAR * sigma[..., 0], "flatten_block")
        return np.asarray(left @ right)
    out, status = np.empty_like(blocks), np.empty(math.prod(blocks.shape[:-2]), np.uint8)
    polar_factors(blocks.reshape(-1, n, n), out.reshape(-1, n, n), status)
    _refuse(status != st.OK, "flatten_block")
    return out


def flatten_d(d: ArrayLike) -> Float[np.ndarray, "... 3"]:
    r"""Shrink or stretch each d-vector to unit length.

    .. math:: d \mapsto d / |d|

    Parameters
    ----------
    d : array-like of shape (..., 3)
        d-vectors, for example on a grid.

    Returns
    -------
    float64 ndarray of shape (..., 3)
        Unit vectors; the bands of the two-band Hamiltonian are then at +-1.

    Raises
    ------
    GaplessError
        If a vector is zero.

    References
    ----------
    .. [1] X.-L. Qi, S.-C. Zhang, Rev. Mod. Phys. 83, 1057 (2011).

    Examples
    --------
    >>> flatten_d([0.0, 3.0, 4.0])
    array([0. , 0.6, 0.8])
    """
    d = _validation.as_real(d, "d", "(..., 3)")
    largest = np.abs(d).max(-1, keepdims=True)
    _refuse(largest[..., 0] == 0.0, "flatten_d")
    d = d / largest  # squares of very long or short vectors would leave the range
    unit: NDArray[np.float64] = d / np.linalg.norm(d, axis=-1, keepdims=True)
    return unit


def _refuse(bad: NDArray[np.bool_] | np.bool_, name: str) -> None:
    if bad.any():
        raise GaplessError(name, np.flatnonzero(bad.ravel()).tolist(), bad.size)
