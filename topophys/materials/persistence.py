"""Atom-specific persistent homology of crystal structures."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from topophys._extras import load_extra
from topophys.materials.crystal import Crystal, images_within
from topophys.materials.elements import element_features

__all__ = ["ASPH_FEATURES", "MAX_TOKENS", "TOKENS_PER_ATOM", "persistence_tokens"]

#: Names of the columns of a token.
ASPH_FEATURES: Final = (
    "birth", "death", "persistence", "H0", "H1", "H2", "atomic number / 50", "period / 7",
    "group / 18", "share of this atom",
)  # fmt: skip
#: Longest bars kept of each dimension for each atom.
TOKENS_PER_ATOM: Final = 4
#: Tokens of one material; of equal atoms one stands for all, with their number.
MAX_TOKENS: Final = 36
RADIUS: Final = 4.2  # of the cloud about an atom, in angstrom
LEAST: Final = 1e-3  # shortest bar, in angstrom


def persistence_tokens(
    crystal: Crystal, *, radius: float = RADIUS, max_tokens: int = MAX_TOKENS
) -> Float[np.ndarray, "T 10"]:
    """Turn persistence diagrams of the surroundings of each atom into a set of tokens.

    The points within `radius` of an atom, periodic images included, carry the filtration of
    Vietoris-Rips complexes up to that length. Each bar (birth, death) of H0, H1, H2 is a token
    together with what the atom is; the longest bars of each dimension are kept. Only distances
    enter: rotations, translations, the order of atoms and the choice of cell make no difference.

    Parameters
    ----------
    crystal : Crystal
        Structure.
    radius : float, optional
        Of the cloud, in angstrom.
    max_tokens : int, optional
        Most tokens; the shortest bars are left out beyond it.

    Returns
    -------
    float32 ndarray of shape (T, 10)
        Columns as in `ASPH_FEATURES`, lengths in angstrom; at least one row.

    References
    ----------
    .. [1] H. Edelsbrunner, D. Letscher, A. Zomorodian, Discrete Comput. Geom. 28, 511 (2002).
    .. [2] J.-D. Boissonnat, S. Pritam, 36th Int. Symp. Comput. Geom. 164, 19 (2020).
    .. [3] Y. Jiang et al., npj Comput. Mater. 7, 28 (2021).
    """
    gudhi = load_extra("gudhi", "materials")
    spots = (crystal.fractional - np.floor(crystal.fractional)) @ crystal.lattice
    shifts = images_within(crystal.lattice, radius) @ crystal.lattice
    everywhere = (spots[:, None] + shifts).reshape(-1, 3)
    kinds: dict[tuple[Any, ...], list[Any]] = {}
    for spot, z in zip(spots, crystal.numbers.tolist(), strict=True):
        away = everywhere - spot
        cloud = away[(away**2).sum(-1) <= (radius + 1e-6) ** 2]
        # atoms with the same surroundings have the same sorted distances and need one diagram
        sizes = np.sort(np.sqrt((cloud**2).sum(-1))).round(4)
        key = (z, tuple(sizes.tolist()))
        kinds.setdefault(key, [cloud, 0])[1] += 1
    rows = []
    for (z, _), (cloud, number) in kinds.items():
        period, group = element_features(z)[:2]
        tail = (z / 50.0, period / 7.0, group / 18.0, number / len(spots))
        rows += [(*bar, *tail) for bar in _bars(gudhi, cloud, radius)]
    tokens = np.array(rows, np.float64).reshape(-1, len(ASPH_FEATURES))
    longest_first = np.lexsort((*tokens.T, -tokens[:, 2].round(4)))
    return tokens[longest_first[:max_tokens]].astype(np.float32)


def _bars(gudhi: Any, cloud: NDArray[np.float64], radius: float) -> list[tuple[float, ...]]:
    """Longest bars of a cloud: birth, death, length, one of three flags.

    Not from alpha complexes: four atoms of a plane, moved by rounding, have a sphere of any size
    through them, and a crystal has many planes.
    """
    if len(cloud) < 2:
        return [(0.0, 0.0, 0.0, 1.0, 0.0, 0.0)]
    apart = np.sqrt(((cloud[:, None] - cloud) ** 2).sum(-1))
    tree = gudhi.RipsComplex(distance_matrix=apart, max_edge_length=radius).create_simplex_tree(
        max_dimension=1
    )
    tree.collapse_edges()  # leaves the diagrams as they are, and few simplices
    tree.expansion(3)
    tree.compute_persistence()
    found = []
    for dimension in range(3):
        pairs = np.asarray(tree.persistence_intervals_in_dimension(dimension)).reshape(-1, 2)
        bars = pairs[np.isfinite(pairs).all(1)]
        length = bars[:, 1] - bars[:, 0]
        bars, length = bars[length > LEAST], length[length > LEAST]
        best = np.lexsort((bars[:, 0], -length.round(4)))[:TOKENS_PER_ATOM]
        flags = tuple(float(dimension == d) for d in range(3))
        found += [(*bars[b].tolist(), float(length[b]), *flags) for b in best]
    return found or [(0.0, 0.0, 0.0, 1.0, 0.0, 0.0)]
