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


# ---- Inversion and other operations

PARITY = np.diag([1.0, 1.0, -1.0, -1.0])
QUARTER = np.array([[0, -1], [1, 0]])


def commutes(h, turn, u, k, positions=None, shift=None):
    """Largest distance of g H(k) g^-1 from H(W k), with positions in the phases where given."""
    w = np.linalg.inv(turn).T
    left, right = h.bloch(k), h.bloch(k @ w.T)
    if positions is not None:
        p, q = np.exp(1j * k @ positions.T), np.exp(1j * (k @ w.T) @ positions.T)
        left = p.conj()[..., :, None] * left * p[..., None, :]
        right = q.conj()[..., :, None] * right * q[..., None, :]
    return float(np.abs(u @ left @ np.conj(u).T - right).max())


def some_momenta(dim=2, seed=0):
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, (9, dim))


def test_inversion_and_time_reversal_together():
    h = with_noise(1e-3)
    made, distance, u = tp.symmetrize(h, time_reversal="up first", inversion=PARITY)
    k = some_momenta()
    assert commutes(made, -np.eye(2), PARITY, k) < 1e-14
    assert np.abs(u @ made.bloch(k).conj() @ u.T - made.bloch(-k)).max() < 1e-14
    apart = np.linalg.norm(made.bloch(k) - h.bloch(k), 2, axis=(-2, -1)).max()
    assert 0.1 * distance < apart <= distance
    again = tp.symmetrize(made, time_reversal="up first", inversion=PARITY)
    assert again.distance < 1e-14
    alone = tp.symmetrize(h, time_reversal=None, inversion=PARITY)
    assert alone.time_reversal is None
    assert commutes(alone.hamiltonian, -np.eye(2), PARITY, k) < 1e-14
    assert alone.distance < distance


@pytest.mark.parametrize("seed", range(3))
def test_a_rotation_generates_its_group(seed):
    rng = np.random.default_rng(seed)
    turn = np.diag([1.0, 1j])  # s and p_x + i p_y
    hops = {R: rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))
            for R in ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0))}  # fmt: skip
    hops[0, 0] = hops[0, 0] + hops[0, 0].conj().T
    h = tp.FourierHamiltonian(hops, n_occupied=1)
    made, distance, _ = tp.symmetrize(h, time_reversal=None, operations=[(QUARTER, turn)])
    k = some_momenta(seed=seed)
    assert commutes(made, QUARTER, turn, k) < 1e-14
    assert commutes(h, QUARTER, turn, k) > 0.1
    apart = np.linalg.norm(made.bloch(k) - h.bloch(k), 2, axis=(-2, -1)).max()
    assert apart <= distance
    assert tp.symmetrize(made, time_reversal=None, operations=[(QUARTER, turn)]).distance < 1e-13


def test_orbitals_that_move_to_other_cells():
    """Inversion about a bond centre, and the threefold axis of a honeycomb."""
    spots = np.array([[1 / 3, 1 / 3], [2 / 3, 2 / 3]])
    hops = {(0, 0): [[0.1, 1.0], [1.0, -0.1]], (-1, 0): [[0, 0.9], [0, 0]],
            (0, -1): [[0, 1.1], [0, 0]]}  # fmt: skip
    h = tp.FourierHamiltonian(hops, n_occupied=1).with_geometry(
        lattice=[[1.0, 0.0], [0.5, 0.75**0.5]], positions=spots
    )
    third = np.array([[-1, -1], [1, 0]])
    made, distance, _ = tp.symmetrize(
        h, time_reversal=None, operations=[(third, np.eye(2), [0.0, 0.0])]
    )
    k = some_momenta()
    assert commutes(made, third, np.eye(2), k, spots) < 1e-12
    assert np.allclose([made.hoppings[R][0, 1] for R in ((0, 0), (-1, 0), (0, -1))], 1.0)
    assert distance == pytest.approx(0.4)
    swap = np.array([[0, 1], [1, 0]])
    even = tp.symmetrize(h, time_reversal=None, operations=[(-np.eye(2), swap, [0.0, 0.0])])
    assert commutes(even.hamiltonian, -np.eye(2), swap, k, spots) < 1e-12
    assert np.allclose(even.hamiltonian.hoppings[0, 0].diagonal(), 0.0)
    # the lattice, the positions and the filling stay
    assert np.array_equal(made.positions, spots)
    assert made.n_occupied == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"time_reversal": None}, "must name a symmetry"),
        ({"inversion": 2.0 * PARITY}, "`inversion` must have a unitary U"),
        ({"operations": [(0.5 * QUARTER, np.eye(4))]}, r"`operations\[0\]` must have an integer"),
        ({"operations": [(2 * QUARTER, np.eye(4))]}, "determinant 1 or -1"),
        ({"operations": [(QUARTER,)]}, "must hold"),
        ({"operations": [(QUARTER, np.eye(4), [0.0, 0.0])]}, "which has none"),
        ({"operations": [([[1, 1], [0, 1]], np.eye(4))]}, "generates more"),
    ],
)
def test_bad_operations_are_named(options, text):
    with pytest.raises(InputError, match=text) as caught:
        tp.symmetrize(with_noise(0.0), **{"time_reversal": None} | options)
    assert "\n" not in str(caught.value)


def test_operations_must_take_orbitals_to_orbitals():
    h = tp.models.ssh(1.0, 2.0).with_geometry(positions=[[0.0], [0.4]])
    with pytest.raises(InputError, match=r"takes orbital \d to"):
        tp.symmetrize(h, time_reversal=None, operations=[([[-1]], [[0, 1], [1, 0]], [0.5])])


@pytest.mark.parametrize("angle", [1e-3, 1.4e-3, 1e-4, 1.0, 1.047])
def test_rotations_that_nearly_close_are_no_finite_group(angle):
    # matrices a thousandth of a turn apart once counted as equal: nothing was averaged, and the
    # result did not have the symmetry
    turned = tp.FourierHamiltonian({(0,): [[0, 1.0], [1.0, 0]], (1,): [[0.3, 0.2], [0.4, 0.1]]})
    u = np.diag(np.exp([1j * angle, -1j * angle]))
    with pytest.raises(InputError, match=r"at most 384 .* two of U differ by"):
        tp.symmetrize(turned, time_reversal=None, operations=[([[1]], u)])


@pytest.mark.parametrize("digits", [7, 10, 16])
@pytest.mark.parametrize("order", [2, 3, 4, 6])
def test_the_mean_has_the_symmetry_as_well_as_the_digits_of_its_matrices(order, digits):
    angle = round(np.pi / order, digits)
    u = np.diag(np.exp([1j * angle, -1j * angle]))
    h = tp.FourierHamiltonian({(0,): [[0.3, 1.0], [1.0, 0]], (1,): [[0.3, 0.2], [0.4, 0.1]]})
    mean = tp.symmetrize(h, time_reversal=None, operations=[([[1]], u)]).hamiltonian
    for m in mean.hoppings.values():
        assert np.abs(u @ m @ u.conj().T - m).max() < max(10.0 ** (1 - digits), 1e-14)


def spin(axis, angle):
    """Rotation of a spin 1/2."""
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    n = np.asarray(axis) / np.linalg.norm(axis)
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * np.einsum("a,aij->ij", n, pauli)


@pytest.mark.parametrize("digits", [6, 7, 16])
@pytest.mark.parametrize("seed", range(8))
def test_groups_in_any_basis_and_with_few_digits(seed, digits):
    # with six digits products of matrices drifted apart, and the mean was one over no group
    rng = np.random.default_rng(seed)
    v = np.linalg.qr(rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2)))[0]
    quarter, half = spin([0, 0, 1], np.pi / 2), 1j * spin([1, 0, 0], np.pi)
    operations = [
        ([[0, -1], [1, 0]], np.round(v @ quarter @ v.conj().T, digits)),
        ([[1, 0], [0, -1]], np.round(v @ half @ v.conj().T, digits)),
    ]
    hoppings = {
        R: rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))
        for R in [(1, 0), (0, 1), (1, 2)]
    }
    h = tp.FourierHamiltonian(hoppings)
    made, distance, _ = tp.symmetrize(h, time_reversal=None, operations=operations)
    k = some_momenta()
    worst = max(commutes(made, np.array(w), u, k, np.zeros((2, 2))) for w, u in operations)
    assert worst < 3 * 10.0 ** (2 - digits) + 1e-13
    again = tp.symmetrize(made, time_reversal=None, operations=operations)
    assert again.distance < 3 * 10.0 ** (2 - digits) + 1e-12 < distance


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (([[1e19, 1], [1, 0]], np.eye(2)), "integer matrix W"),
        ((-np.eye(2), np.eye(2), [[0, 0], [1, 0]]), "one translation t"),
        ((-np.eye(2), np.eye(2), [1e17, 0]), "one translation t"),
        (([[-1, 0], [0, -1]], 1e200 * np.eye(2)), "unitary U"),
    ],
)
def test_numbers_that_are_no_operation_are_refused(operation, text):
    h = tp.FourierHamiltonian({(0, 0): np.diag([1.0, -1.0]), (1, 0): np.eye(2)})
    h = h.with_geometry(lattice=np.eye(2), positions=np.zeros((2, 2)))
    with pytest.raises(InputError, match=text) as caught:
        tp.symmetrize(h, time_reversal=None, operations=[operation])
    assert "\n" not in str(caught.value)


def test_lattice_vectors_beyond_exact_products_are_refused():
    h = tp.FourierHamiltonian({(0, 0): [[1.0]], (2**40, -(2**40)): [[0.5]]})
    with pytest.raises(InputError, match="lattice vectors"):
        tp.symmetrize(h, time_reversal=None, operations=[([[1, -1], [1, 0]], [[1.0]])])


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-500, 1.0, 2.0**500, 2.0**1000])
def test_distances_hold_at_any_scale(scale):
    # squares of entries leave float64; a distance of 0 would be a wrong claim
    noisy, once = with_noise(1e-3), tp.symmetrize(with_noise(1e-3))
    made = tp.symmetrize(scale * noisy)
    assert made.distance == pytest.approx(scale * once.distance, rel=1e-12)
    assert tp.find_time_reversal(scale * noisy) == "up first"
    turn = ([[0, -1], [1, 0]], np.eye(4))
    kept = tp.symmetrize(noisy, time_reversal=None, operations=[turn])
    many = tp.symmetrize(scale * noisy, time_reversal=None, operations=[turn])
    assert many.distance == pytest.approx(scale * kept.distance, rel=1e-12)


@pytest.mark.parametrize("kind", ["matrix", "two bands"])
def test_what_was_rounded_before_goes_along(kind):
    h = tp.models.qwz(1.1)
    h = 1.3 * (h if kind == "two bands" else tp.FourierHamiltonian(dict(h.hoppings)))
    assert h.amplitude_error > 0.0
    made = tp.symmetrize(h, time_reversal=None, inversion=np.diag([1.0, -1.0])).hamiltonian
    assert made.amplitude_error == h.amplitude_error
