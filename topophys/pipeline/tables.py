"""Results as aligned text."""

from __future__ import annotations

from collections.abc import Sequence

from topophys.pipeline.accuracy import SplitAccuracy

__all__ = ["accuracy_table"]


def accuracy_table(rows: Sequence[SplitAccuracy]) -> str:
    """Aligned table of accuracies, network beside formula.

    Parameters
    ----------
    rows : sequence of SplitAccuracy
        As `measure_accuracy` returns them.

    Returns
    -------
    str
        One line for each row, under a header.

    Examples
    --------
    >>> print(accuracy_table([SplitAccuracy("test", "all", (32,), 1000, 999, 998)]))
    split           invariant   k points     total   network   formula
    test            all               32      1000   0.99900   0.99800
    """
    lines = [
        f"{'split':<16}{'invariant':<12}{'k points':>8}{'total':>10}{'network':>10}{'formula':>10}"
    ]
    lines += [
        f"{row.split:<16}{row.invariant:<12}{'x'.join(map(str, row.grid)):>8}{row.total:>10}"
        f"{row.correct / row.total:>10.5f}{row.formula_correct / row.total:>10.5f}"
        for row in rows
    ]
    return "\n".join(lines)
