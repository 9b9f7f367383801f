import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError, KindError, ShapeError
from topophys.plots import plot_bands
from topophys.plots.bands import _rounded_up


def gap_text(ax):
    (text,) = [t.get_text() for t in ax.texts]
    return text


def test_bands_of_the_chain():
    ax = plot_bands(tp.models.ssh(1.0, 2.0), grid=101).axes[0]
    k = np.asarray(ax.lines[0].get_xdata())
    assert (k[0], k[-1]) == (pytest.approx(-np.pi), pytest.approx(np.pi))
    expected = np.abs(1.0 + 2.0 * np.exp(1j * k))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), -expected, atol=1e-12)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), expected, atol=1e-12)
    assert ax.lines[0].get_color() != ax.lines[1].get_color()
    assert gap_text(ax) == "gap ≤ 2"
    assert ax.get_xlabel() == "$k$ (rad)"


def test_mark_of_the_gap_joins_the_two_bands():
    ax = plot_bands(tp.models.ssh(1.0, 2.0)).axes[0]
    mark = ax.lines[2]
    np.testing.assert_allclose(mark.get_ydata(), [-1.0, 1.0])
    assert abs(mark.get_xdata()[0]) == pytest.approx(np.pi)


def test_path_in_two_dimensions_meets_its_corners():
    ax = plot_bands(tp.models.qwz(-1.0)).axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == [r"$\Gamma$", "X", "M", r"$\Gamma$"]
    np.testing.assert_allclose(ax.get_xticks(), np.pi * np.array([0, 1, 2, 2 + np.sqrt(2)]))
    assert set(np.round(ax.get_xticks(), 9)) <= set(np.round(ax.lines[0].get_xdata(), 9))
    assert gap_text(ax) == "gap ≤ 2"


def test_batch_own_path_and_filling():
    h = tp.ensembles.aiii_chains(2, rng=3)
    figure = plot_bands(h, path=[[0.0], [np.pi]], labels=["0", "end"], n_occupied=1)
    assert len(figure.axes) == 2
    colours = [line.get_color() for line in figure.axes[0].lines[:4]]
    assert colours[0] != colours[1] == colours[2] == colours[3]


def test_gapless_chain():
    assert gap_text(plot_bands(tp.models.ssh(1.0, 1.0)).axes[0]) == "gap ≤ 0"


@pytest.mark.parametrize("gap", [0.123456, 1.9999, 1e-5 / 3, 123.45])
def test_rounded_gap_stays_an_upper_bound(gap):
    assert gap <= _rounded_up(gap) <= 1.01 * gap


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"path": [[0.0, 0.0], [1.0, 1.0]]}, ShapeError),
        ({"path": [[0.0]]}, ShapeError),
        ({"path": [[0.0], [0.0]]}, InputError),
        ({"labels": ["a"]}, ShapeError),
        ({"grid": 1}, InputError),
        ({"n_occupied": 2}, InputError),
    ],
)
def test_bad_input(options, error):
    with pytest.raises(error):
        plot_bands(tp.models.ssh(1.0, 2.0), **options)


def test_three_dimensions_need_a_path():
    cube = tp.FourierHamiltonian({(0, 0, 0): np.diag([-1.0, 1.0]), (1, 0, 0): np.eye(2)})
    with pytest.raises(InputError, match="path"):
        plot_bands(cube)
    assert plot_bands(cube, path=[[0, 0, 0], [1, 1, 1]]).axes


def test_not_a_hamiltonian():
    with pytest.raises((KindError, TypeError)):
        plot_bands.__wrapped__(np.zeros((4, 2, 2))) if hasattr(
            plot_bands, "__wrapped__"
        ) else plot_bands(np.zeros((4, 2, 2)))
