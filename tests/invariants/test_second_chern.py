"""Second Chern numbers: diagram, the integral, signs of Gammas, refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError, KindError
from topophys.invariants.chern_4d import GAMMAS
from topophys.kernels.degree import PATHS, covers_5

SIGNS = {
    p: round(np.linalg.det(np.eye(4)[list(p)])) for p in itertools.permutations(range(4))
}  # fmt: skip


def integral(h, points=10):
    """- 1 / 8 pi^2 times the integral of tr P (dP)^4, with derivatives by perturbation theory."""
    k = tp.k_grid(points, 4).reshape(-1, 4)
    phases = np.exp(1j * k @ h.vectors.T)
    energy, states = np.linalg.eigh(np.einsum("km,mij->kij", phases, h.amplitudes))
    low, high = states[..., :2], states[..., 2:]
    occupied, slopes = low @ low.conj().swapaxes(1, 2), []
    for axis in range(4):
        change = np.einsum("km,m,mij->kij", phases, 1j * h.vectors[:, axis], h.amplitudes)
        mixed = high.conj().swapaxes(1, 2) @ change @ low
        mixed = high @ (mixed / (energy[:, None, :2] - energy[:, 2:, None]))
        part = mixed @ low.conj().swapaxes(1, 2)
        slopes.append(part + part.conj().swapaxes(1, 2))
    total = 0.0
    for order, sign in SIGNS.items():
        product = occupied
        for axis in order:
            product = product @ slopes[axis]
        total += sign * np.trace(product, axis1=1, axis2=2).sum().real
    return -total * (2.0 * np.pi / points) ** 4 / (8.0 * np.pi**2)


def test_the_dirac_model_has_its_diagram():
    h = tp.models.dirac_4d([-5.0, -3.0, -1.0, 1.0, 3.0, 5.0])
    proof = tp.second_chern(h, gammas="dirac")
    assert proof.value.tolist() == [0, -1, 3, -3, 1, 0]
    assert proof.all_certified
    np.testing.assert_array_less(proof.gap_lower, 2.0 + 1e-12)


@pytest.mark.parametrize("m", [-3.0, 1.0])
def test_the_degree_is_the_integral(m):
    h = tp.models.dirac_4d(m)
    assert integral(h) == pytest.approx(int(tp.second_chern(h, gammas="dirac")), abs=0.1)


def test_the_order_of_gammas_does_not_matter_and_momenta_turn_the_sign():
    h = tp.models.dirac_4d(-3.0)
    assert int(tp.second_chern(h, gammas=GAMMAS[[1, 0, 2, 4, 3]])) == -1
    assert int(tp.second_chern(h, gammas=GAMMAS[[1, 2, 0, 3, 4]])) == -1
    assert int(tp.second_chern(h, gammas=-GAMMAS)) == -1
    swapped = tp.FourierHamiltonian({(r[1], r[0], *r[2:]): m for r, m in h.hoppings.items()})
    assert int(tp.second_chern(swapped, gammas="dirac")) == 1
    upper = tp.FourierHamiltonian({r: -m for r, m in h.hoppings.items()})
    assert int(tp.second_chern(upper, gammas="dirac")) == 1


def test_a_transition_and_a_small_grid_are_not_certified():
    assert str(tp.second_chern(tp.models.dirac_4d(-2.0), gammas="dirac").status) == "unresolved"
    near = tp.models.dirac_4d(-2.01)
    assert str(tp.second_chern(near, gammas="dirac", max_grid=4).reason) == "depth"
    strict = tp.second_chern(tp.models.dirac_4d(-3.0), gammas="dirac", min_gap=3.0)
    assert str(strict.reason) == "small gap"


@pytest.mark.parametrize("size", [1e-6, 0.05, 2.0])
@pytest.mark.parametrize("unit", [1e-250, 1.0, 1e250])
def test_what_is_no_five_vector_is_a_violation(size, unit):
    extra = size * 1j * (GAMMAS[0] @ GAMMAS[1])
    h = tp.models.dirac_4d(-3.0) + tp.FourierHamiltonian({(0, 0, 0, 0): extra})
    proof = tp.second_chern(unit * h, gammas="dirac")
    assert proof.symmetry_violation >= 2.0 * size * unit * (1.0 - 1e-12)
    if size < 1.0:
        assert int(proof) == -1
    else:
        assert str(proof.reason) == "symmetry"


def test_the_paths_are_all_permutations_with_their_signs():
    expected = []
    for order, sign in SIGNS.items():
        corners = np.cumsum([0, *(1 << axis for axis in order)])
        expected.append([*corners.tolist(), sign])
    assert sorted(expected) == sorted(PATHS.tolist())


def test_cover_is_the_sign_of_the_determinant():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(3000):
        rows = rng.standard_normal((5, 5))
        weights = np.linalg.solve(rows.T, np.eye(5)[4])
        expected = int(np.sign(np.linalg.det(rows))) if (weights > 0.0).all() else 0
        assert covers_5(rows, np.arange(5)) == expected
        seen.add(expected)
    assert seen == {-1, 0, 1}


def test_refusals_name_the_argument():
    h = tp.models.dirac_4d(-3.0)
    for options, words in (
        ({"gammas": "weyl"}, "`gammas` must be"),
        ({"gammas": np.ones((5, 4, 4))}, "`gammas` must be Hermitian"),
        ({"gammas": GAMMAS[:, :2, :2]}, "`gammas`"),
        ({"gammas": "dirac", "max_grid": 64}, "`max_grid` must be"),
        ({"gammas": "dirac", "min_gap": -1.0}, "`min_gap` must be"),
    ):
        with pytest.raises((InputError, ValueError), match=words):
            plain(tp.second_chern)(h, **options)
    with pytest.raises(KindError, match="4-dimensional"):
        tp.second_chern(tp.models.qwz(1.0), gammas="dirac")


@pytest.mark.parametrize("m", [-5.0, -3.0, 1.5])
def test_samples_of_a_hidden_dirac_model_agree_with_the_proof(m):
    rng = np.random.default_rng(int(10 * m) % 7)
    turn = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    h = tp.models.dirac_4d(m)
    truth = int(tp.second_chern(h, gammas="dirac"))
    moved = {tuple(v): turn @ x @ turn.conj().T * 1e-3 + 1e-5 * np.eye(4) * (not any(v))
             for v, x in zip(h.vectors.tolist(), h.amplitudes, strict=True)}  # fmt: skip
    found = tp.second_chern(tp.FourierHamiltonian(moved, n_occupied=2))
    assert (int(found.value), str(found.status)) == (truth, "sampled")
    assert found.gap_upper <= 2e-3 * (1.0 + 1e-9) * (abs(m) + 4.0)


def test_samples_add_up_over_bands_and_filled_bands_have_none():
    # two Dirac models side by side, coupled: six of eight bands are filled, or four
    rng = np.random.default_rng(3)
    one, two = tp.models.dirac_4d(-3.0), tp.models.dirac_4d(-5.0)
    hop = {}
    for v, a, b in zip(one.vectors.tolist(), one.amplitudes, two.amplitudes, strict=True):
        hop[tuple(v)] = np.block([[a, np.zeros((4, 4))], [np.zeros((4, 4)), b]])
    mixed = 0.02 * (rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8)))
    hop[0, 0, 0, 0] = hop[0, 0, 0, 0] + mixed + mixed.conj().T
    found = tp.second_chern(tp.FourierHamiltonian(hop, n_occupied=4))
    assert (int(found.value), str(found.status)) == (-1, "sampled")


def test_samples_of_closed_gaps_and_coarse_grids_are_unresolved():
    closed = tp.second_chern(tp.models.dirac_4d(-4.0))
    assert (str(closed.status), str(closed.reason)) == ("unresolved", "closed gap")
    coarse = tp.second_chern(tp.models.dirac_4d(-3.97), max_grid=8)
    assert (str(coarse.status), str(coarse.reason)) == ("unresolved", "depth")
    with pytest.raises(InputError, match="`min_gap`"):
        tp.second_chern(tp.models.dirac_4d(-3.0), min_gap=0.1)
    with pytest.raises(InputError, match="`n_occupied`"):
        tp.second_chern(tp.models.dirac_4d(-3.0), gammas="dirac", n_occupied=1)
