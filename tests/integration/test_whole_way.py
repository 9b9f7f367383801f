"""From a recipe to a page by the commands of the README, one after the other."""

import json

import numpy as np
import pytest

from tests.integration.artefacts import tiny
from topophys.cli import main
from topophys.datasets import open_dataset
from topophys.learn import load_run
from topophys.report import load_summary


def program(*words):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


@pytest.mark.slow
def test_recipe_to_page(tmp_path, capsys):
    data, chern_data, run = (tmp_path / name for name in ("chains.h5", "surface.h5", "run"))
    settings, blocks = tmp_path / "training.toml", tmp_path / "blocks.npy"
    settings.write_text(
        "epochs = 4\nbatch_size = 25\nlearning_rate = 1e-2\n[encoder]\nhidden_dims = [16, 8, 16]\n",
        encoding="utf-8",
    )
    assert program("generate", tiny("winding"), "-o", data) == 0
    assert program("generate", tiny("chern"), "-o", chern_data) == 0
    assert program("verify", data, "--recompute", "all") == 0
    assert program("train", data, "-o", run, "--config", settings) == 0
    with open_dataset(data) as dataset:
        np.save(blocks, dataset.split("test").hamiltonians().block_on_grid(32))
    assert program("predict", run, blocks) == 0
    assert program("probe", run, "-n", "40") == 0
    assert program("plot", run, "--chern-data", chern_data) == 0
    assert program("report", run) == 0
    capsys.readouterr()

    summary = load_summary(run)
    assert summary["datasets"][0]["name"] == "tiny-winding"
    assert summary["training"]["settings"]["batch_size"] == 25
    assert summary["probes"]["n_hamiltonians"] == 40
    assert {row["split"] for row in summary["accuracy"]} == {"val", "test", "beyond", "finer_grid"}
    cards = json.loads((run / "figures" / "figures.json").read_text(encoding="utf-8"))
    names = {card["name"] for card in cards}
    assert names >= {"winding_angle", "probes", "causal", "audit", "berry_flux"}
    assert len(cards) == len(names) == 10
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 10
    assert load_run(run).predict(np.load(blocks)).value.shape == (60,)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.always
def test_the_same_recipe_and_seed_give_the_same_network(tmp_path):
    weights = []
    for name in ("one", "two"):
        data, run = tmp_path / f"{name}.h5", tmp_path / name
        assert program("generate", tiny("winding"), "-o", data, "--quiet") == 0
        assert program("train", data, "-o", run, "--quiet") == 0
        weights.append((run / "best.safetensors").read_bytes())
    assert weights[0] == weights[1]
