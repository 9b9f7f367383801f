"""Chiral chains: their block, their matrix, their symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import chains, generators, plain
from topophys.errors import InputError, KindError, ShapeError


def test_hoppings_of_bloch_matrices_are_no_blocks():
    chain = tp.models.ssh(1.0, [2.0, 0.5])
    with pytest.raises(InputError, match=r"`block` must be the blocks D\(k\)"):
        tp.ChiralHamiltonian(dict(chain.hoppings))
    full = np.stack([chain.hoppings[r,] for r in (-1, 0, 1)], -3)
    with pytest.raises(InputError, match=r"`block` must be the blocks D\(k\)"):
        tp.ChiralHamiltonian.from_array(-1, full)
    # one of a batch that is none, and a swap of two orbitals
    full[0, 0, 0, 0] = 0.1
    assert tp.ChiralHamiltonian.from_array(-1, full).batch_shape == (2,)
    tp.ChiralHamiltonian({0: [[0.0, 1.0], [1.0, 0.0]]})


@given(chain=chains(), rng=generators())
def test_the_matrix_is_made_of_the_block(chain, rng):
    k = rng.uniform(-5, 5, (6, 1))
    h, block = chain.bloch(k), chain.block(k)
    n = block.shape[-1]
    size = np.abs(chain.block_amplitudes).sum()
    np.testing.assert_allclose(h[:, :n, n:], block, atol=1e-13 * size)
    np.testing.assert_allclose(h[:, n:, :n], block.conj().swapaxes(-1, -2), atol=1e-13 * size)
    assert not h[:, :n, :n].any()
    assert not h[:, n:, n:].any()
    gamma = np.diag([1.0] * n + [-1.0] * n)
    np.testing.assert_allclose(gamma @ h @ gamma, -h, atol=0)


@given(chain=chains(), rng=generators())
def test_the_block_is_the_written_sum(chain, rng):
    k = float(rng.uniform(-5, 5))
    lowest, highest = chain.block_range
    total = sum(
        d * np.exp(1j * n * k)
        for n, d in zip(range(lowest, highest + 1), chain.block_amplitudes, strict=True)
    )
    np.testing.assert_allclose(chain.block([k]), total, atol=1e-12 * np.abs(total).max())


def test_orders_in_between_are_zero():
    chain = tp.ChiralHamiltonian({-1: [[1.0]], (2,): [[3.0]]})
    assert chain.block_range == (-1, 2)
    assert chain.block_amplitudes.ravel().tolist() == [1, 0, 0, 3]
    same = tp.ChiralHamiltonian.from_array(-1, [[[1.0]], [[0.0]], [[0.0]], [[3.0]]])
    np.testing.assert_array_equal(same.block_amplitudes, chain.block_amplitudes)
    np.testing.assert_array_equal(same.amplitudes, chain.amplitudes)


def test_a_chain_and_its_matrix_as_plain_hoppings_agree():
    chain = tp.ensembles.aiii_chains(3, rng=1)
    again = tp.FourierHamiltonian(dict(chain.hoppings))
    np.testing.assert_allclose(again.on_grid(9), chain.on_grid(9), atol=1e-13)


def test_parameters_make_batches():
    h = tp.models.ssh(np.ones(3)[:, None], np.ones(4), 0.5)
    assert h.batch_shape == (3, 4)
    assert h.block_on_grid(6).shape == (3, 4, 6, 1, 1)
    assert tp.models.ssh(1.0, 2.0).batch_shape == ()


@pytest.mark.parametrize(
    ("block", "error"),
    [
        ({(0, 0): np.eye(2)}, InputError), ({0.5: np.eye(2)}, InputError), ({}, InputError),
        ({0: np.ones((2, 3))}, ShapeError), ({0: np.full((2, 2), np.nan)}, InputError),
        ({0: np.eye(2), 1: np.eye(3)}, ShapeError), ({True: np.eye(2)}, InputError),
    ],
)  # fmt: skip
def test_bad_blocks_are_named_in_one_line(block, error):
    with pytest.raises(error, match="`block") as caught:
        plain(tp.ChiralHamiltonian)(block)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lowest", "amplitudes"), [(0.5, np.ones((2, 1, 1))), ("a", np.ones((2, 1, 1)))]
)
def test_a_bad_order_is_named(lowest, amplitudes):
    with pytest.raises(InputError, match="`lowest`"):
        plain(tp.ChiralHamiltonian.from_array)(lowest, amplitudes)


@pytest.mark.parametrize("amplitudes", [np.ones((2, 2)), np.ones((2, 1, 2)), np.ones((0, 2, 2))])
def test_bad_amplitudes_are_named(amplitudes):
    with pytest.raises(ShapeError, match="`amplitudes`"):
        tp.ChiralHamiltonian.from_array(0, amplitudes)


@pytest.mark.parametrize("grid", [0, (4, 4)])
def test_a_grid_that_is_none_is_refused_by_the_name_of_the_argument(grid):
    with pytest.raises(InputError, match="Argument `grid` must"):
        plain(tp.ChiralHamiltonian.block_on_grid)(tp.models.ssh(1.0, 2.0), grid)
    with pytest.raises(InputError, match="Argument `grid` must"):
        tp.models.ssh(1.0, 2.0).on_grid(grid)
    with pytest.raises(InputError, match="Argument `grid` must"):
        tp.from_callable(lambda _: np.eye(2), dim=1).on_grid(grid)


# ---- chains that are given as matrices


def shuffled(chain, order):
    """The same chain as a general Hamiltonian with its orbitals in another order."""
    return tp.FourierHamiltonian(
        {
            (int(r),): chain.amplitudes[..., i, :, :][..., order, :][..., order]
            for i, (r,) in enumerate(chain.vectors)
        }
    )


@given(chain=chains(), rng=generators(), data=st.data())
def test_blocks_are_found_in_any_order_of_orbitals(chain, rng, data):
    n = chain.n_bands
    order = data.draw(st.permutations(range(n)))
    h = shuffled(chain, order)
    first = [i for i, a in enumerate(order) if a < n // 2]
    found = tp.ChiralHamiltonian.from_hamiltonian(h, sublattice=first)
    a = [order[i] for i in first]
    b = [x - n // 2 for x in order if x >= n // 2]
    k = rng.uniform(-5, 5, (4, 1))
    expected = chain.block(k)[..., a, :][..., b]
    np.testing.assert_allclose(found.block(k), expected, atol=1e-13 * np.abs(expected).max())
    assert found.batch_shape == chain.batch_shape
    assert not found.amplitude_error.any()


def test_orbital_0_is_of_the_first_sublattice():
    chain = tp.models.ssh(1.0, 2.0)
    for order, value in ([0, 1], 1), ([1, 0], -1):
        found = tp.ChiralHamiltonian.from_hamiltonian(shuffled(chain, order))
        assert int(tp.certify_winding(found)) == value


def test_blocks_keep_what_is_known_of_the_hamiltonian():
    h = tp.FourierHamiltonian(
        {(0,): [[0, 1], [1, 0]], (1,): [[0, 2], [0, 0]]}, lattice=[[2.5]], positions=[[0.0], [0.4]]
    )
    h = 0.1 * h  # rounds
    h.unit = "eV"
    turned = tp.ChiralHamiltonian.from_hamiltonian(h, sublattice=[1])
    assert turned.amplitude_error >= h.amplitude_error > 0.0
    assert turned.unit == "eV"
    np.testing.assert_array_equal(turned.lattice, [[2.5]])
    np.testing.assert_array_equal(turned.positions, [[0.4], [0.0]])


def coupled(size):
    """SSH chain whose first sublattice has hoppings of its own."""
    return tp.models.ssh(1.0, 2.0) + tp.FourierHamiltonian({(1,): np.diag([size, 0.0])})


@pytest.mark.parametrize("scale", [2.0**-900, 1.0, 2.0**900])
def test_hoppings_within_a_sublattice_are_not_neglected_in_silence(scale):
    h = scale * coupled(1e-7)
    with pytest.raises(KindError, match="orbital 0 has the energy"):
        tp.ChiralHamiltonian.from_hamiltonian(h)
    chain = tp.ChiralHamiltonian.from_hamiltonian(h, neglect=1e-6)
    # 2 eps cos k is what is left out
    assert 2e-7 * scale <= chain.amplitude_error <= 2.01e-7 * scale
    exact = tp.certify_winding(scale * tp.models.ssh(1.0, 2.0))
    found = tp.certify_winding(chain)
    assert found.value == exact.value == 1
    assert found.gap_lower <= exact.gap_upper - 2 * 2e-7 * scale


def test_a_chain_without_hoppings_has_a_block_of_zeros():
    nothing = tp.FourierHamiltonian({(0,): np.zeros((2, 2)), (3,): np.zeros((2, 2))})
    chain = tp.ChiralHamiltonian.from_hamiltonian(nothing, sublattice=[1])
    assert chain.block_range == (0, 0)
    assert not chain.block_amplitudes.any()


def test_what_is_left_out_counts_against_the_gap():
    h = coupled(0.6)  # eps = 1.2 is above the smallest singular value 1 of the block
    chain = tp.ChiralHamiltonian.from_hamiltonian(h, neglect=0.5)
    assert tp.certify_winding(chain).status == "unresolved"
    chain = tp.ChiralHamiltonian.from_hamiltonian(coupled(0.4), neglect=0.5)
    assert tp.certify_winding(chain).status == "certified"


@pytest.mark.parametrize(
    ("h", "message"),
    [
        (tp.models.rice_mele(1.0, 2.0, 0.5), "orbital 0 has the energy 0.5"),
        (coupled(0.1), "orbital 0 has the energy"),
        (tp.models.qwz(1.0), "in 2D"),
        (tp.FourierHamiltonian({(0,): np.kron(np.eye(2), [[0, 1], [1, 0]])}), "connected orbitals"),
        (
            tp.FourierHamiltonian({(0,): [[0, 1, 1], [1, 0, 0], [1, 0, 0]]}),
            "1 and 2 orbitals",
        ),
    ],
    ids=["energies", "second hopping", "plane", "apart", "unequal"],
)
def test_what_has_no_block_is_refused(h, message):
    with pytest.raises(KindError, match=message):
        tp.ChiralHamiltonian.from_hamiltonian(h)


@pytest.mark.parametrize("share", [-1e-9, 1.0, np.nan, np.inf])
def test_neglect_is_a_share(share):
    with pytest.raises(InputError, match="neglect"):
        tp.ChiralHamiltonian.from_hamiltonian(coupled(0.0), neglect=share)


def test_the_message_of_the_proof_names_the_way():
    with pytest.raises(KindError, match="from_hamiltonian"):
        plain(tp.certify_winding)(coupled(0.0))


FAR = 2**62


@pytest.mark.parametrize(
    "make",
    [
        lambda: tp.ChiralHamiltonian({0: [[1.0]], FAR: [[2.0]]}),
        lambda: tp.ChiralHamiltonian({0: [[1.0]]}) + tp.ChiralHamiltonian({FAR: [[1.0]]}),
        lambda: tp.ChiralHamiltonian.from_hamiltonian(
            tp.FourierHamiltonian({(0,): [[0, 1], [1, 0]], (FAR,): [[0, 2.0], [0, 0]]})
        ),
    ],
    ids=["constructor", "sum", "found"],
)
def test_distant_hoppings_are_refused_before_memory_is_taken(make):
    with pytest.raises(InputError, match=f"has {FAR + 1} orders"):
        make()
