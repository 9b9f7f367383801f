"""Statistics that several layers need."""

from __future__ import annotations

import math

__all__ = ["wilson_interval"]


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
    z = 1.959963984540054
    share = correct / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low = 0.0 if correct == 0 else (centre - spread) / scale
    high = 1.0 if correct == total else (centre + spread) / scale
    return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
