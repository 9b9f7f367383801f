"""Random Hamiltonians with documented distributions."""

from topophys.ensembles.aiii_chains import aiii_chains
from topophys.ensembles.class_a import class_a
from topophys.ensembles.disordered_ssh import disordered_ssh
from topophys.ensembles.proven import ProvenSample, draw_proven
from topophys.ensembles.random_links import random_links
from topophys.ensembles.two_band import two_band

__all__ = [
    "ProvenSample",
    "aiii_chains",
    "class_a",
    "disordered_ssh",
    "draw_proven",
    "random_links",
    "two_band",
]
