"""Bands by named paths, with weights; ribbons with edge colours; maps of real Brillouin zones."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection, QuadMesh

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError, KindError, ShapeError
from topophys.hamiltonians.wannier90 import WannierHamiltonian
from topophys.plots import plot_bands, plot_berry_curvature, plot_berry_flux, plot_ribbon

HEXAGONAL = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])


def haldane(m=0.1):
    return tp.models.haldane(m, 0.15, 1.5).with_geometry(
        lattice=HEXAGONAL, positions=[[1 / 3, 1 / 3], [2 / 3, 2 / 3]]
    )


def coloured(panel):
    (lines,) = (c for c in panel.collections if isinstance(c, LineCollection))
    return np.array([s[0] for s in lines.get_segments()]), np.asarray(lines.get_array())


def test_named_paths_have_physical_lengths_on_the_axis():
    panel = plot_bands(haldane(), path="G-K-M-G", grid=60).axes[0]
    assert panel.get_xticks() == pytest.approx(
        np.cumsum([0, 4 * np.pi / 3, 2 * np.pi / 3, 2 * np.pi / np.sqrt(3)])
    )
    assert [t.get_text() for t in panel.get_xticklabels()] == [r"$\Gamma$", "K", "M", r"$\Gamma$"]
    assert "/ length" in panel.get_xlabel()


def test_a_lattice_brings_its_usual_path():
    figure = plot_bands(haldane([0.1, 2.0]), grid=40)
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()][1:3] == ["K", "M"]
    assert len(figure.axes) == 2


def test_jumps_are_not_joined_by_lines():
    panel = plot_bands(haldane(), path="G-K|M-G", grid=40).axes[0]
    assert len(panel.lines) == 2 * 2 + 1 + 1  # bands of two pieces, a corner, the gap


def test_weights_colour_bands_by_the_share_of_orbitals():
    h = haldane(1.5)
    path = {"path": [[0.0, 0.0], [np.pi, 0.0]], "grid": 30}
    _, by_number = coloured(plot_bands(h, weights=[1.0, -1.0], **path).axes[0])
    _, by_index = coloured(plot_bands(h, weights=[0], **path).axes[0])
    assert -1.0 <= by_number.min() < 0.0 < by_number.max() <= 1.0
    # w_A - w_B = 2 w_A - 1
    assert np.sort(2 * by_index - 1) == pytest.approx(np.sort(by_number))


@pytest.mark.parametrize("weights", [[2], [-1], [1.0, 2.0, 3.0], [], [[1.0, 2.0]]])
def test_refuses_weights_that_do_not_fit(weights):
    with pytest.raises((InputError, ShapeError), match="`weights`"):
        plot_bands(haldane(), grid=10, weights=weights)


def test_functions_of_k_have_bands_too():
    sampled = tp.from_callable(tp.models.qwz(-1.0).bloch, 2, lattice=np.eye(2))
    panel = plot_bands(sampled, path="G-M", grid=20).axes[0]
    assert len(panel.lines) >= 2
    with pytest.raises(KindError, match="from_callable"):
        plain(plot_bands)(np.eye(2))


def test_energies_of_files_are_in_electronvolt():
    h = WannierHamiltonian({(1,): np.eye(2)}, lattice=3.0 * np.eye(3))
    h.unit = "eV"
    panel = plot_bands(h, grid=20).axes[0]
    assert panel.get_ylabel() == "energy (eV)"
    assert "AA" in panel.get_xlabel()
    assert not [t for t in panel.texts if "gap" in t.get_text()]  # no filling, no gap
    # pi / a along the chain, twice
    assert np.ptp(panel.get_xticks()) == pytest.approx(2 * np.pi / 3.0)


def test_states_in_the_gap_of_a_ribbon_are_on_its_edges():
    figure = plot_ribbon(tp.ribbon(haldane(), 16), grid=80)
    start, share = coloured(figure.axes[0])
    inside = np.abs(start[:, 1]) < 0.3
    assert inside.any()
    # where modes of both edges cross, any mixture of them is a state
    assert (np.abs(share[inside]) > 0.6).mean() >= 0.9
    assert {-1.0, 1.0} == set(np.sign(share[inside]))
    assert figure.axes[-1].get_ylabel() == "position across"


def test_ribbons_without_a_lattice_and_slabs_are_drawn():
    strips = tp.ribbon(tp.models.qwz([-1.0, 1.0]), 6)
    figure = plot_ribbon(strips, grid=20, energies=(-1.0, 1.0), titles=["one", "two"])
    assert figure.axes[0].get_ylim() == (-1.0, 1.0)
    assert [ax.get_title() for ax in figure.axes[:2]] == ["one", "two"]
    cube = tp.FourierHamiltonian(
        {(1, 0, 0): np.eye(2), (0, 1, 1): np.eye(2)}, n_occupied=1, lattice=np.eye(3)
    )
    panel = plot_ribbon(tp.slab(cube, 3), path="G-X-M-G", grid=20).axes[0]
    assert len(panel.get_xticks()) == 4
    with pytest.raises(KindError, match=r"topophys\.ribbon"):
        plain(plot_ribbon)(tp.models.qwz(1.0))


def test_berry_curvature_of_a_hexagonal_lattice_is_a_hexagon():
    figure = plot_berry_curvature(haldane(), grid=30)
    (mesh,) = (c for c in figure.axes[0].collections if isinstance(c, QuadMesh))
    assert len(figure.axes[0].patches[0].get_xy()) == 7  # closed
    assert mesh.get_clip_path() is not None
    assert figure.axes[0].get_title() == "$C = 1$ (certified)"
    assert "length$^2$" in figure.axes[1].get_ylabel()
    flat = plot_berry_curvature(haldane(), grid=30, lattice=None)
    assert not flat.axes[0].patches


def test_curvature_of_the_zone_has_the_value_at_its_momenta():
    omega = tp.berry_curvature(haldane(), grid=30)
    figure = plot_berry_curvature(omega, lattice=HEXAGONAL)
    (mesh,) = (c for c in figure.axes[0].collections if isinstance(c, QuadMesh))
    corners = mesh.get_coordinates()
    values = np.asarray(mesh.get_array()).reshape(corners.shape[0] - 1, corners.shape[1] - 1)
    # largest at a corner of the zone, K or K', in units of the cell
    i, j = np.unravel_index(np.abs(values).argmax(), values.shape)
    centre = corners[i : i + 2, j : j + 2].mean((0, 1))
    k = np.linalg.norm(np.array(tp.brillouin_zone(HEXAGONAL)) - centre, axis=1)
    images = np.linalg.norm(
        centre - np.array(list(np.ndindex(7, 7)))[:, None] @ tp.reciprocal_vectors(HEXAGONAL)
        + 3 * tp.reciprocal_vectors(HEXAGONAL).sum(0) - tp.brillouin_zone(HEXAGONAL), axis=-1
    )  # fmt: skip
    assert min(k.min(), images.min()) < 0.3
    assert np.abs(values).max() == pytest.approx(np.abs(omega).max() * np.sqrt(0.75))
    assert np.linalg.norm(plot_berry_flux(omega, lattice=HEXAGONAL).axes[0].get_xlim()) > 4.0


def test_curvature_of_a_group_of_bands():
    figure = plot_berry_curvature(tp.models.hofstadter(1, 3), grid=12, bands=[1])
    assert figure.axes[0].get_title() == "$C = -2$ (certified)"
    with pytest.raises(InputError, match="`bands`"):
        plot_berry_curvature(np.zeros((4, 4)), bands=[1])
