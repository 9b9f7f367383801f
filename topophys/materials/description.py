"""Materials as users name them: formulas, space groups, files, structures, tables."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import gcd, lcm
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from topophys._io import read_text
from topophys._progress import track
from topophys.errors import DatasetError, InputError, TopophysError
from topophys.materials.crystal import Crystal
from topophys.materials.electron_counting import valence_electrons
from topophys.materials.elements import MEASURED, SYMBOLS, raw_properties
from topophys.materials.features import space_group
from topophys.materials.lists import ListedMaterial, parse_formula, space_group_number

__all__ = [
    "Description", "MaterialTable", "collect_materials", "describe", "encoded", "labels_of",
    "read_table", "rows_of", "unanimous",
]  # fmt: skip


@dataclass(frozen=True)
class Description:
    """What is known of a material.

    Attributes
    ----------
    name : str
        Formula, or file name.
    composition : tuple of (int, float)
        Ascending atomic numbers with amounts, of the reduced formula.
    space_group : int or None
        International number.
    electrons : int or None
        Valence electrons in the primitive cell; known for structures only, and not where partly
        occupied sites were given one element.
    notes : tuple of str
        What was decided where the file of a structure left a choice.
    substituted : bool
        Whether partly occupied sites were given one element: the composition is not the material's.
    """

    name: str
    composition: tuple[tuple[int, float], ...]
    space_group: int | None = None
    electrons: int | None = None
    notes: tuple[str, ...] = ()
    substituted: bool = False

    @property
    def formula(self) -> str:
        """Reduced formula, elements by electronegativity."""
        order = raw_properties()[:, MEASURED.index("X")]
        return "".join(
            SYMBOLS[z] + ("" if amount == 1.0 else f"{amount:g}")
            for z, amount in sorted(self.composition, key=lambda part: (order[part[0]], part[0]))
        )

    @property
    def prototype(self) -> str:
        """Space group and anonymous formula."""
        return f"{self.space_group}|{sorted(amount for _, amount in self.composition)}"

    @property
    def system(self) -> str:
        """Chemical system."""
        return "-".join(SYMBOLS[z] for z, _ in self.composition)


def describe(material: Any) -> Description:
    """Read a material: "Bi2Se3", "SnTe:225", "SnTe:Fm-3m", a file, a structure or a row of a table.

    Parameters
    ----------
    material : str, Path, Crystal, ListedMaterial or mapping
        Formula, also with a space group behind a colon; path of a CIF or POSCAR file; structure;
        entry of a list; or a mapping with "formula" and perhaps "space_group".

    Returns
    -------
    Description
        With reduced amounts; the space group of structures is found by spglib.

    Raises
    ------
    InputError
        If it is none of these.

    Examples
    --------
    >>> describe("Bi2Se3:166")
    Description(name='Bi2Se3:166', composition=((34, 3.0), (83, 2.0)), space_group=166, ...)
    """
    if isinstance(material, Description):
        return material
    if isinstance(material, ListedMaterial):
        one = Description("", reduced(material.composition), material.space_group)
        return replace(one, name=f"{one.formula}:{material.space_group}")
    if isinstance(material, Path):
        return _from_structure(material)
    if isinstance(material, str):
        formula, colon, group = material.strip().partition(":")
        number = space_group_number(group) if colon else None
        return Description(material.strip(), reduced(parse_formula(formula.strip())), number)
    if isinstance(material, Mapping):
        return _from_row(material)
    if isinstance(material, Crystal):
        return _from_structure(material)
    raise InputError(
        "Material must be a formula such as 'Bi2Se3' or 'SnTe:225', a path, a structure or a"
        f" mapping with `formula`, but is {material!r:.60}."
    )


def rows_of(X: Iterable[Any]) -> list[Any]:
    """Materials of a sequence, or rows of a pandas table."""
    if hasattr(X, "to_dict") and hasattr(X, "columns"):
        return list(X.to_dict("records"))
    if isinstance(X, str | Path | Mapping):
        raise InputError(
            f"Argument `X` must be a sequence of materials, but is one: {X!r:.40}; use a list."
        )
    return list(X)


#: Largest amount of a reduced formula; the digits of larger ones are not meant as ratios.
LARGEST_RATIO: Final = 10_000


def reduced(composition: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    """Smallest integers in the ratios of the amounts, whose decimals are taken as exact."""
    if all(amount.is_integer() for _, amount in composition):  # nearly always; fractions are slow
        whole = [int(amount) for _, amount in composition]
    else:
        amounts = [Fraction(f"{amount:.12g}") for _, amount in composition]
        common = lcm(*(a.denominator for a in amounts))
        whole = [int(a * common) for a in amounts]
    divisor = gcd(*whole)
    if max(whole) > LARGEST_RATIO * divisor:
        return composition
    return tuple((z, float(n // divisor)) for (z, _), n in zip(composition, whole, strict=True))


def _from_row(row: Mapping[str, Any]) -> Description:
    formula = row.get("formula")
    if not isinstance(formula, str):
        raise InputError(f"Row must have a `formula` of text, but has {formula!r:.40}.")
    group = row.get("space_group")
    word = "" if group is None else str(group).strip()
    number = None if is_missing(word) else space_group_number(word.removesuffix(".0"))
    return Description(formula, reduced(parse_formula(formula)), number)


#: What tables write where there is nothing.
MISSING: Final = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>"})


def is_missing(word: str) -> bool:
    """Whether a cell that is no formula holds nothing."""
    return word.lower() in MISSING


def _from_structure(structure: Path | Crystal) -> Description:
    crystal = _read(structure) if isinstance(structure, Path) else structure
    kinds, counts = np.unique(crystal.numbers, return_counts=True)
    composition = tuple((int(z), float(n)) for z, n in zip(kinds, counts, strict=True))
    group, atoms = space_group(crystal)
    electrons = round(valence_electrons(composition) * atoms / len(crystal))
    return Description(
        crystal.sample_id, reduced(composition), group,
        None if crystal.substituted else electrons, crystal.notes, crystal.substituted,
    )  # fmt: skip


def _read(path: Path, **options: Any) -> Crystal:
    # readers of structures bring much that a formula does not need
    from topophys.materials.io import read_structure  # noqa: PLC0415

    return read_structure(path, **options)


# ---- Tables


@dataclass(frozen=True)
class MaterialTable:
    """Materials of a CSV file.

    Attributes
    ----------
    materials : list of Description
        Those that could be read.
    labels : dict of str to list of str
        For each label column; "" where the cell is empty.
    lines : list of int
        Line of the file for each material.
    refused : list of (int, str)
        Lines that could not be read, with the reason.
    files : list of Path
        The table and the structures that it names.
    """

    materials: list[Description]
    labels: dict[str, list[str]]
    lines: list[int]
    refused: list[tuple[int, str]]
    files: list[Path] = field(default_factory=list)


def read_table(
    path: str | Path,
    *,
    formula: str = "formula",
    labels: tuple[str, ...] = (),
    space_group: str | None = None,
    structure: str | None = None,
    species: str | None = None,
    occupancy: Literal["refuse", "majority"] = "refuse",
) -> MaterialTable:
    """Read a CSV table of materials; bad lines are reported and skipped.

    Parameters
    ----------
    path : str or Path
        CSV file, UTF-8, with a line of column names; separated by commas, or by semicolons or tabs
        where that line has no comma.
    formula, space_group, structure : str, optional
        Columns: formula, number or symbol of the space group, path of a CIF or POSCAR file
        (relative to the table). A structure decides formula and space group where it is given. By
        default a column "space_group" is read where there is one; default names are found in any
        case and with spaces or hyphens, as in "Space group". Where no labels are read,
        a column "name" gives the names of the materials, so that answers can be distinguished.
    labels : tuple of str, optional
        Columns with classes.
    species, occupancy : str, optional
        For the files of the column `structure`, as for `read_structure`.

    Returns
    -------
    MaterialTable
        What could be read, and what not.

    Raises
    ------
    DatasetError
        If the file cannot be read, lacks a column, or holds no readable material.
    InputError
        If a label column is named twice.
    """
    path = Path(path)
    names, body = _cells_of(path)
    formula = (_column(path, names, formula) or formula) if formula == "formula" else formula
    if space_group is None:
        space_group = _column(path, names, "space_group")
    own_name = "" if labels or names.count("name") != 1 else "name"
    if len(set(labels)) < len(labels):
        raise InputError(f"Argument `labels` must name each column once, but is {labels!r:.80}.")
    wanted = [*labels, *(c for c in (space_group, structure) if c)]
    for column in wanted if structure else [formula, *wanted]:
        if names.count(column) != 1:
            raise DatasetError(
                f"Table `{path}`, line 1: there must be one column {column!r}, but the columns are"
                f" {' '.join(', '.join(names).split()):.200}; give its name (--formula, --label,"
                " --space-group or --structure on the command line)."
            )
    found = MaterialTable([], {name: [] for name in labels}, [], [], [path])
    for line, row in body:
        if not any(cell.strip() for cell in row):
            continue
        try:
            if len(row) != len(names):
                raise InputError(f"there must be {len(names)} cells, but are {len(row)}.")
            cells = {n: cell.strip() for n, cell in zip(names, row, strict=True)}
            if structure and not is_missing(cells[structure]):
                found.files.append(path.parent / cells[structure])
                material = describe(_read(found.files[-1], species=species, occupancy=occupancy))
            else:
                group = cells[space_group] if space_group else None
                material = _from_row({"formula": cells.get(formula, ""), "space_group": group})
        except (TopophysError, OSError) as error:
            found.refused.append((line, f"{path.name}, line {line}: {error}"))
            continue
        found.materials.append(_named(material, cells.get(own_name, "")))
        found.lines.append(line)
        for name in labels:
            found.labels[name].append(cells[name])
    if not found.materials:
        first = found.refused[0][1] if found.refused else "there is none"
        raise DatasetError(f"Table `{path}` must hold a readable material, but: {first}")
    return found


def _named(material: Description, name: str) -> Description:
    """Give a material the name of its line, where there is one."""
    return material if is_missing(name) else replace(material, name=" ".join(name.split()))


def _column(path: Path, names: Sequence[str], default: str) -> str | None:
    """Column that a default name means, whatever its case, spaces, hyphens and underscores."""

    def plain(word: str) -> str:
        return "".join(c for c in word.casefold() if c not in " _-")

    alike = [name for name in names if plain(name) == plain(default)]
    if default in alike or not alike:
        return default if alike else None
    if len(alike) > 1:
        raise DatasetError(
            f"Table `{path}`, line 1: there must be one column {default!r}, but there are"
            f" {' and '.join(map(repr, alike))[:200]}; name the column."
        )
    return alike[0]


def _separator(text: str) -> str:
    """Comma; semicolon or tab where the line of names has these and no comma."""
    first = text.lstrip("\ufeff").partition("\n")[0]
    return next((mark for mark in ";\t" if mark in first and "," not in first), ",")


def _cells_of(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names of the columns, and the other rows with the lines on which they end."""
    try:
        text = read_text(path)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
        names = [word.strip() for word in next(rows, [])]
        body = [(rows.line_num, row) for row in rows]
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DatasetError(
            f"Table `{path}` cannot be read: {reason}; save it as CSV in UTF-8."
        ) from None
    if not any(names):
        raise DatasetError(
            f"Table `{path}`, line 1: there must be one column at least, but is none."
        )
    return names, body


# ---- Labels


def unanimous(
    labelled: Iterable[tuple[Description, str]],
) -> tuple[dict[Any, str], list[str]]:
    """Label of each composition and space group, and what has several."""
    found: dict[Any, tuple[str, set[str]]] = {}
    for one, label in labelled:
        if word := word_of(label):
            found.setdefault((one.composition, one.space_group), (one.name, set()))[1].add(word)
    good = {key: next(iter(words)) for key, (_, words) in found.items() if len(words) == 1}
    bad = [
        f"{name} has {' and '.join(map(repr, sorted(words)))}"
        for name, words in found.values()
        if len(words) > 1
    ]
    return good, bad


def labels_of(insulators: Sequence[str], wanted: Mapping[str, Iterable[Any]]) -> list[str]:
    """Labels of insulators, each of which a task must have."""
    if isinstance(insulators, str):
        raise InputError(
            f"Argument `insulators` must be a sequence of labels, but is one: {insulators!r:.40};"
            " use a list."
        )
    present = {word_of(label) for labels in wanted.values() for label in labels}
    for label in insulators:
        if word_of(label) not in present - {""}:
            raise InputError(
                "Argument `insulators` must have labels that occur, but no material has"
                f" {label!r:.40}; they are {', '.join(sorted(present - {''}))[:200]}."
            )
    return [word_of(label) for label in insulators]


def word_of(label: Any) -> str:
    """Label as text; "" where there is none."""
    missing = label is None or label != label  # noqa: PLR0124  # NaN of tables
    word = "" if missing else str(label).strip()
    return "" if word.lower() == "nan" else word


def encoded(
    name: str, labels: Iterable[Any], size: int
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names of classes, and numbers with -1 where a label is unknown."""
    values = list(labels)
    if len(values) != size:
        raise InputError(
            f"Labels of `{name}` must be one for each of {size} materials, but are {len(values)}."
        )
    words = [word_of(value) for value in values]
    counts = {word: n for word, n in sorted(Counter(words).items()) if word}
    if len(counts) < 2:
        raise InputError(
            f"Labels of `{name}` must have at least two classes, but have {len(counts)}."
        )
    rare = [word for word, n in counts.items() if n < 2]
    if rare:
        raise InputError(
            f"Class {rare[0]!r:.40} of `{name}` must have at least two materials, but has one;"
            " leave it out or merge it with another."
        )
    # the most frequent first, as a reader expects
    classes = tuple(sorted(counts, key=lambda word: (-counts[word], word)))
    number = {word: i for i, word in enumerate(classes)}
    return classes, np.array([number.get(word, -1) for word in words], np.int64)


# ---- Words of a command line


@dataclass(frozen=True)
class CollectedMaterials:
    """What words of a command line name."""

    materials: list[Description]
    crystals: list[Crystal]  # of the files of structures, in order
    refused: list[str]  # reasons, one for each entry that could not be read
    files: list[Path] = field(default_factory=list)  # everything that was read, or tried


def collect_materials(
    items: Sequence[str],
    *,
    formula: str = "formula",
    space_group: str | None = None,
    structure: str | None = None,
    species: str | None = None,
    occupancy: Literal["refuse", "majority"] = "refuse",
    progress: bool = False,
) -> CollectedMaterials:
    """Read formulas, structure files, tables, and folders of these."""
    found = CollectedMaterials([], [], [])
    words = list(_expand(items))
    with track(len(words), "read", progress and len(words) > 20) as advance:
        for word in words:
            if isinstance(word, Path):
                found.files.append(word)
            try:
                if isinstance(word, Path) and word.suffix.lower() == ".csv":
                    table = read_table(
                        word, formula=formula, space_group=space_group, structure=structure,
                        species=species, occupancy=occupancy,
                    )  # fmt: skip
                    found.files.extend(table.files)
                    found.materials.extend(table.materials)
                    found.refused.extend(reason for _, reason in table.refused)
                elif isinstance(word, Path):
                    crystal = _read(word, species=species, occupancy=occupancy)
                    found.materials.append(describe(crystal))
                    found.crystals.append(crystal)
                else:
                    found.materials.append(describe(word))
            except (TopophysError, OSError, ValueError) as error:
                found.refused.append(_in_short(str(error)))
            advance(1)
    return found


def _in_short(reason: str) -> str:
    """One line of a reason that may quote a word of any length."""
    line = " ".join(reason.split())
    return line if len(line) < 280 else f"{line[:140]} ... {line[-120:]}"


def _expand(items: Sequence[str]) -> Iterator[str | Path]:
    """Formulas as they are, files as paths, folders as the files that they hold."""
    for item in items:
        path = Path(item)
        # unlike those of `Path`, these take names that no file can have
        if os.path.isdir(item):  # noqa: PTH112
            yield from sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != ".")
        elif os.path.exists(item) or _names_a_file(item):  # noqa: PTH110
            yield path
        else:
            yield item


def _names_a_file(item: str) -> bool:
    """Whether a word can only be the name of a file, though there is none."""
    name = item.replace("\\", "/").rpartition("/")[2]
    return (
        "/" in item.partition(":")[0]  # symbols of space groups have strokes, too
        or name.upper().startswith(("POSCAR", "CONTCAR"))
        or name.lower().endswith((".cif", ".vasp", ".poscar", ".csv"))
    )
