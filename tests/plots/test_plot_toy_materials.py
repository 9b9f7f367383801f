import numpy as np
import pytest

from topophys.errors import InputError
from topophys.materials.synthetic.dataset import draw_shard
from topophys.plots.materials import plot_toy_materials


@pytest.fixture(scope="module")
def arrays():
    pytest.importorskip("gudhi", reason="needs the extra `materials`")
    return draw_shard(4, 0, 12, 0.05)["arrays"]


def test_titles_say_what_was_proven(arrays):
    rows = [0, 5]
    figure = plot_toy_materials(arrays, rows)
    assert len(figure.axes) == 4
    for column, row in enumerate(rows):
        title = figure.axes[column].get_title()
        name = ("trivial", "topological insulator", "semimetal")[arrays["topology"][row]]
        assert f"{name}, {('NM', 'FM', 'AFM')[arrays['magnetism'][row]]}" in title
        assert "proven" in figure.axes[2 + column].get_title()


def test_every_level_is_drawn_once(arrays):
    panel = plot_toy_materials(arrays, [3]).axes[1]
    drawn = np.sort(np.concatenate([line.get_ydata() for line in panel.lines[:3]]))
    np.testing.assert_allclose(drawn, np.sort(arrays["kspace"][3, :, 4:8].ravel()))


@pytest.mark.parametrize("rows", [[], [12], [-1]])
def test_rows_are_checked(arrays, rows):
    with pytest.raises(InputError, match="rows"):
        plot_toy_materials(arrays, rows)


def test_solids_are_drawn_with_what_was_proven(arrays):
    solids = draw_shard(4, 0, 12, 0.1, 3)["arrays"]
    figure = plot_toy_materials(solids, list(range(12)))
    for row in range(12):
        title = figure.axes[12 + row].get_title()
        assert "proven" in title
        wanted = {0: "gap", 1: "overlap", 2: "touch"}[solids["evidence"][row]]
        assert wanted in title
        assert ("Z2" in title) == (solids["z2"][row, 0] >= 0)
    drawn = np.sort(np.concatenate([line.get_ydata() for line in figure.axes[12].lines[:3]]))
    np.testing.assert_allclose(drawn, np.sort(solids["kspace"][0, :, 6:10].ravel()))
    # corners of the cell, and none beyond it
    assert len(figure.axes[0].lines) - 1 >= 8
    assert len(solids["numbers"]) == len(arrays["numbers"])


@pytest.mark.parametrize("dim", [2, 3])
def test_corners_are_named_where_they_are(dim):
    made = draw_shard(4, 0, 2, 0.1, dim)["arrays"]
    panel = plot_toy_materials(made, [0]).axes[1]
    # the path begins and ends at a named corner: names beyond it are at wrong momenta
    assert panel.get_xticks()[0] == 0
    assert panel.get_xticks()[-1] == made["kspace"].shape[1] - 1
