"""Real structures with the classes that lists give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.materials.batch import UNKNOWN, MaterialData
from topophys.materials.crystal import Crystal
from topophys.materials.elements import SYMBOLS
from topophys.materials.lists import ListedMaterial, MaterialList
from topophys.materials.persistence import MAX_TOKENS, persistence_tokens
from topophys.materials.scalars import space_group

__all__ = ["LabelledStructure", "as_listed", "match_structures", "structure_data"]


@dataclass(frozen=True)
class LabelledStructure:
    """A structure and the entry of a list that it belongs to.

    Attributes
    ----------
    crystal : Crystal
        The structure.
    entry : ListedMaterial
        Formula, space group and class.
    """

    crystal: Crystal
    entry: ListedMaterial


def as_listed(crystal: Crystal, label: int = UNKNOWN) -> ListedMaterial:
    """Reduced formula and space group of a structure, as a line of a list.

    Parameters
    ----------
    crystal : Crystal
        Structure.
    label : int, optional
        Class.

    Returns
    -------
    ListedMaterial
        With the formula in its smallest whole numbers.

    Raises
    ------
    InputError
        If there is no space group.
    """
    kinds, counts = np.unique(crystal.numbers, return_counts=True)
    smallest = gcd(*counts.tolist())
    composition = tuple((int(z), float(n // smallest)) for z, n in zip(kinds, counts, strict=True))
    formula = "".join(f"{SYMBOLS[z]}{amount:g}" for z, amount in composition)
    return ListedMaterial(formula, composition, space_group(crystal)[0], label)


def match_structures(
    crystals: Mapping[str, Crystal], lists: MaterialList, *, keep_repeated: bool = False
) -> tuple[list[LabelledStructure], dict[str, int]]:
    """Give structures the class of the list entry with their formula and space group.

    Parameters
    ----------
    crystals : mapping of str to Crystal
        Structures by id.
    lists : MaterialList
        Entries with classes.
    keep_repeated : bool, optional
        Keep every structure of an entry, not only the first: two data bases may hold one material.

    Returns
    -------
    list of LabelledStructure
        In the order of the structures; one for each entry unless `keep_repeated`.
    dict of str to int
        How many matched, had no entry or no space group, or came after another of their entry.
    """
    entries = {(m.composition, m.space_group): m for m in lists.materials}
    found: list[LabelledStructure] = []
    counts = {"matched": 0, "not in the lists": 0, "no space group": 0, "repeated": 0}
    seen: set[ListedMaterial] = set()
    for crystal in crystals.values():
        try:
            one = as_listed(crystal)
        except InputError:
            counts["no space group"] += 1
            continue
        entry = entries.get((one.composition, one.space_group))
        if entry is None:
            counts["not in the lists"] += 1
        else:
            again = entry in seen
            counts["repeated" if again else "matched"] += 1
            seen.add(entry)
            if keep_repeated or not again:
                found.append(LabelledStructure(crystal, entry))
    return found, counts


def structure_data(
    ids: Sequence[str],
    scalars: NDArray[np.float64],
    crystals: Sequence[Crystal | None],
    topology: NDArray[np.int64],
) -> MaterialData:
    """Tensors of materials of which some have a structure.

    Parameters
    ----------
    ids : sequence of str
        Names.
    scalars : float64 ndarray of shape (S, c)
        Features that all have.
    crystals : sequence of Crystal or None
        Structures; where there is none, the crystal graph and persistence are missing.
    topology : int64 ndarray of shape (S,)
        Classes.

    Returns
    -------
    MaterialData
        With the modalities "scalar", "crystal", "asph"; magnetism unknown.
    """
    rows: dict[str, Any] = {"scalar": scalars}
    present = {}
    there = np.array([c is not None for c in crystals])
    if there.any():
        tokens = [None if c is None else persistence_tokens(c) for c in crystals]
        width = next(t.shape[1] for t in tokens if t is not None)
        rows["asph"] = np.zeros((len(ids), MAX_TOKENS, width), np.float32)
        rows["asph_mask"] = np.zeros((len(ids), MAX_TOKENS), np.bool_)
        for row, t in enumerate(tokens):
            if t is not None:
                rows["asph"][row, : len(t)], rows["asph_mask"][row, : len(t)] = t, True
        present["asph"] = there
    return MaterialData(
        ids=ids,
        topology=topology,
        magnetism=np.full(len(ids), UNKNOWN),
        rows=rows,
        crystals=crystals,
        present=present,
    )
