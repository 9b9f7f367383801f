"""The page beside other packages says what the pages of results and the packages say."""

from __future__ import annotations

import re

import pytest

from benchmarks.pages import put
from benchmarks.peers import comparison_page, features
from benchmarks.peers.client import installed

TEXT = comparison_page.PAGE.read_text(encoding="utf-8")


def shown(name):
    found = re.search(rf"<!-- {name} -->(.*?)<!-- end of {name} -->", TEXT, re.DOTALL)
    assert found
    return found[1].strip()


@pytest.mark.parametrize("name", comparison_page.COPIES)
def test_tables_are_those_of_the_results(name):
    assert shown(name) == comparison_page.section(name), (
        "run: python -m benchmarks.peers.comparison_page copies"
    )


def test_the_table_of_features_is_that_of_the_script():
    rows = shown("features").splitlines()
    for feature, names in features.FEATURES.items():
        (row,) = [r for r in rows if r.startswith(f"| {feature} |")]
        cells = [c.strip().strip("`") for c in row.strip("|").split("|")][1:]
        wanted = [names.get(c, "").partition(":")[2] for c in features.COLUMNS]
        assert cells == wanted


def test_our_own_names_exist():
    assert features.missing(features.OURS) == []


@pytest.mark.parametrize("package", [c for c in features.COLUMNS if c != features.OURS])
def test_names_of_other_packages_exist(package):
    # other packages have environments of their own, which take minutes and a network to make
    if not installed(package):
        pytest.skip(f"`make peers` has not installed {package}")
    assert features.missing(package) == []


def test_a_section_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no-such"):
        comparison_page.section("no-such")
    page = tmp_path / "page.md"
    page.write_text("<!-- a -->\n<!-- end of a -->\n")
    put(page, "a", "text")
    assert "text" in page.read_text()
