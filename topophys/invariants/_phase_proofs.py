"""Phase diagrams and equivalences as archives of certificates, for `topophys.phase_checker`."""

from __future__ import annotations

import json
import math
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._io import complete_file, is_archive
from topophys._typing import FourierLike, is_two_band_like
from topophys._validation import short
from topophys.errors import InputError
from topophys.invariants._evidence import frobenius, power_norm
from topophys.invariants._parameter_space import (
    AWAY,
    Dependence,
    Expansion,
    Given,
    Tree,
    aligned,
    components,
)
from topophys.invariants.certificate_file import document_of, exact, hexadecimal, words_of
from topophys.invariants.evidence import BandEvidence, CellTree, Proof, Question

__all__ = [
    "ClassesAsked",
    "PathAsked",
    "PlaneAsked",
    "write_classes_proof",
    "write_diagram_proof",
    "write_path_proof",
]

FORMAT: Final = "topophys phases"
CLASSES: Final = "topophys phase classes"
VERSION: Final = 1
#: Hamiltonians of one archive of classes.
MEMBERS: Final = (2, 1000)
STATEMENT: Final = "statement.json"
#: Cells of the certificate of one box; a box that needs more is halved.
LIMIT: Final = 20_000
#: Cells of the certificate of an integer.
LARGE: Final = 300_000
#: Of the gap that was proven on a box, what its certificate claims: the first that cells can prove.
PARTS: Final = (0.5, 0.0)
#: The checker works with sharper or blunter bounds than floats here: room for both.
ROOM: Final = 1.02
#: Relative size of what was rounded when hoppings at a centre were formed.
ROUNDING: Final = 2.0**-44
#: How often a box may be halved because its certificate is too long.
HALVINGS: Final = 6

Real = NDArray[np.float64]
Int = NDArray[np.int64]
Array = NDArray[np.complex128]


# ----------------------------------------------------------- What was asked, kept for later


@dataclass(frozen=True, eq=False)
class PlaneAsked:
    """The family of a diagram, and what was asked of it."""

    space: Expansion | Given
    kind: str
    quantity: str
    filled: int
    reversal: Array | None


@dataclass(frozen=True, eq=False)
class PathAsked:
    """Hamiltonians along a path, the trees of its straight parts, and what was asked."""

    stops: tuple[FourierLike, ...]
    trees: tuple[Tree, ...]
    kind: str
    quantity: str
    filled: int
    reversal: Array | None


@dataclass(frozen=True, eq=False)
class ClassesAsked:
    """Hamiltonians, the paths that join them, and where the integers of classes were proven.

    Attributes
    ----------
    paths
        Numbers of both ends, and what `certify_equivalent` kept of the path and its effort.
    at
        For each class a Hamiltonian whose integer is certified, or None.
    """

    stops: tuple[FourierLike, ...]
    paths: tuple[tuple[int, int, PathAsked, int], ...]
    at: tuple[int | None, ...]
    kind: str
    quantity: str
    filled: int
    reversal: Array | None


# ------------------------------------------- The family as the archive has it, and its bounds


@dataclass(frozen=True, eq=False)
class Written:
    """A family in the units of its hoppings, as the statement gives it.

    Attributes
    ----------
    names, low, high, dependence
        Parameters; a path has the dependence None, its Hamiltonians lie at 0, 1, ...
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors.
    terms : complex128 ndarray of shape (A, M, n, n)
        Hoppings of each product of basis functions, exactly Hermitian; blocks D of chains.
    error : float
        How far the family that is meant is from this one, in operator norm.
    """

    names: tuple[str, ...]
    low: Real
    high: Real
    dependence: tuple[Dependence, ...] | None
    vectors: Int
    terms: Array
    error: float
    filled: int
    chain: bool
    reversal: Array | None

    def basis(self, j: int, x: Real, low: Real, derivative: int = 0) -> Real:
        """Basis functions (B, A_j), or derivatives, of parameter j; `low` says which leg."""
        if self.dependence is None:
            leg = np.minimum(np.floor(low).astype(np.int64), len(self.terms) - 2)
            out, rows = np.zeros((len(x), len(self.terms))), np.arange(len(x))
            out[rows, leg] = -1.0 if derivative else leg + 1.0 - x
            out[rows, leg + 1] = 1.0 if derivative else x - leg
            return out
        d, ends = self.dependence[j], (float(self.low[j]), float(self.high[j]))
        found = d.functions(x, *ends, derivative)
        return found / (d.unit(*ends) if derivative else 1.0)

    def spread(self, j: int, x: Real, half: Real, derivative: int = 0) -> Real:
        """Bounds (B, A_j) of how far basis functions are on the box from those at its centre."""
        if self.dependence is None:
            step = 0.0 if derivative else 1.0
            return np.repeat(step * half[:, None], len(self.terms), axis=1)
        d, ends = self.dependence[j], (float(self.low[j]), float(self.high[j]))
        if d.trigonometric:
            order = np.concatenate([[0], np.repeat(np.arange(1, d.degree + 1), 2)])
            return np.asarray(half[:, None] * order ** (1.0 + derivative))
        unit = d.unit(*ends)
        u = np.abs(x - (0.5 * ends[0] + 0.5 * ends[1])) / unit
        far = d.functions(
            0.5 * ends[0] + 0.5 * ends[1] + (u + half / unit) * unit, *ends, derivative
        )
        near = d.functions(0.5 * ends[0] + 0.5 * ends[1] + u * unit, *ends, derivative)
        return np.abs(far - near) / (unit if derivative else 1.0)

    def at(self, low: Real, high: Real) -> tuple[Array, float]:
        """Hoppings (M, n, n) at the centre of a box, and a bound of their rounding."""
        centre = 0.5 * low + 0.5 * high
        factors = [self.basis(j, centre[j : j + 1], low[j : j + 1]) for j in range(len(low))]
        weight = _outer(factors)[0]
        h = np.tensordot(weight, self.terms, axes=1)
        size = float(np.abs(weight) @ frobenius(self.terms).sum(1))
        return h, ROUNDING * size

    def reach(self, low: Real, high: Real) -> float:
        """How far Hamiltonians of a box are from that at its centre, as the checker bounds it."""
        centre, half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
        found, n = self.error, len(low)
        for j in range(n):
            if not half[j] > 0.0:
                continue
            values, spreads = [], []
            for i in range(n):
                x, h = centre[i : i + 1], half[i : i + 1]
                values.append(self.basis(i, x, low[i : i + 1], int(i == j)))
                spreads.append(self.spread(i, x, h, int(i == j)))
            weight = _outer(values)[0]
            far = _outer([np.abs(v) + s for v, s in zip(values, spreads, strict=True)])[0]
            slope = np.tensordot(weight, self.terms, axes=1)
            blurred = np.tensordot(far - np.abs(weight), np.abs(self.terms), axes=1)
            spread = 2.0 * float(np.linalg.norm(blurred, axis=(-2, -1)).sum())
            found += half[j] * (self._size(slope) + spread)
        if self.reversal is not None:
            u = self.reversal
            off = self.terms - u @ self.terms.conj() @ u.conj().T
            each = 0.5 * power_norm(off).sum(1) + 2.0**-46 * power_norm(self.terms).sum(1)
            most = [
                np.abs(self.basis(j, centre[j : j + 1], low[j : j + 1]))
                + self.spread(j, centre[j : j + 1], half[j : j + 1])
                for j in range(n)
            ]
            found += float(_outer(most)[0] @ each)
        return ROOM * found

    def _size(self, slope: Array) -> float:
        """Bound over k of the norm of sum_R S_R e^(ik.R), without its trace unless a block."""
        if self.chain:
            return float(power_norm(slope).sum())
        n, zero = slope.shape[-1], (0,) * self.vectors.shape[1]
        a = slope - (np.trace(slope, axis1=-2, axis2=-1) / n)[:, None, None] * np.eye(n)
        half = np.array([tuple(r) > zero for r in self.vectors.tolist()])
        home = np.array([tuple(r) == zero for r in self.vectors.tolist()])
        pairs = power_norm(a[half]).sum() + np.sqrt(power_norm(a[half] @ a[half])).sum()
        return float(pairs + power_norm(a[home]).sum())

    def parameters(self) -> list[dict[str, Any]]:
        """Parameters of the statement."""
        out = []
        for j, name in enumerate(self.names):
            low, high = float(self.low[j]), float(self.high[j])
            kind, degree, centre, unit = "path", len(self.terms), 0.0, 1.0
            if self.dependence is not None:
                d = self.dependence[j]
                kind, degree = ("trigonometric" if d.trigonometric else "polynomial"), d.degree
                if not d.trigonometric:
                    centre, unit = 0.5 * low + 0.5 * high, d.unit(low, high)
            ends = {"lower": hexadecimal(low), "upper": hexadecimal(high)}
            rest = {"centre": hexadecimal(centre), "unit": hexadecimal(unit)}
            out.append({"name": name, **ends, "dependence": kind, "degree": degree, **rest})
        return out

    def family(self) -> list[Any]:
        """Hoppings of the statement."""
        zero = (0,) * self.vectors.shape[1]
        return [
            [[r, words_of(m)] for r, m in zip(self.vectors.tolist(), term, strict=True)
             if (self.chain or tuple(r) >= zero) and m.any()]
            for term in self.terms
        ]  # fmt: skip


def _outer(factors: Sequence[Real]) -> Real:
    """Products (B, A) of one column of each factor (B, A_j), the last running fastest."""
    return reduce(lambda a, b: (a[:, :, None] * b[:, None]).reshape(len(a), -1), factors)


def _hermitian(vectors: Int, terms: Array) -> tuple[Array, Real]:
    """Terms that are Hermitian to the last bit, and how far each was moved (A,)."""
    moved = [exact(Question("gap", vectors, h, 1)) for h in terms]
    return np.stack([q.amplitudes for q in moved]), np.array([q.amplitude_error for q in moved])


def _of_plane(asked: PlaneAsked, names: tuple[str, ...]) -> Written:
    """Family of a diagram."""
    space = asked.space
    if isinstance(space, Given):
        raise InputError(
            "Certificates need the dependence on parameters, but Lipschitz constants were given:"
            " call `certify_phases` with `dependence`."
        )
    terms = np.ldexp(space.coefficients.view(np.float64), space.exponent).view(np.complex128)
    error = math.ldexp((AWAY + 1.0) * space.noise, space.exponent)
    chain, vectors = asked.kind == "winding", space.vectors
    if chain:
        half = terms.shape[-1] // 2
        terms = np.ascontiguousarray(terms[..., :half, half:])
    else:
        terms, moved = _hermitian(vectors, terms)
        most = [d.largest(0)[None] for d in space.dependence]
        error += float(_outer(most)[0] @ moved) * ROOM
    return Written(
        names, space.low, space.high, space.dependence, vectors, terms, error, asked.filled, chain,
        asked.reversal,
    )  # fmt: skip


def _of_path(asked: PathAsked, *, blocks: bool) -> Written:
    """Path between given Hamiltonians, or between their blocks."""
    vectors, terms = aligned(asked.stops)
    chain, error = blocks, 0.0
    for h in asked.stops:
        given = float(getattr(h, "amplitude_error", None) or 0.0)
        if is_two_band_like(h):
            given += 2.0**-51 * float(np.abs(h.amplitudes).sum())
        error = max(error, given)
    if chain:
        half = terms.shape[-1] // 2
        terms = np.ascontiguousarray(terms[..., :half, half:])
    else:
        terms, moved = _hermitian(vectors, terms)
        error += float(moved.max())
    last = float(len(terms) - 1)
    return Written(
        ("t",), np.zeros(1), np.array([last]), None, vectors, terms, error, asked.filled, chain,
        asked.reversal,
    )  # fmt: skip


# ------------------------------------------------------------------ Certificates of boxes


def _coarse(dim: int) -> BandEvidence:
    """Where to begin: few large cells."""
    start = (2,) * dim
    return BandEvidence(CellTree(start, "0" * 2**dim), np.zeros((0, 0, 0), np.complex64))


def _certificate(
    family: Written, quantity: str, low: Real, high: Real, value: int, gap: float,
    parts: tuple[float, ...] = PARTS, limit: int = LIMIT,
) -> dict[str, Any]:  # fmt: skip
    """Certificate that speaks of all Hamiltonians of a box; refuses what takes too many cells."""
    h, rounding = family.at(low, high)
    question = Question(
        quantity, family.vectors, h, family.filled, family.reach(low, high) + 2.0 * rounding,
        family.reversal if quantity == "Z2 invariant" else None,
    )  # fmt: skip
    evidence = _coarse(family.vectors.shape[1]) if quantity == "gap" else None
    return document_of(Proof(question, evidence), value, gap, limit, parts)


def _cosine(family: Written, leg: int, value: int, gap: float, limit: int) -> dict[str, Any]:
    """Certificate of a whole straight part of a path, with one more momentum.

    H((t_0 + t_1) / 2 + (t_1 - t_0) / 2 cos(theta)) is (H_0 + H_1) / 2 + cos(theta) (H_1 - H_0) / 2.
    """
    h0, h1 = family.terms[leg], family.terms[leg + 1]
    mean, swing = 0.5 * h0 + 0.5 * h1, 0.25 * h1 - 0.25 * h0
    here = np.arange(len(family.vectors))
    rows = [(here, m) for m in (-1, 0, 1)]
    vectors = np.concatenate([
        np.concatenate([family.vectors, np.full((len(r), 1), m, np.int64)], 1) for r, m in rows
    ])  # fmt: skip
    amplitudes = np.concatenate([swing, mean, swing])
    size = float(frobenius(family.terms[leg : leg + 2]).sum())
    zero = np.zeros(1) + leg
    error = family.reach(zero, zero) + ROUNDING * size
    if family.reversal is not None:
        error = max(error, family.reach(zero + 1.0, zero + 1.0) + ROUNDING * size) * 2.0
    question = Question("gap", vectors, amplitudes, family.filled, error)
    evidence = _coarse(vectors.shape[1])
    return document_of(Proof(question, evidence), value, gap, limit, PARTS)


class _Archive:
    """Certificates one after the other, and the statement that follows from them."""

    def __init__(self, part: Path) -> None:
        self.files = zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED)
        self.count = 0

    def add(self, document: dict[str, Any], ending: str = ".cert.json") -> str:
        """Write a certificate, or a statement; returns its name."""
        name = f"{self.count:06d}{ending}"
        self.count += 1
        self._write(name, document)
        return name

    def close(self, statement: dict[str, Any]) -> None:
        """Write the statement."""
        self._write(STATEMENT, statement)
        self.files.close()

    def _write(self, name: str, document: dict[str, Any]) -> None:
        info = zipfile.ZipInfo(name)  # without the time: equal proofs are equal bytes
        info.compress_type = zipfile.ZIP_DEFLATED
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=True) + "\n"
        self.files.writestr(info, text)


def _statement(
    family: Written, quantity: str, regions: list[dict[str, Any]], evidence: dict[str, Any]
) -> dict[str, Any]:
    """Content of the statement."""
    return {
        "format": FORMAT, "version": VERSION, "question": _question(family, quantity),
        "claim": {"regions": regions}, "evidence": evidence,
    }  # fmt: skip


def _question(family: Written, quantity: str) -> dict[str, Any]:
    """Question of a statement."""
    n = family.terms.shape[-1]
    question: dict[str, Any] = {
        "quantity": quantity,
        "dimension": family.vectors.shape[1],
        "bands": 2 * n if family.chain else n,
        "n_occupied": n if family.chain else family.filled,
        "parameters": family.parameters(),
        "family": family.family(),
        "error": hexadecimal(family.error),
    }
    if family.reversal is not None:
        question["time_reversal"] = words_of(family.reversal)
    return question


def _claimed(document: dict[str, Any]) -> float:
    """Gap that a certificate claims."""
    word = document["claim"]["gap_lower"]
    return 0.0 if word == "0" else float.fromhex(word)


def _is_proof(path: Path) -> bool:
    """Whether a file is an earlier archive."""
    if not is_archive(path):
        return False
    with zipfile.ZipFile(path) as files:
        return STATEMENT in files.namelist()


def _target(path: str | Path) -> Path:
    target = Path(path)
    if not target.name.endswith(".phases.zip"):
        raise InputError(f"Argument `path` must end in .phases.zip, but is {short(str(path))}.")
    return target


@dataclass(eq=False)
class _Diagram:
    """Boxes of a diagram for which there are certificates so far.

    Attributes
    ----------
    integer : callable
        Invariant of a leaf of the given tree by its row; None where there is none.
    origin : int64 ndarray of shape (T,)
        Leaf of the given tree that each row is part of.
    done : dict of int to dict
        File and claimed gap of each box.
    """

    family: Written
    asked: PlaneAsked
    domain: Real
    tree: Tree
    integer: Callable[[int], int | None]
    archive: _Archive
    origin: Int
    done: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether boxes carry the integer: for two bands and chains it costs no more than gaps."""
        two = self.asked.quantity == "Chern number" and self.family.terms.shape[-1] == 2
        return self.family.chain or two

    def value(self, row: int) -> int | None:
        """Invariant of a box."""
        return self.integer(int(self.origin[row]))

    def ends(self, row: int) -> tuple[Real, Real]:
        """Lower and upper corner (P,) of a box."""
        low, high = self.tree.bounds(np.array([row]), *self.domain.T)
        return low[0], high[0]

    def cover(self, share: float) -> None:
        """Write certificates, of the largest boxes first; those that are too long are halved."""
        proven, queue = 0.0, deque(_largest_first(self.tree))
        while queue and proven < share:
            row, depth = queue.popleft()
            if self.value(row) is None:
                continue
            document = self.certificate(row)
            if document is not None:
                name, gap = self.archive.add(document), _claimed(document)
                self.done[row] = {"file": name, "axes": [], "gap": gap}
                proven += float(self.tree.volume(np.array([row]))[0])
            elif depth < HALVINGS:
                queue.extendleft((half, depth + 1) for half in self.halve(row))

    def certificate(self, row: int) -> dict[str, Any] | None:
        """Certificate of a box; None where it takes too many cells."""
        low, high = self.ends(row)
        if 2.0 * self.family.reach(low, high) >= self.tree.met[row]:
            return None
        quantity, value = "gap", self.asked.filled
        if self.whole:
            quantity, value = self.asked.quantity, self.value(row) or 0
        try:
            return _certificate(self.family, quantity, low, high, value, float(self.tree.gap[row]))
        except InputError:
            return None

    def halve(self, row: int) -> list[int]:
        """Halve a box along the axis that changes most, the upper half first."""
        axis = _longest(self.family, *self.ends(row))
        (halves,) = self.tree.halve(np.array([row]), np.array([axis]))
        self.tree.gap[halves] = self.tree.gap[row]
        self.origin = np.concatenate([self.origin, np.repeat(self.origin[row], 2)])
        return [int(x) for x in halves[::-1]]

    def statement(self) -> dict[str, Any]:
        """Conclude from the certificates; those of integers are written here."""
        quantity, rows = self.asked.quantity, np.array(sorted(self.done))
        label = components(self.tree, rows)
        number = dict(zip(rows.tolist(), label.tolist(), strict=True))
        regions, points = [], []
        for i in range(int(label.max()) + 1):
            mine = rows[label == i]
            value = self.value(int(mine[0]))
            assert value is not None
            lowest = min(self.done[r]["gap"] for r in mine.tolist())
            regions.append({"value": value, "gap_lower": hexadecimal(lowest)})
            if self.whole or quantity == "gap":
                continue
            best = int(mine[np.argmax(self.tree.gap[mine])])
            low, high = self.ends(best)
            at, gap = 0.5 * low + 0.5 * high, float(self.tree.gap[best])
            document = _certificate(self.family, quantity, at, at, value, gap, limit=LARGE)
            where = [hexadecimal(x) for x in at.tolist()]
            points.append({"region": i, "at": where, "file": self.archive.add(document)})
        order = list(_preorder(self.tree, self.domain, number))
        files = [self.done[r] for kind, r in order if kind == "leaf" and r in self.done]
        evidence = {
            "boxes": [number.get(x, -1) if kind == "leaf" else x for kind, x in order],
            "files": [{"file": f["file"], "axes": f["axes"]} for f in files],
            "points": points,
        }
        return _statement(self.family, quantity, regions, evidence)


def write_diagram_proof(
    path: str | Path,
    asked: PlaneAsked,
    names: tuple[str, ...],
    domain: Real,
    tree: Tree,
    integer: Callable[[int], int | None],
    share: float,
) -> Path:
    """Write certificates of the largest boxes until they make up a share of the diagram.

    `integer` tells the invariant of a leaf by its row in the tree.
    """
    for name in names:
        if not (name.isascii() and name.isidentifier() and len(name) <= 64):
            raise InputError(
                f"Parameters of a file must be named by identifiers of at most 64 ASCII letters,"
                f" but one is {short(name)}; rename it in the family."
            )
    target, family = _target(path), _of_plane(asked, names)
    tree = Tree(**{n: x.copy() for n, x in vars(tree).items()})
    with complete_file(target, ours=_is_proof) as part:
        archive = _Archive(part)
        every = np.arange(len(tree.axis))
        diagram = _Diagram(family, asked, domain, tree, integer, archive, every)
        diagram.cover(share)
        if not diagram.done:
            raise InputError("No box of this diagram could be written as a certificate.")
        archive.close(diagram.statement())
    return target


def _largest_first(tree: Tree) -> list[tuple[int, int]]:
    """Proven leaves, the largest first, each as yet not halved."""
    leaves = tree.leaves
    rows = leaves[tree.gap[leaves] > 0.0]
    order = np.lexsort((-tree.gap[rows], -tree.volume(rows)))
    return [(int(r), 0) for r in rows[order]]


def _longest(family: Written, low: Real, high: Real) -> int:
    """Axis along which a box changes its Hamiltonians most."""
    change = []
    for j in range(len(low)):
        a, b = (0.5 * low + 0.5 * high for _ in range(2))
        a[j], b[j] = low[j], high[j]
        change.append(family.reach(a, b))
    return int(np.argmax(change))


def _preorder(
    tree: Tree, domain: Real, number: dict[int, int]
) -> Iterator[tuple[str, Any]]:  # fmt: skip
    """Cuts as pairs [axis, where] and leaves by row; parts without any region are one leaf."""
    some = np.zeros(len(tree.axis), np.bool_)
    some[list(number)] = True
    for row in range(len(tree.axis) - 1, -1, -1):  # halves come after what they are halves of
        if tree.axis[row] >= 0:
            child = tree.child[row]
            some[row] = some[child] or some[child + 1]
    todo = [0]
    while todo:
        row = todo.pop()
        if tree.axis[row] < 0 or not some[row]:
            yield "leaf", row if row in number else -1
            continue
        child, axis = int(tree.child[row]), int(tree.axis[row])
        cut = float(tree.bounds(np.array([child]), *domain.T)[1][0, axis])
        yield "cut", [axis, hexadecimal(cut)]
        todo += [child + 1, child]


def write_path_proof(
    path: str | Path,
    asked: PathAsked,
    integers: tuple[int | None, int | None] | None,
    limit: int,
) -> Path:
    """Write the proof of "one phase", or, where there are two integers, of "different phases"."""
    target = _target(path)
    with complete_file(target, ours=_is_proof) as part:
        archive = _Archive(part)
        family = _of_path(asked, blocks=integers is not None and asked.kind == "winding")
        if integers is None:
            statement = _one_phase(family, asked.trees, archive, limit)
        else:
            regions, points = [], []
            for i, (value, at) in enumerate(zip(integers, (family.low, family.high), strict=True)):
                assert value is not None
                document = _certificate(
                    family, asked.quantity, at, at, value, 1.0, (0.0,), limit=LARGE
                )
                regions.append({"value": value, "gap_lower": "0"})
                where = [hexadecimal(x) for x in at.tolist()]
                points.append({"region": i, "at": where, "file": archive.add(document)})
            evidence = {"boxes": [-1], "files": [], "points": points}
            statement = _statement(family, asked.quantity, regions, evidence)
        archive.close(statement)
    return target


def write_classes_proof(
    path: str | Path, asked: ClassesAsked, classes: list[int], integers: tuple[int | None, ...]
) -> Path:
    """Write the paths that join members of classes, and a certificate of each integer."""
    target = _target(path)
    if not MEMBERS[0] <= len(asked.stops) <= MEMBERS[1]:
        raise InputError(
            f"An archive of classes can be written of {MEMBERS[0]} to {MEMBERS[1]} Hamiltonians,"
            f" but there are {len(asked.stops)}; save certificates or paths one by one."
        )
    with complete_file(target, ours=_is_proof) as part:
        archive = _Archive(part)
        blocks = asked.kind == "winding"
        every = PathAsked(asked.stops, (), asked.kind, asked.quantity, asked.filled, asked.reversal)
        family = _of_path(every, blocks=blocks)
        paths, proofs = [], []
        for one, other, kept, evaluations in asked.paths:
            line = _of_path(kept, blocks=False)
            # a path holds for all that its ends may be
            line = replace(line, error=max(line.error, family.error))
            limit = max(1000, 4 * evaluations)
            statement = _one_phase(line, kept.trees, archive, limit)
            name = archive.add(statement, ".path.json")
            paths.append({"from": one, "to": other, "file": name})
        for at, value in zip(asked.at, integers, strict=True):
            if at is None or value is None:
                continue
            here = np.array([float(at)])
            document = _certificate(
                family, asked.quantity, here, here, value, 1.0, (0.0,), limit=LARGE
            )
            proofs.append({"at": at, "file": archive.add(document)})
        archive.close({
            "format": CLASSES, "version": VERSION, "question": _question(family, asked.quantity),
            "claim": {"classes": classes, "values": list(integers)},
            "evidence": {"paths": paths, "integers": proofs},
        })  # fmt: skip
    return target


def _one_phase(
    family: Written, trees: tuple[Tree, ...], archive: _Archive, limit: int
) -> dict[str, Any]:
    """Prove the gap on each straight part: by one more momentum, else box by box."""
    tokens: list[Any] = []
    files: list[dict[str, Any]] = []
    lowest, last = np.inf, len(trees) - 1

    def add(document: dict[str, Any], axes: list[int]) -> None:
        nonlocal lowest
        lowest = min(lowest, _claimed(document))
        tokens.append(0)
        files.append({"file": archive.add(document), "axes": axes})

    def box(low: float, high: float, gap: float, depth: int) -> None:
        try:
            ends = np.array([low]), np.array([high])
            document = _certificate(family, "gap", *ends, family.filled, gap)
        except InputError:
            if depth == HALVINGS:
                raise
            middle = 0.5 * low + 0.5 * high
            tokens.append([0, hexadecimal(middle)])
            box(low, middle, gap, depth + 1)
            box(middle, high, gap, depth + 1)
            return
        add(document, [])

    for leg, tree in enumerate(trees):
        if leg < last:
            tokens.append([0, hexadecimal(leg + 1.0)])
        gap = float(tree.gap[tree.leaves].min())
        if family.vectors.shape[1] < 3:
            try:
                add(_cosine(family, leg, family.filled, gap, limit), [0])
            except InputError:
                pass
            else:
                continue
        domain = np.array([[float(leg), leg + 1.0]])
        rows = {int(r): 0 for r in tree.leaves}
        for kind, x in _preorder(tree, domain, rows):
            if kind == "cut":
                tokens.append(x)
                continue
            low, high = (float(q[0, 0]) for q in tree.bounds(np.array([x]), *domain.T))
            box(low, high, float(tree.gap[x]), 0)
    regions = [{"value": family.filled, "gap_lower": hexadecimal(lowest)}]
    evidence = {"boxes": tokens, "files": files, "points": []}
    return _statement(family, "gap", regions, evidence)
