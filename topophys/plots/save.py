"""Figures to files and to data URIs, the same bytes every time."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from matplotlib.figure import Figure

from topophys._io import complete_file, open_regular
from topophys.errors import InputError, OutputError
from topophys.plots._panels import settled_layout
from topophys.plots._style import style

__all__ = ["figure_to_data_uri", "save_figure"]

Format: TypeAlias = Literal["png", "svg", "pdf"]
#: Dates and versions would change the bytes of equal figures.
_METADATA: Final[dict[str, dict[str, Any]]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
}
_BEGINNINGS: Final = {"png": (b"\x89PNG\r\n",), "svg": (b"<?xml", b"<svg"), "pdf": (b"%PDF-",)}
_MIME: Final = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


def save_figure(
    figure: Figure,
    path: str | os.PathLike[str],
    formats: Sequence[str] | None = None,
    *,
    dpi: int = 300,
    svg_text: Literal["path", "text"] = "path",
    force: bool = False,
) -> tuple[Path, ...]:
    """Write a figure in several formats: all of them, or none.

    The files appear under their names only when complete, and equal figures give equal bytes: no
    dates, no versions, no random identifiers.

    Parameters
    ----------
    figure : Figure
        Any figure of this package.
    path : str or path
        Name of the files without ".png" or ".svg", or the name of one file with its ending; missing
        folders are made.
    formats : sequence of {"png", "svg", "pdf"}, optional
        What to write: that of the ending, or PNG and SVG where the name has none.
    dpi : int, optional
        Pixels per inch of PNG files and of images inside of the others.
    svg_text : {"path", "text"}, optional
        Text of SVG files as outlines, the same everywhere, or as text, searchable but in the
        fonts of the reader.
    force : bool, optional
        Replace files that are no pictures of their format; pictures are replaced anyway.

    Returns
    -------
    tuple of pathlib.Path
        The files, in the order of `formats`.

    Raises
    ------
    InputError
        If a format is unknown.
    OutputError
        If a file cannot be written, or one that is no picture has its name.

    Examples
    --------
    >>> import tempfile, topophys as tp
    >>> from topophys.plots import plot_det_loop
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = save_figure(plot_det_loop(tp.models.ssh(1.0, 2.0)), folder + "/loop")
    >>> [file.name for file in files]
    ['loop.png', 'loop.svg']
    """
    target = Path(path)
    ending = target.suffix[1:]
    if formats is None and ending in _MIME:
        target, formats = target.with_suffix(""), (ending,)
    elif formats is None:
        formats = ("png", "svg")
    wanted = [formats] if isinstance(formats, str) else list(formats)
    contents = _render(figure, wanted, dpi, svg_text)
    files = tuple(target.with_name(f"{target.name}.{name}") for name in wanted)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as pending:
            for name, file, content in zip(wanted, files, contents, strict=True):
                ours = partial(_is_picture, name)
                made = complete_file(file, ours=ours, force=force)
                pending.enter_context(made).write_bytes(content)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        reason = error.strerror or str(error)
        raise OutputError(f"The figure `{target}` cannot be written: {reason}.") from None
    return files


def _is_picture(name: str, path: Path) -> bool:
    """Whether a file begins as pictures of this format do."""
    try:
        with open_regular(path) as stream:
            head = stream.read(1000)
    except OSError:
        return False
    return head.startswith(_BEGINNINGS[name]) and (name != "svg" or b"<svg" in head)


def figure_to_data_uri(
    figure: Figure,
    format: str = "svg",
    *,
    dpi: int = 150,
) -> str:
    """Convert a figure to a data URI for HTML pages.

    Parameters
    ----------
    figure : Figure
        Any figure of this package.
    format : {"svg", "png", "pdf"}, optional
        Format of the image.
    dpi : int, optional
        Pixels per inch, as for `save_figure`.

    Returns
    -------
    str
        ``data:image/svg+xml;base64,...``

    Raises
    ------
    InputError
        If the format is unknown.

    Examples
    --------
    >>> import topophys as tp
    >>> from topophys.plots import plot_det_loop
    >>> figure_to_data_uri(plot_det_loop(tp.models.ssh(1.0, 2.0)))[:26]
    'data:image/svg+xml;base64,'
    """
    (content,) = _render(figure, [format], dpi, "path")
    return f"data:{_MIME[format]};base64,{base64.b64encode(content).decode('ascii')}"


def _render(figure: Figure, formats: Sequence[str], dpi: int, svg_text: str) -> list[bytes]:
    """Contents of the files; the layout, most of the work, is made once for all formats."""
    for name in formats:
        if name not in _METADATA:
            raise InputError(f"Argument `formats` must name png, svg or pdf, but has {name!r}.")
    if svg_text not in ("path", "text"):
        raise InputError(f"Argument `svg_text` must be 'path' or 'text', but is {svg_text!r}.")
    if not 10 <= dpi <= 2400:
        raise InputError(f"Argument `dpi` must be from 10 to 2400, but is {dpi}.")
    contents = []
    with style(svg__fonttype="path" if svg_text == "path" else "none"), settled_layout(figure):
        for name in formats:
            buffer = io.BytesIO()
            figure.savefig(buffer, format=name, dpi=dpi, metadata=_METADATA[name])
            contents.append(buffer.getvalue())
    return contents
