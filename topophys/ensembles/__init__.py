"""Random Hamiltonians with documented distributions."""

from topophys.ensembles.random import aiii_chains
from topophys.ensembles.random import class_a
from topophys.ensembles.disordered import disordered_ssh
from topophys.ensembles.rejection import ProvenSample, draw_proven
from topophys.ensembles.random import random_links
from topophys.ensembles.random import two_band

__all__ = [
    "ProvenSample",
    "aiii_chains",
    "class_a",
    "disordered_ssh",
    "draw_proven",
    "random_links",
    "two_band",
]
