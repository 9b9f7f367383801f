"""What is given away: files of wheel and sdist, types, bounds of versions."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes

import pytest

from benchmarks.pages import ROOT
from benchmarks.quality import constraints, fuzz, install
from benchmarks.speed import startup

pytestmark = pytest.mark.release

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    # a distribution may run the tests of an installed package, and has no need to build it
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the package, is not installed")
    return install.build(tmp_path_factory.mktemp("dist"))


@pytest.mark.always
def test_the_wheel_has_the_package_and_nothing_else(built):
    with zipfile.ZipFile(built["wheel"]) as wheel:
        names = set(wheel.namelist())
        meta = message_from_bytes(wheel.read(next(n for n in names if n.endswith("/METADATA"))))
        scripts = wheel.read(next(n for n in names if n.endswith("entry_points.txt"))).decode()
    package = {
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / "topophys").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    recipes = {n for n in names if n.startswith("topophys/recipes/")}
    assert package | recipes == {n for n in names if ".dist-info/" not in n}
    assert {"topophys/py.typed", "topophys/report/templates/report.html.j2"} <= names
    assert "topophys/recipes/winding-1d/recipe.toml" in recipes
    assert any(n.endswith("licenses/LICENSE") for n in names)
    assert meta["Requires-Python"] == PROJECT["requires-python"]
    assert "topophys = topophys.cli:main" in scripts


def test_the_sdist_has_what_the_tests_need(built):
    with tarfile.open(built["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "conftest.py", "Makefile", "constraints.txt", "CITATION.cff",
              "topophys/py.typed", "tests/conftest.py", "datasets/tiny/winding.toml",
              "docs/index.md", ".ci/run"}  # fmt: skip
    assert wanted <= names
    assert not [n for n in names if n.endswith((".pyc", ".nbi", ".nbc", ".partial"))]


def test_all_that_is_installed_for_tests_is_pinned():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(
        re.fullmatch(r'[a-z0-9-]+==[^ +/@]+( ; python_version == "3\.\d+")?', x) for x in pins
    )
    assert len(set(pins)) == len(pins)
    names = {line.partition("==")[0] for line in pins}
    question = {constraints.plain(re.match(r"[\w.-]+", x)[0]) for x in constraints.wanted()}
    assert question <= names, "run `make constraints`"
    # and what those need
    assert {"llvmlite", "jinja2", "pluggy", "tornado", "filelock", "markdown"} <= names


def test_pins_of_several_pythons_are_written_with_markers():
    found = {
        "3.11": {"b": "1.0", "a": "2.0", "old": "1"},
        "3.12": {"b": "1.0", "a": "2.1"},
        "3.13": {"b": "1.0", "a": "2.1"},
    }
    assert constraints.lines(found) == [
        'a==2.0 ; python_version == "3.11"',
        'a==2.1 ; python_version == "3.12"',
        'a==2.1 ; python_version == "3.13"',
        "b==1.0",
        "old==1",
    ]


def test_lowest_versions_are_those_of_the_project():
    lines = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    extras = PROJECT["optional-dependencies"]
    question = [*PROJECT["dependencies"], *(r for e in ("dask", "pandas", "xarray", "materials")
                                         for r in extras[e])]  # fmt: skip
    for requirement in question:
        name, lowest = re.fullmatch(r"([A-Za-z0-9_-]+)>=([0-9.]+)", requirement).groups()
        assert f"{pinned[name]}.".startswith(f"{lowest}."), requirement


def test_the_page_has_a_place_for_the_tables():
    places = [(install.PAGE, "install"), (install.PAGE, "startup")]
    places += [(fuzz.PAGE, name) for name in fuzz.OPTIONS]
    for page, name in places:
        text = page.read_text(encoding="utf-8")
        assert text.count(f"<!-- {name} -->") == text.count(f"<!-- end of {name} -->") == 1


def test_starting_costs_little():
    for name, (words, bar) in startup.JOBS.items():
        if bar is not None:
            startup.once(words)  # fills the caches
            cpu = min(startup.once(words)[0] for _ in range(3))
            assert cpu < bar, name


def test_checks_of_an_installation_need_no_repository():
    source = (ROOT / "benchmarks" / "quality" / "installed.py").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(from|import) (benchmarks|tests)", source, re.MULTILINE)
    known = set(re.findall(r"^def ([a-z_]+)\(\)", source, re.MULTILINE))
    for way in install.WAYS.values():
        assert set(way.checks) <= known


@pytest.mark.parametrize("check", ["readme", "pandas", "xarray", "dask", "materials"])
def test_checks_of_an_installation_pass_in_this_one(check, tmp_path):
    script = ROOT / "benchmarks" / "quality" / "installed.py"
    done = subprocess.run(
        [sys.executable, str(script), str(ROOT / "README.md"), check],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"\n{check} works\n" in f"\n{done.stdout}", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wheel", "sdist"])
def test_it_installs_from_nothing(built, tmp_path, name):
    row = install.attempt(install.WAYS[name], built, tmp_path)
    assert row["works"] == ", ".join(install.WAYS[name].checks)


def test_failed_installation_is_reported(built, tmp_path, monkeypatch):
    broken = install.Way("broken", ("readme",))
    answers = iter([subprocess.CompletedProcess([], 1, "", "no such\nversion")])
    monkeypatch.setattr(install, "clean", lambda *a, **k: next(answers))
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: None)
    assert install.attempt(broken, built, tmp_path)["works"] == "not installed: no such version"
