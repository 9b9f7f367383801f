"""Features of materials: formula and space group, scalars, persistent homology."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._optional import load_extra, quiet
from topophys.errors import InputError
from topophys.materials.crystal import Crystal, images_within
from topophys.materials.elements import (
    ELEMENT_FEATURES,
    element_features,
    element_properties,
    tabulated,
)
from topophys.materials.lists import ListedMaterial

__all__ = [
    "ASPH_FEATURES",
    "BLOCKS",
    "MAX_TOKENS",
    "SCALAR_FEATURES",
    "TOKENS_PER_ATOM",
    "composition_statistics",
    "list_features",
    "persistence_tokens",
    "scalar_features",
    "space_group",
    "space_group_features",
]


# ---- Scalars

_COLUMNS: Final = ("atomic number", *ELEMENT_FEATURES)
_SCALES: Final = np.array([50.0, 7.0, 18.0, 10.0, 1.0, 1.0, 1.0, 1.0, 1.0])
_SYSTEMS: Final = (2, 15, 74, 142, 167, 194, 230)  # last space group of each crystal system
_NAMES: Final = (
    "triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic",
)  # fmt: skip
#: Names of the columns of `scalar_features`.
SCALAR_FEATURES: Final = (
    *(f"{how} {name}" for how in ("mean", "spread", "least", "largest") for name in _COLUMNS),
    "number of elements", "largest share",
    *_NAMES, "space group / 230", "atoms in the primitive cell / 10", "volume of an atom / 20",
)  # fmt: skip


def composition_statistics(
    numbers: NDArray[np.int64], amounts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean, spread, minimum and maximum of the descriptors of elements, weighted by amount."""
    # numbers of (m,), amounts of (m,) -> (38,)
    table = np.column_stack([numbers, element_features(numbers)]) / _SCALES
    share = amounts / amounts.sum()
    mean = share @ table
    spread = np.sqrt(np.maximum(share @ (table - mean) ** 2, 0.0))
    parts = [mean, spread, table.min(0), table.max(0)]
    kinds = sorted(set(numbers.tolist()))  # `np.unique` imports masked arrays
    largest = max(share[numbers == z].sum() for z in kinds)
    return np.concatenate([*parts, [len(kinds) / 5.0, largest]])


#: Distance in angstrom within which spglib takes two positions to be the same.
SYMMETRY_TOLERANCE: Final = 0.01


def space_group(crystal: Crystal, *, tolerance: float = SYMMETRY_TOLERANCE) -> tuple[int, int]:
    """Space group by spglib, and the number of atoms in the primitive cell."""
    spglib = load_extra("spglib", "materials")
    cell = (crystal.lattice, crystal.fractional, crystal.numbers)
    with quiet():
        found = spglib.get_symmetry_dataset(cell, symprec=tolerance)
    if found is None:
        raise InputError(f"Sample `{crystal.sample_id}`: no space group found at {tolerance:g}.")
    atoms = len(np.unique(found.mapping_to_primitive))
    return int(found.number), atoms


def scalar_features(crystal: Crystal) -> tuple[NDArray[np.float32], int]:
    """Composition statistics, symmetry and density of a structure.

    Parameters
    ----------
    crystal : Crystal
        Structure.

    Returns
    -------
    float32 ndarray of shape (48,), int
        Columns as in `SCALAR_FEATURES`, and the space group.

    Raises
    ------
    InputError
        If there is no space group.
    """
    kinds, amounts = np.unique(crystal.numbers, return_counts=True)
    group, atoms = space_group(crystal)
    systems = np.zeros(len(_SYSTEMS))
    systems[np.searchsorted(_SYSTEMS, group)] = 1.0
    volume = abs(np.linalg.det(crystal.lattice)) / len(crystal)
    rest = [group / 230.0, atoms / 10.0, volume / 20.0]
    statistics = composition_statistics(kinds, amounts.astype(np.float64))
    return np.concatenate([statistics, systems, rest]).astype(np.float32), group


# ---- Persistent homology

#: Names of the columns of a token.
ASPH_FEATURES: Final = (
    "birth", "death", "persistence", "H0", "H1", "H2", "atomic number / 50", "period / 7",
    "group / 18", "share of this atom",
)  # fmt: skip
#: Longest bars kept of each dimension for each atom.
TOKENS_PER_ATOM: Final = 4
#: Tokens of one material; of equal atoms one stands for all, with their number.
MAX_TOKENS: Final = 36
RADIUS: Final = 4.2  # of the cloud about an atom, in angstrom
LEAST: Final = 1e-3  # shortest bar, in angstrom


def persistence_tokens(
    crystal: Crystal, *, radius: float = RADIUS, max_tokens: int = MAX_TOKENS
) -> NDArray[np.float32]:
    """Turn persistence diagrams of the surroundings of each atom into a set of tokens.

    The points within `radius` of an atom, periodic images included, carry the filtration of
    Vietoris-Rips complexes up to that length. Each bar (birth, death) of H0, H1, H2 is a token
    together with what the atom is; the longest bars of each dimension are kept. Only distances
    enter: rotations, translations, the order of atoms and the choice of cell make no difference.

    Parameters
    ----------
    crystal : Crystal
        Structure.
    radius : float, optional
        Of the cloud, in angstrom.
    max_tokens : int, optional
        Most tokens; the shortest bars are left out beyond it.

    Returns
    -------
    float32 ndarray of shape (T, 10)
        Columns as in `ASPH_FEATURES`, lengths in angstrom; at least one row.

    References
    ----------
    .. [1] H. Edelsbrunner, D. Letscher, A. Zomorodian, Discrete Comput. Geom. 28, 511 (2002).
    .. [2] J.-D. Boissonnat, S. Pritam, 36th Int. Symp. Comput. Geom. 164, 19 (2020).
    .. [3] Y. Jiang et al., npj Comput. Mater. 7, 28 (2021).
    """
    gudhi = load_extra("gudhi", "materials")
    spots = (crystal.fractional - np.floor(crystal.fractional)) @ crystal.lattice
    shifts = images_within(crystal.lattice, radius) @ crystal.lattice
    everywhere = (spots[:, None] + shifts).reshape(-1, 3)
    kinds: dict[tuple[Any, ...], list[Any]] = {}
    for spot, z in zip(spots, crystal.numbers.tolist(), strict=True):
        away = everywhere - spot
        cloud = away[(away**2).sum(-1) <= (radius + 1e-6) ** 2]
        # atoms with the same surroundings have the same sorted distances and need one diagram
        sizes = np.sort(np.sqrt((cloud**2).sum(-1))).round(4)
        key = (z, tuple(sizes.tolist()))
        kinds.setdefault(key, [cloud, 0])[1] += 1
    rows = []
    for (z, _), (cloud, number) in kinds.items():
        period, group = element_features(z)[:2]
        tail = (z / 50.0, period / 7.0, group / 18.0, number / len(spots))
        rows += [(*bar, *tail) for bar in _bars(gudhi, cloud, radius)]
    tokens = np.array(rows, np.float64).reshape(-1, len(ASPH_FEATURES))
    longest_first = np.lexsort((*tokens.T, -tokens[:, 2].round(4)))
    return tokens[longest_first[:max_tokens]].astype(np.float32)


def _bars(gudhi: Any, cloud: NDArray[np.float64], radius: float) -> list[tuple[float, ...]]:
    """Longest bars of a cloud: birth, death, length, one of three flags.

    Not from alpha complexes: four atoms of a plane, moved by rounding, have a sphere of any size
    through them, and a crystal has many planes.
    """
    if len(cloud) < 2:
        return [(0.0, 0.0, 0.0, 1.0, 0.0, 0.0)]
    apart = np.sqrt(((cloud[:, None] - cloud) ** 2).sum(-1))
    tree = gudhi.RipsComplex(distance_matrix=apart, max_edge_length=radius).create_simplex_tree(
        max_dimension=1
    )
    tree.collapse_edges()  # leaves the diagrams as they are, and few simplices
    tree.expansion(3)
    tree.compute_persistence()
    found = []
    for dimension in range(3):
        pairs = np.asarray(tree.persistence_intervals_in_dimension(dimension)).reshape(-1, 2)
        bars = pairs[np.isfinite(pairs).all(1)]
        length = bars[:, 1] - bars[:, 0]
        bars, length = bars[length > LEAST], length[length > LEAST]
        best = np.lexsort((bars[:, 0], -length.round(4)))[:TOKENS_PER_ATOM]
        flags = tuple(float(dimension == d) for d in range(3))
        found += [(*bars[b].tolist(), float(length[b]), *flags) for b in best]
    return found or [(0.0, 0.0, 0.0, 1.0, 0.0, 0.0)]


# ---- Formula and space group

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
    """Order, centring and kinds of operations of each space group, by its number."""
    # -> (231, 13)
    rows = [group["operations"] for group in tabulated()["space_groups"]]
    return np.array([[0.0] * len(rows[0]), *rows])
