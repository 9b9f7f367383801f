"""The checker accepts what is proven, refuses everything else, and stands alone."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError, UnresolvedError
from topophys.invariants.certificate_file import document_of, load, verify_certificate
from topophys.invariants.evidence import Proof
from topophys.testing.certificates import (
    KINDS,
    claim_is_true,
    fields,
    hoppings_of,
    mutated,
    texts,
    trial,
)
from topophys.testing.oracles import block_winds

flint = pytest.importorskip("flint")
checker = pytest.importorskip("topophys.checker")
bundle_checker = pytest.importorskip("topophys.bundle_checker")
gap_checker = pytest.importorskip("topophys.gap_checker")
symmetry_checker = pytest.importorskip("topophys.symmetry_checker")
degree_checker = pytest.importorskip("topophys.degree_checker")
census_checker = pytest.importorskip("topophys.census_checker")
#: Files that prove certificates, each to be copied.
FILES = (checker, gap_checker, bundle_checker, symmetry_checker, degree_checker, census_checker)

ROOT = Path(__file__).parents[2]
#: Kinds whose check takes about a second: fewer changes of each file.
SLOW = ("bands", "Weyl", "gap 3D", "axion")


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
@pytest.mark.parametrize("kind", KINDS)
def test_many_certificates_and_many_false_files(kind):
    found = trial(kind, *((40, 20) if kind in SLOW else (80, 40)), seed=7)
    assert found["wrong"] == []
    assert found["uncertain"] > 4
    total = sum((Counter(counts) for counts in found["changes"].values()), Counter())
    assert total["WRONG"] == 0
    assert total["rejected"] > 0.6 * total.total()
    known = {name for name, *_ in fields(json.loads(texts(kind)[0]))}
    assert known <= {name.removeprefix("field ") for name in found["changes"]}


@pytest.mark.parametrize("kind", KINDS)
def test_another_integer_and_a_larger_gap_are_refused(kind):
    text = texts(kind)[0]
    for step in (-1, 1) if kind in SLOW else (-2, -1, 1, 2):
        data = json.loads(text)
        data["claim"]["value"] += step
        assert verdict(json.dumps(data))[0] == "rejected"
    data = json.loads(text)
    gap = data["claim"]["gap_lower"]
    asked = data["question"]
    some = [words for _, words in asked["hoppings"]] if "hoppings" in asked else [asked["matrix"]]
    size = max(abs(float.fromhex(w)) for words in some for w in words.split() if w != "0")
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


@pytest.mark.parametrize("share", [0.1, 0.3, 0.4, 0.49])
def test_z2_of_all_hamiltonians_within_a_large_error(share):
    u = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2))
    found = tp.z2_invariant(tp.models.bhz(-1.0), n_occupied=2, method="flux", time_reversal=u)
    gap = float(found.gap_lower)
    question = replace(found.asked.question(()), amplitude_error=share * gap)
    data = document_of(Proof(question), int(found.value), (1.0 - 2.0 * share) * gap * (1 - 1e-6))
    said, why = verdict(json.dumps(data))
    assert said == "accepted", why


def document_of_model(found):
    return document_of(Proof(found.asked.question(())), int(found.value), float(found.gap_lower))


#: Runs a script where nothing of this package, nor what it needs, can be imported.
BARE = (
    "import sys, runpy; sys.modules.update(numpy=None, numba=None, topophys=None, scipy=None);"
    "sys.path.insert(0, ''); sys.argv = sys.argv[1:];"
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


def bare(folder, script, *names):
    """What a copy of a checker says of files, run without the package."""
    return subprocess.run(
        [sys.executable, "-c", BARE, script, *names], cwd=folder, capture_output=True, text=True,
        check=False, env={"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


@pytest.mark.process
def test_a_copy_of_the_file_runs_without_the_package(tmp_path):
    """Chains and gaps need one file only, under any name."""
    tp.certify_winding(tp.models.ssh([2.0, 1.0], [1.0, 2.0])).save(tmp_path / "x.cert.json", 1)
    data = json.loads((tmp_path / "x.cert.json").read_text())
    data["claim"]["value"] = 0
    (tmp_path / "wrong.json").write_text(json.dumps(data))
    (tmp_path / "text.json").write_text("not a certificate")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "plane.json").write_text(texts("two bands")[0])
    shutil.copy(checker.__file__, tmp_path / "alone.py")
    for names, status, word in [
        (["x.cert.json"], 0, "accepted: winding number 1"),
        (["wrong.json"], 1, "rejected: the integer is 1, not 0"),
        (["text.json"], 2, "unreadable"),
        (["bytes.json"], 2, "unreadable"),
        (["missing.json"], 2, "unreadable"),
        (["plane.json"], 2, "unreadable: Chern number: needs bundle_checker.py beside checker.py"),
        (["x.cert.json", "wrong.json"], 1, "rejected"),
    ]:
        done = bare(tmp_path, "alone.py", *names)
        assert done.returncode == status, done.stdout + done.stderr
        assert word in done.stdout
        assert not done.stderr


@pytest.mark.process
def test_copies_of_all_files_check_all_kinds_without_the_package(tmp_path):
    for module in FILES:
        shutil.copy(module.__file__, tmp_path)
    names, false = [], []
    for kind in KINDS:
        data = json.loads(text := texts(kind)[0])
        names.append(f"{kind}.json")
        (tmp_path / names[-1]).write_text(text)
        data["claim"]["value"] += 1
        false.append(f"false {kind}.json")
        (tmp_path / false[-1]).write_text(json.dumps(data))
    done = bare(tmp_path, "checker.py", *names)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("accepted") == len(KINDS)
    done = bare(tmp_path, "checker.py", *false)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("rejected") == len(KINDS)


@pytest.mark.process
def test_the_module_checks_all_kinds_as_a_program(tmp_path):
    names = []
    for kind in KINDS:
        names.append(tmp_path / f"{kind}.json")
        names[-1].write_text(texts(kind)[0])
    done = subprocess.run([sys.executable, "-m", "topophys.checker", *names], cwd=ROOT,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("accepted") == len(KINDS)


def test_the_module_runs_by_name(tmp_path, capsys):
    path = tp.certify_chern(tp.models.qwz(-1.0)).save(tmp_path / "x.cert.json")
    assert checker.main([str(path)]) == 0
    assert "Chern number 1" in capsys.readouterr().out
    assert verify_certificate(path).startswith("Chern number 1")
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
        verify_certificate(tmp_path / "y")


def changed(data, part, **fields):
    return json.dumps({**data, part: {**data[part], **fields}})


def hostile():  # noqa: C901, PLR0912  (one attack after the other)
    """Texts of little size that ask for much work or memory, or are no certificates."""
    head = '{"format":"topophys certificate","version":1,'
    yield from ("", "[1]", "NaN", "[" * 10**6, '{"a":' * 10**5, '"' + "\\ud800" * 10**5 + '"')
    yield head + '"question":' + "[" * 10**5 + "]" * 10**5 + ',"claim":{},"evidence":{}}'
    for version in ("9" * 10**6, "NaN", "1.0", "true", json.dumps("x" * 10**6)):
        yield head.replace(":1,", f":{version},") + '"question":{},"claim":{},"evidence":{}}'
    yield head + '"question":{},' * 10**5 + '"claim":{},"evidence":{}}'
    chain, line, plane, bands, box = (
        json.loads(texts(kind)[0]) for kind in ("chain", "gap 1D", "two bands", "bands", "Weyl")
    )
    one = "0x1.0000000000000p+0"
    for word in ("nan", "inf", "0x1p+99999", "0x1." + "0" * 10**6 + "p+0", 1, None):
        yield changed(chain, "claim", gap_lower=word)
        yield changed(chain, "question", amplitude_error=word)
        yield changed(box, "question", half_width=[word] * 3)
    for value in (10**17, -(10**17), "1", True, [], {}):
        yield changed(chain, "claim", value=value)
    for change in (
        {"start": [10**6]}, {"start": [10**18]}, {"depth": 48, "tree": "1" * 40}, {"depth": -1},
        {"tree": "0" * 10**6}, {"depth": 10**9}, {"start": []}, {"start": [0]},
        {"tree": "1" * 10**6},
    ):  # fmt: skip
        yield changed(chain, "evidence", **change)
    for block, span in ((16, 10**6), (2, 10**6), (1, 10**6), (16, 20_000), (256, 1)):
        terms = [[[r], " ".join([one, "0"] * block**2)] for r in (0, span)]
        yield changed(chain, "question", block=block, hoppings=terms)
    for change in ({"bands": 256}, {"bands": 10**9}, {"dimension": 3}, {"dimension": 10**9}):
        yield changed(line, "question", **change)
    for change in (
        {"tree": "0" * 10**5, "start": [10**5]}, {"bases": "!" * 10**6}, {"bases": "=" * 10**5},
        {"levels": "A"}, {"bases": "A" * len(line["evidence"]["bases"])},
    ):  # fmt: skip
        yield changed(line, "evidence", **change)
    for start in ([10**6, 10**6], [10**6, 1], [1, 10**6]):
        yield changed(plane, "evidence", start=start)
    # each is read in no time, but every cell needs every hopping
    many = [
        [[0, 0], f"{one} 0 0 0 0 0 -{one} 0"],
        *([[0, r], "0 0 0 0 0 0 0 0"] for r in range(1, 2000)),
    ]
    cells = {"start": [128, 128], "depth": 4, "tree": "0" * 128**2}
    yield changed({**plane, "evidence": cells}, "question", hoppings=many)
    for name in ("thin", "points"):
        part = bands["evidence"][name]
        for key in part:
            for value in ("2" * 10**5, [[2**62, 0]] * 10**4, [[0] * 10**5], "A" * 10**6, None):
                yield changed(bands, "evidence", **{name: {**part, key: value}})
    for faces in ([], [{}] * 6, [[]] * 10**5, [box["evidence"]["faces"][0]] * 7):
        yield changed(box, "evidence", faces=faces)
    yield changed(box, "evidence", start=[10**6] * 3)
    solid, four, sample = (
        json.loads(texts(kind)[0]) for kind in ("3D winding", "second Chern", "localizer")
    )
    for start in ([10**6] * 3, [48] * 3, [0, 1, 1]):
        yield changed(solid, "evidence", start=start, tree="0" * 48**3)
    for start in ([10**6] * 4, [32] * 4, [20] * 4, [16, 16, 16, 1]):
        yield changed(four, "evidence", start=start, tree="0" * 20**4)
    for orbitals in (10**9, 400, 0):
        yield changed(sample, "question", orbitals=orbitals)


@pytest.mark.process
def test_hostile_files_end_in_one_line_soon_and_with_little_memory(tmp_path):
    """All in one process: 2 s of one processor for each, 300 MB resident, 600 MB of addresses."""
    names = []
    for number, text in enumerate(hostile()):
        names.append(f"{number}.json")
        (tmp_path / names[-1]).write_text(text)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    names += ["fifo", "folder", "loop", "zeros", "sparse", "x" * 1000]
    run = (
        "import resource, sys, time; sys.path.insert(0, sys.argv[1]); import checker;"
        "resource.setrlimit(resource.RLIMIT_AS, (600 * 2**20,) * 2)\n"
        "for name in sys.argv[2:]:\n"
        "    start = time.process_time(); status = checker.main([name])\n"
        "    print(status, time.process_time() - start)\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", run, str(Path(checker.__file__).parent), *names], cwd=tmp_path,
        capture_output=True, text=True, check=False, env={"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert not done.stderr
    *lines, kilobytes = done.stdout.splitlines()
    assert len(lines) == 2 * len(names)
    assert int(kilobytes) < 300 * 1024
    for name, said, numbers in zip(names, lines[::2], lines[1::2], strict=True):
        status, seconds = numbers.split()
        assert said.startswith((f"{name}: rejected: ", f"{name}: unreadable: ")), said
        assert len(said) < 2 * len(name) + 200
        assert status in "12"
        assert float(seconds) < 2.0, said


def matrix(rng, rows, cols):
    a = rng.normal(size=(rows, cols)) + 1j * rng.normal(size=(rows, cols))
    return a, exact(a)


def exact(a):
    return checker.acb_mat(*a.shape, a.ravel().tolist())


def test_norms_and_eigenvalues_are_bounds():
    rng = np.random.default_rng(0)
    for _ in range(30):
        rows, cols = rng.integers(1, 7, 2).tolist()
        a, x = matrix(rng, rows, cols)
        norm, bound = np.linalg.norm(a, 2), checker.norm(x)
        assert norm * (1 - 1e-12) <= float(bound) <= 1.3 * norm
        assert float(checker.frobenius(x)) == pytest.approx(np.linalg.norm(a))
        n = rows
        a, x = matrix(rng, n, n)
        a, x = a + a.conj().T, x + checker.dagger(x)
        top = np.linalg.eigvalsh(a)[-1]
        found = float(gap_checker.highest(x, float(top) + 1e-12))
        assert top - 1e-14 <= found <= top + 1e-10
        with pytest.raises(checker.RejectedError):
            gap_checker.highest(x, float(top) - 1e-9)


@pytest.mark.parametrize("level", [float("nan"), float("inf"), float("-inf")])
def test_odd_energies_bound_nothing(level):
    x = exact(np.diag([1.0, 2.0]))
    with contextlib.suppress(checker.RejectedError):
        assert not gap_checker.highest(x, level) < 1e300


def test_polar_factors_phases_and_pfaffians_are_enclosed():
    rng = np.random.default_rng(1)
    for n in (1, 2, 3, 6):
        q = np.linalg.qr(matrix(rng, n, n)[0])[0]
        rough = q.astype(np.complex64).astype(complex)  # as in a file
        u = checker.unitary(exact(rough))
        left, _, right = np.linalg.svd(rough)
        got = np.array([[complex(z) for z in row] for row in u.tolist()])
        assert np.linalg.norm(got - left @ right, 2) < 2e-15 * n
        assert (checker.dagger(u) * u - 1).contains(checker.acb_mat(n, n))
        assert checker.frobenius(checker.dagger(u) * u - 1) < 1e-15
        turn = np.exp(1j * float(checker.argument(exact(q).det())))
        assert abs(turn - np.linalg.det(q)) < 1e-12
    for n in (2, 4, 6, 8):
        a = matrix(rng, n, n)[0]
        a = a - a.T
        entries = [[checker.acb(z.real, z.imag) for z in row] for row in a.tolist()]
        found = bundle_checker.pfaffian(entries)
        square = complex(found * found)
        assert abs(square - np.linalg.det(a)) < 1e-9 * abs(square)


@pytest.mark.parametrize("size", [3e-4, 1e-4, 1e-6])
def test_the_remainder_of_the_polar_factor_covers_what_is_cut_off(size):
    """Of a positive matrix it is 1: of numbers (1 + E)^(1/2) with a large E it must be enclosed."""
    ball = checker.unitary(exact(np.diag([1.0 + size, 1.0 - size])))
    assert ball.contains(checker.acb_mat(2, 2, 1))


def test_phases_next_to_the_negative_axis_are_narrow():
    for im in (1e-30, -1e-30, 0.0):
        z = checker.acb(-1.0, im) + checker.acb(checker.arb(0, 1e-20), checker.arb(0, 1e-20))
        found = checker.argument(z)
        assert abs(abs(float(found)) - np.pi) < 1e-12
        assert found.rad() < 1e-15
    with pytest.raises(checker.RejectedError):
        checker.argument(checker.acb(checker.arb(0, 1), 0))


def test_far_from_orthonormal_is_refused():
    x = exact(np.diag([1.1, 1.0]))
    with pytest.raises(checker.RejectedError, match="orthonormal"):
        checker.unitary(x)


def test_solid_angles_of_an_octant_and_its_mirror_image():
    x, y, z = ([checker.arb(int(i == j)) for j in range(3)] for i in range(3))
    eighth = 4 * np.pi / 8
    assert float(bundle_checker.solid_angle(x, y, z).mid()) == pytest.approx(eighth)
    assert float(bundle_checker.solid_angle(y, x, z).mid()) == pytest.approx(-eighth)


@pytest.mark.parametrize("module", FILES)
def test_files_without_the_package(module):
    source = Path(module.__file__).read_text(encoding="utf-8")
    imported = {
        line.split()[1].partition(".")[0]
        for line in source.splitlines() if line.startswith(("import ", "from "))
    }  # fmt: skip
    assert imported - set(sys.stdlib_module_names) == {"flint"}


def test_quantities_beside_are_in_the_table_of_their_file():
    for quantity, name in checker.BESIDE.items():
        module = pytest.importorskip(f"topophys.{name}")
        assert quantity not in checker.CHECKS
        assert quantity in module.CHECKS


def test_only_quantities_of_the_format_are_known():
    # the name under which two bands were looked up was taken for a quantity, too
    text = texts("two bands", 1)[0]
    data = json.loads(text)
    assert data["question"]["quantity"] == "Chern number"
    assert checker.check(text).startswith("Chern number ")
    for name in ("Chern number, two bands", "gap, two bands", "chern number", "Chern number "):
        data["question"]["quantity"] = name
        with pytest.raises(checker.RejectedError, match="the quantity is unknown"):
            checker.check(json.dumps(data))
        assert not claim_is_true(data)


def test_a_chain_whose_products_leave_the_range_of_floats_is_decided_in_balls():
    """det = a d - b c with b near 1e300 and all else near 1e-36: as often as b and c together."""
    entry = [(1e-36).hex(), "0"]
    words = {
        0: [*entry, "0", "0", *entry, *entry],
        1: ["0", "0", (1e300).hex(), "0", (-3e-36).hex(), "0", "0", "0"],
    }
    question = {"block": 2, "hoppings": [[[m], " ".join(w)] for m, w in words.items()]}
    vectors, matrices, _ = hoppings_of(question)
    said = [
        block_winds(question, vectors, matrices, value, 0.0, gap)
        for value, gap in ((2, 1e-36), (1, 1e-36), (2, 1e-35))
    ]
    assert said == [True, False, False]
