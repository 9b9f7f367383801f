"""The tables of a recipe, each key checked by itself."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from topophys.datasets.schema import Kind

__all__ = ["FAMILIES", "HamiltonianSpec", "InputSpec", "LabelSpec", "SplitSpec"]

#: Invariant and dimension of k space that belong to each family.
FAMILIES: Final[dict[str, tuple[Kind, int]]] = {
    "aiii_chains": ("winding", 1),
    "two_band": ("chern", 2),
}
#: Largest absolute value of a class; labels beyond it are typing errors.
LARGEST_CLASS: Final = 1000

_Grid: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(min_length=1, max_length=2)
]
_Classes: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=-LARGEST_CLASS, le=LARGEST_CLASS)], ...], Field(min_length=1)
]
_Gap: TypeAlias = Annotated[float, Field(ge=0.0, le=10.0, allow_inf_nan=False)]
_Range: TypeAlias = Annotated[int, Field(ge=1, le=16)]


class Table(BaseModel):
    # strict: 32.0 or "32" for an integer is a slip that should be seen, not repaired
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class HamiltonianSpec(Table):
    """Random family that the Hamiltonians are drawn from.

    Attributes
    ----------
    family : {"aiii_chains", "two_band"}
        Name of the ensemble in `topophys.ensembles`.
    n_orbitals : int
        Orbitals per sublattice, for `aiii_chains`.
    hopping_range : int
        Largest distance of a hopping along each direction, in cells.
    """

    family: Literal["aiii_chains", "two_band"]
    n_orbitals: Annotated[int, Field(ge=1, le=16)] = 2
    hopping_range: _Range


class LabelSpec(Table):
    """What the samples are labelled with.

    Attributes
    ----------
    invariant : {"winding", "chern"}
        Invariant, certified for the continuous Hamiltonian.
    min_gap : float
        Smallest proven energy gap of a sample, in units of the rms band energy.
    """

    invariant: Literal["winding", "chern"]
    min_gap: _Gap = 0.0


class InputSpec(Table):
    """How a Hamiltonian becomes the input of a network.

    Attributes
    ----------
    flatten : bool
        Flatten the bands: polar factor of the block, unit d-vectors.
    grid : tuple of int
        Number of k points along each direction.
    """

    flatten: bool = True
    grid: _Grid


class SplitSpec(Table):
    """One part of the data set; what it leaves out it takes from the recipe.

    Attributes
    ----------
    name : str
        Name of the split. The random stream hangs on it: no other split has any influence.
    size : int
        Number of samples.
    classes : tuple of int
        Values of the invariant, in equal numbers; a remainder goes to the smallest values.
    grid, min_gap, hopping_range : optional
        As in the tables of the recipe, for this split only.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    size: Annotated[int, Field(ge=1, le=10**10)]
    classes: _Classes
    grid: _Grid | None = None
    min_gap: _Gap | None = None
    hopping_range: _Range | None = None

    @property
    def split_id(self) -> int:
        """First 32 bits of the SHA-256 of the name: stable when other splits come and go."""
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4], "big")
