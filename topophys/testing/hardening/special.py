"""What may lie under the name of a file that is read: pipes, links without end, holes, folders."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

from topophys.testing.hardening.readers import READERS


def pipe(path):
    os.mkfifo(path)


def endless(path):
    path.symlink_to("/dev/zero")


def nothing(path):
    path.symlink_to("/dev/null")


def circle(path):
    path.symlink_to(path.name)


def folder(path):
    path.mkdir()


def listening(path):
    # names of sockets are short
    here = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def hole(path):
    """As long as no disk, and empty."""
    with path.open("wb") as stream:
        stream.truncate(1 << 42)


def begun_hole(path):
    """The same behind what the reader expects at the beginning."""
    with path.open("r+b") as stream:
        stream.truncate(1 << 42)


#: What replaces an honest file; the last one lengthens it.
KINDS = {
    "pipe": pipe, "endless device": endless, "empty device": nothing, "circle of links": circle,
    "folder": folder, "socket": listening, "hole": hole, "file with a hole": begun_hole,
}  # fmt: skip


def _special(name, make):
    def change(rng, path):
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        chosen = rng.choice(files)
        if make is not begun_hole:
            chosen.unlink()
        make(chosen)

    return replace(READERS[name], name=name, change=change)


#: The same as readers, each with one way to replace an honest file.
SPECIAL_READERS = {
    f"{kind} for {name}": _special(name, make) for kind, make in KINDS.items() for name in READERS
}
