"""Samples are those of the file, and know their exact physics."""

import numpy as np
import pytest

import topophys as tp
from topophys.datasets import open_dataset
from topophys.errors import InputError
from topophys.interpret.probed_network import LAYERS, draw_samples


@pytest.fixture(scope="module")
def chains(chains_file):
    with open_dataset(chains_file) as dataset:
        yield draw_samples(dataset, "test", 40, 0)


@pytest.fixture(scope="module")
def planes(chern_file):
    with open_dataset(chern_file) as dataset:
        yield draw_samples(dataset, "test", 20, 0)


def test_inputs_belong_to_the_hamiltonians(chains, planes):
    block = tp.flatten_block(chains.hamiltonians.block_on_grid(32)).reshape(40, 32, 4)
    np.testing.assert_allclose(chains.x, block.view(np.float64), atol=1e-6)
    np.testing.assert_array_equal(tp.certify_winding(chains.hamiltonians).value, chains.label)
    grid = planes.x.shape[1:-1]
    np.testing.assert_allclose(
        planes.x, tp.flatten_d(planes.hamiltonians.d_on_grid(grid)), atol=1e-6
    )


def test_raw_input_contains_all_corners(chains, planes):
    h1, h2 = LAYERS["winding"]
    np.testing.assert_array_equal(chains.raw_input(h1, (32,)), chains.x)
    ends = chains.raw_input(h2, (32,))
    np.testing.assert_array_equal(ends[:, 31, 8:], chains.x[:, 0])
    (h3,) = LAYERS["chern"]
    grid = planes.x.shape[1:-1]
    corners = planes.raw_input(h3, grid).reshape(20, *grid, 4, 3)
    for corner, (i, j) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        np.testing.assert_array_equal(corners[:, 2, 3, corner], planes.x[:, 2 + i, 3 + j])


def test_refined_grids_get_the_input_there(chains):
    found = chains.local_input((64,))
    np.testing.assert_allclose(found[:, ::2], chains.x, atol=1e-6)


def test_exact_physics_is_made_once(chains):
    assert chains.exact("dalpha", (32,)) is chains.exact("dalpha", (32,))
    assert chains.exact("dalpha", (64,)).shape == (40, 64, 1)


def test_data_without_local_physics(chains_file):
    with open_dataset(chains_file) as dataset, pytest.raises(InputError, match="`lessons`"):
        draw_samples(dataset, "lessons", 20, 0)
