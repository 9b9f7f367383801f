"""Chern numbers of any number of bands in two dimensions (class A), from Bloch matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from topophys.datasets._prescreening import bloch_at, screened
from topophys.datasets.families import (
    Arrays,
    Family,
    bands_of,
    channels,
    draw_bands,
    square,
    unitaries,
)
from topophys.datasets.recipe import Recipe, SplitSpec
from topophys.datasets.schema import COMMON, Field
from topophys.datasets.tasks import Sampling, Task, register_task
from topophys.errors import InputError
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.invariants._cells import eigh_batch
from topophys.invariants.berry import berry_flux
from topophys.invariants.chern import certify_chern
from topophys.invariants.evidence import Asked
from topophys.invariants.results import Certificate

__all__ = ["Bands", "BandsTask", "MatrixTask"]


class Bands(Family):
    """Any number of bands in two dimensions: certified Chern numbers, Berry flux on a grid."""

    # a proof takes milliseconds: rejected draws cost more than the loop
    batch: ClassVar[int] = 64
    #: Number of bands where the recipe does not say it.
    default_bands: ClassVar[int] = 2

    @property
    def filled(self) -> int:
        """Number of occupied bands."""
        return self.spec.filled

    def sizes(self) -> dict[str, int]:
        n_x, n_y = self.grid
        n = self.spec.n_bands or self.default_bands
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
        energy, _ = eigh_batch(bloch_at(self.vectors(), hoppings, k))
        return np.asarray(energy[..., self.filled] - energy[..., self.filled - 1])

    def _prove(self, min_gap: float, hoppings: Complex[np.ndarray, "S M n n"]) -> Certificate:
        return certify_chern(self._bands(hoppings), min_gap=min_gap)

    def evaluate(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Arrays:
        planes = self._bands(hoppings)
        h_k = planes.on_grid(self.grid)
        filled = self.spec.filled
        shown = h_k
        if self.flatten_bands:
            _, states = np.linalg.eigh(h_k)
            occupied = states[..., :filled]
            projector = occupied @ np.conj(np.swapaxes(occupied, -1, -2))
            shown = np.eye(h_k.shape[-1]) - 2.0 * projector
        grid = self.grid[0], self.grid[1]
        return {"x": channels(shown), "flux": berry_flux(planes, n_occupied=filled, grid=grid)}

    def change_gauge(
        self, hoppings: Complex[np.ndarray, "S M n n"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M n n"]:
        basis = unitaries(len(hoppings), hoppings.shape[-1], rng)[:, None]
        turned: NDArray[np.complex128] = basis @ hoppings @ np.conj(np.swapaxes(basis, -1, -2))
        turned = self._shift(len(hoppings), rng)[..., None, None] * turned
        # H(-R) = H(R)^dagger to the last bit; -R stands where R stands from the other end
        return 0.5 * (turned + np.conj(np.swapaxes(turned[:, ::-1], -1, -2)))

    def _bands(self, hoppings: Complex[np.ndarray, "S M n n"]) -> FourierHamiltonian:
        return bands_of(self.vectors(), hoppings, self.filled)


class MatrixTask(Task):
    """A task whose networks read Bloch matrices, or 1 - 2 P if flattened."""

    def samples(self, H: Any, sampling: Sampling) -> tuple[NDArray[Any], NDArray[Any]]:
        from topophys.learn.inputs import matrix_samples

        return matrix_samples(H, sampling)


class BandsTask(MatrixTask):
    """Chern number of the occupied bands of Bloch matrices of any size."""

    name = "bands"
    dim = 2
    invariant = "chern"
    batch = Bands.batch
    title = "Chern number of the occupied bands"
    symbol = "C"
    quantity = "Chern number"
    given: ClassVar[str | None] = "hoppings"
    families: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "class_a": ("n_bands", "n_occupied"),
        "given_bands": ("n_bands", "n_occupied"),
    }
    fields = (
        Field("x", ("S", "Nx", "Ny", "c"), "<f4", "1 (flattened) or rms band energy",
              "Input of a network: H(k), or if flattened 1 - 2 P(k) with the projector P on the"
              " occupied bands, complex n x n array viewed as 2 n^2 floats."),
        Field("hoppings", ("S", "M", "n", "n"), "<c16", "rms band energy",
              "Matrices H_R of H(k) = sum_R H_R exp(i k.R), R from attribute `vectors`."),
        Field("flux", ("S", "Nx", "Ny"), "<f8", "rad",
              "Berry flux of the occupied bands through the plaquette at k, from float64 H(k)."),
        *COMMON,
    )  # fmt: skip
    encoder = "TopologicalMLEncoderLoops"
    local_field = "flux"

    def family(self, recipe: Recipe, spec: SplitSpec) -> Bands:
        return Bands(recipe, spec)

    def hamiltonians(
        self, vectors: NDArray[np.int64], hoppings: NDArray[np.complex128], filled: int
    ) -> FourierHamiltonian:
        return bands_of(vectors, hoppings, filled)

    def coefficients(
        self,
        vectors: NDArray[np.int64],
        given: NDArray[np.complex128],
        n_occupied: int | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.complex128], int | None]:
        if n_occupied is None:
            raise InputError(
                "Argument `n_occupied` (option -n) must be given for `hoppings`, because the file"
                f" does not say how many of the {given.shape[-1]} bands are occupied."
            )
        rows = {tuple(v): given[:, m] for m, v in enumerate(vectors.tolist())}
        h = FourierHamiltonian(rows, n_occupied=n_occupied)
        return h.vectors, h.amplitudes, h.n_occupied

    def prove(
        self,
        H: Any,
        n_occupied: int | None,
        sublattice: Sequence[int] | None = None,  # noqa: ARG002
    ) -> Certificate:
        return certify_chern(H, n_occupied=n_occupied)


TASK: Final = register_task(BandsTask())
