"""Writing of a data file: locked, resumable, and under its own name only when it is complete."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np

from topophys._io import (
    LockedError,
    check_output,
    close_locked,
    is_ours,
    open_locked,
    open_regular,
    parse_json,
    sync_folder,
)
from topophys._version import __version__
from topophys.datasets import schema
from topophys.datasets._store import piece_rows
from topophys.datasets.layout import (
    lay_out,
    manifest,
    n_bytes,
    open_partial,
    read_layout,
    sizes,
)
from topophys.datasets.shards import Shard, ShardRange, reasons
from topophys.errors import OutputError, TopophysError
from topophys.kernels.checksum import checksum_of

__all__ = [
    "FinishedShard",
    "Journal",
    "Writer",
    "acquire_lock",
    "check_same",
    "intact",
    "restore_headers",
]


# ---- One run per target: a lock on the unfinished file that ends with the process, however it ends


def acquire_lock(partial: Path) -> int:
    """Create or take over an unfinished file, unless another run is writing it.

    HDF5 locks files too, but only after it has cut them to length zero.
    """
    try:
        return open_locked(partial)
    except LockedError:
        raise OutputError(
            f"`{partial.with_suffix('')}` cannot be written: another run is writing"
            f" `{partial.name}`; wait for it, or give another name."
        ) from None


def check_unfinished(path: Path, partial: Path, journal: Path, handle: int) -> None:
    """Refuse to write over files that bear the names of unfinished ones, but are none of ours."""
    # disk space is reserved before anything is written: a run killed early leaves zeros
    wrong = None
    if os.pread(handle, 8, 0) not in (b"", bytes(8), b"\x89HDF\r\n\x1a\n"):
        wrong = partial
    elif journal.exists():
        with open_regular(journal) as stream:
            size, begin = os.fstat(stream.fileno()).st_size, stream.read(len(START))
        if begin != START[: len(begin)] or size > LARGEST_JOURNAL:
            wrong = journal
    if wrong is not None:
        raise OutputError(
            f"`{path}` cannot be written: `{wrong.name}` was not made by topophys; move it, or give"
            " another name."
        )


# ------------- Which shards of an unfinished file are done, so that a killed run can be resumed

#: First words of a journal; tells it from any other file.
FORMAT: Final = "topophys-journal-1"
START: Final = b'{"format": "topophys-journal'
#: Bytes of a journal: lines of a million shards.
LARGEST_JOURNAL: Final = 1 << 30
#: Bytes of a line that is looked at; those of a shard are some hundred.
LONGEST: Final = 1 << 16
#: Bound of its counts: all of them together are stored as int64.
MOST: Final = 1 << 53


def refuse_other(path: Path, shard_range: ShardRange) -> None:
    """Refuse to replace a data set of another recipe or part; what cannot be read is none."""
    if not path.exists():
        return
    try:
        there = read_layout(path).shard_range
    except (TopophysError, OSError):
        return
    if there != shard_range:
        what = "recipe" if there.recipe != shard_range.recipe else "part of the recipe"
        raise OutputError(
            f"Output `{path}` cannot be written: a data set of another {what}"
            f" (`{there.recipe.name}`) has this name; choose another one, or replace it with"
            " --force (`force=True`)."
        )


@dataclass(frozen=True)
class FinishedShard:
    """One shard that was written.

    Attributes
    ----------
    split : str
        Name of the split.
    number : int
        Number of the shard within the split.
    drawn : int
        Hamiltonians drawn for it.
    rejected : dict of str to int
        How many were not kept, by reason.
    sha256 : dict of str to str
        Digest of each field, in hexadecimal.
    """

    split: str
    number: int
    drawn: int
    rejected: dict[str, int]
    sha256: dict[str, str]


class Journal:
    """Lines of text beside an unfinished file, one for each shard, added when it is written.

    Every line ends with a digest of itself: the last one may have been cut off.
    """

    def __init__(self, path: Path, shard_range: ShardRange) -> None:
        self.path = path
        # other versions may draw other numbers: a file must not be made by two
        self.head: dict[str, Any] = {
            "format": FORMAT,
            "recipe_digest": shard_range.recipe.digest,
            "shards": [shard_range.first, shard_range.stop],
            "topophys_version": __version__,
            "numpy_version": np.__version__,
        }
        self._stream: int | None = None

    def read(self) -> tuple[dict[str, Any] | None, list[FinishedShard]]:
        """Read what an earlier run has left."""
        try:
            with open_regular(self.path) as stream:
                lines = map(_decode, iter(partial(stream.readline, LONGEST), b""))
                entries = [entry for entry in lines if entry is not None]
        except FileNotFoundError:
            return None, []
        if not entries or entries[0].get("format") != FORMAT:
            return None, []
        shards = [done for done in map(_shard, entries[1:]) if done is not None]
        return entries[0], list({(done.split, done.number): done for done in shards}.values())

    def start(self, done: list[FinishedShard]) -> None:
        """Begin a fresh journal, with the shards that are already there."""
        # whole or not at all: a journal that lost its lines would lose the work
        fresh = self.path.with_name(self.path.name + ".new")
        lines = [_encode(self.head), *(_encode(vars(entry)) for entry in done)]
        fresh.unlink(missing_ok=True)  # of a run that was killed
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._stream = os.open(fresh, flags, 0o666)
        _put(self._stream, "".join(lines).encode())
        os.fsync(self._stream)
        fresh.replace(self.path)

    def add(self, entry: FinishedShard) -> None:
        """Note that one more shard is written."""
        if self._stream is not None:
            _put(self._stream, _encode(vars(entry)).encode())

    def remove(self) -> None:
        """Forget everything."""
        self.close()
        self.path.unlink(missing_ok=True)
        with suppress(OSError):  # a folder under this name is not ours
            self.path.with_name(self.path.name + ".new").unlink(missing_ok=True)

    def close(self) -> None:
        """Write no more."""
        if self._stream is not None:
            os.close(self._stream)
            self._stream = None


def _encode(entry: dict[str, Any]) -> str:
    text = json.dumps(entry)
    return f"{text} {hashlib.sha256(text.encode()).hexdigest()}\n"


def _decode(line: bytes) -> dict[str, Any] | None:
    text, _, seal = line.rstrip(b"\n").rpartition(b" ")
    if hashlib.sha256(text).hexdigest().encode() != seal:
        return None
    try:
        entry = parse_json(text)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _shard(entry: dict[str, Any]) -> FinishedShard | None:
    """Take a line at its word if it speaks of a shard; without, the shard is drawn again."""
    if set(entry) != {field.name for field in fields(FinishedShard)}:
        return None
    rejected, sha256 = entry["rejected"], entry["sha256"]
    if not (isinstance(rejected, dict) and isinstance(sha256, dict)):
        return None
    counts = (entry["number"], entry["drawn"], *rejected.values())
    numbers = all(type(count) is int and 0 <= count < MOST for count in counts)
    texts = all(isinstance(text, str) for text in (entry["split"], *sha256.values()))
    return FinishedShard(**entry) if numbers and texts else None


# ----------- Taking up an unfinished file: headers made again, shards believed only when they check

#: Bytes copied or hashed at a time.
BLOCK: Final = 1 << 22


def check_same(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to resume the work of another recipe, range of shards or version."""
    for key, value in wanted.items():
        if found.get(key) != value:
            raise OutputError(
                f"`{path}` cannot be written: `{path.name}.partial` is an unfinished run with"
                f" {key} {found.get(key)!r:.70}, and now it is {value!r}; finish that run as it was"
                f" begun, remove `{path.name}.partial`, or give another name."
            )


def restore_headers(
    shard_range: ShardRange, partial: Path, handle: int
) -> dict[tuple[str, str], int]:
    """Write the headers of an unfinished file once more, around the samples that are there.

    A run may have been killed while HDF5 wrote them.
    """
    scratch = partial.with_name(partial.name + ".headers")
    scratch.unlink(missing_ok=True)  # of a run that was killed; the library would follow a link
    try:
        places = lay_out(shard_range, scratch)  # takes no disk space: its arrays are holes
        with scratch.open("rb") as source:
            for start, stop in _gaps(shard_range, places, scratch.stat().st_size):
                for at in range(start, stop, BLOCK):
                    source.seek(at)
                    os.pwrite(handle, source.read(min(BLOCK, stop - at)), at)
    finally:
        scratch.unlink(missing_ok=True)
    return places


def _gaps(
    shard_range: ShardRange, places: dict[tuple[str, str], int], size: int
) -> list[tuple[int, int]]:
    """Stretches of the file that hold no samples."""
    fields = schema.FIELDS[shard_range.recipe.kind]
    spans = sorted(
        (places[split, f.name], places[split, f.name] + f.n_bytes(sizes(shard_range, split)))
        for split in shard_range.splits
        for f in fields
    )
    starts = [0, *(stop for _, stop in spans)]
    stops = [*(start for start, _ in spans), size]
    return list(zip(starts, stops, strict=True))


def intact(
    shard_range: ShardRange, places: dict[tuple[str, str], int], handle: int, entry: FinishedShard
) -> bool:
    """Whether the samples of a finished shard are those that were written.

    Their fast checksums, which no journal has, are put into their places.
    """
    if entry.split not in shard_range.splits:
        return False
    (first, stop), spec = shard_range.span(entry.split), shard_range.recipe.part(entry.split)
    fields = schema.FIELDS[shard_range.recipe.kind]
    known = set(entry.sha256) == {field.name for field in fields}
    if not (known and set(entry.rejected) <= set(reasons(spec)) and first <= entry.number < stop):
        return False
    rows = min(schema.SHARD_SIZE, spec.size - entry.number * schema.SHARD_SIZE)
    for field in fields:
        offset, n = _span(shard_range, places, entry.split, entry.number, field)
        if _digest(handle, offset, n) != entry.sha256[field.name]:
            return False
        step = piece_rows(n // rows, schema.SHARD_SIZE) * (n // rows)
        parts = (os.pread(handle, min(step, offset + n - at), at)
                 for at in range(offset, offset + n, step))  # fmt: skip
        sums = np.array([checksum_of(part) for part in parts], "<u8")
        place = places[entry.split, f"{schema.CHECKSUMS}/{field.name}"]
        before = (entry.number - first) * schema.SHARD_SIZE * (n // rows) // step
        _put(handle, sums.tobytes(), place + 8 * before)
    return True


def _span(
    shard_range: ShardRange,
    places: dict[tuple[str, str], int],
    split: str,
    number: int,
    field: schema.Field,
) -> tuple[int, int]:
    """Where the samples of a shard begin in the file, and how many bytes they have."""
    begin, size = number * schema.SHARD_SIZE, shard_range.recipe.part(split).size
    lengths = sizes(shard_range, split) | {"S": min(schema.SHARD_SIZE, size - begin)}
    n = field.n_bytes(lengths)
    before = begin - shard_range.span(split)[0] * schema.SHARD_SIZE
    return places[split, field.name] + n // lengths["S"] * before, n


def _digest(handle: int, offset: int, size: int) -> str:
    total = hashlib.sha256()
    for at in range(offset, offset + size, BLOCK):
        total.update(os.pread(handle, min(BLOCK, offset + size - at), at))
    return total.hexdigest()


# --------------- Writing a data file: under another name first, under its own only when it is whole

#: Seconds of work that are worth an unfinished file when a run is stopped.
KEEP_AFTER: Final = 60.0


class Writer:
    """Data file in the making.

    A context manager: what is written lies under ``<path>.partial`` until `finish`. HDF5 writes
    the headers only; its library does not survive a failing disk. The disk space is reserved at
    the start, and samples are written with plain system calls to the places that HDF5 has set
    aside for them. A journal beside the file says which shards are done; the next run with the
    same recipe checks these and continues from there. When the block is left before `finish`, both
    are removed, unless `keep` says that there is something worth keeping.

    Attributes
    ----------
    done : set of (str, int)
        Split and number of the shards that are there already.
    keep : bool
        Leave the unfinished file for the next run.
    """

    def __init__(self, shard_range: ShardRange, path: Path, *, force: bool = False) -> None:
        self.shard_range, self.path, self.force = shard_range, path, force
        check_output(path, ours=is_ours, force=force)
        if not force:
            refuse_other(path, shard_range)
        self.partial = path.with_name(path.name + ".partial")
        self.journal = Journal(path.with_name(path.name + ".journal"), shard_range)
        self.drawn: Counter[str] = Counter()
        self.reasons = {name: reasons(shard_range.recipe.part(name)) for name in shard_range.splits}
        self.rejected = {
            name: Counter(dict.fromkeys(words, 0)) for name, words in self.reasons.items()
        }
        self.done: set[tuple[str, int]] = set()
        self.finished, self.begun = False, time.monotonic()
        _check_folder(path)
        with self._one_line():
            self.handle = acquire_lock(self.partial)
        # what an earlier run has left is kept until there is something better
        self.keep = True
        try:
            with self._one_line():
                self._begin()
        except BaseException:
            self._discard()
            raise

    def _begin(self) -> None:
        check_unfinished(self.path, self.partial, self.journal.path, self.handle)
        needed, there = n_bytes(self.shard_range), os.fstat(self.handle).st_size
        head, entries = self.journal.read()
        if head is not None and there:
            check_same(self.path, head, self.journal.head)
        else:
            self.keep, entries = False, []
        _check_room(self.path, needed - there)
        if not self.keep:
            _reserve(self.handle, needed)
            self.places = lay_out(self.shard_range, self.partial)
        else:
            self.places = restore_headers(self.shard_range, self.partial, self.handle)
        _reserve(self.handle, self.partial.stat().st_size)
        good = [e for e in entries if intact(self.shard_range, self.places, self.handle, e)]
        self.journal.start(good)
        for entry in good:
            self._count(entry)
        self.keep = bool(good)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        late = time.monotonic() - self.begun > KEEP_AFTER
        self.keep = self.keep or (late and bool(self.done))
        self._discard()

    def add(self, split: str, shard: Shard) -> None:
        """Write one shard; the order of shards makes no difference to the file."""
        number = shard.start // schema.SHARD_SIZE
        sha256 = {name: digest.hex() for name, digest in shard.digests.items()}
        entry = FinishedShard(split, number, shard.drawn, shard.rejected, sha256)
        first = self.shard_range.span(split)[0] * schema.SHARD_SIZE
        with self._one_line():
            for name, array in shard.arrays.items():
                row = array.nbytes // len(array)
                start = (shard.start - first) * row
                _put(self.handle, array.data, self.places[split, name] + start)
                piece = (shard.start - first) // piece_rows(row, schema.SHARD_SIZE)
                place = self.places[split, f"{schema.CHECKSUMS}/{name}"] + 8 * piece
                _put(self.handle, shard.checksums[name].data, place)
            self.journal.add(entry)
        self._count(entry)

    def _count(self, entry: FinishedShard) -> None:
        first = self.shard_range.span(entry.split)[0]
        with self._one_line():
            for name, digest in entry.sha256.items():
                row = (entry.number - first) * schema.DIGEST_SIZE
                place = self.places[entry.split, f"{schema.DIGESTS}/{name}"]
                _put(self.handle, bytes.fromhex(digest), place + row)
        self.drawn[entry.split] += entry.drawn
        self.rejected[entry.split].update(entry.rejected)
        self.done.add((entry.split, entry.number))

    def finish(self) -> None:
        """Write the counts and the manifest, and give the file its final name."""
        with self._one_line():
            self._check_owner()
            with open_partial(self.partial, "r+") as file:
                for split, found in self.rejected.items():
                    attributes = file[split].attrs
                    attributes.modify("drawn", np.int64(self.drawn[split]))
                    counts = [found[reason] for reason in self.reasons[split]]
                    attributes.modify("rejected", np.array(counts, np.int64))
                file.attrs.modify("manifest", np.bytes_(manifest(file)))
            os.fsync(self.handle)  # else a crash could leave the name without the content
            self._check_owner()
            check_output(self.path, ours=is_ours, force=self.force)
            if not self.force:
                refuse_other(self.path, self.shard_range)  # it may have come in the meantime
            self.partial.replace(self.path)
            self.finished = True
            sync_folder(self.path.parent)
            self.journal.remove()

    def _check_owner(self) -> None:
        """Refuse to publish where the unfinished file was removed or replaced."""
        there = self.partial.exists()
        if not there or not os.path.samestat(os.fstat(self.handle), self.partial.lstat()):
            self.keep = True  # what is there now is not ours to remove
            raise OutputError(
                f"`{self.path}` cannot be written: `{self.partial.name}` was removed or exchanged"
                " while this run was writing it; start again."
            )

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        try:
            yield
        except TopophysError:
            raise
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else " ".join(str(error).split())
            raise OutputError(
                f"`{self.path}` cannot be written: {reason}; choose another place or make room."
            ) from None

    def _discard(self) -> None:
        self.journal.close()
        if not (self.keep or self.finished):
            self.partial.unlink(missing_ok=True)
            self.journal.remove()
        close_locked(self.handle)


def _reserve(handle: int, size: int) -> None:
    """Take disk space now, so that a disk that is too small fails before the work."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)


def _put(handle: int, data: bytes | memoryview, offset: int | None = None) -> None:
    """Write all bytes, at an offset or at the end."""
    rest = memoryview(data).cast("B")
    while rest:  # one call may write less than asked for
        written = os.write(handle, rest) if offset is None else os.pwrite(handle, rest, offset)
        rest, offset = rest[written:], None if offset is None else offset + written


def _check_folder(path: Path) -> None:
    """Refuse before the work what would fail after it."""
    folder = path.parent
    if not folder.is_dir():
        reason = f"the folder `{folder}` does not exist; make it"
    elif path.is_dir():
        reason = "it is a folder; give the name of a file"
    elif not os.access(folder, os.W_OK):
        reason = f"no permission in the folder `{folder}`; choose another"
    else:
        return
    raise OutputError(f"`{path}` cannot be written: {reason}.")


def _check_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise OutputError(
            f"`{path}` cannot be written: it needs {needed / 1e6:.3g} MB, but only"
            f" {free / 1e6:.3g} MB are free; make room or lower the sizes in the recipe."
        )
