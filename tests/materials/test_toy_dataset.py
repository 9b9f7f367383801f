"""Files of toy materials."""

import h5py
import numpy as np
import pytest

from topophys.datasets.materials_file import read_materials, write_materials
from topophys.errors import DatasetError, InputError, SchemaError
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.certify_chern import certify_chern
from topophys.materials import generate_toys, load_toys
from topophys.materials.toy_dataset import MEANINGS


def test_arrays_are_those_declared(toy_file):
    arrays, card = load_toys(toy_file)
    assert set(arrays) == set(MEANINGS)
    assert {len(a) for a in arrays.values()} == {card["size"]} == {600}
    assert sum(card["counts"].values()) == 600
    assert sum(card["rejected"].values()) + 600 == card["drawn"]
    for name, array in arrays.items():
        assert np.isfinite(array).all(), name


def test_labels_follow_from_the_stored_coefficients(toys):
    rows = np.flatnonzero((toys["evidence"] == 0) & (toys["magnetism"] == 0))[:60]
    cells = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    h = TwoBandHamiltonian({c: toys["d_up"][rows, m] for m, c in enumerate(cells)})
    np.testing.assert_array_equal(certify_chern(h).value, toys["chern"][rows, 0])


def test_content_does_not_depend_on_workers_or_on_other_shards(toy_file, tmp_path):
    generate_toys(tmp_path / "two.h5", 600, seed=5, workers=2, progress=False)
    one, two = read_materials(toy_file), read_materials(tmp_path / "two.h5")
    for name in one[0]:
        np.testing.assert_array_equal(one[0][name], two[0][name])
    assert one[1] == two[1]
    generate_toys(tmp_path / "small.h5", 512, seed=5, progress=False)
    small, _ = read_materials(tmp_path / "small.h5")
    np.testing.assert_array_equal(small["d_up"], one[0]["d_up"][:512])


def test_bands_show_the_gap_that_was_proven(toys):
    # the path is part of the zone: its global gap cannot be smaller than the proven one
    rows = toys["evidence"] == 0
    assert (toys["gap"][rows, 1] >= toys["gap_bound"][rows] - 1e-5).all()


def test_altered_files_are_refused(toy_file, tmp_path):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(toy_file.read_bytes())
    with h5py.File(copy, "r+") as file:
        file["topology"][3] = 2 - file["topology"][3]
        file["topology"][4] = 2 - file["topology"][4]
        file["topology"][5] = 1
        file["topology"][6] = 0
    with pytest.raises(DatasetError, match="digest differs"):
        load_toys(copy)


def test_foreign_and_missing_files(tmp_path):
    with pytest.raises(DatasetError, match="is missing"):
        load_toys(tmp_path / "no.h5")
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(DatasetError, match="cannot be read"):
        load_toys(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(SchemaError, match="no attribute `format`"):
        load_toys(tmp_path / "other.h5")
    write_materials(tmp_path / "list.h5", {"a": np.zeros(2)}, {"a": "zeros"}, {"kind": "list"})
    with pytest.raises(SchemaError, match="toy materials"):
        load_toys(tmp_path / "list.h5")


def test_arrays_without_meaning_are_not_written(tmp_path):
    with pytest.raises(SchemaError, match="one meaning"):
        write_materials(tmp_path / "a.h5", {"a": np.zeros(2)}, {}, {})
    assert not list(tmp_path.iterdir())


def test_sizes_are_checked(tmp_path):
    with pytest.raises(InputError, match="size"):
        generate_toys(tmp_path / "a.h5", 0)
