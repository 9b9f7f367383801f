"""Statistics that several layers need."""

from __future__ import annotations

import math
from typing import Any, Final

from numpy.typing import ArrayLike, NDArray

__all__ = ["NORMAL_95", "r_squared", "wilson_interval"]

#: Quantile of the normal distribution for two-sided intervals of 95 %.
NORMAL_95: Final = 1.959963984540054


def r_squared(
    predicted: NDArray[Any], exact: NDArray[Any], baseline: ArrayLike | None = None
) -> float | None:
    r"""Share of the variance that predictions explain; None if the exact values do not vary.

    .. math:: R^2 = 1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2

    `baseline` replaces the mean of all exact values.

    Examples
    --------
    >>> r_squared(np.array([1.0, 2.0]), np.array([1.0, 2.0])), r_squared(np.ones(2), np.ones(2))
    (1.0, None)
    """
    if not exact.size:
        return None
    start = exact.mean() if baseline is None else baseline
    spread = ((exact - start) ** 2).sum()
    return None if spread == 0.0 else float(1.0 - ((predicted - exact) ** 2).sum() / spread)


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    r"""Wilson's 95 % interval of a proportion; (0, 1) of nothing.

    .. math:: \frac{p + z^2/2n \pm z \sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}, \qquad z = 1.96

    Ref.: E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927).

    Examples
    --------
    >>> low, high = wilson_interval(1000, 1000)
    >>> round(low, 5), high
    (0.99617, 1.0)
    """
    if total == 0:
        return 0.0, 1.0
    z = NORMAL_95
    share = correct / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low = 0.0 if correct == 0 else (centre - spread) / scale
    high = 1.0 if correct == total else (centre + spread) / scale
    return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
