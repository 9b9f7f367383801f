"""Proven winding number of chiral chains."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from topophys._typing import BlockLike, is_block_like
from topophys.errors import KindError
from topophys.invariants._limits import described, limits
from topophys.invariants._scale import divide_out, times_power
from topophys.invariants.certificate import Certificate, Evidence, conclude
from topophys.kernels import status as st
from topophys.kernels.certify_winding import certify_windings
from topophys.kernels.gap_at import gaps_at
from topophys.kernels.trig_series import trig_table

__all__ = ["certify_winding"]


def certify_winding(
    H: BlockLike,
    *,
    min_gap: float = 0.0,
    max_depth: int = 24,
    max_evaluations: int = 100_000,
    on_unresolved: Literal["mark", "raise"] = "mark",
) -> Certificate:
    r"""Winding number of the continuous chain, proven from its Fourier coefficients.

    .. math:: \nu = \frac{1}{2\pi} \oint \mathrm{d} \arg\det D(k), \qquad
        \det D(k) = \sum_m f_m e^{imk}

    Intervals of the zone are bisected until Taylor's theorem keeps det D on each away from zero;
    then the winding is that of the polygon through their end points, counted by signs alone.
    The same intervals prove the gap :math:`2 \min_k \sigma_{\min}(D)`: exactly in the limit of
    small intervals for one or two orbitals, from below for more.

    Parameters
    ----------
    H : ChiralHamiltonian
        A chain or a batch of chains.
    min_gap : float, optional
        Certify only what is proven to have at least this energy gap, in the units of the
        hoppings. More intervals are used where needed.
    max_depth : int, optional
        How often an interval of the starting grid may be halved, at most 40.
    max_evaluations : int, optional
        How many k points may be looked at per chain.
    on_unresolved : {"mark", "raise"}, optional
        Where there is no proof: say so in the status, or raise.

    Returns
    -------
    Certificate
        Value, status, gap bound and effort, each of shape (...) like the batch of `H`.

    Raises
    ------
    KindError
        If `H` has no chiral block.
    UnresolvedError
        If asked for and a chain is unresolved.

    References
    ----------
    .. [1] R. E. Moore, R. B. Kearfott, M. J. Cloud, *Introduction to Interval Analysis*,
       SIAM (2009), chap. 6.

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.certify_winding(tp.models.ssh(1.0, [0.999, 1.001]))
    >>> proof.value, proof.gap_lower > 0
    (array([0, 1]), array([ True,  True]))
    """
    if not is_block_like(H):
        raise KindError(
            "Argument `H` must be a ChiralHamiltonian (class AIII, with a block D(k)), but is"
            f" {described(H)}"
        )
    checked = limits(min_gap, max_depth, max_evaluations, deepest=40)

    amplitudes = H.block_amplitudes
    batch, (n_shift, n, _) = amplitudes.shape[:-3], amplitudes.shape[-3:]
    blocks, exponent = divide_out(amplitudes.reshape(math.prod(batch), n_shift, n, n))
    size = len(blocks)
    n_root = n * (n_shift - 1) + 1
    roots = np.exp(2j * np.pi * np.arange(n_root) / n_root)
    turns, evaluations = np.zeros(size, np.int64), np.zeros(size, np.int64)
    evidence, status = np.zeros((size, 3)), np.zeros(size, np.uint8)
    certify_windings(
        blocks, H.block_range[0], roots, _table(n_root - 1, n_shift - 1),
        times_power(checked.min_gap, -exponent), checked.max_depth, checked.max_evaluations,
        turns, evidence, evaluations, status,
    )  # fmt: skip
    k_at_gap_upper = evidence[:, 2]
    seen = _gap_at(blocks, H.block_range[0], k_at_gap_upper) if n > 1 else evidence[:, 1]
    found = Evidence(
        proven=status == st.OK,
        value=turns,
        gap_lower=times_power(evidence[:, 0], exponent),
        gap_upper=times_power(seen, exponent),
        k_at_gap_upper=k_at_gap_upper[:, None],
        evaluations=evaluations,
        status=status,
    )
    return conclude("winding number", found, batch, on_unresolved)


def _table(degree: int, reach: int) -> NDArray[np.float64]:
    """Table of cosines and sines at the nodes of the first intervals."""
    n_node = 4 * (degree // 2) + 8
    points = np.arange(n_node) - n_node // 2
    return trig_table(max((degree + 1) // 2, reach), points, n_node)


def _gap_at(
    blocks: NDArray[np.complex128], lowest: int, k: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gap 2 sigma_min(D(k)) of each chain at its own momentum, good to the last digits."""
    if blocks.shape[-1] == 2:
        gap = np.empty(len(k))
        gaps_at(blocks, lowest, k, gap)
        return gap
    phases = np.exp(1j * k[:, None] * (lowest + np.arange(blocks.shape[1])))
    d_k = np.einsum("bs,bsij->bij", phases, blocks)
    return np.asarray(2.0 * np.linalg.svd(d_k, compute_uv=False)[:, -1])
