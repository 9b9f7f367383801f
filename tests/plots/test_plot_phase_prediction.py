import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.plots import plot_phase_diagram_prediction

X, Y = np.linspace(-3.0, 3.0, 13), np.linspace(0.5, 1.5, 3)


@pytest.fixture
def proof():
    return tp.certify_chern(tp.models.qwz(X[:, None] * np.ones(3)))


def test_planes_and_errors(proof):
    predicted = np.where(proof.certified, proof.value, 0)
    predicted[5, 1] += 1
    figure = plot_phase_diagram_prediction(X, Y, proof, predicted, symbol="C")
    exact, network, bar = figure.axes
    assert exact.get_title() == "exact"
    assert network.get_title() == "network, 1 of 30 wrong (3.3 %)"  # m = -2, 0, 2: no exact value
    assert network.lines[0].get_xydata().tolist() == [[X[5], Y[1]]]
    shown = np.ma.filled(exact.images[0].get_array(), 99)
    np.testing.assert_array_equal(shown.T[proof.certified], proof.value[proof.certified])
    assert (shown.T[~proof.certified] == 99).all()
    assert exact.images[0].get_extent() == [-3.25, 3.25, 0.25, 1.75]
    assert bar.get_ylabel() == "$C$"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"x": [0.0, 1.0]}, ShapeError),
        ({"x": X**3}, InputError),
        ({"y": [1.0]}, ShapeError),
        ({"predicted": np.zeros((13, 3))}, InputError),
        ({"predicted": np.full((13, 3), 40)}, InputError),
        ({"exact": np.zeros((3, 13), int)}, ShapeError),
    ],
)
def test_bad_input(change, error):
    plane = np.zeros((13, 3), int)
    arguments = {"x": X, "y": Y, "exact": plane, "predicted": plane, **change}
    with pytest.raises(error):
        plot_phase_diagram_prediction(**arguments)
