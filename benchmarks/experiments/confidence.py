"""Confidence of the networks of the package: reliability by answered or not, foreign inputs.

    python -m benchmarks.experiments.confidence chains    # a minute
    python -m benchmarks.experiments.confidence planes
    python -m benchmarks.experiments.confidence models    # models with known physics
    python -m benchmarks.experiments.confidence fresh     # the same at other random parameters
    python -m benchmarks.experiments.confidence finer     # what a look at a finer grid contradicts
    python -m benchmarks.experiments.confidence silent    # where nothing is answered, and why
    python -m benchmarks.experiments.confidence files     # real materials, in $TOPOPHYS_TEST_DATA
    python -m benchmarks.experiments.confidence write     # docs/results/confidence.md, its figure

Counts are kept in benchmarks/results/confidence.jsonl.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import beta

import topophys as tp
from benchmarks import harness
from benchmarks.experiments.hybrid import (
    CALIBRATION,
    FAMILIES,
    NOISE,
    PROMISE,
    calibration_samples,
    chain_case,
    flat_bands,
    plane_case,
)
from benchmarks.pages import ROOT, filled, put
from benchmarks.peers.wannier_files import file_of
from topophys.ensembles import HARD_CHAINS, HARD_PLANES, mixed_chains, mixed_planes
from topophys.hamiltonians.flatten import flatten_block
from topophys.learn import load_pretrained
from topophys.learn.calibration import FIRST, NEVER, error_limit

PAGE = ROOT / "docs" / "results" / "confidence.md"
FIGURE = ROOT / "docs" / "figures" / "reliability_networks.png"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "confidence.jsonl")
#: Limits of the bins of confidence.
EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0)
SETTINGS = {"version": 1, "draw": 20261201, "edges": EDGES, "chains": 100, "planes": 40}
#: Raised where a network of the package changes, by what is measured.
VERSIONS = {"chains": 1, "planes": 3, "models": 3, "fresh": 2, "files": 3}
NETWORKS = {"chains": "winding-1d", "planes": "chern-2d"}


def binned(posterior, right):
    """Samples, summed confidence and right answers by bin: those answered, and the others."""
    column = np.clip(np.searchsorted(EDGES, posterior.confidence, side="right") - 1, 0, None)
    column = np.minimum(column, len(EDGES) - 2)
    found = {}
    for name, some in (("answered", ~posterior.abstains), ("abstained", posterior.abstains)):
        weights = (np.ones(len(right)), posterior.confidence, right.astype(float))
        found[name] = [
            np.bincount(column[some], w[some], len(EDGES) - 1).round(9).tolist() for w in weights
        ]
    return found


def cases(kind):
    if kind == "chains":
        for points in (32, 16, 12, 8):
            for noise in NOISE:
                yield 2, points, noise, SETTINGS["chains"]
    else:
        for size in (2, 4):
            for points in (12, 8):
                for noise in NOISE[:3]:
                    yield size, points, noise, SETTINGS["planes"]


def measure(kind):
    """Hard ensembles, and new samples of the populations of the calibration."""
    draw, names = (chain_case, HARD_CHAINS) if kind == "chains" else (plane_case, HARD_PLANES)
    for case in cases(kind):
        for name in names:
            keep(kind, name, case, lambda *c, name=name: draw(name, *c, SETTINGS["draw"]))
        for name, options in FAMILIES[kind].items():
            keep(f"{kind}, calibration", name, case,
                 lambda *c, options=options: mixture(kind, options, *c))  # fmt: skip
        print(kind, case, flush=True)


def keep(what, name, case, draw):
    """Counts of one population, unless they are there."""
    size, points, noise, _ = case
    kind = what.partition(",")[0]
    given = {"what": what, "ensemble": name, "size": size, "points": points, "strength": noise,
             **SETTINGS, "version": VERSIONS[kind]}  # fmt: skip
    if STUDY.get(given) is not None:
        return
    samples, label, n_filled = draw(*case)
    more = {} if kind == "chains" else {"n_occupied": n_filled}
    found = load_pretrained(NETWORKS[kind]).predict(samples, reconstruct=False, **more)
    STUDY.put(given, {
        "n": len(label),
        "unfamiliar": int(found.unfamiliar.sum()),
        **binned(found, found.value == label),
    })  # fmt: skip


def mixture(kind, options, size, points, noise, count):
    """New samples of a family of the calibration, with noise of this strength."""
    rng = np.random.default_rng([SETTINGS["draw"], size, points, round(1000 * noise)])
    if kind == "chains":
        made = mixed_chains(count, n_orbitals=size, rng=rng, **options)
        proof, samples = tp.certify_winding(made), flatten_block(made.block_on_grid(points))
    else:
        made = mixed_planes(count, n_bands=size, n_occupied=size // 2, rng=rng, **options)
        proof, samples = tp.certify_chern(made), flat_bands(made.on_grid(points), size // 2)
    drawn = rng.standard_normal((2, *samples.shape))
    more = (drawn[0] + 1j * drawn[1]) * np.sqrt(0.5)
    if kind == "planes":
        more = (more + np.conj(np.swapaxes(more, -1, -2))) * np.sqrt(0.5)
    sure = np.asarray(proof.certified)
    return (samples + noise * more)[sure], np.ma.getdata(proof.value)[sure], size // 2


# --------------------------------------------------------------------------------- Foreign inputs


def models(rng, n=100):
    """Models of the package at random parameters: (network, name, Hamiltonian)."""
    u: Callable[[float, float], np.ndarray] = lambda a, b: rng.uniform(a, b, n)  # noqa: E731
    m = tp.models
    yield "chains", "Su-Schrieffer-Heeger", m.ssh(u(0, 2), u(0, 2))
    yield "chains", "Su-Schrieffer-Heeger, third hopping", m.ssh(u(-1, 1), u(-1, 1), u(-1, 1))
    yield "chains", "Kitaev", m.kitaev_chain(u(-3, 3), u(0.5, 1.5), u(0.1, 1.5))
    yield "chains", "Creutz", m.creutz(u(-2, 2), u(0.5, 1.5), u(0.2, 1.5))
    yield "planes", "Qi-Wu-Zhang", m.qwz(u(-3, 3))
    yield "planes", "Haldane", m.haldane(u(-1, 1), u(0.05, 0.3), u(-np.pi, np.pi))
    yield "planes", "Chern number 3", m.higher_chern(u(-3, 3), 3)
    yield "planes", "p + ip", m.p_plus_ip(u(-6, 6), u(0.5, 1.5), u(0.3, 1.5))
    yield "planes", "d wave", m.d_wave_chern(u(-3, 3))
    for filling in (1, 2):
        yield "planes", f"kagome, {filling} filled", m.kagome(u(0.1, 1.0), n_occupied=filling)
    yield "planes", "BHZ", m.bhz(u(-3, 3))
    yield "planes", "Kane-Mele", m.kane_mele(u(0.0, 0.6), u(0.0, 0.2), u(0.03, 0.2))


def judged(name, h, known=None):
    """What a network says of one batch of Hamiltonians, and what is proven, now or before."""
    if known is None:
        proof = (tp.certify_winding if name == "winding-1d" else tp.certify_chern)(h)
        sure = np.ravel(np.asarray(proof.certified))
        label = np.ravel(np.ma.getdata(proof.value))[sure]
    else:
        label = np.ravel(np.full(h.batch_shape, known))
        sure = np.ones(len(label), bool)
    found = load_pretrained(name).predict(h, reconstruct=False)
    value, silent, strange = (
        np.ravel(np.asarray(x))[sure] for x in (found.value, found.abstains, found.unfamiliar)
    )
    right = value == label
    return {
        "n": len(label),
        "unfamiliar": int(strange.sum()),
        "answered": int((~silent).sum()),
        "wrong_answered": int((~silent & ~right).sum()),
        "right": int(right.sum()),
        "unfamiliar_right": int((strange & right).sum()),
        "values": sorted({int(v) for v in label}),
    }


def run_models():
    keep_models("models", models(np.random.default_rng(SETTINGS["draw"])))


def run_fresh():
    """Other random parameters, more of them, and more models that close their gaps in one point."""
    rng = np.random.default_rng(SETTINGS["draw"] + 1)
    keep_models("fresh", (row for row in models(rng, FRESH) if row[0] == "planes"))
    more = (
        ("planes", f"Chern number {c}", tp.models.higher_chern(rng.uniform(-3, 3, FRESH), c))
        for c in (2, 4, 5)
    )
    keep_models("fresh", more)


def keep_models(what, drawn):
    for kind, name, h in drawn:
        given = {"what": what, "network": kind, "name": name, "version": VERSIONS[what]}
        if STUDY.get(given) is None:
            found = judged(NETWORKS[kind], h)
            STUDY.put(given, found)
            print(what, kind, name, found, flush=True)


# --------------------------------------------------------------------------------- Finer grids

#: Planes of each case that are asked with and without a look at a finer grid.
FINER = {"what": "finer", "version": 1, "draw": 20261203, "count": 30}


def run_finer():
    """How often the formula on a finer grid contradicts what would be answered."""
    network, without = load_pretrained("chern-2d"), load_pretrained("chern-2d")
    without._seen_again = lambda *given: given[-1]
    for noise in (0.0, 0.1):
        for name in ("calibration", "hard ensembles"):
            given = {**FINER, "noise": noise, "population": name}
            if STUDY.get(given) is not None:
                continue
            total = np.zeros(5, int)
            for of in FAMILIES["planes"].values() if name == "calibration" else HARD_PLANES:
                for n_bands in (2, 4):
                    for points in (12, 16):
                        total += contradicted(network, without, of, n_bands, points, noise)
            STUDY.put(given, dict(zip(KEYS, total.tolist(), strict=True)))
            print(given, total, flush=True)


KEYS = ("n", "answered", "contradicted", "contradicted wrong", "wrong")


def contradicted(network, without, of, n_bands, points, noise):
    draw = FINER["draw"]
    if isinstance(of, str):
        samples, label, filled = plane_case(of, n_bands, points, noise, FINER["count"], draw)
    else:
        samples, label, filled = mixture("planes", of, n_bands, points, noise, FINER["count"])
    found, before = (
        n.predict(samples, n_occupied=filled, reconstruct=False) for n in (network, without)
    )
    wrong = before.value != label
    new = found.unfamiliar & ~before.unfamiliar
    answered = ~before.abstains
    return np.array([x.sum() for x in (
        np.ones(len(label), bool), answered, answered & new, answered & new & wrong,
        answered & wrong,
    )])  # fmt: skip


# ---------------------------------------------------------------------------- Silent parts


def run_silent():
    """What the calibration counted in each part of its samples that has no threshold."""
    torch.set_num_threads(1)
    for kind, name in NETWORKS.items():
        given = {"what": "silent", "kind": kind, "promise": PROMISE, **CALIBRATION}
        if STUDY.get(given) is None:
            network = load_pretrained(name)
            (populations,) = calibration_samples(kind, [network])
            STUDY.put(given, {"parts": silent_parts(network.calibration, populations)})


def silent_parts(calibration, populations, promise=PROMISE):
    """One row for each part without a threshold, of those samples that fix thresholds."""
    found = []
    for row, points in enumerate(calibration.points.tolist()):
        for noisy in (0, 1):
            part, right, sure = said_in_cell(calibration, populations, row, noisy)
            limits = calibration.limits[row, noisy].tolist()
            edges = [float(e) for e in calibration.edges[row, noisy].exp()]
            for b in np.flatnonzero(np.array(limits) >= NEVER).tolist():
                own = part == b
                order = np.argsort(-sure[own], kind="stable")
                wrong = np.cumsum(~right[own][order])
                count = np.arange(1, len(order) + 1)
                upper = np.nan_to_num(beta.ppf(0.95, wrong + 1, count - wrong), nan=1.0)
                best = int(upper.argmin())
                near = [c for c in (b - 1, b + 1) if 0 <= c < len(limits)]
                found.append({
                    "points": points, "noisy": noisy, "from": edges[b - 1] if b else 0.0,
                    "to": edges[b] if b < len(edges) else None, "n": int(own.sum()),
                    "wrong": int(wrong[-1]), "first": int(np.argmax(wrong > 0)),
                    "answered": best + 1, "wrong answered": int(wrong[best]),
                    "upper": float(upper[best]), "limits": limits, "part": b,
                    "merged": [pooled(part, right, sure, b, c, limits[c], promise) for c in near],
                })  # fmt: skip
    return found


def said_in_cell(calibration, populations, row, noisy):
    """Parts, right answers and confidences of the samples that fix the thresholds of a grid."""
    columns = []
    for p in populations:
        end = max(1, round(FIRST * len(p.column)))
        r, w = calibration.cells(p.context)
        some = ((r == row) & (w == noisy)).numpy()
        some[:end] = False
        some = torch.from_numpy(some)
        odds = calibration.judge(p.logs[some], p.context[some], p.summary[some]).probabilities
        part = calibration.part_of(p.context[some], r[some], w[some]).numpy()
        columns.append((part, odds.argmax(-1) == p.column[some.numpy()], odds.max(-1)))
    return (np.concatenate(column) for column in zip(*columns, strict=True))


def pooled(part, right, sure, silent, other, limit, promise):
    """What one threshold for two parts together answers, and what the other answers now."""
    both = (part == silent) | (part == other)
    common = error_limit(right[both], sure[both], promise)
    said = sure >= common
    return {
        "limit": common,
        "answered": int((said & both).sum()),
        "in silent": int((said & (part == silent)).sum()),
        "wrong in silent": int((said & ~right & (part == silent)).sum()),
        "other now": int(((sure >= limit) & (part == other)).sum()),
    }


def silent_table():
    head = ["network", "points", "samples with", "n", "wrong", "before the first wrong",
            "smallest upper end", "with wrong", "merged with a neighbour: answered, before",
            "of these in this part", "wrong there"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|---:|---|" + "---:|" * (len(head) - 3)]
    for g, result in STUDY.entries():
        for r in result["parts"] if g["what"] == "silent" else ():
            top = "" if r["to"] is None else f" to {r['to']:.3f}"
            what = "noise" if r["noisy"] else "high harmonics"
            best = max(r["merged"], key=lambda m: m["answered"] - m["other now"])
            side = f"{r['points']:.0f}" + f" x {r['points']:.0f}" * (g["kind"] == "planes")
            lines.append(
                f"| {NETWORKS[g['kind']]} | {side} | {what} from {r['from']:.3f}{top} |"
                f" {r['n']:,} | {r['wrong']} | {r['first']} | {r['upper']:.4f} |"
                f" {r['wrong answered']} of {r['answered']} |"
                f" {best['answered']}, {best['other now']} | {best['in silent']} |"
                f" {best['wrong in silent']} |"
            )  # fmt: skip
    return "\n".join(lines)


#: Draws of each model that nothing was chosen by.
FRESH = 300


#: Files of real materials: filled bands, and the planes of reduced k3 that are asked about.
FILES = {
    "BHZ_hr.dat": (2, None),
    "WS2_hr.dat.gz": (7, None),
    "ReC2H_hr.dat.gz": (16, None),
    "MoS2-1Tp_hr.dat.tar.gz": (28, None),
    "silicon_hr.dat": (4, (0.0, 0.25, 0.5)),
    "SnTe_hr.dat.tar.gz": (6, (0.0, 0.13, 0.31, 0.5)),
    "ZrTe_hr.dat.tar.gz": (8, (0.0, 0.25, 0.5)),
    "TaAs_hr.dat.tar.gz": (16, (0.0, 0.13, 0.31, 0.5)),
    "Weyl3D_hr.dat": (1, (0.0, 0.1, 0.25, 0.4, 0.5)),
}


def plane_of(h, k3):
    """Hamiltonian of the plane of one reduced momentum k3."""
    parts = {}
    for (a, b, c), hopping in h.hoppings.items():
        parts[a, b] = parts.get((a, b), 0.0) + hopping * np.exp(2j * np.pi * c * k3)
    return tp.FourierHamiltonian(parts, n_occupied=h.n_occupied)


def run_files():
    for file, (n_filled, planes) in FILES.items():
        given = {"what": "files", "file": file, "filled": n_filled, "planes": planes,
                 "version": VERSIONS["files"]}  # fmt: skip
        if STUDY.get(given) is not None:
            continue
        before = STUDY.get(given | {"version": 1}) or {}
        # proofs of many bands take long: those of earlier versions stand
        zeros = before.get("values") == [0] and before["n"] == len(planes or (0.0,))
        h = tp.read_wannier90(file_of(file), n_occupied=n_filled)
        found = []
        for k3 in planes or (0.0,):
            plane = h if h.dim == 2 else plane_of(h, k3)
            found.append(judged("chern-2d", plane, known=0 if zeros else None))
            print(file, k3, found[-1], flush=True)
        total = {key: sum(f[key] for f in found) for key in found[0] if key != "values"}
        total["values"] = sorted({v for f in found for v in f["values"]})
        STUDY.put(given, {**total, "bands": int(h.n_bands)})


# --------------------------------------------------------------------------------- The page


def rows(what):
    version = VERSIONS[what.partition(",")[0]]
    return [(g, r) for g, r in STUDY.entries() if g["what"] == what and g["version"] == version]


def summed(results, which):
    """Counts by bin over results: samples, confidence, right."""
    return sum(np.array(result[which]) for result in results)


def error(counts):
    """Expected calibration error over bins, and mean confidence minus accuracy."""
    n, confidence, right = counts
    total = max(n.sum(), 1.0)
    return np.abs(confidence - right).sum() / total, (confidence - right).sum() / total


def table(kind):
    head = ["orbitals" if kind == "chains" else "bands", "points", "noise", "population",
            "answered", "ECE, answered", "confidence minus accuracy, answered",
            "wrong of answered", "ECE, abstained",
            "confidence minus accuracy, abstained"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---:|---:|---:|---|" + "---:|" * (len(head) - 4)]
    for size, points, noise, _ in cases(kind):
        for what, name in ((f"{kind}, calibration", "calibration"), (kind, "hard ensembles")):
            own = [r for g, r in rows(what)
                   if (g["size"], g["points"], g["strength"]) == (size, points, noise)]  # fmt: skip
            said, rest = summed(own, "answered"), summed(own, "abstained")
            total = said[0].sum() + rest[0].sum()
            cells = [f"{said[0].sum() / total:.3f}"]
            if said[0].sum():
                ece, apart = error(said)
                wrong = round(said[0].sum() - said[2].sum())
                cells += [f"{ece:.4f}", f"{apart:+.4f}", f"{wrong} of {int(said[0].sum()):,}"]
            else:
                cells += ["", "", ""]
            if rest[0].sum():
                ece, apart = error(rest)
                cells += [f"{ece:.4f}", f"{apart:+.4f}"]
            else:
                cells += ["", ""]
            side = points if kind == "chains" else f"{points} x {points}"
            lines.append(f"| {size} | {side} | {noise:g} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def worst_table():
    """Calibration errors of all rows of a table: mean and largest, of answered and abstained."""
    head = ["populations", "samples", "rows", "ECE, mean", "ECE, largest", "where",
            "share of samples above 0.05"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|---|---:|---:|---:|---|---:|"]
    for kind in ("chains", "planes"):
        for what in (kind, f"{kind}, calibration"):
            for which in ("answered", "abstained"):
                found, weights, names = [], [], []
                for size, points, noise, _ in cases(kind):
                    case = size, points, noise
                    own = [r for g, r in rows(what)
                           if (g["size"], g["points"], g["strength"]) == case]  # fmt: skip
                    counts = summed(own, which)
                    if counts[0].sum():
                        found.append(error(counts)[0])
                        weights.append(counts[0].sum())
                        side = points if kind == "chains" else f"{points} x {points}"
                        unit = "orbitals" if kind == "chains" else "bands"
                        names.append(f"{size} {unit}, {side} points, noise {noise:g}")
                at, ece, n = int(np.argmax(found)), np.array(found), np.array(weights)
                name = f"{kind}, {'hard ensembles' if what == kind else 'calibration'}"
                lines.append(
                    f"| {name} | {which} | {len(ece)} | {ece.mean():.4f} | {ece[at]:.4f} |"
                    f" {names[at]} | {n[ece > 0.05].sum() / n.sum():.3f} |"
                )
    return "\n".join(lines)


def foreign_table():
    found = [(g["name"], NETWORKS[g["network"]], "", r) for g, r in rows("models")]
    for g, r in rows("files"):
        planes = f", {len(g['planes'])} planes" if g["planes"] else ""
        found.append((f"file {g['file'].partition('_')[0]}{planes}", "chern-2d", r["bands"], r))
    return counts_table(found)


def counts_table(found):
    """Counts of named inputs, and of all of them."""
    head = ["input", "network", "bands", "integers", "Hamiltonians", "unfamiliar", "answered",
            "wrong of answered", "most probable integer right"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|---|---:|---|" + "---:|" * (len(head) - 4)]
    for name, network, bands, r in found:
        values = ", ".join(map(str, r["values"])) or "none proven"
        lines.append(
            f"| {name} | {network} | {bands} | {values} | {r['n']} | {r['unfamiliar']} |"
            f" {r['answered']} | {r['wrong_answered']} | {r['right']} |"
        )
    total = {k: sum(r[k] for *_, r in found) for k in ("n", "unfamiliar", "answered",
                                                       "wrong_answered", "right")}  # fmt: skip
    lines.append("| all | | | | " + " | ".join(f"{v:,}" for v in total.values()) + " |")
    return "\n".join(lines)


def finer_table():
    head = ["population", "noise", "planes", "answered without it", "contradicted",
            "of these wrong", "wrong of answered without it"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for noise in (0.0, 0.1):
        for name in ("calibration", "hard ensembles"):
            r = STUDY.get({**FINER, "noise": noise, "population": name})
            cells = " | ".join(f"{r[k]:,}" for k in KEYS)
            lines.append(f"| {name} | {noise:g} | {cells} |")
    return "\n".join(lines)


def draw():
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 4.0), layout="constrained", sharey=True)
    colours = ("#0072B2", "#009E73", "#E69F00", "#D55E00")
    for axis, kind in zip(axes, ("chains", "planes"), strict=True):
        axis.plot([0, 1], [0, 1], color="#999999", lw=0.8)
        found = rows(kind)
        for noise, colour in zip(sorted({g["strength"] for g, _ in found}), colours, strict=False):
            own = [r for g, r in found if g["strength"] == noise]
            n, confidence, right = summed(own, "answered") + summed(own, "abstained")
            some = n >= 30
            share = right[some] / n[some]
            half = 1.96 * np.sqrt((share * (1.0 - share) + 1.0 / n[some]) / n[some])
            axis.errorbar(confidence[some] / n[some], share, half, color=colour, lw=1.0,
                          marker="o", ms=3, label=f"noise {noise:g}")  # fmt: skip
        axis.set(title=kind, xlabel="mean confidence of the bin")
    axes[0].set_ylabel("share of right answers")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(FIGURE, dpi=130)
    plt.close(figure)


def write():
    machine = harness.machine()
    for kind in ("chains", "planes"):
        command = f"python -m benchmarks.experiments.confidence {kind}"
        put(PAGE, kind, filled(command, table(kind), machine))
    put(PAGE, "worst", worst_table())
    put(PAGE, "foreign", filled("python -m benchmarks.experiments.confidence models",
                                foreign_table(), machine))  # fmt: skip
    fresh = [(g["name"], NETWORKS[g["network"]], "", r) for g, r in rows("fresh")]
    put(PAGE, "fresh", filled("python -m benchmarks.experiments.confidence fresh",
                              counts_table(fresh), machine))  # fmt: skip
    put(PAGE, "finer", filled("python -m benchmarks.experiments.confidence finer",
                              finer_table(), machine))  # fmt: skip
    put(PAGE, "silent", filled("python -m benchmarks.experiments.confidence silent",
                               silent_table(), machine))  # fmt: skip
    draw()


if __name__ == "__main__":
    harness.run_command(
        __doc__,
        chains=partial(measure, "chains"),
        planes=partial(measure, "planes"),
        models=run_models,
        fresh=run_fresh,
        files=run_files,
        finer=run_finer,
        silent=run_silent,
        write=write,
    )
