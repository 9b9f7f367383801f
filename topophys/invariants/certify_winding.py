"""Proven winding number of chiral chains."""

from __future__ import annotations

from topophys._typing import BlockLike, is_block_like
from topophys.errors import KindError
from topophys.invariants._limits import described, limits
from topophys.invariants._winding import winding_evidence
from topophys.invariants.certificate import Certificate, OnUnresolved, conclude
from topophys.invariants.evidence import Asked

__all__ = ["certify_winding"]


def certify_winding(
    H: BlockLike,
    *,
    min_gap: float = 0.0,
    max_depth: int = 24,
    max_evaluations: int = 100_000,
    on_unresolved: OnUnresolved = "mask",
    evidence: bool = False,
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
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.
    evidence : bool, optional
        Keep the intervals of each proof in `Certificate.evidence`, as certificate files need them.

    Returns
    -------
    Certificate
        Value, status, gap bound and effort, each of shape (...) like the batch of `H`.

    Raises
    ------
    KindError
        If `H` has no chiral block.
    InputError
        If an option is out of range, or N > 2 orbitals times the range of the hoppings exceed
        32768.
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
    found = winding_evidence(H, checked, evidence=evidence)
    batch, asked = H.block_amplitudes.shape[:-3], Asked(H, "winding number")
    return conclude("winding number", found, batch, on_unresolved, asked)
