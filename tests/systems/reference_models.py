"""What the tests of solved systems share."""

from __future__ import annotations

import numpy as np

import topophys as tp

#: Time reversal is this matrix times complex conjugation, for bases (orbitals up, orbitals down).
TIME_REVERSAL = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2))


def spin_block(h, spin):
    """Part of a Hamiltonian that conserves s_z; refuses one that does not."""
    half = h.n_bands // 2
    up, down = slice(None, half), slice(half, None)
    assert not np.abs(h.amplitudes[..., up, down]).any(), "s_z is not conserved"
    own = up if spin == "up" else down
    return tp.FourierHamiltonian({r: m[..., own, own] for r, m in h.hoppings.items()})


def certified_and_sampled(h, n_occupied=None, n_k=36):
    """Certified Chern number, if there is one everywhere; must agree with that of samples."""
    proof = tp.certify_chern(h, n_occupied=n_occupied)
    assert proof.certified.all(), proof
    bands = h.n_occupied if n_occupied is None else n_occupied
    sampled = tp.chern_number(h.on_grid((n_k, n_k)), n_occupied=bands)
    np.testing.assert_array_equal(proof.value, sampled)
    return proof.value.tolist()


def plane(h, kz):
    """Two-dimensional Hamiltonian of a three-dimensional one at one kz."""
    rows = {}
    for m, (x, y, z) in enumerate(h.vectors.tolist()):
        part = np.exp(1j * kz * z) * h.amplitudes[..., m, :, :]
        rows[x, y] = rows.get((x, y), 0) + part
    return tp.FourierHamiltonian(rows, n_occupied=h.n_occupied, hermitian="average")


def energies(h, k):
    return np.linalg.eigvalsh(h.bloch(k))
