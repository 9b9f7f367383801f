"""Write the tutorial as an executed notebook: docs/tutorial.ipynb from docs/tutorial.md.

    python docs/machinery/notebook.py

Python blocks become cells of code, all else cells of text. Nothing of the machine is kept.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
import warnings
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

DOCS = Path(__file__).parents[1]
PAGE, TARGET = DOCS / "tutorial.md", DOCS / "tutorial.ipynb"
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n", re.MULTILINE | re.DOTALL)
#: Pictures of the page are outputs of the notebook.
PICTURE = re.compile(r"^!\[[^\]]*\]\((?P<file>figures/tutorial_\w+\.png)\)\n", re.MULTILINE)
LINK = re.compile(r" The same as an executed\s\[notebook\]\(tutorial\.ipynb\)\.")


def cells(text: str) -> list[tuple[str, str]]:
    """Kind and content of each cell, in order."""
    text = PICTURE.sub("", LINK.sub("", text))
    parts, last = [], 0
    for block in BLOCK.finditer(text):
        parts.append(("markdown", text[last : block.start()].strip()))
        parts.append(("code", block["code"].strip()))
        last = block.end()
    parts.append(("markdown", text[last:].strip()))
    return [(kind, content) for kind, content in parts if content]


def notebook(text: str) -> NotebookNode:
    """The notebook, not executed; identifiers of cells count up, so that equal pages are equal."""
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    found = [make[kind](content, id=f"c{i}") for i, (kind, content) in enumerate(cells(text))]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=found, metadata={"kernelspec": kernel})


def executed(text: str) -> NotebookNode:
    """The same with the outputs of a fresh kernel in an empty folder."""
    book = notebook(text)
    root = str(DOCS.parent)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the event loop of the client
        client = NotebookClient(book, timeout=600, resources={"metadata": {"path": folder}})
        client.execute(env=os.environ | {"PYTHONPATH": root})
    for cell in book.cells:
        cell.metadata.pop("execution", None)  # times of day
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    book.metadata = {"kernelspec": book.metadata["kernelspec"]}
    return book


def pictures(book: NotebookNode) -> list[bytes]:
    """PNG outputs in order, those that the page shows."""
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    found = [
        output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    return [base64.b64decode(data) for data in found]


def main() -> None:
    """Write the notebook and the pictures of the page."""
    text = PAGE.read_text(encoding="utf-8")
    book = executed(text)
    nbformat.write(book, TARGET)
    for shown, data in zip(PICTURE.finditer(text), pictures(book), strict=True):
        (DOCS / shown["file"]).write_bytes(data)


if __name__ == "__main__":
    main()
