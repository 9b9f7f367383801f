"""Hamiltonians of others: to label, to predict, from Wannier90."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import numpy as np

from topophys.testing.hardening import changes
from topophys.testing.hardening.readers.reader import Reader
from topophys.testing.wannier_files import small_hr, small_tb


def _make_sources(folder):
    rng = np.random.default_rng(1)
    vectors = np.array([[0], [1]])
    block = rng.standard_normal((2, 2, 2, 2)) + 0j
    np.savez(folder / "chains.npz", vectors=vectors, block=block)
    plane = np.array([[0, 0], [1, 0], [0, 1]])
    np.savez_compressed(folder / "d.npz", vectors=plane, d=rng.standard_normal((2, 3, 3)) + 0j)


def _make_sources_hdf5(folder):
    import h5py

    rng = np.random.default_rng(1)
    with h5py.File(folder / "bands.h5", "w", libver=("v110", "v110")) as file:
        file["vectors"] = np.array([[0, 0], [1, 0], [0, 1]])
        file["hoppings"] = np.triu(rng.standard_normal((2, 3, 3, 3))) * [[[1]], [[0.3]], [[0.2]]]
        file["hoppings"][:, 0] = np.eye(3)


def _read_source(path):
    from topophys.datasets.importers import read_source

    read_source(path, n_occupied=1)


def _make_arrays(folder):
    rng = np.random.default_rng(1)
    np.save(folder / "blocks.npy", rng.standard_normal((2, 8, 2, 2)) + 0j)
    np.save(folder / "d.npy", rng.standard_normal((2, 4, 4, 3)))


def _read_array(path):
    from topophys.learn.inputs import read_input

    read_input(path)


def _make_plain(folder):
    (folder / "a_hr.dat").write_text("\n".join(small_hr()) + "\n")
    (folder / "a_tb.dat").write_text("\n".join(small_tb()) + "\n")


def _make_tbmodels(folder):
    import h5py

    rng = np.random.default_rng(2)
    matrices = rng.standard_normal((3, 2, 2)) + 1j * rng.standard_normal((3, 2, 2))
    vectors = [[0, 0], [1, 0], [0, 1]]
    with h5py.File(folder / "dense.hdf5", "w") as dense, h5py.File(
        folder / "sparse.hdf5", "w"
    ) as sparse:  # fmt: skip
        for file in (dense, sparse):
            file["type_tag"] = "tbmodels.model"
            file["dim"], file["size"], file["occ"] = 2, 2, 1
            file["uc"], file["pos"] = np.eye(2), np.zeros((2, 2))
            for n, vector in enumerate(vectors):
                file[f"hop/{n}/R"] = vector
        for n, matrix in enumerate(matrices):
            dense[f"hop/{n}/mat"] = matrix
            sparse[f"hop/{n}/indptr"], sparse[f"hop/{n}/indices"] = [0, 2, 4], [0, 1, 0, 1]
            sparse[f"hop/{n}/data"], sparse[f"hop/{n}/shape"] = matrix.ravel(), [2, 2]
    rows = [
        [R, [[{"real": x.real, "imag": x.imag} for x in row] for row in matrix]]
        for R, matrix in zip(vectors, matrices, strict=True)
    ]
    content = {"size": 2, "dim": 2, "occ": 1, "uc": np.eye(2).tolist(), "pos": [[0, 0], [0, 0]],
               "hop": {"__hoppings_dense__": rows}}  # fmt: skip
    (folder / "dense.json").write_text(json.dumps(content), encoding="utf-8")
    packed = gzip.compress(json.dumps(content).encode())
    (folder / "packed.json.gz").write_bytes(packed)


def _change_tbmodels(rng, path):
    ways = {".hdf5": changes.hdf5_file, ".json": changes.json_file, ".gz": changes.packed_file}
    return ways[path.suffix](rng, path)


def _read_tbmodels(path):
    import topophys as tp

    h = tp.read_tbmodels(path)
    h.bloch(np.zeros(h.dim))


def _make_packed(folder):
    for name, lines in (("a_hr.dat", small_hr()), ("a_tb.dat", small_tb())):
        text = ("\n".join(lines) + "\n").encode()
        (folder / f"{name}.gz").write_bytes(gzip.compress(text))
        info = tarfile.TarInfo(name)
        info.size = len(text)
        with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as archive:
            archive.addfile(info, io.BytesIO(text))


def _read_wannier(path):
    import topophys as tp

    h = tp.read_wannier90(path)
    h.bloch(np.zeros(h.dim))


READERS = (
    Reader("source", "Hamiltonians to label (.npz)", _make_sources, changes.zip_file, _read_source),
    Reader("source-hdf5", "Hamiltonians to label (HDF5)", _make_sources_hdf5, changes.hdf5_file,
           _read_source),
    Reader("array", "samples to predict (.npy)", _make_arrays, changes.npy_file, _read_array),
    Reader("wannier", "`_hr.dat`, `_tb.dat`", _make_plain, changes.text_file, _read_wannier,
           ("topophys.hamiltonians",)),
    Reader("tbmodels", "models of TBmodels (HDF5, JSON)", _make_tbmodels, _change_tbmodels,
           _read_tbmodels),
    Reader("wannier-packed", "the same, `.gz` and `.tar.gz`", _make_packed, changes.packed_file,
           _read_wannier),
)  # fmt: skip
