"""Packed and thinned files of Wannier90: what is read is what was written, or one line refuses."""

from __future__ import annotations

import gzip
import io
import lzma
import random
import tarfile
import tracemalloc

import numpy as np
import pytest

import topophys as tp
from tests.hamiltonians.test_wannier90 import chain, same
from tests.strategies import plain
from topophys.errors import SchemaError, TopophysError
from topophys.testing.wannier_files import save, small_hr

TEXT = ("\n".join(small_hr()) + "\n").encode()

# ---- Lines of zeros that were left out


def diagonal():
    """Lines of a plane with two orbitals, half of whose hoppings are zero."""
    vectors = ((-1, 0, 0), (0, -1, 0), (0, 0, 0), (0, 1, 0), (1, 0, 0))
    lines = small_hr(vectors, weights=(1, 2, 1, 2, 1))
    return [*lines[:4], *(row for row in lines[4:] if row.split()[3] == row.split()[4])]


def test_thinned_files_are_refused_unless_said(tmp_path):
    path = save(tmp_path / "a_hr.dat", diagonal())
    with pytest.raises(TopophysError, match=r"truncated.*missing='zero'") as told:
        tp.read_wannier90(path)
    assert "\n" not in str(told.value)
    h = tp.read_wannier90(path, missing="zero")
    assert "10 hoppings are not in the file, and were taken to be zero" in h.notes
    assert np.allclose(h.hoppings[0, 1], np.diag([3.0, 5.0]) / 4 / 2)
    assert np.allclose(h.hoppings[1, 0], np.diag([3.0, 5.0]) / 4)
    # where lines are short, the count of bytes tells that they are too few
    short = [line if i < 4 else " ".join(line.split()) for i, line in enumerate(diagonal())]
    short[4:] = [line.replace("000", "").replace(".0 ", ". ") for line in short[4:]]
    with pytest.raises(TopophysError, match=r"too short for them.*missing='zero'"):
        tp.read_wannier90(save(tmp_path / "b_hr.dat", short))
    assert same(tp.read_wannier90(tmp_path / "b_hr.dat", missing="zero"), h)


def test_files_that_are_whole_are_the_same_either_way(tmp_path):
    path = save(tmp_path / "a_hr.dat", small_hr())
    h = tp.read_wannier90(path, missing="zero")
    assert same(h, chain())
    assert "zero" not in " ".join(h.notes)


def test_thinned_lines_in_another_order_need_equal_degeneracies(tmp_path):
    lines = diagonal()
    mixed = [*lines[:4], *random.Random(3).sample(lines[4:], len(lines) - 4)]
    with pytest.raises(SchemaError, match="different degeneracies"):
        tp.read_wannier90(save(tmp_path / "a_hr.dat", mixed), missing="zero")
    ones = [lines[0], lines[1], lines[2], "1 1 1 1 1"]
    h = tp.read_wannier90(save(tmp_path / "a_hr.dat", [*ones, *mixed[4:]]), missing="zero")
    assert same(h, tp.read_wannier90(save(tmp_path / "b", [*ones, *lines[4:]]), missing="zero"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [*rows, rows[-1]], "more than once"),
        (lambda rows: rows[:-1], r"H\(-R\) = H\(R\)\^dagger"),
        (lambda rows: [*rows, "5 0 0 1 1 0.0 0.0"], "more lattice vectors"),
        (lambda rows: [*rows, "1 0 0 1 3 0.0 0.0"], "out of range"),
        (lambda rows: [*rows, "1 0 0 1"], "7 finite numbers"),
    ],
)
def test_thinned_files_are_checked_as_others(tmp_path, change, message):
    lines = diagonal()
    path = save(tmp_path / "a_hr.dat", [*lines[:4], *change(lines[4:])])
    with pytest.raises(TopophysError, match=message):
        tp.read_wannier90(path, missing="zero")


# ---- Streams one after the other


def test_streams_one_after_the_other(tmp_path):
    half = TEXT.index(b"\n", len(TEXT) // 2) + 1
    for pack in (gzip.compress, lzma.compress):
        path = tmp_path / "a_hr.dat.packed"
        path.write_bytes(pack(TEXT[:half]) + pack(TEXT[half:]))
        assert same(tp.read_wannier90(path), chain())
        path.write_bytes(pack(TEXT[:half]) + b"\0" * 512 + pack(TEXT[half:]) + b"\0" * 512)
        assert same(tp.read_wannier90(path), chain())
        path.write_bytes(pack(TEXT) + pack(TEXT))
        with pytest.raises(SchemaError, match="should not be there"):
            tp.read_wannier90(path)


# ---- Fuzz


def archived(members, mode="w:gz"):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def zeros(n_bytes):
    """A gzip stream of so many zeros, a thousandth as long."""
    out, pack = io.BytesIO(), b"\0" * 2**20
    with gzip.GzipFile(fileobj=out, mode="wb") as stream:
        for _ in range(n_bytes >> 20):
            stream.write(pack)
    return out.getvalue()


def a_packed_file(rng):
    """Content of a file, and whether it is sound."""
    folder = rng.choice(["", "deep/", "../", "/abs/", "a" * 300 + "/"])
    beside = [(f"{folder}notes.txt", rng.randbytes(rng.randint(0, 3000)))]
    sound = [
        gzip.compress(TEXT, rng.randint(0, 9)),
        lzma.compress(TEXT, preset=rng.randint(0, 6)),
        archived([(f"{folder}x_hr.dat", TEXT)]),
        archived([*beside, (f"{folder}x_hr.dat", TEXT), (f"{folder}._x_hr.dat", b"\0\1")]),
    ]
    kind = rng.randrange(8)
    if kind < 4:
        return sound[kind], True
    if kind == 4:  # packed twice, or in another way
        inner = rng.choice(sound)
        other = archived([("x_hr.dat", TEXT)], rng.choice(["w:xz", "w:bz2", "w"]))
        return rng.choice([gzip.compress(inner), lzma.compress(inner), other,
                           archived([("x_hr.dat", inner)])]), False  # fmt: skip
    if kind == 5:  # several that could be meant
        return archived([("a_hr.dat", TEXT), ("b/b_tb.dat", TEXT)]), False
    whole = bytearray(rng.choice(sound))
    if kind == 6:  # cut short
        return bytes(whole[: rng.randrange(1, len(whole) - 8)]), False
    for _ in range(rng.randint(1, 4)):
        whole[rng.randrange(len(whole))] = rng.randrange(256)
    return bytes(whole), None  # a flip may do no harm: in a name, a date, a comment


@pytest.mark.parametrize("seed", range(8))
def test_packed_files_are_read_or_refused_in_one_line(tmp_path, seed):
    rng, read = random.Random(seed), plain(tp.read_wannier90)
    path = tmp_path / "a_hr.dat.gz"
    for _ in range(40):
        content, sound = a_packed_file(rng)
        path.write_bytes(content)
        h, told = None, ""
        tracemalloc.start()
        try:
            h = read(path)
        except TopophysError as error:
            told = str(error)
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 2**25
        if h is None:
            assert not sound, told
            assert "\n" not in told
            assert str(path) in told
        else:
            assert sound is not False
            assert same(h, chain())


@pytest.mark.parametrize("where", ["before", "after", "itself", "header", "text"])
def test_bombs_take_neither_memory_nor_minutes(tmp_path, where):
    """Archives a thousandth as long as what they unpack to: refused, not walked through."""
    nothing = zeros(2**27)
    one = tarfile.TarInfo("zeros.bin")
    one.size = 2**34
    text = tarfile.TarInfo("a_hr.dat")
    text.size = len(TEXT)
    body = gzip.compress(text.tobuf() + TEXT + b"\0" * (-len(TEXT) % 512))
    bomb = gzip.compress(one.tobuf()) + nothing
    text.size = 2**34
    content = {
        "before": bomb + body,
        "after": body + bomb,
        "itself": gzip.compress(text.tobuf()) + nothing,
        "header": gzip.compress(text.tobuf()[:156] + b"L" + text.tobuf()[157:]) + nothing,
        "text": gzip.compress(TEXT) + nothing,
    }[where]
    (tmp_path / "a_hr.dat.gz").write_bytes(content)
    tracemalloc.start()
    with pytest.raises(TopophysError) as told:
        plain(tp.read_wannier90)(tmp_path / "a_hr.dat.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "\n" not in str(told.value)
    assert peak < 2**25
