"""The table of signs in the conventions: rows that need no other package are made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import topophys as tp
from benchmarks.peers import signs
from benchmarks.peers.client import installed

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"


def rows(text):
    """Cells of each row, by package without its version and by what is asked."""
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines()]
    return {(c[0].split()[0], c[1]): c[2:] for c in cells if len(c) == 5}


def test_the_page_says_what_the_script_finds(monkeypatch):
    monkeypatch.setattr(signs, "ASKED", ())
    written = PAGE.read_text(encoding="utf-8").partition("<!-- signs -->")[2]
    made, shown = rows(signs.table()), rows(written.partition("<!-- end of signs -->")[0])
    assert made.items() <= shown.items()
    assert made["topophys", "`certify_chern`"] == ["+1", "+1", "exp(+i k·R)"]
    assert made["FHS", "their formula"][0] == "-1"
    names = {"PythTB", "Z2Pack", "WannierBerri"}
    assert names <= {package for package, _ in shown}


@pytest.mark.parametrize("m", [-1.0, 1.0, 3.0])
def test_the_paper_has_the_other_sign(m):
    model = tp.models.qwz([m])
    assert signs.paper(model) == -int(tp.certify_chern(model).value[0])


def test_the_sign_in_the_exponent_is_reported():
    model = signs.anchors()["levels"]
    for sign in (1, -1):
        level = np.linalg.eigvalsh(model.bloch(sign * np.array(signs.MOMENTUM))[0])[0]
        assert signs.exponent(level, model) == f"exp({'+' if sign > 0 else '-'}i k·R)"
    assert "neither" in signs.exponent(0.123, model)


@pytest.mark.skipif(not installed("pythtb"), reason="`make peers` has not installed PythTB")
def test_a_package_that_is_installed_is_asked(monkeypatch):
    monkeypatch.setattr(signs, "ASKED", (("pythtb", "chern", "`WFArray.chern_number`"),))
    made = rows(signs.table())
    assert made["PythTB", "`WFArray.chern_number`"] == ["+1", "+1", "exp(+i k·R)"]
