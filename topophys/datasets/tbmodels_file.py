"""Models that TBmodels saves, in HDF5 and in JSON."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from topophys._io import parse_json
from topophys.errors import DatasetError, SchemaError, TopophysError
from topophys.hamiltonians.interop import from_tbmodels
from topophys.hamiltonians.wannier90 import WannierHamiltonian

__all__ = ["read_tbmodels"]

#: Largest text, unpacked, and most hoppings in all.
LARGEST: Final = 2**30
MOST: Final = 2**26


def read_tbmodels(path: str | Path, *, n_occupied: int | None = None) -> WannierHamiltonian:
    """Read a model that TBmodels saved, in HDF5 or in JSON (also ``.gz``, ``.xz``).

    TBmodels keeps half of the hoppings, and its H(k) is their sum and its conjugate.

    Parameters
    ----------
    path : str or Path
        The file; what it is is told from its content.
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
        with file.open("rb") as stream:
            start = stream.read(8)
        found = _from_hdf5(file) if start == b"\x89HDF\r\n\x1a\n" else _from_json(file, start)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise DatasetError(
            f"File `{file}` cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from None
    except TopophysError:
        raise
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError) as error:
        raise SchemaError(
            f"File `{file}` must hold a model of TBmodels, but does not:"
            f" {type(error).__name__} {' '.join(str(error).split()):.100}."
        ) from None
    shapes = {m.shape for m in found.hop.values()}
    if shapes != {(found.size, found.size)} or {len(R) for R in found.hop} != {found.dim}:
        raise SchemaError(
            f"File `{file}` must have {found.size} x {found.size} hoppings on vectors of"
            f" {found.dim} components, but does not."
        )
    return from_tbmodels(found, n_occupied=n_occupied)


def _model(hop: dict[tuple[int, ...], NDArray[np.complex128]], **fields: Any) -> SimpleNamespace:
    return SimpleNamespace(hop=hop, **fields)


def _from_hdf5(path: Path) -> SimpleNamespace:
    with h5py.File(path, "r", locking=False) as file:
        size, dim = int(file["size"][()]), int(file["dim"][()])
        if size * size * max(1, len(file["hop"])) > MOST or size < 1:
            raise SchemaError(f"File `{path}` must have at most {MOST} hoppings, but has more.")
        hop: dict[tuple[int, ...], NDArray[np.complex128]] = {}
        for entry in file["hop"].values():
            R = tuple(int(x) for x in entry["R"][:])
            matrix = np.zeros((size, size), np.complex128)
            if "mat" in entry:
                matrix = np.asarray(entry["mat"][()], np.complex128)
            else:  # sparse: rows of columns and values
                counts = np.diff(entry["indptr"][:].astype(np.int64))
                rows = np.repeat(np.arange(size), counts)
                np.add.at(matrix, (rows, entry["indices"][:]), entry["data"][:])
            hop[R] = hop[R] + matrix if R in hop else matrix
        optional = {
            name: np.asarray(file[name][()], np.float64) if isinstance(file.get(name), h5py.Dataset)
            else None
            for name in ("uc", "pos")
        }  # fmt: skip
        occ = file.get("occ")
        filled = int(occ[()]) if isinstance(occ, h5py.Dataset) and occ.shape == () else None
    return _model(hop, size=size, dim=dim, occ=filled, **optional)


def _from_json(path: Path, start: bytes) -> SimpleNamespace:
    opener: Any = gzip.open if start[:2] == b"\x1f\x8b" else (
        lzma.open if start[:6] == b"\xfd7zXZ\x00" else open)  # fmt: skip
    with opener(path, "rb") as stream:
        text = stream.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise SchemaError(f"File `{path}` must unpack to at most {LARGEST} bytes, but is larger.")
    content = parse_json(text)
    size, dim = int(content["size"]), int(content["dim"])
    hop = {
        tuple(int(x) for x in R): np.array(
            [[complex(x["real"], x["imag"]) if isinstance(x, dict) else complex(x) for x in row]
             for row in matrix]
        )
        for R, matrix in content["hop"]["__hoppings_dense__"]
    }  # fmt: skip
    occ = content.get("occ")
    return _model(hop, size=size, dim=dim, occ=None if occ is None else int(occ),
                  uc=content.get("uc"), pos=content.get("pos"))  # fmt: skip
