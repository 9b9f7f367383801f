"""Local Chern marker of finite samples in real space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.invariants._loops import TOLERANCE, checked_matrices

__all__ = ["ChernMarker", "local_chern_marker"]


@dataclass(frozen=True, eq=False)
class ChernMarker:
    """Local Chern marker with what its averages need.

    Attributes
    ----------
    marker : float64 ndarray of shape (..., M)
        Marker at each orbital, per area of an orbital: its mean over the orbitals of a cell is
        the local Chern number; its sum over a finite sample vanishes.
    gap : float64 ndarray of shape (...)
        Distance from the highest occupied to the lowest empty level of the sample; small where
        the edge carries states.
    n_occupied : int64 ndarray of shape (...)
        Number of occupied levels.
    positions : float64 ndarray of shape (M, 2)
        Positions of the orbitals.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> atoms = np.diag([-1.0, 1.0] * 4)
    >>> where = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], 2, axis=0)
    >>> marker = tp.local_chern_marker(atoms, where, area=0.5)
    >>> float(abs(marker.marker).max()), float(marker.gap)
    (0.0, 2.0)
    """

    marker: Float[np.ndarray, "... M"]
    gap: Float[np.ndarray, "..."]
    n_occupied: np.ndarray
    positions: Float[np.ndarray, "M 2"]

    def bulk(self, share: float = 0.5) -> Float[np.ndarray, "..."]:
        """Mean of the marker over the middle of the sample: a float close to the Chern number.

        Parameters
        ----------
        share : float, optional
            Length of the averaged window over that of the sample, in each direction.

        Returns
        -------
        float64 ndarray of shape (...)
            Average; it approaches the Chern number exponentially with the size of a gapped sample.

        Raises
        ------
        InputError
            If `share` is not between 0 and 1, or the window is empty.
        """
        if not 0.0 < share <= 1.0:
            raise InputError(f"Argument `share` must be above 0 and at most 1, but is {share}.")
        low, high = self.positions.min(0), self.positions.max(0)
        off = np.abs(self.positions - 0.5 * (low + high))
        inside = (off <= 0.5 * share * (high - low) + 1e-9).all(-1)
        if not inside.any():
            raise InputError(f"Argument `share` must leave an orbital inside, but is {share}.")
        return np.asarray(self.marker[..., inside].mean(-1))


def local_chern_marker(
    h: ArrayLike,
    positions: ArrayLike,
    *,
    area: float,
    n_occupied: int | None = None,
    fermi: float | None = None,
) -> ChernMarker:
    r"""Local Chern marker of a finite sample with open edges, ordered or not.

    .. math:: c_a = -\frac{4\pi}{A} \, \mathrm{Im} \,
        \langle a | P x \, (1 - P) \, y P | a \rangle

    with P the projector on the occupied levels and A the area per orbital. The mean over a cell
    deep in the bulk of an insulator is its Chern number, in the sign of `chern_number`; edges
    compensate it, so that the sum over the sample is zero. It is a float and stays one.

    Parameters
    ----------
    h : array-like of shape (..., M, M)
        Hamiltonian of the sample between M orbitals.
    positions : array-like of shape (M, 2)
        Position of each orbital. As in Bloch matrices without orbital positions, all orbitals of
        a cell may be given that of the cell.
    area : float
        Area of a cell over the number of its orbitals, in the units of `positions`.
    n_occupied : int, optional
        Number of occupied levels; half of them where neither this nor `fermi` is given.
    fermi : float, optional
        Occupy the levels below this energy instead.

    Returns
    -------
    ChernMarker
        Marker of every orbital, gap at the filling, and bulk averages.

    Raises
    ------
    ShapeError, InputError
        If an argument has other axes, is not finite or not Hermitian, or makes no sense.
    GaplessError
        If the highest occupied and lowest empty level coincide.

    References
    ----------
    .. [1] R. Bianco, R. Resta, Phys. Rev. B 84, 241106 (2011).
    .. [2] M. D. Caio, G. Moller, N. R. Cooper, M. J. Bhaseen, Nat. Phys. 15, 257 (2019).

    Examples
    --------
    A patch of 12 x 12 cells of the QWZ model:

    >>> import numpy as np
    >>> import topophys as tp
    >>> hop = tp.models.qwz(-1.0).hoppings
    >>> step = {0: np.eye(12), 1: np.eye(12, k=1), -1: np.eye(12, k=-1)}
    >>> patch = sum(np.kron(np.kron(step[x], step[y]), hop[x, y]) for x, y in hop)
    >>> cells = np.stack(np.meshgrid(np.arange(12), np.arange(12), indexing="ij"), -1)
    >>> marker = local_chern_marker(patch, np.repeat(cells.reshape(-1, 2), 2, axis=0), area=0.5)
    >>> round(float(marker.bulk(0.4)), 2), abs(round(float(marker.marker.sum()), 9))
    (1.0, 0.0)
    """
    matrix = checked_matrices(h, "h", "(..., M, M)")
    where = _validation.as_real(positions, "positions", "(..., M, 2)")
    n = matrix.shape[-1]
    if where.shape != (n, 2):
        raise ShapeError(f"Argument `positions` must have shape ({n}, 2), but has {where.shape}.")
    if not 0.0 < area < np.inf:
        raise InputError(f"Argument `area` must be a positive number, but is {area}.")
    if fermi is not None and n_occupied is not None:
        raise InputError("Arguments `n_occupied` and `fermi` must not both be given.")
    energy, states = np.linalg.eigh(matrix)
    if fermi is None:
        filled = np.full(energy.shape[:-1], _validation.occupied(n_occupied, n))
    else:
        filled = np.asarray((energy < fermi).sum(-1))
        if ((filled == 0) | (filled == n)).any():
            raise InputError(
                "Argument `fermi` must lie between the lowest and highest level, but is"
                f" {fermi} for levels from {energy.min():.3g} to {energy.max():.3g}."
            )
    edge = np.take_along_axis(energy, np.stack([filled - 1, filled], -1), -1)
    gap = edge[..., 1] - edge[..., 0]
    bad = np.atleast_1d(gap <= TOLERANCE * np.abs(energy).max(-1))
    _validation.require_gapped(bad, "local_chern_marker")
    kept = states * (np.arange(n) < filled[..., None])[..., None, :]
    projector = kept @ kept.conj().swapaxes(-1, -2)
    x, y = (where - where.mean(0)).T
    # P x (1 - P) y P = P x y P - (P x P)(y P); only its diagonal is wanted, and the first term
    # of it is real
    pxp = projector @ (x[:, None] * projector)
    diagonal = -np.einsum("...ab,...ba->...a", pxp, y[:, None] * projector)
    marker = -(4.0 * np.pi / area) * diagonal.imag
    return ChernMarker(marker, np.asarray(gap), filled, where)
