from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.plots import plot_wilson_flow, save_figure
from topophys.plots.wilson import connect_centres, largest_gap_midpoints


@pytest.fixture(scope="module")
def bhz():
    return tp.models.bhz([-1.0, 1.0], delta=0.3)


@pytest.fixture(scope="module")
def z2(bhz):
    return tp.z2_invariant(bhz)


def drawn(ax, label="Wannier centres"):
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line.get_xydata()


def inside(points):
    return points[np.abs(points[:, 1]) < 0.49]


def test_points_are_the_centres_and_the_zone_is_closed():
    h = tp.models.qwz([-1.0, 3.0])
    centres = tp.wannier_centres(h.on_grid((16, 24)))
    figure = plot_wilson_flow(centres, chern=tp.certify_chern(h))
    k = np.append(tp.k_grid(16)[:, 0], np.pi)
    for ax, row in zip(figure.axes, centres, strict=True):
        expected = np.column_stack([k, np.append(row[:, 0], row[0, 0])])
        np.testing.assert_array_equal(inside(drawn(ax)), inside(expected))
        assert ax.get_ylim() == (-0.5, 0.5)
        assert ax.get_xlabel() == "$k_x$ (rad)"
    assert [ax.get_title() for ax in figure.axes] == ["$C = 1$ (certified)", "$C = 0$ (certified)"]
    assert figure.axes[0].get_ylabel() == "$x_n$ (lattice constants)"
    assert figure.axes[1].get_ylabel() == ""


def test_wannier_centres_on_the_edge_of_the_cell_show_on_both_sides():
    figure = plot_wilson_flow([[0.5], [0.2], [-0.5]], k=[0.0, 0.5, 1.0])
    assert sorted(map(tuple, drawn(figure.axes[0]))) == [
        (0.0, -0.5), (0.0, 0.5), (0.5, 0.2), (1.0, -0.5), (1.0, 0.5),
    ]  # fmt: skip


def test_threads_follow_the_pump_across_the_edge():
    k = np.linspace(0.0, 1.0, 6)
    pumped = np.sort((np.array([0.1, 0.4]) + 1.3 * k[:, None] + 0.5) % 1.0 - 0.5, axis=1)
    lines = connect_centres(k, pumped)
    assert lines.shape == (10, 2, 2)
    np.testing.assert_allclose(lines[:, 1, 1] - lines[:, 0, 1], 0.26, atol=1e-12)
    np.testing.assert_allclose(lines[:, :, 0], np.repeat(np.stack([k[:-1], k[1:]], -1), 2, axis=0))


def test_threads_wind_by_the_chern_number():
    h = tp.models.qwz(-1.0)
    figure = plot_wilson_flow(tp.wannier_centres(h.on_grid((32, 48))))
    (lines,) = figure.axes[0].collections
    # copies one period away count only with the part that is in the cell
    ends = np.clip(np.array(lines.get_segments())[:, :, 1], -0.5, 0.5)
    np.testing.assert_allclose((ends[:, 1] - ends[:, 0]).sum(), 1.0, atol=1e-12)


def test_middle_of_the_largest_gap():
    centres = np.array([[-0.4, 0.4], [-0.1, 0.1], [0.1, 0.3]])
    np.testing.assert_allclose(np.abs(largest_gap_midpoints(centres)), [0.0, 0.5, 0.3], atol=1e-12)
    assert largest_gap_midpoints(centres)[2] < 0.0
    figure = plot_wilson_flow(centres, k=[0.0, 1.0, 2.0], gap=True)
    marked = drawn(figure.axes[0], "middle of the largest gap")
    assert sorted(np.round(marked, 12).tolist()) == [[0, 0], [1, -0.5], [1, 0.5], [2, -0.3]]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [
        "Wannier centres", "middle of the largest gap",
    ]  # fmt: skip
    assert not plot_wilson_flow(centres).legends


def test_gaps_are_those_of_the_invariant(z2):
    figure = plot_wilson_flow(z2, gap=True)
    for ax, flow in zip(figure.axes, z2.flows, strict=True):
        marked = inside(drawn(ax, "middle of the largest gap"))
        expected = inside(np.array([[line.t, line.middle] for line in flow.lines]))
        np.testing.assert_allclose(marked, expected, atol=1e-12)


def test_flows_of_a_z2_result(bhz, z2):
    figure = plot_wilson_flow(z2, titles=["normal", "inverted"])
    assert [ax.get_title() for ax in figure.axes] == [
        "normal, $Z_2 = 0$ (converged)",
        "inverted, $Z_2 = 1$ (converged)",
    ]
    for ax, flow in zip(figure.axes, z2.flows, strict=True):
        t = [line.t for line in flow.lines]
        assert set(drawn(ax)[:, 0]) == set(t)
        low, high = ax.get_xlim()
        assert low < 0.0 < np.pi < high < 3.3
    centres = tp.wannier_centres(bhz.on_grid((12, 40)), n_occupied=2)
    whole = plot_wilson_flow(centres, z2=z2, chern=[0, 0])
    assert whole.axes[1].get_title() == "$C = 0$, $Z_2 = 1$ (converged)"
    assert plot_wilson_flow(centres, z2=[0, 1]).axes[0].get_title() == "$Z_2 = 0$"


def test_unresolved_is_said(z2):
    value = np.array([np.iinfo(np.int64).min, 1])
    found = replace(z2, value=value, status=np.array(["unresolved", "converged"]))
    assert [ax.get_title() for ax in plot_wilson_flow(found).axes] == [
        "$Z_2$ unresolved",
        "$Z_2 = 1$ (converged)",
    ]


def test_own_axes_and_equal_bytes(z2, tmp_path):
    figure = Figure()
    axes = figure.subplots(1, 2)
    assert plot_wilson_flow(z2, gap=True, ax=axes) is figure
    assert axes[0].get_legend() is not None
    files = [
        save_figure(plot_wilson_flow(z2, gap=True), tmp_path / n, ("png", "svg")) for n in "ab"
    ]
    for a, b in zip(*files, strict=True):
        assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize(
    ("centres", "options", "error"),
    [
        (np.zeros(4), {}, ShapeError),
        (np.full((4, 1), np.nan), {}, InputError),
        (np.zeros((4, 1), complex), {}, InputError),
        (np.zeros((4, 1)), {"k": [0.0, 1.0]}, ShapeError),
        (np.zeros((2, 1)), {"k": [1.0, 0.0]}, InputError),
        (np.zeros((4, 1)), {"chern": 1.0}, InputError),
        (np.zeros((4, 1)), {"z2": [0, 1]}, ShapeError),
        (np.zeros((4, 1)), {"z2": 0.5}, InputError),
        (np.zeros((2, 4, 1)), {"titles": ["a"]}, ShapeError),
    ],
)
def test_bad_input(centres, options, error):
    with pytest.raises(error) as caught:
        plot_wilson_flow(centres, **options)
    assert "\n" not in str(caught.value)


def test_results_without_flows_are_refused(z2):
    with pytest.raises(InputError, match="`k` must be left out"):
        plot_wilson_flow(z2, k=[0.0, 1.0])
    with pytest.raises(ShapeError, match="`z2` must hold 1 integers"):
        plot_wilson_flow(np.zeros((4, 2)), z2=z2)
    parity = tp.z2_invariant(
        tp.models.bhz(1.0), method="parity", inversion=np.diag([1.0, -1.0, 1.0, -1.0])
    )
    with pytest.raises(InputError, match="parities have none"):
        plot_wilson_flow(parity)
