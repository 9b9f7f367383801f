"""Chiral chains: a Hamiltonian in Fourier form with its block D(k), given or found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from jaxtyping import Complex, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, KindError
from topophys.grids import grid_of
from topophys.hamiltonians import fourier
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.kernels.rounding import UP

__all__ = ["ChiralHamiltonian", "sublattice_of"]


Chain = TypeVar("Chain", bound="ChiralHamiltonian")
#: Most numbers of a block, which holds all orders from the lowest to the highest: 1 GiB.
MOST: Final = 2**26


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
        self._set_block(*_dense(vectors[given, 0], raw[..., given, :, :]))

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

    @classmethod
    def from_hamiltonian(
        cls: type[Chain],
        H: FourierHamiltonian,
        *,
        sublattice: Sequence[int] | None = None,
        neglect: float = 0.0,
    ) -> Chain:
        r"""Write a chain with sublattice symmetry by its block.

        .. math:: H(k) = \begin{pmatrix} A(k) & D(k) \\ D^\dagger(k) & B(k) \end{pmatrix}, \qquad
            \|A(k)\|, \|B(k)\| \le \varepsilon

        Orbitals that hop to each other belong to different sublattices. Where every orbital is
        connected with every other one this fixes the sublattices up to their names, and the
        winding number up to its sign; orbital 0 is taken to be of the first one.

        Parameters
        ----------
        H : FourierHamiltonian
            A chain, or a batch of chains with the same sublattices.
        sublattice : sequence of int, optional
            Orbitals of the first sublattice, counted from 0: half of all. Found from the hoppings
            where not given.
        neglect : float, optional
            Hoppings within a sublattice up to this share of the largest hopping are left out. The
            bound of what they do, eps, is then part of `amplitude_error`: gaps that are proven hold
            with them, and winding numbers are those of the chain without them.

        Returns
        -------
        ChiralHamiltonian
            Orbitals of the first sublattice come first, each sublattice in the order of `H`.

        Raises
        ------
        KindError
            If `H` is no chain, or its orbitals do not form two sublattices of equal size.
        InputError
            If `sublattice` does not name half of the orbitals, or `neglect` is no share.

        References
        ----------
        .. [1] C.-K. Chiu, J. C. Y. Teo, A. P. Schnyder, S. Ryu, Rev. Mod. Phys. 88, 035005 (2016).

        Examples
        --------
        >>> import topophys as tp
        >>> h = tp.FourierHamiltonian({(0,): [[0, 1], [1, 0]], (1,): [[0, 2], [0, 0]]})
        >>> chain = ChiralHamiltonian.from_hamiltonian(h)
        >>> int(tp.certify_winding(chain))
        1
        >>> int(tp.certify_winding(ChiralHamiltonian.from_hamiltonian(h, sublattice=[1])))
        -1
        """
        first = sublattice_of(H, sublattice=sublattice, neglect=neglect)
        a, b = np.flatnonzero(first), np.flatnonzero(~first)
        given = H.amplitudes[..., a[:, None], b]
        # zero coefficients at the ends of the range would only weaken bounds
        used = np.flatnonzero(given.any(tuple({*range(given.ndim)} - {given.ndim - 3})))
        used = used if len(used) else np.flatnonzero(H.vectors[:, 0] == 0)
        part = slice(used[0], used[-1] + 1)
        chain = cls.__new__(cls)
        chain._set_block(*_dense(H.vectors[part, 0], given[..., part, :, :]))
        chain.unit, chain.lattice = H.unit, fourier.primitive_vectors(H)
        if H.positions is not None:
            chain.positions = np.asarray(H.positions)[np.concatenate([a, b])]
        within = np.where(first[:, None] == first, H.amplitudes, 0.0)
        # above every norm, also of entries whose squares leave float64
        left_out = (np.abs(within.real) + np.abs(within.imag)).sum((-3, -2, -1))
        return chain._with_error(UP * (UP * left_out + H.amplitude_error), H.batch_shape)

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
        ends = [x for chain in (self, other) for x in chain.block_range]
        parts = []
        for chain in (self, other):
            own = np.arange(chain._block.shape[-3], dtype=np.int64) + chain._lowest
            lowest, part = _dense(own, chain._block, min(ends), max(ends))
            parts.append(part)
        total = self._blank()
        total._lowest = lowest
        total._block, rounded = fourier.added((parts[0], parts[1]), tail=2)
        return total._of_sum((self, other), batch, rounded)

    def _select(self: Chain, index: tuple[Any, ...]) -> Chain:
        chosen = self._blank()
        chosen._set_block(self._lowest, self._block[(*index, *(slice(None),) * 3)])
        return chosen._with_error_of(self, index)


def _dense(
    orders: NDArray[np.int64], coefficients: NDArray[np.complex128], *ends: int
) -> tuple[int, NDArray[np.complex128]]:
    """Lowest order, and coefficients (..., M, N, N) of all from there to the highest."""
    every = [*orders.tolist(), *ends]
    lowest, size = min(every), max(every) - min(every) + 1
    shape = (*coefficients.shape[:-3], size, *coefficients.shape[-2:])
    if math.prod(shape) > MOST:
        raise InputError(
            f"A chiral block must have at most {MOST} numbers, all orders from the lowest to the"
            f" highest counted, but has {size} orders, {math.prod(shape)} numbers; leave out"
            " distant hoppings or take a part of the batch."
        )
    full = np.zeros(shape, np.complex128)
    full[..., orders - lowest, :, :] = coefficients
    return lowest, full


# ---- Sublattices found from hoppings


def sublattice_of(
    H: object, *, sublattice: Sequence[int] | None = None, neglect: float = 0.0
) -> NDArray[np.bool_]:
    """Find which orbitals (n,) are of the first sublattice of a chain, given or found."""
    if not isinstance(H, FourierHamiltonian) or H.dim != 1:
        what = type(H).__name__
        what += f" in {H.dim}D" if isinstance(H, FourierHamiltonian) else ""
        raise KindError(f"A chiral block needs a chain (FourierHamiltonian), but this is a {what}.")
    share = float(_validation.as_real(neglect, "neglect", "()"))
    if not 0.0 <= share < 1.0:
        raise InputError(f"Argument `neglect` must be at least 0 and below 1, but is {neglect}.")
    size = np.abs(H.amplitudes).max(axis=tuple(range(H.amplitudes.ndim - 2)), initial=0.0)
    linked = size > share * size.max(initial=0.0)
    if sublattice is None:
        colour = _two_colours(linked)
        if (colour < 0).any():
            raise KindError(
                "A chiral block needs connected orbitals for its sublattices to be found, but"
                f" orbitals {np.flatnonzero(colour < 0).tolist()[:5]} (counted from 0) do not hop"
                " to orbital 0; give `sublattice`, or the block itself as a ChiralHamiltonian."
            )
        first = colour == 0
    else:
        first = _given(sublattice, len(size))
    within = linked & (first[:, None] == first)
    if within.any():
        i, j = np.argwhere(within)[0].tolist()
        where = f"orbitals {i} and {j} of one sublattice are coupled by"
        if i == j:
            where = f"orbital {i} has the energy"
        raise KindError(
            "A chiral block needs sublattice symmetry, without hoppings or energies within a"
            f" sublattice, but {where} {size[i, j]:.3g} (orbitals counted from 0), so that the"
            " winding number is not defined."
        )
    if 2 * first.sum() != len(first):
        raise KindError(
            "A chiral block needs two sublattices of equal size, but they have"
            f" {first.sum()} and {(~first).sum()} orbitals: levels at zero energy are left over."
        )
    return np.asarray(first)


def _two_colours(linked: NDArray[np.bool_]) -> NDArray[np.int64]:
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


def _given(sublattice: Sequence[int], n: int) -> NDArray[np.bool_]:
    """Turn orbitals of the first sublattice into a mask (n,)."""
    chosen = np.asarray(list(sublattice))
    if chosen.size != n // 2 or len(set(chosen.tolist())) != n // 2 or n % 2:
        raise InputError(
            f"Argument `sublattice` must name half of the {n} orbitals, each once, but is"
            f" {list(sublattice)}."
        )
    if chosen.dtype.kind not in "iu" or not ((chosen >= 0) & (chosen < n)).all():
        raise InputError(
            f"Argument `sublattice` must hold orbitals from 0 to {n - 1}, but is"
            f" {list(sublattice)}."
        )
    return np.isin(np.arange(n), chosen)


def _refuse_bloch(lowest: int, amplitudes: NDArray[np.complex128]) -> None:
    """Refuse hoppings of H where those of D are meant: H is seen at a few momenta."""
    half = amplitudes.shape[-1] // 2
    first = amplitudes[(0,) * (amplitudes.ndim - 3)] if amplitudes.size else amplitudes
    if amplitudes.shape[-1] % 2 or first[..., :half, :half].any() or not amplitudes.size:
        return
    orders = lowest + np.arange(amplitudes.shape[-3])
    waves = np.exp(1j * np.outer(np.arange(1.0, 4.0), orders))
    _validation.require_block(np.einsum("km,...mij->...kij", waves, amplitudes), "block")
