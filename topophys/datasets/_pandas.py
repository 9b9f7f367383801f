"""Labels as a table of pandas; the only module that loads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from topophys._extras import load_extra
from topophys.datasets.split import Split

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["frame"]


def frame(splits: Sequence[Split]) -> DataFrame:
    """One row for every sample, without its arrays.

    Parameters
    ----------
    splits : sequence of Split
        The splits.

    Returns
    -------
    pandas.DataFrame
        Columns `split`, `index`, `label`, `gap_bound`, `shard`, `draw`.

    Raises
    ------
    MissingPackageError
        If pandas is not installed.
    """
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
