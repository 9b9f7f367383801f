"""Hybrid networks beside the strongest formulas, on ensembles without a gap filter.

    python -m benchmarks.experiments.hybrid train chains 0   # one seed; minutes
    python -m benchmarks.experiments.hybrid train planes 0
    python -m benchmarks.experiments.hybrid calibrate chains # all seeds that are there
    python -m benchmarks.experiments.hybrid tighten planes   # only what gaps are unfamiliar
    python -m benchmarks.experiments.hybrid measure chains   # likewise
    python -m benchmarks.experiments.hybrid measure planes
    python -m benchmarks.experiments.hybrid ship             # seed 0 goes into the package
    python -m benchmarks.experiments.hybrid write            # docs/results/hybrid.md

Weights of all seeds go to runs/hybrid. Every measured line is kept in
benchmarks/results/hybrid.jsonl beside its settings.
"""

from __future__ import annotations

import shutil
import time
from statistics import fmean
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import beta

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from topophys.ensembles import (
    HARD_CHAINS,
    HARD_PLANES,
    hard_chains,
    hard_planes,
    mixed_chains,
    mixed_planes,
)
from topophys.hamiltonians.flatten import flatten_block
from topophys.learn._flip_features import eigenphases
from topophys.learn.calibration import COVERAGES, Population, fit_calibration
from topophys.learn.flip_network import FlipData, FlipNetwork, fit_flips, reconstructed
from topophys.learn.layers import upsample_periodic
from topophys.learn.pretrained.weights import load_flip_network, save_flip_network

PAGE = ROOT / "docs" / "results" / "hybrid.md"
RUNS = ROOT / "runs" / "hybrid"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "hybrid.jsonl")
#: Raised where features, training or populations change.
VERSION = 1
#: Likewise for what is measured, and for the calibration.
MEASUREMENT = 2
SEEDS = (0, 1, 2)
CHAINS = {"orbitals": (1, 2, 3, 4), "grids": (8, 12, 16, 24, 32), "size": 40_000, "epochs": 8}
PLANES = {"bands": (2, 3, 4), "grids": (6, 8, 12, 16), "size": 9_600, "epochs": 12}
NOISE = (0.0, 0.1, 0.2, 0.4)
#: Share of wrong answers that the threshold of a network promises.
PROMISE = 0.01


# ------------------------------------------------------------------------------- Populations


def flat_bands(h_k, n_occupied):
    states = np.linalg.eigh(h_k)[1][..., :n_occupied]
    projector = states @ np.conj(np.swapaxes(states, -1, -2))
    return np.eye(h_k.shape[-1]) - 2.0 * projector


def complex_noise(rng, shape):
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * np.sqrt(0.5)


def hermitian_noise(rng, shape):
    noise = complex_noise(rng, shape)
    return (noise + np.conj(np.swapaxes(noise, -1, -2))) * np.sqrt(0.5)


def chain_samples(rng, count, n_orbitals, points, noise=None, **options):
    """Samples of mixed chains: flattened or not, with or without noise, with any origin."""
    chains = mixed_chains(count, n_orbitals=n_orbitals, rng=rng, **options)
    proof = tp.certify_winding(chains)
    origin = rng.uniform(0.0, 2.0 * np.pi) * (rng.random() < 0.5)
    samples = chains.block(tp.k_grid(points) + origin)
    if rng.random() < 0.8:
        samples = flatten_block(samples)
    if noise or (noise is None and rng.random() < 0.4):
        size = 10.0 ** rng.uniform(*(noise or (-2.0, -0.3)), (count, 1, 1, 1))
        samples = samples + size * complex_noise(rng, samples.shape)
    return samples, proof


def plane_samples(rng, count, n_bands, side, noise=None, **options):
    filled = int(rng.integers(1, n_bands))
    planes = mixed_planes(count, n_bands=n_bands, n_occupied=filled, rng=rng, **options)
    proof = tp.certify_chern(planes)
    samples = planes.on_grid(side)
    if rng.random() < 0.8:
        samples = flat_bands(samples, filled)
    if noise or (noise is None and rng.random() < 0.6):
        size = 10.0 ** rng.uniform(*(noise or (-2.0, -0.3)), (count, 1, 1, 1, 1))
        samples = samples + size * hermitian_noise(rng, samples.shape)
    return samples, proof, filled


def training_data(kind, network, size, rng):
    """Candidates and proven integers of a mixture of grids and sizes."""
    parts, labels = [], []
    table = CHAINS if kind == "chains" else PLANES
    sizes = table["orbitals" if kind == "chains" else "bands"]
    step = 250 if kind == "chains" else 50
    for points in table["grids"]:
        for n in sizes:
            for _ in range(max(1, size // (len(table["grids"]) * len(sizes) * step))):
                if kind == "chains":
                    (samples, proof), filled = chain_samples(rng, step, n, points), 1
                else:
                    samples, proof, filled = plane_samples(rng, step, n, points)
                sure = np.asarray(proof.certified)
                values = torch.from_numpy(np.ascontiguousarray(samples[sure]))
                parts.append(network.prepare(values, filled))
                labels.append(np.asarray(np.ma.getdata(proof.value))[sure])
    data = FlipData(*(torch.cat(column) for column in zip(*parts, strict=True)))
    return data, np.concatenate(labels)


# ------------------------------------------------------------------------------- Training


def new_network(kind):
    if kind == "chains":
        return FlipNetwork("winding", candidates=8)
    return FlipNetwork("chern", candidates=12)


def train(kind, seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = new_network(kind)
    table = CHAINS if kind == "chains" else PLANES
    start = time.process_time()
    rng = np.random.default_rng([VERSION, seed, kind == "planes"])
    data, label = training_data(kind, network, table["size"], rng)
    made = time.process_time()
    print(f"{kind}, seed {seed}: {len(label)} samples in {made - start:.0f} s", flush=True)
    losses = fit_flips(
        network,
        data,
        label,
        epochs=table["epochs"],
        batch_size=512 if kind == "chains" else 256,
        weight_decay=1e-4 if kind == "chains" else 1e-3,
        seed=seed,
        on_epoch_end=lambda epoch, loss: print(f"  epoch {epoch}: {loss:.4f}", flush=True),
    )
    trained = time.process_time()
    RUNS.mkdir(parents=True, exist_ok=True)
    save_flip_network(network, RUNS / f"{kind}-{seed}.safetensors")
    STUDY.put(
        {"what": "training", "kind": kind, "seed": seed, "version": VERSION},
        {
            "samples": len(label),
            "data_seconds": round(made - start, 1),
            "training_seconds": round(trained - made, 1),
            "losses": losses,
            "weights": sum(p.numel() for p in network.parameters()),
        },
    )


# ------------------------------------------------------------------------------- Calibration

#: Families of the calibration: options of `mixed_chains` and `mixed_planes`.
FAMILIES = {
    "chains": {
        "mixed": {},
        "long": {"ranges": (4, 6), "powers": (0.0, 1.25)},
        "real": {"real": 1.0},
        "uneven": {"uneven": 1.0},
    },
    "planes": {
        "mixed": {},
        "short": {"ranges": (1, 1)},
        "long": {"ranges": (2, 3), "powers": (0.0, 2.0)},
    },
}
#: Logarithms to base 10 of the strength of the noise: none, weak and strong.
NOISES = ((), (-2.0, -0.8), (-0.8, -0.3))
#: Hamiltonians of each family, grid, noise and size.
CALIBRATION = {"version": 1, "chains": 320, "planes": 220}
#: Parts of the samples of a grid with thresholds of their own; there are fewer planes.
PARTS = {"chains": 4, "planes": 2}


@torch.no_grad()
def calibration_samples(kind, networks):
    """What each network says of samples of all families, grids, noises and sizes."""
    table = CHAINS if kind == "chains" else PLANES
    sizes = table["orbitals" if kind == "chains" else "bands"]
    draw = chain_samples if kind == "chains" else plane_samples
    rng = np.random.default_rng([CALIBRATION["version"], kind == "planes", 4711])
    start = time.process_time()
    populations = [[] for _ in networks]
    for points in table["grids"]:
        for options in FAMILIES[kind].values():
            for noise in NOISES:
                for n in sizes:
                    count = CALIBRATION[kind] // (1 + bool(noise))
                    samples, proof, *rest = draw(rng, count, n, points, noise=noise, **options)
                    sure = np.asarray(proof.certified)
                    label = np.ma.getdata(proof.value)[sure]
                    values = torch.from_numpy(np.ascontiguousarray(samples[sure]))
                    data = networks[0].prepare(values, *rest)
                    context, summary = networks[0].describe(values, data)
                    column = label - data.base[:, 0].numpy() + 16
                    column = np.where((column >= 0) & (column < 32), column, -1)
                    tight = networks[0].smallest_gap(data)
                    for network, found in zip(networks, populations, strict=True):
                        found.append(
                            Population(
                                float(points), network(data), context, summary, column, tight
                            )
                        )
        print(f"{kind}: {points} points, {time.process_time() - start:.0f} s", flush=True)
    return populations


def calibrate(kind):
    """Temperatures, thresholds and prediction sets of all seeds, on the same samples."""
    torch.set_num_threads(1)
    seeds = trained_seeds(kind)
    networks = [load_flip_network(RUNS / f"{kind}-{s}.safetensors") for s in seeds]
    kept = RUNS / f"{kind}-calibration-{CALIBRATION['version']}.pt"
    if not kept.is_file():
        torch.save(calibration_samples(kind, networks), kept)
    populations = torch.load(kept, weights_only=False)
    for seed, network, found in zip(seeds, networks, populations, strict=True):
        network.calibration = fit_calibration(
            found, len(network.mean), promise=PROMISE, parts=PARTS[kind]
        )
        save_flip_network(network, RUNS / f"{kind}-{seed}.safetensors")
        STUDY.put(
            {"what": "calibration", "kind": kind, "seed": seed, **CALIBRATION},
            {
                "samples": sum(len(p.column) for p in found),
                "points": network.calibration.points.tolist(),
                "parts": PARTS[kind],
                "limits": network.calibration.limits.tolist(),
                "weights": network.calibration.weights.tolist(),
            },
        )


def tighten(kind):
    """Add to a network of the package what gaps its calibration shows; nothing else changes.

    The limit is the one that `calibrate` finds, from the same samples.
    """
    torch.set_num_threads(1)
    name = {"chains": "winding-1d", "planes": "chern-2d"}[kind]
    target = ROOT / "topophys" / "learn" / "pretrained" / f"{name}.safetensors"
    network = load_flip_network(target)
    (populations,) = calibration_samples(kind, [network])
    again = fit_calibration(populations, len(network.mean), promise=PROMISE, parts=PARTS[kind])
    if not torch.equal(again.points, network.calibration.points):
        raise SystemExit("the network was calibrated on other grids")
    print(
        "largest change of a limit", float((again.limits - network.calibration.limits).abs().max())
    )
    network.calibration.tightest.copy_(again.tightest)
    save_flip_network(network, target)
    print(again.tightest)


def trained_seeds(kind):
    return [s for s in SEEDS if (RUNS / f"{kind}-{s}.safetensors").is_file()]


# ------------------------------------------------------------------------------- Measuring


def winding_of_dets(samples):
    return np.asarray(np.ma.filled(tp.winding_number(samples, on_unresolved="mask"), 10**6))


def winding_of_eigenphases(samples):
    flat = torch.from_numpy(flatten_block(samples))
    theta, _ = eigenphases(flat.mH @ flat.roll(-1, 1))
    return (theta.sum((1, 2)) / (2.0 * np.pi)).round().long().numpy()


def finer(samples, factor, dims):
    return upsample_periodic(torch.from_numpy(samples), factor, dims).numpy()


def chern_of_links(samples, n_occupied):
    """Fukui, Hatsugai and Suzuki."""
    # coarse samples do not show that they are periodic, as these are
    found = tp.chern_number(
        samples,
        n_occupied=n_occupied,
        positions=np.zeros((samples.shape[-1], 2)),
        on_unresolved="mask",
    )
    return np.asarray(np.ma.filled(found, 10**6))


def expected_error(confidence, right):
    """Expected calibration error with ten bins."""
    bins = np.clip((confidence * 10).astype(int), 0, 9)
    gaps = [abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in range(10)]
    return float(sum(gaps) / len(right))


def chain_case(ensemble, size, points, noise, count, seed):
    """One population: samples and proven labels."""
    rng = np.random.default_rng([seed, HARD_CHAINS.index(ensemble), size, points])
    chains = hard_chains(ensemble, count, n_orbitals=size, rng=rng)
    proof = tp.certify_winding(chains)
    samples = flatten_block(chains.block_on_grid(points))
    sure = np.asarray(proof.certified)
    samples = samples + noise * complex_noise(rng, samples.shape)
    return samples[sure], np.ma.getdata(proof.value)[sure], 1


def plane_case(ensemble, size, points, noise, count, seed):
    rng = np.random.default_rng([seed, HARD_PLANES.index(ensemble), size, points])
    planes = hard_planes(ensemble, count, n_bands=size, rng=rng)
    proof = tp.certify_chern(planes)
    samples = flat_bands(planes.on_grid(points), size // 2)
    sure = np.asarray(proof.certified)
    samples = samples + noise * hermitian_noise(rng, samples.shape)
    return samples[sure], np.ma.getdata(proof.value)[sure], size // 2


class Answers(NamedTuple):
    """What a network alone says: as `Posterior`, without reconstruction."""

    formula: np.ndarray
    value: np.ndarray
    confidence: np.ndarray
    probabilities: np.ndarray
    abstains: np.ndarray
    unfamiliar: np.ndarray
    smallest: np.ndarray


@torch.inference_mode()
def answers(networks, samples, filled):
    """Answers of several networks, whose candidates are the same."""
    # in the scale that `predict` gives them
    size = np.sqrt((np.abs(samples) ** 2).sum((-2, -1)).reshape(len(samples), -1).mean(1))
    scaled = samples / (size / np.sqrt(samples.shape[-1])).reshape(-1, *[1] * (samples.ndim - 1))
    values = torch.from_numpy(np.ascontiguousarray(scaled))
    parts = []
    for rows in torch.arange(len(values)).split(512):
        data = networks[0].prepare(values[rows], filled)
        parts.append((data, *networks[0].describe(values[rows], data)))
    found = []
    for network in networks:
        judged = [network.calibration.judge(network(d), c, s) for d, c, s in parts]
        odds, limit, smallest, unfamiliar = (np.concatenate(x) for x in zip(*judged, strict=True))
        formula = np.concatenate([d.base[:, 0].numpy() for d, _, _ in parts])
        sure = odds.max(-1)
        silent = (sure < limit) | unfamiliar
        found.append(
            Answers(
                formula, formula + odds.argmax(-1) - 16, sure, odds, silent, unfamiliar, smallest
            )
        )
    return found


def measure_case(kind, networks, ensemble, size, points, noise, count):
    """Accuracy of every method on one population."""
    case = chain_case if kind == "chains" else plane_case
    samples, label, filled = case(ensemble, size, points, noise, count, 20261129)
    if kind == "chains":
        up = finer(samples, 4, [1])
        found = {
            "determinants": winding_of_dets(samples),
            "eigenphases": winding_of_eigenphases(samples),
            "FFT, determinants": winding_of_dets(up),
        }
    else:
        up = finer(samples, 2, [1, 2])
        found = {
            "link fluxes": chern_of_links(samples, filled),
            "FFT, link fluxes": chern_of_links(up, filled),
        }
    rows = {name: float((value == label).mean()) for name, value in found.items()}
    alone = answers(networks, samples, filled)
    column = label - alone[0].formula + 16
    inside = (column >= 0) & (column < 32)
    true = [
        np.where(
            inside,
            np.take_along_axis(a.probabilities, np.clip(column, 0, 31)[:, None], 1)[:, 0],
            0.0,
        )
        for a in alone
    ]
    exact, known = reconstructed(samples, networks[0].settings["kind"], filled)
    right = [np.where(known, exact, a.value) == label for a in alone]
    sure = [np.where(known, 1.0, a.confidence) for a in alone]
    answered = [known | ~a.abstains for a in alone]
    return {
        "n": len(label),
        "formulas": rows,
        "hybrid": [float(r.mean()) for r in right],
        "without_reconstruction": [float((a.value == label).mean()) for a in alone],
        "reconstructed": float(known.mean()),
        "reconstructed_wrong": int((known & ~right[0]).sum()),
        "ece": [expected_error(c, r) for c, r in zip(sure, right, strict=True)],
        "answered": [float(a.mean()) for a in answered],
        "wrong_answered": [int((a & ~r).sum()) for a, r in zip(answered, right, strict=True)],
        "unfamiliar": [float((a.unfamiliar & ~known).mean()) for a in alone],
        # where a Hamiltonian is reconstructed, the set is its integer
        "covered": [
            [float((known | (t >= least)).mean()) for least in a.smallest.T]
            for a, t in zip(alone, true, strict=True)
        ],
        "set_size": [
            [
                float(np.where(known, 1, (a.probabilities >= least[:, None]).sum(-1)).mean())
                for least in a.smallest.T
            ]
            for a in alone
        ],
    }


def cases(kind):
    if kind == "chains":
        for size in (1, 2, 3, 4):
            for points in (32, 16, 12, 8):
                for noise in NOISE if size == 2 and points in (32, 16) else (0.0,):
                    yield size, points, noise, {1: 100, 2: 200, 3: 80, 4: 60}[size]
    else:
        for size in (2, 4, 6, 8):
            for points in (12, 8, 6):
                for noise in NOISE[:3] if size in (2, 4) and points != 6 else (0.0,):
                    yield size, points, noise, {2: 60, 4: 24, 6: 12, 8: 8}[size]


def measure(kind):
    torch.set_num_threads(1)
    seeds = trained_seeds(kind)
    networks = [load_flip_network(RUNS / f"{kind}-{s}.safetensors") for s in seeds]
    for size, points, noise, count in cases(kind):
        for ensemble in HARD_CHAINS if kind == "chains" else HARD_PLANES:
            given = {
                "what": "accuracy",
                "kind": kind,
                "version": MEASUREMENT,
                "seeds": seeds,
                "ensemble": ensemble,
                "size": size,
                "points": points,
                "noise": noise,
                "count": count,
            }
            if STUDY.get(given) is None:
                STUDY.put(given, measure_case(kind, networks, ensemble, size, points, noise, count))
        print(kind, size, points, noise, flush=True)


# ------------------------------------------------------------------------------- The page


def collected(kind):
    """Results of the largest number of seeds, by (size, points, noise) and ensemble."""
    found = {}
    for given, result in STUDY.entries():
        if (given["what"], given["kind"], given["version"]) == ("accuracy", kind, MEASUREMENT):
            key = given["size"], given["points"], given["noise"]
            held = found.setdefault(key, {})
            if given["ensemble"] not in held or len(result["hybrid"]) >= len(
                held[given["ensemble"]]["hybrid"]
            ):
                held[given["ensemble"]] = result
    return found


def in_order(found):
    """Rows by noise, size, and falling number of points."""
    return sorted(found.items(), key=lambda item: (item[0][2], item[0][0], -item[0][1]))


def share_wrong(result):
    """Share of wrong answers among those that were given, over seeds."""
    pairs = zip(result["wrong_answered"], result["answered"], strict=True)
    return fmean(wrong / max(1.0, answered * result["n"]) for wrong, answered in pairs)


def accuracy_table(kind):
    found = collected(kind)
    names = list(next(iter(next(iter(found.values())).values()))["formulas"])
    what = "orbitals" if kind == "chains" else "bands"
    worst_of = "worst of ensembles, hybrid minus best formula"
    head = [what, "points", "noise", *names, "network", "hybrid", worst_of, "reconstructed", "n"]
    lines = ["| " + " | ".join(head) + " |", "|---:" * len(head) + "|"]
    for (size, points, noise), held in in_order(found):
        rows = list(held.items())
        means = [fmean(r["formulas"][name] for _, r in rows) for name in names]
        hybrid = [fmean(v) for v in zip(*(r["hybrid"] for _, r in rows), strict=True)]
        alone = fmean(fmean(r["without_reconstruction"]) for _, r in rows)
        gain = {e: fmean(r["hybrid"]) - max(r["formulas"].values()) for e, r in rows}
        worst = min(gain, key=gain.get)
        spread = f" ({min(hybrid):.4f} to {max(hybrid):.4f})" if len(hybrid) > 1 else ""
        grid = f"{points}" if kind == "chains" else f"{points} x {points}"
        lines.append(
            f"| {size} | {grid} | {noise:g} | "
            + " | ".join(f"{m:.4f}" for m in means)
            + f" | {alone:.4f} | **{fmean(hybrid):.4f}**{spread} | {gain[worst]:+.4f} ({worst})"
            f" | {fmean(r['reconstructed'] for _, r in rows):.3f}"
            f" | {sum(r['n'] for _, r in rows):,} |"
        )
    return "\n".join(lines)


def confidence_table(kind):
    found = collected(kind)
    at = COVERAGES.index(0.99)
    head = ["orbitals" if kind == "chains" else "bands", "points", "noise", "ECE, mean",
            "ECE, worst", "answered", "wrong of answered", "worst of ensembles",
            "ensembles beyond 2 %", "unfamiliar", "99 % sets hold", "size of sets"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---:" * len(head) + "|"]
    for (size, points, noise), held in in_order(found):
        errors = {e: fmean(r["ece"]) for e, r in held.items()}
        wrong = {e: share_wrong(r) for e, r in held.items()}
        total = sum(fmean(r["wrong_answered"]) for r in held.values())
        answered = sum(fmean(r["answered"]) * r["n"] for r in held.values())
        count = sum(r["n"] for r in held.values())
        top, bad = max(errors, key=errors.get), max(wrong, key=wrong.get)
        grid = f"{points}" if kind == "chains" else f"{points} x {points}"
        covered = fmean(fmean(c[at] for c in r["covered"]) for r in held.values())
        sets = fmean(fmean(c[at] for c in r["set_size"]) for r in held.values())
        strange = fmean(fmean(r["unfamiliar"]) for r in held.values())
        lines.append(
            f"| {size} | {grid} | {noise:g} | {fmean(errors.values()):.4f} | {errors[top]:.4f}"
            f" ({top}) | {answered / count:.3f} | {total / max(1.0, answered):.4f}"
            f" | {wrong[bad]:.4f} ({bad}) | {sum(map(beyond, held.values()))} of {len(held)}"
            f" | {strange:.3f} | {covered:.4f} | {sets:.2f} |"
        )
    return "\n".join(lines)


def beyond(result):
    """Whether more than twice the promised share is wrong, by the lower end of the interval.

    Seeds are asked the same samples: the interval is that of the seed with the most wrong answers.
    """
    ends = []
    for wrong, answered in zip(result["wrong_answered"], result["answered"], strict=True):
        given = round(answered * result["n"])
        ends.append(beta.ppf(0.025, wrong, given - wrong + 1) if wrong else 0.0)
    return bool(max(ends) > 2.0 * PROMISE)


def training_table():
    lines = ["| network | seed | weights | samples | candidates, CPU | training, CPU |",
             "|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    for given, result in STUDY.entries():
        if given["what"] == "training" and given["version"] == VERSION:
            lines.append(
                f"| {given['kind']} | {given['seed']} | {result['weights']:,}"
                f" | {result['samples']:,} | {result['data_seconds']:.0f} s"
                f" | {result['training_seconds']:.0f} s |"
            )
    return "\n".join(lines)


def wrong_reconstructions():
    """Count of reconstructed answers that were wrong, of all that were reconstructed."""
    wrong = total = 0
    for kind in ("chains", "planes"):
        for held in collected(kind).values():
            for result in held.values():
                wrong += result["reconstructed_wrong"]
                total += round(result["reconstructed"] * result["n"])
    return f"Of {total:,} answers by reconstruction in the tables of this page {wrong} are wrong."


def write():
    place = harness.machine()
    for kind in ("chains", "planes"):
        command = f"python -m benchmarks.experiments.hybrid measure {kind}"
        put(PAGE, kind, filled(command, accuracy_table(kind), place))
        put(PAGE, f"{kind} confidence", filled(command, confidence_table(kind), place))
    command = "python -m benchmarks.experiments.hybrid train chains 0"
    put(PAGE, "training", filled(command, training_table(), place))
    put(PAGE, "reconstructions", wrong_reconstructions())


def ship():
    target = ROOT / "topophys" / "learn" / "pretrained"
    for kind, name in (("chains", "winding-1d"), ("planes", "chern-2d")):
        shutil.copy(RUNS / f"{kind}-0.safetensors", target / f"{name}.safetensors")


if __name__ == "__main__":
    harness.run_command(
        __doc__,
        train=lambda kind, *seeds: [train(kind, seed) for seed in seeds or SEEDS],
        calibrate=calibrate,
        tighten=tighten,
        measure=measure,
        ship=ship,
        write=write,
    )
