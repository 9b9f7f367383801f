"""Supercells, and ribbons and slabs: Hamiltonians that are finite along one lattice direction."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, KindError
from topophys.grids import k_grid
from topophys.hamiltonians.fourier import FourierHamiltonian, primitive_vectors

__all__ = ["RibbonHamiltonian", "edge_modes", "ribbon", "slab", "supercell"]


# ------------------------------------------------------------------------------ Supercells


def supercell(H: FourierHamiltonian, size: ArrayLike) -> FourierHamiltonian:
    r"""Describe the same system with a larger cell.

    .. math:: a'_i = \sum_j S_{ij} a_j, \qquad
        \{E'(k')\} = \bigcup_{k : \, S k \,\equiv\, k'} \{E(k)\}

    The bands are the old ones, folded: at k' stand the energies of the :math:`|\det S|` momenta k
    with :math:`S k = k'` modulo 2 pi. The Chern number of all folded occupied bands is the old one.

    Parameters
    ----------
    H : FourierHamiltonian
        A Hamiltonian, or a batch.
    size : int, sequence of int of shape (dim,), or array-like of int of shape (dim, dim)
        Numbers of cells along each direction, or the matrix S whose rows are the new primitive
        vectors in units of the old ones.

    Returns
    -------
    FourierHamiltonian
        With :math:`|\det S|` times as many orbitals, cell by cell; lattice, positions and filling
        go along.

    Raises
    ------
    KindError
        If `H` is not in Fourier form.
    InputError
        If S is not made of integers, or is singular.

    References
    ----------
    .. [1] T. B. Boykin, G. Klimeck, Phys. Rev. B 71, 115215 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> chain = tp.FourierHamiltonian({(1,): [[1.0]]})
    >>> supercell(chain, 2).bands([0.0]).round(12) + 0.0
    array([-2.,  2.])
    """
    _require_fourier(H)
    matrix = _cell_matrix(size, H.dim)
    cells = _cells_inside(matrix)
    n, count = H.n_bands, len(cells)
    place = {tuple(cell): i for i, cell in enumerate(cells.tolist())}
    hoppings: dict[tuple[int, ...], NDArray[np.complex128]] = {}
    amplitudes = H.amplitudes
    for start, cell in enumerate(cells):
        for m, R in enumerate(H.vectors):
            outer, inner = _split(cell + R, matrix)
            block = hoppings.setdefault(
                outer, np.zeros((*H.batch_shape, count * n, count * n), np.complex128)
            )
            end = place[inner]
            block[..., start * n : (start + 1) * n, end * n : (end + 1) * n] += amplitudes[
                ..., m, :, :
            ]
    rows, at, unit = primitive_vectors(H), H.positions, H.unit
    made = FourierHamiltonian(hoppings, n_occupied=_filling(H, count), hermitian="average")
    made.unit = unit
    made.lattice = None if rows is None else np.asarray(matrix @ rows, np.float64)
    if at is not None:
        inside = (cells[:, None, :] + at).reshape(-1, H.dim)
        made.positions = np.asarray(np.linalg.solve(matrix.T.astype(np.float64), inside.T).T)
    return made._with_error(H.amplitude_error, H.batch_shape)


def _cell_matrix(size: ArrayLike, dim: int) -> NDArray[np.int64]:
    given = np.asarray(size)
    if given.dtype.kind not in "iu" or given.shape not in ((), (dim,), (dim, dim)):
        raise InputError(
            f"Argument `size` must be an integer, {dim} of them, or a matrix of {dim} x {dim}"
            f" integers, but is {_validation.short(size)}."
        )
    matrix = given if given.ndim == 2 else np.diag(np.broadcast_to(given, dim))
    whole = round(float(np.linalg.det(matrix)))
    if whole == 0 or (given.ndim < 2 and (given < 1).any()):
        raise InputError(
            "Argument `size` must span a cell of at least one old cell, but is"
            f" {_validation.short(size)}."
        )
    return matrix.astype(np.int64)


def _cells_inside(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """Old cells whose origin lies in the new one, in ascending order, (count, dim)."""
    corners = np.array(list(itertools.product((0, 1), repeat=len(matrix)))) @ matrix
    axes = [
        range(int(low), int(high) + 1)
        for low, high in zip(corners.min(0), corners.max(0), strict=True)
    ]
    inside = [cell for cell in itertools.product(*axes) if not any(_split(cell, matrix)[0])]
    return np.array(inside, np.int64)


def _split(cell: Any, matrix: NDArray[np.int64]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Find the new cell m and the old cell t inside it: cell = t + m S, in integers alone."""
    whole = round(float(np.linalg.det(matrix)))
    adjugate = np.rint(np.linalg.inv(matrix) * whole).astype(np.int64)
    outer = (np.asarray(cell) @ adjugate) // whole  # floor, of either sign
    inner = np.asarray(cell) - outer @ matrix
    return tuple(outer.tolist()), tuple(inner.tolist())


def _filling(H: FourierHamiltonian, count: int) -> int | None:
    """Occupied bands of `count` cells; None where nothing says how many one has."""
    filled = _validation.named_filling(H)
    return None if filled is None or H.n_bands == 1 else count * filled


# ------------------------------------------------------------------------- Ribbons and slabs


class RibbonHamiltonian(FourierHamiltonian):
    """Hamiltonian of a ribbon or slab, made by `ribbon` and `slab`.

    Parameters
    ----------
    hoppings, n_occupied, hermitian, lattice, positions
        As for `FourierHamiltonian`; `hoppings` (..., n, n) by lattice vector along the edges.

    Attributes
    ----------
    direction : int
        Lattice direction along which it is finite.
    width : int
        Number of cells along it.
    layer : int64 ndarray of shape (n,)
        Cell, from 0 to width - 1, that each orbital is in.
    depth : float64 ndarray of shape (n,)
        Position of each orbital across the ribbon: its distance from the lower edge in the unit of
        the lattice, or in cells where that is not known.

    Examples
    --------
    >>> import topophys as tp
    >>> tp.ribbon(tp.models.qwz(-1.0), 10)
    RibbonHamiltonian: 1D, 20 bands (10 occupied), 3 lattice vectors
    """

    direction: int
    width: int
    layer: Int[np.ndarray, " n"]
    depth: Float[np.ndarray, " n"]

    @property
    def edge_position(self) -> Float[np.ndarray, " n"]:
        """Position across from -1 at the lower edge to 1 at the upper one."""
        low, high = self.depth.min(), self.depth.max()
        if high <= low:
            return np.zeros(len(self.depth))
        return np.asarray((2.0 * self.depth - low - high) / (high - low))


def ribbon(H: FourierHamiltonian, width: int, direction: int = 1) -> RibbonHamiltonian:
    r"""Cut a ribbon out of a two-dimensional system: open edges along one lattice direction.

    .. math:: H^{\rm ribbon}_{R_\parallel}[i, j] = H_{(R_\parallel,\, R_\perp = j - i)},
        \qquad 0 \le i, j < \text{width}

    Hoppings that would leave the ribbon are dropped.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in two dimensions, or a batch.
    width : int
        Number of cells across.
    direction : int, optional
        Lattice direction across the ribbon, 0 or 1; the other one stays periodic.

    Returns
    -------
    RibbonHamiltonian
        In one dimension, with ``width * n`` orbitals, cell by cell from the lower edge up.

    Raises
    ------
    KindError
        If `H` is not a Hamiltonian in Fourier form in two dimensions.
    InputError
        If `width` or `direction` makes no sense.

    References
    ----------
    .. [1] Y. Hatsugai, Phys. Rev. Lett. 71, 3697 (1993).

    Examples
    --------
    Edge states cross the gap of a Chern insulator once on each edge:

    >>> import topophys as tp
    >>> strip = ribbon(tp.models.qwz(-1.0), 20)
    >>> edge_modes(strip, 0.1).tolist()
    [-1, 1]
    """
    return _cut(H, width, direction, 2)


def slab(H: FourierHamiltonian, width: int, direction: int = 2) -> RibbonHamiltonian:
    r"""Cut a slab out of a three-dimensional system: open surfaces along one lattice direction.

    .. math:: H^{\rm slab}_{R_\parallel}[i, j] = H_{(R_\parallel,\, R_\perp = j - i)},
        \qquad 0 \le i, j < \text{width}

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch.
    width : int
        Number of cells across.
    direction : int, optional
        Lattice direction across the slab: 0, 1 or 2.

    Returns
    -------
    RibbonHamiltonian
        In two dimensions, with ``width * n`` orbitals, cell by cell from the lower surface up.

    Raises
    ------
    KindError
        If `H` is not a Hamiltonian in Fourier form in three dimensions.
    InputError
        If `width` or `direction` makes no sense.

    References
    ----------
    .. [1] L. Fu, C. L. Kane, E. J. Mele, Phys. Rev. Lett. 98, 106803 (2007).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> cube = tp.FourierHamiltonian({(1, 0, 0): np.eye(2), (0, 0, 1): np.eye(2)}, n_occupied=1)
    >>> slab(cube, 3)
    RibbonHamiltonian: 2D, 6 bands (3 occupied), 3 lattice vectors
    """
    return _cut(H, width, direction, 3)


def _cut(H: FourierHamiltonian, width: int, direction: int, dim: int) -> RibbonHamiltonian:
    _require_fourier(H)
    if H.dim != dim:
        raise KindError(
            f"Argument `H` must be a Hamiltonian in {dim} dimensions, but is"
            f" {_validation.short(H)}."
        )
    cells = _validation.positive_int(width, "width")
    across = _validation.integer(direction, "direction")
    if not 0 <= across < dim:
        raise InputError(f"Argument `direction` must be from 0 to {dim - 1}, but is {direction}.")
    rest = [i for i in range(dim) if i != across]
    n = H.n_bands
    hoppings: dict[tuple[int, ...], NDArray[np.complex128]] = {
        (0,) * len(rest): np.zeros((*H.batch_shape, cells * n, cells * n), np.complex128)
    }
    for R, amplitude in zip(H.vectors, np.moveaxis(H.amplitudes, -3, 0), strict=True):
        step = int(R[across])
        if abs(step) >= cells:
            continue
        key = tuple(int(x) for x in R[rest])
        block = hoppings.setdefault(
            key, np.zeros((*H.batch_shape, cells * n, cells * n), np.complex128)
        )
        for i in range(max(0, -step), min(cells, cells - step)):
            j = i + step
            block[..., i * n : (i + 1) * n, j * n : (j + 1) * n] += amplitude
    made = RibbonHamiltonian(hoppings, n_occupied=_filling(H, cells), hermitian="average")
    made.direction, made.width, made.unit = across, cells, H.unit
    made.layer = np.repeat(np.arange(cells), n)
    rows = primitive_vectors(H)
    at = np.zeros((n, dim)) if H.positions is None else H.positions
    where = np.tile(at, (cells, 1))
    where[:, across] += made.layer
    made.depth = where[:, across] if rows is None else where @ _heights(rows, rest)
    made.depth = made.depth - made.depth.min()
    made.lattice = None if rows is None else rows[rest]
    made.positions = None if H.positions is None else where[:, rest]
    return made._with_error(H.amplitude_error, H.batch_shape)


def _heights(rows: NDArray[np.float64], rest: list[int]) -> NDArray[np.float64]:
    """Components of the primitive vectors (dim, d) across the edges, positive for the cut one."""
    along = np.linalg.qr(rows[rest].T)[0]
    height = rows - rows @ along @ along.T
    (across,) = (i for i in range(len(rows)) if i not in rest)
    return np.asarray(height @ (height[across] / np.linalg.norm(height[across])))


def _require_fourier(H: object) -> None:
    if not isinstance(H, FourierHamiltonian):
        raise KindError(
            f"Argument `H` must be a Hamiltonian in Fourier form, but is {_validation.short(H)}."
        )


def edge_modes(
    strip: RibbonHamiltonian, energy: float, *, grid: int = 400
) -> Int[np.ndarray, "... 2"]:
    r"""Net number of modes of a ribbon that cross an energy, on the lower and the upper edge.

    .. math:: N = \#\{dE/dk > 0\} - \#\{dE/dk < 0\}

    With C the Chern number of the bulk bands below a gap, and the energy in that gap, it is -C on
    the lower edge and C on the upper one where `direction` is 1, the opposite where it is 0
    (bulk-boundary correspondence).

    Parameters
    ----------
    strip : RibbonHamiltonian
        In one dimension, or a batch; wide enough that its edges do not couple.
    energy : float
        In a gap of the bulk, in the units of the hoppings.
    grid : int, optional
        Number of momenta; crossings that lie closer than its steps are not resolved.

    Returns
    -------
    int64 ndarray of shape (..., 2)
        Sampled numbers: lower edge, upper edge.

    Raises
    ------
    KindError
        If `strip` is not a ribbon in one dimension.

    References
    ----------
    .. [1] Y. Hatsugai, Phys. Rev. Lett. 71, 3697 (1993).

    Examples
    --------
    >>> import topophys as tp
    >>> edge_modes(ribbon(tp.models.qwz([-1.0, 1.0, 3.0]), 16), 0.0).tolist()
    [[-1, 1], [1, -1], [0, 0]]
    """
    given: object = strip
    if not isinstance(given, RibbonHamiltonian) or strip.dim != 1:
        raise KindError(
            "Argument `strip` must be a ribbon in one dimension, but is"
            f" {_validation.short(strip)}."
        )
    level = float(_validation.as_real(energy, "energy", "(...)"))
    count = _validation.positive_int(grid, "grid", minimum=3)
    # off the symmetric momenta, where modes of two edges cross each other and may mix
    k = k_grid(count) + 0.37 * 2.0 * np.pi / count
    levels, states = np.linalg.eigh(strip.bloch(k))
    side = np.einsum("...ib,i->...b", np.abs(states) ** 2, strip.edge_position)
    # the same mode at the next momentum is that of largest overlap: modes of two edges cross
    overlap = np.abs(states.conj().swapaxes(-1, -2) @ np.roll(states, -1, axis=-3))
    same = overlap.argmax(-1)
    ahead = np.take_along_axis(np.roll(levels, -1, axis=-2), same, axis=-1)
    side_ahead = np.take_along_axis(np.roll(side, -1, axis=-2), same, axis=-1)
    up = (levels < level) & (ahead >= level)
    down = (levels >= level) & (ahead < level)
    nearer = np.abs(levels - level) <= np.abs(ahead - level)
    upper = np.where(nearer, side, side_ahead) > 0.0
    sign = up.astype(np.int64) - down.astype(np.int64)
    own = (-2, -1)
    return np.stack(
        [np.where(~upper, sign, 0).sum(own), np.where(upper, sign, 0).sum(own)], axis=-1
    )
