"""Certificates of random and adversarial Hamiltonians against algebra; the oracles themselves.

The same runs at full size, a million for winding numbers and a million for two bands, are written
into docs/results/trust.md by `python -m benchmarks.quality.trust`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize

import topophys as tp
from topophys.testing import trust
from topophys.testing.oracles import (
    degrees_by_preimages,
    determinant_polynomial,
    determinant_polynomials,
    from_roots,
    least_on_circle,
    windings_by_roots,
)


def test_polynomials_of_determinants():
    block = tp.ensembles.aiii_chains(5, n_orbitals=3, hopping_range=2, rng=0).block_amplitudes
    expected = [determinant_polynomial(b) for b in block]
    np.testing.assert_allclose(determinant_polynomials(block), expected, atol=1e-14)


def test_polynomials_are_put_back_from_their_roots():
    np.testing.assert_allclose(from_roots(np.array([[2.0, -3.0]])), [[-6.0, 1.0, 1.0]])


def test_least_on_circle_is_a_lower_bound_and_not_a_poor_one():
    rng = np.random.default_rng(1)
    roots = rng.uniform(0.5, 1.5, (200, 8)) * np.exp(1j * rng.uniform(0, 2 * np.pi, (200, 8)))
    z = np.exp(2j * np.pi * np.arange(20_000) / 20_000)
    least = np.array([np.abs(np.polyval(np.poly(r), z)).min() for r in roots])
    bound = least_on_circle(roots)
    assert (bound <= least).all()
    assert np.median(bound / least) > 0.5


@pytest.mark.parametrize(("t2", "turns"), [(0.5, 0), (2.0, 1), (1 - 1e-9, 0), (1 + 1e-9, 1)])
def test_windings_of_ssh_by_roots(t2, turns):
    value, _ = windings_by_roots(0, np.array([[[[1.0 + 0j]], [[t2]]]]))
    assert value.tolist() == [turns]


def test_windings_with_roots_at_the_origin_and_at_infinity():
    block = np.zeros((1, 5, 1, 1), complex)
    block[0, 3] = 1.0
    assert windings_by_roots(-2, block)[0].tolist() == [1]


@pytest.mark.parametrize("m", [-2 - 1e-6, -2 + 1e-6, -1.0, -1e-6, 1e-6, 1.0, 2 - 1e-6, 2 + 1e-6])
def test_degrees_of_qwz_by_preimages(m):
    rng = np.random.default_rng(2)
    full = tp.ensembles.two_band(1, rng=0)
    d = np.zeros((1, *full.d_amplitudes.shape[1:]), complex)
    model = tp.models.qwz([m])
    rows = {tuple(v): i for i, v in enumerate(full.d_vectors.tolist())}
    for v, c in zip(model.d_vectors.tolist(), model.d_amplitudes[0], strict=True):
        d[0, rows[tuple(v)]] = c
    # diagonal hoppings, too small to matter, without which the companion matrix is singular
    noise = 1e-9 * tp.ensembles.two_band(1, rng=rng).d_amplitudes
    value, sure = degrees_by_preimages(full.d_vectors, d + noise, (0.3, 0.5, 0.8))
    assert sure.all()
    assert value.tolist() == [0 if abs(m) > 2 else -np.sign(m)]


def test_a_wrong_integer_is_counted():
    tally = trust.Tally()
    tally.add("random", np.array([0.5, 1e-3]), np.array([1, 2]), np.array([True, True]),
              np.array([1, 1]), np.array([True, True]))  # fmt: skip
    assert (tally.count("right"), tally.count("wrong")) == (1, 1)
    assert tally.by_gap[-3, "wrong"] == 1


@pytest.mark.parametrize("kind", ["small gap", "huge"])
def test_adversarial_chains_have_the_gap_they_are_given(kind):
    rng = np.random.default_rng(3)
    block = trust.chain_blocks(kind, 50, 2, 2, rng)
    unit = 2.0**trust.HUGE if kind == "huge" else 1.0
    proof = tp.certify_winding(tp.ChiralHamiltonian.from_array(-2, block))
    assert (proof.gap_lower[proof.certified] / unit < 1.001e-2).all()


@pytest.mark.parametrize("kind", ["small gap", "gapless"])
def test_adversarial_planes_have_the_gap_they_are_given(kind):
    vectors, d, _ = trust.plane_coefficients(kind, 50, 1, np.random.default_rng(4))
    model = tp.TwoBandHamiltonian(
        {tuple(v): d[:, m] for m, v in enumerate(vectors.tolist())}, hermitian="average"
    )
    proof = tp.certify_chern(model)
    assert (proof.gap_lower < 1.001e-2).all()
    assert proof.certified.any() == (kind == "small gap")


SOUND = [
    (trust.trust_chains, 4000, 0.92),
    (trust.trust_planes, 4000, 0.9),
    (trust.trust_bands, 200, 0.85),
    (trust.trust_gaps, 1000, 0.5),
    (trust.trust_kramers, 20, 0.8),
]
#: Sizes of the slow runs; all of the page are made by `python -m benchmarks.quality.trust`.
SLOW = [
    (run, {"trust_bands": 10_000, "trust_kramers": 500}.get(run.__name__, 1_000_000), least)
    for run, _, least in SOUND
]


def judge(run, n, least):
    tally = run(n)
    assert tally.total == n
    assert tally.count("wrong") == 0
    assert tally.count("right") >= least * n
    gapless = sum(count for (kind, _), count in tally.by_kind.items() if "gapless" in kind)
    refused = sum(
        tally.count("unresolved", kind) for kind in {k for k, _ in tally.by_kind if "gapless" in k}
    )
    assert refused == gapless > 0
    assert tally.count("open") <= 1e-3 * n
    return tally


@pytest.mark.parametrize(("run", "n", "least"), SOUND, ids=lambda x: getattr(x, "__name__", ""))
def test_no_certified_integer_is_wrong(run, n, least):
    judge(run, n, least)


@pytest.mark.slow
@pytest.mark.parametrize(("run", "n", "least"), SLOW, ids=lambda x: getattr(x, "__name__", ""))
def test_no_certified_integer_of_a_million_is_wrong(run, n, least, record_property):
    tally = judge(run, n, least)
    record_property(run.__name__, {" ".join(key): count for key, count in tally.by_kind.items()})


def test_mixing_keeps_the_symmetry_and_the_shift_moves_hoppings():
    """The adversarial models are what they claim: invariant under T, with terms that moved."""
    model, truth, sure = trust.kramers("random", 1, 5, np.random.default_rng(0))
    u, k = trust.REVERSAL, np.array([0.3, -1.1])
    np.testing.assert_allclose(u @ model.bloch(k).conj() @ u.T, model.bloch(-k), atol=1e-12)
    assert np.abs(model.vectors).max() == 2
    assert set(truth.tolist()) <= {0, 1}
    assert sure.all()


@pytest.mark.parametrize("kind", [k for k in trust.GAP_KINDS if "gapless" not in k])
def test_a_known_gap_is_there(kind):
    """The gap that a proven bound is held against is one of the Hamiltonian, to rounding."""
    rng = np.random.default_rng(1)
    model, gap = trust.least_gaps(kind, 0, 20, rng)
    momenta = np.random.default_rng(1).uniform(-np.pi, np.pi, (20, 2))
    for i in range(20):
        energy = np.linalg.eigvalsh(model[i].bloch(momenta[i][: model.dim]))
        filled = model.n_occupied
        np.testing.assert_allclose(energy[filled] - energy[filled - 1], gap[i], atol=1e-12)


def test_a_bound_above_the_known_gap_is_counted(monkeypatch):
    honest = tp.certify_gap

    def boasting(model, **options):
        proof = honest(model, **options)
        return dataclasses.replace(proof, gap_lower=proof.gap_lower + 0.5)

    monkeypatch.setattr(tp, "certify_gap", boasting)
    assert trust.trust_gaps(200).count("wrong") >= 100


def concentrated_grid(model, n=48, levels=40):
    """Momenta (Nx, Ny, 2) of a product grid whose lines get dense where the gap is smallest."""
    filled = model.n_occupied

    def gap(k):
        energy = np.linalg.eigvalsh(model.bloch(k))
        return energy[..., filled] - energy[..., filled - 1]

    coarse = tp.k_grid((192, 192)).reshape(-1, 2)
    starts = coarse[np.argsort(gap(coarse))[:5]]
    found = [minimize(gap, k, method="Nelder-Mead", options={"xatol": 1e-12}) for k in starts]
    k_x, k_y = min(found, key=lambda one: one.fun).x
    near = np.pi * 0.6 ** np.arange(levels)
    offsets = np.concatenate([near, -near, [0.0], np.linspace(-np.pi, np.pi, n, endpoint=False)])
    lines = [np.unique(np.mod(c + offsets + np.pi, 2 * np.pi)) - np.pi for c in (k_x, k_y)]
    return np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)


@pytest.mark.parametrize(("seed", "number", "index"), [(59, 38, 36), (64, 1, 42)])
def test_open_ones_of_the_million(seed, number, index):
    """With no uniform grid up to 768 x 768 do these agree; with one that is dense at the gap."""
    rng = np.random.default_rng([seed, number, 3])
    kind, size = trust.batches(trust.KINDS, 10_000, 50)[number]
    model = trust.band_models(kind, number, size, rng)[0][index]
    proof = tp.certify_chern(model, max_evaluations=50_000)
    assert proof.certified
    assert proof.gap_upper < 1e-5
    h = model.bloch(concentrated_grid(model))
    assert trust.grid_chern(h, model.n_occupied) == proof.value
    assert trust.grid_chern(model.on_grid((48, 48)), model.n_occupied) != proof.value
