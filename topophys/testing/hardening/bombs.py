"""Small files that ask for much, and special files: pipes, sockets, links, holes."""

from __future__ import annotations

import gzip
import json
import os
import socket
import zipfile
from dataclasses import replace

import h5py
import numpy as np

from topophys.testing.hardening.readers import READERS
from topophys.testing.hardening.readers.materials import ATOMS, POSCAR
from topophys.testing.wannier_files import small_hr


def deep_toml(path):
    path.write_text("name = " + "[" * 50_000, encoding="utf-8")


def deep_json(path):
    path.write_text("{" + '"a":[' * 50_000, encoding="utf-8")


def long_number(path):
    path.write_text("seed = " + "9" * 100_000, encoding="utf-8")


def header_of_a_huge_array(path):
    head = (
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 10000), }".ljust(117) + b"\n"
    )
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)


def archive_of_zeros(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("block.npy", "w", force_zip64=True) as stream:
            np.save(stream, np.zeros((2, 2, 2000, 4000), complex))
        with archive.open("vectors.npy", "w") as stream:
            np.save(stream, np.array([[0], [1]]))


def far_vectors(path):
    np.savez(path, vectors=np.array([[0], [10**7]]), block=np.ones((2, 2, 2, 2)))


def wide_lattice(path):
    d = np.ones((60_000, 3, 3), np.float32)
    np.savez_compressed(path, vectors=np.array([[0, 0], [64, 0], [0, 64]]), d=d)


def chunks_of_zeros(path):
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        file["vectors"] = np.array([[0], [1]])
        file.create_dataset("block", (2, 2, 4096, 4096), "c16", chunks=True, compression="gzip")


def toys_of_zeros(path):
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        file.attrs["format"], file.attrs["version"] = "topophys-materials", 1
        file.attrs["card"] = "{}"
        zeros = file.create_dataset("x", (2**27,), "f8", chunks=True, compression="gzip")
        zeros.attrs["sha256"] = "0"


def blank_lines(path):
    path.write_bytes(gzip.compress(b"\n" * 500_000_000, 9))


def blank_end(path):
    text = "\n".join(small_hr()).encode()
    path.write_bytes(gzip.compress(text + b"\n" * 500_000_000, 9))


def crowd(path):
    path.write_text(POSCAR.replace("1 1\n", "1 300000000\n"), encoding="utf-8")


def needle(path):
    cell = [[1e-4, 0.0, 0.0], [0.0, 1e4, 0.0], [0.0, 0.0, 1e4]]
    atoms = {**ATOMS, "lattice_mat": cell, "coords": [[0, 0, 0], [0, 0.5, 0]]}
    path.write_text(json.dumps([{"jid": "a", "atoms": atoms}]), encoding="utf-8")


def city(path):
    n = 12_000
    spots = np.random.default_rng(0).random((n, 3)).round(4)
    atoms = {"lattice_mat": (90 * np.eye(3)).tolist(), "coords": spots.tolist(),
             "elements": ["H"] * n}  # fmt: skip
    path.write_text(json.dumps([{"jid": "a", "atoms": atoms}]), encoding="utf-8")


def zip_of_spaces(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", " " * 400_000_000)


def deep_summary(folder):
    (folder / "summary.json").write_text('{"versions":' + "[" * 50_000, encoding="utf-8")


def crowd_of_probes(folder):
    content = json.loads((folder / "probes.json").read_text(encoding="utf-8"))
    content["results"] *= 200
    (folder / "probes.json").write_text(json.dumps(content), encoding="utf-8")


def _settings(**changes):
    def change(folder):
        card = json.loads((folder / "best.json").read_text(encoding="utf-8"))
        card["settings"] |= changes
        (folder / "best.json").write_text(json.dumps(card), encoding="utf-8")

    return change


def wide_classifier(folder):
    card = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    card["settings"]["fused_dim"] = 60_000
    (folder / "run.json").write_text(json.dumps(card), encoding="utf-8")


#: What is wrong: reader, name of the file or None to change an honest one, and what does it.
BOMBS = {
    "brackets in a recipe": ("recipe", "a.toml", deep_toml),
    "long number in a recipe": ("recipe", "a.toml", long_number),
    "brackets in settings": ("settings", "a.toml", deep_toml),
    "brackets in structures": ("jarvis", "a.json", deep_json),
    "header of a huge array": ("array", "a.npy", header_of_a_huge_array),
    "archive of zeros": ("source", "a.npz", archive_of_zeros),
    "lattice vectors far out": ("source", "a.npz", far_vectors),
    "lattice vectors that fill a plane": ("source", "a.npz", wide_lattice),
    "chunks of zeros": ("source-hdf5", "a.h5", chunks_of_zeros),
    "toy materials of zeros": ("toys", "a.h5", toys_of_zeros),
    "blank lines, compressed": ("wannier", "a_hr.dat.gz", blank_lines),
    "blank lines after the end": ("wannier", "a_hr.dat.gz", blank_end),
    "crowd in a POSCAR": ("structure", "POSCAR", crowd),
    "cell like a needle": ("jarvis", "a.json", needle),
    "cell with twelve thousand atoms": ("jarvis", "a.json", city),
    "zip of spaces": ("jarvis", "a.zip", zip_of_spaces),
    "brackets in a summary": ("report", None, deep_summary),
    "three thousand rows of probes": ("report", None, crowd_of_probes),
    "wide network": ("run", None, _settings(hidden_dims=[60_000, 60_000, 60_000])),
    "deep network": ("run", None, _settings(point_layers=10**9)),
    "wide classifier": ("material-run", None, wide_classifier),
}


def _bomb(title, base, name, make):
    def change(rng, path):
        if name is None:
            return make(path)
        path.unlink()
        make(path.with_name(name))
        return path.with_name(name)

    return replace(READERS[base], name=title, change=change)


#: The same as readers, each with one way to change honest files.
BOMB_READERS = {title: _bomb(title, *how) for title, how in BOMBS.items()}


# ---- Special files


def pipe(path):
    os.mkfifo(path)


def endless(path):
    path.symlink_to("/dev/zero")


def nothing(path):
    path.symlink_to("/dev/null")


def circle(path):
    path.symlink_to(path.name)


def folder(path):
    path.mkdir()


def listening(path):
    # names of sockets are short
    here = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def hole(path):
    """As long as no disk, and empty."""
    with path.open("wb") as stream:
        stream.truncate(1 << 42)


def begun_hole(path):
    """The same behind what the reader expects at the beginning."""
    with path.open("r+b") as stream:
        stream.truncate(1 << 42)


#: What replaces an honest file; the last one lengthens it.
KINDS = {
    "pipe": pipe, "endless device": endless, "empty device": nothing, "circle of links": circle,
    "folder": folder, "socket": listening, "hole": hole, "file with a hole": begun_hole,
}  # fmt: skip


def _special(name, make):
    def change(rng, path):
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        chosen = rng.choice(files)
        if make is not begun_hole:
            chosen.unlink()
        make(chosen)

    return replace(READERS[name], name=name, change=change)


#: The same as readers, each with one way to replace an honest file.
SPECIAL_READERS = {
    f"{kind} for {name}": _special(name, make) for kind, make in KINDS.items() for name in READERS
}
