"""Phases e^(i k R) of given momenta, wrong by a few units in the last place for every k and R."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys.kernels.rounding import UNIT

__all__ = ["PHASE_ERROR", "phases_of", "phases_of_halves"]

#: Largest error of a phase: of the reduced angle (below 3 units), of cosine and sine (1 each).
PHASE_ERROR: Final = 8 * UNIT

#: Largest |k R| that is reduced in float64; pi / 2 is then a sum of two parts of 33 bits, whose
#: products with up to 20 bits are exact, and a third.
_SMALL: Final = 2.0**20
_HALF_PI: Final = (
    float.fromhex("0x1.921fb544p+0"),
    float.fromhex("0x1.0b4611a6p-34"),
    float.fromhex("0x1.3198a2e037073p-69"),
)
_SPLIT: Final = 2.0**27 + 1.0


def phases_of(k: NDArray[np.float64], orders: NDArray[np.int64]) -> NDArray[np.complex128]:
    """e^(i k R) of shape (K, U) for momenta k (K,), exact numbers, and integers R (U,)."""
    r = orders.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        product = np.multiply.outer(k, r)
        rest = _product_error(k[:, None], r[None, :], product)
        quarter = np.rint(product * (2.0 / np.pi))
        angle = product - quarter * _HALF_PI[0]
        angle = angle - quarter * _HALF_PI[1]
        angle = angle + (rest - quarter * _HALF_PI[2])
    far = ~(np.abs(product) < _SMALL)
    quarter[far], angle[far] = 0.0, 0.0
    for i, j in np.argwhere(far):
        quarter[i, j], angle[i, j] = _reduce(float(k[i]), int(orders[j]))
    return _rotated(np.cos(angle), np.sin(angle), quarter.astype(np.int64))


def phases_of_halves(halves: ArrayLike, orders: NDArray[np.int64]) -> NDArray[np.complex128]:
    """e^(i pi h R) of shape (K, U) for integers h (K,): signs without rounding."""
    odd = np.multiply.outer(np.asarray(halves, np.int64) & 1, orders & 1)
    return np.asarray(1.0 - 2.0 * odd, dtype=np.complex128)


def _product_error(
    a: NDArray[np.float64], b: NDArray[np.float64], product: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a b - product without rounding (T. J. Dekker, Numer. Math. 18, 224 (1971))."""
    high_a, high_b = _SPLIT * a - (_SPLIT * a - a), _SPLIT * b - (_SPLIT * b - b)
    low_a, low_b = a - high_a, b - high_b
    rest = high_a * high_b - product + high_a * low_b + low_a * high_b + low_a * low_b
    return np.asarray(rest)


def _rotated(
    c: NDArray[np.float64], s: NDArray[np.float64], quarter: NDArray[np.int64]
) -> NDArray[np.complex128]:
    """(c + i s) i^quarter."""
    turn = quarter & 3
    re = np.choose(turn, [c, -s, -c, s])
    im = np.choose(turn, [s, c, -s, -c])
    return np.asarray(re + 1j * im)


@cache
def _half_pi(bits: int) -> int:
    """Return pi / 2 in units of 2^-bits, by Machin's formula."""
    guard = bits + 32

    def arctan_of_inverse(n: int) -> int:
        total = term = (1 << guard) // n
        i = 1
        while term:
            term //= -n * n
            i += 2
            total += term // i
        return total

    return (8 * arctan_of_inverse(5) - 2 * arctan_of_inverse(239)) >> 32


def _reduce(k: float, order: int) -> tuple[int, float]:
    """Quarter turns, modulo four, and the rest of the angle k * order, to one rounding."""
    top, bottom = k.as_integer_ratio()
    top *= order
    bits = 256 + 64 * (max(0, top.bit_length() - bottom.bit_length()) // 64 + 1)
    half_pi = _half_pi(bits)
    scaled = (top << bits) // bottom
    quarter = (2 * scaled + half_pi) // (2 * half_pi)
    return quarter % 4, (scaled - quarter * half_pi) / (1 << bits)
