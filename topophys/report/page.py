"""The HTML report of a run, with the caveats that a reader must not overlook."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from topophys._io import read_bytes, sha256, write_text
from topophys.errors import CheckpointError
from topophys.report.artifacts import load_summary, origins, read_figure_records

__all__ = ["find_caveats", "write_page"]


# -------- What a reader must not overlook: results that speak against the network, or limit a claim

#: Shares and R2 beyond which something is worth a sentence.
LEAKS: Final = 0.05
DROPS: Final = 0.05
MISSES: Final = 0.05

Rows = list[dict[str, Any]]


def find_caveats(summary: dict[str, Any]) -> list[str]:
    """Sentences about negative results, from the figures of a summary alone.

    Parameters
    ----------
    summary : dict
        Content of summary.json.

    Returns
    -------
    list of str
        One sentence for each; empty if nothing was found.

    Examples
    --------
    >>> row = {"split": "beyond", "invariant": "all", "total": 100, "correct": 90,
    ...        "formula_correct": 100, "grid": [32]}
    >>> find_caveats({"accuracy": [row]})
    ['On `beyond` the network is wrong in 10 of 100 cases, where the formula is wrong in 0.']
    """
    found = summary.get("probes") or {}
    # runs probed by earlier releases have one measure and one split
    default = {"measure": "raw", "split": found.get("split", "")}
    probes = [default | row for row in found.get("results", [])]
    causal = (summary.get("causal") or {}).get("results", [])
    rows = (summary.get("audit") or {}).get("rows", [])
    return [
        *_accuracy(summary.get("accuracy") or []),
        *_probes(probes),
        *_causal(causal),
        *_audit(rows),
    ]


def _accuracy(rows: Rows) -> Iterator[str]:
    for row in rows:
        wrong, formula = row["total"] - row["correct"], row["total"] - row["formula_correct"]
        if row["invariant"] == "all" and wrong > formula:
            yield (
                f"On `{row['split']}` the network is wrong in {wrong} of {row['total']} cases,"
                f" where the formula is wrong in {formula}."
            )


def _probes(rows: Rows) -> Iterator[str]:
    best = {(r["layer"], r["measure"], r["split"]): r for r in rows if r["source"] == "trained"}
    for row in rows:
        mine = best.get((row["layer"], row["measure"], row["split"]))
        if mine is None or row["measure"] in ("circular", "segmented", "best channel"):
            continue
        name = f"{_short(row['layer'])} ({row['measure']})"
        if row["source"] in ("control", "scrambled") and row["r2"] > LEAKS:
            yield (
                f"{name} also holds a quantity that no invariant depends on, {row['target']}:"
                f" R2 {row['r2']:.3f}; that a probe succeeds here is no sign of understanding."
            )
        elif row["source"] == "untrained" and row["r2"] > 0.5 * mine["r2"] > 0.0:
            yield (
                f"{name}: untrained networks reach R2 {row['r2']:.3f} for {row['target']} where the"
                f" trained one has {mine['r2']:.3f}; most of it is due to the architecture."
            )
    yield from _drops(rows, best)


def _drops(rows: Rows, best: dict[tuple[str, str, str], dict[str, Any]]) -> Iterator[str]:
    at_home = {key[0]: r["r2"] for key, r in best.items() if key[1] == "raw"}
    first = {r["layer"]: r["split"] for r in reversed(rows) if r["source"] == "raw input"}
    for layer, split in first.items():
        if (layer, "raw", split) in best:
            at_home[layer] = best[layer, "raw", split]["r2"]
    for (layer, measure, split), row in best.items():
        if measure == "raw" and row["r2"] < at_home[layer] - DROPS:
            yield (
                f"{_short(layer)}: the probe for {row['target']} drops from R2"
                f" {at_home[layer]:.3f} to {row['r2']:.3f} on `{split}`."
            )


def _causal(rows: Rows) -> Iterator[str]:
    shares = {(r["test"], r["layer"], r["what"]): r["share"] for r in rows if r["cases"]}
    alone = shares.get(("erase", "h1_features", "nothing"))
    erased = shares.get(("erase", "h1_features", "cos alpha, sin alpha"))
    both = shares.get(("erase", "h1_features", "cos alpha, sin alpha, entries of D"))
    if alone is not None and erased is not None and both is not None and erased > both + MISSES:
        yield (
            f"With the angle erased from h1 the network still names {erased:.3f} of the integers"
            f" (without the entries of D as well: {both:.3f}): it does not use the angle alone."
        )
    for row in rows:
        if row["test"] != "erase" and row["cases"] and row["share"] < 1.0 - MISSES:
            yield (
                f"{row['test'].capitalize()} of {row['what']} ({_short(row['layer'])}): the"
                f" predicted integer comes out in {row['share']:.3f} of {row['cases']} cases only."
            )


def _audit(rows: Rows) -> Iterator[str]:
    for row in rows:
        name = f"Under {row['operation']}, {row['quantity'].replace('_features', '')}"
        if row["broken"]:
            yield f"{name} changes to another integer in {row['broken']:.4f} of the cases."
        elif row["quantity"] != "output" and row["deviation"] > MISSES:
            yield (
                f"{name} is not {row['expectation']} as it should be: it misses by"
                f" {row['deviation']:.2f} of its spread."
            )


def _short(layer: str) -> str:
    return layer.removesuffix("_features")


# ----------------------------------------------------------- One self-contained HTML page for a run

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
        findings=find_caveats(summary),
        ladder=_ladder(summary),
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
