"""The physics is tested where PyTorch is not installed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("kernels", "hamiltonians", "invariants", "ensembles")
ALL = [f"{top}/{part}" for part in PARTS for top in ("tests", "topophys")]
#: A few tests and examples of each kind that need no time.
SOME = ("tests/systems/test_chains.py", "tests/hamiltonians/test_fourier.py",
        "topophys/invariants/winding.py", "topophys/ensembles")  # fmt: skip


def run(*words):
    """pytest in a process in which PyTorch cannot be imported."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # a run within a run reports no coverage of its own
    env = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "PYTEST_"))}
    return subprocess.run(
        [*command, *words], capture_output=True, text=True, check=False, env=env, cwd=ROOT
    )


@pytest.mark.slow
@pytest.mark.process
def test_physics_is_collected_without_torch():
    done = run("-p", "tests.without_torch", "--collect-only", *ALL, "tests/systems")
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("part", [*PARTS, "systems"])
def test_physics_does_not_begin_with_torch(part):
    """The same without a process, for imports that a file begins with."""
    files = sorted((ROOT / "tests" / part).rglob("*.py"))
    assert files
    needs = {"torch", "topophys.learn", "topophys.interpret", "topophys.torch", "topophys.report"}
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for line in tree.body:
            names = [line.module or ""] if isinstance(line, ast.ImportFrom) else []
            names += [x.name for x in line.names] if isinstance(line, ast.Import) else []
            for name in names:
                assert not any(f"{name}.".startswith(f"{x}.") for x in needs), (
                    f"{file.name}:{line.lineno}: {name} needs PyTorch: move the test to tests/learn"
                )


@pytest.mark.process
def test_physics_passes_without_torch():
    done = run("-p", "tests.without_torch", *SOME)
    assert done.returncode == 0, done.stdout[-2000:]
    assert " passed" in done.stdout


@pytest.mark.process
def test_torch_is_really_missing():
    done = run("-p", "tests.without_torch", "tests/learn/test_losses.py")
    assert done.returncode != 0
    assert "import of torch halted" in done.stdout


def test_physics_alone_is_asked_for_by_make():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("PHYSICS :=")]
    assert all(part in line for part in (*PARTS, "tests/systems"))
