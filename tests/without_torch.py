"""Plug-in of pytest: PyTorch is not there.

python -m pytest -p tests.without_torch tests/invariants
"""

from __future__ import annotations

import sys

for _name in ("torch", "safetensors"):
    assert _name not in sys.modules, f"{_name} was imported before it could be hidden"
    # None makes an import fail; the types of `sys` do not know of it
    sys.modules[_name] = None  # type: ignore[assignment]
