"""Winding numbers of chiral insulators in three dimensions (class AIII)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Complex, Int
from numpy.typing import NDArray

from topophys.datasets.families import (
    Arrays,
    Family,
    channels,
    entries_of,
    unitaries,
    with_hard_entries,
)
from topophys.datasets.recipe import Recipe, SplitSpec
from topophys.datasets.schema import COMMON, Field
from topophys.datasets.tasks import Sampling, Task, register_task
from topophys.ensembles import chiral_3d
from topophys.ensembles.symmetric import chiral_of
from topophys.errors import InputError, KindError, ShapeError
from topophys.grids import k_grid
from topophys.hamiltonians.flatten import flatten_block
from topophys.hamiltonians.fourier import FourierHamiltonian, fourier_sum
from topophys.invariants.chiral_3d import QUANTITY, winding_3d
from topophys.invariants.evidence import Asked
from topophys.invariants.results import Certificate

__all__ = ["Chiral3d", "Winding3dTask"]


#: Terms between orbitals of one chirality that count as rounding, as a share of the largest term.
TOLERANCE: Final = 1e-9


class Chiral3d(Family):
    """Perturbed chiral Dirac models with four bands: certified winding numbers."""

    batch: ClassVar[int] = 64
    checkable: ClassVar[bool] = False

    def sizes(self) -> dict[str, int]:
        n_x, n_y, n_z = self.grid
        return {"Nx": n_x, "Ny": n_y, "Nz": n_z, "M": (2 * self.reach + 1) ** 3, "n": 2, "c": 8}

    def vectors(self) -> Int[np.ndarray, "M 3"]:
        line = range(-self.reach, self.reach + 1)
        return np.array(list(itertools.product(line, repeat=3)))

    def draw(self, n: int, rng: np.random.Generator) -> Complex[np.ndarray, "S M n n"]:
        drawn = chiral_3d(
            n,
            strength=self.spec.disorder or 0.0,
            entries=entries_of(self.spec.family),
            rng=rng,
        )
        block = np.zeros((n, len(self.vectors()), 2, 2), np.complex128)
        inside = np.flatnonzero(np.abs(self.vectors()).max(1) <= 1)
        block[:, inside] = drawn.amplitudes[..., :2, 2:]  # both in lexical order
        return block

    def certify(self, hoppings: Complex[np.ndarray, "S M n n"], min_gap: float) -> Certificate:
        return winding_3d(self._chiral(hoppings), chiral="blocks", min_gap=min_gap)

    def asked(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Asked:
        return Asked(self._chiral(hoppings), QUANTITY, 2)

    def evaluate(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Arrays:
        block = fourier_sum(self.vectors(), hoppings, k_grid(self.grid), tail=2)
        return {"x": channels(flatten_block(block) if self.flatten_bands else block)}

    def change_gauge(
        self, hoppings: Complex[np.ndarray, "S M n n"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M n n"]:
        n = len(hoppings)
        left, right = (unitaries(n, 2, rng)[:, None] for _ in range(2))
        turned: NDArray[np.complex128] = left @ hoppings @ right
        return self._shift(n, rng)[..., None, None] * turned

    def _chiral(self, hoppings: Complex[np.ndarray, "S M n n"]) -> FourierHamiltonian:
        return chiral_of(self.vectors(), hoppings)


def _blocks_of(h_k: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Blocks D(k) of chiral matrices in the basis of the chiral operator."""
    n = h_k.shape[-1] // 2
    halves = (h_k[..., :n, :n], h_k[..., n:, n:])
    within = max(float(np.abs(half).max(initial=0.0)) for half in halves)
    if h_k.shape[-1] % 2 or within > TOLERANCE * np.abs(h_k).max(initial=0.0):
        raise KindError(
            "Argument `H` must have orbitals of chirality +1 before those of -1 for this network,"
            f" but has {h_k.shape[-1]} bands and terms up to {within:.3g} within these halves."
        )
    return h_k[..., :n, n:]


class Winding3dTask(Task):
    """Winding number of four chiral bands in three dimensions, from the block D(k)."""

    name = "winding_3d"
    dim = 3
    invariant = "winding_3d"
    batch = Chiral3d.batch
    title = "winding number of chiral insulators in three dimensions"
    symbol = "W3"
    quantity = "winding number"
    families: ClassVar[Mapping[str, tuple[str, ...]]] = with_hard_entries(
        {"chiral_3d": ("disorder",)}
    )
    descriptions: ClassVar[Mapping[str, str]] = {
        "chiral_3d": "Chiral (class AIII) Hamiltonians with four bands in three dimensions: Dirac"
        " models with a mass from -4 to 4 and one momentum reversed or not, mixed by constant"
        " random unitaries, plus complex Gaussian hoppings up to one cell in each direction. Each"
        " is scaled to unit rms band energy and labelled with the winding number W3 of D(k),"
        " proven for the continuous Hamiltonian.",
    }
    fields = (
        Field("x", ("S", "Nx", "Ny", "Nz", "c"), "<f4", "1 (flattened) or rms band energy",
              "Input of a network: block D(k), complex n x n array viewed as 2 n^2 floats."),
        Field("hoppings", ("S", "M", "n", "n"), "<c16", "rms band energy",
              "Coefficients D_R of D(k) = sum_R D_R exp(i k.R), R from attribute `vectors`."),
        *COMMON,
    )  # fmt: skip

    def family(self, recipe: Recipe, spec: SplitSpec) -> Chiral3d:
        return Chiral3d(recipe, spec)

    def hamiltonians(
        self,
        vectors: NDArray[np.int64],
        hoppings: NDArray[np.complex128],
        filled: int,  # noqa: ARG002
    ) -> Any:
        return chiral_of(vectors, hoppings)

    def samples(self, H: Any, sampling: Sampling) -> tuple[NDArray[Any], NDArray[Any]]:
        from topophys.learn.inputs import points_of, refuse_closed

        given = points_of(H, 3)
        blocks = _blocks_of(H.on_grid(sampling.grid)) if given is None else given
        if blocks.shape[-1] != sampling.size:
            raise ShapeError(
                f"Argument `H` must have {2 * sampling.size} bands, or blocks D(k) of size"
                f" {sampling.size}, for this network, but the blocks have {blocks.shape[-1]}."
            )
        if sampling.refine != 1:
            raise InputError(
                f"Argument `refine` must be 1 for networks in three dimensions, but is"
                f" {sampling.refine}; ask for more `k_points`."
            )
        refuse_closed(np.abs(blocks).max((-2, -1)), axes=3)
        return blocks, flatten_block(blocks)

    def prove(
        self,
        H: Any,
        n_occupied: int | None,  # noqa: ARG002
        sublattice: Sequence[int] | None = None,  # noqa: ARG002
    ) -> Certificate:
        return winding_3d(H, chiral="blocks")


TASK: Final = register_task(Winding3dTask())
