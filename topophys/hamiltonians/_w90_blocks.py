"""Tables of numbers in Wannier90 files, and the matrices made of them."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._checks import short
from topophys.errors import SchemaError
from topophys.hamiltonians._w90_lines import Lines

ROWS_AT_ONCE: Final = 65_536
EXPONENT: Final = re.compile(r"(\d)[dD]([+-]?\d)|(\d)([+-]\d{3})(?=\s|$)")
DECIMALS: Final = re.compile(r"\.(\d+)(?:[eEdD][+-]?\d+)?")


def table(rows: list[str], n_columns: int, lines: Lines) -> NDArray[np.float64]:
    """Numbers of lines that all have the same number of columns.

    Parameters
    ----------
    rows : list of str
        The lines, the last of which was taken last.
    n_columns : int
        How many numbers each must have.
    lines : Lines
        Where they are from, for messages.

    Returns
    -------
    float64 ndarray of shape (len(rows), n_columns)
        Finite numbers.

    Raises
    ------
    SchemaError
        If a line has something else.
    """
    for exponents in (False, True):
        # most files need no second try, for Fortran's 1.0D-05 and 0.1-100, which lacks its E
        given = [EXPONENT.sub(r"\1\3E\2\4", row) for row in rows] if exponents else rows
        try:
            numbers = np.loadtxt(given, dtype=np.float64, comments="!", ndmin=2)
        except ValueError:
            continue
        if numbers.shape == (len(rows), n_columns) and np.isfinite(numbers).all():
            return numbers
    first = lines.number - len(rows) + 1
    number, row = next(
        ((first + i, row) for i, row in enumerate(rows) if not _is_row(row, n_columns)),
        (first, rows[0]),
    )
    raise SchemaError(
        f"File `{lines.name}` must have {n_columns} finite numbers in line {number}, but has"
        f" {short(row)!r}."
    )


def _is_row(row: str, n_columns: int) -> bool:
    try:
        numbers = [float(x) for x in EXPONENT.sub(r"\1\3E\2\4", row).partition("!")[0].split()]
    except ValueError:
        return False
    return len(numbers) == n_columns and bool(np.isfinite(numbers).all())


class Blocks:
    """Matrices of all lattice vectors, filled block by block.

    Parameters
    ----------
    lines : Lines
        The file, from the first block on.
    n, n_r : int
        Number of orbitals and of lattice vectors.
    """

    def __init__(self, lines: Lines, n: int, n_r: int) -> None:
        self.lines, self.n, self.n_r = lines, n, n_r
        self.vectors = np.zeros((n_r, 3), np.int64)
        self.matrices = np.zeros((n_r, n, n), np.complex128)
        self._decimals, self._exponents = 6, False

    def read_hoppings(self) -> None:
        """Read the blocks of a `_hr.dat`: every line names its lattice vector."""
        size = self.n * self.n
        step = max(1, ROWS_AT_ONCE // size)
        for first in range(0, self.n_r, step):
            last = min(first + step, self.n_r)
            rows = self.lines.block((last - first) * size)
            entries = table(rows, 7, self.lines).reshape(last - first, size, 7)
            self._note_digits(rows[::size])
            vectors = self._integers(entries[:, :, :3])
            if (vectors != vectors[:, :1]).any():
                raise self._misplaced("a lattice vector changes within its block")
            self.vectors[first:last] = vectors[:, 0]
            self._place(slice(first, last), entries[:, :, 3:])

    def read_tight_binding(self) -> None:
        """Read the blocks of a `_tb.dat`: a lattice vector, then its hoppings."""
        size = self.n * self.n
        for m in range(self.n_r):
            self.vectors[m] = self._vector()
            rows = self.lines.block(size)
            self._note_digits(rows[:1])
            self._place(slice(m, m + 1), table(rows, 4, self.lines)[None])
        for m in range(self.n_r):  # matrix elements of the position: not kept, but must be sound
            if (self._vector() != self.vectors[m]).any():
                raise self._misplaced("positions are not in the order of the hoppings")
            entries = table(self.lines.block(size), 8, self.lines)
            self._columns(entries[None, :, :2])

    def unit(self) -> float:
        """One unit of the last digit of the largest hopping, as the file has it."""
        unit = 10.0**-self._decimals
        if not self._exponents:
            return unit
        largest = float(np.abs(self.matrices.view(np.float64)).max(initial=0.0))
        return unit * 10.0 ** np.ceil(np.log10(largest)) if largest > 0.0 else 0.0

    def _note_digits(self, rows: list[str]) -> None:
        for row in rows:
            for match in DECIMALS.finditer(row):
                self._decimals = max(self._decimals, len(match[1]))
                self._exponents |= len(match[0]) > 1 + len(match[1])

    def _vector(self) -> NDArray[np.int64]:
        vector: NDArray[np.int64] = self._integers(
            table([self.lines.take_filled()], 3, self.lines)
        )[0]
        return vector

    def _integers(self, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        rounded = np.rint(numbers)
        if (rounded != numbers).any() or (np.abs(numbers) > 2**31).any():
            raise self._misplaced("an index or a component of a lattice vector is no integer")
        return rounded.astype(np.int64)

    def _columns(self, pairs: NDArray[np.float64]) -> NDArray[np.int64]:
        """Place of each hopping in its flattened matrix; each place must occur once."""
        pairs_int = self._integers(pairs) - 1
        place: NDArray[np.int64] = pairs_int[..., 0] * self.n + pairs_int[..., 1]
        inside = (pairs_int >= 0).all() and (pairs_int < self.n).all()
        if not inside or (np.sort(place, axis=-1) != np.arange(self.n * self.n)).any():
            raise self._misplaced("a pair of orbitals is missing, repeated or out of range")
        return place

    def _place(self, blocks: slice, entries: NDArray[np.float64]) -> None:
        place = self._columns(entries[..., :2])
        values = entries[..., 2] + 1j * entries[..., 3]
        flat = self.matrices[blocks].reshape(len(place), -1)
        np.put_along_axis(flat, place, values, axis=-1)

    def _misplaced(self, what: str) -> SchemaError:
        return SchemaError(
            f"File `{self.lines.name}` does not fit its header of {self.n_r} lattice vectors with"
            f" {self.n} x {self.n} hoppings: {what}, at or before line {self.lines.number}."
        )
