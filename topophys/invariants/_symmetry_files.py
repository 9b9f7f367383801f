"""Certificate files of sectors, mirror or spin, and of planes of solids, proven part by part."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.invariants._scaling import divide_out
from topophys.invariants.certificate_file import (
    MAX_LEAVES,
    asked_of,
    best_part,
    certificate,
    document_of,
    exact,
    gap_evidence,
    hexadecimal,
    words_of,
)
from topophys.invariants.evidence import BandEvidence, CellTree, Proof, Question

__all__ = ["indices_document", "plane_document", "sector_document", "spin_document"]

#: Rounding of products with a basis, in units of the norm of a matrix and its size.
ROUNDED: Final = 2.0**-44
#: Demands are raised by this much: what float64 finds is there in exact numbers.
CLEAR: Final = 1.0 + 1e-6
#: Of the gap of the whole, what proofs of its parts claim, so that few cells suffice.
LITTLE: Final = 1e-3
#: Twice the most by which a space turns, in units of the sine of the angle; above that of checker.
TURNED: Final = 2.855

#: Cells along each axis of a solid with which its proof begins.
COARSE: Final = 4

Matrix = NDArray[np.complex128]


def _norm(x: Matrix) -> float:
    """Bound a norm as the checker does, |X|^16 <= |(X^dagger X)^4|_F^2: what a file states."""
    size = float(np.abs(x).max(initial=0.0))
    if size == 0.0:
        return 0.0
    gram = (x / size).conj().T @ (x / size)
    square = gram @ gram
    return float(size * float(np.linalg.norm(square @ square)) ** 0.125)


def _size(question: Question) -> float:
    """Sum of the norms of all hoppings."""
    scaled, exponent = divide_out(question.amplitudes[None])
    return math.ldexp(float(np.linalg.norm(scaled[0], axis=(1, 2)).sum()), int(exponent[0]))


# ---------------------------------------------------------------- sectors of an operator


def sector_document(
    question: Question,
    phases: NDArray[np.complex128],
    bases: Sequence[Matrix],
    operator: Matrix,
    numbers: Sequence[int],
    gap_lower: float,
) -> dict[str, Any]:
    """Content of a certificate file of the Chern numbers of two sectors.

    Shapes: `phases` (2,), `bases` (n, m) each, `operator` (n, n).
    """
    if len(bases) != 2:
        raise InputError(f"Certificate files hold two sectors, but there are {len(bases)}.")
    question = exact(question)
    rounded = question.amplitudes.shape[-1] * ROUNDED * _size(question)
    scaled, exponent = divide_out(question.amplitudes[None])
    v, w = bases
    off = [max(_norm(v.conj().T @ x @ w), _norm(w.conj().T @ x @ v)) for x in scaled[0]]
    coupling = math.ldexp(float(sum(off)) * (1.0 + 1e-9), int(exponent[0])) + rounded
    sectors = _sectors(question, bases, numbers, rounded, gap_lower)
    least = 2.0 * coupling * (1.0 + 1e-6)
    claim, cells = best_part(
        max(0.0, gap_lower - 2.0 * coupling),
        lambda gap: gap_evidence(question, Proof(question), 0, max(gap, least), MAX_LEAVES),
    )
    asked = asked_of(question) | {
        "mirror": words_of(operator),
        "eigenvalues": words_of(phases),
        "symmetry_violation": hexadecimal(coupling),
    }
    return certificate(asked, numbers[0] - numbers[1], claim, {**cells, "sectors": sectors})


def spin_document(
    question: Question, bases: Sequence[Matrix], numbers: Sequence[int], gap_lower: float
) -> dict[str, Any]:
    """Content of a certificate file of a spin Chern number, by the eigenspaces of the spin.

    `gap_lower` bounds the gap of the part that keeps these. Shapes: `bases` (n, m) each.
    """
    question = exact(replace(question, quantity="spin Chern number, times two"))
    spin, h = np.asarray(question.operator), question.amplitudes
    rounded = len(spin) * ROUNDED * _size(question)
    scaled, exponent = divide_out(h[None])
    basis = np.concatenate(list(bases), axis=1)
    owner = np.repeat(np.arange(len(bases)), [b.shape[1] for b in bases])
    same = owner[:, None] == owner
    inside = basis.conj().T @ scaled[0] @ basis
    off = sum(_norm(x) for x in np.where(same, 0.0, inside))
    violation = math.ldexp(off * (1.0 + 1e-9), int(exponent[0])) + rounded * bool(off)
    sectors = _sectors(question, bases, numbers, rounded, gap_lower)
    below = np.cumsum([part["n_occupied"] for part in sectors]) <= question.n_occupied // 2
    some = np.array([part["n_occupied"] > 0 for part in sectors])
    level = [np.diagonal(b.conj().T @ spin @ b).real for b in bases]
    lower, upper = (
        np.concatenate([x for x, yes in zip(level, which, strict=True) if yes])
        for which in (below & some, ~below & some)
    )
    every = np.concatenate(level)
    share = float((every.max() - every.min()) / (upper.min() - lower.max()))
    least = (violation + 2.0 * question.amplitude_error) * (1.0 + TURNED * share)
    units = np.ldexp(1.0, int(exponent[0]))
    kept = replace(
        question,
        amplitudes=basis @ np.where(same, inside, 0.0) @ basis.conj().T * units,
        amplitude_error=question.amplitude_error + rounded,
    )

    def cells(gap: float) -> dict[str, Any]:
        needed = max(gap + 2.0 * violation, least)
        return gap_evidence(kept, Proof(kept), 0, needed, MAX_LEAVES)

    claim, found = best_part(max(0.0, gap_lower - 2.0 * violation), cells)
    asked = asked_of(question) | {
        "spin": words_of(spin), "symmetry_violation": hexadecimal(violation)
    }  # fmt: skip
    value = sum(n if up else -n for n, up in zip(numbers, ~below, strict=True))
    return certificate(asked, value, claim, {**found, "sectors": sectors})


def _sectors(
    question: Question,
    bases: Sequence[Matrix],
    numbers: Sequence[int],
    rounded: float,
    gap_lower: float,
) -> list[dict[str, Any]]:
    """Write what proves the Chern number of each sector."""
    home = question.amplitudes.sum(0)
    ends = [np.linalg.eigh(b.conj().T @ home @ b) for b in bases]
    every = np.sort(np.concatenate([level for level, _ in ends]))
    counts = [int((level <= every[question.n_occupied - 1]).sum()) for level, _ in ends]
    return [
        _sector(question, basis, count, number, states, rounded, gap_lower)
        for basis, count, number, (_, states) in zip(bases, counts, numbers, ends, strict=True)
    ]


def _sector(
    question: Question,
    basis: Matrix,
    count: int,
    number: int,
    states: Matrix,
    rounded: float,
    gap_lower: float,
) -> dict[str, Any]:
    """Write what proves the Chern number of one sector."""
    found: dict[str, Any] = {
        "basis": words_of(basis), "states": words_of(states), "n_occupied": count,
        "chern": int(number), "amplitude_error": "0", "hoppings": [], "cells": {},
    }  # fmt: skip
    if count in (0, basis.shape[1]):
        return found
    block = Question(
        "Chern number",
        question.vectors,
        basis.conj().T @ question.amplitudes @ basis,
        count,
        question.amplitude_error + rounded,
    )
    return found | _part(document_of(Proof(block), number, LITTLE * gap_lower))


def _part(document: dict[str, Any], *more: str) -> dict[str, Any]:
    """Keep what the file of a whole holds of the certificate of a part."""
    asked = document["question"]
    names = ("hoppings", "amplitude_error", *more)
    return {name: asked[name] for name in names} | {"cells": document["evidence"]}


# ---------------------------------------------------------------- planes of a solid


def _on_plane(question: Question, axis: int, end: int, quantity: str) -> Question:
    """Question about the plane at momentum 0 or pi along an axis; what sums round is an error."""
    r = np.delete(question.vectors, axis, axis=1)
    vectors, where = np.unique(r, axis=0, return_inverse=True)
    sums = np.zeros((len(vectors), *question.amplitudes.shape[1:]), np.complex128)
    sign = 1.0 - 2.0 * (end * question.vectors[:, axis] % 2)
    np.add.at(sums, where.ravel(), sign[:, None, None] * question.amplitudes)
    scaled, exponent = divide_out(question.amplitudes[None])
    size = float(np.linalg.norm(scaled[0], axis=(1, 2)).sum())
    error = math.ldexp(2.0**-50 * (len(r) + 1) * size, int(exponent[0]))
    return replace(
        question, quantity=quantity, vectors=vectors, amplitudes=sums, operator=None,
        amplitude_error=question.amplitude_error + error,
    )  # fmt: skip


def plane_document(question: Question, axis: int, gap_lower: float) -> dict[str, Any]:
    """Proof that the plane through k = 0 across an axis has the Chern number 0."""
    plane = _on_plane(question, axis, 0, "Chern number")
    return _part(document_of(Proof(plane), 0, LITTLE * gap_lower))


def indices_document(
    question: Question, values: Sequence[int], gap_lower: float, bulk: float | None
) -> dict[str, Any]:
    """Content of a certificate file of the four Z2 indices.

    `values` are those of the planes 0 and pi along each axis in turn, `gap_lower` bounds the gap on
    all of them, `bulk` that of the whole zone, if it is proven.
    """
    question = exact(question)
    asked = asked_of(replace(question, quantity="Z2 indices" + " of planes" * (bulk is None)))
    part = 1.0 if bulk is None else LITTLE
    found = [
        document_of(
            Proof(_on_plane(question, axis, end, "Z2 invariant")), values[2 * axis + end],
            part * gap_lower,
        )
        for axis, end in itertools.product(range(3), (0, 1))
    ]  # fmt: skip
    planes = [
        _part(one, "symmetry_violation") | {"z2": int(value)}
        for one, value in zip(found, values, strict=True)
    ]
    claims = (float.fromhex(one["claim"]["gap_lower"]) for one in found)
    claim, cells = min(claims), dict[str, Any]()
    if bulk is not None:
        begin = BandEvidence(CellTree((COARSE,) * 3, "0" * COARSE**3), np.zeros((0, 0, 0), "<c8"))
        proof = Proof(question, begin)
        claim, cells = best_part(
            bulk, lambda gap: gap_evidence(question, proof, 0, gap, MAX_LEAVES)
        )
    digits = [(values[0] + values[1]) % 2, *values[1::2]]
    return certificate(asked, int("".join(map(str, digits))), claim, {**cells, "planes": planes})
