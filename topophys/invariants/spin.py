"""Spin Chern numbers: sampled, from the projected spin operator, or certified by sectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, SampledLike, is_fourier_like
from topophys.errors import InputError, ShapeError, why
from topophys.grids import grid_of
from topophys.invariants._samples import bloch_samples, jumping, momenta
from topophys.invariants._saving import Saved, require_certified, required
from topophys.invariants._scaling import divide_out, error_of
from topophys.invariants._slices import Slice, require_dimension, rows_of
from topophys.invariants._symmetry import Apart, block_error, corner, corner_sums
from topophys.invariants._symmetry_files import spin_document
from topophys.invariants.berry import chern_number
from topophys.invariants.chern import certify_chern
from topophys.invariants.evidence import Asked, Question, closing
from topophys.invariants.gap import certify_gap
from topophys.invariants.results import (
    OnUnresolved,
    Result,
    check_on_unresolved,
    lowest,
    masked,
    settle,
)
from topophys.invariants.wilson import checked_matrices, frames_of
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import UP, at_least, at_most, lower_bound, slack_of, upper_bound

__all__ = ["SpinChern", "spin_chern"]

#: Relative energy gap, and gap of the projected spin, below which nothing is defined; and distance
#: of eigenvalues of a spin operator, relative to the largest, that belong to one sector.
GAPLESS: Final = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class SpinChern(Saved, Result):
    """Chern numbers of the two halves of the occupied space.

    Attributes
    ----------
    up, down : int64 ndarray of shape (...)
        Chern numbers of the occupied states with projected spin above and below the spin gap;
        masked arrays where elements are unresolved.
    status : str ndarray of shape (...)
        "sampled" (of a grid on which both gaps are open), "certified" (proven of the continuous
        Hamiltonian whose part that does not conserve the spin is left out, at most half of
        `symmetry_violation` away, with both gaps open in between) or "unresolved".
    gap_upper : float64 ndarray of shape (...)
        Smallest energy gap met: on the grid, or by the proof.
    spin_gap : float64 ndarray of shape (...)
        Smallest distance on the grid between the upper and the lower half of the spectrum of
        P S_z P, in the units of `s_z`; of a certificate: that of the two spins between the halves.
    gap_lower : float64 ndarray of shape (...)
        Proven lower bound of the energy gap with the spin conserved; 0 without a proof.
    symmetry_violation : float64 ndarray of shape (...)
        Rigorous upper bound of twice the operator norm of what does not conserve the spin, in the
        units of the hoppings; NaN for samples.
    reason : str ndarray of shape (...)
        Why there is no certificate, as in `Certificate`; "" where there is one, and for samples.
    evaluations : int64 ndarray of shape (...)
        Number of evaluated k points, in the proofs of all sectors together.
    n_occupied, n_bands : int
        Of the Hamiltonian: bands that are filled, and all.
    k_at_gap_upper : float64 ndarray of shape (..., 2)
        Momentum of the smallest energy gap met.
    asked : Asked or None
        The Hamiltonians or samples, for what is printed.

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> qwz = tp.models.qwz(-1.0).on_grid((16, 16))
    >>> both = np.zeros((16, 16, 4, 4), complex)
    >>> both[..., :2, :2], both[..., 2:, 2:] = qwz, qwz.conj()
    >>> tp.spin_chern(both, np.diag([0.5, 0.5, -0.5, -0.5]), n_occupied=2)
    Spin Chern number of the lowest 2 of 4 bands in 2D: 1 (sampled)
      spins            C_up = +1, C_down = -1
      energy gap       at most 2
      spin gap         1 (smallest met)
      momenta          k.a in radians, phases exp(ik.R); oriented by the axes of the grid
      energies         in the units of the hoppings
    """

    up: Int[np.ndarray, "..."]
    down: Int[np.ndarray, "..."]
    status: Shaped[np.ndarray, "..."]
    gap_upper: Float[np.ndarray, "..."]
    spin_gap: Float[np.ndarray, "..."]
    gap_lower: Float[np.ndarray, "..."]
    symmetry_violation: Float[np.ndarray, "..."]
    reason: Shaped[np.ndarray, "..."]
    evaluations: Int[np.ndarray, "..."]
    n_occupied: int
    n_bands: int
    k_at_gap_upper: Float[np.ndarray, "... 2"]
    asked: Asked | None = None

    def __post_init__(self) -> None:
        for name in ("up", "down"):
            object.__setattr__(self, name, masked(getattr(self, name), self.resolved))

    def _document(self, index: int | tuple[int, ...] | None = None) -> dict[str, Any]:
        return spin_document(
            *self.asked_of_file(require_certified(self, "spin Chern number", index))
        )

    def asked_of_file(
        self, where: tuple[int, ...]
    ) -> tuple[Question, list[NDArray[np.complex128]], list[int], float]:
        """Question of one element, bases of the sectors, their Chern numbers, and the gap."""
        question = required(self.asked).question(where)
        bases = [sector.basis for sector in _sectors(_unit(np.asarray(question.operator))[0])]
        return question, bases, _numbers(question, bases), float(self.gap_lower[where])

    @property
    def question(self) -> str:
        """The question that is answered: quantity, bands, dimension."""
        return f"spin Chern number of {lowest(self.n_occupied, self.n_bands, 2)}"

    @property
    def value(self) -> Float[np.ndarray, "..."]:
        """Spin Chern number (C_up - C_down) / 2: a half of an integer; masked where unresolved."""
        good = self.resolved
        up, down = (np.where(good, np.ma.getdata(x), 0) for x in (self.up, self.down))
        half = np.asarray(np.where(good, 0.5 * (up - down), np.nan))
        return half if good.all() else np.ma.MaskedArray(half, mask=~good, fill_value=np.nan)

    @property
    def z2(self) -> Int[np.ndarray, "..."]:
        """C_up modulo 2: the Z2 invariant where time reversal maps one half to the other."""
        return masked(np.asarray(np.ma.getdata(self.up) % 2), self.resolved)

    def _columns(self) -> dict[str, NDArray[Any]]:
        names = ("up", "down", "spin_gap", "symmetry_violation")
        return super()._columns() | {name: getattr(self, name) for name in names}

    def _one(self) -> str:
        return f"{float(self.value.ravel()[0]):g}"

    def _rows(self) -> list[tuple[str, str]]:
        good, total = self.resolved, self.status.size
        if not total:
            return []
        rows = []
        pairs = list(zip(self.up[good].tolist(), self.down[good].tolist(), strict=True))
        for up, down in sorted(set(pairs)):
            of = f", in {pairs.count((up, down))} of {total}" if total > 1 else ""
            rows.append(("spins", f"C_up = {up:+d}, C_down = {down:+d}{of}"))
        bound = self.gap_lower.min()
        proven = f"at least {at_least(bound, 3)} (proven), " if bound > 0.0 else ""
        rows.append(("energy gap", f"{proven}at most {at_most(self.gap_upper.min(), 3)}"))
        rows.append(("spin gap", f"{self.spin_gap.min():.3g} (smallest met)"))
        if not np.isnan(self.symmetry_violation).any():
            worst = self.symmetry_violation.max()
            rows.append(("spin conserved", f"up to {at_most(0.5 * worst, 3)} (largest, in norm)"))
        message = why(self.reason[~good].ravel().tolist())
        rows += [("reason", message)] if message else []
        rows += closing(self.reason, self.k_at_gap_upper)
        return [*rows, *(self.asked.rows() if self.asked else ())]


def spin_chern(
    h: FourierLike | SampledLike | ArrayLike,
    s_z: ArrayLike,
    *,
    n_occupied: int | None = None,
    grid: int | tuple[int, int] | None = None,
    max_depth: int | None = None,
    max_evaluations: int | None = None,
    on_unresolved: OnUnresolved = "mask",
) -> SpinChern:
    r"""Chern numbers of the occupied states of positive and of negative projected spin.

    .. math:: P(k) S_z P(k) \, |\varphi_\pm\rangle = s_\pm |\varphi_\pm\rangle, \qquad
        C_s = \tfrac{1}{2} (C_+ - C_-), \qquad C_+ + C_- = C

    The m occupied states are divided into two equal halves by the eigenvalues of S_z within the
    occupied space. Where S_z is conserved these are spin up and down; where it is not, the
    integers stay defined as long as both the energy gap and the gap between the halves stay open.

    Of Bloch matrices the integers are those of the samples. Of a Hamiltonian in Fourier form they
    are certified where S_z is nearly conserved: with :math:`P_j` the projectors on the
    eigenspaces of S_z, the Hamiltonian :math:`\sum_j P_j H P_j` conserves it exactly; its gap g
    and the Chern number of each of its blocks are proven; and if
    :math:`\sup_k \|H - \sum_j P_j H P_j\|` is below g/2, and turns the occupied space so
    little that the projected spin keeps its gap, they are those of H.

    Parameters
    ----------
    h : FourierHamiltonian, or array-like of shape (..., Nx, Ny, n, n)
        Hamiltonian in two dimensions, or a batch; or Bloch matrices on the periodic grid of
        `topophys.k_grid`.
    s_z : array-like of shape (n, n)
        Hermitian spin operator, the same at every k.
    n_occupied : int, optional
        Number m of occupied bands, even; that of `h` where not given. Samples have none, and
        need it if there are more than two bands.
    grid : int or tuple of int, optional
        Sample a Hamiltonian on this number of k points in each direction, without a proof.
    max_depth, max_evaluations : int, optional
        Of a proof: as for `certify_chern`, 16 and 100 000 where not given.
    on_unresolved : {"mask", "raise"}, optional
        Where there are no integers: mask them and say so in the status, or raise.

    Returns
    -------
    SpinChern
        Integers, status and gaps, each of shape (...).

    Raises
    ------
    KindError
        If `h` is a Hamiltonian of another dimension.
    ShapeError, InputError
        If an argument has other axes, is not finite or not Hermitian, or m is odd.
    UnresolvedError
        If asked for and the integers are unresolved.

    References
    ----------
    .. [1] D. N. Sheng, Z. Y. Weng, L. Sheng, F. D. M. Haldane, Phys. Rev. Lett. 97,
       036808 (2006).
    .. [2] E. Prodan, Phys. Rev. B 80, 125327 (2009).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> qwz = tp.models.qwz([-1.0, -3.0]).on_grid((16, 16))
    >>> both = np.zeros((2, 16, 16, 4, 4), complex)
    >>> both[..., :2, :2], both[..., 2:, 2:] = qwz, qwz.conj()
    >>> found = spin_chern(both, np.diag([1.0, 1.0, -1.0, -1.0]), n_occupied=2)
    >>> found.value, found.spin_gap.round(12)
    (array([1., 0.]), array([2., 2.]))
    """
    check_on_unresolved(on_unresolved)
    given = {"max_depth": max_depth, "max_evaluations": max_evaluations}
    options = {name: number for name, number in given.items() if number is not None}
    if is_fourier_like(h) and grid is None:
        found = require_dimension(h, 2)
        filled = _validation.occupied(
            found.n_occupied if n_occupied is None else n_occupied, found.n_bands
        )
        proven = _certified(found, _spin(s_z, found.n_bands), _even(filled), options)
        return settle(proven, on_unresolved, "spin Chern number")
    if options:
        raise InputError(
            "Arguments of a proof must come with a Hamiltonian in Fourier form and without `grid`,"
            f" but {sorted(options)} are given for samples."
        )
    samples, n_filled = bloch_samples(h, grid, n_occupied, "h", dim=2)
    h_k = checked_matrices(samples, "h", "(..., Nx, Ny, n, n)")
    if not momenta(h):
        jumping(h_k, (-2, -1), "h", cure=False)
    return settle(_sampled(h_k, s_z, n_filled), on_unresolved, "spin Chern number")


def _spin(s_z: ArrayLike, n_bands: int) -> NDArray[np.complex128]:
    spin = checked_matrices(s_z, "s_z", "(..., n, n)")
    if spin.shape != (n_bands, n_bands):
        raise ShapeError(
            f"Argument `s_z` must have shape ({n_bands}, {n_bands}), but has {spin.shape}."
        )
    return spin


def _even(filled: int) -> int:
    if filled % 2:
        raise InputError(
            "Argument `n_occupied` must be even, to be divided by spin into halves, but is"
            f" {filled}."
        )
    return filled


def _sampled(h: NDArray[np.complex128], s_z: ArrayLike, n_occupied: int | None) -> SpinChern:
    """Integers of samples (..., Nx, Ny, n, n)."""
    n_bands = h.shape[-1]
    filled = _validation.occupied(n_occupied, n_bands)
    spin = _spin(s_z, n_bands)
    states = frames_of(h, _even(filled))
    within = states.frame.conj().swapaxes(-1, -2) @ spin @ states.frame
    level, mix = np.linalg.eigh(0.5 * (within + within.conj().swapaxes(-1, -2)))
    half = filled // 2
    spin_gap = np.asarray((level[..., half] - level[..., half - 1]).min((-2, -1)))
    scale = max(float(np.abs(spin).max()), float(np.finfo(np.float64).tiny))
    open_gaps = ~states.closes(GAPLESS, 2) & (spin_gap > GAPLESS * scale)
    turned = states.frame @ mix
    down, up = (_chern(part) for part in (turned[..., :half], turned[..., half:]))
    good = open_gaps & ~np.ma.getmaskarray(up) & ~np.ma.getmaskarray(down)
    return SpinChern(
        up=np.ma.getdata(up),
        down=np.ma.getdata(down),
        status=np.where(good, "sampled", "unresolved"),
        gap_upper=np.asarray(states.gap.min((-2, -1))),
        spin_gap=spin_gap,
        gap_lower=np.zeros(good.shape),
        symmetry_violation=np.full(good.shape, np.nan),
        reason=np.where(states.closes(GAPLESS, 2), "closed gap", np.zeros(good.shape, "<U10")),
        evaluations=np.full(good.shape, h.shape[-4] * h.shape[-3]),
        n_occupied=filled,
        n_bands=n_bands,
        k_at_gap_upper=_smallest(states.gap),
        asked=Asked(h, "spin Chern number", filled),
    )


def _smallest(gap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Momentum of the smallest of the gaps on a grid.

    Shapes: `gap` (..., Nx, Ny); returns (..., 2).
    """
    grid = gap.shape[-2:]
    at = np.reshape(gap, (*gap.shape[:-2], -1)).argmin(-1)
    return np.asarray(grid_of(2, grid).reshape(-1, 2)[at])


@dataclass(frozen=True, eq=False)
class _Halves:
    """What a proof found for one Hamiltonian, divided by a power of two."""

    gap: float
    violation: float
    reason: str
    spin_gap: float = 0.0
    up: int = 0
    down: int = 0
    gap_lower: float = 0.0
    evaluations: int = 4
    k: tuple[float, float] = (np.nan, np.nan)


def _certified(
    h: FourierLike, spin: NDArray[np.complex128], filled: int, options: dict[str, Any]
) -> SpinChern:
    """Prove the Chern numbers of the two halves by the sectors of the spin operator."""
    rows, exponent = divide_out(rows_of(h))
    error = error_of(h, exponent)
    scaled, unit = _unit(spin)
    sectors = _sectors(scaled)
    found = [
        _halves(Slice(h.vectors, row, filled, np.asarray(e)), sectors, filled, options)
        for row, e in zip(rows, error, strict=True)
    ]
    batch = h.batch_shape
    good = np.array([one.reason == "" for one in found], dtype=bool)

    def column(name: str) -> NDArray[np.float64]:
        return np.array([getattr(one, name) for one in found], np.float64)

    up, down = (np.where(good, column(name), 0.0).astype(np.int64) for name in ("up", "down"))
    return SpinChern(
        up=up.reshape(batch),
        down=down.reshape(batch),
        status=np.where(good, "certified", "unresolved").reshape(batch),
        gap_upper=upper_bound(column("gap"), exponent).reshape(batch),
        spin_gap=np.ldexp(column("spin_gap"), unit).reshape(batch),
        gap_lower=lower_bound(column("gap_lower"), exponent).reshape(batch),
        symmetry_violation=upper_bound(column("violation"), exponent).reshape(batch),
        reason=np.array([one.reason for one in found], dtype="<U10").reshape(batch),
        evaluations=column("evaluations").astype(np.int64).reshape(batch),
        n_occupied=filled,
        n_bands=h.n_bands,
        k_at_gap_upper=np.array([one.k for one in found], np.float64).reshape(*batch, 2),
        asked=Asked(h, "spin Chern number", filled, operator=spin),
    )


@dataclass(frozen=True, eq=False)
class _Sector:
    """Space of spins that are equal to rounding: the smallest and largest, and a basis (n, m)."""

    lowest: float
    highest: float
    basis: NDArray[np.complex128]


def _unit(spin: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], int]:
    """Divide a power of two out: nothing underflows where sectors are distinguished."""
    _, unit = np.frexp(max(np.abs(spin.real).max(), np.abs(spin.imag).max()))
    return np.ldexp(spin.real, -unit) + 1j * np.ldexp(spin.imag, -unit), int(unit)


def _sectors(spin: NDArray[np.complex128]) -> list[_Sector]:
    """Eigenspaces of a spin operator by ascending value; values closer than rounding are one.

    Of many such values in a row one sector is made, which may be as wide as its distance from the
    next: halves are distinguished by the spins at the edges of sectors, not by means.
    """
    level, state = np.linalg.eigh(spin)
    cuts = np.flatnonzero(np.diff(level) > GAPLESS * np.abs(level).max()) + 1
    parts = zip(np.split(level, cuts), np.split(state, cuts, axis=1), strict=True)
    return [_Sector(float(values[0]), float(values[-1]), basis) for values, basis in parts]


def _halves(h: Slice, sectors: list[_Sector], filled: int, options: dict[str, Any]) -> _Halves:
    """Prove gap, filling of the sectors and their Chern numbers; or say why not."""
    bases = [sector.basis for sector in sectors]
    blocks, formed = _blocks(h, bases)
    given = 0.0 if h.amplitude_error is None else float(h.amplitude_error)
    kept = sum(v @ block.amplitudes @ v.conj().T for v, block in zip(bases, blocks, strict=True))
    # distance of H from its mean, the part that conserves the spin
    rounded = (1.0 + np.sqrt(len(sectors))) * formed
    apart = Apart(h.vectors, h.amplitudes - kept, rounded + 2.0 * given)
    met, counts, k = _fillings(h, blocks, filled, UP * (given + formed))
    found = _Halves(met, apart.plain, "closed gap")  # of the energies, or of the spins
    # the halves, from the lowest spin up: a sector must not be divided between them
    if counts is None:
        return replace(found, k=k)
    total = np.cumsum(counts).tolist()
    if filled // 2 not in total:
        return found
    below = total.index(filled // 2) + 1
    above = next(i for i in range(below, len(sectors)) if counts[i])
    spin_gap = sectors[above].lowest - sectors[below - 1].highest
    width = sectors[-1].highest - sectors[0].lowest
    found = replace(found, spin_gap=spin_gap)
    if spin_gap <= 1e3 * GAPLESS * width:
        return found
    whole, reason, looks = _side_by_side(h, blocks), "", found.evaluations
    for violation in (apart.plain, apart.sharp):
        least = _gap_needed(violation, spin_gap, width)
        gap = certify_gap(whole, n_occupied=filled, min_gap=least, **options)
        looks += int(gap.evaluations)
        reason = "symmetry" if gap.reason == "small gap" and violation else str(gap.reason)
        if gap.certified or apart.sharp == apart.plain:
            break
    found = replace(
        found,
        gap=min(met, float(gap.gap_upper)),
        k=k if met <= gap.gap_upper else tuple(gap.k_at_gap_upper.tolist()),
        gap_lower=float(gap.gap_lower),
        violation=violation,
        reason=reason,
        evaluations=looks,
    )
    return found if reason else _with_numbers(found, blocks, counts, below, options)


def _blocks(h: Slice, bases: list[NDArray[np.complex128]]) -> tuple[list[Slice], float]:
    """Blocks of a Hamiltonian, and a bound of what was rounded when they were formed."""
    size = np.linalg.norm(h.amplitudes, axis=(-2, -1))
    formed = UP * float(block_error(bases, size).sum())
    given = 0.0 if h.amplitude_error is None else float(h.amplitude_error)
    error = np.asarray(UP * (given + formed))
    return [Slice(h.vectors, v.conj().T @ h.amplitudes @ v, 1, error) for v in bases], formed


def _numbers(question: Question, bases: list[NDArray[np.complex128]]) -> list[int]:
    """Chern number of each sector of a Hamiltonian for which they were proven before."""
    rows, exponent = divide_out(question.amplitudes[None])
    error = np.asarray(np.ldexp(question.amplitude_error, -int(exponent[0])))
    h = Slice(question.vectors, rows[0], question.n_occupied, error)
    blocks, formed = _blocks(h, bases)
    counts = _fillings(h, blocks, h.n_occupied, UP * (float(error) + formed))[1]
    if counts is None:
        raise InputError("The gap is too small for a certificate.")
    return [
        0 if count in (0, block.n_bands) else int(certify_chern(block, n_occupied=count))
        for block, count in zip(blocks, counts, strict=True)
    ]


def _with_numbers(
    found: _Halves, blocks: list[Slice], counts: list[int], below: int, options: dict[str, Any]
) -> _Halves:
    """Prove the Chern number of each sector, and add up those below and above the spin gap."""
    numbers = []
    for block, count in zip(blocks, counts, strict=True):
        if count in (0, block.n_bands):
            numbers.append(0)
            continue
        proof = certify_chern(block, n_occupied=count, **options)
        found = replace(found, evaluations=found.evaluations + int(proof.evaluations))
        if not proof.certified:
            k = tuple(proof.k_at_gap_upper.tolist())
            return replace(found, reason=str(proof.reason), k=k)
        numbers.append(int(proof))
    return replace(found, up=sum(numbers[below:]), down=sum(numbers[:below]))


def _gap_needed(violation: float, spin_gap: float, width: float) -> float:
    """Gap g for which neither it nor the gap of the spin closes on the way to the given H.

    H and its mean are apart by d = violation / 2. The energy gap stays open for g > 2 d. The
    occupied spaces are apart by theta with sin theta <= d / (g - d) (Davis and Kahan), so that
    V^dagger S V moves by up to 2 |dV| |S - c| <= sqrt(2) sin theta width, with the `width` of the
    spectrum of S, and each of its eigenvalues by no more (Weyl): less than half of the spin gap.
    """
    away = 0.5 * violation
    turned = away * (1.0 + 2.02 * np.sqrt(2.0) * width / spin_gap)
    return float(np.nextafter(max(violation, turned), np.inf))


def _side_by_side(h: Slice, blocks: list[Slice]) -> Slice:
    """Blocks of the sectors as one Hamiltonian, in the basis of the spin."""
    made = np.zeros_like(h.amplitudes)
    start = 0
    for block in blocks:
        end = start + block.n_bands
        made[:, start:end, start:end] = block.amplitudes
        start = end
    return Slice(h.vectors, made, h.n_occupied, blocks[0].amplitude_error)


def _fillings(
    h: Slice, blocks: list[Slice], filled: int, error: float
) -> tuple[float, list[int] | None, tuple[float, float]]:
    """Gap at k = -k, the occupied states of each sector (None if it is closed), and where it is."""
    levels = [eigenvalues(corner_sums(b.vectors, b.amplitudes[None])[0]) for b in blocks]
    every = np.sort(np.concatenate(levels, axis=-1), axis=-1)
    gaps = every[:, filled] - every[:, filled - 1]
    gap, k = float(gaps.min()), corner(int(gaps.argmin()))
    norms = np.linalg.norm(h.amplitudes, axis=(-2, -1))
    off = float(slack_of(norms, np.zeros(len(norms), np.int64), h.n_bands, error))
    if gap <= 2.0 * UP * off:
        return gap, None, k
    # with a gap at every k, proven later, the numbers are the same everywhere
    return gap, [int((level[0] <= every[0, filled - 1]).sum()) for level in levels], k


def _chern(frame: NDArray[np.complex128]) -> NDArray[np.int64]:
    """Chern number of the space spanned by frames: lower bands of 1 - 2 V V^dagger."""
    flat = np.eye(frame.shape[-2]) - 2.0 * frame @ frame.conj().swapaxes(-1, -2)
    flat = 0.5 * (flat + flat.conj().swapaxes(-1, -2))
    return chern_number(flat, n_occupied=frame.shape[-1], on_unresolved="mask")
