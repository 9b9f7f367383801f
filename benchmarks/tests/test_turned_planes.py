"""Bases of planes are turned: symmetry and energies stay, the Pfaffian in some ways too."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.experiments import parity


@pytest.fixture(scope="module")
def flat():
    rng = np.random.default_rng(3)
    h = parity.tp.ensembles.time_reversal_planes(4, rng=rng)
    return parity.samples_of(h, parity.Task(6, 0.0, 0.0), rng).numpy()


def test_turned_planes_have_the_symmetry_but_for_the_control(flat):
    flip, before = parity.REVERSAL.numpy(), parity.modulus(flat)
    for name, u in parity.turns(len(flat), 6, 1):
        turned = u @ flat @ u.conj().swapaxes(-1, -2)
        np.testing.assert_allclose(turned @ turned - flat @ flat, 0.0, atol=1e-12)
        opposite = np.roll(np.flip(turned, (1, 2)), 1, (1, 2))  # the grid begins at -pi
        off = np.abs(flip @ turned.conj() @ flip.T - opposite).max()
        assert (off < 1e-12) != ("another" in name)
        moved = np.abs(parity.modulus(turned) - before).max()
        assert (moved > 1e-3) == ("moved" in name or "another" in name)
