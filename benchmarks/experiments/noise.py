"""Winding numbers of noisy chains: a blind learned filter beside filters that know the range.

    python -m benchmarks.experiments.noise run 0 1 2   # seeds; a minute each
    python -m benchmarks.experiments.noise write       # docs/results/noise.md

Samples are not flattened. Right answers are kept sample by sample in
benchmarks/results/noise.jsonl.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

import topophys as tp
from benchmarks import harness
from benchmarks.experiments.fair import interval, packed, unpacked
from benchmarks.experiments.hybrid import complex_noise, finer, winding_of_dets
from benchmarks.pages import ROOT, filled, put
from topophys.ensembles import hard_chains, mixed_chains
from topophys.learn import load_pretrained
from topophys.learn._flip_features import denoised
from topophys.learn.trainer import TrainingLoop, shuffled_batches

PAGE = ROOT / "docs" / "results" / "noise.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "noise.jsonl")
SEEDS = (0, 1, 2)
#: Chains, points, strengths of the noise in units of the rms entry of D; training of the gate.
SETTINGS = {
    "version": 1,
    "n": 1000,
    "points": 32,
    "noise": [0.05, 0.1, 0.2, 0.4],
    "chains": 60_000,
    "epochs": 8,
    "votes": 64,
}
ENSEMBLES = (
    "gaussian", "real", "uniform", "sparse", "heavy_tails", "long_range", "exponential",
    "anisotropic", "gaussian prior",
)  # fmt: skip
#: Ensembles whose hoppings reach beyond two cells.
LONG = ("long_range", "exponential")


# --------------------------------------------------------------------------------- The network


class HarmonicGate(nn.Module):
    """Gains of all harmonics from the logarithms of their shares of the power.

    Nothing tells it the range of the hoppings or the strength of the noise.
    """

    def __init__(self, points, width=64):
        super().__init__()
        self.gains = nn.Sequential(
            nn.Linear(points, width), nn.GELU(),
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, points),
        )  # fmt: skip

    def forward(self, power):
        share = power / power.sum(1, keepdim=True)
        return torch.sigmoid(self.gains((share + 1e-7).log()))

    @torch.no_grad()
    def clean(self, samples):
        wave = np.fft.fft(samples, axis=1)
        power = torch.from_numpy((np.abs(wave) ** 2).sum((-2, -1))).float()
        return np.fft.ifft(wave * self(power).double().numpy()[..., None, None], axis=1)


def of_unit_rms(samples):
    return samples / np.sqrt((np.abs(samples) ** 2).mean((1, 2, 3), keepdims=True))


def lessons(rng, count):
    """Sums that the squared error of any gains is made of, and the noisy power."""
    clean = of_unit_rms(mixed_chains(count, rng=rng).block_on_grid(SETTINGS["points"]))
    size = rng.choice([0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8], (count, 1, 1, 1))
    noisy = clean + size * complex_noise(rng, clean.shape)
    one, other = (np.fft.fft(x, axis=1) / SETTINGS["points"] for x in (clean, noisy))
    sums = (np.abs(other) ** 2, (one.conj() * other).real, np.abs(one) ** 2)
    return [torch.from_numpy(x.sum((-2, -1)).astype(np.float32)) for x in sums]


def trained(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng([SETTINGS["version"], seed])
    parts = [lessons(rng, 5000) for _ in range(SETTINGS["chains"] // 5000)]
    power, cross, clean = (torch.cat(column) for column in zip(*parts, strict=True))
    gate, order = HarmonicGate(SETTINGS["points"]), torch.Generator().manual_seed(seed)

    def losses(rows):
        gain = gate(power[rows])
        error = (power[rows] * gain**2 - 2.0 * cross[rows] * gain + clean[rows]).sum(1)
        loss = (error / clean[rows].sum(1)).mean()
        yield loss, {"total_loss": loss}

    start = time.process_time()
    loop = TrainingLoop(
        gate.parameters(),
        lambda _epoch, _skip: shuffled_batches(len(power), 256, order),
        losses,
        steps=SETTINGS["epochs"] * (len(power) // 256),
        learning_rate=3e-3,
        weight_decay=1e-5,
    )
    for _ in range(SETTINGS["epochs"]):
        loss = loop.run_epoch()["total_loss"]
    return gate.eval(), {"loss": loss, "seconds": time.process_time() - start,
                         "weights": sum(p.numel() for p in gate.parameters())}  # fmt: skip


# --------------------------------------------------------------------------------- Opponents


def low_pass(samples, reach):
    wave = np.fft.fft(samples, axis=1)
    n = samples.shape[1]
    order = np.minimum(np.arange(n), n - np.arange(n))
    wave[:, order > reach] = 0.0
    return np.fft.ifft(wave, axis=1)


def fine(samples):
    """Determinants on four times as many points."""
    return winding_of_dets(finer(samples, 4, [1]))


#: Variance of the entries of hoppings of the ensemble whose posterior is known.
PRIOR = 0.2


def chains_of_prior(count, rng):
    """Gaussian hoppings of range 2 that are not scaled, so that posteriors are Gaussian."""
    drawn = complex_noise(rng, (count, 5, 2, 2)) * np.sqrt(PRIOR)
    return tp.ChiralHamiltonian.from_array(-2, drawn)


def votes(samples, noise, rng):
    """Most frequent winding number among draws from the posterior of the hoppings."""
    n = samples.shape[1]
    k = tp.k_grid(n)[:, 0]
    order = np.arange(-2, 3)
    back = np.exp(-1j * np.outer(order, k)) / n
    seen = np.einsum("mk,bkij->bmij", back, samples)
    own = noise**2 / n
    shrink, spread = PRIOR / (PRIOR + own), np.sqrt(PRIOR * own / (PRIOR + own))
    dense = np.exp(1j * np.outer(tp.k_grid(96)[:, 0], order))
    counts, rows = np.zeros((len(samples), 33)), np.arange(len(samples))
    for _ in range(SETTINGS["votes"]):
        drawn = shrink * seen + spread * complex_noise(rng, seen.shape)
        value = winding_of_dets(np.einsum("km,bmij->bkij", dense, drawn))
        counts[rows, np.clip(value, -16, 16) + 16] += 1.0
    return counts.argmax(1) - 16


# --------------------------------------------------------------------------------- Measuring


def case(ensemble, noise):
    """Noisy samples, proven labels of the clean chains, and the range."""
    rng = np.random.default_rng([77, ENSEMBLES.index(ensemble), round(1000 * noise)])
    if ensemble == "gaussian prior":
        chains, scaled = chains_of_prior(SETTINGS["n"], rng), 1.0
    else:
        chains, scaled = hard_chains(ensemble, SETTINGS["n"], rng=rng), None
    proof = tp.certify_winding(chains)
    sure = np.asarray(proof.certified)
    clean = chains.block_on_grid(SETTINGS["points"])[sure]
    clean = of_unit_rms(clean) if scaled is None else clean
    noisy = clean + noise * complex_noise(rng, clean.shape)
    reach = int(np.abs(chains.vectors).max())
    return noisy, np.ma.getdata(proof.value)[sure], reach


def run(seeds):
    torch.set_num_threads(1)
    shipped, gates = load_pretrained("winding-1d"), {}
    for ensemble in ENSEMBLES:
        for noise in SETTINGS["noise"]:
            given = {"what": "formulas", "ensemble": ensemble, "strength": noise, **SETTINGS}
            wanted = [{**given, "what": "gate", "seed": seed} for seed in seeds]
            if all(STUDY.get(g) is not None for g in (given, *wanted)):
                continue
            noisy, label, reach = case(ensemble, noise)
            found = {
                "determinants": winding_of_dets(noisy),
                "low-pass, range 2": fine(low_pass(noisy, 2)),
                "low-pass, true range": fine(low_pass(noisy, reach)),
                "Wiener filter, blind": fine(denoised(torch.from_numpy(noisy))[0].numpy()),
                "flip network, pre-trained": shipped.predict(noisy, reconstruct=False).value,
            }
            if ensemble == "gaussian prior":
                found["Bayes vote"] = votes(noisy, noise, np.random.default_rng(3))
            STUDY.put(given, {
                "n": len(label),
                "right": {name: packed(value == label) for name, value in found.items()},
            })  # fmt: skip
            print(ensemble, noise, {k: round(float((v == label).mean()), 4)
                                    for k, v in found.items()}, flush=True)  # fmt: skip
            for seed, asked in zip(seeds, wanted, strict=True):
                if seed not in gates:
                    gates[seed], training = trained(seed)
                    STUDY.put({"what": "training", "seed": seed, **SETTINGS}, training)
                    print(seed, training, flush=True)
                clean = gates[seed].clean(noisy)
                answers = {
                    "learned gate, blind": fine(clean),
                    "learned gate, then flip network": shipped.predict(
                        clean, reconstruct=False
                    ).value,
                }
                STUDY.put(asked, {
                    "right": {name: packed(v == label) for name, v in answers.items()}
                })  # fmt: skip
                print("  ", seed, [float((v == label).mean()) for v in answers.values()],
                      flush=True)  # fmt: skip


# --------------------------------------------------------------------------------- The page


def collected():
    """Right answers (seeds, samples) by case and method."""
    table = {}
    for given, result in STUDY.entries():
        if given["version"] != SETTINGS["version"] or given["what"] == "training":
            continue
        own = table.setdefault((given["ensemble"], given["strength"]), {"n": result.get("n")})
        own["n"] = own["n"] or result.get("n")
        for name, text in result["right"].items():
            own.setdefault(name, []).append(text)
    return {
        key: {m: np.stack([unpacked(t, own["n"]) for t in texts])
              for m, texts in own.items() if m != "n"}
        for key, own in table.items()
    }  # fmt: skip


METHODS = (
    "determinants", "low-pass, range 2", "low-pass, true range", "Wiener filter, blind",
    "flip network, pre-trained", "learned gate, blind", "learned gate, then flip network",
    "Bayes vote",
)  # fmt: skip


def accuracy_table(table):
    head = ["ensemble", "noise", *METHODS]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for ensemble in ENSEMBLES:
        for noise in SETTINGS["noise"]:
            own = table[ensemble, noise]
            means = {m: own[m].mean() for m in METHODS if m in own}
            best = max(round(v, 4) for v in means.values())
            cells = [
                "" if m not in means else f"**{means[m]:.4f}**" if round(means[m], 4) == best
                else f"{means[m]:.4f}"
                for m in METHODS
            ]  # fmt: skip
            lines.append(f"| {ensemble} | {noise:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def against_table(table):
    """The blind gate minus the low-pass filters, by strength, over short and long ranges."""
    rng = np.random.default_rng(0)
    head = ["ensembles", "noise", "minus low-pass of the true range", "minus low-pass of range 2",
            "minus the Wiener filter"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    short = [e for e in ENSEMBLES if e not in LONG and e != "gaussian prior"]
    others = ("low-pass, true range", "low-pass, range 2", "Wiener filter, blind")
    groups = {"range 1 or 2": short, **{name: [name] for name in LONG}}
    for name, ensembles in groups.items():
        for noise in SETTINGS["noise"]:
            cells = []
            for other in others:
                size = min(table[e, noise]["learned gate, blind"].shape[1] for e in ensembles)
                apart = np.concatenate([
                    table[e, noise]["learned gate, blind"][:, :size].astype(float)
                    - table[e, noise][other][0][:size]
                    for e in ensembles
                ], 1)  # fmt: skip
                mean, low, high = interval(apart, rng)
                cells.append(f"{mean:+.4f} ({low:+.4f} to {high:+.4f})")
            lines.append(f"| {name} | {noise:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def bayes_table(table):
    rng = np.random.default_rng(1)
    head = ["noise", "low-pass, true range", "learned gate, blind", "Bayes vote",
            "gate minus vote"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for noise in SETTINGS["noise"]:
        own = table["gaussian prior", noise]
        apart = own["learned gate, blind"].astype(float) - own["Bayes vote"][0]
        mean, low, high = interval(apart, rng)
        cells = [f"{own[m].mean():.4f}" for m in head[1:4]]
        lines.append(
            f"| {noise:g} | " + " | ".join(cells) + f" | {mean:+.4f} ({low:+.4f} to {high:+.4f}) |"
        )
    return "\n".join(lines)


def write():
    table = collected()
    put(PAGE, "accuracy", filled("python -m benchmarks.experiments.noise run 0 1 2",
                                 accuracy_table(table), harness.machine()))  # fmt: skip
    put(PAGE, "against", against_table(table))
    put(PAGE, "bayes", bayes_table(table))
    rows = [r for g, r in STUDY.entries() if g["what"] == "training"]
    put(PAGE, "training", f"The gate has {rows[0]['weights']:,} weights; {len(rows)} seeds,"
        f" {np.mean([r['seconds'] for r in rows]):.1f} s of one core each.")  # fmt: skip


if __name__ == "__main__":
    harness.run_command(__doc__, run=lambda *seeds: run(seeds or SEEDS), write=write)
