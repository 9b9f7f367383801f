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

__all__ = ["format_page"]

_HEAD: Final = """# Data format

Written by `python -m topophys.datasets.format_page docs/data-format.md` from
`topophys/datasets/schema.py`; change it there. Format `{name}`, schema version {version}.

A data file is HDF5, with one group per split. Every field is one contiguous, uncompressed,
little-endian array with samples first, then k space, then channels; it starts on a memory page.
So a reader takes any samples with one call of the system, from any number of processes. There is no
compression: whole chunks would have to be unpacked for every sample, and Gaussian numbers hardly
compress.

Checksums are SHA-256 digests of each shard of {shard} samples of each field, in the group
`{digests}` of the split: unlike the checksums of HDF5 itself they need no chunks, are made in
parallel by whoever draws the shard, before it is handed on, and say which shard is damaged.

They are what `verify` and `join` compare. What is read for use is compared with a fast checksum of
64 bits, in the group `{checksums}` of the split: one for each piece of a field. A piece has the
largest power of two of samples, up to {shard}, that fit into {piece} kB, or one sample. A reader
checks each piece the first time that it reads from it, and the manifest, which covers all checksums
and attributes, when it opens the file: what it gives away is what was written. With the words w_i
of eight bytes, the last filled up with zeros, the checksum of n bytes is
n P + sum_i (y_i mod 2^32) (y_i div 2^32) + y_i mod 2^64, where y_i = w_i xor (i + 1) P and
P = {prime}. One wrong bit always changes it.

Texts in attributes have a fixed length, in UTF-8: those of variable length lie in a heap of HDF5
that has no checksum. Files of schema version 1 have such texts, and SHA-256 digests only; they are
read, and their digests are compared shard by shard at the first use, which takes longer.

A data set may lie in several files, parts, each with a stretch of the shards and otherwise like a
whole file, and an index: a JSON text in the same folder or above with the recipe, and for each part
`file`, `shards`, `n_bytes` and `manifest` (the attribute of the part), in the order of the shards.
Names that lead out of the folder of the index are refused.

There is no time of writing in a file: equal recipes make equal bytes with equal versions of
topophys and of what it needs on the same kind of processor. On another processor, and with other
versions of libraries for linear algebra, of a file

- `label` and `seed_key` are equal;
- `hoppings` are equal to 1e-13, most often to the last bit but one;
- `x`, in single precision, is equal to 4e-7, most often to the last bit;
- `alpha`, `dalpha` and `flux` are equal to 1e-9 modulo 2 pi, most often to 1e-14;
- `gap_bound` is proven in each file, and differs where a proof takes other cells.

An exception would be a draw that the limits of the recipe accept on one processor and refuse on the
other, by the last bits of its gap; none was seen. Labels are proven for the hoppings that are
stored, whatever their last bits. A test generates data sets as processors without AVX2 and FMA do.
"""

_SAMPLING: Final = """
## Which samples are kept

Shard s of a split draws from a stream of its own,
`SeedSequence(root_seed, spawn_key=(split_id, s))`, {batch} Hamiltonians at a time ({few} of
the kind `bands`). It depends on no other shard and no other split, so any shard alone comes out the
same. `split_id` is a hash of the name of the split: splits may come and go.

The first Hamiltonians of each class are kept whose invariant is proven and whose gap is proven to
be at least `min_gap`, until the quota of each class is full; then the samples of the shard are
shuffled. Draws are independent and identically distributed, and whether one is kept depends on
earlier draws only through how many of its class there were: within a class, the samples are an
unbiased sample of the ensemble with that class and gap. Sample i of a split counts towards class
i mod K of its K sorted classes: classes are equal to within one, and a remainder goes to the
smallest values. A class that does not turn up in {patience} draws is an error.

Hamiltonians that were not drawn but given (families `given_...`) lie in one split in the order of
their source, whose numbers are the last part of `seed_key`; classes are those that were found, and
energies are in the units of the source.

Splits may differ from the recipe: another `grid`, `min_gap`, `hopping_range` or table `hamiltonian`
(another family with the same number of orbitals or bands); `max_gap`, which keeps only Hamiltonians
whose gap was seen to be below it at some k; `noise`, the standard deviation of Gaussian noise on
`x` alone, drawn for a whole shard from `SeedSequence(root_seed, spawn_key=(split_id, s, 1))`; and
`gauge_of`, with which sample i is sample i of the split named, in another random constant basis
(unitaries on both sides of D, one unitary around H, a rotation of d) and with another origin of k,
proven again, the last number of its `seed_key` being that of its source. Every split draws from
streams of its own, so that no two splits share a Hamiltonian.

Of the Hamiltonians drawn, up to and with the last one kept of each shard, the others were rejected
because of: {reasons}.
"Unresolved" are those of which neither a gap above nor a gap below `min_gap` could be shown.

A gap measured on a grid is only an upper bound of the gap. `gap_bound` is a lower bound, proven for
all k together with the label.
"""


def format_page() -> str:
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
    Path(arguments[0]).write_text(format_page(), encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
