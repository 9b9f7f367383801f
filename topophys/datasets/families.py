"""Families of Hamiltonians in data sets: drawing, proving, rebuilding, evaluating."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar, Final, TypeAlias

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Real
from numpy.typing import NDArray

from topophys.datasets._prescreening import bloch_at, screened, with_gap
from topophys.datasets.recipe import HamiltonianSpec, Recipe, SplitSpec
from topophys.datasets.schema import Kind
from topophys.ensembles import aiii_chains, class_a, disordered_ssh, two_band
from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.flatten import flatten_block, flatten_d
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.berry import berry_flux, berry_flux_from_d
from topophys.invariants.certificate import Certificate
from topophys.invariants.certify_chern import certify_chern
from topophys.invariants.certify_gap import certify_gap
from topophys.invariants.certify_winding import certify_winding
from topophys.invariants.evidence import Asked
from topophys.invariants.winding import winding_fields
from topophys.kernels import status as st
from topophys.kernels.chain_fields import chain_fields
from topophys.models import haldane, qwz

__all__ = [
    "Arrays",
    "Family",
    "Stored",
    "bands_of",
    "blocks_from_channels",
    "channels",
    "draw_bands",
    "draw_chains",
    "draw_d",
    "family_of",
    "fields_of_chains",
    "rebuild",
    "rotations",
    "square",
    "two_band_of",
    "unitaries",
]


# ------ Random coefficients of every family that a recipe can name, in the shape they are stored in


def square(reach: int) -> Int[np.ndarray, "M 2"]:
    """Lattice vectors with components up to `reach` in size, in lexical order."""
    line = np.arange(-reach, reach + 1)
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


def unitaries(n: int, size: int, rng: np.random.Generator) -> Complex[np.ndarray, "n s s"]:
    """Haar-distributed unitary matrices.

    Shapes: returns (n, size, size).
    """
    parts = rng.standard_normal((2, n, size, size))
    q, r = np.linalg.qr(parts[0] + 1j * parts[1])
    # the phases of R make the distribution of Q uniform
    phase = np.diagonal(r, axis1=-2, axis2=-1)
    result: NDArray[np.complex128] = q * (phase / np.abs(phase))[:, None, :]
    return result


def rotations(n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 3 3"]:
    """Uniformly distributed proper rotations of three dimensions.

    Shapes: returns (n, 3, 3).
    """
    q = rng.standard_normal((n, 4))
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def draw_chains(
    spec: HamiltonianSpec, reach: int, n: int, rng: np.random.Generator
) -> Complex[np.ndarray, "S M n n"]:
    """Coefficients of chiral chains.

    Shapes: returns (n, 2 reach + 1, N, N).
    """
    size = spec.n_orbitals
    if spec.family == "aiii_chains":
        chains = aiii_chains(n, n_orbitals=size, hopping_range=reach, rng=rng)
        return chains.block_amplitudes
    block = np.zeros((n, 2 * reach + 1, size, size), np.complex128)
    if spec.family == "disordered_ssh":
        width = spec.disorder or 0.0
        drawn = disordered_ssh(n, cells=size, t1=1.0, t2=1.0, disorder=width, rng=rng)
        block[:, reach : reach + 2] = drawn.block_amplitudes
    else:  # copies of the extended Su-Schrieffer-Heeger chain, turned together
        hop = rng.standard_normal((n, 3, size))
        orbital = np.arange(size)
        block[:, reach - 1 : reach + 2, orbital, orbital] = hop
        left, right = (unitaries(n, size, rng)[:, None] for _ in range(2))
        block = left @ block @ right
    power = (np.abs(block) ** 2).sum((-3, -2, -1)) / size
    block /= np.sqrt(power)[:, None, None, None]
    return block


def draw_d(
    spec: HamiltonianSpec, reach: int, n: int, rng: np.random.Generator
) -> Complex[np.ndarray, "S M 3"]:
    """Coefficients of the d-vectors of two-band Hamiltonians.

    Shapes: returns (n, (2 reach + 1).
    """
    if spec.family == "two_band":
        return two_band(n, hopping_range=reach, rng=rng).d_amplitudes
    if spec.family == "qwz":
        drawn = qwz(rng.uniform(-3.0, 3.0, n))
    else:
        t2, phi = rng.uniform(0.1, 0.5, n), rng.uniform(-np.pi, np.pi, n)
        drawn = haldane(rng.uniform(-2.0, 2.0, n), t2, phi)
    return _fill(drawn, reach, rotations(n, rng))


def _fill(
    drawn: TwoBandHamiltonian, reach: int, rotation: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Coefficients on all vectors of `square`, turned and scaled."""
    width = 2 * reach + 1
    d = np.zeros((len(rotation), width**2, 3), np.complex128)
    rows = (drawn.d_vectors + reach) @ np.array([width, 1])
    d[:, rows] = np.einsum("sij,smj->smi", rotation, drawn.d_amplitudes)
    d /= np.sqrt((np.abs(d) ** 2).sum((-2, -1)))[:, None, None]
    return d


def draw_bands(
    spec: HamiltonianSpec, reach: int, n: int, rng: np.random.Generator
) -> Complex[np.ndarray, "S M n n"]:
    """Hopping matrices of Hamiltonians with any number of bands.

    Shapes: returns (n, (2 reach + 1).
    """
    return class_a(
        n, n_bands=spec.n_bands or 2, n_occupied=spec.n_occupied, hopping_range=reach, rng=rng
    ).amplitudes


# ------------------------------------------ Hamiltonians from the coefficients that data files hold

#: Hamiltonians that a data file can hold.
Stored: TypeAlias = ChiralHamiltonian | TwoBandHamiltonian | FourierHamiltonian


def rebuild(
    kind: Kind, vectors: NDArray[np.int64], hoppings: NDArray[np.complex128], filled: int
) -> Stored:
    """Hamiltonians with exactly the stored coefficients.

    Shapes: `vectors` (M, dim), `hoppings` (..., M, n, n).
    """
    if kind == "winding":
        return ChiralHamiltonian.from_array(int(vectors[0, 0]), hoppings)
    if kind == "chern":
        return two_band_of(vectors, hoppings)
    return bands_of(vectors, hoppings, filled)


def two_band_of(vectors: NDArray[np.int64], hoppings: NDArray[np.complex128]) -> TwoBandHamiltonian:
    """Two-band Hamiltonians from coefficients (..., M, 3) on vectors (M, 2)."""
    return TwoBandHamiltonian(
        {tuple(v): hoppings[..., m, :] for m, v in enumerate(vectors.tolist())}
    )


def bands_of(
    vectors: NDArray[np.int64], hoppings: NDArray[np.complex128], filled: int
) -> FourierHamiltonian:
    """Hamiltonians from matrices (..., M, n, n) on vectors (M, 2), so many bands filled."""
    return FourierHamiltonian(
        {tuple(v): hoppings[..., m, :, :] for m, v in enumerate(vectors.tolist())},
        n_occupied=filled,
    )


# ------------- Input and local targets of chains with few orbitals, at the speed of a compiled loop

#: Samples worked on at a time, so that what lies between two steps stays in the cache.
CHUNK: Final = 256


def fields_of_chains(
    orders: Int[np.ndarray, " M"],
    hoppings: Complex[np.ndarray, "S M n n"],
    k: Float[np.ndarray, " N"],
    *,
    flatten: bool,
) -> tuple[dict[str, NDArray[np.generic]], Bool[np.ndarray, " S"]]:
    """Fields of chains with one or two orbitals; each sample by itself, to the last bit.

    Shapes: `orders` (M,), `hoppings` (S, M, n, n), `k` (N,); returns `good` (S,).
    """
    size, n_k, n = len(hoppings), len(k), hoppings.shape[-1]
    angles = np.multiply.outer(orders, k)
    waves = np.stack([np.cos(angles), np.sin(angles)])
    x = np.empty((size, n_k, 2 * n * n), np.float32)
    alpha, dalpha = np.empty((size, n_k)), np.empty((size, n_k))
    status = np.empty(size, np.uint8)
    here, rotation = np.empty((2, CHUNK, n_k)), np.empty((2, CHUNK, n_k))
    for i in range(0, size, CHUNK):
        rows = slice(i, min(i + CHUNK, size))
        count = rows.stop - i
        chain_fields(
            np.ascontiguousarray(hoppings[rows]),
            waves,
            flatten,
            x[rows],
            here,
            rotation,
            status[rows],
        )
        np.arctan2(here[0, :count], here[1, :count], out=alpha[rows])
        np.arctan2(rotation[0, :count], rotation[1, :count], out=dalpha[rows])
    return {"x": x, "alpha": alpha, "dalpha": dalpha}, status == st.OK


def channels(matrices: Complex[np.ndarray, "*batch n n"]) -> Float[np.ndarray, "*batch c"]:
    """Real and imaginary part of each entry, row by row.

    Shapes: `matrices` (..., n, n); returns (..., 2 n^2).
    """
    flat = np.ascontiguousarray(matrices).reshape(*matrices.shape[:-2], matrices.shape[-1] ** 2)
    return flat.view(np.float64)


def blocks_from_channels(x: Real[np.ndarray, "*batch c"]) -> Complex[np.ndarray, "*batch n n"]:
    """Blocks or Bloch matrices from their channels: the inverse of `channels`.

    Shapes: `x` (..., 2 n^2); returns (..., n, n).

    Examples
    --------
    >>> blocks_from_channels(np.array([[0.0, 1.0]]))
    array([[[0.+1.j]]])
    """
    flat = np.ascontiguousarray(x, dtype=np.float64).view(np.complex128)
    size = math.isqrt(flat.shape[-1])
    return flat.reshape(*x.shape[:-1], size, size)


# ------------ What a data set needs to know about each kind of family: drawing, proving, evaluating

Arrays: TypeAlias = dict[str, NDArray[np.generic]]


class Family(ABC):
    """A family of Hamiltonians, for one split of a recipe."""

    #: Hamiltonians drawn at a time; part of what fixes the samples, like the seed.
    batch: ClassVar[int] = 1024

    def __init__(self, recipe: Recipe, spec: SplitSpec) -> None:
        self.spec: HamiltonianSpec = spec.hamiltonian or recipe.hamiltonian
        self.reach = spec.hopping_range or self.spec.hopping_range
        self.grid = spec.grid or recipe.input.grid
        self.flatten_bands = recipe.input.flatten_bands

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
    def change_gauge(
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
        shown = flatten_d(d) if self.flatten_bands else d
        return {"x": shown, "flux": berry_flux_from_d(d)}

    def change_gauge(
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
        if self.flatten_bands:
            _, states = np.linalg.eigh(h_k)
            occupied = states[..., :filled]
            projector = occupied @ np.conj(np.swapaxes(occupied, -1, -2))
            shown = np.eye(h_k.shape[-1]) - 2.0 * projector
        return {"x": channels(shown), "flux": berry_flux(h_k, n_occupied=filled)}

    def change_gauge(
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
    """Family of one split."""
    return _CLASSES[recipe.kind](recipe, spec)


def family_batch(kind: Kind) -> int:
    """Hamiltonians drawn at a time, for each kind of data set."""
    return _CLASSES[kind].batch
