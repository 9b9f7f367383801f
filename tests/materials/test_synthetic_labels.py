"""Classes of toy materials against dense grids."""

import numpy as np
import pytest

import topophys as tp
from tests.materials.test_synthetic_bands import honeycomb
from topophys.materials.synthetic import draw_structures, toy_bands
from topophys.materials.synthetic.bands import ToyBands
from topophys.materials.synthetic.features import levels_of
from topophys.materials.synthetic.labels import label_toys, prove_fermi_gap

GRID = tp.k_grid(96, dim=2).reshape(-1, 2)


@pytest.fixture(scope="module")
def labelled():
    bands = toy_bands(draw_structures(300, rng=21))
    return bands, label_toys(bands)


def dense(bands, rows):
    parts = [levels_of(h[rows], GRID) for h in (bands.up, bands.down)]
    return np.sort(np.concatenate(parts, axis=-1), axis=-1)


def test_proven_gaps_hold_on_a_dense_grid(labelled):
    bands, labels = labelled
    rows = np.flatnonzero(labels.evidence == 0)
    levels = dense(bands, rows)
    gap = levels[..., 2].min(1) - levels[..., 1].max(1)
    assert len(rows) > 50
    assert (labels.gap_bound[rows] > 0).all()
    assert (gap >= labels.gap_bound[rows] - 1e-12).all()


def test_overlaps_are_there_on_a_dense_grid(labelled):
    bands, labels = labelled
    rows = np.flatnonzero(labels.evidence == 1)
    levels = dense(bands, rows)
    overlap = levels[..., 1].max(1) - levels[..., 2].min(1)
    assert len(rows) > 30
    # another grid, which need not contain the two momenta of the proof
    assert (overlap > labels.overlap[rows] - 0.1).all()


def test_touchings_are_there_on_a_dense_grid(labelled):
    bands, labels = labelled
    rows = np.flatnonzero(labels.evidence == 2)
    levels = dense(bands, rows)
    assert len(rows) > 3
    assert ((levels[..., 2] - levels[..., 1]).min(1) < 0.12).all()


def test_chern_numbers_are_those_of_sampled_fluxes(labelled):
    bands, labels = labelled
    rows = np.flatnonzero(labels.evidence == 0)
    for spin, h in enumerate((bands.up, bands.down)):
        half = (levels_of(h[rows], GRID).min(1) < labels.fermi[rows, None]).sum(1) == 1
        sampled = tp.chern_number(h[rows[half]].on_grid((60, 60)), n_occupied=1)
        np.testing.assert_array_equal(labels.chern[rows[half], spin], sampled)
    np.testing.assert_array_equal(
        labels.topology[rows], (labels.chern[rows] != 0).any(1).astype(int)
    )


def test_every_class_and_every_reason_is_consistent(labelled):
    _, labels = labelled
    kept = labels.reason == 0
    np.testing.assert_array_equal(kept, labels.topology >= 0)
    np.testing.assert_array_equal(kept, labels.evidence >= 0)
    assert set(labels.topology[kept]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("pair", "topology", "evidence"),
    [(("C", "C"), 2, 2), (("Sn", "Sn"), 1, 0), (("B", "N"), 0, 0)],
)
def test_known_crystals(pair, topology, evidence):
    labels = label_toys(toy_bands(honeycomb(*pair, 1.1)))
    assert (labels.topology[0], labels.evidence[0]) == (topology, evidence)


def test_time_reversal_gives_spin_down_without_a_second_proof(labelled):
    bands, labels = labelled
    rows = np.flatnonzero((labels.evidence == 0) & (bands.magnetism.order == 0))[:40]
    again = tp.certify_chern(bands.down[rows])
    np.testing.assert_array_equal(again.value, labels.chern[rows, 1])


def test_the_gap_is_not_proven_where_a_level_reaches_the_fermi_energy():
    h = tp.models.qwz([-1.0, -1.0, -1.0])
    proven = prove_fermi_gap(h, np.array([0.0, 0.99, 1.5]), np.array([1, 1, 1]))
    assert 0.5 < proven[0] <= 1.0
    assert 0.0 < proven[1] <= 0.01
    assert proven[2] == 0.0


def test_full_and_empty_blocks():
    h = tp.models.qwz([-1.0, -1.0, -1.0])
    proven = prove_fermi_gap(h, np.array([3.2, -3.2, 2.0]), np.array([2, 0, 2]))
    assert (proven[:2] > 0).all()
    assert (proven[:2] <= 0.2 + 1e-9).all()
    assert proven[2] == 0.0


def test_unsound_materials_are_dropped_with_their_reason():
    bands = toy_bands(honeycomb("Sn", "Sn"))
    broken = ToyBands(bands.up, bands.down, bands.magnetism, np.array([False]))
    labels = label_toys(broken)
    assert (labels.topology[0], labels.reason[0]) == (-1, 1)
