"""Proven Chern number of two-dimensional Hamiltonians."""

from __future__ import annotations

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import KindError
from topophys.invariants._bands import chern_evidence
from topophys.invariants._limits import described, dimension, limits
from topophys.invariants._two_band import two_band_evidence
from topophys.invariants.certificate import Certificate, OnUnresolved, conclude
from topophys.invariants.evidence import Asked

__all__ = ["certify_chern"]


def certify_chern(
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
    r"""Chern number of the continuous occupied bands, proven from their Fourier coefficients.

    .. math:: C = \frac{1}{2\pi} \int \mathrm{d}^2k \; \mathrm{tr}\,\Omega(k)

    The zone is subdivided into square cells until each is proven. With two bands: until Taylor's
    theorem keeps d(k) on the cell in an open half space; C is then the degree of the
    piecewise-linear map on a triangulation of the cells, counted by signs alone. With more: until
    the occupied and the empty block of H stay apart on the cell. The bundle of occupied states
    then has a section on each cell, and C is the winding of the transition phases between
    neighbouring cells, which are bounded along whole edges. The same cells prove the direct gap.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in two dimensions, or a batch.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given.
    min_gap : float, optional
        Certify only what is proven to have at least this direct gap, in the units of the
        hoppings. More cells are used where needed.
    max_depth : int, optional
        How often a cell of the starting grid may be subdivided, at most 24.
    max_evaluations : int, optional
        How many k points may be looked at per Hamiltonian.
    tightness : float, optional
        With three bands or more, cells are divided further until `gap_lower` is at least this
        share, below 1, of `gap_upper`, as long as depth and evaluations allow; see `certify_gap`.
    evidence : bool, optional
        Keep the cells, and what proves each, in `Certificate.evidence`.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    Certificate
        Value, status, gap bound and effort, each of shape (...) like the batch of `H`.

    Raises
    ------
    KindError
        If `H` is not a two-dimensional Hamiltonian in Fourier form.
    UnresolvedError
        If asked for and a Hamiltonian is unresolved.

    References
    ----------
    .. [1] D. J. Thouless, M. Kohmoto, M. P. Nightingale, M. den Nijs, Phys. Rev. Lett. 49,
       405 (1982).
    .. [2] G. E. Volovik, *The Universe in a Helium Droplet*, Oxford University Press (2003),
       chap. 11.
    .. [3] C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970).

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.certify_chern(tp.models.qwz([-2.001, -1.999, 2.0]))
    >>> proof.value[:2], proof.status[2]
    (array([0, 1]), np.str_('unresolved'))
    """
    if dimension(H) != 2:
        raise KindError(
            "Argument `H` must be a two-dimensional Hamiltonian in Fourier form, but is"
            f" {described(H)}"
        )
    checked = limits(min_gap, max_depth, max_evaluations, deepest=24, tightness=tightness)
    filled = _validation.occupied(H.n_occupied if n_occupied is None else n_occupied, H.n_bands)
    if H.n_bands == 2:
        found = two_band_evidence(H, checked, evidence=evidence)
    else:
        found = chern_evidence(H, filled, checked, evidence=evidence)
    asked = Asked(H, "Chern number", filled)
    return conclude("Chern number", found, H.batch_shape, on_unresolved, asked)
