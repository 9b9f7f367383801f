"""How PythTB 2 is asked."""

from importlib.metadata import version as package_version

import numpy as np
from pythtb import Lattice, Mesh, TBModel, WFArray


def version():
    return f"PythTB {package_version('pythtb')}"


def build(h):
    """Model with all orbitals at the origin: the periodic gauge."""
    zero = (0,) * len(next(iter(h)))
    n = len(h[zero])
    axes = [[float(i == j) for j in range(len(zero))] for i in range(len(zero))]
    lattice = Lattice(axes, [[0.0] * len(zero)] * n, periodic_dirs=list(range(len(zero))))
    model = TBModel(lattice)
    model.set_onsite([float(h[zero][i, i].real) for i in range(n)])
    for i in range(n):
        for j in range(i + 1, n):
            if h[zero][i, j] != 0:
                model.set_hop(h[zero][i, j], i, j, list(zero))
    for r, matrix in h.items():
        if r > zero:
            for i in range(n):
                for j in range(n):
                    if matrix[i, j] != 0:
                        model.set_hop(matrix[i, j], i, j, list(r))
    return model


def chern(h, n=24, filled=1):
    """Sum of plaquette fluxes."""
    model = build(h)
    mesh = Mesh(axis_types=["k", "k"])
    mesh.build_grid((n, n))
    states = WFArray(model.lattice, mesh)
    states.solve_model(model)
    return states.chern_number(plane=(0, 1), state_idx=list(range(filled)))


def kubo(h, n=24, filled=1):
    """Sum of the Kubo formula over a grid."""
    return build(h).chern_number((0, 1), (n, n), occ_idxs=list(range(filled)))


def lowest(h, k=(0.5, 0.2)):
    """Lowest energy at one momentum, which tells the sign in the exponent."""
    return build(h).solve_ham([[x / (2 * np.pi) for x in k]]).min()
