"""Pages of the repository that lie outside docs/ join the site, and links to them lead there.

Links in our pages are relative paths in the repository, so that they work wherever its files are
shown. On the site everything outside docs/ lies under project/, with the same path below.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

OUTSIDE = "project"
ALONE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "CITATION.cff")
LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s#]+)")
CODE = re.compile(r"(?ms)^ *(?P<fence>`{3,}|~{3,}).*?^ *(?P=fence) *$|`[^`\n]+`")


def root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).parent


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages at the top of the repository, and the recipes with their cards."""
    here = root(config)
    recipes = [p for end in ("md", "toml") for p in sorted((here / "datasets").rglob(f"*.{end}"))]
    for path in [*(here / name for name in ALONE), *recipes]:
        target = f"{OUTSIDE}/{path.relative_to(here).as_posix()}"
        files.append(File.generated(config, target, abs_src_path=str(path)))
    return files


def place(path: str) -> str:
    """Where a file of the repository is on the site, before it is built."""
    inside = path.startswith("docs/")
    return path.removeprefix("docs/") if inside else f"{OUTSIDE}/{path}"


def source(page: str) -> str:
    """Path in the repository of a page of the site."""
    here = page.startswith(f"{OUTSIDE}/")
    return page.removeprefix(f"{OUTSIDE}/") if here else f"docs/{page}"


def moved(page: str, target: str) -> str:
    """The link of a page as it must be written on the site."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return target
    there = os.path.normpath(os.path.join(os.path.dirname(source(page)), target))  # noqa: PTH118, PTH120
    return os.path.relpath(place(there), os.path.dirname(page) or ".")  # noqa: PTH120


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Rewrite relative links outside code."""
    name = page.file.src_uri
    parts, last = [], 0
    for code in [*CODE.finditer(markdown), None]:
        text = markdown[last : code.start() if code else len(markdown)]
        parts.append(LINK.sub(lambda found: moved(name, found["target"]), text))
        if code:
            parts.append(code.group())
            last = code.end()
    return "".join(parts)
