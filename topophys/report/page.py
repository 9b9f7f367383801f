"""The HTML report of a run, with its charts: the result, its evidence, then tables."""

from __future__ import annotations

import hashlib
import math
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from topophys._io import open_regular, read_bytes, sha256, write_text
from topophys._statistics import wilson_interval
from topophys.errors import CheckpointError, OutputError
from topophys.report.artifacts import load_summary, origins, read_figure_records
from topophys.report.findings import find_caveats, find_findings, words

__all__ = ["accuracy_chart", "probe_chart", "write_page"]


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
        If the folder is not writable, or its report.html is of something else.

    Examples
    --------
    >>> write_page("nowhere")
    Traceback (most recent call last):
    ...
    topophys.errors.CheckpointError: Summary `nowhere/summary.json` is missing; make it with ...
    """
    folder = Path(folder)
    require_own_page(folder)
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


def require_own_page(folder: Path) -> None:
    """Refuse to replace a page that is no report of this package."""
    path = folder / "report.html"
    if not path.is_file():
        return
    with open_regular(path) as stream:
        head = stream.read(2000)
    if head and b"<title>topophys report" not in head:
        raise OutputError(
            f"File `{path}` must be an earlier report, but topophys did not write it; move it away."
        )


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


# ---- Charts

#: Widths in the units of the drawing: names, plot, values.
_NAMES, _PLOT, _VALUES, _ROW = 124.0, 260.0, 136.0, 30.0


def accuracy_chart(summary: dict[str, Any]) -> Markup | None:
    """Draw the share of errors of each split with its interval, network and formula.

    Splits without an error have their mark at 0, left of the logarithmic axis.

    Examples
    --------
    >>> row = {"split": "test", "invariant": "all", "total": 100, "correct": 99,
    ...        "formula_correct": 100}
    >>> "99 of 100" in accuracy_chart({"accuracy": [row]})
    True
    """
    rows = [r for r in summary.get("accuracy") or [] if r["invariant"] == "all"]
    if not rows:
        return None
    finest = min(1.0 / (2 * r["total"]) for r in rows)
    low = math.floor(math.log10(finest))
    counts = [f"{r['total'] - r['correct']:,} of {r['total']:,}" for r in rows]
    names, values = _room([r["split"] for r in rows], _NAMES), _room(counts, _VALUES)
    zero, start = names + 16.0, names + 62.0

    def place(error: float) -> float:
        if error <= 0.0:
            return zero
        return start + (names + _PLOT - start) * (max(math.log10(error), low) - low) / -low

    parts = []
    bottom = 26.0 + _ROW * len(rows)
    for power in range(low, 1):
        x = place(10.0**power)
        # every other decade, so that labels of any font keep their distance
        label = "" if power % 2 else f"{100 * 10.0**power:g} %"
        parts.append(_line(x, 20.0, x, bottom, "grid") + _text(x, bottom + 16.0, label, "middle"))
    parts.append(_text(zero, bottom + 16.0, "0", "middle"))
    parts.append(_text(names + _PLOT / 2, bottom + 34.0, "wrong answers (95 % interval)", "middle"))
    for i, (row, count) in enumerate(zip(rows, counts, strict=True)):
        y = 40.0 + _ROW * i
        wrong = row["total"] - row["correct"]
        formula = row["total"] - row["formula_correct"]
        right = wilson_interval(row["correct"], row["total"])
        message = (
            f"{row['split']}: network right in {row['correct']:,} of {row['total']:,}"
            f" ({right[0]:.4f} to {right[1]:.4f}), formula in {row['formula_correct']:,}"
        )
        ends = [place(1.0 - right[1]) if wrong else zero, place(1.0 - right[0])]
        x, other = place(wrong / row["total"]), place(formula / row["total"])
        marks = (
            f'<rect class="hit" x="0" y="{y - _ROW / 2:.1f}" width="100%" height="{_ROW}"/>'
            + _line(ends[0], y, ends[1], y, "net")
            + f'<circle class="net" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
            + f'<circle class="formula" cx="{other:.1f}" cy="{y:.1f}" r="8"/>'
        )
        name = _text(names - 8.0, y + 4.0, row["split"], "end")
        value = _text(names + _PLOT + 12.0, y + 4.0, count, "start")
        parts.append(f"<g><title>{escape(message)}</title>{marks}{name}{value}</g>")
    return _svg(
        parts, names + _PLOT + values, bottom + 42.0, "Share of wrong answers on each split",
        "Filled: the network. Ring: the formula on the same points. Splits without an error stand"
        " at 0; their line ends at the largest rate that 95 % confidence allows. On the right:"
        " wrong answers of the network, of all.",
    )  # fmt: skip


#: What a chart of probes shows of each layer, with the marks.
_SOURCES: Final = {"trained": "net", "untrained": "formula", "control": "control"}


def probe_chart(summary: dict[str, Any]) -> Markup | None:
    """Draw what layers hold, and the part that is used, beside untrained networks and controls.

    Examples
    --------
    >>> row = {"layer": "h1_features", "target": "alpha", "source": "trained", "r2": 0.9,
    ...        "low": 0.8, "high": 1.0}
    >>> "R² 0.900" in probe_chart({"probes": {"split": "test", "results": [row]}})
    True
    """
    probes = summary.get("probes") or {}
    home = probes.get("split", "")
    rows = [
        r | {"measure": r.get("measure", "raw")}
        for r in probes.get("results", [])
        if r.get("split", home) == home
        and r.get("measure", "raw") in ("raw", "used part", "modulo exact")
        and r["source"] in _SOURCES
    ]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["layer"], row["measure"]), []).append(row)
    if not groups:
        return None

    kinds = {"raw": "whole layer", "used part": "part in use"}
    labels = [
        f"{layer.removesuffix('_features')}, {kinds.get(measure, measure)}"
        for layer, measure in groups
    ]
    names = _room(labels, _NAMES)

    def place(value: float) -> float:
        return names + 12.0 + (_PLOT - 24.0) * (min(max(value, -0.1), 1.0) + 0.1) / 1.1

    bottom = 26.0 + _ROW * len(groups)
    parts = []
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = place(value)
        parts.append(
            _line(x, 20.0, x, bottom, "grid") + _text(x, bottom + 16.0, f"{value:g}", "middle")
        )
    parts.append(_text(names + _PLOT / 2, bottom + 34.0, "held-out R²", "middle"))
    for i, (((_, measure), found), label) in enumerate(zip(groups.items(), labels, strict=True)):
        y, kind = 40.0 + _ROW * i, kinds.get(measure, measure)
        parts.append(_text(names - 8.0, y + 4.0, label, "end"))
        for row in found:
            message = (
                f"{row['layer'].removesuffix('_features')} ({kind}), {row['source']}:"
                f" {row['target']}, R² {row['r2']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
            )
            look, x = _SOURCES[row["source"]], place(row["r2"])
            mark = _line(place(row["low"]), y, place(row["high"]), y, look)
            if look == "control":
                mark += f'<path class="control" d="M{x - 6:.1f} {y + 5:.1f}h12l-6 -11z"/>'
            else:
                size = 5 if look == "net" else 8
                mark += f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>'
            parts.append(f"<g><title>{escape(message)}</title>{mark}</g>")
        trained = next((r for r in found if r["source"] == "trained"), found[0])
        value_at = names + _PLOT + 12.0
        parts.append(_text(value_at, y + 4.0, f"{trained['r2']:.3f}", "start"))
    return _svg(
        parts, names + _PLOT + _VALUES, bottom + 42.0,
        "Encoded in the layers, and what of it is in use",
        "Filled: the trained network. Ring: untrained networks. Triangle: a control quantity that"
        " no invariant depends on. A high filled mark says something only where ring and triangle"
        " are low.",
    )  # fmt: skip


def _line(x1: float, y1: float, x2: float, y2: float, look: str) -> str:
    return f'<line class="{look}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, content: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def _room(labels: Sequence[str], least: float) -> float:
    """Width for labels beside a chart, in the larger letters of narrow windows as well."""
    return max(least, 20.0 + 9.0 * max(map(len, labels)))


def _svg(parts: list[str], width: float, height: float, title: str, caption: str) -> Markup:
    return Markup(
        f'<figure class="chart"><h3>{escape(title)}</h3>'
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg><figcaption>{escape(caption)}</figcaption></figure>"
    )
