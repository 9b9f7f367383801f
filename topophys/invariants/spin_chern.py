"""Spin Chern numbers from the projected spin operator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import InputError, ShapeError
from topophys.invariants._loops import checked_matrices, frames_of
from topophys.invariants.berry import chern_number
from topophys.invariants.certificate import UNRESOLVED_VALUE

__all__ = ["SpinChern", "spin_chern"]

#: Relative energy gap, and gap of the projected spin, below which nothing is defined.
GAPLESS = 1e-9


@dataclass(frozen=True, eq=False)
class SpinChern:
    """Chern numbers of the two halves of the occupied space.

    Attributes
    ----------
    up, down : int64 ndarray of shape (...)
        Chern numbers of the occupied states with projected spin above and below the spin gap, on
        the sampled grid; the smallest int64 where unresolved.
    status : str ndarray of shape (...)
        "sampled" (both gaps are open on the grid) or "unresolved".
    gap : float64 ndarray of shape (...)
        Smallest energy gap on the grid.
    spin_gap : float64 ndarray of shape (...)
        Smallest distance on the grid between the upper and the lower half of the spectrum of
        P S_z P, in the units of `s_z`.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> qwz = tp.models.qwz(-1.0).on_grid((16, 16))
    >>> both = np.zeros((16, 16, 4, 4), complex)
    >>> both[..., :2, :2], both[..., 2:, 2:] = qwz, qwz.conj()
    >>> tp.spin_chern(both, np.diag([0.5, 0.5, -0.5, -0.5]))
    Spin Chern numbers: 1 of 1 resolved
      spin Chern       1 (C_up = +1, C_down = -1)
      energy gap       2 (smallest on the grid)
      spin gap         1 (smallest on the grid)
    """

    up: Int[np.ndarray, "..."]
    down: Int[np.ndarray, "..."]
    status: Shaped[np.ndarray, "..."]
    gap: Float[np.ndarray, "..."]
    spin_gap: Float[np.ndarray, "..."]

    @property
    def resolved(self) -> Bool[np.ndarray, "..."]:
        """Where the integers are defined."""
        return np.asarray(self.status != "unresolved")

    @property
    def value(self) -> Float[np.ndarray, "..."]:
        """Spin Chern number (C_up - C_down) / 2: a half of an integer, NaN where unresolved."""
        half = 0.5 * (np.where(self.resolved, self.up, 0) - np.where(self.resolved, self.down, 0))
        return np.asarray(np.where(self.resolved, half, np.nan))

    @property
    def z2(self) -> Int[np.ndarray, "..."]:
        """C_up modulo 2: the Z2 invariant where time reversal maps one half to the other."""
        return np.asarray(np.where(self.resolved, self.up % 2, UNRESOLVED_VALUE))

    def __repr__(self) -> str:
        good = self.resolved
        lines = [f"Spin Chern numbers: {int(good.sum())} of {good.size} resolved"]
        for up, down in sorted(set(zip(self.up[good], self.down[good], strict=True))):
            pair = f"(C_up = {up:+d}, C_down = {down:+d})"
            lines.append(f"  spin Chern       {0.5 * (up - down):g} {pair}")
        if good.size:
            lines.append(f"  energy gap       {self.gap.min():.3g} (smallest on the grid)")
            lines.append(f"  spin gap         {self.spin_gap.min():.3g} (smallest on the grid)")
        return "\n".join(lines)


def spin_chern(h_k: ArrayLike, s_z: ArrayLike, *, n_occupied: int | None = None) -> SpinChern:
    r"""Chern numbers of the occupied states of positive and of negative projected spin.

    .. math:: P(k) S_z P(k) \, |\varphi_\pm\rangle = s_\pm |\varphi_\pm\rangle, \qquad
        C_s = \tfrac{1}{2} (C_+ - C_-), \qquad C_+ + C_- = C

    The m occupied states are divided into two equal halves by the eigenvalues of S_z within the
    occupied space. Where S_z is conserved these are spin up and down; where it is not, the
    integers stay defined as long as both the energy gap and the gap between the halves stay open.

    Parameters
    ----------
    h_k : array-like of shape (..., Nx, Ny, n, n)
        Bloch matrices on the periodic grid of `topophys.k_grid`.
    s_z : array-like of shape (n, n)
        Hermitian spin operator, the same at every k.
    n_occupied : int, optional
        Number m of occupied bands, even; half of the bands where not given.

    Returns
    -------
    SpinChern
        Integers of the samples, status and gaps, each of shape (...).

    Raises
    ------
    ShapeError, InputError
        If an argument has other axes, is not finite or not Hermitian, or m is odd.

    References
    ----------
    .. [1] D. N. Sheng, Z. Y. Weng, L. Sheng, F. D. M. Haldane, Phys. Rev. Lett. 97,
       036808 (2006).
    .. [2] E. Prodan, Phys. Rev. B 80, 125327 (2009).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> qwz = tp.models.qwz([-1.0, -3.0]).on_grid((16, 16))
    >>> both = np.zeros((2, 16, 16, 4, 4), complex)
    >>> both[..., :2, :2], both[..., 2:, 2:] = qwz, qwz.conj()
    >>> found = spin_chern(both, np.diag([1.0, 1.0, -1.0, -1.0]))
    >>> found.value, found.spin_gap.round(12)
    (array([1., 0.]), array([2., 2.]))
    """
    h = checked_matrices(h_k, "h_k", "(..., Nx, Ny, n, n)")
    n_bands = h.shape[-1]
    filled = _checks.occupied(n_occupied, n_bands)
    spin = checked_matrices(s_z, "s_z", "(..., n, n)")
    if spin.shape != (n_bands, n_bands):
        raise ShapeError(
            f"Argument `s_z` must have shape ({n_bands}, {n_bands}), but has {spin.shape}."
        )
    if filled % 2:
        raise InputError(
            "Argument `n_occupied` must be even, to be divided by spin into halves, but is"
            f" {filled}."
        )
    states = frames_of(h, filled)
    within = states.frame.conj().swapaxes(-1, -2) @ spin @ states.frame
    level, mix = np.linalg.eigh(0.5 * (within + within.conj().swapaxes(-1, -2)))
    half = filled // 2
    spin_gap = np.asarray((level[..., half] - level[..., half - 1]).min((-2, -1)))
    scale = max(float(np.abs(spin).max()), float(np.finfo(np.float64).tiny))
    open_gaps = ~states.closes(GAPLESS, 2) & (spin_gap > GAPLESS * scale)
    turned = states.frame @ mix
    down, up = (_chern(part) for part in (turned[..., :half], turned[..., half:]))
    good = open_gaps & (up != UNRESOLVED_VALUE) & (down != UNRESOLVED_VALUE)
    return SpinChern(
        up=np.where(good, up, UNRESOLVED_VALUE),
        down=np.where(good, down, UNRESOLVED_VALUE),
        status=np.where(good, "sampled", "unresolved"),
        gap=np.asarray(states.gap.min((-2, -1))),
        spin_gap=spin_gap,
    )


def _chern(frame: NDArray[np.complex128]) -> NDArray[np.int64]:
    """Chern number of the space spanned by frames: lower bands of 1 - 2 V V^dagger."""
    flat = np.eye(frame.shape[-2]) - 2.0 * frame @ frame.conj().swapaxes(-1, -2)
    flat = 0.5 * (flat + flat.conj().swapaxes(-1, -2))
    return chern_number(flat, n_occupied=frame.shape[-1], on_gapless="mask")
