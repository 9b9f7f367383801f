"""Data sets in several files: made apart, joined, read as one, checked part by part."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.datasets.parts.conftest import files
from topophys.datasets import Recipe, generate, join, open_dataset, verify
from topophys.datasets._store import Column, Identity, Place, Store, take
from topophys.datasets.shards import ShardRange
from topophys.errors import DatasetError, InputError, SchemaError


def test_portions_cover_every_shard_once(recipe):
    total = recipe.n_shards
    assert total == 6
    every = list(ShardRange.of(recipe).shards())
    assert every == [("train", i) for i in range(4)] + [("test", 0), ("beyond", 0)]
    for a in range(total):
        for b in range(a + 1, total + 1):
            part = ShardRange.of(recipe, (a, b))
            assert list(part.shards()) == every[a:b]
            assert part.n_samples == sum(
                min(2048, recipe.part(s).size - 2048 * n) for s, n in every[a:b]
            )
            assert part.whole == ((a, b) == (0, total))


@pytest.mark.parametrize("shards", [(0, 0), (2, 1), (-1, 2), (0, 7)])
def test_stretches_that_are_not_there(recipe, tmp_path, shards):
    with pytest.raises(InputError, match=r"a stretch a:b with 0 <= a < b <= 6"):
        generate(recipe, tmp_path / "a.h5", shards=shards)


def test_joined_into_one_file_they_are_what_one_run_makes(home, parts):
    summary = join(files(parts), parts / "one.h5", progress=False)
    assert (parts / "one.h5").read_bytes() == (home / "whole.h5").read_bytes()
    assert summary.sizes == {"train": 6194, "test": 70, "beyond": 30}


def test_a_part_alone_is_a_data_set(home):
    with open_dataset(home / "parts" / "3.h5") as part, open_dataset(home / "whole.h5") as whole:
        assert part.splits == ("train", "test", "beyond")
        assert len(part.split("train")) == 50
        for name in part.splits:
            for field, array in part.split(name)[:].items():
                assert np.array_equal(array, whole.split(name).read(field)[0][-len(array) :])
    assert verify(home / "parts" / "3.h5").ok
    assert verify(home / "parts" / "2.h5").ok


INDICES = [
    0, -1, 4096, 6193, np.int64(4095), slice(None), slice(4000, 4200), slice(4100, 6150),
    slice(None, None, -7), slice(5, 5), slice(9, 3), slice(-60, None, 2), [4096, 0, -1, 6193],
    [], np.array([[1, 5000], [2, 6190]]), np.arange(6194) % 5 == 0,
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=lambda i: str(i)[:20])
def test_an_index_reads_like_the_whole_file(home, index):
    index = np.asarray(index, np.int64) if isinstance(index, list) and not index else index
    with open_dataset(home / "parts" / "all.json") as a, open_dataset(home / "whole.h5") as b:
        for field, array in a.split("train")[index].items():
            assert np.array_equal(array, b.split("train")[index][field])
            assert array.flags.owndata or array.ndim == 0
        assert len(a) == len(b)
        assert a.splits == b.splits
        assert a.split("train").classes == b.split("train").classes
        assert a.split("train").shape("x") == b.split("train").shape("x")
        assert a.split("train").rejected == b.split("train").rejected
        assert np.array_equal(a.split("train").view("label"), b.split("train").view("label"))


def columns(folder, parts):
    """Each array in a file of its own."""
    for number, part in enumerate(parts):
        file = folder / f"{number}.bin"
        file.write_bytes(part.tobytes())
        place = Place(0, part.shape, part.dtype.str)
        yield Column(Store(file, Identity.of(file.stat())), place, None)


@given(st.data())
def test_pieces_index_like_one_array(tmp_path_factory, data):
    whole = np.arange(20).reshape(10, 2)
    cuts = sorted(data.draw(st.lists(st.integers(0, 10), max_size=3)))
    views = list(columns(tmp_path_factory.mktemp("columns"), np.split(whole, cuts)))
    edge = st.none() | st.integers(-12, 12)
    index = data.draw(
        st.builds(slice, edge, edge, st.none() | st.sampled_from([-3, -1, 1, 2]))
        | st.integers(-10, 9)
        | st.lists(st.integers(-10, 9)).map(lambda i: np.array(i, np.int64))
        | st.lists(st.booleans(), min_size=10, max_size=10).map(np.array)
    )
    assert np.array_equal(take(views, index), whole[index])


@pytest.mark.parametrize("index", [10, -11, [3, 10], 0.5, [True]])
def test_pieces_refuse_what_is_not_there(index, tmp_path):
    with pytest.raises(IndexError):
        take(list(columns(tmp_path, [np.arange(6), np.arange(4)])), index)


def test_a_joined_data_set_has_a_card_and_the_same_content(home):
    with open_dataset(home / "parts" / "all.json") as dataset:
        assert "6294 in 3 splits" in dataset.card()
        assert len(dataset[4000:4200]["label"]) == 200
        assert dataset.attributes["manifest"] in (home / "parts" / "all.json").read_text(
            encoding="utf-8"
        )


def test_verify_goes_through_all_parts(home):
    report = verify(home / "parts" / "all.json", recompute=0.01)
    assert report.ok
    assert report.checked["parts"] == 3
    assert report.checked["finite x"] == 6294


# --- damage, by name


def missing(file):
    file.unlink()


def truncated(file):
    file.write_bytes(file.read_bytes()[:-7])


def altered(file):
    with open_dataset(file) as dataset:
        place = dataset._layouts[0].splits["train"].fields["hoppings"]
    data = bytearray(file.read_bytes())
    data[place.offset + 100] ^= 4
    file.write_bytes(data)


def foreign(file):
    size = file.stat().st_size
    file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(size - 8))


def other(file):
    other = file.with_name("0.h5")
    data = other.read_bytes()[: file.stat().st_size]
    file.write_bytes(data + bytes(file.stat().st_size - len(data)))


@pytest.mark.parametrize(
    ("damage", "message"),
    [(missing, "3.h5` with shards 3:6 is missing"), (truncated, "3.h5` must have"),
     (altered, "3.h5: train: sha256 of hoppings, shards: wrong for 1 (index 3)"),
     (foreign, "3.h5"), (other, "3.h5")],
    ids=lambda d: getattr(d, "__name__", ""),
)  # fmt: skip
def test_a_damaged_part_is_named_and_the_others_are_still_checked(parts, damage, message):
    damage(parts / "3.h5")
    report = verify(parts / "all.json", recompute=0.0)
    assert not report.ok
    assert any(message in problem for problem in report.problems), report.problems
    assert all("3.h5" in problem for problem in report.problems)
    assert report.checked["sha256 of a shard"] >= 3 * 7
    if damage is not altered:
        with pytest.raises((DatasetError, SchemaError), match=r"3\.h5"):
            open_dataset(parts / "all.json")
    with pytest.raises((DatasetError, SchemaError, InputError), match=r"3\.h5|3:6 are missing"):
        join(files(parts), parts / "again.json", progress=False)
    assert not (parts / "again.json").exists()


def test_shards_that_are_missing_or_there_twice(recipe, parts):
    every = files(parts)
    with pytest.raises(InputError, match=r"but 2:3 are missing before .*--shards 2:3"):
        join([every[0], every[2]], parts / "a.json")
    with pytest.raises(InputError, match="but 3:6 are missing before the end"):
        join(every[:2], parts / "a.h5")
    generate(recipe, parts / "twice.h5", shards=(1, 3), workers=1, progress=False)
    with pytest.raises(InputError, match="1:2 are there twice"):
        join(files(parts), parts / "a.json")
    with pytest.raises(InputError, match="at least one file"):
        join([], parts / "a.json")


def test_parts_of_different_recipes_and_versions(recipe, parts, monkeypatch):
    changed = Recipe.from_text(recipe.to_toml().replace("seed = 21", "seed = 22"))
    (parts / "3.h5").unlink()
    generate(changed, parts / "3.h5", shards=(3, 6), workers=1, progress=False)
    with pytest.raises(InputError, match=r"must be of one data set, but .* has recipe_digest"):
        join(files(parts), parts / "a.json")
    with pytest.raises(DatasetError, match=r"3.h5` is not the file that was joined|must have"):
        open_dataset(parts / "all.json")


def test_parts_of_another_version_make_an_index_but_no_file(parts, monkeypatch):
    monkeypatch.setattr(sys.modules["topophys.datasets.generation"], "__version__", "9.9")
    with pytest.raises(InputError, match=r"present topophys_version, 9.9.*make an index"):
        join(files(parts), parts / "a.h5", progress=False)
    join(files(parts), parts / "a.json", progress=False)
    assert open_dataset(parts / "a.json")


def test_parts_outside_the_folder_of_the_index(parts, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(InputError, match="in or below the folder of the index"):
        join(files(parts), tmp_path / "elsewhere" / "a.json", progress=False)
    join(files(parts), tmp_path / "above.json", progress=False)
    assert len(open_dataset(tmp_path / "above.json")) == 6294
