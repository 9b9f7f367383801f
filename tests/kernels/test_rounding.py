"""One slack for all proofs, and bounds that round toward safety, against exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topophys.kernels.rounding import SLACK, frobenius, lower_bound, slack_of, upper_bound

LARGEST = np.finfo(np.float64).max


@pytest.mark.parametrize("bands", [2, 64, 256])
@pytest.mark.parametrize("error", [0.0, 0.125])
def test_slack_is_that_of_the_formula(bands, error):
    """64 units * (M + n) * sum |H_R| (1 + |R|) + error; n^1.5 / 8 for n beyond 64 bands."""
    norms, reach = np.array([[1.0, 0.5, 0.25], [0.0, 2.0, 1.0]]), np.array([0, 3, -4])
    n = bands if bands <= 64 else bands**1.5 / 8
    wanted = 64 * 2.0**-53 * (3 + n) * np.array([1 + 2 + 1.25, 8 + 5]) + error
    found = slack_of(norms, reach, bands, error)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert (found > wanted).all()
    np.testing.assert_array_equal(
        slack_of(norms, reach, bands, np.array([0.5, 0.0]))[0],
        slack_of(norms, reach, bands, 0.5)[0],
    )


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200, 5e-324, 1e307])
def test_frobenius_norms_are_upper_bounds_of_any_size(scale):
    rng = np.random.default_rng(3)
    a = (rng.normal(size=(4, 3, 3)) + 1j * rng.normal(size=(4, 3, 3))) * scale
    a[0] = a[0].real * (np.arange(9).reshape(3, 3) == 4)
    a[1] = 1j * a[1].imag
    a[2] = 0.0
    for matrix, bound in zip(a, frobenius(a), strict=True):
        square = sum(Fraction(x) ** 2 for z in matrix.ravel() for x in (z.real, z.imag))
        assert Fraction(float(bound)) ** 2 >= square
        if scale > 5e-324:
            assert Fraction(float(bound)) ** 2 <= square * (1 + Fraction(1, 10**9))
    assert SLACK == 64 * 2.0**-53


@given(
    value=st.floats(0.0, 1e300),
    exponent=st.integers(-2200, 2200) | st.integers(-500, 500),
)
def test_products_with_powers_of_two_round_toward_safety(value, exponent):
    exact = Fraction(value) * Fraction(2) ** exponent
    low, high = float(lower_bound(value, exponent)), float(upper_bound(value, exponent))
    assert 0.0 <= low <= LARGEST
    assert Fraction(low) <= exact
    assert math.isinf(high) or Fraction(high) >= exact
    # no further away than the next float
    assert Fraction(np.nextafter(low, np.inf).item()) > exact if low < LARGEST else True
    assert high == 0.0 or Fraction(np.nextafter(high, 0.0).item()) < exact or math.isinf(high)


@pytest.mark.parametrize("value", [2.0**499, 2.0**-499, 3 * 2.0**-501, 2.0**501, 5e-324, LARGEST])
@pytest.mark.parametrize("exponent", [399, 400, 401, -400, -401, -700, 700])
def test_far_values_round_toward_safety(value, exponent):
    test_products_with_powers_of_two_round_toward_safety.hypothesis.inner_test(value, exponent)
