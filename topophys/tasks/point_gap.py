"""Point-gap winding numbers of non-Hermitian chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Complex
from numpy.typing import NDArray

from topophys.datasets.families import entries_of, with_hard_entries
from topophys.datasets.recipe import Recipe, SplitSpec
from topophys.datasets.schema import COMMON, Field
from topophys.datasets.tasks import Sampling, Task, register_task
from topophys.ensembles import non_hermitian_chains
from topophys.ensembles.random import complex_normal
from topophys.errors import KindError, ShapeError
from topophys.hamiltonians.flatten import flatten_block
from topophys.hamiltonians.non_hermitian import NonHermitianHamiltonian
from topophys.invariants.point_gap import point_gap_winding
from topophys.invariants.results import Certificate
from topophys.tasks.winding import Chains

__all__ = ["NonHermitianChains", "PointGapTask"]


class NonHermitianChains(Chains):
    """Non-Hermitian chains about an energy, H(k) - E: the winding number of its determinant."""

    def draw(self, n: int, rng: np.random.Generator) -> Complex[np.ndarray, "S M n n"]:
        size = self.spec.n_orbitals
        hop = np.stack(
            list(
                non_hermitian_chains(
                    n, n_bands=size, hopping_range=self.reach,
                    entries=entries_of(self.spec.family), rng=rng,
                ).hoppings.values()
            ),
            axis=1,
        )  # fmt: skip
        energy = complex_normal(rng, (n, 1, 1))
        hop[:, self.reach] -= energy * np.eye(size)
        hop /= np.sqrt(np.square(np.abs(hop)).sum((1, 2, 3)) / size)[:, None, None, None]
        return hop

    def change_gauge(
        self, hoppings: Complex[np.ndarray, "S M n n"], rng: np.random.Generator
    ) -> Complex[np.ndarray, "S M n n"]:
        # one basis for both sides: eigenvalues stay what they are
        n, size = len(hoppings), self.spec.n_orbitals
        parts = rng.standard_normal((2, n, 1, size, size))
        basis = np.linalg.qr(parts[0] + 1j * parts[1])[0]
        turned: NDArray[np.complex128] = basis @ hoppings @ basis.conj().swapaxes(-1, -2)
        return self._shift(n, rng)[..., None, None] * turned


class PointGapTask(Task):
    """Winding number of det [H(k) - E]: the skin effect of non-Hermitian chains."""

    name = "point_gap"
    dim = 1
    invariant = "point_gap"
    title = "point-gap winding number of non-Hermitian chains"
    symbol = "w"
    quantity = "point-gap winding number"
    families: ClassVar[Mapping[str, tuple[str, ...]]] = with_hard_entries(
        {"non_hermitian": ("n_orbitals",)}
    )
    descriptions: ClassVar[Mapping[str, str]] = {
        "non_hermitian": "Non-Hermitian chains H(k) = sum_m H_m exp(i m k), |m| <= {reach}, with"
        " complex Gaussian {n} x {n} coefficients, about a complex Gaussian energy E. H - E is"
        " scaled to unit rms singular value and labelled with its point-gap winding number, that"
        " of det [H(k) - E], proven for the continuous chain; the gap is twice the smallest"
        " singular value.",
    }
    fields = (
        Field("x", ("S", "N", "c"), "<f4", "1 (flattened) or rms singular value",
              "Input of a network: H(k) - E, or if flattened its unitary factor, complex n x n"
              " array viewed as 2 n^2 floats."),
        Field("hoppings", ("S", "M", "n", "n"), "<c16", "rms singular value",
              "Coefficients of H(k) - E = sum_m H_m exp(i m k), m from attribute `vectors`."),
        Field("alpha", ("S", "N"), "<f8", "rad",
              "Phase of det [H(k) - E] in (-pi, pi], from float64 matrices."),
        Field("dalpha", ("S", "N"), "<f8", "rad",
              "Wrapped step of alpha from k_j to k_(j+1), cyclic; from float64 matrices."),
        *COMMON,
    )  # fmt: skip
    local_field = "dalpha"

    def family(self, recipe: Recipe, spec: SplitSpec) -> NonHermitianChains:
        return NonHermitianChains(recipe, spec)

    def hamiltonians(
        self,
        vectors: NDArray[np.int64],
        hoppings: NDArray[np.complex128],
        filled: int,  # noqa: ARG002
    ) -> Any:
        return NonHermitianHamiltonian.from_array(int(vectors[0, 0]), hoppings)

    def samples(self, H: Any, sampling: Sampling) -> tuple[NDArray[Any], NDArray[Any]]:
        from topophys.learn.inputs import points_of, refined, refuse_closed

        shifted = isinstance(H, NonHermitianHamiltonian)
        h_k = H.on_grid(sampling.grid[0]) if shifted else points_of(H, 1)
        if h_k is None:
            raise KindError(
                "Argument `H` must be a NonHermitianHamiltonian for this network, with energies"
                f" measured from the point gap, but is a {type(H).__name__}."
            )
        if h_k.shape[-1] != sampling.size:
            raise ShapeError(
                f"Argument `H` must have {sampling.size} bands for this network, but has"
                f" {h_k.shape[-1]}."
            )
        h_k = refined(h_k, sampling.refine, [-3])
        refuse_closed(np.abs(h_k).max((-2, -1)), axes=1)
        return h_k, flatten_block(h_k)

    def prove(
        self,
        H: Any,
        n_occupied: int | None,  # noqa: ARG002
        sublattice: Sequence[int] | None = None,  # noqa: ARG002
    ) -> Certificate:
        return point_gap_winding(H)


TASK: Final = register_task(PointGapTask())
