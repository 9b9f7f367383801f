"""Z2 invariant of one Hamiltonian, or one sampled grid, from the flow of Wannier centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys.errors import ShapeError
from topophys.invariants import _time_reversal as tr
from topophys.invariants._flow import Flow, FlowRules, Line, follow, make_line, shift_between
from topophys.invariants._loops import centres_of, frames_of, transport, unitary_links
from topophys.invariants._slices import Slice, bloch_at, slice_at
from topophys.invariants.z2_result import Found

__all__ = ["Corners", "check_reversal", "of_grid", "of_hamiltonian"]

FIRST_LINES: Final = 11
FIRST_POINTS: Final = 8
#: Smallest singular value of an overlap between neighbours on a loop that is fine enough.
OVERLAP: Final = 0.5
#: Generic momenta at which k and -k are compared.
PROBES: Final = (0.9, 2.3)


@dataclass(frozen=True)
class Corners:
    """What the invariant momenta say of a Hamiltonian.

    Attributes
    ----------
    gap, splitting : float
        Smallest gap; largest splitting of occupied Kramers pairs, over it.
    scale : float
        Largest energy in size.
    gapless : bool
        Whether occupied and empty bands touch there.
    """

    gap: float
    splitting: float
    scale: float
    gapless: bool


def check_reversal(
    h: Slice, filled: int, rules: FlowRules, tolerance: float, *, exact: bool
) -> Corners:
    """Look at the invariant momenta, and for signs of broken time-reversal symmetry.

    Parameters
    ----------
    h : Slice
        A single Hamiltonian in two dimensions.
    filled : int
        Number of occupied bands.
    rules : FlowRules
        Shares for the comparison of centres at k_x and -k_x.
    tolerance : float
        Allowed splitting of Kramers pairs.
    exact : bool
        Whether the symmetry is known, so that its signs need no check.

    Returns
    -------
    Corners
        Gap and splitting.

    Raises
    ------
    InputError
        If the symmetry is seen to be broken.
    """
    momenta = tr.invariant_momenta(2)
    energy = frames_of(bloch_at(h.vectors, h.amplitudes, momenta), filled).energy
    splitting, relative = tr.kramers_splitting(energy, filled)
    gap = float((energy[:, filled] - energy[:, filled - 1]).min())
    found = Corners(gap, splitting, float(np.abs(energy).max()), relative <= tr.GAPLESS)
    if not exact and not found.gapless:
        tr.require_pairs(splitting, tolerance)
        pairs = [(line_at(h, t, filled, rules), line_at(h, -t, filled, rules)) for t in PROBES]
        _require_even(pairs, tolerance + rules.loop_share)
    return found


def of_hamiltonian(h: Slice, filled: int, rules: FlowRules, corners: Corners) -> Found:
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
        What `check_reversal` found.

    Returns
    -------
    Found
        Flow and evidence.
    """
    if corners.gapless:
        return Found(0, False, 0.0, corners.gap, corners.splitting, 4)

    def evaluate(t: float) -> Line:
        return line_at(h, t, filled, rules)

    lines = [evaluate(float(t)) for t in np.linspace(0.0, np.pi, FIRST_LINES)]
    flow = follow(lines, rules, evaluate)
    return _found(flow, corners.gap, corners.splitting, 4, corners.scale)


def of_grid(h: NDArray[np.complex128], filled: int, rules: FlowRules, tolerance: float) -> Found:
    """Follow the centres on the lines of a grid; no refinement is possible.

    Parameters
    ----------
    h : complex128 ndarray of shape (Nx, Ny, n, n)
        Bloch matrices.
    filled : int
        Number of occupied bands.
    rules, tolerance
        As for `check_reversal`.

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
    halves = np.ix_([0, n_x // 2], [0, n_y // 2])
    splitting, relative = tr.kramers_splitting(states.energy[halves].reshape(4, -1), filled)
    gap = float(states.gap.min())
    if relative <= tr.GAPLESS:
        return Found(0, False, 0.0, gap, splitting, n_x * n_y)
    tr.require_pairs(splitting, tolerance)
    momenta = np.pi * (2 * np.arange(n_x) / n_x - 1.0)
    everything = [
        _sampled_line(states.frame[i], states.gap[i], float(momenta[i]), rules) for i in range(n_x)
    ]
    _require_even(
        [(everything[i], everything[n_x - i]) for i in range(1, n_x // 2)],
        tolerance + rules.loop_share,
    )
    last = everything[0]
    end = make_line(np.pi, last.centres, settled=last.settled, gap=last.gap, points=0)
    scale = float(np.abs(states.energy).max())
    flow = follow([*everything[n_x // 2 :], end], rules, None)
    return _found(flow, gap, splitting, n_x * n_y, scale)


def _found(flow: Flow, gap: float, splitting: float, others: int, scale: float) -> Found:
    seen = min(gap, *(line.gap for line in flow.lines))
    resolved = flow.followed and seen > tr.GAPLESS * scale
    points = others + sum(line.points for line in flow.lines)
    room = min(line.size for line in flow.lines)
    return Found(flow.crossings % 2, resolved, room, seen, splitting, points, flow)


def _require_even(pairs: list[tuple[Line, Line]], share: float) -> None:
    """Centres at t and -t must agree: otherwise the bands may carry a Chern number."""
    for a, b in pairs:
        off = shift_between(a.centres, b.centres)
        if a.settled and b.settled and off > share * min(a.size, b.size):
            raise tr.refuse(
                f"Wannier centres at k_x = {a.t:.3g} and {b.t:.3g} differ by {off:.3g} of a cell"
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
    frame, gap = _chain_frames(chain, np.arange(n) / n, filled)
    links, _ = unitary_links(frame)
    centres = centres_of(transport(links))
    while True:
        between, more = _chain_frames(chain, (np.arange(n) + 0.5) / n, filled)
        n, gap = 2 * n, min(gap, more)
        frame = np.stack([frame, between], axis=1).reshape(n, *frame.shape[1:])
        links, overlap = unitary_links(frame)
        before, centres = centres, centres_of(transport(links))
        line = make_line(t, centres, settled=True, gap=gap, points=n)
        still = shift_between(before, centres) <= rules.loop_share * line.size
        if still and overlap.min() >= OVERLAP:
            return line
        if 2 * n > rules.max_loop:
            return make_line(t, centres, settled=False, gap=gap, points=n)


def _chain_frames(
    chain: Slice, turns: NDArray[np.float64], filled: int
) -> tuple[NDArray[np.complex128], float]:
    k = 2.0 * np.pi * turns[:, None]
    states = frames_of(bloch_at(chain.vectors, chain.amplitudes, k), filled)
    return states.frame, float(states.gap.min())


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
