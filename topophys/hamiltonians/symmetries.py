"""Time-reversal symmetry of hoppings: found, and restored."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, KindError
from topophys.hamiltonians.fourier import FourierHamiltonian, primitive_vectors

__all__ = ["Symmetrized", "find_time_reversal", "symmetrize"]

SpinOrder: TypeAlias = Literal["up first", "alternating"]
#: The two usual orders: up up ... down down ..., and up down up down ...
ORDERS: Final[tuple[SpinOrder, ...]] = ("up first", "alternating")
#: Share of the hoppings by which a file may miss the symmetry and still be taken to mean it.
SHARE: Final = 0.02


class Symmetrized(NamedTuple):
    """A Hamiltonian with time-reversal symmetry, and how far it is from the given one.

    Attributes
    ----------
    hamiltonian : FourierHamiltonian
        With the symmetry.
    distance : float
        Upper bound of the largest change of an energy at any k, in the units of the hoppings.
    time_reversal : ndarray of shape (n, n)
        The unitary part U of T = U K.

    Examples
    --------
    >>> import topophys as tp
    >>> tp.symmetrize(tp.models.bhz(1.0)).distance
    0.0
    """

    hamiltonian: FourierHamiltonian
    distance: float
    time_reversal: NDArray[np.complex128]


def _spin_operator(order: SpinOrder, n: int) -> NDArray[np.complex128]:
    flip, same = np.array([[0.0, 1.0], [-1.0, 0.0]]), np.eye(n // 2)
    parts = (flip, same) if order == "up first" else (same, flip)
    return np.asarray(np.kron(*parts), np.complex128)


def _distance(
    H: FourierHamiltonian, u: NDArray[np.complex128]
) -> tuple[NDArray[np.complex128], float]:
    """Mean of H and T H T^-1, and a bound of how far it is from H."""
    turned = u @ H.amplitudes.conj() @ u.conj().T
    mean = 0.5 * (H.amplitudes + turned)
    moved = np.linalg.norm(H.amplitudes - mean, 2, axis=(-2, -1)).sum(-1)
    # singular values are rounded by some ten units of the largest one
    return mean, float(moved.max(initial=0.0) * (1.0 + 1e-12))


def find_time_reversal(H: FourierHamiltonian) -> SpinOrder | None:
    r"""Find the usual order of spins with which a Hamiltonian is symmetric under time reversal.

    .. math:: T = i \sigma_y K, \qquad T H(k) T^{-1} = H(-k)

    Files of hoppings do not say where the orbitals of spin down are. Of the two orders that
    programs use, the one that leaves the hoppings (nearly) unchanged is taken.

    Parameters
    ----------
    H : FourierHamiltonian
        A single Hamiltonian.

    Returns
    -------
    {"up first", "alternating"} or None
        As `z2_invariant` takes it; None where neither fits to 2 % of the hoppings, or both do.

    References
    ----------
    .. [1] G. Pizzi *et al.*, J. Phys.: Condens. Matter 32, 165902 (2020).

    Examples
    --------
    >>> import topophys as tp
    >>> find_time_reversal(tp.models.bhz(1.0))
    'up first'
    """
    _require_single(H)
    if H.n_bands % 2:
        return None
    size = float(np.linalg.norm(H.amplitudes, 2, axis=(-2, -1)).sum())
    fits = [
        order for order in ORDERS
        if _distance(H, _spin_operator(order, H.n_bands))[1] <= SHARE * size
    ]  # fmt: skip
    return fits[0] if len(fits) == 1 else None


def symmetrize(
    H: FourierHamiltonian, *, time_reversal: ArrayLike | SpinOrder | Literal["auto"] = "auto"
) -> Symmetrized:
    r"""Restore time-reversal symmetry, and return how far the Hamiltonian is changed.

    .. math:: H_R \to \tfrac12 (H_R + U H_R^* U^\dagger), \qquad
        d \le \sum_R \| H_R - \tfrac12 (H_R + U H_R^* U^\dagger) \|

    A gap that is proven of the result to be larger than 2 d is open in the given Hamiltonian, too,
    and stays open on the straight way from one to the other.

    Parameters
    ----------
    H : FourierHamiltonian
        A single Hamiltonian.
    time_reversal : array-like of shape (n, n), or {"up first", "alternating", "auto"}, optional
        The unitary U of T = U K, a usual order of spin, or "auto" to find that order.

    Returns
    -------
    Symmetrized
        Hamiltonian, distance, and the operator.

    Raises
    ------
    KindError
        If `H` is not a single Hamiltonian in Fourier form.
    InputError
        If `time_reversal` is not a unitary with U conj(U) = -1, or none is found.

    References
    ----------
    .. [1] D. Gresch *et al.*, Phys. Rev. Materials 2, 103805 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> noise = tp.FourierHamiltonian({(0, 0): 0.01 * np.diag([1.0, 0.0, 0.0, 0.0])})
    >>> moved = symmetrize(tp.FourierHamiltonian(
    ...     {R: m + noise.hoppings.get(R, 0) for R, m in tp.models.bhz(1.0).hoppings.items()}))
    >>> round(moved.distance, 6), find_time_reversal(moved.hamiltonian)
    (0.005, 'up first')
    """
    _require_single(H)
    if isinstance(time_reversal, str):
        u = _named(H, time_reversal)
    else:
        u = _validation.as_complex(
            time_reversal, "time_reversal", f"(..., {H.n_bands}, {H.n_bands})"
        )
        with np.errstate(over="ignore", invalid="ignore"):
            off = max(
                float(np.abs(u @ u.conj().T - np.eye(len(u))).max()),
                float(np.abs(u @ u.conj() + np.eye(len(u))).max()),
            )
        if not off <= 1e-6:
            raise InputError(
                "Argument `time_reversal` must be unitary with U conj(U) = -1, but deviates by"
                f" {off:.3g}."
            )
    mean, distance = _distance(H, u)
    made = FourierHamiltonian(
        dict(zip(map(tuple, H.vectors.tolist()), mean, strict=True)),
        n_occupied=H._n_occupied,
        hermitian="average",
    )
    made.lattice, made.positions = primitive_vectors(H), H.positions
    same = H._select(())
    if type(same).amplitudes is FourierHamiltonian.amplitudes:  # keeps lattice, positions, filling
        same._amplitudes, same._vectors = made.amplitudes, made.vectors
        made = same
    return Symmetrized(made, distance, u)


def _require_single(H: object) -> None:
    if not isinstance(H, FourierHamiltonian) or H.batch_shape:
        raise KindError(
            "Argument `H` must be a single Hamiltonian in Fourier form, but is"
            f" {_validation.short(H)}."
        )


def _named(H: FourierHamiltonian, order: str) -> NDArray[np.complex128]:
    _validation.one_of(order, "time_reversal", (*ORDERS, "auto"))
    found = find_time_reversal(H) if order == "auto" else order
    if found is None:
        raise InputError(
            "Argument `time_reversal` must be given: neither of the orders 'up first' and"
            f" 'alternating' alone leaves the hoppings unchanged to {SHARE:.0%}."
        )
    if H.n_bands % 2:
        raise InputError(
            "Argument `time_reversal` must be a matrix for an odd number of orbitals, but is"
            f" {order!r} for {H.n_bands}."
        )
    return _spin_operator("up first" if found == "up first" else "alternating", H.n_bands)
