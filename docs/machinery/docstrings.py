"""Docstrings as Markdown: formulas and references."""

from __future__ import annotations

import re
import textwrap

import griffe

ROLE = re.compile(r":math:`(?P<tex>[^`]+)`")
DIRECTIVE = re.compile(r"^\.\. math::[ \t]*\n\n?(?P<tex>(?:[ \t]+\S.*\n?|\n(?=[ \t]+\S))+)", re.M)
CITATION = re.compile(r"^\.\. \[(?P<number>\d+)\] ", re.M)


def as_markdown(text: str) -> str:
    """A docstring whose formulas stand between dollars."""
    text = ROLE.sub(lambda m: f"${' '.join(m['tex'].split())}$", text)
    text = DIRECTIVE.sub(lambda m: f"$$\n{textwrap.dedent(m['tex']).strip()}\n$$\n", text)
    return CITATION.sub(lambda m: f"{m['number']}. ", text)


class Markdown(griffe.Extension):
    """Griffe calls this for every object it has read."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
