"""Time reversal that is nearly there: found, restored, and how far that moves the hoppings."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError, KindError


def with_noise(size, order=(0, 1, 2, 3), seed=0):
    rng = np.random.default_rng(seed)
    made = {}
    for R, m in tp.models.bhz(1.0, delta=0.3).hoppings.items():
        made[R] = m + size * (rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4)))
    made[0, 0] = 0.5 * (made[0, 0] + made[0, 0].conj().T)
    return tp.FourierHamiltonian(
        {R: m[np.ix_(order, order)] for R, m in made.items()}, hermitian="average"
    )


@pytest.mark.parametrize(
    ("order", "name"), [((0, 1, 2, 3), "up first"), ((0, 2, 1, 3), "alternating")]
)
def test_the_order_of_spins_is_found_and_the_symmetry_restored(order, name):
    h = with_noise(1e-3, order)
    assert tp.find_time_reversal(h) == name
    made, distance, u = tp.symmetrize(h)
    assert np.array_equal(u @ made.amplitudes.conj() @ u.T, made.amplitudes)
    k = tp.k_grid((9, 9))
    apart = np.linalg.norm(made.bloch(k) - h.bloch(k), 2, axis=(-2, -1)).max()
    assert 0.2 * distance < apart <= distance
    again = tp.symmetrize(made, time_reversal=name)
    assert again.distance == 0.0
    assert np.array_equal(again.hamiltonian.amplitudes, made.amplitudes)
    found = tp.z2_invariant(made, n_occupied=2, method="flux", time_reversal=name)
    assert (int(found), str(found.status)) == (1, "certified")


def test_what_has_no_such_symmetry_is_not_bent():
    assert tp.find_time_reversal(with_noise(0.5)) is None
    with pytest.raises(InputError, match="neither of the orders"):
        tp.symmetrize(with_noise(0.5))
    assert tp.symmetrize(with_noise(0.5), time_reversal="up first").distance > 0.5
    assert tp.find_time_reversal(tp.FourierHamiltonian({(0,): np.eye(3)})) is None
    # both orders fit: nothing says which one is meant
    assert tp.find_time_reversal(tp.FourierHamiltonian({(0,): np.eye(4)})) is None
    with pytest.raises(InputError, match="unitary"):
        tp.symmetrize(with_noise(0.0), time_reversal=np.eye(4))
    with pytest.raises(KindError, match="single Hamiltonian"):
        tp.symmetrize(tp.models.bhz([1.0, 2.0]))


def test_what_the_file_says_is_kept(tmp_path):
    path = tp.write_wannier90_hr(with_noise(1e-3), tmp_path / "a_hr.dat")
    h = tp.read_wannier90(path)
    made = tp.symmetrize(h).hamiltonian
    assert type(made) is type(h)
    with pytest.raises(InputError, match="`n_occupied` must be given"):
        tp.certify_gap(made)
