"""Figures of chains and of planes, with numbers that are those of the physics core."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import topophys as tp
from topophys.datasets import Recipe, generate, open_dataset
from topophys.errors import InputError
from topophys.learn import TopologicalMLEncoder, TopologicalMLEncoder2D, load_run
from topophys.report import draw_figures, measure_accuracy
from topophys.report.evaluation import largest_gap_samples
from topophys.report.figures import probe_rows


def table(path):
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def chains(trained, chains_file, chern_file, tmp_path_factory):
    run = load_run(shutil.copytree(trained.path, tmp_path_factory.mktemp("figures") / "run"))
    for part in ("probes", "causal", "audit", "accuracy"):
        (run.path / f"{part}.json").unlink(missing_ok=True)
    with open_dataset(chains_file) as dataset, open_dataset(chern_file) as chern_data:
        paths = draw_figures(run, dataset, chern_data=chern_data)
        found = largest_gap_samples(run, dataset)
        models = {c: dataset.split(s).hamiltonians(i) for c, (s, i) in found.items()}
    return run.path / "figures", paths, models


def test_probe_figures_of_runs_that_were_probed_by_earlier_releases():
    """They have one measure and one split, and do not say so in every row."""
    row = {"layer": "h2_features", "source": "trained", "target": "dalpha", "r2": 0.9}
    (drawn,) = probe_rows({"split": "test", "results": [row, row | {"split": "beyond"}]})
    assert drawn == row | {"layer": "h2", "measure": "raw", "split": "test"}


def test_every_figure_has_its_files(chains):
    folder, paths, _ = chains
    cards = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    names = [card["name"] for card in cards]
    assert names == ["winding_angle", "winding_steps", "det_loop", "training", "confusion",
                     "berry_flux"]  # fmt: skip
    assert paths == [folder / f"{n}.{kind}" for n in names for kind in ("png", "svg", "csv")]
    assert all(path.stat().st_size > 20 for path in paths)


def test_winding_angles_in_the_table_are_exact(chains):
    folder, _, models = chains
    numbers = table(folder / "winding_angle.csv")
    assert set(numbers["nu"]) == {0, 1, -1, 2, -2}
    for nu, model in models.items():
        mine = numbers["nu"] == nu
        np.testing.assert_allclose(numbers["k"][mine], tp.k_grid(32).ravel())
        alpha = tp.winding_angle(model.block_on_grid(32))
        np.testing.assert_allclose(numbers["alpha"][mine], alpha, atol=1e-9)
        assert np.cos(numbers["alpha_read"][mine] - alpha).mean() > 0.9


def test_steps_and_loops(chains):
    folder, _, models = chains
    steps = table(folder / "winding_steps.csv")
    assert np.corrcoef(steps["dalpha"], steps["dalpha_read"])[0, 1] > 0.8
    loops = table(folder / "det_loop.csv")
    mine = loops["nu"] == 2
    det = np.linalg.det(models[2].block_on_grid(1024))
    np.testing.assert_allclose(loops["re_det"][mine] + 1j * loops["im_det"][mine], det, atol=1e-9)


def test_counts_of_the_confusion(chains, trained, chains_file):
    numbers = table(chains[0] / "confusion.csv")
    with open_dataset(chains_file) as dataset:
        sizes = [len(dataset.split(s)) for s in ("test", "beyond", "finer_grid")]
    assert numbers["count"].sum() == sum(sizes)


def test_flux_of_the_surface(chains):
    numbers = table(chains[0] / "berry_flux.csv")
    for chern in set(numbers["C"]):
        total = numbers["F"][numbers["C"] == chern].sum() / (2 * np.pi)
        assert total == pytest.approx(chern, abs=1e-9)


@pytest.mark.slow
def test_planes(trained, chern_file, tmp_path):
    torch.manual_seed(0)
    encoder = TopologicalMLEncoder2D(hidden_dims=(4, 6, 8))
    notes = trained.provenance | {"kind": "chern"}
    run = replace(trained, path=tmp_path, encoder=encoder, provenance=notes)
    with open_dataset(chern_file) as dataset:
        measure_accuracy(run, dataset)
        draw_figures(run, dataset)
    numbers = table(tmp_path / "figures" / "flux_comparison.csv")
    assert set(numbers) == {"C", "kx", "ky", "F", "F_read"}
    for chern in set(numbers["C"]):
        total = numbers["F"][numbers["C"] == chern].sum() / (2 * np.pi)
        assert total == pytest.approx(chern, abs=1e-9)
    cards = json.loads((tmp_path / "figures" / "figures.json").read_text(encoding="utf-8"))
    assert [c["name"] for c in cards] == ["flux_comparison", "training", "confusion", "accuracy"]


RECIPE = """
name = "other-grids"
seed = 3
[hamiltonian]
family = "{family}"
hopping_range = 1
{more}
[label]
invariant = "{invariant}"
min_gap = 0.2
[input]
flatten_bands = true
grid = {trained}
[[split]]
name = "train"
size = 30
classes = [-1, 0, 1]
[[split]]
name = "val"
size = 30
classes = [-1, 0, 1]
[[split]]
name = "test"
size = 12
classes = [-1, 0, 1]
grid = {tested}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "invariant", "encoder", "grid", "other", "figure"),
    [
        ("two_band", "chern", TopologicalMLEncoder2D, [6, 6], [9, 9], "flux_comparison"),
        ("aiii_chains", "winding", TopologicalMLEncoder, [16], [24], "winding_angle"),
    ],
)
def test_examples_of_another_grid_are_sampled_on_that_of_the_training(
    family, invariant, encoder, grid, other, figure, tmp_path, trained
):
    more = "n_orbitals = 2" if invariant == "winding" else ""
    text = RECIPE.format(more=more, family=family, invariant=invariant, trained=grid, tested=other)
    data = tmp_path / "data.h5"
    generate(Recipe.from_text(text), data, progress=False)
    torch.manual_seed(0)
    run = replace(trained, path=tmp_path, encoder=encoder(hidden_dims=(4, 6, 8)),
                  provenance=trained.provenance | {"kind": invariant})  # fmt: skip
    with open_dataset(data) as dataset:
        draw_figures(run, dataset)
        examples = largest_gap_samples(run, dataset)
    assert {part for part, _ in examples.values()} == {"test"}
    numbers = table(tmp_path / "figures" / f"{figure}.csv")
    points = len(numbers["k" if invariant == "winding" else "kx"])
    assert points == len(examples) * np.prod(grid)


@pytest.mark.slow
def test_a_flux_map_drawn_before_is_kept(chains, trained, chains_file, tmp_path):
    run = replace(trained, path=tmp_path)
    shutil.copytree(chains[0], tmp_path / "figures")
    with open_dataset(chains_file) as dataset:
        draw_figures(run, dataset)
    cards = json.loads((tmp_path / "figures" / "figures.json").read_text(encoding="utf-8"))
    assert [c["name"] for c in cards].count("berry_flux") == 1
    (tmp_path / "figures" / "berry_flux.png").unlink()
    with open_dataset(chains_file) as dataset:
        draw_figures(run, dataset)
    cards = json.loads((tmp_path / "figures" / "figures.json").read_text(encoding="utf-8"))
    assert "berry_flux" not in {c["name"] for c in cards}


def test_data_of_another_kind(trained, chern_file):
    with open_dataset(chern_file) as dataset, pytest.raises(InputError, match="'chern'"):
        draw_figures(trained, dataset)
