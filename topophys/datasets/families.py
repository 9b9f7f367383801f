"""What a data set needs to know about each kind of family: drawing, proving, evaluating."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar, TypeAlias

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from topophys.datasets.chain_fields import channels, fields_of_chains
from topophys.datasets.draws import (
    draw_bands,
    draw_chains,
    draw_d,
    rotations,
    square,
    unitaries,
)
from topophys.datasets.rebuild import bands_of, two_band_of
from topophys.datasets.recipe import Recipe
from topophys.datasets.schema import Kind
from topophys.datasets.screen import bloch_at, screened, with_gap
from topophys.datasets.specs import HamiltonianSpec, SplitSpec
from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.flatten import flatten_block, flatten_d
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.invariants.berry import berry_flux, berry_flux_from_d
from topophys.invariants.certificate import Certificate
from topophys.invariants.certify_chern import certify_chern
from topophys.invariants.certify_gap import certify_gap
from topophys.invariants.certify_winding import certify_winding
from topophys.invariants.evidence import Asked
from topophys.invariants.winding import winding_fields

__all__ = ["Arrays", "Family", "family_of"]

Arrays: TypeAlias = dict[str, NDArray[np.generic]]


class Family(ABC):
    """A family of Hamiltonians, for one split of a recipe."""

    #: Hamiltonians drawn at a time; part of what fixes the samples, like the seed.
    batch: ClassVar[int] = 1024

    def __init__(self, recipe: Recipe, spec: SplitSpec) -> None:
        self.spec: HamiltonianSpec = spec.hamiltonian or recipe.hamiltonian
        self.reach = spec.hopping_range or self.spec.hopping_range
        self.grid = spec.grid or recipe.input.grid
        self.flatten = recipe.input.flatten

    @property
    def by_sample(self) -> bool:
        """Whether many samples at once are evaluated one after the other anyway."""
        return False

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
    def asked(self, hoppings: NDArray[np.complex128]) -> Asked:
        """Say what `certify` is asked, for certificate files."""

    @abstractmethod
    def evaluate(self, hoppings: NDArray[np.complex128]) -> Arrays:
        """Fields that follow from the coefficients: input of the network and local targets."""

    @abstractmethod
    def turn(
        self, hoppings: NDArray[np.complex128], rng: np.random.Generator
    ) -> NDArray[np.complex128]:
        """Coefficients of the same Hamiltonians in another basis, with another origin of k."""

    def _shift(self, n: int, rng: np.random.Generator) -> NDArray[np.complex128]:
        """Phases exp(i R.k0) that move the origin of k, of shape (n, M)."""
        origin = rng.uniform(-np.pi, np.pi, (n, self.vectors().shape[1]))
        # of cosine and sine, so that R and -R get conjugate phases to the last bit
        angle = origin @ self.vectors().T
        return np.cos(angle) + 1j * np.sin(angle)


class _Chains(Family):
    """Chiral chains: certified winding numbers, winding angles on a grid."""

    @property
    def by_sample(self) -> bool:
        return self.spec.n_orbitals <= 2

    def sizes(self) -> dict[str, int]:
        n = self.spec.n_orbitals
        return {"N": self.grid[0], "c": 2 * n**2, "M": 2 * self.reach + 1, "n": n}

    def vectors(self) -> Int[np.ndarray, "M 1"]:
        return np.arange(-self.reach, self.reach + 1)[:, None]

    def draw(self, n: int, rng: np.random.Generator) -> Complex[np.ndarray, "S M n n"]:
        return draw_chains(self.spec, self.reach, n, rng)

    def certify(self, hoppings: Complex[np.ndarray, "S M n n"], min_gap: float) -> Certificate:
        if self.spec.n_orbitals <= 2:
            return certify_winding(self._chains(hoppings), min_gap=min_gap)

        return screened(hoppings, min_gap, 1, self._gaps, partial(self._prove, min_gap))

    def asked(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Asked:
        return Asked(self._chains(hoppings), "winding number")

    def _gaps(
        self, hoppings: Complex[np.ndarray, "S M n n"], k: Float[np.ndarray, "_ P 1"]
    ) -> Float[np.ndarray, "S P"]:
        sigma = np.linalg.svd(bloch_at(self.vectors(), hoppings, k), compute_uv=False)
        return np.asarray(2.0 * sigma[..., -1])

    def _prove(self, min_gap: float, hoppings: Complex[np.ndarray, "S M n n"]) -> Certificate:
        chains = self._chains(hoppings)
        # from determinants the gap of larger blocks is only known to be above something too small
        return with_gap(certify_winding(chains), certify_gap(chains, min_gap=min_gap))

    def evaluate(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Arrays:
        if not self.by_sample:
            return self._evaluate(hoppings)
        orders, k = self.vectors()[:, 0], k_grid(self.grid)[:, 0]
        fields, good = fields_of_chains(orders, hoppings, k, flatten=self.flatten)
        if not good.all():
            for name, part in self._evaluate(hoppings[~good]).items():
                fields[name][~good] = part
        return fields

    def _evaluate(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Arrays:
        block = self._chains(hoppings).block(k_grid(self.grid))
        shown = flatten_block(block) if self.flatten else block
        alpha, dalpha = winding_fields(block)
        return {"x": channels(shown), "alpha": alpha, "dalpha": dalpha}

    def turn(
        self, hoppings: Complex[np.ndarray, "S M n n"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M n n"]:
        n, size = len(hoppings), self.spec.n_orbitals
        left, right = (unitaries(n, size, rng)[:, None] for _ in range(2))
        turned: NDArray[np.complex128] = left @ hoppings @ right
        return self._shift(n, rng)[..., None, None] * turned

    def _chains(self, hoppings: Complex[np.ndarray, "S M n n"]) -> ChiralHamiltonian:
        return ChiralHamiltonian.from_array(-self.reach, hoppings)


class _TwoBand(Family):
    """Two bands in two dimensions: certified Chern numbers, Berry flux on a grid."""

    def sizes(self) -> dict[str, int]:
        n_x, n_y = self.grid
        return {"Nx": n_x, "Ny": n_y, "M": (2 * self.reach + 1) ** 2}

    def vectors(self) -> Int[np.ndarray, "M 2"]:
        return square(self.reach)

    def draw(self, n: int, rng: np.random.Generator) -> Complex[np.ndarray, "S M 3"]:
        return draw_d(self.spec, self.reach, n, rng)

    def certify(self, hoppings: Complex[np.ndarray, "S M 3"], min_gap: float) -> Certificate:
        return certify_chern(two_band_of(self.vectors(), hoppings), min_gap=min_gap)

    def asked(self, hoppings: Complex[np.ndarray, "S M 3"]) -> Asked:
        return Asked(two_band_of(self.vectors(), hoppings), "Chern number", 1)

    def evaluate(self, hoppings: Complex[np.ndarray, "S M 3"]) -> Arrays:
        d = two_band_of(self.vectors(), hoppings).d(k_grid(self.grid))
        shown = flatten_d(d) if self.flatten else d
        return {"x": shown, "flux": berry_flux_from_d(d)}

    def turn(
        self, hoppings: Complex[np.ndarray, "S M 3"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M 3"]:
        rotation = rotations(len(hoppings), rng)
        turned: NDArray[np.complex128] = np.einsum("sij,smj->smi", rotation, hoppings)
        return self._shift(len(hoppings), rng)[..., None] * turned


class _Bands(Family):
    """Any number of bands in two dimensions: certified Chern numbers, Berry flux on a grid."""

    # a proof takes milliseconds: draws that nobody wants cost more than the loop
    batch: ClassVar[int] = 64

    def sizes(self) -> dict[str, int]:
        n_x, n_y = self.grid
        n = self.spec.n_bands or 2
        return {"Nx": n_x, "Ny": n_y, "M": (2 * self.reach + 1) ** 2, "n": n, "c": 2 * n**2}

    def vectors(self) -> Int[np.ndarray, "M 2"]:
        return square(self.reach)

    def draw(self, n: int, rng: np.random.Generator) -> Complex[np.ndarray, "S M n n"]:
        return draw_bands(self.spec, self.reach, n, rng)

    def certify(self, hoppings: Complex[np.ndarray, "S M n n"], min_gap: float) -> Certificate:
        return screened(hoppings, min_gap, 2, self._gaps, partial(self._prove, min_gap))

    def asked(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Asked:
        return Asked(self._bands(hoppings), "Chern number", self.spec.filled)

    def _gaps(
        self, hoppings: Complex[np.ndarray, "S M n n"], k: Float[np.ndarray, "_ P 2"]
    ) -> Float[np.ndarray, "S P"]:
        energy = np.linalg.eigvalsh(bloch_at(self.vectors(), hoppings, k))
        return np.asarray(energy[..., self.spec.filled] - energy[..., self.spec.filled - 1])

    def _prove(self, min_gap: float, hoppings: Complex[np.ndarray, "S M n n"]) -> Certificate:
        return certify_chern(self._bands(hoppings), min_gap=min_gap)

    def evaluate(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Arrays:
        h_k = self._bands(hoppings).on_grid(self.grid)
        filled = self.spec.filled
        shown = h_k
        if self.flatten:
            _, states = np.linalg.eigh(h_k)
            occupied = states[..., :filled]
            projector = occupied @ np.conj(np.swapaxes(occupied, -1, -2))
            shown = np.eye(h_k.shape[-1]) - 2.0 * projector
        return {"x": channels(shown), "flux": berry_flux(h_k, n_occupied=filled)}

    def turn(
        self, hoppings: Complex[np.ndarray, "S M n n"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M n n"]:
        basis = unitaries(len(hoppings), hoppings.shape[-1], rng)[:, None]
        turned: NDArray[np.complex128] = basis @ hoppings @ np.conj(np.swapaxes(basis, -1, -2))
        turned = self._shift(len(hoppings), rng)[..., None, None] * turned
        # H(-R) = H(R)^dagger to the last bit; -R stands where R stands from the other end
        return 0.5 * (turned + np.conj(np.swapaxes(turned[:, ::-1], -1, -2)))

    def _bands(self, hoppings: Complex[np.ndarray, "S M n n"]) -> FourierHamiltonian:
        return bands_of(self.vectors(), hoppings, self.spec.filled)


_CLASSES: dict[Kind, type[Family]] = {"winding": _Chains, "chern": _TwoBand, "bands": _Bands}


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
    return _CLASSES[recipe.kind](recipe, spec)


def family_batch(kind: Kind) -> int:
    """Hamiltonians drawn at a time, for each kind of data set."""
    return _CLASSES[kind].batch
