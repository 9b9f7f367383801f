"""Patience, TensorBoard, other kinds of data."""

import builtins
import sys
import types

import pytest

from tests.integration.artefacts import TOUCHES
from topophys.datasets import open_dataset
from topophys.errors import InputError
from topophys.learn import FitConfig, fit


def train(data, folder, config=TOUCHES, **options):
    with open_dataset(data) as dataset:
        return fit(config, dataset, folder, progress=False, **options)


def test_patience_ends_a_training_that_gets_no_better(tiny_file, tmp_path, monkeypatch):
    scores = iter([(0.5, 0.6), (0.5, 0.7), (0.4, 0.8), (0.3, 0.9), (0.2, 1.0), (0.1, 1.0)])

    def validate(trainer, val, group):
        loss, accuracy = next(scores)
        return {"val_loss": loss, "val_accuracy": accuracy}

    monkeypatch.setattr(sys.modules[fit.__module__], "_validate", validate)
    config = TOUCHES.model_copy(update={"epochs": 6, "patience": 2})
    # loss 0.5 for both first epochs; accuracy rises to the end, so that all epochs are made
    assert len(train(tiny_file, tmp_path / "a", config).history) == 6
    scores = iter([(0.5, 0.6), (0.5, 0.7), (0.5, 0.6), (0.5, 0.7), (0.2, 1.0), (0.1, 1.0)])
    run = train(tiny_file, tmp_path / "b", config)
    assert [record["epoch"] for record in run.history] == [0, 1, 2, 3]
    assert run.best_epoch["epoch"] == 1


def test_tensorboard_that_is_not_installed(tiny_file, tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name, *rest):
        if "tensorboard" in name:
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match="pip install tensorboard") as caught:
        train(tiny_file, tmp_path / "run", tensorboard=True)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_tensorboard_gets_every_record(tiny_file, tmp_path, monkeypatch):
    class Board:
        def __init__(self):
            self.said, self.folders = [], []

        def add_scalar(self, name, value, epoch):
            self.said.append((name, value, epoch))

        def flush(self):
            self.said.append("flushed")

    board = Board()

    def writer(folder):
        board.folders.append(folder)
        return board

    installed = types.SimpleNamespace(SummaryWriter=writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", installed)
    run = train(tiny_file, tmp_path / "run", tensorboard=True)
    assert board.folders == [str(tmp_path / "run" / "tensorboard")]
    assert board.said.count("flushed") == len(run.history)
    losses = [value for name, value, _ in (s for s in board.said if s != "flushed")
              if name == "val_loss"]  # fmt: skip
    assert losses == [record["val_loss"] for record in run.history]


@pytest.mark.parametrize("kind", ["chern_file", "bands_file"])
def test_networks_in_two_dimensions(kind, request, tmp_path):
    config = FitConfig(
        epochs=2,
        batch_size=20,
        local_supervision=0.1 if kind == "chern_file" else 0.0,
        encoder={"hidden_dims": (4, 5, 6), "num_classes": 5},
    )
    run = train(request.getfixturevalue(kind), tmp_path / "run", config)
    assert run.kind == kind.removesuffix("_file")
    assert run.predict is not None
    assert len(run.history) == 2
