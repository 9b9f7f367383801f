"""topophys: proven topological invariants and machine learning on topological matter."""

from topophys.grids import k_grid
from topophys.hamiltonians import ensembles, models
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.flatten import flatten_block, flatten_d
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.certificate import Certificate
from topophys.invariants.certify_winding import certify_winding
from topophys.invariants.winding import winding_angle, winding_number, winding_steps

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "ChiralHamiltonian",
    "FourierHamiltonian",
    "TwoBandHamiltonian",
    "certify_winding",
    "ensembles",
    "flatten_block",
    "flatten_d",
    "k_grid",
    "models",
    "winding_angle",
    "winding_number",
    "winding_steps",
]
