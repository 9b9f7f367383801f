"""Names that every doctest may use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, Any]) -> None:
    # imported late: the shape checks are installed on import, after this file is read
    import topophys  # noqa: PLC0415

    doctest_namespace["np"] = np
    doctest_namespace["tp"] = topophys
