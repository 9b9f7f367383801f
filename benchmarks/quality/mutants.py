"""Weakens the proofs one place at a time and shows that a test notices; writes a page.

    python -m benchmarks.quality.mutants                        # all files, all mutants
    python -m benchmarks.quality.mutants _cells --minutes 20    # one file, what is not known of it
    python -m benchmarks.quality.mutants chern_two_band --list  # what would be changed in one file
    python -m benchmarks.quality.mutants chern_two_band         # one file

Every comparison is made always true and always false, every constant of a bound is halved and
doubled, every term that stands for rounding or a remainder is dropped, every maximum becomes a
minimum and the reverse. A mutant counts as noticed where the trials of
`topophys.testing.proof_fuzz` find a wrong certificate or fewer right ones, or where a test of the
file fails. What survives is listed with its line, to be explained or to get a test. What is found
is kept in benchmarks/results/mutants.jsonl beside the line that was changed, wherever it stands.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.util
import json
import os
import re
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put

PAGE = ROOT / "docs" / "results" / "mutants.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "mutants.jsonl")
#: Raised where trials or tests change what they notice.
STATE = 1
#: Names of terms that stand for what rounding or a truncated series may hide.
MARGINS = re.compile(
    r"slack|eps|error|rounding|rest|remainder|curve|curvature|spread|residual|tail"
)
#: Seconds of processor time for all trials of a subject, and for one of them.
QUICK, SLOW = 2.0, 0.5
#: Seconds after which a trial run, or a tenth of that of the tests, does not end.
PATIENCE = 120.0


@dataclass(frozen=True)
class Subject:
    """A file with proofs, the trials that exercise it and the tests of its own."""

    path: str
    trials: tuple[str, ...]
    tests: tuple[str, ...] = ()


WINDING = ("certify_winding",)
TWO_BANDS = ("certify_chern, two bands",)
MANY_BANDS = ("certify_chern, many bands", "certify_gap")
Z2 = ("z2_invariant", "z2_invariant, broken symmetry")
SUBJECTS: dict[str, Subject] = {}


def subject(name: str, trials: tuple[str, ...], *tests: str) -> None:
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
    source: str
    number: int = 0

    def apply(self, text: str) -> str:
        return text[: self.start] + self.new + text[self.end :]

    def settings(self) -> dict[str, Any]:
        """What a result depends on: the line, not its number."""
        return {"path": self.path, "source": self.source, "old": self.old, "new": self.new,
                "number": self.number, "state": STATE}  # fmt: skip

    def key(self) -> str:
        """Settings as text."""
        return json.dumps(self.settings(), sort_keys=True)


def known() -> dict[str, str]:
    """What noticed each mutant that was run, by its key."""
    return {json.dumps(s, sort_keys=True): str(r["noticed"]) for s, r in STUDY.entries()}


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

    found = sorted(
        (
            Mutant(path, target.lineno, *place(target), words(target), new,
                   lines[target.lineno - 1].strip())
            for node in ast.walk(tree)
            if id(node) not in skipped
            for target, new in changes(node, words)
        ),
        key=lambda m: (m.start, m.new),
    )  # fmt: skip
    seen: Counter[tuple[str, str, str]] = Counter()
    for i, mutant in enumerate(found):
        same = mutant.source, mutant.old, mutant.new
        found[i] = replace(mutant, number=seen[same])
        seen[same] += 1
    return found


def is_bound(node: ast.Compare) -> bool:
    """Whether a comparison decides something of a proof, and not the end of a loop."""
    words = ast.unparse(node)
    return not re.search(r"\.shape|\blen\(|__name__|\bis\b|\bin\b|ndim|size\b", words)


def dependents(path: str) -> set[str]:
    """Kernel modules that import a file, directly or by way of others, and the file itself."""
    kernels = {p.stem: p.read_text("utf-8") for p in (ROOT / "topophys/kernels").glob("*.py")}
    found, todo = set(), [Path(path).stem] if "kernels" in path else []
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        pattern = re.compile(rf"topophys\.kernels\.{name} import|kernels import .*\b{name}\b")
        todo += [other for other, text in kernels.items() if pattern.search(text)]
    return found


class Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module of the package from a text that is not that of its file."""

    def __init__(self, path: str, text: str):
        self.name, self.path, self.text = path[:-3].replace("/", "."), str(ROOT / path), text

    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_filename(self, fullname):  # noqa: ARG002
        return self.path

    def get_data(self, path):  # noqa: ARG002
        return self.text.encode()


def change(path: str, text: str) -> None:
    """Import the package again in this process, with another text of one of its files.

    Compiled kernels stay, but for those that the file is part of: these are interpreted, which for
    a few small Hamiltonians is cheaper than to compile them.
    """
    stale = dependents(path)
    for name in list(sys.modules):
        kept = name.startswith("topophys.kernels") and name.rpartition(".")[2] not in stale
        if name.split(".")[0] in ("topophys", "tests") and not kept:
            del sys.modules[name]
    jit = sys.modules["topophys.kernels._jit"]
    jit.kernel = jit.fused_kernel = lambda function: function
    sys.meta_path.insert(0, Changed(path, text))


def in_child(work: Callable[[], Any], patience: float) -> Any:
    """What a function returns in a forked process; None if it does not end in time."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_REAL, patience)  # the default action ends the process
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        warnings.simplefilter("ignore")
        try:
            answer = work()
        except BaseException as error:
            answer = f"error: {error!r}"
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        words = pipe.read()
    os.waitpid(child, 0)
    return json.loads(words) if words else None


class TooSlowError(Exception):
    """A trial that takes too long to be one of many."""


def chosen_trials(one: Subject) -> list[tuple[str, int, list[str]]]:
    """Trials that are quick, with their outcomes; to be called in a process of its own."""
    fuzz = importlib.import_module("topophys.testing.proof_fuzz")

    def stop(*_: object) -> None:
        raise TooSlowError

    # the interval timer of real time is that of `in_child`
    signal.signal(signal.SIGVTALRM, stop)
    found = []
    for name in one.trials:
        start, number = time.process_time(), 0
        while time.process_time() - start < QUICK / len(one.trials) and number < 400:
            signal.setitimer(signal.ITIMER_VIRTUAL, SLOW)
            try:
                outcome, _, _ = fuzz.trial(name, 7, number)
                found.append((name, number, outcome))
            except TooSlowError:
                pass
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
            number += 1
    # a trial that was cut off, whatever caught the signal, is no trial
    return [t for t in found if not set(t[2]) & {"error", "wrong", "bound"}]


def trials_notice(trials: list[tuple[str, int, list[str]]]) -> list[Any]:
    """What the first trial shows that comes out otherwise than with the sources as they are.

    And which one: it goes first next time.
    """
    fuzz = importlib.import_module("topophys.testing.proof_fuzz")
    for i, (name, number, before) in enumerate(trials):
        found, _, _ = fuzz.trial(name, 7, number)
        if set(found) & set(fuzz.BAD):
            return ["error" if "error" in found else "wrong certificate", i]
        if found.count("right") < before.count("right"):
            return ["fewer certificates", i]
    return ["", -1]


class FirstFailure:
    """A plugin of pytest that keeps the name of the test that fails."""

    name = ""

    def pytest_runtest_logreport(self, report):
        if report.failed and not self.name:
            self.name = report.nodeid


def tests_fail(tests: list[str]) -> str:
    """Name of a test of the subject that fails; empty if none does."""
    pytest = importlib.import_module("pytest")
    options = ["-x", "-q", "--assert=plain", "-o", "addopts=", "-o", "filterwarnings=",
               "-m", "not slow", "-p", "no:cacheprovider", "-p", "tests.without_torch"]  # fmt: skip
    first = FirstFailure()
    failed = pytest.main([*options, *tests], plugins=[first])
    return first.name or "collection" if failed else ""


def judged(one: Subject, words: str, trials: list[Any], tests: list[str]) -> str:
    """What notices the text of a file: trials first, then tests. What did goes first next time."""
    tried = in_child(lambda: (change(one.path, words), trials_notice(trials))[1], PATIENCE)
    if tried is None:
        return "does not end"
    if isinstance(tried, str):
        return "error"
    if tried[0]:
        trials.insert(0, trials.pop(tried[1]))
        return str(tried[0])
    failing = in_child(lambda: (change(one.path, words), tests_fail(tests))[1], 10 * PATIENCE)
    if failing is None:
        return "does not end"
    if failing.startswith("error"):
        return "error"
    if "::" in failing and failing not in tests:
        tests.insert(0, failing)
    return "test fails" if failing else ""


def study(name: str, end: float, every: int) -> None:
    """Run the mutants of one file that are not known, and keep what noticed each."""
    one = SUBJECTS[name]
    text = (ROOT / one.path).read_text("utf-8")
    done = known()
    todo = [m for m in mutants_of(one.path, text) if m.key() not in done]
    # neighbouring places are noticed by the same test: in an order that meets all parts early
    todo = [m for first in range(every) for m in todo[first::every]]
    if not todo or time.monotonic() > end:
        return
    start, tests = time.monotonic(), list(one.tests)
    trials = in_child(lambda: (change(one.path, text), chosen_trials(one))[1], 60 * PATIENCE)
    if judged(one, text, trials, tests):
        raise SystemExit(f"{name}: the sources as they are fail their own trials or tests")
    print(f"{name}: {len(todo)} mutants, {len(trials)} trials, {time.monotonic() - start:.0f} s",
          flush=True)  # fmt: skip
    for mutant in todo:
        if time.monotonic() > end:
            return
        start = time.monotonic()
        how = judged(one, mutant.apply(text), trials, tests)
        STUDY.put(mutant.settings(), {"line": mutant.line, "noticed": how})
        print(f"{name}:{mutant.line}: {mutant.old} -> {mutant.new}: {how or 'SURVIVES'}"
              f" ({time.monotonic() - start:.1f} s)", flush=True)  # fmt: skip


def warm_up(names: list[str]) -> None:
    """Compile, or load, all kernels that trials use, once for all children."""
    fuzz = importlib.import_module("topophys.testing.proof_fuzz")
    for target in sorted({target for name in names for target in SUBJECTS[name].trials}):
        fuzz.run(target, 12, seed=7)


def table() -> str:
    """Mutants and survivors of each file."""
    lines = ["| file | mutants | run | wrong certificate | fewer | error | test fails | survive |",
             "|---|---:|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    survivors, sums, done = [], Counter[str](), known()
    for name, one in SUBJECTS.items():
        mutants = mutants_of(one.path, (ROOT / one.path).read_text("utf-8"))
        run = [(m, done[m.key()]) for m in mutants if m.key() in done]
        words = [how for _, how in run]
        counts = {"all": len(mutants), "run": len(words), "wrong": words.count("wrong certificate"),
                  "fewer": words.count("fewer certificates"),
                  "error": words.count("error") + words.count("does not end"),
                  "test": words.count("test fails"), "": words.count("")}  # fmt: skip
        sums.update(counts)
        lines.append(f"| `{one.path}` | " + " | ".join(map(str, counts.values())) + " |")
        survivors += [(name, m) for m, how in run if not how]
    lines += ["| together | " + " | ".join(map(str, sums.values())) + " |", "", "Survivors:", ""]
    lines += [f"- `{n}.py` line {m.line}: `{m.old}` -> `{m.new}`" for n, m in survivors]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--minutes", type=float, default=1e6, help="0: only the page")
    parser.add_argument("--every", type=int, default=7, help="order: each so many-th place first")
    given = parser.parse_args()
    names = given.names or list(SUBJECTS)
    if given.list:
        for name in names:
            path = SUBJECTS[name].path
            for m in mutants_of(path, (ROOT / path).read_text("utf-8")):
                print(f"{m.line}: {m.old} -> {m.new}")
        return
    end = time.monotonic() + 60.0 * given.minutes
    if given.minutes:
        warm_up(names)
    for name in names:
        study(name, end, given.every)
    put(PAGE, "mutants",
        filled("python -m benchmarks.quality.mutants", table(), harness.machine()))  # fmt: skip


INVARIANTS = "tests/invariants/"
WINDING_TESTS = (
    f"{INVARIANTS}test_certify_winding.py::test_evidence_is_found_again_from_the_hamiltonian",
    f"{INVARIANTS}test_certify_winding.py::test_no_more_points_than_allowed",
    f"{INVARIANTS}test_certify_winding.py::test_nothing_at_all_is_unresolved",
    f"{INVARIANTS}test_certify_winding.py::test_tiny_and_huge_units",
    f"{INVARIANTS}test_evidence_of_series.py",
    f"{INVARIANTS}test_reasons.py",
)
CHERN_TESTS = (
    f"{INVARIANTS}test_certify_chern.py::test_no_more_points_than_allowed",
    f"{INVARIANTS}test_certify_chern.py::test_degenerate_axes",
    f"{INVARIANTS}test_certify_chern.py::test_tiny_and_huge_units",
    "tests/kernels/test_two_band_margins.py",
    f"{INVARIANTS}test_reasons.py",
)
#: Those of the cells that are quick with interpreted kernels too.
FAST = (
    "1-1-4-2", "1-2-4-2", "phases_stay", "without_overlap", "norms", "plane_by_plane",
    "equal_points", "limits_are_kept", "closed_gap_is_refused", "below_rounding", "flat_bands",
    "tiles", "curvature", "second_order", "left_out", "half_a_turn",
    "thin_cells_and", "cannot_be_halved", "norm_of_every", "not_known_well", "every_corner",
)  # fmt: skip
CELL_TESTS = (
    f"{INVARIANTS}test_cells.py", f"{INVARIANTS}test_certify_bands.py", "-k", " or ".join(FAST),
)  # fmt: skip
subject("topophys/kernels/winding_certified.py", WINDING, *WINDING_TESTS)
subject(
    "topophys/kernels/chern_two_band.py", TWO_BANDS, *CHERN_TESTS, "tests/kernels/test_degree.py"
)
subject("topophys/kernels/chern_multiband.py", MANY_BANDS, *CELL_TESTS)
subject("topophys/kernels/rounding.py", (*WINDING, *TWO_BANDS, *MANY_BANDS),
        f"{INVARIANTS}test_reasons.py")  # fmt: skip
subject("topophys/invariants/_cells.py", MANY_BANDS, *CELL_TESTS)
subject("topophys/invariants/_cocycle.py", (*MANY_BANDS, "weyl_charge"), *CELL_TESTS)
subject("topophys/invariants/_subdivision.py", (*MANY_BANDS, "weyl_charge"), *CELL_TESTS)
subject("topophys/invariants/_z2_methods.py", Z2, f"{INVARIANTS}test_z2_symmetry.py")
subject("topophys/invariants/_symmetry.py", (*Z2, "spin_chern"),
        f"{INVARIANTS}test_z2_symmetry.py")  # fmt: skip
subject("topophys/invariants/chern.py", TWO_BANDS, *CHERN_TESTS)
subject("topophys/invariants/_winding.py", WINDING, *WINDING_TESTS)

if __name__ == "__main__":
    main()
