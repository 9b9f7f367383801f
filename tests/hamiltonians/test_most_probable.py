"""The most probable Hamiltonian behind flattened samples, against algebra and differences."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from topophys.errors import GaplessError, InputError, ShapeError
from topophys.hamiltonians.flatten import flatten_block
from topophys.hamiltonians.most_probable import (
    CHAIN_FAMILIES,
    PLANE_FAMILIES,
    harmonic_variances,
    most_probable_blocks,
    most_probable_vectors,
    quadratic_form,
    weighed,
)


@pytest.fixture(scope="module")
def chains():
    return tp.ensembles.hard_chains("gaussian", 3, n_orbitals=2, rng=4)


def test_variances_of_harmonics_are_those_of_all_hoppings_that_the_grid_confounds():
    v = harmonic_variances([4], 3, 1.0)
    far, near = 1 / 16, 1 / 4
    np.testing.assert_allclose(v, [1.0, near + far, 2 / 9, near + far])
    v = harmonic_variances([3, 5], 1, 0.5)
    np.testing.assert_allclose(v[:, 0], [1.0, 0.5, 0.5])
    np.testing.assert_allclose(v[:, 1], [0.5, 1 / 3, 1 / 3])
    np.testing.assert_allclose(v[:, 2:4], 1e-6)
    given = harmonic_variances([12], variance=lambda m: np.exp(-m))
    np.testing.assert_allclose(given[:3], np.exp([0.0, -1.0, -2.0]), rtol=1e-3)


def test_chains_that_the_points_determine_are_found_up_to_their_unit(chains):
    blocks = chains.block_on_grid(12)
    apart = []
    order = np.fft.fftfreq(12, 1 / 12)
    for absent in (1e-4, 1e-8):  # variances of the harmonics beyond the range
        found = most_probable_blocks(blocks, np.where(np.abs(order) <= 2, 1.0, absent))
        assert found.converged.all()
        axes = (1, 2, 3)
        factor = (np.conj(blocks) * found.values).sum(axes) / (np.abs(blocks) ** 2).sum(axes)
        away = found.values - factor[:, None, None, None] * blocks
        apart.append(np.abs(away).max(axes) / np.abs(found.values).max(axes))
    # amplitudes fall as the root of the variances
    assert (apart[1] < apart[0] / 50.0).all()
    assert (apart[1] < 1e-3).all()


def log_density(values, flat, variances):
    """The formula of the docstring, of blocks P U."""
    points = flat.shape[1]
    p = values @ np.conj(np.swapaxes(flat, -1, -2))
    d = np.fft.fft(values, axis=1, norm="forward")
    prior = -(np.abs(d) ** 2 / variances[:, None, None]).sum((1, 2, 3))
    return prior + flat.shape[-1] * np.linalg.slogdet(p)[1].sum(1), points


@pytest.mark.parametrize("family", [(1, 0.0), (3, 1.0)])
def test_it_is_the_maximum_of_the_stated_density(chains, family):
    flat, v = flatten_block(chains.block_on_grid(8)), harmonic_variances([8], *family)
    found = most_probable_blocks(flat, v)
    best, _ = log_density(found.values, flat, v)
    rng = np.random.default_rng(1)
    for _ in range(8):
        noise = rng.standard_normal((*flat.shape, 2)) @ [1.0, 1.0j]
        step = 1e-5 * (noise + np.conj(np.swapaxes(noise, -1, -2)))
        ends = [log_density(found.values + s * step @ flat, flat, v)[0] for s in (1.0, -1.0)]
        assert (np.maximum(*ends) < best).all()
        # no slope: both sides fall alike
        assert (np.abs(ends[0] - ends[1]) < 0.05 * (2.0 * best - ends[0] - ends[1])).all()


def test_the_form_is_the_logarithm_of_the_prior(chains):
    flat, v = flatten_block(chains.block_on_grid(8)), harmonic_variances([8], 2, 1.0)
    found = most_probable_blocks(flat, v)
    form, basis = quadratic_form(flat, v)
    x = found.factors
    p = np.einsum("bja,aik->bjik", x.reshape(len(x), 8, -1), basis)
    np.testing.assert_allclose(p @ flat, found.values, atol=1e-12)
    prior, _ = log_density(found.values, flat, v)
    prior -= 2 * np.linalg.slogdet(p)[1].sum(1)
    np.testing.assert_allclose(-0.5 * np.einsum("bi,bij,bj->b", x, form, x), prior, rtol=1e-10)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_only_polar_factors_count_and_units_of_variances_do_not_matter(chains, scale):
    blocks, v = chains.block_on_grid(8), harmonic_variances([8], 2)
    found = most_probable_blocks(blocks, v)
    same = most_probable_blocks(scale * flatten_block(blocks), v)
    np.testing.assert_allclose(same.values, found.values, rtol=1e-9, atol=1e-12)
    other = most_probable_blocks(blocks, 4.0 * v)
    np.testing.assert_allclose(other.values, 2.0 * found.values, rtol=1e-6)
    np.testing.assert_allclose(other.log_evidence, found.log_evidence, atol=1e-6)


def test_changes_of_basis_go_along(chains):
    blocks, v = chains.block_on_grid(8), harmonic_variances([8], 2)
    rng = np.random.default_rng(2)
    left, right = (np.linalg.qr(rng.standard_normal((2, 2)) + 1j * np.eye(2))[0] for _ in range(2))
    found, moved = most_probable_blocks(blocks, v), most_probable_blocks(left @ blocks @ right, v)
    np.testing.assert_allclose(moved.values, left @ found.values @ right, atol=1e-6)
    np.testing.assert_allclose(moved.log_evidence, found.log_evidence, atol=1e-6)


def test_evidence_prefers_the_range_that_was_drawn(chains):
    blocks = chains.block_on_grid(12)
    every = [most_probable_blocks(blocks, harmonic_variances([12], r)) for r in (1, 2, 3)]
    assert (np.argmax([e.log_evidence for e in every], 0) == 1).all()


def test_jacobian_of_polar_factors_is_the_product_of_sums():
    rng = np.random.default_rng(2)
    basis = quadratic_form(np.eye(2, dtype=complex)[None, None], np.ones(1))[1]

    def moved(p):
        """Determinant of the differential of D -> U at P U with U = 1, on anti-Hermitian dD."""
        step, columns = 1e-6, []
        for b in basis:
            ends = [flatten_block((p + s * step * 1j * b)[None])[0] for s in (1.0, -1.0)]
            change = (ends[0] - ends[1]) / (2j * step)
            columns.append([np.trace(c @ change).real for c in basis])
        return np.linalg.det(columns)

    for _ in range(3):
        root = rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))
        p = root @ root.conj().T + 0.3 * np.eye(2)
        size = np.linalg.eigvalsh(p)
        # anti-Hermitian changes solve P W + W P = 2 dD
        expected = 2.0**4 / np.prod(size[:, None] + size)
        assert np.isclose(moved(p), expected, rtol=1e-5)


def test_planes_of_two_bands_are_found_up_to_their_unit():
    d = tp.ensembles.two_band(2, rng=3).d_on_grid((8, 6))
    found = most_probable_vectors(1e200 * d, harmonic_variances([8, 6], 1))
    assert found.converged.all()
    ratio = np.linalg.norm(found.values, axis=-1) / np.linalg.norm(d, axis=-1)
    assert (np.ptp(ratio, axis=(1, 2)) < 2e-2 * ratio.mean((1, 2))).all()


@pytest.mark.parametrize("kind", ["blocks", "vectors"])
def test_any_batch_and_none(kind, chains):
    if kind == "blocks":
        x, v, solve = chains.block_on_grid(6), harmonic_variances([6], 1), most_probable_blocks
    else:
        x = tp.models.qwz([-1.0, 0.5, 3.0]).d_on_grid(5)
        v, solve = harmonic_variances([5, 5], 1), most_probable_vectors
    whole, tail = solve(x, v), x.shape[1:]
    single = solve(x[1], v)
    assert single.values.shape == tail
    assert single.log_evidence.shape == single.converged.shape == ()
    np.testing.assert_allclose(single.values, whole.values[1], rtol=1e-4, atol=1e-4)
    assert solve(x.reshape(3, 1, *tail), v).values.shape == (3, 1, *tail)
    assert solve(x[:0], v).values.shape == (0, *tail)


def test_shares_are_those_of_the_evidence():
    value, share, best = weighed(
        [np.log([1.0, 4.0]), np.log([2.0, 1.0]), np.log([3.0, 5.0])],
        [np.array([0, 1]), np.array([0, 2]), np.array([1, 2])],
    )
    assert best.tolist() == [2, 2]
    assert value.tolist()[1] == 2
    np.testing.assert_allclose(share, [0.5, 0.6])
    assert len(CHAIN_FAMILIES) == len(set(CHAIN_FAMILIES))
    assert len(PLANE_FAMILIES) == len(set(PLANE_FAMILIES))


def test_wrong_samples_are_refused():
    good, v = tp.models.ssh(1.0, 2.0).block_on_grid(8), harmonic_variances([8], 1)
    with pytest.raises(InputError, match="`variances` must be positive"):
        most_probable_blocks(good, 0.0 * v)
    with pytest.raises(ShapeError, match="variances"):
        most_probable_blocks(good, v[:-1])
    with pytest.raises(GaplessError):
        most_probable_blocks(0.0 * good, v)
    with pytest.raises(GaplessError, match="direction of d"):
        most_probable_vectors(np.zeros((4, 4, 3)), np.ones((4, 4)))
    with pytest.raises(InputError, match="at most 4096 unknown"):
        most_probable_blocks(np.ones((5000, 1, 1)), np.ones(5000))
    with pytest.raises(InputError, match="`reach` must be given"):
        harmonic_variances([4])
    with pytest.raises(InputError, match="`power` must be"):
        harmonic_variances([4], 1, np.nan)
