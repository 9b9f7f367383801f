import numpy as np
import pytest

import topophys as tp
from topophys.errors import GaplessError, InputError, KindError, ShapeError
from topophys.plots import plot_berry_curvature, save_figure


def test_map_of_a_hamiltonian_is_its_curvature():
    h = tp.models.qwz([-1.0, 1.0])
    figure = plot_berry_curvature(h, grid=16, titles=["a", "b"])
    omega = tp.berry_curvature(h.on_grid((16, 16)))
    for ax, field in zip(figure.axes[:2], omega, strict=True):
        np.testing.assert_allclose(np.asarray(ax.images[0].get_array()), field.T)
        high = np.abs(omega).max()
        np.testing.assert_allclose(ax.images[0].get_clim(), (-high, high))
    assert [ax.get_title() for ax in figure.axes[:2]] == [
        "a, $C = 1$ (certified)", "b, $C = -1$ (certified)",
    ]  # fmt: skip
    assert figure.axes[2].get_ylabel() == r"Berry curvature $\Omega$"


def test_map_of_an_array_shows_its_integral():
    omega = tp.berry_curvature(tp.models.qwz(-1.0).on_grid((12, 18)))
    assert plot_berry_curvature(omega).axes[0].get_title() == r"$\sum F/2\pi = 1.000$"
    assert plot_berry_curvature(omega, chern=1).axes[0].get_title() == "$C = 1$"


def test_filling():
    h = tp.models.kagome(0.3)
    titles = [plot_berry_curvature(h, grid=9, n_occupied=n).axes[0].get_title() for n in (1, 2)]
    values = [int(tp.certify_chern(h, n_occupied=n)) for n in (1, 2)]
    assert titles == [f"$C = {value}$ (certified)" for value in values]
    assert plot_berry_curvature(h, grid=9).axes[0].get_title() == titles[0]


def test_equal_bytes(tmp_path):
    h = tp.models.haldane(0.2, 0.1, 1.5)
    files = [save_figure(plot_berry_curvature(h, grid=12), tmp_path / n) for n in "ab"]
    for a, b in zip(*files, strict=True):
        assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize(
    ("omega", "options", "error"),
    [
        (np.zeros(4), {}, ShapeError),
        (np.full((4, 4), np.nan), {}, InputError),
        (np.zeros((4, 4)), {"chern": 0.5}, InputError),
        (tp.models.ssh(1.0, 2.0), {}, KindError),
        (tp.models.qwz(-1.0), {"grid": 2}, InputError),
        (tp.models.qwz(-1.0), {"n_occupied": 2}, InputError),
        (tp.models.qwz(-2.0), {"grid": 12}, GaplessError),
    ],
)
def test_bad_input(omega, options, error):
    with pytest.raises(error) as caught:
        plot_berry_curvature(omega, **options)
    assert "\n" not in str(caught.value)
