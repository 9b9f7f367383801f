"""Files that appear under their final name only when they are complete; texts and arrays."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
import re
import secrets
import shutil
import stat
import sys
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from topophys.errors import OutputError, TopophysError

if sys.platform != "win32":
    import fcntl

__all__ = [
    "DAMAGE",
    "HEAD",
    "LONGEST_START",
    "NO_LOCKS",
    "NUMBERS",
    "LockedError",
    "begins_with",
    "check_output",
    "close_locked",
    "complete_file",
    "complete_folder",
    "foreign_content",
    "is_archive",
    "is_file",
    "is_ours",
    "json_text",
    "lock",
    "make_folder",
    "most_unpacked",
    "named_folder",
    "open_locked",
    "open_regular",
    "parse_json",
    "parse_toml",
    "read_bytes",
    "read_json",
    "read_npy",
    "read_npz",
    "read_text",
    "require_distinct",
    "seal_holds",
    "sealed",
    "sha256",
    "sync_folder",
    "write_json",
    "write_text",
]


# ---- Files that appear under their final name only when they are complete, and texts from anywhere

#: Bytes that a text which is read as a whole may have, where nothing else is said.
LARGEST_TEXT: Final = 1 << 26


class LockedError(OSError):
    """Another process holds the lock."""


#: Locks that this process holds.
_LOCKS: Final[set[int]] = set()
#: Some network file systems have no locks.
NO_LOCKS: Final = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)


def open_locked(path: Path, *, new: bool = False) -> int:
    """Open a file of our own for writing, make it if it is not there, and lock it.

    The lock ends with the process, however that ends. No link, pipe or device is followed: nobody
    can make us write elsewhere by putting one under this name. Raises `LockedError` where another
    process has the lock, and `FileExistsError` if the file must be `new` and is not.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(path, flags | (os.O_EXCL if new else 0), 0o666)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise OutputError(
            f"`{path}` must be a file of topophys, but is a symbolic link; remove it."
        ) from None
    try:
        _lock_plain(handle, path)
    except BaseException:
        os.close(handle)
        raise
    _LOCKS.add(handle)
    return handle


def _lock_plain(handle: int, path: Path) -> None:
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
        raise OutputError(
            f"`{path}` must be a file of topophys, but is a {_kind(state)}; remove it."
        )
    lock(handle)
    # the other process may have finished, or removed its file, before we had the lock
    if not path.exists() or not os.path.samestat(os.fstat(handle), path.lstat()):
        raise LockedError(errno.EAGAIN, "another process has just finished with it", str(path))


def lock(handle: int) -> bool:
    """Lock an open file, or raise `LockedError`; False where the file system has no locks."""
    if sys.platform == "win32":  # there, files that are open cannot be replaced
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LockedError(error.errno, error.strerror) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return False
    return True


def close_locked(handle: int) -> None:
    """Give a lock back."""
    _LOCKS.discard(handle)
    os.close(handle)


def _forget_locks() -> None:
    # a forked worker shares the lock, and would hold it after its parent was killed
    for handle in _LOCKS:
        os.close(handle)
    _LOCKS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks)


def _kind(state: os.stat_result) -> str:
    """Say what something that is no plain file is."""
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket",
             stat.S_IFCHR: "device", stat.S_IFBLK: "device", stat.S_IFLNK: "symbolic link",
             stat.S_IFREG: "file with several names (hard links)"}  # fmt: skip
    return kinds.get(stat.S_IFMT(state.st_mode), "thing of another kind")


def check_output(
    path: str | Path, *, ours: Callable[[Path], bool] | None = None, force: bool = False
) -> Path:
    """Refuse to replace what is not an earlier output of this package.

    Links, pipes, devices and folders are never replaced; a file only where `ours` says that it is
    one of ours, or with `force`. Without `ours` every plain file may be replaced.
    """
    final = Path(path)
    if not final.name:
        raise OutputError(f"Output must be the name of a file, but is {str(path)!r}; give one.")
    try:
        state = final.lstat()
    except FileNotFoundError:
        return final
    except (OSError, ValueError) as error:  # a name with a null character, or one that is too long
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"Output `{final}` cannot be written: {reason}.") from None
    if stat.S_ISLNK(state.st_mode):
        raise OutputError(
            f"Output `{final}` cannot be written: it is a symbolic link to `{final.readlink()}`;"
            " give the name of the file itself, or remove the link."
        )
    if not stat.S_ISREG(state.st_mode):
        raise OutputError(
            f"Output `{final}` cannot be written: it is a {_kind(state)}; give the name of a file."
        )
    if not force and ours is not None and state.st_size and not ours(final):
        raise OutputError(
            f"Output `{final}` cannot be written: a file that topophys did not make has this name;"
            " choose another one, or replace it with --force."
        )
    return final


#: Bytes in which a file of ours names itself.
HEAD: Final = 1 << 20


def is_ours(path: Path) -> bool:
    """Whether a file is HDF5 or JSON of this package, judged by its first and last bytes."""
    try:
        with open_regular(path) as stream:
            head = stream.read(HEAD)
            # the library may write attributes last
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - HEAD))
            tail = stream.read(HEAD)
    except OSError:
        return False
    hdf5 = head.startswith(b"\x89HDF\r\n\x1a\n") and b"topophys-" in head + tail
    return hdf5 or (head.lstrip()[:1] == b"{" and b'"topophys' in head[:4096])


def begins_with(line: str, *, whole: bool = True) -> Callable[[Path], bool]:
    """Make a test of whether the first line of a file is this one, or only begins with it."""

    def test(path: Path) -> bool:
        try:
            with open_regular(path) as stream:
                first = stream.readline(len(line) + 2)
        except OSError:
            return False
        return first.rstrip() == line.encode() if whole else first.startswith(line.encode())

    return test


def sync_folder(folder: Path) -> None:
    """Have the system write the names in a folder to the disk."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.EROFS):
            raise  # some file systems cannot; then the name is on its way
    finally:
        os.close(handle)


@contextmanager
def _unwritable(final: Path) -> Iterator[None]:
    """Turn errors of the system into one line that names the output; our own lines stay."""
    try:
        yield
    except TopophysError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"Output `{final}` cannot be written: {reason}; choose another place."
        ) from None


@contextmanager
def complete_file(
    path: str | Path,
    *,
    ours: Callable[[Path], bool] | None = None,
    force: bool = False,
    check: Callable[[], object] | None = None,
) -> Iterator[Path]:
    """Give a temporary name to write to; rename it to `path` when the block ends well.

    The bytes are on the disk before the file has its name, and the name before this returns. What
    killed processes left for the same name is removed. `check` is called before the renaming.
    """
    final = check_output(path, ours=ours, force=force)
    handle = None
    with _unwritable(final):
        try:
            _sweep(final)
            partial = final.with_name(f".{final.name}.{secrets.token_hex(8)}.partial")
            handle = open_locked(partial, new=True)
            yield partial
            os.fsync(handle)
            check_output(final, ours=ours, force=force)  # it may have come in the meantime
            if check is not None:
                check()
            partial.replace(final)
            sync_folder(final.parent)
        finally:
            if handle is not None:
                partial.unlink(missing_ok=True) if partial.parent.is_dir() else None
                close_locked(handle)


def _sweep(final: Path) -> None:
    """Remove what processes left that were killed while they wrote a file of this name."""
    pattern = re.compile(rf"\.{re.escape(final.name)}\.[0-9a-f]{{16}}\.partial")
    with os.scandir(final.parent) as entries:
        left = [Path(entry) for entry in entries if pattern.fullmatch(entry.name)]
    for path in left:
        try:
            handle = open_locked(path)
        except (OSError, TopophysError):
            continue  # another process is writing it, or it is not ours
        path.unlink(missing_ok=True)
        close_locked(handle)


@contextmanager
def complete_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder to fill; rename it to `path` when the block ends well.

    `path` must be new or an empty folder. What killed processes left for the same name is removed.
    """
    final = Path(path)
    if final.name in ("", "..") or "\0" in final.name:
        raise OutputError(f"Output must be the name of a folder, but is {str(path)!r}; give one.")
    handle = None
    with _unwritable(final):
        try:
            if os.path.lexists(final) and (
                final.is_symlink() or not final.is_dir() or any(final.iterdir())
            ):
                raise OutputError(
                    f"Output `{final}` must be a new or empty folder, but holds something or is"
                    " none; give another name."
                )
            make_folder(final.parent)
            _sweep_folders(final)
            partial = final.with_name(f".{final.name}.{secrets.token_hex(8)}.partial")
            partial.mkdir()
            handle = open_locked(partial / LOCK, new=True)
            yield partial
            (partial / LOCK).unlink()
            for inner in [*partial.rglob("*"), partial]:
                if inner.is_dir():
                    sync_folder(inner)
                else:
                    with open_regular(inner) as stream:
                        os.fsync(stream.fileno())
            partial.replace(final)  # which must be empty, if it is there
            sync_folder(final.parent)
        finally:
            if handle is not None:
                shutil.rmtree(partial, ignore_errors=True)
                close_locked(handle)


#: File in an unfinished folder that its writer holds.
LOCK: Final = ".lock"


def _sweep_folders(final: Path) -> None:
    """Remove what processes left that were killed while they filled a folder of this name."""
    pattern = re.compile(rf"\.{re.escape(final.name)}\.[0-9a-f]{{16}}\.partial")
    for path in [p for p in final.parent.iterdir() if pattern.fullmatch(p.name)]:
        try:
            handle = open_locked(path / LOCK)
        except (OSError, TopophysError):
            continue  # another process is filling it, or it is no folder
        shutil.rmtree(path, ignore_errors=True)
        close_locked(handle)


def open_regular(path: str | Path) -> io.BufferedReader:
    """Open a plain file to read; a pipe would wait for ever, and a device may not end."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a null character
        raise OSError(errno.EINVAL, str(error)) from None
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, f"it must be a plain file, but is a {_kind(state)}")
    return os.fdopen(handle, "rb")


def make_folder(path: str | Path) -> Path:
    """Create a folder with its parents, or raise `OutputError` in one line."""
    folder = named_folder(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # a name with a null character, or one that is too long
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"Folder {str(folder)!r} cannot be made: {reason}; choose another place."
        ) from None
    return folder


def named_folder(path: str | Path) -> Path:
    """Path of a folder to write to, which an empty name is not: `Path` makes "." of it."""
    if not str(path):
        raise OutputError("Output must be the name of a folder, but is empty; give one.")
    return Path(path)


def is_file(path: str | Path) -> bool:
    """Whether there is a file; not under names that none can have, either."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def require_distinct(output: str | Path, *sources: str | Path) -> None:
    """Refuse to write over anything that is read, under whatever name."""
    written = Path(output)
    try:
        state = written.stat()
    except (OSError, ValueError):
        return  # there is nothing to lose
    for source in sources:
        try:
            same = os.path.samestat(state, Path(source).stat())
        except (OSError, ValueError):
            continue
        if same:
            raise OutputError(
                f"Output `{written}` must be another file than the input, but is the same; choose"
                " another name."
            )


def write_text(path: str | Path, text: str, **options: Any) -> Path:
    """Write a text file, whole or not at all; options as for `complete_file`."""
    with complete_file(path, **options) as partial:
        partial.write_text(text, encoding="utf-8")
    return Path(path)


def write_json(path: str | Path, content: Any, **options: Any) -> Path:
    """Write a JSON file, whole or not at all; options as for `complete_file`."""
    return write_text(path, json_text(content), **options)


def json_text(content: Any) -> str:
    """Text of the JSON files of this package: equal contents give equal bytes."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


#: First bytes of what is no text, or another one than was meant; what it is, and what to do.
STARTS: Final = (
    (
        rb"\s*version https://git-lfs",
        "a pointer of Git LFS: get the file by `git lfs pull`",
    ),
    (rb"(?:\.\./)*(?:\.git)?/annex/objects/", "a pointer: get it by `git annex get`"),
    (rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html\b|head\b)", "a web page; get the raw file"),
    (rb"(?:\xef\xbb\xbf)?\s*<\?xml\b", "an XML file; give the text file that was meant"),
    (rb"\xff\xfe\0\0|\0\0\xfe\xff", "UTF-32 text; save it as plain text (UTF-8)"),
    (rb"\xff\xfe|\xfe\xff|(?:[\t-~]\0){8}|(?:\0[\t-~]){8}", "UTF-16 text; save it as UTF-8"),
    (rb"PK(?:\x03\x04|\x05\x06)", "a zip archive; unpack it"),
    (rb"BZh[1-9]", "packed by bzip2; unpack it with `bunzip2`"),
    (rb"\xfd7zXZ\0", "packed by xz; unpack it with `unxz`"),
    (rb"\x1f\x8b", "packed by gzip; unpack it with `gunzip`"),
    (rb"\x1f[\x9d\xa0]", "packed by compress; unpack it with `uncompress`"),
    (rb"\x28\xb5\x2f\xfd", "packed by zstd; unpack it with `unzstd`"),
    (rb"\x04\x22\x4d\x18", "packed by lz4; unpack it with `unlz4`"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it"),
    (rb"Rar!", "a RAR archive; unpack it"),
    (rb"(?s:.{257})ustar", "a tar archive; unpack it"),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 file; give the text file that was meant"),
    (rb"\x93NUMPY", "an array of NumPy; give the text file that was meant"),
    (rb"%PDF-", "a PDF document; give the text file that was meant"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture; give the text file that was meant"),
)
#: Bytes that tell.
LONGEST_START: Final = 512


def foreign_content(start: bytes) -> str:
    """Say what a file is by its first bytes, where that is no text, and what to do; "" of text."""
    if not start:
        return "empty; copy it again"
    return next((kind for first, kind in STARTS if re.match(first, start, re.IGNORECASE)), "")


def read_text(path: str | Path, *, most: int = LARGEST_TEXT, encoding: str | None = None) -> str:
    """Read a text file as a whole; what is not UTF-8 has another encoding, or is refused."""
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        # no more than the file has: memory is taken for what is asked for
        content = b"" if size > most else stream.read(size + 1)
    if max(size, len(content)) > most:
        raise ValueError(f"it has more than {most} bytes")
    if content and (foreign := foreign_content(content[:LONGEST_START])):
        raise ValueError(f"it is {foreign}")
    try:
        return content.decode("utf-8").removeprefix("\ufeff")  # a mark of some editors
    except UnicodeDecodeError as error:
        if encoding is not None:
            return content.decode(encoding)
        raise ValueError(f"it is not UTF-8 text, see byte {error.start}") from None


def parse_json(
    text: str | bytes,
    *,
    finite: bool = False,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Decode JSON; every fault of the text is a `ValueError`. `pairs` makes the objects."""
    try:
        if finite:
            return json.loads(text, parse_float=_finite, parse_constant=_finite)
        return json.loads(text, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"it must hold finite numbers, but has {word:.40}")
    return number


def read_count(word: str) -> int | None:
    """Return an integer of up to nine digits 0 to 9; None for any other word."""
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 10 else None


def parse_toml(text: str) -> dict[str, Any]:
    """Decode TOML; every fault of the text is a `ValueError`."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def read_json(
    path: str | Path,
    *,
    most: int = LARGEST_TEXT,
    finite: bool = False,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Read a JSON file as a whole."""
    return parse_json(read_text(path, most=most), finite=finite, pairs=pairs)


def most_unpacked(n_bytes: int) -> int:
    """Bytes that a compressed file may unpack to: honest numbers do not shrink a hundredfold."""
    return (1 << 26) + 100 * n_bytes


def sha256(path: str | Path) -> str:
    """Return the SHA-256 digest of a file, in hexadecimal."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_bytes(path: str | Path, *, most: int) -> bytes:
    """Read a plain file as a whole, if it has no more than so many bytes."""
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > most:
            raise ValueError(f"it has {size} bytes, which is more than the {most} it may have")
        return stream.read(size)


#: Key of the digest of a JSON file in itself.
SEAL: Final = "sha256"


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Add the SHA-256 digest of everything else to the content of a JSON file."""
    rest = {key: value for key, value in content.items() if key != SEAL}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {SEAL: hashlib.sha256(text.encode()).hexdigest()}


def seal_holds(content: Mapping[str, Any]) -> bool:
    """Whether the content of a JSON file is what was sealed."""
    return SEAL in content and sealed(content)[SEAL] == content[SEAL]


# -------- NumPy arrays from files that may come from anywhere: numbers only, no more than there are

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
    """
    with open_regular(path) as stream:
        return _array(stream, Path(path).stat().st_size)


def read_npz(path: str | Path, *, only: str | None = None) -> dict[str, NDArray[Any]]:
    """Read all arrays of a `.npz` archive, or only one."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            most = most_unpacked(os.fstat(file.fileno()).st_size)
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            if only is not None:
                members = [info for info in members if info.filename == f"{only}.npy"]
            if sum(info.file_size for info in members) > most:
                raise ValueError(f"it unpacks to more than {most} bytes")
            found = {}
            for info in members:
                with archive.open(info) as stream:
                    found[info.filename.removesuffix(".npy")] = _array(stream, info.file_size)
            return found
    except DAMAGE as error:
        raise ValueError(str(error) or type(error).__name__) from None


def is_archive(path: str | Path) -> bool:
    """Whether a plain file is a zip archive."""
    try:
        with open_regular(path) as stream:
            return zipfile.is_zipfile(stream)
    except OSError:
        return False


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
