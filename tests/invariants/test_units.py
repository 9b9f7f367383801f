"""The unit of energy changes no answer: every proof at scales from 1e-300 to 1e300."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators

#: Units in which squares, fourth powers or derivatives of hoppings leave the range of float64.
UNITS = [1e-300, 1e-170, 1e-163, 1e-120, 1e-81, 1e-78, 1.0, 1e77, 1e100, 1e155, 1e200, 1e300]
units = st.sampled_from(UNITS) | st.floats(-300.0, 300.0).map(lambda e: 10.0**e)
MASSES = st.floats(-3.0, 3.0).filter(lambda m: min(abs(m - x) for x in (-2, 0, 2)) > 0.02)


def chern(m):
    return 0 if abs(m) > 2.0 else -int(np.sign(m))


@given(unit=units, m=st.tuples(MASSES, MASSES))
@settings(max_examples=15)
def test_equivalence(unit, m):
    found = tp.certify_equivalent(*(unit * tp.models.qwz(x) for x in m), max_evaluations=20_000)
    crossed = [x for x in (-2.0, 0.0, 2.0) if min(m) <= x <= max(m)]
    if crossed:
        assert found.answer == ("open" if chern(m[0]) == chern(m[1]) else "different phases")
        return
    assert found.answer == "one phase"
    gap = 2.0 * min(abs(y - x) for x in (-2.0, 0.0, 2.0) for y in m)
    assert 0.0 < found.gap_lower / unit <= gap * (1 + 1e-9)
    assert gap * (1 - 1e-9) <= found.gap_upper / unit


@pytest.mark.slow
@given(unit=units, rng=generators(), bands=st.integers(3, 4))
@settings(max_examples=6)
def test_equivalence_of_more_bands(unit, rng, bands):
    h = [tp.ensembles.class_a(1, n_bands=bands, rng=rng)[0] for _ in range(2)]
    plain = tp.certify_equivalent(*h, max_evaluations=5_000)
    scaled = tp.certify_equivalent(*(unit * one for one in h), max_evaluations=5_000)
    assert {plain.answer, scaled.answer} != {"one phase", "different phases"}
    power = 2.0 ** round(np.log2(unit))
    same = tp.certify_equivalent(*(power * one for one in h), max_evaluations=5_000)
    assert same.answer == plain.answer
    assert same.gap_lower / power == pytest.approx(plain.gap_lower, rel=1e-9)


@given(unit=units, span=units.filter(lambda x: 1e-140 < x < 1e140))
@settings(max_examples=8)
def test_phases(unit, span):
    """The unit of energy, and that of the parameter."""
    one = unit * tp.models.qwz(0.0)
    mass = tp.FourierHamiltonian({(0, 0): unit * np.diag([1.0, -1.0])})
    family = tp.ParametricHamiltonian(lambda m: one + (m / span) * mass, {"m": "affine"})
    found = tp.certify_phases(family, {"m": (-3.0 * span, 3.1 * span)}, share=0.99)
    assert found.share >= 0.99
    for lower, upper, gap, value in zip(
        found.lower[:, 0] / span, found.upper[:, 0] / span, found.gap_lower / unit,
        np.ma.filled(found.value, 99), strict=True,
    ):  # fmt: skip
        if value == 99:
            continue
        for m in (lower, upper):
            assert value == chern(m)
            assert gap <= 2.0 * min(abs(m - x) for x in (-2, 0, 2)) * (1 + 1e-9)


@given(unit=units, power=st.integers(1, 4), span=units.filter(lambda x: 1e-289 < x < 3e299))
@settings(max_examples=8)
def test_polynomial_families_over_any_range(unit, power, span):
    """Ranges whose powers leave the range of float64."""
    base, mass = tp.models.qwz(0.0), tp.FourierHamiltonian({(0, 0): np.diag([1.0, -1.0])})

    def function(m):
        return unit * (base + (m / span) ** power * mass)

    family = tp.ParametricHamiltonian(function, {"m": ("polynomial", power)})
    found = tp.certify_phases(family, {"m": (0.5 * span, 3.0 * span)}, share=0.95)
    for region in found.regions:
        assert region.value == chern((region.point["m"] / span) ** power)
    assert {r.value for r in found.regions} == {-1, 0}


@pytest.mark.slow
@given(unit=units)
@settings(max_examples=10)
def test_phases_by_lipschitz_constants(unit):
    found = tp.certify_phases(
        lambda m: unit * tp.models.qwz(m), {"m": (-3.0, 3.1)}, lipschitz={"m": unit}, share=0.97
    )
    assert found.resolved.any()
    for lower, upper, value in zip(
        found.lower[:, 0], found.upper[:, 0], np.ma.filled(found.value, 99), strict=True
    ):
        if value != 99:
            assert chern(lower) == chern(upper) == value


@given(unit=units, m=st.lists(MASSES, min_size=2, max_size=4))
@settings(max_examples=15)
def test_classes(unit, m):
    found = tp.cluster_phases([unit * tp.models.qwz(x) for x in m], max_evaluations=10_000)
    for label, x in zip(found.value, m, strict=True):
        assert found.integers[label] == chern(x)


@given(unit=units)
@settings(max_examples=6)
def test_z2_families(unit):
    found = tp.certify_phases(
        lambda m: unit * tp.models.bhz(m), {"m": (-2.0, 2.0)}, time_reversal="up first",
        dependence={"m": "affine"}, share=0.9,
    )  # fmt: skip
    assert found.resolved.any()
    for lower, upper, value in zip(
        found.lower[:, 0], found.upper[:, 0], np.ma.filled(found.value, 99), strict=True
    ):
        assert value == 99 or (lower >= 0.0 and value == 1) or (upper <= 0.0 and value == 0)
    assert found.share >= 0.9


@given(unit=units, own=st.floats(-100.0, 100.0).map(lambda e: 10.0**e), m=MASSES)
@settings(max_examples=12)
def test_generalized(unit, own, m):
    """H and S in units of their own, in a non-orthogonal basis made from an orthogonal one."""
    half = np.array([[1.0, 0.2], [0.0, 1.1]])
    h = tp.models.qwz(m)
    hops = {
        tuple(v): unit * (half.T @ a @ half)
        for v, a in zip(h.vectors.tolist(), h.amplitudes, strict=True)
    }
    g = tp.GeneralizedHamiltonian(
        tp.FourierHamiltonian(hops, n_occupied=1), {(0, 0): own * (half.T @ half)}
    )
    found = tp.certify_generalized_chern(g)
    gap = 2.0 * min(abs(m - x) for x in (-2.0, 0.0, 2.0)) * (unit / own)
    assert found.status == "certified"
    assert int(found) == chern(m)
    assert found.gap_lower <= gap * (1 + 1e-9)
    eigenvalues = own * np.linalg.eigvalsh(half.T @ half)
    assert found.overlap_lower <= eigenvalues[0] * (1 + 1e-12)
    assert eigenvalues[1] * (1 - 1e-12) <= found.overlap_upper


@given(unit=units, kind=st.sampled_from(["direct", "indirect"]), m=MASSES)
@settings(max_examples=30)
def test_gaps(unit, kind, m):
    found = tp.certify_gap(unit * tp.models.qwz(m), kind=kind)
    gap = 2.0 * min(abs(m - x) for x in (-2.0, 0.0, 2.0))
    assert found.status == "certified"
    assert 0.2 * gap <= found.gap_lower / unit <= gap * (1 + 1e-9)
    assert gap * (1 - 1e-9) <= found.gap_upper / unit


@given(unit=units, k0=st.floats(0.4, 2.7))
@settings(max_examples=5)
def test_weyl_nodes(unit, k0):
    found = tp.find_weyl_nodes(unit * tp.models.weyl_semimetal(k0))
    order = np.argsort(found.position[:, 2])
    np.testing.assert_allclose(found.position[order][:, 2], [-k0, k0], atol=1e-9)
    assert found.value[order].tolist() == [1, -1]
    assert found.gap_outside > 0.0
