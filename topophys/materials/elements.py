"""The periodic table, and measured properties of elements."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys.errors import InputError

__all__ = [
    "ELEMENT_FEATURES",
    "ELEMENT_PROPERTIES",
    "SYMBOLS",
    "atomic_number",
    "element_features",
    "element_properties",
]


# ---- Periodic table

#: Symbols by atomic number; the first entry stands for none.
SYMBOLS: Final = (
    "-",
    *(  # noqa: SIM905  # a table, not 118 lines
        "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga "
        "Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd "
        "Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra "
        "Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv "
        "Ts Og"
    ).split(),
)
#: Names of the columns of `element_features`.
ELEMENT_FEATURES: Final = (
    "period", "group", "valence electrons", "s block", "p block", "d block", "f block", "odd Z",
)  # fmt: skip
NOBLE: Final = (0, 2, 10, 18, 36, 54, 86, 118)


def atomic_number(symbol: str) -> int:
    """Atomic number of an element."""
    if symbol not in SYMBOLS[1:]:
        raise InputError(f"Element must be a chemical symbol such as 'Bi', but is {symbol!r:.20}.")
    return SYMBOLS.index(symbol)


def hydrogen_or_number(symbol: str) -> int:
    """Atomic number; D and T are hydrogen."""
    return 1 if symbol in {"D", "T"} else atomic_number(symbol)


def _row(z: int) -> tuple[float, ...]:
    period = next(p for p, noble in enumerate(NOBLE) if z <= noble)
    place = z - NOBLE[period - 1]
    length = NOBLE[period] - NOBLE[period - 1]
    if place <= 2:
        block, group = 0, 18 if z == 2 else place
    elif place > length - 6:
        block, group = 1, 18 - (length - place)
    elif length == 32 and place <= 16:
        block, group = 3, 3
    else:
        block, group = 2, 18 - (length - place)
    valence = {0: place, 1: group - 10, 2: group, 3: place}[block]
    flags = tuple(float(block == b) for b in range(4))
    return (float(period), float(group), float(valence), *flags, float(z % 2))


_TABLE: Final = np.array([(0.0,) * len(ELEMENT_FEATURES), *(_row(z) for z in range(1, 119))])


def element_features(z: ArrayLike) -> NDArray[np.float64]:
    """Descriptors of elements."""
    # z of (...) -> (..., 8)
    numbers = np.asarray(z)
    if numbers.dtype.kind not in "iu" or numbers.min(initial=0) < 0 or numbers.max(initial=0) > 118:
        raise InputError(
            f"Argument `z` must hold atomic numbers from 0 to 118, but is {numbers!r:.60}."
        )
    return np.asarray(_TABLE[numbers])


# ---- Tabulated properties

#: Elements and space groups; `python -m benchmarks.quality.materials_tables` makes it.
TABLES: Final = Path(__file__).with_name("tables.json")
#: Numbers that the tables give.
MEASURED: Final = (
    "X", "atomic_radius", "mendeleev_no", "ionization_energy", "electron_affinity",
    "molar_volume", "melting_point",
)  # fmt: skip
#: Names of the columns of `element_properties`.
ELEMENT_PROPERTIES: Final = (*MEASURED, *(f"outer {shell} electrons" for shell in "spdf"))
KNOWN: Final = 103  # the tables have little on heavier elements


@cache
def tabulated() -> dict[str, Any]:
    """Tables of elements (from atomic number 1) and space groups (from number 1)."""
    return dict(json.loads(TABLES.read_text(encoding="utf-8")))


def _median(values: NDArray[np.float64]) -> float:
    # as `np.median`, which imports masked arrays
    ordered = np.sort(values)
    return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2.0)


@cache
def raw_properties() -> NDArray[np.float64]:
    """Electronegativity, radius and the like, in the units of the tables; medians where unknown."""
    # -> (119, 11)
    table = np.full((119, len(ELEMENT_PROPERTIES)), np.nan)
    for z, row in enumerate(tabulated()["elements"], start=1):
        values = [np.nan if row[name] is None else row[name] for name in MEASURED]
        table[z] = [*values, *row["outer"]]
    medians = [_median(column[~np.isnan(column)]) for column in table[1:96].T]
    return np.where(np.isnan(table), medians, table)


@cache
def element_properties() -> NDArray[np.float64]:
    """Electronegativity, radius, ionisation energy and the like, in units of their spread.

    Where the tables give no value (the electronegativity of He, Ne, Ar and the like) the median
    over the elements stands in its place, for all models alike.

    Ref.: S. P. Ong et al., Comput. Mater. Sci. 68, 314 (2013).
    """
    # -> (119, 11)
    table = raw_properties()
    return np.asarray((table - table[1:96].mean(0)) / table[1:96].std(0))
