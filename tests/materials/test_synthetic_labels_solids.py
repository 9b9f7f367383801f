"""Classes of toy solids against dense grids and against other ways to the same integers."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize

import topophys as tp
from tests.materials.test_synthetic_solids import wilson_dirac
from topophys.materials.synthetic import draw_solids, solid_bands, solid_hamiltonian
from topophys.materials.synthetic.bands import mirror_blocks
from topophys.materials.synthetic.features import quarter_zone, solid_features
from topophys.materials.synthetic.labels import label_solids, prove_solid_gap

DENSE = np.random.default_rng(4).uniform(-np.pi, np.pi, (1500, 3))


@pytest.fixture(scope="module")
def labelled():
    crystals = draw_solids(500, rng=11)
    bands = solid_bands(crystals)
    return bands, crystals.fractional[:, 1], label_solids(bands, crystals.fractional[:, 1])


def levels(bands, rows, k=DENSE):
    return np.linalg.eigvalsh(solid_hamiltonian(bands[rows]).bloch(k))


def single(bands, row):
    h = solid_hamiltonian(bands[np.array([row])])
    return tp.FourierHamiltonian({key: v[0] for key, v in h.hoppings.items()}, n_occupied=2)


def test_proven_gaps_hold_at_random_momenta(labelled):
    bands, _, labels = labelled
    rows = np.flatnonzero(labels.evidence == 0)
    energy = levels(bands, rows)
    gap = energy[..., 2].min(1) - energy[..., 1].max(1)
    assert len(rows) > 40
    assert (labels.gap_bound[rows] > 0).all()
    assert (gap >= labels.gap_bound[rows] - 1e-12).all()


def test_overlaps_are_there(labelled):
    bands, _, labels = labelled
    rows = np.flatnonzero(labels.evidence == 1)
    energy = levels(bands, rows)
    assert len(rows) > 20
    assert (energy[..., 1].max(1) - energy[..., 2].min(1) > labels.overlap[rows] - 0.3).all()


def test_indices_are_those_of_wannier_centres_and_parities_of_the_library(labelled):
    bands, _, labels = labelled
    rows = np.flatnonzero((labels.evidence == 0) & (bands.magnetism.order == 0))[:8]
    assert set(labels.topology[rows]) == {0, 1}
    for row in rows:
        found = tp.z2_indices_3d(single(bands, row))
        assert found.resolved
        np.testing.assert_array_equal([found.strong, *found.weak], labels.z2[row])


def test_mirror_chern_numbers_have_the_parity_of_the_strong_index(labelled):
    bands, _, labels = labelled
    rows = (labels.evidence == 0) & (bands.magnetism.order == 0)
    mirror = labels.chern[rows]
    np.testing.assert_array_equal(mirror.sum(2), 0)  # time reversal
    np.testing.assert_array_equal(mirror[:, :, 0].sum(1) % 2, labels.z2[rows, 0])


def test_insulators_have_the_same_chern_number_in_both_planes(labelled):
    _, _, labels = labelled
    chern = labels.chern[labels.evidence == 0].sum(2)
    np.testing.assert_array_equal(chern[:, 0], chern[:, 1])
    assert (labels.odd[labels.evidence == 0].sum(1) % 2 == 0).all()


def test_chern_numbers_are_those_of_sampled_fluxes(labelled):
    bands, _, labels = labelled
    rows = np.flatnonzero((labels.evidence == 0) & (bands.magnetism.order == 1))[:25]
    for plane in (0, 1):
        for b, h in enumerate(mirror_blocks(bands[rows], plane)):
            energy = np.linalg.eigvalsh(h.bloch(np.zeros(2)))
            half = (energy < labels.fermi[rows, None]).sum(1) == 1
            sampled = tp.chern_number(h[half].on_grid((48, 48)), n_occupied=1)
            np.testing.assert_array_equal(labels.chern[rows[half], plane, b], sampled)


def test_planes_that_differ_have_a_touching_between(labelled):
    bands, _, labels = labelled
    rows = np.flatnonzero(labels.evidence == 2)
    assert len(rows)
    for row in rows[:3]:
        h = single(bands, row)

        def gap(k, h=h):
            energy = np.linalg.eigvalsh(h.bloch(k))
            return energy[..., 2] - energy[..., 1]

        start = DENSE[np.argsort(gap(DENSE))[:5]]
        found = [minimize(gap, k, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
                 for k in start]  # fmt: skip
        assert min(one.fun for one in found) < 1e-6
        total = labels.chern[row].sum(1)
        assert total[0] != total[1]


@pytest.mark.parametrize(("mass", "topology"), [(4.0, 0), (2.0, 1), (0.0, 1), (-2.0, 1), (-4.0, 0)])
def test_wilson_and_dirac(mass, topology):
    labels = label_solids(wilson_dirac(mass), np.zeros((1, 3)))
    assert (labels.reason[0], labels.evidence[0], labels.topology[0]) == (0, 0, topology)
    weak = {4.0: [0, 0, 0, 0], 2.0: [1, 0, 0, 0], 0.0: [0, 1, 1, 1], -2.0: [1, 1, 1, 1]}
    np.testing.assert_array_equal(labels.z2[0], weak.get(mass, [0, 0, 0, 0]))


def test_no_gap_is_proven_where_a_level_reaches_the_fermi_energy():
    dirac = wilson_dirac(2.0)
    assert 0 < prove_solid_gap(dirac, np.zeros((1, 3)), np.array([0.0]))[0] <= 1.0
    assert prove_solid_gap(dirac, np.zeros((1, 3)), np.array([1.5]))[0] == 0.0
    assert prove_solid_gap(wilson_dirac(3.0), np.zeros((1, 3)), np.zeros(1))[0] == 0.0


def test_unsound_materials_are_dropped_with_their_reason(labelled):
    bands, offset, labels = labelled
    broken = dataclasses.replace(bands, sound=np.zeros(len(bands), bool))
    again = label_solids(broken, offset)
    assert (again.reason == 1).all()
    assert (again.topology == -1).all()
    np.testing.assert_array_equal(labels.reason == 0, labels.topology >= 0)


def test_a_quarter_of_the_zone_stands_for_all(labelled):
    bands, _, _ = labelled
    points, share = quarter_zone(6)
    assert share.sum() == pytest.approx(1.0)
    whole = tp.k_grid(6, dim=3).reshape(-1, 3)
    rows = np.flatnonzero(bands.sound)[:20]
    some = levels(bands, rows, points) ** 2
    every = levels(bands, rows, whole) ** 2
    np.testing.assert_allclose((some * share[:, None]).sum(1), every.mean(1), rtol=1e-9)


def test_features_have_their_shapes_and_sums(labelled):
    bands, _, labels = labelled
    rows = np.flatnonzero(labels.reason == 0)[:30]
    found = solid_features(bands[rows])
    assert found["kspace"].shape == (30, 33, 18)
    assert found["decomposition"].shape == (30, 16)
    np.testing.assert_allclose(found["dos"].sum(1), 4.0, rtol=1e-5)
    insulators = labels.evidence[rows] == 0
    gap = found["gap"][insulators, 1]
    assert (gap >= labels.gap_bound[rows][insulators] - 1e-5).all()
    # occupied weights at the invariant momenta count parities: 0, 1 or 2 states on the first atom
    nm = insulators & (bands.magnetism.order[rows] == 0)
    odd = labels.odd[rows][nm]
    on_b = 2.0 - found["decomposition"][nm][:, [0, 7, 3, 4, 1, 6, 2, 5]]
    np.testing.assert_allclose(on_b[odd > 0], 2.0, atol=1e-5)
