"""Changed files, guided files, bombs, stops and long batches; writes docs/results/hardening.md.

    python -m benchmarks.quality.fuzz                       # all, a quarter of an hour of CPU time
    python -m benchmarks.quality.fuzz changed --cases 2000  # one table
    python -m benchmarks.quality.fuzz kills --only train    # some rows of the one of kills

Faults are printed with the number of their case, and make the script fail.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.testing.hardening import attacks, batches, interrupts, limits
from topophys.testing.hardening.bombs import BOMBS
from topophys.testing.hardening.readers import READERS

PAGE = ROOT / "docs" / "results" / "hardening.md"
#: What was found of each work that is killed.
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "hardening.jsonl")
#: Readers that coverage guides: those of texts that need no packages with imports of minutes.
GUIDED = ("recipe", "settings", "wannier", "structure", "lists")
#: What is said with a table of how it was made.
OPTIONS = {
    "changed": " --cases {cases}",
    "guided": " --seconds {seconds}",
    "bombs": "",
    "stopped": " --stops {stops}",
    "batches": " --items {items}",
    "kills": " --kills {kills}",
    "flips": " --flips {flips}",
}


def prepared(folder: Path) -> dict[str, Path]:
    """Honest files of every reader."""
    found = {}
    for name, reader in READERS.items():
        found[name] = folder / name / "honest"
        found[name].mkdir(parents=True)
        reader.make(found[name])
    return found


def changed(folder: Path, cases: int) -> tuple[str, int]:
    """Table of the readers, and the number of faults."""
    homes = prepared(folder)
    outcomes = {}
    for name in READERS:
        outcomes |= limits.run([(name, homes[name], 0, cases)])
        print(name, outcomes[name].cases, "files", len(outcomes[name].faults), "faults", flush=True)
    lines = ["| reader | files | read | refused | faults | memory | slowest |",
             "|---|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    for name, one in outcomes.items():
        lines.append(
            f"| {READERS[name].what} | {one.cases:,} | {one.read:,} | {one.refused:,}"
            f" | {len(one.faults)} | {one.memory / 2**20:.0f} MiB | {one.seconds:.2f} s |"
        )
    return "\n".join(lines), _faults(outcomes)


def _faults(outcomes) -> int:
    for name, one in outcomes.items():
        for fault in one.faults:
            print(f"FAULT {name}, {fault}", flush=True)
    return sum(len(one.faults) for one in outcomes.values())


def bombs(folder: Path) -> tuple[str, int]:
    """Table of the bombs, and the number of faults."""
    homes = prepared(folder)
    outcomes = limits.run([(title, homes[base], 0, 1) for title, (base, *_) in BOMBS.items()])
    lines = ["| file | reader | refused | time |", "|---|---|---:|---:|"]
    for title, one in outcomes.items():
        lines.append(
            f"| {title} | {READERS[BOMBS[title][0]].what} | {'yes' if one.refused else '**no**'}"
            f" | {one.seconds:.2f} s |"
        )
    return "\n".join(lines), _faults(outcomes)


def stopped(folder: Path, cases: int, longest: float) -> tuple[str, int]:
    """Table of the stopped commands, and the number of faults."""
    lines = ["| command | stops | in time | too late | faults |", "|---|---:|---:|---:|---:|"]
    total = 0
    for name, words in interrupts.prepare(folder).items():
        one = interrupts.try_often(words, folder, cases, longest, seed=name)
        row = (one.cases, one.stopped, one.finished, len(one.faults))
        lines.append(f"| `topophys {name}` | " + " | ".join(map(str, row)) + " |")
        total += _faults({name: one})
    return "\n".join(lines), total


def long_batches(items: int) -> tuple[str, int]:
    """Table of the long batches, each in a process with a bounded memory, and the faults."""
    lines = ["| call | Hamiltonians | in calls | wrong | memory taken | CPU time |",
             "|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    total = 0
    for name in batches.BATCHES:
        done = subprocess.run(
            [sys.executable, "-m", "topophys.testing.hardening.batches", name, str(items)],
            capture_output=True, text=True, check=False, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        if done.returncode:
            print(f"FAULT {name}: {done.stderr[-1500:]}", flush=True)
            total += 1
            continue
        one = json.loads(done.stdout)
        total += one["wrong"] > 0 or one["answered"] < one["items"]
        lines.append(
            f"| {name} | {one['items']:,} | {one['calls']} | {one['wrong']:,}"
            f" | {one['memory'] / 2**30:.1f} GiB | {one['seconds']:.1f} s |"
        )
    return "\n".join(lines), total


def kills(folder: Path, count: int, only: str) -> tuple[str, int]:
    """Table of the random kills, and the number of faults; work that is left out keeps its row."""
    lines = ["| work | kills | lost or wrong |", "|---|---:|---:|"]
    total = 0
    (folder / "kinds").mkdir()
    for number, (title, kind) in enumerate(attacks.kinds(folder / "kinds").items()):
        settings = {"attack": "kills", "work": title, "version": 1}
        if only in title:
            one = attacks.kills(kind, folder / str(number), count, title)
            print(title, one.attacks, "kills", len(one.faults), "faults", flush=True)
            total += _faults({title: one})
            STUDY.put(settings, {"kills": one.attacks, "faults": one.faults})
        if row := STUDY.get(settings):
            lines.append(f"| {title} | {row['kills']:,} | {len(row['faults'])} |")
    return "\n".join(lines), total


def flips(folder: Path, count: int) -> tuple[str, int]:
    """Table of flipped bits and of files that change under a reader, and the number of faults."""
    lines = ["| attack | cases | refused | without effect | wrong, crashed or hung |",
             "|---|---:|---:|---:|---:|"]  # fmt: skip
    total = 0
    (folder / "flips").mkdir()
    (folder / "exchanges").mkdir()
    for title, one in (
        *((f"a flipped bit in a {t}", o) for t, o in attacks.flips(folder / "flips", count)),
        *attacks.exchanges(folder / "exchanges", count),
    ):
        print(title, one.attacks, "cases", len(one.faults), "faults", flush=True)
        lines.append(
            f"| {title} | {one.attacks:,} | {one.refused:,} | {one.right:,} | {len(one.faults)} |"
        )
        total += _faults({title: one})
    return "\n".join(lines), total


# ---- guided by coverage


def guided(folder: Path, seconds: int) -> tuple[str, int]:
    """Table of guided runs, each in a process of libFuzzer, and the number of faults."""
    lines = ["| reader | files | branches reached, of the first and of all | faults |",
             "|---|---:|---:|---:|"]  # fmt: skip
    total = 0
    for name in GUIDED:
        home = folder / name
        (home / "honest").mkdir(parents=True)
        READERS[name].make(home / "honest")
        corpus = home / "corpus"
        corpus.mkdir()
        for number, sample in enumerate(
            sorted(p for p in home.rglob("honest/**/*") if p.is_file())
        ):
            (corpus / str(number)).write_bytes(sample.read_bytes())
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.quality.fuzz_guided", name, str(home), str(corpus),
             f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=1024", "-max_len=8192",
             "-print_final_stats=1", f"-artifact_prefix={home}/"],
            capture_output=True, text=True, check=False, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        runs = re.findall(r"stat::number_of_executed_units: (\d+)", done.stderr)
        cover = [int(n) for n in re.findall(r"cov: (\d+)", done.stderr)]
        fault = done.returncode != 0
        if fault:
            print(f"FAULT {name}, guided: {done.stdout[-500:]} {done.stderr[-1500:]}", flush=True)
        total += fault
        reached = f"{cover[0]:,} to {cover[-1]:,}" if cover else "unknown"
        count = f"{int(runs[-1]):,}" if runs else "unknown"
        lines.append(f"| {READERS[name].what} | {count} | {reached} | {int(fault)} |")
    return "\n".join(lines), total


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tables", nargs="*", choices=[[], *OPTIONS])
    parser.add_argument("--cases", type=int, default=2000, help="changed files of each reader")
    parser.add_argument("--seconds", type=int, default=60, help="of each guided run")
    parser.add_argument("--stops", type=int, default=20, help="of each command")
    parser.add_argument("--items", type=int, default=10**7, help="of each long batch")
    parser.add_argument("--kills", type=int, default=100, help="of each kind of work")
    parser.add_argument("--only", default="", help="work to kill that has this in its name")
    parser.add_argument("--flips", type=int, default=200, help="of each kind of file")
    given = parser.parse_args()
    ways = {
        "changed": lambda folder: changed(folder, given.cases),
        "guided": lambda folder: guided(folder, given.seconds),
        "bombs": bombs,
        "stopped": lambda folder: stopped(folder, given.stops, 20.0),
        "batches": lambda _: long_batches(given.items),
        "kills": lambda folder: kills(folder, given.kills, given.only),
        "flips": lambda folder: flips(folder, given.flips),
    }
    total = 0
    for name in given.tables or ways:
        with tempfile.TemporaryDirectory() as folder:
            text, faults = ways[name](Path(folder))
        print(text, flush=True)
        command = f"python -m benchmarks.quality.fuzz {name}{OPTIONS[name].format(**vars(given))}"
        put(PAGE, name, filled(command, text, harness.machine()))
        total += faults
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
