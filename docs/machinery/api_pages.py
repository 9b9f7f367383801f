"""Pages of the API: one for each public name, a list for each package, and the command line.

They are made while the site is built, so that no list can be older than the code.
"""

from __future__ import annotations

import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PACKAGES = (
    "topophys", "topophys.models", "topophys.ensembles", "topophys.errors", "topophys.datasets",
    "topophys.learn", "topophys.learn.encoders", "topophys.materials", "topophys.interpret",
    "topophys.plots", "topophys.report", "topophys.tasks", "topophys.torch", "topophys.explorer",
)  # fmt: skip
#: Where packages lie that users reach as attributes of `topophys`.
HOMES = {"topophys.models": "topophys.models"}


def names(package: str) -> list[str]:
    """Public names that have a text of their own on the page of a package."""
    module = importlib.import_module(HOMES.get(package, package))
    found = {name: getattr(module, name) for name in module.__all__}
    # subpackages have pages of their own, and what belongs to another library is documented there
    return [
        name
        for name, thing in found.items()
        if not hasattr(thing, "__path__")
        and str(getattr(thing, "__module__", "topophys")).startswith("topophys")
    ]


ROOT = Path(__file__).resolve().parents[2]
#: Where examples are looked for: pages with code, and the scripts of the gallery.
EXAMPLES = ("docs/tutorials/*.md", "docs/how-to/*.md", "docs/guides/*.md", "docs/gallery/*.py",
            "docs/*.md", "docs/theory/*.md")  # fmt: skip
CODE = re.compile(r"(?ms)^```python\n(.*?)^```")
TITLE = re.compile(r"(?m)^# (.+)$")


def summary(thing: object) -> str:
    """First sentence of a docstring, on one line."""
    text = " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())
    return text.replace("|", "\\|")


@cache
def examples() -> tuple[tuple[str, str, str], ...]:
    """Title, address seen from `api/` and code of each page that has some."""
    found = []
    for pattern in EXAMPLES:
        for path in sorted(ROOT.glob(pattern)):
            text, address = path.read_text(encoding="utf-8"), path.relative_to(ROOT / "docs")
            if path.suffix == ".md":
                title, code = TITLE.search(text), "\n".join(CODE.findall(text))
                name = title[1] if title else path.stem
            else:
                page = "systems" if path.stem.startswith("system_") else "index"
                name, code, address = f"{path.stem} (gallery)", text, Path(f"gallery/{page}.md")
            if code:
                found.append((name.replace("`", ""), f"../{address.as_posix()}", code))
    return tuple(found)


def uses(name: str) -> list[str]:
    """Links to the pages whose code has this name."""
    word = re.compile(rf"(?<![\w]){re.escape(name)}(?=\s*[(.,)\]\n])")
    return [f"[{title}]({address})" for title, address, code in examples() if word.search(code)]


def relatives(package: str, name: str, thing: object) -> list[str]:
    """Links to the public names of the same package that the text mentions, or whose mention it."""
    module = importlib.import_module(HOMES.get(package, package))
    own, near = inspect.getdoc(thing) or "", []
    for other in names(package):
        text = inspect.getdoc(getattr(module, other)) or ""
        if other != name and (_mentions(own, other) or _mentions(text, name)):
            near.append(f"[{other}]({package}.{other}.md)")
    return near


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"`(?:[a-z_]+\.)*{re.escape(name)}`", text) is not None


def name_page(package: str, name: str) -> str:
    """Markdown of the page of one name."""
    home = HOMES.get(package, package)
    thing = getattr(importlib.import_module(home), name)
    parts = [f"::: {home}.{name}\n    options:\n      heading_level: 1"]
    if used := uses(name):
        parts += ["## Examples using it", "\n".join(f"- {link}" for link in used)]
    if near := relatives(package, name, thing):
        parts += ["## See also", ", ".join(near)]
    parts.append(f"[All of `{package}`]({package}.md)")
    return "\n\n".join(parts) + "\n"


def package_page(package: str) -> str:
    """Markdown of the list of a package: its names, each with the first sentence of its text."""
    home = HOMES.get(package, package)
    module = importlib.import_module(home)
    first = (module.__doc__ or "").strip().splitlines()[0]
    rows = [
        f"| [`{name}`]({package}.{name}.md) | {summary(getattr(module, name))} |"
        for name in names(package)
    ]
    table = "\n".join(["| name | what it is |", "|---|---|", *rows])
    return f"# {package}\n\n{first}\n\n{table}\n"


def command_page() -> str:
    """Markdown with the help of every command."""
    from topophys.cli.app import app

    parts = ["# Command line", "What `--help` of each command says."]

    def add(command: typer.core.TyperCommand, path: str) -> None:
        context = typer.Context(command, info_name=path)
        if isinstance(command, typer.core.TyperGroup):
            for name, inner in command.commands.items():
                add(inner, f"{path} {name}")
            return
        parts.append(f"## {path}")
        parts.append((command.help or "").split("\f")[0].replace("\b", "").strip())
        parts.append(f"```text\n{' '.join([path, *command.collect_usage_pieces(context)])}\n```")
        rows = []
        for option in command.params:
            record = option.get_help_record(context)
            told = record or (option.make_metavar(context), getattr(option, "help", "") or "")
            rows.append("| " + " | ".join(f"`{t}`" if i == 0 else t.replace("|", "\\|")
                                          for i, t in enumerate(told)) + " |")  # fmt: skip
        parts.append("| | |\n|---|---|\n" + "\n".join(rows))

    add(typer.main.get_command(app), "topophys")
    return "\n\n".join(parts) + "\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the site."""
    pages = {f"api/{p}.md": package_page(p) for p in PACKAGES}
    pages |= {f"api/{p}.{name}.md": name_page(p, name) for p in PACKAGES for name in names(p)}
    pages["api/command-line.md"] = command_page()
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files
