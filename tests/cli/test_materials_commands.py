"""`topophys materials`."""

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
    code, out, err = program("materials", "predict", run, tmp_path / "POSCAR")
    assert (code, err) == (0, "")
    assert "present    crystal, asph, scalar" in out
    code, out, err = program("materials", "report", run)
    assert code == 0
    assert "magnetism: accuracy" in out
    (tmp_path / "POSCAR").write_text("nothing")
    code, out, err = program("materials", "predict", run, tmp_path / "POSCAR")
    assert code == 2
    assert err.startswith("topophys: Sample `POSCAR`")
    assert err.count("\n") == 1


def test_solids_and_a_bad_file_among_good_ones(program, tmp_path):
    from tests.materials.test_run import POSCAR

    toys, run = tmp_path / "solids.h5", tmp_path / "run"
    code, out, err = program("materials", "generate", "-n", 30, "--dim", 3, "-o", toys, "--quiet")
    assert (code, err) == (0, "")
    code, _, err = program("materials", "train", toys, "-o", run, "--epochs", 1, "--quiet")
    assert (code, err) == (0, "")
    good, bad = tmp_path / "good.vasp", tmp_path / "bad.vasp"
    good.write_text(POSCAR)
    bad.write_text(POSCAR.replace("0.5 0.5 0.5", "0.0 0.0 0.01"))
    code, out, err = program("materials", "predict", run, good, bad)
    assert code == 2
    assert "good.vasp" in out
    assert err.startswith("topophys: Sample `bad.vasp`: atoms must not overlap")
    assert err.count("\n") == 1
    code, _, err = program("materials", "generate", "-n", 3, "--dim", 4, "-o", toys)
    assert (code, err.count("\n")) == (2, 1)
    assert "`dim` must be 2 or 3" in err
