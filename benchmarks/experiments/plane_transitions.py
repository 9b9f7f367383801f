"""Networks of planes across proven transitions: where they change, and what changes them.

    python -m benchmarks.experiments.plane_transitions run     # four short trainings, then the page
    python -m benchmarks.experiments.plane_transitions candidates   # one part of it; seconds
    python -m benchmarks.experiments.plane_transitions write   # only the page and its figure

Lines of Hamiltonians H(m) whose gap closes at m = 0 at one known k, with integers that are proven
on both sides. Networks are those of `learned_planes`, trained again, and the one of the package.
Results are kept in benchmarks/results/learned_planes.jsonl.
"""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch

import topophys as tp
from benchmarks import harness
from benchmarks.experiments import learned_planes as planes
from benchmarks.experiments.curriculum import WORK
from benchmarks.pages import ROOT, filled, put
from topophys.datasets import open_dataset
from topophys.learn import TopologicalMLEncoder2D, load_pretrained
from topophys.learn.flip_network import REACH, FlipData
from topophys.learn.layers import upsample_periodic

mpl.use("Agg")
FIGURE = ROOT / "docs" / "figures" / "transitions_planes.png"
SETTINGS = {"what": "transitions", "version": 1, "lines": 250, "side": 12}
#: Distances from the transition, in units of the mean size of d; twice as many points in all.
DISTANCES = 0.4 * (np.arange(1, 21) / 20) ** 2
M = np.concatenate([-DISTANCES[::-1], DISTANCES])
HALF = len(DISTANCES)
#: Integers must be constant at least up to this distance on both sides.
FAR = 9
#: Distances of the pairs between which activations are exchanged.
PAIRS = (4, 9)
#: Likewise of the flip network: nearer, where one phase decides.
FLIP_PAIRS = (1, 2)
#: Distances at which right answers are counted.
SHOWN = (1, 4, 9, 13)
WIDTHS = (12, 16, 24)
UNTRAINED = 3


# --------------------------------------------------------------------------------- Lines


def lines():
    """Unit vectors (L, M, N, N, 3), proven integers (L, M), touching points (L, 2), used (L, M).

    d(k) - d(k0) + m s e, where e is normal to both derivatives of d at k0 and s the root mean
    square of d: a single Dirac point at m = 0. On one side of it all points are used up to where
    the proven integer changes again.
    """
    rng = np.random.default_rng(77)
    found = []
    while sum(len(part[0]) for part in found) < SETTINGS["lines"]:
        h = tp.ensembles.two_band(200, rng=rng)
        touch = rng.uniform(-np.pi, np.pi, (200, 2))
        vectors, amplitudes = h.d_vectors, h.d_amplitudes.copy()
        wave = np.exp(1j * touch @ vectors.T)[..., None]
        slope = [(1j * vectors[:, a, None] * wave * amplitudes).sum(1).real for a in (0, 1)]
        normal = np.cross(*slope)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        zero = int(np.flatnonzero((vectors == 0).all(1))[0])
        amplitudes[:, zero] -= (wave * amplitudes).sum(1).real
        size = np.sqrt((np.abs(amplitudes) ** 2).sum((1, 2)))
        moved = np.repeat(amplitudes[:, None], len(M), 1)
        moved[:, :, zero] += M[:, None] * (size[:, None] * normal)[:, None]
        half = [i for i, v in enumerate(vectors.tolist()) if tuple(v) >= (0, 0)]
        family = tp.TwoBandHamiltonian({tuple(vectors[i].tolist()): moved[:, :, i] for i in half})
        proof = tp.certify_chern(family)
        value = np.ma.filled(proof.value, 99)
        left = np.cumprod(value[:, HALF - 1 :: -1] == value[:, HALF - 1 : HALF], 1)[:, ::-1]
        right = np.cumprod(value[:, HALF:] == value[:, HALF : HALF + 1], 1)
        used = np.concatenate([left, right], 1).astype(bool)
        near = value[:, HALF - 1 : HALF + 1]
        kept = used[:, HALF - 1 - FAR] & used[:, HALF + FAR]
        kept &= (np.abs(near) <= 1).all(1) & (near[:, 0] != near[:, 1])
        d = family.d_on_grid(SETTINGS["side"])
        found.append([x[kept] for x in (planes.spheres(d), value, touch, used)])
    return [np.concatenate(column)[: SETTINGS["lines"]] for column in zip(*found, strict=True)]


def plaquette_of(touch, side):
    """Plaquette (L, 2) that contains a point, by its lower left corner on `k_grid`."""
    return np.floor((touch + np.pi) * side / (2.0 * np.pi)).astype(int) % side


def progress(value, integers):
    """0 where the answer is the integer of m < 0, and 1 where it is that of m > 0."""
    before, after = integers[:, HALF - 1, None], integers[:, HALF, None]
    return (value - before) / (after - before)


# --------------------------------------------------------------------------------- Formulas


def formulas(n, sign):
    """Local contributions (L, M, N, N) of formulas, whose sum is the integer or should be."""
    parts = [
        {k: v / (4.0 * np.pi) for k, v in planes.candidates(*planes.corners(part)).items()}
        for part in n
    ]
    return {k: sign * np.stack([p[k] for p in parts]) for k in ("lattice flux", "projectors")}


def refined(n, sign):
    """Integers of the lattice flux after interpolation to twice as many points."""
    fine = upsample_periodic(torch.from_numpy(n.reshape(-1, *n.shape[2:])), 2, [1, 2]).numpy()
    parts = np.array_split(planes.spheres(fine), max(1, len(fine) // 1000))
    flux = [planes.candidates(*planes.corners(p))["lattice flux"].sum((1, 2)) for p in parts]
    return np.rint(sign * np.concatenate(flux) / (4.0 * np.pi)).reshape(n.shape[:2])


# --------------------------------------------------------------------------------- Encoders


def trained(products, seed):
    """Network of `learned_planes`, kept on disk."""
    path = WORK / f"learned-planes-{WIDTHS[0]}-{products}-{seed}.pt"
    encoder = TopologicalMLEncoder2D(
        3, (12, 12), WIDTHS, rotation_invariant=products
    ).double()  # fmt: skip
    if not path.is_file():
        with open_dataset(planes.data_file()) as dataset:
            x, label = dataset.split("train").read(
                "x", "label", index=slice(0, planes.TRAINING["planes"])
            )
        x, label = torch.from_numpy(x), torch.from_numpy(np.asarray(label, np.int64))
        kept = np.zeros(len(x))
        made = planes.train(WIDTHS, products, seed, 1.0, x, label, kept)
        torch.save(made.state_dict(), path)
    encoder.load_state_dict(torch.load(path))
    return encoder.eval()


def untrained(products, seed):
    torch.manual_seed(1000 + seed)
    return (
        TopologicalMLEncoder2D(3, (12, 12), WIDTHS, rotation_invariant=products)
        .double()
        .eval()
    )  # fmt: skip


@torch.no_grad()
def local(encoder, n):
    """Contribution (..., N, N) of each plaquette to the output; they add up to it."""
    flat = torch.from_numpy(np.ascontiguousarray(n.reshape(-1, *n.shape[-3:])))
    parts = []
    for x in flat.split(500):
        h3 = encoder(x)["local_features"]["h3_features"]
        parts.append(encoder.head.readout(encoder.project(h3))[..., 0])
    found = torch.cat(parts)
    return found.reshape(*n.shape[:-1]).numpy()


def exchanges(own, n, touch, integers, pair, of_fields=None):
    """Progress of the answer of each plane at m < 0 after exchanges with its partner at m > 0.

    `own` (L, M, N, N) are local contributions; `of_fields` maps unit vectors to such. Without it
    fields are not exchanged.
    """
    row, side = np.arange(len(own))[:, None, None], own.shape[-1]
    x, y = plaquette_of(touch, side).T[:, :, None, None]
    step = np.arange(3)
    away = np.random.default_rng(5).integers(3, side - 2, (2, len(own), 1, 1))
    before, after = HALF - 1 - pair, HALF + pair
    a, b = own[:, before], own[:, after]
    change = b - a

    def block(start, reach):
        around = step[1 - reach : 2 + reach] - 1
        i = (x + start[0] + around[:, None]) % side
        j = (y + start[1] + around) % side
        return change[row, i, j].sum((1, 2))

    ends = integers[:, before], integers[:, after]

    def of(value):
        return (value - ends[0]) / (ends[1] - ends[0])

    total, here = a.sum((1, 2)), block((0, 0), 1)
    found = {
        "before": of(total),
        "after": of(b.sum((1, 2))),
        "plaquette": of(total + block((0, 0), 0)),
        "nine": of(total + here),
        "nine elsewhere": of(total + block(away, 1)),
        "all but nine": of(total + change.sum((1, 2)) - here),
        "local": block((0, 0), 0) / (ends[1] - ends[0]),
        "local nine": here / (ends[1] - ends[0]),
    }
    if of_fields is not None:
        for name, at in (("corners", (0, 0)), ("corners elsewhere", away)):
            i, j = (x + at[0] + step[:2, None]) % side, (y + at[1] + step[:2]) % side
            mixed = n[:, before].copy()
            mixed[row, i, j] = n[row, after, i, j]
            found[name] = of(of_fields(mixed).sum((1, 2)))
    return found


# --------------------------------------------------------------------------------- Flip network


def candidates_of(network, n):
    """What the network reads of planes (B, N, N, 3), and numbers of the plaquettes."""
    h_k = np.einsum("...i,iab->...ab", n, np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]],
                                                    [[1, 0], [0, -1]]]))  # fmt: skip
    parts, cells = [], []
    for x in torch.from_numpy(h_k).split(500):
        views, cell = [], []
        for factor, filtered in network.views:
            found, turns, kept = network.input.candidates(
                x, 1, factor, network.settings["candidates"], filtered=filtered
            )
            views.append(FlipData(found.features, found.sign, turns, kept, found.base))
            cell.append(found.cell)
        parts.append(FlipData(*(torch.stack(c, 1) for c in zip(*views, strict=True))))
        cells.append(torch.stack(cell, 1))
    return FlipData(*(torch.cat(c) for c in zip(*parts, strict=True))), torch.cat(cells)


@torch.no_grad()
def odds(network, data, integers):
    """Log odds of the integer of m > 0 against that of m < 0."""
    logs = torch.cat([network(data.select(r)) for r in torch.arange(len(data.base)).split(500)])
    rows = torch.arange(len(logs))
    before, after = (
        logs[rows, torch.from_numpy(v).long() - data.base[:, 0] + REACH] for v in integers
    )
    return (after - before).double().numpy()


def slots(network, cells, points, side):
    """Slot (B, V) of the candidate that lies at a point in each view, -1 where there is none."""
    found = []
    for view, (factor, _) in enumerate(network.views):
        place = plaquette_of(points, side * factor)
        number = torch.from_numpy(place[:, 0] * side * factor + place[:, 1])
        same = cells[:, view] == number[:, None]
        found.append(torch.where(same.any(1), same.to(torch.uint8).argmax(1), -1))
    return torch.stack(found, 1)


def exchanged(a, b, slot_a, slot_b):
    """Data of `a` with one candidate of each view, and its turn in the formula, as in `b`."""
    rows = torch.arange(len(a.base))
    features, sign, base = a.features.clone(), a.sign.clone(), a.base.clone()
    for view in range(a.base.shape[1]):
        p, q = slot_a[:, view], slot_b[:, view]
        phase = [
            d.sign[rows, view, s] * (np.pi - d.features[rows, view, s, 0])
            for d, s in ((a, p), (b, q))
        ]
        # a phase that goes through pi takes a turn from the formula
        base[:, view] += ((phase[1] - phase[0]) / (2.0 * np.pi)).round().long()
        features[rows, view, p] = b.features[rows, view, q]
        sign[rows, view, p] = b.sign[rows, view, q]
    return a._replace(features=features, sign=sign, base=base)


def flip_exchanges(network, n, touch, integers, pair):
    """Log odds before, after, and with one candidate exchanged; where it is one on both sides."""
    before, after = HALF - 1 - pair, HALF + pair
    (a, cell_a), (b, cell_b) = (candidates_of(network, n[:, at]) for at in (before, after))
    ends = integers[:, before], integers[:, after]
    side = n.shape[2]
    slot_a, slot_b = (slots(network, c, touch, side) for c in (cell_a, cell_b))
    there = ((slot_a >= 0) & (slot_b >= 0)).all(1)
    own = exchanged(a, b, slot_a.clamp_min(0), slot_b.clamp_min(0))
    # control: the most doubtful candidate elsewhere that both have, in each view
    other_a, other_b = (torch.zeros_like(slot_a) for _ in range(2))
    matched = torch.ones(len(there), dtype=torch.bool)
    for view in range(slot_a.shape[1]):
        same = cell_a[:, view, :, None] == cell_b[:, view, None, :]
        own_slot = torch.arange(same.shape[1]) == slot_a[:, view, None]
        same &= ~own_slot[:, :, None]
        pick = same.flatten(1).to(torch.uint8).argmax(1)
        matched &= same.flatten(1).any(1)
        other_a[:, view], other_b[:, view] = pick // same.shape[2], pick % same.shape[2]
    control = exchanged(a, b, other_a, other_b)
    rest = exchanged(b, a, slot_b.clamp_min(0), slot_a.clamp_min(0))
    return {
        "before": odds(network, a, ends), "after": odds(network, b, ends),
        "its plaquette": odds(network, own, ends), "another": odds(network, control, ends),
        "all others": odds(network, rest, ends), "there": (there & matched).numpy(),
        "same formula": (a.base[:, 0] == b.base[:, 0]).numpy(),
    }  # fmt: skip


# --------------------------------------------------------------------------------- Measuring


def sides(progressed):
    """Whether each answer is nearer to the integer of m > 0; halfway counts for m < 0."""
    return progressed > 0.5


def summary(after, used, flux):
    """Right answers by distance, where the answer changes, and agreement with the lattice flux.

    `after` (L, M): whether the answer is on the side of m > 0; `flux` the same of the lattice flux.
    """
    truth = M > 0
    wrong = used & (flux != truth)
    rng = np.random.default_rng(3)
    same = (wrong & (after == flux)).sum(1), wrong.sum(1)
    draws = rng.integers(0, len(after), (2000, len(after)))
    shares = same[0][draws].sum(1) / same[1][draws].sum(1)
    place, other = boundary(after, used), boundary(flux, used)
    return {
        "median distance": float(np.median(np.abs(place))),
        "with the flux": float(np.corrcoef(place, other)[0, 1]),
        "follows": [float(same[0].sum() / same[1].sum()), *np.percentile(shares, [2.5, 97.5])],
        "contradicted": int(wrong.sum()),
        "share": [float(after[u, i].mean()) for i, u in enumerate(used.T)],
    }


def boundary(after, used):
    """Value of m (L,) where the answer changes, if it changes once on the points that are used."""
    edges = np.concatenate([[M[0]], 0.5 * (M[1:] + M[:-1]), [M[-1]]])
    first = used.argmax(1)
    count = (used & ~after).sum(1)
    return edges[first + count]


def response(own, flux, integers):
    """Mean contribution of the plaquette that the touching is in, by its unwrapped solid angle.

    `own` and `flux` (L, M): contributions of that plaquette, times 4 pi, with the sign of the
    integers; all are turned so that the flux rises through 2 pi where it is wrapped.
    """
    rise = np.sign(integers[:, HALF] - integers[:, HALF - 1])[:, None]
    angle = np.mod(-rise * flux, 4.0 * np.pi)
    which = np.digitize(angle, BINS) - 1
    values = -rise * own
    return [
        float(values[which == b].mean()) if (which == b).sum() > 20 else None
        for b in range(len(BINS) - 1)
    ]


#: Unwrapped solid angles of the responses, in bins.
BINS = np.linspace(0.6 * np.pi, 3.4 * np.pi, 29)


def of_encoder(name, seed, encoder, data):
    n, integers, _, used, local_flux = data
    own = local(encoder, n)
    side = sides(progress(own.sum((2, 3)), integers))
    result = summary(side, used, sides(progress(local_flux.sum((2, 3)), integers)))
    kept(name, seed, result | of_local(own, data, lambda x: local(encoder, x)))


def of_local(own, data, of_fields):
    """Exchanges at both distances, and the response of the plaquette of the touching."""
    n, integers, touch, _, local_flux = data
    i, j = plaquette_of(touch, n.shape[2]).T
    row = np.arange(len(n))
    return {
        "exchanged": {f"{DISTANCES[pair]:.3f}": exchange_result(own, data, pair, of_fields)
                      for pair in PAIRS},
        "response": response(
            4 * np.pi * own[row, :, i, j], 4 * np.pi * local_flux[row, :, i, j], integers
        ),
    }  # fmt: skip


def exchange_result(own, data, pair, of_fields):
    n, integers, touch, _, local_flux = data
    found = exchanges(own, n, touch, integers, pair, of_fields)
    reference = exchanges(local_flux, n, touch, integers, pair)["local"]
    apart = ~sides(found["before"]) & sides(found["after"])
    return {
        "pairs": len(own),
        "apart": int(apart.sum()),
        "changed": {k: float(sides(v[apart]).mean()) for k, v in found.items()
                    if k not in ("before", "after", "local", "local nine")},
        "whole": float((found["after"] - found["before"]).mean()),
        "local": float(found["local"].mean()),
        "local nine": float(found["local nine"].mean()),
        "correlation": float(np.corrcoef(found["local"], reference)[0, 1]),
    }  # fmt: skip


def kept(name, seed, result):
    STUDY.put(given(name, seed), result)
    print(name, seed, {k: v for k, v in result.items() if k not in ("share", "response")},
          flush=True)  # fmt: skip


STUDY = planes.STUDY
FINE = "FFT, lattice flux"
FLIP = "flip network, pre-trained"
CANDIDATES = "candidates of the flip network"
KINDS = {False: "d, learned h1", True: "products of d"}


def given(name, seed):
    return {**SETTINGS, "network": name, "seed": seed}


def run():
    torch.set_num_threads(1)
    n, integers, touch, used = lines()
    some = planes.candidates(*planes.corners(n[:, -1]))["lattice flux"].sum((1, 2))
    sign = float(np.sign((some * integers[:, -1]).sum()))
    print(len(n), "lines, sign", sign, "points used", used.mean(), flush=True)
    own = formulas(n, sign)
    data = n, integers, touch, used, own["lattice flux"]
    flux_side = sides(progress(own["lattice flux"].sum((2, 3)), integers))
    for name, value in own.items():
        result = summary(sides(progress(value.sum((2, 3)), integers)), used, flux_side)
        kept(name, 0, result | of_local(
            value, data, lambda x, name=name: formulas(x[:, None], sign)[name][:, 0]
        ))  # fmt: skip
    kept(FINE, 0, summary(sides(progress(refined(n, sign), integers)), used, flux_side))
    of_flip_network(data, flux_side)
    for products, name in KINDS.items():
        for seed in planes.SEEDS:
            of_encoder(name, seed, trained(products, seed), data)
        for seed in range(UNTRAINED):
            value = local(untrained(products, seed), n)
            found = exchanges(value, n, touch, integers, PAIRS[0])
            whole = found["after"] - found["before"]
            flux = exchanges(own["lattice flux"], n, touch, integers, PAIRS[0])["local"]
            kept(f"untrained, {name}", seed, {
                "nine of all": float(np.median(found["local nine"] / whole)),
                "correlation": float(np.corrcoef(found["local"], flux)[0, 1]),
            })  # fmt: skip
    write()


def of_flip_network(data, flux_side):
    n, integers, _, used, _ = data
    network = load_pretrained("chern-2d")
    flat = n.reshape(-1, *n.shape[2:])
    ends = [np.repeat(integers[:, at], n.shape[1]) for at in (HALF - 1, HALF)]
    seen, _ = candidates_of(network, flat)
    side = (odds(network, seen, ends) > 0).reshape(n.shape[:2])
    result = summary(side, used, flux_side)
    kept(FLIP, 0, result)
    exchanges_of_candidates()


def exchanges_of_candidates():
    """Exchanges of one candidate of the flip network; nothing else is needed for them."""
    torch.set_num_threads(1)
    n, integers, touch, _ = lines()
    network, result = load_pretrained("chern-2d"), {}
    for pair in FLIP_PAIRS:
        found = flip_exchanges(network, n, touch, integers, pair)
        there, same = found.pop("there"), found.pop("same formula")
        apart = there & (found["before"] < 0) & (found["after"] > 0)
        change = found["after"] - found["before"]
        for key, some in (("changes", ~same), ("does not", same)):
            rows = apart & some
            result[f"{DISTANCES[pair]:.3f}, {key}"] = {
                "pairs": int((there & some).sum()),
                "apart": int(rows.sum()),
                "changed": {k: float((v[rows] > 0).mean()) if rows.any() else None
                            for k, v in found.items() if k not in ("before", "after")},
                "carried": {k: float(np.median(((found[k] - found["before"]) / change)[rows]))
                            if rows.any() else None for k in ("its plaquette", "another")},
            }  # fmt: skip
    kept(CANDIDATES, 0, result)


# --------------------------------------------------------------------------------- The page


def results():
    """Results by method, then seed, in the order of the tables."""
    found = {}
    for settings, result in STUDY.entries():
        if settings["what"] == "transitions" and settings["version"] == SETTINGS["version"]:
            found.setdefault(settings["network"], {})[settings["seed"]] = result
    return found


def right_at(share, i):
    """Share of right answers at a distance, the mean of both sides."""
    return 0.5 * (1.0 - share[HALF - 1 - i] + share[HALF + i])


def answers_table(found):
    head = ["answers of", "seed", *(f"right at {DISTANCES[i]:.3f}" for i in SHOWN),
            "median distance of the change", "correlation with the lattice flux's",
            "with the lattice flux where it is wrong"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|---:|" + "---:|" * (len(head) - 2)]
    for name in ("lattice flux", "projectors", FINE, *KINDS.values(), FLIP):
        for seed, r in sorted(found[name].items()):
            share, low, high = r["follows"]
            lines.append(
                f"| {name} | {seed if len(found[name]) > 1 else ''} | "
                + " | ".join(f"{right_at(r['share'], i):.3f}" for i in SHOWN)
                + f" | {r['median distance']:.4f} | {r['with the flux']:.2f} |"
                f" {share:.2f} ({low:.2f} to {high:.2f}) of {r['contradicted']} |"
            )
    return "\n".join(lines)


def exchanges_table(found):
    keys = ("plaquette", "nine", "nine elsewhere", "all but nine", "corners", "corners elsewhere")
    head = ["contributions of", "seed", "distance", "distinguished", *keys,
            "change of the plaquette", "of the nine", "correlation with the flux"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for name in ("lattice flux", "projectors", *KINDS.values()):
        for seed, result in sorted(found[name].items()):
            for distance, r in result["exchanged"].items():
                lines.append(
                    f"| {name} | {seed if len(found[name]) > 1 else ''} | {distance} |"
                    f" {r['apart']} of {r['pairs']} | "
                    + " | ".join(f"{r['changed'][k]:.3f}" for k in keys)
                    + f" | {r['local']:+.2f} | {r['local nine']:+.2f} | {r['correlation']:.2f} |"
                )
    return "\n".join(lines)


def flip_table(found):
    head = ["distance", "the formula", "pairs", "distinguished", "its candidate", "another",
            "all others", "log odds by its candidate", "by another"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---:|---|" + "---:|" * (len(head) - 2)]
    for key, r in found[CANDIDATES][0].items():
        distance, formula = key.split(", ")
        cells = [*r["changed"].values(), *r["carried"].values()]
        shown = ["" if x is None else f"{x:.3f}" for x in cells]
        lines.append(
            f"| {distance} | {formula} | {r['pairs']} | {r['apart']} | " + " | ".join(shown) + " |"
        )
    return "\n".join(lines)


def untrained_table(found):
    lines = ["| untrained | correlation of the plaquette's change with the flux |", "|---|---:|"]
    for name in KINDS.values():
        values = [r["correlation"] for r in found[f"untrained, {name}"].values()]
        lines.append(f"| {name}, {len(values)} seeds | {min(values):+.2f} to {max(values):+.2f} |")
    return "\n".join(lines)


def draw(found):
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
    colors = dict(zip(KINDS.values(), ("#0072B2", "#D55E00"), strict=True))
    colors |= {FLIP: "#009E73", "lattice flux": "k", "projectors": "0.5"}
    where = np.sign(M) * np.sqrt(np.abs(M))
    middle = 0.5 * (BINS[1:] + BINS[:-1]) / np.pi
    for name, color in colors.items():
        for seed, r in found[name].items():
            style = {"color": color, "lw": 1.2, "label": name if seed == 0 else None}
            axes[0].plot(where, r["share"], **style)
            if "response" in r:
                curve = [np.nan if v is None else v / np.pi for v in r["response"]]
                axes[1].plot(middle, curve, **style)
    ticks = [-0.4, -0.1, -0.01, 0.01, 0.1, 0.4]
    axes[0].set_xticks([np.sign(t) * np.sqrt(abs(t)) for t in ticks], [f"{t:g}" for t in ticks])
    axes[0].axvline(0.0, color="0.7", lw=0.8)
    axes[0].set(xlabel="distance m from the proven transition",
                ylabel="share with the integer of m > 0")  # fmt: skip
    axes[1].axhline(0.0, color="0.7", lw=0.8)
    axes[1].set(xlabel="unwrapped solid angle of its plaquette / pi",
                ylabel="its contribution times 4")  # fmt: skip
    axes[0].legend(fontsize=7, frameon=False)
    figure.savefig(FIGURE, dpi=150)
    plt.close(figure)


def write():
    found = results()
    command = "python -m benchmarks.experiments.plane_transitions run"
    put(planes.PAGE, "plane answers", filled(command, answers_table(found), harness.machine()))
    put(planes.PAGE, "plane exchanges", exchanges_table(found))
    put(planes.PAGE, "untrained exchanges", untrained_table(found))
    put(planes.PAGE, "flip exchanges", flip_table(found))
    draw(found)


if __name__ == "__main__":
    harness.run_command(__doc__, run=run, candidates=exchanges_of_candidates, write=write)
