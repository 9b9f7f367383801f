import numpy as np
import pytest

from topophys.errors import InputError, ShapeError
from topophys.plots import plot_confusion


@pytest.fixture
def labels(rng):
    true = rng.integers(-2, 3, 2000)
    return true, true + (rng.random(2000) < 0.1) * rng.choice([-2, 1], 2000)


def cells(ax):
    """Counts by (row, column), read off the texts."""
    found = {}
    for text in ax.texts:
        if "\n" in text.get_text():
            column, row = text.get_position()
            found[int(row), int(column)] = int(text.get_text().split("\n")[0].replace(",", ""))
    return found


def test_counts_in_the_cells(labels):
    true, predicted = labels
    ax = plot_confusion(true, predicted).axes[0]
    rows = [text.get_text().replace("−", "-") for text in ax.get_yticklabels()]
    columns = [text.get_text().replace("−", "-") for text in ax.get_xticklabels()]
    assert rows == ["-2", "-1", "0", "1", "2"]
    assert columns == ["-4", "-3", "-2", "-1", "0", "1", "2", "3"]  # beyond the rows
    found = cells(ax)
    assert sum(found.values()) == true.size
    for (i, j), count in found.items():
        assert count == np.sum((true == int(rows[i])) & (predicted == int(columns[j])))


def test_title_and_row_percentages(labels):
    true, predicted = labels
    ax = plot_confusion(true, predicted).axes[0]
    assert ax.get_title().startswith(f"{np.sum(true == predicted):,} of 2,000 right")
    shares = np.asarray(ax.images[0].get_array())
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_hundred_percent_only_where_exact():
    true = np.zeros(100_000, int)
    predicted = true.copy()
    assert "(100 %)" in plot_confusion(true, predicted).axes[0].get_title()
    predicted[0] = 1
    ax = plot_confusion(true, predicted).axes[0]
    assert "> 99.99 %" in ax.get_title()
    assert {t.get_text() for t in ax.texts} == {"99,999\n>99.9 %", "1\n<0.1 %"}


def test_trained_classes_are_marked():
    ax = plot_confusion([-1, 0, 1, 2], [-1, 0, 1, 3], trained=[-1, 0, 1]).axes[0]
    labels = {t.get_text(): t.get_fontweight() for t in ax.get_xticklabels()}
    assert labels == {"−1": "bold", "0": "bold", "1": "bold", "2*": "normal", "3*": "normal"}
    assert any(text.get_text() == "* not in training" for text in ax.texts)


def test_diagonal_is_framed():
    ax = plot_confusion([0, 1, 2], [1, 1, 2]).axes[0]
    corners = sorted(patch.get_xy() for patch in ax.patches)
    assert corners == [(-0.5, -0.5), (0.5, 0.5), (1.5, 1.5)]


@pytest.mark.parametrize(
    ("true", "predicted", "error"),
    [
        ([0, 1], [0], ShapeError),
        ([], [], InputError),
        ([0.0, 1.0], [0, 1], InputError),
        ([0, 1], [0.2, 1.0], InputError),
        ([True, False], [1, 0], InputError),
        (np.arange(30), np.arange(30), InputError),
    ],
)
def test_bad_input(true, predicted, error):
    with pytest.raises(error):
        plot_confusion(true, predicted)
