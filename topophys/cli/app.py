"""The program `topophys`."""

from __future__ import annotations

import sys

import typer

from topophys.cli import data, network, whole
from topophys.errors import TopophysError

__all__ = ["main"]

app = typer.Typer(
    name="topophys",
    help="Proven topological invariants, labelled data sets, and networks one can look inside.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (*data.COMMANDS, *network.COMMANDS, *whole.COMMANDS):
    app.command()(command)


def _version(value: bool) -> None:
    if value:
        from topophys import __version__  # noqa: PLC0415  # keeps `--help` fast

        print(f"topophys {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_version, is_eager=True
    ),
) -> None:
    """Read the options that every command shares."""


def main() -> None:
    """Run the program; exit status 0 done, 1 checked and found wrong, 2 could not."""
    debug = "--debug" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    try:
        app(args=arguments)
    except TopophysError as error:
        if debug:
            raise
        print(f"topophys: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("topophys: stopped; nothing half-written was left behind", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)  # the reader of our output left
