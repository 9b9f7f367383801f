"""Random Hamiltonians with documented distributions."""

from topophys.ensembles.hard import (
    HARD_CHAINS,
    HARD_PLANES,
    hard_chains,
    hard_planes,
    mixed_chains,
    mixed_planes,
)
from topophys.ensembles.random import aiii_chains, class_a, disordered_ssh, random_links, two_band
from topophys.ensembles.rejection import ProvenSample, draw_proven
from topophys.ensembles.symmetric import (
    bdg_chains,
    chiral_3d,
    non_hermitian_chains,
    time_reversal_planes,
)

__all__ = [
    "HARD_CHAINS",
    "HARD_PLANES",
    "ProvenSample",
    "aiii_chains",
    "bdg_chains",
    "chiral_3d",
    "class_a",
    "disordered_ssh",
    "draw_proven",
    "hard_chains",
    "hard_planes",
    "mixed_chains",
    "mixed_planes",
    "non_hermitian_chains",
    "random_links",
    "time_reversal_planes",
    "two_band",
]
