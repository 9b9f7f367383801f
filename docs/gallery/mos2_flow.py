"""From a Wannier90 file to a Z2 invariant: monolayer MoS2.

The figure shows the Wannier centres of the 28 occupied bands of MoS2 in the 1T' structure over half
of the Brillouin zone. They cross the middle of their largest gap (diamonds) an odd number of times:
the material is a quantum spin Hall insulator. The file is too large for the repository; set
`TOPOPHYS_TEST_DATA` to its folder.
"""

import os
from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, plot_wilson_flow, save_figure

FILE = Path(os.environ.get("TOPOPHYS_TEST_DATA", ".")) / "wannier" / "MoS2-1Tp_hr.dat.tar.gz"


def picture(file: Path = FILE) -> Figure:
    material = tp.read_wannier90(file, n_occupied=28)
    found = tp.z2_invariant(material)
    assert found.value == 1
    kx, ky = np.linspace(0.0, np.pi, 81), tp.k_grid(24)[:, 0]
    k = np.stack(np.meshgrid(kx, ky, indexing="ij"), axis=-1)
    centres = tp.wannier_centres(material.bloch(k), n_occupied=28)
    return plot_wilson_flow(centres, k=kx, z2=found, gap=True, titles=["MoS$_2$ (1T')"])


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
