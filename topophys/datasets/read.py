"""Reading a data file: splits that index like arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from topophys.datasets import _messages
from topophys.datasets.families import rebuild
from topophys.datasets.layout import Layout, Place, read_layout
from topophys.datasets.recipe import Recipe, SplitSpec
from topophys.datasets.schema import Kind
from topophys.errors import DatasetError, InputError, ShapeError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian

if TYPE_CHECKING:
    from torch.utils.data import Dataset as TorchDataset

__all__ = ["Dataset", "Split", "open_dataset"]


def open_dataset(path: str | Path) -> Dataset:
    """Open a data file.

    Parameters
    ----------
    path : str or Path
        HDF5 file made by `generate`.

    Returns
    -------
    Dataset
        Headers are read and checked; samples are read when asked for.

    Raises
    ------
    DatasetError
        If the file is missing, truncated or damaged.
    SchemaError
        If it is not a data file of topophys, of a newer version, or not what its recipe says.

    Examples
    --------
    >>> open_dataset("nowhere.h5")
    Traceback (most recent call last):
    ...
    topophys.errors.DatasetError: Data file `nowhere.h5` does not exist; ...
    """
    return Dataset(read_layout(Path(path)))


class _Store:
    """The bytes of a file, mapped into memory once per process.

    Fields are contiguous, so that a mapping reads any samples as fast as memory does, needs no
    lock between threads, and is safe across fork and spawn.
    """

    def __init__(self, path: Path, n_bytes: int) -> None:
        self.path, self.n_bytes = path.absolute(), n_bytes
        self.closed = False
        self._bytes: NDArray[np.uint8] | None = None
        self._pid = -1

    def view(self, place: Place) -> NDArray[Any]:
        """Read-only array at a place of the file; nothing is read yet."""
        array: NDArray[Any] = np.ndarray(
            place.shape, place.dtype, buffer=self._mapped().data, offset=place.offset
        )
        return array

    def _mapped(self) -> NDArray[np.uint8]:
        if self.closed:
            raise DatasetError(f"Data file `{self.path}` is closed; open it again.")
        if self._bytes is None or self._pid != os.getpid():
            try:
                mapped = np.memmap(self.path, np.uint8, "r")
            except (OSError, ValueError) as error:
                raise DatasetError(f"Data file `{self.path}` cannot be read: {error}.") from None
            if mapped.size != self.n_bytes:
                raise DatasetError(f"Data file `{self.path}` has changed; open it again.")
            self._bytes, self._pid = mapped, os.getpid()
        return self._bytes

    def close(self) -> None:
        self._bytes, self.closed = None, True

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_bytes": None, "_pid": -1}


class Split:
    """One split of a data set: index it like an array, get fields by name.

    Attributes
    ----------
    name : str
        Name of the split.
    spec : SplitSpec
        Its part of the recipe, with everything filled in.
    kind : {"winding", "chern"}
        Kind of data set.
    drawn : int
        Hamiltonians drawn to make it.
    rejected : mapping of str to int
        How many of them were not kept, by reason.
    """

    def __init__(self, store: _Store, layout: Layout, name: str) -> None:
        self._store, self._layout = store, layout.splits[name]
        self.name = name
        self.spec: SplitSpec = layout.recipe.part(name)
        self.kind: Kind = layout.recipe.kind
        self.drawn: int = self._layout.drawn
        self.rejected: Mapping[str, int] = self._layout.rejected

    def __len__(self) -> int:
        return self.spec.size

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(self._layout.fields)

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of k points along each direction."""
        return self.spec.grid or ()

    @property
    def vectors(self) -> NDArray[np.int64]:
        """Lattice vectors of `hoppings`, of shape (M, dim)."""
        return np.array(self._layout.vectors, dtype=np.int64)

    @property
    def classes(self) -> dict[int, int]:
        """Number of samples of each label, counted."""
        values, counts = np.unique(self.view("label"), return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a field, samples first."""
        return self._place(name).shape

    def view(self, name: str) -> NDArray[Any]:
        """Whole field as a read-only array on the file; only what is touched is read.

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
        return self._store.view(self._place(name))

    def read(self, *names: str, index: Any = slice(None)) -> tuple[NDArray[Any], ...]:
        """Some fields of some samples, as arrays of their own.

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
        return tuple(np.array(self.view(name)[index]) for name in names)

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
        self._place(name)
        return np.array(self._store.view(self._layout.digests[name]))

    def __getitem__(self, index: Any) -> dict[str, NDArray[Any]]:
        return dict(zip(self.fields, self.read(*self.fields, index=index), strict=True))

    def hamiltonians(self, index: Any = slice(None)) -> ChiralHamiltonian | TwoBandHamiltonian:
        """Hamiltonians with exactly the stored coefficients.

        Parameters
        ----------
        index : int, slice or array, optional
            Samples; all where not given.

        Returns
        -------
        ChiralHamiltonian or TwoBandHamiltonian
            A batch, or a single one for an integer.

        Raises
        ------
        IndexError
            If an index is out of range.
        """
        (hoppings,) = self.read("hoppings", index=index)
        return rebuild(self.kind, self.vectors, hoppings)

    def _place(self, name: str) -> Place:
        if name not in self._layout.fields:
            raise InputError(
                f"Split `{self.name}` has no field {name!r}{_messages.suggest(name, self.fields)};"
                f" it has {', '.join(self.fields)}."
            )
        return self._layout.fields[name]

    def __repr__(self) -> str:
        counts = ", ".join(f"{v}: {c}" for v, c in self.classes.items())
        grid = " x ".join(map(str, self.grid))
        return f"Split {self.name!r}: {len(self)} samples on {grid} k points, classes {{{counts}}}"


class Dataset:
    """A data file: recipe, splits, samples.

    A context manager; may be pickled and used in other processes and threads.

    Attributes
    ----------
    path : Path
        The file.
    recipe : Recipe
        Recipe it was made from.
    kind : {"winding", "chern"}
        Kind of data set.
    attributes : mapping of str to Any
        Attributes of the file, as in the schema.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._store = _Store(layout.path, layout.n_bytes)
        self.path: Path = layout.path
        self.recipe: Recipe = layout.recipe
        self.kind: Kind = layout.recipe.kind
        self.attributes: Mapping[str, Any] = layout.attributes

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, in the order of the recipe."""
        return tuple(self._layout.splits)

    def split(self, name: str) -> Split:
        """One split.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Split
            Samples of that split.

        Raises
        ------
        InputError
            If there is no such split.
        """
        if name not in self._layout.splits:
            raise InputError(
                f"Data set `{self.recipe.name}` has no split {name!r}"
                f"{_messages.suggest(name, self.splits)}; it has {', '.join(self.splits)}."
            )
        return Split(self._store, self._layout, name)

    def __len__(self) -> int:
        return sum(spec.size for spec in self.recipe.split)

    def __getitem__(self, index: Any) -> dict[str, NDArray[Any]]:
        """Samples by their number over all splits, one split after the other."""
        chosen = np.arange(len(self))[index]
        starts = np.cumsum([0, *(spec.size for spec in self.recipe.split)])
        owner = np.searchsorted(starts, chosen, side="right") - 1
        if chosen.ndim == 0:
            return self.split(self.splits[int(owner)])[int(chosen - starts[owner])]
        names = [self.splits[s] for s in np.unique(owner)] or [self.splits[0]]
        parts = [self.split(n)[(chosen - starts[s])[owner == s]] for n in names
                 for s in [self.splits.index(n)]]  # fmt: skip
        # np.unique sorts by split; this undoes the sorting
        order = np.argsort(np.argsort(owner, kind="stable"), kind="stable")
        return {key: _join([p[key] for p in parts], key, names)[order] for key in parts[0]}

    def torch(self, split: str, *, in_memory: bool = True) -> TorchDataset[Any]:
        """Map-style PyTorch data set of (x float32, label int64).

        Parameters
        ----------
        split : str
            Name of the split.
        in_memory : bool, optional
            Read everything now, into a `torch.utils.data.TensorDataset`; or leave the samples on
            disk and read each batch from there.

        Returns
        -------
        torch.utils.data.Dataset
            With `len` and integer indexing.

        Raises
        ------
        InputError
            If there is no such split.
        """
        from topophys.datasets._torch import as_torch  # noqa: PLC0415  # loads PyTorch

        return as_torch(self.split(split), in_memory=in_memory)

    def card(self) -> str:
        """Describe the data set in Markdown: what it is, how it was made, its classes.

        Returns
        -------
        str
            Text of a README.
        """
        from topophys.datasets.card import card  # noqa: PLC0415  # cards read data sets

        return card(self)

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        sizes = ", ".join(f"{s.name}: {s.size}" for s in self.recipe.split)
        return f"Dataset {self.recipe.name!r} ({self.kind}): {len(self)} samples in {{{sizes}}}"


def _join(parts: list[NDArray[Any]], key: str, names: list[str]) -> NDArray[Any]:
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise ShapeError(
            f"Samples of the splits {', '.join(names)} must have one shape to be read together, but"
            f" `{key}` has {sorted(shapes)}; read each split by itself."
        )
    return np.concatenate(parts)
