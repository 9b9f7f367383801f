r"""Which quantity is left in the output of a network when the angle is erased from its h1.

For unitary blocks Im tr(D_j^dagger D_(j+1)) is close to the step of the angle where steps are
small, and its sum over the zone close to 2 pi times the winding number. A network may add up the
one or the other. Where they differ tells which: the part of both sums, and of the output, that the
label does not explain.
"""

from __future__ import annotations

import numpy as np

from topophys.interpret.causal import ChainInterventions, fit_eraser
from topophys.interpret.probed_network import ProbedNetwork, draw_samples


def share(y, x):
    """Squared correlation."""
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def left_over(y, label):
    """What a straight line in the label leaves of y."""
    line = np.polyfit(label, y, 1)
    return y - np.polyval(line, label)


def sum_of_traces(entries):
    """Sum over the zone of Im tr(D_j^dagger D_(j+1)) / 2 pi from entries (B, k, 2 N^2)."""
    blocks = entries[..., 0::2] + 1j * entries[..., 1::2]
    turned = (blocks.conj() * np.roll(blocks, -1, axis=1)).sum(-1).imag
    return turned.sum(1) / (2 * np.pi)


def measure(run, dataset, n_hamiltonians, seed=0):
    """Shares of the output explained with the angle erased and with nothing erased."""
    samples = draw_samples(dataset, "test", n_hamiltonians, seed)
    chains = ChainInterventions(ProbedNetwork(run.encoder), samples, seed)
    entries = samples.exact("entries", chains.grid)
    traces, label = sum_of_traces(entries), samples.label
    angle = samples.exact("cos_sin_alpha", chains.grid)
    erased = fit_eraser(chains.hidden, angle)(chains.hidden)
    rows = {"traces rounded are the label": float((np.rint(traces) == label).mean())}
    for what, hidden in (("nothing", chains.hidden), ("the angle", erased)):
        output = chains.named(hidden)
        rest = left_over(output, label)
        rows[what] = {
            "label": share(output, label),
            "rest": share(rest, left_over(traces, label)),
        }
    return rows


def table(reports):
    """One row for each seed."""
    heads = ("seed", "erased from h1", "output explained by the integer",
             "rest of it explained by the rest of the traces",
             "sum of traces, rounded, is the integer")  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---:|---|---:|---:|---:|"]
    for seed, report in reports.items():
        for what in ("nothing", "the angle"):
            row = report[what]
            lines.append(
                f"| {seed} | {what} | {row['label']:.4f} | {row['rest']:.4f} |"
                f" {report['traces rounded are the label']:.4f} |"
            )
    return lines
