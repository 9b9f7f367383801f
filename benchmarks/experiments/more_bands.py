"""The flip network of the package and formulas on many more planes with two and sixteen bands.

    python -m benchmarks.experiments.more_bands run     # minutes
    python -m benchmarks.experiments.more_bands write   # into docs/results/many-bands.md

Planes and grids are those of `many_bands`. Right answers are kept in
benchmarks/results/many_bands.jsonl.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch

from benchmarks import harness
from benchmarks.experiments.curriculum import WORK
from benchmarks.experiments.fair import interval, packed, unpacked
from benchmarks.experiments.hybrid import flat_bands
from benchmarks.experiments.many_bands import PAGE, PLANES, STUDY, planes_of
from benchmarks.pages import filled, put
from topophys.learn import FlipNetwork, load_pretrained
from topophys.learn.flip_network import FlipData

#: Candidates that are prepared; the network reads the first twelve.
MOST, READ = 48, 12
TESTS = [[2, 3000], [16, 150]]
SETTINGS = {"version": 1, "tests": TESTS, "ensemble": PLANES["ensemble"], "grids": [12, 8]}
PRETRAINED = "pre-trained, 12 candidates"
DOUBTS = {"what": "more bands, doubts", **SETTINGS}
FORMULA = "FFT, eigenphases"
LINKS = "FFT, link fluxes"


def prepared(n_bands, count, seed, side):
    """Candidates of planes with their integers, made once; the first are the most doubtful."""
    path = WORK / f"more-bands-{SETTINGS['version']}-{n_bands}-{count}-{seed}-{side}.pt"
    if not path.is_file():
        planes, label = planes_of(n_bands, count, seed)
        samples = flat_bands(planes.on_grid(side), n_bands // 2)
        network = FlipNetwork("chern", candidates=MOST)
        parts = [
            network.prepare(torch.from_numpy(samples[rows]), n_bands // 2)
            for rows in np.array_split(np.arange(len(label)), max(1, len(label) * n_bands // 400))
        ]
        data = [torch.cat(column) for column in zip(*parts, strict=True)]
        torch.save((data, label), path)
    data, label = torch.load(path, weights_only=False)
    return FlipData(*data), label


def first(data, count):
    """The most doubtful candidates alone; features of one do not depend on the others."""
    return FlipData(
        *(part[:, :, :count] for part in (data.features, data.sign, data.turns, data.kept)),
        data.base,
    )


def of_links(data):
    """Integers of link fluxes: those of the eigenphases and the difference that candidates show.

    Differences beyond two are cut to two, as in the features.
    """
    apart = data.features[:, 0, 0, -1] * data.sign[:, 0, 0]
    return (data.base[:, 0] + apart.round().long()).numpy()


@torch.no_grad()
def answered(network, data):
    rows = torch.arange(len(data.base)).split(500)
    found = torch.cat([network(data.select(some)) for some in rows])
    return (data.base[:, 0] + found.argmax(-1) - found.shape[-1] // 2).numpy()


#: Bins of the confidence in the table of wrong answers.
EDGES = (0.0, 0.5, 0.7, 0.9, 0.99, 1.0)


@torch.no_grad()
def doubts(network, data, label):
    """By bins of the confidence: planes, wrong, wrong as the network expects, formula wrong."""
    rows = torch.arange(len(label)).split(500)
    p = torch.cat([network(data.select(some)) for some in rows]).double().exp().numpy()
    sure, formula = p.max(1), data.base[:, 0].numpy()
    wrong = formula + p.argmax(1) - p.shape[1] // 2 != label
    which = np.clip(np.searchsorted(EDGES, sure, side="right") - 1, 0, len(EDGES) - 2)
    return [
        [int(own.sum()), int(wrong[own].sum()), float((1.0 - sure[own]).sum()),
         int((formula[own] != label[own]).sum()), int((wrong & (formula != label))[own].sum())]
        for own in (which == i for i in range(len(EDGES) - 1))
    ]  # fmt: skip


def doubtful(data):
    """Median number of eigenphases, of the 48 most doubtful, within an eighth of pi from pi."""
    return float((data.features[:, 0, :, 0] < np.pi / 8).sum(1).double().median())


def run():
    torch.set_num_threads(1)
    tests = {n: prepared(n, count, 900 + n, 12) for n, count in TESTS}
    shipped = load_pretrained("chern-2d")
    said = {
        FORMULA: {n: data.base[:, 0].numpy() for n, (data, _) in tests.items()},
        LINKS: {n: of_links(data) for n, (data, _) in tests.items()},
        PRETRAINED: {n: answered(shipped, first(data, READ)) for n, (data, _) in tests.items()},
    }
    for name, of in said.items():
        STUDY.put({"what": "more bands", "network": name, "seed": 0, **SETTINGS}, {
            "right": {str(n): packed(value == tests[n][1]) for n, value in of.items()},
            "off": {str(n): off(value, tests[n][1]) for n, value in of.items()},
            "doubtful": {str(n): doubtful(data) for n, (data, _) in tests.items()},
        })  # fmt: skip
        print(name, {n: (v == tests[n][1]).mean() for n, v in of.items()}, flush=True)
    STUDY.put(DOUBTS, {
        str(n): doubts(shipped, first(data, READ), label) for n, (data, label) in tests.items()
    })  # fmt: skip


def off(value, label):
    """How many answers are off by 0, 1, 2, 3 and more."""
    return np.bincount(np.minimum(np.abs(value - label), 4), minlength=5).tolist()


def collected():
    """Right answers (samples,) by method and bands, and everything else that was stored."""
    found = {}
    for name in (FORMULA, LINKS, PRETRAINED):
        found[name] = STUDY.get({"what": "more bands", "network": name, "seed": 0, **SETTINGS})
    right = {
        name: {n: unpacked(text, sum(r["off"][n])) for n, text in r["right"].items()}
        for name, r in found.items()
    }
    return right, found


def table():
    right, found = collected()
    rng = np.random.default_rng(4)
    head = ["bands", "n", "method", "right", "minus FFT, link fluxes", "off by 1", "2", "3",
            "4 and more", "corrected", "spoilt"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---:|---:|---|" + "---:|" * (len(head) - 3)]
    for n in right[FORMULA]:
        base = right[LINKS][n]
        for name, of in right.items():
            mean, low, high = interval(of[n][None], rng)
            less, below, above = interval(of[n][None].astype(float) - base, rng)
            apart = np.array(found[name]["off"][n]) / len(base)
            changed = (of[n] & ~base).mean(), (~of[n] & base).mean()
            cells = [f"{x:.3f}" for x in (*apart[1:], *changed)]
            lines.append(
                f"| {n} | {len(base):,} | {name} | {mean:.4f} ({low:.4f} to {high:.4f}) |"
                f" {less:+.4f} ({below:+.4f} to {above:+.4f}) | " + " | ".join(cells) + " |"
            )
    counts = " and ".join(
        f"{found[FORMULA]['doubtful'][n]:.0f} with {n} bands" for n in right[FORMULA]
    )
    return "\n".join(lines) + (
        "\n\nMedian number of eigenphases within an eighth of $\\pi$ from $\\pi$, of the"
        f" {MOST} most doubtful of a plane: {counts}. The network reads {READ}."
    )


def doubts_table():
    head = ["bands", "probability of the answer", "planes", "wrong", "wrong as expected",
            "formula wrong", "both wrong"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---:|---|" + "---:|" * (len(head) - 2)]
    for n, counts in STUDY.get(DOUBTS).items():
        names = [f"{a:g} to {b:g}" for a, b in itertools.pairwise(EDGES)]
        for name, row in zip([*names, "all"], [*counts, np.sum(counts, 0)], strict=True):
            planes, wrong, expected, formula, both = row
            lines.append(
                f"| {n} | {name} | {int(planes):,} | {int(wrong)} | {expected:.1f} |"
                f" {int(formula)} | {int(both)} |"
            )
    return "\n".join(lines)


def write():
    put(PAGE, "doubts", doubts_table())
    put(PAGE, "more bands", filled("python -m benchmarks.experiments.more_bands run", table(),
                                   harness.machine()))  # fmt: skip


if __name__ == "__main__":
    harness.run_command(__doc__, run=run, write=write)
