"""Certificates of censuses: false boxes and charges are refused, by copies that run alone."""

import copy
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import topophys as tp
from tests.markers import others_slow
from topophys.errors import InputError
from topophys.invariants import _census_files
from topophys.invariants.certificate_file import load, verify_certificate
from topophys.testing.weyl_nodes import draw

checker = pytest.importorskip("topophys.checker")
gap_checker = pytest.importorskip("topophys.gap_checker")
bundle_checker = pytest.importorskip("topophys.bundle_checker")
census_checker = pytest.importorskip("topophys.census_checker")
K0 = 1.0


def said(data):
    try:
        return checker.check(json.dumps(data))
    except checker.RejectedError as error:
        return f"rejected: {error}"


def is_true(data, nodes, charges):
    """Whether all touchings that algebra knows are in boxes, and charges those inside."""
    points = data["question"]["points"]
    held = np.zeros(len(nodes), int)
    for box in data["question"]["boxes"]:
        low, high = (np.array(box[name]) for name in ("low", "high"))
        off = (np.asarray(nodes) / (2.0 * np.pi) * points - low) % points
        inside = (off < high - low).all(1)
        held += inside
        if box["charge"] is not None and box["charge"] != np.asarray(charges)[inside].sum():
            return False
    found = sum(bool(box["charge"]) for box in data["question"]["boxes"])
    return bool((held == 1).all()) and data["claim"]["value"] == found


@pytest.fixture(scope="module")
def simple(tmp_path_factory):
    path = tmp_path_factory.mktemp("census") / "x.cert.json"
    found = tp.find_weyl_nodes(tp.models.weyl_semimetal(K0), depth=2)
    return load(found.save(path))


NODES, CHARGES = [[0.0, 0.0, K0], [0.0, 0.0, -K0]], [-1, 1]


def test_a_census_is_proven_again(simple):
    assert said(simple).startswith("Weyl census 2, gap at least 0.0")
    assert is_true(simple, NODES, CHARGES)


@pytest.mark.parametrize("seed", others_slow(range(4, 30), quick=[4]))
def test_censuses_of_algebraic_models_are_proven_again(seed, tmp_path):
    rng = np.random.default_rng([14, seed])
    known = draw(rng)
    while known.hamiltonian.n_bands > 4 or len(known.nodes) > 4:
        known = draw(rng)
    path = tp.find_weyl_nodes(known.hamiltonian, depth=3).save(tmp_path / "x.cert.json")
    assert verify_certificate(path).startswith(f"Weyl census {len(known.nodes)}, gap at least")
    assert is_true(load(path), known.nodes, known.charges)


def test_false_boxes_are_refused(simple):
    for change, words in (
        (lambda d: d["question"]["boxes"][0].update(charge=1), "the charge of a box is"),
        (lambda d: d["question"]["boxes"][0].update(charge=2), "the charge of a box is"),
        (lambda d: d["claim"].update(value=1), "the integer is 2, not 1"),
        (lambda d: d["question"]["boxes"].pop(), "the integer is 1, not 2"),
        (lambda d: d["question"]["boxes"].append(d["question"]["boxes"][0]), "boxes overlap"),
        (lambda d: d["question"].update(points=2 * d["question"]["points"]), "rejected"),
        (lambda d: d["question"]["boxes"][0]["high"].__setitem__(2, 10**6), "an integer must be"),
        (lambda d: d["question"]["boxes"][0]["low"].__setitem__(2, -40), "wider than the zone"),
        (lambda d: d["evidence"]["charges"][0].clear(), "keys must be"),
        (lambda d: d["evidence"].update(tree="0" * 512), "wrong length"),
    ):
        data = copy.deepcopy(simple)
        change(data)
        assert words in said(data), words
        assert said(data).startswith("rejected")


def test_without_a_box_its_cells_have_no_proof(simple):
    """The cells around a touching cannot be proven, whatever bases are put there."""
    data = copy.deepcopy(simple)
    data["question"]["boxes"].pop(0)
    data["evidence"]["charges"].pop(0)
    data["claim"]["value"] = 1
    assert said(data).startswith("rejected")


def test_a_box_may_be_left(simple):
    data = copy.deepcopy(simple)
    data["question"]["boxes"][0]["charge"] = None
    data["evidence"]["charges"][0] = {}
    data["claim"]["value"] = 1
    assert said(data).startswith("Weyl census 1")
    data["evidence"]["charges"][0] = {"start": [1, 1, 1]}
    assert said(data).startswith("rejected")


@pytest.mark.parametrize("count", others_slow([6, 300], quick=[6]))
def test_boxes_moved_at_random_are_accepted_only_where_they_are_true(count, simple):
    rng, accepted = np.random.default_rng(count), 0
    for _ in range(count):
        data = copy.deepcopy(simple)
        box = data["question"]["boxes"][int(rng.integers(2))]
        end, axis = rng.choice(["low", "high"]), int(rng.integers(3))
        turn = data["question"]["points"]
        step = int(rng.choice([-turn, -2, -1, 1, 2, turn]))
        box[end][axis] += step
        if rng.random() < 0.5:
            other = "low" if end == "high" else "high"
            box[other][axis] += step
        if not said(data).startswith("rejected"):
            accepted += 1
            assert is_true(data, NODES, CHARGES)
    # whole turns change nothing
    assert accepted > 0


def test_boxes_are_disjoint_modulo_the_zone():
    box = census_checker.Box
    one = box((-2, 0, 0), (2, 4, 4), None)
    for low, high, apart in (
        ((2, 0, 0), (6, 4, 4), True),
        ((14, 0, 0), (15, 4, 4), False),
        ((12, 1, 1), (14, 2, 2), True),
        ((12, 1, 1), (15, 2, 2), False),
        ((-1, 16, 1), (1, 17, 2), False),
        ((-1, 4, 1), (1, 16, 2), True),
    ):
        two = box(low, high, None)
        assert census_checker.apart(one, two, 16) is apart
        assert census_checker.apart(two, one, 16) is apart


def test_cells_lie_in_boxes_modulo_the_zone():
    leaf, box = checker.Leaf, census_checker.Box((-2, 0, 30), (2, 8, 36), None)
    for corner, edge, inside in (
        ((0, 0, 0), 4, True),
        ((28, 0, 0), 4, True),  # 28 / 32 of the zone is -2 / 16
        ((27, 0, 0), 4, False),
        ((0, 0, 28), 4, True),
        ((0, 0, 4), 4, True),
        ((0, 0, 5), 4, False),
        ((0, 13, 0), 4, False),
    ):
        given = leaf(corner, (edge,) * 3)
        assert census_checker.holds(box, 16, given, [32, 32, 32]) is inside


def test_what_cannot_be_saved(tmp_path):
    units = [tuple(v) for v in np.eye(3, dtype=int).tolist()]
    surface = tp.FourierHamiltonian(dict.fromkeys(units, 0.5 * np.diag([1.0, -1.0])))
    found = tp.find_weyl_nodes(surface, max_cells=600)
    assert not found.complete
    with pytest.raises(InputError, match="complete"):
        found.save(tmp_path / "x.cert.json")


@pytest.mark.process
def test_copies_of_four_files_check_censuses_without_the_package(simple, tmp_path):
    for module in (checker, gap_checker, bundle_checker, census_checker):
        shutil.copy(module.__file__, tmp_path)
    (tmp_path / "x.cert.json").write_text(json.dumps(simple))
    false = copy.deepcopy(simple)
    false["question"]["boxes"][1]["charge"] *= -1
    (tmp_path / "y.cert.json").write_text(json.dumps(false))
    for name, status, words in (("x", 0, "accepted: Weyl census 2"), ("y", 1, "rejected")):
        program = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.modules['numpy'] = None;"
            f" import checker; sys.exit(checker.main([{str(tmp_path / name)!r} + '.cert.json']))"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-c", program],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        assert words in done.stdout


def crowd(boxes, start):
    """A census of boxes one point wide, with a Hamiltonian that does not depend on k."""
    n = start[0] * start[1] * start[2]
    spots = [[i % 100 * 4000 + 1, i // 100 % 100 * 4000 + 1, 1] for i in range(boxes)]
    made = [{"low": x, "high": [a + 1 for a in x], "charge": None} for x in spots]
    words = "0x1.0000000000000p+0 0 0 0 0 0 -0x1.0000000000000p+0 0"
    question = {
        "quantity": "Weyl census", "dimension": 3, "bands": 2, "n_occupied": 1,
        "hoppings": [[[0, 0, 0], words]], "amplitude_error": "0", "points": 2**20, "boxes": made,
    }  # fmt: skip
    evidence = {
        "start": start, "depth": 0, "tree": "0" * n, "bases": "", "levels": "",
        "charges": [{}] * boxes,
    }  # fmt: skip
    return {
        "format": "topophys certificate", "version": 1, "question": question,
        "claim": {"value": 0, "gap_lower": "0"}, "evidence": evidence,
    }  # fmt: skip


def test_boxes_and_cells_out_of_proportion_are_refused_before_they_are_compared(monkeypatch):
    def compared(*_):
        raise AssertionError

    monkeypatch.setattr(census_checker, "holds", compared)
    assert "too many boxes for so many cells" in said(crowd(1000, [30, 30, 30]))
    monkeypatch.setattr(census_checker, "apart", compared)
    assert "too many boxes" in said(crowd(1001, [1, 1, 1]))
    # a megabyte of cells, of which none is made
    monkeypatch.setattr(checker, "product", compared)
    assert "too many cells" in said(crowd(0, [1000, 1000, 2]))


def test_hoppings_are_read_once_and_boxes_share_one_limit(simple, monkeypatch):
    read, work = [], []
    honest = gap_checker.Bands.waves

    def waves(self, point):
        found = honest(self, point)
        work.append(self.work)
        return found

    monkeypatch.setattr(
        census_checker, "Bands", lambda claim: read.append(claim) or gap_checker.Bands(claim)
    )
    monkeypatch.setattr(gap_checker.Bands, "waves", waves)
    assert said(simple).startswith("Weyl census 2")
    assert len(read) == 1
    assert work == sorted(work)
    vectors = len(simple["question"]["hoppings"]) - 1
    assert work[-1] == vectors * len(work)
    monkeypatch.setattr(gap_checker, "MAX_WAVES", work[-1] - 1)
    assert "too many hoppings" in said(simple)


def test_no_file_is_written_that_the_checker_would_refuse(monkeypatch, tmp_path):
    found = tp.find_weyl_nodes(tp.models.weyl_semimetal(K0), depth=2)
    monkeypatch.setattr(_census_files, "PAIRS", 100)
    with pytest.raises(InputError, match="at most 100 pairs"):
        found.save(tmp_path / "x.cert.json")
    monkeypatch.setattr(_census_files, "BOXES", 1)
    with pytest.raises(InputError, match="at most 1 boxes, but has 2"):
        found.save(tmp_path / "x.cert.json")
    assert list(tmp_path.iterdir()) == []


def test_limits_of_the_writer_are_those_of_the_checker():
    assert (_census_files.BOXES, _census_files.PAIRS) == (
        census_checker.MAX_BOXES,
        checker.MAX_WAVES,
    )
