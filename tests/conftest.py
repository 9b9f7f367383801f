"""Data sets and trainings that many tests look at, each made once."""

from __future__ import annotations

import pytest


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
