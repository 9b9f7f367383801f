"""Point-gap winding numbers of non-Hermitian chains."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol, runtime_checkable

from numpy.typing import ArrayLike

from topophys import _validation
from topophys._typing import BlockLike
from topophys.errors import KindError
from topophys.invariants.results import Certificate, OnUnresolved
from topophys.invariants.winding import certify_winding

__all__ = ["PointGapCertificate", "point_gap_winding"]


@runtime_checkable
class NonHermitianLike(Protocol):
    """Chains that can be doubled into Hermitian ones."""

    def hermitized(self, energy: ArrayLike) -> BlockLike:
        """Chiral chains with the block H(k) - E."""


@dataclass(frozen=True, eq=False, repr=False)
class PointGapCertificate(Certificate):
    r"""Winding numbers of complex spectra about energies, each proven or marked as unresolved.

    Attributes
    ----------
    quantity, value, status, k_at_gap_upper, evaluations, reason
        As in `Certificate`, of shape (...).
    gap_lower, gap_upper : float64 ndarray of shape (...)
        Bounds of :math:`2 \min_k \sigma_{\min}(H(k) - E)`: no level of H, nor of any Hamiltonian
        that is nearer to it than half of that, reaches E.
    evidence, asked, parts
        As in `Certificate`, of the doubled Hermitian chain; `save` writes its winding number.

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.point_gap_winding(tp.models.hatano_nelson(1.0, 0.3), 0.0)
    >>> proof.question, int(proof)
    ('winding number of the spectrum of 1 band in 1D about an energy', 1)
    """

    @property
    def question(self) -> str:
        """The question: winding number of a spectrum, bands, dimension."""
        n = 0 if self.asked is None else self.asked.H.block_amplitudes.shape[-1]  # type: ignore[union-attr]  # made by `point_gap_winding`
        return f"winding number of the spectrum of {n} band{'s' * (n > 1)} in 1D about an energy"


def point_gap_winding(
    H: NonHermitianLike,
    energy: ArrayLike = 0.0,
    *,
    min_gap: float = 0.0,
    max_depth: int = 24,
    max_evaluations: int = 100_000,
    on_unresolved: OnUnresolved = "mask",
    evidence: bool = False,
) -> PointGapCertificate:
    r"""Winding number of the spectrum of a non-Hermitian chain about an energy, proven.

    .. math:: w(E) = \frac{1}{2\pi} \oint \mathrm{d} \arg\det [H(k) - E]

    It is the winding number of a Hermitian chain with chiral symmetry whose block is H(k) - E, and
    is proven as that of `certify_winding`. In a half-infinite chain a winding number w means |w|
    eigenstates at E that decay from the end: the skin effect.

    Parameters
    ----------
    H : NonHermitianHamiltonian
        A chain or a batch of chains.
    energy : array-like of shape (...), optional
        Complex energy E, one for all or one for each chain, or more axes of them.
    min_gap : float, optional
        Certify only what is proven to have at least this point gap
        :math:`2 \min_k \sigma_{\min}(H(k) - E)`, in the units of the hoppings.
    max_depth : int, optional
        How often an interval of the starting grid may be halved, at most 40.
    max_evaluations : int, optional
        Largest number of evaluated k points per chain.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.
    evidence : bool, optional
        Keep the intervals of each proof in `evidence`, as certificate files need them.

    Returns
    -------
    PointGapCertificate
        Value, status, gap bound and effort, each of shape (...).

    Raises
    ------
    KindError
        If `H` is no NonHermitianHamiltonian.
    InputError, ShapeError
        If an option is out of range, or `energy` does not go with the batch.
    UnresolvedError
        If asked for and a chain is unresolved.

    References
    ----------
    .. [1] Z. Gong, Y. Ashida, K. Kawabata, K. Takasan, S. Higashikawa, M. Ueda, Phys. Rev. X 8,
       031079 (2018).
    .. [2] N. Okuma, K. Kawabata, K. Shiozaki, M. Sato, Phys. Rev. Lett. 124, 086801 (2020).

    Examples
    --------
    >>> import topophys as tp
    >>> chain = tp.models.hatano_nelson(1.0, 0.3)
    >>> point_gap_winding(chain, [0.0, 0.5j, 3.0]).value
    array([1, 1, 0])
    """
    if not isinstance(H, NonHermitianLike):
        raise KindError(
            "Argument `H` must be a NonHermitianHamiltonian, but is"
            f" {_validation.short(H)}; a Hermitian one has no point gap that winds."
        )
    doubled = H.hermitized(energy)
    proof = certify_winding(
        doubled, min_gap=min_gap, max_depth=max_depth, max_evaluations=max_evaluations,
        on_unresolved=on_unresolved, evidence=evidence,
    )  # fmt: skip
    kept = {f.name: getattr(proof, f.name) for f in fields(proof)}
    found = PointGapCertificate(**kept)
    return replace(found, quantity="point-gap winding number")
