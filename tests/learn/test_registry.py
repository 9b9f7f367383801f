"""Which network reads what."""

import pytest
import torch

from topophys.errors import InputError, KindError, RecipeError
from topophys.learn import (
    TopologicalMLEncoder,
    TopologicalMLEncoder2D,
    TopologicalMLEncoderLoops,
    register_encoder,
)
from topophys.learn.encoders.registry import (
    ENCODERS,
    READERS,
    Entry,
    build_encoder,
    encoder_class,
    rebuild_encoder,
    registered_name,
)


@pytest.mark.parametrize(
    ("kind", "shape", "cls"),
    [
        ("winding", (32, 8), TopologicalMLEncoder),
        ("chern", (6, 8, 3), TopologicalMLEncoder2D),
        ("bands", (6, 8, 18), TopologicalMLEncoderLoops),
    ],
)
def test_kinds_of_data_have_their_networks(kind, shape, cls):
    filling = {"n_occupied": 1} if kind == "bands" else {}
    encoder = build_encoder(kind, shape, {"hidden_dims": (4, 5, 6), "num_classes": 5} | filling)
    assert type(encoder) is cls
    assert encoder_class(kind) == (cls.__name__, cls)
    out = encoder(torch.randn(2, *shape))
    assert out["topological_logits"].shape == (2, 5)


@pytest.mark.parametrize(("kind", "shape"), [("winding", (16, 18)), ("chern", (6, 8, 3))])
def test_networks_are_made_again_from_their_settings(kind, shape):
    encoder = build_encoder(kind, shape, {"gated": False})
    again = rebuild_encoder(type(encoder).__name__, encoder.settings)
    again.load_state_dict(encoder.state_dict())
    x = torch.randn(2, *shape)
    assert again.settings == encoder.settings
    assert torch.equal(again(x)["invariant"], encoder(x)["invariant"])


def test_both_networks_answer_in_one_schema():
    one, two = (
        build_encoder(kind, shape)(torch.randn(2, *shape))
        for kind, shape in (("winding", (8, 8)), ("chern", (4, 4, 3)))
    )
    assert set(one) == set(two)
    assert set(one["local_features"]) | {"h3_features"} == set(two["local_features"])


def test_refusals():
    with pytest.raises(KindError, match="kind"):
        build_encoder("weather", (4, 4))
    with pytest.raises(KindError, match="register_encoder"):
        rebuild_encoder("TopologicalMLEncoder9D", {})
    with pytest.raises(RecipeError, match=r"encoder\.depth.*hidden_dims"):
        build_encoder("winding", (32, 8), {"depth": 3})
    with pytest.raises(InputError, match="input_dim"):
        build_encoder("chern", (4, 4, 4))


def test_names_are_those_of_the_classes():
    assert all(entry.cls.__name__ == name for name, entry in ENCODERS.items())


def test_default_networks_are_in_the_table_with_their_kind():
    assert set(READERS.values()) <= set(ENCODERS)
    defaults = [ENCODERS[name].kind for name in set(READERS.values())]
    assert [READERS[kind] for kind in defaults] == list(set(READERS.values()))


def test_one_line_of_the_table_adds_an_encoder(monkeypatch):
    """Built by name, named in checkpoints, built again with what older ones left out."""

    class Wide(TopologicalMLEncoder):
        def __init__(self, *, h1=True, **settings):
            super().__init__(**settings)
            self.settings["h1"] = h1

    monkeypatch.setitem(ENCODERS, "Wide", Entry(Wide, "winding", older={"h1": False}))
    assert encoder_class("winding", "Wide") == ("Wide", Wide)
    assert encoder_class("winding") == ("TopologicalMLEncoder", TopologicalMLEncoder)
    encoder = build_encoder("winding", (16, 8), {"h1": True}, name="Wide")
    assert type(encoder) is Wide
    assert registered_name(encoder) == "Wide"
    assert rebuild_encoder("Wide", {"h1": True}).settings["h1"] is True
    assert rebuild_encoder("Wide", {}).settings["h1"] is False
    with pytest.raises(RecipeError, match=r"encoder\.name.*\(TopologicalMLEncoder2D\)"):
        build_encoder("chern", (6, 8, 3), name="Wide")


def test_a_name_of_the_package_is_not_given_away():
    for name in ENCODERS:
        with pytest.raises(InputError, match="of the package"):
            register_encoder(name, TopologicalMLEncoder, "winding")
