"""Populations of the challenge: how each kind of Hamiltonian is drawn, proven and sampled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from topophys.ensembles.hard import HARD_CHAINS, HARD_PLANES, hard_chains, hard_planes
from topophys.ensembles.symmetric import bdg_chains, time_reversal_planes
from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.flatten import flatten_block
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.most_probable import (
    CHAIN_FAMILIES,
    PLANE_FAMILIES,
    harmonic_variances,
    most_probable_blocks,
    most_probable_vectors,
    weighed,
)
from topophys.hamiltonians.two_band import pauli_components
from topophys.invariants._z2_methods import pair_sum
from topophys.invariants.berry import chern_number, chern_number_from_d
from topophys.invariants.chern import certify_chern
from topophys.invariants.majorana import majorana_number
from topophys.invariants.winding import certify_winding, winding_number
from topophys.invariants.z2 import z2_invariant
from topophys.kernels.small_linalg import pfaffians
from topophys.learn._flip_features import denoised, of_unit_size
from topophys.learn.calibration import NOISY
from topophys.learn.flip_network import FlipNetwork
from topophys.learn.layers import upsample_periodic
from topophys.learn.pretrained.weights import load_pretrained

__all__ = ["POPULATIONS", "Population", "Proof"]

Proof: TypeAlias = Any
Samples: TypeAlias = NDArray[np.complex128]
Rows: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Population(ABC):
    """How the Hamiltonians of a test are drawn, proven, sampled and chosen, and its formulas."""

    kind: ClassVar[str]
    about: str
    grid: tuple[int, ...]
    n_bands: int
    size: int
    ensembles: tuple[str, ...] = ()
    _: KW_ONLY
    noise: float = 0.0
    largest_gap: float = np.inf
    adversarial: bool = False

    @property
    def n_occupied(self) -> int:
        """Number of occupied bands: half of them."""
        return self.n_bands // 2

    def momenta(self) -> NDArray[np.float64]:
        """Momenta of the samples, of shape (*grid, dim)."""
        dim = len(self.grid)
        k = np.asarray(k_grid(self.grid if dim > 1 else self.grid[0], dim))
        return k.reshape(*self.grid, dim)

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int, ensemble: str) -> Any:
        """Draw Hamiltonians of one ensemble."""

    def draws(self, rng: np.random.Generator, count: int) -> Iterator[tuple[Rows, Any]]:
        """Draw Hamiltonians, each of an ensemble of its own: their places, and those of each.

        Batches of one ensemble would not be independent: scores of halves would scatter more than
        their intervals say.
        """
        every = self.ensembles or ("",)
        which = rng.integers(len(every), size=count)
        for number, name in enumerate(every):
            rows = np.flatnonzero(which == number)
            if len(rows):
                yield rows, self.draw(rng, len(rows), name)

    @abstractmethod
    def prove(self, h: Any) -> Proof:
        """Certificates of the labels."""

    def sample(self, h: Any, k: NDArray[np.float64], rng: np.random.Generator) -> Samples:
        """Flattened samples at `k`, with the noise of this population."""
        states = np.linalg.eigh(h.bloch(k))[1][..., : self.n_occupied]
        x = np.eye(self.n_bands) - 2.0 * states @ states.conj().swapaxes(-1, -2)
        if self.noise:
            noise = _normal(x.shape, rng)
            x = x + self.noise * ((noise + noise.conj().swapaxes(-1, -2)) * np.sqrt(0.5))
        return np.asarray(x, np.complex128)

    @abstractmethod
    def formula(self, x: Samples) -> NDArray[Any]:
        """Evaluate the formula on the samples as they are; not a number where it says nothing."""

    @abstractmethod
    def interpolated_formula(self, x: Samples) -> NDArray[Any]:
        """Evaluate the formula after trigonometric interpolation."""

    def network(self) -> FlipNetwork:
        """Network of the package that reads these samples."""
        raise NotImplementedError(f"no network of the package reads samples of {self.kind}")

    @property
    def given_occupied(self) -> int | None:
        """Number of occupied bands, where the network needs it."""
        return None

    @property
    def has_most_probable(self) -> bool:
        """Whether the most probable Hamiltonian behind the samples is derived."""
        return False

    def hybrid(self, x: Samples) -> NDArray[np.int64]:
        """Network of the package with reconstruction, also where it is not sure."""
        return np.array(self.network().predict(x, n_occupied=self.given_occupied).value)

    def combined(self, x: Samples) -> NDArray[np.int64]:
        """Answer of the network; of clean samples without reconstruction the most probable one.

        Noise is estimated from the samples: the most probable Hamiltonian assumes none.
        """
        found = self.network().predict(x, n_occupied=self.given_occupied)
        _, noise = denoised(of_unit_size(torch.from_numpy(x)))
        rows = np.flatnonzero(~found.reconstructed & (noise.numpy() <= NOISY))
        value = np.array(found.value)
        if len(rows) and self.has_most_probable:
            value[rows] = self.most_probable(x[rows])
        return value

    def most_probable(self, x: Samples) -> NDArray[Any]:
        """Weigh the formula on the most probable Hamiltonians of all families of variances."""
        raise NotImplementedError(f"no positive factors are left open by {len(x)} of these samples")


class _Chains(Population):
    """Chains with chiral symmetry; samples are their blocks D(k)."""

    kind = "winding"

    def draw(self, rng: np.random.Generator, count: int, ensemble: str) -> ChiralHamiltonian:
        return hard_chains(ensemble, count, n_orbitals=self.n_occupied, rng=rng)

    def prove(self, h: ChiralHamiltonian) -> Proof:
        return certify_winding(h)

    def sample(
        self, h: ChiralHamiltonian, k: NDArray[np.float64], rng: np.random.Generator
    ) -> Samples:
        x = flatten_block(h.block(k))
        if self.noise:
            x = x + self.noise * _normal(x.shape, rng)
        return np.asarray(x, np.complex128)

    def formula(self, x: Samples) -> NDArray[np.float64]:
        return _filled(winding_number(x, on_unresolved="mask"))

    def interpolated_formula(self, x: Samples) -> NDArray[np.float64]:
        return self.formula(_interpolated(x, 4, [1]))

    def network(self) -> FlipNetwork:
        return load_pretrained("winding-1d")

    @property
    def has_most_probable(self) -> bool:
        return True

    def most_probable(self, x: Samples) -> NDArray[np.float64]:
        points = [x.shape[1]]
        found = [most_probable_blocks(x, harmonic_variances(points, *f)) for f in CHAIN_FAMILIES]
        integers = [self.formula(_interpolated(one.values, 8, [1])) for one in found]
        return weighed([one.log_evidence for one in found], integers)[0]


class _Planes(Population):
    """Planes of class A; samples are 1 - 2 P(k)."""

    kind = "chern"

    def draw(self, rng: np.random.Generator, count: int, ensemble: str) -> FourierHamiltonian:
        return hard_planes(ensemble, count, n_bands=self.n_bands, rng=rng)

    def prove(self, h: FourierHamiltonian) -> Proof:
        return certify_chern(h, n_occupied=self.n_occupied)

    def formula(self, x: Samples) -> NDArray[np.float64]:
        # phases of lattice vectors alone: few points could not tell
        origin = np.zeros((x.shape[-1], 2))
        filled = x.shape[-1] // 2
        return _filled(chern_number(x, n_occupied=filled, positions=origin, on_unresolved="mask"))

    def interpolated_formula(self, x: Samples) -> NDArray[np.float64]:
        return self.formula(_interpolated(x, 2, [1, 2]))

    def network(self) -> FlipNetwork:
        return load_pretrained("chern-2d")

    @property
    def given_occupied(self) -> int | None:
        return self.n_occupied

    @property
    def has_most_probable(self) -> bool:
        return self.n_bands == 2  # of more bands it is not derived here

    def most_probable(self, x: Samples) -> NDArray[np.float64]:
        if not self.has_most_probable:
            return super().most_probable(x)
        d = pauli_components(x).real
        grid = d.shape[1:3]
        found = [most_probable_vectors(d, harmonic_variances(grid, *f)) for f in PLANE_FAMILIES]
        integers = [
            _filled(chern_number_from_d(_interpolated(one.values, 4, [1, 2]), on_unresolved="mask"))
            for one in found
        ]
        return weighed([one.log_evidence for one in found], integers)[0]


class _Superconductors(Population):
    """Chains of class D in a Majorana basis, half a step beside k = 0 and pi."""

    kind = "majorana"

    def momenta(self) -> NDArray[np.float64]:
        return super().momenta() + np.pi / self.grid[0]

    def draw(
        self,
        rng: np.random.Generator,
        count: int,
        ensemble: str,  # noqa: ARG002
    ) -> FourierHamiltonian:
        return bdg_chains(count, n_bands=self.n_bands, hopping_range=2, rng=rng)

    def prove(self, h: FourierHamiltonian) -> Proof:
        return majorana_number(h, particle_hole="majorana", kind="direct")

    def formula(self, x: Samples) -> NDArray[np.int64]:
        return _pfaffian_formula(x, interpolate=False)

    def interpolated_formula(self, x: Samples) -> NDArray[np.int64]:
        return _pfaffian_formula(x, interpolate=True)


class _TimeReversal(Population):
    """Planes with time reversal, spin up first."""

    kind = "z2"

    def draw(
        self,
        rng: np.random.Generator,
        count: int,
        ensemble: str,  # noqa: ARG002
    ) -> FourierHamiltonian:
        return time_reversal_planes(count, n_bands=self.n_bands, rng=rng)

    def prove(self, h: FourierHamiltonian) -> Proof:
        return z2_invariant(h, n_occupied=self.n_occupied, method="flux", time_reversal="up first")

    def formula(self, x: Samples) -> NDArray[np.float64]:
        return np.array([_z2_of_lattice(one, x.shape[-1] // 2) for one in x], np.float64)

    def interpolated_formula(self, x: Samples) -> NDArray[np.float64]:
        return self.formula(_interpolated(x, 2, [1, 2]))


POPULATIONS: Final[Mapping[str, Population]] = {
    "chains-32": _Chains("ten ensembles of chains, two orbitals, 32 points",
                         (32,), 4, 400, HARD_CHAINS),
    "chains-12": _Chains("the same on 12 points", (12,), 4, 400, HARD_CHAINS),
    "chains-real": _Chains("real hoppings (class BDI), 16 points", (16,), 4, 400, ("real",)),
    "chains-four-orbitals": _Chains("four orbitals, 16 points", (16,), 8, 200, HARD_CHAINS),
    "chains-noisy": _Chains("noise of 0.2 on each entry, 32 points",
                            (32,), 4, 400, HARD_CHAINS, noise=0.2),
    "chains-near-transitions": _Chains("gaps below 0.1 of the rms band energy, 32 points",
                                       (32,), 4, 400, HARD_CHAINS, largest_gap=0.1),
    "chains-adversarial": _Chains(
        "only what interpolation and determinants get wrong, 16 points",
        (16,), 4, 400, HARD_CHAINS, adversarial=True),
    "planes-12": _Planes("seven ensembles of planes, four bands, 12 x 12",
                         (12, 12), 4, 100, HARD_PLANES),
    "planes-6": _Planes("two bands, 6 x 6", (6, 6), 2, 200, HARD_PLANES),
    "planes-eight-bands": _Planes("eight bands, 8 x 8", (8, 8), 8, 40, HARD_PLANES),
    "planes-noisy": _Planes("two bands, noise of 0.1, 12 x 12",
                            (12, 12), 2, 200, HARD_PLANES, noise=0.1),
    "planes-near-transitions": _Planes("two bands, gaps below 0.1, 12 x 12",
                                       (12, 12), 2, 120, HARD_PLANES, largest_gap=0.1),
    "planes-adversarial": _Planes(
        "four bands, only what interpolated link fluxes get wrong, 8 x 8",
        (8, 8), 4, 80, HARD_PLANES, adversarial=True),
    "majorana-off-grid": _Superconductors(
        "superconducting chains (class D) in a Majorana basis, 12 points beside 0 and pi",
        (12,), 4, 400),
    "z2-12": _TimeReversal(
        "planes with time reversal (spin up first), four bands, 12 x 12",
        (12, 12), 4, 100),
}  # fmt: skip


def _normal(shape: tuple[int, ...], rng: np.random.Generator) -> Samples:
    """Complex normal numbers of variance 1."""
    parts = rng.standard_normal((*shape, 2))
    return np.asarray((parts @ np.array([1.0, 1.0j])) * np.sqrt(0.5))


def _filled(found: Any) -> NDArray[np.float64]:
    return np.ma.filled(np.ma.asarray(found).astype(np.float64), np.nan)


def _interpolated(x: NDArray[Any], factor: int, dims: list[int]) -> NDArray[Any]:
    return np.asarray(upsample_periodic(torch.from_numpy(x), factor, dims).numpy())


def _z2_of_lattice(h: NDArray[np.complex128], filled: int) -> float:
    """Z2 invariant by plaquettes of half the zone and Kramers pairs of centres at its ends.

    As the sum of Fukui and Hatsugai (J. Phys. Soc. Jpn. 76, 053702 (2007)), without a gauge.
    """
    n = h.shape[0]
    lines = np.append(np.arange(n // 2, n), 0)  # from k_x = 0 to pi; the grid begins at -pi
    v = np.linalg.eigh(h[lines])[1][..., :filled]
    along, across = (
        np.linalg.det(v[: len(v) - d].conj().swapaxes(-1, -2) @ w)
        for d, w in ((0, np.roll(v, -1, 1)), (1, v[1:]))
    )
    around = across * along[1:] * (np.roll(across, -1, 1) * along[:-1]).conj()
    flux = np.angle(around).sum()
    ends = pair_sum(v[-1]).value - pair_sum(v[0]).value
    return float(np.rint(-flux / (2.0 * np.pi) - 2.0 * ends) % 2)


def _pfaffian_formula(x: NDArray[np.complex128], *, interpolate: bool) -> NDArray[np.int64]:
    """Signs of Pfaffians at k = 0 and pi, interpolated or at the points next to them."""
    n, size = x.shape[1], x.shape[-1]
    signs = np.ones(len(x))
    orders = np.arange(n) - n // 2
    k = 2.0 * np.pi * (np.arange(n) + 0.5) / n - np.pi
    coefficients = np.einsum("mk,bkij->bmij", np.exp(-1j * np.outer(orders, k)), x) / n
    for at, point in ((0.0, n // 2), (np.pi, 0)):
        if not interpolate:
            h = x[:, point]
        else:
            wave = np.exp(1j * orders * at)
            wave[0] = wave[0].real  # the highest wave of an even number of points is a cosine
            h = np.einsum("m,bmij->bij", wave, coefficients)
        a = 0.5 * (h.imag - h.imag.swapaxes(-1, -2))
        value, grown = np.empty(len(x), np.complex128), np.empty(len(x))
        work = np.empty((size, size), np.complex128)
        pfaffians(np.ascontiguousarray(a.astype(np.complex128)), work, value, grown)
        signs *= np.sign(value.real)
    return (signs < 0.0).astype(np.int64)
