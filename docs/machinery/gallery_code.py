"""On the site the gallery shows the code of each picture; elsewhere its page links to the file."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.structure.pages import Page

FOLDER = "gallery"
LINK = re.compile(r"^\[[^\]]+\]\((?P<name>\w+\.py)\)$", re.M)


def shown(folder: Path, name: str) -> str:
    """A block that opens on demand, with the whole script."""
    code = (folder / name).read_text(encoding="utf-8").rstrip()
    lines = [f'??? example "{name}"', "", "```python", *code.splitlines(), "```"]
    return "\n".join([lines[0], *(f"    {line}".rstrip() for line in lines[1:])])


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Replace links that stand alone on their line."""
    if not page.file.src_uri.startswith(f"{FOLDER}/"):
        return markdown
    folder = Path(page.file.abs_src_path).parent
    return LINK.sub(lambda m: shown(folder, m["name"]), markdown)
