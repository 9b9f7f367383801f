"""The whole way: data set, training, probes, pictures, one page."""

from topophys.pipeline.accuracy import SplitAccuracy, measure_accuracy
from topophys.pipeline.demo import demo
from topophys.pipeline.figures import draw_figures
from topophys.pipeline.page import write_page
from topophys.pipeline.recipes import recipe_path
from topophys.pipeline.summary import load_summary, write_summary

__all__ = [
    "SplitAccuracy",
    "demo",
    "draw_figures",
    "load_summary",
    "measure_accuracy",
    "recipe_path",
    "write_page",
    "write_summary",
]
