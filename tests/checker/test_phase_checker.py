"""Archives of proven phases: accepted as they are, refused once they are made false."""

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

import topophys as tp
from tests.strategies import generators
from topophys.errors import InputError, OutputError, UnresolvedError
from topophys.invariants.certificate_file import verify_certificate

pytest.importorskip("flint")
from topophys import bundle_checker, checker, gap_checker, phase_checker
from topophys.testing.phase_proofs import (
    CHANGES,
    KINDS,
    STATEMENT,
    archive,
    claim_is_true,
    mutated,
    trial,
    verdict,
)

QUICK = (
    "winding number, plane",
    "different phases, chiral",
    "one phase, three dimensions",
    "classes, winding number",
)
ALL = [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in KINDS]


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_of_statement_is_accepted(kind):
    said, why = verdict(archive(kind))
    assert said == "accepted", why
    assert kind.split(",")[0].split(" of ")[0] in why


@pytest.mark.parametrize("kind", QUICK)
def test_false_archives_are_refused(kind):
    rng = np.random.default_rng(5)
    for _ in range(15):
        changed, change = mutated(archive(kind), rng)
        said, why = verdict(changed)
        assert said != "accepted" or claim_is_true(changed, rng), (change, why)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_false_archives_are_refused(kind):
    """Sixteen kinds: more than 2,700 archives."""
    found = trial(kind, 170, seed=7)
    assert found["wrong"] == []
    total = Counter(found["counts"])
    assert total["rejected"] > 0.6 * total.total()
    assert {c.__name__.strip("_") for c in CHANGES} & set(found["changes"])


def changed_statement(kind, change):
    texts = dict(archive(kind))
    data = json.loads(texts[STATEMENT])
    change(data)
    texts[STATEMENT] = json.dumps(data)
    return verdict(texts)


def test_other_integers_and_larger_gaps_are_refused():
    for kind in QUICK[:3]:

        def other(data):
            data["claim"]["regions"][0]["value"] += 1

        def larger(data):
            data["claim"]["regions"][0]["gap_lower"] = (100.0).hex()

        assert changed_statement(kind, other)[0] == "rejected"
        assert changed_statement(kind, larger)[0] == "rejected"


CHAINS = "classes, winding number"  # 0, 1, 0, 0, 1


FALSE_CLASSES = {
    "two classes as one": (
        lambda d: (
            d["claim"].update(classes=[0, 0, 0, 0, 1], values=[0, 1]),
            d["evidence"]["integers"].pop(1),
        ),
        "not joined",
    ),
    "a class in two": (
        lambda d: d["claim"].update(classes=[0, 1, 2, 0, 3], values=[0, 1, 0, 1]),
        "two classes",
    ),
    "another order": (
        lambda d: d["claim"].update(classes=[1, 0, 1, 1, 2], values=[1, 0, 1]),
        "not counted",
    ),
    "an integer that is not claimed": (
        lambda d: d["claim"].update(values=[0, 1, None]),
        "not claimed",
    ),
    "another integer": (lambda d: d["claim"].update(values=[0, 1, 0]), "the integer is 1, not 0"),
    "no certificate": (lambda d: d["evidence"]["integers"].pop(), "has no integer"),
    "no path": (lambda d: d["evidence"]["paths"].pop(), "not joined"),
    "a path twice": (
        lambda d: d["evidence"]["paths"].append(d["evidence"]["paths"][0]),
        "what is joined",
    ),
    "too many paths": (
        lambda d: d["evidence"]["paths"].extend(4 * d["evidence"]["paths"][:1]),
        "more proofs",
    ),
    "a path elsewhere": (
        lambda d: d["evidence"]["paths"][0].update({"to": 1}),
        "other Hamiltonians",
    ),
    "less known Hamiltonians": (lambda d: d["question"].update(error=(1e-3).hex()), "known better"),
    "Hamiltonians in another order": (
        lambda d: d["question"]["family"].reverse(),
        "other Hamiltonians",
    ),
}


@pytest.mark.parametrize("name", FALSE_CLASSES)
def test_false_classes_are_refused(name):
    change, reason = FALSE_CLASSES[name]
    said, why = changed_statement(CHAINS, change)
    assert said == "rejected"
    assert reason in why


def test_random_classes_are_written_and_accepted(tmp_path):
    rng = np.random.default_rng(12)
    for number, (n, symmetry) in enumerate([(1, "chiral"), (2, "chiral"), (1, None)]):
        chains = tp.ensembles.aiii_chains(4, n_orbitals=n, hopping_range=1, rng=rng)
        found = tp.cluster_phases(list(chains), symmetry=symmetry, tries=2)
        said = verify_certificate(found.save(tmp_path / f"{number}.phases.zip"))
        assert said.startswith(f"4 Hamiltonians in {len(found.integers)} class")


def test_classes_that_cannot_be_written_are_refused_in_words(tmp_path):
    one = tp.cluster_phases([tp.models.ssh(1.0, 0.5)], symmetry="chiral")
    with pytest.raises(InputError, match="of 2 to 1000 Hamiltonians, but there are 1"):
        one.save(tmp_path / "one.phases.zip")
    with pytest.raises(InputError, match=r"must end in \.phases\.zip"):
        one.save(tmp_path / "one.json")
    with pytest.raises(InputError, match="call it again"):
        replace(one, proofs=None).save(tmp_path / "one.phases.zip")
    assert not list(tmp_path.iterdir())


def test_a_certificate_must_reach_over_its_box():
    """The boxes of a diagram as they are, in a domain that is a little wider."""

    def wider(data):
        for p in data["question"]["parameters"]:
            p["upper"] = (float.fromhex(p["upper"]) + 0.1).hex()
            p["lower"] = (float.fromhex(p["lower"]) - 0.1).hex()

    assert "does not reach" in changed_statement("winding number, plane", wider)[1]


def test_boxes_that_do_not_hang_together_are_no_region():
    """Gaps on both sides of a transition are two regions, though gaps have one quantity."""
    line = tp.certify_phases(tp.models.qwz, {"m": (-3.0, 3.0)}, quantity="gap", share=0.8)
    texts = texts_of(line.save_proof, share=0.7)
    data = json.loads(texts[STATEMENT])
    assert [r["value"] for r in data["claim"]["regions"]] == [1, 1, 1, 1]
    boxes = data["evidence"]["boxes"]
    data["evidence"]["boxes"] = [0 if x == 3 else x for x in boxes]
    data["claim"]["regions"].pop()
    data["claim"]["regions"][0]["gap_lower"] = "0"
    texts[STATEMENT] = json.dumps(data)
    assert "hang together" in verdict(texts)[1]


def texts_of(save, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = save(Path(folder) / "x.phases.zip", **options)
        with zipfile.ZipFile(path) as files:
            return {n: files.read(n).decode() for n in files.namelist()}


@pytest.mark.slow
@given(rng=generators())
@settings(max_examples=12)
def test_random_families_are_written_and_accepted(rng):
    """Any dependence, any unit of energy: what is written is accepted and true."""
    unit, shift = 10.0 ** rng.uniform(-6, 6), float(rng.uniform(-1e3, 1e3))
    a, b = (tp.ensembles.class_a(2, n_bands=2, min_gap=0.5, rng=rng)[0] for _ in range(2))
    kind = ["affine", "trigonometric", ("polynomial", 3), ("trigonometric", 2)][rng.integers(4)]

    def family(s):
        functions = {
            "affine": s - shift, "trigonometric": np.sin(s) + 0.3 * np.cos(s),
            ("polynomial", 3): (s - shift) ** 3, ("trigonometric", 2): np.cos(2.0 * s),
        }  # fmt: skip
        return unit * (a + 0.3 * float(functions[kind]) * b)

    found = tp.certify_phases(
        family, {"s": (shift - 0.2, shift + 0.3)}, dependence={"s": kind}, share=0.6,
        max_evaluations=20_000,
    )  # fmt: skip
    if not found.certified.any():
        return
    texts = texts_of(found.save_proof, share=0.3)
    said, why = verdict(texts)
    assert said == "accepted", why
    assert claim_is_true(texts, rng)


def test_the_files_run_alone(tmp_path):
    for module in (checker, gap_checker, bundle_checker, phase_checker):
        shutil.copy(module.__file__, tmp_path)
    proof = tp.certify_equivalent(tp.models.qwz(-1.5), tp.models.qwz(-0.5))
    proof.save(tmp_path / "x.phases.zip")
    code = "import sys; sys.modules['topophys'] = None; sys.argv[1:] = ['x.phases.zip'];"
    code += "import phase_checker; raise SystemExit(phase_checker.main())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "accepted: one phase, gap at least" in done.stdout


def test_a_referee_can_do_without_the_second_checker(tmp_path, capsys):
    """Unpacked, every certificate is one that the checker alone accepts."""
    proof = tp.certify_equivalent(tp.models.qwz(-1.5), tp.models.qwz(0.5))
    with zipfile.ZipFile(proof.save(tmp_path / "x.phases.zip")) as files:
        files.extractall(tmp_path)
    names = sorted(str(p) for p in tmp_path.glob("*.cert.json"))
    assert len(names) == 2
    assert checker.main(names) == 0
    assert "Chern number 1" in capsys.readouterr().out


def test_the_command_verifies_archives(tmp_path):
    from topophys.cli.app import app

    path = tp.certify_equivalent(tp.models.qwz(-1.5), tp.models.qwz(0.5)).save(
        tmp_path / "x.phases.zip"
    )
    good = CliRunner().invoke(app, ["verify", str(path), "--checker"])
    assert good.exit_code == 0
    assert "different phases, Chern number 1 and -1" in good.output
    with zipfile.ZipFile(path) as files:
        texts = {n: files.read(n).decode() for n in files.namelist()}
    data = json.loads(texts[STATEMENT])
    data["claim"]["regions"][0]["value"] = 0
    with zipfile.ZipFile(path, "w") as files:
        for name, text in texts.items():
            files.writestr(name, json.dumps(data) if name == STATEMENT else text)
    bad = CliRunner().invoke(app, ["verify", str(path)])
    assert bad.exit_code == 1
    assert "the integer is 1, not 0" in bad.output


def test_what_cannot_be_written_is_refused_in_words(tmp_path):
    path = tmp_path / "x.phases.zip"
    open_ = tp.certify_equivalent(tp.models.qwz(-1.5), tp.models.qwz(-1.5), max_evaluations=5)
    with pytest.raises(UnresolvedError):
        open_.save(path)
    line = tp.certify_phases(tp.models.qwz, {"m": (0.5, 1.0)})
    with pytest.raises(InputError, match=r"must end in \.phases\.zip"):
        line.save_proof(tmp_path / "x.zip")
    with pytest.raises(InputError, match="`share`"):
        line.save_proof(path, share=0.0)
    with pytest.raises(InputError, match="does not contain its family"):
        tp.PhaseDiagram.load(line.save(tmp_path / "x.npz")).save_proof(path)
    steep = tp.certify_phases(tp.models.qwz, {"m": (0.5, 1.0)}, lipschitz={"m": 1.0})
    with pytest.raises(InputError, match="Lipschitz"):
        steep.save_proof(path)
    closed = tp.certify_phases(tp.models.qwz, {"m": (-1.0, 1.0)}, max_depth=0)
    with pytest.raises(InputError, match="No box"):
        closed.save_proof(path)
    assert not path.exists()
    path.write_text("mine")
    with pytest.raises(OutputError):
        line.save_proof(path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"{}"], ids=["empty", "PK", "no files", "{}"]
)
def test_files_of_another_kind_are_refused(tmp_path, content):
    path = tmp_path / "x.phases.zip"
    path.write_bytes(content)
    assert phase_checker.main([str(path)]) == 2
    with pytest.raises(InputError):
        verify_certificate(path)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = tp.certify_equivalent(tp.models.qwz(-1.5), tp.models.qwz(0.5)).save(
        tmp_path / "x.phases.zip"
    )
    monkeypatch.setattr(checker, "MAX_BYTES", path.stat().st_size)
    with pytest.raises(InputError, match="unpacks to too much"):
        verify_certificate(path)


def test_equal_proofs_are_equal_bytes(tmp_path):
    line = tp.certify_phases(tp.models.qwz, {"m": (0.5, 3.0)}, share=0.9)
    one, two = (line.save_proof(tmp_path / f"{i}.phases.zip", share=0.5) for i in range(2))
    assert one.read_bytes() == two.read_bytes()


# ---- what is printed is what was proven: no more, and in the checker's own words


@pytest.fixture(scope="module")
def line():
    plane = tp.certify_phases(tp.models.qwz, {"m": (0.5, 1.0)}, share=0.9)
    return texts_of(plane.save_proof, share=0.9)


def with_statement(texts, change):
    data = json.loads(texts[STATEMENT])
    change(data)
    return verdict({**texts, STATEMENT: json.dumps(data)})


FORGED = "m: 1 % in 1 region (-1)\nother.phases.zip: accepted: Chern number over m"


@pytest.mark.parametrize("name", [FORGED, "", "\ud800", "\x1b[2K", "a b", "m" * 65, 3, None])
def test_a_parameter_has_a_plain_name(line, name):
    def renamed(data):
        data["question"]["parameters"][0]["name"] = name

    assert with_statement(line, renamed) == (
        "rejected", "a name must be an identifier of at most 64 letters",
    )  # fmt: skip


def test_parameters_have_different_names():
    def twice(data):
        data["question"]["parameters"][1]["name"] = data["question"]["parameters"][0]["name"]

    assert "one name" in changed_statement("winding number, plane", twice)[1]


def test_the_share_is_rounded_down(line):
    """A sliver of which nothing is said leaves less than 100 %."""

    def wider(data):
        m = data["question"]["parameters"][0]
        end = m["upper"]
        m["upper"] = (float.fromhex(end) + 1e-9).hex()
        data["evidence"]["boxes"] = [[0, end], *data["evidence"]["boxes"], -1]

    whole = verdict(line)[1]
    found, text = with_statement(line, wider)
    assert found == "accepted"
    assert "100.0000 %" in whole
    assert "99.9999 %" in text


def test_one_region_is_not_counted_twice(line):
    point = {"region": 1, "at": [(0.75).hex()], "file": "000000.cert.json"}

    def inside(data):
        data["claim"]["regions"].append({"value": -1, "gap_lower": "0"})
        data["evidence"]["points"].append(point)

    assert with_statement(line, inside) == ("rejected", "a region without boxes lies in another")


def test_regions_do_not_touch():
    """A leaf taken from a region is no region of its own, although its proof holds."""

    def divided(data):
        boxes = data["evidence"]["boxes"]
        (first,) = [i for i, x in enumerate(boxes) if x == 0][:1]
        region = len(data["claim"]["regions"])
        assert boxes.count(0) > 1
        boxes[first] = region
        data["claim"]["regions"].append(dict(data["claim"]["regions"][0]))

    found, reason = changed_statement("winding number, plane", divided)
    assert (found, reason) == ("rejected", "two regions touch")


def test_every_member_is_named(line):
    assert verdict({**line, "000099.cert.json": line["000000.cert.json"]}) == (
        "rejected", "a member is named nowhere",
    )  # fmt: skip


@pytest.mark.parametrize("way", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions_are_refused(tmp_path, line, way):
    path = tmp_path / "x.phases.zip"
    with zipfile.ZipFile(path, "w", compression=way) as files:
        for name, text in line.items():
            files.writestr(name, text)
    assert phase_checker.main([str(path)]) == 1


def test_no_changed_byte_ends_in_a_traceback(tmp_path, line):
    path = tmp_path / "x.phases.zip"
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED) as files:
        for name, text in line.items():
            files.writestr(name, text)
    content, rng = path.read_bytes(), np.random.default_rng(5)
    newer = content.rfind(b"PK\x01\x02") + 6  # version needed, of the last entry
    for place in [newer, *rng.integers(len(content), size=150)]:
        changed = bytearray(content)
        changed[place] ^= 99 ^ 20 if place == newer else 1 << int(rng.integers(8))
        path.write_bytes(changed)
        assert phase_checker.main([str(path)]) in (0, 1, 2)


def test_names_that_no_file_can_hold_are_refused_when_it_is_written(tmp_path):
    def family(**given):
        return tp.models.qwz(given["m (eV)"])

    domain, how = {"m (eV)": (0.5, 1.0)}, {"m (eV)": "affine"}
    plane = tp.certify_phases(family, domain, dependence=how, share=0.5)
    with pytest.raises(InputError, match="rename it in the family"):
        plane.save_proof(tmp_path / "x.phases.zip")
    assert not list(tmp_path.iterdir())
