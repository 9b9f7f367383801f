"""Trees of cells: the order of leaves, and that only tilings are accepted."""

import itertools

import numpy as np
import pytest

from topophys.errors import InputError
from topophys.invariants.evidence import CellTree


def random_cells(rng, start, max_depth):
    """Leaves of a random tree in preorder: corners on the finest lattice, and depths."""
    dim, cells = len(start), []

    def visit(corner, depth):
        if depth == max_depth or rng.random() < 0.6:
            cells.append((corner, depth))
            return
        half = 1 << (max_depth - depth - 1)
        for child in itertools.product((0, 1), repeat=dim):
            visit(tuple(c + half * b for c, b in zip(corner, child, strict=True)), depth + 1)

    for first in itertools.product(*(range(n) for n in start)):
        visit(tuple(i << max_depth for i in first), 0)
    return np.array([c for c, _ in cells]), np.array([d for _, d in cells])


@pytest.mark.parametrize("start", [(3,), (2, 3), (1, 2, 2)])
def test_leaves_come_in_preorder(start):
    rng = np.random.default_rng(3)
    for _ in range(20):
        corner, depth = random_cells(rng, start, 4)
        mixed = rng.permutation(len(depth))
        tree, order = CellTree.of_cells(start, 4, corner[mixed], depth[mixed])
        assert (mixed[order] == np.arange(len(depth))).all()
        assert tree.n_leaves == len(depth)
        inner, dim = tree.bits.count("1"), len(start)
        assert tree.n_leaves == np.prod(start) + inner * ((1 << dim) - 1)


def test_bits_of_a_line():
    assert CellTree.of_depths(3, np.array([0, 2, 2, 1, 0])).bits == "01100" + "00"


@pytest.mark.parametrize("depths", [[0], [0, 1], [0, 0, 0], [1, 0, 1], [2, 2, 1]])
def test_what_does_not_tile_is_refused(depths):
    with pytest.raises(InputError, match="tile"):
        CellTree.of_depths(2, np.array(depths))
