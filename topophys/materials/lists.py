"""Lists of materials: space group, formula, and the class named by the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from topophys._io import read_text
from topophys.errors import DatasetError, InputError
from topophys.materials.elements import atomic_number

__all__ = ["LIST_CLASSES", "ListedMaterial", "MaterialList", "parse_formula", "read_class_lists"]

#: Class of each file of the Topogivity lists, by the first part of its name.
LIST_CLASSES: Final[Mapping[str, str]] = {
    "case1": "trivial",
    "case3": "symmetry-enforced semimetal",
    "tci": "topological crystalline insulator",
    "ti": "topological insulator",
}
_PART: Final = re.compile(r"([A-Z][a-z]?)([0-9]{1,9}(?:\.[0-9]+)?)?")
_GROUP: Final = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True)
class ListedMaterial:
    """One line of a list."""

    formula: str  # as in the file
    composition: tuple[tuple[int, float], ...]  # atomic numbers, ascending, and amounts
    space_group: int  # international number
    label: int  # class, the position of the file among the classes

    @property
    def system(self) -> tuple[int, ...]:
        """Chemical system: which elements there are, whatever their amounts."""
        return tuple(z for z, _ in self.composition)

    @property
    def sample_id(self) -> str:
        """Name for messages."""
        return f"{self.formula} ({self.space_group})"


@dataclass(frozen=True)
class MaterialList:
    """Materials of all lists.

    Attributes
    ----------
    materials : list of ListedMaterial
        Those with one class.
    classes : tuple of str
        Names of the classes.
    ambiguous : list of str
        (formula, space group) pairs with several classes, which were dropped.
    repeated : int
        Repeated lines.
    """

    materials: list[ListedMaterial]
    classes: tuple[str, ...]
    ambiguous: list[str] = field(default_factory=list)
    repeated: int = 0


def parse_formula(formula: str) -> tuple[tuple[int, float], ...]:
    """Split a formula into atomic numbers and amounts.

    Parameters
    ----------
    formula : str
        Such as "Bi2Se3"; no brackets.

    Returns
    -------
    tuple of (int, float)
        Ascending atomic numbers with amounts.

    Raises
    ------
    InputError
        If it is not a formula, or an element is unknown.

    Examples
    --------
    >>> parse_formula("Bi2Se3")
    ((34, 3.0), (83, 2.0))
    """
    amounts: dict[int, float] = {}
    end = 0
    for part in _PART.finditer(formula):
        if part.start() != end:
            break
        end = part.end()
        z = atomic_number(part[1])
        amounts[z] = amounts.get(z, 0.0) + float(part[2] or 1.0)
    if not formula or end != len(formula) or min(amounts.values()) <= 0.0:
        raise InputError(
            f"Formula must be symbols with positive amounts such as 'Bi2Se3', but is"
            f" {formula!r:.40}."
        )
    return tuple(sorted(amounts.items()))


def read_class_lists(
    folder: str | Path, classes: Mapping[str, str] = LIST_CLASSES, *, suffix: str = "_ccmp.txt"
) -> MaterialList:
    """Read one file for each class; each line is "space group number, formula".

    What carries two classes is dropped and named, never merged. A class that is not in the map
    is not read at all.

    Parameters
    ----------
    folder : str or Path
        Where the files are.
    classes : mapping of str to str, optional
        First part of the file's name, and name of the class.
    suffix : str, optional
        Rest of the file's name.

    Returns
    -------
    MaterialList
        In the order of the classes and lines.

    Raises
    ------
    DatasetError
        If a file is missing or not UTF-8 text, or there is no material in any.
    InputError
        If a line is not of that form; the message names file and line.

    References
    ----------
    .. [1] A. Ma et al., Nano Lett. 23, 772 (2023).
    .. [2] F. Tang, H. C. Po, A. Vishwanath, X. Wan, Nature 566, 486 (2019).
    """
    found: dict[tuple[tuple[tuple[int, float], ...], int], list[ListedMaterial]] = {}
    lines = 0
    for label, stem in enumerate(classes):
        path = Path(folder) / f"{stem}{suffix}"
        if not path.is_file():
            raise DatasetError(f"List `{path}` is missing; give the folder with one per class.")
        for number, line in enumerate(_lines(path), start=1):
            if line.strip():
                one = _read_line(line, label, f"{path.name}, line {number}")
                found.setdefault((one.composition, one.space_group), []).append(one)
                lines += 1
    if not found:
        raise DatasetError(f"Lists of `{folder}` must hold at least one material, but have none.")
    good = [same[0] for same in found.values() if len({m.label for m in same}) == 1]
    several = [same[0].sample_id for same in found.values() if len({m.label for m in same}) > 1]
    dropped = sum(len(s) for s in found.values() if len({m.label for m in s}) > 1)
    return MaterialList(good, tuple(classes.values()), several, lines - dropped - len(good))


def _lines(path: Path) -> list[str]:
    try:
        return read_text(path).splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DatasetError(f"List `{path}` cannot be read: {reason}; copy it again.") from None


def _read_line(line: str, label: int, where: str) -> ListedMaterial:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 2 or not _GROUP.fullmatch(parts[0]) or not 1 <= int(parts[0]) <= 230:
        raise InputError(
            f"Sample `{where}`: a line must be 'space group number, formula', but is {line!r:.60}."
        )
    try:
        composition = parse_formula(parts[1])
    except InputError as error:
        raise InputError(f"Sample `{where}`: {error}") from None
    return ListedMaterial(parts[1], composition, int(parts[0]), label)
