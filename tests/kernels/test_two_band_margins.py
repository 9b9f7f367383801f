"""The bound of a cell along the mean of its corners, against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from topophys.kernels.chern_two_band import margins


@pytest.mark.parametrize("seed", range(5))
def test_margins_are_those_of_the_formula(seed):
    """(min u.d - curve (W (u.Q u + rounding |u|^2))^(1/2)) / |u|, every entry of Q in its place."""
    rng = np.random.default_rng(seed)
    row, curve, rounding, w = 4, 0.3, 1e-3, 1.7
    d = rng.normal(size=(3, row * row)) + 2.0 * rng.normal(size=(3, 1))
    root = rng.normal(size=(3, 3))
    q = root @ root.T
    moments = np.array([w, q[0, 0], q[1, 1], q[2, 2], q[0, 1], q[1, 2], q[2, 0], rounding])
    base = np.zeros((5, row * row))
    base[:3] = d
    margins(row, moments, curve, base)
    np.testing.assert_allclose(base[4], np.square(d).sum(0))
    for p in range(row * row - row - 1):
        corners = d[:, [p, p + 1, p + row, p + row + 1]]
        u = corners.sum(1)
        second = np.sqrt(w * (u @ q @ u + rounding * (u @ u)))
        wanted = ((u @ corners).min() - curve * second) / np.linalg.norm(u)
        assert base[3, p] == pytest.approx(wanted)
