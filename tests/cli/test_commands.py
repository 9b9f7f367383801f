"""What the commands print and write when all is well."""

import json
import shutil
import sys

import numpy as np
import pytest

import topophys as tp
from tests.integration.artefacts import tiny
from topophys.datasets import open_dataset
from topophys.learn import load_run


@pytest.fixture
def run_folder(touched, tmp_path):
    return shutil.copytree(touched, tmp_path / "copy")


def test_info(program, tiny_file):
    code, out, err = program("info", tiny_file)
    assert (code, err) == (0, "")
    with open_dataset(tiny_file) as dataset:
        assert out == dataset.card() + "\n"


@pytest.mark.parametrize("kind", ["winding", "chern"])
def test_generate(program, tmp_path, kind):
    path = tmp_path / "a.h5"
    code, out, err = program("generate", tiny(kind), "-o", path, "--quiet", "--workers", "1")
    assert (code, err) == (0, "")
    with open_dataset(path) as dataset:
        assert dataset.kind == kind
        assert f"{path}: {len(dataset)} samples" in out


def test_commands_that_make_data_print_json(program, tmp_path):
    path = tmp_path / "a.h5"
    words = ("--quiet", "--json")
    code, out, err = program("generate", tiny("winding"), "-o", path, "--workers", "1", *words)
    assert (code, err) == (0, "")
    made = json.loads(out)
    with open_dataset(path) as dataset:
        assert made["sizes"] == {name: len(dataset.split(name)) for name in dataset.splits}
    assert made["path"] == str(path)
    (tmp_path / "files").mkdir()
    tp.write_wannier90_hr(tp.models.qwz(-1.0), tmp_path / "files" / "plane_hr.dat")
    code, out, _ = program(
        "label", tmp_path / "files", "-n", "1", "-o", tmp_path / "labels.csv", *words
    )
    assert (code, json.loads(out)["value"]) == (0, "+1")


def test_verify(program, tiny_file):
    code, out, err = program("verify", tiny_file, "--quiet")
    assert (code, err) == (0, "")
    assert "no problem" in out
    assert "label proven from hoppings" in out
    _, _, err = program("verify", tiny_file, "--recompute", "0")
    assert err.startswith("verify: 490 of 490 in ")


def test_verify_with_the_checker(program, tiny_file):
    pytest.importorskip("flint")
    code, out, err = program("verify", tiny_file, "--quiet", "--recompute", "0.02", "--checker")
    assert (code, err) == (0, "")
    assert "label accepted by the independent checker" in out


def test_certify(program, tmp_path):
    checker = pytest.importorskip("topophys.checker")
    tp.write_wannier90_hr(tp.models.haldane(0.1, 0.1, 1.2), tmp_path / "h_hr.dat")
    path = tmp_path / "x.cert.json"
    code, out, err = program("certify", tmp_path / "h_hr.dat", "--occupied", "1", "-o", path)
    assert (code, err) == (0, "")
    assert out.startswith(f"{path}: Chern number +1, gap at least ")
    assert checker.main([str(path)]) == 0
    code, _, err = program("certify", tmp_path / "h_hr.dat", "-o", path)
    assert (code, err.count("\n")) == (2, 1)
    assert "Option -n must be given" in err


def test_certify_indices_of_a_solid(program, tmp_path):
    pytest.importorskip("flint")
    path = tmp_path / "x.cert.json"
    tp.write_wannier90_hr(tp.models.fu_kane_mele(0.8, 0.3), tmp_path / "h_hr.dat")
    words = ("certify", tmp_path / "h_hr.dat", "-n", 2, "--quantity", "z2", "--planes", "-o", path)
    code, out, err = program(*words)
    assert (code, err) == (0, "")
    assert out.startswith(f"{path}: Z2 indices of planes (1; 111), gap at least 0.6")
    assert tp.verify_certificate(path).startswith("Z2 indices of planes (1; 111), gap at least 0.6")
    assert program("z2", tmp_path / "h_hr.dat", "-n", 2, "-o", path)[0] == 0
    assert tp.verify_certificate(path).startswith("Z2 indices of planes (1; 111)")


def test_a_certificate_that_cannot_be_checked_is_not_wrong(program, tmp_path, monkeypatch):
    tp.write_wannier90_hr(tp.models.haldane(0.1, 0.1, 1.2), tmp_path / "h_hr.dat")
    path = tmp_path / "x.cert.json"
    assert program("chern", tmp_path / "h_hr.dat", "-n", "1", "-o", path)[0] == 0
    monkeypatch.setitem(sys.modules, "flint", None)
    monkeypatch.delitem(sys.modules, "topophys.checker", raising=False)
    code, out, err = program("verify", path, "--json")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "Package `flint` must be installed" in err


def test_train(program, tiny_file, tmp_path):
    settings = tmp_path / "training.toml"
    settings.write_text("epochs = 2\nbatch_size = 100\n[encoder]\nhidden_dims = [4, 3, 6]\n")
    words = ("train", tiny_file, "-o", tmp_path / "run", "--config", settings, "--quiet")
    code, out, err = program(*words)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split()[:2] == ["split", "invariant"]
    assert out.splitlines()[-1] == f"run folder: {tmp_path / 'run'}"
    run = load_run(tmp_path / "run")
    assert len(run.history) == 2
    rows = json.loads((tmp_path / "run" / "accuracy.json").read_text(encoding="utf-8"))
    assert sum(row["invariant"] == "all" for row in rows) == 4
    code, out, _ = program(*words, "--resume", "--json")
    assert (code, json.loads(out)["accuracy"]) == (0, rows)


def test_train_resumes_and_generates_samples_during_training(program, tmp_path):
    settings = tmp_path / "training.toml"
    settings.write_text("epochs = 1\nbatch_size = 500\n[encoder]\nhidden_dims = [4, 3, 6]\n")
    words = ("train", tiny("winding"), "-o", tmp_path / "run", "--config", settings, "--quiet")
    code, out, err = program(*words, "--resume")
    assert (code, err) == (0, "")
    assert out == f"run folder: {tmp_path / 'run'}\n"
    assert load_run(tmp_path / "run").provenance["drawn_on_the_way"]
    before = (tmp_path / "run" / "run.json").read_bytes()
    assert program(*words, "--resume")[0] == 0
    assert (tmp_path / "run" / "run.json").read_bytes() == before
    code, _, err = program(*words)
    assert code == 2
    assert "continue it" in err
    code, _, err = program("report", tmp_path / "run")
    assert (code, "--data" in err) == (2, True)


def test_predict_a_file_of_hoppings(program, trained, tmp_path):
    import topophys as tp

    full = tp.FourierHamiltonian({(0,): [[0, 1], [1, 0]], (1,): [[0, 2], [0, 0]]})
    path = tp.write_wannier90_hr(full, tmp_path / "ssh_hr.dat")
    code, out, err = program("predict", trained.path, path, "--k-points", "48")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split()[0] == "+1"
    code, out, _ = program("predict", trained.path, path, "--sublattice", "1")
    assert out.splitlines()[1].split()[0] == "-1"
    code, out, _ = program("predict", trained.path, path, "--threshold", "1.1")
    assert out.splitlines()[1].split()[-1] == "abstains"
    assert program("predict", trained.path, path, "--sublattice", "a")[0] == 2


def test_predict(program, trained, chains_file, tmp_path):
    with open_dataset(chains_file) as dataset:
        chains = dataset.split("beyond").hamiltonians(slice(0, 6))
    np.save(tmp_path / "blocks.npy", chains.block_on_grid(32).reshape(2, 3, 32, 2, 2))
    code, out, err = program("predict", trained.path, tmp_path / "blocks.npy")
    assert (code, err) == (0, "")
    head, *rows = [line.split() for line in out.splitlines()]
    assert head == ["value", "real-valued", "confidence"]
    answer = trained.predict(chains)
    assert [int(row[0]) for row in rows] == answer.value.tolist()
    np.testing.assert_allclose([float(row[1]) for row in rows], answer.real, atol=6e-5)
    np.testing.assert_allclose([float(row[2]) for row in rows], answer.confidence, atol=6e-4)


def test_probe(program, run_folder):
    code, out, err = program("probe", run_folder, "-n", "30", "--split", "val", "--quiet")
    assert (code, err) == (0, "")
    content = json.loads((run_folder / "probes.json").read_text(encoding="utf-8"))
    assert (content["n_hamiltonians"], content["split"]) == (30, "val")
    assert {row["layer"] for row in content["results"]} == {"h1_features", "h2_features"}
    assert {row["source"] for row in content["results"]} >= {"trained", "untrained", "control"}
    assert out.startswith("Linear probes, held-out R2 on 30 Hamiltonians of `val`")


def test_report(program, run_folder):
    code, out, err = program("report", run_folder, "--quiet")
    assert (code, err) == (0, "")
    assert out == f"{run_folder / 'report.html'}\n"
    assert (run_folder / "summary.json").is_file()
    assert "<h1>copy</h1>" in (run_folder / "report.html").read_text(encoding="utf-8")
    for part in ("accuracy", "failures"):
        assert (run_folder / f"{part}.json").is_file()
    assert program("report", run_folder, "--quiet")[0] == 0  # and again


def test_report_of_a_demo_keeps_what_the_demo_knew(program, demonstrated, tmp_path):
    folder = shutil.copytree(demonstrated[0], tmp_path / "demo")
    before = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert program("report", folder)[0] == 0
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8")) == before


@pytest.fixture
def small_challenge(monkeypatch):
    """Three samples of each test."""
    from topophys.learn import challenge

    real = challenge.load_challenge

    def load(name, *, seed=challenge.PUBLIC_SEED, size=None):
        return real(name, seed=seed, size=3)

    monkeypatch.setattr(challenge, "load_challenge", load)


def test_challenge_export(program, tmp_path, small_challenge):
    words = ("challenge", "--tests", "chains-12", "--quiet", "--export")
    assert program(*words, tmp_path / "a") == (0, f"wrote {tmp_path / 'a'}\n", "")
    code, out, err = program(*words, tmp_path / "b", "--json")
    assert (code, err) == (0, "")
    names = ["answers.csv", "chains-12.npz", "labels.csv"]
    wanted = {"folder": str(tmp_path / "b"), "files": [str(tmp_path / "b" / n) for n in names]}
    assert json.loads(out) == wanted
    for more in (("--seed", "3"), ("-o", tmp_path / "s.json"), ("--force",), ("hybrid",)):
        code, out, err = program(*words, tmp_path / "c", *more)
        assert (code, out, err.count("\n")) == (2, "", 1), more
        assert not (tmp_path / "c").exists()
        assert not (tmp_path / "s.json").exists()


def test_scores_replace_other_files_by_force_only(program, tmp_path, small_challenge):
    path = tmp_path / "s.json"
    words = ("challenge", "fft-formula", "--tests", "chains-12", "--seed", "1", "--quiet", "-o")
    for _ in range(2):  # earlier scores are replaced
        code, _, err = program(*words, path)
        assert (code, err) == (0, "")
    scores = path.read_bytes()
    path.write_text("precious")
    code, out, err = program(*words, path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--force" in err
    assert path.read_text() == "precious"
    assert program(*words, path, "--force")[0] == 0
    assert path.read_bytes() == scores
    path.unlink()
    path.symlink_to("elsewhere")
    code, _, err = program(*words, path, "--force")
    assert (code, err.count("\n")) == (2, 1)
    assert not (tmp_path / "elsewhere").exists()
