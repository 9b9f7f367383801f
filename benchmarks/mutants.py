"""Weakens the proofs one place at a time and shows that a test notices; writes a page.

    python -m benchmarks.mutants                        # all files, all mutants
    python -m benchmarks.mutants cell_bounds --list     # what would be changed in one file
    python -m benchmarks.mutants cell_bounds            # one file

Every comparison is made always true and always false, every constant of a bound is halved and
doubled, every term that stands for rounding or a remainder is dropped, every maximum becomes a
minimum and the reverse. A mutant counts as noticed where the trials of `tests.proof_fuzz` find a
wrong certificate or fewer right ones, or where a test of the file fails. What survives is listed
with its line, to be explained or to get a test.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put

PAGE = ROOT / "docs" / "results" / "mutants.md"
RESULTS = ROOT / "runs" / "mutants"
#: Names of terms that stand for what rounding or a truncated series may hide.
MARGINS = re.compile(
    r"slack|eps|error|rounding|rest|remainder|curve|curvature|spread|residual|tail"
)
#: Seconds after which a mutant counts as noticed: it no longer ends.
PATIENCE = 600


@dataclass(frozen=True)
class Subject:
    """A file with proofs, the trials that exercise it and the tests of its own."""

    path: str
    trials: tuple[str, ...]
    tests: tuple[str, ...] = ()


WINDING = ("certify_winding",)
TWO_BANDS = ("certify_chern, two bands",)
MANY_BANDS = ("certify_chern, many bands", "certify_gap")
SUBJECTS: dict[str, Subject] = {}


def subject(name, trials, *tests):
    SUBJECTS[Path(name).stem] = Subject(name, trials, tests)


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.new + text[self.end :]


def offsets(text: str) -> list[int]:
    """Where each line begins, in characters."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


SWAPS = {"max": "min", "min": "max", "np.maximum": "np.minimum", "np.minimum": "np.maximum"}


def changes(node: ast.AST, words: Callable[[ast.expr], str]) -> list[tuple[ast.expr, str]]:
    """What a place of the source is changed to: the node that is replaced, and by what."""
    if isinstance(node, ast.Compare) and is_bound(node):
        return [(node, "(1 > 0)"), (node, "(1 < 0)")]
    number = isinstance(node, ast.Constant) and isinstance(node.value, float)
    if number and node.value not in (0.0, 1.0):
        return [(node, f"({0.5 * node.value!r})"), (node, f"({2.0 * node.value!r})")]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        term = words(node.right)
        return [(node, f"({words(node.left)})")] if MARGINS.search(term) and len(term) < 60 else []
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        return [(node.value, "0.0")] if MARGINS.search(words(node.value)) else []
    swap = SWAPS.get(words(node)) if isinstance(node, ast.Name | ast.Attribute) else None
    return [(node, swap)] if swap else []


def mutants_of(path: str, text: str) -> list[Mutant]:
    """All mutants of a source file."""
    tree, begins, lines = ast.parse(text), offsets(text), text.splitlines(keepends=True)
    skipped = {id(n) for d in ast.walk(tree) if isinstance(d, ast.FunctionDef | ast.ClassDef)
               for n in ast.walk(d.body[0])
               if isinstance(d.body[0], ast.Expr)}  # fmt: skip

    def place(node: ast.expr) -> tuple[int, int]:
        def at(line: int, column: int) -> int:
            return begins[line - 1] + len(lines[line - 1].encode()[:column].decode())

        return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)

    def words(node: ast.expr) -> str:
        return text[slice(*place(node))]

    found = [
        Mutant(path, target.lineno, *place(target), words(target), new)
        for node in ast.walk(tree)
        if id(node) not in skipped
        for target, new in changes(node, words)
    ]
    return sorted(found, key=lambda m: (m.start, m.new))


def is_bound(node: ast.Compare) -> bool:
    """Whether a comparison decides something of a proof, and not the end of a loop."""
    words = ast.unparse(node)
    return not re.search(r"\.shape|\blen\(|__name__|\bis\b|\bin\b|ndim|size\b", words)


def dependents(tree: Path, path: str) -> set[str]:
    """Kernel modules that import a file, directly or by way of others: their caches are stale."""
    kernels = {p.stem: p.read_text("utf-8") for p in (tree / "topophys/kernels").glob("*.py")}
    found, todo = set(), [Path(path).stem]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        pattern = re.compile(rf"topophys\.kernels\.{name} import|kernels import .*\b{name}\b")
        todo += [other for other, text in kernels.items() if pattern.search(text)]
    return found


def trial_code(trials: tuple[str, ...], seed: int) -> str:
    """A program that prints outcomes of some trials as JSON, and stops at the first bad one."""
    return f"""
import json, sys, warnings
warnings.simplefilter("ignore")
from tests import proof_fuzz as f
right = 0
for name in {trials!r}:
    for number in range(f.FEW[name]):
        found, _, _ = f.trial(name, {seed}, number)
        right += found.count("right")
        if set(found) & set(f.BAD):
            print(json.dumps([name, number, found])); sys.exit(3)
print(right)
"""


class Workshop:
    """A copy of the sources with its own cache of machine code, in which mutants are run."""

    def __init__(self, folder: Path):
        self.tree, self.cache, self.warm = folder / "tree", folder / "cache", folder / "warm"
        for name in ("topophys", "tests", "conftest.py", "pyproject.toml"):
            source, target = ROOT / name, self.tree / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        self.env = os.environ | {
            "PYTHONPATH": str(self.tree), "NUMBA_CACHE_DIR": str(self.cache),
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip

    def run(self, *command: str) -> tuple[int, str]:
        try:
            done = subprocess.run(
                [sys.executable, *command], cwd=self.tree, env=self.env, text=True,
                capture_output=True, timeout=PATIENCE, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return 4, "did not end"
        return done.returncode, done.stdout.strip()[-400:]

    def warm_up(self, one: Subject) -> int:
        """Run the unchanged sources, keep their machine code, return how many are right."""
        shutil.rmtree(self.cache, ignore_errors=True)
        code, words = self.run("-c", trial_code(one.trials, 7))
        if code:
            raise SystemExit(f"the sources as they are fail their own trials: {words}")
        shutil.rmtree(self.warm, ignore_errors=True)
        shutil.copytree(self.cache, self.warm)
        return int(words.split()[-1])

    def noticed(self, one: Subject, mutant: Mutant, right: int) -> str:
        """What notices a mutant; empty where nothing does."""
        target = self.tree / mutant.path
        before, stat = target.read_text("utf-8"), target.stat()
        shutil.rmtree(self.cache, ignore_errors=True)
        shutil.copytree(self.warm, self.cache)
        for name in dependents(self.tree, mutant.path):
            for old in self.cache.rglob(f"{name}.*.nb?"):
                old.unlink()
        try:
            target.write_text(mutant.apply(before), "utf-8")
            code, words = self.run("-c", trial_code(one.trials, 7))
            if code:
                return {3: "wrong certificate", 4: "does not end"}.get(code, "error")
            if int(words.split()[-1]) < right:
                return "fewer certificates"
            if one.tests:
                code, _ = self.run("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *one.tests)
                return "test fails" if code else ""
            return ""
        finally:
            target.write_text(before, "utf-8")
            os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def study(name: str, only: slice) -> None:
    """Run the mutants of one file and keep what noticed each."""
    one = SUBJECTS[name]
    mutants = mutants_of(one.path, (ROOT / one.path).read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(Path(folder))
        right = shop.warm_up(one)
        rows = []
        for mutant in mutants[only]:
            how = shop.noticed(one, mutant, right)
            rows.append({"line": mutant.line, "old": mutant.old, "new": mutant.new, "noticed": how})
            print(f"{name}:{mutant.line}: {mutant.old} -> {mutant.new}: {how or 'SURVIVES'}",
                  flush=True)  # fmt: skip
            RESULTS.mkdir(parents=True, exist_ok=True)
            kept = {"rows": rows, "all": len(mutants)}
            (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1), "utf-8")


def table() -> str:
    """Mutants and survivors of each file."""
    lines = ["| file | mutants | wrong certificate | fewer | error | test fails | survive |",
             "|---|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    survivors = []
    for name, one in SUBJECTS.items():
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        rows = json.loads(path.read_text("utf-8"))["rows"]
        words = [row["noticed"] for row in rows]
        counts = [len(rows), words.count("wrong certificate"), words.count("fewer certificates"),
                  words.count("error") + words.count("does not end"), words.count("test fails"),
                  words.count("")]  # fmt: skip
        lines.append(f"| `{one.path}` | " + " | ".join(map(str, counts)) + " |")
        survivors += [(name, row) for row in rows if not row["noticed"]]
    lines += ["", "Survivors:", ""]
    lines += [f"- `{n}.py` line {r['line']}: `{r['old']}` -> `{r['new']}`" for n, r in survivors]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--from", dest="start", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    for name in given.names or SUBJECTS:
        if given.list:
            path = SUBJECTS[name].path
            for m in mutants_of(path, (ROOT / path).read_text("utf-8")):
                print(f"{m.line}: {m.old} -> {m.new}")
        else:
            study(name, slice(given.start, None, given.every))
    if not given.list:
        put(PAGE, "mutants", filled("python -m benchmarks.mutants", table(), harness.machine()))


subject(
    "topophys/kernels/winding_intervals.py", WINDING, "tests/invariants/test_certify_winding.py"
)
subject("topophys/kernels/certify_winding.py", WINDING, "tests/invariants/test_certify_winding.py")
subject(
    "topophys/kernels/determinant_series.py", WINDING, "tests/invariants/test_certify_winding.py"
)
subject("topophys/kernels/two_band_field.py", TWO_BANDS, "tests/invariants/test_certify_chern.py")
subject("topophys/kernels/two_band_base.py", TWO_BANDS, "tests/invariants/test_certify_chern.py")
subject("topophys/kernels/certify_two_band.py", TWO_BANDS, "tests/invariants/test_certify_chern.py")
subject("topophys/kernels/degree.py", TWO_BANDS, "tests/kernels/test_degree.py")

if __name__ == "__main__":
    main()
