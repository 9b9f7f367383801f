"""Shards of toy materials in three dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from topophys._random import keyed_generator
from topophys.hamiltonians.toy import draw_solids, solid_bands
from topophys.materials.solid_features import solid_features
from topophys.materials.solid_labels import label_solids

__all__ = ["draw_solid_batch"]


def draw_solid_batch(
    seed: int, shard: int, batch: int, size: int, min_gap: float
) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Draw, label and describe one batch of solids, as `toy_dataset.draw_batch` does layers.

    Parameters
    ----------
    seed, shard, batch, size : int
        As for layers.
    min_gap : float
        As in `label_solids`.

    Returns
    -------
    dict of str to ndarray, int64 ndarray, int64 ndarray
        As for layers.
    """
    crystals = draw_solids(size, rng=keyed_generator(seed, shard, batch))
    bands = solid_bands(crystals)
    labels = label_solids(bands, crystals.fractional[:, 1], min_gap=min_gap)
    good = np.flatnonzero(labels.reason == 0)
    chosen, kept = bands[good], crystals[good]
    arrays = {
        "prototype": kept.prototype, "species": kept.species, "fractional": kept.fractional,
        "lattice": kept.lattice, "like": chosen.like, "bond": chosen.bond,
        "moments": chosen.magnetism.splitting, "magnetism": chosen.magnetism.order,
        **{name: getattr(labels, name)[good]
           for name in ("topology", "evidence", "chern", "odd", "z2", "gap_bound", "overlap")},
        **solid_features(chosen),
    }  # fmt: skip
    return arrays, good, labels.reason
