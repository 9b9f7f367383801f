"""Wannier centres on the circle: largest gaps, and lines from one momentum to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import InputError, ShapeError
from topophys.invariants.certificate import UNRESOLVED_VALUE
from topophys.invariants.z2_result import Z2Result
from topophys.plots._labels import integer_titles, momenta

__all__ = ["CentreFlow", "flows_of", "gap_middles", "threads", "z2_titles"]


@dataclass(frozen=True, eq=False)
class CentreFlow:
    """Centres of one Hamiltonian along the pumping momentum.

    Attributes
    ----------
    k : float64 ndarray of shape (N,)
        Rising momenta, in radians.
    centres : float64 ndarray of shape (N, m)
        Ascending centres in [-1/2, 1/2].
    """

    k: NDArray[np.float64]
    centres: NDArray[np.float64]


def flows_of(centres: ArrayLike | Z2Result, k: ArrayLike | None) -> list[CentreFlow]:
    """Flows to draw, from arrays or from what a Z2 invariant was found with.

    Parameters
    ----------
    centres : array-like of shape (..., N, m) or Z2Result
        Centres in lattice constants.
    k : array-like of shape (N,) or None
        Momenta; where None those of `topophys.k_grid`, closed by its first point.

    Returns
    -------
    list of CentreFlow
        One for each Hamiltonian.

    Raises
    ------
    ShapeError, InputError
        If there is no flow, or numbers make no sense.
    """
    if isinstance(centres, Z2Result):
        return _recorded(centres, k)
    values = _checks.as_real(centres, "centres", "(..., N, m)")
    folded = np.sort(values - np.rint(values), axis=-1)
    points = momenta(k, values.shape[-2])
    rows = folded.reshape(-1, *folded.shape[-2:])
    if k is None:
        points = np.append(points, np.pi)
        rows = np.concatenate([rows, rows[:, :1]], axis=1)
    return [CentreFlow(points, row) for row in rows]


def _recorded(found: Z2Result, k: ArrayLike | None) -> list[CentreFlow]:
    if k is not None:
        raise InputError("Argument `k` must be left out for a Z2Result, which has its own momenta.")
    if found.value.size == 0 or len(found.flows) != found.value.size:
        raise InputError(
            "Argument `centres` must be a Z2Result with a flow for every Hamiltonian, but has"
            f" {len(found.flows)} for {found.value.size}: parities have none, nor have bands that"
            " touch."
        )
    return [
        CentreFlow(
            np.array([line.t for line in flow.lines]),
            np.stack([line.centres for line in flow.lines]),
        )
        for flow in found.flows
    ]


def gap_middles(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middles of the largest gaps between centres on the circle.

    Parameters
    ----------
    centres : float64 ndarray of shape (N, m)
        Ascending centres.

    Returns
    -------
    float64 ndarray of shape (N,)
        Positions in [-1/2, 1/2].
    """
    widths = np.diff(centres, axis=1, append=centres[:, :1] + 1.0)
    largest = widths.argmax(axis=1)[:, None]
    middle = np.take_along_axis(centres + 0.5 * widths, largest, axis=1)[:, 0]
    return np.asarray(middle - np.rint(middle))


def threads(k: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lines from the centres at one momentum to those at the next, which keep their order.

    Of all ways to pair them around the circle, that with the shortest steps.

    Parameters
    ----------
    k : float64 ndarray of shape (N,)
        Momenta.
    centres : float64 ndarray of shape (N, m)
        Ascending centres.

    Returns
    -------
    float64 ndarray of shape ((N - 1) * m, 2, 2)
        Ends (k, x) of each line; x leaves [-1/2, 1/2] where a line passes the edge of the cell.
    """
    m = centres.shape[1]
    turns = (np.arange(m) + np.arange(m)[:, None]) % m
    steps = centres[1:, turns] - centres[:-1, None, :]
    steps -= np.rint(steps)
    best = (steps**2).sum(axis=-1).argmin(axis=1)
    chosen = np.take_along_axis(steps, best[:, None, None], axis=1)[:, 0]
    ends = np.stack([centres[:-1], centres[:-1] + chosen], axis=-1)
    along = np.stack([k[:-1], k[1:]], axis=-1)[:, None, :]
    return np.stack([np.broadcast_to(along, ends.shape), ends], axis=-1).reshape(-1, 2, 2)


def z2_titles(z2: Z2Result | ArrayLike | None, n: int) -> list[str]:
    """Texts such as "Z2 = 1 (converged)", one per panel; empty ones where None.

    Parameters
    ----------
    z2 : Z2Result, array-like of int of shape (n,), or None
        The invariants; of a result the status is told too.
    n : int
        Number of panels.

    Returns
    -------
    list of str
        As many as panels.

    Raises
    ------
    ShapeError, InputError
        If there are not n of them or they are no integers.
    """
    if not isinstance(z2, Z2Result):
        return integer_titles(z2, "z2", "Z_2", n)
    if z2.value.size != n:
        raise ShapeError(f"Argument `z2` must hold {n} integers, but holds {z2.value.size}.")
    return [
        "$Z_2$ unresolved" if value == UNRESOLVED_VALUE else f"$Z_2 = {value}$ ({status})"
        for value, status in zip(z2.value.ravel().tolist(), z2.status.ravel(), strict=True)
    ]
