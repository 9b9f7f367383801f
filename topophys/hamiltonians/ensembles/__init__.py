"""Random Hamiltonians with documented distributions."""

from topophys.hamiltonians.ensembles.aiii_chains import aiii_chains
from topophys.hamiltonians.ensembles.class_a import class_a
from topophys.hamiltonians.ensembles.disordered_ssh import disordered_ssh
from topophys.hamiltonians.ensembles.random_links import random_links
from topophys.hamiltonians.ensembles.two_band import two_band

__all__ = ["aiii_chains", "class_a", "disordered_ssh", "random_links", "two_band"]
