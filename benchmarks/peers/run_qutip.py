"""How qutip-berry is asked: it takes states on a grid, so that eigenvectors are made here."""

from importlib.metadata import version as package_version

import numpy as np
import qutip_berry


def version():
    return f"qutip-berry {package_version('qutip-berry')}"


def chern(h, n=24, filled=1):
    """Sum of plaquette fluxes of states made by NumPy."""
    k = 2 * np.pi * np.arange(n) / n
    grid = np.stack(np.meshgrid(k, k, indexing="ij"), -1)
    matrices = np.tensordot(
        np.exp(1j * (grid @ np.array(list(h)).T)), np.array(list(h.values())), 1
    )
    _, states = np.linalg.eigh(matrices)
    occupied = np.swapaxes(states[..., :filled], -1, -2)
    return qutip_berry.chern_number(occupied, periodic=(True, True))
