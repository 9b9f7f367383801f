"""Hypothesis profiles; data sets and trainings that many tests look at, each made once."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

# the same examples in every run; new ones are looked for by `make test-random`, and what fails
# there stays as an `@example`
settings.register_profile("same", max_examples=60, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("random", max_examples=500, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    # layers as small as those of the tests only wait for each other on more; imported here, since
    # the run-time type checks are not in place yet when this file is read
    try:
        import torch
    except ImportError:  # tests of the physics need no networks
        return
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _same_draws():
    # whatever ran before: a test alone draws what it draws among all
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


def _made_once(name):
    @pytest.fixture(scope="session", name=name)
    def fixture(tmp_path_factory):
        from tests.integration import artefacts

        return getattr(artefacts, name)(tmp_path_factory)

    return fixture


# one fixture for each function of that name in tests/integration/artefacts.py
ARTEFACTS = (
    "chains_file", "raw_file", "tiny_file", "chern_file", "bands_file",
    "trained", "touched", "demonstrated",
)  # fmt: skip
globals().update({f"_{name}": _made_once(name) for name in ARTEFACTS})
