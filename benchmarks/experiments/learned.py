"""What gated networks of chains compute on a link: response curves, decisive chains, controls.

    python -m benchmarks.experiments.learned            # what is not there yet, then the page
    python -m benchmarks.experiments.learned headline   # networks of other pages, where trained
    python -m benchmarks.experiments.learned write      # only the page and its figure

Results are kept in benchmarks/results/learned.jsonl; docs/results/what-networks-learn.md is the
page.
"""

from __future__ import annotations

import sys
from itertools import islice

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch

import topophys as tp
from benchmarks import harness
from benchmarks.experiments import fair, learning_1d, robustness
from benchmarks.pages import ROOT, filled, put
from topophys.datasets import open_dataset
from topophys.datasets.families import blocks_from_channels, channels, unitaries
from topophys.interpret.causal import fit_eraser, random_eraser
from topophys.learn import TopologicalMLEncoder, compute_topological_loss
from topophys.learn._flip_features import eigenphases
from topophys.learn.trainer import TrainingLoop, shuffled_batches
from topophys.tasks import get_task

mpl.use("Agg")
PAGE = ROOT / "docs" / "results" / "what-networks-learn.md"
FIGURE = ROOT / "docs" / "figures" / "response_curves.png"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "learned.jsonl")
SEEDS = (0, 1)
#: Networks: widths, and whether links read the blocks beside h1.
WIDTHS = ((8, 8, 12), (24, 16, 32), (32, 32, 64))
#: Training: steps, batch, learning rate; all chains, or those without an eigenphase of a link
#: within a fifth of pi from pi.
TRAINING = {"version": 1, "steps": 400, "batch": 256, "rate": 1e-2}
FILTERS = {"all": 0.0, "no eigenphase beyond 0.8 pi": 0.2}
#: Raised where the measurements of the networks of other pages change.
HEADLINE = 2
#: Total phases of the response curves, and Haar-random bases over which they are averaged.
ANGLES = np.linspace(0.0, 1.9 * np.pi, 39)
BASES = 400


def train(widths, keep_input, seed, margin):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    encoder = TopologicalMLEncoder(8, 32, widths, output_features=16, keep_input=keep_input)
    with open_dataset(fair.data_file()) as dataset:
        x, label = dataset.split("train").read("x", "label")
    kept = margins(blocks_from_channels(x[:40_000])) >= margin
    x, label = torch.from_numpy(x[:40_000][kept]), torch.from_numpy(label[:40_000][kept])
    order = torch.Generator().manual_seed(seed)
    loop = TrainingLoop(
        encoder.parameters(),
        lambda _epoch, _skip: islice(endless(len(x), order), TRAINING["steps"]),
        lambda rows: losses(encoder, x[rows], label[rows]),
        steps=TRAINING["steps"],
        learning_rate=TRAINING["rate"],
        weight_decay=1e-5,
    )
    loop.run_epoch()
    return encoder.double().eval()


def margins(blocks):
    """How far the largest eigenphase of all links is from pi, in units of pi."""
    flat = torch.from_numpy(blocks)
    theta, _ = eigenphases(flat.mH @ flat.roll(-1, 1))
    return (np.pi - theta.abs().amax((1, 2)).numpy()) / np.pi


def endless(size, order):
    for _ in range(TRAINING["steps"] // (size // TRAINING["batch"]) + 1):
        yield from shuffled_batches(size, TRAINING["batch"], order)


def losses(encoder, x, label):
    terms = compute_topological_loss(encoder(x), label, 0.1)
    yield terms["total_loss"], terms


@torch.no_grad()
def density(encoder, start, end):
    """Contribution of links to the output, times 2 pi; without the constant of a closed point."""
    pairs = torch.stack([start, end], 1)
    x = torch.from_numpy(channels(pairs.numpy()))
    h1 = encoder.deeper(encoder.point(x))
    if encoder.settings["keep_input"]:
        h1 = torch.cat([x, h1], -1)
    h2 = encoder.further(torch.nn.functional.gelu(encoder.density(encoder.link(h1.flatten(1, 2)))))
    return 2.0 * np.pi * encoder.head.readout(encoder.project(h2))[:, 0]


def responses(encoder, rng):
    """Mean contribution of links U -> U V over Haar-random U, for two kinds of V.

    Exact forms phi(U V) - phi(U) have the mean zero, whatever phi is.
    """
    start = torch.from_numpy(unitaries(BASES, 2, rng))
    turn = torch.from_numpy(unitaries(BASES, 2, rng))
    curves = []
    for shares in ((0.5, 0.5), (1.0, 0.0)):
        curve = []
        for angle in ANGLES:
            phases = torch.tensor([s * angle for s in shares], dtype=torch.float64)
            step = turn @ torch.diag_embed(torch.exp(1j * phases)) @ turn.mH
            there = density(encoder, start, start @ step).mean()
            back = density(encoder, start, start @ step.mH).mean()
            curve.append(float(0.5 * (there - back)))
        curves.append(curve)
    return curves


@torch.no_grad()
def measure(encoder, tests):
    """Slope at zero, response curves, and right answers where the formulas contradict."""
    alike, single = responses(encoder, np.random.default_rng(5))
    counts = np.zeros((2, 2), int)  # (which formula is right, is the network right)
    for x, label, det, eig in tests.values():
        right = fair.right(fair.Whole(encoder.float()), x, label)
        encoder.double()
        for i, some in enumerate(((eig & ~det), (det & ~eig))):
            counts[i] += [int(some.sum()), int((some & right).sum())]
    return {
        "slope": alike[1] / ANGLES[1],
        "alike": alike,
        "single": single,
        "eigenphases_right": counts[0].tolist(),
        "determinant_right": counts[1].tolist(),
    }


def decisive_tests():
    """Test splits with what both formulas say."""
    found = {}
    with open_dataset(fair.data_file()) as dataset:
        for split in ("test", "uniform", "heavy_tails", "anisotropic", "rank_one", "coarse_16"):
            x, label = dataset.split(split).read("x", "label")
            det = np.ma.filled(get_task("winding").sampled_invariants(x), 10**6) == label
            flat = torch.from_numpy(blocks_from_channels(x))
            theta, _ = eigenphases(flat.mH @ flat.roll(-1, 1))
            eig = (theta.sum((1, 2)) / (2 * np.pi)).round().long().numpy() == label
            found[split] = torch.from_numpy(x), torch.from_numpy(label), det, eig
    return found


def controls():
    """Linear decoding of dalpha from h2 of untrained networks, and from Im tr alone, by width."""
    chains = tp.ensembles.aiii_chains(300, min_gap=0.1, rng=11)
    flat = tp.flatten_block(chains.block_on_grid(32))
    step = tp.winding_steps(flat)
    trace = np.trace(np.conj(np.swapaxes(flat, -1, -2)) @ np.roll(flat, -1, 1), axis1=-2, axis2=-1)
    rows = [{"what": "Im tr", "r2": score(trace.imag[..., None], step)}]
    for widths in ((8, 8, 12), (32, 32, 64), (64, 128, 256), (128, 512, 1024)):
        scores = []
        for seed in range(3):
            torch.manual_seed(seed)
            encoder = TopologicalMLEncoder(8, 32, widths, keep_input=True).double()
            with torch.no_grad():
                h2 = encoder(torch.from_numpy(channels(flat)))["local_features"]["h2_features"]
            scores.append(score(h2.numpy(), step))
        rows.append({"what": f"untrained, {widths}", "r2": float(np.mean(scores))})
    return {"rows": rows}


def score(features, target):
    """R2 of ridge regression on chains that were held out."""
    half = len(features) // 2
    a, b = features[:half].reshape(-1, features.shape[-1]), target[:half].ravel()
    mean = a.mean(0)
    a = a - mean
    gram = a.T @ a
    gram += 1e-8 * np.trace(gram) / len(gram) * np.eye(len(gram))
    weight = np.linalg.solve(gram, a.T @ b)
    other, truth = features[half:].reshape(-1, features.shape[-1]) - mean, target[half:].ravel()
    return float(1.0 - ((other @ weight - truth) ** 2).mean() / truth.var())


def run():
    tests = None
    for margin in FILTERS.values():
        for widths in WIDTHS if margin == 0.0 else WIDTHS[1:2]:
            for keep in (False, True):
                for seed in SEEDS:
                    given = {"what": "network", "widths": list(widths), "keep_input": keep,
                             "seed": seed, "margin": margin, **TRAINING}  # fmt: skip
                    if STUDY.get(given) is None:
                        tests = tests or decisive_tests()
                        STUDY.put(given, measure(train(widths, keep, seed, margin), tests))
                        print(given, flush=True)
    if STUDY.get({"what": "controls", "version": 1}) is None:
        STUDY.put({"what": "controls", "version": 1}, controls())


def headline():
    """The same of the networks whose accuracy other pages state, with controls of their widths."""
    tests = decisive_tests()
    chains = tp.ensembles.aiii_chains(300, min_gap=0.1, rng=11)
    flat = tp.flatten_block(chains.block_on_grid(32))
    step = tp.winding_steps(flat)
    for name, seed, encoder in headline_networks():
        given = {"what": "headline", "name": name, "seed": seed, "version": HEADLINE}
        if STUDY.get(given) is not None:
            continue
        torch.manual_seed(1000 + seed)
        untrained = TopologicalMLEncoder(**encoder.settings)
        decoded = []
        for network in (encoder, untrained):
            with torch.no_grad():
                out = network.double().eval()(torch.from_numpy(channels(flat)))
            features = out["local_features"]["h2_features"].numpy()
            decoded.append([score(features, step), modulo_exact(features, flat, step)])
        result = measure(encoder, tests)
        result |= {"trained": decoded[0], "untrained": decoded[1]}
        result |= {"sides": sides(encoder, tests), "erased": erased(encoder, tests["test"], seed)}
        STUDY.put(given, result)
        print(given, result["slope"], decoded, result["sides"], result["erased"], flush=True)


@torch.no_grad()
def sides(encoder, tests):
    """Links on which the sum of the eigenphases was wrapped, and how many follow it unwrapped.

    The contribution is half the difference to that of the link passed backwards.
    """
    total = unwrapped = 0
    for x, *_ in tests.values():
        flat = torch.from_numpy(blocks_from_channels(x.numpy())).to(torch.complex128)
        start, end = flat.flatten(0, 1), flat.roll(-1, 1).flatten(0, 1)
        theta = eigenphases(start.mH @ end)[0].sum(-1)
        apart = theta.abs() > np.pi
        start, end, theta = start[apart], end[apart], theta[apart]
        found = 0.5 * (density(encoder, start, end) - density(encoder, end, start))
        # the middle between theta and theta - 2 pi sign(theta)
        unwrapped += int(((found - theta) * theta.sign() > -np.pi).sum())
        total += len(theta)
    return [total, unwrapped]


@torch.no_grad()
def erased(encoder, test, seed):
    """Right answers with the direction of dalpha erased from h2, or a random one."""
    x, label, *_ = test
    flat = blocks_from_channels(x.numpy())
    h2 = torch.cat([
        encoder(part.double())["local_features"]["h2_features"] for part in x.split(512)
    ]).numpy()  # fmt: skip
    ways = {
        "as it is": None,
        "dalpha erased": fit_eraser(h2, tp.winding_steps(flat)[..., None]),
        "random direction erased": random_eraser(h2, 1, np.random.default_rng(seed)),
    }
    found = {}
    for name, eraser in ways.items():
        h = h2 if eraser is None else eraser(h2)
        said = encoder.head(encoder.project(torch.from_numpy(h).sum(1)))[0]
        found[name] = float((said.round().long() == label).double().mean())
    return found


def headline_networks():
    """Name, seed and network of each training whose weights are there."""
    for seed in robustness.SEEDS:
        if (robustness.RUNS / f"{seed}.pt").is_file():
            yield "of the fair tables, (32, 32, 64)", seed, robustness.load(seed)
    for seed in learning_1d_seeds():
        yield (
            "of the extrapolation table, (24, 24, 48), links read the blocks",
            seed,
            (learning_1d.trained(seed, quick=False).encoder),
        )


def learning_1d_seeds():
    """Seeds whose trainings are finished."""
    for folder in sorted(learning_1d.WORK.glob("run-1d-full-*")):
        if (folder / "run.json").is_file():
            yield int(folder.name.rpartition("-")[2])


def modulo_exact(features, flat, step):
    """R2 of a linear decoder of the steps that may add differences of functions of one point.

    The functions are linear in the entries of the blocks and in their products by pairs.
    """
    real = np.concatenate([flat.real, flat.imag], -1).reshape(*flat.shape[:2], -1)
    pairs = real[..., :, None] * real[..., None, :]
    rows, columns = np.triu_indices(real.shape[-1])
    own = np.concatenate([real, pairs[..., rows, columns]], -1)
    exact = np.roll(own, -1, 1) - own
    both = score(np.concatenate([features, exact], -1), step)
    alone = score(exact, step)
    return [both, alone]


def headline_results():
    """Settings and results of the latest measurement of each network."""
    found = {(g["name"], g["seed"]): (g, r) for g, r in STUDY.entries() if g["what"] == "headline"}
    return [found[key] for key in sorted(found)]


def headline_table():
    head = ["network", "seed", "slope at 0", "response at 1.5 pi, both alike",
            "right where only eigenphases are", "right where only the determinant is",
            "R2 of dalpha", "untrained", "modulo exact", "untrained", "exact alone"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    at = int(np.argmin(np.abs(ANGLES - 1.5 * np.pi)))
    for given, r in headline_results():
        shares = [f"{r[k][1] / max(r[k][0], 1):.2f} of {r[k][0]}"
                  for k in ("eigenphases_right", "determinant_right")]  # fmt: skip
        (own, (both, alone)), (other, (other_both, _)) = r["trained"], r["untrained"]
        lines.append(
            f"| {given['name']} | {given['seed']} | {r['slope']:.2f} | {r['alike'][at]:+.2f} |"
            f" {shares[0]} | {shares[1]} | {own:.3f} | {other:.3f} | {both:.3f} |"
            f" {other_both:.3f} | {alone:.3f} |"
        )
    return "\n".join(lines)


def interventions_table():
    head = ["network", "seed", "links whose sum was wrapped", "contribution follows the sum",
            "right", "dalpha erased", "random direction erased"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for given, r in headline_results():
        if "sides" in r:  # since the second version
            total, unwrapped = r["sides"]
            shares = " | ".join(f"{v:.4f}" for v in r["erased"].values())
            lines.append(
                f"| {given['name']} | {given['seed']} | {total} | {unwrapped} | {shares} |"
            )
    return "\n".join(lines)


def networks():
    return [(g, r) for g, r in STUDY.entries() if g["what"] == "network"]


def table():
    head = ["chains of the training", "widths", "links read the blocks", "slope at 0",
            "response at 1.5 pi, both alike", "right where only eigenphases are",
            "right where only the determinant is", "seeds"]  # fmt: skip
    lines = [
        "| " + " | ".join(head) + " |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    groups = {}
    for given, result in networks():
        key = (given["margin"], tuple(given["widths"]), given["keep_input"])
        groups.setdefault(key, []).append(result)
    at = int(np.argmin(np.abs(ANGLES - 1.5 * np.pi)))
    for (margin, widths, keep), rows in groups.items():
        name = next(n for n, v in FILTERS.items() if v == margin)
        slope, late = (
            [f(r) for r in rows] for f in (lambda r: r["slope"], lambda r: r["alike"][at])
        )
        shares = []
        for key in ("eigenphases_right", "determinant_right"):
            total, right = np.sum([r[key] for r in rows], axis=0)
            shares.append(f"{right / max(total, 1):.2f} of {total // len(rows)}")
        lines.append(
            f"| {name} | {widths} | {'yes' if keep else 'no'} | {min(slope):.2f} to"
            f" {max(slope):.2f} | {min(late):+.2f} to {max(late):+.2f} | {shares[0]} | {shares[1]}"
            f" | {len(rows)} |"
        )
    return "\n".join(lines)


def draw():
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained", sharey=True)
    wrap = np.angle(np.exp(1j * ANGLES))
    exact = {
        "both eigenphases alike": (wrap, ANGLES, 2.0 * np.sin(ANGLES / 2.0)),
        "one eigenphase alone": (wrap, wrap, np.sin(ANGLES)),
    }
    for axis, key, (title, curves) in zip(axes, ("alike", "single"), exact.items(), strict=True):
        for given, result in networks():
            if given["margin"] == 0.0:
                color = "#D55E00" if given["keep_input"] else "#0072B2"
                axis.plot(ANGLES / np.pi, result[key], color=color, lw=0.8, alpha=0.7)
        for curve, style, name in zip(
            curves, ("-", "--", ":"), ("determinant", "eigenphases", "Im tr"), strict=True
        ):
            axis.plot(ANGLES / np.pi, curve, "k" + style, lw=1.4, label=name)
        axis.set(title=title, xlabel="total phase of the link / pi")
    axes[0].plot([], [], color="#0072B2", label="networks, links read h1")
    axes[0].plot([], [], color="#D55E00", label="networks, links read the blocks too")
    axes[0].set_ylabel("mean contribution times 2 pi")
    axes[0].legend(fontsize=7, frameon=False)
    figure.savefig(FIGURE, dpi=150)
    plt.close(figure)


def write():
    put(PAGE, "networks", filled("python -m benchmarks.experiments.learned", table(),
                                 harness.machine()))  # fmt: skip
    rows = STUDY.get({"what": "controls", "version": 1})["rows"]
    lines = ["| features of a link | R2 of dalpha, linear |", "|---|---:|"]
    lines += [f"| {row['what']} | {row['r2']:.3f} |" for row in rows]
    put(PAGE, "controls", "\n".join(lines))
    put(PAGE, "architectures", architectures())
    put(PAGE, "headline", filled("python -m benchmarks.experiments.learned headline",
                                 headline_table(), harness.machine()))  # fmt: skip
    put(PAGE, "interventions", interventions_table())
    draw()


def architectures():
    """Which formula networks of equal budget agree with, where only one of two is right."""
    answers, _ = fair.collected()
    lines = [
        "| network | right where only eigenphases are | right where only the determinant is |",
        "|---|---:|---:|",
    ]
    formulas = ("determinants", "eigenphases", "FFT", "low-pass")
    for name, of in answers.items():
        if name in formulas:
            continue
        cells = []
        for one, other in (("eigenphases", "determinants"), ("determinants", "eigenphases")):
            some = {s: of_s[0] & ~answers[other][s][0] for s, of_s in answers[one].items()}
            total = sum(int(mask.sum()) for mask in some.values())
            right = np.mean([
                sum(int(seed_bits[mask].sum()) for seed_bits, mask in
                    zip((of[s][i] for s in some), some.values(), strict=True))
                for i in range(len(of["test"]))
            ])  # fmt: skip
            cells.append(f"{right / total:.2f} of {total}")
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if "headline" in sys.argv[1:]:
        headline()
    elif "write" not in sys.argv[1:]:
        run()
    write()
