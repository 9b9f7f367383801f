"""Features of a formula and a space group: what decides how bands can be filled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._extras import load_extra, quiet
from topophys.errors import InputError
from topophys.materials.element_tables import element_properties
from topophys.materials.elements import element_features
from topophys.materials.lists import ListedMaterial
from topophys.materials.scalars import composition_statistics

__all__ = ["BLOCKS", "list_features", "space_group_features"]

#: Blocks of columns, in order; each can be left out.
BLOCKS: Final = (
    "fractions", "space group", "electrons", "statistics", "symmetry", "properties",
    "stoichiometry",
)  # fmt: skip
N_ELEMENTS: Final = 119
#: Amounts of a formula that "stoichiometry" lists, the largest that has its own column, and the
#: largest number of valence electrons that has one.
MOST_ELEMENTS: Final = 5
MOST_ATOMS: Final = 12
MOST_VALENCE: Final = 79
#: Numbers of electrons are listed modulo these; bands fill in multiples that symmetry decides.
MODULI: Final = (2, 4, 8, 12)


def list_features(
    materials: Sequence[ListedMaterial], blocks: Sequence[str] = BLOCKS, *, one_hot: bool = True
) -> NDArray[np.float64]:
    """Describe listed materials by numbers.

    "fractions": share of each element. "space group": one column for each, or the number.
    "electrons": all electrons and valence electrons of a formula, also modulo 2, 4, 8 and 12, and
    amounts; an odd number of electrons cannot fill bands. "statistics": of element descriptors.
    "symmetry": what operations the space group has. "properties": mean, spread, least and largest
    of measured properties of the elements, and those of the most and least abundant one.
    "stoichiometry": amounts in ascending order; as columns of zeros and ones also which elements
    there are, and the number of valence electrons.

    Parameters
    ----------
    materials : sequence of ListedMaterial
        Formulas with space groups.
    blocks : sequence of str, optional
        Which of `BLOCKS`.
    one_hot : bool, optional
        Space groups and remainders as one column for each value, as networks want them, or as
        numbers, as trees do.

    Returns
    -------
    float64 ndarray of shape (S, columns)
        Features.

    Raises
    ------
    InputError
        If there is no material, or a block is unknown.
    """
    unknown = [b for b in blocks if b not in BLOCKS]
    if unknown or not materials:
        raise InputError(
            f"Arguments must be at least one material and blocks among {', '.join(BLOCKS)}, but"
            f" are {len(materials)} materials and {list(blocks)}."
        )
    amounts = np.zeros((len(materials), N_ELEMENTS))
    for row, one in enumerate(materials):
        for z, amount in one.composition:
            amounts[row, z] = amount
    groups = np.array([one.space_group for one in materials])
    makers: dict[str, Any] = {
        "fractions": lambda: amounts / amounts.sum(1, keepdims=True),
        "space group": lambda: _codes(groups, 231, one_hot),
        "electrons": lambda: _electrons(amounts, one_hot),
        "statistics": lambda: np.array([_statistics(one) for one in materials]),
        "symmetry": lambda: space_group_features()[groups],
        "stoichiometry": lambda: _stoichiometry(amounts, one_hot),
        "properties": lambda: np.array([_properties(one) for one in materials]),
    }
    return np.concatenate([makers[b]() for b in BLOCKS if b in blocks], axis=1)


def _codes(values: NDArray[np.int64], size: int, one_hot: bool) -> NDArray[np.float64]:
    return np.eye(size)[values] if one_hot else values[:, None].astype(np.float64)


def _electrons(amounts: NDArray[np.float64], one_hot: bool) -> NDArray[np.float64]:
    numbers = np.arange(N_ELEMENTS)
    everything = np.rint(amounts @ numbers).astype(np.int64)
    valence = np.rint(amounts @ element_features(numbers)[:, 2]).astype(np.int64)
    atoms = np.rint(amounts.sum(1)).astype(np.int64)
    parts = [
        _codes(count % m, m, one_hot) for count in (everything, valence, atoms) for m in MODULI
    ]
    total = amounts.sum(1)
    rest = np.column_stack([np.log(valence + 1.0), np.log(total), valence / total / 10.0])
    return np.concatenate([*parts, rest], axis=1)


def _stoichiometry(amounts: NDArray[np.float64], one_hot: bool) -> NDArray[np.float64]:
    ascending = np.sort(np.where(amounts > 0.0, amounts, np.inf), axis=1)[:, :MOST_ELEMENTS]
    ascending = np.where(np.isfinite(ascending), ascending, 0.0)
    if not one_hot:
        return np.asarray(ascending)
    counts = np.minimum(np.rint(ascending), MOST_ATOMS).astype(np.int64)
    valence = np.rint(amounts @ element_features(np.arange(N_ELEMENTS))[:, 2]).astype(np.int64)
    parts = [np.eye(MOST_ATOMS + 1)[counts[:, i]] for i in range(MOST_ELEMENTS)]
    return np.concatenate(
        [amounts > 0.0, np.eye(MOST_VALENCE + 1)[np.minimum(valence, MOST_VALENCE)], *parts], axis=1
    ).astype(np.float64)


def _statistics(one: ListedMaterial) -> NDArray[np.float64]:
    numbers = np.array([z for z, _ in one.composition])
    return composition_statistics(numbers, np.array([a for _, a in one.composition]))


def _properties(one: ListedMaterial) -> NDArray[np.float64]:
    rows = element_properties()[[z for z, _ in one.composition]]
    amounts = np.array([a for _, a in one.composition])
    share = amounts / amounts.sum()
    mean = share @ rows
    spread = np.sqrt(np.maximum(share @ (rows - mean) ** 2, 0.0))
    ends = rows[np.argmax(share)], rows[np.argmin(share)]
    return np.concatenate([mean, spread, rows.min(0), rows.max(0), *ends])


@cache
def space_group_features() -> NDArray[np.float64]:
    """Operations of each space group, from the tables of spglib.

    Returns
    -------
    float64 ndarray of shape (231, 13)
        Row by number: logarithm of the number of operations of the point group and of centring
        translations; shares of operations that are 2-, 3-, 4-, 6-fold rotations, inversion,
        mirrors, -3, -4, -6; shares with a fractional translation (screws, glides), of rotations
        and of improper operations.
    """
    spglib = load_extra("spglib", "materials")
    table = np.zeros((231, 13))
    done: set[int] = set()
    with quiet():
        for hall in range(1, 531):
            number = spglib.get_spacegroup_type(hall).number
            if number not in done:
                done.add(number)
                found = spglib.get_symmetry_from_database(hall)
                table[number] = _describe(found["rotations"], found["translations"])
    return table


def _describe(rotations: NDArray[Any], translations: NDArray[np.float64]) -> list[float]:
    trace, det = np.trace(rotations, axis1=1, axis2=2), np.rint(np.linalg.det(rotations))
    proper, identity = det > 0, (trace == 3)
    pure = identity & (np.abs(translations).max(1) > 1e-6)
    centring = 1 + int(pure.sum())
    order = len(rotations) // centring
    moved = np.abs(translations - np.rint(translations)).max(1) > 1e-6
    share = [float((proper & (trace == t)).mean()) for t in (-1, 0, 1, 2)]
    share += [float((~proper & (trace == t)).mean()) for t in (-3, 1, 0, -1, -2)]
    return [
        np.log(order), np.log(centring), *share,
        float((moved & proper & ~identity).mean()), float((moved & ~proper).mean()),
    ]  # fmt: skip
