"""Data sets in files: opened, and split by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topophys import _validation
from topophys._optional import NotebookText
from topophys.datasets import _messages
from topophys.datasets._exporters import arrays, to_dataframe
from topophys.datasets._index import is_index, read_index, read_part
from topophys.datasets._store import Store
from topophys.datasets.dataset_card import card
from topophys.datasets.layout import Layout, read_layout
from topophys.datasets.recipe import Recipe
from topophys.datasets.split import Split
from topophys.errors import InputError, ShapeError

if TYPE_CHECKING:
    from pandas import DataFrame
    from torch.utils.data import Dataset as TorchDataset
    from xarray import Dataset as XarrayDataset

__all__ = ["Dataset", "open_dataset"]


def open_dataset(path: str | Path) -> Dataset:
    """Open a data file.

    Parameters
    ----------
    path : str or Path
        HDF5 file made by `generate`, or index made by `join`.

    Returns
    -------
    Dataset
        Headers are read and compared with the manifest. Samples are read when asked for, and
        compared with their checksums when a process reads them for the first time: what is
        returned, and trained on, is what was written.

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
    path = Path(path)
    if not is_index(path):
        return Dataset([read_layout(path)], path)
    index = read_index(path)
    layouts = [read_part(index, part) for part in index.parts]
    return Dataset(layouts, path, manifest=index.manifest)


class Dataset(NotebookText):
    """A data set in one file or several: recipe, splits, samples.

    A context manager; may be pickled and used in other processes and threads.

    Attributes
    ----------
    path : Path
        The file, or the index of several.
    n_bytes : int
        Size of all its files but the index.
    recipe : Recipe
        Recipe it was made from.
    kind : {"winding", "chern", "bands"}
        Kind of data set.
    attributes : mapping of str to Any
        Attributes of the file, as in the schema.
    """

    def __init__(
        self,
        layouts: Sequence[Layout],
        path: Path,
        *,
        manifest: str | None = None,
        checked: bool = True,
    ) -> None:
        first = layouts[0]
        self._layouts = tuple(layouts)
        self._stores = tuple(Store(part.path, part.identity, checked=checked) for part in layouts)
        self.path = path
        self.n_bytes = sum(part.n_bytes for part in layouts)
        self.recipe: Recipe = first.recipe
        self.kind: str = first.recipe.kind
        sealed = {} if manifest is None else {"manifest": manifest}
        self.attributes: Mapping[str, Any] = {**first.attributes, **sealed}

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, in the order of the recipe."""
        here = {name for part in self._layouts for name in part.splits}
        return tuple(spec.name for spec in self.recipe.split if spec.name in here)

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
        if name not in self.splits:
            raise InputError(
                f"Data set `{self.recipe.name}` has no split {name!r}"
                f"{_messages.suggest(name, self.splits)}; it has {', '.join(self.splits)}."
            )
        return Split(self._stores, self._layouts, name)

    def __len__(self) -> int:
        return sum(self._sizes().values())

    def _sizes(self) -> dict[str, int]:
        return {name: len(self.split(name)) for name in self.splits}

    def __getitem__(self, index: Any) -> dict[str, NDArray[Any]]:
        """Read samples by their number over all splits, one split after the other."""
        chosen = np.arange(len(self))[index]
        starts = np.cumsum([0, *self._sizes().values()])
        owner = np.searchsorted(starts, chosen, side="right") - 1
        if chosen.ndim == 0:
            return self.split(self.splits[int(owner)])[int(chosen - starts[owner])]
        numbers = np.unique(owner).tolist() or [0]
        names = [self.splits[s] for s in numbers]
        parts = [self.split(self.splits[s])[(chosen - starts[s])[owner == s]] for s in numbers]
        # np.unique sorts by split; this undoes the sorting
        order = np.argsort(np.argsort(owner, kind="stable"), kind="stable")
        return {key: _join([p[key] for p in parts], key, names)[order] for key in parts[0]}

    def torch(
        self, split: str, *, in_memory: bool = True, batch_size: int | None = None, seed: int = 0
    ) -> TorchDataset[Any]:
        """PyTorch data set of (x float32, label int64).

        Parameters
        ----------
        split : str
            Name of the split.
        in_memory : bool, optional
            Read everything now, into a `torch.utils.data.TensorDataset`; or leave the samples on
            disk and read each batch from there.
        batch_size : int, optional
            Where given, an iterable of shuffled batches read from disk in blocks, for data sets
            larger than the memory; `in_memory` is then ignored. Use it with
            ``DataLoader(..., batch_size=None)`` and any number of workers.
        seed : int, optional
            Seed of the order of these batches.

        Returns
        -------
        torch.utils.data.Dataset
            With `len` and integer indexing, or iterable where `batch_size` is given.

        Raises
        ------
        InputError
            If there is no such split, or `batch_size` is not a positive integer.
        """
        from topophys.datasets._torch_loading import Stream, as_torch  # noqa: PLC0415  # PyTorch

        part = self.split(split)
        if batch_size is not None:
            return Stream(part, _validation.positive_int(batch_size, "batch_size"), seed)
        return as_torch(part, in_memory=in_memory)

    def to_pandas(self) -> DataFrame:
        """Labels, gap bounds and keys of all samples, one row each; needs pandas.

        Returns
        -------
        pandas.DataFrame
            Columns `split`, `index` (within the split), `label`, `gap_bound`, `shard`, `draw`.

        Raises
        ------
        MissingPackageError
            If pandas is not installed.
        """
        return to_dataframe([self.split(name) for name in self.splits])

    def to_xarray(self, split: str) -> XarrayDataset:
        """All fields of a split as labelled arrays; needs xarray.

        Axes have names, k points and lattice vectors are coordinates, units are attributes.
        Nothing is read before it is used, unless the data set lies in several files.

        Parameters
        ----------
        split : str
            Name of the split.

        Returns
        -------
        xarray.Dataset
            One variable for each field; `shard` and `draw` in the place of `seed_key`.

        Raises
        ------
        InputError
            If there is no such split.
        MissingPackageError
            If xarray is not installed.
        """
        return arrays(self.split(split))

    def card(self) -> str:
        """Describe the data set in Markdown: what it is, how it was made, its classes.

        Returns
        -------
        str
            Text of a README.
        """
        return card(
            self.recipe, [self.split(name) for name in self.splits], self.attributes, self.n_bytes
        )

    def close(self) -> None:
        """Let go of the file."""
        for store in self._stores:
            store.close()

    def __enter__(self) -> Dataset:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {size}" for name, size in self._sizes().items())
        return f"Dataset {self.recipe.name!r} ({self.kind}): {len(self)} samples in {{{sizes}}}"


def _join(parts: list[NDArray[Any]], key: str, names: list[str]) -> NDArray[Any]:
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise ShapeError(
            f"Samples of the splits {', '.join(names)} must have one shape to be read together, but"
            f" `{key}` has {sorted(shapes)}; read each split by itself."
        )
    return np.concatenate(parts)
