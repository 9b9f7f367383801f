"""Winding number and winding angle of sampled chiral blocks."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import GaplessError
from topophys.invariants.certificate import UNRESOLVED_VALUE
from topophys.kernels import status as st
from topophys.kernels.angles import small_determinants, turns_between
from topophys.kernels.count_winding import count_windings
from topophys.kernels.determinant import determinants
from topophys.kernels.winding import count_turns

__all__ = ["winding_angle", "winding_number", "winding_steps"]


def _determinants(
    blocks: NDArray[np.complex128],
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Return determinants and bounds of their errors, both (B, N), for blocks (B, N, n, n)."""
    f = np.empty(blocks.shape[:2], np.complex128)
    error = np.empty(f.shape)
    determinants(blocks, np.empty(blocks.shape[2:], np.complex128), f, error)
    return f, error


def winding_number(
    d_k: ArrayLike, *, on_gapless: Literal["raise", "mask"] = "raise"
) -> Int[np.ndarray, "..."]:
    r"""Winding number of the polygon through sampled determinants of the chiral block.

    .. math:: \nu = \frac{1}{2\pi} \sum_j \mathrm{wrap}\,
        [\arg\det D(k_{j+1}) - \arg\det D(k_j)]

    Counted by signed crossings of the positive real axis: no arctangent, no rounding. It is the
    integer of the samples; for the integer of the continuous Hamiltonian see `certify_winding`.

    Parameters
    ----------
    d_k : array-like of shape (..., N, n, n)
        Chiral block on the periodic grid of `topophys.k_grid`.
    on_gapless : {"raise", "mask"}, optional
        Where the polygon meets the origin (to rounding): raise, or return the smallest int64.

    Returns
    -------
    int64 ndarray of shape (...)
        Winding number; positive when det D turns anticlockwise as k grows.

    Raises
    ------
    ShapeError, InputError
        If `d_k` has other axes or is not finite.
    GaplessError
        If a polygon meets the origin.

    References
    ----------
    .. [1] C.-K. Chiu, J. C. Y. Teo, A. P. Schnyder, S. Ryu, Rev. Mod. Phys. 88, 035005 (2016).

    Examples
    --------
    >>> import topophys as tp
    >>> int(winding_number(tp.models.ssh(1.0, 2.0).block_on_grid(32)))
    1
    """
    _checks.one_of(on_gapless, "on_gapless", ("raise", "mask"))
    blocks = _checks.as_complex(d_k, "d_k", "(..., N, n, n)")
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
    bad = status == st.GAPLESS
    if bad.any() and on_gapless == "raise":
        raise GaplessError("winding_number", np.flatnonzero(bad).tolist(), bad.size, mask=True)
    turns[bad] = UNRESOLVED_VALUE
    return turns.reshape(batch)


def winding_angle(d_k: ArrayLike) -> Float[np.ndarray, "... N"]:
    r"""Winding angle of the chiral block, in (-pi, pi].

    .. math:: \alpha(k) = \arg \det D(k)

    Parameters
    ----------
    d_k : array-like of shape (..., N, n, n)
        Chiral block at N momenta.

    Returns
    -------
    float64 ndarray of shape (..., N)
        Angle in radians, defined modulo 2 pi.

    Raises
    ------
    ShapeError, InputError
        If `d_k` has other axes or is not finite.
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
    f, shape = _nonzero(d_k, "winding_angle")
    return np.angle(f).reshape(shape)


def winding_fields(
    d_k: ArrayLike,
) -> tuple[Float[np.ndarray, "... N"], Float[np.ndarray, "... N"]]:
    """Angle and steps of the same blocks, from one set of determinants.

    Parameters
    ----------
    d_k : array-like of shape (..., N, n, n)
        Chiral block on the periodic grid of `topophys.k_grid`.

    Returns
    -------
    float64 ndarray of shape (..., N)
        As `winding_angle`.
    float64 ndarray of shape (..., N)
        As `winding_steps`, to the bit.
    """
    f, shape = _nonzero(d_k, "winding_angle")
    return np.angle(f).reshape(shape), _steps(f).reshape(shape)


def winding_steps(d_k: ArrayLike) -> Float[np.ndarray, "... N"]:
    r"""Change of the winding angle from each momentum to the next, around the zone.

    .. math:: \Delta\alpha_j = \arg [\det D(k_{j+1}) \, \overline{\det D(k_j)}], \qquad
        \sum_j \Delta\alpha_j = 2\pi\nu

    Parameters
    ----------
    d_k : array-like of shape (..., N, n, n)
        Chiral block on the periodic grid of `topophys.k_grid`.

    Returns
    -------
    float64 ndarray of shape (..., N)
        Step in radians, in (-pi, pi]; the last one leads back to the first momentum.

    Raises
    ------
    ShapeError, InputError
        If `d_k` has other axes or is not finite.
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
    f, shape = _nonzero(d_k, "winding_steps")
    return _steps(f).reshape(shape)


def _steps(f: NDArray[np.complex128]) -> NDArray[np.float64]:
    turn = np.empty_like(f)
    turns_between(f, turn)
    return np.angle(turn)


def _nonzero(d_k: ArrayLike, name: str) -> tuple[NDArray[np.complex128], tuple[int, ...]]:
    """Return determinants (B, N), up to a positive factor for each loop; none may vanish."""
    blocks = _checks.as_complex(d_k, "d_k", "(..., N, n, n)")
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
