"""Recipes: everything that determines a data set, as a small TOML file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from topophys._io import parse_toml, read_text
from topophys.datasets import _messages
from topophys.datasets.schema import shards
from topophys.datasets.tasks import FAMILIES, GIVEN, get_task
from topophys.errors import RecipeError

__all__ = [
    "FAMILIES",
    "GIVEN",
    "HamiltonianSpec",
    "InputSpec",
    "LabelSpec",
    "Recipe",
    "SplitSpec",
    "check_consistent",
]


# ----------------------------------------------- The tables of a recipe, each key checked by itself


def _one_of(value: Any, names: Sequence[str]) -> Any:
    """Refuse what is not among the names, with the message of a literal."""
    if value not in names:
        *most, last = map(repr, names)
        expected = f"{', '.join(most)} or {last}" if most else last
        raise PydanticKnownError("literal_error", {"expected": expected})
    return value


FamilyName: TypeAlias = Annotated[str, BeforeValidator(lambda v: _one_of(v, list(FAMILIES)))]
InvariantName: TypeAlias = Annotated[
    str,
    BeforeValidator(
        lambda v: _one_of(v, list(dict.fromkeys(m.invariant for m in FAMILIES.values())))
    ),
]
#: Largest absolute value of a class; labels beyond it are typing errors.
LARGEST_CLASS: Final = 1000

_Grid: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(min_length=1, max_length=3)
]
_Classes: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=-LARGEST_CLASS, le=LARGEST_CLASS)], ...], Field(min_length=1)
]
_Gap: TypeAlias = Annotated[float, Field(ge=0.0, le=10.0, allow_inf_nan=False)]
_Positive: TypeAlias = Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)]
_Range: TypeAlias = Annotated[int, Field(ge=1, le=64)]


class Table(_messages.Settings):
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
        hopping matrices). The ensembles of `hard_chains` and `hard_planes`, such as "real_chains",
        "long_range_chains" and "sparse_planes". "given_chains", "given_two_band" and "given_bands"
        were not drawn but labelled by `label`.
    n_orbitals : int
        Orbitals per sublattice, for chains.
    hopping_range : int
        Largest distance of a hopping along each direction, in cells.
    n_bands, n_occupied : int, optional
        For `class_a` and, without `n_occupied`, `class_aii`; half of the bands are occupied where
        not given, rounded down (to whole Kramers pairs for `class_aii`). Card and recipe say so.
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
        return get_task(FAMILIES[self.family].kind).filling(self.n_bands, self.n_occupied)

    @property
    def channels(self) -> tuple[int | None, ...]:
        """What fixes the number of input channels; equal in all splits."""
        chains = "n_orbitals" in FAMILIES[self.family].keys
        return (self.n_orbitals if chains else None), self.n_bands, self.n_occupied


class LabelSpec(Table):
    """What the samples are labelled with.

    Attributes
    ----------
    invariant : {"winding", "chern", "majorana", "z2", "winding_3d", "point_gap"}
        Invariant, certified for the continuous Hamiltonian.
    min_gap : float
        Smallest proven energy gap of a sample, in units of the rms band energy.
    """

    invariant: InvariantName
    min_gap: _Gap = 0.0


class InputSpec(Table):
    """How a Hamiltonian becomes the input of a network.

    Attributes
    ----------
    flatten_bands : bool
        Spectral flattening, all energies +-1: polar factor of the block, unit d-vectors. Files of
        schema version 1 store it as `flatten`, which recipes may write too.
    grid : tuple of int
        Number of k points along each direction.
    """

    flatten_bands: bool = Field(
        True,
        validation_alias=AliasChoices("flatten_bands", "flatten"),
        serialization_alias="flatten",
    )
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


# --------------------- What must hold between the keys of a recipe, each of which is fine by itself


def _refuse(text: str) -> PydanticCustomError:
    return PydanticCustomError("recipe", "{text}", {"text": text})


def check_consistent(recipe: Recipe) -> None:
    """Check what involves several keys at once."""
    _check_hamiltonian("hamiltonian", recipe.hamiltonian)
    member = FAMILIES[recipe.hamiltonian.family]
    if recipe.label.invariant != member.invariant:
        raise _refuse(
            f"key `label.invariant` must be {member.invariant!r} for the family"
            f" {recipe.hamiltonian.family!r}, but is {recipe.label.invariant!r}; change one of the"
            " two."
        )
    _check_grid("input.grid", recipe.input.grid, member.dim)
    seen: dict[str, int] = {}
    ids: set[int] = set()
    for i, spec in enumerate(recipe.split):
        if spec.name in seen:
            raise _refuse(
                f"key `split[{i}].name` must be new, but {spec.name!r} is also the name of split"
                f" {seen[spec.name]}; rename one."
            )
        if spec.split_id in ids:
            raise _refuse(
                f"key `split[{i}].name` must have a random stream of its own, but {spec.name!r}"
                " shares 32 hash bits with another name; rename it."
            )
        seen[spec.name] = i
        ids.add(spec.split_id)
        if spec.gauge_of is not None:
            _check_gauge(recipe, i, spec)
        _check_split(recipe, i, member.dim)


def _check_hamiltonian(key: str, table: HamiltonianSpec) -> None:
    member = FAMILIES[table.family]
    for name in ("n_orbitals", "n_bands", "n_occupied", "disorder"):
        if name in table.model_fields_set and name not in member.keys:
            two = " (two bands)" if member.kind == "chern" else ""
            raise _refuse(
                f"key `{key}.{name}` must be left out for the family {table.family!r}{two}, but is"
                f" {getattr(table, name)}; remove it."
            )
    for name in {"n_bands", "disorder"} & {*member.keys}:
        if getattr(table, name) is None:
            raise _refuse(f"key `{key}.{name}` is missing for the family {table.family!r}; add it.")
    if table.n_bands is not None and not 1 <= table.filled < table.n_bands:
        if table.n_occupied is None:
            raise _refuse(
                f"key `{key}.n_bands` must be larger than {table.filled}, the number of occupied"
                f" bands of the family {table.family!r}, but is {table.n_bands}; raise it."
            )
        raise _refuse(
            f"key `{key}.n_occupied` must be smaller than `n_bands`, {table.n_bands}, but is"
            f" {table.n_occupied}; change one of the two."
        )


def _check_grid(key: str, grid: tuple[int, ...], dim: int) -> None:
    if len(grid) != dim:
        example = {1: [32], 2: [12, 12], 3: [8, 8, 8]}[dim]
        raise _refuse(
            f"key `{key}` must have {dim} number{'s' * (dim > 1)} for a {dim}D family, but is"
            f" {list(grid)}; write for example {example}."
        )


def _check_gauge(recipe: Recipe, i: int, spec: SplitSpec) -> None:
    """Refuse what a split of turned Hamiltonians cannot have besides the samples of its source."""
    others = {other.name: other for other in recipe.split if other.gauge_of is None}
    source = others.get(spec.gauge_of or "")
    if source is None:
        raise _refuse(
            f"key `split[{i}].gauge_of` must be the name of another split that has no `gauge_of`,"
            f" but is {spec.gauge_of!r}; change it."
        )
    if (spec.size, sorted(spec.classes)) != (source.size, sorted(source.classes)):
        raise _refuse(
            f"key `split[{i}]` must have the size and classes of split {source.name!r}, whose"
            " samples it shows in another gauge, but has not; copy them."
        )
    for key in ("min_gap", "max_gap", "hopping_range", "hamiltonian"):
        if getattr(spec, key) is not None:
            raise _refuse(
                f"key `split[{i}].{key}` must be left out with `gauge_of`, because the samples are"
                f" those of {source.name!r}; remove it."
            )


def _check_split(recipe: Recipe, i: int, dim: int) -> None:
    spec = recipe.split[i]
    if spec.grid is not None:
        _check_grid(f"split[{i}].grid", spec.grid, dim)
    if len(set(spec.classes)) < len(spec.classes):
        raise _refuse(
            f"key `split[{i}].classes` must have distinct integers, but is {list(spec.classes)};"
            " remove the repetition."
        )
    if spec.size < len(spec.classes):
        raise _refuse(
            f"key `split[{i}].size` must be at least the number of classes, {len(spec.classes)},"
            f" but is {spec.size}; raise it."
        )
    table = spec.hamiltonian or recipe.hamiltonian
    if spec.hamiltonian is not None:
        _check_other(recipe, i, spec.hamiltonian)
    reach = spec.hopping_range or table.hopping_range
    own = get_task(recipe.kind).ranges.get(table.family, 1)
    if reach < own:
        raise _refuse(
            f"key `split[{i}].hopping_range` must be at least {own} for the family"
            f" {table.family!r}, but is {reach}; raise it."
        )
    low = recipe.label.min_gap if spec.min_gap is None else spec.min_gap
    if spec.max_gap is not None and spec.max_gap <= low:
        raise _refuse(
            f"key `split[{i}].max_gap` must be larger than `min_gap`, {low}, but is {spec.max_gap};"
            " change one of the two."
        )
    bound = get_task(recipe.kind).largest_invariant(table, reach)
    if bound is not None and max(map(abs, spec.classes)) > bound:
        raise _refuse(
            f"key `split[{i}].classes` must lie between -{bound} and {bound} (n_orbitals times"
            f" hopping_range), but is {list(spec.classes)}; remove what cannot occur."
        )


def _check_other(recipe: Recipe, i: int, table: HamiltonianSpec) -> None:
    """Another family must give inputs of the same shape."""
    key = f"split[{i}].hamiltonian"
    _check_hamiltonian(key, table)
    if FAMILIES[table.family].kind != FAMILIES[recipe.hamiltonian.family].kind:
        raise _refuse(
            f"key `{key}.family` must be of the same kind as {recipe.hamiltonian.family!r}, but is"
            f" {table.family!r}; make a data set of its own."
        )
    if table.channels != recipe.hamiltonian.channels:
        raise _refuse(
            f"key `{key}` must have as many orbitals or bands as the recipe, but has not; networks"
            " could not read both."
        )


# ----------------------------- Recipes: everything that determines a data set, as a small TOML file

#: Bytes that a recipe may have: a hundred thousand splits.
LARGEST: Final = 1 << 24


class Recipe(Table):
    """Everything that determines a data set: equal recipes give equal samples.

    Attributes
    ----------
    name : str
        Name of the data set.
    seed : int
        Root seed of all random streams.
    hamiltonian : HamiltonianSpec
        Random family.
    label : LabelSpec
        Invariant and smallest gap.
    input : InputSpec
        Grid and flattening.
    split : tuple of SplitSpec
        The splits, in order.

    Raises
    ------
    RecipeError
        From `from_toml` and `from_text`: one line that names the key, what it must be, what it
        was and what to do.

    Examples
    --------
    >>> recipe = Recipe.from_text('''
    ... name = "small"
    ... seed = 1
    ... [hamiltonian]
    ... family = "aiii_chains"
    ... hopping_range = 2
    ... [label]
    ... invariant = "winding"
    ... min_gap = 0.1
    ... [input]
    ... grid = [32]
    ... [[split]]
    ... name = "train"
    ... size = 300
    ... classes = [-1, 0, 1]
    ... ''')
    >>> recipe.kind, recipe.split[0].size, len(recipe.digest)
    ('winding', 300, 64)
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    hamiltonian: HamiltonianSpec
    label: LabelSpec
    input: InputSpec
    split: Annotated[tuple[SplitSpec, ...], Field(min_length=1)]

    @classmethod
    def from_toml(cls, path: str | Path) -> Recipe:
        """Read a recipe file.

        Parameters
        ----------
        path : str or Path
            TOML file.

        Returns
        -------
        Recipe
            The checked recipe.

        Raises
        ------
        RecipeError
            If the file cannot be read, is not TOML, or does not describe a data set.
        """
        try:
            text = read_text(path, most=LARGEST)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RecipeError(
                f"Recipe `{path}` cannot be read: {reason}; give the path of a TOML file."
            ) from None
        return cls.from_text(text, source=str(path))

    @classmethod
    def from_text(cls, text: str, *, source: str = "<text>") -> Recipe:
        """Read a recipe from TOML text.

        Parameters
        ----------
        text : str
            TOML.
        source : str, optional
            Name for messages.

        Returns
        -------
        Recipe
            The checked recipe.

        Raises
        ------
        RecipeError
            If the text is not TOML, or does not describe a data set.
        """
        try:
            data = parse_toml(text)
        except ValueError as error:
            raise RecipeError(
                f"Recipe `{source}` must be TOML, but is not: "
                f"{_messages.printable(str(error)).rstrip('.')}."
            ) from None
        return cls.from_dict(data, source=source)

    @classmethod
    def from_dict(cls, data: dict[str, Any], *, source: str = "<dict>") -> Recipe:
        """Make a recipe from the tables and keys of a TOML file.

        Parameters
        ----------
        data : dict
            As `tomllib` would return it; tuples may stand in place of lists.
        source : str, optional
            Name for messages.

        Returns
        -------
        Recipe
            The checked recipe.

        Raises
        ------
        RecipeError
            If the data does not describe a data set.
        """
        try:
            return cls.model_validate(_messages.tuples(data))
        except ValidationError as error:
            raise RecipeError(f"Recipe `{source}`: {_messages.one_line(error, cls)}") from None

    @property
    def kind(self) -> str:
        """Kind of data set, which fixes its fields."""
        return FAMILIES[self.hamiltonian.family].kind

    @property
    def dim(self) -> int:
        """Dimension of k space."""
        return FAMILIES[self.hamiltonian.family].dim

    @property
    def n_shards(self) -> int:
        """Number of shards of all splits: the unit of drawing, and of sharing out the work."""
        return sum(shards(spec.size) for spec in self.split)

    @property  # not kept: a changed copy would take it along
    def digest(self) -> str:
        """SHA-256 of the canonical text."""
        return hashlib.sha256(self.to_toml().encode()).hexdigest()

    def part(self, name: str) -> SplitSpec:
        """Find a split by name, with everything it takes from the recipe filled in.

        Parameters
        ----------
        name : str
            Name of the split.

        Returns
        -------
        SplitSpec
            With `grid`, `min_gap`, `hopping_range` and `hamiltonian` set.

        Raises
        ------
        RecipeError
            If there is no such split.
        """
        for spec in self.split:
            if spec.name == name:
                return self._filled_in(spec)
        names = [s.name for s in self.split]
        raise RecipeError(
            f"Recipe `{self.name}` has no split {name!r}{_messages.suggest(name, names)}; it has"
            f" {', '.join(names)}."
        )

    def _filled_in(self, spec: SplitSpec) -> SplitSpec:
        own = spec.model_dump(exclude_none=True, exclude={"hamiltonian"})
        table = spec.hamiltonian or self.hamiltonian
        inherited: dict[str, Any] = {
            "grid": self.input.grid,
            "min_gap": self.label.min_gap,
            "hopping_range": table.hopping_range,
            "hamiltonian": table,
        }
        if spec.gauge_of is not None:
            source = self.part(spec.gauge_of)
            for key in ("min_gap", "hopping_range", "hamiltonian"):
                inherited[key] = getattr(source, key)
        return SplitSpec.model_validate(inherited | own)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{s.name}: {s.size:,}" for s in self.split)
        table = self.hamiltonian
        filled = f", {table.filled} of {table.n_bands} bands occupied" if table.n_bands else ""
        return f"Recipe {self.name!r} ({self.kind}, {table.family}{filled}): {{{sizes}}}"

    __str__ = __repr__

    def to_toml(self) -> str:
        """Canonical TOML: every key in fixed order, defaults written out, no comments.

        Returns
        -------
        str
            Text that `from_text` reads back to an equal recipe.
        """
        lines = [f"name = {_toml(self.name)}", f"seed = {self.seed}"]
        for table in ("hamiltonian", "label", "input"):
            lines += ["", f"[{table}]", *_entries(getattr(self, table))]
        for spec in self.split:
            lines += ["", "[[split]]", *_entries(spec)]
            if spec.hamiltonian is not None:
                lines += ["", "[split.hamiltonian]", *_entries(spec.hamiltonian)]
        return "\n".join(lines) + "\n"

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        check_consistent(self)
        return self


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    # names are limited to characters that need no escape
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _entries(table: BaseModel) -> list[str]:
    values = table.model_dump(exclude_none=True, exclude={"hamiltonian"}, by_alias=True)
    if isinstance(table, HamiltonianSpec) and "n_orbitals" not in FAMILIES[table.family].keys:
        del values["n_orbitals"]  # means nothing there, and may not be written
    return [f"{key} = {_toml(value)}" for key, value in values.items()]
