"""Symmetry operators in proofs of the Z2 invariant: their violation is measured by the gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import topophys as tp
from tests.invariants.samples import ONE, X, Y, Z, direct_sum, rotated, unitary
from tests.invariants.z2_cases import draw, verdict
from tests.strategies import generators
from topophys.errors import InputError, UnresolvedError
from topophys.invariants._slices import Slice
from topophys.invariants._symmetry import (
    Operator,
    count_parities,
    inversion_operator,
    largest_norm,
    reversal_operator,
    symmetrise,
)
from topophys.invariants._z2_methods import PairSum, pair_sum
from topophys.testing.wannier_files import wannier_file

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


def with_field(h, field):
    """Zeeman field along z, and along x for every second orbital: splits all Kramers pairs."""
    rows = dict(h.hoppings)
    rows[0, 0] = rows[0, 0] + field * np.kron(Z, ONE)
    return tp.FourierHamiltonian(rows, n_occupied=h.n_occupied)


@pytest.mark.parametrize("split", [1.31e-3, 0.02])
def test_refusals_name_the_tolerance_that_is_needed(split):
    """Pairs are split by twice the field, the gap is 2 less that."""
    h = with_field(tp.models.bhz(1.0), split / (1.0 + split))
    named = f"set `tolerance` to {split + 1e-9:.3g}"
    for model in (h, h.on_grid((24, 24))):
        with pytest.raises(InputError, match="tolerance") as refusal:
            tp.z2_invariant(model, n_occupied=2)
        assert "Kramers pairs split by" in str(refusal.value)
        needed = float(str(refusal.value).split("set `tolerance` to ")[1].split(",")[0])
        assert split <= needed <= 1.02 * split, named
        assert int(tp.z2_invariant(model, tolerance=needed, n_occupied=2)) == 1


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("noise", [1e-8, 1e-6, 1e-5])
def test_a_dirac_point_with_any_noise_is_a_closed_gap(seed, noise):
    """The mass of BHZ that closes the gap at k = 0, with hoppings rounded in every entry."""
    rng = np.random.default_rng(seed)
    rows = dict(tp.models.bhz(0.0).hoppings)
    drawn = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
    rows[0, 0] = rows[0, 0] + noise * (drawn + drawn.conj().T)
    h = tp.FourierHamiltonian(rows, n_occupied=2)
    found = tp.z2_invariant(h)
    assert (found.status, found.reason) == ("unresolved", "closed gap")


def test_no_tolerance_is_proposed_for_a_symmetry_that_is_not_there():
    h = with_field(tp.models.bhz(1.0), 0.3)
    with pytest.raises(InputError, match="no rounding does that") as refusal:
        tp.z2_invariant(h)
    assert "set `tolerance`" not in str(refusal.value)


@pytest.mark.parametrize("noise", [0.0, 1e-15, 1e-9, 1e-5])
@pytest.mark.parametrize("unit", [1.0, 1e-200, 1e200])
def test_closed_gaps_are_no_broken_symmetry(noise, unit):
    """At the transition of BHZ pairs are split by as much as the gap is open: by the noise."""
    rng = np.random.default_rng(4)
    a = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
    rows = dict(tp.models.bhz(4.0).hoppings)
    rows[0, 0] = rows[0, 0] + noise * (a + a.conj().T)
    h = tp.FourierHamiltonian({r: unit * v for r, v in rows.items()}, n_occupied=2)
    found = tp.z2_invariant(h, prove=False)
    assert (found.status, found.reason) == ("unresolved", "closed gap")
    assert "closed gap" in repr(found)
    assert tp.z2_invariant(h.on_grid((8, 8)), n_occupied=2).reason == "closed gap"
    with_operator = tp.z2_invariant(h, time_reversal=REVERSAL)
    # what is broken beyond rounding is reported, beside the gap that it is not below
    assert with_operator.reason == ("symmetry" if noise > 1e-14 else "closed gap")


@pytest.mark.parametrize("order", ["up first", "alternating"])
def test_usual_orders_of_spin_orbitals_are_known_by_name(order):
    h = tp.models.bhz([1.0, -1.0], delta=0.1)
    if order == "alternating":
        swap = np.eye(4)[[0, 2, 1, 3]]
        h = rotated(h, swap)
    found = tp.z2_invariant(h, time_reversal=order)
    assert (found.value.tolist(), set(found.status)) == ([1, 0], {"certified"})
    assert (found.symmetry_violation == 0.0).all()
    other = "alternating" if order == "up first" else "up first"
    assert set(tp.z2_invariant(h, time_reversal=other).reason) == {"symmetry"}


def test_operators_that_are_of_no_kind_are_refused():
    h = tp.models.bhz(1.0)
    with pytest.raises(InputError, match=r"U conj\(U\) = -1 .* deviates by 2"):
        tp.z2_invariant(h, time_reversal=np.eye(4))
    with pytest.raises(InputError, match="commute with `time_reversal`"):
        tp.z2_invariant(
            h, method="parity", time_reversal=REVERSAL, inversion=np.kron(Z, np.diag([1, -1]))
        )
    with pytest.raises(InputError, match="up first"):
        tp.z2_invariant(h, time_reversal="down first")


@pytest.mark.parametrize("off", [1e-16, 1e-12, 3e-7])
def test_operators_of_a_text_file_become_exact_ones(off):
    """What is near a symmetry operator of its kind is replaced by one, with a bound of the rest."""
    rng = np.random.default_rng(11)
    u = unitary(4, rng)
    t, p = u @ REVERSAL @ u.T, u @ PARITY @ u.conj().T
    error = off * (rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4)))
    reversal = reversal_operator(t + error, 4)
    inversion = inversion_operator(p + error, 4, reversal)
    for operator, exact in ((reversal, t), (inversion, p)):
        assert np.abs(operator.matrix - exact).max() <= 10 * off + 1e-14
        assert operator.error <= 1e-12
    v, q = reversal.matrix, inversion.matrix
    assert np.abs(v + v.T).max() == 0.0
    assert np.abs(q @ v - v @ q.conj()).max() < 1e-14
    h = rotated(tp.models.bhz(1.0), u)
    found = tp.z2_invariant(h, method="parity", time_reversal=t + error, inversion=p + error)
    assert (int(found), found.status) == (1, "certified")
    assert found.symmetry_violation <= 1e3 * off + 1e-10


def test_means_over_the_group_have_the_symmetries():
    """And are as far from the Hamiltonian as the bound says, at the worst momentum or nearly."""
    rng = np.random.default_rng(5)
    vectors = np.array([(x, y) for x in range(-2, 3) for y in range(-2, 3)])
    rows = rng.standard_normal((25, 4, 4)) + 1j * rng.standard_normal((25, 4, 4))
    rows = rows + rows[::-1].conj().swapaxes(-1, -2)
    u = unitary(4, rng)
    reversal = reversal_operator(u @ REVERSAL @ u.T, 4)
    inversion = inversion_operator(u @ PARITY @ u.conj().T, 4, reversal)
    mean = symmetrise(vectors, rows, 0.0, reversal, inversion)
    v, p = reversal.matrix, inversion.matrix
    assert np.abs(v @ mean.row.conj() @ v.conj().T - mean.row).max() < 1e-13
    assert np.abs(p @ mean.row[::-1] @ p - mean.row).max() < 1e-13
    assert (mean.row == mean.row[::-1].conj().swapaxes(-1, -2)).all()
    k = rng.uniform(-np.pi, np.pi, (4000, 2))
    difference = np.einsum("km,mij->kij", np.exp(1j * k @ vectors.T), rows - mean.row)
    largest = 2.0 * np.linalg.norm(difference, 2, axis=(-2, -1)).max()
    assert largest <= mean.apart.sharp < mean.apart.plain
    assert mean.apart.sharp < 2.2 * largest
    assert mean.error < 1e-10
    again = symmetrise(vectors, mean.row, 0.0, reversal, inversion)
    assert again.apart.plain < 1e-9


def exact_mean(vectors, rows, u):
    """Mean over {1, T} in extended precision, with the unitary polar factor of u by Newton."""
    u = u.astype(np.clongdouble)
    for _ in range(4):
        u = u @ (3.0 * np.eye(len(u)) - u.conj().T @ u) / 2.0
    rows = rows.astype(np.clongdouble)
    image = np.array([u @ row.conj() @ u.conj().T for row in rows])
    return (rows + image) / 2.0


def test_errors_of_means_and_operators_are_bounds():
    rng = np.random.default_rng(6)
    vectors = np.array([[-1], [0], [1]])
    for n in (2, 4, 8):
        rows = rng.standard_normal((3, n, n)) + 1j * rng.standard_normal((3, n, n))
        rows = rows + rows[::-1].conj().swapaxes(-1, -2)
        v = unitary(n, rng)
        given = v @ np.kron(1j * Y, np.eye(n // 2)) @ v.T
        reversal = reversal_operator(given, n)
        defect = reversal.matrix.conj().T @ reversal.matrix - np.eye(n)
        assert np.linalg.norm(defect, 2) <= reversal.error
        mean = symmetrise(vectors, rows, 0.0, reversal)
        off = np.abs(exact_mean(vectors, rows, reversal.matrix) - mean.row).sum(0).max()
        assert 0.0 < float(off) <= mean.error
        # what was rounded in forming H is an error of its mean, and twice one of their distance
        rough = symmetrise(vectors, rows, 1.0, reversal)
        assert rough.error >= 1.0 + mean.error
        assert rough.apart.plain >= mean.apart.plain + 4.0


def test_parities_are_counted_with_the_error_of_their_operator():
    h = tp.models.bhz(1.0)
    row = Slice(h.vectors, h.amplitudes, 2)
    found = count_parities(row, inversion_operator(PARITY, 4), 2)
    # even orbitals are below at three of the four momenta
    assert (found.proven, sorted(found.odd.tolist())) in [
        (True, [0, 0, 0, 2]),
        (True, [0, 2, 2, 2]),
    ]
    assert not count_parities(row, Operator(PARITY + 0j, 0.2, rounds=True), 2).proven
    rough = Slice(h.vectors, h.amplitudes, 2, np.asarray(1.1))
    assert not count_parities(rough, inversion_operator(PARITY, 4), 2).proven


def test_largest_norm_between_the_points_of_the_grid():
    """cos(3 k + pi / 4) is 0.71 on all twelve points."""
    vectors = np.array([[-3, 0], [0, 0], [3, 0]])
    phase = np.exp(0.25j * np.pi)
    hop = np.array([0.5 / phase, 0.0, 0.5 * phase])[:, None, None] * np.eye(2)
    # two more waves so that the sum of the norms is not sharp itself
    more = np.array([[-1, 0], [1, 0]])
    wave = np.array([0.05j, -0.05j])[:, None, None] * np.eye(2)
    k = np.linspace(-np.pi, np.pi, 20001)
    values = np.cos(3 * k + 0.25 * np.pi) + 0.1 * np.sin(k)
    bound = largest_norm(np.concatenate([vectors, more]), np.concatenate([hop, wave]))
    assert np.abs(values).max() <= bound <= 1.1 * (1 + 1e-9)


def test_largest_norm_is_sharp_for_a_cosine():
    """|cos(3 k)| from 12 points: at most 1 / cos(pi / 4) too large."""
    vectors = np.array([[-3], [0], [3]])
    hop = np.array([0.5 + 0j, 0.0, 0.5])[:, None, None] * np.diag([1.0, 0.3])
    assert 1.0 <= largest_norm(vectors, hop) <= 1.0 + 1e-9
    wide = np.array([0.5j, 0.0, -0.5j])[:, None, None] * np.eye(2)
    assert 1.0 <= largest_norm(vectors, wide) <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("centres", "value"),
    [
        ([0.3, 0.3], 0.3),
        ([0.49999, 0.5, -0.49999, -0.5], None),
        ([0.1, 0.1, 0.4, 0.4], 0.5),
        ([-0.2, -0.2, 0.45, 0.45], 0.25),
    ],
)
def test_pairs_are_found_around_the_circle(centres, value):
    """The spreads of both ways to pair neighbours add up to one: only one of them is small."""
    x = np.sort(np.array(centres))
    ways = [x, np.append(x[1:], x[0] + 1.0)]
    spreads = [np.ptp(np.stack([w[0::2], w[1::2]]), axis=0).sum() for w in ways]
    assert sum(spreads) == pytest.approx(1.0)
    found = pair_sum(winding_frames(x))
    assert found.spread == pytest.approx(min(spreads), abs=1e-12)
    if value is not None:
        assert (found.value - value + 0.5) % 1.0 - 0.5 == pytest.approx(0.0, abs=1e-12)
    # 64 points and m centres: errors up to (1/4) / (m 64 / s) of the gap
    limit = 0.25 / (64 * len(x))
    assert found.proven(0.9 * limit * np.cos(0.1), 1.0)
    assert not found.proven(2.0 * limit, 1.0)
    assert not found.proven(1e-3, 1e-3)


def winding_frames(centres):
    """Frames (N, 2 m, m): on a loop state j turns around a cone that encloses the phase wanted."""
    n = 64
    k = 2.0 * np.pi * np.arange(n) / n
    # spinor (cos, sin e^{ik}): Berry phase 2 pi sin^2, centre = that / 2 pi
    share = np.mod(np.asarray(centres), 1.0)
    # on n points: the discrete phase for weight w is n arg(1 - w + w e^{-2 pi i / n})
    weights = np.array([_weight(c, n) for c in share])
    frame = np.zeros((n, 2 * len(share), len(share)), complex)
    for j, w in enumerate(weights):
        frame[:, 2 * j, j] = np.sqrt(1.0 - w)
        frame[:, 2 * j + 1, j] = np.sqrt(w) * np.exp(-1j * k)
    return frame


def _weight(centre, n):
    """Weight w for which links of phase arg(1 - w + w e^{-2 pi i / n}) add up to the centre."""
    low, high = 0.0, 1.0
    for _ in range(200):
        w = 0.5 * (low + high)
        angle = -n * np.angle(1.0 - w + w * np.exp(-2j * np.pi / n)) / (2.0 * np.pi)
        low, high = (w, high) if angle < centre else (low, w)
    return 0.5 * (low + high)


def test_pairs_that_are_none_leave_a_proof_unresolved():
    assert PairSum(0.0, 0.3, 1.0).proven(1e-9, 1.0)  # of the frames given; the spread is judged
    rows = dict(direct_sum(tp.models.qwz(-1.0), tp.models.qwz(-1.0)).hoppings)
    twin = tp.FourierHamiltonian(rows, n_occupied=2)
    found = tp.z2_invariant(twin, method="flux", time_reversal="up first")
    assert found.status == "unresolved"


@settings(max_examples=25)
@given(rng=generators())
def test_all_options_at_once_against_known_invariants(rng):
    verdict(draw(rng))


def many(n, seed):
    """Cases certified, unresolved and refused, of n draws."""
    return np.sum([verdict(draw(np.random.default_rng([seed, i]))) for i in range(n)], axis=0)


@pytest.mark.slow
def test_seeded_draws_of_all_options():
    certified, unresolved, _ = many(60, 21)
    assert min(certified, unresolved) > 10


@pytest.mark.slow
def test_many_seeded_draws_of_all_options():
    certified, unresolved, refused = many(4000, 22)
    assert certified > 1000
    assert unresolved > 1000
    assert refused > 50


def test_parities_and_fluxes_do_not_contradict_each_other():
    """Inversion is broken from not at all to by more than the gap."""
    rng = np.random.default_rng(9)
    both = 0
    for _ in range(12):
        case = draw(rng, parity=True)
        if "time_reversal" not in case.options:
            continue
        operators = {"time_reversal": case.options["time_reversal"]}
        flux = tp.z2_invariant(case.h, method="flux", max_evaluations=4000, **operators)
        if "inversion" in case.options:
            operators["inversion"] = case.options["inversion"]
            parity = tp.z2_invariant(case.h, method="parity", max_evaluations=4000, **operators)
            certain = (flux.status == "certified") & (parity.status == "certified")
            values = (np.ma.getdata(proof.value) for proof in (flux, parity))
            assert np.equal(*values)[certain].all()
            both += int(certain.sum())
    assert both >= 3


def test_files_whose_symmetry_holds_to_their_digits_are_certified():
    """ReC2H: time reversal is kept to 4e-6 eV an entry; its gap is 0.0415 eV."""
    h = tp.read_wannier90(wannier_file("ReC2H_hr.dat.gz"), n_occupied=16)
    found = tp.z2_invariant(h, method="flux", time_reversal="alternating")
    assert (int(found), found.status) == (1, "certified")
    assert 1e-6 < found.symmetry_violation < 1e-4 < found.gap_lower <= 0.0415
    other = tp.z2_invariant(h, method="flux", time_reversal="up first")
    assert (other.status, other.reason) == ("unresolved", "symmetry")


@pytest.mark.slow
def test_indices_of_tin_telluride_are_certified():
    h = tp.read_wannier90(wannier_file("SnTe_hr.dat.tar.gz"), n_occupied=6)
    found = tp.z2_indices_3d(h, method="flux", time_reversal="up first")
    assert (found.label, found.status) == ("(0; 000)", "certified")
    assert found.symmetry_violation < 1e-3 < found.gap_lower


@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_operators_with_large_entries_are_refused_without_overflow(scale):
    u = scale * np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2))
    with pytest.raises(InputError, match="`time_reversal` must be unitary"):
        tp.z2_invariant(tp.models.bhz(1.0), method="flux", time_reversal=u)
