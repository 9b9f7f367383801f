"""Hamiltonians in Fourier form: completion, evaluation, batches, bad input."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators, plain
from topophys.errors import HermiticityError, InputError, KindError, ShapeError, TopophysError


def complex_array(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def random_model(rng, dim=2, n_bands=3, batch=()):
    vectors = {tuple(v) for v in rng.integers(-2, 3, (4, dim)).tolist()} - {(0,) * dim}
    half = [v for v in vectors if v > tuple(-x for x in v)] or [(1,) * dim]
    onsite = complex_array(rng, *batch, n_bands, n_bands)
    hoppings = {v: complex_array(rng, *batch, n_bands, n_bands) for v in half}
    hoppings[(0,) * dim] = onsite + onsite.conj().swapaxes(-1, -2)
    return hoppings, tp.FourierHamiltonian(hoppings)


@given(rng=generators(), dim=st.integers(1, 3), n_bands=st.integers(1, 4))
def test_bloch_is_the_written_sum_and_hermitian(rng, dim, n_bands):
    hoppings, h = random_model(rng, dim, n_bands)
    k = rng.uniform(-9, 9, dim)
    total = hoppings[(0,) * dim].copy()
    for r, t in hoppings.items():
        if any(r):
            term = t * np.exp(1j * np.dot(k, r))
            total += term + term.conj().T
    np.testing.assert_allclose(h.bloch(k), total, atol=1e-12)
    np.testing.assert_allclose(h.bloch(k), h.bloch(k).conj().T, atol=1e-12)
    np.testing.assert_allclose(h.bloch(k + 2 * np.pi), total, atol=1e-11)


@given(rng=generators())
def test_the_grid_is_the_grid_of_k(rng):
    _, h = random_model(rng, batch=(2,))
    np.testing.assert_array_equal(h.on_grid((3, 5)), h.bloch(tp.k_grid((3, 5))))
    assert h.on_grid((3, 5)).shape == (2, 3, 5, 3, 3)


def test_hoppings_of_opposite_vectors_are_hermitian_conjugates():
    h = tp.FourierHamiltonian({(1,): [[0, 1], [2j, 0]]})
    np.testing.assert_array_equal(h.hoppings[-1,], [[0, -2j], [1, 0]])
    assert h.vectors.tolist() == [[-1], [1]]
    assert (h.dim, h.n_bands, h.n_occupied, h.batch_shape) == (1, 2, 1, ())
    with pytest.raises(TypeError):
        h.hoppings[1,] = np.eye(2)


def test_both_directions_are_checked_or_averaged():
    good = {(1,): [[0, 1], [0, 0]], (-1,): [[0, 0], [1, 0]]}
    np.testing.assert_array_equal(tp.FourierHamiltonian(good).hoppings[1,], good[1,])
    bad = {(1,): [[0, 1], [0, 0]], (-1,): [[0, 0], [0.5, 0]]}
    with pytest.raises(HermiticityError, match=r"violated by 0\.5 .*`?hermitian='average'"):
        tp.FourierHamiltonian(bad)
    mean = tp.FourierHamiltonian(bad, hermitian="average")
    np.testing.assert_array_equal(mean.hoppings[1,], [[0, 0.75], [0, 0]])
    with pytest.raises(HermiticityError):
        tp.FourierHamiltonian({(0,): [[0, 1], [0, 0]]})


def test_a_large_member_of_a_batch_hides_no_crooked_one():
    onsite = np.array([np.diag([1e12, -1e12]), [[0, 1.0], [0.9, 0]]])
    with pytest.raises(HermiticityError, match=r"violated by 0\.1"):
        tp.FourierHamiltonian({(0, 0): onsite})


def test_hoppings_at_the_ends_of_the_number_range():
    huge = tp.FourierHamiltonian({(1,): [[1e308]], (-1,): [[1e308]]})
    assert huge.hoppings[1,] == 1e308


@given(rng=generators())
def test_indexing_acts_on_the_batch_axes_only(rng):
    _, h = random_model(rng, batch=(3, 4))
    amplitudes = h.amplitudes
    mask = rng.integers(0, 2, (3, 4)).astype(bool)
    cases = {
        "int": 1, "negative": -1, "pair": (1, 2), "slice": slice(1, None), "list": [2, 0],
        "array": np.array([0, 0, 2]), "mask": mask, "ellipsis": (..., 1), "row": (slice(None), 2),
        "scalar array": np.int64(2), "lists": ([0, 1], [3, 2]), "both ends": (0, ..., 1),
    }  # fmt: skip
    for name, index in cases.items():
        chosen = h[index]
        batch = np.empty((3, 4))[index].shape
        assert chosen.batch_shape == batch, name
        flat = np.arange(12).reshape(3, 4)[index]
        expected = amplitudes.reshape(12, *amplitudes.shape[2:])[flat]
        np.testing.assert_array_equal(chosen.amplitudes, expected, err_msg=name)
        assert chosen._n_occupied == h._n_occupied


def test_len_and_iteration():
    h = tp.models.qwz([1.0, -1.0, 3.0])
    assert len(h) == 3
    assert [int(tp.certify_chern(one)) for one in h] == [-1, 1, 0]
    with pytest.raises(IndexError):
        h[3]
    single = tp.models.qwz(1.0)
    with pytest.raises(KindError):
        len(single)
    with pytest.raises(KindError):
        single[0]


def test_a_hamiltonian_keeps_its_own_numbers():
    t = np.array([[0, 1.0], [1.0, 0]])
    h = tp.FourierHamiltonian({(0,): t})
    t[:] = 7
    np.testing.assert_array_equal(h.bloch([0.0]).real, [[0, 1], [1, 0]])
    blocks = np.ones((2, 1, 1), complex)
    chain = tp.ChiralHamiltonian.from_array(0, blocks)
    blocks[:] = 7
    assert (chain.block_amplitudes == 1).all()


def test_texts():
    assert repr(tp.models.ssh(1.0, 2.0)).startswith("ChiralHamiltonian: 1D, 2 bands (1 occupied)")
    assert "3 x 2 of 2D" in repr(tp.models.qwz(np.zeros((3, 2))))


EYE = np.eye(2)
BAD = [
    ({}, InputError, "`hoppings`"),
    (None, InputError, "`hoppings`"),
    ([EYE], InputError, "`hoppings`"),
    ({(0.5,): EYE}, InputError, "tuples of integers"),
    ({"a": EYE}, InputError, "tuples of integers"),
    ({(True,): EYE}, InputError, "tuples of integers"),
    ({(): EYE}, InputError, "tuples of integers"),
    ({(0,): EYE, (0, 1): EYE}, InputError, "one dimension"),
    ({(0,): EYE, 0: EYE}, InputError, "distinct"),
    ({(0,): [[1, 2, 3]]}, ShapeError, r"hoppings\[\(0,\)\]"),
    ({(0,): [1, 2]}, ShapeError, r"hoppings\[\(0,\)\]"),
    ({(0,): EYE, (1,): np.eye(3)}, ShapeError, "one shape"),
    ({(0,): np.zeros((3, 2, 2)), (1,): np.zeros((4, 2, 2))}, ShapeError, "one shape"),
    ({(0,): [[np.nan]]}, InputError, "finite"),
    ({(0,): [[1.0]], (1,): [[np.inf]]}, InputError, "finite"),
    ({(0,): "text"}, InputError, "array of numbers"),
]


@pytest.mark.parametrize(("hoppings", "error", "text"), BAD)
def test_bad_hoppings_are_named_in_one_line(hoppings, error, text):
    with pytest.raises(error, match=text) as caught:
        plain(tp.FourierHamiltonian)(hoppings)
    assert isinstance(caught.value, TopophysError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_occupied", [0, 2, -1, 1.0, True])
def test_impossible_fillings_are_refused_at_once(n_occupied):
    with pytest.raises(InputError, match="`n_occupied`"):
        plain(tp.FourierHamiltonian)({(0,): EYE}, n_occupied=n_occupied)


def test_unknown_options_are_named():
    with pytest.raises(InputError, match="`hermitian` must be 'check' or 'average', but is 'no'"):
        plain(tp.FourierHamiltonian)({(0,): EYE}, hermitian="no")
    with pytest.raises(InputError, match="`hermitian`"):
        plain(tp.TwoBandHamiltonian)({(0,): [0, 0, 1]}, hermitian="no")


@pytest.mark.parametrize("grid", [(), (3,), (3, 3, 3), 0])
def test_grids_of_the_wrong_dimension_are_named(grid):
    with pytest.raises(InputError, match="`grid` must be"):
        tp.models.qwz(1.0).on_grid(grid)


@pytest.mark.parametrize("k", [[0.0], [0.0, 0.0, 0.0], 0.0])
def test_momenta_of_the_wrong_dimension_are_named(k):
    with pytest.raises(ShapeError, match="`k`"):
        tp.models.qwz(1.0).bloch(k)


@pytest.mark.parametrize("units", [1, 3, 5])
def test_the_smallest_numbers_are_left_alone(units):
    """A mean of two equal denormal numbers is not rounded to an even one."""
    tiny = units * 5e-324
    h = tp.FourierHamiltonian({(0,): [[0.0, tiny], [tiny, 0.0]], (1,): np.zeros((2, 2))})
    assert h.hoppings[(0,)][0, 1] == tiny
    assert h.amplitude_error == 0.0


def test_means_of_the_smallest_numbers_carry_their_error():
    h = tp.FourierHamiltonian({(0,): [[0.0, 5e-324], [1e-323, 0.0]]}, hermitian="average")
    assert h.amplitude_error > 0.0


@pytest.mark.parametrize("hermitian", ["check", "average"])
def test_making_one_takes_less_than_three_times_its_memory(hermitian):
    """What is given, and the result, and little more: files have hundreds of large matrices."""
    rng = np.random.default_rng(0)
    hops = {(0,): np.eye(100, dtype=complex)}
    for R in range(1, 20):
        m = rng.standard_normal((100, 100)) + 1j * rng.standard_normal((100, 100))
        hops |= {(R,): m, (-R,): m.conj().T.copy()}
    tracemalloc.start()
    h = tp.FourierHamiltonian(hops, hermitian=hermitian)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * h.amplitudes.nbytes
