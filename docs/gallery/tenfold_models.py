"""Superconductors, crystals in three dimensions and loss, proven along a parameter.

A p + ip superconductor, the Kane-Mele model with Rashba coupling, Fu and Kane's and Mele's diamond,
also in a magnetic field, helium-3 B, a non-reciprocal chain. Dotted: textbook transitions.
"""

from pathlib import Path

import numpy as np
from curves import drawn

import topophys as tp
from topophys.plots import Figure, save_figure

TAU_Y, SWAP = np.kron([[0, -1j], [1j, 0]], np.eye(2)), np.kron(np.eye(2), [[0, 1], [1, 0]])


def steps() -> list:
    """Title, parameter, its values, proven integers and textbook transitions of each panel."""
    mu, t1 = np.linspace(-5.9, 5.9, 40), np.linspace(-2.05, 2.05, 42)
    dt = np.array([-5.0, -4.4, -3.6, -2.4, -1.6, -0.4, 0.4, 1.6])
    wave = tp.certify_chern(tp.models.p_plus_ip(mu)).value
    loss = tp.point_gap_winding(tp.models.non_hermitian_ssh(t1, 1.0, 0.8)).value
    diamond = [tp.models.fu_kane_mele(x) for x in dt]
    pairs = {"n_occupied": 2, "method": "parity", "time_reversal": "up first"}
    strong = np.array([tp.z2_indices_3d(h, inversion=SWAP, **pairs).strong for h in diamond])
    field = tp.FourierHamiltonian({(0, 0, 0): np.diag([0.1, 0.1, -0.1, -0.1])})
    angle = [tp.axion_angle(h + field, inversion=SWAP, n_occupied=2).value for h in diamond]
    helium = tp.winding_3d(tp.models.helium_3_b(mu3 := mu[::4] + 6.4), chiral=TAU_Y).value
    return [
        ("p + ip: Chern number", "mu", mu, wave, [-4, 0, 4]),
        ("Fu-Kane-Mele: strong index", "dt", dt, strong, [-4, -2, 0]),
        ("helium-3 B: winding number", "mu", mu3, helium, [0, 4, 8, 12]),
        ("in a field: axion angle / pi", "dt", dt, np.array(angle), [-4, -2, 0]),
        ("non-Hermitian SSH: winding", "t1", t1, loss, [-1.4, -0.6, 0.6, 1.4]),
    ]


def picture() -> Figure:
    panel = (figure := drawn(steps())).axes[5]
    v, r = np.linspace(0.0, 8.0, 17)[:, None], np.linspace(0.0, 6.0, 13)
    h = tp.models.kane_mele(1.0, v + 0.03, r + 0.02)
    proof = tp.z2_invariant(h, n_occupied=2, method="flux", time_reversal="up first")
    panel.pcolormesh(r, v[:, 0], np.ma.filled(proof.value.astype(float), np.nan), cmap="Blues")
    panel.set(title="Kane-Mele: Z2 (blue: 1)", xlabel="Rashba", ylabel="staggered")
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
