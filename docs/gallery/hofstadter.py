"""Hofstadter's butterfly, its gaps coloured by certified Chern numbers.

A square lattice in a magnetic field of $p/q$ flux quanta per cell has $q$ bands (black). Colours
are proven Chern numbers $C$ of all bands below a gap: the Hall conductance in $e^2/h$, with the
sign of the [conventions](../conventions.md). The proofs cover fluxes up to 1/2; the rest is their
mirror image, since $H(1 - f) = H(f)^*$ turns $C$ into $-C$. Gaps below 0.1 are white.
"""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style

COLOUR = mpl.cm.ScalarMappable(
    mpl.colors.BoundaryNorm(np.arange(-4.5, 5), 256), mpl.colormaps["RdYlBu_r"]
)


def picture(largest: int = 13) -> Figure:
    fluxes = sorted({Fraction(p, q) for q in range(1, largest + 1) for p in range(q // 2 + 1)})
    middle = [float(a + b) / 2 for a, b in pairwise(fluxes)]
    below, above = [0.0, *middle], [*middle, 0.5]
    with style():
        ax = (figure := new_figure(5.6, 5.2)).subplots()
        for f, bottom, top in zip(fluxes[1:], below[1:], above[1:], strict=True):
            p, q = f.numerator, f.denominator
            h = tp.models.hofstadter(p, q)
            energy = np.linalg.eigvalsh(h.on_grid((12, 12))).reshape(-1, q)
            low, high = energy.min(0), energy.max(0)
            for r in np.flatnonzero(low[1:] - high[:-1] > 0.1) + 1:
                c = int(tp.certify_chern(h, n_occupied=int(r), on_unresolved="raise"))
                assert (r - p * c) % q == 0  # the Diophantine equation
                for y, chern in ((bottom, c), (1 - top, -c)):
                    ax.broken_barh([(high[r - 1], low[r] - high[r - 1])], (y, top - bottom),
                                   color=COLOUR.to_rgba(chern), linewidth=0)  # fmt: skip
            for y in (float(f), 1 - float(f)):
                ax.hlines([y] * q, low, high, color="black", linewidth=0.8)
        ax.set(xlabel="energy (hopping)", ylabel="flux quanta per cell", ylim=(0, 1))
        bar = figure.colorbar(COLOUR, ax=ax, ticks=range(-4, 5), shrink=0.8)
        bar.set_label("certified Chern number of the bands below")
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
