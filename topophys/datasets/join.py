"""From parts made by separate jobs to one data set."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from topophys import __version__
from topophys._progress import track
from topophys.datasets import schema
from topophys.datasets.index import part_of, write_index
from topophys.datasets.layout import Layout, read_layout
from topophys.datasets.portion import Portion
from topophys.datasets.read import Dataset
from topophys.datasets.shards import Shard, digest
from topophys.datasets.summary import Summary
from topophys.datasets.write import Writer
from topophys.errors import DatasetError, InputError

__all__ = ["join"]

#: Ending of the name of an index.
INDEX: Final = ".json"


def join(parts: Sequence[str | Path], path: str | Path, *, progress: bool = True) -> Summary:
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
    path = Path(path)
    layouts = _in_order([read_layout(Path(part)) for part in parts])
    recipe = layouts[0].recipe
    whole = Portion.of(recipe)
    with track(whole.n_samples, "join", progress) as advance:
        if path.suffix == INDEX:
            described = [part_of(layout, path.parent) for layout in layouts]
            for _, shard in _shards(layouts):
                advance(len(shard.arrays["label"]))
            write_index(path, recipe, described)
            n_bytes = sum(layout.n_bytes for layout in layouts) + path.stat().st_size
        else:
            _check_versions(layouts[0])
            with Writer(whole, path) as writer:
                before = frozenset(writer.done)
                for split, shard in _shards(layouts):
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
    layouts = sorted(layouts, key=lambda layout: layout.portion.first)
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
        _demand(edge, layout.portion.first, f"`{layout.path}`")
        edge = layout.portion.stop
    _demand(edge, Portion.of(layouts[0].recipe).stop, "the end")
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


def _shards(layouts: Sequence[Layout]) -> Iterator[tuple[str, Shard]]:
    """Every shard, once its bytes have been compared with its digests."""
    for layout in layouts:
        with Dataset([layout], layout.path) as part:
            for name in part.splits:
                split = part.split(name)
                first = layout.portion.span(name)[0]
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
                    yield (
                        name,
                        Shard((first + row) * schema.SHARD_SIZE, arrays, sums, drawn, rejected),
                    )
                    # files count rejections by split: the first shard of a part brings them all
                    drawn, rejected = 0, dict.fromkeys(rejected, 0)
