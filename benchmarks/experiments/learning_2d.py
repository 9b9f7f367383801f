"""Two dimensions and coarse grids: what networks learn, beside the sampled formulas.

Tasks for `benchmarks.experiments.learning`: functions of (seed, quick) that return rows.
"""

from __future__ import annotations

import math
import time
from itertools import pairwise

import numpy as np
import torch

import topophys as tp
from benchmarks.experiments import learning_loops
from benchmarks.experiments.curriculum import (
    WORK,
    Phase,
    chains,
    drawn,
    formula,
    learn,
    named,
    row,
    two_band,
)
from topophys.datasets import Recipe, generate, open_dataset
from topophys.datasets.families import rotations
from topophys.ensembles import HARD_PLANES, hard_planes
from topophys.learn import FitConfig, TopologicalMLEncoder, TopologicalMLEncoder2D, fit
from topophys.learn.layers import upsample_periodic
from topophys.learn.run import predict_invariants
from topophys.report import recipe_path

SEEN = (-1, 0, 1)
#: Smallest proven gap, in units of the rms band energy, where there is one.
GAP = 0.1


def plane_pool(seed, quick):
    n = 40_000 if quick else 150_000
    return drawn("planes", *two_band(GAP), n, 10 + seed, classes=SEEN)


def plane_tests(quick):
    """Test pools by invariant; the same for all seeds. Invariants of 3 are rare."""
    sizes = {1: 2000, 2: 1000} if quick else {1: 10_000, 2: 5000, 3: 300}
    classes = {1: SEEN, 2: (-2, 2), 3: (-3, 3)}
    return {
        c: drawn(f"planes-{c}", *two_band(GAP, classes[c]), n, 7, classes=classes[c])
        for c, n in sizes.items()
    }


def plane_phases(quick):
    """Coarse grids first: a step on 8 x 8 points costs a quarter of one on 16 x 16.

    The mixed end is short, but needed: of two networks that were trained on 8 x 8 points alone, one
    was right on 24 x 24, and the other was not.
    """
    mixed = [Phase(10, (n, n)) for n in (8, 12, 16)]
    return [Phase(400, (8, 8)), *mixed] if quick else [Phase(600, (8, 8)), *mixed * 6]


def planes(seed, quick, **changes):
    """Two-band Hamiltonians: test, beyond, and grids that training did not see."""
    torch.manual_seed(seed)
    # the network of this table learns h1; `plane_ensembles` measures the default one
    encoder = TopologicalMLEncoder2D(k_grid=(8, 8), **{"rotation_invariant": False} | changes)
    seconds, samples = learn(encoder, plane_pool(seed, quick), plane_phases(quick), seed)
    bars = {1: 0.995, 2: 0.98, 3: 0.95}
    rows = []
    for c, pool in plane_tests(quick).items():
        text = "test" if c == 1 else f"beyond, size {c}"
        grids = [(n, n) for n in ((16,) if changes else (16, 10, 24))]
        rows += [
            row(
                f"2D {text}, {grid[0]} x {grid[0]}", named(encoder, pool, grid), pool.label,
                beside=formula(pool, grid), bar=bars[c] if grid == (16, 16) else None,
            )
            for grid in grids
        ]  # fmt: skip
    weights = sum(p.numel() for p in encoder.parameters())
    return [
        *rows,
        {"row": "2D training, seconds of one core", "value": seconds},
        {"row": "2D training, samples", "value": samples},
        {"row": "2D network, weights", "value": weights},
    ]


ABLATIONS = {
    "all": {},
    "one direction around a plaquette": {"oriented": False},
    "rectifiers for products": {"gated": False},
    "rectifiers, one direction": {"gated": False, "oriented": False},
    "raw d": {"flatten": False},
    "products of d alone": {"rotation_invariant": True},
}


def plane_ablations(seed, quick):
    """The same steps without one of the ingredients, all with few samples."""
    rows = []
    for text, changes in ABLATIONS.items():
        if quick and len(changes) == 2:
            continue
        found = planes(seed, True, **(changes or {"flatten": True}))
        rows += [
            {key: value for key, value in line.items() if key != "bar"}
            | {"row": f"{line['row']}: {text}"}
            for line in found
            if "16 x 16" in line["row"]
        ]
    return rows


#: Networks of `plane_ensembles`: changes of datasets/chern-2d/training.toml.
READINGS = {
    "products of d, 6 epochs": {},
    "learned h1, 12 epochs": {"epochs": 12, "encoder": {"rotation_invariant": False}},
}
#: Hamiltonians of each ensemble, points in each direction, seed of the test sets.
ENSEMBLES = {"count": 400, "points": 12, "seed": 20261130}


def d_of_bands(h_k):
    """d-vectors (..., 3) of traceless Bloch matrices (..., 2, 2)."""
    upper = h_k[..., 0, 1]
    return np.stack([upper.real, -upper.imag, h_k[..., 0, 0].real], axis=-1)


def ensemble_case(ensemble, quick):
    """Flattened d, a turned copy, and proven Chern numbers, without a filter on the gap."""
    rng = np.random.default_rng([ENSEMBLES["seed"], HARD_PLANES.index(ensemble)])
    drawn_planes = hard_planes(ensemble, 100 if quick else ENSEMBLES["count"], rng=rng)
    proof = tp.certify_chern(drawn_planes)
    d = d_of_bands(drawn_planes.on_grid(ENSEMBLES["points"]))[np.asarray(proof.certified)]
    d /= np.linalg.norm(d, axis=-1, keepdims=True)
    turned = np.einsum("sij,sxyj->sxyi", rotations(len(d), rng), d)
    return d, turned, np.ma.getdata(proof.value)[np.asarray(proof.certified)]


def plane_ensembles(seed, quick):
    """Networks of the shipped recipe on seven ensembles that training did not see."""
    recipe = Recipe.from_toml(recipe_path("chern-2d", "recipe.toml"))
    path = WORK / f"{recipe.name}-{recipe.digest[:12]}.h5"
    if not path.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        generate(recipe, path, progress=False)
    given = FitConfig.from_toml(recipe_path("chern-2d", "training.toml"))
    cases = {e: ensemble_case(e, quick) for e in HARD_PLANES}
    rows = []
    with open_dataset(path) as dataset:
        for text, changes in READINGS.items():
            table = given.model_dump(exclude_none=True)
            encoder = table["encoder"] | changes.get("encoder", {})
            table |= changes | {"encoder": encoder, "seed": seed}
            if quick:
                table["epochs"] = 1
            start = time.process_time()
            run = fit(FitConfig.from_mapping(table), dataset, progress=False)
            rows.append(
                {"row": f"seconds of one core: {text}", "value": time.process_time() - start}
            )
            moved = total = 0
            for ensemble, (d, turned, label) in cases.items():
                found, again = (
                    predict_invariants(run.encoder, x.astype(np.float32)) for x in (d, turned)
                )
                beside = np.ma.filled(tp.chern_number_from_d(d, on_unresolved="mask"), 10**6)
                rows.append(row(f"{ensemble}: {text}", np.rint(found), label, beside=beside))
                moved += int((np.rint(found) != np.rint(again)).sum())
                total += len(label)
            rows.append(
                {"row": f"integer changed by a rotation of d: {text}", "value": moved / total}
            )
    for ensemble, (d, _, label) in cases.items():
        finer = upsample_periodic(torch.from_numpy(d), 2, (1, 2)).numpy()
        found = np.ma.filled(tp.chern_number_from_d(finer, on_unresolved="mask"), 10**6)
        rows.append(row(f"{ensemble}: formula after interpolation of flattened d", found, label))
    return rows


#: Coarse grids of planes and chains, and how many points replace one.
COARSE_PLANES = {6: 4, 8: 3, 12: 2}
COARSE_CHAINS = {8: 8, 12: 6, 16: 4}


def plane_gaps(pool, n=48):
    """Smallest |d| on a fine grid, in units of its root mean square over the zone."""
    found = []
    for some in torch.arange(len(pool)).split(500):
        length = pool[some].on_grid((n, n)).norm(dim=-1).flatten(1)
        found.append(length.amin(dim=1) / length.square().mean(dim=1).sqrt())
    return torch.cat(found).numpy()


def chain_gaps(pool, n=256):
    """Smallest singular value of D on a fine grid, in units of the root mean square."""
    found = []
    for some in torch.arange(len(pool)).split(500):
        x = pool[some].on_grid((n,))
        size = math.isqrt(x.shape[-1] // 2)
        blocks = torch.view_as_complex(x.reshape(*x.shape[:2], size, size, 2))
        values = torch.linalg.svdvals(blocks)
        found.append(values[..., -1].amin(dim=1) / values.square().mean(dim=(1, 2)).sqrt())
    return torch.cat(found).numpy()


def _coarse(kind, points, encoder, test, finer, gaps):
    """Rows of one coarse grid: all together, by gap, and the formula after interpolation."""
    grid = (points,) * (2 if kind == "2D" else 1)
    found, beside = named(encoder, test, grid, upsample=finer), formula(test, grid)
    text, label = f"{kind} coarse, " + " x ".join(map(str, grid)), test.label.numpy()
    if finer == 1:
        return [row(f"{text}, points alone", found, label, beside=beside)]
    bar = float((beside == label).mean())
    rows = [row(f"{text}, interpolated", found, label, beside=beside, bar=bar)]
    for low, high in pairwise((0.0, 0.02, 0.05, 0.1, math.inf)):
        among = (gaps >= low) & (gaps < high)
        if among.any():
            limits = f"gap {low:g} to {high:g}" if high < math.inf else f"gap from {low:g}"
            rows.append(row(f"{text}, {limits}", found, label, beside=beside, among=among))
    after = formula(test, grid, finer=finer)
    return [*rows, row(f"{text}: formula after interpolation", after, label)]


def coarse_planes(seed, quick):
    """All classes, no threshold of the gap, on the points of coarse grids.

    With interpolation, training on 6, 8 or 12 points in each direction is the same training: the
    network sees the same 24 x 24 points. It is done once, on 8 x 8; without interpolation, once
    for each grid.
    """
    train = drawn("planes-all", *two_band(0.0), 30_000 if quick else 200_000, 20 + seed)
    test = drawn("planes-all", *two_band(0.0), 2000 if quick else 10_000, 8)
    largest = int(max(train.label.abs().max(), test.label.abs().max()))
    gaps, rows = plane_gaps(test), []

    def network(points, phases):
        torch.manual_seed(seed)
        encoder = TopologicalMLEncoder2D(
            k_grid=(points, points), num_classes=2 * largest + 1, rotation_invariant=False
        )
        return encoder, learn(encoder, train, phases, seed)

    first, last = (400, 40) if quick else (1000, 300)
    encoder, (seconds, samples) = network(8, [Phase(first, (8, 8)), Phase(last, (8, 8), 3)])
    for points, finer in COARSE_PLANES.items():
        rows += _coarse("2D", points, encoder, test, finer, gaps)
    rows += [
        {"row": "2D coarse, training, seconds of one core", "value": seconds},
        {"row": "2D coarse, training, samples", "value": samples},
    ]
    for points in COARSE_PLANES:
        plain, _ = network(points, [Phase(first // 2 if quick else 600, (points, points))])
        rows += _coarse("2D", points, plain, test, 1, gaps)
    return rows


def coarse_chains(seed, quick):
    """As `coarse_planes`, for chains of four bands; every network learns on its own points."""
    train = drawn("chains-all", *chains(0.0), 50_000 if quick else 200_000, 30 + seed)
    test = drawn("chains-all", *chains(0.0), 2000 if quick else 10_000, 9)
    largest = int(max(train.label.abs().max(), test.label.abs().max()))
    gaps, rows = chain_gaps(test), []
    for points, finer in COARSE_CHAINS.items():
        grid = (points,)
        steps = (400, 60) if quick else (900, 150)
        refined = [Phase(steps[0], grid, max(1, finer // 2)), Phase(steps[1], grid, finer)]
        for phases, factor in ((refined, finer), ([Phase(sum(steps), grid)], 1)):
            torch.manual_seed(seed)
            encoder = TopologicalMLEncoder(
                k_points=points, hidden_dims=(24, 16, 32), output_features=16,
                num_classes=2 * largest + 1,
            )  # fmt: skip
            learn(encoder, train, phases, seed)
            rows += _coarse("1D", points, encoder, test, factor, gaps)
    return rows


def _settings(version, **more):
    """What results depend on; change the version with the code."""
    return lambda quick: {
        "version": version,
        "gap": GAP,
        "phases": [[one.steps, one.grid, one.upsample] for one in plane_phases(quick)],
        **more,
    }


planes.settings = _settings(1)
plane_ablations.settings = _settings(1, changes=ABLATIONS)
plane_ensembles.settings = lambda quick: {
    "quick": quick,
    "version": 1,
    "recipe": recipe_path("chern-2d", "recipe.toml").read_text(),
    "training": recipe_path("chern-2d", "training.toml").read_text(),
    "readings": READINGS,
    "ensembles": ENSEMBLES,
}
coarse_planes.settings = _settings(1, grids=COARSE_PLANES)
coarse_chains.settings = _settings(1, grids=COARSE_CHAINS)
TASKS = {
    "planes": planes,
    "plane_ablations": plane_ablations,
    "plane_ensembles": plane_ensembles,
    "coarse_planes": coarse_planes,
    "coarse_chains": coarse_chains,
    **learning_loops.TASKS,
}
