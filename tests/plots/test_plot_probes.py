import numpy as np
import pytest

from topophys.errors import InputError
from topophys.plots import plot_probes

ROWS = [
    {"layer": "H1", "target": "cos", "source": "trained", "r2": 0.97, "low": 0.95, "high": 0.98},
    {"layer": "H1", "target": "cos", "source": "untrained", "r2": 0.68, "low": 0.6, "high": 0.7},
    {"layer": "H2", "target": "step", "source": "trained", "r2": 0.9},
    {"layer": "H2", "target": "step", "source": "raw input", "r2": -3.5, "low": -4, "high": -3},
    {"layer": "H2", "target": "step", "source": "my own", "r2": 0.1, "low": None, "high": None},
]


def points(ax):
    return [a for a in ax.lines if len(a.get_xdata()) == 1 and np.isfinite(a.get_xdata()[0])]


def test_values_intervals_and_groups():
    ax = plot_probes(ROWS, title="probes").axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["H1, cos", "H2, step"]
    values = [float(point.get_xdata()[0]) for point in points(ax)]
    assert values == [0.97, 0.68, 0.9, -0.15, 0.1]
    bars = [a.get_xdata() for a in ax.lines if len(a.get_xdata()) == 2]
    assert [0.95, 0.98] in [list(bar) for bar in bars]
    assert ax.get_title() == "probes"


def test_number_beside_each_value_is_the_true_one():
    texts = [text.get_text() for text in plot_probes(ROWS).axes[0].texts]
    assert texts == ["0.970", "0.680", "0.900", "−3.500", "0.100"]


def test_every_source_once_in_the_legend():
    ax = plot_probes(ROWS).axes[0]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["trained", "untrained", "raw input", "my own"]


def test_same_source_same_colour():
    shown = points(plot_probes(ROWS).axes[0])
    assert shown[0].get_color() == shown[2].get_color() != shown[1].get_color()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"r2": 1.2}, "r2 <= 1"),
        ({"r2": float("nan")}, "finite"),
        ({"low": 0.99}, "low <= r2"),
        ({"high": 0.1}, "low <= r2"),
    ],
)
def test_bad_rows(change, words):
    with pytest.raises(InputError, match=words):
        plot_probes([{**ROWS[0], **change}])


def test_missing_keys_and_no_rows():
    with pytest.raises(InputError, match="row 1 lacks source, r2"):
        plot_probes([ROWS[0], {"layer": "H1", "target": "cos"}])
    with pytest.raises(InputError, match="empty"):
        plot_probes([])


def test_long_names_are_broken_into_lines():
    row = ROWS[0] | {"target": "cos, sin of the phase of perm D (used part)"}
    (label,) = plot_probes([row]).axes[0].get_yticklabels()
    assert max(map(len, label.get_text().splitlines())) <= 30
    assert label.get_text().replace("\n", " ") == f"H1, {row['target']}"
