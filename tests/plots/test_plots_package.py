import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

import topophys as tp
from topophys import plots
from topophys.plots import figure_to_data_uri, plot_bands, plot_det_loop, style
from topophys.plots._style import PALETTE, pi_label


@pytest.mark.process
def test_import_loads_neither_pyplot_nor_heavy_packages():
    code = (
        "import sys, topophys.plots as p;"
        "import topophys as tp; p.figure_to_data_uri(p.plot_bands(tp.models.ssh(1.0, 2.0)), 'png');"
        "print([m for m in ('matplotlib.pyplot', 'torch', 'h5py', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_everything_public_is_exported_and_documented():
    assert sorted(plots.__all__) == plots.__all__
    for name in plots.__all__:
        thing = getattr(plots, name)
        if name.startswith("plot_"):
            for section in ("Parameters", "Returns", "Raises", "Examples"):
                assert f"{section}\n" in thing.__doc__, (name, section)


def test_settings_of_the_user_are_left_alone():
    before = dict(mpl.rcParams)
    plot_det_loop(tp.models.ssh(1.0, 2.0))
    with pytest.raises(RuntimeError), style():
        raise RuntimeError
    assert dict(mpl.rcParams) == before


def test_user_settings_do_not_change_the_picture():
    expected = figure_to_data_uri(plot_bands(tp.models.ssh(1.0, 2.0)))
    with mpl.rc_context({"font.size": 20.0, "axes.grid": True, "xtick.direction": "in"}):
        figure = plot_bands(tp.models.ssh(1.0, 2.0))
    assert figure_to_data_uri(figure) == expected


@pytest.mark.slow
def test_threads_draw_the_same_pictures():
    def draw(t2):
        return figure_to_data_uri(plot_det_loop(tp.models.ssh(1.0, t2)), "png", dpi=50)

    values = [0.5, 2.0, 3.0] * 2
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw, values)) == [draw(value) for value in values]


def test_figure_shows_itself_in_a_notebook():
    figure = plot_bands(tp.models.ssh(1.0, 2.0))
    assert isinstance(figure, Figure)
    content, size = figure._repr_png_()
    assert content.startswith(b"\x89PNG")
    assert size == {"width": 310, "height": 250}


def test_sub_figures_end_in_the_whole_figure():
    whole = Figure()
    left, _ = whole.subfigures(1, 2)
    assert plot_bands(tp.models.ssh(1.0, 2.0), ax=left.subplots()) is whole


def test_palette_is_legible_and_distinct():
    assert len(set(PALETTE.values())) == 8


@pytest.mark.parametrize(
    ("multiple", "text"), [(0, "$0$"), (-1, r"$-\pi$"), (0.25, r"$\pi/4$"), (2, r"$2\pi$")]
)
def test_pi_labels(multiple, text):
    assert pi_label(float(multiple)) == text
