import numpy as np
import pytest

from topophys.errors import InputError
from topophys.plots import plot_training

HISTORY = [
    {
        "epoch": e,
        "loss": 1.0 / e,
        "val_loss": 1.2 / e if e % 2 else None,
        "test_accuracy": min(1.0, 0.9 + 0.02 * e),
        "lr": 1e-3 / e,
        "seconds": 20.0,
    }
    for e in range(1, 9)
]


def curve(ax, label):
    (found,) = [artist for artist in ax.lines if artist.get_label() == label]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def test_panels_and_curves():
    figure = plot_training(HISTORY)
    loss, accuracy, rate = figure.axes
    np.testing.assert_allclose(curve(loss, "loss")[1], [r["loss"] for r in HISTORY])
    assert curve(loss, "val loss")[0].tolist() == [1, 3, 5, 7]
    assert [ax.get_yscale() for ax in figure.axes] == ["log"] * 3
    assert rate.get_ylabel() == "learning rate"
    assert accuracy.get_ylabel() == "1 - accuracy"
    assert figure.get_suptitle() == "8 epochs, 2 min 40 s"


def test_perfect_epochs_are_shown_although_zero_has_no_logarithm():
    ax = plot_training(HISTORY).axes[1]
    _, errors = curve(ax, "test accuracy")
    np.testing.assert_allclose(errors[:4], [0.08, 0.06, 0.04, 0.02])
    x, y = curve(ax, "test accuracy: no error")
    assert x.tolist() == [5, 6, 7, 8]
    # at the lower edge, where no share of errors is read off, and below every other mark
    assert y.tolist() == [0.03] * 4
    (line,) = [line for line in ax.lines if line.get_label() == "test accuracy: no error"]
    assert line.get_transform() == ax.get_xaxis_transform()
    assert ax.transAxes.inverted().transform(ax.transData.transform((4, 0.02)))[1] > 0.06


def test_the_epoch_whose_weights_are_kept_is_marked():
    for ax in plot_training(HISTORY, best=3).axes[:2]:
        (line,) = [line for line in ax.lines if line.get_label() == "weights kept"]
        assert set(line.get_xdata()) == {3}


def test_accuracy_itself():
    ax = plot_training(HISTORY, error=False).axes[1]
    assert ax.get_yscale() == "linear"
    np.testing.assert_allclose(curve(ax, "test accuracy")[1][0], 0.92)


def test_one_epoch_is_visible():
    figure = plot_training([{"epoch": 1, "loss": 0.5}])
    assert figure.axes[0].lines[0].get_marker() == "o"


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ([], "empty"),
        ([{"loss": 1.0}], "row 0 lacks epoch"),
        ([{"epoch": 1, "lr": 1.0}], "'loss' or 'accuracy'"),
        ([{"epoch": 1, "loss": 0.0}], "positive"),
        ([{"epoch": 1, "loss": float("nan")}], "finite"),
        ([{"epoch": 1, "loss": "low"}], "finite"),
        ([{"epoch": 1, "accuracy": 1.5}], "from 0 to 1"),
    ],
)
def test_bad_input(history, words):
    with pytest.raises(InputError, match=words) as caught:
        plot_training(history)
    assert "\n" not in str(caught.value)
