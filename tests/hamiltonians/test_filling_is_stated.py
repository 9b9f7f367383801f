"""Half filling is never assumed without a word: Hamiltonians and results say so."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp

HALF = "half of the bands"


def four_bands(dim, **options):
    """Two copies of a model, which name a filling only where it is given."""
    h = {2: tp.models.qwz(-1.0), 3: tp.models.weyl_semimetal(1.0)}[dim]
    hops = {
        tuple(v): np.kron(np.diag([1.0, 1.5]), a)
        for v, a in zip(h.vectors.tolist(), h.amplitudes, strict=True)
    }
    return tp.FourierHamiltonian(hops, **options)


RESULTS = {
    "certify_gap": tp.certify_gap,
    "certify_gap, indirect": lambda h, **o: tp.certify_gap(h, kind="indirect", **o),
    "certify_chern": tp.certify_chern,
    "certify_equivalent": lambda h, **o: tp.certify_equivalent(h, h, **o),
    "cluster_phases": lambda h, **o: tp.cluster_phases([h, h], **o),
    "certify_phases": lambda h, **o: tp.certify_phases(
        lambda m: m * h, {"m": (1.0, 1.1)}, dependence={"m": "affine"}, **o
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_say_it(name):
    assert HALF in repr(RESULTS[name](four_bands(2)))
    # certificates say of the Hamiltonian that it names none, also where the call did
    if name not in ("certify_gap", "certify_gap, indirect", "certify_chern"):
        assert HALF not in repr(RESULTS[name](four_bands(2), n_occupied=2))
    assert HALF not in repr(RESULTS[name](four_bands(2, n_occupied=2)))
    assert HALF not in repr(RESULTS[name](tp.models.qwz(-1.0)))


def test_a_census_says_it():
    assert HALF in repr(tp.find_weyl_nodes(four_bands(3), depth=1, max_cells=2))
    assert HALF not in repr(tp.find_weyl_nodes(four_bands(3), depth=1, max_cells=2, n_occupied=2))


def test_hamiltonians_say_it():
    assert "4 bands (2 occupied, half by default)" in repr(four_bands(2))
    assert "4 bands (2 occupied)" in repr(four_bands(2, n_occupied=2))
    assert "(2 occupied, half by default)" in repr(four_bands(2) * 2.0 + four_bands(2))
    assert "(2 occupied)" in repr(four_bands(2) + four_bands(2, n_occupied=2))
    sampled = tp.from_callable(four_bands(2).bloch, 2)
    assert "(2 occupied, half by default)" in repr(sampled)
    assert "(2 occupied)" in repr(tp.from_callable(four_bands(2).bloch, 2, n_occupied=2))


def test_what_leaves_no_choice_says_nothing():
    """Two bands, chiral chains, and models and ensembles, which name a filling."""
    chain = tp.ensembles.aiii_chains(1, n_orbitals=3, rng=1)[0]
    for h in (tp.models.ssh(1.0, 2.0), chain, 2.0 * chain, chain + chain, tp.models.bhz(1.0),
              tp.models.qwz(1.0), tp.ensembles.class_a(1, n_bands=4, rng=1)[0]):  # fmt: skip
        assert "default" not in repr(h)
    assert HALF not in repr(tp.certify_gap(chain))
