"""Arrays of samples from what a user gives: the samples themselves, or a Hamiltonian and a grid."""

from __future__ import annotations

import math
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import (
    BlockLike,
    FourierLike,
    SampledLike,
    is_block_like,
    is_fourier_like,
    is_sampled_like,
    is_two_band_like,
)
from topophys._validation import Bands
from topophys.errors import InputError, KindError, ShapeError
from topophys.grids import grid_of, grid_sizes, k_grid
from topophys.kernels.trig_series import steps_across

__all__ = [
    "Positions",
    "bloch_samples",
    "block_samples",
    "d_samples",
    "hamiltonian_axis",
    "in_periodic_gauge",
    "jumping",
    "momenta",
    "not_periodic",
    "own_positions",
    "repeats_first",
]

#: Positions of orbitals; "own" are those of a Hamiltonian where it has any.
Positions: TypeAlias = ArrayLike | Literal["own"] | None

#: Diagonal blocks of a chiral Hamiltonian, relative to its largest entry, that are rounding.
TOLERANCE: Final = 1e-10


#: Points along a direction from which on a jump at the zone boundary can be detected, and how
#: many times as large as any other third difference it must be: about ten times what was met in
#: 300,000 periodic functions, real and even ones too, with as many harmonics as there are points.
JUMPS: Final = ((16, 12.0), (12, 25.0), (10, 40.0), (8, 100.0))
#: The same where the median is over this many lines that differ: chance then needs half of them.
LINES: Final = 6
JUMP_OF_LINES: Final = 5.0
TINY: Final = float(np.finfo(np.float64).tiny)
#: Third differences, relative to the largest entry, that are rounding.
FLAT: Final = 1e-9
#: Numbers next to the boundary from which on one compiled pass over them pays.
LARGE: Final = 1 << 15


def not_periodic(
    samples: NDArray[Any], axes: tuple[int, ...], tail: int, lead: int
) -> NDArray[np.float64]:
    """How many times as large as inside the zone third differences are across its boundary.

    Along each of `axes` the last point is followed by the first. Of the lines along it the median
    counts: phases with positions of orbitals jump on all of them, sharp features on a few. What
    may be the chance of a coarse grid counts as 0.

    Shapes: `samples` (..., *momenta, *tail) with `axes` negative, as counted before the last `tail`
    axes; returns (...), the first `lead` axes.
    """
    worst = np.zeros(samples.shape[:lead])
    if not worst.size:
        return worst
    own = tuple(range(samples.ndim - tail, samples.ndim))
    with np.errstate(all="ignore"):  # what is not finite is refused elsewhere
        for axis in axes:
            lines = np.moveaxis(samples, samples.ndim - tail + axis, 0)
            worst = np.maximum(worst, _jump(lines, own, worst.shape))
    return np.asarray(worst)


def _jump(
    lines: NDArray[Any], own: tuple[int, ...], batch: tuple[int, ...]
) -> NDArray[np.float64] | float:
    """Ratio of third differences along the first axis; the median of all lines of one system."""
    if repeats_first(lines, own):
        lines = lines[:-1]
    strict = next((ratio for points, ratio in JUMPS if len(lines) >= points), None)
    if strict is None:
        return 0.0
    least = min(strict, JUMP_OF_LINES)
    # next to the boundary first: what is no jump there is none beside all others
    step, size = _steps_across(lines, own)
    floor = FLAT * size
    across, beside = step[1:4].max(0), np.maximum(step[0], step[4])
    if not (across > np.maximum(least * beside, floor)).any():
        return 0.0
    inside = np.maximum(_third_differences(lines, own).max(0), beside)
    # a constant has rounding inside, and across
    ratio = np.where(across > floor, across / np.maximum(inside, 1e-3 * floor), 0.0)
    ratio = ratio.reshape(*batch, -1)
    middle = np.median(ratio, axis=-1)
    differ = np.ptp(ratio, axis=-1) > 1e-3 * middle
    many = differ & (ratio.shape[-1] >= LINES)
    return np.asarray(np.where(middle > np.where(many, least, strict), middle, 0.0))


def repeats_first(lines: NDArray[Any], own: tuple[int, ...]) -> bool:
    """Whether the last point is the first one again: harmless where only links count."""
    apart = _sizes(lines[-1:] - lines[:1], own)
    return len(lines) > 2 and not (apart > FLAT * _sizes(lines[:1], own)).any()


def _sizes(x: NDArray[Any], own: tuple[int, ...]) -> NDArray[np.float64]:
    """Add up absolute values, whose squares may leave float64."""
    size = np.abs(x.real) + np.abs(x.imag) if np.iscomplexobj(x) else np.abs(x)
    size = size.astype(np.float64, copy=False)
    if len(own) == 1 and own[0] == x.ndim - 1:  # a product is faster than a sum of few numbers
        return np.asarray(size @ np.ones(size.shape[-1]))
    return np.asarray(size.sum(own))


def _third_differences(lines: NDArray[Any], own: tuple[int, ...]) -> NDArray[np.float64]:
    """Sizes of the third differences along the first axis."""
    return _sizes(np.diff(lines, 3, axis=0), own)


def _steps_across(
    lines: NDArray[Any], own: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Third differences from the points -4, -3, ..., 0, and the largest size of these eight."""
    near = np.empty((8, *lines.shape[1:]), np.result_type(lines, np.float64))
    near[:4], near[4:] = lines[-4:], lines[:4]
    if near.size < LARGE or near.dtype.char not in "dD":
        return _third_differences(near, own), np.asarray(_sizes(near, own).max(0))
    batch = near.shape[1 : near.ndim - len(own)]
    parts = near.view(np.float64).reshape(8, math.prod(batch), -1)
    step, size = np.empty((5, parts.shape[1])), np.empty(parts.shape[1])
    steps_across(parts, step, size)
    return step.reshape(5, *batch), size.reshape(batch)


def jumping(
    samples: NDArray[Any],
    axes: tuple[int, ...],
    name: str,
    *,
    tail: int = 2,
    lead: int | None = None,
    cure: bool = True,
    mask: bool = False,
    positions_given: bool = False,
) -> NDArray[np.bool_]:
    """Refuse samples that are not periodic; with `mask` say which are not.

    Where points are too few to tell, samples with much in the highest harmonics are refused too,
    unless `positions_given`, or where phases are taken as they are.

    Shapes: as for `not_periodic`.
    """
    outer = samples.ndim - tail + min(axes) if lead is None else lead
    jump = not_periodic(samples, axes, tail, outer)
    coarse = np.zeros(jump.shape, np.bool_)
    if not positions_given:
        coarse = np.asarray(_undecided(samples, axes, tail, outer) & (jump == 0.0))
    if not mask:
        _refuse(jump, coarse, name, cure=cure)
    return np.asarray((jump > 0.0) | coarse)


def _refuse(jump: NDArray[np.float64], coarse: NDArray[np.bool_], name: str, *, cure: bool) -> None:
    """Raise for samples that are not periodic, or on too few points to tell; first the former."""
    bad = np.flatnonzero((jump > 0.0) if (jump > 0.0).any() else coarse)
    of = (
        f" ({len(bad)} of {jump.size}, first batch index {bad[0]})"
        if jump.ndim and len(bad)
        else ""
    )
    if (jump > 0.0).any():
        gauge = (
            "pass `positions` if the phases contain positions of orbitals (atomic gauge)"
            if cure
            else "leave positions of orbitals out of the phases"
        )
        raise InputError(
            f"Argument `{name}` must be periodic in k, but jumps from the last momentum to the"
            f" first: third differences are {jump.max():.3g} times as large as elsewhere{of};"
            f" {gauge}; else sample the whole zone as `topophys.k_grid` does, or more finely."
        )
    if coarse.any():
        gauge = ", or pass `positions` of the orbitals, zeros where the phases contain none"
        raise InputError(
            f"Argument `{name}` must have at least {ENOUGH} points along every direction to tell"
            " whether it is periodic, since the highest harmonics of its grid are not"
            f" small{of}; sample it more finely{gauge * cure}."
        )


#: Points along a direction that always tell, and the share of the highest harmonics that is small.
#: Without a jump, functions that so few points resolve have less; of 2,000 with one, none had.
ENOUGH: Final = 13
SMALL_SHARE: Final = 0.05


def _undecided(
    samples: NDArray[Any], axes: tuple[int, ...], tail: int, lead: int
) -> NDArray[np.bool_]:
    """Whether points are few, and the highest harmonics too large to say what is in between.

    Shapes: as for `not_periodic`.
    """
    bad = np.zeros(samples.shape[:lead], np.bool_)
    own = tuple(range(samples.ndim - tail, samples.ndim))
    for axis in axes:
        lines = np.moveaxis(samples, samples.ndim - tail + axis, 0)
        if repeats_first(lines, own):
            lines = lines[:-1]
        n = len(lines)
        if n >= ENOUGH or n < 2 or not bad.size:
            continue
        with np.errstate(all="ignore"):  # what is not finite is refused elsewhere
            waves = np.abs(np.fft.fft(lines / max(np.abs(lines).max(), TINY), axis=0))
            order = np.abs(np.fft.fftfreq(n, 1.0 / n))
            rest = tuple(range(1 + lead, waves.ndim))
            parts = (waves**2).sum(rest) if rest else waves**2
            high = order >= 0.5 * n - 1.0 if n > 4 else order > 0.5 * n - 1.0
            top, varied = parts[high].sum(0), parts[order > 0].sum(0)
        floor = FLAT**2 * parts[order == 0].sum(0)
        bad |= (top > SMALL_SHARE**2 * varied) & (varied > floor)
    return bad


def own_positions(
    h: object, positions: Positions, n_bands: int, dim: int
) -> NDArray[np.float64] | None:
    """Reduced positions (n, dim) of orbitals: those given, or those of a Hamiltonian."""
    if isinstance(positions, str):
        _validation.one_of(positions, "positions", ("own",))
        positions = getattr(h, "positions", None) if momenta(h) else None
    if positions is None:
        return None
    given = np.asarray(positions)
    if dim == 1 and given.shape == (n_bands,):
        given = given[:, None]
    found = _validation.as_real(given, "positions", f"(..., {n_bands}, {dim})")
    if found.ndim != 2:
        raise ShapeError(
            f"Argument `positions` must have shape ({n_bands}, {dim}), but has {found.shape}."
        )
    return found


def in_periodic_gauge(
    h_k: NDArray[np.complex128], positions: NDArray[np.float64], axes: tuple[int, ...]
) -> NDArray[np.complex128]:
    r"""Take positions of orbitals out of the phases of samples.

    .. math:: H_{ij}(k) \to e^{i k \cdot (r_i - r_j)} H_{ij}(k)

    Shapes: `h_k` (..., n, n) with momenta along `axes`, negative and counted before the band axes;
    `positions` (n, len(axes)).
    """
    out = h_k
    for axis, where in zip(axes, positions.T, strict=True):
        k = k_grid(h_k.shape[axis - 2])[:, 0]
        turn = np.exp(1j * k[:, None] * where)
        turn = turn.reshape(len(k), *(1,) * (-axis - 1), len(where))
        out = turn[..., :, None] * out * turn.conj()[..., None, :]
    return out


def momenta(h: object) -> int:
    """Dimension of k space of a Hamiltonian of any kind; 0 for arrays."""
    if is_fourier_like(h):
        return int(h.vectors.shape[1])
    return int(h.dim) if is_sampled_like(h) else 0


def bloch_samples(
    h: ArrayLike | FourierLike | SampledLike,
    grid: int | tuple[int, ...] | None,
    n_occupied: int | None,
    name: str,
    *,
    dim: int | None = None,
    bands: Bands | None = None,
) -> tuple[ArrayLike, int | None]:
    """Bloch matrices of a Hamiltonian on a grid, or those given; and the number of filled bands.

    Shapes: `h` (..., n, n); returns (..., n, n).
    """
    own = momenta(h)
    if not own:
        no_grid(grid, name)
        return h, n_occupied  # type: ignore[return-value]  # no Hamiltonian, as its dimension tells
    if dim is not None and own != dim:
        raise KindError(
            f"Argument `{name}` must be a {dim}-dimensional Hamiltonian, but is"
            f" {_validation.short(h)}."
        )
    H: Any = h
    sizes = grid_sizes(own, grid)
    # of a group of bands, nobody asks how many are filled
    own_filling = n_occupied is None and bands is None
    return H.on_grid(sizes), H.n_occupied if own_filling else n_occupied


def no_grid(grid: object, name: str) -> None:
    """Refuse a grid that comes with samples, which are on one."""
    if grid is not None:
        raise InputError(f"Argument `grid` must be left out where `{name}` is an array of samples.")


def d_samples(d: ArrayLike | FourierLike, grid: int | tuple[int, ...] | None) -> ArrayLike:
    """d-vectors of a two-dimensional two-band Hamiltonian on a grid, or those given."""
    if not momenta(d):
        no_grid(grid, "d")
        return d  # type: ignore[return-value]  # no Hamiltonian, as its dimension tells
    if not (is_two_band_like(d) and hasattr(d, "d_on_grid") and momenta(d) == 2):
        raise KindError(
            "Argument `d` must be an array of d-vectors or a two-dimensional TwoBandHamiltonian,"
            f" but is {_validation.short(d)}; use the function of the same name without `_from_d`."
        )
    found: ArrayLike = d.d_on_grid(grid_sizes(2, grid))
    return found


def block_samples(
    d_k: ArrayLike | BlockLike | FourierLike | SampledLike, grid: int | tuple[int, ...] | None
) -> ArrayLike:
    """Chiral blocks D(k) of a Hamiltonian on a chain of k points, or those given.

    Shapes: `d_k` (..., N, n, n); returns (..., N, n, n).
    """
    if is_block_like(d_k):
        (lowest, highest), (n_k,) = d_k.block_range, grid_sizes(1, grid)
        amplitudes = d_k.block_amplitudes
        *batch, n_orders, n, _ = amplitudes.shape
        phases = np.exp(1j * (grid_of(1, n_k) @ np.arange(lowest, highest + 1)[None]))
        flat = amplitudes.reshape(*batch, n_orders, n * n)
        return np.asarray((phases @ flat).reshape(*batch, n_k, n, n))
    if not momenta(d_k):
        no_grid(grid, "d_k")
        return d_k  # type: ignore[return-value]  # no Hamiltonian, as its dimension tells
    h_k, _ = bloch_samples(d_k, grid, None, "d_k", dim=1)
    return _off_diagonal(np.asarray(h_k, np.complex128), d_k)


def _off_diagonal(h_k: NDArray[np.complex128], given: object) -> NDArray[np.complex128]:
    half, odd = divmod(h_k.shape[-1], 2)
    blocks = np.abs(h_k[..., :half, :half]), np.abs(h_k[..., half:, half:])
    off = max(float(block.max(initial=0.0)) for block in blocks)
    if odd or off > TOLERANCE * np.abs(h_k).max(initial=0.0):
        raise KindError(
            "Argument `d_k` must be a chiral chain whose H(k) has zero diagonal blocks (chiral"
            f" operator diag(1, ..., -1, ...)), but {_validation.short(given)} has entries of"
            f" {off:.3g} there; ChiralHamiltonian.from_hamiltonian(H) finds the sublattices of"
            " orbitals in another order."
        )
    return np.ascontiguousarray(h_k[..., :half, half:])


def hamiltonian_axis(h: object, axis: int) -> int:
    """Axis among those before the band axes of samples, for a direction of a Hamiltonian.

    Of a Hamiltonian, 0 is k_x whatever batch axes come first; of samples, axes are counted as
    NumPy counts them.
    """
    dim = momenta(h)
    if not dim:
        return axis
    direction = _validation.integer(axis, "axis")
    if not -dim <= direction < dim:
        raise InputError(
            f"Argument `axis` must be from 0 to {dim - 1} for a {dim}D Hamiltonian, but is {axis}."
        )
    return direction % dim - dim
