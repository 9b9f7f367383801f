"""The independent checker on real and on false files; writes docs/results/checker.md.

    python -m benchmarks.quality.checker --minutes 60    # adds to what is there
    python -m benchmarks.quality.checker --minutes 0     # only the page
    python -m benchmarks.quality.checker --minutes 0 --mos2 MoS2-1Tp_hr.dat.tar.gz    # 48 bands

Kinds of certificates take turns. What is found is kept in benchmarks/results/checker.jsonl, so that
trials add up. Every accepted mutant is decided by dense samples, which share nothing with the
checker: if its claim is false, the checker was wrong.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path

import numpy as np

import topophys as tp
from benchmarks.harness import Study
from benchmarks.pages import ROOT
from topophys import (
    bundle_checker,
    census_checker,
    checker,
    degree_checker,
    gap_checker,
    symmetry_checker,
)
from topophys.testing.certificates import KINDS, trial, verdict

PAGE = ROOT / "docs" / "results" / "checker.md"
STUDY = ROOT / "benchmarks" / "results" / "checker.jsonl"
#: What the checker was when its trials ran; the last one is that of this commit.
STATES = {
    1: "matrices of balls in place of integers",
    2: "shorter, with one walk over sides of cells",
    3: "a sharper bound of phases of Pfaffians; accepts what state 2 refused for a large error",
    4: "Majorana numbers",
    5: "knows quantities by the names of the format alone",
    6: "Frobenius norms from entries, without a product of matrices",
    7: "in two files",
    8: "winding numbers in three dimensions, axion angles, second Chern numbers and localizers",
    9: "spin Chern numbers and Z2 indices of solids, and one limit of the work of all parts",
}
STATE = max(STATES)
VERDICTS = {
    "rejected": "rejected",
    "unreadable": "unreadable (no certificate any more)",
    "still true": "accepted; the claim is still true",
    "WRONG": "accepted, and false",
}


def pieces(certificates, mutants, seed):
    """Settings of pieces of work, all kinds in turn."""
    for number in count():
        for kind in KINDS:
            yield {"kind": kind, "certificates": certificates, "mutants": mutants,
                   "seed": seed, "piece": number, "state": STATE}  # fmt: skip


def large(path, n_occupied):
    """Size of a certificate of a Wannier Hamiltonian, and what it takes to check it."""
    found = tp.certify_chern(tp.read_wannier90(path, n_occupied=n_occupied), evidence=True)
    with tempfile.TemporaryDirectory() as folder:
        text = found.save(Path(folder) / "x.cert.json").read_text()
    evidence, bands = (json.loads(text)[key] for key in ("evidence", "question"))
    start = time.process_time()
    said, _ = verdict(text)
    seconds = time.process_time() - start
    return {
        "bands": bands["bands"], "value": int(found.value), "said": said,
        "seconds": round(seconds, 1), "megabytes": round(len(text) / 1e6, 1),
        "leaves": evidence["tree"].count("0"), "thin": evidence["thin"]["tree"].count("1"),
        "points": len(evidence["points"]["at"]),
    }  # fmt: skip


def page(entries):
    """The page of results: all trials together."""
    heavy = [(s, r) for s, r in entries if "material" in s]
    entries = [(s, r) for s, r in entries if "kind" in s]
    rows, changes, kinds = {}, Counter(), Counter()
    wrong, uncertain = [], 0
    for settings, result in entries:
        kind = settings["kind"]
        rows.setdefault(kind, []).extend(result["seconds"])
        uncertain += result["uncertain"]
        wrong += result["wrong"]
        for change, counts in result["changes"].items():
            for said, number in counts.items():
                changes[change, said] += number
                kinds[kind, said] += number
    refused = Counter(kind for kind, change, _ in wrong if change == "unchanged")
    total = {said: sum(n for (_, word), n in changes.items() if word == said) for said in VERDICTS}
    made = sum(map(len, rows.values()))
    lines = [
        "# The checker, tried",
        "",
        "Written by `python -m benchmarks.quality.checker`: certificates of random Hamiltonians of",
        "these kinds, few of the newest six, scales from 1e-250 to 1e250 among them, are written,",
        "checked, changed, and",
        "checked again. Mutants that are accepted are decided by dense samples. A change called",
        "*field* is one of that field of [the format](../certificate-format.md), in one of several",
        "ways. Times are those of one process on two cores that others used too. Certificates of",
        "censuses of Weyl nodes are changed in tests alone.",
        "",
        f"**{made:,} certificates, {made - sum(refused.values()):,} of them accepted.**",
        f"Of these {uncertain:,} are for all Hamiltonians within a given `amplitude_error`.",
        f"**{sum(total.values()):,} changed files, {total['WRONG']} accepted although false.**",
        "",
        "| kind | accepted | not accepted | CPU seconds, median | largest | changed | still true |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in KINDS:
        spent = rows.get(kind, [])
        if spent:
            own = [kinds[kind, said] for said in VERDICTS]
            lines.append(
                f"| {kind} | {len(spent) - refused[kind]} | {refused[kind]} |"
                f" {np.median(spent):.3f} | {max(spent):.2f} | {sum(own)} | {own[2]} |"
            )
    lines += ["", "| verdict on changed files | number |", "|---|---:|"]
    lines += [f"| {name} | {total[said]} |" for said, name in VERDICTS.items()]
    lines += ["", "| change | rejected | unreadable | accepted, true | accepted, false |"]
    lines += ["|---|---:|---:|---:|---:|"]
    for change in sorted({c for c, _ in changes}):
        row = " | ".join(str(changes[change, said]) for said in VERDICTS)
        lines.append(f"| {change} | {row} |")
    if wrong:
        lines += ["", "Files that are in order and were refused, or false ones that were not:", ""]
    lines += [f"- state {s['state']}: {r}" for s, result in entries for r in result["wrong"]]
    lines += ["", "States of the checker in these trials:", ""]
    lines += [f"- {number}: {what}." for number, what in STATES.items()]
    if heavy:
        lines += ["", "One large certificate, of a Wannier file, with `--mos2`:", ""]
        lines += ["| material | bands | cells, thin cells, points | MB | verdict | CPU seconds |"]
        lines += ["|---|---:|---:|---:|---|---:|"]
    for settings, r in heavy:
        cells = f"{r['leaves']}, {r['thin']}, {r['points']}"
        lines.append(
            f"| {settings['material']}, Chern number {r['value']} | {r['bands']} | {cells} |"
            f" {r['megabytes']} | {r['said']} | {r['seconds']} |"
        )
    lines += ["", "Lines when this page was written:", ""]
    lines += [
        f"- `topophys/{path.name}`: {len(path.read_text('utf-8').splitlines()):,}"
        for path in (
            Path(module.__file__)
            for module in (
                checker,
                gap_checker,
                bundle_checker,
                symmetry_checker,
                degree_checker,
                census_checker,
            )
        )
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--certificates", type=int, default=10, help="of one kind in one piece")
    parser.add_argument("--mutants", type=int, default=10, help="of each certificate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="begin no piece after this long"
    )
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--output", type=Path, default=PAGE)
    parser.add_argument("--mos2", type=Path, help="the file of MoS2 in the 1T' structure")
    parser.add_argument("--study", type=Path, default=STUDY)
    asked = parser.parse_args()
    study, end = Study(asked.study), time.monotonic() + 60.0 * asked.minutes
    known = {str(sorted(s.items())) for s, _ in study.entries()}
    for settings in pieces(asked.certificates, asked.mutants, asked.seed):
        if time.monotonic() >= end:
            break
        if settings["kind"] in asked.kinds and str(sorted(settings.items())) not in known:
            seed = [settings["seed"], settings["piece"]]
            study.put(settings, trial(settings["kind"], asked.certificates, asked.mutants, seed))
    if asked.mos2:
        study.put({"material": "MoS2 1T'", "n_occupied": 28, "state": STATE}, large(asked.mos2, 28))
    asked.output.write_text(page(study.entries()), encoding="utf-8")


if __name__ == "__main__":
    main()
