"""Measured properties of elements, from the tables of pymatgen."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._extras import load_extra, quiet

__all__ = ["ELEMENT_PROPERTIES", "element_properties"]

#: Numbers that the tables give.
MEASURED: Final = (
    "X", "atomic_radius", "mendeleev_no", "ionization_energy", "electron_affinity",
    "molar_volume", "melting_point",
)  # fmt: skip
#: Names of the columns of `element_properties`.
ELEMENT_PROPERTIES: Final = (*MEASURED, *(f"outer {shell} electrons" for shell in "spdf"))
KNOWN: Final = 103  # the tables have little on heavier elements


@cache
def element_properties() -> NDArray[np.float64]:
    """Electronegativity, radius, ionisation energy and the like, in units of their spread.

    Where the tables give no value (the electronegativity of He, Ne, Ar and the like) the median
    over the elements stands in its place, for all models alike.

    Returns
    -------
    float64 ndarray of shape (119, 11)
        Row by atomic number, columns as in `ELEMENT_PROPERTIES`; mean 0 and spread 1 over the
        elements up to 95. Row 0 and those beyond 103 are medians.

    References
    ----------
    .. [1] S. P. Ong et al., Comput. Mater. Sci. 68, 314 (2013).
    """
    element = load_extra("pymatgen.core", "materials").Element
    table = np.full((119, len(ELEMENT_PROPERTIES)), np.nan)
    with quiet():
        for z in range(1, KNOWN + 1):
            one = element.from_Z(z)
            for column, name in enumerate(MEASURED):
                value = getattr(one, name, None)
                table[z, column] = np.nan if value is None else float(value)
            table[z, len(MEASURED) :] = _outer(one.full_electronic_structure)
    common = table[1:96]
    table = np.where(np.isnan(table), np.nanmedian(common, axis=0), table)
    return np.asarray((table - table[1:96].mean(0)) / table[1:96].std(0))


def _outer(structure: list[tuple[Any, ...]]) -> list[float]:
    """Electrons in the outermost s, p, d shells and in an open f shell."""
    last = max(int(shell[0]) for shell in structure)
    counts = dict.fromkeys("spdf", 0.0)
    for n, letter, number in (shell[:3] for shell in structure):
        outer = {"s": n == last, "p": n == last, "d": n == last - 1,
                 "f": n == last - 2 and number < 14}  # fmt: skip
        counts[str(letter)] += float(number) if outer.get(str(letter), False) else 0.0
    return list(counts.values())
