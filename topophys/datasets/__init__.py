"""Labelled data sets of Hamiltonians: made from recipes, stored in HDF5, verified from hoppings."""

from topophys.datasets.dataset_card import Summary
from topophys.datasets.generation import generate, join
from topophys.datasets.importers import label
from topophys.datasets.label_table import LabelTable, label_files
from topophys.datasets.reader import Dataset, open_dataset
from topophys.datasets.recipe import Recipe
from topophys.datasets.shards import draw_shard
from topophys.datasets.split import Split
from topophys.datasets.tbmodels_file import read_tbmodels
from topophys.datasets.verification import Report, verify

__all__ = [
    "Dataset",
    "LabelTable",
    "Recipe",
    "Report",
    "Split",
    "Summary",
    "draw_shard",
    "generate",
    "join",
    "label",
    "label_files",
    "open_dataset",
    "read_tbmodels",
    "verify",
]
