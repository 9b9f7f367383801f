"""Very long batches: one call, or one loop of calls, over millions of tiny Hamiltonians.

    python -m topophys.testing.hardening.batches NAME N

tries one of them and prints what came out as a line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, dataclass

import numpy as np

import topophys as tp

#: Bytes of address space that a process has, interpreter, libraries and arguments included.
MEMORY = 8 * 2**30
#: Hamiltonians of one call, where calls follow each other.
PIECE = 1_000_000
#: Points of the loop on which windings are sampled.
POINTS = 8


@dataclass
class Outcome:
    """What became of a batch."""

    items: int
    calls: int
    answered: int
    wrong: int
    memory: int
    seconds: float


def _hoppings(n, seed):
    """Chains of two bands that are not near a transition."""
    t = np.random.default_rng(seed).uniform(0.5, 1.5, (n, 2))
    near = np.abs(t[:, 0] - t[:, 1]) < 0.2
    t[near, 1] = t[near, 0] + 0.3
    return t, t[:, 1] > t[:, 0]


def _sampled(n):
    """Windings from samples of D, all in one call."""
    t, expected = _hoppings(n, 0)
    circle = np.exp(2j * np.pi * np.arange(POINTS) / POINTS - 1j * np.pi)
    d_k = (t[:, :1] + t[:, 1:] * circle)[..., None, None]
    yield np.ma.filled(tp.winding_number(d_k, on_unresolved="mask")), expected


def _from_hoppings(n):
    """Windings from hoppings, sampled on the way, all in one call."""
    t, expected = _hoppings(n, 1)
    yield tp.winding_number(tp.models.ssh(t[:, 0], t[:, 1]), grid=POINTS), expected


def _proven(n):
    """Proofs of windings, a million in each call."""
    for start in range(0, n, PIECE):
        t, expected = _hoppings(min(PIECE, n - start), start)
        proof = tp.certify_winding(tp.models.ssh(t[:, 0], t[:, 1]))
        yield np.where(proof.certified, proof.value, -9), np.where(proof.certified, expected, -9)


#: Batches by what is called.
BATCHES = {
    "`winding_number` of samples": _sampled,
    "`winding_number` of hoppings": _from_hoppings,
    "`certify_winding`, labels only": _proven,
}


def attempt(name, n):
    """Try a batch in this process."""
    for _ in BATCHES[name](1000):  # compiled, which takes memory once
        pass
    start = resource.getrusage(resource.RUSAGE_SELF)
    calls = items = answered = wrong = 0
    for found, expected in BATCHES[name](n):
        calls += 1
        items += len(found)
        answered += int(np.isin(found, (0, 1)).sum())
        wrong += int((found != expected).sum())
    end = resource.getrusage(resource.RUSAGE_SELF)
    memory = (end.ru_maxrss - start.ru_maxrss) * 1024
    seconds = end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
    return Outcome(items, calls, answered, wrong, memory, seconds)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout.write(json.dumps(asdict(attempt(sys.argv[1], int(sys.argv[2])))) + "\n")
