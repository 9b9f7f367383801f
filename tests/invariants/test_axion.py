"""Axion angles: strong insulators, fields, second Chern numbers of paths, layers, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.invariants.samples import require_violation
from tests.strategies import plain
from topophys.errors import FillingError, InputError, KindError, ShapeError, UnresolvedError
from topophys.invariants.chern_4d import GAMMAS

PARITY = GAMMAS[4].real
SWAP = np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])


def dirac(m, noise=0.0, rng=None):
    """Gamma_i sin k_i + Gamma_5 (m + sum cos k_i), and more of the same two kinds."""
    hop = {(0, 0, 0): m * GAMMAS[4]}
    for axis in range(3):
        cell = tuple(int(i == axis) for i in range(3))
        hop[cell] = 0.5 * GAMMAS[4] - 0.5j * GAMMAS[axis]
    if noise:
        for cell in [(1, 1, 0), (0, 1, -1), (1, 0, 1), (2, 0, 0)]:
            odd = np.einsum("a,aij->ij", rng.standard_normal(3), GAMMAS[:3])
            hop[cell] = noise * (rng.standard_normal() * GAMMAS[4] - 1j * odd)
    return tp.FourierHamiltonian(hop, n_occupied=2)


def path_to_an_atom(h):
    """H (1 + cos l) / 2 + Gamma_5 a (1 - cos l) / 2 + sin l Gamma_4: in four dimensions.

    Inversion takes the half l > 0 to the half l < 0, so that the second Chern number is odd
    exactly if the angles of both ends, H and an atomic insulator, differ.
    """
    hop = {}
    for cell, matrix in h.hoppings.items():
        for step, weight in ((0, 0.5), (1, 0.25), (-1, 0.25)):
            hop[*cell, step] = weight * matrix
    for step, weight in ((0, 0.5), (1, -0.25), (-1, -0.25)):
        hop[0, 0, 0, step] = hop[0, 0, 0, step] + 5.0 * weight * GAMMAS[4]
    hop[0, 0, 0, 1] = hop[0, 0, 0, 1] - 0.5j * GAMMAS[3]
    hop[0, 0, 0, -1] = hop[0, 0, 0, -1] + 0.5j * GAMMAS[3]
    return tp.FourierHamiltonian(hop, n_occupied=2)


@pytest.mark.parametrize("m", [-4.0, -2.2, 0.2, 1.8, 3.5])
def test_the_angle_is_the_parity_of_a_second_chern_number(m):
    h = dirac(m, 0.08, np.random.default_rng(int(10 * m) + 50))
    proof = tp.axion_angle(h, inversion=PARITY)
    other = tp.second_chern(path_to_an_atom(h), gammas="dirac", max_grid=32)
    assert proof.all_certified
    assert other.all_certified
    assert int(proof) == int(other) % 2 == int(1 < abs(m) < 3)


def test_a_strong_insulator_in_a_field():
    """E^2 = s_x^2 + s_y^2 + (b - sqrt(s_z^2 + M^2))^2: the gap closes at b = 1 for m = 2."""
    spin = np.kron(np.eye(2), np.diag([1.0, -1.0]))
    h = dirac(2.0)
    for b, expected in ((0.0, 1), (0.5, 1), (1.5, None)):
        proof = tp.axion_angle(
            h + tp.FourierHamiltonian({(0, 0, 0): b * spin}),
            inversion=PARITY, n_occupied=2, max_evaluations=5000,
        )  # fmt: skip
        assert proof.certified == (expected is not None)
        if expected is not None:
            assert int(proof) == expected
            assert 0.0 < proof.gap_lower <= 2.0 * (1.0 - b) + 1e-12


def test_the_strong_index_is_the_angle_with_time_reversal():
    h = tp.models.fu_kane_mele([0.5, -0.5])
    assert tp.axion_angle(h, inversion=SWAP).value.tolist() == [1, 0]


def test_stacked_chern_insulators_have_no_angle():
    hop = {(*r, 0): m for r, m in tp.models.qwz([-1.0, -3.0]).hoppings.items()}
    h = tp.FourierHamiltonian(hop, n_occupied=1)
    proof = tp.axion_angle(h, inversion=np.diag([1.0, -1.0]))
    assert proof.reason.tolist() == ["layers", ""]
    assert proof.value[1] == 0
    assert "depends on the origin" in repr(proof)
    with pytest.raises(UnresolvedError, match="layers"):
        tp.axion_angle(h, inversion=np.diag([1.0, -1.0]), on_unresolved="raise")


@pytest.mark.parametrize("size", [1e-9, 0.05, 3.0])
def test_a_broken_inversion_is_compared_with_the_gap(size):
    h = dirac(2.0) + tp.FourierHamiltonian({(0, 0, 0): size * GAMMAS[3]})
    proof = tp.axion_angle(h, inversion=PARITY, n_occupied=2)
    require_violation(proof, size)


def test_units_do_not_matter():
    for unit in (1e-300, 1e300):
        h = tp.FourierHamiltonian({r: unit * m for r, m in dirac(2.0).hoppings.items()})
        assert int(tp.axion_angle(h, inversion=PARITY, n_occupied=2)) == 1
        low = tp.axion_angle(h, inversion=PARITY, n_occupied=2, min_gap=10.0 * unit)
        assert str(low.reason) == "small gap"


def test_refusals_name_the_argument():
    h = dirac(2.0)
    with pytest.raises(InputError, match="`inversion` must be unitary"):
        tp.axion_angle(h, inversion=2.0 * PARITY)
    with pytest.raises(ShapeError, match="`inversion` must have shape"):
        tp.axion_angle(h, inversion=np.eye(2))
    with pytest.raises(InputError, match="`max_depth` must be at most 24"):
        tp.axion_angle(h, inversion=PARITY, max_depth=25)
    with pytest.raises(KindError, match="3-dimensional"):
        plain(tp.axion_angle)(tp.models.qwz(1.0), inversion=np.eye(2))
    with pytest.raises(FillingError, match="`n_occupied`"):
        tp.axion_angle(tp.FourierHamiltonian(dict(h.hoppings)), inversion=PARITY)
