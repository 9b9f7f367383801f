"""Models that TBmodels saves, in HDF5 and in JSON."""

from __future__ import annotations

import lzma
import os
import re
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from topophys._io import HEAD, LONGEST_START, most_unpacked, open_regular, parse_json
from topophys.datasets._hdf5 import opened_of_others, plain_array
from topophys.errors import DatasetError, InputError, SchemaError, TopophysError
from topophys.hamiltonians._packed_text import (
    HDF5,
    UNPACKED,
    begins_as_model,
    require_text,
    start_of,
)
from topophys.hamiltonians.interop import from_tbmodels
from topophys.hamiltonians.wannier90 import WannierHamiltonian, fill_below, filling, read_wannier90

__all__ = ["is_tbmodels", "read_hoppings", "read_tbmodels"]

#: Largest text, unpacked, most hoppings in all, and largest matrix.
LARGEST: Final = 2**28
MOST: Final = 2**26
LARGEST_SIZE: Final = 2**13
#: Keys of its JSON files.
MARKS: Final = re.compile(rb'"__(?:tb_model|hoppings_dense)__"')


def read_tbmodels(
    path: str | Path,
    *,
    n_occupied: int | None = None,
    fermi_energy: float | None = None,
    n_electrons: int | None = None,
    spin_degenerate: bool | None = None,
) -> WannierHamiltonian:
    """Read a model that TBmodels saved, in HDF5 or in JSON (also ``.gz``, ``.xz``, ``.bz2``).

    TBmodels keeps half of the hoppings, and its H(k) is their sum and its conjugate. Its files name
    no unit of energy.

    Parameters
    ----------
    path : str or Path
        The file; its type is detected from its content.
    n_occupied : int, optional
        Number of occupied bands. Without any of the three, `occ` of the file, which `notes` say;
        where the file has none, questions that need it are refused.
    fermi_energy, n_electrons, spin_degenerate : optional
        In place of `n_occupied`, as for `read_wannier90`.

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
    InputError
        If the filling does not fit the model, is given twice or is that of a metal.

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
    filled = filling(n_occupied, fermi_energy, n_electrons, spin_degenerate)
    try:
        with open_regular(file) as stream:
            start = stream.read(8)
        found = _from_hdf5(file) if start == HDF5 else _from_json(file)
        shapes = {m.shape for m in found.hop.values()}
        if shapes != {(found.size, found.size)} or {len(R) for R in found.hop} != {found.dim}:
            raise SchemaError(
                f"File `{file}` must have {found.size} x {found.size} hoppings on vectors of"
                f" {found.dim} components, but does not."
            )
        occ = found.occ
        if fermi_energy is not None or not 0 < (occ or 0) < found.size:
            found.occ = None  # the Fermi energy counts, or no band or every band is occupied
        h = from_tbmodels(found, n_occupied=filled)
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
    if fermi_energy is not None:
        fill_below(h, fermi_energy)
        filled = h._n_occupied
    h.notes = (*_notes(occ, filled, h._n_occupied), *h.notes)
    return h


def _notes(occ: int | None, given: int | None, taken: int | None) -> tuple[str, ...]:
    """Say where the filling is from, or that the file has another one."""
    if occ is None or (given == occ):
        return ()
    if given is None and taken == occ:
        return (f"filling from the file: occ = {occ}",)
    return (f"the file has another filling: occ = {occ}",)


def is_tbmodels(path: str | Path) -> bool:
    """Whether a file is a model of TBmodels, by its content."""
    start = start_of(path)
    if start.startswith(HDF5):
        try:
            with opened_of_others(Path(path)) as file:
                return {"hop", "size", "dim"} <= set(file)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, TopophysError):
            return False  # its reader says what is damaged
    return begins_as_model(path) and MARKS.search(start_of(path, HEAD)) is not None


def read_hoppings(
    path: str | Path,
    *,
    wsvec: str | Path | None = "auto",
    hermitian: Literal["check", "average"] = "check",
    missing: Literal["refuse", "zero"] = "refuse",
    **filling_words: Any,
) -> WannierHamiltonian:
    """Read a file of Wannier90 or of TBmodels, whichever it is by its content.

    Parameters
    ----------
    path : str or Path
        As for `read_wannier90` and `read_tbmodels`.
    wsvec, hermitian, missing : optional
        As for `read_wannier90`; to be left out for models of TBmodels.
    **filling_words
        `n_occupied`, or `fermi_energy`, or `n_electrons` and `spin_degenerate`.

    Returns
    -------
    WannierHamiltonian
        As the two readers return it.

    Raises
    ------
    InputError
        If an option is given that has no meaning for the file.
    DatasetError, SchemaError, HermiticityError
        As the two readers.
    """
    if not begins_as_model(path):
        return read_wannier90(
            path, wsvec=wsvec, hermitian=hermitian, missing=missing, **filling_words
        )
    for name, value, usual in (
        ("wsvec", wsvec, "auto"), ("hermitian", hermitian, "check"), ("missing", missing, "refuse"),
    ):  # fmt: skip
        if value != usual:
            raise InputError(
                f"Argument `{name}` must be left out for `{path}`, a model of TBmodels: its"
                " hoppings are complete, Hermitian and where they belong."
            )
    return read_tbmodels(path, **filling_words)


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


def _from_json(path: Path) -> SimpleNamespace:
    with open_regular(path) as raw:
        size = os.fstat(raw.fileno()).st_size
        packing = next(p for p in UNPACKED if raw.peek(6).startswith(p))
        # no more than the file may hold: memory is taken for what is asked for
        most = min(LARGEST, most_unpacked(size) if packing else size)
        text = UNPACKED[packing](raw).read(most + 1) if size <= LARGEST else b""
    if len(text) > most or size > LARGEST:
        raise SchemaError(
            f"File `{path}` must unpack to at most {min(LARGEST, most)} bytes, but is larger."
        )
    require_text(text[:LONGEST_START], str(path))
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
