"""Weyl charges of many bands by a few of them."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.invariants.samples import X, Y, Z, unitary
from topophys.invariants import _folding, weyl
from topophys.invariants._subdivision import Box
from topophys.testing import proof_fuzz


def many_bands(rng, n, filled, *, nodes=1, tilt=0.0, coupling=0.1, reach=1, k=(0.0, 0.0, 0.0)):
    """Weyl points near k between bands of width `coupling`, all mixed; and the charge of k."""
    inner = 2 * nodes
    base = rng.uniform(1.5, 6.0, n - inner)
    below = filled - nodes
    base[:below] *= -1.0
    velocities = [rng.standard_normal((3, 3)) for _ in range(nodes)]
    while any(np.linalg.svd(v, compute_uv=False)[-1] < 0.4 for v in velocities):
        velocities = [rng.standard_normal((3, 3)) for _ in range(nodes)]
    u, rows = unitary(n, rng), {}

    def add(key, matrix):
        for at, m in ((key, matrix), (tuple(-x for x in key), matrix.conj().T)):
            rows[at] = rows.get(at, 0) + 0.5 * u @ m @ u.conj().T

    level = np.zeros((n, n), complex)
    level[range(inner, n), range(inner, n)] = base
    add((0, 0, 0), level)
    for i, unit in enumerate(np.eye(3, dtype=int).tolist()):
        hop = np.zeros((n, n), complex)
        for a, v in enumerate(velocities):
            part = slice(2 * a, 2 * a + 2)
            slope = sum(x * s for x, s in zip(v[i], (X, Y, Z), strict=True))
            slope = slope + tilt * rng.standard_normal() * np.eye(2)
            hop[part, part] = -1j * np.exp(-1j * k[i]) * slope
        add(tuple(unit), hop)
    size = 2 * reach + 1
    for r in np.ndindex(size, size, size):
        key = tuple(x - reach for x in r)
        if key > (0, 0, 0):
            mixed = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
            mixed[:inner, :inner] = 0.0
            add(key, coupling / size**1.5 * mixed)
    charge = int(sum(np.sign(np.linalg.det(v)) for v in velocities))
    return tp.FourierHamiltonian(rows, n_occupied=filled), charge


def flux(h, centre, half, n, grid):
    """Sum of the phases of plaquettes on the faces of a box, over 2 pi: sampled."""
    line = np.linspace(-1.0, 1.0, grid + 1)
    a, b = np.meshgrid(line, line, indexing="ij")
    total = 0.0
    for axis in range(3):
        for side in (-1.0, 1.0):
            u = np.zeros((*a.shape, 3))
            u[..., axis], u[..., (axis + 1) % 3], u[..., (axis + 2) % 3] = side, a, b
            v = np.linalg.eigh(h.bloch(centre + u * half))[1][..., :n]

            def link(p, q):
                return np.linalg.det(p.conj().swapaxes(-1, -2) @ q)

            one = link(v[:-1, :-1], v[1:, :-1]) * link(v[1:, :-1], v[1:, 1:])
            two = link(v[1:, 1:], v[:-1, 1:]) * link(v[:-1, 1:], v[:-1, :-1])
            total -= side * np.angle(one * two).sum()
    return total / (2.0 * np.pi)


def exact_complement(h, k, basis, mu, lo, hi):
    """Near bands less what the far ones do to them, at one momentum."""
    m = basis.conj().T @ h.bloch(k) @ basis - mu * np.eye(len(basis))
    far = np.r_[0:lo, hi : len(m)]
    near = slice(lo, hi)
    return m[near, near] - m[near, far] @ np.linalg.solve(m[np.ix_(far, far)], m[far, near])


@pytest.mark.parametrize("seed", range(6))
def test_bounds_hold_at_random_points(seed):
    """Polynomial, Schur complement, its Taylor series on cells and the gap against exact ones."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(9, 16))
    filled = int(rng.integers(2, n - 1))
    reach = int(rng.integers(1, 3))
    h, _ = many_bands(rng, n, filled, reach=reach, coupling=rng.uniform(0.02, 0.3))
    box = Box(rng.uniform(-0.1, 0.1, 3), rng.uniform(0.05, 0.25, 3), 2, 8)
    poly = _folding.expand(h.vectors, h.amplitudes, 0.0, box)
    basis = np.linalg.eigh(h.bloch(box.centre))[1]
    mu = np.zeros(len(poly.powers))
    mu[:10] = 0.05 * rng.standard_normal(10)
    u = rng.uniform(-1, 1, (40, 3))
    u[:8] = np.stack(np.meshgrid(*3 * [[-1, 1]]), -1).reshape(-1, 3)
    size = 2.0**poly.exponent
    # eigenvectors are unique up to phases: compare what does not depend on them
    for point, given in zip(u, poly.at(u), strict=True):
        exact = np.linalg.eigvalsh(h.bloch(box.centre + point * box.width)) / size
        assert np.abs(np.linalg.eigvalsh(given) - exact).max() <= poly.error
    folded = _folding.fold(poly, mu, filled, box)
    while folded is None:  # the energy that is subtracted leaves the gap at the centre
        mu *= 0.5
        folded = _folding.fold(poly, mu, filled, box)
    lo, hi = folded.below, folded.below + folded.n_bands
    shifts = _folding.monomials(u, poly.powers) @ mu
    for point, shift in zip(u, shifts, strict=True):
        exact = exact_complement(h, box.centre + point * box.width, basis, shift * size, lo, hi)
        given = folded._sums(point[None], [()], np.ones((1, 1)))[0, 0] * size
        off = np.abs(np.linalg.eigvalsh(given) - np.linalg.eigvalsh(exact)).max()
        assert off <= (folded.truncated + 4e-16 * n) * size
    # cells of a face: the second-order series leaves no more open than is said
    half = np.zeros((2, 3))
    half[0, 1], half[1, 2] = box.width[1:] / 2
    points = np.array([[0, 256, 256], [1024, 768, 256]])
    _, terms, rest = next(
        folded.expansions(np.zeros(2, int), points, lambda p: p + 0j, half, np.array([1.0, 0.5]), 0)
    )
    for cell, depth in ((0, 1.0), (1, 0.5)):
        for s in rng.uniform(-1, 1, (20, 2)):
            a, b = s
            weight = [1, a, b, a * a / 2, a * b, b * b / 2]
            series = np.tensordot(weight, terms[cell], 1)
            at = (points[cell] - 512) / 512 + np.array([0, a, b]) * 0.5 * depth
            exact = folded._sums(at[None], [()], np.ones((1, 1)))[0, 0]
            assert np.linalg.norm(series - exact, 2) <= rest[cell] + 1e-15


@pytest.mark.parametrize("seed", range(9))
def test_charges_are_those_of_all_bands(seed):
    """Single, double and opposite nodes, tilted ones included, in random sets of bands."""
    rng = np.random.default_rng(100 + seed)
    n = int(rng.integers(9, 15))
    nodes = int(rng.integers(1, 3))
    filled = int(rng.integers(nodes, n - nodes + 1))
    tilt = [0.0, 0.5, 3.0][seed % 3]
    h, _ = many_bands(rng, n, filled, nodes=nodes, tilt=tilt, coupling=0.15)
    half = rng.uniform(0.08, 0.25, 3)
    found = tp.weyl_charge(h, rng.uniform(-0.02, 0.02, 3), half_width=half)
    assert found.resolved
    assert round(flux(h, found.asked.centre, half, filled, 24)) == int(found)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_the_way_of_all_bands_agrees(seed):
    """With evidence the proof uses all bands: bounds of both hold for the same gap."""
    h, _ = many_bands(np.random.default_rng(seed), 11, 5, nodes=2, tilt=0.5)
    few = tp.weyl_charge(h, [0, 0, 0], half_width=0.2)
    every = tp.weyl_charge(h, [0, 0, 0], half_width=0.2, evidence=True)
    assert few.resolved
    assert int(few) == int(every)
    assert few.gap_lower <= every.gap_upper
    assert every.gap_lower <= few.gap_upper


def test_gap_and_place_are_those_of_the_hamiltonian():
    h, charge = many_bands(np.random.default_rng(5), 12, 6)
    found = tp.weyl_charge(h, [0, 0, 0], half_width=0.2)
    assert int(found) == charge
    energy = h.bands(found.k_at_gap_upper)
    assert energy[6] - energy[5] == pytest.approx(float(found.gap_upper), rel=1e-4)
    assert (np.abs(np.abs(found.k_at_gap_upper) / 0.2).max() - 1.0) < 1e-9
    u = np.random.default_rng(0).uniform(-0.2, 0.2, (3000, 3))
    u[np.arange(3000), np.arange(3000) % 3] = 0.2
    energy = h.bands(np.concatenate([u, -u]))
    assert 0.0 < found.gap_lower <= (energy[:, 6] - energy[:, 5]).min()


def test_a_batch_is_its_members_and_units_do_not_matter():
    rng = np.random.default_rng(8)
    first, _ = many_bands(rng, 10, 4)
    second, _ = many_bands(rng, 10, 4)
    both = tp.FourierHamiltonian(
        {r: np.stack([m, second.hoppings[r]]) for r, m in first.hoppings.items()}, n_occupied=4
    )
    together = tp.weyl_charge(both, [0, 0, 0], half_width=0.15)
    alone = [tp.weyl_charge(h, [0, 0, 0], half_width=0.15) for h in (first, second)]
    assert together.value.tolist() == [int(a) for a in alone]
    assert together.gap_lower.tolist() == [float(a.gap_lower) for a in alone]
    for power in (-60, 60):
        scaled = tp.weyl_charge(first * 2.0**power, [0, 0, 0], half_width=0.15)
        assert int(scaled) == int(alone[0])
        assert scaled.gap_lower == alone[0].gap_lower * 2.0**power


def test_what_cannot_be_folded_is_proven_by_all_bands():
    """A box of half the zone, and a surface through a node, end as they did before."""
    rng = np.random.default_rng(3)
    h, charge = many_bands(rng, 10, 5, coupling=0.01, reach=1)
    wide = tp.weyl_charge(h, [0, 0, 0], half_width=1.2)
    assert wide.status == "certified"
    assert int(wide) == charge
    apart, _ = many_bands(rng, 10, 5, coupling=0.0)
    through = tp.weyl_charge(apart, [0.2, 0, 0], half_width=0.2, max_evaluations=3000)
    demanded = tp.weyl_charge(h, [0, 0, 0], half_width=0.2, min_gap=1e3)
    assert through.status == demanded.status == "unresolved"
    assert demanded.reason == "small gap"


def test_folding_any_number_of_bands_agrees_with_algebra(monkeypatch):
    """The trial of all options, against exact arithmetic, with few bands folded as well."""
    monkeypatch.setattr(weyl, "MANY", 2)
    count = proof_fuzz.run("weyl_charge", 15, seed=5)
    assert not count.bad
    assert count.outcomes["right"] > 3


def test_an_empty_batch_is_one():
    none = np.zeros((0, 9, 9))
    H = tp.FourierHamiltonian({(0, 0, 0): none, (1, 0, 0): none}, n_occupied=2)
    assert tp.weyl_charge(H, [0, 0, 0]).value.shape == (0,)


def test_evaluations_of_both_ways_count():
    # bands that touch on planes through the surface: neither way proves anything
    metal = {(0, 0, 0): np.diag([0.0, 0.0, *np.linspace(3, 5, 7)])}
    metal[1, 0, 0] = metal[-1, 0, 0] = np.diag([1.0, -1.0, *np.zeros(7)])
    H = tp.FourierHamiltonian(metal, n_occupied=1)
    ask = {"half_width": 0.4, "max_evaluations": 3000}
    both = tp.weyl_charge(H, [1.5, 0.0, 0.0], **ask)
    alone = tp.weyl_charge(H, [1.5, 0.0, 0.0], evidence=True, **ask)
    assert both.status == alone.status == "unresolved"
    assert alone.evaluations < both.evaluations <= 3000
