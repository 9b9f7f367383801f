"""A user who is not root, with a home that cannot be written to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = 65534
#: Drops every right but that to read, since Python may lie in a home of root.
SETPRIV = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
    "--bounding-set=-all,+dac_read_search", "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=+dac_read_search",
)  # fmt: skip

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,  # nothing compiled can be kept
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None,
        reason="needs root and setpriv, to become somebody else",
    ),
]


@pytest.fixture
def place():
    """Folders: a home of somebody else, and two of nobody."""
    # those of pytest are closed to others
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    for name in ("home", "out", "tmp"):
        (folder / name).mkdir(mode=0o555 if name == "home" else 0o755)
        if name != "home":
            os.chown(folder / name, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


def test_a_home_that_cannot_be_written_to(place):
    def run(*words):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(place / "home"), "TMPDIR": str(place / "tmp"),
            "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8",
        }  # fmt: skip
        command = [*SETPRIV, sys.executable, "-m", "topophys.cli", *map(str, words), "--quiet"]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True,
                              check=False)  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    recipe = ROOT / "datasets" / "tiny" / "chern.toml"
    code, out, err = run("materials", "predict", "Bi2Se3")
    assert (code, err) == (0, "")
    assert "Bi2Se3: predicted from formula" in out
    code, _, err = run("generate", recipe, "-o", place / "out" / "a.h5")
    assert (code, err) == (0, "")
    code, _, err = run("generate", recipe, "-o", place / "home" / "a.h5")
    assert (code, err.count("\n")) == (2, 1)
    assert "no permission in the folder" in err
    code, _, err = run("train", place / "out" / "a.h5", "-o", place / "home" / "run")
    assert code == 2
    assert "cannot be made: Permission denied" in err.splitlines()[-1]
    assert list((place / "home").iterdir()) == []
