"""Toy materials: invented parameters, exact consequences."""

from topophys.hamiltonians.toy.bands import ToyBands, toy_bands
from topophys.hamiltonians.toy.magnetism import ORDERS, ToyMagnetism, toy_magnetism
from topophys.hamiltonians.toy.species import SPECIES, species_index
from topophys.hamiltonians.toy.structures import PROTOTYPES, ToyStructures, draw_structures

__all__ = [
    "ORDERS",
    "PROTOTYPES",
    "SPECIES",
    "ToyBands",
    "ToyMagnetism",
    "ToyStructures",
    "draw_structures",
    "species_index",
    "toy_bands",
    "toy_magnetism",
]
