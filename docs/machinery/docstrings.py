"""Docstrings as Markdown: formulas and references."""

from __future__ import annotations

import re
import textwrap

import griffe

ROLE = re.compile(r":math:`(?P<tex>[^`]+)`")
#: A formula on the line of the directive, on indented lines below it, or both.
DIRECTIVE = re.compile(
    r"^(?P<indent>[ \t]*)\.\. math::[ \t]*(?P<first>[^\n]*)"
    r"(?P<tex>(?:\n+(?P=indent)[ \t]+\S[^\n]*)*)",
    re.M,
)
CITATION = re.compile(r"^\.\. \[(?P<number>\d+)\] ", re.M)


def _block(found: re.Match[str]) -> str:
    """A formula between lines of two dollars, as far in as the directive was."""
    lines = [found["first"].strip(), *textwrap.dedent(found["tex"].strip("\n")).splitlines()]
    inner = [line for line in lines if line.strip()]
    return "\n".join(found["indent"] + line for line in ("$$", *inner, "$$"))


def as_markdown(text: str) -> str:
    """A docstring whose formulas stand between dollars."""
    text = ROLE.sub(lambda m: f"${' '.join(m['tex'].split())}$", text)
    text = DIRECTIVE.sub(_block, text)
    return CITATION.sub(lambda m: f"{m['number']}. ", text)


class Markdown(griffe.Extension):
    """Griffe calls this for every object it has read."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
