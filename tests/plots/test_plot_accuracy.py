import numpy as np
import pytest

from topophys._statistics import wilson_interval
from topophys.errors import InputError
from topophys.plots import plot_accuracy

ROWS = [
    {"split": "test", "correct": 9_990, "total": 10_000},
    {"split": "beyond", "correct": 49_995, "total": 50_000},
    {"split": "finer grid", "correct": 500, "total": 500},
]


def dots(ax):
    return [float(a.get_xdata()[0]) for a in ax.lines if a.get_marker() == "o"]


def test_points_and_intervals_on_the_scale_of_errors():
    ax = plot_accuracy(ROWS).axes[0]
    assert ax.get_xscale() == "log"
    left, right = ax.get_xlim()
    assert left > right  # better is to the right
    np.testing.assert_allclose(dots(ax), [1e-3, 1e-4])
    bar = next(a for a in ax.lines if len(a.get_xdata()) == 2)
    np.testing.assert_allclose(bar.get_xdata(), 1.0 - np.array(wilson_interval(9_990, 10_000)))


def test_thousandth_and_ten_thousandth_differ_visibly():
    figure = plot_accuracy(ROWS)
    figure.draw_without_rendering()
    ax = figure.axes[0]
    a, b = (ax.transData.transform((x, 0.0))[0] for x in (1e-3, 1e-4))
    assert b - a > 0.1 * ax.get_window_extent().width


def test_tick_labels_are_accuracies():
    figure = plot_accuracy(ROWS)
    figure.draw_without_rendering()
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert "0.99" in labels
    assert "0.9999" in labels


def test_numbers_never_round_up_to_one():
    rows = [{"split": "a", "correct": 99_999_999, "total": 100_000_000}, ROWS[2]]
    texts = [t.get_text() for t in plot_accuracy(rows).axes[0].texts]
    assert "0.99999999\n99,999,999 / 100,000,000" in texts
    assert "1 (no error)\n500 / 500" in texts


def test_no_error_is_an_arrow_from_the_confident_bound():
    ax = plot_accuracy(ROWS[2:]).axes[0]
    (arrow,) = [t for t in ax.texts if not t.get_text()]
    assert arrow.xyann[0] == pytest.approx(1.0 - wilson_interval(500, 500)[0])


def test_all_wrong():
    figure = plot_accuracy([{"split": "x", "correct": 0, "total": 7}])
    figure.draw_without_rendering()
    assert any("0 / 7" in text.get_text() for text in figure.axes[0].texts)


@pytest.mark.parametrize(("correct", "total"), [(0, 5), (5, 5), (3, 10), (999, 1000)])
def test_wilson_solves_its_quadratic(correct, total):
    low, high = wilson_interval(correct, total)
    assert 0.0 <= low <= correct / total <= high <= 1.0
    for bound in (low, high):
        if 0.0 < bound < 1.0:
            z = abs(correct / total - bound) / np.sqrt(bound * (1 - bound) / total)
            assert z == pytest.approx(1.96, abs=1e-3)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"split": "a", "correct": 3, "total": 2}, "at most"),
        ({"split": "a", "correct": 3, "total": 0}, "at least 1"),
        ({"split": "a", "correct": 0.5, "total": 1}, "integer"),
        ({"split": "a", "correct": -1, "total": 1}, "at least 0"),
        ({"split": "a", "correct": 1}, "lacks total"),
    ],
)
def test_bad_rows(row, words):
    with pytest.raises(InputError, match=words):
        plot_accuracy([row])
