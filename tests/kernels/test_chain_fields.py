"""One pass over a chain gives what the functions of the package give one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators, plain
from topophys.datasets.families import channels, fields_of_chains

ORDERS = np.arange(-2, 3)


def chains(rng, size, n):
    return rng.standard_normal((size, 5, n, n)) + 1j * rng.standard_normal((size, 5, n, n))


def fields(hoppings, n_k=16, *, flatten=True):
    return plain(fields_of_chains)(ORDERS, hoppings, tp.k_grid(n_k)[:, 0], flatten=flatten)


@given(rng=generators(), n=st.integers(1, 2), flatten=st.booleans(), n_k=st.integers(1, 20))
def test_fields_are_those_of_the_package(rng, n, flatten, n_k):
    hoppings = chains(rng, 7, n)
    found, good = fields(hoppings, n_k, flatten=flatten)
    block = tp.ChiralHamiltonian.from_array(-2, hoppings).block_on_grid(n_k)
    shown = tp.flatten_block(block) if flatten else block
    assert good.sum() >= 5
    np.testing.assert_allclose(found["x"][good], channels(shown)[good], atol=1e-5, rtol=1e-6)
    for name, wanted in (("alpha", tp.winding_angle(block)), ("dalpha", tp.winding_steps(block))):
        turned = np.exp(1j * (found[name] - wanted))
        assert np.abs(turned - 1)[good].max() < 1e-9
    assert found["x"].dtype == np.float32


@pytest.mark.parametrize("n", [1, 2])
def test_the_last_bits_do_not_depend_on_the_batch(n):
    hoppings = chains(np.random.default_rng(n), 700, n)
    hoppings[5] *= 1e-200
    whole, good = fields(hoppings)
    assert not good[5]
    for i in (0, 4, 6, 255, 256, 699):
        alone, _ = fields(hoppings[i : i + 1].copy())
        for name, part in alone.items():
            assert part.tobytes() == whole[name][i : i + 1].tobytes()


@pytest.mark.parametrize("n", [1, 2])
def test_blocks_that_may_be_singular_go_to_the_careful_functions(n):
    hoppings = np.zeros((6, 5, n, n), complex)
    hoppings[:, 2] = hoppings[:, 3] = np.eye(n)  # gapless at k = -pi, a point of the grid
    hoppings[1, 3] *= 2.0
    hoppings[2, 3] *= 1.0 + 1e-13
    hoppings[3] *= 1e-300
    hoppings[4] *= 1e100
    hoppings[5] = 0.0
    _, good = fields(hoppings)
    assert good.tolist() == [False, True, False, False, False, False]
