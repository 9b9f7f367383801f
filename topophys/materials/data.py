"""Materials as tensors: every modality, and for each material whether it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topophys.errors import InputError, ShapeError
from topophys.materials.crystal import CUTOFF, Crystal, crystal_graph
from topophys.materials.elements import ELEMENT_FEATURES, SYMBOLS, element_features
from topophys.materials.features import MAX_TOKENS, persistence_tokens, space_group
from topophys.materials.lists import ListedMaterial, MaterialList

__all__ = [
    "MODALITIES",
    "NODE_FEATURES",
    "PHYSICS",
    "UNKNOWN",
    "LabelledStructure",
    "MaterialBatch",
    "MaterialData",
    "as_listed",
    "match_structures",
    "structure_data",
]


# ---- Tensors

#: Modalities of a material, in the order of the fusion.
MODALITIES: Final = ("crystal", "kspace", "asph", "scalar", "physics")
#: Arrays that make up the modality "physics".
PHYSICS: Final = ("decomposition", "gap", "dos", "fermi")
#: Label of a material whose class is not known; it takes no part in the loss.
UNKNOWN: Final = -1
NODE_FEATURES: Final = len(ELEMENT_FEATURES)
#: Arrays with one row of fixed shape for each material, by modality.
ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "kspace": ("kspace",),
    "asph": ("asph", "asph_mask"),
    "scalar": ("scalar",),
    "physics": PHYSICS,
}


@dataclass(frozen=True, eq=False)
class MaterialBatch:
    """Some materials, ready for a network.

    Attributes
    ----------
    size : int
        Number of materials B.
    present : bool tensor of shape (B, 5)
        Which of `MODALITIES` each has; the rest of a row with False is never read.
    numbers, node_features, owner : tensors of shape (n,), (n, 8), (n,)
        Atoms of all: atomic numbers, descriptors, and the material that each belongs to.
    edges, vector : tensors of shape (2, E), (E, 3)
        Receiving and sending atom, and the vector between them, in angstrom.
    rows : dict of str to tensor
        "kspace" (B, K, c), "asph" (B, T, c), "asph_mask" (B, T), "scalar" (B, c),
        "decomposition" (B, c), "gap" (B, c), "dos" (B, c), "fermi" (B, c); those that are known.
    topology, magnetism : int64 tensors of shape (B,)
        Classes; `UNKNOWN` where not known.
    ids : sequence of str
        Names for messages.
    """

    size: int
    present: Tensor
    numbers: Tensor
    node_features: Tensor
    owner: Tensor
    edges: Tensor
    vector: Tensor
    rows: dict[str, Tensor]
    topology: Tensor
    magnetism: Tensor
    ids: Sequence[str]


@dataclass(eq=False)
class MaterialData:
    """A set of materials in memory.

    Parameters
    ----------
    ids : sequence of str
        Names of the materials.
    topology, magnetism : int64 ndarray of shape (S,)
        Classes; `UNKNOWN` where not known.
    rows : dict of str to ndarray
        As in `MaterialBatch`, without the graph.
    crystals : sequence of Crystal or None, optional
        Structures; None where there is none.
    present : dict of str to bool ndarray, optional
        For each modality of `rows` which materials have it; all by default.
    cutoff : float, optional
        Of the crystal graph, in angstrom.

    Raises
    ------
    ShapeError
        If the arrays do not have one row for each material.
    InputError
        If a number is not finite; the message names the material.
    """

    ids: Sequence[str]
    topology: np.ndarray
    magnetism: np.ndarray
    rows: dict[str, np.ndarray]
    crystals: Sequence[Crystal | None] | None = None
    present: dict[str, np.ndarray] = field(default_factory=dict)
    cutoff: float = CUTOFF

    def __post_init__(self) -> None:
        n = len(self.ids)
        named = {
            **self.rows,
            **self.present,
            "topology": self.topology,
            "magnetism": self.magnetism,
        }
        for name, array in named.items():
            if len(array) != n:
                raise ShapeError(
                    f"Array `{name}` must have one row for each of {n} materials, but has"
                    f" {len(array)}."
                )
        self._build_graphs()
        self._present = torch.zeros(n, len(MODALITIES), dtype=torch.bool)
        self._present[:, 0] = self._atoms[1:] > self._atoms[:-1]
        for m, name in enumerate(MODALITIES[1:], start=1):
            there = [part in self.rows for part in ROWS[name] if part != "asph_mask"]
            if all(there):
                mask = self.present.get(name, np.ones(n, np.bool_))
                self._present[:, m] = torch.from_numpy(np.asarray(mask, np.bool_))
                self._check(name)
        self._rows = {
            name: torch.as_tensor(value, dtype=torch.bool if name == "asph_mask" else torch.float32)
            for name, value in self.rows.items()
        }
        self._topology = torch.as_tensor(self.topology, dtype=torch.int64)
        self._magnetism = torch.as_tensor(self.magnetism, dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def modalities(self) -> dict[str, Tensor]:
        """Which materials have each modality, bool tensors of shape (S,)."""
        return {name: self._present[:, m] for m, name in enumerate(MODALITIES)}

    def _check(self, modality: str) -> None:
        there = self._present[:, MODALITIES.index(modality)].numpy()
        for name in ROWS[modality]:
            if name not in self.rows:
                continue
            array = np.asarray(self.rows[name])
            finite = np.isfinite(array.reshape(len(array), -1).astype(np.float64)).all(1)
            bad = np.flatnonzero(there & ~finite)
            if len(bad):
                raise InputError(
                    f"Sample `{self.ids[bad[0]]}`: `{name}` must be finite, but is not"
                    f" ({len(bad)} of {len(array)} samples are like this)."
                )

    def _build_graphs(self) -> None:
        crystals = self.crystals if self.crystals is not None else [None] * len(self.ids)
        if len(crystals) != len(self.ids):
            raise ShapeError(
                f"Argument `crystals` must have one entry for each of {len(self.ids)} materials,"
                f" but has {len(crystals)}."
            )
        graphs = [None if c is None else crystal_graph(c, self.cutoff) for c in crystals]
        atoms = [0 if c is None else len(c) for c in crystals]
        pairs = [0 if g is None else len(g.distance) for g in graphs]
        self._atoms = torch.tensor(np.concatenate([[0], np.cumsum(atoms)]), dtype=torch.int64)
        self._pairs = torch.tensor(np.concatenate([[0], np.cumsum(pairs)]), dtype=torch.int64)
        numbers = [c.numbers for c in crystals if c is not None]
        self._numbers = torch.as_tensor(np.concatenate([np.zeros(0, np.int64), *numbers]))
        self._nodes = torch.as_tensor(
            element_features(self._numbers.numpy()), dtype=torch.float32
        ) * torch.tensor([1 / 7, 1 / 18, 1 / 10, 1, 1, 1, 1, 1])
        edges = [g.edges for g in graphs if g is not None]
        vector = [g.vector for g in graphs if g is not None]
        self._edges = torch.as_tensor(np.concatenate([np.zeros((2, 0), np.int64), *edges], axis=1))
        self._vector = torch.as_tensor(
            np.concatenate([np.zeros((0, 3)), *vector]), dtype=torch.float32
        )

    def batch(self, index: Tensor) -> MaterialBatch:
        """Take some materials.

        Parameters
        ----------
        index : int64 tensor of shape (B,)
            Which.

        Returns
        -------
        MaterialBatch
            In that order.
        """
        atoms, owner, first = _pick(self._atoms, index)
        pairs, of_pair, _ = _pick(self._pairs, index)
        return MaterialBatch(
            size=len(index),
            present=self._present[index],
            numbers=self._numbers[atoms],
            node_features=self._nodes[atoms],
            owner=owner,
            edges=self._edges[:, pairs] + first[of_pair],
            vector=self._vector[pairs],
            rows={name: value[index] for name, value in self._rows.items()},
            topology=self._topology[index],
            magnetism=self._magnetism[index],
            ids=[self.ids[i] for i in index.tolist()],
        )

    def subset(self, rows: np.ndarray) -> MaterialData:
        """Keep some materials.

        Parameters
        ----------
        rows : int64 ndarray of shape (B,)
            Which.

        Returns
        -------
        MaterialData
            In that order.
        """
        return MaterialData(
            ids=[self.ids[row] for row in rows.tolist()],
            topology=np.asarray(self.topology)[rows],
            magnetism=np.asarray(self.magnetism)[rows],
            rows={name: value[rows] for name, value in self.rows.items()},
            crystals=None if self.crystals is None else [self.crystals[row] for row in rows],
            present={name: np.asarray(value)[rows] for name, value in self.present.items()},
            cutoff=self.cutoff,
        )

    def all(self) -> MaterialBatch:
        """Every material, in order."""
        return self.batch(torch.arange(len(self)))


def _pick(starts: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Entries of chosen stretches, which stretch each belongs to, and where each now begins."""
    counts = starts[index + 1] - starts[index]
    owner = torch.repeat_interleave(torch.arange(len(index)), counts)
    ends = torch.cumsum(counts, 0)
    first = ends - counts
    within = torch.arange(int(ends[-1]) if len(ends) else 0) - first[owner]
    return starts[index][owner] + within, owner, first


# ---- Structures with labels


@dataclass(frozen=True)
class LabelledStructure:
    """A structure and the entry of a list that it belongs to."""

    crystal: Crystal  # the structure
    entry: ListedMaterial  # formula, space group and class


def as_listed(crystal: Crystal, label: int = UNKNOWN) -> ListedMaterial:
    """Reduced formula and space group of a structure, as a line of a list."""
    kinds, counts = np.unique(crystal.numbers, return_counts=True)
    smallest = gcd(*counts.tolist())
    composition = tuple((int(z), float(n // smallest)) for z, n in zip(kinds, counts, strict=True))
    formula = "".join(f"{SYMBOLS[z]}{amount:g}" for z, amount in composition)
    return ListedMaterial(formula, composition, space_group(crystal)[0], label)


def match_structures(
    crystals: Mapping[str, Crystal], lists: MaterialList, *, keep_repeated: bool = False
) -> tuple[list[LabelledStructure], dict[str, int]]:
    """Give structures the class of the list entry with their formula and space group.

    Parameters
    ----------
    crystals : mapping of str to Crystal
        Structures by id.
    lists : MaterialList
        Entries with classes.
    keep_repeated : bool, optional
        Keep every structure of an entry, not only the first: two data bases may hold one material.

    Returns
    -------
    list of LabelledStructure
        In the order of the structures; one for each entry unless `keep_repeated`.
    dict of str to int
        How many matched, had no entry or no space group, or came after another of their entry.
    """
    entries = {(m.composition, m.space_group): m for m in lists.materials}
    found: list[LabelledStructure] = []
    counts = {"matched": 0, "not in the lists": 0, "no space group": 0, "repeated": 0}
    matched: set[ListedMaterial] = set()
    for crystal in crystals.values():
        try:
            one = as_listed(crystal)
        except InputError:
            counts["no space group"] += 1
            continue
        entry = entries.get((one.composition, one.space_group))
        if entry is None:
            counts["not in the lists"] += 1
        else:
            again = entry in matched
            counts["repeated" if again else "matched"] += 1
            matched.add(entry)
            if keep_repeated or not again:
                found.append(LabelledStructure(crystal, entry))
    return found, counts


def structure_data(
    ids: Sequence[str],
    scalars: NDArray[np.float64],
    crystals: Sequence[Crystal | None],
    topology: NDArray[np.int64],
) -> MaterialData:
    """Tensors of materials of which some have a structure.

    Parameters
    ----------
    ids : sequence of str
        Names.
    scalars : float64 ndarray of shape (S, c)
        Features that all have.
    crystals : sequence of Crystal or None
        Structures; where there is none, the crystal graph and persistence are missing.
    topology : int64 ndarray of shape (S,)
        Classes.

    Returns
    -------
    MaterialData
        With the modalities "scalar", "crystal", "asph"; magnetism unknown.
    """
    rows: dict[str, Any] = {"scalar": scalars}
    present = {}
    there = np.array([c is not None for c in crystals])
    if there.any():
        tokens = [None if c is None else persistence_tokens(c) for c in crystals]
        width = next(t.shape[1] for t in tokens if t is not None)
        rows["asph"] = np.zeros((len(ids), MAX_TOKENS, width), np.float32)
        rows["asph_mask"] = np.zeros((len(ids), MAX_TOKENS), np.bool_)
        for row, t in enumerate(tokens):
            if t is not None:
                rows["asph"][row, : len(t)], rows["asph_mask"][row, : len(t)] = t, True
        present["asph"] = there
    return MaterialData(
        ids=ids,
        topology=topology,
        magnetism=np.full(len(ids), UNKNOWN),
        rows=rows,
        crystals=crystals,
        present=present,
    )
