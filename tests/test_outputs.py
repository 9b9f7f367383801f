"""Outputs replace nothing but earlier outputs, and follow nothing that was planted."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.datasets.conftest import RECIPES
from topophys import _io
from topophys.datasets import Recipe, generate, join
from topophys.errors import OutputError


@pytest.fixture(scope="module")
def recipe():
    whole = Recipe.from_toml(RECIPES / "tiny" / "winding-1d.toml")
    return whole.model_copy(update={"split": whole.split[:1]})


def make_fifo(path):
    os.mkfifo(path)


def make_link(path):
    path.with_name("target").write_text("precious", encoding="utf-8")
    path.symlink_to("target")


def make_dangling_link(path):
    path.symlink_to("nowhere")


def make_folder(path):
    path.mkdir()


def make_foreign(path):
    path.write_text("precious", encoding="utf-8")


PLANTS = [make_fifo, make_link, make_dangling_link, make_folder, make_foreign]


def state(folder):
    """Names, kinds and contents of a folder."""
    return {
        p.name: (p.lstat().st_mode, p.read_bytes() if p.is_file() else None)
        for p in folder.iterdir()
    }


WRITERS = {
    "generate": lambda recipe, path: generate(recipe, path, progress=False),
    "text": lambda _, path: _io.write_text(path, "x", ours=_io.is_ours),
    "json": lambda _, path: _io.write_json(path, {}, ours=_io.is_ours),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("plant", PLANTS)
def test_nothing_but_an_earlier_output_is_replaced(recipe, tmp_path, plant, writer):
    plant(tmp_path / "a.h5")
    before = state(tmp_path)
    with pytest.raises(OutputError, match="cannot be written") as caught:
        WRITERS[writer](recipe, tmp_path / "a.h5")
    assert "\n" not in str(caught.value)
    assert state(tmp_path) == before


def test_own_files_are_replaced_and_others_by_force(recipe, tmp_path):
    generate(recipe, tmp_path / "a.h5", progress=False)
    generate(recipe, tmp_path / "a.h5", progress=False)
    join([tmp_path / "a.h5"], tmp_path / "a.json", progress=False)
    join([tmp_path / "a.h5"], tmp_path / "a.json", progress=False)
    with pytest.raises(OutputError, match="must be another file than the input"):
        join([tmp_path / "a.h5"], tmp_path / "a.h5", progress=False)
    (tmp_path / "b.h5").write_text("mine", encoding="utf-8")
    generate(recipe, tmp_path / "b.h5", progress=False, force=True)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize("suffix", [".partial", ".journal", ".journal.new", ".partial.headers"])
@pytest.mark.parametrize("plant", PLANTS)
def test_planted_names_of_temporary_files_are_not_followed(recipe, tmp_path, plant, suffix):
    plant(tmp_path / f"a.h5{suffix}")
    precious = {n: s for n, s in state(tmp_path).items() if s[1] == b"precious"}
    temporary = suffix in (".journal.new", ".partial.headers")
    if temporary and plant is not make_folder:  # names that a killed run may have left
        generate(recipe, tmp_path / "a.h5", progress=False)
    else:
        with suppress(OutputError):
            generate(recipe, tmp_path / "a.h5", progress=False)
    after = state(tmp_path)
    for name, content in precious.items():
        if not (temporary and name == f"a.h5{suffix}"):
            assert after[name] == content


@pytest.mark.parametrize("name", ["", ".", "/", "..", "a\0b", "n" * 300, "no/such/folder/a.json"])
def test_names_that_cannot_be(tmp_path, name):
    where = tmp_path / name if name and name != "/" else name
    with pytest.raises(OutputError) as caught:
        _io.write_json(where, {})
    assert "\n" not in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(count=st.integers(0, 5), held=st.booleans())
def test_leftovers_of_killed_processes_are_removed_by_the_next(tmp_path_factory, count, held):
    folder = tmp_path_factory.mktemp("left", numbered=True)
    for number in range(count):
        (folder / f".a.json.{number:016x}.partial").write_text("half", encoding="utf-8")
    (folder / ".b.json.0000000000000000.partial").write_text("another's", encoding="utf-8")
    (folder / ".a.json.notes.partial").write_text("mine", encoding="utf-8")
    busy = folder / ".a.json.ffffffffffffffff.partial"
    handle = _io.open_locked(busy) if held else None
    _io.write_json(folder / "a.json", [1])
    kept = {".b.json.0000000000000000.partial", ".a.json.notes.partial", "a.json"}
    assert {p.name for p in folder.iterdir()} == kept | ({busy.name} if held else set())
    if handle is not None:
        _io.close_locked(handle)


def kind(handle):
    return "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"


def test_what_is_written_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls = []
    sync, rename = os.fsync, type(tmp_path).replace
    monkeypatch.setattr(os, "fsync", lambda h: calls.append(kind(h)) or sync(h))
    monkeypatch.setattr(
        type(tmp_path), "replace", lambda a, b: calls.append(f"rename {b.name}") or rename(a, b)
    )
    _io.write_json(tmp_path / "a.json", {})
    assert calls == ["file", "rename a.json", "folder"]


def test_a_data_set_is_on_the_disk_before_it_has_its_name(recipe, tmp_path, monkeypatch):
    calls = []
    sync, rename = os.fsync, type(tmp_path).replace
    monkeypatch.setattr(os, "fsync", lambda h: calls.append(kind(h)) or sync(h))
    monkeypatch.setattr(
        type(tmp_path), "replace", lambda a, b: calls.append(f"rename {b.name}") or rename(a, b)
    )
    generate(recipe, tmp_path / "a.h5", progress=False)
    assert calls[-3:] == ["file", "rename a.h5", "folder"]


def test_a_lock_is_refused_until_it_is_given_back(tmp_path):
    first = _io.open_locked(tmp_path / "lock")
    with pytest.raises(_io.LockedError):
        _io.open_locked(tmp_path / "lock")
    _io.close_locked(first)
    _io.close_locked(_io.open_locked(tmp_path / "lock"))


def test_pipes_are_not_read_as_texts(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        for read in (_io.read_text, _io.read_json, _io.read_npy, _io.sha256):
            with pytest.raises(OSError, match="must be a plain file"):
                read(tmp_path / name)


STREAMS = {
    "full": "2> /dev/full", "closed": "2>&-", "all closed": "2>&- 0<&-",
    "broken": "2> >(exec 0<&-; sleep 1)",
}  # fmt: skip


@pytest.mark.process
@pytest.mark.parametrize("way", STREAMS)
def test_progress_that_cannot_be_shown_is_no_reason_to_fail(tmp_path, way):
    recipe = RECIPES / "tiny" / "winding-1d.toml"
    command = f"{sys.executable} -m topophys.cli generate {recipe} -o {tmp_path}/a.h5"
    script = f"{command} {STREAMS[way]} > {tmp_path}/out"
    done = subprocess.run(["bash", "-c", script], check=False, timeout=120)
    assert done.returncode == 0
    assert (tmp_path / "a.h5").is_file()


def test_progress_without_a_stream(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    generate(recipe, tmp_path / "a.h5", progress=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


# ---- What functions of Hamiltonians and figures write


@cache
def _diagram():
    import topophys as tp

    return tp.certify_phases(tp.models.qwz, {"m": (0.5, 0.6)})


@cache
def _figure():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.0, 1.0))
    figure.subplots().set_axis_off()
    return figure


@cache
def _network():
    from topophys.learn import FlipNetwork

    return FlipNetwork("winding")


def _write_hr(path, **options):
    import topophys as tp

    tp.write_wannier90_hr(tp.models.qwz(-1.0), path, **options)


def _write_picture(path, **options):
    from topophys.plots import save_figure

    save_figure(_figure(), path.with_suffix(""), [path.suffix[1:]], **options)


def _write_network(path):
    from topophys.learn import save_flip_network

    save_flip_network(_network(), path)


#: Names, what writes them, and whether it can be told to replace anything.
SAVERS = {
    "a_hr.dat": (_write_hr, True),
    "a.npz": (lambda path, **options: _diagram().save(path, **options), True),
    "a.png": (_write_picture, True),
    "a.svg": (_write_picture, True),
    "a.pdf": (_write_picture, True),
    "a.safetensors": (_write_network, False),
}


@pytest.mark.parametrize("name", SAVERS)
def test_savers_replace_earlier_outputs_only(tmp_path, name):
    save, forced = SAVERS[name]
    path = tmp_path / name
    save(path)
    written = path.read_bytes()
    save(path)
    # the order of what a header holds is left to chance
    assert sorted(path.read_bytes()) == sorted(written)
    for foreign in (b"precious", b"", written[:3], b"\n" * 3 + written):
        path.write_bytes(foreign)
        if foreign:
            with pytest.raises(OutputError, match="--force") as told:
                save(path)
            assert "\n" not in str(told.value)
            assert path.read_bytes() == foreign
        if forced:
            save(path, force=True)
            assert sorted(path.read_bytes()) == sorted(written)
    path.unlink(missing_ok=True)
    path.symlink_to("elsewhere")
    for options in ({}, {"force": True}) if forced else ({},):
        with pytest.raises(OutputError, match="symbolic link"):
            save(path, **options)
    assert {p.name for p in tmp_path.iterdir()} == {name}


def test_hoppings_of_a_calculation_are_not_replaced(tmp_path):
    """What Wannier90 wrote begins with another line; a comment of one's own is known again."""
    path = tmp_path / "a_hr.dat"
    _write_hr(path, comment="mine, doped")
    _write_hr(path, comment="mine, doped")
    with pytest.raises(OutputError, match="--force"):
        _write_hr(path)
    text = path.read_text(encoding="utf-8").replace("mine, doped", " written on 30Nov2026", 1)
    path.write_text(text, encoding="utf-8")
    for options in ({}, {"comment": "mine, doped"}, {"comment": ""}):
        with pytest.raises(OutputError, match="--force"):
            _write_hr(path, **options)
    assert path.read_text(encoding="utf-8") == text


def test_certificates_are_read_from_plain_files(tmp_path):
    pytest.importorskip("flint")
    from topophys.errors import InputError
    from topophys.invariants import certificate_file

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "latin").write_bytes(b"\xe9")
    for name in ("pipe", "zero", "latin", "missing", "."):
        for read in (certificate_file.load, certificate_file.verify_certificate):
            with pytest.raises(InputError) as told:
                read(tmp_path / name)
            assert "\n" not in str(told.value)


def test_a_folder_that_is_not_empty_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "foreign").touch()
    message = "^Output .* must be a new or empty folder"
    with pytest.raises(OutputError, match=message) as caught, _io.complete_folder(tmp_path):
        pytest.fail("the folder was given to write to")
    assert "cannot be written" not in str(caught.value)
