"""Mirror Chern numbers and other sectors: public values, three dimensions, violations, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError, KindError, ShapeError

S_Z = np.diag([1j, 1j, -1j, -1j])


def test_spins_of_bhz_are_sectors():
    m = np.array([-1.0, 0.5, 3.0, 5.0, 9.0])
    h = tp.models.bhz(m)
    found = tp.mirror_chern(h, mirror=S_Z)
    assert found.value.tolist() == [0, 1, 1, -1, 0]
    spins = tp.spin_chern(h, (S_Z / 1j).real)
    np.testing.assert_array_equal(found.sectors[:, 0], spins.up)
    np.testing.assert_array_equal(found.sectors[:, 1], spins.down)
    assert found.all_certified
    np.testing.assert_allclose(found.phases, [1j, -1j])


def test_sectors_may_be_filled_unequally():
    qwz = tp.models.qwz(-1.0)
    hop = {r: np.zeros((5, 5), complex) for r in qwz.hoppings}
    for r, m in qwz.hoppings.items():
        hop[r][:2, :2] = m
        hop[r][2:4, 2:4] = -m.conj()
    hop[(0, 0)][4, 4] = -7.0
    h = tp.FourierHamiltonian(hop, n_occupied=3)
    w = np.exp(2j * np.pi / 3)
    found = tp.mirror_chern(h, mirror=np.diag([1, 1, w, w, w**2]))
    upper = int(tp.certify_chern(tp.FourierHamiltonian({r: -m.conj() for r, m in
                                                        qwz.hoppings.items()})))  # fmt: skip
    assert found.sectors.tolist() == [1, upper, 0]
    with pytest.raises(InputError, match="two sectors"):
        _ = found.value


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_planes_of_three_dimensions_are_oriented_in_cyclic_order(axis):
    rest = [(axis + 1) % 3, (axis + 2) % 3]
    hop = {}
    for r, m in tp.models.bhz(1.0).hoppings.items():
        cell = [0, 0, 0]
        cell[rest[0]], cell[rest[1]] = r
        hop[tuple(cell)] = m
    step = [0, 0, 0]
    step[axis] = 1
    # mass 1 at k = 0, mass 1 + 2 (2.2) = 5.4 at k = pi on that axis
    mass = np.kron(np.eye(2), np.diag([1.0, -1.0]))
    hop[(0, 0, 0)] = hop[(0, 0, 0)] + 2.2 * mass
    hop[tuple(step)] = -1.1 * mass
    h = tp.FourierHamiltonian(hop)
    assert float(tp.mirror_chern(h, mirror=S_Z, axis=axis, n_occupied=2).value) == 1.0
    assert float(tp.mirror_chern(h, mirror=S_Z, axis=axis, plane="pi", n_occupied=2).value) == -1.0


@pytest.mark.parametrize("size", [1e-10, 0.05, 3.0])
def test_what_couples_sectors_is_compared_with_the_gap(size):
    couple = np.zeros((4, 4))
    couple[0, 2] = couple[2, 0] = size
    h = tp.models.bhz(1.0) + tp.FourierHamiltonian({(0, 0): couple})
    found = tp.mirror_chern(h, mirror=S_Z)
    assert found.symmetry_violation >= 2.0 * size * (1.0 - 1e-12)
    assert str(found.reason) == ("" if size < 1.0 else "symmetry")
    if size < 1.0:
        assert found.gap_lower > found.symmetry_violation
        assert found.sectors.tolist() == [1, -1]


@pytest.mark.parametrize("unit", [1e-300, 1e-100, 1e250])
def test_any_basis_and_unit(unit):
    rng = np.random.default_rng(0)
    v, _ = np.linalg.qr(rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4)))
    h = tp.FourierHamiltonian(
        {r: unit * (v @ m @ v.conj().T) for r, m in tp.models.bhz(1.0).hoppings.items()},
        hermitian="average",
    )
    assert float(tp.mirror_chern(h, mirror=v @ S_Z @ v.conj().T, n_occupied=2).value) == 1.0


def test_refusals_name_the_argument():
    h = tp.models.bhz(1.0)
    for options, words in (
        ({"mirror": 2.0 * S_Z}, "`mirror` must be unitary"),
        ({"mirror": np.eye(4)}, "at least two eigenvalues"),
        ({"mirror": S_Z, "plane": "1"}, "`plane` must be"),
        ({"mirror": S_Z, "n_occupied": 4}, "`n_occupied` must be"),
    ):
        with pytest.raises(InputError, match=words):
            plain(tp.mirror_chern)(h, **options)
    with pytest.raises(ShapeError, match="`mirror` must have shape"):
        tp.mirror_chern(h, mirror=np.eye(2))
    with pytest.raises(KindError, match="with `axis`"):
        tp.mirror_chern(h, mirror=S_Z, axis=0)


def test_a_result_prints_its_sectors():
    text = repr(tp.mirror_chern(tp.models.bhz(1.0), mirror=S_Z))
    assert text.startswith("Chern numbers of the sectors of the lowest 2 of 4 bands in 2D: +1, -1")
