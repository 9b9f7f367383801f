"""Hamiltonians of real materials in the formats of Wannier90, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._io import begins_with, complete_file
from topophys.errors import FillingError, HermiticityError, InputError, KindError, SchemaError
from topophys.hamiltonians._packed_text import Member, open_lines
from topophys.hamiltonians._wannier90_beside import (
    beside,
    mesh_of,
    read_centres,
    read_lattice,
    with_images,
)
from topophys.hamiltonians._wannier90_format import Content, parse
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.kernels.lapack import eigenvalues

__all__ = ["WannierHamiltonian", "read_wannier90", "write_wannier90_hr"]


# ----------------------------------------------------- Hamiltonians in a basis of Wannier functions

W = TypeVar("W", bound="WannierHamiltonian")


class WannierHamiltonian(FourierHamiltonian):
    r"""Hamiltonian in a basis of Wannier functions, with the lattice it lives on.

    Shapes: `hoppings` (n, n), `lattice` (3, 3), `positions` (n, dim).

    Attributes
    ----------
    lattice : float64 ndarray of shape (3, 3) or None
        Primitive vectors as rows, in Angstrom.
    directions : tuple of int
        Lattice directions of the components of R and k.
    positions : float64 ndarray of shape (n, dim) or None
        Centres of the Wannier functions, in units of the primitive vectors.
    notes : tuple of str
        What the reader of results should know about the file.
    averaged : float
        Largest difference of a hopping and its conjugate partner, in eV, that was averaged out.
    unit : str
        Unit of energies, "eV" of files of Wannier90; "" where nothing says it.

    References
    ----------
    .. [1] N. Marzari, A. A. Mostofi, J. R. Yates, I. Souza, D. Vanderbilt, Rev. Mod. Phys. 84,
       1419 (2012).

    Examples
    --------
    >>> h = WannierHamiltonian({(0,): [[0.0, 1.0], [1.0, 0.0]]}, lattice=np.eye(3))
    >>> h.directions, h.lattice.shape
    ((0,), (3, 3))
    >>> h
    WannierHamiltonian: 1D, 2 bands (filling not given), 1 lattice vectors
    """

    notes: tuple[str, ...] = ()
    averaged: float = 0.0
    unit: str = ""

    def __init__(
        self,
        hoppings: Mapping[Any, ArrayLike],
        *,
        n_occupied: int | None = None,
        hermitian: Literal["check", "average"] = "check",
        lattice: ArrayLike | None = None,
        directions: tuple[int, ...] | None = None,
        positions: ArrayLike | None = None,
    ) -> None:
        super().__init__(hoppings, n_occupied=n_occupied, hermitian=hermitian)
        self.lattice = (
            None if lattice is None else _validation.as_real(lattice, "lattice", "(..., 3, 3)")
        )
        self.directions = tuple(range(self.dim)) if directions is None else directions
        if len(self.directions) != self.dim:
            raise InputError(
                f"Argument `directions` must name {self.dim} directions, but is {self.directions}."
            )
        self._place(None, positions)
        self._filled = n_occupied is not None or self.n_bands == 1

    @property
    def n_occupied(self) -> int:
        """Number of occupied bands; an error where it was not given."""
        if not self._filled:
            raise FillingError(
                f"Argument `n_occupied` must be given, because nothing says how many of the"
                f" {self.n_bands} bands of this material are occupied: to this function, or to"
                " read_wannier90 (there also as `fermi_energy` or `n_electrons`), or as -n on the"
                " command line."
            )
        return super().n_occupied

    def _place(self, lattice: ArrayLike | None, positions: ArrayLike | None) -> None:
        super()._place(None, positions)
        if lattice is not None:
            self.lattice = _validation.as_real(lattice, "lattice", "(..., 3, 3)")

    def _blank(self: W) -> W:
        fresh = super()._blank()
        fresh.lattice, fresh.directions = self.lattice, self.directions
        fresh.positions, fresh._filled = self.positions, self._filled
        fresh.notes, fresh.averaged = self.notes, self.averaged
        return fresh


# --------------------------------------- Hamiltonians of real materials from the files of Wannier90

#: Hoppings of R and -R are rounded each on its own; more than this many last digits is no rounding.
TOLERANCE: Final = 2.0
#: Volume in cubic Angstrom of a lattice that is none.
SMALLEST_CELL: Final = 1e-12
#: Share by which the inverse degeneracies may add up to another number than one of k points.
WHOLE: Final = 1e-9
#: First line of files that `write_wannier90_hr` makes: their hoppings are where they belong.
WRITTEN: Final = "written by topophys"


def read_wannier90(
    path: str | Path,
    *,
    n_occupied: int | None = None,
    fermi_energy: float | None = None,
    n_electrons: int | None = None,
    spin_degenerate: bool | None = None,
    dim: int | None = None,
    wsvec: str | Path | None = "auto",
    hermitian: Literal["check", "average"] = "check",
    missing: Literal["refuse", "zero"] = "refuse",
    max_memory: int = 4 * 2**30,
) -> WannierHamiltonian:
    r"""Read the hoppings that Wannier90 writes to ``seedname_hr.dat`` or ``seedname_tb.dat``.

    .. math:: H_{mn}(k) = \sum_R \frac{1}{w_R} \langle m 0 | H | n R \rangle \, e^{i k \cdot R}

    with the degeneracies :math:`w_R` of the file divided out. Positions of the Wannier functions
    do not enter the phases; where a file has them, they are kept in `positions`.

    The file may be plain, packed (``.gz``, ``.xz``, ``.bz2``), or the only one of its kind in a
    gzipped archive (``.tar.gz``), which is never unpacked to disk. Its lines may come in any order,
    and it may be a sparse file of WannierTools. Before anything is allocated, the counts in its
    header are compared with its length (of a packed one, with the longest text of that size) and
    with `max_memory`, at 128 bytes for each hopping; the text itself is read piecewise.

    Where ``seedname_wsvec.dat``, ``seedname_centres.xyz`` and ``seedname.win`` lie beside it, or
    with it in an archive, the images of the Wannier functions, their centres and the lattice are
    read from them.

    Materials with fewer than three periodic directions are stored with zeros: a direction along
    which no lattice vector has a component is left out, unless `dim` says otherwise.

    Parameters
    ----------
    path : str or Path
        The file.
    n_occupied : int, optional
        Number of occupied bands. Without any of the three, the file is read, and questions that
        depend on it must name it: half filling is not assumed.
    fermi_energy : float, optional
        In place of `n_occupied`: an energy in eV. The same number of bands must lie below it at
        all momenta of a grid, or the material is a metal and has no such number.
    n_electrons : int, optional
        In place of `n_occupied`: number of electrons in the Wannier functions; needs
        `spin_degenerate`.
    spin_degenerate : bool, optional
        Whether each band stands for both spins and holds two electrons.
    dim : int, optional
        Number of directions to keep, first those with hoppings, then the lowest; by default those
        with hoppings, at least one.
    wsvec : path-like, "auto" or None, optional
        The ``_wsvec.dat``; "auto" takes ``seedname_wsvec.dat`` where it lies beside the file. None
        says that there is none to be had: the hoppings stay where the file has them.
    hermitian : {"check", "average"}, optional
        Refuse hoppings of R and -R that differ by more than rounding, or take their mean; the
        largest difference is kept in `averaged` either way.
    missing : {"refuse", "zero"}, optional
        A dense ``_hr.dat`` has a line for each hopping. Refuse a file with fewer, which may be cut
        short, or take as zero what it does not give; the result says how many those are.
    max_memory : int, optional
        Largest number of bytes to use.

    Returns
    -------
    WannierHamiltonian
        In eV, with `lattice` in Angstrom, None where it is not known.

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
        If `n_occupied` or `dim` does not fit the file, the filling is given twice or is that of a
        metal, or `max_memory` is too small.

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
    ...     h = tp.read_wannier90(file, n_occupied=1)
    >>> h, int(tp.certify_chern(h))
    (WannierHamiltonian: 2D, 2 bands (1 occupied), 5 lattice vectors, 1)
    """
    limit = _validation.positive_int(max_memory, "max_memory")
    _validation.one_of(hermitian, "hermitian", ("check", "average"))
    _validation.one_of(missing, "missing", ("refuse", "zero"))
    filled = filling(n_occupied, fermi_energy, n_electrons, spin_degenerate)
    with open_lines(path) as lines:
        content = parse(lines, limit, zeros=missing == "zero")
        name = lines.name
    _require_partners(content, name)
    images = _beside(Path(path), wsvec)
    averaged = _difference(content, name, strict=hermitian == "check")
    notes = [] if images else _doubts(content, wsvec)
    points = float((1.0 / content.weights).sum())
    if abs(points - round(points)) > WHOLE * points:
        notes.append(
            f"the degeneracies of the file count {points:.6g} k points, which is no whole number:"
            " one of them is wrong, or lattice vectors were left out"
        )
    if content.left_out:
        notes.append(f"{content.left_out} hoppings are not in the file, and were taken to be zero")
    if images:
        content = with_images(content, images, limit)
        _require_partners(content, str(images))
        # what is shared out differs by as much as what was read
        _difference(content, str(images), strict=hermitian == "check")
    if averaged > 0.0 and hermitian == "average":
        notes.append(f"hoppings of R and -R differ by up to {averaged:.3g} eV, and were averaged")
    directions = _directions(content.vectors, dim, name)
    keys = map(tuple, content.vectors[:, directions].tolist())
    lattice, positions = _geometry(content, Path(path))
    h = WannierHamiltonian(
        dict(zip(keys, content.matrices, strict=True)),
        n_occupied=filled,
        hermitian="average",
        lattice=lattice,
        directions=directions,
        positions=None if positions is None else positions[:, directions],
    )
    h.notes, h.averaged, h.unit = tuple(notes), averaged, "eV"
    if fermi_energy is not None:
        fill_below(h, fermi_energy)
    return h


def filling(
    n_occupied: int | None,
    fermi_energy: float | None,
    n_electrons: int | None,
    spin_degenerate: bool | None,
) -> int | None:
    """Take the number of occupied bands, given in one of three ways; None of a Fermi energy."""
    given = [n_occupied is not None, fermi_energy is not None, n_electrons is not None]
    if sum(given) > 1:
        raise InputError(
            "Arguments `n_occupied`, `fermi_energy` and `n_electrons` must not be given together:"
            " each says which bands are occupied."
        )
    return n_occupied if n_electrons is None else _of_electrons(n_electrons, spin_degenerate)


def _of_electrons(n_electrons: int, spin_degenerate: bool | None) -> int:
    electrons = _validation.positive_int(n_electrons, "n_electrons")
    if not isinstance(spin_degenerate, bool):
        raise InputError(
            "Argument `spin_degenerate` must be True or False with `n_electrons`: whether a band"
            f" holds two electrons, but is {_validation.short(spin_degenerate)}."
        )
    if spin_degenerate and electrons % 2:
        raise InputError(
            "Argument `n_electrons` must be even, because each band holds two electrons, but is"
            f" {electrons}: half a band is no insulator."
        )
    return electrons // 2 if spin_degenerate else electrons


#: Momenta along each direction at which bands below the Fermi energy are counted.
FERMI_GRID: Final = {1: 64, 2: 16, 3: 6}


def fill_below(h: WannierHamiltonian, fermi_energy: float) -> None:
    """Fill the bands below an energy, counted at the momenta of a grid; refuse a metal."""
    energy = float(_validation.as_real(fermi_energy, "fermi_energy", "(...)"))
    grid = (FERMI_GRID[h.dim],) * h.dim
    counts = (eigenvalues(h.on_grid(grid)) < energy).sum(-1)
    low, high = int(counts.min()), int(counts.max())
    unit = f" {h.unit}" if h.unit else ""
    if low != high or not 0 < low < h.n_bands:
        found = f"{low}" if low == high else f"{low} to {high}"
        raise InputError(
            f"Argument `fermi_energy` must lie in a gap, with some bands below and some above at"
            f" every momentum, but below {energy:g}{unit} are {found} of {h.n_bands} bands"
            f" ({counts.size} momenta)."
        )
    h._n_occupied, h._filled = low, True
    # between these momenta nothing is proven about the energy, only about the gap
    bands = "1 band lies" if low == 1 else f"{low} bands lie"
    h.notes = (*h.notes, f"{bands} below {energy:g}{unit} at {counts.size} momenta")


def _beside(path: Path, wsvec: str | Path | None) -> Path | Member | None:
    """File with the images of the Wannier functions."""
    if wsvec is None or wsvec == "auto":
        return None if wsvec is None else beside(path, "_wsvec.dat")
    return Path(wsvec)


def _doubts(content: Content, wsvec: str | Path | None) -> list[str]:
    """Say where hoppings may have to be moved to nearest images, and nothing says so."""
    mesh = mesh_of(content)
    own = content.comment == WRITTEN
    alone = not content.vectors.any()
    if wsvec is None or own or (mesh is None and not alone):
        return []
    if mesh is None:
        note = (
            "the only lattice vector is 0: bands are flat; if the file was made at one k point with"
            " use_ws_distance (the default of Wannier90), give `wsvec`, or None if there is none"
        )
        return [note]
    if content.matrices.shape[-1] == 1:
        return []
    note = (
        f"no _wsvec.dat was read: the lattice vectors are those of a {'x'.join(map(str, mesh))}"
        " mesh of k points, and if the file was made with use_ws_distance (the default of"
        " Wannier90), its bands are right at these only; give `wsvec`, or None if there is none"
    )
    return [note]


def _geometry(
    content: Content, path: Path
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Lattice and reduced positions, from the file itself or from those beside it."""
    lattice, centres = content.lattice, content.centres
    if lattice is None and (win := beside(path, ".win")) is not None:
        lattice = read_lattice(win)
    if centres is None and (xyz := beside(path, "_centres.xyz")) is not None:
        centres = read_centres(xyz, content.matrices.shape[-1])
    if lattice is None or centres is None or abs(np.linalg.det(lattice)) < SMALLEST_CELL:
        return lattice, None
    return lattice, centres @ np.linalg.inv(lattice)


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


def _partners(content: Content) -> list[int | None]:
    rows = {tuple(r): m for m, r in enumerate(content.vectors.tolist())}
    return [rows.get(tuple(-x for x in r)) for r in rows]


def _require_partners(content: Content, name: str) -> None:
    partners = _partners(content)
    if len(partners) < len(content.vectors):
        raise SchemaError(f"File `{name}` must have distinct lattice vectors, but repeats one.")
    if None in partners:
        alone = tuple(content.vectors[partners.index(None)].tolist())
        raise HermiticityError(
            f"File `{name}` must have -R with every lattice vector R, but lacks that of {alone}."
        )


def _difference(content: Content, name: str, *, strict: bool) -> float:
    """Largest difference of a hopping and its partner, in eV; refused where it is no rounding."""
    largest = 0.0
    for m, partner in enumerate(_partners(content)):
        if partner is None or partner < m:
            continue
        difference = content.matrices[m] - content.matrices[partner].conj().T
        largest = max(largest, float(np.abs(difference).max()))
        # as the file has it, before the division by the degeneracy
        off = float(np.abs(difference).max() * content.weights[m])
        if strict and off > TOLERANCE * content.unit:
            raise HermiticityError(
                f"File `{name}` must satisfy H(-R) = H(R)^dagger to its last digit"
                f" ({content.unit:.0e} eV), but violates it by {off:.3g} eV at R ="
                f" {tuple(content.vectors[m].tolist())}; hermitian='average' takes the mean."
            )
    return largest


# -------------------------------------------------------------- Hoppings in the format of Wannier90


def write_wannier90_hr(
    H: FourierHamiltonian, path: str | Path, *, comment: str = WRITTEN, force: bool = False
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
    force : bool, optional
        Replace a file that this function did not write, such as that of a calculation. By default
        only files that begin with `comment`, or as usual, are replaced.

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
        If the file cannot be written, or another one has its name.

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

    def ours(file: Path) -> bool:
        return begins_with(WRITTEN, whole=False)(file) or bool(
            comment.strip() and begins_with(comment.rstrip())(file)
        )

    with (
        complete_file(path, ours=ours, force=force) as partial,
        partial.open("w", encoding="utf-8") as stream,
    ):
        stream.write("\n".join([comment, str(n), str(n_r), *ones]) + "\n")
        np.savetxt(stream, rows.reshape(-1, 7), fmt="%5d" * 5 + "%25.16e" * 2)
    return Path(path)
