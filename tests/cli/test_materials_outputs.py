"""`-o` of `topophys materials` never replaces what is read, nor what topophys did not make."""

import os
import random
import shutil

import pytest

from tests.cli.test_materials_commands import TABLE
from topophys.testing.hardening.readers.materials import POSCAR

FOREIGN = {"notes.txt": b"my notes\n", "data.npz": b"PK\x03\x04 nothing", "own.csv": b"a,b\n1,2\n"}


@pytest.fixture
def place(tmp_path):
    """A folder with inputs of every kind."""
    (tmp_path / "t.csv").write_text("formula,class,file\nNaCl,a,\n,b,structures/POSCAR\n")
    for name, content in FOREIGN.items():
        (tmp_path / name).write_bytes(content)
    folder = tmp_path / "structures"
    folder.mkdir()
    (folder / "POSCAR").write_text(POSCAR)
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "t_ccmp.txt").write_text("225, NaCl\n")
    return tmp_path


def content(place):
    return {p.relative_to(place): p.read_bytes() for p in place.rglob("*") if p.is_file()}


def refused(program, place, words):
    before = content(place)
    code, out, err = program("materials", *words, "--quiet")
    assert (code, out, err.count("\n")) == (2, "", 1), words
    assert "Output `" in err
    assert content(place) == before, words


def test_no_command_writes_over_what_it_reads(program, place):
    inputs = {
        "predict": {
            "t.csv": ["t.csv"], "structures": ["structures/POSCAR"],
            "structures/POSCAR": ["structures/POSCAR"],
            "t.csv --structure file": ["structures/POSCAR", "t.csv"],
        },
        "doubt": {"t.csv": ["t.csv"], "t.csv u.csv": ["u.csv"], "lists": ["lists/t_ccmp.txt"],
                  "lists t.csv": ["t.csv", "lists/t_ccmp.txt"]},
        "train": {"t.csv": ["t.csv"], "lists --trees": ["lists/t_ccmp.txt"],
                  "t.csv --structure file": ["structures/POSCAR"],
                  "lists --structures own.csv": ["own.csv"]},
    }  # fmt: skip
    shutil.copy(place / "t.csv", place / "u.csv")
    rng = random.Random(0)
    for command, cases in inputs.items():
        for given, outputs in cases.items():
            words = [place / w if (place / w).exists() else w for w in given.split()]
            if given.endswith(".csv --structure file"):
                words[-1] = "file"
            for output in outputs:
                name = place / output
                if command == "train":
                    name = place / "model.npz"
                if command == "train" or rng.random() < 0.5:
                    name = place / ("model.npz" if command == "train" else "other-name.csv")
                    os.link(place / output, name)
                force = ["--force"] if rng.random() < 0.7 else []
                refused(program, place, [command, *words, "-o", name, *force])
                if name != place / output:
                    name.unlink()


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("command", ["predict", "doubt", "train"])
def test_foreign_files_are_replaced_with_force_only(program, place, name, command):
    if command == "train" and not name.endswith(".npz"):
        name = "data.npz"
    refused(program, place, [command, place / "t.csv", "-o", place / name])


@pytest.mark.slow
def test_tables_of_answers_are_replaced_and_foreign_ones_with_force(program, place):
    for name in ("own.csv", "new.csv", "new.csv"):
        words = ["materials", "predict", "NaCl", "-o", place / name, "--quiet"]
        code, out, _ = program(*words, *(["--force"] if name == "own.csv" else []))
        assert (code, out.split(" ")[0]) == (0, "1")
        assert (place / name).read_text().startswith("name,formula,space_group,view,")
    # a table of answers has formulas too: read and written at once it would be lost
    refused(program, place, ["predict", place / "new.csv", "-o", place / "new.csv"])


def test_tables_of_doubted_labels_are_replaced(program, tmp_path):
    pytest.importorskip("lightgbm", reason="needs the extra `materials`")
    (tmp_path / "t.csv").write_text(TABLE)
    words = ("materials", "doubt", tmp_path / "t.csv", "-o", tmp_path / "r.csv", "--quiet")
    first = [program(*words)[0], (tmp_path / "r.csv").read_bytes()]
    assert first == [program(*words)[0], (tmp_path / "r.csv").read_bytes()]
    assert first[0] == 0


def test_models_are_replaced_by_models_only(program, tmp_path):
    pytest.importorskip("lightgbm", reason="needs the extra `materials`")
    from topophys.errors import OutputError
    from topophys.materials import MaterialsModel

    model = MaterialsModel(n_trees=2, group_by="none").fit(
        [f"{m}{i}O" for m in ("Na", "K", "Ca") for i in (1, 2, 3)], ["a", "b", "a"] * 3
    )
    target = model.save(tmp_path / "m.npz")
    model.save(target)
    for name, foreign in FOREIGN.items():
        path = tmp_path / name
        path.write_bytes(foreign)
        with pytest.raises(OutputError, match="--force"):
            model.save(path)
        assert path.read_bytes() == foreign
        model.save(path, force=True)
        assert MaterialsModel.load(path).tasks_.keys() == model.tasks_.keys()
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(OutputError, match="pipe"):
        model.save(tmp_path / "pipe.npz", force=True)


@pytest.mark.parametrize("command", ["predict", "doubt", "train"])
def test_a_missing_folder_is_named_before_the_work(program, tmp_path, command):
    table = tmp_path / "t.csv"
    table.write_text("formula,class\nNaCl,a\nKCl,b\n")
    suffix = "npz" if command == "train" else "csv"
    output = tmp_path / "none" / f"x.{suffix}"
    code, out, err = program("materials", command, table, "-o", output, "--quiet")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"no folder `{tmp_path / 'none'}`" in err


def test_many_bad_entries_are_counted(program, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("formula\nNaCl\n" + "Zz9\n" * 50)
    code, out, err = program("materials", "predict", table, "--quiet")
    assert (code, "NaCl" in out) == (1, True)
    assert err.count("\n") == 21
    assert "30 more entries" in err


def test_members_are_averaged(program, tmp_path):
    pytest.importorskip("lightgbm")
    from topophys.materials import MaterialsModel

    (tmp_path / "t.csv").write_text(TABLE)
    words = ["materials", "train", tmp_path / "t.csv", "--quiet", "--members"]
    for members in ("1", "2"):
        code, _, _ = program(*words, members, "-o", tmp_path / f"{members}.npz")
        assert code == 0
    one, two = (MaterialsModel.load(tmp_path / f"{n}.npz") for n in "12")
    assert two.get_params()["n_members"] == 2
    sizes = [len(m.tasks_["class"].trees["formula"].roots) for m in (one, two)]
    assert sizes[1] == 2 * sizes[0]
    code, _, err = program(*words, "0", "-o", tmp_path / "0.npz")
    assert (code, err.count("\n")) == (2, 1)
    assert "n_members" in err
