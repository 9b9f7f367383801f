"""What the arrays of files of toy materials are."""

from __future__ import annotations

from typing import Final

__all__ = ["MEANINGS", "SOLID_MEANINGS", "meanings"]

#: What each array of a file of layers is.
MEANINGS: Final = {
    "prototype": "Position in the list of prototypes.",
    "numbers": "Atomic numbers, 0 where there is no atom (S, 5).",
    "fractional": "Positions in units of the lattice vectors (S, 5, 3).",
    "lattice": "Rows are the lattice vectors, angstrom (S, 3, 3).",
    "d_up": "Coefficients d_R of spin up in nine cells (S, 9, 3).",
    "d0_up": "Coefficients of the scalar part of spin up (S, 9).",
    "d_down": "Coefficients d_R of spin down (S, 9, 3).",
    "d0_down": "Coefficients of the scalar part of spin down (S, 9).",
    "moments": "Exchange field on the two active atoms (S, 2).",
    "topology": "0 trivial, 1 topological insulator, 2 semimetal; proven.",
    "magnetism": "0 NM, 1 FM, 2 AFM.",
    "evidence": "What proves the class: 0 gap and Chern numbers, 1 overlap, 2 touching.",
    "chern": "Certified Chern numbers of spin up and down; 0 for semimetals (S, 2).",
    "gap_bound": "Proven lower bound of the global gap; 0 for semimetals.",
    "overlap": "Energy by which bands overlap; 0 for others.",
    "kspace": "Bands along a path (S, 31, 16).",
    "decomposition": "Weights on the first atom at special momenta (S, 12).",
    "gap": "Direct and global gap on the path (S, 2).",
    "dos": "Density of states about the Fermi level (S, 32).",
    "fermi": "Density, widths and spin at the Fermi level (S, 4).",
    "asph": "Tokens of persistence diagrams, zero rows at the end (S, 36, 10).",
    "n_tokens": "Number of tokens.",
    "scalars": "Composition, symmetry and density (S, 48).",
    "space_group": "International number by spglib.",
    "seed_key": "Shard, batch and number of the draw within the batch (S, 3).",
}

#: What each array is that files of layers have not, or have otherwise.
SOLID_MEANINGS: Final = {
    "prototype": "Position in the list of solids.",
    "like": "Hoppings A to A and B to B in 27 cells, levels at the origin (S, 27, 2).",
    "bond": "Hoppings A to B: plain, and along x, y, z with the spin turned (S, 27, 4).",
    "moments": "Exchange field along z on the two active atoms (S, 2).",
    "evidence": "What proves the class: 0 gap and invariants, 1 overlap, 2 planes that differ.",
    "chern": "Certified Chern numbers in k_z = 0, pi by mirror eigenvalue (S, 2, 2).",
    "odd": "Occupied states of odd parity at the eight invariant momenta (S, 8).",
    "z2": "Z2 indices (strong; weak) of insulators without moments, -1 for others (S, 4).",
    "kspace": "Bands along a path through the invariant momenta (S, 33, 18).",
    "decomposition": "Weight on the first atom and spin of the occupied states there (S, 16).",
}


def meanings(dim: int) -> dict[str, str]:
    """Say what each array of a file is.

    Parameters
    ----------
    dim : {2, 3}
        Of the materials.

    Returns
    -------
    dict of str to str
        One sentence for each array.
    """
    layers = {"d_up", "d0_up", "d_down", "d0_down"}
    common = {name: text for name, text in MEANINGS.items() if dim == 2 or name not in layers}
    return common if dim == 2 else common | SOLID_MEANINGS
