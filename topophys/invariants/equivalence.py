"""Proofs that Hamiltonians are in one phase, or in different ones; classes of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, is_block_like, is_fourier_like
from topophys.errors import InputError, KindError, ShapeError, UnresolvedError, why
from topophys.invariants._limits import check_min_gap, depth_up_to
from topophys.invariants._parameter_space import (
    DEEPEST,
    Dependence,
    Expansion,
    Tree,
    Walk,
    aligned,
    walk,
)
from topophys.invariants._phase_proofs import (
    ClassesAsked,
    PathAsked,
    write_classes_proof,
    write_path_proof,
)
from topophys.invariants._phase_question import NAMES
from topophys.invariants._scaling import divide_out
from topophys.invariants._slices import Slice
from topophys.invariants._symmetry import reversal_operator
from topophys.invariants.evidence import Asked
from topophys.invariants.phases import certified_integer
from topophys.invariants.results import UNRESOLVED_VALUE, Result, lowest, masked, signed
from topophys.kernels.rounding import at_least, at_most, upper_bound

__all__ = ["Equivalence", "PhaseClasses", "certify_equivalent", "cluster_phases"]

Symmetry: TypeAlias = ArrayLike | Literal["chiral", "up first", "alternating"] | None
_ANSWERS: Final = {1: "one phase", 0: "different phases", UNRESOLVED_VALUE: "open"}


class Archived:
    """A result whose proof is an archive of certificates."""

    def save(self, path: str | Path) -> Path:
        """Write the proof to an archive of certificates that others can check.

        The archive holds the Hamiltonians, a proven path for each two that are said to be in one
        phase, and a certificate of each integer that tells phases apart. It is checked by
        `topophys.phase_checker`, or by `topophys verify`; each certificate in it by
        `topophys.checker` alone.

        Parameters
        ----------
        path : path-like
            File to write, ending in ``.phases.zip``.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UnresolvedError
            If the answer is "open".
        InputError
            If the path has another ending, a proof takes too many cells, or there are fewer than
            two Hamiltonians or more than a thousand.
        OutputError
            If the file cannot be written, or another one has its name.

        Examples
        --------
        >>> import tempfile, topophys as tp
        >>> found = tp.certify_equivalent(tp.models.qwz(-1.5), tp.models.qwz(-0.5))
        >>> classes = tp.cluster_phases([tp.models.qwz(m) for m in (1.0, -1.0, 1.5)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tp.verify_certificate(found.save(f"{folder}/x.phases.zip"))
        ...     tp.verify_certificate(classes.save(f"{folder}/y.phases.zip"))
        'one phase, gap at least 0.25... on the way'
        '3 Hamiltonians in 2 classes (Chern number -1, +1), each of one phase, gap at least ...'
        """
        return self._write(path)

    def verify(self) -> str:
        """Check the proof by the independent checkers, without keeping a file.

        Returns
        -------
        str
            What `topophys.phase_checker` has proven.

        Raises
        ------
        UnresolvedError, InputError
            As for `save`, and if the checker does not accept the proof.
        MissingPackageError
            If python-flint (the extra `checker`) is not installed.

        Examples
        --------
        >>> import topophys as tp
        >>> tp.certify_equivalent(tp.models.qwz(-1.5), tp.models.qwz(-0.5)).verify()
        'one phase, gap at least 0.25... on the way'
        """
        from topophys.invariants.certificate_file import verify_certificate  # noqa: PLC0415

        with tempfile.TemporaryDirectory() as folder:
            return verify_certificate(self._write(Path(folder) / "proof.phases.zip"))

    def _write(self, path: str | Path) -> Path:
        """Write it."""
        raise NotImplementedError  # each result has an archive of its own


@dataclass(frozen=True, eq=False, repr=False)
class Equivalence(Archived, Result):
    """Whether two Hamiltonians are in one phase.

    Attributes
    ----------
    value : int64 ndarray of shape ()
        1 for one phase, 0 for different phases; masked where neither is proven.
    status : str ndarray of shape ()
        "certified" or "unresolved".
    quantity : str
        The invariant that tells phases apart, such as "Chern number"; "gap" where there is none.
    integers : (int or None, int or None) or None
        The invariants of both, where they were needed; None where not certified.
    gap_lower : float64 ndarray of shape ()
        Proven lower bound of the gap along the whole path; 0 where the path is not proven.
    gap_upper : float64 ndarray of shape ()
        Smallest gap evaluated along the path; infinite if `max_evaluations` allowed none.
    t_at_gap_upper : float
        Where, from 0 to 1 along the path; each of its straight parts takes the same share. NaN
        where there is none.
    k_at_gap_upper : float64 ndarray of shape (dim,)
        At which momentum.
    evaluations : int64 ndarray of shape ()
        Eigenproblems solved on the path.
    reason : str
        Why the path is not proven; "" where it is.
    bands : tuple of int
        How many bands are occupied, and how many there are.
    notes : tuple of str
        What the proof is about where that is not the given Hamiltonians.
    asked : PathAsked or None
        The Hamiltonians, for `save`.

    Examples
    --------
    >>> import topophys as tp
    >>> tp.certify_equivalent(tp.models.qwz(-1.5), tp.models.qwz(-0.5)).answer
    'one phase'
    >>> tp.certify_equivalent(tp.models.qwz(-1.5), tp.models.qwz(0.5)).answer
    'different phases'
    """

    value: Any
    status: Any
    quantity: str
    integers: tuple[int | None, int | None] | None
    gap_lower: Any
    gap_upper: Any
    t_at_gap_upper: float
    k_at_gap_upper: NDArray[np.float64]
    evaluations: Any
    reason: str
    bands: tuple[int, int]
    notes: tuple[str, ...] = ()
    asked: PathAsked | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", masked(self.value, self.resolved))

    @property
    def answer(self) -> str:
        """Return "one phase", "different phases" or "open"."""
        return _ANSWERS[int(np.ma.filled(self.value, UNRESOLVED_VALUE))]

    def _write(self, path: str | Path) -> Path:
        if self.answer == "open" or self.asked is None:
            raise UnresolvedError("equivalence", [0], 1, [self.reason])
        integers = None if self.answer == "one phase" else self.integers
        limit = max(1000, 4 * int(self.evaluations))
        return write_path_proof(path, self.asked, integers, limit)

    @property
    def question(self) -> str:
        """The question: which bands of what."""
        below, n = self.bands
        return f"phases of {lowest(below, n, len(self.k_at_gap_upper))} of two Hamiltonians"

    def _answer(self) -> str:
        return f"{self.answer} ({self.status.item()})"

    def _rows(self) -> list[tuple[str, str]]:
        k = ", ".join(f"{x:.4g}" for x in self.k_at_gap_upper)
        low = at_least(self.gap_lower, 3)
        proven = f"at least {low} (proven), " if self.gap_lower > 0.0 else ""
        rows = []
        if np.isfinite(self.t_at_gap_upper):
            rows = [
                ("gap on the way", f"{proven}at most {at_most(self.gap_upper, 3)}"),
                ("met at", f"t = {self.t_at_gap_upper:.6g}, k = ({k})"),
            ]
        if self.integers is not None:
            ends = ["not known" if v is None else signed(v, self.quantity) for v in self.integers]
            rows.insert(0, (self.quantity, " and ".join(ends)))
        message = why([self.reason])
        rows += [("path", message)] if message else []
        rows.append(("evaluations", str(int(self.evaluations))))
        if self.asked is not None:
            rows += Asked(self.asked.stops[0], self.quantity).rows()[:2]
        return [*rows, *(("note", note) for note in self.notes)]


def certify_equivalent(
    h0: FourierLike,
    h1: FourierLike,
    *,
    symmetry: Symmetry = None,
    waypoints: Sequence[FourierLike] = (),
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_depth: int = 30,
    max_evaluations: int = 2_000_000,
) -> Equivalence:
    r"""Prove that two Hamiltonians are in one phase, or that they are in different ones.

    .. math:: H_t = (1 - t) H_0 + t H_1, \qquad
        \min_{k,\, 0 \le t \le 1} [E_{n+1}(k, t) - E_n(k, t)] > 0

    A path that keeps the gap open, and the symmetry, proves "one phase". Two different certified
    integers prove "different phases": the gap closes on every path. Where the straight path fails
    and the integers agree the question is open: another path may do, and can be given by
    `waypoints`.

    Parameters
    ----------
    h0, h1 : FourierHamiltonian
        Two Hamiltonians with equal numbers of bands, in one to three dimensions. Bands are
        compared as they are: orbitals in the same order and at the same places.
    symmetry : {"chiral", "up first", "alternating"} or array-like of shape (n, n), optional
        What has to hold along the path: chiral symmetry of two `ChiralHamiltonian`, or time
        reversal by its unitary part, as for `z2_invariant`. None where not given: phases are then
        distinguished by Chern numbers in two dimensions.
    waypoints : sequence of FourierHamiltonian, optional
        Hamiltonians to be passed in this order.
    n_occupied : int, optional
        Number of occupied bands; that of `h0` where not given, which has to be that of `h1`.
    min_gap : float, optional
        Accept only a path with at least this gap, in the units of the hoppings.
    max_depth : int, optional
        How often a part of the path may be halved.
    max_evaluations : int, optional
        How many eigenproblems may be solved on each straight part.

    Returns
    -------
    Equivalence
        The answer with its evidence.

    Raises
    ------
    KindError, ShapeError, InputError
        If the Hamiltonians do not fit each other or the symmetry.

    References
    ----------
    .. [1] X.-L. Qi, T. L. Hughes, S.-C. Zhang, Phys. Rev. B 78, 195424 (2008).
    .. [2] H. Weyl, Math. Ann. 71, 441 (1912).

    Examples
    --------
    >>> import topophys as tp
    >>> print(tp.certify_equivalent(tp.models.ssh(1.0, 0.2), tp.models.ssh(1.0, 3.0),
    ...                             symmetry="chiral"))
    Phases of the lowest 1 of 2 bands in 1D of two Hamiltonians: different phases (certified)
      winding number   0 and +1
      gap on the way   at most ...
      met at           t = 0.28..., k = (...)
      path             ...
      evaluations      ...
      momenta          k.a in radians, phases exp(ik.R); winding along a1
      energies         in the units of the hoppings
    """
    stops = [h0, *waypoints, h1]
    kind, reversal = _checked(stops, symmetry)
    filled = _filled(stops, n_occupied)
    check_min_gap(min_gap)
    depth_up_to(DEEPEST, max_depth)
    _validation.positive_int(max_evaluations, "max_evaluations")
    walks: list[Walk] = []
    off = 0.0
    for one, two in pairwise(stops):
        line = _line(one, two, filled)
        if reversal is not None:
            operator = reversal_operator(reversal, h0.n_bands)
            off = max(off, line.violation(np.asarray(operator.matrix), operator.error))
        walks.append(
            walk(
                line, filled, Tree.root(1), share=1.0, min_gap=float(min_gap), max_depth=max_depth,
                max_evaluations=max_evaluations, extra=0.5 * off,
            )
        )  # fmt: skip
    proven = all((w.tree.gap[w.tree.leaves] > 0.0).all() for w in walks)
    lowest = int(np.argmin([w.gap_met for w in walks]))
    worst = walks[lowest]
    gap = min(float(w.tree.gap[w.tree.leaves].min()) for w in walks) if proven else 0.0
    integers: tuple[int | None, int | None] | None = None
    value = 1 if proven else UNRESOLVED_VALUE
    if not proven and kind != "gap":
        first, last = (certified_integer(kind, h, filled, reversal) for h in (h0, h1))
        integers = (first, last)
        if first is not None and last is not None and first != last:
            value = 0
    away = at_most(0.5 * off, 3)
    note = () if reversal is None else (
        f"of the symmetrised Hamiltonians, at most {away} from the given",)  # fmt: skip
    reason = next((w.reason for w in walks if w.reason), "")
    return Equivalence(
        value=np.array(value),
        status=np.array("unresolved" if value == UNRESOLVED_VALUE else "certified"),
        quantity=NAMES[kind],
        integers=integers,
        gap_lower=np.array(gap),
        gap_upper=np.array(worst.gap_met),
        t_at_gap_upper=(lowest + float(worst.p_met[0])) / len(walks),
        k_at_gap_upper=worst.k_met,
        evaluations=np.array(sum(w.evaluations for w in walks), np.int64),
        reason="" if proven else reason,
        bands=(filled, int(h0.n_bands)),
        notes=(*_notes(stops), *note),
        asked=PathAsked(
            tuple(stops), tuple(w.tree for w in walks), kind, NAMES[kind], filled,
            _operator(reversal, int(h0.n_bands)),
        ),
    )  # fmt: skip


def _checked(stops: Sequence[Any], symmetry: Symmetry) -> tuple[str, Any]:
    """Check Hamiltonians against each other and the symmetry; return quantity and time reversal."""
    for i, h in enumerate(stops):
        name = "h0" if i == 0 else "h1" if i == len(stops) - 1 else f"waypoints[{i - 1}]"
        if not is_fourier_like(h) or not 1 <= h.vectors.shape[1] <= 3:
            raise KindError(
                f"Argument `{name}` must be a Hamiltonian in Fourier form in one to three"
                f" dimensions, but is {_validation.short(h)}."
            )
        if h.batch_shape != ():
            raise ShapeError(
                f"Argument `{name}` must be one Hamiltonian, but is a batch of shape"
                f" {h.batch_shape}; take one by its index."
            )
        here, first = (h.n_bands, h.vectors.shape[1]), (stops[0].n_bands, stops[0].vectors.shape[1])
        if here != first:
            raise ShapeError(
                f"Argument `{name}` must have {first[0]} bands in {first[1]}D as `h0`, but has"
                f" {here[0]} in {here[1]}D; a path leads through matrices of one size."
            )
        if isinstance(symmetry, str) and symmetry == "chiral" and not is_block_like(h):
            raise KindError(
                f"Argument `{name}` must be a ChiralHamiltonian for symmetry='chiral', but is"
                f" {_validation.short(h)}."
            )
    dim = stops[0].vectors.shape[1]
    if symmetry is None:
        return ("chern" if dim == 2 else "gap"), None
    if isinstance(symmetry, str):
        _validation.one_of(symmetry, "symmetry", ("chiral", "up first", "alternating"))
        if symmetry == "chiral":
            return ("winding" if dim == 1 else "gap"), None
    return ("z2" if dim == 2 else "gap"), symmetry


def _notes(stops: Sequence[Any]) -> tuple[str, ...]:
    """Tell what files say about the Hamiltonians that were read from them, once."""
    return tuple(dict.fromkeys(note for h in stops for note in getattr(h, "notes", ())))


def _filled(stops: Sequence[Any], n_occupied: int | None) -> int:
    """Return the number of occupied bands, the same of all."""
    n = int(stops[0].n_bands)
    if n_occupied is not None:
        return _validation.occupied(n_occupied, n)
    counts = sorted({int(h.n_occupied) for h in stops})
    if len(counts) > 1:
        raise InputError(
            "Argument `n_occupied` must be given, since the Hamiltonians have different numbers of"
            f" occupied bands: {', '.join(map(str, counts))}."
        )
    return _validation.occupied(counts[0], n)


def _line(one: Any, two: Any, filled: int) -> Expansion:
    """Return the straight path between two Hamiltonians, t from 0 to 1."""
    vectors, given = aligned([one, two])
    (ends,), (unit,) = divide_out(given[None])
    errors = [float(getattr(h, "amplitude_error", None) or 0.0) for h in (one, two)]
    error = upper_bound(max(errors), -unit)

    def at(t: float) -> Slice:
        mixed = (1.0 - t) * ends[0] + t * ends[1]
        return Slice(vectors, mixed, filled, error)

    low, high = np.zeros(1), np.ones(1)
    line = Expansion.of(at, ("t",), low, high, (Dependence(trigonometric=False, degree=1),))
    return replace(line, exponent=line.exponent + int(unit))


@dataclass(frozen=True, eq=False, repr=False)
class PhaseClasses(Archived, Result):
    """Hamiltonians sorted into classes, within each of which all are proven to be in one phase.

    Attributes
    ----------
    value : int64 ndarray of shape (n,)
        Number of the class of each Hamiltonian, in the order in which classes appear.
    status : str ndarray of shape (n,)
        "certified": membership is proven by gapped paths, or a class of one.
    integers : tuple of (int or None)
        The certified invariant of each class; None where there is none.
    different : bool ndarray of shape (m, m)
        Which classes are proven to be different phases; two others may be one.
    gap_lower, gap_upper : float64 ndarray of shape (n,)
        Of the path that proves membership; infinite for the first of a class.
    evaluations : int64 ndarray of shape (n,)
        Eigenproblems solved for each.
    quantity : str
        The invariant.
    notes : tuple of str
        What the proof rests on that is not given.
    asked : Asked or None
        The first of the Hamiltonians, for what is printed.
    proofs : ClassesAsked or None
        All of them and the paths between them, for `save`.

    Examples
    --------
    >>> import topophys as tp
    >>> found = tp.cluster_phases([tp.models.qwz(m) for m in (1.0, -1.0, 1.5)])
    >>> found.value, found.integers
    (array([0, 1, 0]), (-1, 1))
    """

    value: Any
    status: Any
    integers: tuple[int | None, ...]
    different: NDArray[np.bool_]
    gap_lower: Any
    gap_upper: Any
    evaluations: Any
    quantity: str
    notes: tuple[str, ...] = ()
    asked: Asked | None = None
    proofs: ClassesAsked | None = None

    def _write(self, path: str | Path) -> Path:
        if self.proofs is None:
            raise InputError(
                "Classes can be saved only as `cluster_phases` returned them, but what they were"
                " proven of is missing here; call it again."
            )
        return write_classes_proof(path, self.proofs, self.value.tolist(), self.integers)

    @property
    def question(self) -> str:
        """The question: which bands of what."""
        of = f"{len(self.value)} Hamiltonians"
        if self.asked is None or not is_fourier_like(self.asked.H):
            return f"phases of {of}"
        h = self.asked.H
        return f"phases of {lowest(self.asked.n_occupied, h.n_bands, h.vectors.shape[1])} of {of}"

    def _answer(self) -> str:
        open_pairs = int((~self.different).sum() - len(self.integers)) // 2
        if len(self.integers) == 1:
            return "1 class"
        pairs = "1 pair" if open_pairs == 1 else f"{open_pairs} pairs"
        tail = "all proven different" if not open_pairs else f"{pairs} open"
        return f"{len(self.integers)} classes, {tail}"

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for i, value in enumerate(self.integers):
            text = f"{int((self.value == i).sum())} of {len(self.value)}"
            if self.quantity != "gap":
                known = "not known" if value is None else signed(value, self.quantity)
                text += f", {self.quantity} {known}"
            rows.append((f"class {i}", text))
        rows += self.asked.rows()[:2] if self.asked else []
        return [*rows, *(("note", note) for note in self.notes)]


def cluster_phases(
    hamiltonians: Sequence[FourierLike],
    *,
    symmetry: Symmetry = None,
    n_occupied: int | None = None,
    tries: int = 3,
    max_evaluations: int = 200_000,
) -> PhaseClasses:
    """Sort Hamiltonians into classes by proven paths between them, without labels.

    Each is joined to the first class to one of whose members a straight path is proven to keep
    the gap open; classes whose certified integers differ are not tried. Nothing is compared but
    Hamiltonians: no features, no distances.

    Parameters
    ----------
    hamiltonians : sequence of FourierHamiltonian
        Single Hamiltonians with equal numbers of bands.
    symmetry, n_occupied, max_evaluations
        As for `certify_equivalent`.
    tries : int, optional
        To how many members of a class a path is tried.

    Returns
    -------
    PhaseClasses
        Classes, their integers, and which of them are proven to be different phases.

    Raises
    ------
    KindError, ShapeError, InputError
        As `certify_equivalent`; also for an empty sequence.

    References
    ----------
    .. [1] M. S. Scheurer, R.-J. Slager, Phys. Rev. Lett. 124, 226401 (2020).

    Examples
    --------
    >>> import topophys as tp
    >>> some = [tp.models.qwz(m) for m in (-1.5, 0.5, -0.5, 2.5, 1.5)]
    >>> tp.cluster_phases(some)
    Phases of the lowest 1 of 2 bands in 2D of 5 Hamiltonians: 3 classes, all proven different
      class 0          2 of 5, Chern number +1
      class 1          2 of 5, Chern number -1
      class 2          1 of 5, Chern number 0
      momenta          k.a in radians, phases exp(ik.R); oriented a1 x a2
      energies         in the units of the hoppings
    """
    stops = list(hamiltonians)
    if not stops:
        raise InputError(
            "Argument `hamiltonians` must hold at least one Hamiltonian, but is empty."
        )
    _validation.positive_int(tries, "tries")
    kind, reversal = _checked(stops, symmetry)
    filled = _filled(stops, n_occupied)
    members: list[list[int]] = []
    integers: list[int | None] = []
    known_at: list[int | None] = []
    paths: list[tuple[int, int, PathAsked, int]] = []
    label = np.zeros(len(stops), np.int64)
    lower, upper = np.full(len(stops), np.inf), np.full(len(stops), np.inf)
    spent = np.zeros(len(stops), np.int64)
    for i, h in enumerate(stops):
        mine = None if kind == "gap" else certified_integer(kind, h, filled, reversal)
        joined = False
        for number, (group, theirs) in enumerate(zip(members, integers, strict=True)):
            if mine is not None and theirs is not None and mine != theirs:
                continue
            for j in group[:tries]:
                path = certify_equivalent(
                    stops[j], h, symmetry=symmetry, n_occupied=filled,
                    max_evaluations=max_evaluations,
                )  # fmt: skip
                spent[i] += int(path.evaluations)
                if path.answer == "one phase":
                    assert path.asked is not None
                    paths.append((j, i, path.asked, int(path.evaluations)))
                    joined, label[i] = True, number
                    lower[i], upper[i] = float(path.gap_lower), float(path.gap_upper)
                    break
            if joined:
                members[label[i]].append(i)
                if theirs is None and mine is not None:
                    integers[label[i]], known_at[label[i]] = mine, i
                break
        if not joined:
            label[i] = len(members)
            members.append([i])
            integers.append(mine)
            known_at.append(None if mine is None else i)
    different = np.array(
        [[a is not None and b is not None and a != b for b in integers] for a in integers]
    )
    return PhaseClasses(
        value=label, status=np.full(len(stops), "certified"), integers=tuple(integers),
        different=different, gap_lower=lower, gap_upper=upper, evaluations=spent,
        quantity=NAMES[kind], notes=_notes(stops), asked=Asked(stops[0], NAMES[kind], filled),
        proofs=ClassesAsked(
            tuple(stops), tuple(paths), tuple(known_at), kind, NAMES[kind], filled,
            _operator(reversal, stops[0].n_bands),
        ),
    )  # fmt: skip


def _operator(reversal: Any, n_bands: int) -> NDArray[np.complex128] | None:
    """Return the unitary part of time reversal, where it is asked for."""
    if reversal is None:
        return None
    return np.asarray(reversal_operator(reversal, n_bands).matrix, np.complex128)
