"""Families through data, and of disorder: what they are, and phases that algebra knows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators
from topophys.errors import InputError, ShapeError


@given(rng=generators(), count=st.integers(2, 5))
@settings(max_examples=10)
def test_interpolation_runs_through_its_data_and_is_the_polynomial(rng, count):
    values = np.sort(rng.uniform(-2.0, 2.0, count)) + np.arange(count)
    hamiltonians = tp.ensembles.two_band(count, rng=rng)
    family = tp.interpolate([hamiltonians[i] for i in range(count)], at=values, parameter="strain")
    assert dict(family.dependence) == {"strain": ("polynomial", count - 1)}
    k = rng.uniform(-np.pi, np.pi, (3, 2))
    for i, x in enumerate(values):
        np.testing.assert_allclose(family(strain=x).bloch(k), hamiltonians[i].bloch(k), atol=1e-9)
    x = float(rng.uniform(values[0], values[-1]))
    data = np.stack([hamiltonians[i].bloch(k) for i in range(count)]).reshape(count, -1)
    wanted = np.linalg.solve(np.vander(values), data)
    wanted = (np.vander([x], count) @ wanted).reshape(3, 2, 2)
    np.testing.assert_allclose(family(strain=x).bloch(k), wanted, atol=1e-8)


def test_a_transition_between_two_files_is_enclosed(tmp_path):
    """The mass of QWZ goes from -3 to -1: the gap closes at -2, half of the way."""
    files = [
        tp.read_wannier90(tp.write_wannier90_hr(tp.models.qwz(m), tmp_path / f"{i}_hr.dat"),
                          n_occupied=1) for i, m in enumerate((-3.0, -1.0))
    ]  # fmt: skip
    found = tp.certify_phases(tp.interpolate(files), {"t": (0.0, 1.0)}, share=1.0 - 1e-6)
    (edge,) = found.boundaries()
    assert edge.lower <= 0.5 <= edge.upper
    assert (edge.left, edge.right) == (0, 1)


@given(rng=generators())
@settings(max_examples=5)
def test_disorder_is_drawn_once_and_grows_with_its_strength(rng):
    size = rng.integers(1, 4, 2)
    seed = int(rng.integers(1000))
    clean = tp.models.qwz(-1.0)
    family = tp.anderson_disorder(clean, size, rng=seed)
    same = tp.anderson_disorder(clean, size, rng=seed, parameter="strength")
    w = float(rng.uniform(-3.0, 3.0))
    k = rng.uniform(-np.pi, np.pi, (2, 2))
    np.testing.assert_array_equal(family(w=w).bloch(k), same(strength=w).bloch(k))
    np.testing.assert_allclose(family(w=0.0).bloch(k), tp.supercell(clean, size).bloch(k))
    added = family(w=1.0).bloch(k) - family(w=0.0).bloch(k)
    energies = np.diagonal(added, axis1=-2, axis2=-1).real
    np.testing.assert_allclose(added, np.einsum("ka,ab->kab", energies, np.eye(len(energies[0]))),
                               atol=1e-12)  # fmt: skip
    assert (np.abs(energies) <= 0.5 + 1e-12).all()
    assert family(w=w).n_occupied == size.prod()


def test_weak_disorder_keeps_a_proven_integer():
    found = tp.certify_phases(
        tp.anderson_disorder(tp.models.qwz(-1.0), 2, rng=3), {"w": (0.0, 1.0)}, share=0.9
    )
    assert found.at(w=0.5) == 1
    # a potential of up to w / 2 cannot close a gap of 2 before w = 2
    assert found.share == 1.0


REFUSED = [
    (lambda h: tp.interpolate([h]), InputError, "2 to 9"),
    (lambda h: tp.interpolate([h] * 10), InputError, "2 to 9"),
    (lambda h: tp.interpolate([h, h], at=[1.0, 1.0]), InputError, "`at`"),
    (lambda h: tp.interpolate([h, h], at=[1.0, 2.0, 3.0]), InputError, "`at`"),
    (lambda h: tp.interpolate([h, h], parameter="a b"), InputError, "`parameter`"),
    (lambda h: tp.interpolate([h, tp.models.kagome(0.1)]), InputError, "n_bands"),
    (lambda h: tp.interpolate([h, tp.models.qwz([1.0, 2.0])]), ShapeError, "batch"),
    (lambda h: tp.anderson_disorder(h, 0), InputError, "size"),
    (lambda h: tp.anderson_disorder(tp.models.qwz([1.0, 2.0]), 2), ShapeError, "batch"),
    (lambda h: tp.anderson_disorder(h, 2, parameter=""), InputError, "`parameter`"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_refusals(number):
    make, error, words = REFUSED[number]
    with pytest.raises(error, match=words):
        make(tp.models.qwz(1.0))
