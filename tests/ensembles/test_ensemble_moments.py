"""Distributions of the random ensembles: moments, units, symmetry, unchanged draws."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError

ENSEMBLES = tp.ensembles


def digest(array):
    # to nine digits: the square root of a sum of squares may differ by a bit on other processors
    rounded = np.round(np.ascontiguousarray(array).view(np.float64), 9) + 0.0  # no negative zero
    return hashlib.sha256(rounded.tobytes()).hexdigest()[:16]


def test_draws_without_decay_are_those_of_the_first_release():
    """Data sets name a seed: what it gives must never change."""
    assert digest(ENSEMBLES.aiii_chains(50, rng=11).block_amplitudes) == "5da82a91a50ff5d1"
    chains = ENSEMBLES.aiii_chains(20, n_orbitals=3, hopping_range=1, rng=12)
    assert digest(chains.block_amplitudes) == "75b5317e8b05395f"
    assert digest(ENSEMBLES.two_band(50, rng=13).d_amplitudes) == "d3eb215416d6beeb"
    planes = ENSEMBLES.two_band(20, hopping_range=3, rng=14)
    assert digest(planes.d_amplitudes) == "9da829da8cee9c5f"


@pytest.mark.parametrize("n_bands", [2, 3, 5])
@pytest.mark.parametrize("reach", [0, 1, 2])
def test_class_a_has_the_announced_unit_and_no_trace(n_bands, reach):
    h = ENSEMBLES.class_a(4, n_bands=n_bands, hopping_range=reach, decay=0.3, rng=1)
    energy = np.linalg.eigvalsh(h.on_grid((8, 8)))
    np.testing.assert_allclose((energy**2).mean((-3, -2, -1)), 1.0, rtol=1e-12)
    np.testing.assert_allclose(energy.sum(-1), 0.0, atol=1e-12)
    assert len(h.vectors) == (2 * reach + 1) ** 2
    assert h.n_occupied == n_bands // 2
    assert ENSEMBLES.class_a(2, n_bands=5, n_occupied=4, rng=1).n_occupied == 4


def test_class_a_is_gaussian_unitary():
    """Variances of every entry, none of them preferred, and no correlation with its phase."""
    n, n_bands = 4000, 3
    h = ENSEMBLES.class_a(n, n_bands=n_bands, rng=3).amplitudes
    power = (np.abs(h) ** 2).mean(0)
    # 9 vectors share the rms energy 1; off the diagonal E|h|^2 = 1 before it, on it 1 - 1/n
    unit = n_bands / (9 * (n_bands**2 - 1))
    off = ~np.eye(n_bands, dtype=bool)
    np.testing.assert_allclose(power[:, off], unit, rtol=0.08)
    np.testing.assert_allclose(power[:, ~off], unit * (1 - 1 / n_bands), rtol=0.08)
    assert np.abs(h.mean(0)).max() < 4 * np.sqrt(unit / n)
    half = h[:, 5:]  # R and -R are not independent, the others are
    assert np.abs((half**2).mean(0)).max() < 4.5 * unit / np.sqrt(n)
    fourth = (np.abs(half[..., off]) ** 4).mean() / (np.abs(half[..., off]) ** 2).mean() ** 2
    assert fourth == pytest.approx(2.0, abs=0.1)  # a complex Gaussian; slightly less, normalised


def test_two_bands_of_class_a_are_those_of_two_band():
    n = 4000
    general = ENSEMBLES.class_a(n, n_bands=2, rng=5).amplitudes
    special = ENSEMBLES.two_band(n, rng=6).amplitudes
    for moment in (2, 4):
        one, other = ((np.abs(h) ** moment).mean(0) for h in (general, special))
        np.testing.assert_allclose(one, other, rtol=0.15)
    shares = [
        (tp.certify_chern(h[:600]).value == 0).mean()
        for h in (ENSEMBLES.class_a(600, n_bands=2, rng=7), ENSEMBLES.two_band(600, rng=8))
    ]
    assert shares[0] == pytest.approx(shares[1], abs=0.1)


@pytest.mark.parametrize("decay", [0.5, 2.0])
def test_decay_is_exponential_in_the_amplitude(decay):
    n = 3000
    chains = ENSEMBLES.aiii_chains(n, decay=decay, rng=1)
    planes = ENSEMBLES.two_band(n, hopping_range=2, decay=decay, rng=2)
    general = ENSEMBLES.class_a(n, n_bands=3, hopping_range=2, decay=decay, rng=3)
    for vectors, coefficients, axes in (
        (np.arange(-2, 3)[:, None], chains.block_amplitudes, (-2, -1)),
        (planes.d_vectors, planes.d_amplitudes, (-1,)),
        (general.vectors, general.amplitudes, (-2, -1)),
    ):
        power = (np.abs(coefficients) ** 2).sum(axes)
        relative = power / power[:, [len(vectors) // 2]]  # to R = 0 of the same Hamiltonian
        lengths = np.linalg.norm(vectors, axis=1)
        # in each Hamiltonian the unit cancels, so that geometric means have no bias
        log_ratio = np.log(relative).mean(0) - np.log(relative[:, lengths == 1]).mean()
        away = lengths > 0
        expected = -2 * decay * (lengths[away] - 1)
        np.testing.assert_allclose(log_ratio[away], expected, atol=0.12)


def test_a_strong_decay_leaves_the_origin():
    h = ENSEMBLES.class_a(3, n_bands=2, decay=700.0, rng=1)
    assert tp.certify_chern(h).value.tolist() == [0, 0, 0]


def test_disordered_chains_by_hand():
    chains = ENSEMBLES.disordered_ssh(2, cells=3, t1=1.0, t2=2.0, disorder=(0.2, 0.4), rng=9)
    assert (chains.n_bands, chains.block_range) == (6, (0, 1))
    shift = np.random.default_rng(9).uniform(-0.5, 0.5, (2, 2, 3))
    a, b = 1.0 + 0.2 * shift[:, 0], 2.0 + 0.4 * shift[:, 1]
    k = 0.7
    for m in range(2):
        expected = np.diag(a[m]).astype(complex) + np.diag(b[m, :2], k=1)
        expected[2, 0] = b[m, 2] * np.exp(1j * k)
        np.testing.assert_allclose(chains.block([k])[m], expected, atol=1e-15)


def test_clean_supercells_are_folded_chains():
    """Energies of a supercell of L cells are those of the chain at L momenta."""
    cells, k = 5, 0.9
    folded = ENSEMBLES.disordered_ssh(1, cells=cells, t1=0.6, t2=1.0, disorder=0.0, rng=0)[0]
    inner = (k + 2 * np.pi * np.arange(cells)) / cells
    energies = np.linalg.eigvalsh(tp.models.ssh(0.6, 1.0).bloch(inner[:, None]))
    np.testing.assert_allclose(
        np.linalg.eigvalsh(folded.bloch([k])), np.sort(energies.ravel()), atol=1e-13
    )


@pytest.mark.parametrize("cells", [1, 2, 5, 12])
def test_products_of_hoppings_decide_the_winding(cells):
    chains = ENSEMBLES.disordered_ssh(60, cells=cells, t1=0.8, t2=1.0, disorder=2.5, rng=cells)
    inside = chains.block_amplitudes[:, 0, range(cells), range(cells)]
    between = chains.block_amplitudes.sum(1)[:, range(cells), [*range(1, cells), 0]]
    if cells == 1:  # both hoppings sit in the only entry
        between = chains.block_amplitudes[:, 1, :, 0]
    expected = np.log(np.abs(between)).sum(1) > np.log(np.abs(inside)).sum(1)
    proof = tp.certify_winding(chains)
    assert proof.certified.mean() > 0.9
    np.testing.assert_array_equal(proof.value[proof.certified], expected[proof.certified])
    assert 0 < expected.mean() < 1


def test_finite_chains_have_edge_states():
    chains = ENSEMBLES.disordered_ssh(
        5, cells=30, t1=0.5, t2=1.0, disorder=0.1, periodic=False, rng=2
    )
    assert chains.block_range == (0, 0)
    energies = np.abs(np.linalg.eigvalsh(chains.bloch([0.0])))
    assert (np.sort(energies, axis=-1)[:, 1] < 1e-6).all()
    assert (np.sort(energies, axis=-1)[:, 2] > 0.3).all()


SSH = {"cells": 2, "t1": 1.0, "t2": 1.0, "disorder": 0.1}


@pytest.mark.parametrize(
    ("ensemble", "options", "name"),
    [
        (ENSEMBLES.class_a, {"n_bands": 1}, "n_bands"),
        (ENSEMBLES.class_a, {"n_bands": 2, "n_occupied": 2}, "n_occupied"),
        (ENSEMBLES.class_a, {"n_bands": 2, "hopping_range": -1}, "hopping_range"),
        (ENSEMBLES.class_a, {"n_bands": 2, "decay": -1.0}, "decay"),
        (ENSEMBLES.two_band, {"decay": np.nan}, "decay"),
        (ENSEMBLES.aiii_chains, {"decay": np.inf}, "decay"),
        (ENSEMBLES.disordered_ssh, {**SSH, "cells": 0}, "cells"),
        (ENSEMBLES.disordered_ssh, {**SSH, "t1": np.inf}, "t1"),
        (ENSEMBLES.disordered_ssh, {**SSH, "disorder": -0.1}, "disorder"),
        (ENSEMBLES.disordered_ssh, {**SSH, "disorder": (0.1, np.nan)}, "disorder"),
    ],
    ids=lambda given: getattr(given, "__name__", str(given)),
)
def test_refusals(ensemble, options, name):
    with pytest.raises(InputError, match=f"`{name}`"):
        ensemble(2, rng=1, **options)
