"""Certificates of mirror sectors and Kramers pairs: what is false about their symmetries."""

import copy
import json

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError, UnresolvedError
from topophys.invariants.certificate_file import load, verify_certificate
from topophys.testing.certificates import claim_is_true, trial

checker = pytest.importorskip("topophys.checker")
MIRROR = np.diag([1j, 1j, -1j, -1j])


def said(data):
    try:
        return checker.check(json.dumps(data))
    except checker.RejectedError as error:
        return f"rejected: {error}"


@pytest.fixture(scope="module")
def sectors(tmp_path_factory):
    path = tmp_path_factory.mktemp("sectors") / "x.cert.json"
    found = tp.mirror_chern(tp.models.bhz([1.0, -1.0, 5.0]), mirror=MIRROR)
    assert found.value[0] == 1.0
    return load(found.save(path, 0))


def kramers(p, q, share):
    """D = [[0, f(k)], [-f(-k), 0]] with f = e^(ipk) + share e^(iqk): the number is p modulo 2."""
    block = {}
    for r, i, j, x in ((p, 0, 1, 1.0), (q, 0, 1, share), (-p, 1, 0, -1.0), (-q, 1, 0, -share)):
        block.setdefault(r, np.zeros((2, 2), complex))[i, j] += x
    hop = {}
    for r in sorted({*block, *(-r for r in block)}):
        d, other = (block.get(s, np.zeros((2, 2))) for s in (r, -r))
        a, b = 0.5 * (d + other.conj().T), 0.5j * (d - other.conj().T)
        hop[r,] = np.block([[a, b], [b, -a]])
    return tp.FourierHamiltonian(hop, n_occupied=2)


def chain(p, q, share, path, turn=None):
    flip = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2))
    h, v = kramers(p, q, share), np.eye(4) if turn is None else turn
    moved = {tuple(r): v @ x @ v.conj().T
             for r, x in zip(h.vectors.tolist(), h.amplitudes, strict=True)}  # fmt: skip
    proof = tp.majorana_number(
        tp.FourierHamiltonian(moved, n_occupied=2), particle_hole=v @ v.T,
        time_reversal=1j * v @ flip @ v.T,
    )  # fmt: skip
    return proof.save(path)


@pytest.mark.parametrize(("p", "q"), [(0, 1), (1, 2), (2, 0), (3, 1)])
def test_kramers_pairs_of_textbook_blocks(p, q, tmp_path):
    rng = np.random.default_rng(p)
    turn = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    for v in (None, turn):
        path = chain(p, q, 0.3, tmp_path / "x.cert.json", v)
        assert verify_certificate(path).startswith(f"Majorana Kramers number {p % 2}, gap")
        assert claim_is_true(load(path))


def test_other_symmetries_and_blocks_of_kramers_pairs_are_refused(tmp_path):
    good = load(chain(1, 2, 0.3, tmp_path / "x.cert.json"))
    other = load(chain(2, 1, 0.3, tmp_path / "y.cert.json"))
    assert not said(good).startswith("rejected")
    for part, key, word in (
        ("evidence", "hoppings", "not that of the Hamiltonian"),
        ("question", "hoppings", "not that of the Hamiltonian"),
    ):
        data = copy.deepcopy(good)
        data[part][key] = other[part][key]
        assert word in said(data)
    data = copy.deepcopy(good)
    data["question"]["time_reversal"] = good["question"]["particle_hole"]
    assert "basis is not that of the symmetries" in said(data)
    data = copy.deepcopy(good)
    data["evidence"]["basis"] = data["evidence"]["basis"].replace("0x1.0", "-0x1.0", 1)
    assert said(data).startswith("rejected")
    # a term that no symmetry allows, larger than the stated violation
    data = copy.deepcopy(good)
    data["question"]["hoppings"].insert(0, [[0], " ".join(["0x1.0000000000000p-4", *["0"] * 31])])
    assert "violated by more" in said(data)
    data["question"]["symmetry_violation"] = "0x1.0000000000000p-4"
    assert said(data).startswith("rejected")  # the gap that is claimed is not left
    data["claim"]["gap_lower"] = "0x1.0000000000000p-3"
    assert not said(data).startswith("rejected")


def test_sectors_cannot_be_exchanged_or_coupled(sectors):
    assert said(sectors).startswith("mirror Chern number, times two 2, gap")
    assert claim_is_true(sectors)
    data = copy.deepcopy(sectors)
    first, second = data["question"]["eigenvalues"].split(" "), None
    second = first[2:] + first[:2]
    data["question"]["eigenvalues"] = " ".join(second)
    assert "not those of the mirror" in said(data)
    data["evidence"]["sectors"].reverse()
    assert "the integer is -2" in said(data)
    data["claim"]["value"] = -2
    assert said(data).startswith("mirror Chern number, times two -2")
    data = copy.deepcopy(sectors)
    home = next(item for item in data["question"]["hoppings"] if item[0] == [0, 0])
    words = home[1].split(" ")
    words[4] = words[16] = "0x1.0000000000000p-6"  # entries (0, 2) and (2, 0)
    home[1] = " ".join(words)
    assert "violated by more" in said(data)


def test_numbers_and_fillings_of_sectors_are_proven(sectors):
    for which in (0, 1):
        data = copy.deepcopy(sectors)
        data["evidence"]["sectors"][which]["chern"] += 1
        data["claim"]["value"] += 1 - 2 * which
        assert said(data).startswith("rejected: the integer is")
    data = copy.deepcopy(sectors)
    for which, count in ((0, 2), (1, 0)):
        part = data["evidence"]["sectors"][which]
        part |= {"n_occupied": count, "chern": 0, "cells": {}}
    data["claim"]["value"] = 0
    assert "not separated" in said(data)
    data = copy.deepcopy(sectors)
    data["evidence"]["sectors"][0]["hoppings"] = data["evidence"]["sectors"][1]["hoppings"]
    assert "not those of its block" in said(data)
    data = copy.deepcopy(sectors)
    data["evidence"]["sectors"][0]["basis"] = data["evidence"]["sectors"][1]["basis"]
    assert said(data).startswith("rejected")


def test_what_cannot_be_saved(tmp_path):
    h = tp.models.bhz([1.0, 2.0])
    found = tp.mirror_chern(h, mirror=MIRROR)
    with pytest.raises(InputError, match="`index`"):
        found.save(tmp_path / "x")
    closed = tp.mirror_chern(tp.models.bhz(0.0), mirror=MIRROR)
    with pytest.raises(UnresolvedError):
        closed.save(tmp_path / "x")
    three = tp.mirror_chern(h, mirror=np.diag([1.0, 1.0, 1j, -1j]))
    if three.resolved.all():
        with pytest.raises(InputError, match="two sectors"):
            three.save(tmp_path / "x", 0)


def test_violations_are_stated_as_the_checker_bounds_them():
    """Couplings of every rank: their operator norm alone is below the bound of the checker."""
    assert trial("mirror", 12, 1, 7)["wrong"] == []
