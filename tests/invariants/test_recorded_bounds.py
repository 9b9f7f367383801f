"""Bounds and effort of some proofs, as they were when they were last looked at.

A bound that gets larger or smaller need not be wrong, but nobody should find out by accident:
whoever changes one on purpose writes them anew, `python -m benchmarks.quality.mutants --record`.
Mutants of the proofs are compared with the same numbers.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import topophys as tp
from topophys.kernels.rounding import SLACK
from topophys.testing import proof_fuzz

PATH = Path(__file__).with_name("recorded_bounds.json")
SEED = 7
#: Bounds are compared to so many digits: the last ones are those of the libraries.
DIGITS = 9
#: Rounding of eigenvalues, relative to the largest hopping: a tiny gap has fewer digits.
ROUNDING = 1e-13
#: Share by which the effort may differ: cells at a limit are divided on one processor only.
EFFORT = 0.05
RECORDED: dict[str, dict[str, list]] = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
NUMBERS = {target: [int(number) for number in kept] for target, kept in RECORDED.items()}


def outcome(target: str, number: int) -> list[list]:
    """What becomes of the Hamiltonians of a trial, bounds of their gaps, and the effort."""
    found, _, case = proof_fuzz.trial(target, SEED, number)
    result = case.extra.get("result")
    bounds = [x for name in ("gap_lower", "gap_upper")
              for x in np.ravel(getattr(result, name, math.nan)).tolist()]  # fmt: skip
    effort = np.ravel(getattr(result, "evaluations", 0)).tolist()
    return [found, [float(f"{x:.{DIGITS}g}") for x in bounds], effort]


def size(target: str, number: int) -> float:
    """Largest entry of the hoppings of a trial, or of its samples."""
    h = proof_fuzz.trial(target, SEED, number)[2].h
    each = h if isinstance(h, list | tuple) else [h]
    return max(float(np.abs(getattr(x, "amplitudes", x)).max(initial=0.0)) for x in each)


def differs(target: str, number: int) -> str:
    """How a trial comes out otherwise than recorded; empty if it does not."""
    before, bounds_before, effort_before = RECORDED[target][str(number)]
    found, bounds, effort = outcome(target, number)
    if set(found) & set(proof_fuzz.BAD):
        return "error" if "error" in found else "wrong certificate"
    if found.count("right") < before.count("right"):
        return "fewer certificates"
    if found != before or len(bounds) != len(bounds_before):
        return "another bound"
    pairs = [
        (a, b) for a, b in zip(bounds, bounds_before, strict=True)
        if not math.isclose(a, b, rel_tol=10.0 ** (1 - DIGITS))
        and not (math.isnan(a) and math.isnan(b))
    ]  # fmt: skip
    # where nothing is proven the gap that was met may be rounding
    if pairs and (rounding := ROUNDING * size(target, number)) < math.inf:
        kept = [a for a, b in pairs if not math.isclose(a, b, rel_tol=0.0, abs_tol=rounding)]
        if kept and "right" in found:
            return "another bound"
    near = all(abs(a - b) <= EFFORT * b for a, b in zip(effort, effort_before, strict=True))
    return "" if near else "another effort"


@pytest.mark.parametrize("target", RECORDED)
def test_bounds_are_those_that_were_looked_at(target):
    changed = {n: how for n in NUMBERS[target] if (how := differs(target, n))}
    assert not changed, f"{target}: {changed}; if on purpose, write them anew: see this file"


def test_bound_of_a_constant_hamiltonian_is_its_gap_less_twice_the_slack():
    """Nothing but rounding stands between the two: a term of the slack that is lost shows."""
    d = np.array([0.3, 0.4, 1.2])
    missing = 2.6 - float(tp.certify_chern(tp.TwoBandHamiltonian({(0, 0): d})).gap_lower)
    unit = 2 * SLACK * 3 * 1.4143  # times the sum of the parts of d along some axes
    assert 1.3 * unit - 3e-15 <= missing <= 1.3 * 3**0.5 * unit + 3e-15
    chain = tp.ChiralHamiltonian({(0,): [[0.75]]})
    missing = 1.5 - float(tp.certify_winding(chain).gap_lower)
    assert missing == pytest.approx(2 * SLACK * 0.75, rel=0.05, abs=0.0)
    levels = np.diag([-1.0, 0.25, 1.0])
    unit = 2 * SLACK * 4 * np.linalg.norm(levels)
    h = tp.FourierHamiltonian({(0, 0): levels}, n_occupied=1)
    for proof in (tp.certify_chern(h), tp.certify_gap(h)):
        assert 1.25 - float(proof.gap_lower) == pytest.approx(unit, rel=0.05, abs=0.0)
