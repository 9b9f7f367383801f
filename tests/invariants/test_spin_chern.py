"""Spin Chern numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import topophys as tp
from tests.invariants.samples import ONE, X, Z, degenerate, direct_sum, rotated, unitary
from tests.strategies import generators
from topophys.errors import InputError, KindError, ShapeError

SPIN = np.kron(Z, ONE)


@pytest.mark.parametrize(("m", "up"), [(-1.0, 0), (1.0, 1), (3.0, 1), (5.0, -1), (9.0, 0)])
def test_conserved_spin(m, up):
    found = tp.spin_chern(tp.models.bhz(m).on_grid((24, 24)), SPIN, n_occupied=2)
    assert (int(found.up), int(found.down)) == (up, -up)
    assert found.value == up
    assert found.spin_gap == pytest.approx(2.0)
    assert found.z2 == up % 2


def test_spin_that_is_not_conserved():
    """Rashba coupling mixes spins; the integer stays until the energy gap closes."""
    so = 0.1
    coupling = np.array([0.0, 0.1, 0.25])
    h = tp.models.kane_mele(so, 0.0, coupling)
    found = tp.spin_chern(h.on_grid((48, 48)), SPIN, n_occupied=2)
    assert np.abs(found.up).tolist() == [1, 1, 1]
    assert (found.up == -found.down).all()
    assert (np.diff(found.spin_gap) < 0).all()
    assert (found.spin_gap > 0.1).all()
    beyond = tp.spin_chern(tp.models.kane_mele(so, 0.7, 0.1).on_grid((48, 48)), SPIN, n_occupied=2)
    assert (int(beyond.up), int(beyond.down)) == (0, 0)


def test_both_halves_add_to_the_chern_number():
    """C = 3 of two different blocks with spins that are mixed a little."""
    h = direct_sum(tp.models.higher_chern(-1.0, 2), tp.models.qwz(-1.0))
    rows = {R: m.copy() for R, m in h.hoppings.items()}
    rows[0, 0] = rows.get((0, 0), 0) + 0.2 * np.kron(X, ONE)
    h_k = tp.FourierHamiltonian(rows).on_grid((40, 40))
    found = tp.spin_chern(h_k, SPIN, n_occupied=2)
    assert found.resolved
    assert found.up + found.down == tp.chern_number(h_k, n_occupied=2)
    assert found.value == 0.5 * (found.up - found.down)


@given(rng=generators())
def test_any_basis_and_any_gauge(rng):
    u = unitary(4, rng)
    h_k = tp.models.bhz(1.0, delta=0.1).on_grid((20, 20))
    found = tp.spin_chern(
        u @ degenerate(h_k, 2, rng) @ u.conj().T, u @ SPIN @ u.conj().T, n_occupied=2
    )
    assert (int(found.up), int(found.down)) == (1, -1)


def test_closed_gaps_are_unresolved():
    closed = tp.spin_chern(tp.models.bhz([0.0, 1.0]).on_grid((12, 12)), SPIN, n_occupied=2)
    assert closed.status.tolist() == ["unresolved", "sampled"]
    assert closed.up[0] is closed.z2[0] is closed.value[0] is np.ma.masked
    # a spin operator that does not tell the occupied states apart has no spin gap
    blind = tp.spin_chern(tp.models.bhz(1.0).on_grid((12, 12)), np.eye(4), n_occupied=2)
    assert (blind.status, blind.spin_gap) == ("unresolved", pytest.approx(0.0, abs=1e-9))
    assert repr(blind).startswith("Spin Chern number of the lowest 2 of 4 bands in 2D: unresolved")
    assert "1 of 2 sampled, 1 of 2 unresolved" in repr(closed)


@pytest.mark.parametrize(("m", "up"), [(-1.0, 0), (1.0, 1), (5.0, -1)])
@pytest.mark.parametrize("unit", [1.0, 1e-290, 1e290])
def test_certified_by_sectors_of_the_spin(m, up, unit):
    u = unitary(4, np.random.default_rng(2))
    h = rotated(tp.models.bhz(m, delta=0.02), u)
    h = tp.FourierHamiltonian({R: unit * v for R, v in h.hoppings.items()})
    found = tp.spin_chern(h, 0.5 * u @ SPIN @ u.conj().T, n_occupied=2)
    assert (int(found.up), int(found.down), found.status) == (up, -up, "certified")
    assert found.spin_gap == pytest.approx(1.0)
    # delta couples the spins: twice its norm
    assert found.symmetry_violation / unit == pytest.approx(0.04, rel=1e-6)
    assert found.symmetry_violation < found.gap_lower <= found.gap_upper
    assert "spin conserved   up to" in repr(found)


def test_three_spins_and_halves_of_unequal_sectors():
    """S_z = 1, 0, -1: the halves of three occupied pairs of bands cannot be cut at a sector."""
    h = direct_sum(direct_sum(tp.models.qwz(-1.0), tp.models.qwz(1.0)), tp.models.qwz(-3.0))
    spin = np.kron(np.diag([1.0, 0.0, -1.0]), ONE)
    both = direct_sum(h, tp.models.qwz(-1.0))
    four = np.kron(np.diag([1.5, 0.5, -0.5, -1.5]), ONE)
    found = tp.spin_chern(both, four)
    assert (int(found.up), int(found.down), found.spin_gap) == (0, 1, 1.0)
    blind = tp.spin_chern(both, np.pad(spin, (0, 2)))
    assert (blind.status, blind.reason) == ("unresolved", "closed gap")


def test_a_small_spin_gap_in_a_wide_spectrum_needs_a_wider_energy_gap():
    """Spins 10 and 1/2 mix: the projected spin may lose its gap before the energy does."""
    parts = [tp.models.qwz(m) for m in (-1.0, -1.0, 1.0, 1.0)]
    h = direct_sum(direct_sum(parts[0], parts[1]), direct_sum(parts[2], parts[3]))
    rows = dict(h.hoppings)
    mixing = np.zeros((4, 4))
    mixing[0, 1] = mixing[1, 0] = mixing[1, 2] = mixing[2, 1] = 0.1
    rows[0, 0] = rows[0, 0] + np.kron(mixing, Z)
    h = tp.FourierHamiltonian(rows, n_occupied=4)
    narrow = tp.spin_chern(h, np.kron(np.diag([1.0, 1.0, -1.0, -1.0]), ONE))
    assert (int(narrow.up), int(narrow.down), narrow.status) == (2, -2, "certified")
    wide = tp.spin_chern(h, np.kron(np.diag([10.0, 0.5, -0.5, -10.0]), ONE))
    assert (wide.status, wide.reason) == ("unresolved", "symmetry")
    assert wide.symmetry_violation < wide.gap_upper


def test_spins_that_rounding_merges_keep_their_true_distance():
    """Spins 1e-9 of the largest apart are one sector, as wide as its spins: not a point."""
    h = direct_sum(tp.models.qwz(1.0), tp.models.qwz(-1.0))
    spin = 2.0**30 * np.eye(4) + np.diag([2.0, 1.0, -1.0, -2.0])
    found = tp.spin_chern(h, spin)
    assert (int(found.up), int(found.down), found.status) == (-1, 1, "certified")
    assert found.spin_gap == 2.0  # of 1 and -1, not of the means 3/2 and -3/2
    rows = dict(h.hoppings)
    rows[0, 0] = rows[0, 0] + 0.28 * np.kron(X, ONE)
    mixed = tp.spin_chern(tp.FourierHamiltonian(rows, n_occupied=2), spin)
    # a width of 4 for a gap of 2 asks for an energy gap of 1.9, one of 3 for 3 for 1.1
    needed = mixed.symmetry_violation * 0.5 * (1.0 + 2.02 * np.sqrt(2.0) * 4.0 / 2.0)
    assert mixed.status == "certified"
    assert mixed.gap_lower > needed


@pytest.mark.parametrize("unit", [5e-324, 1e-310, 1e-200, 1e200, 1e307])
def test_the_unit_of_the_spin_does_not_matter(unit):
    u = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    found = tp.spin_chern(rotated(tp.models.bhz(1.0), u), unit * (u @ (2 * SPIN) @ u.T))
    assert (int(found.up), int(found.down), found.status) == (1, -1, "certified")
    assert found.spin_gap == pytest.approx(4.0 * unit, rel=1e-12)


def test_spin_that_is_not_conserved_is_not_certified():
    """Rashba coupling beyond half of the gap: both numbers are told."""
    h = tp.models.kane_mele(0.1, 0.0, [0.0, 0.05, 0.4])
    found = tp.spin_chern(h, SPIN)
    assert found.status.tolist() == ["certified", "certified", "unresolved"] or (
        found.status[1] == "unresolved" and found.reason[1] == "symmetry"
    )
    assert (abs(found.up[0]), found.reason[2]) == (1, "symmetry")
    assert found.symmetry_violation[2] > found.gap_lower[2]
    assert "1 symmetry" in repr(found) or "2 symmetry" in repr(found)
    closed = tp.spin_chern(tp.models.bhz(0.0), SPIN)
    assert (closed.status, closed.reason) == ("unresolved", "closed gap")


def test_bad_arguments_are_named():
    h_k = tp.models.bhz(1.0).on_grid((6, 6))
    with pytest.raises(ShapeError, match="s_z"):
        tp.spin_chern(h_k, ONE, n_occupied=2)
    with pytest.raises(InputError, match="Hermitian"):
        tp.spin_chern(h_k, 1j * SPIN, n_occupied=2)
    with pytest.raises(InputError, match="even"):
        tp.spin_chern(h_k, SPIN, n_occupied=1)
    with pytest.raises(InputError, match="max_depth"):
        tp.spin_chern(h_k, SPIN, max_depth=3)
    with pytest.raises(InputError, match="max_evaluations"):
        tp.spin_chern(tp.models.bhz(1.0), SPIN, grid=6, max_evaluations=3)
    with pytest.raises(KindError, match="2-dimensional"):
        tp.spin_chern(tp.models.ssh(1.0, 2.0), ONE)
