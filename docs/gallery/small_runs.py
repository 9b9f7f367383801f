"""Short trainings that several figures use; each runs once in a process and takes seconds."""

import functools
import tempfile
from pathlib import Path

from topophys.datasets import Dataset, Recipe, generate, open_dataset
from topophys.learn import EncoderConfig, FitConfig, Run, fit

CHAINS = {"family": "aiii_chains", "hopping_range": 2}
PLANES = {"family": "two_band", "hopping_range": 1}


def trained(
    kind: str, hamiltonian: dict, grid: list[int], size: int, gap: float, settings: FitConfig
) -> tuple[Run, Dataset]:
    """A network that has learned from the labels -1, 0 and 1 alone, and its data."""
    folder = Path(tempfile.mkdtemp())
    parts = {"train": size, "val": 300, "test": 1500}
    recipe = Recipe.from_dict(
        {
            "name": "gallery",
            "seed": 5,
            "hamiltonian": hamiltonian,
            "label": {"invariant": kind, "min_gap": gap},
            "input": {"grid": grid, "flatten_bands": False},
            "split": [{"name": n, "size": s, "classes": [-1, 0, 1]} for n, s in parts.items()],
        }
    )
    generate(recipe, folder / "data.h5", progress=False)
    dataset = open_dataset(folder / "data.h5")
    return fit(settings, dataset, folder / "run", progress=False), dataset


@functools.cache
def chains() -> tuple[Run, Dataset]:
    """Winding numbers of four-band chains on 32 points."""
    wide = EncoderConfig(hidden_dims=(32, 32, 64))
    settings = FitConfig(seed=1, epochs=6, batch_size=128, learning_rate=1e-2, encoder=wide)
    return trained("winding", CHAINS, [32], 12_000, 0.1, settings)


@functools.cache
def coarse_chains() -> tuple[Run, Dataset]:
    """The same on 8 points, refined inside the network, and without much of a gap."""
    settings = FitConfig(
        seed=1, epochs=8, batch_size=128, learning_rate=1e-2, encoder=EncoderConfig(upsample=6)
    )
    return trained("winding", CHAINS, [8], 20_000, 0.01, settings)


@functools.cache
def planes() -> tuple[Run, Dataset]:
    """Chern numbers of two-band Hamiltonians on 8 x 8 points."""
    settings = FitConfig(seed=1, epochs=8, batch_size=64, learning_rate=1e-2)
    return trained("chern", PLANES, [8, 8], 9_000, 0.1, settings)
