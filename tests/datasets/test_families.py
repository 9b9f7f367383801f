"""What families draw, and what they prove of it."""

from __future__ import annotations

import numpy as np

import topophys as tp
from tests.datasets.kinds import make
from topophys.datasets import Recipe, draw_shard, families, schema
from topophys.datasets.families import family_of


def test_random_matrices_are_uniform():
    rng = np.random.default_rng(1)
    u = families.unitaries(4000, 3, rng)
    assert np.allclose(u @ np.conj(np.swapaxes(u, 1, 2)), np.eye(3))
    assert abs(np.trace(u, axis1=1, axis2=2).mean()) < 0.06
    assert abs((np.abs(np.trace(u, axis1=1, axis2=2)) ** 2).mean() - 1.0) < 0.1
    o = families.rotations(4000, rng)
    assert np.allclose(o @ np.swapaxes(o, 1, 2), np.eye(3))
    assert np.allclose(np.linalg.det(o), 1.0)
    assert abs((np.trace(o, axis1=1, axis2=2) ** 2).mean() - 1.0) < 0.1
    assert np.abs(o.mean(0)).max() < 0.05


def test_bands_have_the_shapes_of_the_schema():
    recipe = make("bands")
    arrays = draw_shard(recipe, "train", 0).arrays
    assert arrays["x"].shape == (8, 6, 8, 18)
    assert arrays["hoppings"].shape == (8, 9, 3, 3)
    assert arrays["flux"].shape == (8, 6, 8)
    total = arrays["flux"].sum((1, 2)) / (2 * np.pi)
    assert np.allclose(total, np.rint(total), atol=1e-9)
    assert [f.name for f in schema.FIELDS["bands"]] == list(arrays)
    q = arrays["x"].astype(float).view(np.complex128).reshape(8, 6, 8, 3, 3)
    assert np.allclose(q @ q, np.eye(3), atol=1e-5)
    assert np.allclose(np.trace(q, axis1=-2, axis2=-1), -1.0, atol=1e-5)  # two filled, one empty


def test_gaps_of_chains_with_many_orbitals_are_sharp():
    """What is left out has a gap below the threshold; what is kept has not: no third kind."""
    recipe = Recipe.from_dict(
        {
            "name": "four",
            "seed": 9,
            "hamiltonian": {"family": "aiii_chains", "n_orbitals": 4, "hopping_range": 2},
            "label": {"invariant": "winding", "min_gap": 0.05},
            "input": {"grid": [8]},
            "split": [{"name": "train", "size": 2, "classes": [0]}],
        }
    )
    family = family_of(recipe, recipe.part("train"))
    hoppings = family.draw(120, np.random.default_rng(3))
    proof = family.certify(hoppings, 0.05)
    chains = tp.ChiralHamiltonian.from_array(-2, hoppings)
    gap = 2 * np.linalg.svd(chains.block_on_grid(1024), compute_uv=False)[..., -1].min(-1)
    # a grid shows gaps from above, and no more than its step times the slope too large
    assert (gap[proof.certified] >= 0.05).all()
    assert (proof.gap_lower <= gap).all()
    assert (gap[~proof.certified] < 0.06).all()
    assert 20 < proof.certified.sum() < 100
    assert (proof.gap_upper[~proof.certified] < 0.05).mean() > 0.9
    assert proof.quantity == "winding number"
    wanted = tp.certify_winding(chains).value
    assert np.array_equal(proof.value[proof.certified], wanted[proof.certified])
    assert (np.ma.getmaskarray(proof.value) == ~proof.certified).all()
