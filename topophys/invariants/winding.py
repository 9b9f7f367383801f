"""Winding numbers and winding angles of chiral chains, sampled and certified."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import BlockLike, FourierLike, SampledLike, is_block_like
from topophys.errors import GaplessError, KindError
from topophys.grids import grid_sizes, k_grid
from topophys.invariants._limits import described, limits
from topophys.invariants._samples import block_samples, jumping, momenta
from topophys.invariants._winding import winding_evidence
from topophys.invariants.evidence import Asked
from topophys.invariants.results import (
    Certificate,
    OnUnresolved,
    check_on_unresolved,
    conclude,
    masked,
)
from topophys.kernels import status as st
from topophys.kernels.chain_fields import small_determinants, turns_between
from topophys.kernels.small_linalg import determinants
from topophys.kernels.trig_series import trig_table
from topophys.kernels.winding_sampled import count_turns, count_windings, count_windings_of_series

__all__ = ["certify_winding", "winding_angle", "winding_number", "winding_steps"]


# ---------------------------------------- Winding number and winding angle of sampled chiral blocks

#: Hamiltonians sampled at once where the samples are needed: memory stays bounded.
PORTION: Final = 1024


def _determinants(
    blocks: NDArray[np.complex128],
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Return determinants and bounds of their errors, both (B, N), for blocks (B, N, n, n)."""
    f = np.empty(blocks.shape[:2], np.complex128)
    error = np.empty(f.shape)
    determinants(blocks, np.empty(blocks.shape[2:], np.complex128), f, error)
    return f, error


def winding_number(
    d_k: ArrayLike | BlockLike | FourierLike | SampledLike,
    *,
    grid: int | tuple[int] | None = None,
    on_unresolved: OnUnresolved = "raise",
) -> Int[np.ndarray, "..."]:
    r"""Winding number of the polygon through sampled determinants of the chiral block.

    .. math:: \nu = \frac{1}{2\pi} \sum_j \mathrm{wrap}\,
        [\arg\det D(k_{j+1}) - \arg\det D(k_j)]

    Counted by signed crossings of the positive real axis: no arctangent, no rounding. It is the
    integer of the samples; for the integer of the continuous Hamiltonian see `certify_winding`.

    Parameters
    ----------
    d_k : array-like of shape (..., N, n, n), or Hamiltonian
        Chiral block on the periodic grid of `topophys.k_grid`; or chains, to be sampled on `grid`
        points. A ChiralHamiltonian with a block up to 2 x 2 is the fastest: no blocks are made.
        Any other must have zero diagonal blocks: chiral operator diag(1, ..., -1, ...).
    grid : int, optional
        Number of k points, for Hamiltonians.
    on_unresolved : {"raise", "mask"}, optional
        Where the polygon meets the origin (to rounding): raise, or return a masked array.

    Returns
    -------
    int64 ndarray of shape (...)
        Winding number; positive when det D turns anticlockwise as k grows.

    Raises
    ------
    ShapeError, InputError
        If `d_k` has other axes, is not finite or not periodic, or `grid` does not fit.
    KindError
        If a Hamiltonian is no chain, or not chiral.
    GaplessError
        If a polygon meets the origin.

    References
    ----------
    .. [1] C.-K. Chiu, J. C. Y. Teo, A. P. Schnyder, S. Ryu, Rev. Mod. Phys. 88, 035005 (2016).

    Examples
    --------
    >>> import topophys as tp
    >>> model = tp.models.ssh(1.0, [0.5, 2.0])
    >>> winding_number(model.block_on_grid(32)), winding_number(model, grid=32)
    (array([0, 1]), array([0, 1]))
    """
    check_on_unresolved(on_unresolved)
    if is_block_like(d_k):
        turns, status = _of_hamiltonian(d_k, grid)
    else:
        blocks = block_samples(d_k, grid)
        turns, status = _of_samples(blocks)
        if not momenta(d_k):
            jumps = jumping(
                np.asarray(blocks),
                (-1,),
                "d_k",
                cure=False,
                positions_given=True,
                mask=on_unresolved == "mask",
            )
            status = np.where(jumps, st.GAPLESS, status)
    bad = status == st.GAPLESS
    if on_unresolved == "raise":
        _validation.require_gapped(bad, "winding_number", mask=True)
    return masked(turns, ~bad)


def _of_samples(d_k: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Winding numbers and statuses (OK or GAPLESS), with the batch axes of d_k."""
    blocks = _validation.as_complex(d_k, "d_k", "(..., N, n, n)")
    if blocks.ndim >= 3:
        _validation.require_block(blocks, "d_k")
    batch, loop = blocks.shape[:-3], blocks.shape[-3:]
    flat = blocks.reshape(math.prod(batch), *loop)
    turns, status = np.empty(len(flat), np.int64), np.full(len(flat), st.UNRESOLVED, np.uint8)
    if loop[-1] <= 2:
        count_windings(flat, turns, status)
    rest = status == st.UNRESOLVED
    if rest.any():
        f, error = _determinants(flat[rest])
        parts = turns[rest], status[rest]
        count_turns(f, error, *parts)
        turns[rest], status[rest] = parts
    return turns.reshape(batch), status.reshape(batch)


def _of_hamiltonian(
    H: BlockLike, grid: int | tuple[int] | None
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    (n_k,), (lowest, highest) = grid_sizes(1, grid), H.block_range
    amplitudes = np.ascontiguousarray(H.block_amplitudes)
    batch, (n_shift, n, _) = amplitudes.shape[:-3], amplitudes.shape[-3:]
    flat = amplitudes.reshape(math.prod(batch), n_shift, n, n)
    turns, status = np.empty(len(flat), np.int64), np.full(len(flat), st.UNRESOLVED, np.uint8)
    if n <= 2:
        table = trig_table(n * max(abs(lowest), abs(highest)), 2 * np.arange(n_k) - n_k, 2 * n_k)
        count_windings_of_series(flat, lowest, table, turns, status)
    rest = np.flatnonzero(status == st.UNRESOLVED)
    for start in range(0, len(rest), PORTION):
        part = rest[start : start + PORTION]
        phases = np.exp(1j * k_grid(n_k) * np.arange(lowest, highest + 1))
        d_k = phases @ flat[part].reshape(len(part), n_shift, n * n)
        turns[part], status[part] = _of_samples(d_k.reshape(len(part), n_k, n, n))
    return turns.reshape(batch), status.reshape(batch)


def winding_angle(
    d_k: ArrayLike | BlockLike | FourierLike | SampledLike, *, grid: int | tuple[int] | None = None
) -> Float[np.ndarray, "... N"]:
    r"""Winding angle of the chiral block, in (-pi, pi].

    .. math:: \alpha(k) = \arg \det D(k)

    Parameters
    ----------
    d_k : array-like of shape (..., N, n, n), or Hamiltonian
        Chiral block at N momenta; or chains as for `winding_number`, to be sampled on `grid`.
    grid : int, optional
        Number of k points, for Hamiltonians.

    Returns
    -------
    float64 ndarray of shape (..., N)
        Angle in radians, defined modulo 2 pi.

    Raises
    ------
    ShapeError, InputError
        If `d_k` has other axes or is not finite, or `grid` does not fit.
    KindError
        As for `winding_number`.
    GaplessError
        If a determinant vanishes to rounding.

    References
    ----------
    .. [1] N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).

    Examples
    --------
    >>> winding_angle([[[1.0]], [[1.0j]], [[-1.0]]]) / np.pi
    array([0. , 0.5, 1. ])
    """
    f, shape = _nonzero(block_samples(d_k, grid), "winding_angle")
    return np.angle(f).reshape(shape)


def winding_fields(
    d_k: ArrayLike,
) -> tuple[Float[np.ndarray, "... N"], Float[np.ndarray, "... N"]]:
    """Angle and steps of the same blocks, from one set of determinants.

    Shapes: `d_k` (..., N, n, n); returns (..., N), (..., N).
    """
    f, shape = _nonzero(d_k, "winding_angle")
    return np.angle(f).reshape(shape), _steps(f).reshape(shape)


def winding_steps(
    d_k: ArrayLike | BlockLike | FourierLike | SampledLike, *, grid: int | tuple[int] | None = None
) -> Float[np.ndarray, "... N"]:
    r"""Change of the winding angle from each momentum to the next.

    .. math:: \Delta\alpha_j = \arg [\det D(k_{j+1}) \, \overline{\det D(k_j)}], \qquad
        \sum_j \Delta\alpha_j = 2\pi\nu

    Parameters
    ----------
    d_k : array-like of shape (..., N, n, n), or Hamiltonian
        Chiral block on the periodic grid of `topophys.k_grid`; or chains as for `winding_number`,
        to be sampled on `grid`.
    grid : int, optional
        Number of k points, for Hamiltonians.

    Returns
    -------
    float64 ndarray of shape (..., N)
        Step in radians, in (-pi, pi]; the last one leads back to the first momentum.

    Raises
    ------
    ShapeError, InputError
        If `d_k` has other axes or is not finite, or `grid` does not fit.
    KindError
        As for `winding_number`.
    GaplessError
        If a determinant vanishes to rounding.

    References
    ----------
    .. [1] N. Sun, J. Yi, P. Zhang, H. Shen, H. Zhai, Phys. Rev. B 98, 085402 (2018).

    Examples
    --------
    >>> winding_steps([[[1.0]], [[1.0j]], [[-1.0]], [[-1.0j]]]) / np.pi
    array([0.5, 0.5, 0.5, 0.5])
    """
    f, shape = _nonzero(block_samples(d_k, grid), "winding_steps")
    return _steps(f).reshape(shape)


def _steps(f: NDArray[np.complex128]) -> NDArray[np.float64]:
    turn = np.empty_like(f)
    turns_between(f, turn)
    return np.angle(turn)


def _nonzero(d_k: ArrayLike, name: str) -> tuple[NDArray[np.complex128], tuple[int, ...]]:
    """Return determinants (B, N), up to a positive factor for each loop; none may vanish."""
    blocks = _validation.as_complex(d_k, "d_k", "(..., N, n, n)")
    batch, loop = blocks.shape[:-3], blocks.shape[-3:]
    flat = blocks.reshape(math.prod(batch), *loop)
    f = np.empty(flat.shape[:2], np.complex128)
    status = np.full(len(flat), st.UNRESOLVED, np.uint8)
    if loop[-1] <= 2:
        small_determinants(flat, f, status)
    rest = np.flatnonzero(status == st.UNRESOLVED)
    if len(rest):
        f[rest], error = _determinants(flat[rest])
        bad = (np.abs(f[rest]) <= error).any(-1)
        if bad.any():
            raise GaplessError(name, rest[bad].tolist(), len(flat))
    return f, (*batch, loop[0])


# ----------------------------------------------------------- Proven winding number of chiral chains


#: What to do with other Hamiltonians than those with a block.
_CURE: Final = (
    "ChiralHamiltonian.from_hamiltonian(H) finds the block of a chain; of a superconducting chain"
    " without a block ask majorana_number"
)


def certify_winding(
    H: BlockLike,
    *,
    min_gap: float = 0.0,
    max_depth: int = 24,
    max_evaluations: int = 100_000,
    on_unresolved: OnUnresolved = "mask",
    evidence: bool = False,
) -> Certificate:
    r"""Winding number of the continuous chain, proven from its Fourier coefficients.

    .. math:: \nu = \frac{1}{2\pi} \oint \mathrm{d} \arg\det D(k), \qquad
        \det D(k) = \sum_m f_m e^{imk}

    Intervals of the zone are bisected until Taylor's theorem keeps det D on each away from zero;
    then the winding is that of the polygon through their end points, counted by signs alone.
    The same intervals prove the gap :math:`2 \min_k \sigma_{\min}(D)`: exactly in the limit of
    small intervals for one or two orbitals, from below for more.

    Parameters
    ----------
    H : ChiralHamiltonian
        A chain or a batch of chains.
    min_gap : float, optional
        Certify only what is proven to have at least this energy gap, in the units of the
        hoppings. More intervals are used where needed.
    max_depth : int, optional
        How often an interval of the starting grid may be halved, at most 40.
    max_evaluations : int, optional
        Largest number of evaluated k points per chain.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.
    evidence : bool, optional
        Keep the intervals of each proof in `Certificate.evidence`, as certificate files need them.

    Returns
    -------
    Certificate
        Value, status, gap bound and effort, each of shape (...) like the batch of `H`.

    Raises
    ------
    KindError
        If `H` has no chiral block.
    InputError
        If an option is out of range, or N > 2 orbitals times the range of the hoppings exceed
        32768.
    UnresolvedError
        If asked for and a chain is unresolved.

    References
    ----------
    .. [1] R. E. Moore, R. B. Kearfott, M. J. Cloud, *Introduction to Interval Analysis*,
       SIAM (2009), chap. 6.

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.certify_winding(tp.models.ssh(1.0, [0.999, 1.001]))
    >>> proof.value, proof.gap_lower > 0
    (array([0, 1]), array([ True,  True]))
    """
    if not is_block_like(H):
        raise KindError(
            "Argument `H` must be a ChiralHamiltonian (class AIII, with a block D(k)), but is"
            f" {described(H, _CURE)}"
        )
    checked = limits(min_gap, max_depth, max_evaluations, deepest=40)
    found = winding_evidence(H, checked, evidence=evidence)
    batch, asked = H.block_amplitudes.shape[:-3], Asked(H, "winding number")
    return conclude("winding number", found, batch, on_unresolved, asked)
