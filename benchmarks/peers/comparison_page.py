"""Writes docs/comparison.md: the table of features, and tables of other pages beside each other.

python -m benchmarks.peers.comparison_page            # features too; needs `make peers`
python -m benchmarks.peers.comparison_page copies     # only what stands on other pages already
"""

from __future__ import annotations

import re
import sys

from benchmarks.pages import ROOT, put
from benchmarks.peers import features

PAGE = ROOT / "docs" / "comparison.md"
SOURCE = ROOT / "docs" / "results" / "invariants.md"
COPIES = ("peers-speed", "peers-wrong", "peers-gapless", "material")


def section(name: str) -> str:
    """What stands between the markers of a section of the page of results."""
    text = SOURCE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->(.*?)<!-- end of {name} -->", text, re.DOTALL)
    if found is None:
        raise ValueError(f"Page {SOURCE.name} must have the section `{name}`, but has not.")
    return found[1].strip()


def copy(name: str) -> None:
    """Bring one section of the page of results here."""
    put(PAGE, name, section(name))


def main() -> None:
    if sys.argv[1:] != ["copies"]:
        put(PAGE, "features", f"{features.table()}\n\n`python -m benchmarks.peers.comparison_page`")
    for name in COPIES:
        copy(name)


if __name__ == "__main__":
    main()
