"""Majorana numbers of superconducting chains (class D)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from topophys.datasets._prescreening import bloch_at, screened
from topophys.datasets.families import (
    Arrays,
    Family,
    channels,
    entries_of,
    with_hard_entries,
)
from topophys.datasets.recipe import Recipe, SplitSpec
from topophys.datasets.schema import COMMON, Field
from topophys.datasets.tasks import register_task
from topophys.ensembles import bdg_chains
from topophys.grids import k_grid
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.invariants.evidence import Asked
from topophys.invariants.majorana import majorana_number
from topophys.invariants.results import Certificate
from topophys.kernels.lapack import eigenvalues
from topophys.tasks.bands import MatrixTask

__all__ = ["BdgChains", "MajoranaTask", "flattened"]


def flattened(h_k: Complex[np.ndarray, "*points n n"]) -> Complex[np.ndarray, "*points n n"]:
    """1 - 2 P with the projector P on the lower half of the levels.

    Shapes: `h_k` (..., n, n); returns (..., n, n).
    """
    n = h_k.shape[-1]
    occupied = np.linalg.eigh(h_k)[1][..., : n // 2]
    return np.asarray(np.eye(n) - 2.0 * occupied @ occupied.conj().swapaxes(-1, -2))


class BdgChains(Family):
    """Superconducting chains in a Majorana basis, half filled: certified Majorana numbers."""

    def sizes(self) -> dict[str, int]:
        n = self.spec.n_bands or 4
        return {"N": self.grid[0], "c": 2 * n**2, "M": 2 * self.reach + 1, "n": n}

    def vectors(self) -> Int[np.ndarray, "M 1"]:
        return np.arange(-self.reach, self.reach + 1)[:, None]

    def draw(self, n: int, rng: np.random.Generator) -> Complex[np.ndarray, "S M n n"]:
        return bdg_chains(
            n,
            n_bands=self.spec.n_bands or 4,
            hopping_range=self.reach,
            entries=entries_of(self.spec.family),
            rng=rng,
        ).amplitudes

    def certify(self, hoppings: Complex[np.ndarray, "S M n n"], min_gap: float) -> Certificate:
        def prove(kept: NDArray[np.complex128]) -> Certificate:
            return majorana_number(
                self._chains(kept), particle_hole="majorana", kind="direct", min_gap=min_gap
            )

        return screened(hoppings, min_gap, 1, self._gaps, prove, even=True)

    def asked(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Asked:
        h = self._chains(hoppings)
        u = np.eye(h.n_bands, dtype=np.complex128)
        return Asked(h, "Majorana number", h.n_occupied, particle_hole=u)

    def evaluate(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Arrays:
        h_k = self._chains(hoppings).bloch(k_grid(self.grid))
        return {"x": channels(flattened(h_k) if self.flatten_bands else h_k)}

    def change_gauge(
        self, hoppings: Complex[np.ndarray, "S M n n"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M n n"]:
        n, size = len(hoppings), hoppings.shape[-1]
        # Majorana operators are turned by real matrices; k = 0 and pi are all that may be exchanged
        turn = np.linalg.qr(rng.standard_normal((n, 1, size, size)))[0]
        signs = np.where(rng.random((n, 1)) < 0.5, 1.0, (-1.0) ** self.vectors()[:, 0])
        real = turn @ hoppings.imag @ turn.swapaxes(-1, -2) * signs[..., None, None]
        real = 0.5 * (real - real[:, ::-1].swapaxes(-1, -2))
        return np.asarray(1j * real, dtype=np.complex128)

    def _gaps(
        self, hoppings: Complex[np.ndarray, "S M n n"], k: Float[np.ndarray, "_ P 1"]
    ) -> Float[np.ndarray, "S P"]:
        energy = eigenvalues(bloch_at(self.vectors(), hoppings, k))
        half = energy.shape[-1] // 2
        return np.asarray(energy[..., half] - energy[..., half - 1])

    def _chains(self, hoppings: Complex[np.ndarray, "S M n n"]) -> FourierHamiltonian:
        return chains_of(self.vectors(), hoppings)


def chains_of(vectors: NDArray[np.int64], hoppings: NDArray[np.complex128]) -> FourierHamiltonian:
    """Half-filled chains from matrices (..., M, n, n) on vectors (M, 1)."""
    table = {tuple(v): hoppings[..., m, :, :] for m, v in enumerate(vectors.tolist())}
    return FourierHamiltonian(table, n_occupied=hoppings.shape[-1] // 2)


class MajoranaTask(MatrixTask):
    """Majorana number of class D chains: Pfaffians at k = 0 and pi, which grids may leave out."""

    name = "majorana"
    dim = 1
    invariant = "majorana"
    title = "Majorana number of superconducting chains"
    symbol = "nu"
    quantity = "Majorana number"
    families: ClassVar[Mapping[str, tuple[str, ...]]] = with_hard_entries({"class_d": ("n_bands",)})
    descriptions: ClassVar[Mapping[str, str]] = {
        "class_d": "Superconducting (class D) chains H(k) = i sum_m A_m exp(i m k), |m| <= {reach},"
        " in a Majorana basis of {bands} operators, with real Gaussian A_m. Each chain is scaled"
        " to unit rms band energy and labelled with its Majorana number nu (0 or 1), (-1)^nu ="
        " sign Pf A(0) Pf A(pi), proven for the continuous chain with the lower half of its"
        " levels filled.",
    }
    fields = (
        Field("x", ("S", "N", "c"), "<f4", "1 (flattened) or rms band energy",
              "Input of a network: H(k), or if flattened 1 - 2 P(k) with the projector P on the"
              " lower half of the levels, complex n x n array viewed as 2 n^2 floats."),
        Field("hoppings", ("S", "M", "n", "n"), "<c16", "rms band energy",
              "Matrices H_m = i A_m of H(k) = sum_m H_m exp(i m k), m from attribute `vectors`."),
        *COMMON,
    )  # fmt: skip

    def family(self, recipe: Recipe, spec: SplitSpec) -> BdgChains:
        return BdgChains(recipe, spec)

    def hamiltonians(
        self,
        vectors: NDArray[np.int64],
        hoppings: NDArray[np.complex128],
        filled: int,  # noqa: ARG002
    ) -> Any:
        return chains_of(vectors, hoppings)

    def prove(
        self,
        H: Any,
        n_occupied: int | None,  # noqa: ARG002
        sublattice: Sequence[int] | None = None,  # noqa: ARG002
    ) -> Certificate:
        return majorana_number(H, particle_hole="majorana", kind="direct")


TASK: Final = register_task(MajoranaTask())
