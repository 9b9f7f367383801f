"""Two-band Hamiltonians: d-vector, scalar part, matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import topophys as tp
from tests.strategies import generators, plain, two_bands
from topophys.errors import HermiticityError, InputError, ShapeError

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


@given(h=two_bands(), rng=generators())
def test_the_matrix_is_d_times_sigma(h, rng):
    k = rng.uniform(-5, 5, (7, 2))
    d = h.d(k)
    assert d.dtype == np.float64
    np.testing.assert_allclose(h.bloch(k), np.einsum("ki,iab->kab", d, PAULI), atol=1e-12)
    energy = np.linalg.eigvalsh(h.bloch(k))
    np.testing.assert_allclose(energy[:, 1], np.linalg.norm(d, axis=-1), atol=1e-12)
    np.testing.assert_allclose(h.amplitudes, np.einsum("mi,iab->mab", h.d_amplitudes, PAULI))


def test_the_scalar_part_moves_both_bands():
    """Also where its lattice vectors are not those of d."""
    d = {(0, 0): [0, 0, 1.0], (1, 0): [0.5, 0, 0]}
    h = tp.TwoBandHamiltonian(d, d0={(0, 0): 3.0, (0, 2): 0.25j})
    k = np.array([0.3, 0.7])
    d0 = 3.0 - 0.5 * np.sin(2 * 0.7)
    without = tp.TwoBandHamiltonian(d)
    np.testing.assert_allclose(h.bloch(k), without.bloch(k) + d0 * np.eye(2), atol=1e-13)
    np.testing.assert_array_equal(h.d(k), without.d(k))
    assert len(h.vectors) == 5
    assert len(h.d_vectors) == 3


def test_batches_of_d_and_d0_are_broadcast():
    h = tp.TwoBandHamiltonian(
        {(1, 0): np.ones((3, 1, 3))}, d0={(0, 0): np.arange(4.0), (0, 1): np.ones((3, 1))}
    )
    assert h.batch_shape == (3, 4)
    assert h.amplitudes.shape == (3, 4, 5, 2, 2)
    for index in ((1, 2), (..., 3), ([2, 0],)):
        chosen = h[index]
        expected = h.amplitudes[(*index, *[slice(None)] * 3)]
        np.testing.assert_array_equal(chosen.amplitudes, expected)
        assert chosen.d(np.zeros(2)).shape == (*chosen.batch_shape, 3)
    with pytest.raises(ShapeError, match="`d0`"):
        tp.TwoBandHamiltonian({(1, 0): np.ones((3, 3))}, d0={(0, 0): np.ones(4)})


@pytest.mark.parametrize(
    ("d", "error", "text"),
    [
        ({(0, 0): [1.0, 2.0]}, ShapeError, r"`d\[\(0, 0\)\]`"),
        ({(0, 0): [0, 0, np.nan]}, InputError, "finite"),
        ({(0, 0): [0, 0, 1j]}, HermiticityError, "`d`"),
        ({(1, 0): [0, 0, 1.0], (-1, 0): [0, 0, 1j]}, HermiticityError, "`d`"),
        ({(1, 0): [0, 0, 1.0], (1,): [0, 0, 1.0]}, InputError, "one dimension"),
        ({}, InputError, "`d`"),
    ],
)
def test_bad_d_vectors_are_named_in_one_line(d, error, text):
    with pytest.raises(error, match=text) as caught:
        plain(tp.TwoBandHamiltonian)(d)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("d0", "error"),
    [
        ({(0,): 1.0}, InputError), ({(0, 0): "a"}, InputError), ({(0, 0): 1j}, HermiticityError),
        ({(0, 0): np.nan}, InputError), ({(0, 0.5): 1.0}, InputError), ([1.0], InputError),
    ],
)  # fmt: skip
def test_a_bad_scalar_part_is_named_in_one_line(d0, error):
    with pytest.raises(error, match="`d0") as caught:
        plain(tp.TwoBandHamiltonian)({(0, 0): [0, 0, 1.0]}, d0=d0)
    assert "\n" not in str(caught.value)


def test_conjugates_given_twice_are_averaged_where_asked_for():
    d = {(1, 0): [1.0, 0, 0], (-1, 0): [0.5, 0, 0]}
    h = tp.TwoBandHamiltonian(d, hermitian="average")
    assert h.d([0.0, 0.0])[0] == 1.5
