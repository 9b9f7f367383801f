"""Occupied frames along closed loops, parallel transport, and its eigenphases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.invariants._eigh import HERMITIAN, eigh_batch

__all__ = ["Frames", "centres_of", "frames_of", "loop_frames", "transport", "unitary_links"]

#: Relative gap, and smallest singular value of an overlap, below which a loop counts as gapless.
TOLERANCE: Final = 1e-12
TINY: Final = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Frames:
    """Occupied states with what says how far they are from the empty ones.

    Attributes
    ----------
    frame : complex128 ndarray of shape (..., n, m)
        Orthonormal occupied states as columns, in any gauge.
    energy : float64 ndarray of shape (..., n)
        Energies in ascending order.
    gap : float64 ndarray of shape (...)
        Direct gap above the m occupied bands.
    """

    frame: NDArray[np.complex128]
    energy: NDArray[np.float64]
    gap: NDArray[np.float64]

    def closes(self, tolerance: float, n_axes: int) -> NDArray[np.bool_]:
        """Whether the gap closes somewhere on the last `n_axes` axes of momenta.

        Parameters
        ----------
        tolerance : float
            Measured by the largest energy on those axes: where all bands touch at zero energy,
            that of the touching itself would be rounding.
        n_axes : int
            Number of axes.

        Returns
        -------
        bool ndarray of shape (...)
            One entry for each of the remaining axes.
        """
        own = tuple(range(-n_axes, 0))
        scale = np.abs(self.energy).max((*(a - 1 for a in own), -1))
        return np.asarray(self.gap.min(own) <= tolerance * scale)


def frames_of(h: NDArray[np.complex128], filled: int) -> Frames:
    """Diagonalise Hermitian matrices.

    Parameters
    ----------
    h : complex128 ndarray of shape (..., n, n)
        Checked matrices.
    filled : int
        Number m of occupied states.

    Returns
    -------
    Frames
        Occupied states and gaps.
    """
    energy, states = eigh_batch(h)
    gap = energy[..., filled] - energy[..., filled - 1]
    return Frames(np.ascontiguousarray(states[..., :filled]), energy, gap)


def checked_matrices(h_k: ArrayLike, name: str, shape: str) -> NDArray[np.complex128]:
    """Check that an argument holds Hermitian matrices of at least two bands.

    Parameters
    ----------
    h_k : array-like of shape (..., n, n)
        Matrices; deviations are measured by the largest entry of all.
    name, shape : str
        Name of the argument and wanted shape, for messages.

    Returns
    -------
    complex128 ndarray of shape (..., n, n)
        The matrices.
    """
    h = _validation.as_complex(h_k, name, shape)
    if h.shape[-1] < 2:
        raise InputError(f"Argument `{name}` must have at least two bands, but has one.")
    scale = np.abs(h).max(initial=0.0)
    off = np.abs(h - h.conj().swapaxes(-1, -2)).max(initial=0.0)
    if off > HERMITIAN * scale:
        raise InputError(
            f"Argument `{name}` must be Hermitian, but deviates by {off:.3g} (largest entry"
            f" {scale:.3g}); pass Bloch matrices, or their Hermitian part."
        )
    return h


def loop_frames(h_k: ArrayLike, n_occupied: int | None, axis: int) -> Frames:
    """Frames of sampled Bloch matrices with the loop direction moved behind the others.

    Parameters
    ----------
    h_k : array-like of shape (..., n, n)
        Bloch matrices.
    n_occupied : int or None
        Number of occupied bands; half of the bands where None.
    axis : int
        Loop direction, counted among the axes before the two band axes.

    Returns
    -------
    Frames
        With arrays of shape (..., N, n, m), (..., N, n) and (..., N).
    """
    h = checked_matrices(h_k, "h_k", "(..., N, n, n)")
    filled = _validation.occupied(n_occupied, h.shape[-1])
    n_axes = h.ndim - 2
    direction = _validation.integer(axis, "axis")
    if not -n_axes <= direction < n_axes:
        raise ShapeError(
            f"Argument `axis` must be one of the {n_axes} axes before the band axes, but is {axis}."
        )
    return frames_of(np.moveaxis(h, direction % n_axes, n_axes - 1), filled)


def unitary_links(
    frame: NDArray[np.complex128],
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Unitary parts of the overlaps of neighbours on closed loops.

    Parameters
    ----------
    frame : complex128 ndarray of shape (..., N, n, m)
        Frames; the last neighbours the first.

    Returns
    -------
    links : complex128 ndarray of shape (..., N, m, m)
        Polar factor of V(k_j)^dagger V(k_(j+1)).
    overlap : float64 ndarray of shape (..., N)
        Smallest singular value of the overlap: cosine of the largest principal angle.
    """
    overlap = frame.conj().swapaxes(-1, -2) @ np.roll(frame, -1, axis=-3)
    if frame.shape[-1] == 1:
        size = np.abs(overlap)
        return overlap / size.clip(TINY), size[..., 0, 0]
    left, sigma, right = np.linalg.svd(overlap)
    links: NDArray[np.complex128] = left @ right
    return links, sigma[..., -1]


def transport(links: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Product of the links of each loop, in the order of the loop.

    Parameters
    ----------
    links : complex128 ndarray of shape (..., N, m, m)
        Unitary links.

    Returns
    -------
    complex128 ndarray of shape (..., m, m)
        U_0 U_1 ... U_(N-1).
    """
    while links.shape[-3] > 1:
        pairs = links.shape[-3] // 2
        done = links[..., 0 : 2 * pairs : 2, :, :] @ links[..., 1 : 2 * pairs : 2, :, :]
        links = np.concatenate([done, links[..., 2 * pairs :, :, :]], axis=-3)
    return links[..., 0, :, :]


def centres_of(loop: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Sorted eigenphases of Wilson loops, as positions in the cell.

    Parameters
    ----------
    loop : complex128 ndarray of shape (..., m, m)
        Unitary matrices W.

    Returns
    -------
    float64 ndarray of shape (..., m)
        -arg(eigenvalue) / 2 pi, in (-1/2, 1/2], ascending.
    """
    phase = np.angle(loop[..., 0]) if loop.shape[-1] == 1 else np.angle(np.linalg.eigvals(loop))
    centre = -phase / (2.0 * np.pi)
    return np.sort(np.where(centre <= -0.5, centre + 1.0, centre), axis=-1)
