"""In a real Jupyter kernel: bars stay, figures show themselves, results are tables."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from pathlib import Path

import pytest

pytestmark = pytest.mark.release

nbformat = pytest.importorskip("nbformat", reason="notebooks need `pip install 'topophys[docs]'`")
nbclient = pytest.importorskip("nbclient", reason="notebooks need `pip install 'topophys[docs]'`")
ROOT = Path(__file__).parents[2]
CELLS = {
    "bar": """
import topophys as tp
from topophys._progress import track
with track(30, "draw") as advance:
    for _ in range(30):
        advance(1)
""",
    "certificate": "tp.certify_winding(tp.models.ssh(1.0, [0.5, 2.0]))",
    "figure": "from topophys import plots\nplots.plot_bands(tp.models.qwz(1.0))",
    "silent": "with track(3, 'draw', enabled=False) as advance: advance(3)",
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Outputs of the cells, by name."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source.strip()) for source in CELLS.values()]
    )
    with warnings.catch_warnings():
        # of the event loop of the client, not of ours
        warnings.simplefilter("ignore")
        client = nbclient.NotebookClient(
            notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}}
        )
        client.execute(env=os.environ | {"PYTHONPATH": str(ROOT)})
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def test_a_bar_is_one_output_that_needs_no_widget(shown):
    (output,) = shown["bar"]
    assert set(output.data) == {"text/plain", "text/html"}
    assert output.data["text/plain"].startswith("draw: 30 of 30 in ")
    assert '<progress value="30" max="30">' in output.data["text/html"]


def test_results_are_tables(shown):
    (output,) = shown["certificate"]
    assert output.data["text/plain"].splitlines()[0] == (
        "Winding number of the lowest 1 of 2 bands in 1D: 2 of 2 certified"
    )


def test_figures_show_themselves(shown):
    (output,) = shown["figure"]
    assert len(output.data["image/png"]) > 1000


def test_silence_where_not_enabled(shown):
    assert shown["silent"] == []


def builder():
    sys.path.insert(0, str(ROOT / "docs" / "machinery"))
    try:
        return importlib.import_module("notebook")
    finally:
        sys.path.pop(0)


def test_the_notebook_of_the_tutorial_is_that_of_its_page():
    build = builder()
    made = build.cells(build.PAGE.read_text(encoding="utf-8"))
    book = nbformat.read(build.TARGET, as_version=4)
    shown = [(cell.cell_type, cell.source) for cell in book.cells]
    assert shown == made, "run: python docs/machinery/notebook.py"
    # executed from first to last, without an error, and with pictures
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    assert build.TARGET.stat().st_size < 1_000_000
    files = [shown["file"] for shown in build.PICTURE.finditer(build.PAGE.read_text("utf-8"))]
    assert [(build.DOCS / file).read_bytes() for file in files] == build.pictures(book)


@pytest.mark.slow
def test_the_notebook_runs():
    build = builder()
    book = build.executed(build.PAGE.read_text(encoding="utf-8"))
    assert all(cell.execution_count for cell in book.cells if cell.cell_type == "code")
