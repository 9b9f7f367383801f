r"""The most probable Hamiltonian behind flattened samples, and what no method can know.

    python -m benchmarks.experiments.most_probable chains   # the table of ensembles
    python -m benchmarks.experiments.most_probable bayes    # votes of the exact posterior
    python -m benchmarks.experiments.most_probable planes   # two bands
    python -m benchmarks.experiments.most_probable write    # docs/results/hybrid.md

Samples U_j of flattened blocks allow every D(k_j) = P_j U_j with positive P_j. Let the Fourier
coefficients of D on the grid be Gaussian with the variances 2 / w_R. Then the density of P given U
is, with the Jacobian of the polar decomposition,

    exp(-1/2 sum_R w_R |D_R|^2) prod_j prod_ab (p_ja + p_jb),

which is log-concave in P. Its maximum with n log det P_j in place of the logarithm of the last
product, which has the same homogeneity, is found by Newton's method. Results are kept in
benchmarks/results/hybrid.jsonl.
"""

from __future__ import annotations

import math
from typing import NamedTuple

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
from topophys.hamiltonians.flatten import traceless_basis
from topophys.hamiltonians.two_band import pauli_components
from topophys.learn import load_pretrained

#: Variances of harmonics that are absent, relative to the others.
ABSENT = 1e-6
STEPS, ENOUGH = 60, 1e-4


class Behind(NamedTuple):
    """Most probable blocks or vectors on the grid, and the logarithm of their evidence.

    `values` of the shape of the samples; `evidence` (B,) up to a constant of the samples; the
    positive factors as coordinates (B, points * coordinates), and the Newton decrement (B,).
    """

    values: np.ndarray
    evidence: np.ndarray
    factors: np.ndarray
    decrement: np.ndarray


def hermitian_basis(n):
    """Orthonormal basis (n^2, n, n) of Hermitian matrices."""
    return np.concatenate([np.eye(n)[None] / math.sqrt(n), traceless_basis(n)])


def orders(points):
    """Harmonics of a grid, in the order of the discrete Fourier transform."""
    m = np.arange(points)
    return np.where(2 * m <= points, m, m - points)


def aliased(variance, points, reach=40):
    """Variances (points,) of the harmonics of a grid, from those of all harmonics |m|."""
    m = np.arange(-reach, reach + 1)
    found = np.zeros(points)
    np.add.at(found, m % points, variance(np.abs(m)))
    return np.maximum(found, ABSENT * found.max())


def of_chain(flat, variance):
    """Quadratic form (B, N S, N S) of minus the log prior in the coordinates of P_j, the basis."""
    batch, points, n, _ = flat.shape
    basis = hermitian_basis(n)
    moved = np.einsum("aij,bkjl->bkail", basis, flat).reshape(batch, points * n * n, -1)
    moved = np.concatenate([moved.real, moved.imag], -1)
    j = np.arange(points)
    kernel = np.fft.ifft(2.0 / variance).real[(j[:, None] - j) % points] / points
    form = moved @ np.swapaxes(moved, 1, 2)
    form.reshape(batch, points, n * n, points, n * n)[:] *= kernel[None, :, None, :, None]
    return form, basis


def most_probable(flat, variance):
    """Most probable chains behind flattened blocks (B, N, n, n).

    The evidence is that of Laplace's approximation: it compares variances on the same samples.
    """
    batch, points, n, _ = flat.shape
    form, basis = of_chain(flat, variance)
    size, degree = n * n, float(n)
    x = np.tile(np.einsum("aii->a", basis).real, (batch, points))
    x *= np.sqrt(degree * points * n / (x * applied(form, x)).sum(1))[:, None]
    own = np.arange(points)
    for _ in range(STEPS):
        p = matrices(x, basis, points)
        root = np.linalg.inv(np.linalg.cholesky(p))
        inverse = np.conj(np.swapaxes(root, -1, -2)) @ root
        turned = inverse[:, :, None] @ basis
        slope = applied(form, x)
        gradient = slope - degree * np.einsum("bjaii->bja", turned).real.reshape(batch, -1)
        curvature = form.copy()
        left = turned.reshape(batch, points, size, -1)
        right = np.swapaxes(turned, -1, -2).reshape(batch, points, size, -1)
        blocks = curvature.reshape(batch, points, size, points, size)
        blocks[:, own, :, own] += degree * np.moveaxis(
            (left @ np.swapaxes(right, -1, -2)).real, 1, 0
        )
        step = -np.linalg.solve(curvature, gradient[..., None])[..., 0]
        decrement = np.sqrt(np.maximum(-(gradient * step).sum(1), 0.0))
        if decrement.max() < ENOUGH:
            break
        along = root @ matrices(step, basis, points) @ np.conj(np.swapaxes(root, -1, -2))
        x = x + longest(form, slope, step, np.linalg.eigvalsh(along), degree)[:, None] * step
    p = matrices(x, basis, points)
    value = 0.5 * degree * points * n - degree * np.linalg.slogdet(p)[1].sum(1)
    evidence = -value - 0.5 * np.linalg.slogdet(curvature)[1] - size * np.log(variance).sum()
    return Behind(p @ flat, evidence, x, decrement)


def applied(form, x):
    return (form @ x[..., None])[..., 0]


def matrices(x, basis, points):
    """Positive factors (B, N, n, n) of coordinates (B, N S)."""
    return np.einsum("bja,aik->bjik", x.reshape(len(x), points, -1), basis)


def longest(form, slope, step, mu, degree):
    """Where a convex function is smallest along a step: of a quadratic form and logarithms.

    `mu` are the eigenvalues of the steps relative to the present factors.
    """
    mu = mu.reshape(len(mu), -1)
    second, first = (step * applied(form, step)).sum(1), (slope * step).sum(1)
    high = np.minimum(0.999 / np.maximum(-mu.min(1), 1e-9), 1e6)
    low = np.zeros(len(mu))
    for _ in range(40):
        t = 0.5 * (low + high)
        rising = second * t + first > degree * (mu / (1.0 + t[:, None] * mu)).sum(1)
        low, high = np.where(rising, low, t), np.where(rising, t, high)
    return low


def votes(flat, variance, full, winding, *, rng, draws=200, between=3):
    """Winding numbers (draws, B) of draws from the exact posterior, given the true variances.

    Hit-and-run along directions of Laplace's approximation, with a slice on each line; harmonics
    that the grid cannot tell apart are drawn from their prior given their sum. `winding` maps
    (B, M, n, n) coefficients of the orders -reach to reach to integers.
    """
    batch, points, n, _ = flat.shape
    form, basis = of_chain(flat, variance)
    found = most_probable(flat, variance)
    x = found.factors
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


#: Ranges r and powers p of the variances (1 + |m|)^(-2 p) up to r that a blind guess compares.
FAMILIES = (
    (1, 0.0), (2, 0.0), (2, 1.0), (3, 0.0), (3, 1.0), (4, 0.0), (4, 1.0), (4, 2.0),
    (6, 0.0), (6, 1.0), (6, 2.0),
)  # fmt: skip


def family(reach, power):
    return lambda m: (m <= reach) * (1.0 + m) ** (-2.0 * power)


def blind(flat, integer):
    """Answers from the most probable chains, of variances that the samples choose themselves.

    The evidence of each family counts for the integer of its most probable chain. Integers (B,),
    their probabilities (B,), and the most probable chains of the family with the largest evidence.
    """
    every = [most_probable(flat, aliased(family(*f), flat.shape[1])) for f in FAMILIES]
    value, share, best = weighed([e.evidence for e in every], [integer(e.values) for e in every])
    return value, share, np.stack([e.values for e in every])[best, np.arange(len(flat))]


def weighed(evidence, value):
    """Most probable integer, its probability, and the family with the largest evidence."""
    evidence, value = np.array(evidence), np.array(value)
    weight = np.exp(evidence - evidence.max(0))
    weight /= weight.sum(0)
    share = np.array([(weight * (value == v)).sum(0) for v in value])
    best = share.argmax(0)
    row = np.arange(value.shape[1])
    return value[best, row], share[best, row], evidence.argmax(0)


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
                samples, aliased(variance, points), variance(np.abs(np.arange(-reach, reach + 1))),
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

#: Ranges and powers of planes; distances are |R_1| + |R_2|, ranges those of the larger one.
PLANE_FAMILIES = ((1, 0.0), (1, 2.0), (2, 1.0), (2, 2.0), (3, 2.0))


def most_probable_plane(unit, variance):
    """Most probable d (B, N, N, 3) behind unit vectors, and the evidence (B,) of the variances.

    One positive length at each k, and the Jacobian is its square.
    """
    batch, side = unit.shape[:2]
    count, degree = side * side, 2.0
    i, j = np.divmod(np.arange(count), side)
    kernel = np.fft.ifft2(2.0 / variance).real / count
    flat = unit.reshape(batch, count, 3)
    form = (flat @ np.swapaxes(flat, 1, 2)) * kernel[
        (i[:, None] - i) % side, (j[:, None] - j) % side
    ]
    x = np.ones((batch, count))
    x *= np.sqrt(degree * count / (x * applied(form, x)).sum(1))[:, None]
    own = np.arange(count)
    for _ in range(STEPS):
        slope = applied(form, x)
        gradient = slope - degree / x
        curvature = form.copy()
        curvature[:, own, own] += degree / (x * x)
        step = -np.linalg.solve(curvature, gradient[..., None])[..., 0]
        if np.sqrt(np.maximum(-(gradient * step).sum(1), 0.0)).max() < ENOUGH:
            break
        x = x + longest(form, slope, step, step / x, degree)[:, None] * step
    value = 0.5 * degree * count - degree * np.log(x).sum(1)
    evidence = -value - 0.5 * np.linalg.slogdet(curvature)[1] - 1.5 * np.log(variance).sum()
    return x.reshape(batch, side, side, 1) * unit, evidence


def plane_variance(side, reach, power):
    m = np.arange(-reach, reach + 1)
    value = (1.0 + np.abs(m)[:, None] + np.abs(m)) ** (-2.0 * power)
    found = np.zeros((side, side))
    np.add.at(found, (m[:, None] % side, m % side), value)
    return np.maximum(found, ABSENT * found.max())


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
            of = [most_probable_plane(part, plane_variance(side, *f)) for f in PLANE_FAMILIES]
            value, _, best = weighed([e for _, e in of], [flux_of(d) for d, _ in of])
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
