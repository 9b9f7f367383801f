"""What a network's first layer holds, beside the winding angle.

The network has learned winding numbers from labels alone; the angle $\\alpha(k) = \\arg\\det
D(k)$ was never shown to it. A linear read-out of the layer h1, fitted on other chains, gives the
points; the line is exact. [Probing](../guides/probing.md) says why an untrained network does well
here too.
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
