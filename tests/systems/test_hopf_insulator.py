"""Hopf insulator: what its spinor says, no Chern numbers, and its Hopf invariant."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.systems.reference_models import plane


def spinor(m, k):
    x, y, z = np.moveaxis(k, -1, 0)
    return np.stack(
        [np.sin(x) + 1j * np.sin(y),
         np.sin(z) + 1j * (np.cos(x) + np.cos(y) + np.cos(z) + m)], -1)  # fmt: skip


def test_d_is_that_of_the_spinor():
    m, k = 0.7, np.random.default_rng(0).uniform(-3, 3, (20, 3))
    z = spinor(m, k)
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    expected = np.einsum("ka,iab,kb->ki", z.conj(), pauli, z).real
    h = tp.models.hopf_insulator(m)
    np.testing.assert_allclose(h.d(k), expected, atol=1e-13)
    energy = np.linalg.eigvalsh(h.bloch(k))
    np.testing.assert_allclose(energy[:, 1], (np.abs(z) ** 2).sum(-1), atol=1e-13)


def test_parameters_may_be_arrays():
    h = tp.models.hopf_insulator([[-1.5, 0.2]])
    assert h.batch_shape == (1, 2)
    k = np.array([0.3, 0.1, -0.7])
    np.testing.assert_allclose(h[0, 1].d(k), tp.models.hopf_insulator(0.2).d(k), atol=1e-14)


@pytest.mark.parametrize("m", [-1.5, 0.3, 3.5])
def test_planes_have_no_chern_number(m):
    h = tp.models.hopf_insulator(m)
    for k in (0.0, 1.0, np.pi):
        assert int(tp.certify_chern(plane(h, k))) == 0
    for axis in range(3):
        assert (tp.chern_on_slices(h, axis=axis, k=[0.4, -2.0]).value == 0).all()


@pytest.mark.parametrize(("m", "closed"), [(-1.5, False), (3.5, False), (1.0, True), (-3.0, True)])
def test_where_the_gap_closes(m, closed):
    corners = np.pi * np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
    gap = 2 * np.linalg.norm(tp.models.hopf_insulator(m).d(corners), axis=-1).min()
    assert (gap < 1e-14) == closed


def hopf_number(m, n):
    """- int A.j with j_i = eps_ijk d.(d_j d x d_k d) / 8 pi and curl A = j, by Fourier series."""
    h = tp.models.hopf_insulator(m)
    d = h.d_on_grid((n, n, n))
    d /= np.linalg.norm(d, axis=-1, keepdims=True)
    wave = np.fft.fftfreq(n, 1.0 / n) * (np.abs(np.fft.fftfreq(n, 1.0 / n)) < n / 2)
    q = np.stack(np.meshgrid(wave, wave, wave, indexing="ij"), -1)
    f = np.fft.fftn(d, axes=(0, 1, 2))
    slope = [np.fft.ifftn(1j * q[..., i, None] * f, axes=(0, 1, 2)).real for i in range(3)]
    pairs = ((1, 2), (2, 0), (0, 1))
    j = np.stack([(d * np.cross(slope[a], slope[b])).sum(-1) for a, b in pairs], -1) / (4 * np.pi)
    current = np.fft.fftn(j, axes=(0, 1, 2))
    size = (q**2).sum(-1, keepdims=True)
    potential = np.fft.ifftn(
        1j * np.cross(q, current) / np.where(size > 0, size, 1.0), axes=(0, 1, 2)
    ).real
    return -(potential * j).sum() * (2 * np.pi / n) ** 3


@pytest.mark.parametrize(("m", "size"), [(-1.5, 1), (2.0, 1), (0.0, 2), (4.0, 0)])
def test_hopf_invariant(m, size):
    assert abs(hopf_number(m, 48)) == pytest.approx(size, abs=0.02)
