"""Tables of docs/results.md from the stored results; nothing in them is typed in."""

from __future__ import annotations

import math
from statistics import fmean, stdev

from scipy.stats import binomtest
from scipy.stats import t as student

from topophys._statistics import wilson_interval

START, END = "<!-- results: {name} -->", "<!-- end of results: {name} -->"


def interval(values):
    """Mean and half width of the 95 % interval of Student's t over seeds."""
    if len(values) < 2:
        return fmean(values), math.nan
    half = student.ppf(0.975, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return fmean(values), float(half)


def merged(results):
    """Rows of all seeds together: one entry for each label, in the order of the first seed."""
    table = {}
    for result in results:
        for row in result["rows"]:
            table.setdefault(row["row"], []).append(row)
    return table


def number(value):
    if value is None or math.isnan(value):
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) < 2:
        return f"{value:.5f}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def line(label, rows):
    """One line of a table."""
    values = [row["value"] for row in rows if row["value"] is not None]
    mean, half = interval(values) if values else (math.nan, math.nan)
    if values and all(isinstance(v, int) for v in values):
        mean, half = (mean, half) if half > 0.0 else (values[0], math.nan)  # counts
    bar = rows[0].get("bar")
    formula = fmean(row["formula"] for row in rows) if "formula" in rows[0] else None
    lower = rows[0].get("lower_is_better", False)
    met = "" if bar is None else ("yes" if (mean <= bar if lower else mean >= bar) else "no")
    shown = f"{number(mean)} {_spread(mean, half, rows[0].get('n'))}".strip()
    if values and not sum(row.get("count", 1) for row in rows):
        shown = f"none of {sum(row['n'] for row in rows):,}"
    against = ""
    if "network_only" in rows[0]:
        against = discordant([(r["network_only"], r["formula_only"]) for r in rows])
    return (
        f"| {label} | {shown} | {len(rows)} | {number(formula)} | {against}"
        f" | {number(bar)} | {met} |"
    )


def discordant(pairs):
    """Means over seeds of the samples that one of the two alone has right, and the largest p.

    The seeds are tested on one set of samples, whose answers are not independent: their counts
    may not be added up before McNemar's test. Each seed is tested for itself.
    """
    if not any(wins + losses for wins, losses in pairs):
        return ""
    wins, losses = (fmean(column) for column in zip(*pairs, strict=True))
    chances = [binomtest(w, w + v).pvalue if w + v else 1.0 for w, v in pairs]
    which = "p" if len(pairs) == 1 else "largest p"
    return f"{wins:.3g} : {losses:.3g}, {which} = {max(chances):.2g}"


def _spread(mean, half, n):
    """Half of the interval over seeds; for one seed, what the number of samples alone allows."""
    if not math.isnan(half):
        return f"± {number(half)}"
    if n and 0.0 <= mean <= 1.0:
        low, high = wilson_interval(round(mean * n), n)
        return f"({number(low)} to {number(high)})"
    return ""


def table(results):
    """Markdown table of one task."""
    against = "only network : only formula right, mean of seeds (McNemar, each seed)"
    head = [
        f"| task | mean, 95 % interval | seeds | formula | {against} | bar | met |",
        "|---|---|---:|---:|---|---:|---|",
    ]
    lines = [line(label, rows) for label, rows in merged(results).items()]
    made = max(result["made"] for result in results)[:10]
    foot = f"{results[0]['machine']}. Last run {made}."
    return "\n".join([*head, *lines, "", foot])


def write(page, found):
    """Put each table between its markers; markers of tasks that are new go to the end."""
    text = page.read_text(encoding="utf-8")
    for name, results in found.items():
        start, end = START.format(name=name), END.format(name=name)
        if start not in text:
            text = f"{text.rstrip()}\n\n## {name}\n\n{start}\n{end}\n"
        before, rest = text.split(start, 1)
        _, after = rest.split(end, 1)
        text = f"{before}{start}\n\n{table(results)}\n\n{end}{after}"
    page.write_text(text, encoding="utf-8")
