"""Majorana numbers: public values, other methods, broken symmetries, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError, KindError, UnresolvedError


def random_majorana(rng, n, bands, reach):
    """Random chains in a Majorana basis: H_R = i A_R with A_R real, A_(-R) = -A_R^T."""
    hop = {}
    for order in range(reach + 1):
        a = rng.standard_normal((n, bands, bands))
        hop[(order,)] = 1j * (a - a.swapaxes(-1, -2) if order == 0 else a)
    return tp.FourierHamiltonian(hop)


def pairs_of_chains(p, q, amount):
    """Class DIII: D(k) = [[0, f(k)], [-f(-k), 0]], f = z^p + amount z^q, with C = K."""
    block = {}
    for order, i, j, value in ((p, 0, 1, 1.0), (-p, 1, 0, -1.0), (q, 0, 1, amount),
                               (-q, 1, 0, -amount)):  # fmt: skip
        block.setdefault(order, np.zeros((2, 2), complex))[i, j] += value
    adjoint = {-order: matrix.conj().T for order, matrix in block.items()}
    zero, hop = np.zeros((2, 2)), {}
    for order in {*block, *adjoint}:
        d, e = block.get(order, zero), adjoint.get(order, zero)
        a, b = 0.5 * (d + e), 0.5j * (d - e)
        hop[(order,)] = np.block([[a, b], [b, -a]])
    return tp.FourierHamiltonian(hop), np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2))


@pytest.mark.parametrize("phase", [0.0, 1.0, np.pi / 2, 3.0])
@pytest.mark.parametrize("delta", [0.3, -1.0])
def test_kitaev_chain_has_its_phase_diagram(phase, delta):
    mu = np.array([-2.5, -1.9, 0.0, 0.7, 1.99, 2.01])
    h = tp.models.kitaev_chain_bdg(mu, 1.0, delta, phase)
    proof = tp.majorana_number(h, particle_hole="nambu")
    assert proof.value.tolist() == [0, 1, 1, 1, 1, 0]
    assert proof.all_certified
    assert not proof.symmetry_violation.any()


def test_real_pairing_is_the_chiral_chain():
    mu = np.linspace(-3.0, 3.0, 11)
    chiral = tp.certify_winding(tp.models.kitaev_chain(mu, 1.0, 0.4))
    pair = tp.majorana_number(tp.models.kitaev_chain_bdg(mu, 1.0, 0.4), particle_hole="nambu")
    np.testing.assert_array_equal(abs(chiral.value), pair.value)
    k = np.linspace(-3.0, 3.0, 7)[:, None]
    np.testing.assert_allclose(
        tp.models.kitaev_chain(mu, 1.0, 0.4).bands(k),
        tp.models.kitaev_chain_bdg(mu, 1.0, 0.4).bands(k), atol=1e-12,
    )  # fmt: skip


def test_the_number_is_the_parity_of_zero_modes_at_an_end():
    rng = np.random.default_rng(3)
    h = random_majorana(rng, 40, 4, 1)
    proof = tp.majorana_number(h, particle_hole="majorana", min_gap=0.6)
    assert proof.certified.sum() > 5
    for i in np.flatnonzero(proof.certified):
        open_chain = np.kron(np.eye(160), h[i].hoppings[(0,)])
        for order in (1, -1):
            open_chain += np.kron(np.eye(160, k=order), h[i].hoppings[(order,)])
        zeros = (abs(np.linalg.eigvalsh(open_chain)) < 1e-8 * proof.gap_lower[i]).sum()
        assert zeros == 2 * proof.value[i]


@given(some.integers(0, 2**32 - 1), some.sampled_from([2, 4, 6]), some.integers(1, 3))
def test_the_sign_is_that_of_the_determinant_of_the_projected_basis(seed, bands, reach):
    """Oracle without Pfaffians: det of the occupied states of i A(0) in those of i A(pi)'s pairing.

    A(0) = O diag-blocks O^T with O real orthogonal: sign Pf A = det O, from real Schur vectors.
    """
    rng = np.random.default_rng(seed)
    h = random_majorana(rng, 4, bands, reach)
    proof = tp.majorana_number(h, particle_hole="majorana", kind="direct")
    for i in np.flatnonzero(proof.certified):
        sign = 1.0
        for k in (0.0, np.pi):
            _, states = np.linalg.eigh(1j * h[i].bloch([k]).imag)
            up = states[:, bands // 2 :] * np.sqrt(2.0)
            real = np.stack([up.real, up.imag], -1).reshape(bands, bands)
            sign *= np.linalg.det(real)
        assert (sign < 0) == proof.value[i]


@given(some.integers(0, 2**32 - 1), some.sampled_from([1e-300, 1e-160, 1.0, 1e160, 1e300]))
def test_no_basis_and_no_unit_matters(seed, unit):
    rng = np.random.default_rng(seed)
    h = random_majorana(rng, 3, 4, 1)
    plain = tp.majorana_number(h, particle_hole="majorana")
    drawn = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
    v, _ = np.linalg.qr(drawn)
    turned = tp.FourierHamiltonian(
        {r: unit * (v @ m @ v.conj().T) for r, m in h.hoppings.items()}, hermitian="average"
    )
    other = tp.majorana_number(turned, particle_hole=v @ v.T)
    both = plain.certified & other.certified
    np.testing.assert_array_equal(plain.value[both], other.value[both])
    assert (plain.certified == other.certified)[plain.gap_upper > 1e-6].all()


@pytest.mark.parametrize("size", [1e-12, 1e-3, 0.2, 5.0])
def test_a_broken_symmetry_is_compared_with_the_gap(size):
    h = tp.models.kitaev_chain_bdg(0.5, 1.0, 0.7)
    broken = h + tp.FourierHamiltonian({(0,): size * np.eye(2)})
    proof = tp.majorana_number(broken, particle_hole="nambu")
    assert proof.symmetry_violation >= 2.0 * size * (1 - 1e-12)
    assert proof.symmetry_violation <= np.sqrt(8.0) * size + 1e-9  # at first by Frobenius norms
    if size < 0.5:
        assert int(proof) == 1
        assert "at most" in proof.statement
        assert proof.gap_lower > proof.symmetry_violation
    else:
        assert str(proof.reason) == "symmetry"
        with pytest.raises(UnresolvedError):
            int(proof)


def test_an_odd_energy_closes_the_indirect_gap_only():
    tilt = tp.FourierHamiltonian({(1,): -1.5j * np.eye(2)})
    h = tp.models.kitaev_chain_bdg(0.5, 1.0, 0.7) + tilt
    assert tp.majorana_number(h, particle_hole="nambu").status == "unresolved"
    assert int(tp.majorana_number(h, particle_hole="nambu", kind="direct")) == 1


@pytest.mark.parametrize(("p", "q", "value"), [(1, 0, 1), (0, 1, 0), (2, 1, 0), (3, 1, 1)])
@pytest.mark.parametrize("amount", [0.3, -0.9, 0.7j])
def test_pairs_of_majorana_modes(p, q, value, amount):
    h, flip = pairs_of_chains(p, q, amount)
    proof = tp.majorana_number(h, particle_hole="majorana", time_reversal=flip)
    assert int(proof) == value
    assert not proof.symmetry_violation.any()
    assert 0.0 < proof.gap_lower <= 2.0 * (1.0 + abs(amount))


def test_pairs_in_any_basis():
    rng = np.random.default_rng(5)
    h, flip = pairs_of_chains(1, 0, 0.5)
    v, _ = np.linalg.qr(rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4)))
    turned = tp.FourierHamiltonian(
        {r: v @ m @ v.conj().T for r, m in h.hoppings.items()}, hermitian="average"
    )
    proof = tp.majorana_number(
        turned, particle_hole=v @ v.T, time_reversal=np.exp(0.4j) * v @ flip @ v.T
    )
    assert int(proof) == 1
    assert proof.symmetry_violation < 1e-11


def test_refusals_name_the_argument():
    h = tp.models.kitaev_chain_bdg(0.5, 1.0, 0.7)
    for options, words in (
        ({"particle_hole": "numbu"}, "`particle_hole` must be"),
        ({"particle_hole": np.diag([1.0, 2.0])}, "`particle_hole` must be unitary"),
        ({"particle_hole": np.array([[0, 1], [-1, 0]])}, "`particle_hole` must be unitary"),
        ({"particle_hole": np.eye(3)}, "`particle_hole` must have shape"),
        ({"particle_hole": "nambu", "kind": "none"}, "`kind` must be"),
        ({"particle_hole": "nambu", "min_gap": -1.0}, "`min_gap` must be"),
        ({"particle_hole": "nambu", "time_reversal": "up first"}, "that 4 divides"),
    ):
        with pytest.raises(InputError, match=words):
            plain(tp.majorana_number)(h, **options)
    with pytest.raises(KindError, match="1-dimensional"):
        tp.majorana_number(tp.models.qwz(1.0), particle_hole="nambu")
    odd = tp.FourierHamiltonian({(0,): np.eye(3)})
    with pytest.raises(InputError, match="even number of bands"):
        tp.majorana_number(odd, particle_hole="majorana")
    chain, flip = pairs_of_chains(1, 0, 0.5)
    turned = np.diag([1.0, 1.0j, 1.0, 1.0j])
    with pytest.raises(InputError, match="commute"):
        tp.majorana_number(chain, particle_hole=turned, time_reversal=flip)


def test_files_hold_class_d_and_the_checker_takes_them(tmp_path):
    checker = pytest.importorskip("topophys.checker")
    h = tp.models.kitaev_chain_bdg([0.5, 2.5], 1.0, 0.7, phase=0.3)
    for order in ("nambu", "alternating"):  # the same for one orbital
        proof = tp.majorana_number(h, particle_hole=order)
        for i, value in enumerate((1, 0)):
            text = proof.save(tmp_path / f"{order}{i}.cert.json", i).read_text()
            assert checker.check(text).startswith(f"Majorana number {value}, gap at least")
            with pytest.raises(checker.RejectedError, match=f"the integer is {value}"):
                checker.check(text.replace(f'"value":{value}', f'"value":{1 - value}'))


def test_no_file_is_written_in_silence(tmp_path):
    chain, flip = pairs_of_chains(1, 0, 0.5)
    proof = tp.majorana_number(chain, particle_hole="majorana", time_reversal=flip)
    proof = replace(proof, asked=replace(proof.asked, particle_hole=None))  # as other quantities
    with pytest.raises(InputError, match="hold no Majorana Kramers number"):
        proof.save(tmp_path / "x.cert.json")
    assert not list(tmp_path.iterdir())
