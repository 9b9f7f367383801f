"""Files under the right name that are something else: one line says what, and what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.errors import TopophysError
from topophys.testing.hardening.readers.materials import POSCAR
from topophys.testing.wannier_files import save_tbmodels, small_hr, small_tb


def zipped(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a_hr.dat", text)
    return out.getvalue()


def tarred(text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a_hr.dat")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


def array(text):
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


PAGE = b"\n<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n"
#: What a file may turn out to be, from the bytes of the right one, and what the line says of it.
FOREIGN = {
    "web page": (lambda text: PAGE, "is a web page; get the raw file"),
    "web page, packed": (lambda text: gzip.compress(PAGE), "is a web page|packed by gzip"),
    "LFS": (
        lambda text: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456\n",
        "is a pointer of Git LFS.*git lfs pull",
    ),
    "annex": (lambda text: b"/annex/objects/MD5E-s12--0.dat\n", "git annex get"),
    "UTF-16, little": (lambda text: text.decode().encode("utf-16"), "is UTF-16 text; save it as"),
    "UTF-16, big": (lambda text: b"\xfe\xff" + text.decode().encode("utf-16-be"), "UTF-16"),
    "UTF-16, unmarked": (lambda text: text.decode().encode("utf-16-le"), "UTF-16"),
    "UTF-32": (lambda text: text.decode().encode("utf-32"), "UTF-32 text"),
    "zip": (zipped, "is a zip archive; unpack it"),
    "tar": (tarred, "is a tar archive; unpack it"),
    "tar.xz": (lambda text: lzma.compress(tarred(text)), "tar archive; unpack it|packed by xz"),
    "zstd": (lambda text: b"\x28\xb5\x2f\xfd" + text, "packed by zstd; unpack it with `unzstd`"),
    "array": (array, "is an array of NumPy"),
    "PDF": (lambda text: b"%PDF-1.7\n" + text, "is a PDF document"),
    "XML": (lambda text: b'<?xml version="1.0"?>\n<modeling/>\n', "is an XML file"),
    "empty": (lambda text: b"", "is empty"),
    "folder": (None, "must be a plain file, but is a folder"),
}  # fmt: skip
HR = ("\n".join(small_hr()) + "\n").encode()
TB = ("\n".join(small_tb()) + "\n").encode()
WIN = b"begin unit_cell_cart\n3 0 0\n0 4 0\n0 0 5\nend unit_cell_cart\n"
XYZ = b"2\ncentres\nX 0 0 0\nX 1 0 0\n"
CIF = b"""data_a
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P 1'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Po1 0 0 0
"""


def images():
    lines = ["images"]
    for x in (-1, 0, 1):
        for b in (1, 2):
            for a in (1, 2):
                lines += [f"{x} 0 0 {a} {b}", "1", "0 0 0"]
    return ("\n".join(lines) + "\n").encode()


def hoppings(folder):
    return tp.read_wannier90(folder / "a_hr.dat")


def _structure(name):
    def read(folder):
        from topophys.materials import read_structure

        return read_structure(folder / name)

    return read


def model(folder):
    return tp.read_tbmodels(folder / "a.json")


def saved_model():
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        return save_tbmodels(tp.models.qwz(-1.0), Path(folder) / "a.json", 1).read_bytes()


#: Reader: name of its file, right content, how it is read, and whether packed files are read.
READERS = {
    "hr": ("a_hr.dat", lambda: HR, hoppings, True),
    "tb": ("a_tb.dat", lambda: TB, lambda folder: tp.read_wannier90(folder / "a_tb.dat"), True),
    "wsvec": ("a_wsvec.dat", images, hoppings, True),
    "win": ("a.win", lambda: WIN, hoppings, True),
    "centres": ("a_centres.xyz", lambda: XYZ, hoppings, True),
    "tbmodels": ("a.json", saved_model, model, True),
    "poscar": ("POSCAR", POSCAR.encode, _structure("POSCAR"), False),
    "cif": ("a.cif", lambda: CIF, _structure("a.cif"), False),
}  # fmt: skip


def placed(tmp_path, name, content):
    (tmp_path / "a_hr.dat").write_bytes(HR)
    (tmp_path / "a.win").write_bytes(WIN)
    if content is None:
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)


#: A folder beside the hoppings is no file of theirs.
PAIRS = [
    (reader, kind)
    for reader in READERS
    for kind in FOREIGN
    if kind != "folder" or reader not in ("win", "centres", "wsvec")
]


@pytest.mark.parametrize(("reader", "kind"), PAIRS)
def test_what_is_no_such_file_is_named(tmp_path, reader, kind):
    name, right, read, _ = READERS[reader]
    make, told = FOREIGN[kind]
    placed(tmp_path, name, None if make is None else make(right()))
    with pytest.raises(TopophysError) as caught:
        plain(read)(tmp_path)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    assert re.search(told, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("reader", READERS)
def test_right_files_are_read_as_they_come(tmp_path, reader):
    """With a byte-order mark of editors, other ends of lines, and packed where that is read."""
    if reader == "cif":
        pytest.importorskip("pymatgen")
    name, right, read, unpacks = READERS[reader]
    text = right()
    ways = [text, b"\xef\xbb\xbf" + text, text.replace(b"\n", b"\r\n")]
    if reader not in ("poscar", "cif"):
        ways.append(text.replace(b"\n", b"\r"))
    if unpacks:
        ways += [gzip.compress(text), lzma.compress(text), bz2.compress(text),
                 bz2.compress(text[:20]) + bz2.compress(text[20:])]  # fmt: skip
    found = []
    for content in ways:
        placed(tmp_path, name, content)
        one = plain(read)(tmp_path)
        if reader in ("poscar", "cif"):
            found.append((one.numbers.tolist(), np.round(one.lattice, 9).tolist()))
        else:
            places = None if one.positions is None else one.positions.tolist()
            lattice = None if one.lattice is None else np.asarray(one.lattice).tolist()
            found.append(([m.tolist() for m in one.amplitudes], lattice, places))
    assert all(one == found[0] for one in found)


def test_packed_companions_are_found_under_every_ending(tmp_path):
    wanted = None
    for end, pack in (("", bytes), (".gz", gzip.compress), (".xz", lzma.compress),
                      (".bz2", bz2.compress)):  # fmt: skip
        folder = tmp_path / f"x{end}"
        folder.mkdir()
        for name, content in (("a_hr.dat", HR), ("a.win", WIN), ("a_centres.xyz", XYZ)):
            (folder / f"{name}{end}").write_bytes(pack(content))
        h = tp.read_wannier90(folder / f"a_hr.dat{end}")
        wanted = h if wanted is None else wanted
        assert np.array_equal(h.positions, wanted.positions)
        assert np.array_equal(h.lattice, wanted.lattice)


@pytest.mark.parametrize("rows", [0, 2, 4])
@pytest.mark.parametrize("end", ["end unit_cell_cart\n", ""])
def test_a_lattice_that_is_cut_short_is_not_left_out(tmp_path, rows, end):
    text = "begin unit_cell_cart\nbohr\n" + "3 0 0\n" * rows + end
    placed(tmp_path, "a.win", text.encode())
    with pytest.raises(TopophysError, match=f"three lattice vectors .* but has {rows}") as caught:
        plain(hoppings)(tmp_path)
    assert "a.win" in str(caught.value)
    placed(tmp_path, "a.win", b"num_wann = 2\n")
    assert hoppings(tmp_path).lattice is None


@pytest.mark.parametrize("cut", [5, 20, 60, -1])
def test_cut_bzip2(tmp_path, cut):
    (tmp_path / "a_hr.dat").write_bytes(bz2.compress(HR)[:cut])
    with pytest.raises(TopophysError, match=r"damaged|truncated") as caught:
        plain(hoppings)(tmp_path)
    assert "\n" not in str(caught.value)
