"""A fast checksum of 64 bits: errors of memory and disks are found while data are read.

With the words w_i of eight bytes, the last filled up with zeros, and an odd constant P,

    y_i = w_i xor (i + 1) P,   sum = n P + sum_i (y_i mod 2^32) (y_i div 2^32) + y_i   mod 2^64

for n bytes. One changed bit always changes the sum, and so does every change within half a word;
other changes go by with a probability of 2^-32 or less. It is as fast as memory, unlike SHA-256,
and no protection against a forger.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from topophys.kernels._jit import compiled_kernel

__all__ = ["COMPILED_READS", "checksum_of", "checksum_of_words", "read_checked"]

#: Odd factor with irregular bits: 2^64 divided by the golden ratio.
PRIME: Final = np.uint64(0x9E3779B97F4A7C15)
LOW: Final = np.uint64(0xFFFFFFFF)
HALF: Final = np.uint64(32)
ONE: Final = np.uint64(1)
NOTHING: Final = np.uint64(0)


def checksum_of(data: Any) -> int:
    """Checksum of the bytes of a C-contiguous array or buffer.

    Examples
    --------
    >>> checksum_of(b"") == 0, checksum_of(b"a") == checksum_of(b"b")
    (True, False)
    """
    flat: NDArray[np.uint8] = np.frombuffer(data, np.uint8)
    whole = len(flat) // 8 * 8
    if whole == len(flat):
        return int(checksum_of_words(flat.view("<u8")))
    last = int.from_bytes(flat[whole:].tobytes(), "little")
    return int(_sum(flat[:whole].view("<u8"), np.uint64(last), np.uint64(len(flat))))


@compiled_kernel
def checksum_of_words(words: NDArray[np.uint64]) -> np.uint64:
    """Checksum of little-endian words, with nothing between the caller and the loop."""
    return _sum(words, NOTHING, np.uint64(8 * words.size))


#: The call of the system that reads at a place of a file, without Python between two of them.
_pread: Any = types.ExternalFunction(
    "pread", types.int64(types.int32, types.voidptr, types.uint64, types.int64)
)


@compiled_kernel
def read_checked(
    handle: int, at: int, words: NDArray[np.uint64], width: int, sums: NDArray[np.uint64]
) -> int:
    """Read pieces of `width` words from byte `at` on, each checked while it is in the cache.

    Returns how many there are before the first that cannot be read at once, or is another one.
    """
    piece = 0
    for start in range(0, words.size, width):
        part = words[start : start + width]
        size = np.uint64(8 * part.size)
        if _pread(handle, part.ctypes, size, at + 8 * start) != 8 * part.size:
            return piece
        if _sum(part, NOTHING, size) != sums[piece]:
            return piece
        piece += 1
    return piece


#: Whether `read_checked` can be called: not where kernels are interpreted, nor on Windows.
COMPILED_READS: Final = (
    os.name == "posix" and sys.maxsize > 2**32 and hasattr(read_checked, "signatures")
)


@compiled_kernel
def _sum(words: NDArray[np.uint64], last: np.uint64, size: np.uint64) -> np.uint64:
    total = size * PRIME
    mask = np.uint64(0)
    for i in range(words.size):
        mask += PRIME  # (i + 1) P: sums are a fifth faster than products of 64 bits
        y = words[i] ^ mask
        total += (y & LOW) * (y >> HALF) + y
    if size > np.uint64(8 * words.size):
        y = last ^ ((np.uint64(words.size) + ONE) * PRIME)
        total += (y & LOW) * (y >> HALF) + y
    return total
