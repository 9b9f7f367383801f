"""Models of TBmodels on the command line, and labels by a Fermi level."""

from __future__ import annotations

import csv
import gzip
import json

import h5py
import numpy as np
import pytest

import topophys as tp
from topophys.datasets import label, label_files
from topophys.errors import InputError
from topophys.testing.wannier_files import save_tbmodels

MODELS = {
    "plane": (tp.models.qwz(-1.0), 1),
    "chain": (tp.models.ssh(1.0, 1.4), 1),
    "kramers": (tp.models.bhz(1.0), 2),
    "node": (tp.models.weyl_semimetal(1.0), 1),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, (h, occ) in MODELS.items():
        save_tbmodels(h, folder / f"{name}.hdf5", occ)
        save_tbmodels(h, folder / f"{name}.json", occ)
        save_tbmodels(h, folder / f"open_{name}.hdf5")
    return folder


@pytest.mark.parametrize("ending", ["hdf5", "json"])
@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("chern", "plane"), "+1"),
        (("gap", "plane"), "open"),
        (("winding", "chain"), "+1"),
        (("z2", "kramers"), "1"),
        (("weyl", "node", "--near", "0,0,1"), None),
    ],
)
def test_every_question_takes_models_of_tbmodels(program, models, words, value, ending):
    path = models / f"{words[1]}.{ending}"
    code, out, err = program(words[0], path, *words[2:], "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["status"] == "certified"
    # as of the Hamiltonian itself, and of the same file with -n
    assert value in (None, told["value"])
    assert told["unit"] == ""  # TBmodels names none
    h, occ = MODELS[words[1]]
    assert told["n_occupied"] == occ
    if words[0] != "winding":
        assert f"filling from the file: occ = {occ}" in told["notes"]
        again = json.loads(program(words[0], path, *words[2:], "-n", occ, "--json")[1])
        assert (again["value"], again["gap_lower"]) == (told["value"], told["gap_lower"])
    if words[0] == "chern":
        assert told["gap_lower"] == pytest.approx(float(tp.certify_chern(h).gap_lower), rel=1e-9)


def test_lines_name_no_unit_that_the_file_does_not(program, models):
    _, out, _ = program("chern", models / "plane.json")
    assert " eV" not in out
    assert "(in the units of the file)" not in out.partition("gap at least")[0]
    assert "+1 (certified)" in out


def test_a_missing_filling_is_asked_for(program, models):
    path = models / "open_plane.hdf5"
    code, out, err = program("chern", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--occupied must be given" in err
    code, out, _ = program("chern", path, "--fermi-energy", "0.1")
    assert (code, "1 band lies below 0.1 at 256 momenta" in out) == (0, True)
    code, out, _ = program("chern", path, "--electrons", "2", "--spin-degenerate")
    assert (code, "+1 (certified)" in out) == (0, True)
    code, out, _ = program("gap", models / "kramers.hdf5", "-n", "1")
    assert (code, "the file has another filling: occ = 2" in out) == (1, True)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("chern", "plane.hdf5", "--wsvec", "none"), "--wsvec must be left out"),
        (("gap", "plane.json", "--hermitian", "average"), "--hermitian must be left out"),
        (("gap", "plane.json", "--missing", "zero"), "--missing must be left out"),
        (("chern", "plane.json", "-n", "1", "--fermi-energy", "0"), "must not be given together"),
        (("chern", "plane.json", "--fermi-energy", "1.5"), "must lie in a gap"),
        (("chern", "chain.json"), "needs a 2D Hamiltonian, but the file is 1D"),
        (("chern", "."), "is a folder; `topophys label` takes"),
        (("chern", "other.h5"), "must hold a model of TBmodels"),
        (("chern", "other.json"), "must hold a model of TBmodels"),
        (("chern", "cut.json.gz"), "cannot be read: "),
        (("chern", "lfs.hdf5", "-n", "1"), "Git LFS"),
    ],
)
def test_errors_are_one_line(program, models, words, text):
    with h5py.File(models / "other.h5", "w") as file:
        file["x"] = np.zeros(3)
    (models / "other.json").write_text('{"a": 1}')
    packed = gzip.compress((models / "plane.json").read_bytes())
    (models / "cut.json.gz").write_bytes(packed[:-20])
    (models / "lfs.hdf5").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    code, out, err = program(words[0], models / words[1], *words[2:])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert text in err
    assert words[1] in err or "Option" in err or "needs" in err


def test_certificates_of_models(program, models, tmp_path):
    code, out, _ = program("certify", models / "plane.hdf5", "-o", tmp_path / "x.cert.json")
    assert (code, "1 of 2 bands occupied" in out) == (0, True)
    # what is not proven ends as with `topophys chern`, and leaves no file
    closed = tmp_path / "closed.json"
    save_tbmodels(tp.models.qwz(-2.0), closed, 1)
    for words in (("chern", closed), ("certify", closed, "-o", tmp_path / "y.cert.json")):
        code, out, _ = program(*words)
        assert (code, "closed gap" in out) == (1, True)
    assert not (tmp_path / "y.cert.json").exists()


@pytest.mark.parametrize(
    "words",
    [("chern", "plane"), ("gap", "plane"), ("winding", "chain"), ("z2", "kramers"),
     ("weyl", "node", "--near", "0,0,1")],
)  # fmt: skip
def test_every_answer_goes_into_a_file_that_the_checker_accepts(program, models, tmp_path, words):
    checker = pytest.importorskip("topophys.checker")
    path = tmp_path / "x.cert.json"
    code, out, _ = program(words[0], models / f"{words[1]}.json", *words[2:], "-o", path)
    assert (code, out.rstrip().endswith(f"proof in {path}")) == (0, True)
    assert checker.main([str(path)]) == 0


# ---- Labels


def test_a_bar_counts_the_files(models, tmp_path, capsys):
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(3):
        tp.write_wannier90_hr(tp.models.qwz(-1.0), folder / f"{i}_hr.dat")
    seen = []
    table = label_files(
        folder, n_occupied=1, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [row.path.name for row in table.rows] == ["0_hr.dat", "1_hr.dat", "2_hr.dat"]


def test_folders_hold_files_of_both_programs(models, tmp_path):
    folder = tmp_path / "both"
    folder.mkdir()
    tp.write_wannier90_hr(tp.models.qwz(1.0), folder / "a_hr.dat")
    for name in ("plane.hdf5", "chain.json"):
        (folder / name).write_bytes((models / name).read_bytes())
    (folder / "notes.json").write_text('{"hop": "up"}')  # neither is a model
    with h5py.File(folder / "other.h5", "w") as file:
        file["x"] = np.zeros(3)
    table = label_files(folder, fermi_energy=0.0)
    found = {row.path.name: row.answer.value if row.answer else row.reason for row in table.rows}
    assert found == {"a_hr.dat": "-1", "plane.hdf5": "+1", "chain.json": "+1"}
    label(folder, tmp_path / "a.h5", fermi_energy=0.0, grid=(8, 8))
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [row["value"] for row in rows if row["index"]] == ["-1", "1"]


def test_a_fermi_level_for_all_or_for_each(program, tmp_path):
    for i, (m, shift) in enumerate([(-1.0, 0.0), (1.0, 2.0), (-1.0, 9.0)]):
        h = tp.models.qwz(m)
        moved = dict(h.hoppings) | {(0, 0): h.hoppings[0, 0] + shift * np.eye(2)}
        tp.write_wannier90_hr(tp.FourierHamiltonian(moved), tmp_path / f"{i}_hr.dat")
    table = label_files(tmp_path, fermi_energy=0.0)
    assert [row.answer.value if row.answer else "" for row in table.rows] == ["+1", "", ""]
    assert "`fermi_energy` must lie in a gap" in table.rows[1].reason
    assert "1 band lies below 0 eV at 256 momenta" in table.rows[0].answer.notes
    lines = ["file , fermi_energy, n_occupied", "0_hr.dat,0.1,", "1_hr.dat,2,", "2_hr.dat,,1"]
    (tmp_path / "list.csv").write_text("\n".join([*lines, "2_hr.dat,,"]) + "\n")
    code, _, _ = program("label", tmp_path / "list.csv", "-o", tmp_path / "out.csv", "--quiet",
                         "--fermi-energy", "9.1")  # fmt: skip
    assert code == 0
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [row["value"] for row in rows] == ["+1", "-1", "+1", "+1"]
    assert [row["n_occupied"] for row in rows] == ["1"] * 4
    assert [row["unit"] for row in rows] == ["eV"] * 4


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("a_hr.dat,1,0.0,", "n_occupied or fermi_energy, not both in line 2"),
        ("a_hr.dat,,high,", "a number or nothing as fermi_energy in line 2"),
        ("a_hr.dat,,nan,", "a number or nothing as fermi_energy"),
        ("a_hr.dat,-1,,", "an integer or nothing as n_occupied"),
        ("a_hr.dat,1,,polarization", "one of winding, chern"),
        (",1,,", "must have a file"),
        ("a_hr.dat,1,,chern,0.5", "no more columns"),
    ],
)
def test_wrong_lines_of_a_list_are_named(tmp_path, line, text):
    path = tmp_path / "list.csv"
    path.write_text(f"file,n_occupied,fermi_energy,question\n{line}\n")
    with pytest.raises(InputError, match=text) as caught:
        label_files(path)
    assert "\n" not in str(caught.value)
    assert "list.csv" in str(caught.value)


def test_two_fillings_are_refused(tmp_path):
    tp.write_wannier90_hr(tp.models.qwz(-1.0), tmp_path / "a_hr.dat")
    with pytest.raises(InputError, match="must not be given together"):
        label(tmp_path, tmp_path / "a.csv", n_occupied=1, fermi_energy=0.0)
    np.savez(tmp_path / "a.npz", vectors=[[0], [1]], block=np.ones((1, 2, 1, 1)))
    with pytest.raises(InputError, match="`fermi_energy` must be left out for the arrays"):
        label(tmp_path / "a.npz", tmp_path / "a.h5", fermi_energy=0.0)


@pytest.mark.parametrize("occ", [0, 1, 2, 3])
def test_a_fermi_energy_counts_whatever_the_file_says(program, tmp_path, occ):
    levels = np.diag([0.0, 5.0, 10.0]).astype(complex)
    with h5py.File(tmp_path / "levels.hdf5", "w") as file:
        file["dim"], file["size"], file["occ"] = 1, 3, occ
        file["hop/0/R"], file["hop/0/mat"] = [0], 0.5 * levels
    code, out, err = program("gap", tmp_path / "levels.hdf5", "--fermi-energy", "7")
    assert (code, err) == (0, "")
    assert "2 of 3 bands" in out
    assert ("the file has another filling" in out) == (occ != 2)
    code, out, err = program("gap", tmp_path / "levels.hdf5")
    assert (code == 0) == (occ in (1, 2))
    assert ("--occupied must be given" in err) == (occ in (0, 3))


@pytest.mark.parametrize("ending", ["hdf5", "json"])
@pytest.mark.parametrize(
    ("network", "name", "value"), [("chern-2d", "plane", 1), ("winding-1d", "chain", 1)]
)
def test_networks_of_the_package_read_models(program, models, ending, network, name, value):
    code, out, err = program(
        "predict", network, models / f"{name}.{ending}", "--k-points", 24, "--certify", "--json"
    )
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["value"], told["certified"]) == (value, True)
