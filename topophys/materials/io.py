"""Structures from POSCAR, CIF and JARVIS files, Hamiltonians from folders of Wannier90 files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import _validation
from topophys._io import DAMAGE, most_unpacked, parse_json, read_json, read_text
from topophys._optional import load_extra, quiet
from topophys.errors import DatasetError, InputError, TopophysError
from topophys.grids import k_grid
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.wannier90 import read_wannier90
from topophys.materials.crystal import Crystal
from topophys.materials.elements import atomic_number
from topophys.materials.synthetic.features import DOS_BINS, DOS_RANGE

__all__ = [
    "band_summary",
    "read_aflow_prototypes",
    "read_hr_folder",
    "read_jarvis",
    "read_structure",
]


# ---- Structures

#: Bytes that a file of JARVIS may have; the largest has some hundred million.
LARGEST_JSON: Final = 4 * 2**30


def read_structure(path: str | Path) -> Crystal:
    """Read a crystal structure from a CIF or POSCAR file.

    Parameters
    ----------
    path : str or Path
        Name ends in `.cif`, or is a POSCAR (`POSCAR`, `CONTCAR`, `.vasp`, `.poscar`).

    Returns
    -------
    Crystal
        Its primitive cell is not sought: features do not depend on the cell.

    Raises
    ------
    DatasetError
        If the file is missing.
    InputError
        If it is not such a file, has no atoms, partly occupied sites, unknown elements, or
        overlapping atoms; one line with the name of the file.
    """
    path = Path(path)
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DatasetError(f"Structure file `{path}` cannot be read: {reason}.") from None
    return parse_structure(text, path.name, cif=path.suffix.lower() == ".cif")


def parse_structure(text: str, sample_id: str, *, cif: bool) -> Crystal:
    """Make a crystal from the text of a CIF or POSCAR file."""
    module = load_extra("pymatgen.io.cif" if cif else "pymatgen.io.vasp", "materials")
    kind = "CIF" if cif else "POSCAR"
    if not cif:
        _refuse_crowds(text, sample_id)
    try:
        with quiet():
            if cif:
                found = module.CifParser.from_str(text).parse_structures(primitive=False)[0]
            else:
                found = module.Poscar.from_str(text).structure
    except Exception as error:  # pymatgen raises whatever its parsers meet
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"Sample `{sample_id}`: must be a {kind} file, but cannot be parsed: {reason}."
        ) from None
    return from_pymatgen(found, sample_id)


def _refuse_crowds(text: str, sample_id: str) -> None:
    """Refuse a POSCAR that promises more atoms than it has lines; memory is taken for them."""
    lines = text.splitlines()
    for line in lines[5:7]:
        words = line.split()
        if words and all(word.isdecimal() for word in words):
            promised = sum(int(word[:19]) for word in words)
            if promised > len(lines):
                raise InputError(
                    f"Sample `{sample_id}`: must have a line for each of its {promised} atoms, but"
                    f" has {len(lines)} lines."
                )


def from_pymatgen(structure: Any, sample_id: str) -> Crystal:
    """Check and convert a structure of pymatgen."""
    if not structure.is_ordered:
        raise InputError(
            f"Sample `{sample_id}`: every site must have one element, but some are partly occupied."
        )
    try:
        numbers = [_number(site.specie.symbol) for site in structure]
    except InputError as error:
        raise InputError(f"Sample `{sample_id}`: {error}") from None
    return Crystal.checked(
        np.array(numbers, np.int64), structure.frac_coords, structure.lattice.matrix, sample_id
    )


def _number(symbol: str) -> int:
    return 1 if symbol in {"D", "T"} else atomic_number(symbol)  # isotopes of hydrogen


def read_jarvis(path: str | Path) -> dict[str, Crystal]:
    """Read the structures of a JSON file of JARVIS, plain or zipped.

    Parameters
    ----------
    path : str or Path
        A mapping of ids to POSCAR text, or of splits to such mappings; or a list of entries with
        "jid" and "atoms".

    Returns
    -------
    dict of str to Crystal
        By id.

    Raises
    ------
    DatasetError
        If the file is missing or not of that form.
    InputError
        If a structure is wrong; the message names its id.

    References
    ----------
    .. [1] K. Choudhary et al., npj Comput. Mater. 6, 173 (2020).
    """
    path = Path(path)
    try:
        if path.suffix == ".zip":
            content = parse_json(_unzipped(path))
        else:
            content = read_json(path, most=LARGEST_JSON)
    except (*DAMAGE, ValueError) as error:
        raise DatasetError(f"Structures `{path}` cannot be read: {error}.") from None
    texts: dict[str, Any] = {}
    if isinstance(content, list):
        entries = [one if isinstance(one, Mapping) else {} for one in content]
        texts = {str(one.get("jid", i)): one.get("atoms") for i, one in enumerate(entries)}
    elif isinstance(content, Mapping):
        for key, value in content.items():
            texts |= value if isinstance(value, Mapping) else {key: value}
    else:
        raise DatasetError(f"Structures `{path}` must be a mapping or a list, but are neither.")
    return {name: _jarvis_entry(value, name) for name, value in texts.items()}


def _unzipped(path: Path) -> bytes:
    """First member of an archive that unpacks to a sensible size."""
    most = most_unpacked(path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if not members or members[0].file_size > most:
            raise ValueError(f"it is empty, or unpacks to more than {most} bytes")
        return archive.read(members[0])


def _jarvis_entry(value: Any, name: str) -> Crystal:
    if isinstance(value, str):
        return parse_structure(value.replace("\\n", "\n"), name, cif=False)
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
        return parse_structure(value[0].replace("\\n", "\n"), name, cif=False)
    if isinstance(value, Mapping) and {"lattice_mat", "coords", "elements"} <= set(value):
        return _jarvis_atoms(value, name)
    raise InputError(f"Sample `{name}`: must be POSCAR text or atoms of JARVIS, but is neither.")


def _jarvis_atoms(value: Mapping[str, Any], name: str) -> Crystal:
    try:
        numbers = [atomic_number(str(symbol).strip()) for symbol in value["elements"]]
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


def read_hr_folder(
    folder: str | Path, n_occupied: Mapping[str, int]
) -> dict[str, FourierHamiltonian]:
    """Read every `_hr.dat` file of a folder.

    Parameters
    ----------
    folder : str or Path
        The folder.
    n_occupied : mapping of str to int
        Number of occupied bands of each material, by the file's name without `_hr.dat`. Files do
        not contain it, and assuming half filling would invent a Fermi level.

    Returns
    -------
    dict of str to FourierHamiltonian
        By that name.

    Raises
    ------
    DatasetError
        If there is no such file.
    InputError
        If a file cannot be read or its number of occupied bands is missing or impossible; the
        message names it.

    References
    ----------
    .. [1] G. Pizzi et al., J. Phys.: Condens. Matter 32, 165902 (2020).
    """
    files = sorted(Path(folder).glob("*_hr.dat"))
    if not files:
        raise DatasetError(f"Folder `{folder}` must hold files `NAME_hr.dat`, but has none.")
    found: dict[str, FourierHamiltonian] = {}
    for file in files:
        name = file.name.removesuffix("_hr.dat")
        if name not in n_occupied:
            raise InputError(
                f"Sample `{name}`: argument `n_occupied` must give its number of occupied bands,"
                f" but has only {', '.join(sorted(n_occupied)) or 'none'}."
            )
        try:
            h = read_wannier90(file)
            found[name] = FourierHamiltonian(h.hoppings, n_occupied=n_occupied[name])
        except TopophysError as error:
            raise InputError(f"Sample `{name}`: {error}") from None
    return found


def band_summary(H: FourierHamiltonian) -> dict[str, NDArray[np.float32]]:
    """Gap, density of states and Fermi features on a uniform grid of the zone.

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
