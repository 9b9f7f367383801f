"""A look for small gaps before a proof is tried: most draws that must fail are seen to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from topophys.grids import k_grid
from topophys.invariants.results import UNRESOLVED_VALUE, Certificate

__all__ = ["bloch_at", "screened", "with_gap"]

#: How far below the threshold a gap must be to be below it whatever the rounding.
MARGIN: Final = 1e-9
#: Points of the grids in each direction, by dimension, and rounds of looking closer.
GRIDS: Final = {1: (8, 32), 2: (8, 24)}
ROUNDS: Final = 5
#: Points beside the best one, in steps, that a round looks at in each direction.
BESIDE: Final = (-2, -1, 0, 1, 2)

Gaps: TypeAlias = Callable[[NDArray[np.complex128], NDArray[np.float64]], NDArray[np.float64]]
Proof: TypeAlias = Callable[[NDArray[np.complex128]], Certificate]


def screened(
    hoppings: NDArray[np.complex128],
    min_gap: float,
    dim: int,
    gaps: Gaps,
    prove: Proof,
    *,
    even: bool = False,
) -> Certificate:
    """Turn away Hamiltonians with a small gap at some momentum, and prove the others.

    A gap at one momentum is an upper bound of the gap: what is rejected could not have been
    proven, and the same Hamiltonians are certified as without the look. But a proof that must
    fail walks along the line where the gap equals the threshold before it gives up. The look goes
    over two grids, and then on finer grids around the smallest gap. If levels at k and -k are the
    same (`even`) half of each grid will do.

    Shapes: `hoppings` (S, M, ...).
    """
    seen, k_at_gap_upper = np.full(len(hoppings), np.inf), np.zeros((len(hoppings), dim))
    looks, left = np.zeros(len(hoppings), np.int64), np.arange(len(hoppings))
    offsets = np.array(list(product(BESIDE, repeat=dim)), np.float64)
    grids = GRIDS[dim]
    for look in range(len(grids) + ROUNDS if min_gap > 0.0 else 0):
        if look < len(grids):
            rows = k_grid((grids[look],) * dim)
            k = rows[: grids[look] // 2 + 1 if even else None].reshape(1, -1, dim)
        else:
            step = 2.0 * np.pi / grids[-1] / 3.0 ** (look - len(grids) + 1)
            k = k_at_gap_upper[left, None] + step * offsets
        found = gaps(hoppings[left], k)
        best = found.argmin(-1)
        each = np.arange(len(left))
        seen[left] = found[each, best]
        k_at_gap_upper[left] = np.broadcast_to(k, (*found.shape, dim))[each, best]
        looks[left] += found.shape[1]
        left = left[~(seen[left] < (1.0 - MARGIN) * min_gap)]
        if not len(left):
            break
    return _joined(
        hoppings, seen, (k_at_gap_upper + np.pi) % (2.0 * np.pi) - np.pi, looks, left, prove
    )


def _joined(
    hoppings: NDArray[np.complex128],
    seen: NDArray[np.float64],
    k_at_gap_upper: NDArray[np.float64],
    looks: NDArray[np.int64],
    left: NDArray[np.int64],
    prove: Proof,
) -> Certificate:
    value = np.full(len(seen), UNRESOLVED_VALUE)
    status, bound = np.full(len(seen), "unresolved"), np.zeros(len(seen))
    reason = np.full(len(seen), "small gap", "<U10")
    quantity = ""
    if len(left):
        proof = prove(hoppings[left])
        quantity = proof.quantity
        value[left], status[left], bound[left] = (
            np.ma.getdata(proof.value),
            proof.status,
            proof.gap_lower,
        )
        reason[left] = proof.reason
        smaller = proof.gap_upper < seen[left]
        seen[left[smaller]], k_at_gap_upper[left[smaller]] = (
            proof.gap_upper[smaller],
            proof.k_at_gap_upper[smaller],
        )
        looks[left] += proof.evaluations
    return Certificate(quantity, value, status, bound, seen, k_at_gap_upper, looks, reason)


def with_gap(proof: Certificate, gap: Certificate) -> Certificate:
    """Join the proof of an invariant and a proof of the gap: both must hold."""
    both = proof.certified & gap.certified
    return replace(
        gap,
        quantity=proof.quantity,
        value=np.where(both, np.ma.getdata(proof.value), UNRESOLVED_VALUE),
        status=np.where(both, "certified", "unresolved"),
        gap_lower=np.where(both, gap.gap_lower, 0.0),
        evaluations=proof.evaluations + gap.evaluations,
        reason=np.where(proof.certified, gap.reason, proof.reason),
    )


def bloch_at(
    vectors: Int[np.ndarray, "M dim"],
    hoppings: Complex[np.ndarray, "S M n n"],
    k: Float[np.ndarray, "_ P dim"],
) -> Complex[np.ndarray, "S P n n"]:
    """Fourier sum of every Hamiltonian at momenta of its own, or the same for all.

    Shapes: `vectors` (M, dim), `hoppings` (S, M, n, n), `k` (S or 1, P, dim); returns (S, P, n,
    n).
    """
    n_bands = hoppings.shape[-1]
    flat = hoppings.reshape(*hoppings.shape[:2], n_bands**2)
    total: NDArray[np.complex128] = np.exp(1j * (k @ vectors.T)) @ flat
    return total.reshape(*total.shape[:2], n_bands, n_bands)
