"""The page stands alone, is whole, and says what the summary says."""

import base64
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from topophys.errors import CheckpointError, OutputError
from topophys.report import find_caveats, load_summary, write_page
from topophys.report.page import MAIN

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects tags, links and the rows of tables; notices tags that are not closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.links, self.images, self.rows = [], [], [], [], []
        self.tags, self.text = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        found = dict(attrs)
        self.links += [v for k, v in found.items() if k in {"src", "href", "action", "srcset"}]
        if tag == "img":
            self.images.append(found)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text.append(data)
        if self.open and self.open[-1] in {"td", "th"}:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def folder(demonstrated, tmp_path_factory):
    return shutil.copytree(demonstrated[0], tmp_path_factory.mktemp("page") / "run <b> & co")


@pytest.fixture(scope="module")
def text(folder):
    return write_page(folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_a_page_of_something_else_is_not_replaced(text, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "run")
    write_page(copy)
    (copy / "report.html").write_text(
        "<!doctype html><title>mine</title>Not a topophys report.", encoding="utf-8"
    )
    with pytest.raises(OutputError, match="move it away") as caught:
        write_page(copy)
    assert "\n" not in str(caught.value)
    assert "mine" in (copy / "report.html").read_text(encoding="utf-8")


def test_is_well_formed(text, page):
    assert text.startswith("<!doctype html>")
    assert page.wrong == []
    assert page.open == []
    assert page.tags.count("html") == page.tags.count("main") == page.tags.count("h1") == 1


def test_stands_alone(text, page):
    assert page.links
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    assert not re.search(r"url\(|@import", text)


def test_holds_every_picture(folder, page):
    cards = json.loads((folder / "figures" / "figures.json").read_text(encoding="utf-8"))
    assert [image["alt"] for image in page.images] == [card["title"] for card in cards]
    for card, image in zip(cards, page.images, strict=True):
        content = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
        assert content == (folder / "figures" / f"{card['name']}.png").read_bytes()
        assert card["caption"] in "".join(page.text)


def test_holds_every_accuracy(folder, page):
    for row in load_summary(folder)["accuracy"]:
        wanted = [
            row["split"],
            row["invariant"],
            " × ".join(map(str, row["grid"])),
            str(row["total"]),
            str(row["total"] - row["correct"]),
            f"{row['correct'] / row['total']:.5f}",
            f"{row['formula_correct'] / row['total']:.5f}",
            *(f"{right / row['total']:.5f}" for right in row["formulas"].values()),
        ]
        assert row["formulas"]
        assert page.rows.count(wanted) == 1


def test_holds_every_probe(folder, page):
    for row in load_summary(folder)["probes"]["results"]:
        layer, r2 = row["layer"].removesuffix("_features"), f"{row['r2']:.4f}"
        wanted = [layer, row["target"], row["measure"], row["split"], row["source"], r2]
        if row["measure"] in MAIN and row["split"] == "test":
            wanted.pop(3)  # of the table that is open, all rows are of one split
        assert sum(r[: len(wanted)] == wanted for r in page.rows) == 1


def test_holds_every_causal_test_and_every_symmetry(folder, page):
    summary = load_summary(folder)
    assert summary["causal"]["results"]
    for row in summary["causal"]["results"]:
        start = [f"{row['test']} {row['layer'].removesuffix('_features')}", row["what"]]
        (found,) = [r for r in page.rows if r[:2] == start]
        assert found[3] == str(row["cases"])
        assert found[4] == (f"{row['right'] / row['cases']:.4f}" if row["cases"] else "–")
    for row in summary["audit"]["rows"]:
        start = [row["operation"], row["quantity"].replace("_features", ""), row["expectation"]]
        (found,) = [r for r in page.rows if r[:3] == start]
        assert found[3] == f"{row['deviation']:.1e}"


def test_holds_every_failure(folder, page):
    failures = load_summary(folder)["failures"]
    text = " ".join("".join(page.text).split())
    assert f"{failures['total']} Hamiltonians have wrong predictions" in text
    for row in failures["listed"]:
        wanted = [row["split"], str(row["index"]), str(row["label"]), str(row["named"])]
        assert sum(found[:4] == wanted for found in page.rows) == 1


def test_holds_every_finding(folder, page):
    found = find_caveats(load_summary(folder))
    assert found
    text = " ".join("".join(page.text).split())
    for sentence in found:
        assert " ".join(sentence.split()) in text


def test_supervised_networks_are_called_so(folder, tmp_path):
    content = load_summary(folder)
    assert "These integers were its only training signal." in (folder / "report.html").read_text(
        encoding="utf-8"
    )
    content["training"]["settings"]["local_supervision"] = 0.5
    (tmp_path / "summary.json").write_text(json.dumps(content), encoding="utf-8")
    text = write_page(tmp_path).read_text(encoding="utf-8")
    assert "what its layers encode was supervised" in text
    assert "These integers were its only training signal." not in text


def test_pages_of_runs_made_before_causal_tests(folder, tmp_path):
    content = load_summary(folder)
    for part in ("causal", "audit", "failures"):
        del content[part]
    for row in content["probes"]["results"]:
        for key in ("measure", "split", "networks"):
            del row[key]
    (tmp_path / "summary.json").write_text(json.dumps(content), encoding="utf-8")
    found = Page(write_page(tmp_path).read_text(encoding="utf-8"))
    assert (found.wrong, found.open) == ([], [])


def test_says_that_the_run_was_quick(page):
    assert "Quick run: a fiftieth of the data" in " ".join("".join(page.text).split())


def test_names_are_escaped(text, page):
    assert "run <b> & co" in page.text
    assert "<b> & co" not in text
    assert "run &lt;b&gt; &amp; co" in text


def test_full_runs_are_not_called_quick(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "full")
    content = json.loads((copy / "summary.json").read_text(encoding="utf-8")) | {"notes": []}
    (copy / "summary.json").write_text(json.dumps(content), encoding="utf-8")
    assert "Quick run" not in write_page(copy).read_text(encoding="utf-8")


def test_without_figures_probes_and_accuracy(folder, tmp_path):
    content = load_summary(folder) | {"probes": None, "accuracy": None}
    (tmp_path / "summary.json").write_text(json.dumps(content), encoding="utf-8")
    found = Page(write_page(tmp_path).read_text(encoding="utf-8"))
    assert (found.wrong, found.open, found.images) == ([], [], [])


# ---- refusals


def refused(folder, match):
    with pytest.raises(CheckpointError, match=match) as caught:
        write_page(folder)
    assert "\n" not in str(caught.value)


def test_missing_summary(tmp_path):
    refused(tmp_path, "is missing")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3"])
def test_damaged_summary(tmp_path, text):
    (tmp_path / "summary.json").write_text(text, encoding="utf-8")
    refused(tmp_path, "damaged")


@pytest.fixture
def bare(folder, tmp_path):
    (tmp_path / "figures").mkdir()
    shutil.copy(folder / "summary.json", tmp_path)
    return tmp_path


@pytest.mark.parametrize("index", ["{", "3", '["a"]', '[{"title": "x"}]'])
def test_damaged_figures(bare, index):
    (bare / "figures" / "figures.json").write_text(index, encoding="utf-8")
    refused(bare, "figures.json` is damaged .* repeat `topophys plot`")


def test_figures_that_are_gone(bare):
    card = {"name": "gone", "title": "", "caption": ""}
    (bare / "figures" / "figures.json").write_text(json.dumps([card]), encoding="utf-8")
    refused(bare, "incomplete")


def test_unwritable(bare):
    (bare / "report.html").mkdir()
    with pytest.raises(OutputError):
        write_page(bare)
    assert [p.name for p in bare.glob("*.partial")] == []
