"""Certificate files of 3D winding numbers, second Chern numbers, axion angles and localizers."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError
from topophys.hamiltonians.two_band import PAULI
from topophys.invariants._evidence import DEPTH, power_norm
from topophys.invariants._scaling import divide_out
from topophys.invariants._subdivision import Levels
from topophys.invariants._symmetry_files import plane_document
from topophys.invariants.certificate_file import (
    MAX_LEAVES,
    PARTS,
    asked_of,
    best_part,
    certificate,
    exact,
    gap_evidence,
    hexadecimal,
    words_of,
)
from topophys.invariants.evidence import CellTree, Proof, Question

__all__ = ["OPERATORS", "Sample", "localizer_document", "tenfold_document"]

#: Key of the operator in the question of each quantity.
OPERATORS: Final = {
    "three-dimensional winding number": "chiral",
    "axion angle": "inversion",
    "second Chern number": "gammas",
}
#: Rounding of products with a basis, in units of the norms of all hoppings and the size.
ROUNDED: Final = 2.0**-44
#: Demands are raised by this much: what float64 finds is there in exact numbers.
CLEAR: Final = 1.0 + 1e-9
#: Grids of four axes, as the proof takes them; larger ones are not read.
GRIDS: Final = (4, 8, 16)
#: Cells of three axes and orbitals of a sample that the checker reads.
MOST_CUBES, MOST_ORBITALS = 100_000, 400
CHUNK: Final = 4096
SQUARES: Final = np.array(list(itertools.product((0, 1), repeat=3)))
Matrix = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class _Parts:
    """What does not depend on how much of the gap is claimed.

    Attributes
    ----------
    wrong : float
        Bound of the distance from the symmetric part, in the units of the hoppings.
    evidence : dict
        Basis, and what is known already.
    cells : callable
        Cells that prove a gap of the symmetrised Hamiltonian, in the units of the hoppings.
    """

    wrong: float
    evidence: dict[str, Any]
    cells: Callable[[float], dict[str, Any]]


def tenfold_document(question: Question, value: int, gap_lower: float) -> dict[str, Any]:
    """Content of a certificate file; `gap_lower` bounds the gap of the given Hamiltonian."""
    question = exact(question)
    made = _PARTS[question.quantity](question, gap_lower)
    asked = asked_of(question) | {
        OPERATORS[question.quantity]: words_of(np.asarray(question.operator)),
        "symmetry_violation": hexadecimal(made.wrong),
    }
    # without a violation the file may claim nothing of the gap; else it has to be above 0
    claim, cells = best_part(
        max(0.0, gap_lower),
        lambda gap: made.cells((gap + 2.0 * question.amplitude_error + 2.0 * made.wrong) * CLEAR),
        PARTS if made.wrong == 0.0 else PARTS[:-1],
    )
    return certificate(asked, value, claim, {**cells, **made.evidence})


def _eigenbasis(operator: Matrix) -> Matrix:
    """Columns near eigenvectors of a Hermitian matrix with square 1, those of +1 first."""
    _, states = np.linalg.eigh(0.5 * (operator + operator.conj().T))
    return np.ascontiguousarray(states[:, ::-1])


def _rounded(question: Question, basis: Matrix) -> float:
    """Bound of what products of hoppings with a basis round; 0 for a permutation."""
    if ((basis == 0.0) | (basis == 1.0)).all():
        return 0.0
    scaled, exponent = divide_out(question.amplitudes[None])
    size = len(basis) * ROUNDED * float(np.linalg.norm(scaled[0], axis=(1, 2)).sum())
    return math.ldexp(size, int(exponent[0]))


def _norms(x: Matrix) -> float:
    """Sum of norms of matrices (M, n, n) as the checker bounds them; 0 only of zeros."""
    some = x[np.abs(x).max((1, 2), initial=0.0) > 0.0]
    scaled, exponent = divide_out(some[None]) if len(some) else (some[None], np.zeros(1, np.int64))
    return math.ldexp(float(power_norm(scaled[0]).sum()), int(exponent[0])) if len(some) else 0.0


def _shape(start: tuple[int, ...], tree: str, depth: int) -> dict[str, Any]:
    return {"start": list(start), "depth": depth, "tree": tree}


# ---------------------------------------------------------------- three dimensions


def _winding_3d(question: Question, _: float) -> _Parts:
    """Evidence of a winding number of blocks with two orbitals."""
    n = question.amplitudes.shape[-1]
    if n != 4:
        raise InputError(
            f"Certificate files hold 3D winding numbers of four bands, but H has {n}; keep hoppings"
            " and operator, from which the proof can be repeated."
        )
    basis = _eigenbasis(np.asarray(question.operator))
    inside = basis.conj().T @ question.amplitudes @ basis
    wrong = _norms(np.concatenate([inside[:, :2, :2], inside[:, 2:, 2:]])) + _rounded(
        question, basis
    )

    def cells(needed: float) -> dict[str, Any]:
        scaled, exponent = divide_out(inside[:, :2, 2:][None])
        least = 0.5 * math.ldexp(needed, -int(exponent[0]))
        return _cubes(question.vectors, scaled[0], least)

    return _Parts(wrong, {"basis": words_of(basis)}, cells)


def _cubes(vectors: NDArray[np.int64], d: Matrix, least: float) -> dict[str, Any]:
    """Cubes on which a block D (M, 2, 2) keeps the smallest singular value `least`."""
    start, deepest = (4, 4, 4), DEPTH[3]
    fine = 4 << deepest
    bend = float((power_norm(d) * np.square(vectors).sum(1)).sum())
    flat = d.reshape(len(d), 4)
    levels = Levels.of_grid(start, deepest)
    for edge, corner in levels:
        proven = np.zeros(len(corner), np.bool_)
        for s in range(0, len(corner), CHUNK):
            at = (corner[s : s + CHUNK, None] + edge * SQUARES) % fine
            turns = (at @ vectors.T) % fine
            values = np.exp(2j * np.pi / fine * turns) @ flat
            apart = _apart(values.reshape(*turns.shape[:2], 2, 2))
            room = apart - (2.0 * np.pi * edge / fine) ** 2 / 8.0 * bend
            proven[s : s + CHUNK] = (room > 1e-14 * bend) & (room >= least * CLEAR)
        levels.split(corner, proven)
        if levels.visited > MOST_CUBES:
            raise InputError(f"The certificate needs more than {MOST_CUBES} cells.")
    if levels.waiting:
        raise InputError("The gap is too small for a certificate.")
    tree, _ = CellTree.of_cells(start, deepest, *levels.proven())
    return _shape(start, tree.bits, deepest)


def _apart(d: Matrix) -> NDArray[np.float64]:
    """Lowest eigenvalue of the Hermitian part of Q^dagger D at the corners (L, 8, 2, 2) of cubes.

    Q is the unitary factor of their mean.
    """
    left, _, right = np.linalg.svd(d.mean(1))
    x = (left @ right).conj().swapaxes(-1, -2)[:, None] @ d
    off = 0.5 * (x[..., 0, 1] + x[..., 1, 0].conj())
    p, s = x[..., 0, 0].real, x[..., 1, 1].real
    low = 0.5 * (p + s) - np.sqrt(0.25 * np.square(p - s) + np.square(np.abs(off)))
    return np.asarray(low.min(1))


# ---------------------------------------------------------------- four dimensions


def _standard() -> Matrix:
    """Five Gamma matrices with product -1, as in the checker."""
    (x, y, z), one = PAULI, np.eye(2)
    pairs = ((x, x), (x, y), (x, z), (y, one), (z, one))
    return np.array([np.kron(a, b) for a, b in pairs], np.complex128)


def _intertwiner(given: Matrix, standard: Matrix) -> Matrix:
    """Unitary W with given_a = W standard_a W^dagger, from a mean over products of both."""
    if (given == standard).all():
        return np.eye(4, dtype=np.complex128)
    rng = np.random.default_rng(0)
    seed = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
    for a, b in zip(given, standard, strict=True):
        seed = seed + a @ seed @ b.conj().T
    left, _, right = np.linalg.svd(seed)
    return np.asarray(left @ right)


def _second_chern(question: Question, _: float) -> _Parts:
    """Evidence of a second Chern number: a basis, and the grid."""
    given = np.asarray(question.operator)
    sign = 1.0 if np.trace(np.linalg.multi_dot([*given])).real < 0.0 else -1.0
    standard = sign * _standard()
    basis = _intertwiner(given, standard)
    g = basis @ standard @ basis.conj().T
    h = question.amplitudes
    d = 0.25 * np.einsum("aij,mji->ma", g, h)
    rest = h - 0.25 * np.einsum("mii->m", h)[:, None, None] * np.eye(4)
    rest = rest - np.einsum("ma,aij->mij", d, g)
    exactly = not rest.any() and (basis == np.eye(4)).all()
    size = _norms(h)
    wrong = _norms(rest) + (2.0**-90 if exactly else 4.0 * ROUNDED) * size

    def cells(needed: float) -> dict[str, Any]:
        scaled, exponent = divide_out(d[None, ..., None])
        least = 0.5 * math.ldexp(needed, -int(exponent[0]))
        for n in GRIDS:
            if _grid_room(question.vectors, scaled[0, ..., 0], n) >= least * CLEAR:
                return _shape((n,) * 4, "0" * n**4, 0)
        raise InputError(f"The gap is too small for a certificate with {GRIDS[-1]} points a side.")

    return _Parts(wrong, {"basis": words_of(basis)}, cells)


def _grid_room(vectors: NDArray[np.int64], d: Matrix, n: int) -> float:
    """Distance of d(k) from 0 on all cells of a grid, along their means, from below."""
    waves = [np.exp(2j * np.pi * (np.outer(np.arange(n), vectors[:, i]) % n) / n) for i in range(4)]
    values = np.einsum("xm,ym,zm,wm,ma->xyzwa", *waves, d, optimize=True).real
    steps = list(itertools.product((0, -1), repeat=4))
    corners = [np.roll(values, step, axis=(0, 1, 2, 3)) for step in steps]
    mean = sum(corners, np.zeros_like(values))
    length = np.sqrt(np.square(mean).sum(-1))
    if not length.min() > 0.0:
        return -math.inf
    mean /= length[..., None]
    room = min(float((mean * corner).sum(-1).min()) for corner in corners)
    norms = np.sqrt(np.square(np.abs(d)).sum(-1))
    bend = (2.0 * np.pi / n) ** 2 / 8.0 * float((np.square(vectors).sum(-1) * norms).sum())
    return room - bend - 1e-13 * float(norms.sum())


# ---------------------------------------------------------------- axion angles


def _axion(question: Question, gap_lower: float) -> _Parts:
    """Evidence of an axion angle: the gap, three planes, and parities."""
    n, filled = question.amplitudes.shape[-1], question.n_occupied
    operator = np.asarray(question.operator)
    basis = _eigenbasis(operator)
    odd = round((n - float(np.trace(operator).real)) / 2.0)
    signs = np.where(np.arange(n) < n - odd, 1.0, -1.0)
    inside = basis.conj().T @ question.amplitudes @ basis
    away = inside - signs[:, None] * inside.conj().swapaxes(1, 2) * signs
    rounded = _rounded(question, basis)
    wrong = 0.5 * _norms(away) + rounded
    evidence: dict[str, Any] = {
        "basis": words_of(basis),
        "n_odd": odd,
        "planes": [plane_document(question, axis, gap_lower) for axis in range(3)],
        "parities": [],
    }
    for corner in itertools.product((0, 1), repeat=3):
        at = ((-1.0) ** (question.vectors @ np.array(corner)) @ inside.reshape(-1, n * n)).reshape(
            n, n
        )
        level, states = zip(
            *(np.linalg.eigh(x) for x in (at[: n - odd, : n - odd], at[n - odd :, n - odd :])),
            strict=True,
        )
        top = np.sort(np.concatenate(level))[filled - 1]
        evidence["parities"].append({
            "even": _maybe(states[0]), "odd": _maybe(states[1]),
            "n_odd": int((level[1] <= top).sum()),
        })  # fmt: skip

    def cells(needed: float) -> dict[str, Any]:
        claim = max(needed - 2.0 * question.amplitude_error - 2.0 * wrong, 2.0 * wrong * CLEAR)
        return gap_evidence(question, Proof(question), 0, claim, MAX_LEAVES)

    return _Parts(wrong, evidence, cells)


def _maybe(x: Matrix) -> str:
    """Words of a matrix that may be empty."""
    return words_of(x) if x.size else ""


_PARTS: Final = {
    "three-dimensional winding number": _winding_3d,
    "second Chern number": _second_chern,
    "axion angle": _axion,
}


# ---------------------------------------------------------------- finite samples


@dataclass(frozen=True, eq=False)
class Sample:
    """One finite sample: Hamiltonian (m, m), positions (m, 2), and the localizer asked for."""

    matrix: Matrix
    positions: NDArray[np.float64]
    kappa: float
    energy: float
    centre: NDArray[np.float64]


def localizer_document(sample: Sample, value: int, gap_lower: float) -> dict[str, Any]:
    """Content of a certificate file of the index of a finite sample."""
    given = sample.matrix
    if len(given) > MOST_ORBITALS:
        raise InputError(
            f"Certificate files hold samples of up to {MOST_ORBITALS} orbitals, but this one has"
            f" {len(given)}."
        )
    mean = 0.5 * given + 0.5 * given.conj().T
    error = _frobenius(given - mean) * (1.0 + 1e-12)
    m = len(mean)
    step = sample.kappa * ((sample.positions - sample.centre) @ np.array([1.0, 1j]))
    here = mean - sample.energy * np.eye(m)
    localizer = np.block([[here, np.diag(step.conj())], [np.diag(step), -here]])
    states = np.linalg.eigh(localizer)[1].astype("<c8")
    basis = states.astype(np.complex128)
    inside = basis.conj().T @ localizer @ basis
    gram = basis.conj().T @ basis
    rounded = m * 2.0**-46 * _frobenius(localizer)
    for part in PARTS:
        claim = part * max(0.0, gap_lower - error)
        if _clear(inside, gram, claim + error, rounded):
            break
    else:
        raise InputError("The gap of the localizer is too small for a certificate.")
    asked = {
        "quantity": "localizer index",
        "orbitals": m,
        "matrix": words_of(mean),
        "positions": [[hexadecimal(x) for x in at] for at in sample.positions.tolist()],
        "kappa": hexadecimal(sample.kappa),
        "energy": hexadecimal(sample.energy),
        "centre": [hexadecimal(x) for x in sample.centre.tolist()],
        "amplitude_error": hexadecimal(error),
    }
    bases = base64.b64encode(states.tobytes()).decode("ascii")
    return certificate(asked, value, claim, {"bases": bases})


def _frobenius(x: Matrix) -> float:
    """Frobenius norm whose squares neither overflow nor vanish."""
    largest = float(np.abs(x).max(initial=0.0))
    return largest * float(np.linalg.norm(x / largest)) if largest else 0.0


def _clear(inside: Matrix, gram: Matrix, t: float, rounded: float) -> bool:
    """Whether no circle of V^dagger (L - t) V, nor of V^dagger (L + t) V, meets 0."""
    for level in (t, -t):
        x = inside - level * gram
        middle = np.diagonal(x).real
        radius = np.abs(x).sum(1) - np.abs(np.diagonal(x))
        if not (np.abs(middle) > radius * CLEAR + rounded).all():
            return False
    return True
