"""Proven Chern numbers, against dense grids and solid angles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import SEEDS, generators, plain, two_bands
from topophys.errors import InputError, KindError, UnresolvedError
from topophys.invariants.chern import AXES
from topophys.testing.oracles import chern_dense, degree_by_solid_angles, smallest_gap_of_two_bands


def remake(h, change):
    """The model with `change` applied to every lattice vector and coefficient."""
    pairs = zip(h.d_vectors.tolist(), np.moveaxis(h.d_amplitudes, -2, 0), strict=True)
    return tp.TwoBandHamiltonian(dict(change(tuple(r), a) for r, a in pairs))


@pytest.mark.parametrize(("reach", "n", "n_k"), [(1, 30, 96), (2, 15, 160), (3, 10, 240)])
def test_certified_chern_equals_dense_grids(reach, n, n_k):
    """Of those with a gap too small for the grid, the grid may give a wrong integer."""
    compared = 0
    for h in tp.ensembles.two_band(n, hopping_range=reach, rng=reach):
        proof = tp.certify_chern(h)
        d = h.d_on_grid((n_k, n_k))
        assert proof.certified
        if np.linalg.norm(d, axis=-1).min() > 8 / n_k:
            assert int(proof) == chern_dense(d) == degree_by_solid_angles(d)
            compared += 1
    assert compared >= 2


@given(h=two_bands())
def test_the_gap_lies_between_bound_and_seen(h):
    proof = tp.certify_chern(h)
    gap = smallest_gap_of_two_bands(h)
    assert 0 < proof.gap_lower <= gap + 1e-12
    assert proof.gap_upper >= proof.gap_lower
    assert proof.gap_upper == pytest.approx(
        2 * np.linalg.norm(h.d(proof.k_at_gap_upper)), abs=1e-12
    )


@given(h=two_bands(), share=st.floats(0.05, 0.9))
def test_a_gap_asked_for_below_the_true_one_is_proven(h, share):
    gap = smallest_gap_of_two_bands(h)
    assume(gap > 1e-2)
    proof = tp.certify_chern(h, min_gap=share * gap)
    assert proof.certified
    assert proof.gap_lower >= share * gap
    assert proof.value == tp.certify_chern(h).value


@given(h=two_bands(), excess=st.floats(1.001, 1e6))
def test_a_gap_asked_for_above_the_true_one_is_never_proven(h, excess):
    assert not tp.certify_chern(h, min_gap=excess * smallest_gap_of_two_bands(h)).certified


@given(h=two_bands(), k=st.tuples(st.floats(-4, 4), st.floats(-4, 4)))
def test_hamiltonians_without_a_gap_are_never_certified(h, k):
    """The constant part moves d(k) to zero at one k."""
    at = h.d(list(k))
    closed = remake(h, lambda r, a: (r, a - at if r == (0, 0) else a))
    proof = tp.certify_chern(closed)
    assert not proof.certified
    assert proof.gap_lower == 0


@given(h=two_bands(), k=st.tuples(st.floats(-4, 4), st.floats(-4, 4)), rng=generators())
def test_hamiltonians_with_a_gap_of_one_millionth(h, k, rng):
    """d(k) is moved to 5e-7 of a random direction: the gap is at most 1e-6."""
    u = rng.standard_normal(3)
    at = h.d(list(k)) - 5e-7 * u / np.linalg.norm(u)
    near = remake(h, lambda r, a: (r, a - at if r == (0, 0) else a))
    proof = tp.certify_chern(near, max_depth=24, max_evaluations=10**6)
    assert proof.gap_lower <= 1e-6 * (1 + 1e-6)
    assert proof.certified == (proof.gap_lower > 0)


@given(h=two_bands(), data=st.data())
def test_identities(h, data):
    chern = int(tp.certify_chern(h))
    k0 = np.array(data.draw(st.tuples(st.floats(-4, 4), st.floats(-4, 4))))
    u, _ = np.linalg.qr(np.random.default_rng(data.draw(SEEDS)).standard_normal((3, 3)))
    u *= np.linalg.det(u)
    changes = {
        "exchange of kx and ky": (lambda r, a: (r[::-1], a), -1),
        "k -> -k": (lambda r, a: ((-r[0], -r[1]), a), 1),
        "kx -> -kx": (lambda r, a: ((-r[0], r[1]), a), -1),
        "upper band": (lambda r, a: (r, -a), -1),
        "mirror of d": (lambda r, a: (r, a * np.array([1, -1, 1])), -1),
        "constant unitary": (lambda r, a: (r, a @ u), 1),
        "origin of the zone": (lambda r, a: (r, a * np.exp(1j * k0 @ np.array(r))), 1),
        "shear of the lattice": (lambda r, a: ((r[0] + r[1], r[1]), a), 1),
        "unit of energy": (lambda r, a: (r, 1e-7 * a), 1),
        "k -> 2 k": (lambda r, a: ((2 * r[0], 2 * r[1]), a), 4),
    }
    for name, (change, factor) in changes.items():
        assert int(tp.certify_chern(remake(h, change))) == factor * chern, name


@given(h=two_bands(), scalar=st.floats(-50, 50))
def test_the_full_matrix_gives_what_the_d_vector_gives(h, scalar):
    amplitudes = dict(h.hoppings)
    amplitudes[0, 0] = amplitudes[0, 0] + scalar * np.eye(2)
    full = tp.certify_chern(tp.FourierHamiltonian(amplitudes))
    assert int(full) == int(tp.certify_chern(h))
    d0 = {(0, 0): scalar, (1, 1): 0.5j * scalar, (-1, -1): -0.5j * scalar}
    pairs = {tuple(r): a for r, a in zip(h.d_vectors.tolist(), h.d_amplitudes, strict=True)}
    both = tp.certify_chern(tp.TwoBandHamiltonian(pairs, d0=d0))
    assert (both.value, both.gap_lower) == (full.value, pytest.approx(full.gap_lower, rel=1e-9))


@given(h=two_bands(max_range=1), exponent=st.integers(-980, 980))
def test_the_unit_of_energy_changes_nothing(h, exponent):
    one = tp.certify_chern(h)
    other = tp.certify_chern(
        remake(h, lambda r, a: (r, np.ldexp(a.real, exponent) + 1j * np.ldexp(a.imag, exponent)))
    )
    assert int(one) == int(other)
    assert one.evaluations == other.evaluations
    assert np.ldexp(one.gap_lower, exponent) == other.gap_lower
    assert np.ldexp(one.gap_upper, exponent) == other.gap_upper


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-100, 1e100, 1e300])
def test_tiny_and_huge_units(scale):
    models = tp.models.qwz([-1.0, 1.0, 0.0])
    proof = tp.certify_chern(remake(models, lambda r, a: (r, scale * a)), min_gap=0.5 * scale)
    assert proof.value.tolist() == [1, -1, None]
    assert (proof.gap_lower[:2] >= 0.5 * scale).all()


@pytest.mark.parametrize("vectors", [[(0, 0)], [(0, 0), (1, 0), (2, 1)]])
def test_nothing_at_all_is_unresolved(vectors):
    proof = tp.certify_chern(tp.TwoBandHamiltonian({r: np.zeros(3) for r in vectors}))
    assert proof.status == "unresolved"
    assert proof.gap_lower == proof.gap_upper == 0


@pytest.mark.parametrize("d", [{(1, 0): [0.5, 0.5j, 0.0]}, {(0, 0): [0.0, 0.0, 1.0]}])
def test_a_d_vector_on_a_line_or_circle_is_trivial(d):
    """d covers no area: C = 0, though every triangle is degenerate."""
    assert int(tp.certify_chern(tp.TwoBandHamiltonian(d))) == 0


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_degenerate_axes(axis, side):
    """d along an axis of the counting, and a plane of d through it."""
    z = side * np.array(AXES[axis]) / np.linalg.norm(AXES[axis])
    constant = tp.TwoBandHamiltonian({(0, 0): z, (1, 0): [0, 0, 0], (0, 1): [0, 0, 0]})
    assert int(tp.certify_chern(constant)) == 0
    u = np.cross(z, [1.0, 0.0, 0.0])
    planar = tp.TwoBandHamiltonian({(0, 0): 2 * z, (1, 0): 0.5 * u, (0, 1): 0.3j * z})
    assert int(tp.certify_chern(planar)) == 0


def test_depth_limits_what_can_be_proven():
    h = tp.models.qwz(-2 + 1e-3)
    done = [bool(tp.certify_chern(h, max_depth=depth).certified) for depth in range(0, 16, 2)]
    assert not done[0]
    assert done[-1]
    assert done == sorted(done)
    h = tp.TwoBandHamiltonian({(0, 0): [0, 0, 3.0], (1, 0): [0.1, 0, 0], (0, 1): [0, 0.1, 0]})
    assert int(tp.certify_chern(h, max_depth=0)) == 0


@given(h=two_bands(max_range=1), limit=st.integers(1, 600))
def test_no_more_points_than_allowed(h, limit):
    proof = tp.certify_chern(h, max_evaluations=limit)
    free = tp.certify_chern(h)
    assert proof.evaluations <= limit
    assert bool(proof.certified) == bool(free.evaluations <= limit)
    if proof.certified:
        assert proof.value == free.value


def test_batches_hold_what_single_ones_hold():
    h = tp.ensembles.two_band(20, rng=8)
    whole = tp.certify_chern(h)
    for i in range(20):
        one = tp.certify_chern(h[i])
        for name in ("value", "status", "gap_lower", "gap_upper", "k_at_gap_upper", "evaluations"):
            np.testing.assert_array_equal(getattr(one, name), getattr(whole, name)[i])
    grid = remake(h, lambda r, a: (r, a.reshape(4, 5, 3)))
    proof = tp.certify_chern(grid)
    np.testing.assert_array_equal(proof.value, whole.value.reshape(4, 5))
    assert proof.k_at_gap_upper.shape == (4, 5, 2)
    assert tp.certify_chern(h[:0]).value.shape == (0,)


def test_unresolved_is_an_error_where_asked_for():
    h = tp.models.qwz([1.0, 2.0, -1.0, 0.0])
    with pytest.raises(UnresolvedError, match=r"2 of 4 .* \(batch index 1, 3\)") as caught:
        tp.certify_chern(h, on_unresolved="raise")
    assert caught.value.indices == (1, 3)
    assert tp.certify_chern(h[[0, 2]], on_unresolved="raise").value.tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("m", "corner"), [(-2.0, [(0, 0)]), (2.0, [(np.pi, np.pi)]), (0.0, [(0, np.pi), (np.pi, 0)])]
)
def test_where_a_model_closes_its_gap(m, corner):
    seen = tp.certify_chern(tp.models.qwz(m)).k_at_gap_upper
    assert any(np.abs(np.exp(1j * seen) - np.exp(1j * np.array(k))).max() < 1e-2 for k in corner)
    assert (np.abs(seen) <= np.pi).all()


@pytest.mark.parametrize(
    "h",
    [
        tp.models.ssh(1.0, 2.0),
        tp.FourierHamiltonian({(1, 0, 0): np.eye(2)}),
        np.eye(2), None, "qwz",
    ],
)  # fmt: skip
def test_other_things_are_refused(h):
    with pytest.raises(KindError, match="`H` must") as caught:
        plain(tp.certify_chern)(h)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("min_gap", -1.0), ("min_gap", np.nan), ("min_gap", np.inf), ("max_depth", -1),
        ("max_depth", 25), ("max_depth", 1.5), ("max_evaluations", 0), ("max_evaluations", 10.0),
        ("on_unresolved", "guess"), ("n_occupied", 2), ("n_occupied", 0),
    ],
)  # fmt: skip
def test_bad_options_are_named_in_one_line(option, value):
    with pytest.raises(InputError, match=f"`{option}`") as caught:
        plain(tp.certify_chern)(tp.models.qwz(1.0), **{option: value})
    assert "\n" not in str(caught.value)


def test_certificates_print_themselves_and_become_integers():
    proof = tp.certify_chern(tp.models.qwz([-1.0, 2.0]))
    text = repr(proof)
    assert "1 of 2 certified" in text
    assert text.startswith("Chern number of the lowest 1 of 2 bands in 2D: ")
    assert "1 with +1" in text
    assert "unresolved       batch index 1" in text
    with pytest.raises(InputError, match="2 Hamiltonians"):
        int(proof)
    with pytest.raises(UnresolvedError):
        int(tp.certify_chern(tp.models.qwz(2.0)))
    assert int(tp.certify_chern(tp.models.qwz(-1.0))) == 1


NEAR_ONLY = {(0, 0): [0, 0, 1.0], (1, 0): [-0.5j, 0, 0.5], (0, 1): [0, -0.5j, 0.5]}


@pytest.mark.parametrize("reach", [50, 200, 3000])
@pytest.mark.parametrize("size", [1e-18, 1e-2, 0.1])
def test_far_hoppings_that_are_left_out_cost_twice_their_norm(reach, size):
    """2 |d_R| of R and -R moves each level: bounds differ by twice that; tiny ones by nothing."""
    near = tp.certify_chern(tp.TwoBandHamiltonian(NEAR_ONLY))
    h = tp.TwoBandHamiltonian(NEAR_ONLY | {(reach, 0): [size, 0, 0]})
    far = tp.certify_chern(h, max_evaluations=2000)
    assert int(far) == int(near)
    assert far.evaluations == near.evaluations
    np.testing.assert_allclose(far.gap_lower, near.gap_lower - 4 * size, atol=1e-9)
    np.testing.assert_allclose(far.gap_upper, near.gap_upper + 4 * size, atol=1e-9)
    # where they close the gap they may not be left out
    large = tp.TwoBandHamiltonian(NEAR_ONLY | {(reach, 0): [0.6, 0, 0]})
    assert not tp.certify_chern(large, max_evaluations=2000).certified


def test_far_hoppings_that_a_grid_can_follow_are_not_left_out():
    """The grid follows the mean curvature, and the bound is better than without them."""
    h = tp.TwoBandHamiltonian(NEAR_ONLY | {(50, 0): [1e-3, 0, 0]})
    proof = tp.certify_chern(h)
    assert proof.evaluations == 1024
    assert proof.gap_lower > 1.9
    assert int(tp.certify_chern(h, evidence=True)) == int(proof)


def test_bounds_hold_for_all_hamiltonians_within_the_error():
    exact, blurred = (tp.TwoBandHamiltonian(NEAR_ONLY) for _ in range(2))
    blurred = blurred._with_error(np.array(0.125), ())
    one, other = tp.certify_chern(exact), tp.certify_chern(blurred)
    assert int(one) == int(other)
    assert float(other.gap_upper) == pytest.approx(float(one.gap_upper) + 0.25, abs=1e-9)
    assert float(other.gap_lower) == pytest.approx(float(one.gap_lower) - 0.25, abs=1e-9)
    # with the demand between what was met and what the error allows, it is the error's fault
    assert str(tp.certify_chern(blurred, min_gap=2.1).reason) == "rounding"
    assert str(tp.certify_chern(blurred, min_gap=2.6).reason) == "small gap"


def test_a_budget_below_the_first_cells_evaluates_nothing():
    h = tp.models.qwz(1.0)
    proof = tp.certify_chern(h, max_evaluations=255)
    assert (int(proof.evaluations), str(proof.reason)) == (0, "budget")
    assert tp.certify_chern(h, max_evaluations=256).certified
