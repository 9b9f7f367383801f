"""What is printed of a bound is a bound."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import topophys as tp
from topophys.kernels.rounding import at_least, at_most, frobenius

checker = pytest.importorskip("topophys.checker", reason="needs the extra `checker`")
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(value=FINITE, digits=st.integers(1, 9))
@example(value=5e-324, digits=1)
@example(value=-2.5e-310, digits=3)
def test_texts_enclose_the_number(value, digits):
    low, high = Fraction(at_least(value, digits)), Fraction(at_most(value, digits))
    assert low <= Fraction(value) <= high
    assert high - low <= abs(Fraction(value)) * Fraction(10) ** (1 - digits)
    assert len(re.sub(r"e.*|[-.]", "", at_least(value, digits)).strip("0")) <= digits


@given(value=st.floats(0.0, 1e300))
@example(value=5e-324)
def test_the_checker_rounds_down(value):
    assert Fraction(checker.rounded_down(value)) <= Fraction(value)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_no_digits(value):
    assert at_least(value, 3) == at_most(value, 3) == f"{value:g}"


@given(
    m=st.floats(-3.0, 3.0).filter(lambda m: min(abs(m - x) for x in (-2, 0, 2)) > 0.01),
    kind=st.sampled_from(["direct", "indirect", "chern", "same"]),
)
def test_results_print_bounds_toward_safety(m, kind):
    h = tp.models.qwz(m)
    found = {
        "direct": lambda: tp.certify_gap(h),
        "indirect": lambda: tp.certify_gap(h, kind="indirect"),
        "chern": lambda: tp.certify_chern(h),
        "same": lambda: tp.certify_equivalent(h, h),
    }[kind]()
    low, high = re.search(r"at least (\S+) \(proven\), at most (\S+)", repr(found)).groups()
    assert 0.0 < float(low) <= float(found.gap_lower)
    assert float(high) >= float(found.gap_upper)


@given(exponent=st.integers(-1060, 1020), n=st.integers(1, 4), seed=st.integers(0, 99))
def test_norms_of_any_size(exponent, n, seed):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((3, n, n)) + 1j * rng.standard_normal((3, n, n))
    bound = frobenius(np.ldexp(a.real, exponent) + 1j * np.ldexp(a.imag, exponent))
    true = np.linalg.norm(a, axis=(1, 2))
    if exponent > -1000:
        assert (np.ldexp(bound, -exponent) >= true).all()
        assert (np.ldexp(bound, -exponent) <= true * (1 + 1e-9)).all()
    assert (frobenius(np.zeros((2, n, n), complex)) == 0.0).all()
