"""The first layer of a network, compared with the winding angle.

The network was trained on winding numbers alone; the angle $\\alpha(k) = \\arg\\det D(k)$ was not
a target. The points are decoded linearly from the layer h1, with a decoder that was fitted on other
chains; the line is exact. [Probing](../guides/probing.md) explains why an untrained network scores
well, too.
"""

from pathlib import Path

import numpy as np
from small_runs import chains

import topophys as tp
from topophys.interpret import activations, fit_decoder
from topophys.plots import Figure, plot_winding_angle_comparison, save_figure


def picture() -> Figure:
    run, data = chains()
    x, alpha = data.split("val").read("x", "alpha")
    target = np.stack([np.cos(alpha), np.sin(alpha)], axis=-1)
    decoder = fit_decoder(activations(run.encoder, x)["h1_features"], target)
    test = data.split("test")
    (label,) = test.read("label")
    rows = [int(np.flatnonzero(label == nu)[0]) for nu in (-1, 0, 1)]
    x, alpha = (field[rows] for field in test.read("x", "alpha"))
    inside = activations(run.encoder, x)["h1_features"]
    shown = test.hamiltonians(rows)
    fine, linear = tp.winding_angle(shown.block_on_grid(512)), (decoder.weights, decoder.bias)
    return plot_winding_angle_comparison(
        inside, alpha, nu=tp.certify_winding(shown), decoder=linear, fine_alpha=fine
    )


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=110)
