"""The page of the format says what is in the files."""

import json
from pathlib import Path

import topophys as tp
from topophys.invariants.certificate_file import SCHEMA, format_page
from topophys.testing.certificates import KINDS, texts

ROOT = Path(__file__).parents[2]


def test_the_page_is_current():
    written = (ROOT / "docs" / "certificate-format.md").read_text(encoding="utf-8")
    assert written == format_page(), (
        "run: python -m topophys.invariants.certificate_file docs/certificate-format.md"
    )


def keys_of(value, at=""):
    objects = ("evidence.faces", "evidence.sectors", "evidence.planes", "evidence.parities",
               "question.boxes")  # fmt: skip
    if isinstance(value, list) and at in objects:
        return {at} | set().union(*(keys_of(v, at) for v in value))
    if not isinstance(value, dict) or at.endswith((".sectors.cells", ".planes.cells")):
        return {at}
    inner = set().union(*(keys_of(v, f"{at}.{k}" if at else k) for k, v in value.items()))
    return inner | ({at} if "." in at else set())


def test_files_have_the_keys_of_the_page(tmp_path):
    found = set()
    for kind in KINDS:
        for text in texts(kind):
            found |= keys_of(json.loads(text))
    census = tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0), depth=2)
    found |= keys_of(json.loads(census.save(tmp_path / "x.cert.json").read_text("utf-8")))
    assert found == {key for key, *_ in SCHEMA}
