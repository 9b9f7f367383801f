"""Tables of numbers in Wannier90 files, and the matrices made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._checks import short
from topophys.errors import SchemaError
from topophys.hamiltonians._w90_lines import Lines

ROWS_AT_ONCE: Final = 16_384
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
        # what the file gives is finite, so that NaN marks what it does not give
        self.matrices = np.full((n_r, n, n), np.nan, np.complex128)
        self._decimals, self._exponents = 6, False

    def read_hoppings(self) -> None:
        """Read the blocks of a `_hr.dat`: every line names its lattice vector."""
        done, size = 0, self.n * self.n
        for numbers in self._pieces(self.n_r * size, 7):
            block, place = np.divmod(done + np.arange(len(numbers)), size)
            done += len(numbers)
            vectors = self._integers(numbers[:, :3])
            first = place == 0
            self.vectors[block[first]] = vectors[first]
            if (vectors != self.vectors[block]).any():
                raise self._misfit("a lattice vector changes within its block")
            self._place(block, numbers[:, 3:])
        self._refuse_unless_full(self.matrices)

    def read_tight_binding(self) -> None:
        """Read the blocks of a `_tb.dat`: a lattice vector, then its hoppings."""
        for m in range(self.n_r):
            self.vectors[m] = self._vector()
            for numbers in self._pieces(self.n * self.n, 4):
                self._place(m, numbers)
        self._refuse_unless_full(self.matrices)
        for m in range(self.n_r):  # matrix elements of the position: not kept, but must be sound
            if (self._vector() != self.vectors[m]).any():
                raise self._misfit("positions are not in the order of the hoppings")
            seen = np.full((self.n, self.n), np.nan)
            for numbers in self._pieces(self.n * self.n, 8):
                seen[self._pairs(numbers)] = 0.0
            self._refuse_unless_full(seen[None])

    def unit(self) -> float:
        """One unit of the last digit of the largest hopping, as the file has it."""
        unit = 10.0**-self._decimals
        if not self._exponents:
            return unit
        largest = float(np.abs(self.matrices.view(np.float64)).max(initial=0.0))
        return unit * 10.0 ** np.ceil(np.log10(largest)) if largest > 0.0 else 0.0

    def _pieces(self, total: int, n_columns: int) -> Iterator[NDArray[np.float64]]:
        """Numbers of the next `total` lines, not too many at once."""
        for done in range(0, total, ROWS_AT_ONCE):
            rows = self.lines.block(min(ROWS_AT_ONCE, total - done))
            if n_columns < 8:
                self._note_digits(rows[:: self.n * self.n])
            yield table(rows, n_columns, self.lines)

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
            raise self._misfit("an index or a component of a lattice vector is no integer")
        return rounded.astype(np.int64)

    def _pairs(self, numbers: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Orbitals of each line."""
        pairs = self._integers(numbers[:, :2]) - 1
        if (pairs < 0).any() or (pairs >= self.n).any():
            raise self._misfit("an orbital is out of range")
        return pairs[:, 0], pairs[:, 1]

    def _place(self, block: NDArray[np.int64] | int, numbers: NDArray[np.float64]) -> None:
        row, column = self._pairs(numbers)
        self.matrices[block, row, column] = numbers[:, 2] + 1j * numbers[:, 3]

    def _refuse_unless_full(self, entries: NDArray[Any]) -> None:
        # there are as many lines as places: where one is repeated, another one is missing
        missing = np.argwhere(np.isnan(entries))
        if len(missing):
            _, a, b = missing[0].tolist()
            raise self._misfit(f"orbitals {a + 1} and {b + 1} are missing, others repeated")

    def _misfit(self, what: str) -> SchemaError:
        return SchemaError(
            f"File `{self.lines.name}` does not fit its header of {self.n_r} lattice vectors with"
            f" {self.n} x {self.n} hoppings: {what}, at or before line {self.lines.number}."
        )
