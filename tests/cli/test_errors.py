"""Bad input: one line on stderr, status 2, nothing half-written."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.integration.artefacts import tiny
from topophys import cli
from topophys._io import sealed


@pytest.fixture
def refused(program):
    """Run a command that must fail; returns its one line."""

    def run(*words, status=2):
        code, out, err = program(*words)
        assert code == status, (out, err)
        assert err.startswith("topophys: ")
        assert err.count("\n") == 1
        assert err.endswith("\n")
        assert "Traceback" not in err + out
        return err

    return run


@pytest.fixture
def run_folder(touched, tmp_path):
    return shutil.copytree(touched, tmp_path / "copy")


@pytest.fixture
def blocked(tmp_path):
    """A path below a file, where not even root can write."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    return tmp_path / "file"


# ---- data


@pytest.mark.parametrize("command", ["info", "verify"])
def test_missing_data_file(refused, tmp_path, command):
    assert "does not exist" in refused(command, tmp_path / "nowhere.h5")


@pytest.mark.parametrize("keep", [0, 1, 100, 5000, -1])
def test_truncated_data_file(program, refused, tiny_file, tmp_path, keep):
    content = tiny_file.read_bytes()
    cut = tmp_path / "cut.h5"
    cut.write_bytes(content[:keep])
    assert "cut.h5" in refused("info", cut)
    assert "cut.h5" in refused("train", cut, "-o", tmp_path / "run")
    assert not (tmp_path / "run").exists()
    code, out, _ = program("verify", cut, "--quiet")
    assert code == 1
    assert "1 problem" in out


def test_file_of_another_kind(refused, tmp_path):
    path = tmp_path / "text.h5"
    path.write_text("not a data file", encoding="utf-8")
    assert "text.h5" in refused("info", path)
    refused("info", tmp_path)


def test_tampered_data_file(program, tiny_file, tmp_path):
    content = bytearray(tiny_file.read_bytes())
    copy = tmp_path / "copy.h5"
    copy.write_bytes(content)
    assert program("verify", copy, "--quiet", "--recompute", "0")[0] == 0
    content[len(content) // 2] ^= 1  # one bit, somewhere in the samples
    copy.write_bytes(content)
    code, out, err = program("verify", copy, "--quiet", "--recompute", "0")
    assert (code, err) == (1, "")
    assert "problem" in out
    assert "! " in out


@pytest.mark.parametrize("share", ["1.5", "-0.1", "nan"])
def test_impossible_share(refused, tiny_file, share):
    assert "recompute" in refused("verify", tiny_file, "--recompute", share)


def test_share_that_is_no_number(program, tiny_file):
    code, _, err = program("verify", tiny_file, "--recompute", "some")
    assert code == 2
    assert "must be 'all' or a number" in err


# ---- recipes and outputs


def write_recipe(path, old="", new=""):
    path.write_text(tiny("winding").read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return path


def test_unknown_recipe_key(refused, tmp_path):
    recipe = write_recipe(tmp_path / "r.toml", "seed =", "sead =")
    line = refused("generate", recipe, "-o", tmp_path / "a.h5")
    assert "sead" in line
    assert "seed" in line
    assert [p.name for p in tmp_path.iterdir()] == ["r.toml"]


@pytest.mark.parametrize("content", ["seed =", "", "\x00"])
def test_broken_recipe(refused, tmp_path, content):
    (tmp_path / "r.toml").write_text(content, encoding="utf-8")
    assert "r.toml" in refused("generate", tmp_path / "r.toml", "-o", tmp_path / "a.h5")


def test_missing_recipe(refused, tmp_path):
    assert "nowhere.toml" in refused("generate", tmp_path / "nowhere.toml", "-o", tmp_path / "a.h5")


def test_impossible_number_of_workers(refused, tmp_path):
    output = tmp_path / "a.h5"
    assert "Option --workers" in refused(
        "generate", tiny("winding"), "-o", output, "--workers", "0"
    )
    assert not output.exists()


def test_unwritable_data_file(refused, blocked):
    refused("generate", tiny("winding"), "-o", blocked / "a.h5")
    refused("generate", tiny("winding"), "-o", blocked.parent / "nowhere" / "a.h5")
    assert [p.name for p in blocked.parent.iterdir()] == ["file"]


def test_unwritable_run_folder(refused, blocked, tiny_file):
    assert "cannot be made" in refused("train", tiny_file, "-o", blocked / "run")
    assert "cannot be made" in refused("demo", "--quick", "-o", blocked / "run")


# ---- networks


@pytest.mark.parametrize("command", ["probe", "plot", "report"])
def test_missing_run_folder(refused, tmp_path, command):
    assert "does not exist; make it with `topophys train" in refused(command, tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_folder_that_holds_a_training(refused, run_folder, tiny_file):
    assert "already holds a training" in refused("train", tiny_file, "-o", run_folder)


def test_wrong_kind_of_data(refused, run_folder, chern_file):
    for command in ("probe", "plot", "report"):
        assert "'chern'" in refused(command, run_folder, "--data", chern_file)
    assert not (run_folder / "summary.json").exists()
    assert not (run_folder / "figures").exists()


def test_wrong_kind_of_surface(refused, run_folder, tiny_file):
    assert "'chern'" in refused("plot", run_folder, "--chern-data", tiny_file)


def test_data_of_the_training_have_gone(refused, run_folder):
    card = json.loads((run_folder / "run.json").read_text(encoding="utf-8"))
    card["provenance"]["dataset_path"] = "/nowhere/data.h5"
    (run_folder / "run.json").write_text(json.dumps(sealed(card)), encoding="utf-8")
    assert "/nowhere/data.h5" in refused("report", run_folder)


def test_training_settings(refused, tiny_file, tmp_path):
    settings = tmp_path / "training.toml"
    settings.write_text("epoch = 3\n", encoding="utf-8")
    output = ("-o", tmp_path / "run", "--config")
    assert "`epoch`" in refused("train", tiny_file, *output, settings)
    assert "nowhere.toml" in refused("train", tiny_file, *output, tmp_path / "nowhere.toml")
    assert "--device" in refused("train", tiny_file, "-o", tmp_path / "run", "--device", "abacus")
    assert not (tmp_path / "run").exists()


def test_probe_of_too_many_or_of_nothing(refused, run_folder):
    assert "at most 60" in refused("probe", run_folder, "-n", "61")
    assert "`lessons`" in refused("probe", run_folder, "--split", "lessons")


@pytest.mark.parametrize("content", [b"", b"abc", b"PK\x03\x04rest", b"\x93NUMPY\x01\x00"])
def test_unreadable_blocks(refused, run_folder, tmp_path, content):
    (tmp_path / "blocks.npy").write_bytes(content)
    assert "`file`" in refused("predict", run_folder, tmp_path / "blocks.npy")


def test_blocks_that_cannot_be_read(refused, run_folder, tmp_path):
    path = tmp_path / "blocks.npy"
    assert "blocks.npy` does not exist" in refused("predict", run_folder, path)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "`file`" in refused("predict", run_folder, path)
    np.save(path, np.ones((3, 32, 3, 3)))
    assert "2 n^2 = 8" in refused("predict", run_folder, path)
    np.save(path, np.full((3, 32, 2, 2), np.nan))
    assert "finite" in refused("predict", run_folder, path)
    np.savez(tmp_path / "blocks.npz", a=np.ones((3, 32, 2, 2)))
    assert "archive" in refused("predict", run_folder, tmp_path / "blocks.npz")


# ---- tracebacks


@pytest.mark.parametrize("place", [0, 1, 2])
def test_debug_shows_the_traceback(tmp_path, place):
    words = ["info", str(tmp_path / "nowhere.h5")]
    words.insert(place, "--debug")
    with pytest.raises(OSError, match="does not exist"):
        cli.main(words)


def test_internal_errors_are_one_line(refused, monkeypatch, tiny_file):
    import topophys.datasets

    def broken(path):
        raise KeyError(f"{Path(path).name}\nsecond line")

    monkeypatch.setattr(topophys.datasets, "open_dataset", broken)
    line = refused("info", tiny_file)
    assert "internal error, KeyError" in line
    assert "--debug" in line
    with pytest.raises(KeyError):
        cli.main(["--debug", "info", str(tiny_file)])


def test_stop_from_the_keyboard(program, monkeypatch, tiny_file):
    import topophys.datasets

    def stopped(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(topophys.datasets, "open_dataset", stopped)
    code, _, err = program("info", tiny_file)
    assert (code, err) == (130, "topophys: stopped; no file was left half-written\n")


def test_inputs_are_not_overwritten(refused, tmp_path):
    recipe, listed = tmp_path / "mine.toml", tmp_path / "mine.csv"
    recipe.write_text("a recipe")
    listed.write_text("file,n_occupied\n")
    for path, command in ((recipe, "generate"), (listed, "label")):
        before = path.read_text()
        assert "another file than the input" in refused(command, path, "-o", path)
        assert path.read_text() == before


EMPTY = (
    "train a.h5 -o",
    "generate a.toml --output",
    "label",
    "materials train t.csv -o",
    "demo -o",
)


@pytest.mark.parametrize("words", EMPTY)
def test_empty_names(program, refused, tmp_path, monkeypatch, words):
    """The shell makes one of a variable that is not set; it would mean the working folder."""
    monkeypatch.chdir(tmp_path)
    assert "must not be empty" in refused(*words.split(), "")
    assert "must not be empty" in refused(*words.split()[:-1], "--output=")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", ["1" + 30 * "0", "1e30", "nan", "-1", "0", "2.5", "1" * 5000])
@pytest.mark.parametrize("words", ["generate a.toml -o a.h5", "materials generate -o t.h5 -n 3"])
def test_numbers_of_workers_that_cannot_be(program, tmp_path, monkeypatch, words, count):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(tiny("winding").read_text(encoding="utf-8"), encoding="utf-8")
    code, out, err = program(*words.split(), f"--workers={count}")
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert "internal error" not in err
    assert err.splitlines()[-1].startswith(("topophys: Option --workers", "Error: Invalid value"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]
