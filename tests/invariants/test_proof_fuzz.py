"""All public options of every proof at once, on Hamiltonians with exactly known invariants."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import topophys as tp
from topophys.testing import proof_fuzz
from topophys.testing.proof_bands import TURN, links_truth, phases_of_loop
from topophys.testing.proof_cases import ONE
from topophys.testing.proof_fuzz import (
    BAD,
    FEW,
    MANY,
    TARGETS,
    bound_too_high,
    gap_in_digits,
    judge,
    run,
    trial,
)


def described(count):
    """What went wrong, with the call that repeats it."""
    lines = []
    for name, seed, number in count.bad[:5]:
        found, options, case = trial(name, seed, number)
        lines.append(
            f"trial({name!r}, {seed}, {number}): {found}, {options}, truth {case.truth},"
            f" {case.features} {case.extra.get('error', '')}"
        )
    return "\n".join(lines)


@pytest.mark.always
@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_option_leads_to_a_wrong_certificate(name):
    count = run(name, FEW[name], seed=1)
    assert not any(count.outcomes[word] for word in BAD), described(count)
    assert count.outcomes["right"] > 0.1 * count.outcomes.total() or "broken" in name


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_option_leads_to_a_wrong_certificate_in_many_trials(name):
    count = run(name, MANY * FEW[name], seed=2)
    assert not any(count.outcomes[word] for word in BAD), described(count)


def test_every_public_option_is_drawn():
    rng = np.random.default_rng(0)
    for name, target in TARGETS.items():
        case = None
        while case is None:
            case = target.draw(rng)
        seen = set()
        for _ in range(60):
            seen |= set(proof_fuzz.options_of(name, rng, case))
        function = proof_fuzz.PASSED_ON.get(name, target.function)
        wanted = {
            key for key, p in list(inspect.signature(function).parameters.items())[1:]
            if p.kind is not inspect.Parameter.VAR_KEYWORD
        }  # fmt: skip
        # a level and a group of bands are asked for by targets of their own
        fixed = "bands" in case.extra or proof_fuzz.is_chain_family(case)
        instead = {"n_occupied"} if fixed else set()
        left_out = {"inversion", "grid", "level", "bands", "axis", "plane"} | instead
        assert wanted - seen <= left_out, name
    for name, option in (("certify_chern, bands", "bands"), ("certify_gap, indirect", "level")):
        assert any(option in trial(name, 3, number)[1] for number in range(8))


def test_an_option_that_nothing_draws_is_an_error():
    case = proof_fuzz.Case(tp.models.qwz(-1.0), [1], 0, (), 1)
    with pytest.raises(KeyError, match="nothing draws"):
        proof_fuzz.draw_option("unheard_of", np.random.default_rng(0), case, tp.certify_gap)


def test_a_wrong_integer_and_a_high_bound_are_seen():
    h = tp.models.qwz(-1.0)
    proof = tp.certify_chern(h)
    case = proof_fuzz.Case(h, [1], 0, (), 1)
    assert judge(case, proof) == ["right"]
    assert judge(proof_fuzz.Case(h, [0], 0, (), 1), proof) == ["wrong"]
    assert judge(proof_fuzz.Case(h, [None], 0, (), 1), proof) == ["wrong"]
    proof.gap_lower[...] = 2.0 + 1e-15
    assert judge(case, proof) == ["bound"]
    proof.gap_lower[...] = np.inf
    assert judge(case, proof) == ["bound"]


def test_gaps_at_corners_in_many_digits():
    h = tp.models.qwz(-1.0)
    assert gap_in_digits(h.vectors, h.amplitudes, 1, [0, 0]) == 2
    assert gap_in_digits(h.vectors, h.amplitudes, 1, [2, 2]) == 6
    case = proof_fuzz.Case(h, [1], 0, (), 1)
    assert not bound_too_high(case, 0, 2.0)
    assert bound_too_high(case, 0, 2.0 + 2e-15)


@pytest.mark.slow
@pytest.mark.parametrize("paired", [False, True])
def test_truth_of_the_planes_is_what_samples_say(paired):
    rng, checked = np.random.default_rng(5), 0
    while checked < 12:
        case = proof_fuzz.draw_plane(rng, pairs=paired)
        if case is None or case.h.batch_shape or case.exponent or case.truth[0] is None:
            continue
        if np.abs(case.h.vectors).max() > 3 or case.h.n_bands > 6:
            continue
        grid = case.h.on_grid((40, 40))
        energy = np.linalg.eigvalsh(grid)
        if (energy[..., case.n_occupied] - energy[..., case.n_occupied - 1]).min() < 0.1:
            continue
        checked += 1
        if paired:
            found = tp.z2_invariant(case.h, time_reversal=case.time_reversal, prove=False)
            assert not found.resolved or int(found.value) == case.truth[0]
        else:
            assert int(tp.chern_number(grid, n_occupied=case.n_occupied)) == case.truth[0]


def test_truth_of_the_chains_is_what_samples_say():
    rng, checked = np.random.default_rng(6), 0
    while checked < 25:
        case = proof_fuzz.draw_chain(rng)
        if case is None or case.h.batch_shape or case.exponent or case.truth[0] is None:
            continue
        if np.abs(case.h.vectors).max() > 8:
            continue
        block = case.h.block_on_grid(512)
        if np.abs(np.linalg.det(block)).min() > 0.05:
            assert int(tp.winding_number(block)) == case.truth[0]
            checked += 1


@pytest.mark.parametrize("paired", [False, True])
def test_truth_of_groups_is_what_samples_say(paired):
    rng, checked = np.random.default_rng(8), 0
    while checked < 8:
        case = proof_fuzz.draw_groups(rng, pairs=paired)
        if case is None or case.h.batch_shape or case.exponent or case.truth[0] is None:
            continue
        if np.abs(case.h.vectors).max() > 3 or case.h.n_bands > 8:
            continue
        grid = case.h.on_grid((40, 40))
        energy = np.linalg.eigvalsh(grid)
        if min((energy[..., e] - energy[..., e - 1]).min() for e in case.extra["edges"]) < 0.1:
            continue
        checked += 1
        low, high = case.extra["group"]
        if paired:
            found = tp.z2_invariant(
                case.h, time_reversal=case.time_reversal, bands=range(low, high), prove=False
            )
            assert not found.resolved or int(found.value) == case.truth[0]
        else:
            below = [0 if e in (0, case.h.n_bands) else int(tp.chern_number(grid, n_occupied=e))
                     for e in (low, high)]  # fmt: skip
            assert below[1] - below[0] == case.truth[0]


def test_truth_of_indirect_gaps_is_what_samples_say():
    rng, checked = np.random.default_rng(9), 0
    while checked < 20:
        case = proof_fuzz.draw_indirect(rng)
        if case is None or case.exponent:
            continue
        checked += 1
        energy = np.linalg.eigvalsh(case.h.on_grid(8)).reshape(-1, case.h.n_bands)
        n = case.n_occupied
        for levels, ends, extreme in (
            (energy[:, :n], case.extra["tops"][:n], max),
            (energy[:, n:], case.extra["bottoms"][n:], min),
        ):
            assert extreme(levels.ravel()) == pytest.approx(extreme(ends) / ONE)


@pytest.mark.parametrize("name", ["certify_phases", "certify_equivalent", "certify_gap, indirect"])
def test_judges_of_families_see_what_is_wrong(name):
    """A changed integer, and a bound a little above the truth."""
    seen = set()
    for number in range(25 if "indirect" not in name else 150):
        found, options, case = trial(name, 4, number)
        if found != ["right"] or case.exponent or len(seen) > 1:
            continue
        result = TARGETS[name].function(case.h, **options)
        if str(np.ravel(result.status)[0]) == "refuted" or getattr(result, "value", 1) is None:
            continue
        good = result.certified if name == "certify_phases" else np.array(True)
        assert TARGETS[name].judge(case, result) == ["right"]
        if name != "certify_equivalent":
            result.value[good] += 1
            seen.add(tuple(TARGETS[name].judge(case, result)))
            result.value[good] -= 1
        low = result.gap_lower[good] * 1.0
        if np.isfinite(low).all() and (name != "certify_equivalent" or result.answer[0] == "o"):
            result.gap_lower[good] = low * 1e3
            seen.add(tuple(TARGETS[name].judge(case, result)))
    assert {("bound",)} <= seen <= {("bound",), ("wrong",)}


@pytest.mark.slow
@pytest.mark.parametrize("coupled", [False, True])
def test_truth_of_the_spins_is_what_samples_say(coupled):
    rng, checked, halves = np.random.default_rng(7), 0, set()
    while checked < 12:
        case = proof_fuzz.draw_spin(rng)
        if case is None or case.h.batch_shape or case.exponent or case.truth[0] is None:
            continue
        if np.abs(case.h.vectors).max() > 3 or coupled is not ("spins coupled" in case.features):
            continue
        spin = case.extra["s_z"]
        if case.h.n_bands > 6 or not 1e-300 < np.abs(spin).max() < 1e300:
            continue
        found = tp.spin_chern(case.h.on_grid((24, 24)), spin, n_occupied=case.n_occupied)
        known = case.extra["spin_gap"][0]
        if not found.resolved or found.gap_upper < 0.4 or found.spin_gap < 0.8 * known:
            continue
        checked += 1
        halves.add(case.truth[0])
        assert (int(found.up), int(found.down)) == case.truth[0]
    assert len(halves) > 2


def test_truth_of_links_by_hand():
    """One site with U_x = 1 and U_y = e^(i f) has no flux; four have a turn."""
    perms, phases = np.zeros((1, 1, 2, 1), int), np.zeros((1, 1, 2, 1), object)
    phases[0, 0, 1] = TURN // 3
    assert links_truth(perms, phases, "determinant") == 0
    perms, phases = np.zeros((4, 1, 2, 1), int), np.zeros((4, 1, 2, 1), object)
    phases[:, 0, 1, 0] = [j * TURN // 4 for j in range(4)]
    assert [links_truth(perms, phases, b) for b in ("determinant", "eigenphases")] == [-1, -1]
    phases[:, 0, 1, 0] = [0, TURN // 2, 0, 0]
    assert links_truth(perms, phases, "determinant") is None


def test_eigenphases_of_a_permutation_are_roots_of_unity():
    whole, each = phases_of_loop([1, 2, 0], [0, 0, 0])
    assert sorted(p % TURN for p in each) == [0, TURN // 3, 2 * TURN // 3]
    assert whole % TURN == 0
    whole, each = phases_of_loop([1, 0], [0, 0])
    assert (whole % TURN, sorted(each)) == (TURN // 2, [0, TURN // 2])


@pytest.mark.parametrize(("seed", "number"), [(1007, 50), (1006, 14), (1023, 35)])
def test_double_nodes_away_from_the_surface_are_no_closed_gap(seed, number):
    """Two nodes of opposite charge at one point, or 1e-5 apart, in the box or outside of it."""
    found, _, case = trial("weyl_charge", seed, number)
    assert (case.truth, found) == ([0], ["right"])
