"""In a real Jupyter kernel: bars stay, figures show themselves, results are tables."""

from __future__ import annotations

import asyncio
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
        # in a loop of our own, which is closed: the client leaves its own one open
        asyncio.run(client.async_execute(env=os.environ | {"PYTHONPATH": str(ROOT)}))
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


@pytest.mark.slow
def test_the_notebook_of_a_page_runs_in_a_kernel(tmp_path):
    sys.path.insert(0, str(ROOT / "docs" / "machinery"))
    outputs = importlib.import_module("outputs")
    sys.path.pop(0)
    page = "tutorials/student.md"
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    book = nbformat.reads(outputs.notebook(page, text), as_version=4)
    nbformat.validate(book)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = nbclient.NotebookClient(
            book, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
        )
        # in a loop of our own, which is closed: the client leaves its own one open
        asyncio.run(client.async_execute(env=os.environ | {"PYTHONPATH": str(ROOT)}))
    assert all(cell.execution_count for cell in book.cells if cell.cell_type == "code")
