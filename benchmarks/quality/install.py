"""Install matrix: each way in an environment from nothing; writes docs/results/install.md.

    python -m benchmarks.quality.install              # all, some minutes and a gigabyte each
    python -m benchmarks.quality.install wheel pandas # some of them

The environments are removed when they have been tried.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.harness import Study
from benchmarks.pages import ROOT, filled, put

PAGE = ROOT / "docs" / "results" / "install.md"
STUDY = Study(ROOT / "benchmarks" / "results" / "install.jsonl")
CORE = ("readme", "whole_way")
ABSENT = ("without_pandas", "without_xarray", "without_materials")


@dataclass(frozen=True)
class Way:
    """One way to install: what pip is given, and what must work afterwards."""

    what: str
    checks: tuple[str, ...]
    extra: str = ""
    sdist: bool = False
    options: tuple[str, ...] = ()
    python: str = ""  # a version that is looked for in PATH; without it, that of this process


LOWEST = ("--constraint", "constraints-lowest.txt")
WAYS = {
    "wheel": Way("wheel", (*CORE, *ABSENT)),
    "sdist": Way("sdist", CORE, sdist=True),
    "pandas": Way("wheel, extra `pandas`", ("readme", "pandas"), "[pandas]"),
    "xarray": Way("wheel, extra `xarray`", ("readme", "xarray"), "[xarray]"),
    "dask": Way("wheel, extra `dask`", ("readme", "dask"), "[dask]"),
    "materials": Way("wheel, extra `materials`", ("readme", "materials"), "[materials]"),
    "lowest": Way("wheel, lowest versions", (*CORE, *ABSENT), options=LOWEST),
    "lowest-extras": Way(
        "wheel, all extras, lowest versions",
        ("readme", "pandas", "xarray", "dask", "materials"),
        "[pandas,xarray,dask,materials]",
        options=LOWEST,
    ),
    **{
        f"python{version}": Way(f"wheel, Python {version}", CORE, python=version)
        for version in ("3.12", "3.13", "3.14")
    },
}


def build(folder: Path) -> dict[str, Path]:
    """Wheel and sdist of the working tree."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz"))}


def clean(command: list[str], **options) -> subprocess.CompletedProcess[str]:
    """Run a command that sees nothing of the repository."""
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def found_python(version: str) -> str | None:
    """Interpreter of a version that runs; None where there is none."""
    if not version:
        return sys.executable
    path = shutil.which(f"python{version}")
    # launchers of version managers exist for versions that are not active
    return path if path and clean([path, "-c", ""]).returncode == 0 else None


def attempt(way: Way, files: dict[str, Path], folder: Path) -> dict[str, str]:
    """Install and try; a row of the table, with the reason where something fails."""
    place = folder / "env"
    interpreter = found_python(way.python)
    if interpreter is None:
        return {"what": way.what, "minutes": "", "versions": "", "works": "not on this machine"}
    subprocess.run([interpreter, "-m", "venv", str(place)], check=True)
    python = str(place / "bin" / "python")
    file = files["sdist" if way.sdist else "wheel"]
    start = time.monotonic()
    done = clean([python, "-m", "pip", "install", *way.options, f"{file}{way.extra}"], cwd=ROOT)
    row = {"what": way.what, "minutes": f"{(time.monotonic() - start) / 60:.1f}"}
    if done.returncode:
        reason = " ".join(done.stderr.split())[-200:]
        return row | {"versions": "", "works": f"not installed: {reason}"}
    script = shutil.copy(ROOT / "benchmarks" / "quality" / "installed.py", folder)
    readme = shutil.copy(ROOT / "README.md", folder)
    done = clean([python, "-I", script, readme, *way.checks], cwd=folder)
    works = [line.split()[0] for line in done.stdout.splitlines() if line.endswith(" works")]
    failed = [check for check in way.checks if check not in works]
    if failed:
        last = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        works.append(f"**{failed[0]} fails**: {last[:200]}")
    shutil.rmtree(place)
    found = [x.removeprefix("versions ") for x in done.stdout.splitlines() if x[:9] == "versions "]
    return row | {"versions": "".join(found), "works": ", ".join(works)}


def table(rows: list[dict[str, str]]) -> str:
    lines = ["| installed | minutes | works | versions |", "|---|---:|---|---|"]
    lines += [f"| {r['what']} | {r['minutes']} | {r['works']} | {r['versions']} |" for r in rows]
    return "\n".join(lines)


def settings(name: str) -> dict:
    """What a row depends on."""
    return {"name": name, **asdict(WAYS[name])}


def keep(name: str, row: dict[str, str]) -> None:
    """Store a row, and write the table of all that are stored."""
    STUDY.put(settings(name), row)
    rows = [row for way in WAYS if (row := STUDY.get(settings(way)))]
    place = f"{platform.system()}, {platform.machine()}, Python {platform.python_version()}"
    put(PAGE, "install", filled("python -m benchmarks.quality.install", table(rows), place))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("ways", nargs="*", choices=[[], *WAYS], default=[])
    parser.add_argument("--keep-page", action="store_true", help="print only")
    given = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        files = build(Path(folder) / "dist")
        for name in given.ways or WAYS:
            here = Path(folder) / name
            here.mkdir()
            rows[name] = attempt(WAYS[name], files, here)
            print(table([rows[name]]).splitlines()[-1], flush=True)
            if not given.keep_page:
                keep(name, rows[name])
    if any("**" in row["works"] or "not installed" in row["works"] for row in rows.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
