"""Rounding of proofs: one slack for all of them, and results that round toward safety.

A proof computes with H(k) = sum_R H_R e^(ik.R) in float64. Its phases come from integers reduced
modulo the zone, so each is wrong by a few units in the last place, each sum of M terms by M, an
eigenvalue of n bands by n; a derivative carries |R| more. Everything that is derived from H(k)
with a bounded number of operations stays within

    slack = 64 * 2^-53 * (M + n) * sum_R |H_R|_F (1 + |R|_1) + amplitude_error,

(beyond 64 bands n^1.5 / 8 in place of n) in operator norm, where `amplitude_error` is what was
rounded before the proof began. Hoppings are divided by a power of two first, so that the largest
is about 1 and nothing under- or overflows.
"""

from __future__ import annotations

import decimal
import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "MET",
    "SLACK",
    "SMALLEST",
    "UNIT",
    "UP",
    "at_least",
    "at_most",
    "frobenius",
    "lower_bound",
    "slack_of",
    "upper_bound",
]

#: Half of the distance from 1 to the next float64: relative error of one operation.
UNIT: Final = 2.0**-53
#: Allowance for the rounding of a sum, relative to (number of terms) * (sum of their sizes).
SLACK: Final = 64 * UNIT
#: Part of the slack that one evaluation of a gap, without derivatives and bounds, can be off by.
MET: Final = 1.0 / 16.0
#: Rounds a bound up that was computed in a few hundred thousand operations or fewer.
UP: Final = 1.0 + 1e-10
#: Smallest positive float64.
SMALLEST: Final = float(np.finfo(np.float64).smallest_subnormal)

#: Smallest positive float64 that has all its digits.
SMALLEST_NORMAL: Final = float(np.finfo(np.float64).smallest_normal)

_LARGEST: Final = float(np.finfo(np.float64).max)


def slack_of(
    norms: NDArray[np.float64],
    reach: NDArray[np.int64],
    n_bands: int,
    amplitude_error: ArrayLike = 0.0,
) -> NDArray[np.float64]:
    """Slack (...) of a proof from norms (..., M) of all hoppings and reach (M,) of their vectors.

    norms are Frobenius norms of the scaled hoppings of R and -R both, reach is |R|_1;
    amplitude_error (...) is in the same scaled unit.
    """
    size = (norms * (1.0 + np.abs(reach))).sum(-1)
    # a change of basis costs up to 8 n^1.5 units: more than 64 n only beyond 64 bands
    n = n_bands * max(1.0, math.sqrt(n_bands) / 8.0)
    slack = SLACK * UP * (norms.shape[-1] + n) * size + UP * np.asarray(amplitude_error)
    return np.asarray(slack, dtype=np.float64)


def frobenius(matrices: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Upper bounds (...) of Frobenius norms of matrices (..., n, n) of any size.

    Squares of entries below 1e-162 or above 1e154 would leave the range of float64.
    """
    largest = np.maximum(np.abs(matrices.real), np.abs(matrices.imag)).max((-2, -1), initial=0.0)
    _, exponent = np.frexp(largest)
    power = -exponent[..., None, None]
    real, imag = np.ldexp(matrices.real, power), np.ldexp(matrices.imag, power)
    return upper_bound(np.sqrt((real**2 + imag**2).sum((-2, -1))) * UP, exponent)


def lower_bound(value: ArrayLike, exponent: ArrayLike) -> NDArray[np.float64]:
    """value * 2^exponent, rounded toward zero; finite and >= 0, and 0 for nan.

    For bounds that must not exceed what they bound: also where the product is denormal or leaves
    the range.
    """
    v = np.asarray(value, dtype=np.float64)
    if _no_rounding(v, exponent):
        return np.asarray(np.ldexp(np.maximum(v, 0.0), exponent))
    v = np.minimum(np.where(v > 0.0, v, 0.0), _LARGEST)
    with np.errstate(over="ignore", under="ignore"):
        moved = np.ldexp(v, np.asarray(exponent))
        back = np.ldexp(moved, -np.asarray(exponent))
        moved = np.where(back > v, np.nextafter(moved, 0.0), moved)
    return np.asarray(np.minimum(moved, _LARGEST))


def upper_bound(value: ArrayLike, exponent: ArrayLike) -> NDArray[np.float64]:
    """value * 2^exponent, rounded away from zero; infinite where no float64 is large enough.

    For errors, for demands such as `min_gap`, and for upper bounds of a gap.
    """
    v = np.asarray(value, dtype=np.float64)
    if _no_rounding(v, exponent):
        return np.asarray(np.ldexp(v, exponent))
    with np.errstate(over="ignore", under="ignore"):
        moved = np.ldexp(v, np.asarray(exponent))
        back = np.ldexp(moved, -np.asarray(exponent))
        return np.asarray(np.where(back < v, np.nextafter(moved, np.inf), moved))


def _no_rounding(value: NDArray[np.float64], exponent: ArrayLike) -> bool:
    """Whether all products are zero or far from both ends of the range: scaling is exact."""
    e = np.abs(np.asarray(exponent))
    if not e.size or not value.size or e.max() > 400:
        return False
    size = np.abs(value)
    return bool(size.max() < 2.0**500 and not ((size > 0.0) & (size < 2.0**-500)).any())


def at_least(value: ArrayLike, digits: int) -> str:
    """Text of a lower bound with some digits, rounded down: what is read is proven, too.

    Examples
    --------
    >>> at_least(0.12999, 2), at_most(0.12001, 2), at_least(-0.125, 2), at_most(0.5, 3)
    ('0.12', '0.13', '-0.13', '0.5')
    """
    return _directed(float(np.asarray(value)), digits, decimal.ROUND_FLOOR)


def at_most(value: ArrayLike, digits: int) -> str:
    """Text of an upper bound with some digits, rounded up."""
    return _directed(float(np.asarray(value)), digits, decimal.ROUND_CEILING)


def _directed(value: float, digits: int, rounding: str) -> str:
    if not math.isfinite(value):
        return f"{value:g}"
    context = decimal.Context(prec=digits, rounding=rounding)
    number = context.create_decimal(decimal.Decimal(value))
    # what float64 cannot hold to these digits it would round to the other side
    if number and not SMALLEST_NORMAL <= abs(float(number)) < math.inf:
        return f"{number:.{digits - 1}e}"
    return f"{float(number):.{digits}g}"
