"""Phases on the edges between cells, as the checker will see them: thin cells, and vertices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.invariants._evidence_cells import FINE, Cells, Model, dagger, frobenius, power_norm

__all__ = ["Interval", "Line", "Phases", "Sides", "common", "sides_of"]

Point: TypeAlias = tuple[int, ...]
#: Axis along it, and the point on it whose coordinate along it is 0.
Line: TypeAlias = tuple[int, Point]
#: Low end, high end, number of the frame.
Interval: TypeAlias = tuple[int, int, int]
Sides: TypeAlias = dict[Line, tuple[list[Interval], list[Interval]]]
#: Phases below this are left alone; the checker needs them below pi.
CLEAR: Final = 3.0


def common(plus: list[Interval], minus: list[Interval]) -> list[tuple[int, int, int, int]]:
    """Cut two lists of intervals that cover the same part of a line."""
    plus, minus, out, i, j = sorted(plus), sorted(minus), [], 0, 0
    while i < len(plus) and j < len(minus):
        low, high = max(plus[i][0], minus[j][0]), min(plus[i][1], minus[j][1])
        out.append((low, high, plus[i][2], minus[j][2]))
        i, j = i + (plus[i][1] == high), j + (minus[j][1] == high)
    return out


def sides_of(corner: NDArray[np.int64], edge: NDArray[np.int64], period: Sequence[int]) -> Sides:
    """Sides of cells of the plane: run through upwards, and downwards, going anticlockwise."""
    out: Sides = defaultdict(lambda: ([], []))
    for cell, ((x, y), w) in enumerate(zip(corner.tolist(), edge.tolist(), strict=True)):
        for axis, at, low, down in ((0, y, x, 0), (1, x + w, y, 0), (0, y + w, x, 1), (1, x, y, 1)):
            across = at % period[1 - axis] if period[1 - axis] else at
            line = (0, (0, across)) if axis == 0 else (1, (across, 0))
            out[line][down].append((low, low + w, cell))
    return out


@dataclass
class Phases:
    """Frames with bounds, the plan of edges and what meets at each vertex."""

    model: Model
    period: Sequence[int]
    frames: list[NDArray[np.complex128]]
    tau: list[float]
    most: list[float]
    plan: list[str] = field(default_factory=list)
    thin: list[Cells] = field(default_factory=list)
    meeting: dict[Point, list[tuple[int, float, float, int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    known: dict[Point, float] = field(default_factory=lambda: defaultdict(float))
    points: dict[Point, Cells] = field(default_factory=dict)
    #: Where a phase at a vertex is counted, for its frames: see `_evidence_z2`.
    moved: Callable[..., tuple[Point, float, int, int]] | None = None
    looked: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of_cells(cls, model: Model, period: Sequence[int], cells: Cells) -> Phases:
        """Start with the leaves."""
        return cls(model, period, list(cells.frame), cells.tau.tolist(), cells.most.tolist())

    def add_frame(self, frame: NDArray[np.complex128], tau: float, most: float) -> int:
        """Add a frame; returns its number."""
        self.frames.append(frame)
        self.tau.append(tau)
        self.most.append(most)
        return len(self.frames) - 1

    def look(self, pairs: list[tuple[int, int]]) -> None:
        """Phases of many pairs of frames at once, and how far they can move."""
        n = self.model.filled
        pairs = [p for p in dict.fromkeys(pairs) if p not in self.looked]
        batch = max(1, 2**20 // self.frames[0].size)
        for s in range(0, len(pairs), batch):
            part = pairs[s : s + batch]
            i, j = (np.array([p[q] for p in part]) for q in (0, 1))
            one, two = (np.stack([self.frames[q] for q in which]) for which in (i, j))
            sign, _ = np.linalg.slogdet(dagger(one[..., :n]) @ two[..., :n])
            best = np.full(len(part), np.inf)
            for a, b, which in ((one, two, i), (two, one, j)):
                low = dagger(a[..., n:]) @ b[..., :n]
                tau, most = (np.array(q)[which] for q in (self.tau, self.most))
                best = np.fmin(best, _turned(low, tau, most, n))
            for p, angle, phi in zip(part, np.angle(sign).tolist(), best.tolist(), strict=True):
                self.looked[p] = angle, phi

    def edge(self, line: Line, low: int, high: int, one: int, two: int, sign: int = 1) -> None:
        """Add an interval between two frames, with a thin cell or in halves where needed."""
        self.look([(one, two)])
        axis, base = line
        start, end = ((*base[:axis], x, *base[axis + 1 :]) for x in (low, high))
        if self.looked[one, two][1] < CLEAR:
            self.plan.append("0")
            self.keep(start, end, one, two, sign)
            return
        edges = tuple((high - low) * (a == axis) for a in range(len(base)))
        cell = self.model.cells(np.array([start]), edges)
        if cell.gap[0] > 2.0 * self.model.wrong:
            middle = self.add_frame(cell.frame[0], float(cell.tau[0]), float(cell.most[0]))
            self.look([(one, middle), (middle, two)])
            if max(self.looked[one, middle][1], self.looked[middle, two][1]) < CLEAR:
                self.plan.append("1")
                self.thin.append(cell)
                self.keep(start, end, one, middle, sign)
                self.keep(start, end, middle, two, sign)
                return
        if high - low < 2:
            raise InputError("The phases between cells cannot be resolved for a certificate.")
        self.plan.append("2")
        half = (low + high) // 2
        self.edge(line, low, half, one, two, sign)
        self.edge(line, half, high, one, two, sign)

    def keep(self, start: Point, end: Point, one: int, two: int, sign: int) -> None:
        """Note a phase at both ends."""
        angle, phi = self.looked[one, two]
        for point, s in ((end, sign), (start, -sign)):
            at, a, i, j = point, angle, one, two
            if self.moved is not None:
                at, a, i, j = self.moved(at, a, i, j)
            at = tuple(x % m if m else x for x, m in zip(at, self.period, strict=True))
            self.meeting[at].append((s, a, phi, i, j))

    def total(self, needed: Sequence[Point] = ()) -> int:
        """Integer that the phases add up to; frames are found for vertices that need one."""
        found = 0
        for point, parts in sorted(self.meeting.items()):
            if sum(p[2] for p in parts) < CLEAR and point not in needed:
                found += round(sum(s * a for s, a, *_ in parts) / (2.0 * np.pi))
                continue
            m = self.point(point)
            self.look([p for *_, i, j in parts for p in ((i, m), (m, j))])
            phase = self.known.get(point, 0.0)
            for s, a, _, i, j in parts:
                through = self.looked[i, m][0] + self.looked[m, j][0]
                phase += s * (through + 2.0 * np.pi * round((a - through) / (2.0 * np.pi)))
            found += round(phase / (2.0 * np.pi))
        return found

    def point(self, point: Point) -> int:
        """Frame at a vertex."""
        if point not in self.points:
            cell = self.model.cells(np.array([point]), (0,) * len(point))
            if not cell.gap[0] > 2.0 * self.model.wrong:
                raise InputError("The gap is too small at a vertex for a certificate.")
            self.points[point] = cell
            self.add_frame(cell.frame[0], float(cell.tau[0]), float(cell.most[0]))
            self._numbers()[point] = len(self.frames) - 1
        return self._numbers()[point]

    def _numbers(self) -> dict[Point, int]:
        numbers: dict[Point, int] = self.__dict__.setdefault("numbers", {})
        return numbers


def _turned(
    low: NDArray[np.complex128], tau: NDArray[np.float64], most: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """Bound the phase of det(1 + T^dagger S) by W_1^dagger V_2; infinite where there is none."""
    whole = frobenius(low) + 1e-13
    out = np.full(len(low), np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        for sine in (whole, power_norm(low) + 1e-13):
            cosine = np.sqrt(1.0 - sine**2)
            total = whole / cosine * tau
            largest = np.fmin(sine / cosine * most, total)
            rank = min(n, low.shape[-2])
            phi = np.fmin(rank, total / largest) * np.arcsin(largest)
            phi = np.where((sine < 1.0) & (largest < 1.0) & np.isfinite(total), phi, np.inf)
            out = np.where(out < FINE, out, np.fmin(out, phi))
    return out
