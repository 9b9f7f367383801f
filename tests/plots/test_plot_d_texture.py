import numpy as np
import pytest
from matplotlib.figure import Figure

import topophys as tp
from topophys.errors import InputError, KindError, ShapeError
from topophys.plots import plot_d_texture, save_figure


def quiver(ax):
    (arrows,) = ax.collections
    return arrows


def test_colours_are_the_third_component_and_arrows_the_other_two():
    h = tp.models.qwz(-1.0)
    figure = plot_d_texture(h, grid=24, arrows=24)
    d = h.d_on_grid((24, 24))
    unit = d / np.linalg.norm(d, axis=-1, keepdims=True)
    ax, bar = figure.axes
    image = ax.images[0]
    np.testing.assert_allclose(np.asarray(image.get_array()).T[:24, :24], unit[..., 2])
    np.testing.assert_array_equal(image.get_array()[-1], image.get_array()[0])
    assert image.get_clim() == (-1.0, 1.0)
    arrows = quiver(ax)
    np.testing.assert_allclose(arrows.U.reshape(25, 25)[:24, :24], unit[..., 0], atol=1e-12)
    np.testing.assert_allclose(arrows.V.reshape(25, 25)[:24, :24], unit[..., 1], atol=1e-12)
    where = np.stack([arrows.X, arrows.Y], -1).reshape(25, 25, 2)[:24, :24]
    np.testing.assert_allclose(where, tp.k_grid((24, 24)), atol=1e-12)
    assert bar.get_ylabel() == r"$\hat d_z$"


def test_pixels_are_centred_at_their_momenta():
    ax = plot_d_texture(tp.models.qwz(-1.0), grid=10).axes[0]
    edge = 1.1 * np.pi
    np.testing.assert_allclose(ax.images[0].get_extent(), [-edge, edge, -edge, edge])
    assert ax.get_xlim() == (-np.pi, np.pi)
    assert ax.get_aspect() == 1.0


def test_arrows_are_thinned():
    arrows = quiver(plot_d_texture(tp.models.qwz(-1.0), grid=60, arrows=20).axes[0])
    assert len(arrows.U) == 400
    assert np.abs(np.append(arrows.X, arrows.Y)).max() < np.pi


def test_titles():
    h = tp.models.qwz([-1.0, 1.0, 2.0])
    proven = plot_d_texture(h, titles=["a", "b", "c"], grid=12)
    assert [ax.get_title() for ax in proven.axes[:3]] == [
        "a, $C = 1$ (certified)", "b, $C = -1$ (certified)", "c, $C$ unresolved",
    ]  # fmt: skip
    sampled = plot_d_texture(h[:2].d_on_grid((12, 14)), coordinates=("k_1", "k_2"))
    assert sampled.axes[0].get_title() == "$C = 1$ (sampled)"
    assert sampled.axes[0].get_xlabel() == "$k_1$ (rad)"
    assert plot_d_texture(h[0].d_on_grid((12, 14)), chern=7).axes[0].get_title() == "$C = 7$"


def test_any_two_band_hamiltonian():
    h = tp.models.haldane(0.2, 0.1, 1.0)
    plain = tp.FourierHamiltonian(h.hoppings)
    one, two = (plot_d_texture(x, grid=12).axes[0] for x in (h, plain))
    np.testing.assert_allclose(one.images[0].get_array(), two.images[0].get_array(), atol=1e-12)


def test_points_without_direction_are_crossed():
    figure = plot_d_texture(tp.models.qwz([-2.0, 0.0]), grid=12)
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[0.0, 0.0]]
    touching = {tuple(np.round(p / np.pi, 12)) for p in figure.axes[1].lines[0].get_xydata()}
    assert touching == {(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0)}
    assert np.ma.getmaskarray(figure.axes[0].images[0].get_array()).sum() == 1
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["$d = 0$"]
    assert not plot_d_texture(tp.models.qwz(-1.0), grid=12).axes[0].lines


def test_vanishing_everywhere():
    figure = plot_d_texture(np.zeros((3, 3, 3)))
    assert figure.axes[0].get_title() == "$C$ unresolved"
    assert len(figure.axes[0].lines[0].get_xydata()) == 16


def test_scale_of_d_does_not_matter():
    d = tp.models.qwz(-1.0).d_on_grid((8, 8))
    images = [plot_d_texture(s * d).axes[0].images[0].get_array() for s in (1e-200, 1.0, 1e200)]
    np.testing.assert_allclose(images[0], images[1], atol=1e-12)
    np.testing.assert_allclose(images[2], images[1], atol=1e-12)


def test_own_axes_and_equal_bytes(tmp_path):
    figure = Figure()
    ax = figure.subplots()
    gapless = tp.models.qwz(0.0)
    assert plot_d_texture(gapless, grid=12, ax=ax) is figure
    assert ax.get_legend() is not None
    files = [
        save_figure(plot_d_texture(gapless, grid=24), tmp_path / n, ("png", "svg")) for n in "ab"
    ]
    for a, b in zip(*files, strict=True):
        assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize(
    ("d", "options", "error"),
    [
        (np.zeros((4, 3)), {}, ShapeError),
        (np.zeros((4, 4, 2)), {}, ShapeError),
        (np.ones((1, 4, 3)), {}, ShapeError),
        (np.full((4, 4, 3), np.inf), {}, InputError),
        (np.ones((4, 4, 3)), {"arrows": 1}, InputError),
        (np.ones((4, 4, 3)), {"chern": 0.5}, InputError),
        (tp.models.bhz(1.0), {}, KindError),
        (tp.models.ssh(1.0, 2.0), {}, KindError),
        (tp.models.qwz(-1.0), {"grid": 2}, InputError),
    ],
)
def test_bad_input(d, options, error):
    with pytest.raises(error) as caught:
        plot_d_texture(d, **options)
    assert "\n" not in str(caught.value)
