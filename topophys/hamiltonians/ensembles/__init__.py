"""Random Hamiltonians with documented distributions."""

from topophys.hamiltonians.ensembles.aiii_chains import aiii_chains
from topophys.hamiltonians.ensembles.two_band import two_band

__all__ = ["aiii_chains", "two_band"]
