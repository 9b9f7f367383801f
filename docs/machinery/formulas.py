"""Formulas become MathML while the site is built, so that pages need no script to show them."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError

INLINE = re.compile(r'<span class="arithmatex">\\\((?P<tex>.*?)\\\)</span>', re.DOTALL)
BLOCK = re.compile(r'<div class="arithmatex">\s*\\\[(?P<tex>.*?)\\\]\s*</div>', re.DOTALL)
#: What the converter does not know, in words that it does.
WORDS = (
    (r"\\[dt]frac\b", r"\\frac"),
    (r"\\arg\b", r"\\operatorname{arg}"),
    (r":=", "≔"),
    (r"=:", "≕"),
)
#: What it writes, as browsers show it best: bars without gaps, d upright, functions at a distance.
LOOKS = (
    (r"<mo[^>]*>(&#x0007C;|&#x02016;)</mo>",
     r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>'),
    (r"<mi>(&#x000[4-7].;)</mi>", r'<mi mathvariant="normal">\1</mi>'),
    (r"<mi>(≔|≕)</mi>", r"<mo>\1</mo>"),
    (r"(<m[io][^>]*>(?:cos|sin|tan|arcsin|log|exp|arg|det|Re|Im)</m[io]>)(?=<m[a-z]+>)",
     r'\1<mspace width="0.17em"/>'),
)  # fmt: skip


def mathml(tex: str, display: str) -> str:
    """One formula; LaTeX that cannot be converted stops the build."""
    plain = html.unescape(tex).strip()
    for pattern, word in WORDS:
        plain = re.sub(pattern, word, plain)
    try:
        shown = convert(plain, display=display)
    except Exception as error:
        raise PluginError(f"Formula `{plain}` must convert to MathML, but: {error!r}") from error
    if found := re.search(r"\\[A-Za-z]+", shown):
        raise PluginError(f"Formula `{plain}` must convert to MathML, but `{found[0]}` is unknown")
    for pattern, look in LOOKS:
        shown = re.sub(pattern, look, shown)
    return shown


def on_page_content(content: str, **_: object) -> str:
    """Replace what the extension arithmatex has marked."""
    content = INLINE.sub(lambda m: mathml(m["tex"], "inline"), content)
    return BLOCK.sub(lambda m: f'<div class="formula">{mathml(m["tex"], "block")}</div>', content)
