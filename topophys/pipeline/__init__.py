"""The whole way: data set, training, probes, pictures, one page."""

from topophys.pipeline.accuracy import SplitAccuracy, measure_accuracy
from topophys.pipeline.demo import demo
from topophys.pipeline.failures import Failure, list_failures
from topophys.pipeline.figures import draw_figures
from topophys.pipeline.findings import find_findings
from topophys.pipeline.interpretation import interpret_run, measure_missing
from topophys.pipeline.page import write_page
from topophys.pipeline.recipes import recipe_path
from topophys.pipeline.summary import load_summary, write_summary

__all__ = [
    "Failure",
    "SplitAccuracy",
    "demo",
    "draw_figures",
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
