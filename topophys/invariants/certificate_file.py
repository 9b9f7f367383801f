"""Certificates as files, which `topophys.checker` and anyone else's program can check."""

from __future__ import annotations

import base64
import importlib
import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._optional import load_extra
from topophys.errors import InputError, UnresolvedError
from topophys.invariants._evidence_cells import DEPTH, Cells, Model, cover
from topophys.invariants._evidence_phases import Phases, Sides, common, sides_of
from topophys.invariants._evidence_series import chain_tree, square_tree
from topophys.invariants._scale import divide_out
from topophys.invariants.certificate import Certificate
from topophys.invariants.evidence import (
    BandEvidence,
    CellTree,
    HalfZoneEvidence,
    Proof,
    Question,
    SurfaceEvidence,
)
from topophys.invariants.z2_result import Z2Result

__all__ = ["document_of", "load", "save", "save_document", "verify"]

FORMAT: Final = "topophys certificate"
VERSION: Final = 1
#: Parts of the proven gap that a file may claim: the first that its cells can prove.
PARTS: Final = (1.0, 1.0 - 1e-9, 0.999, 0.9, 0.5, 0.0)
MAX_LEAVES: Final = 300_000


def document_of(proof: Proof, value: int, gap_lower: float) -> dict[str, Any]:
    """Content of a certificate file.

    Parameters
    ----------
    proof : Proof
        Question, and evidence where an engine noted some.
    value : int
        The invariant.
    gap_lower : float
        Proven lower bound of the gap. The file claims this, or a little less where its own cells
        cannot prove as much.

    Returns
    -------
    dict
        To be written as JSON.

    Raises
    ------
    InputError
        If the proof is too long for a file, or its cells give another integer.
    """
    question, claim = exact(proof.question), float(gap_lower)
    for part in PARTS:
        try:
            evidence = _WRITERS[question.quantity](question, proof, value, part * claim)
        except InputError:
            if part == PARTS[-1]:
                raise
            continue
        return {
            "format": FORMAT,
            "version": VERSION,
            "question": _asked(question),
            "claim": {"value": int(value), "gap_lower": hexadecimal(part * claim)},
            "evidence": evidence,
        }
    raise AssertionError


def save(
    certificate: Certificate | Z2Result, path: str | Path, index: int | tuple[int, ...] | None
) -> Path:
    """Write the proof of one element; see `Certificate.save`."""
    shape = certificate.value.shape
    where = () if index is None else (index if isinstance(index, tuple) else (index,))
    try:
        chosen = np.empty(shape)[where]
    except IndexError:
        chosen = np.empty(1)
    if np.ndim(chosen):
        raise InputError(
            f"Argument `index` must name one Hamiltonian of a batch of shape {shape}, but is"
            f" {index}."
        )
    flat = int(np.ravel_multi_index(where, shape, mode="wrap")) if shape else 0
    quantity = getattr(certificate, "quantity", "Z2 invariant")
    if str(certificate.status[where]) != "certified":
        raise UnresolvedError(quantity, [flat], certificate.value.size)
    if certificate.asked is None:
        raise InputError("This certificate does not know its Hamiltonians any more.")
    evidence = getattr(certificate, "evidence", ())
    proof = Proof(certificate.asked.question(where), evidence[flat] if evidence else None)
    gap = float(certificate.gap_lower[where])
    if isinstance(certificate, Z2Result):  # bounds the gap of the symmetrised Hamiltonian
        gap = max(0.0, gap - float(certificate.symmetry_violation[where]))
    return save_document(document_of(proof, int(certificate.value[where]), gap), path)


def load(path: str | Path) -> dict[str, Any]:
    """Content of a certificate file, read as strictly as the checker reads it.

    Parameters
    ----------
    path : path-like
        A certificate.

    Returns
    -------
    dict
        Question, claim and evidence.

    Raises
    ------
    InputError
        If it is no certificate.
    """
    checker = _checker()
    try:
        return dict(checker.read(Path(path).read_text(encoding="ascii")))
    except (checker.UnreadableError, checker.RejectedError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no certificate: {error}") from None


def verify(path: str | Path) -> str:
    """Check a certificate file with `topophys.checker`, which shares no code with the proofs.

    Parameters
    ----------
    path : path-like
        A certificate.

    Returns
    -------
    str
        What it proves.

    Raises
    ------
    InputError
        If it is no certificate, or does not prove its claim.
    """
    checker = _checker()
    try:
        return str(checker.check(Path(path).read_text(encoding="ascii")))
    except (checker.UnreadableError, checker.RejectedError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not accepted: {error}") from None


def _checker() -> Any:
    """Import the checker, which needs python-flint."""
    load_extra("flint", "checker")
    return importlib.import_module("topophys.checker")


def save_document(document: dict[str, Any], path: str | Path) -> Path:
    """Write a certificate; the file appears complete or not at all."""
    target = Path(path)
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
    part = target.with_name(target.name + ".part")
    part.write_text(text + "\n", encoding="ascii")
    part.replace(target)
    return target


def hexadecimal(x: float) -> str:
    """Exact text of a float64."""
    return "0" if x == 0.0 else float(x).hex()


def exact(question: Question) -> Question:
    """Make H(-R) = H(R)^dagger true to the last bit, as files store one half only."""
    if question.quantity == "winding number":
        return question
    rows = {tuple(v): m for m, v in enumerate(question.vectors.tolist())}
    mirror = [rows.get(tuple(-x for x in v), -1) for v in rows]
    a = question.amplitudes
    adjoint = np.where(np.array(mirror)[:, None, None] >= 0, a[mirror].conj().swapaxes(1, 2), 0.0)
    if (a == adjoint).all():
        return question
    mean = 0.5 * a + 0.5 * adjoint
    scaled, exponent = divide_out((a - mean)[None])
    off = math.ldexp(float(np.linalg.norm(scaled[0], axis=(1, 2)).sum()), int(exponent[0]))
    off *= 1.0 + 1e-12
    fields = {**question.__dict__, "amplitudes": mean}
    return Question(**{**fields, "amplitude_error": question.amplitude_error + off})


def _asked(question: Question) -> dict[str, Any]:
    """Write the question."""
    chain = question.quantity == "winding number"
    zero = (0,) * question.vectors.shape[1]
    hoppings = []
    for vector, matrix in zip(question.vectors.tolist(), question.amplitudes, strict=True):
        if (chain or tuple(vector) >= zero) and matrix.any():
            hoppings.append([vector, _words(matrix)])
    n = question.amplitudes.shape[-1]
    out: dict[str, Any] = {"quantity": question.quantity}
    if chain:
        out["block"] = n
    else:
        out |= {"dimension": len(zero), "bands": n, "n_occupied": int(question.n_occupied)}
    out |= {"hoppings": hoppings, "amplitude_error": hexadecimal(question.amplitude_error)}
    if question.time_reversal is not None:
        out["time_reversal"] = _words(question.time_reversal)
        out["symmetry_violation"] = hexadecimal(_violation(question))
    if question.centre is not None and question.half_width is not None:
        out["centre"] = [hexadecimal(x) for x in question.centre.tolist()]
        out["half_width"] = [hexadecimal(x) for x in question.half_width.tolist()]
    return out


def _words(matrix: NDArray[np.complex128]) -> str:
    """Real and imaginary parts, row by row."""
    parts = np.ascontiguousarray(matrix, dtype=np.complex128).ravel().view(np.float64)
    return " ".join(hexadecimal(x) for x in parts.tolist())


def _violation(question: Question) -> float:
    """Bound of how far the Hamiltonian is from its time-reversal-symmetric part."""
    if question.time_reversal is None:
        return 0.0
    scaled, exponent = divide_out(question.amplitudes[None])
    h, u = scaled[0], question.time_reversal
    off = np.linalg.norm(h - u @ h.conj() @ u.conj().T, 2, axis=(1, 2)).sum()
    sizes = np.linalg.norm(h, axis=(1, 2)).sum() + len(h)
    return math.ldexp(float(0.75 * off + h.shape[-1] * 2.0**-48 * sizes), int(exponent[0]))


def _stored(cells: Cells, exponent: int) -> dict[str, str]:
    """Bases and energies of cells, in the units of the hoppings."""
    levels = np.ldexp(cells.levels, exponent)
    return {
        "bases": _text(np.ascontiguousarray(cells.basis).view(np.float32).astype("<f4")),
        "levels": _text(levels.astype("<f8")),
    }


def _text(x: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(x).tobytes()).decode("ascii")


def _join(parts: list[Cells], model: Model, corners: int) -> Cells:
    """Cells of one kind, one after the other."""
    n = model.amplitudes.shape[-1]
    empty = Cells(
        np.zeros((0, n, n), np.complex64), np.zeros((0, n, n), np.complex128),
        np.zeros((0, corners, 2)), np.zeros(0), np.zeros(0), np.zeros(0),
    )  # fmt: skip
    return Cells(
        *(np.concatenate([getattr(p, f) for p in [empty, *parts]]) for f in Cells.__annotations__)
    )


def _tree(proof: Proof, kind: type[BandEvidence] | type[HalfZoneEvidence]) -> CellTree | None:
    return proof.evidence.tree if isinstance(proof.evidence, kind) else None


def _winding(question: Question, _: Proof, __: int, claim: float) -> dict[str, Any]:
    """Evidence of a winding number."""
    low, high = (int(f(question.vectors)) for f in (np.min, np.max))
    dense = np.zeros((high - low + 1, *question.amplitudes.shape[1:]), np.complex128)
    dense[question.vectors[:, 0] - low] = question.amplitudes
    blocks, exponent = divide_out(dense[None])
    least = np.ldexp(claim + 2.0 * question.amplitude_error, -int(exponent[0]))
    tree = chain_tree(blocks[0], float(least))
    return _shape(tree)


def _shape(tree: CellTree) -> dict[str, Any]:
    return {"start": list(tree.start), "depth": DEPTH[len(tree.start)], "tree": tree.bits}


def _model(question: Question, origin: Any, step: Any) -> tuple[Model, int]:
    """Hamiltonian in scaled units."""
    scaled, exponent = divide_out(question.amplitudes[None])
    e = int(exponent[0])
    error, wrong = (math.ldexp(x, -e) for x in (question.amplitude_error, _violation(question)))
    model = Model(
        question.vectors, scaled[0], int(question.n_occupied), np.asarray(origin, float),
        np.asarray(step, float), error, wrong,
    )  # fmt: skip
    return model, e


def _start(tree: CellTree | None, dim: int) -> tuple[int, ...]:
    return tree.start if tree is not None else {1: (16,), 2: (8, 8), 3: (8, 8, 8)}[dim]


def _gap(question: Question, proof: Proof, _: int, claim: float) -> dict[str, Any]:
    """Evidence of a gap."""
    dim = question.vectors.shape[1]
    given = _tree(proof, BandEvidence)
    start = _start(given, dim)
    step = [2.0 * np.pi / (n << DEPTH[dim]) for n in start]
    model, e = _model(question, [0.0] * dim, step)
    least = math.ldexp(claim, -e)
    found = cover(
        model, start, tuple(range(dim)), np.zeros(dim, np.int64), least, given, MAX_LEAVES
    )
    return {**_shape(found[0]), **_stored(found[3], e)}


def _chern(question: Question, proof: Proof, value: int, claim: float) -> dict[str, Any]:
    """Evidence of a Chern number."""
    if question.amplitudes.shape[-1] == 2:
        return _degree(question, claim)
    given = _tree(proof, BandEvidence)
    start = _start(given, 2)
    period = [n << DEPTH[2] for n in start]
    model, e = _model(question, [0.0, 0.0], [2.0 * np.pi / p for p in period])
    tree, corner, edge, cells = cover(
        model, start, (0, 1), np.zeros(2, np.int64), math.ldexp(claim, -e), given, MAX_LEAVES
    )
    phases = Phases.of_cells(model, period, cells)
    _walk(phases, sides_of(corner, edge, period))
    _agree(phases.total(), value)
    return {**_shape(tree), **_stored(cells, e), **_edges(phases, e)}


def _degree(question: Question, claim: float) -> dict[str, Any]:
    """Evidence of two bands, by their d-vector."""
    scaled, exponent = divide_out(question.amplitudes[None])
    rows = [tuple(v) for v in question.vectors.tolist()]
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    d = 0.5 * np.einsum("iab,mba->mi", pauli, scaled[0])
    half = [m for m, v in enumerate(rows) if v > (0, 0) and d[m].any()]
    series = np.zeros((len(half) + 1, 2, 3))
    if (0, 0) in rows:
        series[0, 0] = d[rows.index((0, 0))].real
    series[1:, 0], series[1:, 1] = 2.0 * d[half].real, -2.0 * d[half].imag
    least = math.ldexp(claim + 2.0 * question.amplitude_error, -int(exponent[0]))
    tree = square_tree(question.vectors[half].reshape(-1, 2), series, least)
    return _shape(tree)


def _walk(phases: Phases, sides: Sides) -> None:
    """Add all edges, in the order in which the checker meets them."""
    pieces = [(line, *piece) for line, both in sorted(sides.items()) for piece in common(*both)]
    phases.look([(one, two) for *_, one, two in pieces])
    for piece in pieces:
        phases.edge(*piece)


def _agree(found: int, value: int) -> None:
    if found != value:
        raise InputError(f"The cells of the certificate give {found}, not {value}.")


def _edges(phases: Phases, exponent: int) -> dict[str, Any]:
    """Thin cells and frames at vertices."""
    at = list(phases.points)
    thin = _join(phases.thin, phases.model, 2)
    points = _join([phases.points[p] for p in at], phases.model, 1)
    return {
        "thin": {"tree": "".join(phases.plan), **_stored(thin, exponent)},
        "points": {"at": [list(p) for p in at], **_stored(points, exponent)},
    }


def _weyl(question: Question, proof: Proof, value: int, claim: float) -> dict[str, Any]:
    """Evidence of the charge of a box."""
    if question.centre is None or question.half_width is None:
        raise InputError("The question of a Weyl charge needs a box.")
    given = proof.evidence.faces if isinstance(proof.evidence, SurfaceEvidence) else None
    n = 4 if given is None else given[0].tree.start[0]
    size = n << DEPTH[2]
    origin, step = question.centre - question.half_width, 2.0 * question.half_width / size
    model, e = _model(question, origin, step)
    faces: list[dict[str, Any]] = []
    sides: Sides = {}
    first, parts = 0, []
    for face in range(6):
        normal, up = divmod(face, 2)
        u, v = (normal + 1) % 3, (normal + 2) % 3
        fixed = np.zeros(3, np.int64)
        fixed[normal] = up * size
        tree, corner, edge, cells = cover(
            model, (n, n), (u, v), fixed, math.ldexp(claim, -e),
            None if given is None else given[face].tree, MAX_LEAVES,
        )  # fmt: skip
        faces.append({"tree": tree.bits, **_stored(cells, e)})
        parts.append(cells)
        for cell, ((x, y), w) in enumerate(zip(corner.tolist(), edge.tolist(), strict=True)):
            at = fixed.tolist()
            at[u], at[v] = x, y
            for axis, other, far in ((u, v, 0), (v, u, 1), (u, v, 1), (v, u, 0)):
                base = list(at)
                base[other] += far * w
                base[axis] = 0
                down = (far == (axis == u)) == bool(up)
                both = sides.setdefault((axis, tuple(base)), ([], []))
                both[down].append((at[axis], at[axis] + w, first + cell))
        first += len(corner)
    phases = Phases.of_cells(model, (0, 0, 0), _join(parts, model, 4))
    _walk(phases, sides)
    _agree(phases.total(), value)
    return {"start": [n] * 3, "depth": DEPTH[2], "faces": faces, **_edges(phases, e)}


def _z2(question: Question, proof: Proof, value: int, claim: float) -> dict[str, Any]:
    """Evidence of a Z2 invariant."""
    u = question.time_reversal
    if u is None:
        raise InputError("The question of a Z2 invariant needs time reversal.")
    given = _tree(proof, HalfZoneEvidence)
    start = given.start if given is not None else (4, 8)
    end, period = (n << DEPTH[2] for n in start)
    model, e = _model(question, [0.0, 0.0], [np.pi / end, 2.0 * np.pi / period])
    tree, corner, edge, cells = cover(
        model, start, (0, 1), np.zeros(2, np.int64), math.ldexp(claim, -e), given, MAX_LEAVES
    )
    phases = Phases.of_cells(model, (0, period), cells)
    images: dict[int, int] = {}

    def image(i: int) -> int:
        if i not in images:
            frame = u @ phases.frames[i].conj()
            images[i] = phases.add_frame(frame, phases.tau[i], phases.most[i])
        return images[i]

    top = period // 2

    def moved(at: tuple[int, ...], a: float, i: int, j: int) -> tuple[Any, float, int, int]:
        y = at[1] % period
        if at[0] in (0, end) and 0 < y < top:
            return (at[0], -y), -a, image(i), image(j)
        return at, a, i, j

    phases.moved = moved
    first: dict[tuple[int, int], int] = {}
    for line, (plus, minus) in sorted(sides_of(corner, edge, (0, period)).items()):
        axis, (x, _) = line
        if axis == 0 or 0 < x < end:
            for piece in common(plus, minus):
                phases.edge(line, *piece)
            continue
        lower = [i for i in plus + minus if i[0] >= top]
        upper = [i for i in plus + minus if i[0] < top]
        mirrored = [(period - high, period - low, image(i)) for low, high, i in upper]
        for piece in common(lower, mirrored):
            phases.edge(line, *piece, 1 if x else -1)
        first[x, 0] = min(upper)[2]
        first[x, top] = max(upper)[2]
    for point, cell in first.items():
        m = phases.point(point)
        v = phases.frames[m][:, : model.filled]
        phases.look([(cell, m)])
        phase = phases.looked[cell, m][0] + float(np.angle(_pfaffian(v.conj().T @ u @ v.conj())))
        phases.known[point] = 2.0 * phase * (1 if (point[0] > 0) == (point[1] > 0) else -1)
    _agree(phases.total(list(first)) % 2, value)
    return {**_shape(tree), **_stored(cells, e), **_edges(phases, e)}


def _pfaffian(a: NDArray[np.complex128]) -> complex:
    """Pfaffian of an antisymmetric matrix."""
    a, found = a.copy(), 1.0 + 0.0j
    while len(a):
        j = int(np.abs(a[0]).argmax())
        if j != 1:
            a[[1, j]] = a[[j, 1]]
            a[:, [1, j]] = a[:, [j, 1]]
            found = -found
        p = a[0, 1]
        found *= p
        a = a[2:, 2:] + (np.outer(a[2:, 0], a[1, 2:]) - np.outer(a[2:, 1], a[0, 2:])) / p
    return complex(found)


_WRITERS: Final = {
    "winding number": _winding,
    "gap": _gap,
    "Chern number": _chern,
    "Z2 invariant": _z2,
    "Weyl charge": _weyl,
}
