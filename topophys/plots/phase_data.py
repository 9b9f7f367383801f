"""Proven integers over a plane of two parameters of a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike, NDArray

from topophys import _checks
from topophys._typing import FourierLike, is_block_like, is_fourier_like
from topophys.errors import InputError, KindError, ShapeError
from topophys.invariants.certificate import Certificate
from topophys.invariants.certify_chern import certify_chern
from topophys.invariants.certify_winding import certify_winding
from topophys.plots._planes import even

__all__ = ["PhasePlane", "phase_diagram_data"]

Axis: TypeAlias = tuple[str, ArrayLike]
Invariant: TypeAlias = Literal["auto", "winding", "chern"]


@dataclass(frozen=True, eq=False)
class PhasePlane:
    """Invariants over a plane of two parameters, each with its status.

    Attributes
    ----------
    names : (str, str)
        Names of the parameters along the first and the second axis.
    x, y : float64 ndarray of shape (Nx,), (Ny,)
        Their values.
    quantity : str
        "winding number" or "Chern number".
    value : int64 ndarray of shape (Nx, Ny)
        The invariant; the smallest int64 where unresolved.
    status : str ndarray of shape (Nx, Ny)
        "certified" or "unresolved".
    gap_lower : float64 ndarray of shape (Nx, Ny)
        Proven lower bound of the gap, in the units of the hoppings; 0 where unresolved.
    """

    names: tuple[str, str]
    x: Float[np.ndarray, " Nx"]
    y: Float[np.ndarray, " Ny"]
    quantity: str
    value: Int[np.ndarray, "Nx Ny"]
    status: Shaped[np.ndarray, "Nx Ny"]
    gap_lower: Float[np.ndarray, "Nx Ny"]

    def __repr__(self) -> str:
        known = self.status == "certified"
        values, counts = np.unique(self.value[known], return_counts=True)
        pairs = [f"{v:+d}: {c}" for v, c in zip(values, counts, strict=True)]
        lines = [f"Phase diagram of the {self.quantity}: {known.sum()} of {known.size} certified"]
        for name, points in zip(self.names, (self.x, self.y), strict=True):
            lines.append(f"  {name:<16} {points.size} from {points[0]:.3g} to {points[-1]:.3g}")
        lines.append(f"  value            {', '.join(pairs) or 'none'}")
        return "\n".join(lines)


def phase_diagram_data(
    model: Callable[..., Any],
    *,
    x: Axis,
    y: Axis,
    fixed: Mapping[str, Any] | None = None,
    invariant: Invariant = "auto",
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_evaluations: int = 100_000,
) -> PhasePlane:
    r"""Certify an invariant over a plane of two parameters of a model, as one batch.

    Parameters
    ----------
    model : callable
        Function of keyword parameters, which may be arrays, that returns a Hamiltonian, such as
        those in `topophys.models`.
    x, y : (str, array-like of shape (N,))
        Name of a parameter and its values, rising in even steps.
    fixed : mapping of str to value, optional
        The other parameters.
    invariant : {"auto", "winding", "chern"}, optional
        What to certify; what the Hamiltonian has where "auto".
    n_occupied : int, optional
        Number of occupied bands, for Chern numbers; that of the Hamiltonian where not given.
    min_gap : float, optional
        Certify only what is proven to have at least this gap, in the units of the hoppings.
    max_evaluations : int, optional
        How many k points may be looked at per Hamiltonian.

    Returns
    -------
    PhasePlane
        Values, status and gap bounds of shape (Nx, Ny).

    Raises
    ------
    ShapeError, InputError
        If values are not evenly spaced, parameters do not fit the model, or it makes no batch.
    KindError
        If the model returns no Hamiltonian, or one without that invariant.

    References
    ----------
    .. [1] D. J. Thouless, M. Kohmoto, M. P. Nightingale, M. den Nijs, Phys. Rev. Lett. 49,
       405 (1982).

    Examples
    --------
    >>> import topophys as tp
    >>> phase_diagram_data(tp.models.kitaev_chain, x=("mu", [-3, -1, 1, 3]),
    ...                    y=("delta", [-0.5, 0.5]), fixed={"t": 1.0})
    Phase diagram of the winding number: 8 of 8 certified
      mu               4 from -3 to 3
      delta            2 from -0.5 to 0.5
      value            -1: 2, +0: 4, +1: 2
    """
    _checks.one_of(invariant, "invariant", ("auto", "winding", "chern"))
    (name_x, across), (name_y, up) = _axis(x, "x"), _axis(y, "y")
    others = dict(fixed or {})
    if len({name_x, name_y, *others}) < 2 + len(others):
        raise InputError(
            "Arguments `x`, `y` and `fixed` must name each parameter once, but name"
            f" {', '.join([name_x, name_y, *others])}."
        )
    plane_x, plane_y = np.meshgrid(across, up, indexing="ij")
    H = _batch(model, {name_x: plane_x, name_y: plane_y, **others}, plane_x.shape)
    limits = {"min_gap": min_gap, "max_evaluations": max_evaluations}
    proof = _certify(H, invariant, n_occupied, limits)
    return PhasePlane(
        (name_x, name_y), across, up, proof.quantity, proof.value, proof.status, proof.gap_lower
    )


def _axis(given: Any, name: str) -> tuple[str, NDArray[np.float64]]:
    pair = isinstance(given, tuple | list) and len(given) == 2
    if not pair or not isinstance(given[0], str):
        raise InputError(f"Argument `{name}` must be a pair (name of a parameter, its values).")
    return given[0], even(given[1], f"{name}[1]")


def _batch(model: Any, parameters: dict[str, Any], shape: tuple[int, ...]) -> FourierLike:
    if not callable(model):
        raise KindError(
            "Argument `model` must be a function of parameters, such as `tp.models.haldane`, but is"
            f" {_checks.short(model)}."
        )
    try:
        inspect.signature(model).bind(**parameters)
    except TypeError as error:
        raise InputError(
            f"Argument `model` must take exactly the parameters {', '.join(parameters)}, but does"
            f" not: {error}."
        ) from None
    found = model(**parameters)
    if not is_fourier_like(found):
        raise KindError(
            "Argument `model` must return a Hamiltonian in Fourier form, but returned"
            f" {_checks.short(found)}."
        )
    if found.batch_shape != shape:
        raise ShapeError(
            f"Argument `model` must return a batch of shape {shape} when its parameters are arrays"
            f" of that shape, but returned {found.batch_shape}."
        )
    return found


def _certify(
    H: FourierLike, invariant: Invariant, n_occupied: int | None, options: dict[str, Any]
) -> Certificate:
    chain, dim = is_block_like(H), H.vectors.shape[1]
    if invariant == "winding" or (invariant == "auto" and chain):
        if n_occupied is not None:
            raise InputError("Argument `n_occupied` must be left out for winding numbers.")
        if is_block_like(H):
            return certify_winding(H, **options)
        raise KindError(
            "Argument `model` must return a ChiralHamiltonian for winding numbers, but returned"
            f" {_checks.short(H)}."
        )
    if dim != 2:
        raise KindError(
            "Argument `model` must return Hamiltonians in two dimensions for Chern numbers, but"
            f" returned {_checks.short(H)}."
        )
    return certify_chern(H, n_occupied=n_occupied, **options)
