"""CIF files by pymatgen's parser, with nothing swallowed that it warns of."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from topophys._io import read_count
from topophys._optional import load_extra
from topophys._validation import short
from topophys.errors import InputError
from topophys.materials.crystal import Crystal
from topophys.materials.elements import SYMBOLS, hydrogen_or_number
from topophys.materials.lists import parse_formula, space_group_number

__all__ = ["Occupancy", "from_pymatgen", "parse_cif"]

#: What to do with sites that are partly occupied.
Occupancy: TypeAlias = Literal["refuse", "majority"]

#: Warnings that change no structure: they are kept as notes. All others refuse the file.
HARMLESS: Final = re.compile(
    r"fractional coordinates rounded to ideal values"
    r"|Spacegroup from \S+ used|Defaulting to P1|1-line symmetry op P1 CIF is detected"
    r"|Skipping relative stoichiometry check|Issues encountered while parsing CIF"
    r"|Pauling file corrections applied"
)
#: Warnings about what is compared here, too, with room for rounded amounts.
COMPARED: Final = re.compile(r"Incorrect stoichiometry|Missing elements")
#: Symbol of an element, perhaps with a charge: Na+, Fe3+, O2-, O-2, Bi0+, D.
ELEMENT: Final = re.compile(r"([A-Z][a-z]?)(?:\d*\.?\d*[+-]|[+-]\d*\.?\d*)?")
#: Where the file states its space group.
GROUPS: Final = (
    "_symmetry_space_group_name_H-M", "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_Hall", "_space_group_name_Hall",
)  # fmt: skip
NUMBERS: Final = ("_symmetry_Int_Tables_number", "_space_group_IT_number")
OPERATIONS: Final = tuple(
    name + end
    for name in ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
    for end in ("", "_")
)
#: One component of a symmetry operation.
_TERM: Final = r"(?:\d{1,3}(?:/\d{1,3}|\.\d*)?|\.\d+|[xyz])"
OPERATION: Final = re.compile(rf"[+-]?{_TERM}(?:[+-]{_TERM})*")
#: Space groups with two origins, or with hexagonal and rhombohedral axes.
SETTINGS: Final = frozenset(
    (48, 50, 59, 68, 70, 85, 86, 88, 125, 126, 129, 130, 133, 134, 137, 138, 141, 142, 146, 148,
     155, 160, 161, 166, 167, 201, 203, 222, 224, 227, 228)
)  # fmt: skip
OPEN: Final = (
    "a CIF file must list its symmetry operations (_space_group_symop_operation_xyz) or name its"
    " space group"
)
#: How pymatgen refuses several atoms in one place.
OCCUPANCY: Final = re.compile(r"Occupancy ([\d.]+) exceeded tolerance")
#: Amounts in formulas are rounded to two or three digits.
ROUNDED: Final = 0.02


def parse_cif(text: str, sample_id: str, *, occupancy: Occupancy = "refuse") -> Crystal:
    """Make a crystal from the text of a CIF file that holds one structure."""
    module = load_extra("pymatgen.io.cif", "materials")
    where = f"Sample `{sample_id}`"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            parser = module.CifParser.from_str(text)
            blocks = [b for b in parser._cif.data.values() if "_atom_site_label" in b.data
                      or "_atom_site_type_symbol" in b.data]  # fmt: skip
            for block in blocks:
                _require_elements(block.data, where)
            found = parser.parse_structures(primitive=False, on_error="raise")
        except InputError:
            raise
        except Exception as error:  # pymatgen raises whatever its parsers meet
            reason = " ".join(str(error).split())[:160]
            if crowded := OCCUPANCY.search(reason):
                raise InputError(
                    f"{where}: every site must hold one atom at most, but one holds"
                    f" {float(crowded[1]):g}: atoms are listed that the symmetry operations make of"
                    " others; leave either out."
                ) from None
            raise InputError(
                f"{where}: must be a whole CIF file, but pymatgen stops: {reason or 'no reason'};"
                " look for values that are cut and loops that lack some."
            ) from None
    if len(found) != 1 or len(blocks) != 1:
        raise InputError(
            f"{where}: a CIF file must hold one structure, but has {len(found)}; split it."
        )
    note = [*parser.warnings, *(str(w.message) for w in caught
                                if issubclass(w.category, UserWarning))]  # fmt: skip
    note = list(dict.fromkeys(" ".join(one.split()) for one in note))
    notes = _symmetry(blocks[0].data, note, where)
    compared = _require_formula(found[0], blocks[0].data, where)
    for one in note:
        if "parsing CIF" in one:
            continue  # it repeats the others
        if HARMLESS.search(one):
            notes.append(f"pymatgen: {one[:120]}")
        elif not (COMPARED.search(one) and compared) and "determine chemical comp" not in one:
            raise InputError(f"{where}: must be read without doubt, but pymatgen warns: {one:.160}")
    try:
        return from_pymatgen(found[0], sample_id, occupancy=occupancy, notes=tuple(notes))
    except InputError as error:
        operations = max(len(blocks[0].data.get(name) or ()) for name in OPERATIONS)
        if "must not overlap" not in str(error) or operations < 2:
            raise
        raise InputError(
            f"{str(error)[:-1]}; of positions beside a symmetry element give more digits, such as"
            " 0.33333 for 1/3."
        ) from None


def _one(data: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """First value that is stated under one of some names."""
    for name in names:
        value = data.get(name)
        if isinstance(value, str) and value.strip() not in ("", "?", "."):
            return value.strip()
    return ""


def _symmetry(data: Mapping[str, Any], note: list[str], where: str) -> list[str]:
    """Say where the operations are from; refuse a file that leaves them, or their origin, open."""
    listed = next((data[name] for name in OPERATIONS if data.get(name)), None)
    for row, text in enumerate([listed] if isinstance(listed, str) else listed or []):
        _require_operation(str(text), row, where)
    named = any("Spacegroup from" in one or "Defaulting to P1" in one for one in note)
    if listed is not None and not named:
        return []
    symbol, number = _one(data, GROUPS), _one(data, NUMBERS)
    stated = symbol or number
    if listed is not None or not stated:
        found = "does neither" if listed is None else "has some that cannot be read"
        raise InputError(f"{where}: {OPEN}, but {found}.")
    try:
        group = space_group_number(symbol)
    except InputError:
        group = 0
    given = read_count(number)
    if given is not None and given != group:
        if group:
            raise InputError(
                f"{where}: {OPEN}, but names the space group {short(symbol)!r}, which is number"
                f" {group}, and the number {number}."
            )
        group = given
    if any("Defaulting to P1" in one for one in note) and group != 1:
        raise InputError(
            f"{where}: {OPEN}, but names {short(stated)!r}, which is not known; without"
            " operations only some of the atoms are there."
        )
    if group in SETTINGS and not _one(data, ("_chemical_formula_sum",)):
        raise InputError(
            f"{where}: {OPEN}, but names only the space group {short(stated)!r}, which has several"
            " settings, and no _chemical_formula_sum to tell which is meant."
        )
    return [f"symmetry operations of the space group {stated} in its usual setting"]


def _require_operation(text: str, row: int, where: str) -> None:
    """Refuse what is no symmetry operation; pymatgen skips letters that it does not know."""
    parts = [re.sub(r"\s", "", part).lower() for part in text.split(",")]
    rotation = np.array([[_coefficient(part, axis) for axis in "xyz"] for part in parts])
    sound = len(parts) == 3 and all(OPERATION.fullmatch(part) for part in parts)
    if not sound or abs(abs(np.linalg.det(rotation)) - 1.0) > 1e-9:
        raise InputError(
            f"{where}: a symmetry operation must be such as '-x, y+1/2, -z', but row {row + 1} has"
            f" {short(text)!r}."
        )


def _coefficient(part: str, axis: str) -> float:
    return float(sum(-1 if sign == "-" else 1 for sign in re.findall(rf"([+-]?){axis}", part)))


def _require_elements(data: Mapping[str, Any], where: str) -> None:
    """Refuse what is no element: groups such as OH, water, dummies, unknown coordinates."""
    symbols, labels = data.get("_atom_site_type_symbol"), data.get("_atom_site_label")
    column = "_atom_site_type_symbol" if symbols is not None else "_atom_site_label"
    given = symbols if symbols is not None else labels
    for row, word in enumerate([given] if isinstance(given, str) else given or []):
        # of a label, what stands before the first digit or other sign
        stem = str(word) if symbols is not None else re.split(r"[^A-Za-z]", str(word))[0]
        match = ELEMENT.fullmatch(stem)
        if match is None or match[1] not in (*SYMBOLS[1:], "D", "T"):
            raise InputError(
                f"{where}: every atom must be one element, but `{column}` has {short(word)!r} in"
                f" row {row + 1}; list its atoms one by one"
                + ("." if symbols is not None else ", or add a column _atom_site_type_symbol.")
            )
    for name in ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"):
        values = data.get(name)
        for row, word in enumerate([values] if isinstance(values, str) else values or []):
            # pymatgen takes a point for zero
            if str(word).strip() in (".", "?"):
                raise InputError(
                    f"{where}: every atom must have coordinates, but `{name}` has {word!r} in row"
                    f" {row + 1}; delete the row or complete it."
                )


def _require_formula(structure: Any, data: Mapping[str, Any], where: str) -> bool:
    """Compare the amounts of the sites with the formula of the file; False where it has none."""
    formula = _one(data, ("_chemical_formula_sum",))
    if not formula:
        return False
    try:
        stated = dict(parse_formula(re.sub(r"\s+", "", formula)))
    except InputError:
        raise InputError(
            f"{where}: `_chemical_formula_sum` must be a formula such as 'Bi2 Se3', but is"
            f" {short(formula)!r}; correct or delete it."
        ) from None
    sites: dict[int, float] = {}
    for site in structure:
        for element, amount in site.species.items():
            z = hydrogen_or_number(element.symbol)
            sites[z] = sites.get(z, 0.0) + float(amount)
    found, wanted = sum(sites.values()), sum(stated.values())
    lacking = sorted(set(stated) - set(sites))
    if lacking:
        names = ", ".join(SYMBOLS[z] for z in lacking)
        raise InputError(
            f"{where}: the sites must have the elements of `_chemical_formula_sum` {formula!r},"
            f" but no site has {names}"
            + ("; hydrogen atoms were not located: complete the file." if lacking == [1] else ".")
        )
    # formula units per cell: as many for every element
    units = {z: sites[z] / stated[z] if z in stated else np.inf for z in sites}
    mean = found / wanted
    worst = max(units, key=lambda z: abs(units[z] / mean - 1.0))
    slack = ROUNDED * max(1.0, 0.5 / min(stated.values()))
    if abs(units[worst] / mean - 1.0) > slack:
        cell = " ".join(f"{SYMBOLS[z]}{amount:g}" for z, amount in sorted(sites.items()))
        raise InputError(
            f"{where}: the sites must have the ratios of `_chemical_formula_sum` {formula!r}, but"
            f" the cell holds {cell}; {SYMBOLS[worst]} does not fit."
        )
    return True


def from_pymatgen(
    structure: Any,
    sample_id: str,
    *,
    occupancy: Occupancy = "refuse",
    notes: tuple[str, ...] = (),
) -> Crystal:
    """Check and convert a structure of pymatgen."""
    numbers, spots, partly = [], [], 0
    for index, site in enumerate(structure):
        if len(site.species) == 1 and abs(sum(site.species.values()) - 1.0) < 1e-6:
            kept = next(iter(site.species))
        elif occupancy == "majority":
            partly += 1
            kept = _majority(site, index, sample_id)
        else:
            raise InputError(
                f"Sample `{sample_id}`: every site must have one element, but site {index + 1} is"
                f" partly occupied ({site.species_string}); occupancy='majority' takes the most"
                " frequent one."
            )
        if kept is None:
            continue
        try:
            numbers.append(hydrogen_or_number(kept.symbol))
        except InputError as error:
            raise InputError(f"Sample `{sample_id}`: {error}") from None
        spots.append(site.frac_coords)
    if partly:
        left = (
            f", {len(structure) - len(numbers)} of them empty"
            if len(numbers) < len(structure)
            else ""
        )
        notes = (*notes, f"occupancy: the majority of {partly} partly occupied sites{left}")
    return Crystal.checked(
        np.array(numbers, np.int64), np.array(spots).reshape(-1, 3), structure.lattice.matrix,
        sample_id, notes=notes, substituted=partly > 0,
    )  # fmt: skip


def _majority(site: Any, index: int, sample_id: str) -> Any:
    """Most frequent element of a site, None for a vacancy; refused where two are as frequent."""
    shares = {element: float(amount) for element, amount in site.species.items()}
    amounts: dict[Any, float] = {**shares, None: max(0.0, 1.0 - sum(shares.values()))}
    first, second = sorted(amounts, key=lambda name: -amounts[name])[:2]
    if amounts[first] - amounts[second] < 1e-3:
        raise InputError(
            f"Sample `{sample_id}`: a site must have a most frequent element for"
            f" occupancy='majority', but site {index + 1} has {site.species_string}; choose one in"
            " the file."
        )
    return first
