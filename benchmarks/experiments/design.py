"""Two-band Hamiltonians with the largest gaps that a search finds, each proven.

    python -m benchmarks.experiments.design          # all that is not there yet, then the page
    python -m benchmarks.experiments.design files    # certificate files too, in runs/design
    python -m benchmarks.experiments.design write    # only the page, from what is there

Every point is a line of benchmarks/results/design.jsonl beside its settings.
"""

from __future__ import annotations

import itertools
import math
import sys
import time

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.errors import TopophysError
from topophys.torch import design

PAGE = ROOT / "docs" / "results" / "design.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "design.jsonl")
STARTS = 64
#: Polished ends and starts, by range: linear programs of longer ranges take longer.
POLISHED = {1: 12, 2: 1, 3: 1}
CHERN, RANGES = (1, 2, 3, 4, 5), (1, 2, 3)


def point(chern, hopping_range):
    start = time.process_time()
    try:
        found = design(
            chern, hopping_range=hopping_range, starts=STARTS, polished=POLISHED[hopping_range]
        )
    except TopophysError as error:
        return {"error": str(error), "seconds": time.process_time() - start}
    proof, h = found.certificate, found.hamiltonian
    return {
        "gap_lower": float(proof.gap_lower),
        "gap_upper": float(proof.gap_upper),
        "chern": int(proof.value),
        "seconds": time.process_time() - start,
        "d": {str(list(r)): [[c.real, c.imag] for c in d] for r, d in
              zip(map(tuple, h.vectors.tolist()), h.d_amplitudes.tolist(), strict=True)},
    }  # fmt: skip


def settings(chern, hopping_range):
    return {"chern": chern, "range": hopping_range, "starts": STARTS,
            "polished": POLISHED[hopping_range], "version": 2}  # fmt: skip


def best(chern, hopping_range):
    """Result with the largest gap of all searches, earlier ones included."""
    found = [
        result
        for given, result in STUDY.entries()
        if (given["chern"], given["range"]) == (chern, hopping_range)
    ]
    return max(found, key=lambda result: result.get("gap_lower", 0.0), default=None)


def measure():
    for hopping_range in RANGES:
        for chern in CHERN:
            given = settings(chern, hopping_range)
            if STUDY.get(given) is None:
                STUDY.put(given, point(chern, hopping_range))
            print(given, {k: v for k, v in STUDY.get(given).items() if k != "d"}, flush=True)


def largest_gap(chern, hopping_range):
    """No gap of this Chern number and range is larger: the theorem of the page; 0 where none is."""
    size, reach = abs(chern), hopping_range
    if size > 4 * reach**2:
        return 0.0
    square = 1.0
    if size:
        square = min(square, math.pi * reach**2 / size)
        if reach == 1:
            square = min(square, math.pi / (size + math.pi / 6.0))
    return 2.0 * math.sqrt(square)


def table():
    lines = [
        "| range | C | proven gap | its gap at most | no gap above | CPU |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for hopping_range in RANGES:
        for chern in CHERN:
            found = best(chern, hopping_range)
            if found is None:
                continue
            most = largest_gap(chern, hopping_range)
            limit = f"{math.ceil(most * 1e4) / 1e4:.4f}" if most else "proven: none exists"
            if "error" in found:
                lines.append(
                    f"| {hopping_range} | {chern} | none found | | {limit} |"
                    f" {found['seconds']:.0f} s |"
                )
                continue
            # bounds are rounded toward safety
            low, high = (
                int(found["gap_lower"] * 1e4) / 1e4,
                -int(-found["gap_upper"] * 1e4 - 1) / 1e4,
            )
            lines.append(
                f"| {hopping_range} | {chern} | {low:.4f} | {high:.4f} | {limit} |"
                f" {found['seconds']:.0f} s |"
            )
    return "\n".join(lines)


def files():
    """Certificate files, which the checker reads."""
    folder = ROOT / "runs" / "design"
    folder.mkdir(parents=True, exist_ok=True)
    for chern, hopping_range in itertools.product(CHERN, RANGES):
        found = best(chern, hopping_range)
        if found is None or "error" in found:
            continue
        coefficients = {
            tuple(int(c) for c in r.strip("[]").split(",")): [complex(*c) for c in d]
            for r, d in found["d"].items()
        }
        h = tp.TwoBandHamiltonian(coefficients)
        proof = tp.certify_chern(h, min_gap=found["gap_lower"], max_depth=24,
                                 max_evaluations=4_000_000, evidence=True)  # fmt: skip
        name = f"chern{chern}-range{hopping_range}.cert.json"
        proof.save(folder / name)
        print(folder / name, proof)


def main(arguments):
    if "write" not in arguments:
        measure()
    put(PAGE, "frontier", filled("python -m benchmarks.experiments.design", table(),
                                 harness.machine()))  # fmt: skip
    if "files" in arguments:
        files()


if __name__ == "__main__":
    main(sys.argv[1:])
