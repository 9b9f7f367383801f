"""Lines of a text that may be packed or lie in an archive, and what a file is that is no text."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from topophys._io import LONGEST_START, foreign_content, most_unpacked, open_regular
from topophys.errors import DatasetError, SchemaError

#: Deflate cannot shrink a text by more than this factor.
DEFLATE: Final = 1032
LONGEST_LINE: Final = 4096
#: Blank lines in a row; a compressed file can hold a thousand times as many as it has bytes.
MOST_BLANK: Final = 1000
#: What LZMA shrinks a text by in the worst case, and the memory that unpacking may take.
LZMA: Final = 16_384
LZMA_MEMORY: Final = 2**28
#: The same for the blocks of bzip2, but for runs of equal characters.
BZIP2: Final = 24_576
#: Archives are walked through, so their size costs time; nothing sensible is larger.
LARGEST_ARCHIVE: Final = 16 * 2**30
LARGEST_HEADER: Final = 2**20
#: Bytes of a packed file: what follows its end is looked through byte by byte.
LARGEST_PACKED: Final = 4 * 2**30
MOST_MEMBERS: Final = 1000
SUFFIXES: Final = ("_hr.dat", "_tb.dat")


class Lines:
    """Lines of a text, one at a time, with what messages about them need."""

    def __init__(self, stream: io.TextIOWrapper, name: str, capacity: int) -> None:
        self._stream = stream
        self.name = name
        self.capacity = capacity
        self.number = 0
        self._waiting: list[tuple[str, int]] = []

    def take(self) -> str:
        """Next line without its end; raise `DatasetError` where the text is over."""
        line = self._next()
        if not line:
            raise DatasetError(
                f"File `{self.name}` is truncated: it ends after line {self.number}; copy it again."
            )
        return line.rstrip("\r\n")

    def take_filled(self) -> str:
        """Next line that is not blank."""
        for _ in range(MOST_BLANK):
            if (line := self.take()).strip():
                return line
        raise self._too_blank()

    def peek_two(self) -> tuple[str, str]:
        """Look at the next two lines that are not blank; "" past the end."""
        before = self.number
        found: list[tuple[str, int]] = []
        while len(found) < 2:
            try:
                found.append((self.take_filled(), self.number))
            except DatasetError:  # the end, about which the next reader complains
                found.append(("", self.number))
        self._waiting, self.number = [one for one in found if one[0]], before
        return found[0][0], found[1][0]

    def block(self, count: int) -> list[str]:
        """Next `count` lines that are not blank."""
        return [self.take_filled() for _ in range(count)]

    def nothing_left(self, *, keep: bool = False) -> bool:
        """Whether only blank lines follow; the first other one is taken, unless it is to stay."""
        if keep:
            return not self.peek_two()[0]
        for _ in range(MOST_BLANK):
            if not (line := self._next()):
                return True
            if line.strip():
                return False
        raise self._too_blank()

    def _too_blank(self) -> SchemaError:
        return SchemaError(
            f"File `{self.name}` is not a Wannier90 file: more than {MOST_BLANK} blank lines end"
            f" with line {self.number}."
        )

    def _next(self) -> str:
        if self._waiting:
            waiting, self.number = self._waiting.pop(0)
            return waiting + "\n"
        line = self._stream.readline(LONGEST_LINE)
        self.number += 1 if line else 0
        if len(line) == LONGEST_LINE:
            raise SchemaError(
                f"File `{self.name}` is not a Wannier90 file: line {self.number} has more than"
                f" {LONGEST_LINE} characters."
            )
        return line


class _Unxz(io.RawIOBase):
    """Text of an .xz file, read forward, with a bound on the memory that its header may ask for."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._inner = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LZMA_MEMORY)
        self._waiting = b""

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data:
            if self._inner.eof and not self._next_stream():
                break
            packed, self._waiting = self._waiting, b""
            if self._inner.needs_input and not packed:
                packed = self._raw.read(65_536)
            if self._inner.needs_input and not packed:
                raise EOFError("the compressed text has no end")
            data = self._inner.decompress(packed, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next_stream(self) -> bool:
        """Read what follows the end of a stream: another one, padding, or nothing."""
        rest = self._inner.unused_data.lstrip(b"\0")
        while not rest and (packed := self._raw.read(65_536)):
            rest = packed.lstrip(b"\0")
        if not rest:
            return False
        self._inner = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LZMA_MEMORY)
        self._waiting = rest
        return True

    def readable(self) -> bool:
        return True


class _Guarded(io.RawIOBase):
    """Unpacked archive that refuses what only a hostile one asks for: huge headers, huge sizes."""

    def __init__(self, stream: gzip.GzipFile, name: str, size: int) -> None:
        self._inner = stream
        self._name = name
        self._most = min(LARGEST_ARCHIVE, most_unpacked(size))

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_HEADER:
            raise SchemaError(f"Archive `{self._name}` has a header of absurd size.")
        return self._inner.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset > self._most:
            raise SchemaError(
                f"Archive `{self._name}` unpacks to more than {self._most >> 20} MiB, more than its"
                " size lets one expect; unpack the one file that is meant."
            )
        return self._inner.seek(offset)

    def tell(self) -> int:
        return self._inner.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


HDF5: Final = b"\x89HDF\r\n\x1a\n"
GZIP: Final = b"\x1f\x8b"
#: How to unpack what begins with these bytes, and how much longer it may become.
UNPACKED: Final[dict[bytes, Callable[[Any], Any]]] = {
    b"\xfd7zXZ\x00": lambda raw: io.BufferedReader(_Unxz(raw)),
    b"BZh": lambda raw: io.BufferedReader(bz2.BZ2File(raw)),
    GZIP: gzip.open,
    b"": lambda raw: raw,
}
RATIOS: Final = dict(zip(UNPACKED, (LZMA, BZIP2, DEFLATE, 1), strict=True))


@dataclass(frozen=True)
class Member:
    """A file in an archive that lies beside the file of hoppings in it.

    Attributes
    ----------
    archive : Path
        The archive.
    base : str
        Name of the file, without folders.
    """

    archive: Path
    base: str

    def __str__(self) -> str:
        return f"{self.archive}/{self.base}"


@contextmanager
def open_lines(path: str | Path | Member) -> Iterator[Lines]:
    """Open a plain, compressed, or gzipped and archived text; nothing is unpacked to disk."""
    file = path.archive if isinstance(path, Member) else Path(path)
    base = path.base if isinstance(path, Member) else ""
    try:
        with open_regular(file) as raw:
            size = os.fstat(raw.fileno()).st_size
            _refuse_large(file, size, raw.peek(3)[:3])
            packing = next(p for p in UNPACKED if raw.peek(6).startswith(p))
            unpacked = UNPACKED[packing](raw)
            start = unpacked.peek(LONGEST_START)[:LONGEST_START]
            if packing == GZIP and start[257:262] == b"ustar":
                with _member(unpacked, str(file), size, base) as lines:
                    yield lines
                return
            require_text(start, str(file))
            yield Lines(_text(unpacked), str(file), RATIOS[packing] * size)
    except (DatasetError, SchemaError):
        raise
    except (EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, gzip.BadGzipFile) as error:
        raise DatasetError(
            f"File `{file}` is truncated or damaged: {error}; copy it again."
        ) from None
    except OSError as error:
        if error.errno is None:  # of bzip2
            raise DatasetError(f"File `{file}` is damaged: {error}; copy it again.") from None
        raise DatasetError(f"File `{file}` cannot be read: {error.strerror or error}.") from None


def start_of(path: str | Path, most: int = LONGEST_START) -> bytes:
    """First bytes of a file, unpacked where it is packed; what can be read of a damaged one."""
    found = b""
    try:
        with open_regular(path) as raw:
            packing = next(p for p in UNPACKED if raw.peek(6).startswith(p))
            unpacked = UNPACKED[packing](raw)
            while len(found) < most and (more := unpacked.read1(most - len(found))):
                found += more
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        pass  # the reader of the hoppings says what is wrong
    return found


def begins_as_model(path: str | Path) -> bool:
    """Whether a file is HDF5 or JSON, perhaps packed: a model of TBmodels, if hoppings at all."""
    start = start_of(path)
    return start.startswith(HDF5) or re.match(rb'\s*\{\s*"', start) is not None


def require_text(start: bytes, name: str) -> None:
    """Refuse what is no text of hoppings, by its first bytes: say what it is instead."""
    if foreign := foreign_content(start):
        error = SchemaError if start else DatasetError
        raise error(f"File `{name}` is {foreign}.")


def _refuse_large(file: Path, size: int, start: bytes) -> None:
    if size > LARGEST_PACKED and start.startswith((b"\xfd7", b"\x1f\x8b", b"BZh")):
        raise SchemaError(
            f"File `{file}` must have at most {LARGEST_PACKED >> 30} GiB packed, but has"
            f" {size >> 30}; unpack it first."
        )


def _text(stream: Any) -> io.TextIOWrapper:
    if stream.peek(3)[:3] == b"\xef\xbb\xbf":  # a mark of some editors
        stream.read(3)
    # comment lines come in any encoding; in Latin-1 every byte is a character
    return io.TextIOWrapper(stream, encoding="latin-1", newline=None)


def _is_wanted(name: str, base: str) -> bool:
    """Whether a member is the file called `base`, or without that a file of hoppings."""
    own = name.rpartition("/")[2]
    if base:
        return own == base
    # "._name" is what macOS adds to archives for its own use
    return own.endswith(SUFFIXES) and not own.startswith("._")


def _members(archive: tarfile.TarFile, name: str) -> Iterator[tarfile.TarInfo]:
    """Members of an archive, not too many."""
    for count, member in enumerate(archive):
        if count == MOST_MEMBERS:
            raise SchemaError(f"Archive `{name}` has more than {MOST_MEMBERS} members.")
        yield member


def members_beside(path: Path) -> dict[str, Member]:
    """Files of an archive that lie with its only file of hoppings; {} for any other file."""
    try:
        with open_regular(path) as raw:
            if raw.read(2) != b"\x1f\x8b":
                return {}
            raw.seek(0)
            with gzip.open(raw) as unpacked:
                if unpacked.peek(512)[257:262] != b"ustar":
                    return {}
                guarded = _Guarded(unpacked, str(path), os.fstat(raw.fileno()).st_size)
                with tarfile.open(fileobj=guarded, mode="r:") as archive:
                    names = [one.name for one in _members(archive, str(path)) if one.isreg()]
    except (OSError, EOFError, zlib.error, tarfile.TarError, SchemaError):
        return {}  # the reader of the hoppings says what is wrong
    hoppings = [name for name in names if _is_wanted(name, "")]
    if len(hoppings) != 1:
        return {}
    folder, _, own = hoppings[0].rpartition("/")
    seed = next(own[: -len(end)] for end in SUFFIXES if own.endswith(end))
    beside = [name for name in names if name.rpartition("/")[0] == folder]
    bases = [name.rpartition("/")[2] for name in beside]
    return {
        base[len(seed) :]: Member(path, base)
        for base in bases
        if base.startswith(seed) and base != own and names.count(f"{folder}/{base}".lstrip("/")) < 2
    }


@contextmanager
def _member(unpacked: gzip.GzipFile, name: str, size: int, base: str = "") -> Iterator[Lines]:
    guarded = _Guarded(unpacked, name, size)
    with tarfile.open(fileobj=guarded, mode="r:") as archive:
        found = [member for member in _members(archive, name) if _is_wanted(member.name, base)]
        if len(found) != 1:
            raise SchemaError(
                f"Archive `{name}` must hold exactly one file {base or '*_hr.dat or *_tb.dat'}, but"
                f" holds {len(found)}; unpack the one that is meant."
            )
        stream = archive.extractfile(found[0]) if found[0].isreg() else None
        if stream is None or found[0].issparse():
            raise SchemaError(
                f"Archive `{name}` must hold its file as it is, but `{found[0].name}` is a link,"
                " a device or sparse; unpack it first."
            )
        with stream:
            label = f"{name}/{found[0].name.rpartition('/')[2]}"
            text = io.BufferedReader(cast(io.RawIOBase, stream))
            require_text(text.peek(LONGEST_START)[:LONGEST_START], label)
            yield Lines(_text(text), label, found[0].size)
