"""Pin all that `make demo`, `make test` and `make test-onnx` install; writes constraints.txt.

    python -m benchmarks.quality.constraints            # what is pinned stays, the missing comes
    python -m benchmarks.quality.constraints --upgrade  # the newest versions that fit together

pip works out for each Python what it would install; nothing is installed. A version that is
not to be had for one of them gets lines with markers. Needs the standard library alone.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINS = ROOT / "constraints.txt"
PYTHONS = ("3.11", "3.12", "3.13")
#: What builds the package itself, with the hook for editable installs.
BUILD = ("hatchling", "editables")
ASK = "import sys; print('%d.%d' % sys.version_info[:2])"
HEAD = """\
# All that `make demo`, `make test`, `make test-onnx` and CI install, on {pythons}; written by
# `make constraints`. The package itself asks for ranges (pyproject.toml).
"""


def wanted(path: Path = ROOT / "pyproject.toml") -> list[str]:
    """Requirements of `.[dev,docs]` and of `make test-onnx`."""
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = ("dev", "docs", "onnx")
    return [*project["dependencies"], *(need for name in names for need in extras[name]), *BUILD]


def plain(name: str) -> str:
    """Name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def interpreter(version: str, given: list[str]) -> str:
    """Command that starts this Python."""
    for command in (*given, f"python{version}", "python3", "python"):
        try:
            words = [command, "-c", ASK]
            said = subprocess.run(words, capture_output=True, text=True, check=False)
        except OSError:
            continue
        if said.stdout.strip() == version:
            return command
    sys.exit(f"Python {version} is not here; `--python` takes its place")


def resolved(command: str, pins: Path | None, folder: Path) -> dict[str, str]:
    """Versions that pip would install, without the local part of a version."""
    env = folder / "env"
    subprocess.run([command, "-m", "venv", "--clear", str(env)], check=True)
    report = folder / "report.json"
    pinned = ["--constraint", str(pins)] if pins else []
    subprocess.run(
        [env / "bin" / "python", "-m", "pip", "install", "--quiet", "--dry-run", "--report", report,
         "--ignore-installed", *pinned, *wanted()],
        check=True,
    )  # fmt: skip
    found = json.loads(report.read_text(encoding="utf-8"))["install"]
    each = (entry["metadata"] for entry in found)
    return {plain(data["name"]): data["version"].partition("+")[0] for data in each}


def lines(found: dict[str, dict[str, str]]) -> list[str]:
    """One line a name where all Pythons agree, else one for each version, with a marker."""
    written = []
    for name in sorted({name for versions in found.values() for name in versions}):
        has = {python: versions[name] for python, versions in found.items() if name in versions}
        if len(set(has.values())) == 1:
            written.append(f"{name}=={has.popitem()[1]}")
        else:
            written += [f'{name}=={v} ; python_version == "{p}"' for p, v in has.items()]
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--upgrade", action="store_true", help="forget what is pinned")
    parser.add_argument("--python", nargs="*", default=[], help="commands that start other Pythons")
    parser.add_argument("--output", type=Path, default=PINS)
    given = parser.parse_args()
    found = {}
    for version in PYTHONS:
        with tempfile.TemporaryDirectory() as folder:
            command = interpreter(version, given.python)
            found[version] = resolved(command, None if given.upgrade else PINS, Path(folder))
        print(f"Python {version}: {len(found[version])} packages", flush=True)
    head = HEAD.format(pythons=f"Python {PYTHONS[0]} to {PYTHONS[-1]}")
    given.output.write_text(head + "\n".join(lines(found)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
