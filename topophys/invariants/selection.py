"""Which draws of a random Hamiltonian are kept, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Bool, Int

from topophys.invariants.certificate import Certificate

__all__ = ["REASONS", "SMALL", "UNRESOLVED", "WIDE", "Selection", "reasons"]

SMALL: Final = "gap below min_gap"
UNRESOLVED: Final = "unresolved"
UNWANTED: Final = "class not wanted"
FULL: Final = "class already full"
#: Why a drawn Hamiltonian is not kept.
REASONS: Final = (SMALL, UNRESOLVED, UNWANTED, FULL)
#: One more, where there is an upper limit of the gap.
WIDE: Final = "gap not below max_gap"


def reasons(max_gap: float | None) -> tuple[str, ...]:
    """Why drawn Hamiltonians are not kept.

    Parameters
    ----------
    max_gap : float or None
        Upper limit of the gap, if there is one.

    Returns
    -------
    tuple of str
        `REASONS`, and one more where there is an upper limit of the gap.

    Examples
    --------
    >>> reasons(0.1)[-1]
    'gap not below max_gap'
    """
    return REASONS if max_gap is None else (*REASONS, WIDE)


class Selection:
    """Keeps the first draws of each class that are proven to have it, and the gap.

    Keeping the first to come is unbiased within a class: draws are independent and identically
    distributed, and whether one is kept depends on earlier draws only through how many of its
    class there were.

    Parameters
    ----------
    wanted : mapping of int to int, or int
        How many of each class; or of any class.
    min_gap : float, optional
        Smallest gap; the certificates that are offered must have been asked for it.
    max_gap : float, optional
        Keep only what was seen to have a smaller gap.

    Examples
    --------
    >>> import topophys as tp
    >>> chosen = Selection({0: 1, 1: 1})
    >>> chosen.offer(tp.certify_winding(tp.models.ssh(1.0, [0.5, 1.0, 0.7, 2.0, 3.0])))
    array([0, 3])
    >>> chosen.unfilled(), chosen.drawn, chosen.rejected()["unresolved"]
    (False, 4, 1)
    """

    def __init__(
        self,
        wanted: Mapping[int, int] | int,
        *,
        min_gap: float = 0.0,
        max_gap: float | None = None,
    ) -> None:
        self.any_class = isinstance(wanted, int)
        self.left = {0: wanted} if isinstance(wanted, int) else dict(wanted)
        self.min_gap, self.max_gap = min_gap, max_gap
        self.size = sum(self.left.values())
        self.drawn = self.offered = 0
        self.fresh = dict.fromkeys(self.left, 0)  # draws offered when a class last grew
        self.counts: Counter[str] = Counter()

    def unfilled(self) -> bool:
        """Whether more is wanted."""
        return any(self.left.values())

    def offer(self, proof: Certificate) -> Int[np.ndarray, " kept"]:
        """Take what is wanted from one batch of draws.

        Parameters
        ----------
        proof : Certificate
            Certificates of the batch, of shape (B,).

        Returns
        -------
        int64 ndarray of shape (kept,)
            Which draws are kept, in order.
        """
        keep = np.zeros(len(proof.value), np.bool_)
        small = np.ones(len(keep), np.bool_)
        if self.max_gap is not None:
            small = proof.gap_upper < self.max_gap
        for value, left in self.left.items():
            of_class = self.any_class | (np.ma.getdata(proof.value) == value)
            found = np.flatnonzero(proof.certified & small & of_class)[:left]
            keep[found] = True
            self.left[value] -= len(found)
            if len(found):
                self.fresh[value] = self.offered + len(keep)
        which = np.flatnonzero(keep)
        # the batch that fills the last class counts up to the last draw kept, so that counts do
        # not depend on how many are drawn at a time
        seen = len(keep) if self.unfilled() else int(which[-1]) + 1
        self._count(proof, keep, seen)
        self.offered += len(keep)
        return which

    def _count(self, proof: Certificate, keep: Bool[np.ndarray, " B"], seen: int) -> None:
        certified = proof.certified[:seen]
        small = ~certified & (proof.gap_upper[:seen] < self.min_gap)
        wanted = self.any_class | np.isin(np.ma.getdata(proof.value)[:seen], list(self.left))
        self.drawn += seen
        self.counts[SMALL] += int(small.sum())
        self.counts[UNRESOLVED] += int((~certified & ~small).sum())
        self.counts[UNWANTED] += int((certified & ~wanted).sum())
        wide = np.zeros(seen, np.bool_)
        if self.max_gap is not None:
            wide = ~(proof.gap_upper[:seen] < self.max_gap)
            self.counts[WIDE] += int((certified & wanted & wide).sum())
        self.counts[FULL] += int((certified & wanted & ~wide & ~keep[:seen]).sum())

    def stalled(self, patience: int) -> int | None:
        """Name a class that is still wanted and did not turn up for long.

        Parameters
        ----------
        patience : int
            Draws to wait for.

        Returns
        -------
        int or None
            The class; None where all is well.
        """
        late = [v for v, n in self.left.items() if n and self.offered - self.fresh[v] >= patience]
        return late[0] if late else None

    def rejected(self) -> dict[str, int]:
        """How many draws were not kept, by reason.

        Returns
        -------
        dict of str to int
            In the order of `reasons`.
        """
        return {reason: self.counts[reason] for reason in reasons(self.max_gap)}
