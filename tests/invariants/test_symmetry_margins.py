"""Errors of exact operators, of means over symmetries and of parities, each against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from tests.invariants.samples import ONE, Y, unitary
from topophys.errors import InputError
from topophys.invariants._slices import Slice
from topophys.invariants._symmetry import (
    Operator,
    count_parities,
    inversion_operator,
    orthonormality,
    product_error,
    reversal_operator,
    symmetrise,
)
from topophys.kernels.rounding import UNIT, slack_of

REVERSAL = np.kron(1j * Y, ONE)
PARITY = np.kron(ONE, np.diag([1.0, -1.0]))


def test_entries_whose_parts_add_up_to_one_are_not_exact():
    """Almost 1 and a little i: no permutation of orbitals, and not unitary to all digits."""
    z = 1.0 - 2.0**-24 + 2.0**-24 * 1j
    found = reversal_operator(np.array([[0.0, z], [-z, 0.0]]), 2)
    assert found.rounds
    assert abs(abs(found.matrix[0, 1]) - 1.0) < 1e-15


@pytest.mark.parametrize("size", [3.0, 1e200, 1e200 * (1.0 + 1.0j)])
def test_operators_that_are_far_from_unitary_are_refused(size):
    """Also where products of entries are no numbers any more, which nothing is larger than."""
    with pytest.raises(InputError, match="`time_reversal`"):
        reversal_operator(size * np.array([[0.0, 1.0], [-1.0, 0.0]]), 2)
    with pytest.raises(InputError, match="`inversion`"):
        inversion_operator(size * np.eye(2), 2)


def rotated_operators():
    rng = np.random.default_rng(12)
    w, noise = unitary(4, rng), 1e-9 * rng.normal(size=(4, 4))
    reversal = reversal_operator(w @ REVERSAL @ w.T, 4)
    return reversal, w @ PARITY @ w.conj().T + noise


def test_error_of_an_inversion_beside_time_reversal():
    """|Q^2 - 1| + 4 a, a half of what is left of P U - U conj(P), with the rounding of both."""
    reversal, given = rotated_operators()
    found = inversion_operator(given, 4, reversal)
    p, u = found.matrix, reversal.matrix
    rounding = 4 * (4 + 4) * UNIT * 4
    left = np.linalg.norm(p @ u - u @ p.conj()) + 2 * rounding + 2.1 * reversal.error
    wanted = np.linalg.norm(p @ p - np.eye(4)) + rounding + 4 * 0.5 * left
    assert found.error == pytest.approx(wanted, rel=0.05, abs=0.0)
    alone = inversion_operator(given, 4)
    wanted = np.linalg.norm(alone.matrix @ alone.matrix - np.eye(4)) + rounding
    assert alone.error == pytest.approx(wanted, rel=0.05, abs=0.0)


@pytest.mark.parametrize(("error", "rounds"), [(0.0, False), (0.0, True), (1e-13, True)])
def test_error_of_a_mean_over_time_reversal(error, rounds):
    """Of the operator, of products with it where they round, and of the two sums."""
    rng = np.random.default_rng(13)
    vectors = np.array([[-1], [0], [1]])
    rows = rng.standard_normal((3, 4, 4)) + 1j * rng.standard_normal((3, 4, 4))
    rows = rows + rows[::-1].conj().swapaxes(-1, -2)
    w = unitary(4, rng)
    reversal = Operator(w @ REVERSAL @ w.T, error, rounds)
    size = np.linalg.norm(rows, axis=(-2, -1))
    wanted = 2.1 * error * size + (product_error(4, size) if rounds else 0.0)
    wanted = (wanted + 2.0 * UNIT * size + 2.0 * UNIT * size).sum()
    for before in (0.0, 1e-12):
        found = symmetrise(vectors, rows, before, reversal)
        assert found.error == pytest.approx(before + wanted, rel=1e-6, abs=0.0)
        assert found.apart.beyond == pytest.approx(2.0 * before + wanted, rel=1e-6, abs=0.0)


def test_parities_are_proven_while_the_gap_is_above_twice_the_error():
    """The error of H at which they are not any more leaves that of operator and blocks."""
    _, given = rotated_operators()
    inversion, gap = inversion_operator(given, 4), 1e-11
    v = np.linalg.eigh(inversion.matrix)[1]  # two columns of odd, two of even parity
    h = (v * [-1.0, gap, 0.0, 1.0]) @ v.conj().T
    vectors, amplitudes = np.zeros((1, 2), np.int64), (0.5 * (h + h.conj().T))[None]
    low, high = 0.0, gap
    while high - low > 1e-16:
        middle = 0.5 * (low + high)
        found = count_parities(Slice(vectors, amplitudes, 2, np.asarray(middle)), inversion, 2)
        low, high = (middle, high) if found.proven else (low, middle)
    rest = 0.5 * found.gap - low
    size = np.linalg.norm(amplitudes)
    odd, even = v[:, :2], v[:, 2:]
    off = np.linalg.norm(even @ even.conj().T - odd @ odd.conj().T - inversion.matrix)
    turned = (
        inversion.error + off + 2.1 * orthonormality(v) + 2.0 * product_error(4, np.asarray(2.0))
    )
    slack = slack_of(np.array([size]), np.zeros(1, np.int64), 4)
    wanted = slack + 2.1 * turned * size
    wanted += 2.1 * orthonormality(v) * size + product_error(4, np.asarray(size))
    assert rest == pytest.approx(float(wanted), rel=0.02, abs=0.0)
