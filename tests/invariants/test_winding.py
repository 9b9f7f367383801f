"""Sampled winding numbers, angles and steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import topophys as tp
from tests.strategies import NASTY, chains, generators, plain, unitaries
from topophys.errors import GaplessError, InputError, ShapeError, TopophysError
from topophys.testing.oracles import winding_in_rationals

N_K = 96


def blocks_of(chain, n_k=N_K):
    return chain.block_on_grid(n_k)


@given(loop=hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.just(2)), elements=NASTY))
@example(loop=np.array([[0.5, 0.0], [0.5, 0.5], [0.5, -5e-324]]))  # a cross product underflows
def test_a_count_that_is_returned_is_exact(loop):
    d_k = (loop[:, 0] + 1j * loop[:, 1])[:, None, None]
    # users hand over rounded numbers, so zero means: zero next to the largest of them
    nu = tp.winding_number(d_k, on_unresolved="mask").tolist()
    assert nu in {None, winding_in_rationals(loop)}


@given(loop=hnp.arrays(np.float64, (9, 2), elements=st.floats(-1, 1)))
def test_generic_loops_are_not_refused(loop):
    z = loop[:, 0] + 1j * loop[:, 1]
    steps = np.abs(np.angle(np.roll(z, -1) * z.conj()))
    assume(np.abs(z).min() > 1e-3)
    assume(steps.max() < np.pi - 1e-9)
    assert tp.winding_number(z[:, None, None]) == winding_in_rationals(loop)


@given(chain=chains())
def test_steps_add_up_to_the_winding(chain):
    d_k = blocks_of(chain)
    steps = tp.winding_steps(d_k)
    assert np.abs(steps).max() <= np.pi
    assert steps.sum() / (2 * np.pi) == pytest.approx(int(tp.winding_number(d_k)), abs=1e-9)


@given(chain=chains())
def test_steps_are_differences_of_the_angle(chain):
    d_k = blocks_of(chain)
    alpha, steps = tp.winding_angle(d_k), tp.winding_steps(d_k)
    assert alpha == pytest.approx(np.angle(np.linalg.det(d_k / np.abs(d_k).max())), abs=1e-6)
    turned = np.exp(1j * (np.roll(alpha, -1) - alpha - steps))
    assert np.abs(turned - 1).max() < 1e-9


@given(chain=chains(), roll=st.integers(0, N_K))
def test_the_origin_of_the_zone_does_not_matter(chain, roll):
    d_k = blocks_of(chain)
    assert tp.winding_number(np.roll(d_k, roll, axis=0)) == tp.winding_number(d_k)


@given(chain=chains())
def test_reversal_of_k_changes_the_sign(chain):
    d_k = blocks_of(chain)
    assert tp.winding_number(d_k[::-1]) == -tp.winding_number(d_k)
    assert tp.winding_number(d_k.conj()) == -tp.winding_number(d_k)


@given(chain=chains(max_orbitals=3), data=st.data())
def test_constant_unitaries_change_nothing(chain, data):
    d_k = blocks_of(chain)
    w, x = (data.draw(unitaries(d_k.shape[-1])) for _ in range(2))
    assert tp.winding_number(w @ d_k @ x) == tp.winding_number(d_k)


@given(a=chains(max_orbitals=2), b=chains(max_orbitals=2))
def test_blocks_on_the_diagonal_add(a, b):
    x, y = blocks_of(a), blocks_of(b)
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    # a coarse grid may cut a turn of the product short that it resolves for the factors
    assume(np.abs(tp.winding_steps(x) + tp.winding_steps(y)).max() < np.pi - 1e-9)
    n, m = x.shape[-1], y.shape[-1]
    both = np.zeros((N_K, n + m, n + m), complex)
    both[:, :n, :n], both[:, n:, n:] = x, y
    assert tp.winding_number(both) == tp.winding_number(x) + tp.winding_number(y)


@given(chain=chains(max_orbitals=3), rng=generators())
def test_a_positive_factor_at_each_k_changes_nothing(chain, rng):
    d_k = blocks_of(chain)
    factor = 10.0 ** rng.uniform(-4, 4, N_K)[:, None, None]
    assert tp.winding_number(factor * d_k) == tp.winding_number(d_k)
    assert tp.winding_steps(factor * d_k) == pytest.approx(tp.winding_steps(d_k), abs=1e-9)


@given(chain=chains(max_orbitals=3))
def test_flattening_changes_nothing(chain):
    d_k = blocks_of(chain)
    flat = tp.flatten_block(d_k)
    assert tp.winding_number(flat) == tp.winding_number(d_k)
    assert tp.winding_angle(flat) == pytest.approx(tp.winding_angle(d_k), abs=1e-6)


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-200, 1e-100, 1e100, 1e200, 1e307])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_unit_of_energy_is_too_small_or_too_large(n, scale):
    d_k = np.exp(2j * np.pi * np.arange(8) / 8)[:, None, None] * np.eye(n)
    assert tp.winding_number(scale * d_k) == n
    if scale > 1e-310:
        assert tp.winding_steps(scale * d_k) == pytest.approx(
            np.angle(np.exp(0.25j * np.pi * n)), abs=1e-12
        )


@pytest.mark.parametrize("chain", [tp.models.ssh(1.0, 2.0), tp.ensembles.aiii_chains(3, rng=1)])
def test_bloch_matrices_in_place_of_blocks_are_refused(chain):
    with pytest.raises(InputError, match=r"must be the blocks D\(k\).*block_on_grid"):
        tp.winding_number(chain.on_grid(24))
    tp.winding_number(chain.block_on_grid(24))
    # blocks that are Hermitian at all k by a symmetry, or do not depend on k
    even = tp.ChiralHamiltonian({1: np.eye(2), 0: np.diag([3.0, 4.0]), -1: np.eye(2)})
    swapped = tp.ChiralHamiltonian({0: [[0.0, 1.0], [1.0, 0.0]]})
    assert tp.winding_number(even.block_on_grid(24)) == 0
    assert tp.winding_number(swapped.block_on_grid(24)) == 0


def test_batches_hold_what_single_ones_hold():
    chains = tp.ensembles.aiii_chains(12, rng=3)
    d_k = chains.block_on_grid(40).reshape(3, 4, 40, 2, 2)
    nu = tp.winding_number(d_k)
    assert nu.shape == (3, 4)
    assert nu.dtype == np.int64
    for i, j in np.ndindex(3, 4):
        assert nu[i, j] == tp.winding_number(d_k[i, j])
    assert tp.winding_angle(d_k).shape == tp.winding_steps(d_k).shape == (3, 4, 40)
    assert tp.winding_number(d_k[:0]).shape == (0, 4)


def test_a_grid_with_both_end_points_does_not_hide_a_turn():
    """The doubled point adds a step of zero: sums over the zone do not depend on it."""
    chain = tp.models.ssh(1.0, 2.0, 0.3)
    k = np.linspace(-np.pi, np.pi, 33)[:, None]
    assert tp.winding_number(chain.block(k)) == tp.winding_number(chain.block(k[:-1])) == 1
    assert tp.winding_steps(chain.block(k))[-1] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("n_k", [9, 16, 33, 64, 257])
def test_the_sum_does_not_depend_on_the_number_of_points(n_k):
    """A winding is a sum over the zone; a mean would fall with the number of points."""
    d_k = tp.models.ssh(0.2, 0.3, 1.0).block_on_grid(n_k)
    assert tp.winding_steps(d_k).sum() == pytest.approx(4 * np.pi, abs=1e-9)


@pytest.mark.parametrize("noise", [1e-16, 1e-16j, -1e-16j])
def test_a_sample_that_is_zero_to_rounding_has_no_angle(noise):
    """1 + exp(i pi) is 1.2e-16 i in float64: no winding number may hang on its sign."""
    d_k = tp.models.ssh(1.0, 1.0).block_on_grid(8).copy()
    d_k[0] = noise
    assert np.ma.is_masked(tp.winding_number(d_k, on_unresolved="mask"))


def test_the_gap_closing_on_the_grid_is_named():
    d_k = tp.models.ssh(1.0, [0.5, 1.0, 2.0, 1.0]).block_on_grid(8)
    with pytest.raises(GaplessError, match=r"2 of 4 .* \(batch index 1, 3\)") as caught:
        tp.winding_number(d_k)
    assert caught.value.indices == (1, 3)
    masked = tp.winding_number(d_k, on_unresolved="mask")
    assert masked.tolist() == [0, None, 1, None]
    for function in (tp.winding_angle, tp.winding_steps):
        with pytest.raises(GaplessError) as caught:
            function(d_k)
        assert caught.value.indices == (1, 3)


BAD = [
    (np.ones((4, 2, 3)), ShapeError),
    (np.ones((2, 2)), ShapeError),
    (np.ones((0, 2, 2)), ShapeError),
    (1.0, ShapeError),
    (np.full((4, 1, 1), np.nan), InputError),
    (np.full((4, 1, 1), complex(0, np.inf)), InputError),
    ([["a"]], InputError),
    ([[[1.0]], [[1.0, 2.0]]], InputError),
    (None, InputError),
]


@pytest.mark.parametrize(("d_k", "error"), BAD)
@pytest.mark.parametrize("function", [tp.winding_number, tp.winding_angle, tp.winding_steps])
def test_bad_input_is_named_in_one_line(function, d_k, error):
    with pytest.raises(error, match="`d_k`") as caught:
        plain(function)(d_k)
    assert isinstance(caught.value, TopophysError)
    assert "\n" not in str(caught.value)


def test_an_unknown_option_is_named():
    with pytest.raises(
        InputError, match="`on_unresolved` must be 'raise' or 'mask', but is 'zero'"
    ):
        plain(tp.winding_number)(np.ones((4, 1, 1)), on_unresolved="zero")


@given(chain=chains(max_orbitals=3), n_k=st.integers(1, 70))
def test_hamiltonians_are_sampled_on_a_grid(chain, n_k):
    """From hoppings and from blocks: one integer, also where neither is sure."""
    from_blocks = tp.winding_number(chain.block_on_grid(n_k), on_unresolved="mask")
    found = tp.winding_number(chain, grid=n_k, on_unresolved="mask")
    assert found.tolist() == from_blocks.tolist()


def test_many_delicate_hamiltonians_are_sampled_in_portions(monkeypatch):
    from topophys.invariants import winding

    monkeypatch.setattr(winding, "PORTION", 3)
    t2 = np.linspace(0.5, 1.5, 11)
    chains_ = tp.models.ssh(1e-160, 1e-160 * t2)  # out of the range of the fast count
    found = tp.winding_number(chains_, grid=8, on_unresolved="mask")
    assert found.tolist() == [None if t == 1.0 else int(t > 1.0) for t in t2.tolist()]
    with pytest.raises(GaplessError, match="winding_number"):
        tp.winding_number(chains_, grid=8)


def test_a_grid_is_for_hamiltonians():
    with pytest.raises(InputError, match="`grid` must be a number of k points"):
        tp.winding_number(tp.models.ssh(1.0, 2.0))
    with pytest.raises(InputError, match="`grid` must be left out"):
        tp.winding_number(np.ones((4, 1, 1)), grid=4)
