"""One run per target: a lock on the unfinished file that ends with the process, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Final

from topophys.errors import OutputError

if sys.platform != "win32":
    import fcntl

__all__ = ["claim", "release"]

#: Some network file systems have no locks; two runs on one target are then the user's care.
NO_LOCKS: Final = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)

#: Locks that this process holds.
_HELD: Final[set[int]] = set()


def claim(partial: Path) -> int:
    """Create or take over an unfinished file, unless another run is writing it.

    HDF5 locks files too, but only after it has cut them to length zero.

    Parameters
    ----------
    partial : Path
        Name of the unfinished file; may be left over from a run that was killed.

    Returns
    -------
    int
        File descriptor that holds the lock; closing it gives the lock back.

    Raises
    ------
    OutputError
        If another run is writing the file.
    OSError
        If the file cannot be created.
    """
    handle = os.open(partial, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle)
        # the other run may have finished between our opening and locking its file
        same = partial.exists() and os.path.samestat(os.fstat(handle), partial.stat())
    except BlockingIOError:
        same = False
    if not same:
        os.close(handle)
        raise OutputError(
            f"`{partial.with_suffix('')}` cannot be written: another run is writing"
            f" `{partial.name}`; wait for it, or give another name."
        )
    _HELD.add(handle)
    return handle


def release(handle: int) -> None:
    """Give a lock back.

    Parameters
    ----------
    handle : int
        What `claim` returned.
    """
    _HELD.discard(handle)
    os.close(handle)


def _let_go() -> None:
    # a forked worker shares the lock, and would hold it after its parent was killed
    for handle in _HELD:
        os.close(handle)
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _lock(handle: int) -> None:
    if sys.platform != "win32":  # there, HDF5 opens files so that nobody else can
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
