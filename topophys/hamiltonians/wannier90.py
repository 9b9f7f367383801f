"""Hamiltonians of real materials in the formats of Wannier90, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._io import complete_file
from topophys.errors import HermiticityError, InputError, KindError, SchemaError
from topophys.hamiltonians._wannier90_format import Content, open_lines, parse
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["WannierHamiltonian", "read_wannier90", "write_wannier90_hr"]


# ----------------------------------------------------- Hamiltonians in a basis of Wannier functions

W = TypeVar("W", bound="WannierHamiltonian")


class WannierHamiltonian(FourierHamiltonian):
    r"""Hamiltonian in a basis of Wannier functions, with the lattice it lives on.

    Parameters
    ----------
    hoppings : mapping of tuple of int to array-like of shape (n, n)
        Hopping matrix of each lattice vector, in eV.
    n_occupied : int, optional
        Number of occupied bands; half of the bands where not given.
    hermitian : {"check", "average"}, optional
        As for `FourierHamiltonian`.
    lattice : array-like of shape (3, 3), optional
        Primitive vectors as rows, in Angstrom.
    directions : tuple of int, optional
        Which of the three lattice directions the components of R and k belong to.

    Attributes
    ----------
    lattice : float64 ndarray of shape (3, 3) or None
        Primitive vectors as rows, in Angstrom.
    directions : tuple of int
        Lattice directions of the components of R and k.

    Raises
    ------
    ShapeError, InputError, HermiticityError
        As `FourierHamiltonian`.

    References
    ----------
    .. [1] N. Marzari, A. A. Mostofi, J. R. Yates, I. Souza, D. Vanderbilt, Rev. Mod. Phys. 84,
       1419 (2012).

    Examples
    --------
    >>> h = WannierHamiltonian({(0,): [[0.0, 1.0], [1.0, 0.0]]}, lattice=np.eye(3))
    >>> h.directions, h.lattice.shape
    ((0,), (3, 3))
    """

    def __init__(
        self,
        hoppings: Mapping[Any, ArrayLike],
        *,
        n_occupied: int | None = None,
        hermitian: Literal["check", "average"] = "check",
        lattice: ArrayLike | None = None,
        directions: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(hoppings, n_occupied=n_occupied, hermitian=hermitian)
        self.lattice: Float[np.ndarray, "3 3"] | None = (
            None if lattice is None else _validation.as_real(lattice, "lattice", "(..., 3, 3)")
        )
        self.directions = tuple(range(self.dim)) if directions is None else directions
        if len(self.directions) != self.dim:
            raise InputError(
                f"Argument `directions` must name {self.dim} directions, but is {self.directions}."
            )

    def _blank(self: W) -> W:
        fresh = super()._blank()
        fresh.lattice, fresh.directions = self.lattice, self.directions
        return fresh


# --------------------------------------- Hamiltonians of real materials from the files of Wannier90

#: Hoppings of R and -R are rounded each on its own; more than this many last digits is no rounding.
TOLERANCE: Final = 2.0


def read_wannier90(
    path: str | Path,
    *,
    n_occupied: int | None = None,
    dim: int | None = None,
    max_memory: int = 4 * 2**30,
) -> WannierHamiltonian:
    r"""Read the hoppings that Wannier90 writes to ``seedname_hr.dat`` or ``seedname_tb.dat``.

    .. math:: H_{mn}(k) = \sum_R \frac{1}{w_R} \langle m 0 | H | n R \rangle \, e^{i k \cdot R}

    with the degeneracies :math:`w_R` of the file divided out. Positions of the Wannier functions
    do not enter the phases; those of a ``_tb.dat`` are checked and not kept.

    The file may be plain, gzipped (``.gz``), or the only one of its kind in a gzipped archive
    (``.tar.gz``), which is never unpacked to disk. Before anything is allocated, the counts in its
    header are compared with its length (for ``.gz``, with the longest text of that compressed
    size) and with `max_memory`, at 128 bytes for each hopping; the text itself is read piecewise.

    Materials with fewer than three periodic directions are stored with zeros: a direction along
    which no lattice vector has a component is left out, unless `dim` says otherwise.

    Parameters
    ----------
    path : str or Path
        The file.
    n_occupied : int, optional
        Number of occupied bands; half of the bands where not given.
    dim : int, optional
        Number of directions to keep, first those with hoppings, then the lowest; by default those
        with hoppings, at least one.
    max_memory : int, optional
        Largest number of bytes to use.

    Returns
    -------
    WannierHamiltonian
        In eV, with `lattice` in Angstrom for a ``_tb.dat``, else None.

    Raises
    ------
    DatasetError
        If the file is missing, unreadable, truncated or damaged.
    SchemaError
        If it is something else, or does not hold what its header says: wrong counts, numbers that
        are not finite, lattice vectors that are not integers or occur twice.
    HermiticityError
        If the hoppings of R and -R differ by more than two units of the last digit (of the sixth
        decimal, where there are fewer). Smaller differences are averaged out.
    InputError
        If `n_occupied` or `dim` does not fit the file, or `max_memory` is too small for it.

    References
    ----------
    .. [1] G. Pizzi *et al.*, J. Phys.: Condens. Matter 32, 165902 (2020).
    .. [2] A. A. Mostofi *et al.*, Comput. Phys. Comm. 185, 2309 (2014).

    Examples
    --------
    >>> import tempfile
    >>> import topophys as tp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = tp.write_wannier90_hr(tp.models.qwz(-1.0), Path(folder) / "qwz_hr.dat")
    ...     h = tp.read_wannier90(file)
    >>> h, int(tp.certify_chern(h))
    (WannierHamiltonian: 2D, 2 bands (1 occupied), 5 lattice vectors, 1)
    """
    limit = _validation.positive_int(max_memory, "max_memory")
    with open_lines(path) as lines:
        content = parse(lines, limit)
        name = lines.name
    _refuse_unless_hermitian(content, name)
    directions = _directions(content.vectors, dim, name)
    keys = map(tuple, content.vectors[:, directions].tolist())
    return WannierHamiltonian(
        dict(zip(keys, content.matrices, strict=True)),
        n_occupied=n_occupied,
        hermitian="average",
        lattice=content.lattice,
        directions=directions,
    )


def _directions(vectors: NDArray[np.int64], dim: int | None, name: str) -> tuple[int, ...]:
    used = [int(i) for i in np.flatnonzero((vectors != 0).any(0))]
    wanted = max(1, len(used)) if dim is None else _validation.positive_int(dim, "dim")
    if not len(used) <= wanted <= 3:
        raise InputError(
            f"Argument `dim` must be from {max(1, len(used))} to 3 for `{name}`, which has hoppings"
            f" along {len(used)} directions, but is {wanted}."
        )
    others = [i for i in range(3) if i not in used]
    return tuple(sorted(used + others[: wanted - len(used)]))


def _refuse_unless_hermitian(content: Content, name: str) -> None:
    rows = {tuple(r): m for m, r in enumerate(content.vectors.tolist())}
    if len(rows) < len(content.vectors):
        raise SchemaError(f"File `{name}` must have distinct lattice vectors, but repeats one.")
    partners = [rows.get(tuple(-x for x in r)) for r in rows]
    if None in partners:
        alone = list(rows)[partners.index(None)]
        raise HermiticityError(
            f"File `{name}` must have -R with every lattice vector R, but lacks that of {alone}."
        )
    for m, partner in enumerate(partners):
        if partner is None or partner < m:
            continue
        difference = content.matrices[m] - content.matrices[partner].conj().T
        # as the file has it, before the division by the degeneracy
        off = float(np.abs(difference).max() * content.weights[m])
        if off > TOLERANCE * content.unit:
            raise HermiticityError(
                f"File `{name}` must satisfy H(-R) = H(R)^dagger to its last digit"
                f" ({content.unit:.0e} eV), but violates it by {off:.3g} eV at R ="
                f" {tuple(content.vectors[m].tolist())}."
            )


# -------------------------------------------------------------- Hoppings in the format of Wannier90


def write_wannier90_hr(
    H: FourierHamiltonian, path: str | Path, *, comment: str = "written by topophys"
) -> Path:
    """Write the hoppings of a Hamiltonian as a ``_hr.dat`` of Wannier90.

    All degeneracies are 1, missing components of R are 0, and numbers have 17 digits, so that
    `read_wannier90` gives back the same Hamiltonian bit by bit. The file appears when it is
    complete.

    Parameters
    ----------
    H : FourierHamiltonian
        A single Hamiltonian in one, two or three dimensions.
    path : str or Path
        Where to write.
    comment : str, optional
        First line of the file.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    KindError
        If `H` is a batch, is not in Fourier form, or has more than three dimensions.
    InputError
        If the comment has more than one line.
    OutputError
        If the file cannot be written.

    References
    ----------
    .. [1] G. Pizzi *et al.*, J. Phys.: Condens. Matter 32, 165902 (2020).

    Examples
    --------
    >>> import tempfile
    >>> import topophys as tp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = tp.write_wannier90_hr(tp.models.qwz(-1.0), Path(folder) / "qwz_hr.dat")
    ...     file.read_text().splitlines()[1:4]
    ['2', '5', '    1    1    1    1    1']
    """
    wrong_kind = not isinstance(H, FourierHamiltonian)
    if wrong_kind or H.batch_shape or H.dim > 3:
        raise KindError(
            "Argument `H` must be a single Hamiltonian in Fourier form in one to three dimensions,"
            f" but is {_validation.short(H)}."
        )
    if len(comment.splitlines()) > 1 or len(comment) > 1000:
        raise InputError("Argument `comment` must be one line of at most 1000 characters.")
    n, n_r = H.n_bands, len(H.vectors)
    vectors = np.zeros((n_r, 3), np.int64)
    vectors[:, getattr(H, "directions", range(H.dim))] = H.vectors
    rows = np.empty((n_r, n, n, 7))  # in the order of Wannier90: the first orbital runs fastest
    rows[..., :3] = vectors[:, None, None]
    rows[..., 3] = np.arange(1, n + 1)
    rows[..., 4] = np.arange(1, n + 1)[:, None]
    transposed = np.swapaxes(H.amplitudes, -1, -2)
    rows[..., 5], rows[..., 6] = transposed.real, transposed.imag
    ones = ["    1" * min(15, n_r - done) for done in range(0, n_r, 15)]
    with complete_file(path) as partial, partial.open("w", encoding="utf-8") as stream:
        stream.write("\n".join([comment, str(n), str(n_r), *ones]) + "\n")
        np.savetxt(stream, rows.reshape(-1, 7), fmt="%5d" * 5 + "%25.16e" * 2)
    return Path(path)
