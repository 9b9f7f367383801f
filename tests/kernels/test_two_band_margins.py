"""Bounds and counts of the two-band proof, each against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from topophys.kernels import chern_two_band as kernels
from topophys.kernels.chern_two_band import COUNT, DONE, PROVE, margins
from topophys.testing.oracles import covers_axis_in_rationals


def python(name):
    """A kernel as the interpreter runs it: compiling takes longer than a test may."""
    function = getattr(kernels, name)
    return getattr(function, "py_func", function)


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


def test_triangles_with_corners_on_all_sides_of_all_planes():
    """What decides most triangles at once, by signs alone, decides them rightly."""
    for triangle in np.random.default_rng(1).normal(size=(400, 3, 3)):
        found = python("covers_axis")(triangle, 0, 1, 2)
        assert found == covers_axis_in_rationals(*triangle)


@pytest.mark.parametrize("min_gap", [0.0, 0.5, 0.7])
def test_what_is_left_to_do_for_a_cell(min_gap):
    """To count where corners lie on all sides, to prove where the bound is not above the demand."""
    rng = np.random.default_rng(2)
    row, slack = 6, 0.05
    base = rng.normal(size=(5, row * row)) + np.array([[0.5], [0.3], [0.1], [0.0], [0.0]])
    base[3] = rng.choice([-0.1, 0.04, 0.05, 0.2, 0.299, 0.301, 0.39, 0.41], row * row)
    d, bound = base[:3].copy(), base[3].copy()
    side_of, task = np.empty(row * row, np.uint8), np.empty(row * row, np.uint8)
    python("tasks")(row, slack, min_gap, base, side_of, task)
    for p in range(row * row - row - 1):
        if p % row == row - 1:  # the border
            assert task[p] == DONE
            assert base[3, p] == np.inf
            continue
        x, y, z = d[:, [p, p + 1, p + row, p + row + 1]]
        aside = any((s * c > 0).all() for s, c in ((1, x), (-1, x), (1, y), (-1, y), (-1, z)))
        proven = bound[p] - slack
        good = proven > 0.0 and 2.0 * proven >= min_gap
        assert task[p] == ((DONE if aside else COUNT) if good else PROVE)


def test_a_triangle_that_cannot_be_decided_stays_undecided():
    points = np.array([[1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, -1.0, 1.0]])
    total = python("add_cell")(0, points, 0)
    assert total >= 1 << 40
    assert python("add_triangle")(total, points, 0, 1, 2) == total
