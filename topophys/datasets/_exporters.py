"""Export of a split to pandas and xarray, loaded only when used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from topophys._optional import load_extra
from topophys.datasets import schema
from topophys.datasets.split import Split
from topophys.grids import k_grid

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

__all__ = ["arrays", "to_dataframe"]


# --------------------------------------- Labels as a table of pandas; the only module that loads it


def to_dataframe(splits: Sequence[Split]) -> DataFrame:
    """One row for every sample, without its arrays."""
    pd = load_extra("pandas", "pandas")
    parts = []
    for split in splits:
        label, gap, key = split.read("label", "gap_bound", "seed_key")
        columns = {
            "index": np.arange(len(label)),
            "label": label,
            "gap_bound": gap,
            "shard": key[:, 1],
            "draw": key[:, 2],
        }
        parts.append(pd.DataFrame(columns).assign(split=split.name))
    table = pd.concat(parts, ignore_index=True)
    chosen: DataFrame = table[["split", "index", "label", "gap_bound", "shard", "draw"]]
    return chosen


# ------------------------------ A split as labelled arrays of xarray; the only module that loads it

#: Name of the axis that each letter of the schema stands for.
AXES: Final = {
    "S": "sample", "N": "k", "Nx": "kx", "Ny": "ky", "M": "R", "n": "row", "c": "channel",
    "3": "component",
}  # fmt: skip


def arrays(split: Split) -> Dataset:
    """All fields of a split, with names for the axes, units and the values of k and R."""
    xr = load_extra("xarray", "xarray")
    lazy = _lazy_array()
    key = split.view("seed_key")
    variables: dict[str, Any] = {"shard": ("sample", key[:, 1]), "draw": ("sample", key[:, 2])}
    for f in schema.FIELDS[split.kind]:
        if f.name != "seed_key":
            attributes = {"units": f.unit, "long_name": f.meaning}
            variables[f.name] = (_axes(f), lazy(split, f), attributes)
    found: Dataset = xr.Dataset(variables, _coordinates(split), {"split": split.name})
    return found


def _lazy_array() -> Callable[[Split, schema.Field], Any]:
    """Return a maker of arrays of xarray that read, and check, only what is asked for."""
    backends = importlib.import_module("xarray.backends")
    indexing = importlib.import_module("xarray.core.indexing")

    class Lazy(backends.BackendArray):  # type: ignore[name-defined,misc]  # loaded when used
        def __init__(self, split: Split, f: schema.Field) -> None:
            self.split, self.name = split, f.name
            self.shape, self.dtype = split.shape(f.name), np.dtype(f.dtype)

        def __getitem__(self, key: Any) -> Any:
            basic = indexing.IndexingSupport.BASIC
            return indexing.explicit_indexing_adapter(key, self.shape, basic, self._read)

        def _read(self, key: tuple[Any, ...]) -> Any:
            first, *rest = key
            (found,) = self.split.read(self.name, index=first)
            return found[(*([] if isinstance(first, int) else [slice(None)]), *rest)]

    return lambda split, f: indexing.LazilyIndexedArray(Lazy(split, f))


def _axes(f: schema.Field) -> list[str]:
    names = [AXES[letter] for letter in f.axes]
    # the two axes of a matrix share a letter, because they are of one length
    return ["column" if name in names[:i] else name for i, name in enumerate(names)]


def _coordinates(split: Split) -> dict[str, Any]:
    found: dict[str, Any] = {"sample": np.arange(len(split))}
    names = ("k",) if len(split.grid) == 1 else ("kx", "ky")
    for name, n_k in zip(names, split.grid, strict=True):
        found[name] = (name, k_grid(n_k)[:, 0], {"units": "rad"})
    directions = ("Rx", "Ry") if len(split.grid) == 2 else ("R",)
    for name, values in zip(directions, split.vectors.T, strict=True):
        found[name] = ("R", values, {"units": "cells"})
    return found
