"""Share of this machine's multiply-add rate that the sampled two-band kernel reaches.

Run with `python -m benchmarks.speed.roofline`. The rate is that of a compiled loop of independent
fused multiply-adds on numbers in the first-level cache. A kernel with m multiplications and a
additions needs at least max(m, a) multiply-adds; divisions, roots, comparisons, loads and stores
are not counted, so that 100 % is out of reach.
"""

from __future__ import annotations

import statistics

import numba
import numpy as np

import topophys as tp
from benchmarks import harness
from benchmarks.speed.operations import operations_of_sampled

DEGREE, LENGTH = 24, 512  # Horner's rule, 24 steps; 4 kB of numbers


@numba.njit(fastmath={"contract"}, error_model="numpy")
def multiply_adds(x, c, out, repeats):
    """Evaluate polynomials of DEGREE at all x; every x is a chain of its own."""
    for _ in range(repeats):
        for j in range(x.shape[0]):
            p = c[0]
            z = x[j]
            p = p * z + c[1]
            p = p * z + c[2]
            p = p * z + c[3]
            p = p * z + c[4]
            p = p * z + c[5]
            p = p * z + c[6]
            p = p * z + c[7]
            p = p * z + c[0]
            p = p * z + c[1]
            p = p * z + c[2]
            p = p * z + c[3]
            p = p * z + c[4]
            p = p * z + c[5]
            p = p * z + c[6]
            p = p * z + c[7]
            p = p * z + c[0]
            p = p * z + c[1]
            p = p * z + c[2]
            p = p * z + c[3]
            p = p * z + c[4]
            p = p * z + c[5]
            p = p * z + c[6]
            p = p * z + c[7]
            out[j] = p * z + c[0]


def peak(repeats: int = 20_000, runs: int = 7) -> float:
    """Largest measured rate of multiply-adds per second of one thread."""
    x, out = np.linspace(-0.9, 0.9, LENGTH), np.empty(LENGTH)
    c = np.linspace(0.1, 0.8, 8)
    multiply_adds(x, c, out, 1)
    seconds = min(harness.cpu(lambda: multiply_adds(x, c, out, repeats)) for _ in range(runs))
    return DEGREE * LENGTH * repeats / seconds


def fused() -> int:
    """Vector instructions for multiply-adds in the machine code of the reference loop."""
    code = "\n".join(multiply_adds.inspect_asm().values())
    return sum("vfmadd" in line and "pd" in line for line in code.splitlines())


def table(n: int = 1000, grid: int = 24) -> str:
    H = tp.ensembles.two_band(n, hopping_range=1, rng=2026)
    count = operations_of_sampled(grid)
    needed = max(count["multiply"], count["add"])

    def sampled():
        tp.chern_number(H, grid=(grid, grid), on_unresolved="mask")

    sampled()
    pairs = [(peak(runs=1), harness.cpu(sampled) / n) for _ in range(9)]
    rate = statistics.median(p for p, _ in pairs)
    own = statistics.median(needed / seconds for _, seconds in pairs)
    share = statistics.median(needed / seconds / p for p, seconds in pairs)
    return "\n".join([
        "| quantity | value |", "|---|---:|",
        (f"| multiply-adds a second, independent chains in the first-level cache"
        f" ({fused()} vector instructions in the loop) | {rate / 1e9:.1f}e9 |"),
        (f"| multiplications, additions per Hamiltonian at {grid} x {grid} |"
        f" {count['multiply']:,.0f}, {count['add']:,.0f} |"),
        (f"| divisions, roots per Hamiltonian (not counted) | {count.get('divide', 0):,.0f},"
        f" {count.get('root', 0):,.0f} |"),
        f"| multiply-adds a second of the sampled kernel | {own / 1e9:.2f}e9 |",
        f"| **share** | **{share:.1%}** |",
    ])  # fmt: skip


def main():
    print(table())
    print(harness.machine())


if __name__ == "__main__":
    main()
