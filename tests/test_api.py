"""The public interface as a whole: one word for one thing, and no traps."""

from __future__ import annotations

import subprocess
import sys

import pytest

import topophys as tp

HEAVY = ("numpy", "numba", "scipy", "torch", "h5py", "matplotlib")
PACKAGES = (
    "datasets", "ensembles", "errors", "interpret", "learn", "materials", "models", "plots",
    "report",
)  # fmt: skip


def fresh(code):
    """Run code in a new interpreter; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.process
def test_import_loads_nothing_heavy():
    code = "import sys, topophys; print([m for m in {heavy} if m in sys.modules])"
    assert fresh(code.format(heavy=HEAVY)) == "[]"


@pytest.mark.process
@pytest.mark.parametrize("name", PACKAGES)
def test_every_subpackage_is_an_attribute_after_a_bare_import(name):
    code = f"import topophys as tp; print('{name}' in vars(tp), tp.{name}.__name__)"
    assert fresh(code) == f"False topophys.{name}"


@pytest.mark.process
def test_star_import_loads_no_network_library():
    code = "from topophys import *; import sys; print('torch' in sys.modules, 'learn' in globals())"
    assert fresh(code) == "False False"


def test_names_complete_with_tab():
    assert {*tp.__all__, *PACKAGES} <= set(dir(tp))


def test_models_import_by_name():
    from topophys.models import ssh

    assert ssh is tp.models.ssh
