"""The demonstration: data sets, training, probes, figures and report in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from topophys._io import make_folder
from topophys.datasets import Recipe, generate, open_dataset
from topophys.datasets.verification import check_labels
from topophys.errors import RecipeError
from topophys.learn import FitConfig, fit
from topophys.report.artifacts import write_summary
from topophys.report.evaluation import (
    accuracy_table,
    interpret_run,
    list_failures,
    measure_accuracy,
)
from topophys.report.figures import draw_figures
from topophys.report.page import write_page

__all__ = ["demo", "recipe_path"]


# --------------------------------------------------------------- Recipes that come with the package


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
    package = Path(__file__).parents[1]
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


# ---------------------------------------------------------------- The whole way in one call

#: What `quick` does to the sizes of the splits and to the training: 3,000 chains, 8 epochs.
QUICK_SHARE: Final = 0.02
QUICK_SMALLEST: Final = 120
QUICK_TRAINING: Final = {"epochs": 8, "batch_size": 64}
QUICK_NOTE: Final = (
    "Quick run: a fiftieth of the data and a short training, to see the whole way work. Judge the"
    " network by a full run, `topophys demo` without --quick."
)


def demo(
    path: str | Path,
    *,
    quick: bool = False,
    progress: bool = True,
    say: Callable[[str], object] = lambda _: None,
) -> Path:
    """Generate data, train, measure, probe, draw and report, all in one folder.

    Parameters
    ----------
    path : str or Path
        Folder to make; where it exists, the first free name with a number is taken.
    quick : bool, optional
        A fiftieth of the data and a short training; summary and page say so.
    progress : bool, optional
        Show progress.
    say : callable, optional
        Receives each result as text when it is there.

    Returns
    -------
    Path
        The folder, with summary.json and report.html.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    folder = make_folder(_free(Path(path)))
    clock = _Clock(say)
    chains, surfaces = (_recipe(name, quick) for name in ("winding-1d", "chern-2d"))
    config = _config(quick)
    with clock("generate 1D chains (class AIII, winding number)"):
        say(str(generate(chains, folder / "winding-1d.h5", progress=progress)))
    with clock("generate 2D two-band Hamiltonians (class A, Chern number)"):
        say(str(generate(surfaces, folder / "chern-2d.h5", progress=progress)))
    with (
        open_dataset(folder / "winding-1d.h5") as dataset,
        open_dataset(folder / "chern-2d.h5") as chern_data,
    ):
        with clock("check labels by a program that shares no code with the proofs"):
            checked = [check_labels(data, n) for data, n in ((dataset, 200), (chern_data, 50))]
            checked = list(dict.fromkeys(checked))
            say("\n".join(checked))
        with clock("train on the labels -1, 0, 1"):
            run = fit(config, dataset, folder, progress=progress)
        with clock("measure the accuracy on every split"):
            say(accuracy_table(measure_accuracy(run, dataset)))
        with clock("probe the hidden layers, test them causally, audit symmetries"):
            size = min(1000, len(dataset.split("test")))
            list_failures(run, dataset)
            for report in interpret_run(
                run, dataset, n_hamiltonians=size, progress=progress
            ).values():
                say(str(report))
        with clock("draw the figures"):
            draw_figures(run, dataset, chern_data=chern_data)
        notes = [*([QUICK_NOTE] if quick else []), *checked]
        write_summary(run, dataset, others=[chern_data], seconds=clock.seconds, notes=notes)
    page = write_page(folder)
    say(f"\ntotal {sum(clock.seconds.values()):.0f} s\nrun folder   {folder}\nreport       {page}")
    return folder


class _Clock:
    """Announces each step and keeps its wall-clock time."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say, self.seconds = say, dict[str, float]()

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        self.say(f"\n[{len(self.seconds) + 1}/7] {step}")
        start = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - start, 2)
        self.say(f"      {self.seconds[step]:.1f} s")


def _free(path: Path) -> Path:
    candidate, number = path, 2
    while candidate.exists():
        candidate, number = path.with_name(f"{path.name}-{number}"), number + 1
    return candidate


def _recipe(name: str, quick: bool) -> Recipe:
    recipe = Recipe.from_toml(recipe_path(name))
    if not quick:
        return recipe
    splits = [
        split.model_copy(update={"size": max(QUICK_SMALLEST, int(split.size * QUICK_SHARE))})
        for split in recipe.split
    ]
    # through text, so that the small recipe is checked as every other one
    small = recipe.model_copy(update={"name": f"{name}-quick", "split": tuple(splits)})
    return Recipe.from_text(small.to_toml(), source=f"{name}-quick")


def _config(quick: bool) -> FitConfig:
    config = FitConfig.from_toml(recipe_path("winding-1d", "training.toml"))
    return config.model_copy(update=QUICK_TRAINING) if quick else config
