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


@pytest.fixture(scope="session")
def chains_file(tmp_path_factory):
    from tests.integration import artefacts

    return artefacts.chains_file(tmp_path_factory)


@pytest.fixture(scope="session")
def raw_file(tmp_path_factory):
    from tests.integration import artefacts

    return artefacts.raw_file(tmp_path_factory)


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory):
    from tests.integration import artefacts

    return artefacts.tiny_file(tmp_path_factory)


@pytest.fixture(scope="session")
def chern_file(tmp_path_factory):
    from tests.integration import artefacts

    return artefacts.chern_file(tmp_path_factory)


@pytest.fixture(scope="session")
def bands_file(tmp_path_factory):
    from tests.integration import artefacts

    return artefacts.bands_file(tmp_path_factory)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    from tests.integration import artefacts

    return artefacts.trained(tmp_path_factory)


@pytest.fixture(scope="session")
def touched(tmp_path_factory):
    from tests.integration import artefacts

    return artefacts.touched(tmp_path_factory)


@pytest.fixture(scope="session")
def demonstrated(tmp_path_factory):
    from tests.integration import artefacts

    return artefacts.demonstrated(tmp_path_factory)
