"""What Wannier90 writes beside its hoppings: images of Wannier functions, centres, the lattice."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError, SchemaError
from topophys.hamiltonians._packed_text import Lines, Member, members_beside, open_lines
from topophys.hamiltonians._wannier90_format import BYTES_PER_HOPPING, Content, table

#: Endings of packed files, and of the two files with hoppings.
PACKED: Final = (".tar.gz", ".tgz", ".gz", ".xz", ".bz2", "")
HOPPINGS: Final = ("_hr.dat", "_tb.dat")
#: Wannier90 itself stops at 8 images of the same length.
MOST_IMAGES: Final = 64
#: One Bohr radius in Angstrom, as Wannier90 has it (CODATA 2006).
BOHR: Final = 0.52917720859


def beside(path: Path, ending: str) -> Path | Member | None:
    """Find ``seedname<ending>``, or a packed one, beside ``seedname_hr.dat`` or in its archive.

    What lies in the archive of the hoppings belongs to them more surely than what lies beside it.
    """
    packed_with = members_beside(path)
    if ending in packed_with:
        return packed_with[ending]
    for packed in PACKED:
        for hoppings in HOPPINGS:
            if path.name.endswith(hoppings + packed):
                seed = path.name[: -len(hoppings + packed)]
                found = (path.with_name(seed + ending + end) for end in ("", ".gz", ".xz", ".bz2"))
                return next((file for file in found if file.is_file()), None)
    return None


def with_images(content: Content, path: Path | Member, max_memory: int) -> Content:
    r"""Share every hopping among the nearest images of its orbitals.

    .. math:: H_{mn}(k) = \sum_R \frac{1}{w_R} \langle m 0 | H | n R \rangle
        \frac{1}{N_{mnR}} \sum_{j} e^{i k \cdot (R + T^j_{mnR})}
    """
    rows = {tuple(v): m for m, v in enumerate(content.vectors.tolist())}
    n, total = content.matrices.shape[-1], content.matrices.size
    most = max_memory // (BYTES_PER_HOPPING * n * n)
    slots: dict[tuple[int, ...], int] = {}
    source: list[tuple[int, int, int]] = []
    target: list[int] = []
    share: list[int] = []
    seen: set[tuple[int, int, int]] = set()
    with open_lines(path) as lines:
        lines.take()  # comment
        for _ in range(total):
            *vector, a, b = _integers(lines, 5)
            m = rows.get(tuple(vector))
            place = (-1 if m is None else m, a - 1, b - 1)
            if m is None or not (0 < a <= n and 0 < b <= n) or place in seen:
                raise _foreign(lines, f"R = {tuple(vector)}, orbitals {a} and {b}")
            seen.add(place)
            (count,) = _integers(lines, 1)
            if not 1 <= count <= MOST_IMAGES:
                raise _foreign(lines, f"{count} images")
            for _ in range(count):
                shift = _integers(lines, 3)
                image = tuple(r + t for r, t in zip(vector, shift, strict=True))
                source.append(place)
                target.append(slots.setdefault(image, len(slots)))
                share.append(count)
            if len(slots) > most:
                raise InputError(
                    f"Argument `max_memory` must be larger than {max_memory} bytes for the"
                    f" {len(slots)} and more lattice vectors of `{path}`."
                )
        if not lines.nothing_left():
            raise _foreign(lines, f"more than {total} pairs of orbitals")
    m, i, j = np.array(source).T
    matrices = np.zeros((len(slots), n, n), np.complex128)
    np.add.at(matrices, (np.array(target), i, j), content.matrices[m, i, j] / np.array(share))
    vectors = np.array(list(slots), np.int64)
    return replace(
        content, vectors=vectors, matrices=matrices, weights=np.ones(len(vectors), np.int64)
    )


def _integers(lines: Lines, count: int) -> list[int]:
    words = lines.take_filled().split()
    if len(words) != count or not all(re.fullmatch(r"[+-]?\d{1,9}", word) for word in words):
        raise SchemaError(
            f"File `{lines.name}` must have {count} integers in line {lines.number}, but has"
            f" {' '.join(words)[:60]!r}."
        )
    return [int(word) for word in words]


def _foreign(lines: Lines, what: str) -> SchemaError:
    return SchemaError(
        f"File `{lines.name}` must list every pair of orbitals of the hoppings beside it once, but"
        f" has {what} at line {lines.number}; it belongs to another calculation."
    )


def mesh_of(content: Content) -> tuple[int, int, int] | None:
    """Mesh of k points whose Wigner-Seitz cell the lattice vectors are; None for any other set.

    With `use_ws_distance`, the default of Wannier90 since version 3, hoppings on such a set are
    meant to be moved to the nearest images, which the set alone does not show.
    """
    weight = 1.0 / content.weights
    total = round(float(weight.sum()))
    if abs(weight.sum() - total) > 1e-9 or total < 2:
        return None
    reach = np.abs(content.vectors).max(0)
    sizes = [range(max(1, int(r)), 2 * int(r) + 2) for r in reach]
    for n1 in sizes[0]:
        for n2 in sizes[1]:
            if total % (n1 * n2) or total // (n1 * n2) not in sizes[2]:
                continue
            mesh = (n1, n2, total // (n1 * n2))
            folded = np.ravel_multi_index(tuple((content.vectors % mesh).T), mesh)
            if np.allclose(np.bincount(folded, weight, total), 1.0, rtol=0.0, atol=1e-9):
                return mesh
    return None


def read_centres(path: Path | Member, n: int) -> NDArray[np.float64] | None:
    """Centres of Wannier functions from ``seedname_centres.xyz``.

    Shapes: returns (n, 3).
    """
    with open_lines(path) as lines:
        lines.take(), lines.take()
        rows = lines.block(n)
        words = [row.split() for row in [*rows, lines.peek_two()[0] or "end"]]
        called = [word[0].upper() == "X" for word in words]
        # atoms follow
        if called != [True] * n + [False] or any(len(word) != 4 for word in words[:n]):
            raise SchemaError(
                f"File `{lines.name}` must begin with the centres of {n} Wannier functions, called"
                " X, and have no more; it belongs to another calculation."
            )
        return table([row.split(maxsplit=1)[1] for row in rows], 3, lines)


def read_lattice(path: Path | Member) -> NDArray[np.float64] | None:
    """Primitive vectors from ``seedname.win``; None where it has none.

    Shapes: returns (3, 3).
    """
    rows: list[str] = []
    inside, unit = False, 1.0
    with open_lines(path) as lines:
        while not lines.nothing_left(keep=True):
            line = re.split(r"[!#]", lines.take_filled())[0].strip().lower()
            if re.fullmatch(r"begin\s+unit_cell_cart", line):
                inside = True
            elif re.fullmatch(r"end\s+unit_cell_cart", line):
                break
            elif inside and line in ("bohr", "ang"):
                unit = BOHR if line == "bohr" else 1.0
            elif inside and line:
                rows.append(line)
        if inside and len(rows) != 3:
            raise SchemaError(
                f"File `{lines.name}` must have three lattice vectors in its block unit_cell_cart,"
                f" but has {len(rows)}, at or before line {lines.number}."
            )
        return unit * table(rows, 3, lines) if inside else None
