"""Wannier centres that come in Kramers pairs: which belong together, and the sum of the pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._loops import centres_of, transport, unitary_links

__all__ = ["PairSum", "pair_sum"]


@dataclass(frozen=True)
class PairSum:
    """Sum over Kramers pairs of the centre of the pair, on a line that time reversal keeps.

    Attributes
    ----------
    value : float
        The sum, modulo 1.
    spread : float
        Distances within the pairs, added up, in cells.
    gain : float
        Largest ratio of the error of `spread` and the largest angle between a computed and an
        exact occupied space.
    """

    value: float
    spread: float
    gain: float

    def proven(self, error: float, gap: float) -> bool:
        """Whether the pairs are the exact ones, for frames of a Hamiltonian off by `error`.

        Occupied spaces are then off by at most theta with sin 2 theta <= 2 error / gap.
        """
        ratio = 2.0 * error / gap if gap > 0.0 else np.inf
        return bool(ratio < 1.0 and self.gain * 0.5 * np.arcsin(min(ratio, 1.0)) < 0.25)


def pair_sum(frame: NDArray[np.complex128]) -> PairSum:
    r"""Sum of the centres of pairs, from frames (N, n, m) along the line, m even.

    Neighbours on the circle are paired, in one of two ways. What lies between the centres within
    the pairs of one and of the other way is the whole circle, so that their spreads add up to 1:
    one is below 1/2, and if exact pairs are equal the exact pairing has spread 0. Let the computed
    spaces be off by an angle theta: a link, the polar factor of an overlap with smallest singular
    value s, is off by 2 theta / s, the loop W of N links by N times that. Eigenvalues of unitary
    matrices move by no more in their order on the circle (R. Bhatia, C. Davis, Linear Multilinear
    Algebra 15, 71 (1984)), an angle of at most pi/2 |dW|, hence the spread of the right pairing by
    m |dW| / 4. While that is below 1/4, the pairing with the smaller spread is the right one.

    Parameters
    ----------
    frame : complex128 ndarray of shape (N, n, m)
        Occupied states.

    Returns
    -------
    PairSum
        Sum, spread, and how errors enter.
    """
    links, overlap = unitary_links(frame)
    centres = centres_of(transport(links))
    turned = np.append(centres[1:], centres[0] + 1.0)
    pairings = [np.stack([c[0::2], c[1::2]]) for c in (centres, turned)]
    spreads = [float(np.ptp(pair, axis=0).sum()) for pair in pairings]
    best = int(spreads[1] < spreads[0])
    n_points, m = len(frame), len(centres)
    # half of the computed s: overlaps of exact frames are smaller by at most 2 theta
    gain = m * n_points * 2.0 / max(0.5 * float(overlap.min()), 1e-150) / 4.0
    return PairSum(float(pairings[best].mean(0).sum()), spreads[best], gain)
