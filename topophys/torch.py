"""Differentiable physics: Bloch Hamiltonians, gaps and fluxes as functions of PyTorch.

Everything agrees with the NumPy functions of the same quantity and works on any device; gradients
flow to the hoppings. `design` looks for Hamiltonians with a large gap, and proves what it found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Complex, Float
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import Tensor

from topophys import _validation
from topophys.ensembles.random import two_band
from topophys.errors import InputError, ShapeError, UnresolvedError
from topophys.grids import k_grid
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.chern import certify_chern
from topophys.invariants.gap import certify_gap
from topophys.invariants.results import Certificate
from topophys.learn.layers import flatten_channels

__all__ = [
    "Design",
    "berry_flux",
    "chain_block",
    "d_vector",
    "design",
    "fourier_sum",
    "polar_factor",
    "soft_gap",
]


# ------------------------------------------------------------------------------- Fourier series


def fourier_sum(
    vectors: Sequence[Sequence[int]] | Tensor, amplitudes: Tensor, k: Tensor, tail: int = 2
) -> Tensor:
    r"""Fourier series of matrices, for example H(k).

    .. math:: H(k) = \sum_R H_R e^{i k \cdot R}

    Parameters
    ----------
    vectors : integers of shape (M, dim)
        Lattice vectors R.
    amplitudes : complex tensor of shape (..., M, *tail)
        Coefficients.
    k : tensor of shape (K, dim)
        Dimensionless momenta, in radians.
    tail : int, optional
        Number of axes of one coefficient.

    Returns
    -------
    complex tensor of shape (..., K, *tail)
        The series, in the units of the coefficients.

    Raises
    ------
    ShapeError
        If `vectors`, `amplitudes` and `k` do not go together.

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.qwz(1.0)
    >>> k = tp.k_grid((4, 4)).reshape(-1, 2)
    >>> h_k = fourier_sum(h.vectors.tolist(), torch.from_numpy(h.amplitudes), torch.from_numpy(k))
    >>> bool(np.allclose(h_k.numpy(), h.bloch(k)))
    True
    """
    lattice = torch.as_tensor(vectors, dtype=k.dtype, device=k.device)
    axis = amplitudes.ndim - tail - 1
    if lattice.ndim != 2 or k.ndim != 2 or lattice.shape[1] != k.shape[1]:
        raise ShapeError(
            "Arguments `vectors` and `k` must have shapes (M, dim) and (K, dim), but have"
            f" {tuple(lattice.shape)} and {tuple(k.shape)}."
        )
    if axis < 0 or amplitudes.shape[axis] != len(lattice):
        raise ShapeError(
            f"Argument `amplitudes` must have shape (..., {len(lattice)}, *tail) with {tail} axes"
            f" of a coefficient, but has {tuple(amplitudes.shape)}."
        )
    phase = k @ lattice.T
    waves = torch.polar(torch.ones_like(phase), phase).to(amplitudes.dtype)
    found: Tensor = torch.tensordot(amplitudes, waves, dims=([axis], [1])).movedim(-1, axis)
    return found


def chain_block(lowest: int, blocks: Tensor, k: Tensor) -> Tensor:
    r"""Block of a chiral chain.

    .. math:: D(k) = \sum_{m} D_m e^{imk}, \qquad m = m_0, m_0 + 1, \dots

    Parameters
    ----------
    lowest : int
        Lowest order m_0.
    blocks : complex tensor of shape (..., M, n, n)
        Coefficients D_m.
    k : tensor of shape (K,)
        Dimensionless momenta.

    Returns
    -------
    complex tensor of shape (..., K, n, n)
        The block, in the units of the coefficients.

    Raises
    ------
    ShapeError
        If `blocks` or `k` have other axes.

    Examples
    --------
    >>> k = torch.linspace(0, 3, 4, dtype=torch.float64)
    >>> D = chain_block(0, torch.tensor([[[1.0]], [[2.0]]], dtype=torch.complex128), k)
    >>> bool(torch.allclose(D[:, 0, 0], 1 + 2 * torch.exp(1j * k)))
    True
    """
    orders = [[lowest + m] for m in range(blocks.shape[-3] if blocks.ndim > 2 else 0)]
    return fourier_sum(orders or [[0]], blocks, k[:, None])


def d_vector(vectors: Sequence[Sequence[int]] | Tensor, d_r: Tensor, k: Tensor) -> Tensor:
    r"""d-vector of a two-band Hamiltonian, from the coefficients of one of R and -R.

    .. math:: d(k) = \mathrm{Re} \, d_0 + 2 \, \mathrm{Re} \sum_{R \ne 0} d_R e^{i k \cdot R}

    Parameters
    ----------
    vectors : integers of shape (M, dim)
        Lattice vectors; never both R and -R.
    d_r : complex tensor of shape (..., M, 3)
        Coefficients.
    k : tensor of shape (K, dim)
        Dimensionless momenta.

    Returns
    -------
    real tensor of shape (..., K, 3)
        d(k), in the units of the coefficients.

    Raises
    ------
    ShapeError
        If the arguments do not go together.

    Examples
    --------
    >>> d = d_vector([[0, 0], [1, 0]], torch.tensor([[0, 0, 1], [0, 0, 0.5]]) + 0j,
    ...              torch.tensor([[0.0, 0.0], [torch.pi, 0.0]]))
    >>> d[:, 2]
    tensor([2., 0.])
    """
    lattice = torch.as_tensor(vectors)
    factor = torch.where((lattice == 0).all(-1), 1.0, 2.0).to(d_r.device)
    return fourier_sum(vectors, d_r * factor[:, None], k, tail=1).real


# ------------------------------------------------------------------------------- Gaps and phases


def polar_factor(blocks: Complex[Tensor, "*batch n n"]) -> Complex[Tensor, "*batch n n"]:
    r"""Unitary polar factor, with a derivative that does not divide by differences.

    .. math:: D \mapsto D (D^\dagger D)^{-1/2}

    Parameters
    ----------
    blocks : complex tensor of shape (..., n, n)
        Invertible blocks.

    Returns
    -------
    complex tensor of shape (..., n, n)
        Unitary blocks.

    Examples
    --------
    >>> flat = polar_factor(torch.diag(torch.tensor([3.0, -0.5j])))
    >>> torch.allclose(flat, torch.diag(torch.tensor([1.0, -1.0j])))
    True
    """
    n = blocks.shape[-1]
    channels = torch.view_as_real(blocks.contiguous()).reshape(*blocks.shape[:-2], 2 * n * n)
    flat = flatten_channels(channels).reshape(*blocks.shape, 2)
    return torch.view_as_complex(flat.contiguous())


def soft_gap(
    h_k: Complex[Tensor, "*batch k n n"], n_occupied: int, sharpness: float = 50.0
) -> Float[Tensor, "*batch"]:
    r"""Smooth lower estimate of the direct gap over sampled momenta.

    .. math:: -\frac{1}{\beta} \log \sum_k e^{-\beta (E_{s+1}(k) - E_s(k))} \;\le\;
        \min_k \left( E_{s+1}(k) - E_s(k) \right)

    Parameters
    ----------
    h_k : complex tensor of shape (..., K, n, n)
        Bloch matrices.
    n_occupied : int
        Number s of occupied bands.
    sharpness : float, optional
        beta, in inverse units of energy: the estimate is at most log(K) / beta below the minimum.

    Returns
    -------
    real tensor of shape (...)
        The estimate, in the units of `h_k`.

    Raises
    ------
    InputError
        If `n_occupied` or `sharpness` is impossible.

    Examples
    --------
    >>> h_k = torch.diag_embed(torch.tensor([[-1.0, 1.0], [-2.0, 1.0]])) + 0j
    >>> round(float(soft_gap(h_k, 1)), 6)
    2.0
    """
    n = h_k.shape[-1]
    if not 0 < n_occupied < n:
        raise InputError(
            f"Argument `n_occupied` must lie between 1 and {n - 1} for {n} bands, but is"
            f" {n_occupied}."
        )
    if not 0.0 < sharpness < math.inf:
        raise InputError(f"Argument `sharpness` must be positive and finite, but is {sharpness}.")
    energy = torch.linalg.eigvalsh(h_k)
    gap = energy[..., n_occupied] - energy[..., n_occupied - 1]
    return -torch.logsumexp(-sharpness * gap, -1) / sharpness


def berry_flux(h_k: Tensor, n_occupied: int) -> Tensor:
    r"""Berry flux of the occupied bands through each plaquette of a grid.

    .. math:: F = -\arg \det \left( U_x(k) U_y(k + \hat x) U_x(k + \hat y)^\dagger U_y(k)^\dagger
        \right)

    Parameters
    ----------
    h_k : complex tensor of shape (..., Nx, Ny, n, n)
        Bloch matrices on the grid of `topophys.k_grid`.
    n_occupied : int
        Number of occupied bands. Degenerate ones have no gradient.

    Returns
    -------
    real tensor of shape (..., Nx, Ny)
        Fluxes in (-pi, pi]; their sum is 2 pi times the sampled Chern number.

    Raises
    ------
    InputError
        If `n_occupied` is impossible.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> h = tp.models.qwz(1.0)
    >>> flux = berry_flux(torch.from_numpy(h.on_grid((12, 12))), 1)
    >>> round(float(flux.sum()) / (2 * torch.pi)) == int(tp.certify_chern(h).value)
    True
    """
    n = h_k.shape[-1]
    if not 0 < n_occupied < n:
        raise InputError(
            f"Argument `n_occupied` must lie between 1 and {n - 1} for {n} bands, but is"
            f" {n_occupied}."
        )
    states = torch.linalg.eigh(h_k)[1][..., :n_occupied]
    link_x = torch.linalg.det(states.mH @ states.roll(-1, -4))
    link_y = torch.linalg.det(states.mH @ states.roll(-1, -3))
    loop = link_x * link_y.roll(-1, -2) * (link_x.roll(-1, -1) * link_y).conj()
    flux: Tensor = -loop.angle()
    return flux


# ------------------------------------------------------------------------------- Design


@dataclass(frozen=True, eq=False)
class Design:
    """A Hamiltonian that was looked for, and the proof of what it is.

    Attributes
    ----------
    hamiltonian : TwoBandHamiltonian
        In units of its root-mean-square band energy.
    certificate : Certificate
        Its Chern number and gap, proven.
    starts : int
        Random Hamiltonians from which the search began.
    """

    hamiltonian: TwoBandHamiltonian
    certificate: Certificate
    starts: int

    def __repr__(self) -> str:
        proof = self.certificate
        return (
            f"Design: Chern number {int(proof.value):+d}, gap of at least"
            f" {float(proof.gap_lower):.4f} and at most {float(proof.gap_upper):.4f} rms energies"
        )


def design(
    chern: int,
    *,
    hopping_range: int = 1,
    starts: int = 24,
    steps: int = 600,
    grid: int = 32,
    polished: int = 3,
    tightness: float = 0.998,
    device: str = "cpu",
    seed: int = 0,
) -> Design:
    r"""Look for the two-band Hamiltonian with the largest gap at a given Chern number.

    .. math:: \max_d \; \min_k 2 |d(k)| \quad \text{for} \quad
        \frac{1}{N} \sum_k |d(k)|^2 = 1, \quad C = \mathtt{chern}

    From random Hamiltonians with that Chern number the soft minimum of the gap is raised by Adam
    [1]_, the sharper the longer. The best are then polished by linear programs: |d(k)| is convex in
    the coefficients, so that its linearisation is a lower bound,

    .. math:: \max_{\delta, t} t \quad \text{for} \quad
        |d(k)| + \frac{d(k) \cdot \delta d(k)}{|d(k)|} \ge t, \quad
        |\delta| \le r, \quad \sum_k d(k) \cdot \delta d(k) = 0

    at the narrowest points of a grid twice as fine and the minima between them, with a shorter step
    r wherever the gap did not rise or the Chern number changed. Some starts are polished without
    the search before. 2 is the gap of flat bands, which no finite range reaches. What is returned
    is proven, not that it is the best.

    Parameters
    ----------
    chern : int
        Chern number C.
    hopping_range : int, optional
        Largest component of a lattice vector.
    starts, steps : int, optional
        Number of random starts, and of steps.
    grid : int, optional
        k points along each direction while searching.
    polished : int, optional
        Number of end points of the search, and of starts, that are polished.
    tightness : float, optional
        Share of the gap that the proof shall reach; it takes longer near 1.
    device : str, optional
        Where torch computes.
    seed : int, optional
        Seed of the starts.

    Returns
    -------
    Design
        The Hamiltonian with the largest proven gap.

    Raises
    ------
    InputError
        If a number is impossible, or no Hamiltonian of that range with that Chern number turns up
        in 200 000 draws.
    UnresolvedError
        If no end point of the search is proven to have the Chern number.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, Proc. ICLR (2015), arXiv:1412.6980.

    Examples
    --------
    >>> best = design(1, starts=4, steps=200, tightness=0.95)
    >>> float(best.certificate.gap_lower) > 1.8
    True
    """
    side = _validation.positive_int(grid, "grid", minimum=3)
    count = _validation.positive_int(steps, "steps")
    if not 0.0 < tightness < 1.0:
        raise InputError(f"Argument `tightness` must lie between 0 and 1, but is {tightness}.")
    drawn = two_band(starts, hopping_range=hopping_range, classes=[chern], rng=seed)
    reach = range(-hopping_range, hopping_range + 1)
    half: list[tuple[int, ...]] = [v for v in itertools.product(reach, repeat=2) if v > (0, 0)]
    best_ones = 0 if polished == 0 else _validation.positive_int(polished, "polished")
    k = k_grid((side, side)).reshape(-1, 2)
    functions = _functions(half, k)
    first = np.einsum("kl,bka->bla", functions, drawn.d(k)) / len(k)
    x = torch.tensor(first, device=device, requires_grad=True)
    f = torch.tensor(functions, device=device)
    kept, held = _climb(x, f, half, chern, count)
    if not held.any():
        raise UnresolvedError("design", [0], len(held), detail="every search left the phase")
    final = _normalised(kept[held]).cpu().numpy()
    smallest = np.linalg.norm(functions @ final, axis=-1).min(-1)
    ends = final[np.argsort(-smallest)[:best_ones]]
    # the soft minimum ends in other maxima than programs that start from the draws themselves
    draws = first[:best_ones] / np.linalg.norm(first[:best_ones], axis=(1, 2), keepdims=True)
    both = np.concatenate([ends, draws])
    final = np.stack([*(_polish(x, half, 2 * side, chern) for x in both), *final])
    return _proven(_two_band(torch.from_numpy(final), half), chern, tightness)


def _functions(half: Sequence[tuple[int, ...]], k: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal functions 1, sqrt 2 cos k.R and sqrt 2 sin k.R at momenta (..., 2)."""
    phase = k @ np.array(half, np.float64).T
    waves = np.concatenate([np.cos(phase), np.sin(phase)], -1) * math.sqrt(2.0)
    return np.concatenate([np.ones((*k.shape[:-1], 1)), waves], -1)


#: Linear programs of a polish, its first step, and its last one.
PROGRAMS: Final = 80
FIRST_STEP: Final = 0.1
LAST_STEP: Final = 1e-5
#: k points with the smallest gaps that take part, and those of them from which a minimum is looked
#: for between the points, in so many rounds.
NARROW: Final = 600
MINIMA: Final = 80
ROUNDS: Final = 8


def _narrow(x: NDArray[np.float64], half: list[tuple[int, ...]], side: int) -> NDArray[np.float64]:
    """Momenta with the smallest |d|: of a grid, and minima between its points."""
    k = k_grid((side, side)).reshape(-1, 2)
    length = np.linalg.norm(_functions(half, k) @ x, axis=-1)
    rows = np.argsort(length)[:NARROW]
    near, step = k[rows[:MINIMA]], np.pi / side
    around = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=2)))
    for _ in range(ROUNDS):
        tried = near[:, None] + step * around
        best = np.linalg.norm(_functions(half, tried) @ x, axis=-1).argmin(1)
        near, step = tried[np.arange(len(near)), best], 0.5 * step
    return np.concatenate([k[rows], near])


def _polish(
    x: NDArray[np.float64], half: list[tuple[int, ...]], side: int, chern: int
) -> NDArray[np.float64]:
    """Raise the smallest gap of coefficients (l, 3) by linear programs, within the phase."""
    step = FIRST_STEP
    functions = _functions(half, _narrow(x, half, side))
    best = np.linalg.norm(functions @ x, axis=1).min()
    goal = np.append(np.zeros(x.size), -1.0)
    for _ in range(PROGRAMS):
        d = functions @ x
        length = np.linalg.norm(d, axis=1)
        along = functions[:, :, None] * (d / length[:, None])[:, None, :]
        found = linprog(
            goal,
            A_ub=np.column_stack([-along.reshape(len(d), -1), np.ones(len(d))]),
            b_ub=length,
            A_eq=np.append(x.ravel(), 0.0)[None],
            b_eq=[0.0],
            bounds=[*[(-step, step)] * x.size, (0.0, None)],
            method="highs",
        )
        if found.status == 0:
            moved = x + found.x[:-1].reshape(x.shape)
            moved /= np.linalg.norm(moved)
            other = _functions(half, _narrow(moved, half, side))
            reached = np.linalg.norm(other @ moved, axis=1).min()
            proof = certify_chern(_two_band(torch.from_numpy(moved[None]), half))
            if reached > best + 1e-9 and proof.certified[0] and int(proof.value[0]) == chern:
                x, best, functions = moved, reached, other
                continue
            # what the step ran into takes part from now on
            functions = np.concatenate([functions[: 2 * NARROW], other[-MINIMA:]])
        step *= 0.5
        if step < LAST_STEP:
            break
    return x


#: Steps after which a search that left the phase is taken back.
LOOKS: Final = 20


def _climb(
    x: Tensor, functions: Tensor, half: list[tuple[int, ...]], chern: int, steps: int
) -> tuple[Tensor, Tensor]:
    """Raise the soft minimum of the gap; return the best in the phase, and which ever was there.

    A search that left the phase goes back to where it was, with shorter steps.
    """
    optimizer = torch.optim.Adam([x], lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    best = torch.zeros(len(x), device=x.device, dtype=x.dtype)
    kept, pace = x.detach().clone(), torch.ones_like(best)
    for step in range(steps + 1):
        if step % LOOKS == 0 or step == steps:
            with torch.no_grad():
                proof = certify_chern(_two_band(x, half))
                right = np.asarray(proof.certified) & (np.ma.getdata(proof.value) == chern)
                inside = torch.from_numpy(right).to(x.device)
                seen = torch.from_numpy(np.asarray(proof.gap_upper)).to(x)
                better = inside & (seen > best)
                best = torch.where(better, seen, best)
                kept[better] = x[better]
                x[~inside] = kept[~inside]
                pace[~inside] *= 0.5
        length = (functions @ _normalised(x)).square().sum(-1).sqrt()
        sharpness = 20.0 * 50.0 ** (step / steps)
        loss = torch.logsumexp(-sharpness * length, 1).sum() / sharpness
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        before = x.detach().clone()
        optimizer.step()
        with torch.no_grad():
            x.copy_(before + pace[:, None, None] * (x - before))
        schedule.step()
    return kept, best > 0.0


def _normalised(x: Tensor) -> Tensor:
    return x / x.square().sum((1, 2), keepdim=True).sqrt()


def _two_band(x: Tensor, half: list[tuple[int, ...]]) -> TwoBandHamiltonian:
    """Hamiltonians from coefficients of 1, cos and sin."""
    final = _normalised(x.detach()).cpu().numpy()
    cosines, sines = final[:, 1 : 1 + len(half)], final[:, 1 + len(half) :]
    coefficients = {r: (cosines[:, m] - 1j * sines[:, m]) / 2**0.5 for m, r in enumerate(half)}
    return TwoBandHamiltonian({(0, 0): final[:, 0], **coefficients})


def _proven(found: TwoBandHamiltonian, chern: int, tightness: float) -> Design:
    """Choose the largest gap among those that are proven to have the Chern number."""
    proof = certify_chern(found)
    right = np.asarray(proof.certified) & (np.ma.getdata(proof.value) == chern)
    seen = np.where(right, np.asarray(certify_gap(found).gap_upper), 0.0)
    for index in np.argsort(-seen)[: int(right.sum())]:
        tight = _tightened(found[index], tightness)
        if bool(tight.certified) and int(tight.value) == chern:
            return Design(found[index], tight, len(right))
    detail = f"no end point of the search is proven to have Chern number {chern}; raise `starts`"
    raise UnresolvedError("design", [0], len(right), detail=detail)


def _tightened(h: TwoBandHamiltonian, tightness: float) -> Certificate:
    """Proof whose gap bound is the wanted share of the gap that was seen, if it can be had."""
    best = certify_chern(h)
    low, seen = float(best.gap_lower), float(best.gap_upper)
    asked = seen
    for _ in range(20):
        if low >= tightness * seen:
            break
        wanted = max(0.5 * (low + asked), tightness * low)
        proof = certify_chern(h, min_gap=wanted, max_depth=24, max_evaluations=4_000_000)
        seen = min(seen, float(proof.gap_upper))
        if bool(proof.certified):
            best, low = proof, float(proof.gap_lower)
        else:
            asked = wanted
        asked = min(asked, seen)
    return best
