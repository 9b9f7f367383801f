"""Z2 invariants of time-reversal-symmetric insulators in two dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from topophys import _validation
from topophys._typing import FourierLike, is_fourier_like
from topophys._validation import Bands
from topophys.errors import InputError, KindError
from topophys.invariants import _symmetry as tr
from topophys.invariants._band_groups import conclude_z2_group, edges_of
from topophys.invariants._limits import MAX_DEPTH, Limits, limits
from topophys.invariants._samples import jumping
from topophys.invariants._scaling import divide_out, error_of
from topophys.invariants._slices import (
    Slice,
    require_dimension,
    rows_of,
)
from topophys.invariants._symmetry import (
    System,
    count_parities,
    inversion_operator,
    reversal_operator,
)
from topophys.invariants._wannier_flow import FlowRules
from topophys.invariants._z2_methods import (
    HalfZone,
    of_grid,
    of_hamiltonian,
    prove_half_zone,
    require_even,
    smallest_gap,
    unresolved,
)
from topophys.invariants.evidence import Asked
from topophys.invariants.gap import certify_gap
from topophys.invariants.results import (
    Found,
    OnUnresolved,
    Z2Result,
    check_on_unresolved,
    conclude_z2,
    settle,
)
from topophys.invariants.wilson import checked_matrices

__all__ = ["z2_invariant"]


# ------------------------------- Z2 invariant of two-dimensional time-reversal-symmetric insulators

#: Bands up to which a flow is followed by a proof where nobody says whether it should be.
FEW_BANDS: Final = 8
#: Distances within Kramers pairs, added up, that rounding can explain; and, where no operator was
#: given, that a symmetry kept to `tolerance` can.
SPREAD: Final = 1e-6
SPREAD_OF_SIGNS: Final = 0.2


def z2_invariant(
    h: FourierLike | ArrayLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    method: Literal["wilson", "flux", "parity"] = "wilson",
    time_reversal: ArrayLike | Literal["up first", "alternating"] | None = None,
    inversion: ArrayLike | None = None,
    tolerance: float = 1e-3,
    prove: bool | None = None,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = 20_000,
    rules: FlowRules | None = None,
    on_unresolved: OnUnresolved = "mask",
) -> Z2Result:
    r"""Z2 invariant of two-dimensional insulators with time-reversal symmetry, T^2 = -1.

    .. math:: Z_2 = \#\{\text{centres } x_n(k_x) \text{ crossing the largest gap},\;
        0 \le k_x \le \pi\} \bmod 2

    The first form, "wilson", follows the Wannier centres along y while k_x is pumped across half
    of the zone. Loops are doubled and lines inserted until no centre moves by more than stated
    shares of the largest gap between centres. What happens within a narrow range of k_x can still
    be overlooked, so for Hamiltonians of few bands the second form, "flux", follows as a proof:

    .. math:: Z_2 = \frac{1}{2\pi} \int_{0 \le k_x \le \pi} \mathrm{tr}\,\Omega
        - 2 X(\pi) + 2 X(0) \pmod 2

    with X the sum over Kramers pairs of their centre. Half of the zone is divided into cells until
    on each the gap is proven open and the flux proven to be the principal value. The third form,
    "parity", multiplies the parities of occupied Kramers pairs where k = -k, and proves the gap:

    .. math:: (-1)^{Z_2} = \prod_{i=1}^{4} \prod_{m} \xi_{2m}(\Gamma_i)

    Parameters
    ----------
    h : FourierHamiltonian, or array-like of shape (..., Nx, Ny, n, n)
        Hamiltonian in two dimensions, or a batch; or Bloch matrices on `topophys.k_grid` with Nx
        and Ny even. A grid cannot be refined: it converges or stays unresolved.
    n_occupied : int, optional
        Number of occupied bands, even; that of `h` where not given. Samples have none, and
        need it if there are more than two bands.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of neighbouring bands, counted from 0, such as
        ``range(2, 4)``, made of Kramers pairs. Its invariant is the sum, modulo 2, of that of all
        bands up to its last and that of the bands below it; `parts` holds both.
    method : {"wilson", "flux", "parity"}, optional
        Flow of Wannier centres, proof by fluxes without a flow, or parities.
    time_reversal : array-like of shape (n, n), or {"up first", "alternating"}, optional
        Unitary U of T = U K; or the order of real spin orbitals, as in files of Wannier functions:
        all with spin up before those with spin down, or up and down in turn. Values are then
        those of the symmetrised Hamiltonian (H + T H T^-1) / 2, and only given where the
        violation of the symmetry, bounded in operator norm, is below the gap: H and it are then
        one phase. Without an operator, signs of the symmetry are checked: occupied pairs at
        k = -k, and equal centres at k_x and -k_x.
    inversion : array-like of shape (n, n), optional
        Inversion operator among the orbitals of a cell, for the parity formula; with time
        reversal, with which it must commute, the mean is over all four operators.
    tolerance : float, optional
        Where no `time_reversal` is given: allowed splitting of occupied Kramers pairs, relative
        to the gap. With an operator nothing is tolerated beyond what is proven.
    prove : bool, optional
        Whether to follow the flow by the proof, or parities by a proof of the gap; what stays
        unproven is then unresolved. Where not given: for Hamiltonians of up to eight bands, and
        for parities.
    max_depth : int, default 16
        How often a cell of a proof may be subdivided, at most 24.
    max_evaluations : int, optional
        Largest number of cells of a proof.
    rules : FlowRules, optional
        Shares and limits of the refinement.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no value: mask it and say so in the status, or raise.

    Returns
    -------
    Z2Result
        Values, status and evidence, each of shape (...) like the batch.

    Raises
    ------
    KindError
        If `h` is a Hamiltonian of another dimension, or a grid where one is needed.
    ShapeError, InputError
        If an argument makes no sense, an operator is not of its kind, or, where none is given, `h`
        is seen not to be symmetric under time reversal.
    UnresolvedError
        If asked for and a value is unresolved.

    References
    ----------
    .. [1] L. Fu, C. L. Kane, Phys. Rev. B 76, 045302 (2007).
    .. [2] A. A. Soluyanov, D. Vanderbilt, Phys. Rev. B 83, 235401 (2011).
    .. [3] R. Yu, X. L. Qi, A. Bernevig, Z. Fang, X. Dai, Phys. Rev. B 84, 075119 (2011).

    Examples
    --------
    Two copies of QWZ that time reversal maps to each other (the BHZ model):

    >>> import numpy as np
    >>> import topophys as tp
    >>> one = tp.models.qwz(-1.0).hoppings
    >>> both = {R: np.kron([[1, 0], [0, 0]], one[R])
    ...     + np.kron([[0, 0], [0, 1]], one[R].conj()) for R in one}
    >>> found = z2_invariant(tp.FourierHamiltonian(both, n_occupied=2))
    >>> int(found), str(found.status)
    (1, 'converged')
    """
    check_on_unresolved(on_unresolved)
    _validation.one_of(method, "method", ("wilson", "flux", "parity"))
    if not 0.0 <= tolerance < math.inf:
        raise InputError(f"Argument `tolerance` must be a number >= 0, but is {tolerance}.")
    if bands is not None:
        options: dict[str, Any] = {
            "method": method, "time_reversal": time_reversal, "inversion": inversion,
            "tolerance": tolerance, "prove": prove, "max_depth": max_depth,
            "max_evaluations": max_evaluations, "rules": rules,
        }  # fmt: skip
        return _of_group(h, bands, n_occupied, options, on_unresolved)
    # matrices are small: threads of the linear algebra library only get in each other's way
    with threadpool_limits(1):
        if is_fourier_like(h):
            found = require_dimension(h, 2)
            default = found.n_occupied if n_occupied is None else n_occupied
            filled = _filled(default, found.n_bands)
            usual = method == "parity" or found.n_bands <= FEW_BANDS
            ask = _Question(
                method, filled, time_reversal, inversion, tolerance, rules or FlowRules(),
                method == "flux" or (usual if prove is None else prove),
                limits(0.0, max_depth, max_evaluations, deepest=24),
            )  # fmt: skip
            return settle(_of_hamiltonians(found, ask), on_unresolved, "Z2 invariant")
        if method != "wilson" or time_reversal is not None or prove:
            raise KindError(
                "Argument `h` must be a Hamiltonian in Fourier form for parities, for checks of"
                " operators and for proofs, but is an array of samples."
            )
        sampled = _of_samples(h, n_occupied, rules or FlowRules(), tolerance)
        return settle(sampled, on_unresolved, "Z2 invariant")


def _of_group(
    h: FourierLike | ArrayLike,
    bands: Bands,
    n_occupied: int | None,
    options: dict[str, Any],
    on_unresolved: OnUnresolved,
) -> Z2Result:
    """Invariant of a group of bands, from those below the gaps around it."""
    H: Any = require_dimension(h, 2) if is_fourier_like(h) else _samples(h)
    n = H.n_bands if is_fourier_like(H) else H.shape[-1]
    low, high = _validation.band_group(bands, n_occupied, n)
    if low % 2 or high % 2:
        raise InputError(
            "Argument `bands` must hold whole Kramers pairs, (0, 1), (2, 3), ..., but is"
            f" {low} to {high - 1}."
        )
    if not low:
        return z2_invariant(H, n_occupied=high, on_unresolved=on_unresolved, **options)
    edges = edges_of((low, high), n)
    parts = tuple(z2_invariant(H, n_occupied=edge, **options) for edge in edges)
    asked = Asked(H, "Z2 invariant", high, bands=(low, high))
    return conclude_z2_group(parts, asked, on_unresolved)


def _samples(h: ArrayLike) -> NDArray[np.complex128]:
    h_k = checked_matrices(h, "h", "(..., Nx, Ny, n, n)")
    jumping(h_k, (-2, -1), "h", cure=False)
    return h_k


@dataclass(frozen=True, eq=False)
class _Question:
    """Checked options for Hamiltonians."""

    method: str
    filled: int
    time_reversal: ArrayLike | str | None
    inversion: ArrayLike | None
    tolerance: float
    rules: FlowRules
    prove: bool
    limits: Limits


def _filled(n_occupied: int | None, n_bands: int) -> int:
    filled = _validation.occupied(n_occupied, n_bands)
    tr.even_filling(filled)
    return filled


def _of_hamiltonians(h: FourierLike, ask: _Question) -> Z2Result:
    rows, exponent = divide_out(rows_of(h))
    error = error_of(h, exponent)
    n = h.n_bands
    reversal = None if ask.time_reversal is None else reversal_operator(ask.time_reversal, n)
    inversion = None
    if ask.method == "parity":
        if ask.inversion is None:
            raise InputError("Argument `inversion` must be given for the parity formula.")
        inversion = inversion_operator(ask.inversion, n, reversal)
    systems = tr.systems_of(h.vectors, rows, error, ask.filled, reversal, inversion)
    corners = tr.corners_of_systems(systems, ask.filled)
    found: list[Found] = []
    waiting: list[tuple[int, System]] = []
    for b, (system, there) in enumerate(zip(systems, corners, strict=True)):
        try:
            if inversion:
                found.append(_by_parity(system, there, ask))
                continue
            begun, whole = _by_centres(system, there, ask)
            found.append(begun)
            if not whole:
                waiting.append((b, system))
        except InputError as error_of_one:
            if len(rows) == 1:
                raise
            raise InputError(f"{error_of_one} (batch index {b})") from None
    for (b, system), zone in zip(waiting, _half_zones([x for _, x in waiting], ask), strict=True):
        found[b] = _proven(found[b], system, ask, zone)
    operator = None if reversal is None else reversal.matrix
    asked = Asked(h, "Z2 invariant", ask.filled, operator)
    result = conclude_z2(found, exponent, h.batch_shape, ask.method, (ask.filled, n))
    return replace(result, asked=asked)


def _by_parity(system: System, corners: tr.Corners, ask: _Question) -> Found:
    """Count parities of the symmetrised Hamiltonian, and prove its gap."""
    assert system.inversion is not None
    parities = count_parities(system.h, system.inversion, ask.filled)
    corners = replace(corners, gap=min(corners.gap, parities.gap))
    blocked = _blocked(system, corners)
    if blocked:
        return _noted(unresolved(corners, 4, blocked), system, flow_gap=np.nan)
    if not system.reversal:
        tr.require_pairs(corners, ask.tolerance)
    found = Found(
        value=int(parities.odd.sum() // 2 % 2),
        resolved=parities.proven,
        flow_gap=np.nan,
        gap_upper=corners.gap,
        splitting=corners.splitting,
        evaluations=4,
        reason="" if parities.proven else "rounding",
        k_at_gap_upper=corners.k,
    )
    if parities.proven and (parities.odd % 2).any():
        # with time reversal both states of a pair have the same parity
        found = replace(found, resolved=False, reason="symmetry")
    if not ask.prove or not found.resolved:
        return _noted(found, system)
    return _settled(replace(found, gap_lower=0.0), system, ask)


def _by_centres(system: System, corners: tr.Corners, ask: _Question) -> tuple[Found, bool]:
    """Flow of the symmetrised Hamiltonian, and whether no proof is to follow."""
    filled, rules = ask.filled, ask.rules
    blocked = _blocked(system, corners)
    if not blocked and not system.reversal:
        tr.require_pairs(corners, ask.tolerance)
        if not require_even(system.h, filled, rules, ask.tolerance, corners):
            blocked = "closed gap"
    if blocked:
        found = unresolved(corners, 4, blocked)
        return _noted(found, system, flow_gap=0.0 if ask.method == "wilson" else np.nan), True
    found = Found(0, False, np.nan, corners.gap, corners.splitting, 4, k_at_gap_upper=corners.k)
    if ask.method == "wilson":
        found = of_hamiltonian(system.h, filled, rules, corners, search=not ask.prove)
    if not ask.prove:
        if found.resolved and _violation(system, found.gap_upper) >= found.gap_upper:
            found = replace(found, resolved=False, reason="symmetry")
        return _noted(found, system), True
    return found, False


def _half_zones(systems: list[System], ask: _Question) -> list[HalfZone]:
    """Prove invariants of many symmetrised Hamiltonians together."""
    # the sharper bound of the violation is hardly ever that much smaller
    least = [0.0 if s.apart is None else s.apart.plain / 64.0 for s in systems]
    zones = _prove_zones(systems, ask, least)
    again = [
        i for i, (zone, system) in enumerate(zip(zones, systems, strict=True))
        if zone.reason == "small gap" and zone.gap_upper > _violation(system, zone.gap_upper)
    ]  # fmt: skip
    rest = _prove_zones([systems[i] for i in again], ask, [0.0] * len(again))
    return [rest[again.index(i)] if i in again else zone for i, zone in enumerate(zones)]


def _prove_zones(systems: list[System], ask: _Question, least: list[float]) -> list[HalfZone]:
    """Give up each whose gap is found to be below `least`."""
    if not systems:
        return []
    amplitudes = np.stack([system.h.amplitudes for system in systems])
    error = np.array([system.h.amplitude_error for system in systems], np.float64)
    return prove_half_zone(
        Slice(systems[0].h.vectors, amplitudes, ask.filled, error),
        ask.filled,
        np.array(least),
        max_depth=ask.limits.max_depth,
        max_evaluations=ask.limits.max_evaluations,
    )


def _proven(found: Found, system: System, ask: _Question, zone: HalfZone) -> Found:
    """Join what the flow gave and the proof."""
    filled = ask.filled
    reason = zone.reason
    if zone.proven and zone.spread > (SPREAD if system.reversal else SPREAD_OF_SIGNS):
        reason = "rounding"
    found = replace(
        found,
        value=zone.value,
        resolved=zone.proven and not reason,
        gap_lower=zone.gap_lower,
        **_met(found, zone.gap_upper, zone.k_at_gap_upper),
        evaluations=found.evaluations + zone.evaluations,
        reason=reason,
    )
    if found.resolved:
        return _settled(found, system, ask)
    return _noted(_explained(found, system, filled, zone.k_at_gap_upper), system)


def _violation(system: System, least: float) -> float:
    """Violation of the symmetry; by a sharper bound where the first one is not below `least`."""
    return 0.0 if system.apart is None else system.apart.below(least)


def _blocked(system: System, corners: tr.Corners) -> str:
    """Reason for which the invariant momenta already rule out an answer; "" where none does."""
    if not np.isfinite(system.slack):
        return "rounding"
    if _violation(system, corners.gap) >= corners.gap:
        return _blame(system)
    if corners.closed:
        return "closed gap"
    return "rounding" if corners.gap <= 2.0 * system.slack else ""


def _blame(system: System) -> str:
    """Reason where the gap is not above the violation: the gap, if only rounding violates."""
    beyond = system.apart is not None and system.apart.sharp > 2.0 * system.slack
    return "symmetry" if beyond else "closed gap"


def _settled(found: Found, system: System, ask: _Question) -> Found:
    """Compare the violation with the proven gap; prove a wider gap where that is needed."""
    violation, exact = _violation(system, found.gap_lower), system.reversal
    if found.gap_lower <= violation:
        # strictly above the violation, and above 0
        proof = certify_gap(
            system.h,
            n_occupied=ask.filled,
            min_gap=float(np.nextafter(violation, np.inf)),
            max_depth=ask.limits.max_depth,
            max_evaluations=ask.limits.max_evaluations,
        )
        found = replace(
            found,
            resolved=bool(proof.certified),
            gap_lower=max(found.gap_lower, float(proof.gap_lower)),
            **_met(found, float(proof.gap_upper), tuple(proof.k_at_gap_upper.tolist())),
            evaluations=found.evaluations + int(proof.evaluations),
            reason=str(proof.reason),
        )
        if not found.resolved:
            found = _explained(found, system, ask.filled, proof.k_at_gap_upper.tolist())
    return replace(_noted(found, system), certified=found.resolved and exact)


def _explained(
    found: Found, system: System, filled: int, k: tuple[float, float] | list[float]
) -> Found:
    """Look for the smallest gap near k: whether it is closed, or not above the violation."""
    if found.reason == "rounding":
        return found
    found = replace(found, **_met(found, *smallest_gap(system.h, filled, np.array(k))[:2]))
    gap = found.gap_upper
    reason = found.reason
    if gap <= _violation(system, gap):
        reason = _blame(system)
    elif gap <= 2.0 * system.slack:
        reason = "closed gap" if gap <= 2.0 * system.met else "rounding"
    return replace(found, reason=reason)


def _met(found: Found, gap: float, k: tuple[float, ...]) -> dict[str, Any]:
    """Smaller of the gap met so far and another, with its momentum."""
    if gap < found.gap_upper:
        return {"gap_upper": gap, "k_at_gap_upper": k}
    return {"gap_upper": found.gap_upper, "k_at_gap_upper": found.k_at_gap_upper}


def _noted(found: Found, system: System, flow_gap: float | None = None) -> Found:
    """Write down the violation of the symmetry that was found in the end."""
    violation = np.nan if system.apart is None else system.apart.best
    if flow_gap is None:
        flow_gap = found.flow_gap
    return replace(found, violation=violation, flow_gap=flow_gap)


def _of_samples(
    h: ArrayLike, n_occupied: int | None, rules: FlowRules, tolerance: float
) -> Z2Result:
    h_k = _samples(h)
    filled = _filled(n_occupied, h_k.shape[-1])
    rows, exponent = divide_out(h_k.reshape(-1, *h_k.shape[-4:]))
    found = [of_grid(one, filled, rules, tolerance) for one in rows]
    return conclude_z2(found, exponent, h_k.shape[:-4], "wilson", (filled, h_k.shape[-1]))
