"""Named models of topological matter; each returns a Hamiltonian, parameters may be arrays."""

from topophys.hamiltonians.models.haldane import haldane
from topophys.hamiltonians.models.qwz import qwz
from topophys.hamiltonians.models.ssh import ssh

__all__ = ["haldane", "qwz", "ssh"]
