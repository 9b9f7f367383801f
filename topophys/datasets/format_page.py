"""The page of the data format, written from the schema so that the two cannot disagree."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from topophys.datasets import schema
from topophys.datasets._store import PIECE
from topophys.datasets.dataset_card import markdown_table
from topophys.datasets.shards import PATIENCE, REASONS
from topophys.datasets.tasks import get_task
from topophys.kernels.checksum import PRIME

__all__ = ["data_format_page"]

_HEAD: Final = """# Data format

Written by `python -m topophys.datasets.format_page docs/data-format.md` from
`topophys/datasets/schema.py`; change it there. Format `{name}`, schema version {version}.

A data file is HDF5, with one group per split. Every field is one contiguous, uncompressed,
little-endian array with samples first, then k space, then channels; it starts on a memory page.
A reader can therefore read any range of samples with one system call, from any number of processes.
The fields are not compressed: whole chunks would have to be decompressed for every sample, and
Gaussian numbers hardly compress.

The group `{digests}` of a split contains a SHA-256 digest of each shard of {shard} samples of each
field. Unlike the checksums of HDF5 itself, these digests need no chunks, are computed in parallel
by the workers that generate the shards, and identify the damaged shard.

`verify` and `join` compare these digests. Data that are read for use are compared with a fast
64-bit checksum, in the group `{checksums}` of the split: one for each piece of a field. A piece has
the largest power of two of samples, up to {shard}, that fit into {piece} kB, or one sample. A
reader checks each piece when it first reads from it, and the manifest, which covers all checksums
and attributes, when it opens the file; it returns only data that were written. With the words w_i
of eight bytes, the last one padded with zeros, the checksum of n bytes is n P + sum_i (y_i mod
2^32) (y_i div 2^32) + y_i mod 2^64, where y_i = w_i xor (i + 1) P and P = {prime}. One wrong bit
always changes it.

Strings in attributes have a fixed length, in UTF-8, because strings of variable length are stored
in a heap of HDF5 that has no checksum. Files of schema version 1 have such strings, and SHA-256
digests only; they can be read, but their digests are compared shard by shard at the first use,
which takes longer.

A data set may consist of several files (parts), each with a range of the shards and otherwise like
a complete file, and an index: a JSON file in the same folder or above with the recipe, and for each
part `file`, `shards`, `n_bytes` and `manifest` (the attribute of the part), in the order of the
shards. Names that lead out of the folder of the index are rejected.

A file contains no time stamp: equal recipes give equal bytes with equal versions of topophys and
its dependencies on the same kind of processor. On another processor, or with other versions of the
linear algebra libraries,

- `label` and `seed_key` are equal;
- `hoppings` are equal to 1e-13, most often to the last bit but one;
- `x`, in single precision, is equal to 4e-7, most often to the last bit;
- `alpha`, `dalpha` and `flux` are equal to 1e-9 modulo 2 pi, most often to 1e-14;
- `gap_bound` is proven in each file, and differs where a proof takes other cells.

An exception would be a draw that is accepted on one processor and rejected on another because of
the last bits of its gap; none was observed. In any case labels are proven for the stored hoppings.
A test generates data sets with the instructions of processors without AVX2 and FMA.
"""

_SAMPLING: Final = """
## Which samples are kept

Shard s of a split draws from its own stream, `SeedSequence(root_seed, spawn_key=(split_id, s))`,
{batch} Hamiltonians at a time ({few} of the kind `bands`). It depends on no other shard and no
other split, so that any shard can be reproduced alone. `split_id` is a hash of the name of the
split, so that splits may be added and removed.

A Hamiltonian is kept if its invariant is proven, its gap is proven to be at least `min_gap`, and
the quota of its class is not full; then the samples of the shard are shuffled. Draws are
independent and identically distributed, and whether one is kept depends on earlier draws only
through how many of its class there were: within a class, the samples are an unbiased sample of the
ensemble with that class and gap. Sample i of a split counts towards class i mod K of its K sorted
classes: classes are equal to within one, and a remainder goes to the smallest values. If a class
does not occur in {patience} draws, an error is raised.

Hamiltonians that were not drawn but given (families `given_...`) form one split in the order of
their source; the position in the source is the last part of `seed_key`. The classes are those that
were found, and energies are in the units of the source.

Splits may differ from the recipe: another `grid`, `min_gap`, `hopping_range` or table `hamiltonian`
(another family with the same number of orbitals or bands); `max_gap`, which keeps only Hamiltonians
whose observed gap is below it at some k; `noise`, the standard deviation of Gaussian noise on
`x` alone, drawn for a whole shard from `SeedSequence(root_seed, spawn_key=(split_id, s, 1))`; and
`gauge_of`, with which sample i is sample i of the split named, in another random constant basis
(unitaries on both sides of D, one unitary around H, a rotation of d) and with another origin of k,
proven again, the last number of its `seed_key` being that of its source. Every split draws from
streams of its own, so that no two splits share a Hamiltonian.

The other Hamiltonians that were drawn, up to the last one kept of each shard, were rejected for one
of these reasons: {reasons}. A Hamiltonian is "unresolved" if neither a gap above nor a gap below
`min_gap` could be proven.

A gap measured on a grid is only an upper bound of the gap. `gap_bound` is a lower bound, proven for
all k together with the label.
"""


def data_format_page() -> str:
    """Write the page of the data format."""
    head = _HEAD.format(
        name=schema.FORMAT,
        version=schema.SCHEMA_VERSION,
        shard=schema.SHARD_SIZE,
        digests=schema.DIGESTS,
        checksums=schema.CHECKSUMS,
        piece=PIECE // 1024,
        prime=f"{int(PRIME):#x}",
    )
    sampling = _SAMPLING.format(
        batch=get_task("winding").batch,
        few=get_task("bands").batch,
        patience=f"{PATIENCE:,}",
        reasons=", ".join(f'"{r}"' for r in REASONS),
    )
    lines = [head, "## Fields", ""]
    for kind, fields in schema.FIELDS.items():
        rows = [["field", "shape", "dtype", "unit", "meaning"]]
        rows += [
            [f"`{f.name}`", f"({', '.join(f.axes)})", f"`{f.dtype}`", f.unit, f.meaning]
            for f in fields
        ]
        lines += [f"### {kind}", "", *markdown_table(rows), ""]
    lines += ["### Letters", "", *_pairs("letter", schema.LETTERS), "", "## Attributes", ""]
    lines += [
        "### Of the file",
        "",
        *_pairs("attribute", {**schema.ROOT_ATTRIBUTES, **schema.PART_ATTRIBUTES}),
        "",
    ]
    lines += ["### Of a split", "", *_pairs("attribute", schema.SPLIT_ATTRIBUTES), ""]
    lines += ["### Of a field", "", *_pairs("attribute", schema.FIELD_ATTRIBUTES)]
    return "\n".join(lines) + "\n" + sampling


def _pairs(what: str, entries: Mapping[str, str]) -> list[str]:
    return markdown_table([[what, "meaning"], *([f"`{k}`", v] for k, v in entries.items())])


def _main(arguments: Sequence[str]) -> None:
    """Write the page to the file `arguments[0]`."""
    Path(arguments[0]).write_text(data_format_page(), encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
