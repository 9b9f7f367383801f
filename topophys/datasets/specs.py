"""The tables of a recipe, each key checked by itself."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from topophys.datasets.schema import Kind

__all__ = ["FAMILIES", "GIVEN", "HamiltonianSpec", "InputSpec", "LabelSpec", "SplitSpec"]

FamilyName: TypeAlias = Literal[
    "aiii_chains", "ssh_copies", "disordered_ssh", "two_band", "qwz", "haldane", "class_a",
    "given_chains", "given_two_band", "given_bands",
]  # fmt: skip


class Member(NamedTuple):
    """What follows from the name of a family."""

    kind: Kind
    dim: int
    invariant: Literal["winding", "chern"]
    keys: tuple[str, ...]


#: Kind of data set, dimension of k space, invariant, and the keys of the table `hamiltonian` that
#: have a meaning for it.
FAMILIES: Final[dict[str, Member]] = {
    "aiii_chains": Member("winding", 1, "winding", ("n_orbitals",)),
    "ssh_copies": Member("winding", 1, "winding", ("n_orbitals",)),
    "disordered_ssh": Member("winding", 1, "winding", ("n_orbitals", "disorder")),
    "two_band": Member("chern", 2, "chern", ()),
    "qwz": Member("chern", 2, "chern", ()),
    "haldane": Member("chern", 2, "chern", ()),
    "class_a": Member("bands", 2, "chern", ("n_bands", "n_occupied")),
    "given_chains": Member("winding", 1, "winding", ("n_orbitals",)),
    "given_two_band": Member("chern", 2, "chern", ()),
    "given_bands": Member("bands", 2, "chern", ("n_bands", "n_occupied")),
}
#: Families of Hamiltonians that were not drawn but given by a user, and their kinds.
GIVEN: Final[dict[str, Kind]] = {
    name: member.kind for name, member in FAMILIES.items() if name.startswith("given")
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
_Positive: TypeAlias = Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)]
_Range: TypeAlias = Annotated[int, Field(ge=1, le=64)]


class Table(BaseModel):
    # strict: 32.0 or "32" for an integer is a slip that should be seen, not repaired
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class HamiltonianSpec(Table):
    """Random family that the Hamiltonians are drawn from.

    Attributes
    ----------
    family : str
        Chains: "aiii_chains" (Gaussian blocks), "ssh_copies" (extended Su-Schrieffer-Heeger chains
        with Gaussian hoppings, mixed by constant unitaries), "disordered_ssh" (one chain with
        random hoppings and a cell of `n_orbitals` cells). Two bands in two dimensions: "two_band"
        (Gaussian d-vectors), "qwz" (Qi, Wu and Zhang, m in [-3, 3]) and "haldane" (m in [-2, 2], t2
        in [0.1, 0.5], any phi), both turned by random rotations. More bands: "class_a" (Gaussian
        hopping matrices). "given_chains", "given_two_band" and "given_bands" were not drawn but
        labelled by `label`.
    n_orbitals : int
        Orbitals per sublattice, for chains.
    hopping_range : int
        Largest distance of a hopping along each direction, in cells.
    n_bands, n_occupied : int, optional
        For `class_a`; half of the bands are occupied where not given.
    disorder : float, optional
        Width of the distribution of hoppings around 1, for `disordered_ssh`.
    """

    family: FamilyName
    n_orbitals: Annotated[int, Field(ge=1, le=64)] = 2
    hopping_range: _Range
    n_bands: Annotated[int, Field(ge=2, le=64)] | None = None
    n_occupied: Annotated[int, Field(ge=1, le=63)] | None = None
    disorder: Annotated[float, Field(gt=0.0, le=2.0, allow_inf_nan=False)] | None = None

    @property
    def filled(self) -> int:
        """Number of occupied bands."""
        return self.n_occupied or (self.n_bands or 2) // 2

    @property
    def channels(self) -> tuple[int | None, ...]:
        """What fixes the number of input channels; equal in all splits."""
        chains = "n_orbitals" in FAMILIES[self.family].keys
        return (self.n_orbitals if chains else None), self.n_bands, self.n_occupied


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
    grid, min_gap, hopping_range, hamiltonian : optional
        As in the tables of the recipe, for this split only.
    max_gap : float, optional
        Keep only Hamiltonians whose gap was seen to be below this value at some k.
    noise : float, optional
        Standard deviation of Gaussian noise on the stored `x`; everything else stays clean.
    gauge_of : str, optional
        Name of another split: sample i is its sample i in another basis, with another origin of k.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    size: Annotated[int, Field(ge=1, le=10**10)]
    classes: _Classes
    grid: _Grid | None = None
    min_gap: _Gap | None = None
    hopping_range: _Range | None = None
    max_gap: _Positive | None = None
    noise: _Positive | None = None
    gauge_of: str | None = None
    hamiltonian: HamiltonianSpec | None = None

    @property
    def split_id(self) -> int:
        """First 32 bits of the SHA-256 of the name: stable when other splits come and go."""
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4], "big")
