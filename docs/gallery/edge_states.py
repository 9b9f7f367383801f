"""Berry curvature, bands and edge states of Haldane's model.

The panels show the Berry curvature over the hexagonal Brillouin zone, the bands along named
momenta, coloured by sublattice, and the spectrum of a ribbon with zigzag edges. On each edge, the
number of states that cross the gap equals the proven Chern number.
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys import plots

HONEYCOMB = {
    "lattice": [[1.0, 0.0], [0.5, np.sqrt(0.75)]],
    "positions": [[1 / 3, 1 / 3], [2 / 3, 2 / 3]],
}


def picture() -> plots.Figure:
    h = tp.models.haldane(0.2, 0.12, np.pi / 2).with_geometry(**HONEYCOMB)
    strip = tp.ribbon(h, 24)
    lower, upper = tp.edge_modes(strip, 0.0)
    assert int(tp.certify_chern(h)) == -lower == upper
    with plots.style():
        figure = plots.new_figure(9.6, 2.9)
        zone, bands, ribbon = figure.subplots(1, 3)
        plots.plot_berry_curvature(h, ax=zone)
        plots.plot_bands(
            h, path="G-K-M-K'-G", weights=[1.0, -1.0], weights_label="A minus B", ax=bands
        )
        plots.plot_ribbon(strip, energies=(-2.0, 2.0), titles=["ribbon, 24 cells wide"], ax=ribbon)
    return figure


if __name__ == "__main__":
    plots.save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=110)
