"""Small inputs after public reports of wrong numbers and unreadable files, with right answers.

Every input is made here; each stands for its whole kind. Tests run all of them, and
`benchmarks.quality.real_files` writes the table of docs/results/real-files.md.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import topophys as tp
from topophys.errors import TopophysError
from topophys.hamiltonians.two_band import PAULI
from topophys.testing.wannier_files import save

X, Y, Z = PAULI
ONE = np.eye(2)


@dataclass(frozen=True)
class Case:
    """One input, what was reported, and what must come out.

    Attributes
    ----------
    name : str
        What is asked.
    source : str
        The report: repository and number, or "" for a case found here.
    before : str
        What came out there, or here before.
    run : callable
        Makes the input in a folder and returns the outcome in words.
    wanted : str
        What the outcome must contain.
    needs : str
        Package without which it cannot run.
    """

    name: str
    source: str
    before: str
    run: Callable
    wanted: str
    needs: str = ""

    def outcome(self, folder) -> str:
        """The answer or the refusal, in one line."""
        try:
            return " ".join(str(self.run(folder)).split())
        except TopophysError as error:
            return f"{type(error).__name__}: {' '.join(str(error).split())}"


# ---- Hoppings


def checkerboard():
    """Chern insulator with orbitals at (0, 0) and (1/2, 1/2), and the positions."""
    phase = np.exp(0.25j * np.pi)
    hops = {(0, 0): np.diag([0.05, -0.05]).astype(complex)}

    def add(R, a, b, value):
        hops.setdefault(R, np.zeros((2, 2), complex))[a, b] += value
        hops.setdefault((-R[0], -R[1]), np.zeros((2, 2), complex))[b, a] += np.conj(value)

    for R, value in (((0, 0), phase), ((-1, -1), phase), ((-1, 0), phase.conj()),
                     ((0, -1), phase.conj())):  # fmt: skip
        add(R, 0, 1, value)
    for R, a, value in (((1, 0), 0, 0.4), ((0, 1), 0, -0.4), ((1, 0), 1, -0.4), ((0, 1), 1, 0.4)):
        add(R, a, a, value)
    return tp.FourierHamiltonian(hops), np.array([[0.0, 0.0], [0.5, 0.5]])


def _shortest(points):
    length = np.linalg.norm(points, axis=1)
    return length < length.min() + 1e-9


def folded_files(folder, size, wsvec=True):
    """`_hr.dat` of the checkerboard on a mesh of `size` x `size` k points, and its images."""
    h, spots = checkerboard()
    mesh = 2.0 * np.pi * np.array(list(np.ndindex(size, size))) / size
    images = size * (np.array(list(np.ndindex(5, 5))) - 2)
    span = range(-size, size + 1)
    cells = [np.array((i, j)) for i in span for j in span]
    cells = [R for R in cells if (_shortest(R + images) & (images == 0).all(1)).any()]
    weights = [int(_shortest(R + images).sum()) for R in cells]
    lines = ["on a mesh", "2", str(len(cells)), " ".join(map(str, weights))]
    near = ["images"]
    for R in cells:
        phases = np.exp(-1j * mesh @ R)
        matrix = np.einsum("k,kab->ab", phases, h.bloch(mesh)) / len(mesh)
        for b in range(2):
            for a in range(2):
                place = f"{R[0]} {R[1]} 0 {a + 1} {b + 1}"
                lines.append(f"{place} {matrix[a, b].real:.6f} {matrix[a, b].imag:.6f}")
                found = images[_shortest(spots[b] - spots[a] + R + images)]
                near += [place, str(len(found)), *(f"{i} {j} 0" for i, j in found)]
    if wsvec:
        save(folder / "a_wsvec.dat", near)
    return save(folder / "a_hr.dat", lines)


def _images(size):
    def run(folder):
        return tp.certify_chern(tp.read_wannier90(folded_files(folder, size), n_occupied=1))

    return run


def _without_images(folder):
    h = tp.read_wannier90(folded_files(folder, 2, wsvec=False), n_occupied=1)
    return tp.certify_chern(h)


def _images_packed(folder):
    folded_files(folder, 2)
    with tarfile.open(folder / "run.tar.gz", "w:gz") as archive:
        for name in ("a_hr.dat", "a_wsvec.dat"):
            archive.add(folder / name, f"run/{name}")
            (folder / name).unlink()
    return tp.certify_chern(tp.read_wannier90(folder / "run.tar.gz", n_occupied=1))


def _one_k_point(folder):
    rows = ["0 0 0 1 1 0.5 0", "0 0 0 2 1 1 0", "0 0 0 1 2 1 0", "0 0 0 2 2 -0.5 0"]
    file = save(folder / "a_hr.dat", ["one k point", "2", "1", "1", *rows])
    return tp.read_wannier90(file, n_occupied=1).notes[0]


def _sparse(folder):
    h = tp.models.qwz(-1.0)
    rows = [
        f"{R[0]} {R[1]} 0 {a + 1} {b + 1} {m[a, b].real} {m[a, b].imag}"
        for R, m in h.hoppings.items() for a, b in np.ndindex(2, 2) if m[a, b] != 0
    ]  # fmt: skip
    lines = ["! sparse", f"{len(rows)} ! non-zeros", "2", f"{len(h.vectors)}", *rows]
    return tp.certify_chern(tp.read_wannier90(save(folder / "a.txt", lines), n_occupied=1))


def _filling(folder):
    file = tp.write_wannier90_hr(tp.models.bhz(1.0), folder / "a_hr.dat")
    return tp.certify_chern(tp.read_wannier90(file))


def _fermi_level(folder):
    file = tp.write_wannier90_hr(tp.models.qwz(-1.0), folder / "a_hr.dat")
    return tp.certify_chern(tp.read_wannier90(file, fermi_energy=0.2))


def _metal(folder):
    file = tp.write_wannier90_hr(tp.models.qwz(-1.0), folder / "a_hr.dat")
    return tp.read_wannier90(file, fermi_energy=1.5)


def _nan(folder):
    save(folder / "a_hr.dat", ["wire", "1", "1", "1", "0 0 0 1 1 NaN ********"])
    return tp.read_wannier90(folder / "a_hr.dat")


def _wire(folder):
    from topophys.answers import ask

    up = 2.0 * np.array([[0, 0], [1, 0]])
    rows = [
        f"0 0 {r} {a + 1} {b + 1} {m[a, b].real} 0"
        for r, m in ((-1, up.T), (0, X), (1, up)) for b in (0, 1) for a in (0, 1)
    ]  # fmt: skip
    return ask(save(folder / "a_hr.dat", ["wire", "2", "3", "1 1 1", *rows]), "winding")


def _weyl_files(folder):
    """Two nodes; lattice vectors a1 and a2 exchanged in the second file."""
    hops = {(0, 0, 0): 2.0 * Z, (1, 0, 0): -0.5j * X - 0.5 * Z, (0, 1, 0): -0.5j * Y - 0.5 * Z,
            (0, 0, 1): 0.5 * Z}  # fmt: skip
    full = dict(tp.FourierHamiltonian(hops).hoppings)
    for name, order in (("right", (0, 1, 2)), ("left", (1, 0, 2))):
        lines = [name, *(" ".join(map(str, row)) for row in np.eye(3)[list(order)]), "2",
                 str(len(full)), " ".join("1" for _ in full)]  # fmt: skip
        vectors = {R: tuple(R[i] for i in order) for R in full}
        for R, m in full.items():
            lines += ["", " ".join(map(str, vectors[R]))]
            lines += [f"{a + 1} {b + 1} {m[a, b].real} {m[a, b].imag}" for a, b in np.ndindex(2, 2)]
        for R in full:
            lines += ["", " ".join(map(str, vectors[R]))]
            lines += [f"{a + 1} {b + 1} 0 0 0 0 0 0" for b in (0, 1) for a in (0, 1)]
        save(folder / f"{name}_tb.dat", lines)
    return folder


def _handedness(folder):
    _weyl_files(folder)
    found = []
    for name in ("right", "left"):
        h = tp.read_wannier90(folder / f"{name}_tb.dat", n_occupied=1)
        nodes = (-np.pi / 2, np.pi / 2)
        charges = [int(tp.weyl_charge(h, [0, 0, k], half_width=0.3)) for k in nodes]
        found.append(f"{name}-handed {charges[0]:+d} {charges[1]:+d}")
    return ", ".join(found)


def _weyl_of_a_plane(folder):
    from topophys.answers import ask

    file = tp.write_wannier90_hr(tp.models.qwz(-1.0), folder / "a_hr.dat")
    return ask(file, "weyl", near=(0.0, 0.0, 0.0), n_occupied=1)


def _dirac(folder):
    drawn = np.random.default_rng(0).standard_normal((4, 4, 2)) @ [1.0, 1.0j]
    hops = {(0, 0): -2.0 * np.kron(Z, ONE) + 1e-6 * (drawn + drawn.conj().T),
            (1, 0): 0.5 * np.kron(Z, ONE) - 0.5j * np.kron(X, X),
            (0, 1): 0.5 * np.kron(Z, ONE) - 0.5j * np.kron(X, Y)}  # fmt: skip
    return tp.z2_invariant(tp.FourierHamiltonian(hops, n_occupied=2))


def _label(folder):
    tp.write_wannier90_hr(tp.models.qwz(-1.0), folder / "plane_hr.dat")
    tp.write_wannier90_hr(tp.models.weyl_semimetal(np.pi / 2), folder / "solid_hr.dat")
    tp.write_wannier90_hr(tp.models.ssh(1.0, 2.0), folder / "chain_hr.dat")
    (folder / "broken_hr.dat").write_text("nothing\n")
    from topophys.datasets import label

    table = label(folder, folder / "labels.csv", n_occupied=1)
    message = [f"{row.path.name}: {getattr(row.answer, 'value', 'failed')}" for row in table.rows]
    return "; ".join(message) + f"; {table.counts}"


def _not_periodic(_folder):
    """Haldane's model with positions in the phases: not periodic in the reciprocal lattice."""
    delta = np.array([[0.0, 1.0], [-np.sqrt(3) / 2, -0.5], [np.sqrt(3) / 2, -0.5]])
    cell = np.array([delta[1] - delta[0], delta[2] - delta[0]])
    dual = np.linalg.inv(cell).T

    def h(k):
        q = k @ dual
        f = np.exp(1j * delta @ q).sum()
        b = [delta[1] - delta[2], delta[2] - delta[0], delta[0] - delta[1]]
        return np.real(f) * X + np.imag(f) * Y + 0.2 * sum(np.sin(x @ q) for x in b) * Z

    return tp.from_callable(h, 2)


def _overlaps(_folder):
    overlap = {(0, 0): [[1.0, 0.1], [0.1, 1.0]], (1, 0): [[0.1, 0.0], [0.0, 0.1]]}
    return tp.certify_generalized_chern(tp.GeneralizedHamiltonian(tp.models.qwz(-1.0), overlap))


def _sampled_z2(_folder):
    from topophys._validation import as_complex

    return as_complex(tp.from_callable(tp.models.bhz(1.0).bloch, 2), "h", "(..., Nx, Ny, n, n)")


def _written_again(folder):
    """A model with images beside it, written to a file of its own and read from there."""
    h = tp.read_wannier90(folded_files(folder, 2), n_occupied=1)
    again = tp.read_wannier90(tp.write_wannier90_hr(h, folder / "b_hr.dat"), n_occupied=1)
    k = np.random.default_rng(0).uniform(-np.pi, np.pi, (5, 2))
    off = float(np.abs(again.bands(k) - h.bands(k)).max())
    return f"bands differ by {off:.1g}; notes {again.notes}"


def _mesh_of_two(folder):
    """`_tb.dat` of a mesh of 2 x 1 x 1 k points, whose images are in no other file."""
    lines = ["on a mesh of two", "4 0 0", "0 4 0", "0 0 4", "2", "3", "2 1 2"]
    for columns in (1, 3):
        for x in (-1, 0, 1):
            lines += ["", f"{x} 0 0"]
            for b, a in np.ndindex(2, 2):
                size = 1.0 if x == 0 or a != b else 0.5
                lines.append(f"{a + 1} {b + 1}" + f" {size} 0" * columns)
    h = tp.read_wannier90(save(folder / "a_tb.dat", lines), n_occupied=1)
    return f"{h.notes[0]}; centres {h.positions.ravel().tolist()}"


def _other_centres(folder):
    """Centres of more functions than the hoppings have, as of another calculation."""
    tp.write_wannier90_hr(tp.models.ssh(1.0, 2.0), folder / "a_hr.dat")
    save(folder / "a.win", ["begin unit_cell_cart", "ang", "4 0 0", "0 4 0", "0 0 4",
                            "end unit_cell_cart"])  # fmt: skip
    save(folder / "a_centres.xyz", ["3", "centres", "X 0 0 0", "X 1 0 0", "X 2 0 0"])
    return tp.read_wannier90(folder / "a_hr.dat", n_occupied=1)


def _no_centres(folder):
    """Lattice and atoms in the `.win`, but no centres: atoms are no Wannier functions."""
    tp.write_wannier90_hr(tp.models.ssh(1.0, 2.0), folder / "a_hr.dat")
    save(folder / "a.win", ["begin atoms_frac", "Si 0 0 0", "end atoms_frac", "",
                            "Begin Unit_Cell_Cart", "bohr", "5 0 0 ! a", "0 5 0", "0 0 5",
                            "End Unit_Cell_Cart"])  # fmt: skip
    h = tp.read_wannier90(folder / "a_hr.dat", n_occupied=1)
    return f"lattice {h.lattice[0, 0]:.4f} angstrom, positions {h.positions}"


def _chern_of_three(folder):
    h = tp.models.higher_chern(-1.0, 3)
    return tp.certify_chern(
        tp.read_wannier90(tp.write_wannier90_hr(h, folder / "a_hr.dat"), n_occupied=h.n_occupied)
    )


def _one_sided(folder):
    """Hoppings to the right alone, as a rule without the one to the left gives them."""
    one = np.array([[0.0, 1.0], [0.0, 0.0]])
    return tp.from_callable(lambda k: one + 0.3 * np.exp(1j * k[0]) * np.eye(2), 1, hopping_range=1)


# ---- Structures


def _structure(text, name="POSCAR", show=lambda c: f"{_formula(c)} {c.notes}", **options):
    def run(folder):
        from topophys.materials import read_structure

        (folder / name).write_text(text)
        return show(read_structure(folder / name, **options))

    return run


def _formula(crystal) -> str:
    from topophys.materials.elements import SYMBOLS

    kinds = list(dict.fromkeys(crystal.numbers.tolist()))
    counts = [(SYMBOLS[z], int((crystal.numbers == z).sum())) for z in kinds]
    return "".join(f"{name}{n if n > 1 else ''}" for name, n in counts)


def poscar(comment="cubic", scale="1.0", species="Na Cl\n", counts="1 1", mode="Direct",
           cell="4 0 0\n0 4 0\n0 0 4", spots="0 0 0\n0.5 0.5 0.5"):  # fmt: skip
    """Text of a POSCAR."""
    return f"{comment}\n{scale}\n{cell}\n{species}{counts}\n{mode}\n{spots}\n"


BISMUTH = poscar(
    "Bi2Se3 test", species="", counts="2 3",
    cell="-2.069 -3.583614 0\n2.069 -3.583614 0\n0 2.389075 9.546667",
    spots="0.399 0.399 0.697\n0.601 0.601 0.303\n0 0 0.5\n0.206 0.206 0.118\n0.794 0.794 0.882",
)  # fmt: skip
DIAMOND = poscar(
    "diamond", scale="3.562", species="", counts="2", cell="1 0 0\n0 1 0\n0 0 1",
    spots="0 0 0\n0.25 0.25 0.25",
)  # fmt: skip


IDENTITY = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n"


def cif(symmetry=IDENTITY, sites="Na1 Na 0 0 0\nCl1 Cl 0.5 0.5 0.5", formula="Na Cl"):
    """Text of a CIF file."""
    return (
        f"data_a\n_chemical_formula_sum '{formula}'\n_cell_length_a 4\n_cell_length_b 4\n"
        "_cell_length_c 4\n_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
        f"{symmetry}loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n"
        f"_atom_site_fract_y\n_atom_site_fract_z\n{sites}\n"
    )


def _hydrate(folder):
    from topophys.materials import parse_formula
    from topophys.materials.elements import SYMBOLS

    return " ".join(f"{SYMBOLS[z]}{n:g}" for z, n in parse_formula("CaSO4.2H2O"))


def _volume(crystal):
    distance = np.linalg.norm((crystal.fractional[1] - crystal.fractional[0]) @ crystal.lattice)
    return f"volume {abs(np.linalg.det(crystal.lattice)):.1f}, distance {distance:.2f}"


SELECTED = poscar(
    "Test", species="C     H\n", counts="2     1", mode="Selective dynamics\nCartesian",
    cell="20 0 0\n0 23 0\n0 0 15",
    spots="2.2 2.2 1.0  T  T  T\n3.6 2.2 1.0  T  F  T\n4.3 3.4 1.0  F F F",
)  # fmt: skip
LABELLED = SELECTED.replace("1.0  T  T", "1.0 C T  T").replace("1.0  F F", "1.0 H F F")


def _places(crystal):
    at = (crystal.fractional @ crystal.lattice).round(3).tolist()
    return f"{_formula(crystal)} at {at[0]} and {at[2]}"


def _zeolite(symmetry="x,y,z", sites="Si1 Si 0 0 0\nO1 O 0.333 0.667 0.25"):
    """CIF without a formula, positions rounded to three digits beside a threefold axis."""
    operations = "'x,y,z'\n'-y,x-y,z'\n'-x+y,-x,z'\n"
    text = cif(f"loop_\n_symmetry_equiv_pos_as_xyz\n{operations}", sites)
    text = text.replace("_cell_angle_gamma 90", "_cell_angle_gamma 120")
    text = text.replace("_cell_length_a 4\n_cell_length_b 4", "_cell_length_a 13.2\n"
                        "_cell_length_b 13.2")  # fmt: skip
    return text.replace("_chemical_formula_sum 'Na Cl'\n", "")


MIXED = cif(
    sites="Ge 0.4 Ge 0.5 0.5 0.5\nGe 0.4 Sb 0.5 0.5 0.5\nTe 1.0 Te 0 0 0", formula="Ge2 Sb2 Te5"
).replace("_atom_site_type_symbol", "_atom_site_occupancy\n_atom_site_type_symbol")
TWICE = cif(
    f"{IDENTITY}'-x,-y,-z'\n",
    "C1 C 0.1 0.1 0.1\nC1A C 0.9 0.9 0.9\nN1 N 0.5 0.5 0.5", "C2 N",
)  # fmt: skip


W90, WT, Z2P = "wannier-developers/wannier90", "quanshengwu/wannier_tools", "Z2PackDev/Z2Pack"
PMG = "materialsproject/pymatgen"
CASES = (
    Case(
        "Chern number, `_hr.dat` with `_wsvec.dat`, 2 x 2 mesh", f"{W90}#580", "certified 0",
        _images(2), "+1 (certified)"
    ),
    Case("the same, 3 x 3 mesh", f"{W90}#580", "certified 0", _images(3), "+1 (certified)"),
    Case("the same, 4 x 4 mesh", f"{W90}#580", "certified 0", _images(4), "+1 (certified)"),
    Case(
        "the same without `_wsvec.dat`", f"{W90}#580", "certified 0, without a word",
        _without_images, "no _wsvec.dat was read"
    ),
    Case("both in an archive", "", "certified 0", _images_packed, "+1 (certified)"),
    Case(
        "`_hr.dat` of one k point", f"{W90}#569", "flat bands, without a word", _one_k_point,
        "the only lattice vector is 0: bands are flat"
    ),
    Case(
        "Chern number, sparse file, name without suffix", "", '"truncated, 18 x 18"', _sparse,
        "+1 (certified)"
    ),
    Case(
        "Chern number, filling not given", f"{WT}#47", "half filling", _filling,
        "`n_occupied` must be given"
    ),
    Case(
        "Chern number, `fermi_energy=0.2`", f"{WT}#47", "half filling", _fermi_level,
        "1 band lies below 0.2 eV"
    ),
    Case(
        "`fermi_energy` in a band", f"{WT}#47", "half filling", _metal,
        "`fermi_energy` must lie in a gap"
    ),
    Case("wire along the third direction", f"{WT}#189", "NaN", _wire, "along a3"),
    Case("NaN and ******** in the file", f"{WT}#189", "NaN", _nan, "in line 5"),
    Case(
        "Weyl charges in files with both handednesses", f"{WT}#20",
        "charges that do not cancel; here the same for both", _handedness,
        "right-handed +1 -1, left-handed +1 -1"
    ),
    Case(
        "Weyl charge of a layer", f"{Z2P}#149", "a sphere for a bilayer: an error",
        _weyl_of_a_plane,
        "needs a 3D Hamiltonian"
    ),
    Case(
        "Z2, bands touch at k = 0, hoppings rounded", "",
        '"must be symmetric", larger tolerance advised', _dirac, "unresolved"
    ),
    Case(
        "`label` of a folder with everything", "", '"dim must be from 3 to 3"', _label,
        "plane_hr.dat: +1"
    ),
    Case(
        "Chern number of H(k) with positions in the phases", f"{Z2P}#206", "a wrong integer",
        _not_periodic, "must be 2 pi periodic"
    ),
    Case(
        "Chern number with overlaps", f"{Z2P}#79, zerothi/sisl#416", "not possible", _overlaps,
        "+1 (certified)"
    ),
    Case(
        "a Hamiltonian in place of an array", "", '"entries are of type object"', _sampled_z2,
        ".on_grid(24)"
    ),
    Case(
        "POSCAR of VASP 4, formula in the comment", "", "H2He3", _structure(BISMUTH),
        "elements Bi Se from the comment"
    ),
    Case(
        "POSCAR of VASP 4, `diamond` in the comment", "phonopy/phonopy#36", "H",
        _structure(DIAMOND), "name them with `species`"
    ),
    Case(
        "the same with `species`", "phonopy/phonopy#36", "H", _structure(DIAMOND, species=["C"]),
        "C2 ('elements as given"
    ),
    Case(
        "POSCAR of VASP 6.4.2, `Na_pv/1f2e`", "pyiron/pyiron_atomistics#1232", "unreadable",
        _structure(poscar(species="Na_pv/1f2e Cl/0a\n")), "NaCl ()"
    ),
    Case(
        "POSCAR with minus the volume as factor", "deepmodeling/dpdata#993",
        "factor taken as a multiplier",
        _structure(poscar(scale="-64"), show=_volume), "volume 64.0, distance 3.46"
    ),
    Case(
        "the same with Cartesian positions", "", "positions times minus the volume (pymatgen)",
        _structure(poscar(scale="-64", mode="Cartesian", spots="0 0 0\n2 2 2"), show=_volume),
        "volume 64.0, distance 3.46"
    ),
    Case(
        "POSCAR with a factor and Cartesian positions", "openbabel/openbabel#302",
        "positions not scaled",
        _structure(
            poscar(scale="2", cell="2 0 0\n0 2 0\n0 0 2", mode="C", spots="0 0 0\n1 1 1"),
            show=_volume,
        ),
        "volume 64.0, distance 3.46"
    ),
    Case(
        "CIF, unknown space group, no operations", f"{PMG}#488", "P1",
        _structure(cif("_symmetry_space_group_name_H-M 'P 9'\n"), "a.cif"), "which is not known",
        "pymatgen"
    ),
    Case(
        "CIF, one operation outside a loop", f"{PMG}#474", "atoms on a line",
        _structure(cif("_symmetry_equiv_pos_as_xyz 'x,y,z'\n"), "a.cif"), "NaCl", "pymatgen"
    ),
    Case(
        "CIF, `OH` as an atom", f"{PMG}#4486", "site lost",
        _structure(cif(sites="Na1 Na 0 0 0\nO1 OH 0.5 0.5 0.5", formula="Na O H"), "a.cif"),
        "every atom must be one element", "pymatgen"
    ),
    Case(
        "CIF, hydrogen of the formula without sites", "", "read without",
        _structure(cif(formula="Na Cl H2"), "a.cif"), "no site has H", "pymatgen"
    ),
    Case(
        "CIF, rounded positions next to a symmetry element", f"{PMG}#2175",
        "two atoms in one place",
        _structure(
            cif(f"{IDENTITY}'-x,-y,-z'\n", "Na1 Na 0.01 0 0\nCl1 Cl 0.5 0.5 0.5", "Na2 Cl"), "a.cif"
        ),
        "must not overlap", "pymatgen"
    ),
    Case("formula CaSO4.2H2O in a list", "", "O5.2", _hydrate, "H4 O6 S1 Ca1"),
    Case(
        "`_tb.dat` of a 2 x 1 x 1 mesh", "wannier-berri/wannier-berri#430",
        "bands that do not match", _mesh_of_two, "those of a 2x1x1 mesh of k points"
    ),
    Case(
        "centres of the `_tb.dat` itself", "wannier-berri/wannier-berri#357", "an error",
        _mesh_of_two, "centres [0.25, 0.25]"
    ),
    Case(
        "hoppings with `_wsvec.dat` written to a new `_hr.dat`", "Z2PackDev/TBmodels#113",
        "another file than the one read, taken for an error", _written_again, "notes ()"
    ),
    Case(
        "centres of another calculation beside the hoppings", f"{WT}#24", "stopped without a cure",
        _other_centres, "it belongs to another calculation"
    ),
    Case(
        "`.win` with atoms, no centres", "zerothi/sisl#716", "atoms taken for orbitals",
        _no_centres, "lattice 2.6459 angstrom, positions None"
    ),
    Case(
        "Chern number 3 of a layer", f"{WT}#12", "0 by centres, 1 by curvature", _chern_of_three,
        "3 (certified)"
    ),
    Case(
        "hoppings to one side alone", "pablosanjose/Quantica.jl#303", "bands connected at random",
        _one_sided, "must return Hermitian matrices"
    ),
    Case(
        "POSCAR, selective dynamics and Cartesian", f"{PMG}#3008, usnistgov/jarvis#242",
        "read as if there were no such line", _structure(SELECTED, show=_places),
        "C2H at [2.2, 2.2, 1.0] and [4.3, 3.4, 1.0]"
    ),
    Case(
        "the same with elements before the flags", f"{PMG}#3539", "flags misread in silence",
        _structure(LABELLED, show=_places), "C2H at [2.2, 2.2, 1.0] and [4.3, 3.4, 1.0]"
    ),
    Case(
        "CIF without a formula, position 0.333 beside a threefold axis", f"{PMG}#3963",
        "76 atoms of oxygen in place of 72", _structure(_zeolite(), "a.cif"),
        "give more digits", "pymatgen"
    ),
    Case(
        "the same, position 0.3333", f"{PMG}#3963", "too many atoms",
        _structure(_zeolite(sites="Si1 Si 0 0 0\nO1 O 0.3333 0.6667 0.25"), "a.cif"), "SiO ",
        "pymatgen"
    ),
    Case(
        "CIF, two elements with one label on a site", f"{PMG}#637", "one element by its label",
        _structure(MIXED, "a.cif"), "partly occupied", "pymatgen"
    ),
    Case(
        "CIF, a molecule given whole beside its symmetry", f"{PMG}#1687, {PMG}#1867",
        "occupancies of 2, no structure", _structure(TWICE, "a.cif"),
        "that the symmetry operations make of others", "pymatgen"
    ),
)  # fmt: skip
