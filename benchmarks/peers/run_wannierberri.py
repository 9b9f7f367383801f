"""How WannierBerri is asked: the anomalous Hall conductivity at the Fermi energy 0."""

import contextlib
import io
from importlib.metadata import version as package_version

import numpy as np
import scipy.constants as sc
import tbmodels
import wannierberri as wb
from wannierberri import calculators
from wannierberri.system import System_R

#: S/m for a cell of one Angstrom and Chern number 1.
UNIT = sc.e**2 / sc.h * 1e10


def version():
    return f"WannierBerri {package_version('wannierberri')}"


def build(h):
    n = len(h[(0, 0)])
    half = {(*r, 0): (m / 2 if r == (0, 0) else m) for r, m in h.items() if r >= (0, 0)}
    model = tbmodels.Model(
        hop=half, size=n, dim=3, occ=n // 2, pos=[[0, 0, 0]] * n, uc=np.eye(3), contains_cc=False
    )
    return System_R.from_tbmodels(model, berry=True)


def kubo(h, n=24):
    """Sum of the Kubo formula over a grid; bands must not cross the energy 0."""
    with contextlib.redirect_stdout(io.StringIO()):
        system = build(h)
        system.set_pointgroup([])
        grid = wb.Grid(system, NK=[n, n, 1], NKFFT=[n, n, 1])
        hall = calculators.static.AHC(Efermi=np.array([0.0]), tetra=False)
        found = wb.run(
            system, grid=grid, calculators={"ahc": hall}, adpt_num_iter=0, use_irred_kpt=False,
            symmetrize=False, restart=False, dump_results=False, print_progress_step_time=1e9,
        )  # fmt: skip
    return float(found.results["ahc"].data[0][2]) / UNIT
