import numpy as np
import pytest

from topophys._statistics import wilson_interval
from topophys.errors import InputError
from topophys.plots import plot_causal

ROWS = [
    {"test": "erase", "layer": "h1_features", "what": "angle", "right": 30, "cases": 90},
    {"test": "swap", "layer": "h2_features", "what": "links", "right": 99999, "cases": 100000},
    {"test": "swap", "layer": "h2_features", "what": "none", "right": 0, "cases": 0},
]


def test_shares_intervals_and_names():
    ax = plot_causal(ROWS, chance=1 / 3, title="causal").axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["h1: angle", "h2: links"]
    assert [t.get_text() for t in ax.texts][-1] == "guessing"
    points = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    assert points == [30 / 90, 0.99999]
    bars = [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    np.testing.assert_allclose(bars[0], wilson_interval(30, 90))
    assert ax.get_title() == "causal"
    assert [1 / 3, 1 / 3] in bars


def test_only_no_exception_is_shown_as_one():
    texts = [t.get_text() for t in plot_causal(ROWS).axes[0].texts]
    assert [t for t in texts if t[0].isdigit()] == ["0.3333", "0.9999"]


def test_rows_of_a_test_stand_together_under_its_heading():
    mixed = [ROWS[0], ROWS[1], {**ROWS[0], "what": "cos_sin_alpha, no step above 0.9 pi"}]
    ax = plot_causal(mixed).axes[0]
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names[:1] + names[2:] == ["h1: angle", "h2: links"]
    assert names[1].replace("\n", " ") == "h1: cos \u03b1, sin \u03b1, no step above 0.9 \u03c0"
    assert list(ax.get_yticks()) == [1, 2, 4]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"right": 91}, "at most"), ({"right": 0.5}, "integer"), ({"cases": -1}, "at least")],
)
def test_bad_counts(change, words):
    with pytest.raises(InputError, match=words):
        plot_causal([{**ROWS[0], **change}])


def test_causal_plot_refuses_empty_or_incomplete_rows():
    with pytest.raises(InputError, match="empty"):
        plot_causal([])
    with pytest.raises(InputError, match="at least one case"):
        plot_causal(ROWS[2:])
    with pytest.raises(InputError, match="lacks what"):
        plot_causal([{k: v for k, v in ROWS[0].items() if k != "what"}])
