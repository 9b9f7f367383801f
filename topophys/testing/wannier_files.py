"""Files of Wannier90 to test with: real ones where they are, and small ones made here."""

from __future__ import annotations

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    "BHZ_hr.dat": (2, 4, 5),
    "Weyl3D_hr.dat": (3, 2, 7),
    "Graphene_hr.dat": (3, 2, 315),
    "silicon_hr.dat": (3, 8, 93),
    "GaAs_tb.dat.tar.gz": (3, 16, 19),
    "MoS2-1Tp_hr.dat.tar.gz": (2, 48, 45),
}


def wannier_file(name):
    """Path of a real file, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("TOPOPHYS_TEST_DATA", ROOT.parent / "shared" / "data"))
    path = folder / "wannier" / name
    # the files are too large for the repository: a clone without them tests the rest
    if not path.exists():
        pytest.skip(f"{name} is not in {folder / 'wannier'}; set TOPOPHYS_TEST_DATA")
    return path


def small_hr(vectors=((-1, 0, 0), (0, 0, 0), (1, 0, 0)), weights=(2, 1, 2), n=2, header=None):
    """Lines of a chain with two orbitals: H_R depends on |R| only, real and symmetric."""
    lines = list(header or ["made for a test", str(n), str(len(vectors))])
    lines.append("".join(f"{w:5d}" for w in weights))
    for x, y, z in vectors:
        size = abs(x) + abs(y) + abs(z)
        for b in range(1, n + 1):
            for a in range(1, n + 1):
                value = (a + b + 1.0) / (1 + size) ** 2
                lines.append(f"{x:5d}{y:5d}{z:5d}{a:5d}{b:5d}{value:12.6f}{0.0:12.6f}")
    return lines


def small_tb(n=2):
    """Lines of the same chain as a `_tb.dat`."""
    lines = ["made for a test", " 2.0 0.0 0.0", " 0.0 3.0 0.0", " 0.0 0.0 4.0", str(n), "3"]
    lines.append("    2    1    2")
    for columns in (1, 3):
        for x in (-1, 0, 1):
            lines += ["", f"{x:5d}    0    0"]
            for b in range(1, n + 1):
                for a in range(1, n + 1):
                    value = f"{(a + b + 1.0) / (1 + abs(x)) ** 2:15.8E}{0.0:15.8E}"
                    lines.append(f"{a:5d}{b:5d}" + value * columns)
    return lines


def save(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def save_tbmodels(h, path, occ=None):
    """Write a model as TBmodels does, half of the hoppings each, in HDF5 or JSON by its ending."""
    halves = {}
    for R, m in h.hoppings.items():
        if tuple(-x for x in R) not in halves:
            halves[R] = m if any(R) else 0.5 * m
    size, dim = h.n_bands, h.dim
    if path.suffix == ".hdf5":
        with h5py.File(path, "w") as file:
            file["type_tag"], file["dim"], file["size"] = "tbmodels.model", dim, size
            file["uc"], file["pos"] = np.eye(dim), np.zeros((size, dim))
            if occ is not None:
                file["occ"] = occ
            for i, (R, m) in enumerate(halves.items()):
                file[f"hop/{i}/R"], file[f"hop/{i}/mat"] = list(R), m
        return path
    rows = [[list(R), [[{"real": x.real, "imag": x.imag} for x in row] for row in m.tolist()]]
            for R, m in halves.items()]  # fmt: skip
    content = {"size": size, "dim": dim, "occ": occ, "hop": {"__hoppings_dense__": rows}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
