"""Random Hamiltonians with documented distributions."""

from topophys.ensembles.disordered import disordered_ssh
from topophys.ensembles.random import aiii_chains, class_a, random_links, two_band
from topophys.ensembles.rejection import ProvenSample, draw_proven
from topophys.ensembles.symmetric import (
    bdg_chains,
    chiral_3d,
    non_hermitian_chains,
    time_reversal_planes,
)

__all__ = [
    "ProvenSample",
    "aiii_chains",
    "bdg_chains",
    "chiral_3d",
    "class_a",
    "disordered_ssh",
    "draw_proven",
    "non_hermitian_chains",
    "random_links",
    "time_reversal_planes",
    "two_band",
]
