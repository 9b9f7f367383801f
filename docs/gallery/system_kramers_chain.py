"""Kramers pairs of Majorana modes (class DIII in one dimension).

Two p-wave chains that time reversal exchanges, coupled by spin-orbit hopping. The levels at zero
are twice as many as in Kitaev's chain: one Kramers pair at each end where the proven number is 1.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, cut, integers, levels, panels, save_figure

import topophys as tp

X, Y, Z, ONE = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]],
                                      [[1, 0], [0, 1]]))  # fmt: skip


def chain(mu: float, pairing: float = 0.7, spin_orbit: float = 0.4) -> tp.FourierHamiltonian:
    """In the basis (up, down) of electrons, then their time-reversed holes (down, -up)."""
    hop = -np.kron(Z, ONE) - 0.5j * spin_orbit * np.kron(Z, Z) - 0.5j * pairing * np.kron(X, X)
    return tp.FourierHamiltonian({(0,): -mu * np.kron(Z, ONE), (1,): hop}, n_occupied=2)


def picture() -> Figure:
    mu = np.linspace(-3.4, 3.4, 68)
    chains = [chain(m) for m in mu]
    figure, (left, right) = panels("Superconducting chain with time reversal")
    levels(left, mu, (cut(h, 40) for h in chains), "chemical potential", 2.5)
    options = {"particle_hole": np.kron(Y, Y), "time_reversal": np.kron(ONE, 1j * Y)}
    value = np.ma.stack([tp.majorana_number(h, **options).value for h in chains])
    integers(right, mu, value, "chemical potential", "Kramers number", [-2, 2])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
