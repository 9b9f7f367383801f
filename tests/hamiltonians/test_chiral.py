"""Chiral chains: their block, their matrix, their symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import topophys as tp
from tests.strategies import chains, generators, plain
from topophys.errors import InputError, ShapeError


def test_hoppings_of_bloch_matrices_are_no_blocks():
    chain = tp.models.ssh(1.0, [2.0, 0.5])
    with pytest.raises(InputError, match=r"`block` must be the blocks D\(k\)"):
        tp.ChiralHamiltonian(dict(chain.hoppings))
    full = np.stack([chain.hoppings[r,] for r in (-1, 0, 1)], -3)
    with pytest.raises(InputError, match=r"`block` must be the blocks D\(k\)"):
        tp.ChiralHamiltonian.from_array(-1, full)
    # one of a batch that is none, and a swap of two orbitals
    full[0, 0, 0, 0] = 0.1
    assert tp.ChiralHamiltonian.from_array(-1, full).batch_shape == (2,)
    tp.ChiralHamiltonian({0: [[0.0, 1.0], [1.0, 0.0]]})


@given(chain=chains(), rng=generators())
def test_the_matrix_is_made_of_the_block(chain, rng):
    k = rng.uniform(-5, 5, (6, 1))
    h, block = chain.bloch(k), chain.block(k)
    n = block.shape[-1]
    size = np.abs(chain.block_amplitudes).sum()
    np.testing.assert_allclose(h[:, :n, n:], block, atol=1e-13 * size)
    np.testing.assert_allclose(h[:, n:, :n], block.conj().swapaxes(-1, -2), atol=1e-13 * size)
    assert not h[:, :n, :n].any()
    assert not h[:, n:, n:].any()
    gamma = np.diag([1.0] * n + [-1.0] * n)
    np.testing.assert_allclose(gamma @ h @ gamma, -h, atol=0)


@given(chain=chains(), rng=generators())
def test_the_block_is_the_written_sum(chain, rng):
    k = float(rng.uniform(-5, 5))
    lowest, highest = chain.block_range
    total = sum(
        d * np.exp(1j * n * k)
        for n, d in zip(range(lowest, highest + 1), chain.block_amplitudes, strict=True)
    )
    np.testing.assert_allclose(chain.block([k]), total, atol=1e-12 * np.abs(total).max())


def test_orders_in_between_are_zero():
    chain = tp.ChiralHamiltonian({-1: [[1.0]], (2,): [[3.0]]})
    assert chain.block_range == (-1, 2)
    assert chain.block_amplitudes.ravel().tolist() == [1, 0, 0, 3]
    same = tp.ChiralHamiltonian.from_array(-1, [[[1.0]], [[0.0]], [[0.0]], [[3.0]]])
    np.testing.assert_array_equal(same.block_amplitudes, chain.block_amplitudes)
    np.testing.assert_array_equal(same.amplitudes, chain.amplitudes)


def test_a_chain_and_its_matrix_as_plain_hoppings_agree():
    chain = tp.ensembles.aiii_chains(3, rng=1)
    again = tp.FourierHamiltonian(dict(chain.hoppings))
    np.testing.assert_allclose(again.on_grid(9), chain.on_grid(9), atol=1e-13)


def test_parameters_make_batches():
    h = tp.models.ssh(np.ones(3)[:, None], np.ones(4), 0.5)
    assert h.batch_shape == (3, 4)
    assert h.block_on_grid(6).shape == (3, 4, 6, 1, 1)
    assert tp.models.ssh(1.0, 2.0).batch_shape == ()


@pytest.mark.parametrize(
    ("block", "error"),
    [
        ({(0, 0): np.eye(2)}, InputError), ({0.5: np.eye(2)}, InputError), ({}, InputError),
        ({0: np.ones((2, 3))}, ShapeError), ({0: np.full((2, 2), np.nan)}, InputError),
        ({0: np.eye(2), 1: np.eye(3)}, ShapeError), ({True: np.eye(2)}, InputError),
    ],
)  # fmt: skip
def test_bad_blocks_are_named_in_one_line(block, error):
    with pytest.raises(error, match="`block") as caught:
        plain(tp.ChiralHamiltonian)(block)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lowest", "amplitudes"), [(0.5, np.ones((2, 1, 1))), ("a", np.ones((2, 1, 1)))]
)
def test_a_bad_order_is_named(lowest, amplitudes):
    with pytest.raises(InputError, match="`lowest`"):
        plain(tp.ChiralHamiltonian.from_array)(lowest, amplitudes)


@pytest.mark.parametrize("amplitudes", [np.ones((2, 2)), np.ones((2, 1, 2)), np.ones((0, 2, 2))])
def test_bad_amplitudes_are_named(amplitudes):
    with pytest.raises(ShapeError, match="`amplitudes`"):
        tp.ChiralHamiltonian.from_array(0, amplitudes)


@pytest.mark.parametrize("grid", [0, (4, 4)])
def test_a_grid_that_is_none_is_refused_by_the_name_of_the_argument(grid):
    with pytest.raises(InputError, match="Argument `grid` must"):
        plain(tp.ChiralHamiltonian.block_on_grid)(tp.models.ssh(1.0, 2.0), grid)
    with pytest.raises(InputError, match="Argument `grid` must"):
        tp.models.ssh(1.0, 2.0).on_grid(grid)
    with pytest.raises(InputError, match="Argument `grid` must"):
        tp.from_callable(lambda _: np.eye(2), dim=1).on_grid(grid)
