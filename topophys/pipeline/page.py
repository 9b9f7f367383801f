"""One self-contained HTML page for a run."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from topophys._files import write_text
from topophys.errors import CheckpointError
from topophys.pipeline.summary import load_summary

__all__ = ["write_page"]


def write_page(folder: str | Path) -> Path:
    """Write report.html from summary.json and the figures of a run.

    The page holds its pictures, needs no network, follows the reader's light or dark setting and
    prints.

    Parameters
    ----------
    folder : str or Path
        Folder of the run.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    CheckpointError
        If there is no summary, or a figure is missing.
    OutputError
        If the folder is not writable.

    Examples
    --------
    >>> write_page("nowhere")
    Traceback (most recent call last):
    ...
    topophys.errors.CheckpointError: Summary `nowhere/summary.json` is missing; make it with ...
    """
    folder = Path(folder)
    environment = Environment(
        loader=PackageLoader("topophys.pipeline", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        name=folder.resolve().name, summary=load_summary(folder), figures=_figures(folder)
    )
    return write_text(folder / "report.html", page)


def _figures(folder: Path) -> list[dict[str, Any]]:
    index = folder / "figures" / "figures.json"
    if not index.is_file():
        return []
    try:
        cards = json.loads(index.read_text(encoding="utf-8"))
        paths = [folder / "figures" / f"{card['name']}.png" for card in cards]
        return [card | {"uri": _data_uri(path)} for card, path in zip(cards, paths, strict=True)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"Figures of `{folder}` are incomplete ({error}); repeat `topophys plot`."
        ) from None


def _data_uri(path: Path) -> str:
    return "data:image/png;base64," + b64encode(path.read_bytes()).decode("ascii")
