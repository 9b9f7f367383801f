"""What the code of a page prints and draws, recorded by running it, and shown under each block.

    python docs/machinery/outputs.py                      # all pages with code
    python docs/machinery/outputs.py docs/tutorial.md     # some

The blocks of a page run in order in one empty folder. What they print, the value of a last
expression and every figure of a statement are kept under docs/outputs, one folder a page; the hook
of the site puts them under their blocks and offers each page as an executed notebook. A test runs
the blocks again and compares. Kinds of blocks:

- ``python``: runs; ``python no-run``: takes minutes, is shown only
- ``python raises``: runs until it raises an error of topophys, whose text is its output
- ``python needs NAME``: runs where the module NAME is installed; elsewhere its record is kept
- ``bash run``: its ``topophys`` commands run in this process
- any of these between ``<!--`` and ``-->``: runs, but is not shown (checks)
"""

from __future__ import annotations

import ast
import base64
import contextlib
import html
import importlib.util
import io
import json
import math
import os
import posixpath
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

DOCS = Path(__file__).resolve().parents[1]
STORE = DOCS / "outputs"
BLOCK = re.compile(
    r"^(?P<hidden><!--\n)?```(?P<info>(?:python|bash)[^\n]*)\n(?P<code>.*?)^```\n(?(hidden)-->\n?)",
    re.MULTILINE | re.DOTALL,
)
RUN = re.compile(r"python|python raises|python needs \w+|bash run")
#: Runs take other times, and files other names, on every machine.
VOLATILE = re.compile(
    r"\d[\d.,]* ?(?:s|ms|µs|min)\b|\d[\d.,]*(?: \w+)?(?:/s\b| a second)|0x[0-9a-f]+"
)
#: Where a zero is left to rounding, its digits are those of the machine.
ZERO = 1e-11
NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
#: What networks learn differs in its digits between processors: words are compared, numbers not.
TRAINING = re.compile(r"\bfit\(|optimizer\.step|topophys train|topophys demo|generate_toys")


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    info: str
    code: str
    line: int
    hidden: bool
    start: int
    stop: int

    @property
    def runs(self) -> bool:
        return RUN.fullmatch(self.info) is not None

    @property
    def missing(self) -> bool:
        """Whether the block needs a module that is not installed."""
        needs = self.info.removeprefix("python needs ")
        return needs != self.info and importlib.util.find_spec(needs) is None


@dataclass
class Output:
    """What a block has shown."""

    text: str = ""
    figures: list[bytes] = field(default_factory=list)


def blocks(text: str) -> list[Block]:
    """All blocks of Python and of the shell, in order."""
    return [
        Block(
            found["info"].strip(), found["code"],
            text.count("\n", 0, found.start("code")) + 1,
            found["hidden"] is not None, found.start(), found.end(),
        )
        for found in BLOCK.finditer(text)
    ]  # fmt: skip


def slug(page: str) -> str:
    """Folder of the outputs of a page, from its path below docs/."""
    return page.removesuffix(".md").replace("/", "__")


def picture(figure: Any) -> bytes:
    """PNG of a figure, equal bytes for equal figures."""
    from topophys.plots import save_figure

    with tempfile.TemporaryDirectory() as folder:
        (file,) = save_figure(figure, f"{folder}/figure", ["png"], dpi=110)
        return file.read_bytes()


def is_figure(value: object) -> bool:
    from matplotlib.figure import Figure

    return isinstance(value, Figure)


def run_python(block: Block, page: str, names: dict[str, Any]) -> list[bytes]:
    """Execute as a notebook does: the value of a last expression is printed, figures are drawn."""
    tree = ast.parse("\n" * (block.line - 1) + block.code, page)
    figures: list[bytes] = []
    last = tree.body[-1] if tree.body else None
    for statement in tree.body:
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), page, "eval"), names)
            if is_figure(value):
                figures.append(picture(value))
            elif statement is last and value is not None:
                print(repr(value))
        else:
            exec(compile(ast.Module([statement], []), page, "exec"), names)
            # an assigned figure is a picture of the page as well: readers want to see it
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
                value = names.get(getattr(statement.targets[0], "id", ""))
                if is_figure(value) and drawn_by(statement.value):
                    figures.append(picture(value))
    return figures


def drawn_by(call: ast.Call) -> bool:
    """Whether a call is one of a plotting function."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return name.startswith("plot_") or name == "phase_diagram"


def run_shell(block: Block) -> None:
    """Run the commands of topophys in a block of the shell in this process."""
    from topophys.cli.app import app

    for line in block.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] != "topophys":
            raise ValueError(f"Only `topophys` commands run on pages, but found: {line}")
        print(f"$ {' '.join(line.split('#')[0].split())}")
        with mock.patch.object(sys, "argv", words):
            try:
                app(args=words[1:], prog_name="topophys")
            except SystemExit as left:
                if left.code not in (0, 1, None):
                    raise RuntimeError(f"`{line}` left with status {left.code}") from None


@contextlib.contextmanager
def inside(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run_page(page: str, text: str, folder: str) -> list[Output | None]:
    """Run all blocks in a folder; one output for each block, None where a module is missing."""
    from topophys.errors import TopophysError

    names: dict[str, Any] = {"__name__": "__main__"}
    outputs: list[Output | None] = []
    if "torch" in text or TRAINING.search(text):
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(1)
    with inside(folder), mock.patch.dict(os.environ, {"COLUMNS": "100"}):
        for block in blocks(text):
            if not block.runs:
                continue
            if block.missing:
                outputs.append(None)
                continue
            out = Output()
            caught = io.StringIO()
            with contextlib.redirect_stdout(caught), contextlib.redirect_stderr(io.StringIO()):
                if block.info == "bash run":
                    run_shell(block)
                elif block.info == "python raises":
                    try:
                        out.figures = run_python(block, page, names)
                    except TopophysError as error:
                        print(f"{type(error).__name__}: {error}")
                    else:
                        raise AssertionError(f"{page}:{block.line} raises nothing")
                else:
                    out.figures = run_python(block, page, names)
            out.text = caught.getvalue().replace(f"{Path(folder).resolve()}/", "").rstrip()
            outputs.append(out)
    return outputs


def stored(page: str) -> list[Output] | None:
    """What docs/outputs holds of a page, or None."""
    folder = STORE / slug(page)
    if not (folder / "outputs.json").exists():
        return None
    record = json.loads((folder / "outputs.json").read_text(encoding="utf-8"))
    return [Output(b["text"], [(folder / f).read_bytes() for f in b["figures"]]) for b in record]


def shown_code(page: str) -> list[str]:
    """The code that the stored outputs belong to."""
    record = json.loads((STORE / slug(page) / "outputs.json").read_text(encoding="utf-8"))
    return [b["code"] for b in record]


def store(page: str, text: str, outputs: list[Output | None]) -> None:
    """Write the outputs of a page; pictures of earlier runs go."""
    folder = STORE / slug(page)
    old = dict(zip(shown_code(page), stored(page) or [], strict=True)) if stored(page) else {}
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.png"):
        file.unlink()
    record = []
    ran = [block for block in blocks(text) if block.runs]
    for number, (block, new) in enumerate(zip(ran, outputs, strict=True), start=1):
        out = new or old.get(block.code, Output())
        names = [f"{number}-{i}.png" for i in range(1, len(out.figures) + 1)]
        for name, content in zip(names, out.figures, strict=True):
            (folder / name).write_bytes(content)
        record.append({"code": block.code, "text": out.text, "figures": names})
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (folder / "outputs.json").write_text(text + "\n", encoding="utf-8")


def differences(page: str, text: str, new: list[Output | None]) -> list[str]:
    """Why the stored outputs of a page are not those of a run, a line for each block."""
    old = stored(page)
    remedy = f"run: python docs/machinery/outputs.py docs/{page}"
    ran = [block for block in blocks(text) if block.runs]
    if old is None or shown_code(page) != [block.code for block in ran]:
        return [f"{page}: the code has changed; {remedy}"]
    rough = TRAINING.search(text) is not None
    found = []
    for block, a, b in zip(ran, old, new, strict=True):
        if b is None:  # this machine cannot tell
            continue
        if len(a.figures) != len(b.figures):
            found.append(f"{page}:{block.line}: {len(a.figures)} figures stored, {len(b.figures)}")
        elif why := unlike(a.text, b.text, rough=rough):
            found.append(f"{page}:{block.line}: {why}; {remedy}")
    return found


def unlike(a: str, b: str, *, rough: bool) -> str | None:
    """How two outputs differ in what must not differ."""
    a, b = ("\n".join(VOLATILE.sub("#", t).split()) for t in (a, b))
    words = [NUMBER.sub("#", t) for t in (a, b)]
    if rough:
        words = [re.sub(r"#|[\s.]+", "", w) for w in words]
    if words[0] != words[1]:
        return f"stored text {a!r}, now {b!r}"
    if rough:
        return None
    for x, y in zip(NUMBER.findall(a), NUMBER.findall(b), strict=True):
        exact = "." not in x + y and "e" not in x + y
        digits = len(x.split("e")[0].partition(".")[2])
        u, v = (float(t.replace(",", "")) for t in (x, y))
        scale = 10 ** (math.floor(math.log10(abs(u))) if "e" in x and u else 0)
        if max(abs(u), abs(v)) < ZERO:
            continue
        # the last of sixteen digits are those of one math library
        rounding = max(2 * scale * 10.0**-digits, 1e-12 * abs(u))
        if u != v and (exact or abs(u - v) > rounding):
            return f"stored {x}, now {y}"
    return None


def _wrapping(text: str) -> str:
    """HTML of an output: prose wraps under its beginning, tables keep their columns and scroll."""
    lines = text.split("\n")
    if any(len(re.findall(r"\S {2,}(?=\S)", line)) > 1 for line in lines):
        return html.escape(text)
    # "  gap        at least 1": what does not fit continues under "at least"
    starts = [re.match(r" *(?:\S+(?: \S+)* {2,}(?=\S))?", line) for line in lines]
    hangs = [min(len(start[0]), 24) if start else 0 for start in starts]
    return "".join(
        f'<span style="--hang: {hang}ch">{html.escape(line)}\n</span>'
        for hang, line in zip(hangs, lines, strict=True)
    )


def under(output: Output, page: str, number: int) -> str:
    """Markdown of an output, as it stands under its block."""
    parts = []
    if output.text:
        parts.append(f'<div class="output"><pre>{_wrapping(output.text)}</pre></div>')
    base = posixpath.relpath(f"outputs/{slug(page)}", posixpath.dirname(page) or ".")
    parts += [
        f"![Picture drawn by the code above]({base}/{number}-{i}.png)"
        for i in range(1, len(output.figures) + 1)
    ]
    return "".join(f"\n{part}\n" for part in parts)


def with_outputs(page: str, text: str) -> str:
    """The page as the site shows it: no hidden blocks, and outputs under those that run."""
    outputs = stored(page)
    parts, last, number = [], 0, 0
    for block in blocks(text):
        parts.append(text[last : block.start])
        last = block.stop
        number += block.runs
        if block.hidden:
            continue
        language = block.info.split()[0]
        parts.append(f"```{language}\n{block.code}```\n")
        if outputs is not None and block.runs:
            parts.append(under(outputs[number - 1], page, number))
    return "".join([*parts, text[last:]])


def notebook(page: str, text: str) -> str:
    """The page as an executed notebook, JSON; checks are left out."""
    outputs = stored(page) or []
    cells: list[dict[str, Any]] = []

    def words(piece: str) -> None:
        if piece.strip():
            cells.append({"cell_type": "markdown", "metadata": {}, "source": piece.strip()})

    last, number, count = 0, 0, 0
    for block in blocks(text):
        if block.hidden or block.info != "python":
            number += block.runs
            if block.hidden:
                words(text[last : block.start])
                last = block.stop
            continue
        words(text[last : block.start])
        last, number, count = block.stop, number + 1, count + 1
        out = outputs[number - 1] if outputs else Output()
        cell: dict[str, Any] = {
            "cell_type": "code", "metadata": {}, "execution_count": count, "outputs": [],
            "source": block.code.rstrip(),
        }  # fmt: skip
        if out.text:
            cell["outputs"].append(
                {"output_type": "stream", "name": "stdout", "text": out.text + "\n"}
            )
        for figure in out.figures:
            data = {"image/png": base64.b64encode(figure).decode("ascii")}
            cell["outputs"].append({"output_type": "display_data", "metadata": {}, "data": data})
        cells.append(cell)
    words(text[last:])
    for i, cell in enumerate(cells):
        cell["id"] = f"c{i}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def pages() -> list[Path]:
    """Pages whose code runs."""
    found = [p for p in sorted(DOCS.rglob("*.md")) if p.parent.name != "results"]
    return [p for p in found if any(b.runs for b in blocks(p.read_text(encoding="utf-8")))]


def main(wanted: list[str]) -> None:
    """Run pages and keep what they show."""
    for path in [Path(w).resolve() for w in wanted] or pages():
        page, text = path.relative_to(DOCS).as_posix(), path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            outputs = run_page(page, text, folder)
        store(page, text, outputs)
        print(page, sum(len(o.figures) for o in outputs if o), "figures", flush=True)


# --- the hook of the site -----------------------------------------------------------------------


def on_files(files: Any, config: Any) -> Any:
    """Add a notebook for every page with code."""
    from mkdocs.structure.files import File

    for path in pages():
        page = path.relative_to(DOCS).as_posix()
        if stored(page) is not None:
            book = notebook(page, path.read_text(encoding="utf-8"))
            files.append(File.generated(config, f"notebooks/{slug(page)}.ipynb", content=book))
    return files


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Show outputs under their blocks, and the notebook at the end."""
    name = page.file.src_uri
    if not blocks(markdown):
        return markdown
    shown = with_outputs(name, markdown)
    if stored(name) is None:
        return shown
    base = posixpath.relpath("notebooks", posixpath.dirname(name) or ".")
    link = f"[This page as an executed notebook]({base}/{slug(name)}.ipynb){{ .notebook }}"
    return f"{shown}\n\n{link}\n"


if __name__ == "__main__":
    main(sys.argv[1:])
