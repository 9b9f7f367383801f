"""Toy materials: crystals whose topology is proven.

Each toy material is a crystal with atoms, distance-dependent hoppings, spin-orbit coupling and
magnetic moments, which determine its bands; its class is proven. From left to right: a trivial
insulator, a topological insulator, a semimetal.
"""

import tempfile
from pathlib import Path

import numpy as np

from topophys.materials import generate_toys, load_toys
from topophys.plots import Figure, save_figure
from topophys.plots.materials import plot_toy_materials


def picture() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        generate_toys(Path(folder) / "toys.h5", 120, seed=5, progress=False)
        arrays, _ = load_toys(Path(folder) / "toys.h5")
    rows = np.array([np.flatnonzero(arrays["topology"] == t)[1] for t in (0, 1, 2)])
    insulators = arrays["evidence"] == 0
    assert (arrays["gap_bound"][insulators] > 0).all()
    return plot_toy_materials(arrays, rows.tolist())


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
