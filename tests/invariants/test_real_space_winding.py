"""Winding numbers in real space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import topophys as tp
from tests.invariants.samples import chain_block, unitary
from tests.strategies import chains, generators
from topophys.errors import GaplessError, InputError, ShapeError, UnresolvedError


@given(chain=chains(max_orbitals=3, max_range=2))
def test_long_rings_and_open_chains_agree_with_the_proof(chain):
    """A value, where there is one, is right; estimates are close where the gap is large."""
    proof = tp.certify_winding(chain)
    assume(bool(proof.certified))
    scale = np.abs(chain.block_amplitudes).max()
    ring, cells = chain_block(chain, 40, periodic=True)
    on_ring = tp.real_space_winding(ring, cells, period=40)
    open_chain, cells = chain_block(chain, 40)
    inside = tp.real_space_winding(open_chain, cells)
    known = [found for found in (on_ring, inside) if found.resolved]
    assert {int(found) for found in known} <= {int(proof)}
    # where the gap is large there is an answer
    assume(proof.gap_lower > 0.5 * scale)
    assert on_ring.resolved
    assert on_ring.estimate == pytest.approx(int(proof), abs=0.05)


@given(rng=generators(), ratio=st.sampled_from([0.3, 0.6, 1.6, 3.0]))
def test_weakly_disordered_ssh(rng, ratio):
    """Every bond of 80 cells varies by a tenth: the winding number is that of the clean chain."""
    inner = 1.0 + 0.1 * rng.uniform(-1, 1, 80)
    outer = ratio * (1.0 + 0.1 * rng.uniform(-1, 1, 80))
    ring = np.diag(inner) + np.roll(np.diag(outer), 1, axis=1)
    cells = np.arange(80)
    nu = int(ratio > 1)
    found = tp.real_space_winding(ring, cells, period=80)
    assert int(found) == nu
    assert found.estimate == pytest.approx(nu, abs=1e-2)
    open_chain = np.diag(inner) + np.diag(outer[1:], k=1)
    found = tp.real_space_winding(open_chain, cells)
    assert int(found) == nu
    assert found.gap > 0.2


def test_ensembles_of_disorder_keep_their_shape():
    rng = np.random.default_rng(5)
    inner, outer = rng.uniform(0.2, 0.6, (2, 3, 40)), rng.uniform(0.9, 1.3, (2, 3, 40))
    ring = inner[..., None] * np.eye(40) + outer[..., None] * np.roll(np.eye(40), 1, axis=1)
    found = tp.real_space_winding(ring, np.arange(40), period=40)
    assert found.value.tolist() == [[1] * 3] * 2
    assert "6 of 6 converged" in repr(found)


@pytest.mark.parametrize("nu", [-3, -1, 0, 2])
def test_higher_winding_numbers_and_their_edge_modes(nu):
    chain = tp.ChiralHamiltonian({nu: [[1.0]], 0 if nu else 1: [[0.3]]})
    block, cells = chain_block(chain, 50)
    found = tp.real_space_winding(block, cells)
    assert int(found) == nu
    # the gap is that of the bulk: |nu| edge modes are set aside
    assert found.gap == pytest.approx(1.4, abs=0.1)
    ring, _ = chain_block(chain, 50, periodic=True)
    assert int(tp.real_space_winding(ring, cells, period=50)) == nu


@given(rng=generators())
def test_basis_within_cells_and_order_of_orbitals_do_not_matter(rng):
    chain = tp.ChiralHamiltonian({0: np.diag([0.3, 1.0]), 1: np.diag([1.0, 0.2])})
    block, cells = chain_block(chain, 30, periodic=True)
    left, right = (np.kron(np.eye(30), unitary(2, rng)) for _ in range(2))
    a = tp.real_space_winding(block, cells, period=30)
    b = tp.real_space_winding(left @ block @ right, cells, period=30)
    rows, columns = rng.permutation(60), rng.permutation(60)
    shuffled = block[np.ix_(rows, columns)]
    c = tp.real_space_winding(shuffled, np.stack([cells[rows], cells[columns]]), period=30)
    assert int(a) == int(b) == int(c) == 1
    assert a.estimate == pytest.approx(float(b.estimate)) == pytest.approx(float(c.estimate))


def test_places_inside_the_cell_do_not_matter():
    block, cells = chain_block(tp.models.ssh(0.5, 1.0), 40)
    expected = float(tp.real_space_winding(block, cells).estimate)
    placed = tp.real_space_winding(block, np.stack([cells + 0.0, cells + 0.4]))
    assert float(placed.estimate) == pytest.approx(expected, abs=1e-9)
    ring, _ = chain_block(tp.models.ssh(0.5, 1.0), 40, periodic=True)
    placed = tp.real_space_winding(ring, np.stack([cells + 0.0, cells + 0.4]), period=40)
    assert int(placed) == 1


def test_the_whole_open_chain_adds_to_zero():
    block, cells = chain_block(tp.models.ssh(0.5, 1.0), 20)
    found = tp.real_space_winding(block, cells, bulk=1.0)
    assert abs(float(found.estimate)) < 1e-9


def test_estimates_converge_with_the_length():
    off = []
    for n in (10, 20, 40):
        ring, cells = chain_block(tp.models.ssh(0.7, 1.0), n, periodic=True)
        off.append(abs(float(tp.real_space_winding(ring, cells, period=n).estimate) - 1.0))
    assert off[0] > 5 * off[1] > 25 * off[2]


def test_critical_and_short_chains_are_unresolved():
    block, cells = chain_block(tp.models.ssh(1.0, 1.0), 60)
    found = tp.real_space_winding(block, cells)
    assert (found.status, np.ma.is_masked(found.value)) == ("unresolved", True)
    assert found.decay > 1.0
    with pytest.raises(UnresolvedError):
        int(found)
    block, cells = chain_block(tp.models.ssh(0.95, 1.0), 8, periodic=True)
    assert tp.real_space_winding(block, cells, period=8).status == "unresolved"
    block, cells = chain_block(tp.models.ssh(0.99, 1.0), 30)
    assert tp.real_space_winding(block, cells).status == "unresolved"


def test_refusals():
    eye, cells = np.eye(10), np.arange(10)
    with pytest.raises(ShapeError, match="cells"):
        tp.real_space_winding(eye, cells[:-1])
    with pytest.raises(InputError, match="period"):
        tp.real_space_winding(eye, cells, period=0.5)
    with pytest.raises(InputError, match="bulk"):
        tp.real_space_winding(eye, cells, bulk=0.0)
    with pytest.raises(InputError, match="tolerance"):
        tp.real_space_winding(eye, cells, tolerance=0.5)
    with pytest.raises(GaplessError, match="real_space_winding"):
        tp.real_space_winding(eye - np.ones((10, 10)) / 10, cells, period=10)
    with pytest.raises(InputError, match="no single integer"):
        int(tp.real_space_winding(np.stack([eye, eye]), cells))
