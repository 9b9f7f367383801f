"""Named models of topological matter; each returns a Hamiltonian, parameters may be arrays."""

from topophys.models.chains import (
    creutz,
    hatano_nelson,
    kitaev_chain,
    kitaev_chain_bdg,
    non_hermitian_ssh,
    rice_mele,
    rice_mele_pump,
    ssh,
)
from topophys.models.chern import (
    checkerboard,
    d_wave_chern,
    haldane,
    higher_chern,
    hofstadter,
    kagome,
    p_plus_ip,
    qwz,
)
from topophys.models.spin_hall import bhz, kane_mele
from topophys.models.three_d import (
    chiral_dirac_3d,
    dirac_4d,
    fu_kane_mele,
    helium_3_b,
    hopf_insulator,
    weyl_semimetal,
)

__all__ = [
    "bhz",
    "checkerboard",
    "chiral_dirac_3d",
    "creutz",
    "d_wave_chern",
    "dirac_4d",
    "fu_kane_mele",
    "haldane",
    "hatano_nelson",
    "helium_3_b",
    "higher_chern",
    "hofstadter",
    "hopf_insulator",
    "kagome",
    "kane_mele",
    "kitaev_chain",
    "kitaev_chain_bdg",
    "non_hermitian_ssh",
    "p_plus_ip",
    "qwz",
    "rice_mele",
    "rice_mele_pump",
    "ssh",
    "weyl_semimetal",
]
