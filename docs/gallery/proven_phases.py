"""Phase diagrams proven up to a thin margin.

In the phase diagrams of Haldane's model, the Bernevig-Hughes-Zhang model and the extended SSH
chain, gap and integer are proven for every point of a coloured box, not for a grid of points. White
regions are undecided.
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, phase_diagram, save_figure


def picture() -> Figure:
    planes = [
        tp.certify_phases(
            tp.models.haldane, {"phi": (-np.pi, np.pi), "m": (-6.0, 6.0)}, fixed={"t2": 1.0},
            share=0.97,
        ),
        tp.certify_phases(
            tp.models.bhz, {"m": (-2.0, 10.0), "b": (0.5, 1.5)}, time_reversal="up first",
            share=0.95,
        ),
        tp.certify_phases(
            tp.models.ssh, {"t2": (-3.0, 3.0), "t3": (-3.0, 3.0)}, fixed={"t1": 1.0}, share=0.97
        ),
    ]  # fmt: skip
    assert [sorted({r.value for r in p.regions}) for p in planes] == [[-1, 0, 1], [0, 1], [0, 1, 2]]
    figure = new_figure(9.0, 2.7)
    for plane, panel in zip(planes, figure.subplots(1, 3), strict=True):
        phase_diagram(plane, ax=panel)
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
