"""Interpolation against the discrete Fourier transform and against Hamiltonians themselves."""

import numpy as np
import pytest
import torch

import topophys as tp
from topophys.errors import InputError
from topophys.learn.layers import upsample_periodic


def padded(x, factor):
    """The same by a transform padded with zeros, along the first axis."""
    n, spectrum = len(x), np.fft.fft(x, axis=0)
    wide = np.zeros((factor * n, *x.shape[1:]), complex)
    half = (n - 1) // 2
    wide[: half + 1] = spectrum[: half + 1]
    if half:
        wide[-half:] = spectrum[-half:]
    if n % 2 == 0:
        wide[n // 2] += spectrum[n // 2] / 2
        wide[factor * n - n // 2] += spectrum[n // 2] / 2
    return np.fft.ifft(wide, axis=0).real * factor


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7, 12])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_it_is_a_transform_padded_with_zeros(n, factor):
    x = np.random.default_rng(n).normal(size=(n, 5))
    found = upsample_periodic(torch.from_numpy(x), factor, dims=[0])
    np.testing.assert_allclose(found, padded(x, factor), atol=1e-13)
    np.testing.assert_allclose(found[::factor], x, atol=1e-13)  # given points are kept


@pytest.mark.parametrize(("reach", "grid"), [(1, (3, 4)), (2, (5, 6)), (2, (7, 5))])
def test_hamiltonians_are_continued_exactly(reach, grid):
    h = tp.ensembles.two_band(4, hopping_range=reach, rng=1)
    fine = tuple(4 * n for n in grid)
    found = upsample_periodic(torch.from_numpy(h.d_on_grid(grid)), 4, dims=(1, 2))
    np.testing.assert_allclose(found, h.d_on_grid(fine), atol=1e-13)


def test_interpolation_fails_on_too_few_points():
    h = tp.ensembles.two_band(4, hopping_range=2, rng=1)
    found = upsample_periodic(torch.from_numpy(h.d_on_grid((4, 4))), 4, dims=(1, 2)).numpy()
    assert np.abs(found - h.d_on_grid((16, 16))).max() > 0.1


def test_interpolation_commutes_with_shifts():
    x = torch.randn(2, 6, 5, 3, dtype=torch.float64)
    moved = upsample_periodic(x.roll((1, 2), dims=(1, 2)), 3, dims=(1, 2))
    still = upsample_periodic(x, 3, dims=(1, 2))
    torch.testing.assert_close(moved, still.roll((3, 6), dims=(1, 2)))


def test_one_changes_nothing():
    x = torch.randn(2, 6)
    assert upsample_periodic(x, 1, dims=[1]) is x


def test_refusals():
    with pytest.raises(InputError, match="factor"):
        upsample_periodic(torch.zeros(3), 0, dims=[0])
