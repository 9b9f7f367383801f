"""What is read for use is what was written, or an error; also in workers and in training."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.datasets.conftest import RECIPES
from tests.markers import others_slow
from topophys.datasets import Recipe, generate, open_dataset, schema, verify
from topophys.datasets._store import checksums, piece_rows
from topophys.errors import DatasetError, SchemaError
from topophys.kernels.checksum import checksum_of

WRONG = "are not what was written"


def flip(path, offset, bit=0):
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def place(dataset, split, field):
    return dataset._layouts[0].splits[split].fields[field]


@given(data=st.binary(min_size=1, max_size=300), at=st.integers(0), bit=st.integers(0, 7))
def test_a_checksum_sees_every_bit_and_the_length(data, at, bit):
    changed = bytearray(data)
    changed[at % len(data)] ^= 1 << bit
    assert checksum_of(data) != checksum_of(bytes(changed))
    assert checksum_of(data) != checksum_of(data + b"\0")


@given(words=st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_a_checksum_is_that_of_the_format_page(words):
    prime, total = 0x9E3779B97F4A7C15, 8 * len(words) * 0x9E3779B97F4A7C15
    for i, word in enumerate(words):
        y = word ^ ((i + 1) * prime % 2**64)
        total += (y % 2**32) * (y // 2**32) + y
    assert checksum_of(np.array(words, "<u8").tobytes()) == total % 2**64


@given(rows=st.integers(1, 4000), width=st.integers(1, 70_000))
def test_pieces_are_powers_of_two_that_divide_a_shard(rows, width):
    step = piece_rows(width, schema.SHARD_SIZE)
    assert schema.SHARD_SIZE % step == 0
    assert step == 1 or step * width <= 1 << 18
    if rows * width < 1 << 20:
        assert len(checksums(np.zeros((rows, width), np.uint8), 2048)) == -(-rows // step)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(data=st.data())
def test_a_flipped_bit_is_never_returned(files, tmp_path_factory, data):
    kind = data.draw(st.sampled_from(["winding", "chern"]))
    with open_dataset(files / f"{kind}.h5") as good:
        split = data.draw(st.sampled_from(good.splits))
        field = data.draw(st.sampled_from(good.split(split).fields))
        where, whole = place(good, split, field), good.split(split).read(field)[0]
    bad = tmp_path_factory.mktemp("flip", numbered=True) / "bad.h5"
    shutil.copy(files / f"{kind}.h5", bad)
    byte = data.draw(st.integers(0, whole.nbytes - 1))
    flip(bad, where.offset + byte, data.draw(st.integers(0, 7)))
    row = byte // where.row_bytes
    rows = st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=20)
    fixed = st.sampled_from([slice(row, None), row, slice(None), [row] * 3])
    index = data.draw(rows.map(lambda r: [*r, row]) | fixed)
    with open_dataset(bad) as dataset:
        for _ in range(2):  # the second read is as careful as the first
            with pytest.raises(DatasetError, match=WRONG) as caught:
                dataset.split(split).read(field, index=index)
            assert "\n" not in str(caught.value)
        with pytest.raises(DatasetError, match=WRONG):
            dataset.split(split)[index]
    shutil.rmtree(bad.parent)


def test_pieces_beside_a_damaged_one_are_still_read(tmp_path):
    recipe = Recipe.from_toml(RECIPES / "tiny" / "winding.toml")
    splits = [s.model_copy(update={"size": 700}) for s in recipe.split if s.name == "train"]
    recipe = recipe.model_copy(update={"split": tuple(splits)})
    generate(recipe, tmp_path / "a.h5", progress=False)
    with open_dataset(tmp_path / "a.h5") as dataset:
        x = dataset.split("train").read("x")[0]
        where = place(dataset, "train", "x")
    step = piece_rows(where.row_bytes, schema.SHARD_SIZE)
    assert 1 < step < 350
    flip(tmp_path / "a.h5", where.offset + where.row_bytes * (step + 3))
    with open_dataset(tmp_path / "a.h5") as dataset:
        split = dataset.split("train")
        assert np.array_equal(split.read("x", index=slice(0, step))[0], x[:step])
        some = [0, 2 * step, 699, 5]
        assert np.array_equal(split.read("x", index=some)[0], x[some])
        for index in (slice(step - 1, step + 1), [2 * step - 1], slice(None)):
            with pytest.raises(DatasetError, match=WRONG):
                split.read("x", index=index)


@pytest.mark.parametrize("name", ["winding-1d", "chern-2d"])
def test_files_of_the_first_schema_are_checked_by_their_digests(name, tmp_path):
    path = shutil.copy(RECIPES / "tiny" / f"{name}.h5", tmp_path / "a.h5")
    with open_dataset(path) as dataset:
        first = dataset.splits[0]
        assert int(dataset.attributes["schema_version"]) == 1
        assert np.isfinite(dataset.split(first).read("x")[0]).all()
        where = place(dataset, first, "x")
    flip(path, where.offset + 5)
    with open_dataset(path) as dataset, pytest.raises(DatasetError, match=WRONG):
        dataset.split(first)[0]


@pytest.mark.parametrize("name", ["recipe", "topophys_version", "manifest", "recipe_digest"])
def test_a_flipped_bit_in_an_attribute_is_seen_when_opening(copy, name):
    import h5py

    with h5py.File(copy, "r+") as file:
        value = bytearray(bytes(file.attrs[name]))
        value[3] ^= 1
        file.attrs.modify(name, np.bytes_(bytes(value)))
    with pytest.raises((DatasetError, ValueError)) as caught:
        open_dataset(copy)
    assert "\n" not in str(caught.value)


def test_no_text_has_a_variable_length(path):
    assert b"GCOL" not in path.read_bytes()


def _first(dataset):
    return dataset.split("train").read("x", "label", index=slice(0, 40))


@pytest.fixture
def others(recipes, tmp_path_factory):
    """Two data sets of the same size, and a name."""
    folder = tmp_path_factory.mktemp("others")
    for seed in (11, 12):
        recipe = recipes["winding"].model_copy(update={"seed": seed})
        generate(recipe, folder / f"{seed}.h5", progress=False)
    assert (folder / "11.h5").stat().st_size == (folder / "12.h5").stat().st_size
    return folder / "11.h5", folder / "12.h5", folder / "x.h5"


def test_a_file_that_was_exchanged_is_refused(others):
    a, b, x = others
    shutil.copy(a, x)
    before = open_dataset(x)
    _first(before)
    sent = pickle.dumps(before)
    fresh = shutil.copy(b, x.with_name("fresh"))
    Path(fresh).replace(x)
    for dataset in (before, pickle.loads(sent)):
        with pytest.raises(DatasetError, match="has changed; open it again"):
            _first(dataset)


def test_a_file_that_was_truncated_is_refused(others):
    a, _, x = others
    shutil.copy(a, x)
    dataset = open_dataset(x)
    _first(dataset)
    os.truncate(x, 4096)
    with pytest.raises(DatasetError, match="has changed"):
        _first(dataset)


def test_bytes_changed_under_an_old_date_are_found(others):
    a, _, x = others
    shutil.copy(a, x)
    dataset = open_dataset(x)
    _first(dataset)
    before = x.stat()
    flip(x, place(dataset, "train", "x").offset)
    os.utime(x, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DatasetError, match=WRONG):
        _first(dataset)
    flip(x, place(dataset, "train", "x").offset)
    os.utime(x, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(_first(dataset)[0]) == 40


@pytest.mark.process
@pytest.mark.parametrize("way", ["flipped", "exchanged", "truncated"])
def test_workers_of_a_loader_refuse_as_well(others, way):
    torch = pytest.importorskip("torch")
    a, b, x = others
    shutil.copy(a, x)
    if way == "flipped":
        with open_dataset(x) as dataset:
            flip(x, place(dataset, "train", "label").offset + 1)
    dataset = open_dataset(x)
    if way == "exchanged":
        Path(shutil.copy(b, x.with_name("fresh"))).replace(x)
    if way == "truncated":
        os.truncate(x, 4096)
    for data, size in ((dataset.torch("train", in_memory=False), 64), (
        dataset.torch("train", batch_size=64), None)):  # fmt: skip
        loader = torch.utils.data.DataLoader(data, batch_size=size, num_workers=1)
        with pytest.raises(DatasetError, match=r"changed|not what was written"):
            list(loader)


@pytest.mark.parametrize("in_memory", [True, False])
def test_nothing_is_trained_on_a_flipped_bit(copy, kind, in_memory, tmp_path):
    pytest.importorskip("torch")
    from topophys.learn import FitConfig, fit

    with open_dataset(copy) as dataset:
        where = place(dataset, "train", "label")
    flip(copy, where.offset + 8 * 17 + 1)
    config = FitConfig(epochs=1, in_memory=in_memory)
    with open_dataset(copy) as dataset, pytest.raises(DatasetError, match=WRONG):
        fit(config, dataset, tmp_path / "run", progress=False)
    assert not (tmp_path / "run" / "run.json").exists()


HANG = """
import random, sys, pathlib
from topophys.datasets import open_dataset, verify
from topophys.errors import TopophysError
good, target, seed = pathlib.Path(sys.argv[1]).read_bytes(), pathlib.Path(sys.argv[2]), sys.argv[3]
rng, fields, at = random.Random(seed), [], good.find(b"GCOL")
while at >= 0:
    size, p = int.from_bytes(good[at + 8 : at + 16], "little"), at + 16
    while p + 16 <= at + size:
        fields += [p, p + 2, *range(p + 8, p + 16)]
        n = int.from_bytes(good[p + 8 : p + 16], "little")
        p += n if good[p : p + 2] == bytes(2) else 16 + (n + 7) // 8 * 8
    at = good.find(b"GCOL", at + 1)
for byte in rng.sample(fields, 60):
    data = bytearray(good)
    data[byte] ^= 1 << rng.randrange(8)
    target.write_bytes(data)
    try:
        print(verify(target, recompute=0.0).ok)
        open_dataset(target).close()
    except TopophysError as error:
        assert chr(10) not in str(error)
"""


@pytest.mark.process
@pytest.mark.parametrize("seed", others_slow(range(3), quick=[0]))
def test_no_flipped_bit_in_a_heap_makes_a_reader_hang(tmp_path, seed):
    old = RECIPES / "tiny" / "winding-1d.h5"
    done = subprocess.run(
        [sys.executable, "-c", HANG, str(old), str(tmp_path / "a.h5"), str(seed)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "False" in done.stdout


def many_attributes(file):
    for i in range(300):
        file["test"].attrs.create(f"a{i}", 0, dtype="i1")


def nested_groups(file):
    for _ in range(50):
        file = file.create_group("g")


def many_groups(file):
    for i in range(5000):
        file.create_group(str(i))


@pytest.mark.parametrize("attack", [many_attributes, nested_groups, many_groups])
def test_headers_without_bound_are_refused_before_they_are_read(copy, attack, monkeypatch):
    import h5py

    with h5py.File(copy, "r+", libver=("v110", "v110")) as file:
        attack(file)
    opened = []
    real = h5py.h5a.open
    monkeypatch.setattr(h5py.h5a, "open", lambda *a, **k: opened.append(1) or real(*a, **k))
    with pytest.raises(SchemaError, match=r"must .*at most [0-9]+") as caught:
        open_dataset(copy)
    assert "\n" not in str(caught.value)
    assert len(opened) < 400
    assert not verify(copy, recompute=0.0).ok


def test_pipes_devices_and_links_to_them_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    (tmp_path / "zero.h5").symlink_to("/dev/zero")
    for name in ("pipe.h5", "zero.h5"):
        with pytest.raises(DatasetError, match="must be a file, but is a device or a pipe"):
            open_dataset(tmp_path / name)
