"""The cells of a proof, one by one: to look at, and to check the kernels by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from topophys import _validation
from topophys._typing import BlockLike, FourierLike, is_block_like
from topophys.errors import InputError, KindError, ShapeError, UnresolvedError
from topophys.invariants._leaves_chain import chain_leaves
from topophys.invariants._leaves_plane import plane_leaves
from topophys.invariants._limits import described, dimension

__all__ = ["CertificateLeaves", "certificate_leaves"]

#: The lattice of corners must fit into int64 products with lattice vectors.
DEEPEST: Final = 24


@dataclass(frozen=True, eq=False)
class CertificateLeaves:
    """Cells that tile the zone; on each the gap is proven open, and their integers add up.

    Attributes
    ----------
    quantity : str
        What the contributions add up to: "winding number" or "Chern number".
    corner : float64 ndarray of shape (L, dim)
        Momenta of the corners with the smallest components, in [-pi, pi).
    size : float64 ndarray of shape (L,)
        Edge lengths, in radians.
    depth : int64 ndarray of shape (L,)
        How often a cell of the starting grid was divided.
    gap_lower : float64 ndarray of shape (L,)
        Proven lower bound of the gap on the leaf, in the units of the hoppings.
    contribution : int64 ndarray of shape (L,)
        Signed number of times the image of the leaf meets a ray: -1, 0 or 1.

    Examples
    --------
    >>> import topophys as tp
    >>> leaves = tp.certificate_leaves(tp.models.qwz(-1.9))
    >>> leaves.value, bool(leaves.gap_lower.min() > 0)
    (1, True)
    """

    quantity: str
    corner: Float[np.ndarray, "L dim"]
    size: Float[np.ndarray, " L"]
    depth: Int[np.ndarray, " L"]
    gap_lower: Float[np.ndarray, " L"]
    contribution: Int[np.ndarray, " L"]

    @property
    def value(self) -> int:
        """Sum of the contributions: the invariant."""
        return int(self.contribution.sum())

    def __len__(self) -> int:
        return len(self.size)

    def __repr__(self) -> str:
        counts = ", ".join(map(str, np.bincount(self.depth)))
        return (
            f"Leaves of the {self.quantity} {self.value:+d}: {len(self)} cells\n"
            f"  by depth         {counts}\n"
            f"  gap at least     {self.gap_lower.min():.3g}"
        )


def certificate_leaves(
    H: FourierLike | BlockLike, *, max_depth: int = 16, max_leaves: int = 100_000
) -> CertificateLeaves:
    r"""Divide the zone until each cell is proven, and return the cells.

    A plain, slow second version of what `certify_winding` and the two-band part of
    `certify_chern` do, with the same bounds: on an interval the determinant of D(k) stays in a
    convex set without the origin, on a square d(k) in an open half space. The image of a cell
    then meets a ray as often as its polygon does, and

    .. math:: \nu, C = \sum_{\text{leaves}} (\text{signed meetings with the ray}) .

    Parameters
    ----------
    H : ChiralHamiltonian, or FourierHamiltonian with two bands in two dimensions
        A single Hamiltonian.
    max_depth : int, optional
        How often a cell of the starting grid may be divided, at most 24.
    max_leaves : int, optional
        Largest number of cells.

    Returns
    -------
    CertificateLeaves
        Corners, sizes, bounds and contributions; arrays of shape (L,) for L leaves.

    Raises
    ------
    KindError
        If `H` has neither a chiral block nor two bands in two dimensions.
    ShapeError, InputError
        If `H` is a batch, or a limit out of range.
    UnresolvedError
        If a cell stays unproven: the gap is closed, or too small for the limits.

    References
    ----------
    .. [1] R. E. Moore, R. B. Kearfott, M. J. Cloud, *Introduction to Interval Analysis*,
       SIAM (2009), chap. 6.
    .. [2] G. E. Volovik, *The Universe in a Helium Droplet*, Oxford University Press (2003),
       chap. 11.

    Examples
    --------
    >>> import topophys as tp
    >>> certificate_leaves(tp.models.ssh(1.0, 2.0))
    Leaves of the winding number +1: 8 cells
      by depth         8
      gap at least     1.84
    """
    depth = _validation.positive_int(max_depth, "max_depth", minimum=0)
    if depth > DEEPEST:
        raise InputError(f"Argument `max_depth` must be at most {DEEPEST}, but is {max_depth}.")
    most = _validation.positive_int(max_leaves, "max_leaves")
    if is_block_like(H):
        _require_single(H.block_amplitudes.shape[:-3])
        quantity, found = "winding number", chain_leaves(H, depth, most)
    elif dimension(H) == 2 and H.n_bands == 2:
        _require_single(H.batch_shape)
        quantity, found = "Chern number", plane_leaves(H, depth, most)
    else:
        raise KindError(
            "Argument `H` must be a ChiralHamiltonian or have two bands in two dimensions, but is"
            f" {described(H)}"
        )
    if found is None:
        raise UnresolvedError(quantity, [0], 1)
    return CertificateLeaves(quantity, *found)


def _require_single(batch: tuple[int, ...]) -> None:
    if batch != ():
        raise ShapeError(
            f"Argument `H` must be a single Hamiltonian, but is a batch of shape {batch}; take one"
            " of them by its index."
        )
