"""Groups of bands: invariants between any two gaps, sampled and certified."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError, UnresolvedError


def gap_integer(p, q, r):
    """t of r = q s + p t, |t| < q / 2: the Chern number of the r lowest Hofstadter bands."""
    return next(t for t in range(-q // 2, q // 2 + 1) if abs(2 * t) < q and (r - p * t) % q == 0)


def two_copies(h):
    """Every band twice."""
    return tp.FourierHamiltonian({R: np.kron(m, np.eye(2)) for R, m in h.hoppings.items()})


def bhz(m):
    """Two copies of QWZ that time reversal maps to each other."""
    one = tp.models.qwz(m).hoppings
    up, down = np.diag([1, 0]), np.diag([0, 1])
    return {R: np.kron(up, one[R]) + np.kron(down, one[R].conj()) for R in one}


def stacked(*parts):
    """Direct sum of Hamiltonians at shifted energies."""
    size = sum(next(iter(p.values())).shape[0] for p in parts)
    vectors = {R for p in parts for R in p} | {(0, 0)}
    out = {R: np.zeros((size, size), complex) for R in vectors}
    start = 0
    for level, p in enumerate(parts):
        n = next(iter(p.values())).shape[0]
        place = slice(start, start + n)
        for R, m in p.items():
            out[R][place, place] += m
        out[0, 0][place, place] += 20.0 * level * np.eye(n)
        start += n
    return tp.FourierHamiltonian(out)


@pytest.mark.parametrize(("p", "q"), [(1, 3), (1, 5), (2, 5), (3, 7)])
def test_groups_of_hofstadter_bands_solve_the_diophantine_equation(p, q):
    # gap r carries t_r with r = q s_r + p t_r, |t_r| <= q/2; a group [a, b) has t_b - t_a
    below = [0, *(gap_integer(p, q, r) for r in range(1, q)), 0]
    h = tp.models.hofstadter(p, q)
    for low in range(q):
        for high in range(low + 1, q + 1):
            if high - low == q:
                continue
            proof = tp.certify_chern(h, bands=range(low, high))
            assert proof.all_certified
            assert int(proof) == below[high] - below[low]
            assert int(tp.chern_number(h, grid=24, bands=slice(low, high))) == int(proof)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 5), cut=st.integers(1, 4))
def test_chern_numbers_of_complementary_groups_add_to_zero(seed, n, cut):
    h = tp.ensembles.class_a(1, n_bands=n, rng=seed)
    cut = min(cut, n - 1)
    options = {"grid": 12, "on_unresolved": "mask"}
    lower = tp.chern_number(h, bands=range(cut), **options)
    upper = tp.chern_number(h, bands=range(cut, n), **options)
    assert np.ma.getmaskarray(lower) == np.ma.getmaskarray(upper)
    assert np.ma.filled(lower + upper, 0) == 0
    assert np.array_equal(
        np.ma.filled(lower, 0),
        np.ma.filled(tp.chern_number(h, n_occupied=cut, **options), 0),
    )


def test_flux_and_curvature_of_all_single_bands_add_to_zero():
    h = tp.models.hofstadter(1, 5)
    flux = sum(tp.berry_flux(h, grid=40, bands=[b]) for b in range(5))
    # plaquette by plaquette up to what the non-Abelian links leave out, and up to whole turns
    assert np.abs(flux).max() < 0.05
    curvature = tp.berry_curvature(h, grid=16, bands=[2])
    assert curvature.sum() * (2 * np.pi / 16) ** 2 / (2 * np.pi) == pytest.approx(-4)


def test_metric_of_a_group_is_that_of_its_projector():
    # g = tr(dP dP) / 2 with P on the middle bands, by central differences
    h, k, step = tp.models.hofstadter(1, 5), tp.k_grid((6, 6)), 1e-4

    def projector(k):
        frame = np.linalg.eigh(h.bloch(k))[1][..., 1:3]
        return frame @ frame.conj().swapaxes(-1, -2)

    slopes = [(projector(k + e) - projector(k - e)) / (2 * step) for e in step * np.eye(2)]
    expected = [[0.5 * np.trace(a @ b, axis1=-2, axis2=-1).real for b in slopes] for a in slopes]
    found = tp.quantum_metric(h, grid=6, bands=[1, 2])
    assert found == pytest.approx(np.moveaxis(expected, (0, 1), (-2, -1)), rel=1e-5, abs=1e-6)
    # the metric of the other bands is the same, as d(1 - P) = -dP
    upper = tp.quantum_metric(h, grid=6, bands=range(2, 5))
    assert upper == pytest.approx(tp.quantum_metric(h, grid=6, n_occupied=2))


def test_wilson_flow_of_a_group_turns_by_its_chern_number():
    h = tp.models.hofstadter(1, 5)
    for bands in ([1], [2], [1, 2], [3, 4]):
        centres = tp.wannier_centres(h, grid=(60, 60), bands=bands).sum(-1)
        steps = np.diff(np.append(centres, centres[0]))
        assert np.rint((steps - np.rint(steps)).sum()) == int(tp.certify_chern(h, bands=bands))
        assert tp.wilson_loop(h, grid=8, bands=bands).shape == (8, len(bands), len(bands))


def test_zak_phases_of_single_bands_add_to_that_of_the_group():
    h = tp.FourierHamiltonian({(0,): np.diag([0.0, 5.0, 9.0]), (1,): 0.5 * np.ones((3, 3))})
    alone = sum(tp.zak_phase(h, grid=80, bands=[b]) for b in (1, 2))
    both = tp.zak_phase(h, grid=80, bands=[1, 2])
    assert np.exp(1j * alone) == pytest.approx(np.exp(1j * both), abs=1e-3)


def test_gap_of_a_group_is_the_smaller_of_its_two():
    h = tp.models.hofstadter(1, 5)
    proof = tp.certify_gap(h, bands=[2])
    alone = [tp.certify_gap(h, n_occupied=n) for n in (2, 3)]
    assert proof.gap_lower == min(one.gap_lower for one in alone)
    assert proof.gap_upper == min(one.gap_upper for one in alone)
    assert [float(part.gap_lower) for part in proof.parts] == [float(a.gap_lower) for a in alone]
    assert int(proof) == 1
    assert "gap below" in str(proof)
    assert "between bands 1 and 2" in str(proof)


def test_groups_that_cut_a_multiplet_name_the_closed_gap():
    h = two_copies(tp.models.qwz([-1.0, 1.0]))
    proof = tp.certify_chern(h, bands=[1, 2])
    assert proof.reason.tolist() == ["closed gap"] * 2
    assert proof.value.mask.all()
    assert "gap above        between bands 2 and 3: 2 closed gap" in str(proof)
    with pytest.raises(UnresolvedError, match="gap below between bands 0 and 1: 2 closed gap"):
        tp.certify_chern(h, bands=[1, 2], on_unresolved="raise")
    with pytest.raises(UnresolvedError, match="between bands 2 and 3"):
        tp.certify_gap(h, bands=[1, 2], on_unresolved="raise")
    assert tp.chern_number(h, grid=12, bands=[1, 2], on_unresolved="mask").mask.all()


def test_z2_of_a_group_is_that_of_its_part():
    h = stacked(bhz(-1.0), bhz(3.0))
    reversal = np.kron(np.eye(2), np.kron([[0, 1], [-1, 0]], np.eye(2)))
    expected = {(0, 2): 1, (2, 4): 1, (4, 6): 0, (6, 8): 0, (2, 6): 1, (2, 8): 1, (4, 8): 0}
    for (low, high), value in expected.items():
        found = tp.z2_invariant(h, bands=range(low, high), method="flux", time_reversal=reversal)
        assert int(found) == value
        assert found.all_certified
        assert found.gap_lower > 0.0
    flow = tp.z2_invariant(h, bands=range(2, 4), prove=False)
    assert int(flow) == 1
    assert "the bands 2 to 3 of 0 to 7 in 2D" in str(flow)
    assert int(tp.z2_invariant(h.on_grid(24), bands=range(2, 4))) == 1


def test_z2_refuses_half_a_kramers_pair():
    with pytest.raises(InputError, match="whole Kramers pairs"):
        tp.z2_invariant(stacked(bhz(-1.0)), bands=[1, 2])


def test_planes_of_three_dimensions_take_groups():
    h = tp.FourierHamiltonian(
        {(0, 0, 0): np.diag([-3.0, 0.0, 3.0]), (1, 0, 0): 0.1 * np.ones((3, 3)),
         (0, 0, 1): 0.2 * np.eye(3)}
    )  # fmt: skip
    assert tp.chern_on_slices(h, bands=[1], grid=3).value.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "bands", [[], [0, 2], range(5), [1, 0], "ab", 2, slice(0, 0), [-1], [5], slice("a", None)]
)
def test_refuses_what_is_no_group(bands):
    with pytest.raises(InputError, match="`bands`"):
        plain(tp.chern_number)(tp.models.hofstadter(1, 5), grid=8, bands=bands)
    with pytest.raises(InputError, match="`bands`"):
        plain(tp.certify_chern)(tp.models.hofstadter(1, 5), bands=bands)


def test_refuses_bands_with_a_filling():
    h = tp.models.hofstadter(1, 5)
    for call in (tp.certify_chern, tp.certify_gap, tp.z2_invariant):
        with pytest.raises(InputError, match="not be given together"):
            call(h, bands=[2, 3], n_occupied=2)
    with pytest.raises(InputError, match="not be given together"):
        tp.zak_phase(h, bands=[1], n_occupied=2, grid=8)


def test_a_group_needs_no_filling_of_a_material():
    h = tp.models.hofstadter(1, 5)
    halves = {R: m / (1 if any(R) else 2) for R, m in h.hoppings.items() if R >= (0, 0)}
    bare = tp.from_tbmodels(SimpleNamespace(hop=halves, occ=None, uc=None, pos=None, dim=2))
    assert int(tp.chern_number(bare, grid=24, bands=[2])) == -4
    assert int(tp.certify_chern(bare, bands=[2])) == -4
    assert tp.wannier_centres(bare, grid=24, bands=[2]).shape == (24, 1)


def test_the_proof_of_a_group_is_saved_by_its_parts(tmp_path):
    proof = tp.certify_chern(tp.models.hofstadter(1, 3), bands=[1], evidence=True)
    with pytest.raises(InputError, match=r"save each of `\.parts`"):
        proof.save(tmp_path / "x.cert.json")
    for i, part in enumerate(proof.parts):
        assert part.save(tmp_path / f"{i}.cert.json").exists()
