"""Pages, comments, messages and names of tests say things in the words of the field."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("*/*.md")),
    *sorted((ROOT / "datasets").glob("**/*.md")),
    *sorted((ROOT / "topophys" / "report" / "templates").glob("*.j2")),
]
#: Words of earlier releases, and what to say instead.
WORDS = {
    "anew": "again",
    "at hand": "available",
    "dealt out": "distributed",
    "go on": "continue, resume",
    "goes on": "continues",
    "gone on with": "resumed",
    "handed back": "returned",
    "ladder of probes": "probes",
    "mended": "fixed",
    "quartered": "subdivided",
    "tells apart": "distinguishes",
    "thrice": "three times",
    "told": "given, returned or reported",
    "turned away": "rejected",
    "went on": "continued",
    "whoever": "readers or users",
}
TEXTS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
SOURCES = sorted((ROOT / "topophys").rglob("*.py"))
TESTS = sorted(
    {*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "benchmarks" / "tests").rglob("test_*.py")}
)


ANY = re.compile(rf"(?i)\b({'|'.join(WORDS)})\b")


def dialect(text):
    """Words of earlier releases in a text."""
    if not ANY.search(text):
        return {}
    return {word: say for word, say in WORDS.items() if re.search(rf"(?i)\b{word}\b", text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_use_the_terms_of_the_field(page):
    assert dialect(page.read_text(encoding="utf-8")) == {}, "say what is on the right"


@pytest.mark.always
def test_comments_docstrings_and_messages_use_the_terms_of_the_field():
    found = {}
    for path in SOURCES:
        source = io.StringIO(path.read_text(encoding="utf-8"))
        for token in tokenize.generate_tokens(source.readline):
            if token.type in TEXTS and (words := dialect(token.string)):
                found[f"{path.relative_to(ROOT)}:{token.start[0]}"] = words
    assert found == {}, "say what is on the right"


@pytest.mark.always
def test_names_of_tests_use_the_terms_of_the_field():
    found = {}
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (
                words := dialect(node.name.replace("_", " "))
            ):
                found[f"{path.relative_to(ROOT)}::{node.name}"] = words
    assert found == {}, "say what is on the right"
