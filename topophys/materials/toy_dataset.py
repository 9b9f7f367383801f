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
from topophys.hamiltonians.toy import ORDERS, PROTOTYPES, SPECIES, draw_structures, toy_bands
from topophys.materials.crystal import Crystal
from topophys.materials.persistence import ASPH_FEATURES, MAX_TOKENS, persistence_tokens
from topophys.materials.scalars import SCALAR_FEATURES, scalar_features
from topophys.materials.toy_features import band_features
from topophys.materials.toy_labels import CLASSES, REASONS, label_toys

__all__ = ["MEANINGS", "ToySummary", "draw_shard", "generate_toys", "toy_crystal"]

SHARD: Final = 512
#: Draws of one batch within a shard; a shard takes as many batches as it needs.
BATCH: Final = 512
NUMBERS: Final = np.array([one.z for one in SPECIES])

#: What each array of a file is.
MEANINGS: Final = {
    "prototype": "Position in the list of prototypes.",
    "numbers": "Atomic numbers, 0 where there is no atom (S, 5).",
    "fractional": "Positions in units of the lattice vectors (S, 5, 3).",
    "lattice": "Rows are the lattice vectors, angstrom (S, 3, 3).",
    "d_up": "Coefficients d_R of spin up in nine cells (S, 9, 3).",
    "d0_up": "Coefficients of the scalar part of spin up (S, 9).",
    "d_down": "Coefficients d_R of spin down (S, 9, 3).",
    "d0_down": "Coefficients of the scalar part of spin down (S, 9).",
    "moments": "Exchange field on the two active atoms (S, 2).",
    "topology": "0 trivial, 1 topological insulator, 2 semimetal; proven.",
    "magnetism": "0 NM, 1 FM, 2 AFM.",
    "evidence": "What proves the class: 0 gap and Chern numbers, 1 overlap, 2 touching.",
    "chern": "Certified Chern numbers of spin up and down; 0 for semimetals (S, 2).",
    "gap_bound": "Proven lower bound of the global gap; 0 for semimetals.",
    "overlap": "Energy by which bands overlap; 0 for others.",
    "kspace": "Bands along a path (S, 31, 16).",
    "decomposition": "Weights on the first atom at special momenta (S, 12).",
    "gap": "Direct and global gap on the path (S, 2).",
    "dos": "Density of states about the Fermi level (S, 32).",
    "fermi": "Density, widths and spin at the Fermi level (S, 4).",
    "asph": "Tokens of persistence diagrams, zero rows at the end (S, 36, 10).",
    "n_tokens": "Number of tokens.",
    "scalars": "Composition, symmetry and density (S, 48).",
    "space_group": "International number by spglib.",
    "seed_key": "Shard, batch and number of the draw within the batch (S, 3).",
}


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


def draw_shard(seed: int, shard: int, size: int, min_gap: float) -> dict[str, Any]:
    """Draw materials from the streams of one shard until `size` are kept.

    Parameters
    ----------
    seed : int
        Root seed; batch b of the shard draws from the stream (shard, b).
    shard, size : int
        Number of the shard and of its materials.
    min_gap : float
        As in `label_toys`.

    Returns
    -------
    dict
        Arrays of `MEANINGS`, and "drawn" and "reasons" up to the last one kept.
    """
    parts: list[dict[str, NDArray[Any]]] = []
    kept, drawn, reasons = 0, 0, np.zeros(len(REASONS), np.int64)
    batch = 0
    while kept < size:
        crystals = draw_structures(BATCH, rng=keyed_generator(seed, shard, batch))
        bands = toy_bands(crystals)
        labels = label_toys(bands, min_gap=min_gap)
        good = np.flatnonzero(labels.reason == 0)[: size - kept]
        stop = BATCH if len(good) + kept < size else int(good[-1]) + 1
        drawn += stop
        reasons += np.bincount(labels.reason[:stop], minlength=len(REASONS))
        kept += len(good)
        chosen = type(bands)(bands.up[good], bands.down[good], bands.magnetism, bands.sound)
        place = np.stack([np.full(len(good), shard), np.full(len(good), batch), good], axis=1)
        species = crystals.species[good]
        parts.append({
            "prototype": crystals.prototype[good],
            "numbers": np.where(species >= 0, NUMBERS[species], 0),
            "fractional": crystals.fractional[good],
            "lattice": crystals.lattice[good],
            "d_up": chosen.up.d_amplitudes, "d0_up": chosen.up._d0,
            "d_down": chosen.down.d_amplitudes, "d0_down": chosen.down._d0,
            "moments": bands.magnetism.splitting[good],
            "magnetism": bands.magnetism.order[good],
            **{name: getattr(labels, name)[good]
               for name in ("topology", "evidence", "chern", "gap_bound", "overlap")},
            **band_features(chosen),
            "seed_key": place,
        })  # fmt: skip
        batch += 1
    arrays = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
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
    seed: int = 0,
    min_gap: float = 0.05,
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
    seed : int, optional
        Root seed. The content does not depend on the number of workers.
    min_gap : float, optional
        Smallest gap and overlap to keep.
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
    sizes = [min(SHARD, size - first) for first in range(0, size, SHARD)]
    jobs = [(seed, shard, count, min_gap) for shard, count in enumerate(sizes)]
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
    rejected = {REASONS[i]: int(reasons[i]) for i in range(1, len(REASONS))}
    drawn = sum(one["drawn"] for one in found)
    counts = {
        f"{topology}, {order}": int(((arrays["topology"] == t) & (arrays["magnetism"] == m)).sum())
        for t, topology in enumerate(CLASSES)
        for m, order in enumerate(ORDERS)
    }
    card = {
        "kind": "toy materials", "size": size, "seed": seed, "min_gap": min_gap, "drawn": drawn,
        "rejected": rejected, "counts": counts, "topology": list(CLASSES),
        "magnetism": list(ORDERS), "prototypes": list(PROTOTYPES),
    }  # fmt: skip
    write_materials(path, arrays, MEANINGS, card)
    return ToySummary(Path(path), size, drawn, rejected, counts)
