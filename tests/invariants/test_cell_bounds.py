"""Bounds on cells hold at every point of them, and are not far off; gaps of many bands."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.hamiltonians.wannier_files import wannier_file
from topophys.invariants import certify_gap as module
from topophys.invariants._cell_bounds import _norm, cell_bounds


def inside(centre, half, n=5):
    """Points of the cells centre +- half, boundary included: (C, n^D, dim)."""
    line = np.linspace(-1.0, 1.0, n)
    steps = np.stack(np.meshgrid(*[line] * len(half), indexing="ij"), -1).reshape(-1, len(half))
    return centre[:, None] + steps @ half


@pytest.mark.parametrize(("bands", "filled"), [(2, 1), (4, 2), (5, 1), (10, 4)])
@pytest.mark.parametrize("r", [0.4, 0.1, 0.02])
def test_the_gap_and_the_links_of_every_pair_of_points_keep_the_bounds(bands, filled, r):
    rng = np.random.default_rng(bands)
    h = tp.ensembles.class_a(1, n_bands=bands, n_occupied=filled, rng=rng)[0]
    centre, half = rng.uniform(-3, 3, (40, 2)), r * np.eye(2)
    bound, link, seen = cell_bounds(h.vectors, h.amplitudes, filled, centre, half)
    energy, states = np.linalg.eigh(h.bloch(inside(centre, half)))
    gap = energy[..., filled] - energy[..., filled - 1]
    assert (bound <= gap.min(1) + 1e-12).all()
    assert (seen >= bound).all()
    ok = bound > 0.0
    assert ok.any() or r == 0.4
    v = states[ok][..., :filled]
    middle = np.linalg.eigh(h.bloch(centre[ok]))[1][..., :filled]
    # frames by polar projection onto that of the centre
    left, _, right = np.linalg.svd(v.conj().swapaxes(-1, -2) @ middle[:, None])
    frame = v @ left @ right
    dets = np.linalg.det(np.einsum("cpia,cqib->cpqab", frame.conj(), frame))
    assert (np.abs(np.angle(dets)).max((1, 2)) <= link[ok] + 1e-9).all()


def test_bounds_become_sharp():
    h = tp.ensembles.class_a(1, n_bands=4, n_occupied=2, rng=1)[0]
    centre = np.random.default_rng(1).uniform(-3, 3, (30, 2))
    bound, link, seen = cell_bounds(h.vectors, h.amplitudes, 2, centre, 1e-4 * np.eye(2))
    np.testing.assert_allclose(bound, seen, atol=2e-3)
    assert np.median(link) < 1e-5


@pytest.mark.parametrize("shape", [(3, 3), (7, 2), (2, 7)])
def test_norms_are_upper_bounds_and_close(shape):
    rng = np.random.default_rng(2)
    a = rng.standard_normal((50, *shape)) + 1j * rng.standard_normal((50, *shape))
    exact = np.linalg.norm(a, ord=2, axis=(-2, -1))
    assert (_norm(a) >= exact).all()
    assert (_norm(a) <= min(shape) ** (1 / 16) * exact * 1.001).all()
    assert _norm(np.zeros((1, *shape), complex)) == pytest.approx(0.0, abs=1e-100)


@pytest.mark.parametrize(
    "h",
    [
        tp.models.ssh(1.0, 0.5),
        tp.models.haldane(0.2, 0.1, 1.0),
        tp.models.kagome(0.3),
        tp.models.bhz(1.0, delta=0.3),
        tp.ensembles.class_a(3, n_bands=4, rng=5),
    ],
)
def test_both_ways_to_prove_a_gap_agree(h, monkeypatch):
    kernel = tp.certify_gap(h)
    monkeypatch.setattr(module, "MANY_BANDS", 1)
    cover = tp.certify_gap(h)
    assert kernel.certified.all()
    assert cover.certified.all()
    assert (cover.gap_lower <= kernel.gap_upper + 1e-12).all()
    assert (kernel.gap_lower <= cover.gap_upper + 1e-12).all()
    assert (cover.evaluations <= kernel.evaluations).all()


@pytest.mark.parametrize("h", [tp.models.ssh(1.0, 1.0), tp.models.qwz(-2.0), tp.models.bhz(0.0)])
def test_without_a_gap_the_cover_gives_up_soon(h, monkeypatch):
    monkeypatch.setattr(module, "MANY_BANDS", 1)
    proof = tp.certify_gap(h)
    assert proof.status == "unresolved"
    assert proof.gap_upper < 1e-3
    assert proof.evaluations < 5000


def test_min_gap_and_limits(monkeypatch):
    monkeypatch.setattr(module, "MANY_BANDS", 1)
    h = tp.models.qwz(-1.0)  # gap 2
    assert tp.certify_gap(h, min_gap=1.9).gap_lower >= 1.9
    assert tp.certify_gap(h, min_gap=2.1).status == "unresolved"
    assert tp.certify_gap(h, max_evaluations=20).status == "unresolved"
    many = tp.FourierHamiltonian({r: 1e150 * m for r, m in h.hoppings.items()})
    assert 0 < tp.certify_gap(many).gap_lower / 1e150 <= 2.0


def test_gap_of_a_material_with_48_bands():
    h = tp.read_wannier90(wannier_file("MoS2-1Tp_hr.dat.tar.gz"), n_occupied=28)
    proof = tp.certify_gap(h)
    assert proof.certified
    assert 0.0 < proof.gap_lower < 0.0474 < proof.gap_upper
    assert proof.evaluations < 2000


@pytest.mark.slow
def test_z2_of_a_material_with_48_bands_is_proven():
    h = tp.read_wannier90(wannier_file("MoS2-1Tp_hr.dat.tar.gz"), n_occupied=28)
    found = tp.z2_invariant(h, method="flux", max_evaluations=60_000)
    assert int(found) == 1
    assert 0.04 < found.gap_lower < 0.0475
