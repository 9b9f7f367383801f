"""Pages of the API: one for each package, with every name of its `__all__`, and the command line.

They are made while the site is built, so that no list can be older than the code.
"""

from __future__ import annotations

import importlib

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


def package_page(package: str) -> str:
    """Markdown with one directive for each name."""
    home = HOMES.get(package, package)
    first = (importlib.import_module(home).__doc__ or "").strip().splitlines()[0]
    parts = [f"# {package}", first]
    parts += [f"::: {home}.{name}" for name in names(package)]
    return "\n\n".join(parts) + "\n"


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
    pages = {f"api/{p}.md": package_page(p) for p in PACKAGES} | {
        "api/command-line.md": command_page()
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files
