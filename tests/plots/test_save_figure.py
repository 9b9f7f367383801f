import base64
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import topophys as tp
from topophys.errors import InputError, OutputError
from topophys.plots import figure_to_data_uri, plot_berry_flux, plot_det_loop, save_figure


def draw():
    return plot_det_loop(tp.models.ssh(1.0, 2.0))


def test_files_are_complete_and_named(tmp_path):
    figure = draw()
    files = save_figure(figure, tmp_path / "new" / "run.v1", ("png", "svg", "pdf"), dpi=100)
    assert [file.name for file in files] == ["run.v1.png", "run.v1.svg", "run.v1.pdf"]
    assert sorted(tmp_path.joinpath("new").iterdir()) == sorted(files)
    content = files[0].read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    inches = figure.get_size_inches()
    assert (width, height) == (round(100 * inches[0]), round(100 * inches[1]))
    assert ET.parse(files[1]).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert files[2].read_bytes().startswith(b"%PDF")


def test_a_name_with_an_ending_is_one_file(tmp_path):
    assert save_figure(draw(), tmp_path / "a.png") == (tmp_path / "a.png",)
    assert save_figure(draw(), str(tmp_path / "b.svg")) == (tmp_path / "b.svg",)
    assert [file.name for file in save_figure(draw(), tmp_path / "c.v2")] == [
        "c.v2.png",
        "c.v2.svg",
    ]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("make", [draw, lambda: plot_berry_flux(
    tp.berry_flux(tp.models.qwz(-1.0).on_grid((8, 8))))], ids=["loop", "map"])  # fmt: skip
def test_equal_figures_give_equal_bytes(tmp_path, make):
    same = make()
    first = save_figure(same, tmp_path / "a", ("png", "svg", "pdf"))
    again = save_figure(same, tmp_path / "b", ("png", "svg", "pdf"))
    fresh = save_figure(make(), tmp_path / "c", ("png", "svg", "pdf"))
    for a, b, c in zip(first, again, fresh, strict=True):
        assert a.read_bytes() == c.read_bytes()
        assert a.read_bytes() == b.read_bytes()


def test_text_of_svg_as_paths_or_text(tmp_path):
    (outlines,) = save_figure(draw(), tmp_path / "a", ("svg",))
    (text,) = save_figure(draw(), tmp_path / "b", ("svg",), svg_text="text")
    assert "<text" not in outlines.read_text(encoding="utf-8")
    assert "<text" in text.read_text(encoding="utf-8")
    assert "<dc:date>" not in outlines.read_text(encoding="utf-8")


def test_unwritable_folder_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError) as caught:
        save_figure(draw(), tmp_path / "file" / "figure")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_failure_half_way_leaves_nothing(tmp_path, monkeypatch):
    original = Path.write_bytes

    def full_disk(self, data):
        if ".svg" in self.name:
            original(self, data[:10])
            raise OSError(28, "No space left on device")
        return original(self, data)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OutputError, match="No space left on device"):
        save_figure(draw(), tmp_path / "figure")
    assert list(tmp_path.iterdir()) == []


def test_old_file_survives_a_failure(tmp_path, monkeypatch):
    (old,) = save_figure(draw(), tmp_path / "figure", ("png",), dpi=50)
    before = old.read_bytes()

    def refuse(self, data):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        save_figure(draw(), tmp_path / "figure", ("png",))
    assert old.read_bytes() == before


@pytest.mark.parametrize("options", [{"formats": ["gif"]}, {"dpi": 1}])
def test_bad_options(tmp_path, options):
    with pytest.raises(InputError):
        save_figure(draw(), tmp_path / "figure", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("form", "mime"), [("svg", "image/svg+xml"), ("png", "image/png")])
def test_data_uri(form, mime):
    uri = figure_to_data_uri(draw(), form)
    head, body = uri.split(",", 1)
    assert head == f"data:{mime};base64"
    content = base64.b64decode(body, validate=True)
    assert content.startswith(b"\x89PNG" if form == "png" else b"<?xml")
    with pytest.raises(InputError, match="gif"):
        figure_to_data_uri(draw(), "gif")


def test_without_a_window_showing_says_what_to_do_instead():
    with pytest.raises(OutputError, match="save_figure"):
        draw().show()


@pytest.mark.process
def test_show_opens_a_window_of_this_figure_and_leaves_it_as_it_was():
    code = """
import matplotlib
matplotlib.use("agg")
from matplotlib import pyplot as plt
import topophys as tp
from topophys.plots import _panels
figure = tp.plots.plot_bands(tp.models.ssh(1.0, 2.0))
before = figure.canvas
_panels._WINDOWLESS.discard("agg")  # as if it had windows
seen = []
def show(block):
    from matplotlib._pylab_helpers import Gcf
    seen.append(Gcf.get_active().canvas.figure is figure)
plt.show = show
figure.show()
print(seen, figure.canvas is before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout.split("\n")[0] == "[True] True", done.stderr
