"""Proven gaps and Chern numbers in non-orthogonal bases: H(k) x = E S(k) x."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from topophys import _validation
from topophys._typing import FourierLike, GeneralizedLike
from topophys.errors import InputError, KindError
from topophys.grids import grid_of
from topophys.invariants._limits import MAX_DEPTH
from topophys.invariants.chern import certify_chern
from topophys.invariants.gap import certify_gap
from topophys.invariants.results import Certificate, OnUnresolved, check_on_unresolved, settle
from topophys.kernels.rounding import at_least, at_most, frobenius

__all__ = ["GeneralizedCertificate", "certify_generalized_chern", "certify_generalized_gap"]

#: Longest Fourier coefficients of E(k) that are tried; at first one energy for all momenta.
REACHES: Final = (0, 1, 2, 4)
#: Points of the grid along each direction on which the gap is looked for, by dimension.
POINTS: Final = {1: 128, 2: 24, 3: 12}


@dataclass(frozen=True, eq=False, repr=False)
class GeneralizedCertificate(Certificate):
    r"""Certificate for the levels of H(k) x = E S(k) x.

    Attributes
    ----------
    quantity, value, status, reason, gap_lower, gap_upper, k_at_gap_upper
        As in `Certificate`, of the levels E: `gap_lower` is proven for them, too.
    evaluations, evidence, asked, parts
        As in `Certificate`, of H - E S; there are no parts.
    overlap_lower, overlap_upper : float
        Proven bounds of all eigenvalues of S(k); the lower one is 0 where it is not proven.
    energy : dict of tuple of int to complex
        Fourier coefficients of E(k), which lies in the gap.
    pencil : Certificate or None
        The proof about H - E S, an ordinary Hamiltonian; it can be saved.

    Examples
    --------
    >>> import topophys as tp
    >>> g = tp.GeneralizedHamiltonian(tp.models.qwz(-1.0), {(0, 0): [[1.0, 0.2], [0.2, 1.0]]})
    >>> found = tp.certify_generalized_chern(g)
    >>> int(found), bool(0.79 < found.overlap_lower < 0.81)
    (1, True)
    """

    overlap_lower: float = 0.0
    overlap_upper: float = np.inf
    energy: Any = None
    pencil: Certificate | None = None

    @property
    def question(self) -> str:
        """The question, such as "Chern number of the lowest 1 of 2 bands in 2D, H x = E S x"."""
        return f"{super().question}, H x = E S x"

    def _document(self, index: int | tuple[int, ...] | None = None) -> dict[str, Any]:
        """Content of the file of H - E S, for which the checker knows the same integer."""
        if self.pencil is None:
            raise InputError("There is no proof to save: the result is unresolved.")
        return self.pencil._document(index)

    def _rows(self) -> list[tuple[str, str]]:
        ends = at_least(self.overlap_lower, 4), at_most(self.overlap_upper, 4)
        bounds = "eigenvalues of S from {} to {}".format(*ends)
        rows = [*super()._rows(), ("overlap", f"{bounds} (proven)")]
        if self.energy is not None and self.certified.all():
            first = self.energy[(0,) * self.k_at_gap_upper.shape[-1]].real
            many = f" and {len(self.energy) - 1} harmonics" if len(self.energy) > 1 else ""
            rows.append(("signature", f"of H - E S, with E = {first:.6g}{many} in the gap"))
        return rows


def certify_generalized_gap(
    g: GeneralizedLike,
    *,
    n_occupied: int | None = None,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = 100_000,
    on_unresolved: OnUnresolved = "mask",
) -> GeneralizedCertificate:
    r"""Prove that the gap above the occupied levels of H(k) x = E S(k) x is open everywhere.

    S(k) is proven to be positive definite. Then a smooth E(k) is sought for which H - E S, an
    ordinary Hamiltonian in Fourier form, is proven to have n levels below zero and the others
    above: by Sylvester's law of inertia as many levels of the problem lie below and above E(k).

    .. math:: \text{gap} \ge \frac{\min_k \mu_{n+1} - \max_k \mu_n}{s_{max}}, \qquad
        \mu_i(k) \text{ the levels of } H - E S, \quad S(k) \le s_{max}

    Parameters
    ----------
    g : GeneralizedHamiltonian
        The problem, in one to three dimensions.
    n_occupied : int, optional
        Number n of occupied levels; that of `g` where not given.
    max_depth, max_evaluations : int, optional
        As for `certify_gap`, of each of the proofs.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    GeneralizedCertificate
        The value is n.

    Raises
    ------
    KindError
        If `g` is something else.
    InputError
        If S(k) is proven not to be positive definite; the message names a momentum.
    UnresolvedError
        If asked for and it is unresolved.

    References
    ----------
    .. [1] G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th ed., Johns Hopkins University
       Press (2013), sec. 8.1.5 and 8.7.

    Examples
    --------
    >>> import topophys as tp
    >>> g = tp.GeneralizedHamiltonian(tp.models.ssh(1.0, 2.0), {(0,): [[1.0, 0.3], [0.3, 1.0]]})
    >>> proof = certify_generalized_gap(g)
    >>> proof.status.item(), bool(0.0 < proof.gap_lower <= proof.gap_upper)
    ('certified', True)
    """
    return _prove(g, n_occupied, "gap", max_depth, max_evaluations, on_unresolved)


def certify_generalized_chern(
    g: GeneralizedLike,
    *,
    n_occupied: int | None = None,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = 100_000,
    on_unresolved: OnUnresolved = "mask",
) -> GeneralizedCertificate:
    r"""Chern number of the occupied levels of H(k) x = E S(k) x, proven.

    It is that of the levels of H - E S below zero, for any E(k) in the gap: the problems with
    overlap :math:`(1 - t) S + t` have the same numbers of levels on both sides of zero for all t
    from 0 (the orthogonalised basis) to 1. See `certify_generalized_gap` for the gap and for S.

    Parameters
    ----------
    g : GeneralizedHamiltonian
        The problem, in two dimensions.
    n_occupied : int, optional
        Number of occupied levels; that of `g` where not given.
    max_depth, max_evaluations : int, optional
        As for `certify_chern`, of each of the proofs.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    GeneralizedCertificate
        Value, status, gap and effort.

    Raises
    ------
    KindError
        If `g` is something else.
    InputError
        If S(k) is proven not to be positive definite; the message names a momentum.
    UnresolvedError
        If asked for and it is unresolved.

    References
    ----------
    .. [1] P.-O. Löwdin, J. Chem. Phys. 18, 365 (1950).

    Examples
    --------
    >>> import topophys as tp
    >>> overlap = {(0, 0): [[1.0, 0.1], [0.1, 1.0]], (1, 0): [[0.1, 0.0], [0.0, 0.1]]}
    >>> int(certify_generalized_chern(tp.GeneralizedHamiltonian(tp.models.qwz(-1.0), overlap)))
    1
    """
    return _prove(g, n_occupied, "Chern number", max_depth, max_evaluations, on_unresolved)


def _prove(
    g: GeneralizedLike,
    n_occupied: int | None,
    quantity: str,
    max_depth: int,
    max_evaluations: int,
    on_unresolved: OnUnresolved,
) -> GeneralizedCertificate:
    check_on_unresolved(on_unresolved)
    dims = (2,) if quantity == "Chern number" else (1, 2, 3)
    given: object = g
    if not isinstance(given, GeneralizedLike) or given.dim not in dims:
        raise KindError(
            f"Argument `g` must be a GeneralizedHamiltonian in {' or '.join(map(str, dims))}"
            f" dimensions, but is {_validation.short(g)}."
        )
    n = _validation.occupied(_filling(g) if n_occupied is None else n_occupied, g.n_bands)
    limits: dict[str, Any] = {"max_depth": max_depth, "max_evaluations": max_evaluations}
    low, high, spent, why = _overlap(g.overlap, limits)
    worst = high / low if low > 0.0 else np.inf
    points = POINTS[g.dim]
    best: GeneralizedCertificate | None = None
    for reach in REACHES if low > 0.0 else (0,):
        energy, apart = g.midgap(n, reach, points) if low > 0.0 else ({}, 0.0)
        if apart <= 0.0 and best is not None:
            continue
        pencil = g.shifted(energy) if energy else g.hamiltonian
        proof = certify_gap(pencil, level=0.0, n_occupied=n, **limits) if energy else None
        found = certify_gap(pencil, n_occupied=n, max_evaluations=max_evaluations)
        if quantity == "Chern number" and proof is not None and proof.certified:
            found = certify_chern(pencil, n_occupied=n, **limits)
        open_gap = proof is not None and bool(proof.certified) and bool(found.certified)
        spent += int(found.evaluations) + (0 if proof is None else int(proof.evaluations))
        best = _wrapped(found, quantity, open_gap, energy, (low, high), spent)
        if proof is not None and open_gap:
            met, k = _smallest(g, n, points, worst)
            lower = float(np.nextafter(float(proof.gap_lower) / high, 0.0))
            return replace(
                best, gap_lower=np.array(min(lower, met)), gap_upper=np.array(met),
                k_at_gap_upper=k,
            )  # fmt: skip
        if why:
            best = replace(best, reason=np.array(why))
    assert best is not None
    if low > 0.0:
        met, k = _smallest(g, n, points, worst)
        best = replace(best, gap_upper=np.array(met), k_at_gap_upper=k)
    return settle(best, on_unresolved, quantity)


def _filling(g: Any) -> int:
    """Read the filling; no part of the protocol, as it raises where there is none."""
    return int(g.n_occupied)


def _wrapped(
    found: Certificate,
    quantity: str,
    known: bool,
    energy: dict[tuple[int, ...], complex],
    overlap: tuple[float, float],
    spent: int,
) -> GeneralizedCertificate:
    given = {f.name: getattr(found, f.name) for f in fields(Certificate)}
    reason = str(found.reason) or "depth"
    return GeneralizedCertificate(
        **given
        | {
            "quantity": quantity,
            "status": np.array("certified" if known else "unresolved"),
            "reason": np.array("" if known else reason),
            "gap_lower": np.array(0.0),
            "evaluations": np.array(spent),
        },
        overlap_lower=overlap[0],
        overlap_upper=overlap[1],
        energy=energy or None,
        pencil=found if known else None,
    )


def _overlap(s: FourierLike, limits: dict[str, Any]) -> tuple[float, float, int, str]:
    """Proven bounds of the eigenvalues of S(k), evaluations, and why there are none."""
    above = float(frobenius(s.amplitudes).sum())
    ceiling = certify_gap(s, level=2.0 * above, n_occupied=s.n_bands, **limits)
    floor: Any = certify_gap(s, level=0.0, n_occupied=0, **limits)
    if str(floor.status) == "refuted":
        at = ", ".join(f"{x:.4g}" for x in np.ravel(floor.k_conduction))
        raise InputError(
            "Argument `overlap` must be positive definite at every momentum, but has an eigenvalue"
            f" of at most {at_most(floor.conduction_upper, 3)} at k = ({at}): the basis is linearly"
            " dependent there."
        )
    high = float(ceiling.valence_upper) if ceiling.certified else np.inf
    low = float(floor.conduction_lower) if floor.certified and np.isfinite(high) else 0.0
    spent = int(floor.evaluations) + int(ceiling.evaluations)
    return max(low, 0.0), high, spent, "" if low > 0.0 else str(floor.reason) or "depth"


def _smallest(g: GeneralizedLike, n: int, points: int, worst: float) -> tuple[float, Any]:
    """Smallest direct gap at the points of a grid, and where."""
    k = grid_of(g.dim, points).reshape(-1, g.dim)
    energy = g.bands(k)
    gaps = energy[:, n] - energy[:, n - 1]
    # a level of the computed matrices is off by some rounding of the largest one
    rounding = 1e-13 * worst * float(np.abs(energy).max())
    return float(gaps.min()) + rounding, k[gaps.argmin()]
