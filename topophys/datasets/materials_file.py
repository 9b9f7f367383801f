"""Arrays of materials in one HDF5 file, with what each is and a digest of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from topophys._io import complete_file, is_file, is_ours, parse_json
from topophys.datasets._hdf5 import as_plain, check_headers, set_attribute
from topophys.errors import DatasetError, SchemaError

__all__ = ["FORMAT", "read_materials", "write_materials"]

#: Value of the root attribute `format`.
FORMAT: Final = "topophys-materials"
#: Bounds of the format of HDF5: its headers carry checksums.
LIBVER: Final = ("v110", "v110")
#: Grows when an array changes its name, shape, type or meaning.
VERSION: Final = 2
#: Versions that are read; in the first, texts lie in a heap.
READABLE: Final = (1, 2)


def write_materials(
    path: str | Path,
    arrays: Mapping[str, NDArray[Any]],
    meanings: Mapping[str, str],
    card: Mapping[str, Any],
    *,
    force: bool = False,
) -> Path:
    """Write arrays with one row for each material, whole or not at all."""
    rows = {name: len(array) for name, array in arrays.items()}
    if set(arrays) != set(meanings) or len(set(rows.values())) != 1:
        raise SchemaError(
            f"Argument `arrays` must have one meaning and as many rows for each, but has {rows} and"
            f" {sorted(meanings)}."
        )
    with (
        complete_file(path, ours=is_ours, force=force) as partial,
        h5py.File(partial, "w", libver=LIBVER, locking=False) as file,
    ):
        set_attribute(file, "format", FORMAT)
        set_attribute(file, "version", np.int64(VERSION))
        text = json.dumps(dict(card), allow_nan=False, sort_keys=True)
        set_attribute(file, "card", text)
        set_attribute(file, "card_sha256", hashlib.sha256(text.encode()).hexdigest())
        for name, array in arrays.items():
            stored = file.create_dataset(name, data=array, track_times=False)
            set_attribute(stored, "meaning", meanings[name])
            set_attribute(stored, "sha256", _digest(array))
    return Path(path)


def read_materials(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read all arrays and the card, after checking every digest.

    Examples
    --------
    >>> read_materials("nowhere.h5")
    Traceback (most recent call last):
    ...
    topophys.errors.DatasetError: Materials file `nowhere.h5` is missing or no file; make it ...
    """
    path = Path(path)
    if not is_file(path):
        raise DatasetError(
            f"Materials file `{path}` is missing or no file; make it with `topophys"
            " materials generate`."
        )
    try:
        with h5py.File(path, "r") as file:
            check_headers(file, path)
            _check_head(file, path)
            card = _read_card(file, path)
            _check_arrays(file, path)
            arrays = {name: np.asarray(stored[()]) for name, stored in file.items()}
            wanted = {name: str(as_plain(stored.attrs["sha256"])) for name, stored in file.items()}
    except (SchemaError, DatasetError):
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise DatasetError(
            f"Materials file `{path}` cannot be read ({reason}); make it again."
        ) from None
    for name, array in arrays.items():
        if _digest(array) != wanted[name]:
            raise DatasetError(
                f"Materials file `{path}`: array `{name}` is not what was written (digest differs);"
                " make it again."
            )
    return arrays, card


def _check_head(file: h5py.File, path: Path) -> None:
    if as_plain(file.attrs.get("format")) != FORMAT:
        raise SchemaError(
            f"Materials file `{path}` must be one that topophys made, but has no attribute `format`"
            f" = {FORMAT!r}."
        )
    version = as_plain(file.attrs["version"])
    if version not in READABLE:
        raise SchemaError(
            f"Materials file `{path}` must have version {' or '.join(map(str, READABLE))}, but has"
            f" {version!r:.40}; make it again."
        )


def _read_card(file: h5py.File, path: Path) -> Any:
    text = str(as_plain(file.attrs["card"]))
    # the first version has no digest of it
    wanted = as_plain(file.attrs["card_sha256"]) if as_plain(file.attrs["version"]) > 1 else None
    if wanted is not None and hashlib.sha256(text.encode()).hexdigest() != wanted:
        raise DatasetError(
            f"Materials file `{path}`: the card is not what was written (digest differs); make it"
            " again."
        )
    return parse_json(text)


def _check_arrays(file: h5py.File, path: Path) -> None:
    """Refuse arrays that take more memory than the file has bytes, or lie outside of it."""
    for name in file:
        hard = isinstance(file.get(name, getlink=True), h5py.HardLink)
        stored: Any = file[name] if hard else None
        plain = isinstance(stored, h5py.Dataset) and not stored.is_virtual and not stored.external
        if not plain or stored.nbytes > path.stat().st_size:
            raise SchemaError(
                f"Materials file `{path}`: `{name}` must be an array that lies in the file as it"
                " is, but is not; make it again."
            )


def _digest(array: NDArray[Any]) -> str:
    plain = np.ascontiguousarray(array)
    head = f"{plain.dtype.str}{plain.shape}".encode()
    return hashlib.sha256(head + plain.tobytes()).hexdigest()
