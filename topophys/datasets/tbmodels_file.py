"""Models that TBmodels saves, in HDF5 and in JSON."""

from __future__ import annotations

import gzip
import lzma
import os
import zlib
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from topophys._io import most_unpacked, open_regular, parse_json
from topophys.datasets._hdf5 import opened_of_others, plain_array
from topophys.errors import DatasetError, SchemaError, TopophysError
from topophys.hamiltonians.interop import from_tbmodels
from topophys.hamiltonians.wannier90 import WannierHamiltonian

__all__ = ["read_tbmodels"]

#: Largest text, unpacked, most hoppings in all, and largest matrix.
LARGEST: Final = 2**28
MOST: Final = 2**26
LARGEST_SIZE: Final = 2**13


def read_tbmodels(path: str | Path, *, n_occupied: int | None = None) -> WannierHamiltonian:
    """Read a model that TBmodels saved, in HDF5 or in JSON (also ``.gz``, ``.xz``).

    TBmodels keeps half of the hoppings, and its H(k) is their sum and its conjugate.

    Parameters
    ----------
    path : str or Path
        The file; its type is detected from its content.
    n_occupied : int, optional
        Number of occupied bands; `occ` of the file where not given. Where neither is, questions
        that need it are refused.

    Returns
    -------
    WannierHamiltonian
        With lattice and positions of the file.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    SchemaError
        If it holds no model of TBmodels.

    References
    ----------
    .. [1] D. Gresch *et al.*, Phys. Rev. Materials 2, 103805 (2018).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with h5py.File(f"{folder}/a.hdf5", "w") as file:
    ...         file["dim"], file["size"], file["occ"] = 1, 2, 1
    ...         file["hop/0/R"], file["hop/0/mat"] = [0], np.array([[0, 1], [0, 0j]])
    ...     h = read_tbmodels(f"{folder}/a.hdf5")
    >>> h
    WannierHamiltonian: 1D, 2 bands (1 occupied), 1 lattice vectors
    """
    file = Path(path)
    try:
        with open_regular(file) as stream:
            start = stream.read(8)
        found = _from_hdf5(file) if start == b"\x89HDF\r\n\x1a\n" else _from_json(file, start)
        shapes = {m.shape for m in found.hop.values()}
        if shapes != {(found.size, found.size)} or {len(R) for R in found.hop} != {found.dim}:
            raise SchemaError(
                f"File `{file}` must have {found.size} x {found.size} hoppings on vectors of"
                f" {found.dim} components, but does not."
            )
        return from_tbmodels(found, n_occupied=n_occupied)
    except TopophysError:
        raise
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DatasetError(
            f"File `{file}` cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from None
    except (
        KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError, OverflowError,
    ) as error:  # fmt: skip
        raise SchemaError(
            f"File `{file}` must hold a model of TBmodels, but does not:"
            f" {type(error).__name__} {' '.join(str(error).split()):.100}."
        ) from None


def _model(hop: dict[tuple[int, ...], NDArray[np.complex128]], **fields: Any) -> SimpleNamespace:
    return SimpleNamespace(hop=hop, **fields)


def _from_hdf5(path: Path) -> SimpleNamespace:
    with opened_of_others(path) as file:
        size, dim = (_whole(plain_array(file, name, most=16)) for name in ("size", "dim"))
        entries = file["hop"]
        _check_size(path, size, len(entries))
        hop: dict[tuple[int, ...], NDArray[np.complex128]] = {}
        for name in entries:
            if not isinstance(entries.get(name, getlink=True), h5py.HardLink):
                raise KeyError(f"`hop/{name:.40}` is not in the file")
            R = tuple(map(_whole, plain_array(entries[name], "R", most=1024)))
            matrix = _matrix(entries[name], size)
            hop[R] = hop[R] + matrix if R in hop else matrix
        optional = {
            name: np.asarray(plain_array(file, name, most=LARGEST), np.float64)
            if isinstance(file.get(name), h5py.Dataset)
            else None
            for name in ("uc", "pos")
        }
        occ = file.get("occ")
        scalar = isinstance(occ, h5py.Dataset) and occ.shape == ()
        filled = _whole(plain_array(file, "occ", most=16)) if scalar else None
    return _model(hop, size=size, dim=dim, occ=filled, **optional)


def _matrix(entry: h5py.Group, size: int) -> NDArray[np.complex128]:
    """Hoppings to one lattice vector, dense or as rows of columns and values."""
    most = 64 * size * size + 1024
    if "mat" in entry:
        return np.asarray(plain_array(entry, "mat", most=most), np.complex128)
    starts, columns, values = (
        plain_array(entry, name, most=most) for name in ("indptr", "indices", "data")
    )
    if (
        starts.dtype.kind not in "iu"
        or columns.dtype.kind not in "iu"
        or starts.shape[0] != size + 1
    ):
        raise ValueError("`indptr` and `indices` must be integers, one more than rows")
    if len(columns) and not 0 <= int(columns.min()) <= int(columns.max()) < size:
        raise ValueError(f"`indices` must be from 0 to {size - 1}")
    matrix = np.zeros((size, size), np.complex128)
    counts = starts[1:].astype(np.int64) - starts[:-1].astype(np.int64)
    rows = np.repeat(np.arange(size), counts)
    if not len(rows) == len(columns) == len(values):
        raise ValueError("`indptr`, `indices` and `data` must fit")
    np.add.at(matrix, (rows, columns), values)
    return matrix


def _whole(value: Any) -> int:
    """Integer of a file; nothing is rounded."""
    number = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or int(number) != number:
        raise ValueError(f"there must be an integer, but is {number!r:.40}")
    return int(number)


def _check_size(path: Path, size: int, n_vectors: int) -> None:
    if not 1 <= size <= LARGEST_SIZE or size * size * max(1, n_vectors) > MOST:
        raise SchemaError(
            f"File `{path}` must have 1 to {LARGEST_SIZE} orbitals and at most {MOST} hoppings, but"
            f" has {size} orbitals and {n_vectors} lattice vectors."
        )


def _from_json(path: Path, start: bytes) -> SimpleNamespace:
    opener: Any = gzip.open if start[:2] == b"\x1f\x8b" else (
        lzma.open if start[:6] == b"\xfd7zXZ\x00" else None)  # fmt: skip
    with open_regular(path) as raw:
        size = os.fstat(raw.fileno()).st_size
        # no more than the file may hold: memory is taken for what is asked for
        most = min(LARGEST, most_unpacked(size) if opener else size)
        text = b""
        if size <= LARGEST:
            with opener(raw) if opener else nullcontext(raw) as stream:
                text = stream.read(most + 1)
    if len(text) > most or size > LARGEST:
        raise SchemaError(
            f"File `{path}` must unpack to at most {min(LARGEST, most)} bytes, but is larger."
        )
    content = parse_json(text)
    size, dim = _whole(content["size"]), _whole(content["dim"])
    given = content["hop"]["__hoppings_dense__"]
    _check_size(path, size, len(given))
    hop: dict[tuple[int, ...], NDArray[np.complex128]] = {}
    for vector, matrix in given:
        R = tuple(map(_whole, vector))
        values = np.array([[_number(x) for x in row] for row in matrix], np.complex128)
        hop[R] = hop[R] + values if R in hop else values
    occ = content.get("occ")
    return _model(hop, size=size, dim=dim, occ=None if occ is None else _whole(occ),
                  uc=content.get("uc"), pos=content.get("pos"))  # fmt: skip


def _number(value: Any) -> complex:
    return complex(value["real"], value["imag"]) if isinstance(value, dict) else complex(value)
