import dataclasses

import numpy as np
import pytest
from matplotlib.collections import PatchCollection

import topophys as tp
from topophys.errors import InputError
from topophys.plots import plot_weyl_census
from topophys.testing.weyl_nodes import draw


def test_every_node_is_drawn_once_in_each_plane():
    found = tp.find_weyl_nodes(draw(np.random.default_rng([1, 0])).hamiltonian)
    figure = plot_weyl_census(found)
    assert len(figure.axes) == 3
    for panel, (i, j) in zip(figure.axes, ((0, 1), (0, 2), (1, 2)), strict=True):
        drawn = {
            line.get_fillstyle(): np.column_stack(line.get_data())
            for line in panel.lines
            if len(line.get_xdata()) and line.get_markerfacecolor() != "none"
        }
        for style, sign in (("top", 1), ("bottom", -1)):
            wanted = found.position[found.value == sign][:, [i, j]]
            np.testing.assert_allclose(drawn[style], wanted)
    legend = figure.axes[1].get_legend()
    assert [t.get_text() for t in legend.get_texts()] == ["charge +1: 4", "charge -1: 4"]


def test_undecided_boxes_are_grey_and_repeated_beyond_the_zone():
    x, y = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]])
    line = {(1, 0, 0): 0.5 * x, (0, 1, 0): 0.5 * x, (0, 0, 1): -0.5j * y, (0, 0, 0): 0.5 * x}
    found = tp.find_weyl_nodes(tp.FourierHamiltonian(line))
    panel = plot_weyl_census(found).axes[0]
    (boxes,) = [c for c in panel.collections if isinstance(c, PatchCollection)]
    assert len(boxes.get_paths()) == 9 * len(found.undecided)
    assert "undecided: 2" in [t.get_text() for t in panel.figure.axes[1].get_legend().get_texts()]


def test_bad_input():
    found = tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0))
    with pytest.raises(InputError, match="complete"):
        plot_weyl_census(dataclasses.replace(found, complete=False))
