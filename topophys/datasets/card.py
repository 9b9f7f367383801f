"""The card of a data set: what it is, how it was made, what is in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from topophys.datasets import schema
from topophys.datasets.summary import count_rows

if TYPE_CHECKING:
    from topophys.datasets.read import Dataset
    from topophys.datasets.split import Split

__all__ = ["card", "markdown_table"]

_WHAT: Final = {
    "aiii_chains": "Chiral (class AIII) chains D(k) = sum_m D_m exp(i m k), |m| <= {reach}, with"
    " complex Gaussian {n} x {n} coefficients, each chain scaled to unit rms band energy."
    " Labelled with the winding number of det D(k), proven for the continuous chain.",
    "two_band": "Two-band (class A) Hamiltonians d(k).sigma in two dimensions, with complex"
    " Gaussian coefficients d_R, |R_x|, |R_y| <= {reach}, each scaled to unit rms band energy."
    " Labelled with the Chern number of the lower band, proven for the continuous Hamiltonian.",
}

_COUNTS: Final = """
`drawn` counts random Hamiltonians up to the last one kept of each shard; the columns after it say
why the others were not kept. The first of each class that are proven to have the class and the gap
are kept, which is unbiased within a class.

## Arrays
"""

_RECIPE: Final = """
## Recipe

```toml
"""


def card(dataset: Dataset) -> str:
    """Describe a data set in Markdown.

    Parameters
    ----------
    dataset : Dataset
        An open data set.

    Returns
    -------
    str
        Text of a README.
    """
    recipe, spec = dataset.recipe, dataset.recipe.hamiltonian
    splits = [dataset.split(name) for name in dataset.splits]
    counts = count_rows(
        {s.name: len(s) for s in splits},
        {s.name: s.classes for s in splits},
        {s.name: s.drawn for s in splits},
        {s.name: s.rejected for s in splits},
    )
    what = _WHAT[spec.family].format(reach=spec.hopping_range, n=spec.n_orbitals)
    shown = "flattened, " if recipe.input.flatten else ""
    size = dataset.n_bytes / 1e6
    versions = dataset.attributes
    about = f"""# {recipe.name}

{what}

- Samples: {len(dataset)} in {len(splits)} splits; {size:.1f} MB, schema {schema.SCHEMA_VERSION}.
- Input `x`: {shown}float32. Labels, gap bounds and local targets come from float64.
- Proven energy gap: at least {recipe.label.min_gap} rms band energies.
- Made by topophys {versions["topophys_version"]} with NumPy {versions["numpy_version"]}.
- Made by `topophys generate RECIPE.toml -o FILE.h5`; this card, with all its numbers, by
  `python -m topophys.datasets.card FILE.h5 README.md`.
- Recipe digest `{recipe.digest[:16]}`, content `{versions["manifest"][:16]}`.

## Samples

"""
    arrays = markdown_table(_shape_rows(splits))
    return "\n".join(
        [
            about + "\n".join(markdown_table(counts)),
            _COUNTS,
            *arrays,
            _RECIPE + recipe.to_toml() + "```\n",
        ]
    )


def _shape_rows(splits: Sequence[Split]) -> list[list[str]]:
    rows = [["split", "k points", "smallest gap bound", *splits[0].fields]]
    for split in splits:
        (gap,) = split.read("gap_bound")
        grid = " x ".join(map(str, split.grid))
        rows.append(
            [split.name, grid, f"{gap.min():.6f}", *(str(split.shape(f)) for f in split.fields)]
        )
    return rows


def markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells, headings first.

    Returns
    -------
    list of str
        Lines.
    """
    # a bar inside a cell would end it
    lines = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in rows]
    head, *body = (f"| {line} |" for line in lines)
    return [head, "|" + "---|" * len(rows[0]), *body]


def _main(arguments: Sequence[str]) -> None:
    """Write the card of the data file `arguments[0]` to the file `arguments[1]`."""
    from topophys.datasets.read import open_dataset  # noqa: PLC0415  # it imports this module

    source, target = arguments
    with open_dataset(source) as dataset:
        Path(target).write_text(card(dataset), encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
