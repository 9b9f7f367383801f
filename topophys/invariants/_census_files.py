"""Certificate files of censuses of Weyl nodes: cells outside of boxes, and surfaces of boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.invariants._evidence import CHUNK, DEPTH, Cells
from topophys.invariants._subdivision import Levels
from topophys.invariants.certificate_file import (
    asked_of,
    best_part,
    certificate,
    exact,
    model_of,
    stored_cells,
    surface_evidence,
)
from topophys.invariants.evidence import CellTree, Question

__all__ = ["census_document"]

Int = NDArray[np.int64]
#: Parts of the gap outside of the boxes that a file may claim: its cells are plainer ones.
PARTS: Final = (0.9, 0.5, 0.0)
#: Starting cells along 2 pi.
START: Final = 8
#: Boxes that the checker takes: each pair of them is compared.
BOXES: Final = 1000
#: Leaves times boxes that it compares.
PAIRS: Final = 2 * 10**7
#: Largest number of cells, and of entries of their bases.
CELLS: Final = 200_000
ENTRIES: Final = 2**24


def census_document(
    question: Question,
    ends: Int,
    points: int,
    charges: Sequence[int | None],
    gap: float,
    orientation: int,
) -> dict[str, Any]:
    """Content of a certificate file of a census; charges are turned to momenta k.a.

    Shapes: `ends` (B, 2, 3).
    """
    question = exact(replace(question, quantity="Weyl census"))
    if len(charges) > BOXES:
        raise InputError(
            f"The certificate of a census must have at most {BOXES} boxes, but has {len(charges)};"
            " look deeper for smaller ones."
        )
    n = question.amplitudes.shape[-1]
    limit = min(CELLS, ENTRIES // n**2)
    turned = [None if c is None else orientation * c for c in charges]
    claim, cells = best_part(
        gap, lambda least: _outside(question, ends, points, least, limit), PARTS
    )
    leaves = cells["tree"].count("0")
    if leaves * len(charges) > PAIRS:
        raise InputError(
            f"The certificate of this census needs {leaves} cells for {len(charges)}"
            f" boxes, but the checker compares at most {PAIRS} pairs; look deeper for fewer boxes."
        )
    surfaces: list[dict[str, Any]] = []
    for (low, high), charge in zip(ends, turned, strict=True):
        if charge is None:
            surfaces.append({})
            continue
        box = 2.0 * np.pi * low / points, 2.0 * np.pi * (high - low) / points
        surfaces.append(surface_evidence(question, box, None, charge, 0.0, limit))
    boxes = [
        {"low": low.tolist(), "high": high.tolist(), "charge": charge}
        for (low, high), charge in zip(ends, turned, strict=True)
    ]
    asked = {**asked_of(question), "points": points, "boxes": boxes}
    return certificate(asked, sum(bool(c) for c in turned), claim, {**cells, "charges": surfaces})


def _outside(
    question: Question, ends: Int, points: int, claim: float, limit: int
) -> dict[str, Any]:
    """Leaves of the zone, of which those that lie in no box are proven."""
    fine = START << DEPTH[3]
    model, e = model_of(question, [0.0] * 3, [2.0 * np.pi / fine] * 3)
    least = math.ldexp(claim, -e)
    levels = Levels.of_grid((START,) * 3, DEPTH[3])
    found: list[Cells] = []
    inside: list[NDArray[np.bool_]] = []
    batch = max(1, CHUNK // (model.amplitudes.shape[-1] ** 2 * 16))
    for edge, here in levels:
        for s in range(0, len(here), batch):
            part = here[s : s + batch]
            held = _held(part, edge, ends, points, fine)
            cells = model.cells(part[~held], (edge,) * 3)
            good = (cells.gap > 0.0) & (cells.gap >= least)
            found.append(Cells(*(getattr(cells, f.name)[good] for f in fields(Cells))))
            proven = held.copy()
            proven[~held] = good
            inside.append(held[proven])
            levels.split(part, proven)
        if levels.waiting and (levels.visited > limit or edge == 1):
            raise InputError(
                f"The certificate of this census needs more than {limit} cells; such files are for"
                " models of few bands with well separated nodes."
            )
    corner, depth = levels.proven()
    tree, order = CellTree.of_cells((START,) * 3, DEPTH[3], corner, depth)
    # proven cells in the order of the leaves that lie in no box
    within = np.concatenate(inside)
    place = np.cumsum(~within) - 1
    rows = place[order[~within[order]]]
    cells = Cells(
        *(np.concatenate([getattr(c, f.name) for c in found])[rows] for f in fields(Cells))
    )
    return {
        "start": [START] * 3, "depth": DEPTH[3], "tree": tree.bits, **stored_cells(cells, e)
    }  # fmt: skip


def _held(corner: Int, edge: int, ends: Int, points: int, fine: int) -> NDArray[np.bool_]:
    """Which cells (m, 3) lie in a box, in the integers of both lattices."""
    out = np.zeros(len(corner), np.bool_)
    turn = fine * points
    for low, high in ends:
        first = (corner * points - low * fine) % turn
        out |= (first + edge * points <= (high - low) * fine).all(1)
    return out
