"""Charges of Weyl points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given

import topophys as tp
from tests.invariants.samples import X, Y, Z, direct_sum, rotated, unitary
from tests.strategies import generators
from topophys.errors import InputError, KindError, ShapeError, UnresolvedError
from topophys.testing.wannier_files import wannier_file


def point(velocity, k=(0.0, 0.0, 0.0)):
    """Weyl point at k: H = sum_ij sin(q_i - k_i) v_ij sigma_j near it."""
    rows = {(0, 0, 0): np.zeros((2, 2))}
    for i in range(3):
        matrix = sum(v * s for v, s in zip(velocity[i], (X, Y, Z), strict=True))
        rows[tuple(np.eye(3, dtype=int)[i].tolist())] = -0.5j * np.exp(-1j * k[i]) * matrix
    return tp.FourierHamiltonian(rows)


@given(rng=generators())
def test_charge_is_the_sign_of_the_determinant(rng):
    velocity = rng.standard_normal((3, 3))
    assume(np.linalg.svd(velocity, compute_uv=False)[-1] > 0.2)
    k = rng.uniform(-3, 3, 3)
    found = tp.weyl_charge(point(velocity, k), k, half_width=rng.uniform(0.1, 0.4, 3))
    assert int(found) == np.sign(np.linalg.det(velocity))
    assert 0 < found.gap_lower <= found.gap_upper


def test_charge_is_the_step_of_the_chern_number():
    """At +-k0 of the two-node model, along every axis that separates the nodes."""
    h = tp.models.weyl_semimetal([1.0, 2.0])
    for k0, one in zip((1.0, 2.0), h, strict=True):
        for side in (1, -1):
            charge = int(tp.weyl_charge(one, [0.0, 0.0, side * k0], half_width=0.3))
            k = [side * k0 + 0.3, side * k0 - 0.3]
            after, before = tp.chern_on_slices(one, k=k).value
            assert charge == after - before == -side
    assert tp.weyl_charge(h, [0.0, 0.0, 1.0], half_width=0.3).value.tolist() == [-1, 0]


def test_all_charges_add_to_zero_and_boxes_add_up():
    h = point(np.eye(3))
    corners = np.stack(np.meshgrid(*3 * [[0.0, np.pi]], indexing="ij"), -1).reshape(-1, 3)
    charges = [int(tp.weyl_charge(h, c, half_width=1.0)) for c in corners]
    assert sorted(charges) == [-1] * 4 + [1] * 4
    assert charges == [int(np.prod(np.where(c > 1, -1, 1))) for c in corners]
    pair = tp.weyl_charge(h, [np.pi / 2, 0, 0], half_width=[np.pi / 2 + 0.5, 0.5, 0.5])
    assert int(pair) == 0


def test_upper_band_sees_the_opposite_charge():
    h = point(np.diag([1.0, -1.0, 1.0]))
    minus = tp.FourierHamiltonian({R: -m for R, m in h.hoppings.items()})
    assert int(tp.weyl_charge(h, [0, 0, 0])) == -int(tp.weyl_charge(minus, [0, 0, 0])) == -1


@given(rng=generators())
def test_charges_of_degenerate_bands_add(rng):
    """Two coinciding points in a random basis: +2, or 0 for opposite ones."""
    a = point(np.eye(3))
    for b, total in ((a, 2), (point(np.diag([1.0, 1.0, -1.0])), 0)):
        both = rotated(direct_sum(a, b), unitary(4, rng))
        assert int(tp.weyl_charge(both, [0, 0, 0], half_width=0.2)) == total


def test_double_weyl_point():
    """kz sigma_z and (kx + i ky)^2 in the plane: charge two, from Fourier coefficients."""
    raise_ = 0.5 * (X + 1j * Y)
    # sin^2 differences: (sin kx - i sin ky)^2 = sin^2 kx - sin^2 ky - 2 i sin kx sin ky
    rows = {}

    def add(key, value):
        rows[key] = rows.get(key, 0) + value
        mirror = tuple(-x for x in key)
        rows[mirror] = rows.get(mirror, 0) + value.conj().T

    for sx in (2, -2):
        add((sx, 0, 0), -0.25 * raise_)
        add((0, sx, 0), 0.25 * raise_)
    for sx in (1, -1):
        for sy in (1, -1):
            add((sx, sy, 0), 0.5j * sx * sy * raise_)
    add((0, 0, 1), -0.5j * Z)
    h = tp.FourierHamiltonian(rows)
    assert abs(int(tp.weyl_charge(h, [0, 0, 0], half_width=0.4))) == 2


def test_surfaces_through_a_touching_are_unresolved():
    h = point(np.eye(3))
    found = tp.weyl_charge(h, [0.2, 0, 0], half_width=0.2, max_cells=16)
    assert found.status == "unresolved"
    assert np.ma.is_masked(found.value)
    assert found.gap_lower == 0
    with pytest.raises(UnresolvedError, match="Weyl charge"):
        tp.weyl_charge(h, [0.2, 0, 0], half_width=0.2, max_cells=16, on_unresolved="raise")


def test_gap_bound_is_below_the_gap_on_the_surface():
    h = tp.models.weyl_semimetal(1.0)
    found = tp.weyl_charge(h, [0, 0, 1.0], half_width=0.25)
    u = np.linspace(-0.25, 0.25, 41)
    a, b = np.meshgrid(u, u)
    gaps = []
    for axis in range(3):
        for side in (-0.25, 0.25):
            k = np.insert(np.stack([a, b], -1), axis, side, axis=-1) + np.array([0, 0, 1.0])
            gaps.append(2 * np.linalg.norm(h.d(k), axis=-1).min())
    assert 0 < found.gap_lower <= min(gaps) + 1e-12


def test_weyl_file():
    h = tp.read_wannier90(wannier_file("Weyl3D_hr.dat"), n_occupied=1)
    for side in (1, -1):
        k = [0.0, 0.0, side * np.pi / 3]
        assert int(tp.weyl_charge(h, k, half_width=0.3)) == -side
    assert int(tp.weyl_charge(h, [0.0, 0.0, 0.0], half_width=0.3)) == 0


def test_evidence_of_too_many_bands_is_refused_at_once():
    """A file of 88 bands would hold gigabytes; the charge is proven without."""
    x, y, z = X, Y, Z
    u = np.linalg.qr(np.random.default_rng(0).standard_normal((88, 88)))[0]
    hops = {}
    for unit, matrix in zip(np.eye(3, dtype=int).tolist(), (x, y, z), strict=True):
        hops[tuple(unit)] = u[:, :2] @ (-0.5j * matrix) @ u[:, :2].T
    hops[0, 0, 0] = (u[:, 2:] * np.where(np.arange(86) % 2, 9.0, -9.0)) @ u[:, 2:].T
    h = tp.FourierHamiltonian(hops, n_occupied=44)
    with pytest.raises(InputError, match="at most 64 bands, but `H` has 88"):
        tp.weyl_charge(h, [0, 0, 0], evidence=True)
    assert int(tp.weyl_charge(h, [0, 0, 0])) == 1


def test_bad_arguments_are_named():
    h = point(np.eye(3))
    with pytest.raises(KindError, match="3-dimensional"):
        tp.weyl_charge(tp.models.qwz(1.0), [0, 0])
    with pytest.raises(ShapeError, match="centre"):
        tp.weyl_charge(h, [0, 0])
    with pytest.raises(InputError, match="single point"):
        tp.weyl_charge(h, np.zeros((2, 3)))
    with pytest.raises(InputError, match="half_width"):
        tp.weyl_charge(h, [0, 0, 0], half_width=4.0)
    with pytest.raises(InputError, match="n_occupied"):
        tp.weyl_charge(h, [0, 0, 0], n_occupied=2)


@pytest.mark.parametrize("scale", [1e-290, 1e-170, 1e280])
def test_charge_does_not_depend_on_the_unit_of_energy(scale):
    """Norms once underflowed below 1e-162, and bounds of cells rose above the gap."""
    h = direct_sum(point(np.eye(3)), point(np.diag([1.0, 1.0, -1.0]), (0.3, 0.0, 0.0)))
    far = tp.FourierHamiltonian({r: scale * m for r, m in h.hoppings.items()})
    for middle in ([0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.15, 0.0, 0.0]):
        one, other = (tp.weyl_charge(x, middle, half_width=0.1, n_occupied=2) for x in (h, far))
        assert one.certified
        assert other.value == one.value
        assert other.gap_lower / scale == pytest.approx(float(one.gap_lower))
        assert other.gap_lower <= other.gap_upper


@given(rng=generators())
def test_any_box_has_the_sum_of_the_charges_inside(rng):
    """Faces that touch nothing are proven; boxes far from k = 0 are as good."""
    h = point(np.eye(3))
    middle = rng.uniform(-1.2, 1.2, 3) + 2.0 * np.pi * rng.integers(-3, 4, 3)
    half = rng.uniform(0.3, 1.9, 3)
    nodes = np.pi * np.stack(np.meshgrid(*3 * [np.arange(-9, 10)], indexing="ij"), -1)
    off = np.abs(nodes - middle)
    assume(np.abs(off - half).min() > 0.02)
    sign = np.prod(np.where(np.rint(nodes / np.pi) % 2 == 1, -1, 1), axis=-1)
    found = tp.weyl_charge(h, middle, half_width=half, max_evaluations=20_000, evidence=True)
    assert int(found) == sign[(off < half).all(-1)].sum()
    assert [f.tree.n_leaves for f in found.evidence[0].faces] == [
        len(f.bases) for f in found.evidence[0].faces
    ]
