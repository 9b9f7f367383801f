"""Files of toy materials."""

import h5py
import numpy as np
import pytest

from topophys.datasets.materials_file import read_materials, write_materials
from topophys.errors import DatasetError, InputError, SchemaError, ShapeError
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.chern import certify_chern
from topophys.materials import TrainOptions, fit_toys, generate_toys, load_toys
from topophys.materials.synthetic.dataset import MEANINGS, meanings, toy_crystal


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


@pytest.mark.slow
@pytest.mark.process
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


def test_solids_have_their_arrays_and_labels(solid_file):
    arrays, card = load_toys(solid_file)
    assert set(arrays) == set(meanings(3))
    assert {len(a) for a in arrays.values()} == {card["size"]} == {120}
    assert card["dim"] == 3
    assert sum(card["rejected"].values()) + 120 == card["drawn"]
    for name, array in arrays.items():
        assert np.isfinite(array).all(), name
    insulators = arrays["evidence"] == 0
    assert (arrays["gap_bound"][insulators] > 0).all()
    assert (arrays["topology"][~insulators] == 2).all()
    odd = (arrays["z2"] == 1).any(1)
    assert (arrays["topology"][odd] == 1).all()


def test_a_classifier_of_solids_learns_and_predicts(solid_file, tmp_path):
    run = fit_toys(solid_file, tmp_path / "run", TrainOptions(epochs=2), progress=False)
    assert run.net.settings["kspace_node_feature_dim"] == 18
    answer = run.predict(toy_crystal(load_toys(solid_file)[0], 0))
    assert sum(answer.topology.values()) == pytest.approx(1.0)


def test_other_dimensions_are_refused(tmp_path):
    with pytest.raises(InputError, match="`dim` must be 2 or 3"):
        generate_toys(tmp_path / "a.h5", 3, dim=4)


def spoiled(source, target, change):
    """Copy of a file with arrays changed and digests that fit them."""
    arrays, card = read_materials(source)
    arrays = {name: array.copy() for name, array in arrays.items()}
    change(arrays)
    write_materials(target, arrays, {name: meanings(3)[name] for name in arrays}, card)
    return target


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("topology", 9, "`topology` must be one of 3 classes"),
        ("magnetism", -1, "`magnetism` must be one of 3 classes"),
        ("kspace", np.nan, "`kspace` must be finite"),
        ("scalars", np.inf, "`scalars` must be finite"),
        ("fractional", np.nan, "`fractional` must be finite"),
        ("numbers", 0, "at least one atom"),
        ("numbers", 200, "from 1 to 118"),
    ],
)
def test_a_bad_sample_is_named_in_one_line(solid_file, tmp_path, name, value, message):
    def change(arrays):
        arrays[name][7] = value

    with pytest.raises(InputError, match="Sample `toy-7`") as error:
        load_toys(spoiled(solid_file, tmp_path / "bad.h5", change))
    assert message in str(error.value)
    assert "(1 of 120 so)" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_arrays_and_wrong_lengths_are_named(solid_file, tmp_path):
    bad = spoiled(solid_file, tmp_path / "none.h5", lambda arrays: arrays.pop("dos"))
    with pytest.raises(SchemaError, match="array `dos`"):
        load_toys(bad)

    def shorten(arrays):
        arrays["dos"] = arrays["dos"][:, :10]

    bad = spoiled(solid_file, tmp_path / "short.h5", shorten)
    with pytest.raises(ShapeError, match=r"`dos` must have shape \(B, 32\)"):
        fit_toys(bad, tmp_path / "run", TrainOptions(epochs=1), progress=False)
