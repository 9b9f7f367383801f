"""Builders of the real Kwant, where it is installed: 1.5 builds with `pip install kwant`."""

import numpy as np
import pytest

import topophys as tp

kwant = pytest.importorskip("kwant")
SX, SY, SZ = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def qwz_builder(mass):
    lattice = kwant.lattice.square(norbs=2)
    builder = kwant.Builder(kwant.TranslationalSymmetry(*lattice.prim_vecs))
    builder[lattice(0, 0)] = lambda site, m: m * SZ
    builder[kwant.HoppingKind((1, 0), lattice)] = (SZ - 1j * SX) / 2
    builder[kwant.HoppingKind((0, 1), lattice)] = (SZ - 1j * SY) / 2
    return builder


@pytest.mark.parametrize("mass", [-2.5, -1.0, 1.0, 2.5])
def test_energies_of_a_plane_are_those_of_kwant(mass):
    h = tp.from_kwant(qwz_builder(mass), params={"m": mass}, n_occupied=1)
    wrapped = kwant.wraparound.wraparound(qwz_builder(mass)).finalized()
    for k in np.random.default_rng(3).uniform(-np.pi, np.pi, (6, 2)):
        theirs = wrapped.hamiltonian_submatrix(params={"m": mass, "k_x": k[0], "k_y": k[1]})
        ours = np.linalg.eigvalsh(h.bloch(k[None])[0])
        np.testing.assert_allclose(ours, np.linalg.eigvalsh(theirs), atol=1e-12)
    assert abs(int(tp.certify_chern(h))) == (abs(mass) < 2)


def test_haldane_on_the_honeycomb_keeps_its_lattice_and_its_chern_number():
    lattice = kwant.lattice.honeycomb(norbs=1)
    a, b = lattice.sublattices
    builder = kwant.Builder(kwant.TranslationalSymmetry(*lattice.prim_vecs))
    builder[a(0, 0)], builder[b(0, 0)] = 0.1, -0.1
    builder[lattice.neighbors()] = 1.0
    for hop, sub, sign in [(h, s, q) for h in ((-1, 0), (0, 1), (1, -1))
                           for s, q in ((a, 1), (b, -1))]:  # fmt: skip
        builder[kwant.HoppingKind(hop, sub, sub)] = sign * 0.15j
    h = tp.from_kwant(builder, n_occupied=1)
    np.testing.assert_allclose(h.lattice[:2, :2], lattice.prim_vecs)
    assert abs(int(tp.certify_chern(h))) == 1
    builder[a(0, 0)], builder[b(0, 0)] = 3.0, -3.0
    assert int(tp.certify_chern(tp.from_kwant(builder, n_occupied=1))) == 0


def test_bands_of_a_finalized_lead_are_those_of_kwant():
    chain = kwant.lattice.chain(norbs=1)
    lead = kwant.Builder(kwant.TranslationalSymmetry((-2,)))
    lead[chain(0)] = lead[chain(1)] = 0.0
    lead[chain(0), chain(1)] = 0.4
    lead[chain(1), chain(2)] = 1.0
    finalized = kwant.builder.InfiniteSystem(lead)
    h = tp.from_kwant(finalized, n_occupied=1)
    bands = kwant.physics.Bands(finalized)
    for k in (-2.0, -0.3, 0.0, 1.1):
        ours = np.linalg.eigvalsh(h.bloch(np.array([[k]]))[0])
        np.testing.assert_allclose(ours, np.sort(bands(k)), atol=1e-12)


def test_three_dimensions_and_values_by_site():
    lattice = kwant.lattice.cubic(norbs=1)
    builder = kwant.Builder(kwant.TranslationalSymmetry(*lattice.prim_vecs))
    builder[lattice(0, 0, 0)] = lambda site, mu: mu
    builder[lattice.neighbors()] = lambda one, two, t: -t
    h = tp.from_kwant(builder, params={"mu": 0.5, "t": 2.0})
    k = np.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(h.bloch(k[None])[0, 0, 0], 0.5 - 4.0 * np.cos(k).sum())
