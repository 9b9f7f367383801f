"""Files of Wannier90 that are read as they should be."""

from __future__ import annotations

import gzip
import io
import tarfile

import numpy as np
import pytest

import topophys as tp
from topophys.errors import HermiticityError, SchemaError
from topophys.testing.wannier_files import FILES, save, small_hr, small_tb, wannier_file


def chain():
    """The Hamiltonian of `small_hr` and `small_tb`."""
    onsite = np.array([[3.0, 4.0], [4.0, 5.0]])
    return tp.FourierHamiltonian({(0,): onsite, (1,): onsite / 4 / 2})


def same(h, other):
    return np.array_equal(h.vectors, other.vectors) and np.array_equal(
        h.amplitudes, other.amplitudes
    )


def packed(path, *members):
    """A gzipped archive of (name, text)."""
    with tarfile.open(path, "w:gz") as archive:
        for name, text in members:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def test_degeneracies_are_divided_out(tmp_path):
    h = tp.read_wannier90(save(tmp_path / "a_hr.dat", small_hr()))
    assert same(h, chain())
    assert h.lattice is None
    assert h.directions == (0,)


def test_tight_binding_file(tmp_path):
    h = tp.read_wannier90(save(tmp_path / "a_tb.dat", small_tb()))
    assert same(h, chain())
    assert np.array_equal(h.lattice, np.diag([2.0, 3.0, 4.0]))


def test_gzip_and_archive_hold_the_same(tmp_path):
    text = "\n".join(small_hr())
    with gzip.open(tmp_path / "a_hr.dat.gz", "wt") as stream:
        stream.write(text)
    archive = packed(
        tmp_path / "a.tar.gz",
        ("folder/README", "x" * 3000),
        ("folder/._a_hr.dat", "resource fork"),
        ("folder/a_hr.dat", text),
    )
    assert same(tp.read_wannier90(tmp_path / "a_hr.dat.gz"), chain())
    assert same(tp.read_wannier90(archive), chain())
    # content decides, not the name
    assert same(tp.read_wannier90(archive.rename(tmp_path / "b_hr.dat")), chain())


@pytest.mark.parametrize(
    "header",
    [
        ["", "2", "3"],
        ["written on 1Jan2020", "           2 ", "           3 "],
        ["M\xfcnchen \u03a9", "2 !num_wann", "3 ! nrpts"],
        ["2", "2    # orbitals", "3 (vectors)"],
        ["# 7 7 7", "2\r", "3\r"],
    ],
)
def test_headers_seen_in_the_wild(tmp_path, header):
    assert same(tp.read_wannier90(save(tmp_path / "a", small_hr(header=header))), chain())


def test_layouts_seen_in_the_wild(tmp_path):
    lines = small_hr()
    variants = {
        "more degeneracies than vectors": [*lines[:3], "2 1 2 1 1 1 1", *lines[4:]],
        "one degeneracy a line": [*lines[:3], "2", "1", "2", *lines[4:]],
        "blank lines": [*lines[:4], "", *lines[4:], "", "  "],
        "comments": [*lines[:4], *(line + " ! eV" for line in lines[4:])],
        "other order of orbitals": [*lines[:4], lines[5], lines[4], *lines[6:]],
        "Fortran exponents": [line.replace("4.000000", "0.4D+01") for line in lines],
    }
    for name, variant in variants.items():
        assert same(tp.read_wannier90(save(tmp_path / "a", variant)), chain()), name


def test_three_digit_exponents_without_their_letter(tmp_path):
    lines = [line.replace(" 0.00000000E+00", " 0.12345678-101") for line in small_tb()]
    imaginary = tp.read_wannier90(save(tmp_path / "a", lines)).amplitudes.imag
    assert np.abs(imaginary).max() < 1e-100
    # a unit of the last digit of the largest hopping is 1e-7 here
    lines = [line.replace("-101", "+001") for line in lines]
    with pytest.raises(HermiticityError, match="1e-07 eV"):
        tp.read_wannier90(save(tmp_path / "a", lines))


@pytest.mark.parametrize(
    ("dim", "directions"), [(None, (1,)), (1, (1,)), (2, (0, 1)), (3, (0, 1, 2))]
)
def test_directions(tmp_path, dim, directions):
    path = save(tmp_path / "a", small_hr(vectors=((0, -1, 0), (0, 0, 0), (0, 1, 0))))
    h = tp.read_wannier90(path, dim=dim)
    assert h.directions == directions
    assert h.dim == len(directions)
    k = np.array([0.3, 0.7, 1.1])
    assert np.allclose(h.bloch(k[list(directions)]), chain().bloch([0.7]))
    again = tp.read_wannier90(tp.write_wannier90_hr(h, tmp_path / "b"), dim=dim)
    assert same(h, again)
    assert again.directions == directions


def test_a_molecule_keeps_one_direction(tmp_path):
    h = tp.read_wannier90(save(tmp_path / "a", small_hr(vectors=((0, 0, 0),), weights=(1,))))
    assert (h.dim, len(h.vectors)) == (1, 1)


@pytest.mark.parametrize("digits", [6, 12])
def test_rounding_of_the_last_digit_is_averaged(tmp_path, digits):
    value = f"{0.5:.{digits}f}"
    off = f"{0.5 + 1.4 * 10.0**-digits:.{digits}f}"
    zero = f"{0:.{digits}f}"
    rows = [f"{r} 0 0 1 1 {x} {zero}" for r, x in ((-1, off), (0, value), (1, value))]
    h = tp.read_wannier90(save(tmp_path / "a", ["", "1", "3", "1 1 1", *rows]))
    first, _, last = h.amplitudes[:, 0, 0]
    assert first == last == (float(value) + float(off)) / 2


@pytest.mark.parametrize(
    "h",
    [
        tp.models.qwz(0.3),
        tp.models.haldane(0.1, 0.2, 0.3),
        tp.models.bhz(1.0, delta=0.1),
        tp.models.weyl_semimetal(1.0),
        tp.models.ssh(1.0, 1 / 3, 1e-20),
        tp.ensembles.class_a(1, n_bands=5, hopping_range=2, rng=1)[0],
    ],
)
def test_round_trip_is_exact(tmp_path, h):
    file = tp.write_wannier90_hr(h, tmp_path / "a_hr.dat", comment="any")
    again = tp.read_wannier90(file, n_occupied=h.n_occupied, dim=h.dim)
    assert same(h, again)
    assert again.n_occupied == h.n_occupied
    assert file.read_text(encoding="utf-8").startswith("any\n")
    assert [f.name for f in tmp_path.iterdir()] == ["a_hr.dat"]


@pytest.mark.parametrize(("name", "sizes"), FILES.items())
def test_real_files(tmp_path, name, sizes):
    path = wannier_file(name)
    h = tp.read_wannier90(path)
    assert (h.dim, h.n_bands, len(h.vectors)) == sizes
    adjoint = np.conj(np.swapaxes(h.amplitudes, -1, -2))
    assert np.array_equal(h.amplitudes, adjoint[::-1])
    assert np.isfinite(np.linalg.eigvalsh(h.bloch(np.zeros(h.dim)))).all()
    assert (h.lattice is None) == ("_hr" in name)
    if h.n_bands < 20:
        again = tp.read_wannier90(tp.write_wannier90_hr(h, tmp_path / "a"), dim=h.dim)
        assert same(h, again)


def test_hoppings_of_silicon_one_by_one():
    """A slow reader that follows the Fortran of the format, line by line."""
    path = wannier_file("silicon_hr.dat")
    lines = path.read_text(encoding="utf-8").splitlines()
    n, n_r = int(lines[1]), int(lines[2])
    weights = [int(w) for line in lines[3:10] for w in line.split()]
    h = tp.read_wannier90(path)
    found = {tuple(v): m for m, v in enumerate(h.vectors.tolist())}
    for number, line in enumerate(lines[10:]):
        x, y, z, a, b = map(int, line.split()[:5])
        re, im = map(float, line.split()[5:])
        expected = complex(re, im) / weights[number // n**2]
        assert h.amplitudes[found[x, y, z], a - 1, b - 1] == pytest.approx(expected, abs=2e-6)
    assert number + 1 == n_r * n**2


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "\u0661", "9" * 3000])
def test_degeneracies_are_positive_integers(tmp_path, word):
    lines = small_hr()
    lines[3] = f"{word} 2"
    with pytest.raises(SchemaError, match="positive degeneracies"):
        tp.read_wannier90(save(tmp_path / "a", lines))
