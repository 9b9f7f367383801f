"""One question about one file of hoppings, asked of Z2Pack with its own defaults.

Runs in the environment of Z2Pack: `python z2pack_file.py '{"path": ..., "occ": ..., ...}'`; prints
values, whether each calculation converged, CPU seconds and peak memory as JSON. Knows nothing of
topophys.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
import warnings

import numpy as np
import tbmodels
import z2pack


def half_plane(axis: int, at: float):
    """Surface of half of a plane k_axis = at, for Z2."""
    one, two = [i for i in range(3) if i != axis]

    def surface(s, t):
        k = np.zeros(3)
        k[axis], k[one], k[two] = at, s / 2, t
        return k

    return surface


def whole_plane(s, t):
    """Surface of the plane k_3 = 0, for a Chern number."""
    return [s, t, 0.0]


def answer(question: dict) -> dict:
    """Values and convergence of one question."""
    refused = ""
    try:
        model = tbmodels.Model.from_wannier_files(hr_file=question["path"], occ=question["occ"])
    except ValueError as error:
        refused = str(error).strip().splitlines()[0][:80]
        model = tbmodels.Model.from_wannier_files(hr_file=question["plain"], occ=question["occ"])
    system = z2pack.tb.System(model)
    values, whole = [], []
    if question["ask"] == "z2":
        surfaces = [half_plane(axis, at) for axis, at in question["planes"]]
    elif question["ask"] == "chern":
        surfaces = [whole_plane]
    else:
        surfaces = [z2pack.shape.Sphere(question["centre"], question["radius"])]
    for surface in surfaces:
        found = z2pack.surface.run(system=system, surface=surface)
        how = z2pack.invariant.z2 if question["ask"] == "z2" else z2pack.invariant.chern
        values.append(float(how(found)))
        report = found.convergence_report
        lost = [
            entry
            for part in ("line", "surface")
            for entry in report.get(part, {}).values()
            if entry["FAILED"]
        ]
        whole.append(not lost)
    return {"values": values, "converged": whole, "refused": refused}


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    reply = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    start = time.process_time()
    try:
        found = answer(json.loads(sys.argv[1]))
    except Exception as error:  # whatever a peer raises is its answer
        found = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120]}"}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.process_time() - start
    print(json.dumps(found | {"seconds": seconds, "peak": peak}), file=reply, flush=True)


if __name__ == "__main__":
    main()
