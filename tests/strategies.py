"""Hypothesis strategies: Hamiltonians of every size, and numbers that provoke rounding."""

from __future__ import annotations

import functools

import jaxtyping
import numpy as np
from hypothesis import strategies as st

import topophys as tp

SEEDS = st.integers(0, 2**32 - 1)
#: Coordinates at which signs are decided by the last bit, or by nothing.
NASTY = st.floats(-1, 1) | st.sampled_from(
    [0.0, -0.0, 0.1, 0.2, 0.3, 1 / 3, -1 / 3, 2 / 3, 5e-324, -5e-324, 1e-160, 1.0, -1.0]
)


def plain(function):
    """`function` as users get it, without the run-time type checks of the test run."""

    @functools.wraps(function)
    def unchecked(*args, **kwargs):
        jaxtyping.config.update("jaxtyping_disable", True)
        try:
            return function(*args, **kwargs)
        finally:
            jaxtyping.config.update("jaxtyping_disable", False)

    return unchecked


def random_unitaries(n, rng, count=()):
    """Unitary matrices, evenly spread."""
    shape = (*count, n, n)
    q, r = np.linalg.qr(rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
    phase = np.diagonal(r, axis1=-2, axis2=-1)
    return q * (phase / np.abs(phase))[..., None, :]


@st.composite
def chains(draw, max_orbitals=4, max_range=3):
    """One random chain with coefficients at a random stretch of orders, of a random unit."""
    n = draw(st.integers(1, max_orbitals))
    lowest = draw(st.integers(-max_range, max_range))
    n_shift = draw(st.integers(1, max_range + 1))
    rng = np.random.default_rng(draw(SEEDS))
    blocks = rng.standard_normal((n_shift, n, n)) + 1j * rng.standard_normal((n_shift, n, n))
    blocks *= 2.0 ** draw(st.integers(-30, 30))
    return plain(tp.ChiralHamiltonian.from_array)(lowest, blocks)


@st.composite
def two_bands(draw, max_range=2):
    """One random two-band Hamiltonian in two dimensions."""
    reach = draw(st.integers(1, max_range))
    # the run-time checks draw random numbers of their own, which a strategy must not
    return plain(lambda seed: tp.ensembles.two_band(1, hopping_range=reach, rng=seed)[0])(
        draw(SEEDS)
    )


@st.composite
def bloch_grids(draw, max_bands=5):
    """Random Bloch matrices (Nx, Ny, n, n) on a small grid and a number of occupied bands."""
    n_bands = draw(st.integers(2, max_bands))
    shape = draw(st.tuples(st.integers(2, 7), st.integers(2, 7)))
    rng = np.random.default_rng(draw(SEEDS))
    full = (*shape, n_bands, n_bands)
    h = rng.standard_normal(full) + 1j * rng.standard_normal(full)
    return h + h.conj().swapaxes(-1, -2), draw(st.integers(1, n_bands - 1))


@st.composite
def unitaries(draw, n):
    """Random unitary matrix."""
    rng = np.random.default_rng(draw(SEEDS))
    q, r = np.linalg.qr(rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n)))
    return q * (np.diag(r) / np.abs(np.diag(r)))


@st.composite
def generators(draw):
    """NumPy generator."""
    return np.random.default_rng(draw(SEEDS))
