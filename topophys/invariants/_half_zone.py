"""Half of the two-dimensional zone in proven cells: flux, and centres at its two ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._cell_bounds import cell_bounds
from topophys.invariants._kramers_pairs import pair_sum
from topophys.invariants._limits import INTEGRAL
from topophys.invariants._loops import frames_of
from topophys.invariants._slices import Slice, bloch_at
from topophys.kernels.rounding import MET, slack_of

__all__ = ["HalfZone", "prove_half_zone"]

#: Cells of the start along k_x from 0 to pi; twice as many along k_y.
START: Final = 4
#: Corner of a cell in units of the smallest edge, and its edge.
Cell: TypeAlias = tuple[int, int, int]
Vertex: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class HalfZone:
    """Outcome of a proof.

    Attributes
    ----------
    value : int
        Z2 invariant; meaningless where not proven.
    proven : bool
        Whether every cell is.
    gap_lower, gap_upper : float
        Proven lower bound of the gap on the half zone, 0 where not proven; smallest gap met.
    evaluations : int
        Momenta looked at.
    reason : str
        Why it is not proven: "budget", "depth", "rounding" or "closed gap"; "" where it is.
    k_at_gap_upper : tuple of float
        Momentum of the smallest gap met.
    spread : float
        Distances of centres within Kramers pairs, added up, on the worse of the two lines: of the
        size of rounding if time reversal holds.
    """

    value: int
    proven: bool
    gap_lower: float
    gap_upper: float
    evaluations: int
    reason: str = ""
    k_at_gap_upper: tuple[float, float] = (0.0, 0.0)
    spread: float = np.nan


@dataclass
class _Cover:
    """Cells under construction."""

    h: Slice
    filled: int
    unit: float
    n_y: int
    slack: float
    leaves: dict[Cell, float] = field(default_factory=dict)
    gap_lower: float = np.inf
    gap_upper: float = np.inf
    k_at_gap_upper: tuple[float, float] = (0.0, 0.0)
    evaluations: int = 0

    def add(self, cells: list[Cell], limit: int) -> str:
        """Bound cells of one size, quarter those that fail; the reason where that goes too far."""
        while cells:
            size = cells[0][2]
            if self.evaluations + len(cells) > limit:
                return "budget"
            corner = np.array(cells, dtype=np.float64)
            centre = (corner[:, :2] + 0.5 * size) * self.unit + [0.0, -np.pi]
            half = 0.5 * size * self.unit * np.eye(2)
            bound, link, seen = cell_bounds(
                self.h.vectors, self.h.amplitudes, self.filled, centre, half, self.slack
            )
            self.evaluations += len(cells)
            if seen.min() < self.gap_upper:
                self.gap_upper = float(seen.min())
                k_x, k_y = centre[seen.argmin()].tolist()
                self.k_at_gap_upper = (k_x, k_y)
            good = 4.0 * link < np.pi
            for i in np.flatnonzero(good):
                self.leaves[cells[i]] = float(link[i])
                self.gap_lower = min(self.gap_lower, float(bound[i]))
            cells = [q for i in np.flatnonzero(~good) for q in quarters(cells[i])]
            if cells and size == 1:
                return "depth"
        return ""

    def given_up(self, reason: str) -> HalfZone:
        """Outcome without a proof."""
        closed = self.gap_upper <= 2.0 * MET * self.slack
        why = "closed gap" if closed else reason
        return HalfZone(0, False, 0.0, self.gap_upper, self.evaluations, why, self.k_at_gap_upper)

    def vertices(self) -> set[Vertex]:
        """Corners of all leaves; on the two ends with their images under time reversal."""
        found = {
            (x + i * s, (y + j * s) % self.n_y)
            for x, y, s in self.leaves for i in (0, 1) for j in (0, 1)
        }  # fmt: skip
        ends = (0, self.n_y // 2)
        return found | {(x, -y % self.n_y) for x, y in found if x in ends}


def quarters(cell: Cell) -> list[Cell]:
    """Cut a cell into four.

    Parameters
    ----------
    cell : tuple of int
        Corner and edge.

    Returns
    -------
    list of tuple of int
        Cells of half the edge.
    """
    x, y, size = cell
    half = size // 2
    return [(x + i, y + j, half) for i in (0, half) for j in (0, half)]


def _polygon(cell: Cell, vertices: set[Vertex], n_y: int) -> list[Vertex]:
    """All vertices on the boundary of a cell, anticlockwise, hanging ones included."""
    x, y, size = cell
    corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)]
    path: list[Vertex] = []
    for a, b in pairwise(corners):
        path += _split(a, b, vertices, n_y)
    return path


def _split(a: Vertex, b: Vertex, vertices: set[Vertex], n_y: int) -> list[Vertex]:
    """Vertices from a up to, not including, b: cuts of cells are at midpoints."""
    middle = ((a[0] + b[0]) // 2, (a[1] + b[1]) // 2)
    longer = abs(a[0] - b[0]) + abs(a[1] - b[1]) > 1
    if not longer or (middle[0], middle[1] % n_y) not in vertices:
        return [(a[0], a[1] % n_y)]
    return _split(a, middle, vertices, n_y) + _split(middle, b, vertices, n_y)


def prove_half_zone(h: Slice, filled: int, *, max_depth: int, max_evaluations: int) -> HalfZone:
    r"""Prove the Z2 invariant of a time-reversal-symmetric Hamiltonian.

    On the lines k_x = 0 and pi the centres come in pairs; let X be the sum of one of each pair,
    defined modulo 1. The sum of all centres moves by the flux, hence

    .. math:: Z_2 = \frac{1}{2\pi} \int_{0 \le k_x \le \pi} \mathrm{tr}\,\Omega
        - 2 X(\pi) + 2 X(0) \pmod 2

    Parameters
    ----------
    h : Slice
        A single Hamiltonian in two dimensions; time reversal is taken for granted.
    filled : int
        Number of occupied bands.
    max_depth : int
        How often a cell may be quartered.
    max_evaluations : int
        Largest number of cells to look at.

    Returns
    -------
    HalfZone
        Value and evidence.
    """
    edge = 2**max_depth
    unit, n_y = np.pi / (START * edge), 2 * START * edge
    error = 0.0 if h.amplitude_error is None else h.amplitude_error
    norms = np.linalg.norm(h.amplitudes, axis=(-2, -1))
    reach = np.abs(h.vectors).sum(-1)
    slack = float(slack_of(norms, reach, h.n_bands, error))
    cover = _Cover(h, filled, unit, n_y, slack)
    cells = [(x * edge, y * edge, edge) for x in range(START) for y in range(2 * START)]
    while cells:
        reason = cover.add(cells, max_evaluations)
        if reason:
            return cover.given_up(reason)
        vertices = cover.vertices()
        polygons = {cell: _polygon(cell, vertices, n_y) for cell in cover.leaves}
        crowded = [c for c, path in polygons.items() if len(path) * cover.leaves[c] >= np.pi]
        if not crowded:
            break
        # one size at a time: the largest first, others may not need it afterwards
        largest = max(c[2] for c in crowded)
        if largest == 1:
            return cover.given_up("depth")
        cells = []
        for cell in (c for c in crowded if c[2] == largest):
            del cover.leaves[cell]
            cells += quarters(cell)
    order = {v: i for i, v in enumerate(sorted(vertices))}
    k = np.array(list(order), dtype=np.float64) * unit + [0.0, -np.pi]
    states = frames_of(bloch_at(h.vectors, h.amplitudes, k), filled)
    flux = _total_flux(states.frame, order, list(polygons.values()))
    first, last = (
        pair_sum(states.frame[[i for v, i in order.items() if v[0] == x]]) for x in (0, n_y // 2)
    )
    number = flux / (2.0 * np.pi) - 2.0 * (last.value - first.value)
    whole = round(number)
    paired = all(line.proven(cover.slack, cover.gap_lower) for line in (first, last))
    proven = paired and abs(number - whole) < INTEGRAL
    return HalfZone(
        value=whole % 2,
        proven=proven,
        gap_lower=cover.gap_lower,
        gap_upper=min(cover.gap_upper, float(states.gap.min())),
        evaluations=cover.evaluations + len(order),
        reason="" if proven else "rounding",
        k_at_gap_upper=cover.k_at_gap_upper,
        spread=max(first.spread, last.spread),
    )


def _total_flux(
    frame: NDArray[np.complex128], order: dict[Vertex, int], polygons: list[list[Vertex]]
) -> float:
    """Sum of the principal values of the fluxes through all cells."""
    start = np.array([order[v] for path in polygons for v in path])
    end = np.array([order[v] for path in polygons for v in [*path[1:], path[0]]])
    links = np.linalg.det(frame[start].conj().swapaxes(-1, -2) @ frame[end])
    first = np.cumsum([0, *(len(path) for path in polygons[:-1])])
    loops = np.multiply.reduceat(links / np.abs(links), first)
    return float(-np.angle(loops).sum())
