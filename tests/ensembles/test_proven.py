"""Ensembles on condition of a proof: exact numbers, the right law, honest counts."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from topophys.ensembles import draw_proven
from topophys.ensembles.rejection import REASONS, Selection
from topophys.errors import InputError, KindError

MAKERS = {
    "chains": (tp.ensembles.aiii_chains, tp.certify_winding, {}),
    "planes": (tp.ensembles.two_band, tp.certify_chern, {}),
    "bands": (tp.ensembles.class_a, tp.certify_chern, {"n_bands": 3, "n_occupied": 1}),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_one_has_the_gap_and_there_are_exactly_n(name):
    make, prove, options = MAKERS[name]
    n = 20 if name == "bands" else 300
    h = make(n, **options, min_gap=0.3, rng=1)
    assert h.batch_shape == (n,)
    assert prove(h, min_gap=0.3).certified.all()
    without = make(n, **options, rng=1)
    assert type(h) is type(without)
    assert not prove(without, min_gap=0.3).certified.all()


@pytest.mark.parametrize("name", MAKERS)
def test_classes_come_in_equal_numbers_and_random_order(name):
    make, prove, options = MAKERS[name]
    n = 31
    h = make(n, **options, classes=[1, 0, -1], rng=2)
    value = prove(h).value
    assert {c: int((value == c).sum()) for c in (-1, 0, 1)} == {-1: 11, 0: 10, 1: 10}
    assert (np.diff(value) != 0).sum() > 8


def test_without_conditions_nothing_changes():
    one = tp.ensembles.two_band(5, rng=3)
    same = tp.ensembles.two_band(5, min_gap=None, classes=None, rng=3)
    np.testing.assert_array_equal(one.d_amplitudes, same.d_amplitudes)


def test_seeds_decide_everything():
    one, same, other = (
        tp.ensembles.aiii_chains(9, min_gap=0.2, classes=[0, 1], rng=s).block_amplitudes
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.isin(one, other).any()


def test_the_kept_ones_are_the_first_to_come():
    """The law on condition of a proof: rejection, and nothing but rejection."""
    drawn = tp.ensembles.two_band(256, rng=4)
    proof = tp.certify_chern(drawn, min_gap=0.4)
    expected = drawn[np.flatnonzero(proof.certified)[:12]].d_amplitudes
    kept = tp.ensembles.two_band(12, min_gap=0.4, rng=4).d_amplitudes
    order = np.lexsort(kept[:, 0].real.T), np.lexsort(expected[:, 0].real.T)
    np.testing.assert_array_equal(kept[order[0]], expected[order[1]])


def test_moments_within_a_class_are_those_of_plain_rejection():
    options = {"n_orbitals": 1, "hopping_range": 1}
    found = tp.ensembles.aiii_chains(3000, **options, classes=[-1, 0, 1], rng=5)
    value = tp.certify_winding(found).value
    plain = tp.ensembles.aiii_chains(20_000, **options, rng=6)
    truth = tp.certify_winding(plain).value
    for c in (-1, 0, 1):
        mean = (np.abs(found.block_amplitudes[value == c]) ** 2).mean(0).ravel()
        other = (np.abs(plain.block_amplitudes[truth == c]) ** 2).mean(0).ravel()
        np.testing.assert_allclose(mean, other, atol=0.03)


def test_integers_bounds_and_rejections_are_returned():
    found = draw_proven(
        lambda m, g: tp.ensembles.aiii_chains(m, rng=g), 40, min_gap=0.3, classes=[0, 1], rng=7
    )
    proof = tp.certify_winding(found.hamiltonians, min_gap=0.3)
    np.testing.assert_array_equal(proof.value, found.value)
    np.testing.assert_array_equal(proof.gap_lower, found.gap_lower)
    assert found.drawn == 40 + sum(found.rejected.values())
    assert list(found.rejected) == list(REASONS)
    assert found.rejected["gap below min_gap"] > 0
    assert found.rejected["class not wanted"] > 0


def test_counts_do_not_depend_on_how_many_are_drawn_at_a_time():
    h = tp.ensembles.aiii_chains(1000, rng=8)
    proof = tp.certify_winding(h, min_gap=0.1)
    whole = Selection({0: 20, 1: 10}, min_gap=0.1)
    kept = whole.offer(proof)
    parts, again = Selection({0: 20, 1: 10}, min_gap=0.1), []
    for start in range(0, 1000, 50):
        if parts.unfilled():
            piece = tp.certify_winding(h[start : start + 50], min_gap=0.1)
            again += (start + parts.offer(piece)).tolist()
    assert kept.tolist() == again
    assert (whole.drawn, whole.rejected()) == (parts.drawn, parts.rejected())
    assert not whole.unfilled()
    assert whole.drawn == 30 + sum(whole.rejected().values())


def test_any_class_will_do():
    proof = tp.certify_winding(tp.models.ssh(1.0, [0.5, 1.0, 3.0, 4.0]))
    selection = Selection(2)
    assert selection.offer(proof).tolist() == [0, 2]
    assert selection.drawn == 3
    assert selection.rejected() == dict(zip(REASONS, (0, 1, 0, 0), strict=True))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"min_gap": -1.0}, InputError),
        ({"min_gap": 9.0}, InputError),  # above every gap
        ({"classes": []}, InputError),
        ({"classes": [0, 0]}, InputError),
        ({"classes": [0, 99]}, InputError),
    ],
)
def test_bad_input(options, error, monkeypatch):
    monkeypatch.setattr("topophys.ensembles.rejection.PATIENCE", 2000)
    with pytest.raises(error) as caught:
        draw_proven(lambda m, g: tp.ensembles.two_band(m, rng=g), 4, rng=1, **options)
    assert "\n" not in str(caught.value)


def test_what_has_no_certificate_is_refused():
    with pytest.raises(KindError):
        draw_proven(lambda m, g: tp.models.weyl_semimetal(g.uniform(0.5, 1.0, m)), 2, rng=1)
