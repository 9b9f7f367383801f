"""What data sets promise on other processors: labels and keys, and the rest to some digits."""

from __future__ import annotations

import numpy as np
import pytest

from tests.datasets.processors import SAMPLES, TINY, broken, differences, make, older
from topophys.datasets import open_dataset, verify


def compare(folder):
    """The small data sets in `folder` keep the promise, beside those of the repository."""
    for name in SAMPLES:
        made = folder / f"{name}.h5"
        assert verify(made).ok
        with open_dataset(TINY / made.name) as a, open_dataset(made) as b:
            assert (name, broken(differences(a, b))) == (name, {})


@pytest.mark.slow
def test_older_processors_and_libraries(tmp_path):
    make(tmp_path, older())
    compare(tmp_path)


@pytest.mark.slow
def test_kernels_compiled_for_any_processor(tmp_path):
    make(tmp_path, older() | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""})
    compare(tmp_path)


def test_differences_beyond_the_promised_accuracy_are_found():
    good = {"label": 0.0, "x": 1e-7, "hoppings": 1e-15, "flux": 1e-14, "seed_key": 0.0}
    assert broken(good) == {}
    for name, value in (("label", 2.0), ("x", 1e-6), ("hoppings", 1e-12), ("flux", 1e-8)):
        assert broken(good | {name: value}) == {name: value}


def test_angles_are_compared_on_the_circle():
    class Turned:
        """A split whose angles are near the other end of the cut."""

        fields, splits = ("flux", "label"), ("test",)

        def __init__(self, flux):
            self.flux = np.array([flux])

        def split(self, name):
            return self

        def read(self, name):
            return (self.flux if name == "flux" else np.zeros(1, np.int64),)

    found = differences(Turned(np.pi - 1e-14), Turned(-np.pi + 1e-14))
    assert found["flux"] < 1e-13
    assert differences(Turned(1.0), Turned(-1.0))["flux"] == 2.0
