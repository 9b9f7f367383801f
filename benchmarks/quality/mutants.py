"""Weakens the proofs one place at a time and shows that a test notices; writes a page.

    python -m benchmarks.quality.mutants                        # all files, all mutants
    python -m benchmarks.quality.mutants _cells --minutes 20    # one file, what is not known of it
    python -m benchmarks.quality.mutants chern_two_band --list  # what would be changed in one file
    python -m benchmarks.quality.mutants --record               # the bounds that tests compare with

Every comparison is made always true and always false, every constant of a bound is halved and
doubled, every term that stands for rounding or a remainder is dropped, every maximum becomes a
minimum and the reverse. A mutant counts as noticed where one of the recorded Hamiltonians of
`tests/invariants/test_recorded_bounds.py` gets a wrong certificate, fewer of them or another bound,
or where a test of the file fails.

All checks run once with the sources as they are, kernels of the file interpreted; what each takes
and which lines of the file it executes is noted. A mutant is judged in a forked process, whose
functions get the changed code in place of their own, by the checks that execute its line: the one
that noticed the last mutant first, the others from the quickest on, up to `BUDGET` seconds. What is
found is kept in benchmarks/results/mutants.jsonl beside the line that was changed, wherever it
stands.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import os
import re
import signal
import sys
import time
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put

PAGE = ROOT / "docs" / "results" / "mutants.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "mutants.jsonl")
#: Why mutants survive: groups of [file, line of the source, what is changed to what].
EXPLAINED = Path(__file__).with_name("survivors.json")
#: Raised where trials or tests change what they notice.
STATE = 2
#: Names of terms that stand for what rounding or a truncated series may hide.
MARGINS = re.compile(
    r"slack|eps|error|rounding|rest|remainder|curve|curvature|spread|residual|tail"
)
#: CPU seconds that a check may take, with interpreted kernels, and all checks of one mutant.
SLOW, BUDGET = 0.5, 2.5
#: Recorded trials of each function: the quickest of so many, and how many of each outcome.
LOOK, KEEP = 120, {"right": 16, "unresolved": 8}
#: Standard error of this process and its children.
HEARD = os.dup(2)
#: What may notice a mutant, and how the page calls it.
NOTICES = {
    "wrong certificate": "wrong certificate", "fewer certificates": "fewer",
    "another bound": "another bound", "another effort": "another effort",
    "test fails": "test fails", "error": "exception", "does not end": "does not end",
    "": "survive", "not reached": "not reached",
}  # fmt: skip
SURVIVE = ("", "not reached")


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
    lines: tuple[int, ...]
    local: bool
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
                   lines[target.lineno - 1].strip(), tuple(range(first, last + 1)), local)
            for node, first, last, local in expressions(tree, 1, 0, local=False)
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


def expressions(
    node: ast.AST, first: int, last: int, *, local: bool
) -> Iterator[tuple[ast.AST, int, int, bool]]:
    """All nodes, with the lines of the statement they are in, and whether in a function's body."""
    for child in ast.iter_child_nodes(node):
        low, high, inside = first, last, local
        if isinstance(child, ast.stmt):
            body = getattr(child, "body", None)
            low = child.lineno
            high = max(low, body[0].lineno - 1) if body else child.end_lineno or low
            inside = local or isinstance(node, ast.FunctionDef)
        yield child, low, high, inside
        yield from expressions(child, low, high, local=inside)


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


def interpret(path: str) -> types.ModuleType:
    """Import the package again; kernels that a file is part of are interpreted from now on.

    For a few small Hamiltonians that is cheaper than to compile them for each mutant.
    """
    stale = dependents(path)
    for name in list(sys.modules):
        kept = name.startswith("topophys.kernels") and name.rpartition(".")[2] not in stale
        if name.split(".")[0] in ("topophys", "tests") and not kept:
            del sys.modules[name]
    jit = importlib.import_module("topophys.kernels._jit")
    jit.kernel = jit.fused_kernel = lambda function: function
    importlib.import_module("topophys")
    return importlib.import_module(path[:-3].replace("/", "."))


def functions(module: types.ModuleType) -> dict[str, types.FunctionType]:
    """Functions of a module and of its classes, by qualified name."""
    found = {}
    owners = [module, *(c for c in vars(module).values() if isinstance(c, type))]
    for owner in owners:
        for value in vars(owner).values():
            inner = getattr(value, "fget", None) or getattr(value, "__func__", value)
            plain = inspect.unwrap(inner) if callable(inner) else None
            if isinstance(plain, types.FunctionType) and plain.__module__ == module.__name__:
                found[plain.__qualname__] = plain
    return found


def change(module: types.ModuleType, text: str) -> None:
    """Give all functions of a module the code of another text, and all its numbers."""
    other = types.ModuleType(module.__name__)
    other.__file__, other.__package__ = module.__file__, module.__package__
    sys.modules[module.__name__] = other  # dataclasses look at their module
    exec(compile(text, str(module.__file__), "exec"), vars(other))
    sys.modules[module.__name__] = module
    new = functions(other)
    for name, function in functions(module).items():
        if name in new and function.__code__.co_freevars == new[name].__code__.co_freevars:
            function.__code__ = new[name].__code__
            function.__defaults__ = new[name].__defaults__
            function.__kwdefaults__ = new[name].__kwdefaults__
    package = [m for n, m in sys.modules.items() if n.startswith("topophys") and m is not None]
    for name, old in list(vars(module).items()):
        value = getattr(other, name, old)
        if isinstance(old, int | float | tuple) and value != old:
            for user in package:
                if vars(user).get(name) is old:
                    setattr(user, name, value)
    forget()


def forget() -> None:
    """Clear all caches of the package, which would hide what a change does."""
    for name, module in list(sys.modules.items()):
        if name.startswith("topophys"):
            for value in list(vars(module).values()):
                if callable(clear := getattr(value, "cache_clear", None)):
                    clear()


def in_child(work: Callable[[], Any]) -> Any:
    """What a function returns in a forked process; None if it ended in another way."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
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


def patient(seconds: float) -> None:
    """End this process after so many seconds of its processor time."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)


@dataclass(frozen=True)
class Check:
    """Something that may notice a mutant: what it says, the lines it executes, CPU seconds."""

    name: str
    notices: Callable[[], str]
    lines: frozenset[int] = frozenset()
    seconds: float = 0.0


def lines_of(work: Callable[[], Any], file: str) -> list[int]:
    """Lines of a file that are executed by a function."""
    seen = set[int]()

    def line(frame, event, _):
        if event == "line":
            seen.add(frame.f_lineno)
        return line

    def call(frame, _event, _argument):
        if frame.f_code.co_filename != file:
            return None
        seen.add(frame.f_code.co_firstlineno)
        return line

    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(None)
    return sorted(seen)


def measured(checks: list[Check], file: str, slow: float) -> list[Check]:
    """Those of some checks that pass in a moment and execute the file, with what they take."""

    def look(check: Check) -> Any:
        patient(slow)
        start = time.process_time()
        noticed = check.notices()
        seconds = time.process_time() - start
        patient(20 * slow)
        forget()
        return [noticed, seconds, lines_of(check.notices, file)]

    found = []
    for check in checks:
        answer = in_child(lambda check=check: look(check))
        if isinstance(answer, list) and not answer[0] and answer[2]:
            found.append(replace(check, lines=frozenset(answer[2]), seconds=answer[1]))
    return found


def trial_checks(one: Subject) -> list[Check]:
    """Recorded trials of a subject."""
    recorded = importlib.import_module("tests.invariants.test_recorded_bounds")
    return [
        Check(f"{target} {number}", lambda t=target, n=number: recorded.differs(t, n))
        for target in one.trials
        for number in recorded.NUMBERS[target]
    ]


class Judge:
    """A plugin of pytest that runs mutants in place of the tests that were collected."""

    def __init__(self, one: Subject, module: types.ModuleType, given: argparse.Namespace):
        self.one, self.module, self.given = one, module, given
        self.end = time.monotonic() + 60.0 * given.minutes
        self.text = (ROOT / one.path).read_text("utf-8")
        self.failed = False

    def pytest_runtest_logreport(self, report):
        self.failed |= report.failed

    def test_fails(self, item: Any) -> str:
        self.failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return "test fails" if self.failed else ""

    def pytest_runtestloop(self, session):
        """Measure all checks, then judge all mutants that are not known."""
        done, name, every = known(), Path(self.one.path).stem, self.given.every
        every_one = mutants_of(self.one.path, self.text)
        if self.given.again is not None:
            again = self.given.again or ["survive", "not reached"]
            for m in every_one:
                how = done.get(m.key(), "")
                if NOTICES[how] in again or (how in SURVIVE and group_of(name, m) in again):
                    done.pop(m.key(), None)
        todo = [m for m in every_one if m.key() not in done]
        # neighbouring places are noticed by the same check: in an order that meets all parts early
        todo = [m for first in range(every) for m in todo[first::every]]
        if not todo or time.monotonic() > self.end:
            return True
        start = time.process_time()
        tests = [Check(i.nodeid, lambda i=i: self.test_fails(i)) for i in session.items]
        checks = measured([*trial_checks(self.one), *tests], str(self.module.__file__),
                          SLOW * self.given.longer)  # fmt: skip
        checks.sort(key=lambda check: check.seconds)
        children = os.times().children_user
        say(f"{name}: {len(todo)} mutants, {len(checks)} checks,"
            f" {time.process_time() - start + children:.0f} s")  # fmt: skip
        if in_child(lambda: self.noticed(self.text, checks)) != ["", ""]:
            raise SystemExit(f"{name}: the sources as they are fail, once their code is exchanged")
        for mutant in todo:
            if time.monotonic() > self.end:
                break
            before = os.times().children_user
            how = self.judged(mutant, checks)
            STUDY.put(mutant.settings(), {"line": mutant.line, "noticed": how})
            say(f"{name}:{mutant.line}: {mutant.old} -> {mutant.new}: {how or 'SURVIVES'}"
                f" ({os.times().children_user - before:.1f} s)")  # fmt: skip
        return True

    def judged(self, mutant: Mutant, checks: list[Check]) -> str:
        """What notices a mutant; that goes first next time."""
        able = [c for c in checks if not mutant.local or c.lines & set(mutant.lines)]
        if not able:
            return "not reached"
        chosen, spent = [], 0.0
        for check in able:
            if spent < BUDGET * self.given.longer:
                chosen.append(check)
                spent += check.seconds
        answer = in_child(lambda: self.noticed(mutant.apply(self.text), chosen))
        if answer is None:
            return "does not end"
        if isinstance(answer, str):  # the changed file cannot even be imported
            raise SystemExit(f"{mutant.path}:{mutant.line}: {mutant.old} -> {mutant.new}: {answer}")
        how, which = answer
        for i, check in enumerate(checks):
            if check.name == which:
                checks.insert(0, checks.pop(i))
        return str(how)

    def noticed(self, text: str, checks: list[Check]) -> list[str]:
        """What the first check says that notices another text of the file, and its name."""
        patient(SLOW)
        change(self.module, text)
        for check in checks:
            patient(2.0 + 10.0 * check.seconds)
            try:
                how = check.notices()
            except Exception:  # raised by the change in one of the recorded Hamiltonians
                how = "error"
            if how:
                return [how, check.name]
        return ["", ""]


def say(words: str) -> None:
    """A line for whoever waits, past what is captured or thrown away."""
    os.write(HEARD, words.encode() + b"\n")


def study(name: str, given: argparse.Namespace) -> None:
    """Run the mutants of one file that are not known, and keep what noticed each."""
    one = SUBJECTS[name]
    pytest = importlib.import_module("pytest")
    options = ["-q", "--assert=plain", "-o", "addopts=", "-o", "filterwarnings=", "-m", "not slow",
               "-p", "no:cacheprovider", "-p", "tests.without_torch"]  # fmt: skip
    module = interpret(one.path)
    pytest.main([*options, *one.tests], plugins=[Judge(one, module, given)])


def warm_up(names: list[str]) -> None:
    """Compile, or load, all kernels that trials use, once for all children."""
    fuzz = importlib.import_module("topophys.testing.proof_fuzz")
    for target in sorted({target for name in names for target in SUBJECTS[name].trials}):
        fuzz.run(target, 12, seed=7)


def record() -> None:
    """Write the recorded trials of all functions anew: the quickest ones of each outcome."""
    recorded = importlib.import_module("tests.invariants.test_recorded_bounds")
    kept: dict[str, dict[str, Any]] = {}
    for target in sorted({target for one in SUBJECTS.values() for target in one.trials}):
        taken = []
        for number in range(LOOK):
            recorded.outcome(target, number)
            start = time.process_time()
            found = recorded.outcome(target, number)
            taken.append((time.process_time() - start, number, found))
        left, chosen = dict(KEEP), {}
        for _, number, found in sorted(taken, key=lambda one: one[0]):
            if left.get(word := found[0][0]):
                left[word] -= 1
                chosen[number] = found
        kept[target] = {str(number): chosen[number] for number in sorted(chosen)}
        say(f"{target}: {len(kept[target])} trials")
    rows = []
    for target, own in kept.items():
        lines = [f'"{number}": {json.dumps(found)}' for number, found in own.items()]
        rows.append(json.dumps(target) + ": {\n" + ",\n".join(lines) + "\n}")
    recorded.PATH.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")


def table() -> str:
    """Mutants and survivors of each file."""
    lines = ["| file | mutants | run | " + " | ".join(NOTICES.values()) + " |",
             "|---|---:|---:|" + "---:|" * len(NOTICES)]  # fmt: skip
    survivors, sums, done = [], Counter[str](), known()
    for name, one in SUBJECTS.items():
        mutants = mutants_of(one.path, (ROOT / one.path).read_text("utf-8"))
        run = [(m, done[m.key()]) for m in mutants if m.key() in done]
        words = [how for _, how in run]
        counts = {"all": len(mutants), "run": len(words)} | {w: words.count(w) for w in NOTICES}
        sums.update(counts)
        lines.append(f"| `{one.path}` | " + " | ".join(map(str, counts.values())) + " |")
        survivors += [
            (name, m, how) for m, how in run if NOTICES[how] in ("survive", "not reached")
        ]
    lines += ["| together | " + " | ".join(map(str, sums.values())) + " |", ""]
    told: dict[str, list[str]] = {group: [] for group in (*explained(), "Not looked at yet")}
    for name, m, how in survivors:
        place = f"`{name}` {m.line}: `{m.old} -> {m.new}`"
        told[group_of(name, m)].append(place + f" ({how})" * bool(how))
    for group, places in told.items():
        if places:
            lines += [
                f"**{group}** ({len(places)}). {explained().get(group, {}).get('why', '')}",
                "",
            ]
            lines += ["; ".join(places) + ".", ""]
    return "\n".join(lines)


def group_of(name: str, m: Mutant) -> str:
    """Why a mutant of a file survives, if it does."""
    place = [name, m.source, f"{m.old} -> {m.new}"]
    told = (group for group, one in explained().items() if place in one["places"])
    return next(told, "Not looked at yet")


@cache
def explained() -> dict[str, dict[str, Any]]:
    """Groups of survivors: why they survive, and which they are."""
    found: dict[str, dict[str, Any]] = json.loads(EXPLAINED.read_text("utf-8"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument(
        "--minutes", type=float, default=1e6, help="for each file; 0: only the page"
    )
    parser.add_argument(
        "--again", nargs="*",
        help="once more those of these columns of the table or groups of survivors; all survivors"
    )  # fmt: skip
    parser.add_argument("--longer", type=float, default=1.0, help="so many times the CPU time")
    parser.add_argument("--record", action="store_true", help="write the recorded bounds anew")
    parser.add_argument("--every", type=int, default=7, help="order: each so many-th place first")
    given = parser.parse_args()
    names = given.names or list(SUBJECTS)
    if given.record:
        record()
        return
    if given.list:
        for name in names:
            path = SUBJECTS[name].path
            for m in mutants_of(path, (ROOT / path).read_text("utf-8")):
                print(f"{m.line}: {m.old} -> {m.new}")
        return
    if given.minutes:
        warm_up(names)
    for name in names * bool(given.minutes):
        if failure := in_child(lambda name=name: study(name, given)):
            raise SystemExit(f"{name}: {failure}")
    put(PAGE, "mutants",
        filled("python -m benchmarks.quality.mutants", table(), harness.machine()))  # fmt: skip


INVARIANTS = "tests/invariants/"
CONSTANT = (
    f"{INVARIANTS}test_recorded_bounds.py"
    "::test_bound_of_a_constant_hamiltonian_is_its_gap_less_twice_the_slack"
)
WINDING_TESTS = (
    CONSTANT,
    f"{INVARIANTS}test_certify_winding.py::test_evidence_is_found_again_from_the_hamiltonian",
    f"{INVARIANTS}test_certify_winding.py::test_no_more_points_than_allowed",
    f"{INVARIANTS}test_certify_winding.py::test_nothing_at_all_is_unresolved",
    f"{INVARIANTS}test_certify_winding.py::test_tiny_and_huge_units",
    f"{INVARIANTS}test_certify_winding.py::test_many_harmonics_of_three_orbitals",
    f"{INVARIANTS}test_certify_winding.py::test_a_determinant_with_too_many_harmonics_is_refused",
    f"{INVARIANTS}test_certify_winding.py::test_a_budget_below_the_first_intervals_evaluates_nothing",
    f"{INVARIANTS}test_evidence_of_series.py",
    f"{INVARIANTS}test_reasons.py",
)
CHERN_TESTS = (
    CONSTANT,
    f"{INVARIANTS}test_certify_chern.py::test_no_more_points_than_allowed",
    f"{INVARIANTS}test_certify_chern.py::test_degenerate_axes",
    f"{INVARIANTS}test_certify_chern.py::test_other_things_are_refused",
    f"{INVARIANTS}test_certify_chern.py::test_far_hoppings_that_are_left_out_cost_twice_their_norm",
    f"{INVARIANTS}test_certify_chern.py::test_far_hoppings_that_a_grid_can_follow_are_not_left_out",
    f"{INVARIANTS}test_certify_chern.py::test_a_budget_below_the_first_cells_evaluates_nothing",
    f"{INVARIANTS}test_certify_chern.py::test_bounds_hold_for_all_hamiltonians_within_the_error",
    f"{INVARIANTS}test_certify_chern.py::test_tiny_and_huge_units",
    "tests/kernels/test_two_band_margins.py",
    f"{INVARIANTS}test_reasons.py",
)
#: Those of the cells that are quick with interpreted kernels too.
FAST = (
    "1-1-4-2", "1-2-4-2", "phases_stay", "without_overlap", "norms", "plane_by_plane",
    "equal_points", "limits_are_kept", "closed_gap_is_refused", "below_rounding", "flat_bands",
    "tiles", "curvature", "constant_hamiltonian", "corner_bound",
    "slack_of_hoppings", "thin_cells_are", "states_at_vertices", "within_the_error",
    "eighth", "second_order", "left_out", "half_a_turn", "band_margins",
    "thin_cells_and", "cannot_be_halved", "norm_of_every", "not_known_well", "every_corner",
)  # fmt: skip
CELL_TESTS = (
    CONSTANT, f"{INVARIANTS}test_cells.py", f"{INVARIANTS}test_certify_bands.py",
    "tests/kernels/test_band_margins.py", "-k", " or ".join(FAST),
)  # fmt: skip
subject("topophys/kernels/winding_certified.py", WINDING, *WINDING_TESTS,
        "tests/kernels/test_winding_margins.py")  # fmt: skip
subject(
    "topophys/kernels/chern_two_band.py", TWO_BANDS, *CHERN_TESTS, "tests/kernels/test_degree.py"
)
subject("topophys/kernels/chern_multiband.py", MANY_BANDS, *CELL_TESTS)
subject("topophys/kernels/rounding.py", (*WINDING, *TWO_BANDS, *MANY_BANDS),
        f"{INVARIANTS}test_reasons.py", "tests/kernels/test_rounding.py")  # fmt: skip
subject("topophys/invariants/_cells.py", MANY_BANDS, *CELL_TESTS)
subject("topophys/invariants/_cocycle.py", (*MANY_BANDS, "weyl_charge"), *CELL_TESTS)
subject("topophys/invariants/_subdivision.py", (*MANY_BANDS, "weyl_charge"), *CELL_TESTS)
subject("topophys/invariants/_z2_methods.py", Z2, f"{INVARIANTS}test_z2_symmetry.py",
        f"{INVARIANTS}test_half_zone.py", f"{INVARIANTS}test_z2.py")  # fmt: skip
subject("topophys/invariants/_symmetry.py", (*Z2, "spin_chern"),
        f"{INVARIANTS}test_z2_symmetry.py", f"{INVARIANTS}test_symmetry_margins.py")  # fmt: skip
subject("topophys/invariants/chern.py",
        (*TWO_BANDS, "chern_on_slices", "link_chern", "certify_chern, many bands"),
        *CHERN_TESTS, f"{INVARIANTS}test_link_chern.py", f"{INVARIANTS}test_chern_slices.py",
        f"{INVARIANTS}test_evidence_of_series.py")  # fmt: skip
subject("topophys/invariants/_winding.py", WINDING, *WINDING_TESTS)

if __name__ == "__main__":
    main()
