"""Pairs and intervals are what they are called."""

import numpy as np
import pytest

from topophys.interpret.causal import _pairs, _windings


@pytest.mark.parametrize("grid", [(16,), (8, 6)])
def test_pairs_and_their_places(grid):
    host, guest, inside = _pairs(20, grid, 500, 0)
    assert (host != guest).all()
    assert inside.shape == (500, *grid)
    share = inside.reshape(500, -1).mean(1)
    assert 0.0 < share.min() < 0.2
    assert 0.8 ** len(grid) < share.max() < 1.0
    # along each direction one run of neighbours, closed around the zone
    lines = []
    for axis in range(1, len(grid) + 1):
        other = tuple(a for a in range(1, len(grid) + 1) if a != axis)
        lines.append(inside.any(axis=other) if other else inside)
        assert set((lines[-1] != np.roll(lines[-1], 1, axis=1)).sum(1)) == {2}
    whole = lines[0] if len(grid) == 1 else lines[0][:, :, None] & lines[1][:, None]
    np.testing.assert_array_equal(whole, inside)


def test_windings_of_a_polygon():
    k = 2 * np.pi * np.arange(12) / 12
    angle = np.stack([0 * k, k + 0.3, -2 * k, np.angle(np.exp(2j * k))])
    np.testing.assert_array_equal(_windings(angle), [0, 1, -2, 2])
