"""Proven winding numbers, against polynomial roots and dense grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import SEEDS, chains, generators, plain, unitaries
from topophys.errors import InputError, KindError, UnresolvedError
from topophys.testing.oracles import smallest_gap_of_chain, winding_by_roots


def by_roots(chain):
    return winding_by_roots(chain.block_range[0], chain.block_amplitudes)[0]


@given(chain=chains())
def test_certified_winding_equals_the_root_count(chain):
    proof = tp.certify_winding(chain)
    assert proof.certified
    assert int(proof) == by_roots(chain)


@given(n=st.integers(5, 7), seed=SEEDS)
def test_many_orbitals(n, seed):
    chain = tp.ensembles.aiii_chains(1, n_orbitals=n, hopping_range=1, rng=seed)[0]
    proof = tp.certify_winding(chain)
    assert proof.certified
    d_k = chain.block_on_grid(4096)
    assert int(proof) == tp.winding_number(d_k)


@given(chain=chains())
def test_the_gap_lies_between_bound_and_seen(chain):
    proof = tp.certify_winding(chain)
    gap = smallest_gap_of_chain(chain, 800)
    size = np.abs(chain.block_amplitudes).sum()
    assert 0 < proof.gap_lower <= gap + 1e-13 * size
    assert proof.gap_upper >= proof.gap_lower
    # sigma_min of an N-fold determinant is known to the Nth root of its rounding at worst
    at_seen = 2 * np.linalg.svd(chain.block(proof.k_at_gap_upper), compute_uv=False)[-1]
    assert proof.gap_upper == pytest.approx(at_seen, abs=1e-7 * size)


@given(chain=chains(max_orbitals=2), share=st.floats(0.05, 0.97))
def test_a_gap_asked_for_below_the_true_one_is_proven(chain, share):
    gap = smallest_gap_of_chain(chain, 800)
    assume(gap > 1e-3 * np.abs(chain.block_amplitudes).max())
    proof = tp.certify_winding(chain, min_gap=share * gap)
    assert proof.certified
    assert proof.gap_lower >= share * gap
    assert int(proof) == by_roots(chain)


@given(chain=chains(), excess=st.floats(1.01, 1e6))
def test_a_gap_asked_for_above_the_true_one_is_never_proven(chain, excess):
    gap = smallest_gap_of_chain(chain, 800)
    assert not tp.certify_winding(chain, min_gap=excess * gap).certified


@given(seed=SEEDS, angle=st.floats(-np.pi, np.pi))
def test_chains_without_a_gap_are_never_certified(seed, angle):
    """D(k) is made singular at one k by taking its smallest singular part away."""
    chain = tp.ensembles.aiii_chains(1, rng=seed)[0]
    left, sigma, right = np.linalg.svd(chain.block([angle]))
    blocks = chain.block_amplitudes.copy()
    blocks[2] -= sigma[-1] * np.outer(left[:, -1], right[-1])
    singular = tp.ChiralHamiltonian.from_array(-2, blocks)
    proof = tp.certify_winding(singular)
    # rounding of the coefficients may leave a gap of 1e-16: nothing below the slack is certified
    assert not proof.certified
    assert proof.gap_upper < 1e-4


@given(chain=chains(max_orbitals=3), data=st.data())
def test_identities(chain, data):
    lowest, blocks = chain.block_range[0], chain.block_amplitudes
    nu, n = int(tp.certify_winding(chain)), blocks.shape[-1]
    shift = data.draw(st.integers(-5, 5))
    assert (
        int(tp.certify_winding(tp.ChiralHamiltonian.from_array(lowest + shift, blocks)))
        == nu + n * shift
    )
    back = tp.ChiralHamiltonian.from_array(-chain.block_range[1], blocks[::-1].copy())
    assert int(tp.certify_winding(back)) == -nu
    adjoint = tp.ChiralHamiltonian.from_array(
        -chain.block_range[1], blocks[::-1].conj().swapaxes(-1, -2)
    )
    assert int(tp.certify_winding(adjoint)) == -nu
    w, x = (data.draw(unitaries(n)) for _ in range(2))
    assert int(tp.certify_winding(tp.ChiralHamiltonian.from_array(lowest, w @ blocks @ x))) == nu
    # the origin of the zone: k -> k + k0 multiplies D_n by exp(i n k0)
    phases = np.exp(1j * data.draw(st.floats(-4, 4)) * np.arange(len(blocks)))[:, None, None]
    assert int(tp.certify_winding(tp.ChiralHamiltonian.from_array(lowest, phases * blocks))) == nu


@given(a=chains(max_orbitals=2), b=chains(max_orbitals=2))
def test_blocks_on_the_diagonal_add(a, b):
    a = tp.ChiralHamiltonian.from_array(
        a.block_range[0], a.block_amplitudes / np.abs(a.block_amplitudes).max()
    )
    b = tp.ChiralHamiltonian.from_array(
        b.block_range[0], b.block_amplitudes / np.abs(b.block_amplitudes).max()
    )
    n, m = a.n_bands // 2, b.n_bands // 2
    both = {}
    for chain, at in ((a, slice(0, n)), (b, slice(n, n + m))):
        for s, block in enumerate(chain.block_amplitudes):
            target = both.setdefault(chain.block_range[0] + s, np.zeros((n + m, n + m), complex))
            target[at, at] = block
    total = tp.certify_winding(tp.ChiralHamiltonian(both))
    assert total.certified
    assert int(total) == int(tp.certify_winding(a)) + int(tp.certify_winding(b))


@given(chain=chains(max_orbitals=3), exponent=st.integers(-980, 980))
def test_the_unit_of_energy_changes_nothing(chain, exponent):
    blocks = chain.block_amplitudes / 2.0 ** np.floor(np.log2(np.abs(chain.block_amplitudes).max()))
    one, other = (
        tp.certify_winding(tp.ChiralHamiltonian.from_array(chain.block_range[0], b))
        for b in (blocks, np.ldexp(blocks.real, exponent) + 1j * np.ldexp(blocks.imag, exponent))
    )
    assert int(one) == int(other)
    assert one.evaluations == other.evaluations
    assert np.ldexp(one.gap_lower, exponent) == other.gap_lower
    assert np.ldexp(one.gap_upper, exponent) == other.gap_upper


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e100, 1e300])
def test_tiny_and_huge_units(scale):
    proof = tp.certify_winding(tp.models.ssh(scale, [2 * scale, 0.5 * scale, scale]))
    assert proof.value.tolist() == [1, 0, None]
    assert 0 < proof.gap_lower[0] <= 2 * scale * (1 + 1e-12)
    assert tp.certify_winding(tp.models.ssh(scale, 2 * scale), min_gap=1.9 * scale).certified


def test_one_size_in_a_batch_does_not_touch_another():
    big, small = 1e200, 1e-200
    proof = tp.certify_winding(tp.models.ssh([big, small, 2 * small], [2 * big, 2 * small, small]))
    assert proof.value.tolist() == [1, 1, 0]


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_nothing_at_all_is_unresolved(n):
    proof = tp.certify_winding(tp.ChiralHamiltonian({0: np.zeros((n, n)), 1: np.zeros((n, n))}))
    assert proof.status == "unresolved"
    assert np.ma.is_masked(proof.value)
    assert proof.gap_lower == proof.gap_upper == 0


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_determinant_that_vanishes_everywhere_is_unresolved(n):
    """One flat band at zero energy for every k."""
    chain = tp.ensembles.aiii_chains(20, n_orbitals=n, rng=5)
    blocks = chain.block_amplitudes.copy()
    blocks[..., -1] = 2.0 * blocks[..., 0]
    proof = tp.certify_winding(tp.ChiralHamiltonian.from_array(-2, blocks))
    assert not proof.certified.any()
    assert proof.gap_upper.max() < 1e-6


def test_depth_limits_what_can_be_proven():
    chain = tp.models.ssh(1.0, 1.0 + 1e-4)
    depths = [tp.certify_winding(chain, max_depth=depth).certified for depth in range(0, 30, 3)]
    assert not depths[0]
    assert depths[-1]
    assert depths == sorted(depths)
    # an easy one needs no bisection
    assert int(tp.certify_winding(tp.models.ssh(0.1, 1.0), max_depth=0)) == 1


@given(chain=chains(), limit=st.integers(1, 120))
def test_no_more_points_than_allowed(chain, limit):
    proof = tp.certify_winding(chain, max_evaluations=limit)
    free = tp.certify_winding(chain)
    assert proof.evaluations <= limit
    assert bool(proof.certified) == bool(free.evaluations <= limit)
    if proof.certified:
        assert proof.value == free.value


def test_batches_hold_what_single_ones_hold():
    chain = tp.ensembles.aiii_chains(30, rng=2)
    whole = tp.certify_winding(chain)
    for i in range(30):
        one = tp.certify_winding(chain[i])
        for name in ("value", "status", "gap_lower", "gap_upper", "k_at_gap_upper", "evaluations"):
            np.testing.assert_array_equal(getattr(one, name), getattr(whole, name)[i])
    grid = tp.ChiralHamiltonian.from_array(-2, chain.block_amplitudes.reshape(5, 6, 5, 2, 2))
    np.testing.assert_array_equal(tp.certify_winding(grid).value, whole.value.reshape(5, 6))
    assert tp.certify_winding(grid).k_at_gap_upper.shape == (5, 6, 1)


def test_an_empty_batch_has_an_empty_certificate():
    proof = tp.certify_winding(tp.ensembles.aiii_chains(3, rng=1)[:0])
    assert proof.value.shape == (0,)
    assert "an empty batch" in repr(proof)


def test_unresolved_is_an_error_where_asked_for():
    chain = tp.models.ssh(1.0, [2.0, 1.0, 0.5, 1.0])
    with pytest.raises(UnresolvedError, match=r"2 of 4 .* \(batch index 1, 3\)") as caught:
        tp.certify_winding(chain, on_unresolved="raise")
    assert caught.value.indices == (1, 3)
    assert tp.certify_winding(chain[[0, 2]], on_unresolved="raise").value.tolist() == [1, 0]


@given(rng=generators())
def test_evidence_is_found_again_from_the_hamiltonian(rng):
    proof = tp.certify_winding(tp.ensembles.aiii_chains(5, rng=rng), min_gap=rng.uniform(0, 0.5))
    for i in range(5):
        known = proof.status[i] == "certified"
        assert (proof.value[i] is not np.ma.masked) == known
        assert (proof.gap_lower[i] > 0) == known
    assert (proof.gap_upper >= proof.gap_lower).all()
    assert (np.abs(proof.k_at_gap_upper) <= np.pi).all()


@pytest.mark.parametrize("h", [tp.models.qwz(1.0), np.eye(2), None, "ssh"])
def test_other_things_have_no_chiral_block(h):
    with pytest.raises(KindError, match="`H` must be a ChiralHamiltonian") as caught:
        plain(tp.certify_winding)(h)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("min_gap", -1.0), ("min_gap", np.nan), ("min_gap", np.inf), ("max_depth", -1),
        ("max_depth", 41), ("max_depth", 1.5), ("max_depth", True), ("max_evaluations", 0),
        ("max_evaluations", 10.0), ("on_unresolved", "guess"), ("on_unresolved", None),
    ],
)  # fmt: skip
def test_bad_options_are_named_in_one_line(option, value):
    with pytest.raises(InputError, match=f"`{option}`") as caught:
        plain(tp.certify_winding)(tp.models.ssh(1.0, 2.0), **{option: value})
    assert "\n" not in str(caught.value)


def test_many_harmonics_of_three_orbitals():
    """Of det D there are more of them than of |D|^2; none may be left out."""
    powers = (4, 3, 5)
    hop = {(0,): 0.1 * np.eye(3)}
    for i, p in enumerate(powers):
        hop[p,] = hop.get((p,), 0.0) + np.diag(np.arange(3) == i)
    proof = tp.certify_winding(tp.ChiralHamiltonian(hop))
    assert int(proof) == sum(powers)
    assert 0.9 < proof.gap_lower <= 1.8
    hop = {r: matrix[::-1].T for r, matrix in hop.items()}
    hop[-7,] = 3.0 * np.eye(3)
    assert int(tp.certify_winding(tp.ChiralHamiltonian(hop))) == -21


def test_a_budget_below_the_first_intervals_evaluates_nothing():
    chain = tp.models.ssh(0.1, 1.0)
    first = int(tp.certify_winding(chain).evaluations)
    proof = tp.certify_winding(chain, max_evaluations=first - 1)
    assert (int(proof.evaluations), str(proof.reason)) == (0, "budget")
    assert tp.certify_winding(chain, max_evaluations=first).certified


def test_a_determinant_with_too_many_harmonics_is_refused():
    block = {(0,): np.eye(3), (20_000,): np.eye(3)}
    with pytest.raises(InputError, match="at most 32768 for N > 2, but it is 60000"):
        tp.certify_winding(tp.ChiralHamiltonian(block))
