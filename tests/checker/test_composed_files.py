"""Files of spin Chern numbers and Z2 indices: claims about a whole from proofs of its parts."""

import copy
import json

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError, UnresolvedError
from topophys.invariants._symmetry_files import indices_document
from topophys.invariants.certificate_file import load
from topophys.testing.certificates import claim_is_true, trial

checker = pytest.importorskip("topophys.checker")
S_Z = np.diag([0.5, 0.5, -0.5, -0.5])


def said(data):
    try:
        return checker.check(json.dumps(data))
    except checker.RejectedError as error:
        return f"rejected: {error}"


def hexed(x):
    return float(x).hex()


@pytest.fixture(scope="module")
def spins(tmp_path_factory):
    found = tp.spin_chern(tp.models.bhz([1.0, 5.0], delta=0.1), S_Z)
    return load(found.save(tmp_path_factory.mktemp("spins") / "x.cert.json", 0))


@pytest.fixture(scope="module")
def solids(tmp_path_factory):
    """Indices of planes of a strong insulator, and of all of an atomic one."""
    options = {"time_reversal": "up first", "method": "flux"}
    strong = tp.z2_indices_3d(tp.models.fu_kane_mele(0.8, 0.3), **options)
    two = np.diag([1.0, -1.0] * 2)
    h = tp.FourierHamiltonian({(0, 0, 0): -two, (0, 0, 1): 0.2 * two}, n_occupied=2)
    question, values, gap, bulk = tp.z2_indices_3d(h, prove_bulk=True, **options).asked_of_file(())
    assert bulk > 1.0
    return {
        "strong": load(strong.save(tmp_path_factory.mktemp("solids") / "x.cert.json")),
        "atoms": indices_document(question, values, gap, 0.25),  # few cells
    }


def test_files_of_textbook_phases(spins, solids):
    assert said(spins).startswith("spin Chern number, times two 2, gap at least 0.46")
    begins = {
        "strong": "Z2 indices of planes (1; 111), gap at least 0.6",
        "atoms": "Z2 indices (0; 000), gap at least 0.25",
    }
    for key, words in begins.items():
        assert said(solids[key]).startswith(words)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dt", "label"), [(0.8, "(1; 111)"), (-0.8, "(0; 111)"), (-3.1, "(1; 000)")]
)
def test_the_bulk_of_solids(dt, label, tmp_path):
    h = tp.models.fu_kane_mele(dt, 0.3)
    found = tp.z2_indices_3d(h, time_reversal="up first", method="flux", prove_bulk=True)
    data = load(found.save(tmp_path / "x.cert.json"))
    assert said(data).startswith(f"Z2 indices {label}, gap at least 0.")
    assert claim_is_true(data)
    data["claim"]["gap_lower"] = hexed(1.7)
    assert "gap may be smaller" in said(data)


def test_three_spins_of_which_one_is_empty(tmp_path):
    one = {R: np.kron(np.diag([1, 0, 0]), m) for R, m in tp.models.qwz(1.0).hoppings.items()}
    for R, m in tp.models.qwz(-1.0).hoppings.items():
        one[R] = one[R] + np.kron(np.diag([0, 0, 1]), m)
    one[0, 0] = one[0, 0] + np.kron(np.diag([0, 9.0, 0]), np.eye(2))
    spin = np.kron(np.diag([1.0, 0.2, -1.0]), np.eye(2))
    found = tp.spin_chern(tp.FourierHamiltonian(one, n_occupied=2), spin)
    data = load(found.save(tmp_path / "x.cert.json"))
    assert [part["n_occupied"] for part in data["evidence"]["sectors"]] == [1, 0, 1]
    assert said(data).startswith("spin Chern number, times two -2, gap")
    # the same halves with the spins exchanged: nothing is between them any more
    data["question"]["spin"] = data["question"]["spin"].replace("0x1.0", "0x0.0", 1)
    assert said(data).startswith("rejected")


def test_the_projected_spin_has_to_keep_its_gap(spins):
    """The same Hamiltonian and gap, but spins that are nearer than the violation allows."""
    data = copy.deepcopy(spins)
    data["claim"]["gap_lower"] = "0"
    violation = float.fromhex(data["question"]["symmetry_violation"])
    assert 0.09 < violation < 0.11
    words = data["question"]["spin"].split(" ")
    # one orbital of spin up has nearly the spin of those below, another one is far above
    for up, far in ((-0.49, 0.5), (-0.3, 5.0)):
        words[0], words[10] = hexed(up), hexed(far)
        data["question"]["spin"] = " ".join(words)
        assert said(data).startswith("rejected: the gap may be smaller on a cell")
    words[0], words[10] = hexed(-0.51), hexed(0.5)
    data["question"]["spin"] = " ".join(words)
    assert "spins of the halves are not apart" in said(data)


def test_sectors_of_a_spin_are_about_this_hamiltonian(spins):
    data = copy.deepcopy(spins)
    data["question"]["symmetry_violation"] = hexed(0.09)
    assert "violated by more" in said(data)
    data["question"]["symmetry_violation"] = hexed(0.3)  # true, and too much for this gap
    data["claim"]["gap_lower"] = "0"
    assert "gap may be smaller" in said(data)
    data = copy.deepcopy(spins)
    data["evidence"]["sectors"].reverse()
    assert said(data).startswith("rejected: the spins of the halves are not apart")
    data = copy.deepcopy(spins)
    for which in (0, 1):
        data["evidence"]["sectors"][which]["n_occupied"] = 2 * which
        data["evidence"]["sectors"][which] |= {"chern": 0, "cells": {}}
    data["claim"]["value"] = 0
    assert "not separated" in said(data)
    data = copy.deepcopy(spins)
    data["evidence"]["sectors"] = data["evidence"]["sectors"][:1]
    assert "two sectors or more" in said(data)
    data = copy.deepcopy(spins)
    data["question"]["amplitude_error"] = hexed(0.05)
    assert said(data).startswith("rejected")


def test_planes_are_those_of_this_solid(solids):
    good, other = solids["strong"], solids["atoms"]
    for what in ("planes exchanged", "planes of another solid", "another operator", "values"):
        data = copy.deepcopy(good)
        planes = data["evidence"]["planes"]
        if what == "planes exchanged":
            planes[0], planes[1] = planes[1], planes[0]
            words = "not those of its block"
        elif what == "planes of another solid":
            data["evidence"] = {"planes": copy.deepcopy(other["evidence"]["planes"])}
            data["claim"]["value"] = other["claim"]["value"]
            words = "not those of its block"
        elif what == "another operator":
            u = np.kron([[0, 1], [-1, 0]], np.diag([1.0, -1.0]))
            words = [hexed(x) if x else "0" for z in u.ravel() for x in (z, 0.0)]
            data["question"]["time_reversal"] = " ".join(words)
            words = "violated by more"
        else:
            planes[0]["z2"], planes[1]["z2"] = 1 - planes[0]["z2"], 1 - planes[1]["z2"]
            data["claim"]["value"] = 1011
            words = "the integer is"
        assert words in said(data), what


def test_directions_have_to_agree(solids):
    data = copy.deepcopy(solids["strong"])
    data["evidence"]["planes"][0]["z2"] = 1
    assert said(data).startswith("rejected")


def test_planes_alone_do_not_speak_of_the_bulk(solids):
    data = copy.deepcopy(solids["strong"])
    data["question"]["quantity"] = "Z2 indices"
    assert "keys must be" in said(data)
    data = copy.deepcopy(solids["atoms"])
    for key in ("start", "depth", "tree", "bases", "levels"):
        del data["evidence"][key]
    assert "keys must be" in said(data)
    data = copy.deepcopy(solids["atoms"])
    data["claim"]["gap_lower"] = hexed(2.1)
    assert "gap may be smaller" in said(data)


def test_a_violation_above_the_gap_is_refused(solids):
    data = copy.deepcopy(solids["strong"])
    data["question"]["symmetry_violation"] = hexed(1e300)
    assert "not above the violation" in said(data)


def test_work_of_all_parts_is_limited_together(solids):
    data = copy.deepcopy(solids["strong"])
    for part in data["evidence"]["planes"]:
        part["cells"]["tree"] = "0" * 999_999
    assert "too many hoppings for so many cells" in said(data)


def test_what_has_no_file(tmp_path):
    h = tp.models.bhz([1.0, 2.0])
    sampled = tp.spin_chern(h, S_Z, grid=12)
    with pytest.raises(UnresolvedError):
        sampled.save(tmp_path / "x", 0)
    with pytest.raises(InputError, match="`index`"):
        tp.spin_chern(h, S_Z).save(tmp_path / "x")
    atoms = tp.FourierHamiltonian({(0, 0, 0): np.diag([-1.0, 1.0] * 2)}, n_occupied=2)
    flow = tp.z2_indices_3d(atoms, prove=False)
    with pytest.raises(UnresolvedError):
        flow.save(tmp_path / "x")


def test_files_of_random_hamiltonians():
    assert trial("spin", 1, 4, 3)["wrong"] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spin", "Z2 indices"])
def test_many_files_of_random_hamiltonians(kind):
    found = trial(kind, 40, 10, 5)
    assert found["wrong"] == []
    assert sum(n.get("rejected", 0) for n in found["changes"].values()) > 200
