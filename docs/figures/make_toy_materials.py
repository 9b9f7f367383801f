"""Make docs/figures/toy_materials.png and toy_solids.png: four of each kind, with their bands."""

import tempfile
from pathlib import Path

import numpy as np

from topophys.materials import generate_toys, load_toys
from topophys.plots import save_figure
from topophys.plots.materials import plot_toy_materials

#: Topology, magnetism and evidence of each.
WANTED = {
    2: ((0, 0, 0), (1, 0, 0), (1, 2, 0), (2, 1, 1)),
    3: ((0, 0, 0), (1, 0, 0), (1, 1, 0), (2, 0, 1)),
}
NAMES = {2: "toy_materials", 3: "toy_solids"}


def picture(dim: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "toys.h5"
        generate_toys(path, 400, dim=dim, seed=3, progress=False)
        arrays, _ = load_toys(path)
    found = np.stack([arrays[n] for n in ("topology", "magnetism", "evidence")], axis=1)
    rows = [int(np.flatnonzero((found == w).all(1))[0]) for w in WANTED[dim]]
    here = Path(__file__).with_name(NAMES[dim])
    save_figure(plot_toy_materials(arrays, rows), here, ["png"], dpi=150)


def main() -> None:
    for dim in NAMES:
        picture(dim)


if __name__ == "__main__":
    main()
