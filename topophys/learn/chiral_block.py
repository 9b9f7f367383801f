"""The chiral block of a chain whose sublattices are not told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError, KindError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["chiral_block"]

#: Hoppings within a sublattice that count as rounding, as a share of the largest hopping.
TOLERANCE: Final = 1e-6


def chiral_block(
    H: FourierHamiltonian, sublattice: Sequence[int] | None = None
) -> ChiralHamiltonian:
    r"""Find the sublattices of a chain and return it in the basis where Gamma is diagonal.

    .. math:: H = \begin{pmatrix} 0 & D \\ D^\dagger & 0 \end{pmatrix}

    Orbitals that hop to each other belong to different sublattices. Where every orbital is
    connected with every other one this fixes the sublattices up to their names, that is the
    winding number up to its sign; orbital 0 is taken to be of the first one.

    Parameters
    ----------
    H : FourierHamiltonian
        Chain, or a batch of chains with the same sublattices.
    sublattice : sequence of int, optional
        Orbitals of the first sublattice, where they cannot be found or the sign matters.

    Returns
    -------
    ChiralHamiltonian
        With orbitals of both sublattices in their old order.

    Raises
    ------
    KindError
        If the Hamiltonian is not a chain, or has no chiral block.
    InputError
        If `sublattice` does not fit.

    References
    ----------
    .. [1] C.-K. Chiu, J. C. Y. Teo, A. P. Schnyder, S. Ryu, Rev. Mod. Phys. 88, 035005 (2016).

    Examples
    --------
    >>> chain = FourierHamiltonian({(0,): [[0, 1], [1, 0]], (1,): [[0, 2], [0, 0]]})
    >>> chiral_block(chain).block([[0.0]]).real.ravel()
    array([3.])
    """
    if H.dim != 1:
        raise KindError(
            f"Argument `H` must be a chain for this network, but is a {type(H).__name__} in"
            f" {H.dim} dimensions, whose winding number is not defined."
        )
    n = H.n_bands
    size = np.abs(H.amplitudes).max(axis=tuple(range(H.amplitudes.ndim - 2)), initial=0.0)
    first = _colours(size) if sublattice is None else _given(sublattice, n)
    a, b = np.flatnonzero(first), np.flatnonzero(~first)
    within = max(size[np.ix_(a, a)].max(initial=0.0), size[np.ix_(b, b)].max(initial=0.0))
    if len(a) != len(b) or within > TOLERANCE * size.max(initial=0.0):
        raise KindError(
            f"Argument `H` must have a chiral block for this network, but is a {type(H).__name__}"
            f" with sublattices of {len(a)} and {len(b)} orbitals and hoppings up to {within:.3g}"
            " within them, whose winding number is not defined; give `sublattice`, or the block"
            " itself as a ChiralHamiltonian."
        )
    block = H.amplitudes[..., a[:, None], b]
    return ChiralHamiltonian.from_array(int(H.vectors[0, 0]), _filled(H, block))


def _filled(H: FourierHamiltonian, block: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Blocks of all orders between the lowest and the highest."""
    orders = H.vectors[:, 0]
    full = np.zeros((*block.shape[:-3], int(np.ptp(orders)) + 1, *block.shape[-2:]), np.complex128)
    full[..., orders - orders[0], :, :] = block
    return full


def _given(sublattice: Sequence[int], n: int) -> NDArray[np.bool_]:
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


def _colours(size: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Two colours such that orbitals with a hopping between them differ, as far as possible."""
    n = len(size)
    linked = size > TOLERANCE * size.max(initial=0.0)
    colour = np.full(n, -1)
    colour[0], waiting = 0, [0]
    while waiting:
        here = waiting.pop()
        for there in np.flatnonzero(linked[here] & (colour < 0)).tolist():
            colour[there] = 1 - colour[here]
            waiting.append(there)
    if (colour < 0).any():
        raise KindError(
            f"Argument `H` must have connected orbitals for its sublattices to be found, but"
            f" orbitals {np.flatnonzero(colour < 0).tolist()[:5]} do not hop to orbital 0; give"
            " `sublattice`, or the block itself as a ChiralHamiltonian."
        )
    return np.asarray(colour == 0)
