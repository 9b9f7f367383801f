"""Files of toy materials as tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topophys.datasets.materials_file import read_materials
from topophys.errors import SchemaError
from topophys.materials.batch import PHYSICS, MaterialData
from topophys.materials.toy_dataset import toy_crystal

__all__ = ["load_toys", "toy_data"]


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
        If it holds something else.
    """
    arrays, card = read_materials(path)
    if card.get("kind") != "toy materials":
        raise SchemaError(f"Materials file `{path}` must hold toy materials, but does not.")
    return arrays, card


def toy_data(arrays: dict[str, NDArray[Any]], rows: NDArray[np.int64]) -> MaterialData:
    """Load some toy materials as tensors.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Arrays of a file.
    rows : int64 ndarray
        Which materials.

    Returns
    -------
    MaterialData
        With all five modalities.
    """
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
        },
        crystals=[toy_crystal(arrays, row) for row in rows.tolist()],
    )
