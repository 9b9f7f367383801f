"""On the site the gallery shows the code of each picture; elsewhere its page links to the file."""

from __future__ import annotations

import ast
import base64
import json
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

FOLDER = "gallery"
LINK = re.compile(r"^\[[^\]]+\]\((?P<name>\w+\.py)\)$", re.M)


def shown(folder: Path, name: str) -> str:
    """A block that opens on demand, with the whole script."""
    code = (folder / name).read_text(encoding="utf-8").rstrip()
    lines = [f'??? example "{name}"', "", "```python", *code.splitlines(), "```"]
    block = "\n".join([lines[0], *(f"    {line}".rstrip() for line in lines[1:])])
    book = name.removesuffix(".py") + ".ipynb"
    return f"{block}\n\n[{name}]({name}){{ download }} · [notebook]({book}){{ download }}"


def notebook(folder: Path, name: str) -> str:
    """One script as a notebook, with its picture as the output."""
    code = (folder / f"{name}.py").read_text(encoding="utf-8")
    tree = ast.parse(code)
    title, _, words = (ast.get_docstring(tree) or "").partition("\n")
    body = "\n".join(code.splitlines()[tree.body[0].end_lineno : tree.body[-1].lineno - 1])
    image = base64.b64encode((folder / f"{name}.png").read_bytes()).decode("ascii")
    shown = {"output_type": "display_data", "metadata": {}, "data": {"image/png": image}}
    cells: list[dict[str, object]] = [
        {"cell_type": "markdown", "id": "c0", "metadata": {},
         "source": f"# {title}\n\n{words.strip()}"},
        {"cell_type": "code", "id": "c1", "metadata": {}, "execution_count": 1, "outputs": [],
         "source": body.strip()},
        {"cell_type": "code", "id": "c2", "metadata": {}, "execution_count": 2, "outputs": [shown],
         "source": "picture()"},
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a notebook beside each script that makes a picture."""
    folder = Path(config.docs_dir) / FOLDER
    for picture in sorted(folder.glob("*.png")):
        book = notebook(folder, picture.stem)
        files.append(File.generated(config, f"{FOLDER}/{picture.stem}.ipynb", content=book))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Replace links that stand alone on their line."""
    if not page.file.src_uri.startswith(f"{FOLDER}/"):
        return markdown
    folder = Path(page.file.abs_src_path).parent
    return LINK.sub(lambda m: shown(folder, m["name"]), markdown)
