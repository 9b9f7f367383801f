"""What the lines of a Wannier90 file say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._checks import short
from topophys.errors import InputError, SchemaError
from topophys.hamiltonians._w90_blocks import Blocks, table
from topophys.hamiltonians._w90_lines import Lines

#: Bytes for each hopping: the matrix, the Hamiltonian, and what is needed to make one of the other.
BYTES_PER_HOPPING: Final = 128
COUNT: Final = re.compile(r"\s*(\d{1,18})\s*(?:[^\s\d.+-].*)?")  # a number, then maybe words


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
    """

    vectors: NDArray[np.int64]
    weights: NDArray[np.int64]
    matrices: NDArray[np.complex128]
    lattice: NDArray[np.float64] | None
    unit: float


def parse(lines: Lines, max_memory: int) -> Content:
    """Read a file, `_hr.dat` or `_tb.dat`.

    Parameters
    ----------
    lines : Lines
        The file.
    max_memory : int
        Refuse what would need more bytes.

    Returns
    -------
    Content
        What it holds, divided by the degeneracies.
    """
    lines.take()  # comment: anything
    first = lines.take()
    tight_binding = COUNT.fullmatch(first) is None and len(first.split()) >= 3
    lattice = None
    if tight_binding:
        rows = [first, lines.take(), lines.take()]
        lattice = table(rows, 3, lines)
        first = lines.take_filled()
    n, n_r = _count(first, lines), _count(lines.take_filled(), lines)
    shortest = len("1 1 0 0\n") if tight_binding else len("0 0 0 1 1 0 0\n")
    if n * n * n_r * shortest > lines.capacity + 1:  # the last line may lack its end
        raise SchemaError(
            f"File `{lines.name}` is truncated or not a Wannier90 file: it promises {n_r} lattice"
            f" vectors with {n} x {n} hoppings each, but is too short for them."
        )
    if n * n * n_r * BYTES_PER_HOPPING > max_memory:
        raise InputError(
            f"Argument `max_memory` must be at least {n * n * n_r * BYTES_PER_HOPPING} bytes for"
            f" `{lines.name}`, but is {max_memory}."
        )
    weights = _weights(lines, n_r)
    blocks = Blocks(lines, n, n_r)
    if tight_binding:
        blocks.read_tight_binding()
    else:
        blocks.read_hoppings()
    if not lines.nothing_left():
        raise SchemaError(
            f"File `{lines.name}` has more than its {n_r} lattice vectors with {n} x {n} hoppings:"
            f" line {lines.number} should not be there."
        )
    unit = blocks.unit()
    blocks.matrices /= weights[:, None, None]
    return Content(blocks.vectors, weights, blocks.matrices, lattice, unit)


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
        if not all(word.isdecimal() and 0 < int(word[:19]) < 10**9 for word in words):
            raise SchemaError(
                f"File `{lines.name}` must have {n_r} positive degeneracies, but line"
                f" {lines.number} has {short(' '.join(words))!r}."
            )
        weights += map(int, words)
    return np.array(weights, dtype=np.int64)
