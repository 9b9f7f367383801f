"""Controls are of the kind they claim to be, and counts are those of the physics core."""

import inspect
import itertools

import numpy as np
import pytest
from hypothesis import given

import topophys as tp
from tests.strategies import SEEDS
from topophys.errors import InputError
from topophys.interpret.targets import (
    cumulative_winding,
    fold_d,
    permanent,
    scrambled,
    solid_angle,
    wrapped_steps,
)


def blocks(seed, n, size=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((size, n, n)) + 1j * rng.standard_normal((size, n, n))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_permanent_is_the_determinant_without_signs(n):
    block = blocks(n, n)
    expected = np.zeros(3, complex)
    for order in itertools.permutations(range(n)):
        expected += np.prod([block[:, i, j] for i, j in enumerate(order)], axis=0)
    np.testing.assert_allclose(permanent(block), expected, rtol=1e-12)
    flipped = np.abs(block).astype(complex)
    assert (permanent(flipped).real >= np.abs(np.linalg.det(flipped)) - 1e-12).all()


def test_permanent_and_determinant_are_uncorrelated_over_the_unitary_group():
    # what makes it a control: no linear map of one says anything of the other
    u = np.linalg.svd(blocks(0, 2, 40000))[0] @ np.linalg.svd(blocks(1, 2, 40000))[2]
    det, perm = np.linalg.det(u), permanent(u)
    assert abs((det.conj() * perm).mean()) < 0.01
    assert abs((det * perm).mean()) < 0.01


def test_permanent_of_large_blocks():
    with pytest.raises(InputError, match="7 x 7"):
        permanent(np.ones((7, 7), complex))


@given(seed=SEEDS)
def test_steps_are_those_of_the_physics_core(seed):
    block = tp.ensembles.aiii_chains(2, rng=seed).block_on_grid(24)
    steps = wrapped_steps(tp.winding_angle(block))
    np.testing.assert_allclose(steps, tp.winding_steps(block), atol=1e-12)
    turns = cumulative_winding(steps)
    np.testing.assert_allclose(turns[:, -1], tp.winding_number(block), atol=1e-12)
    np.testing.assert_allclose(np.diff(turns, axis=1) * 2 * np.pi, steps[:, 1:], atol=1e-12)


@given(seed=SEEDS)
def test_solid_angle_is_twice_the_flux(seed):
    d = tp.flatten_d(tp.ensembles.two_band(1, rng=seed).d_on_grid((24, 20)))
    angle, flux = solid_angle(d), tp.berry_flux_from_d(d)
    # equal modulo 2 pi everywhere, and the same number where no triangle is large
    np.testing.assert_allclose(np.exp(0.5j * angle), np.exp(1j * flux), atol=1e-9)
    small = np.abs(flux) < 0.3
    np.testing.assert_allclose(angle[small] % (4 * np.pi), (2 * flux[small]) % (4 * np.pi),
                               atol=1e-9)  # fmt: skip


def test_flux_of_folded_vectors_sums_to_zero():
    d = tp.flatten_d(tp.models.qwz([-1.0, 1.0]).d_on_grid((24, 24)))
    true, folded = tp.berry_flux_from_d(d), tp.berry_flux_from_d(fold_d(d))
    assert np.abs(true.sum((1, 2))).min() > 6
    np.testing.assert_allclose(folded.sum((1, 2)), 0.0, atol=1e-9)
    assert 0.5 < np.abs(folded).sum() / np.abs(true).sum() < 1.5


def test_scrambled_chains_keep_their_coefficients():
    chain = tp.ensembles.aiii_chains(3, rng=0)
    other = scrambled(chain)
    one, two = (np.sort(np.abs(c.block_amplitudes).sum((-2, -1))) for c in (chain, other))
    np.testing.assert_allclose(one, two)
    assert other.block_range == chain.block_range
    assert not np.allclose(other.block_on_grid(16), chain.block_on_grid(16))
    # not a shift of all coefficients, which would only add a constant to dalpha
    ratio = other.block_on_grid(16)[0, :, 0, 0] / chain.block_on_grid(16)[0, :, 0, 0]
    assert np.ptp(np.abs(ratio)) > 0.1


def test_scrambled_two_band_models_keep_their_coefficients():
    h = tp.ensembles.two_band(3, rng=0)
    other = scrambled(h)
    np.testing.assert_array_equal(other.d_vectors, h.d_vectors)
    one, two = (np.sort(np.abs(x.d_amplitudes).sum(-1)) for x in (h, other))
    np.testing.assert_allclose(one, two)
    assert not np.allclose(other.d_on_grid((8, 8)), h.d_on_grid((8, 8)))


def test_only_models_with_local_physics_are_scrambled():
    with pytest.raises(InputError, match="FourierHamiltonian"):
        inspect.unwrap(scrambled)(tp.FourierHamiltonian({(0,): np.eye(2)}))
