"""Files that are not what they should be: one line that says so, before any harm."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tracemalloc

import pytest

import topophys as tp
from tests.hamiltonians.test_wannier90 import packed
from tests.strategies import plain
from topophys.errors import (
    DatasetError,
    HermiticityError,
    InputError,
    KindError,
    OutputError,
    SchemaError,
    TopophysError,
)
from topophys.testing.wannier_files import save, small_hr, small_tb


def changed(lines, number, text):
    """`lines` with line `number` (from 1, as editors count) replaced, or dropped for None."""
    return [*lines[: number - 1], *([] if text is None else [text]), *lines[number:]]


HR, TB = small_hr(), small_tb()
FIRST = HR[4]


@pytest.mark.parametrize(
    ("lines", "error", "text"),
    [
        (HR[:-1], DatasetError, "truncated"),
        (HR[:3], SchemaError, "too short"),
        (HR[:1], DatasetError, "ends after line 1"),
        ([""], DatasetError, "truncated"),
        ([*HR, HR[-1]], SchemaError, "line 17 should not be there"),
        (changed(HR, 2, "two"), SchemaError, "line 2 should be a count"),
        (changed(HR, 2, "2 3"), SchemaError, "line 2 should be a count"),
        (changed(HR, 2, "0"), SchemaError, "line 2 should be a count"),
        (changed(HR, 2, "-2"), SchemaError, "line 2 should be a count"),
        (changed(HR, 3, "2.5"), SchemaError, "line 3 should be a count"),
        (changed(HR, 3, "4"), SchemaError, "too short|degeneracies"),
        (changed(HR, 4, "2 0 2"), SchemaError, "positive degeneracies"),
        (changed(HR, 4, "2 1.0 2"), SchemaError, "positive degeneracies"),
        (changed(HR, 4, "2 1 -2"), SchemaError, "positive degeneracies"),
        (changed(HR, 7, "-1 0 0 1 2 nan 0"), SchemaError, "7 finite numbers in line 7"),
        (changed(HR, 7, "-1 0 0 1 2 0 inf"), SchemaError, "7 finite numbers in line 7"),
        (changed(HR, 7, "-1 0 0 1 2 ****** 0"), SchemaError, "line 7"),
        (changed(HR, 7, "-1 0 0 1 2 0"), SchemaError, "line 7"),
        (changed(HR, 7, "-1 0 0 1 2 0 0 0"), SchemaError, "line 7"),
        (changed(HR, 7, FIRST.replace("-1", "-1.5", 1)), SchemaError, "no integer"),
        (changed(HR, 7, FIRST), SchemaError, "orbitals 1 and 2 are missing"),
        (changed(HR, 7, FIRST.replace("    1    1", "    1    3")), SchemaError, "out of range"),
        (changed(HR, 7, FIRST.replace("-1", " 1", 1)), SchemaError, "are missing, others repeated"),
        (changed(HR, 7, FIRST.replace("-1", " 2", 1)), SchemaError, "more lattice vectors"),
        (small_hr(vectors=((0, 0, 0),) * 3), SchemaError, "repeats one"),
        (small_hr(vectors=((0, 0, 0), (1, 0, 0), (2, 0, 0))), HermiticityError, "lacks that of"),
        (small_hr(weights=(1, 1, 2)), HermiticityError, "R = "),
        (
            changed(HR, 6, FIRST.replace("0.750000", "0.750004")),
            SchemaError,
            "orbitals 2 and 1 are missing",
        ),
        (changed(HR, 5, FIRST.replace("0.750000", "0.750004")), HermiticityError, "4e-06"),
        (TB[:20], DatasetError, "truncated"),
        (TB[:-4], DatasetError, "truncated"),
        (changed(TB, 3, " 0.0 3.0"), SchemaError, "3 finite numbers"),
        (changed(TB, 9, "-1 0"), SchemaError, "3 finite numbers in line 9"),
        (changed(TB, 10, "1 1 0"), SchemaError, "4 finite numbers in line 10"),
        (changed(TB, len(TB) - 4, "5 0 0"), SchemaError, "order of the hoppings"),
        (changed(TB, len(TB), "2 2 0 0 0 0 0 nan"), SchemaError, "8 finite numbers"),
        (["\x00\x01\x02"] * 9, SchemaError, "not a Wannier90 file"),
        (["<html>", "<body>", "</html>"], SchemaError, "is a web page"),
        (["x" * 5000], SchemaError, "characters"),
    ],
)
def test_wrong_contents(tmp_path, lines, error, text):
    with pytest.raises(error, match=text) as caught:
        tp.read_wannier90(save(tmp_path / "a_hr.dat", lines))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_missing_files_folders_and_pipes(tmp_path):
    with pytest.raises(DatasetError, match="No such file"):
        tp.read_wannier90(tmp_path / "none_hr.dat")
    with pytest.raises(DatasetError, match="must be a plain file"):
        tp.read_wannier90(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DatasetError, match="must be a plain file"):
        tp.read_wannier90(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    with pytest.raises(DatasetError, match="is empty; copy it again"):
        tp.read_wannier90(tmp_path / "empty")


def test_options_that_do_not_fit(tmp_path):
    path = save(tmp_path / "a_hr.dat", small_hr())
    for option in ({"n_occupied": 2}, {"dim": 4}, {"dim": 0}, {"max_memory": 0}):
        with pytest.raises(InputError, match=f"`{next(iter(option))}`"):
            tp.read_wannier90(path, **option)
    square = small_hr(vectors=((0, -1, 0), (-1, 0, 0), (0, 0, 0), (1, 0, 0), (0, 1, 0)),
                      weights=(1,) * 5)  # fmt: skip
    with pytest.raises(InputError, match="from 2 to 3"):
        tp.read_wannier90(save(tmp_path / "b_hr.dat", square), dim=1)


@pytest.mark.parametrize("counts", [(10**6, 10**6), (3000, 3000), (10**17, 1), (1, 10**9)])
@pytest.mark.parametrize("compressed", [False, True])
def test_absurd_counts_allocate_nothing(tmp_path, counts, compressed):
    text = "\n".join(["", *map(str, counts), "1 1 1"])
    opener = gzip.open if compressed else open
    with opener(tmp_path / "a_hr.dat", "wt") as stream:
        stream.write(text)
    tracemalloc.start()
    with pytest.raises(SchemaError, match="too short"):
        tp.read_wannier90(tmp_path / "a_hr.dat")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_memory_bound_is_asked_for_before_it_is_used(tmp_path):
    path = save(tmp_path / "a_hr.dat", small_hr())
    assert tp.read_wannier90(path, max_memory=12 * 128).n_bands == 2
    with pytest.raises(InputError, match="at least 1536 bytes"):
        tp.read_wannier90(path, max_memory=12 * 128 - 1)


def test_memory_stays_below_what_is_announced(tmp_path):
    h = tp.ensembles.class_a(1, n_bands=80, rng=1)[0]
    path = tp.write_wannier90_hr(h, tmp_path / "a_hr.dat")
    tracemalloc.start()
    plain(tp.read_wannier90)(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 128 * 9 * 80**2


def test_damaged_gzip(tmp_path):
    whole = gzip.compress("\n".join(small_hr()).encode())
    for damaged in (whole[:-30], whole[:40] + b"\xff" * 20 + whole[60:], whole[:12]):
        (tmp_path / "a.gz").write_bytes(damaged)
        with pytest.raises(TopophysError, match=r"truncated|damaged"):
            tp.read_wannier90(tmp_path / "a.gz")


def test_a_line_without_end_is_not_read_to_its_end(tmp_path):
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b" " * 50_000_000))
    tracemalloc.start()
    with pytest.raises(SchemaError, match="characters"):
        tp.read_wannier90(tmp_path / "bomb.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def archive_with(path, *members):
    with tarfile.open(path, "w:gz") as archive:
        for info in members:
            archive.addfile(info, io.BytesIO(b"x" * info.size))
    return path


def member(name, kind=tarfile.REGTYPE, target="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def test_archives_must_hold_exactly_one(tmp_path):
    text = "\n".join(small_hr())
    two = packed(tmp_path / "two.tar.gz", ("a_hr.dat", text), ("a_tb.dat", text))
    with pytest.raises(SchemaError, match="but holds 2"):
        tp.read_wannier90(two)
    with pytest.raises(SchemaError, match="but holds 0"):
        tp.read_wannier90(packed(tmp_path / "none.tar.gz", ("notes.txt", text)))
    (tmp_path / "short.tar.gz").write_bytes(two.read_bytes()[:200])
    with pytest.raises(TopophysError, match=r"truncated|damaged"):
        tp.read_wannier90(tmp_path / "short.tar.gz")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]
)
def test_links_and_devices_are_not_followed(tmp_path, kind):
    save(tmp_path / "real_hr.dat", small_hr())
    link = member("a_hr.dat", kind, str(tmp_path / "real_hr.dat"))
    other = member("real.txt", size=10)
    with pytest.raises(SchemaError, match="link"):
        tp.read_wannier90(archive_with(tmp_path / "a.tar.gz", other, link))


def test_names_that_climb_are_only_names(tmp_path):
    text = "\n".join(small_hr())
    path = packed(tmp_path / "deep.tar.gz", ("../../../climb_hr.dat", text))
    assert tp.read_wannier90(path).n_bands == 2
    assert [f.name for f in tmp_path.iterdir()] == ["deep.tar.gz"]


def test_archives_with_absurd_headers(tmp_path):
    many = archive_with(tmp_path / "many.tar.gz", *(member(str(i)) for i in range(1500)))
    with pytest.raises(SchemaError, match="more than 1000"):
        tp.read_wannier90(many)
    huge_name = archive_with(tmp_path / "name.tar.gz", member("x" * 3_000_000 + "_hr.dat"))
    with pytest.raises(SchemaError, match="absurd"):
        tp.read_wannier90(huge_name)
    claimed = member("a_hr.dat")
    claimed.size = 2**40
    raw = gzip.compress(claimed.tobuf() + b"2\n" * 100)
    (tmp_path / "claim.tar.gz").write_bytes(raw)
    with pytest.raises(TopophysError, match=r"MiB|truncated|damaged"):
        tp.read_wannier90(tmp_path / "claim.tar.gz")


def test_writing(tmp_path):
    for wrong in (tp.models.qwz([1.0, 2.0]), object(), tp.from_callable(lambda k: [[k[0] * 0]], 1)):
        with pytest.raises(KindError, match="`H`"):
            plain(tp.write_wannier90_hr)(wrong, tmp_path / "a")
    with pytest.raises(InputError, match="one line"):
        tp.write_wannier90_hr(tp.models.qwz(1.0), tmp_path / "a", comment="a\nb")
    with pytest.raises(OutputError, match="cannot be written"):
        tp.write_wannier90_hr(tp.models.qwz(1.0), tmp_path / "none" / "a")
    assert list(tmp_path.iterdir()) == []
