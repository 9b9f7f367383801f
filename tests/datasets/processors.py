"""Data sets as other processors make them: what of them is equal, and what nearly.

python -m tests.datasets.processors FOLDER
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.datasets.conftest import RECIPES

ROOT = RECIPES.parent
TINY = RECIPES / "tiny"
#: Recipes of every family, with exact copies in another gauge.
SAMPLES = sorted(path.stem for path in TINY.glob("*.h5"))
#: What the page of the format promises: largest differences, angles modulo 2 pi.
HOPPINGS, DERIVED, SINGLE = 1e-13, 1e-9, 4e-7
ANGLES = ("alpha", "dalpha", "flux")


def older():
    """Environment in which libraries do without what only newer processors have."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    # names that this NumPy knows and this processor has; of others it warns
    names = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    settings = {"ATEN_CPU_CAPABILITY": "default", "NPY_DISABLE_CPU_FEATURES": " ".join(names)}
    if platform.machine() in ("x86_64", "AMD64"):
        settings |= {
            "OPENBLAS_CORETYPE": "Nehalem",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable",
        }
    return settings


def make(folder, settings):
    """Data sets of the small recipes, made by a process with these settings."""
    words = [sys.executable, "-m", "tests.datasets.processors", str(folder)]
    env = {**os.environ, **settings}
    subprocess.run(words, check=True, env=env, cwd=ROOT, capture_output=True, text=True)


def differences(one, other):
    """Largest difference of each field, and that the rest is equal; for two open data sets."""
    found = {}
    assert one.splits == other.splits
    for split in one.splits:
        a, b = one.split(split), other.split(split)
        assert a.fields == b.fields
        for field in a.fields:
            x, y = a.read(field)[0], b.read(field)[0]
            assert (x.shape, x.dtype) == (y.shape, y.dtype)
            step = np.abs(x - y)
            if field in ANGLES:
                step = np.minimum(step, np.abs(2 * np.pi - step))
            found[field] = max(found.get(field, 0.0), float(step.max(initial=0.0)))
    return found


def broken(found):
    """Differences that are larger than promised: none."""
    allowed = {"label": 0.0, "seed_key": 0.0, "x": SINGLE, "hoppings": HOPPINGS}
    allowed["gap_bound"] = np.inf  # a proof may take other cells; that it holds is checked again
    return {name: value for name, value in found.items() if value > allowed.get(name, DERIVED)}


def main(folder):
    from topophys.datasets import Recipe, generate

    for name in SAMPLES:
        recipe = Recipe.from_toml(TINY / f"{name}.toml")
        generate(recipe, Path(folder) / f"{name}.h5", workers=1, progress=False)


if __name__ == "__main__":
    main(sys.argv[1])
