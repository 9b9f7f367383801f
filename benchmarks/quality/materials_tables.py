"""Tables of elements and space groups that the package ships, from pymatgen and spglib.

    python -m benchmarks.quality.materials_tables            # write topophys/materials/tables.json
    python -m benchmarks.quality.materials_tables --check    # compare with what is shipped

Facts: properties of elements as pymatgen tabulates them, and what follows from the symmetry
operations of each space group. So a formula is classified without either package, and features do
not change with their versions.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import warnings
from typing import Any

import numpy as np
import spglib
from numpy.typing import NDArray
from pymatgen.core import Element

from topophys.materials.elements import KNOWN, MEASURED, TABLES

#: Special positions of all space groups have coordinates that are multiples of 1/24.
DENOMINATOR = 24
#: Generic displacements along the axes and within the planes that operations keep.
FREE = (0.0371, 0.0153)
TOLERANCE = 1e-6


def element_row(z: int) -> dict[str, Any]:
    """Properties and oxidation states of an element."""
    one = Element.from_Z(z)
    values: dict[str, Any] = {}
    for name in MEASURED:
        value = getattr(one, name, None)
        values[name] = None if value is None or np.isnan(value) else float(value)
    counts = dict.fromkeys("spdf", 0.0)
    shells = [shell[:3] for shell in one.full_electronic_structure]
    last = max(int(n) for n, _, _ in shells)
    for n, letter, number in shells:
        outer = {"s": n == last, "p": n == last, "d": n == last - 1,
                 "f": n == last - 2 and number < 14}  # fmt: skip
        counts[str(letter)] += float(number) if outer.get(str(letter), False) else 0.0
    values["outer"] = list(counts.values())
    values["common_oxidation_states"] = sorted(int(s) for s in one.common_oxidation_states)
    values["oxidation_states"] = sorted(
        {int(s) for s in (*one.common_oxidation_states, *one.icsd_oxidation_states)}
    )
    return values


def axes(rotations: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Bases of what the rotations keep: nothing, lines and planes, each once."""
    found: dict[bytes, NDArray[np.float64]] = {}
    for rotation in rotations:
        _, sizes, rows = np.linalg.svd(rotation - np.eye(3))
        kept = rows[sizes < TOLERANCE]
        found.setdefault(np.round(kept.T @ kept, 6).tobytes(), kept)
    return [kept for kept in found.values() if 0 < len(kept) < 3]


def multiplicities(rotations: NDArray[Any], translations: NDArray[Any]) -> list[list[int]]:
    """Sizes of the orbits of points: points per primitive cell, positions without a free coordinate
    that have this size, and 1 where there are positions with a free coordinate.

    The orbit of a point has as many points in the primitive cell as the point group has
    operations, divided by the number of those that leave the point where it is, up to lattice
    vectors. A position has no free coordinate if those leave no direction fixed.
    """
    centring = int((rotations == np.eye(3, dtype=int)).all((1, 2)).sum())
    order = len(rotations) // centring
    grid = np.array(list(itertools.product(range(DENOMINATOR), repeat=3))) / DENOMINATOR
    fixed: dict[int, int] = {}
    free = {order}
    for shift in [np.zeros(3), *(np.dot(FREE[: len(kept)], kept) for kept in axes(rotations))]:
        points = grid + shift
        size = np.zeros(len(points), np.int64)
        kept_directions = np.zeros((len(points), 3, 3))
        for rotation, translation in zip(rotations, translations, strict=True):
            moved = points @ rotation.T + translation - points
            stays = (np.abs(moved - np.rint(moved)) < TOLERANCE).all(1)
            size += stays
            kept_directions[stays] += rotation
        # the mean over a group of rotations projects on what all of them keep
        has_free = np.abs(kept_directions).max((1, 2)) > TOLERANCE
        free |= {order // int(n) for n in np.unique(size[has_free])}
        if not shift.any():
            for n in np.unique(size[~has_free]):
                points_of_size = int((size[~has_free] == n).sum())
                fixed[order // int(n)] = points_of_size // (centring * order // int(n))
    return [[m, fixed.get(m, 0), int(m in free)] for m in sorted(fixed.keys() | free)]


def operations(rotations: NDArray[Any], translations: NDArray[Any]) -> list[float]:
    """Order, centring and kinds of operations of a space group."""
    trace, det = np.trace(rotations, axis1=1, axis2=2), np.rint(np.linalg.det(rotations))
    proper, identity = det > 0, (trace == 3)
    pure = identity & (np.abs(translations).max(1) > TOLERANCE)
    centring = 1 + int(pure.sum())
    moved = np.abs(translations - np.rint(translations)).max(1) > TOLERANCE
    share = [float((proper & (trace == t)).mean()) for t in (-1, 0, 1, 2)]
    share += [float((~proper & (trace == t)).mean()) for t in (-3, 1, 0, -1, -2)]
    return [
        float(np.log(len(rotations) // centring)), float(np.log(centring)), *share,
        float((moved & proper & ~identity).mean()), float((moved & ~proper).mean()),
    ]  # fmt: skip


def tables() -> dict[str, Any]:
    """Everything, as it stands in the file."""
    groups: dict[int, Any] = {}
    for hall in range(1, 531):
        kind = spglib.get_spacegroup_type(hall)
        names = {kind.international_short, kind.international_full}
        names |= {name.strip() for name in kind.international.split("=")}
        if kind.number in groups:
            groups[kind.number]["other_symbols"] |= names
        else:
            found = spglib.get_symmetry_from_database(hall)
            rotations, translations = found["rotations"], found["translations"]
            groups[kind.number] = {
                "symbol": kind.international_short,
                "other_symbols": names,
                "operations": operations(rotations, translations),
                "multiplicities": multiplicities(rotations, translations),
            }
    for group in groups.values():
        group["other_symbols"] = sorted(group["other_symbols"] - {group["symbol"]})
    return {
        "elements": [element_row(z) for z in range(1, KNOWN + 1)],
        "space_groups": [groups[n] for n in range(1, 231)],
    }


def main() -> int:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    chosen = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = json.loads(json.dumps(tables()))
    if chosen.check:
        same = made == json.loads(TABLES.read_text(encoding="utf-8"))
        print("as shipped" if same else "the shipped tables differ")
        return 0 if same else 1
    lines = ",\n".join(
        f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]"
        for name, rows in made.items()
    )
    TABLES.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    print(f"{TABLES}: {TABLES.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
