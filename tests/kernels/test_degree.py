"""Which triangles cover the z axis, against rational arithmetic."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis.extra import numpy as hnp

from tests.strategies import NASTY, generators
from topophys.kernels.chern_two_band import AMBIGUOUS, covers_axis
from topophys.testing.oracles import covers_axis_in_rationals

TRIANGLES = hnp.arrays(np.float64, (3, 3), elements=NASTY)


@given(t=TRIANGLES)
def test_a_cover_that_is_decided_is_exact(t):
    got, want = covers_axis(t, 0, 1, 2), covers_axis_in_rationals(*t)
    # on the border of the cone only "no" and "cannot tell" may be said
    assert got in (AMBIGUOUS, want) or (want is None and got == 0)


@given(t=TRIANGLES)
def test_the_border_of_a_cone_is_never_counted(t):
    if covers_axis_in_rationals(*t) is None:
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
