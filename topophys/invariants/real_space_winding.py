"""Winding number of finite, possibly disordered chiral chains in real space."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.invariants.certificate import Result, masked, one_integer, shares

__all__ = ["RealSpaceWinding", "real_space_winding"]

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
    def gap_lower(self) -> Float[np.ndarray, "..."]:  # type: ignore[override]  # derived
        """Zero: nothing is proven of the gap."""
        return np.zeros(self.gap.shape)

    @property
    def gap_upper(self) -> Float[np.ndarray, "..."]:  # type: ignore[override]  # derived
        """The gap as it is computed: `gap`."""
        return self.gap

    @property
    def evaluations(self) -> Int[np.ndarray, "..."]:  # type: ignore[override]  # derived
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
