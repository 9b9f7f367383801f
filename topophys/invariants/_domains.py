"""Which part of momentum space a proof covers, and on which lattice its cells lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topophys.kernels.bloch_taylor import lattice_phases, plane_phases
from topophys.kernels.rounding import UNIT

__all__ = ["Box", "Patch", "Zone"]

Int = NDArray[np.int64]
Real = NDArray[np.float64]


@dataclass(frozen=True)
class Patch:
    """A flat piece of a domain.

    Attributes
    ----------
    axes : tuple of int
        Directions of momentum along which it extends, in the order of the coordinates of cells.
    start : tuple of int
        Number of starting cells along each.
    offset : tuple of int
        Its lowest corner, in units of the smallest edge.
    """

    axes: tuple[int, ...]
    start: tuple[int, ...]
    offset: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Zone:
    """The Brillouin zone, or the part of it that starting cells of a lattice around k = 0 cover.

    Attributes
    ----------
    start : tuple of int
        Starting cells along each axis; START make 2 pi.
    around : int
        Starting cells that make 2 pi.
    max_depth : int
        How often a cell may be divided.
    """

    start: tuple[int, ...]
    around: int
    max_depth: int

    @property
    def patches(self) -> tuple[Patch, ...]:
        """The single piece."""
        dim = len(self.start)
        return (Patch(tuple(range(dim)), self.start, (0,) * dim),)

    @property
    def fine(self) -> int:
        """Lattice points along 2 pi."""
        return self.around << self.max_depth

    @property
    def half(self) -> Real:
        """Half edges of a starting cell."""
        return np.full(len(self.start), np.pi / self.around)

    def phases(self, vectors: Int, points: Int) -> NDArray[np.complex128]:
        """e^(i k.R) at points in units of half of the smallest edge."""
        out = np.empty((len(points), len(vectors)), np.complex128)
        fine = 2 * self.fine
        lattice_phases(points % fine, vectors % fine, fine, out)
        return out

    def momenta(self, points: Int) -> Real:
        """Momenta in [-pi, pi) at such points."""
        fine = 2 * self.fine
        return 2.0 * np.pi * ((points + self.fine) % fine - self.fine) / fine


@dataclass(frozen=True, eq=False)
class Box:
    """The surface of a box in three dimensions.

    Attributes
    ----------
    centre, width : float64 ndarray of shape (3,)
        The box runs over centre +- width.
    n_start : int
        Starting cells along each edge.
    max_depth : int
        How often a cell may be divided.
    """

    centre: Real
    width: Real
    n_start: int
    max_depth: int

    @property
    def patches(self) -> tuple[Patch, ...]:
        """Six faces: (axis 0, low), (axis 0, high), (axis 1, low), ..."""
        faces = []
        for axis in range(3):
            for side in (0, 1):
                offset = [0, 0, 0]
                offset[axis] = side * self.fine
                axes = ((axis + 1) % 3, (axis + 2) % 3)
                faces.append(Patch(axes, (self.n_start,) * 2, (offset[0], offset[1], offset[2])))
        return tuple(faces)

    @property
    def fine(self) -> int:
        """Lattice intervals along an edge of the box."""
        return self.n_start << self.max_depth

    @property
    def half(self) -> Real:
        """Half edges of a starting cell, rounded up."""
        return self.width / self.n_start * (1.0 + 1e-12)

    @property
    def rounding(self) -> float:
        """By how much a component of a momentum, and a phase over |R|_1, may be off."""
        return 16.0 * UNIT * float(np.max(np.abs(self.centre) + self.width))

    def momenta(self, points: Int) -> Real:
        """Momenta at points in units of half of the smallest edge; equal points give equal bits."""
        return np.asarray(self.centre + (points - self.fine) * (self.width / self.fine))

    def phases(self, vectors: Int, points: Int) -> NDArray[np.complex128]:
        """e^(i k.R) at points in units of half of the smallest edge."""
        out = np.empty((len(points), len(vectors)), np.complex128)
        plane_phases(self.momenta(points), vectors.astype(np.float64), out)
        return out
