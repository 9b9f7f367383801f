"""Certificates as files, which `topophys.checker` and any other program can check."""

from __future__ import annotations

import base64
import importlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from topophys._io import begins_with, is_archive, read_bytes, write_text
from topophys._optional import load_extra
from topophys.errors import InputError, OutputError
from topophys.hamiltonians.two_band import pauli_components
from topophys.invariants._evidence import (
    DEPTH,
    Cells,
    Model,
    Phases,
    Sides,
    chain_tree,
    common,
    cover,
    sides_of,
    square_tree,
)
from topophys.invariants._scaling import divide_out
from topophys.invariants.evidence import (
    BandEvidence,
    CellTree,
    ChiralBasis,
    HalfZoneEvidence,
    Proof,
    Question,
    SurfaceEvidence,
)

__all__ = [
    "SCHEMA",
    "asked_of",
    "best_part",
    "certificate",
    "document_of",
    "format_page",
    "gap_evidence",
    "load",
    "model_of",
    "save_document",
    "stored_cells",
    "surface_evidence",
    "verify_certificate",
    "verify_document",
]


# -------------- Certificates as files, which `topophys.checker` and other programs can check

FORMAT: Final = "topophys certificate"
#: First bytes of every certificate.
HEAD: Final = f'{{"format":"{FORMAT}"'.encode()
VERSION: Final = 1
#: Parts of the proven gap that a file may claim: the first that its cells can prove.
PARTS: Final = (1.0, 1.0 - 1e-9, 0.999, 0.9, 0.5, 0.0)
MAX_LEAVES: Final = 300_000
#: Largest entry below which energies of cells would be subnormal numbers.
TINY: Final = 1e-305
Evidence = TypeVar("Evidence")


def document_of(
    proof: Proof,
    value: int,
    gap_lower: float,
    limit: int = MAX_LEAVES,
    parts: tuple[float, ...] = PARTS,
) -> dict[str, Any]:
    """Content of a certificate file of at most `limit` cells; `parts` of the gap are tried."""
    question, claim = exact(proof.question), float(gap_lower)
    if 0.0 < np.abs(question.amplitudes).max(initial=0.0) < TINY:
        raise InputError(
            f"Certificate files hold no Hamiltonians below {TINY:g}, where numbers lose digits:"
            " multiply the hoppings by a power of two."
        )
    # cells cannot reach both edges of a gap to the last digit: to try would take long
    write = _WRITERS[question.quantity]
    claim, evidence = best_part(
        claim,
        lambda least: write(question, proof, value, least, limit),
        parts if question.edges is None else parts[2:],
    )
    return certificate(asked_of(question), value, claim, evidence)


def best_part(
    gap: float, cells: Callable[[float], Evidence], parts: Sequence[float] = PARTS
) -> tuple[float, Evidence]:
    """Largest part of a gap for which there are cells, and these."""
    for part in parts[:-1]:
        try:
            return part * gap, cells(part * gap)
        except InputError:
            continue
    return parts[-1] * gap, cells(parts[-1] * gap)


def certificate(
    question: dict[str, Any], value: int, gap_lower: float, evidence: dict[str, Any]
) -> dict[str, Any]:
    """Content of a certificate file."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "question": question,
        "claim": {"value": int(value), "gap_lower": hexadecimal(gap_lower)},
        "evidence": evidence,
    }


def load(path: str | Path) -> dict[str, Any]:
    """Content of a certificate file, read as strictly as the checker reads it."""
    checker = _checker()
    try:
        return dict(checker.read(_contents(path, checker)))
    except (checker.UnreadableError, checker.RejectedError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no certificate: {error}") from None


def verify_certificate(path: str | Path) -> str:
    """Check a certificate, or an archive of them, with programs that share no code with the proofs.

    Certificates are checked by `topophys.checker`, archives of proofs about phases by
    `topophys.phase_checker`; both need python-flint (the extra `checker`).

    Parameters
    ----------
    path : path-like
        Certificate (``.cert.json``) or archive (``.phases.zip``).

    Returns
    -------
    str
        What is proven, such as ``"winding number 1, gap at least 1.93146"``.

    Raises
    ------
    InputError
        If the file is no certificate, or does not prove what it claims.
    MissingPackageError
        If python-flint is not installed.

    References
    ----------
    .. [1] F. Johansson, IEEE Trans. Comput. 66, 1281 (2017): the ball arithmetic of the checkers.

    Examples
    --------
    >>> import tempfile, topophys as tp
    >>> found = tp.certify_winding(tp.models.ssh(1.0, 2.0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tp.verify_certificate(found.save(f"{folder}/x.cert.json"))
    'winding number 1, gap at least 1.93146'
    """
    checker = _checker()
    try:
        if is_archive(path):
            return str(importlib.import_module("topophys.phase_checker").check_file(path))
        return str(checker.check(_contents(path, checker)))
    except (checker.UnreadableError, checker.RejectedError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not accepted: {error}") from None


def verify_document(document: dict[str, Any]) -> str:
    """Check the content of a certificate as `verify_certificate` checks a file."""
    checker = _checker()
    try:
        return str(checker.check(_text_of(document)))
    except (checker.UnreadableError, checker.RejectedError) as error:
        raise InputError(f"This certificate is not accepted: {error}") from None


def _text_of(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True) + "\n"


def _contents(path: str | Path, checker: Any) -> str:
    """Text of a plain file; a pipe would keep us waiting, and a device could fill the memory."""
    try:
        return read_bytes(path, most=checker.MAX_BYTES).decode("ascii")
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        raise InputError(f"{path} is no certificate: {error}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _checker() -> Any:
    """Import the checker, which needs python-flint."""
    load_extra("flint", "checker")
    return importlib.import_module("topophys.checker")


def save_document(document: dict[str, Any], path: str | Path) -> Path:
    """Write a certificate, whole or not at all, where no file of another kind stands."""
    target = Path(path)
    is_certificate = begins_with(HEAD.decode(), whole=False)
    if target.exists() and not is_certificate(target):
        raise OutputError(
            f"Output `{target}` must be a new file or an earlier certificate, but holds something"
            " else; choose another name."
        )
    return write_text(target, _text_of(document), ours=is_certificate)


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


def asked_of(question: Question) -> dict[str, Any]:
    """Write the question."""
    chain = question.quantity == "winding number"
    zero = (0,) * question.vectors.shape[1]
    hoppings = []
    for vector, matrix in zip(question.vectors.tolist(), question.amplitudes, strict=True):
        if (chain or tuple(vector) >= zero) and matrix.any():
            hoppings.append([vector, words_of(matrix)])
    n = question.amplitudes.shape[-1]
    out: dict[str, Any] = {"quantity": question.quantity}
    if chain:
        out["block"] = n
    else:
        out |= {"dimension": len(zero), "bands": n, "n_occupied": int(question.n_occupied)}
    out |= {"hoppings": hoppings, "amplitude_error": hexadecimal(question.amplitude_error)}
    if question.time_reversal is not None:
        out["time_reversal"] = words_of(question.time_reversal)
        out["symmetry_violation"] = hexadecimal(_violation(question))
    if question.level is not None:
        out["level"] = hexadecimal(question.level)
    if question.particle_hole is not None:
        out["particle_hole"] = words_of(question.particle_hole)
        out["symmetry_violation"] = hexadecimal(_violation(question))
    if question.centre is not None and question.half_width is not None:
        out["centre"] = [hexadecimal(x) for x in question.centre.tolist()]
        out["half_width"] = [hexadecimal(x) for x in question.half_width.tolist()]
    return out


def words_of(matrix: NDArray[np.complex128]) -> str:
    """Real and imaginary parts, row by row."""
    parts = np.ascontiguousarray(matrix, dtype=np.complex128).ravel().view(np.float64)
    return " ".join(hexadecimal(x) for x in parts.tolist())


def _violation(question: Question) -> float:
    """Bound of how far the Hamiltonian is from its symmetric part."""
    found = 0.0
    for u, sign in ((question.time_reversal, 1.0), (question.particle_hole, -1.0)):
        if u is None:
            continue
        scaled, exponent = divide_out(question.amplitudes[None])
        h = scaled[0]
        off = np.linalg.norm(h - sign * (u @ h.conj() @ u.conj().T), 2, axis=(1, 2)).sum()
        sizes = np.linalg.norm(h, axis=(1, 2)).sum() + len(h)
        rounded = h.shape[-1] * 2.0**-48 * sizes
        found += math.ldexp(float(0.75 * off + rounded), int(exponent[0]))
    return found


def stored_cells(cells: Cells, exponent: int) -> dict[str, str]:
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
        np.zeros((0, corners, 2)), *(np.zeros(0) for _ in range(5)),
    )  # fmt: skip
    return Cells(
        *(np.concatenate([getattr(p, f) for p in [empty, *parts]]) for f in Cells.__annotations__)
    )


def _tree(proof: Proof, kind: type[BandEvidence] | type[HalfZoneEvidence]) -> CellTree | None:
    return proof.evidence.tree if isinstance(proof.evidence, kind) else None


def _winding(question: Question, _: Proof, __: int, claim: float, limit: int) -> dict[str, Any]:
    """Evidence of a winding number."""
    low, high = (int(f(question.vectors)) for f in (np.min, np.max))
    dense = np.zeros((high - low + 1, *question.amplitudes.shape[1:]), np.complex128)
    dense[question.vectors[:, 0] - low] = question.amplitudes
    blocks, exponent = divide_out(dense[None])
    least = np.ldexp(claim + 2.0 * question.amplitude_error, -int(exponent[0]))
    tree = chain_tree(blocks[0], float(least), limit)
    return _shape(tree)


def _shape(tree: CellTree) -> dict[str, Any]:
    return {"start": list(tree.start), "depth": DEPTH[len(tree.start)], "tree": tree.bits}


def model_of(question: Question, origin: Any, step: Any) -> tuple[Model, int]:
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


def gap_evidence(
    question: Question, proof: Proof, _: int, claim: float, limit: int
) -> dict[str, Any]:
    """Evidence of a gap."""
    dim = question.vectors.shape[1]
    given = _tree(proof, BandEvidence)
    start = _start(given, dim)
    step = [2.0 * np.pi / (n << DEPTH[dim]) for n in start]
    model, e = model_of(question, [0.0] * dim, step)
    least = math.ldexp(claim, -e)
    found = cover(model, start, tuple(range(dim)), np.zeros(dim, np.int64), least, given, limit)
    return {**_shape(found[0]), **stored_cells(found[3], e)}


def _edges_of_gap(
    question: Question, _: Proof, __: int, claim: float, limit: int
) -> dict[str, Any]:
    """Evidence of an indirect gap, or of one around an energy: no cell comes near the middle."""
    dim, e = question.vectors.shape[1], 0
    start = _start(None, dim)
    step = [2.0 * np.pi / (n << DEPTH[dim]) for n in start]
    model, e = model_of(question, [0.0] * dim, step)
    assert question.edges is not None
    top, bottom = (math.ldexp(x, -e) for x in question.edges)
    least = math.ldexp(claim, -e)
    # what of the proven gap is not claimed may be lost, on each side of the level its share
    share = 0.5 if question.level is None else (
        (math.ldexp(question.level, -e) - top) / (bottom - top))  # fmt: skip
    spare = (bottom - top) - least
    between = (top + share * spare, bottom - (1.0 - share) * spare)
    found = cover(
        model, start, tuple(range(dim)), np.zeros(dim, np.int64), 0.0, None, limit, between
    )
    return {**_shape(found[0]), **stored_cells(found[3], e)}


def _chern(
    question: Question, proof: Proof, value: int, claim: float, limit: int
) -> dict[str, Any]:
    """Evidence of a Chern number."""
    if question.amplitudes.shape[-1] == 2:
        return _degree(question, claim, limit)
    given = _tree(proof, BandEvidence)
    start = _start(given, 2)
    period = [n << DEPTH[2] for n in start]
    model, e = model_of(question, [0.0, 0.0], [2.0 * np.pi / p for p in period])
    tree, corner, edge, cells = cover(
        model, start, (0, 1), np.zeros(2, np.int64), math.ldexp(claim, -e), given, limit
    )
    phases = Phases.of_cells(model, period, cells)
    _walk(phases, sides_of(corner, edge, period))
    _agree(phases.total(), value)
    return {**_shape(tree), **stored_cells(cells, e), **_edges(phases, e)}


def _degree(question: Question, claim: float, limit: int) -> dict[str, Any]:
    """Evidence of two bands, by their d-vector."""
    scaled, exponent = divide_out(question.amplitudes[None])
    rows = [tuple(v) for v in question.vectors.tolist()]
    d = pauli_components(scaled[0])
    half = [m for m, v in enumerate(rows) if v > (0, 0) and d[m].any()]
    series = np.zeros((len(half) + 1, 2, 3))
    if (0, 0) in rows:
        series[0, 0] = d[rows.index((0, 0))].real
    series[1:, 0], series[1:, 1] = 2.0 * d[half].real, -2.0 * d[half].imag
    least = math.ldexp(claim + 2.0 * question.amplitude_error, -int(exponent[0]))
    tree = square_tree(question.vectors[half].reshape(-1, 2), series, least, limit)
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
        "thin": {"tree": "".join(phases.plan), **stored_cells(thin, exponent)},
        "points": {"at": [list(p) for p in at], **stored_cells(points, exponent)},
    }


def _weyl(question: Question, proof: Proof, value: int, claim: float, limit: int) -> dict[str, Any]:
    """Evidence of the charge of a box."""
    if question.centre is None or question.half_width is None:
        raise InputError("The question of a Weyl charge needs a box.")
    given = proof.evidence.faces if isinstance(proof.evidence, SurfaceEvidence) else None
    ends = question.centre - question.half_width, 2.0 * question.half_width
    trees = None if given is None else [face.tree for face in given]
    return surface_evidence(question, ends, trees, value, claim, limit)


def surface_evidence(
    question: Question,
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
    trees: list[CellTree] | None,
    value: int,
    claim: float,
    limit: int,
) -> dict[str, Any]:
    """Evidence of the charge of a box, given by its lowest corner and its edges."""
    n = 4 if trees is None else trees[0].start[0]
    size = n << DEPTH[2]
    model, e = model_of(question, ends[0], ends[1] / size)
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
            None if trees is None else trees[face], limit,
        )  # fmt: skip
        faces.append({"tree": tree.bits, **stored_cells(cells, e)})
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


def _z2(question: Question, proof: Proof, value: int, claim: float, limit: int) -> dict[str, Any]:
    """Evidence of a Z2 invariant."""
    u = question.time_reversal
    if u is None:
        raise InputError("The question of a Z2 invariant needs time reversal.")
    given = _tree(proof, HalfZoneEvidence)
    start = given.start if given is not None else (4, 8)
    end, period = (n << DEPTH[2] for n in start)
    model, e = model_of(question, [0.0, 0.0], [np.pi / end, 2.0 * np.pi / period])
    tree, corner, edge, cells = cover(
        model, start, (0, 1), np.zeros(2, np.int64), math.ldexp(claim, -e), given, limit
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
    return {**_shape(tree), **stored_cells(cells, e), **_edges(phases, e)}


def _majorana(
    question: Question, proof: Proof, value: int, claim: float, limit: int
) -> dict[str, Any]:
    """Evidence of a Majorana number: the gap; both Pfaffians need none."""
    if question.particle_hole is None:
        raise InputError("The question of a Majorana number needs particle-hole symmetry.")
    signs = 1.0 - 2.0 * (question.vectors[:, 0] % 2)
    scaled = divide_out(question.amplitudes[None])[0][0]
    found = []
    for h in (scaled.sum(0), np.einsum("m,mij->ij", signs, scaled)):
        b = h @ question.particle_hole
        found.append(_pfaffian(0.5 * (b - b.T)))
    _agree(int((found[0] * np.conj(found[1])).real < 0.0), value)
    return gap_evidence(question, proof, value, claim, limit)


def _kramers(question: Question, proof: Proof, _: int, claim: float, limit: int) -> dict[str, Any]:
    """Evidence of Kramers pairs of Majorana modes: a block, and intervals of its determinant."""
    if not isinstance(proof.evidence, ChiralBasis):
        raise InputError("The question of Kramers pairs needs the basis of its symmetries.")
    w = proof.evidence.columns
    half, reach = w.shape[0] // 2, int(np.abs(question.vectors).max(initial=0))
    inside = w.conj().T @ question.amplitudes @ w
    y = inside.imag
    parts = 0.5j * (y[:, :half, :half] - y[:, half:, half:])
    parts = parts + 0.5 * (y[:, :half, half:] + y[:, half:, :half])
    blocks = np.zeros((2 * reach + 1, half, half), np.complex128)
    blocks[question.vectors[:, 0] + reach] = parts
    blocks[reach] = 0.5 * (blocks[reach] - blocks[reach].T)
    blocks[:reach] = -blocks[:reach:-1].swapaxes(1, 2)
    given, unit = divide_out(question.amplitudes[None])
    size = float(np.linalg.norm(given[0], axis=(1, 2)).sum())
    error = question.amplitude_error + math.ldexp(len(w) * 2.0**-44 * size, int(unit[0]))
    scaled, exponent = divide_out(blocks[None])
    wanted = claim + 2.0 * _violation(question) + 2.0 * error
    tree = chain_tree(scaled[0], float(np.ldexp(wanted, -int(exponent[0]))), limit)
    return {
        **_shape(tree),
        "basis": words_of(w),
        "hoppings": [[r, words_of(blocks[reach + r])] for r in range(reach + 1)],
        "amplitude_error": hexadecimal(error),
    }


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
    "gap": gap_evidence,
    "indirect gap": _edges_of_gap,
    "gap around an energy": _edges_of_gap,
    "Chern number": _chern,
    "Z2 invariant": _z2,
    "Weyl charge": _weyl,
    "Majorana number": _majorana,
    "Majorana Kramers number": _kramers,
}


# ----- The page of the format of certificates, written from the table that files are tested against

_CELLS: Final = "base64 of little-endian "
#: Key, type, where it occurs ("" everywhere), and what it means. Dots lead into objects.
SCHEMA: Final = (
    ("format", "string", "", f'"{FORMAT}"'),
    ("version", "integer", "", f"{VERSION}; files of other versions are not read"),
    ("question.quantity", "string", "", '"winding number", "gap", "indirect gap", "gap around an energy", "Chern number", "Z2 invariant", "Weyl charge", "Weyl census", "Majorana number", "Majorana Kramers number", "mirror Chern number, times two", "three-dimensional winding number", "axion angle", "second Chern number", "localizer index", "spin Chern number, times two", "Z2 indices" or "Z2 indices of planes"'),
    ("question.block", "integer", "winding number", "size N of the block D(k) of H = [[0, D], [D^dagger, 0]], up to 16"),
    ("question.dimension", "integer", "lattices", "dimension of the lattice, 1 to 4: of gaps up to 3; of Majorana numbers 1, of Chern numbers and a Z2 invariant 2, of a Weyl charge, a census, a 3D winding number, an axion angle and Z2 indices 3, of a second Chern number 4"),
    ("question.bands", "integer", "lattices", "number N of bands, 2 to 256; of a 3D winding number and a second Chern number 4"),
    ("question.n_occupied", "integer", "lattices", "number n of bands below the gap, 1 to N - 1"),
    ("question.hoppings", "list", "not localizer", "pairs [R, matrix]: R a list of integers; matrix a string of 2 N^2 hexadecimal floats, real and imaginary part of each entry, row by row, with single spaces; \"0\" stands for zero. H(k) = sum_R H_R e^(ik.R): R = 0 and R after it in lexicographic order, those of -R being the conjugate transposes; of a block, all R"),
    ("question.amplitude_error", "hexadecimal float", "", "bound, over all k and in operator norm, of the distance of the Hamiltonian that is meant from the one that is given; the claim is about every Hamiltonian that near"),
    ("question.time_reversal", "matrix", "Z2 invariant, Z2 indices, Majorana Kramers number", "U of T = U K, near an antisymmetric unitary matrix, which is what is meant: the polar factor of its antisymmetric part"),
    ("question.particle_hole", "matrix", "Majorana number, Majorana Kramers number", "U of C = U K, near a symmetric unitary matrix, which is what is meant: the polar factor of its symmetric part"),
    ("question.symmetry_violation", "hexadecimal float", "symmetries", "bound of the distance of H from its symmetric part (H + T H T^-1) / 2, (H - C H C^-1) / 2, the mean over both, its part within the sectors, its part that leads from one eigenspace of the chiral operator to the other, the mean over the inversion, or its part d_0 + sum_a d_a Gamma_a; the value is that of the symmetric part, which has a gap too, of at least the proven one less twice this bound; of a spin Chern number the bound of what leads from one eigenspace of the spin to others: the value is that of H"),
    ("question.mirror", "matrix", "mirror Chern number", "a unitary matrix near the one that is meant, which has the eigenspaces of the evidence and the eigenvalues below"),
    ("question.eigenvalues", "string", "mirror Chern number", "both eigenvalues, real and imaginary parts: of the sector whose Chern number counts as it is, and of that whose number is taken off"),
    ("question.spin", "matrix", "spin Chern number", "a matrix whose Hermitian part is the spin operator that is meant"),
    ("question.chiral", "matrix", "3D winding number", "a matrix near the chiral operator that is meant, which has the eigenspaces of `evidence.basis`"),
    ("question.inversion", "matrix", "axion angle", "a matrix near the inversion that is meant, which has the eigenspaces of `evidence.basis`"),
    ("question.gammas", "string", "second Chern number", "five 4 x 4 matrices, one after the other, near those that are meant: Gamma_a = s W g_a W^dagger with s = 1 or -1, W from `evidence.basis` and g = x.x, x.y, x.z, y.1, z.1 (Kronecker products of Pauli matrices)"),
    ("question.orbitals", "integer", "localizer", "number m of orbitals of a finite sample, 1 to 400"),
    ("question.matrix", "matrix", "localizer", "Hamiltonian of the sample, Hermitian to the last bit"),
    ("question.positions", "list of m pairs of hexadecimal floats", "localizer", "x and y of each orbital"),
    ("question.kappa", "hexadecimal float", "localizer", "weight of the positions, above 0"),
    ("question.energy", "hexadecimal float", "localizer", "the energy E of the localizer"),
    ("question.level", "hexadecimal float", "gap around an energy", "the energy E that lies between the occupied and the empty levels, in the units of the hoppings"),
    ("question.centre", "list of 3 hexadecimal floats", "Weyl charge, localizer", "centre of the box, in radians; an exact number. Of a localizer two floats: the point that positions are measured from"),
    ("question.half_width", "list of 3 hexadecimal floats", "Weyl charge", "half edges of the box, in radians; exact numbers"),
    ("question.points", "integer", "Weyl census", "length of 2 pi on the lattice of the corners of boxes"),
    ("question.boxes", "list", "Weyl census", "boxes without a common inner point, outside of which the gap is proven"),
    ("question.boxes.low", "list of 3 integers", "Weyl census", "lowest corner; a box is meant modulo 2 pi, and may reach beyond"),
    ("question.boxes.high", "list of 3 integers", "Weyl census", "highest corner"),
    ("question.boxes.charge", "integer or null", "Weyl census", "charge in momenta k.a, proven; null where the box is left undecided"),
    ("claim.value", "integer", "", "the invariant; of gaps, n; of a census, the number of boxes with a charge that is not 0; of Majorana numbers, 1 where Majorana modes are at the ends; of a mirror Chern number, the difference of both sectors, twice the mirror Chern number; of a spin Chern number, that of the half of the occupied states with the larger projected spins less that of the other; of an axion angle, the angle over pi; of Z2 indices, nu_0, nu_1, nu_2, nu_3 as decimal digits"),
    ("claim.gap_lower", "hexadecimal float", "", "lower bound of the direct gap over all k (of a Weyl charge: over the surface of the box; of a census: outside of the boxes; of an indirect gap and one around an energy: of the distance of all empty from all occupied levels; of a localizer: of the distance of its levels from 0; of Z2 indices of planes: over the six planes), of the Hamiltonian that is given, not of its symmetric part, in the units of the hoppings; it may be a little below the `gap_lower` of the certificate that was saved"),
    ("evidence.start", "list of integers", "not localizer, planes", "number of starting cells along each axis; of a Weyl charge, along each edge of the box"),
    ("evidence.depth", "integer", "not localizer, planes", "the finest lattice has start << depth points along each axis; 0 of a second Chern number, with the same start along each axis, up to 16"),
    ("evidence.tree", "string", "not Weyl charge, localizer, planes", "leaves: see above. Axes run from 0 to 2 pi; the first axis of a Z2 invariant from 0 to pi"),
    ("evidence.bases", _CELLS + "float32", "many bands, localizer", "one N x N basis for each leaf, real and imaginary part of each entry, row by row: columns are approximate eigenvectors at the centre, the first n of them below the gap. Of a localizer one basis of size 2 m: approximate eigenvectors"),
    ("evidence.levels", _CELLS + "float64", "many bands", "for each leaf and each of its 2^D corners, upper ends of axes first, last axis fastest, two energies: above all of the occupied block there, and below all of the empty one"),
    ("evidence.charges", "list", "Weyl census", "for each box `evidence` of the Weyl charge; empty where it has none. `evidence.bases` and `evidence.levels` of a census are those of the leaves that do not lie in a box"),
    ("evidence.faces", "list of 6 objects", "Weyl charge", "lower and upper face of axis 0, 1, 2; coordinates of face a are those of axes a + 1 and a + 2 modulo 3"),
    ("evidence.faces.tree", "string", "Weyl charge", "as `evidence.tree`"),
    ("evidence.faces.bases", _CELLS + "float32", "Weyl charge", "as `evidence.bases`"),
    ("evidence.faces.levels", _CELLS + "float64", "Weyl charge", "as `evidence.levels`"),
    ("evidence.basis", "matrix", "Kramers, 3D winding and second Chern number, axion angle", "a matrix near the unitary W that is meant, its polar factor: with C = W W^T K and T = W [[0, 1], [-1, 0]] W^T K; columns are eigenvectors of the chiral operator, half of them of +1 before those of -1, or of the inversion, even before odd; or as in `question.gammas`"),
    ("evidence.hoppings", "list", "Majorana Kramers number", "pairs [R, matrix], R from 0: the block D of H in this basis, with D_(-R) = -D_R^T"),
    ("evidence.amplitude_error", "hexadecimal float", "Majorana Kramers number", "bound of the distance of this block from that of the Hamiltonian, and of its error"),
    ("evidence.sectors", "list of objects", "sectors", "both sectors, in the order of the eigenvalues; of a spin Chern number two or more, those with the smaller spins first"),
    ("evidence.sectors.basis", "string", "sectors", "matrix of N rows, row by row: columns near a basis of the eigenspace; the polar factor of all of them side by side is what is meant"),
    ("evidence.sectors.states", "matrix", "sectors", "approximate eigenvectors of the block of this sector at k = 0, in the order of their energies"),
    ("evidence.sectors.n_occupied", "integer", "sectors", "number of occupied states of this sector, 0 or more"),
    ("evidence.sectors.chern", "integer", "sectors", "its Chern number"),
    ("evidence.sectors.hoppings", "list", "sectors", "the block of this sector, rounded, as `question.hoppings`; none where no state or all are occupied"),
    ("evidence.sectors.amplitude_error", "hexadecimal float", "sectors", "bound of the distance of this block from that of the Hamiltonian, and of its error"),
    ("evidence.sectors.cells", "object", "sectors", "`evidence` of the Chern number of this block; empty where no state or all are occupied"),
    ("evidence.n_odd", "integer", "axion angle", "number of eigenvectors of odd parity"),
    ("evidence.planes", "list of 3 or 6 objects", "axion angle, Z2 indices", "the planes k_0 = 0, k_1 = 0, k_2 = 0: proofs that they have the Chern number 0; of Z2 indices the planes 0 and pi of each axis in turn, with proofs of their invariants"),
    ("evidence.planes.hoppings", "list", "axion angle, Z2 indices", "Hamiltonian of the plane, rounded, as `question.hoppings`"),
    ("evidence.planes.amplitude_error", "hexadecimal float", "axion angle, Z2 indices", "bound of its distance from that of the Hamiltonian, and of its error"),
    ("evidence.planes.cells", "object", "axion angle, Z2 indices", "`evidence` of the Chern number 0, or of the Z2 invariant of the plane"),
    ("evidence.planes.z2", "integer", "Z2 indices", "its Z2 invariant"),
    ("evidence.planes.symmetry_violation", "hexadecimal float", "Z2 indices", "bound of the distance of the plane from its symmetric part"),
    ("evidence.parities", "list of 8 objects", "axion angle", "momenta 0 or pi along each axis, last axis fastest"),
    ("evidence.parities.even", "matrix", "axion angle", "approximate eigenvectors of the block of even parity, in the order of their energies; empty if there is none"),
    ("evidence.parities.odd", "matrix", "axion angle", "those of odd parity"),
    ("evidence.parities.n_odd", "integer", "axion angle", "number of occupied states of odd parity"),
    ("evidence.thin", "object", "phases", "edges, in the order of lines (axis along the line, then the other coordinates) and along each line"),
    ("evidence.thin.tree", "string", "phases", 'for each piece of an edge that two leaves share: "0" the two frames are compared directly; "1" over a thin cell on the piece; "2" the piece is halved, and its halves follow'),
    ("evidence.thin.bases", _CELLS + "float32", "phases", "bases of thin cells, in this order"),
    ("evidence.thin.levels", _CELLS + "float64", "phases", "their energies"),
    ("evidence.points", "object", "phases", "vertices with a basis of their own"),
    ("evidence.points.at", "list of lists of integers", "phases", "their coordinates on the finest lattice"),
    ("evidence.points.bases", _CELLS + "float32", "phases", "bases"),
    ("evidence.points.levels", _CELLS + "float64", "phases", "energies"),
)  # fmt: skip

_HEAD: Final = f"""# Format of certificates

Written by `python -m topophys.invariants.certificate_file docs/certificate-format.md` from
`topophys/invariants/certificate_file.py`; change it there.

A certificate is one JSON text, `x.cert.json`: a question, a claim, and the evidence from which the
claim can be proven again. [The checker](theory/checker.md) does that without this package.
`Certificate.save` and `topophys certify` write the format "{FORMAT}", version {VERSION}.

Reading is strict: exactly the keys of the table, none twice; no floating-point numbers and no
`NaN`, but integers of at most 18 digits and *hexadecimal floats*, strings as Python's `float.hex`
writes them, in which nothing is rounded. Only `question` is taken at its word. What is in
`evidence` are suggestions: whatever is there, a claim that is accepted has been proven.

Trees say how cells were divided, so that they cover their box by construction: starting cells in
the order of their coordinates, last axis fastest; each one "0", a leaf, or "1" followed by its 2^D
halves-along-every-axis in the same order. Cells of phases are numbered by integers on the finest
lattice, never by floats.

"many bands" are gaps, a Chern number of three or more bands (or of two, where bases are given), a
Z2 invariant, a Majorana number, a mirror or spin Chern number, an axion angle, Z2 indices with a gap in the whole
zone; "planes" Z2 indices of planes alone; "sectors" mirror and spin Chern numbers; "lattices" all but a winding number
(of a chain) and a localizer; "symmetries" a Z2 invariant, Z2 indices, Majorana numbers, mirror and spin Chern numbers, a 3D winding
number, an axion angle and a second Chern number; "phases" are a Chern number with bases, a Z2 invariant and a Weyl charge. New
quantities will add objects; a change of what is here will change the version.

| key | type | where | meaning |
|---|---|---|---|
"""


def format_page() -> str:
    """Text of docs/certificate-format.md."""
    rows = [
        f"| `{key}` | {kind} | {where or 'everywhere'} | {text.replace('|', chr(92) + '|')} |"
        for key, kind, where, text in SCHEMA
    ]
    return _HEAD + "\n".join(rows) + "\n"


def main() -> None:
    """Write the page to the path given."""
    Path(sys.argv[1]).write_text(format_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
