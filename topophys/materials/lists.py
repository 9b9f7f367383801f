"""Lists of materials: space group, formula, and the class named by the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from topophys._io import is_file, read_text
from topophys.errors import DatasetError, InputError
from topophys.materials.elements import hydrogen_or_number, tabulated

__all__ = [
    "LIST_CLASSES",
    "ListedMaterial",
    "MaterialList",
    "parse_formula",
    "read_class_lists",
    "space_group_number",
]

#: Class of each file of the Topogivity lists, by the first part of its name.
LIST_CLASSES: Final[Mapping[str, str]] = {
    "case1": "trivial",
    "case3": "symmetry-enforced semimetal",
    "tci": "topological crystalline insulator",
    "ti": "topological insulator",
}
#: A part of a formula: a symbol, or a bracket with what it holds, and how often.
_SYMBOL: Final = re.compile(r"([A-Z][a-z]?)")
_AMOUNT: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_BRACKETS: Final = {"(": ")", "[": "]", "{": "}"}
#: What stands before the water of a hydrate; a point may also be that of an amount.
_DOTS: Final = re.compile(r"[·•⋅∙*]")
_WATER: Final = re.compile(r"([^·.0-9])([0-9]*)\.((?:[1-9][0-9]{0,2})?[HD]2O)$")
_SUBSCRIPTS: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
#: Brackets within brackets; no compound has more.
_DEEPEST: Final = 8
#: Amounts of an element in a formula.
SMALLEST_AMOUNT: Final = 1e-6
LARGEST_AMOUNT: Final = 1e6
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
    failed : list of str
        Lines that are no material: file, line, and why.
    """

    materials: list[ListedMaterial]
    classes: tuple[str, ...]
    ambiguous: list[str] = field(default_factory=list)
    repeated: int = 0
    failed: list[str] = field(default_factory=list)


def parse_formula(formula: str) -> tuple[tuple[int, float], ...]:
    """Split a formula into atomic numbers and amounts.

    Brackets may be nested. D and T are hydrogen. Parts of a hydrate follow "·" or "*", each with
    its number; before water at the end ("CaSO4.2H2O") a point will do. Any other point is a
    decimal one ("Bi1.5Sb0.5Te3"), and a formula that could be read both ways is refused.

    Parameters
    ----------
    formula : str
        Such as "Bi2Se3", "Ca(OH)2" or "CaSO4·2H2O".

    Returns
    -------
    tuple of (int, float)
        Ascending atomic numbers with amounts.

    Raises
    ------
    InputError
        If it is not a formula, could be read in two ways, or an element is unknown.

    Examples
    --------
    >>> parse_formula("Bi2Se3")
    ((34, 3.0), (83, 2.0))
    >>> parse_formula("CaSO4·2H2O") == parse_formula("Ca S O6 H4".replace(" ", ""))
    True
    """
    amounts: dict[int, float] = {}
    text = _DOTS.sub("·", formula.strip().translate(_SUBSCRIPTS))
    if (water := _WATER.search(text)) and water[2] != "0":  # 0.5 is a decimal
        text = f"{text[: water.end(2)]}·{water[3]}"
    parts = text.split("·")
    for number, part in enumerate(parts):
        times, rest = 1.0, part
        if number and (leading := _AMOUNT.match(part)):
            times, rest = float(leading[0]), part[leading.end() :]
        found, end = _group(rest, 0, "", formula)
        if not found or end != len(rest):
            raise _no_formula(formula)
        for z, amount in found.items():
            amounts[z] = amounts.get(z, 0.0) + times * amount
    if not SMALLEST_AMOUNT <= min(amounts.values()) <= max(amounts.values()) <= LARGEST_AMOUNT:
        raise InputError(
            f"Formula must have amounts from {SMALLEST_AMOUNT:g} to {LARGEST_AMOUNT:g}, but is"
            f" {formula!r:.40}."
        )
    _refuse_two_readings(parts, formula)
    return tuple(sorted(amounts.items()))


def _group(
    text: str, start: int, closing: str, formula: str, depth: int = 0
) -> tuple[dict[int, float], int]:
    """Amounts up to a closing bracket or the end, and where that is."""
    found: dict[int, float] = {}
    at = start
    while at < len(text) and text[at] != closing:
        if (end := _BRACKETS.get(text[at])) is not None and depth < _DEEPEST:
            inside, at = _group(text, at + 1, end, formula, depth + 1)
            if not inside or text[at : at + 1] != end:
                raise _no_formula(formula)
            at += 1
        elif symbol := _SYMBOL.match(text, at):
            at, inside = symbol.end(), {hydrogen_or_number(symbol[1]): 1.0}
        else:
            break
        times = 1.0
        if amount := _AMOUNT.match(text, at):
            times, at = float(amount[0]), amount.end()
        if times <= 0.0:
            raise _no_formula(formula)
        for z, one in inside.items():
            found[z] = found.get(z, 0.0) + times * one
    return found, at


def _no_formula(formula: str) -> InputError:
    return InputError(
        "Formula must be symbols with positive amounts such as 'Bi2Se3', 'Ca(OH)2' or"
        f" 'CaSO4·2H2O', but is {formula!r:.40}."
    )


def _refuse_two_readings(parts: list[str], formula: str) -> None:
    """Refuse a point that may be a decimal one or stand before another compound."""
    for part in parts:
        for point in re.finditer(r"\.(?=[1-9][0-9]*[A-Z(\[{])", part):
            before = set(re.findall(r"[A-Z][a-z]?", part[: point.start()]))
            after = set(re.findall(r"[A-Z][a-z]?", part[point.end() :]))
            if before & after:
                raise InputError(
                    f"Formula must be read in one way, but the point in {formula!r:.40} may be a"
                    " decimal one or stand before another compound; write '·' or '*' for that, and"
                    " name each element once."
                )


@cache
def _space_groups() -> Mapping[str, frozenset[int]]:
    """Numbers of all space groups by Hermann-Mauguin symbol, in every setting of the tables."""
    found: dict[str, set[int]] = {}
    for number, group in enumerate(tabulated()["space_groups"], start=1):
        for name in (group["symbol"], *group["other_symbols"]):
            found.setdefault(_plain(name), set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


def _plain(symbol: str) -> str:
    """Symbol without spaces, underscores and the setting behind a colon."""
    bare = re.sub(r"[\s_]", "", symbol.replace("\u0305", "-")).partition(":")[0]
    return bare[:1].upper() + bare[1:].lower()


def space_group_number(symbol: str) -> int:
    """Find the international number of a space group.

    Parameters
    ----------
    symbol : str
        The number, or a Hermann-Mauguin symbol, short or full, of any setting; blanks, "_" and a
        setting behind a colon do not count.

    Returns
    -------
    int
        1 to 230.

    Raises
    ------
    InputError
        If it is neither, or the symbol belongs to several groups.

    Examples
    --------
    >>> space_group_number("P6_3/mmc"), space_group_number("Fm3m"), space_group_number("62")
    (194, 225, 62)
    """
    text = symbol.strip()
    if _GROUP.fullmatch(text):
        if 1 <= int(text) <= 230:
            return int(text)
        numbers: frozenset[int] = frozenset()
    else:
        known = _space_groups()
        numbers = known.get(_plain(text), frozenset())
        # before 1995, Fm-3m was Fm3m; axes and origin may follow: R-3mH, Fd-3mS
        for shape, instead in ((r"^(.[mndabc])3", r"\1-3"), (r"[hrsz]$", "")):
            if not numbers:
                numbers = known.get(re.sub(shape, instead, _plain(text)), frozenset())
    if len(numbers) != 1:
        raise InputError(
            "Space group must be a number from 1 to 230 or a Hermann-Mauguin symbol such as"
            f" 'R-3m', but is {text!r:.40}."
        )
    return next(iter(numbers))


def read_class_lists(
    folder: str | Path, classes: Mapping[str, str] = LIST_CLASSES, *, suffix: str = "_ccmp.txt"
) -> MaterialList:
    """Read one file for each class; each line is "space group, formula".

    The space group is a number or a Hermann-Mauguin symbol. What carries two classes is dropped
    and named, never merged. Lines that are not of that form are left out, and named in `failed`.
    A class that is not in the map is not read at all.

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

    References
    ----------
    .. [1] A. Ma et al., Nano Lett. 23, 772 (2023).
    .. [2] F. Tang, H. C. Po, A. Vishwanath, X. Wan, Nature 566, 486 (2019).
    """
    found: dict[tuple[tuple[tuple[int, float], ...], int], list[ListedMaterial]] = {}
    lines, failed = 0, list[str]()
    for label, stem in enumerate(classes):
        path = Path(folder) / f"{stem}{suffix}"
        if not is_file(path):
            raise DatasetError(f"List `{path}` is missing; give the folder with one per class.")
        for number, line in enumerate(_lines(path), start=1):
            if line.strip():
                try:
                    one = _read_line(line, label, f"{path.name}, line {number}")
                except InputError as error:
                    failed.append(str(error))
                    continue
                found.setdefault((one.composition, one.space_group), []).append(one)
                lines += 1
    if not found:
        message = f" {len(failed)} lines are none: {failed[0]}" if failed else ""
        raise DatasetError(
            f"Lists of `{folder}` must hold at least one material, but have none.{message}"
        )
    good = [same[0] for same in found.values() if len({m.label for m in same}) == 1]
    several = [same[0].sample_id for same in found.values() if len({m.label for m in same}) > 1]
    dropped = sum(len(s) for s in found.values() if len({m.label for m in s}) > 1)
    return MaterialList(good, tuple(classes.values()), several, lines - dropped - len(good), failed)


def _lines(path: Path) -> list[str]:
    try:
        return read_text(path).splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DatasetError(f"List `{path}` cannot be read: {reason}; copy it again.") from None


def _read_line(line: str, label: int, where: str) -> ListedMaterial:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 2 or not all(parts):
        raise InputError(
            f"Sample `{where}`: a line must be 'space group, formula', but is {line!r:.60}."
        )
    try:
        group, composition = space_group_number(parts[0]), parse_formula(parts[1])
    except InputError as error:
        raise InputError(f"Sample `{where}`: {error}") from None
    return ListedMaterial(parts[1], composition, group, label)
