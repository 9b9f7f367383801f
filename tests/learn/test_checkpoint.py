"""Checkpoints: bit-identical when sound, refused in one line when not, never executed."""

import hashlib
import json
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from topophys._io import sealed
from topophys.errors import CheckpointError, OutputError
from topophys.learn import TopologicalMLEncoder, load_run
from topophys.learn.checkpoint import load_encoder, save_encoder


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(5)
    encoder = TopologicalMLEncoder(hidden_dims=(4, 3, 6), output_features=2, num_classes=5)
    save_encoder(tmp_path, "best", encoder)
    return tmp_path, encoder


def refused(folder, match):
    with pytest.raises(CheckpointError, match=match) as caught:
        load_encoder(folder, "best")
    assert "\n" not in str(caught.value)


def change(folder, **entries):
    path = folder / "best.json"
    card = json.loads(path.read_text(encoding="utf-8")) | entries
    path.write_text(json.dumps(card), encoding="utf-8")
    return card


def put_weights(folder, content):
    """Replace the weights and the digest of them, as a careful forger would."""
    (folder / "best.safetensors").write_bytes(content)
    change(folder, sha256=hashlib.sha256(content).hexdigest())


def test_loaded_encoder_is_bit_identical(saved):
    folder, encoder = saved
    found = load_encoder(folder, "best")
    assert found.settings == encoder.settings
    assert not found.training
    for name, value in encoder.state_dict().items():
        assert torch.equal(found.state_dict()[name], value)
    x = torch.randn(3, 16, 8)
    assert torch.equal(found(x)["invariant"], encoder(x)["invariant"])


def test_weights_are_readable_by_others(saved):
    folder, encoder = saved
    assert set(load_file(folder / "best.safetensors")) == set(encoder.state_dict())


def test_nothing_but_two_files_is_left(saved):
    assert {p.name for p in saved[0].iterdir()} == {"best.json", "best.safetensors"}


@pytest.mark.parametrize("name", ["best.json", "best.safetensors"])
def test_missing(saved, name):
    (saved[0] / name).unlink()
    refused(saved[0], f"{name}` is missing")


@pytest.mark.parametrize("name", ["best.json", "best.safetensors"])
@pytest.mark.parametrize("keep", [0, 1, 50, -1])
def test_truncated(saved, name, keep):
    path = saved[0] / name
    path.write_bytes(path.read_bytes()[:keep] if keep >= 0 else path.read_bytes()[:-3])
    refused(saved[0], name if name == "best.safetensors" else "best")


def test_one_altered_bit(saved):
    path = saved[0] / "best.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))
    refused(saved[0], "digest differs")


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', "{}", '{"format": "other"}'])
def test_foreign_card(saved, text):
    (saved[0] / "best.json").write_text(text, encoding="utf-8")
    refused(saved[0], "is not one of topophys")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"{", b""])
def test_unreadable_card(saved, content):
    (saved[0] / "best.json").write_bytes(content)
    refused(saved[0], "cannot be read")


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_other_version(saved, version):
    change(saved[0], version=version)
    refused(saved[0], "reads version 1")


@pytest.mark.parametrize(
    "settings",
    [
        None,
        [1, 2],
        {"input_dim": 8, "layers": 3},
        {"input_dim": 7},
        {"input_dim": 8, "hidden_dims": [4, 3]},
        {"input_dim": 8, "hidden_dims": "abc"},
        {"input_dim": 8, "hidden_dims": [5, 3, 6], "output_features": 2},  # another size
    ],
)
def test_settings_that_do_not_fit(saved, settings):
    change(saved[0], settings=settings)
    refused(saved[0], "does not fit its settings")


@pytest.mark.parametrize("name", ["Linear", "", None, ["TopologicalMLEncoder"]])
def test_other_network(saved, name):
    change(saved[0], encoder=name)
    refused(saved[0], "does not fit its settings")


def test_missing_and_surplus_weights(saved):
    state = load_file(saved[0] / "best.safetensors")
    width = state.pop("head.log_width")
    for changed in (state, state | {"head.log_width": width, "extra": width + 1}):
        save_file(changed, saved[0] / "best.safetensors")
        put_weights(saved[0], (saved[0] / "best.safetensors").read_bytes())
        refused(saved[0], "does not fit its settings")


class Bomb:
    """Unpickling it leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_pickles_are_never_loaded(saved, tmp_path):
    trace = tmp_path / "trace"
    put_weights(saved[0], pickle.dumps(Bomb(trace)))
    refused(saved[0], "does not fit its settings")
    torch.save({"weights": Bomb(trace)}, saved[0] / "best.safetensors")
    put_weights(saved[0], (saved[0] / "best.safetensors").read_bytes())
    refused(saved[0], "does not fit its settings")
    assert not trace.exists()


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError):
        save_encoder(tmp_path / "file", "best", TopologicalMLEncoder(hidden_dims=(2, 2, 2)))


# ---- whole runs


@pytest.fixture
def run_folder(touched, tmp_path):
    return shutil.copytree(touched, tmp_path / "copy")


def run_refused(folder, match):
    with pytest.raises(CheckpointError, match=match) as caught:
        load_run(folder)
    assert "\n" not in str(caught.value)


def change_run(folder, **entries):
    card = json.loads((folder / "run.json").read_text(encoding="utf-8")) | entries
    (folder / "run.json").write_text(json.dumps(sealed(card)), encoding="utf-8")


def test_run_comes_back(run_folder, touched):
    one, two = load_run(run_folder), load_run(touched)
    assert one.path == run_folder
    assert (one.config, one.history, one.provenance) == (two.config, two.history, two.provenance)


def test_missing_folder_and_unfinished_training(tmp_path, run_folder):
    run_refused(tmp_path / "nowhere", "not a folder with a finished training")
    (run_folder / "run.json").unlink()
    run_refused(run_folder, "not a folder with a finished training")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[1]", b"{}", b'{"format": "x"}'])
def test_damaged_run_card(run_folder, content):
    (run_folder / "run.json").write_bytes(content)
    run_refused(run_folder, r"run\.json")


@pytest.mark.parametrize(
    "entries",
    [
        {"config": {"epoch": 3}},
        {"config": None},
        {"history": []},
        {"history": 3},
        {"history": ["epoch"]},
        {"history": [{"epoch": 0}]},
        {"provenance": "abc"},
        {"provenance": {}},
        {"provenance": None},
    ],
)
def test_altered_run_card(run_folder, entries):
    change_run(run_folder, **entries)
    run_refused(run_folder, r"run\.json")


def test_run_of_another_version(run_folder):
    change_run(run_folder, version=3, config={"unheard": "of"})
    run_refused(run_folder, "reads version 2")


def test_run_without_weights(run_folder):
    (run_folder / "best.safetensors").unlink()
    run_refused(run_folder, "is missing")
