"""Ways to compare a file with its checksums while it is read, against reading alone.

    python -m benchmarks.speed.checksums [REPEATS]

A file of 32 MiB in memory is read into fresh memory. Medians of ratios of processor and wall times,
all ways in turn. A mapped file costs least, but one that is truncated meanwhile ends the process.
"""

from __future__ import annotations

import mmap
import os
import queue
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from numba import njit

from topophys.datasets._store import PIECE
from topophys.kernels.checksum import HALF, LOW, PRIME, checksum_of_words, read_checked

SIZE = 1 << 25


@njit(nogil=True, cache=True)
def copied(source, target):
    """Checksum of words that are copied at the same time."""
    total = np.uint64(8 * source.size) * PRIME
    mask = np.uint64(0)
    for i in range(source.size):
        mask += PRIME
        target[i] = source[i]
        y = source[i] ^ mask
        total += (y & LOW) * (y >> HALF) + y
    return total


def alone(handle, words, *_):
    os.preadv(handle, [words.data], 0)


def from_python(handle, words, sums, piece):
    for k, a in enumerate(range(0, words.size, piece // 8)):
        part = words[a : a + piece // 8]
        os.preadv(handle, [part.data], 8 * a)
        assert checksum_of_words(part) == sums[k]


def compiled(handle, words, sums, piece):
    assert read_checked(handle, 0, words, piece // 8, sums) == len(sums)


def afterwards(handle, words, sums, piece):
    """When they are no longer in the cache next to the processor."""
    os.preadv(handle, [words.data], 0)
    for k, a in enumerate(range(0, words.size, piece // 8)):
        assert checksum_of_words(words[a : a + piece // 8]) == sums[k]


def while_copied(handle, words, sums, piece):
    """Read into one buffer that stays in the cache, and copied from there."""
    room = np.empty(piece // 8, "<u8")
    for k, a in enumerate(range(0, words.size, piece // 8)):
        os.preadv(handle, [room.data], 8 * a)
        assert copied(room, words[a : a + piece // 8]) == sums[k]


def mapped(handle, words, sums, piece):
    """Without calls of the system."""
    with mmap.mmap(handle, 0, prot=mmap.PROT_READ) as room:
        source = np.frombuffer(room, "<u8")
        for k, a in enumerate(range(0, words.size, piece // 8)):
            assert copied(source[a : a + piece // 8], words[a : a + piece // 8]) == sums[k]
        del source


def second_thread(handle, words, sums, piece):
    """Compared by a second thread while the next piece is read."""
    waiting, right = queue.SimpleQueue(), []

    def check():
        while (k := waiting.get()) is not None:
            a = k * piece // 8
            right.append(checksum_of_words(words[a : a + piece // 8]) == sums[k])

    checker = threading.Thread(target=check)
    checker.start()
    for k, a in enumerate(range(0, words.size, piece // 8)):
        os.preadv(handle, [words[a : a + piece // 8].data], 8 * a)
        waiting.put(k)
    waiting.put(None)
    checker.join()
    assert all(right)


def plain_sum(handle, words, _, piece):
    """The weakest of all checksums, for comparison: it would not see two words change places."""
    for a in range(0, words.size, piece // 8):
        part = words[a : a + piece // 8]
        os.preadv(handle, [part.data], 8 * a)
        part.sum()


WAYS = {
    "each piece from Python": (from_python, PIECE),
    "compiled loop (what is used)": (compiled, PIECE),
    "compiled loop, pieces of 64 KiB": (compiled, PIECE // 4),
    "compiled loop, pieces of 1 MiB": (compiled, PIECE * 4),
    "after all is read": (afterwards, PIECE),
    "while it is copied from a small buffer": (while_copied, PIECE),
    "from a mapped file": (mapped, PIECE),
    "by a second thread, pieces of 1 MiB": (second_thread, PIECE * 4),
    "reading alone, again": (alone, PIECE),
    "plain sum in place of the checksum": (plain_sum, PIECE),
}


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(np.random.default_rng(0).bytes(SIZE))
        content = np.fromfile(path, "<u8")
        handle = os.open(path, os.O_RDONLY)

        def taken(way, piece):
            steps = range(0, content.size, piece // 8)
            sums = np.array([checksum_of_words(content[a : a + piece // 8]) for a in steps], "<u8")
            words = np.empty(content.size, "<u8")
            wall, cpu = time.perf_counter(), time.process_time()
            way(handle, words, sums, piece)
            return time.process_time() - cpu, time.perf_counter() - wall

        found = {name: [] for name in WAYS}
        for turn in range(repeats + 1):
            for name, (way, piece) in WAYS.items():
                base = taken(alone, piece)
                ratio = [a / b for a, b in zip(taken(way, piece), base, strict=True)]
                if turn:  # the first one compiles
                    found[name].append(ratio)
        os.close(handle)
    for name, ratios in found.items():
        cpu, wall = map(statistics.median, zip(*ratios, strict=True))
        print(f"{name:42s} {cpu:.3f} of reading alone, processor time, {wall:.3f} wall time")


if __name__ == "__main__":
    main()
