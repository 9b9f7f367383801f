"""Supercells fold bands, ribbons have edge states, and lattice and positions go along."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.markers import others_slow
from tests.strategies import plain
from topophys.errors import InputError, KindError

HEXAGONAL = [[1.0, 0.0], [0.5, np.sqrt(0.75)]]


def unfolded(matrix, k):
    """All momenta that fold onto k: S q = k modulo 2 pi."""
    many = {}
    for m in np.ndindex(*(12,) * len(k)):
        q = np.linalg.solve(matrix, k + 2 * np.pi * np.array(m))
        many[tuple((q / (2 * np.pi) % 1).round(6) % 1)] = q
    return np.array(list(many.values()))


@given(
    seed=st.integers(0, 2**32 - 1),
    entries=st.lists(st.integers(-2, 3), min_size=4, max_size=4),
    n=st.integers(2, 3),
)
def test_bands_of_a_supercell_are_the_folded_ones(seed, entries, n):
    matrix = np.array(entries).reshape(2, 2)
    count = abs(round(np.linalg.det(matrix)))
    if not 1 <= count <= 6:
        return
    h = tp.ensembles.class_a(2, n_bands=n, rng=seed)
    large = tp.supercell(h, matrix)
    k = np.random.default_rng(seed).uniform(-3, 3, 2)
    old = unfolded(matrix, k)
    assert len(old) == count
    expected = np.sort(h.bands(old).reshape(2, -1), axis=-1)
    assert large.bands(k) == pytest.approx(expected, abs=1e-9)
    assert large.n_occupied == count * h.n_occupied


def test_positions_and_lattice_of_a_supercell_are_the_same_sites():
    at = np.array([[0.0, 0.0], [1 / 3, 1 / 3]])
    h = tp.models.haldane(0.1, 0.2, 1.0).with_geometry(lattice=HEXAGONAL, positions=at)
    matrix = np.array([[2, 1], [-1, 1]])
    large = tp.supercell(h, matrix)
    assert large.lattice == pytest.approx(matrix @ np.array(HEXAGONAL))
    assert ((large.positions >= -1e-12) & (large.positions < 1 + 1e-9)).all()
    places = large.positions @ large.lattice
    reduced = places @ np.linalg.inv(HEXAGONAL)
    whole = reduced - np.tile(at, (3, 1))
    assert whole == pytest.approx(np.rint(whole), abs=1e-9)
    assert len(np.unique(places.round(9), axis=0)) == 6


def test_chern_number_of_a_supercell_is_that_of_the_cell():
    large = tp.supercell(tp.models.qwz([-1.0, 1.0, 3.0]), [2, 1])
    assert tp.certify_chern(large).value.tolist() == [1, -1, 0]
    assert large.batch_shape == (3,)


@pytest.mark.parametrize("size", [0, [1, 0], [[1, 1], [1, 1]], [1.5, 2], [1, 2, 3], "ab"])
def test_refuses_sizes_that_span_no_cell(size):
    with pytest.raises(InputError, match="`size`"):
        plain(tp.supercell)(tp.models.qwz(-1.0), size)


@pytest.mark.parametrize("direction", others_slow([0, 1], quick={0}))
@pytest.mark.parametrize(
    "model",
    [tp.models.qwz(-1.0), tp.models.qwz(1.0), tp.models.qwz(3.0),
     tp.models.haldane(0.1, 0.15, 1.5), tp.models.haldane(0.1, 0.15, -1.5),
     tp.models.haldane(1.5, 0.15, 1.5)],
    ids=["qwz +1", "qwz -1", "qwz 0", "haldane +", "haldane -", "haldane 0"],
)  # fmt: skip
def test_edge_states_of_each_edge_count_the_chern_number(model, direction):
    chern = int(tp.certify_chern(model))
    sign = 1 if direction == 0 else -1
    assert tp.edge_modes(tp.ribbon(model, 20, direction), 0.0).tolist() == [
        sign * chern, -sign * chern,
    ]  # fmt: skip


@pytest.mark.slow
def test_edge_states_in_every_gap_of_hofstadter_count_its_chern_number():
    h = tp.models.hofstadter(1, 5)
    energy = h.bands(tp.k_grid((40, 40)))
    strip = tp.ribbon(h, 30)
    for r in (1, 2, 3, 4):
        middle = 0.5 * (energy[..., r - 1].max() + energy[..., r].min())
        chern = int(tp.certify_chern(h, n_occupied=r))
        assert tp.edge_modes(strip, middle).tolist() == [-chern, chern]


def test_ribbon_of_uncoupled_chains_is_open_chains():
    # hopping across only: at every k the levels of open chains, 2 t cos(pi j / (width + 1))
    h = tp.FourierHamiltonian({(0, 1): [[1.0]], (1, 0): [[0.0]]})
    strip = tp.ribbon(h, 7)
    expected = np.sort(2 * np.cos(np.pi * np.arange(1, 8) / 8))
    assert strip.bands([[0.3], [2.0]]) == pytest.approx(np.tile(expected, (2, 1)), abs=1e-12)


def test_a_ribbon_keeps_lattice_positions_and_batch():
    at = np.array([[0.0, 0.0], [1 / 3, 1 / 3]])
    h = tp.models.haldane([0.1, 0.2], 0.2, 1.0).with_geometry(lattice=HEXAGONAL, positions=at)
    strip = tp.ribbon(h, 5, 1)
    assert strip.batch_shape == (2,)
    assert strip[1].width == 5
    assert strip.lattice.tolist() == [[1.0, 0.0]]
    assert strip.positions[:, 0] == pytest.approx(np.tile(at[:, 0], 5))
    # rows are sqrt(3)/2 apart, the second site a third of that higher
    rows = np.sqrt(0.75) * (np.arange(5)[:, None] + at[:, 1]).ravel()
    assert strip.depth == pytest.approx(rows)
    assert strip.edge_position[[0, -1]].tolist() == [-1.0, 1.0]
    assert strip.layer.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert strip.n_occupied == 5


def test_slab_of_a_stack_has_surface_bands_of_its_layers():
    flat = tp.models.qwz(-1.0)
    stack = tp.FourierHamiltonian({(*R, 0): m for R, m in flat.hoppings.items()})
    thin = tp.slab(stack, 3)
    k = tp.k_grid((4, 4))
    assert thin.bands(k) == pytest.approx(np.repeat(flat.bands(k), 3, axis=-1), abs=1e-12)
    assert thin.dim == 2
    assert int(tp.certify_chern(thin)) == 3


def test_refuses_what_cannot_be_cut():
    h = tp.models.qwz(-1.0)
    with pytest.raises(InputError, match="`direction` must be from 0 to 1"):
        tp.ribbon(h, 4, 2)
    with pytest.raises(InputError, match="`width`"):
        tp.ribbon(h, 0)
    with pytest.raises(KindError, match="3 dimensions"):
        tp.slab(h, 4)
    with pytest.raises(KindError, match="ribbon in one dimension"):
        plain(tp.edge_modes)(h, 0.0)
    with pytest.raises(KindError, match="Fourier form"):
        plain(tp.ribbon)(h.on_grid(4), 4)


def test_lattice_and_positions_survive_slicing_sums_and_products():
    at, cell = np.array([[0.0, 0.0], [0.5, 0.5]]), 2.0 * np.eye(2)
    h = tp.models.qwz([-1.0, 1.0]).with_geometry(lattice=cell, positions=at)
    other = tp.FourierHamiltonian({(0, 0): np.eye(2)})
    for kept in (h[1], -h, 2.0 * h, h + h, h + other, other + h, h - h[0]):
        assert np.array_equal(kept.lattice, cell)
        assert np.array_equal(kept.positions, at)
    assert tp.models.qwz(1.0).lattice is None
    with pytest.raises(InputError, match="same `lattice`"):
        h + other.with_geometry(lattice=np.eye(2))


@pytest.mark.parametrize(
    "lattice", [np.eye(3), [[1.0, 0.0], [2.0, 0.0]], np.ones((1, 2, 2)), [[1.0], [2.0]]]
)
def test_refuses_lattices_that_do_not_fit(lattice):
    with pytest.raises((InputError, tp.errors.ShapeError), match="`lattice`"):
        tp.FourierHamiltonian({(1, 0): np.eye(2)}, lattice=lattice)


def test_functions_in_the_atomic_gauge_become_periodic():
    at = np.array([[0.0, 0.0], [0.3, -0.4]])
    h = tp.models.qwz(-1.0)

    def atomic(k):
        turn = np.exp(1j * at @ k)
        return turn.conj()[:, None] * h.bloch(k) * turn

    with pytest.raises(InputError, match="give the `positions`"):
        tp.from_callable(atomic, 2)
    sampled = tp.from_callable(atomic, 2, positions=at)
    assert int(tp.chern_number(sampled, grid=16)) == 1
    exact = tp.from_callable(atomic, 2, positions=at, hopping_range=1, lattice=np.eye(2))
    assert int(tp.certify_chern(exact)) == 1
    assert np.array_equal(exact.positions, at)
    k = tp.k_grid((5, 5))
    assert exact.bloch(k) == pytest.approx(h.bloch(k), abs=1e-12)


def test_polarization_of_ssh_is_zero_or_one_half():
    chain = tp.models.ssh([2.0, 1.0], [1.0, 2.0]).with_geometry(positions=[[0.0], [0.5]])
    found = tp.polarization(chain, charges=[0.5, 0.5], grid=64)
    assert found == pytest.approx([0.0, 0.5], abs=1e-12)
    assert tp.polarization(
        chain, charges=[1.0, 1.0], grid=64, spin_degenerate=True
    ) == pytest.approx([0.0, 1.0], abs=1e-12)
    # another origin of the cell changes nothing
    moved = chain.with_geometry(positions=[[0.2], [0.7]])
    again = tp.polarization(moved, charges=[0.5, 0.5], grid=64)
    assert np.exp(2j * np.pi * again) == pytest.approx(np.exp(2j * np.pi * found), abs=1e-9)


def test_polarization_refuses_charged_cells_and_missing_positions():
    chain = tp.models.ssh(2.0, 1.0)
    with pytest.raises(InputError, match="`positions` must be given"):
        tp.polarization(chain, charges=[0.5, 0.5], grid=8)
    with pytest.raises(InputError, match="add up to the 1 electrons"):
        tp.polarization(chain, charges=[0.5, 0.6], grid=8, positions=[0.0, 0.5])
