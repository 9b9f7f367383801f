"""Reciprocal lattices, Brillouin zones, and paths through points of high symmetry by name."""

from __future__ import annotations

import itertools
import re
import warnings
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import Voronoi

from topophys import _validation
from topophys._optional import load_extra
from topophys._typing import FourierLike, SampledLike
from topophys.errors import InputError, MissingPackageError
from topophys.hamiltonians.fourier import primitive_vectors

__all__ = [
    "BandPath",
    "band_path",
    "brillouin_zone",
    "high_symmetry_points",
    "lattice_of",
    "lattice_system",
    "reciprocal_vectors",
]

#: Largest component of a corner; the phases of farther momenta would be rounding alone.
FARTHEST: Final = 1e6

#: Relative deviation of lengths and angles up to which two count as equal; files have 6 digits.
EQUAL: Final = 1e-4
#: Name of the centre of the Brillouin zone in paths; drawn as a Greek letter.
GAMMA: Final = "G"
#: Primitive vectors as rows, or a Hamiltonian that has them.
LatticeLike: TypeAlias = ArrayLike | FourierLike | SampledLike


def lattice_of(H: object) -> NDArray[np.float64]:
    """Primitive vectors (dim, d): those given, or those of a Hamiltonian; an error without any.

    Shapes: `H` (dim, d); returns (dim, d).
    """
    if isinstance(H, np.ndarray | list | tuple):
        return _validation.as_real(H, "lattice", "(..., dim, d)")
    found = primitive_vectors(H)
    if found is None:
        raise InputError(
            f"The lattice of {_validation.short(H)} is not known; give it with"
            " `H.with_geometry(lattice=...)`, primitive vectors as rows."
        )
    return found


def reciprocal_vectors(lattice: LatticeLike) -> Float[np.ndarray, "dim d"]:
    r"""Primitive vectors of the reciprocal lattice.

    .. math:: a_i \cdot b_j = 2 \pi \delta_{ij}

    in the space that the primitive vectors span.

    Parameters
    ----------
    lattice : array-like of shape (dim, d), or Hamiltonian
        Primitive vectors as rows, or a Hamiltonian that has them.

    Returns
    -------
    float64 ndarray of shape (dim, d)
        As rows, in the inverse unit of length.

    Raises
    ------
    InputError
        If a Hamiltonian has no lattice.

    References
    ----------
    .. [1] N. W. Ashcroft, N. D. Mermin, *Solid State Physics*, Saunders (1976), chap. 5.

    Examples
    --------
    >>> reciprocal_vectors([[2.0, 0.0], [0.0, 1.0]]).round(6)
    array([[3.141593, 0.      ],
           [0.      , 6.283185]])
    """
    rows = lattice_of(lattice)
    # the pseudoinverse has zeros of either sign
    return np.asarray(2.0 * np.pi * np.linalg.pinv(rows).T + 0.0)


def brillouin_zone(lattice: LatticeLike) -> Float[np.ndarray, "V 2"]:
    r"""Corners of the Brillouin zone of a two-dimensional lattice, its Wigner-Seitz cell.

    .. math:: \{ q : |q| \le |q - G| \;\text{for all}\; G = m_1 b_1 + m_2 b_2 \}

    Parameters
    ----------
    lattice : array-like of shape (2, 2), or Hamiltonian
        Primitive vectors as rows, or a Hamiltonian that has them.

    Returns
    -------
    float64 ndarray of shape (V, 2)
        Four or six corners, anticlockwise, in the inverse unit of length.

    Raises
    ------
    InputError
        If the lattice is not one of two vectors in a plane, or a Hamiltonian has none.

    References
    ----------
    .. [1] N. W. Ashcroft, N. D. Mermin, *Solid State Physics*, Saunders (1976), chap. 8.

    Examples
    --------
    >>> brillouin_zone(np.eye(2)).shape, brillouin_zone([[1.0, 0.0], [0.5, 0.75**0.5]]).shape
    ((4, 2), (6, 2))
    """
    plane = in_plane(lattice_of(lattice))
    return _cell(reciprocal_vectors(plane))


def in_plane(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two primitive vectors in coordinates of the plane that they span, x along the first axis.

    Vectors in the xy plane keep their coordinates.

    Shapes: `lattice` (2, d); returns (2, 2).
    """
    if len(lattice) != 2:
        raise InputError(
            f"Argument `lattice` must have two primitive vectors, but has {len(lattice)}."
        )
    if not np.abs(lattice[:, 2:]).max(initial=0.0) > 0.0:
        return np.asarray(lattice[:, :2])
    x = lattice[0] / np.linalg.norm(lattice[0])
    y = lattice[1] - (lattice[1] @ x) * x
    return np.asarray(lattice @ np.stack([x, y / np.linalg.norm(y)], axis=1))


def _reduced(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shortest two vectors that span the same plane lattice (Gauss).

    Shapes: `rows` (2, 2); returns (2, 2).
    """
    a, b = sorted(rows, key=np.linalg.norm)
    while True:
        b = b - np.rint((a @ b) / (a @ a)) * a
        if b @ b >= (a @ a) * (1.0 - 1e-12):
            return np.stack([a, b])
        a, b = b, a


def _cell(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (V, 2) of the Wigner-Seitz cell of a plane lattice, anticlockwise."""
    short = _reduced(rows)
    steps = np.array(list(itertools.product(range(-2, 3), repeat=2)), dtype=np.float64)
    points = steps @ short
    found = Voronoi(points)
    centre = found.point_region[int(np.flatnonzero(~steps.any(1))[0])]
    corners = found.vertices[found.regions[centre]]
    order = np.argsort(np.arctan2(corners[:, 1], corners[:, 0]))
    corners = corners[order]
    # corners that rounding has split in two
    apart = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
    return np.asarray(corners[apart > 1e-6 * np.linalg.norm(short[1])])


# ----------------------------------------------- Lattice systems, from lengths and angles alone


def _same(x: float, y: float) -> bool:
    return bool(abs(x - y) <= EQUAL * max(abs(x), abs(y)))


def lattice_system(lattice: LatticeLike) -> str:
    """Find the lattice system of primitive vectors, for any choice of basis.

    Parameters
    ----------
    lattice : array-like of shape (dim, d), or Hamiltonian
        Primitive vectors as rows, or a Hamiltonian that has them.

    Returns
    -------
    str
        "chain"; "square", "rectangular", "hexagonal" or "oblique"; "cubic", "fcc", "bcc",
        "hexagonal", "tetragonal", "orthorhombic" or "other". Lengths and angles count as equal
        when they are to four digits.

    Raises
    ------
    InputError
        If a Hamiltonian has no lattice.

    References
    ----------
    .. [1] W. Setyawan, S. Curtarolo, Comput. Mater. Sci. 49, 299 (2010).

    Examples
    --------
    >>> lattice_system([[1.0, 0.0], [1.5, 0.75**0.5]])
    'hexagonal'
    >>> lattice_system([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    'fcc'
    """
    rows = lattice_of(lattice)
    if len(rows) == 1:
        return "chain"
    return _plane_system(_reduced(in_plane(rows))) if len(rows) == 2 else _axes_of(rows)[0]


def _plane_system(short: NDArray[np.float64]) -> str:
    a, b = np.linalg.norm(short, axis=1)
    cosine = abs(short[0] @ short[1]) / (a * b)
    if cosine <= EQUAL:
        return "square" if _same(a, b) else "rectangular"
    return "hexagonal" if _same(a, b) and abs(cosine - 0.5) <= EQUAL else "oblique"


#: Volume of the conventional cell over the primitive one.
_CENTRED: Final = {"cubic": 1, "bcc": 2, "fcc": 4}


def _axes_of(rows: NDArray[np.float64]) -> tuple[str, NDArray[np.float64]]:
    """Name of a lattice in space, and its conventional axes as rows."""
    volume = abs(np.linalg.det(rows))
    steps = [s for s in itertools.product(range(-2, 3), repeat=3) if s > (0, 0, 0)]
    vectors = np.array(steps) @ _short(rows)
    vectors = vectors[np.argsort(np.linalg.norm(vectors, axis=1).round(9), kind="stable")]
    pairs = _triples(vectors)
    for name, ratio in _CENTRED.items():
        for axes in pairs:
            a, b, c = np.linalg.norm(axes, axis=1)
            if _same(a, b) and _same(b, c) and _same(abs(np.linalg.det(axes)), ratio * volume):
                return name, axes
    for axes in pairs:
        a, b, c = np.linalg.norm(axes, axis=1)
        if not _same(abs(np.linalg.det(axes)), volume):
            continue
        for i, (one, two) in enumerate(((b, c), (a, c), (a, b))):
            if _same(one, two):
                return "tetragonal", np.roll(axes, -1 - i, axis=0)
        return "orthorhombic", axes[np.argsort([a, b, c])]
    found = _hexagonal(vectors, volume)
    return ("other", rows) if found is None else ("hexagonal", found)


def _short(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Basis of the same lattice in space whose vectors no multiple of another shortens."""
    basis = rows.copy()
    changed = True
    while changed:
        changed = False
        for i, j in itertools.permutations(range(3), 2):
            n = np.rint(basis[i] @ basis[j] / (basis[j] @ basis[j]))
            shorter = basis[i] - n * basis[j]
            if shorter @ shorter < basis[i] @ basis[i] * (1.0 - 1e-9):
                basis[i], changed = shorter, True
    return basis


def _orthogonal(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return bool(abs(a @ b) <= EQUAL * np.linalg.norm(a) * np.linalg.norm(b))


def _triples(vectors: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Right-handed triples of orthogonal lattice vectors, short ones first."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    across = np.triu(np.abs(unit @ unit.T) <= EQUAL)
    found = [
        vectors[[i, j, m]]
        for i, j in np.argwhere(across)
        for m in np.flatnonzero(across[i] & across[j])
    ]
    return [axes if np.linalg.det(axes) > 0 else axes * [[1], [1], [-1]] for axes in found]


def _hexagonal(vectors: NDArray[np.float64], volume: float) -> NDArray[np.float64] | None:
    """Axes a, a' at 120 degrees and c across, where there are such."""
    signed = np.concatenate([vectors, -vectors])
    for a, b in itertools.combinations(signed, 2):
        n, m = float(np.linalg.norm(a)), float(np.linalg.norm(b))
        if not _same(n, m) or abs(a @ b / (n * m) + 0.5) > EQUAL:
            continue
        for c in vectors:
            axes = np.stack([a, b, c])
            if _orthogonal(a, c) and _orthogonal(b, c) and _same(abs(np.linalg.det(axes)), volume):
                return axes if np.linalg.det(axes) > 0 else axes * [[1], [1], [-1]]
    return None


# ------------------------------------------------------- Points of high symmetry and their names

#: In units of the reciprocal vectors of the conventional axes: of a, b and c, or for fcc and bcc of
#: the cubic cell, whose reciprocal vectors are 2 pi / a along each axis (Setyawan and Curtarolo).
_POINTS: Final[dict[str, dict[str, tuple[float, float, float]]]] = {
    "cubic": {"X": (0, 0.5, 0), "M": (0.5, 0.5, 0), "R": (0.5, 0.5, 0.5)},
    "fcc": {
        "X": (0, 1, 0), "L": (0.5, 0.5, 0.5), "W": (0.5, 1, 0), "K": (0.75, 0.75, 0),
        "U": (0.25, 1, 0.25),
    },
    "bcc": {"H": (0, 1, 0), "P": (0.5, 0.5, 0.5), "N": (0.5, 0.5, 0)},
    "hexagonal": {
        "M": (0.5, 0, 0), "K": (1 / 3, 1 / 3, 0), "A": (0, 0, 0.5), "L": (0.5, 0, 0.5),
        "H": (1 / 3, 1 / 3, 0.5),
    },
    "tetragonal": {
        "X": (0, 0.5, 0), "M": (0.5, 0.5, 0), "Z": (0, 0, 0.5), "R": (0, 0.5, 0.5),
        "A": (0.5, 0.5, 0.5),
    },
    "orthorhombic": {
        "X": (0.5, 0, 0), "Y": (0, 0.5, 0), "S": (0.5, 0.5, 0), "Z": (0, 0, 0.5),
        "U": (0.5, 0, 0.5), "T": (0, 0.5, 0.5), "R": (0.5, 0.5, 0.5),
    },
}  # fmt: skip
#: Usual paths; "|" is a jump.
_PATHS: Final = {
    "chain": "X'-G-X",
    "square": "G-X-M-G",
    "rectangular": "G-X-S-Y-G",
    "plane hexagonal": "G-K-M-G",
    "oblique": "G-X-C-Y-G",
    "cubic": "G-X-M-G-R-X|M-R",
    "fcc": "G-X-W-K-G-L-U-W-L-K|U-X",
    "bcc": "G-H-N-G-P-H|P-N",
    "hexagonal": "G-M-K-G-A-L-H-A|L-M|K-H",
    "tetragonal": "G-X-M-G-Z-R-A-Z|X-R|M-A",
    "orthorhombic": "G-X-S-Y-G-Z-U-R-T-Z|Y-T|U-X|S-R",
}


def high_symmetry_points(lattice: LatticeLike) -> dict[str, NDArray[np.float64]]:
    r"""Points of high symmetry of the Brillouin zone, by name.

    In the plane: the corners of the zone are M (square), S (rectangular), K and K' (hexagonal), the
    middles of its edges X, Y and M; an oblique lattice has the invariant momenta X, Y and C. In
    space the names are those of [1]_, and for lattices other than cubic, fcc, bcc, hexagonal,
    tetragonal and orthorhombic those that pymatgen gives (extra `materials`). A prime is the
    opposite point.

    Parameters
    ----------
    lattice : array-like of shape (dim, d), or Hamiltonian
        Primitive vectors as rows, or a Hamiltonian that has them.

    Returns
    -------
    dict of str to float64 ndarray of shape (dim,)
        Dimensionless momenta, :math:`k_i = a_i \cdot q`, in radians; "G" is the centre.

    Raises
    ------
    InputError
        If a Hamiltonian has no lattice.
    MissingPackageError
        If the lattice needs pymatgen, and that is not installed.

    References
    ----------
    .. [1] W. Setyawan, S. Curtarolo, Comput. Mater. Sci. 49, 299 (2010).

    Examples
    --------
    >>> points = high_symmetry_points([[1.0, 0.0], [0.5, 0.75**0.5]])
    >>> {name: (k / np.pi).round(4).tolist() for name, k in points.items()}
    {'G': [0.0, 0.0], 'K': [1.3333, 0.6667], 'M': [1.0, 1.0]}
    """
    rows = lattice_of(lattice)
    if len(rows) == 1:
        return {GAMMA: np.zeros(1), "X": np.array([np.pi])}
    if len(rows) == 2:
        plane = in_plane(rows)
        return {name: plane @ q + 0.0 for name, q in _in_plane(plane).items()}
    return {name: rows @ q + 0.0 for name, q in _in_space(rows)[0].items()}


def _in_plane(plane: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Cartesian points of a plane lattice (2, 2)."""
    system = _plane_system(_reduced(plane))
    b = reciprocal_vectors(plane)
    points = {GAMMA: np.zeros(2)}
    if system == "oblique":
        return points | {"X": 0.5 * b[0], "Y": 0.5 * b[1], "C": 0.5 * (b[0] + b[1])}
    corners = _cell(b)
    # the first corner anticlockwise from the x axis, and the middles of the edges before and after
    turn = np.arctan2(corners[:, 1], corners[:, 0]) % (2.0 * np.pi)
    turn[turn > 2.0 * np.pi - 1e-9] = 0.0
    first = int(turn.argmin())
    here, after = corners[first], corners[(first + 1) % len(corners)]
    middles = 0.5 * (here + corners[first - 1]), 0.5 * (here + after)
    if system == "hexagonal":
        return points | {"K": here, "M": middles[1]}
    if system == "square":
        return points | {"X": middles[0], "M": here}
    # X is half of the reciprocal vector along the first primitive vector
    along = [abs(middle @ plane[0]) for middle in middles]
    x, y = middles if along[0] >= along[1] else middles[::-1]
    return points | {"X": x, "Y": y, "S": here}


def _in_space(rows: NDArray[np.float64]) -> tuple[dict[str, NDArray[np.float64]], str]:
    """Cartesian points of a lattice in space, and its usual path."""
    system, axes = _axes_of(rows)
    points = {GAMMA: np.zeros(rows.shape[1])}
    if system == "other":
        return _of_pymatgen(rows)
    basis = reciprocal_vectors(axes)
    named = {name: np.asarray(c) @ basis for name, c in _POINTS[system].items()}
    return points | named, _PATHS[system]


def _of_pymatgen(rows: NDArray[np.float64]) -> tuple[dict[str, NDArray[np.float64]], str]:
    """Points and path of a lattice without a table here, as pymatgen has them."""
    try:
        core = load_extra("pymatgen.core", "materials")
        paths = load_extra("pymatgen.symmetry.bandstructure", "materials")
    except MissingPackageError:
        raise MissingPackageError(
            "Named points of this lattice need pymatgen, which the extra `materials` brings; or"
            " give the corners of the path as numbers."
        ) from None
    ours = core.Lattice(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of its own dependencies
        found = paths.HighSymmKpath(core.Structure(ours, ["H"], [[0.0, 0.0, 0.0]]))
    mapping = ours.find_mapping(found.prim.lattice, ltol=1e-3, atol=0.1)
    if mapping is None:
        raise InputError(
            "Argument `path` must be given as numbers for this lattice: the primitive cell of"
            " pymatgen could not be turned onto it."
        )
    basis = mapping[0].reciprocal_lattice.matrix
    points = {GAMMA: np.zeros(3)}
    for name, c in found.kpath["kpoints"].items():
        points[_plain(name)] = np.asarray(c) @ basis
    return points, "|".join("-".join(map(_plain, part)) for part in found.kpath["path"])


def _plain(name: str) -> str:
    r"""Name of a point without the marks of LaTeX: "\\Gamma" is G, "X_1" is X1."""
    return GAMMA if "Gamma" in name else re.sub(r"[\\_{}]", "", name)


# --------------------------------------------------------------------- Paths through the zone


@dataclass(frozen=True, eq=False)
class BandPath:
    """Momenta along a path of straight pieces, with physical lengths where a lattice is known.

    Attributes
    ----------
    k : float64 ndarray of shape (P, dim)
        Dimensionless momenta, in radians.
    along : float64 ndarray of shape (P,)
        Length of the path up to each, in the inverse unit of the lattice, or in radians.
    corners : float64 ndarray of shape (C,)
        The same at its corners.
    labels : tuple of str
        Their names, as mathtext.
    physical : bool
        Whether lengths are those of the lattice.
    breaks : tuple of int
        Indices of the momenta with which a new piece begins, after a jump.

    Examples
    --------
    >>> route = band_path("G-X", [[2.0]], grid=3)
    >>> route.k[:, 0].round(3).tolist(), route.along.round(3).tolist()
    ([0.0, 1.571, 3.142], [0.0, 0.785, 1.571])
    """

    k: Float[np.ndarray, "P dim"]
    along: Float[np.ndarray, " P"]
    corners: Float[np.ndarray, " C"]
    labels: tuple[str, ...]
    physical: bool
    breaks: tuple[int, ...] = ()


def band_path(
    path: str | ArrayLike | None, lattice: Any = None, *, dim: int | None = None, grid: int = 401
) -> BandPath:
    r"""Momenta along a path through the Brillouin zone.

    Parameters
    ----------
    path : str, array-like of shape (C, dim) or None
        Names such as "G-K-M-G", with "|" for a jump; or corners in radians. None is the usual path
        of the lattice.
    lattice : array-like of shape (dim, d) or Hamiltonian, optional
        Primitive vectors as rows, or a Hamiltonian that has them; needed for names. With it,
        lengths are :math:`|q|`, :math:`k_i = a_i \cdot q`.
    dim : int, optional
        Dimension, where there is no lattice.
    grid : int, optional
        Momenta along the whole path; its corners come on top.

    Returns
    -------
    BandPath
        Momenta, lengths and names.

    Raises
    ------
    InputError
        If a name is unknown, a corner is repeated, or names are given without a lattice.
    ShapeError
        If corners do not have `dim` components.

    References
    ----------
    .. [1] W. Setyawan, S. Curtarolo, Comput. Mater. Sci. 49, 299 (2010).

    Examples
    --------
    >>> graphene = [[1.0, 0.0], [0.5, 0.75**0.5]]
    >>> route = band_path("G-K-M-G", graphene)
    >>> route.labels, (route.corners * 3 / (4 * np.pi)).round(6).tolist()
    (('$\\Gamma$', 'K', 'M', '$\\Gamma$'), [0.0, 1.0, 1.5, 2.366025])
    """
    count = _validation.positive_int(grid, "grid", minimum=2)
    rows = _known(lattice)
    if path is None or isinstance(path, str):
        if rows is None:
            raise InputError(
                f"Argument `path` must be corners in radians where the lattice is not known, but is"
                f" {path!r}; or give the lattice with `H.with_geometry(lattice=...)`."
            )
        pieces, names = _named(path, rows)
    else:
        wanted = len(rows) if rows is not None else dim
        nodes = _validation.as_real(path, "path", f"(..., C, {wanted or 'dim'})")
        if nodes.size and np.abs(nodes).max() > FARTHEST:
            raise InputError(
                f"Argument `path` must have momenta up to {FARTHEST:g} radians, but has"
                f" {np.abs(nodes).max():g}."
            )
        if nodes.ndim != 2 or len(nodes) < 2:
            raise InputError(
                f"Argument `path` must have two corners or more, but has shape {nodes.shape}."
            )
        pieces, names = [nodes], [("",) * len(nodes)]
    return _sampled(pieces, names, rows, count)


def _known(lattice: Any) -> NDArray[np.float64] | None:
    if lattice is None or isinstance(lattice, np.ndarray | list | tuple):
        return None if lattice is None else lattice_of(lattice)
    return primitive_vectors(lattice)


def _named(
    path: str | None, rows: NDArray[np.float64]
) -> tuple[list[NDArray[np.float64]], list[tuple[str, ...]]]:
    """Corners of each piece of a path by names."""
    points = high_symmetry_points(rows)
    text = usual_path(rows) if path is None else path
    pieces, names = [], []
    for part in text.replace("Γ", GAMMA).replace("Gamma", GAMMA).split("|"):
        named = tuple(name.strip() for name in part.split("-"))
        for name in named:
            if name.rstrip("'") not in points or name.count("'") > 1:
                raise InputError(
                    f"Argument `path` must be names such as {usual_path(rows)!r} of the points"
                    f" {', '.join(points)} of this lattice, but has {name!r}."
                )
        if len(named) < 2:
            raise InputError(
                f"Argument `path` must have two corners or more in each piece, but is {text!r}."
            )
        pieces.append(
            np.stack([points[n.rstrip("'")] * (-1.0 if n.endswith("'") else 1.0) for n in named])
        )
        names.append(tuple(r"$\Gamma$" if n == GAMMA else n.replace("'", "′") for n in named))
    return pieces, names


def usual_path(rows: NDArray[np.float64]) -> str:
    """Names of the usual path of a lattice (dim, d)."""
    if len(rows) == 3:
        return _in_space(rows)[1]
    system = lattice_system(rows)
    return _PATHS["plane hexagonal" if system == "hexagonal" else system]


def _sampled(
    pieces: list[NDArray[np.float64]],
    names: list[tuple[str, ...]],
    rows: NDArray[np.float64] | None,
    count: int,
) -> BandPath:
    """Momenta along the pieces, as many as their share of the whole length."""
    metric = np.eye(pieces[0].shape[1]) if rows is None else reciprocal_vectors(rows) / (2 * np.pi)
    lengths = [np.linalg.norm(np.diff(nodes, axis=0) @ metric, axis=1) for nodes in pieces]
    if min(length.min() for length in lengths) <= 0.0:
        raise InputError(
            "Argument `path` must have distinct consecutive corners, but one is repeated."
        )
    total = sum(float(length.sum()) for length in lengths)
    k: list[NDArray[np.float64]] = []
    along: list[NDArray[np.float64]] = []
    corners: list[float] = []
    labels: list[str] = []
    breaks: list[int] = []
    start = 0.0
    for nodes, length, named in zip(pieces, lengths, names, strict=True):
        at = start + np.append(0.0, np.cumsum(length))
        size = max(2, int(np.ceil(count * (at[-1] - start) / total)))
        # the corners themselves are always among the points: gaps like to close there
        here = np.union1d(np.linspace(start, at[-1], size), at)
        k.append(np.stack([np.interp(here, at, column) for column in nodes.T], axis=-1))
        if corners:
            breaks.append(sum(len(piece) for piece in along))
            labels[-1] = f"{labels[-1]}|{named[0]}"
            corners.extend(at[1:].tolist())
            labels.extend(named[1:])
        else:
            corners.extend(at.tolist())
            labels.extend(named)
        along.append(here)
        start = float(at[-1])
    return BandPath(
        np.concatenate(k), np.concatenate(along), np.array(corners), tuple(labels),
        rows is not None, tuple(breaks),
    )  # fmt: skip
