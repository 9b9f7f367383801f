"""Structures from POSCAR, CIF and JARVIS files: read as they are meant, or refused in one line."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topophys.errors import InputError
from topophys.materials import parse_formula, read_jarvis, read_structure
from topophys.materials.elements import SYMBOLS

CELL = np.array([[-2.069, -3.583614, 0.0], [2.069, -3.583614, 0.0], [0.0, 2.389075, 9.546667]])
SPOTS = np.array(
    [[0.399, 0.399, 0.697], [0.601, 0.601, 0.303], [0.0, 0.0, 0.5], [0.206, 0.206, 0.118],
     [0.794, 0.794, 0.882]]
)  # fmt: skip


def rows(numbers):
    return "\n".join(" ".join(f"{x:.12f}" for x in row) for row in numbers) + "\n"


def poscar(**parts):
    given = {"comment": "Bi2Se3", "scale": "1.0", "cell": rows(CELL), "species": "Bi Se\n",
             "counts": "2 3", "mode": "Direct", "spots": rows(SPOTS)} | parts  # fmt: skip
    return ("{comment}\n{scale}\n{cell}{species}{counts}\n{mode}\n{spots}").format(**given)


def read(tmp_path, text, name="POSCAR", **options):
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    return read_structure(path, **options)


def assert_bismuth_selenide(crystal):
    assert crystal.numbers.tolist() == [83, 83, 34, 34, 34]
    np.testing.assert_allclose(crystal.lattice, CELL, atol=1e-9)
    np.testing.assert_allclose(crystal.fractional, SPOTS, atol=1e-9)


VOLUME = abs(np.linalg.det(CELL))


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"comment": "3 \xe5ngstrom, no element here"},
        {"counts": "2 3 ! atoms", "mode": "direct lattice"},
        {"scale": "2.0", "cell": rows(CELL / 2)},
        {"scale": f"-{VOLUME:.12f}", "cell": rows(CELL / 3)},
        {"scale": "1.0 2.0 4.0", "cell": rows(CELL / [1, 2, 4])},
        {"scale": "1.0D+00 ! unit"},
        {"cell": rows(CELL).replace("0.000000000000", "0.0d0")},
        {"cell": rows(CELL).replace(" ", ", ")},
        {"cell": rows(CELL).replace("0.000000000000\n", "1*0.0 ! flat\n", 1)},
        {"mode": "Selective dynamics\nDirect", "spots": rows(SPOTS).replace("\n", " T T F\n")},
        {"mode": "Cartesian", "spots": rows(SPOTS @ CELL)},
        {"mode": "k", "scale": "2.0", "cell": rows(CELL / 2), "spots": rows(SPOTS @ CELL / 2)},
        {"mode": "C", "scale": "1 2 4", "cell": rows(CELL / [1, 2, 4]),
         "spots": rows(SPOTS @ CELL / [1, 2, 4])},
        {"species": "Bi_d Se\n"},
        {"species": "Bi_d_GW/4fd1e29c Se/0a1b\n"},
        {"species": "Bi Se Se\n", "counts": "2 1 2"},
        {"spots": rows(SPOTS) + "\n 0.0 0.0 0.0\n" * 5},
        {"spots": rows(SPOTS).replace("\n", " Bi1\n")},
    ],
)  # fmt: skip
def test_poscars_that_vasp_reads(tmp_path, parts):
    crystal = read(tmp_path, poscar(**parts))
    assert_bismuth_selenide(crystal)
    assert crystal.notes == ()


@pytest.mark.parametrize(
    ("parts", "note"),
    [
        ({"comment": "Bi2Se3 test"}, "comment"),
        ({"comment": "relaxed Bi2Se3, SCF 3"}, "comment"),
        ({"comment": "Bi Se"}, "comment"),
        ({"comment": "?", "spots": rows(SPOTS[:2]).replace("\n", " Bi\n")
          + rows(SPOTS[2:]).replace("\n", " T T F Se\n")}, "ends of the lines"),
    ],
)  # fmt: skip
def test_elements_of_vasp_4_are_found_and_noted(tmp_path, parts, note):
    crystal = read(tmp_path, poscar(species="", **parts))
    assert_bismuth_selenide(crystal)
    assert note in crystal.notes[0]


@pytest.mark.parametrize(
    "comment",
    ["", "test", "Se3Bi2", "Bi2Te3 or Bi2Se3", "Bi2Se2", "SO", "Bi", "Bi Bi", "No Xx", "Bi2", "2 3",
     "Bi2Se3Te", "H2O C2 structure"],
)  # fmt: skip
def test_elements_of_vasp_4_are_never_guessed(tmp_path, comment):
    with pytest.raises(InputError, match="`species`") as error:
        read(tmp_path, poscar(comment=comment, species=""))
    assert "\n" not in str(error.value)
    crystal = read(tmp_path, poscar(comment=comment, species=""), species=["Bi", "Se"])
    assert_bismuth_selenide(crystal)


@pytest.mark.parametrize(
    ("parts", "species", "message"),
    [
        ({}, "Bi Te", "must be that of the file"),
        ({"species": ""}, "Bi", "each of the 2"),
        ({"species": ""}, "Bi Xx", "each of the 2"),
        ({"species": "H.5 Se\n"}, None, "line 6"),
        ({"species": "bi Se\n"}, None, "line 6"),
        ({"counts": "2 0"}, None, "line 7"),
        ({"counts": "2 -3"}, None, "line 7"),
        ({"counts": "2 4"}, None, "end of the file"),
        ({"counts": "99999999 3"}, None, "100000002 atoms"),
        ({"scale": "0"}, None, "line 2"),
        ({"scale": "1 2"}, None, "line 2"),
        ({"scale": "1 -2 1"}, None, "line 2"),
        ({"scale": "nan"}, None, "line 2"),
        ({"mode": "0.1 0.2 0.3"}, None, "line 8"),
        ({"mode": ""}, None, "line 8"),
        ({"cell": "1 2\n" * 3}, None, "line 3"),
        ({"cell": "0 0 0\n" * 3, "scale": "-3"}, None, "span a volume"),
        ({"spots": rows(SPOTS[:4]) + "x y z\n"}, None, "line 13"),
        ({"spots": rows(SPOTS[:4]) + "1_0 0 0\n"}, None, "line 13"),
    ],
)  # fmt: skip
def test_bad_poscars_name_the_line(tmp_path, parts, species, message):
    with pytest.raises(InputError, match="POSCAR") as error:
        read(tmp_path, poscar(**parts), species=species)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@st.composite
def drawn_poscars(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    cell = 6.0 * np.eye(3) + rng.uniform(-1, 1, (3, 3))
    counts = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
    names = draw(st.lists(st.sampled_from(SYMBOLS[1:]), min_size=len(counts), max_size=len(counts)))
    corners = np.array(list(np.ndindex(2, 2, 2)))[: sum(counts)] / 2.0
    spots = corners + rng.uniform(-0.05, 0.05, corners.shape)
    return names, counts, cell, spots, draw(st.sampled_from(["D", "C"])), draw(
        st.sampled_from([1.0, 0.5, -1.0]))  # fmt: skip


@settings(max_examples=25)
@given(drawn_poscars())
def test_poscars_are_read_as_by_pymatgen(tmp_path_factory, drawn):
    module = pytest.importorskip("pymatgen.io.vasp")
    names, counts, cell, spots, mode, scale = drawn
    if scale < 0.0:  # pymatgen multiplies Cartesian positions by minus the volume
        mode = "D"
    factor = -abs(np.linalg.det(cell)) if scale < 0 else scale
    shown = spots @ cell if mode == "C" else spots
    text = poscar(
        scale=f"{factor:.12f}", cell=rows(cell / abs(scale)), species=" ".join(names) + "\n",
        counts=" ".join(map(str, counts)), mode=mode,
        spots=rows(shown / abs(scale) if mode == "C" else shown),
    )  # fmt: skip
    crystal = read(tmp_path_factory.mktemp("drawn"), text)
    other = module.Poscar.from_str(text).structure
    assert crystal.numbers.tolist() == [site.specie.Z for site in other]
    np.testing.assert_allclose(crystal.lattice, other.lattice.matrix, atol=1e-9)
    np.testing.assert_allclose(crystal.fractional, other.frac_coords, atol=1e-9)


# ---- CIF

CIF = """data_a
_chemical_formula_sum '{formula}'
_cell_length_a 5.0
_cell_length_b 5.0
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
{symmetry}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{sites}
"""
P1 = "loop_\n_symmetry_equiv_pos_as_xyz\n'x, y, z'\n'-x, -y, -z'"
SALT = "Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"


def cif(formula="Na Cl", symmetry=P1, sites=SALT, c=5.0):
    return CIF.format(formula=formula, symmetry=symmetry, sites=sites, c=c)


@pytest.fixture(autouse=True)
def _needs_pymatgen(request):
    if "cif" in request.node.name:
        pytest.importorskip("pymatgen.io.cif")


@pytest.mark.parametrize(
    ("parts", "numbers"),
    [
        ({}, [11, 17]),
        ({"formula": "Na2 Cl2"}, [11, 17]),
        ({"sites": "Na1 Na+ 0 0 0 1\nCl1 Cl1- 0.5 0.5 0.5 1"}, [11, 17]),
        ({"formula": "D Cl", "sites": "D1 D 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"}, [1, 17]),
        ({"symmetry": "_symmetry_space_group_name_H-M 'P -1'"}, [11, 17]),
        ({"symmetry": "_symmetry_space_group_name_H-M 'P 1'"}, [11, 17]),
        ({"symmetry": "_space_group_IT_number 2"}, [11, 17]),
        ({"formula": "?", "sites": "Na1 Na+ 0 0 0 1\nCl1 Cl- 0.5 0.5 0.5 1"}, [11, 17]),
    ],
)
def test_cif_files_are_read(tmp_path, parts, numbers):
    crystal = read(tmp_path, cif(**parts), "a.cif")
    assert sorted(crystal.numbers.tolist()) == numbers
    assert bool(crystal.notes) == ("symmetry" in parts)
    again = read(tmp_path, cif(**parts), "a.txt")  # known by its content
    assert again.numbers.tolist() == crystal.numbers.tolist()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"symmetry": "_symmetry_space_group_name_H-M 'P 9 x'"}, "not known"),
        ({"symmetry": "_symmetry_space_group_name_H-M 'P 1'\n_space_group_IT_number 225"},
         "which is number 1, and the number 225"),
        ({"symmetry": "_symmetry_space_group_name_H-M 'F m -3 m'\n_space_group_IT_number 999"},
         "which is number 225, and the number 999"),
        ({"symmetry": ""}, "does neither"),
        ({"symmetry": "loop_\n_symmetry_equiv_pos_as_xyz\n'what, y, z'\n"
          "_symmetry_space_group_name_H-M 'P -1'"}, "row 1 has"),
        ({"symmetry": P1 + "\n'x, x, z'"}, "row 3 has"),
        ({"symmetry": "_symmetry_space_group_name_H-M 'F d -3 m'", "formula": "?"}, "settings"),
        ({"formula": "Na Cl2"}, "does not fit"),
        ({"formula": "Na Cl H2"}, "no site has H; hydrogen atoms were not located"),
        ({"formula": "Na Cl Br"}, "no site has Br"),
        ({"formula": "Na"}, "does not fit"),
        ({"formula": "sodium"}, "_chemical_formula_sum"),
        ({"formula": "Na O H", "sites": "Na1 Na 0 0 0 1\nO1 OH 0.5 0.5 0.5 1"}, "row 2"),
        ({"formula": "Na O H2", "sites": "Na1 Na 0 0 0 1\nO1 OH2 0.5 0.5 0.5 1"}, "row 2"),
        ({"formula": "Na O", "sites": "Na1 Na 0 0 0 1\nO1 Wat 0.5 0.5 0.5 1"}, "row 2"),
        ({"sites": SALT + "\nH1 H . . . 1", "formula": "Na Cl H"}, "row 3"),
        ({"sites": SALT + "\nH1 H ? ? ? 1", "formula": "Na Cl H"}, "row 3"),
        ({"sites": "Na1 Na 0 0 0 0.5\nCl1 Cl 0.5 0.5 0.5 1", "formula": "Na0.5 Cl"}, "partly"),
        ({"sites": SALT + "\nNa2 Na 0 0 0.02 1", "formula": "Na3 Cl"}, "overlap"),
        ({"c": "?"}, "parsed"),
    ],
)  # fmt: skip
def test_doubtful_cif_files_are_refused(tmp_path, parts, message):
    with pytest.raises(InputError, match=r"Sample `a\.cif`") as error:
        read(tmp_path, cif(**parts), "a.cif")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_labels_of_a_cif_file_must_be_elements(tmp_path):
    text = cif().replace("_atom_site_type_symbol\n", "")
    text = text.replace("Na1 Na 0", "Na1 0").replace("Cl1 Cl 0", "Cl1 0")
    assert sorted(read(tmp_path, text, "a.cif").numbers.tolist()) == [11, 17]
    with pytest.raises(InputError, match="column _atom_site_type_symbol"):
        read(tmp_path, text.replace("Na1 0", "OW1 0"), "a.cif")


def test_a_cif_file_of_two_structures_is_refused(tmp_path):
    with pytest.raises(InputError, match="one structure, but has 2"):
        read(tmp_path, cif() + cif().replace("data_a", "data_b"), "a.cif")
    with pytest.raises(InputError, match="left out for the CIF"):
        read(tmp_path, cif(), "a.cif", species="Na Cl")


def test_majority_of_a_cif_file_is_noted(tmp_path):
    sites = "Na1 Na 0 0 0 0.7\nK1 K 0 0 0 0.3\nCl1 Cl 0.5 0.5 0.5 1\nO1 O 0.5 0 0 0.2"
    text = cif("Na0.7 K0.3 Cl O0.2", sites=sites)
    crystal = read(tmp_path, text, "a.cif", occupancy="majority")
    assert sorted(crystal.numbers.tolist()) == [11, 17]
    assert "majority of 2 partly occupied sites, 1 of them empty" in crystal.notes[-1]
    even = text.replace("0 0 0 0.7", "0 0 0 0.5").replace("0 0 0 0.3", "0 0 0 0.5")
    with pytest.raises(InputError, match="most frequent"):
        read(tmp_path, even.replace("Na0.7 K0.3", "Na0.5 K0.5"), "a.cif", occupancy="majority")


# ---- Batches


def test_batches_skip_bad_entries_and_report_them(tmp_path):
    text = poscar().replace("\n", "\\n")
    other = poscar(counts="3 2").replace("\n", "\\n")
    path = tmp_path / "j.json"
    path.write_text(
        '{{"a": {0}, "b": 5, "a": {0}, "c": {0}, "c": {1}, "d": {0}}}'.format(
            json.dumps(text), json.dumps(other)
        )
    )
    found = read_jarvis(path)
    assert list(found) == ["a", "d"]
    assert found.repeated == ("a",)
    assert set(found.failed) == {"b", "c"}
    assert "different ones" in found.failed["c"]
    assert "2 read, 1 repeated (a), 2 left out (b: " in repr(found)


@given(
    st.text(alphabet="BiSeTHOC0123456789 ", max_size=12), st.lists(st.integers(1, 4), max_size=3)
)
def test_a_comment_names_elements_in_the_ratios_of_the_atoms_or_nothing(comment, counts):
    from topophys.materials._poscar import _of_comment

    found = _of_comment(comment, counts) if counts else None
    if found is None or comment.split() == found:
        return
    word = next(w for w in comment.split() if all(name in w for name in found))
    amounts = dict(parse_formula(word))
    ratio = amounts[SYMBOLS.index(found[0])] / counts[0]
    assert [amounts[SYMBOLS.index(name)] for name in found] == [ratio * n for n in counts]
