"""Chern numbers of links that are given, not made from bands."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from jaxtyping import Complex, Int
from numpy.typing import ArrayLike

from topophys import _validation
from topophys.errors import InputError
from topophys.invariants.certificate import OnUnresolved, check_on_unresolved, masked

__all__ = ["chern_number_of_links", "plaquette_loops"]

#: Largest deviation of a link from a unitary matrix.
UNITARY: Final = 1e-9
#: Distance of a phase from the cut at pi, below which its branch is rounding noise, at least.
CUT: Final = 1e-9
#: Distance of the sum of all phases, in turns, from an integer that rounding may explain.
ROUNDING: Final = 1e-6


def plaquette_loops(links: ArrayLike) -> Complex[np.ndarray, "... Nx Ny r r"]:
    r"""Products of the links around each plaquette.

    .. math:: W(k) = U_x(k) \, U_y(k + \hat x) \, U_x(k + \hat y)^\dagger \, U_y(k)^\dagger

    Parameters
    ----------
    links : array-like of shape (..., Nx, Ny, 2, r, r)
        Unitary links that leave k along x and along y; the grid is periodic.

    Returns
    -------
    complex128 ndarray of shape (..., Nx, Ny, r, r)
        Loops that begin and end at k; a change of basis at k conjugates them.

    Raises
    ------
    ShapeError, InputError
        If `links` has other axes, or is not finite or not unitary.

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

    Parameters
    ----------
    links : array-like of shape (..., Nx, Ny, 2, r, r)
        Unitary links that leave k along x and along y; the grid is periodic.
    branch : {"determinant", "eigenphases"}, optional
        Which of the two.
    on_unresolved : {"raise", "mask"}, optional
        Where a phase lies on the cut, or the sum is no integer within the rounding: raise, or
        return a masked array.

    Returns
    -------
    int64 ndarray of shape (...)
        Integers.

    Raises
    ------
    ShapeError, InputError
        If `links` has other axes, or is not finite or not unitary.
    GaplessError
        If asked for and a phase lies on the cut, where its sign is rounding noise, or the sum is
        no integer within the rounding.

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
