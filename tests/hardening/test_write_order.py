"""The order in which files reach the disk: content, then name, then the folder; power may fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from topophys._io import complete_file, write_json, write_text

ROOT = Path(__file__).parents[2]


@pytest.fixture
def events(monkeypatch):
    """Synchronisations and renamings, in order, by number of the file."""
    seen = []
    fsync, replace = os.fsync, Path.replace

    def synchronised(handle):
        fsync(handle)
        seen.append(("fsync", os.fstat(handle).st_ino))

    def renamed(self, target):
        seen.append(("rename", self.stat().st_ino, Path(target).parent.stat().st_ino, str(target)))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synchronised)
    monkeypatch.setattr(Path, "replace", renamed)
    return seen


def check(events, names):
    """Raise unless each renamed file was synchronised before, and its folder after."""
    found = set()
    for place, (kind, *rest) in enumerate(events):
        if kind == "rename":
            number, folder, target = rest
            assert ("fsync", number) in events[:place], target
            assert ("fsync", folder) in events[place:], target
            found.add(Path(target).name)
    assert set(names) <= found


def test_texts_and_arrays(events, tmp_path):
    write_text(tmp_path / "a.txt", "a")
    write_json(tmp_path / "a.json", {})
    with complete_file(tmp_path / "a.bin") as partial:
        partial.write_bytes(b"x" * 100)
    check(events, ["a.txt", "a.json", "a.bin"])
    # nothing is renamed before the first synchronisation
    assert events[0][0] == "fsync"


def test_data_sets_and_their_indices(events, tmp_path):
    from topophys.datasets import Recipe, generate, join

    recipe = Recipe.from_toml(ROOT / "datasets" / "tiny" / "chern.toml")
    parts = [tmp_path / f"{number}.h5" for number in range(2)]
    for number, part in enumerate(parts):
        shards = (number, number + 1 if number == 0 else recipe.n_shards)
        generate(recipe, part, shards=shards, workers=1, progress=False)
    for name in ("all.json", "all.h5"):
        join(parts, tmp_path / name, progress=False)
    check(events, ["0.h5", "1.h5", "all.json", "all.h5"])


def test_runs_of_networks(events, tiny_file, tmp_path):
    from tests.integration.artefacts import TOUCHES
    from topophys.datasets import open_dataset
    from topophys.learn import fit

    with open_dataset(tiny_file) as data:
        fit(TOUCHES, data, tmp_path / "run", progress=False)
    check(events, ["best.safetensors", "best.json", "state.safetensors", "run.json", "README.md"])
    # run.json names its weights: they are there before it
    order = [event[3] for event in events if event[0] == "rename"]
    last = {name: max(i for i, one in enumerate(order) if one.endswith(name))
            for name in ("best.safetensors", "last.safetensors", "run.json")}  # fmt: skip
    assert last["run.json"] == max(last.values())


#: Writes of every kind, traced from outside: HDF5 writes in C.
PROGRAM = """
import sys
from pathlib import Path
from topophys._io import write_text
from topophys.datasets import Recipe, generate
folder = Path(sys.argv[1])
write_text(folder / "a.txt", "a")
recipe = Recipe.from_toml(sys.argv[2])
generate(recipe, folder / "a.h5", workers=1, progress=False)
"""


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_no_byte_is_written_between_synchronisation_and_renaming(tmp_path):
    trace, out = tmp_path / "trace", tmp_path / "out"
    out.mkdir()
    calls = "openat,write,pwrite64,writev,pwritev,ftruncate,fallocate,fsync,fdatasync,rename,close"
    done = subprocess.run(
        ["strace", "-f", "-y", "-e", f"trace={calls}", "-o", trace, sys.executable, "-c", PROGRAM,
         out, ROOT / "datasets" / "tiny" / "chern.toml"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    # the kernel may forbid tracing, as in many containers; the traced calls are tested anyway
    if "ptrace" in done.stderr.lower():
        pytest.skip("this machine lets nobody trace")
    assert done.returncode == 0, done.stderr[-2000:]
    lines = trace.read_text(errors="replace").splitlines()
    renamed = 0
    for place, line in enumerate(lines):
        found = re.search(r'rename\("([^"]+)", "([^"]+)"\) = 0', line)
        if not found or not found[2].startswith(str(out)) or "journal" in found[2]:
            continue
        renamed += 1
        before = [one for one in lines[:place] if f"<{found[1]}>" in one and "close(" not in one]
        assert re.search(r"f(data)?sync\(", before[-1]), before[-3:]
        folder = f"<{Path(found[2]).parent}>"
        assert any("fsync(" in one and folder in one for one in lines[place:]), found[2]
    assert renamed == 2
