"""Hamiltonians of real materials: what is known about their bands."""

from __future__ import annotations

import re

import numpy as np
import pytest

import topophys as tp
from tests.systems.reference_models import TIME_REVERSAL, energies, plane, spin_block
from topophys.testing.wannier_files import wannier_file


def gap_minimum(h, start, step):
    """Smallest direct gap near `start`: coordinate search with shrinking steps."""
    offsets = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1], indexing="ij"), -1).reshape(9, 2)
    best, n = np.asarray(start, float), h.n_occupied
    while step > 1e-4:
        near = best + step * offsets
        bands = energies(h, near)
        gaps = bands[:, n] - bands[:, n - 1]
        best, step = near[gaps.argmin()], step / 2 if gaps.argmin() == 4 else step
    return gaps.min(), best


def test_bhz_file():
    h = tp.read_wannier90(wannier_file("BHZ_hr.dat"), n_occupied=2)
    k = np.random.default_rng(0).uniform(-3, 3, (9, 2))
    np.testing.assert_allclose(energies(h, k), energies(tp.models.bhz(2.0), k), atol=1e-12)
    up, down = (int(tp.certify_chern(spin_block(h, spin))) for spin in ("up", "down"))
    assert abs(up) == 1  # odd, so that the Z2 index is 1
    assert up + down == 0 == int(tp.certify_chern(h))
    u = TIME_REVERSAL
    np.testing.assert_array_equal(u @ h.amplitudes.conj() @ u.T, h.amplitudes)


@pytest.mark.parametrize(("kz", "chern"), [(0.0, 1), (1.0, 1), (-1.0, 1), (1.1, 0), (np.pi, 0)])
def test_weyl_file(kz, chern):
    """Nodes at kz = +-pi / 3 = +-1.047."""
    h = tp.read_wannier90(wannier_file("Weyl3D_hr.dat"), n_occupied=1)
    assert int(tp.certify_chern(plane(h, kz))) == chern


def test_nodes_of_the_weyl_file():
    h = tp.read_wannier90(wannier_file("Weyl3D_hr.dat"), n_occupied=1)
    np.testing.assert_allclose(energies(h, [0, 0, np.pi / 3]), 0.0, atol=1e-12)
    assert tp.certify_gap(h, max_evaluations=20_000).status == "unresolved"


def test_graphene_file():
    """Bands touch at K, to the accuracy of the file; nowhere near on the rest of the plane."""
    h = tp.read_wannier90(wannier_file("Graphene_hr.dat"))
    at_k = energies(h, 2 * np.pi / 3 * np.array([1, 1, 0]))
    assert np.ptp(at_k) < 5e-3
    assert np.ptp(energies(h, [0.0, 0.0, 0.0])) > 15.0


def test_silicon_file():
    h = tp.read_wannier90(wannier_file("silicon_hr.dat"), n_occupied=4)
    gamma, x, length = energies(h, 2 * np.pi * np.array([[0, 0, 0], [0.5, 0, 0.5], [0.5] * 3]))
    # one s-like state, three p-like, then the p-like antibonding triplet
    assert np.ptp(gamma[1:4]) < 1e-2 < gamma[1] - gamma[0]
    assert np.ptp(gamma[4:7]) < 1e-2
    np.testing.assert_allclose(x[::2], x[1::2], atol=2e-3)  # bands stick together at X
    assert abs(length[3] - length[2]) < 1e-2
    assert gamma[3] - gamma[0] == pytest.approx(12.0, abs=0.2)  # width of the valence bands
    bands = np.linalg.eigvalsh(h.on_grid((12, 12, 12)))
    assert bands[..., 3].max() == pytest.approx(gamma[3])
    assert 0.4 < bands[..., 4].min() - bands[..., 3].max() < 0.7  # indirect gap
    proof = tp.certify_gap(h)  # the direct gap, which is larger
    assert proof.certified
    assert proof.gap_upper == pytest.approx(2.36, abs=0.05)


def test_gallium_arsenide_file():
    h = tp.read_wannier90(wannier_file("GaAs_tb.dat.tar.gz"))
    gamma = energies(h, [0.0, 0.0, 0.0])
    # s of As, split-off pair, heavy and light holes, s of Ga, in spin pairs
    np.testing.assert_allclose(gamma[:2], gamma[0], atol=1e-3)
    split_off = gamma[4] - gamma[2]
    assert split_off == pytest.approx(0.34, abs=0.02)
    assert np.ptp(gamma[4:8]) < 1e-3
    assert 0.1 < gamma[8] - gamma[7] < 1.6
    # fcc lattice, a = 5.654 Angstrom
    volume = abs(np.linalg.det(h.lattice))
    assert (4 * volume) ** (1 / 3) == pytest.approx(5.654, abs=1e-3)


def test_molybdenum_disulphide_file():
    """Quantum spin Hall insulator: direct gap 0.0474 eV at 28 occupied bands, Z2 = 1."""
    h = tp.read_wannier90(wannier_file("MoS2-1Tp_hr.dat.tar.gz"), n_occupied=28)
    assert repr(h) == "WannierHamiltonian: 2D, 48 bands (28 occupied), 45 lattice vectors"
    bands = np.linalg.eigvalsh(h.on_grid((24, 24)))
    assert (bands[..., 28] - bands[..., 27]).min() == pytest.approx(0.0503, abs=1e-3)
    gap, k = gap_minimum(h, [0.5, 0.0], 0.1)
    assert gap == pytest.approx(0.0474, abs=2e-4)
    assert abs(k[0]) == pytest.approx(0.1715 * np.pi, abs=0.01)
    assert int(tp.z2_invariant(h)) == 1
    # fillings next to 28 are metals: pairs of bands cross
    for n in (26, 30):
        assert bands[..., n].min() < bands[..., n - 1].max()


#: Bands below, momentum over 2 pi, charge: phonons of FeSi, by Newton searches and cube fluxes.
PHONONS = [(2, 0.5, -2), (6, 0.5, 2), (22, 0.5, -2), (4, 0.0, -4), (22, 0.0, 2)]


def test_charges_of_the_phonons_of_fesi():
    h = tp.read_wannier90(wannier_file("FeSi-phonons_hr.dat.tar.gz"), n_occupied=2)
    for filled, k, charge in PHONONS:
        found = tp.weyl_charge(h, [2 * np.pi * k] * 3, n_occupied=filled)
        assert (found.status, int(found)) == ("certified", charge)
        energy = h.bands(found.k_at_gap_upper)
        met = energy[filled] - energy[filled - 1]
        assert 0.0 < found.gap_lower <= met <= found.gap_upper


@pytest.mark.slow
def test_charges_of_wte2():
    """88 bands, and nodes half a millielectronvolt apart: rounding of all bands is too large."""
    h = tp.read_tbmodels(wannier_file("WTe2_tbmodels.json.xz"), n_occupied=56)
    nodes = [(0.12126, 0.02828, 1), (0.12015, 0.05669, -1), (-0.12126, -0.02828, 1)]
    nodes += [(-0.12015, -0.05669, -1)]
    for x, y, charge in nodes:
        found = tp.weyl_charge(h, 2 * np.pi * np.array([x, y, 0.0]), half_width=0.04)
        assert (found.status, int(found)) == ("certified", charge)


def census_of(file, occupied, **options):
    """Census of a file, and whether all that it says of time reversal and charges fits."""
    h = tp.read_wannier90(wannier_file(file), n_occupied=occupied)
    found = tp.find_weyl_nodes(h, **options)
    assert found.complete
    assert not found.stopped
    assert (found.partner >= 0).all()
    assert (found.value[found.partner] == found.value).all()
    assert found.gap_outside > 0.0
    return found


@pytest.mark.slow
def test_all_nodes_of_fesi():
    """Two of multiple charge, at momenta that time reversal takes to themselves."""
    found = census_of("FeSi-phonons_hr.dat.tar.gz", 22)
    assert sorted(found.value.tolist()) == [-2, 2]
    assert (found.partner == np.arange(2)).all()
    assert found.total == 0


@pytest.mark.slow
def test_all_nodes_of_taas():
    """8 and 16 of charge one: exactly these, each single in its box. Some minutes."""
    found = census_of("TaAs_hr.dat.tar.gz", 16)
    assert sorted(found.value.tolist()) == [-1] * 12 + [1] * 12
    assert found.total == 0
    assert found.unique.all()
    assert found.position_error.max() < 1e-10


@pytest.mark.slow
def test_all_nodes_of_wte2():
    """Exactly eight of 88 bands, all on k_3 = 0 to what the file keeps. Some ten minutes."""
    h = tp.read_tbmodels(wannier_file("WTe2_tbmodels.json.xz"), n_occupied=56)
    found = tp.find_weyl_nodes(h)
    assert found.complete
    assert not found.stopped
    assert sorted(found.value.tolist()) == [-1] * 4 + [1] * 4
    assert len(found.nodes) == 8
    assert found.total == 0
    assert found.position_error.max() < 1e-10
    assert (found.value[found.partner] == found.value).all()
    known = 2.0 * np.pi * np.array([[0.12126, 0.02828, 0.0], [0.12015, 0.05669, 0.0]])
    for k, charge in zip(known, (1, -1), strict=True):
        (node,) = np.flatnonzero(np.abs(found.position - k).max(1) < 1e-4)
        assert found.value[node] == charge


@pytest.mark.slow
def test_the_lines_of_irf4_are_named_as_such():
    """Lines on two planes meet at (1/2, 1/2, 0), where four bands do; the file opens them a bit."""
    h = tp.read_wannier90(wannier_file("IrF4_hr.dat.tar.gz"), n_occupied=10)
    found = tp.find_weyl_nodes(h, depth=4)
    assert found.complete
    assert not found.stopped
    assert not len(found.nodes)
    assert sorted(found.kind) == ["nearly multiple point", "nearly nodal line"]
    point = int(np.flatnonzero(found.kind == "nearly multiple point")[0])
    away = found.third_band_at[point] - np.pi * np.array([1.0, 1.0, 0.0])
    assert np.abs((away + np.pi) % (2.0 * np.pi) - np.pi).max() < 1e-3
    level = np.linalg.eigvalsh(h.bloch(found.third_band_at[point]))
    assert level[11] - level[8] < 1e-3
    # momenta of both planes of lines are in the other box
    line = 1 - point
    assert (found.half_width[line] > 1.0).all()


@pytest.mark.slow
def test_nodes_and_triple_points_of_zrte():
    """Twelve nodes near K, and four triple points: both ends of two lines on the axis."""
    h = tp.read_wannier90(wannier_file("ZrTe_hr.dat.tar.gz"), n_occupied=8)
    found = tp.find_weyl_nodes(h)
    assert found.complete
    assert len(found.nodes) == 12
    assert found.unique[found.nodes].all()
    assert found.value[found.nodes].sum() == 0
    assert (found.partner >= 0).all()
    assert found.undecided.tolist() == [12, 13]
    for b in found.undecided:
        assert found.kind[b] == "nearly triple point"
        level = np.linalg.eigvalsh(h.bloch(found.third_band_at[b]))
        assert level[9] - level[7] <= found.third_band[b] < 1e-4
        # on the axis, as the other end
        ends = re.findall(r"\(([^()]*, [^()]*, [^()]*)\)", found.description[b])
        k = np.array([[float(x) for x in end.split(", ")] for end in ends]) / (2.0 * np.pi)
        assert np.abs(k[:, :2]).max() < 1e-3
        np.testing.assert_allclose(np.sort(np.abs(k[:, 2])), [0.2844, 0.3315], atol=1e-3)
        assert "on a line" in found.description[b]
        # bands 8 and 9 touch along it, and another one joins at each end
        assert "bands 8 to 10 within" in found.description[b]
        assert "bands 7 to 9 within" in found.description[b]
