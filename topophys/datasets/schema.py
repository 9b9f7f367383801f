"""What a data file holds; writer, reader, validator and format page follow it.

A file has one HDF5 group per split. In it lies one contiguous, uncompressed dataset per `Field`,
and two groups: ``sha256`` with one dataset of digests per field, one for each shard of samples, and
``checksum`` with one dataset of fast checksums per field, one for each piece of a shard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from topophys.datasets._store import piece_rows
from topophys.datasets.tasks import FIELDS, Field

__all__ = [
    "COMMON",
    "FIELDS",
    "FORMAT",
    "ROOT_ATTRIBUTES",
    "SCHEMA_VERSION",
    "SHARD_SIZE",
    "Field",
]

#: Value of the root attribute `format`; tells our files from any other HDF5 file.
FORMAT: Final = "topophys-dataset"
#: Grows when a field changes its name, shape, dtype or meaning.
SCHEMA_VERSION: Final = 2
#: Versions that are read; those of version 1 have no fast checksums, and texts in a heap.
READABLE: Final = (1, 2)
#: Samples per shard: the unit that is drawn from one keyed stream, hashed and written.
SHARD_SIZE: Final = 2048
#: Name of the group with the digests of a split.
DIGESTS: Final = "sha256"
#: Name of the group with the fast checksums of a split, from schema version 2.
CHECKSUMS: Final = "checksum"
#: Length of a SHA-256 digest in bytes.
DIGEST_SIZE: Final = 32

#: What a shape letter stands for, in the order of the format page.
LETTERS: Final[Mapping[str, str]] = {
    "S": "samples of the split",
    "N": "k points of a chain",
    "Nx": "k points along the first direction",
    "Ny": "k points along the second direction",
    "Nz": "k points along the third direction",
    "M": "lattice vectors with a coefficient (attribute `vectors`, shape (M, dim))",
    "n": "orbitals per sublattice (winding, winding_3d) or bands",
    "c": "channels, 2 n^2: real and imaginary part of each entry, row by row",
}


_LABEL: Final = (
    "Invariant proven for the continuous Hamiltonian with exactly the stored `hoppings`."
)
_GAP: Final = "Proven lower bound of the energy gap over all k; at least `min_gap` of the recipe."
_KEY: Final = "Where the sample comes from: (split id, shard, number of the draw within the shard)."

#: Fields of every task.
COMMON: Final = (
    Field("label", ("S",), "<i8", "1", _LABEL),
    Field("gap_bound", ("S",), "<f8", "rms band energy", _GAP),
    Field("seed_key", ("S", "3"), "<i8", "1", _KEY),
)

#: Unit of energies in data sets of Hamiltonians that were given, not drawn.
GIVEN_UNIT: Final = "as in the source"
#: Added to the meaning of `x` in splits with noise.
NOISE: Final = (
    " Plus independent Gaussian noise of standard deviation {noise}; all other fields, the label"
    " with them, belong to the clean Hamiltonian with the stored `hoppings`. The noise of a shard"
    " comes from the stream (split id, shard, 1)."
)

#: Attributes of the file, and what they say.
ROOT_ATTRIBUTES: Final[Mapping[str, str]] = {
    "format": f"the text {FORMAT!r}",
    "schema_version": "version of this schema, an integer",
    "name": "name of the data set, from the recipe",
    "recipe": "the recipe in canonical TOML: the file can be made again from it",
    "recipe_digest": "SHA-256 of that text",
    "root_seed": "seed of the recipe; every random stream is keyed below it",
    "topophys_version": "version of topophys that wrote the file",
    "numpy_version": "version of NumPy that drew the numbers",
    "manifest": "SHA-256 over all other attributes and all shard digests: one name for the content",
}

#: Name of the attribute of the file that only parts of a data set have.
PART: Final = "shards"
#: What it says.
PART_ATTRIBUTES: Final[Mapping[str, str]] = {
    PART: "(parts only) first shard of the recipe in this file and the one after the last, counted"
    " through all splits",
}

#: Attributes of each split group, and what they say.
SPLIT_ATTRIBUTES: Final[Mapping[str, str]] = {
    "split_id": "first 32 bits of the SHA-256 of the split's name; first part of the stream key",
    "shard_size": "samples per shard; the last shard may be shorter",
    "drawn": "Hamiltonians drawn, up to and with the last one kept of each shard",
    "rejected": "how many of them were not kept, in the order of `rejected_reasons`",
    "rejected_reasons": "the reasons, as a JSON list of texts",
}

#: Attributes of each field.
FIELD_ATTRIBUTES: Final[Mapping[str, str]] = {
    "unit": "unit of the numbers",
    "meaning": "what the numbers are",
    "axes": "letters of the axes",
    "vectors": "(`hoppings` only) lattice vectors, int64 (M, dim)",
}


def field(kind: str, name: str) -> Field:
    """Find the declaration of one field."""
    return next(f for f in FIELDS[kind] if f.name == name)


def shards(size: int) -> int:
    """Return the number of shards that hold `size` samples."""
    return -(-size // SHARD_SIZE)


def n_bytes(kind: str, sizes: Mapping[str, int]) -> int:
    """Bytes of a split on disk, without headers."""
    digests = len(FIELDS[kind]) * shards(sizes["S"]) * DIGEST_SIZE
    sums = sum(8 * pieces(f, sizes) for f in FIELDS[kind])
    return digests + sums + sum(f.n_bytes(sizes) for f in FIELDS[kind])


def pieces(field: Field, sizes: Mapping[str, int]) -> int:
    """Count the pieces of a field that have a checksum of their own."""
    return -(-sizes["S"] // piece_rows(field.n_bytes({**sizes, "S": 1}), SHARD_SIZE))


def as_text(value: Any) -> str:
    """Text of an HDF5 attribute, canonical enough to be hashed."""
    return repr(value.tolist() if isinstance(value, np.ndarray | np.generic) else value)
