"""Why a proof was not found, and rounding toward safety."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators
from topophys.errors import UnresolvedError
from topophys.hamiltonians.two_band import PAULI
from topophys.kernels.rounding import SLACK, lower_bound, slack_of, upper_bound

CASES = {
    "budget": (tp.models.qwz(-1.999), {"max_evaluations": 257}),
    "depth": (tp.models.qwz(-1.999), {"max_depth": 0}),
    "closed gap": (tp.models.qwz(-2.0), {}),
    "small gap": (tp.models.qwz(-1.9), {"min_gap": 1.0}),
}


@pytest.mark.parametrize("reason", CASES)
def test_every_reason_is_named_with_its_remedy(reason):
    h, options = CASES[reason]
    proof = tp.certify_chern(h, **options)
    assert proof.reason == reason
    assert reason in repr(proof)
    with pytest.raises(UnresolvedError, match=reason) as caught:
        tp.certify_chern(h, on_unresolved="raise", **options)
    assert caught.value.reasons == (reason,)
    with pytest.raises(UnresolvedError, match=reason):
        int(proof)


def test_reasons_of_chains():
    ssh = tp.models.ssh
    assert tp.certify_winding(ssh(1.0, 1.0)).reason == "closed gap"
    assert tp.certify_winding(ssh(1.0, 1.001), max_evaluations=8).reason == "budget"
    assert tp.certify_winding(ssh(1.0, 1.001), max_evaluations=7).reason == "budget"
    assert tp.certify_winding(ssh(1.0, 1.001), max_depth=1).reason == "depth"
    assert tp.certify_winding(ssh(1.0, 1.5), min_gap=1.1).reason == "small gap"
    assert tp.certify_winding(ssh(1.0, 1.5)).reason == ""


def test_a_batch_counts_its_reasons():
    proof = tp.certify_chern(tp.models.qwz([-2.0, 2.0, -1.0]))
    assert proof.reason.tolist() == ["closed gap", "closed gap", ""]
    assert "2 closed gaps (" in repr(proof)


@given(
    st.floats(0.0, 1.7976931348623157e308),
    st.integers(-2200, 2200),
)
def test_bounds_round_toward_safety(value, exponent):
    exact = Fraction(value) * Fraction(2) ** exponent
    low, high = float(lower_bound(value, exponent)), float(upper_bound(value, exponent))
    assert np.isfinite(low)
    assert Fraction(low) <= exact
    assert high == np.inf or Fraction(high) >= exact
    largest = Fraction(np.finfo(float).max)
    if exact <= largest:
        assert np.isfinite(high)
        # no more than a unit in the last place is given away
        assert np.nextafter(low, np.inf) >= high


def test_bounds_of_what_is_no_number():
    assert lower_bound([np.nan, np.inf, -1.0], 0).tolist() == [0.0, np.finfo(float).max, 0.0]


def test_slack_of_many_bands_covers_a_change_of_basis():
    norms, reach = np.ones(3), np.zeros(3, np.int64)
    few, many = (float(slack_of(norms, reach, n)) for n in (64, 256))
    assert few == pytest.approx(SLACK * 67 * 3)
    assert many == pytest.approx(SLACK * (3 + 256**1.5 / 8) * 3)


def constant_gap(c):
    """Proofs of all kinds for Hamiltonians whose gap is 2 sqrt(2) c at every momentum."""
    x, z = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0])
    chain = tp.ChiralHamiltonian({(0,): [[c * (1.0 + 1.0j)]]})
    yield tp.certify_winding(chain)
    yield tp.certify_gap(chain)
    for copies in (1, 2, 5):
        h = tp.FourierHamiltonian({(0, 0): np.kron(np.eye(copies), c * (x + z))}, n_occupied=copies)
        yield tp.certify_chern(h)
        yield tp.certify_gap(h)
    four = tp.FourierHamiltonian({(0, 0): np.kron(np.eye(2), c * (x + z))}, n_occupied=2)
    reversal = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2))
    yield tp.z2_invariant(four, time_reversal=reversal, method="flux")
    yield tp.z2_invariant(four, time_reversal=reversal, inversion=np.eye(4), method="parity")
    yield tp.weyl_charge(tp.FourierHamiltonian({(0, 0, 0): c * (x + z)}), [0, 0, 0])
    yield tp.spin_chern(four, np.diag([1.0, 1.0, -1.0, -1.0]))


@pytest.mark.parametrize("c", [5e-324, 3.5e-323, 2.0**1023])
def test_proven_gaps_at_both_ends_of_the_range_are_below_the_gap(c):
    """Bounds were rounded to the nearest float64: 2 sqrt(2) to 3 of the smallest, and to inf."""
    for proof in constant_gap(c):
        assert proof.status == "certified", proof
        assert np.isfinite(proof.gap_lower)
        assert Fraction(float(proof.gap_lower)) ** 2 <= 8 * Fraction(c) ** 2, proof


@given(rng=generators())
@settings(max_examples=8)
def test_a_closed_gap_off_the_grid_is_named_however_few_cells_there_are(rng):
    """Touchings at momenta on no grid: Dirac points of two bands, Weyl points of four."""
    dim = int(rng.integers(2, 4))
    shift = rng.uniform(-np.pi, np.pi, dim)
    slope = rng.standard_normal((dim, 3))
    slope = np.linalg.qr(slope.T)[0].T + 0.2 * slope
    hops = {
        tuple(unit): -0.5j * np.exp(-1j * s) * np.einsum("i,iab->ab", v, np.array(PAULI))
        for unit, s, v in zip(np.eye(dim, dtype=int).tolist(), shift, slope, strict=True)
    }
    n = int(rng.choice([2, 4]))
    u = np.linalg.qr(rng.standard_normal((n, n, 2)).view(complex)[..., 0])[0]
    full = {r: u[:, :2] @ m @ u[:, :2].conj().T for r, m in hops.items()}
    full[(0,) * dim] = (u[:, 2:] * 9.0) @ u[:, 2:].conj().T
    h = tp.FourierHamiltonian(full, n_occupied=1)
    most = int(rng.integers(700, 9000))
    found = tp.certify_gap(h, max_evaluations=most, max_depth=int(rng.integers(3, 9)))
    assert found.reason == "closed gap", (found.reason, found.gap_upper)
    assert found.evaluations <= most
    at = found.k_at_gap_upper - shift
    # all sines vanish at each touching
    np.testing.assert_allclose(np.sin(at), 0.0, atol=1e-9)


@pytest.mark.parametrize("place", [(2.5, -2.0), (-0.7, 1.1)])
def test_a_touching_is_reported_where_it_is(place):
    base = tp.models.qwz(-2.0)
    turn = np.exp(1j * base.vectors @ np.array(place))
    hoppings = {
        tuple(r): np.pad(z * a, (0, 1))
        for r, z, a in zip(base.vectors.tolist(), turn, base.amplitudes, strict=True)
    }
    hoppings[0, 0] = hoppings[0, 0] + np.diag([0.0, 0.0, 5.0])
    h = tp.FourierHamiltonian(hoppings, n_occupied=1)
    found = tp.certify_gap(h)
    assert found.reason == "closed gap"
    energy = np.linalg.eigvalsh(h.bloch(found.k_at_gap_upper))
    assert energy[1] - energy[0] < 1e-9
    assert (np.abs(found.k_at_gap_upper) <= np.pi).all()


@pytest.mark.parametrize("most", [2**62, 2**63, 10**30])
def test_a_budget_may_be_as_large_as_one_likes(most):
    assert tp.certify_winding(tp.models.ssh(1.0, 2.0), max_evaluations=most).value == 1
    assert tp.certify_chern(tp.models.qwz(-1.0), max_evaluations=most).all_certified
    assert tp.certify_gap(tp.models.bhz(1.0), max_evaluations=most).all_certified
