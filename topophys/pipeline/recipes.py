"""Recipes that come with the package."""

from __future__ import annotations

from pathlib import Path

import topophys
from topophys.errors import RecipeError

__all__ = ["recipe_path"]


def recipe_path(name: str, file: str = "recipe.toml") -> Path:
    """Return the path of a recipe or training file that comes with the package.

    Parameters
    ----------
    name : str
        Name of the data set, such as "winding-1d".
    file : str, optional
        "recipe.toml", or "training.toml" where there is one.

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    RecipeError
        If there is no such data set.

    Examples
    --------
    >>> recipe_path("winding-1d").name
    'recipe.toml'
    """
    package = Path(topophys.__file__).parent
    # in a wheel the folder `datasets` of the repository is part of the package
    roots = [root for root in (package / "recipes", package.parent / "datasets") if root.is_dir()]
    for root in roots:
        if (root / name / file).is_file():
            return root / name / file
    known = sorted({p.parent.name for root in roots for p in root.glob(f"*/{file}")})
    raise RecipeError(
        f"Argument `name` must be a data set that comes with topophys ({', '.join(known)}), but is"
        f" {name!r}."
    )
