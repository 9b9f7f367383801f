"""Checkerboard, kagome and Hofstadter: Chern numbers known from flux alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from tests.systems.reference_models import certified_and_sampled, energies
from topophys.errors import InputError

FLUXES = [(1, 3), (2, 3), (1, 4), (3, 4), (1, 5), (2, 5), (3, 5), (1, 6), (3, 7), (4, 3), (-1, 3)]


def diophantine(p, q, r):
    """tau of r = q sigma + p tau with the smallest size, by trying."""
    found = [tau for tau in range(-(q // 2), q // 2 + 1) if (r - p * tau) % q == 0]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("p", "q"), FLUXES)
def test_hofstadter_certified(p, q):
    h = tp.models.hofstadter(p, q)
    for r in range(1, q):
        if 2 * r != q:
            proof = tp.certify_chern(h, n_occupied=r)
            assert int(proof) == diophantine(p, q, r)


@pytest.mark.parametrize(("p", "q"), [(1, 7), (2, 7), (3, 7), (3, 8), (4, 9), (5, 11)])
def test_hofstadter_sampled(p, q):
    h_k = tp.models.hofstadter(p, q).on_grid((16, 16 * q))
    for r in range(1, q):
        if 2 * r != q:
            assert tp.chern_number(h_k, n_occupied=r) == diophantine(p, q, r)


@pytest.mark.parametrize(("p", "q"), [(1, 2), (1, 4), (1, 6)])
def test_middle_bands_touch_for_even_denominators(p, q):
    proof = tp.certify_gap(tp.models.hofstadter(p, q), n_occupied=q // 2, max_evaluations=4000)
    assert proof.status == "unresolved"
    assert proof.gap_upper < 0.1


def test_hofstadter_is_the_plain_lattice_without_flux():
    k = np.random.default_rng(0).uniform(-3, 3, (9, 2))
    expected = -2 * np.cos(k).sum(-1)
    np.testing.assert_allclose(tp.models.hofstadter(0, 1).bloch(k)[:, 0, 0], expected, atol=1e-14)
    assert tp.models.hofstadter(1, 1).n_occupied == 0


@pytest.mark.parametrize(("p", "q"), [(1, 3), (2, 5), (1, 4)])
def test_characteristic_polynomial_depends_on_one_cosine_sum(p, q):
    """Chambers: det(E - H) changes with k by (-1)^(q+1) 2 (cos kx + cos q ky) t^q only."""
    k = np.random.default_rng(1).uniform(-3, 3, (8, 2))
    h = tp.models.hofstadter(p, q, t=0.7).bloch(k)
    sign = (-1) ** (q + 1)
    rest = np.linalg.det(0.3 * np.eye(q) - h).real - sign * 2 * 0.7**q * (
        np.cos(k[:, 0]) + np.cos(q * k[:, 1])
    )
    np.testing.assert_allclose(rest, rest[0], atol=1e-12)


@pytest.mark.parametrize(("p", "q"), [(2, 4), (0, 3), (3, 3)])
def test_fluxes_are_reduced(p, q):
    assert math.gcd(p, q) > 1
    with pytest.raises(InputError, match="common divisor"):
        tp.models.hofstadter(p, q)


def test_hofstadter_refusals():
    for p, q, name in ((1, 0, "q"), (1, -3, "q"), (0.5, 2, "p"), ("1", 2, "p")):
        with pytest.raises(InputError, match=f"`{name}`"):
            plain(tp.models.hofstadter)(p, q)
    with pytest.raises(InputError, match="n_occupied"):
        tp.models.hofstadter(1, 3, n_occupied=3)


@pytest.mark.parametrize("phi", [-2.0, -0.8, 0.2, 0.8, 1.4, 2.0])
@pytest.mark.parametrize("difference", [-0.9, 0.6])
def test_checkerboard_phase_diagram(phi, difference):
    t1, t2 = 0.1 + difference / 2, 0.1 - difference / 2
    edge = 2 * abs(difference)
    m = edge * np.array([0.0, 0.7, -0.99, 1.01, -1.5])
    inside = -int(np.sign(difference * np.sin(2 * phi)))
    h = tp.models.checkerboard(phi, t1, t2, 0.3, m)
    assert certified_and_sampled(h, n_k=48) == [inside, inside, inside, 0, 0]


def test_checkerboard_transitions():
    edge = tp.models.checkerboard(
        [0.8, 0.8, 0.0, 0.4], 0.3, [-0.3, -0.3, -0.3, 0.3], m=[1.2, -1.2, 0, 0]
    )
    assert (tp.certify_chern(edge, max_depth=9).status == "unresolved").all()
    near = tp.models.checkerboard(0.8, 0.3, -0.3, m=1.2 + np.array([-1e-4, 1e-4]))
    assert tp.certify_chern(near).value.tolist() == [-1, 0]


def test_checkerboard_bond_by_bond():
    """H(k) with the positions of the sites in the phases, where the pattern of flux is plain."""
    phi, t1, t2, t3, m, t = 0.5, 0.3, -0.2, 0.15, 0.1, 0.9
    kx, ky = 0.7, -1.1
    to_b = {(0.5, 0.5): 1, (-0.5, -0.5): 1, (0.5, -0.5): -1, (-0.5, 0.5): -1}
    ab = sum(-t * np.exp(1j * (s * phi + kx * x + ky * y)) for (x, y), s in to_b.items())
    third = -4 * t3 * np.cos(kx) * np.cos(ky)
    aa = m - 2 * t1 * np.cos(kx) - 2 * t2 * np.cos(ky) + third
    bb = -m - 2 * t2 * np.cos(kx) - 2 * t1 * np.cos(ky) + third
    gauge = np.exp(0.5j * (kx + ky))
    expected = [[aa, ab * gauge], [np.conj(ab * gauge), bb]]
    h = tp.models.checkerboard(phi, t1, t2, t3, m, t)
    np.testing.assert_allclose(h.bloch([kx, ky]), expected, atol=1e-14)


def test_flat_band_of_the_checkerboard():
    root = np.sqrt(2)
    h = tp.models.checkerboard(np.pi / 4, 1 / (2 + root), -1 / (2 + root), 1 / (2 + 2 * root))
    bands = np.linalg.eigvalsh(h.on_grid((60, 60)))
    width = np.ptp(bands[..., 1])
    gap = bands[..., 1].min() - bands[..., 0].max()
    assert 20 < gap / width < 35


@pytest.mark.parametrize("t", [1.0, -0.5])
def test_kagome_bands(t):
    """(s, 0, -s) with s = sign(t sin 3 phi), between the gapless points."""
    phi = np.pi / 3 * (np.arange(-3, 3)[:, None] + np.array([0.1, 0.5, 0.9])).ravel()
    s = np.sign(t * np.sin(3 * phi)).astype(int).tolist()
    h = tp.models.kagome(phi, t)
    assert certified_and_sampled(h) == s
    assert certified_and_sampled(h, 2) == s


def test_kagome_gapless_points():
    h = tp.models.kagome(np.pi / 3 * np.arange(4))
    for n_occupied in (1, 2):
        proof = tp.certify_chern(h, n_occupied=n_occupied, max_evaluations=3000)
        assert (proof.status == "unresolved").all()


def test_kagome_flux_and_flat_band():
    """Around an up triangle the hoppings multiply to exp(3 i phi); without flux a band is flat."""
    phi = 0.4
    h0 = tp.models.kagome(phi).hoppings[0, 0]
    assert np.angle(h0[0, 2] * h0[2, 1] * h0[1, 0]) == pytest.approx(3 * phi)
    bands = energies(tp.models.kagome(0.0), np.random.default_rng(0).uniform(-3, 3, (9, 2)))
    np.testing.assert_allclose(bands[:, 0], -2.0, atol=1e-14)
    # at the centre of the zone H is circulant
    expected = np.sort(4 * np.cos(phi + 2 * np.pi / 3 * np.arange(3)))
    np.testing.assert_allclose(energies(tp.models.kagome(phi), [0.0, 0.0]), expected, atol=1e-14)


def test_kagome_has_threefold_and_inversion_symmetry():
    """Energies at k, at k turned by 120 degrees, and at -k."""
    k = np.random.default_rng(2).uniform(-3, 3, (20, 2))
    h = tp.models.kagome(0.3)
    # a1 -> a2 - a1, a2 -> -a1 when the lattice turns by 120 degrees
    turned = np.stack([k[:, 1] - k[:, 0], -k[:, 0]], axis=-1)
    np.testing.assert_allclose(energies(h, k), energies(h, turned), atol=1e-13)
    np.testing.assert_allclose(energies(h, k), energies(h, -k), atol=1e-13)
