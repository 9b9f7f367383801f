"""`topophys materials`."""

import json

import pytest

pytest.importorskip("gudhi", reason="needs the extra `materials`")
pytest.importorskip("pymatgen.core", reason="needs the extra `materials`")


def test_the_whole_way(program, tmp_path):
    from tests.materials.test_run import POSCAR

    toys, run = tmp_path / "toys.h5", tmp_path / "run"
    code, out, err = program("materials", "generate", "-n", 60, "-o", toys, "--quiet")
    assert (code, err) == (0, "")
    assert "60 materials of" in out
    code, out, err = program("materials", "train", toys, "-o", run, "--epochs", 1, "--quiet")
    assert (code, err) == (0, "")
    assert "topology: accuracy" in out
    (tmp_path / "POSCAR").write_text(POSCAR)
    code, out, err = program("materials", "predict", tmp_path / "POSCAR", "--model", run)
    assert (code, err) == (0, "")
    assert "present    crystal, asph, scalar" in out
    code, out, err = program("materials", "report", run)
    assert code == 0
    assert "magnetism: accuracy" in out
    (tmp_path / "POSCAR").write_text("nothing")
    code, out, err = program("materials", "predict", tmp_path / "POSCAR", "--model", run)
    assert code == 2
    assert err.startswith("topophys: Sample `POSCAR`")
    assert err.count("\n") == 1


@pytest.mark.always
def test_solids_and_a_bad_file_among_good_ones(program, tmp_path):
    from tests.materials.test_run import POSCAR

    toys, run = tmp_path / "solids.h5", tmp_path / "run"
    code, out, err = program(
        "materials", "generate", "-n", 30, "--dim", 3, "-o", toys, "--quiet", "--json"
    )
    assert (code, err) == (0, "")
    made = json.loads(out)
    assert (made["path"], made["size"], sum(made["counts"].values())) == (str(toys), 30, 30)
    code, out, err = program(
        "materials", "train", toys, "-o", run, "--epochs", 1, "--quiet", "--json"
    )
    assert (code, err) == (0, "")
    assert json.loads(out)["run"] == str(run)
    assert (
        json.loads(program("materials", "report", run, "--json")[1]).keys() < json.loads(out).keys()
    )
    good, bad = tmp_path / "good.vasp", tmp_path / "bad.vasp"
    good.write_text(POSCAR)
    bad.write_text(POSCAR.replace("0.5 0.5 0.5", "0.0 0.0 0.01"))
    code, out, err = program("materials", "predict", good, bad, "--model", run)
    assert code == 1
    assert "good.vasp" in out
    assert err.startswith("topophys: left out: Sample `bad.vasp`: atoms must not overlap")
    assert err.count("\n") == 1
    code, _, err = program("materials", "generate", "-n", 3, "--dim", 4, "-o", toys)
    assert (code, err.count("\n")) == (2, 1)
    assert "--dim must be 2 or 3" in err


TABLE = "formula,class\n" + "".join(
    f"{m}{i}{a}{j},{'oxide' if a == 'O' else 'other'}\n"
    for m in ("Na", "K", "Ca", "Ti", "Bi") for a in ("O", "S", "F") for i in (1, 2) for j in (1, 2)
)  # fmt: skip


def test_a_table_becomes_a_model_and_answers(program, tmp_path):
    pytest.importorskip("lightgbm", reason="needs the extra `materials`")
    table, model, answers = tmp_path / "t.csv", tmp_path / "m.npz", tmp_path / "a.csv"
    table.write_text(TABLE + "Qq2,other\n")
    code, out, err = program("materials", "train", table, "-o", model, "--quiet")
    assert code == 0
    assert "accuracy" in out
    assert err.startswith("topophys: left out: t.csv, line 62: Element must be a chemical symbol")
    code, out, err = program("materials", "report", model)
    assert (code, err) == (0, "")
    assert "held-out folds: 5, by system" in out
    _, out, _ = program("materials", "report", model, "--json")
    assert json.loads(out)["scores"]["class"]["formula"]["accuracy"] > 0.9
    code, out, err = program(
        "materials", "predict", table, "Bi2O3", "--model", model, "-o", answers, "--quiet"
    )
    assert code == 1
    assert "61 answers" in out
    lines = answers.read_text().splitlines()
    assert len(lines) == 62
    assert lines[0].startswith("name,formula,space_group,view,class,")
    code, out, err = program("materials", "predict", "Bi2O3", "--model", model, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["class"] == "oxide"


def test_formulas_are_answered_by_the_model_of_the_package(program):
    code, out, err = program("materials", "predict", "Bi2Se3:166", "SnTe:Fm-3m", "Qq", "--quiet")
    assert code == 1
    assert "Bi2Se3:166: predicted from formula and space group" in out
    assert "topological insulator" in out
    assert "held-out accuracy" in out
    assert err.startswith("topophys: left out: Element must be a chemical symbol")


def test_outputs_of_training_are_named(program, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(TABLE)
    code, _, err = program("materials", "train", table, "-o", tmp_path / "model")
    assert (code, err.count("\n")) == (2, 1)
    assert ".npz" in err
    code, _, err = program("materials", "train", table, "-o", table)
    assert (code, err.count("\n")) == (2, 1)
    assert table.read_text() == TABLE


def test_labels_on_which_two_tables_differ_are_ranked(program, tmp_path):
    pytest.importorskip("lightgbm", reason="needs the extra `materials`")
    first, second, ranked = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "r.csv"
    first.write_text(TABLE)
    second.write_text(TABLE.replace("Na1O2,oxide", "Na1O2,other").replace("Bi2S1,other", "Bi2S1,x"))
    code, out, err = program("materials", "doubt", first, second, "-o", ranked, "--quiet")
    assert (code, err) == (0, "")
    assert "2 labels" in out
    lines = ranked.read_text().splitlines()
    assert lines[0] == "formula,space_group,label,probability,other,other_probability"
    assert {line.split(",")[0] for line in lines[1:]} == {"NaO2", "Bi2S"}
    code, out, err = program("materials", "doubt", first, "--most", 3, "--quiet")
    assert (code, err) == (0, "")
    assert out.count("\n") == 4


def test_a_second_table_that_contradicts_itself_is_named(program, tmp_path):
    pytest.importorskip("lightgbm", reason="needs the extra `materials`")
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(TABLE)
    second.write_text("formula,class\nNaO2,x\nNa2O4,y\nBi2S,x\nKO,oxide\nK2O2,oxide\n")
    code, out, err = program("materials", "doubt", first, second, "--quiet")
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("topophys: left out: b.csv: NaO2 has 'x' and 'y'")
    assert "Bi2S" in out
    assert "1 labels in all" in out


def test_columns_of_labels_are_named_once(program, tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    code, _, err = program("materials", "train", tmp_path / "t.csv", "-o", tmp_path / "m.npz",
                           "--label", "class", "--label", "class")  # fmt: skip
    assert (code, err.count("\n")) == (2, 1)
    assert "`--label` must name each column once" in err
    assert not (tmp_path / "m.npz").exists()


def test_a_hamiltonian_disposes_of_a_prediction(program, tmp_path):
    import topophys as tp
    from tests.materials.test_hamiltonian_check import solid

    file, table = tmp_path / "solid_hr.dat", tmp_path / "answers.csv"
    tp.write_wannier90_hr(solid(-2.0), file)
    code, out, err = program("materials", "predict", "NaCl:225", "--hamiltonian", file, "-n", 2)
    assert (code, err) == (0, "")
    assert "(1; 000) (certified)" in out
    assert "the certificate excludes trivial, as Z2 indices (1; 000) are not all even; left:" in out
    code, out, _ = program(
        "materials", "predict", "NaCl:225", "--hamiltonian", file, "-n", 2, "--json"
    )
    row = json.loads(out)
    assert (code, row["hamiltonian_nu0"], row["topology"]) == (0, 1.0, "trivial")
    assert row["topology_proven"].endswith("left: topological insulator")
    code, _, _ = program(
        "materials", "predict", "Bi2Se3", "--hamiltonian", file, "-n", 2, "-o", table
    )
    assert code == 0
    assert "hamiltonian_gap_lower" in table.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [(("NaCl", "--hamiltonian", "no_hr.dat", "-n", 2), "does not exist"),
     (("NaCl", "-n", 2), "go together"), (("NaCl", "--hamiltonian", __file__), "go together"),
     (("NaCl", "KCl", "--hamiltonian", __file__, "-n", 2), "one material"),
     (("NaCl", "--hamiltonian", __file__, "-n", 2), "topophys: ")],
)  # fmt: skip
def test_questions_about_no_hamiltonian_are_refused(program, words, said):
    code, _, err = program("materials", "predict", *words)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err
