"""Pictures of the gallery are made by their scripts, which are short and say what they show."""

from __future__ import annotations

import importlib
import json
import struct
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from tests.markers import others_slow
from topophys.plots import save_figure
from topophys.testing.wannier_files import wannier_file

pytestmark = pytest.mark.release

FOLDER = Path(__file__).parents[2] / "docs" / "gallery"
HELPERS = {"make", "small_runs", "curves", "boundary"}
#: Scripts that compute for more than five seconds.
LONG = {
    "haldane_phases", "coarse_grid", "phase_classes", "noise", "hofstadter", "mos2_flow",
    "finite_flake", "edge_states", "probe_controls",
    "winding_angle",
}  # fmt: skip
SCRIPTS = sorted(p.stem for p in FOLDER.glob("*.py") if p.stem not in HELPERS)
#: Scripts of systems are alike: one of them in every run.
ALIKE = {name for name in SCRIPTS if name.startswith("system_")} - {"system_p_plus_ip"}


@pytest.fixture
def gallery(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def size(path):
    """Width and height in the header of a PNG."""
    return struct.unpack(">II", path.read_bytes()[16:24])


@pytest.mark.parametrize("name", others_slow(SCRIPTS, quick=set(SCRIPTS) - LONG - ALIKE))
def test_a_script_makes_its_picture(name, gallery, tmp_path):
    script = gallery(name)
    file = [wannier_file("MoS2-1Tp_hr.dat.tar.gz")] if name == "mos2_flow" else []
    figure = script.picture(*file)  # each script asserts what it claims
    assert isinstance(figure, Figure)
    save_figure(figure, tmp_path / name, ["png"], dpi=110)
    new, old = size(tmp_path / f"{name}.png"), size(FOLDER / f"{name}.png")
    # scripts differ in resolution, not in shape
    assert new[0] * old[1] == pytest.approx(old[0] * new[1], rel=0.02)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_short_and_pictures_small(name):
    lines = (FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 50
    assert (FOLDER / f"{name}.png").stat().st_size < 150_000


def test_each_script_is_a_notebook_with_its_picture():
    sys.path.insert(0, str(FOLDER.parent / "machinery"))
    code = importlib.import_module("gallery_code")
    sys.path.pop(0)
    for name in SCRIPTS:
        book = json.loads(code.notebook(FOLDER, name))
        first, second, third = book["cells"]
        assert first["source"].startswith("# ")
        compile(second["source"], name, "exec")
        assert "def picture" in second["source"]
        assert "__main__" not in second["source"]
        assert third["outputs"][0]["data"]["image/png"]


def test_there_are_enough():
    assert len(SCRIPTS) >= 12


def test_the_pages_follow_from_the_scripts(gallery):
    make = gallery("make")
    assert {*make.SCRIPTS, *(f"system_{name}" for name in make.SYSTEMS)} == set(SCRIPTS)
    for name, text in (("index", make.page()), ("systems", make.systems_page())):
        written = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
        assert written == text, "run: python docs/gallery/make.py"


@pytest.mark.parametrize(
    "script", ["make_theory", *(f"make_theory_{part}" for part in ("fields", "loops", "samples"))]
)
def test_pictures_of_the_theory_are_made(script, monkeypatch):
    figures = FOLDER.parent / "figures"
    monkeypatch.syspath_prepend(str(figures))
    module = importlib.import_module(script)
    for name, make in module.PICTURES.items():
        assert isinstance(make(), Figure)  # each asserts what it shows
        assert (figures / f"{name}.png").stat().st_size < 150_000


def test_every_picture_of_the_theory_is_on_a_page():
    pages = [p.read_text(encoding="utf-8") for p in (FOLDER.parent / "theory").glob("*.md")]
    drawn = sorted(p.name for p in (FOLDER.parent / "figures").glob("theory_*.png"))
    assert len(drawn) >= 15
    assert [name for name in drawn if not any(f"../figures/{name}" in page for page in pages)] == []
