"""Pictures of classifiers of materials: what is drawn is what is in the arrays."""

from __future__ import annotations

import numpy as np
import pytest

from topophys.errors import InputError, ShapeError
from topophys.materials import ElementContributions, Explanation, MaterialsModel, describe
from topophys.materials.calibration import calibration_error, softmax
from topophys.plots.materials import (
    plot_class_confusion,
    plot_element_contributions,
    plot_explanation,
    plot_materials_map,
    plot_reliability,
)


def test_reliability_states_the_calibration_error():
    rng = np.random.default_rng(2)
    p = softmax(rng.normal(size=(500, 3)) * 2.0)
    y = rng.integers(0, 3, 500)
    figure = plot_reliability(p, y, bins=15)
    assert f"calibration error {calibration_error(p, y):.3f}" in figure.axes[0].get_title()
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == 500


def test_reliability_shows_the_ceiling_beside_the_accuracy():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]])
    figure = plot_reliability(p, [0, 1, 1, 0], ceiling=0.95)
    panel = figure.axes[0]
    assert "accuracy 0.750" in panel.get_title()
    assert any(list(line.get_ydata()) == [0.95, 0.95] for line in panel.lines)
    assert any("0.950" in text.get_text() for text in panel.texts)
    with pytest.raises(InputError, match="ceiling"):
        plot_reliability(p, [0, 1, 1, 0], ceiling=1.5)


@pytest.mark.parametrize(
    ("p", "y", "error"),
    [(np.ones((3, 2)), [0, 1], ShapeError), (np.ones(3), [0, 1, 1], ShapeError),
     (np.ones((2, 2)) / 2, [0, 2], InputError), (np.ones((0, 2)), np.zeros(0, int), ShapeError)],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(p, y, error):
    with pytest.raises(error):
        plot_reliability(p, y)


def test_confusion_holds_counts_and_accuracy():
    figure = plot_class_confusion({"trees": [[3, 1], [0, 4]], "ceiling": [[4, 0], [0, 4]]}, "ab")
    assert "accuracy 0.875" in figure.axes[0].get_title()
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "75 %\n3", "25 %\n1", "0 %\n0", "100 %\n4"
    ]  # fmt: skip
    with pytest.raises(ShapeError):
        plot_class_confusion({"trees": [[1, 2]]}, "ab")


def test_map_holds_every_labelled_material_and_the_named_ones():
    model = MaterialsModel.pretrained()
    figure = plot_materials_map(model, ["Bi2Se3:166"], most=300)
    counts = np.bincount(model.tasks_["topology"].labels)
    step = -(-int(counts.sum()) // 300)
    drawn = sum(len(points.get_offsets()) for points in figure.axes[0].collections)
    assert drawn == -(-int(counts.sum()) // step)
    assert [text.get_text() for text in figure.axes[0].texts] == ["Bi2Se3:166"]


def test_bars_are_the_contributions():
    one = Explanation(describe("NaCl"), "trivial", {"elements": 1.5, "oxidation states": -0.5},
                      1.0, 0.0)  # fmt: skip
    figure = plot_explanation([one])
    assert [bar.get_width() for bar in figure.axes[0].patches] == [1.5, -0.5]
    with pytest.raises(InputError):
        plot_explanation([])


def test_the_table_of_elements_names_all_and_colours_those_that_are_known():
    found = ElementContributions("odd", {"Na": 2.0, "O": -1.0}, {"Na": 3, "O": 4}, 0.75, 0.5)
    panel = plot_element_contributions(found).axes[0]
    words = [text.get_text() for text in panel.texts]
    assert {"Na", "O", "Xe", "U", "+2.0", "-1.0"} <= set(words)
    assert len(words) == 103 + 2
    colours = [patch.get_facecolor()[:3] for patch in panel.patches]
    assert sum(colour != (1.0, 1.0, 1.0) for colour in colours) == 2
    assert "0.750" in panel.get_title()
