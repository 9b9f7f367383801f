"""Data files that are damaged, of another kind, or not what their recipe says."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topophys.datasets import open_dataset
from topophys.errors import DatasetError, SchemaError


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_missing_file_tells_how_to_make_it(tmp_path):
    with pytest.raises(DatasetError, match="does not exist; make it with `topophys generate") as e:
        open_dataset(tmp_path / "none.h5")
    one_line(e)
    with pytest.raises(DatasetError, match="must be a file"):
        open_dataset(tmp_path)


@given(part=st.floats(0.0, 0.999))
def test_a_truncated_file_is_refused(files, tmp_path_factory, part):
    whole = (files / "chern.h5").read_bytes()
    cut = tmp_path_factory.mktemp("cut") / "cut.h5"
    cut.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(DatasetError) as e:
        open_dataset(cut)
    one_line(e)
    shutil.rmtree(cut.parent)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.h5").write_text("not HDF5", encoding="utf-8")
    with pytest.raises(DatasetError, match="but is not HDF5"):
        open_dataset(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["x"] = np.arange(3)
    with pytest.raises(SchemaError, match="is some other HDF5 file"):
        open_dataset(tmp_path / "b.h5")


def _newer(file):
    file.attrs["schema_version"] = 99


def _no_version(file):
    del file.attrs["schema_version"]


def _older(file):
    file.attrs["schema_version"] = 0


def _no_recipe(file):
    del file.attrs["recipe"]


def _bad_recipe(file):
    file.attrs["recipe"] = "seed = -1"


def _larger(file):
    file.attrs["recipe"] = file.attrs["recipe"].decode().replace("size = ", "size = 9")


def _no_split(file):
    del file["train"]


def _no_field(file):
    del file["train/label"]


def _wrong_dtype(file):
    label = file["train/label"][()]
    del file["train/label"]
    file["train/label"] = label.astype(np.float64)


def _chunks(file):
    x = file["train/x"][()]
    del file["train/x"]
    file.create_dataset("train/x", data=x, chunks=(1, *x.shape[1:]))


def _soft_link(file):
    file.move("train/label", "elsewhere")
    file["train/label"] = h5py.SoftLink("/elsewhere")


def _external_link(file):
    del file["train/label"]
    file["train/label"] = h5py.ExternalLink("/etc/passwd", "/x")


def _external_storage(file):
    n = len(file["train/label"])
    del file["train/label"]
    file["train"].create_dataset("label", (n,), "<i8", external=[("/etc/passwd", 0, 8 * n)])


def _group_for_field(file):
    del file["train/label"]
    file.create_group("train/label")


def _vectors(file):
    file["train/hoppings"].attrs["vectors"] = -file["train/hoppings"].attrs["vectors"]


def _split_id(file):
    file["train"].attrs["split_id"] = 1


def _no_drawn(file):
    del file["train"].attrs["drawn"]


def _counts(file):
    file["train"].attrs["rejected"] = np.zeros(2, np.int64)


CHANGES = [
    (_newer, "must have schema version 1 or 2, but has 99; update topophys"),
    (_older, "but has 0; generate it again"),
    (_no_version, "must have the attribute `schema_version`"),
    (_no_recipe, "must have the attribute `recipe`"),
    (_bad_recipe, "must hold a valid recipe"),
    (_larger, "must be <f4"),
    (_no_split, "must have the group `train`"),
    (_no_field, "`/train/label` is missing"),
    (_wrong_dtype, "must be <i8"),
    (_chunks, "must be contiguous and inside the file"),
    (_soft_link, "but is a link"),
    (_external_link, "but is a link"),
    (_external_storage, "must be contiguous and inside the file"),
    (_group_for_field, "but is a group"),
    (_vectors, "must be the lattice vectors of the recipe"),
    (_split_id, "`split_id` of `train` must be"),
    (_no_drawn, "must have the attribute `drawn` of `train`"),
    (_counts, "`rejected` of `train` must have 4"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=lambda c: getattr(c, "__name__", ""))
def test_a_file_that_is_not_what_its_recipe_says_is_refused(copy, change, message):
    with h5py.File(copy, "r+") as file:
        change(file)
    with pytest.raises((SchemaError, DatasetError), match=message) as e:
        open_dataset(copy)
    one_line(e)
