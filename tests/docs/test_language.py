"""Pages for users say things in the words of the field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("*/*.md")),
    *sorted((ROOT / "topophys" / "cli").glob("*.py")),
    *sorted((ROOT / "topophys" / "report" / "templates").glob("*.j2")),
]
#: Words of earlier releases, and what to say instead.
WORDS = {
    "anew": "again",
    "dealt out": "distributed",
    "gone on with": "resumed",
    "goes on": "continues",
    "went on": "continued",
    "ladder of probes": "probes",
    "mended": "fixed",
    "quartered": "subdivided",
    "tells apart": "distinguishes",
    "told": "given, returned or reported",
    "turned away": "rejected",
    "whoever": "readers or users",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_use_the_terms_of_the_field(page):
    text = page.read_text(encoding="utf-8")
    found = {word: say for word, say in WORDS.items() if re.search(rf"\b{word}\b", text)}
    assert found == {}, "say what is on the right"
