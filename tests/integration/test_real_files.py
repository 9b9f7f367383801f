"""Inputs after public reports: the right answer, or one line that says what is wrong."""

import importlib.util

import pytest

from topophys.testing.real_files import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases_after_public_reports(case, tmp_path):
    # readers that exist with an extra alone; all others are tried everywhere
    if case.needs and importlib.util.find_spec(case.needs) is None:
        pytest.skip(f"needs {case.needs}")
    outcome = case.outcome(tmp_path)
    assert case.wanted in outcome
    assert "\n" not in outcome
