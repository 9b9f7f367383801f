"""The cells of a proof.

A certificate covers the Brillouin zone with cells on each of which the gap is proven to be open,
and subdivides cells for which the bound fails. Close to a transition the cells are small, but only
where the gap is small. Colour is the gap.
"""

from pathlib import Path

import topophys as tp
from topophys.plots import Figure, new_figure, plot_certificate_leaves, save_figure, style


def picture() -> Figure:
    with style():
        figure = new_figure(7.4, 3.4, layout="compressed")
        axes = figure.subplots(1, 2)
        for panel, x in zip(axes, (4.0, 5.19), strict=True):  # the gap closes at 3 sqrt(3) = 5.196
            model = tp.models.haldane(0.1 * x, 0.1, 1.5708)
            leaves = tp.certificate_leaves(model)
            assert leaves.value == 1 == int(tp.certify_chern(model))
            plot_certificate_leaves(model, leaves=leaves, ax=panel)
            panel.set_title(f"$M = {x:g} \\, t_2$: {leaves.size.size} cells, $C = {leaves.value}$")
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=110)
