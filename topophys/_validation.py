"""Argument checks shared by the public functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys.errors import FillingError, GaplessError, InputError, KindError, ShapeError

__all__ = [
    "Bands",
    "as_complex",
    "as_real",
    "band_group",
    "filling_text",
    "integer",
    "named_filling",
    "occupied",
    "one_of",
    "positive_int",
    "refuse_hidden",
    "require_block",
    "require_finite",
    "require_gapped",
    "short",
    "worker_count",
]


def short(value: object) -> str:
    """Text of `value` that fits into a one-line message."""
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= 80 else text[:77] + "..."


def _fits(shape: tuple[int, ...], wanted: list[str]) -> bool:
    tail = shape[len(shape) - len(wanted) :]
    if len(tail) != len(wanted):
        return False
    sizes: dict[str, int] = {}
    for name, size in zip(wanted, tail, strict=True):
        expected = int(name) if name.isdigit() else sizes.setdefault(name, size)
        if expected != size or size == 0:
            return False
    return True


Scalar = TypeVar("Scalar", np.float64, np.complex128)


def _as_numbers(x: ArrayLike, name: str, shape: str) -> NDArray[Any]:
    if hasattr(x, "on_grid"):
        raise KindError(
            f"Argument `{name}` must be an array of numbers of shape {shape}, but is a Hamiltonian"
            f" ({type(x).__name__}): hand over its values on a grid, such as"
            " `.on_grid(24)`, or for a proof a Hamiltonian in Fourier form."
        )
    try:
        array = np.asarray(x)
        reason = "" if array.dtype.kind in "biufc" else f"its entries are of type {array.dtype}"
    except (TypeError, ValueError) as error:
        reason = str(error)
    if reason:
        raise InputError(
            f"Argument `{name}` must be an array of numbers of shape {shape}, but is not:"
            f" {short(reason)}."
        )
    return array


def refuse_hidden(x: object, name: str) -> None:
    """Refuse arrays whose mask, or whose gradient, would be lost silently."""
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        count = int(np.ma.getmaskarray(x).sum())
        raise InputError(
            f"Argument `{name}` must have no masked entries, but {count} of {x.size} are masked;"
            " leave them out, or fill them."
        )
    if getattr(x, "requires_grad", False):
        raise InputError(
            f"Argument `{name}` must be an array, but is a tensor that requires a gradient; pass"
            " `.detach()` of it."
        )


def _as_array(
    x: ArrayLike,
    name: str,
    shape: str,
    dtype: type[Scalar],
    finite: bool = True,
    contiguous: bool = True,
) -> NDArray[Scalar]:
    refuse_hidden(x, name)
    given = _as_numbers(x, name, shape)
    if dtype is np.float64 and np.iscomplexobj(given):
        raise InputError(f"Argument `{name}` must be real, but is complex; take its real part.")
    array = np.asarray(given, dtype=dtype, order="C" if contiguous else None)
    wanted = [axis.strip() for axis in shape.strip("()").split(",")][1:]
    if not _fits(array.shape, wanted):
        raise ShapeError(
            f"Argument `{name}` must have shape {shape}, but has {array.shape};"
            " leading batch axes come first, then k-space axes, then band axes."
        )
    if finite:
        require_finite(array, name)
    return array


def require_finite(array: NDArray[Any], name: str) -> None:
    """Raise `InputError` unless all entries are finite."""
    if not _is_finite(array):
        bad = int(array.size - np.isfinite(array).sum())
        raise InputError(
            f"Argument `{name}` must be finite, but {bad} of {array.size} entries are NaN or"
            " infinite; remove them first."
        )


def require_hermitian(
    h: NDArray[Any], name: str, tolerance: float, *, batch_ndim: int = 0
) -> NDArray[Any]:
    """Raise `InputError` unless H = H^dagger to a share of the largest entry of each element.

    Shapes: `h` (*batch, ..., n, n) with `batch_ndim` batch axes; returns the largest entries
    (*batch).
    """
    inner = tuple(range(batch_ndim, h.ndim))
    scale = np.abs(h).max(axis=inner, initial=0.0)
    off = np.abs(h - np.conj(np.swapaxes(h, -1, -2))).max(axis=inner, initial=0.0)
    refuse_non_hermitian(off, scale, name, tolerance)
    return np.asarray(scale)


def refuse_non_hermitian(
    off: NDArray[np.floating[Any]],
    scale: NDArray[np.floating[Any]],
    name: str,
    tolerance: float,
) -> None:
    """Raise `InputError` for departures from H = H^dagger above a share of the largest entries."""
    bad = np.ravel(off > tolerance * scale)
    if bad.any():
        worst = np.argmax(np.where(bad, np.ravel(off), 0.0))
        raise InputError(
            f"Argument `{name}` must be Hermitian, but deviates by {np.ravel(off)[worst]:.3g}"
            f" (largest entry {np.ravel(scale)[worst]:.3g}); pass Bloch matrices, or their"
            " Hermitian part."
        )


def _is_finite(array: NDArray[np.generic]) -> bool:
    # one sum is several times faster than a test of each entry; only what overflows needs that
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())


def as_real(
    x: ArrayLike, name: str, shape: str, *, finite: bool = True, contiguous: bool = True
) -> NDArray[np.float64]:
    """Return `x` as a finite, C-contiguous float64 array whose last axes match `shape`."""
    return _as_array(x, name, shape, np.float64, finite, contiguous)


def as_complex(x: ArrayLike, name: str, shape: str) -> NDArray[np.complex128]:
    """Return `x` as a finite, C-contiguous complex128 array whose last axes match `shape`."""
    return _as_array(x, name, shape, np.complex128)


def integer(value: object, name: str) -> int:
    """Return `value` as an int, or raise `InputError`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise InputError(f"Argument `{name}` must be an integer, but is {short(value)}.")
    return int(value)


#: Threads or processes that may be asked for.
MOST_WORKERS: Final = 4096


def worker_count(value: Any) -> int:
    """Return a number of workers, or raise `InputError`."""
    count = positive_int(value, "workers")
    if count > MOST_WORKERS:
        raise InputError(
            f"Argument `workers` must be at most {MOST_WORKERS}, but is {count}; name no more than"
            " there are processors."
        )
    return count


def positive_int(value: int, name: str, *, minimum: int = 1) -> int:
    """Return `value` as an int not below `minimum`, or raise `InputError`."""
    number = integer(value, name)
    if number < minimum:
        raise InputError(f"Argument `{name}` must be at least {minimum}, but is {number}.")
    return number


def one_of(value: object, name: str, allowed: tuple[str, ...]) -> None:
    """Raise `InputError` unless `value` is one of a few words."""
    if not isinstance(value, str) or value not in allowed:
        words = " or ".join(map(repr, allowed))
        raise InputError(f"Argument `{name}` must be {words}, but is {value!r:.60}.")


def occupied(n_occupied: int | None, n_bands: int) -> int:
    """Return the number of occupied bands; None leaves no choice of two, and is refused of more."""
    if n_occupied is None and n_bands > 2:
        raise FillingError(
            f"Argument `n_occupied` must be given, because nothing says how many of the {n_bands}"
            " bands are occupied: to this function, or to the Hamiltonian."
        )
    if n_bands < 2:
        raise InputError(
            "A single band has no gap above occupied bands, so that nothing can be proven of it;"
            " give a Hamiltonian of at least two bands."
        )
    value = n_bands // 2 if n_occupied is None else positive_int(n_occupied, "n_occupied")
    if not 1 <= value < n_bands:
        raise InputError(
            f"Argument `n_occupied` must be from 1 to {n_bands - 1} for {n_bands} bands, but is"
            f" {value}."
        )
    return value


def named_filling(H: Any) -> int | None:
    """Return the number of occupied bands of a Hamiltonian; None where it names none."""
    try:
        return int(H.n_occupied)
    except FillingError:
        return None


def filling_text(H: Any) -> str:
    """Text of the filling: "2 occupied", or that it was not given."""
    filled = named_filling(H)
    return "filling not given" if filled is None else f"{filled} occupied"


#: A group of neighbouring bands, counted from 0 in the order of their energies.
Bands: TypeAlias = slice | Sequence[int]


def band_group(bands: Bands | None, n_occupied: int | None, n_bands: int) -> tuple[int, int]:
    """Return the group [low, high) of bands: `bands`, or the occupied ones where None.

    Examples
    --------
    >>> band_group(slice(2, 4), None, 6), band_group([1], None, 2), band_group(None, 2, 4)
    ((2, 4), (1, 2), (0, 2))
    """
    if bands is None:
        return 0, occupied(n_occupied, n_bands)
    if n_occupied is not None:
        raise InputError(
            "Arguments `bands` and `n_occupied` must not be given together: n_occupied=m is"
            " bands=range(m)."
        )
    every = range(n_bands)
    if isinstance(bands, slice):
        try:
            chosen = list(every[bands])
        except (TypeError, ValueError):  # a slice of no integers, or a step of 0
            chosen = []
    elif isinstance(bands, str | bytes) or not isinstance(bands, Sequence | np.ndarray):
        chosen = []
    else:
        chosen = [integer(band, "bands") for band in bands]
    if not chosen or chosen != list(range(chosen[0], chosen[0] + len(chosen))):
        raise InputError(
            "Argument `bands` must be a slice, a range or a list of neighbouring bands such as"
            f" range(2, 4), counted from 0 upward, but is {short(bands)}."
        )
    low, high = chosen[0], chosen[-1] + 1
    if low < 0 or high > n_bands or high - low == n_bands:
        raise InputError(
            f"Argument `bands` must name some but not all of the bands 0 to {n_bands - 1}, but is"
            f" {short(bands)}."
        )
    return low, high


def require_gapped(bad: NDArray[np.bool_], quantity: str, *, mask: bool = False) -> None:
    """Raise `GaplessError` if there are Hamiltonians without a gap."""
    if bad.any():
        raise GaplessError(quantity, np.flatnonzero(bad).tolist(), bad.size, mask=mask)


def require_block(blocks: NDArray[np.complex128], name: str) -> None:
    """Refuse Bloch matrices H(k) of chains, D(k) beside zeros, where the blocks D(k) are meant.

    As blocks they are Hermitian at all k and have the winding number 0, whatever that of D(k) is.
    """
    half = blocks.shape[-1] // 2
    if blocks.shape[-1] % 2 or not blocks.size:
        return
    for some in (blocks[(0,) * (blocks.ndim - 3)], blocks):  # most are seen to be none by the first
        if some[..., :half, :half].any() or some[..., half:, half:].any():
            return
        upper, lower = some[..., :half, half:], some[..., half:, :half]
        if not np.allclose(lower, upper.conj().swapaxes(-1, -2), rtol=1e-9, atol=0.0):
            return
        if (some == some[..., :1, :, :]).all():
            return
    raise InputError(
        f"Argument `{name}` must be the blocks D(k) of chains, but looks like the Bloch matrices"
        f" H(k), with D(k) beside zeros: pass [..., :{half}, {half}:], as `H.block_on_grid` does."
    )
