"""Toy materials: invented parameters, exact consequences."""

from topophys.materials.synthetic.bands import (
    ORDERS,
    SolidBands,
    ToyBands,
    ToyMagnetism,
    solid_bands,
    solid_hamiltonian,
    toy_bands,
    toy_magnetism,
)
from topophys.materials.synthetic.species import SPECIES, species_index
from topophys.materials.synthetic.structures import (
    PROTOTYPES,
    SOLIDS,
    ToyStructures,
    draw_solids,
    draw_structures,
)

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
