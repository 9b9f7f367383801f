"""Data sets of toy materials: drawn, labelled with proof, described in every modality."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import _validation
from topophys._io import check_output, is_ours
from topophys._optional import NotebookText
from topophys._progress import track
from topophys._random import keyed_generator
from topophys.datasets.generation import end_with_parent
from topophys.datasets.materials_file import read_materials, write_materials
from topophys.errors import InputError, SchemaError
from topophys.grids import k_grid
from topophys.materials.crystal import Crystal
from topophys.materials.data import PHYSICS, MaterialData
from topophys.materials.features import (
    ASPH_FEATURES,
    MAX_TOKENS,
    SCALAR_FEATURES,
    persistence_tokens,
    scalar_features,
)
from topophys.materials.synthetic import (
    ORDERS,
    PROTOTYPES,
    SOLIDS,
    SPECIES,
    draw_solids,
    draw_structures,
    solid_bands,
    toy_bands,
)
from topophys.materials.synthetic.features import band_features, solid_features
from topophys.materials.synthetic.labels import (
    CLASSES,
    REASONS,
    SOLID_REASONS,
    label_solids,
    label_toys,
)
from topophys.materials.synthetic.structures import LAYER_CELLS

__all__ = [
    "MEANINGS",
    "SOLID_MEANINGS",
    "ToySummary",
    "draw_batch",
    "draw_shard",
    "draw_solid_batch",
    "generate_toys",
    "hamiltonian_grid",
    "load_toys",
    "meanings",
    "toy_crystal",
    "toy_data",
]


# ---- Array descriptions

#: What each array of a file of layers is.
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

#: What each array is that files of layers have not, or have otherwise.
SOLID_MEANINGS: Final = {
    "prototype": "Position in the list of solids.",
    "like": "Hoppings A to A and B to B in 27 cells, levels at the origin (S, 27, 2).",
    "bond": "Hoppings A to B: plain, and along x, y, z with the spin turned (S, 27, 4).",
    "moments": "Exchange field along z on the two active atoms (S, 2).",
    "evidence": "What proves the class: 0 gap and invariants, 1 overlap, 2 planes that differ.",
    "chern": "Certified Chern numbers in k_z = 0, pi by mirror eigenvalue (S, 2, 2).",
    "odd": "Occupied states of odd parity at the eight invariant momenta (S, 8).",
    "z2": "Z2 indices (strong; weak) of insulators without moments, -1 for others (S, 4).",
    "kspace": "Bands along a path through the invariant momenta (S, 33, 18).",
    "decomposition": "Weight on the first atom and spin of the occupied states there (S, 16).",
}


def meanings(dim: int) -> dict[str, str]:
    """Say what each array of a file is."""
    layers = {"d_up", "d0_up", "d_down", "d0_down"}
    common = {name: text for name, text in MEANINGS.items() if dim == 2 or name not in layers}
    return common if dim == 2 else common | SOLID_MEANINGS


# ---- Shards of solids


def draw_solid_batch(
    seed: int, shard: int, batch: int, size: int, min_gap: float
) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Draw, label and describe one batch of solids, as `toy_dataset.draw_batch` does layers."""
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


# ---- Generation

SHARD: Final = 512
#: Draws of one batch within a shard; a shard takes as many batches as it needs.
BATCH: Final = 512
NUMBERS: Final = np.array([one.z for one in SPECIES])


@dataclass(frozen=True)
class ToySummary(NotebookText):
    """Result of `generate_toys`.

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
    """Structure of one material of a file."""
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
    """Draw, label and describe one batch of layers."""
    # -> (size,)
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
    """Draw materials from the streams of one shard until `size` are kept."""
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
    force: bool = False,
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
    force : bool, optional
        Also replace a file that topophys did not make.

    Returns
    -------
    ToySummary
        What was made and dropped.

    Raises
    ------
    InputError, OutputError
        If a number is impossible, or the file cannot be written.
    """
    size = _validation.positive_int(size, "size")
    workers = _validation.worker_count(workers)
    check_output(path, ours=is_ours, force=force)
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
            parent = (os.getpid(),)
            with ProcessPoolExecutor(workers, initializer=end_with_parent, initargs=parent) as pool:
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
    write_materials(path, arrays, meanings(dim), card, force=force)
    return ToySummary(Path(path), size, drawn, rejected, counts)


# ---- Tensors

#: Arrays without which there is no training.
NEEDED: Final = (
    "numbers", "fractional", "lattice", "topology", "magnetism", "kspace", "asph", "n_tokens",
    "scalars", *PHYSICS,
)  # fmt: skip


def load_toys(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a file of toy materials.

    Parameters
    ----------
    path : str or Path
        File that `generate_toys` made.

    Returns
    -------
    dict of str to ndarray, dict
        Arrays and card.

    Raises
    ------
    SchemaError
        If it holds something else, or an array is missing.
    InputError
        If a number is not finite, a class is not in the card, or a structure has no atoms or
        unknown elements; one line that names the sample.
    """
    arrays, card = read_materials(path)
    if card.get("kind") != "toy materials":
        raise SchemaError(f"Materials file `{path}` must hold toy materials, but does not.")
    missing = sorted(set(NEEDED) - set(arrays))
    if missing:
        raise SchemaError(f"Materials file `{path}` must have the array `{missing[0]}`.")
    for name, array in arrays.items():
        flat = array.reshape(len(array), -1)
        _demand(np.isfinite(flat).all(1), f"`{name}` must be finite, but is not")
    for name in ("topology", "magnetism"):
        known, found = len(card[name]), arrays[name]
        good = (found >= 0) & (found < known)
        _demand(good, f"`{name}` must be one of {known} classes of the card, but is not")
    numbers = arrays["numbers"]
    _demand(
        np.asarray((numbers > 0).any(1)), "a structure must have at least one atom, but has none"
    )
    good = np.asarray(((numbers >= 0) & (numbers <= 118)).all(1))
    _demand(good, "atomic numbers must be from 1 to 118, or 0 for no atom, but are not")
    return arrays, card


def _demand(good: NDArray[np.bool_], message: str) -> None:
    bad = np.flatnonzero(~good)
    if len(bad):
        raise InputError(f"Sample `toy-{bad[0]}`: {message} ({len(bad)} of {len(good)} so).")


def hamiltonian_grid(
    arrays: dict[str, NDArray[Any]], rows: NDArray[np.int64], points: int = 12
) -> NDArray[np.float32]:
    """Sample the Hamiltonians of both spins."""
    # -> (S, 2, points, points, 3)
    phases = np.exp(1j * (k_grid(points, dim=2) @ LAYER_CELLS.T))
    both = [np.einsum("xym,smi->sxyi", phases, arrays[f"d_{spin}"][rows], optimize=True).real
            for spin in ("up", "down")]  # fmt: skip
    return np.stack(both, axis=1).astype(np.float32)


def toy_data(
    arrays: dict[str, NDArray[Any]],
    rows: NDArray[np.int64],
    *,
    hamiltonians: bool = False,
) -> MaterialData:
    """Load some toy materials as tensors.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Arrays of a file.
    rows : int64 ndarray
        Which materials.
    hamiltonians : bool, optional
        Add the array `d_grid` that a branch of type "exact_2d" reads.

    Returns
    -------
    MaterialData
        With all five modalities.
    """
    extra = {"d_grid": hamiltonian_grid(arrays, rows)} if hamiltonians else {}
    tokens = np.arange(arrays["asph"].shape[1]) < arrays["n_tokens"][rows][:, None]
    return MaterialData(
        ids=[f"toy-{row}" for row in rows.tolist()],
        topology=arrays["topology"][rows],
        magnetism=arrays["magnetism"][rows],
        rows={
            "kspace": arrays["kspace"][rows],
            "asph": arrays["asph"][rows],
            "asph_mask": tokens,
            "scalar": arrays["scalars"][rows],
            **{name: arrays[name][rows] for name in PHYSICS},
            **extra,
        },
        crystals=[toy_crystal(arrays, row) for row in rows.tolist()],
    )
