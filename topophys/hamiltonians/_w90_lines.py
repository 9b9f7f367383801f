"""Lines of a text file that may be compressed or the only one of its kind in an archive."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from topophys.errors import DatasetError, SchemaError

#: Deflate cannot shrink a text by more than this factor.
DEFLATE: Final = 1032
LONGEST_LINE: Final = 4096
#: Blank lines in a row; a compressed file can hold a thousand times as many as it has bytes.
MOST_BLANK: Final = 1000
#: Archives are walked through, so their size costs time; nothing sensible is larger.
LARGEST_ARCHIVE: Final = 16 * 2**30
LARGEST_HEADER: Final = 2**20
MOST_MEMBERS: Final = 1000
SUFFIXES: Final = ("_hr.dat", "_tb.dat")


class Lines:
    """Lines of a text, one at a time, with what messages about them need.

    Parameters
    ----------
    stream : io.TextIOWrapper
        The text.
    name : str
        How to call it in messages.
    capacity : int
        No more characters than this can follow.
    """

    def __init__(self, stream: io.TextIOWrapper, name: str, capacity: int) -> None:
        self._stream = stream
        self.name = name
        self.capacity = capacity
        self.number = 0

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

    def block(self, count: int) -> list[str]:
        """Next `count` lines that are not blank."""
        return [self.take_filled() for _ in range(count)]

    def nothing_left(self) -> bool:
        """Whether only blank lines follow."""
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
        line = self._stream.readline(LONGEST_LINE)
        self.number += 1 if line else 0
        if len(line) == LONGEST_LINE:
            raise SchemaError(
                f"File `{self.name}` is not a Wannier90 file: line {self.number} has more than"
                f" {LONGEST_LINE} characters."
            )
        return line


class _Guarded(io.RawIOBase):
    """Unpacked archive that refuses what only a hostile one asks for: huge headers, huge sizes."""

    def __init__(self, stream: gzip.GzipFile, name: str) -> None:
        self._inner = stream
        self._name = name

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_HEADER:
            raise SchemaError(f"Archive `{self._name}` has a header of absurd size.")
        return self._inner.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset > LARGEST_ARCHIVE:
            raise SchemaError(
                f"Archive `{self._name}` unpacks to more than {LARGEST_ARCHIVE >> 30} GiB; unpack"
                " the one file that is meant."
            )
        return self._inner.seek(offset)

    def tell(self) -> int:
        return self._inner.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@contextmanager
def open_lines(path: str | Path) -> Iterator[Lines]:
    """Open a plain, gzipped, or gzipped and archived text; nothing is unpacked to disk.

    Parameters
    ----------
    path : str or Path
        The file. What it is is told from its content, not from its name.

    Yields
    ------
    Lines
        The text.

    Raises
    ------
    DatasetError
        If the file is missing, unreadable, truncated or damaged.
    SchemaError
        If an archive does not hold exactly one regular file ``*_hr.dat`` or ``*_tb.dat``.
    """
    file = Path(path)
    if file.exists() and not file.is_file():
        raise DatasetError(f"File `{file}` cannot be read: it is not a regular file.")
    try:
        with file.open("rb") as raw:
            size = file.stat().st_size
            if raw.peek(2)[:2] != b"\x1f\x8b":
                yield Lines(_text(raw), str(file), size)
                return
            with gzip.open(raw) as unpacked:
                if unpacked.peek(512)[257:262] == b"ustar":
                    with _member(unpacked, str(file)) as lines:
                        yield lines
                else:
                    yield Lines(_text(unpacked), str(file), DEFLATE * size)
    except (DatasetError, SchemaError):
        raise
    except (EOFError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise DatasetError(
            f"File `{file}` is truncated or damaged: {error}; copy it again."
        ) from None
    except OSError as error:
        raise DatasetError(f"File `{file}` cannot be read: {error.strerror or error}.") from None


def _text(stream: Any) -> io.TextIOWrapper:
    # comment lines come in any encoding; in Latin-1 every byte is a character
    return io.TextIOWrapper(stream, encoding="latin-1", newline=None)


@contextmanager
def _member(unpacked: gzip.GzipFile, name: str) -> Iterator[Lines]:
    guarded = _Guarded(unpacked, name)
    with tarfile.open(fileobj=guarded, mode="r:") as archive:
        found = []
        for count, member in enumerate(archive):
            if count == MOST_MEMBERS:
                raise SchemaError(f"Archive `{name}` has more than {MOST_MEMBERS} members.")
            base = member.name.rpartition("/")[2]
            # "._name" is what macOS adds to archives for its own use
            if base.endswith(SUFFIXES) and not base.startswith("._"):
                found.append(member)
        if len(found) != 1:
            raise SchemaError(
                f"Archive `{name}` must hold exactly one file *_hr.dat or *_tb.dat, but holds"
                f" {len(found)}; unpack the one that is meant."
            )
        stream = archive.extractfile(found[0]) if found[0].isreg() else None
        if stream is None or found[0].issparse():
            raise SchemaError(
                f"Archive `{name}` must hold its file as it is, but `{found[0].name}` is a link,"
                " a device or sparse; unpack it first."
            )
        with stream:
            label = f"{name}/{found[0].name.rpartition('/')[2]}"
            yield Lines(_text(stream), label, found[0].size)
