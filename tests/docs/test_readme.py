"""What the README says of the demo follows from its recipes."""

from __future__ import annotations

from pathlib import Path

import pytest

from topophys.datasets import Recipe

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "what"), [("winding-1d", "chiral chains"), ("chern-2d", "two-band Hamiltonians")]
)
def test_sizes_of_the_demo(name, what):
    recipe = Recipe.from_toml(ROOT / "datasets" / name / "recipe.toml")
    total = sum(split.size for split in recipe.split)
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{total:,} {what}" in text
