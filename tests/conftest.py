"""Hypothesis profiles; data sets and trainings that many tests look at, each made once."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=60, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("nightly", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    # layers as small as those of the tests only wait for each other on more; imported here, since
    # the run-time type checks are not in place yet when this file is read
    import torch

    torch.set_num_threads(1)


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
