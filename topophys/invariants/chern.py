"""Certified Chern numbers: planes, slices, two bands; and Chern numbers of given links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from jaxtyping import Complex, Int
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys._validation import Bands
from topophys.errors import InputError, KindError
from topophys.grids import grid_of
from topophys.invariants._band_groups import conclude_group, edges_of
from topophys.invariants._cocycle import chern_evidence
from topophys.invariants._limits import (
    MAX_DEPTH,
    MAX_EVALUATIONS,
    TIGHTNESS,
    Limits,
    described,
    dimension,
    limits,
)
from topophys.invariants._scaling import RealSeries, demand, proven_gap, real_series
from topophys.invariants._slices import filling, require_dimension, slice_at
from topophys.invariants.evidence import Asked, CellTree, DegreeEvidence
from topophys.invariants.results import (
    Certificate,
    Evidence,
    OnUnresolved,
    check_on_unresolved,
    conclude,
    masked,
    settle,
)
from topophys.kernels import status as st
from topophys.kernels.chern_two_band import certify_degrees
from topophys.kernels.rounding import UP, upper_bound

__all__ = ["certify_chern", "chern_number_of_links", "chern_on_slices", "plaquette_loops"]


# ------------------------------ Certified Chern numbers of two bands, by the degree of the d-vector

#: Axes tried one after the other; the next one only where an edge of the triangulation hits one.
AXES: Final = ((0.36, 0.48, 0.8), (0.8, -0.52, 0.3), (-0.19, 0.65, -0.74))
#: Cells of the starting grid along an edge, for each harmonic that matters.
CELLS: Final = 16
#: Up to this range the starting grid follows the range; beyond it the weights of the harmonics.
NEAR: Final = 8
#: Largest starting grid along an edge: finer cells come from division.
LARGEST_START: Final = 1024
#: Longer hoppings count as rounding if they are smaller than this share of all.
NEGLIGIBLE: Final = 2.0**-53

_NO_LEAVES: Final = np.empty((0, 3), np.int64)


@dataclass(eq=False)
class _Found:
    """Rows of the answer, filled group by group."""

    degree: NDArray[np.int64]
    evidence: NDArray[np.float64]
    evaluations: NDArray[np.int64]
    status: NDArray[np.uint8]
    #: What each proof rests on, where that is asked for.
    kept: list[DegreeEvidence | None] | None


#: What to ask in other dimensions.
OTHERS: Final = {
    1: "of a chain ask certify_winding, majorana_number or zak_phase",
    3: "of planes of a solid ask chern_on_slices, of a node weyl_charge",
    4: "in four dimensions ask second_chern",
}


def two_band_evidence(H: FourierLike, limits: Limits, *, evidence: bool = False) -> Evidence:
    """Prove the Chern number of the lower of two bands."""
    series = real_series(H)
    size = len(series.coefficients)
    found = _Found(
        np.zeros(size, np.int64), np.zeros((size, 4)), np.zeros(size, np.int64),
        np.full(size, st.AMBIGUOUS, np.uint8), [None] * size if evidence else None,
    )  # fmt: skip
    found.evidence[:, 1] = np.inf
    reach, norm = np.abs(series.vectors).max(1, initial=0), _norms(series)
    if reach.max(initial=0) > NEAR:
        series, norm = _without_negligible(series, reach, norm)
    error = series.error.copy()
    lost = ~np.isfinite(error)
    starts, enough = _starts(reach, norm, limits.max_evaluations)
    near = np.flatnonzero(~enough & ~lost)
    if len(near) and not evidence:
        error[near] = _prove_near(series, reach, norm, near, limits, found)
    left = (found.status != st.OK) & ~lost
    for start in np.unique(starts[left]):
        _prove(series, norm, np.flatnonzero((starts == start) & left), int(start), limits, found)
    found.status[lost] = st.ROUNDING
    # a gap that was met and is not below what the user asked for: the error is in the way
    met = found.evidence[:, 1] + np.where(lost, 0.0, 2.0 * error)
    if error.any():
        small = (found.status == st.SMALL_GAP) & (error > 0.0)
        found.status[small & (met >= upper_bound(limits.min_gap, -series.exponent))] = st.ROUNDING
    proven = found.status == st.OK
    return Evidence(
        proven=proven,
        value=found.degree,
        gap_lower=proven_gap(found.evidence[:, 0], error, series.exponent),
        gap_upper=upper_bound(met, series.exponent),
        k_at_gap_upper=(2.0 * np.pi * found.evidence[:, 2:] + np.pi) % (2.0 * np.pi) - np.pi,
        evaluations=found.evaluations,
        status=found.status,
        evidence=() if found.kept is None else tuple(found.kept),
    )


def _norms(series: RealSeries) -> NDArray[np.float64]:
    """Largest |d| of each harmonic, (B, M)."""
    parts = series.coefficients[:, 1:]
    return np.asarray(np.sqrt(np.einsum("bmij,bmij->bm", parts, parts)) * UP)


def _without_negligible(
    series: RealSeries, reach: NDArray[np.int64], norm: NDArray[np.float64]
) -> tuple[RealSeries, NDArray[np.float64]]:
    """Move long hoppings that are as small as rounding into the error."""
    size = np.abs(series.coefficients[:, 0]).sum((1, 2)) + norm.sum(1)
    drop = (reach > NEAR) & (norm * len(reach) <= NEGLIGIBLE * size[:, None])
    if not drop.any():
        return series, norm
    return _without(series, norm, drop)


def _without(
    series: RealSeries, norm: NDArray[np.float64], drop: NDArray[np.bool_]
) -> tuple[RealSeries, NDArray[np.float64]]:
    """Set the harmonics in `drop` (B, M) to zero; what they can do goes into the error."""
    moved = UP * np.where(drop, norm, 0.0).sum(1)
    coefficients = series.coefficients.copy()
    coefficients[:, 1:][drop] = 0.0
    return (
        series._replace(coefficients=coefficients, error=series.error + moved),
        np.where(drop, 0.0, norm),
    )


def _starts(
    reach: NDArray[np.int64], norm: NDArray[np.float64], max_evaluations: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Cells along an edge of the starting grid of each Hamiltonian, and where that is enough.

    Powers of two; not enough where a grid for the harmonics of this Hamiltonian is larger than
    what may be evaluated.
    """
    far = np.where(norm > 0.0, reach, 0).max(1, initial=1)
    if far.max(initial=1) <= NEAR:
        return CELLS << np.ceil(np.log2(far)).astype(np.int64), np.ones(len(far), np.bool_)
    # the curvature of the mean harmonic; the long ones that are small are left to division
    squares = (norm * np.square(reach.astype(np.float64))).sum(1)
    mean = np.sqrt(squares / np.maximum(norm.sum(1), 1e-300)).clip(1.0, far)
    start = CELLS << np.ceil(np.log2(np.where(far <= NEAR, far, mean))).astype(np.int64)
    most = LARGEST_START
    while most > CELLS and 2 * most * most > max_evaluations:
        most //= 2
    enough = (far <= NEAR) | (start <= most)
    return np.where(enough, start, most), enough


def _prove_near(
    series: RealSeries,
    reach: NDArray[np.int64],
    norm: NDArray[np.float64],
    rows: NDArray[np.intp],
    limits: Limits,
    found: _Found,
) -> NDArray[np.float64]:
    """Prove rows without their long hoppings, whose norms are then part of the error.

    Half of the evaluations may go into that. Returns the errors of the rows.
    """
    drop = np.zeros(norm.shape, np.bool_)
    drop[rows] = reach > NEAR
    short, norm = _without(series, norm, drop)
    starts, _ = _starts(reach, norm, limits.max_evaluations)
    half = replace(limits, max_evaluations=max(1, limits.max_evaluations // 2))
    for start in np.unique(starts[rows]):
        _prove(short, norm, rows[starts[rows] == start], int(start), half, found)
    proven = found.status[rows] == st.OK
    found.evidence[rows[~proven], 1] = np.inf
    return np.where(proven, short.error[rows], series.error[rows])


def _prove(
    series: RealSeries,
    norm: NDArray[np.float64],
    rows: NDArray[np.intp],
    start: int,
    limits: Limits,
    found: _Found,
) -> None:
    """Run the kernel on the rows that share a starting grid, with one axis after the other."""
    before = found.evaluations[rows]
    budget = limits.max_evaluations - int(before.max(initial=0))
    if start * start > budget:
        found.status[rows] = st.BUDGET
        return
    used = (norm[rows] > 0.0).any(0)
    vectors = series.vectors[used]
    keep = np.concatenate([[True], used])
    need = demand(limits.min_gap, series.exponent[rows], series.error[rows])
    n_table = start << min(limits.max_depth, 5)
    table = _phases(n_table)
    todo, place = rows, np.arange(len(rows))
    for axis in AXES:
        c, turn = series.coefficients[todo], rotation_to_z(axis)
        c = c if used.all() else c[:, keep]
        # written out: the order of a matrix product may depend on the size of the batch
        turned = c[..., :1] * turn[0] + c[..., 1:2] * turn[1] + c[..., 2:] * turn[2]
        degree, status = np.zeros(len(todo), np.int64), np.zeros(len(todo), np.uint8)
        evidence, evaluations = np.zeros((len(todo), 4)), np.zeros(len(todo), np.int64)
        certify_degrees(
            turned.reshape(*turned.shape[:2], 6), vectors, table, start, limits.max_depth,
            budget, need[place], degree, evidence, evaluations, status, _NO_LEAVES,
        )  # fmt: skip
        if found.kept is not None:
            for i in np.flatnonzero(status == st.OK):
                found.kept[todo[i]] = _leaves(
                    turned[i : i + 1], vectors, table, start, limits.max_depth, int(evaluations[i]),
                    need[place[i] : place[i] + 1],
                )  # fmt: skip
        found.degree[todo], found.status[todo] = degree, status
        found.evidence[todo], found.evaluations[todo] = evidence, before[place] + evaluations
        left = status == st.AMBIGUOUS
        todo, place = todo[left], place[left]
        if not len(todo):
            break


def _leaves(
    turned: NDArray[np.float64],
    vectors: NDArray[np.int64],
    table: NDArray[np.float64],
    start: int,
    max_depth: int,
    evaluations: int,
    need: NDArray[np.float64],
) -> DegreeEvidence:
    """Repeat one proof and keep its cells: as many as it took evaluations."""
    leaves = np.empty((evaluations, 3), np.int64)
    certify_degrees(
        turned.reshape(1, -1, 6), vectors, table, start, max_depth, evaluations, need,
        np.zeros(1, np.int64), np.zeros((1, 4)), np.zeros(1, np.int64), np.zeros(1, np.uint8),
        leaves,
    )  # fmt: skip
    tree, _ = CellTree.of_cells((start, start), max_depth, leaves[:, :2], leaves[:, 2])
    return DegreeEvidence(tree)


@lru_cache(maxsize=8)
def _phases(n_table: int) -> NDArray[np.float64]:
    """Cosines and sines of the lattice of corners, (n_table, 2)."""
    turns = 2.0 * np.pi * np.arange(n_table) / n_table
    return np.stack([np.cos(turns), np.sin(turns)], axis=-1)


@lru_cache(maxsize=8)
def rotation_to_z(axis: tuple[float, float, float]) -> NDArray[np.float64]:
    """Orthogonal matrix of determinant 1 with `axis` as last column: d @ matrix turns it to z.

    Its entries are rounded, so that it stretches d by up to 8 units of 2^-53, as the products with
    it do: part of the slack.
    """
    z = np.array(axis) / np.linalg.norm(axis)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=-1)


# ---------------------------------------------- Proven Chern number of two-dimensional Hamiltonians


def certify_chern(
    H: FourierLike,
    *,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    min_gap: float = 0.0,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = MAX_EVALUATIONS,
    tightness: float = TIGHTNESS,
    evidence: bool = False,
    on_unresolved: OnUnresolved = "mask",
) -> Certificate:
    r"""Chern number of the continuous occupied bands, proven from their Fourier coefficients.

    .. math:: C = \frac{1}{2\pi} \int \mathrm{d}^2k \; \mathrm{tr}\,\Omega(k)

    The zone is subdivided into square cells until each is proven. With two bands: until Taylor's
    theorem keeps d(k) on the cell in an open half space; C is then the degree of the
    piecewise-linear map on a triangulation of the cells, counted by signs alone. With more: until
    the occupied and the empty block of H stay apart on the cell. The bundle of occupied states
    then has a section on each cell, and C is the winding of the transition phases between
    neighbouring cells, which are bounded along whole edges. The same cells prove the direct gap.
    Of a group of bands that does not begin with the lowest, C is the difference of two: that of all
    bands up to its last, and that of the bands below it, each proven with its gap.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in two dimensions, or a batch.
    n_occupied : int, optional
        Number of occupied bands; that of `H` where not given.
    bands : slice, range or sequence of int, optional
        In place of `n_occupied`: a group of neighbouring bands, counted from 0, such as
        ``range(2, 4)``. The gaps below and above it are both proven.
    min_gap : float, optional
        Certify only what is proven to have at least this direct gap, in the units of the
        hoppings. More cells are used where needed.
    max_depth : int, default 16
        How often a cell of the starting grid may be subdivided, at most 24.
    max_evaluations : int, optional
        Largest number of evaluated k points per Hamiltonian.
    tightness : float, optional
        With three bands or more, cells are divided further until `gap_lower` is at least this
        share, below 1, of `gap_upper`, as long as depth and evaluations allow; see `certify_gap`.
    evidence : bool, optional
        Keep the cells, and what proves each, in `Certificate.evidence`.
    on_unresolved : {"mask", "raise"}, optional
        Where there is no proof: mask the value and say so in the status, or raise.

    Returns
    -------
    Certificate
        Value, status, gap bound and effort, each of shape (...) like the batch of `H`; of a group
        of bands, `parts` has the certificates of both gaps.

    Raises
    ------
    KindError
        If `H` is not a two-dimensional Hamiltonian in Fourier form.
    UnresolvedError
        If asked for and a Hamiltonian is unresolved.

    References
    ----------
    .. [1] D. J. Thouless, M. Kohmoto, M. P. Nightingale, M. den Nijs, Phys. Rev. Lett. 49,
       405 (1982).
    .. [2] G. E. Volovik, *The Universe in a Helium Droplet*, Oxford University Press (2003),
       chap. 11.
    .. [3] C. Davis, W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970).

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.certify_chern(tp.models.qwz([-2.001, -1.999, 2.0]))
    >>> proof.value, proof.status[2]
    (masked_array(data=[0, 1, --],
                 mask=[False, False,  True],
           fill_value=-9223372036854775808), np.str_('unresolved'))
    """
    if dimension(H) != 2:
        raise KindError(
            "Argument `H` must be a two-dimensional Hamiltonian in Fourier form, but is"
            f" {described(H, OTHERS.get(dimension(H), ''))}"
        )
    check_on_unresolved(on_unresolved)
    checked = limits(min_gap, max_depth, max_evaluations, deepest=24, tightness=tightness)
    if bands is not None:
        low, high = _validation.band_group(bands, n_occupied, H.n_bands)

        def up_to(edge: int) -> Certificate:
            return certify_chern(
                H, n_occupied=edge, min_gap=min_gap, max_depth=max_depth,
                max_evaluations=max_evaluations, tightness=tightness, evidence=evidence,
            )  # fmt: skip

        if not low:
            return settle(up_to(high), on_unresolved, "Chern number")
        parts = tuple(up_to(edge) for edge in edges_of((low, high), H.n_bands))
        # all bands together have none
        upper = np.ma.getdata(parts[1].value) if len(parts) > 1 else 0
        lower = np.where(parts[0].certified, np.ma.getdata(parts[0].value), 0)
        value = np.asarray(np.where(parts[-1].certified, upper, 0) - lower)
        asked = Asked(H, "Chern number", high, bands=(low, high))
        return conclude_group("Chern number", parts, value, asked, on_unresolved)
    filled = _validation.occupied(H.n_occupied if n_occupied is None else n_occupied, H.n_bands)
    if H.n_bands == 2:
        found = two_band_evidence(H, checked, evidence=evidence)
    else:
        found = chern_evidence(H, filled, checked, evidence=evidence)
    asked = Asked(H, "Chern number", filled)
    return conclude("Chern number", found, H.batch_shape, on_unresolved, asked)


# ------------------------------ Certified Chern numbers on slices of three-dimensional Hamiltonians


def chern_on_slices(
    H: FourierLike,
    *,
    axis: int = 2,
    grid: int = 16,
    k: ArrayLike | None = None,
    n_occupied: int | None = None,
    bands: Bands | None = None,
    min_gap: float = 0.0,
    max_depth: int = MAX_DEPTH,
    max_evaluations: int = MAX_EVALUATIONS,
    tightness: float = TIGHTNESS,
    evidence: bool = False,
    on_unresolved: OnUnresolved = "mask",
) -> Certificate:
    r"""Chern numbers of the occupied bands on planes of a 3D Brillouin zone, each proven.

    .. math:: C(k_z) = \frac{1}{2\pi} \int \mathrm{d}k_x \, \mathrm{d}k_y \;
        \mathrm{tr}\,\Omega_z(k_x, k_y, k_z)

    and cyclic. C is constant between planes that contain band touchings, and changes there by the
    charge of the Weyl points: C(k+) - C(k-) is the sum of `weyl_charge` in between. Planes through
    a touching are unresolved.

    Parameters
    ----------
    H : FourierHamiltonian
        Hamiltonian in three dimensions, or a batch.
    axis : int, optional
        Direction of the normal of the planes: 0, 1 or 2.
    grid : int, optional
        Number of planes, at the momenta of `topophys.k_grid`.
    k : array-like of shape (...), optional
        Momenta of the planes in place of those.
    n_occupied, bands, min_gap, max_depth, max_evaluations, tightness, evidence, on_unresolved
        As for `certify_chern`, of each plane.

    Returns
    -------
    Certificate
        Each entry of shape (*batch, grid), or (*batch, ...) like `k`; `k_at_gap_upper` holds the
        two momenta in the plane, in cyclic order.

    Raises
    ------
    KindError
        If `H` is not a three-dimensional Hamiltonian in Fourier form.
    InputError
        If `axis` is not 0, 1 or 2.
    UnresolvedError
        If asked for and a plane is unresolved.

    References
    ----------
    .. [1] X. Wan, A. M. Turner, A. Vishwanath, S. Y. Savrasov, Phys. Rev. B 83, 205101 (2011).
    .. [2] A. A. Burkov, L. Balents, Phys. Rev. Lett. 107, 127205 (2011).

    Examples
    --------
    QWZ layers with a mass that depends on k_z, in two planes of different phase:

    >>> import topophys as tp
    >>> import numpy as np
    >>> x, y, z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    >>> weyl = tp.FourierHamiltonian(
    ...     {(0, 0, 0): -2 * z, (1, 0, 0): (z - 1j * x) / 2, (0, 1, 0): (z - 1j * y) / 2,
    ...      (0, 0, 1): z / 2})
    >>> chern_on_slices(weyl, k=[0.0, np.pi]).value
    array([1, 0])
    """
    found = require_dimension(H, 3)
    momenta = grid_of(1, grid)[:, 0] if k is None else k
    planes = slice_at(found, axis, momenta, n_occupied=filling(bands, n_occupied, found))
    return certify_chern(
        planes,
        n_occupied=n_occupied,
        bands=bands,
        min_gap=min_gap,
        max_depth=max_depth,
        max_evaluations=max_evaluations,
        tightness=tightness,
        evidence=evidence,
        on_unresolved=on_unresolved,
    )


# --------------------------------------- Chern numbers of links that are given, not made from bands

#: Largest deviation of a link from a unitary matrix.
UNITARY: Final = 1e-9
#: Distance of a phase from the cut at pi, below which its branch is rounding noise, at least.
CUT: Final = 1e-9
#: Distance of the sum of all phases, in turns, from an integer that rounding may explain.
ROUNDING: Final = 1e-6


def plaquette_loops(links: ArrayLike) -> Complex[np.ndarray, "... Nx Ny r r"]:
    r"""Products of the links around each plaquette.

    .. math:: W(k) = U_x(k) \, U_y(k + \hat x) \, U_x(k + \hat y)^\dagger \, U_y(k)^\dagger

    Shapes: `links` (..., Nx, Ny, 2, r, r); returns (..., Nx, Ny, r, r).

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> plaquette_loops(np.ones((4, 4, 2, 1, 1))).shape
    (4, 4, 1, 1)
    """
    return _loops(links)[0]


def _loops(links: ArrayLike) -> tuple[Complex[np.ndarray, "... Nx Ny r r"], float]:
    """Loops, and how far the links are from unitary (largest entry of U U^dagger - 1)."""
    u = _validation.as_complex(links, "links", "(..., Nx, Ny, 2, r, r)")
    defect = float(np.abs(u @ _dagger(u) - np.eye(u.shape[-1])).max(initial=0.0))
    if defect > UNITARY:
        raise InputError(
            f"Argument `links` must be unitary, but U U^dagger deviates from 1 by {defect:.1e};"
            " take the polar factors of the overlaps."
        )
    along_x, along_y = u[..., 0, :, :], u[..., 1, :, :]
    there = along_x @ np.roll(along_y, -1, axis=-4)
    back = along_y @ np.roll(along_x, -1, axis=-3)
    return np.asarray(there @ _dagger(back)), defect


def chern_number_of_links(
    links: ArrayLike,
    *,
    branch: Literal["determinant", "eigenphases"] = "determinant",
    on_unresolved: OnUnresolved = "raise",
) -> Int[np.ndarray, "..."]:
    r"""Integer of a field of unitary links, with one of two branches of the logarithm.

    .. math:: C_\mathrm{det} = -\frac{1}{2\pi} \sum_k \arg \det W(k), \qquad
        C_\mathrm{eig} = -\frac{1}{2\pi} \sum_k \sum_a \theta_a(k), \quad
        \theta_a \in (-\pi, \pi]

    with the eigenvalues exp(i theta_a) of W. The first is the lattice Chern number of Fukui,
    Hatsugai and Suzuki. The second takes the principal logarithm of the matrix; they differ where
    the eigenphases of one plaquette add up to more than pi, which on links of a smooth bundle
    they do not. The determinants of all loops multiply to 1, so both sums are integers, and what
    is returned is the integer nearest to the sum, after the distance has been checked against the
    rounding of float64.

    Shapes: `links` (..., Nx, Ny, 2, r, r); returns (...).

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).
    .. [2] L. Huang, O. Balabanov, H. Linander, M. Granath, D. Persson, J. E. Gerken,
       arXiv:2502.15376 (2025): the second.

    Examples
    --------
    >>> import topophys as tp
    >>> links = tp.ensembles.random_links(3, n_occupied=4, rng=1)
    >>> chern_number_of_links(links), chern_number_of_links(links, branch="eigenphases")
    (array([...]), array([...]))
    """
    check_on_unresolved(on_unresolved)
    _validation.one_of(branch, "branch", ("determinant", "eigenphases"))
    loops, defect = _loops(links)
    r = loops.shape[-1]
    # a link is within r * defect of a unitary matrix, a loop within 4 times that, an eigenvalue of
    # a normal matrix moves by up to (2 r - 1) times as much, the phase of a determinant by r times
    cut = max(CUT, 8.0 * r * r * (defect + 1e-15))
    if branch == "determinant":
        phases = np.angle(np.linalg.det(loops))[..., None]
    else:
        phases = np.angle(np.linalg.eigvals(loops))
    turns = -phases.sum(axis=(-3, -2, -1)) / (2.0 * np.pi)
    value = np.rint(turns)
    near_cut = (np.pi - np.abs(phases)).min(axis=(-3, -2, -1)) < cut
    bad = near_cut | (np.abs(turns - value) > ROUNDING)
    if on_unresolved == "raise":
        _validation.require_gapped(bad, "chern_number_of_links", mask=True)
    return masked(np.asarray(value.astype(np.int64)), ~np.asarray(bad))


def _dagger(u: Complex[np.ndarray, "*batch r r"]) -> Complex[np.ndarray, "*batch r r"]:
    return np.asarray(np.conj(np.swapaxes(u, -1, -2)))
