"""Chiral chains: a Hamiltonian in Fourier form with its block D(k), given or found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Complex, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, KindError
from topophys.grids import grid_of
from topophys.hamiltonians import fourier
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["ChiralHamiltonian", "chain_of_sublattices", "two_colours"]


Chain = TypeVar("Chain", bound="ChiralHamiltonian")


class ChiralHamiltonian(FourierHamiltonian):
    r"""One-dimensional Hamiltonian with chiral symmetry, one or a batch.

    .. math::
        H(k) = \begin{pmatrix} 0 & D(k) \\ D^\dagger(k) & 0 \end{pmatrix}, \qquad
        D(k) = \sum_n D_n e^{i n k}, \qquad \Gamma = \mathrm{diag}(1, \dots, -1, \dots)

    Parameters
    ----------
    block : mapping of int or (int,) to array-like of shape (..., N, N)
        Coefficients :math:`D_n`; they need not obey any symmetry. Leading axes are batch axes.

    Raises
    ------
    ShapeError, InputError
        If a coefficient is not a square matrix of finite numbers, or a key not an integer.

    References
    ----------
    .. [1] C.-K. Chiu, J. C. Y. Teo, A. P. Schnyder, S. Ryu, Rev. Mod. Phys. 88, 035005 (2016).

    Examples
    --------
    >>> chain = ChiralHamiltonian({0: [[1.0]], 1: [[2.0]]})
    >>> chain
    ChiralHamiltonian: 1D, 2 bands (1 occupied), 3 lattice vectors
    >>> chain.block([[0.0], [np.pi]]).real.ravel()
    array([ 3., -1.])
    """

    def __init__(self, block: Mapping[Any, ArrayLike]) -> None:
        vectors, raw, given = fourier.stack(block, "block", "(..., N, N)", tail=2)
        if vectors.shape[1] != 1:
            raise InputError(
                "Argument `block` must have integers n (or (n,)) as keys, because D(k) is defined"
                f" on a chain, but has {tuple(int(x) for x in vectors[-1])}."
            )
        orders = vectors[given, 0]
        lowest, highest = int(orders.min()), int(orders.max())
        filled = np.zeros((*raw.shape[:-3], highest - lowest + 1, *raw.shape[-2:]), np.complex128)
        filled[..., orders - lowest, :, :] = raw[..., given, :, :]
        self._set_block(lowest, filled)

    @classmethod
    def from_array(cls: type[Chain], lowest: int, amplitudes: ArrayLike) -> Chain:
        """Make chains from all coefficients at once.

        Parameters
        ----------
        lowest : int
            Order n of the first coefficient.
        amplitudes : array-like of shape (..., M, N, N)
            Coefficients :math:`D_n` for n = lowest, ..., lowest + M - 1.

        Returns
        -------
        ChiralHamiltonian
            With batch axes ``amplitudes.shape[:-3]``.

        Raises
        ------
        ShapeError, InputError
            As for the constructor.
        """
        first = _validation.integer(lowest, "lowest")
        stacked = _validation.as_complex(amplitudes, "amplitudes", "(..., M, N, N)")
        chain = cls.__new__(cls)
        chain._set_block(first, stacked.copy())
        return chain

    def _set_block(self, lowest: int, amplitudes: NDArray[np.complex128]) -> None:
        _refuse_bloch(lowest, amplitudes)
        self._n_occupied = amplitudes.shape[-1]  # levels come in pairs E, -E
        self._error = None
        self._lowest = lowest
        self._block = amplitudes

    @property
    def block_range(self) -> tuple[int, int]:
        """Lowest and highest n with a coefficient."""
        return self._lowest, self._lowest + self._block.shape[-3] - 1

    @property
    def block_amplitudes(self) -> Complex[np.ndarray, "*batch M N N"]:
        """Coefficients D_n for every n of `block_range`."""
        return self._block

    @property
    def n_bands(self) -> int:
        """Number of bands, 2 N."""
        return 2 * int(self._block.shape[-1])

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes; () for a single Hamiltonian."""
        return tuple(self._block.shape[:-3])

    @property
    def vectors(self) -> Int[np.ndarray, "M 1"]:
        """Lattice vectors R with a hopping, closed under R -> -R."""
        reach = max(map(abs, self.block_range))
        return np.arange(-reach, reach + 1)[:, None]

    @property
    def amplitudes(self) -> Complex[np.ndarray, "*batch M n n"]:
        """Hopping matrices H_R of the full Hamiltonian, made on demand."""
        lowest, highest = self.block_range
        reach, n = max(abs(lowest), abs(highest)), self._block.shape[-1]
        full = np.zeros((*self.batch_shape, 2 * reach + 1, 2 * n, 2 * n), np.complex128)
        full[..., lowest + reach : highest + reach + 1, :n, n:] = self._block
        full[..., n:, :n] = np.conj(np.swapaxes(full[..., ::-1, :n, n:], -1, -2))
        return full

    def block(self, k: ArrayLike) -> Complex[np.ndarray, "..."]:
        r"""Off-diagonal block at given momenta.

        Parameters
        ----------
        k : array-like of shape (..., 1)
            Dimensionless momenta, in radians.

        Returns
        -------
        complex128 ndarray of shape (*batch, ..., N, N)
            :math:`D(k)`, in the units of the hoppings.

        Raises
        ------
        ShapeError
            If the last axis of `k` is not 1.
        """
        lowest, highest = self.block_range
        orders = np.arange(lowest, highest + 1)[:, None]
        return fourier.fourier_sum(orders, self._block, self._momenta(k), tail=2)

    def block_on_grid(self, grid: int | tuple[int]) -> Complex[np.ndarray, "..."]:
        """Off-diagonal block on the uniform grid of `topophys.k_grid`.

        Parameters
        ----------
        grid : int
            Number of k points N_k.

        Returns
        -------
        complex128 ndarray of shape (*batch, N_k, N, N)
            Blocks, in the units of the hoppings.

        Raises
        ------
        InputError
            If `grid` is not a positive integer.
        """
        return self.block(grid_of(1, grid))

    def _times(self: Chain, factor: NDArray[np.float64]) -> tuple[Chain, NDArray[np.float64]]:
        made = self._blank()
        made._lowest = self._lowest
        made._block, rounded = fourier.multiplied(self._block, factor, tail=2)
        return made, rounded

    def _plus(self: Chain, other: Chain, batch: tuple[int, ...]) -> Chain:
        lowest = min(self._lowest, other._lowest)
        size = max(self.block_range[1], other.block_range[1]) - lowest + 1
        parts = []
        for chain in (self, other):
            block, start = chain._block, chain._lowest - lowest
            out = np.zeros((*block.shape[:-3], size, *block.shape[-2:]), np.complex128)
            out[..., start : start + block.shape[-3], :, :] = block
            parts.append(out)
        total = self._blank()
        total._lowest = lowest
        total._block, rounded = fourier.added((parts[0], parts[1]), tail=2)
        return total._of_sum((self, other), batch, rounded)

    def _select(self: Chain, index: tuple[Any, ...]) -> Chain:
        chosen = self._blank()
        chosen._set_block(self._lowest, self._block[(*index, *(slice(None),) * 3)])
        return chosen._with_error_of(self, index)


# ---- Sublattices found from hoppings


def two_colours(linked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Colours 0 and 1 of linked orbitals (n, n) that differ where possible; -1 if not reached.

    Orbital 0 has colour 0.
    """
    colour, waiting = np.full(len(linked), -1), [0]
    colour[0] = 0
    while waiting:
        here = waiting.pop()
        for there in np.flatnonzero(linked[here] & (colour < 0)).tolist():
            colour[there] = 1 - colour[here]
            waiting.append(there)
    return colour


def chain_of_sublattices(H: FourierHamiltonian) -> tuple[ChiralHamiltonian, tuple[int, ...]]:
    """Write a chain with sublattice symmetry as its chiral block.

    Orbitals that hop to each other belong to different sublattices; orbital 0 is of the first. No
    hopping is neglected: one within a sublattice, an energy of a site included, is refused.
    """
    if H.dim != 1 or H.batch_shape:
        raise KindError(f"A winding number needs a chain, but this is a {H.dim}D Hamiltonian.")
    linked = (np.abs(H.amplitudes) > 0.0).any(0)
    colour = two_colours(linked)
    a, b = np.flatnonzero(colour == 0), np.flatnonzero(colour == 1)
    if (colour < 0).any():
        raise KindError(
            "A winding number needs connected orbitals, but"
            f" {np.flatnonzero(colour < 0).tolist()[:5]} do not hop to orbital 0."
        )
    within = linked & (colour[:, None] == colour)
    if within.any() or len(a) != len(b):
        i, j = np.argwhere(within)[0].tolist() if within.any() else (0, 0)
        size = float(np.abs(H.amplitudes[:, i, j]).max())
        found = (
            f"orbitals {i} and {j} of one sublattice are coupled by {size:.3g}"
            if within.any() else f"the sublattices have {len(a)} and {len(b)} orbitals"
        )  # fmt: skip
        raise KindError(
            "A winding number needs a chain with sublattice symmetry and no energies of"
            f" sites, but {found}."
        )
    orders = H.vectors[:, 0]
    block = np.zeros((int(np.ptp(orders)) + 1, len(a), len(b)), np.complex128)
    block[orders - orders[0]] = H.amplitudes[:, a[:, None], b]
    return ChiralHamiltonian.from_array(int(orders[0]), block), tuple(a.tolist())


def _refuse_bloch(lowest: int, amplitudes: NDArray[np.complex128]) -> None:
    """Refuse hoppings of H where those of D are meant: H is seen at a few momenta."""
    half = amplitudes.shape[-1] // 2
    first = amplitudes[(0,) * (amplitudes.ndim - 3)] if amplitudes.size else amplitudes
    if amplitudes.shape[-1] % 2 or first[..., :half, :half].any() or not amplitudes.size:
        return
    orders = lowest + np.arange(amplitudes.shape[-3])
    waves = np.exp(1j * np.outer(np.arange(1.0, 4.0), orders))
    _validation.require_block(np.einsum("km,...mij->...kij", waves, amplitudes), "block")
