"""How tbkit is asked."""

from importlib.metadata import version as package_version

import numpy as np
from tbkit.kspace import KSpace
from tbkit.lattice import Lattice


def version():
    return f"tbkit {package_version('tbkit')}"


def build(h):
    zero = (0, 0)
    n = len(h[zero])
    tags = [chr(97 + i) for i in range(n)]
    cell = [{"tag": tag, "r0": (0.0, 1e-3 * i)} for i, tag in enumerate(tags)]
    space = KSpace(Lattice(unit_cell=cell, prim_vec=[(1.0, 0.0), (0.0, 1.0)]))
    space.set_onsite({tag: float(h[zero][i, i].real) for i, tag in enumerate(tags)})
    hops = [
        {"i": i, "j": j, "R": zero, "t": complex(h[zero][i, j])}
        for i in range(n) for j in range(i + 1, n) if h[zero][i, j] != 0
    ] + [
        {"i": i, "j": j, "R": r, "t": complex(matrix[i, j])}
        for r, matrix in h.items() if r > zero
        for i in range(n) for j in range(n) if matrix[i, j] != 0
    ]  # fmt: skip
    space.set_hopping(hops)
    return space


def chern(h, n=24, filled=1):
    """Sum of plaquette fluxes."""
    return build(h).chern_number(list(range(filled)), n)


def lowest(h, k=(0.5, 0.2)):
    """Lowest energy at one momentum, which tells the sign in the exponent."""
    return np.linalg.eigvalsh(build(h).get_ham(k))[0]
