"""What a data set needs to know about each random family: drawing, proving, evaluating."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Complex, Int
from numpy.typing import NDArray

from topophys.datasets.recipe import Recipe
from topophys.datasets.schema import Kind
from topophys.datasets.specs import SplitSpec
from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.ensembles import aiii_chains, two_band
from topophys.hamiltonians.flatten import flatten_block, flatten_d
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.berry import berry_flux_from_d
from topophys.invariants.certificate import Certificate
from topophys.invariants.certify_chern import certify_chern
from topophys.invariants.certify_winding import certify_winding
from topophys.invariants.winding import winding_angle, winding_steps

__all__ = ["Family", "family_of"]

Arrays = dict[str, NDArray[np.generic]]


class Family(ABC):
    """A family of Hamiltonians, for one split of a recipe."""

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Lengths of all shape letters of the schema but S."""

    @abstractmethod
    def vectors(self) -> NDArray[np.int64]:
        """Lattice vectors of the stored coefficients, of shape (M, dim)."""

    @abstractmethod
    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.complex128]:
        """Coefficients of `n` random Hamiltonians, as they are stored."""

    @abstractmethod
    def certify(self, hoppings: NDArray[np.complex128], min_gap: float) -> Certificate:
        """Prove the invariant of each Hamiltonian with the given coefficients."""

    @abstractmethod
    def evaluate(self, hoppings: NDArray[np.complex128]) -> Arrays:
        """Fields that follow from the coefficients: input of the network and local targets."""


class _Chains(Family):
    """Chiral chains: certified winding numbers, winding angles on a grid."""

    def __init__(self, recipe: Recipe, spec: SplitSpec) -> None:
        self.reach = spec.hopping_range or recipe.hamiltonian.hopping_range
        self.n = recipe.hamiltonian.n_orbitals
        self.grid = spec.grid or recipe.input.grid
        self.flatten = recipe.input.flatten

    def sizes(self) -> dict[str, int]:
        return {"N": self.grid[0], "c": 2 * self.n**2, "M": 2 * self.reach + 1, "n": self.n}

    def vectors(self) -> Int[np.ndarray, "M 1"]:
        return np.arange(-self.reach, self.reach + 1)[:, None]

    def draw(self, n: int, rng: np.random.Generator) -> Complex[np.ndarray, "S M n n"]:
        chains = aiii_chains(n, n_orbitals=self.n, hopping_range=self.reach, rng=rng)
        return chains.block_amplitudes

    def certify(self, hoppings: Complex[np.ndarray, "S M n n"], min_gap: float) -> Certificate:
        return certify_winding(self._chains(hoppings), min_gap=min_gap)

    def evaluate(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Arrays:
        block = self._chains(hoppings).block(k_grid(self.grid))
        shown = flatten_block(block) if self.flatten else block
        flat = np.ascontiguousarray(shown).reshape(*shown.shape[:-2], self.n**2)
        return {
            "x": flat.view(np.float64).astype("<f4"),
            "alpha": winding_angle(block),
            "dalpha": winding_steps(block),
        }

    def _chains(self, hoppings: Complex[np.ndarray, "S M n n"]) -> ChiralHamiltonian:
        return ChiralHamiltonian.from_array(-self.reach, hoppings)


class _TwoBand(Family):
    """Two bands in two dimensions: certified Chern numbers, Berry flux on a grid."""

    def __init__(self, recipe: Recipe, spec: SplitSpec) -> None:
        self.reach = spec.hopping_range or recipe.hamiltonian.hopping_range
        self.grid = spec.grid or recipe.input.grid
        self.flatten = recipe.input.flatten

    def sizes(self) -> dict[str, int]:
        n_x, n_y = self.grid
        return {"Nx": n_x, "Ny": n_y, "M": (2 * self.reach + 1) ** 2}

    def vectors(self) -> Int[np.ndarray, "M 2"]:
        line = np.arange(-self.reach, self.reach + 1)
        return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)

    def draw(self, n: int, rng: np.random.Generator) -> Complex[np.ndarray, "S M 3"]:
        return two_band(n, hopping_range=self.reach, rng=rng).d_amplitudes

    def certify(self, hoppings: Complex[np.ndarray, "S M 3"], min_gap: float) -> Certificate:
        return certify_chern(_two_band(self.vectors(), hoppings), min_gap=min_gap)

    def evaluate(self, hoppings: Complex[np.ndarray, "S M 3"]) -> Arrays:
        d = _two_band(self.vectors(), hoppings).d(k_grid(self.grid))
        shown = flatten_d(d) if self.flatten else d
        return {"x": shown.astype("<f4"), "flux": berry_flux_from_d(d)}


def family_of(recipe: Recipe, spec: SplitSpec) -> Family:
    """Family of one split.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    spec : SplitSpec
        One of its splits.

    Returns
    -------
    Family
        What draws, proves and evaluates its Hamiltonians.
    """
    return _Chains(recipe, spec) if recipe.kind == "winding" else _TwoBand(recipe, spec)


def rebuild(
    kind: Kind, vectors: NDArray[np.int64], hoppings: NDArray[np.complex128]
) -> ChiralHamiltonian | TwoBandHamiltonian:
    """Hamiltonians with exactly the stored coefficients.

    Parameters
    ----------
    kind : {"winding", "chern"}
        Kind of data set.
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors, as stored.
    hoppings : complex128 ndarray of shape (..., M, n, n) or (..., M, 3)
        Coefficients, as stored.

    Returns
    -------
    ChiralHamiltonian or TwoBandHamiltonian
        One Hamiltonian, or a batch.
    """
    if kind == "winding":
        return ChiralHamiltonian.from_array(int(vectors[0, 0]), hoppings)
    return _two_band(vectors, hoppings)


def _two_band(vectors: NDArray[np.int64], hoppings: NDArray[np.complex128]) -> TwoBandHamiltonian:
    return TwoBandHamiltonian(
        {tuple(v): hoppings[..., m, :] for m, v in enumerate(vectors.tolist())}
    )
