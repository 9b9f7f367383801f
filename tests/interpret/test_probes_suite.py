"""Order of others, and intervals over networks."""

import numpy as np
import pytest
from scipy.stats import t

from topophys.interpret.probes import _student, derangement


@pytest.mark.parametrize("n", [2, 3, 20, 151])
def test_shuffle_has_no_fixed_point(n):
    for seed in range(5):
        other = derangement(n, seed)
        assert sorted(other) == list(range(n))
        assert (other != np.arange(n)).all()


def test_interval_over_networks_is_that_of_student():
    values = np.array([0.2, 0.25, 0.3])
    low, high = _student(values)
    expected = t.interval(0.95, 2, loc=0.25, scale=0.05 / np.sqrt(3))
    np.testing.assert_allclose((low, high), expected)
    assert _student(np.array([0.99, 1.0]))[1] == 1.0  # no share is above 1
