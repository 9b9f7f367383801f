"""Reading a data file: splits that index like arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topophys.datasets import _messages
from topophys.datasets.layout import Layout, read_layout
from topophys.datasets.recipe import Recipe
from topophys.datasets.schema import Kind
from topophys.datasets.split import Split
from topophys.datasets.store import Store
from topophys.errors import InputError, ShapeError

if TYPE_CHECKING:
    from torch.utils.data import Dataset as TorchDataset

__all__ = ["Dataset", "open_dataset"]


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
        self._store = Store(layout.path, layout.n_bytes)
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
        """Read samples by their number over all splits, one split after the other."""
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
