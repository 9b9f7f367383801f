"""Labels sent through the checker that shares no code with the proofs."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys._extras import load_extra
from topophys.datasets.families import Family, family_of
from topophys.datasets.read import Dataset
from topophys.errors import InputError, MissingPackageError
from topophys.invariants.certificate_file import document_of
from topophys.invariants.evidence import Proof

__all__ = ["MISSING", "check_labels", "checked_anew"]

MISSING: Final = (
    "No label was checked independently: python-flint is not installed"
    " (pip install 'topophys[checker]')."
)


def checked_anew(
    family: Family, hoppings: NDArray[np.complex128], label: NDArray[Any], bound: NDArray[Any]
) -> Iterator[str]:
    """Make a certificate of each stored sample and check it.

    Parameters
    ----------
    family : Family
        Where the Hamiltonians come from.
    hoppings : complex128 ndarray of shape (S, ...)
        Stored coefficients.
    label, bound : ndarray of shape (S,)
        Stored invariants and lower bounds of the gap.

    Yields
    ------
    str
        "" where the checker accepts a label, else its reason.

    Raises
    ------
    MissingPackageError
        If python-flint is not installed.
    """
    load_extra("flint", "checker")
    checker = importlib.import_module("topophys.checker")
    asked = family.asked(hoppings)
    for i in range(len(hoppings)):
        try:
            document = document_of(Proof(asked.question((i,))), int(label[i]), float(bound[i]))
            checker.check(json.dumps(document))
        except (InputError, checker.RejectedError) as error:
            yield str(error)
        else:
            yield ""


def check_labels(dataset: Dataset, count: int) -> str:
    """Check some labels, spread over all splits, and say in one line how that went.

    Parameters
    ----------
    dataset : Dataset
        An open data set.
    count : int
        How many labels to check.

    Returns
    -------
    str
        A sentence.
    """
    total = sum(len(dataset.split(name)) for name in dataset.splits)
    done, refused = 0, []
    try:
        for name in dataset.splits:
            split = dataset.split(name)
            share = min(len(split), -(-count * len(split) // total))
            rows = np.unique(np.linspace(0, len(split) - 1, share).round().astype(np.int64))
            shards = [split[int(row) : int(row) + 1] for row in rows]
            part = {f: np.concatenate([s[f] for s in shards]) for f in shards[0]} if shards else {}
            if not part:
                continue
            family = family_of(dataset.recipe, split.spec)
            found = checked_anew(family, part["hoppings"], part["label"], part["gap_bound"])
            reasons = list(found)
            done += len(reasons)
            refused += [
                f"{name} {row}: {why}" for row, why in zip(rows, reasons, strict=True) if why
            ]
    except MissingPackageError:
        return MISSING
    name = dataset.recipe.name
    if not refused:
        return f"{name}: {done} of {total} labels were checked independently, and all accepted."
    return (
        f"{name}: {len(refused)} of {done} labels checked independently were NOT accepted; the"
        f" first is {refused[0]}."
    )
