"""Whether a Hamiltonian has time-reversal symmetry: by its operator, or by what it implies."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys.errors import InputError, ShapeError

__all__ = [
    "GAPLESS",
    "even_filling",
    "invariant_momenta",
    "kramers_splitting",
    "refuse",
    "require_operator",
    "require_pairs",
]

#: Allowed deviation from an exact symmetry, relative to the largest hopping.
EXACT: Final = 1e-9
#: Relative energy gap below which nothing is claimed.
GAPLESS: Final = 1e-9


def invariant_momenta(dim: int) -> NDArray[np.float64]:
    """Momenta with k = -k modulo the reciprocal lattice.

    Parameters
    ----------
    dim : int
        Dimension.

    Returns
    -------
    float64 ndarray of shape (2**dim, dim)
        All combinations of 0 and pi.
    """
    corners = np.stack(np.meshgrid(*[[0.0, np.pi]] * dim, indexing="ij"), -1)
    return corners.reshape(-1, dim)


def even_filling(filled: int) -> None:
    """Raise unless an even number of bands is occupied.

    Parameters
    ----------
    filled : int
        Number of occupied bands.

    Raises
    ------
    InputError
        If it is odd.
    """
    if filled % 2:
        raise InputError(
            "Argument `n_occupied` must be even, because Kramers pairs are occupied together, but"
            f" is {filled}."
        )


def kramers_splitting(energy: NDArray[np.float64], filled: int) -> tuple[float, float]:
    """Largest splitting of occupied pairs over the smallest gap, and that gap over the energies.

    Parameters
    ----------
    energy : float64 ndarray of shape (momenta, n)
        Energies at invariant momenta.
    filled : int
        Number of occupied bands.

    Returns
    -------
    splitting, gap : float
        Both relative; the splitting is infinite where the gap vanishes.
    """
    gap = float((energy[:, filled] - energy[:, filled - 1]).min())
    pairs = energy[:, 1:filled:2] - energy[:, 0:filled:2]
    scale = float(np.abs(energy).max())
    if gap <= 0.0 or scale == 0.0:
        return np.inf, 0.0
    return float(pairs.max()) / gap, gap / scale


def require_pairs(splitting: float, tolerance: float) -> None:
    """Raise where occupied bands do not come in Kramers pairs.

    Parameters
    ----------
    splitting : float
        Largest splitting of occupied pairs, over the gap.
    tolerance : float
        Allowed splitting.

    Raises
    ------
    InputError
        If it is larger.
    """
    if splitting > tolerance:
        raise refuse(f"occupied Kramers pairs split by {splitting:.3g} of the gap at k = -k")


def refuse(reason: str) -> InputError:
    """Return the error for a Hamiltonian without time-reversal symmetry.

    Parameters
    ----------
    reason : str
        What was seen.

    Returns
    -------
    InputError
        To be raised.
    """
    return InputError(
        "Argument `h` must be symmetric under time reversal with T^2 = -1, but"
        f" {reason}; for weakly broken symmetry (rounded hoppings) raise `tolerance`."
    )


def require_operator(
    vectors: NDArray[np.int64],
    rows: NDArray[np.complex128],
    operator: ArrayLike,
    kind: str,
) -> NDArray[np.complex128]:
    r"""Check an operator against every hopping.

    Time reversal U K: :math:`U \bar H_R U^\dagger = H_R`, :math:`U \bar U = -1`. Inversion P:
    :math:`P H_R P^\dagger = H_{-R}`, :math:`P^2 = 1`.

    Parameters
    ----------
    vectors : int64 ndarray of shape (M, dim)
        Lattice vectors, closed under R -> -R.
    rows : complex128 ndarray of shape (B, M, n, n)
        Hoppings.
    operator : array-like of shape (n, n)
        Unitary matrix.
    kind : {"time_reversal", "inversion"}
        Which symmetry; also the name of the argument.

    Returns
    -------
    complex128 ndarray of shape (n, n)
        The operator.

    Raises
    ------
    ShapeError, InputError
        If it is not such a symmetry.
    """
    u = _checks.as_complex(operator, kind, "(..., n, n)")
    n = rows.shape[-1]
    if u.shape != (n, n):
        raise ShapeError(f"Argument `{kind}` must have shape ({n}, {n}), but has {u.shape}.")
    anti = kind == "time_reversal"
    square = u @ (u.conj() if anti else u)
    wanted = -np.eye(n) if anti else np.eye(n)
    if not np.allclose(u @ u.conj().T, np.eye(n), rtol=0.0, atol=EXACT) or not np.allclose(
        square, wanted, rtol=0.0, atol=EXACT
    ):
        raise InputError(
            f"Argument `{kind}` must be unitary with "
            + ("U conj(U) = -1." if anti else "P P = 1, for orbitals of one cell.")
        )
    if anti:
        image, target = u @ rows.conj() @ u.conj().T, rows
    else:
        order = {tuple(v): m for m, v in enumerate(vectors.tolist())}
        mirrored = [order[tuple(-x for x in v)] for v in vectors.tolist()]
        image, target = u @ rows @ u.conj().T, rows[:, mirrored]
    scale = np.abs(rows).max((-3, -2, -1), initial=0.0)
    off = np.abs(image - target).max((-3, -2, -1), initial=0.0)
    bad = off > EXACT * scale
    if bad.any():
        raise InputError(
            f"Argument `{kind}` must be a symmetry of `h`, but hoppings violate it by"
            f" {off[bad].max():.3g} in {int(bad.sum())} of {len(bad)} Hamiltonians (batch index"
            f" {', '.join(map(str, np.flatnonzero(bad)[:5]))})."
        )
    return u
