"""Images, centres and lattice from the files beside the hoppings; layouts of other programs."""

from __future__ import annotations

import gzip
import lzma
import tarfile

import numpy as np
import pytest

import topophys as tp
from tests.hamiltonians.test_wannier90 import chain, same
from topophys.errors import HermiticityError, SchemaError, TopophysError
from topophys.testing.wannier_files import save, small_hr, small_tb, wannier_file

#: Checkerboard Chern insulator on a 2 x 2 mesh of k points, hopping by hopping.
POSITIONS = np.array([[0.0, 0.0], [0.5, 0.5]])
PHASE = np.exp(0.25j * np.pi)


def checkerboard():
    hoppings = {(0, 0): np.diag([0.05, -0.05]).astype(complex)}
    for R, value in (((0, 0), PHASE), ((-1, -1), PHASE),
                     ((-1, 0), PHASE.conj()), ((0, -1), PHASE.conj())):  # fmt: skip
        hoppings.setdefault(R, np.zeros((2, 2), complex))[0, 1] += value
    hoppings[0, 0][1, 0] = PHASE.conj()
    hoppings |= {(1, 1): np.array([[0, 0], [PHASE.conj(), 0]])}
    hoppings[1, 0] = np.array([[0.4, 0], [PHASE, -0.4]])
    hoppings[0, 1] = np.array([[-0.4, 0], [PHASE, 0.4]])
    hoppings[-1, 0] = hoppings[1, 0].conj().T
    hoppings[0, -1] = hoppings[0, 1].conj().T
    hoppings[-1, -1] = hoppings[1, 1].conj().T
    return tp.FourierHamiltonian(hoppings, n_occupied=1)


def nearest(vectors):
    length = np.linalg.norm(vectors, axis=1)
    return vectors[length < length.min() + 1e-9].round().astype(int)


def write_as_wannier90(folder, size=2, seed="a"):
    """Both files as Wannier90 writes them with use_ws_distance; the lattice is a unit square."""
    h = checkerboard()
    mesh = [np.array([i, j]) for i in range(size) for j in range(size)]
    shifts = np.array([(size * i, size * j) for i in range(-2, 3) for j in range(-2, 3)])
    vectors = []
    for x in range(-size, size + 1):
        for y in range(-size, size + 1):
            R = np.array([x, y])
            near = nearest(R + shifts)
            if (near == R).all(1).any():
                vectors.append((R, len(near)))
    hr = ["on a mesh", "2", f"{len(vectors)}", " ".join(str(w) for _, w in vectors)]
    ws = ["## with use_ws_distance=.true."]
    for R, _ in vectors:
        matrix = (
            sum(np.exp(-2j * np.pi * (R @ k) / size) * h.bloch(2 * np.pi * k / size) for k in mesh)
            / size**2
        )
        for b in range(2):
            for a in range(2):
                v = matrix[a, b]
                hr.append(f"{R[0]} {R[1]} 0 {a + 1} {b + 1} {v.real:.6f} {v.imag:.6f}")
                apart = np.linalg.norm(POSITIONS[b] - POSITIONS[a] + R + shifts, axis=1)
                images = shifts[apart < apart.min() + 1e-9]
                ws += [f"{R[0]} {R[1]} 0 {a + 1} {b + 1}", str(len(images))]
                ws += [f"{x} {y} 0" for x, y in images]
    return save(folder / f"{seed}_hr.dat", hr), save(folder / f"{seed}_wsvec.dat", ws)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_images_beside_the_file_give_the_material_back(tmp_path, size):
    path, _ = write_as_wannier90(tmp_path, size)
    h = tp.read_wannier90(path, n_occupied=1)
    k = tp.k_grid((7, 7))
    assert np.abs(h.bloch(k) - checkerboard().bloch(k)).max() < 4e-6
    assert h.notes == ()
    assert int(tp.certify_chern(h)) == int(tp.certify_chern(checkerboard())) != 0


def test_without_them_the_result_says_that_they_may_matter(tmp_path):
    path, images = write_as_wannier90(tmp_path)
    elsewhere = images.rename(tmp_path / "elsewhere.dat")
    h = tp.read_wannier90(path, n_occupied=1)
    assert "use_ws_distance" in h.notes[0]
    assert "2x2x1" in h.notes[0]
    assert "use_ws_distance" in str(tp.certify_chern(h))
    assert "use_ws_distance" in str(tp.certify_gap(h))
    assert int(tp.certify_chern(h)) == 0  # of these hoppings, which are not those of the material
    assert tp.read_wannier90(path, wsvec=None).notes == ()
    assert int(tp.certify_chern(tp.read_wannier90(path, wsvec=elsewhere, n_occupied=1))) != 0


def test_z2_results_carry_the_notes_of_the_file(tmp_path):
    path = tp.write_wannier90_hr(tp.models.bhz(1.0), tmp_path / "a_hr.dat")
    h = tp.read_wannier90(path, fermi_energy=0.0)
    assert "2 bands lie below 0 eV" in str(tp.z2_invariant(h))


def test_packed_images_are_found_and_foreign_ones_refused(tmp_path):
    path, images = write_as_wannier90(tmp_path)
    right = tp.read_wannier90(path)
    (tmp_path / "a_wsvec.dat.gz").write_bytes(gzip.compress(images.read_bytes()))
    lines = images.read_text().splitlines()
    images.unlink()
    assert same(tp.read_wannier90(path), right)
    for wrong, message in (
        (lines[:-3], "truncated"),
        ([*lines, *lines[1:4]], "belongs to another calculation"),
        ([lines[0], "7 0 0 1 1", *lines[2:]], r"R = \(7, 0, 0\)"),
        ([*lines[:2], "0", *lines[3:]], "0 images"),
        ([*lines[:2], "x", *lines[3:]], "1 integers in line 3"),
    ):
        with pytest.raises(TopophysError, match=message) as caught:
            tp.read_wannier90(path, wsvec=save(tmp_path / "w", wrong))
        assert "\n" not in str(caught.value)


def test_silicon_as_published():
    """Bands between the k points of the mesh are right with the images, and far off without."""
    path = wannier_file("silicon_wsvec") / "silicon_hr.dat"
    with_images, plain = tp.read_wannier90(path), tp.read_wannier90(path, wsvec=None)
    on = 2 * np.pi * np.array([[0.25, 0.5, 0.0], [0.0, 0.0, 0.0], [0.5, 0.5, 0.25]])
    assert np.abs(with_images.bloch(on) - plain.bloch(on)).max() < 1e-4
    off = np.array([[0.3, 1.1, 0.2]])
    assert np.abs(np.linalg.eigvalsh(with_images.bloch(off))
                  - np.linalg.eigvalsh(plain.bloch(off))).max() > 1e-3  # fmt: skip


def test_centres_and_lattice(tmp_path):
    path = save(tmp_path / "a_hr.dat", small_hr())
    save(tmp_path / "a.win", ["num_wann = 2  ! two", "begin unit_cell_cart", "bohr",
                              "2 0 0", "0 3 0", "0 0 4", "end unit_cell_cart"])  # fmt: skip
    assert tp.read_wannier90(path).positions is None
    save(tmp_path / "a_centres.xyz", ["3", "centres", "X 0.5 0 0", "X 0.1 0.2 0.3", "C 0 0 0"])
    h = tp.read_wannier90(path)
    bohr = 0.52917720859
    assert np.allclose(h.lattice, bohr * np.diag([2.0, 3.0, 4.0]))
    assert np.allclose(h.positions, np.array([[0.5], [0.1]]) / (2 * bohr))
    save(tmp_path / "a_centres.xyz", ["2", "centres", "X 0.5 0 0", "C 0 0 0"])
    with pytest.raises(SchemaError, match="centres of 2 Wannier functions"):
        tp.read_wannier90(path)
    save(tmp_path / "a_centres.xyz", ["2", "centres", "X 0.5 0 0", "X"])
    with pytest.raises(SchemaError, match="centres of 2 Wannier functions"):
        tp.read_wannier90(path)
    inner = tp.read_wannier90(save(tmp_path / "b_tb.dat", small_tb()))
    # <0m|r|0m> of `small_tb` repeats the hopping, 3 and 5, in each direction
    assert np.allclose(inner.positions, [[3.0 / 2.0], [5.0 / 2.0]])


def sparse(header=("! sparse", "11 ! non-zeros", "2", "3"), drop=()):
    """The chain of `small_hr` as WannierTools writes it, without one of its zeros."""
    rows = [
        f"{x} 0 0 {a} {b} {(a + b + 1.0) / (8 if x else 1)} 0.0"
        for x in (0, -1, 1) for a in (1, 2) for b in (2, 1)
    ]  # fmt: skip
    return [*header, *(row for i, row in enumerate(rows) if i not in drop)]


def test_sparse_files_of_wanniertools(tmp_path):
    full = ("! any words", "12", "2", "3")
    assert same(tp.read_wannier90(save(tmp_path / "a", sparse(full))), chain())
    weighted = [*full, "2 1 1"]
    assert not same(tp.read_wannier90(save(tmp_path / "a", sparse(("! sparse", *weighted[1:])))),
                    chain())  # fmt: skip
    thin = [line for line in sparse(("! sparse", "8", "2", "3")) if " 2 2 " not in line]
    thin[1] = "9"
    h = tp.read_wannier90(save(tmp_path / "a", thin))
    assert h.hoppings[1,][1, 1] == 0.0
    assert h.hoppings[0,][0, 1] == 4.0
    with pytest.raises(SchemaError, match="more than once"):
        tp.read_wannier90(save(tmp_path / "a", [*thin[:-1], thin[-2]]))
    with pytest.raises(TopophysError, match="truncated"):
        tp.read_wannier90(save(tmp_path / "a", thin[:-1]))


def test_lines_in_other_orders(tmp_path):
    lines = small_hr()
    head, rows = lines[:4], lines[4:]
    by_orbital = [row for place in range(4) for row in rows[place::4]]
    assert same(tp.read_wannier90(save(tmp_path / "a", [*head, *by_orbital])), chain())
    mixed = [rows[i] for i in (5, 0, 9, 2, 7, 11, 1, 3, 4, 6, 8, 10)]
    with pytest.raises(SchemaError, match="different degeneracies"):
        tp.read_wannier90(save(tmp_path / "a", [*head, *mixed]))
    ones = [*lines[:3], "1 1 1"]
    assert same(tp.read_wannier90(save(tmp_path / "a", [*ones, *mixed])),
                tp.read_wannier90(save(tmp_path / "b", [*ones, *rows])))  # fmt: skip


def test_xz(tmp_path):
    packed = lzma.compress("\n".join(small_hr()).encode())
    (tmp_path / "a_hr.dat.xz").write_bytes(packed)
    assert same(tp.read_wannier90(tmp_path / "a_hr.dat.xz"), chain())
    (tmp_path / "a_hr.dat.xz").write_bytes(packed[:-30])
    with pytest.raises(TopophysError, match=r"truncated|damaged"):
        tp.read_wannier90(tmp_path / "a_hr.dat.xz")
    # a header that asks for a dictionary of a gigabyte
    large = lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**30}])
    (tmp_path / "a_hr.dat.xz").write_bytes(large)
    with pytest.raises(TopophysError, match=r"truncated or damaged"):
        tp.read_wannier90(tmp_path / "a_hr.dat.xz")


def test_average_keeps_the_size_of_what_it_averaged(tmp_path):
    lines = small_hr()
    lines[4] = lines[4].replace("0.750000", "0.760000")
    path = save(tmp_path / "a", lines)
    with pytest.raises(HermiticityError, match="hermitian='average'"):
        tp.read_wannier90(path)
    h = tp.read_wannier90(path, hermitian="average", wsvec=None, n_occupied=1)
    assert h.averaged == pytest.approx(0.005)  # the degeneracy is 2
    assert h.hoppings[1,][0, 0] == pytest.approx(0.3775)
    assert "averaged" in h.notes[0]
    assert tp.read_wannier90(save(tmp_path / "b", small_hr())).averaged == 0.0


def test_degeneracies_of_no_mesh_are_named(tmp_path):
    lines = small_hr()
    assert not [n for n in tp.read_wannier90(save(tmp_path / "a", lines)).notes if "degen" in n]
    at = next(i for i, line in enumerate(lines) if line.split() == lines[3].split())
    words = lines[at].split()
    words[len(words) // 2] = "3"  # of R = 0, which has no partner
    lines[at] = " ".join(words)
    note = [n for n in tp.read_wannier90(save(tmp_path / "b", lines)).notes if "degen" in n]
    assert len(note) == 1
    assert "no whole number" in note[0]


def in_archive(path, folder, *names):
    """Archive with files of a folder, under the given names."""
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            archive.add(folder / name.rpartition("/")[2], name)
    return path


def test_images_in_the_archive_of_the_hoppings_are_found(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_as_wannier90(folder, 2)
    whole = in_archive(tmp_path / "run.tar.gz", folder, "x/a_hr.dat", "x/a_wsvec.dat")
    h = tp.read_wannier90(whole, n_occupied=1)
    assert h.notes == ()
    assert int(tp.certify_chern(h)) == 1
    # of another folder, or of another seed name: not those of these hoppings
    other = in_archive(tmp_path / "b.tar.gz", folder, "x/a_hr.dat", "y/a_wsvec.dat")
    assert "no _wsvec.dat was read" in tp.read_wannier90(other).notes[0]
    # asked to leave them
    assert int(tp.certify_chern(tp.read_wannier90(whole, n_occupied=1, wsvec=None))) == 0


def test_lattice_in_the_archive_of_the_hoppings_is_found(tmp_path):
    save(tmp_path / "a_hr.dat", small_hr())
    (tmp_path / "a.win").write_text(
        "begin unit_cell_cart\nbohr\n1 0 0\n0 2 0\n0 0 3\nend unit_cell_cart\n"
    )
    archive = in_archive(tmp_path / "run.tar.gz", tmp_path, "a_hr.dat", "a.win")
    (tmp_path / "a.win").unlink()
    h = tp.read_wannier90(archive)
    np.testing.assert_allclose(h.lattice, 0.52917720859 * np.diag([1.0, 2.0, 3.0]), rtol=1e-9)


def test_damaged_images_in_an_archive_are_named(tmp_path):
    write_as_wannier90(tmp_path, 2)
    text = (tmp_path / "a_wsvec.dat").read_text()
    (tmp_path / "a_wsvec.dat").write_text(text[: len(text) // 2])
    archive = in_archive(tmp_path / "run.tar.gz", tmp_path, "a_hr.dat", "a_wsvec.dat")
    with pytest.raises(TopophysError, match=r"run\.tar\.gz/a_wsvec\.dat"):
        tp.read_wannier90(archive)


def test_a_file_of_one_k_point_has_no_dispersion_without_its_images(tmp_path):
    """A chain of two orbitals in one long cell: the hopping to the next cell is an image."""
    save(tmp_path / "a_hr.dat", ["one k point", "2", "1", "1", "0 0 0 1 1 0.5 0", "0 0 0 2 1 1 0",
                                 "0 0 0 1 2 1 0", "0 0 0 2 2 -0.5 0"])  # fmt: skip
    h = tp.read_wannier90(tmp_path / "a_hr.dat", n_occupied=1)
    assert "the only lattice vector is 0: bands are flat" in h.notes[0]
    assert tp.read_wannier90(tmp_path / "a_hr.dat", wsvec=None).notes == ()
    save(tmp_path / "a_wsvec.dat",
         ["##", "0 0 0 1 1", "1", "0 0 0", "0 0 0 2 1", "2", "0 0 0", "1 0 0",
          "0 0 0 1 2", "2", "0 0 0", "-1 0 0", "0 0 0 2 2", "1", "0 0 0"])  # fmt: skip
    h = tp.read_wannier90(tmp_path / "a_hr.dat", n_occupied=1)
    assert h.notes == ()
    # each image has half of the hopping: sqrt(1/4 + cos(k / 2)^2)
    np.testing.assert_allclose(h.bands([0.0]), [-np.sqrt(1.25), np.sqrt(1.25)], atol=1e-12)
    np.testing.assert_allclose(h.bands([np.pi]), [-0.5, 0.5], atol=1e-12)
