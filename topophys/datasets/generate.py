"""From a recipe to a data file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from topophys import _checks
from topophys._progress import track
from topophys.datasets.portion import Portion
from topophys.datasets.recipe import Recipe
from topophys.datasets.shards import Shard, draw_shard, quotas
from topophys.datasets.summary import Summary
from topophys.datasets.write import Writer
from topophys.errors import OutputError

__all__ = ["generate"]


def generate(
    recipe: Recipe,
    path: str | Path,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    shards: tuple[int, int] | None = None,
    progress: bool = True,
) -> Summary:
    """Draw, prove, evaluate and store all samples of a recipe.

    Shards are drawn side by side and written as they are done, so that memory does not grow with
    the size of the data set. The file is the same to the bit for every number of workers and kind
    of executor. It appears under its name when it is whole, and not at all if anything fails.

    A run that was killed, or stopped after a minute of work, leaves ``<path>.partial`` and
    ``<path>.journal`` behind: call `generate` again with the same recipe and path, and it checks
    the finished shards against their digests and draws only what is missing. The result is the
    same to the bit as that of an undisturbed run.

    Parameters
    ----------
    recipe : Recipe
        What to make.
    path : str or Path
        Name of the HDF5 file; an existing file is replaced at the end.
    workers : int, optional
        Threads that draw; the number of usable processors where not given. The kernels and most of
        NumPy release the interpreter lock, nothing has to start, and nothing is copied.
    executor : concurrent.futures.Executor, optional
        Use this one instead, such as a `ProcessPoolExecutor` or one of a cluster; then `workers`
        says how many it has, because twice as many shards are kept under way. It is not shut down.
    shards : (int, int), optional
        Make only these shards, from the first up to but without the second, counted through all
        splits in order: a part of the data set, to be joined with the others by `join`.
    progress : bool, optional
        Show progress, rate and time left on stderr.

    Returns
    -------
    Summary
        Sizes, classes, rejections and time; prints as a table.

    Raises
    ------
    OutputError
        If the file cannot be written; where possible before any work is done. If there is an
        unfinished file of another recipe. If workers die.
    RecipeError
        If a class of the recipe does not turn up.

    Examples
    --------
    >>> import tempfile
    >>> from topophys.datasets import Recipe
    >>> recipe = Recipe.from_dict({
    ...     "name": "small", "seed": 1,
    ...     "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
    ...     "label": {"invariant": "winding", "min_gap": 0.1},
    ...     "input": {"grid": [32]},
    ...     "split": [{"name": "train", "size": 30, "classes": [-1, 0, 1]}],
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = generate(recipe, folder + "/small.h5", progress=False)
    >>> summary.classes["train"]
    {-1: 10, 0: 10, 1: 10}
    """
    start = time.monotonic()
    count = _processors() if workers is None else _checks.positive_int(workers, "workers")
    path, portion = Path(path), Portion.of(recipe, shards)
    with Writer(portion, path) as writer:
        resumed = len(writer.done)
        with _pool(executor, count) as pool:
            _draw(writer, pool, 2 * count, progress)
        writer.finish()
    return Summary(
        path=path,
        sizes={name: portion.size(name) for name in portion.splits},
        classes={name: _classes(portion, name) for name in portion.splits},
        drawn={name: writer.drawn[name] for name in portion.splits},
        rejected={name: dict(counts) for name, counts in writer.rejected.items()},
        n_bytes=path.stat().st_size,
        seconds=time.monotonic() - start,
        resumed=resumed,
    )


def _processors() -> int:
    # what this process may use, which in a container or a batch job is less than there is
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _pool(executor: Executor | None, workers: int) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="shard")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _draw(writer: Writer, pool: Executor, window: int, progress: bool) -> None:
    """Draw and write what is not there yet."""
    portion = writer.portion
    todo = [unit for unit in portion.shards() if unit not in writer.done]
    parts = {name: portion.recipe.part(name) for name in portion.splits}
    total = sum(sum(quotas(parts[name], number).values()) for name, number in todo)
    with track(total, "generate", progress) as advance:
        try:
            for split, shard in _shards(portion.recipe, todo, pool, window):
                writer.add(split, shard)
                advance(len(shard.arrays["label"]))
        except BrokenExecutor as error:
            writer.keep = bool(writer.done)
            reason = " ".join(str(error).split())
            raise OutputError(
                f"`{writer.path}` is not finished: the workers died ({reason});"
                f" {len(writer.done)} finished shards are kept, so call `generate` again, with"
                " fewer workers if memory ran out."
            ) from error


def _shards(
    recipe: Recipe, todo: Sequence[tuple[str, int]], pool: Executor, window: int
) -> Iterator[tuple[str, Shard]]:
    """Shards in the order in which they are done, at most `window` of them under way."""
    waiting = iter(todo)
    running: dict[Future[Shard], str] = {}
    try:
        while True:
            for split, number in islice(waiting, window - len(running)):
                running[pool.submit(draw_shard, recipe, split, number)] = split
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        for future in running:
            future.cancel()


def _classes(portion: Portion, split: str) -> dict[int, int]:
    spec = portion.recipe.part(split)
    counts = dict.fromkeys(sorted(spec.classes), 0)
    for number in range(*portion.span(split)):
        for value, count in quotas(spec, number).items():
            counts[value] += count
    return counts
