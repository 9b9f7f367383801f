from __future__ import annotations

from pathlib import Path

from topophys.datasets.format_page import data_format_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_the_format_is_up_to_date():
    written = (DOCS / "data-format.md").read_text(encoding="utf-8")
    assert written == data_format_page(), (
        "run: python -m topophys.datasets.format_page docs/data-format.md"
    )
