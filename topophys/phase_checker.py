"""Check proven phase diagrams, equivalences and classes: `python phase_checker.py x.phases.zip`.

Needs the files `checker.py`, `gap_checker.py` and `bundle_checker.py`, which check each certificate
of the archive, and nothing else of the program that wrote it. An archive holds `statement.json`, a
family H(k, p) of Hamiltonians with boxes of parameters, and one certificate for each box. Every
certificate speaks of all Hamiltonians within its `amplitude_error` of the one that it gives; what
is proven here is that every H(., p) of the box is among them, and that boxes hang together. To do
without this file, unpack the archive, run `checker.py` on the certificates, and compare: the page
"Phases in files" of the documentation has the theorems and the format.

Exit status: 0 accepted; 1 rejected; 2 the file cannot be read or is no such archive.
"""

from __future__ import annotations

import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import floor, prod
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from flint import acb_mat, arb, ctx

if __package__:
    from topophys import checker
else:  # a copy of this file beside one of the checker
    import checker  # type: ignore[import-not-found, no-redef]

Point: TypeAlias = tuple[int, ...]
Matrices: TypeAlias = dict[Point, acb_mat]
need, whole, listed, number, keys = (
    checker.need, checker.whole, checker.listed, checker.number, checker.keys,
)  # fmt: skip
RejectedError, UnreadableError = checker.RejectedError, checker.UnreadableError

FORMAT, VERSION, STATEMENT = "topophys phases", 1, "statement.json"
CLASSES = "topophys phase classes"
MAX_MEMBERS, MAX_DEGREE, MAX_STOPS, MAX_TERMS = 10**6, 16, 1000, 10**5
QUANTITIES = ("gap", "Chern number", "Z2 invariant", "winding number")


# ---------------------------------------------------------------- 1. the family


class Box(NamedTuple):
    """Lower and upper ends of a box of parameters."""

    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass
class Parameter:
    """Name, range, and how hoppings depend on it.

    "polynomial": powers up to `degree` of (p - centre) / unit; "trigonometric": 1, cos p, sin p,
    cos 2p, ...; "path": `degree` Hamiltonians at p = 0, 1, ..., joined by straight lines.
    """

    name: str
    low: float
    high: float
    kind: str
    degree: int
    centre: arb
    unit: arb

    @classmethod
    def of(cls, given: Any) -> Parameter:
        """Read one."""
        data = keys(given, "name lower upper dependence degree centre unit")
        kind, name, low, high = data["dependence"], data["name"], *map(
            number, (data["lower"], data["upper"])
        )  # fmt: skip
        plain = isinstance(name, str) and name.isascii() and name.isidentifier()
        need(plain and len(name) <= 64, "a name must be an identifier of at most 64 letters")
        need(kind in ("polynomial", "trigonometric", "path"), "a dependence is unknown")
        path = kind == "path"
        degree = whole(data["degree"], 2 if path else 1, MAX_STOPS if path else MAX_DEGREE)
        need(low < high, "a range of parameters is empty")
        need(not path or (low, high) == (0.0, degree - 1.0), "a path has another range")
        unit = number(data["unit"])
        need(unit > 0.0, "the unit of a parameter must be above 0")
        return cls(name, low, high, kind, degree, arb(number(data["centre"])), arb(unit))

    @property
    def count(self) -> int:
        """Number of basis functions."""
        return {"polynomial": self.degree + 1, "trigonometric": 2 * self.degree + 1}.get(
            self.kind, self.degree
        )

    def basis(self, x: arb, ends: tuple[float, float]) -> tuple[list[arb], list[arb]]:
        """Basis functions and derivatives at all values of a ball; a path needs the box."""
        if self.kind == "polynomial":
            u = (x - self.centre) / self.unit
            powers = [arb(1)]  # not u**a, which is not known for a ball around 0
            for _ in range(self.degree):
                powers.append(powers[-1] * u)
            return powers, [arb(0), *(a * powers[a - 1] / self.unit for a in range(1, len(powers)))]
        if self.kind == "trigonometric":
            values, slopes = [arb(1)], [arb(0)]
            for n in range(1, self.degree + 1):
                c, s = (n * x).cos(), (n * x).sin()
                values += [c, s]
                slopes += [-n * s, n * c]
            return values, slopes
        leg = min(floor(ends[0]), self.degree - 2)
        need(ends[1] <= leg + 1, "a box reaches around a corner of the path")
        values, slopes = ([arb(0)] * self.degree for _ in range(2))
        values[leg], values[leg + 1] = leg + 1 - x, x - leg
        slopes[leg], slopes[leg + 1] = arb(-1), arb(1)
        return values, slopes


def matrices(given: Any, n: int, dim: int, *, block: bool) -> Matrices:
    """Read hoppings; those at -R are added unless they are of a block."""
    found: Matrices = {}
    for item in listed(given):
        vector, words = listed(item, 2)
        r = tuple(whole(x, -checker.MAX_RANGE, checker.MAX_RANGE) for x in listed(vector, dim))
        need(r not in found and (block or r >= (0,) * dim), "a lattice vector comes twice")
        found[r] = acb_mat(n, n, checker.complexes(words, n * n))
    if not block:
        home = found.get((0,) * dim)
        hermitian = home is None or (home - checker.dagger(home)) == acb_mat(n, n)
        need(hermitian, "the matrix at R = 0 is not Hermitian")
        found |= {tuple(-x for x in r): checker.dagger(h) for r, h in found.items()}
    return found


class Family:
    """H(k, p) = sum_a prod_j phi_(a_j)(p_j) H_a(k), or the block D(k, p) of a chain."""

    def __init__(self, question: dict[str, Any]) -> None:
        names = "quantity dimension bands n_occupied parameters family error"
        self.reversal = question.get("time_reversal")
        keys(question, names + " time_reversal" * (self.reversal is not None))
        self.quantity = question["quantity"]
        need(self.quantity in QUANTITIES, "the quantity is unknown")
        self.chain = self.quantity == "winding number"
        self.bands = whole(question["bands"], 2, checker.MAX_BANDS)
        self.filled = whole(question["n_occupied"], 1, self.bands - 1)
        two = self.quantity in ("Chern number", "Z2 invariant")
        self.dim = whole(question["dimension"], 1 + two, 2 if two else 1 if self.chain else 3)
        need(not self.chain or self.bands == 2 * self.filled, "a chain is half filled")
        self.n = self.filled if self.chain else self.bands
        self.parameters = [Parameter.of(x) for x in listed(question["parameters"])]
        need(1 <= len(self.parameters) <= 3, "there must be one to three parameters")
        different = len({p.name for p in self.parameters}) == len(self.parameters)
        need(different, "two parameters have one name")
        path = any(p.kind == "path" for p in self.parameters)
        need(not path or len(self.parameters) == 1, "a path has no other parameters")
        count = prod(p.count for p in self.parameters)
        need(count <= MAX_TERMS, "the family has too many terms")
        self.terms = [
            matrices(x, self.n, self.dim, block=self.chain)
            for x in listed(question["family"], count)
        ]
        self.error = arb(number(question["error"], 0.0))
        need((self.quantity == "Z2 invariant") <= (self.reversal is not None), "no time reversal")
        need(self.reversal is None or not self.chain, "a chain has no time reversal here")
        self.wrong = [arb(0)] * count
        if self.reversal is not None:
            given = acb_mat(self.n, self.n, checker.complexes(self.reversal, self.n**2))
            u = checker.unitary((given - given.transpose()) / 2)
            self.wrong = [
                checker.total(checker.norm(h - u * h.conjugate() * checker.dagger(u)) / 2
                              for h in term.values())
                for term in self.terms
            ]  # fmt: skip
        self.known: dict[tuple[Any, ...], arb] = {}

    @property
    def domain(self) -> Box:
        """The whole box."""
        return Box(tuple(p.low for p in self.parameters), tuple(p.high for p in self.parameters))

    def products(self, factors: Sequence[Sequence[arb]]) -> list[arb]:
        """Products of one factor of each parameter, the last running fastest."""
        return [prod(each, start=arb(1)) for each in product(*factors)]

    def at_centre(self, box: Box, axes: Sequence[int]) -> Matrices:
        """Hoppings at the centre; along each axis p = centre + half edge cos(one more momentum)."""
        harmonics: list[list[dict[int, arb]]] = []
        for j, (p, *ends) in enumerate(zip(self.parameters, *box, strict=True)):
            low, high = ends
            middle, half = (arb(high) + s * arb(low) for s in (1, -1))
            values, slopes = p.basis(middle / 2, (low, high))
            steps = [s * half / 4 for s in slopes]
            linear = p.kind == "path" or (p.kind == "polynomial" and p.degree == 1)
            need(j not in axes or linear, "only a parameter that enters linearly can be an axis")
            each = ({0: v, 1: s, -1: s} if j in axes else {0: v}
                    for v, s in zip(values, steps, strict=True))  # fmt: skip
            harmonics.append(list(each))
        found: Matrices = {}
        for term, factors in zip(self.terms, product(*harmonics), strict=True):
            for chosen in product(*(f.items() for f in factors)):
                weight = prod((w for _, w in chosen), start=arb(1))
                if weight == 0:
                    continue
                more = tuple(chosen[j][0] for j in axes)
                for r, h in term.items():
                    part = h * weight
                    found[r + more] = found[r + more] + part if r + more in found else part
        return found

    def reach(self, box: Box, axes: Sequence[int]) -> arb:
        """Bound of |H(k, p) - H(k, centre) - c(k)| on the box, and of the symmetric part from H.

        By the mean value theorem along each parameter that is no axis.
        """
        balls = [arb(a).union(arb(b)) for a, b in zip(*box, strict=True)]
        both = [p.basis(x, (a, b)) for p, x, a, b in zip(self.parameters, balls, *box, strict=True)]
        found = self.error
        for j, (low, high) in enumerate(zip(*box, strict=True)):
            if j in axes or low == high:
                continue
            slopes = self.products([s if i == j else v for i, (v, s) in enumerate(both)])
            found += (arb(high) - arb(low)) / 2 * self.size(slopes)
        if self.reversal is not None:
            sizes = self.products([v for v, _ in both])
            found += checker.total(abs(s) * w for s, w in zip(sizes, self.wrong, strict=True))
        return arb(found.upper())

    def size(self, weights: Sequence[arb]) -> arb:
        """Bound over k of |sum_a w_a H_a(k)|; of its traceless part unless it is a block."""
        key = tuple(x for w in weights for q in (w.mid(), w.rad()) for x in map(int, q.man_exp()))
        if key not in self.known:
            total: Matrices = {}
            for w, term in zip(weights, self.terms, strict=True):
                if w == 0:
                    continue
                for r, h in term.items():
                    total[r] = total[r] + h * w if r in total else h * w
            self.known[key] = checker.total(self.norms(total))
        return self.known[key]

    def norms(self, total: Matrices) -> Iterator[arb]:
        """Bounds that add up to one of sum_R S_R e^(ik.R); pairs R, -R together."""
        zero = (0,) * self.dim
        for r, s in total.items():
            if self.chain:
                yield checker.norm(s)
            elif r >= zero:
                a = s - acb_mat(self.n, self.n, 1) * (s.trace() / self.n)
                # |A e^(it) + A^dagger e^(-it)| <= |A| + |A^2|^(1/2): Kittaneh
                yield checker.norm(a) + (checker.norm(a * a).sqrt() if r > zero else 0)


# ---------------------------------------------------------------- 2. boxes


@dataclass
class Node:
    """A box, cut along an axis or a leaf of a region; -1: nothing is said of it."""

    box: Box
    region: int = -1
    axis: int = -1
    cut: float = 0.0
    halves: list[Node] = field(default_factory=list)
    row: int = -1


def tiled(tokens: Any, domain: Box, n_regions: int) -> tuple[Node, list[Node]]:
    """Read cuts and leaves in preorder; returns the root and the leaves of regions, in order."""
    root = Node(domain)
    todo, found, rest = [root], list[Node](), iter(listed(tokens))
    while todo:
        node, token = todo.pop(), next(rest, None)
        if isinstance(token, list):
            axis, word = listed(token, 2)
            node.axis, node.cut = whole(axis, 0, len(domain.low) - 1), number(word)
            low, high = node.box.low[node.axis], node.box.high[node.axis]
            need(low < node.cut < high, "a cut lies outside of its box")
            for upper in (False, True):
                ends = [list(node.box.low), list(node.box.high)]
                ends[not upper][node.axis] = node.cut
                node.halves.append(Node(Box(tuple(ends[0]), tuple(ends[1]))))
            todo += reversed(node.halves)
            continue
        node.region = whole(token, -1, n_regions - 1)
        if node.region >= 0:
            node.row = len(found)
            found.append(node)
    need(next(rest, None) is None, "there are more boxes than the domain holds")
    return root, found


def leaf_at(root: Node, point: Sequence[float], face: int = -1, upper: bool = False) -> Node:
    """Leaf with a point; where a cut goes through it, the one on the side asked for."""
    node = root
    while node.axis >= 0:
        x = point[node.axis]
        above = x > node.cut or (x == node.cut and (upper or node.axis != face))
        node = node.halves[above]
    return node


def connected(root: Node, leaves: Sequence[Node]) -> int:
    """Count connected parts of leaves, with neighbours across the centres of their sides."""
    parent = list(range(len(leaves)))
    mine = {leaf.row: i for i, leaf in enumerate(leaves)}

    def first(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, leaf in enumerate(leaves):
        middle = [a / 2 + b / 2 for a, b in zip(*leaf.box, strict=True)]
        for axis, upper in product(range(len(middle)), (False, True)):
            at = list(middle)
            at[axis] = leaf.box[upper][axis]
            other = mine.get(leaf_at(root, at, axis, upper).row, -1)
            if other >= 0:
                parent[first(i)] = first(other)
    return len({first(i) for i in range(len(leaves))})


# ---------------------------------------------------------------- 3. certificates of boxes


@dataclass
class Archive:
    """Statements and certificates."""

    files: zipfile.ZipFile
    left: int
    read: set[str] = field(default_factory=set)

    def text(self, name: Any) -> str:
        """Text of a member; what would unpack to too much is refused before it is."""
        need(isinstance(name, str) and name != STATEMENT, "a certificate is not named")
        return unpacked(self, name)


def unpacked(archive: Archive, name: str) -> str:
    """Unpack a member within the limit of all that is unpacked."""
    try:
        about = archive.files.getinfo(name)
        stored = about.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        need(stored, "a member is neither stored nor deflated")
        archive.left -= about.file_size
        archive.read.add(name)
        need(archive.left >= 0, "the archive unpacks to too much")
        return archive.files.read(name).decode("ascii")
    except KeyError:
        raise RejectedError(f"{name!a} is missing") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
            UnicodeDecodeError) as error:  # fmt: skip
        raise UnreadableError(f"{name!a} is damaged") from error


class Proven(NamedTuple):
    """What a certificate proves of every Hamiltonian of a box."""

    quantity: str
    value: int
    gap: float


def prove(family: Family, text: str, box: Box, axes: Sequence[int]) -> Proven:
    """Check a certificate, and that all Hamiltonians of the box are among those it speaks of."""
    data = checker.read(text)
    question, claim = (dict(data[x]) for x in ("question", "claim"))
    quantity, dim = question["quantity"], family.dim + len(axes)
    chain = quantity == "winding number"
    need(chain == family.chain, "a certificate is about another quantity")
    if chain:
        need(question["block"] == family.n and not axes, "a certificate is of other bands")
    else:
        same = (question["dimension"], question["bands"], question["n_occupied"])
        need(same == (dim, family.bands, family.filled), "a certificate is of other bands")
    need(quantity in ("gap", family.quantity), "a certificate is about another quantity")
    if quantity == "Z2 invariant":
        same_u = question["time_reversal"] == family.reversal
        need(same_u, "a certificate is about another time reversal")
    given = matrices(question["hoppings"], family.n, dim, block=chain)
    meant = family.at_centre(box, axes)
    zero = acb_mat(family.n, family.n)
    away = checker.total(
        checker.frobenius(meant.get(r, zero) - given.get(r, zero)) for r in {*meant, *given}
    )
    within = arb(number(question["amplitude_error"], 0.0))
    need(away + family.reach(box, axes) <= within, "a certificate does not reach over its box")
    checker.check(text)
    ctx.prec = 128
    return Proven(quantity, int(claim["value"]), number(claim["gap_lower"], 0.0))


# ---------------------------------------------------------------- 4. the statement


class Diagram(NamedTuple):
    """A family, the boxes of its regions, their integers, gaps and points with a certificate."""

    family: Family
    leaves: list[Node]
    values: list[int]
    gaps: list[float]
    where: dict[int, list[tuple[float, ...]]]


def check(archive: Archive, text: str) -> Diagram:
    """Check a statement; what it proves, or `RejectedError`, `UnreadableError`."""
    data = read(text)
    family = Family(dict(data["question"]))
    claim, evidence = keys(data["claim"], "regions"), keys(data["evidence"], "boxes files points")
    regions = [keys(x, "value gap_lower") for x in listed(claim["regions"])]
    values = [whole(x["value"], -(10**12), 10**12) for x in regions]
    gaps = [number(x["gap_lower"], 0.0) for x in regions]
    need(len(regions) > 0, "nothing is claimed")
    ctx.prec = 128
    root, leaves = tiled(evidence["boxes"], family.domain, len(regions))
    files = [keys(x, "file axes") for x in listed(evidence["files"], len(leaves))]
    points = [keys(x, "region at file") for x in listed(evidence["points"])]
    need(len(files) + len(points) <= MAX_MEMBERS, "there are too many certificates")
    integers: set[int] = set(range(len(regions))) if family.quantity == "gap" else set()
    for leaf, member in zip(leaves, files, strict=True):
        axes = [whole(j, 0, len(family.parameters) - 1) for j in listed(member["axes"])]
        need(len(set(axes)) == len(axes), "an axis comes twice")
        found = prove(family, archive.text(member["file"]), leaf.box, axes)
        need(found.gap >= gaps[leaf.region], "the gap may be smaller in a box")
        if found.quantity == family.quantity:
            settle(found.value, values[leaf.region])
            # in one more dimension it would be the invariant of something else
            need(found.quantity == "gap" or not axes, "an integer has an axis")
            integers.add(leaf.region)
    where: dict[int, list[tuple[float, ...]]] = {}
    for point in points:
        region = whole(point["region"], 0, len(regions) - 1)
        at = tuple(number(x) for x in listed(point["at"], len(family.parameters)))
        inside = all(a <= x <= b for x, a, b in zip(at, *family.domain, strict=True))
        need(inside, "a point lies outside of the domain")
        found = prove(family, archive.text(point["file"]), Box(at, at), ())
        need(found.quantity == family.quantity, "a certificate is about another quantity")
        settle(found.value, values[region])
        integers.add(region)
        where.setdefault(region, []).append(at)
    need(integers == set(range(len(regions))), "a region has no integer")
    for i, gap in enumerate(gaps):
        mine = [leaf for leaf in leaves if leaf.region == i]
        at_points = where.get(i, [])
        if not mine:
            need(len(at_points) == 1 and gap == 0.0, "a region without boxes must be one point")
            others = {p for j, found in where.items() if j != i for p in found}
            apart = at_points[0] not in others and not any(map(holds(at_points[0]), leaves))
            need(apart, "a region without boxes lies in another")
            continue
        need(connected(root, mine) == 1, "the boxes of a region do not hang together")
        for p in at_points:
            need(any(map(holds(p), mine)), "a point lies outside of its region")
    # a region cut in two would read as two phases
    need(connected(root, leaves) == len({x.region for x in leaves}), "two regions touch")
    return Diagram(family, leaves, values, gaps, where)


def holds(point: Sequence[float]) -> Callable[[Node], bool]:
    """Whether a box holds the point, sides included."""
    return lambda leaf: all(a <= x <= b for x, a, b in zip(point, *leaf.box, strict=True))


def settle(found: int, claimed: int) -> None:
    """Require that an integer is the one claimed."""
    need(found == claimed, f"the integer is {found}, not {claimed}")


def volume(box: Box) -> Fraction:
    """Product of the edges, exactly."""
    return prod((Fraction(b) - Fraction(a) for a, b in zip(*box, strict=True)), start=Fraction(1))


def summary(found: Diagram) -> str:
    """Say in a line what was proven."""
    family, leaves, values, gaps, _ = found
    # rounded down: 100 only if nothing is left open
    parts = floor(10**6 * sum(volume(x.box) for x in leaves) / volume(family.domain))
    share = f"{parts // 10**4}.{parts % 10**4:04d}"
    about = " of the symmetrised Hamiltonians" if family.reversal is not None else ""
    if family.parameters[0].kind == "path":
        ends = regions_at_ends(found)
        if ends[0] & ends[1]:
            (i,) = ends[0] & ends[1]
            gap = checker.rounded_down(gaps[i])
            return f"one phase{about}, gap at least {gap} on the way"
        need(all(ends), "an end of the path is in no region")
        both = [values[min(e)] for e in ends]
        need(both[0] != both[1], "both ends have the same integer")
        return f"different phases{about}, {family.quantity} {both[0]} and {both[1]}"
    names = ", ".join(p.name for p in family.parameters)
    integers = ", ".join(f"{v:+d}" if family.quantity != "gap" else str(v) for v in values)
    gap = checker.rounded_down(min(gaps))
    count = "1 region" if len(values) == 1 else f"{len(values)} regions"
    part = f"{share} % in {count} ({integers})"
    return f"{family.quantity}{about} over {names}: {part}, gap at least {gap}"


def regions_at_ends(found: Diagram) -> list[set[int]]:
    """Regions that hold the first and the last Hamiltonian of a path."""
    return [
        {x.region for x in found.leaves if x.box[s] == end}
        | {i for i, at in found.where.items() if end in at}
        for s, end in enumerate(found.family.domain)
    ]


# ---------------------------------------------------------------- 5. classes of Hamiltonians


def check_classes(archive: Archive, text: str) -> str:
    """Check that members of each class are joined by gapped paths, and integers of classes.

    The question is that of a path through all Hamiltonians, of which only the ends of straight
    parts are meant; the paths that join them are statements of their own.
    """
    data = read(text, CLASSES)
    family = Family(dict(data["question"]))
    need(family.parameters[0].kind == "path", "the Hamiltonians are not listed as those of a path")
    ctx.prec = 128
    n = family.parameters[0].degree
    claim = keys(data["claim"], "classes values")
    evidence = keys(data["evidence"], "paths integers")
    classes = [whole(x, 0, n - 1) for x in listed(claim["classes"], n)]
    need(list(dict.fromkeys(classes)) == list(range(len(set(classes)))), "classes are not counted")
    values = [None if x is None else whole(x, -(10**12), 10**12)
              for x in listed(claim["values"], len(set(classes)))]  # fmt: skip
    paths = [keys(x, "from to file") for x in listed(evidence["paths"])]
    proofs = [keys(x, "at file") for x in listed(evidence["integers"])]
    need(len(paths) < n and len(proofs) <= len(values), "there are more proofs than are needed")
    group, gaps = list(range(n)), list[float]()
    for path in paths:
        ends = [whole(path[x], 0, n - 1) for x in ("from", "to")]
        one, other = (group[i] for i in ends)
        need(one != other, "a path joins what is joined")
        gaps.append(joined(archive, archive.text(path["file"]), family, ends))
        group = [one if g == other else g for g in group]
    for i, label in enumerate(classes):
        need(group[i] == group[classes.index(label)], "the members of a class are not joined")
        need(classes[group[i]] == label, "a path joins two classes")
    known: set[int] = set()
    for proof in proofs:
        i = whole(proof["at"], 0, n - 1)
        at = (float(i),)
        found = prove(family, archive.text(proof["file"]), Box(at, at), ())
        need(found.quantity == family.quantity != "gap", "a certificate is about another quantity")
        need(values[classes[i]] is not None, "an integer is proven that is not claimed")
        settle(found.value, values[classes[i]] or 0)
        known.add(classes[i])
    need(known == {c for c, x in enumerate(values) if x is not None}, "a class has no integer")
    about = " of the symmetrised Hamiltonians" if family.reversal is not None else ""
    signed = "d" if family.quantity == "Z2 invariant" else "+d"
    integers = ", ".join("open" if x is None else f"{x:{signed if x else 'd'}}" for x in values)
    gap = f", gap at least {checker.rounded_down(min(gaps))} on the ways" if gaps else ""
    phases = "1 class" if len(values) == 1 else f"{len(values)} classes"
    if family.quantity != "gap":
        phases += f" ({family.quantity} {integers})"
    return f"{n} Hamiltonians in {phases}, each of one phase{about}{gap}"


def joined(archive: Archive, text: str, family: Family, ends: Sequence[int]) -> float:
    """Check a path between two of the Hamiltonians; returns its gap."""
    found = check(archive, text)
    path, zero = found.family, acb_mat(family.bands, family.bands)
    same = path.quantity == "gap" and path.parameters[0].kind == "path" and len(path.terms) == 2
    need(same, "a path is no path between two Hamiltonians")
    asked = [(f.dim, f.bands, f.filled, f.reversal) for f in (path, family)]
    need(asked[0] == asked[1], "a path is of other bands, or of another symmetry")
    need(path.error >= family.error, "a path is of Hamiltonians that are known better")
    for one, end in zip(path.terms, ends, strict=True):
        other = family.terms[end]
        if family.chain:
            other = of_blocks(other, family.n)
        for r in {*one, *other}:
            need(one.get(r, zero) == other.get(r, zero), "a path is between other Hamiltonians")
    both = regions_at_ends(found)
    need(both[0] & both[1], "a path is not proven from end to end")
    return found.gaps[min(both[0] & both[1])]


def of_blocks(blocks: Matrices, n: int) -> Matrices:
    """Hoppings of a chain: D_R above the diagonal, the conjugate transpose of D_-R below it."""
    found: Matrices = {}
    zero = acb_mat(n, n)
    for r in {*blocks, *(tuple(-x for x in r) for r in blocks)}:
        upper = blocks.get(r, zero).tolist()
        lower = checker.dagger(blocks.get(tuple(-x for x in r), zero)).tolist()
        found[r] = acb_mat([[0] * n + row for row in upper] + [row + [0] * n for row in lower])
    return found


# ---------------------------------------------------------------- 6. the program


def read(text: str, form: str = FORMAT) -> dict[str, Any]:
    """Parse a statement as strictly as a certificate."""
    found: dict[str, Any] = checker.read(text, form, VERSION)
    objects = all(isinstance(found[x], dict) for x in ("question", "claim", "evidence"))
    need(objects, "an object is missing")
    return found


def check_zip(files: zipfile.ZipFile) -> str:
    """Check an archive that is open."""
    names = files.namelist()
    if STATEMENT not in names:
        raise UnreadableError(f"it holds no {STATEMENT}")
    need(len(set(names)) == len(names), "a name comes twice")
    archive = Archive(files, checker.MAX_BYTES)
    text = unpacked(archive, STATEMENT)
    try:
        classes = f'"{CLASSES}"' in text
        said = check_classes(archive, text) if classes else summary(check(archive, text))
        need(archive.read == set(names), "a member is named nowhere")
    except (ArithmeticError, LookupError, ValueError, TypeError, RecursionError,
            MemoryError) as error:  # fmt: skip
        reason = f"the numbers cannot be worked with ({type(error).__name__})"
        raise RejectedError(reason) from error
    return said


def check_file(path: str | Path) -> str:
    """Check an archive."""
    name = Path(path)
    if not name.is_file() or name.stat().st_size > checker.MAX_BYTES:
        raise UnreadableError("no file, or one that is too large")
    try:
        with zipfile.ZipFile(name) as files:
            return check_zip(files)
    except (zipfile.BadZipFile, NotImplementedError) as error:  # the latter: versions to come
        raise UnreadableError("no zip archive") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Check archives; 0 if all are accepted, 1 if one is rejected, 2 if one cannot be read."""
    names = sys.argv[1:] if arguments is None else list(arguments)
    status = 0 if names else 2
    for name in names:
        try:
            print(f"{name}: accepted: {check_file(name)}")
        except (OSError, UnreadableError) as error:
            print(f"{name}: unreadable: {error}")
            status = 2
        except RejectedError as error:
            print(f"{name}: rejected: {error}")
            status = max(status, 1)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
