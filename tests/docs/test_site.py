"""The site builds without a warning, holds every public name, and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytestmark = pytest.mark.release

pytest.importorskip("mkdocs", reason="the site needs `pip install 'topophys[docs]'`")

ROOT = Path(__file__).parents[2]
#: Attributes by which a page makes a browser load something at once.
LOADING = {
    ("script", "src"), ("img", "src"), ("img", "srcset"), ("source", "src"), ("iframe", "src"),
    ("embed", "src"), ("object", "data"), ("video", "src"), ("audio", "src"), ("link", "href"),
}  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
ELSEWHERE = re.compile(r"^\s*(?:[a-z]+:)?//", re.IGNORECASE)


def machinery(name):
    sys.path.insert(0, str(ROOT / "docs" / "machinery"))
    try:
        return __import__(name)
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site that continuous integration has built, or one built here."""
    if "TOPOPHYS_SITE" in os.environ:
        return Path(os.environ["TOPOPHYS_SITE"])
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(target)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


class Loads(HTMLParser):
    """Addresses that a page loads, and its identifiers."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids.add(given.get("id"))
        # links to other pages are followed by readers, not by browsers
        if tag == "link" and given.get("rel") in {"canonical", "next", "prev", "edit"}:
            return
        self.addresses += [v for k, v in given.items() if (tag, k) in LOADING and v]


def pages(site):
    found = sorted(site.rglob("*.html"))
    assert len(found) > 50
    return found


@pytest.mark.slow
def test_no_page_loads_anything_from_elsewhere(site):
    for page in pages(site):
        loads = Loads(page.read_text(encoding="utf-8"))
        assert [a for a in loads.addresses if ELSEWHERE.match(a)] == [], page
        assert loads.addresses


def test_no_style_loads_anything_from_elsewhere(site):
    styles = [*site.rglob("*.css"), *pages(site)]
    for path in styles:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", text) == [], path


def test_scripts_and_images_count_as_loaded_links_do_not():
    loads = Loads('<script src="//a/b.js"></script><a href="https://c"></a><img src="x.png">')
    assert loads.addresses == ["//a/b.js", "x.png"]
    assert [bool(ELSEWHERE.match(a)) for a in loads.addresses] == [True, False]


@pytest.mark.always
def test_every_public_name_has_its_text(site):
    api = machinery("api_pages")
    for package in api.PACKAGES:
        home = api.HOMES.get(package, package)
        listed = (site / "api" / f"{package}.html").read_text(encoding="utf-8")
        for name in api.names(package):
            text = (site / "api" / f"{package}.{name}.html").read_text(encoding="utf-8")
            assert f"{home}.{name}" in Loads(text).ids
            assert f'href="{package}.{name}.html"' in listed
        assert len(api.names(package)) > 2


def test_pages_of_names_lead_to_examples_and_relatives():
    api = machinery("api_pages")
    text = api.name_page("topophys", "certify_chern")
    assert "## Examples using it" in text
    assert "certify_gap" in text.partition("## See also")[2]
    assert api.uses("no_such_name_at_all") == []
    assert api.relatives("topophys", "no_such_name_at_all", None) == []


def test_formulas_of_docstrings_are_found_wherever_they_stand():
    as_markdown = machinery("docstrings").as_markdown
    block = "$$\nC = 1\n$$"
    assert as_markdown(".. math:: C = 1\n\nText.") == f"{block}\n\nText."
    assert as_markdown(".. math::\n\n    C = 1\n") == f"{block}\n"
    assert as_markdown("x\n\n.. math:: a\n    = b\n\ny").split("\n\n") == [
        "x",
        "$$\na\n= b\n$$",
        "y",
    ]
    indented = as_markdown("Attributes\n    .. math:: C = 1\n    More.")
    assert indented == "Attributes\n    $$\n    C = 1\n    $$\n    More."


def test_formulas_are_formulas(site):
    for page in pages(site):
        text = page.read_text(encoding="utf-8")
        assert "arithmatex" not in text, page
        prose = re.sub(r"(?s)<(code|pre|script|style)\b.*?</\1>", "", text)
        assert "$" not in prose, page
        assert "math::" not in prose, page
    assert "<math" in (site / "theory" / "certify_chern.html").read_text(encoding="utf-8")


@pytest.mark.process
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("page", ["index.html", "guides/plots.html"])
def test_search_works_in_a_site_that_is_read_from_a_folder(site, tmp_path, page):
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    time = "--virtual-time-budget=15000"
    address = f"{(site / page).resolve().as_uri()}?q=hofstadter"
    command = [CHROMIUM, *flags, f"--user-data-dir={tmp_path}", time, "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert re.search(r"[0-9]+ matching documents", done.stdout)
    assert re.search(r'class="md-search-result__item"', done.stdout)


def test_links_out_of_docs_lead_to_pages_of_the_site():
    moved = machinery("outside_pages").moved
    assert moved("index.md", "../README.md") == "project/README.md"
    assert moved("guides/datasets.md", "../../datasets/tiny/README.md") == (
        "../project/datasets/tiny/README.md"
    )
    assert moved("project/CONTRIBUTING.md", "docs/architecture.md") == "../architecture.md"
    assert moved("index.md", "https://example.org") == "https://example.org"


def test_a_formula_that_cannot_be_shown_stops_the_build():
    formulas = machinery("formulas")
    assert "<mfrac>" in formulas.mathml(r"\tfrac{1}{2}", "inline")
    with pytest.raises(Exception, match="unknown"):
        formulas.mathml(r"\nosuchword x", "inline")
    with pytest.raises(Exception, match="must convert"):
        formulas.mathml(r"\frac", "inline")


def test_formulas_look_as_they_should():
    mathml = machinery("formulas").mathml
    assert "arg</mo>" in mathml(r"\arg z", "inline")
    assert 'mathvariant="normal">&#x00064;' in mathml(r"\mathrm{d}k", "inline")
    assert mathml("|d|", "block").count('lspace="0"') == 2
