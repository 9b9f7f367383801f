"""Reading structures, training from files, prediction, and what is said of bad input."""

import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.materials.test_crystal import ROCK_SALT
from tests.materials.test_lists import CLASSES, write_lists
from topophys.errors import CheckpointError, DatasetError, InputError, OutputError
from topophys.materials import (
    TrainOptions,
    fit_lists,
    fit_toys,
    load_material_run,
    read_jarvis,
    read_structure,
    report,
    save_material_run,
)
from topophys.testing.hardening.readers.materials import POSCAR

pytest.importorskip("pymatgen.core", reason="needs the extra `materials`")


@pytest.fixture
def poscar(tmp_path):
    path = tmp_path / "POSCAR"
    path.write_text(POSCAR)
    return path


@pytest.fixture(scope="module")
def toy_run(toy_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    fit_toys(toy_file, folder, TrainOptions(epochs=2, batch_size=64), progress=False)
    return folder


def test_poscar_and_cif_give_the_same_crystal(poscar, tmp_path):
    from pymatgen.core import Structure

    one = read_structure(poscar)
    assert sorted(one.numbers.tolist()) == [11, 17]
    Structure.from_file(poscar).to(filename=str(tmp_path / "a.cif"))
    two = read_structure(tmp_path / "a.cif")
    # a CIF may list the conventional cell: the same atoms in the same volume
    ratio = len(two) // len(one)
    np.testing.assert_array_equal(np.unique(two.numbers), np.unique(one.numbers))
    volumes = [abs(np.linalg.det(c.lattice)) / len(c) for c in (one, two)]
    assert volumes[0] == pytest.approx(volumes[1], rel=1e-4)
    assert ratio >= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Na Cl", "Na Xx"), "chemical symbol"),
        (("0.5 0.5 0.5", "0.0 0.0 0.01"), "must not overlap"),
        (("1 1\n", "1 x\n"), "2 numbers of atoms"),
        (("2.82 2.82 0.0", "2.82 0.0 2.82"), "volume"),
        (("0.5 0.5 0.5", "nan 0.5 0.5"), "finite"),
        (("2.82 2.82 0.0", "2.82 inf 0.0"), "finite"),
        (("1 1\n", "0 0\n"), "2 numbers of atoms"),
        (("1 1\n", f"1 {'0' * 5000}1\n"), "2 numbers of atoms"),
        (("1 1\n", "1 \u0661\n"), "2 numbers of atoms"),
        (("1 1\n", "1 3\n"), "end of the file"),
    ],
)
def test_bad_poscars_are_named(poscar, change, message):
    poscar.write_text(POSCAR.replace(*change))
    with pytest.raises(InputError, match="Sample `POSCAR`") as error:
        read_structure(poscar)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_partly_occupied_sites_are_refused(tmp_path):
    from pymatgen.core import Lattice, Structure

    alloy = Structure(Lattice.cubic(3.0), [{"Fe": 0.5, "Co": 0.5}], [[0, 0, 0]])
    alloy.to(filename=str(tmp_path / "a.cif"))
    with pytest.raises(InputError, match="partly occupied"):
        read_structure(tmp_path / "a.cif")


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        read_structure(tmp_path / "no.cif")
    (tmp_path / "empty.cif").write_text("")
    with pytest.raises(InputError, match=r"Structure file `.*empty\.cif` is empty"):
        read_structure(tmp_path / "empty.cif")


def test_jarvis_files(tmp_path):
    atoms = {
        "lattice_mat": ROCK_SALT.lattice.tolist(), "coords": ROCK_SALT.fractional.tolist(),
        "elements": ["Na", "Cl"],
    }  # fmt: skip
    path = tmp_path / "j.json"
    path.write_text(json.dumps({"train": {"JVASP-1": POSCAR.replace("\n", "\\n")}}))
    assert list(read_jarvis(path)) == ["JVASP-1"]
    path.write_text(json.dumps([{"jid": "JVASP-2", "atoms": atoms}]))
    np.testing.assert_allclose(read_jarvis(path)["JVASP-2"].lattice, ROCK_SALT.lattice)
    path.write_text(json.dumps([{"jid": "JVASP-3", "atoms": {**atoms, "elements": ["Na", "Q"]}}]))
    with pytest.raises(InputError, match="Sample `JVASP-3`"):
        read_jarvis(path)
    path.write_text(json.dumps({"JVASP-4": 5}))
    with pytest.raises(InputError, match="Sample `JVASP-4`"):
        read_jarvis(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_jarvis(tmp_path / "no.json")


def test_saved_run_is_loaded_and_predicts(toy_run, poscar):
    run = load_material_run(toy_run)
    answer = run.predict(read_structure(poscar))
    assert set(answer.topology) == {"trivial", "topological insulator", "semimetal"}
    assert sum(answer.topology.values()) == pytest.approx(1.0)
    assert sum(answer.magnetism.values()) == pytest.approx(1.0)
    assert answer.present == ("crystal", "asph", "scalar")
    assert "missing    kspace, physics" in str(answer)
    again = load_material_run(toy_run).predict(read_structure(poscar))
    assert again.topology == answer.topology
    assert "recall" in report(run)


def test_a_prediction_is_the_same_for_a_supercell(toy_run):
    from tests.materials.test_crystal import supercell

    run = load_material_run(toy_run)
    one, two = run.predict(ROCK_SALT), run.predict(supercell(ROCK_SALT))
    for name, chance in one.topology.items():
        assert two.topology[name] == pytest.approx(chance, abs=1e-3)


def test_lists_and_structures(tmp_path, monkeypatch):
    first = [
        f"225, {a}1{b}1" for a in ("Na", "K", "Rb", "Li", "Cs") for b in ("Cl", "Br", "I", "F")
    ]
    second = [f"166, {a}2{b}3" for a in ("Bi", "Sb", "As") for b in ("Te", "Se", "S")]
    write_lists(tmp_path, first, second)
    (tmp_path / "case3_ccmp.txt").write_text("194, Mg1Zn1")
    (tmp_path / "tci_ccmp.txt").write_text("187, Ti1Zn1")
    options = TrainOptions(epochs=15, batch_size=16)
    run = fit_lists(
        tmp_path, tmp_path / "run", options, structures={"a": ROCK_SALT}, progress=False
    )
    assert run.card["structures"]["matched"] == 1
    answer = run.predict(ROCK_SALT)
    assert max(answer.topology, key=answer.topology.get) == "trivial"
    assert answer.magnetism == {}
    assert CLASSES["ti"] in answer.topology


def test_altered_and_foreign_runs(toy_run, tmp_path):
    for name in ("run.json", "classifier.safetensors"):
        (tmp_path / name).write_bytes((toy_run / name).read_bytes())
    (tmp_path / "classifier.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="digest differs"):
        load_material_run(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(CheckpointError, match="version 2"):
        load_material_run(tmp_path)
    with pytest.raises(CheckpointError, match="cannot be"):
        load_material_run(tmp_path / "no")


def test_no_flipped_bit_of_a_run_is_read(toy_run, tmp_path):
    rng = random.Random(7)
    for case in range(60):
        copy = shutil.copytree(toy_run, tmp_path / str(case))
        path = copy / rng.choice(["run.json", "classifier.safetensors"])
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        with pytest.raises(CheckpointError) as error:
            load_material_run(copy)
        assert "\n" not in str(error.value)


def as_first_version(folder):
    card = json.loads((folder / "run.json").read_text())
    card |= {"version": 1, "sha256": card["weights"]}
    del card["weights"], card["file"]
    (folder / "run.json").write_text(json.dumps(card))


def test_runs_of_the_first_version_are_read_and_replaced(toy_run, tmp_path):
    copy = shutil.copytree(toy_run, tmp_path / "copy")
    as_first_version(copy)
    run = load_material_run(copy)
    assert run.predict(ROCK_SALT).topology == load_material_run(toy_run).predict(ROCK_SALT).topology
    save_material_run(copy, run)
    assert names(copy) == {"run.json", "classifier-2.safetensors"}
    load_material_run(copy)


def names(folder):
    return {p.name for p in folder.iterdir()}


@pytest.mark.parametrize("earlier", [1, 2], ids=["first version", "second version"])
def test_a_kill_at_any_moment_leaves_the_earlier_run_or_the_new_one(
    toy_run, tmp_path, monkeypatch, earlier
):
    class KilledError(BaseException):
        pass

    old = load_material_run(toy_run)
    new = load_material_run(toy_run)
    with torch.no_grad():
        for value in new.net.parameters():
            value.mul_(0.5)
    answers = [one.predict(ROCK_SALT).topology for one in (old, new)]
    assert answers[0] != answers[1]
    replace, seen = Path.replace, []
    for moment in range(4):  # before and after each of the two renamings
        copy = shutil.copytree(toy_run, tmp_path / f"{moment}")
        if earlier == 1:
            as_first_version(copy)
        calls = []

        def killed(self, target, calls=calls, moment=moment):
            calls.append(1)
            if moment == 2 * len(calls) - 2:
                raise KilledError
            result = replace(self, target)
            if moment == 2 * len(calls) - 1:
                raise KilledError
            return result

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", killed)
            with pytest.raises(KilledError):
                save_material_run(copy, new)
        seen.append(answers.index(load_material_run(copy).predict(ROCK_SALT).topology))
        save_material_run(copy, new)  # and the next one finds nothing in its way
        assert load_material_run(copy).predict(ROCK_SALT).topology == answers[1]
        assert len(names(copy)) == 2
    assert seen == [0, 0, 0, 1]


def test_files_of_something_else_in_a_folder_are_not_replaced(toy_run, tmp_path):
    run = load_material_run(toy_run)
    for name in ("run.json", "classifier.safetensors", "classifier-2.safetensors", "best.json"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text('{"format": "something else"}')
        for _ in range(2):
            with pytest.raises(OutputError, match="is not of a classifier of materials") as error:
                save_material_run(folder, run)
            assert "\n" not in str(error.value)
            assert names(folder) == {name}
        assert (folder / name).read_text() == '{"format": "something else"}'
        save_material_run(folder, run, force=True)
        load_material_run(folder)
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(OutputError):
        save_material_run(path, run)


def test_one_training_at_a_time_writes_into_a_folder(toy_file, toy_run, tmp_path, monkeypatch):
    from topophys.materials import training

    copy, options = shutil.copytree(toy_run, tmp_path / "run"), TrainOptions(epochs=1)
    before = {name: (copy / name).read_bytes() for name in names(copy)}
    train = training._train

    def second(*words):
        with pytest.raises(OutputError, match="another training"):
            fit_toys(toy_file, copy, options, progress=False)
        (copy / "training.lock").unlink()  # as by hand: the first has lost its folder
        (copy / "training.lock").write_text("somebody else\n")
        return train(*words)

    monkeypatch.setattr(training, "_train", second)
    with pytest.raises(OutputError, match="taken it over"):
        fit_toys(toy_file, copy, options, progress=False)
    assert {name: (copy / name).read_bytes() for name in before} == before
    assert names(copy) == {*before, "training.lock"}


@pytest.mark.parametrize("name", ["run.json", "classifier.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "endless", "large", "folder"])
def test_pipes_and_endless_files_in_a_run_are_refused(toy_run, tmp_path, name, kind):
    copy = shutil.copytree(toy_run, tmp_path / "copy")
    path = copy / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as stream:
            stream.truncate(1 << 40)
    with pytest.raises(CheckpointError) as error:
        load_material_run(copy)
    assert "\n" not in str(error.value)
