"""Files of toy materials as tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys.datasets.materials_file import read_materials
from topophys.errors import InputError, SchemaError
from topophys.grids import k_grid
from topophys.hamiltonians.toy.cells import LAYER_CELLS
from topophys.materials.batch import PHYSICS, MaterialData
from topophys.materials.toy_dataset import toy_crystal

__all__ = ["hamiltonian_grid", "load_toys", "toy_data"]

#: Arrays without which there is no training.
NEEDED: Final = (
    "numbers", "fractional", "lattice", "topology", "magnetism", "kspace", "asph", "n_tokens",
    "scalars", *PHYSICS,
)  # fmt: skip


def load_toys(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a file of toy materials.

    Parameters
    ----------
    path : str or Path
        File that `generate_toys` made.

    Returns
    -------
    dict of str to ndarray, dict
        Arrays and card.

    Raises
    ------
    SchemaError
        If it holds something else, or an array is missing.
    InputError
        If a number is not finite, a class is not in the card, or a structure has no atoms or
        unknown elements; one line that names the sample.
    """
    arrays, card = read_materials(path)
    if card.get("kind") != "toy materials":
        raise SchemaError(f"Materials file `{path}` must hold toy materials, but does not.")
    missing = sorted(set(NEEDED) - set(arrays))
    if missing:
        raise SchemaError(f"Materials file `{path}` must have the array `{missing[0]}`.")
    for name, array in arrays.items():
        flat = array.reshape(len(array), -1)
        _demand(np.isfinite(flat).all(1), f"`{name}` must be finite, but is not")
    for name in ("topology", "magnetism"):
        known, found = len(card[name]), arrays[name]
        good = (found >= 0) & (found < known)
        _demand(good, f"`{name}` must be one of {known} classes of the card, but is not")
    numbers = arrays["numbers"]
    _demand(
        np.asarray((numbers > 0).any(1)), "a structure must have at least one atom, but has none"
    )
    good = np.asarray(((numbers >= 0) & (numbers <= 118)).all(1))
    _demand(good, "atomic numbers must be from 1 to 118, or 0 for no atom, but are not")
    return arrays, card


def _demand(good: NDArray[np.bool_], message: str) -> None:
    bad = np.flatnonzero(~good)
    if len(bad):
        raise InputError(f"Sample `toy-{bad[0]}`: {message} ({len(bad)} of {len(good)} so).")


def hamiltonian_grid(
    arrays: dict[str, NDArray[Any]], rows: NDArray[np.int64], points: int = 12
) -> NDArray[np.float32]:
    """Sample the Hamiltonians of both spins.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Arrays of a file.
    rows : int64 ndarray
        Which materials.
    points : int, optional
        k points along each direction.

    Returns
    -------
    float32 ndarray of shape (S, 2, points, points, 3)
        d-vectors on the grid of `topophys.k_grid`.
    """
    phases = np.exp(1j * (k_grid(points, dim=2) @ LAYER_CELLS.T))
    both = [np.einsum("xym,smi->sxyi", phases, arrays[f"d_{spin}"][rows], optimize=True).real
            for spin in ("up", "down")]  # fmt: skip
    return np.stack(both, axis=1).astype(np.float32)


def toy_data(
    arrays: dict[str, NDArray[Any]],
    rows: NDArray[np.int64],
    *,
    hamiltonians: bool = False,
) -> MaterialData:
    """Load some toy materials as tensors.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Arrays of a file.
    rows : int64 ndarray
        Which materials.
    hamiltonians : bool, optional
        Add the array `d_grid` that a branch of type "exact_2d" reads.

    Returns
    -------
    MaterialData
        With all five modalities.
    """
    extra = {"d_grid": hamiltonian_grid(arrays, rows)} if hamiltonians else {}
    tokens = np.arange(arrays["asph"].shape[1]) < arrays["n_tokens"][rows][:, None]
    return MaterialData(
        ids=[f"toy-{row}" for row in rows.tolist()],
        topology=arrays["topology"][rows],
        magnetism=arrays["magnetism"][rows],
        rows={
            "kspace": arrays["kspace"][rows],
            "asph": arrays["asph"][rows],
            "asph_mask": tokens,
            "scalar": arrays["scalars"][rows],
            **{name: arrays[name][rows] for name in PHYSICS},
            **extra,
        },
        crystals=[toy_crystal(arrays, row) for row in rows.tolist()],
    )
