"""Samples in real space and changes of basis that hide symmetries."""

from __future__ import annotations

import numpy as np

import topophys as tp

X, Y, Z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
ONE = np.eye(2)


def patch(h, size, *, periodic=False):
    """Matrix of size x size cells of a two-dimensional model, and the position of each orbital."""

    def step(r):
        if periodic:
            return np.roll(np.eye(size), r, axis=1)
        return np.eye(size, k=r)

    total = sum(np.kron(np.kron(step(x), step(y)), m) for (x, y), m in h.hoppings.items())
    cells = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), -1)
    return total, np.repeat(cells.reshape(-1, 2), h.n_bands, axis=0)


def chain_block(chain, size, *, periodic=False):
    """Block D of `size` cells of a chiral chain, and the cell of each orbital."""
    lowest, highest = chain.block_range
    terms = []
    for order in range(lowest, highest + 1):
        hop = np.roll(np.eye(size), order, axis=1) if periodic else np.eye(size, k=order)
        terms.append(np.kron(hop, chain.block_amplitudes[order - lowest]))
    return sum(terms), np.repeat(np.arange(size), chain.block_amplitudes.shape[-1])


def unitary(n, rng):
    """Random unitary matrix."""
    q, r = np.linalg.qr(rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n)))
    return q * (np.diag(r) / np.abs(np.diag(r)))


def rotated(h, u):
    """The same Hamiltonian in another orthonormal basis of orbitals."""
    rows = {R: u @ m @ u.conj().T for R, m in h.hoppings.items()}
    return tp.FourierHamiltonian(rows, n_occupied=h.n_occupied, hermitian="average")


def direct_sum(a, b):
    """Two Hamiltonians of equal shape side by side."""
    zero = np.zeros((a.n_bands, b.n_bands))
    keys = set(a.hoppings) | set(b.hoppings)

    def at(h, key):
        return h.hoppings.get(key, np.zeros((h.n_bands, h.n_bands)))

    rows = {key: np.block([[at(a, key), zero], [zero.T, at(b, key)]]) for key in keys}
    return tp.FourierHamiltonian(rows, n_occupied=a.n_occupied + b.n_occupied)


def degenerate(h_k, filled, rng):
    """Projected Hamiltonian with all occupied bands degenerate: any gauge among them is as good."""
    _, states = np.linalg.eigh(h_k)
    mix = np.stack([unitary(filled, rng) for _ in range(int(np.prod(h_k.shape[:-2])))])
    v = states[..., :filled] @ mix.reshape(*h_k.shape[:-2], filled, filled)
    flat = np.eye(h_k.shape[-1]) - 2 * v @ v.conj().swapaxes(-1, -2)
    return 0.5 * (flat + flat.conj().swapaxes(-1, -2))


def same_on_circle(a, b, tolerance):
    """Whether two sets of centres agree, wherever the circle was cut."""
    a, b = np.atleast_1d(a), np.atleast_1d(b)
    shifts = [np.roll(b, s) for s in range(len(b))]
    return min(np.abs((a - s + 0.5) % 1.0 - 0.5).max() for s in shifts) < tolerance


def require_violation(proof, size):
    """A violation of a symmetry by `size` enters a proof of 1, and prevents it from 1 on."""
    assert proof.symmetry_violation >= 2.0 * size * (1.0 - 1e-12)
    if size < 1.0:
        assert int(proof) == 1
        assert proof.gap_lower > proof.symmetry_violation
    else:
        assert str(proof.reason) == "symmetry"
