"""Parity networks beside formulas: Majorana numbers and Z2 invariants from hard samples.

    python -m benchmarks.experiments.parity chains 0     # train and test one seed; minutes
    python -m benchmarks.experiments.parity planes 0
    python -m benchmarks.experiments.parity inside chains 0 1 2     # probes and interventions
    python -m benchmarks.experiments.parity turned 0 1 2            # bases of planes turned
    python -m benchmarks.experiments.parity write        # docs/results/parities.md

Bloch matrices are flattened, without a filter on the gap, and labels are proven. Features of the
test samples are kept in runs/parity, results in benchmarks/results/parity.jsonl.
"""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

import numpy as np
import torch

import topophys as tp
from benchmarks import harness
from benchmarks.experiments.fair import interval, packed, unpacked
from benchmarks.pages import ROOT, filled, put
from topophys._statistics import wilson_interval
from topophys.interpret.causal import fit_eraser, random_eraser
from topophys.interpret.regression import held_out_predictions, r_squared
from topophys.invariants._symmetry import spin_reversal
from topophys.learn._flip_features import (
    _plaquettes,
    denoised,
    of_unit_size,
    pfaffian,
    plane_candidates,
    time_reversed_mean,
)
from topophys.learn.layers import upsample_periodic
from topophys.learn.parity_network import (
    Harmonics,
    ParityData,
    ParityNetwork,
    fit_parities,
    low_pass,
    majorana_candidates,
    moved_to_origin,
    wilson_parity,
)

PAGE = ROOT / "docs" / "results" / "parities.md"
RUNS = ROOT / "runs" / "parity"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "parity.jsonl")
#: Raised where features, training or populations change.
VERSION = 1
#: Test samples of each kind.
TESTS = {"chains": 10_000, "planes": 10_000}
TRAINING = {"chains": 8_000, "planes": 3_000}
REVERSAL = torch.from_numpy(np.asarray(spin_reversal("up first", 4), dtype=np.complex128))


class Task(NamedTuple):
    """One kind of samples: points along a direction, shift in steps of the grid, noise."""

    points: int
    shift: float
    noise: float
    flat: bool = True

    @property
    def origin(self):
        return self.shift * 2.0 * np.pi / self.points

    @property
    def name(self):
        words = "half a step off" if self.shift else "on the grid"
        words += "" if self.flat else ", not flattened"
        return f"{self.points} points, {words}" + (f", noise {self.noise}" if self.noise else "")


TASKS = {
    "chains": [*(Task(n, 0.5, 0.0) for n in (6, 8, 12, 16, 32)),
               *(Task(16, 0.0, noise, flat=False) for noise in (0.05, 0.1, 0.2, 0.4)),
               Task(16, 0.5, 0.1)],
    "planes": [Task(12, 0.0, 0.0), Task(8, 0.0, 0.0), Task(8, 0.5, 0.0), Task(8, 0.0, 0.1)],
}  # fmt: skip
KIND = {"chains": "majorana", "planes": "z2"}


# ------------------------------------------------------------------------------------ Samples


def draw(kind, count, seed):
    """Hamiltonians with proven labels, and the smallest gaps that the proofs met."""
    if kind == "chains":
        h = tp.ensembles.bdg_chains(count, rng=seed)
        proof = tp.majorana_number(h, particle_hole="majorana", kind="direct")
    else:
        h = tp.ensembles.time_reversal_planes(count, rng=seed)
        proof = tp.z2_invariant(h, method="flux", time_reversal="up first")
    sure = np.flatnonzero(proof.certified)
    return h[sure], np.ma.getdata(proof.value)[sure], smallest_gaps(h[sure])


def smallest_gaps(h):
    """Smallest gap on a grid, in rms band energies."""
    level = np.linalg.eigvalsh(h.on_grid({1: 128, 2: 32}[h.dim]))
    half = h.n_bands // 2
    return (level[..., half] - level[..., half - 1]).reshape(len(level), -1).min(1)


def samples_of(h, task, rng):
    """Samples of one task; noise is that of data sets, on every channel."""
    found = h.bloch(tp.k_grid((task.points,) * h.dim) + task.origin)
    if task.flat:
        states = np.linalg.eigh(found)[1][..., : h.n_bands // 2]
        found = np.eye(h.n_bands) - 2.0 * states @ states.conj().swapaxes(-1, -2)
    if task.noise:
        parts = rng.standard_normal((2, *found.shape)) * task.noise
        error = parts[0] + 1j * parts[1]
        found = found + 0.5 * (error + error.conj().swapaxes(-1, -2))
    return torch.from_numpy(np.ascontiguousarray(found))


def seed_of(kind, *words):
    return np.random.default_rng([VERSION, kind == "planes", *words])


# ------------------------------------------------------------------------------------ Formulas


def chain_formulas(samples, task):
    """What each formula says, (B,) of 0 or 1."""
    waves = Harmonics(of_unit_size(samples), task.origin)
    found = {"Wilson loop of the samples": wilson_parity(samples)}
    found |= {
        ("FFT and Pfaffians" if cutoff is None else f"low-pass {cutoff} and Pfaffians"): (
            waves.pfaffian(0.0, cutoff) * waves.pfaffian(np.pi, cutoff) < 0.0
        ).long()
        for cutoff in (None, 1, 2, 3, 4)
        if cutoff is None or cutoff < task.points / 2
    }
    return {name: each.numpy() for name, each in found.items()}


def plane_formulas(samples, task, cutoffs):
    """Likewise of planes, by Fukui and Hatsugai."""
    if task.origin:
        samples = moved_to_origin(samples, task.origin)
    given = {"Fukui-Hatsugai": (samples, 1), "FFT and Fukui-Hatsugai": (samples, 2)}
    for cutoff in cutoffs:
        given[f"low-pass {cutoff}, FFT and Fukui-Hatsugai"] = low_pass(samples, cutoff), 2
    return {name: lattice_parity(x, factor) for name, (x, factor) in given.items()}


def lattice_parity(samples, factor):
    """Parity by wrapped fluxes of plaquettes: the flip network's own formula, and its rival."""
    found, _ = plane_candidates(samples, 2, factor, 1, reversal=REVERSAL)
    # the last feature: integer of the wrapped fluxes minus that of eigenphases, times the sign
    apart = (found.features[:, 0, -1] * found.sign[:, 0]).round().long()
    return ((found.base + apart) % 2).numpy()


def formulas(kind, samples, task, cutoffs=(1, 2, 3)):
    if kind == "chains":
        return chain_formulas(samples, task)
    return plane_formulas(samples, task, cutoffs if task.noise else ())


# ------------------------------------------------------------------------------------ Tests


class Tested(NamedTuple):
    """Features of the test samples of one task, with labels, gaps and what formulas say."""

    data: ParityData
    label: np.ndarray
    gap: np.ndarray
    formulas: dict


def pieces(kind, count, seed):
    """Hamiltonians in parts that fit the memory."""
    size = 1000 if kind == "chains" else 250
    for start in range(0, count, size):
        yield draw(kind, size, seed_of(kind, seed, start))


def featured(kind, count, seed, tasks, *, with_formulas):
    """Features of all tasks for the same Hamiltonians."""
    network = ParityNetwork(KIND[kind])
    parts = {task: [] for task in tasks}
    for number, (h, label, gap) in enumerate(pieces(kind, count, seed)):
        for which, task in enumerate(tasks):
            x = samples_of(h, task, seed_of(kind, seed, number, which, 1))
            data = network.prepare(x, origin=task.origin)
            said = formulas(kind, x, task) if with_formulas else {}
            parts[task].append((*data, label, gap, said))
    found = {}
    for task, rows in parts.items():
        features, base, label, gap, said = zip(*rows, strict=True)
        joined = {name: np.concatenate([one[name] for one in said]) for name in said[0]}
        found[task] = Tested(
            ParityData(torch.cat(features), torch.cat(base)),
            np.concatenate(label), np.concatenate(gap), joined,
        )  # fmt: skip
    return found


def tests(kind):
    """Features of the test samples of all tasks, made once."""
    path = RUNS / f"{kind}-test-{VERSION}-{TESTS[kind]}.pt"
    if path.is_file():
        return torch.load(path, weights_only=False)
    found = featured(kind, TESTS[kind], 999, TASKS[kind], with_formulas=True)
    RUNS.mkdir(parents=True, exist_ok=True)
    torch.save(found, path)
    return found


# ------------------------------------------------------------------------------------ Training


def trained(kind, seed):
    """Network of one seed, from integers alone."""
    path = RUNS / f"{kind}-{seed}-{VERSION}.pt"
    network = ParityNetwork(KIND[kind])
    if path.is_file():
        network.load_state_dict(torch.load(path))
        return network.eval()
    torch.manual_seed(seed)
    network = ParityNetwork(KIND[kind])
    start = time.process_time()
    given = featured(kind, TRAINING[kind], seed, TASKS[kind], with_formulas=False)
    made = time.process_time()
    data = ParityData(*(torch.cat(c) for c in zip(*(g.data for g in given.values()), strict=True)))
    label = np.concatenate([g.label for g in given.values()])
    losses = fit_parities(network, data, label, seed=seed)
    RUNS.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
    STUDY.put(
        {"what": "training", "kind": kind, "seed": seed, "version": VERSION},
        {
            "samples": len(label),
            "data_seconds": round(made - start, 1),
            "training_seconds": round(time.process_time() - made, 1),
            "losses": losses,
            "weights": sum(p.numel() for p in network.parameters()),
        },
    )
    return network.eval()


#: Gaps, in rms band energies, from which accuracies are given.
GAPS = (0.0, 0.1, 0.2)


def measure(kind, seed):
    """Right answers of the network of one seed, and of the formulas."""
    network = trained(kind, seed)
    for task, test in tests(kind).items():
        with torch.no_grad():
            p = network(test.data).numpy()
        answers = {"network": (p > 0.5).astype(int), "its formula": test.data.base.numpy()}
        answers |= test.formulas if seed == 0 else {}
        counts = {
            name: [[int((said == test.label)[test.gap >= g].sum()), int((test.gap >= g).sum())]
                   for g in GAPS]
            for name, said in answers.items()
        }  # fmt: skip
        sure = np.maximum(p, 1.0 - p)
        right = answers["network"] == test.label
        bins = np.minimum((sure * 20).astype(int), 19)
        ece = sum(abs(sure[bins == b].sum() - right[bins == b].sum()) for b in range(20))
        high = sure >= 0.95
        STUDY.put(
            {"what": "test", "kind": kind, "task": list(task), "seed": seed, "version": VERSION},
            {
                "counts": counts,
                "right": {name: packed(said == test.label) for name, said in answers.items()},
                "ece": float(ece / len(p)),
                "covered": int(high.sum()),
                "wrong_of_covered": int((high & ~right).sum()),
            },
        )
        print(kind, task.name, seed, {n: round(c[0][0] / c[0][1], 4) for n, c in counts.items()},
              flush=True)  # fmt: skip


# ------------------------------------------------------------------------------------ Inside

#: Samples in which networks are looked into, and how many.
INSIDE = {"chains": (Task(8, 0.5, 0.0), 2_000), "planes": (Task(8, 0.0, 0.0), 500)}


class Exact(NamedTuple):
    """What is true of each candidate (B, K): whether the formula is wrong there; quantities."""

    wrong: np.ndarray
    quantities: dict


def chain_truth(h, samples, task):
    """Pfaffians at k = 0 and pi, and the lowest levels there."""
    found = majorana_candidates(samples, task.origin)
    a = np.stack([h.bloch(np.array([[k]]))[:, 0].imag for k in (0.0, np.pi)], 1)
    exact = pfaffian(torch.from_numpy(0.5 * (a - a.swapaxes(-1, -2)))).numpy()
    level = np.linalg.eigvalsh(1j * a)[..., h.n_bands // 2]
    relative = exact * found.sign.numpy()
    return Exact(relative < 0.0, {
        "Pfaffian, with the sign of the formula": np.sign(relative) * np.abs(relative) ** 0.5,
        "lowest level": level,
    })  # fmt: skip


def plane_truth(h, samples, task):
    """Flux through the plaquettes, the Pfaffian of time reversal, distance of Wannier centres."""
    found, _ = plane_candidates(samples, 2, 2, 8, reversal=REVERSAL, filtered=True)
    points, finer = 2 * task.points, 4
    v = np.linalg.eigh(h.on_grid(points * finer))[1][..., :2]
    w = v.conj().swapaxes(-1, -2) @ REVERSAL.numpy() @ v.conj()
    size = np.abs(w[..., 0, 1])
    x, y = (v.conj().swapaxes(-1, -2) @ np.roll(v, -1, axis) for axis in (1, 2))
    det_x, det_y = np.linalg.det(x), np.linalg.det(y)
    loop = det_y * np.roll(det_x, -1, 2) * np.roll(det_y, -1, 1).conj() * det_x.conj()
    cells = (len(v), points, finer, points, finer)
    flux = np.angle(loop).reshape(cells).sum((2, 4))
    fine = upsample_periodic(of_unit_size(denoised(of_unit_size(samples))[0]), 2, [1, 2])
    theta, _, _ = _plaquettes(time_reversed_mean(fine, REVERSAL), 2)
    turned = np.rint((theta.sum(-1).numpy() - flux) / (2.0 * np.pi)) != 0
    line = y[:, :, 0]
    for step in range(1, y.shape[2]):
        line = line @ y[:, :, step]
    phases = np.angle(np.linalg.eigvals(line)) / (2.0 * np.pi)
    apart = np.abs(phases[..., 0] - phases[..., 1]) % 1.0
    apart = np.minimum(apart, 1.0 - apart)[:, ::finer]
    cell = found.cell.numpy()
    row = np.arange(len(v))[:, None]
    local = size.reshape(cells).min((2, 4)).reshape(len(v), -1)
    return Exact(turned.reshape(len(v), -1)[row, cell], {
        "modulus of the Pfaffian of <u|T u>, least on the plaquette": local[row, cell],
        "distance of the hybrid Wannier centres at this k_x": apart[row, cell // points],
    })  # fmt: skip


def auc(score, wrong):
    """Chance that a wrong candidate has a higher score than a right one."""
    order = np.argsort(score.ravel(), kind="stable")
    rank = np.empty(order.size)
    rank[order] = np.arange(1, order.size + 1)
    bad = wrong.ravel()
    n, m = int(bad.sum()), int((~bad).sum())
    return float((rank[bad].sum() - n * (n + 1) / 2) / (n * m))


def probed(features, exact):
    """Linear probes on Hamiltonians that were held out: R2 of quantities, AUC of errors."""
    found = {}
    for name, target in exact.quantities.items():
        y = target[..., None].astype(float)
        found[name] = float(r_squared(held_out_predictions(features, y), y))
    flags = exact.wrong[..., None].astype(float)
    found["where the formula is wrong (AUC)"] = auc(
        held_out_predictions(features, flags), exact.wrong
    )
    return found


def erased(network, data, label, exact, seed):
    """Right answers with the direction of the errors erased from the hidden layer, or others."""
    hidden = network.hidden_features(data).double().numpy()
    flags = exact.wrong[..., None].astype(float)
    rng = np.random.default_rng(seed)
    found = {"formula": float((data.base.numpy() == label).mean())}
    ways = {"network": None, "errors erased": fit_eraser(hidden, flags),
            "random direction erased": random_eraser(hidden, 1, rng)}  # fmt: skip
    for name, eraser in ways.items():
        h = hidden if eraser is None else eraser(hidden)
        p = torch.sigmoid(network.last(torch.from_numpy(h).float()).squeeze(-1))
        right = 0.5 * (1.0 + (1.0 - 2.0 * p).prod(-1))
        odd = torch.where(data.base == 1, right, 1.0 - right).numpy()
        found[name] = float(((odd > 0.5) == label).mean())
    return found


def moved_zeros(network, count=300, steps=41):
    """Move the level of A(0) next to zero through it, and note where answers change.

    H(k) - t (1 + cos k) M / 2 with M the plane of that level changes A(0) alone among both ends:
    its Pfaffian changes sign where t is the level. Values are in rms band energies.
    """
    task = INSIDE["chains"][0]
    h, _, _ = draw("chains", count, seed_of("chains", 4711))
    a = h.bloch(np.array([[0.0]]))[:, 0].imag
    level, vector = np.linalg.eigh(1j * 0.5 * (a - a.swapaxes(-1, -2)))
    low, v = level[:, 2], vector[:, :, 2]
    plane = v[:, :, None] * v[:, None, :].conj()
    plane = plane - plane.conj()  # +1 on the level, -1 on its partner
    base = h.bloch(tp.k_grid(task.points) + task.origin)
    shape = 0.5 * (1.0 + np.cos(tp.k_grid(task.points)[:, 0] + task.origin))
    said = {"network": [], "formula": []}
    shares = np.linspace(-1.0, 1.0, steps)
    reach = 0.3
    for share in shares:
        t = low + share * reach
        moved = base - (t[:, None] * shape)[..., None, None] * plane[:, None]
        states = np.linalg.eigh(moved)[1][..., :2]
        flat = np.eye(4) - 2.0 * states @ states.conj().swapaxes(-1, -2)
        data = network.prepare(torch.from_numpy(flat), origin=task.origin)
        said["network"].append(network(data).numpy() > 0.5)
        said["formula"].append(data.base.numpy() == 1)
    found = {}
    for name, rows in said.items():
        answers = np.array(rows)
        changes = (answers[1:] != answers[:-1]).sum(0)
        once = changes == 1
        at = (answers[1:] != answers[:-1]).argmax(0)
        where = reach * 0.5 * (shares[at] + shares[at + 1])
        found[name] = {"once": float(once.mean()), "off": float(np.median(np.abs(where[once])))}
    return found


def inside(kind, seeds):
    """Probes with controls, and interventions."""
    task, count = INSIDE[kind]
    parts = []
    for number, (h, label, _) in enumerate(pieces(kind, count, 999)):
        x = samples_of(h, task, seed_of(kind, 999, number, TASKS[kind].index(task), 1))
        truth = (chain_truth if kind == "chains" else plane_truth)(h, x, task)
        data = ParityNetwork(KIND[kind]).prepare(x, origin=task.origin)
        parts.append((data, label, truth))
    data = ParityData(*(torch.cat(c) for c in zip(*(p[0] for p in parts), strict=True)))
    label = np.concatenate([p[1] for p in parts])
    exact = Exact(
        np.concatenate([p[2].wrong for p in parts]),
        {n: np.concatenate([p[2].quantities[n] for p in parts]) for n in parts[0][2].quantities},
    )
    with torch.no_grad():
        for seed in seeds:
            network = trained(kind, seed)
            torch.manual_seed(1000 + seed)
            fresh = ParityNetwork(KIND[kind])
            fresh.mean.copy_(network.mean)
            fresh.deviation.copy_(network.deviation)
            p = torch.sigmoid(network.last(network.hidden_features(data)).squeeze(-1)).numpy()
            scaled = (data.features - network.mean) / network.deviation
            result = {
                "share_wrong": float(exact.wrong.mean()),
                "own_auc": auc(p, exact.wrong),
                "trained": probed(network.hidden_features(data).double().numpy(), exact),
                "untrained": probed(fresh.hidden_features(data).double().numpy(), exact),
                "input": probed(scaled.double().numpy(), exact),
                "erased": erased(network, data, label, exact, seed),
            }
            if kind == "chains":
                result["moved"] = moved_zeros(network)
            STUDY.put({"what": "inside", "kind": kind, "seed": seed, "version": VERSION}, result)
            print(kind, seed, result, flush=True)


# ------------------------------------------------------------------------------------ Planes turned

#: Planes that are turned, and how far: radians, the largest angle at any momentum.
TURNED, ANGLES = 2_000, (0.25, 0.5, 1.0)


def generator(count, sign, rng):
    """Hermitian matrices (B, 4, 4) of norm 1 with T M T^-1 = sign M."""
    a = rng.standard_normal((2, count, 4, 4))
    m = a[0] + 1j * a[1]
    m = m + m.conj().swapaxes(-1, -2)
    flip = REVERSAL.numpy()
    m = m + sign * (flip @ m.conj() @ flip.T)
    return m / np.linalg.norm(m, ord=2, axis=(-2, -1))[:, None, None]


def rotation(k):
    """exp(i K) of Hermitian matrices (..., n, n)."""
    angle, v = np.linalg.eigh(k)
    return (v * np.exp(1j * angle)[..., None, :]) @ v.conj().swapaxes(-1, -2)


def turns(count, points, seed):
    """Name and unitaries U(k) (B, points, points, 4, 4) of each way to turn the bases.

    Where T U(k) T^-1 = U(-k) the turned Hamiltonian has the symmetry, the energies and, as the
    angle can be taken to 0, the invariant of the given one. For U = exp(i M sin k) the Pfaffian of
    <u|T u> changes, because T takes U(k) to its inverse at the same k; for exp(i S cos k) U(k)
    commutes with T, and its modulus stays: the same harmonics are added, and no zero moves.
    """
    k = tp.k_grid((points, points))

    def wave(m, f):
        parts = [f(k[..., axis])[None, ..., None, None] * m[axis][:, None, None] for axis in (0, 1)]
        return 0.5 * (parts[0] + parts[1])

    one = np.ones(k.shape[:2])[None, ..., None, None]
    rng = np.random.default_rng([VERSION, seed])
    yield "nothing", np.eye(4) * one
    kept = generator(count, -1, rng)[:, None, None]
    yield "Kramers partners mixed, everywhere alike", rotation(np.pi * kept * one)
    lost = generator(count, 1, rng)[:, None, None]
    yield "control: a basis in which T is another one", rotation(np.pi * lost * one)
    odd = [generator(count, 1, rng) for _ in range(2)]
    even = [generator(count, -1, rng) for _ in range(2)]
    for angle in ANGLES:
        yield f"zeros moved, angle {angle}", rotation(angle * wave(odd, np.sin))
        yield f"control: zeros kept, angle {angle}", rotation(angle * wave(even, np.cos))


def modulus(samples):
    """Modulus (B, Nx, Ny) of the Pfaffian of <u|T u>, of flattened samples."""
    v = np.linalg.eigh(samples)[1][..., :2]
    return np.abs((v.conj().swapaxes(-1, -2) @ REVERSAL.numpy() @ v.conj())[..., 0, 1])


def turned(seeds):
    """Answers before and after the bases of planes are turned, or their halves exchanged."""
    task = INSIDE["planes"][0]
    h, label, _ = draw("planes", TURNED, seed_of("planes", 515))
    x = samples_of(h, task, None).numpy()
    pfaffians = modulus(x)
    ways = {}
    for name, u in turns(len(x), task.points, 515):
        ways[name] = u @ x @ u.conj().swapaxes(-1, -2)
    # k_x -> k_x + pi: each zero moves by half of the zone, and the other half is looked at
    ways["zeros moved by half of the zone"] = np.roll(x, task.points // 2, 1)
    data, moved = {}, {}
    for name, samples in ways.items():
        parts = [ParityNetwork("z2").prepare(torch.from_numpy(samples[low : low + 250]))
                 for low in range(0, len(samples), 250)]  # fmt: skip
        data[name] = ParityData(*(torch.cat(part) for part in zip(*parts, strict=True)))
        moved[name] = float(np.abs(modulus(samples) - pfaffians).mean())
    for seed in seeds:
        network, rows = trained("planes", seed), {}
        with torch.no_grad():
            before = network(data["nothing"]).numpy()
            for name, one in data.items():
                p, base = network(one).numpy(), one.base.numpy()
                rows[name] = {
                    "pfaffian": moved[name],
                    "formula": int((base == label).sum()),
                    "network": int(((p > 0.5) == label).sum()),
                    "other": int(((p > 0.5) != (before > 0.5)).sum()),
                    "other_formula": int((base != data["nothing"].base.numpy()).sum()),
                    "largest": float(np.abs(p - before).max()),
                    "n": len(label),
                }
        STUDY.put({"what": "turned", "kind": "planes", "seed": seed, "version": VERSION}, rows)
        print(seed, rows, flush=True)


def turned_table():
    """Answers after each way to turn the bases, smallest to largest over seeds."""
    rows = [r for _, r in kept("turned", "planes")]
    head = (
        "what is done to the samples", "mean change of the Pfaffian's modulus", "formula right",
        "formula answers otherwise", "network right, by seed", "network answers otherwise, by seed",
        "largest change of p",
    )  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|---:|---:|---:|---:|---:|---:|"]
    for name, first in rows[0].items():
        n = first["n"]
        right = ", ".join(f"{r[name]['network'] / n:.3f}" for r in rows)
        other = ", ".join(f"{r[name]['other'] / n:.3f}" for r in rows)
        lines.append(
            f"| {name} | {first['pfaffian']:.3f} | {first['formula'] / n:.3f} |"
            f" {first['other_formula'] / n:.3f} | {right} | {other} |"
            f" {max(r[name]['largest'] for r in rows):.1e} |"
        )
    n, excess = rows[0]["nothing"]["n"], {}
    for who, what in (("the network", "other"), ("the formula", "other_formula")):
        moved, stayed = (
            np.array([[r[f"{words}, angle {a}"][what] for a in ANGLES] for r in rows])
            for words in ("zeros moved", "control: zeros kept")
        )
        found = (moved - stayed) / n
        excess[who] = f"{found.min():+.4f} to {found.max():+.4f} of {who}"
    words = "Answers otherwise, zeros moved less zeros kept, over seeds and angles"
    lines += ["", f"{n} planes, 8 x 8 points. {words}: {', '.join(excess.values())}."]
    return "\n".join(lines)


# ------------------------------------------------------------------------------------ Page


def kept(what, kind):
    return [(s, r) for s, r in STUDY.entries()
            if s["what"] == what and s["kind"] == kind and s["version"] == VERSION]  # fmt: skip


def percent(right, total):
    low, high = wilson_interval(right, total)
    return f"{right / total:.4f} ({low:.4f} to {high:.4f})"


def table(kind):
    """Accuracies of formulas and networks, by task."""
    head = (
        "samples", "best formula", "its accuracy", "formula in the network",
        "network, mean of seeds; each", "gap from 0.2", "ECE", "wrong above 0.95", "n", "seeds",
    )  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for task in TASKS[kind]:
        rows = sorted(((s["seed"], r) for s, r in kept("test", kind) if s["task"] == list(task)),
                      key=lambda pair: pair[0])  # fmt: skip
        if not rows:
            continue
        first = rows[0][1]["counts"]
        others = {n: c for n, c in first.items() if n not in ("network", "its formula")}
        best = max(others, key=lambda n: others[n][0][0])
        each = [r["counts"]["network"][0] for _, r in rows]
        mean = sum(c[0] for c in each) / len(each)
        shares = ", ".join(f"{right / total:.4f}" for right, total in each)
        wide = [r["counts"]["network"][2] for _, r in rows]
        ece = max(r["ece"] for _, r in rows)
        wrong = sum(r["wrong_of_covered"] for _, r in rows) / sum(r["covered"] for _, r in rows)
        lines.append(
            f"| {task.name} | {best} | {percent(*others[best][0])} |"
            f" {first['its formula'][0][0] / first['its formula'][0][1]:.4f} |"
            f" **{percent(mean, each[0][1])}**; {shares} |"
            f" {sum(c[0] for c in wide) / sum(c[1] for c in wide):.4f} | {ece:.4f} | {wrong:.4f} |"
            f" {each[0][1]:,} | {len(rows)} |"
        )
    return "\n".join(lines)


def differences(kind):
    """The network minus formulas, paired by sample; intervals over seeds and samples."""
    head = ["samples", "minus the best formula", "minus the formula in the network"]
    lines = ["| " + " | ".join(head) + " |", "|---|---:|---:|"]
    rng = np.random.default_rng(6)
    for task in TASKS[kind]:
        rows = sorted(((s["seed"], r) for s, r in kept("test", kind) if s["task"] == list(task)),
                      key=lambda pair: pair[0])  # fmt: skip
        if not rows or any("right" not in r for _, r in rows):
            continue
        n, first = rows[0][1]["counts"]["network"][0][1], rows[0][1]["counts"]
        network = np.stack([unpacked(r["right"]["network"], n) for _, r in rows]).astype(float)
        others = [name for name in first if name not in ("network", "its formula")]
        best = max(others, key=lambda name: first[name][0][0])
        cells = []
        for name in (best, "its formula"):
            mean, low, high = interval(network - unpacked(rows[0][1]["right"][name], n), rng)
            cells.append(f"{mean:+.4f} ({low:+.4f} to {high:+.4f})")
        lines.append(f"| {task.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) if len(lines) > 2 else ""


def every_formula(kind):
    """Accuracies of all formulas."""
    lines = []
    for task in TASKS[kind]:
        rows = [r for s, r in kept("test", kind) if s["task"] == list(task) and s["seed"] == 0]
        for result in rows:
            shares = [f"{n} {c[0][0] / c[0][1]:.4f}" for n, c in result["counts"].items()
                      if n not in ("network", "its formula")]  # fmt: skip
            lines.append(f"- {task.name}: " + "; ".join(shares))
    return "\n".join(lines)


def inside_table(kind):
    """Probes beside their controls, and what erasing does."""
    rows = [r for _, r in kept("inside", kind)]
    names = list(rows[0]["trained"])
    lines = [
        "| what is read, linearly | trained | untrained | input features |",
        "|---|---:|---:|---:|",
    ]
    for name in names:
        cells = []
        for source in ("trained", "untrained", "input"):
            found = [r[source][name] for r in rows]
            cells.append(f"{min(found):.3f} to {max(found):.3f}")
        shown = name.replace("|", "\\|")
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    own = [r["own_auc"] for r in rows]
    lines.append(
        f"| where the formula is wrong, by the network's own p (AUC) | {min(own):.3f} to"
        f" {max(own):.3f} | | |"
    )
    lines += ["", "| hidden layer | right answers, by seed |", "|---|---:|"]
    for name in rows[0]["erased"]:
        shares = ", ".join(f"{r['erased'][name]:.4f}" for r in rows)
        lines.append(f"| {name} | {shares} |")
    if "moved" in rows[0]:
        lines += ["", "| Pfaffian moved through 0 | answer changes once | median distance |",
                  "|---|---:|---:|"]  # fmt: skip
        for name in ("network", "formula"):
            once = [r["moved"][name]["once"] for r in rows]
            off = [r["moved"][name]["off"] for r in rows]
            lines.append(f"| {name} | {min(once):.3f} to {max(once):.3f} | {min(off):.4f} to"
                         f" {max(off):.4f} |")  # fmt: skip
    return "\n".join(lines)


def write():
    """All tables of which results are kept."""
    command = "python -m benchmarks.experiments.parity"
    for kind in TASKS:
        if kept("test", kind):
            paired = differences(kind)
            text = table(kind) + f"\n\n{paired}" * bool(paired)
            text += "\n\nAll formulas:\n\n" + every_formula(kind)
            put(PAGE, kind, filled(f"{command} {kind} SEED", text, harness.machine()))
        if kept("inside", kind):
            put(PAGE, f"inside-{kind}", filled(f"{command} inside {kind} SEED...",
                                               inside_table(kind), harness.machine()))  # fmt: skip
    if kept("turned", "planes"):
        put(PAGE, "turned", filled(f"{command} turned SEED...", turned_table(), harness.machine()))


if __name__ == "__main__":
    torch.set_num_threads(1)
    what, *others = sys.argv[1:]
    if what in TASKS:
        for seed in others:
            measure(what, int(seed))
    elif what == "inside":
        inside(others[0], [int(seed) for seed in others[1:]])
    elif what == "turned":
        turned([int(seed) for seed in others])
    write()
