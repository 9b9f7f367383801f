"""Which triangles cover the z axis, against rational arithmetic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import topophys as tp
from tests.strategies import NASTY, generators
from topophys.kernels import degree
from topophys.kernels.chern_two_band import AMBIGUOUS, covers_axis
from topophys.testing.oracles import covers_axis_in_rationals

TRIANGLES = hnp.arrays(np.float64, (3, 3), elements=NASTY)


@given(t=TRIANGLES)
def test_a_cover_that_is_decided_is_exact(t):
    got, want = covers_axis(t, 0, 1, 2), covers_axis_in_rationals(*t)
    # on the border of the cone only "no" and "cannot tell" may be said
    assert got in (AMBIGUOUS, want) or (want is None and got == 0)


@given(t=TRIANGLES, power=st.integers(-3, 3))
def test_the_border_of_a_cone_is_never_counted(t, power):
    t[1, :2] = -np.ldexp(t[0, :2], power)  # an edge that crosses the axis
    assume(covers_axis_in_rationals(*t) is None)
    assert covers_axis(t, 0, 1, 2) in {0, AMBIGUOUS}


@given(rng=generators())
def test_generic_triangles_are_decided_and_follow_the_permutation(rng):
    t = rng.standard_normal((3, 3))
    cover = covers_axis(t, 0, 1, 2)
    assert cover == covers_axis_in_rationals(*t)
    for p in itertools.permutations(range(3)):
        parity = round(np.linalg.det(np.eye(3)[list(p)]))
        assert covers_axis(t, *p) == parity * cover


@given(rng=generators())
def test_an_octahedron_covers_the_axis_once(rng):
    """Every direction lies in one face of a closed surface around the origin."""
    q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    q *= np.linalg.det(q)
    total = 0
    for x, y, z in itertools.product((1, -1), repeat=3):
        face = np.array([x * q[0], y * q[1], z * q[2]])
        total += covers_axis(face, 0, 1, 2) if x * y * z > 0 else covers_axis(face, 0, 2, 1)
    assert total == 1


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_ray_keeps_its_direction_in_divided_cubes(side, monkeypatch):
    """A try with the opposite ray is another try."""
    h, seen, cubes = tp.models.chiral_dirac_3d(4.0), [], []
    vectors = np.array(sorted(h.hoppings))
    d = np.array([h.hoppings[tuple(v)][:2, 2:] for v in vectors]).swapaxes(-1, -2)
    columns = np.ascontiguousarray(d).reshape(len(vectors), 4).view(np.float64)
    angle = 2.0 * np.pi * np.arange(64) / 64
    for name in ("add_cube", "add_simplex", "add_slivers"):
        monkeypatch.setattr(degree, name, getattr(degree, name).py_func)
    covers, walk_cube = degree.covers, degree.walk_cube.py_func

    def watched(*given):
        seen.append(given[-1])
        return covers(*given)

    def counted(*given):
        cubes.append(1)
        return walk_cube(*given)

    monkeypatch.setattr(degree, "covers", watched)
    monkeypatch.setattr(degree, "walk_cube", counted)
    evidence = np.zeros(5)
    found = degree.walk_zone.py_func(
        columns, vectors, np.stack([np.cos(angle), np.sin(angle)], -1), 4, 4, 1000, 0.0, 1e-13,
        float(np.square(vectors).sum(-1) @ np.linalg.norm(d, 2, (-2, -1))), 3, side,
        np.empty((64, 8)), np.empty((36, 4), np.int64), np.empty((288, 8)), np.empty((27, 8)),
        evidence,
    )  # fmt: skip
    assert (found[0], found[2]) == (0, degree.OK)
    assert found[1] > 64  # cubes were divided
    assert len(cubes) == 64
    assert set(seen) == {side}
