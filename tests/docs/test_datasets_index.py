"""`datasets/README.md` lists what is there."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_index_lists_every_data_set_with_its_picture():
    path = ROOT / "docs" / "figures" / "make_datasets.py"
    spec = importlib.util.spec_from_file_location("make_datasets", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cards = {card.parent.name for card in (ROOT / "datasets").glob("*/README.md")} - {"tiny"}
    assert set(module.names()) == cards
    assert (ROOT / "datasets" / "README.md").read_text(encoding="utf-8") == module.index()
    for name in cards:
        assert (ROOT / "docs" / "figures" / f"dataset_{name}.png").stat().st_size > 5000
