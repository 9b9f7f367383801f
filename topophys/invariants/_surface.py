"""Faces of a box in momentum space, cell by cell: fluxes, and bounds that prove them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._cell_bounds import cell_bounds
from topophys.invariants._loops import frames_of
from topophys.invariants._slices import bloch_at

__all__ = ["FaceEvidence", "face_evidence"]


@dataclass(frozen=True)
class FaceEvidence:
    """What was found on one face of a box.

    Attributes
    ----------
    flux : float
        Sum of the fluxes of its cells, with the normal along the positive axis.
    gap_lower : float
        Lower bound of the direct gap on the face; not positive where there is none.
    gap_upper : float
        Smallest gap at the points looked at.
    turn : float
        Largest possible phase of the links of a cell, over pi; below 1 the flux is proven.
    """

    flux: float
    gap_lower: float
    gap_upper: float
    turn: float


def face_evidence(
    vectors: NDArray[np.int64],
    amplitudes: NDArray[np.complex128],
    filled: int,
    origin: NDArray[np.float64],
    edges: tuple[NDArray[np.float64], NDArray[np.float64]],
    n: int,
) -> FaceEvidence:
    """Flux of the occupied bands through a rectangle divided into n x n cells.

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, 3)
        Lattice vectors.
    amplitudes : complex128 ndarray of shape (M, b, b)
        Hoppings of one Hamiltonian.
    filled : int
        Number of occupied bands.
    origin : float64 ndarray of shape (3,)
        Corner of the rectangle.
    edges : tuple of float64 ndarray of shape (3,)
        Its two edges; the normal is along their cross product.
    n : int
        Number of cells along each edge.

    Returns
    -------
    FaceEvidence
        Flux and bounds.
    """
    step = np.arange(n + 1) / n
    first, second = edges
    corner = origin + np.multiply.outer(step, first)[:, None] + np.multiply.outer(step, second)
    states = frames_of(bloch_at(vectors, amplitudes, corner), filled)
    flux = _cell_flux(states.frame).sum()
    centre = corner[:-1, :-1] + (first + second) / (2 * n)
    bound, link, seen = cell_bounds(
        vectors, amplitudes, filled, centre, np.stack([first, second]) / (2 * n)
    )
    return FaceEvidence(
        float(flux), float(bound.min()), float(min(seen.min(), states.gap.min())),
        float(4.0 * link.max() / np.pi),
    )  # fmt: skip


def _cell_flux(frame: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Flux F = -arg of the product of the four links of each cell of an open grid."""
    dagger = frame.conj().swapaxes(-1, -2)
    along = np.linalg.det(dagger[:-1] @ frame[1:])
    across = np.linalg.det(dagger[:, :-1] @ frame[:, 1:])
    loop = along[:, :-1] * across[1:] * along[:, 1:].conj() * across[:-1].conj()
    flux: NDArray[np.float64] = -np.angle(loop)
    return flux
