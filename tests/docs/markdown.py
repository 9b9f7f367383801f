"""Just enough Markdown to test documents: fenced blocks, links, headings, shell commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from topophys.cli.app import app

FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,})\s*(?P<info>.*?)\s*$")
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*#*$")
CODE_SPAN = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Block:
    """A fenced block: its info string, the number of its first line, its text."""

    info: str
    line: int
    text: str

    @property
    def language(self) -> str:
        return self.info.split()[0] if self.info else ""


def split_page(text: str) -> tuple[list[Block], list[str]]:
    """Fenced blocks of a page, and its lines with those of the blocks left empty."""
    blocks: list[Block] = []
    prose: list[str] = []
    opened: tuple[str, str, int] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        mark = FENCE.match(line)
        if opened is None:
            if mark:
                opened, inside = (mark["fence"], mark["info"], number + 1), []
            prose.append("" if mark else line)
            continue
        prose.append("")
        fence, info, first = opened
        if mark and not mark["info"] and mark["fence"].startswith(fence):
            blocks.append(Block(info, first, "\n".join(inside) + "\n"))
            opened = None
        else:
            inside.append(line)
    if opened is not None:
        raise ValueError(f"the block opened on line {opened[2] - 1} is never closed")
    return blocks, prose


def compile_block(block: Block, page: str) -> object:
    """Code object whose line numbers are those of the page."""
    return compile("\n" * (block.line - 1) + block.text, page, "exec", dont_inherit=True)


def links(prose: list[str]) -> list[str]:
    """Targets of the links and images in prose, code spans left out."""
    plain = (CODE_SPAN.sub("", line) for line in prose)
    return [found["target"] for line in plain for found in LINK.finditer(line)]


def anchors(prose: list[str]) -> set[str]:
    """Fragments by which the headings of a page can be linked."""
    titles = (found["title"] for line in prose if (found := HEADING.match(line)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_link(page: Path, target: str) -> str | None:
    """What is wrong with a relative link of a page, or None."""
    if re.match(r"^[a-z][a-z0-9+.-]*:", target):
        return None
    name, _, fragment = target.partition("#")
    there = (page.parent / name).resolve() if name else page
    if not there.exists():
        return f"{target}: no such file"
    if fragment and fragment not in anchors(split_page(there.read_text(encoding="utf-8"))[1]):
        return f"{target}: no such heading"
    return None


def commands(block: Block) -> Iterator[list[str]]:
    """Commands of a shell block, as lists of words; lines of output are not commands."""
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.lstrip()[2:] for line in lines if line.lstrip().startswith("$ ")]
    for line in lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if set(word) <= set(";&|"):
                yield words
                words = []
            else:
                words.append(word)
        if words:
            yield words


def refused(words: list[str]) -> str | None:
    """Why `topophys` would not accept these words, or None; nothing is executed."""
    group = typer.main.get_command(app)
    shared = {name for option in group.params for name in option.opts} | {"-h", "--help"}
    rest = words[1:]
    while rest and rest[0].startswith("-"):
        if rest[0] not in shared:
            return f"unknown option {rest[0]}"
        rest = rest[1:]
    if not rest:
        return None
    assert isinstance(group, typer.core.TyperGroup)
    known = group.commands
    if rest[0] not in known:
        return f"unknown command {rest[0]}"
    while isinstance(inner := known[rest[0]], typer.core.TyperGroup) and len(rest) > 1:
        known, rest = inner.commands, rest[1:]
        if rest[0] not in known:
            return f"unknown command {rest[0]}"
    arguments = [word for word in rest[1:] if word not in {"-h", "--help"}]
    try:
        known[rest[0]].make_context(rest[0], arguments, resilient_parsing=arguments != rest[1:])
    except Exception as error:  # of our own callbacks too: whatever is raised, the page is wrong
        return f"{type(error).__name__}: {getattr(error, 'message', error)}"
    return None
