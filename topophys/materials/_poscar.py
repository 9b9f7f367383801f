"""POSCAR files as VASP reads them, of versions 4, 5 and 6."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys._io import read_count
from topophys._validation import short
from topophys.errors import InputError
from topophys.materials.crystal import Crystal
from topophys.materials.elements import SYMBOLS, hydrogen_or_number

__all__ = ["parse_poscar"]

#: Fortran reads three numbers where 3*0.5 stands, and 1.0D0 as 1.0E0.
REPEATED: Final = re.compile(r"(\d{1,3})\*(\S+)")
#: Names of potentials: Bi, Bi_d, Ca_sv_GW, and those of VASP 6 with a hash, Bi_d/4fd1e2...
SPECIES: Final = re.compile(r"([A-Z][a-z]?)(?:_[A-Za-z0-9_.]*)?(?:/[0-9A-Fa-f]*)?")
#: A word of a comment that may be a formula.
FORMULA: Final = re.compile(r"(?:[A-Z][a-z]?\d{0,6}){2,12}")
PART: Final = re.compile(r"([A-Z][a-z]?)(\d*)")
#: Names of elements of a VASP-4 file, in the cure of every refusal.
CURE: Final = "name them with `species`, such as species=['Bi', 'Se']"


class _Reader:
    """Lines of a POSCAR, with what messages about them need."""

    def __init__(self, text: str, sample_id: str) -> None:
        self.lines, self.number, self.sample_id = text.splitlines(), 0, sample_id

    def take(self, what: str) -> str:
        """Next line; an error says `what` it must hold if there is none."""
        if self.number >= len(self.lines):
            raise self.fault(what, "the end of the file", after=1)
        self.number += 1
        return self.lines[self.number - 1]

    def fault(self, wanted: str, found: str, after: int = 0, cure: str = "") -> InputError:
        """One line that names the place."""
        return InputError(
            f"Sample `{self.sample_id}`: line {self.number + after} of a POSCAR must hold {wanted},"
            f" but has {short(found)!r}{'; ' + cure if cure else ''}."
        )

    def numbers(self, count: int, what: str) -> list[float]:
        """First numbers of the next line; VASP ignores what follows them."""
        line = self.take(what)
        found = _numbers(line, count)
        if len(found) < count or not np.isfinite(found).all():
            raise self.fault(f"{count} finite numbers ({what})", line)
        return found


def _words(line: str) -> list[str]:
    """Words of a line of Fortran, without what follows a comment sign."""
    words: list[str] = []
    for word in re.split(r"[!#]", line)[0].replace(",", " ").split():
        repeated = REPEATED.fullmatch(word)
        words += [repeated[2]] * int(repeated[1]) if repeated else [word]
    return words


def _numbers(line: str, most: int) -> list[float]:
    found: list[float] = []
    for word in _words(line)[:most]:
        if "_" in word:  # Python alone takes these for digits
            break
        try:
            found.append(float(re.sub(r"(?<=[\d.])[dD](?=[+-]?\d)", "e", word)))
        except ValueError:
            break
    return found


def parse_poscar(text: str, sample_id: str, species: Sequence[str] | str | None = None) -> Crystal:
    r"""Make a crystal from the text of a POSCAR.

    Scale factors, one or three, act on the lattice and on Cartesian positions; one below zero is
    minus the volume of the cell. Velocities and what else follows the positions is not read.
    """
    lines = _Reader(text, sample_id)
    comment = lines.take("a comment")
    factors, line = _factors(lines)
    given = np.array([lines.numbers(3, "a lattice vector") for _ in range(3)])
    volume = abs(float(np.linalg.det(given)))
    if len(factors) == 1 and factors[0] < 0.0:
        if volume == 0.0:
            raise InputError(
                f"Sample `{sample_id}`: the lattice vectors must span a volume, but do not."
            )
        factors = [(-factors[0] / volume) ** (1.0 / 3.0)]
    elif min(factors) <= 0.0:
        lines.number = 2
        raise lines.fault("a scale factor that is not zero, or three above zero", line)
    scale = np.broadcast_to(np.array(factors), (3,))
    symbols, counts = _species(lines)
    mode = lines.take("'Direct' or 'Cartesian'").strip()
    if mode[:1] in ("S", "s"):
        mode = lines.take("'Direct' or 'Cartesian'").strip()
    if not mode or mode[:1] not in "DdFfRrCcKk":
        # VASP takes any other word for Direct, even the first position where the line is missing
        raise lines.fault("'Direct' or 'Cartesian'", mode or "nothing")
    n_atoms = sum(counts)
    if n_atoms > len(lines.lines):
        raise lines.fault(
            f"positions of {n_atoms} atoms", f"{len(lines.lines) - lines.number} lines", 1
        )
    first = lines.number
    spots = np.array([lines.numbers(3, "a position") for _ in range(n_atoms)])
    cell = given * scale
    if mode[:1] in "CcKk":
        spots = _reduced(spots * scale, cell, sample_id)
    rows = [_words(row) for row in lines.lines[first : lines.number]]
    names, notes = _names(lines, counts, symbols, species, comment, rows)
    numbers = np.repeat([hydrogen_or_number(name) for name in names], counts)
    return Crystal.checked(numbers.astype(np.int64), spots, cell, sample_id, notes=notes)


def _factors(lines: _Reader) -> tuple[list[float], str]:
    line = lines.take("a scale factor")
    found = _numbers(line, 3)
    if len(found) == 2 or not found or not np.isfinite(found).all():
        raise lines.fault("one or three scale factors", line)
    return found, line


def _reduced(
    spots: NDArray[np.float64], cell: NDArray[np.float64], sample_id: str
) -> NDArray[np.float64]:
    """Cartesian positions in units of the lattice vectors."""
    try:
        return np.asarray(spots @ np.linalg.inv(cell))
    except np.linalg.LinAlgError:
        raise InputError(
            f"Sample `{sample_id}`: the lattice vectors must span a volume, but do not."
        ) from None


def _species(lines: _Reader) -> tuple[list[str] | None, list[int]]:
    """Symbols, None in a file of VASP 4, and the number of atoms of each."""
    line = lines.take("symbols of the elements or numbers of atoms")
    words = _words(line)
    symbols: list[str] | None = None
    if words and read_count(words[0]) is None:
        symbols = []
        for word in words:
            match = SPECIES.fullmatch(word)
            if match is None or match[1] not in (*SYMBOLS[1:], "D", "T"):
                raise lines.fault("a chemical symbol for each species", word)
            symbols.append(match[1])
        line = lines.take("the number of atoms of each species")
        words = _words(line)
    counts = []
    for word in words:
        number = read_count(word)
        if number is None:
            break
        counts.append(number)
    if not counts or min(counts) < 1 or (symbols is not None and len(counts) != len(symbols)):
        wanted = "" if symbols is None else f" {len(symbols)}"
        raise lines.fault(f"{wanted.strip()} numbers of atoms above zero".strip(), line)
    return symbols, counts


def _names(
    lines: _Reader,
    counts: list[int],
    symbols: list[str] | None,
    species: Sequence[str] | str | None,
    comment: str,
    rows: list[list[str]],
) -> tuple[list[str], tuple[str, ...]]:
    """Symbol of each species, and where it is from if not from its line."""
    if species is not None:
        wanted = species.split() if isinstance(species, str) else [str(name) for name in species]
        if len(wanted) != len(counts) or not set(wanted) <= {*SYMBOLS[1:], "D", "T"}:
            raise InputError(
                f"Argument `species` must have a chemical symbol for each of the {len(counts)}"
                f" species of `{lines.sample_id}`, but is {short(species)}."
            )
        if symbols is not None and symbols != wanted:
            raise InputError(
                f"Argument `species` must be that of the file, but is {' '.join(wanted)} where"
                f" `{lines.sample_id}` has {' '.join(symbols)}."
            )
        return wanted, () if symbols else ("elements as given by `species`",)
    if symbols is not None:
        return symbols, ()
    labels = _labels(rows, counts)
    if labels is not None:
        return labels, ("elements from the ends of the lines with positions",)
    found = _of_comment(comment, counts)
    if found is not None:
        return found, (f"elements {' '.join(found)} from the comment {short(comment)!r}",)
    raise InputError(
        f"Sample `{lines.sample_id}`: a POSCAR without a line of elements (VASP 4) must name them"
        f" in its comment, but {short(comment)!r} does not fit the numbers of atoms"
        f" {' '.join(map(str, counts))}; {CURE}."
    )


def _labels(rows: list[list[str]], counts: list[int]) -> list[str] | None:
    """Symbols behind the positions, where all atoms of each species have the same."""
    last = [next((w for w in row[3:] if w not in ("T", "F")), "") for row in rows]
    found, start = [], 0
    for count in counts:
        same = set(last[start : start + count])
        start += count
        if len(same) != 1 or not same <= set(SYMBOLS[1:]):
            return None
        found.append(same.pop())
    return found


def _of_comment(comment: str, counts: list[int]) -> list[str] | None:
    """Symbols in a comment that fit the numbers of atoms; None where there is room for doubt.

    Either the comment is nothing but one symbol for each species, or one word of it is a formula
    of two and more elements with the ratios of the numbers of atoms. Words without a digit and a
    small letter, such as SCF, are no formulas.
    """
    words = re.findall(r"[A-Za-z0-9]+", comment)
    if len(words) == len(counts) and set(words) <= set(SYMBOLS[1:]):
        return words if len(set(words)) == len(words) else None
    found = []
    for word in words:
        if FORMULA.fullmatch(word) is None or (word.isupper() and word.isalpha()):
            continue
        parts = PART.findall(word)
        names, amounts = [p[0] for p in parts], [int(p[1] or 1) for p in parts]
        fits = len(names) == len(counts) and len(set(names)) == len(names)
        if not fits or not set(names) <= set(SYMBOLS[1:]):
            continue
        if all(a * counts[0] == c * amounts[0] for a, c in zip(amounts, counts, strict=True)):
            found.append(names)
    return found[0] if found and all(one == found[0] for one in found) else None
