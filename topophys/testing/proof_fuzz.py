"""Every public option of every proof, drawn at random, on Hamiltonians whose truth is exact.

Hamiltonians are assembled from integers (a fixed-point format with `BITS` binary places), so that
truth is decided without rounding:

- sums of chains t1 z^p + t2 z^q, of QWZ planes behind an integer change of momenta, of BHZ pairs,
  of three-dimensional Dirac models, of constant levels far away ("spectators");
- behind integer matrices L of determinant 1: L D R has the winding number of D, and the states of
  negative energy of L H L^T (Sylvester) have the Chern, Z2 and Weyl numbers of those of H;
- behind a shift of orbitals to other cells;
- spins that are conserved, or coupled so that both halves are known by algebra (`proof_spins`);
- links that are permutations times phases which are fractions of a turn (`proof_links`);
- groups of bands between blocks far apart, levels e_j + b_j cos(k.r) with indirect gaps that are
  sums of integers (`proof_bands`);
- families over parameters, and paths between two Hamiltonians (`proof_families`);
- times a power of two.

What an outcome is: "right", "wrong" (a certified integer that is not the truth, any certificate of
a closed gap or of a broken symmetry), "bound" (a proven gap above the gap at some momentum, in
50 digits), "unresolved", "refused" (an error that names the argument), "error" (any other one, or
a result that does not say why it is unresolved and what to raise, or between what its gap is).
"""

from __future__ import annotations

import inspect
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np

import topophys as tp
from topophys.errors import REMEDIES, TopophysError, UnresolvedError
from topophys.invariants.chern import chern_number_of_links
from topophys.invariants.results import Result
from topophys.testing.proof_bands import (
    draw_groups,
    draw_indirect,
    draw_links,
    draw_weyl_batch,
    judge_indirect,
)
from topophys.testing.proof_cases import (
    CLOSED,
    Case,
    draw_cancelling,
    draw_chain,
    draw_dirac,
    draw_plane,
    draw_stack,
    draw_weyl,
)
from topophys.testing.proof_families import (
    draw_family,
    draw_pair,
    judge_pair,
    judge_phases,
    phases_twice,
)
from topophys.testing.proof_spins import draw_spin
from topophys.testing.proof_tenfold import (
    draw_axion,
    draw_chiral_3d,
    draw_chiral_columns,
    draw_five_vector,
    draw_majorana,
    draw_majorana_pairs,
    draw_point_gap,
    draw_sectors_2d,
)

OUTCOMES = ("right", "wrong", "bound", "unresolved", "refused", "error")
#: Outcomes of which there must be none.
BAD = ("wrong", "bound", "error")

# ---------------------------------------------------------------- options


def draw_option(name, rng, case, function):
    """A value for one option of `function`, or `inspect.Parameter.empty` to leave it out."""
    leave = inspect.Parameter.empty
    unit = 2.0 ** max(min(case.exponent, 900), -1000)
    choices: dict[str, Callable[[], Any]] = {
        "n_occupied": lambda: case.n_occupied
        if rng.random() < 0.5 and "bands" not in case.extra and not is_chain_family(case)
        else leave,
        "min_gap": lambda: 0.0 if rng.random() < 0.7 else unit * 10.0 ** rng.uniform(-6, 1),
        "max_depth": lambda: leave if rng.random() < 0.3 else int(rng.integers(0, 17 if "chiral" in
                                                                            case.extra else 25)),
        "max_evaluations": lambda: int(10.0 ** (
            rng.uniform(0, case.extra.get("effort", 4.3)) if rng.random() < 0.3
            else case.extra.get("effort", 4.3)
        )),
        "on_unresolved": lambda: "raise" if rng.random() < 0.1 else leave,
        "evidence": lambda: bool(rng.random() < 0.2),
        "method": lambda: str(rng.choice(["wilson", "flux", "parity"]
                                         if case.inversion is not None else ["wilson", "flux"])),
        "time_reversal": lambda: case.time_reversal if "parameters" in case.extra
        else case.time_reversal if rng.random() < 0.8 or "particle_hole" in case.extra else leave,
        "inversion": lambda: leave if case.inversion is None else case.inversion,
        "tolerance": lambda: leave if rng.random() < 0.5 else 10.0 ** rng.uniform(-9, -1),
        "prove": lambda: [None, True, False][rng.integers(3)],
        "prove_bulk": lambda: bool(rng.random() < 0.3),
        "rules": lambda: leave if rng.random() < 0.7 else tp.FlowRules(
            max_loop=int(rng.choice([16, 64, 512])), max_halvings=int(rng.integers(0, 8))
        ),
        "tightness": lambda: leave if rng.random() < 0.7 else float(rng.uniform(0.0, 1.0)),
        "max_cells": lambda: int(rng.choice([4, 8, 16, 64])),
        # gaps: the truth is of the direct one
        "kind": lambda: case.extra.get("kind", "direct" if rng.random() < 0.3 else leave),
        "chiral": lambda: case.extra["chiral"],
        "energy": lambda: case.extra["energy"],
        "particle_hole": lambda: case.extra["particle_hole"],
        "level": lambda: case.extra.get("level", leave),
        "bands": lambda: case.extra.get("bands", leave),
        "axis": lambda: leave if "mirror" in case.extra else 2,
        "mirror": lambda: case.extra["mirror"],
        "gammas": lambda: case.extra["gammas"],
        "max_grid": lambda: int(rng.choice([4, 5, 8, 16])),
        "plane": lambda: leave,
        "grid": lambda: leave,  # of samples, or of planes that `k` names
        "k": lambda: case.extra["k"],
        "centre": lambda: case.extra["centre"],
        "half_width": lambda: case.extra["half_width"],
        "s_z": lambda: case.extra["s_z"],
        "branch": lambda: case.extra["branch"],
        # families and paths
        "parameters": lambda: case.extra["parameters"],
        "fixed": lambda: leave if rng.random() < 0.5 else {},
        "quantity": lambda: case.extra["quantity"],
        "dependence": lambda: case.extra["dependence"],
        "lipschitz": lambda: case.extra["lipschitz"],
        "share": lambda: float(rng.choice([0.3, 0.9, 0.99, 1.0])),
        "resume": lambda: True if rng.random() < 0.3 else leave,
        "h1": lambda: case.extra["h1"],
        "waypoints": lambda: case.extra["waypoints"],
        "symmetry": lambda: case.extra["symmetry"],
    }  # fmt: skip
    if name not in choices:
        raise KeyError(f"{function.__name__} has the option {name!r}, which nothing draws")
    return choices[name]()


def is_chain_family(case):
    """Whether the quantity leaves no choice of a filling."""
    return case.extra.get("quantity") == "winding"


def draw_options(function, rng, case):
    """All options of a function at once; none of its keyword arguments may be unknown here."""
    options = {}
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        value = draw_option(name, rng, case, function)
        if value is not inspect.Parameter.empty:
            options[name] = value
    return options


# ---------------------------------------------------------------- judging


def gap_in_digits(vectors, amplitudes, filled, k):
    """Direct gap at k in 50 digits, for one Hamiltonian (M, n, n); k: multiples of pi / 2."""
    with mpmath.workdps(50):
        n = amplitudes.shape[-1]
        h = mpmath.zeros(n)
        for vector, matrix in zip(vectors.tolist(), amplitudes, strict=True):
            quarter = sum(int(a) * b for a, b in zip(vector, k, strict=True)) % 4
            phase = (mpmath.mpc(1), mpmath.mpc(0, 1), mpmath.mpc(-1), mpmath.mpc(0, -1))[quarter]
            for i in range(n):
                for j in range(n):
                    h[i, j] += phase * mpmath.mpc(complex(matrix[i, j]))
        levels = sorted(mpmath.eighe(h, eigvals_only=True))
        return levels[filled] - levels[filled - 1]


def bound_too_high(case, index, bound):
    """Whether a proven gap lies above the gap at a corner of the Brillouin zone, in 50 digits."""
    h = case.extra.get("chain", case.h)
    vectors = h.vectors
    amplitudes = h.amplitudes.reshape(-1, *h.amplitudes.shape[-3:])[index]
    small = np.ldexp(amplitudes.view(float), -case.exponent).view(complex)
    floor = np.ldexp(bound, -case.exponent)
    dim = vectors.shape[1]
    edges = case.extra.get("edges", [case.n_occupied])
    for corner, filled in itertools.product(np.ndindex(*(2,) * dim), edges):
        k = [2 * c for c in corner]
        signs = (-1.0) ** (vectors @ np.array(corner))
        energy = np.linalg.eigvalsh(np.einsum("m,mij->ij", signs, small))
        rough = energy[filled] - energy[filled - 1]
        if floor > rough - 1e-9 * np.abs(energy).max() and mpmath.mpf(floor) > gap_in_digits(
            vectors, small, filled, k
        ):
            return True
    return False


def judge(case, result, sampled_allowed=False):
    """Outcome of each element of the batch."""
    if isinstance(result, np.ndarray):  # integers without a status: certified, or an error
        values, status = np.ravel(result).tolist(), ["certified"] * result.size
        bounds = [0.0] * result.size
    elif hasattr(result, "strong"):  # Z2 indices
        values = [tuple(np.ma.filled(result.value).tolist())]
        status = [str(np.ravel(result.status)[0])]
        bounds = [0.0]
    elif hasattr(result, "sectors"):
        values = [tuple(x) for x in result.sectors.reshape(-1, len(result.phases)).tolist()]
        status, bounds = np.ravel(result.status).tolist(), [0.0] * result.status.size
    else:
        values = np.ravel(result.value).tolist()
        if hasattr(result, "up"):  # both halves, not their difference alone
            values = list(
                zip(np.ravel(result.up).tolist(), np.ravel(result.down).tolist(), strict=True)
            )
        status = np.ravel(result.status).tolist()
        bounds = np.ravel(getattr(result, "gap_lower", np.zeros(len(values))))
        # with a symmetry the bound is that of the symmetrised Hamiltonian
        away = np.nan_to_num(np.ravel(getattr(result, "symmetry_violation", np.zeros(len(values)))))
        bounds = np.where(np.isfinite(bounds), np.maximum(bounds - away, 0.0), bounds).tolist()
    found = []
    for index, (value, word, bound) in enumerate(zip(values, status, bounds, strict=True)):
        if word == "unresolved":
            found.append("unresolved")
        elif word != "certified" and sampled_allowed:
            # "converged" rests on what was not given; it is counted, not judged
            found.append("unresolved")
        elif case.truth[index] is CLOSED or value != case.truth[index]:
            found.append("wrong")
        elif not np.isfinite(bound) or bound < 0.0 or bound_known_wrong(case, index, bound, result):
            found.append("bound")
        else:
            found.append("right")
    return found


def spin_told(case, index, result):
    """Whether violation and gaps of a spin Chern number bound what they are said to bound."""
    message = {name: float(np.ravel(getattr(result, name))[index])
            for name in ("gap_upper", "gap_lower", "spin_gap", "symmetry_violation")}  # fmt: skip
    known = case.extra["spin_gap"][index]
    return (
        message["gap_lower"] <= message["gap_upper"]
        and message["symmetry_violation"] >= case.extra["violation"][index]
        and abs(message["spin_gap"] - known) <= 1e-6 * known + 1e-323
    )


def bound_known_wrong(case, index, bound, result):
    """A proven gap above the known one of a slice, or above the gap at a corner of the zone."""
    if hasattr(result, "spin_gap") and not spin_told(case, index, result):
        return True
    if bound == 0.0 or hasattr(result, "strong"):
        return False
    if "gap" in case.extra:
        return bound > case.extra["gap"]
    if "centre" in case.extra:  # the gap on the surface of a box
        return False
    return bound_too_high(case, index, bound)


def unexplained(result) -> str:
    """What a result does not say: why an element is unresolved and what to do, or its gap."""
    if not isinstance(result, Result):
        return ""
    status, reasons = np.ravel(result.status).tolist(), np.ravel(result.reason).tolist()
    if isinstance(result.reason, str):  # of a whole path or diagram: why not more is proven
        needed = len(status) == 1 and "unresolved" in status
        if result.reason not in REMEDIES and (needed or result.reason):
            return f"{status} for the reason {result.reason!r}"
    else:
        for word, reason in zip(status, reasons, strict=True):
            if (reason in REMEDIES) != (word == "unresolved") or (reason and word != "unresolved"):
                return f"{word} for the reason {reason!r}"
    words = repr(result)
    if not all(reason in words for reason in reasons):
        return f"no word of {set(reasons)} in {words!r}"
    lower, upper = (np.ravel(getattr(result, name)) for name in ("gap_lower", "gap_upper"))
    proven = np.array(status) == "certified"
    good = (lower >= 0.0) & (lower <= upper) & (np.isfinite(lower) | np.isinf(upper))
    if not good[proven].all():
        return f"gaps from {lower[proven].tolist()} to {upper[proven].tolist()}"
    return ""


@dataclass(frozen=True)
class Target:
    """A public function and the Hamiltonians to try it on."""

    function: Callable[..., Any]
    draw: Callable[[np.random.Generator], Case | None]
    sampled_allowed: bool = False
    judge: Callable[..., list[str]] | None = None


def _gap_truth(case):
    """For `certify_gap` the value is the number of occupied bands."""
    if case is not None:
        case.truth = [t if t is CLOSED else case.n_occupied for t in case.truth]
    return case


def _gap_case(rng):
    kind = rng.integers(3)
    if kind == 0:
        return _gap_truth(draw_chain(rng))
    return _gap_truth(draw_plane(rng)) if kind == 1 else draw_stack(rng)


def _slice_case(rng):
    return draw_cancelling(rng)


def _with_effort(draw, effort):
    def drawn(rng):
        case = draw(rng)
        if case is not None:
            case.extra["effort"] = effort
        return case

    return drawn


TARGETS = {
    "certify_winding": Target(tp.certify_winding, draw_chain),
    "certify_chern, two bands": Target(tp.certify_chern, lambda r: draw_plane(r, bands=2)),
    "certify_chern, many bands": Target(
        tp.certify_chern, _with_effort(lambda r: draw_plane(r, bands="many"), 3.7)
    ),
    "certify_gap": Target(tp.certify_gap, _with_effort(_gap_case, 3.7)),
    "chern_on_slices": Target(
        lambda h, *, k, **options: tp.chern_on_slices(h, k=[k], axis=2, **options), _slice_case
    ),
    "z2_invariant": Target(
        tp.z2_invariant, _with_effort(lambda r: draw_plane(r, pairs=True), 3.3), True
    ),
    "z2_invariant, broken symmetry": Target(
        tp.z2_invariant, _with_effort(lambda r: draw_plane(r, pairs=True, broken=True), 3.3), True
    ),
    "z2_indices_3d": Target(tp.z2_indices_3d, _with_effort(draw_dirac, 3.3), True),
    "weyl_charge": Target(tp.weyl_charge, _with_effort(draw_weyl, 3.7)),
    "spin_chern": Target(tp.spin_chern, draw_spin),
    "link_chern": Target(chern_number_of_links, draw_links),
    "majorana_number": Target(tp.majorana_number, draw_majorana),
    "majorana_number, broken symmetry": Target(
        tp.majorana_number, lambda r: draw_majorana(r, broken=True)
    ),
    "majorana_number, Kramers pairs": Target(tp.majorana_number, draw_majorana_pairs),
    "second_chern": Target(tp.second_chern, draw_five_vector),
    "second_chern, broken symmetry": Target(
        tp.second_chern, lambda r: draw_five_vector(r, broken=True)
    ),
    "mirror_chern": Target(tp.mirror_chern, draw_sectors_2d),
    "mirror_chern, broken symmetry": Target(
        tp.mirror_chern, lambda r: draw_sectors_2d(r, broken=True)
    ),
    "point_gap_winding": Target(tp.point_gap_winding, draw_point_gap),
    "axion_angle": Target(tp.axion_angle, draw_axion),
    "winding_3d": Target(tp.winding_3d, draw_chiral_3d),
    "winding_3d, broken symmetry": Target(tp.winding_3d, lambda r: draw_chiral_3d(r, broken=True)),
    "winding_3d, six and eight bands": Target(
        tp.winding_3d,
        lambda r: draw_chiral_columns(r, broken=r.random() < 0.25),
    ),
    "certify_chern, bands": Target(tp.certify_chern, draw_groups),
    "certify_gap, bands": Target(tp.certify_gap, lambda r: draw_groups(r, gaps=True)),
    "z2_invariant, bands": Target(
        tp.z2_invariant, lambda r: draw_groups(r, pairs=True), sampled_allowed=True
    ),
    "certify_gap, indirect": Target(tp.certify_gap, draw_indirect, judge=judge_indirect),
    "weyl_charge, batches": Target(tp.weyl_charge, _with_effort(draw_weyl_batch, 3.7)),
    "certify_phases": Target(phases_twice, draw_family, judge=judge_phases),
    "certify_equivalent": Target(tp.certify_equivalent, draw_pair, judge=judge_pair),
}


#: Batches in each run of the tests, and in the long one.
FEW = {
    "certify_winding": 150, "certify_chern, two bands": 120, "certify_chern, many bands": 120,
    "certify_gap": 150, "chern_on_slices": 120, "z2_invariant": 40,
    "z2_invariant, broken symmetry": 40, "z2_indices_3d": 12, "weyl_charge": 60,
    "spin_chern": 120, "link_chern": 150, "majorana_number": 150,
    "majorana_number, broken symmetry": 100, "majorana_number, Kramers pairs": 100,
    "point_gap_winding": 100, "winding_3d": 60, "winding_3d, broken symmetry": 40,
    "winding_3d, six and eight bands": 8, "axion_angle": 8,
    "mirror_chern": 60, "mirror_chern, broken symmetry": 40,
    "second_chern": 40, "second_chern, broken symmetry": 20,
    "certify_phases": 30, "certify_equivalent": 50, "certify_chern, bands": 80,
    "certify_gap, bands": 80, "z2_invariant, bands": 30, "certify_gap, indirect": 150,
    "weyl_charge, batches": 30,
}  # fmt: skip
#: How many times as many the long run tries: 100,000 Hamiltonians in all.
MANY = 62


@dataclass
class Count:
    """Outcomes, features and options of one target."""

    outcomes: Counter = field(default_factory=Counter)
    options: Counter = field(default_factory=Counter)
    features: Counter = field(default_factory=Counter)
    bad: list = field(default_factory=list)

    def __iadd__(self, other):
        self.outcomes.update(other.outcomes)
        self.options.update(other.options)
        self.features.update(other.features)
        self.bad += other.bad
        return self


#: Targets about groups of bands, families, paths and batches of boxes; counted on their own.
FAMILIES = (
    "certify_chern, bands", "certify_gap, bands", "z2_invariant, bands", "certify_gap, indirect",
    "weyl_charge, batches", "certify_phases", "certify_equivalent",
)  # fmt: skip

#: Whose options a function hands on.
PASSED_ON = {"chern_on_slices": tp.certify_chern, "certify_phases": tp.certify_phases}


def options_of(name, rng, case):
    target = TARGETS[name]
    options = draw_options(target.function, rng, case)
    if name in PASSED_ON:
        options |= draw_options(PASSED_ON[name], rng, case)
    return options


def trial(name, seed, number):
    """One Hamiltonian or batch with one set of options; outcomes, options and features."""
    rng = np.random.default_rng([seed, number, len(name)])
    target = TARGETS[name]
    case = None
    while case is None:
        case = target.draw(rng)
    options = options_of(name, rng, case)
    try:
        result = target.function(case.h, **options)
        case.extra |= {"asked": options.get("min_gap", 0.0), "given": options.get("n_occupied"),
                       "result": result}  # fmt: skip
        found = (
            judge(case, result, target.sampled_allowed)
            if target.judge is None
            else target.judge(case, result)
        )
        if missing := unexplained(result):
            found, case.extra["error"] = ["error"] * len(found), missing
    except UnresolvedError:
        found = ["unresolved"] * len(case.truth)
    except TopophysError as error:
        found = ["refused"] * len(case.truth)
        case.extra["error"] = str(error)
    except Exception as error:  # whatever it is, it is counted
        found = ["error"] * len(case.truth)
        case.extra["error"] = repr(error)
    return found, options, case


def run(name, n, seed=0):
    """Try n batches; what was wrong is kept as (seed, number)."""
    count = Count()
    for number in range(n):
        found, options, case = trial(name, seed, number)
        count.outcomes.update(found)
        count.features.update(dict.fromkeys(case.features, len(found)))
        count.options.update(dict.fromkeys(options, len(found)))
        if set(BAD) & set(found):
            count.bad.append((name, seed, number))
    return count
