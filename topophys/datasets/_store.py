"""The bytes of a data file: read, compared with their checksums, and given away only then."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import _validation
from topophys.errors import DatasetError
from topophys.kernels.checksum import COMPILED_READS, checksum_of, read_checked

__all__ = ["Checks", "Column", "Identity", "Place", "Store", "checksums", "piece_rows", "take"]

# ---- What is compared


@dataclass(frozen=True)
class Place:
    """Position, shape and dtype of an array within the file."""

    offset: int
    shape: tuple[int, ...]
    dtype: str

    @cached_property
    def row_bytes(self) -> int:
        """Bytes of one sample."""
        return int(np.prod(self.shape[1:], dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, eq=False)
class Checks:
    """Checksums of a field, one for each piece of so many samples."""

    rows: int
    sums: NDArray[Any]  # uint64 (pieces,), or SHA-256 in files of schema version 1: uint8 (.., 32)

    def holds(self, piece: int, data: NDArray[Any]) -> bool:
        """Whether these are the bytes that were written."""
        wanted = self.sums[piece]
        if self.sums.ndim == 1:
            return bool(checksum_of(data.data) == int(wanted))
        return bool(hashlib.sha256(data.data).digest() == wanted.tobytes())


@dataclass(frozen=True)
class Identity:
    """What tells a file from another one under the same name, and from itself after a change."""

    # no device: machines that share a file system number devices as they like
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Identity:
        """Take it from what the system says of a file."""
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)


#: Bytes of a piece, if a sample is not larger: they stay in the cache between check and copy.
PIECE: Final = 1 << 18


def piece_rows(row_bytes: int, most: int) -> int:
    """Count the samples in a piece: a power of two, at most `most`, which is one as well."""
    rows = most
    while rows > 1 and rows * row_bytes > PIECE:
        rows //= 2
    return rows


def checksums(array: NDArray[Any], most: int) -> NDArray[np.uint64]:
    """Checksums of the pieces of a C-contiguous array, samples first."""
    step = piece_rows(array.nbytes // max(1, len(array)), most)
    parts = (array[i : i + step] for i in range(0, len(array), step))
    return np.array([checksum_of(part.data) for part in parts], "<u8")


# ---- Reading


class Store:
    """The bytes of a file, read by system calls that a truncated file makes fail, not crash.

    A file that was replaced, truncated or written to since it was opened is refused, in this
    process and in those that a copy of this object was sent to. With `checked`, each piece is
    compared with its checksum the first time that a process reads from it.
    """

    def __init__(self, path: Path, identity: Identity, *, checked: bool = True) -> None:
        self.path, self.identity, self.checked = path.absolute(), identity, checked
        self.closed = False
        self._good: dict[int, NDArray[np.bool_]] = {}  # pieces seen to be right, by offset
        self._changed_ns: int | None = None

    def rows(self, place: Place, checks: Checks | None, first: int, stop: int) -> NDArray[Any]:
        """Consecutive samples, as an array of their own."""
        out = np.empty((stop - first, *place.shape[1:]), place.dtype)
        if not out.size:
            return out
        with self._opened() as handle:
            good = self._pieces(place, checks)
            if checks is None or good is None:
                self._fill(handle, place, first, out)
                return out
            step, size = checks.rows, place.shape[0]
            if good[first // step : -(-stop // step)].all():
                self._fill(handle, place, first, out)
                return out
            # up to here whole pieces go; the last one of a field is shorter
            whole_until = size if stop == size else stop // step * step
            at = first
            while at < stop:
                piece = at // step
                if at % step == 0 and at < whole_until:
                    self._whole_pieces(
                        handle, place, checks, piece, out[at - first : whole_until - first], good
                    )
                    at = whole_until
                    continue
                end = min(stop, (piece + 1) * step)
                part = out[at - first : end - first]
                if good[piece]:
                    self._fill(handle, place, at, part)
                else:
                    whole = self._piece(handle, place, step, piece, self._room(place, step))
                    self._check(place, checks, piece, whole, good)
                    part[:] = whole[at - piece * step : end - piece * step]
                at = end
        return out

    def _whole_pieces(
        self,
        handle: int,
        place: Place,
        checks: Checks,
        piece: int,
        out: NDArray[Any],
        good: NDArray[np.bool_],
    ) -> None:
        """Read consecutive pieces, and check each while it is in the cache."""
        flat = out.reshape(-1).view(np.uint8)
        width, start = checks.rows * place.row_bytes, place.offset
        fast = COMPILED_READS and checks.sums.ndim == 1 and not (width % 8 or flat.size % 8)
        words = flat.view("<u8") if fast else None
        first, end = piece, piece + -(-flat.size // width)
        while piece < end:
            if words is not None:
                # Ctrl-C is seen between two calls
                until = min(end, piece + max(1, AT_ONCE // width))
                part = words[(piece - first) * width // 8 : (until - first) * width // 8]
                known = piece + read_checked(
                    handle, start + piece * width, part, width // 8, checks.sums[piece:until]
                )
                good[piece:known] = True
                piece = known
                if piece == until:
                    continue
            # without compiled loops, and where they found something: what it is
            rows = slice((piece - first) * checks.rows, (piece - first + 1) * checks.rows)
            self._fill(handle, place, piece * checks.rows, out[rows])
            self._check(place, checks, piece, out[rows], good)
            piece += 1

    def gather(
        self, place: Place, checks: Checks | None, chosen: NDArray[np.int64]
    ) -> NDArray[Any]:
        """Read samples in any order, as an array of their own."""
        # chosen of (S,), numbers from 0 -> (S, ...)
        out = np.empty((len(chosen), *place.shape[1:]), place.dtype)
        if not out.size:
            return out
        step = piece_rows(place.row_bytes, place.shape[0]) if checks is None else checks.rows
        order = np.argsort(chosen, kind="stable")
        sorted_, owner = chosen[order], chosen[order] // step
        edges = [0, *(np.flatnonzero(np.diff(owner)) + 1).tolist(), len(chosen)]
        room: NDArray[Any] | None = None
        with self._opened() as handle:
            good = self._pieces(place, checks)
            for a, b in pairwise(edges):
                piece, mine = int(owner[a]), sorted_[a:b]
                known = good is None or bool(good[piece])
                # a call of the system costs as much as some kilobytes
                if known and (b - a) * SYSTEM_CALL < step * place.row_bytes:
                    for i, row in zip(order[a:b].tolist(), mine.tolist(), strict=True):
                        self._fill(handle, place, row, out[i : i + 1])
                    continue
                # one piece of memory for all of them: fresh pages cost as much as reading
                room = self._room(place, step) if room is None else room
                whole = self._piece(handle, place, step, piece, room)
                if checks is not None and good is not None and not known:
                    self._check(place, checks, piece, whole, good)
                out[order[a:b]] = whole[mine - piece * step]
        return out

    @staticmethod
    def _room(place: Place, step: int) -> NDArray[Any]:
        """Memory for one piece."""
        return np.empty((min(step, place.shape[0]), *place.shape[1:]), place.dtype)

    def _piece(
        self, handle: int, place: Place, step: int, piece: int, room: NDArray[Any]
    ) -> NDArray[Any]:
        whole = room[: min(step, place.shape[0] - piece * step)]
        self._fill(handle, place, piece * step, whole)
        return whole

    def _check(
        self,
        place: Place,
        checks: Checks,
        piece: int,
        data: NDArray[Any],
        good: NDArray[np.bool_],
    ) -> None:
        if not checks.holds(piece, data):
            first = piece * checks.rows
            raise DatasetError(
                f"Data file `{self.path}` is damaged: samples {first}:{first + len(data)} of the"
                f" field at byte {place.offset} are not what was written (checksum differs); find"
                " all damage with `topophys verify`, and copy or make it again."
            )
        good[piece] = True

    def _pieces(self, place: Place, checks: Checks | None) -> NDArray[np.bool_] | None:
        """Which pieces of a field are known to be right; None where nothing is checked."""
        if checks is None or not self.checked:
            return None
        good = self._good.get(place.offset)
        if good is None:
            good = self._good.setdefault(place.offset, np.zeros(len(checks.sums), np.bool_))
        return good

    def _fill(self, handle: int, place: Place, row: int, out: NDArray[Any]) -> None:
        self._read(
            handle, out.reshape(-1).view(np.uint8).data, place.offset + row * place.row_bytes
        )

    def _read(self, handle: int, target: memoryview, at: int) -> None:
        while target:
            count = os.preadv(handle, [target], at)
            if not count:
                raise DatasetError(
                    f"Data file `{self.path}` has changed: it ends at byte {at}; copy it again."
                )
            target, at = target[count:], at + count

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """File descriptor of the file that was opened first, which is still as it was."""
        if self.closed:
            raise DatasetError(f"Data file `{self.path}` is closed; open it again.")
        try:
            # a pipe under this name would wait for a writer for ever
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise DatasetError(
                f"Data file `{self.path}` cannot be read: {error.strerror or error}."
            ) from None
        try:
            self._compare(handle)
            yield handle
            self._compare(handle)
        except DatasetError:
            raise
        except OSError as error:
            raise DatasetError(
                f"Data file `{self.path}` cannot be read: {error.strerror or error}."
            ) from None
        finally:
            os.close(handle)

    def _compare(self, handle: int) -> None:
        found = os.fstat(handle)
        if Identity.of(found) != self.identity:
            raise DatasetError(
                f"Data file `{self.path}` has changed; open it again (it was replaced, truncated or"
                " written to since it was opened)."
            )
        if self._changed_ns != found.st_ctime_ns:
            # a new name or mode, or bytes that were changed under an old date: check again
            self._good, self._changed_ns = {}, found.st_ctime_ns

    def close(self) -> None:
        """Read no more; later reads raise `DatasetError`."""
        self.closed = True

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_good": {}, "_changed_ns": None}


#: Bytes that are read by one call of a compiled loop.
AT_ONCE: Final = 1 << 26
#: Bytes that could be read in the time of one more call of the system.
SYSTEM_CALL: Final = 1 << 13


@dataclass(frozen=True, eq=False)
class Column:
    """One field in one file."""

    store: Store
    place: Place
    checks: Checks | None

    def __len__(self) -> int:
        return self.place.shape[0]

    def rows(self, first: int, stop: int) -> NDArray[Any]:
        """Consecutive samples."""
        return self.store.rows(self.place, self.checks, first, stop)

    def gather(self, chosen: NDArray[np.int64]) -> NDArray[Any]:
        """Read samples by their numbers from 0."""
        return self.store.gather(self.place, self.checks, chosen)


# ---- One field that lies in several files, indexed as if it were one array


def take(columns: Sequence[Column], index: Any) -> NDArray[Any]:
    """Read samples of a field, as an array of their own."""
    starts = np.cumsum([0, *map(len, columns)])
    size = int(starts[-1])
    if isinstance(index, slice):
        first, stop, step = index.indices(size)
        if step == 1:  # the common case, and the one that may be large
            return _stretch(columns, starts, first, max(first, stop))
        index = np.arange(first, stop, step)
    chosen = _numbers(index, size)
    if chosen.ndim == 0:
        return np.array(_stretch(columns, starts, int(chosen), int(chosen) + 1)[0])
    flat = chosen.ravel()
    owner = np.searchsorted(starts, flat, side="right") - 1
    if len(columns) == 1:
        out = columns[0].gather(flat)
    else:
        place = columns[0].place
        out = np.empty((len(flat), *place.shape[1:]), place.dtype)
        for part in np.unique(owner):
            mine = owner == part
            out[mine] = columns[part].gather(flat[mine] - starts[part])
    if chosen.ndim == 1:
        return out
    shaped = np.empty((*chosen.shape, *out.shape[1:]), out.dtype)  # with memory of its own
    shaped[...] = out.reshape(shaped.shape)
    return shaped


def _stretch(
    columns: Sequence[Column], starts: NDArray[np.int64], first: int, stop: int
) -> NDArray[Any]:
    spans = [
        (c, max(0, first - int(s)), min(len(c), stop - int(s)))
        for c, s in zip(columns, starts[:-1], strict=True)
    ]
    parts = [c.rows(a, b) for c, a, b in spans if a < b] or [columns[0].rows(0, 0)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _numbers(index: Any, size: int) -> NDArray[np.int64]:
    """Sample numbers from 0 of an integer, a mask or a list of integers."""
    _validation.refuse_hidden(index, "index")
    given = np.asarray(index)
    if given.dtype == np.bool_:
        if given.shape != (size,):
            raise IndexError(f"a mask of samples must have shape ({size},), but has {given.shape}")
        return np.flatnonzero(given)
    if given.size == 0:
        given = given.astype(np.int64)
    if not np.issubdtype(given.dtype, np.integer):
        raise IndexError(f"samples are chosen by integers, slices or masks, not by {given.dtype}")
    if given.size and not -size <= given.min() <= given.max() < size:
        raise IndexError(f"index out of range for {size} samples")
    return np.where(given < 0, given + size, given).astype(np.int64)
