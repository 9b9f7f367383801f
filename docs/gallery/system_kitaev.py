"""Kitaev's chain: Majorana modes at its ends (class D).

Levels of an open chain of 40 sites against the chemical potential, and proven Majorana numbers.
Where the number is 1 there are two Majorana modes at zero, one at each end; a phase of the pairing
does not matter.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, cut, integers, levels, panels, save_figure

import topophys as tp


def picture() -> Figure:
    mu = np.linspace(-3.4, 3.4, 68)
    h = tp.models.kitaev_chain_bdg(mu, 1.0, 0.7, phase=0.4)
    figure, (left, right) = panels("Kitaev's chain")
    levels(left, mu, (cut(h[i], 40) for i in range(len(mu))), "chemical potential", 2.5)
    proof = tp.majorana_number(h, particle_hole="nambu")
    integers(right, mu, proof.value, "chemical potential", "Majorana number", [-2, 2])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
