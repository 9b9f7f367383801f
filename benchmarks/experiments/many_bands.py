"""Planes of two to sixteen bands, trained on two to four; and random links, for gauge networks.

    python -m benchmarks.experiments.many_bands planes 0 1 2   # trainings and tests; minutes
    python -m benchmarks.experiments.many_bands formulas 16    # formulas and the package's again
    python -m benchmarks.experiments.many_bands links 0 1 2
    python -m benchmarks.experiments.many_bands write          # docs/results/many-bands.md

Networks of one table may use the same CPU seconds of one thread. Right answers are kept sample by
sample in benchmarks/results/many_bands.jsonl, so that intervals are over samples and seeds.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import torch
from torch import nn

import topophys as tp
from benchmarks import harness
from benchmarks.experiments.curriculum import WORK
from benchmarks.experiments.fair import interval, packed, unpacked
from benchmarks.experiments.hybrid import chern_of_links, finer, flat_bands
from benchmarks.pages import ROOT, filled, put
from topophys.invariants.chern import chern_number_of_links
from topophys.learn import FlipNetwork, TopologicalMLEncoderLoops, load_pretrained
from topophys.learn.encoders.loops import links_of_bands, plaquette_loops
from topophys.learn.flip_network import FlipData, fit_flips
from topophys.learn.trainer import TrainingLoop, shuffled_batches

PAGE = ROOT / "docs" / "results" / "many-bands.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "many_bands.jsonl")
SEEDS = (0, 1, 2)
#: Planes for training, those for testing by number of bands, and the seconds of each training.
PLANES = {
    "version": 1,
    "ensemble": "decaying",
    "train": [[2, 1200], [3, 1200], [4, 1200]],
    "grids": [12, 8],
    "test": [[2, 1000], [4, 800], [6, 500], [8, 300], [16, 24]],
    "seconds": 25.0,
}
#: Random links on 5 x 5 points with as many filled bands.
LINKS = {"version": 1, "filled": 4, "train": 6000, "test": 2000, "seconds": 25.0}
RATES = {"trace network": 4e-3, "gauge-equivariant, bilinear": 3e-3, "loop encoder": 3e-3}
POWERS = 4


# --------------------------------------------------------------------------------- Networks


def traces(projectors, n_filled):
    """Traces (B, L, L, 4) odd and (B, L, L, 7) even under reversal, without eigenvectors.

    Links are products of neighbouring projectors after two steps of Newton and Schulz towards
    partial isometries; every trace has the rank taken out, and none depends on the basis.
    """
    p = projectors.to(torch.complex64)
    a, b = p @ p.roll(-1, 1), p @ p.roll(-1, 2)

    def overlap(one, other):
        return (one @ other).diagonal(dim1=-2, dim2=-1).sum(-1).real - n_filled

    along_x, along_y = overlap(p, p.roll(-1, 1)), overlap(p, p.roll(-1, 2))
    across = overlap(p, p.roll((-1, -1), (1, 2))) + overlap(p.roll(-1, 1), p.roll(-1, 2))
    for _ in range(2):
        a, b = (1.5 * x - 0.5 * x @ x.mH @ x for x in (a, b))
    loop = a @ b.roll(-1, 1) @ a.roll(-1, 2).mH @ b.mH
    odd, even = of_powers(loop, n_filled)
    edges = [along_x + along_x.roll(-1, 2), along_y + along_y.roll(-1, 1), across]
    return odd, torch.cat([even, torch.stack(edges, -1)], -1)


def of_powers(loop, n_filled, count=POWERS):
    """Imaginary and real parts of the traces of the first powers of loops."""
    power, found = loop, []
    for _ in range(count):
        found.append(power.diagonal(dim1=-2, dim2=-1).sum(-1))
        power = power @ loop
    found = torch.stack(found, -1)
    return found.imag, found.real - n_filled


class TraceNetwork(nn.Module):
    """Odd function of the traces of a plaquette and of their sums over 3 x 3 plaquettes."""

    def __init__(self, n_odd=POWERS, n_even=POWERS + 3, width=64):
        super().__init__()
        self.density = nn.Sequential(
            nn.Linear(2 * (n_odd + n_even), width), nn.GELU(),
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1),
        )  # fmt: skip

    @staticmethod
    def around(x):
        x = x + x.roll(1, 1) + x.roll(-1, 1)
        return x + x.roll(1, 2) + x.roll(-1, 2)

    def forward(self, odd, even):
        more = self.around(odd), self.around(even) / 4.0
        there = self.density(torch.cat([odd, more[0], even, more[1]], -1))
        back = self.density(torch.cat([-odd, -more[0], even, more[1]], -1))
        return (there - back).sum((1, 2, 3))


class Bilinear(nn.Module):
    """Products of pairs of matrices on a plaquette, their adjoints and 1, with learned weights."""

    def __init__(self, n_in, n_out):
        super().__init__()
        size = 2 * n_in + 1
        draw = torch.randn(n_out, size, size, dtype=torch.complex64)
        self.weight = nn.Parameter(draw / (np.sqrt(2.0) * size))

    def forward(self, w):
        count, _, r, _ = w.shape
        one = torch.eye(r, dtype=w.dtype).expand(count, 1, r, r)
        w = torch.cat([w, w.mH, one], 1)
        n_out, size, _ = self.weight.shape
        # sum_vw a_uvw W_v W_w, as two products of large matrices
        inner = self.weight.flatten(0, 1) @ w.flatten(2)
        inner = inner.reshape(count, n_out, size, r, r).permute(0, 2, 3, 1, 4)
        left = w.permute(0, 2, 1, 3).reshape(count, r, size * r)
        product = left @ inner.reshape(count, size * r, n_out * r)
        return product.reshape(count, r, n_out, r).permute(0, 2, 1, 3)


class GaugeNetwork(nn.Module):
    """Bilinear layers that commute with any change of basis at a point, in the way of GENet.

    Each layer is followed by a factor ReLU(Re tr W) and a division by the mean modulus of the
    traces; at the end a linear function of the traces is summed over the plaquettes.
    """

    def __init__(self, channels=(8, 8, 4)):
        super().__init__()
        sizes = [1, *channels]
        self.layers = nn.ModuleList(Bilinear(a, b) for a, b in pairwise(sizes))
        # a constant of each plaquette would add up over the zone
        self.read = nn.Linear(2 * channels[-1], 1, bias=False)
        with torch.no_grad():
            self.read.weight /= 50.0

    def local(self, loops):
        """Contribution (B, L, L) of each plaquette from loops (B, L, L, r, r)."""
        w = loops.flatten(0, 2)[:, None]
        for layer in self.layers:
            w = layer(w)
            trace = w.diagonal(dim1=-2, dim2=-1).sum(-1)
            w = w * torch.relu(trace.real)[..., None, None]
            size = w.diagonal(dim1=-2, dim2=-1).sum(-1).abs().mean(1).clamp_min(1e-3)
            w = w / size[:, None, None, None]
        trace = torch.view_as_real(w.diagonal(dim1=-2, dim2=-1).sum(-1)).flatten(1)
        return self.read(trace).reshape(loops.shape[:3])

    def forward(self, loops):
        return self.local(loops).sum((1, 2))


def fit(network, parts, seconds, seed, rate, batch, loss_of):
    """Train for CPU seconds; `parts` are lists of tensors of one shape each, with labels last."""
    weights = list(network.parameters())
    sizes = [len(part[-1]) for part in parts]

    def rows(order):
        while True:
            streams = [shuffled_batches(n, min(batch, n), order) for n in sizes]
            for picks in zip(*streams, strict=False):
                yield from enumerate(picks)

    def losses(which):
        part, pick = which
        loss = loss_of(network, *(x[pick] for x in parts[part]))
        yield loss, {"total_loss": loss}

    stream, times = rows(torch.Generator().manual_seed(seed)), []
    for _ in range(2 * len(parts)):
        start = time.process_time()
        ((loss, _),) = losses(next(stream))
        torch.autograd.grad(loss, weights, allow_unused=True)
        times.append(time.process_time() - start)
    steps = max(20, int(seconds / (1.1 * np.mean(times[len(parts) :]))))
    loop = TrainingLoop(
        weights,
        lambda _epoch, _skip: (next(stream) for _ in range(steps)),
        losses,
        steps=steps,
        learning_rate=rate,
        weight_decay=1e-4,
    )
    start = time.process_time()
    loop.run_epoch()
    return {"steps": steps, "seconds": time.process_time() - start,
            "weights": sum(p.numel() for p in weights)}  # fmt: skip


def whole(network, *tensors):
    *inputs, label = tensors
    return nn.functional.huber_loss(network(*inputs), label.float(), delta=0.5)


def right(network, inputs, label):
    with torch.no_grad():
        found = torch.cat([
            network(*part) for part in zip(*(x.split(50) for x in inputs), strict=True)
        ])  # fmt: skip
    return found.round().long() == label


# --------------------------------------------------------------------------------- Planes


def planes_of(n_bands, count, seed):
    """Hamiltonians with proven Chern numbers, those that are proven; a file keeps the integers."""
    planes = tp.ensembles.hard_planes(PLANES["ensemble"], count, n_bands=n_bands, rng=seed)
    path = WORK / f"many-bands-{PLANES['ensemble']}-{n_bands}-{count}-{seed}.npz"
    if not path.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        proof = tp.certify_chern(planes)
        np.savez(path, sure=proof.certified, value=np.ma.getdata(proof.value))
    with np.load(path) as kept:
        sure, value = kept["sure"], kept["value"]
    return planes[sure], value[sure]


def projectors_of(samples):
    return 0.5 * (torch.eye(samples.shape[-1], dtype=torch.complex128) - torch.from_numpy(samples))


def loops_of(samples, n_filled):
    loops = [
        plaquette_loops(links_of_bands(part, n_filled))
        for part in torch.from_numpy(samples).split(100)
    ]
    return torch.cat(loops).to(torch.complex64)


def inputs_of(name, samples, n_filled):
    if name == "trace network":
        parts = [traces(part, n_filled) for part in projectors_of(samples).split(50)]
        return [torch.cat(column) for column in zip(*parts, strict=True)]
    return [loops_of(samples, n_filled)]


def lessons():
    """Flattened samples of the training planes: (bands, filled, samples, labels)."""
    for n_bands, count in PLANES["train"]:
        planes, label = planes_of(n_bands, count, 100 + n_bands)
        for side in PLANES["grids"]:
            yield n_bands // 2, flat_bands(planes.on_grid(side), n_bands // 2), label


def flip_lessons(network):
    """Candidates of the flip network for the same planes, kept on disk: they take a minute."""
    path = WORK / f"many-bands-flips-{PLANES['version']}.pt"
    if not path.is_file():
        parts, labels = [], []
        for n_filled, samples, label in lessons():
            for rows in np.array_split(np.arange(len(label)), 16):
                parts.append(network.prepare(torch.from_numpy(samples[rows]), n_filled))
                labels.append(label[rows])
        data = FlipData(*(torch.cat(column) for column in zip(*parts, strict=True)))
        torch.save((tuple(data), np.concatenate(labels)), path)
    data, label = torch.load(path, weights_only=False)
    return FlipData(*data), label


def tests():
    for n_bands, count in PLANES["test"]:
        planes, label = planes_of(n_bands, count, 900 + n_bands)
        yield n_bands, planes, label


def formulas_of(n_bands):
    return {"what": "formulas", "bands": n_bands, **PLANES}


def run_formulas(again=()):
    """Formulas, and the network that comes with the package, on the test planes."""
    shipped = load_pretrained("chern-2d")
    for n_bands, count in PLANES["test"]:
        if n_bands not in again and STUDY.get(formulas_of(n_bands)) is not None:
            continue
        planes, label = planes_of(n_bands, count, 900 + n_bands)
        n_filled = n_bands // 2
        samples = flat_bands(planes.on_grid(12), n_filled)
        alone = shipped.predict(samples, n_occupied=n_filled, reconstruct=False)
        start = time.process_time()
        # one at a time: the equations of one plane with 16 bands take 100 MB
        whole = [shipped.predict(one[None], n_occupied=n_filled).value for one in samples]
        found = {
            "link fluxes": chern_of_links(samples, n_filled),
            "FFT, link fluxes": chern_of_links(finer(samples, 2, [1, 2]), n_filled),
            "flip network, pre-trained": alone.value,
            "hybrid, pre-trained": np.concatenate(whole),
        }
        STUDY.put(formulas_of(n_bands), {
            "n": len(label),
            "right": {name: packed(value == label) for name, value in found.items()},
            "answered": packed(~alone.abstains),
            "unfamiliar": packed(alone.unfamiliar),
            "hybrid seconds": (time.process_time() - start) / len(label),
        })  # fmt: skip
        print(n_bands, {k: float((v == label).mean()) for k, v in found.items()}, flush=True)


def run_planes(seeds):
    torch.set_num_threads(1)
    run_formulas()
    asked = {}
    for seed in seeds:
        for name in ("trace network", "gauge-equivariant, bilinear", "flip network"):
            given = {"what": "planes", "network": name, "seed": seed, **PLANES}
            if STUDY.get(given) is not None:
                continue
            torch.manual_seed(seed)
            if name == "flip network":
                network = FlipNetwork("chern", candidates=12)
                data, label = flip_lessons(network)
                start = time.process_time()
                fit_flips(network, data, label, epochs=16, batch_size=256, weight_decay=1e-3,
                          seed=seed)  # fmt: skip
                training = {"seconds": time.process_time() - start,
                            "weights": sum(p.numel() for p in network.parameters())}  # fmt: skip
            else:
                network = TraceNetwork() if name == "trace network" else GaugeNetwork()
                parts = [
                    [*inputs_of(name, samples, n_filled), torch.from_numpy(label)]
                    for n_filled, samples, label in lessons()
                ]
                training = fit(network, parts, PLANES["seconds"], seed, RATES[name], 64, whole)
            answers = {}
            for n_bands, planes, label in tests():
                samples = flat_bands(planes.on_grid(12), n_bands // 2)
                if name == "flip network":
                    value = network.predict(samples, n_occupied=n_bands // 2, reconstruct=False)
                    good = value.value == label
                else:
                    key = (name, n_bands)
                    if key not in asked:
                        asked[key] = inputs_of(name, samples, n_bands // 2)
                    good = right(network, asked[key], torch.from_numpy(label)).numpy()
                answers[str(n_bands)] = packed(good)
                print(name, seed, n_bands, good.mean(), flush=True)
            STUDY.put(given, {"training": training, "right": answers})


# --------------------------------------------------------------------------------- Random links


def link_samples(count, seed):
    links = tp.ensembles.random_links(count, n_occupied=LINKS["filled"], rng=seed)
    loops = plaquette_loops(torch.from_numpy(links))
    # loops run against the arrow of the integer
    turns = -torch.linalg.eigvals(loops).angle().sum(-1) / (2.0 * np.pi)
    label = torch.from_numpy(chern_number_of_links(links, branch="eigenphases"))
    return links, loops.to(torch.complex64), turns.float(), label


def run_links(seeds):
    """Networks on the generator of GENet: links from the Haar measure, on 5 x 5 points."""
    torch.set_num_threads(1)
    links, loops, turns, label = link_samples(LINKS["train"], 7)
    other_links, other_loops, _, truth = link_samples(LINKS["test"], 8)
    r = LINKS["filled"]
    encoder = TopologicalMLEncoderLoops(
        4 * r * r, (5, 5), input_kind="links", harmonics=1024, num_classes=9
    )

    def waves(matrices):
        x = matrices.reshape(*matrices.shape[:3], -1).astype(np.complex64).view(np.float32)
        with torch.no_grad():
            return torch.cat([encoder.pooled(part) for part in torch.from_numpy(x).split(250)])

    def local(network, loops, turns):
        return nn.functional.l1_loss(network.local(loops), turns)

    def pooled(network, x, label):
        return nn.functional.huber_loss(network.read(x)["invariant"], label.float())

    for seed in seeds:
        for name in ("gauge-equivariant, bilinear", "trace network", "loop encoder"):
            gauge = name.startswith("gauge")
            # its steps cost most, and every plaquette of a batch has a label
            batch = 16 if gauge else 64
            given = {"what": "links", "network": name, "seed": seed, **LINKS}
            # earlier ones were given the contributions with the wrong sign
            given |= {"batch": batch, "sign": "of the integer"} if gauge else {}
            if STUDY.get(given) is not None:
                continue
            torch.manual_seed(seed)
            before = time.process_time()
            if name == "trace network":
                network, loss = TraceNetwork(8, 8), whole
                inputs, test = of_powers(loops, r, 8), of_powers(other_loops, r, 8)
                parts = [[*inputs, label]]
            elif name == "loop encoder":
                network, loss = TopologicalMLEncoderLoops(**encoder.settings), pooled
                inputs, test = waves(links), [waves(other_links)]
                parts = [[inputs, label]]
            else:
                network, loss, test = GaugeNetwork((8, 8)), local, [other_loops]
                parts = [[loops, turns]]
            left = max(5.0, LINKS["seconds"] - (time.process_time() - before))
            training = fit(network, parts, left, seed, RATES[name], batch, loss)
            if name == "loop encoder":
                with torch.no_grad():
                    good = network.read(test[0])["invariant"].round().long() == truth
            else:
                good = right(network, test, truth)
            print(name, seed, float(good.double().mean()), training, flush=True)
            STUDY.put(given, {"training": training, "n": len(truth), "right": packed(good.numpy())})
    given = {"what": "links", "network": "link fluxes", **LINKS}
    if STUDY.get(given) is None:
        other = chern_number_of_links(other_links, branch="determinant")
        STUDY.put(given, {"n": len(truth), "right": packed(other == truth.numpy())})


# --------------------------------------------------------------------------------- The page

#: Figures of a first trial with longer trainings, by number of bands, to be reached.
BARS = {
    "FFT, link fluxes": {2: 0.990, 4: 0.934, 6: 0.875, 8: 0.797},
    "trace network": {2: 0.991, 4: 0.941, 6: 0.898, 8: 0.802},
    "flip network": {2: 0.994, 4: 0.952, 6: 0.901, 8: 0.828},
    "flip network, pre-trained": {2: 0.994, 4: 0.952, 6: 0.901, 8: 0.828},
}


def collected():
    """Right answers (seeds, samples) by method and bands."""
    base = {
        str(n_bands): result
        for n_bands, _ in PLANES["test"]
        if (result := STUDY.get(formulas_of(n_bands))) is not None
    }
    table = {}
    for n_bands, found in base.items():
        for name, text in found["right"].items():
            table.setdefault(name, {})[n_bands] = [unpacked(text, found["n"])]
    for given, result in STUDY.entries():
        if given["what"] == "planes" and given == {
            "what": "planes", "network": given["network"], "seed": given["seed"], **PLANES
        }:  # fmt: skip
            for n_bands, text in result["right"].items():
                rows = table.setdefault(given["network"], {}).setdefault(n_bands, [])
                rows.append(unpacked(text, base[n_bands]["n"]))
    return {m: {b: np.stack(r) for b, r in of.items()} for m, of in table.items()}, base


def planes_table():
    table, base = collected()
    order = [
        "link fluxes", "FFT, link fluxes", "gauge-equivariant, bilinear", "trace network",
        "flip network", "flip network, pre-trained", "hybrid, pre-trained",
    ]  # fmt: skip
    order = [name for name in order if name in table]
    rng = np.random.default_rng(0)
    head = ["network", "seeds", *(f"{b} bands (n = {base[b]['n']:,})" for b in base)]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for name in order:
        cells = []
        for b in base:
            if b not in table[name]:
                cells.append("")
                continue
            mean, low, high = interval(table[name][b], rng)
            cells.append(f"{mean:.4f} ({low:.3f} to {high:.3f})")
        seeds = len(next(iter(table[name].values())))
        lines.append(f"| {name} | {seeds} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def against_table():
    """Each network minus interpolation and link fluxes, paired by sample."""
    table, base = collected()
    rng, other = np.random.default_rng(1), table["FFT, link fluxes"]
    head = ["minus FFT and link fluxes", *(f"{b} bands" for b in base)]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for name, of in table.items():
        if name in ("FFT, link fluxes", "hybrid, pre-trained"):
            continue
        cells = []
        for b in base:
            apart = of[b].astype(float) - other[b][0]
            mean, low, high = interval(apart, rng)
            cells.append(f"{mean:+.4f} ({low:+.3f} to {high:+.3f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def bars_table():
    table, _ = collected()
    lines = ["| method | bands | bar | measured | reached |", "|---|---:|---:|---:|---|"]
    for name, of in BARS.items():
        for b, bar in of.items():
            mean = table[name][str(b)].mean()
            lines.append(
                f"| {name} | {b} | {bar:.3f} | {mean:.4f} | {'yes' if mean >= bar else 'no'} |"
            )
    return "\n".join(lines)


def answered_table():
    _, base = collected()
    lines = ["| bands | answered | wrong of these | unfamiliar |", "|---:|---:|---:|---:|"]
    for b, found in base.items():
        good = unpacked(found["right"]["flip network, pre-trained"], found["n"])
        said, strange = (unpacked(found[k], found["n"]) for k in ("answered", "unfamiliar"))
        lines.append(
            f"| {b} | {said.mean():.3f} | {int((said & ~good).sum())} of {int(said.sum())} |"
            f" {strange.mean():.3f} |"
        )
    return "\n".join(lines)


def links_table():
    head = ["method", "supervision", "weights", "CPU seconds", "steps", "accuracy", "seeds"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * (len(head) - 2)]
    rng, groups = np.random.default_rng(2), {}
    for given, result in STUDY.entries():
        current = given["what"] == "links" and all(given[k] == v for k, v in LINKS.items())
        if current and ("sign" in given) == given["network"].startswith("gauge"):
            groups.setdefault(given["network"], []).append(result)
    for name, results in groups.items():
        rows = np.stack([unpacked(r["right"], r["n"]) for r in results])
        mean, low, high = interval(rows, rng)
        kind = "each plaquette" if name.startswith("gauge") else "the integer"
        cells = ["none", "", "", ""]
        if "training" in results[0]:
            spent = np.mean([r["training"]["seconds"] for r in results])
            steps = np.mean([r["training"]["steps"] for r in results])
            cells = [
                kind,
                f"{results[0]['training']['weights']:,}",
                f"{spent:.0f}",
                f"{steps:,.0f}",
            ]
        lines.append(
            f"| {name} | " + " | ".join(cells) + f" | {mean:.4f} ({low:.3f} to {high:.3f}) |"
            f" {len(results)} |"
        )
    return "\n".join(lines)


def trainings_table():
    head = ["network", "weights", "CPU seconds", "steps", "seeds"]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    groups = {}
    for given, result in STUDY.entries():
        if given["what"] == "planes" and given["version"] == PLANES["version"]:
            groups.setdefault(given["network"], []).append(result["training"])
    for name, rows in groups.items():
        steps = f"{np.mean([r['steps'] for r in rows]):,.0f}" if "steps" in rows[0] else "16 epochs"
        lines.append(
            f"| {name} | {rows[0]['weights']:,} | {np.mean([r['seconds'] for r in rows]):.0f} |"
            f" {steps} | {len(rows)} |"
        )
    return "\n".join(lines)


def write():
    machine = harness.machine()
    put(PAGE, "planes", filled("python -m benchmarks.experiments.many_bands planes 0 1 2",
                               planes_table(), machine))  # fmt: skip
    put(PAGE, "against", against_table())
    put(PAGE, "bars", bars_table())
    put(PAGE, "answered", answered_table())
    put(PAGE, "trainings", trainings_table())
    put(PAGE, "links", filled("python -m benchmarks.experiments.many_bands links 0 1 2",
                              links_table(), machine))  # fmt: skip


if __name__ == "__main__":
    harness.run_command(
        __doc__,
        planes=lambda *seeds: run_planes(seeds or SEEDS),
        formulas=lambda *bands: run_formulas(bands),
        links=lambda *seeds: run_links(seeds or SEEDS),
        write=write,
    )
