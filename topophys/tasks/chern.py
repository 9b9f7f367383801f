"""Chern numbers of two bands in two dimensions (class A), from d-vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Complex, Int
from numpy.typing import NDArray

from topophys.datasets.families import (
    HARD_PLANE_FAMILIES,
    Arrays,
    Family,
    draw_d,
    rotations,
    square,
    two_band_of,
)
from topophys.datasets.recipe import Recipe, SplitSpec
from topophys.datasets.schema import COMMON, Field
from topophys.datasets.tasks import Sampling, Task, register_task
from topophys.ensembles.hard import PLANE_RANGES
from topophys.grids import k_grid, low_pass
from topophys.hamiltonians.flatten import flatten_d
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.berry import berry_flux_from_d, chern_number_from_d
from topophys.invariants.chern import certify_chern
from topophys.invariants.evidence import Asked
from topophys.invariants.results import Certificate

__all__ = ["ChernTask", "TwoBand"]


class TwoBand(Family):
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
        shown = flatten_d(d) if self.flatten_bands else d
        return {"x": shown, "flux": berry_flux_from_d(d)}

    def change_gauge(
        self, hoppings: Complex[np.ndarray, "S M 3"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M 3"]:
        rotation = rotations(len(hoppings), rng)
        turned: NDArray[np.complex128] = np.einsum("sij,smj->smi", rotation, hoppings)
        return self._shift(len(hoppings), rng)[..., None] * turned


class ChernTask(Task):
    """Chern number of two bands: the Berry flux through plaquettes is the local physics."""

    name = "chern"
    dim = 2
    invariant = "chern"
    title = "Chern number of two bands"
    symbol = "C"
    quantity = "Chern number"
    given: ClassVar[str | None] = "d"
    families: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "two_band": (),
        "qwz": (),
        "haldane": (),
        "given_two_band": (),
        **dict.fromkeys(HARD_PLANE_FAMILIES, ()),
    }
    ranges: ClassVar[Mapping[str, int]] = {
        family: PLANE_RANGES.get(e, 1) for family, e in HARD_PLANE_FAMILIES.items()
    }
    descriptions: ClassVar[Mapping[str, str]] = {
        family: f"Two-band Hamiltonians of the ensemble {e!r} of `hard_planes`. Each is scaled to"
        " unit rms band energy and labelled with the Chern number of the lower band, proven for"
        " the continuous Hamiltonian."
        for family, e in HARD_PLANE_FAMILIES.items()
    }
    fields = (
        Field("x", ("S", "Nx", "Ny", "3"), "<f4", "1 (flattened) or rms band energy",
              "Input of a network: d-vector of H(k) = d(k).sigma, divided by |d(k)| if flattened."),
        Field("hoppings", ("S", "M", "3"), "<c16", "rms band energy",
              "Coefficients d_R of d(k) = sum_R d_R exp(i k.R), R from attribute `vectors`."),
        Field("flux", ("S", "Nx", "Ny"), "<f8", "rad",
              "Berry flux of the lower band through the plaquette at k, from float64 d(k)."),
        *COMMON,
    )  # fmt: skip
    encoder = "TopologicalMLEncoder2D"
    local_field = "flux"

    def family(self, recipe: Recipe, spec: SplitSpec) -> TwoBand:
        return TwoBand(recipe, spec)

    def hamiltonians(
        self,
        vectors: NDArray[np.int64],
        hoppings: NDArray[np.complex128],
        filled: int,  # noqa: ARG002
    ) -> TwoBandHamiltonian:
        return two_band_of(vectors, hoppings)

    def coefficients(
        self,
        vectors: NDArray[np.int64],
        given: NDArray[np.complex128],
        n_occupied: int | None,  # noqa: ARG002
    ) -> tuple[NDArray[np.int64], NDArray[np.complex128], None]:
        d = TwoBandHamiltonian({tuple(v): given[:, m] for m, v in enumerate(vectors.tolist())})
        return d.d_vectors, d.d_amplitudes, None

    def samples(self, H: Any, sampling: Sampling) -> tuple[NDArray[Any], NDArray[Any]]:
        from topophys.learn.inputs import d_vectors, refined, refuse_closed

        d = refined(d_vectors(H, sampling.grid), sampling.refine, [-3, -2])
        refuse_closed(np.abs(d).max(-1), axes=2)
        return d, flatten_d(d)

    def prove(
        self,
        H: Any,
        n_occupied: int | None,
        sublattice: Sequence[int] | None = None,  # noqa: ARG002
    ) -> Certificate:
        return certify_chern(H, n_occupied=n_occupied)

    def sampled_invariants(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        return chern_number_from_d(x.astype(np.float64), on_unresolved="mask")

    def sampled_formulas(
        self, x: NDArray[np.float32], reach: int
    ) -> Mapping[str, NDArray[np.int64]]:
        import torch

        from topophys.learn.layers import upsample_periodic

        d = x.astype(np.float64)
        finer = upsample_periodic(torch.from_numpy(d), 2, (1, 2)).numpy()
        return {
            "FFT": chern_number_from_d(finer, on_unresolved="mask"),
            "low-pass": chern_number_from_d(low_pass(d, reach, (1, 2)), on_unresolved="mask"),
        }

    def probe_layers(self) -> tuple[Any, ...]:
        from topophys.interpret.probed_network import Layer

        return (Layer("h3_features", "flux", "flux_folded", "flux_scrambled", last=True),)

    def symmetries(self) -> tuple[Any, ...]:
        from topophys.interpret.symmetry_audit import PLANE_SYMMETRIES

        return PLANE_SYMMETRIES

    def figures(self, run: Any, dataset: Any) -> Iterable[Any]:
        from topophys.report.figures import plane_figures

        return plane_figures(run, dataset)


TASK: Final = register_task(ChernTask())
