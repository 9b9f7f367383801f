"""A million tiny Hamiltonians in one call: right, and in a stated multiple of their own memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.testing.hardening import batches

#: Bytes that a call may take for each byte of its argument.
SHARE = 12
MANY = 1_000_000


def peak_of(function, *arguments):
    """What a call gives, and the most memory that was taken during it."""
    plain(function)(*(a[:10] for a in arguments))  # compiled, which takes memory once
    tracemalloc.start()
    found = plain(function)(*arguments)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found, peak


def test_windings_of_a_million_short_chains():
    rng = np.random.default_rng(5)
    t = rng.uniform(0.5, 1.5, (MANY, 2))
    circle = np.exp(2j * np.pi * np.arange(8) / 8 - 1j * np.pi)
    blocks = (t[:, :1] + t[:, 1:] * circle)[..., None, None]
    clear = np.abs(t[:, 0] - t[:, 1]) > 0.2
    found, peak = peak_of(tp.winding_number, blocks[clear])
    np.testing.assert_array_equal(found, t[clear, 1] > t[clear, 0])
    assert peak < SHARE * blocks[clear].nbytes


@pytest.mark.slow
def test_proofs_of_a_million_chains():
    rng = np.random.default_rng(6)
    t = rng.uniform(0.5, 1.5, (MANY, 2))
    chains = plain(tp.models.ssh)(t[:, 0], t[:, 1])
    proof, peak = peak_of(tp.certify_winding, chains)
    done = proof.certified
    np.testing.assert_array_equal(proof.value[done], (t[:, 1] > t[:, 0])[done])
    assert done.mean() > 0.999
    assert peak < 40 * SHARE * t.nbytes


@pytest.mark.parametrize("name", batches.BATCHES)
def test_the_batches_of_the_table_are_right(name, monkeypatch):
    monkeypatch.setattr(batches, "PIECE", 150)
    found = plain(batches.attempt)(name, 400)
    assert (found.items, found.answered, found.wrong) == (400, 400, 0)
    assert found.calls == (3 if "certify" in name else 1)


def test_wrong_answers_of_a_batch_are_counted(monkeypatch):
    def worse(*arguments, **options):
        return 1 - winding_number(*arguments, **options)

    winding_number = tp.winding_number
    monkeypatch.setattr(tp, "winding_number", worse)
    assert plain(batches.attempt)("`winding_number` of samples", 50).wrong == 50
