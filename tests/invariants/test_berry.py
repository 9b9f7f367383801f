"""Sampled Berry flux and Chern numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import bloch_grids, generators, two_bands, unitaries
from topophys.kernels.chern_sampled import flux_from_links, frame_links
from topophys.testing.oracles import chern_dense, lower_bands_chern


def origin(h_k):
    """Positions that say of noise on a few points that its phases have none."""
    return np.zeros((h_k.shape[-1], 2))


def defined(h_k, n_occupied):
    """Integer of the samples; examples in which some flux is pi to rounding are passed over."""
    chern = tp.chern_number(h_k, n_occupied=n_occupied, positions=origin(h_k), on_unresolved="mask")
    assume(not np.ma.is_masked(chern))
    return int(chern)


@given(case=bloch_grids())
def test_the_integer_is_the_sum_of_the_fluxes(case):
    h_k, filled = case
    chern = defined(h_k, filled)
    flux = tp.berry_flux(h_k, n_occupied=filled, positions=origin(h_k))
    assert np.abs(flux).max() <= np.pi
    assert flux.sum() / (2 * np.pi) == pytest.approx(chern, abs=1e-9)
    assert chern == lower_bands_chern(h_k, filled)


@given(case=bloch_grids())
def test_all_bands_together_are_trivial(case):
    """Lower bands of H and of -H are complements: their Chern numbers add to zero."""
    h_k, filled = case
    empty = h_k.shape[-1] - filled
    assert defined(h_k, filled) == -int(
        tp.chern_number(-h_k, n_occupied=empty, positions=origin(h_k))
    )
    flux = tp.berry_flux(h_k, n_occupied=filled, positions=origin(h_k))
    assert flux.shape == h_k.shape[:2]


@given(rng=generators())
def test_every_band_by_itself_adds_to_zero(rng):
    """Three bands of a smooth model: C of the first, of the second, of the third."""
    x, y, z = rng.standard_normal((3, 3, 3)) + 1j * rng.standard_normal((3, 3, 3))
    model = tp.FourierHamiltonian({(0, 0): x + x.conj().T, (1, 0): y, (0, 1): z})
    energy, states = np.linalg.eigh(model.on_grid((60, 60)))
    assume(np.diff(energy).min() > 0.2)
    total = 0
    for band in range(3):
        levels = np.where(np.arange(3) == band, -1.0, 1.0)
        alone = (states * levels) @ states.conj().swapaxes(-1, -2)
        total += int(tp.chern_number(alone, n_occupied=1))
    assert total == 0


@given(h=two_bands())
def test_bands_of_a_fine_grid_add_to_zero(h):
    d = h.d_on_grid((48, 48))
    assert tp.chern_number_from_d(d) == -tp.chern_number_from_d(-d) == chern_dense(d)


@given(h=two_bands())
def test_exchange_of_kx_and_ky_changes_the_sign(h):
    d = h.d_on_grid((20, 24))
    flux = tp.berry_flux_from_d(d)
    swapped = tp.berry_flux_from_d(d.swapaxes(0, 1))
    assert swapped == pytest.approx(-flux.T, abs=1e-9)
    assert tp.chern_number_from_d(d.swapaxes(0, 1)) == -tp.chern_number_from_d(d)
    h_k = h.on_grid((20, 24))
    assert tp.chern_number(h_k.swapaxes(0, 1)) == -tp.chern_number(h_k)


@given(case=bloch_grids(), shift=st.tuples(st.integers(0, 6), st.integers(0, 6)))
def test_the_origin_of_the_zone_does_not_matter(case, shift):
    h_k, filled = case
    chern = defined(h_k, filled)
    rolled = np.roll(h_k, shift, axis=(0, 1))
    assert tp.chern_number(rolled, n_occupied=filled, positions=origin(h_k)) == chern
    flux = tp.berry_flux(h_k, n_occupied=filled, positions=origin(h_k))
    moved = tp.berry_flux(rolled, n_occupied=filled, positions=origin(h_k))
    assert moved == pytest.approx(np.roll(flux, shift, axis=(0, 1)), abs=1e-7)


@given(case=bloch_grids(max_bands=4), data=st.data())
def test_a_constant_unitary_changes_nothing(case, data):
    h_k, filled = case
    chern = defined(h_k, filled)
    u = data.draw(unitaries(h_k.shape[-1]))
    turned = u @ h_k @ u.conj().T
    assert tp.chern_number(turned, n_occupied=filled, positions=origin(h_k)) == chern
    flux = tp.berry_flux(h_k, n_occupied=filled, positions=origin(h_k))
    assert tp.berry_flux(turned, n_occupied=filled, positions=origin(h_k)) == pytest.approx(
        flux, abs=1e-7
    )


@given(case=bloch_grids(max_bands=4), rng=generators())
def test_a_random_gauge_changes_nothing(case, rng):
    """A frame times a random unitary at every k: phases of the links change, fluxes do not."""
    h_k, filled = case
    chern = defined(h_k, filled)
    frame = np.linalg.eigh(h_k)[1][..., :filled]
    shape = (*frame.shape[:2], filled, filled)
    gauge, _ = np.linalg.qr(rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
    turned = frame @ gauge
    u_x, u_y = np.empty((2, 1, *turned.shape[:2]), complex)
    frame_links(turned[None], turned.shape[-1], u_x, u_y)
    flux, got, status = np.empty(u_x.shape), np.empty(1, np.int64), np.empty(1, np.uint8)
    flux_from_links(u_x, u_y, 1e-12, np.full(1, 1e-14), flux, got, status)
    assert got[0] == chern
    assert flux[0] == pytest.approx(
        tp.berry_flux(h_k, n_occupied=filled, positions=origin(h_k)), abs=1e-7
    )


@given(h=two_bands(), rng=generators())
def test_the_general_path_agrees_with_the_two_band_path(h, rng):
    """Two empty levels far above make a four-band Hamiltonian; its lower band is the same."""
    d, h_k = h.d_on_grid((12, 12)), h.on_grid((12, 12))
    four = np.zeros((12, 12, 4, 4), complex)
    four[..., :2, :2] = h_k
    four[..., 2, 2], four[..., 3, 3] = 50.0, 60.0
    u, _ = np.linalg.qr(rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4)))
    four = u @ four @ u.conj().T
    flux = tp.berry_flux_from_d(d)
    assert tp.berry_flux(h_k) == pytest.approx(flux, abs=1e-12)
    assert tp.berry_flux(four, n_occupied=1) == pytest.approx(flux, abs=1e-6)
    chern = tp.chern_number_from_d(d)
    assert tp.chern_number(h_k) == tp.chern_number(four, n_occupied=1) == chern


@given(a=two_bands(), b=two_bands(), data=st.data())
def test_degenerate_pairs_and_direct_sums_add(a, b, data):
    """Occupied bands of a + b; with a = b every level is twofold and eigenvectors are arbitrary."""
    twin = data.draw(st.booleans())
    x = tp.flatten_d(a.d_on_grid((14, 14)))
    y = x if twin else tp.flatten_d(b.d_on_grid((14, 14)))
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    both = np.zeros((14, 14, 4, 4), complex)
    both[..., :2, :2] = np.einsum("...i,iab->...ab", x, pauli)
    both[..., 2:, 2:] = np.einsum("...i,iab->...ab", y, pauli)
    u = data.draw(unitaries(4))
    both = u @ both @ u.conj().T
    both = 0.5 * (both + both.conj().swapaxes(-1, -2))
    flux = tp.berry_flux_from_d(x) + tp.berry_flux_from_d(y)
    got = tp.berry_flux(both, n_occupied=2)
    assert np.abs(np.exp(1j * (got - flux)) - 1).max() < 1e-6
    if np.abs(flux).max() < np.pi - 1e-6:  # otherwise the sum may leave the principal branch
        assert tp.chern_number(both, n_occupied=2) == tp.chern_number_from_d(
            x
        ) + tp.chern_number_from_d(y)


@given(h=two_bands(), rng=generators(), exponent=st.integers(-900, 900))
def test_the_length_of_d_does_not_matter(h, rng, exponent):
    d = h.d_on_grid((12, 12))
    factor = 10.0 ** rng.uniform(-30, 30, (12, 12, 1))
    flux = tp.berry_flux_from_d(d)
    for other in (factor * d, np.ldexp(d, exponent), tp.flatten_d(d)):
        assert tp.berry_flux_from_d(other) == pytest.approx(flux, abs=1e-9)
        assert tp.chern_number_from_d(other) == tp.chern_number_from_d(d)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-160, 1e100, 1e160, 1e300])
def test_tiny_and_huge_units(scale):
    h = tp.models.qwz([-1.0, 1.0, 3.0])
    assert tp.chern_number_from_d(scale * h.d_on_grid((12, 12))).tolist() == [1, -1, 0]
    assert tp.chern_number(scale * h.on_grid((12, 12))).tolist() == [1, -1, 0]
    assert tp.flatten_d(scale * h.d_on_grid((12, 12))) == pytest.approx(
        tp.flatten_d(h.d_on_grid((12, 12))), abs=1e-14
    )


@given(h=two_bands(), d0=st.floats(-100, 100))
def test_the_scalar_part_is_not_seen(h, d0):
    h_k = h.on_grid((10, 10))
    assert tp.berry_flux(h_k + d0 * np.eye(2)) == pytest.approx(tp.berry_flux(h_k), abs=1e-9)


@pytest.mark.parametrize("n_k", [(8, 8), (12, 30), (64, 64)])
def test_the_sum_does_not_depend_on_the_number_of_points(n_k):
    """A Chern number is a sum over the zone; a mean would fall with the number of points."""
    h = tp.models.qwz(-1.0)
    assert tp.berry_flux(h.on_grid(n_k)).sum() == pytest.approx(2 * np.pi, abs=1e-9)
    area = 4 * np.pi**2 / (n_k[0] * n_k[1])
    omega = tp.berry_curvature(h.on_grid(n_k))
    assert omega.sum() * area == pytest.approx(2 * np.pi, abs=1e-9)


def test_curvature_against_its_formula():
    """Omega = dhat.(d_x dhat x d_y dhat) / 2 for the lower band, at the middle of a plaquette."""
    m, n = -1.2, 400
    omega = tp.berry_curvature(tp.models.qwz(m).on_grid((n, n)))
    k = tp.k_grid((n, n)) + np.pi / n
    x, y = k[..., 0], k[..., 1]
    d = np.stack([np.sin(x), np.sin(y), m + np.cos(x) + np.cos(y)], -1)
    d_x = np.stack([np.cos(x), 0 * x, -np.sin(x)], -1)
    d_y = np.stack([0 * x, np.cos(y), -np.sin(y)], -1)
    exact = np.einsum("...i,...i->...", d, np.cross(d_x, d_y)) / (
        2 * np.linalg.norm(d, axis=-1) ** 3
    )
    assert np.abs(omega - exact).max() < 1e-3 * np.abs(exact).max()


def test_a_grid_with_both_end_points_does_not_hide_a_band():
    """Doubled edges add plaquettes without flux."""
    k = np.linspace(-np.pi, np.pi, 17)
    mesh = np.stack(np.meshgrid(k, k, indexing="ij"), -1)
    h_k = tp.models.qwz(1.0).bloch(mesh)
    assert tp.chern_number(h_k) == -1
    assert np.abs(tp.berry_flux(h_k)[-1]).max() < 1e-12


def test_batches_hold_what_single_ones_hold():
    d = tp.ensembles.two_band(6, rng=4).d_on_grid((10, 11)).reshape(2, 3, 10, 11, 3)
    chern, flux = tp.chern_number_from_d(d), tp.berry_flux_from_d(d)
    assert chern.shape == (2, 3)
    assert chern.dtype == np.int64
    assert flux.shape == (2, 3, 10, 11)
    for i, j in np.ndindex(2, 3):
        assert chern[i, j] == tp.chern_number_from_d(d[i, j])
        np.testing.assert_array_equal(flux[i, j], tp.berry_flux_from_d(d[i, j]))
    rng = np.random.default_rng(0)
    h = rng.standard_normal((2, 2, 4, 5, 3, 3)) + 1j * rng.standard_normal((2, 2, 4, 5, 3, 3))
    h = h + h.conj().swapaxes(-1, -2)
    for i, j in np.ndindex(2, 2):
        options = {"n_occupied": 1, "positions": origin(h)}
        np.testing.assert_allclose(
            tp.berry_flux(h, **options)[i, j], tp.berry_flux(h[i, j], **options), atol=1e-12
        )


@pytest.mark.parametrize("n_bands", [2, 3])
def test_an_empty_batch(n_bands):
    empty = np.zeros((0, 4, 4, n_bands, n_bands))
    assert tp.chern_number(empty, n_occupied=1).shape == (0,)
    assert tp.berry_flux(empty, n_occupied=1).shape == (0, 4, 4)
    assert tp.chern_number_from_d(np.zeros((2, 0, 4, 4, 3))).shape == (2, 0)


def test_samples_at_the_end_of_the_range_are_counted_without_warnings():
    d = tp.models.qwz(-1.0).d_on_grid((12, 12))  # a pole of every gauge on the grid
    largest = d * (1.7e308 / np.abs(d).max())
    assert tp.chern_number_from_d(np.stack([largest, d, 5e-324 * np.sign(d)]))[:2].tolist() == [
        1,
        1,
    ]
