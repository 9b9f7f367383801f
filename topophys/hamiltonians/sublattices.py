"""The chiral block of a chain whose sublattices are found from its hoppings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topophys.errors import KindError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["chain_of_sublattices", "two_colours"]


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
