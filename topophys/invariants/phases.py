"""Proven phase diagrams, proven equivalence of Hamiltonians, and classes of them."""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, is_block_like
from topophys.errors import InputError, ShapeError, why
from topophys.invariants._parameter_space import (
    BITS,
    Expansion,
    Family,
    Given,
    Tree,
    Walk,
    alike,
    components,
    value_of,
    walk,
)
from topophys.invariants._phase_file import read_diagram, write_diagram
from topophys.invariants._phase_proofs import PlaneAsked, write_diagram_proof
from topophys.invariants._phase_question import (
    NAMES,
    check_numbers,
    domain_of,
    filling_of,
    function_of,
    is_model,
    kind_of,
    space_of,
    symmetric_part,
)
from topophys.invariants._symmetry import Operator, reversal_operator
from topophys.invariants.chern import certify_chern
from topophys.invariants.evidence import Asked
from topophys.invariants.results import (
    UNRESOLVED_VALUE,
    Result,
    lowest,
    masked,
    signed,
)
from topophys.invariants.winding import certify_winding
from topophys.invariants.z2 import z2_invariant
from topophys.kernels.rounding import at_least

__all__ = [
    "Boundary",
    "PhaseDiagram",
    "Region",
    "certify_phases",
]

Quantity: TypeAlias = Literal["auto", "winding", "chern", "z2", "gap"]


# ---------------------------------------------------------------------------------- Phase diagrams


@dataclass(frozen=True)
class Boundary:
    """Part of a line of one parameter in which the gap closes, or where nothing is proven.

    Attributes
    ----------
    lower, upper : float
        Its ends.
    left, right : int or None
        Invariants proven on both sides; None at the ends of the line.

    Examples
    --------
    >>> import topophys as tp
    >>> (edge,) = tp.certify_phases(tp.models.qwz, {"m": (-1.0, 0.7)}).boundaries()
    >>> edge.left, edge.right, edge.lower < 0.0 < edge.upper
    (1, -1, True)
    """

    lower: float
    upper: float
    left: int | None
    right: int | None


@dataclass(frozen=True)
class Region:
    """Connected boxes on which the gap is proven to be open: one phase.

    Attributes
    ----------
    value : int
        The invariant.
    share : float
        Share of the diagram.
    gap_lower : float
        Proven gap: the smallest of its boxes.
    n_boxes : int
        How many boxes.
    point : dict of str to float
        Parameters at which the invariant was certified.

    Examples
    --------
    >>> import topophys as tp
    >>> [r.value for r in tp.certify_phases(tp.models.qwz, {"m": (0.5, 1.0)}).regions]
    [-1]
    """

    value: int
    share: float
    gap_lower: float
    n_boxes: int
    point: dict[str, float]


@dataclass(frozen=True, eq=False, repr=False)
class PhaseDiagram(Result):
    r"""Boxes of parameters, on each of which gap and invariant are proven, or nothing is.

    Attributes
    ----------
    names : tuple of str
        Names of the P parameters.
    domain : float64 ndarray of shape (P, 2)
        Their lower and upper ends.
    quantity : str
        "winding number", "Chern number", "Z2 invariant" or "gap".
    lower, upper : float64 ndarray of shape (L, P)
        Ends of the boxes, which tile the domain.
    value : int64 ndarray of shape (L,)
        The invariant of every Hamiltonian of each box; masked where nothing is proven. Of a "gap"
        the number of occupied bands.
    status : str ndarray of shape (L,)
        "certified" or "unresolved".
    gap_lower : float64 ndarray of shape (L,)
        Proven lower bound of the gap over the whole box; 0 where unresolved.
    gap_upper : float64 ndarray of shape (L,)
        Smallest gap met at the centre of the box.
    region : int64 ndarray of shape (L,)
        Number of the region that a box is part of; -1 where unresolved.
    regions : tuple of Region
        What each region is.
    evaluations : int64 ndarray of shape ()
        Eigenproblems solved.
    reason : str
        Why less was proven than asked for: "budget", "depth", "small gap",
        "symmetry" or "".
    notes : tuple of str
        What the proof is about where that is not the given family itself.
    tree : Tree
        The boxes by halving, for `at` and to continue.
    fingerprint : str
        Digest of the question: which diagrams can be continued as which.
    asked : PlaneAsked or None
        The family, for `save_proof`; None where the diagram comes from a file.
    context : tuple of (str, str)
        Bands, momenta and units of the family, in words.

    Examples
    --------
    >>> import topophys as tp
    >>> line = tp.certify_phases(tp.models.qwz, {"m": (-3.0, 3.0)}, share=0.999999)
    >>> [(b.left, b.right) for b in line.boundaries()]
    [(0, 1), (1, -1), (-1, 0)]
    """

    names: tuple[str, ...]
    domain: NDArray[np.float64]
    quantity: str
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    value: Any
    status: Any
    gap_lower: NDArray[np.float64]
    gap_upper: NDArray[np.float64]
    region: NDArray[np.int64]
    regions: tuple[Region, ...]
    evaluations: Any
    reason: str
    notes: tuple[str, ...] = ()
    tree: Tree = field(default_factory=lambda: Tree.root(1))
    fingerprint: str = ""
    asked: PlaneAsked | None = None
    context: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.resolved))

    @property
    def question(self) -> str:
        """The question, such as "Chern number over 2 parameters (phi, m)"."""
        few = "1 parameter" if len(self.names) == 1 else f"{len(self.names)} parameters"
        return f"{self.quantity} over {few} ({', '.join(self.names)})"

    @property
    def share(self) -> float:
        """Proven share of the volume of the domain."""
        return float(self.tree.volume(self.tree.leaves)[self.certified].sum())

    def at(self, **parameters: ArrayLike) -> Any:
        """Invariants at given parameters; masked where nothing is proven.

        Shapes: `**parameters` (...) that broadcast; returns (...).

        Raises
        ------
        InputError
            If the names are others, or a value lies outside.
        """
        row = self._rows_at(parameters)
        return masked(np.ma.filled(self.value, UNRESOLVED_VALUE)[row], self.resolved[row])

    def gap_at(self, **parameters: ArrayLike) -> NDArray[np.float64]:
        """Proven lower bound of the gap at given parameters; 0 where nothing is proven.

        Shapes: `**parameters` (...) that broadcast; returns (...).
        """
        return np.asarray(self.gap_lower[self._rows_at(parameters)])

    def _rows_at(self, parameters: Mapping[str, ArrayLike]) -> NDArray[np.int64]:
        """Rows (...) of the boxes that hold points."""
        if set(parameters) != set(self.names):
            raise InputError(
                f"Parameters must be {', '.join(self.names)}, but are"
                f" {', '.join(parameters) or 'none'}."
            )
        given = [_validation.as_real(parameters[n], n, "(...)") for n in self.names]
        try:
            point = np.stack(np.broadcast_arrays(*given), axis=-1)
        except ValueError:
            shapes = ", ".join(f"{n} {x.shape}" for n, x in zip(self.names, given, strict=True))
            raise ShapeError(
                f"Parameters must have shapes that broadcast, but have {shapes}."
            ) from None
        low, high = self.domain.T
        outside = ((point < low) | (point > high)).reshape(-1, len(low)).any(0)
        for name, (a, b), out in zip(self.names, self.domain, outside, strict=True):
            if out:
                raise InputError(f"Parameter `{name}` must be from {a:g} to {b:g}, but is not.")
        flat = point.reshape(-1, len(low))
        # a first guess from rounded coordinates, then the neighbour where the ends say so
        place = np.clip(
            ((flat - low) / (high - low) * 2.0**BITS).astype(np.int64), 0, (1 << BITS) - 1
        )
        number = np.full(len(self.tree.axis), -1, np.int64)
        number[self.tree.leaves] = np.arange(len(self.status))
        row = number[self.tree.locate(place)]
        away = (flat < self.lower[row]) | (flat > self.upper[row])
        for axis in np.flatnonzero(away.any(0)):
            move = np.where(flat[:, axis] < self.lower[row, axis], -1, 1) * away[:, axis] * 16
            place[:, axis] = np.clip(place[:, axis] + move, 0, (1 << BITS) - 1)
        row = number[self.tree.locate(place)]
        return row.reshape(point.shape[:-1])

    def boundaries(self) -> list[Boundary]:
        """Where a diagram of one parameter is not proven, from left to right.

        Where the invariants on both sides differ, the gap is proven to close in between.
        """
        if len(self.names) != 1:
            raise InputError(
                f"Boundaries as intervals must be those of one parameter, but there are"
                f" {len(self.names)}; look at `lower` and `upper` where `resolved` is false."
            )
        order = np.argsort(self.lower[:, 0], kind="stable")
        found: list[Boundary] = []
        good, value = self.resolved[order], np.ma.filled(self.value, 0)[order]
        i = 0
        while i < len(order):
            if good[i]:
                i += 1
                continue
            j = i
            while j + 1 < len(order) and not good[j + 1]:
                j += 1
            left = int(value[i - 1]) if i else None
            right = int(value[j + 1]) if j + 1 < len(order) else None
            ends = float(self.lower[order[i], 0]), float(self.upper[order[j], 0])
            found.append(Boundary(*ends, left, right))
            i = j + 1
        return found

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the diagram to a file, whole or not at all.

        The file holds boxes, gaps and integers, to be read by `load` and continued by
        `certify_phases`; for a proof that others can check see `save_proof`.

        Parameters
        ----------
        path : path-like
            File to write, ending in ``.npz``.
        force : bool, optional
            Replace a file that is no earlier diagram.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OutputError
            If the file cannot be written, or another one has its name.
        """
        about = {
            "names": list(self.names), "quantity": self.quantity, "reason": self.reason,
            "notes": list(self.notes), "fingerprint": self.fingerprint, "context": self.context,
            "evaluations": int(self.evaluations), "regions": [vars(r) for r in self.regions],
        }  # fmt: skip
        return write_diagram(path, about, self.domain, self.region, self.tree, force=force)

    def save_proof(self, path: str | Path, *, share: float = 0.9) -> Path:
        """Write certificates of boxes, and the statement that follows, for the checkers.

        The archive is checked by `topophys.phase_checker`, or by `topophys verify`; each
        certificate in it by `topophys.checker` alone. The largest boxes come first. How many are
        needed grows like the inverse of the share that is left out.

        Parameters
        ----------
        path : path-like
            File to write, ending in ``.phases.zip``.
        share : float, optional
            Share of the domain for which certificates are written; less if less is proven.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InputError
            If the diagram comes from a file or from Lipschitz constants, or nothing is proven.
        OutputError
            If the file cannot be written, or another one has its name.

        Examples
        --------
        >>> import tempfile, topophys as tp
        >>> line = tp.certify_phases(tp.models.qwz, {"m": (-1.0, 1.0)}, share=0.9)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tp.verify_certificate(line.save_proof(f"{folder}/x.phases.zip", share=0.8))
        'Chern number over m: 8... % in 2 regions (+1, -1), gap at least ...'
        """
        if not 0.0 < share <= 1.0:
            raise InputError(f"Argument `share` must be above 0 and at most 1, but is {share}.")
        if self.asked is None:
            raise InputError(
                "This diagram does not contain its family: continue it with"
                " `certify_phases(..., resume=diagram)`, and save the proof of that."
            )
        by_row = dict(zip(self.tree.leaves.tolist(), self.region.tolist(), strict=True))

        def integer(row: int) -> int | None:
            region = by_row[row]
            return None if region < 0 else self.regions[region].value

        return write_diagram_proof(
            path, self.asked, self.names, self.domain, self.tree, integer, share
        )

    def verify_proof(self, *, share: float = 0.9) -> str:
        """Check certificates of boxes by the independent checkers, without keeping a file.

        Parameters
        ----------
        share : float, optional
            Share of the domain for which certificates are made, as for `save_proof`.

        Returns
        -------
        str
            What `topophys.phase_checker` has proven.

        Raises
        ------
        InputError
            As for `save_proof`, and if the checker does not accept the proof.
        MissingPackageError
            If python-flint (the extra `checker`) is not installed.

        Examples
        --------
        >>> import topophys as tp
        >>> tp.certify_phases(tp.models.qwz, {"m": (-1.0, 1.0)}, share=0.9).verify_proof(share=0.8)
        'Chern number over m: 8... % in 2 regions (+1, -1), gap at least ...'
        """
        from topophys.invariants.certificate_file import verify_certificate  # noqa: PLC0415

        with tempfile.TemporaryDirectory() as folder:
            path = self.save_proof(Path(folder) / "proof.phases.zip", share=share)
            return verify_certificate(path)

    @classmethod
    def load(cls, path: str | Path) -> PhaseDiagram:
        """Read a diagram that `save` wrote.

        Raises
        ------
        InputError
            If the file holds something else, was changed, or contradicts itself.
        """
        about, arrays, tree = read_diagram(path)
        return _diagram(
            tuple(about["names"]), arrays["domain"], about["quantity"], tree, arrays["region"],
            tuple(Region(**r) for r in about["regions"]), about["evaluations"], about["reason"],
            tuple(about["notes"]), about["fingerprint"], context=about.get("context", ()),
        )  # fmt: skip

    def _answer(self) -> str:
        return f"{at_least(100.0 * self.share, 4)} % proven"

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (name, f"from {a:g} to {b:g}")
            for name, (a, b) in zip(self.names, self.domain, strict=True)
        ]
        by_value: dict[int, list[float]] = {}
        for r in self.regions:
            by_value.setdefault(r.value, []).append(r.share)
        for value, parts in sorted(by_value.items()):
            few = "1 region" if len(parts) == 1 else f"{len(parts)} regions"
            rows.append(
                (
                    f"value {signed(value, self.quantity)}",
                    f"{at_least(100.0 * sum(parts), 4)} % in {few}",
                )
            )
        rows.append(("boxes", f"{self.certified.sum()} proven, {(~self.certified).sum()} not"))
        message = why([self.reason])
        rows += [("reason", message)] if message else []
        rows.append(("evaluations", str(int(self.evaluations))))
        rows += self.context
        return [*rows, *(("note", note) for note in self.notes)]

    def _columns(self) -> dict[str, NDArray[Any]]:
        ends = {}
        for j, name in enumerate(self.names):
            ends[f"{name}_lower"], ends[f"{name}_upper"] = self.lower[:, j], self.upper[:, j]
        names = ("value", "status", "gap_lower", "gap_upper", "region")
        return ends | {name: getattr(self, name) for name in names}


def _diagram(
    names: tuple[str, ...],
    domain: NDArray[np.float64],
    quantity: str,
    tree: Tree,
    region: NDArray[np.int64],
    regions: tuple[Region, ...],
    evaluations: int,
    reason: str,
    notes: tuple[str, ...],
    fingerprint: str,
    asked: PlaneAsked | None = None,
    context: Sequence[Sequence[str]] = (),
) -> PhaseDiagram:
    """Put the leaves of a tree into rows."""
    if asked is not None:
        h = asked.space.at(domain.mean(1)[None])
        bands = lowest(asked.filled, h.amplitudes.shape[-1], h.vectors.shape[1])
        context = [("bands", bands), *Asked(h, quantity).rows()]
    rows = tree.leaves
    lower, upper = tree.bounds(rows, domain[:, 0], domain[:, 1])
    good = region >= 0
    values = np.array([r.value for r in regions] or [0], np.int64)
    return PhaseDiagram(
        names=names,
        domain=domain,
        quantity=quantity,
        lower=lower,
        upper=upper,
        value=np.where(good, values[np.maximum(region, 0)], UNRESOLVED_VALUE),
        status=np.where(good, "certified", "unresolved"),
        gap_lower=np.where(good, tree.gap[rows], 0.0),
        gap_upper=tree.met[rows],
        region=region,
        regions=regions,
        evaluations=np.array(evaluations, np.int64),
        reason=reason,
        notes=notes,
        tree=tree,
        fingerprint=fingerprint,
        asked=asked,
        context=tuple((name, text) for name, text in context),
    )


def certify_phases(
    family: Callable[..., FourierLike],
    parameters: Mapping[str, tuple[float, float]],
    *,
    fixed: Mapping[str, Any] | None = None,
    quantity: Quantity = "auto",
    n_occupied: int | None = None,
    time_reversal: ArrayLike | Literal["up first", "alternating"] | None = None,
    dependence: Mapping[str, str | tuple[str, int]] | None = None,
    lipschitz: Mapping[str, float] | None = None,
    share: float = 0.999,
    min_gap: float = 0.0,
    max_depth: int = 40,
    max_evaluations: int = 20_000_000,
    resume: PhaseDiagram | None = None,
) -> PhaseDiagram:
    r"""Phase diagram over one to three parameters in which every region is proven.

    .. math:: \min_k [E_{n+1}(k, p) - E_n(k, p)] > 0 \quad \text{for all } p \text{ of a box}

    A box of parameters is proven cell by cell of the Brillouin zone: by the bound of `certify_gap`
    at its centre :math:`p_0`, less twice what :math:`\|H(k, p) - H(k, p_0)\|` can be on the box.
    Boxes that are not proven are halved; what was proven of a cell stays proven for the parts of
    its box. The invariant cannot change where the gap stays open, so one certified integer holds
    for all boxes that hang together. Two regions with different integers prove that the gap
    closes on every path between them.

    Parameters
    ----------
    family : callable
        Function of keyword parameters that returns one Hamiltonian in Fourier form: a model of
        `topophys.models`, whose dependence is known, a `ParametricHamiltonian`, or any other
        function together with `dependence` or `lipschitz`.
    parameters : mapping of str to (float, float)
        Names of one to three parameters and their ranges.
    fixed : mapping of str to value, optional
        Other parameters of the function.
    quantity : {"auto", "winding", "chern", "z2", "gap"}, optional
        The invariant; where "auto" the winding number of chiral chains, the Chern number in two
        dimensions, else the gap alone. "z2" needs `time_reversal`.
    n_occupied : int, optional
        Number of occupied bands; that of the Hamiltonians where not given.
    time_reversal : array-like of shape (n, n), or {"up first", "alternating"}, optional
        The unitary part of time reversal, as for `z2_invariant`. Its violation over the whole
        family enters the proof, which is then of the symmetrised family.
    dependence : mapping of str to str or (str, int), optional
        How the function depends on each parameter; see `ParametricHamiltonian`.
    lipschitz : mapping of str to float, optional
        Instead of `dependence`: for each parameter a bound of
        :math:`\sup_{k,p} \|\partial_p H(k, p)\|`, which is taken on trust.
    share : float, optional
        Stop once this share of the volume is proven.
    min_gap : float, optional
        Prove only what has at least this gap, in the units of the hoppings.
    max_depth : int, optional
        How often a box may be halved along one axis.
    max_evaluations : int, optional
        How many eigenproblems may be solved.
    resume : PhaseDiagram, optional
        A diagram of the same question, for example with a smaller `share` or from a file, whose
        unproven boxes are continued.

    Returns
    -------
    PhaseDiagram
        Boxes with integer and proven gap.

    Raises
    ------
    InputError, ShapeError, KindError
        If nothing tells how the family depends on a parameter, it does not depend as declared, or
        arguments do not fit.

    References
    ----------
    .. [1] H. Weyl, Math. Ann. 71, 441 (1912).
    .. [2] F. D. M. Haldane, Phys. Rev. Lett. 61, 2015 (1988).

    Examples
    --------
    >>> import topophys as tp
    >>> plane = tp.certify_phases(
    ...     tp.models.haldane, {"phi": (-np.pi, np.pi), "m": (-6.0, 6.0)}, fixed={"t2": 1.0},
    ...     share=0.9)
    >>> plane.at(phi=[1.5, -1.5, 1.5], m=[0.0, 0.0, 5.9])
    array([ 1, -1,  0])
    """
    _validation.one_of(quantity, "quantity", ("auto", *NAMES))
    names, domain = domain_of(parameters)
    function, known, held = function_of(family, dict(fixed or {}), dependence, lipschitz)
    check_numbers(share, min_gap, max_depth, max_evaluations)
    raw = functools.partial(function, **held) if held else function
    middle = value_of(raw, names, 0.5 * domain[:, 0] + 0.5 * domain[:, 1])
    kind = kind_of(quantity, middle, time_reversal)
    filled = filling_of(kind, middle, n_occupied)
    wanted = alike(raw, names, middle, n_occupied)
    declared = dependence is not None or not is_model(function)
    space = space_of(wanted, names, domain, known, lipschitz, declared)
    operator = None if time_reversal is None else reversal_operator(time_reversal, middle.n_bands)
    extra, notes = symmetric_part(kind, space, operator, middle.n_bands)
    mark = functools.partial(_fingerprint, space, names, domain, kind, filled, operator)
    done, tree = 0, Tree.root(len(names))
    if resume is not None:
        if resume.fingerprint != mark(resume.tree):
            raise InputError(
                "Argument `resume` must be a diagram of the same family, ranges and quantity, but"
                " is of others: every hopping has to be the same to the last bit."
            )
        done = int(resume.evaluations)
        tree = Tree(**{n: x.copy() for n, x in vars(resume.tree).items()})
        tree.gap[tree.gap < min_gap] = 0.0
        notes = tuple(dict.fromkeys([*resume.notes, *notes]))
    out = walk(
        space, filled, tree, share=share, min_gap=float(min_gap), max_depth=max_depth,
        max_evaluations=max_evaluations, extra=extra,
    )  # fmt: skip

    def integer(point: NDArray[np.float64]) -> int | None:
        h = value_of(wanted, names, point)
        return certified_integer(kind, h, filled, time_reversal)

    region, regions = _regions(out, names, domain, integer)
    return _diagram(
        names, domain, NAMES[kind], out.tree, region, regions, done + out.evaluations, out.reason,
        notes, mark(out.tree), PlaneAsked(
            space, kind, NAMES[kind], filled,
            None if operator is None else np.asarray(operator.matrix, np.complex128),
        ),
    )  # fmt: skip


def certified_integer(kind: str, h: FourierLike, filled: int, time_reversal: Any) -> int | None:
    """Return the certified invariant of one Hamiltonian, or None."""
    if kind == "gap":
        return filled
    if kind == "winding":
        assert is_block_like(h)
        proof: Result = certify_winding(h)
    elif kind == "chern":
        proof = certify_chern(h, n_occupied=filled)
    else:
        proof = z2_invariant(h, n_occupied=filled, time_reversal=time_reversal, prove=True)
    return int(proof.value) if proof.all_certified else None


def _regions(
    out: Walk,
    names: tuple[str, ...],
    domain: NDArray[np.float64],
    integer: Callable[[NDArray[np.float64]], int | None],
) -> tuple[NDArray[np.int64], tuple[Region, ...]]:
    """Find the parts of the proven leaves that hang together, the largest first."""
    tree = out.tree
    leaves = tree.leaves
    region = np.full(len(leaves), -1, np.int64)
    good = np.flatnonzero(tree.gap[leaves] > 0.0)
    if not len(good):
        return region, ()
    rows = leaves[good]
    label, volume = components(tree, rows), tree.volume(rows)
    total = np.bincount(label, volume)
    low, high = tree.bounds(rows, domain[:, 0], domain[:, 1])
    regions: list[Region] = []
    for part in np.argsort(-total, kind="stable"):
        mine = np.flatnonzero(label == part)
        best = mine[np.lexsort((-volume[mine], -tree.gap[rows[mine]]))[0]]
        point = 0.5 * (low[best] + high[best])
        value = integer(point)
        if value is None:
            continue
        region[good[mine]] = len(regions)
        at = {n: float(x) for n, x in zip(names, point, strict=True)}
        gap = float(tree.gap[rows[mine]].min())
        regions.append(Region(int(value), float(total[part]), gap, len(mine), at))
    return region, tuple(regions)


def _fingerprint(
    space: Family,
    names: tuple[str, ...],
    domain: NDArray[np.float64],
    kind: str,
    filled: int,
    operator: Operator | None,
    tree: Tree,
) -> str:
    """Tell questions apart: by all that the proofs of boxes rest on, to the last bit.

    An expansion follows from its hoppings at a few values. Of any other function, all that is
    known are its values at the centres of boxes: a proof holds as long as these are the same.
    """
    how = [repr(d) for d in space.dependence] if isinstance(space, Expansion) else "lipschitz"
    digest = hashlib.sha256(
        json.dumps([list(names), domain.tolist(), kind, filled, how, space.digest]).encode()
    )
    if operator is not None:
        digest.update((operator.matrix + 0.0).tobytes())
        digest.update(np.float64(operator.error).tobytes())
    if isinstance(space, Given):
        low, high = tree.bounds(np.arange(len(tree.axis)), domain[:, 0], domain[:, 1])
        digest.update(space.digest_at(0.5 * (low + high)).encode())
    return digest.hexdigest()
