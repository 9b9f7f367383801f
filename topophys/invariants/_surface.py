"""Faces of a box in momentum space, cell by cell: fluxes, and bounds that prove them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._loops import TINY, frames_of
from topophys.invariants._slices import bloch_at

__all__ = ["FaceEvidence", "cell_bounds", "face_evidence"]

SLACK: Final = 64 * 2.0**-53


@dataclass(frozen=True)
class FaceEvidence:
    """What was found on one face of a box.

    Attributes
    ----------
    flux : float
        Sum of the fluxes of its cells, with the normal along the positive axis.
    gap_bound : float
        Lower bound of the direct gap on the face; not positive where there is none.
    gap_seen : float
        Smallest gap at the points looked at.
    turn : float
        Largest possible phase of the links of a cell, over pi; below 1 the flux is proven.
    """

    flux: float
    gap_bound: float
    gap_seen: float
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


def cell_bounds(
    vectors: NDArray[np.int64],
    amplitudes: NDArray[np.complex128],
    filled: int,
    centre: NDArray[np.float64],
    half: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Bounds that hold everywhere on plane cells, from their centres.

    Bounds of the blocks of H(k) in the eigenbasis of the centre keep the gap open, and by the
    tan 2-Theta theorem keep the occupied space within an angle theta of that of the centre.

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors.
    amplitudes : complex128 ndarray of shape (M, b, b)
        Hoppings of one Hamiltonian.
    filled : int
        Number of occupied bands.
    centre : float64 ndarray of shape (..., dim)
        Centres of cells of one size.
    half : float64 ndarray of shape (2, dim)
        Half of their two edges.

    Returns
    -------
    bound : float64 ndarray of shape (...)
        Lower bound of the direct gap on the cell; not positive where there is none.
    link : float64 ndarray of shape (...)
        Largest phase of a link between two points of the cell in the gauge parallel to its
        centre; infinite where the gap is not proven.
    seen : float64 ndarray of shape (...)
        Gap at the centre.
    """
    energy, states = np.linalg.eigh(bloch_at(vectors, amplitudes, centre))
    reach = vectors @ half.T
    norms = np.linalg.norm(amplitudes, ord=2, axis=(-2, -1)) * (1.0 + 1e-12)
    curved = 0.5 * (norms * np.abs(reach).sum(-1) ** 2).sum()
    n_bands = amplitudes.shape[-1]
    slack = SLACK * (len(vectors) + n_bands) * (norms * (1.0 + np.abs(reach).sum(-1))).sum()
    low, high, mixed = (np.full(centre.shape[:-1], curved) for _ in range(3))
    for direction in range(2):
        slope = 1j * reach[:, direction, None, None] * amplitudes
        block = states.conj().swapaxes(-1, -2) @ bloch_at(vectors, slope, centre) @ states
        low += _norm(block[..., :filled, :filled])
        high += _norm(block[..., filled:, filled:])
        mixed += _norm(block[..., filled:, :filled])
    seen = energy[..., filled] - energy[..., filled - 1]
    bound = seen - low - high - slack
    tangent = np.tan(0.5 * np.arctan2(2.0 * (mixed + slack), bound.clip(TINY)))
    link = filled * np.arcsin((tangent**2).clip(0.0, 1.0))
    return bound, np.where(bound > 0.0, link, np.inf), seen


def _norm(block: NDArray[np.complex128]) -> NDArray[np.float64]:
    norm: NDArray[np.float64] = np.linalg.norm(block, ord=2, axis=(-2, -1))
    return norm
