import pytest

from topophys.errors import InputError
from topophys.plots import plot_audit

ROWS = [
    {"operation": "shift", "quantity": "h1_features", "expectation": "same", "deviation": 0.0},
    {"operation": "shift", "quantity": "h2_features read as dalpha", "expectation": "same",
     "deviation": 0.1},
    {"operation": "k -> -k", "quantity": "output", "expectation": "odd", "deviation": 3.0},
]  # fmt: skip


def test_values_and_names():
    ax = plot_audit(ROWS, title="audit").axes[0]
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names == ["h1: same", "h2 as \u0394\u03b1: same", "output: odd"]
    assert [t.get_text() for t in ax.texts][:2] == ["shift", "k \u2192 -k"]
    assert [line.get_xdata()[0] for line in ax.lines] == [1e-8, 0.1, 3.0]
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[1] > 3.0


def test_kinds_of_quantities_are_distinguished():
    ax = plot_audit(ROWS).axes[0]
    names = [t.get_text() for t in ax.get_legend().get_texts()]
    assert names == ["layer as a whole", "read from a layer", "output"]
    assert len({line.get_color() for line in ax.lines}) == 3


@pytest.mark.parametrize("value", [-0.1, float("nan"), "much"])
def test_bad_deviations(value):
    with pytest.raises(InputError, match="deviation"):
        plot_audit([{**ROWS[0], "deviation": value}])


def test_no_rows():
    with pytest.raises(InputError, match="empty"):
        plot_audit([])
