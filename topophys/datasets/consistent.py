"""What must hold between the keys of a recipe, each of which is fine by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from topophys.datasets.specs import FAMILIES, HamiltonianSpec, SplitSpec

if TYPE_CHECKING:
    from topophys.datasets.recipe import Recipe

__all__ = ["check_consistent"]


def _refuse(text: str) -> PydanticCustomError:
    return PydanticCustomError("recipe", "{text}", {"text": text})


def check_consistent(recipe: Recipe) -> None:
    """Check what involves several keys at once.

    Parameters
    ----------
    recipe : Recipe
        The recipe.

    Raises
    ------
    PydanticCustomError
        Of type "recipe", with a finished sentence.
    """
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
        raise _refuse(
            f"key `{key}.n_occupied` must be smaller than `n_bands`, {table.n_bands}, but is"
            f" {table.n_occupied}; change one of the two."
        )


def _check_grid(key: str, grid: tuple[int, ...], dim: int) -> None:
    if len(grid) != dim:
        example = [32] if dim == 1 else [12, 12]
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
    low = recipe.label.min_gap if spec.min_gap is None else spec.min_gap
    if spec.max_gap is not None and spec.max_gap <= low:
        raise _refuse(
            f"key `split[{i}].max_gap` must be larger than `min_gap`, {low}, but is {spec.max_gap};"
            " change one of the two."
        )
    if recipe.label.invariant == "winding":
        bound = table.n_orbitals * reach
        if max(map(abs, spec.classes)) > bound:
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
