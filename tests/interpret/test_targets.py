"""Targets are the physics core's own numbers, at the right places, for the right data."""

import inspect

import numpy as np
import pytest

import topophys as tp
from tests.integration.artefacts import read
from topophys.datasets import open_dataset
from topophys.errors import InputError, KindError
from topophys.interpret import TARGETS, exact_targets

CHAINS = tp.ensembles.aiii_chains(4, rng=1)
PLANES = tp.ensembles.two_band(4, rng=1)
GRIDS = {"winding": (24,), "chern": (12, 10)}
MODELS = {"winding": CHAINS, "chern": PLANES}


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_its_shape_and_varies(name):
    target = TARGETS[name]
    grid = GRIDS[target.kind]
    value = exact_targets(MODELS[target.kind], [name], grid=grid)[name]
    assert value.dtype == np.float64
    assert value.shape[:-1] == (4, *grid)
    assert (value.std(axis=tuple(range(1, value.ndim - 1))) > 0).all()
    assert target.place in {"points"} | ({"links"} if len(grid) == 1 else {"plaquettes"})
    assert target.angle is (name == "alpha")


def test_stored_angles_and_steps_are_these(chains_file):
    # stored in single precision, made from the hoppings as these are
    alpha, dalpha = read(chains_file, "test", "alpha", "dalpha")
    with open_dataset(chains_file) as dataset:
        h = dataset.split("test").hamiltonians(slice(0, 50))
    found = exact_targets(h, ["alpha", "dalpha", "cos_sin_alpha"], grid=(32,))
    np.testing.assert_allclose(found["dalpha"][..., 0], dalpha[:50], atol=1e-6)
    np.testing.assert_allclose(np.exp(1j * found["alpha"][..., 0]), np.exp(1j * alpha[:50]),
                               atol=1e-6)  # fmt: skip
    np.testing.assert_allclose(
        found["cos_sin_alpha"][..., 1], np.sin(found["alpha"][..., 0]), atol=1e-12
    )


def test_relations_between_targets():
    names = ["alpha", "alpha_unwrapped", "dalpha", "cumulative_winding", "det", "entries"]
    found = {k: v[..., 0] for k, v in exact_targets(CHAINS, names, grid=(64,)).items()}
    nu = tp.winding_number(CHAINS.block_on_grid(64))
    np.testing.assert_allclose(found["cumulative_winding"][:, -1], nu, atol=1e-9)
    np.testing.assert_allclose(np.diff(found["alpha_unwrapped"], axis=1), found["dalpha"][:, :-1],
                               atol=1e-9)  # fmt: skip
    np.testing.assert_allclose(np.exp(1j * found["alpha_unwrapped"]), np.exp(1j * found["alpha"]))
    np.testing.assert_allclose(found["det"], np.linalg.det(CHAINS.block_on_grid(64)).real)
    flat = tp.flatten_block(CHAINS.block_on_grid(64))
    np.testing.assert_allclose(found["entries"], flat[..., 0, 0].real)


def test_flux_sums_to_the_chern_number():
    found = exact_targets(PLANES, ["flux", "flux_scrambled"], grid=(24, 24))
    sums = found["flux"].sum((1, 2, 3)) / (2 * np.pi)
    np.testing.assert_allclose(sums, tp.chern_number_from_d(PLANES.d_on_grid((24, 24))), atol=1e-9)
    assert not np.allclose(found["flux"], found["flux_scrambled"])


@pytest.mark.parametrize("name", [n for n, t in TARGETS.items() if t.control])
def test_controls_correlate_weakly_with_their_targets(name):
    true = {"points": "cos_sin_alpha", "links": "dalpha", "plaquettes": "flux"}
    target = TARGETS[name]
    model = {
        "winding": lambda: tp.ensembles.aiii_chains(1500, rng=3),
        "chern": lambda: tp.ensembles.two_band(600, rng=3),
    }[target.kind]()
    other = true[target.place]
    found = exact_targets(model, [name, other], grid=GRIDS[target.kind])
    one, two = (found[n].reshape(-1, found[n].shape[-1]) for n in (name, other))
    cross = np.corrcoef(one.T, two.T)[: one.shape[1], one.shape[1] :]
    assert (cross**2).max() < 0.03


def test_refusals():
    plain = inspect.unwrap(exact_targets)
    with pytest.raises(InputError, match="'beta'"):
        plain(CHAINS, ["beta"], grid=(8,))
    with pytest.raises(KindError, match="'flux'"):
        plain(CHAINS, ["flux"], grid=(8, 8))
    with pytest.raises(KindError, match="'dalpha'"):
        plain(PLANES, ["dalpha"], grid=(8,))
    with pytest.raises(InputError, match="one batch axis"):
        plain(CHAINS[0], ["dalpha"], grid=(8,))
