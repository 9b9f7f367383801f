"""Rejection sampling: random Hamiltonians with a proven gap, in equal numbers of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int

from topophys import _validation
from topophys._random import as_generator
from topophys.errors import InputError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.chern import certify_chern
from topophys.invariants.results import Certificate
from topophys.invariants.winding import certify_winding

__all__ = [
    "REASONS",
    "SMALL",
    "UNRESOLVED",
    "WIDE",
    "ProvenSample",
    "Selection",
    "draw_proven",
    "reasons",
]


# ------------------------- Which draws of a random Hamiltonian are kept, and why the others are not

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

        Shapes: returns (kept,).
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
        """Name a class that is still wanted and did not turn up for long."""
        late = [v for v, n in self.left.items() if n and self.offered - self.fresh[v] >= patience]
        return late[0] if late else None

    def rejected(self) -> dict[str, int]:
        """How many draws were not kept, by reason."""
        return {reason: self.counts[reason] for reason in reasons(self.max_gap)}


# ---------------- Random Hamiltonians that are proven to have a gap, in equal numbers of each class

H = TypeVar("H", bound=FourierHamiltonian)

#: Hamiltonians drawn at a time; part of what decides the outcome for a seed.
BATCH: Final = 256
#: Draws without a single new Hamiltonian of a class that is still wanted, before giving up.
PATIENCE: Final = 200_000


@dataclass(frozen=True, eq=False)
class ProvenSample(Generic[H]):
    """Random Hamiltonians with proven invariants, and how many draws it took.

    Attributes
    ----------
    hamiltonians : FourierHamiltonian
        Batch of shape (n,), in random order.
    value : int64 ndarray of shape (n,)
        Winding or Chern numbers, proven.
    gap_lower : float64 ndarray of shape (n,)
        Proven lower bounds of the gaps.
    drawn : int
        Draws up to and with the last one kept.
    rejected : dict of str to int
        How many of them were not kept, by reason.

    Examples
    --------
    >>> import topophys as tp
    >>> found = draw_proven(lambda m, g: tp.models.ssh(1.0, g.uniform(0.0, 2.0, m)), 10,
    ...                     min_gap=0.5, rng=7)
    >>> len(found.value), found.drawn == 10 + sum(found.rejected.values())
    (10, True)
    """

    hamiltonians: H
    value: Int[np.ndarray, " n"]
    gap_lower: Float[np.ndarray, " n"]
    drawn: int
    rejected: dict[str, int]


def draw_proven(
    draw: Callable[[int, np.random.Generator], H],
    n: int,
    *,
    min_gap: float = 0.0,
    classes: Sequence[int] | None = None,
    rng: np.random.Generator | int | None = None,
) -> ProvenSample[H]:
    r"""Draw from an ensemble until n Hamiltonians are proven to have a gap, and a wanted class.

    .. math:: p(H \mid \mathrm{gap\ proven} \ge g) \quad \text{or} \quad
        \frac{1}{K} \sum_{c} p(H \mid \mathrm{gap\ proven} \ge g, \; \text{class } c)

    Draws are independent and the first to come are kept, so that the law is that of the ensemble
    on condition of a proof; with `classes`, on condition of the class as well, in numbers that
    are equal to within one. For one or two orbitals and for two bands practically every gap above
    `min_gap` is proven; with more, some just above it are not.

    Parameters
    ----------
    draw : callable
        Takes a number and a generator and returns that many independent Hamiltonians: chiral
        chains, or Hamiltonians in two dimensions.
    n : int
        Number of Hamiltonians.
    min_gap : float, optional
        Smallest gap to be proven.
    classes : sequence of int, optional
        Wanted winding or Chern numbers; any where not given.
    rng : numpy.random.Generator or int, optional
        Source of randomness.

    Returns
    -------
    ProvenSample
        Exactly n Hamiltonians, their integers and bounds (n,), and the counts of rejected draws.

    Raises
    ------
    InputError
        If a number makes no sense, a class is named twice, or a class (or any provable gap) does
        not turn up in 200 000 draws.
    KindError
        If there is no certificate for what is drawn.

    References
    ----------
    .. [1] L. Devroye, *Non-Uniform Random Variate Generation*, Springer (1986), chap. II.3.

    Examples
    --------
    >>> import topophys as tp
    >>> found = draw_proven(lambda m, g: tp.ensembles.two_band(m, rng=g), 6, min_gap=0.2,
    ...                     classes=[-1, 0, 1], rng=7)
    >>> sorted(found.value.tolist()), bool(found.gap_lower.min() >= 0.2)
    ([-1, -1, 0, 0, 1, 1], True)
    """
    n = _validation.positive_int(n, "n")
    generator = as_generator(rng)
    selection = Selection(n if classes is None else _quotas(n, classes), min_gap=min_gap)
    parts: list[H] = []
    values, bounds = [], []
    while selection.unfilled():
        batch = draw(BATCH, generator)
        chiral = isinstance(batch, ChiralHamiltonian)
        proof = (certify_winding if chiral else certify_chern)(batch, min_gap=min_gap)  # type: ignore[arg-type]
        which = selection.offer(proof)
        parts.append(batch[which])
        values.append(np.ma.getdata(proof.value)[which])
        bounds.append(proof.gap_lower[which])
        late = selection.stalled(PATIENCE)
        if late is not None:
            what = "A proven gap" if classes is None else f"Class {late}"
            raise InputError(
                f"{what} must turn up among the draws, but none did in the last {PATIENCE};"
                " lower `min_gap`, or name other `classes`."
            )
    # draw order would put the rarest class last
    order = generator.permutation(n)
    return ProvenSample(
        _joined(parts)[order],
        np.concatenate(values)[order],
        np.concatenate(bounds)[order],
        selection.drawn,
        selection.rejected(),
    )


def _quotas(n: int, classes: Sequence[int]) -> dict[int, int]:
    """Equal numbers; a remainder goes to the smallest classes."""
    wanted = sorted(_validation.integer(c, "classes") for c in classes)
    if not wanted or len(set(wanted)) < len(wanted):
        raise InputError(f"Argument `classes` must name each class once, but is {list(classes)}.")
    share, rest = divmod(n, len(wanted))
    return {c: share + (i < rest) for i, c in enumerate(wanted)}


def _joined(parts: list[H]) -> H:
    """One batch of all; every part has the same lattice vectors."""
    first = parts[0]
    if isinstance(first, ChiralHamiltonian):
        chains = np.concatenate([p.block_amplitudes for p in parts])  # type: ignore[attr-defined]
        return type(first).from_array(first.block_range[0], chains)
    if isinstance(first, TwoBandHamiltonian):
        d = np.concatenate([p.d_amplitudes for p in parts])  # type: ignore[attr-defined]
        return type(first)({tuple(v): d[:, m] for m, v in enumerate(first.d_vectors.tolist())})
    hop = np.concatenate([p.amplitudes for p in parts])
    table = {tuple(v): hop[:, m] for m, v in enumerate(first.vectors.tolist())}
    return type(first)(table, n_occupied=first.n_occupied)
