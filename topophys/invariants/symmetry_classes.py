"""Symmetry classes of the tenfold way, from operators that are checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._typing import FourierLike, is_fourier_like
from topophys.errors import InputError, KindError, ShapeError
from topophys.invariants._scaling import divide_out
from topophys.invariants._slices import rows_of
from topophys.invariants._symmetry import KIND, spin_reversal
from topophys.invariants.chiral_3d import chiral_operator
from topophys.invariants.majorana import particle_hole_operator
from topophys.kernels.rounding import UP, upper_bound

__all__ = ["SymmetryClass", "symmetry_class"]

#: Class by the squares of T and C (0 where there is none) and whether there is a chiral operator.
CLASSES: Final[Mapping[tuple[int, int, bool], str]] = {
    (0, 0, False): "A", (0, 0, True): "AIII",
    (1, 0, False): "AI", (1, 1, True): "BDI", (0, 1, False): "D", (-1, 1, True): "DIII",
    (-1, 0, False): "AII", (-1, -1, True): "CII", (0, -1, False): "C", (1, -1, True): "CI",
}  # fmt: skip
#: Real classes in the order of the periodic table.
REAL: Final = ("AI", "BDI", "D", "DIII", "AII", "CII", "C", "CI")
#: Their groups by the place in that order, less the dimension, modulo 8.
GROUPS: Final = {0: "Z", 1: "Z2", 2: "Z2", 4: "2Z"}


def group_of(name: str, dim: int) -> str:
    """Group of the strong invariants of a class: "Z", "2Z", "Z2" or "0".

    Examples
    --------
    >>> [group_of(name, 2) for name in ("A", "AIII", "D", "AII", "C")]
    ['Z', '0', 'Z', 'Z2', '2Z']
    """
    if name == "A":
        return "0" if dim % 2 else "Z"
    if name == "AIII":
        return "Z" if dim % 2 else "0"
    return GROUPS.get((REAL.index(name) - dim) % 8, "0")


@dataclass(frozen=True, eq=False)
class SymmetryClass:
    """A class of the tenfold way, with its evidence.

    Attributes
    ----------
    name : str
        "A", "AIII", "AI", "BDI", "D", "DIII", "AII", "CII", "C" or "CI".
    dim : int
        Dimension of the Hamiltonian.
    group : str
        Strong invariants of gapped Hamiltonians of this class and dimension: "Z", "2Z", "Z2" or
        "0".
    time_reversal, particle_hole : int
        Square of the operator, 1 or -1; 0 where none was given.
    chiral : bool
        Whether there is a chiral operator: given, or the product of the other two.
    violations : mapping of str to float
        Bound of twice the distance, in norm and over all k and the batch, of the Hamiltonian from
        one that has the symmetry, in the units of the hoppings.

    Examples
    --------
    >>> import topophys as tp
    >>> print(tp.symmetry_class(tp.models.bhz(1.0), time_reversal="up first"))
    class AII in 2D: strong invariants Z2; T^2 = -1 (violated by up to 0)
    """

    name: str
    dim: int
    group: str
    time_reversal: int
    particle_hole: int
    chiral: bool
    violations: Mapping[str, float]

    def __str__(self) -> str:
        parts = []
        for letter, square, key in (("T", self.time_reversal, "time_reversal"),
                                    ("C", self.particle_hole, "particle_hole")):  # fmt: skip
            if square:
                off = self.violations[key]
                parts.append(f"{letter}^2 = {square:+d} (violated by up to {off:.3g})")
        if "chiral" in self.violations:
            parts.append(f"chiral (violated by up to {self.violations['chiral']:.3g})")
        what = f"class {self.name} in {self.dim}D: strong invariants {self.group}"
        return "; ".join([what, ", ".join(parts) or "no symmetry given"])


def symmetry_class(
    h: FourierLike,
    *,
    time_reversal: ArrayLike | Literal["up first", "alternating"] | None = None,
    particle_hole: ArrayLike | Literal["nambu", "alternating", "majorana"] | None = None,
    chiral: ArrayLike | Literal["blocks", "alternating"] | None = None,
    tolerance: float = 1e-9,
) -> SymmetryClass:
    r"""Find the class of the tenfold way of a Hamiltonian with the given symmetries.

    .. math:: U_T \overline{H(-k)} U_T^\dagger = H(k), \quad
        U_C \overline{H(-k)} U_C^\dagger = -H(k), \quad
        \Gamma H(k) \Gamma^\dagger = -H(k), \qquad U \bar U = \pm 1

    Symmetries are not searched for: a class is a choice of what perturbations are allowed. What is
    given is checked, and the violation reported.

    Parameters
    ----------
    h : FourierHamiltonian
        Hamiltonian, or a batch.
    time_reversal, particle_hole : array-like of shape (n, n) or str, optional
        Unitary U of T = U K and of C = U K; or the order of the basis, as for `z2_invariant` and
        `majorana_number`.
    chiral : array-like of shape (n, n) or str, optional
        Chiral operator, as for `winding_3d`; follows from the other two where both are given.
    tolerance : float, optional
        Largest violation, relative to the largest sum of norms of hoppings.

    Returns
    -------
    SymmetryClass
        Name, group of invariants, squares and violations.

    Raises
    ------
    KindError
        If `h` is no Hamiltonian in Fourier form.
    ShapeError, InputError
        If an operator is not of its kind to six digits, the Hamiltonian does not have the
        symmetry, or a chiral operator comes with one of the other two only.

    References
    ----------
    .. [1] A. Altland, M. R. Zirnbauer, Phys. Rev. B 55, 1142 (1997).
    .. [2] A. Kitaev, AIP Conf. Proc. 1134, 22 (2009).
    .. [3] C.-K. Chiu, J. C. Y. Teo, A. P. Schnyder, S. Ryu, Rev. Mod. Phys. 88, 035005 (2016).

    Examples
    --------
    >>> import topophys as tp
    >>> chain = tp.models.kitaev_chain_bdg(0.5, 1.0, 0.7, phase=0.3)
    >>> found = symmetry_class(chain, particle_hole="nambu")
    >>> found.name, found.group
    ('D', 'Z2')
    """
    if not is_fourier_like(h):
        raise KindError(
            f"Argument `h` must be a Hamiltonian in Fourier form, but is {_validation.short(h)}."
        )
    if not 0.0 <= tolerance < math.inf:
        raise InputError(f"Argument `tolerance` must be a number >= 0, but is {tolerance}.")
    n = h.n_bands
    squares, violations = {"time_reversal": 0, "particle_hole": 0}, {}
    for name, operator, sign in (("time_reversal", time_reversal, 1.0),
                                 ("particle_hole", particle_hole, -1.0)):  # fmt: skip
        if operator is not None:
            u = _antiunitary(operator, name, n)
            squares[name] = _square(u, name)
            violations[name] = _violation(h, u, sign, conjugates=True, name=name, most=tolerance)
    both = all(squares.values())
    if chiral is not None:
        gamma = chiral_operator(chiral, n).operator.matrix
        violations["chiral"] = _violation(
            h, gamma, -1.0, conjugates=False, name="chiral", most=tolerance
        )
        if any(squares.values()) and not both:
            raise InputError(
                "Argument `chiral` must come alone or with both other operators: with one of them"
                " its product with that is the other, whose square has to be known."
            )
    key = (squares["time_reversal"], squares["particle_hole"], chiral is not None or both)
    name, dim = CLASSES[key], int(h.vectors.shape[1])
    return SymmetryClass(name, dim, group_of(name, dim), key[0], key[1], key[2], violations)


def _antiunitary(operator: ArrayLike | str, name: str, n: int) -> NDArray[np.complex128]:
    """Matrix U of U K."""
    if isinstance(operator, str):
        if name == "particle_hole":
            return particle_hole_operator(operator, n).operator.matrix
        _validation.one_of(operator, name, ("up first", "alternating"))
        return spin_reversal(operator, n)
    u = _validation.as_complex(operator, name, "(..., n, n)")
    if u.shape != (n, n):
        raise ShapeError(f"Argument `{name}` must have shape ({n}, {n}), but has {u.shape}.")
    return u


def _square(u: NDArray[np.complex128], name: str) -> int:
    """Square of U K, 1 or -1."""
    off, square = float(np.abs(u).max()), 0
    if off < 2.0:  # products of others may leave the range
        one, product = np.eye(len(u)), u @ u.conj()
        square = 1 if np.trace(product).real > 0.0 else -1
        off = max(np.abs(u @ u.conj().T - one).max(), np.abs(product - square * one).max())
    if off > KIND:
        raise InputError(
            f"Argument `{name}` must be unitary with U conj(U) = 1 or -1 to six digits, but"
            f" deviates by {off:.3g}."
        )
    return square


def _violation(
    h: FourierLike,
    u: NDArray[np.complex128],
    sign: float,
    *,
    conjugates: bool,
    name: str,
    most: float,
) -> float:
    """Bound of sup_k |S H S^-1 - sign H|; refuses more than `most` of the sum of norms."""
    rows, exponent = divide_out(rows_of(h))
    image = u @ (rows.conj() if conjugates else rows) @ u.conj().T
    size = np.linalg.norm(rows, axis=(-2, -1)).sum(-1)
    off = np.linalg.norm(image - sign * rows, axis=(-2, -1)).sum(-1) * UP
    bad = off > (most + 2.0**-44) * size
    if bad.any():
        worst = float((off[bad] / size[bad]).max())
        raise InputError(
            f"Argument `h` must have the symmetry `{name}`, but violates it by {worst:.3g} of the"
            f" sum of its hoppings (`tolerance` is {most:.3g})."
        )
    return float(upper_bound(off, exponent).max(initial=0.0))
