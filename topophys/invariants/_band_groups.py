"""Results for groups of bands, put together from those of the gaps around them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topophys.errors import UnresolvedError
from topophys.invariants.evidence import Asked
from topophys.invariants.results import (
    UNRESOLVED_VALUE,
    Certificate,
    OnUnresolved,
    Z2Result,
    check_on_unresolved,
    gaps_around,
)

__all__ = ["conclude_group", "conclude_z2_group", "edges_of"]


def edges_of(bands: tuple[int, int], n_bands: int) -> tuple[int, ...]:
    """Numbers of bands below the gaps around a group [low, high)."""
    return tuple(edge for edge in bands if 0 < edge < n_bands)


def conclude_group(
    quantity: str,
    parts: tuple[Certificate, ...],
    value: NDArray[np.int64],
    asked: Asked,
    on_unresolved: OnUnresolved,
) -> Certificate:
    """Put the certificates of the gaps around a group of bands together.

    Shapes: `value` (...).
    """
    proven = np.logical_and.reduce([part.certified for part in parts])
    gaps = np.stack([part.gap_upper for part in parts])
    least = np.asarray(gaps.argmin(0))
    where = np.stack([part.k_at_gap_upper for part in parts])
    reason = parts[0].reason
    for part in parts[1:]:
        reason = np.where(reason == "", part.reason, reason)
    made = Certificate(
        quantity=quantity,
        value=np.where(proven, value, UNRESOLVED_VALUE),
        status=np.where(proven, "certified", "unresolved"),
        gap_lower=np.where(proven, np.min([part.gap_lower for part in parts], axis=0), 0.0),
        gap_upper=np.asarray(gaps.min(0)),
        k_at_gap_upper=np.take_along_axis(where, least[None, ..., None], 0)[0],
        evaluations=np.asarray(np.sum([part.evaluations for part in parts], axis=0)),
        reason=np.asarray(reason),
        asked=asked,
        parts=parts,
    )
    settle_group(made, on_unresolved, quantity)
    return made


def settle_group(made: Certificate | Z2Result, on_unresolved: OnUnresolved, quantity: str) -> None:
    """Raise for a group of bands that is unresolved, where that was asked for, and name the gap."""
    check_on_unresolved(on_unresolved)
    if on_unresolved == "raise" and not made.resolved.all():
        where = np.flatnonzero(~made.resolved)
        reason = made.reason.ravel()[where].tolist()
        detail = "; ".join(f"{row} {text}" for row, text in gaps_around(made.parts, made.asked))
        raise UnresolvedError(quantity, where.tolist(), made.status.size, reason, detail)


def conclude_z2_group(
    parts: tuple[Z2Result, ...], asked: Asked, on_unresolved: OnUnresolved
) -> Z2Result:
    """Z2 invariant of a group of bands: the sum modulo 2 of those below the gaps around it."""
    known = np.logical_and.reduce([part.resolved for part in parts])
    proven = np.logical_and.reduce([part.certified for part in parts])
    value = np.sum([np.ma.getdata(part.value) for part in parts], axis=0) % 2
    gaps = np.stack([part.gap_upper for part in parts])
    where = np.stack([part.k_at_gap_upper for part in parts])
    reason = parts[0].reason
    for part in parts[1:]:
        reason = np.where(reason == "", part.reason, reason)

    def over(name: str, reduce: Any) -> NDArray[Any]:
        return np.asarray(reduce.reduce([getattr(part, name) for part in parts]))

    made = replace(
        parts[0],
        value=np.asarray(np.where(known, value, UNRESOLVED_VALUE)),
        status=np.where(known, np.where(proven, "certified", "converged"), "unresolved"),
        flow_gap=over("flow_gap", np.minimum),
        gap_upper=np.asarray(gaps.min(0)),
        gap_lower=over("gap_lower", np.minimum),
        splitting=over("splitting", np.maximum),
        evaluations=over("evaluations", np.add),
        reason=np.asarray(reason),
        symmetry_violation=over("symmetry_violation", np.maximum),
        k_at_gap_upper=np.take_along_axis(where, np.asarray(gaps.argmin(0))[None, ..., None], 0)[0],
        flows=(),
        asked=asked,
        parts=parts,
    )
    settle_group(made, on_unresolved, "Z2 invariant")
    return made
