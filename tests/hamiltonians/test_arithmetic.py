"""Sums and multiples of Hamiltonians."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError, ShapeError

K1 = np.linspace(-3.0, 3.0, 7)[:, None]
K2 = np.random.default_rng(0).uniform(-3.0, 3.0, (7, 2))


def chiral(seed, reach=2, batch=4):
    return tp.ensembles.aiii_chains(batch, n_orbitals=2, hopping_range=reach, rng=seed)


def planes(seed, batch=4):
    return tp.ensembles.two_band(batch, rng=seed)


def many(seed, batch=4):
    return tp.ensembles.class_a(batch, n_bands=3, n_occupied=2, rng=seed)


def with_scalar(seed):
    d = {(0, 0): [0.1, 0.2, 0.3 + seed], (1, 0): [0.1j, 0.2, 0.7]}
    return tp.TwoBandHamiltonian(d, d0={(0, 0): 0.3, (2, 1): 0.1 + 0.2j * seed})


PAIRS = [
    (chiral(1), chiral(2, reach=1), K1), (planes(1), planes(2), K2), (many(1), many(2), K2),
    (with_scalar(1), with_scalar(2), K2), (planes(3), with_scalar(2), K2),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two", "k"), PAIRS)
def test_sums_and_multiples_are_those_of_the_bloch_matrices(one, two, k):
    a, b = one.bloch(k), two.bloch(k)
    for found, expected in (
        (one + two, a + b), (one - two, a - b), (2 * one, 2 * a), (one * 0.3, 0.3 * a),
        (-one, -a), (np.float64(0.3) * one, 0.3 * a), (sum([one, two]), a + b),
    ):  # fmt: skip
        np.testing.assert_allclose(found.bloch(k), expected, atol=1e-13)
        assert type(found) is type(one)
        assert found.n_occupied == one.n_occupied


def test_orders_that_do_not_overlap_are_kept():
    far = tp.ChiralHamiltonian({3: [[2.0]]}) + tp.ChiralHamiltonian({-2: [[1.0]]})
    assert far.block_range == (-2, 3)
    np.testing.assert_allclose(
        far.block(K1)[..., 0, 0], (2 * np.exp(3j * K1) + np.exp(-2j * K1))[:, 0]
    )


def test_kinds_that_differ_give_a_hamiltonian_by_hoppings():
    flat = tp.FourierHamiltonian({(0,): [[0.3, 0.0], [0.0, -0.3]]})
    for mixed in (tp.models.ssh(1.0, 2.0) + flat, flat + tp.models.ssh(1.0, 2.0)):
        assert type(mixed) is tp.FourierHamiltonian
        np.testing.assert_allclose(mixed.bands([0.0]), [-np.hypot(3.0, 0.3), np.hypot(3.0, 0.3)])


def test_families_come_from_numbers_along_the_batch():
    mass = tp.FourierHamiltonian({(0, 0): np.diag([1.0, -1.0])})
    family = tp.models.qwz(0.0) + np.array([-1.0, 1.0, 3.0]) * mass
    assert family.batch_shape == (3,)
    assert tp.certify_chern(family).value.tolist() == [1, -1, 0]
    assert tp.certify_chern(family[1]).value == -1


def test_bands_are_sorted_energies():
    h = many(5)
    np.testing.assert_allclose(h.bands(K2), np.linalg.eigvalsh(h.bloch(K2)))
    assert h.bands(K2).shape == (4, 7, 3)
    wrapped = tp.from_callable(h[0].bloch, 2, vectorized=True)
    np.testing.assert_allclose(wrapped.bands(K2), h[0].bands(K2), atol=1e-13)


def exact(h):
    """Hoppings of a single Hamiltonian in exact numbers, real and imaginary parts."""
    return {
        (R, i): Fraction(float(x))
        for R, m in h.hoppings.items()
        for i, x in enumerate(np.ascontiguousarray(m).view(np.float64).ravel())
    }


def off_by(h, expected):
    """Largest error of a Fourier coefficient: no larger than that of H(k) at its worst k."""
    found = exact(h)
    keys = set(found) | set(expected)
    return max(abs(found.get(key, 0) - expected.get(key, 0)) for key in keys)


numbers = st.floats(-8.0, 8.0, allow_subnormal=True)


@given(x=st.lists(numbers, min_size=6, max_size=6), factor=numbers)
def test_the_error_that_proofs_carry_covers_what_is_rounded(x, factor):
    one = tp.FourierHamiltonian({(0,): [[x[0], x[1]], [x[1], x[2]]]})
    two = tp.FourierHamiltonian({(0,): [[x[3], x[4]], [x[4], x[5]]]})
    a, b, f = exact(one), exact(two), Fraction(factor)
    total = one + factor * two
    expected = {key: a[key] + f * b[key] for key in a}
    assert off_by(total, expected) <= Fraction(float(total.amplitude_error))


@given(x=st.lists(numbers, min_size=8, max_size=8))
def test_the_error_covers_the_making_of_hoppings_from_d_vectors(x):
    two_band = tp.TwoBandHamiltonian({(0,): x[:3]}, d0={(0,): x[3]})
    plain_one = tp.FourierHamiltonian({(0,): [[x[4], x[5]], [x[5], x[6]]]})
    total = two_band + plain_one
    d_x, d_y, d_z, d_0 = (Fraction(y) for y in x[:4])
    a, b, c = (Fraction(y) for y in x[4:7])
    entries = (d_0 + d_z + a, 0, d_x + b, -d_y, d_x + b, d_y, d_0 - d_z + c, 0)
    expected = {((0,), i): entry for i, entry in enumerate(entries)}
    assert off_by(total, expected) <= Fraction(float(total.amplitude_error))


def test_errors_add_up_and_reach_the_proofs():
    """Twice an error that is above half the gap leaves nothing to prove."""
    h = tp.models.qwz(-1.0)
    small = 0.1 * h
    assert 0.0 < small.amplitude_error < 1e-15
    assert small.amplitude_error < (small + small).amplitude_error
    assert (small + small).amplitude_error >= 2.0 * small.amplitude_error
    doubtful = tp.models.qwz(-1.0) + 0.0 * h
    doubtful._error = np.asarray(1.5)  # the gap is 2
    assert tp.certify_chern(doubtful).status == "unresolved"
    assert tp.certify_chern(doubtful + h).status == "certified"  # a gap of 4
    assert tp.certify_chern(doubtful + doubtful).status == "unresolved"  # and an error of 3


@pytest.mark.parametrize("factor", [1.0, -1.0, 2.0, 0.25, 0.0, -1024])
def test_powers_of_two_round_nothing(factor):
    for h in (chiral(3), planes(3), many(3), with_scalar(1)):
        assert not (factor * h).amplitude_error.any()
        assert not (h + h).amplitude_error.any()


@pytest.mark.parametrize(
    ("one", "two", "name"),
    [
        (tp.models.ssh(1.0, 2.0), tp.models.qwz(1.0), "dim"),
        (tp.models.bhz(1.0), tp.models.qwz(1.0), "n_bands"),
        (many(1), tp.ensembles.class_a(4, n_bands=3, n_occupied=1, rng=1), "n_occupied"),
    ],
)
def test_sums_of_different_systems_are_refused_in_one_line(one, two, name):
    for call in (lambda: one + two, lambda: one - two):
        with pytest.raises(InputError, match=f"same `{name}`") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_what_is_no_sum_or_product_is_refused():
    h = planes(1)
    with pytest.raises(ShapeError, match="batch axes"):
        h + planes(1, batch=3)
    with pytest.raises(ShapeError, match="batch axes"):
        np.ones(3) * h
    with pytest.raises(InputError, match="must be real"):
        1j * h
    with pytest.raises(InputError, match="finite"):
        np.inf * h
    with pytest.raises(InputError, match="finite"):
        1e300 * (1e300 * tp.models.qwz(1.0))
    with pytest.raises(InputError, match="finite"):
        tp.models.qwz(1e308) + tp.models.qwz(1e308) + tp.models.qwz(1e308)
    for call in (lambda: h * h, lambda: h + 1, lambda: 1 - h, lambda: "2" * h, lambda: h * None):
        with pytest.raises(TypeError):
            plain(call)()


def test_sums_compare_what_files_say_of_the_lattice():
    from topophys.hamiltonians.wannier90 import WannierHamiltonian

    hop = {(0,): [[0.0, 1.0], [1.0, 0.0]]}
    one = WannierHamiltonian(hop, n_occupied=1, lattice=np.eye(3))
    other = WannierHamiltonian(hop, n_occupied=1, lattice=2.0 * np.eye(3))
    np.testing.assert_allclose((one + one).bands([0.3]), (2 * one).bands([0.3]))
    assert (2 * one).lattice is one.lattice
    with pytest.raises(InputError, match="same `lattice`"):
        one + other
