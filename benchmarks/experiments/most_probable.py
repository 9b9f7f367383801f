r"""The most probable Hamiltonian behind flattened samples, and what no method can know.

    python -m benchmarks.experiments.most_probable chains   # the table of ensembles
    python -m benchmarks.experiments.most_probable bayes    # votes of the exact posterior
    python -m benchmarks.experiments.most_probable planes   # two bands
    python -m benchmarks.experiments.most_probable write    # docs/results/hybrid.md

The method is `topophys.hamiltonians.most_probable`; here it is compared with other formulas and
with draws from the exact posterior, whose Jacobian is that of the polar decomposition,

    exp(-sum_R |D_R|^2 / v_R) prod_j prod_ab (p_ja + p_jb).

Results are kept in
benchmarks/results/hybrid.jsonl.
"""

from __future__ import annotations

import numpy as np
import torch

import topophys as tp
from benchmarks import harness
from benchmarks.experiments import learned_planes
from benchmarks.experiments.fair import interval, packed, unpacked
from benchmarks.experiments.hybrid import (
    PAGE,
    STUDY,
    chain_case,
    chern_of_links,
    finer,
    flat_bands,
    winding_of_dets,
    winding_of_eigenphases,
)
from benchmarks.experiments.many_bands import planes_of
from benchmarks.pages import filled, put
from topophys.ensembles import HARD_CHAINS
from topophys.hamiltonians.most_probable import (
    CHAIN_FAMILIES,
    PLANE_FAMILIES,
    harmonic_variances,
    most_probable_blocks,
    most_probable_vectors,
    quadratic_form,
    weighed,
)
from topophys.hamiltonians.two_band import pauli_components
from topophys.learn import load_pretrained


def votes(flat, variance, full, winding, *, rng, draws=200, between=3):
    """Winding numbers (draws, B) of draws from the exact posterior, given the true variances.

    Hit-and-run along directions of Laplace's approximation, with a slice on each line; harmonics
    that the grid cannot tell apart are drawn from their prior given their sum. `winding` maps
    (B, M, n, n) coefficients of the orders -reach to reach to integers.
    """
    batch, points, n, _ = flat.shape
    form, basis = quadratic_form(flat, variance)
    x = most_probable_blocks(flat, variance).factors
    p = matrices(x, basis, points)
    inverse = np.linalg.inv(p)
    turned = inverse[:, :, None] @ basis
    own = np.arange(points)
    curvature = form.copy()
    blocks = curvature.reshape(batch, points, n * n, points, n * n)
    blocks[:, own, :, own] += n * np.moveaxis(
        np.einsum("bjail,bjeli->bjae", turned, turned).real, 1, 0
    )
    root = np.linalg.inv(np.linalg.cholesky(curvature))
    said = []
    for step in range(draws * between):
        direction = np.einsum("bij,bi->bj", root, rng.standard_normal(x.shape))
        x = x + along_line(form, basis, x, direction, points, rng)[:, None] * direction
        if step % between == between - 1:
            blocks_now = matrices(x, basis, points) @ flat
            said.append(winding(unaliased(blocks_now, full, rng)))
    return np.array(said)


def applied(form, x):
    return (form @ x[..., None])[..., 0]


def matrices(x, basis, points):
    """Positive factors (B, N, n, n) of coordinates (B, N S)."""
    return np.einsum("bja,aik->bjik", x.reshape(len(x), points, -1), basis)


def along_line(form, basis, x, direction, points, rng):
    """Exact draws on lines through x by slice sampling between the ends of the cone."""
    p, q = (matrices(v, basis, points) for v in (x, direction))
    root = np.linalg.inv(np.linalg.cholesky(p))
    mu = np.linalg.eigvalsh(root @ q @ np.conj(np.swapaxes(root, -1, -2))).reshape(len(x), -1)
    high = np.minimum(1.0 / np.maximum(-mu.min(1), 1e-9), 30.0)
    low = -np.minimum(1.0 / np.maximum(mu.max(1), 1e-9), 30.0)
    second = (direction * applied(form, direction)).sum(1)
    first = (direction * applied(form, x)).sum(1)

    def log_density(t):
        now = np.linalg.eigvalsh(p + t[:, None, None, None] * q)
        with np.errstate(invalid="ignore", divide="ignore"):
            pairs = np.log(now[..., :, None] + now[..., None, :]).sum((1, 2, 3))
        return -0.5 * second * t * t - first * t + np.where(np.isnan(pairs), -np.inf, pairs)

    level = log_density(np.zeros(len(x))) - rng.exponential(size=len(x))
    t, done = np.zeros(len(x)), np.zeros(len(x), bool)
    for _ in range(60):
        trial = rng.uniform(low, high)
        good = log_density(trial) > level
        t = np.where(good & ~done, trial, t)
        done |= good
        if done.all():
            break
        low = np.where(~done & (trial < 0.0), trial, low)
        high = np.where(~done & (trial >= 0.0), trial, high)
    return t


def unaliased(blocks, full, rng):
    """Coefficients (B, 2 r + 1, n, n) of the orders -r to r, given what a grid shows of them."""
    points, reach = blocks.shape[1], len(full) // 2
    m = np.arange(-reach, reach + 1)
    # the grid starts at -pi
    seen = np.fft.fft(blocks, axis=1, norm="forward") * ((-1.0) ** orders(points))[:, None, None]
    shape = (len(blocks), len(m), *blocks.shape[2:])
    drawn = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * np.sqrt(full / 2)[
        :, None, None
    ]
    for r in range(points):
        of = np.flatnonzero(m % points == r)
        if len(of):
            # a shift of the order by the points changes the sign of odd multiples
            sign = (-1.0) ** (m[of] - orders(points)[r])[:, None, None]
            missing = seen[:, r] - (sign * drawn[:, of]).sum(1)
            share = (full[of] / full[of].sum())[:, None, None]
            drawn[:, of] += sign * share * missing[:, None]
    return drawn


def orders(points):
    """Harmonics of a grid, in the order of the discrete Fourier transform."""
    m = np.arange(points)
    return np.where(2 * m <= points, m, m - points)


def blind(flat, integer):
    """Answers from the most probable chains, of variances that the samples choose themselves.

    The evidence of each family counts for the integer of its most probable chain. Integers (B,),
    their shares (B,), and the most probable chains of the family with the largest evidence.
    """
    points = [flat.shape[1]]
    every = [most_probable_blocks(flat, harmonic_variances(points, *f)) for f in CHAIN_FAMILIES]
    evidence = [e.log_evidence for e in every]
    value, share, best = weighed(evidence, [integer(e.values) for e in every])
    return value, share, np.stack([e.values for e in every])[best, np.arange(len(flat))]


# --------------------------------------------------------------------------------- Measuring

#: Orbitals, points and chains of each ensemble; draws of the other tables are not used again.
CASES = (
    (2, 12, 1000), (2, 8, 1000), (1, 8, 500), (1, 12, 500), (2, 16, 300), (3, 8, 150),
)  # fmt: skip
SETTINGS = {"what": "most probable", "version": 1, "seed": 20261130}
FORMULAS = ("determinants", "eigenphases", "FFT, determinants", "FFT, eigenphases")


def integer_of(values):
    """Winding numbers of chains whose harmonics the points resolve."""
    return winding_of_dets(finer(values, 8, [1]))


def chains():
    torch.set_num_threads(1)
    network = load_pretrained("winding-1d")
    for size, points, count in CASES:
        for ensemble in HARD_CHAINS:
            given = {**SETTINGS, "ensemble": ensemble, "size": size, "points": points, "n": count}
            if STUDY.get(given) is None:
                STUDY.put(given, of_case(network, ensemble, size, points, count))


def of_case(network, ensemble, size, points, count):
    samples, label, _ = chain_case(ensemble, size, points, 0.0, count, SETTINGS["seed"])
    up = finer(samples, 4, [1])
    parts = [blind(part, integer_of) for part in np.array_split(samples, max(1, count // 100))]
    value, share, chain = (np.concatenate(column) for column in zip(*parts, strict=True))
    whole = network.predict(samples)
    found = {
        "determinants": winding_of_dets(samples),
        "eigenphases": winding_of_eigenphases(samples),
        "FFT, determinants": winding_of_dets(up),
        "FFT, eigenphases": winding_of_eigenphases(up),
        "network": network.predict(samples, reconstruct=False).value,
        "hybrid": whole.value,
        "most probable": value,
        "network on it": network.predict(chain, reconstruct=False).value,
        "with reconstruction": np.where(whole.reconstructed, whole.value, value),
    }
    print(ensemble, size, points, {k: round(float((v == label).mean()), 4)
                                   for k, v in found.items()}, flush=True)  # fmt: skip
    return {
        "n": len(label),
        "right": {k: packed(v == label) for k, v in found.items()},
        "probability": float(share.mean()),
    }


#: Ensembles with Gaussian hoppings, whose posterior is known, and their ranges.
PRIORS = {
    "gaussian": (2, lambda m: 1.0 * (m <= 2)),
    "long_range": (6, lambda m: (m <= 6) / (1.0 + m) ** 2),
    "exponential": (5, lambda m: (m <= 5) * np.exp(-2.0 * m / 1.5)),
}
BAYES = {**SETTINGS, "what": "bayes", "count": 400, "draws": 200, "between": 3}


def bayes():
    torch.set_num_threads(1)
    network = load_pretrained("winding-1d")
    for ensemble, (reach, variance) in PRIORS.items():
        for points in (12, 8):
            given = {**BAYES, "ensemble": ensemble, "points": points}
            if STUDY.get(given) is not None or (ensemble, points) == ("gaussian", 12):
                continue  # two cells and 12 points determine the chain: nothing to vote on
            samples, label, _ = chain_case(ensemble, 2, points, 0.0, BAYES["count"], 20261201)
            said = votes(
                samples, harmonic_variances([points], variance=variance),
                variance(np.abs(np.arange(-reach, reach + 1))),
                winding_of_coefficients, rng=np.random.default_rng(7), draws=BAYES["draws"],
                between=BAYES["between"],
            )  # fmt: skip
            up = finer(samples, 4, [1])
            first, second = (most_frequent(said[i::2])[0] for i in (0, 1))
            value, share = most_frequent(said)
            found = {
                "FFT, determinants": winding_of_dets(up),
                "FFT, eigenphases": winding_of_eigenphases(up),
                "eigenphases": winding_of_eigenphases(samples),
                "network": network.predict(samples, reconstruct=False).value,
                "most probable": blind(samples, integer_of)[0],
                "vote": value,
            }
            STUDY.put(given, {
                "n": len(label),
                "right": {k: packed(v == label) for k, v in found.items()},
                "probability": float(share.mean()),
                "halves": float((first == second).mean()),
            })  # fmt: skip
            print(given, {k: round(float((v == label).mean()), 4) for k, v in found.items()},
                  share.mean(), (first == second).mean(), flush=True)  # fmt: skip


def winding_of_coefficients(block):
    chain = tp.ChiralHamiltonian.from_array(-(block.shape[1] // 2), block)
    return winding_of_dets(chain.block_on_grid(96))


def most_frequent(said):
    """Most frequent integer (B,) of draws (S, B), and its share."""
    values = np.arange(said.min(), said.max() + 1)
    share = np.array([(said == v).mean(0) for v in values])
    return values[share.argmax(0)], share.max(0)


# --------------------------------------------------------------------------------- Two bands


def flux_of(d):
    unit = learned_planes.spheres(finer(d, 4, [1, 2]))
    flux = learned_planes.candidates(*learned_planes.corners(unit))["lattice flux"]
    return np.rint(flux.sum((1, 2)) / (4.0 * np.pi)).astype(int)


PLANES = {**SETTINGS, "what": "most probable planes", "count": 3000}


def planes():
    torch.set_num_threads(1)
    network = load_pretrained("chern-2d")
    # the planes of the table with more of them
    hamiltonians, label = planes_of(2, PLANES["count"], 902)
    for side in (12, 8, 6):
        given = {**PLANES, "side": side}
        if STUDY.get(given) is not None:
            continue
        samples = flat_bands(hamiltonians.on_grid(side), 1)
        unit = pauli_components(samples).real
        parts = []
        for part in np.array_split(unit, 30):
            of = [most_probable_vectors(part, harmonic_variances([side, side], *f))
                  for f in PLANE_FAMILIES]  # fmt: skip
            value, _, best = weighed([e.log_evidence for e in of], [flux_of(e.values) for e in of])
            parts.append((value, best))
        value, best = (np.concatenate(column) for column in zip(*parts, strict=True))
        found = {
            "link fluxes": chern_of_links(samples, 1),
            "FFT, link fluxes": chern_of_links(finer(samples, 2, [1, 2]), 1),
            "network": network.predict(samples, n_occupied=1, reconstruct=False).value,
            "most probable": value,
        }
        STUDY.put(given, {
            "n": len(label),
            "right": {k: packed(v == label) for k, v in found.items()},
            "families": np.bincount(best, minlength=len(PLANE_FAMILIES)).tolist(),
        })  # fmt: skip
        print(side, {k: round(float((v == label).mean()), 4) for k, v in found.items()},
              np.bincount(best), flush=True)  # fmt: skip


# --------------------------------------------------------------------------------- The page


def collected():
    """Right answers by case, ensemble and method, of cases with all ensembles."""
    found = {}
    for size, points, count in CASES:
        rows = {}
        for ensemble in HARD_CHAINS:
            given = {**SETTINGS, "ensemble": ensemble, "size": size, "points": points, "n": count}
            if (result := STUDY.get(given)) is not None:
                rows[ensemble] = bits(result)
        if len(rows) == len(HARD_CHAINS):
            found[size, points] = rows
    return found


def bits(result):
    return {k: unpacked(text, result["n"]) for k, text in result["right"].items()}


def best_of(right):
    """Formula that is right most often on these very chains, and its answers."""
    name = max(FORMULAS, key=lambda k: right[k].mean())
    return name, right[name]


def less(one, other, rng):
    mean, low, high = interval(one[None].astype(float) - other, rng)
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def ensembles_table():
    rng = np.random.default_rng(8)
    head = ["points", "ensemble", "best formula", "right", "network minus it",
            "most probable", "minus it", "with reconstruction, minus it"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---:|---|---|" + "---:|" * (len(head) - 3)]
    for (size, points), rows in collected().items():
        for ensemble, right in rows.items() if size == 2 and points < 16 else ():
            name, best = best_of(right)
            lines.append(
                f"| {points} | {ensemble} | {name} | {best.mean():.3f} |"
                f" {less(right['network'], best, rng)} | {right['most probable'].mean():.3f} |"
                f" {less(right['most probable'], best, rng)} |"
                f" {less(right['with reconstruction'], best, rng)} |"
            )
    return "\n".join(lines)


def means_table():
    rng = np.random.default_rng(9)
    names = ("network", "hybrid", "most probable", "network on it", "with reconstruction")
    head = ["orbitals", "points", "n", "best formula of each", *names, "network below",
            "with reconstruction below", "its worst ensemble"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for (size, points), rows in sorted(collected().items()):
        best = {e: best_of(right)[1] for e, right in rows.items()}
        means = [f"{np.mean([r[k].mean() for r in rows.values()]):.4f}" for k in names]
        below = []
        for name in ("network", "with reconstruction"):
            apart = {e: right[name].astype(float) - best[e] for e, right in rows.items()}
            sure = sum(interval(d[None], rng)[2] < 0.0 for d in apart.values())
            below.append(f"{sum(d.mean() < 0.0 for d in apart.values())}, surely {sure}")
        worst = min(apart, key=lambda e: apart[e].mean())
        lines.append(
            f"| {size} | {points} | {sum(map(len, best.values())):,} |"
            f" {np.mean([b.mean() for b in best.values()]):.4f} | " + " | ".join(means)
            + f" | {below[0]} | {below[1]} |"
            f" {worst} {less(rows[worst]['with reconstruction'], best[worst], rng)} |"
        )  # fmt: skip
    return "\n".join(lines)


def bayes_table():
    rng = np.random.default_rng(10)
    head = ["ensemble", "points", "n", "eigenphases", "FFT, eigenphases", "network",
            "most probable, blind", "vote", "vote minus best formula",
            "mean probability of the vote", "halves of the draws agree"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for ensemble in PRIORS:
        for points in (12, 8):
            result = STUDY.get({**BAYES, "ensemble": ensemble, "points": points})
            if result is None:
                continue
            right = bits(result)
            best = max((right[k] for k in FORMULAS[1:]), key=np.mean)
            cells = [f"{right[k].mean():.3f}" for k in (
                "eigenphases", "FFT, eigenphases", "network", "most probable", "vote")]  # fmt: skip
            lines.append(
                f"| {ensemble} | {points} | {result['n']} | " + " | ".join(cells)
                + f" | {less(right['vote'], best, rng)} | {result['probability']:.3f} |"
                f" {result['halves']:.3f} |"
            )  # fmt: skip
    return "\n".join(lines)


def planes_table():
    rng = np.random.default_rng(11)
    head = ["points", "n", "link fluxes", "FFT, link fluxes", "network", "most probable",
            "minus FFT, link fluxes", "minus network"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---:|" + "---:|" * (len(head) - 1)]
    for side in (12, 8, 6):
        result = STUDY.get({**PLANES, "side": side})
        right = bits(result)
        cells = [f"{x.mean():.4f}" for x in right.values()]
        lines.append(
            f"| {side} x {side} | {result['n']:,} | " + " | ".join(cells) + " | "
            + " | ".join(less(right["most probable"], right[k], rng)
                         for k in ("FFT, link fluxes", "network")) + " |"
        )  # fmt: skip
    return "\n".join(lines)


def write():
    machine = harness.machine()
    command = "python -m benchmarks.experiments.most_probable"
    put(PAGE, "most probable", filled(f"{command} chains", ensembles_table(), machine))
    put(PAGE, "most probable means", filled(f"{command} chains", means_table(), machine))
    put(PAGE, "bayes", filled(f"{command} bayes", bayes_table(), machine))
    put(PAGE, "most probable planes", filled(f"{command} planes", planes_table(), machine))


if __name__ == "__main__":
    harness.run_command(__doc__, chains=chains, bayes=bayes, planes=planes, write=write)
