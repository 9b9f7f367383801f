"""Magnetic order of toy materials, from their structures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from topophys.hamiltonians.toy._bonds import Bonds
from topophys.hamiltonians.toy.cells import LAYER_CELLS
from topophys.hamiltonians.toy.species import column
from topophys.hamiltonians.toy.structures import ToyStructures

__all__ = ["DROPPED", "ORDERS", "ToyMagnetism", "toy_magnetism"]

#: Names of the classes, by the integer in `ToyMagnetism.order`.
ORDERS: Final = ("NM", "FM", "AFM")
#: What `ToyMagnetism.order` holds where the order is none of these, and why.
DROPPED: Final = {-1: "ferrimagnetic", -2: "exchange too weak to decide"}
#: Exchange, in units of a bond's, below which the order is not decided.
LEAST_EXCHANGE: Final = 0.01


@dataclass(frozen=True, eq=False)
class ToyMagnetism:
    """Ordered moments of a batch.

    Attributes
    ----------
    order : int64 ndarray of shape (B,)
        Position in `ORDERS`, or a key of `DROPPED`.
    splitting : float64 ndarray of shape (B, 2)
        Exchange field on the active atoms, in units of energy; its sign is that of the moment.
    """

    order: Int[np.ndarray, " B"]
    splitting: Float[np.ndarray, "B 2"]

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ToyMagnetism:
        return ToyMagnetism(self.order[rows], self.splitting[rows])


def toy_magnetism(
    crystals: ToyStructures, bonds: Bonds, cells: NDArray[np.int64] = LAYER_CELLS
) -> ToyMagnetism:
    r"""Find moments by the Stoner criterion and their order by the sign of the exchange.

    .. math::
        M_i = M^0_i \sqrt{1 - (W / U_i)^2} \;\; (W < U_i), \qquad
        W^2 = \sum_j |t_{ij}|^2, \qquad
        J = \sum_j f(r_{ij}) + \sum_l g_l \, (\sin^2\theta_l - \cos^2\theta_l)

    Wide bands carry no moment. Two moments align for J > 0 and oppose each other for J < 0, which
    is the ground state of the classical Heisenberg model with these two in a cell. The direct
    exchange f changes its sign with the distance (Bethe and Slater); ligands l between the two
    add superexchange, antiferromagnetic at angles A-l-B of 180 and ferromagnetic at 90 degrees
    (Goodenough and Kanamori).

    Parameters
    ----------
    crystals : ToyStructures
        Structures.
    bonds : Bonds
        Their bonds.
    cells : int64 ndarray of shape (M, D), optional
        Cells along the first D lattice vectors in which ligands between the two are looked for.

    Returns
    -------
    ToyMagnetism
        Classes and exchange fields.

    References
    ----------
    .. [1] E. C. Stoner, Proc. R. Soc. Lond. A 165, 372 (1938).
    .. [2] J. B. Goodenough, Phys. Rev. 100, 564 (1955).
    """
    active = crystals.species[:, :2]
    repulsion, full = column("repulsion")[active], column("moment")[active]
    width = np.sqrt((bonds.hop**2).sum(1))[:, None]
    share = np.where(repulsion > width, width / np.where(repulsion > 0.0, repulsion, 1.0), 1.0)
    size = full * np.sqrt(1.0 - share**2)
    exchange = _direct(active, bonds) + _through_ligands(crystals, cells)
    magnetic = size > 0.0
    two = magnetic.all(1)
    order = np.where(magnetic.any(1), 1, 0)
    order = np.where(two & (exchange < 0.0), 2, order)
    order = np.where((order == 2) & (size[:, 0] != size[:, 1]), -1, order)
    order = np.where(two & (np.abs(exchange) < LEAST_EXCHANGE), -2, order)
    sign = np.stack([np.ones(len(order)), np.where(order == 2, -1.0, 1.0)], axis=1)
    return ToyMagnetism(order, size * sign)


def _direct(active: NDArray[np.int64], bonds: Bonds) -> NDArray[np.float64]:
    reach = column("radius")[active].sum(1)[:, None]
    change = column("crossover")[active].mean(1)[:, None]
    x = bonds.distance / reach
    total: NDArray[np.float64] = ((x - change) * np.exp(-3.0 * (x - 1.0)) * bonds.near).sum(1)
    return total


def _through_ligands(crystals: ToyStructures, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Superexchange over ligands that lie between A and the nearest images of B."""
    where = crystals.positions
    shifts = cells @ crystals.lattice[:, : cells.shape[1]]
    total = np.zeros(len(crystals))
    for slot in range(2, where.shape[1]):
        to_a = where[:, None, 0] + shifts - where[:, None, slot]
        to_b = where[:, None, 1] + shifts - where[:, None, slot]
        r_a, r_b = np.linalg.norm(to_a, axis=-1), np.linalg.norm(to_b, axis=-1)
        product = np.maximum(r_a[:, :, None] * r_b[:, None], 1e-9)  # where there is no ligand
        cosine = np.einsum("bix,bjx->bij", to_a, to_b) / product
        weight = np.exp(-2.0 * (r_a - 1.6))[:, :, None] * np.exp(-2.0 * (r_b - 1.6))[:, None]
        pull = (weight * (1.0 - 2.0 * cosine**2)).sum((1, 2))
        total += np.where(crystals.species[:, slot] >= 0, 0.25 * pull, 0.0)
    return total
