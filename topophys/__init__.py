"""topophys: proven topological invariants and machine learning on topological matter."""

import importlib
from typing import TYPE_CHECKING, Any, Final

from topophys._version import __version__ as __version__

if TYPE_CHECKING:  # at run time a name is loaded at its first use, see `__getattr__`
    from topophys import datasets as datasets
    from topophys import ensembles, models
    from topophys import errors as errors
    from topophys import explorer as explorer
    from topophys import interpret as interpret
    from topophys import learn as learn
    from topophys import materials as materials
    from topophys import plots as plots
    from topophys import report as report
    from topophys import tasks as tasks
    from topophys.datasets.tbmodels_file import read_tbmodels as read_tbmodels
    from topophys.grids import k_grid
    from topophys.hamiltonians.chiral import ChiralHamiltonian
    from topophys.hamiltonians.cuts import (
        RibbonHamiltonian,
        edge_modes,
        ribbon,
        slab,
        supercell,
    )
    from topophys.hamiltonians.flatten import (
        Unflattened,
        flatten_block,
        flatten_d,
        unflatten_bands,
        unflatten_block,
    )
    from topophys.hamiltonians.fourier import FourierHamiltonian
    from topophys.hamiltonians.generalized import GeneralizedHamiltonian
    from topophys.hamiltonians.interop import (
        from_kwant,
        from_pythtb,
        from_sisl,
        from_tbmodels,
        to_pythtb,
        to_tbmodels,
    )
    from topophys.hamiltonians.lattices import (
        BandPath,
        band_path,
        brillouin_zone,
        high_symmetry_points,
        lattice_system,
        reciprocal_vectors,
    )
    from topophys.hamiltonians.non_hermitian import NonHermitianHamiltonian
    from topophys.hamiltonians.sampled import from_callable
    from topophys.hamiltonians.symmetries import find_time_reversal, symmetrize
    from topophys.hamiltonians.two_band import TwoBandHamiltonian
    from topophys.hamiltonians.wannier90 import read_wannier90, write_wannier90_hr
    from topophys.invariants._wannier_flow import FlowRules
    from topophys.invariants.axion import axion_angle
    from topophys.invariants.berry import (
        berry_curvature,
        berry_flux,
        berry_flux_from_d,
        chern_number,
        chern_number_from_d,
        quantum_metric,
    )
    from topophys.invariants.certificate_file import verify_certificate
    from topophys.invariants.chern import certify_chern, chern_on_slices
    from topophys.invariants.chern_4d import second_chern
    from topophys.invariants.chiral_3d import winding_3d
    from topophys.invariants.equivalence import (
        Equivalence,
        PhaseClasses,
        certify_equivalent,
        cluster_phases,
    )
    from topophys.invariants.families import (
        ParametricHamiltonian,
        anderson_disorder,
        interpolate,
    )
    from topophys.invariants.gap import IndirectGap, certify_gap
    from topophys.invariants.generalized import (
        GeneralizedCertificate,
        certify_generalized_chern,
        certify_generalized_gap,
    )
    from topophys.invariants.leaves import CertificateLeaves, certificate_leaves
    from topophys.invariants.localizer import FiniteIndex, bott_index, localizer_index
    from topophys.invariants.majorana import majorana_number
    from topophys.invariants.phases import (
        Boundary,
        PhaseDiagram,
        Region,
        certify_phases,
    )
    from topophys.invariants.point_gap import PointGapCertificate, point_gap_winding
    from topophys.invariants.real_space import (
        ChernMarker,
        RealSpaceWinding,
        local_chern_marker,
        real_space_winding,
    )
    from topophys.invariants.results import Certificate, Z2Result
    from topophys.invariants.sectors import SectorChern, mirror_chern
    from topophys.invariants.spin import SpinChern, spin_chern
    from topophys.invariants.symmetric import SymmetryCertificate
    from topophys.invariants.symmetry_classes import SymmetryClass, symmetry_class
    from topophys.invariants.weyl import WeylCensus, find_weyl_nodes, weyl_charge
    from topophys.invariants.wilson import (
        berry_phase,
        polarization,
        wannier_centres,
        wilson_loop,
        zak_phase,
    )
    from topophys.invariants.winding import (
        certify_winding,
        winding_angle,
        winding_number,
        winding_steps,
    )
    from topophys.invariants.z2 import z2_invariant
    from topophys.invariants.z2_indices import Z2Indices, z2_indices_3d

__all__ = [
    "BandPath",
    "Boundary",
    "Certificate",
    "CertificateLeaves",
    "ChernMarker",
    "ChiralHamiltonian",
    "Equivalence",
    "FiniteIndex",
    "FlowRules",
    "FourierHamiltonian",
    "GeneralizedCertificate",
    "GeneralizedHamiltonian",
    "IndirectGap",
    "NonHermitianHamiltonian",
    "ParametricHamiltonian",
    "PhaseClasses",
    "PhaseDiagram",
    "PointGapCertificate",
    "RealSpaceWinding",
    "Region",
    "RibbonHamiltonian",
    "SectorChern",
    "SpinChern",
    "SymmetryCertificate",
    "SymmetryClass",
    "TwoBandHamiltonian",
    "Unflattened",
    "WeylCensus",
    "Z2Indices",
    "Z2Result",
    "anderson_disorder",
    "axion_angle",
    "band_path",
    "berry_curvature",
    "berry_flux",
    "berry_flux_from_d",
    "berry_phase",
    "bott_index",
    "brillouin_zone",
    "certificate_leaves",
    "certify_chern",
    "certify_equivalent",
    "certify_gap",
    "certify_generalized_chern",
    "certify_generalized_gap",
    "certify_phases",
    "certify_winding",
    "chern_number",
    "chern_number_from_d",
    "chern_on_slices",
    "cluster_phases",
    "edge_modes",
    "ensembles",
    "find_time_reversal",
    "find_weyl_nodes",
    "flatten_block",
    "flatten_d",
    "from_callable",
    "from_kwant",
    "from_pythtb",
    "from_sisl",
    "from_tbmodels",
    "high_symmetry_points",
    "interpolate",
    "k_grid",
    "lattice_system",
    "local_chern_marker",
    "localizer_index",
    "majorana_number",
    "mirror_chern",
    "models",
    "point_gap_winding",
    "polarization",
    "quantum_metric",
    "read_wannier90",
    "real_space_winding",
    "reciprocal_vectors",
    "ribbon",
    "second_chern",
    "slab",
    "spin_chern",
    "supercell",
    "symmetrize",
    "symmetry_class",
    "to_pythtb",
    "to_tbmodels",
    "unflatten_bands",
    "unflatten_block",
    "verify_certificate",
    "wannier_centres",
    "weyl_charge",
    "wilson_loop",
    "winding_3d",
    "winding_angle",
    "winding_number",
    "winding_steps",
    "write_wannier90_hr",
    "z2_indices_3d",
    "z2_invariant",
    "zak_phase",
]

#: Module of each of these names.
_HOMES: Final = {
    "BandPath": "topophys.hamiltonians.lattices",
    "Boundary": "topophys.invariants.phases",
    "Certificate": "topophys.invariants.results",
    "CertificateLeaves": "topophys.invariants.leaves",
    "ChernMarker": "topophys.invariants.real_space",
    "ChiralHamiltonian": "topophys.hamiltonians.chiral",
    "Equivalence": "topophys.invariants.equivalence",
    "FiniteIndex": "topophys.invariants.localizer",
    "FlowRules": "topophys.invariants._wannier_flow",
    "FourierHamiltonian": "topophys.hamiltonians.fourier",
    "GeneralizedCertificate": "topophys.invariants.generalized",
    "GeneralizedHamiltonian": "topophys.hamiltonians.generalized",
    "IndirectGap": "topophys.invariants.gap",
    "NonHermitianHamiltonian": "topophys.hamiltonians.non_hermitian",
    "ParametricHamiltonian": "topophys.invariants.families",
    "PhaseClasses": "topophys.invariants.equivalence",
    "PhaseDiagram": "topophys.invariants.phases",
    "PointGapCertificate": "topophys.invariants.point_gap",
    "RealSpaceWinding": "topophys.invariants.real_space",
    "Region": "topophys.invariants.phases",
    "RibbonHamiltonian": "topophys.hamiltonians.cuts",
    "SectorChern": "topophys.invariants.sectors",
    "SpinChern": "topophys.invariants.spin",
    "SymmetryCertificate": "topophys.invariants.symmetric",
    "SymmetryClass": "topophys.invariants.symmetry_classes",
    "TwoBandHamiltonian": "topophys.hamiltonians.two_band",
    "Unflattened": "topophys.hamiltonians.flatten",
    "WeylCensus": "topophys.invariants.weyl",
    "Z2Indices": "topophys.invariants.z2_indices",
    "Z2Result": "topophys.invariants.results",
    "anderson_disorder": "topophys.invariants.families",
    "axion_angle": "topophys.invariants.axion",
    "band_path": "topophys.hamiltonians.lattices",
    "berry_curvature": "topophys.invariants.berry",
    "berry_flux": "topophys.invariants.berry",
    "berry_flux_from_d": "topophys.invariants.berry",
    "berry_phase": "topophys.invariants.wilson",
    "bott_index": "topophys.invariants.localizer",
    "brillouin_zone": "topophys.hamiltonians.lattices",
    "certificate_leaves": "topophys.invariants.leaves",
    "certify_chern": "topophys.invariants.chern",
    "certify_equivalent": "topophys.invariants.equivalence",
    "certify_gap": "topophys.invariants.gap",
    "certify_generalized_chern": "topophys.invariants.generalized",
    "certify_generalized_gap": "topophys.invariants.generalized",
    "certify_phases": "topophys.invariants.phases",
    "certify_winding": "topophys.invariants.winding",
    "chern_number": "topophys.invariants.berry",
    "chern_number_from_d": "topophys.invariants.berry",
    "chern_on_slices": "topophys.invariants.chern",
    "cluster_phases": "topophys.invariants.equivalence",
    "edge_modes": "topophys.hamiltonians.cuts",
    "ensembles": "topophys.ensembles",
    "find_time_reversal": "topophys.hamiltonians.symmetries",
    "find_weyl_nodes": "topophys.invariants.weyl",
    "flatten_block": "topophys.hamiltonians.flatten",
    "flatten_d": "topophys.hamiltonians.flatten",
    "from_callable": "topophys.hamiltonians.sampled",
    "from_kwant": "topophys.hamiltonians.interop",
    "from_pythtb": "topophys.hamiltonians.interop",
    "from_sisl": "topophys.hamiltonians.interop",
    "from_tbmodels": "topophys.hamiltonians.interop",
    "high_symmetry_points": "topophys.hamiltonians.lattices",
    "interpolate": "topophys.invariants.families",
    "k_grid": "topophys.grids",
    "lattice_system": "topophys.hamiltonians.lattices",
    "local_chern_marker": "topophys.invariants.real_space",
    "localizer_index": "topophys.invariants.localizer",
    "majorana_number": "topophys.invariants.majorana",
    "mirror_chern": "topophys.invariants.sectors",
    "models": "topophys.models",
    "point_gap_winding": "topophys.invariants.point_gap",
    "polarization": "topophys.invariants.wilson",
    "quantum_metric": "topophys.invariants.berry",
    "read_wannier90": "topophys.hamiltonians.wannier90",
    "real_space_winding": "topophys.invariants.real_space",
    "reciprocal_vectors": "topophys.hamiltonians.lattices",
    "ribbon": "topophys.hamiltonians.cuts",
    "second_chern": "topophys.invariants.chern_4d",
    "slab": "topophys.hamiltonians.cuts",
    "spin_chern": "topophys.invariants.spin",
    "supercell": "topophys.hamiltonians.cuts",
    "symmetrize": "topophys.hamiltonians.symmetries",
    "symmetry_class": "topophys.invariants.symmetry_classes",
    "to_pythtb": "topophys.hamiltonians.interop",
    "to_tbmodels": "topophys.hamiltonians.interop",
    "unflatten_bands": "topophys.hamiltonians.flatten",
    "unflatten_block": "topophys.hamiltonians.flatten",
    "verify_certificate": "topophys.invariants.certificate_file",
    "wannier_centres": "topophys.invariants.wilson",
    "weyl_charge": "topophys.invariants.weyl",
    "wilson_loop": "topophys.invariants.wilson",
    "winding_3d": "topophys.invariants.chiral_3d",
    "winding_angle": "topophys.invariants.winding",
    "winding_number": "topophys.invariants.winding",
    "winding_steps": "topophys.invariants.winding",
    "write_wannier90_hr": "topophys.hamiltonians.wannier90",
    "z2_indices_3d": "topophys.invariants.z2_indices",
    "z2_invariant": "topophys.invariants.z2",
    "zak_phase": "topophys.invariants.wilson",
}

#: Loaded at their first use too, but no part of `from topophys import *`: they bring PyTorch, h5py
#: and Matplotlib, and physics runs without.
_SUBPACKAGES: Final = (
    "datasets",
    "errors",
    "explorer",
    "interpret",
    "learn",
    "materials",
    "plots",
    "report",
    "tasks",
    "torch",
)

#: Not part of `from topophys import *` either: it brings h5py.
_ELSEWHERE: Final = {"read_tbmodels": "topophys.datasets.tbmodels_file"}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use, so that importing the package costs next to nothing."""
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")  # which binds the name as well
    if name in _ELSEWHERE:
        return getattr(importlib.import_module(_ELSEWHERE[name]), name)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name])
    found = globals()[name] = getattr(module, name, module)  # two of them are packages
    return found


def __dir__() -> list[str]:
    """List the public names."""
    own = {name for name in globals() if name.startswith("__")}
    return sorted({*own, *__all__, *_SUBPACKAGES, *_ELSEWHERE})
