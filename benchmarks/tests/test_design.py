"""Upper bounds of the gap: no Hamiltonian that was drawn or designed violates them."""

import math

import numpy as np
import pytest

import topophys as tp
from benchmarks.experiments import design


@pytest.mark.parametrize("reach", [1, 2])
def test_no_random_hamiltonian_violates_the_bounds(reach):
    drawn = tp.ensembles.two_band(150, hopping_range=reach, rng=20 + reach)
    proof = tp.certify_chern(drawn)
    found = np.ma.getdata(proof.value)[proof.certified]
    gap = np.asarray(proof.gap_lower)[proof.certified]
    assert np.abs(found).max() >= 2
    assert np.abs(found).max() <= 4 * reach**2
    for chern, low in zip(found.tolist(), gap, strict=True):
        assert low <= design.largest_gap(chern, reach)


def test_what_was_designed_stays_below_the_bounds():
    found = [
        (given["chern"], given["range"], result)
        for given, result in design.STUDY.entries()
        if "error" not in result
    ]
    assert len(found) >= 13
    for chern, reach, result in found:
        assert result["gap_lower"] <= design.largest_gap(chern, reach)


def test_the_shares_that_the_sharper_bound_needs():
    """Weights of R_1 = 0 and of R_2 = 0, and both integrals, of designed ones of range 1."""
    for chern in (1, 2, 3):
        d = {
            tuple(int(c) for c in r.strip("[]").split(",")): np.array(v) @ [1.0, 1j]
            for r, v in design.best(chern, 1)["d"].items()
        }
        d = d | {(-a, -b): np.conj(v) for (a, b), v in d.items()}
        weight = {r: float((np.abs(v) ** 2).sum()) for r, v in d.items()}
        total = sum(weight.values())
        square = (design.best(chern, 1)["gap_lower"] / 2.0) ** 2
        slopes = []
        for axis in (0, 1):
            middle = sum(w for r, w in weight.items() if r[axis] == 0) / total
            assert middle >= square / 6.0
            slopes.append(sum(r[axis] ** 2 * w for r, w in weight.items()) / total)
        assert math.pi * math.sqrt(slopes[0] * slopes[1]) >= chern * square


def test_bounds_of_flat_bands_of_no_bands_and_of_large_integers():
    assert design.largest_gap(0, 1) == design.largest_gap(1, 3) == 2.0
    assert design.largest_gap(5, 1) == design.largest_gap(-17, 2) == 0.0
    assert design.largest_gap(-4, 1) == design.largest_gap(4, 1)
    # sharper than the bound of any range
    assert design.largest_gap(3, 1) < 2.0 < 2.0 * math.sqrt(math.pi / 3.0)
