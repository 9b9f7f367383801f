"""Documents say what the program does: their code runs, their links lead somewhere."""

from __future__ import annotations

import re
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
from topophys.datasets import tasks

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
EXECUTED = [page for page in [*DOCS, ROOT / "README.md"] if "```python" in page.read_text("utf-8")]
PROSE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
CARDS = sorted((ROOT / "datasets").rglob("*.md"))
SHELL = {"bash", "console", "sh"}


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def read(page: Path) -> tuple[list[Block], list[str]]:
    return split_page(page.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    # a page may register a task, which other tests of this process must not see
    monkeypatch.setattr(tasks, "_TASKS", dict(tasks._TASKS))


@pytest.mark.release
@pytest.mark.parametrize("page", EXECUTED, ids=name)
def test_the_python_blocks_of_a_page_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in read(page)[0]:
        if block.language == "python":
            code = compile_block(block, str(page))
            if "no-run" not in block.info:
                exec(code, namespace)


@pytest.mark.parametrize("page", EXECUTED, ids=name)
def test_only_what_takes_minutes_is_not_run(page: Path) -> None:
    for block in read(page)[0]:
        assert block.info in {"python", "python no-run"} or block.language != "python"
        if "no-run" in block.info:
            assert "minutes" in block.text.splitlines()[0], f"{name(page)}:{block.line}"


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
