"""What must work where topophys is installed and the repository is not; run by an environment.

    PYTHON installed.py README.md NAME ...

Each NAME is a function below. Nothing is imported from here or from the repository.
"""

# ruff: noqa: PLC0415, PT017

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

RECIPE = """
name = "small"
seed = 1
[hamiltonian]
family = "aiii_chains"
hopping_range = 2
[label]
invariant = "winding"
min_gap = 0.1
[input]
grid = [32]
[[split]]
name = "train"
size = 60
classes = [-1, 0, 1]
[[split]]
name = "val"
size = 30
classes = [-1, 0, 1]
[[split]]
name = "test"
size = 30
classes = [-1, 0, 1]
"""
# of its own, since nothing of the repository is there when this runs
POSCAR = """rock salt
1.0
0.0 2.82 2.82
2.82 0.0 2.82
2.82 2.82 0.0
Na Cl
1 1
direct
0.0 0.0 0.0
0.5 0.5 0.5
"""


def readme():
    """The first Python example of the README."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    exec(text.partition("```python\n")[2].partition("```")[0], {})


def program(*words):
    done = subprocess.run(
        [sys.executable, "-m", "topophys.cli", *map(str, words)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def whole_way():
    """From a recipe to a report, on the command line; and the recipes that come along."""
    import topophys
    from topophys.report import recipe_path

    assert "site-packages" in topophys.__file__
    assert (Path(topophys.__file__).parent / "py.typed").is_file()
    for name in ("winding-1d", "chern-2d"):
        assert "site-packages" in str(recipe_path(name))
    Path("recipe.toml").write_text(RECIPE, encoding="utf-8")
    Path("training.toml").write_text("epochs = 1\nbatch_size = 20\n", encoding="utf-8")
    program("generate", "recipe.toml", "-o", "a.h5", "--quiet")
    assert "no problem" in program("verify", "a.h5", "--quiet")
    program("train", "a.h5", "-o", "run", "--config", "training.toml", "--quiet")
    program("probe", "run", "-n", "20", "--quiet")
    program("plot", "run")
    program("report", "run", "--quiet")
    assert Path("run/report.html").is_file()


def _data():
    from topophys.datasets import Recipe, generate, open_dataset

    generate(Recipe.from_text(RECIPE), "x.h5", workers=1, progress=False)
    return open_dataset("x.h5")


def pandas():
    assert len(_data().to_pandas()) == 120


def xarray():
    assert _data().to_xarray("val").sizes["sample"] == 30


def dask():
    from dask.distributed import Client, LocalCluster

    from topophys.datasets import Recipe, generate

    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                      dashboard_address=None) as cluster, Client(cluster) as client:  # fmt: skip
        pool = client.get_executor(pure=False)
        generate(Recipe.from_text(RECIPE), "d.h5", executor=pool, workers=1, progress=False)
    generate(Recipe.from_text(RECIPE), "y.h5", workers=1, progress=False)
    assert Path("d.h5").read_bytes() == Path("y.h5").read_bytes()


def materials():
    Path("POSCAR").write_text(POSCAR, encoding="utf-8")
    program("materials", "generate", "-n", 40, "-o", "toys.h5", "--quiet")
    program("materials", "train", "toys.h5", "-o", "toys", "--epochs", 1, "--quiet")
    assert "topology" in program("materials", "predict", "POSCAR", "--model", "toys")


def _missing(extra, use):
    """One line names the extra that is not there."""
    try:
        use()
    except ImportError as error:
        assert f"topophys[{extra}]" in str(error), error
        assert "\n" not in str(error)
    else:
        raise AssertionError(f"{extra} should be missing")


def without_pandas():
    _missing("pandas", lambda: _data().to_pandas())


def without_xarray():
    _missing("xarray", lambda: _data().to_xarray("val"))


def without_materials():
    from topophys.materials import generate_toys, read_structure

    Path("a.cif").write_text("data_a\n_cell_length_a 4.0\n", encoding="utf-8")
    _missing("materials", lambda: read_structure("a.cif"))
    _missing("materials", lambda: generate_toys("t.h5", 3, progress=False))
    done = subprocess.run(
        [sys.executable, "-m", "topophys.cli", "materials", "generate", "-n", "3", "-o", "t.h5"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "topophys[materials]" in done.stderr.splitlines()[-1]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in sys.argv[2:]:
            globals()[name]()
            print(name, "works", flush=True)
        names = ("numpy", "scipy", "numba", "h5py", "torch", "pydantic", "typer")
        print("versions", ", ".join(f"{one} {version(one)}" for one in names))
