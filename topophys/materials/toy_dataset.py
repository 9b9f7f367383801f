"""Data sets of toy materials: drawn, labelled with proof, described in every modality."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import _checks
from topophys._progress import track
from topophys._random import keyed_generator
from topophys.datasets.materials_file import write_materials
from topophys.errors import InputError
from topophys.hamiltonians.toy import (
    ORDERS,
    PROTOTYPES,
    SOLIDS,
    SPECIES,
    draw_structures,
    toy_bands,
)
from topophys.materials.crystal import Crystal
from topophys.materials.persistence import ASPH_FEATURES, MAX_TOKENS, persistence_tokens
from topophys.materials.scalars import SCALAR_FEATURES, scalar_features
from topophys.materials.solid_dataset import draw_solid_batch
from topophys.materials.solid_labels import SOLID_REASONS
from topophys.materials.toy_features import band_features
from topophys.materials.toy_labels import CLASSES, REASONS, label_toys
from topophys.materials.toy_meanings import meanings

__all__ = [
    "ToySummary",
    "draw_batch",
    "draw_shard",
    "generate_toys",
    "toy_crystal",
]

SHARD: Final = 512
#: Draws of one batch within a shard; a shard takes as many batches as it needs.
BATCH: Final = 512
NUMBERS: Final = np.array([one.z for one in SPECIES])


@dataclass(frozen=True)
class ToySummary:
    """What a generation made.

    Attributes
    ----------
    path : Path
        The file.
    size, drawn : int
        Materials kept and drawn.
    rejected : dict of str to int
        How many were dropped, by reason.
    counts : dict of str to int
        Materials of each pair of classes.
    """

    path: Path
    size: int
    drawn: int
    rejected: dict[str, int]
    counts: dict[str, int]

    def __repr__(self) -> str:
        lines = [f"{self.path}: {self.size} materials of {self.drawn} drawn"]
        lines += [f"  dropped {number:7d}  {reason}" for reason, number in self.rejected.items()]
        lines += [f"  kept    {number:7d}  {name}" for name, number in self.counts.items()]
        return "\n".join(lines)


def toy_crystal(arrays: dict[str, NDArray[Any]], row: int) -> Crystal:
    """Structure of one material of a file.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Arrays of the file.
    row : int
        Which material.

    Returns
    -------
    Crystal
        Its atoms and lattice.
    """
    there = arrays["numbers"][row] > 0
    return Crystal(
        arrays["numbers"][row][there].astype(np.int64),
        arrays["fractional"][row][there].astype(np.float64),
        arrays["lattice"][row].astype(np.float64),
        f"toy-{row}",
    )


def draw_batch(
    seed: int, shard: int, batch: int, size: int, min_gap: float
) -> tuple[dict[str, Any], NDArray[np.int64], NDArray[np.int64]]:
    """Draw, label and describe one batch of layers.

    Parameters
    ----------
    seed, shard, batch : int
        Key of the random stream.
    size : int
        Materials to draw.
    min_gap : float
        As in `label_toys`.

    Returns
    -------
    dict of str to ndarray
        Arrays of the materials that are kept, but those that follow from the structure alone.
    int64 ndarray, int64 ndarray of shape (size,)
        Draws that are kept, and the reason of each draw.
    """
    crystals = draw_structures(size, rng=keyed_generator(seed, shard, batch))
    bands = toy_bands(crystals)
    labels = label_toys(bands, min_gap=min_gap)
    good = np.flatnonzero(labels.reason == 0)
    chosen, kept = bands[good], crystals[good]
    arrays = {
        "prototype": kept.prototype, "species": kept.species, "fractional": kept.fractional,
        "lattice": kept.lattice,
        "d_up": chosen.up.d_amplitudes, "d0_up": chosen.up._d0,
        "d_down": chosen.down.d_amplitudes, "d0_down": chosen.down._d0,
        "moments": chosen.magnetism.splitting, "magnetism": chosen.magnetism.order,
        **{name: getattr(labels, name)[good]
           for name in ("topology", "evidence", "chern", "gap_bound", "overlap")},
        **band_features(chosen),
    }  # fmt: skip
    return arrays, good, labels.reason


def draw_shard(seed: int, shard: int, size: int, min_gap: float, dim: int = 2) -> dict[str, Any]:
    """Draw materials from the streams of one shard until `size` are kept.

    Parameters
    ----------
    seed : int
        Root seed; batch b of the shard draws from the stream (shard, b).
    shard, size : int
        Number of the shard and of its materials.
    min_gap : float
        As in `label_toys` and `label_solids`.
    dim : {2, 3}, optional
        Layers or solids.

    Returns
    -------
    dict
        Arrays of the meanings, and "drawn" and "reasons" up to the last one kept.
    """
    make, reasons_known = (draw_batch, REASONS) if dim == 2 else (draw_solid_batch, SOLID_REASONS)
    parts: list[dict[str, NDArray[Any]]] = []
    kept, drawn, reasons = 0, 0, np.zeros(len(reasons_known), np.int64)
    batch = 0
    while kept < size:
        arrays, good, reason = make(seed, shard, batch, BATCH, min_gap)
        stop = BATCH if len(good) + kept < size else int(good[size - kept - 1]) + 1
        number = min(len(good), size - kept)
        drawn += stop
        reasons += np.bincount(reason[:stop], minlength=len(reasons))
        kept += number
        place = np.stack([np.full(len(good), shard), np.full(len(good), batch), good], axis=1)
        parts.append({name: a[:number] for name, a in {**arrays, "seed_key": place}.items()})
        batch += 1
    arrays = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    species = arrays.pop("species")
    arrays["numbers"] = np.where(species >= 0, NUMBERS[species], 0)
    arrays |= _structure_features(arrays)
    return {"arrays": arrays, "drawn": drawn, "reasons": reasons}


def _structure_features(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    size = len(arrays["numbers"])
    asph = np.zeros((size, MAX_TOKENS, len(ASPH_FEATURES)), np.float32)
    scalars = np.zeros((size, len(SCALAR_FEATURES)), np.float32)
    number, group = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for row in range(size):
        crystal = toy_crystal(arrays, row)
        tokens = persistence_tokens(crystal)
        asph[row, : len(tokens)], number[row] = tokens, len(tokens)
        scalars[row], group[row] = scalar_features(crystal)
    return {"asph": asph, "n_tokens": number, "scalars": scalars, "space_group": group}


def generate_toys(
    path: str | Path,
    size: int,
    *,
    dim: int = 2,
    seed: int = 0,
    min_gap: float | None = None,
    workers: int = 1,
    progress: bool = True,
) -> ToySummary:
    """Make a data set of toy materials.

    Parameters
    ----------
    path : str or Path
        HDF5 file to make.
    size : int
        Number of materials.
    dim : {2, 3}, optional
        Layers, or solids.
    seed : int, optional
        Root seed. The content does not depend on the number of workers.
    min_gap : float, optional
        Smallest gap and overlap to keep; 0.05 for layers and 0.1 for solids by default.
    workers : int, optional
        Processes.
    progress : bool, optional
        Show a bar.

    Returns
    -------
    ToySummary
        What was made and dropped.

    Raises
    ------
    InputError, OutputError
        If a number is impossible, or the file cannot be written.
    """
    size = _checks.positive_int(size, "size")
    if dim not in (2, 3):
        raise InputError(f"Argument `dim` must be 2 or 3, but is {dim!r:.20}.")
    least = {2: 0.05, 3: 0.1}[dim] if min_gap is None else float(min_gap)
    sizes = [min(SHARD, size - first) for first in range(0, size, SHARD)]
    jobs = [(seed, shard, count, least, dim) for shard, count in enumerate(sizes)]
    found = []
    with track(size, "toy materials", progress) as advance:
        if workers == 1:
            for job in jobs:
                found.append(draw_shard(*job))
                advance(job[2])
        else:
            with ProcessPoolExecutor(workers) as pool:
                for job, one in zip(
                    jobs, pool.map(draw_shard, *zip(*jobs, strict=True)), strict=True
                ):
                    found.append(one)
                    advance(job[2])
    arrays = {
        name: np.concatenate([one["arrays"][name] for one in found]) for name in found[0]["arrays"]
    }
    reasons = sum(one["reasons"] for one in found)
    known = REASONS if dim == 2 else SOLID_REASONS
    rejected = {known[i]: int(reasons[i]) for i in range(1, len(known))}
    drawn = sum(one["drawn"] for one in found)
    counts = {
        f"{topology}, {order}": int(((arrays["topology"] == t) & (arrays["magnetism"] == m)).sum())
        for t, topology in enumerate(CLASSES)
        for m, order in enumerate(ORDERS)
    }
    card = {
        "kind": "toy materials", "dim": dim, "size": size, "seed": seed, "min_gap": least,
        "drawn": drawn,
        "rejected": rejected, "counts": counts, "topology": list(CLASSES),
        "magnetism": list(ORDERS), "prototypes": list(PROTOTYPES if dim == 2 else SOLIDS),
    }  # fmt: skip
    write_materials(path, arrays, meanings(dim), card)
    return ToySummary(Path(path), size, drawn, rejected, counts)
