"""Z2 invariants of planes with time-reversal symmetry (class AII)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Complex
from numpy.typing import NDArray

from topophys.datasets._prescreening import screened, with_gap
from topophys.datasets.families import (
    Arrays,
    bands_of,
    channels,
    entries_of,
    unitaries,
    with_hard_entries,
)
from topophys.datasets.recipe import Recipe, SplitSpec
from topophys.datasets.schema import COMMON, Field
from topophys.datasets.tasks import register_task
from topophys.ensembles import time_reversal_planes
from topophys.ensembles.symmetric import half_in_pairs
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.invariants._cocycle import gap_evidence
from topophys.invariants._limits import MAX_DEPTH, MAX_EVALUATIONS, TIGHTNESS, Limits
from topophys.invariants._symmetry import spin_reversal
from topophys.invariants.evidence import Asked
from topophys.invariants.gap import certify_gap
from topophys.invariants.results import Certificate, conclude
from topophys.invariants.symmetric import SymmetryCertificate
from topophys.invariants.z2 import z2_invariant
from topophys.tasks.bands import Bands, MatrixTask

__all__ = ["TimeReversalPlanes", "Z2Task"]


def prove_z2(H: Any, n_occupied: int | None = None) -> SymmetryCertificate:
    """Z2 invariants of planes, spin up before spin down, by fluxes through half the zone.

    As in `z2_invariant` they and the gaps are those of the symmetrised Hamiltonians.
    """
    found = z2_invariant(H, n_occupied=n_occupied, method="flux", time_reversal="up first")
    return SymmetryCertificate(
        "Z2 invariant", found.value, found.status, found.gap_lower, found.gap_upper,
        found.k_at_gap_upper, found.evaluations, found.reason,
        symmetry_violation=found.symmetry_violation,
    )  # fmt: skip


def gap_of_pairs(H: FourierHamiltonian, min_gap: float) -> Certificate:
    """Prove the gaps of planes, on half of the zone where levels at k and -k are the same.

    They are where T, spin up before spin down, keeps all hoppings to the last bit: it only moves
    entries and changes signs.
    """
    flip = spin_reversal("up first", H.n_bands)
    if not np.array_equal(flip @ H.amplitudes.conj() @ flip.T, H.amplitudes):
        return certify_gap(H, min_gap=min_gap)
    checked = Limits(min_gap, MAX_DEPTH, MAX_EVALUATIONS, TIGHTNESS)  # as `certify_gap`
    found = gap_evidence(H, H.n_occupied, checked, evidence=False, mirrored=True)
    return conclude("gap", found, H.batch_shape, "mask", Asked(H, "gap", H.n_occupied))


def of_the_given(proof: SymmetryCertificate) -> Certificate:
    """Return the same with bounds of the gap of the given Hamiltonians in place of their means."""
    violation = np.asarray(proof.symmetry_violation)
    there = violation > 0.0
    lower, upper = proof.gap_lower - violation, proof.gap_upper + violation
    return Certificate(
        proof.quantity, proof.value, proof.status,
        np.where(there, np.maximum(0.0, np.nextafter(lower, 0.0)), proof.gap_lower),
        np.where(there, np.nextafter(upper, np.inf), proof.gap_upper),
        proof.k_at_gap_upper, proof.evaluations, proof.reason,
    )  # fmt: skip


class TimeReversalPlanes(Bands):
    """Planes with time reversal, spin up before spin down, half filled: certified Z2 invariants."""

    default_bands: ClassVar[int] = 4

    @property
    def filled(self) -> int:
        """Whole Kramers pairs, half of the bands or one pair less."""
        return self.spec.filled

    def draw(self, n: int, rng: np.random.Generator) -> Complex[np.ndarray, "S M n n"]:
        return time_reversal_planes(
            n,
            n_bands=self.spec.n_bands or self.default_bands,
            hopping_range=self.reach,
            entries=entries_of(self.spec.family),
            rng=rng,
        ).amplitudes

    def certify(self, hoppings: Complex[np.ndarray, "S M n n"], min_gap: float) -> Certificate:
        def prove(kept: NDArray[np.complex128]) -> Certificate:
            h = self._bands(kept)
            proof = of_the_given(prove_z2(h))
            return with_gap(proof, gap_of_pairs(h, min_gap)) if min_gap > 0.0 else proof

        return screened(hoppings, min_gap, 2, self._gaps, prove, even=True)

    def asked(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Asked:
        h = self._bands(hoppings)
        return Asked(h, "Z2 invariant", self.filled, spin_reversal("up first", h.n_bands))

    def evaluate(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Arrays:
        h_k = self._bands(hoppings).on_grid(self.grid)
        if not self.flatten_bands:
            return {"x": channels(h_k)}
        occupied = np.linalg.eigh(h_k)[1][..., : self.filled]
        flat = np.eye(h_k.shape[-1]) - 2.0 * occupied @ occupied.conj().swapaxes(-1, -2)
        return {"x": channels(flat)}

    def change_gauge(
        self, hoppings: Complex[np.ndarray, "S M n n"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M n n"]:
        n, half = len(hoppings), hoppings.shape[-1] // 2
        # one unitary on spin up, its conjugate on spin down: both keep T as it is
        block = unitaries(n, half, rng)
        basis = np.zeros((n, 1, 2 * half, 2 * half), np.complex128)
        basis[:, 0, :half, :half], basis[:, 0, half:, half:] = block, block.conj()
        turned = basis @ hoppings @ basis.conj().swapaxes(-1, -2)
        origin = rng.integers(0, 2, (n, 2))  # momenta with k = -k may be exchanged, and no others
        turned = turned * (1.0 - 2.0 * (origin @ self.vectors().T % 2))[..., None, None]
        flip = spin_reversal("up first", 2 * half)
        turned = 0.5 * (turned + flip @ turned.conj() @ flip.T)
        return np.asarray(0.5 * (turned + turned[:, ::-1].conj().swapaxes(-1, -2)))


class Z2Task(MatrixTask):
    """Z2 invariant of class AII planes without inversion or conserved spin."""

    name = "z2"
    dim = 2
    invariant = "z2"
    batch = TimeReversalPlanes.batch
    title = "Z2 invariant of planes with time reversal"
    symbol = "Z2"
    quantity = "Z2 invariant"
    families: ClassVar[Mapping[str, tuple[str, ...]]] = with_hard_entries(
        {"class_aii": ("n_bands",)}
    )
    descriptions: ClassVar[Mapping[str, str]] = {
        "class_aii": "Planes with time-reversal symmetry (class AII), T = i s_y K, with {bands}"
        " bands, spin up before spin down, H(k) = sum_R H_R exp(i k.R), |R_x|, |R_y| <= {reach},"
        " with complex Gaussian matrices, neither inversion nor a conserved spin. Each is scaled"
        " to unit rms band energy and labelled with the Z2 invariant of the {filled}, proven for"
        " the continuous Hamiltonian.",
    }
    fields = (
        Field("x", ("S", "Nx", "Ny", "c"), "<f4", "1 (flattened) or rms band energy",
              "Input of a network: H(k), or if flattened 1 - 2 P(k) with the projector P on the"
              " occupied bands, complex n x n array viewed as 2 n^2 floats."),
        Field("hoppings", ("S", "M", "n", "n"), "<c16", "rms band energy",
              "Matrices H_R of H(k) = sum_R H_R exp(i k.R), R from attribute `vectors`."),
        *COMMON,
    )  # fmt: skip

    def filling(self, n_bands: int | None, n_occupied: int | None) -> int:  # noqa: ARG002
        """Count whole Kramers pairs, as the ensemble does."""
        return half_in_pairs(n_bands or TimeReversalPlanes.default_bands)

    def family(self, recipe: Recipe, spec: SplitSpec) -> TimeReversalPlanes:
        return TimeReversalPlanes(recipe, spec)

    def hamiltonians(
        self, vectors: NDArray[np.int64], hoppings: NDArray[np.complex128], filled: int
    ) -> Any:
        return bands_of(vectors, hoppings, filled)

    def prove(
        self,
        H: Any,
        n_occupied: int | None,
        sublattice: Sequence[int] | None = None,  # noqa: ARG002
    ) -> Certificate:
        return prove_z2(H, n_occupied)


TASK: Final = register_task(Z2Task())
