"""Pictures of proven phase diagrams."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

import topophys as tp
from topophys.errors import InputError
from topophys.plots import phase_diagram, plot_certified_phases


@pytest.fixture(scope="module")
def plane():
    domain = {"mu": (-3.0, 3.0), "delta": (-1.0, 1.0)}
    return tp.certify_phases(tp.models.kitaev_chain, domain, fixed={"t": 1.0}, share=0.6)


def test_every_proven_box_is_drawn_where_it_is(plane):
    (panel,) = phase_diagram(plane).axes
    (boxes,) = (c for c in panel.collections if isinstance(c, PolyCollection))
    drawn = np.array([path.vertices[:4] for path in boxes.get_paths()])
    np.testing.assert_array_equal(drawn.min(1), plane.lower[plane.resolved])
    np.testing.assert_array_equal(drawn.max(1), plane.upper[plane.resolved])
    assert len(np.unique(boxes.get_facecolors(), axis=0)) == 3
    assert [t.get_text() for t in panel.get_legend().get_texts()] == ["-1", "0", "+1"]
    assert panel.get_xlim() == (-3.0, 3.0)


def test_a_line_is_a_band():
    line = tp.certify_phases(tp.models.qwz, {"m": (-3.0, 3.0)}, share=0.9)
    (panel,) = plot_certified_phases(line, title="QWZ").axes
    assert panel.get_title().startswith("QWZ\nChern number, 9")
    assert panel.get_ylim() == (0.0, 1.0)


def test_refusals(plane):
    with pytest.raises(InputError, match="left out"):
        phase_diagram(plane, x=("mu", [0.0, 1.0]))
    with pytest.raises(InputError, match="must be given"):
        phase_diagram(tp.models.qwz)
    space = tp.certify_phases(
        tp.models.ssh, {"t1": (0.5, 1.0), "t2": (0.0, 2.0), "t3": (0.0, 0.4)}, share=0.1
    )
    with pytest.raises(InputError, match="one or two"):
        plot_certified_phases(space)
