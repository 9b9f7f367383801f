"""Electrons, Wyckoff positions and oxidation states: what a formula and a space group decide.

The filling rule: in a nonmagnetic crystal with spin-orbit coupling an insulator fills n electrons
per primitive cell such that n/2 is a sum of multiplicities of Wyckoff positions. It is a rule, not
a learned probability; `filling_allows_insulator` states it and its exceptions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.materials.elements import (
    MEASURED,
    element_features,
    raw_properties,
    tabulated,
)

__all__ = [
    "COUNTING_BLOCKS",
    "INDICATOR_GROUPS",
    "counting_features",
    "filling_allows_insulator",
    "valence_electrons",
    "wyckoff_multiplicities",
]

#: Space groups in which band insulators exist at fillings that no set of atomic orbitals has.
UNCONVENTIONAL: Final = frozenset({199, 214, 220, 230})
#: Largest half filling that is looked at; beyond it every multiple of the common divisor is a sum.
LARGEST: Final = 600

_INDICATOR_ROWS: Final[tuple[tuple[tuple[int, ...], str], ...]] = (
    ((2,), "81 82 111-122 215-220"),
    ((3,), "188 190"),
    ((4,), "52 56 58 60-62 70 88 126 130 133 135-138 141 142 163 165 167 202 203 205 222 223"),
    ((4,), "227 228 230"),
    ((8,), "128 225 226"),
    ((12,), "176 192-194"),
    ((2, 4), "14 15 48 50 53-55 57 59 63 64 66 68 71-74 84-86 125 129 131 132 134 147 148 162"),
    ((2, 4), "164 166 200 201 204 206 224"),
    ((2, 8), "87 124 139 140 229"),
    ((3, 3), "174 187 189"),
    ((4, 8), "127 221"),
    ((6, 12), "175 191"),
    ((2, 2, 4), "11-13 49 51 65 67 69"),
    ((2, 4, 8), "83 123"),
    ((2, 2, 2, 4), "2 10 47"),
)  # fmt: skip


def _expanded(numbers: str) -> list[int]:
    ends = [[int(n) for n in part.split("-")] for part in numbers.split()]
    return [n for low, *high in ends for n in range(low, (high or [low])[0] + 1)]


#: Symmetry indicators of gapped bands with spin-orbit coupling and time reversal: orders of the
#: cyclic groups, for each space group that has any; H. C. Po, A. Vishwanath, H. Watanabe, Nat.
#: Commun. 8, 50 (2017).
INDICATOR_GROUPS: Final = {
    group: orders for orders, numbers in _INDICATOR_ROWS for group in _expanded(numbers)
}


def _checked(space_group: object) -> int:
    group = _whole(space_group)
    if group is None:
        raise InputError(f"Argument `space_group` must be an integer, but is {space_group!r:.40}.")
    if not 1 <= group <= 230:
        raise InputError(f"Argument `space_group` must be from 1 to 230, but is {group!r:.40}.")
    return group


def _whole(value: object) -> int | None:
    """Integer that equals a number; None where there is none."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float | np.floating) and value.is_integer():
        return int(value)
    return None


def wyckoff_multiplicities(space_group: int) -> tuple[int, ...]:
    """Return the multiplicities of the Wyckoff positions, in points per primitive cell.

    Parameters
    ----------
    space_group : int
        International number, 1 to 230.

    Returns
    -------
    tuple of int
        Each once, ascending; the last is the order of the point group.

    Raises
    ------
    InputError
        If there is no such group.

    Examples
    --------
    >>> wyckoff_multiplicities(225)  # Fm-3m: 4a, 4b, 8c, 24d and so on, over 4
    (1, 2, 6, 8, 12, 24, 48)
    """
    rows = tabulated()["space_groups"][_checked(space_group) - 1]["multiplicities"]
    return tuple(m for m, _, _ in rows)


@cache
def _sums(space_group: int) -> NDArray[np.bool_]:
    """Which numbers up to `LARGEST` are sums of multiplicities, each taken as often as wanted."""
    possible = np.zeros(LARGEST + 1, np.bool_)
    possible[0] = True
    for m in wyckoff_multiplicities(space_group):
        for n in range(m, LARGEST + 1):
            possible[n] |= possible[n - m]
    return possible


@cache
def _sites(space_group: int, largest: int = 400) -> NDArray[np.bool_]:
    """Numbers of atoms of one element that a primitive cell can hold.

    A position without a free coordinate holds one atom's orbit once, others any number of times.
    """
    possible = np.zeros(largest + 1, np.bool_)
    possible[0] = True
    rows = tabulated()["space_groups"][space_group - 1]["multiplicities"]
    for m, fixed, _ in rows:
        for _ in range(min(fixed, largest // m)):
            more = possible.copy()
            more[m:] |= possible[:-m]
            possible = more
    for m, _, free in rows:
        for n in range(m, largest + 1) if free else ():
            possible[n] |= possible[n - m]
    return possible


def filling_allows_insulator(space_group: int, electrons: int) -> bool:
    r"""Whether a nonmagnetic crystal with spin-orbit coupling can be a band insulator.

    Kramers pairs make an odd number of electrons metallic. Beyond that, bands that are separated by
    gaps from all others hold :math:`n = 2 \sum_w m_w c_w` electrons in a primitive cell, with
    multiplicities :math:`m_w` of Wyckoff positions and non-negative integers :math:`c_w`, in all
    but four space groups [1]_ [2]_. In these four (199, 214, 220, 230) insulators exist at other
    even fillings [3]_, so that only odd numbers are excluded here.

    The rule says nothing about magnetic crystals, crystals without spin-orbit coupling, or strong
    correlations; "allowed" does not mean that there is a gap. Filled inner shells may be counted or
    not: they are sums of multiplicities themselves.

    Parameters
    ----------
    space_group : int
        International number, 1 to 230.
    electrons : int
        Electrons in the *primitive* cell.

    Returns
    -------
    bool
        False: every such crystal is a metal or a semimetal.

    Raises
    ------
    InputError
        If there is no such space group, or the number is negative or not an integer.

    References
    ----------
    .. [1] H. Watanabe, H. C. Po, A. Vishwanath, M. Zaletel, PNAS 112, 14551 (2015).
    .. [2] H. Watanabe, H. C. Po, M. Zaletel, A. Vishwanath, Phys. Rev. Lett. 117, 096404 (2016).
    .. [3] H. C. Po, H. Watanabe, M. P. Zaletel, A. Vishwanath, Sci. Adv. 2, e1501782 (2016).

    Examples
    --------
    >>> filling_allows_insulator(227, 8)  # silicon
    True
    >>> filling_allows_insulator(227, 10)  # two atoms with five electrons: half filling is 5
    False
    """
    group = _checked(space_group)
    count = _whole(electrons)
    if count is None or count < 0:
        raise InputError(
            "Argument `electrons` must be the number of electrons in the primitive cell, but is"
            f" {electrons!r:.40}."
        )
    half, odd = divmod(count, 2)
    if odd:
        return False
    if group in UNCONVENTIONAL:
        return True
    if half <= LARGEST:
        return bool(_sums(group)[half])
    return half % int(np.gcd.reduce(wyckoff_multiplicities(group))) == 0


def valence_electrons(composition: tuple[tuple[int, float], ...]) -> float:
    """Electrons outside closed shells, of a formula as `parse_formula` returns it."""
    numbers = np.array([z for z, _ in composition])
    amounts = np.array([amount for _, amount in composition])
    return float(amounts @ element_features(numbers)[:, 2])


# ---- Features

#: Blocks of `counting_features`, in order.
COUNTING_BLOCKS: Final = (
    "indicator", "wyckoff", "filling", "oxidation", "electronegativity", "shells", "cell",
)  # fmt: skip
#: Those that need a space group.
GROUP_BLOCKS: Final = ("indicator", "wyckoff", "filling")
#: Those that need the electrons of the primitive cell, which only a structure tells.
CELL_BLOCKS: Final = ("cell",)
#: Largest number of formula units in a primitive cell that is tried.
MOST_UNITS: Final = 24
#: Most different total charges that are kept when oxidation states are combined.
MOST_CHARGES: Final = 2000


def counting_features(
    compositions: list[tuple[tuple[int, float], ...]],
    space_groups: list[int | None],
    blocks: tuple[str, ...] = COUNTING_BLOCKS,
    electrons: list[int | None] | None = None,
) -> NDArray[np.float64]:
    """Features from counting electrons, for trees; NaN where what they need is missing."""
    # electrons of the primitive cell, counted as by `valence_electrons` -> (S, columns)
    makers: dict[str, Callable[[tuple[tuple[int, float], ...], Any, Any], list[float]]] = {
        "indicator": lambda _, group, __: _indicator(group),
        "wyckoff": lambda _, group, __: _wyckoff(group),
        "filling": lambda one, group, _: _filling(one, group),
        "oxidation": lambda one, _, __: _oxidation(one),
        "electronegativity": lambda one, _, __: _electronegativity(one),
        "shells": lambda one, _, __: _shells(one),
        "cell": _cell,
    }
    counts = [None] * len(compositions) if electrons is None else electrons
    columns = []
    for name in blocks:
        width = WIDTHS[name]
        rows = [
            [np.nan] * width
            if (group is None and name in (*GROUP_BLOCKS, *CELL_BLOCKS))
            or (count is None and name in CELL_BLOCKS)
            else makers[name](one, group, count)
            for one, group, count in zip(compositions, space_groups, counts, strict=True)
        ]
        columns.append(np.array(rows, np.float64).reshape(len(compositions), width))
    return np.concatenate(columns, axis=1)


#: Columns of each block.
WIDTHS: Final = {
    "indicator": 9, "wyckoff": 7, "filling": 18, "oxidation": 8, "electronegativity": 18,
    "shells": 21, "cell": 12,
}  # fmt: skip


@cache
def _indicator(group: int) -> list[float]:
    orders = INDICATOR_GROUPS.get(group, ())
    largest = max(orders, default=0)
    return [
        float(bool(orders)), len(orders), float(np.log2(np.prod(orders or (1,)))), largest,
        float(largest > 0 and largest % 4 == 0), float(largest > 0 and largest % 8 == 0),
        float(any(n % 3 == 0 for n in orders)), float(orders == (2,)), orders.count(2),
    ]  # fmt: skip


@cache
def _wyckoff(group: int) -> list[float]:
    rows = tabulated()["space_groups"][group - 1]["multiplicities"]
    sizes = [m for m, _, _ in rows]
    _, fixed, free = rows[0]
    return [
        min(sizes), float(np.gcd.reduce(sizes)), sum(row[1] for row in rows), len(rows), fixed,
        max(sizes), float(free),
    ]  # fmt: skip


def possible_units(composition: tuple[tuple[int, float], ...], group: int) -> list[int]:
    """Return the formula units that Wyckoff positions let a primitive cell hold, ascending."""
    amounts = np.array([amount for _, amount in composition])
    sites = _sites(group)
    units = np.arange(1, MOST_UNITS + 1)[:, None] * amounts
    whole = np.abs(units - np.rint(units)) < 1e-6
    counts = np.minimum(np.rint(units).astype(np.int64), len(sites) - 1)
    fits = np.flatnonzero((whole & sites[counts] & (units < len(sites))).all(1)) + 1
    return [int(z) for z in fits]


def assumed_electrons(
    composition: tuple[tuple[int, float], ...], group: int, *, insulator: bool
) -> int | None:
    """Return the valence electrons of the smallest possible cell; None where none is found.

    An insulator has one that the filling rule allows. This is a guess to learn from, not a fact.
    """
    counts = [round(z * valence_electrons(composition)) for z in possible_units(composition, group)]
    fitting = [n for n in counts if not insulator or filling_allows_insulator(group, n)]
    return next(iter(fitting or counts), None)


def _filling(composition: tuple[tuple[int, float], ...], group: int | None) -> list[float]:
    assert group is not None
    amounts = np.array([amount for _, amount in composition])
    valence = valence_electrons(composition)
    sizes = wyckoff_multiplicities(group)
    smallest, common = 2 * min(sizes), 2 * int(np.gcd.reduce(sizes))
    first = possible_units(composition, group)[:6]
    electrons = [round(z * valence) for z in first]
    allowed = [filling_allows_insulator(group, n) for n in electrons]
    least = first[0] if first else 0
    return [
        valence % smallest, valence % common, least, first[1] if len(first) > 1 else 0, len(first),
        float(allowed[0]) if allowed else -1.0, float(np.mean(allowed)) if allowed else -1.0,
        float(np.mean([n % 2 == 0 for n in electrons])) if electrons else -1.0,
        (least * valence) % smallest, (least * valence) % 8 if least else -1.0,
        float(np.log(least * valence + 1.0)), *(valence % m for m in (2, 4, 8, 12)),
        valence / amounts.sum(), least * valence / smallest if least else -1.0,
        least * amounts.sum(),
    ]  # fmt: skip


def _cell(composition: tuple[tuple[int, float], ...], group: int, electrons: int) -> list[float]:
    """Features of the electrons of the primitive cell; formula units are Z = n / valence."""
    sizes = wyckoff_multiplicities(group)
    pair, common, order = 2 * min(sizes), 2 * int(np.gcd.reduce(sizes)), 2 * sizes[-1]
    units = electrons / valence_electrons(composition)
    return [
        units, units * sum(amount for _, amount in composition),
        *(electrons % m for m in (2, 4, 8, 12, pair)),
        float(filling_allows_insulator(group, electrons)), float(np.log1p(electrons)),
        electrons / pair, electrons % common, electrons % order,
    ]  # fmt: skip


def _charges(composition: tuple[tuple[int, float], ...], table: str) -> NDArray[np.float64]:
    """Total charges of a formula when each element has one of its oxidation states."""
    totals = np.zeros(1)
    for z, amount in composition:
        states = np.array(_states(z, table)) * amount
        totals = np.sort(np.round((totals[:, None] + states).ravel(), 3))
        # as `np.unique`, which imports masked arrays
        totals = totals[np.diff(totals, prepend=-np.inf) > 0.0]
        if len(totals) > MOST_CHARGES:
            totals = totals[np.argsort(np.abs(totals))[:MOST_CHARGES]]
    return totals


@cache
def _states(z: int, table: str) -> tuple[int, ...]:
    elements = tabulated()["elements"]
    return tuple(elements[z - 1][table] if z <= len(elements) else ()) or (0,)


def _oxidation(composition: tuple[tuple[int, float], ...]) -> list[float]:
    atoms = sum(amount for _, amount in composition)
    common = np.abs(_charges(composition, "common_oxidation_states"))
    every = np.abs(_charges(composition, "oxidation_states"))
    chi = raw_properties()[[z for z, _ in composition], MEASURED.index("X")]
    anion = int(np.argmax(chi))
    low = high = 0.0
    for i, (z, amount) in enumerate(composition):
        states = _states(z, "common_oxidation_states")
        if i == anion:
            low, high = low + min(states) * amount, high + min(states) * amount
        else:
            positive = [s for s in states if s > 0] or list(states)
            low, high = low + min(positive) * amount, high + max(positive) * amount
    return [
        common.min() / atoms, min(int((common < 1e-6).sum()), 3), float(common.min() < 1e-6),
        every.min() / atoms, float(every.min() < 1e-6),
        low / atoms, high / atoms, float(low <= 0.0 <= high),
    ]  # fmt: skip


def _electronegativity(composition: tuple[tuple[int, float], ...]) -> list[float]:
    z = np.array([number for number, _ in composition])
    amounts = np.array([amount for _, amount in composition])
    share = amounts / amounts.sum()
    properties = raw_properties()[z]
    chi, radius, _, ionisation, affinity = (properties[:, i] for i in range(5))
    mean = share @ chi
    most, least = int(np.argmax(chi)), int(np.argmin(chi))
    kinds = element_features(z)
    group, valence = kinds[:, 1], kinds[:, 2]
    anions = chi >= 2.0
    # electrons for each anion, as in the rule of Zintl: eight close its shell
    outer = np.where(group > 12, group - 10, np.minimum(valence, group))
    per_anion = float(amounts @ outer) / amounts[most]
    per_p = float(amounts @ outer) / max(float(amounts[group >= 13].sum()), 0.5)
    return [
        float(np.ptp(chi)), float(np.sqrt(share @ (chi - mean) ** 2)), share[most], share[least],
        amounts[most] / amounts[least], chi.max(), chi.min(), float(share[anions].sum()),
        per_anion, per_p, per_anion % 8, per_p % 8,
        ionisation.min(), ionisation.max(), affinity.max(), ionisation.min() - affinity.max(),
        float(share @ ionisation - share @ affinity), radius.max() / radius.min(),
    ]  # fmt: skip


def _shells(composition: tuple[tuple[int, float], ...]) -> list[float]:
    z = np.array([number for number, _ in composition])
    numbers = z.astype(np.float64)
    amounts = np.array([amount for _, amount in composition])
    share = amounts / amounts.sum()
    kinds, properties = element_features(z), raw_properties()[z]
    period, group = kinds[:, 0], kinds[:, 1]
    chi = properties[:, MEASURED.index("X")]
    metal = kinds[:, 5] + kinds[:, 6] > 0.0
    d_electrons = properties[:, len(MEASURED) + 2] * metal
    coupling = (z / 80.0) ** 2  # spin-orbit coupling grows about as the square of the charge
    anions = chi >= 2.0
    ends = [int(np.argmax(chi)), int(np.argmin(chi))]
    counts = [int(np.argmax(amounts)), int(np.argmin(amounts))]
    heavy = ((z >= 49) & (z <= 52)) | ((z >= 81) & (z <= 84))
    return [
        float(share[metal].sum()), float(amounts @ d_electrons), float(amounts @ d_electrons) % 2,
        float(share @ d_electrons), float((kinds[:, 6] > 0).any()), float(share @ coupling),
        coupling.max(), coupling[anions].max(initial=0.0), coupling[~anions].max(initial=0.0),
        numbers.max(), *numbers[ends], *numbers[counts], float(heavy.any()), *group[ends],
        *period[ends], *group[counts],
    ]  # fmt: skip
