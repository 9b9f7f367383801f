"""Symmetry operators in proofs of the Z2 invariant: their violation is measured by the gap."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.invariants.samples import ONE, X, Y, Z
from topophys.errors import UnresolvedError

#: T = i s_y K and the inversion of BHZ: even and odd orbital.
REVERSAL = np.kron(1j * Y, ONE)
PARITY = np.kron(ONE, np.diag([1.0, -1.0]))


def with_spectators(hoppings, level, n_occupied=4):
    """A Kramers pair of occupied flat bands far away in energy beside a model of four bands."""
    rows = {R: np.pad(m, ((0, 2), (0, 2))) for R, m in hoppings.items()}
    rows[0, 0] = rows[0, 0] + np.diag([0.0] * 4 + [level] * 2)
    return tp.FourierHamiltonian(rows, n_occupied=n_occupied)


def padded(operator, corner):
    """An operator on four orbitals, and `corner` on the pair of spectators."""
    out = np.zeros((6, 6), complex)
    out[:4, :4], out[4:, 4:] = operator, corner
    return out


def chern_by_mass(delta, level):
    """BHZ at its transition, opened by a mass that time reversal forbids: |C| = 1."""
    odd = delta * np.kron(Z, Z)
    rows = {
        (0, 0): -2.0 * np.kron(ONE, Z) + odd,
        (1, 0): 0.5 * np.kron(ONE, Z) - 0.5j * np.kron(Z, X) + odd,
        (0, 1): 0.5 * np.kron(ONE, Z) - 0.5j * np.kron(ONE, Y) + odd,
    }
    return with_spectators(rows, level)


@pytest.mark.parametrize(("delta", "level"), [(1e-3, -2.1e6), (-1e-3, -2.1e6), (1e-4, -2.1e5)])
@pytest.mark.parametrize("method", ["flux", "wilson"])
def test_chern_insulator_with_a_far_level_has_no_certified_z2(delta, level, method):
    """The violation is tiny against the largest hopping and is all there is of the gap."""
    h = chern_by_mass(delta, level)
    reversal = padded(REVERSAL, [[0, 1], [-1, 0]])
    found = tp.z2_invariant(h, time_reversal=reversal, method=method)
    assert (found.status, found.reason) == ("unresolved", "symmetry")
    # 2 |delta| (1 + 4) s_z tau_z, not more and not less
    assert found.symmetry_violation == pytest.approx(10 * abs(delta), rel=1e-6)
    assert found.gap_upper < found.symmetry_violation
    assert found.gap_lower == 0.0
    with pytest.raises(UnresolvedError, match=r"violated by up to 0\.0.* gap is at most 0"):
        int(found)


def graphene(potential, level):
    return with_spectators(dict(tp.models.kane_mele(0.0, lambda_v=potential).hoppings), level)


@pytest.mark.parametrize(("potential", "level"), [(4e-7, -1e3), (4e-8, -1e2), (4e-5, -1e5)])
def test_graphene_with_a_potential_has_no_certified_parity(potential, level):
    """Inversion is broken by all of the gap: its parities are those of gapless graphene."""
    reversal, parity = padded(REVERSAL, [[0, 1], [-1, 0]]), padded(np.kron(ONE, X), ONE)
    h = graphene(potential, level)
    found = tp.z2_invariant(h, method="parity", time_reversal=reversal, inversion=parity)
    assert (found.status, found.reason) == ("unresolved", "symmetry")
    assert found.symmetry_violation == pytest.approx(2 * potential, rel=1e-5)
    # the violation is no fault of time reversal, so that fluxes can tell
    if potential > 1e-6:
        flux = tp.z2_invariant(h, method="flux", time_reversal=reversal)
        assert (int(flux), flux.status, flux.symmetry_violation) == (0, "certified", 0.0)
