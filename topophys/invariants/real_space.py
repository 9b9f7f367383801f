"""Invariants of finite samples in real space: winding number and local Chern marker."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.invariants.results import Result, masked, one_integer, shares
from topophys.invariants.wilson import TOLERANCE, checked_matrices

__all__ = ["ChernMarker", "RealSpaceWinding", "local_chern_marker", "real_space_winding"]


# ------------------------ Winding number of finite, possibly disordered chiral chains in real space

#: Largest share of the chain over which the flattened Hamiltonian may decay.
DECAY_SHARE: Final = 0.5
#: Smallest distance of an eigenphase from +-pi, over pi.
MARGIN: Final = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class RealSpaceWinding(Result):
    """Real-space winding numbers of a batch of chains with their evidence.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        Winding number; a masked array where elements are unresolved.
    status : str ndarray of shape (...)
        "converged" (the estimate is close to an integer and the gap supports it) or "unresolved".
    estimate : float64 ndarray of shape (...)
        Mean displacement of the flattened block per cell: a float, never rounded.
    gap : float64 ndarray of shape (...)
        Gap of the chain, 2 sigma, above the edge modes that the winding number asks for.
    decay : float64 ndarray of shape (...)
        Largest singular value over that of the gap, in cells, over the length of the chain: about
        the share of the chain over which the flattened Hamiltonian decays.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> chain = 0.5 * np.eye(40) + np.eye(40, k=1)
    >>> found = tp.real_space_winding(chain, np.arange(40))
    >>> found
    Winding number of a finite chiral chain, from its block in real space: +1 (converged)
      from an integer  ... (estimate, largest)
      gap              1.0... (smallest, above edge modes)
    """

    value: Int[np.ndarray, "..."]
    status: Shaped[np.ndarray, "..."]
    estimate: Float[np.ndarray, "..."]
    gap: Float[np.ndarray, "..."]
    decay: Float[np.ndarray, "..."]

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.resolved))

    @property
    def question(self) -> str:
        """The question that is answered, in words."""
        return "winding number of a finite chiral chain, from its block in real space"

    @property
    def gap_lower(self) -> Float[np.ndarray, "..."]:
        """Zero: nothing is proven of the gap."""
        return np.zeros(self.gap.shape)

    @property
    def gap_upper(self) -> Float[np.ndarray, "..."]:
        """The gap as it is computed: `gap`."""
        return self.gap

    @property
    def evaluations(self) -> Int[np.ndarray, "..."]:
        """One singular value decomposition for each chain."""
        return np.ones(self.gap.shape, np.int64)

    def __int__(self) -> int:
        return one_integer(self.value, self.resolved, "real-space winding number")

    def _rows(self) -> list[tuple[str, str]]:
        good, total = self.resolved, self.status.size
        rows = []
        if total > 1 and good.any():
            rows.append(("value", shares(self.value[good])))
        if total:
            off = np.abs(self.estimate - np.rint(self.estimate)).max()
            rows.append(("from an integer", f"{off:.2g} (estimate, largest)"))
            rows.append(("gap", f"{self.gap.min():.3g} (smallest, above edge modes)"))
        return rows


def real_space_winding(
    block: ArrayLike,
    cells: ArrayLike,
    *,
    period: float | None = None,
    bulk: float = 0.5,
    tolerance: float = 0.1,
) -> RealSpaceWinding:
    r"""Winding number of chiral chains from their block in real space.

    .. math:: \nu = \frac{1}{L} \sum_b \Big( x_b - \sum_a |Q_{ab}|^2 x_a \Big), \qquad
        Q = D (D^\dagger D)^{-1/2}

    that is :math:`-\mathrm{Tr}_{bulk}\, Q^\dagger [X, Q] / L`, with D from orbitals a of one
    sublattice (rows) to orbitals b of the other (columns). In an open chain the sum runs over the
    L cells in the middle; over all cells it vanishes. In a ring differences of positions are taken
    the short way around, and the integer is that of the eigenphases of
    :math:`Q^\dagger e^{2\pi i X/L} Q e^{-2\pi i X/L}`, whose sum is an exact multiple of 2 pi.
    The integer is given only if the estimate is within `tolerance` of it and the flattened chain
    decays, by its gap, within half of the chain.

    Parameters
    ----------
    block : array-like of shape (..., M, M)
        Block D of H = [[0, D], [D^dagger, 0]] between the orbitals of the sample.
    cells : array-like of shape (M,) or (2, M)
        Position of each orbital in cells: of rows and columns alike, or of either.
    period : float, optional
        Number of cells of a ring; an open chain where not given.
    bulk : float, optional
        Share of an open chain that counts as bulk.
    tolerance : float, optional
        Largest distance of the estimate from the integer, below 1/2.

    Returns
    -------
    RealSpaceWinding
        Value, status, estimate and gap, each of shape (...).

    Raises
    ------
    ShapeError, InputError
        If an argument has other axes, is not finite or makes no sense.
    GaplessError
        If a ring has a block that is singular to working precision.

    References
    ----------
    .. [1] I. Mondragon-Shem, T. L. Hughes, J. Song, E. Prodan, Phys. Rev. Lett. 113,
       046802 (2014).
    .. [2] E. Prodan, H. Schulz-Baldes, *Bulk and Boundary Invariants for Complex Topological
       Insulators*, Springer (2016).
    .. [3] L. Lin, Y. Ke, C. Lee, Phys. Rev. B 103, 224208 (2021).

    Examples
    --------
    An SSH ring whose bonds vary at random:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> inner, outer = rng.uniform(0.3, 0.5, 60), rng.uniform(0.8, 1.2, 60)
    >>> ring = np.diag(inner) + np.roll(np.diag(outer), 1, axis=1)
    >>> int(real_space_winding(ring, np.arange(60), period=60))
    1
    """
    d = _validation.as_complex(block, "block", "(..., M, M)")
    n = d.shape[-1]
    x_row, x_column = _positions(cells, n)
    _check_options(period, bulk, tolerance)
    flat = d.reshape(math.prod(d.shape[:-2]), n, n)
    left, sigma, right = np.linalg.svd(flat)
    weight = np.abs(left @ right) ** 2
    away = x_column - x_row[:, None]
    # places of the two sublattices inside a cell are no part of the winding number
    offset = float((x_column - x_row).sum())
    if period is None:
        first, last = math.floor(x_column.min()), math.floor(x_column.max()) + 1
        length = float(last - first)
        estimate = _bulk_mean((weight * away).sum(-2), x_column, (first, last), bulk)
        estimate = estimate - offset / length
        turns, certain = np.rint(estimate), np.ones(len(flat), bool)
        edge_modes = np.minimum(np.abs(turns), n - 1).astype(np.int64)
    else:
        bad = sigma[:, -1] <= 1e-14 * sigma[:, 0]
        _validation.require_gapped(bad, "real_space_winding")
        length = float(period)
        short = away - length * np.rint(away / length)
        estimate = ((weight * short).sum((-2, -1)) - offset) / length
        turns, certain = _ring_index(left @ right, x_row / length, x_column / length)
        edge_modes = np.zeros(len(flat), np.int64)
    lowest = np.take_along_axis(sigma, (n - 1 - edge_modes)[:, None], -1)[:, 0]
    tiny = float(np.finfo(np.float64).tiny)
    decay = sigma[:, 0] / lowest.clip(tiny) / length
    good = certain & (np.abs(estimate - turns) <= tolerance) & (decay <= DECAY_SHARE)
    batch = d.shape[:-2]
    return RealSpaceWinding(
        value=np.where(good, turns, 0).astype(np.int64).reshape(batch),
        status=np.where(good, "converged", "unresolved").reshape(batch),
        estimate=estimate.reshape(batch),
        gap=(2.0 * lowest).reshape(batch),
        decay=decay.reshape(batch),
    )


def _positions(cells: ArrayLike, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    where = _validation.as_real(cells, "cells", "(...)")
    if where.shape not in {(n,), (2, n)}:
        raise ShapeError(f"Argument `cells` must have shape ({n},) or (2, {n}), not {where.shape}.")
    rows, columns = np.broadcast_to(where, (2, n))
    return rows, columns


def _check_options(period: float | None, bulk: float, tolerance: float) -> None:
    if period is not None and not 1.0 <= period < np.inf:
        raise InputError(f"Argument `period` must be a number of cells, but is {period}.")
    if not 0.0 < bulk <= 1.0:
        raise InputError(f"Argument `bulk` must be above 0 and at most 1, but is {bulk}.")
    if not 0.0 < tolerance < 0.5:
        raise InputError(f"Argument `tolerance` must be between 0 and 1/2, but is {tolerance}.")


def _bulk_mean(
    displacement: NDArray[np.float64],
    x: NDArray[np.float64],
    ends: tuple[int, int],
    bulk: float,
) -> NDArray[np.float64]:
    """Sum of displacements of the orbitals in a window of whole cells, per cell."""
    first, last = ends
    width = max(1, round(bulk * (last - first)))
    start = first + (last - first - width) // 2
    inside = (x >= start - 1e-9) & (x < start + width - 1e-9)
    mean: NDArray[np.float64] = displacement[:, inside].sum(-1) / width
    return mean


def _ring_index(
    q: NDArray[np.complex128], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Winding number from eigenphases, and whether none of them is near the branch cut."""
    turned = q * np.exp(2j * np.pi * rows)[:, None] * np.exp(-2j * np.pi * columns)
    phase = np.angle(np.linalg.eigvals(q.conj().swapaxes(-1, -2) @ turned))
    # the determinant is that of the two positions: a known phase, removed before counting
    known = 2.0 * np.pi * (rows - columns).sum()
    total = -(phase.sum(-1) - known) / (2.0 * np.pi)
    whole = np.rint(total)
    clear = np.abs(phase).max(-1) < np.pi * (1.0 - MARGIN)
    return whole, clear & (np.abs(total - whole) < 1e-6)


# ----------------------------------------------- Local Chern marker of finite samples in real space


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
    >>> marker = tp.local_chern_marker(atoms, where, area=0.5, fermi=0.0)
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
        Number of occupied levels; this or `fermi` must be given.
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
    >>> where = np.repeat(cells.reshape(-1, 2), 2, axis=0)
    >>> marker = local_chern_marker(patch, where, area=0.5, n_occupied=len(patch) // 2)
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
