"""Hamiltonians that users bring along become a data set that verifies."""

from __future__ import annotations

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest

import topophys as tp
from topophys.cli import main
from topophys.datasets import generate, label, label_files, open_dataset, schema, verify
from topophys.errors import DatasetError, InputError, KindError, OutputError, ShapeError


def check(path, expected, drawn):
    assert verify(path).ok, verify(path).problems
    with open_dataset(path) as dataset:
        split = dataset.split("all")
        assert split.read("label")[0].tolist() == expected
        assert split.drawn == drawn
        assert "as in the source" not in dataset.recipe.to_toml()
        assert dataset.card()
        return split.hamiltonians(), split.read("seed_key")[0][:, 2].tolist()


def test_chains(tmp_path):
    t2 = np.array([0.2, 1.0, 3.0, -5.0])  # the second has no gap
    block = np.zeros((4, 2, 1, 1))
    block[:, 0, 0, 0], block[:, 1, 0, 0] = 1.0, t2
    np.savez(tmp_path / "a.npz", vectors=[[0], [2]], block=block)
    summary = label(tmp_path / "a.npz", tmp_path / "a.h5", grid=(16,))
    assert summary.rejected["all"]["unresolved"] == 1
    assert summary.sizes == {"all": 3}
    chains, index = check(tmp_path / "a.h5", [0, 2, 2], 4)
    assert index == [0, 2, 3]
    assert np.array_equal(chains.block_amplitudes[:, [2, 4], 0, 0], block[index, :, 0, 0])
    with h5py.File(tmp_path / "a.h5") as file:
        unit = np.asarray(file["all/gap_bound"].attrs["unit"]).astype(str).item()
        assert unit == schema.GIVEN_UNIT


def test_two_bands_from_hdf5_with_a_smallest_gap(tmp_path):
    h = tp.models.qwz(np.array([-1.0, 1.0, 3.0, -1.999]))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["vectors"], file["d"] = h.d_vectors, h.d_amplitudes
        file["notes"] = "ignored"
    summary = label(tmp_path / "a.h5", tmp_path / "b.h5", min_gap=0.1)
    assert summary.rejected["all"]["gap below min_gap"] == 1
    check(tmp_path / "b.h5", [1, -1, 0], 4)


def test_many_bands(tmp_path):
    h = tp.ensembles.class_a(6, n_bands=3, n_occupied=1, rng=2)
    np.savez(tmp_path / "a.npz", vectors=h.vectors, hoppings=h.amplitudes)
    label(tmp_path / "a.npz", tmp_path / "a.h5", n_occupied=1, grid=(6, 6))
    proof = tp.certify_chern(h)
    again, index = check(tmp_path / "a.h5", proof.value[proof.certified].tolist(), 6)
    assert np.allclose(again.amplitudes, h.amplitudes[index])
    assert again.n_occupied == 1


def test_a_folder_of_wannier90(tmp_path):
    folder = tmp_path / "w90"
    folder.mkdir()
    masses = [-1.0, 1.0, 3.0]
    for i, m in enumerate(masses):
        tp.write_wannier90_hr(tp.models.qwz(m), folder / f"{i}_hr.dat")
    label(folder, tmp_path / "a.h5", grid=(8, 8), n_occupied=1)
    check(tmp_path / "a.h5", [1, -1, 0], 3)
    label(folder / "1_hr.dat", tmp_path / "b.h5", n_occupied=1)
    check(tmp_path / "b.h5", [-1], 1)


def test_a_data_set_of_files_names_them_and_says_what_was_left_out(tmp_path):
    folder = mixed(tmp_path)
    summary = label(folder, tmp_path / "a.h5", grid=(8, 8), n_occupied=1)
    assert summary.classes == {"all": {-1: 1, 1: 1}}
    assert "left out: 4 files: 1 x " in repr(summary)
    assert f"names of the files in {tmp_path / 'a.csv'}" in repr(summary)
    check(tmp_path / "a.h5", [1, -1], 2)
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [(row["index"], Path(row["file"]).name, row["value"]) for row in rows[:2]] == [
        ("0", "a_hr.dat", "1"), ("1", "b_hr.dat", "-1")]  # fmt: skip
    reasons = {Path(row["file"]).name: row["reason"] for row in rows if not row["index"]}
    assert set(reasons) == {"broken_hr.dat", "chain_hr.dat", "solid_hr.dat", "wide_hr.dat"}
    assert "truncated" in reasons["broken_hr.dat"]
    assert "1D" in reasons["chain_hr.dat"]
    assert "1 of 4" in reasons["wide_hr.dat"]


def mixed(tmp_path):
    """Files of one, two and three dimensions, of two and four bands, and a broken one."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    tp.write_wannier90_hr(tp.models.qwz(-1.0), folder / "a_hr.dat")
    tp.write_wannier90_hr(tp.models.qwz(1.0), folder / "b_hr.dat")
    tp.write_wannier90_hr(tp.models.bhz(1.0), folder / "wide_hr.dat")
    tp.write_wannier90_hr(tp.models.ssh(1.0, 2.0), folder / "chain_hr.dat")
    layers = {(*R, 0): m for R, m in tp.models.qwz(-1.0).hoppings.items()}
    layers[0, 0, 1] = 0.1 * np.diag([1.0, -1.0])
    tp.write_wannier90_hr(tp.FourierHamiltonian(layers), folder / "solid_hr.dat")
    whole = (folder / "a_hr.dat").read_text()
    (folder / "broken_hr.dat").write_text(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("nothing to label")
    return folder


def test_a_table_holds_files_of_any_dimension_and_stops_at_none(tmp_path):
    table = label(mixed(tmp_path), tmp_path / "a.csv", n_occupied=1)
    rows = {row.path.name: row for row in table.rows}
    values = {name: row.answer.value for name, row in rows.items() if row.answer}
    assert values == {
        "a_hr.dat": "+1", "b_hr.dat": "-1", "chain_hr.dat": "+1", "solid_hr.dat": "(+0, +0, +1)",
        "wide_hr.dat": ""}  # fmt: skip
    assert table.counts == {"certified": 4, "failed": 1, "unresolved": 1}
    assert "truncated" in rows["broken_hr.dat"].reason
    assert "closed gap" in rows["wide_hr.dat"].reason  # one band of a Kramers pair
    written = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [Path(row["file"]).name for row in written] == [row.path.name for row in table.rows]
    assert written[3]["question"].startswith("Winding number of the lowest 1 of 2 bands in 1D")
    assert "6 files: 4 certified, 1 failed, 1 unresolved" in repr(table)


NO_COUNTS = ("one", "1_0", "\u0663", "\u00b2", "1.0", "-1", "9" * 5000)
NO_NUMBERS = ("one", "1_0.5", "\u0663", "nan", "inf", "1e999", "0x10", ".", "1e" + "9" * 5000)


def test_each_file_has_its_own_question(tmp_path):
    folder = mixed(tmp_path)
    (folder / "list.csv").write_text(
        "file,n_occupied,question\nwide_hr.dat,2,z2\na_hr.dat,1,\nb_hr.dat,1,gap\nb_hr.dat,,\n"
    )
    table = label_files(folder / "list.csv")
    assert [row.answer.value if row.answer else "" for row in table.rows] == ["1", "+1", "open", ""]
    assert "-n" in table.rows[3].reason
    for column, word in [
        *(("n_occupied", w) for w in NO_COUNTS),
        *(("fermi_energy", w) for w in NO_NUMBERS),
    ]:
        (folder / "list.csv").write_text(f"file,{column}\na_hr.dat,{word}\n", encoding="utf-8")
        with pytest.raises(InputError, match=f"or nothing as {column} in line 2"):
            label_files(folder / "list.csv")
    (folder / "list.csv").write_text("name\na_hr.dat\n")
    with pytest.raises(InputError, match="columns file, n_occupied"):
        label_files(folder / "list.csv")


def test_patterns_and_names_that_say_nothing(tmp_path):
    folder = mixed(tmp_path)
    table = label_files(str(folder / "[ab]_hr.dat"), n_occupied=1)
    assert [row.path.name for row in table.rows] == ["a_hr.dat", "b_hr.dat"]
    (folder / "b_hr.dat").rename(tmp_path / "hoppings.txt")
    label(tmp_path / "hoppings.txt", tmp_path / "b.h5", n_occupied=1)
    check(tmp_path / "b.h5", [-1], 1)
    with pytest.raises(InputError, match="`n_occupied`"):
        label(tmp_path / "hoppings.txt", tmp_path / "b.h5")
    with pytest.raises(DatasetError, match="does not exist"):
        label_files(str(folder / "nothing*"))


def test_more_than_one_shard(tmp_path):
    n = schema.SHARD_SIZE + 5
    block = np.ones((n, 2, 1, 1))
    block[:, 1, 0, 0] = np.where(np.arange(n) % 2, 3.0, 0.2)
    np.savez(tmp_path / "a.npz", vectors=[[0], [1]], block=block)
    label(tmp_path / "a.npz", tmp_path / "a.h5", grid=(4,))
    check(tmp_path / "a.h5", (np.arange(n) % 2).tolist(), n)


def test_recipe_of_given_hamiltonians_cannot_be_generated(tmp_path):
    np.savez(tmp_path / "a.npz", vectors=[[0]], block=np.ones((2, 1, 1, 1)))
    label(tmp_path / "a.npz", tmp_path / "a.h5")
    with open_dataset(tmp_path / "a.h5") as dataset:
        recipe = dataset.recipe
    with pytest.raises(Exception, match="must name a random family to be drawn"):
        generate(recipe, tmp_path / "b.h5", workers=1, progress=False)
    assert not (tmp_path / "b.h5.partial").exists()


ONE = np.ones((1, 1, 1, 1))
WRONG = [
    ({"vectors": [[0]]}, InputError, "one of block, d, hoppings, but holds vectors"),
    ({"vectors": [[0.5]], "block": ONE}, ShapeError, "must have integers"),
    ({"vectors": [[0], [1]], "block": ONE}, ShapeError, r"shape \(S, 2, ...\)"),
    ({"vectors": [[0, 0]], "block": ONE}, KindError, "must belong to 1D"),
    ({"vectors": [[0]], "hoppings": np.eye(2)[None, None]}, KindError, "must belong to 2D"),
    ({"vectors": [[0, 0]], "hoppings": np.eye(2)[None, None]}, InputError, "option -n"),
    ({"vectors": [[0]], "block": 0 * ONE}, InputError, "none of 1 is"),
    ({"vectors": [[0]], "block": np.nan * ONE}, InputError, "finite"),
    ({"vectors": [[0]], "block": np.array([[[[None]]]], object)}, DatasetError, "cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("arrays", "error", "message"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_labelled_is_refused_in_one_line(tmp_path, arrays, error, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(error, match=message) as caught:
        label(tmp_path / "a.npz", tmp_path / "a.h5")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.h5").exists()


def test_files_that_are_not_there_or_something_else(tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        label(tmp_path / "a.npz", tmp_path / "a.h5")
    (tmp_path / "a.npz").write_text("text")
    with pytest.raises(DatasetError, match="cannot be read"):
        label(tmp_path / "a.npz", tmp_path / "a.h5")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="must hold files"):
        label(tmp_path / "empty", tmp_path / "a.h5")
    np.savez(tmp_path / "b.npz", vectors=[[0]], block=ONE)
    with pytest.raises(OutputError, match="cannot be written"):
        label(tmp_path / "b.npz", tmp_path / "nowhere" / "a.h5")


def test_the_command(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", vectors=[[0]], block=ONE)
    words = ["label", str(tmp_path / "a.npz"), "-o", str(tmp_path / "a.h5"), "--grid", "8"]
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 0
    assert "1 samples" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main([*words[:-1], "8x8"])
    assert caught.value.code == 2


def test_parts_are_made_and_joined_from_the_command_line(tmp_path, capsys, recipes):
    (tmp_path / "r.toml").write_text(recipes["winding"].to_toml())
    assert recipes["winding"].n_shards == 5
    for text, name in (("1/2", "a"), ("2:5", "b")):
        words = ["generate", str(tmp_path / "r.toml"), "-o", str(tmp_path / f"{name}.h5")]
        with pytest.raises(SystemExit) as caught:
            main([*words, "--shards", text, "--quiet"])
        assert caught.value.code == 0
    with pytest.raises(SystemExit) as caught:
        main(["join", str(tmp_path / "a.h5"), str(tmp_path / "b.h5"),
              "-o", str(tmp_path / "all.json"), "--quiet"])  # fmt: skip
    assert caught.value.code == 0
    assert len(open_dataset(tmp_path / "all.json")) == 490
    for bad in ("3", "a:b", "0/2", "3/2", "1/9"):
        with pytest.raises(SystemExit) as caught:
            main([*words, "--shards", bad, "--quiet"])
        assert caught.value.code == 2


def test_what_is_labelled_can_be_split_and_trained_on(tmp_path):
    block = np.ones((90, 2, 1, 1))
    block[:, 1, 0, 0] = np.where(np.arange(90) % 3, 3.0, 0.2)
    np.savez(tmp_path / "a.npz", vectors=[[0], [1]], block=block)
    shares = {"train": 0.6, "val": 0.2, "test": 0.2}
    made = label(tmp_path / "a.npz", tmp_path / "a.h5", grid=(4,), splits=shares)
    assert sum(made.sizes.values()) == 90
    rows = []
    for name, share in shares.items():
        assert abs(made.classes[name][0] - share * 30) <= 1
        assert abs(made.classes[name][1] - share * 60) <= 1
        with open_dataset(tmp_path / "a.h5") as data:
            found, key = data.split(name).read("label", "seed_key")
        np.testing.assert_array_equal(found, (key[:, 2] % 3 > 0).astype(int))
        rows += key[:, 2].tolist()
    assert sorted(rows) == list(range(90))
    assert verify(tmp_path / "a.h5", progress=False).ok


@pytest.mark.parametrize(
    ("splits", "message"),
    [({}, "positive shares"), ({"a": 0.5}, "add up to 1"), ({"a": 1.5, "b": -0.5}, "positive"),
     ({"a": 0.9, "b": 0.05, "c": 0.05}, "leave a Hamiltonian")],
)  # fmt: skip
def test_bad_splits_are_refused(tmp_path, splits, message):
    np.savez(tmp_path / "a.npz", vectors=[[0], [1]], block=np.array([[[[1.0]], [[3.0]]]] * 2))
    with pytest.raises(InputError, match=message):
        label(tmp_path / "a.npz", tmp_path / "a.h5", grid=(4,), splits=splits)
    assert not (tmp_path / "a.h5").exists()


def test_no_file_that_is_read_is_replaced_whatever_names_it(tmp_path):
    lattice = "begin unit_cell_cart\n1 0 0\n0 1 0\n0 0 9\nend unit_cell_cart\n"
    tp.write_wannier90_hr(tp.models.qwz(-1.0), tmp_path / "a_hr.dat")
    (tmp_path / "a.win").write_text(lattice)
    (tmp_path / "list.csv").write_text("file,n_occupied\na_hr.dat,1\n")
    inputs = {p: p.read_bytes() for p in tmp_path.iterdir()}
    (tmp_path / "link_hr.dat").hardlink_to(tmp_path / "a_hr.dat")
    for source in (tmp_path, tmp_path / "a_hr.dat", tmp_path / "list.csv", f"{tmp_path}/*_hr.dat"):
        for name in ("a_hr.dat", "link_hr.dat", "a.win"):
            for make in (label, label_files):
                for force in (False, True):
                    with pytest.raises(OutputError) as error:
                        make(source, tmp_path / name, n_occupied=1, force=force)
                    assert "\n" not in str(error.value)
                    assert not force or "must be another file than the input" in str(error.value)
    assert {p: p.read_bytes() for p in inputs} == inputs
    # the table of names beside a data set, over a list
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a_hr.dat").write_bytes((tmp_path / "a_hr.dat").read_bytes())
    with pytest.raises(OutputError, match="than the input"):
        label(tmp_path / "list.csv", tmp_path / "list.h5", force=True)


def test_tables_replace_tables_only(tmp_path):
    table = label_files(_one_file(tmp_path), n_occupied=1)
    path = tmp_path / "labels.csv"
    path.write_text("mine\n")
    with pytest.raises(OutputError, match="--force"):
        table.to_csv(path)
    table.to_csv(path, force=True)
    table.to_csv(path)
    assert path.read_text().startswith("file,question,")


def _one_file(folder):
    return tp.write_wannier90_hr(tp.models.qwz(-1.0), folder / "a_hr.dat")
