"""Generation that was interrupted: its journal and its unfinished file, resumed."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from topophys.testing.hardening import changes
from topophys.testing.hardening.readers.datasets import CHAINS
from topophys.testing.hardening.readers.reader import Reader


def _make_journals(folder):
    """A file that is whole, and the same when two of its three shards were written."""
    from topophys.datasets import Recipe, generate, writer

    recipe = Recipe.from_text(CHAINS)
    generate(recipe, folder.with_name("whole.h5"), workers=1, progress=False)
    home = folder / "run"
    home.mkdir()

    def stop(*_):
        raise KeyboardInterrupt

    def add(*arguments):
        return next(adds)(*arguments)

    adds = iter([writer.Writer.add, writer.Writer.add, stop])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "KEEP_AFTER", -1.0)
        patch.setattr(writer.Writer, "add", add)
        with pytest.raises(KeyboardInterrupt):
            generate(recipe, home / "a.h5", workers=1, progress=False)


def _change_journal(rng, folder):
    path = folder / "a.h5.journal"
    kind = rng.random()
    if kind < 0.2:
        partial = folder / "a.h5.partial"
        partial.write_bytes(_changed_partial(rng, partial.read_bytes()))
    elif kind < 0.4:
        changes.text_file(rng, path)
    else:
        entries = [line.rpartition(" ")[0] for line in path.read_text().splitlines()]
        for _ in range(rng.randint(1, 2)):
            at = rng.randrange(len(entries))
            entries[at : at + rng.randint(0, 1)] = [_changed_entry(rng, entries[at])]
        path.write_text("".join(map(_sealed, entries)), encoding="utf-8")


def _changed_partial(rng, content):
    if rng.random() < 0.5:
        return changes.changed_bytes(rng, content)
    return content[: rng.randrange(len(content))] if rng.random() < 0.5 else content + bytes(9999)


def _changed_entry(rng, text):
    """A line that says something else, or the same again."""
    kind = rng.random()
    if kind < 0.1:
        return text
    if kind < 0.2:
        return changes.changed_text(rng, text).replace("\n", " ")
    try:
        return json.dumps(changes.changed_json(rng, json.loads(text)))
    except (ValueError, RecursionError):
        return text  # it was changed before, and is no JSON any more


def _sealed(text):
    """A line with the digest that makes it count."""
    return f"{text} {hashlib.sha256(text.encode()).hexdigest()}\n"


def _read_journal(folder):
    """Resume the generation: with any journal the samples are those of the recipe."""
    from topophys.datasets import Recipe, generate, open_dataset

    path, whole = folder / "a.h5", folder.parents[1] / "whole.h5"
    generate(Recipe.from_text(CHAINS), path, workers=1, progress=False)
    assert [p.name for p in folder.iterdir()] == ["a.h5"]
    assert path.stat().st_size == whole.stat().st_size
    with open_dataset(path) as found, open_dataset(whole) as wanted:
        assert found.splits == wanted.splits
        for name in wanted.splits:
            for field, array in wanted.split(name)[:].items():
                np.testing.assert_array_equal(found.split(name)[:][field], array)


READERS = (
    Reader("journal", "journal of an unfinished file, resumed", _make_journals,
           _change_journal, _read_journal),
)  # fmt: skip
