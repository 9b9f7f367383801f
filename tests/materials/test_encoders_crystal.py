"""The encoder of crystals: what of a description must not matter, and where edges end."""

import dataclasses

import numpy as np
import torch

from tests.materials.test_crystal import ROCK_SALT, moved, supercell
from topophys.materials import MaterialData, TopologicalCrystalEncoder


def encode(crystals):
    torch.manual_seed(1)
    encoder = TopologicalCrystalEncoder(8).double().eval()
    unknown = np.full(len(crystals), -1)
    data = MaterialData([c.sample_id for c in crystals], unknown, unknown, {}, crystals)
    b = data.all()
    with torch.no_grad():
        return encoder(
            b.numbers, b.node_features.double(), b.edges, b.vector.double(), b.owner, b.size
        )


def test_crystals_do_not_change_with_their_description():
    rng = np.random.default_rng(4)
    found = encode([ROCK_SALT, supercell(ROCK_SALT), *(moved(ROCK_SALT, rng) for _ in range(4))])
    assert (found - found[0]).abs().max() < 1e-5  # positions are stored in single precision
    shorter = dataclasses.replace(ROCK_SALT, lattice=0.97 * ROCK_SALT.lattice)
    swapped = dataclasses.replace(ROCK_SALT, numbers=np.array([19, 17]))
    other = encode([ROCK_SALT, shorter, swapped])
    assert (other[1:] - other[0]).abs().amax(1).min() > 1e-3


def test_edges_fade_at_the_cutoff():
    just_in = dataclasses.replace(ROCK_SALT, lattice=ROCK_SALT.lattice * (4.4999 / 2.82))
    just_out = dataclasses.replace(ROCK_SALT, lattice=ROCK_SALT.lattice * (4.5001 / 2.82))
    one, two = encode([just_in, just_out])
    assert (one - two).abs().max() < 1e-4
