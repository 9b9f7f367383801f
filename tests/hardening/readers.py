"""Everything in topophys that reads files of others, with honest files to begin from."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.hamiltonians.wannier_files import small_hr, small_tb
from tests.hardening import changes
from tests.materials.rock_salt import POSCAR

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Reader:
    """One way in.

    Attributes
    ----------
    name, what : str
        Short name, and what is read, for the table.
    make : callable
        Fills an empty folder with honest files.
    change : callable
        Changes one of them, given a `random.Random`.
    read : callable
        Reads one, and looks at all that it holds.
    modules : tuple of str
        What coverage guides the changes by, for readers of texts.
    """

    name: str
    what: str
    make: Callable[[Path], None]
    change: Callable[[Any, Path], None]
    read: Callable[[Path], object]
    modules: tuple[str, ...] = ()


# ---- recipes and settings


def _make_recipes(folder):
    for path in sorted((ROOT / "datasets").glob("*/*.toml")):
        if path.name != "training.toml":
            shutil.copy(path, folder / f"{path.parent.name}-{path.name}")


def _read_recipe(path):
    from topophys.datasets import Recipe

    recipe = Recipe.from_toml(path)
    assert Recipe.from_text(recipe.to_toml()) == recipe
    for spec in recipe.split:
        recipe.part(spec.name)


def _make_settings(folder):
    for path in sorted((ROOT / "datasets").glob("*/training.toml")):
        shutil.copy(path, folder / f"{path.parent.name}.toml")


def _read_settings(path):
    from topophys.learn import FitConfig

    FitConfig.from_toml(path).to_toml()


# ---- data sets

_RECIPE = """
name = "small"
seed = 1
[hamiltonian]
family = "{family}"
{keys}
hopping_range = 1
[label]
invariant = "{invariant}"
min_gap = 0.05
[input]
grid = {grid}
[[split]]
name = "train"
size = 6
classes = [-1, 0, 1]
[[split]]
name = "test"
size = 3
classes = [-1, 0, 1]
noise = 0.1
"""
_KINDS = (
    ("aiii_chains", "n_orbitals = 2", "winding", "[6]"),
    ("two_band", "", "chern", "[4, 4]"),
    ("class_a", "n_bands = 3\nn_occupied = 1", "chern", "[4, 4]"),
)


def _make_datasets(folder):
    from topophys.datasets import Recipe, generate

    for family, keys, invariant, grid in _KINDS:
        text = _RECIPE.format(family=family, keys=keys, invariant=invariant, grid=grid)
        generate(Recipe.from_text(text), folder / f"{family}.h5", workers=1, progress=False)


def _read_dataset(path):
    from topophys.datasets import open_dataset, verify

    report = verify(path, recompute=0.5)
    assert isinstance(report.ok, bool)
    with open_dataset(path) as dataset:
        assert dataset.card()
        repr(dataset)
        for name in dataset.splits:
            split = dataset.split(name)
            repr(split)
            assert len(split[:]["label"]) == len(split)


def _make_index(folder):
    from topophys.datasets import Recipe, generate, join

    home = folder / "parts"
    home.mkdir()
    text = _RECIPE.format(family="aiii_chains", keys="", invariant="winding", grid="[6]")
    recipe = Recipe.from_text(text)
    parts = [home / "0.h5", home / "1.h5"]
    for number, path in enumerate(parts):
        generate(recipe, path, shards=(number, number + 1), workers=1, progress=False)
    join(parts, home / "all.json", progress=False)


def _change_index(rng, folder):
    from topophys.datasets.index import _seal

    path = folder / "all.json"
    changes.json_file(rng, path)
    if rng.random() < 0.7:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content["manifest"] = _seal(content)
            path.write_text(json.dumps(content), encoding="utf-8")
        except (ValueError, TypeError, AttributeError, RecursionError):
            return  # no JSON object any more


def _read_index(folder):
    _read_dataset(folder / "all.json")


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
    from topophys.datasets.sources import read_source

    read_source(path)


def _make_arrays(folder):
    rng = np.random.default_rng(1)
    np.save(folder / "blocks.npy", rng.standard_normal((2, 8, 2, 2)) + 0j)
    np.save(folder / "d.npy", rng.standard_normal((2, 4, 4, 3)))


def _read_array(path):
    from topophys.learn.inputs import read_input

    read_input(path)


# ---- files of Wannier90


def _make_plain(folder):
    (folder / "a_hr.dat").write_text("\n".join(small_hr()) + "\n")
    (folder / "a_tb.dat").write_text("\n".join(small_tb()) + "\n")


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


# ---- networks


_SMALL = {"epochs": 1, "batch_size": 3, "val_split": "test",
          "encoder": {"hidden_dims": [4, 3, 4], "output_features": 4}}  # fmt: skip


def _make_run(folder):
    from topophys.datasets import open_dataset
    from topophys.learn import FitConfig, fit

    data = folder.with_name("data")
    data.mkdir(exist_ok=True)
    _make_datasets(data)
    config = FitConfig.from_mapping(_SMALL)
    for family in ("aiii_chains", "two_band"):
        with open_dataset(data / f"{family}.h5") as dataset:
            fit(config, dataset, folder / family, progress=False)


def _make_state(folder):
    from topophys.datasets import open_dataset
    from topophys.learn import FitConfig, fit
    from topophys.learn.trainer import Trainer

    data = folder.with_name("data")
    data.mkdir(exist_ok=True)
    _make_datasets(data)
    config = FitConfig.from_mapping({**_SMALL, "epochs": 2, "checkpoint_steps": 1})

    class StopError(Exception):
        pass

    whole, Trainer.epoch = Trainer.epoch, stop_after_first_save(Trainer.epoch, StopError)
    try:
        with open_dataset(data / "aiii_chains.h5") as dataset:
            fit(config, dataset, folder / "run", progress=False)
    except StopError:
        pass
    finally:
        Trainer.epoch = whole


def stop_after_first_save(epoch, stop):
    """An epoch that ends, as if killed, when its first state is on disk."""

    def cut(trainer, advance, save):
        def once():
            save()
            raise stop

        return epoch(trainer, advance, once)

    return cut


def _change_weights(rng, path, change):
    """Change weights, in their header or as bytes, and sometimes the digest that guards them."""
    raw = path.read_bytes()
    if rng.random() < 0.6:
        size = int.from_bytes(raw[:8], "little")
        if rng.random() < 0.6:
            header = change(rng, json.loads(raw[8 : 8 + size]))
            head = json.dumps(header).encode()
        else:
            head = changes.changed_text(rng, raw[8 : 8 + size].decode()).encode()
        length = len(head) if rng.random() < 0.9 else rng.choice((0, 2**62, 2**63, 99_999_999))
        path.write_bytes(length.to_bytes(8, "little") + head + raw[8 + size :])
    else:
        path.write_bytes(changes.changed_bytes(rng, raw))


def _change_run(weights, card, extra=()):
    def change(rng, folder):
        chosen = rng.choice((weights, card, card, *extra))
        path = folder / chosen
        if path.suffix == ".json":
            changes.json_file(rng, path)
        else:
            _change_weights(rng, path, changes.changed_json)
        if rng.random() < 0.8:
            _fit_digest(folder / weights, folder / card)

    return change


def _fit_digest(weights, card):
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
        content["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        card.write_text(json.dumps(content), encoding="utf-8")
    except (ValueError, TypeError, RecursionError):
        return  # no JSON object any more


def _read_run(folder):
    from topophys.learn import load_run

    run = load_run(folder)
    assert run.best_epoch["epoch"] is not None
    assert run.kind
    rng = np.random.default_rng(2)
    blocks = rng.standard_normal((2, 6, 2, 2)) + 1j * rng.standard_normal((2, 6, 2, 2))
    run.predict(blocks if run.kind == "winding" else rng.standard_normal((2, 4, 4, 3)))


def _change_state(rng, folder):
    _change_weights(rng, folder / "state.safetensors", _changed_state)


def _changed_state(rng, header):
    meta = header.get("__metadata__", {})
    if "card" in meta and rng.random() < 0.7:
        meta["card"] = json.dumps(changes.changed_json(rng, json.loads(meta["card"])))
        return header
    return changes.changed_json(rng, header)


def _read_state(folder):
    """Go on with a training from its state, to its end."""
    from topophys.datasets import open_dataset
    from topophys.learn import fit
    from topophys.learn.config import FitConfig

    config = FitConfig.from_toml(folder / "training.toml")
    with open_dataset(folder.parents[1] / "data" / "aiii_chains.h5") as dataset:
        fit(config, dataset, folder, progress=False, resume=True)


# ---- materials

CIF = """data_NaCl
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
_symmetry_Int_Tables_number 1
loop_
 _symmetry_equiv_pos_site_id
 _symmetry_equiv_pos_as_xyz
  1 'x, y, z'
  2 '-x, -y, -z'
loop_
 _atom_site_type_symbol
 _atom_site_label
 _atom_site_fract_x
 _atom_site_fract_y
 _atom_site_fract_z
 _atom_site_occupancy
  Na+ Na1 0.0 0.0 0.0 1
  Cl- Cl1 0.5 0.5 0.5 1.0
"""
ATOMS = {
    "lattice_mat": [[0, 2.82, 2.82], [2.82, 0, 2.82], [2.82, 2.82, 0]],
    "coords": [[0, 0, 0], [0.5, 0.5, 0.5]],
    "elements": ["Na", "Cl"],
    "cartesian": False,
}


def _make_structures(folder):
    (folder / "POSCAR").write_text(POSCAR)
    (folder / "a.cif").write_text(CIF)


def _read_structure(path):
    from topophys.materials import crystal_graph, read_structure

    crystal_graph(read_structure(path))


def _make_jarvis(folder):
    texts = {"train": {"JVASP-1": POSCAR.replace("\n", "\\n"), "JVASP-2": [POSCAR]}}
    (folder / "a.json").write_text(json.dumps(texts))
    (folder / "b.json").write_text(json.dumps([{"jid": "JVASP-3", "atoms": ATOMS}]))
    with zipfile.ZipFile(folder / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c.json", json.dumps([{"jid": "JVASP-3", "atoms": ATOMS}]))


def _change_jarvis(rng, path):
    (changes.zip_file if path.suffix == ".zip" else changes.json_file)(rng, path)


def _read_jarvis(path):
    from topophys.materials import read_jarvis

    read_jarvis(path)


def _make_lists(folder):
    home = folder / "lists"
    home.mkdir()
    for number, name in enumerate(("case1", "case3", "tci", "ti"), start=1):
        text = f"225, Na{number}Cl1\n227, Si{number}\n166, Bi2Se3\n"
        (home / f"{name}_ccmp.txt").write_text(text)


def _change_lists(rng, folder):
    changes.text_file(rng, rng.choice(sorted(folder.iterdir())))


def _read_lists(folder):
    from topophys.materials import list_features, read_class_lists

    list_features(read_class_lists(folder).materials)


def _make_material_run(folder):
    from topophys.materials import EnhancedMultiModalMaterialClassifier
    from topophys.materials.run import MaterialRun, Scaler, save_material_run

    small = EnhancedMultiModalMaterialClassifier(latent_dim=8, fused_dim=8, scalar_hidden_dim=8)
    classes = {"topology": ["a", "b", "c"], "magnetism": ["x", "y", "z"]}
    scaler = Scaler([0.0] * 48, [1.0] * 48)
    save_material_run(folder / "run", MaterialRun(small, "toys", classes, scaler, {"n": 1}))


def _read_material_run(folder):
    from topophys.materials import Crystal, load_material_run

    run = load_material_run(folder)
    cell = np.array(ATOMS["lattice_mat"])
    str(run.predict(Crystal.checked([11, 17], ATOMS["coords"], cell, "NaCl")))


def _make_toys(folder):
    from topophys.datasets.materials_file import write_materials

    arrays = {"a": np.arange(3), "b": np.ones((3, 2))}
    write_materials(folder / "toys.h5", arrays, {"a": "one", "b": "two"}, {"seed": 1})


def _read_toys(path):
    from topophys.datasets.materials_file import read_materials

    read_materials(path)


_TEXT, _JSON, _HDF5 = changes.text_file, changes.json_file, changes.hdf5_file
_DATA = ("topophys.datasets",)
_W90 = ("topophys.hamiltonians",)
_MATERIALS = ("topophys.materials",)
READERS = {
    reader.name: reader
    for reader in (
        Reader("recipe", "recipe (TOML)", _make_recipes, _TEXT, _read_recipe, _DATA),
        Reader("settings", "training settings (TOML)", _make_settings, _TEXT, _read_settings,
               ("topophys.learn.config",)),
        Reader("dataset", "data set (HDF5), opened, read, verified", _make_datasets, _HDF5,
               _read_dataset),
        Reader("index", "index of a data set in parts (JSON)", _make_index, _change_index,
               _read_index),
        Reader("source", "Hamiltonians to label (.npz)", _make_sources, changes.zip_file,
               _read_source),
        Reader("source-hdf5", "Hamiltonians to label (HDF5)", _make_sources_hdf5, _HDF5,
               _read_source),
        Reader("array", "samples to predict (.npy)", _make_arrays, changes.npy_file, _read_array),
        Reader("wannier", "`_hr.dat`, `_tb.dat`", _make_plain, _TEXT, _read_wannier, _W90),
        Reader("wannier-packed", "the same, `.gz` and `.tar.gz`", _make_packed,
               changes.packed_file, _read_wannier),
        Reader("run", "trained network: cards and weights", _make_run,
               _change_run("best.safetensors", "best.json", ("run.json",)), _read_run),
        Reader("state", "state of a training, gone on with", _make_state, _change_state,
               _read_state),
        Reader("structure", "POSCAR, CIF", _make_structures, _TEXT, _read_structure, _MATERIALS),
        Reader("jarvis", "structures of JARVIS (JSON, .zip)", _make_jarvis, _change_jarvis,
               _read_jarvis),
        Reader("lists", "lists of classes (text)", _make_lists, _change_lists, _read_lists),
        Reader("material-run", "trained classifier of materials", _make_material_run,
               _change_run("classifier.safetensors", "run.json"), _read_material_run),
        Reader("toys", "toy materials (HDF5)", _make_toys, _HDF5, _read_toys),
    )
}  # fmt: skip
#: Readers that need packages of an extra.
MATERIALS = ("structure", "jarvis", "material-run")
