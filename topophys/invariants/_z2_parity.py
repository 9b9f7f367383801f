"""Parities of occupied Kramers pairs at the invariant momenta, counted in sectors of inversion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._slices import Slice
from topophys.invariants._symmetry import (
    Operator,
    block_error,
    corner_sums,
    orthonormality,
    product_error,
)
from topophys.kernels.rounding import UP, slack_of

__all__ = ["Parities", "count_parities"]


@dataclass(frozen=True, eq=False)
class Parities:
    """Parities of the occupied states of one Hamiltonian.

    Attributes
    ----------
    odd : int64 ndarray of shape (2**dim,)
        Number of occupied states of parity -1 at each invariant momentum.
    gap : float
        Smallest gap there.
    proven : bool
        Whether no level of either sector can be on the other side of the gap.
    """

    odd: NDArray[np.int64]
    gap: float
    proven: bool


def count_parities(h: Slice, inversion: Operator, filled: int) -> Parities:
    r"""Count occupied states of odd parity where k = -k.

    H commutes there with the exact P next to `inversion`. In the eigenbasis of P it has two
    blocks; Weyl's inequality bounds how far their computed levels are from the exact ones, e. With

    .. math:: E_{n+1} - E_n > 2 e

    among the levels of both blocks no level crosses the middle of the gap, and the number of
    levels below it in each block is exact.

    Parameters
    ----------
    h : Slice
        A single Hamiltonian that is symmetric up to `h.amplitude_error`, scaled to entries of
        about 1.
    inversion : Operator
        Inversion.
    filled : int
        Number n of occupied bands.

    Returns
    -------
    Parities
        Counts and gap.
    """
    n = h.n_bands
    level, state = np.linalg.eigh(inversion.matrix)
    odd, even = state[:, level < 0.0], state[:, level >= 0.0]
    norms = np.linalg.norm(h.amplitudes, axis=(-2, -1))
    size = float(norms.sum()) * UP
    rebuilt = even @ even.conj().T - odd @ odd.conj().T
    # distance of the exact P from the one that has the computed basis, made orthonormal
    turned = (
        inversion.error
        + float(np.linalg.norm(rebuilt - inversion.matrix)) * UP
        + 2.1 * orthonormality(state)
        + 2.0 * float(product_error(n, np.asarray(np.sqrt(n))))
    )
    formed = 0.0 if h.amplitude_error is None else h.amplitude_error
    error = (
        float(slack_of(norms, np.zeros(len(norms), np.int64), n, formed))
        + 2.1 * turned * size
        + float(block_error([odd, even], np.asarray(size)))
    )
    at = corner_sums(h.vectors, h.amplitudes[None])[0]
    levels = [np.linalg.eigvalsh(v.conj().T @ at @ v) for v in (odd, even) if v.shape[1]]
    every = np.sort(np.concatenate(levels, axis=-1), axis=-1)
    top, bottom = every[:, filled - 1], every[:, filled]
    gap = float((bottom - top).min())
    below = (levels[0] <= top[:, None]).sum(-1) if odd.shape[1] else np.zeros(len(at), np.int64)
    return Parities(below.astype(np.int64), gap, turned < 0.5 and gap > 2.0 * UP * error)
