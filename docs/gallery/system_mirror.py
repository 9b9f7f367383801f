"""Mirror Chern numbers: edge modes that a mirror protects.

Sectors of opposite mirror eigenvalues have opposite Chern numbers. Left: levels of a strip,
those of one edge in the colour of their sector. Right: the proven mirror Chern number.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, cut, integers, panels, save_figure

import topophys as tp


def picture() -> Figure:
    m, k = np.linspace(-1.9, 9.9, 48), np.linspace(-np.pi, np.pi, 121)
    figure, (left, right) = panels("Mirror Chern number")
    parts = tp.models.bhz(1.6).hoppings.items()
    for rows, colour in ((slice(2), "tab:green"), (slice(2, 4), "tab:purple")):
        sector = tp.FourierHamiltonian({r: t[rows, rows] for r, t in parts})
        for x in k:
            energy, state = np.linalg.eigh(cut(sector, 20, x))
            edge = (np.abs(state[:10]) ** 2).sum(0) > 0.7
            for some, shade, z in ((~edge, "0.75", 1), (edge, colour, 2)):
                place = np.full(some.sum(), x)
                left.scatter(place, energy[some], s=2, c=shade, zorder=z, rasterized=True)
    left.set(xlabel="momentum along the edge", ylabel="energy", ylim=(-1.6, 1.6))
    proof = tp.mirror_chern(tp.models.bhz(m), mirror=np.diag([1j, 1j, -1j, -1j]))
    integers(right, m, proof.value, "mass", "mirror Chern number", [0, 4, 8])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
