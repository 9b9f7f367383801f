"""The scripts of benchmarks/ that other people's packages and pages depend on."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import topophys as tp
from benchmarks import pages
from benchmarks.harness import Study
from benchmarks.peers import client, tables
from benchmarks.quality import proof_options, tenfold, trust, wrong_answers
from benchmarks.quality.trust import PAGE as TRUST_PAGE
from benchmarks.quality.trust import RUNS, table
from benchmarks.speed import operations, roofline
from benchmarks.speed.invariants_page import PAGE, SECTIONS
from topophys.testing.trust import Tally

FAKE = """
def version():
    return "Fake 1"
def chern(h, n=24, filled=1):
    print("noise on standard output")
    if n == 13:
        raise ValueError("first line\\nsecond line")
    return len(h) + 0.25
"""


def test_a_section_is_replaced_and_nothing_else(tmp_path):
    page = tmp_path / "a.md"
    page.write_text("x\n<!-- one -->\nold\n<!-- end of one -->\ny\n", encoding="utf-8")
    pages.put(page, "one", "new | \\1\n")
    assert (
        page.read_text(encoding="utf-8") == "x\n<!-- one -->\nnew | \\1\n<!-- end of one -->\ny\n"
    )
    with pytest.raises(ValueError, match="two"):
        pages.put(page, "two", "z")


def test_pages_have_a_place_for_every_table():
    for page, names in ((PAGE, SECTIONS), (TRUST_PAGE, RUNS)):
        text = page.read_text(encoding="utf-8")
        for name in names:
            assert text.count(f"<!-- {name} -->") == text.count(f"<!-- end of {name} -->") == 1


def test_results_of_studies_are_kept_beside_the_code():
    # counts kept where version control does not look are lost, and the page is then one of zeros
    for module in (proof_options, tenfold, trust):
        assert module.STUDY.path.parent == pages.ROOT / "benchmarks" / "results"


def test_no_page_of_results_counts_nothing():
    for page in (pages.ROOT / "docs" / "results").glob("*.md"):
        assert "| **all** | 0 |" not in page.read_text(encoding="utf-8"), page.name


def test_a_page_keeps_its_table_where_nothing_is_counted(tmp_path, monkeypatch):
    kept = "x\n<!-- outcomes -->\n| **all** | 7 |\n<!-- end of outcomes -->\n"
    kept += "<!-- rates -->\n<!-- end of rates -->\n"
    (tmp_path / "page.md").write_text(kept, encoding="utf-8")
    monkeypatch.setattr(tenfold, "STUDY", Study(tmp_path / "none.jsonl"))
    tenfold.write(tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == kept


@pytest.mark.process
def test_a_worker_answers_and_survives_what_its_peer_does(tmp_path):
    (tmp_path / "run_fake.py").write_text(FAKE, encoding="utf-8")
    (tmp_path / "worker.py").write_text(
        (client.HERE / "worker.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    file = client.save(tmp_path / "h.npz", tp.models.qwz([-1.0, 1.0]))
    questions = [
        {"ask": "chern", "file": file},
        {"ask": "chern", "file": file, "first": 1, "options": {"n": 13}},
        {"ask": "kubo"},
    ]
    done = subprocess.run(
        [sys.executable, str(tmp_path / "worker.py"), "fake"],
        input="".join(json.dumps(q) + "\n" for q in questions),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, good, bad, missing = map(json.loads, done.stdout.splitlines())
    assert first == {"version": "Fake 1"}
    assert good["values"] == [5.25, 5.25]
    assert bad["values"] == [None]
    assert bad["errors"] == ["ValueError: first line"]
    assert missing == {"missing": "kubo"}


def test_answers_are_judged_with_the_sign_of_the_peer():
    values, errors = [-1.0, 0.6, 1.0, None, np.nan, 0.1], [None, None, None, "Error", None, None]
    count = tables._judge(values, errors, [1, 1, 1, 1, 1, 0], -1)
    assert count == {"wrong": 1, "no integer": 1, "refused": 2, "right": 2}


def test_diophantine_equation():
    assert [tables.diophantine(3, 7, r) for r in range(1, 7)] == [-2, 3, 1, -1, -3, 2]


def test_gapless_cases_are_gapless_and_hermitian():
    for h in tables.gapless_cases().values():
        assert (tp.certify_chern(h).status == "unresolved").all()


def test_operations_are_counted():
    count = operations.operations_of_sampled(8, 1)
    # four real products for each link, plaquette and point at the very least
    assert 8 * 8 * 20 < count["multiply"] < 8 * 8 * 200
    x = operations.counting(np.array([2.0, 3.0]))
    operations.COUNT.clear()
    assert x[0] * x[1] + 1.0 - x[0] == 5.0
    assert operations.COUNT == {"multiply": 1, "add": 2}


def test_the_reference_loop_evaluates_its_polynomial():
    x, c = np.array([0.5, -0.3]), np.linspace(0.1, 0.8, 8)
    out = np.empty(2)
    roofline.multiply_adds.py_func(x, c, out, 1)
    np.testing.assert_allclose(out, np.polyval(np.append(np.tile(c, 3), c[0]), x))


def test_wilson_loops_of_a_fine_grid_are_right():
    h = tp.models.qwz([-1.0, 1.0, 3.0])
    assert wrong_answers.by_wilson_loops(h, 24).tolist() == [1, -1, 0]


def test_tables_of_trust_add_up():
    tally = Tally()
    tally.add("random", np.array([0.5, 1e-3, 1e-12]), np.array([1, 2, 0]),
              np.array([True, True, False]), np.array([1, 1, 5]), np.ones(3, bool))  # fmt: skip
    text = table(tally, 1.0)
    assert "| **all** | 3 | 1 | 1 | 1 | 0 |" in text
    assert "| 1e-1 to above | 1 | 1 | 0 | 0 | 0 |" in text
