"""What a verification found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from topophys.datasets.summary import table

__all__ = ["Findings", "Report"]


@dataclass(frozen=True)
class Report:
    """Result of `verify`; prints itself as a table.

    Attributes
    ----------
    path : Path
        The data file.
    problems : tuple of str
        What is wrong, one line each; empty where all is well.
    checked : dict of str to int
        How many things were checked, by kind of check.
    """

    path: Path
    problems: tuple[str, ...]
    checked: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems

    def __repr__(self) -> str:
        n = len(self.problems)
        verdict = "no problem" if self.ok else f"{n} problem{'s' * (n > 1)}"
        rows = [["check", "number"], *([k, str(v)] for k, v in self.checked.items())]
        return "\n".join(
            [f"{self.path}: {verdict}", *table(rows), *(f"  ! {p}" for p in self.problems)]
        )


class Findings:
    """Problems, those of one kind in one split together, and counts of what was checked."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.problems: dict[tuple[str, str], list[int]] = {}

    def count(self, check: str, n: int) -> None:
        """Note that `n` things were checked."""
        self.checked[check] += n

    def add(self, split: str, what: str, where: list[int] | None = None) -> None:
        """Note a problem, of some samples or shards or as such."""
        self.problems.setdefault((split, what), []).extend(where or [])

    def bad(self, split: str, what: str, bad: Bool[np.ndarray, " S"], index: NDArray[Any]) -> None:
        """Note which of some samples failed a check."""
        self.count(what, bad.size)
        if bad.any():
            self.add(split, what, index[bad].tolist())

    def lines(self) -> tuple[str, ...]:
        """Say what is wrong, one line for each kind of problem and split."""
        return tuple(self._line(*key, where) for key, where in self.problems.items())

    @staticmethod
    def _line(split: str, what: str, where: list[int]) -> str:
        place = f"{split}: " if split else ""
        if not where:
            return f"{place}{what}"
        shown = ", ".join(map(str, where[:5])) + (", ..." if len(where) > 5 else "")
        return f"{place}{what}: wrong for {len(where)} (index {shown})"
