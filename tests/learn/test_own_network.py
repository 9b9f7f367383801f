"""Networks of users: `fit(model=)`, callbacks, `register_encoder`."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import topophys as tp
from tests.integration.artefacts import TOUCHES
from topophys.datasets import open_dataset
from topophys.errors import CheckpointError, InputError, RecipeError, ShapeError
from topophys.learn import (
    EncoderConfig,
    FitConfig,
    TopologicalMLEncoder,
    fit,
    load_run,
    register_encoder,
)
from topophys.learn.adapters import OutputAdapter, adapted
from topophys.learn.encoders.registry import ENCODERS
from topophys.learn.training import _check_callbacks


class Scores(nn.Module):
    """Class scores alone."""

    def __init__(self, input_dim=8, num_classes=3, width=12):
        super().__init__()
        self.settings = {"input_dim": input_dim, "num_classes": num_classes, "width": width}
        self.pairs = nn.Sequential(nn.Linear(2 * input_dim, width), nn.GELU())
        self.scores = nn.Linear(width, num_classes)

    def forward(self, x):
        pairs = torch.cat([x, x.roll(-1, dims=1)], dim=-1)
        return self.scores(self.pairs(pairs).mean(1))


class Invariant(Scores):
    """A real invariant alone."""

    def __init__(self):
        super().__init__(num_classes=1)

    def forward(self, x):
        return super().forward(x).squeeze(-1)


class Recorder:
    def __init__(self):
        self.calls = []

    def on_epoch_end(self, epoch, metrics):
        self.calls.append((epoch, metrics))


@pytest.fixture
def registry():
    before = dict(ENCODERS)
    yield
    ENCODERS.clear()
    ENCODERS.update(before)


def train(data, folder=None, model=None, config=TOUCHES, **options):
    with open_dataset(data) as dataset:
        return fit(config, dataset, folder, model=model, progress=False, **options)


def seeded(cls, *args):
    torch.manual_seed(5)
    return cls(*args)


@pytest.mark.parametrize("cls", [Scores, Invariant, TopologicalMLEncoder])
def test_any_module_is_trained_in_place_and_loaded_into_another(cls, tiny_file, tmp_path):
    network, fresh = seeded(cls), cls()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    run = train(tiny_file, tmp_path / "run", network)
    assert all(not torch.equal(v, before[k]) for k, v in network.state_dict().items()
               if v.is_floating_point() and v.numel() > 1)  # fmt: skip
    again = load_run(tmp_path / "run", model=fresh)
    with open_dataset(tiny_file) as data:
        chains = data.split("val").hamiltonians(range(9))
        np.testing.assert_array_equal(run.predict(chains).real, again.predict(chains).real)
    assert any(
        not torch.equal(v, again.encoder.state_dict().get(f"module.{k}", v + 1))
        for k, v in fresh.state_dict().items()
    )  # a copy was filled, not the module given


def test_own_encoder_gives_the_bits_of_the_built_in_path(tiny_file, tmp_path):
    built = train(tiny_file, tmp_path / "built")
    settings = built.encoder.settings
    with torch.random.fork_rng():
        torch.manual_seed(TOUCHES.seed)
        network = TopologicalMLEncoder(**settings)
    own = train(tiny_file, tmp_path / "own", network)
    for name, value in built.encoder.state_dict().items():
        assert torch.equal(value, own.encoder.state_dict()[name]), name


def test_unregistered_classes_need_the_model(tiny_file, tmp_path):
    train(tiny_file, tmp_path / "run", seeded(Scores))
    with pytest.raises(CheckpointError, match="register_encoder") as caught:
        load_run(tmp_path / "run")
    assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="must have shape"):
        load_run(tmp_path / "run", model=Scores(width=5))


def test_registered_class_is_named_in_the_settings(tiny_file, tmp_path, registry):
    register_encoder("Scores", Scores, "winding")
    encoder = {"name": "Scores", "options": {"width": 7}}
    config = FitConfig.from_mapping(TOUCHES.model_dump() | {"encoder": encoder})
    run = train(tiny_file, tmp_path / "run", config=config)
    again = load_run(tmp_path / "run")
    assert isinstance(again.encoder, OutputAdapter)
    assert again.encoder.module.settings["width"] == 7
    assert again.config == config
    assert FitConfig.from_toml(tmp_path / "run" / "training.toml") == config
    x = torch.randn(4, 32, 8)
    with torch.no_grad():
        assert torch.equal(run.encoder(x)["invariant"], again.encoder(x)["invariant"])


def test_registration_is_checked(registry, tiny_file, tmp_path):
    with pytest.raises(InputError, match="kind"):
        register_encoder("Scores", Scores, "weather")
    with pytest.raises(InputError, match="of the package"):
        register_encoder("TopologicalMLEncoder", Scores, "winding")
    register_encoder("Scores", Scores, "chern")
    config = FitConfig.from_mapping({"encoder": {"name": "Scores"}})
    with pytest.raises(RecipeError, match=r"encoder\.name"):
        train(tiny_file, tmp_path / "run", config=config)
    assert not (tmp_path / "run").exists()


def test_callbacks_receive_the_lines_of_the_log(tiny_file, tmp_path):
    one, two = Recorder(), Recorder()
    run = train(tiny_file, tmp_path / "run", callbacks=[one, two])
    assert one.calls == two.calls == [(r["epoch"], r) for r in run.history]
    lines = (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [metrics for _, metrics in one.calls] == [json.loads(line) for line in lines]
    with pytest.raises(InputError, match="on_epoch_end"):
        _check_callbacks([print])


def test_without_a_path_the_folder_goes_with_the_run(tiny_file):
    run = train(tiny_file)
    folder = run.path
    assert (folder / "run.json").is_file()
    del run
    assert not folder.exists()
    with pytest.raises(InputError, match="`path`"):
        train(tiny_file, resume=True)


def test_scores_round_to_the_most_probable_class_with_its_probability_as_confidence():
    class Given(nn.Module):
        def forward(self, x):
            return x

    logits = torch.randn(200, 5, dtype=torch.float64, requires_grad=True)
    out = adapted(Given(), logits[:2], 5)(logits)
    probability = logits.softmax(-1)
    assert torch.equal(out["invariant"].round().long(), logits.argmax(-1) - 2)
    distance = (out["invariant"] - out["invariant"].round()).abs()
    torch.testing.assert_close(1.0 - 2.0 * distance, probability.amax(-1).detach())
    assert not out["invariant"].requires_grad


@pytest.mark.parametrize("scores", [2, 4, 5])
def test_class_scores_are_as_many_as_the_network_returns(tiny_file, scores):
    """What `config.encoder` says of the network of the package does not matter."""
    network = Scores(num_classes=scores)
    config = TOUCHES.model_copy(update={"encoder": EncoderConfig(num_classes=1)})
    if scores % 2:
        run = train(tiny_file, None, network, config)
        assert run.predict(tp.models.ssh(1.0, 2.0)).real.shape == ()
    else:
        message = f"at least 3 for labels from -1 to 1, but returns {scores}"
        with pytest.raises(ShapeError, match=message) as caught:
            train(tiny_file, None, network, config)
        assert "num_classes" not in str(caught.value)


def test_an_invariant_needs_no_number_of_classes(tiny_file):
    config = TOUCHES.model_copy(update={"encoder": EncoderConfig(num_classes=1)})
    assert (
        train(tiny_file, None, Invariant(), config).predict(tp.models.ssh(1.0, 2.0)).real.ndim == 0
    )


def test_outputs_without_a_meaning_are_refused():
    class Wrong(nn.Module):
        def __init__(self, out):
            super().__init__()
            self.out = out

        def forward(self, x):
            return self.out

    for out in (torch.zeros(2, 3, 4), "text", None):
        with pytest.raises(ShapeError, match="class scores"):
            OutputAdapter(Wrong(out), 3)(torch.zeros(2, 8, 8))
    with pytest.raises(InputError, match="topological_logits"):
        OutputAdapter(Wrong({"answer": torch.zeros(2)}), 3)(torch.zeros(2, 8, 8))
