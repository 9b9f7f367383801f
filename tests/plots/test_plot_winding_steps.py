import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.plots import plot_winding_steps


@pytest.fixture
def steps():
    return tp.winding_steps(tp.ensembles.aiii_chains(50, rng=1).block_on_grid(32))


def test_every_link_is_in_a_hexagon(steps, rng):
    figure = plot_winding_steps(0.8 * steps, steps)
    counts = figure.axes[0].collections[0].get_array()
    assert int(counts.sum()) == steps.size
    assert "links" in figure.axes[1].get_ylabel()


def test_title_holds_the_coefficient_of_determination(steps, rng):
    decoded = steps + 0.2 * rng.normal(size=steps.shape)
    expected = 1.0 - np.sum((decoded - steps) ** 2) / np.sum((steps - steps.mean()) ** 2)
    title = plot_winding_steps(decoded, steps, title="test").axes[0].get_title()
    assert title == f"test, $R^2 = {expected:.4f}$, 1,600 links"


def test_perfect_decoding_and_the_diagonal(steps):
    ax = plot_winding_steps(steps, steps).axes[0]
    assert "R^2 = 1.0000" in ax.get_title()
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, y)
    assert ax.get_aspect() == 1.0


def test_wild_values_do_not_blow_up_the_frame_but_count(steps):
    decoded = steps.copy()
    decoded[0, :3] = 1000.0
    ax = plot_winding_steps(decoded, steps).axes[0]
    assert ax.get_ylim()[1] < 5.0
    assert [text.get_text() for text in ax.texts] == ["3 beyond the frame"]
    assert "−" in ax.get_title()


@pytest.mark.parametrize(
    ("decoded", "exact", "error"),
    [
        (np.zeros(4), np.zeros(5), ShapeError),
        (np.zeros(4), np.zeros(4), InputError),
        (np.zeros(0), np.zeros(0), InputError),
        ([0.0, np.inf], [0.0, 1.0], InputError),
    ],
)
def test_bad_input(decoded, exact, error):
    with pytest.raises(error):
        plot_winding_steps(decoded, exact)
