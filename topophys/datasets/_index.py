"""The index of a data set that lies in several files: a small JSON text beside them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from topophys._io import is_file, is_ours, open_regular, read_json, write_text
from topophys.datasets.layout import Layout, read_layout
from topophys.datasets.recipe import Recipe
from topophys.datasets.shards import ShardRange
from topophys.errors import DatasetError, InputError, RecipeError, SchemaError

__all__ = ["Index", "Part", "is_index", "read_index", "read_part", "write_index"]

#: Tells our indices from any other JSON text.
FORMAT: Final = "topophys-index"
#: Grows when a key changes its name or meaning.
VERSION: Final = 1
#: Bytes that an index may have: some hundred thousand files.
LARGEST: Final = 1 << 26


@dataclass(frozen=True)
class Part:
    """One file of a data set.

    Attributes
    ----------
    file : str
        Name, relative to the folder of the index.
    shards : tuple of int
        First shard that it holds, and the one after the last.
    n_bytes : int
        Its size.
    manifest : str
        SHA-256 over its attributes and shard digests.
    """

    file: str
    shards: tuple[int, int]
    n_bytes: int
    manifest: str


@dataclass(frozen=True)
class Index:
    """A data set in several files.

    Attributes
    ----------
    path : Path
        File of the index.
    recipe : Recipe
        Recipe of the whole.
    parts : tuple of Part
        The files, in the order of their shards.
    manifest : str
        SHA-256 over everything else in the index: one name for the content.
    """

    path: Path
    recipe: Recipe
    parts: tuple[Part, ...]
    manifest: str


def is_index(path: Path) -> bool:
    """Whether a file may be an index, judged by its first byte."""
    if not is_file(path):
        return False
    try:
        with open_regular(path) as stream:
            return stream.read(1) == b"{"
    except OSError:
        return False


def write_index(path: Path, recipe: Recipe, parts: Sequence[Part], *, force: bool = False) -> None:
    """Write an index, whole or not at all."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "recipe": recipe.to_toml(),
        "recipe_digest": recipe.digest,
        "parts": [asdict(part) for part in parts],
    }
    content["manifest"] = _seal(content)
    write_text(path, json.dumps(content, indent=1) + "\n", ours=is_ours, force=force)


def _seal(content: dict[str, Any]) -> str:
    rest = {key: value for key, value in content.items() if key != "manifest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_index(path: Path) -> Index:
    """Read and check an index; the files that it names are not opened."""
    try:
        content = read_json(path, most=LARGEST)
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"Index `{path}` is truncated or damaged ({' '.join(str(error).split()):.100}); join"
            " the parts again."
        ) from None
    if content.get("format") != FORMAT:
        raise SchemaError(f"Index `{path}` must be made by topophys, but has no format {FORMAT!r}.")
    if content.get("version") != VERSION:
        raise SchemaError(
            f"Index `{path}` must have version {VERSION}, but has {content.get('version')!r:.20};"
            " update topophys, or join the parts again."
        )
    if content.get("manifest") != _seal(content):
        raise DatasetError(f"Index `{path}` was changed: its manifest differs; join again.")
    try:
        recipe = Recipe.from_text(str(content["recipe"]), source=f"{path}:recipe")
        parts = tuple(
            Part(str(p["file"]), (int(p["shards"][0]), int(p["shards"][1])), int(p["n_bytes"]),
                 str(p["manifest"]))
            for p in content["parts"]
        )  # fmt: skip
    except (RecipeError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise SchemaError(f"Index `{path}` is not what the schema says: {error}") from None
    _check_cover(path, recipe, parts)
    for part in parts:
        _check_name(path, part.file)
    return Index(path, recipe, parts, str(content["manifest"]))


def _check_cover(path: Path, recipe: Recipe, parts: Sequence[Part]) -> None:
    edges = [0, *(p.shards[1] for p in parts)]
    starts = [*(p.shards[0] for p in parts), ShardRange.of(recipe).stop]
    if edges != starts:
        raise SchemaError(f"Index `{path}` must name every shard once and in order, but does not.")


def _check_name(path: Path, name: str) -> None:
    pure = PurePosixPath(name)
    folder = Path(os.path.realpath(path.parent))
    # resolved, because a link could lead out of the folder as well; `resolve` fails on circles
    inside = "\0" not in name and Path(os.path.realpath(folder / name)).is_relative_to(folder)
    if pure.is_absolute() or ".." in pure.parts or not inside:
        raise SchemaError(
            f"Index `{path}` must name files in its own folder, but names {name!r:.100}."
        )


def read_part(index: Index, part: Part, *, sealed: bool = True) -> Layout:
    """Read and check the headers of one file of a data set."""
    path = index.path.parent / part.file
    if not path.exists():
        first, stop = part.shards
        raise DatasetError(
            f"Part `{path}` with shards {first}:{stop} is missing; copy it, or make it again with"
            f" `topophys generate RECIPE.toml -o {path} --shards {first}:{stop}`."
        )
    if (size := path.stat().st_size) != part.n_bytes:
        raise DatasetError(
            f"Part `{path}` must have {part.n_bytes} bytes, but has {size}: it is truncated or was"
            " changed; copy it again."
        )
    layout = read_layout(path, sealed=sealed)
    found = (layout.shard_range.first, layout.shard_range.stop)
    same = layout.recipe.digest == index.recipe.digest and found == part.shards
    if not same or layout.attributes["manifest"] != part.manifest:
        raise DatasetError(
            f"Part `{path}` is not the file that was joined: recipe, shards or digests differ; copy"
            " it again, or join again."
        )
    return layout


def part_of(layout: Layout, folder: Path) -> Part:
    """Describe a file for an index in some folder."""
    path, home = layout.path.resolve(), folder.resolve()
    if not path.is_relative_to(home):
        raise InputError(
            f"Argument `parts` must be files in or below the folder of the index, `{folder}`, but"
            f" `{layout.path}` is not; move it there, or join into one file (.h5)."
        )
    shards = (layout.shard_range.first, layout.shard_range.stop)
    name = path.relative_to(home).as_posix()
    return Part(name, shards, layout.n_bytes, str(layout.attributes["manifest"]))
