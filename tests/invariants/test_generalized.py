"""Gaps and Chern numbers in non-orthogonal bases, against the orthogonal problems they are made of.

For invertible P(k), the problem P^dagger H P x = E P^dagger P x has the levels and bundles of H.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import plain
from topophys.errors import FillingError, InputError, KindError, UnresolvedError

X, Y, Z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def product(a, b):
    """Fourier coefficients of A(k) B(k)."""
    out = {}
    for (R, m), (Q, n) in itertools.product(a.items(), b.items()):
        key = tuple(x + y for x, y in zip(R, Q, strict=True))
        out[key] = out.get(key, 0) + m @ n
    return out


def adjoint(a):
    return {tuple(-x for x in R): m.conj().T for R, m in a.items()}


def dressed(h, rng, strength):
    """Generalised problem P^dagger H P, P^dagger P with P = 1 + small, and P."""
    n, dim = h.n_bands, h.dim
    p = {(0,) * dim: np.eye(n, dtype=complex)}
    for R in [(0,) * dim, (1,) + (0,) * (dim - 1), (0,) * (dim - 1) + (1,)]:
        drawn = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
        p[R] = p.get(R, 0) + strength * drawn / np.linalg.norm(drawn, 2) / 3.0
    hops = tp.FourierHamiltonian(
        product(adjoint(p), product(dict(h.hoppings), p)), n_occupied=h.n_occupied
    )
    return tp.GeneralizedHamiltonian(hops, tp.FourierHamiltonian(product(adjoint(p), p)))


@settings(max_examples=12)
@given(st.integers(0, 2**32), st.sampled_from([0.2, 0.5, 0.8]), st.integers(2, 4))
def test_answers_are_those_of_the_orthogonal_problem(seed, strength, n):
    rng = np.random.default_rng(seed)
    h = tp.models.qwz(rng.uniform(-2.5, 2.5))
    if n > 2:
        extra = np.diag(rng.uniform(4.0, 6.0, n - 2))
        hops = {R: np.block([[m, np.zeros((2, n - 2))], [np.zeros((n - 2, 2)),
                extra if not any(R) else 0 * extra]]) for R, m in h.hoppings.items()}  # fmt: skip
        h = tp.FourierHamiltonian(hops, n_occupied=1)
    g = dressed(h, rng, strength)
    k = rng.uniform(-np.pi, np.pi, (5, 2))
    np.testing.assert_allclose(g.bands(k), h.bands(k), atol=1e-9)
    plain = tp.certify_chern(h)
    found = tp.certify_generalized_chern(g)
    fine = h.bands(tp.k_grid((48, 48), dim=2))
    gap = float((fine[..., 1] - fine[..., 0]).min())
    assert found.gap_lower <= gap
    if found.certified:
        assert int(found) == int(plain)
        assert 0.0 < found.gap_lower <= found.gap_upper
        assert found.overlap_lower > 0.0
    else:
        assert gap < 0.6  # only small gaps are left open
    size = np.linalg.eigvalsh(g.overlap.bloch(tp.k_grid((24, 24), dim=2)))
    assert found.overlap_lower <= size.min()
    assert found.overlap_upper >= size.max()
    if gap > 0.3:
        assert int(tp.chern_number(g, grid=32)) == int(plain)


def test_levels_that_overlap_at_different_momenta_need_an_energy_for_each():
    tilt = {R: m.copy() for R, m in tp.models.qwz(-1.0).hoppings.items()}
    tilt[1, 0] = tilt[1, 0] + 1.5 * np.eye(2)
    tilt[-1, 0] = tilt[-1, 0] + 1.5 * np.eye(2)
    h = tp.FourierHamiltonian(tilt, n_occupied=1)
    assert tp.certify_gap(h, kind="indirect").status == "refuted"
    found = tp.certify_generalized_chern(dressed(h, np.random.default_rng(1), 0.3))
    assert int(found) == 1
    assert len(found.energy) > 1
    assert "harmonics in the gap" in repr(found)


def test_a_closed_gap_is_never_certified():
    g = dressed(tp.models.qwz(0.0), np.random.default_rng(3), 0.4)
    for ask in (tp.certify_generalized_gap, tp.certify_generalized_chern):
        found = ask(g, max_evaluations=5000)
        assert found.status == "unresolved"
        assert found.gap_lower == 0.0
        with pytest.raises(UnresolvedError):
            ask(g, max_evaluations=5000, on_unresolved="raise")
        with pytest.raises(InputError, match="no proof to save"):
            found.save("x.cert.json")


@pytest.mark.parametrize("hop", [0.6, 0.51])
def test_a_dependent_basis_is_refused_with_the_momentum(hop):
    g = tp.GeneralizedHamiltonian(tp.models.qwz(-1.0), {(0, 0): np.eye(2), (1, 0): hop * np.eye(2)})
    with pytest.raises(InputError, match=r"positive definite .* at k = \("):
        g.bloch([np.pi, 0.0])
    with pytest.raises(InputError, match=r"positive definite .* at most -.* at k = \("):
        tp.certify_generalized_gap(g)


def test_a_basis_that_is_almost_dependent_is_proven():
    s = {(0,): np.eye(2), (1,): 0.499 * np.eye(2)}
    g = tp.GeneralizedHamiltonian(tp.models.ssh(1.0, 2.0), s)
    found = tp.certify_generalized_gap(g)
    assert found.status == "certified"
    assert 0.0 < found.overlap_lower <= 0.002


def test_saved_proofs_are_accepted(tmp_path):
    pytest.importorskip("flint")
    from topophys.invariants.certificate_file import verify_certificate

    found = tp.certify_generalized_chern(
        dressed(tp.models.qwz(-1.0), np.random.default_rng(0), 0.3)
    )
    assert "Chern number 1" in verify_certificate(found.save(tmp_path / "x.cert.json"))


def test_bad_problems_are_refused():
    h = tp.models.qwz(-1.0)
    with pytest.raises(KindError, match="one Hamiltonian"):
        tp.GeneralizedHamiltonian(tp.models.qwz([-1.0, 1.0]), {(0, 0): np.eye(2)})
    with pytest.raises(KindError, match=r"batch of shape \(2,\); make one problem of each"):
        tp.GeneralizedHamiltonian(h, {(0, 0): np.stack([np.eye(2)] * 2)})
    for ask in (tp.certify_gap, tp.certify_chern):
        with pytest.raises(KindError, match="with overlaps: use certify_generalized_gap"):
            plain(ask)(tp.GeneralizedHamiltonian(h, {(0, 0): np.eye(2)}))
    with pytest.raises(InputError, match="`overlap` must be of one 2D system with 2 orbitals"):
        tp.GeneralizedHamiltonian(h, {(0, 0): np.eye(3)})
    with pytest.raises(InputError, match="1 to 1"):
        tp.GeneralizedHamiltonian(h, {(0, 0): np.eye(2)}, n_occupied=2)
    chain = tp.GeneralizedHamiltonian(tp.models.ssh(1.0, 2.0), {(0,): np.eye(2)})
    with pytest.raises(KindError, match="in 2 dimensions"):
        tp.certify_generalized_chern(chain)


def test_z2_of_a_generalised_problem():
    """By the homotopy of the pencil with a proof, and from samples of the orthogonal problem."""
    for mass, wanted in ((1.0, 1), (-1.0, 0), (5.0, 1)):
        h = tp.models.bhz(mass)
        rng = np.random.default_rng(3)
        a = rng.standard_normal((2, 2))
        step = 0.08 * np.kron(
            np.eye(2), a @ a.T / np.linalg.norm(a) ** 2
        )  # real, and the same for both spins
        g = tp.GeneralizedHamiltonian(h, {(0, 0): np.eye(4), (1, 0): step, (0, 1): step})
        assert int(tp.z2_invariant(g.on_grid(24), n_occupied=2)) == wanted
        pencil = g.shifted(0.0)
        if tp.certify_gap(pencil, level=0.0, n_occupied=2).status == "certified":
            reversal = np.kron([[0, 1], [-1, 0]], np.eye(2))
            proven = tp.z2_invariant(pencil, n_occupied=2, time_reversal=reversal, prove=True)
            assert (proven.status, int(proven)) == ("certified", wanted)
        else:
            assert mass == 5.0
    with pytest.raises(KindError, match=r"on_grid\(24\)"):
        plain(tp.z2_invariant)(g)


def test_a_filling_is_not_assumed(tmp_path):
    file = tp.write_wannier90_hr(tp.models.qwz(-1.0), tmp_path / "a_hr.dat")
    g = tp.GeneralizedHamiltonian(tp.read_wannier90(file), {(0, 0): np.eye(2)})
    assert "filling not given" in repr(g)
    with pytest.raises(FillingError):
        tp.certify_generalized_chern(g)
    assert int(tp.certify_generalized_chern(g, n_occupied=1)) == 1
