"""The HTML report of a run: the finding first, then the picture that proves it, then tables."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from topophys._io import read_bytes, sha256, write_text
from topophys.errors import CheckpointError
from topophys.report.artifacts import load_summary, origins, read_figure_records
from topophys.report.charts import accuracy_chart, probe_chart
from topophys.report.findings import find_caveats, find_findings, words

__all__ = ["write_page"]


# ----------------------------------------------------------- One self-contained HTML page for a run

#: Measures of the table that is open from the start.
MAIN: Final = ("raw", "modulo exact", "used part", "read-out")


def write_page(folder: str | Path) -> Path:
    """Write report.html from summary.json and the figures of a run.

    First come sentences made from the measured values, then charts that prove them, then tables;
    all terms are explained. The page holds its pictures, needs no network, follows the reader's
    light or dark setting and prints.

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
    _check_figures(folder, summary)
    environment = Environment(
        loader=PackageLoader("topophys.report", "templates"),
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
        caveats=find_caveats(summary),
        charts=[c for c in (accuracy_chart(summary), probe_chart(summary)) if c],
        words=words(summary),
        probes_shown=_probes_shown(summary),
        figures=_figures(folder),
    )
    return write_text(folder / "report.html", page)


def _check_figures(folder: Path, summary: dict[str, Any]) -> None:
    """Refuse figures of other weights or data than the summary is of."""
    cards = folder / "figures" / "figures.json"
    drawn = origins(folder).get("figures/figures.json")
    if drawn and cards.is_file() and drawn.get("sha256") != sha256(cards):
        raise CheckpointError(
            f"File `{cards}` is not what was written (digest differs); repeat `topophys plot`."
        )
    wanted = summary.get("made_from")
    if drawn and wanted and any(drawn.get(key) != value for key, value in wanted.items()):
        raise CheckpointError(
            f"Figures of `{folder}` are of other data or weights than its summary; repeat"
            " `topophys report` with the data set that you mean."
        )


def _probes_shown(summary: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
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
        return [
            c | {"uri": _data_uri(place / f"{c['name']}.png", c.get("sha256"))}
            for c in read_figure_records(place)
        ]
    except OSError as error:
        raise CheckpointError(
            f"Figures of `{folder}` are incomplete or altered ({error}); repeat `topophys plot`."
        ) from None


def _data_uri(path: Path, digest: str | None = None) -> str:
    if path.is_symlink():  # a page must not carry files from elsewhere away
        raise OSError(f"`{path.name}` is a symbolic link")
    content = _png(path)
    if digest is not None and hashlib.sha256(content).hexdigest() != digest:
        raise OSError(f"`{path.name}` is not the picture that was drawn")
    return "data:image/png;base64," + b64encode(content).decode("ascii")


#: Bytes that a picture may have, and those with which it begins.
LARGEST: Final = 1 << 25
PNG: Final = b"\x89PNG\r\n\x1a\n"


def _png(path: Path) -> bytes:
    try:
        content = read_bytes(path, most=LARGEST)
    except ValueError as error:
        raise OSError(f"`{path.name}`: {error}") from None
    if not content.startswith(PNG):
        raise OSError(f"`{path.name}` is no PNG picture")
    return content
