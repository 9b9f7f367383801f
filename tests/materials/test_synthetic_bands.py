"""Toy materials: known phases, symmetries, magnetic order."""

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError
from topophys.materials.synthetic import (
    SPECIES,
    ToyStructures,
    draw_structures,
    species_index,
    toy_bands,
)

K = np.random.default_rng(3).uniform(-np.pi, np.pi, (7, 2))


def honeycomb(first, second, stretch=1.0, ligand=None, height=1.5):
    """Flat honeycomb of two species, with a ligand over the first where wanted."""
    bond = stretch * (SPECIES[species_index(first)].radius + SPECIES[species_index(second)].radius)
    a = np.sqrt(3.0) * bond
    lattice = np.array([[a, 0, 0], [a / 2, a * np.sqrt(3) / 2, 0], [0, 0, 20.0]])
    fractional, species = np.zeros((5, 3)), np.full(5, -1)
    fractional[1] = [1 / 3, 1 / 3, 0]
    species[:2] = species_index(first), species_index(second)
    if ligand is not None:
        fractional[2, 2], species[2] = height / 20.0, species_index(ligand)
    return ToyStructures(np.zeros(1, int), lattice[None], fractional[None], species[None])


def turned(crystals, angle):
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    return ToyStructures(
        crystals.prototype, crystals.lattice @ rotation, crystals.fractional, crystals.species
    )


def levels(h):
    return np.linalg.eigvalsh(h.bloch(K))


def test_graphene_has_dirac_points_at_the_corners_of_the_zone():
    bands = toy_bands(honeycomb("C", "C"))
    corner = 2 * np.pi / 3 * np.array([1, -1])
    gap = np.ptp(np.linalg.eigvalsh(bands.up.bloch(corner)[0]))
    assert gap < 1e-12
    assert bands.sound.all()


@pytest.mark.parametrize(("pair", "chern"), [(("Ge", "Ge"), 1), (("Sn", "Sn"), 1), (("B", "N"), 0)])
def test_spin_orbit_against_staggering_as_kane_and_mele_say(pair, chern):
    bands = toy_bands(honeycomb(*pair))
    up, down = tp.certify_chern(bands.up), tp.certify_chern(bands.down)
    assert up.certified.all()
    assert abs(up.value[0]) == chern
    assert up.value[0] == -down.value[0]


def test_a_ligand_over_one_atom_drives_the_transition():
    values = [
        abs(int(tp.certify_chern(toy_bands(honeycomb("Si", "Si", 1.0, "Na", h)).up).value[0]))
        for h in (7.0, 0.3)
    ]
    assert values == [1, 0]


def test_without_moments_the_spins_are_time_reversed_partners():
    crystals = draw_structures(300, rng=11)
    bands = toy_bands(crystals)
    plain = np.flatnonzero(bands.magnetism.order == 0)
    assert len(plain) > 50
    np.testing.assert_allclose(
        bands.up[plain].bloch(K), bands.down[plain].bloch(-K).conj(), atol=1e-14
    )
    magnetic = np.flatnonzero(bands.magnetism.order > 0)
    assert np.abs(bands.up[magnetic].bloch(K) - bands.down[magnetic].bloch(-K).conj()).max() > 0.1


def test_energies_are_invariant_under_rotations_of_the_crystal():
    crystals = draw_structures(100, rng=12)
    one, two = toy_bands(crystals), toy_bands(turned(crystals, 0.7))
    np.testing.assert_allclose(levels(one.up), levels(two.up), atol=1e-12)
    np.testing.assert_array_equal(one.magnetism.order, two.magnetism.order)


def test_exchange_order_follows_the_distance_and_wide_bands_have_no_moment():
    orders = [
        int(toy_bands(honeycomb("Cr", "Cr", stretch)).magnetism.order[0])
        for stretch in (0.8, 0.98, 1.2)
    ]
    assert orders == [0, 2, 1]


def test_opposed_moments_cancel():
    crystals = draw_structures(3000, rng=13)
    found = toy_bands(crystals).magnetism
    opposed = found.splitting[found.order == 2]
    assert len(opposed) > 50
    assert not opposed.sum(1).any()
    assert (opposed[:, 0] > 0).all()
    aligned = found.splitting[found.order == 1]
    assert (aligned >= 0).all()
    assert aligned.any(1).all()
    assert not found.splitting[found.order == 0].any()


def test_same_seed_same_crystals():
    one, two, other = (draw_structures(50, rng=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.fractional, two.fractional)
    assert (one.lattice != other.lattice).any()


def test_overlapping_atoms_are_not_sound():
    assert not toy_bands(honeycomb("Ge", "Ge", 1.0, "Cl", 0.2)).sound.any()


def test_unknown_species():
    with pytest.raises(InputError, match="must be one of B, C"):
        species_index("Xx")
