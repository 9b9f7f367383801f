"""Cells of certificates: they tile the Brillouin zone, bounds hold, integers add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import topophys as tp
from tests.strategies import SEEDS, chains, plain, two_bands
from topophys.errors import InputError, KindError, ShapeError, UnresolvedError
from topophys.invariants._evidence import ChainBound


def leaves_of(H):
    return plain(tp.certificate_leaves)(H)


def samples_of(leaves, n):
    """n^dim momenta on every leaf, its boundary included: (L, n^dim, dim)."""
    dim = leaves.corner.shape[1]
    line = np.linspace(0.0, 1.0, n)
    inside = np.stack(np.meshgrid(*[line] * dim, indexing="ij"), -1).reshape(-1, dim)
    return leaves.corner[:, None] + leaves.size[:, None, None] * inside


def require_a_tiling(leaves):
    """No point of a generic set lies on two leaves or on none, and areas add up."""
    dim = leaves.corner.shape[1]
    assert (leaves.size**dim).sum() == pytest.approx((2 * np.pi) ** dim, rel=1e-12)
    points = np.random.default_rng(0).uniform(-np.pi, np.pi, (2000, 1, dim))
    away = points - leaves.corner
    covered = ((away >= 0.0) & (away < leaves.size[:, None])).all(-1).sum(1)
    assert (covered == 1).all()
    # corners are points of one dyadic lattice: sizes are the zone over powers of two
    cells = 2 * np.pi / leaves.size / 2.0**leaves.depth
    np.testing.assert_allclose(cells, cells[0], rtol=1e-12)


@given(chain=chains())
def test_intervals_tile_the_zone_and_add_up(chain):
    proof = plain(tp.certify_winding)(chain)
    if not proof.certified:
        return
    leaves = leaves_of(chain)
    require_a_tiling(leaves)
    assert leaves.value == proof.value
    assert set(leaves.contribution.tolist()) <= {-1, 0, 1}


@given(chain=chains(max_orbitals=3))
def test_bounds_hold_on_intervals(chain):
    if not plain(tp.certify_winding)(chain).certified:
        return
    leaves = leaves_of(chain)
    d_k = plain(chain.block)(samples_of(leaves, 15))
    gap = 2.0 * np.linalg.svd(d_k, compute_uv=False)[..., -1].min(1)
    assert (leaves.gap_lower <= gap * (1 + 1e-12)).all()
    k = samples_of(leaves, 15)[..., 0]
    bound = ChainBound(chain.block_amplitudes)
    det = np.linalg.det(d_k) * np.exp(-1j * (bound.shift + bound.n * chain.block_range[0]) * k)
    turn = det * det[:, :1].conj()
    # within a convex set without the origin: less than half a turn between any two points
    assert (np.ptp(np.unwrap(np.angle(turn), axis=1), axis=1) < np.pi).all()


@given(h=two_bands())
def test_squares_tile_the_zone_and_add_up(h):
    proof = plain(tp.certify_chern)(h)
    if not proof.certified:
        return
    leaves = leaves_of(h)
    require_a_tiling(leaves)
    assert leaves.value == proof.value
    assert set(leaves.contribution.tolist()) <= {-1, 0, 1}


@given(h=two_bands())
def test_bounds_hold_on_squares(h):
    if not plain(tp.certify_chern)(h).certified:
        return
    leaves = leaves_of(h)
    d = plain(h.d)(samples_of(leaves, 9))
    assert (leaves.gap_lower <= 2.0 * np.linalg.norm(d, axis=-1).min(1) * (1 + 1e-12)).all()


@given(seed=SEEDS)
def test_images_of_squares_lie_in_half_spaces(seed):
    h = plain(tp.ensembles.two_band)(1, rng=seed)[0]
    if not plain(tp.certify_chern)(h).certified:
        return
    leaves = leaves_of(h)
    d = plain(h.d)(samples_of(leaves, 5))
    unit = d / np.linalg.norm(d, axis=-1, keepdims=True)
    # no point of the image is opposite to another one
    assert np.einsum("lai,lbi->lab", unit, unit).min() > -1.0 + 1e-12


def test_bounds_are_close_on_small_leaves():
    h = tp.models.qwz(-1.9)
    leaves = tp.certificate_leaves(h)
    true = 2 * np.linalg.norm(h.d(samples_of(leaves, 9)), axis=-1).min(1)
    assert (leaves.gap_lower / true).max() > 0.8
    assert leaves.gap_lower.min() <= 0.2


@pytest.mark.parametrize("unit", [2.0**-1000, 1e150])
def test_units_do_not_matter(unit):
    one = tp.models.qwz(-1.0)
    many = tp.FourierHamiltonian({r: unit * h for r, h in one.hoppings.items()})
    a, b = tp.certificate_leaves(one), tp.certificate_leaves(many)
    np.testing.assert_array_equal(a.corner, b.corner)
    np.testing.assert_allclose(b.gap_lower / unit, a.gap_lower, rtol=1e-9)


@pytest.mark.parametrize(
    ("h", "value"),
    [
        (tp.models.ssh(1.0, 2.0), 1),
        (tp.models.ssh(0.1, 0.2, 3.0), 2),
        (tp.ChiralHamiltonian({-3: [[1.0]]}), -3),
        (tp.ChiralHamiltonian({-30: [[1.0]]}), -30),
        (tp.models.qwz(1.0), -1),
        (tp.models.higher_chern(-1.0, 3), 3),
        (tp.TwoBandHamiltonian({(0, 0): [0.3, 0.1, 0.2]}), 0),
    ],
)
def test_known_answers(h, value):
    leaves = tp.certificate_leaves(h)
    assert leaves.value == value
    assert f"{value:+d}" in repr(leaves)
    assert len(leaves) == len(leaves.size)


@pytest.mark.parametrize("h", [tp.models.ssh(1.0, 1.0), tp.models.qwz(-2.0)])
def test_no_gap_no_leaves(h):
    with pytest.raises(UnresolvedError):
        tp.certificate_leaves(h)


@pytest.mark.parametrize(
    ("h", "options", "error"),
    [
        (tp.models.haldane([0.1, 0.2], 0.1, 1.0), {}, ShapeError),
        (tp.models.kagome(0.3), {}, KindError),
        (tp.models.weyl_semimetal(1.0), {}, KindError),
        (tp.models.qwz(-1.0), {"max_depth": 25}, InputError),
        (tp.models.qwz(-1.9999), {"max_leaves": 70}, UnresolvedError),
    ],
)
def test_bad_input(h, options, error):
    with pytest.raises(error) as caught:
        tp.certificate_leaves(h, **options)
    assert "\n" not in str(caught.value)
