"""Recipes: everything that determines a data set, as a small TOML file."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, ValidationError, model_validator

from topophys._files import parse_toml, read_text
from topophys.datasets import _messages
from topophys.datasets.consistent import check_consistent
from topophys.datasets.schema import Kind, shards
from topophys.datasets.specs import (
    FAMILIES,
    HamiltonianSpec,
    InputSpec,
    LabelSpec,
    SplitSpec,
    Table,
)
from topophys.errors import RecipeError

__all__ = ["Recipe"]

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
    def kind(self) -> Kind:
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

    @cached_property
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
        return f"Recipe {self.name!r} ({self.kind}, {self.hamiltonian.family}): {{{sizes}}}"

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
    values = table.model_dump(exclude_none=True, exclude={"hamiltonian"})
    if isinstance(table, HamiltonianSpec) and "n_orbitals" not in FAMILIES[table.family].keys:
        del values["n_orbitals"]  # means nothing there, and may not be written
    return [f"{key} = {_toml(value)}" for key, value in values.items()]
