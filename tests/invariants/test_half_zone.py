"""The flux through half of the zone: what its proof needs beyond cells, each at its limit."""

from __future__ import annotations

import math

import numpy as np
import pytest

import topophys as tp
from topophys.invariants import _z2_methods as methods
from topophys.invariants._cocycle import Cocycle
from topophys.invariants._slices import Slice
from topophys.testing.trust import kramers

BHZ = tp.models.bhz(np.array([-1.3, 0.7, 2.6]))
KNOWN = [0, 1, 1]  # nontrivial for 0 < m < 8


def prove(h=BHZ, **options):
    given = {"max_depth": 12, "max_evaluations": 20_000} | options
    amplitudes = np.atleast_3d(h.amplitudes).reshape(-1, *h.amplitudes.shape[-3:])
    rows = Slice(h.vectors, amplitudes, 2, np.zeros(len(amplitudes)))
    return methods.prove_half_zone(rows, 2, **given)


def test_the_right_pairs_are_known_while_errors_stay_below_a_quarter():
    """gain * theta < 1/4 with sin(2 theta) = 2 error / gap."""
    error = 0.5 * math.sin(0.5)  # gain 1, gap 1
    assert methods.PairSum(0.0, 0.0, 1.0).proven(error * (1 - 1e-6), 1.0)
    assert not methods.PairSum(0.0, 0.0, 1.0).proven(error * (1 + 1e-6), 1.0)
    assert not methods.PairSum(0.0, 0.0, 1e-3).proven(0.51, 1.0)
    for gap in (0.0, -1.0):
        assert not methods.PairSum(0.0, 0.0, 1.0).proven(1e-9, gap)


@pytest.mark.parametrize(("n_points", "filled"), [(5, 2), (8, 4)])
def test_errors_of_pairs_grow_with_links_and_states(n_points, filled):
    """m |dW| / 4, |dW| = N 2 theta / s, with half of the computed s, here 1."""
    frame = np.broadcast_to(np.eye(6, filled, dtype=complex), (n_points, 6, filled))
    assert methods.pair_sum(frame).gain == pytest.approx(filled * n_points, rel=1e-12)


def test_half_zones_are_proven_in_groups(monkeypatch):
    together = prove()
    assert [one.value for one in together] == KNOWN
    assert all(one.proven for one in together)
    monkeypatch.setattr(methods, "group_size", lambda *_: 2)
    assert prove() == together


@pytest.mark.parametrize("options", [{}, {"max_depth": 2}, {"max_evaluations": 120}])
def test_each_of_a_batch_is_proven_as_it_is_alone(options, monkeypatch):
    """Some end early, some need thin cells at the ends of the half zone, some neither."""
    monkeypatch.setattr(methods, "LINK", 0.1)
    h = tp.models.bhz(np.array([-1.3, 0.1, 0.7, 3.9, 2.6]), delta=0.1, rashba=0.2)
    together = prove(h, **options)
    assert [repr(one) for one in together] == [repr(prove(h[b], **options)[0]) for b in range(5)]
    assert len({one.reason for one in together}) == 1 + bool(options)


def test_what_is_no_integer_is_not_proven(monkeypatch):
    def numbers(walk):
        walk.fail(np.array([1]), "depth")
        return np.full(len(walk.ham), 0.3), np.zeros(len(walk.ham))

    monkeypatch.setattr(methods, "_numbers", numbers)
    assert [one.reason for one in prove()] == ["rounding", "depth", "rounding"]


def test_the_spread_is_that_of_the_worse_line(monkeypatch):
    both = iter([methods.PairSum(0.0, 0.25, 0.0), methods.PairSum(0.0, 0.125, 0.0)])
    monkeypatch.setattr(methods, "pair_sums", lambda frames: [next(both)] * len(frames))
    assert [one.spread for one in prove()] == [0.25] * 3


def test_thin_cells_whose_transitions_are_not_known_are_of_no_use(monkeypatch):
    check = Cocycle.check

    def vague(self, left, right):
        middle, spread = check(self, left, right)
        return middle, np.full_like(spread, np.inf)

    def without(self, *given):
        monkeypatch.setattr(Cocycle, "check", vague)
        return thin_ends(self, *given)

    thin_ends = methods._thin_ends
    monkeypatch.setattr(methods, "LINK", 0.02)
    monkeypatch.setattr(methods, "_thin_ends", without)
    assert {one.reason for one in prove(max_depth=3)} == {"depth"}


@pytest.mark.parametrize("link", [methods.LINK, 0.02])
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_random_pairs_of_chern_insulators_in_any_basis(number, link, monkeypatch):
    """With a small limit of links nearly all need thin cells, whose transitions count."""
    monkeypatch.setattr(methods, "LINK", link)
    rng = np.random.default_rng([3, number])
    h, truth, sure = kramers("random", number, 4, rng)
    found = tp.z2_invariant(h, method="flux", time_reversal=np.kron([[0, 1], [-1, 0]], np.eye(2)))
    assert sure.all()
    assert found.certified.all()
    assert found.value.tolist() == truth.tolist()


def test_only_vertices_inside_add_integers(monkeypatch):
    """At both ends the sum over a vertex is no multiple of 2 pi: its phases count as they are."""
    seen = []

    def watched(*given):
        point, chosen = given[4], given[9]
        seen.append((set(point[:, 0].tolist()), set(point[chosen, 0].tolist())))
        return integers(*given)

    integers = methods.integers_of_vertices
    monkeypatch.setattr(methods, "integers_of_vertices", watched)
    prove()
    ((everywhere, inside),) = seen
    assert inside == everywhere - {min(everywhere), max(everywhere)}
    assert min(everywhere) == 0
    assert len(inside) > 1
