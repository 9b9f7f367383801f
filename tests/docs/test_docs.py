"""Documents say what the program does: their code runs, their links lead somewhere."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

import topophys
from tests.docs.markdown import (
    Block,
    anchors,
    broken_link,
    commands,
    compile_block,
    links,
    refused,
    split_page,
)
from tests.markers import others_slow
from topophys.datasets import tasks

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
EXECUTED = [page for page in [*DOCS, ROOT / "README.md"] if "```python" in page.read_text("utf-8")]
PROSE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
CARDS = sorted((ROOT / "datasets").rglob("*.md"))
SHELL = {"bash", "console", "sh"}
sys.path.insert(0, str(ROOT / "docs" / "machinery"))
outputs = importlib.import_module("outputs")
sys.path.pop(0)
SHOWN = outputs.pages()
#: Pages for those who begin: what is checked is not shown.
GUIDES = [
    p
    for p in SHOWN
    if p.parent.name in {"docs", "guides", "tutorials"}
    and p.stem
    in {
        "index",
        *(
            q.stem
            for folder in ("guides", "tutorials")
            for q in (ROOT / "docs" / folder).glob("*.md")
        ),
    }
]
#: Pages that train networks or trees, or draw every figure.
TRAINING = {"materials", "training", "ml", "plots", "probing", "own-network"}


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def read(page: Path) -> tuple[list[Block], list[str]]:
    return split_page(page.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    # a page may register a task, which other tests of this process must not see
    monkeypatch.setattr(tasks, "_TASKS", dict(tasks._TASKS))


@pytest.mark.always
@pytest.mark.release
@pytest.mark.parametrize(
    "page",
    others_slow(EXECUTED, quick=[page for page in EXECUTED if page.stem not in TRAINING]),
    ids=name,
)
def test_the_blocks_of_a_page_run_in_order_and_show_what_is_stored(
    page: Path, tmp_path: Path
) -> None:
    text = page.read_text(encoding="utf-8")
    made = outputs.run_page(name(page), text, str(tmp_path))
    if page in SHOWN:
        below = page.relative_to(ROOT / "docs").as_posix()
        assert outputs.differences(below, text, made) == []


@pytest.mark.parametrize("page", EXECUTED, ids=name)
def test_only_what_takes_minutes_is_not_run(page: Path) -> None:
    for block in read(page)[0]:
        if block.language == "python":
            known = outputs.RUN.fullmatch(block.info) or block.info == "python no-run"
            assert known, f"{name(page)}:{block.line}: {block.info}"
        if "no-run" in block.info:
            assert "minutes" in block.text.splitlines()[0], f"{name(page)}:{block.line}"


@pytest.mark.parametrize("page", SHOWN, ids=name)
def test_stored_outputs_are_those_of_the_code_on_the_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    below = page.relative_to(ROOT / "docs").as_posix()
    ran = [block.code for block in outputs.blocks(text) if block.runs]
    assert outputs.shown_code(below) == ran, f"run: python docs/machinery/outputs.py {name(page)}"


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_a_guide_shows_no_checks_and_no_output_typed_by_hand(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = outputs.blocks(text)
    for block in found:
        visible = not block.hidden and block.runs
        checks = re.findall(r"^assert |pytest", block.code, re.MULTILINE) if visible else []
        assert checks == [], f"{name(page)}:{block.line}"
        # a fence without a language under a block that runs would be an output
        after = text[block.stop :].lstrip()
        assert not (visible and re.match(r"```(text|console|output)?\n", after)), block.line


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_code_fits_into_its_column(page: Path) -> None:
    shown = [
        block for block in outputs.blocks(page.read_text(encoding="utf-8")) if not block.hidden
    ]
    lines = [line for block in shown for line in block.code.splitlines()]
    assert [line for line in lines if len(line) > 100] == []


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_the_site_shows_outputs_and_hides_checks(page: Path) -> None:
    below = page.relative_to(ROOT / "docs").as_posix()
    text = page.read_text(encoding="utf-8")
    shown = outputs.with_outputs(below, text)
    hidden = [block.code for block in outputs.blocks(text) if block.hidden]
    assert [code for code in hidden if f"```python\n{code}```" in shown] == []
    stored = outputs.stored(below) or []
    assert shown.count('<div class="output">') <= len(stored)
    figures = re.findall(r"!\[Picture drawn by the code above\]\((.*?)\)", shown)
    assert all((page.parent / file).is_file() for file in figures)
    book = json.loads(outputs.notebook(below, text))
    code = [cell["source"] for cell in book["cells"] if cell["cell_type"] == "code"]
    assert len(code) == sum(b.info == "python" and not b.hidden for b in outputs.blocks(text))


def test_numbers_of_the_overview_are_those_of_the_long_tables() -> None:
    page = ROOT / "docs" / "results" / "index.md"
    link, checked = None, 0
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| ") or line.startswith("| Measurement"):
            continue
        asked, against, came_out = (cell.strip() for cell in line.strip("|").split(" | "))
        if target := re.search(r"\]\(([^)#]+)", asked):
            link = (page.parent / target[1]).read_text(encoding="utf-8")
        assert link is not None
        # targets of pages and sizes of grids are no results
        told = re.sub(r"\]\([^)]*\)|\d+ x \d+", "", f"{asked} | {against} | {came_out}")
        for number in re.findall(r"(?<![\w.,])[+-]?\d[\d.,]*\d(?![\w])", told):
            known = rf"(?<![\d.,]){re.escape(number)}(?!\d|[.,]\d)"
            assert re.search(known, link), (asked, number)
            checked += 1
    assert checked > 40


def test_prose_in_outputs_wraps_and_tables_keep_their_columns() -> None:
    prose = "Chern number: +1\n  gap        at least 1 < 2"
    shown = outputs.under(outputs.Output(text=prose), "index.md", 1)
    assert '<span style="--hang: 0ch">Chern number: +1\n</span>' in shown
    assert '<span style="--hang: 13ch">  gap        at least 1 &lt; 2\n</span>' in shown
    table = "split  samples  network\ntest       300     1.00"
    assert f"<pre>{table}</pre>" in outputs.under(outputs.Output(text=table), "index.md", 1)


def test_outputs_differ_in_more_than_times_and_last_digits() -> None:
    unlike = outputs.unlike
    assert unlike("gap 0.5000 in 3 ms", "gap 0.5001 in 8.1 ms", rough=False) is None
    assert unlike("gap 0.5000", "gap 0.5003", rough=False) == "stored 0.5000, now 0.5003"
    assert unlike("gap 0.34734835025168376", "gap 0.347348350251683", rough=False) is None
    assert unlike("gap 0.34734835025168376", "gap 0.34734835026168376", rough=False) is not None
    assert unlike("C = 1", "C = 2", rough=False) == "stored 1, now 2"
    assert "stored text" in str(unlike("C = 1 certified", "C = 1 sampled", rough=False))
    assert unlike("accuracy 0.93", "accuracy 0.95", rough=True) is None
    assert unlike("accuracy 0.93", "error 0.93", rough=True) is not None


def test_a_block_shows_its_last_value_its_figures_and_its_error(tmp_path: Path) -> None:
    text = (
        "```python\nimport topophys as tp\nprint(1)\n1 + 1\n```\n"
        "```python\nf = tp.plots.plot_bands(tp.models.ssh(1.0, 2.0))\nNone\n```\n"
        "```python raises\ntp.models.ssh(1.0, 2.0)[0]\n```\n"
        "<!--\n```python\nassert f\n```\n-->\n"
    )
    first, second, third, _ = outputs.run_page("page.md", text, str(tmp_path))
    assert (first.text, first.figures) == ("1\n2", [])
    assert second.text == ""
    assert second.figures[0].startswith(b"\x89PNG")
    assert third.text.startswith("KindError: ")
    with pytest.raises(AssertionError, match=r"page\.md:2 raises nothing"):
        outputs.run_page("page.md", "```python raises\n1\n```\n", str(tmp_path))


@pytest.mark.parametrize("page", [*DOCS, *PROSE, *CARDS], ids=name)
def test_relative_links_lead_to_files_and_headings(page: Path) -> None:
    found = [broken_link(page, target) for target in links(read(page)[1])]
    assert [problem for problem in found if problem] == []


@pytest.mark.parametrize("page", [*DOCS, *PROSE, *CARDS], ids=name)
def test_commands_and_options_exist(page: Path) -> None:
    blocks = [block for block in read(page)[0] if block.language in SHELL]
    called = [words for block in blocks for words in commands(block) if words]
    problems = [(words, refused(words)) for words in called if words[0] == "topophys"]
    assert [problem for problem in problems if problem[1]] == []
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    wanted = {word for words in called if words[0] == "make" for word in words[1:]}
    assert {word for word in wanted if "=" not in word} <= set(targets)


def test_every_page_can_be_reached_from_the_index() -> None:
    seen: set[Path] = set()
    todo = [ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop()
        seen.add(page)
        targets = [(page.parent / link.split("#")[0]).resolve() for link in links(read(page)[1])]
        todo += [t for t in targets if t.suffix == ".md" and t.exists() and t not in seen]
    assert set(DOCS) - seen == set()


def test_versions_agree() -> None:
    version = topophys.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf'^version: "?{re.escape(version)}"?$', citation, re.MULTILINE)
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_blocks_are_found_with_their_lines() -> None:
    blocks, prose = split_page("a\n```python\nx = 1\n```\n\n~~~~bash\n~~~\nls\n~~~~\n[b](c)\n")
    assert blocks == [Block("python", 3, "x = 1\n"), Block("bash", 7, "~~~\nls\n")]
    assert links(prose) == ["c"]
    with pytest.raises(ValueError, match="line 2 is never closed"):
        split_page("\n```python\n")


def test_a_failing_block_names_its_line() -> None:
    code = compile_block(Block("python", 41, "x = 1\nassert x == 2\n"), "page.md")
    with pytest.raises(AssertionError) as caught:
        exec(code, {})
    assert caught.traceback[-1].lineno == 42 - 1


def test_broken_links_are_seen(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# First steps: one\n", encoding="utf-8")
    assert anchors(["# First steps: one"]) == {"first-steps-one"}
    assert links(['[x](b.md "t") `[y](z)` ![i](p.png)']) == ["b.md", "p.png"]
    assert broken_link(page, "b.md") == "b.md: no such file"
    assert broken_link(page, "#second") == "#second: no such heading"
    assert broken_link(page, "a.md#first-steps-one") is None
    assert broken_link(page, "https://example.org/b") is None


def test_shell_blocks_are_split_into_commands() -> None:
    block = Block("bash", 1, "a b \\\n  -c  # why\nd && e | f\n")
    assert list(commands(block)) == [["a", "b", "-c"], ["d"], ["e"], ["f"]]
    assert list(commands(Block("console", 1, "$ a b\nout put\n"))) == [["a", "b"]]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("topophys generate r.toml -o f.h5 --workers 2", None),
        ("topophys --version", None),
        ("topophys train --help", None),
        ("topophys invent r.toml", "unknown command invent"),
        ("topophys --loud info f.h5", "unknown option --loud"),
        ("topophys generate r.toml -o f.h5 --speed 2", "--speed"),
        ("topophys generate r.toml", "Missing"),
        ("topophys probe runs/first -n many", "integer"),
    ],
)
def test_commands_are_checked_without_running_them(line: str, problem: str | None) -> None:
    answer = refused(line.split())
    assert answer == problem or (problem is not None and problem in str(answer))
