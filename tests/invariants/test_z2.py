"""Z2 invariant in two dimensions."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings

import topophys as tp
from tests.invariants.samples import (
    ONE,
    Y,
    degenerate,
    direct_sum,
    rotated,
    unitary,
)
from tests.strategies import generators, two_bands
from topophys.ensembles import time_reversal_planes
from topophys.errors import InputError, KindError, ShapeError, UnresolvedError
from topophys.invariants._slices import Slice
from topophys.invariants._wannier_flow import FlowRules, follow, make_line, shift_between
from topophys.invariants._z2_methods import prove_half_zone
from topophys.testing.wannier_files import wannier_file

#: T = i s_y K and the inversion of BHZ: even and odd orbital.
REVERSAL = np.kron(1j * Y, ONE)
PARITY = np.kron(ONE, np.diag([1.0, -1.0]))


def mixed_time_reversal(u):
    """U of T = U K in another basis."""
    return u @ REVERSAL @ u.T


@pytest.mark.parametrize(
    ("m", "expected"), [(-1.0, 0), (-0.1, 0), (0.1, 1), (2.0, 1), (3.9, 1), (4.1, 1), (9.0, 0)]
)
@pytest.mark.parametrize("delta", [0.0, 0.04])
def test_bhz_by_flow_by_grid_and_by_parity(m, expected, delta):
    h = tp.models.bhz(m, delta=delta)
    found = tp.z2_invariant(h)
    assert int(found) == expected
    assert found.status == "converged"
    assert found.gap_lower > 0
    assert 0 < found.flow_gap <= 1
    assert int(tp.z2_invariant(h, prove=False)) == expected
    proof = tp.z2_invariant(h, method="flux", time_reversal=REVERSAL)
    assert (int(proof), str(proof.status)) == (expected, "certified")
    assert proof.gap_lower <= proof.gap_upper
    assert np.isnan(proof.flow_gap)
    # delta breaks inversion: parities are those of the model without it, one phase with this one
    by_parity = tp.z2_invariant(h, method="parity", inversion=PARITY, time_reversal=REVERSAL)
    if abs(by_parity.symmetry_violation) < by_parity.gap_lower:
        assert int(by_parity) == expected
        assert by_parity.status == "certified"
    else:
        assert by_parity.reason == "symmetry"
    assert by_parity.symmetry_violation == pytest.approx(2 * delta, rel=1e-6, abs=0.0)


def test_kane_mele_phase_diagram():
    """Sublattice potential against Rashba coupling: two lines known in closed form."""
    so = 0.1
    edge_v, edge_r = 3 * np.sqrt(3) * so, 2 * np.sqrt(3) * so
    h = tp.models.kane_mele(
        so, [0.0, 0.8 * edge_v, 1.2 * edge_v, 0.0, 0.1], [0.0, 0.0, 0.0, 0.8 * edge_r, 0.1]
    )
    found = tp.z2_invariant(h, time_reversal=REVERSAL)
    assert found.value.tolist() == [1, 1, 0, 1, 1]
    assert found.value.tolist() == tp.z2_invariant(h).value.tolist()


def doubled(h, u):
    """A two-band model and its time-reversed partner, in a basis that hides which is which."""
    zero = np.zeros((2, 2))
    rows = {R: np.block([[m, zero], [zero, m.conj()]]) for R, m in h.hoppings.items()}
    return rotated(tp.FourierHamiltonian(rows, n_occupied=2), u)


def wrong_or_unresolved(h, rng, **options):
    """Whether the answer contradicts the proven Chern number of one spin; whether it is none."""
    proof = tp.certify_chern(h)
    u = unitary(4, rng)
    reversal = mixed_time_reversal(u)
    found = tp.z2_invariant(doubled(h, u), time_reversal=reversal, **options)
    wrong = bool(proof.certified) and bool(found.resolved) and int(found) != int(proof) % 2
    return wrong, not found.resolved


@settings(max_examples=10)  # each is a proof on some thousand cells
@given(h=two_bands(max_range=1), rng=generators())
def test_random_models_against_proven_chern_numbers(h, rng):
    assert not wrong_or_unresolved(h, rng, method="flux", max_evaluations=3000)[0]


@pytest.mark.slow
def test_many_random_models_against_proven_chern_numbers():
    """No gap threshold: a proof may not be found, it may not be wrong; a flow alone may be."""
    rng = np.random.default_rng(7)
    models = tp.ensembles.two_band(600, hopping_range=1, rng=rng)
    proofs = np.array([wrong_or_unresolved(h, rng, method="flux") for h in models])
    assert proofs[:, 0].sum() == 0
    assert proofs[:, 1].mean() < 0.02
    flows = np.array([wrong_or_unresolved(h, rng, prove=False) for h in models[:200]])
    assert flows[:, 0].mean() < 0.01


def test_z2_is_the_parity_of_the_spin_chern_number():
    h = tp.models.bhz([0.5, 3.0, 5.0, -1.0])
    spin = tp.spin_chern(h.on_grid((24, 24)), np.kron(np.diag([1.0, -1.0]), ONE), n_occupied=2)
    assert tp.z2_invariant(h).value.tolist() == spin.z2.tolist()


@pytest.mark.slow
@given(rng=generators())
def test_any_basis_and_any_gauge(rng):
    m = float(rng.choice([1.0, -1.5]))
    u = unitary(4, rng)
    h = rotated(tp.models.bhz(m, delta=0.1), u)
    expected = int(m > 0)
    assert int(tp.z2_invariant(h)) == expected
    assert int(tp.z2_invariant(h, time_reversal=mixed_time_reversal(u))) == expected
    h_k = h.on_grid((32, 32))
    assert int(tp.z2_invariant(h_k, n_occupied=2)) == expected
    assert int(tp.z2_invariant(degenerate(h_k, 2, rng), n_occupied=2)) == expected


def test_invariants_add_modulo_two():
    a, b, c = (tp.models.bhz(m, delta=0.1) for m in (1.0, 2.0, -1.0))
    assert int(tp.z2_invariant(direct_sum(a, b))) == 0
    assert int(tp.z2_invariant(direct_sum(a, c))) == 1
    assert int(tp.z2_invariant(direct_sum(direct_sum(a, b), a), prove=False)) == 1


@pytest.mark.parametrize("m", [0.0, 4.0, 8.0, 0.001])
def test_gapless_and_nearly_gapless_are_not_converged_or_right(m):
    found = tp.z2_invariant(tp.models.bhz(m))
    if m == 0.001:
        assert not found.resolved or int(found) == 1
        return
    assert found.status == "unresolved"
    assert np.ma.is_masked(found.value)
    with pytest.raises(UnresolvedError):
        int(found)


def test_touchings_away_from_the_lines_are_not_overlooked():
    """Graphene with spin: Dirac points at K; on a grid that misses K too."""
    graphene = tp.models.kane_mele(0.0)
    for rules in (None, FlowRules(max_halvings=3)):
        assert tp.z2_invariant(graphene, prove=False, rules=rules).status == "unresolved"
        assert tp.z2_invariant(graphene, rules=rules).status == "unresolved"
    assert tp.z2_invariant(graphene.on_grid((32, 32)), n_occupied=2).status == "unresolved"


def near_transition(seed, t):
    """A mixture of two random Hamiltonians, near a change of the invariant."""
    h = tp.ensembles.time_reversal_planes(2, rng=seed)
    one, other = h.amplitudes
    hops = zip(h.vectors.tolist(), (1.0 - t) * one + t * other, strict=True)
    return tp.FourierHamiltonian({tuple(R): m for R, m in hops}, n_occupied=2)


@pytest.mark.parametrize(
    ("seed", "t"),
    [(38, 0.7998), (116, 0.6143), (121, 0.1758), (162, 0.3193), (179, 0.6934), (181, 0.6191)],
)
def test_small_gaps_between_lines_are_looked_for(seed, t):
    """Flows that were followed, and wrong, as long as nothing was looked for between lines."""
    h = near_transition(seed, t)
    proof = tp.z2_invariant(h, method="flux", time_reversal="up first")
    assert proof.status == "certified"
    flow = tp.z2_invariant(h, prove=False)
    assert flow.status == "unresolved" or int(flow) == int(proof)
    # the gap that hides is met
    assert float(flow.gap_upper) < 2.0 * float(proof.gap_upper)


@pytest.mark.parametrize(("points", "seed"), [(16, 7040), (24, 8782)])
def test_grids_too_coarse_for_a_small_gap_stay_unresolved(points, seed):
    """Grids whose centres could be followed, to a wrong number."""
    h = tp.ensembles.time_reversal_planes(1, rng=seed)[0]
    proof = tp.z2_invariant(h, method="flux", time_reversal="up first")
    grid = tp.z2_invariant(h.on_grid((points, points)), n_occupied=2)
    assert grid.status == "unresolved" or int(grid) == int(proof)


def test_sampled_answers_say_that_nothing_is_proven():
    h = tp.models.bhz(1.0)
    assert "proof            none: sampled" in repr(tp.z2_invariant(h, prove=False))
    assert "proof            none: sampled" in repr(tp.z2_invariant(h.on_grid(24), n_occupied=2))
    assert "none: sampled" not in repr(tp.z2_invariant(h))


def test_coarse_grids_stay_unresolved():
    h = tp.models.bhz(0.05)
    assert tp.z2_invariant(h.on_grid((8, 8)), n_occupied=2).status == "unresolved"
    assert int(tp.z2_invariant(h)) == 1


def test_broken_time_reversal_is_refused():
    h = tp.models.bhz(1.0)
    field = tp.FourierHamiltonian({(0, 0): 0.05 * np.kron(np.diag([1.0, -1.0]), ONE)})
    zeeman = {R: m + field.hoppings.get(R, 0.0) for R, m in h.hoppings.items()}
    with pytest.raises(InputError, match="Kramers"):
        tp.z2_invariant(tp.FourierHamiltonian(zeeman, n_occupied=2))
    with pytest.raises(InputError, match="Kramers"):
        tp.z2_invariant(tp.FourierHamiltonian(zeeman, n_occupied=2).on_grid((16, 16)), n_occupied=2)
    # with the operator: one phase with the model without the field, as long as that is proven
    found = tp.z2_invariant(tp.FourierHamiltonian(zeeman, n_occupied=2), time_reversal=REVERSAL)
    assert (int(found), str(found.status)) == (1, "certified")
    assert found.symmetry_violation == pytest.approx(0.1)
    # rounded up: half the violation carries its rounding
    said = re.search(r"symmetrised Hamiltonian, at most ([0-9.]+) from", repr(found))
    assert said is not None
    assert 0.05 <= float(said[1]) <= 0.0502
    assert found.gap_lower > found.symmetry_violation


def test_two_equal_chern_insulators_are_not_a_quantum_spin_hall_insulator():
    """Every level is twofold degenerate, but C = 2: centres at kx and -kx give it away."""
    twin = direct_sum(tp.models.qwz(-1.0), tp.models.qwz(-1.0))
    with pytest.raises(InputError, match="Wannier centres"):
        tp.z2_invariant(twin)
    with pytest.raises(InputError, match="Wannier centres"):
        tp.z2_invariant(twin.on_grid((32, 32)), n_occupied=2)


def test_bad_arguments_are_named():
    h = tp.models.bhz(1.0)
    with pytest.raises(InputError, match="even"):
        tp.z2_invariant(h, n_occupied=1)
    with pytest.raises(KindError, match="2-dimensional"):
        tp.z2_invariant(tp.models.ssh(1.0, 2.0))
    for options in ({"prove": True}, {"method": "flux"}, {"time_reversal": REVERSAL}):
        with pytest.raises(KindError, match="samples"):
            tp.z2_invariant(h.on_grid((8, 8)), n_occupied=2, **options)
    with pytest.raises(ShapeError, match="even number of k points"):
        tp.z2_invariant(h.on_grid((9, 8)), n_occupied=2)
    with pytest.raises(InputError, match="must be given"):
        tp.z2_invariant(h, method="parity")
    with pytest.raises(ShapeError, match="inversion"):
        tp.z2_invariant(h, method="parity", inversion=ONE)
    with pytest.raises(InputError, match="P P = 1"):
        tp.z2_invariant(h, method="parity", inversion=1j * np.eye(4))
    with pytest.raises(InputError, match="tolerance"):
        tp.z2_invariant(h, tolerance=-1.0)
    with pytest.raises(InputError, match="no single integer"):
        int(tp.z2_invariant(tp.models.bhz([1.0, 2.0])))


def test_results_print_as_a_table():
    text = repr(tp.z2_invariant(tp.models.bhz([1.0, -1.0, 0.0])))
    assert "2 of 3 converged, 1 of 3 unresolved" in text
    assert "1 with 0, 1 with 1" in text
    text = repr(tp.z2_invariant(tp.models.bhz(1.0), method="parity", inversion=PARITY))
    assert "parity formula" in text
    assert "flow gap" not in text


def test_flows_hold_what_a_plot_needs():
    flow = tp.z2_invariant(tp.models.bhz(1.0)).flows[0]
    t = [line.t for line in flow.lines]
    assert t == sorted(t)
    assert (t[0], t[-1]) == (0.0, np.pi)
    for line in (flow.lines[0], flow.lines[-1]):
        assert abs(np.ptp(line.centres)) < 1e-9  # Kramers pairs
    assert flow.followed


def test_largest_gaps_on_the_circle():
    line = make_line(0.0, np.array([-0.4, 0.3, 0.35]), settled=True, gap=1.0, points=0)
    assert line.size == pytest.approx(0.7)
    assert line.middle == pytest.approx(-0.05)
    assert shift_between(np.array([-0.49, 0.1]), np.array([0.1, 0.49])) == pytest.approx(0.02)


def test_a_jump_of_centres_is_refined_until_it_is_followed_or_given_up():
    def line(t):
        x = 0.05 + 0.2 * (1.0 + np.tanh(40 * (t - 0.7)))
        return make_line(t, np.array([-x, x]), settled=True, gap=1.0, points=1)

    ends = [line(0.0), line(np.pi)]
    assert not follow(ends, FlowRules(max_halvings=2), line).followed
    flow = follow(ends, FlowRules(max_halvings=12), line)
    assert flow.followed
    assert len(flow.lines) > 8
    assert flow.crossings == 1
    assert not follow(ends, FlowRules(), None).followed


def test_bhz_file():
    h = tp.read_wannier90(wannier_file("BHZ_hr.dat"), n_occupied=2)
    found = tp.z2_invariant(h)
    assert (int(found), str(found.status)) == (1, "converged")
    assert found.gap_lower > 0


def test_1t_prime_mos2():
    """48 Wannier functions from first principles, 28 occupied: a quantum spin Hall insulator."""
    h = tp.read_wannier90(wannier_file("MoS2-1Tp_hr.dat.tar.gz"), n_occupied=28)
    found = tp.z2_invariant(h)
    assert (int(found), str(found.status)) == (1, "converged")
    assert found.splitting < 1e-3
    assert found.gap_upper > 0.02
    strict = FlowRules(loop_share=0.02, move_share=0.15, gap_share=0.4)
    again = tp.z2_invariant(h, rules=strict)
    assert (int(again), str(again.status)) == (1, "converged")
    assert again.evaluations > found.evaluations


def test_cells_of_different_size_share_all_their_vertices():
    """Fluxes of a cover with hanging vertices add up with the two ends to an even number."""
    h = tp.models.bhz(0.02, delta=0.005)
    [zone] = prove_half_zone(
        Slice(h.vectors, h.amplitudes, 2), 2, max_depth=12, max_evaluations=20000
    )
    assert (zone.value, zone.proven) == (1, True)
    assert 0 < zone.gap_lower <= zone.gap_upper
    for limits in ({"max_depth": 0, "max_evaluations": 20000}, {"max_depth": 12}):
        options = {"max_evaluations": 40} | limits
        [given_up] = prove_half_zone(Slice(h.vectors, h.amplitudes, 2), 2, **options)
        assert not given_up.proven
        assert given_up.gap_lower == 0


def test_a_batch_is_proven_as_its_elements_are():
    """Outcomes of a batch, of which some are given up, are those of its elements alone."""
    rng = np.random.default_rng(3)
    h = time_reversal_planes(12, n_bands=4, hopping_range=1, rng=rng)
    options = {"n_occupied": 2, "method": "flux", "time_reversal": "up first"}
    for limit in ({}, {"max_evaluations": 330}, {"max_depth": 2}):
        whole = tp.z2_invariant(h, **options, **limit)
        for b in range(12):
            one = tp.z2_invariant(h[b], **options, **limit)
            assert str(one.status) == whole.status[b]
            assert str(one.reason) == whole.reason[b]
            assert int(one.evaluations) == whole.evaluations[b]
            if one.status == "certified":
                assert int(one) == whole.value[b]
                np.testing.assert_allclose(one.gap_lower, whole.gap_lower[b], rtol=1e-9)
