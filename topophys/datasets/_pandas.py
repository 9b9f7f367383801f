"""Labels as a table of pandas; the only module that loads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from topophys.datasets.split import Split
from topophys.errors import InputError

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
    InputError
        If pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415  # optional
    except ImportError:
        raise InputError(
            "`to_pandas` needs pandas, which is not installed; run pip install pandas."
        ) from None
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
    return table[["split", "index", "label", "gap_bound", "shard", "draw"]]
