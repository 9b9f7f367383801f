"""Indices and parts that somebody made to do harm."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from topophys.datasets import open_dataset, verify
from topophys.datasets._index import _seal
from topophys.errors import DatasetError, SchemaError

# --- hostile indices


def rewrite(path, change, *, seal=True):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    if seal:
        content["manifest"] = _seal(content)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("name", ["../3.h5", "/etc/passwd", "x/../../3.h5", "link.h5"])
def test_an_index_cannot_name_files_outside_its_folder(home, parts, name):
    (parts / "link.h5").symlink_to(home / "parts" / "3.h5")
    shutil.copy(parts / "3.h5", parts.parent / "3.h5")
    rewrite(parts / "all.json", lambda c: c["parts"][2].update(file=name))
    with pytest.raises(SchemaError, match="must name files in its own folder"):
        open_dataset(parts / "all.json")
    assert "own folder" in verify(parts / "all.json").problems[0]


CHANGES = [
    (lambda c: c.update(format="x"), "made by topophys"),
    (lambda c: c.update(version=2), "must have version 1, but has 2; update topophys"),
    (lambda c: c.update(recipe="seed = -1"), "not what the schema says"),
    (lambda c: c["parts"].pop(1), "name every shard once and in order"),
    (lambda c: c["parts"].reverse(), "name every shard once and in order"),
    (lambda c: c["parts"].clear(), "name every shard once and in order"),
    (lambda c: c["parts"][0].pop("file"), "not what the schema says"),
    (lambda c: c["parts"][0].update(n_bytes="many"), "not what the schema says"),
    (lambda c: c["parts"][0].update(shards=[0]), "not what the schema says"),
    (lambda c: c["parts"][0].update(n_bytes=10**15), "must have 1000000000000000 bytes"),
    (lambda c: c["parts"][0].update(manifest="0" * 64), "not the file that was joined"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=range(len(CHANGES)))
def test_an_index_that_was_forged_is_refused_in_one_line(parts, change, message):
    rewrite(parts / "all.json", change)
    with pytest.raises((SchemaError, DatasetError), match=message) as caught:
        open_dataset(parts / "all.json")
    assert "\n" not in str(caught.value)


def test_an_index_that_was_changed_or_cut(parts):
    rewrite(parts / "all.json", lambda c: c["parts"][0].update(n_bytes=1), seal=False)
    with pytest.raises(DatasetError, match="was changed: its manifest differs"):
        open_dataset(parts / "all.json")
    (parts / "all.json").write_text(
        (parts / "all.json").read_text(encoding="utf-8")[:300], encoding="utf-8"
    )
    with pytest.raises(DatasetError, match="truncated or damaged"):
        open_dataset(parts / "all.json")
    (parts / "all.json").write_text("{" * 100_000, encoding="utf-8")
    with pytest.raises(DatasetError, match="truncated or damaged"):
        open_dataset(parts / "all.json")


# --- hostile files, opened by a process that may not take much memory

OPEN = """
import resource, sys
import topophys.datasets as td, topophys.datasets.layout
from topophys.errors import TopophysError
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 100_000_000,) * 2)
try:
    td.open_dataset(sys.argv[1])
except TopophysError as error:
    print(type(error).__name__, error)
"""


def absurd_shape(file):
    del file["test/label"]
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
    file["test"].create_dataset("label", (2**50,), "<i8", dcpl=plan)


def absurd_recipe(file):
    text = file.attrs["recipe"].decode()
    file.attrs["recipe"] = text.replace("size = 70\n", "size = 9999999999\n")


def virtual_source_outside(file):
    source = h5py.VirtualSource("/etc/passwd", "x", (70,), "<i8")
    layout = h5py.VirtualLayout((70,), "<i8")
    layout[:] = source
    del file["test/label"]
    file.create_virtual_dataset("test/label", layout)


def external_split(file):
    del file["test"]
    file["test"] = h5py.ExternalLink("/etc/passwd", "/")


def huge_text(file):
    file.attrs["recipe"] = "#" * 400_000_000


def huge_array_attribute(file):
    file["test"].attrs["drawn"] = np.zeros(50_000_000)


def huge_unknown_attribute(file):
    file["test/label"].attrs["note"] = "#" * 300_000_000


def huge_shards(file):
    file.attrs["shards"] = np.zeros(30_000_000)


HOSTILE = [absurd_shape, absurd_recipe, virtual_source_outside, external_split, huge_text,
           huge_array_attribute, huge_unknown_attribute, huge_shards]  # fmt: skip


@pytest.mark.process
@pytest.mark.parametrize("attack", HOSTILE, ids=lambda a: a.__name__)
def test_hostile_files_are_refused_before_memory_is_taken(parts, attack):
    with h5py.File(parts / "3.h5", "r+", libver=("v110", "v110")) as file:
        attack(file)
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(parts / "3.h5")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("SchemaError", "DatasetError")), done.stdout
    assert "3.h5" in done.stdout
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.process
def test_an_honest_file_opens_within_that_memory(home):
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(home / "whole.h5")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == ""
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(data=st.data())
def test_any_flipped_bit_of_an_index_is_found(home, tmp_path_factory, data):
    text = bytearray((home / "parts" / "all.json").read_bytes())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= 1 << data.draw(st.integers(0, 7))
    copy = tmp_path_factory.mktemp("flip") / "parts"
    shutil.copytree(home / "parts", copy, copy_function=lambda a, b: Path(b).hardlink_to(a))
    (copy / "all.json").unlink()
    (copy / "all.json").write_bytes(text)
    try:
        with open_dataset(copy / "all.json") as dataset:  # white space may have changed
            assert json.loads(text) == json.loads((home / "parts" / "all.json").read_bytes())
            assert hashlib.sha256(dataset.recipe.to_toml().encode()).hexdigest()
    except (DatasetError, SchemaError):
        return
