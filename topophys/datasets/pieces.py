"""One field that lies in several files, indexed as if it were one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["take"]


def take(views: Sequence[NDArray[Any]], index: Any) -> NDArray[Any]:
    """Read samples of a field, as an array of their own.

    Parameters
    ----------
    views : sequence of ndarray
        The field in each file, one after the other along the first axis.
    index : int, slice or array
        Samples, as NumPy would index the first axis.

    Returns
    -------
    ndarray
        A copy of what was asked for.

    Raises
    ------
    IndexError
        If an index is out of range.

    Examples
    --------
    >>> take([np.arange(3), np.arange(3, 5)], [4, 0, -2])
    array([4, 0, 3])
    """
    if len(views) == 1:
        part = views[0][index]
        # an index array has made a copy already; a slice or an integer only points into the file
        owned = isinstance(part, np.ndarray) and part.flags.owndata
        return part if owned else np.array(part)
    starts = np.cumsum([0, *map(len, views)])
    size = int(starts[-1])
    if isinstance(index, slice):
        first, stop, step = index.indices(size)
        if step == 1:  # the common case, and the one that may be large
            spans = zip(views, starts, strict=False)
            return np.concatenate(
                [v[min(max(first - s, 0), len(v)) : max(stop - s, 0)] for v, s in spans]
            )
        index = np.arange(first, stop, step)
    chosen = _numbers(index, size)
    owner = np.searchsorted(starts, chosen, side="right") - 1
    out = np.empty((*chosen.shape, *views[0].shape[1:]), views[0].dtype)
    for part in np.unique(owner):
        mine = owner == part
        out[mine] = views[part][chosen[mine] - starts[part]]
    return out


def _numbers(index: Any, size: int) -> NDArray[np.int64]:
    """Sample numbers from 0 of an integer, a mask or a list of integers."""
    given = np.asarray(index)
    if given.dtype == np.bool_:
        if given.shape != (size,):
            raise IndexError(f"a mask of samples must have shape ({size},), but has {given.shape}")
        return np.flatnonzero(given)
    if given.size == 0:
        given = given.astype(np.int64)
    if not np.issubdtype(given.dtype, np.integer):
        raise IndexError(f"samples are chosen by integers, slices or masks, not by {given.dtype}")
    if given.size and not -size <= given.min() <= given.max() < size:
        raise IndexError(f"index out of range for {size} samples")
    return np.where(given < 0, given + size, given).astype(np.int64)
