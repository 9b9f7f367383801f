"""Ensembles without a gap filter."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from topophys.ensembles import (
    HARD_CHAINS,
    HARD_PLANES,
    hard_chains,
    hard_planes,
    mixed_chains,
    mixed_planes,
)
from topophys.errors import InputError


@pytest.mark.parametrize("name", HARD_CHAINS)
@pytest.mark.parametrize("size", [1, 3])
def test_chains_have_unit_energy_and_depend_on_the_seed_alone(name, size):
    one, same, other = (hard_chains(name, 20, n_orbitals=size, rng=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.block_amplitudes, same.block_amplitudes)
    assert np.abs(one.block_amplitudes - other.block_amplitudes).max() > 0.1
    energy = (np.abs(one.block_amplitudes) ** 2).sum((-3, -2, -1)) / size
    np.testing.assert_allclose(energy, 1.0, rtol=1e-12)
    # no filter: some gaps are small
    gaps = tp.certify_gap(hard_chains(name, 400, n_orbitals=size, rng=3)).gap_upper
    assert gaps.min() < 0.1


@pytest.mark.parametrize("name", HARD_PLANES)
def test_planes_have_unit_energy_and_no_trace(name):
    planes = hard_planes(name, 5, n_bands=3, n_occupied=2, rng=1)
    energy = np.linalg.eigvalsh(planes.on_grid((9, 9)))
    np.testing.assert_allclose((energy**2).mean((-3, -2, -1)), 1.0, rtol=1e-12)
    np.testing.assert_allclose(energy.sum(-1), 0.0, atol=1e-12)
    assert planes.n_occupied == 2


def test_real_chains_are_real_and_anisotropic_ones_badly_conditioned():
    assert np.abs(hard_chains("real", 5, rng=1).block_amplitudes.imag).max() == 0.0
    wide, plain = (
        np.linalg.cond(hard_chains(name, 200, rng=1).block_on_grid(8)) for name in
        ("anisotropic", "gaussian")
    )  # fmt: skip
    assert np.median(wide) > 1.5 * np.median(plain)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_mixtures_have_many_ranges_and_unit_energy(size):
    chains = mixed_chains(200, n_orbitals=size, rng=1)
    weight = (np.abs(chains.block_amplitudes) ** 2).sum((-2, -1))
    np.testing.assert_allclose(weight.sum(-1), size, rtol=1e-12)
    ranges = (weight > 0.0).sum(-1) // 2
    assert set(ranges.tolist()) == set(range(1, 7))
    planes = mixed_planes(5, n_bands=size + 1, n_occupied=1, rng=2)
    energy = np.linalg.eigvalsh(planes.on_grid((9, 9)))
    np.testing.assert_allclose((energy**2).mean((-3, -2, -1)), 1.0, rtol=1e-12)


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="`ensemble` must be"):
        hard_chains("easy", 3)
    with pytest.raises(InputError, match="`n` must be"):
        mixed_chains(0)
    with pytest.raises(InputError, match="`n_occupied` must lie between 1 and 2"):
        hard_planes("gaussian", 3, n_bands=3, n_occupied=3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"real": 7.0}, {"real": np.nan}, {"uneven": -1.0}, {"ranges": (2, 1)}, {"ranges": (0, 1)},
        {"ranges": (1, 7)}, {"powers": (1.0, np.inf)}, {"powers": (2.0, 1.0)},
    ],
    ids=str,
)  # fmt: skip
def test_limits_and_shares_are_checked(wrong):
    (name,) = wrong
    for draw in (mixed_chains, mixed_planes):
        if name in ("ranges", "powers") or draw is mixed_chains:
            with pytest.raises(InputError, match=f"`{name}`"):
                draw(2, **wrong)
