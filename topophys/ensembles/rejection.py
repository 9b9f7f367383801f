"""Random Hamiltonians that are proven to have a gap, in equal numbers of each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from jaxtyping import Float, Int

from topophys import _validation
from topophys._random import as_generator
from topophys.errors import InputError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.certify_chern import certify_chern
from topophys.invariants.certify_winding import certify_winding
from topophys.invariants.selection import Selection

__all__ = ["ProvenSample", "draw_proven"]

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
