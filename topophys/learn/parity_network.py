"""Parity networks: formulas for Z2 invariants, and learned probabilities that they are wrong."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.invariants._symmetry import spin_reversal
from topophys.learn._flip_features import (
    FLOOR,
    Candidates,
    denoised,
    flatness,
    of_unit_size,
    pfaffian,
    plane_candidates,
    require_labels,
    standardize,
)
from topophys.learn.trainer import minimize

__all__ = ["ParityData", "ParityNetwork", "fit_parities", "low_pass", "moved_to_origin"]

#: Kinds, and the numbers of axes of their grids.
KINDS: Final = {"majorana": 1, "z2": 2}
#: Distances from k = 0 and pi, in steps of the grid, at which the candidates of chains are read.
DISTANCES: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
#: Largest harmonics of the low-pass filters whose Pfaffians are compared.
CUTOFFS: Final = (1, 2, 3, 4, 6)


class ParityData(NamedTuple):
    """Input of a parity network: features (B, K, F) of candidates and the formula (B,), 0 or 1."""

    features: Tensor
    base: Tensor

    def select(self, index: Tensor) -> ParityData:
        """Chosen Hamiltonians."""
        return ParityData(*(part[index] for part in self))


# --------------------------------------------------------------------------- Grids and harmonics


def moved_to_origin(samples: Tensor, origin: float) -> Tensor:
    """Trigonometric interpolation of samples on ``k_grid + origin`` to `k_grid`.

    Shapes: `samples` (B, N, n, n) or (B, Nx, Ny, n, n), Hermitian.
    """
    dims = list(range(1, samples.ndim - 2))
    wave = torch.fft.fftn(samples, dim=dims)
    for dim in dims:
        n = samples.shape[dim]
        order = torch.fft.fftfreq(n, 1.0 / n, dtype=torch.float64, device=samples.device)
        # the waves +n/2 and -n/2 are one and the same on the samples
        turn = torch.polar(torch.ones_like(order), -order * origin)
        turn = torch.where(2 * order.abs() == n, turn.real.to(turn.dtype), turn)
        shape = [1] * samples.ndim
        shape[dim] = n
        wave = wave * turn.reshape(shape).to(wave.dtype)
    moved = torch.fft.ifftn(wave, dim=dims)
    mean: Tensor = 0.5 * (moved + moved.mH)
    return mean


def low_pass(samples: Tensor, cutoff: int) -> Tensor:
    """Remove the harmonics above a given one along any direction.

    Shapes: `samples` (B, N, n, n) or (B, Nx, Ny, n, n).
    """
    dims = list(range(1, samples.ndim - 2))
    wave = torch.fft.fftn(samples, dim=dims)
    for dim in dims:
        n = samples.shape[dim]
        order = torch.fft.fftfreq(n, 1.0 / n, device=samples.device).abs().round()
        shape = [1] * samples.ndim
        shape[dim] = n
        wave = wave * (order <= cutoff).reshape(shape)
    found: Tensor = torch.fft.ifftn(wave, dim=dims)
    return found


# ----------------------------------------------------------------------------------- Chains


class Harmonics:
    """Fourier coefficients of chains in a Majorana basis, H(k) = i sum_m A_m exp(i m k).

    Particle-hole symmetry makes A_m real: what samples have beside it is noise, and left out.
    """

    def __init__(self, samples: Tensor, origin: float) -> None:
        # samples of (B, N, n, n)
        n = samples.shape[1]
        self.points = n
        self.orders = torch.arange(-(n // 2), n // 2 + 1, dtype=torch.float64)
        k = 2.0 * math.pi * torch.arange(n, dtype=torch.float64) / n - math.pi + origin
        share = (1.0 - 0.5 * (2 * self.orders.abs() == n).double()) / n
        phase = self.orders[:, None] * k
        wave = torch.polar(share[:, None].expand_as(phase).contiguous(), -phase)
        found = torch.einsum("mj,bjxy->bmxy", wave, samples.to(torch.complex128))
        self.real = found.imag

    def at(self, k: float, cutoff: int | None = None) -> Tensor:
        """Matrices (B, n, n) at one momentum."""
        kept = self.orders.abs() <= (self.points if cutoff is None else cutoff)
        angle = self.orders * k
        phase = torch.polar(kept.to(torch.float64), angle)
        return 1j * torch.einsum("m,bmxy->bxy", phase, self.real.to(torch.complex128))

    def pfaffian(self, k: float, cutoff: int | None = None) -> Tensor:
        """Pfaffians (B,) of A(k), k = 0 or pi, or of the antisymmetric part of any other A(k)."""
        a = self.at(k, cutoff).imag
        return pfaffian(0.5 * (a - a.mT))


def majorana_candidates(samples: Tensor, origin: float = 0.0) -> Candidates:
    """Two candidates, the signs of the Pfaffians at k = 0 and pi, with features.

    The plane of the two Majorana modes whose levels are next to zero there is followed to
    neighbouring momenta: how the part of H that keeps its sign and the part that changes it
    compare on this plane. Nothing depends on an orthogonal change of basis.

    Shapes: `samples` (B, N, n, n), in a Majorana basis, on ``k_grid(N) + origin``.
    """
    given = of_unit_size(samples)
    clean, noise = denoised(given)
    filtered, raw = Harmonics(clean, origin), Harmonics(given, origin)
    n, size = samples.shape[1], samples.shape[-1]
    step = 2.0 * math.pi / n
    rows, signs = [], []
    offset = origin / step
    for place in (0.0, math.pi):
        # distance of the nearest sample, in steps
        shift = (place + math.pi) / step - offset
        nearest = abs(shift - round(shift))
        a = filtered.at(place).imag
        level, vector = torch.linalg.eigh(1j * 0.5 * (a - a.mT).to(torch.complex128))
        plane = vector[..., size // 2]
        pair = torch.stack([plane.real, plane.imag], -1) * math.sqrt(2.0)
        value = filtered.pfaffian(place)
        sign = 2.0 * (value >= 0.0).double() - 1.0
        signs.append(sign)
        features = [
            (level[..., size // 2 :] + FLOOR).log().sum(-1),
            (level[..., size // 2] + FLOOR).log(),
            torch.full_like(value, nearest),
            torch.full_like(value, math.log(n)),
            (noise.to(value) + FLOOR).log(),
            (flatness(given).to(value) + FLOOR).log(),
        ]
        complex_pair = pair.to(torch.complex128)
        for distance in DISTANCES:
            part = complex_pair.mT @ filtered.at(place + distance * step) @ complex_pair
            kept = part[:, 0, 1].imag
            turned = torch.stack([part[:, 0, 1].real, 0.5 * (part[:, 0, 0] - part[:, 1, 1]).real])
            features += [kept, turned.norm(dim=0), 0.5 * (part[:, 0, 0] + part[:, 1, 1]).real.abs()]
            features += _signed(sign * filtered.pfaffian(place + distance * step))
        for cutoff in CUTOFFS:
            features += _signed(sign * raw.pfaffian(place, cutoff))
        features += _signed(sign * raw.pfaffian(place))
        rows.append(torch.stack(features, -1))
    base = (signs[0] * signs[1] < 0.0).long()
    wilson = 2.0 * (wilson_parity(clean) == base).double()[:, None, None] - 1.0
    stacked = torch.stack(rows, 1)
    stacked = torch.cat([stacked, wilson.to(stacked).expand(-1, 2, 1)], -1)
    return Candidates(stacked.float(), torch.stack(signs, 1).float(), base)


def _signed(value: Tensor) -> list[Tensor]:
    """Write a number as its sign, the logarithm of its size with it, and itself."""
    return [value.sign(), (value.abs() + FLOOR).log() * value.sign(), value.clamp(-2.0, 2.0)]


def wilson_parity(samples: Tensor) -> Tensor:
    """Parity of half-filled class D chains by the sign of the Wilson loop, (B,) of 0 or 1.

    Ref.: A. Y. Kitaev, Phys.-Usp. 44, 131 (2001); the loop of the occupied states is its value.
    """
    frame = torch.linalg.eigh(0.5 * (samples + samples.mH))[1][..., : samples.shape[-1] // 2]
    loop: Tensor = torch.linalg.det(frame.mH @ frame.roll(-1, 1)).angle().sum(1)
    return ((loop / math.pi).round() % 2).long()


# ----------------------------------------------------------------------------------- Network


class ParityNetwork(nn.Module):
    r"""Formula for a Z2 invariant, corrected by learned probabilities that its parts are wrong.

    .. math:: P(\nu = \nu_0) = \tfrac12 \Big[ 1 + \prod_{i=1}^{K} (1 - 2 p_i) \Big]

    Samples are filtered if they are noisy, and refined by trigonometric interpolation. For chains
    of class D the formula :math:`\nu_0` compares the signs of the Pfaffians at k = 0 and
    :math:`\pi` [1]_, and either may be wrong. For planes with time reversal it is that of Fukui and
    Hatsugai [2]_ with the eigenphases of plaquettes, and each of the K most doubtful ones may have
    gone the other way round. A small network reads features that do not depend on the basis, and
    returns the probabilities p.

    Parameters
    ----------
    kind : {"majorana", "z2"}
        Superconducting chains in a Majorana basis, or planes with time reversal and spin up before
        spin down.
    hidden : int, optional
        Width of the network.
    candidates : int, optional
        Number K of plaquettes; chains have two candidates.
    upsample : int, optional
        Refinement of the grid of planes.

    Raises
    ------
    InputError
        If a number is not a positive integer or `kind` is another one.

    References
    ----------
    .. [1] A. Y. Kitaev, Phys.-Usp. 44, 131 (2001).
    .. [2] T. Fukui, Y. Hatsugai, J. Phys. Soc. Jpn. 76, 053702 (2007).

    Examples
    --------
    >>> import topophys as tp
    >>> network = ParityNetwork("majorana")
    >>> chains = tp.ensembles.bdg_chains(5, rng=1)
    >>> probability = network.predict(chains.on_grid(16))
    >>> proof = tp.majorana_number(chains, particle_hole="majorana", kind="direct")
    >>> bool(((probability > 0.5) == proof.value).all())
    True
    """

    def __init__(
        self, kind: str = "majorana", hidden: int = 48, candidates: int = 8, upsample: int = 2
    ) -> None:
        super().__init__()
        _validation.one_of(kind, "kind", tuple(KINDS))
        width = _validation.positive_int(hidden, "hidden")
        self.settings: dict[str, Any] = {
            "kind": kind,
            "hidden": width,
            "candidates": _validation.positive_int(candidates, "candidates"),
            "upsample": _validation.positive_int(upsample, "upsample"),
        }
        size = _feature_count(kind)
        self.first = nn.Linear(size, width)
        self.second = nn.Linear(2 * width, width)
        self.last = nn.Linear(width, 1)
        # a formula is rarely wrong
        nn.init.constant_(self.last.bias, -3.0)
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))

    def prepare(
        self, samples: Complex[Tensor, "..."], *, n_occupied: int = 2, origin: float = 0.0
    ) -> ParityData:
        """Candidates of a batch of samples.

        Parameters
        ----------
        samples : complex tensor of shape (B, N, n, n) or (B, Nx, Ny, n, n)
            Bloch matrices on ``topophys.k_grid(...) + origin``.
        n_occupied : int, optional
            Number of occupied bands, in planes; chains are half filled.
        origin : float, optional
            By how much the grid is shifted, along each direction.

        Returns
        -------
        ParityData
            What `forward` reads.
        """
        if self.settings["kind"] == "majorana":
            found = majorana_candidates(samples, origin)
            return ParityData(found.features, found.base)
        if origin:
            samples = moved_to_origin(samples, origin)
        flip = spin_reversal("up first", samples.shape[-1])
        reversal = torch.from_numpy(np.asarray(flip, dtype=np.complex128)).to(samples)
        found, _ = plane_candidates(
            samples,
            n_occupied,
            self.settings["upsample"],
            self.settings["candidates"],
            filtered=True,
            reversal=reversal,
        )
        return ParityData(found.features, found.base % 2)

    def hidden_features(self, data: ParityData) -> Float[Tensor, "B K hidden"]:
        """Second hidden layer, of each candidate."""
        h = nn.functional.gelu(self.first((data.features - self.mean) / self.deviation))
        # what the other candidates are like
        context = h.mean(-2, keepdim=True).expand_as(h)
        return nn.functional.gelu(self.second(torch.cat([h, context], -1)))

    def forward(self, data: ParityData) -> Float[Tensor, " B"]:
        """Probability that the invariant is 1.

        Parameters
        ----------
        data : ParityData
            From `prepare`.

        Returns
        -------
        float32 tensor of shape (B,)
            Probabilities.
        """
        p = torch.sigmoid(self.last(self.hidden_features(data)).squeeze(-1))
        right = 0.5 * (1.0 + (1.0 - 2.0 * p).prod(-1))
        return torch.where(data.base == 1, right, 1.0 - right)

    @torch.inference_mode()
    def predict(
        self,
        samples: Complex[np.ndarray, "..."],
        *,
        n_occupied: int = 2,
        origin: float = 0.0,
        batch_size: int = 256,
    ) -> Float[np.ndarray, " B"]:
        """Probabilities that the invariants are 1.

        Parameters
        ----------
        samples : complex ndarray of shape (B, N, n, n) or (B, Nx, Ny, n, n)
            Bloch matrices on ``topophys.k_grid(...) + origin``, flattened or not.
        n_occupied : int, optional
            Number of occupied bands, in planes.
        origin : float, optional
            By how much the grid is shifted, along each direction.
        batch_size : int, optional
            Hamiltonians at a time.

        Returns
        -------
        float64 ndarray of shape (B,)
            Probabilities.

        Raises
        ------
        ShapeError
            If samples have other axes, or fewer than three points along a direction.
        InputError
            If samples are not finite, not Hermitian, or vanish.
        """
        values = _checked(samples, KINDS[self.settings["kind"]])
        self.eval()
        parts = [
            self(self.prepare(torch.from_numpy(rows), n_occupied=n_occupied, origin=origin))
            for rows in np.split(values, range(batch_size, len(values), batch_size))
        ]
        return np.asarray(torch.cat(parts).double().numpy())


def _checked(samples: Complex[np.ndarray, "..."], dim: int) -> Complex[np.ndarray, "..."]:
    axes = "(B, N, n, n)" if dim == 1 else "(B, Nx, Ny, n, n)"
    values = _validation.as_complex(samples, "samples", axes)
    if values.ndim != dim + 3 or values.shape[-1] != values.shape[-2] or values.shape[-1] % 2:
        raise ShapeError(
            f"Argument `samples` must have {dim + 3} axes for this network, the last two of equal"
            f" and even size, but has the shape {values.shape}."
        )
    if min(values.shape[1:-2]) < 3:
        raise ShapeError(
            "Argument `samples` must have at least 3 points along each direction, but has the shape"
            f" {values.shape}."
        )
    _validation.require_hermitian(values, "samples", 1e-5, batch_ndim=1)
    size = np.abs(values).max(axis=tuple(range(1, values.ndim)), initial=0.0)
    if (size < 1e-300).any():
        raise InputError(
            "Argument `samples` must not vanish at all k points, but does for"
            f" {np.flatnonzero(size < 1e-300)[:5].tolist()}."
        )
    return values


def _feature_count(kind: str) -> int:
    """Count features, from one small Hamiltonian."""
    if kind == "majorana":
        sample = torch.tensor([[0.0, 1j], [-1j, 0.0]], dtype=torch.complex128)
        return majorana_candidates(sample.expand(1, 4, 2, 2)).features.shape[-1]
    h_k = torch.diag_embed(torch.tensor([-1.0, 1.0], dtype=torch.complex128)).expand(1, 4, 4, 2, 2)
    return plane_candidates(h_k, 1)[1].size


def fit_parities(
    network: ParityNetwork,
    data: ParityData,
    label: Int[np.ndarray, " batch"],
    *,
    epochs: int = 12,
    batch_size: int = 256,
    learning_rate: float = 3e-3,
    weight_decay: float = 1e-3,
    seed: int = 0,
) -> list[float]:
    r"""Train a parity network on Z2 invariants alone, by their likelihood.

    .. math:: L = -\langle \log P(\nu_s) \rangle_s

    The population should have no filter on the gap: where the formula is always right there is
    nothing to learn.

    Parameters
    ----------
    network : ParityNetwork
        Trained in place.
    data : ParityData
        From `ParityNetwork.prepare`; several grids may be joined by `torch.cat`.
    label : int array of shape (B,)
        Invariants, 0 or 1.
    epochs, batch_size, learning_rate, weight_decay, seed : optional
        Of AdamW with a one-cycle schedule.

    Returns
    -------
    list of float
        Mean loss of each epoch.

    Raises
    ------
    ShapeError
        If there is not one label for each sample.

    Examples
    --------
    >>> import topophys as tp
    >>> chains = tp.ensembles.bdg_chains(64, rng=1)
    >>> label = tp.majorana_number(chains, particle_hole="majorana", kind="direct").value
    >>> network = ParityNetwork("majorana")
    >>> samples = chains.bloch(tp.k_grid(8) + np.pi / 8)
    >>> data = network.prepare(torch.from_numpy(samples), origin=np.pi / 8)
    >>> len(fit_parities(network, data, np.asarray(label), batch_size=32))
    12
    """
    require_labels(label, len(data.base))
    standardize(network, data.features.flatten(0, 1))
    target = torch.as_tensor(np.asarray(label), device=network.mean.device).float()

    def loss_of(rows: Tensor) -> Tensor:
        p = network(data.select(rows)).clamp(1e-6, 1.0 - 1e-6)
        return nn.functional.binary_cross_entropy(p, target[rows])

    return minimize(
        network,
        loss_of,
        len(data.base),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        seed=seed,
    )
