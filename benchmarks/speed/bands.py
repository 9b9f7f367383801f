"""Chern number of four bands, two occupied, on 64 x 64 points: NumPy with LAPACK, and topophys.

Run with `python -m benchmarks.speed.bands`.
"""

from __future__ import annotations

import numpy as np

import topophys as tp
from benchmarks import harness

N, GRID, FILLED = 4, (64, 64), 2


def numpy_chern(h):
    """Fukui-Hatsugai-Suzuki number by eigh and determinants of overlaps."""
    _, states = np.linalg.eigh(h)
    u = states[..., :FILLED]
    u_x, u_y = (np.linalg.det(u.conj().swapaxes(-1, -2) @ np.roll(u, -1, axis)) for axis in (1, 2))
    loop = u_x * np.roll(u_y, -1, 1) * np.roll(u_x, -1, 2).conj() * u_y.conj()
    return np.rint(-np.angle(loop).sum((1, 2)) / (2 * np.pi)).astype(int)


def table():
    """Markdown table and what was seen on the way."""
    H = tp.ensembles.class_a(N, n_bands=4, n_occupied=FILLED, rng=2026)
    h = H.on_grid(GRID)
    sampled = tp.chern_number(h, n_occupied=FILLED, on_unresolved="mask")
    differ = (numpy_chern(h) != np.ma.filled(sampled)).sum()
    rows = harness.compare(
        "4 bands, 2 occupied, 64 x 64, from H(k)",
        ("NumPy", lambda: numpy_chern(h)),
        {
            "topophys, sampled": lambda: tp.chern_number(
                h, n_occupied=FILLED, on_unresolved="mask"
            ),
            "topophys, certified": lambda: tp.certify_chern(H),
        },
        items=N,
        repeats=5,
    )
    proof = tp.certify_chern(H)
    seen = (
        f"NumPy and sampled differ for {differ} of {N}; certified {proof.certified.sum()} of {N},"
        f" evaluations {', '.join(map(str, proof.evaluations))}."
    )
    return f"{harness.table(rows)}\n\n{seen}"


def main():
    print(table())
    print(harness.machine())


if __name__ == "__main__":
    main()
