"""Names that every doctest may use, and compiled kernels that are those of the sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

KERNELS = Path(__file__).parent / "topophys" / "kernels"
#: A plug-in that hides PyTorch when it is imported, also by a search for doctests.
collect_ignore = ["tests/without_torch.py"]


def pytest_configure() -> None:
    """Drop cached machine code older than a kernel source.

    Numba looks at the file of a function only, not at the files of the kernels it calls.
    """
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
