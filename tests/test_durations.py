"""Marks from measured times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import durations

ROOT = Path(__file__).parents[1]
CASES = """
import pytest
def test_short(): sum(range(10))
def test_long(): work(0.15)
@pytest.mark.always
def test_only_one(): work(1.1)
def test_heavy(): work(1.1)
def work(seconds):
    import time
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""


@pytest.mark.process
def test_what_was_recorded_decides(tmp_path):
    (tmp_path / "durations.py").write_text(Path(durations.__file__).read_text(encoding="utf-8"))
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["durations"]\n')
    (tmp_path / "test_cases.py").write_text(CASES)
    marks = "\n".join(f"  {name}: x" for name in ("always", "heavy", "long"))
    (tmp_path / "pytest.ini").write_text(
        f"[pytest]\npythonpath = .\ntestpaths = .\nmarkers =\n{marks}\n"
    )

    def passed(*words):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-n", "0", *words],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if " PASSED" in line]
        return {line.partition("::")[2].split()[0] for line in lines}

    names = {"test_short", "test_long", "test_only_one", "test_heavy"}
    assert passed("-m", "not heavy and not long") == names  # nothing is known yet
    assert passed("--record-durations") == names
    recorded = json.loads((tmp_path / "durations.json").read_text(encoding="utf-8"))
    assert recorded.keys() == {f"test_cases.py::{name}" for name in names - {"test_short"}}
    assert passed("-m", "not heavy") == names - {"test_heavy"}
    assert passed("--record-durations", "test_cases.py::test_short") == {"test_short"}
    assert passed("-m", "not long") == {"test_short"}
    assert passed("--record-durations", "-m", "not heavy") == names
