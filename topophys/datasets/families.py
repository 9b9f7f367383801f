"""Families of Hamiltonians in data sets: drawing, proving, rebuilding, evaluating."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final, TypeAlias

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Real
from numpy.typing import NDArray

from topophys.datasets.recipe import HamiltonianSpec, Recipe, SplitSpec
from topophys.datasets.tasks import get_task
from topophys.ensembles import (
    HARD_CHAINS,
    HARD_PLANES,
    aiii_chains,
    class_a,
    disordered_ssh,
    hard_chains,
    hard_planes,
    two_band,
)
from topophys.ensembles.symmetric import Entries
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.evidence import Asked
from topophys.invariants.results import Certificate
from topophys.kernels import status as st
from topophys.kernels.chain_fields import fill_chain_fields
from topophys.models import haldane, qwz

__all__ = [
    "HARD_CHAIN_FAMILIES",
    "HARD_PLANE_FAMILIES",
    "OTHERWISE",
    "Arrays",
    "Family",
    "Stored",
    "bands_of",
    "blocks_from_channels",
    "channels",
    "draw_bands",
    "draw_chains",
    "draw_d",
    "entries_of",
    "family_of",
    "fields_of_chains",
    "rotations",
    "square",
    "two_band_of",
    "unitaries",
    "with_hard_entries",
]


#: Families of `hard_chains` and `hard_planes` with two bands, without those that have other names.
HARD_CHAIN_FAMILIES: Final = {f"{e}_chains": e for e in HARD_CHAINS if e != "gaussian"}
HARD_PLANE_FAMILIES: Final = {f"{e}_planes": e for e in HARD_PLANES if e != "gaussian"}

# ------ Random coefficients of every family that a recipe can name, in the shape they are stored in


#: Families that differ from another one by the distribution of their entries.
HARD: Final[Mapping[str, Entries]] = {"_real": "real", "_heavy_tails": "heavy tails"}


#: What their cards say in addition.
OTHERWISE: Final[Mapping[str, str]] = {
    "_real": " Other than there, hoppings (and pairings) are real.",
    "_heavy_tails": " Other than there, the size of entries follows Student's t with 1.5 degrees"
    " of freedom.",
}


def entries_of(family: str) -> Entries:
    """Distribution of entries that the ending of a family's name says."""
    return next((kind for end, kind in HARD.items() if family.endswith(end)), "gaussian")


def with_hard_entries(
    families: Mapping[str, tuple[str, ...]],
) -> dict[str, tuple[str, ...]]:
    """Families and those of the same kind with other entries."""
    hard = {name + end: keys for name, keys in families.items() for end in HARD}
    return dict(families) | hard


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
    elif spec.family in HARD_CHAIN_FAMILIES:
        chains = hard_chains(HARD_CHAIN_FAMILIES[spec.family], n, n_orbitals=size, rng=rng)
        own = chains.block_amplitudes.shape[1] // 2
        block[:, reach - own : reach + own + 1] = chains.block_amplitudes
        return block
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
    if spec.family in HARD_PLANE_FAMILIES:
        planes = hard_planes(HARD_PLANE_FAMILIES[spec.family], n, rng=rng)
        # half the trace with each Pauli matrix
        upper, lower = planes.amplitudes[..., 0, 1], planes.amplitudes[..., 1, 0]
        found = [0.5 * (upper + lower), 0.5j * (upper - lower), planes.amplitudes[..., 0, 0]]
        width = 2 * reach + 1
        d = np.zeros((n, width**2, 3), np.complex128)
        d[:, (planes.vectors + reach) @ np.array([width, 1])] = np.stack(found, -1)
        return d
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
        fill_chain_fields(
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
    #: Whether certificate files, and so the independent checker, know the quantity.
    checkable: ClassVar[bool] = True

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


def family_of(recipe: Recipe, spec: SplitSpec) -> Family:
    """Family of one split."""
    found: Family = get_task(recipe.kind).family(recipe, spec)
    return found
