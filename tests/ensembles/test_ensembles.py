"""Random Hamiltonians: reproducible, normalised, and not degenerate by construction."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError


@pytest.mark.parametrize("n_orbitals", [1, 2, 3])
@pytest.mark.parametrize("reach", [0, 1, 3])
def test_chains_have_the_announced_unit(n_orbitals, reach):
    """Root-mean-square band energy 1, over the zone and over the bands."""
    chains = tp.ensembles.aiii_chains(5, n_orbitals=n_orbitals, hopping_range=reach, rng=1)
    energy = np.linalg.eigvalsh(chains.on_grid(16))
    np.testing.assert_allclose((energy**2).mean((-2, -1)), 1.0, rtol=1e-12)
    assert chains.block_range == (-reach, reach)


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_planes_have_the_announced_unit(reach):
    h = tp.ensembles.two_band(5, hopping_range=reach, rng=1)
    d = h.d_on_grid((8, 8))
    np.testing.assert_allclose((d**2).sum(-1).mean((-2, -1)), 1.0, rtol=1e-12)
    assert len(h.d_vectors) == (2 * reach + 1) ** 2


def test_seeds_decide_everything():
    one, same, other = (tp.ensembles.aiii_chains(4, rng=s).block_amplitudes for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.isin(one, other).any()
    one, same = (
        tp.ensembles.two_band(4, rng=np.random.default_rng(3)).d_amplitudes for _ in range(2)
    )
    np.testing.assert_array_equal(one, same)


def test_random_chains_are_gapped_and_of_every_parity():
    """A generator with det D = 0 at a fixed k, or pi periodic, would show here."""
    proof = tp.certify_winding(tp.ensembles.aiii_chains(2000, rng=5))
    assert proof.certified.all()
    values, counts = np.unique(proof.value, return_counts=True)
    assert set(range(-2, 3)) <= set(values.tolist())
    odd = counts[values % 2 == 1].sum()
    assert 0.3 < odd / 2000 < 0.7
    assert abs(proof.value.mean()) < 0.1
    # no momentum is preferred as the place of the smallest gap
    histogram, _ = np.histogram(proof.k_at_gap_upper, bins=8, range=(-np.pi, np.pi))
    assert histogram.min() > 150


def test_random_planes_are_gapped_and_of_both_signs():
    proof = tp.certify_chern(tp.ensembles.two_band(500, rng=5), max_depth=24)
    assert proof.certified.mean() > 0.99
    value = proof.value[proof.certified]
    assert {-1, 0, 1} <= set(value.tolist())
    assert abs(value.mean()) < 0.15


def test_certified_labels_do_not_depend_on_a_grid():
    """The sampled integer of a coarse grid is wrong for some; none of a fine one is."""
    h = tp.ensembles.two_band(300, rng=11)
    proof = tp.certify_chern(h, min_gap=0.1)
    wide = h[proof.certified]
    truth = proof.value[proof.certified]
    assert (tp.chern_number_from_d(wide.d_on_grid((96, 96))) == truth).all()
    every = tp.certify_chern(h)
    coarse = tp.chern_number_from_d(h.d_on_grid((8, 8)), on_unresolved="mask")
    assert 0 < (np.ma.filled(coarse) != np.ma.filled(every.value)).sum() < 150


@pytest.mark.parametrize("make", [tp.ensembles.aiii_chains, tp.ensembles.two_band])
@pytest.mark.parametrize(
    ("n", "options", "name"),
    [
        (0, {}, "n"),
        (1.5, {}, "n"),
        (2, {"hopping_range": -1}, "hopping_range"),
        (2, {"rng": -1}, "rng"),
    ],
)
def test_bad_numbers_are_named_in_one_line(make, n, options, name):
    with pytest.raises(InputError, match=f"`{name}`") as caught:
        plain(make)(n, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_bands", [4, 6, 8])
def test_planes_with_inversion_have_it_beside_time_reversal(n_bands):
    h = tp.ensembles.time_reversal_planes(3, n_bands=n_bands, inversion=True, rng=4)
    orbitals = n_bands // 2
    even = np.where(np.arange(orbitals) < (orbitals + 1) // 2, 1.0, -1.0)
    parity = np.diag(np.tile(even, 2))
    k = np.random.default_rng(1).uniform(-np.pi, np.pi, (5, 2))
    there, back = h.bloch(k), h.bloch(-k)
    np.testing.assert_allclose(parity @ back @ parity, there, atol=1e-12)
    assert np.abs(there - back).max() > 0.1
    flip = np.kron([[0.0, -1.0], [1.0, 0.0]], np.eye(orbitals))
    np.testing.assert_allclose(flip @ back.conj() @ flip.T, there, atol=1e-12)


@pytest.mark.parametrize("draw", ["bdg_chains", "time_reversal_planes", "chiral_3d"])
def test_entries_of_symmetric_ensembles_have_their_distribution(draw):
    """Student's t with 1.5 degrees of freedom has no variance; real entries keep the symmetry."""
    function = getattr(tp.ensembles, draw)
    drawn = {e: function(60, entries=e, rng=1) for e in ("gaussian", "real", "heavy tails")}
    far = {e: h.amplitudes[:, 0] for e, h in drawn.items()}  # of the farthest cell
    largest = {e: np.abs(a).max((1, 2)) / np.abs(a).mean((1, 2)) for e, a in far.items()}
    assert np.median(largest["heavy tails"]) > np.median(largest["gaussian"])
    real = drawn["real"]
    if draw == "bdg_chains":
        assert not real.amplitudes[..., :2, :2].any()
        assert not real.amplitudes[..., 2:, 2:].any()
        assert not real.amplitudes.real.any()
    else:
        assert not far["real"].imag.any()
    if draw == "time_reversal_planes":
        proof = tp.z2_invariant(real[:3], method="flux", time_reversal="up first")
        assert not proof.symmetry_violation.any()


def test_entries_of_non_hermitian_chains():
    chains = tp.ensembles.non_hermitian_chains(20, entries="real", rng=1)
    assert not any(m.imag.any() for m in chains.hoppings.values())
    with pytest.raises(InputError, match="`entries` must be"):
        plain(tp.ensembles.non_hermitian_chains)(2, entries="complex")


def test_more_than_four_chiral_bands_in_three_dimensions():
    h = tp.ensembles.chiral_3d(4, n_bands=6, rng=2)
    assert h.n_bands == 6
    gamma = np.diag([1.0] * 3 + [-1.0] * 3)
    np.testing.assert_array_equal(gamma @ h.amplitudes @ gamma, -h.amplitudes)
    for wrong in (2, 5):
        with pytest.raises(InputError, match="`n_bands` must be"):
            tp.ensembles.chiral_3d(1, n_bands=wrong)
