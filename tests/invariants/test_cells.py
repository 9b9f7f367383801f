"""Bounds on cells and edges hold at every point of them, and are not far off."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError
from topophys.invariants._cells import (
    PLANES,
    Hoppings,
    _bound_chunk,
    _corner_gap,
    _extremes,
    _hermitian_norm,
    _operator_norms,
    _plane_sums,
    _sums,
    bound_cells,
    frames_at,
)
from topophys.invariants._cocycle import (
    GROUP,
    GROUP_BYTES,
    GROUP_OF_GAPS,
    INTEGRAL,
    LIMIT,
    MOST_BYTES,
    Cocycle,
    Sides,
    common_edges,
    group_size,
    integers_of_vertices,
    zone_edges,
)
from topophys.invariants._limits import MOST, limits
from topophys.invariants._subdivision import Box, Levels, Zone, cover
from topophys.invariants._undecided import _apart
from topophys.kernels.chern_multiband import edge_phases, gram_norm, power_norm
from topophys.kernels.rounding import UNIT, UP, slack_of
from topophys.kernels.small_linalg import small_extremes
from topophys.testing.wannier_files import wannier_file


def hermitian(rng, *shape):
    a = rng.standard_normal((*shape, shape[-1])) + 1j * rng.standard_normal((*shape, shape[-1]))
    return a + a.conj().swapaxes(-1, -2)


def random_h(rng, dim, bands, reach, n_occupied):
    hops = {(0,) * dim: hermitian(rng, bands)}
    for _ in range(6):
        key = tuple(int(x) for x in rng.integers(-reach, reach + 1, dim))
        if key > (0,) * dim:
            hops[key] = 0.3 * (
                rng.standard_normal((bands, bands)) + 1j * rng.standard_normal((bands, bands))
            )
    return tp.FourierHamiltonian(hops, n_occupied=n_occupied)


def points_of(centre, half, n=5):
    """Points of the cells centre +- half, boundary included: (C, n^A, dim)."""
    line = np.linspace(-1.0, 1.0, n)
    steps = np.stack(np.meshgrid(*[line] * len(half), indexing="ij"), -1).reshape(-1, len(half))
    return centre[:, None] + steps @ half


@pytest.mark.parametrize(("bands", "filled"), [(2, 1), (4, 2), (5, 1), (8, 5), (10, 4), (12, 11)])
@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("reach", [1, 3])
def test_gap_and_occupied_space_of_every_point_keep_the_bounds(bands, filled, dim, reach):
    rng = np.random.default_rng(bands * 10 + dim)
    h = random_h(rng, dim, bands, reach, filled)
    ham = Hoppings.of(h, filled)
    scale = 2.0 ** int(ham.exponent[0])
    zone = Zone((8,) * dim, 8, 6)
    depth = rng.integers(0, 7, 40)
    edge = 2 ** (6 - depth)
    points = 2 * edge[:, None] * rng.integers(0, 8 << depth[:, None], (40, dim)) + edge[:, None]
    half = np.diag(zone.half)
    found = bound_cells(
        ham, np.zeros(40, np.int64), points, lambda p: zone.phases(ham.vectors, p), half,
        2.0**-depth, np.zeros(40), frames=True,
    )  # fmt: skip
    assert len(found.good) >= 3
    k = np.array([
        points_of(zone.momenta(points[i : i + 1]), half * 2.0 ** -depth[i])[0] for i in range(40)
    ])  # fmt: skip
    energy, states = np.linalg.eigh(h.bloch(k))
    gap = (energy[..., filled] - energy[..., filled - 1]).min(1)
    assert (scale * found.gap <= gap + 1e-12 * scale)[found.good].all()
    assert (scale * found.seen >= gap - 1e-12 * scale).all()
    overlap = found.states.conj().swapaxes(-1, -2)[:, None] @ states[found.good][..., :filled]
    graph = overlap[..., filled:, :] @ np.linalg.inv(overlap[..., :filled, :])
    assert (np.linalg.norm(graph, axis=(-2, -1)).max(1) <= found.frobenius + 1e-9).all()
    assert (np.linalg.norm(graph, 2, axis=(-2, -1)).max(1) <= found.operator + 1e-9).all()


def test_bounds_become_sharp():
    h = random_h(np.random.default_rng(1), 2, 4, 2, 2)
    ham, zone = Hoppings.of(h, 2), Zone((8, 8), 8, 12)
    points = 2 * np.random.default_rng(1).integers(0, 8 << 12, (30, 2)) + 1
    found = bound_cells(
        ham, np.zeros(30, np.int64), points, lambda p: zone.phases(ham.vectors, p),
        np.diag(zone.half), np.full(30, 2.0**-12), np.zeros(30), frames=True,
    )  # fmt: skip
    np.testing.assert_allclose(found.gap, found.seen, atol=2e-3)
    assert found.frobenius.max() < 2e-3


@pytest.mark.parametrize("bands", [2, 4, 12])
@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_curvature_of_levels_is_counted_in_full(bands, dim, sign):
    """Levels +-(dim + 1 + s sum cos k): at k = 0 the bound is sharp to the third order."""
    side = np.repeat([-1.0, 1.0], bands // 2)
    near = np.abs(np.arange(bands) - (bands - 1) / 2) < 1.0
    flat = np.where(near, (dim + 1) * side, 20.0 * side)
    wave = np.diag(np.where(near, 0.5 * sign * side, 0.0))
    hops = {(0,) * dim: np.diag(flat)} | {tuple(v): wave for v in np.eye(dim, dtype=int).tolist()}
    h = tp.FourierHamiltonian(hops, n_occupied=bands // 2)
    ham, r = Hoppings.of(h, bands // 2), 0.05
    found = bound_cells(
        ham, np.zeros(1, np.int64), np.zeros((1, dim), np.int64),
        lambda p: np.ones((len(p), len(ham.vectors)), complex), r * np.eye(dim), np.ones(1),
        np.zeros(1), frames=False,
    )  # fmt: skip
    least = 2.0 * (dim + 1 + sign * dim * (1.0 if sign < 0 else np.cos(r)))
    gap = np.ldexp(found.gap[0], int(ham.exponent[0]))
    third = 2.0 * 2.0 * (dim * r) ** 3 / 6.0
    assert least - 4.0 * third - 1e-9 <= gap <= least


@pytest.mark.parametrize("bands", [2, 4, 12])
@pytest.mark.parametrize("mixing", [False, True])
def test_what_the_second_order_does_not_see_is_counted(bands, mixing):
    """Levels +-(1 + f), or +-1 coupled by f = sin k - sin(2k)/2, which is k^3/2 + O(k^5)."""
    side = np.repeat([-1.0, 1.0], bands // 2)
    near = np.abs(np.arange(bands) - (bands - 1) / 2) < 1.0
    x = np.diag(np.where(near, side, 0.0))
    x = np.fliplr(np.abs(x)) if mixing else x
    hops = {(0,): np.diag(np.where(near, side, 20.0 * side)), (1,): -0.5j * x, (2,): 0.25j * x}
    ham, r = Hoppings.of(tp.FourierHamiltonian(hops, n_occupied=bands // 2), bands // 2), 0.3
    found = bound_cells(
        ham, np.zeros(1, np.int64), np.zeros((1, 1), np.int64),
        lambda p: np.ones((len(p), len(ham.vectors)), complex), r * np.eye(1), np.ones(1),
        np.zeros(1), frames=True,
    )  # fmt: skip
    f = np.sin(r) - 0.5 * np.sin(2 * r)
    gap = np.ldexp(found.gap[0], int(ham.exponent[0]))
    least = 2.0 if mixing else 2.0 * (1.0 - f)
    assert least - 6.0 * f <= gap <= least
    turn = np.tan(0.5 * np.arctan(f)) if mixing else 0.0
    assert turn <= found.operator[0] <= turn + 4.0 * f
    assert turn <= found.frobenius[0]


def test_phases_are_known_up_to_less_than_half_a_turn():
    """Beyond that a phase, or a sum of them at a vertex, could belong to two integers."""
    assert 3.0 < LIMIT < np.pi - INTEGRAL
    assert INTEGRAL < 0.5


@pytest.mark.parametrize("size", [0.1, 0.4])
def test_hoppings_that_are_left_out_are_in_the_slack(size):
    def of(small):
        hops = {(0,): np.diag([-1.0, 1.0]), (1,): np.diag([small, 0.0])}
        return Hoppings.of(tp.FourierHamiltonian(hops, n_occupied=1), 1)

    before = of(0.0)
    small = size * np.ldexp(before.slack[0], int(before.exponent[0]))
    after = of(small)
    assert not len(after.vectors)
    assert after.slack[0] >= (1.0 + 2.0 * size) * before.slack[0] * (1.0 - 1e-12)


@pytest.mark.parametrize(("bands", "filled"), [(3, 1), (4, 2), (6, 5), (10, 5)])
def test_transition_phases_stay_near_their_middle(bands, filled):
    """Frames of two cells, and any occupied space within both bounds."""
    rng = np.random.default_rng(bands)
    states = np.linalg.eigh(hermitian(rng, bands))[1]
    close = 0.15 * hermitian(rng, 2, bands)
    frames = np.array([np.linalg.eigh(np.diag(np.arange(bands)) + c)[1] for c in close])
    frames = np.ascontiguousarray(states @ frames)
    middle, spread = np.empty(1), np.empty(1)
    one, two = np.zeros(1, np.int64), np.ones(1, np.int64)
    largest = 0.0
    for size in (0.05, 0.3, 0.6):
        for _ in range(200):
            t = rng.standard_normal((2, bands - filled, filled, 2)) @ [1, 1j]
            t = t[0] * size * rng.uniform() / np.linalg.norm(t[0], 2)
            graph = frames[0][:, :filled] + frames[0][:, filled:] @ t
            v = np.linalg.qr(graph)[0]
            overlap = frames[1].conj().T @ v
            other = overlap[filled:] @ np.linalg.inv(overlap[:filled])
            norms = (
                [np.linalg.norm(x) for x in (t, other)],
                [np.linalg.norm(x, 2) for x in (t, other)],
            )
            edge_phases(
                frames, filled, np.array(norms[0]), np.array(norms[1]), np.full(2, 1e-14),
                one, two, middle, spread,
            )  # fmt: skip
            if not spread[0] < np.pi:
                continue
            u, w = frames[0][:, :filled], frames[1][:, :filled]
            det = np.linalg.det(u.conj().T @ v) * np.linalg.det(v.conj().T @ w)
            off = abs(np.angle(det * np.exp(-1j * middle[0])))
            assert off <= spread[0] + 1e-9
            largest = max(largest, off / spread[0])
    assert largest > 0.2


def test_frames_without_overlap_prove_nothing():
    frames = np.array([np.eye(2), np.eye(2)[:, ::-1]], complex)
    middle, spread = np.empty(1), np.empty(1)
    edge_phases(
        frames, 1, np.zeros(2), np.zeros(2), np.zeros(2), np.array([0]), np.array([1]),
        middle, spread,
    )  # fmt: skip
    assert spread[0] == np.inf


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (7, 2), (2, 7)])
def test_norms_are_upper_bounds_and_close(shape):
    rng = np.random.default_rng(2)
    work = np.empty((8, 8), complex)
    for scale in (1e-40, 1.0):
        a = scale * (rng.standard_normal((50, *shape, 2)) @ [1, 1j])
        for x in a:
            exact = np.linalg.norm(x, ord=2)
            frobenius, operator = gram_norm(x, work)
            assert exact <= operator <= min(shape) ** 0.25 * exact * 1.001
            assert np.linalg.norm(x) <= frobenius <= np.linalg.norm(x) * 1.001


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 12])
def test_norms_and_levels_of_hermitian_blocks(n):
    rng = np.random.default_rng(n)
    a = hermitian(rng, 20, n)
    levels = np.linalg.eigvalsh(a)
    exact = np.abs(levels).max(-1)
    work = np.empty((n, n), complex)
    for bound in (_hermitian_norm(a), np.array([power_norm(x, 0, n, work) for x in a])):
        assert (bound >= exact).all()
        assert (bound <= n ** (1 / 8) * exact * 1.001).all()
    low, high = _extremes(a)
    np.testing.assert_allclose(low, levels[:, 0], atol=1e-12)
    np.testing.assert_allclose(high, levels[:, -1], atol=1e-12)
    empty = np.empty(0)
    small_extremes(np.empty((0, 3, 3), complex), empty, empty)


def test_sums_plane_by_plane_are_the_plain_sums():
    """In any order of the cells, of any size, and of more than one Hamiltonian."""
    rng = np.random.default_rng(0)
    h = random_h(rng, 3, 3, 2, 1)
    both = tp.FourierHamiltonian({r: np.stack([m, 0.5 * m]) for r, m in h.hoppings.items()})
    ham, zone = Hoppings.of(both, 1), Zone((8, 8, 8), 8, 3)
    edge = 2 ** rng.integers(0, 4, 60)
    points = 2 * edge[:, None] * rng.integers(0, 64 // edge[:, None], (60, 3)) + edge[:, None]
    owner = np.repeat([0, 1], 30)
    order = np.lexsort((*points.T, edge, owner))
    half, fine = np.diag(zone.half), 2 * zone.fine
    reach = ham.vectors @ half.T
    for rows in (order, np.arange(60), order[:1]):
        at, size, whose = points[rows], edge[rows] / 8.0, owner[rows]
        plain = _sums(ham, whose, zone.phases(ham.vectors, at), reach, size, 10)
        found = _plane_sums(ham, whose, at, size, half, fine)
        np.testing.assert_allclose(found, plain, atol=1e-13)
    k, size = zone.momenta(points[:30]), edge[:30] / 8.0
    plain = _plane_sums(ham, owner[:30], points[:30], size, half, fine)
    step = 1e-4 * half[0] * size[:, None]
    slope = (h.bloch(k + step) - h.bloch(k - step)) / 2e-4
    np.testing.assert_allclose(2.0 ** ham.exponent[0] * plain[:, 1], slope, atol=1e-5)


def test_sums_of_a_row_longer_than_its_buffers():
    rng = np.random.default_rng(1)
    h = random_h(rng, 3, 2, 3, 1)
    ham, zone = Hoppings.of(h, 1), Zone((8, 8, 8), 8, 3)
    points = 2 * np.indices((50, 12, 2)).reshape(3, -1)[::-1].T + 1
    owner, size, half = np.zeros(len(points), np.int64), np.full(len(points), 0.125), zone.half
    plain = _sums(
        ham, owner, zone.phases(ham.vectors, points), ham.vectors @ np.diag(half), size, 10
    )  # fmt: skip
    found = _plane_sums(ham, owner, points, size, np.diag(half), 2 * zone.fine)
    np.testing.assert_allclose(found, plain, atol=1e-13)


def test_a_far_hopping_takes_no_memory_for_those_between():
    hops = {(0, 0, 0): np.diag([-1.0, 1.0]), (2**40, 0, 0): 1e-3 * np.eye(2)}
    for key in np.ndindex(3, 4, 4):
        hops.setdefault(tuple(x + 1 for x in key), 1e-3 * np.eye(2))
    h = tp.FourierHamiltonian(hops)
    assert len(Hoppings.of(h, 1).vectors) >= PLANES
    assert tp.certify_gap(h, max_evaluations=512).reason == "budget"


def test_equal_points_of_a_box_have_equal_bits():
    box = Box(np.array([0.3, -1.0, 2.0]), np.array([0.1, 0.2, 0.3]), 2, 5)
    points = np.random.default_rng(0).integers(0, 2 * box.fine + 1, (100, 3))
    vectors = np.array([[1, 0, 2], [3, -1, 0]])
    again = box.phases(vectors, points[::-1])[::-1]
    assert (box.phases(vectors, points) == again).all()
    exact = np.exp(1j * (box.momenta(points) @ vectors.T))
    np.testing.assert_allclose(again, exact, atol=1e-13)
    assert box.rounding == pytest.approx(16 * UNIT * 2.3, rel=1e-12, abs=0.0)


def test_a_grid_of_levels_tiles_the_box():
    """Each cell is divided at its own level, once; those of the last level stay as they are."""
    rng = np.random.default_rng(0)
    corner = np.array([[0, 0], [4, 0], [6, 0], [4, 2], [6, 2]])
    levels = Levels(corner, np.array([0, 1, 1, 1, 1]), 2)
    for edge, here in levels:
        assert (here % edge == 0).all()
        levels.split(here, rng.random(len(here)) < 0.3)
    covered = np.zeros((8, 4), np.int64)
    places, depths = levels.proven()
    for (x, y), edge in zip(
        [*places.tolist(), *levels.left.tolist()],
        [*(4 >> depths).tolist(), *[1] * len(levels.left)], strict=True,
    ):  # fmt: skip
        covered[x : x + edge, y : y + edge] += 1
    assert (covered == 1).all()
    assert len(places)
    assert len(levels.left)


def test_gap_of_a_material_with_48_bands():
    h = tp.read_wannier90(wannier_file("MoS2-1Tp_hr.dat.tar.gz"), n_occupied=28)
    proof = tp.certify_gap(h)
    assert proof.certified
    assert 0.01 < proof.gap_lower < 0.0474 < proof.gap_upper
    assert proof.evaluations < 2000


def test_z2_of_a_material_with_48_bands_is_proven():
    h = tp.read_wannier90(wannier_file("MoS2-1Tp_hr.dat.tar.gz"), n_occupied=28)
    found = tp.z2_invariant(h, method="flux")
    assert int(found) == 1
    assert 0.01 < found.gap_lower < 0.0474 < found.gap_upper
    assert found.evaluations < 1500


@pytest.mark.parametrize("extra", [0.0, 1e-30])
def test_flat_bands_need_the_starting_cells_alone(extra):
    hops = {(0, 0): np.diag([-1.0, -1.0, 1.0]), (1, 0): extra * np.ones((3, 3))}
    h = tp.FourierHamiltonian(hops, n_occupied=2)
    for proof in (tp.certify_gap(h), tp.certify_chern(h)):
        assert proof.certified
        assert proof.gap_lower == pytest.approx(2.0, rel=1e-9)
        assert proof.gap_lower < 2.0
        assert proof.evaluations == 64
    zero = tp.FourierHamiltonian({(0, 0): np.zeros((3, 3))}, n_occupied=2)
    assert tp.certify_gap(zero).reason == "closed gap"


class Distant(Cocycle):
    """Frames of cells that are said to be far apart: every edge needs thin cells or halves."""

    longest, refused = 10**9, 0

    def check(self, left, right):
        middle, spread = super().check(left, right)
        cells = len(self.walk.leaves.owner)
        near_cells = (left < cells).astype(int) + (right < cells)
        spread[near_cells == 2] = np.inf
        if (near_cells == 1).any() and self.refused:
            spread[:], self.refused = np.inf, self.refused - 1
        return middle, spread

    def thin_cells(self, owner, start, end, axis):
        frame, *bounds = super().thin_cells(owner, start, end, axis)
        frame[(end - start)[:, axis] > self.longest] = -1
        return frame, *bounds


@pytest.mark.parametrize(
    ("longest", "refused"), [(10**9, 0), (10**9, 1), (10**9, 2), (2, 0), (1, 0)]
)
@pytest.mark.parametrize("mass", [-1.0, 1.0, 3.0])
def test_edges_by_thin_cells_and_halves_make_the_same_integer(longest, refused, mass):
    h = tp.models.qwz(mass)
    ham, zone = Hoppings.of(h, 1), Zone((8, 8), 8, 3)
    walk = cover(ham, zone, np.zeros(1), 100_000, 0.25, frames=True)
    cocycle = Distant(walk)
    cocycle.longest, cocycle.refused = longest, refused
    zone_edges(cocycle)
    assert walk.reason[0] == ""
    found = cocycle.integers(np.array([zone.fine, zone.fine]))
    assert found.tolist() == tp.certify_chern(h).value.reshape(-1).tolist()
    edges, _, spread = cocycle.collected()
    assert (spread < LIMIT).all()
    length = (edges.end - edges.start).sum(1)
    assert length.max() <= longest
    assert length.sum() == 2 * sum((1 << 3 - d) * 2 for d in walk.leaves.depth.tolist())


def test_an_edge_that_cannot_be_halved_is_given_up():
    ham, zone = Hoppings.of(tp.models.qwz(-1.0), 1), Zone((8, 8), 8, 3)
    walk = cover(ham, zone, np.zeros(1), 100_000, 0.25, frames=True)
    cocycle = Distant(walk)
    cocycle.longest = 0
    zone_edges(cocycle)
    assert walk.reason.tolist() == ["depth"]


def test_the_norm_of_every_h_is_below_its_bound():
    ham = Hoppings.of(tp.FourierHamiltonian({(1,): np.eye(2)}, n_occupied=1), 1)
    assert np.ldexp(ham.size[0], int(ham.exponent[0])) >= 2.0


class Asked(Cocycle):
    """Knows that each vertex that is asked for has seven turns."""

    def exact(self, edges, middle, owner, point, chosen, first, last):
        return np.zeros(len(chosen)), np.full(len(chosen), 7.0)


def test_phases_that_are_not_known_well_are_asked_for_exactly():
    ham, zone = Hoppings.of(tp.models.qwz(-1.0), 1), Zone((8, 8), 8, 3)
    cocycle = Asked(cover(ham, zone, np.zeros(1), 100_000, 0.25, frames=True))
    zone_edges(cocycle)
    edges, middle, spread = cocycle.collected()
    period = np.array([zone.fine, zone.fine])
    (owner, point), total, error, first, last = cocycle.vertices(edges, middle, spread, period)
    total[:], error[:], error[1], error[2] = 0.1, 1.0, LIMIT, np.inf
    found = integers_of_vertices(
        cocycle, edges, middle, owner, point, total, error, first, last,
        np.ones(len(owner), np.bool_),
    )  # fmt: skip
    assert found[:4].tolist() == [0.0, 7.0, 7.0, 0.0]


@pytest.mark.parametrize("bands", [2, 12])
@pytest.mark.parametrize("signs", [(1,), (-1,), (1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_every_corner_is_looked_at(bands, signs):
    """Levels +-(1 + sum s_i sin(k_i)/4): each corner of a cell around 0 is once the worst."""
    side, dim, r = np.repeat([-1.0, 1.0], bands // 2), len(signs), 0.3
    near = np.abs(np.arange(bands) - (bands - 1) / 2) < 1.0
    hops = {(0,) * dim: np.diag(np.where(near, side, 20.0 * side))}
    for sign, v in zip(signs, np.eye(dim, dtype=int).tolist(), strict=True):
        hops[tuple(v)] = np.diag(np.where(near, -0.125j * sign * side, 0.0))
    ham = Hoppings.of(tp.FourierHamiltonian(hops, n_occupied=bands // 2), bands // 2)
    found = bound_cells(
        ham, np.zeros(1, np.int64), np.zeros((1, dim), np.int64),
        lambda p: np.ones((len(p), len(ham.vectors)), complex), r * np.eye(dim), np.ones(1),
        np.zeros(1), frames=False,
    )  # fmt: skip
    least = 2.0 * (1.0 - dim * np.sin(r) / 4)
    assert least - 0.1 <= np.ldexp(found.gap[0], int(ham.exponent[0])) <= least


def random_terms(rng, n, filled, axes):
    """Taylor coefficients of one cell in its basis; second derivatives of rank 1 in each block."""
    count = 1 + axes + axes * (axes + 1) // 2
    terms = 0.05 * hermitian(rng, count, n)
    terms[0] = np.diag(np.where(np.arange(n) < filled, -2.0, 2.0)) + 0.1 * hermitian(rng, n)
    place, pure = 1 + axes, []
    for i in range(axes):
        terms[place] = 0.0
        for block in (slice(None, filled), slice(filled, None)):
            v = rng.standard_normal(len(range(n)[block]))
            terms[place, block, block] = 0.1 * np.outer(v, v)
        pure.append(place)
        place += axes - i
    return terms, pure


@pytest.mark.parametrize("about_zero", [False, True])
@pytest.mark.parametrize("n", [4, 10])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_corner_bound_is_that_of_the_formula(n, axes, about_zero):
    """Least distance of the blocks at corners, less curvature and remainders of both blocks."""
    rng, filled, rest = np.random.default_rng(n + axes), n // 2 - 1, 0.03
    terms, pure = random_terms(rng, n, filled, axes)
    apart = []
    for signs in np.ndindex(*(2,) * axes):
        s, place = 1.0 - 2.0 * np.array(signs), 1 + axes
        h = terms[0] + np.einsum("i,ijk->jk", s, terms[1 : 1 + axes])
        for i in range(axes):
            for j in range(i, axes):
                h = h + (0.25 if i == j else s[i] * s[j]) * terms[place]
                place += 1
        high = np.linalg.eigvalsh(h[:filled, :filled])[-1]
        low = np.linalg.eigvalsh(h[filled:, filled:])[0]
        apart.append(2.0 * min(low, -high) if about_zero else low - high)
    blocks = (slice(None, filled), slice(filled, None))
    curve = 0.25 * sum(np.linalg.norm(terms[p][b, b], 2) for p in pure for b in blocks)
    wanted = min(apart) - (2.0 if about_zero else 1.0) * curve - 2.0 * rest
    found = _corner_gap(terms[None].copy(), np.array([rest]), np.zeros(1), filled, axes, about_zero)
    assert wanted > 0.0
    np.testing.assert_allclose(found, wanted, rtol=1e-7)


@pytest.mark.parametrize("n", [4, 10])
def test_corner_bound_with_bases_that_are_not_quite_unitary(n):
    """Of each block twice the departure of the basis times the norm of H may be misjudged."""
    rng, filled, axes, rest = np.random.default_rng(n), n // 2, 2, 0.01
    terms, _ = random_terms(rng, n, filled, axes)
    ham = Hoppings.of(random_h(rng, 2, n, 1, filled), filled)
    for frames in (False, True):
        found = _bound_chunk(ham, np.zeros(1, np.int64), terms[None].copy(), np.array([rest]),
                             np.zeros(1), axes, frames, False)  # fmt: skip
        _, states = np.linalg.eigh(terms[0])
        turned = states.conj().T @ terms @ states
        exact = _corner_gap(turned[None].copy(), np.array([rest]), np.zeros(1), filled, axes, False)
        assert found.good.tolist() == [0]
        assert exact - 1e-9 < found.gap <= exact + 1e-9
        low = _bound_chunk(ham, np.zeros(1, np.int64), terms[None].copy(), np.array([rest]),
                           exact + 0.01, axes, frames, False)  # fmt: skip
        assert low.good.tolist() == []


def test_slack_of_hoppings_is_that_of_the_formula():
    """Rounding of all hoppings, of momenta, of what is left out, and the error that is given."""
    rng = np.random.default_rng(8)
    hops = {(0, 0): hermitian(rng, 3), (1, 0): 0.3 * hermitian(rng, 3), (2, -1): hermitian(rng, 3),
            (5, 5): 1e-17 * hermitian(rng, 3), (3, 1): 2e-17 * hermitian(rng, 3)}  # fmt: skip
    h = tp.FourierHamiltonian(hops, n_occupied=1)._with_error(np.array(1e-6), ())
    shift = 1e-9
    found = Hoppings.of(h, 1, shift)
    unit = np.ldexp(1.0, found.exponent[0])
    far = {r: np.linalg.norm(a) / unit for r, a in hops.items() if any(r)}
    home = np.linalg.norm(hops[0, 0]) / unit
    norms = np.array([[home, *far.values(), *far.values()]])
    reach = np.array(
        [0, *(abs(np.array(r)).sum() for r in far)] + [abs(np.array(r)).sum() for r in far]
    )
    moved = 2.0 * shift * sum(x * abs(np.array(r)).sum() for r, x in far.items())
    left_out = 2.0 * sum(x for r, x in far.items() if r in ((5, 5), (3, 1)))
    noise = slack_of(norms, reach, 3)[0] + moved + left_out
    assert len(found.vectors) == 2
    np.testing.assert_allclose(found.noise, noise, rtol=1e-8)
    np.testing.assert_allclose(found.error, 1e-6 / unit, rtol=1e-12)
    np.testing.assert_allclose(found.slack, noise + 1e-6 / unit, rtol=1e-8)
    np.testing.assert_allclose(found.size, home + 2.0 * sum(far.values()), rtol=1e-8)
    assert (found.slack > noise).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_thin_cells_are_as_long_as_their_intervals(axis, monkeypatch):
    h = random_h(np.random.default_rng(5), 2, 3, 1, 1)
    zone = Zone((8, 8), 8, 6)
    walk = cover(Hoppings.of(h, 1), zone, np.zeros(1), 20_000, 0.25, frames=True)
    asked = []

    def watched(*args, **options):
        asked.append(args)
        return bound_cells(*args, **options)

    monkeypatch.setattr("topophys.invariants._cocycle.bound_cells", watched)
    start = np.array([[3, 17], [64, 5]])
    end = start.copy()
    end[:, axis] += [16, 3]
    Cocycle(walk).thin_cells(np.zeros(2, np.int64), start, end, axis)
    (_, owner, points, _, half, size, least), = asked  # fmt: skip
    wanted = np.zeros((2, 2))
    wanted[:, axis] = np.pi * np.array([16, 3]) / (8 << 6)
    np.testing.assert_allclose(size[:, None] * half, wanted, rtol=1e-12)
    np.testing.assert_array_equal(points, start + end)
    assert not owner.any()
    assert not least.any()


def test_norms_of_blocks_are_the_eighth_root_of_the_eighth_moment():
    x = hermitian(np.random.default_rng(2), 5, 6)
    wanted = (np.linalg.eigvalsh(x) ** 8).sum(-1) ** 0.125
    np.testing.assert_allclose(_hermitian_norm(x), wanted, rtol=1e-9)
    assert (_hermitian_norm(x) >= np.linalg.norm(x, 2, axis=(1, 2))).all()
    assert not _hermitian_norm(np.zeros((1, 3, 3), complex)).any()


def test_states_at_vertices_give_the_integers_that_rounding_gives():
    """QWZ and a far level, C = 1: phases by way of frames at all vertices, or from edges alone."""
    h = tp.models.qwz(-1.0)
    hops = {r: np.pad(a, (0, 1)) for r, a in h.hoppings.items()}
    hops[0, 0] = hops[0, 0] + np.diag([0.0, 0.0, 5.0])
    walk = cover(Hoppings.of(tp.FourierHamiltonian(hops, n_occupied=1), 1), Zone((8, 8), 8, 6),
                 np.zeros(1), 20_000, 0.25, frames=True)  # fmt: skip
    cocycle = Cocycle(walk)
    zone_edges(cocycle)
    edges, middle, spread = cocycle.collected()
    period = np.array([walk.domain.fine] * 2)
    (owner, point), total, error, first, last = cocycle.vertices(edges, middle, spread, period)
    every = np.arange(len(owner))
    sums, turns = cocycle.exact(edges, middle, owner, point, every, first, last)
    np.testing.assert_allclose(sums, 2.0 * np.pi * turns, atol=1e-6)
    sure = error < 3.0
    assert sure.any()
    np.testing.assert_array_equal(turns[sure], np.rint(total / (2.0 * np.pi))[sure])
    assert turns.sum() == int(tp.certify_chern(h))
    some = every[::3]
    part = cocycle.exact(edges, middle, owner, point, some, first, last)[1]
    np.testing.assert_array_equal(part, turns[some])


@pytest.mark.parametrize(("share", "reason"), [(0.9, ""), (1.1, "rounding")])
def test_states_at_vertices_are_refused_where_rounding_turns_them(share, reason):
    walk = cover(Hoppings.of(tp.models.qwz(-1.0), 1), Zone((8, 8), 8, 6), np.zeros(1), 20_000, 0.25,
                 frames=True)  # fmt: skip
    cocycle, owner, point = Cocycle(walk), np.zeros(1, np.int64), np.zeros((1, 2), np.int64)
    (low, high), = frames_at(walk.ham, owner, 2 * point, cocycle.phases)[0]  # fmt: skip
    walk.ham.slack[:] = share * 1e-5 * (high - low)
    cocycle.states_at(owner, point)
    assert walk.reason.tolist() == [reason]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8, 9])
def test_norms_of_hoppings_bound_the_largest_singular_values(n):
    """From a few digits above to the relative error of the bound, where squares underflow too."""
    rng = np.random.default_rng(n)
    hops = rng.standard_normal((5, 4, n, n)) + 1j * rng.standard_normal((5, 4, n, n))
    hops[0, 0, :, 1:] = 0.0
    hops *= 10.0 ** np.array([0.0, -3.0, -60.0, -90.0])[:, None, None]
    hops[1, 1] = 0.0
    largest = np.linalg.svd(hops, compute_uv=False)[..., 0]
    frobenius = np.sqrt((np.abs(hops * 1e150) ** 2).sum((-2, -1))) * 1e-150 * UP
    found = _operator_norms(hops, frobenius)
    assert (found >= largest).all()
    assert (found[:, :3] <= largest[:, :3] * (1.0 + 1e-9)).all()
    assert (found <= frobenius).all()


# ---- Sides of cells


def sides(intervals):
    table = np.array(intervals)
    return Sides(table[:, :1], table[:, 1], table[:, 2], np.arange(len(table)))


def covered(intervals):
    """Every unit of every line, as often as it is covered."""
    return sorted((line, x) for line, a, b in intervals for x in range(a, b))


def test_edges_are_cut_at_the_ends_of_both_families():
    line, start, end, one, other = common_edges(
        sides([(0, 2, 4), (0, 0, 2), (3, 0, 4)]), sides([(0, 0, 1), (0, 1, 4), (3, 0, 4)])
    )
    assert np.column_stack([line[:, 0], start, end, one, other]).tolist() == [
        [0, 0, 1, 1, 0], [0, 1, 2, 1, 1], [0, 2, 4, 0, 1], [3, 0, 4, 2, 2],
    ]  # fmt: skip


def test_families_that_do_not_cover_the_same_are_refused():
    """All pairs of one or two intervals on two short lines, against sets of units."""
    every = [(line, a, b) for line in (0, 1) for a in range(3) for b in range(a + 1, 4)]
    families = [f for n in (1, 2) for f in itertools.combinations(every, n)]
    accepted = 0
    for plus, minus in itertools.product(families, families):
        units = covered(plus)
        tiles = units == covered(minus) and len(set(units)) == len(units)
        if tiles:
            _, start, end, *_ = common_edges(sides(plus), sides(minus))
            assert (end - start).sum() == len(units)
            accepted += 1
        else:
            with pytest.raises(AssertionError, match="do not tile"):
                common_edges(sides(plus), sides(minus))
    assert accepted > 50


@pytest.mark.parametrize("frames", [True, False])
@pytest.mark.parametrize("bands", [2, 4, 16, 64, 256])
@pytest.mark.parametrize("evaluations", [1, 10_000, 10**6, 10**12])
def test_groups_fit_into_memory_and_are_not_empty(frames, bands, evaluations):
    size, basis = group_size(bands, evaluations, frames=frames), 16 * bands**2
    kept = basis if frames else 128
    assert 1 <= size <= (GROUP if frames else GROUP_OF_GAPS)
    fits = size * 400 * basis <= GROUP_BYTES and size * kept * evaluations <= MOST_BYTES
    assert fits or size == 1
    larger = size + 1
    full = larger * 400 * basis > GROUP_BYTES or larger * kept * evaluations > MOST_BYTES
    assert full or size == (GROUP if frames else GROUP_OF_GAPS)


def test_limits_of_proofs():
    for wrong in (1.0, -1e-9, np.nan):
        with pytest.raises(InputError, match="`tightness` must be a number from 0 to below 1"):
            tp.certify_gap(tp.models.qwz(1.0), tightness=wrong)
    # more than 64 bits count
    found = limits(0.0, 3, 10**30, deepest=3)
    assert (found.max_depth, found.max_evaluations) == (3, MOST)
    assert np.int64(found.max_evaluations) + np.int64(MOST - 1) > 0


def test_momenta_are_near_across_the_zone_boundary():
    k = np.array([[0.0, 0.0, np.pi - 0.01], [0.0, 0.0, -np.pi + 0.01], [0.0, 0.5, 0.0]])
    assert _apart(k, 0.1, np.arange(3)) == [0, 2]
    assert _apart(k, 0.01, np.arange(3)) == [0, 1, 2]
