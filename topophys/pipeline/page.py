"""One self-contained HTML page for a run."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from topophys._files import write_text
from topophys.errors import CheckpointError
from topophys.pipeline.findings import find_findings
from topophys.pipeline.measured import read_cards
from topophys.pipeline.summary import load_summary

__all__ = ["write_page"]

#: Measures of the table that is open from the start.
MAIN: Final = ("raw", "modulo exact", "used part", "read-out")


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
    summary = load_summary(folder)
    environment = Environment(
        loader=PackageLoader("topophys.pipeline", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        name=folder.resolve().name,
        summary=summary,
        kind=summary["training"]["provenance"].get("kind", "winding"),
        findings=find_findings(summary),
        ladder=_ladder(summary),
        figures=_figures(folder),
    )
    return write_text(folder / "report.html", page)


def _ladder(summary: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows of the probes that make the case, and the rest."""
    probes = summary.get("probes") or {"results": [], "split": ""}
    parts: dict[str, list[dict[str, Any]]] = {"shown": [], "rest": []}
    for row in probes["results"]:
        main = row.get("measure", "raw") in MAIN and row.get("split") in (None, probes["split"])
        parts["shown" if main else "rest"].append(row)
    return parts


def _figures(folder: Path) -> list[dict[str, Any]]:
    place = folder / "figures"
    try:
        return [c | {"uri": _data_uri(place / f"{c['name']}.png")} for c in read_cards(place)]
    except OSError as error:
        raise CheckpointError(
            f"Figures of `{folder}` are incomplete ({error}); repeat `topophys plot`."
        ) from None


def _data_uri(path: Path) -> str:
    return "data:image/png;base64," + b64encode(path.read_bytes()).decode("ascii")
