"""The program `topophys`."""

from __future__ import annotations

import errno
import functools
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Final, NoReturn, ParamSpec, TypeVar, get_type_hints

import typer
from typer.models import OptionInfo

from topophys.cli import answers, data, materials, networks, tools
from topophys.cli._options import note
from topophys.errors import TopophysError, UnresolvedError

__all__ = ["app", "main"]

P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    name="topophys",
    help="Proven topological invariants, labelled data sets, and interpretable networks.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _stoppable(command: Callable[P, R]) -> Callable[P, R]:
    """Report Ctrl-C before typer turns it into a silent exit."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            note("stopped; no file was left half-written")
            raise typer.Exit(130) from None
        except TopophysError as error:
            error.args = (in_terms_of_options(str(error), options_of(command)),)
            raise

    return run


#: Arguments of functions whose options have other names.
RENAMED: Final = {"n_occupied": "occupied", "n_electrons": "electrons"}


def options_of(command: Callable[..., object]) -> dict[str, str]:
    """Option of a command for each argument of functions that it fills."""
    found = {}
    for name, hint in get_type_hints(command, include_extras=True).items():
        for about in getattr(hint, "__metadata__", ()):
            if isinstance(about, OptionInfo):
                # of annotated options typer takes the first name for the default
                names = (about.default, *(about.param_decls or ()))
                words = [str(x).partition("/")[0] for x in names if str(x).startswith("--")]
                found[name] = words[0] if words else f"--{name.replace('_', '-')}"
    return found | {name: found[x] for name, x in RENAMED.items() if x in found}


def in_terms_of_options(text: str, options: Mapping[str, str]) -> str:
    """Rewrite an error that speaks of arguments of functions for who gave options of a command."""
    for name, option in options.items():
        text = re.sub(rf"Argument `{name}`", f"Option {option}", text)
        text = re.sub(rf"argument `{name}`", f"option {option}", text)
        text = re.sub(rf"`?\b{name}=['\"]?([\w.-]+)['\"]?`?", rf"`{option} \1`", text)
        text = re.sub(rf"`{name}`", f"`{option}`", text)
    return text.replace("Arguments `--", "Options `--")


def _first(command: Callable[..., object]) -> str:
    """First paragraph of the help, which would be cut off in a list of commands."""
    return " ".join((command.__doc__ or "").partition("\n\n")[0].split()).removesuffix(".") + "."


for _command in (
    *answers.COMMANDS,
    *data.COMMANDS,
    *answers.CERTIFICATES,
    *networks.COMMANDS,
    *tools.COMMANDS,
):
    app.command(short_help=_first(_command))(_stoppable(_command))

_group = typer.Typer(
    name="materials",
    help="Toy and real materials: generate, train, predict, report.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
for _work in materials.COMMANDS:
    _group.command(short_help=_first(_work))(_stoppable(_work))
app.add_typer(_group)


def _version(value: bool) -> None:
    if value:
        from topophys._version import __version__

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


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave with its exit status.

    0: success; 1: a check failed, or no proof was found; 2: the command could not run, with one
    line that says why; 130: stopped from the keyboard.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in words
    _complete_streams()
    _leave_removed_folder()
    for before, word in pairwise(["topophys", *words]):
        # a variable of the shell that is not set; as a path it would be the working folder
        if not word or re.fullmatch(r"--[\w-]+=", word):
            note(f"the argument after `{word or before}` must not be empty; give one")
            _leave(2)
    try:
        app(args=[word for word in words if word != "--debug"], prog_name="topophys")
    except BrokenPipeError as error:
        # the reader of the output has closed it, such as `head`
        if debug or error.filename is not None:
            raise
        _leave(1)
    except (TopophysError, OSError, MemoryError) as error:
        if debug:
            raise
        note(_reason(error))
        _leave(1 if isinstance(error, UnresolvedError) else 2)
    except Exception as error:
        if debug:
            raise
        note(f"internal error, {type(error).__name__}: {error}; please report what `--debug` shows")
        _leave(2)
    except SystemExit as error:
        _leave(error.code)
    _leave(0)


def _complete_streams() -> None:
    """Open what is closed of the standard streams.

    The next file to be opened would take the number of a closed one, and receive what libraries
    write there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            _silence(name)


def _leave_removed_folder() -> None:
    """Go to where nothing can be made if the working folder was removed.

    PyTorch and others cannot be imported without a working folder. Absolute paths work then; names
    relative to the folder cannot be found or made, as before.
    """
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        with suppress(OSError):
            os.chdir("/proc")


#: What the system says where nothing more can be written.
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _reason(error: Exception) -> str:
    """One line for an error; those of the system without a file are about what is printed."""
    if isinstance(error, OSError) and error.filename is None and error.errno in FULL:
        _silence("stdout")
        return f"the output cannot be written: {error.strerror}; send it elsewhere"
    return str(error) or type(error).__name__


def _leave(status: int | str | None) -> NoReturn:
    """Exit; a result that cannot be printed is an error, a line on stderr that cannot is none."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError):
            status = status or 1  # the reader, such as `head`, has closed the pipe
        else:
            note(_reason(error))
            status = status or 2
        _silence("stdout")
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        _silence("stderr")
    sys.exit(status)


def _silence(stream: str) -> None:
    """Replace a stream by one that takes everything: Python would complain of it at the end."""
    setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
