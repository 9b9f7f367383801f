"""What proofs of chains and of two bands keep as evidence, and write to files."""

from __future__ import annotations

import json
import tracemalloc

import mpmath
import numpy as np
import pytest

import topophys as tp
from topophys.errors import OutputError
from topophys.invariants import _winding
from topophys.invariants._evidence import _smallest
from topophys.invariants._limits import Limits
from topophys.kernels.rounding import SLACK

pytest.importorskip("flint")
from topophys.invariants import certificate_file

#: A share of a bound that slack and another order of sums may take.
NEAR = 1e-6


def leaves_of(tree, dim):
    """Lowest corners and widths of the leaves, in units of one zone."""
    bits, found = iter(tree.bits), []

    def visit(corner, width):
        if next(bits) == "0":
            found.append((corner, width))
            return
        for child in np.ndindex(*(2,) * dim):
            visit([c + b * width / 2 for c, b in zip(corner, child, strict=True)], width / 2)

    for first in np.ndindex(*tree.start):
        visit([i / n for i, n in zip(first, tree.start, strict=True)], 1.0 / tree.start[0])
    corner, width = zip(*found, strict=True)
    return np.array(corner), np.array(width)


def chains(n_orbitals, seed):
    rng = np.random.default_rng(seed)
    rows = {(r,): rng.normal(size=(4, n_orbitals, n_orbitals)) * 0.5 ** abs(r) for r in (-1, 0, 2)}
    rows[(1,)] = rng.normal(size=(4, n_orbitals, n_orbitals)) + 3.0 * np.eye(n_orbitals)
    return tp.ChiralHamiltonian(rows)


def far_chain(n_orbitals, reach):
    """D = diag(1, 2, ..) + (3 + 4i)/10 z^reach, of winding 0."""
    one = np.diag(1.0 + np.arange(n_orbitals))
    return tp.ChiralHamiltonian({(0,): one, (reach,): (0.3 + 0.4j) * np.eye(n_orbitals)})


def series_of(h, element):
    """Orders and coefficients of det D, and those of |D|^2, from samples."""
    orders, block = h.block_range, h.block_amplitudes.reshape(-1, *h.block_amplitudes.shape[-3:])
    block, n = block[element], h.block_amplitudes.shape[-1]
    count = n * (len(block) - 1) + 1
    z = np.exp(2j * np.pi * np.arange(count) / count)
    d = np.einsum("ks,sij->kij", z[:, None] ** np.arange(len(block)), block)
    f = np.fft.fft(np.linalg.det(d)) / count
    g = np.array([np.vdot(block[: len(block) - m], block[m:]) for m in range(len(block))])
    return n * orders[0] + np.arange(count), f, g


def lowest_gap(h, element):
    """Gap 2 sigma_min(D) between momenta so close that no lower one is missed by much."""
    block = h.block_on_grid(4096).reshape(-1, 4096, *h.block_amplitudes.shape[-2:])[element]
    return 1.99 * np.linalg.svd(block, compute_uv=False)[:, -1].min()


@pytest.mark.parametrize("n_orbitals", [1, 2, 3, 4])
@pytest.mark.parametrize("far", [False, True])
def test_intervals_of_a_chain_prove_its_number_and_its_gap(n_orbitals, far):
    h = far_chain(n_orbitals, 200 if n_orbitals < 3 else 60) if far else chains(n_orbitals, 4)
    plain = tp.certify_winding(h)
    proof = tp.certify_winding(h, evidence=True)
    for name in ("value", "status", "gap_lower", "gap_upper", "evaluations"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(proof, name))
    proven = np.ravel(proof.certified)
    assert proven.any()
    for element in np.flatnonzero(proven):
        tree = proof.evidence[element].tree
        assert tree.n_leaves == np.ravel(proof.evaluations)[element]
        orders, f, g = series_of(h, element)
        corner, width = leaves_of(tree, 1)
        assert width.sum() == pytest.approx(1.0)
        ends = 2.0 * np.pi * np.stack([corner[:, 0], corner[:, 0] + width])
        weight, size = np.abs(f), np.square(2.0 * np.pi * width) / 8.0
        shift = round(float((orders * weight).sum() / weight.sum()))
        value = np.exp(1j * ends[..., None] * (orders - shift)) @ f
        step = value[1] - value[0]
        share = -(value[0].conj() * step).real / np.abs(step).clip(1e-300) ** 2
        chord = np.abs(value[0] + share.clip(0.0, 1.0) * step)
        least = chord - size * (np.square(orders - shift) * weight).sum()
        assert (least > 0.0).all()
        turns = np.angle(value[1] / value[0]).sum() / (2.0 * np.pi)
        assert round(turns) + shift == np.ravel(proof.value)[element]
        lags = np.arange(1, len(g))
        norm = g[0].real + 2.0 * (np.exp(1j * ends[..., None] * lags) @ g[1:]).real
        norm = norm.max(0) + size * 2.0 * (np.square(lags) * np.abs(g[1:])).sum()
        gap = 2.0 * _smallest(n_orbitals, least, norm).min()
        low = np.ravel(proof.gap_lower)[element]
        assert np.ravel(proof.gap_upper)[element] >= lowest_gap(h, element)
        # what is written is what was proven: less by the slack alone
        assert low <= gap * (1.0 + 1e-12)
        assert low >= gap * (1.0 - NEAR)


def planes():
    rng = np.random.default_rng(8)
    rows = {r: 0.3 * rng.normal(size=(4, 2, 2)) + 0.2j * rng.normal(size=(4, 2, 2))
            for r in ((1, 0), (0, 1), (1, -1), (2, 0))}  # fmt: skip
    rows[0, 0] = np.array([[1.0, 0.3], [0.3, -1.0]]) * np.arange(1, 5)[:, None, None]
    return tp.FourierHamiltonian(rows)


@pytest.mark.parametrize(
    "h", [planes(), tp.models.qwz([-1.0, 0.5, 3.0]), tp.models.haldane(0.1, 0.1, np.pi / 2)]
)
def test_squares_of_two_bands_prove_their_number_and_gap(h):
    plain = tp.certify_chern(h)
    proof = tp.certify_chern(h, evidence=True)
    for name in ("value", "status", "gap_lower", "gap_upper", "evaluations"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(proof, name))
    rng = np.random.default_rng(3)
    x, y, z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    for element in np.flatnonzero(np.ravel(proof.certified)):
        kept = proof.evidence[element]
        one = h if not h.batch_shape else h[element]
        corner, width = leaves_of(kept.tree, 2)
        assert np.square(width).sum() == pytest.approx(1.0)
        assert kept.tree.start[0] == kept.tree.start[1]
        assert len(corner) == kept.tree.n_leaves
        low = np.ravel(proof.gap_lower)[element]
        for _ in range(3):
            k = 2.0 * np.pi * (corner + width[:, None] * rng.random(corner.shape))
            h_k = one.bloch(k)
            d = np.stack([np.einsum("kij,ji->k", h_k, s).real / 2.0 for s in (x, y, z)], -1)
            assert 2.0 * np.linalg.norm(d, axis=-1).min() >= low * (1.0 - 1e-12)
            if kept.directions is not None:
                u = kept.directions / np.linalg.norm(kept.directions, axis=1, keepdims=True)
                assert ((u * d).sum(-1) > 0.0).all()


@pytest.mark.parametrize(
    ("h", "certify"),
    [
        (chains(1, 5), tp.certify_winding), (chains(2, 5), tp.certify_winding),
        (chains(3, 5), tp.certify_winding), (far_chain(1, 40), tp.certify_winding),
        (tp.models.qwz([-1.0, 0.3]), tp.certify_chern), (planes(), tp.certify_chern),
    ],
)  # fmt: skip
@pytest.mark.parametrize("evidence", [False, True])
def test_files_say_what_was_proven(h, certify, evidence, tmp_path):
    """Every hopping to the bit, the integer and the gap; and the checker agrees."""
    proof = certify(h, evidence=evidence)
    where = int(np.flatnonzero(np.ravel(proof.certified))[0])
    index = where if proof.value.shape else None
    path = proof.save(tmp_path / "x.cert.json", index)
    read = certificate_file.load(path)
    assert read == json.loads(path.read_text())
    assert read["claim"]["value"] == np.ravel(proof.value)[where]
    low, claimed = np.ravel(proof.gap_lower)[where], float.fromhex(read["claim"]["gap_lower"])
    assert (1.0 - 2e-9) * low <= claimed <= low
    chain = certify is tp.certify_winding
    if chain:
        first = h.block_range[0]
        flat = h.block_amplitudes.reshape(-1, *h.block_amplitudes.shape[-3:])[where]
        wanted = {(first + m,): block for m, block in enumerate(flat)}
    else:
        one = h[where] if h.batch_shape else h
        wanted = {tuple(r): m for r, m in zip(one.vectors.tolist(), one.amplitudes, strict=True)}
    for vector, words in read["question"]["hoppings"]:
        parts = np.array([float.fromhex(x) for x in words.split()])
        matrix = parts.view(complex).reshape(wanted[tuple(vector)].shape)
        np.testing.assert_array_equal(matrix, wanted[tuple(vector)])
    assert certificate_file.verify_certificate(path)


@pytest.mark.parametrize("reach", [17, 500, 3000])
@pytest.mark.parametrize("evidence", [False, True])
@pytest.mark.parametrize("size", [0.0, 1e-20, 1e-5])
def test_far_hoppings_of_chains_that_matter_little(reach, evidence, size):
    """A hopping over thousands of cells neither changes the answer nor takes memory."""
    for n in (1, 2):
        near = {(0,): np.diag(1.0 + np.arange(n)), (1,): 3.0 * np.eye(n)}
        h = tp.ChiralHamiltonian(near | {(reach,): size * np.eye(n)})
        tp.certify_winding(h, evidence=evidence)
        tracemalloc.start()
        proof = tp.certify_winding(h, evidence=evidence)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # a few arrays of S coefficients, not S^2 of them
        assert peak < 2_000_000 + 3_000 * reach
        assert (int(proof), proof.status) == (n, "certified")
        gap = 2.0 * (3.0 - n)  # of diag(1, .., n) + 3 z
        assert 0.1 * gap < proof.gap_lower <= gap + 2.0 * size


@pytest.mark.parametrize("reach", [17, 500, 3000])
@pytest.mark.parametrize("evidence", [False, True])
@pytest.mark.parametrize("size", [0.0, 1e-20, 1e-5])
def test_far_hoppings_of_planes_that_matter_little(reach, evidence, size):
    rows = dict(tp.models.qwz(-1.0).hoppings)
    rows[reach, 3] = size * np.array([[1.0, 0.0], [0.0, -1.0]])
    h = tp.FourierHamiltonian(rows)
    tp.certify_chern(h, evidence=evidence)
    tracemalloc.start()
    proof = tp.certify_chern(h, evidence=evidence)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000
    assert (int(proof), proof.status) == (1, "certified")
    assert 1.0 < proof.gap_lower <= 2.0 + 4 * size


@pytest.mark.parametrize("n", [3, 4, 5])
@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("place", [2, 12, 40])
def test_the_determinant_of_many_orbitals_is_known_to_the_slack(n, far, place):
    """D = L diag(1 + c_i z^r) R with integer L, R of determinant 1 and zeros next to the circle."""
    rng = np.random.default_rng(n)
    reach = 400 // n if far else 2
    left, right = (np.eye(n) for _ in range(2))
    for matrix in (left, right):
        for _ in range(4):
            i, j = rng.choice(n, 2, replace=False)
            matrix[i] += rng.choice([-1, 1]) * matrix[j]
    for inside in range(n + 1):
        # |c| > 1: the root of 1 + c z^r lies inside the circle
        c = np.where(np.arange(n) < inside, 1.0 + 2.0**-place, 1.0 - 2.0**-place)
        h = tp.ChiralHamiltonian({(0,): left @ right, (reach,): left @ np.diag(c) @ right})
        proof = tp.certify_winding(h, max_depth=40, max_evaluations=400_000)
        assert not proof.certified or int(proof) == inside * reach
    closed = np.ones(n)
    closed[1:] = 0.5
    h = tp.ChiralHamiltonian({(0,): left @ right, (reach,): left @ np.diag(closed) @ right})
    assert not tp.certify_winding(h, max_depth=40, max_evaluations=400_000).certified


@pytest.mark.parametrize("n_orbitals", [1, 2, 3])
def test_the_gap_that_was_met_is_rounded_up(n_orbitals):
    """In 50 digits the gap at `k_at_gap_upper` is no larger than what is told of it."""
    h = chains(n_orbitals, 6)
    proof = tp.certify_winding(h)
    first = h.block_range[0]
    for blocks, k, told in zip(
        h.block_amplitudes, proof.k_at_gap_upper[:, 0], proof.gap_upper, strict=True
    ):
        with mpmath.workdps(50):
            d = mpmath.zeros(n_orbitals)
            for order, block in enumerate(blocks, start=first):
                d += mpmath.expjpi(order * mpmath.mpf(k) / mpmath.pi) * mpmath.matrix(
                    block.tolist()
                )
            assert 2 * min(mpmath.svd_c(d, compute_uv=False)) <= mpmath.mpf(told)
            assert told == pytest.approx(float(2 * min(mpmath.svd_c(d, compute_uv=False))))


@pytest.mark.parametrize("n", [1, 2])
def test_errors_of_long_chains_enter_their_gap(n):
    """The stretch that has nearly everything is proven, and all that is left out is an error."""
    rows = {(0,): np.eye(n), (1,): 0.25 * np.eye(n), (3000,): 1e-4 * np.eye(n)}
    h = tp.ChiralHamiltonian(rows)
    h._error = np.array(0.1)
    # 1 - 1/4 - 1e-4 - 0.1 at worst, times two
    for few in ({}, {"max_evaluations": 200}):
        assert tp.certify_winding(h, min_gap=1.1, **few).certified
        assert not tp.certify_winding(h, min_gap=1.3, **few).certified
        assert tp.certify_winding(h, **few).gap_lower < 1.3


def test_a_determinant_that_is_rounding_is_no_closed_gap():
    small = np.diag([1.0] + 4 * [2.0**-14])
    proof = tp.certify_winding(tp.ChiralHamiltonian({(0,): small, (1,): 0.25 * small}))
    assert (proof.status, proof.reason) == ("unresolved", "rounding")


def test_what_is_not_proven_has_no_evidence():
    for reach in (1, 300):
        h = tp.ChiralHamiltonian({(0,): [[[1.0]], [[1.0]]], (reach,): [[[1.0]], [[0.5]]]})
        proof = tp.certify_winding(h, evidence=True)
        assert proof.evidence[0] is None
        assert proof.evidence[1] is not None


def test_only_certificates_are_replaced(tmp_path):
    proof = tp.certify_winding(tp.models.ssh(1.0, 2.0), evidence=True)
    hoppings = tmp_path / "mine_hr.dat"
    hoppings.write_text("hoppings of a user")
    for target in (hoppings, tmp_path, tmp_path / "nowhere" / "x.cert.json"):
        with pytest.raises(OutputError) as caught:
            proof.save(target)
        assert "\n" not in str(caught.value)
    assert hoppings.read_text() == "hoppings of a user"
    path = proof.save(tmp_path / "x.cert.json")
    assert proof.save(path) == path
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["mine_hr.dat", "x.cert.json"]


@pytest.mark.parametrize("n_orbitals", [1, 2])
def test_bounds_of_a_series_of_few_harmonics(n_orbitals, monkeypatch):
    """Second derivatives and slacks that the kernel is told, against their formulas."""
    rng = np.random.default_rng(n_orbitals)
    blocks = np.zeros((400, n_orbitals, n_orbitals), complex)
    kept = np.array([0, 7, 150, 399])
    blocks[kept] = rng.normal(size=(4, n_orbitals, n_orbitals))
    norm = np.linalg.norm(blocks, axis=(1, 2))
    told = []

    def certify(terms, orders, n, bounds, n_node, *_):
        told.append((bounds, n_node))
        return 0, 1, 1

    monkeypatch.setattr(_winding, "certify_series", certify)
    long = _winding._Long(blocks, -3, norm)
    long._prove_series(0.0, Limits(0.0, 40, 10_000), _winding._Found.of(1), evidence=False)
    (bounds, n_node), = told  # fmt: skip
    # det and the products in it, |D|^2 and the products in it, by order
    det, size, square, g_size = ({} for _ in range(4))
    for s in kept:
        if n_orbitals == 1:
            det[s], size[s] = blocks[s, 0, 0], 0.0
        for t in kept:
            if n_orbitals == 2:
                part = blocks[s, 0, 0] * blocks[t, 1, 1] - blocks[s, 0, 1] * blocks[t, 1, 0]
                det[s + t] = det.get(s + t, 0.0) + part
                size[s + t] = size.get(s + t, 0.0) + norm[s] * norm[t]
                if t >= s:
                    square[t - s] = square.get(t - s, 0.0) + np.vdot(blocks[s], blocks[t])
                    g_size[t - s] = g_size.get(t - s, 0.0) + norm[s] * norm[t]
    weight = np.array([abs(det[m]) for m in sorted(det)])
    orders = np.array(sorted(det))
    m = orders - round((orders * weight).sum() / weight.sum())
    products = np.array([size[i] for i in sorted(det)])
    slack = 4 * SLACK
    assert bounds[0] / (m**2 * (weight + slack * products)).sum() == pytest.approx(1, abs=1e-9)
    assert bounds[0] > (m**2 * (weight + slack * products)).sum()
    assert bounds[1] == pytest.approx(
        slack * ((1 + abs(m)) * (weight + 2 * products)).sum(), rel=1e-6, abs=0.0
    )
    lags = np.array(sorted(square), dtype=float)
    g = np.array([abs(square[i]) for i in sorted(square)])
    sizes = np.array([g_size[i] for i in sorted(square)])
    assert bounds[2] == pytest.approx(
        (2 * lags**2 * (g + 4 * slack * sizes)).sum(), rel=1e-6, abs=0.0
    )
    assert bounds[2] >= (2 * lags**2 * (g + 4 * slack * sizes)).sum()
    assert bounds[3] == pytest.approx(4 * slack * 4 * sizes.sum(), rel=1e-6, abs=0.0)
    assert n_node == 1 << (n_node.bit_length() - 1)


def test_gap_that_was_met_holds_for_all_hamiltonians_within_the_error():
    """An upper bound has to cover a gap that is larger by twice the error."""
    exact = tp.models.ssh(1.0, 0.25)
    blurred = tp.models.ssh(1.0, 0.25)._with_error(np.array(0.125), ())
    one, other = tp.certify_winding(exact), tp.certify_winding(blurred)
    assert int(one.value) == int(other.value)
    assert float(other.gap_upper) == pytest.approx(float(one.gap_upper) + 0.25, abs=1e-9)
    assert float(other.gap_lower) == pytest.approx(float(one.gap_lower) - 0.25, abs=1e-9)
    # with the demand between what was met and what the error allows, it is the error's fault
    assert str(tp.certify_winding(blurred, min_gap=1.3).reason) == "rounding"
    assert str(tp.certify_winding(blurred, min_gap=1.8).reason) == "small gap"


def corners_of_divided_cells(tree):
    """Corners of the first cells and of all that were divided, in units of one zone."""
    bits, corners = iter(tree.bits), set()

    def visit(x, y, width, *, first=False):
        divided = next(bits) == "1"
        if divided or first:
            corners.update((a, b) for a in (x, x + width) for b in (y, y + width))
        for a, b in np.ndindex(2, 2) if divided else ():
            visit(x + a * width / 2, y + b * width / 2, width / 2)

    for i, j in np.ndindex(*tree.start):
        visit(i / tree.start[0], j / tree.start[1], 1 / tree.start[0], first=True)
    return np.array(sorted(corners))


def test_gap_that_was_met_is_the_smallest_at_the_corners_of_cells_that_were_divided():
    planes, off_grid = tp.ensembles.two_band(30, hopping_range=1, rng=3), 0
    for h in planes:
        proof = tp.certify_chern(h, evidence=True)
        k = 2 * np.pi * corners_of_divided_cells(proof.evidence[0].tree)
        d = np.einsum("mi,km->ki", h.d_amplitudes, np.exp(1j * k @ h.d_vectors.T)).real
        gaps = 2 * np.linalg.norm(d, axis=-1)
        assert float(proof.gap_upper) == pytest.approx(gaps.min(), rel=1e-9)
        at = np.abs(np.exp(1j * k) - np.exp(1j * proof.k_at_gap_upper)).max(-1).argmin()
        assert gaps[at] == pytest.approx(gaps.min(), rel=1e-9)
        off_grid += bool((k[gaps.argmin()] * 8 / np.pi % 1.0).any())
    assert off_grid >= 5
