"""Labelled data sets of Hamiltonians: made from recipes, stored in HDF5, verified from hoppings."""

from topophys.datasets.generate import generate
from topophys.datasets.join import join
from topophys.datasets.label import label
from topophys.datasets.read import Dataset, open_dataset
from topophys.datasets.recipe import Recipe
from topophys.datasets.shards import draw_shard
from topophys.datasets.split import Split
from topophys.datasets.summary import Summary
from topophys.datasets.verify import Report, verify

__all__ = [
    "Dataset",
    "Recipe",
    "Report",
    "Split",
    "Summary",
    "draw_shard",
    "generate",
    "join",
    "label",
    "open_dataset",
    "verify",
]
