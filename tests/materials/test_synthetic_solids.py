"""Toy materials in three dimensions: symmetries, blocks, known limits."""

import numpy as np
import pytest

import topophys as tp
from topophys.materials.synthetic import (
    SOLIDS,
    SPECIES,
    ToyMagnetism,
    draw_solids,
    solid_bands,
    solid_hamiltonian,
)
from topophys.materials.synthetic.bands import SOLID_CELLS, SolidBands, mirror_blocks

RNG = np.random.default_rng(7)
K = RNG.uniform(-np.pi, np.pi, (6, 3))
FLIP = np.kron(np.eye(2), [[0, -1], [1, 0]])  # time reversal: this times complex conjugation


@pytest.fixture(scope="module")
def bands():
    crystals = draw_solids(400, rng=2)
    found = solid_bands(crystals)
    return crystals, found


def test_structures_have_inversion_and_the_mirror(bands):
    crystals, _ = bands
    assert set(crystals.prototype) == set(range(len(SOLIDS)))
    half = 2.0 * crystals.fractional
    np.testing.assert_array_equal(half, np.rint(half))
    np.testing.assert_array_equal(crystals.lattice[:, :2, 2], 0.0)
    # no two atoms on one place
    for row in range(50):
        there = crystals.species[row] >= 0
        spots = crystals.fractional[row][there]
        assert len(np.unique(spots, axis=0)) == there.sum()


def test_levels_are_those_of_the_inverted_momentum(bands):
    h = solid_hamiltonian(bands[1][bands[1].sound])
    here, there = (np.linalg.eigvalsh(h.bloch(k)) for k in (K, -K))
    np.testing.assert_allclose(here, there, atol=1e-12)


def test_time_reversal_without_moments_and_not_with(bands):
    found = bands[1]
    plain = (found.magnetism.order == 0) & found.sound
    assert (found.magnetism.splitting[found.magnetism.order == 0] == 0.0).all()
    h = solid_hamiltonian(found[plain])
    turned = FLIP @ h.bloch(-K).conj() @ FLIP.T
    np.testing.assert_allclose(h.bloch(K), turned, atol=1e-12)
    magnet = solid_hamiltonian(found[(found.magnetism.order == 1) & found.sound])
    energy = np.linalg.eigvalsh(magnet.bloch(K))
    assert np.abs(energy[..., 1] - energy[..., 0]).max() > 0.05


@pytest.mark.parametrize("plane", [0, 1])
def test_mirror_blocks_have_the_levels_of_the_plane(bands, plane):
    found = bands[1][bands[1].sound]
    k = np.concatenate([K[:, :2], np.full((len(K), 1), plane * np.pi)], axis=1)
    whole = np.linalg.eigvalsh(solid_hamiltonian(found).bloch(k))
    parts = [np.linalg.eigvalsh(h.bloch(K[:, :2])) for h in mirror_blocks(found, plane)]
    np.testing.assert_allclose(whole, np.sort(np.concatenate(parts, -1), -1), atol=1e-12)


def wilson_dirac(mass):
    """Cubic lattice with s and p at one height: the Hamiltonian of Wilson and Dirac."""
    like, bond = np.zeros((1, 27, 2)), np.zeros((1, 27, 4))
    for m, cell in enumerate(SOLID_CELLS):
        if np.abs(cell).sum() == 1:
            like[0, m] = -0.5, 0.5
            bond[0, m, 1:] = 0.5 * cell
    like[0, 13] = mass, -mass
    magnetism = ToyMagnetism(np.zeros(1, int), np.zeros((1, 2)))
    return SolidBands(like, bond, magnetism, np.ones(1, bool), np.zeros(1, int))


@pytest.mark.parametrize(("mass", "strong"), [(4.0, 0), (2.0, 1), (0.0, 0), (-2.0, 1), (-4.0, 0)])
def test_the_hamiltonian_of_wilson_and_dirac(mass, strong):
    h = solid_hamiltonian(wilson_dirac(mass))
    k = K[0]
    d = mass - np.cos(k).sum()
    wanted = np.sqrt(d**2 + (np.sin(k) ** 2).sum())
    np.testing.assert_allclose(np.linalg.eigvalsh(h.bloch(k))[0], [-wanted] * 2 + [wanted] * 2)
    one = tp.FourierHamiltonian({key: v[0] for key, v in h.hoppings.items()}, n_occupied=2)
    assert int(tp.z2_indices_3d(one).strong) == strong


def test_hoppings_follow_distances():
    crystals = draw_solids(200, rng=9)
    wide = type(crystals)(
        crystals.prototype, 1.02 * crystals.lattice, crystals.fractional, crystals.species
    )
    narrow, far = solid_bands(crystals), solid_bands(wide)
    assert (np.abs(far.bond) <= np.abs(narrow.bond) + 1e-15).all()
    assert np.abs(far.bond).sum() < np.abs(narrow.bond).sum()
    assert len(SPECIES) > crystals.species.max()
