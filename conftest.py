"""Hypothesis profiles, seeds, names of doctests, and kernels that are those of the sources."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

KERNELS = Path(__file__).parent / "topophys" / "kernels"
#: A plug-in that hides PyTorch when it is imported, also by a search for doctests.
collect_ignore = ["tests/without_torch.py"]
pytest_plugins = ["tests.durations"]

# the same examples in every run, few, since some are proofs that take a tenth of a second each;
# `make test-random` looks for others, twenty times as many, and what fails stays an `@example`
settings.register_profile("same", max_examples=25, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("random", max_examples=500, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
# what commands print does not depend on whether their kernels are compiled yet
os.environ.setdefault("TOPOPHYS_QUIET", "1")


def pytest_configure(config: pytest.Config) -> None:
    """Drop cached machine code older than a kernel source.

    Numba looks at the file of a function only, not at the files of the kernels it calls.
    """
    if hasattr(config, "workerinput"):  # done by the process that started this one
        return
    sources = [path.stat().st_mtime for path in KERNELS.glob("*.py")]
    cached = list((KERNELS / "__pycache__").glob("*.nb?"))
    if cached and max(sources) > min(path.stat().st_mtime for path in cached):
        for path in cached:
            path.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, Any]) -> None:
    # imported late: the shape checks are installed on import, after this file is read
    import topophys  # noqa: PLC0415

    doctest_namespace["np"] = np
    doctest_namespace["tp"] = topophys


@pytest.fixture(autouse=True)
def _annotations_are_checked_again() -> None:
    if "tests.typechecker" in sys.modules:
        sys.modules["tests.typechecker"].again()


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    # layers as small as those of the tests only wait for each other on more; imported here, since
    # the run-time type checks are not in place yet when this file is read
    try:
        import torch  # noqa: PLC0415
    except ImportError:  # tests of the physics need no networks
        return
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    # whatever ran before: a test alone draws what it draws among all
    if torch := sys.modules.get("torch"):
        torch.default_generator.manual_seed(0)  # torch.manual_seed formats the stack each time


@pytest.fixture(scope="session", autouse=True)
def _compiled_kernels() -> None:
    """Compile what tests look at, unless they are asked to look at kernels as Python functions."""
    if "TOPOPHYS_INTERPRET_SECONDS" not in os.environ:
        from topophys.kernels import compile_at_once  # noqa: PLC0415 - after the type checks

        compile_at_once()
