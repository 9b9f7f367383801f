"""Training on Hamiltonians that are evaluated on the way, on grids that may change."""

from __future__ import annotations

import itertools
import math
import os
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

import topophys as tp
from topophys.learn import compute_topological_loss
from topophys.learn.trainer import TrainingLoop, shuffled_batches

WORK = Path(os.environ.get("TOPOPHYS_BENCHMARKS", "runs/benchmarks"))
#: k points of the refined grid that go through a network at a time; more leave the cache.
POINTS = 8192


@dataclass(frozen=True)
class Pool:
    """Fourier coefficients of many Hamiltonians, and their certified invariants."""

    vectors: np.ndarray  # (M, dim)
    amplitudes: torch.Tensor  # (S, M, c) complex64: d, or the entries of a block
    label: torch.Tensor  # (S,)

    def __len__(self):
        return len(self.label)

    def __getitem__(self, pick):
        return Pool(self.vectors, self.amplitudes[pick], self.label[pick])

    def on_grid(self, grid):
        """Channels of a network on the grid of `topophys.k_grid`, not flattened."""
        k = tp.k_grid(tuple(grid)).reshape(-1, len(grid))
        waves = np.exp(1j * k @ self.vectors.T)
        field = torch.from_numpy(waves).to(torch.complex64) @ self.amplitudes
        if len(grid) == 2:  # coefficients of R and -R are conjugates: the sum is real
            return field.real.reshape(len(self), *grid, -1).contiguous()
        return torch.view_as_real(field.contiguous()).flatten(2)


@dataclass(frozen=True)
class Phase:
    """Steps on one grid, with one refinement inside the network."""

    steps: int
    grid: tuple[int, ...]
    upsample: int = 1


def drawn(name, draw, certify, n, seed, *, classes=None, chunk=20_000):
    """Pool of `n` certified Hamiltonians, balanced over `classes` if given; kept on disk."""
    path = WORK / f"pool-{name}-{n}-{seed}.npz"
    if not path.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        _draw(path, draw, certify, n, np.random.default_rng(seed), classes, chunk)
    with np.load(path) as found:
        return Pool(
            found["vectors"],
            torch.from_numpy(found["amplitudes"]),
            torch.from_numpy(found["label"].astype(np.int64)),
        )


def _draw(path, draw, certify, n, rng, classes, chunk):
    share = None if classes is None else math.ceil(n / len(classes))
    amplitudes, labels, vectors = [], [], None
    counts = dict.fromkeys(classes or (), 0)
    while sum(map(len, labels)) < n:
        batch = draw(chunk, rng)
        vectors, values, kept, label = certify(batch)
        if share is not None:
            full = np.zeros(len(label), bool)
            for c in counts:
                mine = np.flatnonzero(kept & (label == c))[: share - counts[c]]
                counts[c] += len(mine)
                full[mine] = True
            kept = full
        amplitudes.append(values[kept].astype(np.complex64))
        labels.append(label[kept])
    order = rng.permutation(sum(map(len, labels)))[:n]
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial, vectors=vectors,
        amplitudes=np.concatenate(amplitudes)[order], label=np.concatenate(labels)[order],
    )  # fmt: skip
    partial.replace(path)


def two_band(min_gap, wanted=None):
    """How to draw and certify random two-band Hamiltonians of hopping range 1."""

    def certify(h):
        if wanted is not None:  # rare invariants are found before gaps are proven
            h = h[np.isin(np.ma.getdata(tp.certify_chern(h).value), wanted)]
        proof = tp.certify_chern(h, min_gap=min_gap)
        return h.d_vectors, h.d_amplitudes, proof.status == "certified", np.ma.getdata(proof.value)

    return lambda n, rng: tp.ensembles.two_band(n, rng=rng), certify


def chains(min_gap):
    """How to draw and certify random chains of four bands and hopping range 2."""

    def certify(h):
        proof = tp.certify_winding(h, min_gap=min_gap)
        amplitudes = h.block_amplitudes
        flat = amplitudes.reshape(*amplitudes.shape[:2], -1)
        powers = np.arange(h.block_range[0], h.block_range[1] + 1)[:, None]
        return powers, flat, proof.status == "certified", np.ma.getdata(proof.value)

    return lambda n, rng: tp.ensembles.aiii_chains(n, rng=rng), certify


def learn(encoder, pool, phases, seed, *, rate=1e-2, batch=256, weight=0.1):
    """Train on labels alone; return seconds of CPU and samples, counted with repetition."""
    torch.set_num_threads(1)
    order = torch.Generator().manual_seed(seed)
    steps = sum(phase.steps for phase in phases)
    size = min(batch, len(pool))
    stream = itertools.chain.from_iterable(
        shuffled_batches(len(pool), size, order) for _ in itertools.count()
    )

    def losses(phase, rows):
        part = max(4, POINTS // (math.prod(phase.grid) * phase.upsample ** len(phase.grid)))
        for some in rows.split(part):
            chosen = pool[some]
            terms = compute_topological_loss(
                encoder(chosen.on_grid(phase.grid)), chosen.label, weight
            )
            yield terms["total_loss"] * (len(some) / batch), terms

    loop = TrainingLoop(
        encoder.parameters(),
        lambda epoch, _skip: ((phases[epoch], r) for r in islice(stream, phases[epoch].steps)),
        lambda pair: losses(*pair),
        steps=steps,
        learning_rate=rate,
        weight_decay=1e-5,
        warm_up=0.2,
    )
    start = time.process_time()
    for phase in phases:
        encoder.settings["upsample"] = phase.upsample
        loop.run_epoch()
    return time.process_time() - start, steps * batch


@torch.no_grad()
def named(encoder, pool, grid, *, upsample=None):
    """Integers that a network gives to Hamiltonians on a grid."""
    if upsample is not None:
        encoder.settings["upsample"] = upsample
    part = max(4, POINTS // (math.prod(grid) * encoder.settings["upsample"] ** len(grid)))
    encoder.eval()
    found = [
        encoder(pool[some].on_grid(grid))["invariant"]
        for some in torch.arange(len(pool)).split(part)
    ]
    return torch.cat(found).round().long().numpy()


def formula(pool, grid, *, finer=1):
    """Sampled invariants on a grid, or on the refined one by the same interpolation."""
    fine = tuple(finer * n for n in grid)  # range-limited hoppings: interpolation is exact
    found = []
    for some in torch.arange(len(pool)).split(2000):
        x = pool[some].on_grid(fine).double().numpy()
        if len(grid) == 2:
            found.append(np.ma.filled(tp.chern_number_from_d(x, on_unresolved="mask")))
        else:
            size = math.isqrt(x.shape[-1] // 2)
            blocks = x.view(np.complex128).reshape(*x.shape[:2], size, size)
            found.append(np.ma.filled(tp.winding_number(blocks, on_unresolved="mask")))
    return np.concatenate(found)


def row(text, found, label, *, beside=None, bar=None, among=None):
    """One line of a table: share of right answers, and the formula's on the same samples."""
    label = np.asarray(label)
    some = np.ones(len(label), bool) if among is None else among
    right = (found == label)[some]
    line = {"row": text, "value": float(right.mean()), "n": int(some.sum())}
    if bar is not None:
        line["bar"] = bar
    if beside is not None:
        other = (beside == label)[some]
        line |= {
            "formula": float(other.mean()),
            "network_only": int((right & ~other).sum()),
            "formula_only": int((~right & other).sum()),
        }
    return line
