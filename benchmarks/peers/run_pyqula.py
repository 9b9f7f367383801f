"""How pyqula is asked."""

from importlib.metadata import version as package_version

import numpy as np
from pyqula import geometry, topology
from pyqula.multihopping import MultiHopping


def version():
    return f"pyqula {package_version('pyqula')}"


def build(h):
    n = len(h[(0, 0)])
    if n == 2:
        model = geometry.square_lattice().get_hamiltonian(has_spin=True, tij=[0.0])
    else:
        model = geometry.square_lattice_bipartite().get_hamiltonian(has_spin=True, tij=[0.0])
    model.set_multihopping(MultiHopping({(*r, 0): np.array(m) for r, m in h.items()}))
    return model


def chern(h, n=24):
    """Sum of the Berry curvature of a mesh; the Fermi energy lies in the gap."""
    return topology.mesh_chern(build(h), nk=n, write=False)


def lowest(h, k=(0.5, 0.2)):
    """Lowest energy at one momentum, which tells the sign in the exponent."""
    matrix = build(h).get_hk_gen()(np.array([*k, 0.0]) / (2 * np.pi))
    return np.linalg.eigvalsh(np.asarray(matrix))[0]
