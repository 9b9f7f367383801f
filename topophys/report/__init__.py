"""The whole way: data set, training, probes, pictures, one page."""

from topophys.report.artifacts import load_summary, write_summary
from topophys.report.end_to_end import demo, recipe_path
from topophys.report.evaluation import (
    Failure,
    SplitAccuracy,
    interpret_run,
    list_failures,
    measure_accuracy,
    measure_missing,
)
from topophys.report.figures import draw_figures
from topophys.report.findings import Finding, find_caveats, find_findings
from topophys.report.page import write_page

__all__ = [
    "Failure",
    "Finding",
    "SplitAccuracy",
    "demo",
    "draw_figures",
    "find_caveats",
    "find_findings",
    "interpret_run",
    "list_failures",
    "load_summary",
    "measure_accuracy",
    "measure_missing",
    "recipe_path",
    "write_page",
    "write_summary",
]
