"""Toy materials: invented parameters, exact consequences."""

from topophys.hamiltonians.toy.bands import ToyBands, toy_bands
from topophys.hamiltonians.toy.magnetism import ORDERS, ToyMagnetism, toy_magnetism
from topophys.hamiltonians.toy.solid_bands import SolidBands, solid_bands, solid_hamiltonian
from topophys.hamiltonians.toy.solids import SOLIDS, draw_solids
from topophys.hamiltonians.toy.species import SPECIES, species_index
from topophys.hamiltonians.toy.structures import PROTOTYPES, ToyStructures, draw_structures

__all__ = [
    "ORDERS",
    "PROTOTYPES",
    "SOLIDS",
    "SPECIES",
    "SolidBands",
    "ToyBands",
    "ToyMagnetism",
    "ToyStructures",
    "draw_solids",
    "draw_structures",
    "solid_bands",
    "solid_hamiltonian",
    "species_index",
    "toy_bands",
    "toy_magnetism",
]
