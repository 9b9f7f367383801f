import numpy as np
import pytest
from matplotlib.collections import PatchCollection

import topophys as tp
from topophys.errors import InputError, KindError, ShapeError, UnresolvedError
from topophys.plots import plot_certificate_leaves, save_figure


def cells_of(ax):
    (cells,) = [c for c in ax.collections if isinstance(c, PatchCollection)]
    return cells


def test_squares_are_the_leaves_and_colours_their_depths():
    h = tp.models.qwz(-1.999)
    leaves = tp.certificate_leaves(h)
    assert leaves.depth.max() >= 2
    figure = plot_certificate_leaves(h, leaves=leaves, grid=16)
    cells = cells_of(figure.axes[0])
    for path, corner, size in zip(cells.get_paths(), leaves.corner, leaves.size, strict=True):
        np.testing.assert_allclose(path.vertices.min(0), corner, atol=1e-12)
        np.testing.assert_allclose(path.vertices.max(0), corner + size, atol=1e-12)
    colours = [tuple(c) for c in cells.get_edgecolor()]
    by_depth = {d: {c for c, e in zip(colours, leaves.depth, strict=True) if e == d}
                for d in set(leaves.depth.tolist())}  # fmt: skip
    assert all(len(found) == 1 for found in by_depth.values())
    assert len(set.union(*by_depth.values())) == len(by_depth)
    assert figure.axes[0].get_title() == f"Chern number 1 (certified): {len(leaves)} cells"


def test_the_map_is_the_gap_and_its_rows_run_along_ky():
    h = tp.models.haldane(0.25, 0.1, 1.0)
    image = plot_certificate_leaves(h, grid=16).axes[0].images[0]
    line = -np.pi + 2 * np.pi * (np.arange(16) + 0.5) / 16
    k_y, k_x = np.meshgrid(line, line, indexing="ij")
    expected = 2 * np.linalg.norm(h.d(np.stack([k_x, k_y], -1)), axis=-1)
    np.testing.assert_allclose(np.asarray(image.get_array()), expected)
    assert image.get_extent() == [-np.pi, np.pi, -np.pi, np.pi]


def test_the_legend_counts_cells():
    h = tp.ensembles.two_band(1, rng=5)[0]
    legend = plot_certificate_leaves(h, grid=8).axes[0].get_legend()
    counts = np.bincount(tp.certificate_leaves(h).depth)
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [f"{depth}: {n}" for depth, n in enumerate(counts) if n]


def test_steps_stay_below_the_gap_of_a_chain():
    chain = tp.models.ssh(1.0, 1.15, 0.3)
    leaves = tp.certificate_leaves(chain)
    ax = plot_certificate_leaves(chain, grid=64).axes[0]
    gap, *steps = [line for line in ax.lines if len(line.get_xdata()) > 2 or line.get_ydata()[0]]
    steps = [s for s in steps if s.get_ydata()[0] == s.get_ydata()[1]]
    assert len(steps) == len(leaves)
    for step in steps:
        left, right = step.get_xdata()
        k = np.linspace(left, right, 50)
        assert (np.interp(k, gap.get_xdata(), gap.get_ydata()) >= step.get_ydata()[0] - 1e-3).all()


@pytest.mark.slow
def test_equal_bytes(tmp_path):
    h = tp.models.qwz(-1.9)
    files = [save_figure(plot_certificate_leaves(h, grid=16), tmp_path / n) for n in "ab"]
    for a, b in zip(*files, strict=True):
        assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize(
    ("h", "options", "error"),
    [
        (tp.models.qwz([-1.0, 1.0]), {}, ShapeError),
        (tp.models.kagome(0.3), {}, KindError),
        (tp.models.qwz(-2.0), {}, UnresolvedError),
        (tp.models.qwz(-1.0), {"grid": 7}, InputError),
    ],
)
def test_bad_input(h, options, error):
    with pytest.raises(error) as caught:
        plot_certificate_leaves(h, **options)
    assert "\n" not in str(caught.value)
