"""The rules of docs/architecture.md that no linter checks."""

from __future__ import annotations

import ast
import functools
import graphlib
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import topophys

ROOT = Path(topophys.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))


def sources(*folders):
    """Python files of the repository, without the environments that `make peers` makes there."""
    paths = sorted(path for folder in folders for path in (ROOT.parent / folder).rglob("*.py"))
    parts = {path: path.relative_to(ROOT.parent).parts for path in paths}
    return [path for path in paths if not any(part.startswith(".") for part in parts[path])]


CORE = tuple(
    f"topophys.{p}" for p in ("hamiltonians", "invariants", "models", "ensembles", "grids")
)
SPACES = (topophys, topophys.models, topophys.ensembles)
#: What users are promised: all that can be reached from `topophys` and is written in the core.
PUBLIC = sorted(
    {
        f"{getattr(space, name).__module__}.{name}"
        for space in SPACES
        for name in space.__all__
        if callable(getattr(space, name)) and getattr(space, name).__module__.startswith(CORE)
    }
)
ARRAYS = ("ArrayLike", "NDArray", "ndarray", "Float[", "Int[", "Complex[", "Bool[")


@functools.cache
def parsed(path):
    """Syntax tree of a file that several tests look at."""
    return ast.parse(path.read_text(encoding="utf-8"))


def public(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_have_one_subject(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 800


def test_there_is_something_to_check():
    assert {name.rpartition(".")[2] for name in PUBLIC} >= {"certify_chern", "berry_flux", "qwz"}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name):
    thing = public(name)
    doc = inspect.getdoc(thing)
    assert doc
    assert "Examples\n---" in doc
    assert ">>> " in doc
    if inspect.isclass(thing):
        assert "Parameters\n---" in doc or "Attributes\n---" in doc
    else:
        assert "Parameters\n---" in doc
        assert "Returns\n---" in doc
        assert "References\n---" in doc
    for parameter in inspect.signature(thing).parameters:
        assert parameter in doc, f"`{parameter}` is not documented"


@pytest.mark.parametrize("name", PUBLIC)
def test_arrays_are_documented_with_their_shapes(name):
    notes = getattr(inspect.unwrap(public(name)), "__annotations__", {}).values()
    if any(kind in str(note) for note in notes for kind in ARRAYS):
        assert "of shape" in inspect.getdoc(public(name))


@pytest.mark.parametrize("name", PUBLIC)
def test_what_the_classes_offer_is_documented(name):
    thing = public(name)
    if inspect.isclass(thing):
        for attribute, member in vars(thing).items():
            if not attribute.startswith("_") and (callable(member) or isinstance(member, property)):
                assert inspect.getdoc(member), attribute


def test_the_package_offers_what_it_lists(monkeypatch):
    monkeypatch.setattr(topophys, "_HOMES", dict(topophys._HOMES))
    assert sorted(set(topophys.__all__)) == sorted(topophys.__all__)
    assert set(topophys.__all__) == set(topophys._HOMES)
    assert set(topophys.__all__) <= set(dir(topophys))
    source = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    typed = next(node for node in source.body if isinstance(node, ast.If))  # `if TYPE_CHECKING`
    for line in typed.body:
        for alias in line.names:
            if alias.name in {*topophys._SUBPACKAGES, *topophys._ELSEWHERE}:
                continue
            home = topophys._HOMES.pop(alias.name, None)
            assert home in {line.module, f"{line.module}.{alias.name}"}, (
                f"topophys/__init__.py: `{alias.name}` is imported under TYPE_CHECKING, but not"
                f' listed: add "{alias.name}" to _HOMES, with "{line.module}".'
            )
            loaded = importlib.import_module(home)
            assert getattr(topophys, alias.name) is getattr(loaded, alias.name, loaded)
    assert topophys._HOMES == {}, (
        "topophys/__init__.py: add to `if TYPE_CHECKING`, for editors: "
        + "; ".join(
            f"from {home} import {name} as {name}" for name, home in topophys._HOMES.items()
        )
    )
    misspelt = "chern_numbr"
    with pytest.raises(AttributeError, match=f"no attribute '{misspelt}'"):
        getattr(topophys, misspelt)


@pytest.mark.parametrize(
    "module", sorted({m.name for m in pkgutil.walk_packages([str(ROOT)], "topophys.")
                      if m.name.startswith(CORE) or m.name == "topophys.errors"})
)  # fmt: skip
def test_listed_names_exist(module):
    loaded = importlib.import_module(module)
    for name in getattr(loaded, "__all__", ()):
        assert hasattr(loaded, name)


def test_modules_import_each_other_in_no_circle():
    """Imports inside functions and for types count too; what packages list in __init__ does not."""
    name_of = {
        path: ".".join(("topophys", *path.relative_to(ROOT).with_suffix("").parts))
        for path in MODULES
        if path.name != "__init__.py"
    }
    known, graph = set(name_of.values()), {}
    for path, name in name_of.items():
        found = set()
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
        graph[name] = (found & known) - {name}
    assert list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_function_or_class_bears_the_name_of_its_module(path):
    """Such a name hides the module where both are imported."""
    names = {
        node.name for node in parsed(path).body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assert path.stem not in names


def drawn_layers():
    """Names on each line of the drawing of docs/architecture.md, from the top to the bottom."""
    page = (ROOT.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = page.split("```text\n")[2].partition("```")[0]
    words = [line[:52].split("    ") for line in drawing.splitlines()]
    own = {p.stem for p in ROOT.iterdir() if not p.name.startswith("__")}
    named = [{n for part in line for n in part.split() if n in own} for line in words]
    return [layer for layer in named if layer]


def test_the_drawing_is_the_contract():
    contracts = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contracts["tool"]["importlinter"]["contracts"][0]["layers"]
    assert drawn_layers() == [set(layer.split(" | ")) for layer in layers]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_the_drawing(path):
    height = {name: -place for place, layer in enumerate(drawn_layers()) for name in layer}
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if own == "__init__":
        return  # names every layer of the physics, and loads none
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("topophys"):
            parts = [*node.module.split(".")[1:], *(alias.name for alias in node.names)]
            if parts[0] not in {own, "__version__"}:
                assert height[parts[0]] < height[own], f"line {node.lineno} imports {parts[0]}"


@pytest.mark.parametrize(("own", "other"), [("tests", "benchmarks"), ("benchmarks", "tests")])
def test_tests_and_benchmarks_share_only_what_lies_in_testing(own, other):
    for path in sources(own):
        for node in ast.walk(parsed(path)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            if any(name.partition(".")[0] == other for name in names):
                pytest.fail(f"{path.relative_to(ROOT.parent)}, line {node.lineno}")


@pytest.mark.process
def test_import_pulls_in_no_heavy_dependency():
    heavy = {"torch", "h5py", "matplotlib", "sklearn"}
    for use, more in (("", {"numpy", "numba"}), ("topophys.certify_chern", set())):
        code = f"import sys, topophys; {use or None}; print(*({heavy | more!r} & set(sys.modules)))"
        words = [sys.executable, "-c", code]
        out = subprocess.run(words, capture_output=True, text=True, check=True)
        assert out.stdout.split() == []


@pytest.mark.process
def test_nothing_is_printed_on_import():
    command = [sys.executable, "-W", "error", "-c", "import topophys"]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    assert out.stdout == out.stderr == ""


def test_every_training_goes_through_one_loop():
    """Elsewhere gradients are taken where there are no samples, or where one step is timed."""
    known = {
        "topophys/learn/trainer.py": "the loop",
        "topophys/torch.py": "`design`: a search among Hamiltonians, steps back, no data",
        "benchmarks/experiments/gauge.py": "grids without end, a schedule in seconds",
        "benchmarks/experiments/learning_more.py": "one step, timed beside that of `nn.Conv1d`",
    }
    root = ROOT.parent
    paths = [*MODULES, *sources("benchmarks")]
    texts = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}
    steps = {
        name for name, text in texts.items() if re.search(r"optimizer\.step\(|\.backward\(", text)
    }
    assert steps == set(known)


def test_files_that_pages_name_exist():
    root = ROOT.parent
    pages = [*root.glob("docs/**/*.md"), root / "CONTRIBUTING.md", root / "README.md"]
    names = {path.name for path in sources("topophys", "tests", "benchmarks", "docs")}
    gone = set()
    for page in pages:
        for name in re.findall(r"`([\w./]+\.py)`", page.read_text(encoding="utf-8")):
            places = (root, ROOT, ROOT / "learn")
            known = any((place / name).exists() for place in places)
            known |= "/" not in name and name in names
            if not known and name != "_name.py":
                gone.add((str(page.relative_to(root)), name))
    assert gone == set()
