"""Tables of docs/results.md from the stored results; nothing in them is typed in."""

from __future__ import annotations

import math
from statistics import fmean, stdev

from scipy.stats import norm
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
        against = difference(rows)
    return (
        f"| {label} | {shown} | {len(rows)} | {number(formula)} | {against}"
        f" | {number(bar)} | {met} |"
    )


def difference(rows):
    """Accuracy of the network minus that of the formula, with its 95 % interval.

    All seeds are tested on one set of samples, so that their counts may not be added up. The
    variance is that of the samples, which does not shrink with the number of seeds (at most the
    mean of the seeds', by the Cauchy-Schwarz inequality), plus that of the mean over seeds. Half a
    sample is added to each cell of the table of both answers (A. Agresti, Y. Min, Stat. Med. 24,
    729 (2005)), for differences that no sample shows.
    """
    values, variances = [], []
    for row in rows:
        wins, losses, n = row["network_only"], row["formula_only"], row["n"]
        values.append((wins - losses) / n)
        spread = wins + losses + 1.0 - (wins - losses) ** 2 / (n + 2.0)
        variances.append(spread / (n + 2.0) ** 2)
    mean, seeds = interval(values)
    seeds = 0.0 if math.isnan(seeds) else seeds
    half = math.hypot(norm.ppf(0.975) * math.sqrt(fmean(variances)), seeds)
    return f"{mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})"


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
    against = "network minus formula, 95 % (samples and seeds)"
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
