"""What networks of planes compute on a plaquette: response curves, decisive planes, controls.

    python -m benchmarks.experiments.learned_planes          # what is not there, then the page
    python -m benchmarks.experiments.learned_planes write    # only the page and its figure

Results are kept in benchmarks/results/learned_planes.jsonl; docs/results/what-networks-learn.md is
the page.
"""

from __future__ import annotations

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch

from benchmarks import harness
from benchmarks.experiments.curriculum import WORK
from benchmarks.experiments.learned import score
from benchmarks.pages import ROOT, filled, put
from topophys.datasets import Recipe, generate, open_dataset
from topophys.learn import TopologicalMLEncoder2D, compute_topological_loss
from topophys.learn.trainer import TrainingLoop, shuffled_batches
from topophys.report import recipe_path

mpl.use("Agg")
PAGE = ROOT / "docs" / "results" / "what-networks-learn.md"
FIGURE = ROOT / "docs" / "figures" / "response_planes.png"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "learned_planes.jsonl")
SEEDS = (0, 1)
#: Networks: widths, and whether they read the products of d alone; chains of the training by
#: the largest flux of a plaquette, as a share of pi.
WIDTHS = ((12, 16, 24), (24, 32, 48))
FILTERS = {"all": 1.0, "no flux beyond 0.6 pi": 0.6}
TRAINING = {"version": 1, "steps": 400, "batch": 128, "rate": 1e-2, "planes": 20_000}
#: Solid angles of the response curves, and rotations over which they are averaged.
ANGLES = np.linspace(0.0, 3.9 * np.pi, 40)
ROTATIONS = 200
SPLITS = ("test", "decaying", "uniform", "heavy_tails", "sparse", "anisotropic", "coarse_8")


# --------------------------------------------------------------------------------- Candidates


def spheres(d):
    return d / np.linalg.norm(d, axis=-1, keepdims=True)


def triple(a, b, c):
    return np.einsum("...i,...i->...", a, np.cross(b, c))


def dot(a, b):
    return (a * b).sum(-1)


def triangle(a, b, c):
    """Oriented solid angle of a spherical triangle, in (-2 pi, 2 pi)."""
    return 2.0 * np.arctan2(triple(a, b, c), 1.0 + dot(a, b) + dot(b, c) + dot(c, a))


def loop_trace(a, b, c, d):
    """tr P_a P_b P_c P_d of projectors (1 + n sigma) / 2, times 8."""
    real = (
        1.0 + dot(a, b) + dot(b, c) + dot(c, d) + dot(d, a) + dot(a, c) + dot(b, d)
        + dot(a, b) * dot(c, d) + dot(a, d) * dot(b, c) - dot(a, c) * dot(b, d)
    )  # fmt: skip
    return real + 1j * (triple(a, b, c) + triple(a, b, d) + triple(a, c, d) + triple(b, c, d))


def corners(n):
    """Corners of each plaquette, counter-clockwise, of unit vectors (..., Nx, Ny, 3)."""
    one = np.roll(n, -1, -3)
    return n, one, np.roll(one, -1, -2), np.roll(n, -1, -2)


def candidates(a, b, c, d):
    """Solid angle of a plaquette: lattice flux, two pairs of triangles, products of projectors.

    Of small plaquettes all are the solid angle: the imaginary part is the argument times 8.
    """
    trace = loop_trace(a, b, c, d)
    return {
        "lattice flux": 2.0 * np.angle(trace),
        "triangles": triangle(a, b, c) + triangle(a, c, d),
        "other triangles": triangle(a, b, d) + triangle(b, c, d),
        "projectors": 0.25 * trace.imag,
    }


def caps(angles):
    """Corners of square caps of given solid angles about the z axis, (4, angles, 3).

    The square with polar angle t has the solid angle 8 arctan(tan(t/2)^2) up to 2 pi, and beyond.
    """
    polar = 2.0 * np.arctan(np.sqrt(np.tan(np.asarray(angles) / 8.0)))
    azimuth = 0.5 * np.pi * np.arange(4)[:, None]
    return np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth),
                     np.broadcast_to(np.cos(polar), (4, len(polar)))], -1)  # fmt: skip


# --------------------------------------------------------------------------------- Networks


def data_file():
    recipe = Recipe.from_toml(recipe_path("chern-2d-hard", "recipe.toml"))
    path = WORK / f"chern-2d-hard-{recipe.digest[:12]}.h5"
    if not path.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        generate(recipe, path, workers=1, progress=False)
    return path


def largest_flux(x):
    """Largest lattice flux of a plaquette of each plane, as a share of pi."""
    parts = np.array_split(spheres(x.astype(float)), max(1, len(x) // 2000))
    return np.concatenate([
        np.abs(np.angle(loop_trace(*corners(part)))).max((1, 2)) / np.pi for part in parts
    ])  # fmt: skip


def train(widths, products, seed, most, x, label, kept):
    torch.manual_seed(seed)
    encoder = TopologicalMLEncoder2D(3, (12, 12), widths, rotation_invariant=products)
    some = torch.from_numpy(np.flatnonzero(kept <= most))
    x, label = x[some], label[some]
    order = torch.Generator().manual_seed(seed)

    def rows():
        while True:
            yield from shuffled_batches(len(x), TRAINING["batch"], order)

    def losses(pick):
        terms = compute_topological_loss(encoder(x[pick]), label[pick], 0.1)
        yield terms["total_loss"], terms

    stream = rows()
    loop = TrainingLoop(
        encoder.parameters(),
        lambda _epoch, _skip: (next(stream) for _ in range(TRAINING["steps"])),
        losses,
        steps=TRAINING["steps"],
        learning_rate=TRAINING["rate"],
        weight_decay=1e-5,
    )
    loop.run_epoch()
    return encoder.double().eval()


@torch.no_grad()
def density(encoder, square):
    """Contribution of plaquettes (..., 4, 3) to the output, times 4 pi."""
    a, b, c, d = torch.from_numpy(square.reshape(-1, 4, 3)).unbind(1)
    # the plaquette at the origin of 3 x 3 points reads its own corners alone
    grid = a[:, None, None].repeat(1, 3, 3, 1)
    grid[:, 1, 0], grid[:, 1, 1], grid[:, 0, 1] = b, c, d
    h3 = encoder(grid)["local_features"]["h3_features"][:, 0, 0]
    value = encoder.head.readout(encoder.project(h3))[:, 0]
    return 4.0 * np.pi * value.reshape(square.shape[:-2]).numpy()


def rotations(rng, count):
    """Rotations from the Haar measure."""
    q, r = np.linalg.qr(rng.standard_normal((count, 3, 3)))
    q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[:, None]
    q[..., 0] *= np.linalg.det(q)[:, None]
    return q


def response(encoder, rng):
    """Mean contribution of square caps over rotations; curls have the mean zero."""
    square = np.moveaxis(caps(ANGLES), 0, 1)
    turned = np.einsum("rij,acj->raci", rotations(rng, ROTATIONS), square)
    there, back = (density(encoder, s) for s in (turned, turned[:, :, ::-1].copy()))
    return (0.5 * (there - back)).mean(0).tolist()


@torch.no_grad()
def right_of(encoder, x, label):
    encoder.float()
    found = torch.cat([encoder(part)["invariant"] for part in x.split(200)])
    encoder.double()
    return (found.round().long() == label).numpy()


def measure(encoder, sign, tests, probed):
    """Slope, response curve, right answers where two formulas contradict, and linear decoding."""
    curve = [sign * value for value in response(encoder, np.random.default_rng(5))]
    counts, good = np.zeros((2, 2), int), []
    for x, label, flux, other in tests.values():
        right = right_of(encoder, x, label)
        good.append(right.mean())
        for i, some in enumerate((flux & ~other, other & ~flux)):
            counts[i] += [int(some.sum()), int((some & right).sum())]
    planes, target = probed
    with torch.no_grad():
        h3 = encoder(planes)["local_features"]["h3_features"].flatten(1, 2).numpy()
    return {
        "slope": curve[1] / ANGLES[1],
        "curve": curve,
        "accuracy": float(np.mean(good)),
        "flux_right": counts[0].tolist(),
        "projectors_right": counts[1].tolist(),
        "r2": score(h3, target),
    }


def tests_and_sign():
    """Splits with which formulas are right, and the sign of the label of a solid angle."""
    found, signs = {}, []
    with open_dataset(data_file()) as dataset:
        for split in SPLITS:
            x, label = dataset.split(split).read("x", "label")
            values = candidates(*corners(spheres(x.astype(float))))
            total = {k: v.sum((1, 2)) / (4.0 * np.pi) for k, v in values.items()}
            signs.append(float((total["lattice flux"] * label).sum()))
            sign = np.sign(signs[0])
            flux = np.rint(sign * total["lattice flux"]) == label
            smooth = np.rint(sign * total["projectors"]) == label
            found[split] = torch.from_numpy(x), torch.from_numpy(label), flux, smooth
    return found, float(np.sign(signs[0]))


def probe_planes():
    """Planes and the lattice flux of their plaquettes."""
    with open_dataset(data_file()) as dataset:
        x, _ = dataset.split("val").read("x", "label")
    x = x[:200].astype(float)
    flux = candidates(*corners(spheres(x)))["lattice flux"].reshape(len(x), -1)
    return torch.from_numpy(x), flux


def run():
    torch.set_num_threads(1)
    with open_dataset(data_file()) as dataset:
        x, label = dataset.split("train").read("x", "label", index=slice(0, TRAINING["planes"]))
    kept = largest_flux(x)
    x, label = torch.from_numpy(x), torch.from_numpy(np.asarray(label, np.int64))
    tests, sign = tests_and_sign()
    probed = probe_planes()
    for name, most in FILTERS.items():
        for widths in WIDTHS if most == 1.0 else WIDTHS[:1]:
            for products in (False, True):
                for seed in SEEDS:
                    given = {"what": "network", "widths": list(widths), "products": products,
                             "seed": seed, "filter": name, **TRAINING}  # fmt: skip
                    if STUDY.get(given) is None:
                        encoder = train(widths, products, seed, most, x, label, kept)
                        result = measure(encoder, sign, tests, probed)
                        STUDY.put(given, result | {"share": float((kept <= most).mean())})
                        print(given, result["accuracy"], result["slope"], flush=True)
    given = {"what": "controls", "version": TRAINING["version"]}
    if STUDY.get(given) is None:
        STUDY.put(given, controls(probed))


def controls(probed):
    """Linear decoding of the flux from products of projectors, and from untrained networks."""
    planes, target = probed
    smooth = candidates(*corners(spheres(planes.numpy())))["projectors"].reshape(len(target), -1)
    rows = [{"what": "Im tr PPPP", "r2": score(smooth[..., None], target)}]
    for products in (False, True):
        for widths in WIDTHS:
            scores = []
            for seed in range(3):
                torch.manual_seed(seed)
                encoder = TopologicalMLEncoder2D(
                    3, (12, 12), widths, rotation_invariant=products
                ).double()
                with torch.no_grad():
                    h3 = encoder(planes)["local_features"]["h3_features"].flatten(1, 2)
                scores.append(score(h3.numpy(), target))
            kind = "products of d" if products else "learned h1"
            rows.append({"what": f"untrained, {kind}, {widths}", "r2": float(np.mean(scores))})
    return {"rows": rows}


# --------------------------------------------------------------------------------- The page


def networks():
    return [(g, r) for g, r in STUDY.entries() if g["what"] == "network"]


def table():
    head = ["planes of the training", "widths", "reads", "slope at 0", "response at 3 pi",
            "right where only the flux is", "right where only projectors are", "R2 of the flux",
            "accuracy", "seeds"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|" + "---:|" * (len(head) - 3)]
    groups = {}
    for given, result in networks():
        key = (given["filter"], tuple(given["widths"]), given["products"])
        groups.setdefault(key, []).append(result)
    at = int(np.argmin(np.abs(ANGLES - 3.0 * np.pi)))
    for (name, widths, products), rows in groups.items():
        slope, late, r2 = (
            [f(r) for r in rows]
            for f in (lambda r: r["slope"], lambda r: r["curve"][at], lambda r: r["r2"])
        )
        shares = []
        for key in ("flux_right", "projectors_right"):
            total, right = np.sum([r[key] for r in rows], axis=0)
            shares.append(f"{right / max(total, 1):.2f} of {total // len(rows)}")
        lines.append(
            f"| {name} | {widths} | {'products of d' if products else 'd, learned h1'} |"
            f" {min(slope):.2f} to {max(slope):.2f} | {min(late):+.2f} to {max(late):+.2f} |"
            f" {shares[0]} | {shares[1]} | {min(r2):.2f} to {max(r2):.2f} |"
            f" {np.mean([r['accuracy'] for r in rows]):.3f} | {len(rows)} |"
        )
    return "\n".join(lines)


def draw():
    figure, axis = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
    for given, result in networks():
        if given["filter"] == "all":
            color = "#D55E00" if given["products"] else "#0072B2"
            axis.plot(ANGLES / np.pi, result["curve"], color=color, lw=0.8, alpha=0.7)
    exact = candidates(*caps(ANGLES))
    for name, style in (("lattice flux", "-"), ("projectors", ":")):
        axis.plot(ANGLES / np.pi, exact[name], "k" + style, lw=1.4, label=name)
    axis.plot([], [], color="#0072B2", label="networks, learned h1")
    axis.plot([], [], color="#D55E00", label="networks, products of d")
    axis.set(xlabel="solid angle of the plaquette / pi", ylabel="mean contribution times 4 pi",
             ylim=(-7.0, 7.0))  # fmt: skip
    axis.legend(fontsize=7, frameon=False)
    figure.savefig(FIGURE, dpi=150)
    plt.close(figure)


def write():
    put(PAGE, "planes", filled("python -m benchmarks.experiments.learned_planes", table(),
                               harness.machine()))  # fmt: skip
    rows = STUDY.get({"what": "controls", "version": TRAINING["version"]})["rows"]
    lines = ["| features of a plaquette | R2 of the flux, linear |", "|---|---:|"]
    lines += [f"| {row['what']} | {row['r2']:.3f} |" for row in rows]
    put(PAGE, "plane controls", "\n".join(lines))
    draw()


if __name__ == "__main__":
    if "write" not in sys.argv[1:]:
        run()
    write()
