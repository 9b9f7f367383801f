"""Proven gap between occupied and empty bands."""

from __future__ import annotations

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import KindError
from topophys.invariants._cocycle import gap_evidence
from topophys.invariants._limits import described, dimension, limits
from topophys.invariants.evidence import Asked
from topophys.invariants.results import Certificate, OnUnresolved, conclude

__all__ = ["certify_gap"]


def certify_gap(
    H: FourierLike,
    *,
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_depth: int = 16,
    max_evaluations: int = 100_000,
    tightness: float = 0.25,
    evidence: bool = False,
    on_unresolved: OnUnresolved = "mask",
) -> Certificate:
    r"""Prove that the direct gap above the occupied bands is open at every momentum.

    .. math:: \min_k \, [E_{n+1}(k) - E_n(k)] > 0

    The Brillouin zone is divided into cells until, in the eigenbasis of the centre, the occupied
    and the empty block of H stay apart everywhere on the cell. A gapless Hamiltonian is never
    certified: its cells shrink around the touching point, which is reported.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in one, two or three dimensions, or a batch.
    n_occupied : int, optional
        Number n of occupied bands; that of `H` where not given.
    min_gap : float, optional
        Certify only what is proven to have at least this gap, in the units of the hoppings.
    max_depth : int, optional
        How often a cell of the starting grid may be divided, at most 24.
    max_evaluations : int, optional
        How many eigenproblems may be solved per Hamiltonian.
    tightness : float, optional
        Cells are divided further until `gap_lower` is at least this share, below 1, of
        `gap_upper`, as long as depth and evaluations allow. The closer to 1, the more evaluations
        are used.
    evidence : bool, optional
        Keep the cells and their bases in `Certificate.evidence`.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    Certificate
        The value is n; the evidence is `gap_lower`, each of shape (...) like the batch of `H`.

    Raises
    ------
    KindError
        If `H` is not a Hamiltonian in Fourier form in one to three dimensions.
    UnresolvedError
        If asked for and a Hamiltonian is unresolved.

    References
    ----------
    .. [1] H. Weyl, Math. Ann. 71, 441 (1912).
    .. [2] C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970).

    Examples
    --------
    >>> import topophys as tp
    >>> proof = certify_gap(tp.models.ssh(1.0, [0.5, 1.0]))
    >>> proof.status, bool(0 < proof.gap_lower[0] <= 1.0)
    (array(['certified', 'unresolved'], dtype='<U10'), True)
    """
    if not 1 <= dimension(H) <= 3:
        raise KindError(
            "Argument `H` must be a Hamiltonian in Fourier form in one to three dimensions, but is"
            f" {described(H)}"
        )
    checked = limits(min_gap, max_depth, max_evaluations, deepest=24, tightness=tightness)
    filled = _validation.occupied(H.n_occupied if n_occupied is None else n_occupied, H.n_bands)
    found = gap_evidence(H, filled, checked, evidence=evidence)
    return conclude("gap", found, H.batch_shape, on_unresolved, Asked(H, "gap", filled))
