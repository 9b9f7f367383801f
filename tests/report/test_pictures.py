"""Numbers of figures as text, exactly."""

import csv
import io

import numpy as np
import pytest

import topophys as tp
from topophys.errors import ShapeError
from topophys.report.figures import columns_of_rows, csv_text, momenta


def test_numbers_come_back_exactly():
    rng = np.random.default_rng(0)
    columns = {"x": rng.standard_normal(50), "n": np.arange(50), "name": ['a "b", c'] * 50}
    rows = list(csv.DictReader(io.StringIO(csv_text(columns))))
    np.testing.assert_array_equal([float(row["x"]) for row in rows], columns["x"])
    assert [int(row["n"]) for row in rows] == list(range(50))
    assert {row["name"] for row in rows} == {'a "b", c'}


def test_columns_of_different_length():
    with pytest.raises(ShapeError, match="one length"):
        csv_text({"x": [1], "y": [1, 2]})


def test_rows_become_columns():
    rows = [{"grid": (8, 8), "value": None}, {"grid": [32], "value": 0.5}]
    assert columns_of_rows(rows) == {"grid": ["8 8", "32"], "value": ["", 0.5]}


@pytest.mark.parametrize("n", [1, 7, 32])
def test_momenta_are_those_of_the_grid(n):
    np.testing.assert_allclose(momenta(n), tp.k_grid(n).ravel(), atol=1e-12)
