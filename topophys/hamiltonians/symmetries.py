"""Symmetries of hoppings: time reversal found, and any group restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike
from topophys.errors import InputError, KindError
from topophys.hamiltonians.fourier import FourierHamiltonian, aligned, primitive_vectors
from topophys.kernels.rounding import UP, frobenius, upper_bound

__all__ = ["Symmetrized", "find_time_reversal", "symmetrize"]

Hoppings: TypeAlias = dict[tuple[int, ...], NDArray[np.complex128]]
SpinOrder: TypeAlias = Literal["up first", "alternating"]
#: The two usual orders: up up ... down down ..., and up down up down ...
ORDERS: Final[tuple[SpinOrder, ...]] = ("up first", "alternating")
#: Share of the hoppings by which a file may miss the symmetry and still be taken to mean it.
SHARE: Final = 0.02
#: Operations that a group may have, time reversal and spin included; crystals have at most 192.
LARGEST_GROUP: Final = 384
#: How large entries of a matrix are that count.
KIND: Final = 1e-6
#: How far matrices written with six digits may be from unitary ones, and two that stand for one
#: operation from each other.
SAME: Final = 1e-5
#: Largest component of a lattice vector, of W and of t: products of them are exact.
LARGEST: Final = 1e6
#: How far an orbital may be from where another one is moved, in units of the primitive vectors.
NEAR: Final = 0.05


class Symmetrized(NamedTuple):
    """A Hamiltonian with the symmetries asked for, and how far it is from the given one.

    Attributes
    ----------
    hamiltonian : FourierHamiltonian
        With the symmetry.
    distance : float
        Upper bound of the largest change of an energy at any k, in the units of the hoppings.
    time_reversal : ndarray of shape (n, n) or None
        The unitary part U of T = U K; None where time reversal was not asked for.

    Examples
    --------
    >>> import topophys as tp
    >>> tp.symmetrize(tp.models.bhz(1.0)).distance
    0.0
    """

    hamiltonian: FourierHamiltonian
    distance: float
    time_reversal: NDArray[np.complex128] | None


def _spin_operator(order: SpinOrder, n: int) -> NDArray[np.complex128]:
    flip, same = np.array([[0.0, 1.0], [-1.0, 0.0]]), np.eye(n // 2)
    parts = (flip, same) if order == "up first" else (same, flip)
    return np.asarray(np.kron(*parts), np.complex128)


def _reversed(H: FourierHamiltonian, u: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Mean (M, n, n) of the hoppings of H and of T H T^-1, with T = U K."""
    turned = u @ H.amplitudes.conj() @ u.conj().T
    return np.asarray(0.5 * H.amplitudes + 0.5 * turned)


def _size(matrices: NDArray[np.complex128]) -> float:
    """Bound of a sum of matrices (M, n, n) times phases, in operator norm, at any scale."""
    power = int(np.frexp(float(np.abs(matrices).max(initial=0.0)))[1])
    scaled = np.ldexp(matrices.view(np.float64), -power).view(np.complex128)
    # singular values are rounded by some ten units of the largest one
    sharp = np.linalg.norm(scaled, 2, axis=(-2, -1)).sum() * UP
    return float(min(upper_bound(sharp, power), frobenius(matrices).sum() * UP))


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
    size = _size(H.amplitudes)
    fits = [
        order for order in ORDERS
        if _size(H.amplitudes - _reversed(H, _spin_operator(order, H.n_bands))) <= SHARE * size
    ]  # fmt: skip
    return fits[0] if len(fits) == 1 else None


def time_reversal_error(H: FourierLike) -> float:
    """Bound of |H(-k) - U H(k)^* U^dagger| at all k, for the best of U = 1 and both orders of spin.

    Energies at k and -k differ by no more than that.
    """
    operators = [np.eye(H.n_bands, dtype=np.complex128)]
    if H.n_bands % 2 == 0:
        operators += [_spin_operator(order, H.n_bands) for order in ORDERS]
    apart = [H.amplitudes - u @ H.amplitudes.conj() @ u.conj().T for u in operators]
    return min(map(_size, apart))


def symmetrize(
    H: FourierHamiltonian,
    *,
    time_reversal: ArrayLike | SpinOrder | Literal["auto"] | None = "auto",
    inversion: ArrayLike | None = None,
    operations: Sequence[Sequence[ArrayLike]] = (),
) -> Symmetrized:
    r"""Restore symmetries, and return how far the Hamiltonian is changed.

    .. math:: H \to \bar H = \frac{1}{|G|} \sum_{g \in G} g H g^{-1}, \qquad
        d \le \sum_R \| H_R - \bar H_R \|

    over the group that the given operations generate; with time reversal alone,
    :math:`\bar H_R = \tfrac12 (H_R + U H_R^* U^\dagger)`. An operation takes orbital a of cell R to

    .. math:: g \, |a, R\rangle = \sum_i U_{ia} \, |i, W R + T_{ia}\rangle, \qquad
        T_{ia} = W \tau_a + t - \tau_i

    A gap that is proven of the result to be larger than 2 d is open in the given Hamiltonian, too,
    and stays open on the straight way from one to the other.

    Parameters
    ----------
    H : FourierHamiltonian
        A single Hamiltonian.
    time_reversal : array-like of shape (n, n), or {"up first", "alternating", "auto"}, optional
        The unitary U of T = U K, a usual order of spin, "auto" to find that order, or None for
        no time reversal.
    inversion : array-like of shape (n, n), optional
        The unitary P with P H(k) P^-1 = H(-k), as for `z2_invariant`: W = -1, and orbitals stay in
        their cells.
    operations : sequence of (W, U) or (W, U, t), optional
        Unitary operations: W, integers of shape (dim, dim), takes lattice vectors R to W R; U has
        shape (n, n); t, of shape (dim,), is a translation in units of the primitive vectors. With
        t, the cells that orbitals move to follow from `positions`; without it, they stay in theirs.
        The operations need not be all of their group. Matrices U need six digits; the result has
        the symmetry as exactly as they are given.

    Returns
    -------
    Symmetrized
        Hamiltonian, distance, and the operator.

    Raises
    ------
    KindError
        If `H` is not a single Hamiltonian in Fourier form.
    InputError
        If `time_reversal` is not a unitary with U conj(U) = -1, or none is found; if another
        operator is not unitary, W no integer matrix of determinant 1 or -1, an operation takes
        orbitals where there are none, or all together generate no finite group.

    References
    ----------
    .. [1] D. Gresch *et al.*, Phys. Rev. Materials 2, 103805 (2018).

    Examples
    --------
    A square lattice whose bonds along y were weakened:

    >>> import numpy as np
    >>> import topophys as tp
    >>> uneven = tp.FourierHamiltonian({(1, 0): [[1.0]], (0, 1): [[0.98]]})
    >>> quarter = ([[0, -1], [1, 0]], [[1.0]])
    >>> even = symmetrize(uneven, time_reversal=None, operations=[quarter])
    >>> even.hamiltonian.hoppings[1, 0].item().real, round(even.distance, 6)
    (0.99, 0.04)

    >>> noise = tp.FourierHamiltonian({(0, 0): 0.01 * np.diag([1.0, 0.0, 0.0, 0.0])})
    >>> moved = symmetrize(tp.FourierHamiltonian(
    ...     {R: m + noise.hoppings.get(R, 0) for R, m in tp.models.bhz(1.0).hoppings.items()}))
    >>> round(moved.distance, 6), find_time_reversal(moved.hamiltonian)
    (0.005, 'up first')
    """
    _require_single(H)
    if np.abs(H.vectors).max(initial=0) > LARGEST:
        raise InputError(
            f"Argument `H` must have lattice vectors of components up to {LARGEST:g}, but has"
            f" {np.abs(H.vectors).max()}."
        )
    u: NDArray[np.complex128] | None = None
    if isinstance(time_reversal, str):
        u = _named(H, time_reversal)
    elif time_reversal is not None:
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
    if not isinstance(operations, Sequence):
        raise InputError(
            "Argument `operations` must be a sequence of (W, U) or (W, U, t), but is"
            f" {_validation.short(operations)}."
        )
    if inversion is None and not len(operations):
        if u is None:
            raise InputError(
                "Arguments `time_reversal`, `inversion` or `operations` must name a symmetry, but"
                " none of them does."
            )
        hoppings: Mapping[Any, ArrayLike] = dict(
            zip(map(tuple, H.vectors.tolist()), _reversed(H, u), strict=True)
        )
    else:
        unit = _operation(H, np.eye(H.dim), np.eye(H.n_bands), None, "operations")
        hoppings = _mean(H, unit, _given(H, unit, u, inversion, operations))
    made = FourierHamiltonian(hoppings, n_occupied=H._n_occupied, hermitian="average")
    # of what comes out, after everything that was rounded on the way
    mine, theirs = aligned((H.vectors, made.vectors), (H.amplitudes, made.amplitudes))[1]
    distance = _size(mine - theirs)
    made.lattice, made.positions, made.unit = primitive_vectors(H), H.positions, H.unit
    made._with_error(H.amplitude_error, ())
    same = H._select(())
    if type(same).amplitudes is FourierHamiltonian.amplitudes:  # keeps lattice, positions, filling
        same._amplitudes, same._vectors = made.amplitudes, made.vectors
        made = same
    return Symmetrized(made, distance, u)


class _Operation(NamedTuple):
    """W (dim, dim), U (n, n), cells T (n, n, dim), and whether amplitudes are conjugated."""

    turn: NDArray[np.int64]
    matrix: NDArray[np.complex128]
    cells: NDArray[np.int64]
    conjugates: bool

    def after(self, other: _Operation) -> _Operation:
        """Return the operation that does the other one first, then this one."""
        second = other.matrix.conj() if self.conjugates else other.matrix
        matrix = self.matrix @ second
        parts = np.abs(self.matrix)[:, :, None] * np.abs(second)[None]
        moved = self.cells[:, :, None] + (other.cells @ self.turn.T)[None]
        through = parts.argmax(1)
        i, a = np.indices(matrix.shape)
        cells = moved[i, through, a]
        if (parts[(moved != cells[:, None]).any(-1)] > KIND).any():
            raise InputError(
                "Argument `operations` must move an orbital as a whole, but parts of one come to"
                " different cells."
            )
        made = _Operation(self.turn @ other.turn, matrix, cells, self.conjugates ^ other.conjugates)
        return made.canonical()

    def canonical(self) -> _Operation:
        """Return the same without a common lattice vector, which changes no Hamiltonian."""
        used = np.abs(self.matrix) > KIND
        cells = np.where(used[..., None], self.cells - self.cells[used][0], 0)
        return self._replace(cells=cells)

    def miss(self, other: _Operation) -> float:
        """Largest difference of the matrices but for a phase; infinite where the rest differs."""
        if (
            self.conjugates != other.conjugates
            or (self.turn != other.turn).any()
            or (self.cells != other.cells).any()
        ):
            return np.inf
        overlap = np.vdot(self.matrix, other.matrix)
        if overlap == 0.0:
            return np.inf
        return float(np.abs(other.matrix - overlap / abs(overlap) * self.matrix).max())


def _operation(
    H: FourierHamiltonian, turn: ArrayLike, matrix: ArrayLike, shift: ArrayLike | None, name: str
) -> _Operation:
    """Check one operation; where it is given a translation, find the cells orbitals move to."""
    n, dim = H.n_bands, H.dim
    w = _validation.as_real(turn, f"{name}: W", f"(..., {dim}, {dim})")
    u = _validation.as_complex(matrix, f"{name}: U", f"(..., {n}, {n})")
    if (
        w.shape != (dim, dim)
        or np.abs(w).max() > LARGEST
        or (w != np.rint(w)).any()
        or abs(round(np.linalg.det(w))) != 1
    ):
        raise InputError(
            f"Argument `{name}` must have an integer matrix W of determinant 1 or -1, but has"
            f" {_validation.short(turn)}."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        off = float(np.abs(u @ u.conj().T - np.eye(n)).max()) if u.shape == (n, n) else np.inf
    if not off <= SAME:
        raise InputError(f"Argument `{name}` must have a unitary U, but deviates by {off:.3g}.")
    left, _, right = np.linalg.svd(u)
    u = left @ right  # the unitary matrix that the digits mean, so that errors do not add up
    cells = np.zeros((n, n, dim))
    if shift is not None:
        if H.positions is None:
            raise InputError(
                f"Argument `{name}` must come without a translation, or with `positions` of the"
                " orbitals of `H`, which has none."
            )
        t = _validation.as_real(shift, f"{name}: t", f"(..., {dim})")
        if t.shape != (dim,) or np.abs(t).max() > LARGEST:
            raise InputError(
                f"Argument `{name}` must have one translation t of {dim} numbers up to"
                f" {LARGEST:g}, but has {_validation.short(shift)}."
            )
        at = np.asarray(H.positions)
        exact = (at @ w.T + t)[None] - at[:, None]
        cells = np.rint(exact)
        away = np.where(np.abs(u) > KIND, np.abs(exact - cells).max(-1), 0.0)
        if away.max() > NEAR:
            i, a = np.unravel_index(int(away.argmax()), away.shape)
            raise InputError(
                f"Argument `{name}` must take orbitals to where U says, but takes orbital {a} to"
                f" {np.round(at[a] @ w.T + t, 4).tolist()}, and orbital {i} is at"
                f" {np.round(at[i], 4).tolist()} and in other cells."
            )
    return _Operation(w.astype(np.int64), u, cells.astype(np.int64), False).canonical()


def _given(
    H: FourierHamiltonian,
    unit: _Operation,
    reversal: NDArray[np.complex128] | None,
    inversion: ArrayLike | None,
    operations: Sequence[Sequence[ArrayLike]],
) -> list[_Operation]:
    """Check the operations that were given."""
    given = []
    if reversal is not None:
        given.append(unit._replace(matrix=reversal, conjugates=True))
    if inversion is not None:
        given.append(_operation(H, -np.eye(H.dim), inversion, None, "inversion"))
    for number, words in enumerate(operations):
        if not isinstance(words, (tuple, list)) or len(words) not in (2, 3):
            found = f"{len(words)} parts" if isinstance(words, (tuple, list)) else repr(words)
            raise InputError(
                f"Argument `operations` must hold (W, U) or (W, U, t), but has"
                f" {_validation.short(found)} at {number}."
            )
        shift = words[2] if len(words) == 3 else None
        given.append(_operation(H, words[0], words[1], shift, f"operations[{number}]"))
    return given


def _group(unit: _Operation, given: Sequence[_Operation]) -> list[_Operation]:
    """All operations that the given ones generate, up to phases and lattice translations."""
    group, fresh = [unit], [unit]
    nearest = np.inf
    while fresh:
        made: list[_Operation] = []
        for g in given:
            for h in fresh:
                new = g.after(h)
                miss = min(new.miss(known) for known in (*group, *made))
                if miss > SAME:
                    made.append(new)
                    nearest = min(nearest, miss)
        group, fresh = group + made, made
        if len(group) > LARGEST_GROUP:
            raise InputError(
                f"Argument `operations` must generate a group of at most {LARGEST_GROUP}"
                " operations, but generates more: a matrix W or U does not return to 1"
                + (f"; two of U differ by {nearest:.2g}." if nearest < np.inf else ".")
            )
    return group


def _turned(g: _Operation, hoppings: Hoppings) -> Hoppings:
    """Hoppings of the Hamiltonian after an operation."""
    used = np.abs(g.matrix) > KIND
    parts = {
        tuple(T): np.where((g.cells == T).all(-1) & used, g.matrix, 0.0)
        for T in np.unique(g.cells[used], axis=0).tolist()
    }
    made: Hoppings = {}
    for R, m in hoppings.items():
        turned = g.turn @ np.array(R)
        amplitude = m.conj() if g.conjugates else m
        for left, u in parts.items():
            for right, v in parts.items():
                key = tuple((turned + np.array(right) - np.array(left)).tolist())
                part = u @ amplitude @ v.conj().T
                made[key] = made[key] + part if key in made else part
    return made


def _apart(one: Hoppings, other: Hoppings) -> float:
    """Bound of the distance of two Hamiltonians in operator norm, at every momentum."""
    zero = np.zeros_like(next(iter(one.values())))
    return sum(
        float(np.linalg.norm(one.get(R, zero) - other.get(R, zero), 2)) for R in {*one, *other}
    )


def _mean(H: FourierHamiltonian, unit: _Operation, given: Sequence[_Operation]) -> Hoppings:
    """Mean over the group of some operations."""
    old: Hoppings = {tuple(R): m for R, m in H.hoppings.items()}
    mean: Hoppings = {}
    group = _group(unit, given)
    for g in group:
        for R, m in _turned(g, old).items():
            mean[R] = mean[R] + m / len(group) if R in mean else m / len(group)
    # whether these operations are a group is asked of the result: that it has each given one
    size = max(float(np.abs(m).max()) for m in old.values())
    for number, g in enumerate(given):
        off = _apart(_turned(g, mean), mean)
        if off > SAME * size * len(mean):
            raise InputError(
                "Arguments `time_reversal`, `inversion` and `operations` must generate a finite"
                f" group, but the mean over {len(group)} operations misses the given one at"
                f" {number} by {off:.2g}; give matrices U with all their digits."
            )
    return mean


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
            f" 'alternating' alone leaves the hoppings unchanged to {SHARE:.0%}; or be None, for no"
            " time reversal."
        )
    if H.n_bands % 2:
        raise InputError(
            "Argument `time_reversal` must be a matrix for an odd number of orbitals, but is"
            f" {order!r} for {H.n_bands}."
        )
    return _spin_operator("up first" if found == "up first" else "alternating", H.n_bands)
