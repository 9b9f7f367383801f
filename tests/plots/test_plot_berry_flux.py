import numpy as np
import pytest
from matplotlib.figure import Figure

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.plots import plot_berry_flux


@pytest.fixture(scope="module")
def model():
    return tp.models.qwz([-1.0, 1.0, 3.0])


@pytest.fixture(scope="module")
def flux(model):
    return tp.berry_flux(model.on_grid((12, 18)))


def test_maps_hold_the_flux_with_kx_to_the_right(flux):
    figure = plot_berry_flux(flux)
    for ax, field in zip(figure.axes[:3], flux, strict=True):
        (image,) = ax.images
        np.testing.assert_array_equal(np.asarray(image.get_array()), field.T)
        assert image.get_extent() == [-np.pi, np.pi, -np.pi, np.pi]
        assert image.origin == "lower"
        assert ax.get_aspect() == 1.0
        assert ax.get_xlabel() == "$k_x$ (rad)"


@pytest.mark.parametrize("scale", ["shared", "panel"])
def test_colours_are_symmetric_about_zero(flux, scale):
    figure = plot_berry_flux(flux, scale=scale)
    limits = [ax.images[0].get_clim() for ax in figure.axes[:3]]
    assert all(low == -high for low, high in limits)
    tops = np.abs(flux).max(axis=(1, 2))
    expected = tops if scale == "panel" else [tops.max()] * 3
    np.testing.assert_allclose([high for _, high in limits], expected)
    assert len(figure.axes) == (6 if scale == "panel" else 4)
    assert "rad" in figure.axes[-1].get_ylabel()


def test_titles(model, flux):
    proven = plot_berry_flux(flux, chern=tp.certify_chern(model), titles=["a", "b", "c"])
    assert [ax.get_title() for ax in proven.axes[:3]] == [
        "a, $C = 1$ (certified)",
        "b, $C = -1$ (certified)",
        "c, $C = 0$ (certified)",
    ]
    plain = plot_berry_flux(flux, chern=[1, -1, 0])
    assert plain.axes[1].get_title() == "$C = -1$"
    summed = plot_berry_flux(flux[:2])
    assert summed.axes[1].get_title() == r"$\sum F/2\pi = -1.000$"


def test_curvature_is_integrated_for_the_title(model):
    omega = tp.berry_curvature(model[0].on_grid((12, 18)))
    figure = plot_berry_flux(omega, quantity="curvature")
    assert figure.axes[0].get_title() == r"$\sum F/2\pi = 1.000$"
    assert "curvature" in figure.axes[1].get_ylabel()


def test_map_of_zeros():
    figure = plot_berry_flux(np.zeros((4, 4)))
    assert figure.axes[0].images[0].get_clim() == (-1.0, 1.0)
    assert figure.axes[0].get_title() == r"$\sum F/2\pi = 0.000$"


def test_own_axes(flux):
    figure = Figure()
    ax = figure.subplots()
    assert plot_berry_flux(flux[0], ax=ax) is figure
    assert len(ax.images) == 1


@pytest.mark.parametrize(
    ("field", "options", "error"),
    [
        (np.zeros(4), {}, ShapeError),
        (np.full((4, 4), np.nan), {}, InputError),
        (np.zeros((4, 4), complex), {}, InputError),
        (np.zeros((4, 4)), {"chern": 0.0}, InputError),
        (np.zeros((2, 4, 4)), {"chern": [1]}, ShapeError),
        (np.zeros((37, 4, 4)), {}, InputError),
    ],
)
def test_bad_input(field, options, error):
    with pytest.raises(error):
        plot_berry_flux(field, **options)
