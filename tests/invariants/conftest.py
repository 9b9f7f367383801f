"""One thread for linear algebra."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def one_thread():
    """Small dense problems gain nothing from more, and lose much on a busy machine."""
    with threadpool_limits(1):
        yield
