"""Proofs of the tenfold way: outcomes of random options, and rates; writes docs/results/tenfold.md.

    python -m benchmarks.quality.tenfold              # all pieces, then the page
    python -m benchmarks.quality.tenfold --pieces 10  # the first ten of each
    python -m benchmarks.quality.tenfold --goals      # more, until as many are tried as GOALS says
    python -m benchmarks.quality.tenfold --rates      # rates on one core, then the page
    python -m benchmarks.quality.tenfold --data-rates # those of whole data sets alone

Counts are kept in benchmarks/results/tenfold.jsonl by target and piece, so that a run can be
taken up again. Rates are per second of CPU time, the median of several batches that are not
compiled any more.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.datasets import Recipe, generate
from topophys.testing.proof_fuzz import FEW, MANY, OUTCOMES, TARGETS, run

PAGE = ROOT / "docs" / "results" / "tenfold.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "tenfold.jsonl")
VERSION = 1
NAMES = tuple(
    name for name in TARGETS
    if name.partition(",")[0] in {
        "majorana_number", "winding_3d", "point_gap_winding", "mirror_chern", "second_chern",
        "axion_angle",
    }
)  # fmt: skip
#: How many Hamiltonians are to be tried: 100,000 of each certificate, 10,000 of the slow ones of
#: three and four dimensions.
GOALS = {
    "axion_angle": 10_000,
    "second_chern": 5_000, "second_chern, broken symmetry": 5_000,
    "winding_3d": 10_000, "winding_3d, broken symmetry": 5_000,
    "majorana_number, Kramers pairs": 100_000,
    "point_gap_winding": 100_000,
    "majorana_number": 60_000, "majorana_number, broken symmetry": 40_000,
    "mirror_chern, broken symmetry": 50_000, "winding_3d, six and eight bands": 10_000,
    "mirror_chern": 50_000,
}  # fmt: skip


def settings(name: str, number: int) -> dict:
    """What the outcomes of a piece depend on."""
    return {"target": name, "piece": number, "batches": FEW[name], "version": VERSION}


def piece(name: str, number: int) -> int:
    """Try one piece, keep its outcomes, and count its Hamiltonians."""
    count = run(name, FEW[name], seed=2000 + number)
    STUDY.put(settings(name, number), {"outcomes": dict(count.outcomes), "bad": count.bad})
    return count.outcomes.total()


def more() -> None:
    """Pieces of each target until its goal is reached."""
    for name, goal in GOALS.items():
        kept = {s["piece"]: sum(c["outcomes"].values()) for s, c in STUDY.entries()
                if "target" in s and s == settings(name, s["piece"])}  # fmt: skip
        tried, number = sum(kept.values()), 0
        while tried < goal:
            if number not in kept:
                tried += piece(name, number)
            number += 1
        print(f"{name}: {tried:,}", flush=True)


def outcomes() -> str:
    """Outcomes by function."""
    lines = ["| function | Hamiltonians | " + " | ".join(OUTCOMES) + " |",
             "|---|---:|" + "---:|" * len(OUTCOMES)]  # fmt: skip
    whole: Counter[str] = Counter()
    for name in NAMES:
        kept = [c for s, c in STUDY.entries() if s == settings(name, s.get("piece", -1))]
        total = sum((Counter(c["outcomes"]) for c in kept), Counter())
        if not total:  # not tried yet
            continue
        whole += total
        cells = [total.total(), *(total[word] for word in OUTCOMES)]
        lines.append(f"| `{name}` | " + " | ".join(f"{c:,}" for c in cells) + " |")
    cells = [whole.total(), *(whole[word] for word in OUTCOMES)]
    lines.append("| **all** | " + " | ".join(f"{c:,}" for c in cells) + " |")
    return "\n".join(lines)


def jobs() -> dict[str, tuple[int, Callable[[np.random.Generator], object], Callable]]:
    """Name of each job: how many at a time, what draws them, what proves them."""
    draw = tp.ensembles
    swap = np.kron(np.eye(2), [[0, 1], [1, 0]])
    return {
        "winding numbers of chains, 2 orbitals, range 2": (
            5000, lambda g: draw.aiii_chains(5000, rng=g), tp.certify_winding),
        "Chern numbers, 2 bands, range 1": (
            2000, lambda g: draw.two_band(2000, hopping_range=1, rng=g), tp.certify_chern),
        "Kramers pairs of Majorana modes, 4 bands, range 1": (
            1000, lambda g: pairs_of_chains(1000, g),
            lambda h: tp.majorana_number(
                h, particle_hole="majorana", time_reversal=np.kron([[0, 1], [-1, 0]], np.eye(2)))),
        "strong and weak indices in 3D, `fu_kane_mele`, by parities": (
            10, lambda g: tp.models.fu_kane_mele(g.uniform(0.1, 1.9)),
            lambda h: [tp.z2_indices_3d(h, n_occupied=2, method="parity", inversion=swap,
                                        time_reversal="up first") for _ in range(10)][-1]),
        "axion angles, `fu_kane_mele`": (
            10, lambda g: tp.models.fu_kane_mele(g.uniform(0.3, 1.7, 10)),
            lambda h: tp.axion_angle(h, inversion=swap, n_occupied=2)),
        "second Chern numbers, `dirac_4d`": (
            10, lambda g: tp.models.dirac_4d(g.uniform(-3.3, -2.7, 10)),
            lambda h: tp.second_chern(h, gammas="dirac")),
        "Majorana numbers, 4 bands, range 1": (
            2000, lambda g: draw.bdg_chains(2000, hopping_range=1, rng=g),
            lambda h: tp.majorana_number(h, particle_hole="majorana", kind="direct")),
        "Majorana numbers, 4 bands, range 2": (
            2000, lambda g: draw.bdg_chains(2000, hopping_range=2, rng=g),
            lambda h: tp.majorana_number(h, particle_hole="majorana", kind="direct")),
        "Majorana numbers with a gap at E = 0, 4 bands, range 1": (
            2000, lambda g: draw.bdg_chains(2000, hopping_range=1, rng=g),
            lambda h: tp.majorana_number(h, particle_hole="majorana")),
        "point-gap winding numbers, 2 bands, range 2": (
            5000, lambda g: draw.non_hermitian_chains(5000, rng=g), tp.point_gap_winding),
        "3D winding numbers, 4 bands, `chiral_3d`": (
            200, lambda g: draw.chiral_3d(200, rng=g),
            lambda h: tp.winding_3d(h, chiral="blocks")),
        "3D winding numbers, 6 bands": (
            10, lambda g: draw.chiral_3d(10, n_bands=6, rng=g),
            lambda h: tp.winding_3d(h, chiral="blocks")),
        "3D winding numbers, 8 bands": (
            4, lambda g: draw.chiral_3d(4, n_bands=8, rng=g),
            lambda h: tp.winding_3d(h, chiral="blocks")),
        "Z2 invariants, 4 bands, range 1": (
            200, lambda g: draw.time_reversal_planes(200, rng=g),
            lambda h: tp.z2_invariant(h, method="flux", time_reversal="up first")),
        "mirror Chern numbers, 4 bands, range 1": (
            50, lambda g: draw.time_reversal_planes(50, spin_conserved=True, rng=g),
            lambda h: tp.mirror_chern(h, mirror=np.diag([1j, 1j, -1j, -1j]))),
    }  # fmt: skip


def pairs_of_chains(n: int, rng: np.random.Generator) -> tp.FourierHamiltonian:
    """Class DIII with C = K: D(k) = [[0, f(k)], [-f(-k), 0]], three random harmonics of f."""
    f = rng.standard_normal((n, 3)) + 1j * rng.standard_normal((n, 3))
    block = np.zeros((n, 3, 2, 2), complex)
    block[..., 0, 1], block[..., 1, 0] = f, -f[:, ::-1]
    adjoint = block[:, ::-1].conj().swapaxes(-1, -2)
    a, b = 0.5 * (block + adjoint), 0.5j * (block - adjoint)
    h = np.concatenate([np.concatenate([a, b], -1), np.concatenate([b, -a], -1)], -2)
    return tp.FourierHamiltonian({(r,): h[:, r + 1] for r in (-1, 0, 1)}, n_occupied=2)


def rates(repeats: int = 3, word: str = "") -> None:
    """Measure what is proven in a second of CPU time, in jobs whose names contain a word."""
    for name, (count, draw, prove) in jobs().items():
        if word not in name:
            continue
        prove(draw(np.random.default_rng(0)))
        speeds, share = [], []
        for seed in range(1, repeats + 1):
            h = draw(np.random.default_rng(seed))
            found: list = []
            seconds = harness.cpu(lambda h=h, found=found, prove=prove: found.append(prove(h)))
            share.append(float(found[0].certified.mean()))
            speeds.append(count * share[-1] / seconds)
        kept = {"speed": statistics.median(speeds), "share": statistics.mean(share)}
        STUDY.put({"rate": name, "version": VERSION}, kept)


def data_rates(size: int = 1000) -> None:
    """Measure whole data sets of Z2 invariants, from drawing to the file, in one process."""
    recipe = (ROOT / "datasets" / "z2-2d" / "recipe.toml").read_text(encoding="utf-8")
    head = recipe.partition("[[split]]")[0]
    for words, least in (("without a filter on the gap", 0.0), ("gap at least 0.1", 0.1)):
        with tempfile.TemporaryDirectory() as folder:
            for count in (10, size):  # the first compiles
                path = Path(folder) / f"{count}.toml"
                split = f'[[split]]\nname = "train"\nsize = {count}\nclasses = [0, 1]\n'
                path.write_text(f"{head}{split}min_gap = {least}\n", encoding="utf-8")
                given = Recipe.from_toml(path), path.with_suffix(".h5")
                seconds = harness.cpu(lambda g=given: generate(*g, workers=1, progress=False))
        name = f"data set `z2-2d`, {words}, end to end, samples"
        STUDY.put({"rate": name, "version": VERSION}, {"speed": size / seconds, "share": None})


def per_second(speed: float) -> str:
    """Write a rate, with two digits where it is small."""
    return f"{speed:,.0f}" if speed >= 10.0 else f"{speed:.2g}"


def rate_table() -> str:
    """Rates, from the last measurement of each."""
    lines = ["| job | proven of those drawn | proven a second, one core |", "|---|---:|---:|"]
    for given, kept in STUDY.entries():
        if "rate" in given and given["version"] == VERSION:
            share = "" if kept["share"] is None else f"{kept['share']:.3f}"
            lines.append(f"| {given['rate']} | {share} | {per_second(kept['speed'])} |")
    for given, kept in STUDY.entries():
        if given.get("rate", "").startswith("data set") and given["version"] == VERSION:
            minutes, what = 100_000 / kept["speed"] / 120.0, given["rate"].partition(", end")[0]
            lines += ["", f"100,000 samples of the {what}: {minutes:.1f} minutes of two cores."]
    return "\n".join(lines)


#: Class and dimension, function, and the job that measures it.
CELLS = (
    ("AIII, BDI, CII in 1D", "certify_winding", "winding numbers of chains, 2 orbitals, range 2"),
    ("D in 1D", "majorana_number", "Majorana numbers, 4 bands, range 1"),
    (
        "DIII in 1D",
        "majorana_number, Kramers pairs",
        "Kramers pairs of Majorana modes, 4 bands, range 1",
    ),
    ("A, D, C in 2D", "certify_chern", "Chern numbers, 2 bands, range 1"),
    ("AII, DIII in 2D", "z2_invariant", "Z2 invariants, 4 bands, range 1"),
    ("AIII, DIII, CI in 3D", "winding_3d", "3D winding numbers, 4 bands, `chiral_3d`"),
    ("AII in 3D", "z2_indices_3d", "strong and weak indices in 3D, `fu_kane_mele`, by parities"),
    ("A in 4D", "second_chern", "second Chern numbers, `dirac_4d`"),
    ("mirror sectors", "mirror_chern", "mirror Chern numbers, 4 bands, range 1"),
    ("point gaps", "point_gap_winding", "point-gap winding numbers, 2 bands, range 2"),
    ("axion angle", "axion_angle", "axion angles, `fu_kane_mele`"),
)


def cell_table() -> str:
    """Status and rate by cell of the table of the tenfold way."""
    speeds = {g["rate"]: k for g, k in STUDY.entries() if "rate" in g and g["version"] == VERSION}
    tried: Counter[str] = Counter()
    for given, kept in STUDY.entries():
        if "target" in given and given == settings(given["target"], given["piece"]):
            name, _, kind = given["target"].partition(", ")
            name += ", Kramers pairs" * (kind == "Kramers pairs")
            tried[name] += sum(kept["outcomes"].values())
    lines = ["| cell | function | tried here | proven a second, one core |", "|---|---|---:|---:|"]
    for cell, function, job in CELLS:
        count = f"{tried[function]:,}" if tried[function] else "[elsewhere](trust.md)"
        speed = per_second(speeds[job]["speed"]) if job in speeds else ""
        lines.append(f"| {cell} | `{function.partition(',')[0]}` | {count} | {speed} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", type=int, default=MANY)
    parser.add_argument("--goals", action="store_true")
    parser.add_argument("--rates", action="store_true")
    parser.add_argument("--job", default="", help="rates of jobs with this in their names alone")
    parser.add_argument("--data-rates", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    if given.job:
        rates(7, given.job)
    elif given.rates:
        rates()
        data_rates()
    elif given.data_rates:
        data_rates()
    elif given.goals:
        more()
    else:
        done = {(s["target"], s["piece"]) for s, _ in STUDY.entries() if "target" in s}
        for number in range(given.pieces):
            for name in NAMES:
                if (name, number) not in done:
                    piece(name, number)
            print(f"piece {number}: done", flush=True)
    write(PAGE)


def write(page: Path) -> None:
    """Both tables of the page; one of which nothing is kept stays as it is."""
    command = "python -m benchmarks.quality.tenfold"
    kept = [given for given, _ in STUDY.entries()]
    if any("target" in s for s in kept):
        put(page, "outcomes", filled(f"{command} --goals", outcomes(), harness.machine()))
    if any("rate" in s for s in kept):
        put(page, "cells", filled(f"{command} --rates", cell_table(), harness.machine()))
        put(page, "rates", filled(f"{command} --rates", rate_table(), harness.machine()))


if __name__ == "__main__":
    main()
