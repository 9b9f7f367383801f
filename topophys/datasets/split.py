"""A split of a data set, which indexes like an array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topophys._optional import NotebookText
from topophys.datasets import _messages
from topophys.datasets._store import Column, Place, Store, take
from topophys.datasets.families import Stored
from topophys.datasets.layout import Layout
from topophys.datasets.recipe import SplitSpec
from topophys.datasets.tasks import get_task
from topophys.errors import InputError

if TYPE_CHECKING:
    pass

__all__ = ["Split"]


# ---------------------------------------------------------------- One split of a data set


class Split(NotebookText):
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
        """Whole field as a read-only array in memory, compared with its checksums.

        `read` takes no more than what is asked for, and `stretches` one stretch after the other.

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
        (whole,) = self.read(name)
        whole.flags.writeable = False
        return whole

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
        DatasetError
            If samples are not what was written, or the file was closed, removed, replaced or
            changed since it was opened.
        """
        if isinstance(index, tuple):
            raise InputError(
                f"Argument `index` must select samples (int, slice or array), but is {index!r}."
            )
        return tuple(take(self._columns(name), index) for name in names)

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
        places = [part.digests[name] for part in self._layouts]
        columns = [Column(s, p, None) for s, p in zip(self._stores, places, strict=True)]
        return take(columns, slice(None))

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

    def _columns(self, name: str) -> list[Column]:
        self._places(name)  # refuses unknown names
        return [
            Column(store, part.fields[name], part.checks[name])
            for store, part in zip(self._stores, self._layouts, strict=True)
        ]

    def __repr__(self) -> str:
        counts = ", ".join(f"{v}: {c}" for v, c in self.classes.items())
        grid = " x ".join(map(str, self.grid))
        return f"Split {self.name!r}: {len(self)} samples on {grid} k points, classes {{{counts}}}"
