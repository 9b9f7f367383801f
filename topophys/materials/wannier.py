"""Real Hamiltonians: a folder of Wannier90 files, and what their bands say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys import _checks
from topophys.errors import DatasetError, InputError, TopophysError
from topophys.grids import k_grid
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.wannier90 import read_wannier90
from topophys.materials.toy_features import DOS_BINS, DOS_RANGE

__all__ = ["band_summary", "read_hr_folder"]

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
        not say it, and guessing half of the bands would make up a Fermi level.

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
    filled = _checks.occupied(H.n_occupied, H.n_bands)
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
