"""What flip networks of chains and of planes read, and the formulas and proofs behind each."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topophys import _validation
from topophys.errors import InputError, KindError
from topophys.grids import grid_sizes
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.flatten import unflatten_bands, unflatten_block
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.invariants.chern import certify_chern
from topophys.invariants.results import Certificate
from topophys.invariants.winding import certify_winding
from topophys.learn._flip_features import (
    Candidates,
    Layout,
    chain_candidates,
    flatness,
    mirror_pairs,
    plane_candidates,
)
from topophys.learn.inputs import sampled_chain

__all__ = ["INPUTS", "FlipInput", "reconstructed"]

Samples: TypeAlias = NDArray[np.complex128]
Grid: TypeAlias = int | tuple[int, ...] | None

#: Deviation from flat bands that rounding to single precision explains.
FLAT: Final = 1e-5
#: Largest range of the hoppings that are looked for in planes.
PLANE_RANGE: Final = 2
#: Smallest proven gap, in units of the root-mean-square energy, that rounding cannot close.
CLEAR: Final = 1e-5
#: Size of the highest harmonics, relative to all, that rounding to single precision explains.
ABSENT: Final = 1e-6


class FlipInput(ABC):
    """Samples of one kind of Hamiltonian.

    Attributes
    ----------
    axes : str
        Shape of samples, for messages.
    dim : int
        Dimension of k space.
    upsample : int
        How many points replace one by default.
    """

    axes: ClassVar[str]
    dim: ClassVar[int]
    upsample: ClassVar[int]

    @abstractmethod
    def layout(self) -> Layout:
        """Layout of the features, from one small Hamiltonian."""

    @abstractmethod
    def candidates(
        self, samples: Tensor, n_occupied: int, factor: int, count: int, *, filtered: bool
    ) -> tuple[Candidates, Tensor, Tensor]:
        """Most doubtful phases; how many turns each stands for, and which of them to keep."""

    @abstractmethod
    def sampled(
        self, H: FourierHamiltonian, grid: Grid, n_occupied: int | None
    ) -> tuple[Samples, int | None]:
        """Sample a Hamiltonian; return how many of its bands are occupied too."""

    @abstractmethod
    def filling(self, n_occupied: int | None, n_bands: int) -> int:
        """Check the number of occupied bands."""

    def hermitian(self, samples: Samples) -> Samples:
        """Check that samples are what they must be, but for rounding."""
        return samples

    @abstractmethod
    def prove(self, hoppings: Mapping[tuple[int, ...], Samples], n_occupied: int) -> Certificate:
        """Certificates of Hamiltonians with these hoppings."""

    @abstractmethod
    def prove_behind(self, flat: Samples, n_occupied: int) -> tuple[Certificate, NDArray[np.bool_]]:
        """Certificates of the short-ranged Hamiltonians behind flattened samples, and where."""


class _Chains(FlipInput):
    """Blocks D(k) of chiral chains."""

    axes = "(..., N, n, n)"
    dim = 1
    upsample = 4

    def layout(self) -> Layout:
        k = 2.0 * math.pi * torch.arange(4, dtype=torch.float64) / 4
        return chain_candidates(torch.polar(torch.ones_like(k), k)[None, :, None, None])[1]

    def candidates(
        self,
        samples: Tensor,
        n_occupied: int,  # noqa: ARG002
        factor: int,
        count: int,
        *,
        filtered: bool,
    ) -> tuple[Candidates, Tensor, Tensor]:
        found, layout = chain_candidates(samples, factor, count, filtered=filtered)
        return (found, *mirror_pairs(found, layout))

    def sampled(
        self, H: FourierHamiltonian, grid: Grid, n_occupied: int | None
    ) -> tuple[Samples, int | None]:
        chain = sampled_chain(H)
        (points,) = grid_sizes(1, _finer(chain, 32, 1024) if grid is None else grid)
        return chain.block_on_grid(points), n_occupied

    def filling(self, n_occupied: int | None, n_bands: int) -> int:  # noqa: ARG002
        if n_occupied is not None:
            raise InputError(
                "Argument `n_occupied` must be left out for chains, whose lower half is filled,"
                f" but is {n_occupied}."
            )
        return 1

    def prove(
        self,
        hoppings: Mapping[tuple[int, ...], Samples],
        n_occupied: int,  # noqa: ARG002
    ) -> Certificate:
        orders = sorted(r[0] for r in hoppings)
        block = np.stack([hoppings[m,] for m in orders], axis=1)
        return certify_winding(ChiralHamiltonian.from_array(orders[0], block), min_gap=CLEAR)

    def prove_behind(
        self,
        flat: Samples,
        n_occupied: int,  # noqa: ARG002
    ) -> tuple[Certificate, NDArray[np.bool_]]:
        chains = unflatten_block(flat)
        return certify_winding(chains.hamiltonian, min_gap=CLEAR), chains.found & chains.unique


class _Planes(FlipInput):
    """Bloch matrices of planes."""

    axes = "(..., Nx, Ny, n, n)"
    dim = 2
    upsample = 2

    def layout(self) -> Layout:
        h_k = torch.diag_embed(torch.tensor([-1.0, 1.0], dtype=torch.complex128))
        return plane_candidates(h_k.expand(1, 4, 4, 2, 2), 1)[1]

    def candidates(
        self, samples: Tensor, n_occupied: int, factor: int, count: int, *, filtered: bool
    ) -> tuple[Candidates, Tensor, Tensor]:
        found, _ = plane_candidates(samples, n_occupied, factor, count, filtered=filtered)
        return found, torch.ones_like(found.sign), torch.ones_like(found.sign).bool()

    def sampled(
        self, H: FourierHamiltonian, grid: Grid, n_occupied: int | None
    ) -> tuple[Samples, int | None]:
        if H.dim != 2:
            raise KindError(
                "Argument `H` must be two-dimensional for this network, but has"
                f" {H.dim} dimension{'s' * (H.dim > 1)}."
            )
        filled = H.n_occupied if n_occupied is None else n_occupied
        return H.on_grid(_finer(H, 16, 128) if grid is None else grid), filled

    def filling(self, n_occupied: int | None, n_bands: int) -> int:
        if n_occupied is None and n_bands != 2:
            raise InputError(
                f"Argument `n_occupied` must be given for {n_bands} bands, but is None: samples do"
                " not say how many bands are filled."
            )
        filled = 1 if n_occupied is None else _validation.positive_int(n_occupied, "n_occupied")
        if not 0 < filled < n_bands:
            raise InputError(
                f"Argument `n_occupied` must lie between 1 and {n_bands - 1} for {n_bands} bands,"
                f" but is {n_occupied}."
            )
        return int(filled)

    def hermitian(self, samples: Samples) -> Samples:
        _validation.require_hermitian(samples, "samples", 1e-5, batch_ndim=1)
        return np.asarray(0.5 * (samples + np.conj(np.swapaxes(samples, -1, -2))))

    def prove(self, hoppings: Mapping[tuple[int, ...], Samples], n_occupied: int) -> Certificate:
        half = {r: h for r, h in hoppings.items() if r >= (0, 0)}
        return certify_chern(FourierHamiltonian(half, n_occupied=n_occupied), min_gap=CLEAR)

    def prove_behind(self, flat: Samples, n_occupied: int) -> tuple[Certificate, NDArray[np.bool_]]:
        bands = unflatten_bands(flat, n_occupied, max_range=PLANE_RANGE)
        return certify_chern(bands.hamiltonian, min_gap=CLEAR), bands.found & bands.unique


#: By the kind of network.
INPUTS: Final[Mapping[str, FlipInput]] = {"winding": _Chains(), "chern": _Planes()}


def reconstructed(
    samples: Samples, given: FlipInput, n_occupied: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Proven invariants of the Hamiltonians of short range behind the samples, and where."""
    value, known = np.zeros(len(samples), np.int64), np.zeros(len(samples), bool)
    is_flat = flatness(torch.from_numpy(samples)).numpy() < FLAT
    hoppings, short = _hoppings(samples)
    rows = np.flatnonzero(short & ~is_flat)
    if len(rows):
        proof = given.prove({r: h[rows] for r, h in hoppings.items()}, n_occupied)
        sure = np.asarray(proof.certified)
        value[rows[sure]], known[rows[sure]] = np.asarray(proof.value)[sure], True
    rows = np.flatnonzero(is_flat)
    if len(rows):
        proof, found = given.prove_behind(samples[rows], n_occupied)
        sure = found & np.asarray(proof.certified)
        value[rows[sure]], known[rows[sure]] = np.asarray(proof.value)[sure], True
    return value, known


def _hoppings(
    samples: NDArray[np.complex128],
) -> tuple[dict[tuple[int, ...], NDArray[np.complex128]], NDArray[np.bool_]]:
    """Fourier coefficients of samples, and where the upper half of the harmonics is absent."""
    # samples of (B, N, n, n) or (B, Nx, Ny, n, n)
    grid = samples.shape[1:-2]
    axes = tuple(range(1, len(grid) + 1))
    waves = np.fft.fftn(samples, axes=axes, norm="forward")
    found, high = {}, np.zeros(len(samples))
    for index in np.ndindex(*grid):
        order = tuple(i if 2 * i < n else i - n for i, n in zip(index, grid, strict=True))
        # the grid starts at -pi
        coefficient = waves[(slice(None), *index)] * (-1.0) ** sum(order)
        if any(4 * abs(m) > n for m, n in zip(order, grid, strict=True)):
            high = np.maximum(high, np.abs(coefficient).max((-2, -1)))
        else:
            found[order] = coefficient
    # three or four points show no harmonic that could be absent
    return found, (high < ABSENT) & (min(grid) > 4)


def _finer(H: FourierHamiltonian, usual: int, most: int) -> int:
    """Points along each direction that tell the harmonics of a Hamiltonian apart, if not more."""
    return max(usual, min(most, 4 * int(np.abs(H.vectors).max(initial=0))))
