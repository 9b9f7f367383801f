"""Hofstadter's butterfly, its gaps coloured by certified Chern numbers.

Bands (black) of a lattice in a magnetic field, $p/q$ flux quanta per cell, and gaps with the
proven Chern number of all bands below: the Hall conductance in $e^2/h$. White gaps: no proof yet.
"""

from fractions import Fraction
from pathlib import Path

import matplotlib as mpl
import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style

SEVEN = mpl.colormaps["RdBu_r"].resampled(7)
COLOUR = mpl.cm.ScalarMappable(mpl.colors.Normalize(-3.5, 3.5), SEVEN)


def picture() -> Figure:
    with style():
        ax = (figure := new_figure(6.0, 4.4)).subplots()
        for f in sorted({Fraction(p, q) for q in range(2, 10) for p in range(1, q)}):
            p, q, h = f.numerator, f.denominator, tp.models.hofstadter(f.numerator, f.denominator)
            energy = np.linalg.eigvalsh(h.on_grid((24, 24))).reshape(-1, q)
            low, high = energy.min(0), energy.max(0)
            ax.hlines([f] * q, low, high, color="black", linewidth=1.5, zorder=3)
            for r in range(1, q):
                proof = tp.certify_chern(h, n_occupied=r, max_evaluations=20_000)
                if proof.certified and low[r] > high[r - 1]:
                    assert (r - p * int(proof)) % q == 0  # the Diophantine equation
                    ax.hlines(f, high[r - 1], low[r], color=COLOUR.to_rgba(int(proof)), linewidth=5)
        ax.set(xlabel="energy (hopping)", ylabel="flux quanta per cell")
        figure.colorbar(COLOUR, ax=ax, label="Chern number of the bands below", ticks=range(-3, 4))
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=110)
