"""Structures from POSCAR, CIF and JARVIS files, Hamiltonians from folders of Wannier90 files."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from topophys import _validation
from topophys._io import DAMAGE, most_unpacked, open_regular, parse_json, read_json, read_text
from topophys._optional import load_extra, quiet
from topophys.errors import DatasetError, InputError, MissingPackageError, TopophysError
from topophys.grids import k_grid
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.wannier90 import read_wannier90
from topophys.materials._cif import Occupancy, from_pymatgen, parse_cif
from topophys.materials._poscar import parse_poscar
from topophys.materials.crystal import Crystal
from topophys.materials.elements import hydrogen_or_number
from topophys.materials.synthetic.features import DOS_BINS, DOS_RANGE

__all__ = [
    "Batch",
    "band_summary",
    "read_aflow_prototypes",
    "read_hr_folder",
    "read_jarvis",
    "read_structure",
]


T = TypeVar("T")

# ---- Structures

#: Bytes that a file of JARVIS may have; the largest has some hundred million.
LARGEST_JSON: Final = 4 * 2**30


def read_structure(
    path: str | Path,
    *,
    species: Sequence[str] | str | None = None,
    occupancy: Occupancy = "refuse",
) -> Crystal:
    r"""Read a crystal structure from a CIF or POSCAR file.

    Nothing about the structure is guessed. Where the file leaves a choice that one of these rules
    or an argument decides, the crystal says so in `notes`.

    * POSCAR: of VASP 4, 5 and 6, with one or three scale factors. A file without a line of
      elements (VASP 4) must have them at the ends of the positions, or in a comment that fits the
      numbers of atoms, or as `species`.
    * CIF: pymatgen parses it; what it warns of refuses the file, unless it cannot change the
      structure. The sites must have the ratios of `_chemical_formula_sum`.

    Parameters
    ----------
    path : str or Path
        A CIF file, by its name or content, or a POSCAR (`POSCAR`, `CONTCAR`, `.vasp`, ...).
    species : sequence of str, optional
        Element of each species of a POSCAR of VASP 4.
    occupancy : {"refuse", "majority"}, optional
        Partly occupied sites of a CIF: refuse them, or put the most frequent element on each, and
        nothing where most are empty.

    Returns
    -------
    Crystal
        In the cell of the file: features do not depend on the cell.

    Raises
    ------
    DatasetError
        If the file is missing.
    InputError
        If it is not such a file, has no atoms, partly occupied sites, unknown elements, or
        overlapping atoms; one line with the name of the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "POSCAR"
    ...     cell = "0 2.8 2.8\n2.8 0 2.8\n2.8 2.8 0"
    ...     _ = file.write_text(f"NaCl\n1\n{cell}\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5")
    ...     crystal = read_structure(file)
    >>> crystal, crystal.numbers, crystal.notes
    (Crystal(POSCAR: 2 atoms), array([11, 17]), ("elements Na Cl from the comment 'NaCl'",))
    """
    path = Path(path)
    _validation.one_of(occupancy, "occupancy", ("refuse", "majority"))
    try:
        text = read_text(path, encoding="latin-1")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DatasetError(f"Structure file `{path}` cannot be read: {reason}.") from None
    if not text.strip():
        raise InputError(f"Structure file `{path}` is empty; copy it again.")
    if path.suffix.lower() == ".cif" or re.search(r"^\s*_cell_length_a\b", text, re.MULTILINE):
        if species is not None:
            raise InputError(
                f"Argument `species` must be left out for the CIF `{path}`, which has its own."
            )
        return parse_cif(text, path.name, occupancy=occupancy)
    return parse_poscar(text, path.name, species)


class Batch(dict[str, T], Generic[T]):
    """Entries that were read, by name, and the reasons why others failed.

    Attributes
    ----------
    failed : dict of str to str
        Name and reason of every entry that was left out.
    repeated : tuple of str
        Names that occur more than once with the same content.

    Examples
    --------
    >>> batch = Batch({"a": 1}, failed={"b": "is no POSCAR"})
    >>> batch
    1 read, 1 left out (b: is no POSCAR)
    """

    def __init__(
        self,
        content: Mapping[str, T],
        *,
        failed: Mapping[str, str] = MappingProxyType({}),
        repeated: tuple[str, ...] = (),
    ) -> None:
        super().__init__(content)
        self.failed, self.repeated = dict(failed), repeated

    def __repr__(self) -> str:
        note = f"{len(self)} read"
        if self.repeated:
            note += f", {len(self.repeated)} repeated ({_first(self.repeated)})"
        if self.failed:
            reasons = [f"{name}: {why:.160}" for name, why in self.failed.items()]
            note += f", {len(self.failed)} left out ({_first(reasons, '; ')})"
        return note


def _first(names: Sequence[str], between: str = ", ") -> str:
    return between.join(names[:3]) + (between + "..." if len(names) > 3 else "")


def read_jarvis(path: str | Path) -> Batch[Crystal]:
    """Read the structures of a JSON file of JARVIS, plain or zipped.

    Wrong entries are left out, each with its reason in `failed`. So are ids that occur more than
    once with different structures.

    Parameters
    ----------
    path : str or Path
        A mapping of ids to POSCAR text, or of splits to such mappings; or a list of entries with
        "jid" and "atoms".

    Returns
    -------
    Batch of Crystal
        By id.

    Raises
    ------
    DatasetError
        If the file is missing or not of that form.
    InputError
        If no structure is right; the message names the first one.

    References
    ----------
    .. [1] K. Choudhary et al., npj Comput. Mater. 6, 173 (2020).
    """
    path = Path(path)
    try:
        if path.suffix == ".zip":
            content = parse_json(_unzipped(path), pairs=_every_pair)
        else:
            content = read_json(path, most=LARGEST_JSON, pairs=_every_pair)
    except (*DAMAGE, ValueError) as error:
        raise DatasetError(f"Structures `{path}` cannot be read: {error}.") from None
    entries: list[tuple[str, Any]] = []
    if isinstance(content, list):
        for i, one in enumerate(content):
            given = dict(one) if isinstance(one, _Pairs) else {}
            entries.append((str(given.get("jid", i)), given.get("atoms")))
    elif isinstance(content, _Pairs):
        for key, value in content:
            atoms = isinstance(value, _Pairs) and not set(dict(value)) >= ATOMS
            entries += [*value] if atoms else [(key, value)]
    else:
        raise DatasetError(f"Structures `{path}` must be a mapping or a list, but are neither.")
    values: dict[str, list[Any]] = {}
    for name, value in entries:
        values.setdefault(name, []).append(value)
    found, failed = dict[str, Crystal](), dict[str, str]()
    for name, same in values.items():
        try:
            found[name] = _jarvis_entry(_only(same, name), name)
        except MissingPackageError:
            raise
        except InputError as error:
            failed[name] = str(error)
    repeated = tuple(name for name, same in values.items() if len(same) > 1 and name in found)
    return _batch(found, failed, repeated)


def _only(same: list[Any], name: str) -> Any:
    if any(one != same[0] for one in same):
        raise InputError(
            f"Sample `{name}`: an id must stand for one structure, but has {len(same)} different"
            " ones."
        )
    return same[0]


ATOMS: Final = {"lattice_mat", "coords", "elements"}


class _Pairs(tuple[tuple[str, Any], ...]):
    """Pairs of a JSON object; a name may occur twice."""


def _every_pair(pairs: list[tuple[str, Any]]) -> _Pairs:
    return _Pairs(pairs)


def _batch(found: dict[str, T], failed: dict[str, str], repeated: tuple[str, ...] = ()) -> Batch[T]:
    """Collect entries; an error where there is none."""
    if failed and not found:
        raise InputError(
            f"None of {len(failed)} entries can be read: {next(iter(failed.values()))}"
        )
    return Batch(found, failed=failed, repeated=repeated)


def _unzipped(path: Path) -> bytes:
    """First member of an archive that unpacks to a sensible size."""
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        most = most_unpacked(os.fstat(file.fileno()).st_size)
        members = archive.infolist()
        if not members or members[0].file_size > most:
            raise ValueError(f"it is empty, or unpacks to more than {most} bytes")
        return archive.read(members[0])


def _jarvis_entry(value: Any, name: str) -> Crystal:
    if isinstance(value, str):
        return parse_poscar(value.replace("\\n", "\n"), name)
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
        return parse_poscar(value[0].replace("\\n", "\n"), name)
    if isinstance(value, _Pairs) and set(dict(value)) >= ATOMS:
        return _jarvis_atoms(dict(value), name)
    raise InputError(f"Sample `{name}`: must be POSCAR text or atoms of JARVIS, but is neither.")


def _jarvis_atoms(value: Mapping[str, Any], name: str) -> Crystal:
    try:
        numbers = [hydrogen_or_number(str(symbol).strip()) for symbol in value["elements"]]
        lattice = np.asarray(value["lattice_mat"], np.float64)
        spots = np.asarray(value["coords"], np.float64)
        if value.get("cartesian"):
            spots = spots @ np.linalg.inv(lattice)
    except (ValueError, TypeError, OverflowError, np.linalg.LinAlgError) as error:
        raise InputError(f"Sample `{name}`: {' '.join(str(error).split()):.200}") from None
    return Crystal.checked(np.array(numbers, np.int64), spots, lattice, name)


def read_aflow_prototypes() -> dict[str, Crystal]:
    """Structures of the AFLOW prototypes that pymatgen ships.

    Returns
    -------
    dict of str to Crystal
        By number and formula.

    References
    ----------
    .. [1] M. J. Mehl et al., Comput. Mater. Sci. 136, S1 (2017).
    """
    module = load_extra("pymatgen.analysis.prototypes", "materials")
    with quiet():
        library = module.AFLOW_PROTOTYPE_LIBRARY
    found: dict[str, Crystal] = {}
    for number, entry in enumerate(library):
        structure = entry["snl"].structure
        name = f"AFLOW-{number}-{structure.composition.reduced_formula}"
        found[name] = from_pymatgen(structure, name)
    return found


# ---- Wannier90 folders

#: Points along each direction, by dimension of k space.
POINTS: Final = {1: 256, 2: 24, 3: 10}
#: Width, in units of energy, in which levels count as being at the Fermi level.
NEAR: Final = 0.1


def read_hr_folder(folder: str | Path, n_occupied: Mapping[str, int]) -> Batch[FourierHamiltonian]:
    """Read every `_hr.dat` file of a folder; those that fail are left out and named in `failed`.

    Parameters
    ----------
    folder : str or Path
        The folder.
    n_occupied : mapping of str to int
        Number of occupied bands of each material, by the file's name without `_hr.dat`. Files do
        not contain it, and assuming half filling would invent a Fermi level.

    Returns
    -------
    Batch of FourierHamiltonian
        By that name.

    Raises
    ------
    DatasetError
        If there is no such file.
    InputError
        If no file can be read with its number of occupied bands; the message names the first.

    References
    ----------
    .. [1] G. Pizzi et al., J. Phys.: Condens. Matter 32, 165902 (2020).
    """
    files = sorted(Path(folder).glob("*_hr.dat"))
    if not files:
        raise DatasetError(f"Folder `{folder}` must hold files `NAME_hr.dat`, but has none.")
    found, failed = dict[str, FourierHamiltonian](), dict[str, str]()
    for file in files:
        name = file.name.removesuffix("_hr.dat")
        try:
            if name not in n_occupied:
                raise InputError(
                    "argument `n_occupied` must give its number of occupied bands, but has only"
                    f" {', '.join(sorted(n_occupied)) or 'none'}."
                )
            found[name] = read_wannier90(file, n_occupied=n_occupied[name])
        except TopophysError as error:
            failed[name] = f"Sample `{name}`: {error}"
    return _batch(found, failed)


def band_summary(H: FourierHamiltonian) -> dict[str, NDArray[np.float32]]:
    """Gap, density of states and Fermi features on a uniform grid of the Brillouin zone.

    Parameters
    ----------
    H : FourierHamiltonian
        A single Hamiltonian with its number of occupied bands, in one to three dimensions.

    Returns
    -------
    dict of str to float32 ndarray
        "gap" (2,): smallest direct gap, and global gap, of the grid (upper bounds of the true
        ones); "dos" (32,): states per cell and bin from -4 to 4 about the Fermi level; "fermi"
        (3,): density at the Fermi level, width of the occupied and of the empty bands over 8.

    Raises
    ------
    InputError
        If it is a batch, or has no empty or no occupied band.

    Examples
    --------
    >>> import topophys as tp
    >>> band_summary(tp.models.qwz(-1.0))["gap"].round(3)
    array([2., 2.], dtype=float32)
    """
    filled = _validation.occupied(H.n_occupied, H.n_bands)
    if H.batch_shape or H.dim not in POINTS:
        raise InputError(f"Argument `H` must be a single 1D to 3D Hamiltonian, but is {H!r:.80}.")
    k = k_grid(POINTS[H.dim], dim=H.dim).reshape(-1, H.dim)
    energy = np.linalg.eigvalsh(H.bloch(k))
    top, bottom = energy[:, filled - 1].max(), energy[:, filled].min()
    energy = energy - 0.5 * (top + bottom)
    edges = np.linspace(-DOS_RANGE, DOS_RANGE, DOS_BINS + 1)
    dos = np.histogram(energy, edges)[0] / len(k)
    low, high = energy[:, :filled], energy[:, filled:]
    found = {
        "gap": [float((energy[:, filled] - energy[:, filled - 1]).min()), float(bottom - top)],
        "dos": dos,
        "fermi": [
            float(np.exp(-((energy / NEAR) ** 2)).sum() / len(k)),
            float(np.ptp(low)) / 8.0,
            float(np.ptp(high)) / 8.0,
        ],
    }
    return {name: np.asarray(value, np.float32) for name, value in found.items()}
