"""What a generation did, as data and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Summary"]


@dataclass(frozen=True)
class Summary:
    """Result of `generate`; prints itself as a table.

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
    """

    path: Path
    sizes: Mapping[str, int]
    classes: Mapping[str, Mapping[int, int]]
    drawn: Mapping[str, int]
    rejected: Mapping[str, Mapping[str, int]]
    n_bytes: int
    seconds: float
    resumed: int = 0

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
            [head, *table(count_rows(self.sizes, self.classes, self.drawn, self.rejected))]
        )


def count_rows(
    sizes: Mapping[str, int],
    classes: Mapping[str, Mapping[int, int]],
    drawn: Mapping[str, int],
    rejected: Mapping[str, Mapping[str, int]],
) -> list[list[str]]:
    """Rows of a table with one line per split; the first row has the headings.

    Parameters
    ----------
    sizes, classes, drawn, rejected : mapping
        As in `Summary`.

    Returns
    -------
    list of list of str
        Cells.
    """
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
    """Align the cells of a table: numbers to the right, words to the left.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells, headings first.

    Returns
    -------
    list of str
        One line per row.
    """
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
