"""The bytes of a data file, without copies and without locks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topophys.datasets.layout import Place
from topophys.errors import DatasetError

__all__ = ["Store"]


class Store:
    """The bytes of a file, mapped into memory once per process.

    Fields are contiguous, so that a mapping reads any samples as fast as memory does, needs no
    lock between threads, and is safe across fork and spawn.
    """

    def __init__(self, path: Path, n_bytes: int) -> None:
        self.path, self.n_bytes = path.absolute(), n_bytes
        self.closed = False
        self._bytes: NDArray[np.uint8] | None = None
        self._pid = -1

    def view(self, place: Place) -> NDArray[Any]:
        """Read-only array at a place of the file; nothing is read yet."""
        array: NDArray[Any] = np.ndarray(
            place.shape, place.dtype, buffer=self._mapped().data, offset=place.offset
        )
        return array

    def _mapped(self) -> NDArray[np.uint8]:
        if self.closed:
            raise DatasetError(f"Data file `{self.path}` is closed; open it again.")
        if self._bytes is None or self._pid != os.getpid():
            try:
                mapped = np.memmap(self.path, np.uint8, "r")
            except (OSError, ValueError) as error:
                raise DatasetError(f"Data file `{self.path}` cannot be read: {error}.") from None
            if mapped.size != self.n_bytes:
                raise DatasetError(f"Data file `{self.path}` has changed; open it again.")
            self._bytes, self._pid = mapped, os.getpid()
        return self._bytes

    def close(self) -> None:
        """Let go of the mapping; later reads raise `DatasetError`."""
        self._bytes, self.closed = None, True

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_bytes": None, "_pid": -1}
