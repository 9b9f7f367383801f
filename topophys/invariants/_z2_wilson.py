"""Z2 invariant of one Hamiltonian, or one sampled grid, from the flow of Wannier centres."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import ShapeError
from topophys.invariants import _time_reversal as tr
from topophys.invariants._flow import Flow, FlowRules, Line, follow, make_line, shift_between
from topophys.invariants._loops import centres_of, frames_of, transport, unitary_links
from topophys.invariants._slices import Slice, bloch_at, slice_at
from topophys.invariants.z2_result import Found

__all__ = ["of_grid", "of_hamiltonian", "require_even", "unresolved"]

FIRST_LINES: Final = 11
FIRST_POINTS: Final = 8
#: Smallest singular value of an overlap between neighbours on a loop that is fine enough.
OVERLAP: Final = 0.5
#: Generic momenta at which k and -k are compared.
PROBES: Final = (0.9, 2.3)


def require_even(
    h: Slice, filled: int, rules: FlowRules, tolerance: float, corners: tr.Corners
) -> bool:
    """Demand equal centres at k_x and -k_x: otherwise the bands may carry a Chern number.

    Parameters
    ----------
    h : Slice
        A single Hamiltonian in two dimensions.
    filled : int
        Number of occupied bands.
    rules : FlowRules
        Shares for the comparison.
    tolerance : float
        Allowed difference beyond those of the loops, relative to the largest gap between centres.
    corners : Corners
        What the invariant momenta say.

    Returns
    -------
    bool
        Whether there is a gap on the lines that were compared; without one nothing can be said.

    Raises
    ------
    InputError
        If the symmetry is seen to be broken.
    """
    pairs = [(line_at(h, t, filled, rules), line_at(h, -t, filled, rules)) for t in PROBES]
    gap = min(line.gap for pair in pairs for line in pair)
    if gap <= max(corners.split, 1e-12 * corners.gap):
        return False
    _require_even(pairs, tolerance, rules.loop_share)
    return True


def of_hamiltonian(h: Slice, filled: int, rules: FlowRules, corners: tr.Corners) -> Found:
    """Follow the centres along k_y while k_x goes from 0 to pi, with refinement in both.

    Parameters
    ----------
    h : Slice
        A single Hamiltonian in two dimensions.
    filled : int
        Number of occupied bands.
    rules : FlowRules
        When a flow counts as followed.
    corners : Corners
        What the invariant momenta say.

    Returns
    -------
    Found
        Flow and evidence.
    """

    def evaluate(t: float) -> Line:
        return line_at(h, t, filled, rules)

    lines = [evaluate(float(t)) for t in np.linspace(0.0, np.pi, FIRST_LINES)]
    flow = follow(lines, rules, evaluate)
    return _found(flow, corners, 4, corners.least)


def of_grid(h: NDArray[np.complex128], filled: int, rules: FlowRules, tolerance: float) -> Found:
    """Follow the centres on the lines of a grid; no refinement is possible.

    Parameters
    ----------
    h : complex128 ndarray of shape (Nx, Ny, n, n)
        Bloch matrices.
    filled : int
        Number of occupied bands.
    rules, tolerance
        As for `require_even`.

    Returns
    -------
    Found
        Flow and evidence.
    """
    n_x, n_y = h.shape[:2]
    if n_x % 2 or n_y % 2:
        raise ShapeError(
            "Argument `h` must have an even number of k points in both directions, so that the"
            f" grid holds every k = -k, but has {(n_x, n_y)}."
        )
    states = frames_of(h, filled)
    halves = np.ix_([n_x // 2, 0], [n_y // 2, 0])  # the grid begins at -pi
    least = tr.GAPLESS * float(np.abs(states.energy).max())
    corners = tr.corners_of(states.energy[halves].reshape(4, -1), filled, least)
    i, j = np.unravel_index(states.gap.argmin(), (n_x, n_y))
    gap = float(states.gap[i, j])
    met = replace(corners, gap=gap, k=(np.pi * (2 * i / n_x - 1.0), np.pi * (2 * j / n_y - 1.0)))
    if corners.closed or gap <= least:
        return unresolved(met, n_x * n_y, "closed gap")
    tr.require_pairs(corners, tolerance)
    momenta = np.pi * (2 * np.arange(n_x) / n_x - 1.0)
    everything = [
        _sampled_line(states.frame[i], states.gap[i], float(momenta[i]), rules) for i in range(n_x)
    ]
    _require_even(
        [(everything[i], everything[n_x - i]) for i in range(1, n_x // 2)],
        tolerance,
        rules.loop_share,
    )
    last = everything[0]
    end = make_line(np.pi, last.centres, settled=last.settled, gap=last.gap, points=0)
    flow = follow([*everything[n_x // 2 :], end], rules, None)
    return _found(flow, met, n_x * n_y, least)


def unresolved(corners: tr.Corners, evaluations: int, reason: str) -> Found:
    """Nothing found, and why, after a number of evaluations."""
    return Found(
        value=0,
        resolved=False,
        flow_gap=0.0,
        gap_upper=corners.gap,
        splitting=corners.splitting,
        evaluations=evaluations,
        reason=reason,
        k_at_gap_upper=corners.k,
    )


def _found(flow: Flow, corners: tr.Corners, others: int, least: float) -> Found:
    smallest = min(flow.lines, key=lambda line: line.gap)
    met, k = corners.gap, corners.k
    if smallest.gap < met:
        met, k = smallest.gap, (smallest.t, smallest.k_at_gap)
    open_gap = met > least
    return Found(
        value=flow.crossings % 2,
        resolved=flow.followed and open_gap,
        flow_gap=min(line.size for line in flow.lines),
        gap_upper=met,
        splitting=corners.splitting,
        evaluations=others + sum(line.points for line in flow.lines),
        flow=flow,
        reason="" if flow.followed and open_gap else "depth" if open_gap else "closed gap",
        k_at_gap_upper=k,
    )


def _require_even(pairs: list[tuple[Line, Line]], tolerance: float, loop_share: float) -> None:
    """Refuse centres at t and -t that differ: the bands may carry a Chern number."""
    for a, b in pairs:
        off = shift_between(a.centres, b.centres)
        share = off / min(a.size, b.size) - loop_share
        if a.settled and b.settled and share > tolerance:
            raise tr.refuse(
                f"Wannier centres at k_x = {a.t:.3g} and {b.t:.3g} differ by {off:.3g} of a cell",
                share,
                tolerance,
            )


def line_at(h: Slice, t: float, filled: int, rules: FlowRules) -> Line:
    """Double the points of a loop at k_x = t until its centres stay where they are.

    Parameters
    ----------
    h : Slice
        A single Hamiltonian in two dimensions.
    t : float
        Pumping momentum.
    filled : int
        Number of occupied bands.
    rules : FlowRules
        How still and how many.

    Returns
    -------
    Line
        Centres along y.
    """
    chain = slice_at(h, 0, t)
    n = FIRST_POINTS
    frame, gap, k_y = _chain_frames(chain, np.arange(n) / n, filled)
    links, _ = unitary_links(frame)
    centres = centres_of(transport(links))
    while True:
        between, more, k_more = _chain_frames(chain, (np.arange(n) + 0.5) / n, filled)
        n = 2 * n
        if more < gap:
            gap, k_y = more, k_more
        frame = np.stack([frame, between], axis=1).reshape(n, *frame.shape[1:])
        links, overlap = unitary_links(frame)
        before, centres = centres, centres_of(transport(links))
        line = make_line(t, centres, settled=True, gap=gap, points=n, k_at_gap=k_y)
        still = shift_between(before, centres) <= rules.loop_share * line.size
        if still and overlap.min() >= OVERLAP:
            return line
        if 2 * n > rules.max_loop:
            return make_line(t, centres, settled=False, gap=gap, points=n, k_at_gap=k_y)


def _chain_frames(
    chain: Slice, turns: NDArray[np.float64], filled: int
) -> tuple[NDArray[np.complex128], float, float]:
    """Occupied frames, the smallest gap, and where it is, in (-pi, pi]."""
    k = 2.0 * np.pi * turns[:, None]
    states = frames_of(bloch_at(chain.vectors, chain.amplitudes, k), filled)
    least = int(states.gap.argmin())
    k_y = float(k[least, 0])
    return states.frame, float(states.gap[least]), k_y - 2.0 * np.pi if k_y > np.pi else k_y


def _sampled_line(
    frame: NDArray[np.complex128], gap: NDArray[np.float64], t: float, rules: FlowRules
) -> Line:
    """Line of a grid; settled where every second point gives the same centres."""
    links, overlap = unitary_links(frame)
    centres = centres_of(transport(links))
    coarse = centres_of(transport(unitary_links(frame[::2])[0]))
    line = make_line(t, centres, settled=True, gap=float(gap.min()), points=0)
    still = shift_between(coarse, centres) <= rules.loop_share * line.size
    settled = bool(still and overlap.min() >= OVERLAP)
    return make_line(t, centres, settled=settled, gap=line.gap, points=0)
