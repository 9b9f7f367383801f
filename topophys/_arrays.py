"""NumPy arrays from files that may come from anywhere: numbers only, no more than there are."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from topophys._files import most_unpacked

__all__ = ["DAMAGE", "NUMBERS", "read_npy", "read_npz"]

#: Kinds of types that are numbers.
NUMBERS: Final = "biufc"
#: What `zipfile` raises on damaged archives, depending on where the damage is.
DAMAGE: Final = (
    OSError,
    RuntimeError,
    NotImplementedError,  # a compression that zipfile does not know
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npy(path: str | Path) -> NDArray[Any]:
    """Read one array of numbers from a `.npy` file.

    `numpy.load` believes the header: it asks for as much memory as that claims.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    ndarray
        Booleans, integers, real or complex numbers.

    Raises
    ------
    OSError, ValueError
        If it cannot be read or is something else; for the caller to put into words.
    """
    with Path(path).open("rb") as stream:
        return _array(stream, Path(path).stat().st_size)


def read_npz(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of a `.npz` archive.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str to ndarray
        By name.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, holds something else, or unpacks to a hundred times its size.
    """
    most = most_unpacked(Path(path).stat().st_size)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            if sum(info.file_size for info in members) > most:
                raise ValueError(f"it unpacks to more than {most} bytes")
            found = {}
            for info in members:
                with archive.open(info) as stream:
                    found[info.filename.removesuffix(".npy")] = _array(stream, info.file_size)
            return found
    except DAMAGE as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _array(stream: IO[bytes], n_bytes: int) -> NDArray[Any]:
    shape, fortran, dtype = _header(stream)
    if dtype.kind not in NUMBERS:
        raise ValueError(f"it holds no numbers but {dtype!s:.40}")
    needed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or stream.tell() + needed > n_bytes:
        raise ValueError(f"it is too short for an array of {dtype} of shape {shape!s:.60}")
    content = stream.read(needed)
    if len(content) < needed:
        raise ValueError("it ends within its array")
    flat = np.frombuffer(bytearray(content), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"its format {version} is none of arrays of numbers")
    try:
        shape, fortran, dtype = readers[version](stream)
    # NumPy hands the header to the parser of Python, whose errors on damaged text are not a
    # closed list: SyntaxError, ValueError, TypeError, MemoryError, RecursionError, TokenError ...
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"its header is no description of an array ({reason:.60})") from None
    return tuple(int(n) for n in shape), bool(fortran), dtype
