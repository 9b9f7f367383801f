"""Haldane's phase diagram, proven and learned.

The network was trained on random two-band Hamiltonians with Chern numbers -1, 0, 1, not on
Haldane's model. On the left every pixel is certified. On the right crosses mark wrong predictions
of the network; all are next to a line where the gap closes.
"""

from pathlib import Path

import numpy as np
from small_runs import planes

import topophys as tp
from topophys.plots import Figure, plot_phase_diagram_prediction, save_figure


def picture() -> Figure:
    phi, m = np.linspace(-np.pi, np.pi, 62), np.linspace(-6.0, 6.0, 62)
    models = tp.models.haldane(0.1 * m, 0.1, phi[:, None])
    proof = tp.certify_chern(models)
    run, _ = planes()
    named = run.predict(models, k_points=(16, 16)).value
    wrong = proof.certified & (named != proof.value)
    assert 0 < wrong.sum() < 0.05 * wrong.size
    assert proof.gap_lower[wrong].max() < 0.5  # of a gap of up to 1.04
    return plot_phase_diagram_prediction(
        phi, m, proof, named, names=(r"$\phi$ (rad)", "$M / t_2$"), symbol="C"
    )


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
