"""One phase, different phases, or open: never the wrong one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import topophys as tp
from tests.strategies import generators, plain
from topophys.errors import InputError, KindError, ShapeError


@given(rng=generators())
@settings(max_examples=12)
def test_masses_of_one_sign_are_one_phase(rng):
    """Straight paths between QWZ models stay within the family: the truth is known."""
    m = rng.uniform(-3.0, 3.0, 2)
    found = tp.certify_equivalent(*(tp.models.qwz(x) for x in m))
    crossed = [x for x in (-2.0, 0.0, 2.0) if m.min() <= x <= m.max()]
    if not crossed:
        assert found.answer == "one phase"
        gap = 2.0 * np.min([np.abs(m - x).min() for x in (-2.0, 0.0, 2.0)])
        assert 0.0 < found.gap_lower <= gap <= found.gap_upper
        return
    chern = np.where(np.abs(m) < 2.0, -np.sign(m), 0.0)
    assert found.answer == ("open" if chern[0] == chern[1] else "different phases")
    assert found.gap_upper < 1e-3
    met = m[0] + found.t_at_gap_upper * (m[1] - m[0])
    assert min(abs(met - x) for x in crossed) < 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_gaps_along_a_path_hold(seed):
    rng = np.random.default_rng(seed)
    h = tp.ensembles.class_a(2, n_bands=3, min_gap=0.3, rng=rng)
    found = tp.certify_equivalent(h[0], h[1], max_depth=12, max_evaluations=20_000)
    for t in rng.uniform(0.0, 1.0, 10):
        energy = np.linalg.eigvalsh((1.0 - t) * h[0].on_grid(24) + t * h[1].on_grid(24))
        gap = (energy[..., 1] - energy[..., 0]).min()
        assert found.gap_lower <= gap + 1e-12
    chern = [int(tp.certify_chern(one)) for one in h]
    if chern[0] != chern[1]:
        assert found.answer == "different phases"
    else:
        assert found.answer in ("one phase", "open")


def test_a_symmetry_can_tell_phases_apart_that_are_one_without():
    strong, weak = tp.models.ssh(1.0, 3.0), tp.models.ssh(3.0, 1.0)
    assert tp.certify_equivalent(strong, weak, symmetry="chiral").answer == "different phases"
    assert tp.certify_equivalent(strong, weak).answer == "open"
    # around the gapless point, through a chain without chiral symmetry
    around = tp.certify_equivalent(strong, weak, waypoints=[tp.models.rice_mele(2.0, 2.0, 2.0)])
    assert around.answer == "one phase"
    spins = [tp.models.bhz(1.0), tp.models.bhz(-1.0)]
    found = tp.certify_equivalent(*spins, symmetry="up first")
    assert (found.answer, found.integers) == ("different phases", (1, 0))
    assert tp.certify_equivalent(*spins).answer == "open"


@pytest.mark.parametrize("m", [0.5, -0.5])
def test_a_budget_below_the_first_cells_leaves_the_path_open(m):
    """It once ended in an IndexError."""
    found = tp.certify_equivalent(tp.models.qwz(0.7), tp.models.qwz(m), max_evaluations=5)
    assert found.answer == ("open" if m > 0 else "different phases")
    assert np.isnan(found.t_at_gap_upper)
    assert found.gap_upper == np.inf
    assert "gap on the way" not in repr(found)
    assert tp.cluster_phases([tp.models.qwz(m)] * 2, max_evaluations=5).value.tolist() == [0, 1]


def test_waypoints_share_the_path():
    stops = [tp.models.qwz(m) for m in (-1.5, -0.2, -1.0)]
    found = tp.certify_equivalent(stops[0], stops[2], waypoints=[stops[1]])
    assert found.answer == "one phase"
    assert found.gap_lower <= 0.4 <= found.gap_upper + 1e-9
    assert 0.0 <= found.t_at_gap_upper <= 1.0


def test_a_broken_symmetry_is_taken_from_the_gap():
    bent = tp.FourierHamiltonian({(0, 0): 0.01 * np.diag([1.0, 0.0, 0.0, 0.0])}, n_occupied=2)
    one, two = tp.models.bhz(1.0), tp.models.bhz(2.0) + bent
    found = tp.certify_equivalent(one, two, symmetry="up first")
    assert found.answer == "one phase"
    assert "symmetrised" in found.notes[0]
    wild = tp.FourierHamiltonian({(0, 0): 5.0 * np.diag([1.0, 0.0, 0.0, 0.0])}, n_occupied=2)
    assert tp.certify_equivalent(one, one + wild, symmetry="up first").answer == "open"


@given(rng=generators())
@settings(max_examples=2)
def test_classes_are_those_of_the_winding_number(rng):
    t2, t3 = rng.uniform(-2.0, 2.0, (2, 8))
    chains = [tp.models.ssh(1.0, a, b) for a, b in zip(t2, t3, strict=True)]
    found = tp.cluster_phases(chains, symmetry="chiral")
    true = [int(tp.certify_winding(h)) for h in chains]
    for label, value in zip(found.value, true, strict=True):
        assert found.integers[label] == value
    assert found.different.sum() == sum(a != b for a in found.integers for b in found.integers)
    assert len(found.to_pandas()) == 8


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"h1": 3}, KindError, "`h1` must be a Hamiltonian"),
        ({"h1": tp.models.qwz([1.0, 2.0])}, ShapeError, "batch"),
        ({"h1": tp.models.bhz(1.0)}, ShapeError, "2 bands"),
        ({"symmetry": "chiral"}, KindError, "ChiralHamiltonian"),
        ({"symmetry": "mirror"}, InputError, "`symmetry`"),
        ({"waypoints": [tp.models.bhz(1.0)]}, ShapeError, r"waypoints\[0\]"),
        ({"min_gap": -1.0}, InputError, "`min_gap`"),
        ({"n_occupied": 2}, InputError, "`n_occupied`"),
    ],
)
def test_refusals(change, error, match):
    given_ = {"h0": tp.models.qwz(1.0), "h1": tp.models.qwz(1.5)} | change
    with pytest.raises(error, match=match):
        plain(tp.certify_equivalent)(**given_)
    with pytest.raises(InputError, match="at least one"):
        tp.cluster_phases([])
