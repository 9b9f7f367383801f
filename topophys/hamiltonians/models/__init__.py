"""Named models of topological matter; each returns a Hamiltonian, parameters may be arrays."""

from topophys.hamiltonians.models.bhz import bhz
from topophys.hamiltonians.models.checkerboard import checkerboard
from topophys.hamiltonians.models.creutz import creutz
from topophys.hamiltonians.models.haldane import haldane
from topophys.hamiltonians.models.higher_chern import d_wave_chern, higher_chern
from topophys.hamiltonians.models.hofstadter import hofstadter
from topophys.hamiltonians.models.hopf_insulator import hopf_insulator
from topophys.hamiltonians.models.kagome import kagome
from topophys.hamiltonians.models.kane_mele import kane_mele
from topophys.hamiltonians.models.kitaev_chain import kitaev_chain
from topophys.hamiltonians.models.qwz import qwz
from topophys.hamiltonians.models.rice_mele import rice_mele, rice_mele_pump
from topophys.hamiltonians.models.ssh import ssh
from topophys.hamiltonians.models.weyl_semimetal import weyl_semimetal

__all__ = [
    "bhz",
    "checkerboard",
    "creutz",
    "d_wave_chern",
    "haldane",
    "higher_chern",
    "hofstadter",
    "hopf_insulator",
    "kagome",
    "kane_mele",
    "kitaev_chain",
    "qwz",
    "rice_mele",
    "rice_mele_pump",
    "ssh",
    "weyl_semimetal",
]
