"""Localizer and Bott index: signs, disorder, certificates of signatures, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError, ShapeError, UnresolvedError
from topophys.invariants.localizer import _levels


def sample(h, n, *, torus):
    """Matrix and positions of n x n cells."""
    size = h.n_bands
    cells = np.array([(x, y) for x in range(n) for y in range(n)])
    matrix = np.zeros((n, n, size, n, n, size), complex)
    for (dx, dy), m in h.hoppings.items():
        for x in range(n):
            for y in range(n):
                to = (x + dx, y + dy)
                if torus or (0 <= to[0] < n and 0 <= to[1] < n):
                    matrix[x, y, :, to[0] % n, to[1] % n] += m
    return matrix.reshape(n * n * size, -1), np.repeat(cells, size, axis=0)


@pytest.mark.parametrize("m", [-3.0, -1.0, 1.0, 3.0])
def test_both_indices_are_the_chern_number(m):
    h = tp.models.qwz(m)
    chern = int(tp.certify_chern(h))
    flake, where = sample(h, 9, torus=False)
    found = tp.localizer_index(flake, where, kappa=0.25)
    assert int(found) == chern
    assert str(found.status) == "certified"
    assert 0.0 < found.gap_lower <= found.gap_upper
    torus, where = sample(h, 8, torus=True)
    assert int(tp.bott_index(torus, where, period=[8, 8], n_occupied=64)) == chern


def test_two_bands_of_chern_number_two():
    h = tp.models.d_wave_chern(0.5)
    torus, where = sample(h, 10, torus=True)
    assert int(tp.bott_index(torus, where, period=[10, 10], n_occupied=100)) == -2
    flake, where = sample(h, 12, torus=False)
    assert int(tp.localizer_index(flake, where, kappa=0.2)) == -2


def test_disorder_within_the_gap_keeps_the_index():
    rng = np.random.default_rng(0)
    flake, where = sample(tp.models.qwz(-1.0), 8, torus=False)
    batch = np.stack([flake + np.diag(rng.uniform(-w, w, len(flake))) for w in (0.1, 0.5, 1.0)])
    found = tp.localizer_index(batch, where, kappa=0.25)
    assert found.value.tolist() == [1, 1, 1]
    # what is smaller than the proven gap cannot change it
    noise = rng.standard_normal(flake.shape)
    noise = noise + noise.T
    noise *= 0.99 * found.gap_lower[0] / np.linalg.norm(noise, 2)
    assert int(tp.localizer_index(batch[0] + noise, where, kappa=0.25)) == 1


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_the_unit_does_not_matter(unit):
    flake, where = sample(tp.models.qwz(-1.0), 7, torus=False)
    found = tp.localizer_index(unit * flake, where, kappa=0.25 * unit)
    assert int(found) == 1


def test_a_level_at_zero_is_not_certified():
    with pytest.raises(UnresolvedError):
        tp.localizer_index(np.zeros((2, 2)), [[0.0, 0.0], [0.0, 0.0]], kappa=1.0,
                           on_unresolved="raise")  # fmt: skip


def test_levels_are_bounded_by_what_was_computed():
    rng = np.random.default_rng(1)
    a = rng.standard_normal((30, 30)) + 1j * rng.standard_normal((30, 30))
    a = (a + a.conj().T) / 20.0
    level, off = _levels(a)
    assert 0.0 < off < 1e-11
    exact = np.linalg.eigvalsh(a.astype(np.clongdouble).astype(complex))
    assert abs(level - exact).max() < off


def test_refusals_name_the_argument():
    flake, where = sample(tp.models.qwz(-1.0), 3, torus=True)
    for options, words in (({"kappa": 0.0}, "`kappa`"), ({"kappa": 0.1, "energy": np.inf},
                                                         "`energy`")):  # fmt: skip
        with pytest.raises(InputError, match=words):
            plain(tp.localizer_index)(flake, where, **options)
    with pytest.raises(ShapeError, match="`positions` must have shape"):
        tp.localizer_index(flake, where[:-1], kappa=0.1)
    with pytest.raises(ShapeError, match="`centre` must have shape"):
        tp.localizer_index(flake, where, kappa=0.1, centre=[[0.0, 0.0]])
    with pytest.raises(InputError, match="`period`"):
        tp.bott_index(flake, where, period=[3.0, -3.0], n_occupied=9)
    with pytest.raises(InputError, match="`n_occupied`"):
        tp.bott_index(flake, where, period=[3.0, 3.0], n_occupied=18)
