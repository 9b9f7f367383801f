"""The command that opens the explorer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = ["COMMANDS"]


def explore(
    file: Annotated[
        Path | None, typer.Argument(help="Two-dimensional Wannier90 hoppings; by default a model.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="ssh, extended_ssh, kitaev, qwz, haldane or bhz; haldane by default."),
    ] = None,
    occupied: Annotated[
        int | None, typer.Option("-n", "--occupied", help="Number of occupied bands of the file.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Local port; 0 chooses a free one.")
    ] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
) -> None:
    """Explore a model or a file interactively: bands, Berry flux and the proven invariant.

    The page is served locally until Ctrl-C. Requires `pip install 'topophys[explorer]'`.

    Example: topophys explore wannier90_hr.dat -n 2
    """
    from topophys.errors import InputError
    from topophys.explorer import serve

    if file is not None and model is not None:
        raise InputError("Give a file or --model, not both.")
    if file is None and occupied is not None:
        raise InputError("Option -n belongs to a file; models name their filling.")
    server = serve(
        file, model=model or "haldane", n_occupied=occupied, port=port, show=browser, block=False
    )
    print(f"explorer at http://127.0.0.1:{server.port}/ (Ctrl-C stops it)", flush=True)
    try:
        server.io_loop.start()
    finally:
        server.stop()


COMMANDS: Final = (explore,)
