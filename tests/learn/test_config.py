"""Settings of a training: complete, strict, and refused in one line."""

import inspect

import pytest

from topophys.datasets import Recipe
from topophys.errors import InputError, RecipeError
from topophys.learn import EncoderConfig, FitConfig, TopologicalMLEncoder
from topophys.report import recipe_path


def refusal(mapping):
    with pytest.raises(RecipeError) as caught:
        FitConfig.from_mapping(mapping, "here.toml")
    assert "\n" not in str(caught.value)
    assert "here.toml" in str(caught.value)
    return str(caught.value)


def test_settings_survive_json():
    config = FitConfig.from_mapping({"seed": 4, "encoder": {"hidden_dims": [3, 2, 5]}})
    assert FitConfig.from_mapping(config.model_dump(mode="json")) == config
    assert config.encoder.hidden_dims == (3, 2, 5)


def test_settings_of_the_network_are_arguments_of_the_network():
    known = inspect.signature(TopologicalMLEncoder).parameters
    encoder = TopologicalMLEncoder(
        **EncoderConfig(num_classes=5, gated=False, point_layers=2).arguments(known)
    )
    assert encoder.settings["num_classes"] == 5
    assert encoder.settings["gated"] is False
    assert encoder.settings["point_layers"] == 2


def test_settings_that_a_network_does_not_have():
    # defaults that mean nothing to it are left out, what was asked for is not
    assert EncoderConfig().arguments(["num_classes"]) == {"num_classes": 3}
    asked = EncoderConfig(gated=False, harmonics=3).arguments(["num_classes"])
    assert asked == {"num_classes": 3, "gated": False, "harmonics": 3}


def test_settings_that_come_with_the_package():
    config = FitConfig.from_toml(recipe_path("winding-1d", "training.toml"))
    assert config.train_split == "train"
    assert config.auxiliary_weight == 0.1


@pytest.mark.parametrize("key", ["epoch", "lr", "device", "Seed"])
def test_unknown_keys_are_named_beside_the_known_ones(key):
    message = refusal({key: 1})
    assert f"`{key}`" in message
    assert "learning_rate" in message
    assert "encoder" in message


def test_unknown_keys_of_the_network():
    assert "`encoder.layers`" in refusal({"encoder": {"layers": 3}})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", "many"),
        ("batch_size", -1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("weight_decay", -1e-9),
        ("weight_decay", float("inf")),
        ("gradient_clip", 0.0),
        ("auxiliary_weight", -0.1),
        ("auxiliary_weight", float("nan")),
        ("threads", 0),
        ("local_supervision", -0.1),
        ("local_supervision", float("inf")),
        ("patience", 0),
        ("checkpoint_steps", 0),
        ("in_memory", "perhaps"),
        ("seed", -1),
        ("seed", 2**64),
        ("train_split", 3),
        ("encoder", 7),
        ("encoder", {"hidden_dims": [1, 2]}),
        ("encoder", {"num_classes": 0}),
    ],
)
def test_impossible_values_are_named(key, value):
    assert f"`{key}" in refusal({key: value})


def test_settings_cannot_be_changed():
    with pytest.raises(InputError, match=r"`seed`.*model_copy") as caught:
        FitConfig().seed = 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FitConfig(epoch=3), r"FitConfig: unknown key `epoch` \(did you mean `epochs`\?"),
        (lambda: FitConfig(lr=0.1), r"FitConfig: unknown key `lr`; allowed here: .*learning_rate"),
        (lambda: FitConfig(epochs="many"), r"FitConfig: key `epochs` must be a valid integer"),
        (
            lambda: FitConfig(encoder={"hiden_dims": (1, 2, 3)}),
            r"FitConfig: unknown key `encoder.hiden_dims` \(did you mean `hidden_dims`\?",
        ),
        (lambda: EncoderConfig(num_clases=3), "EncoderConfig: unknown key .* `num_classes`"),
        (lambda: Recipe(naem="x"), r"Recipe: unknown key `naem` \(did you mean `name`\?"),
        (Recipe, "Recipe: key `name` is missing"),
        (lambda: FitConfig(num_classes=5), "`num_classes` .did you mean `encoder.num_classes`"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_one_line(make, words):
    with pytest.raises(RecipeError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_editors_see_the_settings():
    assert "epochs" in inspect.signature(FitConfig).parameters
    assert "name" in inspect.signature(Recipe).parameters


def test_toml(tmp_path):
    path = tmp_path / "training.toml"
    path.write_text("seed = 9\n[encoder]\nhidden_dims = [4, 4, 4]\n", encoding="utf-8")
    config = FitConfig.from_toml(path)
    assert (config.seed, config.encoder.hidden_dims) == (9, (4, 4, 4))


def test_toml_of_settings_is_read_back(tmp_path):
    path = tmp_path / "training.toml"
    settings = {
        "patience": 3,
        "in_memory": False,
        "local_supervision": 0.25,
        "learning_rate": 3e-7,
        "train_split": 'a "b" \\ c',
        "encoder": {"hidden_dims": [4, 5, 6], "upsample": 2},
    }
    for config in (FitConfig(), FitConfig.from_mapping(settings)):
        path.write_text(config.to_toml(), encoding="utf-8")
        assert FitConfig.from_toml(path) == config


@pytest.mark.parametrize("content", [b"seed = ", b"\xff\xfe", b"seed = 1\nseed = 2"])
def test_broken_toml(tmp_path, content):
    path = tmp_path / "training.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"training\.toml") as caught:
        FitConfig.from_toml(path)
    assert "\n" not in str(caught.value)


def test_missing_toml(tmp_path):
    with pytest.raises(RecipeError, match=r"nowhere\.toml"):
        FitConfig.from_toml(tmp_path / "nowhere.toml")
