"""One question about one file of hoppings, and its answer in one line."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError, KindError, why
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import at_least, at_most

if TYPE_CHECKING:
    from topophys.hamiltonians.wannier90 import WannierHamiltonian
    from topophys.invariants.gap import IndirectGap

__all__ = ["QUESTIONS", "Answer", "Question", "ask"]

Question: TypeAlias = Literal["winding", "chern", "gap", "z2", "weyl", "planes"]
QUESTIONS: Final[tuple[Question, ...]] = ("winding", "chern", "gap", "z2", "weyl", "planes")
#: Options of which one says how many bands are occupied.
FILLINGS: Final = ("n_occupied", "fermi_energy", "n_electrons")
#: What is asked of a file in one, two and three dimensions where nothing else is said.
USUAL: Final[dict[int, Question]] = {1: "winding", 2: "chern", 3: "planes"}


@dataclass(frozen=True, eq=False)
class Answer:
    """What was asked, and what came out.

    Attributes
    ----------
    question : str
        Quantity, bands, dimension and gauge, in words.
    value : str
        The answer in words, "" where there is none.
    status : str
        "certified", "converged" or "unresolved".
    reason : str
        Why there is none.
    gap_lower, gap_upper : float
        Proven lower bound of the gap, 0 without a proof; smallest gap met.
    dim, n_bands : int
        Dimension and number of bands.
    n_occupied : int
        Number of occupied bands.
    notes : tuple of str
        What is to be known about the file, and how the question was understood.
    seconds : float
        Time it took, with reading.
    proof : object
        The result itself, for `save`.
    unit : str
        Unit of energies; "" where the file names none.
    """

    question: str
    value: str
    status: str
    reason: str
    gap_lower: float
    gap_upper: float
    dim: int
    n_bands: int
    n_occupied: int
    notes: tuple[str, ...]
    seconds: float
    proof: Any
    unit: str = "eV"

    @property
    def resolved(self) -> bool:
        """Whether there is an answer."""
        return self.status != "unresolved"

    def __str__(self) -> str:
        message = f"{self.value} ({self.status})" if self.resolved else f"unresolved: {self.reason}"
        unit = f" {self.unit}" if self.unit else ""
        gap = f"gap at least {at_least(self.gap_lower, 4)}{unit}, " if self.gap_lower > 0.0 else ""
        met = (
            f"gap at most {at_most(self.gap_upper, 4)}{unit or ' (in the units of the file)'}"
            if self.gap_upper < np.inf
            else "gap unknown"
        )
        if self.gap_lower == np.inf:  # above or below all bands
            gap, met = "", "no band on one side of it"
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.question}: {message}; {gap}{met}; {self.seconds:.2f} s{notes}"

    def record(self) -> dict[str, Any]:
        """Return the same as plain values, for JSON and tables."""
        names = ("question", "value", "status", "reason", "gap_lower", "gap_upper", "dim",
                 "n_bands", "n_occupied", "notes", "seconds", "unit")  # fmt: skip
        plain = {name: getattr(self, name) for name in names} | {"notes": list(self.notes)}
        for name in ("gap_lower", "gap_upper"):  # JSON knows no infinity
            plain[name] = plain[name] if np.isfinite(plain[name]) else None
        return plain


def ask(
    path: str | Path,
    question: Question | None = None,
    *,
    near: tuple[float, float, float] | None = None,
    half_width: float = 0.1,
    time_reversal: str | None = "auto",
    kind: str = "direct",
    level: float | None = None,
    started: float | None = None,
    read: Callable[..., WannierHamiltonian] | None = None,
    **reading: Any,
) -> Answer:
    """Read a file, ask one question about it, and say what was asked.

    Parameters
    ----------
    path : str or Path
        Hoppings, as for `read_wannier90`.
    question : str, optional
        "winding", "chern", "gap", "z2" (indices in three dimensions), "weyl" or "planes" (Chern
        numbers of the three planes of a gapped solid); by the dimension where not given.
    near : tuple of three floats, optional
        For "weyl": where to look for the node, in radians.
    half_width : float, optional
        For "weyl": half of the edge of the box around the node, in radians.
    time_reversal : {"auto", "up first", "alternating"} or None, optional
        For "z2": order of the spins; None asks for signs of the symmetry instead.
    kind : {"direct", "indirect"}, optional
        For "gap": whether empty levels lie above the occupied ones at the same momentum, or at all.
    level : float, optional
        For "gap": an energy, in the units of the file, that has to lie in the indirect gap. Where
        no filling is given, that is the number of levels below it.
    started : float, optional
        When the clock started (`time.monotonic`).
    read : callable, optional
        What reads the file; `read_wannier90` where not given.
    **reading
        As for `read`.

    Returns
    -------
    Answer
        With the result itself as `proof`.

    Raises
    ------
    InputError
        If the number of occupied bands is needed and not given.
    TopophysError
        If the file cannot be read, or the question does not fit it.
    """
    from topophys.hamiltonians.wannier90 import read_wannier90  # noqa: PLC0415  (slow to load)

    start = time.monotonic() if started is None else started
    h = (read or read_wannier90)(path, **reading)
    asked = question or USUAL[h.dim]
    # half of the bands of a chain with sublattice symmetry lie below zero; others must be given
    if asked == "gap" and (level is not None or kind != "direct"):
        given = level is None or any(reading.get(x) is not None for x in FILLINGS)
        name, value, proof, notes = _indirect_gap(h, kind, level, h.n_occupied if given else None)
        filled = 0 if proof.asked is None else proof.asked.n_occupied
    else:
        filled = h.n_bands // 2 if asked == "winding" else h.n_occupied
        name, value, proof, notes = _found(h, asked, near, half_width, time_reversal)
    status = str(proof.status) if not np.ndim(proof.status) else _worst(proof.status)
    reason = "" if status != "unresolved" else why(np.ravel(proof.reason).tolist())
    reason = reason.removeprefix("1 ")  # of one Hamiltonian there is nothing to count
    if status == "unresolved" and asked in ("chern", "gap", "planes", "z2") and level is None:
        closed, nearest = _nearest(h, filled)
        reason = closed or reason
        notes = (*notes, nearest)
    return Answer(
        question=(
            f"{name} {'' if name.endswith('above') else 'of '}the lowest {filled} of {h.n_bands}"
            f" bands in {h.dim}D, {_momenta(proof, h)}"
        ),
        value=value if status != "unresolved" else "",
        status=status,
        reason=reason or ("no proof" if status == "unresolved" else ""),
        gap_lower=float(np.min(proof.gap_lower)),
        gap_upper=float(np.min(proof.gap_upper)),
        dim=h.dim,
        n_bands=h.n_bands,
        n_occupied=filled,
        notes=(*notes, *h.notes),
        seconds=time.monotonic() - start,
        proof=proof,
        unit=h.unit,
    )


Found: TypeAlias = tuple[str, str, Any, tuple[str, ...]]


def _found(
    h: WannierHamiltonian,
    asked: Question,
    near: tuple[float, float, float] | None,
    half_width: float,
    time_reversal: str | None,
) -> Found:
    if asked == "weyl":
        return _weyl(h, near, half_width)
    if asked == "z2":
        return _z2(h, time_reversal)
    simple = {"winding": _winding, "chern": _chern, "gap": _gap, "planes": _planes}
    if asked not in simple:
        raise InputError(f"A question must be one of {', '.join(QUESTIONS)}, but is {asked!r:.40}.")
    return simple[asked](h)


def _in(h: WannierHamiltonian) -> str:
    """Write the unit after a number, where the file has one."""
    return f" {h.unit}" if h.unit else ""


def _momenta(proof: Any, h: WannierHamiltonian) -> str:
    """Momenta, gauge and orientation of an answer, in words."""
    from topophys.invariants.evidence import Asked  # noqa: PLC0415

    # of the file, not of what was made of it: a chain of blocks knows no directions
    return Asked(h, getattr(proof, "quantity", "")).momenta


def _worst(status: NDArray[Any]) -> str:
    return "unresolved" if (status == "unresolved").any() else str(np.ravel(status)[0])


def _require(h: WannierHamiltonian, dims: tuple[int, ...], quantity: str) -> None:
    if h.dim not in dims:
        wanted = " or ".join(f"{d}D" for d in dims)
        raise KindError(f"A {quantity} needs a {wanted} Hamiltonian, but the file is {h.dim}D.")


def _winding(h: WannierHamiltonian) -> Found:
    from topophys.hamiltonians.chiral import ChiralHamiltonian, sublattice_of  # noqa: PLC0415
    from topophys.invariants.winding import certify_winding  # noqa: PLC0415

    _require(h, (1,), "winding number")
    proof = certify_winding(ChiralHamiltonian.from_hamiltonian(h))
    first = np.flatnonzero(sublattice_of(h)).tolist()
    value = f"{int(proof):+d}" if proof.certified else ""
    names = ", ".join(str(i + 1) for i in first[:6]) + (", ..." if len(first) > 6 else "")
    return (
        "Winding number",
        value,
        proof,
        (f"of det of the block from orbital {names} (counted from 1) to the others",),
    )


def _chern(h: WannierHamiltonian) -> Found:
    from topophys.invariants.chern import certify_chern  # noqa: PLC0415

    _require(h, (2,), "Chern number")
    proof = certify_chern(h)
    return "Chern number", f"{int(proof):+d}" if proof.certified else "", proof, ()


def _gap(h: WannierHamiltonian) -> Found:
    from topophys.invariants.gap import certify_gap  # noqa: PLC0415

    return "Direct gap above", "open", certify_gap(h), ()


def _indirect_gap(
    h: WannierHamiltonian, kind: str, level: float | None, filled: int | None
) -> tuple[str, str, IndirectGap, tuple[str, ...]]:
    """Indirect gap, or whether an energy lies in it: proven, refuted by momenta, or unresolved."""
    from topophys.invariants.gap import certify_gap  # noqa: PLC0415

    if kind not in ("direct", "indirect"):
        raise InputError(f"Argument `kind` must be 'direct' or 'indirect', but is {kind!r:.40}.")
    if level is None:
        proof = certify_gap(h, kind="indirect", n_occupied=filled)
        name = "Indirect gap above"
    else:
        proof = certify_gap(h, kind="indirect", level=level, n_occupied=filled)
        name = f"Gap around {level:.6g}{_in(h)} above"
    notes = tuple(f"{word}: {text}" for word, text in proof.counterexample)
    return name, "open" if proof.status == "certified" else "not open", proof, notes


def _planes(h: WannierHamiltonian) -> Found:
    """Chern numbers of planes; the same for all planes of a direction where the gap is open."""
    from topophys.invariants.chern import chern_on_slices  # noqa: PLC0415
    from topophys.invariants.gap import certify_gap  # noqa: PLC0415

    _require(h, (3,), "set of Chern numbers of planes")
    bulk = certify_gap(h)
    if not bulk.certified:
        return "Chern numbers of planes", "", bulk, ("the gap is to be open in the whole zone",)
    planes = [chern_on_slices(h, axis=axis, k=np.zeros(1)) for axis in range(3)]
    for plane in planes:
        if not plane.certified.all():
            return "Chern numbers of planes", "", plane, ()
    values = ", ".join(f"{int(plane.value[0]):+d}" for plane in planes)
    oriented = "planes oriented a2 x a3, a3 x a1, a1 x a2"
    return "Chern numbers of planes", f"({values})", bulk, (oriented,)


def _z2(h: WannierHamiltonian, time_reversal: str | None) -> Found:
    from topophys.hamiltonians.symmetries import find_time_reversal  # noqa: PLC0415
    from topophys.invariants.z2 import z2_invariant  # noqa: PLC0415
    from topophys.invariants.z2_indices import z2_indices_3d  # noqa: PLC0415

    _require(h, (2, 3), "Z2 invariant")
    order = find_time_reversal(h) if time_reversal == "auto" else time_reversal
    tried: list[str | None] = [order] if time_reversal != "auto" or order is None else [order, None]
    violation: float | None = None
    for words in tried:
        # the gap is proven in any case, time reversal only with an operator
        ask_z2: Any = z2_invariant if h.dim == 2 else z2_indices_3d
        result = ask_z2(h, time_reversal=words, method="flux")
        if str(result.status) != "unresolved" or str(result.reason) != "symmetry":
            break
        violation = float(np.max(result.symmetry_violation))
    known = str(result.status) != "unresolved"
    note = f"time reversal of spins {words!r}"
    if words is None:
        note = "if there is the time-reversal symmetry that the levels show: "
        note += "no order of spins fits" if violation is None else (
            f"spins {order!r} fit to {violation:.2g}{_in(h)}, which the gap does not cover"
        )  # fmt: skip
    if h.dim == 3:
        return (
            "Z2 indices",
            result.label if known else "",
            result,
            (note, "of the planes k_i = 0, pi"),
        )
    return "Z2 invariant", f"{int(result)}" if known else "", result, (note,)


def _weyl(
    h: WannierHamiltonian, near: tuple[float, float, float] | None, half_width: float
) -> Found:
    from topophys.invariants.weyl import weyl_charge  # noqa: PLC0415

    _require(h, (3,), "Weyl charge")
    if near is None:
        raise InputError("Argument `near` must be given for a Weyl charge: three momenta.")
    node, gap = _node(h, np.array(near, dtype=np.float64))
    for width in (half_width, half_width / 2, half_width / 4):
        proof = weyl_charge(h, node, half_width=width)
        if proof.certified:
            break
    value = f"{int(proof):+d}" if proof.certified else ""
    at = ", ".join(f"{x:.5g}" for x in node)
    return "Weyl charge", value, proof, (
        f"box of half width {width:g} about ({at}), where the gap is {gap:.2g}{_in(h)}",
    )  # fmt: skip


#: Points along each direction at which a search for the smallest gap begins, by dimension; at how
#: many of them it continues; and the gap over the width of all bands that counts as closed.
POINTS: Final = {1: 256, 2: 32, 3: 10}
STARTS: Final = 4
CLOSED: Final = 1e-6


def _nearest(h: WannierHamiltonian, filled: int) -> tuple[str, str]:
    """Where two bands come nearest, as far as a search tells: whether they meet, and a note."""
    from topophys.grids import grid_of  # noqa: PLC0415

    k = grid_of(h.dim, POINTS[h.dim]).reshape(-1, h.dim)
    energy = np.concatenate([eigenvalues(h.bloch(part)) for part in np.array_split(k, 16)])
    gaps = energy[:, filled] - energy[:, filled - 1]
    found = [_node(h, k[i], filled) for i in np.argsort(gaps)[:STARTS]]
    at, gap = min(found, key=lambda one: one[1])
    near = ", ".join(f"{x:.5g}" for x in (at + np.pi) % (2.0 * np.pi) - np.pi)
    where = f"{gap:.2g}{_in(h)} at k = ({near})"
    meets = gap <= CLOSED * float(np.ptp(energy))
    return f"closed gap ({where})" if meets else "", f"smallest gap that a search found: {where}"


def _node(
    h: WannierHamiltonian, k: NDArray[np.float64], filled: int | None = None
) -> tuple[NDArray[np.float64], float]:
    """Local minimum of the gap near k, by steps to the lowest of the neighbours."""
    ring = np.array(list(np.ndindex(*(3,) * h.dim)), dtype=np.float64) - 1.0
    step, best, n = 0.1, np.inf, h.n_occupied if filled is None else filled
    rng = np.random.default_rng(0)
    for _ in range(400):
        energy = eigenvalues(h.bloch(k + step * ring))
        gap = energy[:, n] - energy[:, n - 1]
        lowest = int(gap.argmin())
        if gap[lowest] < best and ring[lowest].any():
            k = k + step * ring[lowest]
        else:
            # in other directions, too: valleys of strongly tilted or elongated cones are narrow
            ring = ring @ np.linalg.qr(rng.standard_normal((h.dim, h.dim)))[0]
            step *= 0.7
        best = min(best, float(gap[lowest]))
        if step < 1e-9:
            break
    return k, best
