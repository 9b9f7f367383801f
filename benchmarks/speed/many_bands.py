"""Proofs of many bands: time, eigenvalue problems and bounds of gap, Chern number, Z2 and charge.

Run with `python -m benchmarks.speed.many_bands`, with `--files FOLDER` for Wannier files from there
as well, with `--mixing` for what weights by energy would gain. To compare two versions run it with
each in turn on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from unittest import mock

import numpy as np
from threadpoolctl import threadpool_limits

import topophys as tp
from topophys.invariants import _cocycle

#: Bands, range of the hoppings, gap over the width of all bands.
MODELS = ((4, 1, 0.1), (4, 4, 0.02), (8, 1, 0.02), (8, 4, 0.02), (16, 1, 0.1), (16, 4, 0.02),
          (32, 1, 0.1), (32, 4, 0.02))  # fmt: skip


def bands_with_gap(n_bands, reach, share, seed=7):
    """Copies of QWZ with random hoppings so strong that the gap is `share` of the band width."""
    rng = np.random.default_rng(seed)
    layer = tp.models.qwz(-1.0).hoppings
    fixed = {key: np.kron(np.eye(n_bands // 2), hop) for key, hop in layer.items()}
    noise = {}
    for x in range(reach + 1):
        for y in range(-reach, reach + 1):
            if (x, y) >= (0, 0):
                a = rng.normal(size=(n_bands, n_bands)) + 1j * rng.normal(size=(n_bands, n_bands))
                a *= np.exp(-0.5 * (x + abs(y))) / np.sqrt(n_bands)
                noise[x, y] = (a + a.conj().T) / 2 if (x, y) == (0, 0) else a

    def model(strength):
        keys = {key for key in (*fixed, *noise) if key >= (0, 0)}
        hops = {key: fixed.get(key, 0.0) + strength * noise.get(key, 0.0) for key in keys}
        return tp.FourierHamiltonian(hops, n_occupied=n_bands // 2)

    def relative_gap(strength):
        energy = np.linalg.eigvalsh(model(strength).on_grid((40, 40)))
        gap = (energy[..., n_bands // 2] - energy[..., n_bands // 2 - 1]).min()
        return gap / (energy.max() - energy.min())

    low, high = 0.0, 0.05
    while relative_gap(high) > share:
        high *= 1.3
    for _ in range(18):
        middle = (low + high) / 2
        low, high = (middle, high) if relative_gap(middle) > share else (low, middle)
    return model(low)


def timed(job, function, repeats):
    """Row of a Markdown table: median CPU time, result and effort."""
    function()  # compilation does not count
    times = []
    for _ in range(repeats):
        start = time.process_time()
        found = function()
        times.append(time.process_time() - start)
    middle = statistics.median(times)
    lower, upper = float(np.min(found.gap_lower)), float(np.min(found.gap_upper))
    value = found.value if np.ndim(found.value) == 0 else f"{np.size(found.value)} values"
    effort = int(np.sum(found.evaluations))
    return f"| {job} | {value} | {effort:,} | {lower:.3g} of {upper:.3g} | {middle:.4f} s |"


def rows(repeats):
    """Rows for random models."""
    for n_bands, reach, share in MODELS:
        h = bands_with_gap(n_bands, reach, share)
        job = f"{n_bands} bands, range {reach}, gap {100 * share:g} %"
        yield timed(f"Chern, {job}", lambda h=h: tp.certify_chern(h), repeats)
        yield timed(f"gap, {job}", lambda h=h: tp.certify_gap(h), repeats)
    h = tp.ensembles.class_a(200, n_bands=4, n_occupied=2, rng=2026)
    yield timed("Chern, 200 random Hamiltonians of 4 bands", lambda: tp.certify_chern(h), repeats)


def file_rows(folder, repeats):
    """Rows for files of materials."""
    h = tp.read_wannier90(folder / "MoS2-1Tp_hr.dat.tar.gz", n_occupied=28)
    yield timed("Z2 of MoS2-1T'", lambda: tp.z2_invariant(h, method="flux"), repeats)
    yield timed("gap of MoS2-1T'", lambda: tp.certify_gap(h), repeats)
    for name, filled in (("silicon_hr.dat", 4), ("SnTe_hr.dat.tar.gz", 6)):
        solid = tp.read_wannier90(folder / name, n_occupied=filled)
        yield timed(f"3D gap, {name}", lambda h=solid: tp.certify_gap(h), min(repeats, 3))
    solid = tp.read_wannier90(folder / "FeSi-phonons_hr.dat.tar.gz", n_occupied=2)
    for n, at in ((2, np.pi), (6, np.pi), (22, np.pi), (4, 0.0), (22, 0.0)):
        yield timed(
            f"charge, FeSi, lowest {n}, at {at:.2f}",
            lambda n=n, at=at: tp.weyl_charge(solid, [at] * 3, n_occupied=n),
            repeats,
        )


def mixing_row(job, h):
    """How far occupied spaces turn on cells, bounded by the gap and by each denominator.

    Without weights the map T is at most b / gap with b = |B|_F; with D = |E - mu|^(-1/2) it is at
    most beta / ((1 - d) sqrt(g)), where beta^2 = sum |B_pq|^2 / (E_p - E_q), g is the gap at the
    centre, and both blocks keep 1 - d of their distance from mu at the corners of the cell. First
    order on both sides.
    """
    filled, parts = h.n_occupied, {"cells": 0.0}
    whole = _cocycle.cover

    def cover(*args, **options):
        start = time.process_time()
        found = whole(*args, **options)
        parts["cells"] += time.process_time() - start
        parts["walk"] = found
        return found

    with mock.patch.object(_cocycle, "cover", cover):
        tp.certify_chern(h)
        parts["cells"], start = 0.0, time.process_time()
        proof = tp.certify_chern(h)
        spent = time.process_time() - start
    walk, ratios = parts["walk"], []
    edge = np.ldexp(1.0, walk.domain.max_depth - walk.leaves.depth)
    k = 2.0 * np.pi * (walk.leaves.corner + 0.5 * edge[:, None]) / walk.domain.fine
    for at, half in zip(k, np.pi * edge / walk.domain.fine, strict=True):
        terms = np.exp(1j * h.vectors @ at)[:, None, None] * h.amplitudes
        energy, states = np.linalg.eigh(terms.sum(0))
        slopes = [states.conj().T @ np.tensordot(1j * x, terms, 1) @ states for x in h.vectors.T]
        plain, weighted, kept, least = 0.0, 0.0, 1.0, np.inf
        apart = energy[filled:, None] - energy[None, :filled]
        far = np.abs(energy - 0.5 * (energy[filled] + energy[filled - 1]))
        for sides in ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)):
            moved = half * sum(s * g for s, g in zip(sides, slopes, strict=True))
            mixed = np.abs(moved[filled:, :filled])
            low, high = (np.diag(energy) + moved)[:filled, :filled], moved[filled:, filled:]
            high = high + np.diag(energy[filled:])
            top, bottom = np.linalg.eigvalsh(low)[-1], np.linalg.eigvalsh(high)[0]
            middle, least = 0.5 * (top + bottom), min(least, bottom - top)
            scale = 1.0 / np.sqrt(far)
            for block, sign, d in ((high, 1.0, scale[filled:]), (low, -1.0, scale[:filled])):
                shifted = sign * (block - middle * np.eye(len(block)))
                kept = min(kept, np.linalg.eigvalsh(d[:, None] * shifted * d)[0])
            plain = max(plain, np.linalg.norm(mixed))
            weighted = max(weighted, np.sqrt((mixed**2 / apart).sum()))
        if kept > 0.0 and least > 0.0:
            ratios.append((plain / least) / (weighted / (kept * np.sqrt(apart.min()))))
    share = 100.0 * (1.0 - parts["cells"] / spent)
    low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9))
    return (
        f"| {job} | {len(k):,} | {int(proof.evaluations):,} | {spent:.2f} s | {share:.0f} % |"
        f" {middle:.1f} ({low:.1f} to {high:.1f}) |"
    )


def mixing():
    """Rows for random models of many bands."""
    yield "| Chern number | cells | eigenproblems | CPU | phases | bound of T, plain by weighted |"
    yield "|---|---:|---:|---:|---:|---|"
    for n_bands, share in ((32, 0.02), (48, 0.02), (64, 0.02)):
        h = bands_with_gap(n_bands, 1, share)
        yield mixing_row(f"{n_bands} bands, range 1, gap {100 * share:g} %", h)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=Path)
    parser.add_argument("--mixing", action="store_true", help="weights by energy alone, see there")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    threadpool_limits(1)
    if chosen.mixing:
        for row in mixing():
            print(row, flush=True)
        return
    print("| job | value | evaluations | gap proven | CPU |\n|---|---|---:|---|---:|")
    for row in rows(chosen.repeats):
        print(row, flush=True)
    if chosen.files is not None:
        for row in file_rows(chosen.files, chosen.repeats):
            print(row, flush=True)


if __name__ == "__main__":
    main()
