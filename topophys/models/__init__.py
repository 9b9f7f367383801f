"""Named models of topological matter; each returns a Hamiltonian, parameters may be arrays."""

from topophys.models.spin_hall import bhz
from topophys.models.chern import checkerboard
from topophys.models.chains import creutz
from topophys.models.chern import haldane
from topophys.models.chern import d_wave_chern, higher_chern
from topophys.models.chern import hofstadter
from topophys.models.three_d import hopf_insulator
from topophys.models.chern import kagome
from topophys.models.spin_hall import kane_mele
from topophys.models.chains import kitaev_chain
from topophys.models.chern import qwz
from topophys.models.chains import rice_mele, rice_mele_pump
from topophys.models.chains import ssh
from topophys.models.three_d import weyl_semimetal

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
