"""Proven gaps and Chern numbers of more than two bands, against grids and the two-band proof."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.markers import others_slow
from tests.strategies import SEEDS, chains, generators, plain, two_bands, unitaries
from topophys.errors import InputError, KindError, UnresolvedError
from topophys.invariants import _subdivision as subdivision
from topophys.invariants._cocycle import chern_evidence
from topophys.invariants._limits import limits
from topophys.testing.oracles import lower_bands_chern, smallest_gap_of_chain

FAR = limits(0.0, 16, 100_000, deepest=24)


def random_bands(seed, n_bands, reach=1):
    """One random Hermitian hopping model in two dimensions."""
    rng = np.random.default_rng(seed)
    steps = range(-reach, reach + 1)
    hops = {
        (x, y): rng.standard_normal((n_bands, n_bands)) + 1j * rng.standard_normal((n_bands,) * 2)
        for x in range(reach + 1)
        for y in steps
        if (x, y) > (0, 0)
    }
    onsite = rng.standard_normal((n_bands, n_bands)) + 1j * rng.standard_normal((n_bands,) * 2)
    hops[0, 0] = onsite + onsite.conj().T
    return plain(tp.FourierHamiltonian)(hops)


def direct_sum(*parts, n_occupied):
    """Uncoupled Hamiltonians side by side."""
    keys = {key for part in parts for key in part.hoppings}
    sizes = [part.n_bands for part in parts]
    total = sum(sizes)
    hops = {}
    for key in keys:
        block, start = np.zeros((total, total), complex), 0
        for part, size in zip(parts, sizes, strict=True):
            block[start : start + size, start : start + size] = part.hoppings.get(key, 0.0)
            start += size
        hops[key] = block
    return plain(tp.FourierHamiltonian)(hops, n_occupied=n_occupied)


def smallest_gap(h, filled, n_k):
    energy = np.linalg.eigvalsh(h.on_grid((n_k, n_k)))
    return (energy[..., filled] - energy[..., filled - 1]).min()


@given(h=two_bands(max_range=1))
def test_two_bands_by_both_proofs(h):
    """The degree of d and the fluxes of frames know nothing of each other."""
    found = chern_evidence(h, 1, FAR, evidence=False)
    proof = tp.certify_chern(h)
    assert found.gap_lower[0] <= proof.gap_upper + 1e-12
    if found.proven[0]:
        assert found.value[0] == int(proof)


@pytest.mark.parametrize(("n_bands", "filled"), [(3, 1), (3, 2), (4, 2), (5, 2)])
def test_certified_chern_equals_dense_grids(n_bands, filled):
    certified = compared = 0
    for seed in range(6):
        h = random_bands(seed, n_bands)
        proof = tp.certify_chern(h, n_occupied=filled, max_depth=10)
        certified += int(proof.certified)
        if proof.certified:
            n_k = 64
            gap = smallest_gap(h, filled, n_k)
            assert proof.gap_lower <= gap
            if gap > 0.5:
                assert int(proof) == lower_bands_chern(h.on_grid((n_k, n_k)), filled)
                compared += 1
    assert certified >= 4
    assert compared >= 1


@given(masses=st.lists(st.sampled_from([-3.0, -1.0, 1.0, 2.5]), min_size=2, max_size=3))
def test_chern_numbers_of_a_direct_sum_add_up(masses):
    """All lower bands are occupied; they cross and are degenerate with one another."""
    parts = [plain(tp.models.qwz)(m) for m in masses]
    total = sum(int(tp.certify_chern(part)) for part in parts)
    whole = direct_sum(*parts, n_occupied=len(parts))
    assert int(tp.certify_chern(whole)) == total


@given(rng=generators(), turn=unitaries(4))
def test_a_constant_change_of_basis_changes_nothing(rng, turn):
    parts = [plain(tp.models.qwz)(m) for m in rng.choice([-1.0, 1.0, 3.0], 2)]
    h = direct_sum(*parts, n_occupied=2)
    turned = {key: turn @ hop @ turn.conj().T for key, hop in h.hoppings.items()}
    again = plain(tp.FourierHamiltonian)(turned, hermitian="average")
    assert int(tp.certify_chern(again, n_occupied=2)) == int(tp.certify_chern(h, n_occupied=2))


@pytest.mark.parametrize("m", [-2.0, 0.0, 2.0])
def test_a_closed_gap_is_refused_and_the_touching_point_named(m):
    h = direct_sum(tp.models.qwz(m), tp.models.qwz(3.5), n_occupied=2)
    for proof in (tp.certify_chern(h), tp.certify_gap(h)):
        assert not proof.certified
        assert proof.gap_lower == 0.0
        energy = np.linalg.eigvalsh(h.bloch(proof.k_at_gap_upper))
        assert energy[2] - energy[1] == pytest.approx(float(proof.gap_upper), abs=1e-12)
    assert float(tp.certify_gap(h).gap_upper) < 1e-3


@pytest.mark.parametrize("shift", [1e-2, -1e-2, 1e-3, -1e-3])
def test_next_to_a_transition_the_right_side_is_named(shift):
    h = direct_sum(tp.models.qwz(-2.0 + shift), tp.models.qwz(3.5), n_occupied=2)
    assert int(tp.certify_chern(h)) == (1 if shift > 0 else 0)


@given(chain=chains(max_orbitals=3, max_range=2))
def test_gap_of_chains(chain):
    proof = tp.certify_gap(chain)
    gap = smallest_gap_of_chain(chain)
    assert proof.gap_lower <= gap * (1 + 1e-9)
    assert proof.certified == (proof.gap_lower > 0)
    assert proof.gap_upper >= gap * (1 - 1e-6)


@given(seed=SEEDS, share=st.floats(0.05, 0.8))
def test_a_gap_asked_for_is_proven_or_refused(seed, share):
    h = random_bands(seed, 3)
    gap = smallest_gap(h, 1, 24)
    fine = tp.certify_gap(h, min_gap=share * gap, max_depth=8, n_occupied=1)
    if fine.certified:
        assert fine.gap_lower >= share * gap
    assert not tp.certify_gap(h, min_gap=1.001 * gap, max_depth=6, n_occupied=1).certified


def test_three_dimensions():
    """Stacked layers are gapped whatever k_z; a hopping along z closes the gap where it must."""
    layer = tp.models.qwz(-1.0).hoppings
    stack = {(*key, 0): hop for key, hop in layer.items()}
    z = np.diag([1.0, -1.0])
    assert tp.certify_gap(tp.FourierHamiltonian(stack | {(0, 0, 1): 0.1 * z})).certified
    weyl = tp.certify_gap(tp.FourierHamiltonian(stack | {(0, 0, 1): 0.8 * z}), max_depth=6)
    assert not weyl.certified
    assert weyl.gap_upper < 0.1


def almost_reversed(odd, gap=0.2):
    """Real but for sin(k_z) times `odd`; smallest gap `gap` -+ 2 `odd` at k_z = +-pi/2."""
    x, y, z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1.0, -1.0])
    hops = {
        (0, 0, 0): 2.0 * z + (0.5 * gap + 0.3) * x,
        (1, 0, 0): -0.5 * z - 0.5j * y,
        (0, 1, 0): -0.5 * z - 0.15 * x,
        (0, 0, 1): 0.5 * z + 0.5j * odd * x,
    }
    return tp.FourierHamiltonian(hops, n_occupied=1)


def test_half_of_the_zone_is_enough_where_energies_at_k_and_minus_k_agree():
    whole = tp.certify_gap(almost_reversed(1e-2))
    exact, near = tp.certify_gap(almost_reversed(0.0)), tp.certify_gap(almost_reversed(1e-5))
    assert exact.certified
    assert near.certified
    assert whole.certified
    assert 0.4 < exact.evaluations / whole.evaluations < 0.6
    assert near.evaluations == exact.evaluations
    assert near.gap_lower < exact.gap_lower


@pytest.mark.parametrize("odd", [1e-4, -1e-4])
def test_the_gap_of_the_other_half_is_no_smaller_than_proven(odd, monkeypatch):
    """The smallest gap lies in the half that is looked at, or in the other, by the sign."""
    h = almost_reversed(odd)
    at = [np.diff(h.bands(np.array([0.0, 0.0, s * np.pi / 2])))[0] for s in (1, -1)]
    assert at == pytest.approx([0.2 - 2 * odd, 0.2 + 2 * odd], abs=1e-12)
    whole = tp.certify_gap(h, tightness=0.9999)
    monkeypatch.setattr(subdivision, "MATTERS", 0.0)
    half = tp.certify_gap(h, tightness=0.9999, max_evaluations=6000)
    assert min(at) - 1e-4 < whole.gap_lower <= min(at)
    assert min(at) - 8e-4 < half.gap_lower <= min(at)


def test_gaps_as_small_as_what_the_other_half_may_differ_are_proven_on_the_whole_zone():
    h = almost_reversed(1e-4, gap=6e-4)
    proof = tp.certify_gap(h)
    assert proof.certified
    assert 1e-4 < proof.gap_lower <= 4e-4 * (1 + 1e-9)
    count = int(proof.evaluations)
    assert tp.certify_gap(h, max_evaluations=count).certified
    assert tp.certify_gap(h, max_evaluations=count // 2).evaluations <= count // 2


def test_results_do_not_depend_on_the_batch():
    members = [random_bands(seed, 3) for seed in range(4)]
    keys = members[0].hoppings
    batch = tp.FourierHamiltonian(
        {key: np.stack([h.hoppings[key] for h in members]) for key in keys}, n_occupied=1
    )
    together = tp.certify_chern(batch, max_depth=8)
    for i, h in enumerate(members):
        alone = tp.certify_chern(h, n_occupied=1, max_depth=8)
        assert together.value[i] == alone.value
        assert together.gap_lower[i] == alone.gap_lower
        assert together.evaluations[i] == alone.evaluations


@pytest.mark.parametrize("certify", [tp.certify_gap, tp.certify_chern])
def test_limits_are_kept(certify):
    h = random_bands(3, 4)
    few = certify(h, max_evaluations=70, n_occupied=2)
    assert not few.certified
    assert few.reason == "budget"
    assert few.evaluations <= 70
    assert certify(h, max_evaluations=63, n_occupied=2).evaluations == 0
    none = certify(h, max_depth=0, n_occupied=2)
    assert (none.status, none.reason) == ("unresolved", "depth")
    with pytest.raises(UnresolvedError, match="1 of 1"):
        certify(h, max_depth=0, on_unresolved="raise", n_occupied=2)


@pytest.mark.parametrize("exponent", [-300, -100, 100, 300])
def test_the_unit_of_energy_does_not_matter(exponent):
    h = random_bands(1, 3)
    scale = 2.0**exponent
    scaled = tp.FourierHamiltonian({key: scale * hop for key, hop in h.hoppings.items()})
    proof, again = (tp.certify_chern(x, n_occupied=1) for x in (h, scaled))
    assert proof.certified
    assert again.value == proof.value
    assert again.gap_lower == scale * proof.gap_lower


def two_copies(m):
    return tp.FourierHamiltonian(
        {key: np.kron(np.eye(2), hop) for key, hop in tp.models.qwz(m).hoppings.items()},
        n_occupied=2,
    )


@pytest.mark.parametrize("max_depth", [*range(8), 16, 24])
def test_every_depth_proves_the_same_or_nothing(max_depth):
    """A table of phases with stride 0 once certified 0, and gapless models, below depth 6."""
    proof = tp.certify_chern(two_copies(-1.0), max_depth=max_depth)
    assert not proof.certified or int(proof) == 2
    assert proof.certified
    for gapless in (two_copies(-2.0), tp.models.ssh(1.0, 1.0)):
        closed = tp.certify_gap(gapless, max_depth=max_depth)
        assert (closed.status, closed.reason) == ("unresolved", "closed gap")
    assert tp.certify_gap(two_copies(-1.0), max_depth=max_depth).gap_lower <= 2.0


def test_phases_of_far_hoppings_keep_a_closed_gap_closed():
    """d = (sin R1 k, sin R2 k + 1 + cos k, 0) vanishes at k = pi; float phases there do not."""
    x, y = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]])
    far = np.diag([0.0, 0.0] + [0.1, -0.1] * 3 + [0.1])
    for first, second in ((535, 2941), (693, 5489)):
        hops = {(0,): 0.1 * y, (1,): 0.05 * y, (first,): -0.5j * x, (second,): -0.5j * y}
        blocks = {key: np.zeros((9, 9), complex) for key in hops}
        for key, hop in hops.items():
            blocks[key][:2, :2] = hop
        blocks[(0,)] += far
        h = plain(tp.FourierHamiltonian)(blocks, n_occupied=4)
        assert not tp.certify_gap(h, max_depth=24, max_evaluations=100_000).certified


@given(seed=SEEDS, tightness=st.floats(0.0, 0.95), n_bands=st.integers(3, 10))
def test_a_tight_bound_costs_evaluations_and_changes_nothing_else(seed, tightness, n_bands):
    h = random_bands(seed % 50, n_bands)
    plain_proof = tp.certify_chern(h, n_occupied=1, tightness=0.0)
    proof = tp.certify_chern(h, n_occupied=1, tightness=tightness)
    assert proof.status == plain_proof.status
    assert proof.value == plain_proof.value
    assert proof.gap_lower >= plain_proof.gap_lower
    assert not proof.certified or proof.gap_lower >= tightness * proof.gap_upper


@pytest.mark.parametrize(("seed", "n_bands"), [(17, 3), (23, 4)])
def test_a_bound_is_tightened_where_the_first_division_fails(seed, n_bands):
    proof = tp.certify_chern(random_bands(seed, n_bands), n_occupied=1, tightness=0.9)
    assert proof.gap_lower >= 0.9 * proof.gap_upper


def test_hoppings_below_rounding_cost_nothing():
    h = random_bands(2, 4)
    zero, tiny = np.zeros((4, 4)), 1e-25 * np.eye(4)
    more = {**h.hoppings, (0, 100_000): zero, (3000, 0): tiny, (-3000, 0): tiny}
    again = tp.FourierHamiltonian(more)
    proof, other = tp.certify_chern(h, n_occupied=2), tp.certify_chern(again, n_occupied=2)
    assert other.value == proof.value
    assert other.evaluations == proof.evaluations


@pytest.mark.parametrize("n_bands", others_slow([3, 10], quick=[3]))
def test_any_budget_is_kept_in_every_stage(n_bands):
    """Cells, thin cells and vertices count; none of them may run out of work and fail."""
    h = random_bands(5, n_bands)
    enough = tp.certify_chern(h, n_occupied=2)
    assert enough.certified
    for most in range(60, int(enough.evaluations) + 3, 4):
        proof = tp.certify_chern(h, n_occupied=2, max_evaluations=most, tightness=0.0)
        assert proof.evaluations <= most
        assert proof.reason == ("" if proof.certified else "budget")


def test_evidence_tiles_the_zone_and_proves_each_leaf():
    members = [random_bands(seed, 3) for seed in (0, 1)]
    gapless = direct_sum(tp.models.qwz(-2.0), tp.models.qwz(-2.0), n_occupied=2)
    for h, certify in ((members[0], tp.certify_chern), (members[1], tp.certify_gap)):
        proof = certify(h, n_occupied=1, evidence=True)
        (kept,) = proof.evidence
        assert kept.tree.n_leaves == len(kept.bases)
        assert kept.bases.dtype == np.complex64
        gram = kept.bases.conj().swapaxes(-1, -2) @ kept.bases
        np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), gram.shape), atol=1e-5)
    assert tp.certify_chern(gapless, evidence=True).evidence == (None,)
    assert tp.certify_chern(members[0], n_occupied=1).evidence == ()


def test_bad_input_is_named_in_one_line():
    h = random_bands(0, 3)
    for call, error, word in (
        (lambda: tp.certify_gap(h, n_occupied=3), InputError, "n_occupied"),
        (lambda: tp.certify_gap(h, min_gap=-1.0), InputError, "min_gap"),
        (lambda: tp.certify_gap(h, max_depth=99), InputError, "max_depth"),
        (lambda: plain(tp.certify_gap)(np.eye(2)), KindError, "`H`"),
        (lambda: plain(tp.certify_chern)(tp.models.ssh(1.0, 2.0)), KindError, "two-dimensional"),
    ):
        with pytest.raises(error, match=word) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_bounds_of_many_bands_hold_within_the_error():
    """Levels move by the error each: bounds of the gap by twice that, downwards and upwards."""
    hops = {(0, 0): np.diag([-1.0, 0.5, 2.0]), (1, 0): 0.1 * np.eye(3)[::-1]}
    exact, blurred = (tp.FourierHamiltonian(hops, n_occupied=1) for _ in range(2))
    blurred = blurred._with_error(np.array(0.125), ())
    for certify in (tp.certify_chern, tp.certify_gap):
        one, other = certify(exact), certify(blurred)
        assert other.certified
        assert float(other.gap_upper) == pytest.approx(float(one.gap_upper) + 0.25, abs=1e-9)
        assert float(other.gap_lower) <= float(one.gap_lower) - 0.25 + 1e-9
        assert float(other.gap_lower) > 0.5
