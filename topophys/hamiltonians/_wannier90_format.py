"""Parsing of Wannier90 files: tables of numbers, and matrices of lattice vectors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._io import read_count
from topophys._validation import short
from topophys.errors import DatasetError, InputError, SchemaError
from topophys.hamiltonians._packed_text import Lines, open_lines

# ------------------------------ Tables of numbers in Wannier90 files, and the matrices made of them

ROWS_AT_ONCE: Final = 16_384
EXPONENT: Final = re.compile(r"(\d)[dD]([+-]?\d)|(\d)([+-]\d{3})(?=\s|$)")
DECIMALS: Final = re.compile(r"\.(\d+)(?:[eEdD][+-]?\d+)?")


def table(rows: list[str], n_columns: int, lines: Lines) -> NDArray[np.float64]:
    """Numbers of lines that all have the same number of columns.

    Shapes: returns (len(rows).
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
    """Matrices of all lattice vectors, filled block by block."""

    def __init__(self, lines: Lines, n: int, n_r: int) -> None:
        self.lines, self.n, self.n_r = lines, n, n_r
        self.vectors = np.zeros((n_r, 3), np.int64)
        # what the file gives is finite, so that NaN marks what it does not give
        self.matrices = np.full((n_r, n, n), np.nan, np.complex128)
        self.centres: NDArray[np.float64] | None = None
        #: hoppings that the file does not give, and that were taken to be zero
        self.left_out = 0
        self._slots: dict[tuple[int, int, int], int] = {}
        self._given = 0
        self._blockwise = self._cyclic = True
        self._decimals, self._exponents = 6, False

    def read_hoppings(self, *, zeros: bool = False) -> None:
        """Read the lines of a `_hr.dat` in any order: every line names its lattice vector.

        Where `zeros` are left out, lines that are not there are zeros.
        """
        size = self.n * self.n
        if zeros:
            self.read_sparse(None)
            self.left_out = self.n_r * size - self._given
            return
        for slots, numbers, done in self._rows(self.n_r * size):
            rows = done + np.arange(len(numbers))
            self._blockwise &= bool((slots == rows // size).all())
            self._cyclic &= bool((slots == rows % self.n_r).all())
            self._place(slots, numbers[:, 3:])
        if len(self._slots) < self.n_r and self._blockwise_or_full():
            raise SchemaError(
                f"File `{self.lines.name}` must have distinct lattice vectors, but repeats one."
            )
        self._refuse_unless_full(self.matrices)

    def read_sparse(self, n_rows: int | None) -> None:
        """Read the lines of a sparse `_hr.dat` of WannierTools: what is not there is zero.

        As many lines as that, or to the end of the file.
        """
        given = 0
        for slots, numbers, done in self._rows(n_rows):
            self._blockwise &= bool((np.diff(slots) >= 0).all())
            self._place(slots, numbers[:, 3:])
            given = done + len(numbers)
        self._cyclic = False
        found = int((~np.isnan(self.matrices)).sum())
        if found < given:
            raise self._misfit(f"{given - found} hoppings are given more than once")
        self._given = given
        self.matrices[np.isnan(self.matrices)] = 0.0
        # a lattice vector without hoppings has no line
        kept = len(self._slots)
        self.vectors, self.matrices = self.vectors[:kept], self.matrices[:kept]

    def order_is_known(self) -> bool:
        """Whether the order of the lattice vectors, and so of their degeneracies, is certain."""
        # of thinned lines, only the order of Wannier90 itself is certain
        given = list(self._slots)
        whole = not self.left_out or given == sorted(given)
        return whole and (self._blockwise or self._cyclic) and len(self._slots) == self.n_r

    def _rows(
        self, total: int | None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64], int]]:
        """Lines of seven numbers, with the place of the lattice vector of each."""
        done = 0
        for numbers in self._pieces(total, 7):
            vectors = self._integers(numbers[:, :3])
            # most lines have the lattice vector of the one before
            new = np.ones(len(vectors), bool)
            new[1:] = (vectors[1:] != vectors[:-1]).any(1)
            places = [self._slot(tuple(v)) for v in vectors[new].tolist()]
            yield np.array(places, np.int64)[np.cumsum(new) - 1], numbers, done
            done += len(numbers)

    def _slot(self, vector: tuple[int, int, int]) -> int:
        place = self._slots.setdefault(vector, len(self._slots))
        if place == self.n_r:
            raise self._misfit(f"there are more lattice vectors, {vector} among them")
        self.vectors[place] = vector
        return place

    def _blockwise_or_full(self) -> bool:
        """Whether what is missing is a whole block of a lattice vector, not single lines."""
        seen = ~np.isnan(self.matrices[: len(self._slots)])
        return bool(seen.all())

    def read_tight_binding(self) -> None:
        """Read the blocks of a `_tb.dat`: a lattice vector, then its hoppings."""
        for m in range(self.n_r):
            self.vectors[m] = self._vector()
            for numbers in self._pieces(self.n * self.n, 4):
                self._place(m, numbers)
        self._slots = {(x, y, z): m for m, (x, y, z) in enumerate(self.vectors.tolist())}
        self._refuse_unless_full(self.matrices)
        # of the matrix elements of the position only the centres are kept, but all must be sound
        for m in range(self.n_r):
            if (self._vector() != self.vectors[m]).any():
                raise self._misfit("positions are not in the order of the hoppings")
            seen = np.full((self.n, self.n, 3), np.nan)
            for numbers in self._pieces(self.n * self.n, 8):
                seen[self._pairs(numbers)] = numbers[:, 2::2]
            self._refuse_unless_full(seen[None, ..., 0])
            if not self.vectors[m].any():
                self.centres = seen[np.arange(self.n), np.arange(self.n)].copy()

    def unit(self) -> float:
        """One unit of the last digit of the largest hopping, as the file has it."""
        unit = 10.0**-self._decimals
        if not self._exponents:
            return unit
        largest = float(np.abs(self.matrices.view(np.float64)).max(initial=0.0))
        return unit * 10.0 ** np.ceil(np.log10(largest)) if largest > 0.0 else 0.0

    def _pieces(self, total: int | None, n_columns: int) -> Iterator[NDArray[np.float64]]:
        """Numbers of the next `total` lines, or of all there are, not too many at once."""
        for rows in self._rest() if total is None else self._parts(total):
            if n_columns < 8:
                self._note_digits(rows[:: self.n * self.n])
            yield table(rows, n_columns, self.lines)

    def _parts(self, total: int) -> Iterator[list[str]]:
        for done in range(0, total, ROWS_AT_ONCE):
            yield self.lines.block(min(ROWS_AT_ONCE, total - done))

    def _rest(self) -> Iterator[list[str]]:
        while not self.lines.nothing_left(keep=True):
            rows: list[str] = []
            while len(rows) < ROWS_AT_ONCE and not self.lines.nothing_left(keep=True):
                rows.append(self.lines.take_filled())
            yield rows

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


# ----------------------------------------------------------- What the lines of a Wannier90 file say

#: Bytes for each hopping: the matrix, the Hamiltonian, and what is needed to make one of the other.
BYTES_PER_HOPPING: Final = 128
COUNT: Final = re.compile(r"\s*(\d{1,18})\s*(?:[^\s\d.+-].*)?")  # a number, then maybe words


#: What to do about a file that is too short.
THINNED: Final = "; if lines of zeros were left out of it, say so by missing='zero'"


@dataclass(frozen=True)
class Content:
    """Content of a file.

    Attributes
    ----------
    vectors : int64 ndarray of shape (M, 3)
        Lattice vectors R.
    weights : int64 ndarray of shape (M,)
        Degeneracies of the lattice vectors, by which `matrices` are divided already.
    matrices : complex128 ndarray of shape (M, n, n)
        Hoppings, in eV.
    lattice : float64 ndarray of shape (3, 3) or None
        Primitive vectors as rows, in Angstrom, where the file has them.
    unit : float
        One unit of the last digit of the largest hopping in the file, in eV.
    comment : str
        First line of the file.
    centres : float64 ndarray of shape (n, 3) or None
        Centres of the Wannier functions, in Angstrom, where the file has them.
    """

    vectors: NDArray[np.int64]
    weights: NDArray[np.int64]
    matrices: NDArray[np.complex128]
    lattice: NDArray[np.float64] | None
    unit: float
    comment: str = ""
    centres: NDArray[np.float64] | None = None
    #: hoppings that the file does not give, and that were taken to be zero
    left_out: int = 0


def parse(lines: Lines, max_memory: int, *, zeros: bool = False) -> Content:
    """Read a file, `_hr.dat`, dense or sparse, or `_tb.dat`.

    Of a dense `_hr.dat`, lines of `zeros` may be left out, if the caller says that they were: a
    file that was cut short looks the same.
    """
    comment = lines.take()  # anything
    first = lines.take()
    tight_binding = COUNT.fullmatch(first) is None and len(first.split()) >= 3
    lattice = None
    if tight_binding:
        rows = [first, lines.take(), lines.take()]
        lattice = table(rows, 3, lines)
        first = lines.take_filled()
    n, n_r = _count(first, lines), _count(lines.take_filled(), lines)
    n_rows, row, weighted = n * n * n_r, "1 1 0 0\n" if tight_binding else "0 0 0 1 1 0 0\n", True
    sparse = not tight_binding and _is_sparse(lines, comment + first, n_r)
    if sparse:
        n_rows, n, n_r = n, n_r, _count(lines.take_filled(), lines)
        weighted = len(lines.peek_two()[0].split()) != 7
    thinned = zeros and not (sparse or tight_binding)
    # the last line may lack its end
    if (n_r if thinned else n_rows) * len(row) > lines.capacity + 1:
        raise SchemaError(
            f"File `{lines.name}` is truncated or not a Wannier90 file: it promises {n_r} lattice"
            f" vectors with {n} x {n} hoppings each, but is too short for them{THINNED}."
        )
    if n * n * n_r * BYTES_PER_HOPPING > max_memory:
        raise InputError(
            f"Argument `max_memory` must be at least {n * n * n_r * BYTES_PER_HOPPING} bytes for"
            f" `{lines.name}`, but is {max_memory}."
        )
    weights = _weights(lines, n_r) if weighted else np.ones(n_r, np.int64)
    blocks = Blocks(lines, n, n_r)
    if tight_binding:
        blocks.read_tight_binding()
    elif sparse:
        blocks.read_sparse(n_rows)
    else:
        try:
            blocks.read_hoppings(zeros=thinned)
        except DatasetError as error:
            if not str(error).startswith(f"File `{lines.name}` is truncated"):
                raise
            raise DatasetError(f"{str(error)[:-1]}{THINNED}.") from None
    if not lines.nothing_left():
        raise SchemaError(
            f"File `{lines.name}` has more than its {n_r} lattice vectors with {n} x {n} hoppings:"
            f" line {lines.number} should not be there."
        )
    if (weights != weights[0]).any() and not (tight_binding or blocks.order_is_known()):
        raise SchemaError(
            f"File `{lines.name}` must list its lattice vectors in one order, but does not, so that"
            " their different degeneracies belong to none of them."
        )
    unit = blocks.unit()
    weights = weights[: len(blocks.vectors)]
    blocks.matrices /= weights[:, None, None]
    return Content(
        blocks.vectors, weights, blocks.matrices, lattice, unit, comment.strip(), blocks.centres,
        blocks.left_out,
    )  # fmt: skip


def begins_as_wannier90(path: str | Path) -> bool:
    """Whether the first lines of a file are those of Wannier90; its name says nothing."""
    try:
        with open_lines(path) as lines:
            lines.take()
            first = lines.take()
            if COUNT.fullmatch(first) is None:
                return table([first, lines.take(), lines.take()], 3, lines).shape == (3, 3)
            return COUNT.fullmatch(lines.take_filled()) is not None
    except (DatasetError, SchemaError):
        return False


def _is_sparse(lines: Lines, words: str, second: int) -> bool:
    """Whether the counts are those of a sparse file: hoppings, orbitals, lattice vectors."""
    third, fourth = lines.peek_two()
    if COUNT.fullmatch(third) is None:
        return False
    # with one lattice vector the third number of a dense file is its degeneracy
    bare = second != 1 and len(fourth.split()) == 7
    return bare or re.search(r"sparse|non-?zero", words, re.IGNORECASE) is not None


def _count(line: str, lines: Lines) -> int:
    match = COUNT.fullmatch(line)
    if match is None or int(match[1]) == 0:
        raise SchemaError(
            f"File `{lines.name}` is not a Wannier90 file: line {lines.number} should be a count,"
            f" but is {short(line)!r}."
        )
    return int(match[1])


def _weights(lines: Lines, n_r: int) -> NDArray[np.int64]:
    weights: list[int] = []
    while len(weights) < n_r:
        words = lines.take_filled().partition("!")[0].split()
        # some writers fill the last line beyond the count; programs in Fortran never see that
        words = words[: n_r - len(weights)]
        if not all(map(read_count, words)):
            raise SchemaError(
                f"File `{lines.name}` must have {n_r} positive degeneracies, but line"
                f" {lines.number} has {short(' '.join(words))!r}."
            )
        weights += map(int, words)
    return np.array(weights, dtype=np.int64)
