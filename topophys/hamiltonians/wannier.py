"""Hamiltonians in a basis of Wannier functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from topophys import _checks
from topophys.errors import InputError
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["WannierHamiltonian"]

W = TypeVar("W", bound="WannierHamiltonian")


class WannierHamiltonian(FourierHamiltonian):
    r"""Hamiltonian in a basis of Wannier functions, with the lattice it lives on.

    Parameters
    ----------
    hoppings : mapping of tuple of int to array-like of shape (n, n)
        Hopping matrix of each lattice vector, in eV.
    n_occupied : int, optional
        Number of occupied bands; half of the bands where not given.
    hermitian : {"check", "average"}, optional
        As for `FourierHamiltonian`.
    lattice : array-like of shape (3, 3), optional
        Primitive vectors as rows, in Angstrom.
    directions : tuple of int, optional
        Which of the three lattice directions the components of R and k belong to.

    Attributes
    ----------
    lattice : float64 ndarray of shape (3, 3) or None
        Primitive vectors as rows, in Angstrom.
    directions : tuple of int
        Lattice directions of the components of R and k.

    Raises
    ------
    ShapeError, InputError, HermiticityError
        As `FourierHamiltonian`.

    References
    ----------
    .. [1] N. Marzari, A. A. Mostofi, J. R. Yates, I. Souza, D. Vanderbilt, Rev. Mod. Phys. 84,
       1419 (2012).

    Examples
    --------
    >>> h = WannierHamiltonian({(0,): [[0.0, 1.0], [1.0, 0.0]]}, lattice=np.eye(3))
    >>> h.directions, h.lattice.shape
    ((0,), (3, 3))
    """

    def __init__(
        self,
        hoppings: Mapping[Any, ArrayLike],
        *,
        n_occupied: int | None = None,
        hermitian: Literal["check", "average"] = "check",
        lattice: ArrayLike | None = None,
        directions: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(hoppings, n_occupied=n_occupied, hermitian=hermitian)
        self.lattice: Float[np.ndarray, "3 3"] | None = (
            None if lattice is None else _checks.as_real(lattice, "lattice", "(..., 3, 3)")
        )
        self.directions = tuple(range(self.dim)) if directions is None else directions
        if len(self.directions) != self.dim:
            raise InputError(
                f"Argument `directions` must name {self.dim} directions, but is {self.directions}."
            )

    def _blank(self: W) -> W:
        fresh = super()._blank()
        fresh.lattice, fresh.directions = self.lattice, self.directions
        return fresh
