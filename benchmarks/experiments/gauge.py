"""The gauge-equivariant network of arXiv:2502.15376 on the generator of its authors.

    python -m benchmarks.experiments.gauge run 0         # one seed, minutes
    python -m benchmarks.experiments.gauge write         # into docs/results/many-bands.md

Built from the description of L. Huang et al.: bilinear layers, rectifiers and normalisation by
traces, 32, 16 and 8 channels, links of four filled bands from the Haar measure on 5 x 5 points that
are drawn anew for every step, the mean modulus of the error of each plaquette as the loss. Results
are kept in benchmarks/results/many_bands.jsonl.
"""

from __future__ import annotations

import math
import time
from itertools import pairwise

import numpy as np
import torch
from torch import nn

import topophys as tp
from benchmarks import harness
from benchmarks.experiments.fair import interval, packed, unpacked
from benchmarks.experiments.many_bands import LINKS, PAGE, STUDY
from benchmarks.pages import filled, put
from topophys.invariants.chern import chern_number_of_links
from topophys.learn.encoders.loops import plaquette_loops

SEEDS = (0,)
#: CPU seconds and peak learning rate of each training; grids of 5 x 5 points in a step. The authors
#: train for 5,000 times 1,024 grids with a rate of 1e-4.
SETTINGS = {"version": 1, "channels": [32, 16, 8], "batch": 32, "rates": [1e-3, 3e-3],
            "seconds": [10.0, 25.0]}  # fmt: skip
AUTHORS = 5_000 * 1_024


class Bilinear(nn.Module):
    """Products of pairs of W, their adjoints and 1, with learned weights, on eigenvalues."""

    def __init__(self, n_in, n_out):
        super().__init__()
        size = 2 * n_in + 1
        # real and imaginary parts have the variance 1 / (4 size^2)
        draw = torch.randn(size, n_out, size, dtype=torch.complex64)
        self.weight = nn.Parameter(draw * (math.sqrt(2.0) / (2.0 * size)))

    def forward(self, x):
        # (P, r, c) -> (P, r, n_out)
        x = torch.cat([x, x.conj(), torch.ones_like(x[..., :1])], -1)
        size, n_out, _ = self.weight.shape
        flat = x.reshape(-1, size)
        inner = (flat @ self.weight.reshape(size, -1)).reshape(-1, n_out, size)
        return (inner @ flat[..., None]).reshape(*x.shape[:2], n_out)


class GaugeEquivariant(nn.Module):
    """The network of the paper without transport, evaluated on the eigenvalues of each plaquette.

    All that bilinear layers form from the loop W of one plaquette are polynomials in W and its
    adjoint. They are diagonal in the eigenvectors of W, so that products of matrices are products
    of eigenvalues: the same function of the links and of the weights, in a fraction of the time.
    """

    def __init__(self, channels=(32, 16, 8)):
        super().__init__()
        self.layers = nn.ModuleList(Bilinear(a, b) for a, b in pairwise([1, *channels]))
        self.read = nn.Linear(2 * channels[-1], 1)

    def forward(self, eigenvalues):
        """Contribution (P,) of each plaquette, from the eigenvalues (P, r) of its loop."""
        x = eigenvalues[..., None]
        for layer in self.layers:
            x = layer(x)
            x = x * torch.relu(x.sum(1, keepdim=True).real)
            x = x / x.sum(1, keepdim=True).mean(-1, keepdim=True).abs().clamp_min(1e-3)
        return self.read(torch.view_as_real(x.mean(1)).flatten(1))[:, 0]


def drawn(count, rng):
    """Eigenvalues (count, 25, r) of the loops, and what each plaquette contributes."""
    links = tp.ensembles.random_links(count, n_occupied=LINKS["filled"], rng=rng)
    values = torch.linalg.eigvals(plaquette_loops(torch.from_numpy(links))).flatten(1, 2)
    # loops run against the arrow of the integer
    turns = -values.angle().sum(-1) / (2.0 * math.pi)
    return values.to(torch.complex64), turns.float(), links


def grids(rng, chunk=1024):
    """Endless batches of new grids."""
    while True:
        values, turns, _ = drawn(chunk, rng)
        yield from zip(values.split(SETTINGS["batch"]), turns.split(SETTINGS["batch"]), strict=True)


def train(seed, rate, seconds):
    """A trained network, steps and seconds; one cycle of the learning rate over the budget."""
    torch.manual_seed(seed)
    network = GaugeEquivariant(SETTINGS["channels"])
    stream = grids(np.random.default_rng([SETTINGS["version"], seed]))
    search = torch.optim.Adam(network.parameters(), lr=rate)
    start = time.process_time()
    steps, share = 0, 0.0
    while share < 1.0:
        # the length of the cycle is a time: warm-up over a tenth, then half a cosine
        for group in search.param_groups:
            late = (share - 0.1) / 0.9
            group["lr"] = rate * (share / 0.1 if late < 0 else 0.5 + 0.5 * math.cos(math.pi * late))
        values, turns = next(stream)
        loss = nn.functional.l1_loss(network(values.flatten(0, 1)), turns.flatten())
        search.zero_grad()
        loss.backward()
        search.step()
        steps += 1
        share = (time.process_time() - start) / seconds
    return network, steps, time.process_time() - start


@torch.no_grad()
def judged(network, values, turns, label):
    """Right integers (B,), and the mean modulus of the error of a plaquette."""
    found = torch.stack([network(part) for part in values])
    right = found.sum(1).round().long() == label
    return right.numpy(), float((found - turns).abs().mean())


def run(seeds):
    torch.set_num_threads(1)
    values, turns, links = drawn(LINKS["test"], 8)
    label = torch.from_numpy(chern_number_of_links(links, branch="eigenphases"))
    other, other_turns, more = drawn(500, 9)
    other_label = torch.from_numpy(chern_number_of_links(more, branch="eigenphases"))
    short, *budgets = SETTINGS["seconds"]
    tuned = {"what": "GENet tuning", **SETTINGS}
    if STUDY.get(tuned) is None:
        errors = [
            judged(train(0, rate, short)[0], other, other_turns, other_label)[1]
            for rate in SETTINGS["rates"]
        ]
        STUDY.put(tuned, {"errors": errors, "rate": SETTINGS["rates"][int(np.argmin(errors))]})
    rate = STUDY.get(tuned)["rate"]
    for seed in seeds:
        for seconds in (short, *budgets):
            given = {"what": "GENet", "seed": seed, "own_seconds": seconds, **SETTINGS}
            if STUDY.get(given) is not None:
                continue
            network, steps, spent = train(seed, rate, seconds)
            right, error = judged(network, values, turns, label)
            STUDY.put(given, {
                "steps": steps, "seconds": spent, "error": error, "n": len(right),
                "weights": sum(p.numel() for p in network.parameters()), "right": packed(right),
            })  # fmt: skip
            print(seed, seconds, steps, right.mean(), error, flush=True)


def table():
    head = ["CPU seconds", "steps", "grids seen", "of the authors' 5.12 million",
            "mean error of a plaquette", "accuracy", "seeds"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    rng = np.random.default_rng(3)
    for seconds in SETTINGS["seconds"]:
        own = {"what": "GENet", "own_seconds": seconds, **SETTINGS}
        rows = [r for g, r in STUDY.entries() if g == own | {"seed": g.get("seed")}]
        if not rows:
            continue
        mean, low, high = interval(np.stack([unpacked(r["right"], r["n"]) for r in rows]), rng)
        steps, error = (np.mean([r[k] for r in rows]) for k in ("steps", "error"))
        seen = steps * SETTINGS["batch"]
        lines.append(
            f"| {np.mean([r['seconds'] for r in rows]):.0f} | {steps:,.0f} | {seen:,.0f} |"
            f" {seen / AUTHORS:.1%} | {error:.3f} | {mean:.4f} ({low:.3f} to {high:.3f}) |"
            f" {len(rows)} |"
        )
    rate = STUDY.get({"what": "GENet tuning", **SETTINGS})["rate"]
    weights = {r["weights"] for g, r in STUDY.entries() if g["what"] == "GENet"}
    return "\n".join(lines) + (
        f"\n\n{max(weights):,} weights; peak learning rate {rate:g}, of"
        f" {' and '.join(f'{x:g}' for x in SETTINGS['rates'])} the better in trainings of"
        f" {SETTINGS['seconds'][0]:.0f} s."
    )


def write():
    put(PAGE, "genet", filled("python -m benchmarks.experiments.gauge run 0", table(),
                              harness.machine()))  # fmt: skip


if __name__ == "__main__":
    harness.run_command(__doc__, run=lambda *seeds: run(seeds or SEEDS), write=write)
