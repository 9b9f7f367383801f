"""Chern numbers on slices, and slices themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import topophys as tp
from tests.strategies import generators
from topophys.errors import InputError, KindError
from topophys.invariants._slices import bloch_at, slice_at
from topophys.testing.wannier_files import wannier_file


def random_model(rng, dim=3, n=3, batch=()):
    """Random hoppings of range one and a few longer ones."""
    keys = [tuple(r) for r in rng.integers(-2, 3, (5, dim)).tolist() if any(r)]
    rows = {key: rng.standard_normal((*batch, n, n)) + 1j * rng.standard_normal((*batch, n, n))
            for key in keys}  # fmt: skip
    return tp.FourierHamiltonian(rows, hermitian="average", n_occupied=1)


@given(rng=generators())
def test_slices_are_the_hamiltonian_at_fixed_momentum(rng):
    h = random_model(rng, batch=(2,))
    values, points = rng.uniform(-4, 4, (4,)), rng.uniform(-4, 4, (6, 2))
    for axis in range(3):
        cut = slice_at(h, axis, values)
        assert cut.batch_shape == (2, 4)
        full = np.empty((4, 6, 3))
        full[..., axis] = values[:, None]
        # the other two in cyclic order
        full[..., (axis + 1) % 3], full[..., (axis + 2) % 3] = points[:, 0], points[:, 1]
        assert bloch_at(cut.vectors, cut.amplitudes, points) == pytest.approx(h.bloch(full))


def test_slices_of_the_plane_and_grids():
    h = tp.models.qwz([-1.0, 1.0])
    cut = slice_at(h, 1, 0.3)
    k = tp.k_grid(5)
    expected = h.bloch(np.concatenate([k, np.full_like(k, 0.3)], axis=-1))
    assert cut.on_grid(5) == pytest.approx(expected)
    assert (cut.n_bands, cut.n_occupied) == (2, 1)
    with pytest.raises(InputError, match="axis"):
        slice_at(h, 2, 0.0)
    with pytest.raises(InputError, match="axis"):
        slice_at(tp.models.ssh(1.0, 2.0), 0, 0.0)


def test_slices_of_a_weyl_semimetal():
    k0 = 1.0
    h = tp.models.weyl_semimetal([k0, 2.0])
    found = tp.chern_on_slices(h, grid=16)
    kz = tp.k_grid(16)[:, 0]
    assert found.value.tolist() == [(np.abs(kz) < edge).astype(int).tolist() for edge in (k0, 2.0)]
    assert found.certified.all()
    for axis in (0, 1):
        # planes through both nodes are unresolved, all others trivial
        side = tp.chern_on_slices(h[0], axis=axis, k=[0.0, 1.0, -2.0])
        assert side.status.tolist() == ["unresolved", "certified", "certified"]
        assert side.value[1:].tolist() == [0, 0]


def test_planes_through_a_node_are_unresolved():
    found = tp.chern_on_slices(tp.models.weyl_semimetal(1.0), k=[1.0, 1.001, 0.999])
    assert found.status.tolist() == ["unresolved", "certified", "certified"]
    assert found.value[1:].tolist() == [0, 1]


def test_stacked_layers_have_the_number_of_a_layer_in_every_plane():
    layer = tp.models.qwz(-1.0).hoppings
    stack = tp.FourierHamiltonian({(0, *R): m for R, m in layer.items()})
    # planes of constant kx hold (ky, kz) in this order, the plane of the layer
    assert tp.chern_on_slices(stack, axis=0, grid=5).value.tolist() == [1] * 5
    turned = tp.FourierHamiltonian({(R[1], 0, R[0]): m for R, m in layer.items()})
    assert tp.chern_on_slices(turned, axis=1, grid=5).value.tolist() == [1] * 5


def test_weyl_file():
    h = tp.read_wannier90(wannier_file("Weyl3D_hr.dat"), n_occupied=1)
    k = np.array([-2.5, -1.1, -1.0, 0.0, 1.0, 1.1, 3.0])
    found = tp.chern_on_slices(h, k=k)
    assert found.certified.all()
    assert found.value.tolist() == (np.abs(k) < np.pi / 3).astype(int).tolist()


def test_other_dimensions_are_refused():
    with pytest.raises(KindError, match="3-dimensional"):
        tp.chern_on_slices(tp.models.qwz(1.0))
