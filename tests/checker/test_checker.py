"""The checker accepts what is proven, refuses everything else, and stands alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import topophys as tp
from benchmarks.checker import trial
from tests.certificate_trials import KINDS, claim_is_true, mutated, texts
from topophys.errors import InputError, UnresolvedError
from topophys.invariants.certificate_file import load, verify
from topophys.invariants.certificate_page import SCHEMA

flint = pytest.importorskip("flint")
checker = pytest.importorskip("topophys.checker")

#: Kinds whose check takes about a second: fewer changes of each file.
SLOW = ("bands", "Weyl", "gap 3D")


def verdict(text):
    try:
        return "accepted", checker.check(text)
    except checker.RejectedError as error:
        return "rejected", str(error)
    except checker.UnreadableError as error:
        return "unreadable", str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_real_certificates_are_accepted_and_false_ones_are_not(kind):
    rng = np.random.default_rng(11)
    for text in texts(kind):
        assert verdict(text)[0] == "accepted"
        for _ in range(4 if kind in SLOW else 8):
            changed, change = mutated(text, rng)
            said, why = verdict(changed)
            if said == "accepted" and changed != text:
                assert claim_is_true(json.loads(changed)), (change, why)


@pytest.mark.slow
def test_many_certificates_and_many_false_files():
    real, mutants, changes, seconds, wrong = trial(600, 6000, seed=7)
    assert wrong == []
    assert sum(real[kind, "accepted"] for kind in KINDS) == sum(map(len, seconds.values())) == 600
    assert real["error"] > 60
    changed = {name.removeprefix("field ") for name, _ in changes}
    assert {key for key, *_ in SCHEMA} - changed <= {"format", "version"}
    assert mutants["WRONG"] == 0
    assert mutants["rejected"] > 3000


@pytest.mark.parametrize("kind", KINDS)
def test_another_integer_and_a_larger_gap_are_refused(kind):
    text = texts(kind)[0]
    for step in (-1, 1) if kind in SLOW else (-2, -1, 1, 2):
        data = json.loads(text)
        data["claim"]["value"] += step
        assert verdict(json.dumps(data))[0] == "rejected"
    data = json.loads(text)
    gap = data["claim"]["gap_lower"]
    size = max(
        abs(float.fromhex(w)) for _, words in data["question"]["hoppings"] for w in words.split()
        if w != "0"
    )  # fmt: skip
    data["claim"]["gap_lower"] = (100.0 * size).hex()
    assert gap != data["claim"]["gap_lower"]
    assert verdict(json.dumps(data))[0] == "rejected"


def test_a_closed_gap_is_refused_with_any_evidence():
    """Cells of a gapped Hamiltonian, claimed for one whose gap closes between their corners."""
    gapped = json.loads(json.dumps(document_of_model(tp.certify_chern(tp.models.qwz(-1.0)))))
    closed = json.loads(json.dumps(document_of_model(tp.certify_chern(tp.models.qwz(-1.9)))))
    k = 0.37  # a touching at a momentum that is no corner
    for item in closed["question"]["hoppings"]:
        if item[0] == [0, 0]:
            m = -2.0 * np.cos(k)
            item[1] = " ".join([m.hex(), "0", "0", "0", "0", "0", (-m).hex(), "0"])
    for tree in (gapped["evidence"], closed["evidence"]):
        data = {**closed, "evidence": tree}
        for value in (-1, 0, 1):
            data["claim"] = {"value": value, "gap_lower": "0"}
            assert verdict(json.dumps(data))[0] in ("rejected", "accepted")
            if verdict(json.dumps(data))[0] == "accepted":
                assert claim_is_true(data)


def document_of_model(found):
    from topophys.invariants.certificate_file import document_of
    from topophys.invariants.evidence import Proof

    return document_of(Proof(found.asked.question(())), int(found.value), float(found.gap_lower))


def test_a_copy_of_the_file_runs_without_the_package(tmp_path):
    tp.certify_winding(tp.models.ssh([2.0, 1.0], [1.0, 2.0])).save(tmp_path / "x.cert.json", 1)
    data = json.loads((tmp_path / "x.cert.json").read_text())
    data["claim"]["value"] = 0
    (tmp_path / "wrong.json").write_text(json.dumps(data))
    (tmp_path / "text.json").write_text("not a certificate")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    shutil.copy(checker.__file__, tmp_path / "alone.py")
    run = (
        "import sys, runpy; sys.modules.update(numpy=None, numba=None, topophys=None, scipy=None);"
        "sys.argv = ['alone.py', *sys.argv[1:]]; runpy.run_path('alone.py', run_name='__main__')"
    )
    for names, status, word in [
        (["x.cert.json"], 0, "accepted: winding number 1"),
        (["wrong.json"], 1, "rejected: the integer is 1, not 0"),
        (["text.json"], 2, "unreadable"),
        (["bytes.json"], 2, "unreadable"),
        (["missing.json"], 2, "unreadable"),
        (["x.cert.json", "wrong.json"], 1, "rejected"),
    ]:
        done = subprocess.run(
            [sys.executable, "-c", run, *names], cwd=tmp_path, capture_output=True, text=True,
            check=False, env={"PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        assert word in done.stdout
        assert not done.stderr


def test_the_module_runs_by_name(tmp_path, capsys):
    path = tp.certify_chern(tp.models.qwz(-1.0)).save(tmp_path / "x.cert.json")
    assert checker.main([str(path)]) == 0
    assert "Chern number 1" in capsys.readouterr().out
    assert verify(path).startswith("Chern number 1")
    assert load(path)["claim"]["value"] == 1


def test_save_refuses_what_is_no_single_proof(tmp_path):
    proof = tp.certify_winding(tp.models.ssh([1.0, 1.0], [2.0, 1.0]))
    with pytest.raises(InputError, match="`index`"):
        proof.save(tmp_path / "x")
    with pytest.raises(InputError, match="`index`"):
        proof.save(tmp_path / "x", 2)
    with pytest.raises(UnresolvedError):
        proof.save(tmp_path / "x", 1)
    assert not list(tmp_path.iterdir())
    assert proof.save(tmp_path / "x", 0).exists()
    (tmp_path / "y").write_text("{}")
    with pytest.raises(InputError, match="no certificate"):
        load(tmp_path / "y")
    with pytest.raises(InputError, match="not accepted"):
        verify(tmp_path / "y")


HOSTILE = {
    "nested": "[" * 10**6,
    "nested in a certificate": '{"format":"topophys certificate","version":1,"question":'
    + "[" * 10**5 + "]" * 10**5 + ',"claim":{},"evidence":{}}',
    "huge integer": '{"format":"topophys certificate","version":' + "9" * 10**6 + "}",
    "nan": '{"format":"topophys certificate","version":NaN}',
    "list": "[1]",
    "empty": "",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_in_one_line(name):
    assert verdict(HOSTILE[name])[0] in ("rejected", "unreadable")


def hostile_evidence():
    """Small files that ask for large work or memory."""
    text = texts("chain")[0]
    data = json.loads(text)
    for change in (
        {"start": [10**6]}, {"start": [10**18]}, {"depth": 48, "tree": "1" * 40}, {"depth": -1},
        {"tree": "0" * 10**6}, {"depth": 10**9}, {"start": []}, {"start": [0]},
    ):  # fmt: skip
        yield {**data, "evidence": {**data["evidence"], **change}}
    for block, span in ((16, 10**6), (2, 10**6), (1, 10**6), (256, 1)):
        one = " ".join(["0x1.0000000000000p+0", "0"] * block**2)
        question = {**data["question"], "block": block, "hoppings": [[[0], one], [[span], one]]}
        yield {**data, "question": question}
    text = texts("gap 1D")[0]
    data = json.loads(text)
    for change in ({"bands": 256}, {"bands": 10**9}, {"dimension": 3}, {"dimension": 10**9}):
        yield {**data, "question": {**data["question"], **change}}
    yield {**data, "evidence": {**data["evidence"], "tree": "0" * 10**5, "start": [10**5]}}


@pytest.mark.parametrize("number", range(17))
def test_hostile_evidence_is_refused_without_much_work(number):
    cases = list(hostile_evidence())
    assert len(cases) == 17
    assert verdict(json.dumps(cases[number]))[0] == "rejected"


def matrix(rng, rows, cols):
    a = rng.normal(size=(rows, cols)) + 1j * rng.normal(size=(rows, cols))
    return a, fixed(a)


def fixed(a):
    return checker.fixed_point(a.real.ravel().tolist(), a.imag.ravel().tolist(), *a.shape)


def test_norms_and_eigenvalues_are_bounds():
    rng = np.random.default_rng(0)
    for _ in range(30):
        rows, cols = rng.integers(1, 7, 2).tolist()
        a, x = matrix(rng, rows, cols)
        norm, bound = np.linalg.norm(a, 2), checker.norm(x, checker.BITS)
        assert norm * (1 - 1e-12) <= float(bound.mid()) <= 1.3 * norm
        n = rows
        a, x = matrix(rng, n, n)
        a, x = a + a.conj().T, x + x.adjoint()
        top = np.linalg.eigvalsh(a)[-1]
        scaled = x.scaled(1 << (2 * checker.BITS + 2))
        found = float(checker.highest(scaled, float(top) + 1e-12).mid())
        assert top - 1e-14 <= found <= top + 1e-10
        with pytest.raises(checker.RejectedError):
            checker.highest(scaled, float(top) - 1e-9)


def test_polar_factors_phases_and_pfaffians_are_enclosed():
    rng = np.random.default_rng(1)
    for n in (1, 2, 3, 6):
        q = np.linalg.qr(matrix(rng, n, n)[0])[0]
        rough = q.astype(np.complex64).astype(complex)  # as in a file
        u, off = checker.unitary(fixed(rough))
        left, _, right = np.linalg.svd(rough)
        got = np.array(u.values(checker.BITS))
        assert float(off.mid()) < 1e-14
        assert np.linalg.norm(got - left @ right, 2) < float(off.mid()) + 1e-15 * n
        ball = checker.determinant_phase(
            fixed(q).scaled(1 << checker.BITS),
            checker.arb(1e-15), checker.arb(0.9),
        )  # fmt: skip
        turn = np.exp(1j * float(ball.mid()))
        assert abs(turn - np.linalg.det(q)) < 1e-12
    for n in (2, 4, 6, 8):
        a = matrix(rng, n, n)[0]
        a = a - a.T
        entries = [[checker.acb(z.real, z.imag) for z in row] for row in a.tolist()]
        found = checker.pfaffian(entries)
        square = complex(found * found)
        assert abs(square - np.linalg.det(a)) < 1e-9 * abs(square)


def test_far_from_orthonormal_is_refused():
    x = fixed(np.diag([1.1, 1.0]))
    with pytest.raises(checker.RejectedError, match="orthonormal"):
        checker.unitary(x)


def test_solid_angles_of_an_octant_and_its_mirror_image():
    x, y, z = ([checker.arb(int(i == j)) for j in range(3)] for i in range(3))
    eighth = 4 * np.pi / 8
    assert float(checker.solid_angle(x, y, z).mid()) == pytest.approx(eighth)
    assert float(checker.solid_angle(y, x, z).mid()) == pytest.approx(-eighth)


def test_one_file_without_the_package():
    source = Path(checker.__file__).read_text(encoding="utf-8")
    imported = {
        line.split()[1].partition(".")[0]
        for line in source.splitlines() if line.startswith(("import ", "from "))
    }  # fmt: skip
    assert imported - set(sys.stdlib_module_names) == {"flint"}
