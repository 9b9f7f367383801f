"""Structures, lists of classes, toy materials, and what was trained on them."""

from __future__ import annotations

import json
import zipfile

import numpy as np

from topophys.testing.hardening import changes
from topophys.testing.hardening.readers.networks import change_run
from topophys.testing.hardening.readers.reader import Reader

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


def _make_tables(folder):
    (folder / "t.csv").write_text(
        '\ufeff"formula",space_group,class\nBi2Se3,166,a\nNaCl,Fm-3m,\nKCl,,b\n',
        encoding="utf-8",
    )
    (folder / "u.csv").write_text("class,formula\nx,Bi0.4Se0.6\ny,Ca(OH)2\n")


def _read_tables(path):
    from topophys.materials import read_table

    read_table(path, labels=("class",))


def _make_toys(folder):
    from topophys.datasets.materials_file import write_materials

    arrays = {"a": np.arange(3), "b": np.ones((3, 2))}
    write_materials(folder / "toys.h5", arrays, {"a": "one", "b": "two"}, {"seed": 1})


def _read_toys(path):
    from topophys.datasets.materials_file import read_materials

    read_materials(path)


#: What coverage guides the changes of texts by: our readers, and the parsers below them.
_OURS = ("topophys.materials",)
_PARSERS = (*_OURS, "pymatgen.io.cif", "pymatgen.io.vasp.inputs")
READERS = (
    Reader("structure", "POSCAR, CIF", _make_structures, changes.text_file, _read_structure,
           _PARSERS),
    Reader("jarvis", "structures of JARVIS (JSON, .zip)", _make_jarvis, _change_jarvis,
           _read_jarvis),
    Reader("lists", "lists of classes (text)", _make_lists, _change_lists, _read_lists, _OURS),
    Reader("table", "tables of materials (CSV)", _make_tables, changes.text_file, _read_tables,
           _OURS),
    Reader("material-run", "trained classifier of materials", _make_material_run,
           change_run("classifier.safetensors", "run.json"), _read_material_run),
    Reader("toys", "toy materials (HDF5)", _make_toys, changes.hdf5_file, _read_toys),
)  # fmt: skip
#: Readers that need packages of the extra.
EXTRA = ("structure", "jarvis", "material-run")


POSCAR = """rock salt
1.0
0.0 2.82 2.82
2.82 0.0 2.82
2.82 2.82 0.0
Na Cl
1 1
direct
0.0 0.0 0.0
0.5 0.5 0.5
"""
