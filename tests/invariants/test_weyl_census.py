"""Every touching is in a box, and every charge is the one of algebra."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import topophys as tp
from tests.invariants.samples import X, Y, Z
from tests.strategies import generators, random_unitaries
from topophys.errors import InputError, KindError, ShapeError
from topophys.invariants import _census
from topophys.invariants._cells import Hoppings, bound_cells
from topophys.invariants._census import boxes_around, union
from topophys.invariants._subdivision import Zone
from topophys.invariants._symmetry import inversion_error, inversion_operator
from topophys.invariants._touchings import apart_from_others
from topophys.invariants._undecided import Nearness, describe, nearest_three
from topophys.testing.weyl_nodes import draw, judge

UNITS = [tuple(v) for v in np.eye(3, dtype=int).tolist()]
#: d_x + i d_y like (k_x + i k_y)^2, and d_z less its constant: pairs of nodes of charge two.
DOUBLE = {
    (1, 0, 0): -0.5 * X - 0.5 * Z,
    (0, 1, 0): 0.5 * X - 0.5 * Z,
    (1, 1, 0): -0.25 * Y,
    (1, -1, 0): 0.25 * Y,
    (0, 0, 1): -0.5 * Z,
}


def wrapped(k):
    return (np.asarray(k) + np.pi) % (2.0 * np.pi) - np.pi


def with_spectators(hops, rng, bands):
    """A two-band Hamiltonian beside bands far below and above, in a random basis."""
    u = random_unitaries(bands, rng)
    far = np.zeros(bands)
    far[2:] = np.where(np.arange(bands - 2) % 2, 9.0, -9.0)
    out = {}
    for vector, matrix in hops.items():
        full = np.zeros((bands, bands), complex)
        full[:2, :2] = matrix
        out[vector] = u @ full @ u.conj().T
    out[0, 0, 0] = out.get((0, 0, 0), 0.0) + (u * far) @ u.conj().T
    return tp.FourierHamiltonian(out, n_occupied=1 + int((far < 0).sum()))


@given(rng=generators())
@settings(max_examples=4)
def test_eight_nodes_of_linear_dispersion(rng):
    """H = sum_ij sin(k_i - s_i) v_ij sigma_j + tilt: nodes where all sines vanish."""
    v, shift = rng.standard_normal((3, 3)), rng.uniform(-np.pi, np.pi, 3)
    assume(np.linalg.cond(v) < 4.0)
    tilt = rng.uniform(-2.0, 2.0, 3)  # beyond the slopes: type II
    hops = {}
    for unit, row, s, t in zip(UNITS, v, shift, tilt, strict=True):
        matrix = row[0] * X + row[1] * Y + row[2] * Z + t * np.eye(2)
        hops[unit] = -0.5j * np.exp(-1j * s) * matrix
    h = with_spectators(hops, rng, int(rng.integers(2, 5)))
    found = tp.find_weyl_nodes(h)
    assert found.complete
    assert len(found.status) == 8
    assert found.all_certified
    assert not len(found.undecided)
    assert found.value.sum() == 0
    for sides in itertools.product((0, 1), repeat=3):
        k = shift + np.pi * np.array(sides)
        (box,) = np.flatnonzero((np.abs(wrapped(k - found.centre)) <= found.half_width).all(1))
        assert found.value[box] == np.sign(np.linalg.det(v)) * (-1) ** sum(sides)
        np.testing.assert_allclose(wrapped(found.position[box] - k), 0.0, atol=1e-10)


@pytest.mark.parametrize("k0", [0.7, 1.5, 2.6])
def test_two_nodes(k0):
    found = tp.find_weyl_nodes(tp.models.weyl_semimetal(k0))
    order = np.argsort(found.position[:, 2])
    np.testing.assert_allclose(found.position[order][:, 2], [-k0, k0], atol=1e-10)
    assert found.value[order].tolist() == [1, -1]
    k = np.random.default_rng(1).uniform(-np.pi, np.pi, (4000, 3))
    inside = (np.abs(wrapped(k[:, None] - found.centre)) <= found.half_width).all(-1).any(1)
    energy = np.linalg.eigvalsh(tp.models.weyl_semimetal(k0).bloch(k[~inside]))
    assert (energy[:, 1] - energy[:, 0]).min() >= found.gap_outside > 0.0


@given(rng=generators(), axis=st.integers(0, 2))
@settings(max_examples=4)
def test_chern_numbers_of_planes_differ_by_the_charges_between_them(rng, axis):
    """Boxes by cells of three dimensions, planes by cells of two: neither knows of the other."""
    n = int(rng.integers(2, 5))
    hops = {v: rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n)) for v in UNITS}
    onsite = rng.standard_normal((n, n))
    h = tp.FourierHamiltonian(
        hops | {(0, 0, 0): onsite + onsite.T}, n_occupied=int(rng.integers(1, n))
    )
    found = tp.find_weyl_nodes(h, max_cells=3000, max_evaluations=300_000)
    assume(found.complete and found.all_certified)
    k = np.sort(rng.uniform(-np.pi, np.pi, 16))
    at = found.centre[:, axis]
    k = k[(np.abs(wrapped(k[:, None] - at)) > found.half_width[:, axis]).all(1)]
    assume(len(k) > 1)
    planes = tp.chern_on_slices(h, k=k, axis=axis)
    assume(planes.all_certified)
    names = [f"a{i % 3 + 1}" for i in (axis + 1, axis + 2)]
    assert f"oriented {' x '.join(names)}" in repr(planes)
    chern = planes.value.tolist()
    for (a, low), (b, high) in itertools.pairwise(zip(k, chern, strict=True)):
        between = found.value[(a < wrapped(at)) & (wrapped(at) < b)].sum()
        assert high - low == between


def test_double_weyl_points():
    """Touchings with d_x + i d_y = (k_x + i k_y)^2 to lowest order, at k_z = +-k0."""
    k0 = 1.2
    hops = {
        **DOUBLE,
        (0, 0, 0): (np.cos(k0) + 2.0) * Z,
    }
    found = tp.find_weyl_nodes(tp.FourierHamiltonian(hops), depth=5)
    assert sorted(found.value.tolist()) == [-2, 2]
    assert found.complete
    assert found.kind.tolist() == ["higher charge"] * 2
    assert not len(found.nodes)


def test_a_nodal_line_is_undecided_and_a_gap_leaves_nothing():
    hops = {(1, 0, 0): 0.5 * X, (0, 1, 0): 0.5 * X, (0, 0, 1): -0.5j * Y}
    line = tp.find_weyl_nodes(tp.FourierHamiltonian(hops | {(0, 0, 0): 0.5 * X}))
    assert line.complete
    assert len(line.undecided) == len(line.status) == 2
    assert line.kind.tolist() == ["nodal line"] * 2
    assert not len(line.nodes)
    assert "2 boxes undecided" in repr(line)
    none = tp.find_weyl_nodes(tp.FourierHamiltonian(hops | {(0, 0, 0): 2.5 * X}))
    assert none.complete
    assert len(none.status) == 0
    assert 0.0 < none.gap_outside <= 1.0


def test_where_cells_run_out_those_left_are_listed():
    """A surface of touchings around the zone has one box, which holds everything."""
    surface = tp.FourierHamiltonian(dict.fromkeys(UNITS, 0.5 * X))
    found = tp.find_weyl_nodes(surface, max_cells=1500)
    assert found.stopped
    assert not found.complete
    assert found.status.tolist() == ["unresolved"]
    assert found.undecided.tolist() == [0]
    assert found.gap_outside == 0.0
    assert "unresolved" in repr(found)
    # a line along one axis leaves the rest of the zone
    line = {(1, 0, 0): 0.5 * X, (0, 1, 0): 0.5 * X, (0, 0, 0): -1.9 * X, (0, 0, 1): 1e-9 * Y}
    found = tp.find_weyl_nodes(tp.FourierHamiltonian(line), max_cells=600)
    assert found.complete
    assert found.gap_outside > 0.0
    assert len(found.undecided) == len(found.status) > 0


def test_progress_is_shown_where_asked(capsys):
    tp.find_weyl_nodes(tp.models.weyl_semimetal(1.1))
    assert capsys.readouterr().err == ""
    tp.find_weyl_nodes(tp.models.weyl_semimetal(1.1), progress=True)
    assert "cells of edge 2 pi / 8: 512 of 512" in capsys.readouterr().err


@pytest.mark.parametrize("most", [520, 600, 700, 40000])
def test_a_census_that_stops_early_is_right_as_far_as_it_goes(most):
    k0 = 1.1
    found = tp.find_weyl_nodes(tp.models.weyl_semimetal(k0), max_evaluations=most, depth=6)
    assert found.stopped == (most < 800)
    k = np.random.default_rng(1).uniform(-np.pi, np.pi, (4000, 3))
    inside = (np.abs(wrapped(k[:, None] - found.centre)) <= found.half_width).all(-1).any(1)
    if found.complete and not inside.all():
        energy = np.linalg.eigvalsh(tp.models.weyl_semimetal(k0).bloch(k[~inside]))
        assert (energy[:, 1] - energy[:, 0]).min() >= found.gap_outside > 0.0
    for node in ([0.0, 0.0, k0], [0.0, 0.0, -k0]):
        held = (np.abs(wrapped(np.array(node) - found.centre)) <= found.half_width).all(1)
        assert held.any() or not found.complete
    assert found.evaluations <= most + 1000 * len(found.status)


@given(rng=generators())
def test_boxes_hold_their_cells_and_keep_apart(rng):
    n = 16
    cells = np.unique(rng.integers(0, n, (int(rng.integers(1, 12)), 3)), axis=0)
    boxes = boxes_around(cells, np.ones(len(cells), int), n)
    for low, high in boxes:
        assert (high - low >= 3).all()
    images = n * np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=3)))
    for cell in cells:
        there = cell + images
        held = [((low + 1 <= there) & (there < high - 1)).all(1).any() for low, high in boxes]
        assert any(held)
    for one, two in itertools.combinations(boxes, 2):
        assert union(one, two, n) is None


@pytest.mark.parametrize("seed", range(4))
def test_everything_said_agrees_with_algebra(seed):
    rng = np.random.default_rng([11, seed])
    known = draw(rng)
    found = tp.find_weyl_nodes(known.hamiltonian, depth=5)
    assert judge(known, found, rng) == []
    assert found.complete
    assert found.total == 0
    assert found.unique.sum() == len(known.nodes) == len(found.status)
    assert found.position_error.max(initial=0.0) < 1e-10


@given(rng=generators())
@settings(max_examples=3)
def test_cells_proven_by_a_few_bands_agree_with_algebra(rng):
    """Folding from the first level on, for any number of bands."""
    known = draw(rng)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_census, "MANY", 2)
        patch.setattr(_census, "SHARE", 1.0)
        depth, inner = int(rng.integers(4, 7)), int(rng.integers(1, 5))
        patch.setattr(_census, "INNER", inner)
        found = tp.find_weyl_nodes(known.hamiltonian, depth=depth)
    assert judge(known, found, rng) == []
    assert found.complete


def reversible(rng, n, broken):
    """Two bands with real hoppings among n, eight nodes; time reversal broken by that much."""
    a, b = rng.uniform(-0.6, 0.6, 2)
    hops = {
        (0, 0, 0): -a * X - b * Z,
        (1, 0, 0): 0.5 * X,
        (0, 1, 0): -0.5j * Y,
        (0, 0, 1): 0.5 * Z,
    }
    u = np.linalg.qr(rng.standard_normal((n, n)))[0]
    full = {r: u[:, :2] @ m @ u[:, :2].T for r, m in hops.items()}
    far = 9.0 * (-1.0) ** np.arange(n - 2)
    full[0, 0, 0] = full[0, 0, 0] + (u[:, 2:] * far) @ u[:, 2:].T
    full[1, 1, 0] = 1j * broken * rng.standard_normal((n, n))
    h = tp.FourierHamiltonian(full, n_occupied=1 + int((far < 0).sum()))
    nodes = itertools.product(np.arccos(a) * np.array([1, -1]), (0.0, np.pi),
                              np.arccos(b) * np.array([1, -1]))  # fmt: skip
    return h, np.array(list(nodes))


@given(rng=generators())
@settings(max_examples=4)
def test_half_the_zone_is_enough_under_time_reversal(rng):
    n = int(rng.choice([2, 3, 10]))
    broken = float(rng.choice([0.0, 1e-12, 1e-7, 1e-5]))
    h, nodes = reversible(rng, n, broken)
    found = tp.find_weyl_nodes(h, depth=5)
    whole = tp.find_weyl_nodes(reversible(rng, n, 0.1)[0], depth=5)
    assert whole.reversal_error == np.inf
    assert (whole.partner == -1).all()
    assert found.complete
    assert found.reversal_error >= broken * (n > 2) * 0.1
    assert found.reversal_error <= 1e3 * broken + 1e-13
    # beside the proofs of charges
    assert n > 8 or 2 * found.evaluations < whole.evaluations + 2000
    assert found.total == 0
    assert found.unique.sum() == len(found.status) == 8
    for node in nodes:
        off = np.abs(wrapped(found.position - node)).max(1)
        assert off.min() < 1e-9 + 100.0 * broken
    assert (found.partner[found.partner] == np.arange(8)).all()
    np.testing.assert_allclose(
        wrapped(found.position + found.position[found.partner]), 0.0, atol=1e-9 + 100.0 * broken
    )
    assert (found.value[found.partner] == found.value).all()
    assert "8 boxes" in repr(found)
    k = rng.uniform(-np.pi, np.pi, (2000, 3))
    inside = (np.abs(wrapped(k[:, None] - found.centre)) <= found.half_width).all(-1).any(1)
    energy = np.linalg.eigvalsh(h.bloch(k[~inside]))
    assert (energy[:, h.n_occupied] - energy[:, h.n_occupied - 1]).min() >= found.gap_outside


@pytest.mark.parametrize("exponent", [-900, 900])
def test_the_unit_of_energy_does_not_matter(exponent):
    h = reversible(np.random.default_rng(5), 10, 0.0)[0]
    scaled = tp.FourierHamiltonian(
        {r: np.ldexp(m.view(float), exponent).view(complex) for r, m in h.hoppings.items()},
        n_occupied=h.n_occupied,
    )
    one, two = (tp.find_weyl_nodes(x, depth=5) for x in (h, scaled))
    np.testing.assert_array_equal(one.value, two.value)
    np.testing.assert_array_equal(one.unique, two.unique)
    np.testing.assert_allclose(one.position, two.position, atol=1e-12)
    assert float(np.ldexp(two.gap_outside, -exponent)) == pytest.approx(one.gap_outside)
    assert one.unique.all()


def test_two_nodes_in_one_box_are_not_one():
    """Close nodes of one charge share a box: a charge of two, and no single touching."""
    split = {
        (0, 0, 0): (np.cos(1.2) + 2.0) * Z - 0.0002 * X,
        **DOUBLE,
    }
    found = tp.find_weyl_nodes(tp.FourierHamiltonian(split))
    assert sorted(found.value.tolist()) == [-2, 2]
    assert not found.unique.any()
    # touchings themselves are proven to be there
    assert (found.position_error < 1e-8).all()


def test_refusals():
    with pytest.raises(KindError):
        tp.find_weyl_nodes(tp.models.qwz(1.0))
    with pytest.raises(ShapeError, match="one Hamiltonian"):
        tp.find_weyl_nodes(tp.models.weyl_semimetal([1.0, 2.0]))
    with pytest.raises(InputError, match="`depth`"):
        tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0), depth=11)
    with pytest.raises(InputError, match="max_cells"):
        tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0), max_cells=0)


def ring(mass):
    """Touchings on a ring around k = 0 that a mass separates by twice its size."""
    hops = {(0, 0, 0): -2.0 * X + mass * Z, (0, 0, 1): 0.5 * X - 0.5j * Y}
    return hops | dict.fromkeys(UNITS[:2], 0.5 * X)


@pytest.mark.parametrize("bands", [2, 10])
def test_a_small_gap_all_along_a_ring_is_no_touching(bands):
    """Cells much wider than gap over slope: the mass is what the corners of each have in common."""
    h = with_spectators(ring(0.02), np.random.default_rng(bands), bands)
    found = tp.find_weyl_nodes(h, depth=4)
    assert found.complete
    assert len(found.status) == 0
    assert 0.0 < found.gap_outside <= 0.04 + 1e-12


def test_lines_of_many_bands_are_not_divided_to_the_end():
    h = with_spectators(ring(0.0), np.random.default_rng(3), 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_census, "LONG", 32)
        patch.setattr(_census, "LINES", 2)
        found = tp.find_weyl_nodes(h, depth=6)
    assert found.complete
    assert found.stopped
    assert len(found.undecided) == len(found.status) == 1
    # on k_z = 0 the ring is cos k_x + cos k_y = 1
    kx = np.linspace(-np.pi / 2, np.pi / 2, 101)
    k = np.stack([kx, np.arccos(1.0 - np.cos(kx)), np.zeros(101)], -1)
    assert (np.abs(wrapped(k - found.centre[0])) <= found.half_width[0]).all()


@given(rng=generators())
@settings(max_examples=4)
def test_any_basis_proves_what_it_proves(rng):
    """Gaps of cells that are bounded in turned bases are below those at momenta of the cells."""
    n, filled = 5, int(rng.integers(1, 5))
    hops = {v: rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n)) for v in UNITS}
    h = tp.FourierHamiltonian(hops, n_occupied=filled)
    ham = Hoppings.of(h, filled)
    zone = Zone((8,) * 3, 8, 3)
    points = 2 * rng.integers(0, 64, (300, 3)) + 1
    found = [
        bound_cells(
            ham, np.zeros(300, np.int64), points, lambda p: zone.phases(ham.vectors, p),
            np.diag(zone.half), np.full(300, 1 / 8), np.zeros(300), frames=False,
            fine=2 * zone.fine, aimed=aimed,
        ) for aimed in (False, True)
    ]  # fmt: skip
    assert len(found[1].good) >= len(found[0].good)
    shift = rng.uniform(-1.0, 1.0, (40, 3)) * zone.half / 8
    for cell in found[1].good[:40]:
        energy = np.linalg.eigvalsh(h.bloch(zone.momenta(points[cell]) + shift))
        gap = np.ldexp(found[1].gap[cell], int(ham.exponent[0]))
        assert (energy[:, filled] - energy[:, filled - 1]).min() >= gap


def spin_one(rng, bands):
    """H = S.sin(k - s) with S of spin 1: three bands touch at eight momenta."""
    r = np.sqrt(0.5)
    plus = np.array([[0, r, 0], [0, 0, r], [0, 0, 0]])
    spin = [plus + plus.T, -1j * (plus - plus.T), np.diag([1.0, 0.0, -1.0])]
    shift = rng.uniform(-np.pi, np.pi, 3)
    hops = {
        unit: -0.5j * np.exp(-1j * s) * np.pad(m, (0, bands - 3))
        for unit, m, s in zip(UNITS, spin, shift, strict=True)
    }
    hops[0, 0, 0] = np.diag([0.0] * 3 + [9.0] * (bands - 3))
    return tp.FourierHamiltonian(hops, n_occupied=1), shift


@pytest.mark.parametrize("bands", [3, 5])
def test_boxes_that_other_bands_reach_say_so(bands):
    rng = np.random.default_rng(bands)
    h, shift = spin_one(rng, bands)
    found = tp.find_weyl_nodes(h, depth=3)
    assert found.complete
    assert sorted(found.value.tolist()) == [-2] * 4 + [2] * 4
    assert not found.isolated.any()
    assert not found.unique.any()
    assert not len(found.nodes)
    assert set(found.kind) == {"triple point"}
    assert (found.third_band < 1e-11).all()
    assert "bands 1 to 3 within" in found.description[0]
    alone = tp.find_weyl_nodes(with_spectators(dict(ring(0.0)), rng, 4), depth=3)
    assert alone.isolated.all()
    assert np.isnan(alone.third_band).all()
    box = Nearness(h, 1, shift + 0.04, np.full(3, 0.1))
    meet, spread = nearest_three(box, box.grid(3))
    assert spread.min() < 1e-12
    np.testing.assert_allclose(wrapped(meet.k - shift)[spread < 1e-9], 0.0, atol=1e-9)
    assert not apart_from_others(h, 1, shift + 0.04, np.full(3, 0.1))
    assert apart_from_others(h, 1, shift + 0.4, np.full(3, 0.1))


def test_a_line_that_a_third_band_ends_is_recognised():
    """A doublet cos k_z and a single band -0.3 cross at two triple points on an axis."""
    mix = np.zeros((3, 3), complex)
    mix[0, 2], mix[2, 1] = 0.5, 0.5
    lifted = np.diag([0.0, 0.5, 0.0])
    hops = {
        (0, 0, 0): np.diag([0.0, 2.0, -0.3]).astype(complex),
        (0, 0, 1): np.diag([0.5, 0.5, 0.0]),
        (1, 0, 0): -0.5j * (mix + mix.conj().T) - lifted,
        (0, 1, 0): 0.5 * (mix - mix.conj().T) - lifted,
    }
    h = tp.FourierHamiltonian(hops, n_occupied=1)
    ends = np.array([[0.0, 0.0, s * np.arccos(-0.3)] for s in (1, -1)])
    energy = np.linalg.eigvalsh(h.bloch(ends))
    np.testing.assert_allclose(energy, -0.3, atol=1e-12)
    found = tp.find_weyl_nodes(h, n_occupied=1, depth=3, max_cells=4000)
    assert found.complete
    for end in ends:
        (box,) = np.flatnonzero((np.abs(wrapped(end - found.centre)) <= found.half_width).all(1))
        assert box in found.undecided
        assert not found.isolated[box]
        assert found.kind[box] == "triple point"
        assert found.third_band[box] < 1e-11
        assert np.abs(wrapped(found.third_band_at[box] - ends)).max(1).min() < 1e-9
        # both ends, and the line between them
        assert found.description[box].count("1.87549") == 2
        assert ", on a line: gap at most" in found.description[box]
        # what is claimed of three bands is there
        energy = np.linalg.eigvalsh(h.bloch(found.third_band_at[box]))
        assert np.ptp(energy) <= found.third_band[box]
    assert "triple point" in repr(found)


def test_what_is_seen_in_a_box_has_a_kind():
    """A gap of 1e-4 along a ring, one that is too small for the depth, two nodes, and one."""
    opened = tp.find_weyl_nodes(tp.FourierHamiltonian(ring(1e-4)))
    assert set(opened.kind) == {"nearly nodal line"}
    assert "gap at most 0.00021 and at least 0.00019 (proven)" in opened.description[0]
    # two nodes at k_z = +-0.02, of charges that cancel
    pair = tp.find_weyl_nodes(tp.models.weyl_semimetal(0.02), depth=2)
    assert pair.kind.tolist() == ["several nodes"]
    assert "touchings met: 2" in pair.description[0]
    # (k_x + i k_y)^2 at k_z = 0 between two planes, where d_z is k_z^2: no charge, no slope
    flat = {(0, 0, 0): 3.0 * Z, **DOUBLE}
    point = tp.find_weyl_nodes(tp.FourierHamiltonian(flat))
    assert point.kind.tolist() == ["higher charge"]
    assert point.value.tolist() == [0]
    assert "without slope" in point.description[0]
    nodes = tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0))
    assert nodes.kind.tolist() == ["Weyl node"] * 2
    assert nodes.nodes.tolist() == [0, 1]
    assert not nodes.description[0]


def test_energies_that_are_claimed_are_those_of_the_hamiltonian():
    """Three bands that random energies take apart: within what is claimed at that momentum."""
    rng = np.random.default_rng(4)
    h, shift = spin_one(rng, 4)
    bent = {r: m + 1e-7 * np.diag(rng.standard_normal(4)) * (r == (0, 0, 0))
            for r, m in h.hoppings.items()}  # fmt: skip
    h = tp.FourierHamiltonian(bent, n_occupied=1)
    seen = describe(h, 1, shift + 0.03, np.full(3, 0.1), np.empty((0, 3)), None, False)
    assert seen.kind == "nearly triple point"
    assert "bands 1 to 3 within" in seen.words
    level = np.linalg.eigvalsh(h.bloch(seen.third_at))
    assert level[2] - level[0] <= seen.third < 1e-6


def test_a_census_as_a_table():
    pandas = pytest.importorskip("pandas")
    found = tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0))
    table = found.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert table["kind"].tolist() == ["Weyl node"] * 2
    assert sorted(table["value"].tolist()) == [-1, 1]
    np.testing.assert_allclose(table["position_3"], found.position[:, 2])


def test_inversion_pairs_boxes_of_opposite_charge():
    """P = sigma_z; time reversal is broken. An operator that is none pairs nothing."""
    h = tp.models.weyl_semimetal(1.0)
    found = tp.find_weyl_nodes(h, inversion=Z)
    assert found.reversal_error == np.inf
    assert found.inversion_error < 1e-12
    assert found.partner.tolist() == [1, 0]
    assert (found.value[found.partner] == -found.value).all()
    assert "2 boxes, charges opposite" in repr(found)
    plain = tp.find_weyl_nodes(h)
    assert sorted(plain.value.tolist()) == sorted(found.value.tolist()) == [-1, 1]
    # half of the cells, beside the charges
    assert found.evaluations < plain.evaluations
    other = tp.find_weyl_nodes(h, inversion=np.eye(2))
    assert other.inversion_error == np.inf
    assert "the inversion that was given" in str(other)
    assert "the inversion that was given" not in str(found)
    assert (other.partner == -1).all()
    with pytest.raises(InputError, match="inversion"):
        tp.find_weyl_nodes(h, inversion=2.0 * Z)


@given(rng=generators())
@settings(max_examples=5)
def test_energies_at_k_and_minus_k_are_within_the_error_of_inversion(rng):
    n, broken = int(rng.integers(2, 6)), float(rng.choice([0.0, 1e-9, 1e-3]))
    u = random_unitaries(n, rng)
    p = (u * rng.choice([-1.0, 1.0], n)) @ u.conj().T
    hops = {}
    for v in UNITS:
        m = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
        hops[v] = m + p @ m.conj().T @ p + broken * rng.standard_normal((n, n))
    h = tp.FourierHamiltonian(hops, n_occupied=1)
    error = inversion_error(h, inversion_operator(p, n))
    assert error < 100.0 * broken + 1e-9
    k = rng.uniform(-np.pi, np.pi, (200, 3))
    apart = np.abs(np.linalg.eigvalsh(h.bloch(k)) - np.linalg.eigvalsh(h.bloch(-k)))
    assert apart.max() <= error


def test_bands_that_are_named_are_those_within_the_range():
    """Two copies of S.k meet at one energy: six bands, though three are looked for."""
    rng = np.random.default_rng(6)
    h, shift = spin_one(rng, 3)
    apart = np.diag([0.0, 1e-6])
    both = {r: np.kron(np.eye(2), m) + np.kron(apart, np.eye(3)) * (r == (0, 0, 0))
            for r, m in h.hoppings.items()}  # fmt: skip
    h = tp.FourierHamiltonian(both, n_occupied=3)
    seen = describe(h, 3, shift + 0.02, np.full(3, 0.1), np.empty((0, 3)), None, False)
    pattern = r"bands (\d) to (\d) within ([0-9.e-]+) near"
    first, last, within = re.search(pattern, seen.words).groups()
    assert int(last) - int(first) > 2
    assert seen.kind == "nearly multiple point"
    energy = np.linalg.eigvalsh(h.bloch(seen.third_at))
    span = energy[int(last) - 1] - energy[int(first) - 1]
    assert seen.third < span <= float(within)
