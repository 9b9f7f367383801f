"""One question about one file of hoppings, asked of WannierBerri.

Runs in the environment of WannierBerri: `python wannierberri_file.py '{"path": ..., ...}'`; prints
values, CPU seconds and peak memory as JSON. It has no Z2 indices, charges of nodes or proofs: what
can be asked are energies on a grid and the anomalous Hall conductivity. Knows nothing of topophys.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
import time
import warnings

import numpy as np
import scipy.constants as sc
import wannierberri as wb
from wannierberri import calculators
from wannierberri.system import System_R

#: Points along each direction, by the number of directions.
GRID = {2: 96, 3: 24}
#: S/m for a cell of one Angstrom and Chern number 1.
UNIT = sc.e**2 / sc.h * 1e10


def evaluated(system, grid, calculator):
    """What one calculator finds, without symmetry or refinement."""
    return wb.run(
        system, grid=grid, calculators={"it": calculator}, adpt_num_iter=0, use_irred_kpt=False,
        symmetrize=False, restart=False, dump_results=False, print_progress_step_time=1e9,
    ).results["it"]  # fmt: skip


def answer(question):
    """Value of one question."""
    n, dim, filled = GRID[question["dim"]], question["dim"], question["occ"]
    system = System_R.from_hr_file(
        question["path"].removesuffix("_hr.dat"), real_lattice=np.eye(3),
        wannier_centers_cart=np.zeros((question["bands"], 3)),
    )  # fmt: skip
    system.set_pointgroup([])
    points = [n] * dim + [1] * (3 - dim)
    grid = wb.Grid(system, NK=points, NKFFT=points)
    table = calculators.TabulatorAll({"Energy": calculators.tabulate.Energy()}, mode="grid")
    energy = evaluated(system, grid, table).get_data("Energy", list(range(question["bands"])))
    energy = np.reshape(energy, (-1, question["bands"]))
    gap = energy[:, filled] - energy[:, filled - 1]
    where = "x".join([str(n)] * dim)
    if question["ask"] == "gap":
        return {"value": f"{gap.min():.4g} eV on {where} points"}
    low, high = energy[:, filled - 1].max(), energy[:, filled].min()
    if low >= high:
        return {"value": f"metal on {where} points"}
    level = np.array([0.5 * (low + high)])
    external = {"external_terms": False}
    hall = calculators.static.AHC(Efermi=level, tetra=False, kwargs_formula=external)
    found = np.asarray(evaluated(system, grid, hall).data[0]) / UNIT
    shown = ", ".join(f"{x + 0.0:.3g}" for x in (found if dim == 3 else found[2:]))
    return {"value": f"{shown} on {where} points"}


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    reply = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    start = time.process_time()
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)  # it writes files of results
            found = answer(json.loads(sys.argv[1]))
    except Exception as error:  # whatever a peer raises is its answer
        found = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120]}"}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.process_time() - start
    print(json.dumps(found | {"seconds": seconds, "peak": peak}), file=reply, flush=True)


if __name__ == "__main__":
    main()
