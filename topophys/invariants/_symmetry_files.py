"""Certificate files of mirror Chern numbers: one proof of a Chern number for each sector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.invariants._scaling import divide_out
from topophys.invariants.certificate_file import (
    FORMAT,
    MAX_LEAVES,
    PARTS,
    VERSION,
    asked_of,
    document_of,
    exact,
    gap_evidence,
    hexadecimal,
    words_of,
)
from topophys.invariants.evidence import Proof, Question

__all__ = ["sector_document"]

#: Rounding of products with a basis, in units of the norm of a matrix and its size.
ROUNDED: Final = 2.0**-44


def _norm(x: NDArray[np.complex128]) -> float:
    """Bound a norm as the checker does, |X|^16 <= |(X^dagger X)^4|_F^2: what a file states."""
    size = float(np.abs(x).max(initial=0.0))
    if size == 0.0:
        return 0.0
    gram = (x / size).conj().T @ (x / size)
    square = gram @ gram
    return float(size * float(np.linalg.norm(square @ square)) ** 0.125)


def sector_document(
    question: Question,
    phases: NDArray[np.complex128],
    bases: Sequence[NDArray[np.complex128]],
    operator: NDArray[np.complex128],
    numbers: Sequence[int],
    gap_lower: float,
) -> dict[str, Any]:
    """Content of a certificate file of the Chern numbers of two sectors.

    Shapes: `phases` (2,), `bases` (n, m) each, `operator` (n, n).
    """
    if len(bases) != 2:
        raise InputError(f"Certificate files hold two sectors, but there are {len(bases)}.")
    question = exact(question)
    n = question.amplitudes.shape[-1]
    scaled, exponent = divide_out(question.amplitudes[None])
    h, e = scaled[0], int(exponent[0])
    rounded = math.ldexp(n * ROUNDED * float(np.linalg.norm(h, axis=(1, 2)).sum()), e)
    v, w = bases
    off = [max(_norm(v.conj().T @ x @ w), _norm(w.conj().T @ x @ v)) for x in h]
    coupling = math.ldexp(float(sum(off)) * (1.0 + 1e-9), e) + rounded
    home = question.amplitudes.sum(0)
    ends = [np.linalg.eigh(b.conj().T @ home @ b) for b in bases]
    every = np.sort(np.concatenate([level for level, _ in ends]))
    counts = [int((level <= every[question.n_occupied - 1]).sum()) for level, _ in ends]
    sectors = [
        _sector(question, basis, count, number, states, rounded, gap_lower)
        for basis, count, number, (_, states) in zip(bases, counts, numbers, ends, strict=True)
    ]
    least = 2.0 * coupling * (1.0 + 1e-6)
    for part in PARTS:
        claim = part * max(0.0, gap_lower - 2.0 * coupling)
        try:
            cells = gap_evidence(question, Proof(question), 0, max(claim, least), MAX_LEAVES)
        except InputError:
            if part == PARTS[-1]:
                raise
            continue
        asked = asked_of(question) | {
            "mirror": words_of(operator),
            "eigenvalues": words_of(phases),
            "symmetry_violation": hexadecimal(coupling),
        }
        value = int(numbers[0]) - int(numbers[1])
        return {
            "format": FORMAT,
            "version": VERSION,
            "question": asked,
            "claim": {"value": value, "gap_lower": hexadecimal(claim)},
            "evidence": {**cells, "sectors": sectors},
        }
    raise AssertionError


def _sector(
    question: Question,
    basis: NDArray[np.complex128],
    count: int,
    number: int,
    states: NDArray[np.complex128],
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
    document = document_of(Proof(block), number, 1e-3 * gap_lower)
    found["hoppings"] = document["question"]["hoppings"]
    found["amplitude_error"] = document["question"]["amplitude_error"]
    found["cells"] = document["evidence"]
    return found
