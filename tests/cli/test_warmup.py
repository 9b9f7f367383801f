"""What `topophys warmup` compiles in advance."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import topophys

NOT_COMPILED = """
import importlib, sys
from topophys.cli import tools
from topophys.kernels import compile_at_once
compile_at_once()
for job in tools._jobs().values():
    job()
for name in sys.argv[1:]:
    module, _, function = name.partition(":")
    found = getattr(importlib.import_module(module), function)
    if hasattr(found, "signatures") and not found.signatures:
        print(function)
"""


def called_from_outside():
    """Names `module:function` of what the package imports from its kernels."""
    home = Path(topophys.__file__).parent
    for path in home.rglob("*.py"):
        if path.parent.name != "kernels":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                    "topophys.kernels."
                ):
                    yield from (f"{node.module}:{alias.name}" for alias in node.names)


@pytest.mark.slow
def test_all_kernels_are_compiled():
    names = sorted(set(called_from_outside()))
    assert len(names) > 40
    words = [sys.executable, "-c", NOT_COMPILED, *names]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
