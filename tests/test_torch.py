"""Differentiable physics: agreement with NumPy, gradients, designs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.torch import (
    berry_flux,
    chain_block,
    d_vector,
    design,
    fourier_sum,
    polar_factor,
    soft_gap,
)

K = torch.from_numpy(tp.k_grid((5, 4)).reshape(-1, 2))


def planes(n_bands=3):
    return tp.ensembles.class_a(2, n_bands=n_bands, n_occupied=1, rng=1)


def test_series_are_those_of_numpy():
    h = planes()
    found = fourier_sum(h.vectors.tolist(), torch.from_numpy(h.amplitudes), K)
    np.testing.assert_allclose(found.numpy(), h.bloch(K.numpy()), atol=1e-13)
    chain = tp.ensembles.aiii_chains(3, n_orbitals=3, rng=2)
    blocks, k = torch.from_numpy(chain.block_amplitudes), torch.linspace(-3, 3, 7).double()
    found = chain_block(chain.block_range[0], blocks, k)
    np.testing.assert_allclose(found.numpy(), chain.block(k.numpy()[:, None]), atol=1e-13)
    two = tp.ensembles.two_band(2, rng=3)
    half = [tuple(v) for v in two.vectors.tolist() if tuple(v) >= (0, 0)]
    index = [two.vectors.tolist().index(list(v)) for v in half]
    coefficients = torch.from_numpy(two.d_amplitudes[:, index]) + 0j
    np.testing.assert_allclose(
        d_vector(half, coefficients, K).numpy(), two.d(K.numpy()), atol=1e-13
    )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_polar_factors_are_those_of_numpy_and_have_gradients(n):
    blocks = torch.from_numpy(tp.ensembles.aiii_chains(2, n_orbitals=n, rng=4).block_on_grid(5))
    np.testing.assert_allclose(
        polar_factor(blocks).numpy(), tp.flatten_block(blocks.numpy()), atol=1e-12
    )
    assert torch.autograd.gradcheck(polar_factor, blocks[:, :2].requires_grad_())


def test_soft_gaps_are_bounds_with_gradients():
    h_k = torch.from_numpy(planes().on_grid((6, 6)).reshape(2, 36, 3, 3))
    energy = np.linalg.eigvalsh(h_k.numpy())
    gap = (energy[..., 1] - energy[..., 0]).min(-1)
    for sharpness in (5.0, 500.0):
        soft = soft_gap(h_k, 1, sharpness).numpy()
        assert (soft <= gap + 1e-7).all()
        assert (soft >= gap - np.log(36) / sharpness).all()

    def hermitian(x):
        return soft_gap(x + x.mH, 1, 5.0)

    assert torch.autograd.gradcheck(hermitian, h_k[:, :3].clone().requires_grad_())


def test_fluxes_are_those_of_numpy_and_have_gradients():
    h = planes()
    h_k = torch.from_numpy(h.on_grid((7, 6)))
    expected = tp.berry_flux(h_k.numpy(), n_occupied=1)
    np.testing.assert_allclose(berry_flux(h_k, 1).numpy(), expected, atol=1e-10)

    def hermitian(x):
        return berry_flux(x + x.mH, 1).sin()

    assert torch.autograd.gradcheck(hermitian, h_k[:1, :3, :3].clone().requires_grad_())


@pytest.mark.parametrize(("chern", "least"), [(1, 1.9), (-2, 1.6)])
def test_designs_are_proven_and_have_large_gaps(chern, least):
    best = design(chern, starts=6, steps=250, grid=24, polished=1, tightness=0.97)
    proof = tp.certify_chern(best.hamiltonian)
    assert int(proof.value) == int(best.certificate.value) == chern
    assert float(best.certificate.gap_lower) > least
    assert f"{chern:+d}" in repr(best)
    energy = np.linalg.eigvalsh(best.hamiltonian.on_grid((16, 16)))
    np.testing.assert_allclose((energy**2).mean(), 1.0, rtol=1e-9)
    # the bound is one: no sampled gap is below it
    assert (energy[..., 1] - energy[..., 0]).min() >= float(best.certificate.gap_lower)


def test_polishing_raises_the_gap():
    plain, polished = (
        design(2, starts=2, steps=20, grid=12, polished=n, tightness=0.9, seed=3) for n in (0, 1)
    )
    gaps = [float(best.certificate.gap_lower) for best in (plain, polished)]
    assert gaps[1] > gaps[0] + 0.1
    assert int(polished.certificate.value) == 2


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fourier_sum([[0]], torch.zeros(1, 2, 2), K), ShapeError, "(M, dim)"),
        (lambda: fourier_sum([[0, 0]], torch.zeros(2, 2, 2), K), ShapeError, "`amplitudes`"),
        (lambda: soft_gap(torch.eye(2)[None] + 0j, 2), InputError, "`n_occupied`"),
        (lambda: soft_gap(torch.eye(2)[None] + 0j, 1, 0.0), InputError, "`sharpness`"),
        (lambda: berry_flux(torch.eye(2).expand(3, 3, 2, 2) + 0j, 0), InputError, "between 1"),
        (lambda: design(1, tightness=1.0), InputError, "`tightness`"),
        (lambda: design(1, steps=0), InputError, "`steps`"),
        (lambda: design(1, polished=-1), InputError, "`polished`"),
    ],
)
def test_bad_arguments_are_refused(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
