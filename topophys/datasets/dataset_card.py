"""The card of a data set: what it is, how it was made, what is in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from topophys._optional import NotebookText, table_of_rows
from topophys.datasets import schema
from topophys.datasets.families import OTHERWISE
from topophys.datasets.recipe import HamiltonianSpec, Recipe
from topophys.datasets.split import Split
from topophys.datasets.tasks import FAMILIES, get_task
from topophys.errors import DatasetError

__all__ = ["Summary", "card", "markdown_table"]


# ---------------------------------------------------- What a generation did, as data and as a table


@dataclass(frozen=True)
class Summary(NotebookText):
    """Result of `generate`, printed as a table.

    Attributes
    ----------
    path : Path
        The data file.
    sizes : mapping of str to int
        Samples, by split.
    classes : mapping of str to mapping of int to int
        Samples of each class, by split.
    drawn : mapping of str to int
        Hamiltonians drawn, by split.
    rejected : mapping of str to mapping of str to int
        How many of them were not kept, by split and reason.
    n_bytes : int
        Size of the file.
    seconds : float
        Wall time.
    resumed : int
        Shards that an earlier run had finished.
    notes : tuple of str
        What else is to be known, such as files that were left out.
    """

    path: Path
    sizes: Mapping[str, int]
    classes: Mapping[str, Mapping[int, int]]
    drawn: Mapping[str, int]
    rejected: Mapping[str, Mapping[str, int]]
    n_bytes: int
    seconds: float
    resumed: int = 0
    notes: tuple[str, ...] = ()

    def to_pandas(self) -> Any:
        """Table of the samples of each split and class; needs the extra `pandas`."""
        return table_of_rows(
            {"split": split, "class": value, "samples": n, "drawn": self.drawn[split]}
            for split, classes in self.classes.items()
            for value, n in classes.items()
        )

    def __repr__(self) -> str:
        total = sum(self.sizes.values())
        rate = total / max(self.seconds, 1e-9)
        # of a run that was taken up, the time says nothing about the rate
        pace = f"{self.resumed} shards were there" if self.resumed else f"{rate:.0f} samples/s"
        head = (
            f"{self.path}: {total} samples, {self.n_bytes / 1e6:.1f} MB, {self.seconds:.1f} s"
            f" ({pace})"
        )
        return "\n".join(
            [
                head,
                *table(count_rows(self.sizes, self.classes, self.drawn, self.rejected)),
                *(f"  {note}" for note in self.notes),
            ]
        )


def count_rows(
    sizes: Mapping[str, int],
    classes: Mapping[str, Mapping[int, int]],
    drawn: Mapping[str, int],
    rejected: Mapping[str, Mapping[str, int]],
) -> list[list[str]]:
    """Rows of a table with one line per split; the first row has the headings."""
    reasons = list(dict.fromkeys(reason for found in rejected.values() for reason in found))
    rows = [["split", "samples", "classes", "drawn", *reasons]]
    rows += [
        [
            name,
            str(size),
            ", ".join(f"{value}: {count}" for value, count in sorted(classes[name].items())),
            str(drawn[name]),
            *(str(rejected[name].get(reason, 0)) for reason in reasons),
        ]
        for name, size in sizes.items()
    ]
    return rows


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the cells of a table: numbers to the right, words to the left."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(cell.isdigit() for cell in column[1:]) for column in columns]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


# ------------------------------- The card of a data set: what it is, how it was made, what is in it

_CHAINS: Final = (
    " Each chain is scaled to unit rms band energy and labelled with the winding number of det"
    " D(k), proven for the continuous chain."
)
_PLANES: Final = (
    " Each is scaled to unit rms band energy and labelled with the Chern number of the {filled},"
    " proven for the continuous Hamiltonian."
)
_WHAT: Final = {
    "aiii_chains": "Chiral (class AIII) chains D(k) = sum_m D_m exp(i m k), |m| <= {reach}, with"
    " complex Gaussian {n} x {n} coefficients." + _CHAINS,
    "ssh_copies": "{n} extended Su-Schrieffer-Heeger chains t1 + t2 exp(i k) + t3 exp(-i k) with"
    " real Gaussian hoppings, mixed by constant random unitaries." + _CHAINS,
    "disordered_ssh": "Su-Schrieffer-Heeger chains with a supercell of {n} cells and all hoppings"
    " uniform in 1 +- {half}: intra-cell and inter-cell ones are alike on average, and which"
    " product is the larger decides." + _CHAINS,
    "two_band": "Two-band (class A) Hamiltonians d(k).sigma in two dimensions, with complex"
    " Gaussian coefficients d_R, |R_x|, |R_y| <= {reach}." + _PLANES,
    "qwz": "Hamiltonians of Qi, Wu and Zhang with m uniform in [-3, 3], d turned at random."
    + _PLANES,
    "haldane": "Haldane Hamiltonians with m uniform in [-2, 2], t2 in [0.1, 0.5] and any phi, d"
    " turned at random." + _PLANES,
    "class_a": "Class A Hamiltonians with {bands} bands in two dimensions, H(k) = sum_R H_R"
    " exp(i k.R), |R_x|, |R_y| <= {reach}, with complex Gaussian matrices without trace." + _PLANES,
    "given_chains": "Given chiral chains with {n} orbitals per sublattice, |m| <= {reach}, in the"
    " units of their source, labelled with proven winding numbers.",
    "given_two_band": "Given two-band Hamiltonians, |R_x|, |R_y| <= {reach}, in the units of their"
    " source, labelled with proven Chern numbers of the lower band.",
    "given_bands": "Given Hamiltonians with {bands} bands, |R_x|, |R_y| <= {reach}, in the units of"
    " their source, labelled with proven Chern numbers of the {filled}.",
}
#: Bins of the histogram of gaps.
BINS: Final = 8

_COUNTS: Final = """
`drawn` counts random Hamiltonians up to the last one kept of each shard; the columns after it say
why the others were not kept. The first of each class that are proven to have the class and the gap
are kept, which is unbiased within a class.

## Arrays
"""

_GAPS: Final = """
## Gaps

Samples by proven gap bound, in rms band energies. Gaps may be larger, because a proof
stops as soon as it has shown `min_gap`.
"""

_RECIPE: Final = """
## Recipe

```toml
"""


def card(recipe: Recipe, splits: Sequence[Split], versions: Mapping[str, Any], n_bytes: int) -> str:
    """Text of the README of a data set, from its recipe, splits, attributes and size in bytes."""
    spec = recipe.hamiltonian
    counts = count_rows(
        {s.name: len(s) for s in splits},
        {s.name: s.classes for s in splits},
        {s.name: s.drawn for s in splits},
        {s.name: s.rejected for s in splits},
    )
    what = describe(spec, spec.hopping_range)
    shown = "flattened, " if recipe.input.flatten_bands else ""
    size, n_samples = n_bytes / 1e6, sum(map(len, splits))
    about = f"""# {recipe.name}

{what}

- Samples: {n_samples} in {len(splits)} splits; {size:.1f} MB, schema {schema.SCHEMA_VERSION}.
- Input `x`: {shown}float32. Labels, gap bounds and local targets come from float64.
- Proven energy gap: at least {recipe.label.min_gap} rms band energies.
- Made by topophys {versions["topophys_version"]} with NumPy {versions["numpy_version"]}.
- Made by `topophys generate RECIPE.toml -o FILE.h5`; this card, with all its numbers, by
  `topophys info FILE.h5`.
- Recipe digest `{recipe.digest[:16]}`, content `{versions["manifest"][:16]}`.

## Samples

"""
    arrays = markdown_table(_shape_rows(splits))
    return "\n".join(
        [
            about + "\n".join(markdown_table(counts)),
            _COUNTS,
            *arrays,
            *_special(splits),
            _GAPS,
            *markdown_table(_gap_rows(splits)),
            _RECIPE + recipe.to_toml() + "```\n",
        ]
    )


def describe(table: HamiltonianSpec, reach: int) -> str:
    """Say in words what a family is."""
    many, n = table.n_bands or 2, table.filled
    filled = f"{n} lowest bands" if n > 1 else "lowest band" if many > 2 else "lower band"
    if table.n_occupied is None and "n_occupied" in FAMILIES[table.family].keys:
        filled += f" of {many} (half of them, as the recipe names no `n_occupied`)"
    task = get_task(FAMILIES[table.family].kind)
    said = _WHAT | dict(task.descriptions)
    plain = f"Hamiltonians of the family `{table.family}`, labelled with the {task.title}."
    ending = next((end for end in OTHERWISE if table.family.removesuffix(end) in said), "")
    words = said.get(table.family) or said.get(table.family.removesuffix(ending), plain)
    return words.format(
        reach=reach, n=table.n_orbitals, bands=table.n_bands, filled=filled,
        half=(table.disorder or 0.0) / 2,
    ) + ("" if table.family in said else OTHERWISE.get(ending, ""))  # fmt: skip


def _special(splits: Sequence[Split]) -> list[str]:
    """One line for every way in which a split differs from the recipe."""
    lines = []
    for split in splits:
        spec, found = split.spec, []
        if spec.gauge_of is not None:
            found.append(
                f"sample i is sample i of `{spec.gauge_of}` in another random basis, with another"
                " origin of k"
            )
        if spec.max_gap is not None:
            found.append(f"gap at least {spec.min_gap}, and observed to be below {spec.max_gap}")
        if spec.noise is not None:
            found.append(
                f"`x` has Gaussian noise of standard deviation {spec.noise}; all else is clean"
            )
        table = spec.hamiltonian
        if split.own_family and table is not None:
            found.append(describe(table, spec.hopping_range or table.hopping_range).rstrip("."))
        if found:
            lines.append(f"- `{split.name}`: {'; '.join(found)}.")
    return ["", "Splits with other settings:", "", *lines] if lines else []


def _shape_rows(splits: Sequence[Split]) -> list[list[str]]:
    rows = [["split", "k points", "smallest gap bound", *splits[0].fields]]
    for split in splits:
        gap = min(float(part.min()) for part in split.stretches("gap_bound"))
        grid = " x ".join(map(str, split.grid))
        rows.append([split.name, grid, f"{gap:.6f}", *(str(split.shape(f)) for f in split.fields)])
    return rows


def _gap_rows(splits: Sequence[Split]) -> list[list[str]]:
    tops = [float(part.max()) for split in splits for part in split.stretches("gap_bound")]
    if not all(map(math.isfinite, tops)):
        raise DatasetError(
            "Data file must have finite gap bounds, but has others; see `topophys verify`."
        )
    top = max(tops)
    edges = np.linspace(0.0, math.ceil(10.0 * top) / 10.0, BINS + 1)
    counts = {split.name: np.zeros(BINS, np.int64) for split in splits}
    for split in splits:
        for part in split.stretches("gap_bound"):
            counts[split.name] += np.histogram(part, edges)[0]
    heads = [f"{a:.3g} to {b:.3g}" for a, b in pairwise(edges)]
    return [["split", *heads], *([name, *map(str, row)] for name, row in counts.items())]


def markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    # a bar inside a cell would end it
    lines = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in rows]
    head, *body = (f"| {line} |" for line in lines)
    return [head, "|" + "---|" * len(rows[0]), *body]
