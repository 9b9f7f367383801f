"""A split of a data set, which indexes like an array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topophys.datasets import _messages
from topophys.datasets.families import Stored
from topophys.datasets.layout import Layout, Place, Store
from topophys.datasets.recipe import SplitSpec
from topophys.datasets.tasks import get_task
from topophys.errors import InputError

if TYPE_CHECKING:
    pass

__all__ = ["Split", "take"]


# ---------------------------- One field that lies in several files, indexed as if it were one array


def take(views: Sequence[NDArray[Any]], index: Any) -> NDArray[Any]:
    """Read samples of a field, as an array of their own.

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


# ---------------------------------------------------------------- One split of a data set


class Split:
    """One split of a data set: index it like an array, get fields by name.

    Attributes
    ----------
    name : str
        Name of the split.
    spec : SplitSpec
        Its part of the recipe, with everything filled in.
    own_family : bool
        Whether the recipe names another family for this split.
    kind : {"winding", "chern", "bands"}
        Kind of data set.
    drawn : int
        Hamiltonians drawn to make it.
    rejected : mapping of str to int
        How many of them were not kept, by reason.
    """

    def __init__(self, stores: Sequence[Store], layouts: Sequence[Layout], name: str) -> None:
        here = [(s, part.splits[name]) for s, part in zip(stores, layouts, strict=True)
                if name in part.splits]  # fmt: skip
        self._stores, self._layouts = zip(*here, strict=True)
        recipe = layouts[0].recipe
        self.name = name
        self.spec: SplitSpec = recipe.part(name)
        self.own_family = any(s.name == name and s.hamiltonian for s in recipe.split)
        self.kind: str = recipe.kind
        self.drawn: int = sum(part.drawn for part in self._layouts)
        self.rejected: Mapping[str, int] = {
            reason: sum(part.rejected[reason] for part in self._layouts)
            for reason in self._layouts[0].rejected
        }

    def __len__(self) -> int:
        return sum(part.fields["label"].shape[0] for part in self._layouts)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(self._layouts[0].fields)

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of k points along each direction."""
        return self.spec.grid or ()

    @property
    def vectors(self) -> NDArray[np.int64]:
        """Lattice vectors of `hoppings`, of shape (M, dim)."""
        return np.array(self._layouts[0].vectors, dtype=np.int64)

    @property
    def classes(self) -> dict[int, int]:
        """Number of samples of each label, counted."""
        total: Counter[int] = Counter()
        for label in self.stretches("label"):
            values, counts = np.unique(label, return_counts=True)
            total.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        return dict(sorted(total.items()))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a field, samples first."""
        return len(self), *self._places(name)[0].shape[1:]

    def view(self, name: str) -> NDArray[Any]:
        """Whole field as a read-only array on the file; only what is touched is read.

        Of a data set in several files the field is joined in memory; `read` takes no more than
        what is asked for.

        Parameters
        ----------
        name : str
            Name of the field.

        Returns
        -------
        ndarray
            Shape and dtype as in the schema.

        Raises
        ------
        InputError
            If there is no such field.
        DatasetError
            If the file was closed, removed or replaced.
        """
        views = self._views(self._places(name))
        if len(views) == 1:
            return views[0]
        joined = np.concatenate(views)
        joined.flags.writeable = False
        return joined

    def read(self, *names: str, index: Any = slice(None)) -> tuple[NDArray[Any], ...]:
        """Read some fields of some samples, as arrays of their own.

        Parameters
        ----------
        *names : str
            Names of fields.
        index : int, slice or array, optional
            Samples, as NumPy would index the first axis; all where not given.

        Returns
        -------
        tuple of ndarray
            One array per name.

        Raises
        ------
        InputError
            If there is no such field.
        IndexError
            If an index is out of range.
        """
        if isinstance(index, tuple):
            raise InputError(
                f"Argument `index` must select samples (int, slice or array), but is {index!r}."
            )
        return tuple(take(self._views(self._places(name)), index) for name in names)

    def stretches(self, name: str, size: int = 1 << 20) -> Iterator[NDArray[Any]]:
        """Read a field from the first sample to the last, a stretch at a time.

        Parameters
        ----------
        name : str
            Name of the field.
        size : int, optional
            Samples in a stretch.

        Yields
        ------
        ndarray
            The next samples.
        """
        for start in range(0, len(self), size):
            yield self.read(name, index=slice(start, start + size))[0]

    def digests(self, name: str) -> NDArray[np.uint8]:
        """SHA-256 of each shard of a field, of shape (shards, 32).

        Parameters
        ----------
        name : str
            Name of the field.

        Returns
        -------
        uint8 ndarray
            As stored.
        """
        self._places(name)  # refuses unknown names
        return np.concatenate(self._views([part.digests[name] for part in self._layouts]))

    def __getitem__(self, index: Any) -> dict[str, NDArray[Any]]:
        return dict(zip(self.fields, self.read(*self.fields, index=index), strict=True))

    def hamiltonians(self, index: Any = slice(None)) -> Stored:
        """Hamiltonians with exactly the stored coefficients.

        Parameters
        ----------
        index : int, slice or array, optional
            Samples; all where not given.

        Returns
        -------
        ChiralHamiltonian, TwoBandHamiltonian or FourierHamiltonian
            A batch, or a single one for an integer.

        Raises
        ------
        IndexError
            If an index is out of range.
        """
        (hoppings,) = self.read("hoppings", index=index)
        filled = self.spec.hamiltonian.filled if self.spec.hamiltonian else 1
        found: Stored = get_task(self.kind).hamiltonians(self.vectors, hoppings, filled)
        return found

    def _places(self, name: str) -> list[Place]:
        if name not in self.fields:
            raise InputError(
                f"Split `{self.name}` has no field {name!r}{_messages.suggest(name, self.fields)};"
                f" it has {', '.join(self.fields)}."
            )
        return [part.fields[name] for part in self._layouts]

    def _views(self, places: Sequence[Place]) -> list[NDArray[Any]]:
        return [store.view(place) for store, place in zip(self._stores, places, strict=True)]

    def __repr__(self) -> str:
        counts = ", ".join(f"{v}: {c}" for v, c in self.classes.items())
        grid = " x ".join(map(str, self.grid))
        return f"Split {self.name!r}: {len(self)} samples on {grid} k points, classes {{{counts}}}"
