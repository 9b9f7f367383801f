"""Lines of a journal count once, and only in the form in which they are written."""

from __future__ import annotations

import hashlib
import json

import pytest

from topophys.datasets import Recipe, generate, writer
from topophys.datasets.shards import ShardRange
from topophys.datasets.writer import LONGEST, FinishedShard, Journal
from topophys.errors import OutputError

RECIPE = Recipe.from_dict(
    {
        "name": "journal",
        "seed": 2,
        "hamiltonian": {"family": "aiii_chains", "hopping_range": 1},
        "label": {"invariant": "winding", "min_gap": 0.05},
        "input": {"grid": [6]},
        "split": [{"name": n, "size": 5, "classes": [0, 1]} for n in ("train", "test")],
    }
)
SHARD = FinishedShard("train", 0, 7, {"small gap": 2}, {"x": "ab"})


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "a.h5.journal", ShardRange.of(RECIPE))


def write_lines(journal, *entries):
    """Lines with the digests that make them count."""
    texts = [e if isinstance(e, str) else json.dumps(e) for e in (journal.head, *entries)]
    sealed = [f"{text} {hashlib.sha256(text.encode()).hexdigest()}\n" for text in texts]
    journal.path.write_text("".join(sealed), encoding="utf-8")


def test_journal_is_read_as_written(journal):
    other = FinishedShard("test", 3, 4096, {}, {"x": "cd", "h": "ef"})
    journal.start([SHARD])
    journal.add(other)
    journal.close()
    assert journal.read() == (journal.head, [SHARD, other])


@pytest.mark.parametrize(
    "entry",
    [
        "[" * 1000,
        "no JSON",
        [1, 2],
        "null",
        {},
        {"split": "train", "number": 0},
        vars(SHARD) | {"more": 1},
        vars(SHARD) | {"split": ["train"]},
        vars(SHARD) | {"number": 0.0},
        vars(SHARD) | {"number": True},
        vars(SHARD) | {"number": -1},
        vars(SHARD) | {"drawn": 2**63},
        vars(SHARD) | {"rejected": [1]},
        vars(SHARD) | {"rejected": {"small gap": "2"}},
        vars(SHARD) | {"sha256": {"x": None}},
        vars(SHARD) | {"sha256": {"x": "a" * LONGEST}},
    ],
)
def test_lines_of_another_form_do_not_count(journal, entry):
    other = FinishedShard("test", 0, 9, {}, {})
    write_lines(journal, entry, vars(other))
    assert journal.read() == (journal.head, [other])


def test_a_shard_that_is_reported_twice_counts_once(journal):
    write_lines(journal, vars(SHARD), vars(SHARD))
    assert journal.read()[1] == [SHARD]


@pytest.mark.parametrize("first", ["[]", "null", '{"format": ["topophys-journal-1"]}'])
def test_file_without_the_head_of_a_journal_is_no_journal(journal, first):
    journal.head = first
    write_lines(journal, vars(SHARD))
    assert journal.read() == (None, [])


@pytest.fixture
def unfinished(tmp_path, monkeypatch):
    """A run that was stopped after one of two shards."""

    def stop(*_):
        raise KeyboardInterrupt

    def add(*arguments):
        return next(adds)(*arguments)

    adds = iter([writer.Writer.add, stop])
    with monkeypatch.context() as patch:
        patch.setattr(writer, "KEEP_AFTER", -1.0)
        patch.setattr(writer.Writer, "add", add)
        with pytest.raises(KeyboardInterrupt):
            generate(RECIPE, tmp_path / "a.h5", workers=1, progress=False)
    return tmp_path / "a.h5"


@pytest.mark.parametrize("change", [{"sha256": None}, {"rejected": {"a\nb": 1}}])
def test_a_shard_with_other_fields_or_reasons_is_drawn_again(unfinished, tmp_path, change):
    journal = Journal(tmp_path / "a.h5.journal", ShardRange.of(RECIPE))
    (done,) = journal.read()[1]
    change = {"sha256": {**done.sha256, "extra": "00"}} if "sha256" in change else change
    write_lines(journal, vars(done) | change)
    summary = generate(RECIPE, unfinished, workers=1, progress=False)
    assert summary.resumed == 0
    generate(RECIPE, tmp_path / "b.h5", workers=1, progress=False)
    assert unfinished.read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_strange_head_is_refused_in_one_line(unfinished, tmp_path):
    journal = Journal(tmp_path / "a.h5.journal", ShardRange.of(RECIPE))
    journal.head |= {"recipe_digest": "a\nb" + "c" * 5000}
    write_lines(journal)
    with pytest.raises(OutputError, match="unfinished run with recipe_digest 'a") as caught:
        generate(RECIPE, unfinished, workers=1, progress=False)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
