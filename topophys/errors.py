"""Every exception that topophys raises on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

__all__ = [
    "CheckpointError",
    "DatasetError",
    "FillingError",
    "GaplessError",
    "HermiticityError",
    "InputError",
    "KindError",
    "MissingPackageError",
    "OutputError",
    "RecipeError",
    "SchemaError",
    "ShapeError",
    "TopophysError",
    "UnresolvedError",
]


class TopophysError(Exception):
    """Base class: ``except TopophysError`` catches everything raised on purpose."""

    def __str__(self) -> str:
        """Message on one line, also where it quotes a value whose text has several."""
        return " ".join(line.strip() for line in super().__str__().splitlines())


class InputError(TopophysError, ValueError):
    """An argument has a value that makes no sense (NaN, negative count, unknown option)."""


class FillingError(InputError, AttributeError):
    """Nothing says how many bands of a material are occupied, and the question depends on it."""


class MissingPackageError(InputError, ImportError):
    """A package that only an extra of the installation brings is not installed."""


class KindError(TopophysError, TypeError):
    """An argument is of the wrong kind, for example a Hamiltonian without a chiral block."""


class ShapeError(TopophysError, ValueError):
    """An array argument has the wrong number or length of axes."""


class HermiticityError(TopophysError, ValueError):
    """Hoppings do not satisfy H(-R) = H(R)^dagger."""


class RecipeError(TopophysError, ValueError):
    """A recipe or configuration has an unknown key, a missing key or an impossible value."""


class DatasetError(TopophysError, OSError):
    """A data file is missing, truncated or unreadable."""


class SchemaError(TopophysError, ValueError):
    """A data file is readable but is not what the schema says."""


class CheckpointError(TopophysError, ValueError):
    """A run folder or checkpoint is missing, foreign, truncated or of another version."""


class NotFittedError(TopophysError, ValueError, AttributeError):
    """A model is asked before it was trained."""


class OutputError(TopophysError, OSError):
    """A result cannot be written where it was asked for."""


def _which(indices: Sequence[int]) -> str:
    return ", ".join(map(str, indices[:5])) + (", ..." if len(indices) > 5 else "")


class GaplessError(TopophysError, ValueError):
    """An invariant was asked of samples on which it is not defined because the gap closes.

    Attributes
    ----------
    indices : tuple of int
        Positions, in the flattened batch, of the Hamiltonians without a gap.
    """

    def __init__(
        self, quantity: str, indices: Sequence[int], n_batch: int, *, mask: bool = False
    ) -> None:
        self.indices = tuple(int(i) for i in indices)
        self._given = (quantity, self.indices, n_batch, mask)
        hint = "Drop them first" + (", or pass `on_unresolved='mask'`." if mask else ".")
        super().__init__(
            f"`{quantity}` must be given gapped Hamiltonians, but {len(self.indices)} of {n_batch}"
            f" are gapless on this grid (batch index {_which(self.indices)}). {hint}"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        quantity, indices, n_batch, mask = self._given
        return partial(type(self), mask=mask), (quantity, indices, n_batch)


#: What to do about each reason of `Certificate.reason`.
REMEDIES: Final = {
    "budget": "raise `max_evaluations`",
    "depth": "raise `max_depth`",
    "rounding": "float64 cannot decide",
    "symmetry": "the symmetry is violated by half of the proven gap or more",
    "closed gap": "the gap met is zero to rounding",
    "small gap": "the gap met is below `min_gap`",
    "layers": "a plane has a Chern number, so that the angle depends on the origin",
}


def why(reasons: Sequence[str]) -> str:
    """Count the reasons of unproven Hamiltonians and say what to do about each.

    Parameters
    ----------
    reasons : sequence of str
        Keys of `REMEDIES`; others are left out.

    Returns
    -------
    str
        Such as "2 depth (raise `max_depth`), 1 closed gap (the gap met is zero to rounding)".
    """
    counts = [(reasons.count(reason), reason) for reason in REMEDIES]
    return ", ".join(
        f"{n} {reason}{'s' * (n > 1 and reason.endswith('gap'))} ({REMEDIES[reason]})"
        for n, reason in counts
        if n
    )


class UnresolvedError(TopophysError, ValueError):
    """A certificate was demanded for Hamiltonians for which none was found.

    Attributes
    ----------
    indices : tuple of int
        Positions, in the flattened batch, of the Hamiltonians without a certificate.
    reasons : tuple of str
        Why, one for each index; empty where not known.
    """

    def __init__(
        self,
        quantity: str,
        indices: Sequence[int],
        n_batch: int,
        reasons: Sequence[str] = (),
        detail: str = "",
    ) -> None:
        self.indices = tuple(int(i) for i in indices)
        self.reasons = tuple(map(str, reasons))
        self._given = (quantity, self.indices, n_batch, self.reasons, detail)
        message = detail or why(self.reasons) or "gapless, or a gap too small for `max_depth`"
        super().__init__(
            f"`{quantity}` found no certificate for {len(self.indices)} of {n_batch} Hamiltonians"
            f" (batch index {_which(self.indices)}): {message}."
            " Pass `on_unresolved='mask'` to get the others, and look at `.reason`."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._given
