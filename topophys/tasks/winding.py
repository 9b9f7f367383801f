"""Winding numbers of chiral chains (class AIII)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from topophys._typing import is_block_like
from topophys.datasets._prescreening import bloch_at, screened, with_gap
from topophys.datasets.families import (
    HARD_CHAIN_FAMILIES,
    Arrays,
    Family,
    blocks_from_channels,
    channels,
    draw_chains,
    fields_of_chains,
    unitaries,
)
from topophys.datasets.recipe import Recipe, SplitSpec
from topophys.datasets.schema import COMMON, Field
from topophys.datasets.tasks import Sampling, Task, register_task
from topophys.ensembles.hard import CHAIN_RANGES
from topophys.grids import k_grid, low_pass
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.flatten import flatten_block
from topophys.invariants.evidence import Asked
from topophys.invariants.gap import certify_gap
from topophys.invariants.results import Certificate
from topophys.invariants.winding import certify_winding, winding_fields, winding_number

__all__ = ["Chains", "WindingTask"]


class Chains(Family):
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
        fields, good = fields_of_chains(orders, hoppings, k, flatten=self.flatten_bands)
        if not good.all():
            for name, part in self._evaluate(hoppings[~good]).items():
                fields[name][~good] = part
        return fields

    def _evaluate(self, hoppings: Complex[np.ndarray, "S M n n"]) -> Arrays:
        block = self._chains(hoppings).block(k_grid(self.grid))
        shown = flatten_block(block) if self.flatten_bands else block
        alpha, dalpha = winding_fields(block)
        return {"x": channels(shown), "alpha": alpha, "dalpha": dalpha}

    def change_gauge(
        self, hoppings: Complex[np.ndarray, "S M n n"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M n n"]:
        n, size = len(hoppings), self.spec.n_orbitals
        left, right = (unitaries(n, size, rng)[:, None] for _ in range(2))
        turned: NDArray[np.complex128] = left @ hoppings @ right
        return self._shift(n, rng)[..., None, None] * turned

    def _chains(self, hoppings: Complex[np.ndarray, "S M n n"]) -> ChiralHamiltonian:
        return ChiralHamiltonian.from_array(-self.reach, hoppings)


class WindingTask(Task):
    """Winding number of chiral chains: winding angle and its steps are the local physics."""

    name = "winding"
    dim = 1
    invariant = "winding"
    title = "winding number of chiral chains"
    symbol = "nu"
    quantity = "winding number"
    given: ClassVar[str | None] = "block"
    families: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "aiii_chains": ("n_orbitals",),
        "ssh_copies": ("n_orbitals",),
        "disordered_ssh": ("n_orbitals", "disorder"),
        "given_chains": ("n_orbitals",),
        **dict.fromkeys(HARD_CHAIN_FAMILIES, ("n_orbitals",)),
    }
    ranges: ClassVar[Mapping[str, int]] = {
        family: CHAIN_RANGES.get(e, 2) for family, e in HARD_CHAIN_FAMILIES.items()
    }
    descriptions: ClassVar[Mapping[str, str]] = {
        family: f"Chiral chains of the ensemble {e!r} of `hard_chains` with {{n}} orbitals per"
        " sublattice. Each chain is scaled to unit rms band energy and labelled with the winding"
        " number of det D(k), proven for the continuous chain."
        for family, e in HARD_CHAIN_FAMILIES.items()
    }
    fields = (
        Field("x", ("S", "N", "c"), "<f4", "1 (flattened) or rms band energy",
              "Input of a network: block D(k), complex n x n array viewed as 2 n^2 floats."),
        Field("hoppings", ("S", "M", "n", "n"), "<c16", "rms band energy",
              "Coefficients D_m of D(k) = sum_m D_m exp(i m k), m from attribute `vectors`."),
        Field("alpha", ("S", "N"), "<f8", "rad",
              "Winding angle arg det D(k) in (-pi, pi], from float64 blocks."),
        Field("dalpha", ("S", "N"), "<f8", "rad",
              "Wrapped step of alpha from k_j to k_(j+1), cyclic; from float64 blocks."),
        *COMMON,
    )  # fmt: skip
    encoder = "TopologicalMLEncoder"
    local_field = "dalpha"

    def family(self, recipe: Recipe, spec: SplitSpec) -> Chains:
        return Chains(recipe, spec)

    def hamiltonians(
        self,
        vectors: NDArray[np.int64],
        hoppings: NDArray[np.complex128],
        filled: int,  # noqa: ARG002
    ) -> ChiralHamiltonian:
        return ChiralHamiltonian.from_array(int(vectors[0, 0]), hoppings)

    def coefficients(
        self,
        vectors: NDArray[np.int64],
        given: NDArray[np.complex128],
        n_occupied: int | None,  # noqa: ARG002
    ) -> tuple[NDArray[np.int64], NDArray[np.complex128], None]:
        return vectors, given, None

    def samples(self, H: Any, sampling: Sampling) -> tuple[NDArray[Any], NDArray[Any]]:
        from topophys.learn.inputs import chain_blocks, refined, refuse_closed

        blocks = chain_blocks(H, sampling.grid[0], sampling.size, sampling.sublattice)
        d_k = refined(blocks, sampling.refine, [-3])
        refuse_closed(np.abs(d_k).max((-2, -1)), axes=1)
        return d_k, flatten_block(d_k)  # refuses single blocks that are singular

    def prove(
        self,
        H: Any,
        n_occupied: int | None,  # noqa: ARG002
        sublattice: Sequence[int] | None = None,
    ) -> Certificate:
        # no hopping is neglected: a proof is one of the Hamiltonian that is given
        chain = (
            H if is_block_like(H) else ChiralHamiltonian.from_hamiltonian(H, sublattice=sublattice)
        )
        return certify_winding(chain)

    def sampled_invariants(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        return winding_number(blocks_from_channels(x), on_unresolved="mask")

    def sampled_formulas(
        self, x: NDArray[np.float32], reach: int
    ) -> Mapping[str, NDArray[np.int64]]:
        import torch

        from topophys.learn._flip_features import eigenphases, polar_factors
        from topophys.learn.layers import upsample_periodic

        blocks = blocks_from_channels(x)
        flat, _ = polar_factors(torch.from_numpy(blocks))
        theta, _ = eigenphases(flat.mH @ flat.roll(-1, 1))
        turns = (theta.sum((1, 2)) / (2.0 * np.pi)).round().long().numpy()
        finer = upsample_periodic(torch.from_numpy(blocks), 4, (1,)).numpy()
        return {
            "eigenphases": turns,
            "FFT": winding_number(finer, on_unresolved="mask"),
            "low-pass": winding_number(low_pass(blocks, reach, (1,)), on_unresolved="mask"),
        }

    def largest_invariant(self, spec: Any, reach: int) -> int:
        return int(spec.n_orbitals * reach)

    def probe_layers(self) -> tuple[Any, ...]:
        from topophys.interpret.probed_network import Layer

        return (
            Layer("h1_features", "cos_sin_alpha", "cos_sin_permanent"),
            Layer("h2_features", "dalpha", "dpermanent", "dalpha_scrambled", last=True),
        )

    def symmetries(self) -> tuple[Any, ...]:
        from topophys.interpret.symmetry_audit import CHAIN_SYMMETRIES

        return CHAIN_SYMMETRIES

    def interventions(
        self, network: Any, samples: Any, *, seed: int, n_swaps: int, n_random: int
    ) -> Iterable[Callable[[], list[Any]]]:
        from topophys.interpret.causal import ChainInterventions

        chains = ChainInterventions(network, samples, seed)
        return (
            lambda: chains.erase(n_random),
            chains.steer,
            lambda: chains.swap(n_swaps // 5),
        )

    def figures(self, run: Any, dataset: Any) -> Iterable[Any]:
        from topophys.report.figures import chain_figures

        return chain_figures(run, dataset)


TASK: Final = register_task(WindingTask())
