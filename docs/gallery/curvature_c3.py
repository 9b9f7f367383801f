"""Berry curvature of a model with Chern number 3.

On the left, far from a transition, the Berry curvature is spread over the Brillouin zone. On the
right, close to a transition, nearly all of it is concentrated at the momenta where the gap is about
to close. Both integrals are $2\\pi \\cdot 3$.
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, plot_berry_curvature, save_figure


def picture() -> Figure:
    models = tp.models.higher_chern([-1.0, -1.75], 3)
    proof = tp.certify_chern(models)
    assert proof.value.tolist() == [3, 3]
    total = tp.berry_flux(models.on_grid((80, 80))).sum((-2, -1))
    assert np.allclose(total, 2 * np.pi * 3)
    titles = [f"gap at least {gap:.2f}" for gap in proof.gap_lower]
    figure = plot_berry_curvature(models, grid=160, chern=proof, titles=titles, scale="panel")
    # mostly of one sign: from the smallest to the largest value, nothing cut off
    for image in (i for ax in figure.axes for i in [*ax.images, *ax.collections] if i.colorbar):
        image.set(cmap="viridis", clim=(image.get_array().min(), image.get_array().max()))
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
