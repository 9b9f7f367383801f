"""Random Hamiltonians with documented distributions."""

from topophys.ensembles.disordered import disordered_ssh
from topophys.ensembles.random import aiii_chains, class_a, random_links, two_band
from topophys.ensembles.rejection import ProvenSample, draw_proven

__all__ = [
    "ProvenSample",
    "aiii_chains",
    "class_a",
    "disordered_ssh",
    "draw_proven",
    "random_links",
    "two_band",
]
