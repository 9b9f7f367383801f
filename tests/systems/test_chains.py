"""Chiral chains whose winding number is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import unitaries


def both(chain, n_k=64):
    """Certified and sampled winding number; they must agree."""
    proven = int(tp.certify_winding(chain))
    assert tp.winding_number(chain.block_on_grid(n_k)) == proven
    return proven


@pytest.mark.parametrize(
    ("t1", "t2", "nu"),
    [(1.0, 2.0, 1), (2.0, 1.0, 0), (1.0, -2.0, 1), (-2.0, 1.0, 0), (0.0, 1.0, 1), (1.0, 0.0, 0)],
)
def test_ssh(t1, t2, nu):
    """The sign anchor: nu = +1 where the hopping between cells wins."""
    assert both(tp.models.ssh(t1, t2)) == nu


@pytest.mark.parametrize(
    ("t1", "t2", "t3", "nu"), [(1.0, 1.0, 3.0, 2), (1.0, 3.0, 1.0, 1), (3.0, 1.0, 1.0, 0)]
)
def test_extended_ssh(t1, t2, t3, nu):
    assert both(tp.models.ssh(t1, t2, t3)) == nu


@pytest.mark.parametrize("order", [-7, -3, -1, 0, 1, 5])
def test_one_harmonic(order):
    assert both(tp.ChiralHamiltonian({order: [[1.0]]})) == order


def test_ssh_gap():
    """Gap 2 |t1 - t2| at k = pi: the proven bound lies below, the gap met above."""
    proof = tp.certify_winding(tp.models.ssh(1.0, 1.5), min_gap=0.999)
    assert proof.certified
    assert 0.999 <= proof.gap_lower <= 1.0 <= proof.gap_upper


@given(w=unitaries(2), x=unitaries(2))
def test_four_bands_rotated(w, x):
    blocks = {1: w @ np.diag([1, 0]) @ x, -2: w @ np.diag([0, 1]) @ x}
    assert both(tp.ChiralHamiltonian(blocks)) == -1


@given(n=st.integers(1, 4), orders=st.lists(st.integers(-3, 3), min_size=1, max_size=4))
def test_diagonal_chains_add_their_orders(n, orders):
    size = len(orders)
    blocks = {}
    for i, order in enumerate(orders):
        unit = np.zeros((size, size))
        unit[i, i] = n
        blocks[order] = blocks.get(order, 0) + unit
    assert both(tp.ChiralHamiltonian(blocks)) == sum(orders)


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("side", [-1, 1])
def test_ssh_next_to_the_transition(distance, side):
    proof = tp.certify_winding(tp.models.ssh(1.0, 1.0 + side * distance))
    assert int(proof) == (side > 0)
    assert 0 < proof.gap_lower <= 2 * distance * (1 + 1e-6)


@pytest.mark.parametrize("t", [(1.0, 1.0), (1.0, -1.0), (1.0, 2.0, 1.0), (1.0, 0.0, 1.0)])
def test_gapless_chains_are_unresolved(t):
    proof = tp.certify_winding(tp.models.ssh(*t))
    assert proof.status == "unresolved"
    assert proof.gap_lower == 0
    assert proof.gap_upper < 1e-6


@pytest.mark.parametrize(("t", "k"), [((1.0, 1.0), np.pi), ((1.0, -1.0), 0.0)])
def test_where_a_chain_closes_its_gap(t, k):
    seen = tp.certify_winding(tp.models.ssh(*t)).k_at_gap_upper
    assert abs(np.exp(1j * seen[0]) - np.exp(1j * k)) < 1e-5
