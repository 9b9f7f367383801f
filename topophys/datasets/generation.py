"""Generation of data sets from recipes, whole or in parts that are joined."""

from __future__ import annotations

import multiprocessing
import os
import threading
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
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from topophys import _validation
from topophys._io import check_output, is_ours, require_distinct
from topophys._progress import track
from topophys._version import __version__
from topophys.datasets import schema
from topophys.datasets._index import part_of, write_index
from topophys.datasets._store import checksums
from topophys.datasets.dataset_card import Summary
from topophys.datasets.layout import Layout, read_layout
from topophys.datasets.reader import Dataset
from topophys.datasets.recipe import Recipe
from topophys.datasets.shards import Shard, ShardRange, digest, draw_shard, quotas
from topophys.datasets.writer import Writer
from topophys.errors import DatasetError, InputError, OutputError

__all__ = ["end_with_parent", "generate", "join"]


# ---------------------------------------------------------------- From a recipe to a data file


def generate(
    recipe: Recipe,
    path: str | Path,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    shards: tuple[int, int] | None = None,
    progress: bool = True,
    force: bool = False,
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
        Name of the HDF5 file; an existing one of topophys is replaced at the end.
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
    force : bool, optional
        Also replace a file that topophys did not make.

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
    count = _processors() if workers is None else _validation.worker_count(workers)
    path, shard_range = Path(path), ShardRange.of(recipe, shards)
    with Writer(shard_range, path, force=force) as writer:
        resumed = len(writer.done)
        with _pool(executor, count) as pool:
            _draw(writer, pool, 2 * count, progress)
        writer.finish()
    return Summary(
        path=path,
        sizes={name: shard_range.size(name) for name in shard_range.splits},
        classes={name: _classes(shard_range, name) for name in shard_range.splits},
        drawn={name: writer.drawn[name] for name in shard_range.splits},
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
    shard_range = writer.shard_range
    todo = [unit for unit in shard_range.shards() if unit not in writer.done]
    parts = {name: shard_range.recipe.part(name) for name in shard_range.splits}
    total = sum(sum(quotas(parts[name], number).values()) for name, number in todo)
    with track(total, "generate", progress) as advance:
        try:
            for split, shard in _shards(shard_range.recipe, todo, pool, window):
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
    threads = isinstance(pool, ThreadPoolExecutor)
    draw = draw_shard if threads else partial(_draw_in_process, os.getpid())
    waiting = iter(todo)
    running: dict[Future[Shard], str] = {}
    try:
        while True:
            for split, number in islice(waiting, window - len(running)):
                running[pool.submit(draw, recipe, split, number)] = split
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        for future in running:
            future.cancel()


def _draw_in_process(parent: int, recipe: Recipe, split: str, number: int) -> Shard:
    end_with_parent(parent)
    return draw_shard(recipe, split, number)


def end_with_parent(parent: int) -> None:
    """End this worker of `multiprocessing` when its parent is killed: it would wait for ever.

    Does nothing in processes that were not started by the process with the number `parent`.
    """
    known, name = multiprocessing.parent_process(), "end with parent"
    if known is None or known.pid != parent:
        return
    if any(thread.name == name for thread in threading.enumerate()):
        return

    def watch() -> None:
        known.join()
        os._exit(1)

    threading.Thread(target=watch, name=name, daemon=True).start()


def _classes(shard_range: ShardRange, split: str) -> dict[int, int]:
    spec = shard_range.recipe.part(split)
    counts = dict.fromkeys(sorted(spec.classes), 0)
    for number in range(*shard_range.span(split)):
        for value, count in quotas(spec, number).items():
            counts[value] += count
    return counts


# ------------------------------------------------- From parts made by separate jobs to one data set

#: Ending of the name of an index.
INDEX: Final = ".json"


def join(
    parts: Sequence[str | Path], path: str | Path, *, progress: bool = True, force: bool = False
) -> Summary:
    """Join the parts of a data set, made by `generate` with `shards`, after checking every byte.

    A name that ends in ``.json`` makes an index beside the parts, which stay where they are and
    are read as one data set. Any other name makes one file, the same to the bit as if one run had
    made it.

    Parameters
    ----------
    parts : sequence of str or Path
        The files, in any order.
    path : str or Path
        What to make.
    progress : bool, optional
        Show progress on stderr.
    force : bool, optional
        Also replace a file that topophys did not make.

    Returns
    -------
    Summary
        Sizes, classes, rejections and time.

    Raises
    ------
    InputError
        If shards are missing or there twice, or recipes differ.
    DatasetError
        If a part is damaged.
    OutputError
        If the result cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from topophys.datasets import Recipe, generate, join
    >>> recipe = Recipe.from_dict({
    ...     "name": "small", "seed": 1,
    ...     "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
    ...     "label": {"invariant": "winding", "min_gap": 0.1}, "input": {"grid": [16]},
    ...     "split": [{"name": "train", "size": 30, "classes": [0, 1]},
    ...               {"name": "test", "size": 10, "classes": [0, 1]}],
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     names = [f"{folder}/part{i}.h5" for i in range(2)]
    ...     for i, name in enumerate(names):
    ...         made = generate(recipe, name, shards=(i, i + 1), progress=False)
    ...     summary = join(names, f"{folder}/small.json", progress=False)
    >>> summary.sizes
    {'train': 30, 'test': 10}
    """
    start = time.monotonic()
    path = check_output(path, ours=is_ours, force=force)
    for part in parts:
        require_distinct(path, part)
    layouts = _in_order([read_layout(Path(part)) for part in parts])
    recipe = layouts[0].recipe
    whole = ShardRange.of(recipe)
    with track(whole.n_samples, "join", progress) as advance:
        if path.suffix == INDEX:
            described = [part_of(layout, path.parent) for layout in layouts]
            for _, shard in _check_shards(layouts):
                advance(len(shard.arrays["label"]))
            write_index(path, recipe, described, force=force)
            n_bytes = sum(layout.n_bytes for layout in layouts) + path.stat().st_size
        else:
            _check_versions(layouts[0])
            with Writer(whole, path, force=force) as writer:
                before = frozenset(writer.done)
                for split, shard in _check_shards(layouts):
                    if (split, shard.start // schema.SHARD_SIZE) not in before:
                        writer.add(split, shard)
                    advance(len(shard.arrays["label"]))
                writer.finish()
            n_bytes = path.stat().st_size
    with Dataset(layouts, path) as dataset:
        splits = [dataset.split(name) for name in dataset.splits]
        return Summary(
            path=path,
            sizes={s.name: len(s) for s in splits},
            classes={s.name: s.classes for s in splits},
            drawn={s.name: s.drawn for s in splits},
            rejected={s.name: dict(s.rejected) for s in splits},
            n_bytes=n_bytes,
            seconds=time.monotonic() - start,
        )


def _in_order(layouts: list[Layout]) -> list[Layout]:
    """Parts in the order of their shards, if they are those of one data set, each once."""
    if not layouts:
        raise InputError("Argument `parts` must name at least one file, but is empty.")
    layouts = sorted(layouts, key=lambda layout: layout.shard_range.first)
    keys = ("recipe_digest", "topophys_version", "numpy_version")
    for layout in layouts[1:]:
        for key in keys:
            a, b = layouts[0].attributes[key], layout.attributes[key]
            if a != b:
                raise InputError(
                    f"Argument `parts` must be of one data set, but `{layouts[0].path}` has {key}"
                    f" {a} and `{layout.path}` has {b}."
                )
    edge = 0
    for layout in layouts:
        _demand(edge, layout.shard_range.first, f"`{layout.path}`")
        edge = layout.shard_range.stop
    _demand(edge, ShardRange.of(layouts[0].recipe).stop, "the end")
    return layouts


def _demand(edge: int, first: int, where: str) -> None:
    if first > edge:
        raise InputError(
            f"Argument `parts` must hold every shard, but {edge}:{first} are missing before"
            f" {where}; make them with `topophys generate --shards {edge}:{first}`."
        )
    if first < edge:
        raise InputError(
            f"Argument `parts` must hold every shard once, but {first}:{edge} are there twice"
            f" ({where}); leave one out."
        )


def _check_versions(layout: Layout) -> None:
    here = {"topophys_version": __version__, "numpy_version": np.__version__}
    for key, version in here.items():
        if layout.attributes[key] != version:
            raise InputError(
                f"Argument `parts` must have been made with the present {key}, {version}, to become"
                f" one file, but `{layout.path}` has {layout.attributes[key]}; make an index"
                " (.json) instead."
            )


def _check_shards(layouts: Sequence[Layout]) -> Iterator[tuple[str, Shard]]:
    """Every shard, once its bytes have been compared with its digests."""
    for layout in layouts:
        with Dataset([layout], layout.path, checked=False) as part:
            for name in part.splits:
                split = part.split(name)
                first = layout.shard_range.span(name)[0]
                digests = {field: split.digests(field) for field in split.fields}
                drawn, rejected = split.drawn, dict(split.rejected)
                for row in range(len(digests["label"])):
                    begin = row * schema.SHARD_SIZE
                    arrays = split[begin : begin + schema.SHARD_SIZE]
                    sums = {field: digest(array) for field, array in arrays.items()}
                    for field, found in sums.items():
                        if found != digests[field][row].tobytes():
                            raise DatasetError(
                                f"Part `{layout.path}` is damaged: `{name}/{field}`, shard"
                                f" {first + row}; make it again."
                            )
                    fast = {f: checksums(array, schema.SHARD_SIZE) for f, array in arrays.items()}
                    start = (first + row) * schema.SHARD_SIZE
                    yield name, Shard(start, arrays, sums, fast, drawn, rejected)
                    # files count rejections by split: the first shard of a part brings them all
                    drawn, rejected = 0, dict.fromkeys(rejected, 0)
