"""What is asked of a family of Hamiltonians: ranges, quantity, filling, symmetry."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from topophys import _validation
from topophys._typing import FourierLike, is_block_like
from topophys.errors import InputError, KindError
from topophys.invariants._limits import check_min_gap, depth_up_to
from topophys.invariants._parameter_space import (
    COMPARED,
    DEEPEST,
    Dependence,
    Expansion,
    Family,
    Given,
)
from topophys.invariants._symmetry import Operator
from topophys.kernels.rounding import at_most

__all__ = [
    "NAMES",
    "check_numbers",
    "domain_of",
    "filling_of",
    "function_of",
    "is_model",
    "kind_of",
    "space_of",
    "symmetric_part",
]

NAMES: Final = {
    "winding": "winding number", "chern": "Chern number", "z2": "Z2 invariant", "gap": "gap",
}  # fmt: skip
#: Ranges of parameters whose halves and sums are safe in float64.
SMALLEST_RANGE: Final = 1e-290
LARGEST_RANGE: Final = 1e300


def domain_of(parameters: Any) -> tuple[tuple[str, ...], Any]:
    """Names and ranges (P, 2) of parameters."""
    if not isinstance(parameters, Mapping) or not 1 <= len(parameters) <= 3:
        raise InputError(
            "Argument `parameters` must give ranges of one to three parameters, such as"
            f" {{'m': (-3, 3)}}, but is {_validation.short(parameters)}."
        )
    rows = []
    for name, ends in parameters.items():
        pair = _validation.as_real(ends, f"parameters[{name!r}]", "(..., 2)")
        if pair.shape != (2,) or not pair[0] < pair[1]:
            raise InputError(
                f"Argument `parameters[{name!r}]` must be a pair (lower, upper) with lower below"
                f" upper, but is {_validation.short(ends)}."
            )
        width, largest = 0.5 * pair[1] - 0.5 * pair[0], float(np.abs(pair).max())
        if not (width > SMALLEST_RANGE and width > 5e-10 * largest and largest < LARGEST_RANGE):
            raise InputError(
                f"Argument `parameters[{name!r}]` must be a range within -{LARGEST_RANGE:g} to"
                f" {LARGEST_RANGE:g} that is wider than {SMALLEST_RANGE:g} and than 1e-9 of its"
                f" ends, but is {_validation.short(ends)}; give the parameter in another unit."
            )
        rows.append(pair)
    return tuple(parameters), np.array(rows)


def function_of(
    family: Any,
    fixed: dict[str, Any],
    dependence: Mapping[str, Any] | None,
    lipschitz: Mapping[str, float] | None,
) -> tuple[Callable[..., FourierLike], Mapping[str, Any] | None, dict[str, Any]]:
    """Return the function, what is known of its dependence, and parameters that are held."""
    if not callable(family):
        raise KindError(
            "Argument `family` must be a function of parameters, such as `tp.models.haldane`, but"
            f" is {_validation.short(family)}."
        )
    if dependence is not None and lipschitz is not None:
        raise InputError("Arguments `dependence` and `lipschitz` must not be given together.")
    given: Any
    for name, given, like in (
        ("dependence", dependence, "'affine'"),
        ("lipschitz", lipschitz, "2.0"),
    ):
        if given is not None and not isinstance(given, Mapping):
            raise InputError(
                f"Argument `{name}` must say it for each parameter, such as {{'m': {like}}}, but"
                f" is {_validation.short(given)}."
            )
    inner: Any = family
    while isinstance(inner, functools.partial):
        inner = inner.func
    known = dependence if dependence is not None else getattr(inner, "dependence", None)
    return family, known, fixed


def is_model(function: Any) -> bool:
    """Whether this is a model of the package, whose dependence is known."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.isfunction(function) and function.__module__.startswith("topophys.models.")


def check_numbers(share: float, min_gap: float, max_depth: int, max_evaluations: int) -> None:
    if not 0.0 < share <= 1.0:
        raise InputError(f"Argument `share` must be above 0 and at most 1, but is {share}.")
    check_min_gap(min_gap)
    depth_up_to(DEEPEST, max_depth)
    _validation.positive_int(max_evaluations, "max_evaluations")


def kind_of(quantity: str, h: FourierLike, time_reversal: Any) -> str:
    """Which quantity; refuse one that the Hamiltonians do not have."""
    dim, chain = int(h.vectors.shape[1]), is_block_like(h)
    if quantity == "auto":
        quantity = "winding" if chain else ("chern" if dim == 2 else "gap")
        if time_reversal is not None:
            quantity = "z2"
    needs = {"winding": chain, "chern": dim == 2, "z2": dim == 2, "gap": 1 <= dim <= 3}
    if not needs[quantity]:
        what = {"winding": "a ChiralHamiltonian", "gap": "a Hamiltonian in one to three dimensions"}
        raise KindError(
            f"Argument `family` must return {what.get(quantity, 'a Hamiltonian in two dimensions')}"
            f" for the {NAMES[quantity]}, but returned {_validation.short(h)}."
        )
    if (quantity == "z2") != (time_reversal is not None):
        raise InputError(
            "Argument `time_reversal` must be given for quantity='z2', and only then: the invariant"
            " is one of that symmetry."
        )
    return quantity


def filling_of(kind: str, h: FourierLike, n_occupied: int | None) -> int:
    """Return the number of occupied bands."""
    if kind == "winding":
        if n_occupied is not None:
            raise InputError("Argument `n_occupied` must be left out for winding numbers.")
        return h.n_bands // 2
    return _validation.occupied(h.n_occupied if n_occupied is None else n_occupied, h.n_bands)


def space_of(
    function: Callable[..., FourierLike],
    names: tuple[str, ...],
    domain: NDArray[np.float64],
    known: Mapping[str, Any] | None,
    lipschitz: Mapping[str, float] | None,
    declared: bool,
) -> Family:
    """Return the family with bounds of its change."""
    low, high = np.ascontiguousarray(domain[:, 0]), np.ascontiguousarray(domain[:, 1])
    if lipschitz is not None:
        _require_names(lipschitz, names, "lipschitz")
        constants = np.array([float(lipschitz[n]) for n in names])
        if not (np.isfinite(constants) & (constants >= 0.0)).all():
            raise InputError(
                "Argument `lipschitz` must hold finite numbers >= 0, but is"
                f" {_validation.short(lipschitz)}."
            )
        return Given(function, names, low, high, constants)
    if known is None:
        raise InputError(
            f"Argument `family` must say how it depends on {', '.join(names)}; give"
            f" dependence={{{names[0]!r}: 'affine'}} (or 'trigonometric'), or a bound of its"
            " derivative as `lipschitz`."
        )
    _require_names(known, names, "dependence")
    kinds = tuple(Dependence.of(known[n], n) for n in names)
    return Expansion.of(function, names, low, high, kinds, declared=declared)


def _require_names(given: Mapping[str, Any], names: tuple[str, ...], argument: str) -> None:
    missing = [n for n in names if n not in given]
    if missing:
        raise InputError(
            f"Argument `{argument}` must name every parameter, but lacks {', '.join(missing)}; it"
            f" names {', '.join(map(str, given)) or 'none'}."
        )


def symmetric_part(
    kind: str, space: Family, operator: Operator | None, n_bands: int
) -> tuple[float, tuple[str, ...]]:
    """How far the family is from the one that the invariant is about, and what is trusted."""
    notes: tuple[str, ...] = ()
    if isinstance(space, Given):
        notes = ("the Lipschitz constants were given, and are taken on trust",)
    elif space.declared is not None:
        message = (
            "the dependence on parameters was declared; it was compared with the function at the"
            f" centres of boxes, of the {COMPARED} largest where there are more, and is taken on"
            " trust in between"
        )
        notes = (message,)
    if kind == "winding" and isinstance(space, Expansion):
        half = n_bands // 2
        c = space.coefficients
        if np.abs(c[..., :half, :half]).any() or np.abs(c[..., half:, half:]).any():
            raise KindError("Argument `family` must return chiral chains everywhere, but does not.")
    if operator is None:
        return 0.0, notes
    if not isinstance(space, Expansion):
        raise InputError(
            "Argument `dependence` must be given for a Z2 invariant, not `lipschitz`: time reversal"
            " has to hold on the whole family."
        )
    off = space.violation(np.asarray(operator.matrix), operator.error)
    away = at_most(0.5 * off, 3)
    return 0.5 * off, (*notes, f"of the symmetrised family, at most {away} from the given")
