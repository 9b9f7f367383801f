"""Training: repeatable, keeps the best epoch, refuses before it writes."""

import json
import sys

import numpy as np
import pytest
import torch

from tests.integration.artefacts import TOUCHES, read
from topophys.datasets import open_dataset
from topophys.errors import InputError, OutputError, RecipeError
from topophys.learn import FitConfig, TopologicalMLEncoder, fit, load_run
from topophys.learn.checkpoint import load_encoder
from topophys.learn.run import predict_invariants


def train(path, data, **changes):
    config = TOUCHES.model_copy(update=changes)
    with open_dataset(data) as dataset:
        return fit(config, dataset, path, progress=False)


def weights(run):
    return run.encoder.state_dict()


def same(one, other):
    assert set(one) == set(other)
    return [torch.equal(one[name], other[name]) for name in one]


# ---- seeds


def test_same_seed_gives_the_same_network_to_the_bit(tmp_path, tiny_file):
    one, two = (train(tmp_path / name, tiny_file) for name in ("a", "b"))
    assert all(same(weights(one), weights(two)))
    for name in ("best", "last"):
        first, second = (tmp_path / r / f"{name}.safetensors" for r in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
    timeless = [
        [{k: v for k, v in e.items() if k != "seconds"} for e in r.history] for r in (one, two)
    ]
    assert timeless[0] == timeless[1]


def test_other_seeds_give_other_networks(tmp_path, tiny_file):
    one, two = (train(tmp_path / str(s), tiny_file, seed=s) for s in (1, 2))
    assert not any(same(weights(one), weights(two)))


def test_random_state_of_the_caller_is_left_alone_and_has_no_influence(tmp_path, tiny_file):
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    one = train(tmp_path / "a", tiny_file)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(456)
    assert all(same(weights(one), weights(train(tmp_path / "b", tiny_file))))


def test_every_layer_is_trained(trained):
    with torch.random.fork_rng():
        torch.manual_seed(trained.config.seed)
        start = TopologicalMLEncoder(**trained.encoder.settings).state_dict()
    for name, value in weights(load_run(trained.path)).items():
        moved = (value - start[name]).norm() / start[name].norm()
        # weight decay alone would move a weight by 1e-4; the width only serves the class scores
        assert moved > (1e-3 if name == "head.log_width" else 0.1), name


def test_threads_are_restored(tmp_path, tiny_file):
    before = torch.get_num_threads()
    train(tmp_path / "a", tiny_file, threads=before + 1)
    assert torch.get_num_threads() == before


# ---- the best epoch


def test_best_epoch_is_kept(trained, chains_file):
    x, label = read(chains_file, "val", "x", "label")
    best = max(trained.history, key=lambda r: (r["val_accuracy"], -r["val_loss"]))
    answers = predict_invariants(trained.encoder, x)
    distance = np.abs(answers - label)
    huber = np.where(distance < 0.5, 0.5 * distance**2, 0.5 * (distance - 0.25))
    assert best["val_accuracy"] == (np.rint(answers) == label).mean()
    assert best["val_loss"] == pytest.approx(huber.mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([(0.3, 0.5), (0.9, 0.4), (0.5, 0.1)], 1),  # accuracy decides
        ([(0.9, 0.5), (0.9, 0.2), (0.9, 0.3)], 1),  # of equals, the loss
        ([(0.9, 0.2), (0.9, 0.2), (0.1, 0.0)], 0),  # of those, the first
        ([(0.0, 0.9), (0.0, 0.8), (0.0, 0.7)], 2),
    ],
)
def test_choice_of_the_best_epoch(tmp_path, tiny_file, monkeypatch, scores, best):
    module = sys.modules[fit.__module__]
    states, script = [], iter(scores)

    def validate(trainer, val, together):
        states.append({k: v.clone() for k, v in trainer.encoder.state_dict().items()})
        accuracy, loss = next(script)
        return {"val_accuracy": accuracy, "val_loss": loss}

    monkeypatch.setattr(module, "_validate", validate)
    run = train(tmp_path / "a", tiny_file)
    assert not any(same(states[0], states[1]))
    assert all(same(weights(run), states[best]))
    assert all(same(load_encoder(run.path, "last").state_dict(), states[-1]))


def test_record_of_the_training(touched):
    run = load_run(touched)
    assert [r["epoch"] for r in run.history] == [0, 1, 2]
    lines = (touched / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == run.history
    for record in run.history:
        expected = record["regression_loss"] + 0.1 * record["auxiliary_loss"]
        assert record["loss"] == pytest.approx(expected, rel=1e-6)
    assert run.config == TOUCHES
    assert run.provenance["classes_seen"] == [-1, 0, 1]
    assert run.provenance["train_samples"] == 300
    assert run.provenance["flattened_input"] is True
    assert {p.name for p in touched.iterdir()} == {
        "best.json",
        "best.safetensors",
        "last.json",
        "last.safetensors",
        "log.jsonl",
        "run.json",
        "training.toml",
        "README.md",
    }


def test_training_can_start_from_one_sample_per_step_and_one_step(tmp_path, tiny_file):
    run = train(tmp_path / "a", tiny_file, epochs=1, batch_size=10**6)
    assert len(run.history) == 1


# ---- refusals


def refused(kind, path, data, match, **changes):
    with pytest.raises(kind, match=match) as caught:
        train(path, data, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("left", ["log.jsonl", "run.json", "best.json", "last.json"])
def test_folder_that_holds_a_training(tmp_path, tiny_file, left):
    (tmp_path / left).write_text("{}", encoding="utf-8")
    refused(OutputError, tmp_path, tiny_file, "already holds a training")
    assert [p.name for p in tmp_path.iterdir()] == [left]


def test_folder_below_a_file(tmp_path, tiny_file):
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused(OutputError, tmp_path / "file" / "run", tiny_file, "cannot be made")


def test_data_of_another_kind(tmp_path, chern_file, monkeypatch):
    readers = {"winding": "TopologicalMLEncoder"}
    monkeypatch.setattr("topophys.learn.data.READERS", readers)
    refused(RecipeError, tmp_path / "run", chern_file, "'chern'")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("key", ["train_split", "val_split"])
def test_unknown_split(tmp_path, tiny_file, key):
    message = refused(
        RecipeError, tmp_path / "run", tiny_file, "`training_data`", **{key: "training_data"}
    )
    assert "train, val, test, beyond, finer_grid" in message
    assert not (tmp_path / "run").exists()


def test_too_few_classes(tmp_path, tiny_file):
    refused(RecipeError, tmp_path / "run", tiny_file, "at least 5", train_split="beyond")
    assert not (tmp_path / "run").exists()
    config = FitConfig.from_mapping(
        {
            "train_split": "beyond",
            "epochs": 1,
            "encoder": {"num_classes": 5, "hidden_dims": (4, 3, 6)},
        }
    )
    with open_dataset(tiny_file) as dataset:
        run = fit(config, dataset, tmp_path / "five", progress=False)
    assert run.provenance["classes_seen"] == [-2, 2]


def test_unusable_device(tmp_path, tiny_file):
    with open_dataset(tiny_file) as dataset, pytest.raises(InputError, match="`device`"):
        fit(TOUCHES, dataset, tmp_path / "run", device="abacus", progress=False)
    assert not (tmp_path / "run").exists()


def test_non_finite_loss_names_the_samples(tmp_path, tiny_file):
    path = tmp_path / "run"
    refused(InputError, path, tiny_file, "lower `learning_rate`", learning_rate=1e30, epochs=5)
    assert not (path / "run.json").exists()
    with pytest.raises(Exception, match="not a folder with a finished training"):
        load_run(path)


def test_progress_is_shown(tmp_path, tiny_file, capsys):
    with open_dataset(tiny_file) as dataset:
        fit(TOUCHES, dataset, tmp_path / "run")
    assert capsys.readouterr().err.splitlines()[-1].startswith("training: 900 of 900 in ")
