import inspect

import numpy as np
import pytest
from matplotlib.figure import Figure

import topophys as tp
from topophys.errors import InputError, KindError, ShapeError
from topophys.plots import phase_diagram, phase_diagram_data, plot_phase_plane, save_figure
from topophys.plots.phase import integer_colours, isolated_pixels, parameter_label

PHI, M = np.linspace(-np.pi, np.pi, 13), np.linspace(-6.0, 6.0, 9)
HALDANE = {"x": ("phi", PHI), "y": ("m", M), "fixed": {"t2": 1.0}}
SSH = {"x": ("t2", np.linspace(-2.0, 2.0, 9)), "y": ("t3", np.linspace(-2.0, 2.0, 5))}
MARKS = ("unresolved", "unresolved point")


def marks(ax):
    return [c.get_label() for c in ax.get_children() if c.get_label() in MARKS]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_pixels_are_what_is_certified_one_by_one():
    plane = phase_diagram_data(tp.models.haldane, **HALDANE)
    for i, phi in enumerate(PHI):
        for j, m in enumerate(M):
            proof = tp.certify_chern(tp.models.haldane(m, 1.0, phi))
            assert plane.value[i, j] == np.ma.getdata(proof.value)
            assert plane.status[i, j] == proof.status
            assert plane.gap_lower[i, j] == proof.gap_lower
    figure = phase_diagram(tp.models.haldane, **HALDANE)
    (ax,) = figure.axes
    shown = np.ma.filled(ax.images[0].get_array(), 99).T
    known = plane.status == "certified"
    np.testing.assert_array_equal(shown[known], plane.value[known])
    assert (shown[~known] == 99).all()
    assert ax.images[0].get_clim() == (-1.5, 1.5)
    step = PHI[1] - PHI[0]
    np.testing.assert_allclose(
        ax.images[0].get_extent(), [-np.pi - step / 2, np.pi + step / 2, -6.75, 6.75]
    )


def test_lobes_of_haldane():
    plane = phase_diagram_data(tp.models.haldane, **HALDANE)
    known = plane.status == "certified"
    reach = 3.0 * np.sqrt(3.0) * np.abs(np.sin(PHI))[:, None]
    truth = np.where(np.abs(M) < reach, np.sign(np.sin(PHI))[:, None], 0)
    np.testing.assert_array_equal(plane.value[known], truth[known])
    # sin(phi) = sqrt(3)/2 and m = 4.5 is on the boundary; sin(phi) = 0 = m as well
    assert not known[[0, 6, 12], 4].any()
    assert (plane.gap_lower[known] > 0.0).all()
    assert (plane.gap_lower[~known] == 0.0).all()


def test_one_batch_and_one_call_of_the_model():
    calls = []

    def model(a, b):
        calls.append(np.shape(a))
        return tp.models.ssh(a, b)

    phase_diagram_data(model, x=("a", [1.0, 2.0, 3.0]), y=("b", [0.5, 1.5]))
    assert calls == [(3, 2)]


def test_critical_lines_are_grey_and_hatched():
    figure = phase_diagram(tp.models.ssh, **SSH, fixed={"t1": 1.0})
    (ax,) = figure.axes
    assert marks(ax) == ["unresolved"]
    (pixels,) = [c for c in ax.collections if c.get_label() == "unresolved"]
    assert pixels.get_hatch()
    plane = phase_diagram_data(tp.models.ssh, **SSH, fixed={"t1": 1.0})
    assert len(pixels.get_paths()) == (plane.status == "unresolved").sum()
    assert plane.status[4, 3] == "unresolved"  # t2 = 0, t3 = t1: nu from 0 to 2
    assert legend(ax) == [r"$\nu = 2$", r"$\nu = 1$", r"$\nu = 0$", "unresolved"]
    assert (
        ax.get_title() == f"Winding number, {(plane.status == 'certified').sum()} of 45 certified"
    )


def test_single_points_of_fine_planes_get_a_ring():
    options = {"y": ("m", np.linspace(-1.0, 1.0, 3)), "fixed": {"t2": 0.1}}
    fine = phase_diagram(tp.models.haldane, x=("phi", np.linspace(-2.0, 2.0, 41)), **options)
    assert marks(fine.axes[0]) == ["unresolved point"]
    (ring,) = fine.axes[0].lines
    assert ring.get_xydata().tolist() == [[0.0, 0.0]]
    coarse = phase_diagram(tp.models.haldane, x=("phi", np.linspace(-2.0, 2.0, 21)), **options)
    assert marks(coarse.axes[0]) == ["unresolved"]


def test_alone():
    marked = np.array([[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], bool)
    assert np.argwhere(isolated_pixels(marked)).tolist() == [[0, 0], [0, 3]]


def test_boundaries_lie_between_different_integers():
    def model(m, b):
        return tp.models.qwz(m + 0.0 * b)

    options = {"x": ("m", [-3.0, -1.0, 1.0]), "y": ("b", [0.0, 1.0])}
    (ax,) = phase_diagram(model, **options).axes
    (lines,) = [c for c in ax.collections if c.get_label() == "boundaries"]
    ends = sorted(np.array(s).tolist() for s in lines.get_segments())
    assert ends == [[[x, y], [x, y + 1.0]] for x in (-2.0, 0.0) for y in (-0.5, 0.5)]
    (bare,) = phase_diagram(model, **options, boundaries=False).axes
    assert not bare.collections


def test_min_gap_leaves_less():
    options = {"x": ("mu", [-3.0, -1.9, -0.8]), "y": ("delta", [0.9, 1.0]), "fixed": {"t": 1.0}}
    assert (phase_diagram_data(tp.models.kitaev_chain, **options).status == "certified").all()
    strict = phase_diagram_data(tp.models.kitaev_chain, **options, min_gap=0.5)
    assert (strict.status == "unresolved").tolist() == [[False] * 2, [True] * 2, [False] * 2]
    assert strict.gap_lower[0].min() >= 0.5


def test_invariant_and_filling():
    def model(phi, t):
        return tp.models.kagome(phi, t)

    options = {"x": ("phi", [0.2, 0.4]), "y": ("t", [1.0, 2.0])}
    for n in (1, 2):
        plane = phase_diagram_data(model, **options, n_occupied=n)
        proof = tp.certify_chern(tp.models.kagome([0.2, 0.4]), n_occupied=n)
        np.testing.assert_array_equal(plane.value[:, 0], proof.value)
        np.testing.assert_allclose(plane.gap_lower[:, 0], proof.gap_lower)
    chern = phase_diagram_data(tp.models.haldane, **HALDANE, invariant="chern")
    assert chern.quantity == "Chern number"


def test_axes_are_named():
    (ax,) = phase_diagram(tp.models.haldane, **HALDANE).axes
    assert ax.get_xlabel() == r"$\phi$ (rad)"
    assert ax.get_ylabel() == "$m$"
    ax.figure.draw_without_rendering()
    assert [t.get_text() for t in ax.get_xticklabels()][1] == r"$-\pi$"
    (ax,) = phase_diagram(tp.models.haldane, **HALDANE, labels=("a", "b"), title="H").axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    assert ax.get_title().startswith("H\nChern number, ")


@pytest.mark.parametrize(
    ("name", "label"),
    [("m", "$m$"), ("t2", "$t_{2}$"), ("mu", r"$\mu$"), ("lambda_so", r"$\lambda_{so}$"),
     ("k0", "$k_{0}$"), ("dimer", "dimer"), ("hop_x", "hop x"), ("delta_12", r"$\delta_{12}$")],
)  # fmt: skip
def test_parameter_labels(name, label):
    assert parameter_label(name) == label


def test_colours_are_distinct_and_none_is_black():
    colours, norm = integer_colours(3)
    shades = colours(norm(np.arange(-3, 4)))[:, :3]
    apart = np.linalg.norm(shades[:, None] - shades, axis=-1) + np.eye(7)
    assert apart.min() > 0.15
    assert (shades.max(axis=1) > 0.5).all()
    np.testing.assert_allclose(shades[3], 0.97, atol=0.01)


def test_own_axes_and_equal_bytes(tmp_path):
    figure = Figure()
    ax = figure.subplots()
    plane = phase_diagram_data(tp.models.ssh, **SSH, fixed={"t1": 1.0})
    assert plot_phase_plane(plane, ax=ax) is figure
    files = [save_figure(plot_phase_plane(plane), tmp_path / n) for n in "ab"]
    for a, b in zip(*files, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_phase_diagram_without_any_certificate():
    options = {"x": ("t1", [1.0, 2.0]), "y": ("t2", [1.0, 2.0])}
    figure = phase_diagram(tp.models.ssh, **options, min_gap=100.0)
    assert legend(figure.axes[0]) == ["unresolved"]
    assert figure.axes[0].get_title() == "Winding number, 0 of 4 certified"
    assert "none" in repr(phase_diagram_data(tp.models.ssh, **options, min_gap=100.0))


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"x": ("t2", [0.0, 1.0, 3.0])}, InputError, r"`x\[1\]` must rise in even steps"),
        ({"x": ("t2", [1.0])}, ShapeError, r"`x\[1\]`"),
        ({"x": ("t2", [0.0, np.nan])}, InputError, "finite"),
        ({"y": ("t2", [0.0, 1.0])}, InputError, "each parameter once"),
        ({"y": ("t1", [0.0, 1.0])}, InputError, "each parameter once"),
        ({"y": ("t4", [0.0, 1.0])}, InputError, "`model` must take exactly"),
        ({"fixed": {}}, InputError, "missing a required argument: 't1'"),
        ({"x": ("t2",)}, InputError, "must be a pair"),
        ({"x": (2, [0.0, 1.0])}, InputError, "must be a pair"),
        ({"invariant": "z2"}, InputError, "'auto' or 'winding' or 'chern'"),
        ({"invariant": "chern"}, KindError, "two dimensions"),
        ({"n_occupied": 1}, InputError, "left out"),
        ({"min_gap": -1.0}, InputError, "min_gap"),
        ({"model": "ssh"}, KindError, "must be a function"),
        ({"model": lambda t1, t2, t3: t1}, KindError, "must return a Hamiltonian"),
        ({"model": lambda t1, t2, t3: tp.models.ssh(t1, 1.0)}, ShapeError, "batch of shape"),
        ({"model": lambda t1, t2, t3: tp.models.qwz(t2), "invariant": "winding"}, KindError,
         "ChiralHamiltonian"),
    ],
)  # fmt: skip
def test_bad_input(change, error, text):
    arguments = {"model": tp.models.ssh, **SSH, "fixed": {"t1": 1.0}, **change}
    with pytest.raises(error, match=text) as caught:
        # without the checks of annotations that the test run adds
        inspect.unwrap(phase_diagram_data)(arguments.pop("model"), **arguments)
    assert "\n" not in str(caught.value)


def test_a_plane_is_wanted_and_integers_have_a_limit():
    with pytest.raises(KindError, match="PhasePlane"):
        inspect.unwrap(plot_phase_plane)(np.zeros((3, 3)))
    with pytest.raises(InputError, match="up to 12"):
        integer_colours(13)


def test_numbers_modulo_two_have_no_sign_and_shares_are_not_rounded_up(monkeypatch):
    found = tp.certify_phases(tp.models.bhz, {"m": (-1, 1)}, time_reversal="up first", share=0.9)
    assert {r.value for r in found.regions} == {0, 1}
    assert "value 1 " in repr(found)
    figure = phase_diagram(found)
    assert legend(figure.axes[0]) == ["0", "1"]
    monkeypatch.setattr(tp.PhaseDiagram, "share", 0.999996)
    assert "99.99 % proven" in phase_diagram(found).axes[0].get_title()
