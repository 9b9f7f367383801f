import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.plots import plot_det_loop


def coloured(ax):
    (found,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    return found


def test_loop_is_the_determinant_closed_and_coloured_by_k():
    chain = tp.ensembles.aiii_chains(1, rng=5)[0]
    blocks = chain.block_on_grid(64)
    ax = plot_det_loop(blocks).axes[0]
    segments = np.array(coloured(ax).get_segments())
    loop = np.linalg.det(blocks)
    np.testing.assert_allclose(segments[:, 0] @ [1.0, 1j], loop)
    np.testing.assert_allclose(segments[:, 1] @ [1.0, 1j], np.roll(loop, -1))
    colours = coloured(ax)
    assert colours.get_cmap().name == "twilight"
    assert colours.get_clim() == (-np.pi, np.pi)
    assert (np.diff(colours.get_array()) > 0.0).all()


def test_titles_say_certified_sampled_or_unresolved():
    chains = tp.models.ssh(1.0, [0.5, 1.0, 2.0])
    figure = plot_det_loop(chains)
    assert [ax.get_title() for ax in figure.axes[:3]] == [
        r"$\nu = 0$ (certified)",
        r"$\nu$ unresolved",
        r"$\nu = 1$ (certified)",
    ]
    sampled = plot_det_loop(chains[2].block_on_grid(16), titles=["SSH"])
    assert sampled.axes[0].get_title() == r"SSH, $\nu = 1$ (sampled)"
    gapless = plot_det_loop(chains[1].block_on_grid(16))
    assert gapless.axes[0].get_title() == r"$\nu$ unresolved"
    told = plot_det_loop(chains[2], nu=7)
    assert told.axes[0].get_title() == r"$\nu = 7$"


def test_origin_inside_of_the_view_units_and_colour_bar():
    figure = plot_det_loop(tp.ensembles.aiii_chains(2, rng=5))
    for ax in figure.axes[:2]:
        assert ax.get_xlim()[0] < 0.0 < ax.get_xlim()[1]
        assert ax.get_aspect() == 1.0
        assert "hopping$^{2}$" in ax.get_xlabel()
        (origin,) = [artist for artist in ax.lines if artist.get_label() == "origin"]
        assert origin.get_xydata().tolist() == [[0.0, 0.0]]
    assert figure.axes[-1].get_ylabel() == "$k$ (rad)"


@pytest.mark.parametrize("sign", [1, -1])
def test_arrows_point_to_larger_k(sign):
    chain = tp.ChiralHamiltonian({sign: [[1.0]]})
    ax = plot_det_loop(chain).axes[0]
    arrows = [text for text in ax.texts if text.arrow_patch is not None]
    assert len(arrows) == 3
    for arrow in arrows:
        tail, head = (np.dot(point, [1.0, 1j]) for point in (arrow.xyann, arrow.xy))
        assert np.sign(np.angle(head / tail)) == sign


def test_own_axes():
    figure = Figure()
    ax = figure.subplots()
    assert plot_det_loop(tp.models.ssh(1.0, 2.0), ax=ax, colorbar=False) is figure
    assert figure.axes == [ax]


def test_constant_loop_is_drawn():
    figure = plot_det_loop(tp.models.ssh(1.0, 0.0))
    figure.draw_without_rendering()
    assert not [text for text in figure.axes[0].texts if text.arrow_patch is not None]


@pytest.mark.parametrize(
    ("d_k", "options", "error"),
    [
        (np.zeros((8, 2, 3)), {}, ShapeError),
        (np.full((8, 1, 1), np.nan), {}, InputError),
        (np.ones((2, 1, 1)), {}, InputError),
        (np.ones((40, 8, 1, 1)), {}, InputError),
        (np.ones((2, 8, 1, 1)), {"nu": [1]}, ShapeError),
        (np.ones((2, 8, 1, 1)), {"nu": [1.5, 2.0]}, InputError),
        (np.ones((2, 8, 1, 1)), {"ax": []}, InputError),
        (tp.models.ssh(1.0, 2.0), {"grid": 2}, InputError),
    ],
)
def test_bad_input(d_k, options, error):
    with pytest.raises(error):
        plot_det_loop(d_k, **options)
