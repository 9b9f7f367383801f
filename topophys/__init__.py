"""topophys: proven topological invariants and machine learning on topological matter."""

from topophys import ensembles
from topophys.grids import k_grid
from topophys.hamiltonians import models
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.flatten import flatten_block, flatten_d
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.sampled import from_callable
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.hamiltonians.wannier90 import read_wannier90
from topophys.hamiltonians.wannier90_write import write_wannier90_hr
from topophys.invariants._flow import FlowRules
from topophys.invariants.berry import (
    berry_curvature,
    berry_flux,
    berry_flux_from_d,
    chern_number,
    chern_number_from_d,
)
from topophys.invariants.berry_phase import berry_phase, zak_phase
from topophys.invariants.certificate import Certificate
from topophys.invariants.certificate_leaves import CertificateLeaves, certificate_leaves
from topophys.invariants.certify_chern import certify_chern
from topophys.invariants.certify_gap import certify_gap
from topophys.invariants.certify_winding import certify_winding
from topophys.invariants.chern_slices import chern_on_slices
from topophys.invariants.local_chern_marker import ChernMarker, local_chern_marker
from topophys.invariants.quantum_metric import quantum_metric
from topophys.invariants.real_space_winding import RealSpaceWinding, real_space_winding
from topophys.invariants.spin_chern import SpinChern, spin_chern
from topophys.invariants.wannier_centres import wannier_centres
from topophys.invariants.weyl_charge import weyl_charge
from topophys.invariants.wilson_loop import wilson_loop
from topophys.invariants.winding import winding_angle, winding_number, winding_steps
from topophys.invariants.z2 import z2_invariant
from topophys.invariants.z2_indices import Z2Indices, z2_indices_3d
from topophys.invariants.z2_result import Z2Result

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "CertificateLeaves",
    "ChernMarker",
    "ChiralHamiltonian",
    "FlowRules",
    "FourierHamiltonian",
    "RealSpaceWinding",
    "SpinChern",
    "TwoBandHamiltonian",
    "Z2Indices",
    "Z2Result",
    "berry_curvature",
    "berry_flux",
    "berry_flux_from_d",
    "berry_phase",
    "certificate_leaves",
    "certify_chern",
    "certify_gap",
    "certify_winding",
    "chern_number",
    "chern_number_from_d",
    "chern_on_slices",
    "ensembles",
    "flatten_block",
    "flatten_d",
    "from_callable",
    "k_grid",
    "local_chern_marker",
    "models",
    "quantum_metric",
    "read_wannier90",
    "real_space_winding",
    "spin_chern",
    "wannier_centres",
    "weyl_charge",
    "wilson_loop",
    "winding_angle",
    "winding_number",
    "winding_steps",
    "write_wannier90_hr",
    "z2_indices_3d",
    "z2_invariant",
    "zak_phase",
]
