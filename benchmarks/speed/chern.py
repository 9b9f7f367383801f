"""Chern numbers of 1000 different two-band Hamiltonians: NumPy, sampled, certified.

Run with `python -m benchmarks.speed.chern`.
"""

from __future__ import annotations

import numpy as np

import topophys as tp
from benchmarks import harness

N, GRID = 1000, (24, 24)


def numpy_bloch(H):
    """Bloch matrices on the grid from the coefficients of d, vectorised over Hamiltonians."""
    phases = np.exp(1j * (tp.k_grid(GRID) @ H.d_vectors.T))
    d = np.einsum("bmi,xym->bxyi", H.d_amplitudes, phases, optimize=True).real
    h = np.empty((*d.shape[:-1], 2, 2), complex)
    h[..., 0, 0], h[..., 1, 1] = d[..., 2], -d[..., 2]
    h[..., 0, 1], h[..., 1, 0] = d[..., 0] - 1j * d[..., 1], d[..., 0] + 1j * d[..., 1]
    return h


def numpy_chern(h):
    """Fukui-Hatsugai-Suzuki number by eigh and link variables."""
    _, states = np.linalg.eigh(h)
    u = states[..., :, 0]
    u_x = (u.conj() * np.roll(u, -1, 1)).sum(-1)
    u_y = (u.conj() * np.roll(u, -1, 2)).sum(-1)
    loop = u_x * np.roll(u_y, -1, 1) * np.roll(u_x, -1, 2).conj() * u_y.conj()
    return np.rint(-np.angle(loop).sum((1, 2)) / (2 * np.pi)).astype(int)


def table():
    """Markdown table and what was seen on the way."""
    H = tp.ensembles.two_band(N, hopping_range=1, rng=2026)
    d, h = H.d_on_grid(GRID), numpy_bloch(H)
    sampled = np.ma.filled(tp.chern_number(H, grid=GRID, on_unresolved="mask"))
    proof = tp.certify_chern(H)
    wrong = (numpy_chern(h) != sampled).sum()
    seen = (
        f"NumPy and sampled differ for {wrong} of {N}; refused a certificate:"
        f" {(~proof.certified).sum()}; FHS at 24 x 24 wrong for"
        f" {(sampled != proof.value)[proof.certified].sum()}; median"
        f" {np.median(proof.evaluations):.0f} evaluations a proof."
    )
    rows = harness.compare(
        "from hoppings, 24 x 24",
        ("NumPy", lambda: numpy_chern(numpy_bloch(H))),
        {
            "topophys, sampled": lambda: tp.chern_number(H, grid=GRID, on_unresolved="mask"),
            "topophys, certified": lambda: tp.certify_chern(H),
        },
        items=N,
    )
    rows += harness.compare(
        "from d or H(k), 24 x 24",
        ("NumPy", lambda: numpy_chern(h)),
        {"topophys, sampled": lambda: tp.chern_number_from_d(d, on_unresolved="mask")},
        items=N,
    )
    return f"{harness.table(rows)}\n\n{seen}"


def main():
    print(table())
    print(harness.machine())


if __name__ == "__main__":
    main()
